/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: defaults, validation, and its translation into what mp and tcp obey. Called when a
 * stack, a listener or a connection is made, never for packets.
 *
 * Names of policies are resolved here and nowhere else; a configuration that passed can be used
 * without another look. */
#include "stack_int.h"

#include "../wire/wire.h"

enum {
    RETRIES_ONLY = 15, RECS_MIN = 64, RECS_MAX = 65536, BUF_MIN = 2048, BUF_MAX = 1 << 30,
    SHARED_LOOKS = 8, /* configurations that a new one is compared with */
};

static const struct plait_conn_config conn_defaults = {
    .mptcp = true,
    .offer_versions = PLAIT_MPTCP_V1,
    .accept_versions = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1,
    .allow_join_initial = true,
    .cc = "cubic",
    .sched = "minrtt",
    .pm = "fullmesh",
    .ecn = PLAIT_ECN_ACCEPT,
    .ports = 2,
    .demand_bytes = 64u << 10,
    .demand_after = 1 * PLAIT_SEC,
    .subflows_max = 8,
    .addrs_max = 8,
    .sndbuf_max = 8u << 20,
    .rcvbuf_max = 8u << 20,
    .rcvbuf_init = 256u << 10,
    .keepalive_interval = 75 * PLAIT_SEC,
    .keepalive_probes = 9,
    /*= RFC 9293 MUST-23 */
    .syn_retries = 7,
    .mp_syn_retries = 3,
    .subflow_retries = 8,
};

void plait_config_init(struct plait_config *config)
{
    *config = (struct plait_config){
        .conns_max = 65536,
        .half_open_max = 4096,
        .fastopen_max = 64,
        .mem_max = (uint64_t)256 << 20,
        .mem_kept = 1 << 20,
        .rto_min = 200 * PLAIT_MSEC,
        .ack_delay = 40 * PLAIT_MSEC,
        .time_wait = 60 * PLAIT_SEC,
        .last_subflow_wait = 60 * PLAIT_SEC,
        .peers_max = 1024,
        .peer_wait = 60 * PLAIT_SEC,
        .peer_wait_max = 3600 * PLAIT_SEC,
        .shard_n = 1,
        .conn = conn_defaults,
    };
}

static bool versions_ok(const struct plait_conn_config *c)
{
    const uint8_t all = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1;

    return c->offer_versions != 0 && (c->offer_versions & ~all) == 0 &&
           c->accept_versions != 0 && (c->accept_versions & ~all) == 0;
}

static bool numbers_ok(const struct plait_conn_config *c)
{
    if (c->subflows_max < 1 || c->subflows_max > MP_SUBFLOWS_MAX || c->addrs_max > PM_ADDRS_MAX)
        return false;
    if (c->ports < 1)
        return false;
    if (c->sndbuf_max < BUF_MIN || c->sndbuf_max > BUF_MAX)
        return false;
    if (c->rcvbuf_max < BUF_MIN || c->rcvbuf_max > BUF_MAX)
        return false;
    if (c->rcvbuf_init < BUF_MIN || c->rcvbuf_init > c->rcvbuf_max)
        return false;
    if ((unsigned)c->ecn > PLAIT_ECN_ON)
        return false;
    if (c->keepalive_idle != 0 && (c->keepalive_interval == 0 || c->keepalive_probes == 0))
        return false;
    return versions_ok(c) && !(c->require_mptcp && !c->mptcp);
}

/*= RFC 7323 2.3-6 */
/* RFC 7323 2.3: the shift is at most 14. */
static uint8_t wscale_for(uint32_t rcvbuf_max)
{
    uint8_t shift = 0;

    while (shift < 14 && (rcvbuf_max >> shift) > UINT16_MAX)
        shift++;
    return shift;
}

static uint32_t records_for(uint32_t sndbuf_max)
{
    uint32_t n = sndbuf_max / 128 + RECS_MIN;

    return n < RECS_MAX ? n : RECS_MAX;
}

static struct tcp_config tcp_part(const struct plait_config *s, const struct plait_conn_config *c)
{
    return (struct tcp_config){
        .cc = c->own_cc != NULL ? c->own_cc : cc_find(c->cc),
        .ecn = c->ecn,
        .rto_min = s->rto_min,
        .ack_delay = s->ack_delay,
        .time_wait = s->time_wait,
        .user_timeout = 0, /* the connection has one, a subflow has not */
        /*= RFC 9293 3.8.4
         * If keep-alives are included, the application MUST be able to turn them on or off for each
         * TCP connection (MUST-24), and they MUST default to off (MUST-25). */
        /*= RFC 9293 3.8.4
         * This interval MUST be configurable (MUST-27) */
        .keepalive_idle = c->keepalive_idle,
        .keepalive_interval = c->keepalive_interval,
        .keepalive_probes = c->keepalive_probes,
        .syn_retries = c->syn_retries,
        .retries = RETRIES_ONLY,
        .recs_max = records_for(c->sndbuf_max),
        .rcv_mem_max = 2 * c->rcvbuf_max,
        .wscale = wscale_for(c->rcvbuf_max),
    };
}

int stack_conn_config(const struct plait_config *config, const struct plait_conn_config *c,
                      struct mp_config *out)
{
    if (!numbers_ok(c))
        return PLAIT_EINVAL;
    if (c->cc == NULL || c->sched == NULL || c->pm == NULL)
        return PLAIT_EINVAL;
    *out = (struct mp_config){
        .mptcp = c->mptcp,
        .offer = c->offer_versions,
        .accept = c->accept_versions,
        .refuse_joins = !c->allow_join_initial,
        .require_mptcp = c->require_mptcp,
        .checksum = c->checksum,
        .nodelay = c->nodelay,
        .fastopen = c->fastopen,
        .server_joins = c->server_joins,
        .sched = c->own_sched != NULL ? c->own_sched : sched_find(c->sched),
        .pm = c->own_pm != NULL ? c->own_pm : pm_find(c->pm),
        .ports = c->ports,
        .demand_bytes = c->demand_bytes,
        .demand_after = c->demand_after,
        .subflows_max = c->subflows_max,
        .addrs_max = c->addrs_max,
        .mp_syn_retries = c->mp_syn_retries,
        .subflow_retries = c->subflow_retries,
        .sndbuf_max = c->sndbuf_max,
        .rcvbuf_max = c->rcvbuf_max,
        .rcvbuf_init = c->rcvbuf_init,
        .user_timeout = c->user_timeout,
        .time_wait = config->time_wait,
        .last_subflow_wait = config->last_subflow_wait,
        .tcp = tcp_part(config, c),
    };
    return out->sched != NULL && out->pm != NULL && out->tcp.cc != NULL ? 0 : PLAIT_ENOENT;
}

static bool same_tcp(const struct tcp_config *a, const struct tcp_config *b)
{
    return a->cc == b->cc && a->ecn == b->ecn && a->rto_min == b->rto_min &&
           a->ack_delay == b->ack_delay && a->time_wait == b->time_wait &&
           a->user_timeout == b->user_timeout && a->keepalive_idle == b->keepalive_idle &&
           a->keepalive_interval == b->keepalive_interval &&
           a->keepalive_probes == b->keepalive_probes && a->syn_retries == b->syn_retries &&
           a->retries == b->retries && a->recs_max == b->recs_max &&
           a->rcv_mem_max == b->rcv_mem_max && a->mss_local == b->mss_local &&
           a->gso_max == b->gso_max && a->wscale == b->wscale;
}

/* All that they say: their padding may differ. */
static bool same_config(const struct mp_config *a, const struct mp_config *b)
{
    return a->mptcp == b->mptcp && a->require_mptcp == b->require_mptcp &&
           a->checksum == b->checksum && a->nodelay == b->nodelay &&
           a->server_joins == b->server_joins && a->fastopen == b->fastopen &&
           a->avoid_mptcp == b->avoid_mptcp && a->refuse_joins == b->refuse_joins &&
           a->offer == b->offer && a->accept == b->accept && a->sched == b->sched &&
           a->pm == b->pm && a->ports == b->ports && a->demand_bytes == b->demand_bytes &&
           a->demand_after == b->demand_after && a->subflows_max == b->subflows_max &&
           a->addrs_max == b->addrs_max &&
           a->mp_syn_retries == b->mp_syn_retries && a->subflow_retries == b->subflow_retries &&
           a->sndbuf_max == b->sndbuf_max && a->rcvbuf_max == b->rcvbuf_max &&
           a->rcvbuf_init == b->rcvbuf_init && a->user_timeout == b->user_timeout &&
           a->time_wait == b->time_wait && a->last_subflow_wait == b->last_subflow_wait &&
           same_tcp(&a->tcp, &b->tcp);
}

struct stack_config *stack_config_share(struct plait_stack *s, const struct mp_config *cfg)
{
    struct list *at = s->configs.next;
    struct stack_config *c;

    for (unsigned i = 0; i < SHARED_LOOKS && at != &s->configs; i++, at = at->next) {
        c = LIST_OWNER(at, struct stack_config, all);
        if (same_config(&c->cfg, cfg)) {
            c->users++;
            return c;
        }
    }
    c = ctx_alloc(&s->ctx, sizeof *c);
    if (c == NULL)
        return NULL;
    c->cfg = *cfg;
    c->users = 1;
    list_add_tail(s->configs.next, &c->all); /* in front of the others */
    return c;
}

void stack_config_drop(struct plait_stack *s, struct stack_config *c)
{
    if (--c->users > 0)
        return;
    list_del(&c->all);
    ctx_free(&s->ctx, c, sizeof *c);
}

bool stack_config_ok(const struct plait_config *c)
{
    return c->conns_max > 0 && c->half_open_max > 0 && c->mem_max > 0 && c->rto_min > 0 &&
           /*= RFC 9293 MUST-40 */
           c->ack_delay < 500 * PLAIT_MSEC && c->peer_wait > 0 &&
           c->fastopen_max <= STACK_FASTOPEN_MAX && c->shard_n <= PLAIT_SHARDS_MAX &&
           c->shard < c->shard_n &&
           c->peer_wait <= c->peer_wait_max;
}

struct tcp_config stack_tcp_config(const struct mp_config *cfg, const struct plait_local *local)
{
    struct tcp_config tcp = cfg->tcp;

    tcp.mss_local = wire_mss_of_mtu(local->mtu, local->addr.family);
    tcp.gso_max = local->gso_max;
    return tcp;
}

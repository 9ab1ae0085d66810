/* SPDX-License-Identifier: Apache-2.0 */
/* The MPTCP connection: what it is made of, and the walk of a segment through it.
 *
 * Owned by the stack's wrapper. A connection has one stream each way, positions that number it,
 * and up to 32 subflows, each of them a TCP of its own:
 *
 *   in    mp_input: tcp_input(tcb) -> handshake (capable, join) -> options (opts, dss, addr)
 *                   -> delivery (rx) -> what follows from it (settle)
 *   out   mp_plan: scheduling (tx) -> each subflow: tcp_plan(tcb) -> options (opts) -> views (tx)
 *         mp_commit: tcp_commit(tcb) -> what was said (opts)
 *   time  timer.c
 *
 * Plain TCP is the same with mode PLAIN: one subflow, no options, its acknowledgments count.
 *
 * A plan that is not committed has changed nothing but one thing: data may have been given to
 * subflows, where it stays until it is sent.
 *
 * Every step ends in mp_settle(): there a dead subflow is noticed, the close goes on, and timers
 * that depend on both are set. Subflows are freed by mp_bury() alone. RFC 8684 2, 3, appendix C. */
#include "mp_int.h"

#include "../base/addr.h"

#include <assert.h>
#include <string.h>

#define STARVED_WAIT (100 * PLAIT_MSEC)
#define CROSSING_MIN (50 * PLAIT_MSEC)
#define CROSSING_SPAN (200 * PLAIT_MSEC)

/* ---- traces --------------------------------------------------------------------------------- */

void mp_trace(const struct mp_conn *c, const struct mp_subflow *s, struct mp_event ev,
              plait_time now)
{
    struct plait_trace t = {
        .type = ev.type, .reason = (uint16_t)ev.reason, .subflow = 255, .conn = c->id, .now = now,
        .a = ev.a, .b = ev.b, .local = c->first_local, .remote = c->first_remote,
    };

    if (s != NULL) {
        t.subflow = s->id;
        t.local = s->tcb.local;
        t.remote = s->tcb.remote;
    }
    if (ev.told != NULL && ev.type == PLAIT_TRACE_ADDR_IN)
        t.remote = *ev.told;
    else if (ev.told != NULL)
        t.local = *ev.told;
    ctx_trace(c->ctx, &t);
}

void mp_drop(const struct mp_conn *c, const struct mp_subflow *s, enum plait_reason why,
             plait_time now)
{
    ctx_count(c->ctx, why);
    mp_trace(c, s, (struct mp_event){ .type = PLAIT_TRACE_DROP, .reason = why }, now);
}

/* ---- birth ---------------------------------------------------------------------------------- */

static void conn_tables(struct mp_conn *c)
{
    struct mp_remote *first;

    vec_init(&c->remotes, sizeof(struct mp_remote), PM_ADDRS_MAX);
    vec_init(&c->announced, sizeof(struct mp_announced), PM_ADDRS_MAX);
    vec_init(&c->bars, sizeof(struct mp_bar), MP_BARS_MAX);
    vec_init(&c->echoes, sizeof(struct wire_mp_add_addr), MP_ECHOES_MAX);
    vec_lend(&c->remotes, &c->first);
    first = vec_push(&c->remotes, &c->ctx->env);
    *first = (struct mp_remote){ .id = 0, .addr = c->first_remote };
}

static struct mp_conn *conn_new(const struct mp_conn_args *args, const struct plait_addr *local,
                                const struct plait_addr *remote, plait_time now)
{
    struct mp_conn *c = ctx_alloc(args->ctx, sizeof *c);

    if (c == NULL)
        return NULL;
    c->ctx = args->ctx;
    c->cfg = args->cfg;
    c->locals = args->locals;
    c->id = args->id;
    c->owner = args->owner;
    c->first_local = *local;
    c->first_remote = *remote;
    list_init(&c->subflows);
    store_init(&c->store, &c->ctx->pool, 0);
    reasm_init(&c->rx, 0);
    rangeset_init(&c->reinject, &c->ctx->env, MP_REINJECT_RANGES);
    c->rcvbuf = c->cfg->rcvbuf_init;
    c->rcv_edge = c->rcvbuf;
    c->sndbuf = c->cfg->sndbuf_max < (256u << 10) ? c->cfg->sndbuf_max : 256u << 10;
    c->progress_at = c->drs_at = now;
    c->fin_at = c->rtx_at = c->pm_at = c->alone_at = c->orphan_at = PLAIT_NEVER;
    c->starved_at = PLAIT_NEVER;
    conn_tables(c);
    return c;
}

struct mp_conn *mp_connect(const struct mp_conn_args *args, const struct mp_key *key,
                           const struct plait_addr *local, const struct plait_addr *remote,
                           plait_time now)
{
    struct mp_conn *c = conn_new(args, local, remote, now);
    struct mp_subflow *s;

    if (c == NULL)
        return NULL;
    c->local = *key;
    c->version = mp_offered_version(c->cfg);
    c->mode = c->cfg->mptcp ? MP_MODE_PENDING : MP_MODE_PLAIN;
    if (!c->cfg->mptcp)
        c->fallback = c->cfg->avoid_mptcp ? PLAIT_REASON_MP_AVOIDED : PLAIT_REASON_MP_DISABLED;
    s = mp_subflow_new(c, local, remote);
    if (s == NULL || tcp_connect(&s->tcb, local, remote, now) != 0) {
        mp_conn_free(c);
        return NULL;
    }
    s->initiator = true;
    /* Version 0 leaves no room for it in the SYN. */
    if (args->fastopen != NULL && (c->mode == MP_MODE_PLAIN || c->version > 0))
        tcp_fastopen_begin(&s->tcb, args->fastopen);
    c->news |= MP_NEWS_TOKEN;
    mp_set_state(c, MP_ST_CONNECTING, now);
    return c;
}

/* Data of a connection whose third ACK, with the keys, has not come yet: it got lost or is late.
 * To take this one would mean plain TCP; the initiator repeats the keys with its first data until
 * it was acknowledged (RFC 8684 3.1). */
static bool wait_for_keys(const struct tcp_half *th, const struct mp_half *mh,
                          const struct wire_seg *ack)
{
    return mp_half_waits(mh, ack) && ack->seq != th->irs + 1;
}

static void accept_mode(struct mp_conn *c, const struct mp_half *mh, const struct wire_seg *ack,
                        plait_time now)
{
    enum plait_reason why = mp_capable_ack(mh, ack, &c->remote);
    struct mp_event ev = { .type = PLAIT_TRACE_FALLBACK, .reason = why };

    if (why == PLAIT_REASON_NONE) {
        c->has_remote = true;
        mp_set_mode(c, MP_MODE_MULTIPATH, now);
        return;
    }
    mp_set_mode(c, MP_MODE_PLAIN, now);
    c->fallback = why;
    ctx_count(c->ctx, why);
    if (c->cfg->mptcp)
        mp_trace(c, NULL, ev, now);
}

static struct mp_conn *accept_new(const struct mp_conn_args *args, const struct tcp_half *th,
                                  const struct mp_half *mh, plait_time now)
{
    struct mp_conn *c = conn_new(args, &th->local, &th->remote, now);

    if (c == NULL)
        return NULL;
    c->passive = true;
    /*= RFC 8684 3.9.2
     * If a host does not support TCP simultaneous open, it is RECOMMENDED that some element of
     * randomization be applied to the time to wait before opening new subflows, so that only one
     * subflow is created between a given address pair. */
    /* A join that crosses another one has no place for the proofs of both. */
    if (c->cfg->server_joins)
        c->join_after = now + CROSSING_MIN + ctx_random_u32(c->ctx) % CROSSING_SPAN;
    c->local = mh->local;
    c->version = mh->version;
    c->checksum = mh->checksum;
    mp_store_checksums(c);
    mp_remote_at(c, 0)->refuses = mh->peer_no_join;
    return c;
}

/* c with its subflow; NULL, and c is gone: no memory. */
static struct mp_conn *accept_subflow(struct mp_conn *c, const struct tcp_half *th, plait_time now)
{
    struct mp_subflow *s = mp_subflow_new(c, &th->local, &th->remote);

    if (s == NULL || tcp_from_half(&s->tcb, th, now) != 0) {
        mp_conn_free(c);
        return NULL;
    }
    c->news |= MP_NEWS_TOKEN;
    mp_set_state(c, MP_ST_CONNECTING, now);
    return c;
}

struct mp_conn *mp_accept(const struct mp_conn_args *args, const struct tcp_half *th,
                          const struct mp_half *mh, const struct wire_seg *ack, plait_time now)
{
    struct mp_conn *c;

    if (wait_for_keys(th, mh, ack))
        return NULL;
    c = accept_new(args, th, mh, now);
    if (c == NULL)
        return NULL;
    accept_mode(c, mh, ack, now);
    return accept_subflow(c, th, now);
}

/*= RFC 7413 4.2.2
 * Buffer the data and notify the application. */
/* What memory allows of it: the client repeats the rest. */
static bool take_syn_text(struct mp_conn *c, struct tcp_half *th, const struct wire_seg *syn)
{
    uint32_t len = syn->len < c->rcvbuf ? syn->len : c->rcvbuf;

    th->text = (uint32_t)reasm_insert_copy(&c->rx, &c->ctx->pool, 0, syn->data, len);
    c->rcv_first = th->text;
    c->plain_shift = c->bytes_received = th->text;
    c->news |= MP_NEWS_READABLE;
    return th->text > 0;
}

struct mp_conn *mp_accept_early(const struct mp_conn_args *args, struct tcp_half *th,
                                const struct mp_half *mh, const struct wire_seg *syn,
                                plait_time now)
{
    struct mp_conn *c = accept_new(args, th, mh, now);

    if (c == NULL)
        return NULL;
    if (!take_syn_text(c, th, syn)) {
        mp_conn_free(c);
        return NULL;
    }
    if (mh->kind != MP_HALF_CAPABLE)
        accept_mode(c, mh, syn, now);
    return accept_subflow(c, th, now);
}

void mp_conn_free(struct mp_conn *c)
{
    struct mp_subflow *s;

    while ((s = mp_first(c)) != NULL)
        mp_subflow_free(s);
    store_fini(&c->store);
    reasm_fini(&c->rx, &c->ctx->pool);
    rangeset_fini(&c->reinject);
    vec_fini(&c->remotes, &c->ctx->env);
    vec_fini(&c->announced, &c->ctx->env);
    vec_fini(&c->bars, &c->ctx->env);
    vec_fini(&c->echoes, &c->ctx->env);
    ctx_free(c->ctx, c->sched_state, sizeof *c->sched_state);
    mp_info_forget(c);
    ctx_free(c->ctx, c, sizeof *c);
}

/*= RFC 8684 3.7
 * Once MPTCP falls back to regular TCP, it MUST NOT revert to MPTCP later in the connection. */
void mp_set_mode(struct mp_conn *c, enum mp_mode to, plait_time now)
{
    (void)now;
    if (c->mode == to)
        return;
    c->mode = to;
    c->news |= MP_NEWS_TOKEN;
    mp_path_changed(c);
}

/* ---- what the stack asks -------------------------------------------------------------------- */

void *mp_owner(struct mp_conn *c) { return c->owner; }

uint8_t mp_version(const struct mp_conn *c) { return c->version; }

bool mp_token(const struct mp_conn *c, uint32_t *token)
{
    if (c->mode == MP_MODE_PLAIN || c->over)
        return false;
    *token = c->local.token;
    return true;
}

unsigned mp_news(struct mp_conn *c)
{
    unsigned news = c->news;

    c->news = 0;
    return news;
}

bool mp_is_finished(const struct mp_conn *c) { return c->released && c->over && c->sub_n == 0; }

struct mp_subflow *mp_next_born(struct mp_conn *c)
{
    MP_EACH(s, c)
        if (s->born) {
            s->born = false;
            return s;
        }
    return NULL;
}

struct mp_subflow *mp_next_dead(struct mp_conn *c)
{
    MP_EACH(s, c)
        if (s->phase == MP_PHASE_DOWN && !s->tcb.rst_wanted && !s->born && !s->told_dead) {
            s->told_dead = true;
            return s;
        }
    return NULL;
}

void mp_bury(struct mp_subflow *s)
{
    mp_info_remember(s);
    mp_subflow_free(s);
}

/* ---- its subflows --------------------------------------------------------------------------- */

uint32_t mp_alive_n(const struct mp_conn *c)
{
    uint32_t n = 0;

    MP_EACH(s, c)
        n += mp_subflow_alive(s);
    return n;
}

static bool better(const struct mp_subflow *a, const struct mp_subflow *b)
{
    plait_time ra = a->tcb.loss.rtt.srtt, rb = b->tcb.loss.rtt.srtt;

    if (a->stale != b->stale)
        return !a->stale;
    return ra != 0 && (rb == 0 || ra < rb || (ra == rb && a->id < b->id));
}

struct mp_subflow *mp_best(const struct mp_conn *c, const struct mp_subflow *not_this)
{
    struct mp_subflow *best = NULL;

    MP_EACH(s, c)
        if (s != not_this && mp_subflow_usable(s) && (best == NULL || better(s, best)))
            best = s;
    return best;
}

bool mp_has_other(const struct mp_conn *c, const struct mp_subflow *s)
{
    MP_EACH(o, c)
        if (o != s && mp_subflow_usable(o) && !o->stale)
            return true;
    return false;
}

/*= RFC 8684 3.3.6
 * The sender will declare the subflow failed after a predefined upper bound on retransmissions is
 * reached (which MAY be lower than the usual TCP limits of the MSL) */
/*= RFC 8684 3.3.6
 * If multiple retransmissions that indicate that a subflow is performing badly are triggered, this
 * MAY lead to a host resetting the subflow with a RST. */
/* The only path of a connection is worth more patience than one of several. */
void mp_update_retries(struct mp_conn *c)
{
    bool only = mp_alive_n(c) <= 1;

    MP_EACH(s, c)
        s->tcb.retries = only ? c->cfg->tcp.retries : c->cfg->subflow_retries;
}

/* ---- settling ------------------------------------------------------------------------------- */

/* Break before make: without a subflow the connection waits for one. */
static void watch_alone(struct mp_conn *c, plait_time now)
{
    bool open = false;

    MP_EACH(s, c)
        open = open || (s->phase == MP_PHASE_OPEN && mp_subflow_alive(s));
    if (open || c->over || !c->established || c->mode != MP_MODE_MULTIPATH)
        c->alone_at = PLAIT_NEVER;
    else if (c->alone_at == PLAIT_NEVER)
        c->alone_at = now + c->cfg->last_subflow_wait;
}

void mp_settle(struct mp_conn *c, plait_time now)
{
    mp_close_step(c, now);
    MP_EACH(s, c)
        mp_subflow_settle(s, now);
    mp_close_step(c, now);
    watch_alone(c, now);
    mp_rtx_rearm(c, now);
}

/* ---- in ------------------------------------------------------------------------------------- */

const struct tcb *mp_fastopen_tcb(const struct mp_conn *c)
{
    const struct mp_subflow *s = mp_first(c);

    return s != NULL && s->first && s->tcb.fastopen != NULL && s->tcb.fastopen->on ? &s->tcb : NULL;
}

/*= RFC 8684 B.2
 * the TFO data must not be considered part of the data sequence number space: the SYN with
 * MP_CAPABLE still occupies the first octet of data sequence space, but then the first non-TFO data
 * byte occupies the second octet. */
/* Positions count it, so the IDSN is taken for so much lower: ours where we sent it, the peer's
 * where we took it. */
static void skip_syn_text(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint32_t n = s->initiator ? tcp_fastopen_taken(&s->tcb) : 0;

    c->remote.idsn -= c->rcv_first;
    c->local.idsn -= n;
    c->snd_first = c->snd_una = c->snd_nxt = n;
    mp_store_release(c, now);
}

/* The connection began with its SYN: this is the third ACK. */
static void late_keys(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct mp_half mh = mp_capable_half(c);

    accept_mode(c, &mh, seg, now);
    s->tcb.shared_window = c->mode == MP_MODE_MULTIPATH;
}

static void first_established(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    struct mp_conn *c = s->conn;

    if (s->initiator && c->mode == MP_MODE_PENDING)
        mp_capable_synack(s, seg, now);
    else if (c->mode == MP_MODE_PENDING)
        late_keys(s, seg, now);
    else if (c->mode == MP_MODE_PLAIN && c->cfg->require_mptcp)
        mp_conn_die(c, PLAIT_REASON_NOT_MPTCP, now);
    if (c->over || c->mode == MP_MODE_PENDING) /* dead, or about to try version 0 */
        return;
    c->established = true;
    c->up_at = now;
    skip_syn_text(s, now);
    c->snd_edge = c->snd_una + s->tcb.snd_wnd;
    c->progress_at = now;
    c->news |= MP_NEWS_CONNECTED | MP_NEWS_WRITABLE;
    mp_set_state(c, MP_ST_ESTAB, now);
    mp_subflow_up(s, now);
}

static void established(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    if (s->first)
        first_established(s, seg, now);
    else if (s->initiator)
        mp_join_synack(s, seg, now);
    else
        mp_subflow_up(s, now);
}

/* The round trip as a receiver of data can see it: our timestamp comes back with the data that
 * our ACK let go. Follows a fall at once and a rise slowly: data that was late for other reasons
 * comes too. */
static void sample_rcv_rtt(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    uint32_t clock = (uint32_t)(now / PLAIT_MSEC) + s->tcb.ts_offset;
    uint32_t ms = clock - seg->opt.tsecr;
    plait_time rtt = (plait_time)(ms > 0 ? ms : 1) * PLAIT_MSEC;

    if (!s->tcb.ts_on || !seg->opt.has_ts || seg->len == 0 || ms > 2000)
        return;
    if (s->rcv_rtt == 0 || rtt < s->rcv_rtt)
        s->rcv_rtt = rtt;
    else
        s->rcv_rtt += (rtt - s->rcv_rtt) / 8;
}

static void took(struct mp_subflow *s, const struct wire_seg *seg, const struct tcp_result *res,
                 plait_time now)
{
    s->probe_at = PLAIT_NEVER; /* it lives */
    s->probe_due = false;
    sample_rcv_rtt(s, seg, now);
    mp_tx_subflow_acked(s, res, now);
    mp_opts_input(s, seg, now);
    if (s->failed && seg->len > 0)
        s->fail_due = true; /* the peer has not heard */
    /*= RFC 8684 3.7
     * If, however, an ACK is received for data (not just for the SYN) without a DSS option
     * containing a Data ACK, the sender determines that the path is not MPTCP capable. */
    if (seg->mp.any || res->acked > 0)
        s->bare = !seg->mp.any;
    if (res->acked > 0 && wire_mp_has(&seg->mp, WIRE_MP_DSS) && seg->mp.dss.has_ack)
        s->data_acked = true;
    else if (res->acked > 0 && !seg->mp.any)
        mp_no_data_ack(s, now);
}

/* Why a segment must come again later: TCP would acknowledge what there is no use for yet. */
static enum plait_reason too_early(struct mp_subflow *s, const struct wire_seg *seg)
{
    if (mp_capable_waits(s, seg))
        return PLAIT_REASON_MP_ACK_PLAIN;
    if (mp_unmapped_full(s, seg))
        return PLAIT_REASON_DSS_UNMAPPED;
    return mp_map_room(s, seg) ? PLAIT_REASON_NONE : PLAIT_REASON_DSS_MAPS_FULL;
}

void mp_input(struct mp_subflow *s, const struct wire_seg *seg, struct plait_block **block,
              plait_time now)
{
    struct mp_conn *c = s->conn;
    struct tcp_result res;
    enum plait_reason why;

    if (s->phase == MP_PHASE_DOWN)
        return;
    why = too_early(s, seg);
    if (why != PLAIT_REASON_NONE) {
        mp_drop(c, s, why, now);
        return;
    }
    tcp_input(&s->tcb, seg, block, now, &res);
    /* Nothing in order may be refused for the sake of what is not: the hole would never close. */
    if (res.reason == PLAIT_REASON_NO_MEMORY && reasm_prune(&c->rx, &c->ctx->pool, 0) > 0)
        mp_drop(c, s, PLAIT_REASON_RX_PRUNED, now);
    if (res.reset)
        mp_opts_reset(s, seg, now);
    if (res.established)
        established(s, seg, now);
    /*= RFC 8684 3
     * standard TCP validity checks (such as ensuring that the sequence number and acknowledgment
     * number are within the window) MUST be undertaken before processing any MPTCP signals */
    /*= RFC 8684 3.4.1
     * As with all MPTCP signals, the receiver MUST undertake standard TCP validity checks, e.g.,
     * per [RFC5961], before acting upon it. */
    /*= RFC 8684 3.4.2
     * Typical TCP validity tests on the subflow (e.g., ensuring that sequence and ACK numbers are
     * correct) MUST also be undertaken. */
    if (res.acceptable && s->phase != MP_PHASE_DOWN)
        took(s, seg, &res, now);
    if (s->phase != MP_PHASE_DOWN)
        mp_rx_deliver(s, now);
    if (res.fin && s->phase != MP_PHASE_DOWN)
        mp_subflow_fin(s, now);
    if (res.fin_acked && c->mode == MP_MODE_PLAIN)
        c->fin_acked = true;
    if (res.closed)
        mp_path_changed(c); /* in TIME-WAIT it has its pair of addresses no longer */
    mp_settle(c, now);
}

void mp_icmp(struct mp_subflow *s, const struct wire_icmp *icmp, plait_time now)
{
    struct tcp_result res;

    if (s->phase == MP_PHASE_DOWN)
        return;
    tcp_icmp(&s->tcb, icmp, now, &res);
    mp_settle(s->conn, now);
}

/* ---- out ------------------------------------------------------------------------------------ */

void mp_starved(struct mp_conn *c, plait_time now)
{
    c->starved_at = mp_earlier(c->starved_at, now + STARVED_WAIT);
}

static bool takes_sequence(const struct tcp_plan *plan)
{
    return plan->len > 0 || (plan->flags & (WIRE_SYN | WIRE_FIN)) != 0;
}

static bool plan_subflow(struct mp_subflow *s, plait_time now, struct mp_plan *plan)
{
    enum mp_signal signal = mp_opts_prepare(s, now);
    bool again;

    if (!tcp_plan(&s->tcb, now, &plan->tcp))
        return false;
    /* What is sent must be possible to remember. */
    again = plan->tcp.seq != s->tcb.sndq.nxt;
    if (takes_sequence(&plan->tcp) && tcp_sndq_reserve(&s->tcb.sndq, again) == PLAIT_ENOMEM) {
        mp_starved(s->conn, now);
        return false;
    }
    plan->subflow = s;
    plan->view_n = 0;
    mp_opts_fill(s, signal, plan);
    if (plan->tcp.len > 0)
        plan->view_n = mp_store_views(s, plan->tcp.pos, plan->tcp.len, plan->view, MP_VIEWS_MAX);
    if (plan->tcp.len > 0 && plan->view_n == 0) { /* in more pieces than a packet may have */
        mp_subflow_abort(s, PLAIT_REASON_NO_MEMORY, now);
        return false;
    }
    return true;
}

bool mp_plan(struct mp_conn *c, plait_time now, struct mp_plan *plan)
{
    if (c->failed_at == now)
        return false;
    mp_tx_schedule(c, now);
    MP_EACH(s, c)
        if (plan_subflow(s, now, plan))
            return true;
    return false;
}

void mp_commit(struct mp_conn *c, const struct mp_plan *plan, plait_time now)
{
    struct mp_subflow *s = plan->subflow;

    if (tcp_commit(&s->tcb, &plan->tcp, now) != 0) {
        /* For the peer the packet was lost. Not again at once: the next would fail likewise. */
        c->failed_at = now;
        mp_starved(c, now);
        return;
    }
    mp_opts_sent(s, plan, now);
    list_del(&s->in_conn); /* the others first, next time */
    list_add_tail(&c->subflows, &s->in_conn);
    mp_settle(c, now);
}

/* ---- invariants ----------------------------------------------------------------------------- */

static void check_carry(const struct mp_conn *c, const struct mp_subflow *s)
{
    uint32_t end = s->tcb.sndq.end;

    for (uint32_t i = s->carry.count; i > 0; i--) {
        const struct mp_carry *r = ring_at(&s->carry, i - 1);
        assert(r->end == end && r->len > 0 && "runs are contiguous in sequence numbers");
        assert(r->pos + r->len <= c->snd_nxt && "only what was scheduled is carried");
        end -= r->len;
    }
}

static void check_maps(const struct mp_subflow *s)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < s->maps.count; i++) {
        const struct mp_map *m = ring_at(&s->maps, i);
        assert(m->len > 0 && m->off >= end && "maps are sorted and do not overlap");
        end = m->off + m->len;
    }
}

static void check_subflow(const struct mp_conn *c, const struct mp_subflow *s)
{
    assert(s->conn == c && "a subflow knows its connection");
    assert((s->tcb.state == TCP_ST_CLOSED) == (s->phase == MP_PHASE_DOWN) &&
           "a death is noticed in the step where it happens");
    if (s->phase == MP_PHASE_DOWN) {
        assert(s->carry.count == 0 && s->maps.count == 0 && "the dead carry nothing");
        return;
    }
    tcp_check(&s->tcb);
    if (s->tcb.state != TCP_ST_TIME_WAIT)
        check_carry(c, s);
    check_maps(s);
    assert((s->held == NULL || reasm_check(s->held)) &&
           (s->attic == NULL || reasm_check(&s->attic->bytes)) && "held data is in order");
    assert((!s->failed || (s->phase >= MP_PHASE_OPEN && c->mode == MP_MODE_MULTIPATH)) &&
           ((!s->infinite && !s->infinite_sent) ||
            (s->phase >= MP_PHASE_OPEN && c->mode == MP_MODE_PLAIN)) &&
           "what shares memory is not needed twice");
}

bool mp_check(const struct mp_conn *c)
{
    uint32_t n = 0;

    assert(c->store.begin <= c->snd_una && c->snd_una <= c->snd_nxt && "nothing is let go early");
    assert(c->snd_nxt <= c->store.end && "only what was written is scheduled");
    assert(rangeset_check(&c->reinject) && reasm_check(&c->rx) && "sets and queues are sound");
    assert((c->reinject.n == 0 || c->reinject.v[c->reinject.n - 1].hi <= c->snd_nxt) &&
           "only what was scheduled is reinjected");
    assert((c->mode != MP_MODE_PLAIN || mp_alive_n(c) <= 1) && "plain TCP has one subflow");
    assert((!c->fin_received || reasm_inorder_end(&c->rx) == c->fin_pos) &&
           "the stream ends at its FIN");
    assert(c->over == (c->state == MP_ST_CLOSED || c->state == MP_ST_TIME_WAIT ||
                       c->state == MP_ST_FASTCLOSE_WAIT) &&
           "over is what the state says");
    MP_EACH(s, c) {
        check_subflow(c, s);
        n++;
    }
    assert(n == c->sub_n && "every subflow is counted");
    return n == c->sub_n;
}

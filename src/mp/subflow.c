/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a subflow, and the list of what it carries.
 *
 * Owned by the connection. Called by conn.c, join.c and tx.c; mp_subflow_settle() after every
 * call into its tcb, so that a death is noticed at one place, whoever caused it.
 *
 * A tcb that is CLOSED has forgotten what was pushed into it, and then is when the connection
 * needs to know: so each subflow keeps its own list of runs that are not yet acknowledged on it.
 * Invariants: runs are contiguous in sequence numbers, the last ends at the tcb's last chunk; a
 * DOWN subflow carries nothing and holds nothing. RFC 8684 3.2, 3.3.6, 3.6, 3.9.3. */
#include "mp_int.h"

#include "../base/addr.h"

#include <assert.h>
#include <string.h>

enum { JOIN_SYN_RETRIES = 3, MTU_UNKNOWN = 1500 };

static_assert(sizeof(void *) > 8 || sizeof(struct mp_subflow) <= 1024,
              "a million of them rest: what is needed rarely has memory of its own");

/* ---- birth and death ------------------------------------------------------------------------ */

/*= RFC 6897 4.4.1-1 */
static struct tcp_config tcp_config_of(const struct mp_conn *c, const struct plait_addr *local)
{
    const struct plait_local *l = mp_local_find(c->locals, local);
    struct tcp_config cfg = c->cfg->tcp;

    cfg.mss_local = wire_mss_of_mtu(l != NULL ? l->mtu : (uint32_t)MTU_UNKNOWN, local->family);
    cfg.gso_max = l != NULL ? l->gso_max : 0;
    if (cfg.gso_max > MP_CHUNK_MAX)
        cfg.gso_max = MP_CHUNK_MAX;
    if (c->total > 0 && cfg.syn_retries > JOIN_SYN_RETRIES)
        cfg.syn_retries = JOIN_SYN_RETRIES;
    return cfg;
}

struct mp_subflow *mp_subflow_new(struct mp_conn *c, const struct plait_addr *local,
                                  const struct plait_addr *remote)
{
    struct tcp_config cfg = tcp_config_of(c, local);
    struct mp_subflow *s;

    if (c->sub_n >= MP_SUBFLOWS_MAX)
        return NULL;
    s = ctx_alloc(c->ctx, sizeof *s);
    if (s == NULL)
        return NULL;
    tcp_init(&s->tcb, c->ctx, &cfg);
    s->tcb.cfg = &c->cfg->tcp; /* it stays; what is this subflow's own was copied */
    s->conn = c;
    s->gso_max = cfg.gso_max;
    s->id = (uint8_t)c->total;
    s->born = true;
    s->first = c->total == 0;
    s->tcb.conn_id = c->id;
    s->tcb.subflow_id = s->id;
    s->tcb.local = *local;
    s->tcb.remote = *remote;
    s->tcb.opt_reserve_data = c->mode == MP_MODE_PLAIN ? 0 : MP_OPT_DATA;
    s->tcb.shared_window = c->mode == MP_MODE_MULTIPATH;
    s->tcb.rcv_space = mp_rx_space(s);
    s->u.join.at = s->probe_at = s->abort_at = s->fastclose_at = PLAIT_NEVER;
    s->announced = c->announce_serial;
    ring_init(&s->carry, &c->ctx->env, sizeof(struct mp_carry), MP_CARRY_MAX);
    ring_init(&s->maps, &c->ctx->env, sizeof(struct mp_map), MP_MAPS_MAX + 16);
    list_add_tail(&c->subflows, &s->in_conn);
    c->sub_n++;
    c->total++;
    return s;
}

bool mp_held_open(struct mp_subflow *s)
{
    if (s->held == NULL)
        s->held = ctx_alloc(s->conn->ctx, sizeof *s->held);
    return s->held != NULL;
}

void mp_held_close(struct mp_subflow *s)
{
    if (s->held != NULL)
        reasm_fini(s->held, &s->conn->ctx->pool);
    ctx_free(s->conn->ctx, s->held, sizeof *s->held);
    s->held = NULL;
}

bool mp_attic_open(struct mp_subflow *s)
{
    if (s->attic == NULL)
        s->attic = ctx_alloc(s->conn->ctx, sizeof *s->attic);
    return s->attic != NULL;
}

void mp_attic_close(struct mp_subflow *s)
{
    if (s->attic != NULL)
        reasm_fini(&s->attic->bytes, &s->conn->ctx->pool);
    ctx_free(s->conn->ctx, s->attic, sizeof *s->attic);
    s->attic = NULL;
}

bool mp_lean_open(struct mp_subflow *s)
{
    if (s->lean == NULL)
        s->lean = ctx_alloc(s->conn->ctx, sizeof *s->lean);
    return s->lean != NULL;
}

void mp_lean_close(struct mp_subflow *s)
{
    ctx_free(s->conn->ctx, s->lean, sizeof *s->lean);
    s->lean = NULL;
}

/* What only a living one needs. */
static void let_go(struct mp_subflow *s)
{
    ring_fini(&s->carry);
    ring_fini(&s->maps);
    mp_held_close(s);
    mp_attic_close(s);
    mp_lean_close(s);
}

void mp_subflow_free(struct mp_subflow *s)
{
    struct mp_conn *c = s->conn;

    let_go(s);
    cc_leave(&s->tcb.loss.cc);
    tcp_fini(&s->tcb);
    list_del(&s->in_conn);
    c->sub_n--;
    if (c->last_in == s)
        c->last_in = NULL;
    ctx_free(c->ctx, s, sizeof *s);
}

/* Open subflows see each other's congestion windows. */
static void couple(struct mp_subflow *s)
{
    MP_EACH(o, s->conn)
        if (o != s && o->phase == MP_PHASE_OPEN) {
            cc_join(&s->tcb.loss.cc, &o->tcb.loss.cc);
            return;
        }
}

void mp_subflow_set_phase(struct mp_subflow *s, enum mp_phase to, plait_time now)
{
    struct mp_event up = { .type = PLAIT_TRACE_SUBFLOW_UP };
    struct mp_event down = { .type = PLAIT_TRACE_SUBFLOW_DOWN, .reason = s->tcb.reason };

    if (s->phase == to)
        return;
    s->phase = to;
    if (to == MP_PHASE_OPEN) {
        couple(s);
        mp_trace(s->conn, s, up, now);
    } else if (to == MP_PHASE_DOWN) {
        cc_leave(&s->tcb.loss.cc);
        mp_trace(s->conn, s, down, now);
    }
}

void mp_subflow_up(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;

    mp_subflow_set_phase(s, MP_PHASE_OPEN, now);
    s->was_open = true;
    s->join_due = false;
    if (!s->first) {
        c->joined = true;
        mp_path_proven(c, s->local_id, s->remote_id);
    }
    mp_update_retries(c);
    mp_path_changed(c);
}

/*= RFC 8684 3.9.3
 * if an MP_JOIN fails, it SHOULD NOT attempt to connect to the same IP address and port during the
 * lifetime of the connection, unless the other host refreshes the information with another ADD_ADDR
 * option */
/* A path that only went silent is another matter: it may come back. */
static bool refused_for_ever(const struct mp_subflow *s, enum mp_phase was)
{
    enum plait_reason why = s->tcb.reason;

    if (s->rst_permanent)
        return true;
    if (was == MP_PHASE_OPEN || s->rst_transient)
        return false;
    return why == PLAIT_REASON_SYN_REFUSED || why == PLAIT_REASON_JOIN_HMAC ||
           why == PLAIT_REASON_JOIN_NO_OPTION || why == PLAIT_REASON_ICMP_ERROR || s->reset_in;
}

const struct plait_addr *mp_join_remote(const struct mp_subflow *s) { return &s->tcb.remote; }

bool mp_join_got_through(const struct mp_subflow *s)
{
    return !s->first && s->initiator && s->was_open;
}

bool mp_join_was_refused(const struct mp_subflow *s)
{
    if (s->first || !s->initiator || s->was_open || !refused_for_ever(s, MP_PHASE_HANDSHAKE))
        return false;
    MP_EACH(o, s->conn)
        if (mp_join_got_through(o) && addr_equal(&o->tcb.remote, &s->tcb.remote))
            return false;
    return true;
}

static void down(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    enum mp_phase was = s->phase;
    bool needed = c->mode != MP_MODE_MULTIPATH || (s->first && s->initiator && !c->dss_in);

    if (c->mode == MP_MODE_MULTIPATH && !c->over)
        mp_tx_requeue(s);
    let_go(s);
    s->closing = true;
    s->stale = false;
    mp_subflow_set_phase(s, MP_PHASE_DOWN, now);
    if (c->last_in == s)
        c->last_in = NULL;
    if (c->mode == MP_MODE_MULTIPATH && s->tcb.reason != PLAIT_REASON_ADDR_REMOVED)
        mp_path_bar(c, s->local_id, s->remote_id, refused_for_ever(s, was), now);
    mp_update_retries(c);
    mp_path_changed(c);
    mp_store_release(c, now);
    if (!c->over && needed)
        mp_conn_die(c, s->tcb.reason, now);
    else if (was == MP_PHASE_PRE && c->mode == MP_MODE_MULTIPATH && !c->over)
        mp_join_refused(s, now);
}

void mp_subflow_settle(struct mp_subflow *s, plait_time now)
{
    if (s->tcb.state == TCP_ST_CLOSED && s->phase != MP_PHASE_DOWN)
        down(s, now);
}

void mp_subflow_close(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;

    if (s->closing || s->phase == MP_PHASE_DOWN)
        return;
    if (s->phase != MP_PHASE_OPEN) {
        mp_subflow_abort(s, PLAIT_REASON_LOCAL_CLOSE, now);
        return;
    }
    s->closing = true;
    if (c->mode == MP_MODE_MULTIPATH && !c->over)
        mp_tx_requeue(s);
    tcp_close(&s->tcb, now);
    mp_update_retries(c);
    mp_path_changed(c);
    mp_subflow_settle(s, now);
}

void mp_subflow_abort(struct mp_subflow *s, enum plait_reason why, plait_time now)
{
    struct mp_event ev = { .type = PLAIT_TRACE_RESET, .reason = why };

    if (s->phase == MP_PHASE_DOWN)
        return;
    s->rst_why = why;
    tcp_abort(&s->tcb, why, now);
    if (s->tcb.rst_wanted)
        mp_trace(s->conn, s, ev, now);
    mp_subflow_settle(s, now);
}

struct mp_subflow *mp_subflow_at(const struct mp_conn *c, unsigned i)
{
    MP_EACH(s, c)
        if (i-- == 0)
            return s;
    return NULL;
}

bool mp_subflow_alive(const struct mp_subflow *s)
{
    return s->phase != MP_PHASE_DOWN && !s->closing && s->tcb.state != TCP_ST_TIME_WAIT;
}

bool mp_subflow_usable(const struct mp_subflow *s)
{
    return s->phase == MP_PHASE_OPEN && !s->closing && tcp_can_send(&s->tcb);
}

/* ---- what the stack asks -------------------------------------------------------------------- */

struct tcb *mp_subflow_tcb(struct mp_subflow *s) { return &s->tcb; }

struct mp_conn *mp_subflow_conn(struct mp_subflow *s) { return s->conn; }

struct htab_node *mp_subflow_node(struct mp_subflow *s) { return &s->node; }

struct mp_subflow *mp_subflow_of_node(struct htab_node *node)
{
    return LIST_OWNER(node, struct mp_subflow, node);
}

/* ---- what it carries ------------------------------------------------------------------------ */

int mp_carry_reserve(struct mp_subflow *s)
{
    if (s->carry.count >= s->carry.max)
        return PLAIT_ELIMIT;
    return ring_reserve(&s->carry, 1) ? 0 : PLAIT_ENOMEM;
}

/* [pos, pos + len) was just pushed, after mp_carry_reserve(). */
void mp_carry_add(struct mp_subflow *s, uint64_t pos, uint32_t len)
{
    uint32_t n = s->carry.count, end = s->tcb.sndq.end;
    struct mp_carry *last = n > 0 ? ring_at(&s->carry, n - 1) : NULL;

    if (last != NULL && !last->moved && last->pos + last->len == pos) {
        last->len += len;
        last->end = end;
        return;
    }
    last = ring_push(&s->carry);
    assert(last != NULL && "room was reserved");
    *last = (struct mp_carry){ .pos = pos, .len = len, .end = end };
}

/* SND.UNA moved. */
void mp_carry_acked(struct mp_subflow *s)
{
    uint32_t una = s->tcb.sndq.una;

    while (s->carry.count > 0) {
        struct mp_carry *first = ring_at(&s->carry, 0);
        uint32_t begin = first->end - first->len;

        if (seq_le(una, begin))
            return;
        if (seq_lt(una, first->end)) {
            first->pos += una - begin;
            first->len -= una - begin;
            return;
        }
        ring_pop(&s->carry, 1);
    }
}

const struct mp_carry *mp_carry_find(const struct mp_subflow *s, uint64_t pos)
{
    for (uint32_t i = 0; i < s->carry.count; i++) {
        const struct mp_carry *r = ring_at(&s->carry, i);
        if (pos >= r->pos && pos - r->pos < r->len)
            return r;
    }
    return NULL;
}

bool mp_carry_has(const struct mp_subflow *s, uint64_t pos)
{
    return mp_carry_find(s, pos) != NULL;
}

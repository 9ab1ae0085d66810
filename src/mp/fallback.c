/* SPDX-License-Identifier: Apache-2.0 */
/* The ways back to plain TCP, and the end of a subflow whose path does not let MPTCP through.
 *
 * Called by capable.c, conn.c, dss.c, opts.c and rx.c. There is one way into plain TCP,
 * mp_fallback(), and none out of it. It is open while the connection has never had a second
 * subflow: then both streams lie on the one subflow without gaps, and a position is an offset
 * plus a constant. Otherwise the subflow ends with a RST, and the connection goes on without it.
 *
 * A wrong checksum on the only subflow: MP_FAIL goes out, delivery stops, and goes on as plain
 * TCP when the peer agrees by MP_FAIL or an infinite mapping. RFC 8684 3.1, 3.3, 3.7; RFC 6824
 * 3.6. */
#include "mp_int.h"

/* With a round trip below any data-level retransmission timer, and long enough for one: for an
 * answer to a join. */
#define UNMAPPED_FRESH (100 * PLAIT_MSEC)
#define FAIL_PATIENCE (2 * PLAIT_SEC)

bool mp_fallback_possible(const struct mp_subflow *s)
{
    const struct mp_conn *c = s->conn;
    const struct mp_carry *first;

    if (c->joined || s->phase == MP_PHASE_DOWN || c->reinject.n > 0 || s->carry.count > 1)
        return false;
    /*= RFC 8684 3.7
     * The sender will receive this information and, if all unacknowledged data in flight is
     * contiguous, will signal an infinite mapping. */
    /* Two copies on one subflow are not, even where TCP has acknowledged one: without mappings both
     * would be data. */
    if (c->snd_una < c->again_end)
        return false;
    first = s->carry.count > 0 ? ring_at(&s->carry, 0) : NULL;
    if (first != NULL && first->pos + first->len != c->snd_nxt)
        return false;
    return reasm_end(&c->rx) == reasm_inorder_end(&c->rx);
}

/* Our HMAC-A is under way or there: it makes the join a subflow to the peer, which cannot go plain
 * any more, while to us it is one only when that was acknowledged. Until we know we do not go plain
 * by ourselves, and keep the path, whatever comes by it; a peer that has gone plain says no to the
 * join. */
static bool join_is_out(const struct mp_conn *c)
{
    MP_EACH(o, c)
        if (o->phase == MP_PHASE_PRE && o->join_n > 0)
            return true;
    return false;
}

bool mp_fail_is_out(const struct mp_conn *c)
{
    MP_EACH(s, c)
        if (s->failed)
            return true;
    return false;
}

/* May we be the first to go plain? */
static bool may_begin(const struct mp_subflow *s)
{
    return mp_fallback_possible(s) && !join_is_out(s->conn);
}

/* From the last byte that is known to have arrived (RFC 8684 3.7: "acts retroactively"). */
static void prepare_infinite(struct mp_subflow *s)
{
    const struct mp_conn *c = s->conn;
    const struct mp_carry *first = s->carry.count > 0 ? ring_at(&s->carry, 0) : NULL;
    uint32_t seq = first != NULL ? first->end - first->len : s->tcb.sndq.end;
    uint64_t pos = first != NULL ? first->pos : c->snd_nxt;

    s->infinite = true;
    s->u.infinite.pos = pos < c->snd_una ? pos : c->snd_una;
    s->u.infinite.ssn = tcp_ssn(&s->tcb, seq) - (uint32_t)(pos - s->u.infinite.pos);
}

/* Joins that were under way. */
static void drop_others(struct mp_subflow *s, enum plait_reason why, plait_time now)
{
    MP_EACH(o, s->conn)
        if (o != s && o->phase != MP_PHASE_DOWN)
            mp_subflow_abort(o, why, now);
}

static uint64_t held_bytes(const struct mp_subflow *s)
{
    return s->held != NULL ? s->held->bytes : 0;
}

/* What waits under a mapping is now in its place without one. */
static void deliver_held(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct plait_block *b;

    c->plain_shift = reasm_inorder_end(&c->rx) + held_bytes(s) - s->tcb.rcvq.next;
    while (s->phase == MP_PHASE_OPEN && s->held != NULL && (b = reasm_take(s->held)) != NULL)
        mp_rx_put(s, b, now);
    mp_held_close(s);
    ring_truncate(&s->maps, 0);
}

void mp_fallback(struct mp_subflow *s, enum plait_reason why, bool infinite, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct mp_event ev = { .type = PLAIT_TRACE_FALLBACK, .reason = why };

    if (c->mode == MP_MODE_PLAIN || c->over)
        return;
    c->fallback = why;
    ctx_count(c->ctx, why);
    mp_trace(c, s, ev, now);
    drop_others(s, why, now);
    mp_set_mode(c, MP_MODE_PLAIN, now);
    s->tcb.shared_window = false;
    s->capable_due = s->fin_due = s->prio_due = s->remove_due = false;
    s->failed = false; /* that was the answer */
    if (infinite)
        prepare_infinite(s);
    else
        s->tcb.opt_reserve_data = 0;
    /* What this very segment acknowledged waited for a DATA_ACK that will not come. */
    mp_tx_plain_acked(s, now);
    /* A DATA_FIN that was sent means nothing any more: the subflow's FIN will say it. */
    c->fin_sent = c->fin_acked = false;
    c->fin_at = c->rtx_at = PLAIT_NEVER;
    deliver_held(s, now);
    if (c->cfg->require_mptcp)
        mp_conn_die(c, PLAIT_REASON_NOT_MPTCP, now);
}

/* ---- checksums ------------------------------------------------------------------------------ */

/*= RFC 8684 3.7
 * The receiver of this option MUST discard all data following the data sequence number
 * specified. */
/*= RFC 8684 3.7
 * Failed data MUST NOT be DATA_ACKed and so will be retransmitted on other subflows (Section
 * 3.3.6). */
/*= RFC 8684 3.7
 * the receiver MUST close the subflow with a RST with MP_FAIL */
void mp_csum_failed(struct mp_subflow *s, const struct mp_map *m, plait_time now)
{
    struct mp_conn *c = s->conn;

    mp_drop(c, s, PLAIT_REASON_DSS_CSUM, now);
    s->fail_dsn = mp_dsn_in(c, m->pos);
    if (may_begin(s) && m->pos == reasm_inorder_end(&c->rx)) {
        /*= RFC 8684 3.7
         * if a receiver identifies a checksum failure when there is only one path, it will send
         * back an MP_FAIL option on the subflow-level ACK, referring to the data-level sequence
         * number of the start of the segment on which the checksum error was detected */
        s->failed = true;
        s->fail_due = true;
        s->u.fail.until = now + mp_later(4 * tcp_rtt_timeout(&s->tcb.loss.rtt), FAIL_PATIENCE);
        s->u.fail.again = PLAIT_NEVER;
        return;
    }
    /*= RFC 8684 3.7
     * the affected subflow must be immediately closed with a RST that includes an MP_FAIL option
     * (Figure 16), which defines the data sequence number at the start of the segment (defined by
     * the Data Sequence Mapping) that had the checksum failure */
    s->rst_fail = true;
    mp_subflow_abort(s, PLAIT_REASON_DSS_CSUM, now);
}

void mp_fail_input(struct mp_subflow *s, uint64_t dsn, plait_time now)
{
    struct mp_conn *c = s->conn;

    (void)dsn;
    ctx_count(c->ctx, PLAIT_REASON_MP_FAIL_RECEIVED);
    if (!may_begin(s)) {
        mp_subflow_abort(s, PLAIT_REASON_MP_FAIL_RECEIVED, now);
        return;
    }
    if (!s->failed && c->version != 0) { /* RFC 6824 3.6: the infinite mapping is the answer */
        /*= RFC 8684 3.7
         * the receiver of an MP_FAIL MUST also respond with an MP_FAIL in the reverse direction and
         * entirely revert to a regular TCP session */
        s->fail_due = true;
        s->fail_dsn = mp_dsn_in(c, mp_rx_nxt(c));
    }
    mp_fallback(s, PLAIT_REASON_MP_FAIL_RECEIVED, true, now);
}

void mp_fail_sent(struct mp_subflow *s, plait_time now)
{
    s->fail_due = false;
    if (s->failed)
        s->u.fail.again = now + tcp_rtt_timeout(&s->tcb.loss.rtt);
}

/* An ACK that gets lost is not sent again, and the peer may have nothing to say that would bring an
 * infinite mapping: so the question is repeated, and answered again. */
void mp_fail_tick(struct mp_subflow *s, plait_time now)
{
    if (!s->failed)
        return;
    if (now >= s->u.fail.until) {
        mp_subflow_abort(s, PLAIT_REASON_DSS_CSUM, now);
    } else if (now >= s->u.fail.again) {
        s->u.fail.again = PLAIT_NEVER;
        s->fail_due = true;
    }
}

/* ---- infinite mapping ----------------------------------------------------------------------- */

void mp_infinite_input(struct mp_subflow *s, const struct wire_mp_dss *d, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t shift = mp_pos_of_dsn(c, d) - mp_off_of_ssn(s, d->ssn);
    uint64_t have = reasm_inorder_end(&c->rx) + held_bytes(s) - s->tcb.rcvq.next;

    /*= RFC 8684 3.7
     * When a connection has fallen back with an infinite mapping, only one subflow can send data */
    /* Where our MP_FAIL asked for it the path is known to change what it carries, numbers, too. */
    if (!mp_fallback_possible(s) || (shift != have && !s->failed)) {
        mp_drop(c, s, PLAIT_REASON_INFINITE_MAP, now);
        mp_subflow_abort(s, PLAIT_REASON_INFINITE_MAP, now);
        return;
    }
    mp_fallback(s, PLAIT_REASON_INFINITE_MAP, false, now);
}

/* ---- options that got lost ------------------------------------------------------------------ */

/* Is all data without a mapping new? By and by the peer would send the same again, for want of a
 * DATA_ACK, and without a mapping nobody can tell that from new data. */
static bool fresh(const struct mp_subflow *s, plait_time now)
{
    plait_time limit = UNMAPPED_FRESH + s->tcb.loss.rtt.srtt;

    return s->unmapped_at == 0 || now - s->unmapped_at <= limit;
}

/* More new data than the DATA_ACK and its window allow: the peer heeds the subflow's alone, so it
 * has gone plain. */
static bool ignores_window(const struct mp_subflow *s, uint64_t unmapped)
{
    return reasm_inorder_end(&s->conn->rx) + unmapped > s->conn->rcv_edge;
}

/*= RFC 8684 3.7-5 */
void mp_unmapped(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t bytes = reasm_inorder_end(&s->tcb.rcvq) - s->tcb.rcvq.next;

    if (s->unmapped_at == 0)
        s->unmapped_at = now;
    if (s->first && (!c->dss_in || (s->bare && fresh(s, now))) &&
        (may_begin(s) || (mp_fallback_possible(s) && ignores_window(s, bytes)))) {
        mp_fallback(s, PLAIT_REASON_DSS_UNMAPPED, true, now);
        return;
    }
    /*= RFC 8684 3.3.1
     * If a mapping for that subflow-level sequence space does not arrive within a receive window
     * of data, that subflow SHOULD be treated as broken, closed with a RST, and any unmapped data
     * silently discarded. */
    /*= RFC 8684 3.3.1
     * Therefore, even if a mapping does not exist from the subflow space to the data-level space,
     * the data SHOULD still be ACKed at the subflow (if it is in-window). */
    /*= RFC 8684 3.3.1
     * Implementations MAY hold onto such unmapped data for a short while, in the expectation that a
     * mapping will arrive shortly. */
    if (bytes < c->rcvbuf / 2 || join_is_out(c))
        return;
    mp_drop(c, s, PLAIT_REASON_DSS_UNMAPPED, now);
    mp_subflow_abort(s, PLAIT_REASON_DSS_UNMAPPED, now);
}

bool mp_unmapped_full(const struct mp_subflow *s, const struct wire_seg *seg)
{
    uint64_t bytes = reasm_inorder_end(&s->tcb.rcvq) - s->tcb.rcvq.next;

    return seg->len > 0 && s->unmapped_at != 0 && bytes >= s->conn->rcvbuf && join_is_out(s->conn);
}

/*= RFC 8684 3.2
 * If the token is unknown or the host wants to refuse subflow establishment (for example, due to a
 * limit on the number of subflows it will permit), the receiver will send back a reset (RST)
 * signal, analogous to an unknown port in TCP, containing an MP_TCPRST option (Section 3.6) with an
 * "MPTCP specific error" reason code. */
/* A peer that answered the SYN with the right HMAC and says so to ours has gone plain meanwhile, if
 * nothing about MPTCP comes by the first path any more. Then what waits may not be fresh, and is
 * new all the same: who has gone plain sends nothing twice. */
void mp_join_refused(struct mp_subflow *join, plait_time now)
{
    struct mp_conn *c = join->conn;

    MP_EACH(s, c) {
        if (s->phase != MP_PHASE_OPEN)
            continue;
        if (join->refused && join->join_n > 0 && s->first && s->bare && may_begin(s))
            mp_fallback(s, PLAIT_REASON_DSS_UNMAPPED, true, now);
        mp_rx_deliver(s, now);
    }
}

void mp_no_data_ack(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;

    if (c->mode != MP_MODE_MULTIPATH || s->phase != MP_PHASE_OPEN || s->data_acked)
        return;
    if (s->first && may_begin(s)) {
        /*= RFC 8684 3.7
         * In the case of such an ACK being received on the first subflow (i.e., that started with
         * MP_CAPABLE), before any additional subflows are added, the implementation MUST drop out
         * of MPTCP mode and fall back to regular TCP. */
        mp_fallback(s, PLAIT_REASON_MP_NO_DATA_ACK, true, now);
        return;
    }
    /*= RFC 8684 3.7
     * In the case of this occurring on an additional subflow (i.e., one started with MP_JOIN),
     * the host MUST close the subflow with a RST, which SHOULD contain an MP_TCPRST option
     * (Section 3.6) with a "Middlebox interference" reason code. */
    mp_drop(c, s, PLAIT_REASON_MP_NO_DATA_ACK, now);
    mp_subflow_abort(s, PLAIT_REASON_MP_NO_DATA_ACK, now);
}

/* The peer's TCP has the head of our data and its MPTCP does not, and its ACKs have lost their
 * options, which they had before. It may have gone plain, and its infinite mapping lost: then the
 * same data once more would be other data to it. While the one subflow has carried everything, we
 * do as it did; where it waits for mappings instead, it learns of ours, or finds the same. Where it
 * is too late for that, or a join got as far as us that the peer gave up, the subflow ends; where
 * the answer to our HMAC-A is to come, that tells. True: that was it. */
bool mp_options_gone(struct mp_conn *c, plait_time now)
{
    struct mp_subflow *s = mp_best(c, NULL);

    if (s == NULL || !s->first || !s->bare)
        return false;
    if (join_is_out(c))
        return true;
    if (may_begin(s) && fresh(s, now)) {
        mp_fallback(s, PLAIT_REASON_MP_NO_DATA_ACK, true, now);
        mp_rx_deliver(s, now);
    } else {
        mp_subflow_abort(s, PLAIT_REASON_MP_NO_DATA_ACK, now);
    }
    return true;
}

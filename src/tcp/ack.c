/* SPDX-License-Identifier: Apache-2.0 */
/* The ACK field: the fifth step of RFC 9293 3.10.7.4.
 *
 * Called by input.c, and by handshake.c for the ACK on a SYN. Everything about what was sent
 * lies with loss.c; here are the checks, the peer's window and the states that end with an
 * acknowledged FIN. RFC 5961 5, RFC 7323 4.3. */
#include "internal.h"

/*= RFC 5961 5.2-1, 5.2-2, 5.2-3 */
/*= RFC 9293 MAY-12 */
/*= RFC 9293 3.10.7.4
 * TCP stacks that implement RFC 5961 MUST add an input check that the ACK value is acceptable
 * only if it is in the range of ((SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT). */
static bool in_range(const struct tcb *t, uint32_t ack)
{
    return seq_le(ack, t->sndq.nxt) && seq_ge(ack, t->sndq.una - t->max_wnd);
}

static bool admits(struct tcp_in *in)
{
    struct tcb *t = in->t;
    uint32_t ack = in->seg->ack;

    /*= RFC 9293 3.10.7.4
     * if the ACK bit is off, drop the segment and return */
    /*= RFC 7323 3.2
     * When the ACK bit is not set, the receiver MUST ignore the value of the TSecr field. */
    if ((in->seg->flags & WIRE_ACK) == 0) {
        tcp_drop(in, PLAIT_REASON_ACK_MISSING);
        return false;
    }
    if (t->state == TCP_ST_SYN_RECEIVED) {
        if (seq_lt(t->sndq.una, ack) && seq_le(ack, t->sndq.nxt))
            return true;
        /*= RFC 9293 3.10.7.4
         * If the segment acknowledgment is not acceptable, form a reset segment */
        tcp_refuse(t, ack);
        tcp_drop(in, PLAIT_REASON_ACK_OUTSIDE);
        return false;
    }
    if (in_range(t, ack))
        return true;
    /*= RFC 9293 3.10.7.4
     * All incoming segments whose ACK value doesn't satisfy the above condition MUST be
     * discarded and an ACK sent back. */
    tcp_drop(in, PLAIT_REASON_ACK_OUTSIDE);
    tcp_challenge(t, in->now);
    return false;
}

/*= RFC 7323 3.2-3, 4.3-1, 4.3-2, 4.3-3, 5.2-1, 5.5-1 */
/*= RFC 7323 4.3
 * SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent */
static void note_timestamp(struct tcp_in *in)
{
    struct tcb *t = in->t;
    const struct wire_tcpopts *opt = &in->seg->opt;
    bool stale = in->now - t->ts_recent_age > TCP_TS_VALID;

    if (!t->ts_on || !opt->has_ts || seq_gt(in->seg->seq, t->last_ack_sent))
        return;
    if (seq_ge(opt->tsval, t->ts_recent) || stale) {
        t->ts_recent = opt->tsval;
        t->ts_recent_age = in->now;
    }
}

/* The peer lives: nothing that waited for a sign of life waits any longer. */
static void note_alive(struct tcb *t, plait_time now)
{
    t->last_rcvd = now;
    t->keepalive_n = 0;
    t->keepalive_due = false;
    t->persist_n = 0;
}

/*= RFC 9293 3.10.7.4
 * If (SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)), set SND.WND <- SEG.WND, set
 * SND.WL1 <- SEG.SEQ, and set SND.WL2 <- SEG.ACK. */
static void update_window(struct tcp_in *in, uint32_t old_una)
{
    struct tcb *t = in->t;
    const struct wire_seg *seg = in->seg;
    uint32_t old = t->snd_wnd, old_edge = old_una + old;
    /*= RFC 9293 3.8.6
     * A refinement to avoid this problem is to act on the window information from segments that
     * carry the highest acknowledgment number (that is, segments with an acknowledgment number
     * equal to or greater than the highest previously received). */
    bool fresh = seq_lt(old_una, seg->ack) || seq_lt(t->snd_wl1, seg->seq) ||
                 (t->snd_wl1 == seg->seq && seq_le(t->snd_wl2, seg->ack));

    if (fresh || in->res->established) {
        /*= RFC 9293 MUST-1 */
        /*= RFC 7323 2.3-4 */
        t->snd_wnd = (uint32_t)seg->wnd << ((seg->flags & WIRE_SYN) != 0 ? 0 : t->snd_wscale);
        t->snd_wl1 = seg->seq;
        t->snd_wl2 = seg->ack;
        if (t->snd_wnd > t->max_wnd)
            t->max_wnd = t->snd_wnd;
    }
    in->res->window_update = t->snd_wnd != old || t->sndq.una + t->snd_wnd != old_edge;
}

static void trace_loss(const struct tcp_in *in)
{
    const struct tcb *t = in->t;
    struct plait_trace ev = {
        .type = PLAIT_TRACE_LOSS, .subflow = t->subflow_id, .conn = t->conn_id, .now = in->now,
        .a = t->sndq.una, .b = in->res->ack.lost, .local = t->local, .remote = t->remote,
    };

    if (in->res->ack.lost > 0)
        ctx_trace(t->ctx, &ev);
}

/* SND.UNA =< SEG.ACK =< SND.NXT: what was sent is acknowledged. */
void tcp_ack_apply(struct tcp_in *in)
{
    struct tcb *t = in->t;
    struct tcp_ack_out *out = &in->res->ack;
    struct tcp_ack_in what = {
        .seg = in->seg, .ts_on = t->ts_on, .more = t->more_above, .now = in->now,
        .ece = tcp_ecn_says_congested(t, in->seg),
    };

    tcp_loss_on_ack(&t->loss, &t->sndq, &what, out);
    if (out->bogus_sack)
        ctx_count(t->ctx, PLAIT_REASON_SACK_BOGUS);
    if (out->sack_ignored)
        ctx_count(t->ctx, PLAIT_REASON_SCOREBOARD_FULL);
    trace_loss(in);
    in->res->acked = out->acked_data;
    in->res->fin_acked = out->fin_acked;
    t->bytes_acked += out->acked_data;
    tcp_pmtu_review(t, in->now);
    if (out->acked > 0 && t->progress_at != PLAIT_NEVER)
        t->progress_at = in->now;
}

/* Our FIN is acknowledged. False: the tcb is gone. */
static bool fin_acked(struct tcp_in *in)
{
    struct tcb *t = in->t;

    switch (t->state) {
    case TCP_ST_FIN_WAIT_1:
        /*= RFC 9293 3.10.7.4
         * In addition to the processing for the ESTABLISHED state, if the FIN segment is now
         * acknowledged, then enter FIN-WAIT-2 and continue processing in that state. */
        tcp_set_state(t, TCP_ST_FIN_WAIT_2, in->now);
        return true;
    case TCP_ST_CLOSING:
        /*= RFC 9293 3.10.7.4
         * In addition to the processing for the ESTABLISHED state, if the ACK acknowledges our FIN,
         * then enter the TIME-WAIT state; otherwise, ignore the segment. */
        tcp_set_state(t, TCP_ST_TIME_WAIT, in->now);
        in->res->closed = true;
        return true;
    case TCP_ST_LAST_ACK:
        /*= RFC 9293 3.10.7.4
         * If our FIN is now acknowledged, delete the TCB, enter the CLOSED state, and return. */
        tcp_gone(t, PLAIT_REASON_PEER_CLOSE, in->now);
        in->res->closed = true;
        return false;
    default:
        return true;
    }
}

/* False: nothing of the segment is left to process. */
bool tcp_ack_field(struct tcp_in *in)
{
    struct tcb *t = in->t;
    uint32_t old_una = t->sndq.una;

    if (!admits(in))
        return false;
    in->res->acceptable = true;
    note_alive(t, in->now);
    note_timestamp(in);
    if (seq_lt(in->seg->ack, t->sndq.una))
        return true; /* an old ACK says nothing new; the text may */
    tcp_ack_apply(in);
    if (t->state == TCP_ST_SYN_RECEIVED)
        tcp_established(in);
    update_window(in, old_una);
    return in->res->fin_acked ? fin_acked(in) : true;
}

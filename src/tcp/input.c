/* SPDX-License-Identifier: Apache-2.0 */
/* A segment arrives: the order of RFC 9293 3.10.7.4, step by step.
 *
 * Called by mp/ (or a test) with a parsed segment for this tcb. The steps stand in the order of
 * the RFC; each may end the walk with a counted drop. PAWS comes before the first (RFC 7323
 * 5.3). What a segment does is told in struct tcp_result; what should be sent is found out by
 * tcp_plan() later, so that one ACK answers all segments of a batch (MUST-58, MUST-59). The
 * urgent pointer is ignored: urgent data is delivered in its place of the stream.
 *
 * Nothing that comes in may be trusted: RFC 5961 for RST, SYN and ACK; RFC 1337 for TIME-WAIT. */
#include "internal.h"

#include <string.h>

/* Answers a segment that is not acceptable. One with text is answered always (it may be our ACK
 * that got lost), one without within the budget of challenge ACKs. */
static void answer_unacceptable(struct tcp_in *in)
{
    if (in->len > 0 || in->fin)
        in->t->ack_now = true;
    else
        tcp_challenge(in->t, in->now);
}

/* Old text is reported as such, also where an old timestamp is why it is dropped: the sender learns
 * from it that it need not have sent it again. */
static void note_old_text(const struct tcp_in *in)
{
    struct tcb *t = in->t;
    uint32_t end = in->seq + in->len;

    if (in->len > 0 && seq_le(end, t->rcv_nxt) && t->rcv_nxt - in->seq <= (1u << 30))
        tcp_dsack_note(t, in->seq, end);
}

/*= RFC 7323 5.3
 * If there is a Timestamps option in the arriving segment, SEG.TSval < TS.Recent, TS.Recent is
 * valid (see later discussion), and if the RST bit is not set, then treat the arriving segment
 * as not acceptable */
static bool check_paws(struct tcp_in *in)
{
    const struct tcb *t = in->t;
    const struct wire_tcpopts *opt = &in->seg->opt;

    /* A segment without the option is taken: signalling ACKs of MPTCP go without timestamps where
     * both do not fit (RFC 7323 3.2 would have it dropped). */
    /*= RFC 7323 3.2-9, 3.2-10, 5.2-5 */
    if (!t->ts_on || !opt->has_ts || (in->seg->flags & WIRE_RST) != 0)
        return true;
    /*= RFC 7323 5.5
     * We therefore require that an implementation of PAWS include a mechanism to "invalidate" the
     * TS.Recent value when a connection is idle for more than 24 days. */
    if (!seq_lt(opt->tsval, t->ts_recent) || in->now - t->ts_recent_age > TCP_TS_VALID)
        return true;
    note_old_text(in);
    tcp_drop(in, PLAIT_REASON_PAWS);
    answer_unacceptable(in);
    return false;
}

/* Table 6 of RFC 9293. A segment that reaches over both ends of the window has an acceptable
 * part too. */
static bool acceptable(const struct tcb *t, uint32_t seq, uint32_t len)
{
    uint32_t wnd = tcp_rcv_wnd(t), right = t->rcv_nxt + wnd;

    if (len == 0 && wnd == 0)
        return seq == t->rcv_nxt;
    if (len == 0)
        return seq_le(t->rcv_nxt, seq) && seq_lt(seq, right);
    if (wnd == 0)
        return false;
    return seq_lt(seq, right) && seq_ge(seq + len - 1, t->rcv_nxt);
}

/*= RFC 9293 3.10.7.4
 * If the RCV.WND is zero, no segments will be acceptable, but special allowance should be made to
 * accept valid ACKs, URGs, and RSTs. */
static bool allowed_at_zero(struct tcp_in *in)
{
    if (tcp_rcv_wnd(in->t) != 0 || in->seq != in->t->rcv_nxt)
        return false;
    in->t->ack_now = true;
    if (in->len == 0)
        return true; /* a FIN alone needs no buffer: widely deployed stacks send it so */
    tcp_drop(in, PLAIT_REASON_WINDOW_FULL);
    in->len = 0;
    in->fin = false;
    return true;
}

/* Old text, or the FIN again. */
static void note_old(struct tcp_in *in)
{
    struct tcb *t = in->t;
    uint32_t end = in->seq + in->len;

    note_old_text(in);
    /*= RFC 9293 3.10.7.4
     * The only thing that can arrive in this state is a retransmission of the remote FIN.
     * Acknowledge it, and restart the 2 MSL timeout. */
    if (t->state == TCP_ST_TIME_WAIT && in->fin && end + 1 == t->rcv_nxt)
        t->time_wait_at = in->now + t->cfg->time_wait;
}

/* "First, check sequence number". A SYN goes on to the fourth step, which answers it whatever its
 * number; a RST to the second. */
static bool check_sequence(struct tcp_in *in)
{
    const struct tcb *t = in->t;

    /*= RFC 9293 MUST-66 */
    if ((in->seg->flags & (WIRE_SYN | WIRE_RST)) != 0)
        return true;
    if (acceptable(t, in->seq, in->len + (in->fin ? 1 : 0)) || allowed_at_zero(in))
        return true;
    /*= RFC 9293 3.10.7.4
     * If an incoming segment is not acceptable, an acknowledgment should be sent in reply
     * (unless the RST bit is set, if so drop the segment and return) */
    note_old(in);
    tcp_drop(in, PLAIT_REASON_SEQ_OUTSIDE);
    answer_unacceptable(in);
    return false;
}

/* A RST that is exactly right, by state. */
static void reset_by_peer(struct tcp_in *in)
{
    struct tcb *t = in->t;
    /*= RFC 9293 3.5
     * Note that a TCP implementation MUST keep track of whether a connection has reached
     * SYN-RECEIVED state as the result of a passive OPEN or an active OPEN (MUST-11). */
    bool refused = t->state == TCP_ST_SYN_RECEIVED && t->active;
    enum plait_reason reason = refused ? PLAIT_REASON_SYN_REFUSED : PLAIT_REASON_RST_RECEIVED;

    in->res->closed = true;
    in->res->reset = t->state != TCP_ST_CLOSING && t->state != TCP_ST_LAST_ACK;
    tcp_drop(in, reason);
    tcp_gone(t, reason, in->now);
}

/*= RFC 5961 1.1-1, 3.2-1, 3.2-2, 3.2-3, 3.2-4, 3.2-5, 3.2-6, 4.2-4 */
/*= RFC 9293 3.10.7.4-3 */
/* "Second, check the RST bit". */
static bool check_rst(struct tcp_in *in)
{
    struct tcb *t = in->t;

    if ((in->seg->flags & WIRE_RST) == 0)
        return true;
    if (t->state == TCP_ST_TIME_WAIT) {
        tcp_drop(in, PLAIT_REASON_RST_IN_WINDOW); /* RFC 1337: no assassination */
        return false;
    }
    /*= RFC 9293 3.10.7.4
     * If the RST bit is set and the sequence number exactly matches the next expected sequence
     * number (RCV.NXT), then TCP endpoints MUST reset the connection in the manner prescribed
     * below according to the connection state. */
    /*= RFC 9293 3.5.3
     * TCP implementations SHOULD allow a received RST segment to include data (SHLD-2). */
    if (in->seq == t->rcv_nxt) {
        reset_by_peer(in);
        return false;
    }
    /*= RFC 9293 3.10.7.4
     * If the RST bit is set and the sequence number is outside the current receive window, silently
     * drop the segment. */
    if (!acceptable(t, in->seq, 0)) {
        tcp_drop(in, PLAIT_REASON_SEQ_OUTSIDE);
        return false;
    }
    /*= RFC 9293 3.10.7.4
     * If the RST bit is set and the sequence number does not exactly match the next expected
     * sequence value, yet is within the current receive window, TCP endpoints MUST send an
     * acknowledgment (challenge ACK) */
    tcp_drop(in, PLAIT_REASON_RST_IN_WINDOW);
    tcp_challenge(t, in->now);
    return false;
}

/* In SYN-RECEIVED after a simultaneous open the peer's SYN comes again, alone or with its ACK. */
static bool syn_again(struct tcp_in *in)
{
    struct tcb *t = in->t;

    if (t->state != TCP_ST_SYN_RECEIVED || in->seg->seq + t->syn_text != t->irs)
        return false;
    if ((in->seg->flags & WIRE_ACK) != 0)
        return true; /* the ACK counts, the SYN is old: section A.2 of RFC 9293 */
    tcp_drop(in, PLAIT_REASON_SYN_IN_WINDOW);
    t->syn_rtx_due = true;
    return false;
}

/*= RFC 5961 1.1-1, 4.2-1, 4.2-2, 4.2-3 */
/*= RFC 9293 3.10.7.4-5 */
/* "Fourth, check the SYN bit" (the third is about security compartments, which nobody has). */
static bool check_syn(struct tcp_in *in)
{
    if ((in->seg->flags & WIRE_SYN) == 0)
        return true;
    if (syn_again(in)) {
        in->seq++;
        return true;
    }
    if (in->res->reason != PLAIT_REASON_NONE)
        return false;
    /*= RFC 9293 3.10.7.4
     * RFC 5961 recommends that in these synchronized states, if the SYN bit is set, irrespective of
     * the sequence number, TCP endpoints MUST send a "challenge ACK" to the remote peer */
    tcp_drop(in, PLAIT_REASON_SYN_IN_WINDOW);
    tcp_challenge(in->t, in->now);
    return false;
}

/*= RFC 7323 5.3-1, 5.3-2, 5.3-3 */
static void input_other_states(struct tcp_in *in)
{
    if (!check_paws(in) || !check_sequence(in) || !check_rst(in) || !check_syn(in))
        return;
    if (!tcp_ack_field(in)) /* "Fifth, check the ACK field" */
        return;
    tcp_ecn_input(in);
    tcp_rcv_text(in); /* "Seventh, process the segment text" */
    tcp_rcv_fin(in);  /* "Eighth, check the FIN bit" */
}

/*= RFC 9293 3.10.7.4
 * In general, the processing of received segments MUST be implemented to aggregate ACK segments
 * whenever possible (MUST-58). */
/*= RFC 9293 3.10.7.4
 * For example, if the TCP endpoint is processing a series of queued segments, it MUST process them
 * all before sending any ACK segments (MUST-59). */
/*= RFC 9293 MUST-31 */
void tcp_input(struct tcb *t, const struct wire_seg *seg, struct plait_block **block,
               plait_time now, struct tcp_result *res)
{
    struct plait_block *none = NULL;
    struct tcp_in in = {
        .t = t, .seg = seg, .block = block != NULL ? block : &none, .now = now, .res = res,
        .seq = seg->seq, .len = seg->len, .data = seg->data,
        .fin = (seg->flags & WIRE_FIN) != 0,
    };

    memset(res, 0, sizeof *res);
    t->segs_in++;
    if (t->state == TCP_ST_CLOSED)
        tcp_drop(&in, PLAIT_REASON_NO_SOCKET);
    else if (t->state == TCP_ST_SYN_SENT)
        tcp_input_syn_sent(&in);
    else
        input_other_states(&in);
    tcp_rate_refresh(&t->loss, now);
    tcp_rearm(t, now);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* RSTs, and the ACKs that are sent instead of them.
 *
 * Called by input.c, handshake.c, tcb.c and, for segments that belong to nobody, by the stack.
 * Challenge ACKs have a budget of each connection, so that no other connection's behaviour tells
 * an observer anything (CVE-2016-5696). The same budget limits the ACKs that answer unacceptable
 * segments without payload: two ends that disagree would else answer each other for ever. RFC
 * 9293 3.5.2 and 3.10.7.1, RFC 5961 7, RFC 7323 5.2. */
#include "internal.h"

#include <string.h>

bool tcp_challenge_left(plait_time *period_end, uint8_t *n, plait_time now)
{
    if (now >= *period_end) {
        *period_end = now + TCP_CHALLENGE_PERIOD;
        *n = 0;
    }
    if (*n >= TCP_CHALLENGE_MAX)
        return false;
    (*n)++;
    return true;
}

/*= RFC 5961 7-2 */
/* An ACK is due at once, if the budget has one. */
void tcp_challenge(struct tcb *t, plait_time now)
{
    if (tcp_challenge_left(&t->challenge_at, &t->challenge_n, now))
        t->ack_now = true;
    else
        ctx_count(t->ctx, PLAIT_REASON_CHALLENGE_LIMIT);
}

/* <SEQ=SEG.ACK><CTL=RST> for a segment that cannot belong to this handshake, which goes on. */
void tcp_refuse(struct tcb *t, uint32_t seq)
{
    t->rst_wanted = true;
    t->rst_with_ack = false;
    t->rst_seq = seq;
}

/*= RFC 9293 3.10.5
 * Send a reset segment: <SEQ=SND.NXT><CTL=RST> */
void tcp_rst_for_abort(struct tcb *t)
{
    t->rst_wanted = true;
    t->rst_with_ack = true; /* middleboxes drop a RST without ACK more often */
    t->rst_seq = t->sndq.nxt;
    t->rst_ack = t->rcv_nxt;
}

bool tcp_reset_for(const struct wire_seg *seg, struct tcp_plan *plan)
{
    /*= RFC 9293 3.10.7.1
     * An incoming segment containing a RST is discarded. */
    if ((seg->flags & WIRE_RST) != 0)
        return false;
    memset(plan, 0, sizeof *plan);
    plan->why = TCP_WHY_RST;
    if ((seg->flags & WIRE_ACK) != 0) {
        plan->flags = WIRE_RST;
        plan->seq = seg->ack;
    } else {
        plan->flags = WIRE_RST | WIRE_ACK;
        plan->ack = seg->seq + seg->len + ((seg->flags & WIRE_SYN) != 0 ? 1 : 0) +
                    ((seg->flags & WIRE_FIN) != 0 ? 1 : 0);
    }
    /*= RFC 7323 5.2
     * In the <RST> segment, SEG.TSecr SHOULD be set to SEG.TSval from the incoming segment and
     * SEG.TSval SHOULD be set to zero. */
    /*= RFC 7323 5.2-2 */
    if (seg->opt.has_ts) {
        plan->has_opt = plan->opt.has_ts = true;
        plan->opt.tsecr = seg->opt.tsval;
    }
    return true;
}

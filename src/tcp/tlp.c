/* SPDX-License-Identifier: Apache-2.0 */
/* Tail loss probes (RFC 8985 7): when ACKs stop coming, one more segment asks for one, long before
 * the retransmission time-out, so that RACK can find what was lost at the end of a flight.
 *
 * Called by loss.c. The timer lives in tcp_loss_rearm(); here is when it may run, how long, what
 * was probed and what an ACK says about it. */
#include "loss_int.h"

/* How long a peer may hold back the ACK of a lone segment. */
static const plait_time MAX_ACK_DELAY = 200 * PLAIT_MSEC;

void tcp_tlp_init(struct tcp_loss *l)
{
    l->f->tlp_due = false;
    l->tlp_out = false;
    l->tlp_is_rtx = false;
}

/*= RFC 8985 7.3-1, 7.3-2 */
bool tcp_tlp_may_arm(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    /*= RFC 8985 7.2
     * The sender SHOULD start or restart a loss probe PTO timer after transmitting new data (that
     * was not itself a loss probe) or upon receiving an ACK that cumulatively acknowledges new
     * data unless it is already in fast recovery, RTO recovery, or segments have been SACKed
     * (i.e., RACK.segs_sacked is not zero). */
    if (l->f->state != TCP_LOSS_OPEN || q->f->sacked > 0 || q->f->lost > 0)
        return false;
    /*= RFC 8985 7.3
     * First, there is no other previous loss probe still in flight. */
    if (l->tlp_out || l->f->tlp_due || !l->rtt_sample_since_tlp)
        return false;
    return q->f->recs.count > 0 && (tcp_sndq_rec(q, 0)->flags & TCP_REC_SYN) == 0;
}

/*= RFC 8985 7.2-3, 7.2-4 */
plait_time tcp_tlp_timeout(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    /*= RFC 8985 7.2
     * Second, when there is no SRTT estimate available, the PTO SHOULD be 1 second. */
    if (l->rtt.srtt == 0)
        return PLAIT_SEC;
    return 2 * l->rtt.srtt + (q->nxt - q->una <= l->cc.mss ? MAX_ACK_DELAY : 0);
}

void tcp_tlp_sent(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_sent *s)
{
    l->f->tlp_due = false;
    l->tlp_out = true;
    l->tlp_is_rtx = s->rtx;
    l->tlp_end_seq = q->nxt;
    l->rtt_sample_since_tlp = false;
}

/* A duplicate ACK without SACK, and without an MPTCP option that would explain it (RFC 8684 3). */
static bool is_plain_dupack(const struct tcp_ackctx *a)
{
    return !a->advanced && a->seg->len == 0 && a->seg->opt.sack_n == 0 &&
           (a->seg->mp.present & ~(1u << WIRE_MP_DSS)) == 0;
}

bool tcp_tlp_ack(struct tcp_loss *l, struct tcp_ackctx *a)
{
    bool covered = l->tlp_out && seq_ge(a->seg->ack, l->tlp_end_seq);

    if (!covered)
        return false;
    if (!l->tlp_is_rtx) {
        l->tlp_out = false;
    } else if (a->dsack && a->dup.hi == l->tlp_end_seq) {
        a->dup_of_probe = true;
        l->tlp_out = false;
    } else if (seq_gt(a->seg->ack, l->tlp_end_seq)) {
        /*= RFC 8985 7.4.2
         * If the TLP sender does not receive such an indication, then it MUST assume that the
         * original data segment, the TLP retransmission, or a corresponding ACK was lost for
         * congestion control purposes. */
        l->tlp_out = false;
        return true;
    } else if (is_plain_dupack(a)) {
        l->tlp_out = false;
    }
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The retransmission time-out, and F-RTO's question whether it was needless.
 *
 * Called by loss.c. A time-out marks what RACK allows to be marked (RFC 8985 6.3), lets one
 * segment go whatever the window says, and starts slow start again (RFC 5681 3.1, 6298 5). While a
 * path is silent each further time-out does the same for the head alone, since the window is one
 * segment.
 *
 * F-RTO with SACK (RFC 5682 3.1): after the first ACK of something new two segments of new data go
 * out instead of retransmissions (step 3); where the next ACK reports data that was not sent
 * again, the time-out was spurious. This module does not know the peer's window, which may forbid
 * new data: so step 3 ends after two round trips and retransmissions go on. */
#include "loss_int.h"

static void start_frto(struct tcp_loss *l)
{
    /*= RFC 5682 3.1
     * This algorithm SHOULD NOT be applied if the TCP sender is already in loss recovery when a
     * retransmission timeout occurs. */
    if (l->f->state == TCP_LOSS_OPEN || (l->f->state == TCP_LOSS_RTO && l->f->frto_step != 0))
        l->f->frto_step = 2;
    else
        l->f->frto_step = 0;
}

static void collapse(struct tcp_loss *l, struct tcp_sndq *q, plait_time now)
{
    /*= RFC 5681 3.1
     * On the other hand, when a TCP sender detects segment loss using the retransmission timer and
     * the given segment has already been retransmitted by way of the retransmission timer at least
     * once, the value of ssthresh is held constant. */
    if (l->rto_n == 0) {
        if (l->f->state == TCP_LOSS_OPEN)
            tcp_undo_start(l, q);
        l->cc.ops->on_rto(&l->cc, tcp_prr_flight_size(l, q->nxt - q->una), now);
    }
    /*= RFC 5681 3.1
     * Furthermore, upon a timeout (as specified in [RFC2988]) cwnd MUST be set to no more than the
     * loss window, LW, which equals 1 full-sized segment (regardless of the value of IW). */
    l->cc.cwnd = l->cc.mss;
    l->after_rto = true;
    tcp_loss_reduced(l, q, now);
}

void tcp_rto_fire(struct tcp_loss *l, struct tcp_sndq *q, plait_time now)
{
    const struct tcp_rec *head = tcp_sndq_rec(q, 0);

    if ((head->flags & TCP_REC_SYN) == 0) {
        /* RFC 2018 8: the head cannot have been SACKed unless the peer dropped it again. */
        if ((head->flags & TCP_REC_SACKED) != 0)
            tcp_marks_forget(l, q);
        start_frto(l);
        collapse(l, q, now);
        tcp_rack_rto(l, q, now);
        l->f->state = TCP_LOSS_RTO;
        l->f->recovery_point = q->nxt;
    } else if ((head->flags & TCP_REC_LOST) == 0) {
        tcp_sndq_mark_lost(q, tcp_sndq_rec(q, 0));
    }
    tcp_rtt_back_off(&l->rtt);
    if (l->rto_n < UINT8_MAX)
        l->rto_n++;
    l->f->rto_base = now;
    l->f->force = true;
    tcp_tlp_init(l);
}

/* The first ACK of something new came (step 2). */
static void send_new(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    l->f->frto_step = 0;
    /*= RFC 5682 3.1
     * If the TCP sender is not able to transmit any previously unsent data -- either due to
     * receiver window limitation or because it does not have any new data to send -- the
     * recommended action is to refrain from entering step 3 of this algorithm. */
    if (seq_ge(q->una, l->f->recovery_point) || (tcp_sndq_unsent(q) == 0 && !a->more))
        return;
    l->f->recovery_point = q->nxt;
    l->f->frto_step = 3;
    l->f->frto_left = 2 * l->cc.mss;
    l->f->frto_until = a->now + 2 * (l->rtt.srtt > PLAIT_MSEC ? l->rtt.srtt : PLAIT_MSEC);
}

/*= RFC 8684 3-1, 3.4.1-15, 4-2 */
/* A duplicate ACK that delivers nothing; one with an MPTCP option is not counted (RFC 8684 3). */
static bool is_dupack(const struct tcp_ackctx *a)
{
    return !a->advanced && a->delivered == 0 && a->seg->len == 0 && a->seg->opt.sack_n > 0 &&
           (a->seg->mp.present & ~(1u << WIRE_MP_DSS)) == 0;
}

bool tcp_rto_ack(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    if (l->f->frto_step == 2 && a->advanced) {
        send_new(l, q, a);
        return false;
    }
    if (l->f->frto_step != 3)
        return false;
    if (a->delivered == 0) {
        if (is_dupack(a))
            l->f->frto_step = 0;
        return false;
    }
    l->f->frto_step = 0;
    if (seq_gt(a->delivered_hi, l->f->recovery_point)) {
        if (l->cc.cwnd > 3 * l->cc.mss)
            l->cc.cwnd = 3 * l->cc.mss;
        return false;
    }
    /*= RFC 5682 3.1
     * The retransmission timeout can be declared spurious, because the segment acknowledged with
     * this ACK was transmitted before the timeout. */
    if (!a->orig_delivered || l->undo == NULL)
        return false;
    tcp_undo_apply(l, q, a->now);
    return true;
}

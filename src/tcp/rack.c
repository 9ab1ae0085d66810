/* SPDX-License-Identifier: Apache-2.0 */
/* RACK: what was sent before something that has been delivered, and has had time to arrive, is
 * lost (RFC 8985 6).
 *
 * Called by loss.c: tcp_rack_delivered() for each record that an ACK delivers, then the steps of
 * RFC 8985 6.2, and by the reordering timer.
 *
 * The RFC's loop over all segments would cost a walk over the flight for each ACK. Here two orders
 * are kept instead. Records that were sent once stand in the queue in the order of their
 * transmission: behind the first that is not lost yet no other is, and rack_scan remembers how far
 * that was. Retransmissions stand in the order of their transmission in tcp_sndq.rtx. So detection
 * looks at what it marks, and at one record more of each kind.
 *
 * The timer is set to the first record that will be deemed lost, not to the last as in RFC 8985
 * 6.2: a pass costs little, and the first hole is repaired earlier. */
#include "loss_int.h"

enum { REO_WND_PERSIST = 16 };

void tcp_rack_init(struct tcp_loss *l)
{
    l->reo_wnd_mult = 1;
}

static bool sent_after(plait_time t1, uint32_t end1, plait_time t2, uint32_t end2)
{
    return t1 > t2 || (t1 == t2 && seq_gt(end1, end2));
}

static void note_rtt(struct tcp_ackctx *a, const struct tcp_rec *r, bool sacked)
{
    if ((r->flags & TCP_REC_RTX) != 0) {
        if (!sacked && (!a->rtx_acked || seq_lt(r->tsval, a->rtx_ts)))
            a->rtx_ts = r->tsval;
        a->rtx_acked = a->rtx_acked || !sacked;
        if (a->ts && !sacked && a->tsecr == r->tsval)
            a->rtx_echoed = r->sent;
        return;
    }
    if (sacked) {
        if (a->last_sacked == PLAIT_NEVER || r->sent > a->last_sacked)
            a->last_sacked = r->sent;
        return;
    }
    if (a->first_acked == PLAIT_NEVER)
        a->first_acked = r->sent;
    a->last_acked = r->sent;
}

/* RFC 8985 6.2 step 2: is the time of its last transmission a fact about what was delivered? */
static bool is_valid(const struct tcp_loss *l, const struct tcp_ackctx *a, const struct tcp_rec *r,
                     bool sacked)
{
    if ((r->flags & TCP_REC_RTX) == 0)
        return true;
    /*= RFC 8985 6.2
     * To avoid spurious inferences, ignore a segment as invalid if any of its sequence range has
     * been retransmitted before and if either of two conditions is true: */
    /* The first is the echo of an older timestamp. It says so only of what is acknowledged
     * cumulatively: behind a hole no timestamp is echoed (RFC 7323 4.3), and a tail loss probe
     * would never count. */
    if (!sacked && a->ts && seq_lt(a->tsecr, r->tsval))
        return false;
    return l->rtt.min_rtt == PLAIT_NEVER || a->now - r->sent >= l->rtt.min_rtt;
}

void tcp_rack_delivered(struct tcp_loss *l, struct tcp_ackctx *a, const struct tcp_rec *r,
                        uint32_t end, bool sacked)
{
    a->delivered += end - r->seq;
    a->delivered_hi = seq_max(a->delivered_hi, end);
    if (l->rate != NULL)
        tcp_rate_delivered(l, a, r, end);
    note_rtt(a, r, sacked);
    if ((r->flags & TCP_REC_RTX) == 0) {
        /*= RFC 8985 6.2
         * If a never-retransmitted segment that's below RACK.fack is (selectively or cumulatively)
         * acknowledged, it has been delivered out of order. */
        if (seq_lt(end, a->prior_fack))
            l->reordering_seen = true;
        a->orig_delivered = true;
        a->orig_hi = seq_max(a->orig_hi, end);
    }
    if (!is_valid(l, a, r, sacked))
        return;
    if (a->best && !sent_after(r->sent, end, a->best_sent, a->best_end))
        return;
    a->best = true;
    a->best_sent = r->sent;
    a->best_end = end;
}

void tcp_rack_update(struct tcp_loss *l, const struct tcp_ackctx *a)
{
    if (!a->best)
        return;
    l->rack_rtt = a->now - a->best_sent;
    if (l->f->rack_valid &&
        !sent_after(a->best_sent, a->best_end, l->f->rack_xmit, l->f->rack_end_seq))
        return;
    if (!l->f->rack_valid)
        l->f->rack_scan = a->prior_una;
    l->f->rack_valid = true;
    l->f->rack_xmit = a->best_sent;
    l->f->rack_end_seq = a->best_end;
}

/*= RFC 8985 4-3 */
void tcp_rack_dsack(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    if (l->f->dsack_round_valid && seq_ge(q->una, l->f->dsack_round))
        l->f->dsack_round_valid = false;
    if (!a->dsack || l->f->dsack_round_valid)
        return;
    /*= RFC 8985 3.3.2
     * The RACK reordering window SHOULD adaptively increase (using the algorithm in "Step 4: Update
     * RACK reordering window" below) if the sender receives a Duplicate Selective Acknowledgment
     * (DSACK) option [RFC2883]. */
    if (!tcp_loss_rests(l)) { /* else the round is over with the next ACK */
        l->f->dsack_round_valid = true;
        l->f->dsack_round = q->nxt;
    }
    if (l->reo_wnd_mult < UINT8_MAX)
        l->reo_wnd_mult++;
    l->reo_wnd_persist = REO_WND_PERSIST;
}

void tcp_rack_recovered(struct tcp_loss *l)
{
    if (l->reo_wnd_persist > 0)
        l->reo_wnd_persist--;
    if (l->reo_wnd_persist == 0)
        l->reo_wnd_mult = 1;
}

/*= RFC 8985 3.3.2-1, 3.3.2-2 */
plait_time tcp_rack_reo_wnd(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    plait_time wnd;

    if (l->rtt.min_rtt == PLAIT_NEVER)
        return 0;
    if (!l->reordering_seen) {
        /*= RFC 8985 6.2
         * Furthermore, when no reordering has been observed, the RACK.reo_wnd is set to 0 both upon
         * entering and during fast recovery or RTO recovery. */
        if (l->f->state != TCP_LOSS_OPEN)
            return 0;
        if (q->f->sacked_n >= TCP_DUP_THRESH || q->f->sacked > (TCP_DUP_THRESH - 1) * l->cc.mss)
            return 0;
    }
    /*= RFC 8985 3.3.2
     * The RACK reordering window MUST be bounded, and this bound SHOULD be SRTT. */
    wnd = l->reo_wnd_mult * l->rtt.min_rtt / 4;
    return wnd < l->rtt.srtt ? wnd : l->rtt.srtt;
}

/* Lost by now? False: at l->f->reorder_at, or not before something else is delivered. */
static bool is_due(struct tcp_loss *l, const struct tcp_rec *r, plait_time wait, plait_time now)
{
    if (!sent_after(l->f->rack_xmit, l->f->rack_end_seq, r->sent, tcp_rec_end(r)))
        return false;
    if (r->sent + wait <= now)
        return true;
    if (r->sent + wait < l->f->reorder_at)
        l->f->reorder_at = r->sent + wait;
    return false;
}

static void lose(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a, struct tcp_rec *r)
{
    if ((r->flags & TCP_REC_RTX) != 0 && r->sent >= l->f->reduced_at)
        a->lost_rtx = true;
    /*= RFC 4821 7.6.2
     * When only the probe is lost, it is treated as an indication that the Path MTU is smaller than
     * the probe size.  In this case alone, the loss SHOULD NOT be interpreted as congestion signal.
     */
    if ((r->flags & TCP_REC_MTU) == 0) {
        a->lost += r->len;
        if (l->rate != NULL)
            tcp_rate_lost(l, r, a->now);
    }
    l->lost_bytes += r->len;
    tcp_sndq_mark_lost(q, r);
}

static void scan_originals(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a,
                           plait_time wait)
{
    const unsigned passed = TCP_REC_SACKED | TCP_REC_LOST | TCP_REC_RTX;
    uint32_t i;

    l->f->rack_scan = seq_max(l->f->rack_scan, q->una);
    if (tcp_sndq_rec_at(q, l->f->rack_scan, &i) == NULL)
        return;
    for (; i < q->f->recs.count; i++) {
        struct tcp_rec *r = tcp_sndq_rec(q, i);
        if ((r->flags & passed) == 0) {
            if (!is_due(l, r, wait, a->now))
                break;
            lose(l, q, a, r);
        }
        l->f->rack_scan = tcp_rec_end(r);
    }
}

enum found { FOUND_NOTHING, FOUND_WAITING, FOUND_LOST };

/* Marks the records that were last sent by retransmission x. */
static enum found scan_rtx(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a,
                           const struct tcp_rtx *x, plait_time wait)
{
    enum found found = FOUND_NOTHING;
    uint32_t i;

    if (tcp_sndq_rec_at(q, seq_max(x->seq, q->una), &i) == NULL)
        return FOUND_NOTHING;
    for (; i < q->f->recs.count && seq_lt(tcp_sndq_rec(q, i)->seq, x->end); i++) {
        struct tcp_rec *r = tcp_sndq_rec(q, i);
        if (r->sent != x->sent || (r->flags & (TCP_REC_SACKED | TCP_REC_LOST)) != 0)
            continue;
        if (!is_due(l, r, wait, a->now))
            return FOUND_WAITING;
        lose(l, q, a, r);
        found = FOUND_LOST;
    }
    return found;
}

/*= RFC 8985 1-1, 9.2-1 */
/*= RFC 8684 3.4.1-15, 4-2 */
/*= RFC 8684 3
 * Therefore, an MPTCP implementation receiving a duplicate ACK that contains an MPTCP option MUST
 * NOT treat it as a signal of congestion. */
void tcp_rack_detect(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a)
{
    plait_time wait = l->rack_rtt + tcp_rack_reo_wnd(l, q);

    if (!l->f->rack_valid)
        return;
    l->f->reorder_at = PLAIT_NEVER;
    scan_originals(l, q, a, wait);
    while (q->f->rtx.count > 0) {
        const struct tcp_rtx x = *(const struct tcp_rtx *)ring_at(&q->f->rtx, 0);
        if (scan_rtx(l, q, a, &x, wait) == FOUND_WAITING)
            break;
        ring_pop(&q->f->rtx, 1);
    }
}

void tcp_rack_rto(struct tcp_loss *l, struct tcp_sndq *q, plait_time now)
{
    plait_time wait = l->rack_rtt + tcp_rack_reo_wnd(l, q);

    /*= RFC 8985 6.3
     * Upon RTO timer expiration, RACK marks the first outstanding segment as lost (since it was
     * sent an RTO ago); for all the other segments, RACK only marks the segment as lost if the
     * time elapsed since the segment was transmitted is at least the sum of the recent RTT and the
     * reordering window. */
    for (uint32_t i = 0; i < q->f->recs.count; i++) {
        struct tcp_rec *r = tcp_sndq_rec(q, i);
        if ((r->flags & (TCP_REC_SACKED | TCP_REC_LOST)) != 0)
            continue;
        if (i > 0 && r->sent + wait > now)
            continue;
        l->lost_bytes += r->len;
        if (l->rate != NULL)
            tcp_rate_lost(l, r, now);
        tcp_sndq_mark_lost(q, r);
    }
    l->f->reorder_at = PLAIT_NEVER;
}

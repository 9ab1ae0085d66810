/* SPDX-License-Identifier: Apache-2.0 */
/* Fast recovery and its window: proportional rate reduction (RFC 6937, as RFC 9937 amends it).
 *
 * Called by loss.c. While in recovery cwnd = bytes in flight + what PRR lets go out now (sndcnt),
 * so that tcp_loss_quota() is the same subtraction as ever; when recovery ends cwnd = ssthresh.
 * The reduction bound is RFC 9937's: packet conservation, and one segment more on ACKs that move
 * SND.UNA without a new loss. The quota is counted up to whole segments, on the sum and not on
 * each ACK: one that acknowledges little by little gains nothing. */
#include "loss_int.h"

static uint64_t whole_segs(const struct tcp_loss *l, uint64_t bytes)
{
    return (bytes + l->cc.mss - 1) / l->cc.mss * l->cc.mss;
}

uint32_t tcp_prr_flight_size(const struct tcp_loss *l, uint32_t out)
{
    /*= RFC 5681 3.2
     * When [RFC3042] is in use, additional data sent in limited transmit MUST NOT be included in
     * this calculation. */
    return out < l->cc.cwnd ? out : l->cc.cwnd;
}

static void start(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    l->f->state = TCP_LOSS_RECOVERY;
    l->f->recovery_point = q->nxt;
    tcp_loss_reduced(l, q, a->now);
    l->after_rto = false;
    l->f->force = true;
    l->f->prr_delivered = 0;
    l->f->prr_out = 0;
    /* What will be delivered from now on, this ACK's delivery included: not what was SACKed
     * before. */
    l->f->recover_fs = q->nxt - q->una - (q->f->sacked - a->out->sacked) + a->out->acked;
    if (l->f->recover_fs == 0)
        l->f->recover_fs = 1;
    tcp_tlp_init(l);
}

/*= RFC 8985 9.3-2 */
void tcp_prr_enter(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    tcp_undo_start(l, q);
    l->cc.ops->on_congestion(&l->cc, tcp_prr_flight_size(l, a->prior_out), a->now);
    start(l, q, a);
}

/*= RFC 5681 4.3-4 */
void tcp_prr_again(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    /*= RFC 8985 3.4
     * Note that [RFC5681] mandates a principle that loss in two successive windows of data or the
     * loss of a retransmission must be taken as two indications of congestion and therefore
     * results in two separate congestion control reactions. */
    tcp_undo_end(l, q->env);
    if (l->rate == NULL)
        l->cc.cwnd = l->cc.ssthresh; /* the window that the first reaction is on its way to */
    l->cc.ops->on_congestion(&l->cc, tcp_prr_flight_size(l, a->prior_out), a->now);
    start(l, q, a);
}

/* How many bytes may go out on this ACK. */
static uint64_t send_count(const struct tcp_loss *l, uint32_t pipe, uint32_t delivered, bool safe)
{
    const uint32_t mss = l->cc.mss, ssthresh = l->cc.ssthresh;
    uint64_t quota, limit;

    if (pipe > ssthresh) {
        /*= RFC 6937 3
         * sndcnt = CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out */
        quota = whole_segs(l, (uint64_t)l->f->prr_delivered * ssthresh / l->f->recover_fs);
        return quota > l->f->prr_out ? quota - l->f->prr_out : 0;
    }
    quota = whole_segs(l, l->f->prr_delivered);
    limit = quota > l->f->prr_out ? quota - l->f->prr_out : 0;
    if (limit < delivered)
        limit = delivered;
    if (safe)
        limit += mss;
    return ssthresh - pipe < limit ? ssthresh - pipe : limit;
}

void tcp_prr_ack(struct tcp_loss *l, const struct tcp_sndq *q, uint32_t delivered, bool safe)
{
    uint32_t pipe = tcp_sndq_flight(q);
    uint64_t sndcnt;

    if (l->rate != NULL)
        return; /* the window is not PRR's */
    l->f->prr_delivered += delivered;
    sndcnt = send_count(l, pipe, delivered, safe);
    /* The first retransmission goes out whatever the sum says; and with nothing in flight no ACK
     * would come to change the sum. */
    if ((l->f->force || pipe == 0) && sndcnt < l->cc.mss)
        sndcnt = l->cc.mss;
    l->cc.cwnd = pipe;
    cc_grow(&l->cc, sndcnt);
}

/* ssthresh; but no more than was out when recovery began or is now, or a connection begins with.
 * ssthresh is beyond that only where less was out than the window held, and would go out in one
 * burst: slow start makes up for it. RFC 6582 3.2 step 3 has the same choice. */
static uint32_t window_after(const struct tcp_loss *l)
{
    uint32_t most = cc_initial_window(l->cc.mss);

    most = l->f->recover_fs > most ? l->f->recover_fs : most;
    most = l->cc.cwnd > most ? l->cc.cwnd : most;
    return l->cc.ssthresh < most ? l->cc.ssthresh : most;
}

/*= RFC 5681 4.3-3 */
void tcp_prr_leave(struct tcp_loss *l, plait_time now)
{
    if (l->f->state == TCP_LOSS_RECOVERY && l->rate == NULL)
        l->cc.cwnd = window_after(l);
    if (l->f->state == TCP_LOSS_RECOVERY || l->rate != NULL)
        l->cc.ops->on_recovered(&l->cc, now);
    l->f->state = TCP_LOSS_OPEN;
    l->f->force = false;
    l->f->frto_step = 0;
    tcp_tlp_init(l);
    tcp_rack_recovered(l);
}

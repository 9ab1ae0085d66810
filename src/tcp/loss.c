/* SPDX-License-Identifier: Apache-2.0 */
/* Loss recovery of one subflow: the order of its steps, its timer, and its face towards the tcb.
 *
 * Theory of operation. The scoreboard (sndq.c) holds a record of everything that was sent and is
 * not yet acknowledged; a record is in flight, SACKed or LOST. RACK (rack.c) decides by time what
 * is LOST: something sent later has arrived, and a round trip and a reordering window have passed.
 * There is no counting of duplicate ACKs; a peer without SACK is served by the time-out alone.
 * When the ACKs stop, a tail loss probe (tlp.c) asks for one, and after it the retransmission
 * time-out (rto.c).
 *
 * state says what the window does. OPEN: cc grows it. RECOVERY, from the first loss until
 * recovery_point is acknowledged: PRR sets it (prr.c). RTO, likewise: slow start from one segment.
 * A reduction that was needless is undone (undo.c).
 *
 * The caller sends, in this order: a probe if tcp_loss_want() says so, what tcp_loss_next_lost()
 * names, new data; together as much as tcp_loss_quota(). A record is as long as a super-segment,
 * so a retransmission may be a part of it; sndq splits it.
 *
 * A congestion control that goes by rates (rate.c) sets the window itself, in recovery too: PRR and
 * ssthresh have no say then.
 *
 * One timer, of which only tcp_loss_rearm() decides; RTO while anything is unacknowledged, instead
 * of it TLP or the reordering timer where they come first. RFC 8985 8, 6298 5. */
#include "loss_int.h"

#include <assert.h>
#include <string.h>

enum { SUPER_SEGMENT = 65536 };

void tcp_loss_init(struct tcp_loss *l, const struct cc_ops *ops, uint32_t mss, plait_time rto_min)
{
    memset(l, 0, sizeof *l);
    tcp_rtt_init(&l->rtt, rto_min);
    cc_init(&l->cc, ops, mss);
    l->f = &tcp_flight_none()->repair;
    l->rtt_sample_since_tlp = true;
    tcp_rack_init(l);
}

/* ---- an ACK ---------------------------------------------------------------------------------- */

/* What the segment acknowledges cumulatively. */
static void take_cumulative(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a)
{
    uint32_t ack = a->seg->ack;
    struct tcp_ack_out *out = a->out;

    for (uint32_t i = 0; i < q->f->recs.count; i++) {
        const struct tcp_rec *r = tcp_sndq_rec(q, i);
        if (seq_ge(r->seq, ack))
            break;
        if ((r->flags & TCP_REC_SACKED) == 0)
            tcp_rack_delivered(l, a, r, seq_min(tcp_rec_end(r), ack), false);
        if ((r->flags & TCP_REC_SYN) != 0) {
            out->syn_acked = true;
            /* RFC 6928 2: one segment after more than one retransmission of the SYN. */
            if (r->tx_n > 2)
                l->cc.cwnd = l->cc.mss;
            if (r->tx_n > 1)
                tcp_rtt_after_syn_timeout(&l->rtt); /* until a sample comes */
        }
        out->fin_acked = out->fin_acked || (r->flags & TCP_REC_FIN) != 0;
    }
    out->acked = ack - q->una;
    out->acked_data = out->acked - (out->syn_acked ? 1 : 0) - (out->fin_acked ? 1 : 0);
    tcp_sndq_ack(q, ack);
}

static void note_progress(struct tcp_loss *l, struct tcp_ackctx *a)
{
    if (!a->advanced)
        return;
    /*= RFC 6298 5
     * When an ACK is received that acknowledges new data, restart the retransmission timer so that
     * it will expire after RTO seconds (for the current value of RTO). */
    l->f->rto_base = l->f->tlp_base = l->last_progress = a->now;
    l->rto_n = 0;
    l->f->tlp_due = false;
}

/*= RFC 6298 3-2, 3-3 */
/*= RFC 6298 3
 * TCP MUST use Karn's algorithm [KP87] for taking RTT samples. */
static void sample_rtt(struct tcp_loss *l, struct tcp_ackctx *a)
{
    plait_time sent = PLAIT_NEVER;

    tcp_rtt_age(&l->rtt, a->now);
    if (a->last_sacked != PLAIT_NEVER)
        tcp_rtt_min(&l->rtt, a->now - a->last_sacked);
    if (a->rtx_acked) {
        /* Originals that were acknowledged with a retransmission may have waited for it. */
        sent = a->rtx_echoed;
    } else if (a->first_acked != PLAIT_NEVER) {
        tcp_rtt_min(&l->rtt, a->now - a->last_acked);
        sent = a->first_acked;
    }
    if (sent == PLAIT_NEVER)
        sent = a->last_sacked;
    if (sent == PLAIT_NEVER)
        return;
    a->out->rtt = a->now > sent ? a->now - sent : 1;
    tcp_rtt_sample(&l->rtt, a->out->rtt);
    l->cc.srtt = l->rtt.srtt < UINT32_MAX ? (uint32_t)l->rtt.srtt : UINT32_MAX;
    tcp_rtt_reset_backoff(&l->rtt);
    l->rtt_sample_since_tlp = true;
}

/* What coupled congestion control on other subflows has to know of this one. */
static void tell_others(struct tcp_loss *l)
{
    l->cc.recovering = l->f->state == TCP_LOSS_RECOVERY;
    l->cc.silent = l->rto_n > 0;
}

/* The window grows with what was acknowledged, outside fast recovery. */
static void grow(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    struct cc_ack k = {
        .now = a->now, .acked = a->out->acked_data, .flight = a->prior_pipe, .rtt = a->out->rtt,
        .srtt = l->rtt.srtt, .min_rtt = l->rtt.min_rtt, .after_rto = l->after_rto,
        .snd_una = q->una, .snd_nxt = q->nxt,
    };

    /*= RFC 5681 3.1
     * As specified in [RFC3390], the SYN/ACK and the acknowledgment of the SYN/ACK MUST NOT
     * increase the size of the congestion window. */
    if (k.acked == 0 || l->rate != NULL)
        return;
    /* A deliberate deviation from RFC 3465 2.3 (L > 2 SMSS): a receiver with GRO sends one ACK for
     * a super-segment, and with L = 2 segments slow start would hardly grow. The limit keeps
     * bursts short, and a super-segment is a burst as it is. */
    k.burst = SUPER_SEGMENT;
    k.cwnd_limited = l->f->cwnd_limited ||
                     (l->cc.cwnd < l->cc.ssthresh && l->cc.cwnd / 2 < l->cc.flight);
    l->cc.ops->on_ack(&l->cc, &k);
    if (l->cc.cwnd >= l->cc.ssthresh)
        l->after_rto = false;
}

/*= RFC 3168 6.1.2
 * When an ECN-Capable TCP sender reduces its congestion window for any reason (because of a
 * retransmit timeout, a Fast Retransmit, or in response to an ECN Notification), the TCP sender
 * sets the CWR flag in the TCP header of the first new data packet sent after the window
 * reduction. */
void tcp_loss_reduced(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now)
{
    if (!tcp_loss_rests(l))
        l->f->reduced_at = now;
    l->cwr_due = l->cwr_held = true;
    l->cwr_point = q->nxt;
}

/* Half a window less at once: for news of congestion that leaves nothing to repair. */
static void reduce(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    tcp_undo_end(l, q->env);
    if (l->rate != NULL) {
        l->cc.ops->on_mark(&l->cc, a->now);
        tcp_loss_reduced(l, q, a->now);
        return;
    }
    l->cc.ops->on_congestion(&l->cc, tcp_prr_flight_size(l, a->prior_out), a->now);
    tcp_loss_reduced(l, q, a->now);
    if (l->cc.cwnd > l->cc.ssthresh)
        l->cc.cwnd = l->cc.ssthresh;
}

void tcp_loss_penalise(struct tcp_loss *l)
{
    struct cc *cc = &l->cc;
    bool start = cc->cwnd < cc->ssthresh;

    if (l->f->state != TCP_LOSS_OPEN)
        return;
    cc->cwnd = cc->cwnd / 2 > cc->mss ? cc->cwnd / 2 : cc->mss;
    if (!start)
        cc->ssthresh = cc->ssthresh / 2 > 2 * cc->mss ? cc->ssthresh / 2 : 2 * cc->mss;
}

void tcp_loss_forget(struct tcp_loss *l, uint32_t used, plait_time now)
{
    struct cc *cc = &l->cc;

    used = used > cc->flight ? used : cc->flight;
    if (l->rate != NULL || l->f->state != TCP_LOSS_OPEN || cc->cwnd <= used)
        return;
    cc->cwnd = used > 2 * cc->mss ? used : 2 * cc->mss;
    if (cc->ssthresh > cc->cwnd)
        cc->ssthresh = cc->cwnd;
    cc->ops->on_recovered(cc, now);
}

/* The probe's ACK told of a loss that nothing else showed (RFC 8985 7.4.2). */
static void react_to_probe(struct tcp_loss *l, const struct tcp_sndq *q,
                           const struct tcp_ackctx *a)
{
    if (l->f->state == TCP_LOSS_OPEN)
        reduce(l, q, a);
}

/*= RFC 3168 6.1.2
 * TCP should not react to congestion indications more than once every window of data (or more
 * loosely, more than once every round-trip time). */
/* The first new data after a reduction carries CWR: only when that is acknowledged can the peer's
 * ECE be about something new. */
static void react_to_echo(struct tcp_loss *l, const struct tcp_sndq *q,
                          const struct tcp_ackctx *a, bool ece)
{
    if (l->cwr_held && seq_gt(q->una, l->cwr_point))
        l->cwr_held = false;
    if (!ece)
        return;
    tcp_undo_end(l, q->env); /* whatever was reduced, there was reason to */
    if (l->cwr_held || l->f->state != TCP_LOSS_OPEN)
        return;
    reduce(l, q, a);
    l->ecn_cuts++;
}

/* New losses change the state. */
static void react_to_loss(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    if (a->lost == 0)
        return;
    if (l->f->state == TCP_LOSS_OPEN)
        tcp_prr_enter(l, q, a);
    else if (l->f->state == TCP_LOSS_RECOVERY && a->lost_rtx)
        tcp_prr_again(l, q, a);
}

static struct tcp_ackctx begin(const struct tcp_sndq *q, const struct tcp_ack_in *in,
                               struct tcp_ack_out *out)
{
    return (struct tcp_ackctx){
        .seg = in->seg, .now = in->now, .out = out,
        .more = in->more, .ts = in->ts_on && in->seg->opt.has_ts, .tsecr = in->seg->opt.tsecr,
        .prior_una = q->una, .prior_out = q->nxt - q->una, .prior_pipe = tcp_sndq_flight(q),
        .prior_fack = q->f->highest_sack, .advanced = in->seg->ack != q->una,
        .delivered_hi = q->una, .orig_hi = q->una,
        .first_acked = PLAIT_NEVER, .last_acked = PLAIT_NEVER, .last_sacked = PLAIT_NEVER,
        .rtx_echoed = PLAIT_NEVER,
    };
}

void tcp_loss_on_ack(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ack_in *in,
                     struct tcp_ack_out *out)
{
    struct tcp_ackctx a = begin(q, in, out);
    bool was_recovery = l->f->state == TCP_LOSS_RECOVERY;

    assert(seq_ge(in->seg->ack, q->una) && seq_le(in->seg->ack, q->nxt) && "an acceptable ACK");
    memset(out, 0, sizeof *out);
    if (l->rate != NULL)
        tcp_rate_begin(l);
    take_cumulative(l, q, &a);
    tcp_marks_input(l, q, &a);
    note_progress(l, &a);
    sample_rtt(l, &a);
    tcp_rack_update(l, &a);
    tcp_rack_dsack(l, q, &a);
    /*= RFC 8985 7.4.2-2 */
    if (tcp_tlp_ack(l, &a))
        react_to_probe(l, q, &a);
    out->spurious = tcp_undo_ack(l, q, &a) || tcp_rto_ack(l, q, &a);
    if (l->f->state != TCP_LOSS_OPEN && seq_ge(q->una, l->f->recovery_point))
        tcp_prr_leave(l, a.now);
    tcp_rack_detect(l, q, &a);
    out->lost = a.lost;
    react_to_loss(l, q, &a);
    react_to_echo(l, q, &a, in->ece);
    if (l->f->state == TCP_LOSS_RECOVERY)
        tcp_prr_ack(l, q, a.delivered, a.advanced && a.lost == 0);
    else if (!was_recovery && !in->ece) /* RFC 3168 6.1.2: no increase on such an ACK */
        grow(l, q, &a);
    if (l->rate != NULL)
        tcp_rate_end(l, q, &a);
    tell_others(l);
    tcp_loss_rearm(l, q, a.now);
    tcp_sndq_rest(q);
}

/* ---- sending --------------------------------------------------------------------------------- */

/*= RFC 5681 3.2
 * Note that a sender using SACK [RFC2018] MUST NOT send new data unless the incoming duplicate
 * acknowledgment contains new SACK information. */
/* Only a delivery that an ACK reports makes the flight smaller; a duplicate ACK alone does not. */
uint32_t tcp_loss_quota(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    uint32_t flight = tcp_sndq_flight(q);
    uint32_t quota = l->cc.cwnd > flight ? l->cc.cwnd - flight : 0;

    if (l->f->frto_step == 3)
        quota = l->f->frto_left;
    if (((l->f->force && q->f->lost > 0) || l->f->tlp_due) && quota < l->cc.mss)
        quota = l->cc.mss;
    return quota;
}

const struct tcp_rec *tcp_loss_next_lost(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    if (q->f->lost == 0 || l->f->frto_step == 3)
        return NULL;
    return tcp_sndq_rec_at(q, q->f->lost_first, NULL);
}

enum tcp_loss_want tcp_loss_want(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    return l->f->tlp_due && q->f->recs.count > 0 ? TCP_WANT_PROBE : TCP_WANT_NOTHING;
}

/*= RFC 8985 7.3-5 */
bool tcp_loss_probe(const struct tcp_loss *l, const struct tcp_sndq *q, uint32_t *seq,
                    uint32_t *len)
{
    const struct tcp_rec *r;

    if (q->f->recs.count == 0)
        return false;
    /*= RFC 8985 7.3
     * If such an unsent segment is not available, then the sender SHOULD retransmit the
     * highest-sequence segment sent so far and set TLP.is_retrans to true. */
    r = tcp_sndq_rec(q, q->f->recs.count - 1);
    *len = r->len < l->cc.mss ? r->len : l->cc.mss;
    *seq = tcp_rec_end(r) - *len;
    return true;
}

/*= RFC 8985 4-2 */
/* Stamps the records of a segment. How much of it is payload. */
static uint32_t stamp(struct tcp_sndq *q, const struct tcp_sent *s)
{
    uint32_t i, payload = s->len;

    if (tcp_sndq_rec_at(q, s->seq, &i) == NULL)
        return 0;
    for (; i < q->f->recs.count && seq_lt(tcp_sndq_rec(q, i)->seq, s->seq + s->len); i++) {
        struct tcp_rec *r = tcp_sndq_rec(q, i);
        r->tsval = s->tsval;
        if ((r->flags & (TCP_REC_SYN | TCP_REC_FIN)) != 0)
            payload--;
    }
    return payload;
}

/* cwnd grows only while it is what holds the sender back. Judged for each flight: data from one
 * SND.NXT to the next. */
static void note_flight(struct tcp_loss *l, const struct tcp_sndq *q, bool began)
{
    uint32_t flight = tcp_sndq_flight(q);

    if (began || seq_ge(q->una, l->f->flight_end)) {
        l->f->flight_end = q->nxt;
        l->cc.flight = 0;
        l->f->cwnd_limited = false;
    }
    if (flight > l->cc.flight)
        l->cc.flight = flight;
    if (flight + l->cc.mss > l->cc.cwnd)
        l->f->cwnd_limited = true;
}

static void idled(struct tcp_loss *l, plait_time idle, plait_time now)
{
    uint32_t before = l->cc.cwnd;

    l->cc.ops->on_idle(&l->cc, idle, l->rtt.rto, now);
    l->restarts += l->cc.cwnd < before;
}

void tcp_loss_resume(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now)
{
    plait_time idle = now - l->cc.last_sent;

    if (q->f->recs.count > 0 || l->cc.last_sent == 0 || idle <= l->rtt.rto)
        return;
    idled(l, idle, now);
    l->cc.last_sent = now;
}

static void note_rtx(struct tcp_loss *l, const struct tcp_sent *s, uint32_t payload)
{
    l->rtx_bytes += payload;
    l->f->force = false;
    tcp_undo_rtx(l, s);
}

void tcp_loss_on_sent(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_sent *s,
                      plait_time now)
{
    bool began = !s->rtx && s->seq == q->una;
    uint32_t payload = stamp(q, s);

    l->f = &q->f->repair;
    if (began && l->cc.last_sent != 0)
        idled(l, now - l->cc.last_sent, now);
    if (payload > 0)
        l->cc.last_sent = now;
    if (began)
        l->f->rto_base = l->last_progress = now;
    if (s->rtx)
        note_rtx(l, s, payload);
    else
        l->f->frto_left -= payload < l->f->frto_left ? payload : l->f->frto_left;
    if (s->cwr)
        l->cwr_due = false;
    if (l->f->state == TCP_LOSS_RECOVERY)
        l->f->prr_out += s->len;
    if (l->f->tlp_due) {
        tcp_tlp_sent(l, q, s);
        l->f->rto_base = now;
    } else if (!s->rtx) {
        l->f->tlp_base = now;
    }
    note_flight(l, q, began);
    if (l->rate != NULL)
        tcp_rate_sent(l, q, s, now);
    tcp_loss_rearm(l, q, now);
}

/* ---- the timer ------------------------------------------------------------------------------- */

/*= RFC 6298 5-2 */
/* The time of the retransmission time-out. */
/*= RFC 6298 5
 * An implementation MUST manage the retransmission timer(s) in such a way that a segment is never
 * retransmitted too early, i.e., less than one RTO after the previous transmission of that
 * segment. */
static plait_time rto_at(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    plait_time sent = tcp_sndq_rec(q, 0)->sent;

    return (sent > l->f->rto_base ? sent : l->f->rto_base) + tcp_rtt_timeout(&l->rtt);
}

/*= RFC 8985 8-1 */
void tcp_loss_rearm(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now)
{
    (void)now;
    if (q->f->recs.count == 0) {
        l->f = &tcp_flight_none()->repair;
        if (q->f->chunks.count > 0)
            q->f->repair = *l->f; /* what waits will begin another flight in the same memory */
        return;
    }
    l->f->timer = TCP_TIMER_RTO;
    l->f->deadline = rto_at(l, q);
    if (tcp_tlp_may_arm(l, q)) {
        plait_time at = l->f->tlp_base + tcp_tlp_timeout(l, q);
        l->f->timer = TCP_TIMER_TLP;
        l->f->deadline = at < l->f->deadline ? at : l->f->deadline;
    }
    if (l->f->frto_step == 3 && l->f->frto_until < l->f->deadline) {
        l->f->timer = TCP_TIMER_REORDER;
        l->f->deadline = l->f->frto_until;
    }
    if (l->f->reorder_at < l->f->deadline) {
        l->f->timer = TCP_TIMER_REORDER;
        l->f->deadline = l->f->reorder_at;
    }
}

/*= RFC 8985 6.2-2 */
static void expire_reorder(struct tcp_loss *l, struct tcp_sndq *q, plait_time now)
{
    struct tcp_ack_out out = { 0 };
    struct tcp_ackctx a = { .now = now, .out = &out, .prior_out = q->nxt - q->una };

    if (l->f->frto_step == 3 && now >= l->f->frto_until)
        l->f->frto_step = 0;
    tcp_rack_detect(l, q, &a);
    react_to_loss(l, q, &a);
    if (l->f->state == TCP_LOSS_RECOVERY)
        tcp_prr_ack(l, q, 0, false);
}

enum tcp_loss_timer tcp_loss_expire(struct tcp_loss *l, struct tcp_sndq *q, plait_time now)
{
    enum tcp_loss_timer what = l->f->timer;

    if (what == TCP_TIMER_NONE || now < l->f->deadline)
        return TCP_TIMER_NONE;
    if (what == TCP_TIMER_RTO) {
        tcp_rto_fire(l, q, now);
    } else if (what == TCP_TIMER_TLP) {
        /*= RFC 8985 7.3
         * After attempting to send a loss probe, regardless of whether a loss probe was sent, the
         * sender MUST re-arm the RTO timer, not the PTO timer, if the FlightSize is not zero. */
        l->f->tlp_due = true;
        l->f->rto_base = now;
    } else {
        expire_reorder(l, q, now);
    }
    tell_others(l);
    tcp_loss_rearm(l, q, now);
    return what;
}

bool tcp_loss_probe_now(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now)
{
    bool quiet = l->f->state == TCP_LOSS_OPEN && q->f->sacked == 0 && q->f->lost == 0;

    if (q->f->recs.count == 0)
        return false;
    if (quiet && !l->tlp_out && !l->f->tlp_due) {
        l->f->tlp_due = true;
        l->f->rto_base = now;
        tcp_loss_rearm(l, q, now);
    }
    return true;
}

void tcp_loss_set_mss(struct tcp_loss *l, struct tcp_sndq *q, uint32_t mss)
{
    bool smaller = mss < l->cc.mss;

    cc_set_mss(&l->cc, mss);
    for (uint32_t i = 0; smaller && i < q->f->recs.count; i++) {
        struct tcp_rec *r = tcp_sndq_rec(q, i);
        if (r->len > mss && (r->flags & (TCP_REC_SACKED | TCP_REC_LOST)) == 0)
            tcp_sndq_mark_lost(q, r);
    }
    if (smaller && q->f->lost > 0)
        tcp_tlp_init(l);
}

void tcp_loss_too_big(struct tcp_loss *l, struct tcp_sndq *q, uint32_t seq)
{
    struct tcp_rec *r = tcp_sndq_rec_at(q, seq, NULL);

    if (r == NULL || (r->flags & (TCP_REC_SACKED | TCP_REC_LOST)) != 0)
        return;
    tcp_sndq_mark_lost(q, r);
    tcp_tlp_init(l);
}

bool tcp_loss_check(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    assert((q->f->recs.count == 0) == (l->f->timer == TCP_TIMER_NONE) &&
           "a timer guards what is sent");
    assert(l->f == (q->f->recs.count > 0 ? &q->f->repair : &tcp_flight_none()->repair) &&
           "what is known of a flight is of this one");
    assert((l->f->timer == TCP_TIMER_NONE) == (l->f->deadline == PLAIT_NEVER) &&
           "a timer has a deadline");
    assert(l->cc.cwnd <= CC_CWND_MAX && "cwnd is bounded");
    if (l->f->state == TCP_LOSS_OPEN) {
        assert(l->f->frto_step == 0 && "F-RTO belongs to a time-out");
        assert(l->cc.cwnd >= l->cc.mss && "a window holds a segment");
    } else if (q->f->recs.count > 0) {
        assert(seq_lt(q->una, l->f->recovery_point) && seq_le(l->f->recovery_point, q->nxt) &&
               "recovery ends at its point");
    }
    assert((l->f->state == TCP_LOSS_RTO || l->f->frto_step == 0) && "F-RTO belongs to a time-out");
    assert(l->f->seen_n <= WIRE_SACK_MAX && l->reo_wnd_mult > 0 && "RACK and SACK state in range");
    return true;
}

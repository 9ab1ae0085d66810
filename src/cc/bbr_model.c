/* SPDX-License-Identifier: Apache-2.0 */
/* What BBR believes of its path (draft-ietf-ccwg-bbr 5.5): rounds, the highest rate of delivery,
 * the shortest round trip, how ACKs are bunched, and what losses say of rate and volume.
 *
 * Called by bbr.c for each ACK and loss. Two time scales: inflight_longterm and max_bw remember the
 * best that probing found, bw_shortterm and inflight_shortterm follow each loss until the next
 * probe. */
#include "bbr.h"

#include "../base/seq.h"

enum { EXTRA_ACKED_ROUNDS = 5, FULL_BW_ROUNDS = 3, FULL_BW_GROWTH = 125 };
#define MIN_RTT_FILTER_LEN (10 * PLAIT_SEC)
#define PROBE_RTT_INTERVAL (5 * PLAIT_SEC)
#define BW_MAX ((uint64_t)1 << 40) /* 9 Tbit/s: products with round trips fit 64 bits */
#define RTT_MAX (8 * PLAIT_SEC)

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint32_t cc_bbr_percent(uint64_t bytes, unsigned percent)
{
    return (uint32_t)min_u64(min_u64(bytes, CC_CWND_MAX) * percent / 100, CC_CWND_MAX);
}

void cc_bbr_model_init(struct bbr *b, uint32_t srtt)
{
    b->min_rtt = srtt > 0 ? srtt : UINT32_MAX;
    b->probe_rtt_min_delay = UINT32_MAX;
    b->inflight_longterm = BBR_NO_LIMIT;
    cc_bbr_reset_shortterm(b);
    b->undo_bw_shortterm = BBR_NO_BW;
    b->undo_inflight_shortterm = b->undo_inflight_longterm = BBR_NO_LIMIT;
}

uint64_t cc_bbr_max_bw(const struct bbr *b)
{
    return max_u64(b->max_bw[0], b->max_bw[1]);
}

uint32_t cc_bbr_bdp(const struct cc *cc, uint64_t bw, unsigned percent)
{
    const struct bbr *b = cc_bbr_of(cc);

    if (b->min_rtt == UINT32_MAX)
        return cc_bbr_percent(cc_initial_window(cc->mss), percent);
    return cc_bbr_percent(bw * min_u64(b->min_rtt, RTT_MAX) / PLAIT_SEC, percent);
}

/* ---- rounds and rates ------------------------------------------------------------------------ */

/* A round ends when something is delivered that was sent after now. */
void cc_bbr_start_round(struct bbr *b)
{
    b->next_round_delivered = b->total;
}

static void update_round(struct bbr *b, const struct cc_sample *s)
{
    b->round_start = seq_ge(s->prior, b->next_round_delivered);
    if (!b->round_start)
        return;
    cc_bbr_start_round(b);
    b->rounds_since_probe++;
}

/* A rate that the application held down says something only where it is the highest. */
static void update_max_bw(struct bbr *b, const struct cc_sample *s)
{
    uint64_t rate = min_u64(s->rate, BW_MAX);

    update_round(b, s);
    if (rate >= cc_bbr_max_bw(b) || !s->app_limited)
        b->max_bw[0] = max_u64(b->max_bw[0], rate);
}

void cc_bbr_advance_max_bw(struct bbr *b)
{
    if (b->max_bw[0] == 0)
        return; /* nothing was measured in this cycle: the last one stays */
    b->max_bw[1] = b->max_bw[0];
    b->max_bw[0] = 0;
}

void cc_bbr_reset_full_bw(struct bbr *b)
{
    b->full_bw = 0;
    b->full_bw_count = 0;
    b->full_bw_now = false;
}

/* The pipe is full when three rounds in a row did not bring a quarter more (5.3.1.2). */
void cc_bbr_check_full_bw(struct bbr *b, const struct cc_sample *s)
{
    if (b->full_bw_now || !b->round_start || s->app_limited)
        return;
    if (s->rate >= b->full_bw * FULL_BW_GROWTH / 100) {
        cc_bbr_reset_full_bw(b);
        b->full_bw = min_u64(s->rate, BW_MAX);
        return;
    }
    b->full_bw_count++;
    b->full_bw_now = b->full_bw_count >= FULL_BW_ROUNDS;
    if (b->full_bw_now)
        b->full_bw_reached = true;
}

/* ---- bunches of ACKs ------------------------------------------------------------------------- */

static void turn_extra(struct bbr *b)
{
    if (!b->round_start)
        return;
    b->extra_rounds++;
    if (b->extra_rounds < (b->full_bw_reached ? EXTRA_ACKED_ROUNDS : 1))
        return;
    b->extra_rounds = 0;
    b->extra_acked[1] = b->full_bw_reached ? b->extra_acked[0] : 0;
    b->extra_acked[0] = 0;
}

/* What came beyond that which the rate explains, since ACKs were slower than it last. */
static void update_ack_aggregation(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);
    plait_time interval = s->now - b->extra_start;
    uint64_t expected = b->bw * min_u64(interval, RTT_MAX) / PLAIT_SEC, extra;

    if (b->extra_delivered <= expected) {
        b->extra_delivered = expected = 0;
        b->extra_start = s->now;
    }
    b->extra_delivered += s->newly;
    extra = min_u64(b->extra_delivered - expected, cc->cwnd);
    turn_extra(b);
    if (extra > b->extra_acked[0])
        b->extra_acked[0] = (uint32_t)extra;
}

/* ---- congestion ------------------------------------------------------------------------------ */

void cc_bbr_reset_congestion_signals(struct bbr *b)
{
    b->loss_in_round = false;
    b->bw_latest = 0;
    b->inflight_latest = 0;
}

void cc_bbr_reset_shortterm(struct bbr *b)
{
    b->bw_shortterm = BBR_NO_BW;
    b->inflight_shortterm = BBR_NO_LIMIT;
}

bool cc_bbr_is_probing(const struct bbr *b)
{
    return b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP;
}

bool cc_bbr_too_high(uint32_t lost, uint32_t tx_in_flight)
{
    return (uint64_t)lost * 100 > (uint64_t)tx_in_flight * BBR_LOSS_PERCENT;
}

void cc_bbr_note_loss(struct bbr *b)
{
    if (b->loss_in_round)
        return;
    cc_bbr_save(b);
    b->loss_in_round = true;
    b->loss_round_delivered = b->total;
}

/* Once for each recovery, before the first of its losses changes anything. */
void cc_bbr_save(struct bbr *b)
{
    if (b->saved)
        return;
    b->saved = true;
    b->undo_state = b->state;
    b->undo_bw_shortterm = b->bw_shortterm;
    b->undo_inflight_shortterm = b->inflight_shortterm;
    b->undo_inflight_longterm = b->inflight_longterm;
}

/* The prefix of a segment with which losses pass the threshold: 5.5.10.2. */
uint32_t cc_bbr_inflight_at_loss(const struct cc_lost *lost)
{
    int64_t inflight_prev = (int64_t)lost->tx_in_flight - lost->len;
    int64_t lost_prev = (int64_t)lost->lost - lost->len;
    int64_t prefix = (BBR_LOSS_PERCENT * inflight_prev - 100 * lost_prev) /
                     (100 - BBR_LOSS_PERCENT);

    if (inflight_prev + prefix < 0)
        return 0;
    return (uint32_t)(inflight_prev + prefix);
}

/* The round brought losses while nobody probed: down to what still comes through, not by more than
 * CUBIC's factor. */
static void adapt_lower_bounds(struct cc *cc)
{
    struct bbr *b = cc_bbr_of(cc);

    if (cc_bbr_is_probing(b) || !b->loss_in_round)
        return;
    if (b->bw_shortterm == BBR_NO_BW)
        b->bw_shortterm = cc_bbr_max_bw(b);
    if (b->inflight_shortterm == BBR_NO_LIMIT)
        b->inflight_shortterm = cc->cwnd;
    b->bw_shortterm = max_u64(b->bw_latest, b->bw_shortterm * BBR_BETA_PERCENT / 100);
    b->inflight_shortterm = (uint32_t)max_u64(
        b->inflight_latest, cc_bbr_percent(b->inflight_shortterm, BBR_BETA_PERCENT));
}

void cc_bbr_model_update(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    b->total = s->total;
    b->tx_in_flight = s->tx_in_flight;
    b->delivered += s->newly;
    b->bw_latest = max_u64(b->bw_latest, min_u64(s->rate, BW_MAX));
    b->inflight_latest = (uint32_t)max_u64(b->inflight_latest, s->delivered);
    b->loss_round_start = seq_ge(s->prior, b->loss_round_delivered);
    if (b->loss_round_start)
        b->loss_round_delivered = s->total;
    update_max_bw(b, s);
    if (b->loss_round_start) {
        adapt_lower_bounds(cc);
        b->loss_in_round = false;
    }
    update_ack_aggregation(cc, s);
}

void cc_bbr_model_advance(struct bbr *b, const struct cc_sample *s)
{
    if (b->loss_round_start) {
        b->bw_latest = min_u64(s->rate, BW_MAX);
        b->inflight_latest = s->delivered;
    }
    b->bw = min_u64(cc_bbr_max_bw(b), b->bw_shortterm);
}

/* ---- the shortest round trip ----------------------------------------------------------------- */

void cc_bbr_update_min_rtt(struct bbr *b, const struct cc_sample *s)
{
    uint32_t rtt = (uint32_t)min_u64(s->rtt, RTT_MAX);

    b->probe_rtt_expired = s->now > b->probe_rtt_min_stamp + PROBE_RTT_INTERVAL;
    if (rtt > 0 && (rtt < b->probe_rtt_min_delay || b->probe_rtt_expired)) {
        b->probe_rtt_min_delay = rtt;
        b->probe_rtt_min_stamp = s->now;
    }
    if (b->probe_rtt_min_delay < b->min_rtt ||
        s->now > b->min_rtt_stamp + MIN_RTT_FILTER_LEN) {
        b->min_rtt = b->probe_rtt_min_delay;
        b->min_rtt_stamp = b->probe_rtt_min_stamp;
    }
}

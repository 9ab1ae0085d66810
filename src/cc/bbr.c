/* SPDX-License-Identifier: Apache-2.0 */
/* BBR, version 3 (draft-ietf-ccwg-bbr): goes by how fast the path delivers and how long it is, not
 * by whether it loses.
 *
 * Startup doubles the rate until delivery does not follow, Drain empties the queue of that. From
 * then on it cycles: Down sends slower than is delivered, Cruise as fast, Refill fills the pipe
 * again, Up sends a quarter faster, to see whether more comes through; two to three seconds, or as
 * many rounds as Reno would need to come back to this window. Each five seconds without a shorter
 * round trip ProbeRTT halves the flight for 200 ms, so that the path's own delay shows. A loss rate
 * of two per cent while it probes bounds the volume; losses at other times lower the short-term
 * bounds until the next probe. What it believes is in bbr_model.c.
 *
 * Each subflow by itself: n of them through one bottleneck take n parts. CE marks, of which the
 * draft says only that they are to be treated as congestion, count as the loss of a segment, as
 * too high a volume while it probes, and end Startup. It paces, and sets cwnd on each ACK, in
 * recovery too (tcp/rate.c). */
#include "bbr.h"

#include <string.h>

enum {
    STARTUP_GAIN = 277, UP_GAIN = 125, DOWN_GAIN = 90, DRAIN_GAIN = 50,
    CWND_GAIN = 200, UP_CWND_GAIN = 225, PROBE_RTT_CWND_GAIN = 50,
    PACING_MARGIN_PERCENT = 1, HEADROOM_PERCENT = 15,
    STARTUP_FULL_LOSSES = 6, RENO_ROUNDS_MAX = 63, UP_ROUNDS_MAX = 30,
    QUANTA = 3, QUANTUM_SEGS = 2, QUANTUM_MAX = 65536, QUANTUM_PER_SEC = 1000,
};
#define PROBE_RTT_DURATION (200 * PLAIT_MSEC)
#define PROBE_WAIT (2 * PLAIT_SEC)
#define PROBE_WAIT_SPREAD PLAIT_SEC

static const struct gains { uint16_t pacing, cwnd; } gains[BBR_STATES] = { /* 5.6.1 */
    [BBR_STARTUP] = { STARTUP_GAIN, CWND_GAIN }, [BBR_DRAIN] = { DRAIN_GAIN, CWND_GAIN },
    [BBR_DOWN] = { DOWN_GAIN, CWND_GAIN },       [BBR_CRUISE] = { 100, CWND_GAIN },
    [BBR_REFILL] = { 100, CWND_GAIN },           [BBR_UP] = { UP_GAIN, UP_CWND_GAIN },
    [BBR_PROBE_RTT] = { 100, PROBE_RTT_CWND_GAIN },
};

static uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }
static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t draw(struct bbr *b)
{
    uint32_t x = b->own.seed != 0 ? b->own.seed : 1;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return b->own.seed = x;
}

/* ---- what is allowed ------------------------------------------------------------------------- */

static void set_quantum(struct cc *cc)
{
    struct cc_own *own = cc->own;
    uint64_t n = own->pacing_rate / QUANTUM_PER_SEC;

    n = n < QUANTUM_MAX ? n : QUANTUM_MAX;
    own->quantum = max_u32((uint32_t)n, QUANTUM_SEGS * cc->mss);
}

/* Until the pipe was full once the rate only grows (5.6.2). */
static void set_pacing_rate(struct cc *cc, unsigned gain)
{
    struct bbr *b = cc_bbr_of(cc);
    uint64_t rate = b->bw * gain / 100 * (100 - PACING_MARGIN_PERCENT) / 100;

    if (rate > 0 && (b->full_bw_reached || rate > b->own.pacing_rate))
        b->own.pacing_rate = rate;
    set_quantum(cc);
}

static void init_pacing_rate(struct cc *cc, plait_time srtt)
{
    uint64_t window = (uint64_t)cc_initial_window(cc->mss) * PLAIT_SEC;

    cc->own->pacing_rate = window / (srtt > 0 ? srtt : PLAIT_MSEC) * STARTUP_GAIN / 100;
    set_quantum(cc);
}

/* Room for quanta that wait in hosts, and for a pipe of some segments (5.6.4.2). */
static uint32_t quantization_budget(const struct cc *cc, uint32_t inflight)
{
    inflight = max_u32(inflight, QUANTA * cc->own->quantum);
    inflight = max_u32(inflight, BBR_PIPE_SEGS * cc->mss);
    if (cc_bbr_of(cc)->state == BBR_UP)
        inflight += 2 * cc->mss;
    return inflight;
}

static uint32_t inflight_for(const struct cc *cc, uint64_t bw)
{
    return quantization_budget(cc, cc_bbr_bdp(cc, bw, 100));
}

static uint32_t max_inflight(const struct cc *cc)
{
    const struct bbr *b = cc_bbr_of(cc);

    return quantization_budget(cc, cc_bbr_bdp(cc, b->bw, gains[b->state].cwnd) +
                                       max_u32(b->extra_acked[0], b->extra_acked[1]));
}

/* A part of the volume is left to others. */
static uint32_t inflight_with_headroom(const struct cc *cc)
{
    uint32_t most = cc_bbr_of(cc)->inflight_longterm, headroom;

    if (most == BBR_NO_LIMIT)
        return BBR_NO_LIMIT;
    headroom = max_u32(cc->mss, cc_bbr_percent(most, HEADROOM_PERCENT));
    return max_u32(most > headroom ? most - headroom : 0, BBR_PIPE_SEGS * cc->mss);
}

static uint32_t probe_rtt_cwnd(const struct cc *cc)
{
    return max_u32(cc_bbr_bdp(cc, cc_bbr_of(cc)->bw, PROBE_RTT_CWND_GAIN), BBR_PIPE_SEGS * cc->mss);
}

static uint32_t volume_cap(const struct cc *cc)
{
    const struct bbr *b = cc_bbr_of(cc);
    uint32_t cap = BBR_NO_LIMIT;

    if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
        cap = inflight_with_headroom(cc);
    else if (cc_bbr_in_probe_bw(b))
        cap = b->inflight_longterm;
    return max_u32(min_u32(cap, b->inflight_shortterm), BBR_PIPE_SEGS * cc->mss);
}

static void set_cwnd(struct cc *cc, const struct cc_sample *s)
{
    const struct bbr *b = cc_bbr_of(cc);
    uint32_t most = max_inflight(cc);

    if (b->full_bw_reached) {
        cc_grow(cc, s->newly);
        cc->cwnd = min_u32(cc->cwnd, most);
    } else if (cc->cwnd < most || b->delivered < cc_initial_window(cc->mss)) {
        cc_grow(cc, s->newly);
    }
    cc->cwnd = max_u32(cc->cwnd, BBR_PIPE_SEGS * cc->mss);
    if (b->state == BBR_PROBE_RTT)
        cc->cwnd = min_u32(cc->cwnd, probe_rtt_cwnd(cc));
    cc->cwnd = min_u32(cc->cwnd, volume_cap(cc));
}

static void save_cwnd(struct cc *cc)
{
    struct bbr *b = cc_bbr_of(cc);

    if (!b->in_recovery && b->state != BBR_PROBE_RTT)
        b->prior_cwnd = cc->cwnd;
    else
        b->prior_cwnd = max_u32(b->prior_cwnd, cc->cwnd);
}

static void restore_cwnd(struct cc *cc)
{
    cc->cwnd = max_u32(cc->cwnd, cc_bbr_of(cc)->prior_cwnd);
}

/* ---- Startup, Drain -------------------------------------------------------------------------- */

/* Congestion has said that the pipe is full. */
static void end_startup(struct cc *cc)
{
    struct bbr *b = cc_bbr_of(cc);

    b->full_bw_reached = true;
    b->inflight_longterm = max_u32(cc_bbr_bdp(cc, b->bw, 100), b->inflight_latest);
}

/* A round in recovery, six holes in it, and more than two per cent lost (5.3.1.3). */
static void check_startup_losses(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    if (!b->round_start)
        return;
    if (b->state == BBR_STARTUP && b->recovered_round && s->recovering &&
        b->loss_events >= STARTUP_FULL_LOSSES && cc_bbr_too_high(s->lost, s->tx_in_flight))
        end_startup(cc);
    b->recovered_round = s->recovering;
    b->loss_events = 0;
}

/* ---- the cycle of probing -------------------------------------------------------------------- */

static void start_down(struct cc *cc, plait_time now)
{
    struct bbr *b = cc_bbr_of(cc);

    cc_bbr_reset_congestion_signals(b);
    b->probe_up_cnt = UINT32_MAX;
    b->rounds_since_probe = draw(b) & 1;
    b->probe_wait = PROBE_WAIT + draw(b) % PROBE_WAIT_SPREAD;
    b->cycle_stamp = now;
    b->ack_phase = BBR_ACKS_STOPPING;
    cc_bbr_start_round(b);
    b->state = BBR_DOWN;
}

static void start_refill(struct bbr *b)
{
    cc_bbr_reset_shortterm(b);
    b->probe_up_rounds = 0;
    b->probe_up_acks = 0;
    b->ack_phase = BBR_ACKS_REFILLING;
    cc_bbr_start_round(b);
    b->state = BBR_REFILL;
}

/* In each round of Up the volume grows by twice as much as in the one before. */
static void raise_slope(struct cc *cc)
{
    struct bbr *b = cc_bbr_of(cc);
    uint64_t growth = (uint64_t)cc->mss << b->probe_up_rounds;

    if (b->probe_up_rounds < UP_ROUNDS_MAX)
        b->probe_up_rounds++;
    b->probe_up_cnt = max_u32((uint32_t)(cc->cwnd / growth), 1);
}

static void start_up(struct cc *cc, uint64_t rate)
{
    struct bbr *b = cc_bbr_of(cc);

    b->ack_phase = BBR_ACKS_STARTING;
    cc_bbr_start_round(b);
    cc_bbr_reset_full_bw(b);
    b->full_bw = rate;
    b->state = BBR_UP;
    raise_slope(cc);
}

/* As many rounds as Reno takes to come back from a loss at this window, or two to three seconds:
 * whichever is first (5.3.3.5). */
static bool is_time_to_probe(const struct cc *cc, plait_time now)
{
    const struct bbr *b = cc_bbr_of(cc);
    uint32_t reno_rounds = min_u32(cc_bbr_bdp(cc, b->bw, 100), cc->cwnd) / cc->mss;

    return now > b->cycle_stamp + b->probe_wait ||
           b->rounds_since_probe >= min_u32(reno_rounds, RENO_ROUNDS_MAX);
}

static bool is_time_to_cruise(const struct cc *cc, const struct cc_sample *s)
{
    return s->flight <= inflight_with_headroom(cc) &&
           s->flight <= inflight_for(cc, cc_bbr_max_bw(cc_bbr_of(cc)));
}

static bool at_longterm_limit(const struct cc *cc, const struct cc_sample *s)
{
    return s->cwnd_limited && cc->cwnd >= cc_bbr_of(cc)->inflight_longterm;
}

/* More does not come through. Where the volume's bound is what holds it back, that is not known. */
static bool is_time_to_go_down(const struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    if (!at_longterm_limit(cc, s))
        return b->full_bw_now;
    cc_bbr_reset_full_bw(b);
    b->full_bw = s->rate;
    return false;
}

static void probe_volume_upward(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);
    uint64_t delta;

    if (!at_longterm_limit(cc, s))
        return;
    b->probe_up_acks += s->newly;
    delta = b->probe_up_acks / b->probe_up_cnt;
    b->probe_up_acks -= delta * b->probe_up_cnt;
    b->inflight_longterm = cc_bbr_percent(b->inflight_longterm + delta, 100);
    if (b->round_start)
        raise_slope(cc);
}

/* Which ACKs tell of probing, and the bounds that they raise. */
static void adapt_longterm(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    if (b->ack_phase == BBR_ACKS_STARTING && b->round_start)
        b->ack_phase = BBR_ACKS_FEEDBACK;
    if (b->ack_phase == BBR_ACKS_STOPPING && b->round_start) {
        b->ack_phase = BBR_ACKS_NONE;
        b->probe_samples = false;
        if (cc_bbr_in_probe_bw(b) && !s->app_limited)
            cc_bbr_advance_max_bw(b);
    }
    if (cc_bbr_too_high(s->lost, s->tx_in_flight) || b->inflight_longterm == BBR_NO_LIMIT)
        return;
    b->inflight_longterm = max_u32(b->inflight_longterm, s->tx_in_flight);
    if (b->state == BBR_UP)
        probe_volume_upward(cc, s);
}

static void update_cycle(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    if (!b->full_bw_reached)
        return;
    adapt_longterm(cc, s);
    if (b->state == BBR_DOWN || b->state == BBR_CRUISE) {
        if (is_time_to_probe(cc, s->now))
            start_refill(b);
        else if (b->state == BBR_DOWN && is_time_to_cruise(cc, s))
            b->state = BBR_CRUISE;
    } else if (b->state == BBR_REFILL && b->round_start) {
        b->probe_samples = true;
        start_up(cc, s->rate);
    } else if (b->state == BBR_UP && is_time_to_go_down(cc, s)) {
        start_down(cc, s->now);
    }
}

static void handle_too_high(struct cc *cc, uint32_t tx_in_flight, bool app_limited, plait_time now)
{
    struct bbr *b = cc_bbr_of(cc);
    uint32_t target = min_u32(cc_bbr_bdp(cc, b->bw, 100), cc->cwnd);

    b->probe_samples = false; /* once for each probe */
    if (!app_limited)
        b->inflight_longterm = max_u32(tx_in_flight, cc_bbr_percent(target, BBR_BETA_PERCENT));
    if (b->state == BBR_UP)
        start_down(cc, now);
}

/* ---- ProbeRTT -------------------------------------------------------------------------------- */

static void exit_probe_rtt(struct cc *cc, plait_time now)
{
    struct bbr *b = cc_bbr_of(cc);

    cc_bbr_reset_shortterm(b);
    b->state = BBR_STARTUP;
    if (!b->full_bw_reached)
        return;
    start_down(cc, now);
    b->state = BBR_CRUISE; /* the queue is empty */
}

static void check_probe_rtt_done(struct cc *cc, plait_time now)
{
    struct bbr *b = cc_bbr_of(cc);

    if (b->probe_rtt_done_stamp == 0 || now <= b->probe_rtt_done_stamp)
        return;
    b->probe_rtt_min_stamp = now; /* the next one in five seconds */
    restore_cwnd(cc);
    exit_probe_rtt(cc, now);
}

static void handle_probe_rtt(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    b->own.app_limited = true; /* these rates are low on purpose */
    if (b->probe_rtt_done_stamp == 0) {
        if (s->flight > probe_rtt_cwnd(cc))
            return;
        b->probe_rtt_done_stamp = s->now + PROBE_RTT_DURATION;
        b->probe_rtt_round_done = false;
        cc_bbr_start_round(b);
        return;
    }
    if (b->round_start)
        b->probe_rtt_round_done = true;
    if (b->probe_rtt_round_done)
        check_probe_rtt_done(cc, s->now);
}

static void check_probe_rtt(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
        save_cwnd(cc);
        b->state = BBR_PROBE_RTT;
        b->probe_rtt_done_stamp = 0;
        b->ack_phase = BBR_ACKS_STOPPING;
        cc_bbr_start_round(b);
    }
    if (b->state == BBR_PROBE_RTT)
        handle_probe_rtt(cc, s);
    if (s->delivered > 0)
        b->idle_restart = false;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void bbr_init(struct cc *cc)
{
    struct bbr *b = cc_bbr_of(cc);
    uint32_t seed;

    cc_reno_init(cc);
    if (b == NULL)
        return; /* not attached yet */
    seed = b->own.seed;
    memset(b, 0, sizeof *b);
    b->own.seed = seed;
    cc_bbr_model_init(b, cc->srtt);
    b->rtt_seen = cc->srtt > 0;
    init_pacing_rate(cc, cc->srtt);
}

static void begin(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    if (!b->began) {
        b->began = true;
        b->min_rtt_stamp = b->probe_rtt_min_stamp = b->extra_start = s->now;
        b->next_round_delivered = b->loss_round_delivered = s->prior;
    }
    if (!b->rtt_seen && s->srtt > 0) {
        b->rtt_seen = true;
        init_pacing_rate(cc, s->srtt);
    }
}

static void bbr_on_sample(struct cc *cc, const struct cc_sample *s)
{
    struct bbr *b = cc_bbr_of(cc);

    begin(cc, s);
    cc_bbr_model_update(cc, s);
    cc_bbr_check_full_bw(b, s);
    check_startup_losses(cc, s);
    if (b->state == BBR_STARTUP && b->full_bw_reached)
        b->state = BBR_DRAIN;
    if (b->state == BBR_DRAIN && s->flight <= inflight_for(cc, b->bw))
        start_down(cc, s->now);
    update_cycle(cc, s);
    cc_bbr_update_min_rtt(b, s);
    check_probe_rtt(cc, s);
    cc_bbr_model_advance(b, s);
    set_pacing_rate(cc, gains[b->state].pacing);
    set_cwnd(cc, s);
}

static void bbr_on_lost(struct cc *cc, const struct cc_lost *lost)
{
    struct bbr *b = cc_bbr_of(cc);

    b->total = lost->total;
    cc_bbr_note_loss(b);
    if (b->loss_events < UINT8_MAX && (b->loss_events == 0 || lost->seq != b->lost_end))
        b->loss_events++;
    b->lost_end = lost->seq + lost->len;
    if (b->probe_samples && cc_bbr_too_high(lost->lost, lost->tx_in_flight))
        handle_too_high(cc, cc_bbr_inflight_at_loss(lost), lost->app_limited, lost->now);
}

/*= RFC 3168 6.1.2
 * The indication of congestion should be treated just as a congestion loss in non-ECN-Capable TCP.
 */
static void bbr_on_mark(struct cc *cc, plait_time now)
{
    struct bbr *b = cc_bbr_of(cc);

    cc_bbr_note_loss(b);
    if (b->state == BBR_STARTUP)
        end_startup(cc);
    else if (b->probe_samples)
        handle_too_high(cc, b->tx_in_flight, false, now);
    b->saved = b->in_recovery; /* a mark is never taken back */
}

static void bbr_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    (void)cc; /* on_sample sees all that there is to see */
    (void)ack;
}

static void bbr_on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    (void)flight;
    (void)now;
    save_cwnd(cc);
    cc_bbr_save(cc_bbr_of(cc));
    cc_bbr_of(cc)->in_recovery = true;
}

static void bbr_on_recovered(struct cc *cc, plait_time now)
{
    (void)now;
    restore_cwnd(cc);
    cc_bbr_of(cc)->in_recovery = cc_bbr_of(cc)->saved = false;
}

/* Nothing was lost: what its loss lowered is as it was, and a probe that it ended goes on (5.5.11).
 */
static void bbr_on_undo(struct cc *cc, plait_time now)
{
    struct bbr *b = cc_bbr_of(cc);

    bbr_on_recovered(cc, now);
    b->loss_in_round = false;
    cc_bbr_reset_full_bw(b);
    if (b->undo_bw_shortterm > b->bw_shortterm)
        b->bw_shortterm = b->undo_bw_shortterm;
    b->inflight_shortterm = max_u32(b->inflight_shortterm, b->undo_inflight_shortterm);
    b->inflight_longterm = max_u32(b->inflight_longterm, b->undo_inflight_longterm);
    if (b->state == BBR_PROBE_RTT || b->state == b->undo_state)
        return;
    if (b->undo_state == BBR_STARTUP) {
        b->state = BBR_STARTUP;
        b->full_bw_reached = false; /* else Startup would end at once */
    } else if (b->undo_state == BBR_UP) {
        start_up(cc, b->bw_latest);
    }
}

/* The window is still right: pacing sees to it that the path is filled in good order (5.4). */
static void bbr_on_idle(struct cc *cc, plait_time idle, plait_time rto, plait_time now)
{
    struct bbr *b = cc_bbr_of(cc);

    (void)idle;
    (void)rto;
    b->idle_restart = true;
    b->extra_start = now;
    b->extra_delivered = 0;
    if (cc_bbr_in_probe_bw(b))
        set_pacing_rate(cc, 100);
    else if (b->state == BBR_PROBE_RTT)
        check_probe_rtt_done(cc, now);
}

const struct cc_ops cc_bbr_ops = {
    .name = "bbr",
    .what = "each subflow by itself, paced, by rate and delay (BBR version 3)",
    .init = bbr_init,
    .on_ack = bbr_on_ack,
    .on_congestion = bbr_on_congestion,
    .on_rto = bbr_on_congestion,
    .on_recovered = bbr_on_recovered,
    .on_idle = bbr_on_idle,
    .own_size = sizeof(struct bbr),
    .on_sample = bbr_on_sample,
    .on_lost = bbr_on_lost,
    .on_mark = bbr_on_mark,
    .on_undo = bbr_on_undo,
};

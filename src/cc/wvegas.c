/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted Vegas, wVegas (Cao, Xu, Fu, ICNP 2012; draft-xu-mptcp-congestion-control-05): goes by
 * delay. A connection keeps 10 segments of its own in the queues on its way, divided among the
 * subflows by their rates. So each queue that it uses delays it as much as the others, and where a
 * queue is longer the connection leaves it to others.
 *
 * Once in a round trip the mean RTT is compared with the lowest one ever: the window times the
 * difference, divided by the RTT, is what waits in the queue. A window has a segment more or less
 * until that is alpha, the subflow's part of the 10. Where the queue has twice the delay that it
 * had with alpha in it, the window goes down at once so that it drains, which shows the lowest RTT
 * again. After a loss it is Reno until recovery is over; beside algorithms that fill the queue it
 * has little. Alone it is Vegas, and not Reno as other coupled algorithms are.
 *
 * The steps and constants are those of the authors' module for Linux, with these differences. Rates
 * are not rounded to a few bits. The delay that must not double is noted with alpha segments in the
 * queue only: with any delay a queue is drained when it grows from one segment to two, and never
 * has the 10. A subflow that begins while a queue stands takes its delay for the path's, and would
 * have more than its part for ever: so each drains the queue as above, too, where ten seconds
 * showed no lower RTT. Alpha may be half a segment, where the module has 2, a sixth of a queue that
 * the connection should leave to another. And a window too small for three samples in a round
 * waits for them, where Reno's step would make it larger and larger. */
#include "cc.h"

#include "../base/seq.h"

enum {
    QUARTERS = 4, /* of a segment */
    ALPHA_START = 2 * QUARTERS, ALPHA_WHOLE = 2 * QUARTERS, ALPHA_MIN = QUARTERS / 2,
    ALPHA_TOTAL = 10 * QUARTERS, GAMMA = QUARTERS, SAMPLES_MIN = 3,
    LOOK_MS = 10000, LOOK_ROUNDS = 2,
};

static void wvegas_init(struct cc *cc)
{
    cc_reno_init(cc);
    cc->u.wvegas.base_rtt = UINT32_MAX;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t in_ms(plait_time t)
{
    return (uint32_t)(t / PLAIT_MSEC);
}

/* From here on by delay, with nothing known but the lowest RTT. */
static void enable(struct cc_wvegas *v, plait_time now)
{
    v->on = true;
    v->began = false;
    v->alpha = ALPHA_START;
    v->rate = 0;
    v->queue_delay = 0;
    v->looking = 0;
    v->looked = in_ms(now);
}

static void sample(struct cc_wvegas *v, plait_time rtt, plait_time now)
{
    if (rtt == 0)
        return;
    if (rtt < v->base_rtt) {
        v->base_rtt = (uint32_t)rtt;
        v->looked = in_ms(now);
    }
    v->rtt_sum += rtt;
    v->rtt_n++;
}

/* Whole segments, but for a subflow that may have less than two. */
static uint32_t whole(const struct cc_wvegas *v, uint32_t quarters)
{
    return v->alpha < ALPHA_WHOLE ? quarters : quarters - quarters % QUARTERS;
}

/* Alpha by the part that this subflow has of the connection's rate. */
static void weigh(struct cc *cc, uint64_t rtt, plait_time now)
{
    struct cc_wvegas *v = &cc->u.wvegas;
    uint64_t sum = 0;

    v->rate = cc_rate_of(cc->cwnd, rtt);
    CC_EACH(o, cc, now)
        sum += o->u.wvegas.rate;
    v->alpha = (uint32_t)(cc_fraction(v->rate, sum) * ALPHA_TOTAL / CC_ONE);
    v->alpha = whole(v, v->alpha);
    v->alpha = max_u32(v->alpha, ALPHA_MIN);
}

static void drain(struct cc *cc, uint64_t rtt)
{
    struct cc_wvegas *v = &cc->u.wvegas;

    cc->cwnd = (uint32_t)(cc->cwnd * (uint64_t)v->base_rtt / (2 * rtt));
    cc->cwnd -= cc->cwnd % cc->mss;
    v->queue_delay = 0;
}

/* It is long since the lowest RTT was seen to be so: a queue may have stood all the while. The
 * window goes down as if the queue had doubled, and stays there until what was sent after that is
 * acknowledged; slow start brings it back. */
static bool look(struct cc *cc, uint64_t rtt, plait_time now)
{
    struct cc_wvegas *v = &cc->u.wvegas;

    if (cc->cwnd <= cc->ssthresh || in_ms(now) - v->looked < LOOK_MS)
        return false;
    v->looked = in_ms(now);
    v->looking = LOOK_ROUNDS;
    drain(cc, rtt);
    return true;
}

/* The delay of a queue that has this subflow's alpha segments. */
static void note_delay(struct cc_wvegas *v, uint64_t delay)
{
    if (v->queue_delay == 0 || delay < v->queue_delay)
        v->queue_delay = (uint32_t)min_u64(delay, UINT32_MAX);
}

static void lower_ssthresh(struct cc *cc)
{
    uint32_t below = cc->cwnd > cc->mss ? cc->cwnd - cc->mss : cc->mss;

    cc->ssthresh = cc->ssthresh < below ? cc->ssthresh : below;
}

/* Congestion avoidance: queued segments that wait, in quarters. */
static void avoid(struct cc *cc, const struct cc_ack *ack, uint64_t rtt, uint32_t queued)
{
    struct cc_wvegas *v = &cc->u.wvegas;

    if (whole(v, queued) >= v->alpha) {
        note_delay(v, rtt - v->base_rtt);
        weigh(cc, rtt, ack->now);
    }
    queued = whole(v, queued);
    if (queued > v->alpha) {
        cc->cwnd -= cc->cwnd > cc->mss ? cc->mss : 0;
        lower_ssthresh(cc);
    } else if (queued < v->alpha && ack->cwnd_limited) {
        cc_grow(cc, cc->mss);
    }
    if (v->queue_delay > 0 && rtt - v->base_rtt >= 2 * (uint64_t)v->queue_delay)
        drain(cc, rtt);
}

/* A round is over. */
static void adjust(struct cc *cc, const struct cc_ack *ack)
{
    struct cc_wvegas *v = &cc->u.wvegas;
    uint64_t rtt = v->rtt_sum / v->rtt_n;
    uint64_t target = cc->cwnd * (uint64_t)v->base_rtt / rtt;
    uint32_t queued = (uint32_t)(cc->cwnd * (rtt - v->base_rtt) / rtt * QUARTERS / cc->mss);

    if (look(cc, rtt, ack->now)) {
        /* nothing else in this round */
    } else if (cc->cwnd > cc->ssthresh) {
        avoid(cc, ack, rtt, queued);
    } else if (queued >= 2 * GAMMA) {
        cc->cwnd = (uint32_t)min_u64(cc->cwnd, target + cc->mss);
        lower_ssthresh(cc);
    } else if (ack->cwnd_limited) {
        cc_slow_start(cc, ack);
    }
    cc->cwnd = max_u32(cc->cwnd, 2 * cc->mss);
    cc->ssthresh = max_u32(cc->ssthresh, cc->cwnd / 4 * 3);
}

static void reno(struct cc *cc, const struct cc_ack *ack)
{
    if (cc_past_slow_start(cc, ack))
        cc_avoid(cc, ack->acked, CC_ONE);
}

/* A window of a few segments brings few ACKs: its round goes on until there are enough. */
static bool needs_more(const struct cc *cc)
{
    return cc->u.wvegas.rtt_n < SAMPLES_MIN && cc->cwnd < 2 * SAMPLES_MIN * cc->mss;
}

static void wvegas_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    struct cc_wvegas *v = &cc->u.wvegas;

    sample(v, ack->rtt, ack->now);
    if (ack->after_rto) {
        v->on = false;
        reno(cc, ack);
        return;
    }
    if (!v->on)
        enable(v, ack->now);
    if (v->began && seq_lt(ack->snd_una, v->round_end)) {
        if (v->looking == 0 && cc->cwnd <= cc->ssthresh && ack->cwnd_limited)
            cc_slow_start(cc, ack);
        return;
    }
    v->round_end = ack->snd_nxt;
    if (v->began && v->looking == 0 && needs_more(cc))
        return;
    if (v->looking > 0)
        v->looking--;
    else if (v->began && v->rtt_n >= SAMPLES_MIN)
        adjust(cc, ack);
    else /* too few to tell a queue from an ACK that was delayed */
        reno(cc, ack);
    v->began = true;
    v->rtt_sum = 0;
    v->rtt_n = 0;
}

static void wvegas_on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    cc->u.wvegas.on = false;
    cc_reno_on_congestion(cc, flight, now);
}

static void wvegas_on_rto(struct cc *cc, uint32_t flight, plait_time now)
{
    cc->u.wvegas.rate = 0;
    wvegas_on_congestion(cc, flight, now);
}

/* The path may be another one by now. */
static void wvegas_on_idle(struct cc *cc, plait_time idle, plait_time rto, plait_time now)
{
    if (idle > rto)
        wvegas_init(cc);
    cc_reno_on_idle(cc, idle, rto, now);
}

const struct cc_ops cc_wvegas_ops = {
    .name = "wvegas",
    .what = "coupled: goes by delay, keeps 10 segments in the queues in all",
    .init = wvegas_init,
    .on_ack = wvegas_on_ack,
    .on_congestion = wvegas_on_congestion,
    .on_rto = wvegas_on_rto,
    .on_recovered = cc_reno_on_recovered,
    .on_idle = wvegas_on_idle,
};

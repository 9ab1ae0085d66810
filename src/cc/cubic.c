/* SPDX-License-Identifier: Apache-2.0 */
/* CUBIC (RFC 9438) in integers.
 *
 * After a reduction at window W_max the window follows W(t) = C (t - K)^3 + W_max, with K so that
 * W starts at the reduced window: fast at first, flat around W_max, fast again beyond. Beside it
 * runs w_est, what Reno would have; CUBIC is never slower than that.
 *
 * The RFC counts in segments and seconds; here windows are bytes, so C (t - K)^3 is multiplied by
 * the MSS. Times in the cube are counted in 1/2^14 s, which holds 2000 s within 64 bits; a
 * distance beyond that is cut, for any window would have reached its bound long before. Quotients
 * smaller than a byte are carried on in cwnd_frac and est_frac.
 *
 * t excludes the time in which the application did not fill the window: epoch is moved on by it
 * (RFC 9438 4.2: growth across an idle time would be a jump). */
#include "cc.h"

#include <string.h>

/* C = 0.4, beta = 0.7, alpha = 3 (1 - beta) / (1 + beta) = 9/17 (RFC 9438 4.6, 4.3). */
enum {
    C_NUM = 2, C_DEN = 5,
    BETA_NUM = 7, BETA_DEN = 10,
    FAST_NUM = 17, FAST_DEN = 20, /* (1 + beta) / 2, for fast convergence (RFC 9438 4.7) */
    ALPHA_NUM = 9, ALPHA_DEN = 17,
    TICK_BITS = 14,
};
static const uint64_t TICKS_MAX = (uint64_t)1 << (11 + TICK_BITS); /* 2048 s */

/* The integer cube root: the largest r with r^3 <= v. Newton's iteration from above. */
static uint64_t cube_root(uint64_t v)
{
    uint64_t r = 1;

    if (v == 0)
        return 0;
    while (r < (1u << 22) && r * r * r < v)
        r *= 2;
    for (;;) {
        uint64_t next = (2 * r + v / (r * r)) / 3;
        if (next >= r)
            break;
        r = next;
    }
    return r;
}

static uint64_t ticks(plait_time us)
{
    uint64_t t;

    if (us > (plait_time)2048 * PLAIT_SEC)
        return TICKS_MAX;
    t = (us << TICK_BITS) / PLAIT_SEC;
    return t < TICKS_MAX ? t : TICKS_MAX;
}

/* K = cbrt((W_max - cwnd_epoch) / C), RFC 9438 4.2 figure 2, in microseconds. */
static plait_time time_to(uint32_t bytes, uint32_t mss)
{
    uint64_t num = (uint64_t)bytes * C_DEN, den = (uint64_t)mss * C_NUM;
    unsigned bits = num / den < (1u << 21) ? 14 : 8;
    uint64_t cube = (num / den << (3 * bits)) + (num % den << (3 * bits)) / den;

    return cube_root(cube) * PLAIT_SEC >> bits;
}

/* W_cubic(t) = C (t - K)^3 + W_max, RFC 9438 4.2 figure 1, in bytes within 0 .. CC_CWND_MAX. */
static uint32_t window_at(const struct cc *cc, plait_time t)
{
    const struct cc_cubic *c = &cc->u.cubic;
    uint64_t d = ticks(t < c->k ? c->k - t : t - c->k);
    uint64_t cube = ((d * d) >> TICK_BITS) * d >> TICK_BITS;
    uint64_t delta = (cube * cc->mss / C_DEN * C_NUM) >> TICK_BITS;

    if (t < c->k)
        return delta < c->w_max ? c->w_max - (uint32_t)delta : 0;
    return delta < CC_CWND_MAX - c->w_max ? c->w_max + (uint32_t)delta : CC_CWND_MAX;
}

static void cubic_init(struct cc *cc)
{
    memset(&cc->u, 0, sizeof cc->u);
    cc_hystart_init(&cc->m.start);
}

/* Congestion avoidance begins (RFC 9438 4.2). Without a known maximum, as after a time-out (4.8)
 * or a slow start that ended without loss (4.10), the curve starts at its flat point. */
static void start_epoch(struct cc *cc, plait_time now)
{
    struct cc_cubic *c = &cc->u.cubic;

    c->running = true;
    c->epoch = c->last_ack = now;
    c->w_est = cc->cwnd;
    c->cwnd_frac = c->est_frac = 0;
    if (c->cwnd_prior == 0)
        c->cwnd_prior = cc->cwnd;
    if (c->w_max <= cc->cwnd) {
        c->k = 0;
        c->w_max = cc->cwnd;
    } else {
        c->k = time_to(c->w_max - cc->cwnd, cc->mss);
    }
}

/* What Reno with CUBIC's beta would have (RFC 9438 4.3 figure 4). */
static void grow_est(struct cc *cc, uint32_t acked)
{
    struct cc_cubic *c = &cc->u.cubic;
    bool behind = c->w_est < c->cwnd_prior; /* alpha = 9/17 up to the old window, then 1 */
    uint64_t den = (uint64_t)cc->cwnd * ALPHA_DEN;

    c->est_frac += (uint64_t)acked * cc->mss * (behind ? ALPHA_NUM : ALPHA_DEN);
    c->w_est += (uint32_t)(c->est_frac / den);
    c->est_frac %= den;
    if (c->w_est > CC_CWND_MAX)
        c->w_est = CC_CWND_MAX;
}

/* cwnd += (target - cwnd) / cwnd for each segment acknowledged (RFC 9438 4.4, 4.5). */
static void grow_to(struct cc *cc, uint32_t target, uint32_t acked)
{
    struct cc_cubic *c = &cc->u.cubic;
    uint64_t bound = cc->cwnd + (uint64_t)cc->cwnd / 2;
    uint32_t gain;

    if (target > bound)
        target = (uint32_t)bound;
    if (target <= cc->cwnd)
        return;
    if (acked > cc->cwnd)
        acked = cc->cwnd; /* more than a window at once comes no closer than the target */
    c->cwnd_frac += (uint64_t)(target - cc->cwnd) * acked;
    gain = (uint32_t)(c->cwnd_frac / cc->cwnd);
    c->cwnd_frac %= cc->cwnd;
    cc_grow(cc, gain);
}

/*= RFC 9293 MAY-18 */
static void cubic_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    struct cc_cubic *c = &cc->u.cubic;

    if (!ack->cwnd_limited) {
        if (c->running)
            c->epoch += ack->now - c->last_ack; /* the time was the application's */
        c->last_ack = ack->now;
        return;
    }
    if (cc->cwnd < cc->ssthresh) {
        c->running = false;
        if (cc->ssthresh == CC_SSTHRESH_INFINITE)
            cc_hystart_on_ack(&cc->m.start, cc, ack);
        else
            cc_slow_start(cc, ack);
        return;
    }
    if (!c->running)
        start_epoch(cc, ack->now);
    c->last_ack = ack->now;
    grow_est(cc, ack->acked);
    if (window_at(cc, ack->now - c->epoch) >= c->w_est)
        grow_to(cc, window_at(cc, ack->now - c->epoch + ack->srtt), ack->acked);
    else if (c->w_est > cc->cwnd)
        cc->cwnd = c->w_est;
}

static void reduce(struct cc *cc, uint32_t flight)
{
    struct cc_cubic *c = &cc->u.cubic;
    uint32_t target = (uint32_t)((uint64_t)flight * BETA_NUM / BETA_DEN);

    c->running = false;
    c->cwnd_prior = cc->cwnd;
    cc->ssthresh = target > 2 * cc->mss ? target : 2 * cc->mss; /* RFC 9438 4.6 */
}

/* What was in flight when the loss came about: the most since a round trip ago, by the window. What
 * still is when it is found may be the rest of that alone, where the peer's window or the data ran
 * out meanwhile, and says nothing of the path. RFC 9438 4.6 lets a sender take cwnd itself that
 * does not let it grow while less is in flight; RFC 7661 4.4.1 takes the larger one of both. */
static uint32_t lost_from(const struct cc *cc, uint32_t flight)
{
    uint32_t most = cc->flight < cc->cwnd ? cc->flight : cc->cwnd;

    return most > flight ? most : flight;
}

static void cubic_on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    struct cc_cubic *c = &cc->u.cubic;

    (void)now;
    /* Fast convergence: a window that did not reach the old one makes room for others. */
    if (cc->cwnd < c->w_max)
        c->w_max = (uint32_t)((uint64_t)cc->cwnd * FAST_NUM / FAST_DEN);
    else
        c->w_max = cc->cwnd;
    reduce(cc, lost_from(cc, flight));
}

static void cubic_on_rto(struct cc *cc, uint32_t flight, plait_time now)
{
    (void)now;
    reduce(cc, flight);
    cc->u.cubic.w_max = 0; /* the first epoch after a time-out has K = 0 (RFC 9438 4.8) */
}

static void cubic_on_recovered(struct cc *cc, plait_time now)
{
    (void)now;
    cc->u.cubic.running = false;
}

static void cubic_on_idle(struct cc *cc, plait_time idle, plait_time rto, plait_time now)
{
    struct cc_cubic *c = &cc->u.cubic;

    if (c->running)
        c->epoch += now - c->last_ack;
    c->last_ack = now;
    cc_restart(cc, idle, rto);
}

const struct cc_ops cc_cubic_ops = {
    .name = "cubic",
    .what = "each subflow by itself, quick where bandwidth and delay are large (RFC 9438)",
    .init = cubic_init,
    .on_ack = cubic_on_ack,
    .on_congestion = cubic_on_congestion,
    .on_rto = cubic_on_rto,
    .on_recovered = cubic_on_recovered,
    .on_idle = cubic_on_idle,
};

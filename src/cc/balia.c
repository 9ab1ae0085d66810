/* SPDX-License-Identifier: Apache-2.0 */
/* Balanced linked adaptation, BALIA (Peng, Walid, Hwang, Low, ToN 2016; draft-walid-mptcp-
 * congestion-control-04): between LIA, which is quick, and OLIA, which is gentle to others.
 *
 * With rate = cwnd / rtt, sum over all, max the largest, and a = max / rate: for each ACK cwnd
 * grows by rate / (rtt * sum^2) * (1 + a) / 2 * (4 + a) / 5, and a loss takes min(a, 1.5) halves
 * of it. As a fraction of Reno's the increase is (rate + max) * (4 rate + max) / (10 sum^2).
 *
 * Linux's module computes a by a division of integers, takes the decrease from the last ACK and
 * not from the loss, and counts an ACK too many for each step. Not here. */
#include "cc.h"

static uint64_t largest(const struct cc *cc, plait_time now)
{
    uint64_t max = 0;

    CC_EACH(o, cc, now)
        max = cc_rate(o) > max ? cc_rate(o) : max;
    return max;
}

static int64_t pace(const struct cc *cc, plait_time now)
{
    uint64_t sum = cc_rate_sum(cc, now);
    int64_t rate, max;

    if (cc_count(cc, now) == 1)
        return CC_ONE;
    rate = cc_fraction(cc_rate(cc), sum);
    max = cc_fraction(largest(cc, now), sum);
    return (rate + max) * (4 * rate + max) / CC_ONE / 10;
}

static void balia_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    if (cc_past_slow_start(cc, ack))
        cc_avoid(cc, ack->acked, pace(cc, ack->now));
}

/* What is left of half the window: 1 - (a - 1), a at most 1.5. */
static int64_t left_of_half(const struct cc *cc, plait_time now)
{
    uint64_t rate = cc_rate(cc), max = largest(cc, now);

    if (max / 3 >= rate / 2)
        return CC_ONE / 2;
    return 2 * (int64_t)CC_ONE - cc_fraction(max, rate);
}

static void balia_on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    if (cc_count(cc, now) == 1)
        cc_reno_on_congestion(cc, flight, now);
    else
        cc_reduce(cc, (uint32_t)(flight / 2 * left_of_half(cc, now) / CC_ONE), 1);
}

const struct cc_ops cc_balia_ops = {
    .name = "balia",
    .what = "coupled: quicker than olia, gentler to others than lia",
    .init = cc_reno_init,
    .on_ack = balia_on_ack,
    .on_congestion = balia_on_congestion,
    .on_rto = balia_on_congestion,
    .on_recovered = cc_reno_on_recovered,
    .on_idle = cc_reno_on_idle,
};

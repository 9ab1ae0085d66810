/* SPDX-License-Identifier: Apache-2.0 */
/* Linked increases, LIA (RFC 6356): all subflows together are as aggressive as one TCP on the best
 * of the paths, and none is more aggressive than a TCP on its path.
 *
 * The RFC's increase is alpha * bytes_acked * MSS / cwnd_total for each ACK. Here it is a fraction
 * of Reno's, alpha * cwnd / cwnd_total, where cwnd_total cancels out; cc_avoid() adds it up until
 * it is a segment (RFC 6356 4.2), so that nothing is lost by rounding. It is computed for each ACK:
 * a division for each subflow. */
#include "cc.h"

#include "../base/wide.h"

static uint64_t square(uint32_t rtt)
{
    return (uint64_t)rtt * rtt;
}

/* Is cwnd / rtt^2 larger on a than on b? */
static bool better(const struct cc *a, const struct cc *b)
{
    return wide_lt(wide_mul(cc_window(b), square(a->srtt)),
                   wide_mul(cc_window(a), square(b->srtt)));
}

/*= RFC 6356 3
 * The formula to compute alpha is: */
/* alpha = cwnd_total * MAX (cwnd_i/rtt_i^2) / (SUM (cwnd_i/rtt_i))^2. With rate = cwnd / rtt and b
 * for the subflow with the maximum, alpha * cwnd / cwnd_total is
 * rate / sum * rate_b / sum * rtt / rtt_b. */
static int64_t pace(const struct cc *cc, plait_time now)
{
    const struct cc *best = cc;
    uint64_t sum = cc_rate_sum(cc, now);
    int64_t p;

    if (cc_count(cc, now) == 1)
        return CC_ONE;
    CC_EACH(o, cc, now)
        if (better(o, best))
            best = o;
    p = cc_fraction(cc_rate(cc), sum) * cc_fraction(cc_rate(best), sum) / CC_ONE;
    p = p * cc->srtt / best->srtt;
    /*= RFC 6356 3
     * The increase formula (1) takes the minimum between the computed increase for the multipath
     * subflow (first argument to min), and the increase TCP would get in the same scenario (the
     * second argument). */
    return p < CC_ONE ? p : CC_ONE;
}

/*= RFC 6356 3-1 */
static void lia_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    if (cc_past_slow_start(cc, ack))
        cc_avoid(cc, ack->acked, pace(cc, ack->now));
}

/*= RFC 6356 3
 * The slow start, fast retransmit, and fast recovery algorithms, as well as the multiplicative
 * decrease of the congestion avoidance state are the same as in standard TCP [RFC5681]. */
const struct cc_ops cc_lia_ops = {
    .name = "lia",
    .what = "coupled: all together as much as one TCP on the best path (RFC 6356)",
    .init = cc_reno_init,
    .on_ack = lia_on_ack,
    .on_congestion = cc_reno_on_congestion,
    .on_rto = cc_reno_on_congestion,
    .on_recovered = cc_reno_on_recovered,
    .on_idle = cc_reno_on_idle,
};

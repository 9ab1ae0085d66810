/* SPDX-License-Identifier: Apache-2.0 */
/* Equally weighted TCP, EWTCP (Honda et al., PFLDNeT 2009): each of n subflows is one n-th of a
 * TCP, whatever its path is like. Load does not move off a congested path; it is here to be
 * compared with.
 *
 * A TCP whose increase is a times the usual one has sqrt(a) times the rate, so a = 1 / n^2.
 * (Wischik et al., NSDI 2011, print 1 / sqrt(n), and their examples are computed with 1 / n^2.) */
#include "cc.h"

static void ewtcp_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    int64_t n;

    if (!cc_past_slow_start(cc, ack))
        return;
    n = cc_count(cc, ack->now);
    cc_avoid(cc, ack->acked, CC_ONE / (n * n));
}

const struct cc_ops cc_ewtcp_ops = {
    .name = "ewtcp",
    .what = "each of n subflows as an n-th of a TCP",
    .init = cc_reno_init,
    .on_ack = ewtcp_on_ack,
    .on_congestion = cc_reno_on_congestion,
    .on_rto = cc_reno_on_congestion,
    .on_recovered = cc_reno_on_recovered,
    .on_idle = cc_reno_on_idle,
};

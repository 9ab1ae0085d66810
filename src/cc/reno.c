/* SPDX-License-Identifier: Apache-2.0 */
/* Reno's windows with appropriate byte counting (RFC 5681 3.1, RFC 3465 2.1). Recovery itself is
 * not here: NewReno's partial ACKs are replaced by RACK and PRR. */
#include "cc.h"

#include <string.h>

static void reno_init(struct cc *cc)
{
    memset(&cc->u, 0, sizeof cc->u);
}

/*= RFC 5681 3.1-1, 3.1-9, 3.1-10, 3.1-11, 3.1-12, 3.1-13 */
/*= RFC 9293 MUST-19 */
static void reno_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    struct cc_reno *r = &cc->u.reno;

    if (!ack->cwnd_limited)
        return;
    /*= RFC 5681 3.1
     * The slow start algorithm is used when cwnd < ssthresh, while the congestion avoidance
     * algorithm is used when cwnd > ssthresh. */
    if (cc->cwnd < cc->ssthresh) {
        cc_slow_start(cc, ack);
        return;
    }
    /*= RFC 3465 2.1
     * When bytes_acked becomes greater than or equal to the value of the congestion window,
     * bytes_acked is reduced by the value of cwnd. */
    r->acked += ack->acked;
    if (r->acked < cc->cwnd)
        return;
    r->acked -= cc->cwnd;
    if (r->acked > cc->cwnd)
        r->acked = cc->cwnd; /* an ACK of several windows is still one step */
    cc_grow(cc, cc->mss);
}

/*= RFC 5681 3.1-16, 4.3-1 */
static void reno_on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    (void)now;
    /*= RFC 5681 3.1
     * ssthresh = max (FlightSize / 2, 2*SMSS) (4) */
    cc->ssthresh = flight / 2 > 2 * cc->mss ? flight / 2 : 2 * cc->mss;
    cc->u.reno.acked = 0;
}

static void reno_on_recovered(struct cc *cc, plait_time now)
{
    (void)cc;
    (void)now;
}

static void reno_on_idle(struct cc *cc, plait_time idle, plait_time rto, plait_time now)
{
    (void)now;
    cc_restart(cc, idle, rto);
}

const struct cc_ops cc_reno_ops = {
    .name = "reno",
    .init = reno_init,
    .on_ack = reno_on_ack,
    .on_congestion = reno_on_congestion,
    .on_rto = reno_on_congestion,
    .on_recovered = reno_on_recovered,
    .on_idle = reno_on_idle,
};

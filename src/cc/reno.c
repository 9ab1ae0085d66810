/* SPDX-License-Identifier: Apache-2.0 */
/* Reno's windows with appropriate byte counting (RFC 5681 3.1, RFC 3465 2.1). Recovery itself is
 * not here: NewReno's partial ACKs are replaced by RACK and PRR. */
#include "cc.h"

#include <string.h>

void cc_reno_init(struct cc *cc)
{
    memset(&cc->u, 0, sizeof cc->u);
}

/*= RFC 9293 MUST-19 */
static void reno_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    if (cc_past_slow_start(cc, ack))
        cc_avoid(cc, ack->acked, CC_ONE);
}

/*= RFC 5681 3.1-16, 4.3-1 */
void cc_reno_on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    (void)now;
    /*= RFC 5681 3.1
     * ssthresh = max (FlightSize / 2, 2*SMSS) (4) */
    cc_reduce(cc, flight / 2, 2);
}

void cc_reno_on_recovered(struct cc *cc, plait_time now)
{
    (void)cc;
    (void)now;
}

void cc_reno_on_idle(struct cc *cc, plait_time idle, plait_time rto, plait_time now)
{
    (void)now;
    cc_restart(cc, idle, rto);
}

const struct cc_ops cc_reno_ops = {
    .name = "reno",
    .what = "each subflow by itself (RFC 5681)",
    .init = cc_reno_init,
    .on_ack = reno_on_ack,
    .on_congestion = cc_reno_on_congestion,
    .on_rto = cc_reno_on_congestion,
    .on_recovered = cc_reno_on_recovered,
    .on_idle = cc_reno_on_idle,
};

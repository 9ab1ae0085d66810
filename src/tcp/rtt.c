/* SPDX-License-Identifier: Apache-2.0 */
/* Round-trip time estimate and retransmission time-out of one subflow.
 *
 * Owned by struct tcp_loss. It decides what is a sample (Karn's rule); here is the arithmetic
 * alone. Invariants: rto_min <= rto <= 60 s; min_rtt <= min_new. RFC 6298 2 and 5, RFC 8985 6.2
 * step 1. */
#include "rtt.h"

#include <assert.h>

static const plait_time RTO_MAX = 60 * PLAIT_SEC;
static const plait_time MIN_WINDOW = 300 * PLAIT_SEC;
enum { BACKOFF_MAX = 16 };

void tcp_rtt_init(struct tcp_rtt *r, plait_time rto_min)
{
    rto_min = rto_min < RTO_MAX ? rto_min : RTO_MAX;
    *r = (struct tcp_rtt){ .min_rtt = PLAIT_NEVER, .min_new = PLAIT_NEVER };
    r->rto_min = (uint32_t)rto_min & TCP_RTT_RTO;
    /*= RFC 6298 2
     * Until a round-trip time (RTT) measurement has been made for a segment sent between the sender
     * and receiver, the sender SHOULD set RTO <- 1 second, though the "backing off" on repeated
     * retransmission discussed in (5.5) still applies. */
    r->rto = (uint32_t)(PLAIT_SEC > rto_min ? PLAIT_SEC : rto_min) & TCP_RTT_RTO;
}

/*= RFC 6298 2-8 */
static void set_rto(struct tcp_rtt *r, plait_time rto)
{
    if (rto < r->rto_min)
        rto = r->rto_min;
    r->rto = (uint32_t)(rto < RTO_MAX ? rto : RTO_MAX) & TCP_RTT_RTO;
}

/*= RFC 9293 MUST-18 */
void tcp_rtt_sample(struct tcp_rtt *r, plait_time rtt)
{
    plait_time srtt_x8 = r->srtt * 8 + r->srtt_8ths;
    plait_time rttvar_x4 = r->rttvar * 4 + r->rttvar_4ths, error;

    if (rtt == 0)
        rtt = 1;
    tcp_rtt_min(r, rtt);
    if (r->srtt == 0) {
        /*= RFC 6298 2
         * When the first RTT measurement R is made, the host MUST set */
        srtt_x8 = rtt * 8;
        rttvar_x4 = rtt * 2;
    } else {
        /*= RFC 6298 2
         * The value of SRTT used in the update to RTTVAR is its value before updating SRTT itself
         * using the second assignment. */
        error = srtt_x8 > rtt * 8 ? srtt_x8 - rtt * 8 : rtt * 8 - srtt_x8;
        /*= RFC 6298 2-4, 2-5, 2-6 */
        rttvar_x4 = rttvar_x4 - rttvar_x4 / 4 + error / 8;
        srtt_x8 = srtt_x8 - srtt_x8 / 8 + rtt;
    }
    assert(srtt_x8 >= 8 && "samples of at least 1 us have no mean below");
    r->srtt = srtt_x8 / 8;
    r->srtt_8ths = (uint32_t)srtt_x8 & 7;
    r->rttvar = rttvar_x4 / 4;
    r->rttvar_4ths = (uint32_t)rttvar_x4 & 3;
    /*= RFC 6298 2
     * After the computation, a host MUST update RTO <- SRTT + max (G, K*RTTVAR) */
    /*= RFC 6298 4-1 */
    set_rto(r, r->srtt + (rttvar_x4 > 0 ? rttvar_x4 : 1));
}

void tcp_rtt_min(struct tcp_rtt *r, plait_time rtt)
{
    if (rtt == 0)
        rtt = 1;
    if (rtt < r->min_rtt)
        r->min_rtt = rtt;
    if (rtt < r->min_new)
        r->min_new = rtt;
}

void tcp_rtt_age(struct tcp_rtt *r, plait_time now)
{
    /*= RFC 8985 6.2
     * The sender SHOULD track a windowed min-filtered estimate of recent RTT measurements that can
     * adapt when migrating to significantly longer paths rather than tracking a simple global
     * minimum of all RTT measurements. */
    if (r->min_turn == 0)
        r->min_turn = now;
    if (r->min_new == PLAIT_NEVER || now - r->min_turn < MIN_WINDOW)
        return;
    r->min_rtt = r->min_new;
    r->min_new = PLAIT_NEVER;
    r->min_turn = now;
}

plait_time tcp_rtt_timeout(const struct tcp_rtt *r)
{
    plait_time t = (plait_time)r->rto << r->backoff;

    /*= RFC 6298 2
     * A maximum value MAY be placed on RTO provided it is at least 60 seconds. */
    return t < RTO_MAX ? t : RTO_MAX;
}

void tcp_rtt_back_off(struct tcp_rtt *r)
{
    /*= RFC 6298 5
     * The host MUST set RTO <- RTO * 2 ("back off the timer"). */
    if (r->backoff < BACKOFF_MAX)
        r->backoff++;
}

void tcp_rtt_reset_backoff(struct tcp_rtt *r)
{
    r->backoff = 0;
}

void tcp_rtt_after_syn_timeout(struct tcp_rtt *r)
{
    /*= RFC 6298 5
     * If the timer expires awaiting the ACK of a SYN segment and the TCP implementation is using an
     * RTO less than 3 seconds, the RTO MUST be re-initialized to 3 seconds when data transmission
     * begins (i.e., after the three-way handshake completes). */
    if (r->rto < 3 * PLAIT_SEC)
        r->rto = (uint32_t)(3 * PLAIT_SEC) & TCP_RTT_RTO;
    r->backoff = 0;
}

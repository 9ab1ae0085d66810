/* SPDX-License-Identifier: Apache-2.0 */
/* Round-trip time and retransmission time-out (RFC 6298). Microseconds. */
#ifndef TCP_RTT_H
#define TCP_RTT_H

#include <plait/types.h>

enum { TCP_RTT_RTO = 0x3ffffff }; /* the bits of 60 s in microseconds */

struct tcp_rtt {
    plait_time srtt, rttvar; /* 0: no sample yet */
    plait_time min_rtt;      /* lowest of the last minutes; PLAIT_NEVER until the first sample */
    plait_time min_new;      /* lowest since min_turn; PLAIT_NEVER: none */
    plait_time min_turn;     /* when the window of min_rtt was turned last; 0: never */
    uint32_t rto : 26;       /* base time-out, without back-off */
    uint32_t srtt_8ths : 3;  /* what srtt and rttvar leave out, in eighths and quarters of a */
    uint32_t rttvar_4ths : 2; /* microsecond: nothing is lost by rounding */
    uint32_t rto_min : 26;
    uint32_t backoff : 5;    /* time-outs in a row, up to 16: rto << backoff, at most 60 s in all */
};

void tcp_rtt_init(struct tcp_rtt *r, plait_time rto_min);
/* A sample for SRTT, RTTVAR, RTO and min_rtt. 0 counts as 1 us. */
void tcp_rtt_sample(struct tcp_rtt *r, plait_time rtt);
/* A sample for min_rtt alone. */
void tcp_rtt_min(struct tcp_rtt *r, plait_time rtt);
/* Lets samples of min_rtt that are 5 to 10 minutes old go. Before the samples of the same time. */
void tcp_rtt_age(struct tcp_rtt *r, plait_time now);
plait_time tcp_rtt_timeout(const struct tcp_rtt *r); /* with back-off */
void tcp_rtt_back_off(struct tcp_rtt *r);
void tcp_rtt_reset_backoff(struct tcp_rtt *r);
/* The SYN timed out and the handshake is done: RTO starts at 3 s (RFC 6298 5.7). */
void tcp_rtt_after_syn_timeout(struct tcp_rtt *r);

#endif

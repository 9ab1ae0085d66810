/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tcp/ share with each other and with nobody else. */
#ifndef TCP_INTERNAL_H
#define TCP_INTERNAL_H

#include "tcp.h"

enum {
    TCP_MSS_MIN = 48,          /* a smaller announced MSS is taken for this (CVE-2019-11479) */
    TCP_WINDOW_MAX = 65535,    /* of the header's field */
    TCP_WSCALE_MAX = 14,       /* RFC 7323 2.3 */
    TCP_QUICK_ACKS = 16,       /* segments acknowledged at once when a connection is new */
    TCP_CHALLENGE_MAX = 10,    /* challenge ACKs in TCP_CHALLENGE_PERIOD (RFC 5961 7) */
    TCP_TS_SPACE = 12,         /* option bytes of timestamps, padded */
    TCP_OPTION_SPACE = 40,
};

#define TCP_CHALLENGE_PERIOD (5 * PLAIT_SEC)
#define TCP_PERSIST_MAX (60 * PLAIT_SEC)
#define TCP_PERSIST_MIN (200 * PLAIT_MSEC)
#define TCP_ALIVE_RECENTLY (120 * PLAIT_SEC)
#define TCP_TS_VALID (24 * 24 * 3600 * PLAIT_SEC)

/* A segment on its way through tcp_input(): what is left of it. */
struct tcp_in {
    struct tcb *t;
    const struct wire_seg *seg;
    struct plait_block **block;
    plait_time now;
    struct tcp_result *res;
    uint32_t seq, len;   /* of the payload still to be processed; no SYN */
    const uint8_t *data;
    bool fin;
};

/* A window to offer: the header's field and what it means. */
struct tcp_offer {
    uint16_t field;
    uint32_t bytes;
};

/* tcb.c */
void tcp_set_state(struct tcb *t, enum tcp_state to, plait_time now);
void tcp_gone(struct tcb *t, enum plait_reason reason, plait_time now);
void tcp_drop(const struct tcp_in *in, enum plait_reason reason);
void tcp_sync_mss(struct tcb *t);

/* handshake.c */
uint32_t tcp_ts_offset(const struct base_ctx *ctx, const struct plait_addr *local,
                       const struct plait_addr *remote);
uint16_t tcp_mss_of_syn(const struct wire_seg *syn);
void tcp_established(struct tcp_in *in);
void tcp_input_syn_sent(struct tcp_in *in);

/* ecn.c */
uint8_t tcp_ecn_syn_flags(const struct tcb *t, bool answer);
/* May a RST that answers our SYN be meant for its request for ECN? */
bool tcp_ecn_blamed(const struct tcb *t);
uint8_t tcp_ecn_synack_flags(const struct tcp_half *h);
void tcp_ecn_syn_sent(struct tcp_ecn_setup *e, uint8_t flags);
void tcp_ecn_syn_came(struct tcp_ecn_setup *e, uint8_t flags);
void tcp_ecn_input(struct tcp_in *in);
bool tcp_ecn_says_congested(const struct tcb *t, const struct wire_seg *seg);

/* ack.c */
bool tcp_ack_field(struct tcp_in *in);
void tcp_ack_apply(struct tcp_in *in);

/* rcv.c */
void tcp_rcv_text(struct tcp_in *in);
void tcp_rcv_fin(struct tcp_in *in);

/* sack.c */
void tcp_sack_note(struct tcb *t, uint32_t seq);
void tcp_dsack_note(struct tcb *t, uint32_t lo, uint32_t hi);
void tcp_sack_fill(const struct tcb *t, unsigned max, struct tcp_plan *plan);

/* window.c */
uint32_t tcp_rcv_wnd(const struct tcb *t);
struct tcp_offer tcp_offer(const struct tcb *t, bool syn);
bool tcp_offer_grew(const struct tcb *t);
void tcp_offer_sent(struct tcb *t, const struct tcp_plan *plan);
uint32_t tcp_usable(const struct tcb *t);
uint32_t tcp_sendable(const struct tcb *t, uint32_t mss);
bool tcp_window_blocks(const struct tcb *t);
bool tcp_fin_ready(const struct tcb *t);

/* pmtu.c */
/* Both SYNs told their MSS. */
void tcp_pmtu_init(struct tcb *t);
/* A router dropped the segment at seq; mtu 0: it told no size. False: it cannot be true. */
bool tcp_pmtu_too_big(struct tcb *t, uint32_t seq, uint32_t mtu, plait_time now);
/* Payload of a packet as large as both ends allow. */
uint32_t tcp_pmtu_payload_max(const struct tcb *t);
void tcp_pmtu_timed_out(struct tcb *t, plait_time now);
void tcp_pmtu_probed(struct tcb *t, const struct tcp_plan *plan);
void tcp_pmtu_review(struct tcb *t, plait_time now);

/* options.c */
void tcp_fill_options(const struct tcb *t, bool payload, plait_time now, struct tcp_plan *plan);
uint32_t tcp_plan_mss(const struct tcb *t, const struct tcp_plan *plan);
void tcp_syn_options(struct wire_tcpopts *opt, const struct tcp_half *as, plait_time now);
uint32_t tcp_now_ts(uint32_t offset, plait_time now);

/* timer.c */
bool tcp_persist_wanted(const struct tcb *t);
plait_time tcp_persist_timeout(const struct tcb *t);
void tcp_rearm(struct tcb *t, plait_time now);

/* reset.c */
/* Takes one of the answers of this period; false: there are none left. */
bool tcp_challenge_left(plait_time *period_end, uint8_t *n, plait_time now);
void tcp_challenge(struct tcb *t, plait_time now);
void tcp_refuse(struct tcb *t, uint32_t seq);
void tcp_rst_for_abort(struct tcb *t);

#endif

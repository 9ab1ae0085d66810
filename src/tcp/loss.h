/* SPDX-License-Identifier: Apache-2.0 */
/* Loss recovery of one subflow: RACK-TLP (RFC 8985), PRR (RFC 6937), F-RTO (RFC 5682), undo by DSACK and timestamps
 * (RFC 3708, 4015), the retransmission timer (RFC 6298). It owns cwnd's ups and downs by calling cc. */
#ifndef TCP_LOSS_H
#define TCP_LOSS_H

#include "../cc/cc.h"
#include "../wire/wire.h"
#include "rtt.h"
#include "sndq.h"

enum tcp_recovery { TCP_LOSS_OPEN = 0, TCP_LOSS_RECOVERY, TCP_LOSS_RTO }; /* state of recovery */

enum tcp_loss_timer { TCP_TIMER_NONE = 0, TCP_TIMER_RTO, TCP_TIMER_TLP, TCP_TIMER_REORDER };

struct tcp_loss {
    struct tcp_rtt rtt;
    struct cc cc;
    enum tcp_recovery state;
    uint32_t recovery_point;   /* SND.NXT when recovery began */
    /* RACK (RFC 8985 6.1) */
    plait_time rack_xmit, rack_rtt;
    uint32_t rack_end_seq;
    bool rack_valid, reordering_seen, dsack_round_valid;
    uint32_t fack, dsack_round;
    uint8_t reo_wnd_mult, reo_wnd_persist;
    /* TLP (RFC 8985 7) */
    bool tlp_out, tlp_is_rtx;
    uint32_t tlp_end_seq;
    bool rtt_sample_since_tlp;
    /* PRR (RFC 6937 3.1) */
    uint32_t prr_delivered, prr_out, recover_fs;
    bool prr_first_sent;
    /* F-RTO (RFC 5682 3.1) */
    uint8_t frto_step;         /* 0: off */
    /* undo */
    uint32_t undo_marker;      /* SND.UNA when the reduction happened */
    bool undo_valid;
    uint32_t undo_rtx;         /* retransmissions not yet reported back as duplicates */
    uint32_t rtx_first_ts;     /* TSval of the first retransmission */
    /* timers */
    enum tcp_loss_timer timer;
    plait_time deadline;       /* PLAIT_NEVER with TCP_TIMER_NONE */
    plait_time last_progress;  /* when SND.UNA moved last, or sending began */
    plait_time last_sent;      /* of data; 0: never */
    uint8_t rto_n;             /* time-outs in a row */
    bool cwnd_limited;         /* during the last flight the window was the limit */
    bool after_rto;            /* slow start that follows a time-out */
    uint64_t rtx_bytes;        /* payload sent again, ever */
    uint64_t lost_bytes;       /* payload deemed lost, ever */
    uint32_t spurious_n;       /* reductions undone */
};

struct tcp_ack_out {
    uint32_t acked;        /* sequence space newly acknowledged cumulatively */
    uint32_t acked_data;   /* payload bytes of that */
    uint32_t sacked;       /* bytes newly SACKed */
    uint32_t lost;         /* bytes newly deemed lost */
    plait_time rtt;        /* sample, 0: none */
    bool syn_acked, fin_acked;
    bool spurious;         /* a reduction was undone */
    bool bogus_sack;       /* a block was outside what was sent */
};

void tcp_loss_init(struct tcp_loss *l, const struct cc_ops *ops, uint32_t mss, plait_time rto_min);
/* An acceptable ACK (una <= ack <= nxt) arrived: moves una, frees records and chunks, marks SACKs, samples the RTT,
 * finds losses, moves cwnd, rearms. data_len: payload of the segment (a pure duplicate ACK has none); tsecr used when
 * seg->opt.has_ts and ts_on. option: the segment carried an MPTCP option other than DSS: not a congestion signal (OPT-02). */
void tcp_loss_ack(struct tcp_loss *l, struct tcp_sndq *q, const struct wire_seg *seg, bool ts_on,
                  plait_time now, struct tcp_ack_out *out);
/* Bytes of new or retransmitted payload that congestion control allows now; in recovery PRR's sndcnt; at least one
 * MSS for a forced first retransmission or a pending probe. */
uint32_t tcp_loss_quota(const struct tcp_loss *l, const struct tcp_sndq *q);
/* The next lost run to send again: its first record, or NULL. */
const struct tcp_rec *tcp_loss_next_lost(const struct tcp_loss *l, const struct tcp_sndq *q);
/* A TLP or an F-RTO step is due: what the caller should send (see loss.c). */
enum tcp_loss_want { TCP_WANT_NOTHING = 0, TCP_WANT_PROBE };
enum tcp_loss_want tcp_loss_want(const struct tcp_loss *l, const struct tcp_sndq *q);
/* A segment with sequence space went out (after tcp_sndq_sent). rtx: it was sent before; tsval of the segment. */
void tcp_loss_sent(struct tcp_loss *l, struct tcp_sndq *q, uint32_t seq, uint32_t len, bool rtx, uint32_t tsval,
                   plait_time now);
/* The timer came: RTO (marks lost, collapses cwnd, backs off), TLP (wants a probe), or reordering. Answers what
 * happened. */
enum tcp_loss_timer tcp_loss_expire(struct tcp_loss *l, struct tcp_sndq *q, plait_time now);
/* One function derives the deadline from the state. */
void tcp_loss_rearm(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now);
/* The path MTU shrank: everything in flight that is larger is lost without a congestion event. */
void tcp_loss_set_mss(struct tcp_loss *l, struct tcp_sndq *q, uint32_t mss);
bool tcp_loss_check(const struct tcp_loss *l, const struct tcp_sndq *q);

#endif

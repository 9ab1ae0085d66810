/* SPDX-License-Identifier: Apache-2.0 */
/* What a subflow keeps only while it has something to send or in flight: the queues of sndq.c, and
 * what loss recovery (loss.c and its files) knows of this flight. One piece of memory that comes
 * with the first byte and goes with the last acknowledgment; the many subflows that rest share one
 * that says "nothing" and is never written. */
#ifndef TCP_FLIGHT_H
#define TCP_FLIGHT_H

#include "../base/ring.h"
#include "../wire/wire.h"

enum tcp_recovery { TCP_LOSS_OPEN = 0, TCP_LOSS_RECOVERY, TCP_LOSS_RTO }; /* state of recovery */

enum tcp_loss_timer { TCP_TIMER_NONE = 0, TCP_TIMER_RTO, TCP_TIMER_TLP, TCP_TIMER_REORDER };

struct tcp_sack_range {
    uint32_t lo, hi;
};

/* Written by loss recovery alone; what outlives a flight stands in struct tcp_loss. */
struct tcp_repair {
    enum tcp_recovery state;
    uint32_t recovery_point;   /* SND.NXT when recovery began */
    plait_time reduced_at;     /* when cwnd was reduced last in this flight */
    bool force;                /* one segment may be retransmitted whatever the window says */
    /* SACK: the last ranges whose records are all marked, so that they are not walked over again */
    uint8_t seen_n;
    struct tcp_sack_range seen[WIRE_SACK_MAX];
    /* RACK (RFC 8985 6.1) */
    bool rack_valid, dsack_round_valid;
    uint32_t rack_end_seq;
    plait_time rack_xmit;
    uint32_t dsack_round;
    uint32_t rack_scan;        /* no record before it is an original still in flight */
    plait_time reorder_at;     /* when the next record will be deemed lost; PLAIT_NEVER */
    /* TLP (RFC 8985 7) */
    bool tlp_due;              /* a probe is to be sent */
    plait_time tlp_base;       /* the probe time-out runs from here: new data sent, or progress */
    /* PRR (RFC 6937 3) */
    uint32_t prr_delivered, prr_out, recover_fs;
    /* F-RTO (RFC 5682 3.1) */
    uint8_t frto_step;         /* 0: off; 2: waiting for the first new ACK; 3: new data was sent */
    uint32_t frto_left;        /* step 3: bytes of new data that may still go out */
    plait_time frto_until;     /* step 3: when to stop waiting */
    /* timers */
    enum tcp_loss_timer timer;
    plait_time deadline;       /* PLAIT_NEVER with TCP_TIMER_NONE */
    plait_time rto_base;       /* the retransmission time-out runs from here */
    bool cwnd_limited;         /* during the last flight the window was the limit */
    uint32_t flight_end;       /* when SND.UNA gets here the next flight is looked at */
};

struct tcp_flight {
    struct ring chunks;  /* struct tcp_chunk, by seq, from the first not wholly acknowledged */
    struct ring recs;    /* struct tcp_rec, by seq, contiguous from una to nxt */
    struct ring rtx;     /* struct tcp_rtx by time: retransmissions that may be in flight */
    uint32_t cuts;       /* of the records, at most so many were made by SACK edges */
    uint32_t sacked, lost; /* bytes of records with that flag */
    uint32_t sacked_n;   /* records with TCP_REC_SACKED */
    uint32_t highest_sack; /* highest sequence number SACKed, una when none */
    uint32_t lost_first; /* start of the first lost record; valid while lost > 0 */
    uint32_t low_n;      /* chunks at the front whose low is valid */
    uint64_t low_back;   /* lowest pos of the chunks behind those */
    struct tcp_repair repair;
};

/* Of a subflow that rests: nothing is there, no timer runs. Read only. */
struct tcp_flight *tcp_flight_none(void);

#endif

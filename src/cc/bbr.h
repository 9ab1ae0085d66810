/* SPDX-License-Identifier: Apache-2.0 */
/* BBR's state, shared by bbr.c (what it does) and bbr_model.c (what it believes), and by tests. The
 * names are those of draft-ietf-ccwg-bbr. Bytes, bytes per second, microseconds, gains in percent;
 * counts of delivered bytes are modulo 2^32. */
#ifndef CC_BBR_H
#define CC_BBR_H

#include "cc.h"

enum bbr_state {
    BBR_STARTUP = 0, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT, BBR_STATES
};

/* Which phase of probing the ACKs that come now are about. */
enum bbr_acks { BBR_ACKS_NONE = 0, BBR_ACKS_REFILLING, BBR_ACKS_STARTING, BBR_ACKS_FEEDBACK,
                BBR_ACKS_STOPPING };

#define BBR_NO_BW UINT64_MAX /* no bound */
enum { BBR_LOSS_PERCENT = 2, BBR_BETA_PERCENT = 70, BBR_PIPE_SEGS = 4 };
#define BBR_NO_LIMIT UINT32_MAX

struct bbr {
    struct cc_own own;
    uint8_t state;            /* enum bbr_state */
    uint8_t ack_phase;        /* enum bbr_acks */
    bool began;               /* there was a sample: the stamps are valid */
    bool rtt_seen;            /* the first pacing rate knows a round trip */
    bool in_recovery;
    bool idle_restart;        /* sending began again after idling, nothing delivered since */

    /* rounds: 5.5.1 */
    uint32_t next_round_delivered;
    uint32_t rounds_since_probe;
    bool round_start;         /* this ACK ends one */

    /* bandwidth: 5.5.2 to 5.5.6 */
    uint64_t max_bw[2];       /* of this cycle of probing, of the one before */
    uint64_t bw;              /* what it goes by: the larger one, bounded by bw_shortterm */
    uint64_t delivered;       /* bytes ever */

    /* is the pipe full: 5.3.1.2 */
    uint64_t full_bw;
    uint8_t full_bw_count;
    bool full_bw_now, full_bw_reached;

    /* the shortest way: 5.5.7, 5.3.4.3 */
    uint32_t min_rtt, probe_rtt_min_delay; /* UINT32_MAX: not known */
    plait_time min_rtt_stamp, probe_rtt_min_stamp;
    plait_time probe_rtt_done_stamp; /* 0: the flight is not small enough yet */
    bool probe_rtt_expired, probe_rtt_round_done;
    uint32_t prior_cwnd;      /* before recovery or ProbeRTT */

    /* bunches of ACKs: 5.5.9. The maximum of five to ten rounds: this five, the five before. */
    uint32_t extra_acked[2];
    uint8_t extra_rounds;
    plait_time extra_start;
    uint64_t extra_delivered;

    /* congestion: 5.5.10 */
    uint64_t bw_latest, bw_shortterm;
    uint32_t inflight_latest, inflight_shortterm, inflight_longterm;
    uint32_t loss_round_delivered;
    bool loss_round_start, loss_in_round;
    bool probe_samples;       /* a loss may still be about the last probe for bandwidth */
    bool recovered_round;     /* the round before this one was one of recovery */
    uint8_t loss_events;      /* discontiguous ranges lost in this round */
    uint32_t lost_end;        /* end of the last one */
    uint32_t total, tx_in_flight; /* of the last sample */

    /* the cycle of probing: 5.3.3 */
    plait_time cycle_stamp, probe_wait;
    uint64_t probe_up_acks;
    uint32_t probe_up_cnt;    /* bytes delivered for each by which inflight_longterm grows */
    uint8_t probe_up_rounds;

    /* what a needless loss must give back: 5.5.11 */
    uint64_t undo_bw_shortterm;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;
    uint8_t undo_state;
    bool saved;               /* these are of the recovery that goes on */
};

static inline struct bbr *cc_bbr_of(const struct cc *cc) { return (struct bbr *)(void *)cc->own; }
static inline bool cc_bbr_in_probe_bw(const struct bbr *b)
{
    return b->state >= BBR_DOWN && b->state <= BBR_UP;
}
uint32_t cc_bbr_percent(uint64_t bytes, unsigned percent); /* up to CC_CWND_MAX */

/* ---- bbr_model.c ----------------------------------------------------------------------------- */

void cc_bbr_model_init(struct bbr *b, uint32_t srtt);
uint64_t cc_bbr_max_bw(const struct bbr *b);
/* percent of what the path holds at a rate; the initial window while no round trip is known. */
uint32_t cc_bbr_bdp(const struct cc *cc, uint64_t bw, unsigned percent);
void cc_bbr_start_round(struct bbr *b);
void cc_bbr_reset_full_bw(struct bbr *b);
void cc_bbr_reset_congestion_signals(struct bbr *b);
void cc_bbr_reset_shortterm(struct bbr *b);
void cc_bbr_advance_max_bw(struct bbr *b); /* a cycle of probing is over */
bool cc_bbr_is_probing(const struct bbr *b);
/* The steps of an ACK, before and behind those of the state machine. */
void cc_bbr_model_update(struct cc *cc, const struct cc_sample *s);
void cc_bbr_model_advance(struct bbr *b, const struct cc_sample *s);
void cc_bbr_update_min_rtt(struct bbr *b, const struct cc_sample *s);
void cc_bbr_check_full_bw(struct bbr *b, const struct cc_sample *s);
bool cc_bbr_too_high(uint32_t lost, uint32_t tx_in_flight);
void cc_bbr_save(struct bbr *b); /* what an undo brings back */
void cc_bbr_note_loss(struct bbr *b);
/* How much was in flight when losses became too many. */
uint32_t cc_bbr_inflight_at_loss(const struct cc_lost *lost);

#endif

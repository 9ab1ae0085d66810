/* SPDX-License-Identifier: Apache-2.0 */
/* Loss recovery of one subflow: RACK-TLP (RFC 8985), PRR (RFC 6937, 9937), F-RTO (RFC 5682), undo
 * by DSACK and timestamps (RFC 3708, 4015), the retransmission timer (RFC 6298). It owns cwnd's
 * ups and downs by calling cc. The theory is told in loss.c. */
#ifndef TCP_LOSS_H
#define TCP_LOSS_H

#include "../cc/cc.h"
#include "../wire/wire.h"
#include "rtt.h"
#include "sndq.h"

/* What it takes to undo a reduction (undo.c). */
struct tcp_undo {
    struct cc_saved cc;
    uint32_t marker;           /* SND.UNA when it happened */
    uint32_t rtx;              /* bytes retransmitted and not yet reported back as duplicates */
    uint32_t first_ts;         /* TSval of the first retransmission */
    bool any;                  /* something was retransmitted since */
};

struct tcp_loss {
    struct tcp_rtt rtt;
    struct cc cc;
    struct tcp_repair *f;      /* of the send queue's flight; set by tcp_loss_on_sent(), and back to
                                * that of tcp_flight_none() by tcp_loss_rearm() */
    struct tcp_rate *rate;     /* NULL: congestion control does not go by rates (rate.c) */
    uint64_t rtx_bytes;        /* payload sent again, ever */
    uint64_t lost_bytes;       /* payload deemed lost, ever */
    uint32_t spurious_n;       /* reductions undone */
    uint32_t restarts;         /* windows that idling made smaller, ever */
    uint32_t ecn_cuts;         /* reductions that ECE asked for */
    uint32_t tlp_end_seq;      /* TLP (RFC 8985 7): a probe is out until this is acknowledged */
    plait_time last_progress;  /* when SND.UNA moved last, or sending began */
    plait_time rack_rtt;       /* RACK (RFC 8985 6.1) */
    uint8_t reo_wnd_mult, reo_wnd_persist;
    uint8_t rto_n;             /* time-outs in a row */
    bool reordering_seen : 1;
    bool after_rto : 1;        /* slow start that follows a time-out */
    bool tlp_out : 1, tlp_is_rtx : 1;
    bool rtt_sample_since_tlp : 1;
    /* ECN (RFC 3168 6.1.2) */
    bool cwr_due : 1;          /* cwnd was reduced: the next new data says so */
    bool cwr_held : 1;         /* ECEs are about what the last reduction answered, until SND.UNA */
    uint32_t cwr_point;        /* has passed this, SND.NXT at that time */
    struct tcp_undo *undo;     /* of the last reduction; NULL: it is final, or there was none */
};

/* Samples of the delivery rate, and pacing. */
struct tcp_rate {
    uint32_t delivered, lost;  /* bytes so far, modulo 2^32 */
    plait_time delivered_at;   /* when something was delivered last, or sent into an empty path */
    plait_time first_sent;     /* when what was delivered last was sent, or likewise */
    uint32_t limited_until;    /* value of delivered with which what the application left empty */
    bool app_limited;          /* has passed */
    bool held;                 /* nothing may go out yet: next_ns, as it was asked last */
    uint64_t next_ns;          /* when the next segment may be sent, in nanoseconds */
    /* of the ACK that is being looked at: the newest segment delivered */
    bool any, newest_limited;
    uint32_t newest_end;       /* its sequence number */
    plait_time send_elapsed, ack_elapsed;
    struct tcp_rec_rate newest;
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
    bool sack_ignored;     /* a block could not be taken: the scoreboard is full */
};

/* What a segment that arrived tells about what was sent. */
struct tcp_ack_in {
    const struct wire_seg *seg; /* una <= ack <= nxt; its MPTCP options matter too (OPT-02) */
    bool ts_on;                 /* timestamps were agreed on */
    bool more;                  /* new data waits above, to be given to this subflow */
    bool ece;                   /* the peer tells of congestion (ECN was agreed on) */
    plait_time now;
};

/* What went out. */
struct tcp_sent {
    uint32_t seq, len;
    bool rtx;        /* it was sent before */
    bool cwr;        /* it carries CWR */
    uint32_t tsval;  /* of the segment; 0 without timestamps */
};

void tcp_loss_init(struct tcp_loss *l, const struct cc_ops *ops, uint32_t mss, plait_time rto_min);
/* The last reduction is final; what it would take to undo it goes back. */
void tcp_undo_end(struct tcp_loss *l, const struct plait_env *env);
/* Where congestion control goes by rates: memory for it. seed: for what it draws at random. 0 or
 * PLAIT_ENOMEM. tcp_rate_fini() gives it back, and is harmless without it. */
int tcp_rate_init(struct tcp_loss *l, const struct plait_env *env, uint32_t seed);
void tcp_rate_fini(struct tcp_loss *l, const struct plait_env *env);
/* What old had is l's now, as if it were new. */
void tcp_rate_keep(struct tcp_loss *l, const struct tcp_loss *old);
/* The window had room, and nobody gave anything: until what is in flight is delivered rates tell of
 * the application. */
void tcp_rate_app_limited(struct tcp_loss *l, const struct tcp_sndq *q);
/* Is it too early for the next segment? refresh keeps the answer for who does not know the time. */
bool tcp_rate_holds(const struct tcp_loss *l, plait_time now);
void tcp_rate_refresh(struct tcp_loss *l, plait_time now);
plait_time tcp_rate_deadline(const struct tcp_loss *l); /* when held ends; PLAIT_NEVER: it is not */
/* What goes out as one; UINT32_MAX where nothing is paced. */
uint32_t tcp_rate_quantum(const struct tcp_loss *l);
/* An acceptable ACK arrived: moves una, frees records and chunks, marks SACKs, samples the RTT,
 * finds losses, moves cwnd, rearms. */
void tcp_loss_on_ack(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ack_in *in,
                     struct tcp_ack_out *out);
/* Bytes of new or retransmitted payload that congestion control allows now; in recovery PRR's
 * sndcnt; at least one MSS for a forced first retransmission or a pending probe. */
uint32_t tcp_loss_quota(const struct tcp_loss *l, const struct tcp_sndq *q);
/* The next lost run to send again: its first record, or NULL. Lost data goes before new data. */
const struct tcp_rec *tcp_loss_next_lost(const struct tcp_loss *l, const struct tcp_sndq *q);
/* Others wait for what this path carries: half the window, unless it is being reduced already. In
 * slow start ssthresh stays (Raiciu et al., NSDI 2012). */
void tcp_loss_penalise(struct tcp_loss *l);
/* For a while no more than `used` was to be in flight, whatever the window said: what that has
 * beyond it, and beyond what was in flight during the last round trip nevertheless, was not tried
 * and would go out at once. From there on congestion avoidance. */
void tcp_loss_forget(struct tcp_loss *l, uint32_t used, plait_time now);
enum tcp_loss_want { TCP_WANT_NOTHING = 0, TCP_WANT_PROBE };
/* PROBE: a tail loss probe is due. New data of one MSS where there is some and the peer's window
 * takes it, else what tcp_loss_probe() says; in either case sent as TCP_REC_PROBE. */
enum tcp_loss_want tcp_loss_want(const struct tcp_loss *l, const struct tcp_sndq *q);
/* The layer above has learnt that nothing of what is in flight arrived: the probe need not wait for
 * its timer. False: nothing is in flight. */
bool tcp_loss_probe_now(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now);
/* The retransmission that serves as a probe: the last MSS sent. False: nothing was sent. */
bool tcp_loss_probe(const struct tcp_loss *l, const struct tcp_sndq *q, uint32_t *seq,
                    uint32_t *len);
/* A segment with sequence space went out, after tcp_sndq_sent() for all of it. */
void tcp_loss_on_sent(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_sent *sent,
                      plait_time now);
/* New data may be sent soon: after a long idle time cwnd shrinks to the restart window. Where
 * nobody calls it tcp_loss_on_sent() does the same, one segment late. */
void tcp_loss_resume(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now);
/* The timer came: RTO (marks lost, collapses cwnd, backs off), TLP (wants a probe), or reordering.
 * Answers what happened; NONE when it was too early. */
enum tcp_loss_timer tcp_loss_expire(struct tcp_loss *l, struct tcp_sndq *q, plait_time now);
/* One function derives the deadline from the state. */
void tcp_loss_rearm(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now);
/* The path MTU shrank: everything in flight that is larger is lost without a congestion event. */
void tcp_loss_set_mss(struct tcp_loss *l, struct tcp_sndq *q, uint32_t mss);
/* A router dropped the segment that begins at seq for its size: lost without a congestion event. */
void tcp_loss_too_big(struct tcp_loss *l, struct tcp_sndq *q, uint32_t seq);
/* Asserts the invariants (those of the queue apart); true. */
bool tcp_loss_check(const struct tcp_loss *l, const struct tcp_sndq *q);

#endif

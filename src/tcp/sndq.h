/* SPDX-License-Identifier: Apache-2.0 */
/* The send queue of a subflow: chunks (what the connection gave it, by reference) and records
 * (what was sent and is not yet acknowledged: the scoreboard). A chunk is the unit of an MPTCP
 * mapping; a segment never spans two. A record never spans two chunks either; SYN and FIN have
 * records of their own, one sequence number long, without a chunk. */
#ifndef TCP_SNDQ_H
#define TCP_SNDQ_H

#include "../base/ring.h"
#include "../base/seq.h"
#include "flight.h"
#include <plait/types.h>

struct tcp_chunk {
    uint32_t seq;   /* first sequence number */
    uint32_t len;   /* payload bytes; 0 never */
    uint64_t pos;   /* position of the first byte in the connection's stream */
    uint32_t meta;  /* the upper layer's word, kept for it (DSS checksum and flags) */
    bool started;   /* some of it was sent: it may no longer grow */
    uint64_t low;   /* lowest pos from here to the chunk where tcp_flight.low_n ends */
};

enum {
    TCP_REC_SACKED = 1, /* the peer holds it */
    TCP_REC_LOST = 2,   /* deemed lost and not retransmitted since */
    TCP_REC_RTX = 4,    /* sent more than once */
    TCP_REC_SYN = 8, TCP_REC_FIN = 16,
    TCP_REC_PROBE = 32, /* its last transmission was a tail loss probe */
    TCP_REC_MTU = 64,   /* it is larger than the path is known to carry: a probe of the path MTU */
    TCP_REC_APP_LIMITED = 128, /* when it was sent last the application had not filled the path */
};

/* What was so when a record was sent last; see rate.c. Bytes modulo 2^32, microseconds before. */
struct tcp_rec_rate {
    uint32_t delivered, lost; /* until then */
    uint32_t in_flight;       /* with it */
    uint32_t ack_age;         /* since the last delivery, */
    uint32_t send_age;        /* since what was delivered then was sent */
};

struct tcp_rec {
    uint32_t seq, len;   /* sequence space; payload bytes, or 1 for SYN and FIN */
    plait_time sent;     /* last transmission */
    plait_time first_sent;
    uint32_t tsval;      /* timestamp of the last transmission; set by tcp_loss_on_sent() */
    uint16_t flags;      /* TCP_REC_* */
    uint16_t tx_n;       /* transmissions, up to 65535 */
    struct tcp_rec_rate rate; /* set where congestion control goes by rates */
};

/* One retransmission; see tcp_flight.rtx. */
struct tcp_rtx {
    uint32_t seq, end;
    plait_time sent;
};

struct tcp_sndq {
    const struct plait_env *env;
    struct tcp_flight *f; /* tcp_flight_none() while nothing was pushed or sent */
    uint32_t recs_max : 31; /* beyond it records are only split for retransmission */
    bool opened : 1;     /* the SYN was sent: nxt is beyond it */
    uint32_t una, nxt;   /* SND.UNA, SND.NXT (RFC 9293 3.3.1) */
    uint32_t end;        /* sequence number behind the last chunk */
};

/* iss: the first sequence number to be sent (of the SYN). recs_max caps the scoreboard. */
void tcp_sndq_init(struct tcp_sndq *q, const struct plait_env *env, uint32_t iss,
                   uint32_t recs_max);
void tcp_sndq_fini(struct tcp_sndq *q);
/* Data follows the SYN: end = iss + 1. Appends [pos, pos+len). Grows the last chunk where it is
 * contiguous, has the same meta, was not started and stays <= max_chunk bytes; else it makes new
 * ones of up to max_chunk. 0, PLAIT_ENOMEM, PLAIT_ELIMIT, with nothing changed. */
int tcp_sndq_push(struct tcp_sndq *q, uint64_t pos, uint32_t len, uint32_t meta,
                  uint32_t max_chunk);
/* Payload bytes pushed and not yet sent once. */
uint32_t tcp_sndq_unsent(const struct tcp_sndq *q);
/* Bytes in flight: sent, neither acknowledged, SACKed nor deemed lost ("pipe", in sequence space).
 * */
uint32_t tcp_sndq_flight(const struct tcp_sndq *q);
/* The chunk that holds seq; NULL for SYN, FIN or outside. */
struct tcp_chunk *tcp_sndq_chunk_at(const struct tcp_sndq *q, uint32_t seq);
uint32_t tcp_sndq_chunk_n(const struct tcp_sndq *q);
/* So many more find room. */
uint32_t tcp_sndq_chunk_room(const struct tcp_sndq *q);
struct tcp_chunk *tcp_sndq_chunk(const struct tcp_sndq *q, uint32_t i);
/* The lowest stream position that a chunk still refers to; UINT64_MAX when there is none. */
uint64_t tcp_sndq_low_pos(const struct tcp_sndq *q);
/* The record that starts at or contains seq; NULL outside una..nxt. Index for neighbours (may be
 * NULL). */
struct tcp_rec *tcp_sndq_rec_at(const struct tcp_sndq *q, uint32_t seq, uint32_t *index);
/* [seq, seq+len) goes out at now: makes a record for new sequence space (seq = nxt, within one
 * chunk), or marks the records of a retransmission, which ends at nxt at most (a record is split
 * where only part of it is sent again). 0 or PLAIT_ENOMEM/PLAIT_ELIMIT, with nothing changed;
 * ELIMIT for new data alone. kind: 0, TCP_REC_SYN, TCP_REC_FIN, TCP_REC_PROBE, TCP_REC_MTU. */
int tcp_sndq_sent(struct tcp_sndq *q, uint32_t seq, uint32_t len, unsigned kind, plait_time now);
/* It is known what became of this TCP_REC_MTU: from now on it is like any other. */
void tcp_sndq_end_mtu_probe(struct tcp_rec *r);
/* Makes sure that the next tcp_sndq_sent(), of new data or, again, of what was sent before with at
 * most two splits, cannot fail for memory. PLAIT_ENOMEM; PLAIT_ELIMIT when the scoreboard has no
 * room for new data. */
int tcp_sndq_reserve(struct tcp_sndq *q, bool again);
/* Gives back the memory of a flight when nothing is left of it. */
void tcp_sndq_rest(struct tcp_sndq *q);
/* Asserts the invariants; true. Walks over everything. */
bool tcp_sndq_check(const struct tcp_sndq *q);

/* Nothing but the SYN was sent, and nothing pushed: everything is `by` sequence numbers later. */
void tcp_sndq_shift(struct tcp_sndq *q, uint32_t by);

/* ---- for loss recovery alone
 * -------------------------------------------------------------------- */

static inline uint32_t tcp_rec_end(const struct tcp_rec *r) { return r->seq + r->len; }

struct tcp_rec *tcp_sndq_rec(const struct tcp_sndq *q, uint32_t i); /* i < recs.count */
/* A record begins at seq from now on (una <= seq <= nxt). False: no room or memory, or max of the
 * records were made so already. Invalidates pointers and indices of records. */
bool tcp_sndq_cut(struct tcp_sndq *q, uint32_t seq, uint32_t max);
void tcp_sndq_mark_sacked(struct tcp_sndq *q, struct tcp_rec *r);
void tcp_sndq_mark_lost(struct tcp_sndq *q, struct tcp_rec *r); /* not SACKED, not LOST */
/* Everything before ack was acknowledged: frees records and chunks. una <= ack <= nxt. */
void tcp_sndq_ack(struct tcp_sndq *q, uint32_t ack);
void tcp_sndq_clear_lost(struct tcp_sndq *q);   /* what was deemed lost is in flight after all */
void tcp_sndq_clear_sacked(struct tcp_sndq *q); /* the peer reneged */
/* Joins neighbours that are both SACKED or both LOST, to make room. */
void tcp_sndq_compact(struct tcp_sndq *q);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The send queue of a subflow: chunks (what the connection gave it, by reference) and records (what was
 * sent and is not yet acknowledged: the scoreboard). A chunk is the unit of an MPTCP mapping; a segment
 * never spans two. A record never spans two chunks either; SYN and FIN have records of their own, one
 * sequence number long, without a chunk. */
#ifndef TCP_SNDQ_H
#define TCP_SNDQ_H

#include "../base/ring.h"
#include "../base/seq.h"
#include <plait/types.h>

struct tcp_chunk {
    uint32_t seq;   /* first sequence number */
    uint32_t len;   /* payload bytes; 0 never */
    uint64_t pos;   /* position of the first byte in the connection's stream */
    uint32_t meta;  /* the upper layer's word, kept for it (DSS checksum and flags) */
    bool started;   /* some of it was sent: it may no longer grow */
};

enum {
    TCP_REC_SACKED = 1, /* the peer holds it */
    TCP_REC_LOST = 2,   /* deemed lost and not retransmitted since */
    TCP_REC_RTX = 4,    /* sent more than once */
    TCP_REC_SYN = 8, TCP_REC_FIN = 16,
    TCP_REC_PROBE = 32, /* its last transmission was a tail loss probe */
};

struct tcp_rec {
    uint32_t seq, len;   /* sequence space; payload bytes, or 1 for SYN and FIN */
    plait_time sent;     /* last transmission */
    plait_time first_sent;
    uint16_t flags;      /* TCP_REC_* */
    uint16_t tx_n;       /* transmissions */
};

struct tcp_sndq {
    struct ring chunks;  /* struct tcp_chunk, by seq, from the first not wholly acknowledged */
    struct ring recs;    /* struct tcp_rec, by seq, contiguous from una to nxt */
    uint32_t una, nxt;   /* SND.UNA, SND.NXT (RFC 9293 3.3.1) */
    uint32_t end;        /* sequence number behind the last chunk */
    uint32_t sacked, lost; /* bytes of records with that flag */
    uint32_t highest_sack; /* highest sequence number SACKed, una when none */
};

/* iss: the first sequence number to be sent (of the SYN). recs_max caps the scoreboard. */
void tcp_sndq_init(struct tcp_sndq *q, const struct plait_env *env, uint32_t iss, uint32_t recs_max);
void tcp_sndq_fini(struct tcp_sndq *q);
/* Data follows the SYN: end = iss + 1. Appends [pos, pos+len). Grows the last chunk where it is contiguous, has
 * the same meta, was not started and stays <= max_chunk bytes. 0, PLAIT_ENOMEM, PLAIT_ELIMIT. */
int tcp_sndq_push(struct tcp_sndq *q, uint64_t pos, uint32_t len, uint32_t meta, uint32_t max_chunk);
uint32_t tcp_sndq_unsent(const struct tcp_sndq *q);  /* payload bytes pushed and not yet sent once */
/* Bytes in flight: sent, neither acknowledged, SACKed nor deemed lost ("pipe", in sequence space). */
uint32_t tcp_sndq_flight(const struct tcp_sndq *q);
/* The chunk that holds seq; NULL for SYN, FIN or outside. */
struct tcp_chunk *tcp_sndq_chunk_at(const struct tcp_sndq *q, uint32_t seq);
uint32_t tcp_sndq_chunk_n(const struct tcp_sndq *q);
struct tcp_chunk *tcp_sndq_chunk(const struct tcp_sndq *q, uint32_t i);
/* The lowest stream position that a chunk still refers to; UINT64_MAX when there is none. */
uint64_t tcp_sndq_low_pos(const struct tcp_sndq *q);
/* The record that starts at or contains seq; NULL outside una..nxt. Index for neighbours. */
struct tcp_rec *tcp_sndq_rec_at(const struct tcp_sndq *q, uint32_t seq, uint32_t *index);
/* [seq, seq+len) goes out at now: makes a record for new sequence space (splitting what is needed), or marks
 * the records of a retransmission (a record is split where only part of it is sent again). 0 or PLAIT_ENOMEM/
 * PLAIT_ELIMIT, with nothing changed. kind: 0, TCP_REC_SYN, TCP_REC_FIN, TCP_REC_PROBE. */
int tcp_sndq_sent(struct tcp_sndq *q, uint32_t seq, uint32_t len, unsigned kind, plait_time now);
/* Makes sure that the next tcp_sndq_sent() of at most two splits cannot fail. */
int tcp_sndq_reserve(struct tcp_sndq *q);
bool tcp_sndq_check(const struct tcp_sndq *q);

#endif

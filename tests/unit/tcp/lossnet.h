/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of loss recovery: a sender (send queue and loss recovery without a tcb), to which a
 * test plays the peer by hand, or a perfect receiver behind a network that loses, reorders and
 * doubles, in virtual time. The invariants are checked after every step. */
#ifndef TESTS_TCP_LOSSNET_H
#define TESTS_TCP_LOSSNET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/loss_int.h"

/* ---- by hand: segments of 1000 bytes, sequence numbers relative to the first byte of data
 * ---------- */

enum { RIG_MSS = 1000 };

struct rig {
    struct plait_env env;
    struct tcp_sndq q;
    struct tcp_loss l;
    plait_time now;
    uint32_t base;       /* sequence number of the first byte of data */
    bool ts;             /* timestamps, in milliseconds of now */
    uint32_t tsecr;      /* what the next ACK echoes */
    struct tcp_ack_out out; /* of the last ACK */
    struct wire_seg seg; /* template of ACKs: further options, payload length */
    int64_t fail_in;     /* allocations until all fail; < 0 never */
};

/* A sender whose SYN was acknowledged after rtt; cwnd is set, congestion avoidance is far away. The
 * time is 1 s. */
void rig_open(struct rig *r, const struct cc_ops *cc, plait_time rtt, uint32_t cwnd);
void rig_close(struct rig *r);
/* Pushes and sends n segments of new data, each a record of its own; or one record of n segments.
 * */
void rig_send(struct rig *r, uint32_t n);
void rig_send_super(struct rig *r, uint32_t n);
void rig_push(struct rig *r, uint32_t n); /* pushes only */
/* Retransmits [lo, hi) in segments. */
void rig_rtx(struct rig *r, uint32_t lo, uint32_t hi);
/* An ACK up to segment number ack, with SACK blocks of segments [lo, hi), lo = hi ends the list. */
void rig_ack(struct rig *r, uint32_t ack, uint32_t lo1, uint32_t hi1);
struct rig_blocks { uint32_t n, lo[4], hi[4]; };
void rig_ack_blocks(struct rig *r, uint32_t ack, const struct rig_blocks *b);
/* The same with one block, of bytes [lo, hi). */
void rig_ack_bytes(struct rig *r, uint32_t ack, uint32_t lo, uint32_t hi);
/* Sends what is lost and, behind it, new data, as the quota allows; answers segments sent. */
uint32_t rig_pump(struct rig *r);
/* The timer comes. */
enum tcp_loss_timer rig_expire(struct rig *r);
/* Flags of the record of segment n. */
unsigned rig_flags(struct rig *r, uint32_t n);

/* ---- a network
 * -------------------------------------------------------------------------------------- */

struct net_setup {
    uint64_t seed;
    uint64_t bytes;        /* to be delivered, and a FIN */
    uint32_t mss, super;   /* bytes of a packet; packets of a record at most */
    uint32_t recs_max;
    plait_time delay, jitter; /* one way; jitter: up to so much more, which reorders */
    unsigned loss, ack_loss, dup; /* per thousand */
    plait_time dead_from, dead_until; /* all is lost in between */
    bool ts, dsack, sack;
    unsigned blocks;       /* SACK blocks in an ACK at most */
    const struct cc_ops *cc;
    bool no_memory;        /* every fourth allocation fails */
    bool renege;           /* the receiver forgets what is out of order, now and then */
};

struct net_result {
    bool done;
    plait_time took;
    uint64_t sent, packets, spurious_packets; /* bytes, packets, packets that were there already */
    uint32_t rto_n;
    uint32_t undone;
};

struct net_result net_run(const struct net_setup *setup);

#endif

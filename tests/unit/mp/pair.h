/* SPDX-License-Identifier: Apache-2.0 */
/* Two MPTCP connections that talk to each other over paths with delay, rate, queue, loss,
 * reordering and duplication, in virtual time. Packets are bytes: each goes through emit and
 * parse. A side has up to four addresses; path i joins address i of side 0 (the client) to all of
 * side 1. What the stack does for a connection is done here in the simplest way. Everything
 * follows from the seed. */
#ifndef PAIR_H
#define PAIR_H

#include "mp/mp_int.h"

enum { PAIR_ADDRS = 4, PAIR_SUBS = 64, PAIR_HALVES = 16, PAIR_PACKETS = 20000 };

struct pair_path {
    plait_time delay;
    uint64_t rate;        /* bytes per second, 0: no limit */
    uint32_t queue;       /* bytes that may wait for the rate, each way */
    uint32_t loss_ppm, dup_ppm, reorder_ppm;
    bool down;
    plait_time busy[2];   /* until when the line is in use, each way */
    uint64_t bytes[2];    /* payload carried, each way */
    uint64_t payload[2];  /* payload offered, each way */
};

struct pair_packet {
    uint8_t *bytes;
    uint32_t len;
    plait_time at;
    uint64_t order;       /* ties go by birth */
    int to;
    unsigned path;
};

struct pair_half {
    bool used, due, join;
    struct tcp_half tcp;
    struct mp_half mp;
};

struct pair_side {
    struct base_ctx ctx;
    struct plait_env env;
    struct mp_locals locals;
    struct mp_config cfg;
    struct mp_conn *conn;
    struct mp_subflow *sub[PAIR_SUBS];
    unsigned sub_n;
    struct pair_half half[PAIR_HALVES];
    bool listens, has_conn;
    /* the application */
    uint64_t to_write, written, read, read_limit;
    uint8_t pattern;      /* tells the two streams apart */
    bool shut, eof, closed, released, keep_open, paused, full;
    unsigned news;
    bool bad;             /* a byte was wrong */
    plait_time last_read; /* when data came last */
    plait_time longest_gap;
};

struct pair {
    struct pair_side side[2];
    struct pair_path path[PAIR_ADDRS];
    unsigned paths;
    plait_time now;
    uint64_t seed, dice, order, steps;
    struct pair_packet *packet;
    unsigned packet_n;
    uint64_t live;        /* allocations */
    int64_t fail_in;      /* allocations until one fails; < 0: never */
    size_t refuse;        /* allocations of exactly so many bytes fail; 0: none */
    uint64_t refused;     /* as many did */
    void *(*slab_alloc)(void *ctx, size_t size);
    bool super;           /* hand super-segments over whole */
    uint32_t gso_max;
    /* Sees each parsed segment before it is delivered and may change it; false: drop it. */
    bool (*hook)(struct pair *p, int to, struct wire_seg *seg);
    void *hook_data;
    uint64_t seen;        /* segments delivered */
};

/* One address and path for each side to start with; see cfg for what may be changed before
 * pair_start(). */
void pair_init(struct pair *p, uint64_t seed, unsigned paths);
void pair_connect(struct pair *p);
/* Runs until `until`, or nothing is left to happen. */
void pair_run(struct pair *p, plait_time until);
/* Runs until both sides are closed and empty, at most so long; true if they are. */
bool pair_finish(struct pair *p, plait_time within);
/* Frees everything and checks that nothing is left. */
void pair_fini(struct pair *p);

uint64_t pair_roll(struct pair *p, uint64_t n);
struct plait_addr pair_addr(int side, unsigned i, uint16_t port);
/* Gives address i of a side to its table, with these flags. */
void pair_local(struct pair *p, int side, unsigned i, uint8_t flags);
/* Both sides write so many bytes and shut down. */
void pair_transfer(struct pair *p, uint64_t up, uint64_t down);
unsigned pair_open_n(struct pair *p, int side); /* subflows that are OPEN */
struct mp_subflow *pair_sub(struct pair *p, int side, uint8_t id);
uint64_t pair_count(struct pair *p, int side, enum plait_reason why);
/* Everything arrived, nothing else. */
void pair_expect_all(struct pair *p, uint64_t up, uint64_t down);
/* Both sides, which were kept open, close without a hook in the way; then the two above. */
void pair_wind_up(struct pair *p, uint64_t up, uint64_t down);

#endif

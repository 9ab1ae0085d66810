/* SPDX-License-Identifier: Apache-2.0 */
/* Two bare stacks, the one under test and its peer, with counted memory and nothing between them:
 * a packet that one says is carried to the other or dropped, and takes 10 microseconds. All
 * invariants are checked after each step. Time moves when the target says so. */
#ifndef RIG_H
#define RIG_H

#include "fuzz.h"

#include "stack/stack_int.h"

enum { RIG_TESTED = 0, RIG_PEER = 1, RIG_ADDRS = 3, RIG_PORT = 5001, RIG_CONNS = 16 };

struct rig;
struct rig_side {
    struct rig *rig;
    struct plait_env env;
    struct plait_stack *stack;
    struct plait_listener *listener;
    struct plait_conn *conn[RIG_CONNS]; /* those that the application holds */
    unsigned conn_n;
    uint64_t live;  /* allocations given out and not back */
    int32_t fail_in; /* allocations until all fail; -1: memory never ends */
    uint64_t dice;
};

struct rig {
    plait_time now;
    uint32_t packets; /* carried or dropped */
    struct rig_side side[2];
};

/* The address number i of a side; port 0. */
struct plait_addr rig_addr(unsigned side, unsigned i);
/* Both stacks with n addresses each; both listen. */
void rig_init(struct rig *r, const struct plait_config cfg[2], unsigned n);
/* Lets go of everything, expects both stacks to come to rest and no memory to be left. */
void rig_fini(struct rig *r);

/* From a side's first address to the other's; NULL: refused. */
struct plait_conn *rig_connect(struct rig *r, unsigned side);
/* A packet for a side, in memory of the stack (as a driver would) or borrowed. */
void rig_input(struct rig_side *s, const uint8_t *bytes, uint32_t len, bool borrowed);
/* Carries what both say until both are silent, at most so many packets; drop: bit 1 << side loses
 * what that side says. */
void rig_exchange(struct rig *r, unsigned packets, unsigned drop);
/* Time passes, with its deadlines and all that is said meanwhile. */
void rig_wait(struct rig *r, plait_time time, unsigned drop);
/* Takes the news: accepts what there is to accept. */
void rig_events(struct rig_side *s);
/* The application lets go of its connection number i. */
void rig_release(struct rig_side *s, unsigned i, bool abort);

#endif

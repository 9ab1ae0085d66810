/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the stack share: stacks with counted memory, hand-made segments, and a network
 * that carries everything at once. */
#ifndef KIT_H
#define KIT_H

#include "stack/stack_int.h"
#include "unit/base/cm.h"
#include "wire/wire.h"

struct kit {
    struct plait_env env;
    struct plait_stack *stack;
    struct plait_addr addr; /* 10.0.0.host, port 0, id 1 */
    uint64_t live;          /* allocations given out and not back */
    uint64_t bytes, peak;   /* of them, and the most there ever was */
    int64_t fail_in;        /* -1: memory never ends */
    uint64_t dice;
    uint64_t drops; /* PLAIT_TRACE_DROP seen */
    plait_time now;
};

/* A stack on 10.0.0.host with invariants checked. config NULL: defaults. */
void kit_init(struct kit *k, uint8_t host, const struct plait_config *config);
/* Frees the stack and expects no memory to be left. */
void kit_fini(struct kit *k);

struct plait_addr kit_addr(uint8_t host, uint16_t port);
struct plait_listener *kit_listen(struct kit *k, uint16_t port);

/* A segment from `from` to `to`: change its fields, then give it to kit_input(). */
struct kit_seg {
    struct plait_addr src, dst;
    uint32_t seq, ack;
    uint8_t flags;
    struct wire_tcpopts opt;
    struct wire_mp mp;
    const void *data;
    uint32_t len;
};
enum plait_reason kit_input(struct kit *k, const struct kit_seg *seg);
/* The same as bytes, to be bent before kit_give(); their number. */
size_t kit_bytes(const struct kit_seg *seg, uint8_t *packet, size_t size);
struct kit_seg kit_syn(const struct plait_addr *from, const struct plait_addr *to);
/* The next packet that the stack sends, committed and parsed; false: it has nothing to say. Payload
 * points into a buffer that the next call overwrites. */
bool kit_output(struct kit *k, struct wire_packet *out);
void kit_expect_silence(struct kit *k);

/* The same as bytes, its length, 0: nothing; and bytes as a packet that arrives. */
size_t kit_take(struct kit *k, uint8_t *packet, size_t size);
enum plait_reason kit_give(struct kit *k, const uint8_t *bytes, size_t len);

/* Everything that either says reaches the other, until both are silent. */
void kit_exchange(struct kit *a, struct kit *b);
/* Time passes for both, with all deadlines and packets in it. */
void kit_wait(struct kit *a, struct kit *b, plait_time time);
/* A connection from a to b's listener, accepted. */
struct kit_pair {
    struct plait_conn *a, *b;
};
struct kit_pair kit_connect(struct kit *a, struct kit *b, struct plait_listener *l);
/* Whether this event of this connection is among those that wait; takes all. */
bool kit_event(struct kit *k, const struct plait_conn *c, enum plait_event_type type);

#endif

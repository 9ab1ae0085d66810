/* SPDX-License-Identifier: Apache-2.0 */
/* Two tcbs and a wire between them, in virtual time, for tests: no bytes of headers, only what
 * the parser would hand up. Payload is a pattern of its position, so a lost, doubled or swapped
 * byte shows. tcp_check() runs after every step; what leaves is checked against the rules for
 * senders. */
#ifndef TESTS_TCP_PAIR_H
#define TESTS_TCP_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/internal.h"

struct pair_packet {
    struct wire_seg seg;
    uint8_t *bytes; /* the payload, owned */
    int to;         /* index of the end it goes to */
    plait_time at;
    uint64_t serial; /* counts from 0 in the order of leaving */
};

struct pair_end {
    struct tcb t;
    struct tcp_config cfg; /* of t */
    bool alive;             /* t was initialised */
    uint64_t want, pushed;  /* bytes that the application wrote, and gave to tcp_push() */
    uint64_t got;           /* bytes that came in order and were right */
    uint32_t unread, rcvbuf;
    bool reading;           /* the application reads at once */
    bool ahead;             /* push although the window is closed */
    bool close_wanted, close_done;
    bool established, fin, reset, closed;
    uint32_t edge;          /* right edge that was offered on the wire */
    bool edge_valid;
    uint64_t out_n, in_n;   /* packets */
    uint32_t last_wnd;      /* bytes offered last */
    struct tcp_result last;
};

struct pair {
    struct plait_env env;
    long live, allocs, fail_in; /* fail_in < 0: memory never ends */
    uint64_t dice;
    struct base_ctx ctx;
    struct tcp_config cfg;
    struct pair_end end[2];
    struct tcp_half half;
    bool has_half, listening;
    bool cut;               /* super-segments are cut before they travel */
    bool blocks;            /* packets come in blocks of the pool */
    plait_time now, delay;
    uint64_t serial;
    struct pair_packet queue[4096];
    unsigned queue_n;
    /* How many copies of a packet arrive (1: normal), and how much later. NULL: one, at once. */
    unsigned (*fate)(struct pair *p, const struct pair_packet *pk, plait_time *late);
    uint64_t fate_arg;
    uint32_t trace_last_state;
    unsigned traces;
};

uint8_t pair_pattern(int from, uint64_t pos);
uint64_t pair_roll(struct pair *p, uint64_t n);

/* Two ends that were initialised; 0 connects, 1 listens. Change p->cfg before pair_open(). */
void pair_init(struct pair *p);
void pair_fini(struct pair *p); /* everything must be free */
void pair_tcb(struct pair *p, int i);           /* initialises one end alone */
void pair_connect(struct pair *p, int i);
void pair_open(struct pair *p);                 /* both, and the handshake done */
void pair_flush(struct pair *p);                /* everything that wants to leave does so */
bool pair_step(struct pair *p);                 /* the next event; false: there is none */
void pair_run(struct pair *p, plait_time until); /* events up to this moment, which then is now */
void pair_settle(struct pair *p);               /* until nothing travels (timers may run) */
void pair_drop_all(struct pair *p);             /* what travels is lost */

void pair_write(struct pair *p, int i, uint64_t n);
void pair_read(struct pair *p, int i);          /* the application reads what there is */

/* An empty ACK as the peer of this tcb would send it now. */
struct wire_seg pair_next(const struct tcb *t, plait_time now);
/* Hands it to an end, whose answer is not sent. */
struct tcp_result pair_input(struct pair *p, int i, struct wire_seg *seg);
uint64_t pair_count(const struct pair *p, enum plait_reason reason);

/* Test fixtures: an opened pair in *state. */
int pair_setup(void **state);
int pair_teardown(void **state);

#endif

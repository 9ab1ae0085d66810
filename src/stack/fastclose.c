/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that were closed fast, remembered for a while: whoever still sends on one of their
 * subflows hears it again. Called by output.c for each RST with MP_FASTCLOSE that goes out, and for
 * each RST that answers a segment of nobody's.
 *
 * The RSTs of a fast close are sent once. One that is lost, or that overtakes data and so misses
 * RCV.NXT, is answered by data or by a challenge ACK (RFC 5961 3.2). A bare RST in return would end
 * that subflow alone, and the peer's connection would wait without subflows for others to come.
 *
 * Invariants: a place that is taken has a remote address; the oldest is overwritten first. */
#include "stack_int.h"

#define REMEMBERED (60 * PLAIT_SEC) /* longer than any RTO of the peer's */

void stack_fastclose_sent(struct plait_stack *s, const struct tcb *t, uint64_t key, plait_time now)
{
    s->fastclosed[s->fastclosed_next++ % STACK_FASTCLOSED_MAX] = (struct stack_fastclosed){
        .local = t->local, .remote = t->remote, .key = key, .until = now + REMEMBERED};
}

/* A SYN begins something else. */
void stack_fastclose_again(const struct plait_stack *s, const struct wire_seg *seg,
                           struct wire_mp *mp)
{
    for (unsigned i = 0; i < STACK_FASTCLOSED_MAX && (seg->flags & WIRE_SYN) == 0; i++) {
        const struct stack_fastclosed *f = &s->fastclosed[i];
        if (s->now < f->until && addr_equal(&f->remote, &seg->src) &&
            addr_equal(&f->local, &seg->dst)) {
            mp->present |= 1u << WIRE_MP_FASTCLOSE;
            mp->fastclose_key = f->key;
            return;
        }
    }
}

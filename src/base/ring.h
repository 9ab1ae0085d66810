/* SPDX-License-Identifier: Apache-2.0 */
/* A double-ended queue of fixed-size elements in one growable power-of-two array with a cap.
 * Indices count from the front. Pointers are valid until the next change. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <plait/types.h>

enum { RING_ELEM = 0xff, RING_MAX = 0xffffff }; /* bytes of an element, and elements, at most */

struct ring {
    const struct plait_env *env;
    uint8_t *v;
    uint32_t elem : 8;        /* bytes of an element */
    uint32_t max : 24;        /* slots allowed, */
    uint32_t cap;             /* and allocated: a power of two, or 0 */
    uint32_t first, count;
};

void ring_init(struct ring *r, const struct plait_env *env, uint32_t elem, uint32_t max);
void ring_fini(struct ring *r);
/* Makes room for n more, or for as many as max allows: they cannot fail for memory. False: none. */
bool ring_reserve(struct ring *r, uint32_t n);
/* A new zeroed last element; NULL: cap or memory. */
void *ring_push(struct ring *r);
/* A new zeroed element before index at; NULL likewise. */
void *ring_insert(struct ring *r, uint32_t at);
void *ring_at(const struct ring *r, uint32_t i); /* i < count */
/* Drops n from the front; frees the array when empty. */
void ring_pop(struct ring *r, uint32_t n);
void ring_truncate(struct ring *r, uint32_t n); /* keeps the first n */

#endif

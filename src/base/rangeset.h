/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted set of disjoint, non-adjacent ranges [lo, hi) of 64-bit positions in growable storage
 * with a cap. One range always finds room. */
#ifndef BASE_RANGESET_H
#define BASE_RANGESET_H

#include <plait/types.h>

struct range { uint64_t lo, hi; };

struct rangeset {
    const struct plait_env *env;
    struct range *v;      /* &one, or allocated: the set must stay where it is */
    struct range one;
    uint32_t n, cap, max; /* used, allocated, allowed */
};

void rangeset_init(struct rangeset *s, const struct plait_env *env, uint32_t max);
void rangeset_fini(struct rangeset *s);
/* 0, or PLAIT_ENOMEM / PLAIT_ELIMIT (set unchanged). */
int rangeset_add(struct rangeset *s, uint64_t lo, uint64_t hi);
int rangeset_del(struct rangeset *s, uint64_t lo, uint64_t hi); /* may split: may fail likewise */
bool rangeset_has(const struct rangeset *s, uint64_t pos);
bool rangeset_covers(const struct rangeset *s, uint64_t lo, uint64_t hi);
uint64_t rangeset_bytes(const struct rangeset *s);
void rangeset_cut_below(struct rangeset *s, uint64_t pos); /* never fails */
bool rangeset_check(const struct rangeset *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHED_BLEST_H
#define SCHED_BLEST_H

#include "rank.h"

enum { SCHED_BLEST_ONE = 1000 }; /* the scale of delta */

/* Bytes that the fast path would send in a round trip of the slow one: X of the paper. */
uint64_t sched_blest_estimate(const struct sched_rivals *r);
/* Would the slow path's packet leave too little of the window for that? */
bool sched_blest_waits(const struct sched_rivals *r, uint64_t window, uint32_t delta);

#endif

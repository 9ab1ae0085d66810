/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of "earliest completion first", for those who use it too. */
#ifndef SCHED_ECF_H
#define SCHED_ECF_H

#include "rank.h"

/* Better wait for the fast one? waiting: bytes that nobody was given yet; *waited is the rule's
 * hysteresis. */
bool sched_ecf_waits(const struct sched_rivals *r, uint64_t waiting, bool *waited);
int sched_ecf_pick(union sched_state *state, const struct sched_view *view);

#endif

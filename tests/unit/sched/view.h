/* SPDX-License-Identifier: Apache-2.0 */
/* A view to fill in, for the tests of schedulers. */
#ifndef SCHED_TEST_VIEW_H
#define SCHED_TEST_VIEW_H

#include "cm.h"
#include "sched/rank.h"

enum { MSS = 1460 };
#define MS PLAIT_MSEC

extern struct sched_view view;
extern union sched_state state_of_it;
extern uint64_t own[SCHED_PATHS_MAX];

/* Forgets everything: n usable paths in the order of their ids, RTTs 10 ms apart,
 * windows of ten packets, room for one. */
void view_reset(unsigned n);
/* The path's numbers in packets. */
void view_path(unsigned i, uint32_t cwnd, plait_time srtt, uint32_t inflight, plait_time rttvar);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How long requests took: a histogram with 64 steps in each power of two, so that a percentile is
 * exact to 1.6 % and the memory does not grow. */
#ifndef TOOLS_PERF_LATENCY_H
#define TOOLS_PERF_LATENCY_H

#include <plait/types.h>

enum { PERF_LATENCY_STEPS = 64, PERF_LATENCY_BINS = 36 * PERF_LATENCY_STEPS };

/* All zero is an empty one. */
struct perf_latency {
    uint64_t n;
    plait_time max;
    uint64_t bin[PERF_LATENCY_BINS];
};

void perf_latency_add(struct perf_latency *l, plait_time time);
/* Adds all of another one. */
void perf_latency_merge(struct perf_latency *l, const struct perf_latency *other);
/* The least time that so many of 1000 requests did not exceed; 0 without any. */
plait_time perf_latency_at(const struct perf_latency *l, unsigned permille);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The histogram of `plait perf --rr`. Times below 128 microseconds have a bin each; above, the
 * seven highest bits of a time choose its bin. */
#include "perf_latency.h"

static unsigned bits_above(plait_time time)
{
    unsigned n = 0;

    while (time >> n >= 2 * PERF_LATENCY_STEPS)
        n++;
    return n;
}

static size_t bin_of(plait_time time)
{
    unsigned shift = bits_above(time);
    size_t bin = (size_t)shift * PERF_LATENCY_STEPS + (size_t)(time >> shift);

    return bin < PERF_LATENCY_BINS ? bin : PERF_LATENCY_BINS - 1;
}

/* The largest time that falls into the bin. */
static plait_time top_of(size_t bin)
{
    size_t shift = bin < 2 * PERF_LATENCY_STEPS ? 0 : bin / PERF_LATENCY_STEPS - 1;
    plait_time first = bin - shift * PERF_LATENCY_STEPS;

    return ((first + 1) << shift) - 1;
}

void perf_latency_add(struct perf_latency *l, plait_time time)
{
    l->n++;
    l->bin[bin_of(time)]++;
    if (time > l->max)
        l->max = time;
}

void perf_latency_merge(struct perf_latency *l, const struct perf_latency *other)
{
    l->n += other->n;
    for (size_t i = 0; i < PERF_LATENCY_BINS && other->n > 0; i++)
        l->bin[i] += other->bin[i];
    if (other->max > l->max)
        l->max = other->max;
}

plait_time perf_latency_at(const struct perf_latency *l, unsigned permille)
{
    uint64_t rank = (l->n * permille + 999) / 1000, below = 0;

    for (size_t i = 0; i < PERF_LATENCY_BINS && l->n > 0; i++) {
        below += l->bin[i];
        if (below >= rank && below > 0)
            return top_of(i) < l->max ? top_of(i) : l->max;
    }
    return l->max;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What schedulers have in common: which paths come into question, and which one is fast. */
#ifndef SCHED_RANK_H
#define SCHED_RANK_H

#include "sched.h"

/* Better is lower. A path that carries these very bytes already is the last resort for them. */
enum sched_rank {
    SCHED_RANK_GOOD, SCHED_RANK_BACKUP, SCHED_RANK_CARRIED, SCHED_RANK_STALE,
    SCHED_RANK_STALE_CARRIED, SCHED_RANK_NONE
};
PLUGIN_API enum sched_rank sched_rank(const struct sched_path *p, bool reinject);
/* The best that any path has for new data (or, reinject, for these bytes), with room or without. */
PLUGIN_API enum sched_rank sched_rank_best(const struct sched_view *view, bool reinject);

/* Of the best rank: the one with the lowest RTT that has room; SCHED_WAIT where none has. */
PLUGIN_API int sched_lowest_rtt(const struct sched_view *view);

/* New data would go to a path that is not the fastest of its rank, because that one is full: so
 * there is something to wait for. */
struct sched_rivals { const struct sched_path *fast, *slow; };
PLUGIN_API bool sched_rivals(const struct sched_view *view, int picked, struct sched_rivals *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Everything on every path: the throughput of the best one, and for each byte the time of the one
 * that was first with it.
 *
 * New data goes to the path with the lowest RTT that has room. Each other path of that rank carries
 * what was given and is not DATA_ACKed yet, from where it stands itself: a path that cannot keep up
 * leaves out what has arrived by another one meanwhile. */
#include "rank.h"

static int pick(union sched_state *state, const struct sched_view *view)
{
    (void)state;
    return sched_lowest_rtt(view);
}

static uint64_t copies(const struct sched_view *view, unsigned path)
{
    return sched_rank(&view->path[path], false) == sched_rank_best(view, false) ? view->out : 0;
}

const struct sched_ops sched_redundant_ops = {
    .name = "redundant", .pick = pick, .copies = copies, .forgets = true,
    .what = "everything on every path",
};

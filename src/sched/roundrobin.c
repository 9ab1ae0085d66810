/* SPDX-License-Identifier: Apache-2.0 */
/* One packet on each path in turn, as the out-of-tree Linux scheduler with num_segments = 1 and
 * cwnd_limited = 1 (mptcp_rr.c).
 *
 * A path's own word is its quota: how many packets it had in this round. The round ends when each
 * path with room has had one. A bulk transfer is shared by what the windows let go all the same;
 * what is even is the share of data that the windows do not hold back. */
#include "rank.h"

static int pick(union sched_state *state, const struct sched_view *view)
{
    enum sched_rank rank = sched_rank_best(view, view->reinject);
    int best = SCHED_WAIT;

    (void)state;
    for (unsigned i = 0; i < view->n && rank != SCHED_RANK_NONE; i++) {
        const struct sched_path *p = &view->path[i], *b = best >= 0 ? &view->path[best] : p;
        if (sched_rank(p, view->reinject) != rank || p->room == 0)
            continue;
        if (best == SCHED_WAIT || *p->own < *b->own || (*p->own == *b->own && p->id < b->id))
            best = (int)i;
    }
    /* They all have had theirs. */
    if (best != SCHED_WAIT && *view->path[best].own > 0)
        for (unsigned i = 0; i < view->n; i++)
            *view->path[i].own = 0;
    return best;
}

static void given(union sched_state *state, const struct sched_view *view, unsigned path,
                  uint32_t len)
{
    const struct sched_path *p = &view->path[path];

    (void)state;
    *p->own += (len + p->mss - 1) / p->mss;
}

const struct sched_ops sched_roundrobin_ops = {
    .name = "roundrobin", .pick = pick, .given = given, .opportune = true, .single = true,
    .forgets = true,
    .what = "one packet on each path in turn",
};

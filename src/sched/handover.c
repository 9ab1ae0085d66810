/* SPDX-License-Identifier: Apache-2.0 */
/* One path at a time, and the next one when it seems dead.
 *
 * The first choice is the lowest round-trip time; then the path stays what it is, also when others
 * become faster or come back, until it is stale or gone, or is spare while another is not. word[0]
 * is its id plus one. */
#include "rank.h"

static int current(const union sched_state *state, const struct sched_view *view)
{
    for (unsigned i = 0; i < view->n; i++)
        if (view->path[i].id + 1u == state->word[0])
            return (int)i;
    return SCHED_WAIT;
}

/* Whether it has room or not. */
static int fastest(const struct sched_view *view, enum sched_rank rank)
{
    int best = SCHED_WAIT;

    for (unsigned i = 0; i < view->n; i++) {
        const struct sched_path *p = &view->path[i], *b = best >= 0 ? &view->path[best] : NULL;
        if (rank == SCHED_RANK_NONE || sched_rank(p, false) != rank)
            continue;
        if (b == NULL || (p->srtt > 0 && (b->srtt == 0 || p->srtt < b->srtt)))
            best = (int)i;
    }
    return best;
}

static int pick(union sched_state *state, const struct sched_view *view)
{
    /* That the path carried the bytes before is no reason to leave it. */
    enum sched_rank best = sched_rank_best(view, false);
    int i = current(state, view);

    if (i == SCHED_WAIT || sched_rank(&view->path[i], false) != best) {
        i = fastest(view, best);
        state->word[0] = i == SCHED_WAIT ? 0 : view->path[i].id + 1u;
    }
    return i != SCHED_WAIT && view->path[i].room > 0 ? i : SCHED_WAIT;
}

const struct sched_ops sched_handover_ops = {
    .name = "handover", .pick = pick,
    .what = "one path at a time, the next when it seems dead",
};

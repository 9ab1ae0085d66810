/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks of paths. Called by the schedulers.
 *
 * Paths fall into ranks, and a lower rank is used only where no path of a better one exists,
 * whether or not that has room now: a spare path is not for overflow, and a path that seems dead
 * not for data that somebody waits for. RFC 8684 3.3.8. */
#include "rank.h"

/*= RFC 8684 3.3.8
 * a subflow where the receiver has indicated that B=1 SHOULD NOT be used to send data unless there
 * are no usable subflows where B=0 */
enum sched_rank sched_rank(const struct sched_path *p, bool reinject)
{
    bool carried = reinject && p->carried;

    if (!p->usable)
        return SCHED_RANK_NONE;
    if (p->stale)
        return carried ? SCHED_RANK_STALE_CARRIED : SCHED_RANK_STALE;
    if (carried)
        return SCHED_RANK_CARRIED;
    return p->backup ? SCHED_RANK_BACKUP : SCHED_RANK_GOOD;
}

enum sched_rank sched_rank_best(const struct sched_view *view, bool reinject)
{
    enum sched_rank best = SCHED_RANK_NONE;

    for (unsigned i = 0; i < view->n; i++) {
        enum sched_rank rank = sched_rank(&view->path[i], reinject);
        best = rank < best ? rank : best;
    }
    return best;
}

static plait_time rtt_of(const struct sched_path *p)
{
    return p->srtt > 0 ? p->srtt : PLAIT_NEVER;
}

int sched_lowest_rtt(const struct sched_view *view)
{
    enum sched_rank best_rank = SCHED_RANK_NONE;
    int best = SCHED_WAIT;

    for (unsigned i = 0; i < view->n; i++) {
        const struct sched_path *p = &view->path[i];
        enum sched_rank rank = sched_rank(p, view->reinject);

        if (rank < best_rank) {
            best_rank = rank;
            best = SCHED_WAIT;
        }
        if (rank == SCHED_RANK_NONE || rank != best_rank || p->room == 0)
            continue;
        if (best == SCHED_WAIT || rtt_of(p) < rtt_of(&view->path[best]))
            best = (int)i;
    }
    return best;
}

bool sched_rivals(const struct sched_view *view, int picked, struct sched_rivals *out)
{
    enum sched_rank rank;

    if (view->reinject || picked == SCHED_WAIT)
        return false;
    *out = (struct sched_rivals){ &view->path[picked], &view->path[picked] };
    rank = sched_rank(out->slow, false);
    for (unsigned i = 0; i < view->n; i++)
        if (sched_rank(&view->path[i], false) == rank &&
            rtt_of(&view->path[i]) < rtt_of(out->fast))
            out->fast = &view->path[i];
    /* What is full without anything on its way would never say that it has room again. */
    return out->fast != out->slow && out->fast->queued > 0 && out->slow->srtt > 0;
}

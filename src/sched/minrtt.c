/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest round-trip time with room in its window.
 *
 * Called by mp/ for each chunk. Paths fall into ranks, and a lower rank is used only where no
 * path of a better one exists, whether or not that has room now: a spare path is not for
 * overflow, and a path that seems dead not for data that somebody waits for. Within a rank the
 * lowest smoothed RTT wins; a path without a sample comes last, and the first one where all else
 * is equal. Keeps no state. RFC 8684 3.3.8. */
#include "sched.h"

/* Better is lower. A path that carries these very bytes already is the last resort for them. */
enum rank { RANK_GOOD, RANK_BACKUP, RANK_CARRIED, RANK_STALE, RANK_STALE_CARRIED, RANK_NONE };

/*= RFC 8684 3.3.8
 * a subflow where the receiver has indicated that B=1 SHOULD NOT be used to send data unless there
 * are no usable subflows where B=0 */
static enum rank rank_of(const struct sched_path *p, bool reinject)
{
    bool carried = reinject && p->carried;

    if (!p->usable)
        return RANK_NONE;
    if (p->stale)
        return carried ? RANK_STALE_CARRIED : RANK_STALE;
    if (carried)
        return RANK_CARRIED;
    return p->backup ? RANK_BACKUP : RANK_GOOD;
}

static plait_time rtt_of(const struct sched_path *p)
{
    return p->srtt > 0 ? p->srtt : PLAIT_NEVER;
}

static int pick(union sched_state *state, const struct sched_view *view)
{
    enum rank best_rank = RANK_NONE;
    int best = SCHED_WAIT;

    (void)state;
    for (unsigned i = 0; i < view->n; i++) {
        const struct sched_path *p = &view->path[i];
        enum rank rank = rank_of(p, view->reinject);

        if (rank < best_rank) {
            best_rank = rank;
            best = SCHED_WAIT;
        }
        if (rank == RANK_NONE || rank != best_rank || p->room == 0)
            continue;
        if (best == SCHED_WAIT || rtt_of(p) < rtt_of(&view->path[best]))
            best = (int)i;
    }
    return best;
}

const struct sched_ops sched_minrtt_ops = { .name = "minrtt", .pick = pick };

/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest round-trip time with room in its window.
 *
 * Called by mp/ for each chunk. Of the best rank (rank.c) the lowest smoothed RTT wins; a path
 * without a sample comes last, and the first one where all else is equal. Keeps no state.
 *
 * Three rows, for what else mp does when the window is used up and a slow path holds its oldest
 * byte: the usual one repeats that byte on a fast path, and leaves the slow one without a queue for
 * a while; "-plain" waits; "-penalty" repeats it too, and halves the slow path's window (Raiciu et
 * al., "How Hard Can It Be?", NSDI 2012, 4.2). */
#include "rank.h"

static int pick(union sched_state *state, const struct sched_view *view)
{
    (void)state;
    return sched_lowest_rtt(view);
}

const struct sched_ops sched_minrtt_ops = {
    .name = "minrtt", .pick = pick, .forgets = true, .opportune = true, .lean = true,
    .what = "the lowest round-trip time that has room in its window",
};

const struct sched_ops sched_minrtt_plain_ops = {
    .name = "minrtt-plain", .pick = pick, .forgets = true,
    .what = "minrtt, and waits where a slow path holds up the window",
};

const struct sched_ops sched_minrtt_penalty_ops = {
    .name = "minrtt-penalty", .pick = pick, .forgets = true, .opportune = true,
    .penalise = true,
    .what = "minrtt, and halves the window of a path that holds it up",
};

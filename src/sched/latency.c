/* SPDX-License-Identifier: Apache-2.0 */
/* For requests and their answers: each byte where it arrives soonest, and the end of what there is
 * to say on every path.
 *
 * What a message waits for is its last packet, and a lost one there costs a timer, because nothing
 * follows that would show it. So when all is given, up to TAIL bytes of it go on the other paths of
 * the same rank too, as far as these have room. Data that keeps coming has no tail: bulk costs
 * nothing more. Paths are picked by ECF's rule. */
#include "ecf.h"

enum { TAIL = 16 << 10 };

static uint64_t copies(const struct sched_view *view, unsigned path)
{
    if (view->waiting > 0 ||
        sched_rank(&view->path[path], false) != sched_rank_best(view, false))
        return 0;
    return view->out < TAIL ? view->out : TAIL;
}

const struct sched_ops sched_latency_ops = {
    .name = "latency", .pick = sched_ecf_pick, .copies = copies, .opportune = true,
    .what = "ecf, and the end of each message on every path",
};

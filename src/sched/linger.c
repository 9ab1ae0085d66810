/* SPDX-License-Identifier: Apache-2.0 */
/* The path whose queue will be empty first, as upstream Linux does it (net/mptcp/protocol.c).
 *
 * Linger time is what a path has in its queue, sent or not, by its pacing rate: 200 % of
 * cwnd / srtt in slow start, else 120 %. The rate is an average, weighed by bytes, and stands in
 * the path's own word (bytes a second). A path may be given twice its window; where the best one
 * has no room even then, all wait. So an empty slow path comes before a fast one that has something
 * to do.
 *
 * Linux picks anew after 64 KB; here a chunk is that burst. */
#include "rank.h"

#define RATE_MAX ((uint64_t)1 << 32)
#define RTT_UNKNOWN (1 * PLAIT_MSEC)

enum { BURST = 65428 };

static uint64_t rate_now(const struct sched_path *p)
{
    uint64_t rtt = p->srtt > 0 ? p->srtt : RTT_UNKNOWN;
    uint64_t percent = p->cwnd < p->ssthresh / 2 ? 200 : 120;
    uint64_t rate = (uint64_t)p->cwnd * percent * (PLAIT_SEC / 100) / rtt;

    if (rate == 0)
        return 1;
    return rate < RATE_MAX ? rate : RATE_MAX;
}

/* In 2^-32 s: queued is less than 2^31. */
static uint64_t linger(const struct sched_path *p)
{
    return ((uint64_t)p->queued << 32) / (*p->own > 0 ? *p->own : rate_now(p));
}

static int pick(union sched_state *state, const struct sched_view *view)
{
    enum sched_rank rank = sched_rank_best(view, view->reinject);
    uint64_t shortest = UINT64_MAX;
    int best = SCHED_WAIT;

    (void)state;
    for (unsigned i = 0; i < view->n; i++) {
        const struct sched_path *p = &view->path[i];
        if (sched_rank(p, view->reinject) != rank || rank == SCHED_RANK_NONE)
            continue;
        if (linger(p) < shortest) {
            shortest = linger(p);
            best = (int)i;
        }
    }
    return best != SCHED_WAIT && view->path[best].room > 0 ? best : SCHED_WAIT;
}

static void given(union sched_state *state, const struct sched_view *view, unsigned path,
                  uint32_t len)
{
    const struct sched_path *p = &view->path[path];
    uint64_t burst = view->window < BURST ? view->window : BURST, rate = rate_now(p);

    (void)state;
    (void)len;
    if (*p->own == 0)
        *p->own = rate;
    if (burst + p->queued > 0)
        *p->own = (*p->own * p->queued + rate * burst) / (burst + p->queued);
    if (*p->own == 0)
        *p->own = 1;
}

const struct sched_ops sched_linger_ops = {
    .name = "linger", .pick = pick, .given = given, .ahead = true, .forgets = true,
    .what = "the path whose queue will be empty first, as upstream Linux",
};

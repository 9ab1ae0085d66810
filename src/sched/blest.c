/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking estimation (Ferlin et al., IFIP Networking 2016).
 *
 * A packet on a slow path takes room in the connection's window until it has made its round. Where
 * the fast path could fill the window in that time, it would be blocked: then the slow one is left
 * out.
 *
 *   rtts = RTT_S / RTT_F,   X = MSS_F (CWND_F + (rtts - 1) / 2) rtts,
 *   wait if X delta > |M| - MSS_S (inflight_S + 1)
 *
 * RTT_S is what a packet that goes now would take. A slow path that was left out until nothing of
 * ours is on it has no queue of ours either: that is its lowest round trip time, and not the last
 * one, measured through seconds of queue, which would keep it out for good. A packet for each
 * round trip then brings new samples.
 *
 * delta corrects the estimate: once in each RTT_F it grows where the window was blocked meanwhile,
 * and shrinks where it was not. Steps (0.04 up, 0.01 down) and limits (1.0 to 1.3) are those of the
 * authors' scheduler for Linux; the paper tries smaller ones, without limits. Words of the state:
 * delta - 1, when it was looked at, and how often the window had been blocked then. */
#include "blest.h"

enum { UP = 40, DOWN = 10, OVER_MAX = 300, RATIO_ONE = 256, RATIO_MAX = 1 << 16 };

static plait_time round_trip(const struct sched_path *slow)
{
    bool drained = slow->queued == 0 && slow->min_rtt > 0 && slow->min_rtt < slow->srtt;

    return drained ? slow->min_rtt : slow->srtt;
}

uint64_t sched_blest_estimate(const struct sched_rivals *r)
{
    uint64_t ratio = round_trip(r->slow) * RATIO_ONE / r->fast->srtt;

    if (ratio > RATIO_MAX)
        ratio = RATIO_MAX;
    if (ratio < RATIO_ONE)
        ratio = RATIO_ONE;
    return (r->fast->cwnd + r->fast->mss * (ratio - RATIO_ONE) / (2 * RATIO_ONE)) * ratio /
           RATIO_ONE;
}

bool sched_blest_waits(const struct sched_rivals *r, uint64_t window, uint32_t delta)
{
    uint64_t held = (uint64_t)r->slow->queued + r->slow->mss;
    uint64_t left = window > held ? window - held : 0;

    return sched_blest_estimate(r) * delta > left * SCHED_BLEST_ONE;
}

static void correct(union sched_state *state, const struct sched_view *view, plait_time rtt)
{
    uint64_t *over = &state->word[0], *at = &state->word[1], *blocked = &state->word[2];

    if (view->now - *at < rtt)
        return;
    *at = view->now;
    if (*blocked != view->blocked)
        *over = *over + UP < OVER_MAX ? *over + UP : OVER_MAX;
    else
        *over = *over > DOWN ? *over - DOWN : 0;
    *blocked = view->blocked;
}

static int pick(union sched_state *state, const struct sched_view *view)
{
    int picked = sched_lowest_rtt(view);
    struct sched_rivals r;

    if (!sched_rivals(view, picked, &r))
        return picked;
    correct(state, view, r.fast->srtt);
    return sched_blest_waits(&r, view->span, SCHED_BLEST_ONE + (uint32_t)state->word[0])
               ? SCHED_WAIT : picked;
}

const struct sched_ops sched_blest_ops = {
    .name = "blest", .pick = pick, .opportune = true, .lean = true,
    .what = "leaves out a slow path that would block the window (BLEST)",
};

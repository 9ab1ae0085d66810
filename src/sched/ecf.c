/* SPDX-License-Identifier: Apache-2.0 */
/* Earliest completion first (Lim et al., CoNEXT 2017).
 *
 * The fastest path is full. Would what waits be there sooner if it waited for that path, round trip
 * after round trip, than by a slow one? Then nothing is sent. Bytes in place of packets, and both
 * sides of each comparison multiplied out. word[0] is `waiting` of the paper.
 *
 * The rule is the paper's, with the authors' code where they differ: the paper counts k / CWND_s
 * round trips of the slow path for what waits, and so sends the last few packets there; their code
 * counts one at least. With chunks of 1 MB over 300 kbit/s and 8.6 Mbit/s the former takes longer
 * than minrtt (1.97 s, 1.76 s), the latter 1.14 s. Where a slow path blocks the window all the
 * same, its bytes go again and its window is halved: the paper's kernel did that as well. */
#include "ecf.h"

/* Products of both, and of a factor of 8, fit into 64 bits. */
#define BYTES_MAX ((uint64_t)1 << 29)
#define RTT_MAX ((uint64_t)1 << 31)

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

bool sched_ecf_waits(const struct sched_rivals *r, uint64_t waiting, bool *waited)
{
    uint64_t k = min_u64(waiting, BYTES_MAX);
    uint64_t cwnd_f = min_u64(r->fast->cwnd, BYTES_MAX), cwnd_s = min_u64(r->slow->cwnd, BYTES_MAX);
    uint64_t rtt_f = min_u64(r->fast->srtt, RTT_MAX), rtt_s = min_u64(r->slow->srtt, RTT_MAX);
    uint64_t delta = r->fast->rttvar > r->slow->rttvar ? r->fast->rttvar : r->slow->rttvar;

    delta = min_u64(delta, RTT_MAX);
    /* (1 + k / CWND_f) RTT_f < (1 + waiting / 4) (RTT_s + delta) */
    if (4 * (cwnd_f + k) * rtt_f >= (*waited ? 5 : 4) * cwnd_f * (rtt_s + delta)) {
        *waited = false;
        return false;
    }
    /* k / CWND_s RTT_s >= 2 RTT_f + delta; even a byte takes a round trip there */
    if ((k > cwnd_s ? k : cwnd_s) * rtt_s < cwnd_s * (2 * rtt_f + delta))
        return false;
    *waited = true;
    return true;
}

int sched_ecf_pick(union sched_state *state, const struct sched_view *view)
{
    int picked = sched_lowest_rtt(view);
    bool waited = state->word[0] != 0, wait;
    struct sched_rivals r;

    if (!sched_rivals(view, picked, &r))
        return picked;
    wait = sched_ecf_waits(&r, view->waiting, &waited);
    state->word[0] = waited;
    return wait ? SCHED_WAIT : picked;
}

const struct sched_ops sched_ecf_ops = {
    .name = "ecf", .pick = sched_ecf_pick, .opportune = true, .penalise = true,
    .what = "waits for a fast path where that completes sooner (ECF)",
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <string.h>

struct sched_view view;
union sched_state state_of_it;
uint64_t own[SCHED_PATHS_MAX];

void view_reset(unsigned n)
{
    memset(&view, 0, sizeof view);
    memset(&state_of_it, 0, sizeof state_of_it);
    memset(own, 0, sizeof own);
    view.now = 5 * PLAIT_SEC;
    view.want = view.window = 100000;
    view.waiting = 100000;
    view.span = 1 << 20;
    view.n = (uint8_t)n;
    for (unsigned i = 0; i < n; i++) {
        view_path(i, 10, (i + 1) * 10 * MS, 5, 0);
        view.path[i].room = MSS;
    }
}

void view_path(unsigned i, uint32_t cwnd, plait_time srtt, uint32_t inflight, plait_time rttvar)
{
    view.path[i] = (struct sched_path){
        .srtt = srtt,
        .rttvar = rttvar,
        .min_rtt = srtt,
        .room = view.path[i].room,
        .queued = inflight * MSS,
        .flight = inflight * MSS,
        .cwnd = cwnd * MSS,
        .ssthresh = cwnd * MSS,
        .mss = MSS,
        .id = (uint8_t)i,
        .usable = true,
        .own = &own[i],
    };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Schedulers: which subflow carries the next bytes of the stream. A view comes in, a decision
 * goes out. */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <plait/types.h>

enum { SCHED_PATHS_MAX = 32 };
enum { SCHED_WAIT = -1 }; /* none now: better wait than use what there is */

struct sched_path {
    plait_time srtt, rttvar, min_rtt; /* 0: no sample */
    uint32_t room;    /* bytes that would go out at once: cwnd and the subflow's own window */
    uint32_t cwnd, flight, mss;
    bool usable;      /* established and confirmed: may carry data at all */
    bool backup;      /* either side asked to spare it (RFC 8684 3.3.8) */
    bool stale;       /* seems dead: unanswered for a while */
    bool carried;     /* the bytes in question were sent on it before (reinjection) */
};

struct sched_view {
    plait_time now;
    uint32_t want;      /* bytes waiting; 0 never */
    uint32_t window;    /* bytes that the connection's window still allows */
    bool reinject;      /* the bytes were sent before, on another subflow */
    uint8_t n;
    struct sched_path path[SCHED_PATHS_MAX];
};

union sched_state { uint64_t word[4]; }; /* a scheduler's own memory, zeroed at birth */

struct sched_ops {
    const char *name;
    /* The index of a path with room > 0, or SCHED_WAIT. */
    int (*pick)(union sched_state *state, const struct sched_view *view);
};

extern const struct sched_ops sched_minrtt_ops;
const struct sched_ops *sched_find(const char *name);

#endif

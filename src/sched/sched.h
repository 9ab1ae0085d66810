/* SPDX-License-Identifier: Apache-2.0 */
/* Schedulers: which subflow carries the next bytes of the stream. A view comes in, a decision
 * goes out. */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "../base/plugin.h"
#include <plait/types.h>

enum { SCHED_PATHS_MAX = 32 };
enum { SCHED_WAIT = -1 }; /* none now: better wait than use what there is */

struct sched_path {
    plait_time srtt, rttvar, min_rtt; /* 0: no sample */
    uint32_t room;    /* bytes that would go out at once: cwnd and the subflow's own window */
    uint32_t queued;  /* bytes that it was given and that are not acknowledged on it */
    uint32_t cwnd, ssthresh, flight, mss;
    uint8_t id;       /* in order of birth; the order in the view changes */
    bool usable;      /* established and confirmed: may carry data at all */
    bool backup;      /* either side asked to spare it (RFC 8684 3.3.8) */
    bool stale;       /* seems dead: unanswered for a while */
    bool carried;     /* the bytes in question were sent on it before (reinjection) */
    uint64_t *own;    /* a word that the scheduler keeps for this path, 0 at its birth */
};

struct sched_view {
    plait_time now;
    uint32_t want;      /* bytes waiting; 0 never */
    uint32_t window;    /* bytes that the connection's window still allows */
    uint64_t waiting;   /* bytes that were given to nobody yet, beyond that window too */
    uint64_t out;       /* bytes that were given to somebody and await their DATA_ACK */
    uint64_t span;      /* bytes that may await it: the peer's window, our buffer at its largest */
    uint32_t blocked;   /* how often a slow path held the oldest byte of a full window */
    bool reinject;      /* the bytes were sent before, on another subflow */
    uint8_t n;
    struct sched_path path[SCHED_PATHS_MAX];
};

union sched_state { uint64_t word[4]; }; /* a scheduler's own memory, zeroed at birth */

struct sched_ops {
    const char *name;
    const char *what; /* one line for people */
    /* The index of a path with room > 0, or SCHED_WAIT. */
    int (*pick)(union sched_state *state, const struct sched_view *view);
    /* So many new bytes went to this path. NULL: does not care. */
    void (*given)(union sched_state *state, const struct sched_view *view, unsigned path,
                  uint32_t len);
    /* How many of the last view->out bytes path i is to carry as well. NULL: nothing goes twice. */
    uint64_t (*copies)(const struct sched_view *view, unsigned path);
    /* The window is used up and a slow path holds its oldest byte: a fast one with room sends that
     * again; the slow one's window is halved (Raiciu et al., NSDI 2012). */
    bool opportune, penalise;
    bool lean;   /* and the slow one keeps no queue on its way for a while */
    bool ahead;  /* a path's room is twice its window: it has its next data before it can send it */
    bool single; /* a decision is about one packet */
    bool forgets; /* it has no use for the state, which may be NULL then */
};

extern const struct sched_ops sched_minrtt_ops, sched_minrtt_plain_ops, sched_minrtt_penalty_ops,
    sched_linger_ops, sched_roundrobin_ops, sched_redundant_ops, sched_blest_ops, sched_ecf_ops,
    sched_handover_ops, sched_latency_ops;
const struct sched_ops *sched_find(const char *name);
/* All of them, one after the other; NULL behind the last. */
const struct sched_ops *sched_at(unsigned i);

/* For a shared object (--sched ./FILE.so): these are its ops. */
#define SCHED_PLUGIN(its_ops)                                                                      \
    extern const struct plugin plait_sched PLUGIN_API;                                             \
    const struct plugin plait_sched = { SCHED_PLUGIN_SIZES, &(its_ops) }
#define SCHED_PLUGIN_SIZES                                                                         \
    { sizeof(struct sched_view), sizeof(struct sched_path), sizeof(struct sched_ops) }

#endif

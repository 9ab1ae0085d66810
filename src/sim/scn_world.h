/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the scenario runner among each other: a world that was built from a scenario, and
 * what is counted in it. */
#ifndef SIM_SCN_WORLD_H
#define SIM_SCN_WORLD_H

#include "cbr.h"
#include "flow.h"
#include "middlebox.h"
#include "scn_run.h"

enum { SIM_SCN_SUBFLOWS_MAX = 32 };

struct sim_scn_world;

/* Of one path of one connection. */
struct sim_scn_tally {
    uint64_t acked, sent, retransmitted, restarts; /* at the end of the warm-up */
    uint64_t rtt_sum, cwnd_sum, n;       /* of samples since */
};

/* One of a flow's count. */
struct sim_scn_conn {
    struct sim_scn_world *w;
    unsigned flow, which;
    struct sim_node *client, *server; /* NULL with CBR */
    char client_name[SIM_SCN_NAME_MAX + 16], server_name[SIM_SCN_NAME_MAX + 16];
    struct plait_conn_config conn;
    struct sim_flow *traffic;
    struct sim_cbr *cbr;
    uint64_t delivered, reinjected, duplicate; /* at the end of the warm-up */
    uint64_t sent;                             /* packets of CBR, then */
    struct sim_scn_tally path[SIM_SCN_PATHS_MAX];
    /* the longest time without a byte */
    uint64_t seen;
    plait_time seen_at, stall;
    uint64_t block; /* so many were read whole */
};

struct sim_scn_wire {
    uint64_t packets, bytes, drops, refused, marks; /* at the end of the warm-up */
    uint64_t capacity;  /* bits that could have been sent since, until `since` */
    plait_time since;
    uint64_t queue_sum, queue_n, queue_max; /* of samples */
};

/* Durations of what was finished. */
struct sim_scn_times {
    unsigned n;
    plait_time *took;
};

struct sim_scn_world {
    const struct sim_scn *s;
    const struct sim_scn_options *o;
    struct sim *sim;
    struct sim_rng rng;
    plait_time start;
    struct sim_flows *flows;
    struct sim_boxes *boxes; /* NULL: none */
    unsigned conn_n, *first; /* first[flow]: index of its first connection */
    struct sim_scn_conn *conn;
    struct sim_scn_dir (*dir)[2]; /* links as they are now; number 2 * i and 2 * i + 1 */
    struct sim_scn_wire *wire;    /* 2 * link_n */
    struct sim_scn_times *times;  /* of each flow */
    unsigned next_event;
};

/* scn_build.c: false: something cannot be built; sim->failure tells why. */
bool sim_scn_build(struct sim_scn_world *w);
struct plait_local sim_scn_local(const struct sim_scn_conn *c, unsigned path, bool server);
/* Whose host a node is. */
const struct sim_scn_conn *sim_scn_owner(const struct sim_node *node, bool *server);
/* Does mainly the accepting side send? */
bool sim_scn_server_sends(const struct sim_scn_flow *f);

/* scn_measure.c */
void sim_scn_warm(struct sim_scn_world *w);
void sim_scn_sample(struct sim_scn_world *w, bool counts);
/* The capacity of a link until now is counted, before it changes. */
void sim_scn_wire_until_now(struct sim_scn_world *w, unsigned number);
/* Blocks that began or were read since. */
void sim_scn_watch_blocks(struct sim_scn_world *w);
void sim_scn_fill_result(struct sim_scn_world *w, struct sim_scn_result *r);

#endif

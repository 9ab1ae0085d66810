/* SPDX-License-Identifier: Apache-2.0 */
/* Applications for the simulator: pairs of ends that send each other patterned streams and check
 * every byte. The byte at a position follows from the position and the stream, so a lost, doubled
 * or swapped byte shows itself at once. An end writes and reads in random pieces with random
 * pauses, shuts down when it has sent all, and lets go when it has also read to the end. */
#ifndef SIM_APP_H
#define SIM_APP_H

#include "sim.h"

struct sim_app_config {
    uint64_t send_bytes; /* to be sent by this end */
    uint32_t write_max;  /* a piece is 1 to so many bytes; 0: as much as fits */
    uint32_t read_max;
    uint32_t pause_ppm;    /* chance of a pause before a piece, millionths */
    plait_time pause_max;  /* of 1 to so many microseconds */
    uint64_t rest_at;          /* writes nothing for rest_for, once, when so many bytes are sent */
    plait_time rest_for;
    plait_time read_after; /* reads nothing before this much time has passed since the start */
    bool hold_close;       /* shuts down only after the peer's end of stream */
    bool early;            /* writes before it is connected, for a SYN that takes data along */
    uint8_t *keep;         /* what it receives is kept here and not checked; NULL: it is checked */
    uint64_t keep_max;
    uint64_t abort_at;     /* aborts once so many bytes were received; 0: never */
};

struct sim_app {
    struct sim_app_config cfg;
    struct sim *sim;
    struct sim_node *node;
    struct sim_app *peer;
    struct plait_conn *conn; /* NULL before and after */
    struct sim_rng rng;
    struct sim_timer write_timer, read_timer;
    uint64_t stream; /* of the bytes that it sends */
    uint64_t sent, received;
    plait_time started, connected_at, finished_at, last_read_at;
    plait_time stall_max; /* longest time without a byte while more was to come */
    bool connected, shut, eof, done, aborted, rested;
    int error; /* plait_conn_error() of a connection that ended badly */
    enum plait_reason reason;
    const char *failure;                /* what went wrong that never may; NULL: nothing */
    uint64_t failure_at;                /* position of it */
    struct plait_conn_info info;        /* taken when it let go, or when it failed */
    struct plait_subflow_info path[32]; /* of info.subflow_total subflows */
};

/* Both ends of one connection: a client and a server. */
struct sim_pair {
    struct sim_app client, server;
    struct sim_pair *next; /* in sim_apps */
};

struct sim_pair_config {
    struct sim_app_config client, server;
    struct plait_addr local;              /* family 0: any */
    struct plait_addr remote;             /* where the server listens */
    const struct plait_conn_config *conn; /* of the client; NULL: its stack's */
};

/* All pairs between two nodes. It takes the nodes' events. */
struct sim_apps {
    struct sim_node *client, *server;
    struct plait_listener *listener;
    bool nat; /* the server sees other addresses than the clients have */
    bool strangers; /* the network may forge a connection: it is reset and counts as nothing */
    struct sim_pair *first, *last; /* in the order in which they were started */
};

/* The server listens at addr. 0 or what plait_listen() answered. */
int sim_apps_init(struct sim_apps *apps, struct sim_node *client, struct sim_node *server,
                  const struct plait_addr *addr);
/* Starts a connection. 0 or what plait_connect() answered. */
int sim_pair_start(struct sim_apps *apps, struct sim_pair *pair, const struct sim_pair_config *cfg);
/* Every end let go. */
bool sim_apps_done(const struct sim_apps *apps);
/* The first failure of any end; NULL: none. */
const char *sim_apps_failure(const struct sim_apps *apps);

/* The pattern. */
uint8_t sim_pattern_byte(uint64_t stream, uint64_t pos);
void sim_pattern_fill(uint64_t stream, uint64_t pos, uint8_t *to, size_t len);
/* The index of the first byte that differs; len: none does. */
size_t sim_pattern_check(uint64_t stream, uint64_t pos, const uint8_t *bytes, size_t len);

#endif

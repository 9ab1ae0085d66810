/* SPDX-License-Identifier: Apache-2.0 */
/* What the scenarios share: two hosts, some paths, one connection with data both ways. */
#ifndef WORLD_H
#define WORLD_H

#include "sim/app.h"
#include "sim/pcap.h"
#include "sim/topology.h"
#include "unit/base/cm.h"

enum { WORLD_PORT = 5001 };

struct world {
    struct plait_config client_cfg, server_cfg;
    struct sim_topology_config topo_cfg;
    struct sim_pair_config pair_cfg;
    uint64_t seed;

    struct sim *sim;
    struct sim_node *client, *server;
    struct sim_topology topo;
    struct sim_apps apps;
    struct sim_pair pair;
};

/* Fills the configurations with defaults: path_n paths, 256 KiB each way. Change them before
 * world_start(). */
void world_init(struct world *w, unsigned path_n);
/* Builds the world and starts the connection. */
void world_start(struct world *w);
void world_at(struct world *w, plait_time since_start); /* runs until then */
/* Runs until both ends let go; at most so long in all. */
void world_finish(struct world *w, plait_time limit);
/* Both ends got every byte and no error. */
void world_expect_all(const struct world *w);
/* Waits until no connection is left, frees everything, expects nothing to be left. */
void world_end(struct world *w);
/* finish, expect_all, end. */
void world_complete(struct world *w, plait_time limit);

/* Payload bytes that the client sent, and received, on subflows of this path. */
uint64_t world_sent(const struct world *w, unsigned path);
uint64_t world_received(const struct world *w, unsigned path);
/* The living or dead subflow of the client from the address of this path, the one that sent most;
 * NULL: there was none. After world_finish() only. */
const struct plait_subflow_info *world_subflow(const struct world *w, unsigned path);

#endif

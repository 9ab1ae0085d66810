/* SPDX-License-Identifier: Apache-2.0 */
/* Two hosts with up to four paths between them. Path i joins address i of the client to address i
 * of the server by a pair of links. With `mesh` every address of the one reaches every address of
 * the other (of its family), over the client's link pair i. */
#ifndef SIM_TOPOLOGY_H
#define SIM_TOPOLOGY_H

#include "sim.h"

enum { SIM_PATHS_MAX = 4 };

struct sim_path_config {
    uint8_t family;            /* 4 or 6 */
    struct sim_link_config up; /* client to server */
    struct sim_link_config down;
    uint16_t mtu;                       /* of both ends' interfaces; 0: 1500 */
    uint8_t client_flags, server_flags; /* PLAIT_LOCAL_* */
};

struct sim_topology_config {
    unsigned path_n;
    bool mesh;
    uint32_t gso_max; /* of all interfaces; 0: no super-segments */
    struct sim_path_config path[SIM_PATHS_MAX];
};

struct sim_topology {
    struct sim_topology_config cfg;
    struct sim *sim;
    struct sim_node *client, *server;
    unsigned up[SIM_PATHS_MAX], down[SIM_PATHS_MAX]; /* link numbers */
};

/* The address of one side of a path, port 0. */
struct plait_addr sim_path_addr(const struct sim_topology_config *cfg, unsigned path, bool server);
/* Links, routes, and the local addresses of both stacks (ids are path + 1). 0 or what
 * plait_local_add() answered. */
int sim_topology_build(struct sim_topology *t, const struct sim_topology_config *cfg,
                       struct sim_node *client, struct sim_node *server);
/* A path goes dark or comes back, without anybody being told. */
void sim_topology_cut(struct sim_topology *t, unsigned path, bool down);
/* Good defaults: 20 Mbit/s, 10 ms one way, a queue of 64 KiB, IPv4, MTU 1500; both sides open
 * subflows from all addresses and the server announces those of the further paths. */
void sim_topology_defaults(struct sim_topology_config *cfg, unsigned path_n);

#endif

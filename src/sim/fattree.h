/* SPDX-License-Identifier: Apache-2.0 */
/* A data centre: a FatTree of k-port switches (Al-Fares and others 2008). k pods of k/2 edge and
 * k/2 aggregation switches, (k/2)^2 core switches, k^3/4 hosts, and between two hosts of different
 * pods (k/2)^2 ways of six links. */
#ifndef SIM_FATTREE_H
#define SIM_FATTREE_H

#include "sim.h"

struct sim_fattree_config {
    unsigned k;                  /* even, 2 to 32 */
    struct sim_link_config link; /* each of them */
    struct plait_config host;    /* each one's stack */
    uint16_t mtu;                /* of hosts' interfaces; 0: 1500 */
    uint32_t gso_max;            /* 0: no super-segments */
};

struct sim_fattree {
    struct sim_fattree_config cfg;
    struct sim *sim;
    unsigned host_n;
    struct sim_node **host; /* in the order of pods, edge switches, and ports of these */
    unsigned first_link;    /* private: where its links begin */
};

/* Nodes, their addresses, and links. 0, or why a stack refused. */
int sim_fattree_build(struct sim_fattree *t, struct sim *sim, const struct sim_fattree_config *cfg);
void sim_fattree_free(struct sim_fattree *t); /* the nodes and links are the world's */
/* 10.pod.edge.(2 + port) */
struct plait_addr sim_fattree_addr(const struct sim_fattree *t, unsigned host);
/* All shortest ways between two hosts, both ways; the ports of a subflow choose (ecmp). */
void sim_fattree_connect(struct sim_fattree *t, unsigned a, unsigned b);
/* The link from a host to its switch, and back. */
unsigned sim_fattree_up(const struct sim_fattree *t, unsigned host);
unsigned sim_fattree_down(const struct sim_fattree *t, unsigned host);

#endif

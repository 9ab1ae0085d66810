/* SPDX-License-Identifier: Apache-2.0 */
/* Several nodes that are one host: their stacks share addresses and ports, each as if it had a
 * thread of its own. The first node stands in routes for all of them. */
#ifndef SIM_SHARDS_H
#define SIM_SHARDS_H

#include "sim.h"

struct sim_letter; /* what one shard has for another */

struct sim_shards {
    struct sim *sim;
    unsigned n;
    struct sim_node *node[PLAIT_SHARDS_MAX];
    bool astray;         /* packets of the network come to any shard, not to that of their ports */
    plait_time wake_max; /* how long a shard takes to look what others have for it, at most */
    bool deaf;           /* every shard keeps what it gets: to show that this breaks joins */
    struct sim_rng rng;
    struct sim_letter *inbox[PLAIT_SHARDS_MAX], **inbox_end[PLAIT_SHARDS_MAX];
    struct sim_timer timer[PLAIT_SHARDS_MAX];
    uint64_t handed, news; /* packets and news that went from one to another */
};

/* Their stacks are told that they are shards 0 to n - 1 by the nodes' configuration. */
void sim_shards_init(struct sim_shards *shards, struct sim_node *const *node, unsigned n);
/* Before the nodes are stopped. */
void sim_shards_fini(struct sim_shards *shards);

/* ---- for the parts of the simulator */

void sim_shards_arrive(struct sim_shards *shards, const uint8_t *bytes, uint32_t len);
/* Takes the node's news to the others; nothing where it is alone. */
void sim_shards_tell(struct sim_node *node);

#endif

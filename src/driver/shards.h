/* SPDX-License-Identifier: Apache-2.0 */
/* What several hosts of one program share that are shards: ports, the firewall rule, and an inbox
 * for each, by which packets and news go from thread to thread.
 *
 *     config.shards = drv_shards_new(&config, n, &err)
 *     for each i: config.shard = i; host[i] = drv_host_new(&config, &err)
 *     a thread for each host, which alone calls it; then drv_host_free() for each
 *     drv_shards_free(config.shards) */
#ifndef DRV_SHARDS_H
#define DRV_SHARDS_H

#include "drv.h"
#include "ports.h"

#include <plait/plait.h>

struct drv_shards;
struct drv_host_config;

/* Reserves config's port, those that it announces, and for each host its own, which lead back to it
 * from the peer's port. NULL and err when something is missing. */
struct drv_shards *drv_shards_new(const struct drv_host_config *config, unsigned n,
                                  struct drv_error *err);
/* After all hosts. */
void drv_shards_free(struct drv_shards *shards);

/* ---- for host.c ----------------------------------------------------------------------------- */

/* Tells the stack's configuration that it is this shard. */
void drv_shards_configure(const struct drv_shards *shards, unsigned shard,
                          struct plait_config *config);
/* The ports of all, in the order that host.c has: its own, and then those of the others, which its
 * filter has to let pass, too. They stay reserved by the set. */
void drv_shards_ports(const struct drv_shards *shards, unsigned shard, struct drv_ports *ports);

/* What one shard has for another. */
struct drv_letter {
    struct drv_letter *next;
    struct plait_shard_news news; /* where len is 0 */
    uint32_t len, ifindex;        /* of a packet */
    bool csum_ok;
    uint8_t handed;
    uint8_t bytes[];
};

/* May be called by any thread. False: it is lost, since there was no memory, or, of a packet, since
 * the inbox is full. */
bool drv_shards_hand(struct drv_shards *shards, const struct plait_in *in);
bool drv_shards_tell(struct drv_shards *shards, const struct plait_shard_news *news);
/* Takes all that came for this shard, in order; the caller frees each. */
struct drv_letter *drv_shards_take(struct drv_shards *shards, unsigned shard);
/* Readable when something came; drv_shards_heard() makes it wait for the next. */
int drv_shards_fd(const struct drv_shards *shards, unsigned shard);
void drv_shards_heard(struct drv_shards *shards, unsigned shard);

#endif

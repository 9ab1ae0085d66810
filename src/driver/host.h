/* SPDX-License-Identifier: Apache-2.0 */
/* A stack on this host's own interfaces and addresses: everything that the core asks of the world.
 */
#ifndef DRV_HOST_H
#define DRV_HOST_H

#include "dev.h"
#include "drv.h"
#include "paths.h"
#include "route.h"
#include "shards.h"

#include <plait/plait.h>
#include <poll.h>

struct drv_host;

enum { DRV_EXTRA_FDS = 16 };

struct drv_host_config {
    struct plait_config stack;
    struct drv_paths paths;
    uint16_t port;    /* our TCP port; 0: a free one. Ports in paths.announce are taken too */
    /* Free ports in addition, for connections to one peer side by side, and for ndiffports; with
     * those announced, at most DRV_PORTS_MAX in all */
    uint8_t more_ports;
    const struct drv_driver *driver; /* how packets come and go; NULL: auto */
    size_t queues;    /* of each device, where the driver can have several; 0 is 1 */
    plait_time spin;  /* looks for packets for so long before sleeping, while it pays; 0: never */
    bool offload;     /* use the kernel's segmentation and checksums */
    const char *pcap; /* file to write all packets to, or NULL; not of several shards */
    struct drv_shards *shards; /* this host is one of them, number shard; NULL: it is alone */
    unsigned shard;
    void (*trace)(void *ctx, const struct plait_trace *ev); /* may be NULL */
    void (*warn)(void *ctx, const char *text); /* one line that the user should see; may be NULL */
    void *ctx;
};

struct drv_host_counters {
    struct drv_counters link; /* summed over the interfaces */
    struct drv_routes_counters routes;
    uint64_t not_ours; /* packets for an address that the stack does not have */
    uint64_t handed;   /* packets that were another shard's, and given to it */
    uint64_t unheard;  /* packets and news for other shards that were lost: see drv_shards_hand() */
};

/* NULL and err when something is missing. config is copied, the strings that it names are not. */
struct drv_host *drv_host_new(const struct drv_host_config *config, struct drv_error *err);
/* Removes everything from the system again. Nothing is sent. False: err tells what went wrong late
 * (a capture that is not complete). */
bool drv_host_free(struct drv_host *host, struct drv_error *err);

struct plait_stack *drv_host_stack(const struct drv_host *host);
uint16_t drv_host_port(const struct drv_host *host);
/* Port i of 0 to more_ports: ours, then the free ones. */
uint16_t drv_host_port_at(const struct drv_host *host, size_t i);
/* The time to pass to the core: read once for each batch of packets. */
plait_time drv_host_now(const struct drv_host *host);
void drv_host_counters(const struct drv_host *host, struct drv_host_counters *counters);
/* The name of the interface of a local address, whose port does not count; "?" when it is gone. */
const char *drv_host_ifname_of(const struct drv_host *host, const struct plait_addr *local);
/* The interface that packets of this pair leave by, which a route may take elsewhere than to that
 * of the local address. Before the first of them: as above. */
const char *drv_host_ifname_between(const struct drv_host *host, const struct plait_addr *local,
                                    const struct plait_addr *remote);

/* Sends what the stack has to say, sleeps until there is something to do, events among it, but no
 * longer than timeout, takes packets and timers, and sends again; but where events wait after a few
 * packets, the next step does, which should not be far: what the program answers takes
 * acknowledgments along. Fills revents of extra, at most DRV_EXTRA_FDS. */
void drv_host_step(struct drv_host *host, plait_time timeout, struct pollfd *extra, size_t extra_n);

/* The address to connect from: where the kernel's route to the peer leads, or the first that has
 * one. */
int drv_host_local_for(struct drv_host *host, const struct plait_addr *peer,
                       struct plait_addr *local, struct drv_error *err);

/* Changes of the paths while running. */
int drv_host_path_add(struct drv_host *host, const struct drv_path *path, struct drv_error *err);
int drv_host_path_del(struct drv_host *host, const char *ifname, struct drv_error *err);
int drv_host_path_backup(struct drv_host *host, const char *ifname, bool backup,
                         struct drv_error *err);
/* Cuts the path silently, for tests: every packet to and from the interface is lost from now on,
 * and nobody is told. */
int drv_host_path_cut(struct drv_host *host, const char *ifname, struct drv_error *err);

#endif

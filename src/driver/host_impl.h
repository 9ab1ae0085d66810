/* SPDX-License-Identifier: Apache-2.0 */
/* Private to host.c, locals.c and own.c. */
#ifndef DRV_HOST_IMPL_H
#define DRV_HOST_IMPL_H

#include "firewall.h"
#include "host.h"
#include "pcapng.h"
#include "ports.h"
#include "spin.h"
#include "unreach.h"

enum { DRV_IFACES_MAX = 32, DRV_REFUSED_MAX = 8, DRV_NO_WAY_MAX = 32 };

struct drv_pair {
    struct plait_addr src, dst; /* src.family 0: free */
    uint32_t ifindex;
};

struct drv_iface {
    struct drv_dev *dev;
    uint32_t pcap_id;
};

struct drv_host {
    struct drv_host_config config; /* paths change while running */
    struct plait_stack *stack;
    struct drv_netmon *mon;
    struct drv_routes *routes;
    struct drv_ports ports; /* the first is ours, then more of ours, then those announced */
    struct drv_firewall firewall;
    struct drv_pcapng *pcap;
    bool pcap_live; /* not a regular file: somebody may be watching */
    uint64_t epoch; /* microseconds from the clock's zero to 1970, for the capture */
    struct drv_iface iface[DRV_IFACES_MAX];
    size_t iface_n;
    struct plait_local local[DRV_LOCALS_MAX]; /* what the stack has */
    size_t local_n;
    uint8_t last_id;                             /* of the local address made last */
    bool locals_changed;                         /* compare again before the next step */
    struct drv_unreach refused[DRV_REFUSED_MAX]; /* for the stack, after the batch is sent */
    size_t refused_n;
    struct drv_pair no_way[DRV_NO_WAY_MAX]; /* of SYNs that met no route; a ring */
    size_t no_way_n;                        /* entries ever written */
    plait_time now;
    uint8_t random[256]; /* drawn ahead: the first random_left bytes are still to be given */
    size_t random_left;
    struct drv_spin spin;
    plait_time polled; /* all descriptors were looked at while spinning */
    bool own; /* local addresses are the stack's own, behind devices that were opened by name */
    struct drv_pair own_route[DRV_PATHS_MAX]; /* made by us: to dst by ifindex */
    size_t own_route_n;
    struct drv_counters closed; /* of interfaces that are gone */
    uint64_t not_ours, handed, unheard;
    uint64_t taken; /* bytes of packets in this step */
    uint32_t cut; /* the interface whose packets are lost on purpose; 0: none */
};

/* Tells the stack how the local addresses differ from what it has, opens and closes devices.
 */
void drv_host_sync(struct drv_host *host);
/* Routes have changed: tells the stack again of a local address that has a way now where it had
 * none, which lets it try once more. */
void drv_host_renew(struct drv_host *host);
/* Opens a device by its link, or by its name alone. */
struct drv_iface *drv_host_iface_open(struct drv_host *host, const struct drv_link *link,
                                      struct drv_error *err);
/* The interface's device, opened when needed; NULL when that fails, which the user is told once. */
struct drv_iface *drv_host_iface(struct drv_host *host, uint32_t ifindex);
void drv_host_iface_close(struct drv_host *host, size_t i);
/* Addresses of the stack's own: the devices of all paths, that of one more, and their end. */
int drv_own_open(struct drv_host *host, struct drv_error *err);
int drv_own_add(struct drv_host *host, const struct drv_path *path, struct drv_error *err);
void drv_own_close(struct drv_host *host);
bool drv_own_has(const struct drv_host *host, const struct plait_addr *addr);
void drv_host_warn(const struct drv_host *host, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which interface and which link address a packet goes to: the kernel's answers, remembered. */
#ifndef DRV_ROUTE_H
#define DRV_ROUTE_H

#include "netmon.h"

#include <plait/plait.h>

struct drv_routes;

enum drv_hop_state {
    DRV_HOP_READY, /* send it */
    DRV_HOP_WAIT,  /* the next hop's link address is being asked for */
    DRV_HOP_NONE,  /* no route */
};

struct drv_hop {
    uint32_t ifindex;
    uint8_t mac[6]; /* zeros where the link has no addresses */
};

struct drv_routes_counters {
    uint64_t no_route;   /* packets dropped: the kernel has no route */
    uint64_t held;       /* packets that waited for a neighbour */
    uint64_t unresolved; /* packets dropped while a neighbour was unknown */
};

/* strict: a packet leaves by the interface of its source address or not at all. Else, where no
 * route leads out of that, by whichever the kernel would take. NULL without memory. */
struct drv_routes *drv_routes_new(struct drv_netmon *mon, bool strict);
void drv_routes_free(struct drv_routes *routes);
/* The way of a packet. */
enum drv_hop_state drv_routes_find(struct drv_routes *routes, const struct plait_out *out,
                                   plait_time now, struct drv_hop *hop);
/* The interface on the kernel's own way to a peer, from whatever address; ifindex 0: any will do.
 * 0: there is no route. */
uint32_t drv_routes_ifindex(struct drv_routes *routes, const struct plait_addr *peer,
                            uint32_t ifindex, plait_time now);
/* The interface that packets between these addresses left by last; 0 when none did. */
uint32_t drv_routes_last(const struct drv_routes *routes, const struct plait_addr *local,
                         const struct plait_addr *remote);
/* Copies a packet that found DRV_HOP_WAIT; a small number waits, the oldest gives way. */
void drv_routes_hold(struct drv_routes *routes, const struct plait_out *out);
/* The next packet held whose way is ready now; false when none. Its views are valid until the next
 * drv_routes_hold(). */
bool drv_routes_next_held(struct drv_routes *routes, plait_time now, struct plait_out *out,
                          struct drv_hop *hop);
/* News of a neighbour. */
void drv_routes_neigh(struct drv_routes *routes, const struct drv_neigh *neigh);
/* Routes, rules or links have changed: ask again. */
void drv_routes_forget(struct drv_routes *routes);
void drv_routes_counters(const struct drv_routes *routes, struct drv_routes_counters *counters);

#endif

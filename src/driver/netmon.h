/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel knows about this host's network: links, addresses, routes. Follows it by
 * rtnetlink. */
#ifndef DRV_NETMON_H
#define DRV_NETMON_H

#include "drv.h"

#include <plait/types.h>

struct drv_link {
    uint32_t ifindex;
    char name[16];
    bool up; /* switched on, and the lower layer has a signal */
    bool loopback;
    bool has_neighbours; /* next hops have link addresses to be resolved */
    uint16_t type;       /* ARPHRD_* */
    uint8_t mac[6];
    uint32_t mtu;     /* bytes of an IP packet */
    uint32_t gso_max; /* bytes of a super-segment's frame that the device takes */
};

struct drv_ifaddr {
    uint32_t ifindex;
    struct plait_addr addr; /* port 0 */
    bool usable;            /* neither tentative nor a duplicate */
    bool tentative;         /* the kernel still looks for duplicates: usable in a second or two */
    bool preferred;         /* neither deprecated nor secondary nor temporary */
};

/* News that drv_netmon_read() found; a set of these. */
enum {
    DRV_NEWS_ADDRS = 1,  /* links or addresses */
    DRV_NEWS_ROUTES = 2, /* routes, rules: what a lookup answers may differ */
    DRV_NEWS_NEIGH = 4,  /* told to the neighbour callback too */
};

/* A neighbour's state changed; mac is NULL where it has none (yet). stale: the kernel is no longer
 * sure. */
struct drv_neigh {
    uint32_t ifindex;
    struct plait_addr addr;
    bool has_mac, failed, stale;
    uint8_t mac[6];
};

struct drv_netmon;

struct drv_netmon *drv_netmon_open(struct drv_error *err);
void drv_netmon_close(struct drv_netmon *mon);
/* Becomes readable when there is news. */
int drv_netmon_fd(const struct drv_netmon *mon);
/* Takes the news in; the set of its kinds. neigh is called for each neighbour in them. */
unsigned drv_netmon_read(struct drv_netmon *mon,
                         void (*neigh)(void *ctx, const struct drv_neigh *n), void *ctx);

/* The present state: element i, NULL beyond the end. Valid until the next drv_netmon_read(). */
const struct drv_link *drv_netmon_link(const struct drv_netmon *mon, size_t i);
const struct drv_ifaddr *drv_netmon_addr(const struct drv_netmon *mon, size_t i);
const struct drv_link *drv_netmon_find_link(const struct drv_netmon *mon, uint32_t ifindex);
const struct drv_link *drv_netmon_find_name(const struct drv_netmon *mon, const char *name);
/* Does this host own the address? Everything in 127.0.0.0/8 counts. */
bool drv_netmon_is_local(const struct drv_netmon *mon, const struct plait_addr *addr);

/* ---- questions to the kernel; they block for its answer, some microseconds ----------------------
 */

struct drv_route {
    uint32_t ifindex; /* of the interface that packets leave by */
    bool local;       /* the destination is this host: by the loopback interface */
    bool has_gateway;
    struct plait_addr next;   /* the next hop: the gateway, or the destination itself */
    struct plait_addr source; /* the kernel's preferred source, family 0 when it names none */
};

/* The route from src (family 0: any) to dst by interface ifindex (0: any). False: there is none. */
bool drv_netmon_route(struct drv_netmon *mon, const struct plait_addr *src,
                      const struct plait_addr *dst, uint32_t ifindex, struct drv_route *route);
/* What the kernel knows of a neighbour; false when nothing. */
bool drv_netmon_neigh(struct drv_netmon *mon, uint32_t ifindex, const struct plait_addr *addr,
                      struct drv_neigh *neigh);
/* Asks the kernel to resolve or confirm it. The answer comes as news. */
void drv_netmon_resolve(struct drv_netmon *mon, uint32_t ifindex, const struct plait_addr *addr);

/* ---- changes of the host's network; 0 or -errno ---------------------------------------------- */

int drv_netmon_switch_on(struct drv_netmon *mon, uint32_t ifindex);
/* The host's route to addr by the interface, and to nothing else; add or remove it. */
int drv_netmon_route_here(struct drv_netmon *mon, uint32_t ifindex, const struct plait_addr *addr,
                          bool add);

#endif

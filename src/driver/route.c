/* SPDX-License-Identifier: Apache-2.0 */
/* The route cache. Entries are keyed by (local address, remote address, interface), where local
 * address and interface may be any, and hold the interface that packets leave by, the next hop, and
 * its link address. An entry is filled by two or
 * three questions to the kernel and lives until the kernel tells that routes changed (one
 * generation number for all of them).
 *
 * plait's packets bypass the kernel's neighbour code, so nobody there would notice that an entry is
 * in use. A used entry is therefore looked at every CHECK_EVERY, and where the kernel is no longer
 * sure of it, asked to confirm it. A link address that was known stays in use when the kernel calls
 * the neighbour failed: the path may only be cut for a while, and the first packet after that
 * should pass.
 *
 * While a neighbour is unknown, a few small packets (SYNs) wait here; the rest is dropped, as the
 * kernel does it too. Owned by the host. */
#include "route.h"

#include "base/addr.h"

#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES = 1024, /* power of two */
    WAYS = 4,       /* places where an entry may stand */
    HELD_MAX = 64, /* the first packets of as many connections */
    HELD_BYTES = 2048,
};

#define CHECK_EVERY (15 * PLAIT_SEC)
#define RETRY_EVERY (1 * PLAIT_SEC)

struct entry {
    struct plait_addr local, remote; /* ports 0; remote.family 0: free */
    uint32_t key_ifindex;
    uint32_t generation; /* of the answer; another than the cache's: ask again */
    plait_time used;     /* last time */
    plait_time check;    /* when to ask about route or neighbour again */
    bool has_route, needs_mac, has_mac;
    struct plait_addr next; /* the next hop */
    struct drv_hop hop;
};

struct held {
    bool used;
    struct plait_out out;
    uint8_t payload[HELD_BYTES];
};

struct drv_routes {
    struct drv_netmon *mon;
    bool strict;
    uint32_t generation;
    plait_time now; /* of the last call that knew it */
    struct entry entry[ENTRIES];
    struct entry *last; /* that was looked up: packets come in batches */
    struct held held[HELD_MAX];
    unsigned held_at; /* where the next one goes */
    struct drv_routes_counters counters;
};

struct drv_routes *drv_routes_new(struct drv_netmon *mon, bool strict)
{
    struct drv_routes *routes = calloc(1, sizeof *routes);
    if (routes) {
        routes->mon = mon;
        routes->strict = strict;
        routes->generation = 1;
        routes->last = routes->entry;
    }
    return routes;
}

void drv_routes_free(struct drv_routes *routes)
{
    free(routes);
}

/* ---- entries -------------------------------------------------------------------------------- */

static uint32_t hash_bytes(uint32_t h, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 16777619u;
    return h;
}

static bool is_for(const struct entry *e, const struct plait_out *out)
{
    return e->key_ifindex == out->ifindex && addr_same_ip(&e->remote, &out->dst) &&
           addr_same_ip(&e->local, &out->src);
}

/* The entry for a packet, made where there is none by turning out the one not used for longest. */
static struct entry *entry_for(struct drv_routes *routes, const struct plait_out *out)
{
    uint32_t h =
        hash_bytes(hash_bytes(2166136261u, out->dst.ip, 16), out->src.ip, 16) + out->ifindex;
    struct entry *oldest = NULL;

    for (uint32_t i = 0; i < WAYS; i++) {
        struct entry *e = &routes->entry[((h ^ h >> 16) + i) & (ENTRIES - 1)];
        if (is_for(e, out))
            return e;
        if (!oldest || e->used < oldest->used)
            oldest = e;
    }
    memset(oldest, 0, sizeof *oldest);
    oldest->local = out->src;
    oldest->remote = out->dst;
    oldest->key_ifindex = out->ifindex;
    return oldest;
}

static void set_route(struct entry *e, uint32_t ifindex, const struct plait_addr *next,
                      bool needs_mac)
{
    bool same = e->has_route && e->hop.ifindex == ifindex && addr_same_ip(&e->next, next);

    e->has_route = true;
    e->hop.ifindex = ifindex;
    e->next = *next;
    e->needs_mac = needs_mac;
    if (!same || !needs_mac) {
        e->has_mac = false;
        memset(e->hop.mac, 0, sizeof e->hop.mac);
    }
}

static uint32_t loopback_ifindex(const struct drv_netmon *mon)
{
    const struct drv_link *link;
    for (size_t i = 0; (link = drv_netmon_link(mon, i)) != NULL; i++)
        if (link->loopback)
            return link->ifindex;
    return 0;
}

static void ask_route(struct drv_routes *routes, struct entry *e)
{
    const struct drv_link *link;
    struct drv_route route;

    e->generation = routes->generation;
    if (drv_netmon_is_local(routes->mon, &e->remote)) {
        set_route(e, loopback_ifindex(routes->mon), &e->remote, false);
        return;
    }
    if (!drv_netmon_route(routes->mon, &e->local, &e->remote, e->key_ifindex, &route) &&
        (routes->strict || !drv_netmon_route(routes->mon, &e->local, &e->remote, 0, &route))) {
        e->has_route = false;
        return;
    }
    link = drv_netmon_find_link(routes->mon, route.ifindex);
    set_route(e, route.ifindex, &route.next, link && link->has_neighbours);
}

static void ask_neighbour(struct drv_routes *routes, struct entry *e)
{
    struct drv_neigh neigh;
    bool known = drv_netmon_neigh(routes->mon, e->hop.ifindex, &e->next, &neigh);

    if (known && neigh.has_mac) {
        memcpy(e->hop.mac, neigh.mac, sizeof neigh.mac);
        e->has_mac = true;
    }
    if (!known || !neigh.has_mac || neigh.stale)
        drv_netmon_resolve(routes->mon, e->hop.ifindex, &e->next);
}

static void refresh(struct drv_routes *routes, struct entry *e, plait_time now)
{
    if (e->generation != routes->generation || !e->has_route)
        ask_route(routes, e);
    if (e->has_route && e->needs_mac && e->local.family != 0) /* not only a question */
        ask_neighbour(routes, e);
    e->check = now + (e->has_route && (e->has_mac || !e->needs_mac) ? CHECK_EVERY : RETRY_EVERY);
}

static enum drv_hop_state look_up(struct drv_routes *routes, const struct plait_out *out,
                                  plait_time now, struct drv_hop *hop)
{
    struct entry *e = is_for(routes->last, out) ? routes->last : entry_for(routes, out);

    routes->last = e;
    routes->now = now;
    e->used = now;
    if (e->generation != routes->generation || now >= e->check)
        refresh(routes, e, now);
    *hop = e->hop;
    if (!e->has_route)
        return DRV_HOP_NONE;
    return e->has_mac || !e->needs_mac ? DRV_HOP_READY : DRV_HOP_WAIT;
}

enum drv_hop_state drv_routes_find(struct drv_routes *routes, const struct plait_out *out,
                                   plait_time now, struct drv_hop *hop)
{
    enum drv_hop_state state = look_up(routes, out, now, hop);
    if (state == DRV_HOP_NONE)
        routes->counters.no_route++;
    return state;
}

uint32_t drv_routes_ifindex(struct drv_routes *routes, const struct plait_addr *peer,
                            uint32_t ifindex, plait_time now)
{
    const struct plait_out any = {.dst = *peer, .ifindex = ifindex};
    struct drv_hop hop;

    return look_up(routes, &any, now, &hop) != DRV_HOP_NONE ? hop.ifindex : 0;
}

uint32_t drv_routes_last(const struct drv_routes *routes, const struct plait_addr *local,
                         const struct plait_addr *remote)
{
    const struct entry *last = NULL;

    for (size_t i = 0; i < ENTRIES; i++) {
        const struct entry *e = &routes->entry[i];
        if (e->local.family == local->family && addr_same_ip(&e->local, local) &&
            addr_same_ip(&e->remote, remote) && (!last || e->used > last->used))
            last = e;
    }
    return last ? last->hop.ifindex : 0;
}

void drv_routes_neigh(struct drv_routes *routes, const struct drv_neigh *neigh)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *e = &routes->entry[i];
        if (!e->needs_mac || e->hop.ifindex != neigh->ifindex ||
            !addr_same_ip(&e->next, &neigh->addr))
            continue;
        if (neigh->has_mac) {
            memcpy(e->hop.mac, neigh->mac, sizeof neigh->mac);
            e->has_mac = true;
        } else if (neigh->failed && e->check > routes->now + RETRY_EVERY) {
            e->check = routes->now + RETRY_EVERY;
        }
    }
}

void drv_routes_forget(struct drv_routes *routes)
{
    routes->generation++;
}

void drv_routes_counters(const struct drv_routes *routes, struct drv_routes_counters *counters)
{
    *counters = routes->counters;
}

/* ---- packets that wait ---------------------------------------------------------------------- */

void drv_routes_hold(struct drv_routes *routes, const struct plait_out *out)
{
    struct held *h = &routes->held[routes->held_at];
    size_t at = 0;

    if (out->payload_len > HELD_BYTES) {
        routes->counters.unresolved++;
        return;
    }
    if (h->used)
        routes->counters.unresolved++;
    routes->held_at = (routes->held_at + 1) % HELD_MAX;
    h->used = true;
    h->out = *out;
    for (unsigned i = 0; i < out->view_n; i++) {
        memcpy(h->payload + at, out->view[i].data, out->view[i].len);
        at += out->view[i].len;
    }
    h->out.view_n = at > 0 ? 1 : 0;
    h->out.view[0] = (struct plait_view){h->payload, at};
    routes->counters.held++;
}

bool drv_routes_next_held(struct drv_routes *routes, plait_time now, struct plait_out *out,
                          struct drv_hop *hop)
{
    for (unsigned i = 0; i < HELD_MAX; i++) {
        struct held *h = &routes->held[(routes->held_at + i) % HELD_MAX];
        if (!h->used || look_up(routes, &h->out, now, hop) != DRV_HOP_READY)
            continue;
        h->used = false;
        *out = h->out;
        return true;
    }
    return false;
}

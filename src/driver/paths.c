/* SPDX-License-Identifier: Apache-2.0 */
/* Path choice, derived from scratch each time something changes: the host compares the answer with
 * what the stack has and tells it the difference.
 *
 * One address of each family on each interface is a path: a second one on the same link would not
 * be another way through the network. A client takes the address that the kernel would take for the
 * peer. An interface without a route to the peer is taken too: the peer may announce an address
 * that it leads to, and until then its SYNs end at this host (unreach.c). A listener accepts on all
 * addresses, and announces one of each family and interface. Loopback and link-local addresses are
 * not announced and not used for further subflows; they serve a peer that uses them itself.
 *
 * Called by the host. Pure but for route questions through netmon. */
#include "paths.h"

#include "addr.h"

#include <stdio.h>
#include <string.h>

enum {
    MTU_MIN_V4 = 576,
    MTU_MIN_V6 = 1280,
    GSO_SPARE = 256, /* of the device's limit, for the headers of a super-segment */
    GSO_MAX = 65536,
};

struct chooser {
    const struct drv_paths *paths;
    struct drv_netmon *mon;
    struct drv_have have;
    struct plait_local *want;
    size_t n;
};

/* ---- the user's words ----------------------------------------------------------------------- */

bool drv_path_parse(const char *text, struct drv_path *path)
{
    char copy[128], *name = copy, *rest, *addr;

    memset(path, 0, sizeof *path);
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    rest = strchr(copy, ',');
    if (rest) {
        *rest++ = '\0';
        if (strcmp(rest, "backup") != 0)
            return false;
        path->backup = true;
    }
    addr = strchr(copy, '=');
    if (addr) {
        *addr++ = '\0';
        if (!drv_addr_parse(addr, &path->addr) || path->addr.port != 0)
            return false;
    }
    if (name[0] == '\0' || strlen(name) >= sizeof path->ifname || strchr(name, '/'))
        return false;
    memcpy(path->ifname, name, strlen(name) + 1);
    return true;
}

static void list_links(const struct drv_netmon *mon, char *buf, size_t size)
{
    const struct drv_link *link;
    size_t used = 0;

    buf[0] = '\0';
    for (size_t i = 0; (link = drv_netmon_link(mon, i)) != NULL && used + 32 < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "", link->name);
}

static void list_addrs(const struct drv_netmon *mon, uint32_t ifindex, char *buf, size_t size)
{
    const struct drv_ifaddr *a;
    char text[ADDR_TEXT_MAX];
    size_t used = 0;

    (void)snprintf(buf, size, "none");
    for (size_t i = 0; (a = drv_netmon_addr(mon, i)) != NULL && used + 64 < size; i++)
        if (a->ifindex == ifindex)
            used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
                                     drv_addr_ip_text(&a->addr, text));
}

static bool has_addr(const struct drv_netmon *mon, uint32_t ifindex, const struct plait_addr *addr)
{
    const struct drv_ifaddr *a;
    for (size_t i = 0; (a = drv_netmon_addr(mon, i)) != NULL; i++)
        if ((ifindex == 0 || a->ifindex == ifindex) && addr_same_ip(&a->addr, addr))
            return true;
    return false;
}

static int check_path(const struct drv_path *path, const struct drv_netmon *mon,
                      struct drv_error *err)
{
    const struct drv_link *link = drv_netmon_find_name(mon, path->ifname);
    char list[256], text[ADDR_TEXT_MAX];

    if (!link) {
        list_links(mon, list, sizeof list);
        return drv_fail(err, DRV_FAULT_USAGE,
                        "--path %s: there is no such interface; there are: %s", path->ifname, list);
    }
    if (path->addr.family != 0 && !has_addr(mon, link->ifindex, &path->addr)) {
        list_addrs(mon, link->ifindex, list, sizeof list);
        return drv_fail(err, DRV_FAULT_USAGE,
                        "--path %s: the interface has no address %s; it has: %s", path->ifname,
                        drv_addr_ip_text(&path->addr, text), list);
    }
    return 0;
}

static bool has_path(const struct drv_paths *paths, const struct plait_addr *addr)
{
    for (size_t i = 0; i < paths->path_n; i++)
        if (addr_same_ip(&paths->path[i].addr, addr))
            return true;
    return false;
}

/* The devices may not be there yet; what is wrong with one is found when it is opened. */
static int check_own(const struct drv_paths *paths, struct drv_error *err)
{
    char text[ADDR_TEXT_MAX];

    if (paths->path_n == 0)
        return drv_fail(err, DRV_FAULT_USAGE,
                        "--driver tun needs a --path NAME=ADDR for each device, as in "
                        "tun0=192.0.2.7, where ADDR is to be plait's own");
    for (size_t i = 0; i < paths->announce_n; i++)
        if (!has_path(paths, &paths->announce[i]))
            return drv_fail(err, DRV_FAULT_USAGE, "--announce %s: no --path has that address",
                            drv_addr_ip_text(&paths->announce[i], text));
    return 0;
}

int drv_paths_check(const struct drv_paths *paths, const struct drv_netmon *mon,
                    struct drv_error *err)
{
    char text[ADDR_TEXT_MAX];

    if (paths->own)
        return check_own(paths, err);

    for (size_t i = 0; i < paths->path_n; i++)
        if (check_path(&paths->path[i], mon, err) < 0)
            return -1;
    for (size_t i = 0; i < paths->announce_n; i++)
        if (!has_addr(mon, 0, &paths->announce[i]))
            return drv_fail(
                err, DRV_FAULT_USAGE,
                "--announce %s: no interface of this host has that address; see `ip addr`",
                drv_addr_ip_text(&paths->announce[i], text));
    return 0;
}

/* ---- choosing ------------------------------------------------------------------------------- */

static bool family_fits(const struct drv_paths *paths, uint8_t family)
{
    return paths->family == 0 || paths->family == family;
}

static uint16_t local_mtu(const struct drv_link *link, uint8_t family)
{
    uint32_t least = family == 6 ? MTU_MIN_V6 : MTU_MIN_V4;
    uint32_t mtu = link->mtu < UINT16_MAX ? link->mtu : UINT16_MAX;
    return (uint16_t)(mtu > least ? mtu : least);
}

static uint32_t local_gso(const struct drv_link *link)
{
    uint32_t max = link->gso_max < GSO_MAX ? link->gso_max : GSO_MAX;
    return max > 4 * GSO_SPARE ? max - GSO_SPARE : 0;
}

static struct plait_local *find(struct chooser *c, const struct plait_addr *addr)
{
    for (size_t i = 0; i < c->n; i++)
        if (addr_same_ip(&c->want[i].addr, addr))
            return &c->want[i];
    return NULL;
}

static void add(struct chooser *c, const struct drv_link *link, const struct plait_addr *addr,
                uint8_t flags)
{
    struct plait_local *l;

    if (c->n == DRV_LOCALS_MAX || find(c, addr))
        return;
    l = &c->want[c->n++];
    memset(l, 0, sizeof *l);
    l->addr = *addr;
    l->addr.port = 0;
    l->ifindex = link->ifindex;
    l->flags = (uint8_t)(flags | (link->up ? 0 : PLAIT_LOCAL_DOWN));
    l->mtu = local_mtu(link, addr->family);
    l->gso_max = local_gso(link);
}

static const struct plait_local *find_have(const struct chooser *c, uint32_t ifindex,
                                           uint8_t family)
{
    for (size_t i = 0; i < c->have.n; i++) {
        const struct plait_local *l = &c->have.v[i];
        if (l->ifindex == ifindex && l->addr.family == family && (l->flags & PLAIT_LOCAL_SUBFLOW))
            return l;
    }
    return NULL;
}

static bool is_candidate(const struct drv_ifaddr *a, uint32_t ifindex, uint8_t family)
{
    return a->ifindex == ifindex && a->addr.family == family && a->usable &&
           !addr_is_linklocal(&a->addr);
}

/* The interface's first address of a family; preferred ones first. */
static bool first_addr(const struct chooser *c, uint32_t ifindex, uint8_t family,
                       struct plait_addr *addr)
{
    const struct drv_ifaddr *a, *found = NULL;

    for (size_t i = 0; (a = drv_netmon_addr(c->mon, i)) != NULL; i++)
        if (is_candidate(a, ifindex, family) && (!found || (a->preferred && !found->preferred)))
            found = a;
    if (!found)
        return false;
    *addr = found->addr;
    return true;
}

/* The address of an interface that a client uses for a family: the one in use, else the kernel's
 * choice for the peer, else the first. */
static bool client_addr(const struct chooser *c, const struct drv_link *link, uint8_t family,
                        struct plait_addr *addr)
{
    static const struct plait_addr any;
    const struct plait_local *have = find_have(c, link->ifindex, family);
    struct drv_route route;

    if (have && has_addr(c->mon, link->ifindex, &have->addr)) {
        *addr = have->addr;
        return true;
    }
    if (!first_addr(c, link->ifindex, family, addr))
        return false;
    if (family == c->paths->peer.family &&
        drv_netmon_route(c->mon, &any, &c->paths->peer, link->ifindex, &route) &&
        route.source.family == family && has_addr(c->mon, link->ifindex, &route.source))
        *addr = route.source;
    return true;
}

static uint8_t base_flags(const struct drv_paths *paths, const struct drv_path *path)
{
    uint8_t role = paths->listening ? PLAIT_LOCAL_SIGNAL : PLAIT_LOCAL_SUBFLOW;
    return (uint8_t)(role | (path && path->backup ? PLAIT_LOCAL_BACKUP : 0));
}

static const struct drv_path *said_of(const struct drv_paths *paths, const char *ifname)
{
    for (size_t i = 0; i < paths->path_n; i++)
        if (strcmp(paths->path[i].ifname, ifname) == 0)
            return &paths->path[i];
    return NULL;
}

/* All addresses of an interface, so that a connection to any of them is accepted; the first of each
 * family is announced. */
static void listen_on(struct chooser *c, const struct drv_link *link, uint8_t flags)
{
    const struct drv_ifaddr *a;
    bool first[2] = {true, true};

    for (size_t i = 0; (a = drv_netmon_addr(c->mon, i)) != NULL; i++) {
        bool v6 = a->addr.family == 6;
        if (!is_candidate(a, link->ifindex, a->addr.family) ||
            !family_fits(c->paths, a->addr.family))
            continue;
        if (link->loopback || !first[v6])
            add(c, link, &a->addr, (uint8_t)(flags & ~PLAIT_LOCAL_SIGNAL));
        else
            add(c, link, &a->addr, flags);
        if (a->preferred)
            first[v6] = false;
    }
}

static void connect_from(struct chooser *c, const struct drv_link *link, uint8_t flags)
{
    static const uint8_t families[2] = {4, 6};
    struct plait_addr addr;

    for (int i = 0; i < 2; i++)
        if (family_fits(c->paths, families[i]) && client_addr(c, link, families[i], &addr))
            add(c, link, &addr, flags);
}

/* The link-local address of the interface that the peer's scope names. */
static void add_link_local(struct chooser *c)
{
    const struct drv_link *link = drv_netmon_find_link(c->mon, c->paths->peer_ifindex);
    const struct drv_ifaddr *a;

    for (size_t i = 0; link && (a = drv_netmon_addr(c->mon, i)) != NULL; i++)
        if (a->ifindex == link->ifindex && a->usable && addr_is_linklocal(&a->addr) &&
            a->addr.family == c->paths->peer.family)
            add(c, link, &a->addr, PLAIT_LOCAL_SUBFLOW);
}

/* The peer is this host: one path over loopback. */
static void add_loopback(struct chooser *c)
{
    static const struct plait_addr any;
    const struct drv_link *link;
    struct drv_route route;

    for (size_t i = 0; (link = drv_netmon_link(c->mon, i)) != NULL; i++)
        if (link->loopback)
            break;
    if (!link)
        return;
    if (drv_netmon_route(c->mon, &any, &c->paths->peer, 0, &route) && route.source.family != 0)
        add(c, link, &route.source, PLAIT_LOCAL_SUBFLOW);
    else
        add(c, link, &c->paths->peer, PLAIT_LOCAL_SUBFLOW);
}

static void want_automatic(struct chooser *c)
{
    const struct drv_link *link;

    if (c->paths->peer.family != 0 && c->paths->peer_ifindex != 0) {
        add_link_local(c);
        return;
    }
    if (c->paths->peer.family != 0 && drv_netmon_is_local(c->mon, &c->paths->peer)) {
        add_loopback(c);
        return;
    }
    for (size_t i = 0; (link = drv_netmon_link(c->mon, i)) != NULL; i++) {
        const struct drv_path *said = said_of(c->paths, link->name);
        if (said && said->removed)
            continue;
        if (c->paths->listening)
            listen_on(c, link, base_flags(c->paths, said));
        else if (!link->loopback)
            connect_from(c, link, base_flags(c->paths, said));
    }
}

static void want_named(struct chooser *c)
{
    for (size_t i = 0; i < c->paths->path_n; i++) {
        const struct drv_path *path = &c->paths->path[i];
        const struct drv_link *link = drv_netmon_find_name(c->mon, path->ifname);
        if (!link || (c->paths->own && !family_fits(c->paths, path->addr.family)))
            continue;
        if (c->paths->own) {
            add(c, link, &path->addr, base_flags(c->paths, path));
        } else if (path->addr.family != 0) {
            if (has_addr(c->mon, link->ifindex, &path->addr))
                add(c, link, &path->addr, base_flags(c->paths, path));
        } else if (c->paths->listening) {
            listen_on(c, link, base_flags(c->paths, path));
        } else {
            connect_from(c, link, base_flags(c->paths, path));
        }
    }
}

/* --announce: these and no others, with the port given. */
static void apply_announcements(struct chooser *c)
{
    for (size_t i = 0; i < c->n; i++)
        c->want[i].flags &= (uint8_t)~PLAIT_LOCAL_SIGNAL;
    for (size_t i = 0; i < c->paths->announce_n; i++) {
        const struct plait_addr *addr = &c->paths->announce[i];
        struct plait_local *l = find(c, addr);
        if (!l)
            continue;
        l->flags |= PLAIT_LOCAL_SIGNAL;
        l->addr.port = addr->port;
    }
}

size_t drv_paths_want(const struct drv_paths *paths, struct drv_netmon *mon, struct drv_have have,
                      struct plait_local want[DRV_LOCALS_MAX])
{
    struct chooser c = {.paths = paths, .mon = mon, .have = have, .want = want};

    if (paths->automatic)
        want_automatic(&c);
    else
        want_named(&c);
    if (paths->announce_n > 0)
        apply_announcements(&c);
    return c.n;
}

/* ---- changes while running ------------------------------------------------------------------ */

static struct drv_path *find_path(struct drv_paths *paths, const char *ifname)
{
    for (size_t i = 0; i < paths->path_n; i++)
        if (strcmp(paths->path[i].ifname, ifname) == 0)
            return &paths->path[i];
    return NULL;
}

bool drv_paths_add(struct drv_paths *paths, const struct drv_path *path)
{
    struct drv_path *old = find_path(paths, path->ifname);

    if (old &&
        (paths->automatic || path->addr.family == 0 || addr_same_ip(&old->addr, &path->addr))) {
        *old = *path;
        return true;
    }
    if (paths->path_n == DRV_PATHS_MAX)
        return false;
    paths->path[paths->path_n++] = *path;
    return true;
}

/* What was said of an interface; in automatic mode there is a place to say it. */
static struct drv_path *say_of(struct drv_paths *paths, const char *ifname)
{
    struct drv_path *path = find_path(paths, ifname);

    if (path || !paths->automatic || paths->path_n == DRV_PATHS_MAX ||
        strlen(ifname) >= sizeof path->ifname)
        return path;
    path = &paths->path[paths->path_n++];
    memset(path, 0, sizeof *path);
    memcpy(path->ifname, ifname, strlen(ifname) + 1);
    return path;
}

bool drv_paths_set_backup(struct drv_paths *paths, const char *ifname, bool backup)
{
    if (!say_of(paths, ifname))
        return false;
    for (size_t i = 0; i < paths->path_n; i++)
        if (strcmp(paths->path[i].ifname, ifname) == 0)
            paths->path[i].backup = backup;
    return true;
}

bool drv_paths_remove(struct drv_paths *paths, const char *ifname)
{
    struct drv_path *path = say_of(paths, ifname);
    size_t kept = 0;

    if (!path)
        return false;
    if (paths->automatic) {
        path->removed = true;
        return true;
    }
    for (size_t i = 0; i < paths->path_n; i++)
        if (strcmp(paths->path[i].ifname, ifname) != 0)
            paths->path[kept++] = paths->path[i];
    paths->path_n = kept;
    return true;
}

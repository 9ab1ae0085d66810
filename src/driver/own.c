/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the stack's own, behind devices that plait makes or was lent: opens the device that
 * a path names, switches it on, and routes the path's address to it. What was not there before goes
 * again with the host. Called by host.c, for drivers that have such addresses.
 *
 * Which way packets take from the device to the peer is the host's business: it forwards them like
 * a router, if it is told to. A user may send each device its own way (ip rule add iif NAME). */
#include "host_impl.h"

#include "addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct drv_dev *find(const struct drv_host *host, const char *name)
{
    for (size_t i = 0; i < host->iface_n; i++)
        if (strcmp(drv_dev_name(host->iface[i].dev), name) == 0)
            return host->iface[i].dev;
    return NULL;
}

static int fail_change(const char *what, const char *name, int rc, struct drv_error *err)
{
    return drv_fail(err, rc == -EPERM ? DRV_FAULT_PERMISSION : DRV_FAULT_SYSTEM,
                    "%s: cannot be set up: %s; let root do it: `%s`", name, strerror(-rc), what);
}

static bool is_on(const struct drv_host *host, uint32_t ifindex)
{
    const struct drv_link *link = drv_netmon_find_link(host->mon, ifindex);
    return link && link->up;
}

static struct drv_dev *open_device(struct drv_host *host, const char *name, struct drv_error *err)
{
    struct drv_link link = {0};
    struct drv_iface *iface;
    char command[64];
    uint32_t ifindex;
    int rc;

    (void)snprintf(link.name, sizeof link.name, "%s", name);
    iface = drv_host_iface_open(host, &link, err);
    if (!iface)
        return NULL;
    ifindex = drv_dev_ifindex(iface->dev);
    (void)drv_netmon_read(host->mon, NULL, NULL);
    rc = is_on(host, ifindex) ? 0 : drv_netmon_switch_on(host->mon, ifindex);
    (void)drv_netmon_read(host->mon, NULL, NULL);
    if (rc == 0)
        return iface->dev;
    (void)snprintf(command, sizeof command, "ip link set %s up", name);
    (void)fail_change(command, name, rc, err);
    drv_host_iface_close(host, host->iface_n - 1);
    return NULL;
}

/* Is it there already? Then it is somebody else's, and stays. */
static bool has_route(struct drv_host *host, uint32_t ifindex, const struct plait_addr *addr)
{
    static const struct plait_addr any;
    struct drv_route route;
    return drv_netmon_route(host->mon, &any, addr, 0, &route) && route.ifindex == ifindex;
}

static int add_route(struct drv_host *host, const struct drv_dev *dev,
                     const struct plait_addr *addr, struct drv_error *err)
{
    uint32_t ifindex = drv_dev_ifindex(dev);
    char text[ADDR_TEXT_MAX], command[ADDR_TEXT_MAX + 64];
    int rc;

    if (has_route(host, ifindex, addr))
        return 0;
    rc = drv_netmon_route_here(host->mon, ifindex, addr, true);
    if (rc == -EEXIST)
        return drv_fail(err, DRV_FAULT_SYSTEM,
                        "%s: the host has a route to %s elsewhere: see `ip route get %s`",
                        drv_dev_name(dev), drv_addr_ip_text(addr, text), text);
    if (rc < 0) {
        (void)snprintf(command, sizeof command, "ip route add %s dev %s",
                       drv_addr_ip_text(addr, text), drv_dev_name(dev));
        return fail_change(command, drv_dev_name(dev), rc, err);
    }
    if (host->own_route_n < DRV_PATHS_MAX)
        host->own_route[host->own_route_n++] = (struct drv_pair){.dst = *addr, .ifindex = ifindex};
    return 0;
}

/* A packet that the host does not forward is gone without a word from it. */
static void warn_of_forwarding(const struct drv_host *host, const struct drv_path *path)
{
    const char *family = path->addr.family == 6 ? "ipv6" : "ipv4";
    char name[96];
    FILE *file;

    if (drv_netmon_is_local(host->mon, &host->config.paths.peer))
        return;
    (void)snprintf(name, sizeof name, "/proc/sys/net/%s/conf/%s/forwarding", family, path->ifname);
    file = fopen(name, "re");
    if (file && fgetc(file) == '0')
        drv_host_warn(host,
                      "%s: this host forwards nothing that comes from there, so only itself can be "
                      "reached: `sysctl -w net.%s.conf.all.forwarding=1`",
                      path->ifname, family);
    if (file)
        (void)fclose(file);
}

int drv_own_add(struct drv_host *host, const struct drv_path *path, struct drv_error *err)
{
    struct drv_dev *dev = find(host, path->ifname);

    if (path->addr.family == 0)
        return drv_fail(err, DRV_FAULT_USAGE,
                        "--path %s: with --driver tun it has to be NAME=ADDR, where ADDR is to be "
                        "plait's own behind the device NAME, and no address of this host",
                        path->ifname);
    if (drv_netmon_is_local(host->mon, &path->addr))
        return drv_fail(err, DRV_FAULT_USAGE,
                        "--path %s: ADDR is an address of this host; plait needs another, of its "
                        "own",
                        path->ifname);
    if (!dev && host->iface_n == DRV_IFACES_MAX)
        return drv_fail(err, DRV_FAULT_USAGE, "--path %s: too many devices, the limit is %d",
                        path->ifname, DRV_IFACES_MAX);
    if (!dev)
        dev = open_device(host, path->ifname, err);
    if (!dev || add_route(host, dev, &path->addr, err) < 0)
        return -1;
    warn_of_forwarding(host, path);
    return 0;
}

int drv_own_open(struct drv_host *host, struct drv_error *err)
{
    const struct drv_paths *paths = &host->config.paths;

    for (size_t i = 0; i < paths->path_n; i++)
        if (drv_own_add(host, &paths->path[i], err) < 0)
            return -1;
    return 0;
}

/* With a device of ours they would go anyway. */
void drv_own_close(struct drv_host *host)
{
    for (size_t i = 0; i < host->own_route_n; i++)
        (void)drv_netmon_route_here(host->mon, host->own_route[i].ifindex, &host->own_route[i].dst,
                                    false);
    host->own_route_n = 0;
}

bool drv_own_has(const struct drv_host *host, const struct plait_addr *addr)
{
    const struct drv_paths *paths = &host->config.paths;

    for (size_t i = 0; i < paths->path_n; i++)
        if (addr_same_ip(&paths->path[i].addr, addr))
            return true;
    return false;
}

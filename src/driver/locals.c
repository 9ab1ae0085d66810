/* SPDX-License-Identifier: Apache-2.0 */
/* The host's interfaces and local addresses: opens a device where one is needed, and keeps
 * the stack's local addresses equal to what paths.c derives from the kernel's state. Called by
 * host.c when netlink or the user brought news. */
#include "host_impl.h"

#include "addr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void drv_host_warn(const struct drv_host *host, const char *fmt, ...)
{
    char text[512];
    va_list args;

    if (!host->config.warn)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    host->config.warn(host->config.ctx, text);
}

/* ---- interfaces ----------------------------------------------------------------------------- */

static void capture(void *ctx, const struct drv_dev *dev, const struct iovec *iov, int iov_n,
                    bool out)
{
    struct drv_host *host = ctx;
    struct drv_captured c = {.when = host->now + host->epoch, .out = out};

    for (size_t i = 0; i < host->iface_n; i++)
        if (host->iface[i].dev == dev)
            c.interface = host->iface[i].pcap_id;
    drv_pcapng_packet(host->pcap, &c, iov, iov_n);
}

struct drv_iface *drv_host_iface_open(struct drv_host *host, const struct drv_link *link,
                                      struct drv_error *err)
{
    struct drv_iface *iface = &host->iface[host->iface_n];
    struct drv_dev_spec spec = {
        .ifindex = link->ifindex,
        .name = link->name,
        .link_type = link->type,
        .ports = host->ports.number,
        .port_n = host->ports.n,
        .shard = host->config.stack.shard,
        .shard_n = host->config.stack.shard_n,
        .queues = host->config.queues,
        .offload = host->config.offload,
        .tap = host->pcap ? capture : NULL,
        .tap_ctx = host,
    };

    memcpy(spec.mac, link->mac, sizeof spec.mac);
    memset(iface, 0, sizeof *iface);
    iface->dev = drv_dev_open(host->config.driver, &spec, err);
    if (!iface->dev)
        return NULL;
    if (drv_dev_lost(iface->dev))
        drv_host_warn(host, "%s", drv_dev_lost(iface->dev));
    if (host->pcap)
        iface->pcap_id =
            drv_pcapng_interface(host->pcap, link->name, drv_dev_link_len(iface->dev) > 0);
    host->iface_n++;
    return iface;
}

struct drv_iface *drv_host_iface(struct drv_host *host, uint32_t ifindex)
{
    const struct drv_link *link;
    struct drv_iface *iface;
    struct drv_error err;

    for (size_t i = 0; i < host->iface_n; i++)
        if (drv_dev_ifindex(host->iface[i].dev) == ifindex)
            return &host->iface[i];
    link = drv_netmon_find_link(host->mon, ifindex);
    if (!link || host->own || host->iface_n == DRV_IFACES_MAX)
        return NULL;
    iface = drv_host_iface_open(host, link, &err);
    if (!iface)
        drv_host_warn(host, "%s", err.text);
    return iface;
}

static void add_counters(struct drv_counters *sum, const struct drv_counters *c)
{
    sum->frames_in += c->frames_in;
    sum->frames_out += c->frames_out;
    sum->bytes_in += c->bytes_in;
    sum->bytes_out += c->bytes_out;
    sum->in_joined += c->in_joined;
    sum->out_cut += c->out_cut;
    sum->in_truncated += c->in_truncated;
    sum->in_kernel_drop += c->in_kernel_drop;
    sum->in_scratch += c->in_scratch;
    sum->out_backlogged += c->out_backlogged;
    sum->out_backlog_full += c->out_backlog_full;
    sum->out_queue_drop += c->out_queue_drop;
    sum->out_error += c->out_error;
    if (c->last_errno != 0)
        sum->last_errno = c->last_errno;
}

void drv_host_counters(const struct drv_host *host, struct drv_host_counters *counters)
{
    struct drv_counters c;

    memset(counters, 0, sizeof *counters);
    counters->link = host->closed;
    for (size_t i = 0; i < host->iface_n; i++) {
        drv_dev_counters(host->iface[i].dev, &c);
        add_counters(&counters->link, &c);
    }
    drv_routes_counters(host->routes, &counters->routes);
    counters->not_ours = host->not_ours;
    counters->handed = host->handed;
    counters->unheard = host->unheard;
}

void drv_host_iface_close(struct drv_host *host, size_t i)
{
    struct drv_counters c;

    drv_dev_counters(host->iface[i].dev, &c);
    add_counters(&host->closed, &c);
    drv_dev_close(host->iface[i].dev, host->stack);
    host->iface[i] = host->iface[--host->iface_n];
}

/* An interface that was removed; its number is never used again. */
static void close_gone(struct drv_host *host)
{
    for (size_t i = host->iface_n; i-- > 0;)
        if (!drv_netmon_find_link(host->mon, drv_dev_ifindex(host->iface[i].dev)))
            drv_host_iface_close(host, i);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static bool id_is_used(const struct drv_host *host, uint8_t id)
{
    for (size_t i = 0; i < host->local_n; i++)
        if (host->local[i].id == id)
            return true;
    return false;
}

/* Ids go round, so that one which was just given back is not at once another address's (RFC
 * 8684 3.4.2: the peer may still hold the old one). */
static uint8_t new_id(struct drv_host *host)
{
    do
        host->last_id = host->last_id == 255 ? 1 : (uint8_t)(host->last_id + 1);
    while (id_is_used(host, host->last_id));
    return host->last_id;
}

static struct plait_local *find_local(struct plait_local *v, size_t n,
                                      const struct plait_local *like)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].ifindex == like->ifindex && addr_same_ip(&v[i].addr, &like->addr))
            return &v[i];
    return NULL;
}

static void add_local(struct drv_host *host, const struct plait_local *want)
{
    struct plait_local *l = &host->local[host->local_n];
    char text[ADDR_TEXT_MAX];
    int rc;

    if (host->local_n == DRV_LOCALS_MAX || !drv_host_iface(host, want->ifindex))
        return;
    *l = *want;
    l->id = new_id(host);
    rc = plait_local_add(host->stack, l, host->now);
    if (rc == 0)
        host->local_n++;
    else
        drv_host_warn(host, "%s: the stack does not take the address: %s",
                      drv_addr_ip_text(&want->addr, text), plait_strerror(rc));
}

static void change_local(struct drv_host *host, struct plait_local *l,
                         const struct plait_local *want)
{
    uint8_t id = l->id;

    if (l->flags == want->flags && l->mtu == want->mtu && l->gso_max == want->gso_max &&
        l->addr.port == want->addr.port)
        return;
    *l = *want;
    l->id = id;
    (void)plait_local_change(host->stack, l, host->now);
}

void drv_host_sync(struct drv_host *host)
{
    struct plait_local want[DRV_LOCALS_MAX];
    struct drv_have have = {host->local, host->local_n};
    size_t n = drv_paths_want(&host->config.paths, host->mon, have, want);

    for (size_t i = host->local_n; i-- > 0;) {
        struct plait_local *kept = find_local(want, n, &host->local[i]);
        uint8_t id = host->local[i].id;
        if (kept) {
            change_local(host, &host->local[i], kept);
            continue;
        }
        memmove(&host->local[i], &host->local[i + 1],
                (host->local_n - i - 1) * sizeof host->local[0]);
        host->local_n--;
        (void)plait_local_del(host->stack, id, host->now);
    }
    for (size_t i = 0; i < n; i++)
        if (!find_local(host->local, host->local_n, &want[i]))
            add_local(host, &want[i]);
    close_gone(host);
    host->locals_changed = false;
}

static void renew(struct drv_host *host, const struct drv_pair *pair)
{
    for (size_t i = 0; i < host->local_n; i++)
        if (addr_same_ip(&host->local[i].addr, &pair->src))
            (void)plait_local_change(host->stack, &host->local[i], host->now);
}

void drv_host_renew(struct drv_host *host)
{
    struct drv_route route;

    for (size_t i = 0; i < DRV_NO_WAY_MAX; i++) {
        struct drv_pair *pair = &host->no_way[i];
        if (pair->src.family == 0 ||
            !drv_netmon_route(host->mon, &pair->src, &pair->dst, pair->ifindex, &route))
            continue;
        renew(host, pair);
        pair->src.family = 0;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two drivers, "afpacket" and "afpacket-ring": a packet socket on one of the host's interfaces.
 *
 * PACKET_VNET_HDR puts a virtio_net_hdr before each frame, both ways: a super-segment goes out as
 * one frame, and what GRO has joined comes in as one: the unit of work is the super-segment, 8 to
 * 12 times cheaper than packets of the link's size. Of a received frame's checksum the kernel says
 * whether it has been checked. They differ in how they receive: by system calls or from a ring;
 * where the system gives none, the second is the first, and says so.
 *
 * Called through the table in dev.c. Not on loopback's kind of link alone: an interface without
 * link header (wireguard, tun) works too. */
#include "dev_impl.h"

#include "filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    RCVBUF = 16 << 20, /* asked of the kernel, bytes */
    SNDBUF = 32 << 20,
};

/* ---- opening -------------------------------------------------------------------------------- */

static int fail_socket(struct drv_error *err)
{
    if (errno == EPERM || errno == EACCES)
        return drv_fail(err, DRV_FAULT_PERMISSION,
                        "no permission to open a packet socket: run as root, with CAP_NET_RAW and "
                        "CAP_NET_ADMIN, or in `unshare -Urn`");
    return drv_fail(err, DRV_FAULT_SYSTEM, "cannot open a packet socket: %s", strerror(errno));
}

static int link_header_len(uint16_t link_type)
{
    switch (link_type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
        return ETH_HLEN;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
        return 0;
    default:
        return -1;
    }
}

/* More than the caller may ask for is cut by the kernel; all that is lost is room for bursts. */
static void set_buffers(int fd)
{
    int rcv = RCVBUF, snd = SNDBUF;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcv, sizeof rcv) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof rcv);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &snd, sizeof snd) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &snd, sizeof snd);
}

static int attach_filter(int fd, uint8_t link_len, const struct drv_dev_spec *spec)
{
    struct sock_filter prog[DRV_FILTER_MAX];
    struct sock_fprog fprog = {.filter = prog};
    struct drv_filter f = {.link_len = link_len,
                           .ports = spec->ports,
                           .port_n = spec->port_n,
                           .shard = spec->shard,
                           .shard_n = spec->shard_n};

    fprog.len = (unsigned short)drv_filter_build(prog, &f);
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof fprog);
}

/* The socket is made for protocol 0 and hears nothing until the filter is in place and it is bound.
 */
static int set_up_socket(struct drv_dev *dev, struct drv_error *err)
{
    struct sockaddr_ll sa;
    int on = 1, fd = dev->fd[0];

    set_buffers(fd);
    (void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    memset(&sa, 0, sizeof sa);
    sa.sll_family = AF_PACKET;
    sa.sll_protocol = htons(ETH_P_ALL);
    sa.sll_ifindex = (int)dev->ifindex;
    if (attach_filter(fd, dev->link_len, &dev->spec) < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s: cannot attach the packet filter: %s", dev->name,
                        strerror(errno));
    if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s: cannot bind a packet socket: %s", dev->name,
                        strerror(errno));
    return 0;
}

static void set_destination(struct drv_dev *dev)
{
    static const uint16_t protocol[2] = {ETH_P_IP, ETH_P_IPV6};

    for (int i = 0; i < 2; i++) {
        dev->to[i].sll_family = AF_PACKET;
        dev->to[i].sll_protocol = htons(protocol[i]);
        dev->to[i].sll_ifindex = (int)dev->ifindex;
        dev->to[i].sll_halen = 6;
    }
    dev->to_len = sizeof dev->to[0];
}

/* A packet socket that gives and takes offload headers and is not bound yet. */
static int open_socket(struct drv_dev *dev, struct drv_error *err)
{
    int link_len = link_header_len(dev->spec.link_type), on = 1;

    if (link_len < 0)
        return drv_fail(err, DRV_FAULT_USAGE, "%s: plait cannot use this kind of link (type %u)",
                        dev->name, dev->spec.link_type);
    dev->link_len = (uint8_t)link_len;
    dev->fd[0] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (dev->fd[0] < 0)
        return fail_socket(err);
    dev->fd_n = 1;
    if (setsockopt(dev->fd[0], SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s: the kernel has no PACKET_VNET_HDR: %s",
                        dev->name, strerror(errno));
    dev->vnet = true;
    dev->gso = dev->spec.offload;
    set_destination(dev);
    return 0;
}

static int open_msgs(struct drv_dev *dev, struct drv_error *err)
{
    if (dev->fd_n == 0 && open_socket(dev, err) < 0)
        return -1;
    dev->blocks = drv_blocks_new();
    if (!dev->blocks)
        return drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
    return set_up_socket(dev, err);
}

static int open_ring(struct drv_dev *dev, struct drv_error *err)
{
    if (open_socket(dev, err) < 0)
        return -1;
    dev->ring = drv_ring_new(dev->fd[0]);
    if (dev->ring)
        return open_msgs(dev, err);
    (void)snprintf(dev->lost, sizeof dev->lost,
                   "%s: the kernel gives no receive ring (%s): packets are read by system calls",
                   dev->name, strerror(errno));
    dev->driver = &drv_afpacket;
    return open_msgs(dev, err);
}

static void close_socket(struct drv_dev *dev, struct plait_stack *stack)
{
    drv_blocks_free(dev->blocks, stack);
    drv_ring_free(dev->ring);
}

static int probe(const struct drv_dev_spec *link, struct drv_error *err)
{
    struct drv_dev *dev = drv_dev_open(&drv_afpacket, link, err);

    if (!dev)
        return -1;
    drv_dev_close(dev, NULL);
    return 0;
}

/* ---- frames --------------------------------------------------------------------------------- */

static int read_msgs(int fd, struct mmsghdr *msg, unsigned n)
{
    return recvmmsg(fd, msg, n, MSG_DONTWAIT, NULL);
}

static size_t fill(struct drv_dev *dev, size_t queue)
{
    return drv_blocks_fill(dev, queue, read_msgs);
}

static size_t fill_by_ring(struct drv_dev *dev, size_t queue)
{
    return drv_ring_fill(dev, queue, read_msgs);
}

static int send_msgs(struct drv_dev *dev, struct mmsghdr *msg, unsigned n)
{
    return sendmmsg(dev->fd[0], msg, n, MSG_DONTWAIT);
}

static void count(struct drv_dev *dev)
{
    struct tpacket_stats stats;
    socklen_t len = sizeof stats;

    /* Reading them sets them to zero. */
    if (getsockopt(dev->fd[0], SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
        dev->counters.in_kernel_drop += stats.tp_drops;
}

const struct drv_driver drv_afpacket = {
    .name = "afpacket",
    .probe = probe,
    .open = open_msgs,
    .close = close_socket,
    .fill = fill,
    .done = drv_blocks_done,
    .send = send_msgs,
    .count = count,
};

const struct drv_driver drv_afpacket_ring = {
    .name = "afpacket-ring",
    .probe = probe,
    .open = open_ring,
    .close = close_socket,
    .is_ready = drv_ring_is_ready,
    .fill = fill_by_ring,
    .done = drv_ring_done,
    .send = send_msgs,
    .count = count,
};

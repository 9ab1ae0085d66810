/* SPDX-License-Identifier: Apache-2.0 */
/* The driver "tun": a TUN device, behind which the stack has addresses of its own.
 *
 * For the host's kernel plait is another machine, at the far end of a link: it routes packets to
 * and from it, and has no TCP of its own at that address. So no port has to be reserved and no
 * firewall rule is needed. IFF_VNET_HDR puts a virtio_net_hdr before each packet, both ways, and
 * TUNSETOFFLOAD tells the kernel that super-segments may come: they do where GRO has joined packets
 * or a local sender made them. What the kernel refuses of that is done by tx.c and join.c, and
 * said.
 *
 * The device is made where there is none of that name, and goes with this process; one that root
 * has made for us (ip tuntap add) stays. With several queues there is a descriptor for each: the
 * kernel gives a flow to the queue that it was last sent by. Of several stacks (shards) each has
 * queues of its own.
 *
 * Called through the table in dev.c. Link and routes are own.c's. */
#include "dev_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char node[] = "/dev/net/tun";

/* ---- opening -------------------------------------------------------------------------------- */

static int fail_node(struct drv_error *err)
{
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        return drv_fail(err, DRV_FAULT_SYSTEM,
                        "there is no %s: load the kernel's module with `modprobe tun`; in a "
                        "container, let it have the device",
                        node);
    if (errno == EPERM || errno == EACCES)
        return drv_fail(err, DRV_FAULT_PERMISSION,
                        "no permission to open %s: run as root, or `chmod 666 %s` and with "
                        "CAP_NET_ADMIN",
                        node, node);
    return drv_fail(err, DRV_FAULT_SYSTEM, "cannot open %s: %s", node, strerror(errno));
}

static int fail_device(const char *name, struct drv_error *err)
{
    if (errno == EPERM || errno == EACCES)
        return drv_fail(err, DRV_FAULT_PERMISSION,
                        "no permission to make the TUN device %s: run as root or with "
                        "CAP_NET_ADMIN, or let root make it: `ip tuntap add dev %s mode tun user "
                        "$USER`",
                        name, name);
    if (errno == EBUSY)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s is used by another program: choose another name",
                        name);
    if (errno == EINVAL)
        return drv_fail(err, DRV_FAULT_USAGE,
                        "%s: an interface of that name exists and is no TUN device, or its queues "
                        "are not as asked for: choose another name, see `ip -d link show %s`",
                        name, name);
    return drv_fail(err, DRV_FAULT_SYSTEM, "cannot make the TUN device %s: %s", name,
                    strerror(errno));
}

static int open_node(void)
{
    return open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

/* With offload headers, where the kernel has them and the caller wants them. */
static bool can_vnet(const struct drv_dev *dev)
{
    unsigned features = 0;
    return dev->spec.offload && ioctl(dev->fd[0], TUNGETFEATURES, &features) == 0 &&
           (features & IFF_VNET_HDR) != 0;
}

static int attach_queue(struct drv_dev *dev, size_t q, struct drv_error *err)
{
    struct ifreq ifr;
    int len = VNET_LEN;

    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, dev->name, sizeof ifr.ifr_name);
    ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (dev->vnet ? IFF_VNET_HDR : 0) |
                            (dev->spec.queues > 1 || dev->spec.shard_n > 1 ? IFF_MULTI_QUEUE : 0));
    if (ioctl(dev->fd[q], TUNSETIFF, &ifr) < 0)
        return fail_device(dev->name, err);
    if (dev->vnet && ioctl(dev->fd[q], TUNSETVNETHDRSZ, &len) < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s: the kernel takes no offload headers: %s",
                        dev->name, strerror(errno));
    return 0;
}

/* The kernel may send us super-segments, and checksums that are not complete. */
static void allow_super(struct drv_dev *dev)
{
    unsigned long offload = dev->vnet ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0;

    dev->gso = dev->vnet;
    if (ioctl(dev->fd[0], TUNSETOFFLOAD, offload) < 0 && dev->vnet)
        (void)snprintf(dev->lost, sizeof dev->lost,
                       "%s: the kernel hands over no super-segments (%s): packets come one by one "
                       "and are joined here, at several times the CPU",
                       dev->name, strerror(errno));
    else if (dev->spec.offload && !dev->vnet)
        (void)snprintf(dev->lost, sizeof dev->lost,
                       "%s: the kernel has no offload headers for TUN devices: packets are cut and "
                       "joined here, at several times the CPU",
                       dev->name);
}

static int open_tun(struct drv_dev *dev, struct drv_error *err)
{
    size_t queues = dev->spec.queues > 1 ? dev->spec.queues : 1;

    while (dev->fd_n < queues) {
        dev->fd[dev->fd_n] = open_node();
        if (dev->fd[dev->fd_n] < 0)
            return fail_node(err);
        dev->fd_n++;
        if (dev->fd_n == 1)
            dev->vnet = can_vnet(dev);
        if (attach_queue(dev, dev->fd_n - 1, err) < 0)
            return -1;
    }
    allow_super(dev);
    dev->ifindex = if_nametoindex(dev->name);
    dev->blocks = drv_blocks_new();
    if (!dev->blocks)
        return drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
    return 0;
}

static void close_tun(struct drv_dev *dev, struct plait_stack *stack)
{
    drv_blocks_free(dev->blocks, stack);
}

static int probe(const struct drv_dev_spec *link, struct drv_error *err)
{
    int fd = open_node();

    (void)link;
    if (fd < 0)
        return fail_node(err);
    (void)close(fd);
    return 0;
}

/* ---- packets -------------------------------------------------------------------------------- */

static size_t room(const struct msghdr *msg)
{
    size_t n = 0;
    for (size_t i = 0; i < msg->msg_iovlen; i++)
        n += msg->msg_iov[i].iov_len;
    return n;
}

/* A packet that does not fit is cut off without a word: one that fills the room may be one. */
static int read_packets(int fd, struct mmsghdr *msg, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct msghdr *m = &msg[i].msg_hdr;
        ssize_t got = readv(fd, m->msg_iov, (int)m->msg_iovlen);
        if (got < 0)
            return i > 0 ? (int)i : -1;
        msg[i].msg_len = (unsigned)got;
        m->msg_flags = (size_t)got == room(m) ? MSG_TRUNC : 0;
    }
    return (int)n;
}

static size_t fill(struct drv_dev *dev, size_t queue)
{
    return drv_blocks_fill(dev, queue, read_packets);
}

/* The packets of a flow go by one queue: that of its addresses and ports. */
static size_t queue_of(const struct drv_dev *dev, const struct msghdr *msg)
{
    const uint8_t *ip = (const uint8_t *)msg->msg_iov[0].iov_base + (dev->vnet ? VNET_LEN : 0);
    size_t at = ip[0] >> 4 == 6 ? 8 : 12, end = ip[0] >> 4 == 6 ? 44 : (ip[0] & 15u) * 4u + 4;
    uint32_t h = 2166136261u;

    if (dev->fd_n == 1)
        return 0;
    for (; at < end; at++)
        h = (h ^ ip[at]) * 16777619u;
    return (h ^ h >> 16) % dev->fd_n;
}

static int send_packets(struct drv_dev *dev, struct mmsghdr *msg, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct msghdr *m = &msg[i].msg_hdr;
        if (writev(dev->fd[queue_of(dev, m)], m->msg_iov, (int)m->msg_iovlen) < 0)
            return i > 0 ? (int)i : -1;
    }
    return (int)n;
}

const struct drv_driver drv_tun = {
    .name = "tun",
    .own_addrs = true,
    .joins = true,
    .probe = probe,
    .open = open_tun,
    .close = close_tun,
    .fill = fill,
    .done = drv_blocks_done,
    .send = send_packets,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver is, and what all of them share. Private to dev.c, tx.c and the drivers. */
#ifndef DRV_DEV_IMPL_H
#define DRV_DEV_IMPL_H

#include "dev.h"
#include "wire/wire.h"

#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <sys/socket.h>

enum {
    RX_BATCH = 16,
    RX_IP_AT = 16, /* of the IP header in a block: aligned, and the payload too (rx_blocks.c) */
    RX_SIZE = 65536 + 256, /* of a block: the largest IP packet, link header, pad */
    RX_KEEP = 16384,       /* frames from this size on are handed over with their block */
    JOIN_MIN = 256,        /* smaller frames are not worth joining */
    TX_BATCH = 16,
    VNET_LEN = sizeof(struct virtio_net_hdr),
    LINK_MAX = 14,
};

struct rx_frame {
    const uint8_t *bytes;
    size_t len;                /* 0: to be skipped */
    struct plait_block *block; /* the bytes' own, for the stack to keep; NULL: they are lent */
    bool csum_ok;
    bool super; /* the kernel has joined it, or it was never cut */
};

/* One way to an interface. All but open, close, fill, done and send may be NULL. */
struct drv_driver {
    const char *name;
    bool own_addrs; /* drv_driver_has_own_addrs() */
    bool joins;     /* frames that came apart are joined here (join.c) */
    /* Whether the system allows it at all. */
    int (*probe)(const struct drv_dev_spec *link, struct drv_error *err);
    /* Fills fd[], ifindex (where spec has none), link_len, vnet and gso of dev, and lost where it
     * had to do without something. */
    int (*open)(struct drv_dev *dev, struct drv_error *err);
    /* After an open() that failed, too. */
    void (*close)(struct drv_dev *dev, struct plait_stack *stack);
    bool (*is_ready)(const struct drv_dev *dev);
    /* Frames that wait in a queue, at most RX_BATCH, into dev->rx; how many. */
    size_t (*fill)(struct drv_dev *dev, size_t queue);
    /* The stack has the block of frame i, or is done with its bytes. */
    void (*done)(struct drv_dev *dev, size_t i, bool kept);
    /* As sendmmsg(2), with the link's address of each message already there. */
    int (*send)(struct drv_dev *dev, struct mmsghdr *msg, unsigned n);
    /* Adds the kernel's own counts to dev->counters. */
    void (*count)(struct drv_dev *dev);
};

extern const struct drv_driver drv_afpacket, drv_afpacket_ring, drv_tun;

struct drv_blocks;
struct drv_ring;
struct drv_tx;

struct drv_dev {
    const struct drv_driver *driver;
    struct drv_dev_spec spec; /* its strings are the caller's and gone after open() */
    char name[16];
    uint32_t ifindex;
    uint8_t link_len;       /* 14 or 0 */
    bool vnet;              /* a virtio_net_hdr stands before each frame */
    bool gso;               /* super-segments may be sent */
    int fd[DRV_QUEUES_MAX]; /* one for each queue */
    size_t fd_n;
    struct sockaddr_ll to[2]; /* where messages over IPv4 and IPv6 go, if to_len > 0 */
    socklen_t to_len;
    char lost[256];
    struct drv_counters counters;

    struct drv_ring *ring;     /* rx_ring.c, where the driver has one, and */
    struct drv_blocks *blocks; /* rx_blocks.c */
    struct rx_frame rx[RX_BATCH];
    size_t rx_n;
    struct wire_gro join;           /* frames of the batch that are joined here */
    struct plait_block *join_block; /* where; NULL: not yet */
    size_t joined;                  /* so many make up the frame that was handed on last; 1: none */
    struct plait_stack *stack;      /* whose blocks receive it */
    struct drv_tx *tx;
};

/* ---- receiving into blocks: rx_blocks.c ----------------------------------------------------- */

struct drv_blocks *drv_blocks_new(void); /* NULL: out of memory */
void drv_blocks_free(struct drv_blocks *blocks, struct plait_stack *stack);
/* Fills dev->rx from a queue by read(), which is as recvmmsg(2). */
typedef int drv_read_fn(int fd, struct mmsghdr *msg, unsigned n);
size_t drv_blocks_fill(struct drv_dev *dev, size_t queue, drv_read_fn *read);
/* The same in two steps. How many of at most so many frames were read, from that slot on; -1: an
 * error that was noted, or a signal, or no memory: frames are left where they were. */
int drv_blocks_read(struct drv_dev *dev, size_t queue, unsigned first, unsigned most,
                    drv_read_fn *read);
void drv_blocks_look(struct drv_dev *dev, size_t i, struct rx_frame *frame);
void drv_blocks_done(struct drv_dev *dev, size_t i, bool kept);

/* ---- receiving from a ring: rx_ring.c ------------------------------------------------------- */

/* After PACKET_VNET_HDR and before bind(). NULL: errno says why, the socket is as before. */
struct drv_ring *drv_ring_new(int fd);
void drv_ring_free(struct drv_ring *ring);
/* The kernel has put a frame into the ring. */
bool drv_ring_is_ready(const struct drv_dev *dev);
/* Small frames lie in the ring, large ones are read into blocks. */
size_t drv_ring_fill(struct drv_dev *dev, size_t queue, drv_read_fn *read);
/* The kernel gets all frames of the batch up to i back. */
void drv_ring_done(struct drv_dev *dev, size_t i, bool kept);

/* Whether somebody has checked the checksum, or nobody has to. */
static inline bool rx_csum_ok(const struct virtio_net_hdr *vnet)
{
    return (vnet->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) != 0;
}

/* ---- joining what the kernel has not: join.c ------------------------------------------------ */

/* Joins frame i of the batch and those that follow it: how many, which then have no length. 1: none
 * could be joined, in is not filled. */
size_t drv_join_from(struct drv_dev *dev, size_t i, struct plait_in *in);

/* ---- sending: tx.c -------------------------------------------------------------------------- */

struct drv_tx *drv_tx_new(void); /* NULL: out of memory */
void drv_tx_free(struct drv_tx *tx);
bool drv_tx_is_blocked(const struct drv_tx *tx);
void drv_tx_push(struct drv_dev *dev, const struct plait_out *out, const uint8_t mac[6]);
void drv_tx_flush(struct drv_dev *dev);

#endif

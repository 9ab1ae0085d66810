/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways to receive from a packet socket: by system calls (rx_msgs.c), or from a ring that
 * the kernel fills (rx_ring.c). Private to afpacket.c and these. */
#ifndef DRV_RX_H
#define DRV_RX_H

#include "afpacket.h"

#include <linux/virtio_net.h>

enum {
    RX_BATCH = 16,
    RX_PAD = 2,            /* bytes of a block before the frame: aligns the IP header */
    RX_SIZE = 65536 + 256, /* of a block: the largest IP packet, link header, pad */
    RX_KEEP = 16384,       /* frames from this size on are handed over with their block */
};

struct rx_frame {
    const uint8_t *bytes;
    size_t len;                /* 0: to be skipped */
    struct plait_block *block; /* the bytes' own, for the stack to keep; NULL: they are lent */
    bool csum_ok;
};

struct drv_msgs;
struct drv_ring;

struct drv_msgs *drv_msgs_new(struct drv_afp_counters *counters); /* NULL: out of memory */
void drv_msgs_free(struct drv_msgs *msgs, struct plait_stack *stack);
/* Fills frame[] with at most RX_BATCH; how many. */
size_t drv_msgs_recv(struct drv_msgs *msgs, int fd, struct plait_stack *stack,
                     struct rx_frame *frame);
void drv_msgs_taken(struct drv_msgs *msgs, size_t i); /* the stack has the block of frame i */

/* After PACKET_VNET_HDR and before bind(). NULL: errno says why, the socket is as before. */
struct drv_ring *drv_ring_new(int fd, struct drv_afp_counters *counters);
void drv_ring_free(struct drv_ring *ring);
/* The kernel has put a frame into the ring. */
bool drv_ring_is_ready(const struct drv_ring *ring);
/* The frames lie in the ring, none has a block. */
size_t drv_ring_recv(struct drv_ring *ring, struct rx_frame *frame);
/* Copies a large frame i of the batch to a block, while the stack has some. */
void drv_ring_move(struct drv_ring *ring, size_t i, struct plait_stack *stack,
                   struct rx_frame *frame);
/* The kernel gets all frames of the batch up to i back. */
void drv_ring_release(struct drv_ring *ring, size_t i);

/* Whether somebody has checked the checksum, or nobody has to. */
static inline bool rx_csum_ok(const struct virtio_net_hdr *vnet)
{
    return (vnet->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) != 0;
}

#endif

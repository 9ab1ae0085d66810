/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving by system calls, a batch at a time. Called by the drivers that read descriptors, and by
 * rx_ring.c for what has no place there.
 *
 * A batch of blocks of the stack, largest size, is filled by one call of the driver's reading
 * function. A large frame is handed on as its block. A small one is lent for the call, so that the
 * stack copies it into a block of its size, and the same few blocks, hot in the cache, serve again.
 * The IP header starts 16 bytes into a page: it is aligned, and the payload lies 56 bytes or more
 * ahead of a page's start, where the kernel's copy from page-aligned memory is fast (1 to 31 bytes
 * ahead it is ten times slower on common CPUs). */
#include "dev_impl.h"

#include <errno.h>
#include <stdlib.h>

struct rx_slot {
    struct virtio_net_hdr vnet;
    struct plait_block *block; /* NULL: the slot has no memory, or the scratch buffer */
    uint8_t *frame;            /* where the frame starts */
    struct iovec iov[2];
};

struct drv_blocks {
    struct rx_slot slot[RX_BATCH];
    struct mmsghdr msg[RX_BATCH];
    uint8_t scratch[RX_SIZE]; /* for when the stack has no block */
};

struct drv_blocks *drv_blocks_new(void)
{
    return calloc(1, sizeof(struct drv_blocks));
}

void drv_blocks_free(struct drv_blocks *blocks, struct plait_stack *stack)
{
    for (int i = 0; blocks && i < RX_BATCH; i++)
        if (blocks->slot[i].block)
            plait_block_put(stack, blocks->slot[i].block);
    free(blocks);
}

/* Where no offload header comes, the frame stands alone. */
static void give_memory(const struct drv_dev *dev, struct drv_blocks *blocks, unsigned i,
                        struct plait_block *block)
{
    struct rx_slot *slot = &blocks->slot[i];
    struct msghdr *msg = &blocks->msg[i].msg_hdr;
    size_t size, pad = (size_t)(RX_IP_AT - dev->link_len);

    slot->block = block;
    slot->frame = (block ? plait_block_bytes(block, &size) : blocks->scratch) + pad;
    slot->iov[0] = (struct iovec){&slot->vnet, VNET_LEN};
    slot->iov[1] = (struct iovec){slot->frame, RX_SIZE - pad};
    msg->msg_iov = dev->vnet ? slot->iov : slot->iov + 1;
    msg->msg_iovlen = dev->vnet ? 2 : 1;
}

/* The number of slots that can take a frame: at least one. */
static unsigned refill(struct drv_dev *dev)
{
    struct drv_blocks *blocks = dev->blocks;
    unsigned n;

    for (n = 0; n < RX_BATCH; n++) {
        struct plait_block *block;
        if (blocks->slot[n].block)
            continue;
        block = plait_block_get(dev->stack, RX_SIZE);
        if (!block)
            break;
        give_memory(dev, blocks, n, block);
    }
    if (n > 0)
        return n;
    give_memory(dev, blocks, 0, NULL);
    return 1;
}

void drv_blocks_look(struct drv_dev *dev, size_t i, struct rx_frame *frame)
{
    const struct rx_slot *slot = &dev->blocks->slot[i];
    const struct mmsghdr *msg = &dev->blocks->msg[i];
    size_t before = dev->vnet ? VNET_LEN : 0;

    *frame = (struct rx_frame){.bytes = slot->frame};
    if (msg->msg_hdr.msg_flags & MSG_TRUNC) {
        dev->counters.in_truncated++;
        return;
    }
    if (msg->msg_len <= before)
        return;
    frame->csum_ok = dev->vnet && rx_csum_ok(&slot->vnet);
    frame->super = dev->vnet && slot->vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE;
    frame->len = msg->msg_len - before;
    frame->block = frame->len >= RX_KEEP ? slot->block : NULL;
    if (!slot->block)
        dev->counters.in_scratch++;
}

int drv_blocks_read(struct drv_dev *dev, size_t queue, unsigned first, unsigned most,
                    drv_read_fn *read)
{
    unsigned end = refill(dev);
    int n;

    if (first >= end)
        return -1;
    n = read(dev->fd[queue], dev->blocks->msg + first, most < end - first ? most : end - first);
    if (n >= 0 || errno == EAGAIN)
        return n < 0 ? 0 : n;
    if (errno != EINTR)
        dev->counters.last_errno = errno; /* ENETDOWN: told once, the socket lives on */
    return -1;
}

size_t drv_blocks_fill(struct drv_dev *dev, size_t queue, drv_read_fn *read)
{
    int n = drv_blocks_read(dev, queue, 0, RX_BATCH, read);

    for (int i = 0; i < n; i++)
        drv_blocks_look(dev, (size_t)i, &dev->rx[i]);
    return n > 0 ? (size_t)n : 0;
}

void drv_blocks_done(struct drv_dev *dev, size_t i, bool kept)
{
    if (kept)
        dev->blocks->slot[i].block = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving by recvmmsg, a batch at a time. Called by afpacket.c.
 *
 * A batch of blocks of the stack, largest size, is filled by one system call. A large frame is
 * handed on as its block. A small one is lent for the call, so that the stack copies it into a
 * block of its size, and the same few blocks, hot in the cache, serve again. Frames start 2 bytes
 * into a page: the IP header is aligned, and the payload lies 60 bytes or more ahead of a page's
 * start, where the kernel's copy from page-aligned memory is fast (1 to 31 bytes ahead it is ten
 * times slower on common CPUs). */
#include "rx.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { VNET_LEN = sizeof(struct virtio_net_hdr) };

struct rx_slot {
    struct virtio_net_hdr vnet;
    struct plait_block *block; /* NULL: the slot has no memory, or the scratch buffer */
    uint8_t *frame;            /* where the frame starts */
    struct iovec iov[2];
};

struct drv_msgs {
    struct drv_afp_counters *counters;
    struct rx_slot slot[RX_BATCH];
    struct mmsghdr msg[RX_BATCH];
    uint8_t scratch[RX_SIZE]; /* for when the stack has no block */
};

struct drv_msgs *drv_msgs_new(struct drv_afp_counters *counters)
{
    struct drv_msgs *msgs = calloc(1, sizeof *msgs);

    if (!msgs)
        return NULL;
    msgs->counters = counters;
    for (int i = 0; i < RX_BATCH; i++) {
        struct rx_slot *slot = &msgs->slot[i];
        slot->iov[0] = (struct iovec){&slot->vnet, VNET_LEN};
        msgs->msg[i].msg_hdr.msg_iov = slot->iov;
        msgs->msg[i].msg_hdr.msg_iovlen = 2;
    }
    return msgs;
}

void drv_msgs_free(struct drv_msgs *msgs, struct plait_stack *stack)
{
    for (int i = 0; msgs && i < RX_BATCH; i++)
        if (msgs->slot[i].block)
            plait_block_put(stack, msgs->slot[i].block);
    free(msgs);
}

static void give_memory(struct rx_slot *slot, struct plait_block *block, uint8_t *mem)
{
    slot->block = block;
    slot->frame = mem + RX_PAD;
    slot->iov[1] = (struct iovec){slot->frame, RX_SIZE - RX_PAD};
}

/* The number of slots that can take a frame: at least one. */
static unsigned refill(struct drv_msgs *msgs, struct plait_stack *stack)
{
    unsigned n;
    for (n = 0; n < RX_BATCH; n++) {
        struct plait_block *block;
        size_t size;
        if (msgs->slot[n].block)
            continue;
        block = plait_block_get(stack, RX_SIZE);
        if (!block)
            break;
        give_memory(&msgs->slot[n], block, plait_block_bytes(block, &size));
    }
    if (n > 0)
        return n;
    give_memory(&msgs->slot[0], NULL, msgs->scratch);
    return 1;
}

static void look_at(struct drv_msgs *msgs, int i, struct rx_frame *frame)
{
    const struct rx_slot *slot = &msgs->slot[i];
    const struct mmsghdr *msg = &msgs->msg[i];

    *frame = (struct rx_frame){.bytes = slot->frame, .csum_ok = rx_csum_ok(&slot->vnet)};
    if (msg->msg_hdr.msg_flags & MSG_TRUNC) {
        msgs->counters->in_truncated++;
        return;
    }
    if (msg->msg_len <= VNET_LEN)
        return;
    frame->len = msg->msg_len - VNET_LEN;
    frame->block = frame->len >= RX_KEEP ? slot->block : NULL;
    if (!slot->block)
        msgs->counters->in_scratch++;
}

size_t drv_msgs_recv(struct drv_msgs *msgs, int fd, struct plait_stack *stack,
                     struct rx_frame *frame)
{
    unsigned slots = refill(msgs, stack);
    int n = recvmmsg(fd, msgs->msg, slots, MSG_DONTWAIT, NULL);

    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            msgs->counters->last_errno = errno; /* ENETDOWN: told once, the socket lives on */
        return 0;
    }
    for (int i = 0; i < n; i++)
        look_at(msgs, i, &frame[i]);
    return (size_t)n;
}

void drv_msgs_taken(struct drv_msgs *msgs, size_t i)
{
    msgs->slot[i].block = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Received frames that nobody below has joined: those of a batch that follow each other are joined
 * here, in a block of the stack, which then sees one packet where it would have seen a dozen, and
 * answers it with one ACK. Called by dev.c; what may be joined is wire/gro.c's.
 *
 * A run ends with its batch: nothing waits for a packet that may come. */
#include "dev_impl.h"

/* Without memory nothing is joined, and nothing is lost. */
static bool get_block(struct drv_dev *dev)
{
    size_t size, pad = RX_IP_AT;
    uint8_t *mem;

    if (!dev->join_block)
        dev->join_block = plait_block_get(dev->stack, RX_SIZE);
    if (!dev->join_block)
        return false;
    mem = plait_block_bytes(dev->join_block, &size);
    dev->join = (struct wire_gro){.bytes = mem + pad, .cap = UINT16_MAX};
    return true;
}

static bool is_alone(const struct rx_frame *frame)
{
    return frame->len > JOIN_MIN && !frame->super;
}

static const uint8_t *ip_of(const struct drv_dev *dev, const struct rx_frame *frame)
{
    return frame->bytes + dev->link_len;
}

static uint32_t ip_len_of(const struct drv_dev *dev, const struct rx_frame *frame)
{
    return (uint32_t)(frame->len - dev->link_len);
}

size_t drv_join_from(struct drv_dev *dev, size_t i, struct plait_in *in)
{
    struct rx_frame *first = &dev->rx[i], *next = first + 1, *end = dev->rx + dev->rx_n;
    struct wire_gro *run = &dev->join;

    if (next >= end || !is_alone(first) || !is_alone(next) || !get_block(dev))
        return 1;
    if (!wire_gro_begin(run, ip_of(dev, first), ip_len_of(dev, first), first->csum_ok))
        return 1;
    first->csum_ok = true; /* that was looked at */
    while (next < end && is_alone(next) &&
           wire_gro_add(run, ip_of(dev, next), ip_len_of(dev, next), next->csum_ok))
        next++->len = 0;
    if (next == first + 1)
        return 1;
    in->len = wire_gro_end(run);
    in->ip = run->bytes;
    in->block = in->len >= RX_KEEP ? dev->join_block : NULL;
    in->csum_ok = true;
    in->ifindex = dev->ifindex;
    return (size_t)(next - first);
}

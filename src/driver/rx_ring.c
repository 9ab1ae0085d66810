/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving from a ring of frames that the kernel fills and we read without a system call
 * (TPACKET_V2). Called by afpacket.c.
 *
 * Each place in the ring holds the largest frame there is, so that a super-segment comes whole. A
 * small frame is lent to the stack where it lies, which copies it into a block of its size; a large
 * one is copied here, once, into a block that the stack keeps. Then the place goes back to the
 * kernel: what the stack holds never keeps the ring full.
 *
 * The kernel owns a place while its status is TP_STATUS_KERNEL, we own it from TP_STATUS_USER on;
 * the status is read before and written after everything else of the place.
 *
 * A full ring drops what comes, which the kernel counts. The memory is locked, so the size is a
 * bound too: there is one ring for each interface in use. */
#include "dev_impl.h"

#include "base/copy.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    FRAME = 69632, /* 17 pages: a super-segment and the headers before it */
    BLOCK = 1 << 20,
    BLOCK_FRAMES = BLOCK / FRAME,
    BLOCKS = 8,
    PLACES = BLOCKS * BLOCK_FRAMES,
    /* Bytes that put the IP header, behind all others, to a multiple of 16. */
    RESERVE = 16 - VNET_LEN,
};

struct drv_ring {
    uint8_t *mem;
    unsigned next;     /* the place that the kernel fills next, once all before it are read */
    unsigned first;    /* of the batch */
    unsigned released; /* places of the batch that are the kernel's again */
    unsigned n;        /* places in the batch */
};

static struct tpacket2_hdr *place(const struct drv_ring *ring, unsigned i)
{
    size_t at = (size_t)(i / BLOCK_FRAMES) * BLOCK + (size_t)(i % BLOCK_FRAMES) * FRAME;
    return (struct tpacket2_hdr *)(void *)(ring->mem + at);
}

static unsigned after(unsigned i, unsigned n)
{
    return (i + n) % PLACES;
}

/* False: there is no ring, and the socket works as without one. */
static bool ask_for_ring(int fd)
{
    struct tpacket_req req = {
        .tp_block_size = BLOCK,
        .tp_block_nr = BLOCKS,
        .tp_frame_size = FRAME,
        .tp_frame_nr = PLACES,
    };
    int version = TPACKET_V2;
    unsigned reserve = RESERVE;

    return setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) == 0 &&
           setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve) == 0 &&
           setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) == 0;
}

struct drv_ring *drv_ring_new(int fd)
{
    static const struct tpacket_req none;
    struct drv_ring *ring = calloc(1, sizeof *ring);
    int why;

    if (!ring || !ask_for_ring(fd)) {
        free(ring);
        return NULL;
    }
    ring->mem = mmap(NULL, (size_t)BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring->mem == MAP_FAILED) {
        why = errno;
        (void)setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof none);
        free(ring);
        errno = why;
        return NULL;
    }
    return ring;
}

void drv_ring_free(struct drv_ring *ring)
{
    if (ring)
        (void)munmap(ring->mem, (size_t)BLOCKS * BLOCK);
    free(ring);
}

static uint32_t status(const struct drv_ring *ring, unsigned i)
{
    return __atomic_load_n(&place(ring, i)->tp_status, __ATOMIC_ACQUIRE);
}

static bool is_filled(const struct drv_ring *ring)
{
    return (status(ring, ring->next) & TP_STATUS_USER) != 0;
}

bool drv_ring_is_ready(const struct drv_dev *dev)
{
    return is_filled(dev->ring);
}

static void look_at(struct drv_dev *dev, unsigned i, struct rx_frame *frame)
{
    const struct tpacket2_hdr *hdr = place(dev->ring, i);
    struct virtio_net_hdr vnet;

    *frame = (struct rx_frame){.bytes = (const uint8_t *)hdr + hdr->tp_mac};
    if (hdr->tp_snaplen < hdr->tp_len) {
        dev->counters.in_truncated++;
        return;
    }
    memcpy(&vnet, frame->bytes - VNET_LEN, sizeof vnet);
    frame->csum_ok = rx_csum_ok(&vnet);
    frame->super = vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE;
    frame->len = hdr->tp_len;
}

/* Reading a ring is no system call that would take the socket's error, and poll() tells of it until
 * somebody does. */
static void take_error(struct drv_dev *dev, int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0)
        dev->counters.last_errno = error; /* ENETDOWN: told once, the socket lives on */
}

size_t drv_ring_fill(struct drv_dev *dev, size_t queue)
{
    struct drv_ring *ring = dev->ring;

    ring->first = ring->next;
    ring->released = ring->n = 0;
    while (ring->n < RX_BATCH && is_filled(ring)) {
        look_at(dev, ring->next, &dev->rx[ring->n++]);
        ring->next = after(ring->next, 1);
    }
    if (ring->n == 0)
        take_error(dev, dev->fd[queue]);
    return ring->n;
}

static void release(struct drv_ring *ring, size_t i)
{
    while (ring->released < ring->n && ring->released <= i)
        __atomic_store_n(&place(ring, after(ring->first, ring->released++))->tp_status,
                         TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

void drv_ring_move(struct drv_dev *dev, size_t i)
{
    struct rx_frame *frame = &dev->rx[i];
    size_t size, pad = (size_t)(RX_IP_AT - dev->link_len);
    struct plait_block *block;
    uint8_t *to;

    if (frame->len < RX_KEEP || frame->len > RX_SIZE - pad)
        return;
    block = plait_block_get(dev->stack, RX_SIZE);
    if (!block) {
        dev->counters.in_scratch++;
        return;
    }
    to = plait_block_bytes(block, &size) + pad;
    copy_bulk(to, frame->bytes, frame->len);
    frame->bytes = to;
    frame->block = block;
    release(dev->ring, i);
}

void drv_ring_done(struct drv_dev *dev, size_t i, bool kept)
{
    struct rx_frame *frame = &dev->rx[i];

    if (frame->block && !kept)
        plait_block_put(dev->stack, frame->block);
    frame->block = NULL;
    release(dev->ring, i);
}

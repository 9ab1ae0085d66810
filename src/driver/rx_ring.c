/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving from a ring of frames that the kernel fills and we read without a system call
 * (TPACKET_V2). Called by afpacket.c.
 *
 * A place holds a small frame, which is lent to the stack where it lies; the stack copies it into a
 * block of its size. A larger one has no place: there stands only that the frame waits in the
 * socket's queue (PACKET_COPY_THRESH), and it is read into a block, which the stack keeps: its
 * bytes are copied no more often than without the ring. The queue has its frames in the order of
 * the ring.
 *
 * The kernel owns a place while its status is TP_STATUS_KERNEL, we own it from TP_STATUS_USER on;
 * the status is read before and written after everything else of the place.
 *
 * A full ring drops what comes, which the kernel counts; so does a full queue, which we see. The
 * memory is locked, so the size is a bound too: there is one ring for each interface in use. */
#include "dev_impl.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    FRAME = 512, /* an acknowledgment, a request, and the headers before it */
    BLOCK = 1 << 16,
    BLOCKS = 32,
    PLACES = BLOCKS * (BLOCK / FRAME),
    /* Bytes that put the IP header, behind all others, to a multiple of 16. */
    RESERVE = 16 - VNET_LEN,
    IN_PLACE = RX_BATCH, /* in place of a slot of rx_blocks.c: the frame is in the ring */
};

struct drv_ring {
    uint8_t *mem;
    unsigned next;     /* the place that the kernel fills next, once all before it are read */
    unsigned first;    /* of the batch */
    unsigned released; /* places of the batch that are the kernel's again */
    unsigned n;        /* places in the batch */
    unsigned large_n;  /* of which so many said that the frame is in the queue */
    uint8_t slot[RX_BATCH]; /* where it was read to */
    unsigned at;            /* the slot of the next large frame, */
    unsigned ahead;         /* which was read already, as were so many in all */
};

_Static_assert(BLOCK % FRAME == 0, "places follow each other across blocks");

static struct tpacket2_hdr *place(const struct drv_ring *ring, unsigned i)
{
    return (struct tpacket2_hdr *)(void *)(ring->mem + (size_t)i * FRAME);
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
    int version = TPACKET_V2, queue_large = 1;
    unsigned reserve = RESERVE;

    return setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) == 0 &&
           setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve) == 0 &&
           setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &queue_large, sizeof queue_large) == 0 &&
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

static void look_at(struct drv_dev *dev, const struct tpacket2_hdr *hdr, struct rx_frame *frame)
{
    struct virtio_net_hdr vnet;

    *frame = (struct rx_frame){.bytes = (const uint8_t *)hdr + hdr->tp_mac};
    if (hdr->tp_snaplen < hdr->tp_len) { /* too large, and the queue was full */
        dev->counters.in_kernel_drop++;
        return;
    }
    memcpy(&vnet, frame->bytes - VNET_LEN, sizeof vnet);
    frame->csum_ok = rx_csum_ok(&vnet);
    frame->super = vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE;
    frame->len = hdr->tp_len;
}

/* Reads large frames, also those whose places the kernel is about to fill: as many as there are
 * slots, up to the last one. */
static int read_large(struct drv_dev *dev, size_t queue, drv_read_fn *read)
{
    struct drv_ring *ring = dev->ring;
    unsigned room = RX_BATCH - ring->large_n, end = RX_BATCH - ring->at;

    return drv_blocks_read(dev, queue, ring->at, room < end ? room : end, read);
}

/* False: the frame cannot be read now, and the place stays as it is. */
static bool take_large(struct drv_dev *dev, size_t queue, drv_read_fn *read)
{
    struct drv_ring *ring = dev->ring;
    int n = ring->ahead > 0 ? (int)ring->ahead : read_large(dev, queue, read);

    if (n < 0)
        return false;
    if (n == 0) { /* not in the queue: that the kernel does not do */
        dev->rx[ring->n] = (struct rx_frame){.len = 0};
        dev->counters.in_truncated++;
        return true;
    }
    drv_blocks_look(dev, ring->at, &dev->rx[ring->n]);
    ring->slot[ring->n] = (uint8_t)ring->at;
    ring->at = (ring->at + 1) % RX_BATCH;
    ring->ahead = (unsigned)n - 1;
    ring->large_n++;
    return true;
}

static bool take_place(struct drv_dev *dev, size_t queue, drv_read_fn *read)
{
    struct drv_ring *ring = dev->ring;
    const struct tpacket2_hdr *hdr = place(ring, ring->next);

    ring->slot[ring->n] = IN_PLACE;
    if ((hdr->tp_status & TP_STATUS_COPY) == 0)
        look_at(dev, hdr, &dev->rx[ring->n]);
    else if (!take_large(dev, queue, read))
        return false;
    ring->n++;
    ring->next = after(ring->next, 1);
    return true;
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

size_t drv_ring_fill(struct drv_dev *dev, size_t queue, drv_read_fn *read)
{
    struct drv_ring *ring = dev->ring;

    ring->first = ring->next;
    ring->released = ring->n = ring->large_n = 0;
    if (ring->ahead == 0)
        ring->at = 0; /* where there is always memory */
    if (!is_filled(ring))
        take_error(dev, dev->fd[queue]);
    while (ring->n < RX_BATCH && is_filled(ring))
        if (!take_place(dev, queue, read))
            break;
    return ring->n;
}

static void release(struct drv_ring *ring, size_t i)
{
    while (ring->released < ring->n && ring->released <= i)
        __atomic_store_n(&place(ring, after(ring->first, ring->released++))->tp_status,
                         TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

void drv_ring_done(struct drv_dev *dev, size_t i, bool kept)
{
    if (dev->ring->slot[i] != IN_PLACE)
        drv_blocks_done(dev, dev->ring->slot[i], kept);
    release(dev->ring, i);
}

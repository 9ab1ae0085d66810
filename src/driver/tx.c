/* SPDX-License-Identifier: Apache-2.0 */
/* Packets on their way out of a device. Called by dev.c; how they get to the kernel is the
 * driver's.
 *
 * The packets of one batch lie in slots: headers copied, payload by reference. One call of the
 * driver for all. A super-segment of up to 64 KB goes out as one frame with gso_size; checksums are
 * left to whoever is below (NEEDS_CSUM). Where the kernel takes no super-segments, or no offload
 * header, they are cut here (wire_gso_cut) and, in the latter case, checksums computed: the stack
 * still plans 64 KB at a time, and the rest costs what it costs.
 *
 * A packet is committed before it is sent, so the kernel must not say "not now" to it: what finds
 * the send buffer full is copied to a backlog, which is the tail of the interface's queue. When
 * that is full too, or when the queue discipline drops a packet (ENOBUFS), it is lost like on any
 * router, and counted. One interface thus never holds up another. */
#include "dev_impl.h"

#include "wire/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG_MAX = 4 << 20, /* bytes that may wait for room in the send buffer */
    TCP_CSUM_AT = 16,      /* of the checksum in the TCP header */
};

struct tx_slot {
    uint8_t head[VNET_LEN + LINK_MAX + PLAIT_HEAD_MAX]; /* the first bytes unused without vnet */
    uint8_t head_len, ip_len;                           /* of IP and TCP, and of IP alone */
    bool v6;
    uint32_t payload_len, gso_size; /* gso_size 0: it is one packet */
    struct iovec iov[1 + PLAIT_VIEWS_MAX];
    unsigned iov_n;
};

struct tx_batch {
    struct tx_slot slot[TX_BATCH];
    struct mmsghdr msg[TX_BATCH];
    unsigned n;
};

/* A frame that waits, with its offload header. */
struct backlog {
    struct backlog *next;
    size_t len;
    bool v6;
    uint8_t bytes[];
};

struct drv_tx {
    struct tx_batch planned, pieces; /* what the stack said; what one of these is cut into */
    struct backlog *backlog, **backlog_end;
    size_t backlog_bytes;
};

struct drv_tx *drv_tx_new(void)
{
    struct drv_tx *tx = calloc(1, sizeof *tx);

    if (tx)
        tx->backlog_end = &tx->backlog;
    return tx;
}

void drv_tx_free(struct drv_tx *tx)
{
    while (tx && tx->backlog) {
        struct backlog *b = tx->backlog;
        tx->backlog = b->next;
        free(b);
    }
    free(tx);
}

bool drv_tx_is_blocked(const struct drv_tx *tx)
{
    return tx->backlog != NULL;
}

/* ---- a slot --------------------------------------------------------------------------------- */

static uint8_t *ip_of(const struct drv_dev *dev, struct tx_slot *slot)
{
    return slot->head + VNET_LEN + dev->link_len;
}

static void put_vnet(const struct drv_dev *dev, struct tx_slot *slot)
{
    struct virtio_net_hdr vnet;

    memset(&vnet, 0, sizeof vnet);
    vnet.hdr_len = (uint16_t)(dev->link_len + slot->head_len);
    if (dev->spec.offload) {
        vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        vnet.csum_start = (uint16_t)(dev->link_len + slot->ip_len);
        vnet.csum_offset = TCP_CSUM_AT;
    }
    if (slot->gso_size > 0) {
        vnet.gso_type = slot->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
        vnet.gso_size = (uint16_t)slot->gso_size;
    }
    memcpy(slot->head, &vnet, sizeof vnet);
}

static void put_link(const struct drv_dev *dev, struct tx_slot *slot, const uint8_t mac[6])
{
    uint8_t *at = slot->head + VNET_LEN;

    if (dev->link_len == 0)
        return;
    memcpy(at, mac, 6);
    memcpy(at + 6, dev->spec.mac, 6);
    at[12] = slot->v6 ? 0x86 : 0x08;
    at[13] = slot->v6 ? 0xdd : 0x00;
}

static void finish_checksum(const struct drv_dev *dev, struct tx_slot *slot)
{
    struct wire_view view[PLAIT_VIEWS_MAX];

    for (unsigned i = 1; i < slot->iov_n; i++)
        view[i - 1] = (struct wire_view){slot->iov[i].iov_base, slot->iov[i].iov_len};
    wire_finish_csum(ip_of(dev, slot), slot->head_len, slot->ip_len, view, slot->iov_n - 1);
}

/* The slot's headers and payload are in place: what the driver is given. */
static void seal(struct drv_dev *dev, struct tx_batch *batch, unsigned i)
{
    struct tx_slot *slot = &batch->slot[i];
    struct msghdr *msg = &batch->msg[i].msg_hdr;
    size_t skip = dev->vnet ? 0 : VNET_LEN;
    bool whole = slot->gso_size == 0 || dev->gso;

    put_vnet(dev, slot);
    if (whole && (!dev->vnet || !dev->spec.offload))
        finish_checksum(dev, slot);
    slot->iov[0] = (struct iovec){slot->head + skip,
                                  (size_t)(VNET_LEN + dev->link_len + slot->head_len) - skip};
    msg->msg_name = dev->to_len > 0 ? &dev->to[slot->v6] : NULL;
    msg->msg_namelen = dev->to_len;
    msg->msg_iov = slot->iov;
    msg->msg_iovlen = slot->iov_n;
}

static void show(struct drv_dev *dev, const struct tx_slot *slot)
{
    struct iovec iov[1 + PLAIT_VIEWS_MAX];
    size_t skip = dev->vnet ? VNET_LEN : 0;

    if (!dev->spec.tap)
        return;
    memcpy(iov, slot->iov, slot->iov_n * sizeof iov[0]);
    iov[0].iov_base = (uint8_t *)iov[0].iov_base + skip;
    iov[0].iov_len -= skip;
    dev->spec.tap(dev->spec.tap_ctx, dev, iov, (int)slot->iov_n, true);
}

void drv_tx_push(struct drv_dev *dev, const struct plait_out *out, const uint8_t mac[6])
{
    struct tx_batch *batch = &dev->tx->planned;
    struct tx_slot *slot;

    if (batch->n == TX_BATCH)
        drv_tx_flush(dev);
    slot = &batch->slot[batch->n];
    slot->head_len = out->head_len;
    slot->ip_len = out->ip_len;
    slot->v6 = out->dst.family == 6;
    slot->payload_len = out->payload_len;
    slot->gso_size = out->payload_len > out->gso_size ? out->gso_size : 0;
    slot->iov_n = 1 + (unsigned)out->view_n;
    for (unsigned i = 0; i < out->view_n; i++) {
        const struct plait_view *view = &out->view[i];
        /* It is only read, but an iovec knows no const. */
        slot->iov[1 + i] = (struct iovec){(void *)(uintptr_t)view->data, view->len};
    }
    put_link(dev, slot, mac);
    memcpy(ip_of(dev, slot), out->head, out->head_len);
    seal(dev, batch, batch->n++);
    dev->counters.frames_out++;
    dev->counters.bytes_out += (size_t)dev->link_len + out->head_len + out->payload_len;
    show(dev, slot);
}

/* ---- what has to wait ----------------------------------------------------------------------- */

/* Copies packet i of the batch to the end of the backlog, or drops it where that is full. */
static void postpone(struct drv_dev *dev, const struct tx_batch *batch, unsigned i)
{
    const struct msghdr *msg = &batch->msg[i].msg_hdr;
    struct drv_tx *tx = dev->tx;
    struct backlog *b;
    size_t len = 0;

    for (size_t k = 0; k < msg->msg_iovlen; k++)
        len += msg->msg_iov[k].iov_len;
    b = tx->backlog_bytes + len <= BACKLOG_MAX ? malloc(sizeof *b + len) : NULL;
    if (!b) {
        dev->counters.out_backlog_full++;
        return;
    }
    *b = (struct backlog){.len = len, .v6 = batch->slot[i].v6};
    len = 0;
    for (size_t k = 0; k < msg->msg_iovlen; k++) {
        memcpy(b->bytes + len, msg->msg_iov[k].iov_base, msg->msg_iov[k].iov_len);
        len += msg->msg_iov[k].iov_len;
    }
    *tx->backlog_end = b;
    tx->backlog_end = &b->next;
    tx->backlog_bytes += len;
    dev->counters.out_backlogged++;
}

/* Counts a packet that is gone, by errno. */
static void lose(struct drv_dev *dev)
{
    if (errno == ENOBUFS) {
        dev->counters.out_queue_drop++;
        return;
    }
    dev->counters.out_error++;
    dev->counters.last_errno = errno;
}

static int send_waiting(struct drv_dev *dev, struct backlog *b)
{
    struct iovec iov = {b->bytes, b->len};
    struct mmsghdr msg = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

    if (dev->to_len > 0) {
        msg.msg_hdr.msg_name = &dev->to[b->v6];
        msg.msg_hdr.msg_namelen = dev->to_len;
    }
    return dev->driver->send(dev, &msg, 1);
}

static void send_backlog(struct drv_dev *dev)
{
    struct drv_tx *tx = dev->tx;

    while (tx->backlog) {
        struct backlog *b = tx->backlog;
        int n = send_waiting(dev, b);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            lose(dev);
        tx->backlog = b->next;
        if (!b->next)
            tx->backlog_end = &tx->backlog;
        tx->backlog_bytes -= b->len;
        free(b);
    }
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Packet i of the batch was not sent, errno says why. How many packets are dealt with. */
static unsigned judge(struct drv_dev *dev, const struct tx_batch *batch, unsigned i)
{
    if (errno == EINTR)
        return 0;
    if (errno == EAGAIN) {
        postpone(dev, batch, i);
        return 1;
    }
    if (batch->slot[i].gso_size > 0 && (errno == EINVAL || errno == EOPNOTSUPP)) {
        dev->gso = false; /* it will be cut, and all after it */
        return 0;
    }
    lose(dev);
    return 1;
}

/* Some of the packets from i to before end, none of which has to be cut. */
static unsigned send_run(struct drv_dev *dev, struct tx_batch *batch, unsigned i, unsigned end)
{
    int n;

    if (dev->tx->backlog) {
        postpone(dev, batch, i);
        return 1;
    }
    n = dev->driver->send(dev, batch->msg + i, end - i);
    return n > 0 ? (unsigned)n : judge(dev, batch, i);
}

static void send_pieces(struct drv_dev *dev)
{
    struct tx_batch *batch = &dev->tx->pieces;
    unsigned i = 0;

    while (i < batch->n)
        i += send_run(dev, batch, i, batch->n);
    batch->n = 0;
}

/* The payload from skip on, len bytes of it, as views of the piece. */
static void share_payload(const struct tx_slot *big, uint32_t skip, struct tx_slot *piece)
{
    size_t left = piece->payload_len;

    piece->iov_n = 1;
    for (unsigned i = 1; i < big->iov_n && left > 0; i++) {
        size_t here = big->iov[i].iov_len;
        if (skip >= here) {
            skip -= (uint32_t)here;
            continue;
        }
        here = here - skip < left ? here - skip : left;
        piece->iov[piece->iov_n++] = (struct iovec){(uint8_t *)big->iov[i].iov_base + skip, here};
        left -= here;
        skip = 0;
    }
}

static void cut(struct drv_dev *dev, struct tx_slot *big)
{
    struct tx_batch *batch = &dev->tx->pieces;
    struct wire_gso gso = {ip_of(dev, big), big->head_len, big->ip_len, big->gso_size,
                           big->payload_len};
    unsigned n = wire_gso_count(big->payload_len, big->gso_size);

    dev->counters.out_cut += n;
    for (unsigned i = 0; i < n; i++) {
        struct tx_slot *piece = &batch->slot[batch->n];
        uint32_t skip = i * big->gso_size;
        piece->head_len = big->head_len;
        piece->ip_len = big->ip_len;
        piece->v6 = big->v6;
        piece->payload_len = i + 1 < n ? big->gso_size : big->payload_len - skip;
        piece->gso_size = 0;
        memcpy(piece->head + VNET_LEN, big->head + VNET_LEN, dev->link_len);
        wire_gso_cut(&gso, i, ip_of(dev, piece));
        share_payload(big, skip, piece);
        seal(dev, batch, batch->n++);
        if (batch->n == TX_BATCH)
            send_pieces(dev);
    }
    send_pieces(dev);
}

static bool is_to_be_cut(const struct drv_dev *dev, const struct tx_slot *slot)
{
    return slot->gso_size > 0 && !dev->gso;
}

void drv_tx_flush(struct drv_dev *dev)
{
    struct tx_batch *batch = &dev->tx->planned;
    unsigned i = 0;

    send_backlog(dev);
    while (i < batch->n) {
        unsigned end = i;
        if (is_to_be_cut(dev, &batch->slot[i])) {
            cut(dev, &batch->slot[i++]);
            continue;
        }
        while (end < batch->n && !is_to_be_cut(dev, &batch->slot[end]))
            end++;
        i += send_run(dev, batch, i, end);
    }
    batch->n = 0;
}

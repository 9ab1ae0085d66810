/* SPDX-License-Identifier: Apache-2.0 */
/* The packet socket of one interface.
 *
 * PACKET_VNET_HDR puts a virtio_net_hdr before each frame, both ways. A super-segment of up to 64
 * KB goes out as one frame with gso_size, and what GRO has joined comes in as one: the unit of work
 * is the super-segment, 8 to 12 times cheaper than packets of the link's size. Checksums are left
 * to whoever is below (NEEDS_CSUM); of a received frame the kernel says whether it has been
 * checked.
 *
 * Receive: rx_ring.c or, where the system has no ring for us or the caller wants none, rx_msgs.c.
 *
 * Send: the packets of one batch lie in slots: headers copied, payload by reference. One sendmmsg
 * for all. A packet is committed before it is sent, so the socket must not say "not now" to it:
 * what finds the send buffer full is copied to a backlog, which is the tail of the interface's
 * queue. When that is full too, or when the queue discipline drops a packet (ENOBUFS), it is lost
 * like on any router, and counted. One interface thus never holds up another.
 *
 * Owned by the host, one for each interface; not on loopback's kind of link alone: an interface
 * without link header (wireguard, tun) works too. */
#include "afpacket.h"

#include "base/csum.h"
#include "filter.h"
#include "rx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TX_BATCH = 16,
    RCVBUF = 16 << 20, /* asked of the kernel, bytes */
    SNDBUF = 32 << 20,
    BACKLOG_MAX = 4 << 20, /* bytes that may wait for room in the send buffer */
    VNET_LEN = sizeof(struct virtio_net_hdr),
    LINK_MAX = 14,
    TCP_CSUM_AT = 16, /* of the checksum in the TCP header */
};

struct tx_slot {
    uint8_t head[VNET_LEN + LINK_MAX + PLAIT_HEAD_MAX];
    struct iovec iov[1 + PLAIT_VIEWS_MAX];
    uint32_t gso_size;
};

/* A frame that waits, with its offload header. */
struct backlog {
    struct backlog *next;
    size_t len;
    bool v6;
    uint8_t bytes[];
};

struct drv_afp {
    int fd;
    uint32_t ifindex;
    char name[16];
    uint8_t mac[6];
    uint8_t link_len;         /* 14 or 0 */
    bool gso;                 /* super-segments may be sent */
    struct drv_afp_spec spec; /* for the tap */
    struct sockaddr_ll to[2]; /* IPv4, IPv6 */
    struct drv_afp_counters counters;

    struct drv_ring *ring; /* or NULL, with ring_errno, and then */
    int ring_errno;
    struct drv_msgs *msgs;
    struct rx_frame rx[RX_BATCH]; /* what came last */
    size_t rx_n;
    struct plait_stack *stack; /* whose blocks receive it */

    struct tx_slot tx[TX_BATCH];
    struct mmsghdr tx_msg[TX_BATCH];
    unsigned tx_n;
    struct backlog *backlog, **backlog_end;
    size_t backlog_bytes;
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

static int attach_filter(int fd, uint8_t link_len, const struct drv_afp_spec *spec)
{
    struct sock_filter prog[DRV_FILTER_MAX];
    struct sock_fprog fprog = {.filter = prog};
    fprog.len = (unsigned short)drv_filter_build(prog, link_len, spec->ports, spec->port_n);
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof fprog);
}

/* The socket is made for protocol 0 and hears nothing until the filter is in place and it is bound.
 */
static int set_up_socket(struct drv_afp *afp, const struct drv_afp_spec *spec,
                         struct drv_error *err)
{
    struct sockaddr_ll sa;
    int on = 1;

    if (setsockopt(afp->fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s: the kernel has no PACKET_VNET_HDR: %s",
                        spec->name, strerror(errno));
    afp->gso = spec->offload;
    if (spec->ring && !(afp->ring = drv_ring_new(afp->fd, &afp->counters)))
        afp->ring_errno = errno;
    if (!afp->ring && !(afp->msgs = drv_msgs_new(&afp->counters)))
        return drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
    set_buffers(afp->fd);
    (void)setsockopt(afp->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    memset(&sa, 0, sizeof sa);
    sa.sll_family = AF_PACKET;
    sa.sll_protocol = htons(ETH_P_ALL);
    sa.sll_ifindex = (int)spec->ifindex;
    if (attach_filter(afp->fd, afp->link_len, spec) < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s: cannot attach the packet filter: %s",
                        spec->name, strerror(errno));
    if (bind(afp->fd, (struct sockaddr *)&sa, sizeof sa) < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "%s: cannot bind a packet socket: %s", spec->name,
                        strerror(errno));
    return 0;
}

static void init_messages(struct drv_afp *afp)
{
    static const uint16_t protocol[2] = {ETH_P_IP, ETH_P_IPV6};

    for (int i = 0; i < 2; i++) {
        afp->to[i].sll_family = AF_PACKET;
        afp->to[i].sll_protocol = htons(protocol[i]);
        afp->to[i].sll_ifindex = (int)afp->ifindex;
        afp->to[i].sll_halen = 6;
    }
    afp->backlog_end = &afp->backlog;
}

struct drv_afp *drv_afp_open(const struct drv_afp_spec *spec, struct drv_error *err)
{
    int link_len = link_header_len(spec->link_type);
    struct drv_afp *afp;

    if (link_len < 0) {
        (void)drv_fail(err, DRV_FAULT_USAGE, "%s: plait cannot use this kind of link (type %u)",
                       spec->name, spec->link_type);
        return NULL;
    }
    afp = calloc(1, sizeof *afp);
    if (!afp) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        return NULL;
    }
    afp->spec = *spec;
    afp->ifindex = spec->ifindex;
    afp->link_len = (uint8_t)link_len;
    (void)strncpy(afp->name, spec->name, sizeof afp->name - 1);
    memcpy(afp->mac, spec->mac, sizeof afp->mac);
    afp->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (afp->fd < 0 ? fail_socket(err) : set_up_socket(afp, spec, err)) {
        drv_afp_close(afp, NULL);
        return NULL;
    }
    init_messages(afp);
    return afp;
}

static void drop_backlog(struct drv_afp *afp)
{
    while (afp->backlog) {
        struct backlog *b = afp->backlog;
        afp->backlog = b->next;
        free(b);
    }
    afp->backlog_end = &afp->backlog;
    afp->backlog_bytes = 0;
}

void drv_afp_close(struct drv_afp *afp, struct plait_stack *stack)
{
    drv_msgs_free(afp->msgs, stack);
    drv_ring_free(afp->ring);
    drop_backlog(afp);
    if (afp->fd >= 0)
        (void)close(afp->fd);
    free(afp);
}

/* ---- what can be asked ---------------------------------------------------------------------- */

int drv_afp_fd(const struct drv_afp *afp)
{
    return afp->fd;
}

uint32_t drv_afp_ifindex(const struct drv_afp *afp)
{
    return afp->ifindex;
}

const char *drv_afp_name(const struct drv_afp *afp)
{
    return afp->name;
}

uint8_t drv_afp_link_len(const struct drv_afp *afp)
{
    return afp->link_len;
}

bool drv_afp_has_gso(const struct drv_afp *afp)
{
    return afp->gso;
}

bool drv_afp_has_ring(const struct drv_afp *afp)
{
    return afp->ring != NULL;
}

int drv_afp_ring_errno(const struct drv_afp *afp)
{
    return afp->ring_errno;
}

bool drv_afp_is_ready(const struct drv_afp *afp)
{
    return afp->ring && drv_ring_is_ready(afp->ring);
}

bool drv_afp_is_blocked(const struct drv_afp *afp)
{
    return afp->backlog != NULL;
}

void drv_afp_counters(struct drv_afp *afp, struct drv_afp_counters *counters)
{
    struct tpacket_stats stats;
    socklen_t len = sizeof stats;

    /* Reading them sets them to zero. */
    if (getsockopt(afp->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
        afp->counters.in_kernel_drop += stats.tp_drops;
    *counters = afp->counters;
}

/* ---- receive -------------------------------------------------------------------------------- */

static void count_in(struct drv_afp *afp, struct rx_frame *frame)
{
    struct iovec iov = {(void *)(uintptr_t)frame->bytes, frame->len};

    if (frame->len <= afp->link_len)
        frame->len = 0;
    if (frame->len == 0)
        return;
    afp->counters.frames_in++;
    afp->counters.bytes_in += frame->len;
    if (afp->spec.tap)
        afp->spec.tap(afp->spec.tap_ctx, afp, &iov, 1, false);
}

/* Reading a ring is no system call that would take the socket's error, and poll() tells of it until
 * somebody does. */
static void take_error(struct drv_afp *afp)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(afp->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0)
        afp->counters.last_errno = error; /* ENETDOWN: told once, the socket lives on */
}

size_t drv_afp_recv(struct drv_afp *afp, struct plait_stack *stack)
{
    afp->stack = stack;
    afp->rx_n = afp->ring ? drv_ring_recv(afp->ring, afp->rx)
                          : drv_msgs_recv(afp->msgs, afp->fd, stack, afp->rx);
    if (afp->ring && afp->rx_n == 0)
        take_error(afp);
    for (size_t i = 0; i < afp->rx_n; i++)
        count_in(afp, &afp->rx[i]);
    return afp->rx_n;
}

bool drv_afp_frame(struct drv_afp *afp, size_t i, struct plait_in *in)
{
    struct rx_frame *frame = &afp->rx[i];

    if (frame->len == 0)
        return false;
    if (afp->ring)
        drv_ring_move(afp->ring, i, afp->stack, frame);
    in->block = frame->block;
    in->ip = frame->bytes + afp->link_len;
    in->len = frame->len - afp->link_len;
    in->csum_ok = frame->csum_ok;
    in->ifindex = afp->ifindex;
    return true;
}

void drv_afp_frame_done(struct drv_afp *afp, size_t i, const struct plait_in *in)
{
    struct rx_frame *frame = &afp->rx[i];

    if (afp->ring) {
        if (in->block)
            plait_block_put(afp->stack, in->block);
        drv_ring_release(afp->ring, i);
    } else if (frame->block && !in->block) {
        drv_msgs_taken(afp->msgs, i);
    }
    frame->len = 0;
}

/* ---- send ----------------------------------------------------------------------------------- */

void drv_afp_finish_checksum(const struct plait_out *out, uint8_t *head)
{
    uint8_t *tcp = head + out->ip_len;
    size_t tcp_len = (size_t)(out->head_len - out->ip_len), at = tcp_len;
    uint64_t sum = csum_add(0, tcp, tcp_len); /* its field holds the pseudo header's */
    uint16_t folded;

    for (unsigned i = 0; i < out->view_n; i++) {
        uint64_t part = csum_add(0, out->view[i].data, out->view[i].len);
        sum = at % 2 ? csum_add_odd(sum, part) : sum + csum_fold(part);
        at += out->view[i].len;
    }
    folded = (uint16_t)~csum_fold(sum);
    tcp[TCP_CSUM_AT] = (uint8_t)(folded >> 8);
    tcp[TCP_CSUM_AT + 1] = (uint8_t)folded;
}

static void put_vnet(const struct drv_afp *afp, struct tx_slot *slot, const struct plait_out *out)
{
    struct virtio_net_hdr vnet;

    memset(&vnet, 0, sizeof vnet);
    vnet.hdr_len = (uint16_t)(afp->link_len + out->head_len);
    if (!afp->spec.offload) {
        memcpy(slot->head, &vnet, sizeof vnet);
        return;
    }
    vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    vnet.csum_start = (uint16_t)(afp->link_len + out->ip_len);
    vnet.csum_offset = TCP_CSUM_AT;
    if (out->gso_size > 0 && out->payload_len > out->gso_size) {
        vnet.gso_type = out->dst.family == 6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
        vnet.gso_size = (uint16_t)out->gso_size;
    }
    memcpy(slot->head, &vnet, sizeof vnet);
    slot->gso_size = vnet.gso_size;
}

static void put_link(const struct drv_afp *afp, uint8_t *at, bool v6, const uint8_t mac[6])
{
    if (afp->link_len == 0)
        return;
    memcpy(at, mac, 6);
    memcpy(at + 6, afp->mac, 6);
    at[12] = v6 ? 0x86 : 0x08;
    at[13] = v6 ? 0xdd : 0x00;
}

static void show(struct drv_afp *afp, const struct tx_slot *slot, int iov_n)
{
    struct iovec iov[1 + PLAIT_VIEWS_MAX];

    if (!afp->spec.tap)
        return;
    memcpy(iov, slot->iov, (size_t)iov_n * sizeof iov[0]);
    iov[0].iov_base = (uint8_t *)iov[0].iov_base + VNET_LEN;
    iov[0].iov_len -= VNET_LEN;
    afp->spec.tap(afp->spec.tap_ctx, afp, iov, iov_n, true);
}

void drv_afp_push(struct drv_afp *afp, const struct plait_out *out, const uint8_t mac[6])
{
    struct tx_slot *slot;
    struct msghdr *msg;
    bool v6 = out->dst.family == 6;
    uint8_t *ip;

    if (afp->tx_n == TX_BATCH)
        drv_afp_flush(afp);
    slot = &afp->tx[afp->tx_n];
    msg = &afp->tx_msg[afp->tx_n++].msg_hdr;
    slot->gso_size = 0;
    put_vnet(afp, slot, out);
    put_link(afp, slot->head + VNET_LEN, v6, mac);
    ip = slot->head + VNET_LEN + afp->link_len;
    memcpy(ip, out->head, out->head_len);
    if (!afp->spec.offload)
        drv_afp_finish_checksum(out, ip);
    slot->iov[0] = (struct iovec){slot->head, (size_t)(VNET_LEN + afp->link_len + out->head_len)};
    for (unsigned i = 0; i < out->view_n; i++) {
        const struct plait_view *view = &out->view[i];
        /* sendmmsg only reads it, but an iovec knows no const. */
        slot->iov[1 + i] = (struct iovec){(void *)(uintptr_t)view->data, view->len};
    }
    msg->msg_name = &afp->to[v6];
    msg->msg_namelen = sizeof afp->to[0];
    msg->msg_iov = slot->iov;
    msg->msg_iovlen = 1 + (size_t)out->view_n;
    afp->counters.frames_out++;
    afp->counters.bytes_out += (size_t)afp->link_len + out->head_len + out->payload_len;
    show(afp, slot, 1 + out->view_n);
}

/* Copies packet i of the batch to the end of the backlog, or drops it where that is full. */
static void postpone(struct drv_afp *afp, unsigned i)
{
    const struct msghdr *msg = &afp->tx_msg[i].msg_hdr;
    struct backlog *b;
    size_t len = 0;

    for (size_t k = 0; k < msg->msg_iovlen; k++)
        len += msg->msg_iov[k].iov_len;
    b = afp->backlog_bytes + len <= BACKLOG_MAX ? malloc(sizeof *b + len) : NULL;
    if (!b) {
        afp->counters.out_backlog_full++;
        return;
    }
    *b = (struct backlog){.len = len, .v6 = msg->msg_name == &afp->to[1]};
    len = 0;
    for (size_t k = 0; k < msg->msg_iovlen; k++) {
        memcpy(b->bytes + len, msg->msg_iov[k].iov_base, msg->msg_iov[k].iov_len);
        len += msg->msg_iov[k].iov_len;
    }
    *afp->backlog_end = b;
    afp->backlog_end = &b->next;
    afp->backlog_bytes += len;
    afp->counters.out_backlogged++;
}

/* Judges the errno of a packet that was not sent. True: it is gone; false: try it later. */
static bool is_lost(struct drv_afp *afp, uint32_t gso_size)
{
    if (errno == EAGAIN)
        return false;
    if (errno == ENOBUFS) {
        afp->counters.out_queue_drop++;
        return true;
    }
    if (gso_size > 0 && (errno == EINVAL || errno == EOPNOTSUPP))
        afp->gso = false;
    afp->counters.out_error++;
    afp->counters.last_errno = errno;
    return true;
}

static void send_backlog(struct drv_afp *afp)
{
    while (afp->backlog) {
        struct backlog *b = afp->backlog;
        ssize_t n = sendto(afp->fd, b->bytes, b->len, MSG_DONTWAIT,
                           (struct sockaddr *)&afp->to[b->v6], sizeof afp->to[0]);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && !is_lost(afp, 0))
            return;
        afp->backlog = b->next;
        if (!b->next)
            afp->backlog_end = &afp->backlog;
        afp->backlog_bytes -= b->len;
        free(b);
    }
}

void drv_afp_flush(struct drv_afp *afp)
{
    unsigned i = 0;

    send_backlog(afp);
    while (i < afp->tx_n && !afp->backlog) {
        int n = sendmmsg(afp->fd, afp->tx_msg + i, afp->tx_n - i, MSG_DONTWAIT);
        if (n > 0)
            i += (unsigned)n;
        else if (errno == EINTR)
            continue;
        else if (is_lost(afp, afp->tx[i].gso_size))
            i++;
        else
            postpone(afp, i++);
    }
    while (i < afp->tx_n)
        postpone(afp, i++);
    afp->tx_n = 0;
}

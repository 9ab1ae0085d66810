/* SPDX-License-Identifier: Apache-2.0 */
/* The packet socket against the kernel's own TCP across a veth pair: a connection made by hand.
 * What it shows: the SYN/ACK comes up, the kernel on our side sends no reset, offload works in both
 * directions, and software checksums are right. */
#include "netns.h"

#include "driver/addr.h"
#include "driver/dev.h"
#include "driver/firewall.h"
#include "driver/netmon.h"
#include "driver/port.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 5001, BULK = 40000, MSS = 1400 };

/* ---- the kernel's side ---------------------------------------------------------------------- */

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static bool receive_bulk(int s)
{
    static uint8_t buf[BULK];
    size_t got = 0;

    while (got < BULK) {
        ssize_t n = recv(s, buf + got, BULK - got, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    for (size_t i = 0; i < BULK; i++)
        if (buf[i] != pattern(i))
            return false;
    return true;
}

/* Accepts one connection, takes BULK bytes of the pattern, sends them back. */
static int echo_peer(int fd)
{
    static uint8_t out[BULK];
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    int on = 1, l = socket(AF_INET6, SOCK_STREAM, 0), s;
    char byte = 0;

    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(l, 5) < 0 ||
        write(fd, &byte, 1) != 1)
        return 10;
    s = accept(l, NULL, NULL);
    if (s < 0 || !receive_bulk(s))
        return 11;
    for (size_t i = 0; i < BULK; i++)
        out[i] = pattern(i);
    if (send(s, out, BULK, 0) != BULK)
        return 12;
    return read(fd, &byte, 1) == 0 ? 0 : 13;
}

/* ---- our side ------------------------------------------------------------------------------- */

static bool no_memory;

static void *env_alloc(void *ctx, size_t size)
{
    void *mem;
    return !no_memory && posix_memalign(&mem, 4096, size) == 0 ? mem : NULL;
}

static void env_free(void *ctx, void *mem, size_t size)
{
    free(mem);
}

static void env_random(void *ctx, void *buf, size_t len)
{
    memset(buf, 5, len);
}

struct rig {
    struct plait_stack *stack;
    struct drv_dev *dev;
    struct plait_addr near, far;
    uint8_t mac[6], own_mac[6]; /* the peer's, ours */
    uint32_t snd, rcv;
    struct wire_packet last;
    size_t largest; /* frame that came in */
    bool csum_ok;   /* of the last one */
    uint8_t in[BULK];
    size_t got;
};

static void send_segment(struct rig *r, uint8_t flags, const uint8_t *data, uint32_t len,
                         uint32_t gso)
{
    struct plait_out out = {.src = r->near,
                            .dst = r->far,
                            .view_n = len > 0 ? 2 : 0,
                            .payload_len = len,
                            .gso_size = gso};
    struct wire_emit how = {.src = &out.src,
                            .dst = &out.dst,
                            .seq = r->snd,
                            .ack = r->rcv,
                            .wnd = 65535,
                            .flags = flags,
                            .payload_len = len};

    /* An odd split: the sum of the second view starts at an odd offset. */
    if (len > 0) {
        out.view[0] = (struct plait_view){data, len / 3 | 1};
        out.view[1] = (struct plait_view){data + out.view[0].len, len - out.view[0].len};
    }
    out.head_len = (uint8_t)wire_emit_headers(&how, out.head, &out.ip_len);
    drv_dev_push(r->dev, &out, r->mac);
    drv_dev_flush(r->dev);
}

/* Takes frames until one of them is TCP with these flags; the time limit is only there to fail. */
static void expect(struct rig *r, uint8_t flags)
{
    for (;;) {
        int fd[DRV_QUEUES_MAX];
        assert_int_equal(drv_dev_fds(r->dev, fd), 1);
        struct pollfd p = {.fd = fd[0], .events = POLLIN};
        assert_int_equal(poll(&p, 1, 5000), 1);
        size_t n = drv_dev_recv(r->dev, 0, r->stack);
        bool found = false;
        for (size_t i = 0; i < n; i++) {
            struct plait_in in;
            in.block = NULL;
            assert_true(drv_dev_frame(r->dev, i, &in));
            assert_int_equal(wire_parse(in.ip, in.len, in.csum_ok, &r->last), PLAIT_REASON_NONE);
            assert_int_equal(r->last.kind, WIRE_KIND_TCP);
            struct wire_seg *seg = &r->last.seg;
            assert_int_equal(seg->flags & WIRE_RST, 0);
            r->csum_ok = in.csum_ok;
            r->largest = in.len > r->largest ? in.len : r->largest;
            if (seg->len > 0 && seg->seq == r->rcv && r->got + seg->len <= BULK) {
                memcpy(r->in + r->got, seg->data, seg->len);
                r->got += seg->len;
                r->rcv += seg->len;
            }
            found = found || (seg->flags & flags) == flags;
            drv_dev_frame_done(r->dev, i, &in);
        }
        if (found)
            return;
    }
}

static void resolve(struct rig *r)
{
    struct drv_error err;
    struct drv_netmon *mon = drv_netmon_open(&err);
    struct drv_neigh neigh;
    uint32_t ifindex;

    assert_non_null(mon);
    ifindex = drv_netmon_find_name(mon, "near")->ifindex;
    while (!drv_netmon_neigh(mon, ifindex, &r->far, &neigh) || !neigh.has_mac) {
        struct pollfd p = {.fd = drv_netmon_fd(mon), .events = POLLIN};
        drv_netmon_resolve(mon, ifindex, &r->far);
        assert_int_equal(poll(&p, 1, 5000), 1);
        drv_netmon_read(mon, NULL, NULL);
    }
    memcpy(r->mac, neigh.mac, 6);
    drv_netmon_close(mon);
}

enum { OFFLOAD = 1, RING = 2 };

static void open_rig(struct rig *r, const char *near, const char *far, unsigned how, uint16_t port)
{
    struct plait_env env = {.alloc = env_alloc, .free = env_free, .random = env_random};
    struct plait_config config;
    struct drv_error err;
    struct drv_netmon *mon = drv_netmon_open(&err);
    const struct drv_link *link;
    struct drv_dev_spec spec = {.name = "near", .ports = &port, .port_n = 1};

    spec.offload = (how & OFFLOAD) != 0;
    memset(r, 0, sizeof *r);
    assert_non_null(mon);
    link = drv_netmon_find_name(mon, "near");
    spec.ifindex = link->ifindex;
    spec.link_type = link->type;
    memcpy(spec.mac, link->mac, 6);
    memcpy(r->own_mac, link->mac, 6);
    plait_config_init(&config);
    r->stack = plait_stack_new(&env, &config);
    r->dev = drv_dev_open(drv_driver_find(how & RING ? "afpacket-ring" : "afpacket"), &spec, &err);
    if (!r->dev)
        fail_msg("%s", err.text);
    assert_int_equal(drv_dev_has_gso(r->dev), spec.offload);
    assert_int_equal(drv_dev_can_peek(r->dev), (how & RING) != 0);
    assert_true(drv_addr_parse(near, &r->near));
    assert_true(drv_addr_parse(far, &r->far));
    r->near.port = port;
    r->far.port = PORT;
    r->snd = 1000000;
    resolve(r);
    drv_netmon_close(mon);
}

static void handshake(struct rig *r)
{
    send_segment(r, WIRE_SYN, NULL, 0, 0);
    r->snd++;
    expect(r, WIRE_SYN | WIRE_ACK);
    assert_int_equal(r->last.seg.ack, r->snd);
    r->rcv = r->last.seg.seq + 1;
    send_segment(r, WIRE_ACK, NULL, 0, 0);
}

static void send_bulk(struct rig *r)
{
    static uint8_t data[BULK];
    uint32_t step = BULK / 2; /* cut by the kernel or by the driver */

    for (size_t i = 0; i < BULK; i++)
        data[i] = pattern(i);
    for (uint32_t at = 0; at < BULK; at += step) {
        uint32_t len = BULK - at < step ? BULK - at : step;
        send_segment(r, WIRE_ACK | WIRE_PSH, data + at, len, len > MSS ? MSS : 0);
        r->snd += len;
    }
}

static void transfer(const char *near, const char *far, unsigned how)
{
    struct rig *r = calloc(1, sizeof *r);
    struct drv_counters counters;
    struct drv_firewall fw;
    struct drv_port port;
    struct drv_error err;
    struct netns_peer peer;
    char byte;

    netns_enter();
    netns_fork(&peer, echo_peer);
    assert_int_equal(read(peer.fd, &byte, 1), 1);
    assert_int_equal(drv_port_reserve(&port, 0, &err), 0);
    if (drv_firewall_open(&fw, &port.port, 1, &err) < 0)
        fail_msg("%s", err.text);
    open_rig(r, near, far, how, port.port);
    handshake(r);
    send_bulk(r);
    while (r->got < BULK) {
        expect(r, WIRE_ACK);
        send_segment(r, WIRE_ACK, NULL, 0, 0);
    }
    for (size_t i = 0; i < BULK; i++)
        assert_int_equal(r->in[i], pattern(i));
    drv_dev_counters(r->dev, &counters);
    assert_int_equal(counters.out_error + counters.out_queue_drop + counters.in_truncated, 0);
    if ((how & OFFLOAD) != 0) {
        assert_true(r->largest > 1500);
        assert_true(r->csum_ok);
    }
    drv_dev_close(r->dev, r->stack);
    plait_stack_free(r->stack);
    netns_join(&peer);
    drv_firewall_close(&fw);
    drv_port_release(&port);
    free(r);
}

static void v4_offload(void **state)
{
    transfer("10.9.0.1", "10.9.0.2", OFFLOAD);
}

static void v6_offload(void **state)
{
    transfer("fd09::1", "fd09::2", OFFLOAD);
}

static void v4_software(void **state)
{
    transfer("10.9.0.1", "10.9.0.2", 0);
}

static void v6_software(void **state)
{
    transfer("fd09::1", "fd09::2", 0);
}

static void v4_ring(void **state)
{
    transfer("10.9.0.1", "10.9.0.2", OFFLOAD | RING);
}

static void v6_ring(void **state)
{
    transfer("fd09::1", "fd09::2", OFFLOAD | RING);
}

static void v4_ring_software(void **state)
{
    transfer("10.9.0.1", "10.9.0.2", RING);
}

/* A link that is switched off and on again does not kill the socket. */
static void go_down_and_up(unsigned how)
{
    struct rig *r = calloc(1, sizeof *r);
    struct netns_peer peer;
    char byte;
    struct drv_firewall fw;
    struct drv_error err;
    uint16_t port = 7001;

    netns_enter();
    netns_fork(&peer, echo_peer);
    assert_int_equal(read(peer.fd, &byte, 1), 1);
    assert_int_equal(drv_firewall_open(&fw, &port, 1, &err), 0);
    open_rig(r, "10.9.0.1", "10.9.0.2", how, port);
    netns_run("ip link set near down");
    send_segment(r, WIRE_SYN, NULL, 0, 0);
    assert_int_equal(drv_dev_recv(r->dev, 0, r->stack), 0);
    netns_run("ip link set near up");
    handshake(r);
    send_bulk(r);
    while (r->got < BULK) {
        expect(r, WIRE_ACK);
        send_segment(r, WIRE_ACK, NULL, 0, 0);
    }
    drv_dev_close(r->dev, r->stack);
    plait_stack_free(r->stack);
    netns_join(&peer);
    drv_firewall_close(&fw);
    free(r);
}

static void survives_link_down(void **state)
{
    go_down_and_up(OFFLOAD);
}

static void ring_survives_link_down(void **state)
{
    go_down_and_up(OFFLOAD | RING);
}

/* ---- a burst ------------------------------------------------------------------------------- */

enum { BURST = 200, BURST_PORT = 7002 };

/* With and without a place in the ring. */
static size_t burst_len(unsigned i)
{
    static const size_t len[] = {0, 1400, 100, 600, 1400, 1};
    return len[i % (sizeof len / sizeof len[0])];
}

/* Sends them once it is told the link's address; the sequence number says which one it is. */
static int burst_peer(int fd)
{
    static uint8_t frame[1514] = {[6] = 2, [12] = 8};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("far")};
    int s = socket(AF_PACKET, SOCK_RAW, 0);
    struct plait_addr src, dst;
    uint8_t ip_len;
    char byte;

    if (!drv_addr_parse("10.9.0.2", &src) || !drv_addr_parse("10.9.0.1", &dst) ||
        bind(s, (struct sockaddr *)&at, sizeof at) < 0 || read(fd, frame, 6) != 6)
        return 10;
    dst.port = BURST_PORT;
    for (unsigned i = 0; i < BURST; i++) {
        uint32_t len = (uint32_t)burst_len(i);
        struct wire_emit how = {
            .src = &src, .dst = &dst, .seq = i, .flags = WIRE_ACK, .payload_len = len};
        uint8_t head[PLAIT_HEAD_MAX];
        size_t head_len = wire_emit_headers(&how, head, &ip_len);
        memcpy(frame + 14, head, head_len);
        memset(frame + 14 + head_len, (int)i, len);
        if (send(s, frame, 14 + head_len + len, 0) < 0)
            return 11;
    }
    return write(fd, "", 1) == 1 && read(fd, &byte, 1) == 0 ? 0 : 12;
}

static void check_burst(const struct plait_in *in, unsigned i)
{
    struct wire_packet p;

    assert_int_equal(wire_parse(in->ip, in->len, true, &p), PLAIT_REASON_NONE);
    assert_int_equal(p.seg.seq, i);
    assert_int_equal(p.seg.len, burst_len(i));
    for (size_t at = 0; at < p.seg.len; at++)
        assert_int_equal(p.seg.data[at], (uint8_t)i);
}

/* Every frame comes, in order, while there is no memory and afterwards. Ends after so many, with
 * what was read ahead. */
static void take_burst(unsigned how, unsigned end)
{
    struct rig *r = calloc(1, sizeof *r);
    struct drv_counters counters;
    struct netns_peer peer;
    unsigned got = 0;
    char byte;

    netns_enter();
    netns_fork(&peer, burst_peer);
    open_rig(r, "10.9.0.1", "10.9.0.2", how, BURST_PORT);
    assert_int_equal(write(peer.fd, r->own_mac, 6), 6);
    assert_int_equal(read(peer.fd, &byte, 1), 1);
    while (got < end) {
        no_memory = got < BURST / 4;
        size_t n = drv_dev_recv(r->dev, 0, r->stack);
        assert_true(n > 0);
        for (size_t i = 0; i < n; i++) {
            struct plait_in in = {0};
            assert_true(drv_dev_frame(r->dev, i, &in));
            check_burst(&in, got++);
            drv_dev_frame_done(r->dev, i, &in);
        }
    }
    no_memory = false;
    drv_dev_counters(r->dev, &counters);
    assert_true(counters.in_scratch > 0);
    assert_int_equal(counters.in_truncated + counters.in_kernel_drop, 0);
    drv_dev_close(r->dev, r->stack);
    plait_stack_free(r->stack);
    netns_join(&peer);
    free(r);
}

static void burst_by_calls(void **state)
{
    take_burst(OFFLOAD, BURST);
}

static void burst_by_ring(void **state)
{
    take_burst(OFFLOAD | RING, BURST);
}

static void closes_with_frames_left(void **state)
{
    take_burst(OFFLOAD | RING, BURST / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4_offload),         cmocka_unit_test(v6_offload),
        cmocka_unit_test(v4_software),        cmocka_unit_test(v6_software),
        cmocka_unit_test(v4_ring),            cmocka_unit_test(v6_ring),
        cmocka_unit_test(v4_ring_software),   cmocka_unit_test(survives_link_down),
        cmocka_unit_test(ring_survives_link_down), cmocka_unit_test(burst_by_calls),
        cmocka_unit_test(burst_by_ring),      cmocka_unit_test(closes_with_frames_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What all drivers share, with a driver that records and refuses: cutting, waiting, joining. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "driver/dev_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MSS = 1000, SEQ = 70000, FRAME_MAX = 66000, SENT_MAX = 200 };

static struct fake {
    struct {
        uint8_t bytes[FRAME_MAX];
        size_t len;
    } sent[SENT_MAX]; /* from the offload header on */
    size_t sent_n;
    int refuse; /* errno of each packet, or of super-segments alone; 0: all are taken */
    bool super_only;
    uint8_t in[RX_BATCH][2048];
    uint32_t in_len[RX_BATCH];
    size_t in_n, done_n;
    bool checked; /* somebody has checked the checksums of in */
} * fake;

/* ---- the driver ----------------------------------------------------------------------------- */

static bool is_super(const struct msghdr *msg)
{
    struct virtio_net_hdr vnet;
    memcpy(&vnet, msg->msg_iov[0].iov_base, sizeof vnet);
    return vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE;
}

static int send_fake(struct drv_dev *dev, struct mmsghdr *msg, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct msghdr *m = &msg[i].msg_hdr;
        if (fake->refuse != 0 && (!fake->super_only || is_super(m))) {
            errno = fake->refuse;
            return i > 0 ? (int)i : -1;
        }
        assert_true(fake->sent_n < SENT_MAX);
        fake->sent[fake->sent_n].len = 0;
        for (size_t k = 0; k < m->msg_iovlen; k++) {
            memcpy(fake->sent[fake->sent_n].bytes + fake->sent[fake->sent_n].len,
                   m->msg_iov[k].iov_base, m->msg_iov[k].iov_len);
            fake->sent[fake->sent_n].len += m->msg_iov[k].iov_len;
        }
        fake->sent_n++;
    }
    return (int)n;
}

static size_t fill_fake(struct drv_dev *dev, size_t queue)
{
    for (size_t i = 0; i < fake->in_n; i++)
        dev->rx[i] = (struct rx_frame){
            .bytes = fake->in[i], .len = fake->in_len[i], .csum_ok = fake->checked};
    return fake->in_n;
}

static void done_fake(struct drv_dev *dev, size_t i, bool kept)
{
    assert_false(kept);
    fake->done_n++;
}

static int open_fake(struct drv_dev *dev, struct drv_error *err)
{
    dev->vnet = dev->gso = true;
    return 0;
}

static void close_fake(struct drv_dev *dev, struct plait_stack *stack) {}

static const struct drv_driver driver = {
    .name = "fake",
    .joins = true,
    .open = open_fake,
    .close = close_fake,
    .fill = fill_fake,
    .done = done_fake,
    .send = send_fake,
};

/* ---- the rig -------------------------------------------------------------------------------- */

static void *env_alloc(void *ctx, size_t size)
{
    return malloc(size);
}

static void env_free(void *ctx, void *mem, size_t size)
{
    free(mem);
}

static void env_random(void *ctx, void *buf, size_t len)
{
    memset(buf, 5, len);
}

static struct plait_stack *new_stack(void)
{
    struct plait_env env = {.alloc = env_alloc, .free = env_free, .random = env_random};
    struct plait_config config;

    plait_config_init(&config);
    return plait_stack_new(&env, &config);
}

static struct drv_dev *new_dev(void)
{
    struct drv_dev_spec spec = {.ifindex = 3, .name = "fake0", .offload = true};
    struct drv_error err;
    struct drv_dev *dev = drv_dev_open(&driver, &spec, &err);

    assert_non_null(dev);
    fake = calloc(1, sizeof *fake);
    return dev;
}

static uint8_t payload[60000];

static unsigned headers(uint32_t seq, uint32_t len, uint8_t *head, uint8_t *ip_len)
{
    struct plait_addr a = {.family = 4, .ip = {10, 0, 0, 1}, .port = 1};
    struct plait_addr b = {.family = 4, .ip = {10, 0, 0, 2}, .port = 2};
    struct wire_emit how = {
        .src = &a, .dst = &b, .seq = seq, .flags = WIRE_ACK, .payload_len = len};

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 7 + i / 251);
    return wire_emit_headers(&how, head, ip_len);
}

/* The payload comes in three parts, none of which ends where a packet does. */
static void push(struct drv_dev *dev, uint32_t len)
{
    static const uint8_t mac[6];
    struct plait_out out = {.src = {.family = 4}, .dst = {.family = 4}, .payload_len = len};
    uint32_t a = len / 7, b = len / 2;

    out.head_len = (uint8_t)headers(SEQ, len, out.head, &out.ip_len);
    out.gso_size = MSS;
    out.view_n = 3;
    out.view[0] = (struct plait_view){payload, a};
    out.view[1] = (struct plait_view){payload + a, b - a};
    out.view[2] = (struct plait_view){payload + b, len - b};
    drv_dev_push(dev, &out, mac);
}

/* All that was sent from packet `from` on is the stream of len bytes. */
static void check_sent(size_t from, uint32_t len)
{
    uint32_t at = 0;

    for (size_t i = from; i < fake->sent_n; i++) {
        struct wire_packet p;
        assert_int_equal(
            wire_parse(fake->sent[i].bytes + VNET_LEN, fake->sent[i].len - VNET_LEN, true, &p),
            PLAIT_REASON_NONE);
        assert_int_equal(p.seg.seq, SEQ + at);
        assert_memory_equal(p.seg.data, payload + at, p.seg.len);
        at += p.seg.len;
    }
    assert_int_equal(at, len);
}

static void close_rig(struct drv_dev *dev, struct plait_stack *stack)
{
    drv_dev_close(dev, stack);
    if (stack)
        plait_stack_free(stack);
    free(fake);
}

/* ---- the tests ------------------------------------------------------------------------------ */

/* What is refused is not lost: it is cut, and so is all after it. */
static void a_refused_super_segment(void **state)
{
    static const int refusals[] = {EINVAL, EOPNOTSUPP};

    for (size_t r = 0; r < 2; r++) {
        struct drv_dev *dev = new_dev();
        struct drv_counters c;
        push(dev, 20500);
        drv_dev_flush(dev);
        assert_int_equal(fake->sent_n, 1);
        fake->refuse = refusals[r];
        fake->super_only = true;
        push(dev, 20500);
        drv_dev_flush(dev);
        assert_false(drv_dev_has_gso(dev));
        assert_int_equal(fake->sent_n, 1 + 21);
        check_sent(1, 20500);
        push(dev, 999);
        push(dev, 3001);
        drv_dev_flush(dev);
        assert_int_equal(fake->sent_n, 1 + 21 + 1 + 4);
        check_sent(1 + 21 + 1, 3001);
        drv_dev_counters(dev, &c);
        assert_int_equal(c.out_error, 0);
        assert_int_equal(c.out_cut, 21 + 4);
        close_rig(dev, NULL);
    }
}

/* Nothing overtakes what waits, and views may be gone by then. */
static void a_full_buffer(void **state)
{
    struct drv_dev *dev = new_dev();
    struct drv_counters c;

    fake->refuse = EAGAIN;
    push(dev, 30000);
    drv_dev_flush(dev);
    assert_true(drv_dev_is_blocked(dev));
    assert_int_equal(fake->sent_n, 0);
    memset(payload, 0, sizeof payload);
    fake->refuse = 0;
    push(dev, 500);
    drv_dev_flush(dev);
    assert_false(drv_dev_is_blocked(dev));
    assert_int_equal(fake->sent_n, 2);
    assert_true(fake->sent[0].len > 30000 && fake->sent[1].len < 600);
    fake->sent_n = 1;
    check_sent(0, 30000);
    drv_dev_counters(dev, &c);
    assert_int_equal(c.out_backlogged, 1);
    close_rig(dev, NULL);
}

static void what_is_lost_is_counted(void **state)
{
    struct drv_dev *dev = new_dev();
    struct drv_counters c;

    fake->refuse = ENOBUFS;
    push(dev, 100);
    drv_dev_flush(dev);
    fake->refuse = EIO;
    push(dev, 100);
    push(dev, 100);
    drv_dev_flush(dev);
    fake->refuse = EAGAIN;
    for (int i = 0; i < 100; i++)
        push(dev, 60000);
    drv_dev_flush(dev);
    drv_dev_counters(dev, &c);
    assert_int_equal(c.out_queue_drop, 1);
    assert_int_equal(c.out_error, 2);
    assert_int_equal(c.last_errno, EIO);
    assert_int_equal(c.out_backlogged + c.out_backlog_full, 100);
    assert_true(c.out_backlog_full > 20);
    close_rig(dev, NULL);
}

static void receive(size_t i, uint32_t seq, uint32_t len)
{
    uint8_t ip_len, *p = fake->in[i];
    unsigned head_len = headers(seq, len, p, &ip_len);
    struct wire_view view = {p + head_len, len};

    memcpy(p + head_len, payload + seq, len);
    wire_finish_csum(p, head_len, ip_len, &view, 1);
    fake->in_len[i] = head_len + len;
    if (fake->in_n <= i)
        fake->in_n = i + 1;
}

/* Frames of a batch that follow each other come as one, the others alone, each byte once. */
static void joins_a_batch(void **state)
{
    struct plait_stack *stack = new_stack();
    struct drv_dev *dev = new_dev();
    size_t handed = 0, lens[RX_BATCH];
    struct drv_counters c;
    struct wire_packet p;
    struct plait_in in;

    for (uint32_t i = 0; i < 5; i++)
        receive(i, i * MSS, MSS);
    receive(5, 9000, MSS); /* a gap */
    receive(6, 10000, MSS);
    receive(7, 11000, 0); /* an ACK */
    receive(8, 11000, MSS);
    receive(9, 12000, MSS);
    fake->in[9][200] ^= 1; /* damaged */
    assert_int_equal(drv_dev_recv(dev, 0, stack), 10);
    for (size_t i = 0; i < 10; i++) {
        in.block = NULL;
        if (drv_dev_frame(dev, i, &in)) {
            enum plait_reason reason = wire_parse(in.ip, in.len, in.csum_ok, &p);
            assert_int_equal(reason != PLAIT_REASON_NONE, i == 9);
            if (i < 9)
                assert_memory_equal(p.seg.data, payload + p.seg.seq, p.seg.len);
            lens[handed++] = in.len - 40;
        }
        drv_dev_frame_done(dev, i, &in);
    }
    assert_int_equal(handed, 5);
    assert_int_equal(lens[0], 5 * MSS);
    assert_int_equal(lens[1], 2 * MSS);
    assert_int_equal(lens[2], 0);
    assert_int_equal(lens[3], MSS);
    assert_int_equal(lens[4], MSS);
    assert_int_equal(fake->done_n, 10);
    drv_dev_counters(dev, &c);
    assert_int_equal(c.in_joined, 4 + 1);
    assert_int_equal(c.frames_in, 10);
    close_rig(dev, stack);
}

/* A large one is handed on with its block, which the stack may keep; the next is another. */
static void a_block_is_kept(void **state)
{
    struct plait_stack *stack = new_stack();
    struct drv_dev *dev = new_dev();
    struct plait_block *kept[2];
    struct plait_in in;

    for (uint32_t i = 0; i < RX_BATCH; i++)
        receive(i, i * 1400, 1400);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(drv_dev_recv(dev, 0, stack), RX_BATCH);
        for (size_t i = 0; i < RX_BATCH; i++) {
            in.block = NULL;
            assert_int_equal(drv_dev_frame(dev, i, &in), i == 0);
            if (i == 0) {
                assert_true(in.len >= RX_KEEP && in.csum_ok);
                kept[round] = in.block;
                assert_non_null(in.block);
                in.block = NULL;
            }
            drv_dev_frame_done(dev, i, &in);
        }
    }
    assert_ptr_not_equal(kept[0], kept[1]);
    plait_block_put(stack, kept[0]);
    plait_block_put(stack, kept[1]);
    close_rig(dev, stack);
}

static void the_table(void **state)
{
    assert_null(drv_driver_find("nothing"));
    assert_string_equal(drv_driver_name(0), "auto");
    for (size_t i = 0; drv_driver_name(i); i++)
        assert_non_null(drv_driver_find(drv_driver_name(i)));
    assert_ptr_equal(drv_driver_find("auto"), drv_driver_find("afpacket"));
    assert_true(drv_driver_has_own_addrs(drv_driver_find("tun")));
    assert_false(drv_driver_has_own_addrs(drv_driver_find("afpacket-ring")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_super_segment), cmocka_unit_test(a_full_buffer),
        cmocka_unit_test(what_is_lost_is_counted), cmocka_unit_test(joins_a_batch),
        cmocka_unit_test(a_block_is_kept),         cmocka_unit_test(the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

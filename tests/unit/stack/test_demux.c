/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/be.h"
#include "base/csum.h"

#include <string.h>

static struct kit_seg segment(uint8_t flags)
{
    struct plait_addr from = kit_addr(2, 999), to = kit_addr(1, 80);
    struct kit_seg s = kit_syn(&from, &to);

    s.flags = flags;
    s.opt = (struct wire_tcpopts){0};
    return s;
}

/* RFC 9293 3.10.7.1: what answers a segment for nobody. */
static void test_resets(void **state)
{
    struct kit k;
    struct wire_packet p;

    kit_init(&k, 1, NULL);
    struct kit_seg s = segment(WIRE_SYN);
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    assert_true(kit_output(&k, &p));
    assert_int_equal(p.seg.flags, WIRE_RST | WIRE_ACK);
    assert_int_equal(p.seg.seq, 0);
    assert_int_equal(p.seg.ack, s.seq + 1);
    s = segment(WIRE_ACK);
    s.ack = 4242;
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    assert_true(kit_output(&k, &p));
    assert_int_equal(p.seg.flags, WIRE_RST);
    assert_int_equal(p.seg.seq, 4242);
    s = segment(WIRE_RST | WIRE_ACK);
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    kit_expect_silence(&k); /* never a RST for a RST */
    assert_int_equal(k.drops, 3);
    assert_int_equal(plait_counter(k.stack, PLAIT_REASON_NO_SOCKET), 3);
    kit_fini(&k);
}

/*= RFC 9293 MUST-57, MUST-63 */
static void test_not_ours(void **state)
{
    struct kit k;

    kit_init(&k, 1, NULL);
    kit_listen(&k, 80);
    struct kit_seg s = segment(WIRE_SYN);
    s.dst = kit_addr(9, 80); /* not this stack's address */
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    s.flags = WIRE_ACK;
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    for (uint8_t i = 0; i < 2; i++) { /* to a group, to everybody */
        s = segment(WIRE_SYN);
        memset(s.dst.ip, i == 0 ? 224 : 255, 4);
        assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    }
    s = segment(WIRE_SYN);
    s.src.ip[0] = 224;
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    s = segment(WIRE_SYN);
    s.src = s.dst; /* "land" */
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_SOCKET);
    kit_expect_silence(&k);
    kit_fini(&k);
}

static void test_flags(void **state)
{
    static const uint8_t bad[] = {0,
                                  WIRE_FIN,
                                  WIRE_FIN | WIRE_URG | WIRE_PSH,
                                  WIRE_SYN | WIRE_FIN,
                                  WIRE_SYN | WIRE_RST,
                                  WIRE_SYN | WIRE_FIN | WIRE_ACK};
    struct kit k;

    kit_init(&k, 1, NULL);
    kit_listen(&k, 80);
    for (unsigned i = 0; i < sizeof bad; i++) {
        struct kit_seg s = segment(bad[i]);
        assert_int_equal(kit_input(&k, &s), PLAIT_REASON_TCP_FLAGS);
    }
    kit_expect_silence(&k);
    kit_fini(&k);
}

static void test_garbage(void **state)
{
    struct kit k;
    uint8_t bytes[200] = {0};

    kit_init(&k, 1, NULL);
    for (size_t len = 0; len < sizeof bytes; len++) {
        for (unsigned first = 0; first < 256; first += 0x0f) {
            bytes[0] = (uint8_t)first;
            struct plait_in in = {.ip = bytes, .len = len};
            assert_true(plait_input(k.stack, &in, k.now) != PLAIT_REASON_NONE);
        }
    }
    kit_expect_silence(&k);
    kit_fini(&k);
}

/* Replies that nobody fetches are bounded. */
static void test_resets_are_bounded(void **state)
{
    struct kit k;
    struct wire_packet p;
    unsigned n = 0;

    kit_init(&k, 1, NULL);
    for (unsigned i = 0; i < 2 * STACK_REPLIES_MAX; i++) {
        struct kit_seg s = segment(WIRE_SYN);
        s.src.port = (uint16_t)(1000 + i);
        kit_input(&k, &s);
    }
    while (kit_output(&k, &p)) {
        assert_int_equal(p.seg.dst.port, 1000 + n);
        n++;
    }
    assert_int_equal(n, STACK_REPLIES_MAX);
    assert_int_equal(plait_counter(k.stack, PLAIT_REASON_NO_MEMORY), STACK_REPLIES_MAX);
    kit_fini(&k);
}

/* A block that the stack does not keep stays the caller's; one that it keeps comes back by itself.
 */
static void test_blocks(void **state)
{
    struct kit a, b;
    struct plait_out out;
    struct plait_stack_info info;
    size_t size;
    static char text[1400], buf[2000]; /* less would be copied */

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    assert_int_equal(plait_send(p.a, text, sizeof text, a.now), sizeof text);
    assert_true(plait_output_plan(a.stack, a.now, &out));
    struct plait_block *block = plait_block_get(b.stack, 1500);
    assert_non_null(block);
    uint8_t *bytes = plait_block_bytes(block, &size);
    assert_true(size >= 1500);
    memcpy(bytes, out.head, out.head_len);
    memcpy(bytes + out.head_len, out.view[0].data, out.view[0].len);
    struct plait_in in = {
        .block = block, .ip = bytes, .len = out.head_len + out.payload_len, .csum_ok = true};
    assert_int_equal(plait_input(b.stack, &in, b.now), PLAIT_REASON_NONE);
    assert_null(in.block);
    plait_output_commit(a.stack, a.now);
    in = (struct plait_in){.block = plait_block_get(b.stack, 100), .ip = bytes, .len = 3};
    assert_true(plait_input(b.stack, &in, b.now) != PLAIT_REASON_NONE);
    assert_non_null(in.block);
    plait_block_put(b.stack, in.block);
    plait_block_put(b.stack, NULL);
    assert_int_equal(plait_recv(p.b, buf, sizeof buf, b.now), sizeof text);
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.mem_used, 0);
    kit_fini(&a);
    kit_fini(&b);
}

static size_t icmp_unreachable(uint8_t *out, const struct plait_addr *src,
                               const struct plait_addr *dst, uint32_t seq)
{
    uint8_t head[100], ip_len;
    struct wire_emit how = {.src = src, .dst = dst, .seq = seq, .flags = WIRE_ACK};
    unsigned n = wire_emit_headers(&how, head, &ip_len);

    memset(out, 0, 28);
    out[0] = 0x45;
    be16_store(out + 2, (uint16_t)(28 + n));
    out[8] = 64;
    out[9] = 1;
    memcpy(out + 12, dst->ip, 4);
    memcpy(out + 16, src->ip, 4);
    be16_store(out + 10, (uint16_t)~csum_fold(csum_add(0, out, 20)));
    out[20] = 3;
    out[21] = 1;
    memcpy(out + 28, head, n);
    be16_store(out + 22, (uint16_t)~csum_fold(csum_add(0, out + 20, 8 + n)));
    return 28 + n;
}

/*= RFC 9293 3.9.2.2
 * TCP implementations MUST act on an ICMP error message passed up from the IP layer, directing it
 * to the connection that created the error (MUST-54). */
static void test_icmp(void **state)
{
    struct kit a, b;
    uint8_t bytes[200];
    struct plait_addr src, dst = kit_addr(2, 80);

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    src = kit_addr(1, p.a->port);
    struct mp_subflow *sf = stack_find_subflow(a.stack, &src, &dst);
    struct plait_in in = {.ip = bytes,
                          .len = icmp_unreachable(bytes, &src, &dst, mp_subflow_tcb(sf)->sndq.una)};
    assert_int_equal(plait_input(a.stack, &in, a.now), PLAIT_REASON_NONE);
    src.port ^= 1;
    in.len = icmp_unreachable(bytes, &src, &dst, 1);
    assert_int_equal(plait_input(a.stack, &in, a.now), PLAIT_REASON_ICMP_IGNORED);
    assert_int_equal(plait_conn_error(p.a, NULL), 0);
    kit_fini(&a);
    kit_fini(&b);
}

/* A new SYN with a higher sequence number takes over a 4-tuple in TIME-WAIT. */
static void test_time_wait_is_taken_over(void **state)
{
    struct kit a, b;
    struct plait_conn *c;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct plait_conn_config plain = b.stack->cfg.conn;
    plain.mptcp = false;
    struct plait_connect how = {
        .local = kit_addr(1, 5555), .remote = kit_addr(2, 80), .config = &plain};
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    struct plait_conn *d = plait_accept(l);
    plait_release(d, b.now); /* the server closes first: TIME-WAIT is its */
    kit_exchange(&a, &b);
    plait_release(c, a.now);
    kit_exchange(&a, &b);
    struct plait_stack_info info;
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.conns, 0);
    assert_int_equal(info.time_wait, 1);
    plait_stack_info(a.stack, &info);
    assert_int_equal(info.conns + info.time_wait, 0);
    a.now = b.now += 5 * PLAIT_SEC;
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    assert_true(kit_event(&a, c, PLAIT_EVENT_CONNECTED));
    d = plait_accept(l);
    assert_non_null(d);
    assert_int_equal(plait_send(c, "again", 5, a.now), 5);
    kit_exchange(&a, &b);
    char buf[10];
    assert_int_equal(plait_recv(d, buf, sizeof buf, b.now), 5);
    kit_wait(&a, &b, PLAIT_SEC);
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.conns, 1); /* the old one is over, the new one is not */
    assert_int_equal(info.time_wait, 0);
    kit_wait(&a, &b, 61 * PLAIT_SEC);
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.conns, 1);
    assert_int_equal(plait_conn_error(d, NULL), 0);
    kit_fini(&a);
    kit_fini(&b);
}

/*= RFC 9293 3.6.1
 * This algorithm for reducing TIME-WAIT is a Best Current Practice that SHOULD be implemented since
 * Timestamp Options are commonly used, and using them to reduce TIME-WAIT provides benefits for
 * busy Internet servers (SHLD-4). */
/* A later timestamp says that the SYN is new, whatever its sequence number. */
static void test_time_wait_is_taken_over_by_timestamp(void **state)
{
    struct kit a, b;
    struct plait_conn *c;
    struct wire_packet p;
    struct plait_addr from = kit_addr(1, 5555), to = kit_addr(2, 80);

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct plait_conn_config plain = b.stack->cfg.conn;
    plain.mptcp = false;
    struct plait_connect how = {.local = from, .remote = to, .config = &plain};
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    plait_release(plait_accept(l), b.now);
    kit_exchange(&a, &b);
    plait_release(c, a.now);
    kit_exchange(&a, &b);
    assert_null(stack_find_subflow(b.stack, &to, &from));
    const struct tcp_wait *t = stack_find_wait(b.stack, &to, &from);
    assert_non_null(t);
    for (int later = 0; later <= 1; later++) {
        struct kit_seg s = kit_syn(&from, &to);
        s.seq = t->rcv_nxt + (later ? 0 - 1000u : 1000u);
        s.opt.has_ts = true;
        s.opt.tsval = t->ts_recent + (later ? 1 : 0 - 1u);
        kit_input(&b, &s);
        assert_true(kit_output(&b, &p));
        assert_int_equal(p.seg.flags, later ? WIRE_SYN | WIRE_ACK : WIRE_ACK);
    }
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_resets_are_bounded),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_time_wait_is_taken_over),
        cmocka_unit_test(test_time_wait_is_taken_over_by_timestamp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <string.h>

/* A plan that is not committed has changed nothing. */
static void test_plan_without_commit(void **state)
{
    struct kit k;
    struct plait_out one, two;
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    struct plait_conn *c;

    kit_init(&k, 1, NULL);
    assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(plait_output_plan(k.stack, k.now, &one));
        assert_true(plait_output_plan(k.stack, k.now, &two));
        assert_int_equal(one.head_len, two.head_len);
        assert_memory_equal(one.head, two.head, one.head_len);
    }
    assert_int_equal(one.ifindex, 7);
    assert_int_equal(one.ip_len, 20);
    plait_output_commit(k.stack, k.now);
    kit_expect_silence(&k);
    kit_fini(&k);
}

static void test_order_replies_halves_conns(void **state)
{
    struct kit k;
    struct plait_addr from = kit_addr(2, 999), to = kit_addr(1, 80), closed = kit_addr(1, 81);
    struct plait_connect how = {.remote = kit_addr(3, 80)};
    struct plait_conn *c;
    struct wire_packet p;

    kit_init(&k, 1, NULL);
    kit_listen(&k, 80);
    assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
    struct kit_seg s = kit_syn(&from, &to);
    kit_input(&k, &s);
    s = kit_syn(&from, &closed);
    kit_input(&k, &s);
    assert_true(kit_output(&k, &p));
    assert_int_equal(p.seg.flags, WIRE_RST | WIRE_ACK);
    assert_true(kit_output(&k, &p));
    assert_int_equal(p.seg.flags, WIRE_SYN | WIRE_ACK);
    assert_true(kit_output(&k, &p));
    assert_int_equal(p.seg.flags, WIRE_SYN);
    kit_expect_silence(&k);
    kit_fini(&k);
}

/* Connections take turns. */
static void test_round_robin(void **state)
{
    enum { N = 4 };
    struct kit a, b;
    struct kit_pair p[N];
    uint8_t bytes[9000] = {0};
    struct wire_packet w;
    uint16_t ports[2 * N];

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    for (unsigned i = 0; i < N; i++)
        p[i] = kit_connect(&a, &b, l);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(plait_send(p[i].a, bytes, sizeof bytes, a.now), sizeof bytes);
    for (unsigned i = 0; i < 2 * N; i++) {
        assert_true(kit_output(&a, &w));
        ports[i] = w.seg.src.port;
    }
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(ports[i], ports[i + N]);
        for (unsigned j = 0; j < i; j++)
            assert_true(ports[i] != ports[j]);
    }
    kit_fini(&a);
    kit_fini(&b);
}

/* Who has nothing to say leaves the dirty list: idle costs nothing. */
static void test_idle_is_free(void **state)
{
    struct kit a, b;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    kit_connect(&a, &b, kit_listen(&b, 80));
    kit_wait(&a, &b, 5 * PLAIT_SEC);
    kit_expect_silence(&a);
    assert_true(list_empty(&a.stack->dirty));
    assert_int_equal(plait_deadline(a.stack), PLAIT_NEVER);
    kit_fini(&a);
    kit_fini(&b);
}

/* A super-segment: many segments by one plan, its size told for the cutting. */
static void test_super_segment(void **state)
{
    struct kit a, b;
    struct plait_out out;
    static uint8_t bytes[20000];
    struct plait_local local = {.addr = kit_addr(1, 0),
                                .id = 1,
                                .flags = PLAIT_LOCAL_SUBFLOW,
                                .mtu = 1500,
                                .gso_max = 65535};

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    assert_int_equal(plait_local_change(a.stack, &local, a.now), 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    assert_int_equal(plait_send(p.a, bytes, sizeof bytes, a.now), sizeof bytes);
    size_t sum = 0;
    unsigned plans = 0;
    while (plait_output_plan(a.stack, a.now, &out)) {
        size_t at = sum;
        for (unsigned i = 0; i < out.view_n; at += out.view[i].len, i++)
            assert_memory_equal(out.view[i].data, bytes + at, out.view[i].len);
        assert_int_equal(at - sum, out.payload_len);
        assert_true(out.gso_size == 0 || out.gso_size < out.payload_len);
        assert_true(out.gso_size <= 1448);
        sum = at;
        plans++;
        plait_output_commit(a.stack, a.now);
    }
    assert_true(sum >= 10 * 1400 && plans <= 4); /* the initial window */
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_without_commit),
        cmocka_unit_test(test_order_replies_halves_conns),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_idle_is_free),
        cmocka_unit_test(test_super_segment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

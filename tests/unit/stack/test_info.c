/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

/*= RFC 6897 5.3.2-1 */
static void test_conn_and_subflow(void **state)
{
    struct kit a, b;
    struct plait_conn_info ia, ib;
    struct plait_subflow_info s;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    assert_int_equal(plait_send(p.a, "hello", 5, a.now), 5);
    kit_exchange(&a, &b);
    plait_conn_info(p.a, &ia);
    plait_conn_info(p.b, &ib);
    assert_true(ia.established && ia.multipath && ib.established && ib.multipath);
    assert_int_equal(ia.version, 1);
    assert_int_equal(ia.token_local, ib.token_remote);
    assert_int_equal(ia.token_remote, ib.token_local);
    assert_true(addr_equal(&ia.local, &ib.remote) && addr_equal(&ia.remote, &ib.local));
    assert_int_equal(ia.bytes_sent, 5);
    assert_int_equal(ib.bytes_received, 5);
    assert_int_equal(ib.recv_queued, 5);
    assert_int_equal(ia.subflow_n, 1);
    assert_int_equal(ia.subflow_total, 1);
    assert_int_equal(plait_subflow_info(p.a, 0, &s), 0);
    assert_int_equal(s.state, PLAIT_SUBFLOW_OPEN);
    assert_int_equal(s.bytes_sent, 5);
    assert_true(s.cwnd > 0 && s.mss > 1000);
    assert_true(addr_equal(&s.local, &ia.local));
    assert_int_equal(plait_subflow_info(p.a, 1, &s), PLAIT_ENOENT);
    kit_fini(&a);
    kit_fini(&b);
}

static void test_stack(void **state)
{
    struct kit a, b;
    struct plait_stack_info info;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    kit_connect(&a, &b, kit_listen(&b, 80));
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.conns, 1);
    assert_int_equal(info.listeners, 1);
    assert_int_equal(info.half_open, 0);
    assert_true(info.packets_in >= 2 && info.packets_out >= 1);
    assert_int_equal(info.packets_dropped, 0);
    assert_int_equal(info.mem_max, (uint64_t)256 << 20);
    assert_int_equal(plait_counter(b.stack, PLAIT_REASON_COUNT), 0);
    kit_fini(&a);
    kit_fini(&b);
}

static void add_local(struct kit *k, uint8_t id, uint8_t host)
{
    struct plait_local l = {
        .addr = kit_addr(host, 0), .id = id, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500};

    assert_int_equal(plait_local_add(k->stack, &l, k->now), 0);
}

/* Pairs of addresses that carry data, as an application finds them. */
static unsigned pairs_in_use(const struct plait_conn *c)
{
    struct plait_subflow_info s;
    unsigned n = 0;

    for (uint8_t id = 0; plait_subflow_info(c, id, &s) == 0; id++) {
        assert_int_equal(s.local.family, s.remote.family);
        n += s.state == PLAIT_SUBFLOW_OPEN;
    }
    return n;
}

/*= RFC 6897 5.3.2-2, 5.3.3-1, 5.3.3-6, 5.3.4-1, 5.3.4-2 */
static void test_pairs_in_use(void **state)
{
    struct kit a, b;
    struct plait_subflow_info s;
    struct wire_packet syn;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    plait_send(p.a, "x", 1, a.now);
    kit_exchange(&a, &b);
    assert_int_equal(pairs_in_use(p.a), 1);
    add_local(&a, 2, 11);
    kit_exchange(&a, &b);
    assert_int_equal(pairs_in_use(p.a), 2);
    add_local(&a, 3, 21);
    assert_true(kit_output(&a, &syn)); /* is lost */
    assert_int_equal(syn.seg.src.ip[3], 21);
    assert_int_equal(plait_subflow_info(p.a, 2, &s), 0);
    assert_int_equal(s.state, PLAIT_SUBFLOW_OPENING);
    assert_int_equal(pairs_in_use(p.a), 2);
    kit_wait(&a, &b, 2 * PLAIT_SEC);
    assert_int_equal(pairs_in_use(p.a), 3);
    assert_int_equal(pairs_in_use(p.b), 3);
    assert_int_equal(plait_local_del(a.stack, 2, a.now), 0);
    kit_wait(&a, &b, PLAIT_SEC);
    assert_int_equal(pairs_in_use(p.a), 2);
    assert_int_equal(pairs_in_use(p.b), 2);
    kit_fini(&a);
    kit_fini(&b);
}

/*= RFC 6897 4.2.2-1, 4.2.2-4 */
static void test_addresses_of_the_first_subflow(void **state)
{
    struct kit a, b;
    struct plait_conn_info before, after;
    struct plait_subflow_info s;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    add_local(&a, 2, 11);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    plait_send(p.a, "x", 1, a.now);
    kit_exchange(&a, &b);
    plait_conn_info(p.a, &before);
    assert_int_equal(before.local.ip[3], 1);
    assert_int_equal(before.remote.port, 80);
    assert_int_equal(plait_local_del(a.stack, 1, a.now), 0);
    kit_wait(&a, &b, PLAIT_SEC);
    assert_int_equal(plait_subflow_info(p.a, 0, &s), 0);
    assert_int_equal(s.state, PLAIT_SUBFLOW_CLOSED);
    plait_conn_info(p.a, &after);
    assert_int_equal(after.subflow_n, 1);
    assert_true(addr_equal(&before.local, &after.local));
    assert_true(addr_equal(&before.remote, &after.remote));
    plait_conn_info(p.b, &after);
    assert_true(addr_equal(&before.local, &after.remote));
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conn_and_subflow),
        cmocka_unit_test(test_pairs_in_use),
        cmocka_unit_test(test_addresses_of_the_first_subflow),
        cmocka_unit_test(test_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conn_and_subflow),
        cmocka_unit_test(test_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

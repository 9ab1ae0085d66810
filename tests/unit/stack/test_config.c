/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

static struct plait_config config;

static int resolve(const struct plait_conn_config *c, struct mp_config *out)
{
    plait_config_init(&config);
    return stack_conn_config(&config, c, out);
}

/*= RFC 8684 3.3.5
 * The send buffer MUST, at a minimum, be as big as the receive buffer, to enable the sender to
 * reach maximum throughput. */
static void test_defaults_are_good(void **state)
{
    struct mp_config m;

    plait_config_init(&config);
    assert_true(stack_config_ok(&config));
    assert_int_equal(stack_conn_config(&config, &config.conn, &m), 0);
    assert_true(m.mptcp && !m.checksum && !m.require_mptcp);
    assert_string_equal(m.tcp.cc->name, "cubic");
    assert_string_equal(m.sched->name, "minrtt");
    assert_string_equal(m.pm->name, "fullmesh");
    assert_int_equal(m.tcp.rto_min, config.rto_min);
    assert_true(m.sndbuf_max >= m.rcvbuf_max);
    assert_int_equal(m.time_wait, config.time_wait);
    assert_true(m.tcp.recs_max > 0 && m.tcp.rcv_mem_max >= m.rcvbuf_max);
}

static void test_names(void **state)
{
    struct mp_config m;
    struct plait_conn_config c;

    plait_config_init(&config);
    c = config.conn;
    c.cc = "reno";
    c.pm = "none";
    assert_int_equal(resolve(&c, &m), 0);
    assert_string_equal(m.tcp.cc->name, "reno");
    assert_string_equal(m.pm->name, "none");
    for (unsigned i = 0; cc_at(i) != NULL; i++) {
        c.cc = cc_at(i)->name;
        assert_int_equal(resolve(&c, &m), 0);
        assert_string_equal(m.tcp.cc->name, c.cc);
    }
    assert_string_equal(cc_at(0)->name, config.conn.cc);
    c.cc = "nonesuch";
    assert_int_equal(resolve(&c, &m), PLAIT_ENOENT);
    c.cc = NULL;
    assert_int_equal(resolve(&c, &m), PLAIT_EINVAL);
    c.cc = "reno";
    c.sched = "nonesuch";
    assert_int_equal(resolve(&c, &m), PLAIT_ENOENT);
    c.sched = "minrtt";
    c.pm = "nonesuch";
    assert_int_equal(resolve(&c, &m), PLAIT_ENOENT);
}

/*= RFC 5681 4.2
 * Finally, we repeat that an ACK MUST NOT be delayed for more than 500 ms waiting on a second
 * full-sized segment to arrive. */
static void test_numbers(void **state)
{
    struct plait_conn_config good, c;
    struct mp_config m;

    plait_config_init(&config);
    good = config.conn;
#define BAD(change)                                      \
    do {                                                 \
        c = good;                                        \
        change;                                          \
        assert_int_equal(resolve(&c, &m), PLAIT_EINVAL); \
    } while (0)
    BAD(c.subflows_max = 0);
    BAD(c.subflows_max = MP_SUBFLOWS_MAX + 1);
    BAD(c.ports = 0);
    BAD(c.rcvbuf_max = 100);
    BAD(c.rcvbuf_init = c.rcvbuf_max + 1);
    BAD(c.rcvbuf_init = 0);
    BAD(c.sndbuf_max = 0);
    BAD(c.sndbuf_max = UINT32_MAX);
    BAD((c.keepalive_idle = PLAIT_SEC, c.keepalive_interval = 0));
    BAD((c.mptcp = false, c.require_mptcp = true));
    struct plait_config s = config;
    s.conns_max = 0;
    assert_false(stack_config_ok(&s));
    s = config;
    s.ack_delay = 500 * PLAIT_MSEC;
    assert_false(stack_config_ok(&s));
    s = config;
    s.fastopen_max = STACK_FASTOPEN_MAX + 1;
    assert_false(stack_config_ok(&s));
}

/*= RFC 7323 2.3
 * Thus, the shift count MUST be limited to 14 (which allows windows of 2^30 = 1 GiB). */
static void test_window_scale_fits(void **state)
{
    for (uint32_t max = 4096; max <= 1 << 30; max *= 2) {
        struct plait_conn_config c;
        struct mp_config m;
        plait_config_init(&config);
        c = config.conn;
        c.rcvbuf_max = max;
        c.rcvbuf_init = max < c.rcvbuf_init ? max : c.rcvbuf_init;
        assert_int_equal(resolve(&c, &m), 0);
        assert_true(m.tcp.wscale <= 14);
        assert_true((max >> m.tcp.wscale) <= 65535 || m.tcp.wscale == 14);
        assert_true(m.tcp.wscale == 0 || (max >> (m.tcp.wscale - 1)) > 65535);
    }
}

/* Connections share a configuration where it says the same in everything, and only there. */
#define OTHER(change)                                                                              \
    do {                                                                                           \
        struct plait_conn_config c = config.conn;                                                  \
        struct mp_config other;                                                                    \
        struct stack_config *got;                                                                  \
        change;                                                                                    \
        assert_int_equal(stack_conn_config(&config, &c, &other), 0);                               \
        got = stack_config_share(k.stack, &other);                                                 \
        assert_ptr_not_equal(got, first);                                                          \
        stack_config_drop(k.stack, got);                                                           \
    } while (0)

static void test_shared_where_alike(void **state)
{
    struct stack_config *first, *again;
    struct mp_config m;
    struct kit k;

    kit_init(&k, 1, NULL);
    plait_config_init(&config);
    assert_int_equal(stack_conn_config(&config, &config.conn, &m), 0);
    m.nodelay = !m.nodelay; /* unlike the stack's own */
    config.conn.nodelay = m.nodelay;
    first = stack_config_share(k.stack, &m);
    again = stack_config_share(k.stack, &m);
    assert_ptr_equal(first, again);
    stack_config_drop(k.stack, again);
    OTHER(c.checksum = true);
    OTHER(c.nodelay = !c.nodelay);
    OTHER(c.cc = "reno");
    OTHER(c.sched = "ecf");
    OTHER(c.pm = "none");
    OTHER(c.ports = 3);
    OTHER(c.demand_bytes = 1);
    OTHER(c.demand_after = 1);
    OTHER(c.subflows_max = 1);
    OTHER(c.addrs_max = 1);
    OTHER(c.user_timeout = PLAIT_SEC);
    OTHER(c.keepalive_idle = PLAIT_SEC);
    OTHER(c.rcvbuf_max = 1 << 20);
    OTHER(c.ecn = PLAIT_ECN_ON);
    stack_config_drop(k.stack, first);
    kit_fini(&k);
}

static void test_subflow_part(void **state)
{
    struct plait_local local = {.addr = kit_addr(1, 0), .mtu = 1400, .gso_max = 60000};
    struct mp_config m;

    plait_config_init(&config);
    assert_int_equal(stack_conn_config(&config, &config.conn, &m), 0);
    struct tcp_config t = stack_tcp_config(&m, &local);
    assert_int_equal(t.mss_local, 1360);
    assert_int_equal(t.gso_max, 60000);
    assert_ptr_equal(t.cc, m.tcp.cc);
}

/*= RFC 9293 MUST-40 */
static void test_stack_refuses_bad_configs(void **state)
{
    struct kit k;
    struct plait_config bad;

    kit_init(&k, 1, NULL);
    plait_config_init(&bad);
    bad.conn.cc = "nonesuch";
    assert_null(plait_stack_new(&k.env, &bad));
    plait_config_init(&bad);
    bad.mem_max = 0;
    assert_null(plait_stack_new(&k.env, &bad));
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_good), cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers),           cmocka_unit_test(test_window_scale_fits),
        cmocka_unit_test(test_shared_where_alike),
        cmocka_unit_test(test_subflow_part),      cmocka_unit_test(test_stack_refuses_bad_configs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

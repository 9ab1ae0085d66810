/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake, data both ways, close: over one to four paths, both families, small windows and MTUs.
 */
#include "world.h"

static void check_paths(unsigned n)
{
    struct world w;

    world_init(&w, n);
    /* Room for the pairs that lead nowhere: they hold a place until their SYNs are given up. */
    w.client_cfg.conn.subflows_max = w.server_cfg.conn.subflows_max = 16;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 2 << 20;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.pair.client.info.multipath);
    assert_true(w.pair.server.info.multipath);
    assert_true(w.pair.client.info.subflow_total >= n); /* the mesh tries dead pairs too */
    for (unsigned i = 0; i < n; i++) {
        assert_true(world_sent(&w, i) > 0);
        assert_true(world_received(&w, i) > 0);
    }
    world_end(&w);
}

static void test_one_path(void **state)
{
    check_paths(1);
}

static void test_two_paths(void **state)
{
    check_paths(2);
}

static void test_three_paths(void **state)
{
    check_paths(3);
}

static void test_four_paths(void **state)
{
    check_paths(4);
}

/* Each path carries its share: together they are faster than one alone can be. */
static void test_paths_add_up(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = 8 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    plait_time took = w.pair.server.last_read_at - w.pair.client.started;
    /* 8 MiB over 2 x 20 Mbit/s: 1.7 s; over one of them 3.4 s. */
    assert_true(took < 2400 * PLAIT_MSEC);
    world_end(&w);
}

static void test_nothing_to_send(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_complete(&w, 10 * PLAIT_SEC);
}

static void test_one_byte(void **state)
{
    struct world w;

    world_init(&w, 1);
    w.pair_cfg.client.send_bytes = 1;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_complete(&w, 10 * PLAIT_SEC);
}

static void test_ipv6(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.topo_cfg.path[0].family = w.topo_cfg.path[1].family = 6;
    world_start(&w);
    world_complete(&w, 30 * PLAIT_SEC);
}

static void test_families_mixed(void **state)
{
    struct world w;

    world_init(&w, 3);
    w.topo_cfg.path[1].family = 6;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 2 << 20;
    world_start(&w);
    world_finish(&w, 30 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 0) > 0 && world_sent(&w, 1) > 0 && world_sent(&w, 2) > 0);
    world_end(&w);
}

static void test_every_byte_in_small_pieces(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client = (struct sim_app_config){
        .send_bytes = 100000,
        .write_max = 700,
        .read_max = 300,
        .pause_ppm = 100000,
        .pause_max = 5 * PLAIT_MSEC,
    };
    w.pair_cfg.server = w.pair_cfg.client;
    world_start(&w);
    world_complete(&w, 60 * PLAIT_SEC);
}

static void check_window(uint32_t rcvbuf, uint32_t sndbuf)
{
    struct world w;

    world_init(&w, 2);
    w.client_cfg.conn.rcvbuf_max = w.server_cfg.conn.rcvbuf_max = rcvbuf;
    w.client_cfg.conn.rcvbuf_init = w.server_cfg.conn.rcvbuf_init = rcvbuf;
    w.client_cfg.conn.sndbuf_max = w.server_cfg.conn.sndbuf_max = sndbuf;
    world_start(&w);
    world_complete(&w, 300 * PLAIT_SEC);
}

static void test_small_windows(void **state)
{
    check_window(4096, 1 << 20);
    check_window(1 << 20, 4096);
    check_window(4096, 4096);
    check_window(20000, 20000);
}

/* The reader sleeps: the window closes, is probed, and opens again. */
static void test_zero_window(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.server_cfg.conn.rcvbuf_max = w.server_cfg.conn.rcvbuf_init = 32768;
    w.pair_cfg.server.read_after = 20 * PLAIT_SEC;
    world_start(&w);
    world_complete(&w, 120 * PLAIT_SEC);
}

static void test_different_mtus(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.topo_cfg.path[1].mtu = 1280;
    w.topo_cfg.path[1].up.mtu = w.topo_cfg.path[1].down.mtu = 1280;
    world_start(&w);
    world_complete(&w, 30 * PLAIT_SEC);
}

/* The path's MTU is below what both ends think: ICMP packet-too-big tells. */
static void check_path_mtu(uint8_t family, uint32_t mtu)
{
    struct world w;

    world_init(&w, 1);
    w.topo_cfg.path[0].family = family;
    w.topo_cfg.path[0].up.mtu = w.topo_cfg.path[0].down.mtu = mtu;
    world_start(&w);
    world_complete(&w, 60 * PLAIT_SEC);
}

static void test_path_mtu_discovery(void **state)
{
    check_path_mtu(4, 1300);
    check_path_mtu(6, 1300);
    check_path_mtu(4, 700);
}

static void test_no_gso_and_gro(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.topo_cfg.gso_max = 0;
    world_start(&w);
    world_complete(&w, 30 * PLAIT_SEC);
    world_init(&w, 2);
    world_start(&w);
    w.client->gro_window = w.server->gro_window = 2 * PLAIT_MSEC;
    world_finish(&w, 30 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.server->supers_in < w.server->packets_in);
    world_end(&w);
}

static void test_checksums(void **state)
{
    struct world w;

    for (int sides = 1; sides <= 3; sides++) {
        world_init(&w, 2);
        w.client_cfg.conn.checksum = (sides & 1) != 0;
        w.server_cfg.conn.checksum = (sides & 2) != 0;
        world_start(&w);
        world_finish(&w, 30 * PLAIT_SEC);
        world_expect_all(&w);
        assert_true(w.pair.client.info.checksum && w.pair.server.info.checksum);
        world_end(&w);
    }
}

/* More than 2^32 data sequence numbers would take long; the subflow's wrap is tested by the ISN. */
static void test_many_connections(void **state)
{
    enum { N = 10 };
    static struct sim_pair more[N];
    struct world w;

    world_init(&w, 2);
    world_start(&w);
    for (int i = 0; i < N; i++)
        assert_int_equal(sim_pair_start(&w.apps, &more[i], &w.pair_cfg), 0);
    world_complete(&w, 120 * PLAIT_SEC);
    for (int i = 0; i < N; i++)
        assert_int_equal(more[i].server.received, w.pair_cfg.client.send_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_path),         cmocka_unit_test(test_two_paths),
        cmocka_unit_test(test_three_paths),      cmocka_unit_test(test_four_paths),
        cmocka_unit_test(test_paths_add_up),     cmocka_unit_test(test_nothing_to_send),
        cmocka_unit_test(test_one_byte),         cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_families_mixed),   cmocka_unit_test(test_every_byte_in_small_pieces),
        cmocka_unit_test(test_small_windows),    cmocka_unit_test(test_zero_window),
        cmocka_unit_test(test_different_mtus),   cmocka_unit_test(test_path_mtu_discovery),
        cmocka_unit_test(test_no_gso_and_gro),   cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_many_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

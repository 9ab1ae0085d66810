/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that carry smaller packets than their ends, and tell nobody (RFC 2923, RFC 4821). */
#include "world.h"

enum { HEAD = 80, BASE = 1024 }; /* IP, TCP, and its options as MPTCP needs them */
enum { NEAR = 40 }; /* the search is nearly over when the transfers are: the last step is 16 */

static uint64_t count(const struct sim_node *n, enum plait_reason reason)
{
    return plait_counter(n->stack, reason);
}

static uint32_t mss_now(const struct world *w, uint8_t id)
{
    struct plait_subflow_info info;

    assert_int_equal(plait_subflow_info(w->pair.client.conn, id, &info), 0);
    return info.mss;
}

static void init(struct world *w, unsigned paths, uint32_t gso_max)
{
    world_init(w, paths);
    w->topo_cfg.gso_max = gso_max;
    w->pair_cfg.client.send_bytes = w->pair_cfg.server.send_bytes = 16 << 20;
    for (unsigned i = 0; i < paths; i++) { /* the time between congestion events is short */
        struct sim_link_config *up = &w->topo_cfg.path[i].up;
        up->delay = 4 * PLAIT_MSEC;
        up->queue = 16 << 10;
        w->topo_cfg.path[i].down = *up;
    }
}

static void make_hole(struct world *w, unsigned path, uint32_t mtu)
{
    struct sim_link_config *up = &w->topo_cfg.path[path].up, *down = &w->topo_cfg.path[path].down;

    up->mtu = down->mtu = mtu;
    up->black_hole = down->black_hole = true;
}

/* The only path swallows large packets from the beginning. Both sides find the size that passes. */
static void only_path(uint32_t mtu, uint32_t gso_max)
{
    struct world w;

    init(&w, 1, gso_max);
    make_hole(&w, 0, mtu);
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_in_range(w.pair.client.path[0].mss, mtu - HEAD - NEAR, mtu - HEAD);
    assert_in_range(w.pair.server.path[0].mss, mtu - HEAD - NEAR, mtu - HEAD);
    assert_true(count(w.client, PLAIT_REASON_MTU_BLACK_HOLE) >= 1);
    assert_true(count(w.server, PLAIT_REASON_MTU_BLACK_HOLE) >= 1);
    assert_true(mtu == BASE || count(w.client, PLAIT_REASON_MTU_RAISED) >= 1);
    world_end(&w);
}

static void test_the_only_path_is_a_black_hole(void **state)
{
    (void)state;
    only_path(BASE, 0);
    only_path(1081, 65535);
    only_path(1280, 65535);
    only_path(1421, 0);
    only_path(1492, 65535);
}

/* One of two: the other one carries the data meanwhile, and then both do. */
static void test_one_of_two_paths_is_a_black_hole(void **state)
{
    (void)state;
    for (unsigned hole = 0; hole < 2; hole++) {
        struct world w;
        init(&w, 2, 65535);
        make_hole(&w, hole, 1400);
        world_start(&w);
        world_finish(&w, 60 * PLAIT_SEC);
        world_expect_all(&w);
        assert_true(count(w.client, PLAIT_REASON_MTU_BLACK_HOLE) >= 1);
        assert_true(world_sent(&w, hole) > 4 << 20);
        assert_in_range(world_subflow(&w, hole)->mss, 1400 - HEAD - NEAR, 1400 - HEAD);
        assert_int_equal(world_subflow(&w, 1 - hole)->mss, 1500 - HEAD);
        world_end(&w);
    }
}

/* In the midst of a transfer the route changes to a smaller one. */
static void test_a_path_becomes_a_black_hole(void **state)
{
    struct world w;
    struct sim_link_config narrow;

    (void)state;
    init(&w, 1, 0);
    world_start(&w);
    world_at(&w, 600 * PLAIT_MSEC);
    assert_int_equal(mss_now(&w, 0), 1500 - HEAD);
    narrow = w.topo_cfg.path[0].up;
    narrow.mtu = 1280;
    narrow.black_hole = true;
    sim_link_change(&w.sim->link[w.topo.up[0]], &narrow);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(count(w.client, PLAIT_REASON_MTU_BLACK_HOLE), 1);
    assert_int_equal(count(w.server, PLAIT_REASON_MTU_BLACK_HOLE), 0);
    assert_in_range(world_subflow(&w, 0)->mss, 1280 - HEAD - NEAR, 1280 - HEAD);
    world_end(&w);
}

/* A path that was dead for some time looks like a black hole. It gets its size back. */
static void test_a_dead_path_regains_its_size(void **state)
{
    (void)state;
    for (unsigned paths = 1; paths <= 2; paths++) {
        struct world w;
        init(&w, paths, 65535);
        w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 24 << 20;
        world_start(&w);
        world_at(&w, 500 * PLAIT_MSEC);
        sim_topology_cut(&w.topo, 0, true);
        world_at(&w, 2000 * PLAIT_MSEC);
        assert_true(mss_now(&w, 0) < 1500 - HEAD);
        sim_topology_cut(&w.topo, 0, false);
        world_at(&w, 6000 * PLAIT_MSEC);
        assert_int_equal(mss_now(&w, 0), 1500 - HEAD);
        world_complete(&w, 120 * PLAIT_SEC);
    }
}

/* Random loss beside it: the search may err for a while, and no byte is lost. */
static void test_loss_beside_a_black_hole(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct world w;
        init(&w, 2, seed % 2 != 0 ? 65535 : 0);
        w.seed = seed;
        w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 4 << 20;
        make_hole(&w, 0, 1300);
        for (unsigned i = 0; i < 2; i++)
            w.topo_cfg.path[i].up.loss_ppm = w.topo_cfg.path[i].down.loss_ppm = 10000;
        w.client_cfg.conn.checksum = seed % 3 == 0;
        world_start(&w);
        world_complete(&w, 120 * PLAIT_SEC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_only_path_is_a_black_hole),
        cmocka_unit_test(test_one_of_two_paths_is_a_black_hole),
        cmocka_unit_test(test_a_path_becomes_a_black_hole),
        cmocka_unit_test(test_a_dead_path_regains_its_size),
        cmocka_unit_test(test_loss_beside_a_black_hole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

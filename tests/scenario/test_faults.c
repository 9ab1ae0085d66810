/* SPDX-License-Identifier: Apache-2.0 */
/* The network misbehaves: loss, reordering, duplicates, paths that go dark and come back, options
 * that are taken away, memory that runs out. */
#include "world.h"

#include "base/be.h"
#include "wire/wire.h"

#include <string.h>

static void spoil(struct world *w, uint32_t loss, uint32_t reorder, uint32_t twice)
{
    for (unsigned i = 0; i < w->topo_cfg.path_n; i++) {
        struct sim_link_config *links[2] = {&w->topo_cfg.path[i].up, &w->topo_cfg.path[i].down};
        for (unsigned j = 0; j < 2; j++) {
            links[j]->loss_ppm = loss;
            links[j]->reorder_ppm = reorder;
            links[j]->reorder_delay = 15 * PLAIT_MSEC;
            links[j]->duplicate_ppm = twice;
        }
    }
}

static void check_spoilt(unsigned paths, uint32_t loss, uint32_t reorder, uint32_t twice)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world w;
        world_init(&w, paths);
        w.seed = seed;
        spoil(&w, loss, reorder, twice);
        world_start(&w);
        world_complete(&w, 600 * PLAIT_SEC);
    }
}

static void test_loss_one_path(void **state)
{
    check_spoilt(1, 10000, 0, 0);
    check_spoilt(1, 100000, 0, 0);
}

static void test_loss_two_paths(void **state)
{
    check_spoilt(2, 10000, 0, 0);
    check_spoilt(2, 100000, 0, 0);
}

static void test_reordering(void **state)
{
    check_spoilt(2, 0, 100000, 0);
}

static void test_duplicates(void **state)
{
    check_spoilt(2, 0, 0, 100000);
}

static void test_all_at_once(void **state)
{
    check_spoilt(3, 30000, 50000, 30000);
}

/* ---- cut paths
 * ------------------------------------------------------------------------------------------ */

static void check_cut(unsigned path, plait_time back_after)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 4 << 20;
    world_start(&w);
    world_at(&w, 500 * PLAIT_MSEC);
    sim_topology_cut(&w.topo, path, true);
    if (back_after > 0) {
        world_at(&w, 500 * PLAIT_MSEC + back_after);
        sim_topology_cut(&w.topo, path, false);
    }
    world_finish(&w, 120 * PLAIT_SEC);
    world_expect_all(&w);
    if (w.pair.client.stall_max > 300 * PLAIT_MSEC || w.pair.server.stall_max > 300 * PLAIT_MSEC)
        fail_msg("stalled for %llu and %llu us", (unsigned long long)w.pair.client.stall_max,
                 (unsigned long long)w.pair.server.stall_max);
    world_end(&w);
}

static void test_first_path_cut(void **state)
{
    check_cut(0, 0);
}

static void test_second_path_cut(void **state)
{
    check_cut(1, 0);
}

static void test_path_cut_and_back(void **state)
{
    check_cut(0, 700 * PLAIT_MSEC);
    check_cut(1, 700 * PLAIT_MSEC);
}

/* A path that came back is used again. */
static void test_path_back_in_use(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = 16 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_at(&w, 500 * PLAIT_MSEC);
    sim_topology_cut(&w.topo, 0, true);
    world_at(&w, 1500 * PLAIT_MSEC);
    uint64_t before = w.sim->link[w.topo.up[0]].bytes;
    sim_topology_cut(&w.topo, 0, false);
    world_at(&w, 4000 * PLAIT_MSEC);
    assert_true(w.sim->link[w.topo.up[0]].bytes - before > 500000);
    world_complete(&w, 120 * PLAIT_SEC);
}

static void test_all_paths_dark_for_a_while(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 2 << 20;
    world_start(&w);
    world_at(&w, 400 * PLAIT_MSEC);
    sim_topology_cut(&w.topo, 0, true);
    sim_topology_cut(&w.topo, 1, true);
    world_at(&w, 10 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 0, false);
    sim_topology_cut(&w.topo, 1, false);
    world_complete(&w, 120 * PLAIT_SEC);
}

/* The peer is gone for good: both ends learn it and nothing is left over. */
static void test_all_paths_dark_for_ever(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 2 << 20;
    world_start(&w);
    world_at(&w, 400 * PLAIT_MSEC);
    sim_topology_cut(&w.topo, 0, true);
    sim_topology_cut(&w.topo, 1, true);
    world_finish(&w, 3000 * PLAIT_SEC);
    assert_int_equal(w.pair.client.error, PLAIT_ETIMEDOUT);
    assert_int_equal(w.pair.server.error, PLAIT_ETIMEDOUT);
    world_end(&w);
}

static void test_nobody_there(void **state)
{
    struct world w;

    world_init(&w, 1);
    world_start(&w);
    sim_topology_cut(&w.topo, 0, true);
    for (int i = 0; i < 400 && !w.pair.client.done; i++)
        world_at(&w, (plait_time)i * PLAIT_SEC);
    assert_int_equal(w.pair.client.error, PLAIT_ETIMEDOUT);
    assert_false(w.pair.client.connected);
    world_end(&w);
}

static void test_refused(void **state)
{
    struct world w;

    world_init(&w, 1);
    world_start(&w);
    plait_listener_close(w.apps.listener, w.sim->now);
    world_at(&w, PLAIT_SEC);
    assert_true(w.pair.client.done);
    assert_int_equal(w.pair.client.error, PLAIT_ECONNREFUSED);
    struct plait_addr any = {.port = WORLD_PORT};
    assert_int_equal(plait_listen(w.server->stack, &any, NULL, &w.apps.listener), 0);
    world_end(&w);
}

/* ---- single packets
 * ---------------------------------------------------------------------------------------- */

/* Loses packet number k, for every k of the run: nobody depends on a certain packet. */
static void lose_one(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    const uint64_t *k = ctx;

    wire->drop = wire->k == *k;
}

static void test_each_packet_lost_once(void **state)
{
    for (uint64_t k = 0; k < 90; k++) {
        struct world w;
        world_init(&w, 2);
        w.pair_cfg.client.send_bytes = 30000;
        w.pair_cfg.server.send_bytes = 20000;
        world_start(&w);
        w.sim->hook = lose_one;
        w.sim->hook_ctx = &k;
        world_complete(&w, 60 * PLAIT_SEC);
    }
}

static void double_one(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    const uint64_t *k = ctx;

    wire->twice = wire->k == *k;
}

static void late_one(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    const uint64_t *k = ctx;

    wire->delay = wire->k == *k ? 300 * PLAIT_MSEC : 0;
}

static void test_each_packet_doubled_or_late(void **state)
{
    for (uint64_t k = 0; k < 90; k++) {
        for (int late = 0; late <= 1; late++) {
            struct world w;
            world_init(&w, 2);
            w.pair_cfg.client.send_bytes = 30000;
            w.pair_cfg.server.send_bytes = 20000;
            world_start(&w);
            w.sim->hook = late ? late_one : double_one;
            w.sim->hook_ctx = &k;
            world_complete(&w, 60 * PLAIT_SEC);
        }
    }
}

/* ---- memory ------------------------------------------------------------------------------------
 * -------------- */

/* The server's memory ends at its n-th allocation: whatever becomes of the connection, no wrong
 * byte, no crash, and everything is given back. */
static void check_memory(int64_t n, bool server)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 50000;
    w.client_cfg.conn.user_timeout = w.server_cfg.conn.user_timeout = 5 * PLAIT_SEC;
    world_start(&w);
    (server ? w.server : w.client)->fail_in = n;
    world_at(&w, 3 * PLAIT_SEC);
    (server ? w.server : w.client)->fail_in = -1;
    world_at(&w, 60 * PLAIT_SEC);
    if (!w.pair.client.done && w.pair.client.conn != NULL)
        plait_abort(w.pair.client.conn, w.sim->now);
    if (!w.pair.server.done && w.pair.server.conn != NULL)
        plait_abort(w.pair.server.conn, w.sim->now);
    world_at(&w, 61 * PLAIT_SEC);
    world_end(&w);
}

static void test_memory_ends(void **state)
{
    for (int64_t n = 0; n < 60; n++) {
        check_memory(n, true);
        check_memory(n, false);
    }
}

/* Now and then an allocation fails: the connection gets through all the same, or ends with an
 * error. */
static void test_memory_is_scarce(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world w;
        world_init(&w, 2);
        w.seed = seed;
        world_start(&w);
        w.client->fail_ppm = w.server->fail_ppm = 50000;
        world_at(&w, 120 * PLAIT_SEC);
        w.client->fail_ppm = w.server->fail_ppm = 0;
        world_finish(&w, 600 * PLAIT_SEC);
        world_end(&w);
    }
}

/* A pool of 1 MiB for two 256 KiB streams with 8 MiB windows. */
static void test_pool_cap(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.client_cfg.mem_max = w.server_cfg.mem_max = 1 << 20;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 2 << 20;
    world_start(&w);
    world_complete(&w, 120 * PLAIT_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_one_path),
        cmocka_unit_test(test_loss_two_paths),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_first_path_cut),
        cmocka_unit_test(test_second_path_cut),
        cmocka_unit_test(test_path_cut_and_back),
        cmocka_unit_test(test_path_back_in_use),
        cmocka_unit_test(test_all_paths_dark_for_a_while),
        cmocka_unit_test(test_all_paths_dark_for_ever),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_each_packet_lost_once),
        cmocka_unit_test(test_each_packet_doubled_or_late),
        cmocka_unit_test(test_memory_ends),
        cmocka_unit_test(test_memory_is_scarce),
        cmocka_unit_test(test_pool_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

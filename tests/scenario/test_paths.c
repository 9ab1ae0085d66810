/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that are announced, added, removed, spared and asked back during a transfer. */
#include "world.h"

static void bulk(struct world *w, unsigned paths)
{
    world_init(w, paths);
    w->pair_cfg.client.send_bytes = w->pair_cfg.server.send_bytes = 6 << 20;
}

/* The client has one address more than the server told it of: without ADD_ADDR there is one path.
 */
static void test_no_announcement_no_path(void **state)
{
    struct world w;

    bulk(&w, 2);
    w.topo_cfg.path[1].server_flags = 0;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(world_sent(&w, 1), 0);
    world_end(&w);
}

/* Every address reaches every other: the mesh is full, up to the limit of subflows. */
static void test_mesh(void **state)
{
    struct world w;

    bulk(&w, 2);
    w.topo_cfg.mesh = true;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(w.pair.client.info.subflow_total, 4);
    world_end(&w);
    bulk(&w, 4);
    w.topo_cfg.mesh = true;
    w.client_cfg.conn.subflows_max = 3;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.pair.client.info.subflow_total <= 3);
    world_end(&w);
}

static void test_server_limits_subflows(void **state)
{
    struct world w;

    bulk(&w, 3);
    w.server_cfg.conn.subflows_max = 2;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 0) > 0);
    assert_true(world_sent(&w, 1) == 0 || world_sent(&w, 2) == 0);
    world_end(&w);
}

/*= RFC 6897 4.2.1-1 */
/* The way to keep a connection at the one address that it names. */
static void test_pm_none(void **state)
{
    struct world w;

    bulk(&w, 2);
    w.client_cfg.conn.pm = "none";
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(w.pair.client.info.subflow_total, 1);
    world_end(&w);
}

/* The server opens subflows to an address that the client announced. */
static void test_server_joins(void **state)
{
    struct world w;

    bulk(&w, 2);
    w.server_cfg.conn.server_joins = true;
    w.topo_cfg.path[1].server_flags = PLAIT_LOCAL_SUBFLOW;
    w.topo_cfg.path[1].client_flags = PLAIT_LOCAL_SIGNAL;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 1) > 0 && world_received(&w, 1) > 0);
    world_end(&w);
}

/* Joins are found by token: the listener is gone and the further paths come up all the same. */
static void test_join_without_listener(void **state)
{
    struct world w;

    bulk(&w, 2);
    world_start(&w);
    sim_pump(w.sim);
    while (w.pair.server.conn == NULL)
        assert_true(sim_step(w.sim));
    plait_listener_close(w.apps.listener, w.sim->now);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 1) > 0);
    struct plait_addr any = {.port = WORLD_PORT};
    assert_int_equal(plait_listen(w.server->stack, &any, NULL, &w.apps.listener), 0);
    world_end(&w);
}

/* Probes of a silent path come each second, but it is not given up the sooner: the side that may
 * not open it again has it back after 15 s. */
static void test_long_silence(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = 0;
    w.pair_cfg.server.send_bytes = 12 << 20;
    for (unsigned i = 0; i < 2; i++)
        w.topo_cfg.path[i].up.rate = w.topo_cfg.path[i].down.rate = 4000000;
    world_start(&w);
    world_at(&w, 1 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 1, true);
    world_at(&w, 15 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 1, false);
    uint64_t before = w.sim->link[w.topo.down[1]].bytes;
    world_at(&w, 18 * PLAIT_SEC);
    assert_true(w.sim->link[w.topo.down[1]].bytes - before > 256 << 10);
    world_complete(&w, 120 * PLAIT_SEC);
}

static struct plait_local local_of(const struct world *w, unsigned path, bool server, uint8_t flags)
{
    return (struct plait_local){
        .addr = sim_path_addr(&w->topo_cfg, path, server),
        .id = (uint8_t)(path + 1),
        .flags = flags,
        .mtu = 1500,
        .gso_max = 65535,
        .ifindex = path + 1,
    };
}

/* REMOVE_ADDR from either side: the path's subflows end, the rest carries on. */
static void check_remove(unsigned path, bool server)
{
    struct world w;

    bulk(&w, 2);
    world_start(&w);
    world_at(&w, 800 * PLAIT_MSEC);
    struct plait_stack *stack = server ? w.server->stack : w.client->stack;
    assert_int_equal(plait_local_del(stack, (uint8_t)(path + 1), w.sim->now), 0);
    world_at(&w, 1500 * PLAIT_MSEC);
    uint64_t up = w.sim->link[w.topo.up[path]].bytes, down = w.sim->link[w.topo.down[path]].bytes;
    world_at(&w, 2500 * PLAIT_MSEC);
    assert_true(w.sim->link[w.topo.up[path]].bytes - up < 2000);
    assert_true(w.sim->link[w.topo.down[path]].bytes - down < 2000);
    world_complete(&w, 120 * PLAIT_SEC);
}

static void test_remove_second_address(void **state)
{
    check_remove(1, false);
    check_remove(1, true);
}

static void test_remove_first_address(void **state)
{
    check_remove(0, false);
    check_remove(0, true);
}

/* An address that comes (back) during the transfer is used. */
static void test_address_comes_later(void **state)
{
    struct world w;

    bulk(&w, 2);
    world_start(&w);
    assert_int_equal(plait_local_del(w.client->stack, 2, w.sim->now), 0);
    world_at(&w, 500 * PLAIT_MSEC);
    assert_int_equal(w.sim->link[w.topo.up[1]].bytes, 0);
    struct plait_local l = local_of(&w, 1, false, PLAIT_LOCAL_SUBFLOW);
    assert_int_equal(plait_local_add(w.client->stack, &l, w.sim->now), 0);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 1) > 100000);
    world_end(&w);
}

/* An address goes in good order, with FINs, and comes back at once: it need not wait until its old
 * subflow has left TIME-WAIT, whose ports the new one has. More than once. */
static void test_address_comes_back(void **state)
{
    struct world w;

    bulk(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 40 << 20;
    world_start(&w);
    for (plait_time at = PLAIT_SEC; at < 13 * PLAIT_SEC; at += 4 * PLAIT_SEC) {
        world_at(&w, at);
        assert_int_equal(plait_local_del(w.client->stack, 2, w.sim->now), 0);
        world_at(&w, at + 500 * PLAIT_MSEC);
        struct plait_local l = local_of(&w, 1, false, PLAIT_LOCAL_SUBFLOW);
        assert_int_equal(plait_local_add(w.client->stack, &l, w.sim->now), 0);
        uint64_t before = w.sim->link[w.topo.up[1]].bytes;
        world_at(&w, at + 3 * PLAIT_SEC);
        assert_true(w.sim->link[w.topo.up[1]].bytes - before > 100000);
    }
    world_complete(&w, 120 * PLAIT_SEC);
}

static void test_announced_later(void **state)
{
    struct world w;

    bulk(&w, 2);
    world_start(&w);
    assert_int_equal(plait_local_del(w.server->stack, 2, w.sim->now), 0);
    world_at(&w, 500 * PLAIT_MSEC);
    struct plait_local l = local_of(&w, 1, true, PLAIT_LOCAL_SIGNAL);
    assert_int_equal(plait_local_add(w.server->stack, &l, w.sim->now), 0);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 1) > 100000);
    world_end(&w);
}

/* ---- backup ------------------------------------------------------------------------------------
 * ------------- */

/* The backup carries nothing while the first path works, everything after it was cut. */
static void check_backup(uint8_t client_flags, uint8_t server_flags)
{
    struct world w;

    bulk(&w, 2);
    w.topo_cfg.path[1].client_flags = PLAIT_LOCAL_SUBFLOW | client_flags;
    w.topo_cfg.path[1].server_flags = PLAIT_LOCAL_SIGNAL | server_flags;
    world_start(&w);
    world_at(&w, PLAIT_SEC);
    assert_in_range(w.sim->link[w.topo.up[1]].bytes, 60, 5000);
    assert_in_range(w.sim->link[w.topo.down[1]].bytes, 60, 5000);
    sim_topology_cut(&w.topo, 0, true);
    world_finish(&w, 120 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 1) > 1 << 20);
    world_end(&w);
}

static void test_backup(void **state)
{
    check_backup(PLAIT_LOCAL_BACKUP, 0);
    check_backup(0, PLAIT_LOCAL_BACKUP);
    check_backup(PLAIT_LOCAL_BACKUP, PLAIT_LOCAL_BACKUP);
}

/* MP_PRIO: a path is spared from a certain moment on, then used again. */
static void test_priority_changes(void **state)
{
    struct world w;

    bulk(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 12 << 20;
    world_start(&w);
    world_at(&w, 800 * PLAIT_MSEC);
    assert_int_equal(plait_conn_set_backup(w.pair.client.conn, 2, true, w.sim->now), 0);
    world_at(&w, 1300 * PLAIT_MSEC);
    uint64_t up = w.sim->link[w.topo.up[1]].bytes, down = w.sim->link[w.topo.down[1]].bytes;
    world_at(&w, 2300 * PLAIT_MSEC);
    assert_true(w.sim->link[w.topo.up[1]].bytes - up < 5000);
    assert_true(w.sim->link[w.topo.down[1]].bytes - down < 5000);
    assert_int_equal(plait_conn_set_backup(w.pair.client.conn, 2, false, w.sim->now), 0);
    world_at(&w, 3300 * PLAIT_MSEC);
    assert_true(w.sim->link[w.topo.up[1]].bytes - up > 200000);
    assert_true(w.sim->link[w.topo.down[1]].bytes - down > 200000);
    world_complete(&w, 120 * PLAIT_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_announcement_no_path),
        cmocka_unit_test(test_mesh),
        cmocka_unit_test(test_server_limits_subflows),
        cmocka_unit_test(test_pm_none),
        cmocka_unit_test(test_server_joins),
        cmocka_unit_test(test_join_without_listener),
        cmocka_unit_test(test_long_silence),
        cmocka_unit_test(test_remove_second_address),
        cmocka_unit_test(test_remove_first_address),
        cmocka_unit_test(test_address_comes_later),
        cmocka_unit_test(test_address_comes_back),
        cmocka_unit_test(test_announced_later),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_priority_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

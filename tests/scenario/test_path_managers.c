/* SPDX-License-Identifier: Apache-2.0 */
/* What each path manager is for. */
#include "world.h"

static void bulk(struct world *w, const char *pm)
{
    world_init(w, 2);
    w->client_cfg.conn.pm = pm;
    w->pair_cfg.client.send_bytes = 6 << 20;
    w->pair_cfg.server.send_bytes = 0;
}

static uint64_t bytes_up(const struct world *w, unsigned path)
{
    return w->sim->link[w->topo.up[path]].bytes;
}

/* Subflows that carried anything; others were tried where no route leads. */
static uint32_t used(const struct world *w)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < w->pair.client.info.subflow_total; i++)
        n += w->pair.client.path[i].bytes_sent > 0;
    return n;
}

/* ---- ndiffports ------------------------------------------------------------------------------ */

/* Two links between one address of the client and one of the server; ports choose. */
static void equal_paths(struct world *w)
{
    struct sim_route up = {
        .src = sim_path_addr(&w->topo_cfg, 0, false),
        .dst = sim_path_addr(&w->topo_cfg, 0, true),
        .hop_n = 1,
        .hop = {(uint16_t)w->topo.up[1]},
        .ecmp = true,
    };
    struct sim_route down = up;

    down.src = up.dst;
    down.dst = up.src;
    down.hop[0] = (uint16_t)w->topo.down[1];
    for (unsigned i = 0; i < w->sim->route_n; i++)
        w->sim->route[i].ecmp = true;
    sim_route_add(w->sim, w->server, &up);
    sim_route_add(w->sim, w->client, &down);
}

/* How long it took over two equal links of 20 Mbit/s. */
static plait_time over_equal_paths(const char *pm, uint8_t ports, uint64_t seed)
{
    struct world w;
    plait_time took;

    bulk(&w, pm);
    w.seed = seed;
    w.client_cfg.conn.ports = ports;
    w.topo_cfg.path[1].client_flags = 0;
    w.topo_cfg.path[1].server_flags = 0;
    world_start(&w);
    equal_paths(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    took = w.pair.server.last_read_at - w.pair.client.started;
    for (unsigned i = 0; i < w.pair.client.info.subflow_total; i++) {
        const struct plait_subflow_info *s = &w.pair.client.path[i];
        assert_memory_equal(s->local.ip, w.pair.client.path[0].local.ip, 4);
        for (unsigned k = 0; k < i; k++)
            assert_true(w.pair.client.path[k].local.port != s->local.port);
    }
    assert_int_equal(w.pair.client.info.subflow_total, ports);
    world_end(&w);
    return took;
}

/* 6 MB are 2.5 s on one link. With four subflows there is one on each link in seven cases of eight,
 * and both are used; one subflow never is on both. */
static void test_ndiffports(void **state)
{
    unsigned both = 0;

    for (uint64_t seed = 1; seed <= 16; seed++)
        both += over_equal_paths("ndiffports", 4, seed) < 1700 * PLAIT_MSEC;
    assert_in_range(both, 10, 16);
    for (uint64_t seed = 1; seed <= 4; seed++)
        assert_true(over_equal_paths("fullmesh", 1, seed) > 2500 * PLAIT_MSEC);
}

/* Where ports are reserved, only these are used; where there are too few there are fewer subflows.
 */
static void test_reserved_ports(void **state)
{
    static const uint16_t ports[] = {7001, 7002};
    struct world w;

    bulk(&w, "ndiffports");
    w.client_cfg.conn.ports = 4;
    w.client_cfg.join_ports = ports;
    w.client_cfg.join_port_n = 2;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(w.pair.client.info.subflow_total, 3);
    for (unsigned i = 1; i < 3; i++)
        assert_in_range(w.pair.client.path[i].local.port, 7001, 7002);
    world_end(&w);
}

/* ---- signal ---------------------------------------------------------------------------------- */

/* Both sides would open; the one that only signals leaves it to the other. */
static void test_signal(void **state)
{
    struct world w;

    bulk(&w, "signal");
    w.topo_cfg.path[1].client_flags = PLAIT_LOCAL_SIGNAL | PLAIT_LOCAL_SUBFLOW;
    w.server_cfg.conn.server_joins = true;
    w.topo_cfg.path[1].server_flags = PLAIT_LOCAL_SUBFLOW;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(w.pair.client.info.subflow_total, 2);
    assert_true(world_sent(&w, 1) > 500000);
    world_end(&w);
    bulk(&w, "signal"); /* and nobody opens where the server does not either */
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(w.pair.client.info.subflow_total, 1);
    world_end(&w);
}

/* ---- on-demand ------------------------------------------------------------------------------- */

static uint32_t subflows_for(const char *pm, uint64_t bytes, plait_time idle)
{
    struct world w;
    uint32_t n;

    bulk(&w, pm);
    w.client_cfg.conn.demand_bytes = 1 << 20;
    w.client_cfg.conn.demand_after = 5 * PLAIT_SEC;
    w.pair_cfg.client.send_bytes = bytes;
    w.pair_cfg.client.write_max = 4096;
    w.pair_cfg.client.rest_at = bytes / 2;
    w.pair_cfg.client.rest_for = idle;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    n = bytes_up(&w, 1) > 5000 ? 2 : 1; /* more than tries and their retransmissions */
    world_end(&w);
    return n;
}

static void test_on_demand(void **state)
{
    assert_int_equal(subflows_for("on-demand", 900 << 10, 1), 1); /* short and small */
    assert_int_equal(subflows_for("on-demand", 2 << 20, 1), 2);   /* large */
    assert_int_equal(subflows_for("on-demand", 600 << 10, 4 * PLAIT_SEC), 1);
    assert_int_equal(subflows_for("on-demand", 600 << 10, 6 * PLAIT_SEC), 2); /* long */
    assert_int_equal(subflows_for("fullmesh", 900 << 10, 1), 2);
}

/* What comes counts like what goes. */
static void test_on_demand_download(void **state)
{
    struct world w;

    bulk(&w, "on-demand");
    w.client_cfg.conn.demand_bytes = 1 << 20;
    w.client_cfg.conn.demand_after = PLAIT_NEVER;
    w.pair_cfg.client.send_bytes = 0;
    w.pair_cfg.server.send_bytes = 6 << 20;
    world_start(&w);
    world_at(&w, 400 * PLAIT_MSEC); /* 1 MB takes 0.42 s, and slow start */
    assert_int_equal(bytes_up(&w, 1), 0);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_received(&w, 1) > 1 << 20);
    world_end(&w);
}

/* ---- handover -------------------------------------------------------------------------------- */

/* Nothing at all goes by the second path until the first is cut; then all does, and the first
 * subflow is closed: when its path is back nothing uses it. */
static void test_handover(void **state)
{
    struct world w;
    uint64_t before;

    bulk(&w, "handover");
    w.pair_cfg.client.send_bytes = 12 << 20;
    world_start(&w);
    world_at(&w, PLAIT_SEC);
    assert_int_equal(bytes_up(&w, 1), 0);
    sim_topology_cut(&w.topo, 0, true);
    world_at(&w, 2500 * PLAIT_MSEC);
    assert_true(bytes_up(&w, 1) > 1000000);
    world_at(&w, 4 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 0, false);
    before = bytes_up(&w, 0);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_in_range(bytes_up(&w, 0) - before, 0, 200000);
    assert_int_equal(w.pair.client.info.subflow_total, 2);
    world_end(&w);
}

/* An address that is removed, and one whose link is down. */
static void check_handover(bool removed)
{
    struct world w;
    struct plait_local l;

    bulk(&w, "handover");
    w.pair_cfg.client.send_bytes = 8 << 20;
    world_start(&w);
    world_at(&w, PLAIT_SEC);
    assert_int_equal(bytes_up(&w, 1), 0);
    if (removed) {
        assert_int_equal(plait_local_del(w.client->stack, 1, w.sim->now), 0);
    } else {
        l = (struct plait_local){.addr = sim_path_addr(&w.topo_cfg, 0, false),
                                 .id = 1,
                                 .flags = PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_DOWN,
                                 .mtu = 1500,
                                 .gso_max = 65535,
                                 .ifindex = 1};
        assert_int_equal(plait_local_change(w.client->stack, &l, w.sim->now), 0);
        sim_topology_cut(&w.topo, 0, true);
    }
    world_at(&w, 1600 * PLAIT_MSEC); /* a handshake and slow start: no time-out was waited for */
    assert_true(bytes_up(&w, 1) > 300000);
    world_complete(&w, 60 * PLAIT_SEC);
}

static void test_handover_at_once(void **state)
{
    check_handover(true);
    check_handover(false);
}

/* To and fro, each way over a new subflow. */
static void test_handover_back(void **state)
{
    struct world w;
    uint64_t before;

    bulk(&w, "handover");
    w.pair_cfg.client.send_bytes = 20 << 20;
    world_start(&w);
    world_at(&w, 1 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 0, true);
    world_at(&w, 4 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 0, false);
    world_at(&w, 6 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 1, true);
    before = bytes_up(&w, 0);
    world_at(&w, 9 * PLAIT_SEC);
    assert_true(bytes_up(&w, 0) - before > 1000000);
    world_complete(&w, 60 * PLAIT_SEC);
}

/* ---- two families on one interface ----------------------------------------------------------- */

static struct plait_local on_interface(const struct world *w, unsigned path, uint32_t ifindex)
{
    return (struct plait_local){.addr = sim_path_addr(&w->topo_cfg, path, false),
                                .id = (uint8_t)(path + 1),
                                .flags = PLAIT_LOCAL_SUBFLOW,
                                .mtu = 1500,
                                .gso_max = 65535,
                                .ifindex = ifindex};
}

/* The IPv4 address of the first interface goes and comes again, beside its IPv6 address and another
 * interface. It is in use again then, and its IPv6 address is the backup that it was. */
static void test_family_comes_again(void **state)
{
    struct plait_local v4, v6;
    struct world w;
    uint64_t first, second;

    world_init(&w, 3);
    w.topo_cfg.path[1].family = 6;
    w.pair_cfg.client.send_bytes = 24 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    v4 = on_interface(&w, 0, 1);
    v6 = on_interface(&w, 1, 1);
    assert_int_equal(plait_local_change(w.client->stack, &v6, w.sim->now), 0);
    world_at(&w, 2 * PLAIT_SEC);
    assert_in_range(bytes_up(&w, 1), 60, 5000);
    assert_int_equal(plait_local_del(w.client->stack, v4.id, w.sim->now), 0);
    world_at(&w, 3 * PLAIT_SEC);
    assert_int_equal(plait_local_add(w.client->stack, &v4, w.sim->now), 0);
    world_at(&w, 4 * PLAIT_SEC);
    first = bytes_up(&w, 0);
    second = bytes_up(&w, 1);
    world_at(&w, 5 * PLAIT_SEC);
    assert_true(bytes_up(&w, 0) - first > 1000000);
    assert_in_range(bytes_up(&w, 1) - second, 0, 5000);
    world_complete(&w, 60 * PLAIT_SEC);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* As in `ip mptcp limits`: so many subflows, so many announcements of the peer. The client has one
 * address that subflows start from, the server announces three. */
static void test_limits(void **state)
{
    struct world w;

    for (uint8_t accepted = 0; accepted <= 3; accepted++) {
        bulk(&w, "fullmesh");
        sim_topology_defaults(&w.topo_cfg, 4);
        w.topo_cfg.mesh = true;
        for (unsigned i = 1; i < 4; i++)
            w.topo_cfg.path[i].client_flags = 0;
        w.client_cfg.conn.addrs_max = accepted;
        w.client_cfg.conn.subflows_max = 3;
        world_start(&w);
        world_finish(&w, 60 * PLAIT_SEC);
        world_expect_all(&w);
        assert_int_equal(used(&w), accepted < 2 ? accepted + 1 : 3);
        assert_int_equal(w.pair.client.info.subflow_total, used(&w));
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ndiffports),
        cmocka_unit_test(test_reserved_ports),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_on_demand),
        cmocka_unit_test(test_on_demand_download),
        cmocka_unit_test(test_handover),
        cmocka_unit_test(test_handover_at_once),
        cmocka_unit_test(test_handover_back),
        cmocka_unit_test(test_family_comes_again),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

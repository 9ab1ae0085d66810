/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/cbr.h"
#include "sim/flow.h"
#include "sim/topology.h"
#include "unit/base/cm.h"

static struct sim_cbr_config basic(struct sim *sim, uint64_t rate)
{
    struct sim_link_config link = {.rate = 100000000, .delay = 1000};

    return (struct sim_cbr_config){
        .hop_n = 1, .hop = {(uint16_t)sim_link_add(sim, &link)}, .rate = rate, .size = 1500};
}

/* As many as the rate says, though a gap is no whole number of nanoseconds; from start to stop. */
static void test_constant(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_cbr_config cfg = basic(sim, 7000000);
    plait_time t0 = sim->now;

    cfg.start = 500;
    cfg.stop = 500 + 12 * PLAIT_SEC;
    struct sim_cbr *c = sim_cbr_start(sim, &cfg);
    sim_run_until(sim, t0 + 499);
    assert_int_equal(c->sent, 0);
    sim_run_until(sim, t0 + 500);
    assert_int_equal(c->sent, 1);
    sim_run_until(sim, t0 + 500 + 6 * PLAIT_SEC);
    assert_int_equal(c->sent, 3501);
    sim_run_until(sim, t0 + 100 * PLAIT_SEC);
    assert_int_equal(c->sent, 7000);
    assert_int_equal(sim->link[0].packets, 7000);
    assert_int_equal(sim->link[0].bytes, 7000 * 1500);
    assert_int_equal(sim_cbr_delivered(c), 7000);
    sim_free(sim);
}

/* More than the link carries: what comes out is the link's rate. Then along a second one. */
static void test_overload(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_cbr_config cfg = basic(sim, 200000000);
    struct sim_link_config slow = {.rate = 20000000, .delay = 100, .queue_packets = 10};

    sim->link[0].cfg.queue = 15000;
    cfg.hop[cfg.hop_n++] = (uint16_t)sim_link_add(sim, &slow);
    struct sim_cbr *c = sim_cbr_start(sim, &cfg);
    sim_run_until(sim, sim->now + PLAIT_SEC);
    assert_in_range(c->sent, 16666, 16668);
    assert_in_range(sim->link[0].packets, 8333, 8344);
    assert_in_range(sim_cbr_delivered(c), 1664, 1678);
    assert_true(sim->link[1].queue_drops > 6000);
    sim_free(sim);
}

static void test_change(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_cbr_config cfg = basic(sim, 0);
    struct sim_cbr *c = sim_cbr_start(sim, &cfg);

    sim_run_until(sim, sim->now + PLAIT_SEC);
    assert_int_equal(c->sent, 0);
    sim_cbr_change(c, 12000000);
    sim_run_until(sim, sim->now + PLAIT_SEC - 1);
    assert_int_equal(c->sent, 1000);
    sim_cbr_change(c, 1200000);
    sim_run_until(sim, sim->now + PLAIT_SEC);
    assert_in_range(c->sent, 1100, 1101);
    sim_cbr_change(c, 0);
    sim_run_until(sim, sim->now + PLAIT_SEC);
    assert_in_range(c->sent, 1100, 1101);
    sim_free(sim);
}

/* 10 ms on and 30 ms off, at 12 Mbit/s: ten packets each. */
static void test_bursts(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_cbr_config cfg = basic(sim, 12000000);
    plait_time t0 = sim->now;

    cfg.on = 10 * PLAIT_MSEC;
    cfg.off = 30 * PLAIT_MSEC;
    struct sim_cbr *c = sim_cbr_start(sim, &cfg);
    sim_run_until(sim, t0 + 39 * PLAIT_MSEC);
    assert_int_equal(c->sent, 10);
    sim_run_until(sim, t0 + 79 * PLAIT_MSEC);
    assert_int_equal(c->sent, 20);
    sim_run_until(sim, t0 + 4 * PLAIT_SEC - 1);
    assert_int_equal(c->sent, 1000);
    sim_free(sim);
}

static uint64_t by_chance(uint64_t seed, bool poisson)
{
    struct sim *sim = sim_new(seed);
    struct sim_cbr_config cfg = basic(sim, 12000000);
    uint64_t sent;

    cfg.poisson = poisson;
    cfg.exponential = !poisson;
    cfg.on = poisson ? 0 : 20 * PLAIT_MSEC;
    cfg.off = 60 * PLAIT_MSEC;
    struct sim_cbr *c = sim_cbr_start(sim, &cfg);
    sim_run_until(sim, sim->now + 100 * PLAIT_SEC);
    sent = c->sent;
    sim_free(sim);
    return sent;
}

/* The means are those of the configuration, and a seed is a run. */
static void test_chance(void **state)
{
    assert_in_range(by_chance(1, true), 98500, 101500);
    assert_in_range(by_chance(1, false), 23000, 28500);
    assert_int_equal(by_chance(2, false), by_chance(2, false));
    assert_true(by_chance(2, true) != by_chance(3, true));
}

/* A router that says "too big" finds the way back among routes that lead to nobody. */
static void test_beside_icmp(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_cbr_config load = basic(sim, 1000000);
    struct sim_topology_config cfg;
    struct sim_topology topo;
    struct plait_config stack;

    sim_cbr_start(sim, &load); /* before the routes of the hosts */
    plait_config_init(&stack);
    struct sim_node *a = sim_node_new(sim, "a", &stack), *b = sim_node_new(sim, "b", &stack);
    sim_topology_defaults(&cfg, 1);
    cfg.path[0].up.mtu = 1000;
    assert_int_equal(sim_topology_build(&topo, &cfg, a, b), 0);
    struct sim_flows *flows = sim_flows_new(sim);
    struct sim_flow *f = sim_flow_add(
        flows, &(struct sim_flow_config){.client = a,
                                         .server = b,
                                         .remote = sim_path_addr(&cfg, 0, true),
                                         .stream = {.bytes = 100000}});
    sim_run_until(sim, sim->now + 5 * PLAIT_SEC);
    assert_true(sim->link[topo.up[0]].drops > 0);
    assert_int_equal(f->delivered, 100000);
    sim_flows_free(flows);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant), cmocka_unit_test(test_overload),
        cmocka_unit_test(test_change),   cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_chance),   cmocka_unit_test(test_beside_icmp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

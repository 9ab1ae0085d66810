/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fattree.h"
#include "sim/flow.h"
#include "unit/base/cm.h"

#include <string.h>

static void build(struct sim_fattree *t, struct sim *sim, unsigned k)
{
    struct sim_fattree_config cfg = {
        .k = k, .link = {.rate = 100000000, .delay = 10, .queue_packets = 100}};

    plait_config_init(&cfg.host);
    cfg.host.conn.pm = "ndiffports";
    cfg.host.conn.ports = 4;
    assert_int_equal(sim_fattree_build(t, sim, &cfg), 0);
}

static const struct sim_route *way(const struct sim_fattree *t, unsigned a, unsigned b, unsigned i)
{
    struct plait_addr src = sim_fattree_addr(t, a), dst = sim_fattree_addr(t, b);

    return sim_route_find(t->sim, &src, &dst, i);
}

/* n ways of so many links; each differs from the others, and the way back meets the same
 * switches: the links are the other ones of the same pairs, backwards. */
static void expect_ways(const struct sim_fattree *t, unsigned a, unsigned b, unsigned n,
                        unsigned hops)
{
    for (unsigned i = 0; i < n; i++) {
        const struct sim_route *r = way(t, a, b, i), *back = way(t, b, a, i);
        assert_int_equal(r->hop_n, hops);
        assert_ptr_equal(r->to, t->host[b]);
        assert_ptr_equal(back->to, t->host[a]);
        for (unsigned h = 0; h < hops; h++)
            assert_int_equal(r->hop[h] ^ 1, back->hop[hops - 1 - h]);
        for (unsigned k = 0; k < i; k++)
            assert_memory_not_equal(r->hop, way(t, a, b, k)->hop, sizeof r->hop);
        assert_ptr_equal(way(t, a, b, i + n), r);
    }
}

static void test_shape(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_fattree t;

    build(&t, sim, 8);
    assert_int_equal(t.host_n, 128);
    assert_int_equal(sim->node_n, 128);
    assert_int_equal(sim->link_n, 768);
    sim_fattree_connect(&t, 0, 1);
    sim_fattree_connect(&t, 0, 4);
    sim_fattree_connect(&t, 0, 127);
    expect_ways(&t, 0, 1, 1, 2);
    expect_ways(&t, 0, 4, 4, 4);
    expect_ways(&t, 0, 127, 16, 6);
    assert_null(way(&t, 1, 127, 0));
    sim_fattree_free(&t);
    sim_free(sim);
}

/* Each link of the middle is on as many ways as any other one, when all talk to all. */
static void test_even(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_fattree t;
    unsigned uses[96] = {0};

    build(&t, sim, 4);
    assert_int_equal(sim->link_n, 96);
    for (unsigned a = 0; a < 16; a++)
        for (unsigned b = 0; b < a; b++)
            sim_fattree_connect(&t, a, b);
    for (unsigned i = 0; i < sim->route_n; i++)
        for (unsigned h = 0; h < sim->route[i].hop_n; h++)
            uses[sim->route[i].hop[h]]++;
    for (unsigned i = 0; i < 96; i++)
        assert_int_equal(uses[i], uses[i / 32 * 32]);
    sim_fattree_free(&t);
    sim_free(sim);
}

/* Four subflows find more than one way through, and fill the host's link. */
static void test_flow(void **state)
{
    struct sim *sim = sim_new(2);
    struct sim_fattree t;
    struct sim_flows *flows = sim_flows_new(sim);
    struct plait_subflow_info sub[8];
    unsigned used = 0;

    build(&t, sim, 4);
    sim_fattree_connect(&t, 3, 12);
    struct sim_flow_config cfg = {
        .client = t.host[3], .server = t.host[12], .remote = sim_fattree_addr(&t, 12)};
    struct sim_flow *f = sim_flow_add(flows, &cfg);
    assert_true(sim_run_until(sim, sim->now + 2 * PLAIT_SEC));
    assert_int_equal(sim_flow_subflows(f, false, sub, 8), 4);
    for (unsigned i = 32; i < 64; i++)
        used += i % 2 == 0 && sim->link[i].bytes > 1000000;
    assert_int_equal(used, 2); /* both aggregation switches */
    assert_in_range(sim_flow_rate(f->delivered, 2 * PLAIT_SEC), 88000000, 96000000);
    assert_null(sim_flows_failure(flows));
    sim_flows_free(flows);
    sim_fattree_free(&t);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_even),
        cmocka_unit_test(test_flow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/app.h"
#include "sim/topology.h"
#include "unit/base/cm.h"

#include <string.h>

/* ---- timers
 * --------------------------------------------------------------------------------------- */

struct note {
    struct sim_timer timer;
    char name;
};

static char order[16];

static void note_down(struct sim *sim, struct sim_timer *t)
{
    struct note *n = (struct note *)(void *)t;
    size_t at = strlen(order);

    order[at] = n->name;
    order[at + 1] = '\0';
}

static void test_timers(void **state)
{
    struct sim *sim = sim_new(1);
    struct note n[5] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}, {.name = 'e'}};
    plait_time t0 = sim->now;

    order[0] = '\0';
    assert_false(sim_step(sim));
    sim_timer_set(sim, &n[0].timer, t0 + 30, note_down);
    sim_timer_set(sim, &n[1].timer, t0 + 10, note_down);
    sim_timer_set(sim, &n[2].timer, t0 + 10, note_down); /* same time: in order of setting */
    sim_timer_set(sim, &n[3].timer, t0 + 20, note_down);
    sim_timer_set(sim, &n[4].timer, t0 + 15, note_down);
    sim_timer_set(sim, &n[1].timer, t0 + 40, note_down); /* moved */
    sim_timer_stop(sim, &n[4].timer);
    assert_true(sim_run_until(sim, t0 + 25));
    assert_string_equal(order, "cd");
    assert_int_equal(sim->now, t0 + 25);
    assert_true(sim_run_until(sim, t0 + 100));
    assert_string_equal(order, "cdab");
    sim_free(sim);
}

/* ---- worlds
 * --------------------------------------------------------------------------------------- */

struct tally {
    uint64_t steps, packets, now, received;
};

static struct tally run(uint64_t seed, uint32_t loss)
{
    struct sim *sim = sim_new(seed);
    struct plait_config cfg;
    struct sim_topology_config topo_cfg;
    struct sim_topology topo;
    struct sim_apps apps;
    struct sim_pair pair;
    struct sim_pair_config pair_cfg = {.client = {.send_bytes = 100000, .write_max = 5000},
                                       .server = {.send_bytes = 50000, .read_max = 3000}};
    struct plait_addr any = {.port = 80};

    plait_config_init(&cfg);
    sim_topology_defaults(&topo_cfg, 2);
    topo_cfg.path[0].up.loss_ppm = topo_cfg.path[1].down.loss_ppm = loss;
    struct sim_node *a = sim_node_new(sim, "a", &cfg), *b = sim_node_new(sim, "b", &cfg);
    assert_int_equal(sim_topology_build(&topo, &topo_cfg, a, b), 0);
    assert_int_equal(sim_apps_init(&apps, a, b, &any), 0);
    pair_cfg.remote = sim_path_addr(&topo_cfg, 0, true);
    pair_cfg.remote.port = 80;
    assert_int_equal(sim_pair_start(&apps, &pair, &pair_cfg), 0);
    sim_run_until(sim, sim->now + 100 * PLAIT_SEC);
    assert_true(sim_apps_done(&apps));
    assert_null(sim_apps_failure(&apps));
    struct tally t = {sim->steps, a->packets_out + b->packets_out, pair.server.finished_at,
                      pair.server.received};
    sim_free(sim);
    return t;
}

/* A run is decided by its seed. */
static void test_replay(void **state)
{
    struct tally one = run(7, 30000), again = run(7, 30000), other = run(8, 30000);

    assert_memory_equal(&one, &again, sizeof one);
    assert_true(memcmp(&one, &other, sizeof one) != 0);
    assert_int_equal(one.received, 100000);
}

static void eat_all(void *ctx, struct sim *sim, struct sim_wire *w)
{
    uint64_t *seen = ctx;

    assert_int_equal(w->k, *seen);
    ++*seen;
    w->drop = true;
}

static void test_hook_sees_everything(void **state)
{
    struct sim *sim = sim_new(1);
    struct plait_config cfg;
    struct sim_topology_config topo_cfg;
    struct sim_topology topo;
    struct plait_conn *c;
    uint64_t seen = 0;

    plait_config_init(&cfg);
    sim_topology_defaults(&topo_cfg, 1);
    struct sim_node *a = sim_node_new(sim, "a", &cfg), *b = sim_node_new(sim, "b", &cfg);
    assert_int_equal(sim_topology_build(&topo, &topo_cfg, a, b), 0);
    sim->hook = eat_all;
    sim->hook_ctx = &seen;
    struct plait_connect how = {.remote = sim_path_addr(&topo_cfg, 0, true)};
    how.remote.port = 80;
    assert_int_equal(plait_connect(a->stack, &how, sim->now, &c), 0);
    sim_run_until(sim, sim->now + 20 * PLAIT_SEC);
    assert_true(seen >= 3); /* the SYN and its retransmissions */
    assert_int_equal(b->packets_in, 0);
    sim_node_stop(a);
    assert_int_equal(a->live, 0);
    sim_free(sim);
}

/* What a node allocates is counted, and can be made to fail. */
static void test_memory(void **state)
{
    struct sim *sim = sim_new(1);
    struct plait_config cfg;

    plait_config_init(&cfg);
    struct sim_node *a = sim_node_new(sim, "a", &cfg);
    assert_true(a->live > 0 && a->alloc_n >= a->live);
    void *mem = a->env.alloc(a->env.ctx, 5000);
    assert_int_equal((uintptr_t)mem % 4096, 0);
    a->fail_in = 1;
    void *more = a->env.alloc(a->env.ctx, 10);
    assert_non_null(more);
    assert_null(a->env.alloc(a->env.ctx, 10));
    a->fail_in = -1;
    a->env.free(a->env.ctx, mem, 5000);
    a->env.free(a->env.ctx, more, 10);
    sim_node_stop(a);
    assert_int_equal(a->live, 0);
    assert_int_equal(a->live_bytes, 0);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_hook_sees_everything),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

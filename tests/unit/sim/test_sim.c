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

/* ---- many nodes
 * ----------------------------------------------------------------------------------- */

enum { CROWD = 70, CROWD_BYTES = 20000 };

struct crowd {
    struct sim *sim;
    struct sim_node *node[2 * CROWD];
    struct sim_apps apps[CROWD];
    struct sim_pair pair[CROWD];
};

static struct plait_addr crowd_addr(unsigned i)
{
    return (struct plait_addr){.family = 4, .ip = {10, 1, 0, (uint8_t)(i + 1)}};
}

static void crowd_node(struct crowd *c, unsigned i)
{
    struct plait_config cfg;
    struct plait_local local = {.addr = crowd_addr(i), .id = 1, .mtu = 1500, .ifindex = 1};

    plait_config_init(&cfg);
    c->node[i] = sim_node_new(c->sim, "one of many", &cfg);
    assert_int_equal(plait_local_add(c->node[i]->stack, &local, c->sim->now), 0);
}

/* Node i talks to node i + CROWD, and all share one link. */
static void crowd_start(struct crowd *c)
{
    struct sim_link_config link = {.rate = 100000000, .delay = 1000, .queue = 100000};
    struct plait_addr any = {.port = 80};

    c->sim = sim_new(3);
    sim_link_add(c->sim, &link);
    for (unsigned i = 0; i < 2 * CROWD; i++)
        crowd_node(c, i);
    for (unsigned i = 0; i < CROWD; i++) {
        struct sim_route up = {.src = crowd_addr(i), .dst = crowd_addr(i + CROWD), .hop_n = 1};
        struct sim_route down = {.src = up.dst, .dst = up.src, .hop_n = 1};
        struct sim_pair_config pair = {.client = {.send_bytes = CROWD_BYTES}, .remote = up.dst};
        pair.remote.port = 80;
        sim_route_add(c->sim, c->node[i + CROWD], &up);
        sim_route_add(c->sim, c->node[i], &down);
        assert_int_equal(
            sim_apps_init(&c->apps[i], c->node[i], c->node[i + CROWD], &any), 0);
        assert_int_equal(sim_pair_start(&c->apps[i], &c->pair[i], &pair), 0);
    }
}

static struct tally crowd_end(struct crowd *c)
{
    struct tally t = {.steps = c->sim->steps};

    for (unsigned i = 0; i < CROWD; i++) {
        assert_true(sim_apps_done(&c->apps[i]));
        assert_null(sim_apps_failure(&c->apps[i]));
        t.received += c->pair[i].server.received;
        t.now += c->pair[i].server.finished_at * (i + 1);
        t.packets += c->node[i]->packets_in * (i + 1);
    }
    sim_free(c->sim);
    return t;
}

/* To ask those alone that a step touched comes to the same as to ask all. */
static void test_crowd(void **state)
{
    static struct crowd c;
    struct tally quick, slow;
    plait_time end;

    crowd_start(&c);
    end = c.sim->now + 20 * PLAIT_SEC;
    assert_true(sim_run_until(c.sim, end));
    quick = crowd_end(&c);
    assert_int_equal(quick.received, CROWD * CROWD_BYTES);
    crowd_start(&c);
    sim_pump(c.sim);
    for (uint64_t i = 0; i < quick.steps; i++)
        assert_true(sim_step(c.sim));
    slow = crowd_end(&c);
    assert_memory_equal(&quick, &slow, sizeof slow);
}

/* A timer that says whom it called: only there is asked. */
struct call {
    struct sim_timer timer;
    struct sim_node *from;
    struct plait_addr to;
    bool tells;
};

static void call_somebody(struct sim *sim, struct sim_timer *t)
{
    struct call *call = (struct call *)(void *)t;
    struct plait_connect how = {.remote = call->to};
    struct plait_conn *conn;

    how.remote.port = 80;
    assert_int_equal(plait_connect(call->from->stack, &how, sim->now, &conn), 0);
    if (call->tells)
        sim_touch(call->from);
}

static void test_touch(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        bool exact = i % 2, tells = i / 2;
        static struct crowd c;
        c.sim = sim_new(3);
        crowd_node(&c, 0);
        crowd_node(&c, 1);
        struct call call = {
            .timer = {.exact = exact}, .from = c.node[1], .to = crowd_addr(0), .tells = tells};
        sim_timer_set(c.sim, &call.timer, c.sim->now + 10, call_somebody);
        assert_true(sim_timer_runs(&call.timer));
        sim_run_until(c.sim, c.sim->now + 10);
        assert_false(sim_timer_runs(&call.timer));
        assert_int_equal(c.node[1]->packets_out, !exact || tells ? 1 : 0);
        sim_pump(c.sim);
        assert_int_equal(c.node[1]->packets_out, 1);
        sim_free(c.sim);
    }
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
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_touch),
        cmocka_unit_test(test_hook_sees_everything),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

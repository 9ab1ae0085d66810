/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/flow.h"
#include "sim/topology.h"
#include "unit/base/cm.h"

enum { PATHS = 2 };

struct place {
    struct sim *sim;
    struct sim_node *client, *server;
    struct sim_topology topo;
    struct sim_flows *flows;
    plait_time t0;
};

/* Two paths of 20 Mbit/s and 10 ms each way. */
static void place_init(struct place *p, bool blank)
{
    struct sim_topology_config topo;
    struct plait_config cfg;

    plait_config_init(&cfg);
    p->sim = sim_new(5);
    p->sim->blank = blank;
    p->client = sim_node_new(p->sim, "client", &cfg);
    p->server = sim_node_new(p->sim, "server", &cfg);
    sim_topology_defaults(&topo, PATHS);
    assert_int_equal(sim_topology_build(&p->topo, &topo, p->client, p->server), 0);
    p->flows = sim_flows_new(p->sim);
    p->t0 = p->sim->now;
}

static void place_end(struct place *p)
{
    assert_null(sim_flows_failure(p->flows));
    assert_null(p->sim->failure);
    sim_flows_free(p->flows);
    sim_node_stop(p->client);
    sim_node_stop(p->server);
    assert_int_equal(p->client->live + p->server->live, 0);
    sim_free(p->sim);
}

static struct sim_flow_config config(struct place *p, enum sim_flow_kind kind)
{
    return (struct sim_flow_config){.kind = kind,
                                    .client = p->client,
                                    .server = p->server,
                                    .remote = sim_path_addr(&p->topo.cfg, 0, true)};
}

static void until(struct place *p, plait_time since)
{
    assert_true(sim_run_until(p->sim, p->t0 + since));
}

/* ---- streams --------------------------------------------------------------------------------- */

/* So many bytes, up or down, and then it is over at both ends. */
static void test_bytes(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        struct place p;
        place_init(&p, i % 2 == 1);
        struct sim_flow_config cfg = config(&p, SIM_FLOW_STREAM);
        cfg.stream.bytes = 3000000;
        cfg.stream.down = i / 2 == 1;
        cfg.start = 100000;
        struct sim_flow *f = sim_flow_add(p.flows, &cfg);
        until(&p, 500000);
        assert_false(sim_flows_done(p.flows));
        assert_true(f->delivered > 0 && f->delivered < 3000000);
        until(&p, 30 * PLAIT_SEC);
        assert_true(sim_flows_done(p.flows));
        assert_int_equal(f->error, 0);
        assert_int_equal(f->sent, 3000000);
        assert_int_equal(f->delivered, 3000000);
        assert_int_equal(f->done.n, 1);
        assert_int_equal(f->done.v[0].bytes, 3000000);
        assert_int_equal(f->done.v[0].start, p.t0 + 100000);
        assert_int_equal(f->done.v[0].end, f->ended_at);
        assert_in_range(f->connected_at, p.t0 + 120000, p.t0 + 121000);
        /* 24 Mbit over 40 Mbit/s */
        assert_in_range(f->ended_at, p.t0 + 700000, p.t0 + 2000000);
        place_end(&p);
    }
}

/* Two that have no end share the paths; one is stopped. */
static void test_endless(void **state)
{
    struct place p;
    uint64_t one, two, bytes;

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_STREAM);
    struct sim_flow *a = sim_flow_add(p.flows, &cfg);
    cfg.stop = 20 * PLAIT_SEC;
    struct sim_flow *b = sim_flow_add(p.flows, &cfg);
    until(&p, 10 * PLAIT_SEC);
    one = a->delivered;
    two = b->delivered;
    until(&p, 20 * PLAIT_SEC);
    assert_true(sim_flows_done(p.flows));
    assert_int_equal(b->ended_at, p.t0 + 20 * PLAIT_SEC);
    assert_int_equal(b->error, 0);
    assert_in_range(sim_flow_rate(a->delivered - one + b->delivered - two, 10 * PLAIT_SEC),
                    34000000, 39000000);
    until(&p, 21 * PLAIT_SEC);
    two = b->delivered;
    bytes = p.sim->link[p.topo.up[0]].bytes + p.sim->link[p.topo.up[1]].bytes;
    one = a->delivered;
    until(&p, 31 * PLAIT_SEC);
    assert_int_equal(b->delivered, two);
    assert_in_range(sim_flow_rate(a->delivered - one, 10 * PLAIT_SEC), 34000000, 39000000);
    bytes = p.sim->link[p.topo.up[0]].bytes + p.sim->link[p.topo.up[1]].bytes - bytes;
    assert_true(bytes < (a->delivered - one) * 107 / 100); /* nobody else is on the way */
    place_end(&p);
}

/* What the application makes arrives, and not more. */
static void test_rate(void **state)
{
    struct place p;
    uint64_t before;

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_STREAM);
    cfg.stream.rate = 3333333;
    cfg.stream.down = true;
    struct sim_flow *f = sim_flow_add(p.flows, &cfg);
    until(&p, 5 * PLAIT_SEC);
    before = f->delivered;
    until(&p, 25 * PLAIT_SEC);
    assert_in_range(sim_flow_rate(f->delivered - before, 20 * PLAIT_SEC), 3323333, 3343333);
    place_end(&p);
}

static void test_on_and_off(void **state)
{
    struct place p;
    uint64_t before;

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_STREAM);
    cfg.stream.rate = 4000000;
    cfg.stream.on = 250000;
    cfg.stream.off = 750000;
    struct sim_flow *f = sim_flow_add(p.flows, &cfg);
    until(&p, 900000);
    before = f->delivered;
    assert_in_range(before, 115000, 135000);
    until(&p, 1010000); /* connected 20 ms after the beginning */
    assert_int_equal(f->delivered, before);
    until(&p, 100 * PLAIT_SEC);
    assert_in_range(sim_flow_rate(f->delivered, 100 * PLAIT_SEC), 950000, 1050000);
    place_end(&p);
}

static void test_bursts(void **state)
{
    struct place p;

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_STREAM);
    cfg.stream.burst = 50000;
    cfg.stream.off = 500000;
    cfg.stream.bytes = 220000;
    struct sim_flow *f = sim_flow_add(p.flows, &cfg);
    until(&p, 10 * PLAIT_SEC);
    assert_true(sim_flows_done(p.flows));
    assert_int_equal(f->delivered, 220000);
    assert_int_equal(f->done.n, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(f->done.v[i].bytes, i < 4 ? 50000 : 20000);
        if (i > 0)
            assert_int_equal(f->done.v[i].start, f->done.v[i - 1].end + 500000);
        assert_in_range(f->done.v[i].end - f->done.v[i].start, 10000, 200000);
    }
    place_end(&p);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
    struct place p;
    uint64_t size = 1000;

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_FETCH);
    cfg.fetch = (struct sim_flow_fetch){
        .request = 64, .object = &size, .object_n = 1, .rounds = 10, .think = 100000};
    struct sim_flow *f = sim_flow_add(p.flows, &cfg);
    size = 5; /* it has its own copy */
    until(&p, 10 * PLAIT_SEC);
    assert_true(sim_flows_done(p.flows));
    assert_int_equal(f->error, 0);
    assert_int_equal(f->delivered, 10000);
    assert_int_equal(f->done.n, 10);
    assert_int_equal(f->round.n, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(f->done.v[i].bytes, 1000);
        /* one round trip of 20 ms and the packets' time; the first one connects before */
        assert_in_range(f->done.v[i].end - f->done.v[i].start, i > 0 ? 20400 : 40400, 42000);
        if (i > 0)
            assert_int_equal(f->round.v[i].start, f->round.v[i - 1].end + 100000);
    }
    place_end(&p);
}

/* Objects of a page over several connections, kept or new ones. */
static void test_page(void **state)
{
    const uint64_t size[7] = {40000, 1, 200000, 3000, 3000, 70000, 0};

    for (unsigned i = 0; i < 4; i++) {
        struct place p;
        uint64_t sum = 0, seen = 0;
        place_init(&p, i / 2);
        struct sim_flow_config cfg = config(&p, SIM_FLOW_FETCH);
        cfg.fetch = (struct sim_flow_fetch){.object = size,
                                            .object_n = 7,
                                            .conns = 3,
                                            .fresh = i % 2,
                                            .rounds = 4,
                                            .think = 10000,
                                            .exponential = true};
        struct sim_flow *f = sim_flow_add(p.flows, &cfg);
        until(&p, 20 * PLAIT_SEC);
        assert_true(sim_flows_done(p.flows));
        assert_int_equal(f->error, 0);
        assert_int_equal(f->round.n, 4);
        assert_int_equal(f->done.n, 28);
        for (unsigned k = 0; k < 28; k++) {
            sum += f->done.v[k].bytes;
            seen |= UINT64_C(1) << f->done.v[k].object;
        }
        assert_int_equal(sum, 4 * 316002);
        assert_int_equal(f->delivered, sum);
        assert_int_equal(f->round.v[3].bytes, 316002);
        assert_int_equal(seen, 127);
        place_end(&p);
    }
}

/* A stop in the middle of an answer waits for it. */
static void test_stop_fetch(void **state)
{
    struct place p;
    const uint64_t size = 1000000;

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_FETCH);
    cfg.fetch = (struct sim_flow_fetch){.object = &size, .object_n = 1};
    cfg.stop = 2 * PLAIT_SEC;
    struct sim_flow *f = sim_flow_add(p.flows, &cfg);
    until(&p, 2 * PLAIT_SEC);
    assert_false(sim_flows_done(p.flows));
    until(&p, 4 * PLAIT_SEC);
    assert_true(sim_flows_done(p.flows));
    assert_true(f->ended_at > p.t0 + 2 * PLAIT_SEC);
    assert_int_equal(f->delivered, f->done.n * size);
    place_end(&p);
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

static void test_errors(void **state)
{
    struct place p;
    const uint64_t size = 1000;

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_FETCH);
    assert_int_equal(sim_flow_add(p.flows, &cfg)->error, PLAIT_EINVAL); /* no object */
    cfg.fetch.object = &size;
    cfg.fetch.object_n = 1;
    cfg.remote.port = 65530;
    cfg.fetch.conns = 10;
    assert_int_equal(sim_flow_add(p.flows, &cfg)->error, PLAIT_ELIMIT); /* ports */
    cfg.fetch.conns = 1;
    assert_int_equal(sim_flow_add(p.flows, &cfg)->error, 0);
    assert_int_equal(sim_flow_add(p.flows, &cfg)->error, PLAIT_EADDRINUSE);
    cfg = config(&p, SIM_FLOW_STREAM);
    cfg.remote.family = 6;
    struct sim_flow *f = sim_flow_add(p.flows, &cfg);
    cfg = config(&p, SIM_FLOW_STREAM);
    struct sim_flow *cut = sim_flow_add(p.flows, &cfg);
    until(&p, PLAIT_SEC);
    assert_int_equal(f->error, PLAIT_EADDRNOTAVAIL);
    assert_int_equal(f->ended_at, p.t0);
    assert_int_equal(cut->ended_at, 0);
    sim_topology_cut(&p.topo, 0, true);
    sim_topology_cut(&p.topo, 1, true);
    until(&p, 1200 * PLAIT_SEC);
    assert_int_equal(cut->error, PLAIT_ETIMEDOUT);
    assert_true(cut->delivered > 0);
    place_end(&p);
}

/* ---- what is known about connections --------------------------------------------------------- */

static void test_info(void **state)
{
    struct place p;
    struct plait_conn_info info;
    struct plait_subflow_info sub[8];

    place_init(&p, false);
    struct sim_flow_config cfg = config(&p, SIM_FLOW_STREAM);
    cfg.stream.down = true;
    cfg.stop = 5 * PLAIT_SEC;
    struct sim_flow *f = sim_flow_add(p.flows, &cfg);
    assert_int_equal(sim_flow_subflows(f, false, sub, 8), 0);
    assert_false(sim_flow_conn(f, true, 0, &info));
    for (plait_time at = 4 * PLAIT_SEC; at < 9 * PLAIT_SEC; at += 4 * PLAIT_SEC) {
        until(&p, at); /* while it lives and afterwards */
        for (unsigned server = 0; server < 2; server++) {
            assert_int_equal(sim_flow_subflows(f, server, sub, 1), 1);
            unsigned n = sim_flow_subflows(f, server, sub, 8), used = 0;
            for (unsigned i = 0; i < n; i++)
                used += (server ? sub[i].bytes_acked : sub[i].bytes_received) > 3000000;
            assert_int_equal(used, PATHS); /* others had no route */
            assert_true(sim_flow_conn(f, server, 0, &info));
            assert_true(info.multipath);
            assert_int_equal(info.subflow_total, n);
        }
    }
    place_end(&p);
}

static void look_on(void *ctx, struct sim *sim, struct sim_wire *w)
{
    (void)sim;
    (void)w;
    ++*(uint64_t *)ctx;
}

/* What packets do does not depend on how they are kept: in one piece, as for a hook; as headers
 * with a payload that is checked; without content; in memory that is used again. */
static void test_forms(void **state)
{
    enum { WHOLE, HOOKED, PARTS, AGAIN, BLANK, BLANK_HOOKED, FORMS };
    uint64_t sum[FORMS] = {0}, looks = 0;

    for (unsigned form = 0; form < FORMS; form++) {
        struct place p;
        const uint64_t size = 20000;
        place_init(&p, form >= BLANK);
        p.sim->poison = form != AGAIN && form < BLANK;
        p.sim->offload = form == PARTS || form == AGAIN || form == HOOKED;
        if (form == HOOKED || form == BLANK_HOOKED) {
            p.sim->hook = look_on;
            p.sim->hook_ctx = &looks;
        }
        p.sim->link[p.topo.up[0]].cfg.loss_ppm = p.sim->link[p.topo.down[1]].cfg.loss_ppm = 10000;
        p.sim->link[p.topo.up[1]].cfg.reorder_ppm = 10000;
        p.sim->link[p.topo.up[1]].cfg.duplicate_ppm = 10000;
        p.sim->link[p.topo.up[1]].cfg.reorder_delay = 3000;
        p.client->gro_window = 500;
        struct sim_flow_config cfg = config(&p, SIM_FLOW_STREAM);
        struct sim_flow *f = sim_flow_add(p.flows, &cfg);
        cfg = config(&p, SIM_FLOW_FETCH);
        cfg.fetch = (struct sim_flow_fetch){.object = &size, .object_n = 1};
        struct sim_flow *g = sim_flow_add(p.flows, &cfg);
        until(&p, 5 * PLAIT_SEC);
        sum[form] = p.sim->steps + 3 * f->delivered + 5 * g->delivered + 7 * p.client->packets_in +
                     11 * p.server->supers_in + 13 * g->done.v[g->done.n - 1].end;
        place_end(&p);
    }
    assert_true(looks > 1000);
    for (unsigned form = 1; form < FORMS; form++)
        assert_int_equal(sum[form], sum[WHOLE]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),    cmocka_unit_test(test_endless),
        cmocka_unit_test(test_rate),     cmocka_unit_test(test_on_and_off),
        cmocka_unit_test(test_bursts),   cmocka_unit_test(test_requests),
        cmocka_unit_test(test_page),     cmocka_unit_test(test_stop_fetch),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_info),
        cmocka_unit_test(test_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

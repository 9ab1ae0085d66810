/* SPDX-License-Identifier: Apache-2.0 */
/* What congestion control makes of a connection with two subflows: how much of a bottleneck it
 * leaves to a plain TCP, and how it moves load off a path that loses more. */
#include "world.h"

enum { TCP_PATH = 2, RATE = 10000000, QUEUE = 100000 };
enum { EARLY_FROM = 15000, EARLY_PPM_PER_KB = 400 };

/* Three access links that lead into the bottleneck: two are the connection's, the third is plain
 * TCP's. Different delays, and a little jitter, keep the flows from moving in step. */
struct race {
    struct world w;
    struct sim_pair tcp;
    struct sim_pair_config tcp_cfg;
    struct plait_conn_config tcp_conn;
    unsigned neck;
    struct sim_rng rng;
    double queued; /* packets in the bottleneck, on average */
};

/* Drops early and at random, the more the longer the queue is, so that every packet has the same
 * chance: a queue that drops its tail prefers some flows to others. */
static void early(void *ctx, struct sim *sim, struct sim_wire *w)
{
    struct race *r = ctx;
    uint64_t backlog = sim_link_backlog(&sim->link[r->neck], sim->now);

    if (w->from != r->w.client || backlog < EARLY_FROM)
        return;
    w->drop = sim_rng_chance(&r->rng,
                             (uint32_t)((backlog - EARLY_FROM) * EARLY_PPM_PER_KB / 1000));
}

static void init(struct race *r, const char *cc, const char *tcp_cc)
{
    struct world *w = &r->w;

    world_init(w, 3);
    w->topo_cfg.gso_max = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct sim_path_config *p = &w->topo_cfg.path[i];
        p->up.rate = p->down.rate = 10 * (uint64_t)RATE;
        p->up.delay = (10 + i) * PLAIT_MSEC;
        p->up.jitter = 2 * PLAIT_MSEC;
        if (i == TCP_PATH)
            p->client_flags = p->server_flags = 0;
    }
    w->client_cfg.conn.cc = cc;
    w->pair_cfg.client.send_bytes = 30 << 20;
    w->pair_cfg.server.send_bytes = 0;
    r->tcp_conn = w->client_cfg.conn;
    r->tcp_conn.mptcp = false;
    r->tcp_conn.cc = tcp_cc;
    r->tcp_cfg = w->pair_cfg;
    r->tcp_cfg.conn = &r->tcp_conn;
}

static void start(struct race *r)
{
    struct world *w = &r->w;
    struct sim_link_config neck = { .rate = RATE, .delay = 10 * PLAIT_MSEC, .queue = QUEUE };

    world_start(w);
    r->neck = sim_link_add(w->sim, &neck);
    for (unsigned i = 0; i < w->sim->route_n; i++) {
        struct sim_route *route = &w->sim->route[i];
        if (route->to == w->server)
            route->hop[route->hop_n++] = (uint16_t)r->neck;
    }
    r->tcp_cfg.local = sim_path_addr(&w->topo_cfg, TCP_PATH, false);
    r->tcp_cfg.remote = sim_path_addr(&w->topo_cfg, TCP_PATH, true);
    r->tcp_cfg.remote.port = WORLD_PORT;
    assert_int_equal(sim_pair_start(&w->apps, &r->tcp, &r->tcp_cfg), 0);
}

/* Part of the bottleneck that the connection had from 5 s to 35 s. */
static double part(struct race *r)
{
    struct world *w = &r->w;
    double mp, tcp;

    world_at(w, 5 * PLAIT_SEC);
    mp = (double)w->pair.server.received;
    tcp = (double)r->tcp.server.received;
    r->queued = 0;
    for (unsigned t = 501; t <= 3500; t++) {
        world_at(w, t * 10 * PLAIT_MSEC);
        r->queued += (double)sim_link_backlog(&w->sim->link[r->neck], w->sim->now) / 1500 / 3000;
    }
    mp = (double)w->pair.server.received - mp;
    tcp = (double)r->tcp.server.received - tcp;
    assert_true(mp + tcp > .9 * 30 * RATE / 8); /* the bottleneck was never idle for long */
    print_message("  %s: %.3f, %.1f packets wait\n", w->client_cfg.conn.cc, mp / (mp + tcp),
                  r->queued);
    return mp / (mp + tcp);
}

/* All arrives, on both subflows. */
static void finish(struct race *r)
{
    struct world *w = &r->w;

    world_finish(w, 90 * PLAIT_SEC);
    world_expect_all(w);
    for (unsigned i = 0; i < 2; i++)
        assert_true(world_sent(w, i) > w->pair_cfg.client.send_bytes / 20);
    assert_int_equal(r->tcp.server.received, r->tcp_cfg.client.send_bytes);
    assert_true(r->tcp.server.eof && r->tcp.client.error == 0 && r->tcp.server.error == 0);
    world_end(w);
}

static double share(const char *cc)
{
    struct race r;
    double had;

    init(&r, cc, "reno");
    start(&r);
    sim_rng_init(&r.rng, r.w.seed);
    r.w.sim->hook = early;
    r.w.sim->hook_ctx = &r;
    had = part(&r);
    finish(&r);
    return had;
}

#define EXPECT(have, low, high)                                                                    \
    do {                                                                                           \
        double h_ = (have);                                                                        \
        if (h_ < (low) || h_ > (high))                                                             \
            fail_msg("%s is %.3f", #have, h_);                                                     \
    } while (0)

/* Three flows with the same losses: uncoupled the two subflows have two thirds. */
static void test_uncoupled_takes_two_parts(void **state)
{
    (void)state;
    EXPECT(share("reno"), .62, .72);
}

/* Coupled they have one half, as one TCP has. In half a minute chance moves a share by some .03,
 * one way or the other (seeds 1 to 4, 50 s: .44 to .56). */
static void test_coupled_takes_one(void **state)
{
    (void)state;
    EXPECT(share("lia"), .41, .59);
    EXPECT(share("olia"), .41, .59);
    EXPECT(share("balia"), .41, .59);
    EXPECT(share("ewtcp"), .41, .59);
}

/* By delay: each connection keeps ten segments in the queue, however many subflows it has, and
 * nothing is dropped. */
static void test_by_delay(void **state)
{
    struct race r;

    (void)state;
    init(&r, "wvegas", "wvegas");
    start(&r);
    EXPECT(part(&r), .41, .59);
    EXPECT(r.queued, 16, 23);
    assert_int_equal(r.w.sim->link[r.neck].drops, 0);
    finish(&r);
}

/* Part of the first path, of two that nobody else uses; the second loses four times as much. */
static double part_of_first(const char *cc, uint64_t seed)
{
    struct world w;
    double first;

    world_init(&w, 2);
    w.seed = seed;
    w.topo_cfg.gso_max = 0;
    for (unsigned i = 0; i < 2; i++) {
        w.topo_cfg.path[i].up.rate = w.topo_cfg.path[i].down.rate = 10 * (uint64_t)RATE;
        w.topo_cfg.path[i].up.delay = 30 * PLAIT_MSEC;
        w.topo_cfg.path[i].up.queue = 1 << 20;
        w.topo_cfg.path[i].up.loss_ppm = i == 0 ? 5000 : 20000;
    }
    w.client_cfg.conn.cc = cc;
    w.pair_cfg.client.send_bytes = 40 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_finish(&w, 300 * PLAIT_SEC);
    world_expect_all(&w);
    first = (double)world_sent(&w, 0) / (double)(world_sent(&w, 0) + world_sent(&w, 1));
    world_end(&w);
    return first;
}

/* Chance moves one run by some .02 (OLIA, seeds 1 to 4: .918 to .958). */
static double first_part(const char *cc)
{
    double first = (part_of_first(cc, 1) + part_of_first(cc, 2)) / 2;

    print_message("  %s: %.3f\n", cc, first);
    return first;
}

/* Uncoupled, and with weights, windows go with 1 / sqrt(p): two thirds are on the first path. With
 * 1 / p by LIA, four fifths. OLIA would have all of it there but for the trial of the other path,
 * and BALIA is between these two. The lossy path has less than in theory, for time-outs are
 * frequent where windows are small; so Reno is the measure here. */
static void test_load_moves_off_a_lossy_path(void **state)
{
    double reno = first_part("reno"), lia = first_part("lia"), balia = first_part("balia");

    (void)state;
    EXPECT(reno, .65, .74);
    EXPECT(first_part("ewtcp"), reno - .03, reno + .03);
    EXPECT(lia, reno + .06, .86);
    EXPECT(balia, lia + .03, .95);
    EXPECT(first_part("olia"), balia + .03, .99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uncoupled_takes_two_parts), cmocka_unit_test(test_coupled_takes_one),
        cmocka_unit_test(test_by_delay),
        cmocka_unit_test(test_load_moves_off_a_lossy_path),
    };

    return cmocka_run_group_tests_name("scenario/fairness", tests, NULL, NULL);
}

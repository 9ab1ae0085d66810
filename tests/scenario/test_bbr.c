/* SPDX-License-Identifier: Apache-2.0 */
/* BBR in whole connections: it fills a path without filling its queue, also where packets are lost
 * by chance; it looks for the shortest round trip every five seconds; flows share a bottleneck. */
#include "world.h"

enum { MBIT = 1000000 };

#define EXPECT(have, low, high)                                                                    \
    do {                                                                                           \
        double h_ = (have);                                                                        \
        if (h_ < (low) || h_ > (high))                                                             \
            fail_msg("%s is %.3f", #have, h_);                                                     \
    } while (0)

/* ---- alone ----------------------------------------------------------------------------------- */

struct line {
    const char *cc;
    double bdps;     /* queue, in bandwidth-delay products */
    unsigned loss;   /* millionths */
};

struct stretch {
    double rate;          /* payload, of what the link carries */
    double queue, longest; /* in bandwidth-delay products: the mean, and the highest */
    unsigned lows;        /* how often the window went below 0.6 of them */
    plait_time first_low, last_low;
};

/* 20 Mbit/s, 40 ms. */
enum { RATE = 20 * MBIT, RTT = 40 * PLAIT_MSEC, BDP = RATE / 8 / 25 };

static void begin(struct world *w, const struct line *l)
{
    world_init(w, 1);
    w->topo_cfg.path[0].up.rate = w->topo_cfg.path[0].down.rate = RATE;
    w->topo_cfg.path[0].up.delay = w->topo_cfg.path[0].down.delay = RTT / 2;
    w->topo_cfg.path[0].up.queue = (uint32_t)(l->bdps * BDP);
    w->topo_cfg.path[0].up.loss_ppm = l->loss;
    w->client_cfg.conn.cc = l->cc;
    w->pair_cfg.client.send_bytes = 256 << 20;
    w->pair_cfg.server.send_bytes = 0;
    world_start(w);
}

/* That is enough: what was written arrives, and no more is. */
static void enough(struct sim_pair *pair)
{
    pair->client.cfg.send_bytes = pair->client.sent + 1;
}

static void drop(struct world *w)
{
    enough(&w->pair);
    world_finish(w, w->sim->now + 60 * PLAIT_SEC);
    world_end(w);
}

static uint32_t window(const struct world *w)
{
    struct plait_subflow_info info;

    assert_int_equal(plait_subflow_info(w->pair.client.conn, 0, &info), 0);
    return info.cwnd;
}

/* Watches from..to seconds, each millisecond. */
static struct stretch watch(struct world *w, unsigned from, unsigned to)
{
    struct stretch s = { 0 };
    bool low = false;
    uint64_t before;

    world_at(w, from * PLAIT_SEC);
    before = w->pair.server.received;
    for (unsigned t = from * 1000 + 1; t <= to * 1000; t++) {
        double q;
        world_at(w, t * PLAIT_MSEC);
        q = (double)sim_link_backlog(&w->sim->link[w->topo.up[0]], w->sim->now) / BDP;
        s.queue += q / ((to - from) * 1000);
        s.longest = q > s.longest ? q : s.longest;
        if (window(w) < BDP * 6 / 10 && !low) {
            s.last_low = t * PLAIT_MSEC;
            if (s.lows++ == 0)
                s.first_low = s.last_low;
        }
        low = window(w) < BDP * 6 / 10;
    }
    s.rate = (double)(w->pair.server.received - before) * 8 / (to - from) / RATE;
    print_message("  %s: %.3f of the rate, %.3f BDP wait, %.2f at most\n", w->client_cfg.conn.cc,
                  s.rate, s.queue, s.longest);
    return s;
}

static struct stretch alone(const struct line *l, unsigned from, unsigned to)
{
    struct stretch s;
    struct world w;

    begin(&w, l);
    s = watch(&w, from, to);
    drop(&w);
    return s;
}

/* Payload is 1420 of 1500 bytes, so .947 is all. ProbeRTT costs two per cent. */
static void test_fills_the_link(void **state)
{
    struct stretch s;

    (void)state;
    s = alone(&(struct line){ "bbr", 1, 0 }, 5, 30);
    EXPECT(s.rate, .9, .95);
    EXPECT(s.queue, 0, .2);
    s = alone(&(struct line){ "bbr", .25, 0 }, 5, 30); /* shallow */
    EXPECT(s.rate, .9, .95);
}

/* Where there is room for ten BDP CUBIC uses it: nine times the round trip. BBR never has more than
 * one in the queue, while it probes, and a tenth on average. */
static void test_keeps_a_deep_queue_short(void **state)
{
    struct stretch bbr, cubic;

    (void)state;
    bbr = alone(&(struct line){ "bbr", 10, 0 }, 3, 30);
    cubic = alone(&(struct line){ "cubic", 10, 0 }, 3, 30);
    EXPECT(bbr.rate, .9, .95);
    EXPECT(bbr.queue, 0, .2);
    EXPECT(bbr.longest, 0, 1.3);
    EXPECT(cubic.queue, 5, 10);
}

/* The path holds 70 segments. Half a per cent costs little. With one per cent a probe for bandwidth
 * often meets two losses in a round, more than the two per cent that it takes for too much, and the
 * short-term bounds give up a per cent for each round between probes: three quarters of the link
 * are left, where Reno has a sixth. */
static void test_random_loss(void **state)
{
    struct stretch half, one, reno;

    (void)state;
    half = alone(&(struct line){ "bbr", 1, 5000 }, 5, 65);
    one = alone(&(struct line){ "bbr", 1, 10000 }, 5, 65);
    reno = alone(&(struct line){ "reno", 1, 10000 }, 5, 65);
    EXPECT(half.rate, .8, .95);
    EXPECT(one.rate, .6, .95);
    EXPECT(reno.rate, .05, .2);
    EXPECT(one.queue, 0, .1);
}

/* Each five seconds, for 200 ms, or the delay of the path would be forgotten. */
static void test_probes_the_round_trip(void **state)
{
    struct stretch s = alone(&(struct line){ "bbr", 1, 0 }, 2, 33);

    (void)state;
    assert_in_range(s.lows, 5, 6);
    EXPECT((double)(s.last_low - s.first_low) / PLAIT_SEC / (s.lows - 1), 5, 5.6);
}

/* After a rest of three seconds it goes on at once at the path's rate, and does not send a window
 * at a time: the queue stays short until the next probe for bandwidth, two rounds later. */
static void test_goes_on_after_a_rest(void **state)
{
    struct world w;
    double longest = 0;
    uint64_t at;

    (void)state;
    begin(&w, &(struct line){ "bbr", 4, 0 });
    world_at(&w, 4 * PLAIT_SEC);
    w.pair.client.cfg.rest_at = w.pair.client.sent;
    w.pair.client.cfg.rest_for = 3 * PLAIT_SEC;
    world_at(&w, 6500 * PLAIT_MSEC);
    at = w.pair.server.received;
    world_at(&w, 6900 * PLAIT_MSEC);
    assert_int_equal(w.pair.server.received, at);
    for (unsigned t = 6900; t < 7090; t++) {
        double q;
        world_at(&w, t * PLAIT_MSEC);
        q = (double)sim_link_backlog(&w.sim->link[w.topo.up[0]], w.sim->now) / BDP;
        longest = q > longest ? q : longest;
    }
    EXPECT(longest, .01, .2);
    world_at(&w, 8100 * PLAIT_MSEC);
    EXPECT((double)(w.pair.server.received - at) * 8 / RATE, .9, 1.1);
    drop(&w);
}

/* ---- with others ----------------------------------------------------------------------------- */

enum { NECK_PATHS = 3, OTHER = 2 };

struct race {
    struct world w;
    struct sim_pair other;
    struct sim_pair_config other_cfg;
    struct plait_conn_config other_conn;
    unsigned neck;
    bool multipath;      /* the first connection has two subflows through the bottleneck */
    plait_time later;    /* the other one begins so much later */
};

static void race_start(struct race *r, const char *cc, const char *other)
{
    struct sim_link_config neck = { .rate = RATE, .delay = RTT / 4, .queue = BDP };
    struct world *w = &r->w;

    world_init(w, NECK_PATHS);
    for (unsigned i = 0; i < NECK_PATHS; i++) {
        struct sim_path_config *p = &w->topo_cfg.path[i];
        p->up.rate = p->down.rate = 10 * (uint64_t)RATE;
        p->up.delay = RTT / 4;
        p->down.delay = RTT / 2;
        if (i == OTHER || (i == 1 && !r->multipath))
            p->client_flags = p->server_flags = 0;
    }
    w->client_cfg.conn.cc = cc;
    w->client_cfg.conn.mptcp = r->multipath;
    w->pair_cfg.client.send_bytes = 256 << 20;
    w->pair_cfg.server.send_bytes = 0;
    world_start(w);
    r->neck = sim_link_add(w->sim, &neck);
    for (unsigned i = 0; i < w->sim->route_n; i++)
        if (w->sim->route[i].to == w->server)
            w->sim->route[i].hop[w->sim->route[i].hop_n++] = (uint8_t)r->neck;
    r->other_conn = w->client_cfg.conn;
    r->other_conn.mptcp = false;
    r->other_conn.cc = other;
    r->other_cfg = w->pair_cfg;
    r->other_cfg.conn = &r->other_conn;
    r->other_cfg.local = sim_path_addr(&w->topo_cfg, OTHER, false);
    r->other_cfg.remote = sim_path_addr(&w->topo_cfg, OTHER, true);
    r->other_cfg.remote.port = WORLD_PORT;
    world_at(w, r->later);
    assert_int_equal(sim_pair_start(&w->apps, &r->other, &r->other_cfg), 0);
}

/* What the first one has of both in the 50 s from 10 s after the second one's start. */
static double share(struct race *r, const char *cc, const char *other)
{
    struct world *w = &r->w;
    double mine, its;

    race_start(r, cc, other);
    world_at(w, r->later + 10 * PLAIT_SEC);
    mine = (double)w->pair.server.received;
    its = (double)r->other.server.received;
    world_at(w, r->later + 60 * PLAIT_SEC);
    mine = (double)w->pair.server.received - mine;
    its = (double)r->other.server.received - its;
    print_message("  %s and %s: %.3f\n", cc, other, mine / (mine + its));
    EXPECT((mine + its) * 8 / 50 / RATE, .9, .98);
    enough(&r->other);
    drop(w);
    return mine / (mine + its);
}

/* Jain's index of two: above 0.9 where each has at least a third. */
static void test_two_share(void **state)
{
    struct race together = { .later = 0 }, later = { .later = 10 * PLAIT_SEC };

    (void)state;
    EXPECT(share(&together, "bbr", "bbr"), .34, .66);
    EXPECT(share(&later, "bbr", "bbr"), .34, .66);
}

static void test_beside_cubic_and_reno(void **state)
{
    struct race cubic = { .later = 0 }, first = { .later = 10 * PLAIT_SEC }, reno = { .later = 0 };

    (void)state;
    EXPECT(share(&cubic, "bbr", "cubic"), .34, .66);
    EXPECT(share(&first, "cubic", "bbr"), .34, .66);
    EXPECT(share(&reno, "bbr", "reno"), .34, .66);
}

/* It is not coupled: two subflows through one bottleneck have up to two parts of three. */
static void test_two_subflows_are_two(void **state)
{
    struct race r = { .multipath = true };

    (void)state;
    EXPECT(share(&r, "bbr", "bbr"), .52, .72);
}

/* Two paths of their own: 20 Mbit/s at 20 ms, and 10 at 60. What the faster one takes meanwhile
 * does not make the slower one look slower. */
static void test_sum_of_two_paths(void **state)
{
    struct world w;
    uint64_t before;

    (void)state;
    world_init(&w, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct sim_path_config *p = &w.topo_cfg.path[i];
        p->up.rate = p->down.rate = i == 0 ? 20 * MBIT : 10 * MBIT;
        p->up.delay = p->down.delay = i == 0 ? 10 * PLAIT_MSEC : 30 * PLAIT_MSEC;
        p->up.queue = 100000;
    }
    w.client_cfg.conn.cc = "bbr";
    w.pair_cfg.client.send_bytes = 256 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_at(&w, 5 * PLAIT_SEC);
    before = w.pair.server.received;
    world_at(&w, 35 * PLAIT_SEC);
    EXPECT((double)(w.pair.server.received - before) * 8 / 30 / (30 * MBIT), .88, .95);
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_the_link), cmocka_unit_test(test_keeps_a_deep_queue_short),
        cmocka_unit_test(test_random_loss), cmocka_unit_test(test_probes_the_round_trip),
        cmocka_unit_test(test_goes_on_after_a_rest), cmocka_unit_test(test_two_share),
        cmocka_unit_test(test_beside_cubic_and_reno), cmocka_unit_test(test_two_subflows_are_two),
        cmocka_unit_test(test_sum_of_two_paths),
    };

    return cmocka_run_group_tests_name("scenario/bbr", tests, NULL, NULL);
}

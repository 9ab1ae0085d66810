/* SPDX-License-Identifier: Apache-2.0 */
/* What each scheduler is for, on paths that are not alike: its own figures beside those of minrtt
 * (or of whom it is to beat) in the same world. */
#include "world.h"

enum { SEEDS = 20 };

/* ---- bulk data through a receive buffer that is too small ------------------------------------ */

struct bulk {
    plait_time took;
    uint64_t waits; /* bytes beyond a hole at the receiver, on average */
    uint64_t again; /* bytes sent on a second path */
};

/* What came in and is not part of the stream yet. */
static uint64_t beyond_a_hole(const struct world *w)
{
    const struct plait_conn *conn = w->pair.server.conn;
    struct plait_conn_info c;
    struct plait_subflow_info s;
    uint64_t in = 0;

    if (conn == NULL)
        return 0;
    plait_conn_info(conn, &c);
    for (unsigned i = 0; i < c.subflow_total; i++)
        if (plait_subflow_info(conn, (uint8_t)i, &s) == 0)
            in += s.bytes_received;
    in -= c.bytes_duplicate;
    return in > c.bytes_received ? in - c.bytes_received : 0;
}

/* 20 Mbit/s with 10 ms each way beside 4 Mbit/s with 100 ms. The second path holds 100 KB. */
static struct bulk run_bulk(const char *sched, uint32_t rcvbuf)
{
    struct bulk b = {0};
    struct world w;

    world_init(&w, 2);
    w.topo_cfg.path[1].up.rate = w.topo_cfg.path[1].down.rate = 4000000;
    w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 100 * PLAIT_MSEC;
    w.client_cfg.conn.sched = sched;
    w.server_cfg.conn.rcvbuf_max = w.server_cfg.conn.rcvbuf_init = rcvbuf;
    w.pair_cfg.client.send_bytes = 8 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    for (plait_time at = PLAIT_MSEC; !w.pair.server.eof && at < 60 * PLAIT_SEC; at += PLAIT_MSEC) {
        world_at(&w, at);
        b.waits += beyond_a_hole(&w);
    }
    world_finish(&w, 100 * PLAIT_SEC);
    world_expect_all(&w);
    b.took = w.pair.server.last_read_at - w.pair.client.started;
    b.waits /= b.took / PLAIT_MSEC;
    b.again = w.pair.client.info.bytes_reinjected;
    world_end(&w);
    return b;
}

/* 128 KB are less than the first path could send while a packet of the second one makes its round:
 * BLEST leaves that one out, and is as fast as the first path alone. minrtt is blocked until it has
 * learned how little the second path may hold, and sends what blocks twice. */
static void test_blest(void **state)
{
    struct bulk minrtt = run_bulk("minrtt", 128 << 10), blest = run_bulk("blest", 128 << 10);

    assert_true(blest.took < minrtt.took * 8 / 10);
    assert_true(blest.waits < minrtt.waits / 4);
    assert_true(blest.again < minrtt.again / 2);
}

/* And with room for both it uses both: it is no other name for one path. */
static void test_blest_with_room(void **state)
{
    struct bulk blest = run_bulk("blest", 4 << 20), one = run_bulk("handover", 4 << 20);

    assert_true(blest.took < one.took);
    assert_true(blest.waits > 100000);
}

/* ECF waits for the first path where the second would finish later. */
static void test_ecf(void **state)
{
    struct bulk plain = run_bulk("minrtt-plain", 256 << 10), ecf = run_bulk("ecf", 256 << 10);

    assert_true(ecf.waits < plain.waits * 7 / 10);
    assert_true(ecf.took < plain.took);
    plain = run_bulk("minrtt-plain", 1 << 20);
    ecf = run_bulk("ecf", 1 << 20);
    assert_true(ecf.took < plain.took);
}

/* Both buffers hold 1 MB, and the second path has 150 ms and a queue of 800 ms more. minrtt-plain
 * fills that queue and then waits for it; minrtt sees that it does, and has four fifths of the sum
 * of both rates all the time. */
static void test_lean(void **state)
{
    const uint64_t bytes = 6 << 20, bits_per_s = 8000000 + 2000000;
    struct world w;
    plait_time took[2];

    for (unsigned i = 0; i < 2; i++) {
        world_init(&w, 2);
        w.topo_cfg.path[0].up.rate = w.topo_cfg.path[0].down.rate = 8000000;
        w.topo_cfg.path[1].up.rate = w.topo_cfg.path[1].down.rate = 2000000;
        w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 75 * PLAIT_MSEC;
        w.topo_cfg.path[1].up.queue = w.topo_cfg.path[1].down.queue = 200 << 10;
        w.client_cfg.conn.sched = i == 0 ? "minrtt" : "minrtt-plain";
        w.client_cfg.conn.sndbuf_max = w.server_cfg.conn.rcvbuf_max = 1 << 20;
        w.pair_cfg.client.send_bytes = bytes;
        w.pair_cfg.server.send_bytes = 0;
        world_start(&w);
        world_finish(&w, 60 * PLAIT_SEC);
        world_expect_all(&w);
        took[i] = w.pair.server.last_read_at - w.pair.client.started;
        world_end(&w);
    }
    assert_true(took[0] < bytes * 8 * PLAIT_SEC / bits_per_s * 5 / 4);
    assert_true(took[1] > took[0] * 11 / 10);
}

/* 40 and 10 Mbit/s, 10 and 100 ms, the second with a queue of 120 to 200 ms more. Its slow start
 * fills that, which is more than both buffers can bridge, and what the queue dropped is found when
 * the rest has drained. Nothing of that may make the path small for seconds: seven eighths of the
 * sum of both rates in five seconds, both slow starts included. */
static void test_unlike(void **state)
{
    static const uint32_t queues[] = { 150 << 10, 180 << 10, 250 << 10 };
    const uint64_t bytes = 30 << 20, bits_per_s = 40000000 + 10000000;
    struct world w;

    for (unsigned i = 0; i < 3; i++) {
        world_init(&w, 2);
        w.topo_cfg.path[0].up.rate = w.topo_cfg.path[0].down.rate = 40000000;
        w.topo_cfg.path[0].up.delay = w.topo_cfg.path[0].down.delay = 5 * PLAIT_MSEC;
        w.topo_cfg.path[0].up.queue = w.topo_cfg.path[0].down.queue = 100 << 10;
        w.topo_cfg.path[1].up.rate = w.topo_cfg.path[1].down.rate = 10000000;
        w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 50 * PLAIT_MSEC;
        w.topo_cfg.path[1].up.queue = w.topo_cfg.path[1].down.queue = queues[i];
        w.client_cfg.conn.sndbuf_max = w.server_cfg.conn.rcvbuf_max = 800 << 10;
        w.pair_cfg.client.send_bytes = bytes;
        w.pair_cfg.server.send_bytes = 0;
        world_start(&w);
        world_finish(&w, 60 * PLAIT_SEC);
        world_expect_all(&w);
        plait_time took = w.pair.server.last_read_at - w.pair.client.started;
        assert_true(took < bytes * 8 * PLAIT_SEC / bits_per_s * 8 / 7);
        world_end(&w);
    }
}

/* The mechanisms of NSDI 2012: sending again what blocks, and sparing the path that does. A limit
 * on what the path may hold does more than halving its window, which grows again. */
static void test_opportunity_and_penalty(void **state)
{
    struct bulk plain = run_bulk("minrtt-plain", 128 << 10), minrtt = run_bulk("minrtt", 128 << 10),
                penalty = run_bulk("minrtt-penalty", 128 << 10);

    assert_int_equal(plain.again, 0);
    assert_true(penalty.took < plain.took * 7 / 10);
    assert_true(minrtt.took < penalty.took);
    assert_true(minrtt.again < penalty.again / 2);
}

/* Wi-Fi and 3G, both with a long queue, and what both buffers take is no multiple of a packet: what
 * is left of the window, or of our buffer, is less than one in the end. That blocks as well. */
static void test_less_than_a_packet(void **state)
{
    const char *const sched[] = { "minrtt-plain", "minrtt", "minrtt-penalty" };
    const uint64_t bytes = 8 << 20;
    struct world w;
    plait_time took[6];

    for (unsigned i = 0; i < 6; i++) {
        world_init(&w, 2);
        w.topo_cfg.path[0].up.rate = w.topo_cfg.path[0].down.rate = 8000000;
        w.topo_cfg.path[1].up.rate = w.topo_cfg.path[1].down.rate = 2000000;
        w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 75 * PLAIT_MSEC;
        w.topo_cfg.path[0].up.queue = w.topo_cfg.path[0].down.queue = 80000;
        w.topo_cfg.path[1].up.queue = w.topo_cfg.path[1].down.queue = 500000;
        w.client_cfg.conn.sched = sched[i % 3];
        w.server_cfg.conn.rcvbuf_max = w.server_cfg.conn.rcvbuf_init = 200000;
        w.client_cfg.conn.sndbuf_max = i < 3 ? 200000 : 1000000;
        w.pair_cfg.client.send_bytes = bytes;
        w.pair_cfg.server.send_bytes = 0;
        world_start(&w);
        world_finish(&w, 100 * PLAIT_SEC);
        world_expect_all(&w);
        assert_true((w.pair.client.info.bytes_reinjected > 0) == (i % 3 != 0));
        took[i] = w.pair.server.last_read_at - w.pair.client.started;
        world_end(&w);
    }
    for (unsigned i = 0; i < 6; i++)
        assert_true(i % 3 == 0 || took[i] < took[i / 3 * 3] * 8 / 10);
}

/* ---- a path that was limited for the sake of others takes over ------------------------------- */

enum change { SILENT_CUT, BACKUP };

/* The second path holds up the first one and is limited, until the first one is gone or a backup.
 * The least that came in any second from `from` to `until` after that, in permille of its rate. */
static unsigned least_share(enum change change, unsigned from, unsigned until)
{
    const uint32_t rate = 4000000;
    uint64_t least = UINT64_MAX, before;
    struct world w;

    world_init(&w, 2);
    w.topo_cfg.path[1].up.rate = w.topo_cfg.path[1].down.rate = rate;
    w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 100 * PLAIT_MSEC;
    w.server_cfg.conn.rcvbuf_max = w.server_cfg.conn.rcvbuf_init = 128 << 10;
    w.pair_cfg.client.send_bytes = 16 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_at(&w, 3 * PLAIT_SEC);
    if (change == SILENT_CUT)
        sim_topology_cut(&w.topo, 0, true);
    else
        assert_int_equal(plait_conn_set_backup(w.pair.client.conn, 1, true, w.sim->now), 0);
    world_at(&w, (3 + from) * PLAIT_SEC);
    for (unsigned i = from + 1; i <= until; i++) {
        before = w.pair.server.received;
        world_at(&w, (3 + i) * PLAIT_SEC);
        if (w.pair.server.received - before < least)
            least = w.pair.server.received - before;
    }
    world_finish(&w, 100 * PLAIT_SEC);
    world_expect_all(&w);
    world_end(&w);
    return (unsigned)(least * 8 * 1000 / rate);
}

/* Nobody waits for it any more: it is as fast as it can as soon as its window lets it. What it may
 * have out beside the first path is a packet or two, a twentieth of that. */
static void test_takes_over(void **state)
{
    assert_in_range(least_share(SILENT_CUT, 1, 2), 850, 1000);
    assert_in_range(least_share(BACKUP, 1, 2), 850, 1000);
}

/* And stays so when the time of the limit is over, three seconds after: its window was tried. */
static void test_takes_over_for_good(void **state)
{
    assert_in_range(least_share(SILENT_CUT, 1, 12), 850, 1000);
    assert_in_range(least_share(BACKUP, 1, 12), 850, 1000);
}

/* ---- messages -------------------------------------------------------------------------------- */

static const plait_time rest = 4 * PLAIT_SEC;

/* 12 KB after a rest, when both paths are up and the first one, which is faster, has begun to lose
 * every fourth packet. How long they took. */
static plait_time run_message(const char *sched, uint64_t seed)
{
    struct sim_link_config lossy;
    struct world w;
    plait_time took;

    world_init(&w, 2);
    w.seed = seed;
    w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 25 * PLAIT_MSEC;
    w.client_cfg.conn.sched = sched;
    w.pair_cfg.client.send_bytes = 13000;
    w.pair_cfg.client.rest_at = 1000;
    w.pair_cfg.client.rest_for = rest;
    w.pair_cfg.client.write_max = 1000;
    w.pair_cfg.server.send_bytes = 0;
    lossy = w.topo_cfg.path[0].up;
    lossy.loss_ppm = 250000;
    world_start(&w);
    world_at(&w, rest - PLAIT_SEC);
    sim_link_change(&w.sim->link[w.topo.up[0]], &lossy);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    took = w.pair.server.last_read_at - w.pair.client.connected_at - rest;
    world_end(&w);
    return took;
}

static plait_time worst_message(const char *sched)
{
    plait_time worst = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        plait_time took = run_message(sched, seed);
        worst = took > worst ? took : worst;
    }
    return worst;
}

/* What the second path needs for it, alone and without a loss: 25 ms, and 13 packets at 20 Mbit/s.
 */
static const plait_time second_path = 25 * PLAIT_MSEC + 13 * 1500 * 8 / 20 + 2 * PLAIT_MSEC;

/* A message is there as soon as the path without losses could bring it, each time. */
static void test_redundant(void **state)
{
    assert_true(worst_message("redundant") <= second_path);
    assert_true(worst_message("minrtt") > 2 * second_path);
}

/* The same with copies of the end of messages only; and bulk data is not sent twice. */
static void test_latency(void **state)
{
    struct bulk latency, redundant;

    assert_true(worst_message("latency") <= second_path);
    latency = run_bulk("latency", 4 << 20);
    redundant = run_bulk("redundant", 4 << 20);
    assert_true(latency.again <= 16384);
    assert_true(redundant.again > 500000);
}

/* The first path is cut without a word; the longest time without a byte at the server. */
static plait_time stall_of_a_cut(const char *sched)
{
    struct world w;
    plait_time stall;

    world_init(&w, 2);
    w.client_cfg.conn.sched = sched;
    w.pair_cfg.client.send_bytes = 8 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_at(&w, 1 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 0, true);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    stall = w.pair.server.stall_max;
    world_end(&w);
    return stall;
}

/* Nobody waits for a path that dies: the other one carries the same. */
static void test_redundant_cut(void **state)
{
    plait_time redundant = stall_of_a_cut("redundant"), minrtt = stall_of_a_cut("minrtt");

    assert_true(redundant < 60 * PLAIT_MSEC);
    assert_true(minrtt > 2 * redundant);
}

/* Redundant paths give the throughput of the best one. */
static void test_redundant_bulk(void **state)
{
    struct bulk all = run_bulk("redundant", 4 << 20), one = run_bulk("handover", 4 << 20);

    assert_true(all.took < one.took * 105 / 100);
}

/* ---- shares ---------------------------------------------------------------------------------- */

/* Percent of the bytes that went on the second path, by a client that writes little at a time;
 * RTTs of 20 and 24 ms. */
static unsigned second_share(const char *sched)
{
    struct world w;
    uint64_t first, second;

    world_init(&w, 2);
    w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 12 * PLAIT_MSEC;
    w.client_cfg.conn.sched = sched;
    w.client_cfg.conn.nodelay = true;
    w.pair_cfg.client = (struct sim_app_config){.send_bytes = 2 << 20, .write_max = 2800,
                                                .pause_ppm = 800000, .pause_max = 1000};
    w.pair_cfg.client.hold_close = true;
    w.pair_cfg.server.send_bytes = 1;
    w.pair_cfg.server.hold_close = false;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    first = world_sent(&w, 0);
    second = world_sent(&w, 1);
    world_end(&w);
    return (unsigned)(second * 100 / (first + second));
}

static void test_roundrobin(void **state)
{
    assert_in_range(second_share("roundrobin"), 45, 55);
    assert_in_range(second_share("minrtt"), 0, 5);
}

/* An empty path comes before one that has something in its queue: what minrtt leaves idle helps. */
static void test_linger(void **state)
{
    assert_in_range(second_share("linger"), 12, 60);
    assert_in_range(second_share("minrtt"), 0, 5);
}

/* ---- one at a time --------------------------------------------------------------------------- */

/* The second path is ready and idle while the first works, and has everything after it was cut; no
 * flag asks for that. When the first one is back, the second one stays. */
static void test_handover(void **state)
{
    struct world w;
    uint64_t *first, *second, before;

    world_init(&w, 2);
    w.client_cfg.conn.sched = "handover";
    w.pair_cfg.client.send_bytes = 12 << 20;
    w.pair_cfg.server.send_bytes = 0;
    w.topo_cfg.path[1].up.delay = 15 * PLAIT_MSEC;
    world_start(&w);
    first = &w.sim->link[w.topo.up[0]].bytes;
    second = &w.sim->link[w.topo.up[1]].bytes;
    world_at(&w, 1 * PLAIT_SEC);
    assert_in_range(*second, 60, 5000);
    sim_topology_cut(&w.topo, 0, true);
    world_at(&w, 2 * PLAIT_SEC);
    assert_true(*second > 1000000);
    sim_topology_cut(&w.topo, 0, false);
    world_at(&w, 3 * PLAIT_SEC);
    before = *first;
    world_at(&w, 4 * PLAIT_SEC);
    assert_true(*first - before < 100000); /* of what it carried when it was cut, nothing new */
    world_complete(&w, 60 * PLAIT_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blest),
        cmocka_unit_test(test_blest_with_room),
        cmocka_unit_test(test_ecf),
        cmocka_unit_test(test_lean),
        cmocka_unit_test(test_unlike),
        cmocka_unit_test(test_opportunity_and_penalty),
        cmocka_unit_test(test_less_than_a_packet),
        cmocka_unit_test(test_takes_over),
        cmocka_unit_test(test_takes_over_for_good),
        cmocka_unit_test(test_redundant),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_redundant_bulk),
        cmocka_unit_test(test_redundant_cut),
        cmocka_unit_test(test_roundrobin),
        cmocka_unit_test(test_linger),
        cmocka_unit_test(test_handover),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

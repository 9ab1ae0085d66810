/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, a peer, and somebody off the path, that mean ill, and two honest stacks between which they
 * stand: blind guesses by the thousand, a window that never opens, payload that a gateway rewrites
 * and makes longer, paths that flap, that are a hundred times slower than the other, that double
 * and spoil what they carry, or that die with the one segment that all others wait for. Every byte
 * arrives as it was, or the connection ends with an error that says so. */
#include "wire_edit.h"
#include "world.h"

#include "sim/middlebox.h"
#include "wire/wire.h"

static uint64_t count(const struct sim_node *n, enum plait_reason why)
{
    return plait_counter(n->stack, why);
}

/* ---- 1 to 4: somebody off the path ---------------------------------------------------------- */

/* Knows addresses and ports of the first subflow, guesses numbers, and says it is the other end: to
 * both ends, ten times in a millisecond. */
struct storm {
    struct sim_timer timer;
    struct world *w;
    struct plait_addr client, server;
    struct sim_rng rng;
    uint64_t n;
};

static void forge(struct storm *s, struct sim_node *to, const struct plait_addr *src,
                  const struct plait_addr *dst)
{
    static const uint8_t flags[] = {WIRE_RST, WIRE_RST | WIRE_ACK, WIRE_SYN, WIRE_SYN | WIRE_ACK,
                                    WIRE_ACK};
    struct wire_emit how = {
        .src = src, .dst = dst, .seq = (uint32_t)sim_rng_u64(&s->rng),
        .ack = (uint32_t)sim_rng_u64(&s->rng), .wnd = 1000,
        .flags = flags[sim_rng_below(&s->rng, sizeof flags)],
    };
    uint8_t packet[PLAIT_HEAD_MAX], ip_len;
    unsigned n = wire_emit_headers(&how, packet, &ip_len);

    wire_finish_csum(packet, n, ip_len, NULL, 0);
    sim_net_deliver(to, packet, n, false);
    s->n++;
}

static void storm_tick(struct sim *sim, struct sim_timer *t)
{
    struct storm *s = t->ctx;

    for (unsigned i = 0; i < 10; i++) {
        forge(s, s->w->server, &s->client, &s->server);
        forge(s, s->w->client, &s->server, &s->client);
    }
    sim_timer_set(sim, t, sim->now + PLAIT_MSEC, storm_tick);
}

static void test_04_blind_storm(void **state)
{
    struct world w;
    struct storm s = {.w = &w};
    struct plait_subflow_info info;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 4 << 20;
    world_start(&w);
    world_at(&w, 100 * PLAIT_MSEC);
    assert_int_equal(plait_subflow_info(w.pair.client.conn, 0, &info), 0);
    s.client = info.local;
    s.server = info.remote;
    s.timer.ctx = &s;
    sim_rng_init(&s.rng, 1);
    sim_timer_set(w.sim, &s.timer, w.sim->now, storm_tick);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    sim_timer_stop(w.sim, &s.timer);
    assert_true(s.n > 10000);
    assert_true(w.pair.client.stall_max < 300 * PLAIT_MSEC);
    for (unsigned i = 0; i < 2; i++) {
        const struct sim_node *end = i == 0 ? w.client : w.server;
        assert_true(count(end, PLAIT_REASON_RST_IN_WINDOW) > 0);
        assert_true(count(end, PLAIT_REASON_SYN_IN_WINDOW) > 1000);
        assert_true(count(end, PLAIT_REASON_SEQ_OUTSIDE) > 1000);
        assert_true(count(end, PLAIT_REASON_CHALLENGE_LIMIT) > 1000);
        assert_int_equal(count(end, PLAIT_REASON_RST_RECEIVED), 0);
    }
    world_end(&w);
}

/* ---- 13: a window that never opens ---------------------------------------------------------- */

static void stuck_world(struct world *w)
{
    world_init(w, 2);
    w->topo_cfg.mesh = true; /* else dead pairs would be tried again and again */
    w->server_cfg.conn.rcvbuf_max = w->server_cfg.conn.rcvbuf_init = 32768;
    w->pair_cfg.server.send_bytes = 0;
    w->pair_cfg.server.read_after = 24 * 3600 * PLAIT_SEC;
    w->pair_cfg.server.hold_close = true;
}

/* The peer lives and says so, on both paths; its reader does not read. The user waits so long as he
 * said. */
static void test_13_zero_window_and_user_timeout(void **state)
{
    struct world w;

    stuck_world(&w);
    w.client_cfg.conn.user_timeout = 30 * PLAIT_SEC;
    world_start(&w);
    world_at(&w, 25 * PLAIT_SEC);
    assert_false(w.pair.client.done);
    world_at(&w, 35 * PLAIT_SEC);
    assert_true(w.pair.client.done);
    assert_int_equal(w.pair.client.error, PLAIT_ETIMEDOUT);
    assert_int_equal(w.pair.client.reason, PLAIT_REASON_USER_TIMEOUT);
    assert_int_equal(count(w.client, PLAIT_REASON_USER_TIMEOUT), 1);
    assert_int_equal(w.pair.server.error, PLAIT_ECONNRESET);
    world_end(&w);
}

/*= RFC 9293 3.8.6.1
 * As long as the receiving TCP peer continues to send acknowledgments in response to the probe
 * segments, the sending TCP peer MUST allow the connection to stay open (MUST-37). */
/* Without one it waits for a day; the probes back off, and cost next to nothing. */
static void test_13_zero_window_for_a_day(void **state)
{
    struct world w;
    uint64_t packets;

    stuck_world(&w);
    world_start(&w);
    world_at(&w, 3600 * PLAIT_SEC);
    packets = w.client->packets_out;
    world_at(&w, 2 * 3600 * PLAIT_SEC);
    packets = w.client->packets_out - packets;
    assert_in_range(packets, 1, 4 * 60);
    world_finish(&w, 25 * 3600 * PLAIT_SEC);
    world_expect_all(&w);
    world_end(&w);
}

/* ---- 23: payload that is rewritten ---------------------------------------------------------- */

/* A gateway on the second path puts bytes of the client's in, or takes some out, and shifts all
 * numbers behind them; or changes one. The checksum shows it; that path ends, and what it spoilt
 * comes over the other one. */
static void check_gateway(const char *box)
{
    struct world w;

    world_init(&w, 2);
    w.client_cfg.conn.checksum = true;
    w.topo_cfg.path[1].up.mtu = 1600; /* longer ones pass, too */
    world_start(&w);
    struct sim_boxes *boxes = sim_boxes_new(w.sim);
    struct sim_box_at at = {w.topo.up[1], w.topo.down[1]};
    assert_true(sim_boxes_add(boxes, box, &at));
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.pair.client.info.multipath);
    assert_true(sim_boxes_touched(boxes) > 0);
    assert_true(count(w.server, PLAIT_REASON_DSS_CSUM) > 0);
    assert_true(count(w.client, PLAIT_REASON_MP_FAIL_RECEIVED) > 0);
    assert_true(w.pair.client.info.bytes_reinjected > 0);
    sim_boxes_free(boxes);
    w.sim->hook = NULL;
    world_end(&w);
}

static void test_23_gateway_changes_lengths(void **state)
{
    check_gateway("rewrite:grow/up");
    check_gateway("rewrite:shrink/up");
    check_gateway("rewrite/up");
}

/* ---- 25: paths ------------------------------------------------------------------------------ */

/* Each path goes and comes by a rhythm of its own, so that now one is there, now the other, now
 * none. */
static void test_25_both_paths_flap(void **state)
{
    for (unsigned rhythm = 1; rhythm <= 4; rhythm++) {
        struct world w;
        world_init(&w, 2);
        w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 8 << 20;
        w.seed = rhythm;
        world_start(&w);
        for (plait_time at = 0; at < 20 * PLAIT_SEC; at += 50 * PLAIT_MSEC) {
            sim_topology_cut(&w.topo, 0, at / (rhythm * 150 * PLAIT_MSEC) % 2 == 1);
            sim_topology_cut(&w.topo, 1, at / (rhythm * 250 * PLAIT_MSEC) % 2 == 1);
            world_at(&w, at);
        }
        sim_topology_cut(&w.topo, 0, false);
        sim_topology_cut(&w.topo, 1, false);
        world_finish(&w, 120 * PLAIT_SEC);
        world_expect_all(&w);
        assert_true(w.pair.client.info.multipath);
        world_end(&w);
    }
}

/* Round trips of 4 and 400 ms: what overtakes the other is a hundred round trips ahead of it. */
static void test_25_reordering_of_100_round_trips(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.topo_cfg.path[0].up.delay = w.topo_cfg.path[0].down.delay = 2 * PLAIT_MSEC;
    w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = 200 * PLAIT_MSEC;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 16 << 20;
    world_start(&w);
    world_finish(&w, 120 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(world_sent(&w, 0) > 1 << 18 && world_sent(&w, 1) > 1 << 18);
    world_end(&w);
}

/* Bits turn under way, anywhere in a packet, and a tenth of them comes twice. Nothing mends the
 * checksums here, so what is spoilt is a counted drop. */
struct spoiler {
    struct sim_rng rng;
    uint64_t n;
};

static void spoil_hook(void *ctx, struct sim *sim, struct sim_wire *w)
{
    struct spoiler *s = ctx;

    w->twice = sim_rng_chance(&s->rng, 100000);
    if (edit_tcp(w) == NULL || !sim_rng_chance(&s->rng, 30000))
        return;
    w->bytes[sim_rng_below(&s->rng, w->len)] ^= (uint8_t)(1u << sim_rng_below(&s->rng, 8));
    s->n++;
}

static uint64_t spoilt(const struct sim_node *n)
{
    static const enum plait_reason why[] = {
        PLAIT_REASON_IP_CSUM, PLAIT_REASON_TCP_CSUM, PLAIT_REASON_IP_TRUNCATED,
        PLAIT_REASON_IP_VERSION,
    };
    uint64_t sum = 0;

    for (unsigned i = 0; i < sizeof why / sizeof why[0]; i++)
        sum += count(n, why[i]);
    return sum;
}

static void test_25_doubled_and_spoilt(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world w;
        struct spoiler s = {.n = 0};
        world_init(&w, 2);
        w.seed = seed;
        sim_rng_init(&s.rng, seed);
        w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 2 << 20;
        world_start(&w);
        w.sim->hook = spoil_hook;
        w.sim->hook_ctx = &s;
        world_finish(&w, 120 * PLAIT_SEC);
        world_expect_all(&w);
        assert_true(s.n > 50);
        assert_true(spoilt(w.client) + spoilt(w.server) >= s.n / 2);
        w.sim->hook = NULL;
        world_end(&w);
    }
}

struct killer {
    const struct world *w;
    unsigned path, data_n[2];
    bool dead; /* from a data packet of the client's on that it takes along, both being in use */
};

static void kill_hook(void *ctx, struct sim *sim, struct sim_wire *w)
{
    struct killer *k = ctx;
    unsigned path = w->bytes[14]; /* 10.0.path.x */

    if (w->from == k->w->client && edit_payload(w) > 0) {
        k->data_n[path]++;
        if (path == k->path && k->data_n[0] >= 5 && k->data_n[1] >= 5)
            k->dead = true;
    }
    w->drop = k->dead && path == k->path;
}

/* The window is small, and full but for one segment, which was on the path that died: the other one
 * may send nothing new, and has to send that. */
static void check_hole(uint32_t rcvbuf, unsigned path)
{
    struct world w;
    struct killer k = {.w = &w, .path = path};

    world_init(&w, 2);
    w.client_cfg.conn.rcvbuf_max = w.client_cfg.conn.rcvbuf_init = rcvbuf;
    w.server_cfg.conn.rcvbuf_max = w.server_cfg.conn.rcvbuf_init = rcvbuf;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 2 << 20;
    world_start(&w);
    w.sim->hook = kill_hook;
    w.sim->hook_ctx = &k;
    world_finish(&w, 120 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(k.dead && w.pair.client.info.bytes_reinjected > 0);
    assert_in_range(w.pair.client.stall_max, 1, PLAIT_SEC);
    assert_in_range(w.pair.server.stall_max, 1, PLAIT_SEC);
    w.sim->hook = NULL;
    world_end(&w);
}

static void test_25_hole_on_the_dead_path(void **state)
{
    static const uint32_t rcvbuf[] = {8192, 32768, 65536};

    for (unsigned i = 0; i < 2 * sizeof rcvbuf / sizeof rcvbuf[0]; i++)
        check_hole(rcvbuf[i / 2], i % 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_04_blind_storm),
        cmocka_unit_test(test_13_zero_window_and_user_timeout),
        cmocka_unit_test(test_13_zero_window_for_a_day),
        cmocka_unit_test(test_23_gateway_changes_lengths),
        cmocka_unit_test(test_25_both_paths_flap),
        cmocka_unit_test(test_25_reordering_of_100_round_trips),
        cmocka_unit_test(test_25_doubled_and_spoilt),
        cmocka_unit_test(test_25_hole_on_the_dead_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

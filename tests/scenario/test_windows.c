/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to congestion windows and to packet sizes over whole connections: after a time-out
 * that was needless, on paths whose MTUs are far apart. */
#include "wire_edit.h"
#include "world.h"

static const struct plait_subflow_info *now_info(const struct world *w, uint8_t id)
{
    static struct plait_subflow_info info;

    assert_int_equal(plait_subflow_info(w->pair.client.conn, id, &info), 0);
    return &info;
}

/* Holds everything of the client's back for so long, in a certain span of time. */
struct spike {
    plait_time from, until, late;
    uint64_t n;
};

static void delay_hook(void *ctx, struct sim *sim, struct sim_wire *w)
{
    struct spike *s = ctx;

    if (sim->now < s->from || sim->now >= s->until || edit_payload(w) < 900)
        return;
    w->delay = s->late - (sim->now - s->from);
    s->n++;
}

/* Data is late by more than the time-out on the only path there is. */
static void check_undone(plait_time span, uint64_t rtx)
{
    struct world w;
    struct spike s;
    uint32_t before, ssthresh;

    world_init(&w, 1);
    w.client_cfg.conn.mptcp = false;
    w.client_cfg.conn.cc = "reno";
    w.server_cfg.conn.rcvbuf_init = w.server_cfg.conn.rcvbuf_max = 64 << 10; /* no loss */
    w.topo_cfg.path[0].up.rate = 20000000;
    w.topo_cfg.path[0].up.queue = 1 << 20;
    w.pair_cfg.client.send_bytes = 8 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_at(&w, 500 * PLAIT_MSEC);
    before = now_info(&w, 0)->cwnd;
    ssthresh = now_info(&w, 0)->ssthresh;
    s = (struct spike){.from = w.sim->now, .until = w.sim->now + span, .late = 900 * PLAIT_MSEC};
    w.sim->hook = delay_hook;
    w.sim->hook_ctx = &s;
    world_at(&w, 1350 * PLAIT_MSEC);
    assert_int_equal(s.n, span > 200 * PLAIT_MSEC ? 45 : 42);
    assert_true(now_info(&w, 0)->ssthresh < before / 2); /* the time-out has come */
    world_at(&w, 2000 * PLAIT_MSEC);
    assert_true(now_info(&w, 0)->cwnd >= before);
    assert_int_equal(now_info(&w, 0)->ssthresh, ssthresh);
    assert_int_equal(now_info(&w, 0)->bytes_retransmitted, rtx);
    world_complete(&w, 60 * PLAIT_SEC);
}

/* Everything is held back, the retransmissions too: the ACKs of the originals echo timestamps from
 * before the time-out, and the window is what it was. */
static void test_spurious_timeout_is_undone_by_timestamps(void **state)
{
    (void)state;
    /* The second time-out makes segments small (RFC 4821 7.7): their MSS is 1024 - 52. */
    check_undone(850 * PLAIT_MSEC, 2 * 1448 + 972);
}

/* The originals alone are held back, so the retransmissions come first and the originals are
 * reported as duplicates, each of them (RFC 3708). */
static void test_spurious_timeout_is_undone_by_dsack(void **state)
{
    (void)state;
    check_undone(100 * PLAIT_MSEC, 42 * 1448);
}

/* Two paths of 9000 and 1280 bytes; the large one dies with much in flight, and what it had is sent
 * again in small packets, by the mappings that it had. */
static void test_reinjection_from_large_to_small(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 3 << 20;
    w.topo_cfg.path[0].mtu = 9000;
    w.topo_cfg.path[0].up.mtu = w.topo_cfg.path[0].down.mtu = 9000;
    w.topo_cfg.path[1].family = 6;
    w.topo_cfg.path[1].mtu = 1280;
    w.client_cfg.conn.checksum = true;
    world_start(&w);
    world_at(&w, 400 * PLAIT_MSEC);
    assert_true(now_info(&w, 0)->mss > 8800 && now_info(&w, 0)->in_flight > 9000);
    sim_topology_cut(&w.topo, 0, true);
    world_at(&w, 5000 * PLAIT_MSEC);
    sim_topology_cut(&w.topo, 0, false);
    world_finish(&w, 120 * PLAIT_SEC);
    world_expect_all(&w);
    /* What arrived before the cut is DATA_ACKed on the other path: not every side has some left. */
    assert_true(w.pair.client.info.bytes_reinjected + w.pair.server.info.bytes_reinjected > 9000);
    assert_int_equal(plait_counter(w.server->stack, PLAIT_REASON_DSS_CONFLICT), 0);
    assert_int_equal(plait_counter(w.server->stack, PLAIT_REASON_DSS_CSUM), 0);
    world_end(&w);
}

/* One path of a gigabit with a deep queue; the largest buffers that 64 MB made grow. */
static void grow_buffers(plait_time delay, uint32_t *sndbuf, uint32_t *rcvbuf)
{
    struct world w;

    world_init(&w, 1);
    w.topo_cfg.path[0].up.rate = 1000000000;
    w.topo_cfg.path[0].up.queue = 64 << 20;
    w.topo_cfg.path[0].up.delay = w.topo_cfg.path[0].down.delay = delay;
    w.client_cfg.conn.cc = "reno"; /* which fills the queue */
    w.pair_cfg.client.send_bytes = 64 << 20;
    w.pair_cfg.server.send_bytes = 0;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    *sndbuf = w.pair.client.info.sndbuf;
    *rcvbuf = w.pair.server.info.rcvbuf;
    world_end(&w);
}

/* What waits in a queue does not make buffers grow, what a long path holds does. */
static void test_buffers_follow_the_path_and_not_the_queue(void **state)
{
    uint32_t sndbuf, rcvbuf;

    (void)state;
    grow_buffers(50, &sndbuf, &rcvbuf);
    assert_in_range(sndbuf, 256 << 10, 2 << 20);
    assert_in_range(rcvbuf, 256 << 10, 2 << 20);
    grow_buffers(20 * PLAIT_MSEC, &sndbuf, &rcvbuf); /* it holds 5 MB */
    assert_true(sndbuf > 5000000);
    assert_true(rcvbuf > 5000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spurious_timeout_is_undone_by_timestamps),
        cmocka_unit_test(test_spurious_timeout_is_undone_by_dsack),
        cmocka_unit_test(test_reinjection_from_large_to_small),
        cmocka_unit_test(test_buffers_follow_the_path_and_not_the_queue),
    };

    return cmocka_run_group_tests_name("scenario/windows", tests, NULL, NULL);
}

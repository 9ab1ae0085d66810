/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: buffer, Nagle, whole packets, reinjection. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static void start(uint64_t seed, unsigned paths, uint64_t up)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, up, 100);
    pair_connect(&p);
}

static void buffer_has_an_end(void **state)
{
    static uint8_t bytes[1 << 20];
    struct mp_conn *c;
    int64_t n, all = 0;

    start(1, 1, 0);
    p.side[1].paused = true;
    pair_run(&p, p.now + 100 * PLAIT_MSEC);
    c = p.side[0].conn;
    while ((n = mp_send(c, bytes, sizeof bytes, p.now)) > 0)
        all += n;
    assert_int_equal(n, PLAIT_EAGAIN);
    assert_int_equal(all, c->sndbuf);
    assert_true(c->want_write);
    (void)mp_news(c);
    p.side[1].paused = false;
    p.side[0].full = true;
    pair_run(&p, p.now + PLAIT_SEC);
    assert_false(p.side[0].full); /* the news came */
    assert_false(c->want_write);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static unsigned small_n, data_n;

static bool count_small(struct pair *pair, int to, struct wire_seg *seg)
{
    if (to == 1 && seg->len > 0) {
        data_n++;
        small_n += seg->len < 1000;
    }
    return true;
}

static void chatter(bool nodelay)
{
    small_n = data_n = 0;
    pair_init(&p, 2, 1);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].cfg.nodelay = nodelay;
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    p.hook = count_small;
    for (unsigned i = 0; i < 100; i++) {
        p.side[0].to_write += 10;
        pair_run(&p, p.now + 200);
    }
    pair_wind_up(&p, 1100, 100);
}

/*= RFC 9293 SHLD-7, MUST-17, MUST-60, MAY-16 */
static void nagle_gathers(void **state)
{
    chatter(false);
    assert_true(small_n < 10);
    chatter(true);
    assert_true(small_n > 50);
}

/*= RFC 6897 4.4.2-1 */
/* The second path, once the first is gone. */
static void nagle_is_off_on_every_path(void **state)
{
    pair_init(&p, 3, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].cfg.nodelay = true;
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    p.path[0].down = true;
    p.side[0].to_write += 10;
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 110);
    small_n = data_n = 0;
    p.hook = count_small;
    for (unsigned i = 0; i < 100; i++) {
        p.side[0].to_write += 10;
        pair_run(&p, p.now + 200);
    }
    pair_run(&p, p.now + PLAIT_SEC);
    assert_true(small_n > 50);
    p.path[0].down = false;
    pair_wind_up(&p, 1110, 100);
}

/*= RFC 9293 3.9.1.2
 * However, a TCP implementation SHOULD send a maximum-sized segment whenever possible (SHLD-28) to
 * improve performance (see Section 3.8.6.2.1). */
static void bulk_goes_in_whole_packets(void **state)
{
    small_n = data_n = 0;
    start(3, 2, 4 << 20);
    p.hook = count_small;
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 4 << 20);
    assert_true(data_n > 2000 && small_n * 100 < data_n);
    pair_wind_up(&p, 4 << 20, 100);
}

static void dead_path_moves_its_data(void **state)
{
    start(4, 2, 16 << 20);
    pair_run(&p, p.now + 600 * PLAIT_MSEC);
    p.side[1].longest_gap = 0;
    p.path[1].down = true;
    pair_run(&p, p.now + PLAIT_SEC);
    assert_true(pair_sub(&p, 0, 1)->stale);
    assert_true(p.side[0].conn->bytes_reinjected > 0);
    assert_true(p.side[1].longest_gap < 300 * PLAIT_MSEC);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 16 << 20);
    p.path[1].down = false;
    pair_wind_up(&p, 16 << 20, 100);
}

static bool narrow(struct pair *pair, int to, struct wire_seg *seg)
{
    unsigned scale = (seg->flags & WIRE_SYN) != 0 ? 0 : pair->side[0].cfg.tcp.wscale;

    if (to == 0)
        seg->wnd = (uint16_t)((scale > 0 ? 256u : 4096u) >> scale);
    return true;
}

/*= RFC 9293 3.8.6.2.1
 * A TCP implementation MUST include a SWS avoidance algorithm in the sender (MUST-38). */
/* The override timeout runs out on one path, and the other one, as fast, would be next to send. */
static void small_windows_on_two_paths(void **state)
{
    struct mp_subflow *s;

    pair_init(&p, 10, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.path[1] = p.path[0];
    p.hook = narrow;
    pair_transfer(&p, 20000, 100);
    pair_connect(&p);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    s = pair_sub(&p, 0, 0);
    assert_true(p.side[1].read < 20000);
    pair_sub(&p, 0, 1)->tcb.loss.rtt.srtt = s->tcb.loss.rtt.srtt;
    list_del(&s->in_conn);
    list_add_tail(&p.side[0].conn->subflows, &s->in_conn);
    pair_run(&p, p.now + 40 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 20000);
    pair_wind_up(&p, 20000, 100);
}

/* 120 KB of window, and a second path that has a hundred times the delay of the first. */
static void start_unlike(uint64_t up)
{
    pair_init(&p, 8, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[1].cfg.rcvbuf_init = p.side[1].cfg.rcvbuf_max = 120000;
    p.path[0] = (struct pair_path){ .delay = 2 * PLAIT_MSEC, .rate = 12500000, .queue = 20000 };
    p.path[1] = (struct pair_path){ .delay = 200 * PLAIT_MSEC, .rate = 12500000,
                                    .queue = 256 << 10 };
    pair_transfer(&p, up, 100);
    pair_connect(&p);
}

/* The window blocks, and its oldest bytes are with the slow path: the fast one sends them too. */
static void opportunity_is_taken(void **state)
{
    start_unlike(20 << 20);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 20 << 20);
    assert_true(p.side[0].conn->bytes_reinjected > 0);
    pair_wind_up(&p, 20 << 20, 100);
}

/* The slow path holds up the fast one until two packets are all that it may have out. When it was
 * not in the way for some rounds the limit goes, and the limit's memory. */
static void slow_path_is_limited_for_a_while(void **state)
{
    struct mp_subflow *s;

    start_unlike(60 << 20);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    s = pair_sub(&p, 0, 1);
    assert_non_null(s->lean);
    assert_int_equal(s->lean->phase, MP_LEAN_WAITS);
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    assert_true(p.side[1].read < 60 << 20);
    assert_int_equal(s->lean->limit, 2 * tcp_payload_mss(&s->tcb));
    assert_in_range(s->tcb.sndq.nxt - s->tcb.sndq.una, 1, s->lean->limit);
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 60 << 20);
    p.path[0].down = true;
    p.side[0].to_write += 3000;
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_null(s->lean);
    p.path[0].down = false;
    pair_wind_up(&p, (60 << 20) + 3000, 100);
}

/* A path that dies leaves nothing of it (pair_fini() counts). */
static void limited_path_dies(void **state)
{
    struct mp_subflow *s;

    start_unlike(60 << 20);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    s = pair_sub(&p, 0, 1);
    assert_non_null(s->lean);
    mp_subflow_abort(s, PLAIT_REASON_LOCAL_CLOSE, p.now);
    assert_null(s->lean);
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    pair_wind_up(&p, 60 << 20, 100);
}

/* Without memory for the limit the path has what its window allows, and all arrives; with memory
 * again it is limited when it holds up the other one next. */
static void no_memory_for_a_limit(void **state)
{
    struct mp_subflow *s;

    start_unlike(60 << 20);
    pair_run(&p, p.now + 500 * PLAIT_MSEC);
    p.refuse = sizeof(struct mp_lean);
    pair_run(&p, p.now + 1500 * PLAIT_MSEC);
    s = pair_sub(&p, 0, 1);
    assert_true(p.refused > 1 && p.side[0].conn->held_up_n > 1);
    assert_true(s->phase == MP_PHASE_OPEN && s->lean == NULL);
    assert_true(tcp_room(&s->tcb) + s->tcb.sndq.end - s->tcb.sndq.una > 10000);
    p.refuse = 0;
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    assert_non_null(s->lean);
    assert_true(p.side[1].read < 60 << 20);
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 60 << 20);
    pair_wind_up(&p, 60 << 20, 100);
}

static void allocation_fails_now_and_then(void **state)
{
    for (uint64_t seed = 20; seed < 40; seed++) {
        start(seed, 2, 300000);
        pair_run(&p, p.now + 30 * PLAIT_MSEC);
        for (unsigned i = 0; i < 30; i++) {
            p.fail_in = (int64_t)pair_roll(&p, 20);
            pair_run(&p, p.now + PLAIT_MSEC);
            p.fail_in = -1;
            pair_run(&p, p.now + PLAIT_MSEC);
        }
        pair_wind_up(&p, 300000, 100);
    }
}

/*= RFC 8684 3.3.5-1, 3.3.5-2, 4-4 */
/* One window for the connection, the largest that any subflow told; a subflow's own besides. */
static void largest_window_counts(void **state)
{
    struct mp_subflow *s;
    struct mp_conn *c;
    uint64_t edge;
    uint32_t wnd;

    start(9, 2, 100);
    pair_run(&p, p.now + PLAIT_SEC);
    c = p.side[0].conn;
    edge = c->snd_edge;
    mp_tx_data_ack(pair_sub(&p, 0, 1), c->snd_una, (uint32_t)(edge - c->snd_una) + 5000, p.now);
    assert_true(c->snd_edge == edge + 5000);
    mp_tx_data_ack(pair_sub(&p, 0, 0), c->snd_una, 100, p.now);
    assert_true(c->snd_edge == edge + 5000);
    s = pair_sub(&p, 0, 1);
    wnd = s->tcb.snd_wnd;
    s->tcb.snd_wnd = 0;
    assert_int_equal(tcp_room(&s->tcb), 0);
    assert_true(tcp_room(&pair_sub(&p, 0, 0)->tcb) > 0);
    s->tcb.snd_wnd = wnd;
    pair_wind_up(&p, 100, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_has_an_end), cmocka_unit_test(nagle_gathers),
        cmocka_unit_test(nagle_is_off_on_every_path),
        cmocka_unit_test(bulk_goes_in_whole_packets), cmocka_unit_test(dead_path_moves_its_data),
        cmocka_unit_test(opportunity_is_taken),
        cmocka_unit_test(slow_path_is_limited_for_a_while),
        cmocka_unit_test(limited_path_dies),
        cmocka_unit_test(no_memory_for_a_limit), cmocka_unit_test(allocation_fails_now_and_then),
        cmocka_unit_test(largest_window_counts),
        cmocka_unit_test(small_windows_on_two_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

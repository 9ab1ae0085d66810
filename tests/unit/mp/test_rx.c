/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: the shared window, a slow reader, its buffer's growth, bounded memory. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static void start(uint64_t seed, unsigned paths, uint64_t down)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 100, down);
}

static void finish(uint64_t down)
{
    p.hook = NULL;
    p.side[0].paused = false;
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 300 * PLAIT_SEC));
    pair_expect_all(&p, 100, down);
    pair_fini(&p);
}

static uint64_t edge[PAIR_ADDRS], window_max, retreats;

/* The right edge that a side tells never goes back, and never promises more than the buffer.
 * Packets on two paths may overtake each other, so only each path's own edge is looked at. */
static bool watch_edge(struct pair *pair, int to, struct wire_seg *seg)
{
    const struct mp_conn *c = pair->side[0].conn;
    const struct wire_mp_dss *d = &seg->mp.dss;

    if (to == 1 && c != NULL && wire_mp_has(&seg->mp, WIRE_MP_DSS) && d->ack64) {
        uint64_t wnd = (uint64_t)seg->wnd << 7, at = d->ack - mp_dsn_in(c, 0) + wnd;
        uint64_t *path_edge = &edge[seg->src.ip[2]];
        if (at < *path_edge)
            retreats++;
        *path_edge = at;
        if (wnd > window_max)
            window_max = wnd;
        assert_true(at <= c->rx.next + c->rcvbuf + 65536 + 128);
    }
    return true;
}

static void watch(void)
{
    memset(edge, 0, sizeof edge);
    window_max = retreats = 0;
    p.hook = watch_edge;
}

/*= RFC 8684 3.3.4
 * As in TCP, a receiver MUST NOT shrink the right edge of the receive window (i.e., DATA_ACK +
 * receive window). */
static void slow_reader_closes_the_window(void **state)
{
    uint64_t held;

    start(1, 2, 4 << 20);
    p.side[0].cfg.rcvbuf_max = p.side[0].cfg.rcvbuf_init = 100000;
    p.side[0].paused = true;
    watch();
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    held = p.side[0].conn->rx.bytes;
    assert_true(held >= 98000 && held <= 100000 + 65536);
    assert_int_equal(p.side[0].read, 0);
    p.side[0].paused = false;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[0].read, 4 << 20);
    assert_int_equal(retreats, 0);
    finish(4 << 20);
}

/* WIN-01. Single bytes, and nobody reads: each of them is less than the window's unit. After 64 KiB
 * that rounding gave away the edge stands still, and the DATA_ACK waits for the next whole unit. */
/*= RFC 8684 3.3.4
 * As in TCP, a receiver MUST NOT shrink the right edge of the receive window (i.e., DATA_ACK +
 * receive window). */
static void the_edge_never_retreats(void **state)
{
    const uint64_t n = 150000;

    start(8, 1, 0);
    p.side[0].cfg.rcvbuf_max = p.side[0].cfg.rcvbuf_init = 50000;
    p.side[1].cfg.nodelay = true;
    p.side[0].cfg.tcp.ack_delay = 0; /* each is acknowledged by itself */
    p.path[0].delay = 10;
    p.side[0].paused = true;
    watch();
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    for (uint64_t i = 0; i < n; i += 7) {
        p.side[1].to_write += 7;
        pair_run(&p, p.now + 100);
    }
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(retreats, 0);
    assert_in_range(p.side[0].conn->rx.bytes, 50000 + 65000, 50000 + 65536);
    p.side[0].paused = false;
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    assert_int_equal(p.side[0].read, p.side[1].to_write);
    assert_int_equal(retreats, 0);
    finish(p.side[1].to_write);
}

/* The update that opens the window again gets lost: probes find out. */
static bool lose_updates(struct pair *pair, int to, struct wire_seg *seg)
{
    plait_time *until = pair->hook_data;

    return to != 1 || pair->now > *until;
}

static void lost_window_update(void **state)
{
    plait_time until;

    start(2, 2, 1 << 20);
    p.side[0].cfg.rcvbuf_max = p.side[0].cfg.rcvbuf_init = 60000;
    p.side[0].paused = true;
    pair_connect(&p);
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    until = p.now + PLAIT_SEC;
    p.hook = lose_updates;
    p.hook_data = &until;
    p.side[0].paused = false;
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    assert_int_equal(p.side[0].read, 1 << 20);
    finish(1 << 20);
}

/* The window was closed on a path that then died: the other one must tell of its opening. */
static void window_opens_on_another_path(void **state)
{
    start(3, 2, 1 << 20);
    p.side[0].cfg.rcvbuf_max = p.side[0].cfg.rcvbuf_init = 60000;
    p.side[0].paused = true;
    pair_connect(&p);
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    p.path[0].down = true;
    p.side[0].paused = false;
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    assert_int_equal(p.side[0].read, 1 << 20);
    p.path[0].down = false;
    finish(1 << 20);
}

static void buffer_grows_with_the_path(void **state)
{
    start(4, 1, 20 << 20);
    p.path[0].delay = 50 * PLAIT_MSEC;
    p.path[0].queue = 2 << 20;
    p.side[0].cfg.rcvbuf_init = 64 << 10;
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[0].read, 20 << 20);
    assert_true(p.side[0].conn->rcvbuf > 1 << 20);
    assert_true(p.side[0].conn->rcvbuf <= 4 << 20);
    finish(20 << 20);
}

static void buffer_stays_small_for_small_talk(void **state)
{
    start(5, 1, 1000);
    p.side[0].cfg.rcvbuf_init = 64 << 10;
    pair_connect(&p);
    for (unsigned i = 0; i < 50; i++) {
        p.side[1].to_write += 500;
        pair_run(&p, p.now + 20 * PLAIT_MSEC);
    }
    assert_int_equal(p.side[0].conn->rcvbuf, 64 << 10);
    finish(26000);
}

/* Data that nobody asked for, in single bytes far apart: it costs what the cap says. */
static void memory_is_bounded(void **state)
{
    struct mp_subflow *s;

    start(6, 1, 100);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    s = pair_sub(&p, 0, 0);
    for (uint32_t i = 0; i < 100000; i++) {
        struct plait_block *b = block_get(&p.side[0].ctx.pool, 1);
        assert_non_null(b);
        b->len = 1;
        b->pos = 101 + 2 * i;
        mp_rx_put(s, b, p.now);
        assert_true(p.side[0].conn->rx.mem <= 2ull * p.side[0].conn->rcvbuf + (256 << 10) + 4096);
    }
    assert_true(pair_count(&p, 0, PLAIT_REASON_RX_PRUNED) > 0);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static void first_copy_wins(void **state)
{
    struct mp_conn *c;
    struct mp_subflow *s;
    struct store_view view;

    start(7, 1, 0);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    c = p.side[0].conn;
    s = pair_sub(&p, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct plait_block *b = block_get(&p.side[0].ctx.pool, 10);
        memset(b->data, i == 0 ? 'a' : 'b', 10);
        b->len = 10;
        b->pos = 0;
        mp_rx_put(s, b, p.now);
    }
    assert_int_equal(mp_recv_borrow(c, &view), 10);
    assert_int_equal(view.data[9], 'a');
    assert_int_equal(c->bytes_duplicate, 10);
    assert_int_equal(c->bytes_received, 10);
    mp_recv_done(c, 0, p.now);
    mp_recv_done(c, 10, p.now);
    assert_int_equal(mp_recv_borrow(c, &view), PLAIT_EAGAIN);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_reader_closes_the_window),
        cmocka_unit_test(the_edge_never_retreats), cmocka_unit_test(lost_window_update),
        cmocka_unit_test(window_opens_on_another_path),
        cmocka_unit_test(buffer_grows_with_the_path),
        cmocka_unit_test(buffer_stays_small_for_small_talk), cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(first_copy_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

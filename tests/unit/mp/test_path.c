/* SPDX-License-Identifier: Apache-2.0 */
/* Between the connection and its path manager: bars, limits, when it is asked. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;
static struct mp_conn *c;
static struct mp_wish wish;

static void start(uint64_t seed, unsigned paths)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].cfg.pm = &pm_none_ops;
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    c = p.side[0].conn;
    p.side[0].cfg.pm = &pm_fullmesh_ops;
}

static void end(void)
{
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static void asked_when_something_changed(void **state)
{
    start(1, 2);
    assert_false(mp_pm_next(c, p.now, &wish));
    mp_path_changed(c);
    assert_true(mp_pm_next(c, p.now, &wish));
    assert_int_equal(wish.local.port, 0);
    assert_int_equal(wish.local.ip[2], 1);
    assert_int_equal(wish.remote.port, 80);
    assert_int_equal(mp_join(c, &wish, PLAIT_EADDRINUSE, p.now),
                     PLAIT_EADDRINUSE);
    assert_false(mp_pm_next(c, p.now, &wish));
    assert_true(c->pm_at == p.now + PLAIT_SEC);
    assert_true(mp_deadline(c) <= c->pm_at);
    assert_true(mp_pm_next(c, p.now + PLAIT_SEC, &wish));
    end();
}

/* There is no memory for the bar of a pair that failed: nothing is opened for a while, and then it
 * is tried again. */
static void no_memory_for_a_bar(void **state)
{
    start(1, 2);
    assert_false(mp_pm_next(c, p.now, &wish));
    p.fail_in = 0;
    mp_path_bar(c, 2, 0, true, p.now);
    p.fail_in = -1;
    assert_int_equal(c->bars.n, 0);
    assert_false(mp_pm_next(c, p.now, &wish));
    assert_true(c->pm_at == p.now + PLAIT_SEC);
    assert_true(mp_deadline(c) <= c->pm_at);
    assert_true(mp_pm_next(c, p.now + PLAIT_SEC, &wish));
    end();
}

static void bars_double(void **state)
{
    static const unsigned seconds[] = { 1, 2, 4, 8, 16, 32, 60, 60 };

    start(2, 2);
    for (unsigned i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        mp_path_bar(c, 2, 0, false, p.now);
        assert_int_equal(c->bars.n, 1);
        assert_true(mp_bar_at(c, 0)->until == p.now + seconds[i] * PLAIT_SEC);
    }
    mp_path_bar(c, 2, 0, true, p.now);
    assert_true(mp_bar_at(c, 0)->until == PLAIT_NEVER);
    mp_path_bar(c, 3, 0, false, p.now);
    mp_path_bar(c, 3, 5, true, p.now);
    mp_path_proven(c, 3, 5);
    assert_int_equal(c->bars.n, 2);
    mp_path_unbar_local(c, 2);
    assert_int_equal(c->bars.n, 1);
    mp_path_unbar_remote(c, 0);
    assert_int_equal(c->bars.n, 0);
    for (unsigned i = 0; i < 100; i++)
        mp_path_bar(c, (uint8_t)i, 9, false, p.now + i);
    assert_int_equal(c->bars.n, MP_BARS_MAX);
    end();
}

/* A pair that comes up and dies, again and again, waits longer each time; a minute of health is a
 * fresh start. */
static void a_pair_that_flaps_waits_longer(void **state)
{
    plait_time now;

    start(6, 2);
    now = p.now;
    mp_path_bar(c, 2, 0, false, now);
    now += PLAIT_SEC;
    mp_path_proven(c, 2, 0);
    mp_path_bar(c, 2, 0, false, now);
    assert_true(mp_bar_at(c, 0)->until == now + 2 * PLAIT_SEC);
    now += 2 * PLAIT_SEC;
    mp_path_proven(c, 2, 0);
    now += 60 * PLAIT_SEC;
    mp_path_bar(c, 2, 0, false, now);
    assert_true(mp_bar_at(c, 0)->until == now + PLAIT_SEC);
    end();
}

/* ADD-07. The peer names another port for an address that is joined already. */
static void another_port_is_another_place(void **state)
{
    start(7, 2);
    mp_path_changed(c);
    assert_true(mp_pm_next(c, p.now, &wish));
    wish.local.port = 40000;
    assert_int_equal(mp_join(c, &wish, 0, p.now), 0);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    mp_path_changed(c);
    assert_false(mp_pm_next(c, p.now, &wish));
    mp_remote_at(c, 0)->addr.port = 81;
    mp_path_changed(c);
    assert_true(mp_pm_next(c, p.now, &wish));
    assert_int_equal(wish.remote.port, 81);
    end();
}

static void not_when_it_is_over(void **state)
{
    start(3, 2);
    mp_abort(c, PLAIT_REASON_LOCAL_ABORT, p.now);
    mp_path_changed(c);
    assert_false(mp_pm_next(c, p.now, &wish));
    assert_false(c->pm_dirty);
    assert_int_equal(mp_join(c, &wish, 0, p.now), PLAIT_EINVAL);
    end();
}

static void server_does_not_open(void **state)
{
    start(4, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SUBFLOW);
    mp_path_changed(p.side[1].conn);
    assert_false(mp_pm_next(p.side[1].conn, p.now, &wish));
    p.side[1].cfg.server_joins = true;
    mp_path_changed(p.side[1].conn);
    assert_true(mp_pm_next(p.side[1].conn, p.now, &wish));
    end();
}

/* HEU-03. Two joins that cross each other would both fail. */
/*= RFC 8684 3.9.2
 * If a host does not support TCP simultaneous open, it is RECOMMENDED that some element of
 * randomization be applied to the time to wait before opening new subflows, so that only one
 * subflow is created between a given address pair. */
static void a_responder_waits_a_little(void **state)
{
    plait_time first = 0;

    for (uint64_t seed = 30; seed < 34; seed++) {
        struct mp_conn *b;
        pair_init(&p, seed, 1);
        p.side[0].keep_open = p.side[1].keep_open = true;
        p.side[1].cfg.server_joins = true;
        pair_local(&p, 1, 1, PLAIT_LOCAL_SUBFLOW);
        pair_transfer(&p, 100, 100);
        pair_connect(&p);
        pair_run(&p, p.now + 40 * PLAIT_MSEC);
        b = p.side[1].conn;
        assert_true(b->dss_in);
        assert_in_range(b->join_after - p.now, 10 * PLAIT_MSEC, 250 * PLAIT_MSEC);
        assert_true(seed == 30 || b->join_after != first);
        first = b->join_after;
        assert_int_equal(b->total, 1);
        assert_true(mp_deadline(b) <= b->join_after);
        pair_run(&p, b->join_after + PLAIT_MSEC);
        assert_int_equal(b->total, 2);
        p.side[0].conn->released = p.side[1].conn->released = true;
        pair_fini(&p);
    }
}

static void announcements_are_carried_out(void **state)
{
    start(5, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    mp_path_changed(p.side[1].conn);
    assert_false(mp_pm_next(p.side[1].conn, p.now, &wish));
    assert_int_equal(p.side[1].conn->announced.n, 1);
    assert_true(mp_announced_at(p.side[1].conn, 0)->due);
    end();
}

/*= RFC 8684 3.6-2, 3.6-4, 3.6-6 */
/* What the reset says decides when the pair is tried again. */
static void permanent_is_for_ever(void **state)
{
    for (unsigned transient = 0; transient < 2; transient++) {
        struct mp_subflow *s;
        struct wire_seg seg;
        start(6 + transient, 2);
        s = mp_first(c);
        memset(&seg, 0, sizeof seg);
        seg.flags = WIRE_RST;
        seg.mp.any = true;
        seg.mp.present = 1u << WIRE_MP_TCPRST;
        seg.mp.rst.reason = 5;
        seg.mp.rst.transient = transient == 1;
        mp_opts_reset(s, &seg, p.now);
        mp_subflow_abort(s, PLAIT_REASON_RST_RECEIVED, p.now);
        assert_int_equal(c->bars.n, 1);
        assert_true(mp_bar_at(c, 0)->until == (transient == 1 ? p.now + PLAIT_SEC : PLAIT_NEVER));
        end();
    }
}

static unsigned seen; /* subflows in the view when the path manager was asked last */

static void look(const struct pm_view *view, struct pm_decision *out)
{
    seen = view->subflow_n;
    *out = (struct pm_decision){ .what = PM_NOTHING, .again = PLAIT_NEVER };
}

/* A subflow that was closed in good order waits in TIME-WAIT, and its pair of addresses is free:
 * the path manager is asked then, and not when that is over. */
static void closed_in_good_order(void **state)
{
    static const struct pm_ops looking = { .name = "looking", .decide = look };

    start(8, 2);
    mp_path_changed(c);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    p.side[0].cfg.pm = &looking;
    mp_subflow_close(pair_sub(&p, 0, 1), p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 1);
    assert_int_equal(seen, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_when_something_changed), cmocka_unit_test(no_memory_for_a_bar),
        cmocka_unit_test(bars_double),
        cmocka_unit_test(a_pair_that_flaps_waits_longer),
        cmocka_unit_test(another_port_is_another_place), cmocka_unit_test(closed_in_good_order),
        cmocka_unit_test(not_when_it_is_over), cmocka_unit_test(server_does_not_open),
        cmocka_unit_test(announcements_are_carried_out),
        cmocka_unit_test(a_responder_waits_a_little),
        cmocka_unit_test(permanent_is_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

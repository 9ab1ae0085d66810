/* SPDX-License-Identifier: Apache-2.0 */
/* Silence on a path, and its end; break before make; deadlines. */
#include "cm.h"
#include "pair.h"

static struct pair p;

static void start(uint64_t seed, unsigned paths, uint64_t up, uint64_t down)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, up, down);
    pair_connect(&p);
}

static void finish(uint64_t up, uint64_t down)
{
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 400 * PLAIT_SEC));
    pair_expect_all(&p, up, down);
    pair_fini(&p);
}

/* A silent cut of the faster path: the stall is short, whatever the phase of the transfer. */
static void stall_after_a_cut(void **state)
{
    plait_time worst = 0;

    for (uint64_t seed = 1; seed <= 8; seed++) {
        start(seed, 2, 24 << 20, 0);
        p.path[0] = (struct pair_path){ .delay = 5 * PLAIT_MSEC, .rate = 25000000,
                                        .queue = 400000 };
        p.path[1] = (struct pair_path){ .delay = 10 * PLAIT_MSEC, .rate = 12500000,
                                        .queue = 400000 };
        pair_run(&p, p.now + 300 * PLAIT_MSEC + seed * 17 * PLAIT_MSEC);
        p.side[1].longest_gap = 0;
        p.path[0].down = true;
        pair_run(&p, p.now + PLAIT_SEC);
        worst = p.side[1].longest_gap > worst ? p.side[1].longest_gap : worst;
        assert_true(pair_sub(&p, 0, 0)->stale);
        p.path[0].down = false;
        pair_run(&p, p.now + 1500 * PLAIT_MSEC);
        if (pair_sub(&p, 0, 0) != NULL)
            assert_false(pair_sub(&p, 0, 0)->stale);
        finish(24 << 20, 0);
    }
    assert_true(worst < 120 * PLAIT_MSEC);
}

/* Both paths silent, for less than three round trips of the slow one without its queue: nobody is
 * to blame, nothing is reinjected. */
static void a_pause_is_not_a_dead_path(void **state)
{
    start(20, 2, 8 << 20, 0);
    pair_run(&p, p.now + 300 * PLAIT_MSEC);
    p.path[0].down = p.path[1].down = true;
    pair_run(&p, p.now + 60 * PLAIT_MSEC);
    assert_false(pair_sub(&p, 0, 0)->stale || pair_sub(&p, 0, 1)->stale);
    p.path[0].down = p.path[1].down = false;
    finish(8 << 20, 0);
}

/* One small question, which gets lost with the path it lies on; both ends were idle before. */
static void question_after_a_cut(void **state)
{
    start(26, 2, 0, 0);
    p.path[0].delay = 5 * PLAIT_MSEC;
    p.path[1].delay = 10 * PLAIT_MSEC;
    pair_transfer(&p, 1000, 1000);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 1), 2);
    p.path[0].down = true;
    p.side[0].to_write += 64;
    plait_time asked = p.now;
    pair_run(&p, asked + 65 * PLAIT_MSEC);
    assert_int_equal(p.side[1].read, 1064);
    /* The side that answers knows nothing of the cut but where the question came from. */
    assert_false(pair_sub(&p, 1, 0)->stale);
    p.side[1].to_write += 64;
    pair_run(&p, p.now + 15 * PLAIT_MSEC);
    assert_int_equal(p.side[0].read, 1064);
    assert_true(p.now - asked <= 2 * 20 * PLAIT_MSEC + 50 * PLAIT_MSEC);
    p.path[0].down = false;
    finish(1064, 1064);
}

static void ask(unsigned n, bool answered)
{
    for (unsigned i = 0; i < n; i++) {
        p.side[0].to_write += 10;
        pair_run(&p, p.now + 7 * PLAIT_MSEC);
        p.side[1].to_write += answered ? 10 : 0;
        pair_run(&p, p.now + 200 * PLAIT_MSEC);
    }
}

/* A peer that holds back the ACK of a lone packet costs one copy, not one each time. */
static void held_back_ack_is_learnt(void **state)
{
    start(27, 2, 0, 0);
    p.path[0].delay = 5 * PLAIT_MSEC;
    p.path[1].delay = 30 * PLAIT_MSEC;
    p.side[1].cfg.tcp.ack_delay = 100 * PLAIT_MSEC;
    pair_transfer(&p, 1000, 1000);
    pair_run(&p, p.now + PLAIT_SEC);
    ask(50, true);
    assert_int_equal(p.side[0].conn->bytes_reinjected, 0);
    ask(1, false);
    assert_int_equal(p.side[0].conn->bytes_reinjected, 10);
    assert_false(pair_sub(&p, 0, 0)->stale);
    for (int i = 0; i < 5; i++) {
        ask(50, true); /* the estimate of the round trip time has forgotten */
        assert_true(pair_sub(&p, 0, 0)->tcb.loss.rtt.srtt < 15 * PLAIT_MSEC);
        ask(1, false);
    }
    assert_int_equal(p.side[0].conn->bytes_reinjected, 10);
    finish(1000 + 306 * 10, 1000 + 300 * 10);
}

static void stale_path_probes_soon(void **state)
{
    start(21, 2, 60 << 20, 0);
    pair_run(&p, p.now + 300 * PLAIT_MSEC);
    p.path[0].down = true;
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_true(pair_sub(&p, 0, 0)->stale);
    assert_true(tcp_rtt_timeout(&pair_sub(&p, 0, 0)->tcb.loss.rtt) <= PLAIT_SEC);
    p.path[0].down = false;
    pair_run(&p, p.now + 2200 * PLAIT_MSEC);
    assert_false(pair_sub(&p, 0, 0)->stale);
    finish(60 << 20, 0);
}

/* A firewall that has forgotten a flow lets no more of it pass until it sees a SYN. */
static bool forgetful(struct pair *pair, int to, struct wire_seg *seg)
{
    bool *gone = pair->hook_data;

    (void)to;
    *gone = *gone && (seg->flags & (WIRE_SYN | WIRE_ACK)) != WIRE_SYN;
    return !*gone;
}

/*= RFC 8684 3.3.6
 * The sender will declare the subflow failed after a predefined upper bound on retransmissions is
 * reached (which MAY be lower than the usual TCP limits of the MSL) */
/* The user would give up before TCP does: the only path goes early enough for another one. */
static void only_path_leaves_time_for_another(void **state)
{
    bool gone = false;

    pair_init(&p, 24, 1);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].cfg.user_timeout = p.side[1].cfg.user_timeout = 20 * PLAIT_SEC;
    pair_transfer(&p, 1000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    p.hook = forgetful;
    p.hook_data = &gone;
    gone = true;
    p.side[0].to_write = p.side[1].to_write = 5000;
    pair_run(&p, p.now + 9 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->total, 1);
    pair_run(&p, p.now + 8 * PLAIT_SEC);
    assert_true(p.side[0].conn->total > 1);
    assert_int_equal(p.side[1].read, 5000);
    finish(5000, 5000);
}

static void dead_path_is_given_up_and_opened_again(void **state)
{
    start(22, 2, 0, 0);
    p.side[0].to_write = 1000;
    pair_run(&p, p.now + PLAIT_SEC);
    p.path[0].down = true;
    p.side[0].to_write = 4 << 20;
    pair_run(&p, p.now + 150 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 4 << 20);
    assert_null(pair_sub(&p, 0, 0)); /* even the first one */
    assert_int_equal(pair_open_n(&p, 0), 1);
    p.path[0].down = false;
    pair_run(&p, p.now + 70 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_int_equal(pair_open_n(&p, 1), 2);
    finish(4 << 20, 0);
}

static void break_before_make(void **state)
{
    start(23, 1, 0, 0);
    p.side[0].to_write = 1000;
    pair_run(&p, p.now + PLAIT_SEC);
    mp_subflow_abort(pair_sub(&p, 0, 0), PLAIT_REASON_RETRIES, p.now);
    mp_settle(p.side[0].conn, p.now);
    assert_true(p.side[0].conn->alone_at != PLAIT_NEVER);
    p.side[0].to_write = 500000;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 500000);
    assert_true(p.side[0].conn->alone_at == PLAIT_NEVER);
    assert_int_equal(p.side[0].conn->total, 2);
    finish(500000, 0);
}

static void alone_for_too_long(void **state)
{
    enum plait_reason why;

    start(24, 1, 0, 0);
    p.side[0].to_write = 1000;
    pair_run(&p, p.now + PLAIT_SEC);
    p.path[0].down = true;
    mp_subflow_abort(pair_sub(&p, 0, 0), PLAIT_REASON_RETRIES, p.now);
    mp_settle(p.side[0].conn, p.now);
    pair_run(&p, p.now + 59 * PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, &why), 0);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, &why), PLAIT_ETIMEDOUT);
    assert_int_equal(why, PLAIT_REASON_NO_SUBFLOWS);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static void idle_has_no_deadline(void **state)
{
    start(25, 2, 1000, 1000);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_true(mp_deadline(p.side[0].conn) == PLAIT_NEVER);
    assert_true(mp_deadline(p.side[1].conn) == PLAIT_NEVER);
    finish(1000, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stall_after_a_cut), cmocka_unit_test(a_pause_is_not_a_dead_path),
        cmocka_unit_test(question_after_a_cut), cmocka_unit_test(held_back_ack_is_learnt),
        cmocka_unit_test(stale_path_probes_soon),
        cmocka_unit_test(dead_path_is_given_up_and_opened_again),
        cmocka_unit_test(break_before_make), cmocka_unit_test(alone_for_too_long),
        cmocka_unit_test(idle_has_no_deadline),
        cmocka_unit_test(only_path_leaves_time_for_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

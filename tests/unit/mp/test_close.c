/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of a connection: DATA_FIN in every order and with losses, half-close, fast close,
 * time-outs. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static void start(uint64_t seed, unsigned paths, uint64_t up, uint64_t down)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, up, down);
    pair_connect(&p);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, up);
}

static void end(void)
{
    p.hook = NULL;
    for (int s = 0; s < 2; s++)
        if (p.side[s].conn != NULL && !p.side[s].released)
            mp_release(p.side[s].conn, p.now);
    p.side[0].released = p.side[1].released = true;
    assert_true(pair_finish(&p, 300 * PLAIT_SEC));
    pair_fini(&p);
}

static void names(void **state)
{
    assert_string_equal(mp_state_name(MP_ST_ESTAB), "M-ESTAB");
    assert_string_equal(mp_state_name(MP_ST_FASTCLOSE_WAIT), "M-FASTCLOSE-WAIT");
    assert_string_equal(mp_state_name((enum mp_state)99), "?");
}

/* One side after the other: FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT here, CLOSE_WAIT, LAST_ACK, CLOSED
 * there. */
static void half_close_with_data_back(void **state)
{
    start(1, 2, 1000, 0);
    assert_int_equal(mp_shutdown(p.side[0].conn, p.now), 0);
    p.side[0].shut = true;
    assert_int_equal(p.side[0].conn->state, MP_ST_FIN_WAIT_1);
    assert_int_equal(mp_send(p.side[0].conn, "x", 1, p.now), PLAIT_EPIPE);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(p.side[0].conn->state, MP_ST_FIN_WAIT_2);
    assert_int_equal(p.side[1].conn->state, MP_ST_CLOSE_WAIT);
    assert_true(p.side[1].eof);
    p.side[1].to_write = 1 << 20;
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(p.side[0].read, 1 << 20);
    assert_int_equal(mp_shutdown(p.side[1].conn, p.now), 0);
    assert_int_equal(mp_shutdown(p.side[1].conn, p.now), 0);
    p.side[1].shut = true;
    assert_int_equal(p.side[1].conn->state, MP_ST_LAST_ACK);
    pair_run(&p, p.now + 500 * PLAIT_MSEC);
    assert_int_equal(p.side[1].conn->state, MP_ST_CLOSED);
    assert_int_equal(p.side[0].conn->state, MP_ST_TIME_WAIT);
    assert_true(p.side[0].closed && p.side[1].closed);
    assert_int_equal(mp_error(p.side[0].conn, NULL), 0);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->state, MP_ST_CLOSED);
    end();
}

static void both_at_once(void **state)
{
    start(2, 2, 1000, 1000);
    mp_shutdown(p.side[0].conn, p.now);
    mp_shutdown(p.side[1].conn, p.now);
    p.side[0].shut = p.side[1].shut = true;
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(p.side[0].conn->state, MP_ST_TIME_WAIT);
    assert_int_equal(p.side[1].conn->state, MP_ST_TIME_WAIT);
    end();
}

static bool lose_fins(struct pair *pair, int to, struct wire_seg *seg)
{
    unsigned *n = pair->hook_data;

    (void)to;
    if (!wire_mp_has(&seg->mp, WIRE_MP_DSS) || !seg->mp.dss.data_fin || *n == 0)
        return true;
    --*n;
    return false;
}

static void fin_is_sent_until_acknowledged(void **state)
{
    unsigned n = 6;

    start(3, 2, 1000, 1000);
    p.hook = lose_fins;
    p.hook_data = &n;
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    assert_int_equal(n, 0);
    pair_expect_all(&p, 1000, 1000);
    pair_fini(&p);
}

static void shutdown_before_established(void **state)
{
    pair_init(&p, 4, 1);
    pair_transfer(&p, 3000, 2000);
    pair_connect(&p);
    assert_int_equal(p.side[0].conn->state, MP_ST_CONNECTING);
    assert_int_equal(mp_send(p.side[0].conn, "", 0, p.now), 0);
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    pair_expect_all(&p, 3000, 2000);
    pair_fini(&p);
}

static void fast_close(void **state)
{
    enum plait_reason why;

    start(5, 3, 1000, 1000);
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    assert_int_equal(mp_error(p.side[0].conn, &why), PLAIT_ECONNABORTED);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(mp_error(p.side[1].conn, &why), PLAIT_ECONNRESET);
    assert_int_equal(why, PLAIT_REASON_FASTCLOSE);
    assert_true(pair_count(&p, 1, PLAIT_REASON_FASTCLOSE) >= 1);
    assert_true(p.side[1].closed);
    assert_int_equal(p.side[1].conn->sub_n, 0);
    assert_int_equal(p.side[0].conn->sub_n, 0);
    end();
}

static bool spoil_key(struct pair *pair, int to, struct wire_seg *seg)
{
    (void)pair;
    (void)to;
    seg->mp.fastclose_key ^= 1;
    return true;
}

static void fast_close_with_wrong_key(void **state)
{
    start(6, 2, 1000, 1000);
    p.hook = spoil_key;
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_FASTCLOSE_KEY), 2);
    assert_int_equal(mp_error(p.side[1].conn, NULL), 0); /* its subflows are gone, it waits */
    pair_run(&p, p.now + 70 * PLAIT_SEC);
    assert_int_equal(mp_error(p.side[1].conn, NULL), PLAIT_ETIMEDOUT);
    end();
}

/* RFC 8684 3.5, option A: an ACK with MP_FASTCLOSE is answered with RSTs. */
static void fast_close_by_ack(void **state)
{
    struct mp_subflow *s;

    start(7, 2, 1000, 1000);
    s = pair_sub(&p, 1, 1);
    mp_fastclose_input(s, p.side[1].conn->local.key ^ 1, p.now);
    assert_false(p.side[1].conn->over);
    mp_fastclose_input(s, p.side[1].conn->local.key, p.now);
    assert_true(p.side[1].conn->over);
    assert_true(s->tcb.rst_wanted && !s->rst_fastclose);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(p.side[1].conn->sub_n, 0);
    assert_int_equal(pair_open_n(&p, 0), 0);
    end();
}

/* FCL-03 */
static void fast_close_by_both(void **state)
{
    start(21, 2, 1000, 1000);
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    mp_abort(p.side[1].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mp_error(p.side[i].conn, NULL), PLAIT_ECONNABORTED);
        assert_int_equal(p.side[i].conn->sub_n, 0);
    }
    end();
}

static void release_with_unread_data(void **state)
{
    pair_init(&p, 8, 1);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].paused = true;
    pair_transfer(&p, 0, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    p.side[0].released = true;
    mp_release(p.side[0].conn, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_null(p.side[0].conn);
    assert_int_equal(mp_error(p.side[1].conn, NULL), PLAIT_ECONNRESET);
    end();
}

/*= RFC 9293 MAY-1, SHLD-3 */
static void data_after_release(void **state)
{
    start(9, 1, 0, 1000);
    p.side[0].released = true;
    mp_release(p.side[0].conn, p.now);
    pair_run(&p, p.now + 500 * PLAIT_MSEC);
    assert_int_equal(p.side[0].conn->state, MP_ST_FIN_WAIT_2);
    p.side[1].to_write = 2000;
    pair_run(&p, p.now + PLAIT_SEC);
    assert_null(p.side[0].conn);
    assert_int_equal(mp_error(p.side[1].conn, NULL), PLAIT_ECONNRESET);
    end();
}

static void released_and_forgotten(void **state)
{
    start(10, 1, 0, 1000);
    p.side[0].released = true;
    mp_release(p.side[0].conn, p.now);
    pair_run(&p, p.now + 50 * PLAIT_SEC);
    assert_non_null(p.side[0].conn);
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    assert_null(p.side[0].conn);
    end();
}

static void refused(void **state)
{
    enum plait_reason why;

    pair_init(&p, 11, 1);
    p.side[1].listens = false;
    p.side[0].keep_open = true;
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, &why), PLAIT_ECONNREFUSED);
    assert_int_equal(why, PLAIT_REASON_SYN_REFUSED);
    end();
}

static void nobody_answers(void **state)
{
    pair_init(&p, 12, 1);
    p.path[0].down = true;
    p.side[0].keep_open = true;
    pair_connect(&p);
    pair_run(&p, p.now + 300 * PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, NULL), PLAIT_ETIMEDOUT);
    assert_int_equal(mp_recv_borrow(p.side[0].conn, &(struct store_view){ 0 }), PLAIT_ETIMEDOUT);
    end();
}

static void user_timeout(void **state)
{
    enum plait_reason why;

    pair_init(&p, 13, 2);
    p.side[0].cfg.user_timeout = 5 * PLAIT_SEC;
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 1 << 20, 0);
    pair_connect(&p);
    pair_run(&p, p.now + 50 * PLAIT_MSEC);
    p.path[0].down = p.path[1].down = true;
    pair_run(&p, p.now + 4 * PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, &why), 0);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, &why), PLAIT_ETIMEDOUT);
    assert_int_equal(why, PLAIT_REASON_USER_TIMEOUT);
    end();
}

static void plain_connections_close_too(void **state)
{
    pair_init(&p, 14, 1);
    p.side[1].cfg.mptcp = false;
    pair_transfer(&p, 200000, 300000);
    pair_connect(&p);
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    pair_expect_all(&p, 200000, 300000);
    pair_fini(&p);
    pair_init(&p, 15, 1);
    p.side[0].cfg.mptcp = false;
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 1000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    mp_abort(p.side[1].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, NULL), PLAIT_ECONNRESET);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names), cmocka_unit_test(half_close_with_data_back),
        cmocka_unit_test(both_at_once), cmocka_unit_test(fin_is_sent_until_acknowledged),
        cmocka_unit_test(shutdown_before_established), cmocka_unit_test(fast_close),
        cmocka_unit_test(fast_close_with_wrong_key), cmocka_unit_test(fast_close_by_ack),
        cmocka_unit_test(fast_close_by_both),
        cmocka_unit_test(release_with_unread_data), cmocka_unit_test(data_after_release),
        cmocka_unit_test(released_and_forgotten), cmocka_unit_test(refused),
        cmocka_unit_test(nobody_answers), cmocka_unit_test(user_timeout),
        cmocka_unit_test(plain_connections_close_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

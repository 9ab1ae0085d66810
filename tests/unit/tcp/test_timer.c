/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static unsigned lose_all(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    (void)p, (void)pk, (void)late;
    return 0;
}

static void idle_needs_no_time(void **state)
{
    struct pair *p = *state;

    pair_run(p, p->now + PLAIT_SEC);
    assert_true(tcp_deadline(&p->end[0].t) == PLAIT_NEVER);
    assert_true(tcp_deadline(&p->end[1].t) == PLAIT_NEVER);
}

/*= RFC 5681 4.2
 * When using delayed ACKs, a TCP receiver MUST NOT excessively delay acknowledgments. */
/*= RFC 9293 SHLD-18 */
static void delayed_ack_comes(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    uint64_t before;

    b->quick_acks = 0;
    pair_write(p, 0, 10);
    pair_run(p, p->now + p->delay);
    before = p->end[1].out_n;
    assert_true(b->ack_pending);
    pair_run(p, p->now + 39 * PLAIT_MSEC);
    assert_int_equal(p->end[1].out_n, before);
    pair_run(p, p->now + PLAIT_MSEC);
    assert_int_equal(p->end[1].out_n, before + 1);
    assert_false(b->ack_pending);
}

/*= RFC 9293 MUST-20, SHLD-11 */
static void gives_up_after_r2(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    plait_time start = p->now;

    p->fate = lose_all;
    pair_write(p, 0, 1000);
    pair_run(p, p->now + 100 * PLAIT_SEC);
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
    pair_run(p, p->now + 3600 * PLAIT_SEC);
    assert_int_equal(a->state, TCP_ST_CLOSED);
    assert_int_equal(a->reason, PLAIT_REASON_RETRIES);
    assert_true(p->end[0].closed);
    assert_true(a->rst_sent);
    assert_true(a->loss.last_progress - start < PLAIT_SEC); /* it never came on */
    assert_int_equal(pair_count(p, PLAIT_REASON_RETRIES), 1);
}

/*= RFC 9293 3.8.3
 * (d) An application MUST (MUST-21) be able to set the value for R2 for a particular connection. */
static void user_timeout_of_data(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    p->end[0].cfg.user_timeout = 7 * PLAIT_SEC;
    pair_write(p, 0, 1000);
    pair_run(p, p->now + 60 * PLAIT_SEC); /* no danger while the peer answers */
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
    p->fate = lose_all;
    pair_write(p, 0, 1000);
    pair_run(p, p->now + 6999 * PLAIT_MSEC);
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
    pair_run(p, p->now + PLAIT_MSEC);
    assert_int_equal(a->state, TCP_ST_CLOSED);
    assert_int_equal(a->reason, PLAIT_REASON_USER_TIMEOUT);
}

static void user_timeout_of_a_closed_window(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    p->end[0].cfg.user_timeout = 30 * PLAIT_SEC;
    p->end[0].ahead = true;
    p->end[1].reading = false;
    pair_write(p, 0, 400000);
    pair_run(p, p->now + 20 * PLAIT_SEC);
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
    pair_run(p, p->now + 20 * PLAIT_SEC);
    assert_int_equal(a->reason, PLAIT_REASON_USER_TIMEOUT);
}

/*= RFC 9293 MUST-35, MUST-36, SHLD-30 */
/* The receiver does not read for an hour and answers every probe: the connection lives, probes
 * become rare, and go on at once when the window opens. */
static void zero_window(void **state)
{
    struct pair *p = *state;
    uint64_t probes;

    p->end[0].ahead = true;
    p->end[1].reading = false;
    pair_write(p, 0, 400000);
    pair_run(p, p->now + 600 * PLAIT_SEC);
    probes = p->end[0].out_n;
    pair_run(p, p->now + 3600 * PLAIT_SEC);
    probes = p->end[0].out_n - probes;
    assert_in_range(probes, 58, 62);
    assert_int_equal(p->end[0].t.state, TCP_ST_ESTABLISHED);
    assert_true(p->end[0].t.persist_n <= 1);
    p->end[1].reading = true;
    pair_read(p, 1);
    pair_run(p, p->now + PLAIT_SEC);
    assert_int_equal(p->end[1].got, 400000);
    assert_true(p->end[0].t.persist_at == PLAIT_NEVER);
}

/*= RFC 9293 SHLD-16, SHLD-17, MAY-7 */
/* The window closed over data in flight (the receiver has no memory): as long as the peer
 * answers, no number of retransmissions ends the connection; silence does. */
static void shrunk_window(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;
    struct tcp_result res;

    pair_write(p, 0, 1000);
    pair_flush(p);
    pair_drop_all(p);
    for (unsigned i = 0; i < 40; i++) {
        seg = pair_next(a, p->now);
        seg.ack = a->sndq.una;
        seg.wnd = 0;
        pair_input(p, 0, &seg);
        p->now = tcp_deadline(a);
        tcp_tick(a, p->now, &res);
        pair_flush(p);
        pair_drop_all(p);
    }
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
    assert_true(a->loss.rto_n > p->cfg.retries);
    p->fate = lose_all;
    pair_run(p, p->now + 600 * PLAIT_SEC);
    assert_int_equal(a->reason, PLAIT_REASON_RETRIES);
}

static unsigned lose_window_update(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    (void)late;
    if (pk->to != 0 || pk->seg.len > 0 || p->fate_arg == 0)
        return 1;
    p->fate_arg--;
    return 0;
}

/* The update that opens the window is lost: the next probe brings the news. */
static void lost_window_update(void **state)
{
    struct pair *p = *state;
    plait_time opened;

    p->end[0].ahead = true;
    p->end[1].reading = false;
    pair_write(p, 0, 400000);
    pair_run(p, p->now + 5 * PLAIT_SEC);
    p->fate = lose_window_update;
    p->fate_arg = 1;
    p->end[1].reading = true;
    pair_read(p, 1);
    pair_flush(p);
    assert_int_equal(p->fate_arg, 0);
    opened = p->now;
    while (p->end[1].got < 400000 && pair_step(p))
        ;
    assert_int_equal(p->end[1].got, 400000);
    assert_true(p->now - opened < 10 * PLAIT_SEC);
}

static void nobody_answers_the_probes(void **state)
{
    struct pair *p = *state;

    p->end[0].ahead = true;
    p->end[1].reading = false;
    pair_write(p, 0, 400000);
    pair_run(p, p->now + 5 * PLAIT_SEC);
    p->fate = lose_all;
    pair_run(p, p->now + 3600 * PLAIT_SEC);
    assert_int_equal(p->end[0].t.reason, PLAIT_REASON_RETRIES);
}

/* The word from above that only a window is missing starts the probes without any data here. */
static void blocked_above(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;
    struct tcp_result res;

    a->blocked_above = true;
    assert_true(tcp_deadline(a) != PLAIT_NEVER);
    p->now = tcp_deadline(a);
    tcp_tick(a, p->now, &res);
    if (!tcp_plan(a, p->now, &plan)) {
        p->now = tcp_deadline(a);
        tcp_tick(a, p->now, &res);
        assert_true(tcp_plan(a, p->now, &plan));
    }
    assert_int_equal(plan.why, TCP_WHY_PERSIST);
    assert_int_equal(plan.seq, a->sndq.una - 1);
    assert_int_equal(plan.len, 0);
    assert_int_equal(tcp_commit(a, &plan, p->now), 0);
    assert_true(tcp_deadline(a) > p->now);
    a->blocked_above = false;
    tcp_rearm(a, p->now);
    assert_true(tcp_deadline(a) == PLAIT_NEVER);
}

/* A small window that is never used by silly window avoidance is used after the override
 * timeout. */
static void override_timeout(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg = pair_next(a, p->now);

    seg.wnd = 4; /* 512 bytes */
    pair_input(p, 0, &seg);
    p->end[0].ahead = true;
    pair_write(p, 0, 5000);
    pair_flush(p);
    assert_int_equal(p->queue_n, 0);
    while (p->queue_n == 0)
        pair_step(p);
    assert_int_equal(p->queue[0].seg.len, 512);
}

/*= RFC 9293 MAY-5, MUST-24, MUST-26, MUST-27 */
static void keepalive_answered(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    uint64_t before = p->end[0].out_n;

    p->end[0].cfg.keepalive_idle = 100 * PLAIT_SEC;
    tcp_rearm(a, p->now);
    pair_run(p, p->now + 99 * PLAIT_SEC);
    assert_int_equal(p->end[0].out_n, before);
    pair_run(p, p->now + 920 * PLAIT_SEC);
    assert_in_range(p->end[0].out_n - before, 9, 11);
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
}

static void keepalive_unanswered(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    uint64_t before = p->end[0].out_n;

    p->end[0].cfg.keepalive_idle = 100 * PLAIT_SEC;
    tcp_rearm(a, p->now);
    p->fate = lose_all;
    pair_run(p, p->now + (100 + 9 * 75 - 1) * PLAIT_SEC);
    assert_int_equal(p->end[0].out_n - before, 9);
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
    pair_run(p, p->now + 2 * PLAIT_SEC);
    assert_int_equal(a->state, TCP_ST_CLOSED);
    assert_int_equal(a->reason, PLAIT_REASON_KEEPALIVE);
}

/*= RFC 9293 MUST-25 */
static void keepalive_off_by_default(void **state)
{
    struct pair *p = *state;
    uint64_t before = p->end[0].out_n;

    pair_run(p, p->now + 100000 * PLAIT_SEC);
    assert_int_equal(p->end[0].out_n, before);
}

static void fin_wait_2_ends_when_asked(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    p->end[0].close_wanted = true;
    pair_settle(p);
    pair_run(p, p->now + 1000 * PLAIT_SEC); /* by itself it lasts */
    assert_int_equal(a->state, TCP_ST_FIN_WAIT_2);
    a->fin_wait_2_at = p->now + 60 * PLAIT_SEC;
    pair_run(p, p->now + 61 * PLAIT_SEC);
    assert_int_equal(a->state, TCP_ST_CLOSED);
}

/* A due segment that cannot be sent does not make its owner spin. */
static void no_spinning(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;

    p->end[0].ahead = true;
    p->end[1].reading = false;
    p->end[0].cfg.keepalive_idle = 10 * PLAIT_SEC;
    pair_write(p, 0, 400000);
    pair_run(p, p->now + 5 * PLAIT_SEC);
    for (unsigned i = 0; i < 20; i++) {
        plait_time at = tcp_deadline(a);
        if (at == PLAIT_NEVER)
            break;
        p->now = at > p->now ? at : p->now;
        tcp_tick(a, p->now, &res);
        assert_true(tcp_deadline(a) > p->now);
    }
    assert_true(a->persist_due);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(idle_needs_no_time), CASE(delayed_ack_comes), CASE(gives_up_after_r2),
        CASE(user_timeout_of_data), CASE(user_timeout_of_a_closed_window), CASE(zero_window),
        CASE(shrunk_window),
        CASE(lost_window_update), CASE(nobody_answers_the_probes), CASE(blocked_above),
        CASE(override_timeout), CASE(keepalive_answered), CASE(keepalive_unanswered),
        CASE(keepalive_off_by_default), CASE(fin_wait_2_ends_when_asked), CASE(no_spinning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

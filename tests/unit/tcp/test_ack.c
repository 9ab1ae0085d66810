/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

/* End 0 sends n bytes, which stay in flight. */
static void in_flight(struct pair *p, uint32_t n)
{
    pair_write(p, 0, n);
    pair_flush(p);
    pair_drop_all(p);
}

static void moves_una_and_counts(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;
    struct tcp_result res;
    uint32_t una = a->sndq.una;

    in_flight(p, 3000);
    p->now += 20 * PLAIT_MSEC;
    seg = pair_next(a, p->now);
    seg.ack = una + 2000;
    res = pair_input(p, 0, &seg);
    assert_int_equal(res.acked, 2000);
    assert_int_equal(a->sndq.una, una + 2000);
    assert_int_equal(a->bytes_acked, 2000);
    assert_false(tcp_idle(a));
    assert_int_equal(tcp_low_pos(a), 0 + 1448); /* the second of three chunks is needed still */
    seg.ack = una + 3000;
    assert_int_equal(pair_input(p, 0, &seg).acked, 1000);
    assert_true(tcp_idle(a));
    assert_true(tcp_low_pos(a) == UINT64_MAX);
    seg.ack = una + 1000; /* old, but within reach: nothing happens */
    assert_int_equal(pair_input(p, 0, &seg).reason, PLAIT_REASON_NONE);
    assert_int_equal(a->sndq.una, una + 3000);
}

/*= RFC 5961 5.2-1, 5.2-2, 5.2-3 */
/*= RFC 9293 MAY-12, 3.10.7.4-6, 3.10.7.4-7 */
/* RFC 5961 5 */
static void outside_is_challenged(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;
    struct tcp_result res;

    in_flight(p, 1000);
    seg = pair_next(a, p->now);
    seg.ack = a->sndq.nxt + 1; /* never sent: an optimistic ACK */
    res = pair_input(p, 0, &seg);
    assert_int_equal(res.reason, PLAIT_REASON_ACK_OUTSIDE);
    assert_false(res.acceptable);
    assert_true(a->ack_now);
    assert_int_equal(tcp_sndq_flight(&a->sndq), 1000);
    seg.ack = a->sndq.una - a->max_wnd - 1;
    assert_int_equal(pair_input(p, 0, &seg).reason, PLAIT_REASON_ACK_OUTSIDE);
    seg.ack = a->sndq.una - a->max_wnd;
    assert_int_equal(pair_input(p, 0, &seg).reason, PLAIT_REASON_NONE);
}

/*= RFC 7323 2.3
 * The window field (SEG.WND) in the header of every incoming segment, with the exception of <SYN>
 * segments, MUST be left-shifted by Snd.Wind.Shift bits before updating SND.WND: */
static void window_update_rule(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg = pair_next(a, p->now), old;

    seg.wnd = 100;
    assert_true(pair_input(p, 0, &seg).window_update);
    assert_int_equal(a->snd_wnd, 100 << 7);
    assert_false(pair_input(p, 0, &seg).window_update);
    in_flight(p, 2000);
    old = seg;
    seg = pair_next(a, p->now);
    seg.wnd = 90;
    assert_true(pair_input(p, 0, &seg).window_update);
    old.wnd = 500; /* an ACK that was overtaken */
    assert_false(pair_input(p, 0, &old).window_update);
    assert_int_equal(a->snd_wnd, 90 << 7);
    assert_true(a->max_wnd >= a->snd_wnd);
}

/* Of two segments that crossed, the one with the higher ACK tells the window, though its text is
 * older. */
static void higher_ack_tells_the_window(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg = pair_next(a, p->now), newer;

    seg.seq += 1000; /* text that is ahead of a hole */
    seg.wnd = 100;
    pair_input(p, 0, &seg);
    in_flight(p, 2000);
    newer = pair_next(a, p->now);
    newer.wnd = 5;
    assert_true(pair_input(p, 0, &newer).window_update);
    assert_int_equal(a->snd_wnd, 5 << 7);
}

static void bogus_sack_is_counted(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;

    in_flight(p, 2000);
    seg = pair_next(a, p->now);
    seg.ack = a->sndq.una;
    seg.opt.sack_n = 1;
    seg.opt.sack[0].lo = a->sndq.nxt + 10;
    seg.opt.sack[0].hi = a->sndq.nxt + 20;
    pair_input(p, 0, &seg);
    assert_int_equal(pair_count(p, PLAIT_REASON_SACK_BOGUS), 1);
    assert_int_equal(a->sndq.f->sacked, 0);
}

static void fin_walks_through_the_states(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t, *b = &p->end[1].t;

    p->end[0].close_wanted = true;
    pair_flush(p);
    assert_int_equal(a->state, TCP_ST_FIN_WAIT_1);
    pair_settle(p);
    assert_int_equal(a->state, TCP_ST_FIN_WAIT_2);
    assert_int_equal(b->state, TCP_ST_CLOSE_WAIT);
    assert_true(p->end[1].fin);
    pair_write(p, 1, 10000); /* half-closed: data flows back */
    pair_run(p, p->now + PLAIT_SEC);
    assert_int_equal(p->end[0].got, 10000);
    p->end[1].close_wanted = true;
    pair_flush(p);
    assert_int_equal(b->state, TCP_ST_LAST_ACK);
    pair_settle(p);
    assert_int_equal(a->state, TCP_ST_TIME_WAIT);
    assert_int_equal(b->state, TCP_ST_CLOSED);
    assert_int_equal(b->reason, PLAIT_REASON_PEER_CLOSE);
}

static void simultaneous_close(void **state)
{
    struct pair *p = *state;

    p->end[0].close_wanted = p->end[1].close_wanted = true;
    pair_flush(p);
    assert_int_equal(p->end[0].t.state, TCP_ST_FIN_WAIT_1);
    assert_int_equal(p->end[1].t.state, TCP_ST_FIN_WAIT_1);
    pair_step(p);
    assert_int_equal(p->end[1].t.state + p->end[0].t.state, TCP_ST_CLOSING + TCP_ST_FIN_WAIT_1);
    pair_settle(p);
    assert_int_equal(p->end[0].t.state, TCP_ST_TIME_WAIT);
    assert_int_equal(p->end[1].t.state, TCP_ST_TIME_WAIT);
    pair_run(p, p->now + 61 * PLAIT_SEC);
    assert_int_equal(p->end[0].t.state, TCP_ST_CLOSED);
    assert_int_equal(p->end[1].t.state, TCP_ST_CLOSED);
}

static void rst_in_last_ack_is_no_reset(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg;
    struct tcp_result res;

    p->end[0].close_wanted = true;
    pair_settle(p);
    p->end[1].close_wanted = true;
    pair_flush(p);
    pair_drop_all(p);
    seg = pair_next(&p->end[1].t, p->now);
    seg.flags = WIRE_RST;
    res = pair_input(p, 1, &seg);
    assert_true(res.closed && !res.reset);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(moves_una_and_counts), CASE(outside_is_challenged), CASE(window_update_rule),
        CASE(higher_ack_tells_the_window), CASE(bogus_sack_is_counted),
        CASE(fin_walks_through_the_states), CASE(simultaneous_close),
        CASE(rst_in_last_ack_is_no_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

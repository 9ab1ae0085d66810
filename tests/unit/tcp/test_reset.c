/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

/*= RFC 7323 5.2
 * While still under discussion, to enable research into this area it is now RECOMMENDED that when
 * generating an <RST>, if the segment causing the <RST> to be generated contains a Timestamps
 * option, the <RST> should also contain a Timestamps option. */
static void for_nobody(void **state)
{
    struct wire_seg seg = { .seq = 100, .ack = 700, .len = 10, .flags = WIRE_ACK };
    struct tcp_plan plan;

    (void)state;
    assert_true(tcp_reset_for(&seg, &plan));
    assert_int_equal(plan.flags, WIRE_RST);
    assert_int_equal(plan.seq, 700);
    assert_false(plan.has_opt);
    seg.flags = WIRE_SYN | WIRE_FIN;
    seg.opt.has_ts = true;
    seg.opt.tsval = 77;
    assert_true(tcp_reset_for(&seg, &plan));
    assert_int_equal(plan.flags, WIRE_RST | WIRE_ACK);
    assert_int_equal(plan.seq, 0);
    assert_int_equal(plan.ack, 112);
    assert_true(plan.opt.has_ts && plan.opt.tsval == 0 && plan.opt.tsecr == 77);
    seg.flags = WIRE_RST | WIRE_ACK;
    assert_false(tcp_reset_for(&seg, &plan));
}

/*= RFC 7323 5.2
 * If an <RST> is being generated because of a user abort, and Snd.TS.OK is set, then a Timestamps
 * option SHOULD be included in the <RST>. */
static void abort_sends_what_the_peer_accepts(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    pair_write(p, 0, 100);
    pair_settle(p);
    tcp_abort(a, PLAIT_REASON_LOCAL_ABORT, p->now);
    assert_int_equal(a->state, TCP_ST_CLOSED);
    assert_int_equal(a->reason, PLAIT_REASON_LOCAL_ABORT);
    assert_true(tcp_idle(a));
    assert_true(tcp_plan(a, p->now, &plan));
    assert_int_equal(plan.why, TCP_WHY_RST);
    assert_true(plan.opt.has_ts);
    pair_settle(p);
    assert_true(a->rst_sent);
    assert_false(tcp_plan(a, p->now, &plan));
    assert_true(p->end[1].reset);
    assert_int_equal(p->end[1].t.state, TCP_ST_CLOSED);
}

/* With data lost on the way the RST is not exact: the peer asks, and the answer is. */
static void abort_behind_a_hole(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct tcp_plan plan, rst;
    struct wire_seg seg;

    pair_write(p, 0, 100);
    pair_flush(p);
    pair_drop_all(p);
    tcp_abort(&p->end[0].t, PLAIT_REASON_LOCAL_ABORT, p->now);
    pair_settle(p);
    assert_int_equal(b->state, TCP_ST_ESTABLISHED);
    assert_int_equal(pair_count(p, PLAIT_REASON_RST_IN_WINDOW), 1);
    b->ack_now = true;
    assert_true(tcp_plan(b, p->now, &plan));
    seg = (struct wire_seg){ .seq = plan.seq, .ack = plan.ack, .flags = plan.flags };
    assert_true(tcp_reset_for(&seg, &rst));
    seg = pair_next(b, p->now);
    seg.seq = rst.seq;
    seg.flags = rst.flags;
    assert_true(pair_input(p, 1, &seg).reset);
}

static void states_that_need_no_rst(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    p->end[0].close_wanted = p->end[1].close_wanted = true;
    pair_settle(p);
    assert_int_equal(a->state, TCP_ST_TIME_WAIT);
    tcp_abort(a, PLAIT_REASON_LOCAL_ABORT, p->now);
    assert_false(tcp_plan(a, p->now, &plan));
    tcp_abort(a, PLAIT_REASON_LOCAL_ABORT, p->now); /* twice is harmless */
    assert_int_equal(tcp_deadline(a), PLAIT_NEVER);
}

static void refusal_keeps_the_tcb(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    tcp_refuse(a, 1234);
    assert_true(tcp_plan(a, p->now, &plan));
    assert_int_equal(plan.seq, 1234);
    assert_int_equal(tcp_commit(a, &plan, p->now), 0);
    assert_false(a->rst_sent);
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_nobody), CASE(abort_sends_what_the_peer_accepts),
        CASE(abort_behind_a_hole), CASE(states_that_need_no_rst), CASE(refusal_keeps_the_tcb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

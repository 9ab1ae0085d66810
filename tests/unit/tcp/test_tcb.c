/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <string.h>

static void names(void **state)
{
    (void)state;
    assert_string_equal(tcp_state_name(TCP_ST_CLOSED), "CLOSED");
    assert_string_equal(tcp_state_name(TCP_ST_TIME_WAIT), "TIME-WAIT");
    assert_string_equal(tcp_state_name((enum tcp_state)77), "?");
}

static void initialised_and_freed_unused(void **state)
{
    struct pair *p = test_malloc(sizeof *p);
    struct tcp_plan plan;

    (void)state;
    pair_init(p);
    pair_tcb(p, 0);
    assert_true(tcp_check(&p->end[0].t));
    assert_false(tcp_plan(&p->end[0].t, p->now, &plan));
    assert_true(tcp_deadline(&p->end[0].t) == PLAIT_NEVER);
    assert_false(tcp_can_send(&p->end[0].t) || tcp_is_synchronized(&p->end[0].t));
    pair_fini(p);
    test_free(p);
}

static void push_by_state(void **state)
{
    struct pair *p = *state, *q = test_malloc(sizeof *q);

    assert_int_equal(tcp_push(&p->end[0].t, 0, 10, 0), 0);
    assert_false(tcp_idle(&p->end[0].t));
    tcp_close(&p->end[0].t, p->now);
    assert_int_equal(tcp_push(&p->end[0].t, 10, 10, 0), PLAIT_EPIPE);
    tcp_abort(&p->end[1].t, PLAIT_REASON_LOCAL_ABORT, p->now);
    assert_int_equal(tcp_push(&p->end[1].t, 0, 10, 0), PLAIT_ENOTCONN);
    pair_init(q);
    pair_connect(q, 0);
    assert_int_equal(tcp_push(&q->end[0].t, 0, 10, 0), PLAIT_ENOTCONN);
    pair_fini(q);
    test_free(q);
}

static void push_without_memory(void **state)
{
    struct pair *p = *state;

    p->fail_in = 0;
    assert_int_equal(tcp_push(&p->end[0].t, 0, 10, 0), PLAIT_ENOMEM);
    p->fail_in = -1;
    assert_int_equal(tcp_push(&p->end[0].t, 0, 10, 0), 0);
    assert_true(tcp_check(&p->end[0].t));
}

static void close_before_the_handshake(void **state)
{
    struct pair *p = test_malloc(sizeof *p);
    struct tcp_plan plan;

    (void)state;
    pair_init(p);
    pair_connect(p, 0);
    tcp_close(&p->end[0].t, p->now);
    assert_int_equal(p->end[0].t.state, TCP_ST_CLOSED);
    assert_false(tcp_plan(&p->end[0].t, p->now, &plan));
    tcp_close(&p->end[0].t, p->now);
    pair_fini(p);
    test_free(p);
}

static void abort_while_opening_is_silent(void **state)
{
    struct pair *p = test_malloc(sizeof *p);
    struct tcp_plan plan;

    (void)state;
    pair_init(p);
    pair_connect(p, 0);
    pair_flush(p);
    tcp_abort(&p->end[0].t, PLAIT_REASON_LOCAL_ABORT, p->now);
    assert_false(tcp_plan(&p->end[0].t, p->now, &plan));
    pair_fini(p);
    test_free(p);
}

/*= RFC 5681 2
 * At any given time, a TCP MUST NOT send data with a sequence number higher than the sum of the
 * highest acknowledged sequence number and the minimum of cwnd and rwnd. */
static void room_is_the_smaller_window(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    t->snd_wnd = 5000;
    assert_int_equal(tcp_room(t), 5000);
    t->snd_wnd = 1 << 20;
    assert_int_equal(tcp_room(t), t->loss.cc.cwnd);
    tcp_push(t, 0, 3000, 0);
    assert_int_equal(tcp_room(t), t->loss.cc.cwnd - 3000);
    tcp_push(t, 3000, t->loss.cc.cwnd, 0);
    assert_int_equal(tcp_room(t), 0);
    tcp_close(t, p->now);
    assert_int_equal(tcp_room(t), 0);
}

/* What there is room for can be pushed. */
static void room_counts_chunks(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    t->snd_wnd = t->loss.cc.cwnd = 1 << 29;
    assert_int_equal(tcp_room(t), tcp_sndq_chunk_room(&t->sndq) * 1448);
    assert_int_equal(tcp_push(t, 0, tcp_room(t), 0), 0);
    assert_int_equal(tcp_room(t), 0);
    assert_int_equal(tcp_push(t, 1u << 30, 1, 1), PLAIT_ELIMIT);
}

static void mss_follows_the_reservation(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    assert_int_equal(tcp_payload_mss(t), 1448);
    t->opt_reserve_data = 18;
    assert_int_equal(tcp_payload_mss(t), 1428);
    tcp_sync_mss(t);
    assert_int_equal(t->loss.cc.mss, 1428);
}

static void relative_numbers(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    assert_int_equal(tcp_ssn(t, t->iss), 0);
    assert_int_equal(tcp_ssn(t, t->iss + 7), 7);
    assert_int_equal(tcp_ssn_in(t, t->irs + 1), 1);
}

static void data_outlives_the_connection(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = pair_next(b, p->now);
    uint8_t text[50] = { 0 };
    struct plait_block *block = NULL;
    struct tcp_result res;

    seg.data = text;
    seg.len = sizeof text;
    tcp_input(b, &seg, &block, p->now, &res);
    seg = pair_next(b, p->now);
    seg.flags = WIRE_RST;
    tcp_input(b, &seg, &block, p->now, &res);
    assert_true(res.reset);
    block = tcp_take(b);
    assert_non_null(block);
    assert_int_equal(block->len, 50);
    block_put(&p->ctx.pool, block);
    assert_null(tcp_take(b));
}

/*= RFC 5681 4.1
 * Therefore, a TCP SHOULD set cwnd to no more than RW before beginning transmission if the TCP has
 * not sent data in an interval exceeding the retransmission timeout. */
/* Before the first push, so that no more than that is pushed at once. */
static void idle_restart(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    p->end[1].rcvbuf = p->end[1].t.rcv_space = 1 << 20;
    pair_write(p, 0, 300000);
    pair_run(p, p->now + PLAIT_SEC);
    assert_true(tcp_idle(t) && t->loss.cc.cwnd > 100000);
    p->now += 10 * PLAIT_SEC;
    tcp_resume(t, p->now);
    tcp_resume(t, p->now); /* asking again changes nothing */
    assert_int_equal(t->loss.cc.cwnd, cc_initial_window(t->loss.cc.mss));
    assert_int_equal(tcp_room(t), cc_initial_window(t->loss.cc.mss));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names), cmocka_unit_test(initialised_and_freed_unused),
        CASE(push_by_state), CASE(push_without_memory),
        cmocka_unit_test(close_before_the_handshake),
        cmocka_unit_test(abort_while_opening_is_silent), CASE(room_is_the_smaller_window),
        CASE(room_counts_chunks), CASE(mss_follows_the_reservation), CASE(relative_numbers),
        CASE(data_outlives_the_connection), CASE(idle_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

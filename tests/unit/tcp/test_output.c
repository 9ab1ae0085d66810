/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static struct tcp_plan next_plan(struct pair *p, int i)
{
    struct tcp_plan plan;

    assert_true(tcp_plan(&p->end[i].t, p->now, &plan));
    return plan;
}

static struct tcp_plan sent(struct pair *p, int i)
{
    struct tcp_plan plan = next_plan(p, i);

    assert_int_equal(tcp_commit(&p->end[i].t, &plan, p->now), 0);
    return plan;
}

static void nothing_to_say(struct pair *p, int i)
{
    struct tcp_plan plan;

    assert_false(tcp_plan(&p->end[i].t, p->now, &plan));
}

/*= RFC 9293 MUST-61, SHLD-28 */
static void one_mss_without_gso(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    assert_int_equal(tcp_push(a, 0, 3000, 9), 0);
    plan = sent(p, 0);
    assert_int_equal(plan.why, TCP_WHY_DATA);
    assert_int_equal(plan.len, 1448);
    assert_int_equal(plan.gso_size, 0);
    assert_int_equal(plan.pos, 0);
    assert_int_equal(plan.flags, WIRE_ACK);
    plan = sent(p, 0);
    assert_int_equal(plan.pos, 1448);
    plan = sent(p, 0);
    assert_int_equal(plan.len, 104);
    assert_int_equal(plan.flags, WIRE_ACK | WIRE_PSH);
    assert_int_equal(plan.chunk->meta, 9);
    nothing_to_say(p, 0);
    assert_int_equal(a->bytes_sent, 3000);
}

static void super_segments(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    a->gso_max = 65535;
    a->loss.cc.cwnd = 200000;
    assert_int_equal(tcp_push(a, 0, 100000, 0), 0);
    plan = sent(p, 0);
    assert_int_equal(plan.len, 45 * 1448);
    assert_int_equal(plan.gso_size, 1448);
    plan = sent(p, 0);
    assert_int_equal(plan.len, 100000 - 45 * 1448); /* only the last packet is short */
    assert_int_equal(plan.pos, 45 * 1448);
    nothing_to_say(p, 0);
}

static void congestion_window_in_full_packets(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    a->gso_max = 65535;
    a->loss.cc.cwnd = 10 * 1448 + 700;
    assert_int_equal(tcp_push(a, 0, 60000, 0), 0);
    plan = sent(p, 0);
    assert_int_equal(plan.len, 10 * 1448);
    nothing_to_say(p, 0);
    /* A window smaller than a packet still sends something into an empty pipe. */
    tcp_abort(a, PLAIT_REASON_LOCAL_ABORT, p->now);
    a = &p->end[1].t;
    a->loss.cc.cwnd = 1000;
    assert_int_equal(tcp_push(a, 0, 60000, 0), 0);
    plan = sent(p, 1);
    assert_int_equal(plan.len, 1000);
}

static void never_across_chunks(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    a->gso_max = 65535;
    assert_int_equal(tcp_push(a, 0, 2000, 1), 0);
    assert_int_equal(tcp_push(a, 2000, 500, 2), 0); /* another mapping */
    assert_int_equal(tcp_push(a, 9000, 500, 2), 0); /* another place */
    assert_int_equal(sent(p, 0).len, 2000);
    assert_int_equal(sent(p, 0).len, 500);
    assert_int_equal(sent(p, 0).pos, 9000);
    nothing_to_say(p, 0);
}

static void reservation_shrinks_the_payload(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    a->opt_reserve_data = 26;
    assert_int_equal(tcp_push(a, 0, 5000, 0), 0);
    assert_int_equal(sent(p, 0).len, 1460 - 12 - 28);
}

static void fin_rides_on_the_last_data(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    assert_int_equal(tcp_push(a, 0, 100, 0), 0);
    tcp_close(a, p->now);
    plan = sent(p, 0);
    assert_int_equal(plan.len, 100);
    assert_int_equal(plan.flags, WIRE_ACK | WIRE_PSH | WIRE_FIN);
    assert_int_equal(a->state, TCP_ST_FIN_WAIT_1);
    assert_int_equal(tcp_ssn(a, a->sndq.nxt), 102);
    nothing_to_say(p, 0);
}

static void fin_alone_where_the_window_is_full(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    a->snd_wnd = 100;
    assert_int_equal(tcp_push(a, 0, 100, 0), 0);
    tcp_close(a, p->now);
    plan = sent(p, 0);
    assert_int_equal(plan.flags & WIRE_FIN, 0);
    nothing_to_say(p, 0);
    a->snd_wnd = 101;
    plan = sent(p, 0);
    assert_int_equal(plan.why, TCP_WHY_FIN);
    assert_int_equal(plan.len, 0);
}

/* What is more urgent comes first; an ACK rides on whatever goes. */
static void order_of_urgency(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    a->ack_now = a->keepalive_due = true;
    assert_int_equal(next_plan(p, 0).why, TCP_WHY_KEEPALIVE);
    a->persist_due = true;
    assert_int_equal(next_plan(p, 0).why, TCP_WHY_PERSIST);
    assert_int_equal(next_plan(p, 0).seq, a->sndq.una - 1);
    a->keepalive_due = a->persist_due = false;
    assert_int_equal(next_plan(p, 0).why, TCP_WHY_ACK);
    tcp_close(a, p->now);
    assert_int_equal(next_plan(p, 0).why, TCP_WHY_FIN);
    a->fin_wanted = false;
    assert_int_equal(tcp_push(a, 0, 10, 0), 0);
    assert_int_equal(next_plan(p, 0).why, TCP_WHY_DATA);
    tcp_refuse(a, 5);
    assert_int_equal(sent(p, 0).why, TCP_WHY_RST);
    sent(p, 0);
    assert_false(a->ack_now);
    nothing_to_say(p, 0);
}

static void lost_data_goes_first(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;
    struct tcp_result res;

    a->gso_max = 65535;
    assert_int_equal(tcp_push(a, 0, 14480, 0), 0);
    sent(p, 0);
    p->now = tcp_deadline(a);
    tcp_tick(a, p->now, &res); /* a tail loss probe */
    plan = sent(p, 0);
    assert_int_equal(plan.why, TCP_WHY_PROBE);
    assert_int_equal(plan.len, 1448);
    assert_int_equal(plan.pos, 9 * 1448); /* the last segment */
    p->now = tcp_deadline(a);
    tcp_tick(a, p->now, &res);
    plan = sent(p, 0);
    assert_int_equal(plan.why, TCP_WHY_RTX);
    assert_int_equal(plan.seq, a->sndq.una);
    assert_int_equal(plan.len, 1448); /* the window is one segment now */
    assert_int_equal(a->bytes_sent, 14480);
    assert_true(tcp_check(a));
}

static void lost_run_goes_as_one(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;
    struct wire_seg seg;

    a->gso_max = 65535;
    assert_int_equal(tcp_push(a, 0, 14480, 0), 0);
    sent(p, 0);
    p->now += 30 * PLAIT_MSEC;
    seg = pair_next(a, p->now);
    seg.ack = a->sndq.una;
    seg.opt.sack_n = 1;
    seg.opt.sack[0].lo = a->sndq.una + 3 * 1448;
    seg.opt.sack[0].hi = a->sndq.una + 10 * 1448;
    pair_input(p, 0, &seg);
    assert_int_equal(a->sndq.f->lost, 3 * 1448);
    plan = sent(p, 0);
    assert_int_equal(plan.why, TCP_WHY_RTX);
    assert_int_equal(plan.len % 1448, 0);
    assert_int_equal(plan.pos, 0);
    assert_true(tcp_check(a));
}

static void a_plan_not_committed_changes_nothing(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;

    assert_int_equal(tcp_push(a, 0, 1000, 0), 0);
    p->fail_in = 0;
    assert_true(tcp_plan(a, p->now, &plan));
    assert_int_equal(tcp_commit(a, &plan, p->now), PLAIT_ENOMEM);
    assert_int_equal(a->sndq.nxt, a->iss + 1);
    assert_int_equal(a->bytes_sent, 0);
    tcp_close(a, p->now);
    for (long n = 0; n < 3; n++) { /* payload and FIN go together or not at all */
        p->fail_in = n;
        assert_true(tcp_plan(a, p->now, &plan));
        assert_int_equal(plan.flags & WIRE_FIN, WIRE_FIN);
        if (tcp_commit(a, &plan, p->now) == 0)
            break;
        assert_int_equal(a->sndq.nxt, a->iss + 1);
        assert_int_equal(a->state, TCP_ST_ESTABLISHED);
        assert_true(tcp_check(a));
    }
    p->fail_in = -1;
    if (a->state == TCP_ST_ESTABLISHED)
        sent(p, 0);
    assert_int_equal(a->state, TCP_ST_FIN_WAIT_1);
}

static void full_scoreboard_waits(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;
    unsigned n = 0;

    a->loss.cc.cwnd = 1 << 20;
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(tcp_push(a, i * 100, 50, (uint32_t)i), 0);
    a->sndq.recs_max = 8;
    while (tcp_plan(a, p->now, &plan)) {
        assert_int_equal(tcp_commit(a, &plan, p->now), 0);
        n++;
    }
    assert_int_equal(n, 8);
    a->ack_now = true; /* an ACK still finds its way */
    assert_int_equal(sent(p, 0).why, TCP_WHY_ACK);
    pair_input(p, 0, &(struct wire_seg){ .seq = a->rcv_nxt, .ack = a->sndq.nxt, .wnd = 5000,
                                         .flags = WIRE_ACK });
    assert_int_equal(next_plan(p, 0).why, TCP_WHY_DATA);
}

static void window_update(void **state)
{
    struct pair *p = *state;
    struct pair_end *b = &p->end[1];

    b->reading = false;
    p->end[0].ahead = true;
    pair_write(p, 0, 400000);
    pair_run(p, p->now + 2 * PLAIT_SEC);
    assert_true(b->last_wnd < 1448);
    nothing_to_say(p, 1);
    pair_read(p, 1);
    struct tcp_plan plan = sent(p, 1);
    assert_int_equal(plan.why, TCP_WHY_ACK);
    assert_true(plan.wnd_bytes > 200000);
    nothing_to_say(p, 1);
}

static void time_wait_only_acknowledges(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    p->end[0].close_wanted = p->end[1].close_wanted = true;
    pair_settle(p);
    assert_int_equal(a->state, TCP_ST_TIME_WAIT);
    nothing_to_say(p, 0);
    a->ack_now = true;
    assert_int_equal(sent(p, 0).why, TCP_WHY_ACK);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(one_mss_without_gso), CASE(super_segments), CASE(congestion_window_in_full_packets),
        CASE(never_across_chunks), CASE(reservation_shrinks_the_payload),
        CASE(fin_rides_on_the_last_data), CASE(fin_alone_where_the_window_is_full),
        CASE(order_of_urgency), CASE(lost_data_goes_first), CASE(lost_run_goes_as_one),
        CASE(a_plan_not_committed_changes_nothing), CASE(full_scoreboard_waits),
        CASE(window_update), CASE(time_wait_only_acknowledges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* TIME-WAIT in small says and answers what the tcb would, whose place it takes. */
#include "tcp/internal.h"
#include "pair.h"

static struct tcp_wait closed(struct pair *p)
{
    struct tcb *a = &p->end[0].t;
    struct tcp_wait w;

    p->end[0].close_wanted = p->end[1].close_wanted = true;
    pair_settle(p);
    assert_int_equal(a->state, TCP_ST_TIME_WAIT);
    tcp_wait_of(a, &w);
    assert_true(w.until == a->time_wait_at && w.lasts == a->cfg->time_wait);
    return w;
}

/*= RFC 9293 3.10.7.4
 * The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge
 * it, and restart the 2 MSL timeout. */
static void fin_again(void **state)
{
    struct pair *p = *state;
    struct tcp_wait w = closed(p);
    struct tcb *a = &p->end[0].t;
    struct wire_seg fin = pair_next(a, p->now);
    struct tcp_plan plan, big;
    bool answer;

    p->now += 10 * PLAIT_SEC;
    fin.flags = WIRE_FIN | WIRE_ACK;
    fin.seq--;
    fin.opt.tsval += 5;
    assert_int_equal(tcp_wait_input(&w, &fin, p->now, &answer), PLAIT_REASON_SEQ_OUTSIDE);
    assert_true(answer);
    assert_true(w.until == p->now + w.lasts);
    tcp_wait_plan(&w, p->now, &plan);
    pair_input(p, 0, &fin);
    assert_true(a->time_wait_at == w.until);
    assert_true(tcp_plan(a, p->now, &big));
    assert_true(plan.seq == big.seq && plan.ack == big.ack && plan.wnd == big.wnd);
    assert_int_equal(plan.flags, big.flags);
    assert_true(plan.opt.has_ts && plan.opt.tsval == big.opt.tsval);
    assert_int_equal(plan.opt.tsecr, big.opt.tsecr);
    /* Another FIN than the one that was taken begins nothing anew. */
    fin.seq -= 100;
    p->now += PLAIT_SEC;
    (void)tcp_wait_input(&w, &fin, p->now, &answer);
    assert_true(answer && w.until < p->now + w.lasts);
}

/* RFC 1337, RFC 5961 4, RFC 7323 5: what must not end it, and is not answered for ever. */
static void others_are_told_or_not(void **state)
{
    struct pair *p = *state;
    struct tcp_wait w = closed(p);
    struct wire_seg seg = pair_next(&p->end[0].t, p->now), good = seg;
    plait_time until = w.until;
    unsigned answers = 0;
    bool answer;

    assert_int_equal(tcp_wait_input(&w, &good, p->now, &answer), PLAIT_REASON_NONE);
    assert_false(answer);
    seg.flags = WIRE_RST | WIRE_ACK;
    assert_int_equal(tcp_wait_input(&w, &seg, p->now, &answer), PLAIT_REASON_RST_IN_WINDOW);
    assert_false(answer);
    seg.flags = WIRE_SYN;
    assert_int_equal(tcp_wait_input(&w, &seg, p->now, &answer), PLAIT_REASON_SYN_IN_WINDOW);
    assert_true(answer);
    seg = good;
    seg.opt.tsval--;
    assert_int_equal(tcp_wait_input(&w, &seg, p->now, &answer), PLAIT_REASON_PAWS);
    assert_true(answer);
    seg = good;
    seg.ack++;
    assert_int_equal(tcp_wait_input(&w, &seg, p->now, &answer), PLAIT_REASON_ACK_OUTSIDE);
    assert_true(answer);
    seg = good;
    seg.seq += 70000;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tcp_wait_input(&w, &seg, p->now, &answer), PLAIT_REASON_SEQ_OUTSIDE);
        answers += answer;
    }
    assert_int_equal(answers, TCP_CHALLENGE_MAX - 3);
    (void)tcp_wait_input(&w, &seg, p->now + TCP_CHALLENGE_PERIOD, &answer);
    assert_true(answer);
    assert_true(w.until == until);
}

/*= RFC 9293 3.6.1
 * This algorithm for reducing TIME-WAIT is a Best Current Practice that SHOULD be implemented since
 * Timestamp Options are commonly used, and using them to reduce TIME-WAIT provides benefits for
 * busy Internet servers (SHLD-4). */
/* RFC 6191 */
static void may_be_reused(void **state)
{
    struct pair *p = *state;
    struct tcp_wait w = closed(p);
    struct wire_seg syn = pair_next(&p->end[0].t, p->now);

    syn.flags = WIRE_SYN;
    syn.seq -= 1000;
    syn.opt.tsval++;
    assert_true(tcp_wait_reusable(&w, &syn));
    syn.opt.tsval -= 2;
    syn.seq += 2000;
    assert_false(tcp_wait_reusable(&w, &syn));
    syn.opt.tsval++;
    assert_true(tcp_wait_reusable(&w, &syn)); /* equal timestamp, later number */
    syn.opt.has_ts = false;
    assert_true(tcp_wait_reusable(&w, &syn));
    syn.seq = w.rcv_nxt;
    assert_false(tcp_wait_reusable(&w, &syn));
    syn.seq++;
    syn.flags = WIRE_SYN | WIRE_ACK;
    assert_false(tcp_wait_reusable(&w, &syn));
}

static void is_outlived(void **state)
{
    struct tcp_wait w = closed(*state);

    assert_false(tcp_wait_outlived(&w, w.ts_recent_age + PLAIT_SEC));
    assert_true(tcp_wait_outlived(&w, w.ts_recent_age + PLAIT_SEC + 1));
    w.ts_on = false;
    assert_false(tcp_wait_outlived(&w, w.ts_recent_age + 10 * PLAIT_SEC));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(fin_again), CASE(others_are_told_or_not), CASE(may_be_reused), CASE(is_outlived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

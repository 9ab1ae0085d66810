/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static uint8_t text[4000];

static struct wire_seg data(const struct pair *p, uint32_t offset, uint32_t len)
{
    const struct tcb *b = &p->end[1].t;
    struct wire_seg seg = pair_next(b, p->now);

    for (uint32_t i = 0; i < len; i++)
        text[i] = pair_pattern(0, b->rcv_pos + offset + i);
    seg.seq += offset;
    seg.data = text;
    seg.len = len;
    return seg;
}

static void expect_ack(struct pair *p, int i)
{
    struct tcp_plan plan;
    struct tcb *t = &p->end[i].t;

    assert_true(tcp_plan(t, p->now, &plan));
    assert_int_equal(plan.why, TCP_WHY_ACK);
    assert_int_equal(plan.seq, t->sndq.nxt);
    assert_int_equal(plan.ack, t->rcv_nxt);
    assert_int_equal(tcp_commit(t, &plan, p->now), 0);
    assert_false(tcp_plan(t, p->now, &plan));
}

static void expect_silence(struct pair *p, int i)
{
    struct tcp_plan plan;

    assert_false(tcp_plan(&p->end[i].t, p->now, &plan));
}

/*= RFC 5961 1.1-1, 3.2-1, 3.2-2, 3.2-3, 3.2-4, 3.2-5, 3.2-6, 4.2-4 */
/*= RFC 9293 3.10.7.4-1, 3.10.7.4-2, 3.10.7.4-3 */
/* RFC 5961 3 */
static void rst_must_be_exact(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = pair_next(b, p->now);

    seg.flags = WIRE_RST;
    seg.seq++;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_RST_IN_WINDOW);
    assert_int_equal(b->state, TCP_ST_ESTABLISHED);
    expect_ack(p, 1);
    seg.seq = b->rcv_nxt - 1;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_SEQ_OUTSIDE);
    seg.seq = b->rcv_adv;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_SEQ_OUTSIDE);
    expect_silence(p, 1);
    seg.seq = b->rcv_nxt;
    assert_true(pair_input(p, 1, &seg).reset);
    assert_int_equal(b->state, TCP_ST_CLOSED);
    assert_int_equal(b->reason, PLAIT_REASON_RST_RECEIVED);
    expect_silence(p, 1);
}

/*= RFC 7323 5.2
 * When an <RST> segment is received, it MUST NOT be subjected to the PAWS check by verifying an
 * acceptable value in SEG.TSval, and information from the Timestamps option MUST NOT be used to
 * update connection state information. */
/* RFC 7323 5.2: a RST is exempt from PAWS. */
static void rst_with_old_timestamp(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg = pair_next(&p->end[1].t, p->now);

    seg.flags = WIRE_RST;
    seg.opt.tsval -= 1000;
    assert_true(pair_input(p, 1, &seg).reset);
}

/*= RFC 5961 1.1-1, 4.2-1, 4.2-2, 4.2-3 */
/*= RFC 9293 3.10.7.4-4, 3.10.7.4-5 */
/* RFC 5961 4 */
static void syn_is_challenged(void **state)
{
    static const uint8_t flags[] = { WIRE_SYN, WIRE_SYN | WIRE_ACK, WIRE_SYN | WIRE_FIN,
                                     WIRE_SYN | WIRE_ACK | WIRE_PSH };
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;

    for (unsigned i = 0; i < sizeof flags; i++) {
        struct wire_seg seg = pair_next(b, p->now);
        seg.flags = flags[i];
        seg.seq += (uint32_t)pair_roll(p, UINT32_MAX);
        assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_SYN_IN_WINDOW);
        expect_ack(p, 1);
    }
    assert_int_equal(b->state, TCP_ST_ESTABLISHED);
}

/*= RFC 5961 7
 * An implementation SHOULD include an ACK throttling mechanism to be conservative. */
static void challenges_have_a_budget(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    unsigned acks = 0;

    for (unsigned i = 0; i < 100; i++) {
        struct wire_seg seg = pair_next(b, p->now);
        struct tcp_plan plan;
        seg.flags = WIRE_SYN;
        pair_input(p, 1, &seg);
        if (tcp_plan(b, p->now, &plan)) {
            acks++;
            tcp_commit(b, &plan, p->now);
        }
    }
    assert_int_equal(acks, TCP_CHALLENGE_MAX);
    assert_int_equal(pair_count(p, PLAIT_REASON_CHALLENGE_LIMIT), 100 - TCP_CHALLENGE_MAX);
    p->now += TCP_CHALLENGE_PERIOD;
    struct wire_seg seg = pair_next(b, p->now);
    seg.flags = WIRE_SYN;
    pair_input(p, 1, &seg);
    expect_ack(p, 1);
}

static void outside_the_window(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = data(p, tcp_rcv_wnd(b), 10);

    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_SEQ_OUTSIDE);
    expect_ack(p, 1);
    seg = data(p, 0, 10);
    seg.seq -= 10;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_SEQ_OUTSIDE);
    expect_ack(p, 1);
    seg = data(p, 1u << 31, 10);
    assert_false(pair_input(p, 1, &seg).acceptable);
    expect_ack(p, 1);
    assert_int_equal(b->bytes_received, 0);
}

static void null_and_christmas_tree(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = data(p, 0, 10);

    seg.flags = 0;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_ACK_MISSING);
    seg.flags = WIRE_FIN | WIRE_PSH | WIRE_URG;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_ACK_MISSING);
    assert_int_equal(b->state, TCP_ST_ESTABLISHED);
    assert_int_equal(b->bytes_received, 0);
}

/*= RFC 7323 5.3-1, 5.3-2, 5.5-1 */
static void paws(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = data(p, 0, 10);

    seg.opt.tsval = b->ts_recent - 1;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_PAWS);
    assert_int_equal(b->bytes_received, 0);
    expect_ack(p, 1);
    seg = data(p, 0, 10);
    seg.opt.tsval = b->ts_recent + (1u << 31) + 1; /* half the circle away: old */
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_PAWS);
    seg = data(p, 0, 10);
    seg.opt.tsval = b->ts_recent;
    assert_int_equal(pair_input(p, 1, &seg).received, 10);
    expect_ack(p, 1);
    /* 24 days later TS.Recent is not valid any more (RFC 7323 5.5). */
    p->now += 24 * 24 * 3600 * PLAIT_SEC + PLAIT_SEC;
    seg = data(p, 0, 10);
    seg.opt.tsval = b->ts_recent - 5;
    assert_int_equal(pair_input(p, 1, &seg).received, 10);
    assert_int_equal(b->ts_recent, seg.opt.tsval);
}

/*= RFC 7323 3.2
 * A TCP MUST NOT abort a TCP connection because any segment lacks an expected TSopt. */
static void without_timestamp_is_taken(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg = data(p, 0, 10);

    seg.opt.has_ts = false;
    assert_int_equal(pair_input(p, 1, &seg).received, 10);
}

/*= RFC 7323 3.2-3, 4.3-1, 4.3-2, 4.3-3, 5.2-1 */
/* RFC 7323 4.3: only a segment that covers Last.ACK.sent moves TS.Recent. */
static void ts_recent_rule(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = data(p, 0, 100);
    uint32_t first = b->ts_recent;

    b->quick_acks = 0;
    seg.opt.tsval = first + 1;
    pair_input(p, 1, &seg); /* its ACK is delayed */
    assert_int_equal(b->ts_recent, first + 1);
    seg = data(p, 0, 100);
    seg.opt.tsval = first + 2;
    pair_input(p, 1, &seg);
    assert_int_equal(b->ts_recent, first + 1); /* case (A): the earliest unacknowledged */
    seg = data(p, 500, 100);
    seg.opt.tsval = first + 3;
    pair_input(p, 1, &seg);
    assert_int_equal(b->ts_recent, first + 1); /* case (B): out of order */
    expect_ack(p, 1);
    seg = data(p, 0, 500);
    seg.opt.tsval = first + 4;
    pair_input(p, 1, &seg);
    assert_int_equal(b->ts_recent, first + 4); /* case (C): the hole is filled */
}

static void over_both_ends(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = data(p, 0, 3000);

    pair_input(p, 1, &seg);
    b->rcv_adv = b->rcv_told = b->rcv_nxt + 100;
    seg = data(p, 0, 4000);
    for (uint32_t i = 0; i < 4000; i++)
        text[i] = pair_pattern(0, b->rcv_pos - 1000 + i);
    seg.seq = b->rcv_nxt - 1000;
    assert_int_equal(pair_input(p, 1, &seg).received, 100);
    assert_int_equal(p->end[1].got, 3100);
}

static void zero_window(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = data(p, 0, 1);
    struct tcp_result res;

    b->rcv_adv = b->rcv_told = b->rcv_nxt;
    res = pair_input(p, 1, &seg);
    assert_int_equal(res.reason, PLAIT_REASON_WINDOW_FULL);
    assert_true(res.acceptable); /* its ACK counted */
    assert_int_equal(res.received, 0);
    assert_true(b->ack_now);
    b->ack_now = false;
    seg = pair_next(b, p->now);
    seg.seq--; /* a window probe */
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_SEQ_OUTSIDE);
    assert_true(b->ack_now);
    seg = pair_next(b, p->now);
    seg.flags |= WIRE_FIN; /* alone it needs no buffer */
    assert_true(pair_input(p, 1, &seg).fin);
    assert_int_equal(b->state, TCP_ST_CLOSE_WAIT);
}

static void closed_takes_nothing(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg = data(p, 0, 10);

    tcp_abort(&p->end[1].t, PLAIT_REASON_LOCAL_ABORT, p->now);
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_NO_SOCKET);
}

/* To TIME-WAIT at end 0. */
static void to_time_wait(struct pair *p)
{
    p->end[0].close_wanted = true;
    pair_settle(p);
    p->end[1].close_wanted = true;
    pair_settle(p);
    assert_int_equal(p->end[0].t.state, TCP_ST_TIME_WAIT);
    assert_int_equal(p->end[1].t.state, TCP_ST_CLOSED);
    assert_true(p->end[0].closed && p->end[1].closed);
}

static void time_wait_is_not_assassinated(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;

    to_time_wait(p);
    seg = pair_next(a, p->now);
    seg.flags = WIRE_RST;
    pair_input(p, 0, &seg);
    assert_int_equal(a->state, TCP_ST_TIME_WAIT);
    seg.flags = WIRE_SYN;
    pair_input(p, 0, &seg);
    assert_int_equal(a->state, TCP_ST_TIME_WAIT);
    expect_ack(p, 0);
}

/*= RFC 9293 3.6.1
 * When a connection is closed actively, it MUST linger in the TIME-WAIT state for a time 2xMSL
 * (Maximum Segment Lifetime) (MUST-13). */
static void fin_again_restarts_time_wait(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;
    plait_time at;

    to_time_wait(p);
    at = a->time_wait_at;
    p->now += 10 * PLAIT_SEC;
    seg = pair_next(a, p->now);
    seg.seq -= 5; /* an old duplicate does not */
    pair_input(p, 0, &seg);
    assert_int_equal(a->time_wait_at, at);
    seg = pair_next(a, p->now);
    seg.seq--;
    seg.flags |= WIRE_FIN;
    pair_input(p, 0, &seg);
    assert_int_equal(a->time_wait_at, p->now + p->cfg.time_wait);
    assert_true(a->ack_now);
    pair_run(p, p->now + 61 * PLAIT_SEC);
    assert_int_equal(a->state, TCP_ST_CLOSED);
    assert_int_equal(a->reason, PLAIT_REASON_LOCAL_CLOSE);
}

/* Random segments around the truth: no crash, no state that cannot be, never a byte that is
 * wrong. */
static void random_segments(void **state)
{
    struct pair *p = *state;

    p->end[0].edge_valid = false; /* end 0 is the test */
    for (unsigned n = 0; n < 30000; n++) {
        struct tcb *b = &p->end[1].t;
        struct wire_seg seg = data(p, (uint32_t)pair_roll(p, 6000), (uint32_t)pair_roll(p, 2000));
        uint64_t pos;
        if (pair_roll(p, 4) == 0)
            seg.seq += (uint32_t)pair_roll(p, 1u << 20) - (1u << 19);
        seg.data = text;
        pos = b->rcv_pos + (uint64_t)(int64_t)seq_diff(seg.seq, b->rcv_nxt);
        for (uint32_t i = 0; i < seg.len; i++)
            text[i] = pair_pattern(0, pos + i);
        if (pair_roll(p, 8) == 0)
            seg.flags = (uint8_t)(pair_roll(p, 256) & ~(unsigned)WIRE_FIN);
        seg.ack += (uint32_t)(pair_roll(p, 8) == 0 ? pair_roll(p, 100000) - 50000 : 0);
        seg.wnd = (uint16_t)pair_roll(p, 65536);
        seg.opt.tsval += (uint32_t)(pair_roll(p, 8) == 0 ? pair_roll(p, 10) - 5 : 0);
        seg.opt.sack_n = (uint8_t)pair_roll(p, 5);
        for (unsigned i = 0; i < seg.opt.sack_n; i++) {
            seg.opt.sack[i].lo = seg.ack + (uint32_t)pair_roll(p, 20000) - 10000;
            seg.opt.sack[i].hi = seg.ack + (uint32_t)pair_roll(p, 20000) - 10000;
        }
        pair_input(p, 1, &seg);
        if (b->state == TCP_ST_CLOSED)
            break;
        if (pair_roll(p, 3) == 0)
            pair_write(p, 1, pair_roll(p, 3000));
        p->now += pair_roll(p, 5000);
        p->end[0].t.state = TCP_ST_CLOSED; /* only end 1 plays */
        pair_flush(p);
        pair_drop_all(p);
    }
    p->end[0].t.state = TCP_ST_ESTABLISHED;
}

/*= RFC 9293 3.5.3
 * TCP implementations SHOULD allow a received RST segment to include data (SHLD-2). */
static void rst_may_carry_text(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg = data(p, 0, 10);

    seg.flags = WIRE_RST;
    assert_true(pair_input(p, 1, &seg).reset);
    assert_int_equal(p->end[1].t.state, TCP_ST_CLOSED);
    assert_int_equal(p->end[1].t.bytes_received, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(rst_must_be_exact), CASE(rst_with_old_timestamp), CASE(syn_is_challenged),
        CASE(challenges_have_a_budget), CASE(outside_the_window), CASE(null_and_christmas_tree),
        CASE(paws), CASE(without_timestamp_is_taken), CASE(ts_recent_rule), CASE(over_both_ends),
        CASE(zero_window), CASE(closed_takes_nothing), CASE(time_wait_is_not_assassinated),
        CASE(fin_again_restarts_time_wait), CASE(random_segments),
        CASE(rst_may_carry_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <string.h>

static int setup(void **state)
{
    struct pair *p = test_malloc(sizeof *p);

    pair_init(p);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    pair_fini(*state);
    test_free(*state);
    return 0;
}

static struct wire_seg answer(const struct tcb *t, uint8_t flags, uint32_t ack)
{
    struct wire_seg seg = {
        .src = t->remote, .dst = t->local, .seq = 5000, .ack = ack, .flags = flags, .wnd = 1000,
        .opt = { .has_mss = true, .mss = 1400, .has_ts = true, .tsval = 7, .sack_permitted = true,
                 .has_wscale = true, .wscale = 9 },
    };

    return seg;
}

/*= RFC 7323 2.3-3, 3.2-7 */
static void three_way(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t, *b = &p->end[1].t;

    pair_open(p);
    assert_int_equal(a->rcv_nxt, b->iss + 1);
    assert_int_equal(b->rcv_nxt, a->iss + 1);
    assert_true(a->ts_on && a->sack_on && a->wscale_on && b->ts_on && b->sack_on && b->wscale_on);
    assert_int_equal(a->mss, 1460);
    assert_int_equal(tcp_payload_mss(a), 1448);
    assert_int_equal(a->loss.cc.cwnd, cc_initial_window(1448));
    assert_int_equal(b->snd_wscale, 7);
    assert_true(a->loss.rtt.srtt >= 20 * PLAIT_MSEC && a->loss.rtt.srtt < 21 * PLAIT_MSEC);
    assert_true(b->loss.rtt.srtt >= 20 * PLAIT_MSEC && b->loss.rtt.srtt < 21 * PLAIT_MSEC);
    assert_int_equal(a->loss.cc.srtt, a->loss.rtt.srtt); /* for coupled congestion control */
    assert_int_equal(b->loss.cc.srtt, b->loss.rtt.srtt);
    assert_int_equal(tcp_ssn(a, a->sndq.nxt), 1);
    assert_int_equal(tcp_ssn_in(a, a->rcv_nxt), 1);
    assert_int_equal(p->trace_last_state, TCP_ST_ESTABLISHED);
}

/*= RFC 7323 2.2-1, 2.2-2, 2.2-5, 2.3-2, 3.2-1 */
/*= RFC 9293 SHLD-5, MAY-3 */
static void syn_carries_the_offer(void **state)
{
    struct pair *p = *state;
    struct tcp_plan plan;

    pair_connect(p, 0);
    assert_true(tcp_plan(&p->end[0].t, p->now, &plan));
    assert_int_equal(plan.why, TCP_WHY_SYN);
    assert_int_equal(plan.flags, WIRE_SYN);
    assert_int_equal(plan.wnd, 65535); /* never scaled */
    assert_true(plan.opt.has_mss && plan.opt.has_ts && plan.opt.has_wscale);
    assert_true(plan.opt.sack_permitted);
    assert_int_equal(plan.opt.mss, 1460);
    assert_int_equal(plan.opt.wscale, 7);
    assert_int_equal(plan.opt.tsecr, 0);
}

/*= RFC 7323 2.2-3, 2.3-3 */
static void peer_without_options(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;
    struct wire_seg seg;

    pair_connect(p, 0);
    pair_flush(p);
    seg = answer(a, WIRE_SYN | WIRE_ACK, a->iss + 1);
    memset(&seg.opt, 0, sizeof seg.opt);
    res = pair_input(p, 0, &seg);
    assert_true(res.established && res.acceptable);
    assert_false(a->ts_on || a->sack_on || a->wscale_on);
    assert_int_equal(a->mss, 536);
    assert_int_equal(a->rcv_wscale, 0);
    assert_int_equal(a->snd_wscale, 0);
}

static void tiny_mss_and_huge_shift_are_clamped(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;

    pair_connect(p, 0);
    pair_flush(p);
    seg = answer(a, WIRE_SYN | WIRE_ACK, a->iss + 1);
    seg.opt.mss = 1;
    seg.opt.wscale = 255;
    pair_input(p, 0, &seg);
    assert_int_equal(a->mss, 48);
    assert_int_equal(a->snd_wscale, 14);
    assert_int_equal(tcp_payload_mss(a), 36);
}

static void wrong_ack_is_refused(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_plan plan;
    struct wire_seg seg;
    struct tcp_result res;

    pair_connect(p, 0);
    pair_flush(p);
    for (int i = 0; i < 2; i++) {
        uint32_t ack = i == 0 ? a->iss : a->iss + 2;
        seg = answer(a, WIRE_SYN | WIRE_ACK, ack);
        res = pair_input(p, 0, &seg);
        assert_int_equal(res.reason, PLAIT_REASON_ACK_OUTSIDE);
        assert_int_equal(a->state, TCP_ST_SYN_SENT);
        assert_true(tcp_plan(a, p->now, &plan));
        assert_int_equal(plan.flags, WIRE_RST);
        assert_int_equal(plan.seq, ack);
        assert_int_equal(tcp_commit(a, &plan, p->now), 0);
        assert_false(tcp_plan(a, p->now, &plan));
    }
    /* With RST: dropped without an answer. */
    seg = answer(a, WIRE_RST | WIRE_ACK, a->iss);
    pair_input(p, 0, &seg);
    assert_int_equal(a->state, TCP_ST_SYN_SENT);
    assert_false(tcp_plan(a, p->now, &plan));
}

static void rst_refuses(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;
    struct tcp_result res;

    pair_connect(p, 0);
    pair_flush(p);
    seg = answer(a, WIRE_RST, 0);
    res = pair_input(p, 0, &seg);
    assert_int_equal(res.reason, PLAIT_REASON_ACK_MISSING);
    assert_int_equal(a->state, TCP_ST_SYN_SENT);
    seg = answer(a, WIRE_RST | WIRE_ACK, a->iss + 1);
    res = pair_input(p, 0, &seg);
    assert_true(res.reset && res.closed);
    assert_int_equal(a->state, TCP_ST_CLOSED);
    assert_int_equal(a->reason, PLAIT_REASON_SYN_REFUSED);
}

static void odd_flags_are_dropped(void **state)
{
    static const uint8_t flags[] = { 0, WIRE_FIN, WIRE_ACK, WIRE_SYN | WIRE_FIN | WIRE_ACK,
                                     WIRE_SYN | WIRE_FIN, WIRE_URG | WIRE_PSH | WIRE_FIN };
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    pair_connect(p, 0);
    pair_flush(p);
    for (unsigned i = 0; i < sizeof flags; i++) {
        struct wire_seg seg = answer(a, flags[i], a->iss + 1);
        assert_int_equal(pair_input(p, 0, &seg).reason, PLAIT_REASON_TCP_FLAGS);
        assert_int_equal(a->state, TCP_ST_SYN_SENT);
    }
}

/*= RFC 9293 3.5
 * A TCP implementation MUST support simultaneous open attempts (MUST-10). */
static void simultaneous_open(void **state)
{
    struct pair *p = *state;

    pair_connect(p, 0);
    pair_connect(p, 1);
    pair_settle(p);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p->end[i].t.state, TCP_ST_ESTABLISHED);
        assert_true(p->end[i].established);
        pair_write(p, i, 5000);
    }
    pair_run(p, p->now + PLAIT_SEC);
    assert_int_equal(p->end[0].got, 5000);
    assert_int_equal(p->end[1].got, 5000);
}

static unsigned lose_one(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    (void)late;
    return pk->serial == p->fate_arg ? 0 : 1;
}

static void simultaneous_open_with_loss(void **state)
{
    (void)state;
    for (uint64_t lost = 0; lost < 6; lost++) {
        struct pair *p = test_malloc(sizeof *p);
        pair_init(p);
        p->fate = lose_one;
        p->fate_arg = lost;
        pair_connect(p, 0);
        pair_connect(p, 1);
        pair_write(p, 0, 100);
        pair_write(p, 1, 100);
        pair_run(p, p->now + 30 * PLAIT_SEC);
        assert_int_equal(p->end[0].got, 100);
        assert_int_equal(p->end[1].got, 100);
        pair_fini(p);
        test_free(p);
    }
}

static unsigned lose_syns(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    (void)late;
    return pk->serial < p->fate_arg ? 0 : 1;
}

static void lost_syns(void **state)
{
    struct pair *p = *state;
    plait_time start = p->now;

    p->fate = lose_syns;
    p->fate_arg = 2;
    pair_connect(p, 0);
    p->listening = true;
    pair_run(p, p->now + 10 * PLAIT_SEC);
    assert_int_equal(p->end[0].t.state, TCP_ST_ESTABLISHED);
    assert_int_equal(p->end[0].t.syn_n, 3);
    assert_int_equal(p->end[0].t.loss.cc.cwnd, p->end[0].t.loss.cc.mss); /* RFC 6928 2 */
    assert_true(p->end[0].t.syn_first == start);
    pair_write(p, 0, 30000);
    pair_run(p, p->now + 10 * PLAIT_SEC);
    assert_int_equal(p->end[1].got, 30000);
}

static void one_lost_syn_keeps_the_initial_window(void **state)
{
    struct pair *p = *state;

    p->fate = lose_syns;
    p->fate_arg = 1;
    pair_connect(p, 0);
    p->listening = true;
    pair_run(p, p->now + 5 * PLAIT_SEC);
    assert_int_equal(p->end[0].t.loss.cc.cwnd, cc_initial_window(1448));
}

static void syn_timeout(void **state)
{
    struct pair *p = *state;

    p->fate = lose_syns;
    p->fate_arg = 1000;
    pair_connect(p, 0);
    pair_run(p, p->now + 500 * PLAIT_SEC);
    assert_int_equal(p->end[0].t.state, TCP_ST_CLOSED);
    assert_int_equal(p->end[0].t.reason, PLAIT_REASON_SYN_TIMEOUT);
    assert_int_equal(p->end[0].t.syn_n, 7);
    assert_true(p->end[0].closed);
}

/*= RFC 9293 3.4.1
 * ISN = M + F(localip, localport, remoteip, remoteport, secretkey) */
/* Whoever sees the ISNs of his own connections learns nothing of a neighbour's at the same moment:
 * differences between neighbours never repeat, and each bit changes about half of the time. */
static void isns_of_neighbours_are_unrelated(void **state)
{
    struct pair *p = *state;
    struct plait_addr a = { .family = 4, .port = 80, .ip = { 10, 0, 0, 1 } }, b = a;
    enum { N = 1024 };
    static uint32_t step[N];
    unsigned flips[32] = { 0 };
    uint32_t last = 0;

    for (unsigned i = 0; i < N; i++) {
        b.port = (uint16_t)(1024 + i);
        uint32_t isn = tcp_isn(&p->ctx, &a, &b, 1000000);
        step[i] = isn - last;
        for (unsigned bit = 0; bit < 32; bit++)
            flips[bit] += ((isn ^ last) >> bit) & 1;
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(step[i], step[j]);
        last = isn;
    }
    for (unsigned bit = 0; bit < 32; bit++)
        assert_in_range(flips[bit], N / 2 - 100, N / 2 + 100);
}

/* The same 4-tuple within a second: the clock has moved on, so old segments are outside. A second
 * host with another secret shares nothing but the clock. */
static void isn_of_the_next_incarnation_is_higher(void **state)
{
    struct pair *p = *state;
    struct plait_addr a = { .family = 4, .port = 80, .ip = { 10, 0, 0, 1 } }, b = a;
    struct base_ctx other = p->ctx;

    b.port = 999;
    other.secret.k0 ^= 1;
    for (plait_time t = 0; t < PLAIT_SEC; t += 100 * PLAIT_MSEC) {
        uint32_t before = tcp_isn(&p->ctx, &a, &b, t);
        uint32_t after = tcp_isn(&p->ctx, &a, &b, t + 100 * PLAIT_MSEC);
        assert_int_equal(after - before, 25000);
        assert_int_not_equal(before, tcp_isn(&other, &a, &b, t));
    }
}

/*= RFC 7323 7-1, 7.1-1 */
/*= RFC 9293 MUST-8, SHLD-1, MUST-9 */
static void isn_moves_with_time_and_tuple(void **state)
{
    struct pair *p = *state;
    struct plait_addr a = { .family = 4, .port = 1, .ip = { 10, 0, 0, 1 } }, b = a, c = a;

    b.ip[3] = 2;
    c.port = 2;
    assert_int_equal(tcp_isn(&p->ctx, &a, &b, 4000) + 1000, tcp_isn(&p->ctx, &a, &b, 8000));
    assert_int_not_equal(tcp_isn(&p->ctx, &a, &b, 0), tcp_isn(&p->ctx, &c, &b, 0));
    assert_int_not_equal(tcp_isn(&p->ctx, &a, &b, 0), tcp_isn(&p->ctx, &b, &a, 0));
    assert_int_not_equal(tcp_isn(&p->ctx, &a, &b, 0), tcp_ts_offset(&p->ctx, &a, &b));
    p->ctx.secret.k0++;
    assert_int_not_equal(tcp_isn(&p->ctx, &a, &b, 0), tcp_isn(&p->ctx, &c, &b, 0));
}

static void text_on_synack_is_taken(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    uint8_t text[10];
    struct wire_seg seg;

    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = pair_pattern(1, i);
    pair_connect(p, 0);
    pair_flush(p);
    seg = answer(a, WIRE_SYN | WIRE_ACK, a->iss + 1);
    seg.data = text;
    seg.len = sizeof text;
    assert_true(pair_input(p, 0, &seg).established);
    assert_int_equal(p->end[0].got, 10);
    assert_int_equal(a->rcv_nxt, 5011);
}

/*= RFC 9293 3.5
 * Note that a TCP implementation MUST keep track of whether a connection has reached SYN-RECEIVED
 * state as the result of a passive OPEN or an active OPEN (MUST-11). */
/* The application that opened it actively is told that it was refused. */
static void reset_of_a_simultaneous_open(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct wire_seg seg;

    pair_connect(p, 0);
    pair_flush(p);
    seg = answer(a, WIRE_SYN, 0);
    pair_input(p, 0, &seg);
    assert_int_equal(a->state, TCP_ST_SYN_RECEIVED);
    seg = answer(a, WIRE_RST, 0);
    seg.seq = a->rcv_nxt;
    assert_true(pair_input(p, 0, &seg).closed);
    assert_int_equal(a->reason, PLAIT_REASON_SYN_REFUSED);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(three_way), CASE(syn_carries_the_offer), CASE(peer_without_options),
        CASE(tiny_mss_and_huge_shift_are_clamped), CASE(wrong_ack_is_refused), CASE(rst_refuses),
        CASE(odd_flags_are_dropped), CASE(simultaneous_open),
        cmocka_unit_test(simultaneous_open_with_loss), CASE(lost_syns),
        CASE(one_lost_syn_keeps_the_initial_window), CASE(syn_timeout),
        CASE(isn_moves_with_time_and_tuple), CASE(isns_of_neighbours_are_unrelated),
        CASE(isn_of_the_next_incarnation_is_higher), CASE(text_on_synack_is_taken),
        CASE(reset_of_a_simultaneous_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* wVegas: what it does at the end of a round, against vectors computed by hand; and a queue in
 * which it keeps what it is meant to. */
#include "flows.h"

enum { BASE = 100000, SAMPLES = 9, QUARTERS = 4, ALPHA_MAX = 10 * QUARTERS };

/* A round is about to end in which these RTTs were measured. */
static void before_the_end(struct cc *cc, double rtt)
{
    struct cc_wvegas *v = &cc->u.wvegas;

    v->on = v->began = true;
    v->base_rtt = BASE;
    v->rtt_n = SAMPLES;
    v->rtt_sum = SAMPLES * (uint64_t)rtt;
    v->round_end = 1000;
    v->looked = FLOWS_NOW / PLAIT_MSEC - 9000; /* there is a second until it looks again */
}

static void end_round(struct cc *cc, double rtt)
{
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .cwnd_limited = true,
                          .rtt = (plait_time)rtt, .snd_una = 1000, .snd_nxt = 50000 };

    before_the_end(cc, rtt);
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->u.wvegas.rtt_n, 0);
    assert_int_equal(cc->u.wvegas.round_end, 50000);
}

/* Rate of the other subflow in 1/23 of this one's, as Linux rounds it in the third row. */
static const struct {
    double segs, rtt, ssthresh, alpha, other, queue;
    double segs_after, alpha_after, queue_after;
} rows[] = {
    { 20, 110000, 100, 2, 0, 0, 21, 2, 0 }, /* a segment waits: slow start goes on */
    { 40, 110000, 30, 2, 0, 0, 41, 10, 10000 },
    { 40, 110000, 30, 2, 35, 0, 40, 3, 10000 },
    { 40, 115000, 30, 10, 0, 5000, 17, 10, 0 },
    { 40, 110000, 30, 3, 0, 5000, 18, 10, 0 },
};

static void vectors(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct flow_row flow[FLOWS_MAX] = { { rows[r].segs, .11 }, { 60, .11 } };
        struct flows f;
        struct cc *cc = &f.cc[0];
        flows_init(&f, &cc_wvegas_ops, flow);
        cc->ssthresh = (uint32_t)rows[r].ssthresh * FLOWS_MSS;
        cc->u.wvegas.alpha = (uint32_t)rows[r].alpha * QUARTERS;
        cc->u.wvegas.queue_delay = (uint32_t)rows[r].queue;
        f.cc[1].u.wvegas.rate = (uint64_t)(cc->cwnd * 4294967296. / rows[r].rtt *
                                           rows[r].other / 23);
        end_round(cc, rows[r].rtt);
        assert_int_equal(cc->cwnd, (uint32_t)rows[r].segs_after * FLOWS_MSS);
        assert_int_equal(cc->u.wvegas.alpha, (uint32_t)rows[r].alpha_after * QUARTERS);
        assert_int_equal(cc->u.wvegas.queue_delay, (uint32_t)rows[r].queue_after);
    }
}

static const struct flow_row one[FLOWS_MAX] = { { 40, .1 } };

static void less_where_too_much_waits(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];

    flows_init(&f, &cc_wvegas_ops, one);
    cc->ssthresh = 39 * FLOWS_MSS;
    cc->u.wvegas.alpha = 2 * QUARTERS;
    cc->u.wvegas.queue_delay = 40000;
    end_round(cc, 140000); /* 11 wait */
    assert_int_equal(cc->cwnd, 39 * FLOWS_MSS);
    assert_int_equal(cc->ssthresh, 38 * FLOWS_MSS);
}

/* With two segments in the queue slow start is over, and the window is what the path holds. */
static void leaves_slow_start(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];

    flows_init(&f, &cc_wvegas_ops, one);
    cc->ssthresh = CC_SSTHRESH_INFINITE;
    end_round(cc, 125000);
    assert_int_equal(cc->cwnd, 33 * FLOWS_MSS);
    assert_int_equal(cc->ssthresh, 32 * FLOWS_MSS);
}

/* An application that leaves the window unused does not make it larger. */
static void unused_window(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .rtt = BASE, .snd_una = 1000 };

    flows_init(&f, &cc_wvegas_ops, one);
    before_the_end(cc, BASE);
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->cwnd, 40 * FLOWS_MSS);
    ack.cwnd_limited = true;
    before_the_end(cc, BASE);
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->cwnd, 41 * FLOWS_MSS);
}

/* Reno's half after a loss, Reno while slow start follows a time-out, and by delay again. */
static void losses(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .rtt = BASE, .snd_una = 2000,
                          .cwnd_limited = true };

    flows_init(&f, &cc_wvegas_ops, one);
    NEAR(flows_after_loss(&f, 0), 20, 0);
    end_round(cc, 110000);
    assert_true(cc->u.wvegas.rate > 0);
    cc->ops->on_congestion(cc, cc->cwnd, FLOWS_NOW);
    assert_true(cc->u.wvegas.rate > 0);
    ack.after_rto = false;
    cc->ops->on_ack(cc, &ack); /* it is over, and the rate was another window's */
    assert_true(cc->u.wvegas.on && cc->u.wvegas.rate == 0);
    end_round(cc, 110000);
    end_round(cc, 110000);
    cc->ops->on_rto(cc, 40 * FLOWS_MSS, FLOWS_NOW);
    assert_int_equal(cc->ssthresh, 20 * FLOWS_MSS);
    assert_true(cc->u.wvegas.rate == 0);
    cc->cwnd = FLOWS_MSS;
    ack.after_rto = true;
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->cwnd, 2 * FLOWS_MSS);
    assert_false(cc->u.wvegas.on);
    ack.after_rto = false;
    cc->ops->on_ack(cc, &ack);
    assert_true(cc->u.wvegas.on);
    assert_int_equal(cc->u.wvegas.alpha, 2 * QUARTERS);
    assert_int_equal(cc->u.wvegas.base_rtt, BASE); /* it stays until the connection was idle */
    cc->ops->on_idle(cc, 300001, 300000, FLOWS_NOW);
    assert_true(cc->u.wvegas.base_rtt == UINT32_MAX);
}

/* Few ACKs say nothing of a queue. */
static void few_samples(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = 40 * FLOWS_MSS, .rtt = 190000,
                          .snd_una = 1000, .cwnd_limited = true };

    flows_init(&f, &cc_wvegas_ops, one);
    before_the_end(cc, 190000);
    cc->u.wvegas.rtt_n = 1;
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->cwnd, 41 * FLOWS_MSS);
}

/* Two segments bring an ACK or two in a round: nothing is done until there are three. */
static void small_window(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .rtt = BASE, .cwnd_limited = true };

    flows_init(&f, &cc_wvegas_ops, one);
    before_the_end(cc, BASE);
    cc->cwnd = 5 * FLOWS_MSS;
    cc->ssthresh = 2 * FLOWS_MSS;
    cc->u.wvegas.rtt_n = 0;
    for (uint32_t una = 1000; una < 3000; una += 1000) {
        ack.snd_una = una;
        ack.snd_nxt = una + 1000;
        cc->ops->on_ack(cc, &ack);
        assert_int_equal(cc->cwnd, 5 * FLOWS_MSS);
        assert_int_equal(cc->u.wvegas.round_end, una + 1000);
    }
    ack.snd_una = ack.snd_nxt;
    cc->ops->on_ack(cc, &ack); /* the third, and no queue */
    assert_int_equal(cc->cwnd, 6 * FLOWS_MSS);
    assert_int_equal(cc->u.wvegas.rtt_n, 0);
}

/* A subflow with a small part of the rate may have a part of a segment in the queue. */
static void less_than_two(void **state)
{
    static const struct { double part; uint32_t alpha; } of[] = {
        { .31, 12 }, { .21, 8 }, { .19, 7 }, { .11, 4 }, { .06, 2 }, { .001, 2 },
    };

    for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct flow_row flow[FLOWS_MAX] = { { 40, .11 }, { 60, .11 } };
        struct flows f;
        struct cc *cc = &f.cc[0];
        flows_init(&f, &cc_wvegas_ops, flow);
        cc->ssthresh = 30 * FLOWS_MSS;
        cc->u.wvegas.alpha = 2 * QUARTERS;
        f.cc[1].u.wvegas.rate = (uint64_t)(cc->cwnd * 4294967296. / 110000 * (1 / of[i].part - 1));
        end_round(cc, 110000); /* 3.6 wait */
        assert_int_equal(cc->u.wvegas.alpha, of[i].alpha);
        assert_int_equal(cc->cwnd, (of[i].alpha < 12 ? 39 : 40) * FLOWS_MSS);
    }
}

/* Ten seconds after the lowest RTT was found it is looked for: half a window, as if the queue had
 * doubled, for a round in which what was sent before arrives, and one more; then slow start. */
static void looks_for_the_lowest(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];
    struct cc_wvegas *v = &cc->u.wvegas;
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .rtt = 110000, .snd_una = 1000,
                          .snd_nxt = 1000, .cwnd_limited = true };

    flows_init(&f, &cc_wvegas_ops, one);
    cc->ssthresh = 39 * FLOWS_MSS;
    before_the_end(cc, 110000);
    ack.now += PLAIT_SEC - 1;
    cc->ops->on_ack(cc, &ack);
    assert_true(cc->cwnd >= 39 * FLOWS_MSS); /* not yet */
    before_the_end(cc, 110000);
    v->rtt_n = SAMPLES;
    cc->cwnd = 40 * FLOWS_MSS;
    ack.now++;
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->cwnd, 18 * FLOWS_MSS); /* 40 * 100 / 110 / 2 */
    for (unsigned round = 0; round < 2; round++) {
        ack.rtt = 110000 - round * 20000;
        for (uint32_t n = 0; n < 9; n++) {
            v->round_end = 2000;
            cc->ops->on_ack(cc, &ack);
        }
        assert_int_equal(cc->cwnd, 18 * FLOWS_MSS);
        v->round_end = 1000;
        cc->ops->on_ack(cc, &ack);
        assert_int_equal(cc->cwnd, 18 * FLOWS_MSS);
    }
    assert_int_equal(v->base_rtt, 90000);
    assert_int_equal(v->looked, ack.now / PLAIT_MSEC); /* ten seconds from now */
    v->round_end = 2000;
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->cwnd, 19 * FLOWS_MSS);
}

/* Windows and delays of every size: nothing overflows, no step is larger than slow start's. */
static void extremes(void **state)
{
    uint64_t r = 1;

    for (unsigned n = 0; n < 100000; n++) {
        struct flows f;
        struct cc *cc = &f.cc[0];
        struct cc_wvegas *v = &cc->u.wvegas;
        struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .snd_una = 1000,
                              .cwnd_limited = true };
        uint32_t before;
        r = r * 6364136223846793005u + 1442695040888963407u;
        flows_init(&f, &cc_wvegas_ops, one);
        cc->cwnd = CC_CWND_MAX >> (r >> 60);
        cc->ssthresh = cc->cwnd - ((r >> 50 & 1) != 0 ? FLOWS_MSS : 0);
        v->on = v->began = true;
        v->looked = (uint32_t)(r >> 7);
        v->base_rtt = (uint32_t)(r >> 32) >> (r >> 40 & 31) | 1;
        v->rtt_n = SAMPLES;
        ack.rtt = v->base_rtt + ((r >> 20 & 0xffffffff) >> (r >> 45 & 31));
        v->rtt_sum = SAMPLES * ack.rtt;
        v->queue_delay = (uint32_t)r >> (r >> 55 & 31);
        v->alpha = ALPHA_MAX;
        before = cc->cwnd;
        cc->ops->on_ack(cc, &ack);
        assert_in_range(cc->cwnd, 2 * FLOWS_MSS, before + FLOWS_MSS);
        assert_in_range(v->alpha, QUARTERS / 2, ALPHA_MAX);
        assert_true(cc->ssthresh >= cc->cwnd / 4 * 3);
    }
}

/* n flows through one queue that serves a segment each millisecond, 50 ms without it, a round of
 * all of them at a time: what is not on the path waits. */
static double backlog(unsigned n)
{
    static const struct flow_row row[FLOWS_MAX] = { { 10, .05 }, { 10, .05 }, { 10, .05 } };
    struct flows f;
    double queue = 0;

    flows_init(&f, &cc_wvegas_ops, row);
    for (unsigned i = 0; i < 3; i++)
        cc_leave(&f.cc[i]);
    for (unsigned round = 0; round < 2000; round++) {
        double total = 0;
        for (unsigned i = 0; i < n; i++)
            total += (double)f.cc[i].cwnd / FLOWS_MSS;
        queue = total > 50 ? total - 50 : 0;
        for (unsigned i = 0; i < n; i++) {
            struct cc *cc = &f.cc[i];
            struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .cwnd_limited = true,
                                  .snd_una = round, .snd_nxt = round + 1 };
            ack.rtt = (plait_time)(50000 + queue * 1000);
            cc->u.wvegas.base_rtt = 50000;
            cc->u.wvegas.rtt_n = SAMPLES;
            cc->u.wvegas.rtt_sum = ack.rtt * SAMPLES;
            cc->ops->on_ack(cc, &ack);
        }
    }
    return queue;
}

/* Ten of each, or a little less before the next one would be too many. */
static void keeps_ten_in_the_queue(void **state)
{
    for (unsigned n = 1; n <= 3; n++) {
        double have = backlog(n);
        if (have < 10 * n - 1. * n || have > 11 * n)
            fail_msg("%u flows have %f in the queue", n, have);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors), cmocka_unit_test(less_where_too_much_waits),
        cmocka_unit_test(leaves_slow_start), cmocka_unit_test(unused_window),
        cmocka_unit_test(losses), cmocka_unit_test(few_samples), cmocka_unit_test(small_window),
        cmocka_unit_test(less_than_two), cmocka_unit_test(looks_for_the_lowest),
        cmocka_unit_test(extremes), cmocka_unit_test(keeps_ten_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

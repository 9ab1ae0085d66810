/* SPDX-License-Identifier: Apache-2.0 */
/* CUBIC against values computed from RFC 9438's formulas in real numbers. Segments are 1448 bytes.
 * */
#include "cc/cc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MSS = 1448 };

static uint32_t segs(double n)
{
    return (uint32_t)(n * MSS + .5);
}

static double in_segs(uint32_t bytes)
{
    return (double)bytes / MSS;
}

#define NEAR(have, want, tolerance)                                                                \
    do {                                                                                           \
        double h_ = (have), w_ = (want);                                                           \
        if (h_ - w_ > (tolerance) || w_ - h_ > (tolerance))                                        \
            fail_msg("%s is %f, not %f", #have, h_, w_);                                           \
    } while (0)

static void open_at(struct cc *cc, double w_max, double cwnd)
{
    cc_init(cc, &cc_cubic_ops, MSS);
    cc->ssthresh = 2 * MSS;
    cc->cwnd = segs(cwnd);
    cc->u.cubic.w_max = segs(w_max);
    cc->u.cubic.cwnd_prior = segs(w_max);
}

/*= RFC 9293 3.8.2
 * An endpoint MAY implement such alternative algorithms provided that the algorithms are conformant
 * with the TCP specifications from the IETF Standards Track as described in RFC 2914, RFC 5033 [7],
 * and RFC 8961 [15] (MAY-18). */
static void curve(void **state)
{
    static const struct { double w_max, start, k, half, twice; } rows[] = {
        { 10, 7, 1.9574, 9.625, 13 }, { 100, 70, 4.2172, 96.25, 130 },
        { 1000, 700, 9.0856, 962.5, 1300 }, { 10000, 7000, 19.5743, 9625, 13000 },
    };

    for (unsigned i = 0; i < 4; i++) {
        struct cc cc;
        struct cc_ack ack = { .now = 5, .acked = 1, .cwnd_limited = true };
        open_at(&cc, rows[i].w_max, rows[i].start);
        cc.ops->on_ack(&cc, &ack);
        NEAR((double)cc.u.cubic.k / 1e6, rows[i].k, rows[i].k * 1e-3);
        /* A whole window at once, without a round trip time, leads to the curve; Reno is kept
         * away. */
        cc.u.cubic.w_est = 0;
        ack.now = 5 + cc.u.cubic.k / 2;
        ack.acked = cc.cwnd;
        cc.ops->on_ack(&cc, &ack);
        NEAR(in_segs(cc.cwnd), rows[i].half, rows[i].half * 1e-3);
        cc.u.cubic.w_est = 0;
        ack.now = 5 + 2 * cc.u.cubic.k;
        ack.acked = cc.cwnd;
        cc.ops->on_ack(&cc, &ack);
        NEAR(in_segs(cc.cwnd), rows[i].twice, rows[i].twice * 1e-3);
    }
}

/* One ACK of one segment, in every region of RFC 9438 4.3 to 4.5. */
static void one_ack(void **state)
{
    static const struct { double t, rtt, cwnd, w_max, w_est, w_est_after, after; } rows[] = {
        { 0, .1, 70, 100, 70, 70.00756, 70.00756 },
        { 1, .1, 85, 100, 72, 72.00623, 85.03394 },
        { 3, .1, 99, 100, 78, 78.00535, 99.00447 },
        { 5, .1, 104, 100, 90, 90.00509, 104.00000 },
        { .5, .01, 9, 10, 9.8, 9.85882, 9.85882 },
        { 10, .2, 100, 100, 100, 100.01, 100.50000 },
    };

    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cc cc;
        struct cc_cubic *c = &cc.u.cubic;
        struct cc_ack ack = { .now = 7, .acked = 0, .cwnd_limited = true };
        /* The first four rows belong to an epoch that began at 0.7 W_max. */
        open_at(&cc, rows[i].w_max, rows[i].w_max * .7);
        cc.ops->on_ack(&cc, &ack);
        cc.cwnd = segs(rows[i].cwnd);
        c->w_est = segs(rows[i].w_est);
        ack.now = 7 + (plait_time)(rows[i].t * 1e6);
        ack.srtt = (plait_time)(rows[i].rtt * 1e6);
        ack.acked = MSS;
        cc.ops->on_ack(&cc, &ack);
        NEAR(in_segs(c->w_est), rows[i].w_est_after, .0015);
        NEAR(in_segs(cc.cwnd), rows[i].after, .0015);
        assert_true(cc.cwnd >= segs(rows[i].cwnd));
    }
}

static void fast_convergence(void **state)
{
    struct cc cc;
    struct cc_ack ack = { .now = 9, .acked = 1, .cwnd_limited = true };

    open_at(&cc, 100, 80);
    cc.ops->on_congestion(&cc, segs(80), 0);
    NEAR(in_segs(cc.u.cubic.w_max), 68, .01);
    NEAR(in_segs(cc.ssthresh), 56, .01);
    cc.cwnd = cc.ssthresh;
    cc.ops->on_recovered(&cc, 0);
    cc.ops->on_ack(&cc, &ack);
    NEAR((double)cc.u.cubic.k / 1e6, 3.1072, .003);
    cc.cwnd = segs(90); /* beyond w_max: no fast convergence */
    cc.ops->on_congestion(&cc, segs(90), 0);
    NEAR(in_segs(cc.u.cubic.w_max), 90, .01);
    cc.ops->on_congestion(&cc, 10, 0);
    assert_int_equal(cc.ssthresh, 2 * MSS);
}

/* Most of the flight arrived before the loss was found, and nothing new was sent meanwhile. */
static void drained_flight(void **state)
{
    struct cc cc;

    open_at(&cc, 100, 100);
    cc.flight = segs(90);
    cc.ops->on_congestion(&cc, segs(10), 0);
    NEAR(in_segs(cc.ssthresh), 63, .01);
    open_at(&cc, 100, 100);
    cc.flight = segs(200); /* never more than the window */
    cc.ops->on_congestion(&cc, segs(10), 0);
    NEAR(in_segs(cc.ssthresh), 70, .01);
    open_at(&cc, 100, 100);
    cc.flight = segs(10); /* the application gave no more */
    cc.ops->on_congestion(&cc, segs(10), 0);
    NEAR(in_segs(cc.ssthresh), 7, .01);
}

static void after_rto(void **state)
{
    struct cc cc;
    struct cc_ack ack = { .now = 9, .acked = 1, .cwnd_limited = true };

    open_at(&cc, 100, 80);
    cc.ops->on_rto(&cc, segs(80), 0);
    NEAR(in_segs(cc.ssthresh), 56, .01);
    cc.cwnd = cc.ssthresh;
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.u.cubic.k, 0);
    assert_int_equal(cc.u.cubic.w_max, cc.cwnd);
}

/* An application that pauses for an hour does not find the window of an hour later. */
static void idle_time_does_not_count(void **state)
{
    struct cc cc, other;
    struct cc_ack ack = { .now = 0, .acked = MSS, .srtt = 100000, .cwnd_limited = true };

    open_at(&cc, 100, 70);
    cc.ops->on_ack(&cc, &ack);
    ack.now = 1000000;
    cc.ops->on_ack(&cc, &ack);
    other = cc;
    ack.cwnd_limited = false;
    ack.now = 1000000 + (plait_time)3600 * PLAIT_SEC;
    cc.ops->on_ack(&cc, &ack);
    ack.cwnd_limited = true;
    ack.now += 100000;
    cc.ops->on_ack(&cc, &ack);
    ack.now = 1100000;
    other.ops->on_ack(&other, &ack);
    assert_int_equal(cc.cwnd, other.cwnd);
    /* The same for a pause that on_idle() reports. */
    cc.ops->on_idle(&cc, 50 * PLAIT_SEC, 100 * PLAIT_SEC, ack.now + 4000 * PLAIT_SEC);
    ack.now = 1200000;
    other.ops->on_ack(&other, &ack);
    ack.now = 1100000 + 4000 * PLAIT_SEC + 100000;
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, other.cwnd);
}

/* Nothing overflows at the bounds: the window only grows, up to its cap. */
static void extremes(void **state)
{
    static const uint32_t mss[] = { 1, 48, 1448, 65535 };

    for (unsigned i = 0; i < 4; i++) {
        for (unsigned w = 1; w <= 30; w++) {
            struct cc cc;
            plait_time t = 1;
            cc_init(&cc, &cc_cubic_ops, mss[i]);
            cc.ssthresh = 2 * mss[i];
            cc.cwnd = (1u << w) > cc.ssthresh ? 1u << w : cc.ssthresh;
            cc.u.cubic.w_max = CC_CWND_MAX;
            cc.u.cubic.cwnd_prior = CC_CWND_MAX;
            for (unsigned n = 0; n < 60; n++) {
                struct cc_ack ack = { .now = t, .acked = cc.cwnd, .srtt = t / 2 };
                uint32_t before = cc.cwnd;
                ack.cwnd_limited = true;
                cc.ops->on_ack(&cc, &ack);
                assert_true(cc.cwnd >= before && cc.cwnd <= CC_CWND_MAX);
                assert_true(cc.cwnd <= (uint64_t)before * 3 / 2 + (uint64_t)mss[i] * 2 ||
                            cc.cwnd == cc.u.cubic.w_est);
                t = t * 2 < 7200 * PLAIT_SEC ? t * 2 : t + 60 * PLAIT_SEC;
            }
        }
    }
}

/* Never slower than Reno with CUBIC's beta: at a short round trip w_est leads. */
static void reno_region(void **state)
{
    struct cc cc;
    plait_time t = 0;

    open_at(&cc, 20, 14);
    for (unsigned round = 0; round < 100; round++, t += 1000) {
        uint32_t left = cc.cwnd;
        while (left > 0) {
            struct cc_ack ack = { .now = t, .srtt = 1000, .cwnd_limited = true };
            ack.acked = left < MSS ? left : MSS;
            left -= ack.acked;
            cc.ops->on_ack(&cc, &ack);
        }
    }
    /* 6 segments at 9/17 a round until the old window, then one a round. */
    NEAR(in_segs(cc.cwnd), 20 + (100 - 6 * 17. / 9), 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curve), cmocka_unit_test(one_ack), cmocka_unit_test(fast_convergence),
        cmocka_unit_test(after_rto), cmocka_unit_test(idle_time_does_not_count),
        cmocka_unit_test(drained_flight), cmocka_unit_test(extremes), cmocka_unit_test(reno_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

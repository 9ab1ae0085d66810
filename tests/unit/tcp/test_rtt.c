/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6298's arithmetic, with a minimum of 200 ms. */
#include "tcp/rtt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*= RFC 6298 2-1, 2-3, 2-4, 2-5, 2-6, 2-7 */
/*= RFC 9293 3.8.1
 * The RTO MUST be computed according to the algorithm in [10], including Karn's algorithm for
 * taking RTT samples (MUST-18). */
static void vectors(void **state)
{
    static const struct { plait_time rtt, srtt, rttvar, rto; } rows[] = {
        { 100000, 100000, 50000, 300000 }, { 100000, 100000, 37500, 250000 },
        { 200000, 112500, 53125, 325000 }, { 100000, 110938, 42969, 282813 },
        { 50000, 103320, 47461, 293164 },
    };
    struct tcp_rtt r;

    tcp_rtt_init(&r, 200000);
    assert_int_equal(r.srtt, 0);
    assert_int_equal(tcp_rtt_timeout(&r), 1000000);
    for (unsigned i = 0; i < 5; i++) {
        tcp_rtt_sample(&r, rows[i].rtt);
        assert_in_range(r.srtt, rows[i].srtt - 2, rows[i].srtt + 2);
        assert_in_range(r.rttvar, rows[i].rttvar - 2, rows[i].rttvar + 2);
        assert_in_range(r.rto, rows[i].rto - 5, rows[i].rto + 5);
    }
    assert_int_equal(r.min_rtt, 50000);
}

/*= RFC 6298 2
 * (2.4) Whenever RTO is computed, if it is less than 1 second, then the RTO SHOULD be rounded up to
 * 1 second. */
static void bounds(void **state)
{
    struct tcp_rtt r;

    tcp_rtt_init(&r, 200000);
    for (unsigned i = 0; i < 100; i++)
        tcp_rtt_sample(&r, 0);
    assert_int_equal(r.srtt, 1);
    assert_int_equal(r.rto, 200000);
    tcp_rtt_sample(&r, 1000 * PLAIT_SEC);
    assert_int_equal(r.rto, 60 * PLAIT_SEC);
    tcp_rtt_init(&r, 1500000);
    assert_int_equal(r.rto, 1500000);
    for (unsigned i = 0; i < 200; i++)
        tcp_rtt_sample(&r, 57); /* a short path: nothing is lost by rounding */
    assert_int_equal(r.srtt, 57);
    assert_true(r.rttvar <= 1);
}

/* What the two fractions keep is all that the scaled values of RFC 6298's formulas had. */
static void nothing_is_lost(void **state)
{
    uint64_t x8 = 0, x4 = 0, error, dice = 1;
    struct tcp_rtt r;

    tcp_rtt_init(&r, 1);
    for (unsigned i = 0; i < 100000; i++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        plait_time rtt = 1 + (dice >> 33) % (i % 3 == 0 ? 3 : i % 3 == 1 ? 1000 : 5 * PLAIT_SEC);
        tcp_rtt_sample(&r, rtt);
        error = x8 > rtt * 8 ? x8 - rtt * 8 : rtt * 8 - x8;
        x4 = i == 0 ? rtt * 2 : x4 - x4 / 4 + error / 8;
        x8 = i == 0 ? rtt * 8 : x8 - x8 / 8 + rtt;
        assert_int_equal(r.srtt * 8 + r.srtt_8ths, x8);
        assert_int_equal(r.rttvar * 4 + r.rttvar_4ths, x4);
        assert_int_equal(r.rto, x8 / 8 + (x4 > 0 ? x4 : 1));
    }
}

/*= RFC 6298 2-9, 5-3, 5-4 */
/*= RFC 9293 3.8.2
 * A TCP endpoint MUST implement the basic congestion control algorithms slow start, congestion
 * avoidance, and exponential backoff of RTO to avoid creating congestion collapse conditions
 * (MUST-19). */
static void backoff(void **state)
{
    struct tcp_rtt r;

    tcp_rtt_init(&r, 200000);
    for (unsigned i = 0; i < 300; i++) {
        plait_time want = i < 6 ? PLAIT_SEC << i : 60 * PLAIT_SEC;
        assert_int_equal(tcp_rtt_timeout(&r), want);
        tcp_rtt_back_off(&r);
    }
    tcp_rtt_reset_backoff(&r);
    assert_int_equal(tcp_rtt_timeout(&r), PLAIT_SEC);
    tcp_rtt_back_off(&r);
    tcp_rtt_after_syn_timeout(&r);
    assert_int_equal(tcp_rtt_timeout(&r), 3 * PLAIT_SEC);
    tcp_rtt_sample(&r, 10000);
    assert_int_equal(tcp_rtt_timeout(&r), 200000);
}

/*= RFC 8985 6.2
 * The sender SHOULD track a windowed min-filtered estimate of recent RTT measurements that can
 * adapt when migrating to significantly longer paths rather than tracking a simple global minimum
 * of all RTT measurements. */
static void min_is_windowed(void **state)
{
    struct tcp_rtt r;
    plait_time now = 5;

    tcp_rtt_init(&r, 200000);
    assert_int_equal(r.min_rtt, PLAIT_NEVER);
    tcp_rtt_age(&r, now);
    tcp_rtt_sample(&r, 1000);
    for (unsigned i = 0; i < 70; i++, now += 10 * PLAIT_SEC) { /* the path became longer */
        tcp_rtt_age(&r, now);
        tcp_rtt_min(&r, 80000);
        if (i < 29)
            assert_int_equal(r.min_rtt, 1000);
    }
    assert_int_equal(r.min_rtt, 80000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors), cmocka_unit_test(bounds), cmocka_unit_test(backoff),
        cmocka_unit_test(nothing_is_lost), cmocka_unit_test(min_is_windowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Windows that all algorithms share: start, smaller MSS, undo, idling, slow start. */
#include "cc/cc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void initial_window(void **state)
{
    assert_int_equal(cc_initial_window(1460), 14600);
    assert_int_equal(cc_initial_window(536), 5360);   /* 10 segments */
    assert_int_equal(cc_initial_window(2000), 14600);
    assert_int_equal(cc_initial_window(8960), 17920); /* 2 segments */
}

static void find(void **state)
{
    assert_ptr_equal(cc_find("reno"), &cc_reno_ops);
    assert_ptr_equal(cc_find("cubic"), &cc_cubic_ops);
    for (unsigned i = 0; i < 8; i++) {
        assert_ptr_equal(cc_find(cc_at(i)->name), cc_at(i));
        assert_true(cc_at(i)->what[0] != 0);
    }
    assert_null(cc_at(8));
    assert_null(cc_find("cubi"));
    assert_null(cc_find("cubics"));
    assert_null(cc_find(""));
}

/*= RFC 5681 3.1-6, 3.1-7, 3.1-8 */
static void smaller_mss(void **state)
{
    struct cc cc;

    cc_init(&cc, &cc_reno_ops, 1460);
    assert_int_equal(cc.ssthresh, CC_SSTHRESH_INFINITE);
    cc_set_mss(&cc, 730);
    assert_int_equal(cc.cwnd, 7300);
    cc_set_mss(&cc, 1460); /* a larger one leaves the window */
    assert_int_equal(cc.cwnd, 7300);
    cc.cwnd = 500;
    cc.ssthresh = 100;
    cc_set_mss(&cc, 1000);
    assert_int_equal(cc.cwnd, 1000);
    assert_int_equal(cc.ssthresh, 2000);
}

static void undo(void **state)
{
    struct cc_saved saved = { 0 };
    struct cc cc;

    cc_init(&cc, &cc_cubic_ops, 1000);
    cc_undo(&cc, &saved); /* nothing was saved */
    assert_int_equal(cc.cwnd, 10000);
    cc.cwnd = 50000;
    cc.u.cubic.w_max = 77;
    cc_save(&cc, &saved);
    cc.ops->on_congestion(&cc, 50000, 1);
    cc.cwnd = 20000;
    cc_undo(&cc, &saved);
    assert_int_equal(cc.cwnd, 50000);
    assert_int_equal(cc.ssthresh, CC_SSTHRESH_INFINITE);
    assert_int_equal(cc.u.cubic.w_max, 77);
    cc_save(&cc, &saved);
    cc.cwnd = 90000; /* grown since: it stays */
    cc_undo(&cc, &saved);
    assert_int_equal(cc.cwnd, 90000);
    cc.cwnd = 1000;
    cc_undo(&cc, &saved); /* once only */
    assert_int_equal(cc.cwnd, 1000);
}

static void idle(void **state)
{
    for (unsigned i = 0; cc_at(i) != NULL; i++) {
        struct cc cc;
        if (cc_at(i)->own_size > 0)
            continue; /* that paces in its window again: test_bbr.c */
        cc_init(&cc, cc_at(i), 1460);
        cc.cwnd = 100000;
        cc.ssthresh = 40000;
        cc.ops->on_idle(&cc, 300000, 300000, 1000000);
        assert_int_equal(cc.cwnd, 100000);
        cc.ops->on_idle(&cc, 300001, 300000, 1000000);
        assert_int_equal(cc.cwnd, 14600);
        assert_int_equal(cc.ssthresh, 75000);
        cc.cwnd = 3000; /* RW = min(IW, cwnd) */
        cc.ops->on_idle(&cc, 900000, 300000, 1000000);
        assert_int_equal(cc.cwnd, 3000);
    }
}

/*= RFC 5681 3.1
 * The slow start and congestion avoidance algorithms MUST be used by a TCP sender to control the
 * amount of outstanding data being injected into the network. */
/*= RFC 9293 3.8.2
 * A TCP endpoint MUST implement the basic congestion control algorithms slow start, congestion
 * avoidance, and exponential backoff of RTO to avoid creating congestion collapse conditions
 * (MUST-19). */
static void slow_start(void **state)
{
    struct cc cc;
    struct cc_ack ack = { .acked = 5840, .cwnd_limited = true };

    cc_init(&cc, &cc_reno_ops, 1460);
    cc_slow_start(&cc, &ack);
    assert_int_equal(cc.cwnd, 17520); /* L = 2 */
    ack.burst = 65536;
    cc_slow_start(&cc, &ack);
    assert_int_equal(cc.cwnd, 17520 + 5840);
    cc.cwnd = 14600;
    ack.after_rto = true; /* L = 1 whatever else */
    cc_slow_start(&cc, &ack);
    assert_int_equal(cc.cwnd, 16060);
    cc.cwnd = CC_CWND_MAX - 10;
    cc_slow_start(&cc, &ack);
    assert_int_equal(cc.cwnd, CC_CWND_MAX);
    cc.cwnd = 14600;
    ack.after_rto = false;
    ack.burst = 0;
    ack.acked = 1; /* splitting ACKs gains nothing */
    for (unsigned i = 0; i < 1460; i++)
        cc_slow_start(&cc, &ack);
    assert_int_equal(cc.cwnd, 16060);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_window), cmocka_unit_test(find), cmocka_unit_test(smaller_mss),
        cmocka_unit_test(undo), cmocka_unit_test(idle), cmocka_unit_test(slow_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

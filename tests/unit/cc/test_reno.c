/* SPDX-License-Identifier: Apache-2.0 */
/* Reno with appropriate byte counting. */
#include "cc/cc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*= RFC 5681 3.1-1, 3.1-10, 3.1-11, 3.1-12, 3.1-13 */
/*= RFC 9293 3.8.2
 * A TCP endpoint MUST implement the basic congestion control algorithms slow start, congestion
 * avoidance, and exponential backoff of RTO to avoid creating congestion collapse conditions
 * (MUST-19). */
static void avoidance(void **state)
{
    struct cc cc;
    struct cc_ack ack = { .acked = 1460, .cwnd_limited = true };

    cc_init(&cc, &cc_reno_ops, 1460);
    cc.cwnd = cc.ssthresh = 29200;
    for (unsigned i = 1; i <= 20; i++) {
        cc.ops->on_ack(&cc, &ack);
        assert_int_equal(cc.cwnd, i < 20 ? 29200 : 30660);
    }
    ack.acked = 1; /* ACK division */
    for (unsigned i = 1; i < 30660; i++)
        cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, 30660);
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, 32120);
    ack.acked = 1000000; /* one ACK, one step */
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, 33580);
}

static void limited_by_others(void **state)
{
    struct cc cc;
    struct cc_ack ack = { .acked = 100000 };

    cc_init(&cc, &cc_reno_ops, 1460);
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, 14600);
    cc.ssthresh = 14600;
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, 14600);
}

/*= RFC 5681 3.1-8, 3.1-16, 4.3-1 */
static void reductions(void **state)
{
    struct cc cc;

    cc_init(&cc, &cc_reno_ops, 1460);
    cc.ops->on_congestion(&cc, 43800, 0);
    assert_int_equal(cc.ssthresh, 21900);
    cc.ops->on_rto(&cc, 3000, 0);
    assert_int_equal(cc.ssthresh, 2920);
}

static void slow_start_ends_at_ssthresh(void **state)
{
    struct cc cc;
    struct cc_ack ack = { .acked = 1460, .cwnd_limited = true };

    cc_init(&cc, &cc_reno_ops, 1460);
    cc.ssthresh = 17000;
    cc.ops->on_ack(&cc, &ack);
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, 17520);
    cc.ops->on_ack(&cc, &ack);
    assert_int_equal(cc.cwnd, 17520);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avoidance), cmocka_unit_test(limited_by_others),
        cmocka_unit_test(reductions), cmocka_unit_test(slow_start_ends_at_ssthresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

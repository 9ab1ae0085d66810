/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/perf_latency.h"

#include <string.h>

static struct perf_latency l;

static void nothing_is_zero(void **state)
{
    memset(&l, 0, sizeof l);
    assert_int_equal(perf_latency_at(&l, 500), 0);
    assert_int_equal(l.max, 0);
}

static void small_times_are_exact(void **state)
{
    memset(&l, 0, sizeof l);
    for (plait_time t = 1; t <= 100; t++)
        perf_latency_add(&l, t);
    assert_int_equal(perf_latency_at(&l, 500), 50);
    assert_int_equal(perf_latency_at(&l, 900), 90);
    assert_int_equal(perf_latency_at(&l, 990), 99);
    assert_int_equal(perf_latency_at(&l, 1000), 100);
    assert_int_equal(perf_latency_at(&l, 1), 1);
}

/* Each alone among smaller ones: what is told is not less, and at most 1/64 more. */
static void large_times_are_near(void **state)
{
    for (plait_time t = 100; t < (plait_time)1 << 40; t += t / 3) {
        memset(&l, 0, sizeof l);
        perf_latency_add(&l, t);
        perf_latency_add(&l, (plait_time)1 << 41);
        plait_time got = perf_latency_at(&l, 500);
        assert_true(got >= t && got <= t + t / 64);
    }
}

static void nothing_is_too_large(void **state)
{
    memset(&l, 0, sizeof l);
    perf_latency_add(&l, UINT64_MAX);
    assert_true(perf_latency_at(&l, 990) > (plait_time)1 << 40);
    assert_true(l.max == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_zero),
        cmocka_unit_test(small_times_are_exact),
        cmocka_unit_test(large_times_are_near),
        cmocka_unit_test(nothing_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static uint64_t copies(unsigned path) { return sched_latency_ops.copies(&view, path); }

static void the_tail_goes_twice(void **state)
{
    view_reset(2);
    view.out = 3000;
    assert_int_equal(copies(1), 0); /* more is to come: no tail yet */
    view.waiting = 0;
    assert_int_equal(copies(0), 3000);
    assert_int_equal(copies(1), 3000);
    view.out = 1 << 20;
    assert_int_equal(copies(1), 16384);
    view.path[1].backup = true;
    assert_int_equal(copies(1), 0);
}

static void the_rest_goes_as_ecf_says(void **state)
{
    assert_ptr_equal(sched_latency_ops.pick, sched_ecf_ops.pick);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_goes_twice),
        cmocka_unit_test(the_rest_goes_as_ecf_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

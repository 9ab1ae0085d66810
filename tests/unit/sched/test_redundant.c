/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static void everything_on_every_good_path(void **state)
{
    view_reset(4);
    view.out = 123456;
    view.path[2].backup = true;
    view.path[3].stale = true;
    assert_int_equal(sched_redundant_ops.pick(&state_of_it, &view), 0);
    assert_int_equal(sched_redundant_ops.copies(&view, 0), 123456);
    assert_int_equal(sched_redundant_ops.copies(&view, 1), 123456);
    assert_int_equal(sched_redundant_ops.copies(&view, 2), 0);
    assert_int_equal(sched_redundant_ops.copies(&view, 3), 0);
}

/* New data does not wait for the fast path: whoever has room is first. */
static void new_data_on_any(void **state)
{
    view_reset(2);
    view.path[0].room = 0;
    assert_int_equal(sched_redundant_ops.pick(&state_of_it, &view), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_on_every_good_path),
        cmocka_unit_test(new_data_on_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static int pick(void) { return sched_handover_ops.pick(&state_of_it, &view); }

static void one_at_a_time(void **state)
{
    view_reset(3);
    assert_int_equal(pick(), 0);
    view.path[0].room = 0;
    assert_int_equal(pick(), SCHED_WAIT); /* full is no reason */
    view.path[1].srtt = 1 * MS;
    assert_int_equal(pick(), SCHED_WAIT); /* nor is that another is faster now */
    view.path[0].room = MSS;
    view.reinject = view.path[0].carried = true;
    assert_int_equal(pick(), 0);
}

/* The next one stays when the first comes back. */
static void changes_when_it_must(void **state)
{
    view_reset(3);
    assert_int_equal(pick(), 0);
    view.path[0].stale = true;
    assert_int_equal(pick(), 1);
    view.path[0].stale = false;
    assert_int_equal(pick(), 1);
    view.path[1].usable = false;
    assert_int_equal(pick(), 0);
    view.path[0] = view.path[2]; /* it is gone from the view */
    view.n = 1;
    assert_int_equal(pick(), 0);
    view.n = 0;
    assert_int_equal(pick(), SCHED_WAIT);
}

static void spare_only_while_it_must(void **state)
{
    view_reset(2);
    view.path[0].backup = true;
    assert_int_equal(pick(), 1);
    view.path[1].stale = true;
    assert_int_equal(pick(), 0);
    view.path[1].stale = false;
    assert_int_equal(pick(), 1);
}

static void no_sample_comes_last(void **state)
{
    view_reset(2);
    view.path[0].srtt = 0;
    assert_int_equal(pick(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(changes_when_it_must),
        cmocka_unit_test(spare_only_while_it_must),
        cmocka_unit_test(no_sample_comes_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static void ask(enum pm_what what)
{
    view_ask(&pm_ondemand_ops);
    assert_int_equal(d.what, what);
}

static void after_so_many_bytes(void **state)
{
    view.moved = (64 << 10) - 1;
    view.age = PLAIT_SEC / 4;
    ask(PM_NOTHING);
    assert_int_equal(d.again_moved, 64 << 10);
    assert_int_equal(d.again, view.now + PLAIT_SEC * 3 / 4);
    view.moved++;
    ask(PM_OPEN);
    assert_int_equal(view.local[d.local].id, 2);
}

static void after_so_much_time(void **state)
{
    view.age = PLAIT_SEC;
    ask(PM_OPEN);
    view.demand_after = PLAIT_NEVER;
    ask(PM_NOTHING);
    assert_true(d.again == PLAIT_NEVER);
    assert_int_equal(d.again_moved, 64 << 10);
}

static void does_not_hesitate(void **state)
{
    view.local[1].signal = true;
    ask(PM_ANNOUNCE);
    view.local[1].signal = false;
    view.subflow_n = 0;
    ask(PM_OPEN);
    view.may_open = false;
    ask(PM_NOTHING);
}

#define T(f) cmocka_unit_test_setup(f, view_reset)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(after_so_many_bytes), T(after_so_much_time), T(does_not_hesitate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static void announces_and_opens_nothing(void **state)
{
    view_ask(&pm_signal_ops);
    assert_int_equal(d.what, PM_NOTHING);
    view.local[1].signal = true;
    view_ask(&pm_signal_ops);
    assert_int_equal(d.what, PM_ANNOUNCE);
    assert_int_equal(d.local, 1);
    view.local[1].announced = true;
    view_ask(&pm_signal_ops);
    assert_int_equal(d.what, PM_NOTHING);
    assert_true(d.again == PLAIT_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(announces_and_opens_nothing, view_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

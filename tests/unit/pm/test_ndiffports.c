/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

/* Up to the number that was asked for, all between the first two addresses. */
static void as_many_as_asked_for(void **state)
{
    for (uint8_t id = 1; id < 3; id++) {
        view_ask(&pm_ndiffports_ops);
        assert_int_equal(d.what, PM_OPEN);
        assert_int_equal(view.local[d.local].id, 0);
        assert_int_equal(view.remote[d.remote].id, 0);
        assert_true(d.other_port);
        view.subflow[view.subflow_n++] = view_subflow(id, 0, 0);
    }
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_NOTHING);
    view.subflow[0].alive = false;
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_OPEN);
}

static void other_subflows_do_not_count(void **state)
{
    view.subflow[1] = view_subflow(1, 2, 0);
    view.subflow[2] = view_subflow(2, 0, 9);
    view.subflow_n = 3;
    view.ports = 2;
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_OPEN);
    view.ports = 1;
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_NOTHING);
}

static void limits(void **state)
{
    view.subflows_left = 0;
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_NOTHING);
    view_reset(NULL);
    view.may_open = false;
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_NOTHING);
    view_reset(NULL);
    view.remote[0].refuses = true;
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_NOTHING);
    view_reset(NULL);
    view.local[0].id = 7; /* the first address is gone */
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_NOTHING);
}

static void waits_for_a_bar(void **state)
{
    view.barred_n = 1;
    view.barred[0] = (struct pm_barred){.local_id = 0, .remote_id = 0, .until = 9 * PLAIT_SEC};
    view_ask(&pm_ndiffports_ops);
    assert_int_equal(d.what, PM_NOTHING);
    assert_int_equal(d.again, 9 * PLAIT_SEC);
}

#define T(f) cmocka_unit_test_setup(f, view_reset)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(as_many_as_asked_for), T(other_subflows_do_not_count), T(limits), T(waits_for_a_bar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cm.h"
#include "pm/pm.h"

#include <string.h>

static void names(void **state)
{
    assert_ptr_equal(pm_find("fullmesh"), &pm_fullmesh_ops);
    assert_ptr_equal(pm_find("none"), &pm_none_ops);
    assert_null(pm_find("full"));
    assert_null(pm_find("fullmeshes"));
    assert_null(pm_find(""));
}

static void none_does_nothing(void **state)
{
    struct pm_view view;
    struct pm_decision d = { .what = PM_OPEN };

    memset(&view, 0, sizeof view);
    view.may_open = view.may_announce = true;
    view.subflows_left = 8;
    view.local_n = view.remote_n = 1;
    view.local[0] = (struct pm_local){ .id = 1, .subflow = true, .signal = true,
                                       .addr = { .family = 4, .ip = { 10, 0, 0, 1 } } };
    view.remote[0] = (struct pm_remote){ .addr = { .family = 4, .ip = { 10, 0, 0, 2 } } };
    pm_none_ops.decide(&view, &d);
    assert_int_equal(d.what, PM_NOTHING);
    assert_true(d.again == PLAIT_NEVER);
}

static void the_list(void **state)
{
    unsigned n = 0;

    for (const struct pm_ops *ops; (ops = pm_at(n)) != NULL; n++) {
        assert_ptr_equal(pm_find(ops->name), ops);
        assert_true(ops->what[0] != '\0' && ops->decide != NULL);
    }
    assert_int_equal(n, 6);
    assert_ptr_equal(pm_at(0), &pm_fullmesh_ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names), cmocka_unit_test(none_does_nothing),
        cmocka_unit_test(the_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

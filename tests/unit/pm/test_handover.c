/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static void ask(enum pm_what what)
{
    view_ask(&pm_handover_ops);
    assert_int_equal(d.what, what);
}

static void one_is_enough(void **state)
{
    ask(PM_NOTHING);
    view.subflow[0].ready = false; /* it is being opened */
    ask(PM_NOTHING);
}

static void another_when_it_is_stale(void **state)
{
    view.subflow[0].stale = true;
    ask(PM_OPEN);
    assert_int_equal(view.local[d.local].id, 2);
    assert_int_equal(view.remote[d.remote].id, 9);
    view.subflow[1] = view_subflow(1, 2, 9);
    view.subflow[1].ready = false;
    view.subflow_n = 2;
    ask(PM_NOTHING); /* the other may fail */
    view.subflow[1].ready = true;
    ask(PM_CLOSE);
    assert_int_equal(d.subflow, 0);
    view.subflow[0].closing = true;
    ask(PM_NOTHING);
}

static void another_when_it_is_gone(void **state)
{
    view.subflow_n = 0;
    ask(PM_OPEN);
    view.subflow[0].closing = true;
    view.subflow_n = 1;
    ask(PM_OPEN);
    assert_true(d.local != 0 || d.remote != 0);
}

/* Both are well: it came back when the other was nearly there. */
static void the_younger_one_stays(void **state)
{
    view.subflow[1] = view.subflow[0];
    view.subflow[0] = view_subflow(1, 2, 9);
    view.subflow_n = 2;
    ask(PM_CLOSE);
    assert_int_equal(d.subflow, 1);
}

static void closes_only_its_own(void **state)
{
    view.subflow[1] = view_subflow(1, 2, 9);
    view.subflow[0].ours = false;
    view.subflow_n = 2;
    ask(PM_NOTHING);
    view.subflow[0].ours = true;
    view.may_open = false;
    ask(PM_NOTHING);
    view.local[1].signal = true;
    ask(PM_ANNOUNCE);
}

static void limit(void **state)
{
    view.subflow[0].stale = true;
    view.subflows_left = 0;
    ask(PM_NOTHING);
}

#define T(f) cmocka_unit_test_setup(f, view_reset)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_is_enough), T(another_when_it_is_stale), T(another_when_it_is_gone),
        T(the_younger_one_stays), T(closes_only_its_own), T(limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

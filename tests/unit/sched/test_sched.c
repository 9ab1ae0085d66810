/* SPDX-License-Identifier: Apache-2.0 */
#include "cm.h"
#include "sched/sched.h"

static void names(void **state)
{
    assert_ptr_equal(sched_find("minrtt"), &sched_minrtt_ops);
    assert_string_equal(sched_find("minrtt")->name, "minrtt");
    assert_null(sched_find("minrt"));
    assert_null(sched_find("minrtt2"));
    assert_null(sched_find(""));
}

/* Each has a name of its own, by which it is found, and a line for people. */
static void the_list(void **state)
{
    unsigned n = 0;

    for (const struct sched_ops *ops; (ops = sched_at(n)) != NULL; n++) {
        assert_ptr_equal(sched_find(ops->name), ops);
        assert_true(ops->what[0] != '\0' && ops->pick != NULL);
    }
    assert_int_equal(n, 10);
    assert_ptr_equal(sched_at(0), &sched_minrtt_ops);
    assert_true(sched_minrtt_penalty_ops.penalise && sched_minrtt_penalty_ops.opportune);
    assert_false(sched_minrtt_plain_ops.penalise || sched_minrtt_plain_ops.opportune);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(the_list) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

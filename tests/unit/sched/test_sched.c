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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

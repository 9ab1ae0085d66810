/* SPDX-License-Identifier: Apache-2.0 */
/* EWTCP: each of n subflows at 1 / n^2 of Reno's pace. */
#include "flows.h"

static void increase(void **state)
{
    static const struct flow_row row[FLOWS_MAX] = { { 10, .1 }, { 40, .01 }, { 20, .3 } };
    struct flows f;

    flows_init(&f, &cc_ewtcp_ops, row);
    NEAR(flows_gain(&f, 0), 1. / 9 / 10, 1e-7);
    NEAR(flows_gain(&f, 1), 1. / 9 / 40, 1e-7);
    cc_leave(&f.cc[2]);
    NEAR(flows_gain(&f, 0), 1. / 4 / 10, 1e-7);
    NEAR(flows_gain(&f, 2), 1. / 20, 1e-7);
    NEAR(flows_after_loss(&f, 1), 20, 0);
    assert_int_equal(flows_acks_to_step(&f, 0), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(increase) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

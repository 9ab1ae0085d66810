/* SPDX-License-Identifier: Apache-2.0 */
/* BALIA against values computed from its formulas in real numbers. */
#include "flows.h"

static const struct {
    struct flow_row flow[FLOWS_MAX];
    double gain[FLOWS_MAX], left[FLOWS_MAX];
} rows[] = {
    { { { 10, .1 }, { 10, .1 } }, { .025, .025 }, { 5, 5 } },
    { { { 20, .1 }, { 10, .1 } }, { .0222222, .02 }, { 10, 2.5 } },
    { { { 10, .01 }, { 10, .1 } }, { .08264463, .01272727 }, { 5, 2.5 } },
    { { { 30, .05 }, { 20, .05 }, { 10, .05 } }, { .00833333, .00763889, .00777778 },
      { 15, 5, 2.5 } },
    { { { 40, .02 }, { 8, .15 } }, { .02371816, .01347403 }, { 20, 2 } },
    { { { 10, .1 } }, { .1 }, { 5 } },
};

static void increase(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct flows f;
        flows_init(&f, &cc_balia_ops, rows[r].flow);
        for (unsigned i = 0; i < f.n; i++)
            NEAR(flows_gain(&f, i), rows[r].gain[i], 1e-7);
    }
}

static void decrease(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct flows f;
        flows_init(&f, &cc_balia_ops, rows[r].flow);
        for (unsigned i = 0; i < f.n; i++)
            NEAR(flows_after_loss(&f, i), rows[r].left[i], 1e-3);
    }
}

/* Between 1 and 1.5 halves: where a division of integers would know only the ends. */
static void decrease_between(void **state)
{
    static const struct flow_row row[FLOWS_MAX] = { { 25, .1 }, { 20, .1 } };
    static const struct flow_row small[FLOWS_MAX] = { { 25, .1 }, { 3, .1 } };
    struct flows f;

    flows_init(&f, &cc_balia_ops, row);
    NEAR(flows_after_loss(&f, 1), 10 * .75, 1e-3);
    flows_init(&f, &cc_balia_ops, small);
    NEAR(flows_after_loss(&f, 1), 1, 0);
    cc_leave(&f.cc[0]);
    NEAR(flows_after_loss(&f, 1), 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(increase), cmocka_unit_test(decrease), cmocka_unit_test(decrease_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

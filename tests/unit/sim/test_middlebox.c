/* SPDX-License-Identifier: Apache-2.0 */
/* Names of boxes. What each does to whole connections is in scenario/boxes. */
#include "sim/middlebox.h"
#include "unit/base/cm.h"

static bool accepted(const char *name)
{
    struct sim *sim = sim_new(1);
    struct sim_boxes *boxes = sim_boxes_new(sim);
    bool ok = sim_boxes_add(boxes, name, &(struct sim_box_at){0, 1});

    sim_boxes_free(boxes);
    assert_null(sim->hook);
    sim_free(sim);
    return ok;
}

static void test_names(void **state)
{
    static const char *const good[] = {
        "nat", "strip:mp_dss:synack", "strip:ts:from=12", "split:first/down", "csum/up",
        "strip:mptcp:later/up", "ecn:drop", "eol",
    };
    static const char *const bad[] = {
        "", "na", "nat:re", "nat:remap:syn", "strip", "strip:", "strip:mp", "strip:ts:sy",
        "strip:ts:from=", "strip:ts:from=x", "strip:ts:syn:syn", "split:al",
        "split:all/both", "csum/", "csum:x",
        "a name that is far longer than any that a box could ever have",
    };

    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!accepted(good[i]))
            fail_msg("%s is refused", good[i]);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (accepted(bad[i]))
            fail_msg("%s is accepted", bad[i]);
}

/* Each row has a name that works and that no other has, and says what the box does. */
static void test_table(void **state)
{
    struct sim_box_row row, other;

    assert_in_range(sim_box_rows(), 80, 200);
    for (unsigned i = 0; i < sim_box_rows(); i++) {
        sim_box_row(i, &row);
        if (!accepted(row.name))
            fail_msg("%s is refused", row.name);
        assert_true(row.does[0] != '\0' && row.seen != NULL);
        for (unsigned k = 0; k < i; k++) {
            sim_box_row(k, &other);
            assert_string_not_equal(row.name, other.name);
        }
    }
}

static void test_too_many(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_boxes *boxes = sim_boxes_new(sim);
    unsigned n = 0;

    while (n < 100 && sim_boxes_add(boxes, "csum", &(struct sim_box_at){0, 1}))
        n++;
    assert_in_range(n, 2, 99);
    assert_int_equal(sim_boxes_touched(boxes), 0);
    sim_boxes_free(boxes);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static int pick(void) { return sched_roundrobin_ops.pick(&state_of_it, &view); }

static int turn(uint32_t len)
{
    int i = pick();

    if (i != SCHED_WAIT)
        sched_roundrobin_ops.given(&state_of_it, &view, (unsigned)i, len);
    return i;
}

static void in_turn(void **state)
{
    view_reset(3);
    for (int i = 0; i < 12; i++)
        assert_int_equal(turn(MSS), i % 3);
}

/* What was chosen and not sent, for Nagle's sake, was no turn. */
static void only_what_was_sent_counts(void **state)
{
    view_reset(2);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(pick(), 0);
    assert_int_equal(turn(100), 0);
    assert_int_equal(turn(100), 1);
}

static void the_view_changes_its_order(void **state)
{
    struct sched_path first;

    view_reset(2);
    assert_int_equal(turn(MSS), 0);
    first = view.path[0];
    view.path[0] = view.path[1];
    view.path[1] = first;
    assert_int_equal(turn(MSS), 0); /* the second path */
    assert_int_equal(turn(MSS), 1);
}

/* A full path misses its turn, and the round does not wait for it. */
static void full_ones_are_left_out(void **state)
{
    view_reset(3);
    view.path[1].room = 0;
    assert_int_equal(turn(MSS), 0);
    assert_int_equal(turn(MSS), 2);
    assert_int_equal(turn(MSS), 0);
    view.path[0].room = view.path[2].room = 0;
    assert_int_equal(turn(MSS), SCHED_WAIT);
    view.path[0].backup = view.path[2].backup = true;
    view.path[0].room = MSS;
    assert_int_equal(turn(MSS), SCHED_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_turn), cmocka_unit_test(only_what_was_sent_counts),
        cmocka_unit_test(the_view_changes_its_order), cmocka_unit_test(full_ones_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static void ranks(void **state)
{
    struct sched_path p = {.usable = true};

    assert_int_equal(sched_rank(&p, true), SCHED_RANK_GOOD);
    p.backup = true;
    assert_int_equal(sched_rank(&p, true), SCHED_RANK_BACKUP);
    p.carried = true;
    assert_int_equal(sched_rank(&p, true), SCHED_RANK_CARRIED);
    assert_int_equal(sched_rank(&p, false), SCHED_RANK_BACKUP);
    p.stale = true;
    assert_int_equal(sched_rank(&p, false), SCHED_RANK_STALE);
    assert_int_equal(sched_rank(&p, true), SCHED_RANK_STALE_CARRIED);
    p.usable = false;
    assert_int_equal(sched_rank(&p, false), SCHED_RANK_NONE);
}

static void the_best_one_needs_no_room(void **state)
{
    view_reset(2);
    view.path[0].stale = true;
    view.path[1].room = 0;
    assert_int_equal(sched_rank_best(&view, false), SCHED_RANK_GOOD);
    view.path[1].usable = false;
    assert_int_equal(sched_rank_best(&view, false), SCHED_RANK_STALE);
    view.n = 0;
    assert_int_equal(sched_rank_best(&view, false), SCHED_RANK_NONE);
}

static void rivals(void **state)
{
    struct sched_rivals r;

    view_reset(3);
    view.path[0].room = 0;
    assert_true(sched_rivals(&view, sched_lowest_rtt(&view), &r));
    assert_ptr_equal(r.fast, &view.path[0]);
    assert_ptr_equal(r.slow, &view.path[1]);
    /* Nobody is faster, nobody was chosen, somebody waits for these bytes already. */
    assert_false(sched_rivals(&view, 0, &r));
    assert_false(sched_rivals(&view, SCHED_WAIT, &r));
    view.reinject = true;
    assert_false(sched_rivals(&view, 1, &r));
}

/* Waiting for a path that has nothing on its way would be for ever. */
static void nothing_to_wait_for(void **state)
{
    struct sched_rivals r;

    view_reset(2);
    view.path[0].room = view.path[0].queued = 0;
    assert_false(sched_rivals(&view, 1, &r));
    view_reset(2);
    view.path[0].stale = true;
    assert_false(sched_rivals(&view, 1, &r));
    view_reset(2);
    view.path[1].srtt = 0;
    assert_false(sched_rivals(&view, 1, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks),
        cmocka_unit_test(the_best_one_needs_no_room),
        cmocka_unit_test(rivals),
        cmocka_unit_test(nothing_to_wait_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

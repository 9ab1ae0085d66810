/* SPDX-License-Identifier: Apache-2.0 */
#include "cm.h"
#include "sched/sched.h"

#include <string.h>

static struct sched_view view;

static struct sched_path good(plait_time srtt, uint32_t room)
{
    return (struct sched_path){ .srtt = srtt, .room = room, .cwnd = 14000, .mss = 1400,
                                .usable = true };
}

static int pick(void)
{
    union sched_state state;

    memset(&state, 0, sizeof state);
    return sched_minrtt_ops.pick(&state, &view);
}

static void set(unsigned n, struct sched_path a, struct sched_path b, struct sched_path c)
{
    memset(&view, 0, sizeof view);
    view.want = view.window = 100000;
    view.n = (uint8_t)n;
    view.path[0] = a;
    view.path[1] = b;
    view.path[2] = c;
}

static void lowest_rtt_with_room(void **state)
{
    set(3, good(30, 1400), good(10, 1400), good(20, 1400));
    assert_int_equal(pick(), 1);
    view.path[1].room = 0;
    assert_int_equal(pick(), 2);
    view.path[2].room = view.path[0].room = 0;
    assert_int_equal(pick(), SCHED_WAIT);
    view.n = 0;
    assert_int_equal(pick(), SCHED_WAIT);
}

static void no_sample_comes_last(void **state)
{
    set(2, good(0, 1400), good(500000, 1400), good(0, 0));
    assert_int_equal(pick(), 1);
    view.path[1].room = 0;
    assert_int_equal(pick(), 0);
}

static void equal_takes_the_first(void **state)
{
    set(3, good(10, 1400), good(10, 1400), good(10, 1400));
    assert_int_equal(pick(), 0);
}

static void unusable_is_nothing(void **state)
{
    set(2, good(10, 1400), good(20, 1400), good(0, 0));
    view.path[0].usable = false;
    assert_int_equal(pick(), 1);
    view.path[1].usable = false;
    assert_int_equal(pick(), SCHED_WAIT);
}

/*= RFC 8684 3.3.8-1 */
/* A spare path is not for overflow. */
static void backup_waits(void **state)
{
    set(2, good(50, 0), good(10, 1400), good(0, 0));
    view.path[1].backup = true;
    assert_int_equal(pick(), SCHED_WAIT);
    view.path[0].stale = true;
    assert_int_equal(pick(), 1);
    view.path[0].stale = false;
    view.path[0].usable = false;
    assert_int_equal(pick(), 1);
}

static void stale_is_the_last_resort(void **state)
{
    set(2, good(10, 1400), good(90, 0), good(0, 0));
    view.path[0].stale = true;
    assert_int_equal(pick(), SCHED_WAIT);
    view.path[1].stale = true;
    assert_int_equal(pick(), 0);
}

static void reinjection_goes_elsewhere(void **state)
{
    set(2, good(10, 1400), good(90, 1400), good(0, 0));
    view.path[0].carried = true;
    assert_int_equal(pick(), 0); /* not a reinjection: it does not matter */
    view.reinject = true;
    assert_int_equal(pick(), 1);
    view.path[1].room = 0;
    assert_int_equal(pick(), SCHED_WAIT);
    view.path[1].usable = false;
    assert_int_equal(pick(), 0); /* nobody else is there */
    view.path[1].usable = true;
    view.path[1].stale = true;
    view.path[1].room = 1400;
    assert_int_equal(pick(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowest_rtt_with_room), cmocka_unit_test(no_sample_comes_last),
        cmocka_unit_test(equal_takes_the_first), cmocka_unit_test(unusable_is_nothing),
        cmocka_unit_test(backup_waits), cmocka_unit_test(stale_is_the_last_resort),
        cmocka_unit_test(reinjection_goes_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

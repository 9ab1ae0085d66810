/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static int pick(void) { return sched_linger_ops.pick(&state_of_it, &view); }

/* Bytes, and bytes a second. */
static void queue(unsigned i, uint32_t queued, uint64_t pace)
{
    view.path[i].queued = queued;
    own[i] = pace;
}

static void shortest_queue_in_time(void **state)
{
    view_reset(2);
    queue(0, 100000, 1000000); /* 0.1 s */
    queue(1, 20000, 250000);   /* 0.08 s */
    assert_int_equal(pick(), 1);
    /* An empty slow path comes before a fast one that has something to do. */
    queue(0, 0, 250000);
    queue(1, 1, 12500000);
    assert_int_equal(pick(), 0);
    queue(1, 0, 12500000);
    assert_int_equal(pick(), 0); /* the first of equals */
}

/* 60000 bytes at 1 MB/s against 30000 at 250 kB/s; it paces at 1.2 MB/s by now. */
static void average_by_bytes(void **state)
{
    view_reset(2);
    queue(0, 60000, 1000000);
    queue(1, 30000, 250000);
    view.path[0].srtt = 100 * MS;
    view.path[0].cwnd = 100000; /* 120 % of it in each 100 ms */
    assert_int_equal(pick(), 0);
    sched_linger_ops.given(&state_of_it, &view, 0, 1400);
    assert_int_equal(own[0], 1104327);
    assert_int_equal(own[1], 250000);
}

static void slow_start_paces_at_twice(void **state)
{
    view_reset(1);
    view.path[0].srtt = 100 * MS;
    view.path[0].cwnd = 100000;
    view.path[0].ssthresh = 0x7fffffff;
    sched_linger_ops.given(&state_of_it, &view, 0, 1400);
    assert_int_equal(own[0], 2000000);
}

/* Where the best one is full all wait, and do not take the second best. */
static void waits_for_the_best(void **state)
{
    view_reset(2);
    queue(0, 10000, 1000000);
    queue(1, 10000, 250000);
    view.path[0].room = 0;
    assert_int_equal(pick(), SCHED_WAIT);
    view.path[0].stale = true;
    assert_int_equal(pick(), 1);
    view.path[1].backup = true;
    assert_int_equal(pick(), 1);
    view.path[0].stale = false;
    assert_int_equal(pick(), SCHED_WAIT);
    view.n = 0;
    assert_int_equal(pick(), SCHED_WAIT);
}

/* No RTT yet, nothing in any queue. */
static void a_new_path(void **state)
{
    view_reset(1);
    view.path[0].srtt = 0;
    view.path[0].queued = view.path[0].cwnd = 0;
    assert_int_equal(pick(), 0);
    view.window = 0;
    sched_linger_ops.given(&state_of_it, &view, 0, 1400);
    assert_true(own[0] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortest_queue_in_time), cmocka_unit_test(average_by_bytes),
        cmocka_unit_test(slow_start_paces_at_twice), cmocka_unit_test(waits_for_the_best),
        cmocka_unit_test(a_new_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

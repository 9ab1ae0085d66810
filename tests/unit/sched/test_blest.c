/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/blest.h"
#include "view.h"

struct vector {
    uint32_t w_f;
    plait_time r_f, r_s;
    uint32_t inflight;
    uint64_t window, x;
    bool waits;
};

/* The paper's rule with delta = 1. */
static const struct vector vectors[] = {
    {20, 20 * MS, 80 * MS, 5, 200000, 125560, false},
    {20, 20 * MS, 80 * MS, 5, 100000, 125560, true},
    {20, 20 * MS, 150 * MS, 10, 262144, 254588, true},
    {40, 20 * MS, 150 * MS, 10, 524288, 473588, false},
};

static void the_paper(void **state)
{
    for (unsigned i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        struct sched_rivals r = {&view.path[0], &view.path[1]};
        view_reset(2);
        view_path(0, v->w_f, v->r_f, v->w_f, 0);
        view_path(1, 20, v->r_s, v->inflight, 0);
        view.path[0].room = 0;
        view.span = v->window;
        assert_in_range(sched_blest_estimate(&r), v->x - 1, v->x);
        assert_int_equal(sched_blest_waits(&r, v->window, SCHED_BLEST_ONE), v->waits);
        assert_int_equal(sched_blest_ops.pick(&state_of_it, &view) == SCHED_WAIT, v->waits);
    }
}

static void fast_path_first(void **state)
{
    view_reset(2);
    view.span = 1000;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), 0);
    view.reinject = true;
    view.path[0].room = 0;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), 1);
}

/* A window that was blocked all the same makes it more careful, a step for each round trip of the
 * fast path; peace takes that back. */
static void it_learns(void **state)
{
    view_reset(2);
    view_path(0, 20, 20 * MS, 20, 0);
    view_path(1, 20, 80 * MS, 5, 0);
    view.path[0].room = 0;
    view.span = 140000; /* X = 125560, left = 131240: enough until delta = 1.05 */
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), 1);
    view.now += 20 * MS;
    view.blocked++;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), 1);
    view.blocked++; /* within the same round trip */
    view.now += 19 * MS;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), 1);
    view.now += 1 * MS;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), SCHED_WAIT);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), SCHED_WAIT);
        view.now += 20 * MS;
    }
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), SCHED_WAIT);
    view.now += 20 * MS;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), 1);
}

/* Left out with a round trip time of 2 s, all of it queue: refused while something of ours is on
 * it, and tried again when nothing is. */
static void a_drained_path_is_tried(void **state)
{
    (void)state;
    view_reset(2);
    view_path(0, 20, 20 * MS, 20, 0);
    view_path(1, 20, 2000 * MS, 1, 0);
    view.path[0].room = 0;
    view.path[1].min_rtt = 60 * MS;
    view.span = 1000000;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), SCHED_WAIT);
    view.path[1].queued = view.path[1].flight = 0;
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), 1);
    view.path[1].min_rtt = 0; /* not known: the last one is all there is */
    assert_int_equal(sched_blest_ops.pick(&state_of_it, &view), SCHED_WAIT);
}

static void extremes_do_not_overflow(void **state)
{
    struct sched_rivals r = {&view.path[0], &view.path[1]};

    view_reset(2);
    view_path(0, 1, 1, 1, 0);
    view_path(1, 1, (plait_time)1 << 40, 1, 0);
    view.path[0].cwnd = 1 << 30;
    assert_true(sched_blest_waits(&r, UINT32_MAX, 2 * SCHED_BLEST_ONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_paper),
        cmocka_unit_test(fast_path_first),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(a_drained_path_is_tried),
        cmocka_unit_test(extremes_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

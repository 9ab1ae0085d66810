/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/ecf.h"
#include "view.h"

struct vector {
    uint32_t k, w_f, w_s;
    plait_time r_f, r_s, var_f, var_s;
    bool waited, waits;
};

/* Packets and microseconds; worked out by hand from the paper's rule, but for the first one. */
static const struct vector vectors[] = {
    {2, 20, 10, 20 * MS, 150 * MS, 2 * MS, 10 * MS, false, true}, /* their code, see ecf.c */
    {10, 20, 10, 20 * MS, 150 * MS, 2 * MS, 10 * MS, false, true},
    {150, 20, 10, 20 * MS, 150 * MS, 2 * MS, 10 * MS, false, false}, /* 0.170 s > 0.160 s */
    {165, 20, 10, 20 * MS, 150 * MS, 2 * MS, 10 * MS, true, true},   /* 0.185 s < 0.200 s */
    {165, 20, 10, 20 * MS, 150 * MS, 2 * MS, 10 * MS, false, false}, /* 0.185 s > 0.160 s */
    {200, 20, 10, 20 * MS, 150 * MS, 2 * MS, 10 * MS, false, false},
    {40, 10, 10, 40 * MS, 50 * MS, 2 * MS, 10 * MS, false, false},
};

static void the_paper(void **state)
{
    for (unsigned i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        view_reset(2);
        view_path(0, v->w_f, v->r_f, v->w_f, v->var_f);
        view_path(1, v->w_s, v->r_s, 0, v->var_s);
        view.path[0].room = 0;
        view.waiting = (uint64_t)v->k * MSS;
        state_of_it.word[0] = v->waited;
        if ((sched_ecf_ops.pick(&state_of_it, &view) == SCHED_WAIT) != v->waits)
            fail_msg("vector %u", i);
    }
}

/* Waiting makes it easier to go on waiting, until there is so much that both are needed. */
static void hysteresis(void **state)
{
    view_reset(2);
    view_path(0, 20, 20 * MS, 20, 2 * MS);
    view_path(1, 10, 150 * MS, 0, 10 * MS);
    view.path[0].room = 0;
    view.waiting = 100 * MSS;
    assert_int_equal(sched_ecf_ops.pick(&state_of_it, &view), SCHED_WAIT);
    view.waiting = 165 * MSS;
    assert_int_equal(sched_ecf_ops.pick(&state_of_it, &view), SCHED_WAIT);
    view.waiting = 200 * MSS;
    assert_int_equal(sched_ecf_ops.pick(&state_of_it, &view), 1);
    view.waiting = 165 * MSS;
    assert_int_equal(sched_ecf_ops.pick(&state_of_it, &view), 1);
}

static void extremes_do_not_overflow(void **state)
{
    view_reset(2);
    view_path(0, 1, 1, 1, UINT64_MAX / 2);
    view_path(1, 1, UINT64_MAX / 2, 0, UINT64_MAX / 2);
    view.path[0].room = 0;
    view.path[0].cwnd = view.path[1].cwnd = UINT32_MAX;
    view.path[1].cwnd = 1 << 20;
    view.waiting = UINT64_MAX;
    assert_int_equal(sched_ecf_ops.pick(&state_of_it, &view), SCHED_WAIT);
}

static void fast_path_first(void **state)
{
    view_reset(2);
    assert_int_equal(sched_ecf_ops.pick(&state_of_it, &view), 0);
    view.path[0].room = view.path[1].room = 0;
    assert_int_equal(sched_ecf_ops.pick(&state_of_it, &view), SCHED_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_paper),
        cmocka_unit_test(hysteresis),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(fast_path_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

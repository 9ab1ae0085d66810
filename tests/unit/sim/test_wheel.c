/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rng.h"
#include "sim/wheel.h"
#include "unit/base/cm.h"

#include <stdlib.h>

enum { ITEMS = 400, STEPS = 40000 };

struct item {
    struct sim_wheel_node node;
    uint64_t set; /* when it was put in, by count */
};

static void test_empty(void **state)
{
    static struct sim_wheel w;
    struct sim_wheel_node node = {0};

    sim_wheel_init(&w);
    assert_int_equal(sim_wheel_first(&w, PLAIT_NEVER), PLAIT_NEVER);
    assert_null(sim_wheel_take(&w));
    sim_wheel_del(&w, &node);
    sim_wheel_add(&w, &node, 5);
    assert_true(node.queued);
    sim_wheel_del(&w, &node);
    assert_false(node.queued);
    assert_null(sim_wheel_take(&w));
}

/* Far away and near, each digit of a time. */
static void test_far(void **state)
{
    static struct sim_wheel w;
    struct sim_wheel_node node[64];
    plait_time last = 0;

    sim_wheel_init(&w);
    for (unsigned i = 0; i < 64; i++) {
        node[i] = (struct sim_wheel_node){0};
        sim_wheel_add(&w, &node[i], (UINT64_C(1) << i) + (i < 63 ? 0 : 12345));
    }
    for (unsigned i = 0; i < 64; i++) {
        assert_true(sim_wheel_first(&w, last) > last);
        assert_true(sim_wheel_first(&w, PLAIT_NEVER) > last);
        last = sim_wheel_first(&w, PLAIT_NEVER);
        assert_ptr_equal(sim_wheel_take(&w), &node[i]);
    }
    assert_null(sim_wheel_take(&w));
}

/* What was put in first comes first, though it came into the wheel when that time was far away and
 * the other one when it was near. */
static void test_order(void **state)
{
    static struct sim_wheel w;
    struct sim_wheel_node far = {0}, mark = {0}, near = {0};

    sim_wheel_init(&w);
    sim_wheel_add(&w, &far, 1000000);
    sim_wheel_add(&w, &mark, 999990);
    assert_ptr_equal(sim_wheel_take(&w), &mark);
    sim_wheel_add(&w, &near, 1000000);
    assert_ptr_equal(sim_wheel_take(&w), &far);
    assert_ptr_equal(sim_wheel_take(&w), &near);
}

/* The one that a walk over all finds. */
static struct item *search(struct item *item)
{
    struct item *first = NULL;

    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *it = &item[i];
        if (!it->node.queued)
            continue;
        if (first == NULL || it->node.at < first->node.at ||
            (it->node.at == first->node.at && it->set < first->set))
            first = it;
    }
    return first;
}

/* As a sorted list would have it, whatever is added, moved and taken out. */
static void test_like_a_list(void **state)
{
    static struct sim_wheel w;
    static struct item item[ITEMS];
    struct sim_rng rng;
    plait_time now = 1000000;

    sim_rng_init(&rng, 7);
    sim_wheel_init(&w);
    for (uint64_t i = 0; i < STEPS; i++) {
        struct item *it = &item[sim_rng_below(&rng, ITEMS)], *first;
        uint64_t what = sim_rng_below(&rng, 10);
        if (what < 6) {
            it->set = i;
            uint64_t reach = UINT64_C(1) << sim_rng_below(&rng, 30);
            sim_wheel_add(&w, &it->node, now + sim_rng_below(&rng, reach));
        } else if (what < 7) {
            sim_wheel_del(&w, &it->node);
        } else if ((first = search(item)) != NULL) {
            plait_time by = now + sim_rng_below(&rng, 2 * (first->node.at - now + 1));
            plait_time at = sim_wheel_first(&w, by);
            if (first->node.at > by) { /* not yet: others may be added from here on */
                assert_true(at > by);
                now = by;
                continue;
            }
            assert_int_equal(at, first->node.at);
            now = at;
            assert_ptr_equal(sim_wheel_take(&w), &first->node);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_like_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

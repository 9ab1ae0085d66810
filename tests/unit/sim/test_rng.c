/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rng.h"
#include "unit/base/cm.h"

static void test_a_seed_is_a_sequence(void **state)
{
    struct sim_rng a, b, c;

    sim_rng_init(&a, 7);
    sim_rng_init(&b, 7);
    sim_rng_init(&c, 8);
    unsigned equal = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t v = sim_rng_u64(&a);
        assert_true(v == sim_rng_u64(&b));
        equal += v == sim_rng_u64(&c);
    }
    assert_int_equal(equal, 0);
}

static void test_bounds(void **state)
{
    struct sim_rng r;
    unsigned hit[10] = {0};

    sim_rng_init(&r, 1);
    assert_int_equal(sim_rng_below(&r, 0), 0);
    for (int i = 0; i < 10000; i++) {
        assert_in_range(sim_rng_between(&r, 5, 9), 5, 9);
        hit[sim_rng_below(&r, 10)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(hit[i], 850, 1150);
}

static void test_chance(void **state)
{
    struct sim_rng r;
    unsigned n = 0;

    sim_rng_init(&r, 2);
    for (int i = 0; i < 100000; i++) {
        assert_false(sim_rng_chance(&r, 0));
        assert_true(sim_rng_chance(&r, 1000000));
        n += sim_rng_chance(&r, 10000);
    }
    assert_in_range(n, 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_is_a_sequence),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

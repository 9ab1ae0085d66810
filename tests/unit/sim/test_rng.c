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

/* ln 2 is the median, and a thousandth is beyond seven means. */
static void test_exponential(void **state)
{
    enum { N = 100000, MEAN = 1000000 };
    struct sim_rng r;
    uint64_t sum = 0;
    unsigned below[4] = {0}, far = 0;

    sim_rng_init(&r, 3);
    for (int i = 0; i < N; i++) {
        uint64_t x = sim_rng_exp(&r, MEAN);
        sum += x;
        for (unsigned k = 0; k < 4; k++)
            below[k] += x < (k + 1) * 693147;
        far += x > 6907755;
    }
    assert_in_range(sum / N, 990000, 1010000);
    assert_in_range(below[0], 49500, 50500);
    assert_in_range(below[1], 74500, 75500);
    assert_in_range(below[2], 87100, 87900);
    assert_in_range(below[3], 93450, 94050);
    assert_in_range(far, 70, 130);
    assert_int_equal(sim_rng_exp(&r, 0), 0);
    assert_true(sim_rng_exp(&r, UINT64_C(1) << 34) < UINT64_C(23) << 34);
}

static void test_permutation(void **state)
{
    enum { N = 4, RUNS = 24000 };
    struct sim_rng r;
    unsigned count[256] = {0}, kinds = 0, v[N];

    sim_rng_init(&r, 4);
    for (int i = 0; i < RUNS; i++) {
        sim_rng_permute(&r, v, N);
        count[v[0] | v[1] << 2 | v[2] << 4 | v[3] << 6]++;
    }
    for (unsigned i = 0; i < 256; i++) {
        if (count[i] == 0)
            continue;
        unsigned seen = 0;
        for (unsigned k = 0; k < N; k++)
            seen |= 1u << (i >> 2 * k & 3);
        assert_int_equal(seen, 15);
        assert_in_range(count[i], 850, 1150);
        kinds++;
    }
    assert_int_equal(kinds, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_is_a_sequence),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_chance),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_permutation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

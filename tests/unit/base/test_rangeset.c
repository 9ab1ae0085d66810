/* SPDX-License-Identifier: Apache-2.0 */
/* Range sets against a naive model: one flag for each position. */
#include "base/rangeset.h"

#include "cm.h"
#include "testenv.h"
#include <string.h>

enum { SPAN = 300 };

static const uint64_t base = UINT64_MAX - 1000;

static void merges_and_splits(void **state)
{
    struct testenv t;
    struct rangeset s;

    testenv_init(&t, 1);
    rangeset_init(&s, &t.env, 100);
    assert_int_equal(rangeset_add(&s, 10, 20), 0);
    assert_int_equal(rangeset_add(&s, 30, 40), 0);
    assert_int_equal(s.n, 2);
    assert_int_equal(rangeset_add(&s, 20, 30), 0); /* touches both */
    assert_true(s.n == 1 && s.v[0].lo == 10 && s.v[0].hi == 40);
    assert_int_equal(rangeset_add(&s, 5, 5), 0);
    assert_int_equal(s.n, 1);
    assert_int_equal(rangeset_del(&s, 15, 18), 0);
    assert_true(s.n == 2 && s.v[0].hi == 15 && s.v[1].lo == 18);
    assert_int_equal(rangeset_del(&s, 15, 18), 0);
    assert_int_equal(s.n, 2);
    assert_true(rangeset_covers(&s, 18, 40) && !rangeset_covers(&s, 14, 19));
    assert_true(rangeset_covers(&s, 7, 7));
    assert_int_equal(rangeset_bytes(&s), 27);
    rangeset_cut_below(&s, 20);
    assert_true(s.n == 1 && s.v[0].lo == 20);
    rangeset_cut_below(&s, 1000);
    assert_int_equal(s.n, 0);
    rangeset_fini(&s);
    assert_int_equal(t.live, 0);
}

static void limit_leaves_the_set_alone(void **state)
{
    struct testenv t;
    struct rangeset s;

    testenv_init(&t, 1);
    rangeset_init(&s, &t.env, 3);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(rangeset_add(&s, i * 10, i * 10 + 5), 0);
    assert_int_equal(rangeset_add(&s, 100, 101), PLAIT_ELIMIT);
    assert_int_equal(rangeset_del(&s, 2, 3), PLAIT_ELIMIT);
    assert_int_equal(rangeset_bytes(&s), 15);
    assert_int_equal(rangeset_add(&s, 5, 10), 0); /* merging needs no room */
    assert_int_equal(rangeset_add(&s, 100, 101), 0);
    assert_true(rangeset_check(&s));
    rangeset_fini(&s);
    assert_int_equal(t.live, 0);
}

static void no_memory_leaves_the_set_alone(void **state)
{
    struct testenv t;
    struct rangeset s;

    testenv_init(&t, 1);
    rangeset_init(&s, &t.env, 100);
    t.fail_in = 0;
    assert_int_equal(rangeset_add(&s, 1, 2), 0); /* one always finds room */
    assert_int_equal(rangeset_add(&s, 4, 5), PLAIT_ENOMEM);
    assert_true(s.n == 1 && rangeset_check(&s));
    t.fail_in = -1;
    assert_int_equal(rangeset_add(&s, 4, 5), 0);
    assert_int_equal(t.live, 1);
    rangeset_cut_below(&s, 9);
    assert_true(s.n == 0 && t.live == 0 && rangeset_check(&s));
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(rangeset_add(&s, i * 10, i * 10 + 5), 0);
    t.fail_in = 0;
    assert_int_equal(rangeset_add(&s, 500, 501), PLAIT_ENOMEM);
    assert_int_equal(rangeset_del(&s, 2, 3), PLAIT_ENOMEM);
    assert_true(rangeset_bytes(&s) == 40 && rangeset_check(&s));
    rangeset_fini(&s);
    assert_int_equal(t.live, 0);
}

static void compare(const struct rangeset *s, const uint8_t *flag)
{
    uint64_t bytes = 0;
    uint32_t runs = 0;

    assert_true(rangeset_check(s));
    for (uint64_t i = 0; i < SPAN; i++) {
        assert_int_equal(rangeset_has(s, base + i), flag[i]);
        bytes += flag[i];
        runs += flag[i] && (i == 0 || !flag[i - 1]);
    }
    assert_int_equal(rangeset_bytes(s), bytes);
    assert_int_equal(s->n, runs);
}

static void random_operations(void **state)
{
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct testenv t;
        struct rangeset s;
        uint8_t flag[SPAN] = { 0 };
        testenv_init(&t, seed);
        rangeset_init(&s, &t.env, 1000);
        for (unsigned i = 0; i < 500; i++) {
            uint64_t lo = dice_roll(&t, SPAN), n = dice_roll(&t, 20);
            uint64_t hi = lo + n < SPAN ? lo + n : SPAN;
            unsigned dice = (unsigned)dice_roll(&t, 20);
            bool all = true;
            if (dice < 10) {
                assert_int_equal(rangeset_add(&s, base + lo, base + hi), 0);
                memset(flag + lo, 1, (size_t)(hi - lo));
            } else if (dice < 19) {
                assert_int_equal(rangeset_del(&s, base + lo, base + hi), 0);
                memset(flag + lo, 0, (size_t)(hi - lo));
            } else {
                rangeset_cut_below(&s, base + lo / 4);
                memset(flag, 0, (size_t)lo / 4);
            }
            for (uint64_t k = lo; k < hi; k++)
                all = all && flag[k];
            assert_int_equal(rangeset_covers(&s, base + lo, base + hi), all);
            compare(&s, flag);
        }
        rangeset_fini(&s);
        assert_int_equal(t.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_and_splits),
        cmocka_unit_test(limit_leaves_the_set_alone),
        cmocka_unit_test(no_memory_leaves_the_set_alone),
        cmocka_unit_test(random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

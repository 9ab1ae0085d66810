/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/spin.h"
#include "unit/base/cm.h"

static void test_pays_and_goes_on(void **state)
{
    struct drv_spin s;

    (void)state;
    drv_spin_init(&s, 50, 2);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(drv_spin_begin(&s), 50);
        drv_spin_end(&s, DRV_SPIN_PAID);
    }
}

/* How many of so many sleeps are spun before, when none ever pays. */
static unsigned spins_in_vain(struct drv_spin *s, unsigned sleeps)
{
    unsigned n = 0;

    for (unsigned i = 0; i < sleeps; i++)
        if (drv_spin_begin(s) > 0) {
            drv_spin_end(s, DRV_SPIN_FAILED);
            n++;
        }
    return n;
}

static void test_stops_where_nothing_comes(void **state)
{
    struct drv_spin s;

    (void)state;
    drv_spin_init(&s, 50, 2);
    assert_in_range(spins_in_vain(&s, 6400), 90, 110); /* one of 64, and the first few */
    drv_spin_end(&s, DRV_SPIN_PAID); /* a probe met news */
    assert_int_equal(drv_spin_begin(&s), 50);
    assert_in_range(spins_in_vain(&s, 10), 1, 9);
}

/* The processor is shared with somebody: not once more before the next probe. */
static void test_a_taken_processor_ends_it_at_once(void **state)
{
    struct drv_spin s;

    (void)state;
    drv_spin_init(&s, 50, 2);
    for (int i = 0; i < 20; i++)
        drv_spin_end(&s, DRV_SPIN_PAID);
    assert_int_equal(drv_spin_begin(&s), 50);
    drv_spin_end(&s, DRV_SPIN_TAKEN);
    assert_int_equal(spins_in_vain(&s, 63), 0);
    assert_int_equal(spins_in_vain(&s, 1), 1);
}

static void test_never_where_it_cannot_pay(void **state)
{
    struct drv_spin s;

    (void)state;
    drv_spin_init(&s, 50, 1); /* one processor */
    assert_int_equal(spins_in_vain(&s, 1000), 0);
    drv_spin_init(&s, 0, 8); /* not wanted */
    assert_int_equal(spins_in_vain(&s, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pays_and_goes_on),
        cmocka_unit_test(test_stops_where_nothing_comes),
        cmocka_unit_test(test_a_taken_processor_ends_it_at_once),
        cmocka_unit_test(test_never_where_it_cannot_pay),
    };

    return cmocka_run_group_tests_name("driver/spin", tests, NULL, NULL);
}

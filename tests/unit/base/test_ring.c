/* SPDX-License-Identifier: Apache-2.0 */
/* Rings against a naive model: a plain array. */
#include "base/ring.h"

#include "cm.h"
#include "testenv.h"
#include <string.h>

struct elem { uint64_t v; uint32_t w; };

static void caps(void **state)
{
    struct testenv t;
    struct ring r;

    testenv_init(&t, 1);
    ring_init(&r, &t.env, sizeof(struct elem), 20);
    for (unsigned i = 0; i < 20; i++)
        assert_non_null(ring_push(&r));
    assert_null(ring_push(&r));
    assert_null(ring_insert(&r, 3));
    assert_int_equal(r.count, 20);
    ring_pop(&r, 20);
    assert_int_equal(t.live, 0); /* an empty ring holds no memory */
    ring_fini(&r);
    ring_init(&r, &t.env, sizeof(struct elem), 0);
    assert_null(ring_push(&r));
    ring_fini(&r);
}

static void failing_memory(void **state)
{
    struct testenv t;
    struct ring r;

    testenv_init(&t, 1);
    ring_init(&r, &t.env, sizeof(struct elem), 100);
    t.fail_in = 1;
    for (unsigned i = 0; i < 8; i++)
        assert_non_null(ring_push(&r));
    assert_null(ring_push(&r));
    assert_null(ring_insert(&r, 0));
    assert_int_equal(r.count, 8);
    t.fail_in = -1;
    assert_non_null(ring_push(&r));
    ring_fini(&r);
    assert_int_equal(t.live, 0);
}

static void reserving(void **state)
{
    struct testenv t;
    struct ring r;

    testenv_init(&t, 1);
    ring_init(&r, &t.env, sizeof(struct elem), 20);
    for (unsigned i = 0; i < 6; i++)
        ((struct elem *)ring_push(&r))->v = i;
    ring_pop(&r, 4);
    assert_true(ring_reserve(&r, 14)); /* moves a ring that is not full and does not start at 0 */
    assert_true(((struct elem *)ring_at(&r, 0))->v == 4 && ((struct elem *)ring_at(&r, 1))->v == 5);
    t.fail_in = 0;
    for (unsigned i = 0; i < 14; i++)
        assert_non_null(ring_push(&r));
    assert_false(ring_reserve(&r, 3));
    t.fail_in = -1;
    assert_true(ring_reserve(&r, 100)); /* as many as allowed */
    ring_fini(&r);
    assert_int_equal(t.live, 0);
}

static void reserved_room_cannot_fail(void **state)
{
    struct testenv t;
    struct ring r;

    testenv_init(&t, 1);
    ring_init(&r, &t.env, sizeof(struct elem), 100);
    for (unsigned i = 0; i < 6; i++)
        assert_non_null(ring_push(&r));
    ring_pop(&r, 5);
    for (unsigned i = 0; i < 4; i++) /* around the end of the array */
        ((struct elem *)ring_push(&r))->v = i;
    assert_true(ring_reserve(&r, 40));
    t.fail_in = 0;
    for (unsigned i = 4; i < 44; i++)
        ((struct elem *)ring_push(&r))->v = i;
    for (unsigned i = 0; i < 44; i++)
        assert_int_equal(((struct elem *)ring_at(&r, i + 1))->v, i);
    assert_true(ring_reserve(&r, 1)); /* there is room still */
    assert_false(ring_reserve(&r, 50));
    t.fail_in = -1;
    assert_true(ring_reserve(&r, UINT32_MAX)); /* as many as max allows */
    assert_true(r.cap >= 100);
    ring_fini(&r);
    assert_int_equal(t.live, 0);
}

static void random_operations(void **state)
{
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct testenv t;
        struct ring r;
        uint64_t model[400];
        uint32_t n = 0;
        testenv_init(&t, seed);
        ring_init(&r, &t.env, sizeof(struct elem), 300);
        for (uint64_t i = 1; i < 3000; i++) {
            unsigned dice = (unsigned)dice_roll(&t, 20);
            struct elem *e = NULL;
            uint32_t at = (uint32_t)dice_roll(&t, n + 1);
            if (dice < 10) {
                at = n;
                e = ring_push(&r);
            } else if (dice < 14) {
                e = ring_insert(&r, at);
            } else if (dice < 19) {
                at = (uint32_t)dice_roll(&t, (n < 8 ? n : 8) + 1);
                ring_pop(&r, at);
                n -= at;
                memmove(model, model + at, n * sizeof *model);
                continue;
            } else {
                ring_truncate(&r, at + 5);
                n = at + 5 < n ? at + 5 : n;
                continue;
            }
            assert_int_equal(e == NULL, n == 300);
            if (e == NULL)
                continue;
            assert_true(e->v == 0 && e->w == 0);
            e->v = i;
            memmove(model + at + 1, model + at, (n - at) * sizeof *model);
            model[at] = i;
            n++;
            assert_int_equal(r.count, n);
            for (uint32_t k = 0; k < n; k++)
                assert_int_equal(((struct elem *)ring_at(&r, k))->v, model[k]);
        }
        ring_truncate(&r, 0);
        assert_int_equal(t.live, 0);
        ring_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caps),
        cmocka_unit_test(failing_memory),
        cmocka_unit_test(reserving),
        cmocka_unit_test(reserved_room_cannot_fail),
        cmocka_unit_test(random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

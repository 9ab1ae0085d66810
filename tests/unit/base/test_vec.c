/* SPDX-License-Identifier: Apache-2.0 */
/* Small arrays against a naive model, with memory that fails. */
#include "base/vec.h"

#include "cm.h"
#include "testenv.h"
#include <string.h>

struct elem { uint64_t v; uint8_t w; };

static void empty_takes_nothing(void **state)
{
    struct testenv t;
    struct vec a;

    testenv_init(&t, 1);
    vec_init(&a, sizeof(struct elem), 4);
    assert_int_equal(t.live, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_non_null(vec_push(&a, &t.env));
    assert_null(vec_push(&a, &t.env)); /* full */
    assert_int_equal(a.n, 4);
    assert_int_equal(t.live, 1);
    vec_truncate(&a, 0, &t.env);
    assert_int_equal(t.live, 0);
    assert_non_null(vec_push(&a, &t.env));
    vec_fini(&a, &t.env);
    assert_int_equal(t.live, 0);
}

static void lent_room(void **state)
{
    struct testenv t;
    struct elem room;
    struct vec a;

    testenv_init(&t, 1);
    vec_init(&a, sizeof(struct elem), 4);
    vec_lend(&a, &room);
    t.fail_in = 0;
    assert_ptr_equal(vec_push(&a, &t.env), &room);
    room.v = 7;
    assert_null(vec_push(&a, &t.env));
    t.fail_in = -1;
    assert_non_null(vec_push(&a, &t.env));
    assert_int_equal(t.live, 1);
    assert_int_equal(((struct elem *)vec_at(&a, 0))->v, 7);
    vec_fini(&a, &t.env);
    vec_lend(&a, &room);
    assert_non_null(vec_push(&a, &t.env));
    vec_del(&a, 0, &t.env);
    assert_int_equal(t.live, 0);
}

static void failing_memory(void **state)
{
    struct testenv t;
    struct vec a;

    testenv_init(&t, 1);
    vec_init(&a, sizeof(struct elem), 100);
    t.fail_in = 0;
    assert_null(vec_push(&a, &t.env));
    assert_int_equal(a.n, 0);
    t.fail_in = 1;
    ((struct elem *)vec_push(&a, &t.env))->v = 7;
    assert_null(vec_push(&a, &t.env));
    assert_int_equal(a.n, 1);
    assert_int_equal(((struct elem *)vec_at(&a, 0))->v, 7);
    t.fail_in = -1;
    assert_non_null(vec_push(&a, &t.env));
    vec_fini(&a, &t.env);
    assert_int_equal(t.live, 0);
}

static void like_a_plain_array(void **state)
{
    struct elem model[255];
    unsigned n = 0;
    struct testenv t;
    struct vec a;

    testenv_init(&t, 3);
    vec_init(&a, sizeof(struct elem), 255);
    for (unsigned step = 0; step < 20000; step++) {
        if (dice_roll(&t, 255) >= n) {
            struct elem *e = vec_push(&a, &t.env);
            assert_non_null(e);
            assert_true(e->v == 0 && e->w == 0); /* also where an element was before */
            e->v = step;
            model[n++] = *e;
        } else {
            unsigned i = (unsigned)dice_roll(&t, n);
            vec_del(&a, i, &t.env);
            memmove(model + i, model + i + 1, (--n - i) * sizeof *model);
        }
        assert_int_equal(a.n, n);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(((struct elem *)vec_at(&a, i))->v, model[i].v);
    }
    vec_fini(&a, &t.env);
    assert_int_equal(t.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_takes_nothing),
        cmocka_unit_test(lent_room), cmocka_unit_test(failing_memory),
        cmocka_unit_test(like_a_plain_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

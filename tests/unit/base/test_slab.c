/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that waits to be used again. */
#include "base/slab.h"

#include "cm.h"
#include "testenv.h"
#include <string.h>

enum { PIECES = 200, SIZE_MAX_ASKED = 3000 };

static void last_one_first(void **state)
{
    struct testenv t;
    struct slab s;
    struct plait_env env;
    void *a, *b;

    testenv_init(&t, 1);
    slab_init(&s, &t.env, 1000);
    env = slab_env(&s);
    a = env.alloc(env.ctx, 100);
    b = env.alloc(env.ctx, 128);
    env.free(env.ctx, a, 100);
    env.free(env.ctx, b, 128);
    t.fail_in = 0; /* nothing more from below */
    assert_ptr_equal(env.alloc(env.ctx, 65), b); /* of the same class */
    assert_ptr_equal(env.alloc(env.ctx, 128), a);
    assert_null(env.alloc(env.ctx, 128));
    assert_null(env.alloc(env.ctx, 5000));
    t.fail_in = -1;
    env.free(env.ctx, a, 128);
    env.free(env.ctx, b, 65);
    slab_fini(&s);
    assert_int_equal(t.live, 0);
}

static void keeps_no_more_than_it_may(void **state)
{
    struct testenv t;
    struct slab s;
    struct plait_env env;
    void *mem[10];

    testenv_init(&t, 1);
    slab_init(&s, &t.env, 3 * 64);
    env = slab_env(&s);
    for (unsigned i = 0; i < 10; i++)
        mem[i] = env.alloc(env.ctx, 64);
    for (unsigned i = 0; i < 10; i++)
        env.free(env.ctx, mem[i], 64);
    assert_int_equal(t.live, 3);
    assert_int_equal(t.live_bytes, 3 * 64);
    slab_fini(&s);
    slab_init(&s, &t.env, 0);
    env = slab_env(&s);
    env.free(env.ctx, env.alloc(env.ctx, 1), 1);
    assert_int_equal(t.live, 0);
}

/* Whatever the sizes, no two pieces overlap, and all goes back with the size that it came with
 * (which testenv counts). */
static void random_sizes(void **state)
{
    struct { uint8_t *mem; size_t size; uint8_t fill; } piece[PIECES] = { 0 };
    struct testenv t;
    struct slab s;
    struct plait_env env;

    testenv_init(&t, 7);
    slab_init(&s, &t.env, 20000);
    env = slab_env(&s);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)dice_roll(&t, PIECES);
        if (piece[i].mem != NULL) {
            for (size_t k = 0; k < piece[i].size; k++)
                assert_int_equal(piece[i].mem[k], piece[i].fill);
            env.free(env.ctx, piece[i].mem, piece[i].size);
            piece[i].mem = NULL;
            continue;
        }
        piece[i].size = 1 + (size_t)dice_roll(&t, SIZE_MAX_ASKED);
        piece[i].fill = (uint8_t)step;
        piece[i].mem = env.alloc(env.ctx, piece[i].size);
        assert_non_null(piece[i].mem);
        memset(piece[i].mem, piece[i].fill, piece[i].size);
        assert_true(s.kept <= s.max);
    }
    for (unsigned i = 0; i < PIECES; i++)
        if (piece[i].mem != NULL)
            env.free(env.ctx, piece[i].mem, piece[i].size);
    slab_fini(&s);
    assert_int_equal(t.live, 0);
    assert_int_equal(t.live_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_one_first),
        cmocka_unit_test(keeps_no_more_than_it_may),
        cmocka_unit_test(random_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

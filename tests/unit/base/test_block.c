/* SPDX-License-Identifier: Apache-2.0 */
#include "base/block.h"

#include "cm.h"
#include "testenv.h"

static void classes_and_alignment(void **state)
{
    static const struct { size_t size; uint32_t cap; } want[] = {
        { 0, 2048 }, { 2048, 2048 }, { 2049, 16384 }, { 16384, 16384 }, { 16385, 69632 },
        { 65536 + 512, 69632 }, { 69632, 69632 },
    };
    struct testenv t;
    struct block_pool p;

    testenv_init(&t, 1);
    block_pool_init(&p, &t.env, 1 << 20);
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++) {
        struct plait_block *b = block_get(&p, want[i].size);
        assert_non_null(b);
        assert_int_equal(b->cap, want[i].cap);
        assert_true(b->data == b->buf && b->len == 0 && b->next == NULL);
        assert_true(b->cap < 4096 || ((uintptr_t)b->buf & 4095) == 0);
        assert_int_equal(block_tailroom(b), b->cap);
        b->data += 40;
        b->len = 100;
        assert_int_equal(block_tailroom(b), b->cap - 140);
        block_put(&p, b);
    }
    assert_null(block_get(&p, 69633));
    assert_null(block_get(&p, SIZE_MAX));
    assert_int_equal(p.refused, 2);
    assert_int_equal(p.used, 0);
    block_pool_fini(&p);
    assert_int_equal(t.live, 0);
}

static void cap_holds(void **state)
{
    struct testenv t;
    struct block_pool p;
    struct plait_block *b[4];

    testenv_init(&t, 1);
    block_pool_init(&p, &t.env, 3 * 2048 + 100);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(b[i] = block_get(&p, 10));
    assert_null(block_get(&p, 10));
    assert_int_equal(p.refused, 1);
    assert_int_equal(p.peak, 3 * 2048);
    block_put(&p, b[1]);
    assert_ptr_equal(block_get(&p, 10), b[1]); /* the last one back is the first one out */
    p.max = 100; /* a cap that was lowered below what is out */
    assert_null(block_get(&p, 10));
    for (unsigned i = 0; i < 3; i++)
        block_put(&p, b[i]);
    block_pool_fini(&p);
    assert_int_equal(t.live, 0);
}

static void free_lists_are_bounded(void **state)
{
    struct testenv t;
    struct block_pool p;
    struct plait_block *b[600];

    testenv_init(&t, 1);
    block_pool_init(&p, &t.env, 4 << 20);
    for (unsigned i = 0; i < 600; i++)
        assert_non_null(b[i] = block_get(&p, 10));
    for (unsigned i = 0; i < 600; i++)
        block_put(&p, b[i]);
    assert_int_equal(p.free_n[0], 512);
    assert_int_equal(t.live, 1024); /* struct and bytes of each */
    block_pool_fini(&p);
    assert_int_equal(t.live, 0);
}

static void failing_memory(void **state)
{
    struct testenv t;
    struct block_pool p;

    testenv_init(&t, 1);
    block_pool_init(&p, &t.env, 1 << 20);
    for (int64_t fail = 0; fail < 2; fail++) {
        t.fail_in = fail;
        assert_null(block_get(&p, 10));
        assert_true(p.used == 0 && t.live == 0);
    }
    assert_int_equal(p.refused, 2);
    block_pool_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_and_alignment),
        cmocka_unit_test(cap_holds),
        cmocka_unit_test(free_lists_are_bounded),
        cmocka_unit_test(failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

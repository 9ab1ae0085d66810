/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ctx.h"

#include "cm.h"
#include "testenv.h"
#include <string.h>

static void life(void **state)
{
    struct testenv t;
    struct base_ctx ctx;
    struct plait_trace ev = { .type = PLAIT_TRACE_RTO };
    uint8_t *mem, zeros[100] = { 0 };
    struct plait_block *b;

    testenv_init(&t, 5);
    ctx_init(&ctx, &t.env, 4096);
    assert_true(ctx.secret.k0 != 0 && ctx.secret.k1 != 0 && ctx.secret.k0 != ctx.secret.k1);
    assert_non_null(mem = ctx_alloc(&ctx, 100));
    assert_memory_equal(mem, zeros, 100);
    ctx_free(&ctx, mem, 100);
    ctx_free(&ctx, NULL, 100);
    ctx_count(&ctx, PLAIT_REASON_PAWS);
    ctx_count(&ctx, PLAIT_REASON_PAWS);
    assert_int_equal(ctx.counter[PLAIT_REASON_PAWS], 2);
    assert_int_equal(ctx.counter[PLAIT_REASON_NONE], 0);
    ctx_trace(&ctx, &ev);
    assert_int_equal(t.traces, PLAIT_TRACE_RTO);
    ctx.env.trace = NULL;
    ctx_trace(&ctx, &ev);
    assert_int_equal(t.traces, PLAIT_TRACE_RTO);
    assert_true(ctx_random_u32(&ctx) != ctx_random_u32(&ctx));
    assert_true(ctx_random_u64(&ctx) != ctx_random_u64(&ctx));
    assert_non_null(b = block_get(&ctx.pool, 1000));
    assert_null(block_get(&ctx.pool, 4096)); /* mem_max is the pool's cap */
    block_put(&ctx.pool, b);
    t.fail_in = 0;
    assert_null(ctx_alloc(&ctx, 10));
    ctx_fini(&ctx);
    assert_int_equal(t.live, 0);
}

static void ones_and_up(void *ctx, void *buf, size_t len)
{
    uint8_t *p = buf, *next = ctx;

    while (len-- > 0)
        *p++ = (*next)++;
}

/* The same numbers from the same bytes, on every machine. */
static void numbers_from_bytes(void **state)
{
    uint8_t next = 1;
    struct base_ctx ctx = { .env = { .ctx = &next, .random = ones_and_up } };

    assert_int_equal(ctx_random_u32(&ctx), 0x04030201);
    assert_int_equal(ctx_random_u64(&ctx), 0x0c0b0a0908070605);
    struct siphash_key key = ctx_random_key(&ctx);
    assert_int_equal(key.k0, 0x14131211100f0e0d);
    assert_int_equal(key.k1, 0x1c1b1a1918171615);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life),
        cmocka_unit_test(numbers_from_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

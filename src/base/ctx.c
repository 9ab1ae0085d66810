/* SPDX-License-Identifier: Apache-2.0 */
/* The shared part of a stack: what every layer needs from it and nothing that a layer owns.
 *
 * Owned by the stack, lent to every object below. The secret is drawn once, at the start. */
#include "ctx.h"

#include <assert.h>
#include <string.h>

void ctx_init(struct base_ctx *ctx, const struct plait_env *env, uint64_t mem_max)
{
    memset(ctx, 0, sizeof *ctx);
    slab_init(&ctx->slab, env, 0);
    ctx->env = slab_env(&ctx->slab);
    block_pool_init(&ctx->pool, &ctx->env, mem_max);
    ctx->secret = ctx_random_key(ctx);
}

void ctx_keep(struct base_ctx *ctx, uint64_t max) { ctx->slab.max = max; }

void ctx_fini(struct base_ctx *ctx)
{
    block_pool_fini(&ctx->pool);
    slab_fini(&ctx->slab);
    ctx->secret = (struct siphash_key){ 0, 0 };
}

void ctx_count(struct base_ctx *ctx, enum plait_reason reason)
{
    assert((unsigned)reason < PLAIT_REASON_COUNT && "a reason of the list");
    ctx->counter[reason]++;
}

void ctx_trace(const struct base_ctx *ctx, const struct plait_trace *ev)
{
    if (ctx->env.trace != NULL)
        ctx->env.trace(ctx->env.ctx, ev);
}

void *ctx_alloc(struct base_ctx *ctx, size_t size)
{
    void *mem = ctx->env.alloc(ctx->env.ctx, size);

    return mem != NULL ? memset(mem, 0, size) : NULL;
}

void ctx_free(struct base_ctx *ctx, void *mem, size_t size)
{
    if (mem != NULL)
        ctx->env.free(ctx->env.ctx, mem, size);
}

/* The environment gives bytes, so that a run from a seed is the same whatever the byte order: the
 * first byte is the lowest. */
static uint64_t draw(struct base_ctx *ctx, unsigned len)
{
    uint8_t bytes[8];
    uint64_t v = 0;

    ctx->env.random(ctx->env.ctx, bytes, len);
    for (unsigned i = 0; i < len; i++)
        v |= (uint64_t)bytes[i] << (8 * i);
    return v;
}

uint32_t ctx_random_u32(struct base_ctx *ctx)
{
    return (uint32_t)draw(ctx, 4);
}

uint64_t ctx_random_u64(struct base_ctx *ctx)
{
    return draw(ctx, 8);
}

struct siphash_key ctx_random_key(struct base_ctx *ctx)
{
    struct siphash_key key;

    key.k0 = ctx_random_u64(ctx);
    key.k1 = ctx_random_u64(ctx);
    return key;
}

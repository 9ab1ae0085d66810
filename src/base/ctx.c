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
    ctx->env = *env;
    block_pool_init(&ctx->pool, &ctx->env, mem_max);
    env->random(env->ctx, &ctx->secret, sizeof ctx->secret);
}

void ctx_fini(struct base_ctx *ctx)
{
    block_pool_fini(&ctx->pool);
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

uint32_t ctx_random_u32(struct base_ctx *ctx)
{
    uint32_t v;

    ctx->env.random(ctx->env.ctx, &v, sizeof v);
    return v;
}

uint64_t ctx_random_u64(struct base_ctx *ctx)
{
    uint64_t v;

    ctx->env.random(ctx->env.ctx, &v, sizeof v);
    return v;
}

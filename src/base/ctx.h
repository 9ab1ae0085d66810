/* SPDX-License-Identifier: Apache-2.0 */
/* What every object of one stack shares: the environment, the memory, the secret and the
 * counters. */
#ifndef BASE_CTX_H
#define BASE_CTX_H

#include "block.h"
#include "siphash.h"
#include "slab.h"
#include <plait/types.h>

struct base_ctx {
    struct plait_env env;                    /* its small memory comes from slab */
    struct slab slab;
    struct block_pool pool;
    struct siphash_key secret;               /* drawn once; never leaves the stack */
    uint64_t counter[PLAIT_REASON_COUNT];
};

/* Fills env, pool and secret. */
void ctx_init(struct base_ctx *ctx, const struct plait_env *env, uint64_t mem_max);
/* So many bytes of small memory may wait to be used again; 0 (at first): none. */
void ctx_keep(struct base_ctx *ctx, uint64_t max);
void ctx_fini(struct base_ctx *ctx);
void ctx_count(struct base_ctx *ctx, enum plait_reason reason);
void ctx_trace(const struct base_ctx *ctx, const struct plait_trace *ev); /* no-op without a sink */
void *ctx_alloc(struct base_ctx *ctx, size_t size); /* zeroed; NULL when there is none */
void ctx_free(struct base_ctx *ctx, void *mem, size_t size);
uint32_t ctx_random_u32(struct base_ctx *ctx);
uint64_t ctx_random_u64(struct base_ctx *ctx);
struct siphash_key ctx_random_key(struct base_ctx *ctx);

#endif

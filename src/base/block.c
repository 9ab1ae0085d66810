/* SPDX-License-Identifier: Apache-2.0 */
/* The block pool of a stack: payload memory in three sizes.
 *
 * Owned by the stack; drivers get blocks to receive into, reassembly queues and send stores keep
 * them.
 *
 * The struct lives in a small allocation of its own, so that the payload memory of the two larger
 * classes begins on a page: the kernel copies fastest into and out of whole pages.
 *
 * Invariants: used is the sum of cap over the blocks given out and never exceeds max; a block on a
 * free list counts for nothing. Free lists are last-in-first-out, because the block that was given
 * back last is the one that is still in the cache. */
#include "block.h"

#include <assert.h>

/* Free blocks kept of each class; what comes back beyond goes to env->free. */
enum { FREE_KEPT = 512 };

static const uint32_t class_cap[BLOCK_CLASSES] = { 2048, 16384, 69632 };

void block_pool_init(struct block_pool *pool, const struct plait_env *env, uint64_t max)
{
    *pool = (struct block_pool){ .env = env, .max = max };
}

static void release(struct block_pool *pool, struct plait_block *block)
{
    pool->env->free(pool->env->ctx, block->buf, block->cap);
    pool->env->free(pool->env->ctx, block, sizeof *block);
}

void block_pool_fini(struct block_pool *pool)
{
    assert(pool->used == 0 && "every block must be back before its pool goes");
    for (unsigned c = 0; c < BLOCK_CLASSES; c++) {
        while (pool->free_list[c] != NULL) {
            struct plait_block *block = pool->free_list[c];
            pool->free_list[c] = block->next;
            release(pool, block);
        }
        pool->free_n[c] = 0;
    }
}

static struct plait_block *make(struct block_pool *pool, unsigned c)
{
    const struct plait_env *env = pool->env;
    struct plait_block *block = env->alloc(env->ctx, sizeof *block);

    if (block == NULL)
        return NULL;
    *block = (struct plait_block){ .cap = class_cap[c], .size_class = (uint8_t)c };
    block->buf = env->alloc(env->ctx, block->cap);
    if (block->buf == NULL) {
        env->free(env->ctx, block, sizeof *block);
        return NULL;
    }
    return block;
}

static struct plait_block *reuse(struct block_pool *pool, unsigned c)
{
    struct plait_block *block = pool->free_list[c];

    if (block != NULL) {
        pool->free_list[c] = block->next;
        pool->free_n[c]--;
    }
    return block;
}

struct plait_block *block_get(struct block_pool *pool, size_t size)
{
    unsigned c = 0;
    struct plait_block *block = NULL;

    while (c < BLOCK_CLASSES && class_cap[c] < size)
        c++;
    if (c < BLOCK_CLASSES && pool->max >= pool->used && pool->max - pool->used >= class_cap[c]) {
        block = reuse(pool, c);
        if (block == NULL)
            block = make(pool, c);
    }
    if (block == NULL) {
        pool->refused++;
        return NULL;
    }
    pool->used += block->cap;
    if (pool->used > pool->peak)
        pool->peak = pool->used;
    block->next = block->prev = block->other = NULL;
    block->data = block->buf;
    block->len = 0;
    block->pos = 0;
    return block;
}

void block_put(struct block_pool *pool, struct plait_block *block)
{
    unsigned c = block->size_class;

    assert(pool->used >= block->cap && "a block comes back once, to the pool it came from");
    pool->used -= block->cap;
    if (pool->free_n[c] == FREE_KEPT) {
        release(pool, block);
        return;
    }
    block->next = pool->free_list[c];
    pool->free_list[c] = block;
    pool->free_n[c]++;
}

uint32_t block_tailroom(const struct plait_block *block)
{
    return block->cap - (uint32_t)(block->data - block->buf) - block->len;
}

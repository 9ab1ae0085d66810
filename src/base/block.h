/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: the memory that payload lives in. A block has one owner at a time, who may hang it on a
 * list through `next`. The pool gives out a few sizes, recycles them last-used-first and never
 * exceeds its cap. */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include <plait/types.h>

/* plait.h's struct plait_block is this one. */
struct plait_block {
    struct plait_block *next, *prev; /* the owner's list */
    uint8_t *data;   /* first valid byte, inside buf */
    uint32_t len;    /* valid bytes */
    uint32_t cap;    /* bytes at buf */
    uint64_t pos;    /* the owner's number of data[0]: a stream position */
    uint8_t *buf;    /* page-aligned where cap >= 4096 */
    struct plait_block *other; /* reasm.c's: the other end of a run of blocks */
    struct plait_block *left, *right; /* reasm.c's: runs before and behind, in its tree */
    uint8_t size_class;
};

enum { BLOCK_CLASSES = 3 };
/* 2 KiB for single packets, 16 KiB, and 68 KiB for super-segments with their headers. */

struct block_pool {
    const struct plait_env *env;
    struct plait_block *free_list[BLOCK_CLASSES];
    uint32_t free_n[BLOCK_CLASSES];
    uint64_t used, peak, max; /* bytes of the blocks given out */
    uint64_t refused;         /* requests refused for the cap or for want of memory */
};

void block_pool_init(struct block_pool *pool, const struct plait_env *env, uint64_t max);
void block_pool_fini(struct block_pool *pool); /* every block must be back */
/* A block of at least size bytes with data = buf, len = 0; NULL when size is too large, the cap is
 * reached or memory is gone. */
struct plait_block *block_get(struct block_pool *pool, size_t size);
void block_put(struct block_pool *pool, struct plait_block *block);
/* Free bytes behind the valid ones. */
uint32_t block_tailroom(const struct plait_block *block);

#endif

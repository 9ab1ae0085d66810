/* SPDX-License-Identifier: Apache-2.0 */
/* Positions are offsets from the start of a stream and never wrap; whoever speaks to the wire
 * converts. */
/* Reassembly: blocks sorted by position, none overlapping, of which a run from `next` on is in
 * order. Used twice: for a subflow's sequence space and for the connection's data sequence space.
 * The first copy of a byte wins (RFC 8684 3.3.1); later copies are trimmed away. */
#ifndef BASE_REASM_H
#define BASE_REASM_H

#include "block.h"

struct reasm {
    struct plait_block *head, *tail; /* ascending pos, no overlap */
    struct plait_block *root;        /* tree of the runs, by their first blocks */
    uint64_t next;    /* first position not yet taken out or skipped */
    uint64_t bytes;   /* payload held */
    uint64_t mem;     /* sum of the blocks' caps: what the payload costs */
    uint32_t blocks;  /* number of blocks held */
    uint32_t runs;    /* of blocks that touch */
};

struct reasm_range { uint64_t lo, hi; }; /* [lo, hi) */

void reasm_init(struct reasm *r, uint64_t next);
void reasm_fini(struct reasm *r, struct block_pool *pool);
/* Takes over the block (pos, data, len set); parts that are below `next` or held already are
 * trimmed; a block that is wholly old is freed. A new block that covers several held ones may be
 * split, which may allocate: where that fails, the bytes behind the hole are dropped. Small blocks
 * are appended by copy to the one before where they fit, so that memory stays in proportion to
 * payload. Answers the number of new bytes kept. */
uint64_t reasm_insert(struct reasm *r, struct block_pool *pool, struct plait_block *block);
/* The same with borrowed bytes: copies into pool blocks. Answers the new bytes kept (fewer than new
 * when memory is gone: then kept bytes are a prefix). */
uint64_t reasm_insert_copy(struct reasm *r, struct block_pool *pool, uint64_t pos,
                           const uint8_t *data, uint32_t len);
/* End of the in-order run: next plus the bytes that can be taken now. */
uint64_t reasm_inorder_end(const struct reasm *r);
/* Unlinks and answers the first block if it starts at next; next moves behind it. NULL
 * otherwise. */
struct plait_block *reasm_take(struct reasm *r);
/* The first block if it is in order, without taking it. */
struct plait_block *reasm_peek(const struct reasm *r);
/* Drops the first n in-order bytes (n <= reasm_inorder_end - next). */
void reasm_consume(struct reasm *r, struct block_pool *pool, uint64_t n);
/* Highest position held plus one, or next when empty. */
uint64_t reasm_end(const struct reasm *r);
/* The contiguous range held that contains pos; false if none. */
bool reasm_range_at(const struct reasm *r, uint64_t pos, struct reasm_range *out);
/* Out-of-order ranges from the lowest up, at most max; the count. */
uint32_t reasm_gaps(const struct reasm *r, struct reasm_range *held, uint32_t max);
/* Frees out-of-order blocks from the highest down until mem <= target; bytes dropped. In-order data
 * is never touched. */
uint64_t reasm_prune(struct reasm *r, struct block_pool *pool, uint64_t target);
bool reasm_check(const struct reasm *r);

#endif

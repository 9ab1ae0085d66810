/* SPDX-License-Identifier: Apache-2.0 */
/* The send store: the bytes of a stream from the first that someone may still need to the last that
 * the application wrote, addressed by their 64-bit position. Bytes are copied in once and sent from
 * here by reference, as often as retransmission and reinjection ask. */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include "block.h"
#include <plait/types.h>

struct store_view { const uint8_t *data; size_t len; };

struct store {
    struct block_pool *pool;
    struct plait_block **ring;  /* blocks in order; power of two slots; NULL while there is none */
    uint32_t ring_cap, first, count;
    bool summed;                /* each block ends with the sums of its parts */
    uint64_t begin, end;        /* positions held: [begin, end) */
};

void store_init(struct store *s, struct block_pool *pool, uint64_t begin);
void store_fini(struct store *s);
/* Sums of what is appended from now on are made while it is copied; of an empty store alone. */
void store_keep_sums(struct store *s);
/* Appends up to len bytes; the count copied (fewer when the pool refuses). */
size_t store_append(struct store *s, const void *data, size_t len);
/* Lends room for at most len bytes behind the last one; the size of the room, 0 when the pool
 * refuses. store_commit() makes its first n bytes a part of the store. */
size_t store_reserve(struct store *s, size_t len, uint8_t **room);
void store_commit(struct store *s, size_t n);
/* Views of [pos, pos + len), at most max; the number of views, 0 if the range is not held or needs
 * more. 65535 bytes never need more than STORE_VIEWS_MAX. */
enum { STORE_VIEWS_MAX = 3 };
uint32_t store_views(const struct store *s, uint64_t pos, uint32_t len, struct store_view *views,
                     uint32_t max);
/* The sum of [pos, pos + len), which is held, as csum_add() has it. */
uint64_t store_sum(const struct store *s, uint64_t pos, uint32_t len);
/* Forgets everything below pos. */
void store_release(struct store *s, uint64_t pos);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The send store of a connection.
 *
 * Owned by a connection; the application's bytes are copied in once, and packets point into it
 * until the data is acknowledged.
 *
 * Block sizes grow with the backlog: an empty store starts with the class that fits what is
 * written, each next block is at least one class larger. So a chatty connection holds 2 KiB, and a
 * bulk one nearly only large blocks. Each block is full before the next one starts. Invariants:
 * block i + 1 starts where block i ends; begin lies in the first block, end is the end of the last;
 * at most one block of each smaller class stands in front of the large ones, which is why 65535
 * bytes touch at most three.
 *
 * Where DSS checksums are in use (RFC 8684 3.3.1), the copy adds up what it copies: it will have
 * left the cache when a mapping needs the sum. Which bytes a mapping will have is not known yet, so
 * the sums are those of parts of four kilobytes, in the last bytes of each block, and only the ends
 * of a mapping are read again. */
#include "store.h"

#include "copy.h"
#include "csum.h"

#include <assert.h>
#include <string.h>

enum { RING_FIRST = 4, SIZE_SMALL = 2048, SIZE_MIDDLE = 16384, SIZE_LARGE = 65536 };
enum { PART = 4096 }; /* bytes that share a sum; even */

void store_init(struct store *s, struct block_pool *pool, uint64_t begin)
{
    *s = (struct store){ .pool = pool, .begin = begin, .end = begin };
}

static struct plait_block *block_at(const struct store *s, uint32_t i)
{
    return s->ring[(s->first + i) & (s->ring_cap - 1)];
}

static void drop_ring(struct store *s)
{
    const struct plait_env *env = s->pool->env;

    if (s->ring != NULL)
        env->free(env->ctx, s->ring, s->ring_cap * sizeof *s->ring);
    s->ring = NULL;
    s->ring_cap = s->first = 0;
}

void store_fini(struct store *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        block_put(s->pool, block_at(s, i));
    drop_ring(s);
    bool summed = s->summed;
    store_init(s, s->pool, s->end);
    s->summed = summed;
}

void store_keep_sums(struct store *s)
{
    assert(s->count == 0 && "what is there has no sums");
    s->summed = true;
}

/* Room for one more block; false when memory is gone. */
static bool ring_room(struct store *s)
{
    const struct plait_env *env = s->pool->env;
    uint32_t cap = s->ring_cap > 0 ? s->ring_cap * 2 : RING_FIRST;
    struct plait_block **ring;

    if (s->count < s->ring_cap)
        return true;
    ring = env->alloc(env->ctx, cap * sizeof *ring);
    if (ring == NULL)
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        ring[i] = block_at(s, i);
    if (s->ring != NULL)
        env->free(env->ctx, s->ring, s->ring_cap * sizeof *ring);
    s->ring = ring;
    s->ring_cap = cap;
    s->first = 0;
    return true;
}

/* The size of the block behind `last` (NULL: the first) when len bytes wait. */
static size_t size_behind(const struct plait_block *last, size_t len)
{
    if (last != NULL && last->cap >= SIZE_MIDDLE)
        return SIZE_LARGE;
    if (len > SIZE_MIDDLE)
        return SIZE_LARGE;
    return last != NULL || len > SIZE_SMALL ? SIZE_MIDDLE : SIZE_SMALL;
}

/* ---- sums of parts -------------------------------------------------------------------------- */

static size_t sums_size(const struct plait_block *b)
{
    return (b->cap + PART - 1) / PART * sizeof(uint16_t);
}

static uint16_t *sums_of(const struct plait_block *b)
{
    return (uint16_t *)(void *)(b->buf + b->cap - sums_size(b));
}

static size_t room_in(const struct store *s, const struct plait_block *b)
{
    size_t kept = s->summed ? sums_size(b) : 0;

    return block_tailroom(b) > kept ? block_tailroom(b) - kept : 0;
}

/* `part` is the sum of bytes that begin at this offset. */
static uint64_t add_at(uint64_t sum, size_t offset, uint64_t part)
{
    return offset % 2 == 0 ? sum + part : csum_add_odd(sum, part);
}

/* Adds up the n bytes that are about to stand behind the last ones, copying them there from
 * `from`; NULL: they stand there already. */
static void sum_new(struct plait_block *b, const uint8_t *from, size_t n)
{
    size_t offset = b->len, end = offset + n;

    while (offset < end) {
        uint16_t *sum = &sums_of(b)[offset / PART];
        size_t len = PART - offset % PART < end - offset ? PART - offset % PART : end - offset;
        uint8_t *to = b->data + offset;
        uint64_t part = from != NULL ? csum_copy(0, to, from, len) : csum_add(0, to, len);

        *sum = csum_fold(add_at(*sum, offset, part));
        from = from != NULL ? from + len : NULL;
        offset += len;
    }
}

/* The sum of part of a block, as if it began at an even offset where its own is even. */
static uint64_t sum_in(const struct store *s, const struct plait_block *b, size_t offset,
                       size_t len)
{
    size_t end = offset + len;
    uint64_t sum = 0;

    while (offset < end) {
        size_t part = PART - offset % PART;
        part = part < end - offset ? part : end - offset;
        if (s->summed && (part == PART || (offset % PART == 0 && offset + part == b->len)))
            sum += sums_of(b)[offset / PART];
        else
            sum = add_at(sum, offset, csum_add(0, b->data + offset, part));
        offset += part;
    }
    return sum;
}

/* ---- appending ------------------------------------------------------------------------------ */

static struct plait_block *add_block(struct store *s, struct plait_block *last, size_t len)
{
    struct plait_block *b;

    if (!ring_room(s))
        return NULL;
    b = block_get(s->pool, size_behind(last, len));
    if (b == NULL)
        return NULL;
    b->pos = s->end;
    if (s->summed)
        memset(sums_of(b), 0, sums_size(b));
    s->ring[(s->first + s->count) & (s->ring_cap - 1)] = b;
    s->count++;
    return b;
}

size_t store_reserve(struct store *s, size_t len, uint8_t **room)
{
    struct plait_block *b = s->count > 0 ? block_at(s, s->count - 1) : NULL;

    if (len > 0 && (b == NULL || room_in(s, b) == 0))
        b = add_block(s, b, len);
    if (len == 0 || b == NULL)
        return 0;
    *room = b->data + b->len;
    return room_in(s, b) < len ? room_in(s, b) : len;
}

static void grow(struct store *s, struct plait_block *b, size_t n)
{
    b->len += (uint32_t)n;
    s->end += n;
}

void store_commit(struct store *s, size_t n)
{
    struct plait_block *b = n > 0 ? block_at(s, s->count - 1) : NULL;

    assert((n == 0 || n <= room_in(s, b)) && "what was lent is enough");
    if (n == 0)
        return;
    if (s->summed)
        sum_new(b, NULL, n);
    grow(s, b, n);
}

size_t store_append(struct store *s, const void *data, size_t len)
{
    const uint8_t *from = data;
    size_t done = 0;

    while (done < len) {
        uint8_t *room;
        size_t n = store_reserve(s, len - done, &room);

        if (n == 0)
            break;
        if (s->summed)
            sum_new(block_at(s, s->count - 1), from + done, n);
        else
            copy_bulk(room, from + done, n);
        grow(s, block_at(s, s->count - 1), n);
        done += n;
    }
    return done;
}

/* ---- what is there -------------------------------------------------------------------------- */

/* Index of the block that holds pos, which is held. */
static uint32_t index_of(const struct store *s, uint64_t pos)
{
    uint32_t lo = 0, hi = s->count;

    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (block_at(s, mid)->pos <= pos)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

uint32_t store_views(const struct store *s, uint64_t pos, uint32_t len, struct store_view *views,
                     uint32_t max)
{
    uint32_t n = 0;

    if (len == 0 || pos < s->begin || pos >= s->end || len > s->end - pos)
        return 0;
    for (uint32_t i = index_of(s, pos); len > 0; i++) {
        const struct plait_block *b = block_at(s, i);
        uint32_t offset = (uint32_t)(pos - b->pos);
        uint32_t part = b->len - offset < len ? b->len - offset : len;

        if (n == max)
            return 0;
        views[n++] = (struct store_view){ b->data + offset, part };
        pos += part;
        len -= part;
    }
    return n;
}

uint64_t store_sum(const struct store *s, uint64_t pos, uint32_t len)
{
    uint64_t sum = 0, at = pos, end = pos + len;

    assert(pos >= s->begin && end <= s->end && "what is held has a sum");
    for (uint32_t i = len > 0 ? index_of(s, pos) : 0; at < end; i++) {
        const struct plait_block *b = block_at(s, i);
        size_t offset = (size_t)(at - b->pos);
        size_t part = b->len - offset < end - at ? b->len - offset : (size_t)(end - at);
        uint64_t of = sum_in(s, b, offset, part);

        sum = (at - pos + offset) % 2 == 0 ? sum + of : csum_add_odd(sum, of);
        at += part;
    }
    return sum;
}

void store_release(struct store *s, uint64_t pos)
{
    assert(pos <= s->end && "only what was written can be released");
    if (pos <= s->begin)
        return;
    while (s->count > 0) {
        struct plait_block *b = block_at(s, 0);
        if (b->pos + b->len > pos)
            break;
        s->first = (s->first + 1) & (s->ring_cap - 1);
        s->count--;
        block_put(s->pool, b);
    }
    if (s->count == 0)
        drop_ring(s);
    s->begin = pos;
}

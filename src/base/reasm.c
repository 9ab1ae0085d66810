/* SPDX-License-Identifier: Apache-2.0 */
/* Reassembly of a stream from blocks that arrive in any order.
 *
 * Used by a subflow for its sequence space and by a connection for the data sequence space. The
 * queue is a list sorted by position. Blocks that touch form a run; the first and the last block of
 * each run point to each other (`other`; a block alone points to itself), so that the in-order run,
 * the ranges for SACK and the end of a range are found without a walk over the blocks inside. The
 * first blocks of the runs form a tree: a segment costs the same in whatever order a peer sends.
 *
 * Invariants (reasm_check): no overlap, no empty block, nothing below next, bytes, mem and blocks
 * are the sums over the list, `other` is right at both ends of each run, the tree holds the first
 * block of each run and no other.
 *
 * A block that is in order may be lent to the application. So it is never freed, moved or trimmed
 * but by reasm_take() and reasm_consume(); what insertion does to it is to write behind its last
 * byte. */
#include "reasm.h"

#include "copy.h"

#include <assert.h>
#include <string.h>

static uint64_t block_end(const struct plait_block *b) { return b->pos + b->len; }

void reasm_init(struct reasm *r, uint64_t next)
{
    *r = (struct reasm){ .next = next };
}

void reasm_fini(struct reasm *r, struct block_pool *pool)
{
    while (r->head != NULL) {
        struct plait_block *b = r->head;
        r->head = b->next;
        block_put(pool, b);
    }
    *r = (struct reasm){ .next = r->next };
}

/* ---- the tree of runs ------------------------------------------------------------------------ */

/* A treap: ordered by pos from left to right, by rank from the root down. The ranks look random to
 * a peer, who does not know where the blocks lie in memory; so whatever the order of his segments,
 * the tree is about as deep as the logarithm of the number of runs. */
static uint64_t rank(const struct plait_block *b)
{
    uint64_t x = (uintptr_t)b;

    x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
    return x ^ x >> 33;
}

static void tree_add(struct reasm *r, struct plait_block *b)
{
    struct plait_block **at = &r->root, **left = &b->left, **right = &b->right;

    while (*at != NULL && rank(*at) > rank(b))
        at = (*at)->pos > b->pos ? &(*at)->left : &(*at)->right;
    struct plait_block *rest = *at;
    *at = b;
    while (rest != NULL) { /* what hung there goes to both sides of b */
        struct plait_block ***side = rest->pos > b->pos ? &right : &left;
        **side = rest;
        *side = rest->pos > b->pos ? &rest->left : &rest->right;
        rest = **side;
    }
    *left = *right = NULL;
    r->runs++;
}

static void tree_del(struct reasm *r, struct plait_block *b)
{
    struct plait_block **at = &r->root, *left = b->left, *right = b->right;

    while (*at != b)
        at = (*at)->pos > b->pos ? &(*at)->left : &(*at)->right;
    while (left != NULL && right != NULL) {
        struct plait_block **upper = rank(left) > rank(right) ? &left : &right;
        *at = *upper;
        at = upper == &left ? &left->right : &right->left;
        *upper = *at;
    }
    *at = left != NULL ? left : right;
    b->left = b->right = NULL;
    r->runs--;
}

/* The last block of the last run that starts at or below pos, or NULL. */
static struct plait_block *find_run(const struct reasm *r, uint64_t pos)
{
    struct plait_block *b = r->root, *found = NULL;

    if (r->tail != NULL && r->tail->other->pos <= pos)
        return r->tail;
    while (b != NULL) {
        if (b->pos <= pos)
            found = b;
        b = b->pos <= pos ? b->right : b->left;
    }
    return found != NULL ? found->other : NULL;
}

/* ---- the list -------------------------------------------------------------------------------- */

static void join_ends(struct plait_block *first, struct plait_block *last)
{
    first->other = last;
    last->other = first;
}

static bool touch(const struct plait_block *b, const struct plait_block *next)
{
    return b != NULL && next != NULL && block_end(b) == next->pos;
}

/* Links b behind p (NULL: at the head); both its neighbours are ends of runs. */
static void link_behind(struct reasm *r, struct plait_block *p, struct plait_block *b)
{
    struct plait_block *s = p != NULL ? p->next : r->head;

    b->prev = p;
    b->next = s;
    *(p != NULL ? &p->next : &r->head) = b;
    *(s != NULL ? &s->prev : &r->tail) = b;
    if (touch(b, s))
        tree_del(r, s);
    if (!touch(p, b))
        tree_add(r, b);
    join_ends(touch(p, b) ? p->other : b, touch(b, s) ? s->other : b);
    r->bytes += b->len;
    r->mem += b->cap;
    r->blocks++;
}

/* Unlinks an end of a run. */
static void unlink_end(struct reasm *r, struct plait_block *b)
{
    struct plait_block *p = b->prev, *s = b->next, *far = b->other;
    bool is_last = touch(p, b);

    if (!is_last)
        tree_del(r, b);
    if (far != b) {
        join_ends(is_last ? p : s, far);
        if (!is_last)
            tree_add(r, s);
    }
    *(p != NULL ? &p->next : &r->head) = s;
    *(s != NULL ? &s->prev : &r->tail) = p;
    r->bytes -= b->len;
    r->mem -= b->cap;
    r->blocks--;
    b->next = b->prev = b->other = NULL;
}

/* Appends bytes to p, the last block of its run; the room was checked. */
static void extend(struct reasm *r, struct plait_block *p, const uint8_t *data, uint32_t len)
{
    struct plait_block *s = p->next;

    copy_bulk(p->data + p->len, data, len);
    p->len += len;
    r->bytes += len;
    if (touch(p, s)) {
        tree_del(r, s);
        join_ends(p->other, s->other);
    }
}

static void trim_front(struct plait_block *b, uint64_t pos)
{
    uint64_t n = pos > b->pos ? pos - b->pos : 0;

    if (n > b->len)
        n = b->len;
    b->data += n;
    b->pos += n;
    b->len -= (uint32_t)n;
}

/* Makes b end where held data starts. Out-of-order blocks that b covers whole are absorbed instead:
 * their bytes, which came first, replace b's, and no memory is needed for the pieces around them.
 * Answers how many bytes were absorbed. */
static uint64_t absorb(struct reasm *r, struct block_pool *pool, struct plait_block *s,
                       struct plait_block *b)
{
    uint64_t old = 0;

    while (s != NULL && s->pos < block_end(b)) {
        struct plait_block *after = s->next;
        if (block_end(s) > block_end(b)) {
            b->len = (uint32_t)(s->pos - b->pos);
            break;
        }
        copy_bulk(b->data + (s->pos - b->pos), s->data, s->len);
        old += s->len;
        unlink_end(r, s);
        block_put(pool, s);
        s = after;
    }
    return old;
}

/* A small payload in a large block moves to a smaller one, so that a queue of them costs memory in
 * proportion to what it holds. */
static struct plait_block *shrink(struct block_pool *pool, struct plait_block *b)
{
    struct plait_block *small;

    if (b->size_class == 0 || b->len > b->cap / 4)
        return b;
    small = block_get(pool, b->len);
    if (small == NULL)
        return b;
    memcpy(small->data, b->data, b->len);
    small->len = b->len;
    small->pos = b->pos;
    block_put(pool, b);
    return small;
}

/*= RFC 8684 3.3.1
 * Although the detailed specification of such operation is outside the scope of this document, an
 * implementation SHOULD treat the first data that is received at a subflow for the data sequence
 * space as the data that should be delivered to the application, and any subsequent data for that
 * sequence space SHOULD be ignored. */
uint64_t reasm_insert(struct reasm *r, struct block_pool *pool, struct plait_block *block)
{
    struct plait_block *p;
    uint64_t old, kept;

    assert(block->pos + block->len >= block->pos && "positions never wrap");
    trim_front(block, r->next);
    p = find_run(r, block->pos);
    if (p != NULL)
        trim_front(block, block_end(p));
    if (block->len == 0) {
        block_put(pool, block);
        return 0;
    }
    old = absorb(r, pool, p != NULL ? p->next : r->head, block);
    kept = block->len - old;
    if (p != NULL && block_end(p) == block->pos && block->len < block->cap / 2 &&
        block->len <= block_tailroom(p)) {
        extend(r, p, block->data, block->len);
        block_put(pool, block);
        return kept;
    }
    link_behind(r, p, shrink(pool, block));
    return kept;
}

/* Block sizes for len borrowed bytes: full large blocks, then the class that wastes little. */
static uint32_t piece_size(uint32_t len)
{
    enum { LARGE_FROM = 34816, MIDDLE = 16384, LARGE = 65536 };

    if (len > LARGE_FROM)
        return LARGE;
    return len > MIDDLE ? MIDDLE : len;
}

/* Copies bytes into the hole behind p; *p follows. False when memory is gone. */
static bool fill_hole(struct reasm *r, struct block_pool *pool, struct plait_block **p,
                      struct reasm_range hole, const uint8_t *data)
{
    while (hole.lo < hole.hi) {
        uint32_t n = (uint32_t)(hole.hi - hole.lo); /* a hole is no longer than a segment */
        uint32_t room = *p != NULL && block_end(*p) == hole.lo ? block_tailroom(*p) : 0;

        if (room > 0) {
            n = n < room ? n : room;
            extend(r, *p, data, n);
        } else {
            struct plait_block *b = block_get(pool, piece_size(n));
            if (b == NULL)
                return false;
            n = n < b->cap ? n : b->cap;
            b->pos = hole.lo;
            b->len = n;
            copy_bulk(b->data, data, n);
            link_behind(r, *p, b);
            *p = b;
        }
        data += n;
        hole.lo += n;
    }
    return true;
}

uint64_t reasm_insert_copy(struct reasm *r, struct block_pool *pool, uint64_t pos,
                           const uint8_t *data, uint32_t len)
{
    uint64_t end = pos + len, at = pos > r->next ? pos : r->next, before = r->bytes;
    struct plait_block *p;

    assert(end >= pos && "positions never wrap");
    if (at >= end)
        return 0;
    p = find_run(r, at);
    at = p != NULL && block_end(p) > at ? block_end(p) : at;
    while (at < end) {
        struct plait_block *s = p != NULL ? p->next : r->head;
        struct plait_block *far = s != NULL ? s->other : NULL;
        struct reasm_range hole = {at, s != NULL && s->pos < end ? s->pos : end};
        if (!fill_hole(r, pool, &p, hole, data + (at - pos)))
            break;
        at = hole.hi;
        if (s != NULL && at == s->pos) { /* the run behind the hole was held already */
            p = far;
            at = block_end(p);
        }
    }
    return r->bytes - before;
}

struct plait_block *reasm_peek(const struct reasm *r)
{
    return r->head != NULL && r->head->pos == r->next ? r->head : NULL;
}

uint64_t reasm_inorder_end(const struct reasm *r)
{
    const struct plait_block *first = reasm_peek(r);

    return first != NULL ? block_end(first->other) : r->next;
}

struct plait_block *reasm_take(struct reasm *r)
{
    struct plait_block *b = reasm_peek(r);

    if (b != NULL) {
        unlink_end(r, b);
        r->next += b->len;
    }
    return b;
}

void reasm_consume(struct reasm *r, struct block_pool *pool, uint64_t n)
{
    assert(n <= reasm_inorder_end(r) - r->next && "only bytes in order can be consumed");
    while (n > 0) {
        struct plait_block *b = r->head;
        if (b->len > n) {
            trim_front(b, b->pos + n);
            r->bytes -= n;
            r->next += n;
            return;
        }
        n -= b->len;
        block_put(pool, reasm_take(r));
    }
}

uint64_t reasm_end(const struct reasm *r)
{
    return r->tail != NULL ? block_end(r->tail) : r->next;
}

bool reasm_range_at(const struct reasm *r, uint64_t pos, struct reasm_range *out)
{
    const struct plait_block *b = find_run(r, pos);

    if (b == NULL || block_end(b) <= pos)
        return false;
    out->lo = b->other->pos;
    out->hi = block_end(b);
    return true;
}

uint32_t reasm_gaps(const struct reasm *r, struct reasm_range *held, uint32_t max)
{
    const struct plait_block *b = reasm_peek(r);
    uint32_t n = 0;

    b = b != NULL ? b->other->next : r->head;
    for (; b != NULL && n < max; b = b->other->next)
        held[n++] = (struct reasm_range){ b->pos, block_end(b->other) };
    return n;
}

uint64_t reasm_prune(struct reasm *r, struct block_pool *pool, uint64_t target)
{
    uint64_t before = r->bytes;

    while (r->mem > target && r->tail != NULL) {
        struct plait_block *b = r->tail;
        if (b->other == reasm_peek(r))
            break;
        unlink_end(r, b);
        block_put(pool, b);
    }
    return before - r->bytes;
}

/* The run that starts at first is closed and its ends know each other; answers its last block. */
static const struct plait_block *check_run(const struct plait_block *first)
{
    const struct plait_block *b = first;

    while (b->next != NULL && b->next->pos == block_end(b))
        b = b->next;
    return first->other == b && b->other == first ? b : NULL;
}

bool reasm_check(const struct reasm *r)
{
    uint64_t bytes = 0, mem = 0, end = r->next;
    uint32_t blocks = 0, runs = 0;
    const struct plait_block *prev = NULL;

    for (const struct plait_block *b = r->head; b != NULL; prev = b, b = b->next) {
        bool starts_run = prev == NULL || block_end(prev) != b->pos;
        if (b->prev != prev || b->len == 0 || b->pos < end || block_tailroom(b) > b->cap)
            return false;
        if (starts_run && (check_run(b) == NULL || find_run(r, b->pos) != b->other))
            return false;
        runs += starts_run;
        end = block_end(b);
        bytes += b->len;
        mem += b->cap;
        blocks++;
    }
    return r->tail == prev && bytes == r->bytes && mem == r->mem && blocks == r->blocks &&
           runs == r->runs;
}

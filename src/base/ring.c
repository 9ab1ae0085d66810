/* SPDX-License-Identifier: Apache-2.0 */
/* A growable deque: queues of mappings, of sent segments, of events.
 *
 * Owned by whoever embeds it. Invariants: cap is 0 or a power of two, count <= cap, count <= max,
 * first < cap unless cap is 0; v is NULL exactly when cap is 0. */
#include "ring.h"

#include <assert.h>
#include <string.h>

enum { FIRST_CAP = 8 };

void ring_init(struct ring *r, const struct plait_env *env, uint32_t elem, uint32_t max)
{
    assert(elem > 0 && elem <= RING_ELEM && max <= RING_MAX && "few bytes, and not too often");
    *r = (struct ring){ .env = env, .elem = elem & RING_ELEM, .max = max & RING_MAX };
}

void ring_fini(struct ring *r)
{
    if (r->v != NULL)
        r->env->free(r->env->ctx, r->v, (size_t)r->cap * r->elem);
    ring_init(r, r->env, r->elem, r->max);
}

static uint8_t *slot(const struct ring *r, uint32_t i)
{
    return r->v + (size_t)((r->first + i) & (r->cap - 1)) * r->elem;
}

void *ring_at(const struct ring *r, uint32_t i)
{
    assert(i < r->count && "index inside the ring");
    return slot(r, i);
}

/* Moves the elements into an array of cap slots. */
static bool resize(struct ring *r, uint32_t cap)
{
    uint32_t head = r->cap - r->first; /* slots up to the end of the old array */
    uint8_t *v = r->env->alloc(r->env->ctx, (size_t)cap * r->elem);

    if (v == NULL)
        return false;
    if (r->v != NULL) {
        head = head < r->count ? head : r->count;
        memcpy(v, slot(r, 0), (size_t)head * r->elem);
        memcpy(v + (size_t)head * r->elem, r->v, (size_t)(r->count - head) * r->elem);
        r->env->free(r->env->ctx, r->v, (size_t)r->cap * r->elem);
    }
    r->v = v;
    r->cap = cap;
    r->first = 0;
    return true;
}

bool ring_reserve(struct ring *r, uint32_t n)
{
    uint32_t want = r->max - r->count < n ? r->max : r->count + n;
    uint32_t cap = r->cap > 0 ? r->cap : FIRST_CAP;

    while (cap < want)
        cap *= 2;
    return cap == r->cap || want == 0 || resize(r, cap);
}

static bool grow(struct ring *r)
{
    return r->count < r->max && ring_reserve(r, 1);
}

void *ring_push(struct ring *r)
{
    if (!grow(r))
        return NULL;
    r->count++;
    return memset(slot(r, r->count - 1), 0, r->elem);
}

static void move(struct ring *r, uint32_t to, uint32_t from, uint32_t n)
{
    memmove(r->v + (size_t)to * r->elem, r->v + (size_t)from * r->elem, (size_t)n * r->elem);
}

/* The n elements behind the first slot move one slot to the front. */
static void shift_front(struct ring *r, uint32_t n)
{
    for (uint32_t i = 0, run; i < n; i += run) { /* runs that neither side breaks */
        uint32_t to = (r->first + i) & (r->cap - 1), from = (to + 1) & (r->cap - 1);
        run = from == 0 ? 1 : r->cap - from;
        run = run < n - i ? run : n - i;
        move(r, to, from, run);
    }
}

/* The n elements before the last slot move one slot to the back. */
static void shift_back(struct ring *r, uint32_t n)
{
    for (uint32_t i = 0, run; i < n; i += run) {
        uint32_t to = (r->first + r->count - 1 - i) & (r->cap - 1), from = (to - 1) & (r->cap - 1);
        run = to == 0 ? 1 : to;
        run = run < n - i ? run : n - i;
        move(r, to - run + 1, from - run + 1, run);
    }
}

void *ring_insert(struct ring *r, uint32_t at)
{
    assert(at <= r->count && "index inside the ring or its end");
    if (!grow(r))
        return NULL;
    r->count++;
    if (at < r->count / 2) {
        r->first = (r->first - 1) & (r->cap - 1);
        shift_front(r, at);
    } else {
        shift_back(r, r->count - 1 - at);
    }
    return memset(slot(r, at), 0, r->elem);
}

void ring_pop(struct ring *r, uint32_t n)
{
    assert(n <= r->count && "only what is there can be dropped");
    if (n == r->count) {
        ring_fini(r);
        return;
    }
    r->first = (r->first + n) & (r->cap - 1);
    r->count -= n;
}

void ring_truncate(struct ring *r, uint32_t n)
{
    if (n == 0)
        ring_fini(r);
    else if (n < r->count)
        r->count = n;
}

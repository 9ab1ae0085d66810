/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted disjoint ranges: SACK scoreboards, data that is acknowledged out of order, ranges to
 * reinject.
 *
 * Owned by whoever embeds it. Invariants (rangeset_check): lo < hi in each range, a gap of at least
 * one position between two, n <= cap, n <= max; an empty set has room for one. A failing call
 * changes nothing. */
#include "rangeset.h"

#include <string.h>

enum { MORE_CAP = 8 };

void rangeset_init(struct rangeset *s, const struct plait_env *env, uint32_t max)
{
    *s = (struct rangeset){ .env = env, .v = &s->one, .cap = 1, .max = max };
}

void rangeset_fini(struct rangeset *s)
{
    if (s->v != &s->one)
        s->env->free(s->env->ctx, s->v, s->cap * sizeof *s->v);
    rangeset_init(s, s->env, s->max);
}

/* Index of the first range whose hi is at or behind pos; n if none. */
static uint32_t first_reaching(const struct rangeset *s, uint64_t pos)
{
    uint32_t lo = 0, hi = s->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->v[mid].hi < pos)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int grow(struct rangeset *s)
{
    uint32_t cap = s->cap > 1 ? s->cap * 2 : MORE_CAP;
    struct range *v;

    if (s->n >= s->max)
        return PLAIT_ELIMIT;
    if (s->n < s->cap)
        return 0;
    if (cap > s->max)
        cap = s->max;
    v = s->env->alloc(s->env->ctx, cap * sizeof *v);
    if (v == NULL)
        return PLAIT_ENOMEM;
    if (s->n > 0)
        memcpy(v, s->v, s->n * sizeof *v);
    if (s->v != &s->one)
        s->env->free(s->env->ctx, s->v, s->cap * sizeof *v);
    s->v = v;
    s->cap = cap;
    return 0;
}

/* Replaces n ranges at i by none or, with r, by one; there is room. */
static void replace(struct rangeset *s, uint32_t i, uint32_t n, const struct range *r)
{
    uint32_t put = r != NULL ? 1 : 0;

    if (s->n > i + n && put != n)
        memmove(s->v + i + put, s->v + i + n, (s->n - i - n) * sizeof *s->v);
    if (r != NULL)
        s->v[i] = *r;
    s->n = s->n - n + put;
    if (s->n == 0)
        rangeset_fini(s);
}

int rangeset_add(struct rangeset *s, uint64_t lo, uint64_t hi)
{
    uint32_t i, j;
    int err;

    if (lo >= hi)
        return 0;
    i = first_reaching(s, lo);
    for (j = i; j < s->n && s->v[j].lo <= hi; j++)
        ;
    if (j > i) {
        lo = s->v[i].lo < lo ? s->v[i].lo : lo;
        hi = s->v[j - 1].hi > hi ? s->v[j - 1].hi : hi;
    } else if ((err = grow(s)) != 0) {
        return err;
    }
    replace(s, i, j - i, &(struct range){ lo, hi });
    return 0;
}

int rangeset_del(struct rangeset *s, uint64_t lo, uint64_t hi)
{
    uint32_t i, j;
    int err;

    if (lo >= hi)
        return 0;
    i = first_reaching(s, lo);
    if (i < s->n && s->v[i].lo < lo && s->v[i].hi > hi) {
        struct range left = { s->v[i].lo, lo };
        if ((err = grow(s)) != 0)
            return err;
        s->v[i].lo = hi;
        replace(s, i, 0, &left);
        return 0;
    }
    if (i < s->n && s->v[i].lo < lo) {
        s->v[i].hi = lo < s->v[i].hi ? lo : s->v[i].hi;
        i++;
    }
    for (j = i; j < s->n && s->v[j].hi <= hi; j++)
        ;
    if (j < s->n && s->v[j].lo < hi)
        s->v[j].lo = hi;
    replace(s, i, j - i, NULL);
    return 0;
}

/* The range that holds pos, or NULL. */
static const struct range *find(const struct rangeset *s, uint64_t pos)
{
    uint32_t i = first_reaching(s, pos);

    if (i < s->n && s->v[i].hi == pos)
        i++;
    return i < s->n && s->v[i].lo <= pos ? &s->v[i] : NULL;
}

bool rangeset_has(const struct rangeset *s, uint64_t pos)
{
    return find(s, pos) != NULL;
}

bool rangeset_covers(const struct rangeset *s, uint64_t lo, uint64_t hi)
{
    const struct range *r;

    if (lo >= hi)
        return true;
    r = find(s, lo);
    return r != NULL && r->hi >= hi;
}

uint64_t rangeset_bytes(const struct rangeset *s)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < s->n; i++)
        sum += s->v[i].hi - s->v[i].lo;
    return sum;
}

void rangeset_cut_below(struct rangeset *s, uint64_t pos)
{
    uint32_t i = 0;

    while (i < s->n && s->v[i].hi <= pos)
        i++;
    if (i > 0)
        replace(s, 0, i, NULL);
    if (s->n > 0 && s->v[0].lo < pos)
        s->v[0].lo = pos;
}

bool rangeset_check(const struct rangeset *s)
{
    if (s->n > s->cap || s->n > s->max || (s->cap == 1) != (s->v == &s->one))
        return false;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->v[i].lo >= s->v[i].hi || (i > 0 && s->v[i].lo <= s->v[i - 1].hi))
            return false;
    return true;
}

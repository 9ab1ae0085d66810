/* SPDX-License-Identifier: Apache-2.0 */
/* A small array for what most connections never have. The storage doubles from one element on, and
 * goes back whole when the last one left. Invariant: n <= cap <= max; v is NULL while cap is 0. */
#include "vec.h"

#include <assert.h>
#include <string.h>

void vec_init(struct vec *a, size_t elem, unsigned max)
{
    assert(elem > 0 && elem <= UINT8_MAX && max <= UINT8_MAX && "small elements, few of them");
    *a = (struct vec){ .elem = (uint8_t)elem, .max = (uint8_t)max };
}

void vec_lend(struct vec *a, void *room)
{
    assert(a->cap == 0 && a->max > 0 && "it has no room of its own");
    a->v = room;
    a->cap = 1;
    a->lent = true;
}

static void give_back(struct vec *a, const struct plait_env *env)
{
    if (a->v != NULL && !a->lent)
        env->free(env->ctx, a->v, (size_t)a->cap * a->elem);
    a->lent = false;
}

void vec_fini(struct vec *a, const struct plait_env *env)
{
    give_back(a, env);
    a->v = NULL;
    a->n = a->cap = 0;
}

static bool grow(struct vec *a, const struct plait_env *env)
{
    unsigned cap = a->cap == 0 ? 1 : 2u * a->cap;
    uint8_t *v;

    if (cap > a->max)
        cap = a->max;
    v = env->alloc(env->ctx, (size_t)cap * a->elem);
    if (v == NULL)
        return false;
    if (a->v != NULL)
        memcpy(v, a->v, (size_t)a->n * a->elem);
    give_back(a, env);
    a->v = v;
    a->cap = (uint8_t)cap;
    return true;
}

void *vec_push(struct vec *a, const struct plait_env *env)
{
    if (a->n == a->max || (a->n == a->cap && !grow(a, env)))
        return NULL;
    return memset(vec_at(a, a->n++), 0, a->elem);
}

void vec_del(struct vec *a, unsigned i, const struct plait_env *env)
{
    uint8_t *gone = vec_at(a, i);

    memmove(gone, gone + a->elem, (size_t)(a->n - i - 1) * a->elem);
    vec_truncate(a, a->n - 1u, env);
}

void vec_truncate(struct vec *a, unsigned n, const struct plait_env *env)
{
    assert(n <= a->n && "only shorter");
    a->n = (uint8_t)n;
    if (n == 0)
        vec_fini(a, env);
}

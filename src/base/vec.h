/* SPDX-License-Identifier: Apache-2.0 */
/* A small array that takes no memory while it is empty: at most 255 elements of 255 bytes. Its
 * owner may lend it room for the first. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <plait/types.h>

#include <assert.h>

struct vec {
    uint8_t *v;
    uint8_t n, cap, max; /* elements: used, allocated, allowed */
    uint8_t elem;        /* bytes of each */
    bool lent;           /* v is the owner's */
};

void vec_init(struct vec *a, size_t elem, unsigned max);
/* Room for one element; a has none yet. */
void vec_lend(struct vec *a, void *room);
void vec_fini(struct vec *a, const struct plait_env *env);
/* A zeroed element at the end; NULL: no room or no memory, nothing has changed. */
void *vec_push(struct vec *a, const struct plait_env *env);
/* Element i, i < n. */
static inline void *vec_at(const struct vec *a, unsigned i)
{
    assert(i < a->n && "an element that is there");
    return a->v + (size_t)i * a->elem;
}
/* Takes out element i; those behind it move up. */
void vec_del(struct vec *a, unsigned i, const struct plait_env *env);
/* Keeps the first n. */
void vec_truncate(struct vec *a, unsigned n, const struct plait_env *env);

#endif

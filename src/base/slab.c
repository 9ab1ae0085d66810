/* SPDX-License-Identifier: Apache-2.0 */
/* Free pieces by size, each list a stack: the last one is still in the processor's caches.
 *
 * Owned by base_ctx. Every piece of a class was allocated with the size of the class, whatever was
 * asked for; larger ones pass through. Invariant: kept is the sum of all pieces on the lists, and
 * kept <= max. */
#include "slab.h"

#include <string.h>

struct slab_piece {
    struct slab_piece *next;
};

/* SLAB_CLASSES: too large for any. */
static unsigned class_of(size_t size)
{
    return size == 0 || size > (size_t)SLAB_UNIT * SLAB_CLASSES
               ? SLAB_CLASSES : (unsigned)((size - 1) / SLAB_UNIT);
}

static size_t size_of(unsigned class)
{
    return (size_t)SLAB_UNIT * (class + 1);
}

static void *slab_alloc(void *ctx, size_t size)
{
    struct slab *s = ctx;
    unsigned class = class_of(size);
    struct slab_piece *p;

    if (class == SLAB_CLASSES)
        return s->below.alloc(s->below.ctx, size);
    p = s->free[class];
    if (p == NULL)
        return s->below.alloc(s->below.ctx, size_of(class));
    s->free[class] = p->next;
    s->kept -= size_of(class);
    return p;
}

static void slab_free(void *ctx, void *mem, size_t size)
{
    struct slab *s = ctx;
    unsigned class = class_of(size);
    struct slab_piece *p = mem;

    if (class == SLAB_CLASSES) {
        s->below.free(s->below.ctx, mem, size);
    } else if (s->kept + size_of(class) > s->max) {
        s->below.free(s->below.ctx, mem, size_of(class));
    } else {
        p->next = s->free[class];
        s->free[class] = p;
        s->kept += size_of(class);
    }
}

static void slab_random(void *ctx, void *buf, size_t len)
{
    const struct slab *s = ctx;

    s->below.random(s->below.ctx, buf, len);
}

static void slab_trace(void *ctx, const struct plait_trace *ev)
{
    const struct slab *s = ctx;

    s->below.trace(s->below.ctx, ev);
}

void slab_init(struct slab *s, const struct plait_env *below, uint64_t max)
{
    memset(s, 0, sizeof *s);
    s->below = *below;
    s->max = max;
}

void slab_fini(struct slab *s)
{
    for (unsigned i = 0; i < SLAB_CLASSES; i++)
        while (s->free[i] != NULL) {
            struct slab_piece *p = s->free[i];
            s->free[i] = p->next;
            s->below.free(s->below.ctx, p, size_of(i));
        }
    s->kept = 0;
}

struct plait_env slab_env(struct slab *s)
{
    return (struct plait_env){
        .ctx = s, .alloc = slab_alloc, .free = slab_free, .random = slab_random,
        .trace = s->below.trace != NULL ? slab_trace : NULL,
    };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of a stack: the node with the smallest key is at v[0].
 *
 * Owned by the stack. Invariants: v[i]->at == i + 1; no key is smaller than its parent's; n <=
 * cap. */
#include "heap.h"

#include <assert.h>
#include <string.h>

enum { FIRST_CAP = 16 };

void heap_init(struct heap *h, const struct plait_env *env)
{
    *h = (struct heap){ .env = env };
}

void heap_fini(struct heap *h)
{
    if (h->v != NULL)
        h->env->free(h->env->ctx, h->v, h->cap * sizeof(struct heap_node *));
    heap_init(h, h->env);
}

int heap_reserve(struct heap *h, uint32_t n)
{
    uint32_t cap = h->cap > 0 ? h->cap : FIRST_CAP;
    struct heap_node **v;

    if (n <= h->cap)
        return 0;
    while (cap < n)
        cap = cap <= UINT32_MAX / 2 ? cap * 2 : n;
    v = h->env->alloc(h->env->ctx, cap * sizeof(struct heap_node *));
    if (v == NULL)
        return PLAIT_ENOMEM;
    if (h->v != NULL) {
        memcpy(v, h->v, h->n * sizeof(struct heap_node *));
        h->env->free(h->env->ctx, h->v, h->cap * sizeof(struct heap_node *));
    }
    h->v = v;
    h->cap = cap;
    return 0;
}

static void place(struct heap *h, uint32_t i, struct heap_node *node)
{
    h->v[i] = node;
    node->at = i + 1;
}

/* Moves node, which belongs at i or above, up to its place; answers the index. */
static uint32_t sift_up(struct heap *h, uint32_t i, struct heap_node *node)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / 2;
        if (h->v[parent]->key <= node->key)
            break;
        place(h, i, h->v[parent]);
        i = parent;
    }
    place(h, i, node);
    return i;
}

static void sift_down(struct heap *h, uint32_t i, struct heap_node *node)
{
    for (;;) {
        uint32_t child = i * 2 + 1;
        if (child >= h->n)
            break;
        if (child + 1 < h->n && h->v[child + 1]->key < h->v[child]->key)
            child++;
        if (node->key <= h->v[child]->key)
            break;
        place(h, i, h->v[child]);
        i = child;
    }
    place(h, i, node);
}

static void settle(struct heap *h, uint32_t i, struct heap_node *node)
{
    if (sift_up(h, i, node) == i)
        sift_down(h, i, node);
}

void heap_set(struct heap *h, struct heap_node *node, plait_time key)
{
    if (key == PLAIT_NEVER) {
        heap_del(h, node);
        return;
    }
    if (node->key == key && node->at != 0)
        return;
    node->key = key;
    if (node->at == 0) {
        assert(h->n < h->cap && "heap_reserve() was called for every node that can be set");
        node->at = ++h->n;
    }
    settle(h, node->at - 1, node);
}

void heap_del(struct heap *h, struct heap_node *node)
{
    uint32_t i = node->at - 1;
    struct heap_node *last;

    if (node->at == 0)
        return;
    last = h->v[--h->n];
    node->at = 0;
    if (last != node)
        settle(h, i, last);
}

struct heap_node *heap_min(const struct heap *h)
{
    return h->n > 0 ? h->v[0] : NULL;
}

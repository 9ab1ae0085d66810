/* SPDX-License-Identifier: Apache-2.0 */
/* Hash tables of the stack: connections by 4-tuple, by token, listeners by port.
 *
 * Invariants: buckets is a power of two; a node stands in the bucket that its hash names; count is
 * the number of nodes. The table doubles when it holds as many nodes as buckets; where memory for
 * that is missing it goes on with longer chains. It never shrinks. */
#include "htab.h"

#include <assert.h>
#include <string.h>

enum { FIRST_BUCKETS = 16 };

/* Callers may hash badly in the low bits (a token, a port), so the hash is spread first. */
static uint32_t bucket_of(uint64_t hash, uint32_t buckets)
{
    return (uint32_t)((hash * 0x9e3779b97f4a7c15) >> 32) & (buckets - 1);
}

static struct htab_node **make_buckets(const struct plait_env *env, uint32_t n)
{
    struct htab_node **bucket = env->alloc(env->ctx, n * sizeof(struct htab_node *));

    for (uint32_t i = 0; bucket != NULL && i < n; i++)
        bucket[i] = NULL;
    return bucket;
}

int htab_init(struct htab *t, const struct plait_env *env)
{
    *t = (struct htab){ .env = env, .buckets = FIRST_BUCKETS };
    t->bucket = make_buckets(env, t->buckets);
    if (t->bucket == NULL) {
        t->buckets = 0;
        return PLAIT_ENOMEM;
    }
    return 0;
}

void htab_fini(struct htab *t)
{
    if (t->bucket != NULL)
        t->env->free(t->env->ctx, t->bucket, t->buckets * sizeof(struct htab_node *));
    *t = (struct htab){ .env = t->env };
}

static void put(struct htab_node **bucket, uint32_t buckets, struct htab_node *node)
{
    struct htab_node **at = &bucket[bucket_of(node->hash, buckets)];

    node->next = *at;
    *at = node;
}

static void grow(struct htab *t)
{
    uint32_t buckets = t->buckets * 2;
    struct htab_node **bucket = buckets > t->buckets ? make_buckets(t->env, buckets) : NULL;

    if (bucket == NULL)
        return;
    for (uint32_t i = 0; i < t->buckets; i++) {
        while (t->bucket[i] != NULL) {
            struct htab_node *node = t->bucket[i];
            t->bucket[i] = node->next;
            put(bucket, buckets, node);
        }
    }
    t->env->free(t->env->ctx, t->bucket, t->buckets * sizeof(struct htab_node *));
    t->bucket = bucket;
    t->buckets = buckets;
}

void htab_add(struct htab *t, struct htab_node *node, uint64_t hash)
{
    if (t->count >= t->buckets)
        grow(t);
    node->hash = hash;
    put(t->bucket, t->buckets, node);
    t->count++;
}

void htab_del(struct htab *t, struct htab_node *node)
{
    struct htab_node **at = &t->bucket[bucket_of(node->hash, t->buckets)];

    while (*at != NULL && *at != node)
        at = &(*at)->next;
    assert(*at == node && "only a node of this table can be deleted");
    if (*at == NULL)
        return;
    *at = node->next;
    node->next = NULL;
    t->count--;
}

static struct htab_node *first_with(struct htab_node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash)
        node = node->next;
    return node;
}

struct htab_node *htab_first(const struct htab *t, uint64_t hash)
{
    return first_with(t->bucket[bucket_of(hash, t->buckets)], hash);
}

struct htab_node *htab_next(const struct htab_node *node)
{
    return first_with(node->next, node->hash);
}

struct htab_node *htab_walk(const struct htab *t, struct htab_node *prev)
{
    uint32_t i = 0;

    if (prev != NULL) {
        if (prev->next != NULL)
            return prev->next;
        i = bucket_of(prev->hash, t->buckets) + 1;
    }
    while (i < t->buckets && t->bucket[i] == NULL)
        i++;
    return i < t->buckets ? t->bucket[i] : NULL;
}

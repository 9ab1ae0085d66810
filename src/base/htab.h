/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of nodes embedded in their owners, chained in growable power-of-two buckets. The
 * caller hashes (siphash for keys that strangers choose) and compares. */
#ifndef BASE_HTAB_H
#define BASE_HTAB_H

#include <plait/types.h>

struct htab_node { struct htab_node *next; uint64_t hash; };

struct htab {
    const struct plait_env *env;
    struct htab_node **bucket;
    uint32_t buckets, count;
};

int htab_init(struct htab *t, const struct plait_env *env); /* 0 or PLAIT_ENOMEM */
void htab_fini(struct htab *t);
/* Never fails: grows if it can. */
void htab_add(struct htab *t, struct htab_node *node, uint64_t hash);
void htab_del(struct htab *t, struct htab_node *node);
/* The first node with this very hash. */
struct htab_node *htab_first(const struct htab *t, uint64_t hash);
/* The next one with the same hash. */
struct htab_node *htab_next(const struct htab_node *node);
/* Every node in some order: NULL starts; NULL ends. To delete while walking, ask for the next
 * first. */
struct htab_node *htab_walk(const struct htab *t, struct htab_node *prev);

#endif

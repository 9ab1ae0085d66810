/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of deadlines embedded in their owners. Grows ahead: heap_reserve() makes sure that
 * later calls cannot fail. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <plait/types.h>

struct heap_node { plait_time key; uint32_t at; }; /* at: index + 1; 0 = not in a heap */

struct heap {
    const struct plait_env *env;
    struct heap_node **v;
    uint32_t n, cap;
};

void heap_init(struct heap *h, const struct plait_env *env);
void heap_fini(struct heap *h);
/* Room for n nodes in all: 0 or PLAIT_ENOMEM. */
int heap_reserve(struct heap *h, uint32_t n);
/* Adds or moves; PLAIT_NEVER removes. */
void heap_set(struct heap *h, struct heap_node *node, plait_time key);
void heap_del(struct heap *h, struct heap_node *node); /* no-op when not in it */
struct heap_node *heap_min(const struct heap *h);      /* NULL when empty */

#endif

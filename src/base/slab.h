/* SPDX-License-Identifier: Apache-2.0 */
/* Small pieces of memory that were given back and wait to be used again, the last one first: what
 * comes and goes with each message or connection costs no call of the environment. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <plait/types.h>

enum { SLAB_UNIT = 64, SLAB_CLASSES = 32 }; /* pieces of up to 2048 bytes */

struct slab_piece;
struct slab {
    struct plait_env below;
    struct slab_piece *free[SLAB_CLASSES]; /* of (i + 1) * SLAB_UNIT bytes */
    uint64_t kept, max;                    /* bytes that wait, and that may */
};

/* max 0: nothing is kept. */
void slab_init(struct slab *s, const struct plait_env *below, uint64_t max);
/* Gives back what waits. */
void slab_fini(struct slab *s);
/* The environment below, but for its memory. s must stay where it is. */
struct plait_env slab_env(struct slab *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether it pays to look for news for a moment before sleeping. */
#ifndef DRV_SPIN_H
#define DRV_SPIN_H

#include <plait/types.h>

struct drv_spin {
    plait_time max;   /* how long at most; 0: never */
    unsigned credit;  /* spins that may fail before it is left alone for a while */
    unsigned skipped; /* sleeps since the last try, with no credit */
};

enum drv_spin_end {
    DRV_SPIN_PAID,   /* news came */
    DRV_SPIN_FAILED, /* none came in time */
    DRV_SPIN_TAKEN,  /* the processor was taken from us: somebody needs it more */
};

/* cpus: how many this process may use. */
void drv_spin_init(struct drv_spin *spin, plait_time max, int cpus);
/* How long to look before this sleep. */
plait_time drv_spin_begin(struct drv_spin *spin);
void drv_spin_end(struct drv_spin *spin, enum drv_spin_end end);

#endif

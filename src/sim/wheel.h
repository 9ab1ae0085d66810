/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that will happen, by time: put in and taken out at a cost that does not grow with how
 * much there is. What is due at the same time comes in the order in which it was put in. */
#ifndef SIM_WHEEL_H
#define SIM_WHEEL_H

#include "../base/list.h"
#include <plait/types.h>

enum { SIM_WHEEL_BITS = 8, SIM_WHEEL_SLOTS = 1 << SIM_WHEEL_BITS, SIM_WHEEL_LEVELS = 8 };

/* Embedded in its owner; one of zeros is in no wheel. */
struct sim_wheel_node {
    struct list list;
    plait_time at;
    bool queued;
};

struct sim_wheel {
    plait_time base; /* nothing before it is in here, or will be */
    uint8_t levels;   /* bit i: level i has something */
    uint64_t used[SIM_WHEEL_LEVELS][SIM_WHEEL_SLOTS / 64]; /* a bit for each slot that has */
    struct list slot[SIM_WHEEL_LEVELS][SIM_WHEEL_SLOTS];
};

void sim_wheel_init(struct sim_wheel *w);
/* Not before what sim_wheel_first() was asked about. A node that is in the wheel is moved. */
void sim_wheel_add(struct sim_wheel *w, struct sim_wheel_node *node, plait_time at);
void sim_wheel_del(struct sim_wheel *w, struct sim_wheel_node *node); /* no-op when not in it */
/* When the next one is due, if it is by then; else something later, PLAIT_NEVER where there is
 * none at all. From now on nothing may be added before the lesser of that time and `by`. */
plait_time sim_wheel_first(struct sim_wheel *w, plait_time by);
/* Takes out the next one; NULL: there is none. */
struct sim_wheel_node *sim_wheel_take(struct sim_wheel *w);

#endif

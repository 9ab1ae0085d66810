/* SPDX-License-Identifier: Apache-2.0 */
/* The runs that faults are put into: short, and each about one thing. */
#ifndef FAULT_SCENARIOS_H
#define FAULT_SCENARIOS_H

#include "../scenario/world.h"

enum { FAULT_DEEDS_MAX = 4 };

/* What the owner of a host does during the run; NULL ends the list. */
struct fault_deed {
    plait_time at; /* since the start */
    void (*act)(struct world *w);
};

struct fault_scenario {
    const char *name;
    unsigned path_n;
    void (*shape)(struct world *w); /* changes the defaults; NULL: nothing */
    struct fault_deed deed[FAULT_DEEDS_MAX];
    bool ends_badly; /* without any fault an end gets an error */
    bool checksum;   /* DSS checksums: no fault may change a byte unseen */
};

extern const struct fault_scenario fault_scenarios[];
extern const unsigned fault_scenario_n;

/* The number of the one with this name; -1: there is none. */
int fault_scenario_find(const char *name);

#endif

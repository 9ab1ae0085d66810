/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a scenario with one fault in it, and the judgement of how it ended. */
#ifndef FAULT_INJECT_H
#define FAULT_INJECT_H

#include "scenarios.h"

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_DROP,        /* packet k is lost */
    FAULT_TWICE,       /* it comes two times */
    FAULT_LATE,        /* it is held back; variant: for how long */
    FAULT_CUT,         /* its end is missing; variant: how much, and whether the lengths say so */
    FAULT_FLIP,        /* a bit of it changes, the TCP checksum stays; variant: which bit */
    FAULT_FORGE,       /* the same, and the TCP checksum is made right again */
    FAULT_ALLOC,       /* allocation k of a host fails, alone */
    FAULT_ALLOC_DRY,   /* it, and the next forty */
    FAULT_KINDS
};

struct fault {
    enum fault_kind kind;
    uint64_t k;       /* of the packet or allocation, from 0 */
    uint32_t variant; /* for allocations: 0 client, 1 server */
};

/* What a run without a fault has of each. */
struct fault_extent {
    uint64_t packets, allocs[2];
};

const char *fault_kind_name(enum fault_kind kind);
/* FAULT_NONE: no such name. */
enum fault_kind fault_kind_find(const char *name);
uint32_t fault_variants(enum fault_kind kind);

/* Runs it. NULL: it ended as it must; else what is wrong, in words. extent may be NULL. */
const char *fault_run(const struct fault_scenario *sc, const struct fault *f,
                      struct fault_extent *extent);

#endif

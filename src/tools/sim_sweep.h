/* SPDX-License-Identifier: Apache-2.0 */
/* All runs of a sweep that were not made before. */
#ifndef TOOLS_SIM_SWEEP_H
#define TOOLS_SIM_SWEEP_H

#include "sim_ranks.h"
#include "sim_runs.h"
#include "sim_store.h"

struct sim_sweep {
    const struct sim_runs *runs;
    const struct sim_ranks *ranks;
    struct sim_store *store; /* of rank 0 */
};

/* The exit status. */
int sim_sweep_work(const struct sim_sweep *s);

/* Runs one and writes its line of JSON to fd; the exit status. */
int sim_sweep_one(const struct sim_runs *runs, unsigned index, int fd);
/* What the policies of one's own and the file for packets come to. */
void sim_sweep_options(const struct sim_options *o, struct sim_scn_options *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of a sweep: which there are, and what each is called with. */
#ifndef TOOLS_SIM_RUNS_H
#define TOOLS_SIM_RUNS_H

#include "sim_options.h"

enum { SIM_RUNS_MAX = 1000000, SIM_VALUES_MAX = 100000 };

/* One --sweep. */
struct sim_axis {
    char name[SIM_SCN_NAME_MAX];
    unsigned n;
    char **value;
};

struct sim_runs {
    const struct sim_options *o;
    char *text; /* the scenario */
    size_t len;
    unsigned axis_n;
    struct sim_axis axis[SIM_SWEEPS_MAX];
    unsigned n; /* runs */
};

/* Reads the file and the lists. ARGS_BAD: it was told why not. */
enum args_verdict sim_runs_init(struct sim_runs *r, const struct sim_options *o);
void sim_runs_free(struct sim_runs *r);

/* One run: the options' own parameters, and one value of each axis. The first axis changes
 * slowest. */
struct sim_run {
    unsigned index;
    struct sim_scn_set set[SIM_SETS_MAX + SIM_SWEEPS_MAX];
    struct sim_scn_input in;
};
void sim_run_make(const struct sim_runs *r, unsigned index, struct sim_run *run);
/* A digest of all that decides its result. */
uint64_t sim_run_hash(const struct sim_run *run);
/* The scenario of a run; NULL: it was told why not. */
struct sim_scn *sim_run_parse(const struct sim_runs *r, const struct sim_run *run);
/* "cc=lia seed=3", for progress. */
void sim_run_describe(const struct sim_runs *r, unsigned index, char *to, size_t size);

/* The values of a list: a,b,c and ranges in any order. NULL: it makes no sense; n how many. */
char **sim_list_parse(const char *list, unsigned *n);
void sim_list_free(char **value, unsigned n);

#endif

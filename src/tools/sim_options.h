/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `plait sim FILE.sim`. */
#ifndef TOOLS_SIM_OPTIONS_H
#define TOOLS_SIM_OPTIONS_H

#include "args.h"
#include "sim/scn_run.h"

enum { SIM_SETS_MAX = 64, SIM_SWEEPS_MAX = 16, SIM_JOBS_MAX = 1024 };

struct sim_options {
    const char *file;
    struct sim_scn_set set[SIM_SETS_MAX];
    unsigned set_n;
    const char *sweep[SIM_SWEEPS_MAX]; /* key=LIST, as it was given */
    unsigned sweep_n;
    bool seed_given;
    uint64_t seed;
    unsigned jobs; /* 0: as many as there are processors */
    const char *out;
    bool json, quiet, check;
    const char *trace, *pcap;
    /* --plot FILE and what is to be seen there; x NULL: over time */
    const char *plot, *x, *y, *by;
    struct plait_conn_config own; /* policies from shared objects */
};

/* argv[0] is "sim"; a leading "run" was taken away. */
enum args_verdict sim_options_parse(struct sim_options *o, int argc, char **argv);

#endif

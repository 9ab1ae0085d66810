/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of a scenario came to, as a line of JSON or for people. */
#ifndef TOOLS_SIM_SHOW_H
#define TOOLS_SIM_SHOW_H

#include "json.h"
#include "sim/scn_result.h"

struct sim_show {
    const char *scenario; /* name of the file, without its directory */
    unsigned run;
    uint64_t hash;
    const struct sim_scn *scn;
    const struct sim_scn_result *result;
};

/* Into j, without the end of the line. The line begins with the number of the run and its hash, see
 * sim_line.h. */
void sim_show_json(const struct sim_show *s, struct json *j);
/* A table on standard output. */
void sim_show_table(const struct sim_show *s);
/* A value for people: "8.25 Mbit/s", "12.3 ms". */
void sim_show_value(const struct sim_scn_value *v, char *to, size_t size);

#endif

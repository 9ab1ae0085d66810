/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in a run, as lines of JSON like those of qlog. */
#ifndef TOOLS_SIM_TRACE_H
#define TOOLS_SIM_TRACE_H

#include "sim/scn_run.h"

struct sim_trace;

/* NULL: it was told why not. */
struct sim_trace *sim_trace_open(const char *path, const struct sim_scn *s);
/* t may be NULL in all of them. */
void sim_trace_point(struct sim_trace *t, const struct sim_scn_point *p);
void sim_trace_news(struct sim_trace *t, const struct sim_scn_news *n);
void sim_trace_packet(struct sim_trace *t, const struct sim_scn_packet *p);
/* False: something could not be written, which was told. */
bool sim_trace_close(struct sim_trace *t);

#endif

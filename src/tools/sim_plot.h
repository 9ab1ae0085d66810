/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of results, drawn by gnuplot. */
#ifndef TOOLS_SIM_PLOT_H
#define TOOLS_SIM_PLOT_H

#include "sim_runs.h"
#include "sim_store.h"

#include <stdio.h>

/* ---- over time, of one run ------------------------------------------------------------------- */

struct sim_series;
struct sim_series *sim_series_new(const struct sim_scn *s);
/* NULL: nothing happens. */
void sim_series_point(struct sim_series *s, const struct sim_scn_point *p);
/* o->y into o->plot. False: it was told why not. */
bool sim_series_plot(const struct sim_series *s, const struct sim_options *o);
void sim_series_free(struct sim_series *s);

/* ---- over a parameter, of a sweep ------------------------------------------------------------ */

/* False: it was told why not. */
bool sim_plot_sweep(const struct sim_runs *runs, const struct sim_store *store);

/* ---- for both -------------------------------------------------------------------------------- */

/* gnuplot at the other end, told what all pictures have in common; NULL: it was told why not. */
FILE *sim_gnuplot_open(const char *plot);
/* False: it could not draw, which was told. */
bool sim_gnuplot_close(FILE *to, const char *plot);
/* Text in gnuplot's quotes. */
void sim_gnuplot_text(FILE *to, const char *text);
/* What a number of this kind is divided by, and the unit that it has then. */
double sim_gnuplot_unit(enum sim_scn_kind kind, double most, const char **unit);

#endif

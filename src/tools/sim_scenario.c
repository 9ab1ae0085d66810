/* SPDX-License-Identifier: Apache-2.0 */
/* `plait sim FILE.sim`: one run or a sweep, and what is made of the results. Called by sim_cmd.c.
 * doc/scenario.md tells the language, doc/plait-sim.1.scd the options. */
#include "sim_scenario.h"

#include "sim_plot.h"
#include "sim_show.h"
#include "sim_sweep.h"
#include "sim_trace.h"
#include "start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int sim_scenario_named(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t n = strlen(argv[i]);
        if (n > 4 && argv[i][0] != '-' && strcmp(argv[i] + n - 4, ".sim") == 0)
            return 1;
    }
    return 0;
}

/* ---- one run --------------------------------------------------------------------------------- */

/* Who looks on while it runs. */
struct watch {
    struct sim_trace *trace;
    struct sim_series *series;
};

static void on_point(void *ctx, const struct sim_scn_point *p)
{
    struct watch *w = ctx;

    sim_trace_point(w->trace, p);
    sim_series_point(w->series, p);
}

static void on_news(void *ctx, const struct sim_scn_news *n)
{
    struct watch *w = ctx;

    sim_trace_news(w->trace, n);
}

static void on_packet(void *ctx, const struct sim_scn_packet *p)
{
    struct watch *w = ctx;

    sim_trace_packet(w->trace, p);
}

static int show(const struct sim_options *o, const struct sim_show *what)
{
    struct json j = {0};
    bool good = true;

    if (o->json) {
        sim_show_json(what, &j);
        good = json_line(&j, STDOUT_FILENO);
        json_free(&j);
    } else {
        sim_show_table(what);
    }
    return good && fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

/* Runs it with those who look on; the exit status. */
static int watch_run(const struct sim_runs *runs, const struct sim_run *run, struct sim_scn *s)
{
    const struct sim_options *o = runs->o;
    struct watch watch = {0};
    struct sim_scn_options how;
    struct sim_scn_result *result;
    int status = STATUS_OK;

    sim_sweep_options(o, &how);
    how.ctx = &watch;
    if (o->trace != NULL) {
        watch.trace = sim_trace_open(o->trace, s);
        if (watch.trace == NULL)
            return STATUS_FAILED;
        how.on_news = on_news;
        how.on_packet = on_packet;
    }
    if (o->plot != NULL)
        watch.series = sim_series_new(s);
    if (watch.trace != NULL || watch.series != NULL)
        how.on_point = on_point;
    result = sim_scn_run(s, &how);
    if (result->failure != NULL) {
        (void)fprintf(stderr, "%s: %s (seed %llu)\n", o->file, result->failure,
                      (unsigned long long)s->seed);
        status = STATUS_FAILED;
    } else {
        status = show(o, &(struct sim_show){o->file, run->index, sim_run_hash(run), s, result});
    }
    if (!sim_trace_close(watch.trace))
        status = STATUS_FAILED;
    if (status == STATUS_OK && watch.series != NULL && !sim_series_plot(watch.series, o))
        status = STATUS_FAILED;
    sim_series_free(watch.series);
    sim_scn_result_free(result);
    return status;
}

static int one(const struct sim_runs *runs)
{
    struct sim_run run;
    struct sim_scn *s;
    int status;

    sim_run_make(runs, 0, &run);
    s = sim_run_parse(runs, &run);
    if (s == NULL)
        return STATUS_USAGE;
    status = watch_run(runs, &run, s);
    sim_scn_free(s);
    return status;
}

/* ---- a sweep --------------------------------------------------------------------------------- */

/* On standard output, in order; with --json whole lines, else nothing: the file or the plot is what
 * was asked for, or else a table of reports. */
static int print_lines(const struct sim_runs *runs, const struct sim_store *store)
{
    for (unsigned i = 0; i < runs->n; i++) {
        char *line;
        size_t len;
        if (!sim_store_has(store, i))
            continue;
        if (!sim_store_read(store, i, &line, &len))
            return STATUS_FAILED;
        (void)fwrite(line, 1, len, stdout);
        free(line);
    }
    return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

static int sweep_at_root(const struct sim_sweep *s)
{
    const struct sim_options *o = s->runs->o;
    int status = sim_sweep_work(s);

    if (status != STATUS_OK)
        return status;
    if (o->json || (o->out == NULL && o->plot == NULL))
        status = print_lines(s->runs, s->store);
    if (status == STATUS_OK && o->plot != NULL && !sim_plot_sweep(s->runs, s->store))
        status = STATUS_FAILED;
    return status;
}

/* Rank 0 has the file; if it is no good, nobody begins. */
static int sweep(const struct sim_runs *runs, const struct sim_ranks *ranks)
{
    struct sim_store store = {.fd = -1};
    struct sim_sweep s = {runs, ranks, &store};
    int status = STATUS_OK;

    if (ranks->rank == 0 && sim_store_open(&store, runs, runs->o->out) != ARGS_OK)
        status = STATUS_USAGE;
    sim_ranks_share(ranks, &status, sizeof status);
    if (status == STATUS_OK)
        status = ranks->rank == 0 ? sweep_at_root(&s) : sim_sweep_work(&s);
    if (ranks->rank == 0)
        sim_store_close(&store);
    return status;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* The first run as a sample: what is wrong with it is wrong before anything is run. */
static int check(const struct sim_runs *runs, const struct sim_ranks *ranks)
{
    struct sim_run run;
    struct sim_scn *s;
    int status = STATUS_USAGE;

    if (ranks->rank == 0) {
        sim_run_make(runs, 0, &run);
        s = sim_run_parse(runs, &run);
        if (s != NULL)
            sim_scn_free(s);
        status = s != NULL ? STATUS_OK : STATUS_USAGE;
    }
    sim_ranks_share(ranks, &status, sizeof status);
    return status;
}

static int work(const struct sim_options *o, const struct sim_ranks *ranks)
{
    struct sim_runs runs;
    int status = STATUS_USAGE;

    if (sim_runs_init(&runs, o) == ARGS_OK)
        status = check(&runs, ranks);
    if (status != STATUS_OK || o->check)
        ; /* that is all */
    else if (runs.axis_n == 0 && o->out == NULL && o->x == NULL)
        status = ranks->rank == 0 ? one(&runs) : STATUS_OK;
    else
        status = sweep(&runs, ranks);
    sim_runs_free(&runs);
    return status;
}

int sim_scenario_main(int argc, char **argv)
{
    struct sim_options o;
    struct sim_ranks ranks;
    enum args_verdict verdict = sim_options_parse(&o, argc, argv);
    int status;

    if (verdict != ARGS_OK)
        return verdict == ARGS_DONE ? STATUS_OK : STATUS_USAGE;
    sim_ranks_start(&ranks);
    status = work(&o, &ranks);
    sim_ranks_end(&ranks);
    return status;
}

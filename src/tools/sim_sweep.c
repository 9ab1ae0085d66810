/* SPDX-License-Identifier: Apache-2.0 */
/* Works through the runs of a sweep: on this machine by processes, over machines by ranks. Called
 * by sim_scenario.c. The result does not depend on how many there are of either: a run is decided
 * by its parameters, and lines are put in order at the end. */
#include "sim_sweep.h"

#include "sim_pool.h"
#include "sim_progress.h"
#include "sim_show.h"
#include "start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 100, RANKS_TICK_MS = 5, WAIT_US = 2000 };

struct state {
    const struct sim_sweep *s;
    struct sim_progress progress;
    unsigned awaited; /* rank 0: runs that others make and have not told of */
    unsigned failed;
    bool stop;
    char last[256];
};

/* ---- one run --------------------------------------------------------------------------------- */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

void sim_sweep_options(const struct sim_options *o, struct sim_scn_options *out)
{
    *out = (struct sim_scn_options){
        .own_cc = o->own.own_cc,
        .own_sched = o->own.own_sched,
        .own_pm = o->own.own_pm,
        .pcap = o->pcap,
    };
}

int sim_sweep_one(const struct sim_runs *runs, unsigned index, int fd)
{
    struct sim_run run;
    struct sim_scn_options how;
    struct sim_scn_result *result;
    struct sim_scn *s;
    struct json j = {0};
    bool good;

    sim_run_make(runs, index, &run);
    s = sim_run_parse(runs, &run);
    if (s == NULL)
        return STATUS_USAGE;
    sim_sweep_options(runs->o, &how);
    result = sim_scn_run(s, &how);
    good = result->failure == NULL;
    if (!good)
        (void)fprintf(stderr, "%s: %s (seed %llu)\n", runs->o->file, result->failure,
                      (unsigned long long)s->seed);
    sim_show_json(&(struct sim_show){name_of(runs->o->file), index, sim_run_hash(&run), s, result},
                  &j);
    good = good && json_line(&j, fd);
    json_free(&j);
    sim_scn_result_free(result);
    sim_scn_free(s);
    return good ? STATUS_OK : STATUS_FAILED;
}

static int work(void *ctx, unsigned run, int fd)
{
    struct state *st = ctx;

    return sim_sweep_one(st->s->runs, run, fd);
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void keep(struct state *st, unsigned run, const char *text, size_t len)
{
    if (len == 0) {
        st->failed++;
    } else {
        sim_run_describe(st->s->runs, run, st->last, sizeof st->last);
        if (!sim_store_add(st->s->store, run, text, len)) {
            st->failed++;
            st->stop = true;
        }
    }
    sim_progress_show(&st->progress, st->s->store->done, st->last);
}

static void receive(struct state *st)
{
    unsigned run;
    size_t len;
    char *text;

    while (st->awaited > 0 && sim_ranks_receive(st->s->ranks, &run, &text, &len)) {
        st->awaited--;
        keep(st, run, text, len);
        free(text);
    }
}

/* A run that ended badly has told why, but for a signal. */
static bool take(void *ctx, unsigned run, const char *text, size_t len, int status)
{
    struct state *st = ctx;
    char what[256];

    if (WIFSIGNALED(status)) {
        sim_progress_clear(&st->progress);
        sim_run_describe(st->s->runs, run, what, sizeof what);
        (void)fprintf(stderr, "plait sim: run %u (%s) ended by signal %d\n", run, what,
                      WTERMSIG(status));
    }
    if (len > 0 && text[len - 1] != '\n')
        len = 0;
    if (st->s->ranks->rank == 0)
        keep(st, run, text, len);
    else
        sim_ranks_send(st->s->ranks, run, text, len);
    st->failed += st->s->ranks->rank != 0 && len == 0;
    /* a scenario that makes no sense will make none in other runs, either; other ranks are waited
     * for, so with several each makes all of its runs */
    return !st->stop &&
           !(st->s->ranks->n == 1 && WIFEXITED(status) && WEXITSTATUS(status) == STATUS_USAGE);
}

static void tick(void *ctx)
{
    struct state *st = ctx;

    if (st->s->ranks->rank != 0)
        return;
    receive(st);
    sim_progress_show(&st->progress, st->s->store->done, st->last);
}

/* ---- the list -------------------------------------------------------------------------------- */

/* Rank 0 knows what is there already; each rank has every n-th of the rest. */
static unsigned *choose(struct state *st, unsigned *n)
{
    unsigned total = st->s->runs->n, rest = 0;
    const struct sim_ranks *ranks = st->s->ranks;
    char *there = calloc(total + 1, 1);
    unsigned *list = calloc(total + 1, sizeof *list);

    if (there == NULL || list == NULL)
        abort();
    for (unsigned i = 0; ranks->rank == 0 && i < total; i++)
        there[i] = (char)sim_store_has(st->s->store, i);
    sim_ranks_share(ranks, there, total);
    *n = 0;
    for (unsigned i = 0; i < total; i++) {
        if (there[i])
            continue;
        if ((int)(rest++ % (unsigned)ranks->n) == ranks->rank)
            list[(*n)++] = i;
    }
    st->awaited = ranks->rank == 0 ? rest - *n : 0;
    free(there);
    return list;
}

static unsigned jobs(const struct sim_options *o, const struct sim_ranks *ranks)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (o->jobs != 0)
        return o->jobs;
    return ranks->n > 1 || cores < 1 ? 1 : cores > SIM_JOBS_MAX ? SIM_JOBS_MAX : (unsigned)cores;
}

static int finish(struct state *st, int number)
{
    sim_progress_clear(&st->progress);
    if (number != 0) {
        if (st->s->ranks->n > 1)
            sim_ranks_abort(st->s->ranks, STATUS_SIGNAL + number);
        return STATUS_SIGNAL + number;
    }
    if (st->s->ranks->rank != 0)
        return st->failed > 0 ? STATUS_FAILED : STATUS_OK;
    if (st->failed > 0)
        (void)fprintf(stderr, "plait sim: %u of %u runs could not be made\n",
                      st->s->runs->n - st->s->store->done, st->s->runs->n);
    return sim_store_finish(st->s->store) && st->failed == 0 ? STATUS_OK : STATUS_FAILED;
}

int sim_sweep_work(const struct sim_sweep *s)
{
    struct state st = {.s = s};
    struct sim_pool pool = {.ctx = &st, .work = work, .take = take, .tick = tick};
    unsigned *list;
    int number;

    list = choose(&st, &pool.n);
    pool.run = list;
    pool.jobs = jobs(s->runs->o, s->ranks);
    pool.tick_ms = s->ranks->n > 1 ? RANKS_TICK_MS : TICK_MS;
    sim_progress_init(&st.progress, s->runs->n, s->ranks->rank == 0 ? s->store->done : 0,
                      s->runs->o->quiet || s->ranks->rank != 0);
    number = sim_pool_work(&pool);
    while (st.awaited > 0 && (number = sim_pool_signal()) == 0 && !st.stop) {
        receive(&st);
        (void)usleep(WAIT_US);
    }
    free(list);
    return finish(&st, number);
}

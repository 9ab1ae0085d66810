/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads of `plait perf` are one test. Each counts by itself, in a report of its own, and
 * leaves a copy here when a line is due or its last connection has gone; the last one to do so
 * adds up and prints, so that nobody waits for another. With one thread that is always itself.
 *
 * Everything here is under one lock, which is taken a few times a second by each thread and with
 * the first and last connection; orders wake a thread up by a descriptor. */
#include "perf_crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUIET PLAIT_SEC /* without a connection ends a server's test */

struct member {
    struct perf_report r; /* its last copy */
    bool busy;            /* it has connections */
    bool idle;            /* after its end: nothing is left to be said */
    plait_time line;      /* the last one that it has counted for */
    int fd;
};

struct perf_crew {
    pthread_mutex_t lock;
    const struct perf_options *o;
    unsigned n, ended;
    enum perf_order order;
    int status;
    bool testing;
    uint64_t test;      /* number of the present or last test */
    plait_time line_at; /* the next line */
    plait_time quiet_at;
    struct perf_report sum;
    struct member member[];
};

static void lock(struct perf_crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
}

static void unlock(struct perf_crew *crew)
{
    (void)pthread_mutex_unlock(&crew->lock);
}

struct perf_crew *perf_crew_new(const struct perf_options *o, unsigned n)
{
    struct perf_crew *crew = calloc(1, sizeof *crew + n * sizeof crew->member[0]);
    bool ok = crew && pthread_mutex_init(&crew->lock, NULL) == 0;

    if (!crew)
        return NULL;
    crew->o = o;
    crew->n = n;
    crew->quiet_at = PLAIT_NEVER;
    for (unsigned i = 0; i < n; i++) {
        crew->member[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ok = ok && crew->member[i].fd >= 0;
    }
    if (ok)
        return crew;
    perf_crew_free(crew);
    return NULL;
}

void perf_crew_free(struct perf_crew *crew)
{
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->member[i].fd >= 0)
            (void)close(crew->member[i].fd);
    (void)pthread_mutex_destroy(&crew->lock);
    free(crew);
}

/* ---- with the lock -------------------------------------------------------------------------- */

static void add_up(struct perf_crew *crew)
{
    perf_report_clear(&crew->sum);
    for (unsigned i = 0; i < crew->n; i++)
        perf_report_add(&crew->sum, &crew->member[i].r);
}

static bool any_busy(const struct perf_crew *crew)
{
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->member[i].busy)
            return true;
    return false;
}

/* Everybody with connections has counted for the next line. */
static bool is_line_ready(const struct perf_crew *crew)
{
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->member[i].busy && crew->member[i].line < crew->line_at)
            return false;
    return crew->testing && any_busy(crew);
}

static void print_line(struct perf_crew *crew, plait_time now)
{
    if (!is_line_ready(crew))
        return;
    add_up(crew);
    perf_report_line(&crew->sum, now);
    while (crew->line_at <= now)
        crew->line_at += crew->o->interval;
}

static void print_result(struct perf_crew *crew, plait_time now)
{
    if (!crew->testing)
        return;
    add_up(crew);
    perf_report_final(&crew->sum, now);
    crew->testing = false;
}

/* ---- of a thread ---------------------------------------------------------------------------- */

void perf_crew_busy(struct perf_crew *crew, unsigned i)
{
    lock(crew);
    crew->member[i].busy = true;
    crew->quiet_at = PLAIT_NEVER;
    unlock(crew);
}

uint64_t perf_crew_test(struct perf_crew *crew, plait_time now)
{
    uint64_t test;

    lock(crew);
    if (!crew->testing) {
        crew->testing = true;
        crew->test++;
        perf_report_begin(&crew->sum, crew->o, now);
        crew->line_at = now + crew->o->interval;
        for (unsigned i = 0; i < crew->n; i++)
            perf_report_begin(&crew->member[i].r, crew->o, now);
    }
    test = crew->test;
    unlock(crew);
    return test;
}

plait_time perf_crew_line_at(struct perf_crew *crew)
{
    plait_time at;

    lock(crew);
    at = crew->testing ? crew->line_at : PLAIT_NEVER;
    unlock(crew);
    return at;
}

plait_time perf_crew_line(struct perf_crew *crew, unsigned i, const struct perf_report *r,
                          plait_time now)
{
    struct member *m = &crew->member[i];
    plait_time next;

    lock(crew);
    m->r = *r;
    m->line = now;
    print_line(crew, now);
    next = crew->line_at > now ? crew->line_at : now + crew->o->interval;
    unlock(crew);
    return next;
}

void perf_crew_rest(struct perf_crew *crew, unsigned i, const struct perf_report *r)
{
    lock(crew);
    crew->member[i].r = *r;
    crew->member[i].busy = false;
    unlock(crew);
}

plait_time perf_crew_quiet(struct perf_crew *crew, plait_time now, bool *over)
{
    plait_time at;

    lock(crew);
    *over = false;
    if (!crew->testing || any_busy(crew))
        crew->quiet_at = PLAIT_NEVER;
    else if (crew->quiet_at == PLAIT_NEVER)
        crew->quiet_at = now + QUIET;
    if (now >= crew->quiet_at) {
        print_result(crew, crew->quiet_at - QUIET);
        crew->quiet_at = PLAIT_NEVER;
        *over = true;
    }
    at = crew->quiet_at;
    unlock(crew);
    return at;
}

void perf_crew_end(struct perf_crew *crew, unsigned i, const struct perf_report *r,
                   plait_time now)
{
    lock(crew);
    crew->member[i].r = *r;
    crew->member[i].busy = false;
    if (++crew->ended == crew->n)
        print_result(crew, now);
    unlock(crew);
}

bool perf_crew_has_ended(struct perf_crew *crew)
{
    bool ended;

    lock(crew);
    ended = crew->ended == crew->n;
    unlock(crew);
    return ended;
}

bool perf_crew_idle(struct perf_crew *crew, unsigned i, bool idle)
{
    bool all;

    lock(crew);
    crew->member[i].idle = idle;
    all = crew->ended == crew->n;
    for (unsigned k = 0; k < crew->n; k++)
        all = all && crew->member[k].idle;
    unlock(crew);
    return all;
}

/* ---- orders --------------------------------------------------------------------------------- */

void perf_crew_order(struct perf_crew *crew, enum perf_order order)
{
    const uint64_t one = 1;

    lock(crew);
    if (order > crew->order)
        crew->order = order;
    unlock(crew);
    for (unsigned i = 0; i < crew->n; i++)
        while (write(crew->member[i].fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

enum perf_order perf_crew_orders(struct perf_crew *crew)
{
    enum perf_order order;

    lock(crew);
    order = crew->order;
    unlock(crew);
    return order;
}

int perf_crew_fd(const struct perf_crew *crew, unsigned i)
{
    return crew->member[i].fd;
}

void perf_crew_fail(struct perf_crew *crew, int status)
{
    lock(crew);
    if (crew->status == 0)
        crew->status = status;
    unlock(crew);
}

int perf_crew_status(struct perf_crew *crew)
{
    int status;

    lock(crew);
    status = crew->status;
    unlock(crew);
    return status;
}

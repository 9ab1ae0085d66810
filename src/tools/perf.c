/* SPDX-License-Identifier: Apache-2.0 */
/* `plait perf`: client and server of throughput and latency tests.
 *
 * One loop, for each thread: sleep in the back end's step, take new connections, let those that are
 * ready move what they can (perf_flow.c), count and let go of those that have ended. A client has
 * as many connections as were asked for, and makes a new one for each that ends with --crr. A
 * server reports what happened between two moments of quiet as one test. A peer that breaks the
 * protocol loses its connection, and the server goes on.
 *
 * Threads share nothing but the crew (perf_crew.c). The first one is the program's own; it makes
 * and ends the nets of all. */
#include "perf.h"

#include "perf_crew.h"
#include "perf_options.h"
#include "say.h"
#include "start.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RETRY       PLAIT_MSEC        /* no port was free */
#define PATIENCE    (120 * PLAIT_SEC) /* after the end of a test, for the peer to say its last */
#define LINGER      (2 * PLAIT_SEC)   /* for the last packets */
#define LINGER_STEP (20 * PLAIT_MSEC)

/* One thread of it. */
struct perf {
    struct perf_options o; /* its part */
    struct perf_crew *crew;
    struct perf_set set;
    struct perf_report report;
    pthread_t thread;
    int signal_fd; /* the first thread's; -1 */
    size_t live;      /* connections */
    uint32_t started; /* connections that a client has made */
    uint64_t asked;   /* requests of --crr that were begun */
    uint64_t handed_before; /* packets given to other threads before this test */
    bool testing;     /* its report has begun, */
    uint64_t test;    /* that of the test of this number */
    bool over;        /* a client's test is: nothing new is begun */
    bool retry;       /* no port was free */
    bool done;
    plait_time end_at; /* a test of requests is over */
    plait_time give_up_at;
    plait_time cut_at, interval_at;
    plait_time quiet_at; /* a server's test may be over */
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- connections ---------------------------------------------------------------------------- */

/* With the first connection that is tested; of a server anew in each test. */
static void begin_test(struct perf *p, plait_time now)
{
    uint64_t test;

    if (p->testing)
        return;
    p->testing = true;
    test = perf_crew_test(p->crew, now);
    if (test != p->test) {
        perf_report_begin(&p->report, &p->o, now);
        p->handed_before = p->set.b->handed ? p->set.b->handed(p->set.net) : 0;
    }
    p->test = test;
    p->interval_at = perf_crew_line_at(p->crew);
    if (p->o.cut[0] != '\0')
        p->cut_at = now + p->o.cut_at;
}

/* A connection more. */
static void add_one(struct perf *p)
{
    if (p->live++ == 0)
        perf_crew_busy(p->crew, p->o.thread);
}

static void count_handed(struct perf *p)
{
    p->report.handed = p->set.b->handed ? p->set.b->handed(p->set.net) - p->handed_before : 0;
}

static void stop_all(struct perf *p)
{
    p->over = true;
    p->give_up_at = least(p->give_up_at, perf_now() + PATIENCE);
    for (size_t i = 0; i < p->set.top; i++)
        if (p->set.flow[i].used) {
            perf_flow_stop(&p->set.flow[i]);
            p->set.flow[i].conn.ready = true;
        }
}

static void let_go(struct perf *p, struct perf_flow *f, bool abort)
{
    p->set.b->release(p->set.net, &f->conn, abort);
    f->used = false;
    if (--p->live == 0 && p->testing) {
        count_handed(p);
        p->testing = !p->o.serving;
        perf_crew_rest(p->crew, p->o.thread, &p->report);
    }
    while (p->set.top > 0 && !p->set.flow[p->set.top - 1].used)
        p->set.top--;
}

static void fail_test(struct perf *p, const char *why, int status)
{
    perf_crew_fail(p->crew, status);
    p->report.error = why;
    p->done = true;
    perf_crew_order(p->crew, PERF_QUIT);
    say("%s port %u: %s", p->o.host ? p->o.host : "any", p->o.port, why);
}

static void end_flow(struct perf *p, struct perf_flow *f)
{
    bool failed = f->state == PERF_FAILED;

    if (p->testing) {
        perf_report_count(&p->report, &p->set, f);
        perf_report_result(&p->report, &p->set, f);
    }
    if (failed && p->o.serving)
        say("a connection on port %u: %s", p->o.port, f->why);
    else if (failed)
        fail_test(p, f->why, f->conn.error == PLAIT_ETIMEDOUT ? STATUS_TIMEOUT : STATUS_FAILED);
    let_go(p, f, failed);
}

/* Those that are ready or have waited for long enough. */
static void run_flows(struct perf *p)
{
    plait_time now = perf_now();

    for (size_t i = 0; i < p->set.top; i++) {
        struct perf_flow *f = &p->set.flow[i];
        enum perf_state before = f->state;
        if (!f->used || (!f->conn.ready && now < perf_flow_deadline(f)))
            continue;
        f->conn.ready = perf_flow_run(f, &p->set);
        if (f->tested)
            begin_test(p, f->start);
        if (f->tested && f->h.mode == PERF_BULK && f->state != before)
            perf_report_count(&p->report, &p->set, f); /* soon its subflows are gone */
        if (perf_flow_ended(f))
            end_flow(p, f);
    }
}

static struct perf_flow *free_slot(struct perf *p)
{
    for (size_t i = 0; i < p->set.top; i++)
        if (!p->set.flow[i].used)
            return &p->set.flow[i];
    return p->set.top < PERF_CONNS_MAX ? &p->set.flow[p->set.top++] : NULL;
}

/* ---- the server's connections --------------------------------------------------------------- */

/* A connection too many is not even read. */
static bool refuse_one(struct perf *p)
{
    struct perf_conn c = {0};

    if (!p->set.b->accept(p->set.net, &c))
        return false;
    p->set.b->release(p->set.net, &c, true);
    say("a connection on port %u: there are %d already", p->o.port, PERF_CONNS_MAX);
    return true;
}

static bool accept_one(struct perf *p)
{
    struct perf_flow *f = free_slot(p);

    if (!f)
        return refuse_one(p);
    memset(f, 0, sizeof *f);
    if (!p->set.b->accept(p->set.net, &f->conn))
        return false;
    f->used = true;
    add_one(p);
    perf_flow_start(f, perf_now());
    return true;
}

static void check_quiet(struct perf *p, plait_time now)
{
    bool over;

    if (p->live > 0) {
        p->quiet_at = PLAIT_NEVER;
        return;
    }
    p->quiet_at = perf_crew_quiet(p->crew, now, &over);
    if (over && p->o.once)
        perf_crew_order(p->crew, PERF_QUIT);
}

/* ---- the client's connections --------------------------------------------------------------- */

static void plan(struct perf *p, struct perf_flow *f)
{
    const struct perf_options *o = &p->o;
    uint32_t i = p->started % o->parallel;

    f->h = (struct perf_header){.mode = o->mode, .direction = PERF_UP};
    if (o->mode == PERF_BULK) {
        if (o->reverse || (o->bidir && p->started >= o->parallel))
            f->h.direction = PERF_DOWN;
        f->h.bytes = o->amount > 0 ? perf_options_share(o, i) : 0;
        f->h.duration = o->duration;
        return;
    }
    f->h.request = f->h.response = o->size;
    f->requests_max = o->amount == 0 ? 0 : o->mode == PERF_CRR ? 1 : perf_options_share(o, i);
    f->latency = &p->report.latency;
}

static int start_one(struct perf *p, plait_time now)
{
    struct perf_flow *f = free_slot(p);
    int rc;

    memset(f, 0, sizeof *f);
    rc = p->set.b->connect(p->set.net, &f->conn);
    if (rc != 0)
        return rc;
    f->used = f->client = true;
    plan(p, f);
    perf_flow_start(f, now);
    p->started++;
    add_one(p);
    p->asked++;
    return 0;
}

/* How many connections to make now. */
static uint64_t wanted(const struct perf *p)
{
    uint64_t room = p->o.parallel - p->live;

    if (p->over)
        return 0;
    if (p->o.mode != PERF_CRR)
        return p->o.parallel * (p->o.bidir ? 2 : 1) - p->started;
    return p->o.amount > 0 ? least(room, p->o.amount - p->asked) : room;
}

static void start_flows(struct perf *p, plait_time now)
{
    int rc = 0;

    for (uint64_t n = wanted(p); n > 0 && rc == 0; n--)
        rc = start_one(p, now);
    p->retry = rc == PLAIT_EAGAIN;
    if (rc != 0 && !p->retry)
        fail_test(p, "no connection could be made", STATUS_FAILED);
    else if (p->live == 0 && !p->retry)
        p->done = true;
}

static void check_end(struct perf *p, plait_time now)
{
    if (now >= p->end_at && !p->over)
        stop_all(p);
    if (now >= p->give_up_at)
        fail_test(p, "the test does not come to its end", STATUS_TIMEOUT);
}

/* ---- the loop ------------------------------------------------------------------------------- */

/* A second one: no more patience. */
static void on_signal(struct perf *p)
{
    struct signalfd_siginfo info;
    bool quit = p->o.serving || perf_crew_orders(p->crew) >= PERF_STOP;

    if (read(p->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    perf_crew_fail(p->crew, STATUS_SIGNAL + (int)info.ssi_signo);
    perf_crew_order(p->crew, quit ? PERF_QUIT : PERF_STOP);
}

static void obey(struct perf *p)
{
    uint64_t n;

    if (read(perf_crew_fd(p->crew, p->o.thread), &n, sizeof n) != (ssize_t)sizeof n)
        return;
    if (perf_crew_orders(p->crew) == PERF_QUIT)
        p->done = true;
    stop_all(p);
}

static void check_times(struct perf *p, plait_time now)
{
    if (now >= p->cut_at) {
        p->cut_at = PLAIT_NEVER;
        if (!p->set.b->cut(p->set.net, p->o.cut))
            fail_test(p, "the path cannot be cut", STATUS_USAGE);
    }
    if (p->testing && p->live > 0 && now >= p->interval_at) {
        perf_report_look(&p->report, &p->set);
        count_handed(p);
        p->interval_at = perf_crew_line(p->crew, p->o.thread, &p->report, now);
    }
    if (p->o.serving)
        check_quiet(p, now);
    else
        check_end(p, now);
}

static plait_time time_to_sleep(const struct perf *p, plait_time now)
{
    plait_time at = least(least(p->end_at, p->give_up_at), least(p->cut_at, p->quiet_at));

    if (p->over)
        at = p->give_up_at;
    if (p->testing && p->live > 0)
        at = least(at, p->interval_at);
    if (p->retry)
        at = least(at, now + RETRY);
    for (size_t i = 0; i < p->set.top; i++) {
        const struct perf_flow *f = &p->set.flow[i];
        if (f->used)
            at = least(at, f->conn.ready ? now : perf_flow_deadline(f));
    }
    if (at == PLAIT_NEVER)
        return PLAIT_NEVER;
    return at > now ? at - now : 0;
}

static void turn(struct perf *p)
{
    struct pollfd fd[] = {
        {.fd = perf_crew_fd(p->crew, p->o.thread), .events = POLLIN},
        {.fd = p->signal_fd, .events = POLLIN},
    };

    p->set.b->step(p->set.net, time_to_sleep(p, perf_now()), fd, 2);
    if (fd[1].revents != 0)
        on_signal(p);
    if (fd[0].revents != 0 || fd[1].revents != 0)
        obey(p);
    while (p->o.serving && accept_one(p))
        ;
    run_flows(p);
    if (!p->o.serving && !p->done)
        start_flows(p, perf_now());
    if (!p->done)
        check_times(p, perf_now());
}

/* ---- start and end -------------------------------------------------------------------------- */

static void start(struct perf *p)
{
    plait_time now = perf_now();

    if (p->o.serving)
        return;
    begin_test(p, now);
    if (p->o.duration > 0) {
        p->end_at = p->o.mode == PERF_BULK ? PLAIT_NEVER : now + p->o.duration;
        p->give_up_at = now + p->o.duration + PATIENCE;
    }
    start_flows(p, now);
}

/* Until no thread has a connection that goes on, since packets of the others may come to this one;
 * and then a moment for the last packets. */
static void linger(struct perf *p)
{
    plait_time end = PLAIT_NEVER;
    bool idle;

    do {
        p->set.b->step(p->set.net, LINGER_STEP, NULL, 0);
        idle = perf_crew_idle(p->crew, p->o.thread, p->set.b->idle(p->set.net));
        if (end == PLAIT_NEVER && perf_crew_has_ended(p->crew))
            end = perf_now() + LINGER;
    } while (!idle && perf_now() < end);
}

/* What is left of connections goes. */
static void finish(struct perf *p)
{
    for (size_t i = 0; i < p->set.top; i++)
        if (p->set.flow[i].used) {
            perf_report_count(&p->report, &p->set, &p->set.flow[i]);
            let_go(p, &p->set.flow[i], true);
        }
    count_handed(p);
    perf_crew_end(p->crew, p->o.thread, &p->report, perf_now());
    linger(p);
}

static void *run(void *thread)
{
    struct perf *p = thread;

    start(p);
    while (!p->done)
        turn(p);
    finish(p);
    return NULL;
}

static struct perf *make_thread(const struct perf_options *o, unsigned i, struct perf_crew *crew)
{
    struct perf *p = calloc(1, sizeof *p);
    int status = STATUS_FAILED;

    if (!p)
        return NULL;
    p->o = perf_options_part(o, i);
    p->crew = crew;
    p->signal_fd = -1;
    p->end_at = p->give_up_at = p->cut_at = p->interval_at = p->quiet_at = PLAIT_NEVER;
    p->set.b = o->stack == PERF_STACK_PLAIT ? &perf_plait : &perf_kernel;
    p->set.net = p->set.b->open(&p->o, &status);
    if (p->set.net)
        return p;
    perf_crew_fail(crew, status);
    free(p);
    return NULL;
}

/* All threads, or none. */
static unsigned make_threads(const struct perf_options *o, struct perf_crew *crew,
                             struct perf *thread[PERF_THREADS_MAX])
{
    unsigned n = 0;

    while (n < o->threads && (thread[n] = make_thread(o, n, crew)) != NULL)
        n++;
    return n;
}

/* A thread that cannot be made has no connections, and its net nobody: then the test fails. */
static void run_threads(struct perf *thread[], unsigned n)
{
    unsigned made = 1;

    while (made < n && pthread_create(&thread[made]->thread, NULL, run, thread[made]) == 0)
        made++;
    if (made < n) {
        say("cannot make a thread: out of memory, or a limit: see `ulimit -u`");
        perf_crew_fail(thread[0]->crew, STATUS_FAILED);
        perf_crew_order(thread[0]->crew, PERF_QUIT);
    }
    (void)run(thread[0]);
    while (made > 1)
        (void)pthread_join(thread[--made]->thread, NULL);
}

static bool prepare(struct perf_options *o, struct perf_crew *crew)
{
    if (o->host && !start_resolve(o->host, o->port, &o->paths)) {
        perf_crew_fail(crew, STATUS_FAILED);
        return false;
    }
    if (o->cut[0] == '\0' || if_nametoindex(o->cut) != 0)
        return true;
    say("--cut %s: there is no such interface", o->cut);
    perf_crew_fail(crew, STATUS_USAGE);
    return false;
}

static int measure(struct perf_options *o, struct perf_crew *crew)
{
    struct perf *thread[PERF_THREADS_MAX] = {NULL};
    int signal_fd = start_signals(); /* before there are threads, which have the same mask */
    unsigned n;

    if (!prepare(o, crew))
        return perf_crew_status(crew);
    n = make_threads(o, crew, thread);
    if (n == o->threads) {
        thread[0]->signal_fd = signal_fd;
        if (o->serving)
            say("listening on port %u", o->port);
        run_threads(thread, n);
    }
    while (n-- > 0) {
        thread[n]->set.b->close(thread[n]->set.net);
        free(thread[n]);
    }
    return perf_crew_status(crew);
}

int perf_main(int argc, char **argv)
{
    struct perf_options o;
    struct perf_crew *crew;
    int status;

    switch (perf_options_parse(&o, argc, argv)) {
    case ARGS_DONE:
        return STATUS_OK;
    case ARGS_BAD:
        return STATUS_USAGE;
    case ARGS_OK:
    default:
        break;
    }
    crew = perf_crew_new(&o, o.threads);
    if (!crew) {
        say("out of memory");
        return STATUS_FAILED;
    }
    status = measure(&o, crew);
    perf_crew_free(crew);
    return status;
}

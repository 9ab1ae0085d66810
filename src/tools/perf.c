/* SPDX-License-Identifier: Apache-2.0 */
/* `plait perf`: client and server of throughput and latency tests.
 *
 * One loop: sleep in the back end's step, take new connections, let each connection move what it
 * can (perf_flow.c), count and let go of those that have ended. A client has as many connections as
 * were asked for, and makes a new one for each that ends with --crr. A server reports what happened
 * between two moments of quiet as one test. A peer that breaks the protocol loses its connection,
 * and the server goes on. */
#include "perf.h"

#include "perf_options.h"
#include "perf_report.h"
#include "say.h"
#include "start.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define QUIET       PLAIT_SEC         /* without a connection ends a server's test */
#define RETRY       PLAIT_MSEC        /* no port was free */
#define PATIENCE    (120 * PLAIT_SEC) /* after the end of a test, for the peer to say its last */
#define LINGER      (2 * PLAIT_SEC)   /* for the last packets */
#define LINGER_STEP (20 * PLAIT_MSEC)

struct perf {
    struct perf_options o;
    struct perf_set set;
    struct perf_report report;
    int signal_fd;
    size_t live;      /* connections */
    uint32_t started; /* connections that a client has made */
    uint64_t asked;   /* requests of --crr that were begun */
    bool testing;     /* a report has begun */
    bool over;        /* a client's test is: nothing new is begun */
    bool retry;       /* no port was free */
    bool done;
    plait_time end_at; /* a test of requests is over */
    plait_time give_up_at;
    plait_time cut_at, interval_at;
    plait_time quiet_at; /* a server's test is over */
    int status;          /* exit status */
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- connections ---------------------------------------------------------------------------- */

static void begin_test(struct perf *p, plait_time now)
{
    if (p->testing)
        return;
    p->testing = true;
    perf_report_begin(&p->report, &p->o, now);
    p->interval_at = now + p->o.interval;
    if (p->o.cut[0] != '\0')
        p->cut_at = now + p->o.cut_at;
}

static void stop_all(struct perf *p)
{
    p->over = true;
    p->give_up_at = least(p->give_up_at, perf_now() + PATIENCE);
    for (size_t i = 0; i < p->set.top; i++)
        if (p->set.flow[i].used)
            perf_flow_stop(&p->set.flow[i]);
}

static void let_go(struct perf *p, struct perf_flow *f, bool abort)
{
    p->set.b->release(p->set.net, &f->conn, abort);
    f->used = false;
    p->live--;
    while (p->set.top > 0 && !p->set.flow[p->set.top - 1].used)
        p->set.top--;
}

static void fail_test(struct perf *p, const char *why, int status)
{
    if (p->status == STATUS_OK)
        p->status = status;
    p->report.error = why;
    p->done = true;
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

/* True: some connection has more to do right now. */
static bool run_flows(struct perf *p)
{
    bool busy = false;

    for (size_t i = 0; i < p->set.top; i++) {
        struct perf_flow *f = &p->set.flow[i];
        enum perf_state before = f->state;
        if (!f->used)
            continue;
        busy |= perf_flow_run(f, &p->set);
        if (f->tested)
            begin_test(p, f->start);
        if (f->tested && f->h.mode == PERF_BULK && f->state != before)
            perf_report_count(&p->report, &p->set, f); /* soon its subflows are gone */
        if (perf_flow_ended(f))
            end_flow(p, f);
    }
    return busy;
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
    p->live++;
    perf_flow_start(f, perf_now());
    return true;
}

static void check_quiet(struct perf *p, plait_time now)
{
    if (p->live > 0 || !p->testing) {
        p->quiet_at = PLAIT_NEVER;
        return;
    }
    if (p->quiet_at == PLAIT_NEVER)
        p->quiet_at = now + QUIET;
    if (now < p->quiet_at)
        return;
    perf_report_final(&p->report, p->quiet_at - QUIET);
    p->testing = false;
    p->quiet_at = PLAIT_NEVER;
    p->done |= p->o.once;
}

/* ---- the client's connections --------------------------------------------------------------- */

/* Connection i's part of the whole. */
static uint64_t share(const struct perf_options *o, uint32_t i)
{
    return o->amount / o->parallel + (i < o->amount % o->parallel ? 1 : 0);
}

static void plan(struct perf *p, struct perf_flow *f)
{
    const struct perf_options *o = &p->o;
    uint32_t i = p->started % o->parallel;

    f->h = (struct perf_header){.mode = o->mode, .direction = PERF_UP};
    if (o->mode == PERF_BULK) {
        if (o->reverse || (o->bidir && p->started >= o->parallel))
            f->h.direction = PERF_DOWN;
        f->h.bytes = o->amount > 0 ? share(o, i) : 0;
        f->h.duration = o->duration;
        return;
    }
    f->h.request = f->h.response = o->size;
    f->requests_max = o->amount == 0 ? 0 : o->mode == PERF_CRR ? 1 : share(o, i);
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
    p->live++;
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

static void on_signal(struct perf *p)
{
    struct signalfd_siginfo info;

    if (read(p->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (p->o.serving || p->over)
        p->done = true; /* a client's second one: no more patience */
    p->status = STATUS_SIGNAL + (int)info.ssi_signo;
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
        perf_report_interval(&p->report, &p->set, now);
        p->interval_at = now + p->o.interval;
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
    for (size_t i = 0; i < p->set.top; i++)
        if (p->set.flow[i].used)
            at = least(at, perf_flow_deadline(&p->set.flow[i]));
    if (at == PLAIT_NEVER)
        return PLAIT_NEVER;
    return at > now ? at - now : 0;
}

static void turn(struct perf *p, bool *busy)
{
    struct pollfd fd = {.fd = p->signal_fd, .events = POLLIN};

    p->set.b->step(p->set.net, *busy ? 0 : time_to_sleep(p, perf_now()), &fd, 1);
    if (fd.revents != 0)
        on_signal(p);
    while (p->o.serving && accept_one(p))
        ;
    *busy = run_flows(p);
    if (!p->o.serving && !p->done)
        start_flows(p, perf_now());
    if (!p->done)
        check_times(p, perf_now());
}

/* ---- start and end -------------------------------------------------------------------------- */

static bool start(struct perf *p)
{
    plait_time now;

    p->set.b = p->o.stack == PERF_STACK_PLAIT ? &perf_plait : &perf_kernel;
    p->status = STATUS_FAILED;
    if (p->o.host && !start_resolve(p->o.host, p->o.port, &p->o.paths))
        return false;
    if (p->o.cut[0] != '\0' && if_nametoindex(p->o.cut) == 0) {
        say("--cut %s: there is no such interface", p->o.cut);
        p->status = STATUS_USAGE;
        return false;
    }
    p->signal_fd = start_signals();
    p->set.net = p->set.b->open(&p->o, &p->status);
    if (!p->set.net)
        return false;
    p->status = STATUS_OK;
    now = perf_now();
    if (p->o.serving) {
        say("listening on port %u", p->o.port);
        return true;
    }
    begin_test(p, now);
    if (p->o.duration > 0) {
        p->end_at = p->o.mode == PERF_BULK ? PLAIT_NEVER : now + p->o.duration;
        p->give_up_at = now + p->o.duration + PATIENCE;
    }
    start_flows(p, now);
    return !p->done;
}

/* What is left of connections goes, and a moment later the last packets have left. */
static void finish(struct perf *p)
{
    plait_time end = perf_now() + LINGER;

    for (size_t i = 0; i < p->set.top; i++)
        if (p->set.flow[i].used) {
            perf_report_count(&p->report, &p->set, &p->set.flow[i]);
            let_go(p, &p->set.flow[i], true);
        }
    if (p->testing)
        perf_report_final(&p->report, perf_now());
    do
        p->set.b->step(p->set.net, LINGER_STEP, NULL, 0);
    while (!p->set.b->idle(p->set.net) && perf_now() < end);
    p->set.b->close(p->set.net);
}

int perf_main(int argc, char **argv)
{
    static struct perf p; /* large */
    bool busy = false;

    p.signal_fd = -1;
    p.end_at = p.give_up_at = p.cut_at = p.interval_at = p.quiet_at = PLAIT_NEVER;
    switch (perf_options_parse(&p.o, argc, argv)) {
    case ARGS_DONE:
        return STATUS_OK;
    case ARGS_BAD:
        return STATUS_USAGE;
    case ARGS_OK:
    default:
        break;
    }
    if (start(&p))
        while (!p.done)
            turn(&p, &busy);
    if (p.set.net)
        finish(&p);
    return p.status;
}

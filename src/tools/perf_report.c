/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and telling for `plait perf`. Subflows come and go and connections do, too; so what each
 * of them did since it was last seen is added to the sums of its pair of addresses. Bytes of a
 * result are the receiver's, bytes of an interval this program's. Each thread counts in a report of
 * its own (called by perf.c); what is told is the sum of all (perf_crew.c). */
#include "perf_report.h"

#include "base/addr.h"
#include "driver/addr.h"
#include "json.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- counting ------------------------------------------------------------------------------- */

static uint64_t cpu_us(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * PLAIT_SEC +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

void perf_report_begin(struct perf_report *r, const struct perf_options *o, plait_time now)
{
    memset(r, 0, sizeof *r);
    r->o = o;
    r->start = r->before = now;
    r->cpu = cpu_us();
}

/* NULL: there are too many. */
static struct perf_way *way_between(struct perf_report *r, const struct plait_addr *local,
                                    const struct plait_addr *remote)
{
    struct perf_way *w;

    for (size_t i = 0; i < r->way_n; i++)
        if (addr_same_ip(&r->way[i].local, local) && addr_same_ip(&r->way[i].remote, remote))
            return &r->way[i];
    if (r->way_n == PERF_WAYS_MAX)
        return NULL;
    w = &r->way[r->way_n++];
    *w = (struct perf_way){.local = *local, .remote = *remote};
    return w;
}

static struct perf_way *way_of(struct perf_report *r, const struct perf_path *p)
{
    return way_between(r, &p->local, &p->remote);
}

static struct perf_path *seen_before(struct perf_seen *seen, const struct perf_path *p)
{
    for (size_t i = 0; i < seen->path_n; i++)
        if (seen->path[i].id == p->id)
            return &seen->path[i];
    seen->spare = (struct perf_path){0};
    return seen->path_n < PERF_PATHS_MAX ? &seen->path[seen->path_n++] : &seen->spare;
}

/* What a counter has more than before. The kernel's are zero again where a subflow is closing. */
static uint64_t more_than(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* The window of a moment: the connections' together. */
static void add_window(struct perf_report *r, const struct perf_path *p)
{
    struct perf_way *w = way_of(r, p);

    if (w)
        w->cwnd += p->cwnd;
}

static void count_path(struct perf_report *r, struct perf_seen *seen, const struct perf_path *p)
{
    struct perf_path *old = seen_before(seen, p);
    struct perf_way *w = way_of(r, p);
    struct perf_count more = {more_than(p->out, old->out), more_than(p->in, old->in),
                              more_than(p->again, old->again)};

    *old = (struct perf_path){.id = p->id,
                              .out = old->out + more.out,
                              .in = old->in + more.in,
                              .again = old->again + more.again};
    r->all.again += more.again;
    if (!w)
        return;
    w->all.out += more.out;
    w->all.in += more.in;
    w->all.again += more.again;
    if (p->rtt > 0)
        w->rtt = p->rtt;
}

static void count_flow(struct perf_report *r, const struct perf_set *set, struct perf_flow *f,
                       bool windows)
{
    struct perf_path path[PERF_PATHS_MAX];
    struct perf_seen *seen = &f->seen;
    size_t n = f->conn.used ? set->b->paths(set->net, &f->conn, path) : 0;

    for (size_t i = 0; i < n; i++) {
        count_path(r, seen, &path[i]);
        if (windows)
            add_window(r, &path[i]);
    }
    r->all.out += f->out - seen->out;
    r->all.in += f->in - seen->in;
    r->requests += f->requests - seen->requests;
    seen->out = f->out;
    seen->in = f->in;
    seen->requests = f->requests;
}

void perf_report_count(struct perf_report *r, const struct perf_set *set, struct perf_flow *f)
{
    count_flow(r, set, f, false);
}

static plait_time most(plait_time a, plait_time b)
{
    return a > b ? a : b;
}

void perf_report_result(struct perf_report *r, const struct perf_set *set,
                        const struct perf_flow *f)
{
    struct perf_direction_result *d = f->h.direction == PERF_DOWN ? &r->down : &r->up;

    if (f->tested && r->o->stack != PERF_STACK_KERNEL_TCP &&
        !set->b->multipath(set->net, &f->conn))
        r->plain++;
    if (!f->has_result)
        return;
    d->n++;
    d->bytes += f->result.bytes;
    d->time = most(d->time, f->result.time);
    d->stall = most(d->stall, f->result.stall);
}

void perf_report_look(struct perf_report *r, struct perf_set *set)
{
    for (size_t i = 0; i < r->way_n; i++)
        r->way[i].cwnd = 0;
    for (size_t i = 0; i < set->top; i++)
        if (set->flow[i].used)
            count_flow(r, set, &set->flow[i], true);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static void add_count(struct perf_count *sum, const struct perf_count *n)
{
    sum->out += n->out;
    sum->in += n->in;
    sum->again += n->again;
}

void perf_report_clear(struct perf_report *sum)
{
    sum->all = (struct perf_count){0};
    sum->requests = sum->plain = sum->handed = 0;
    sum->up = sum->down = (struct perf_direction_result){0};
    memset(&sum->latency, 0, sizeof sum->latency);
    for (size_t i = 0; i < sum->way_n; i++) {
        sum->way[i].all = (struct perf_count){0};
        sum->way[i].cwnd = 0;
    }
}

static void add_ways(struct perf_report *sum, const struct perf_report *r)
{
    for (size_t i = 0; i < r->way_n; i++) {
        struct perf_way *w = way_between(sum, &r->way[i].local, &r->way[i].remote);
        if (!w)
            continue;
        add_count(&w->all, &r->way[i].all);
        w->cwnd += r->way[i].cwnd;
        if (r->way[i].rtt > 0)
            w->rtt = r->way[i].rtt;
    }
}

static void add_result(struct perf_direction_result *sum, const struct perf_direction_result *d)
{
    sum->n += d->n;
    sum->bytes += d->bytes;
    sum->time = most(sum->time, d->time);
    sum->stall = most(sum->stall, d->stall);
}

void perf_report_add(struct perf_report *sum, const struct perf_report *r)
{
    add_count(&sum->all, &r->all);
    sum->requests += r->requests;
    sum->plain += r->plain;
    sum->handed += r->handed;
    add_ways(sum, r);
    add_result(&sum->up, &r->up);
    add_result(&sum->down, &r->down);
    perf_latency_merge(&sum->latency, &r->latency);
    if (r->error)
        sum->error = r->error;
}

/* ---- figures -------------------------------------------------------------------------------- */

static double seconds(plait_time t)
{
    return (double)t / 1e6;
}

/* Bits for each microsecond: Mbit/s. */
static double mbit(uint64_t bytes, plait_time t)
{
    return t > 0 ? (double)bytes * 8 / (double)t : 0;
}

static uint64_t bytes_of(const struct perf_report *r)
{
    uint64_t bulk = r->up.bytes + r->down.bytes;

    return bulk > 0 ? bulk : r->all.out + r->all.in;
}

static double cpu_per_gb(const struct perf_report *r, uint64_t cpu)
{
    uint64_t bytes = bytes_of(r);

    return bytes > 0 ? seconds(cpu) * 1e9 / (double)bytes : 0;
}

static double cpu_per_request(const struct perf_report *r, uint64_t cpu)
{
    return r->requests > 0 ? (double)cpu / (double)r->requests : 0;
}

static void put_fraction(struct json *j, const char *key, double value)
{
    json_fraction(j, key, (uint64_t)(value * 1e6 + 0.5), 6);
}

/* ---- intervals ------------------------------------------------------------------------------ */

static struct perf_count less(const struct perf_count *a, const struct perf_count *b)
{
    return (struct perf_count){a->out - b->out, a->in - b->in, a->again - b->again};
}

static void say_interval(const struct perf_report *r, plait_time now)
{
    plait_time t = now - r->before;
    struct perf_count n = less(&r->all, &r->last);
    char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

    (void)printf("%8.2f s  all: out %.1f in %.1f Mbit/s, retransmitted %llu",
                 seconds(now - r->start), mbit(n.out, t), mbit(n.in, t),
                 (unsigned long long)n.again);
    if (r->requests > 0)
        (void)printf(", %.0f requests/s", (double)(r->requests - r->last_requests) / seconds(t));
    (void)putchar('\n');
    for (size_t i = 0; i < r->way_n; i++) {
        const struct perf_way *w = &r->way[i];
        n = less(&w->all, &w->before);
        if (w->cwnd == 0 && n.out == 0 && n.in == 0)
            continue; /* none of its subflows is open */
        (void)printf("            %s - %s: out %.1f in %.1f Mbit/s, rtt %.3f ms, cwnd %llu, "
                     "retransmitted %llu\n",
                     drv_addr_ip_text(&w->local, local), drv_addr_ip_text(&w->remote, remote),
                     mbit(n.out, t), mbit(n.in, t), (double)w->rtt / 1e3,
                     (unsigned long long)w->cwnd, (unsigned long long)n.again);
    }
    (void)fflush(stdout);
}

static void put_rates(struct json *j, const struct perf_count *n, plait_time t)
{
    put_fraction(j, "out_mbit_s", mbit(n->out, t));
    put_fraction(j, "in_mbit_s", mbit(n->in, t));
    json_number(j, "retransmitted", n->again);
}

static void put_way(struct json *j, const struct perf_way *w, const struct perf_count *n,
                    plait_time t)
{
    char text[ADDR_TEXT_MAX];

    json_object(j, NULL);
    json_string(j, "local", drv_addr_ip_text(&w->local, text));
    json_string(j, "remote", drv_addr_ip_text(&w->remote, text));
    json_number(j, "out_bytes", n->out);
    json_number(j, "in_bytes", n->in);
    put_rates(j, n, t);
    json_number(j, "rtt_us", w->rtt);
    json_number(j, "cwnd", w->cwnd);
    json_object_end(j);
}

static void write_interval(const struct perf_report *r, plait_time now)
{
    struct json j = {0};
    plait_time t = now - r->before;
    struct perf_count n = less(&r->all, &r->last);

    json_object(&j, NULL);
    json_string(&j, "type", "interval");
    put_fraction(&j, "at", seconds(now - r->start));
    put_fraction(&j, "seconds", seconds(t));
    put_rates(&j, &n, t);
    json_number(&j, "requests", r->requests - r->last_requests);
    json_array(&j, "paths");
    for (size_t i = 0; i < r->way_n; i++) {
        n = less(&r->way[i].all, &r->way[i].before);
        put_way(&j, &r->way[i], &n, t);
    }
    json_array_end(&j);
    json_object_end(&j);
    (void)json_line(&j, STDOUT_FILENO);
    json_free(&j);
}

void perf_report_line(struct perf_report *r, plait_time now)
{
    if (r->o->json_stream)
        write_interval(r, now);
    else if (!r->o->json)
        say_interval(r, now);
    r->before = now;
    r->last = r->all;
    r->last_requests = r->requests;
    for (size_t i = 0; i < r->way_n; i++)
        r->way[i].before = r->way[i].all;
}

/* ---- the result ----------------------------------------------------------------------------- */

static void say_direction(const char *name, const struct perf_direction_result *d)
{
    if (d->n > 0)
        (void)printf("%s: %llu bytes in %.3f s, %.3f Gbit/s, longest stall %.3f s\n", name,
                     (unsigned long long)d->bytes, seconds(d->time), mbit(d->bytes, d->time) / 1e3,
                     seconds(d->stall));
}

static void say_requests(const struct perf_report *r, plait_time t)
{
    const struct perf_latency *l = &r->latency;

    if (r->requests == 0)
        return;
    (void)printf("%llu requests in %.3f s, %.1f for each second", (unsigned long long)r->requests,
                 seconds(t), (double)r->requests / seconds(t));
    if (l->n > 0)
        (void)printf("; microseconds: p50 %llu p90 %llu p99 %llu max %llu",
                     (unsigned long long)perf_latency_at(l, 500),
                     (unsigned long long)perf_latency_at(l, 900),
                     (unsigned long long)perf_latency_at(l, 990), (unsigned long long)l->max);
    (void)putchar('\n');
}

static void say_final(const struct perf_report *r, plait_time now, uint64_t cpu)
{
    say_direction("to the server", &r->up);
    say_direction("to the client", &r->down);
    say_requests(r, now - r->start);
    if (r->plain > 0)
        (void)printf("%llu connections spoke plain TCP\n", (unsigned long long)r->plain);
    (void)printf("%s: %.3f s of processor time, ", perf_stack_name(r->o->stack), seconds(cpu));
    if (r->requests > 0)
        (void)printf("%.1f us for each request, ", cpu_per_request(r, cpu));
    else
        (void)printf("%.3f s for each GB, ", cpu_per_gb(r, cpu));
    (void)printf("%llu bytes retransmitted\n", (unsigned long long)r->all.again);
    if (r->o->threads > 1)
        (void)printf("%u threads, %llu packets given from one to another\n", r->o->threads,
                     (unsigned long long)r->handed);
    (void)fflush(stdout);
}

static void put_direction(struct json *j, const char *name, const struct perf_direction_result *d)
{
    if (d->n == 0) {
        json_null(j, name);
        return;
    }
    json_object(j, name);
    json_number(j, "connections", d->n);
    json_number(j, "bytes", d->bytes);
    put_fraction(j, "seconds", seconds(d->time));
    put_fraction(j, "gbit_s", mbit(d->bytes, d->time) / 1e3);
    put_fraction(j, "longest_stall", seconds(d->stall));
    json_object_end(j);
}

static void put_requests(struct json *j, const struct perf_report *r, plait_time t)
{
    const struct perf_latency *l = &r->latency;

    json_object(j, "requests");
    json_number(j, "n", r->requests);
    put_fraction(j, "per_second", t > 0 ? (double)r->requests / seconds(t) : 0);
    json_number(j, "p50_us", perf_latency_at(l, 500));
    json_number(j, "p90_us", perf_latency_at(l, 900));
    json_number(j, "p99_us", perf_latency_at(l, 990));
    json_number(j, "max_us", l->max);
    json_object_end(j);
}

static void write_final(const struct perf_report *r, plait_time now, uint64_t cpu)
{
    static const char *const modes[] = {
        [PERF_BULK] = "bulk", [PERF_RR] = "rr", [PERF_CRR] = "crr"};
    struct json j = {0};

    json_object(&j, NULL);
    json_string(&j, "type", "result");
    json_string(&j, "side", r->o->serving ? "server" : "client");
    json_string(&j, "stack", perf_stack_name(r->o->stack));
    json_number(&j, "threads", r->o->threads);
    if (!r->o->serving)
        json_string(&j, "mode", modes[r->o->mode]);
    put_fraction(&j, "seconds", seconds(now - r->start));
    put_direction(&j, "to_server", &r->up);
    put_direction(&j, "to_client", &r->down);
    if (r->requests > 0)
        put_requests(&j, r, now - r->start);
    put_fraction(&j, "cpu_seconds", seconds(cpu));
    put_fraction(&j, "cpu_seconds_per_gb", cpu_per_gb(r, cpu));
    put_fraction(&j, "cpu_us_per_request", cpu_per_request(r, cpu));
    json_number(&j, "retransmitted", r->all.again);
    json_number(&j, "plain_tcp", r->plain);
    json_number(&j, "handed_over", r->handed);
    json_array(&j, "paths");
    for (size_t i = 0; i < r->way_n; i++)
        put_way(&j, &r->way[i], &r->way[i].all, now - r->start);
    json_array_end(&j);
    if (r->error)
        json_string(&j, "error", r->error);
    else
        json_null(&j, "error");
    json_object_end(&j);
    (void)json_line(&j, STDOUT_FILENO);
    json_free(&j);
}

void perf_report_final(struct perf_report *r, plait_time now)
{
    uint64_t cpu = cpu_us() - r->cpu;

    if (r->o->json)
        write_final(r, now, cpu);
    else
        say_final(r, now, cpu);
}

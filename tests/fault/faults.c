/* SPDX-License-Identifier: Apache-2.0 */
/* Every single fault: for each scenario, each packet of it is lost, doubled, late, cut, or has a
 * bit changed, and each allocation fails, one at a time. All must end intact or with a clear error,
 * and leave nothing behind.
 *
 *     faults [--sample N] [--seed S] [--jobs N] [--scenario NAME]
 *     faults --scenario NAME --kind KIND --at K [--variant V]      one injection again
 *
 * --sample runs N injections, drawn by the seed, in place of all. PLAIT_PCAP=FILE writes what was
 * on the wire. Closes with `N passed, N failed`, where N counts injections.
 *
 * Workers are processes, each with a slot in shared memory that says what it does: a crash or a
 * hang costs one injection and names it. */
#include "inject.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 16, HANG_SECONDS = 60 };

struct job {
    unsigned scenario;
    struct fault fault;
};

struct fault_list {
    struct job *job;
    size_t n, cap;
};

struct slot { /* of a worker, shared */
    size_t at;     /* index of the job it does; the next is at + jobs */
    size_t failed;
};

struct options {
    size_t sample;
    uint64_t seed;
    unsigned jobs;
    int scenario; /* -1: all */
    struct fault one; /* kind NONE: not asked for */
};

static void add(struct fault_list *l, struct job j)
{
    if (l->n == l->cap) {
        l->cap = l->cap > 0 ? 2 * l->cap : 1024;
        l->job = realloc(l->job, l->cap * sizeof *l->job);
        if (l->job == NULL) {
            perror("faults");
            exit(2);
        }
    }
    l->job[l->n++] = j;
}

/* ---- what there is to do -------------------------------------------------------------------- */

static bool is_alloc(enum fault_kind k) { return k == FAULT_ALLOC || k == FAULT_ALLOC_DRY; }

static void list_scenario(struct fault_list *l, unsigned scenario)
{
    const struct fault none = {.kind = FAULT_NONE};
    struct fault_extent extent;
    const char *why = fault_run(&fault_scenarios[scenario], &none, &extent);
    size_t before = l->n;

    if (why != NULL) {
        printf("faults: %s fails without any fault: %s\n", fault_scenarios[scenario].name, why);
        exit(1);
    }
    for (unsigned kind = 1; kind < FAULT_KINDS; kind++)
        for (uint32_t v = 0; v < fault_variants((enum fault_kind)kind); v++) {
            uint64_t n = is_alloc((enum fault_kind)kind) ? extent.allocs[v] : extent.packets;
            for (uint64_t k = 0; k < n; k++)
                add(l, (struct job){scenario, {(enum fault_kind)kind, k, v}});
        }
    printf("# %-20s %4llu packets, %4llu allocations, %6zu injections\n",
           fault_scenarios[scenario].name, (unsigned long long)extent.packets,
           (unsigned long long)(extent.allocs[0] + extent.allocs[1]), l->n - before);
}

/* Fisher and Yates, as far as needed. */
static void draw(struct fault_list *l, const struct options *o)
{
    struct sim_rng rng;

    sim_rng_init(&rng, o->seed);
    for (size_t i = 0; i < o->sample && i < l->n; i++) {
        size_t other = i + (size_t)sim_rng_below(&rng, l->n - i);
        struct job j = l->job[i];
        l->job[i] = l->job[other];
        l->job[other] = j;
    }
    if (l->n > o->sample)
        l->n = o->sample;
}

/* ---- workers -------------------------------------------------------------------------------- */

static void tell(const struct job *j, const char *why)
{
    printf("FAILED %s: %s\n    again: faults --scenario %s --kind %s --at %llu --variant %u\n",
           fault_scenarios[j->scenario].name, why, fault_scenarios[j->scenario].name,
           fault_kind_name(j->fault.kind), (unsigned long long)j->fault.k, j->fault.variant);
    fflush(stdout);
}

static void work(const struct fault_list *l, struct slot *slot, unsigned step)
{
    for (; slot->at < l->n; slot->at += step) {
        const struct job *j = &l->job[slot->at];
        const char *why;
        alarm(HANG_SECONDS);
        why = fault_run(&fault_scenarios[j->scenario], &j->fault, NULL);
        if (why == NULL)
            continue;
        slot->failed++;
        tell(j, why);
    }
    _exit(0);
}

static pid_t spawn(const struct fault_list *l, struct slot *slot, unsigned step)
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid < 0) {
        perror("faults: fork");
        exit(2);
    }
    if (pid == 0)
        work(l, slot, step);
    return pid;
}

/* A worker died in the middle of an injection: that one failed, and the next worker goes on. */
static bool died(const struct fault_list *l, struct slot *slot, unsigned step, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false;
    tell(&l->job[slot->at],
         WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "no end in real time" : "crash");
    slot->failed++;
    slot->at += step;
    return slot->at < l->n;
}

static void progress(const struct fault_list *l, const struct slot *slot, unsigned jobs,
                     time_t start)
{
    size_t done = 0, failed = 0;

    for (unsigned i = 0; i < jobs; i++) {
        done += slot[i].at / jobs;
        failed += slot[i].failed;
    }
    done = done < l->n ? done : l->n;
    fprintf(stderr, "\r%zu of %zu injections, %zu failed, %ld s ", done, l->n, failed,
            (long)(time(NULL) - start));
}

static size_t run_all(const struct fault_list *l, unsigned jobs)
{
    struct slot *slot = mmap(NULL, jobs * sizeof *slot, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool shown = isatty(STDERR_FILENO) != 0;
    time_t start = time(NULL);
    pid_t pid[JOBS_MAX];
    unsigned alive = jobs;
    size_t failed = 0;

    if (slot == MAP_FAILED) {
        perror("faults: mmap");
        exit(2);
    }
    for (unsigned i = 0; i < jobs; i++) {
        slot[i].at = i;
        pid[i] = spawn(l, &slot[i], jobs);
    }
    while (alive > 0) {
        int status;
        pid_t ended = waitpid(-1, &status, shown ? WNOHANG : 0);
        if (ended == 0) {
            progress(l, slot, jobs, start);
            usleep(200000);
        }
        for (unsigned i = 0; ended > 0 && i < jobs; i++) {
            if (pid[i] != ended)
                continue;
            if (died(l, &slot[i], jobs, status))
                pid[i] = spawn(l, &slot[i], jobs);
            else
                alive--;
        }
    }
    if (shown)
        fputc('\n', stderr);
    for (unsigned i = 0; i < jobs; i++)
        failed += slot[i].failed;
    munmap(slot, jobs * sizeof *slot);
    return failed;
}

/* ---- the command line ----------------------------------------------------------------------- */

static void usage(void)
{
    fprintf(stderr, "usage: faults [--sample N] [--seed S] [--jobs N] [--scenario NAME]\n"
                    "       faults --scenario NAME --kind KIND --at K [--variant V]\nscenarios:");
    for (unsigned i = 0; i < fault_scenario_n; i++)
        fprintf(stderr, " %s", fault_scenarios[i].name);
    fprintf(stderr, "\nkinds:");
    for (unsigned i = 1; i < FAULT_KINDS; i++)
        fprintf(stderr, " %s", fault_kind_name((enum fault_kind)i));
    fputc('\n', stderr);
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long v = strtoull(text, &end, 0);

    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "faults: a number is needed, not '%s'\n", text);
        usage();
    }
    return v;
}

static void take_option(struct options *o, int option)
{
    switch (option) {
    case 'n':
        o->sample = (size_t)number(optarg);
        break;
    case 's':
        o->seed = number(optarg);
        break;
    case 'j':
        o->jobs = (unsigned)number(optarg);
        break;
    case 'c':
        o->scenario = fault_scenario_find(optarg);
        if (o->scenario < 0)
            usage();
        break;
    case 'k':
        o->one.kind = fault_kind_find(optarg);
        if (o->one.kind == FAULT_NONE)
            usage();
        break;
    case 'a':
        o->one.k = number(optarg);
        break;
    case 'v':
        o->one.variant = (uint32_t)number(optarg);
        break;
    default:
        usage();
    }
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"sample", 1, NULL, 'n'}, {"seed", 1, NULL, 's'},    {"jobs", 1, NULL, 'j'},
        {"scenario", 1, NULL, 'c'}, {"kind", 1, NULL, 'k'}, {"at", 1, NULL, 'a'},
        {"variant", 1, NULL, 'v'}, {NULL, 0, NULL, 0},
    };
    struct options o = {.seed = 1, .jobs = 2, .scenario = -1};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        take_option(&o, option);
    if (optind < argc || o.jobs == 0 || o.jobs > JOBS_MAX)
        usage();
    if (o.one.kind != FAULT_NONE &&
        (o.scenario < 0 || o.one.variant >= fault_variants(o.one.kind)))
        usage();
    return o;
}

static int run_one(const struct options *o)
{
    struct job j = {(unsigned)o->scenario, o->one};
    const char *why = fault_run(&fault_scenarios[o->scenario], &o->one, NULL);

    if (why != NULL)
        tell(&j, why);
    printf("%d passed, %d failed\n", why == NULL, why != NULL);
    return why != NULL;
}

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);
    struct fault_list l = {0};
    size_t failed;

    if (o.one.kind != FAULT_NONE)
        return run_one(&o);
    for (unsigned i = 0; i < fault_scenario_n; i++)
        if (o.scenario < 0 || (unsigned)o.scenario == i)
            list_scenario(&l, i);
    if (o.sample > 0)
        draw(&l, &o);
    printf("# %zu injections, seed %llu\n", l.n, (unsigned long long)o.seed);
    failed = run_all(&l, o.jobs);
    printf("%zu passed, %zu failed\n", l.n - failed, failed);
    free(l.job);
    return failed > 0;
}

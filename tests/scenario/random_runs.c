/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded runs over random worlds: two to four paths of any quality, any windows, any sizes, paths
 * that flap. Every byte is checked, the invariants after every step, and at the end nothing may be
 * left.
 *
 * random_runs [--runs N] [--first SEED] [--seed SEED] [--pcap FILE] [-v]
 *
 * A failure prints its seed; --seed replays that one run, --pcap writes what was on the wire. The
 * number of runs can also be given by PLAIT_RUNS. */
#include "cc/cc.h"
#include "pm/pm.h"
#include "sched/sched.h"
#include "sim/app.h"
#include "sim/pcap.h"
#include "sim/topology.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS = 1000, PORT = 80, FLAPS_MAX = 8, DEEDS_MAX = 10 };

#define TIME_LIMIT (7200 * PLAIT_SEC)
#define STEPS_MAX  20000000

struct flap {
    struct sim_timer timer;
    unsigned path;
    bool down;
};

/* Something that the owner of a host does during the transfer. */
enum verb { VERB_DEL, VERB_ADD, VERB_BACKUP, VERB_FLAGS, VERB_N };
struct deed {
    struct sim_timer timer;
    enum verb verb;
    unsigned path;
    bool server, on;
};

struct run {
    uint64_t seed;
    struct sim_rng rng;
    struct plait_config client_cfg, server_cfg;
    struct sim_topology_config topo_cfg;
    struct sim *sim;
    struct sim_node *client, *server;
    struct sim_topology topo;
    struct sim_apps apps;
    struct sim_pair pair;
    struct sim_pair_config pair_cfg;
    struct flap flap[FLAPS_MAX][2];
    unsigned flap_n;
    struct deed deed[DEEDS_MAX];
    unsigned deed_n;
    const char *why; /* it failed; NULL: it did not */
};

/* ---- dice
 * -----------------------------------------------------------------------------------------------
 */

static uint64_t between(struct run *r, uint64_t lo, uint64_t hi)
{
    return sim_rng_between(&r->rng, lo, hi);
}

static bool one_in(struct run *r, uint64_t n)
{
    return sim_rng_below(&r->rng, n) == 0;
}

static const char *any_cc(struct run *r)
{
    unsigned n = 0;

    while (cc_at(n) != NULL)
        n++;
    return cc_at((unsigned)sim_rng_below(&r->rng, n))->name;
}

/* Evenly over the orders of magnitude. */
static uint64_t spread(struct run *r, uint64_t lo, uint64_t hi)
{
    unsigned doublings = 0;

    while (lo << doublings < hi)
        doublings++;
    uint64_t v = lo << sim_rng_below(&r->rng, doublings + 1);
    v += sim_rng_below(&r->rng, v);
    return v < hi ? v : hi;
}

/* ---- the world
 * --------------------------------------------------------------------------------------------- */

static struct sim_link_config random_link(struct run *r, bool spoilt)
{
    struct sim_link_config l = {
        .rate = spread(r, 500000, 200000000),
        .delay = spread(r, 50, 100000),
        .queue = (uint32_t)spread(r, 8192, 1 << 20),
        .mtu = 1500,
    };

    if (one_in(r, 4))
        l.jitter = between(r, 1, 5000);
    if (!spoilt)
        return l;
    if (one_in(r, 2))
        l.loss_ppm = (uint32_t)between(r, 0, 100000);
    if (one_in(r, 3))
        l.reorder_ppm = (uint32_t)between(r, 0, 100000);
    l.reorder_delay = between(r, 1, 30000);
    if (one_in(r, 4))
        l.duplicate_ppm = (uint32_t)between(r, 0, 50000);
    return l;
}

static void random_topology(struct run *r)
{
    struct sim_topology_config *t = &r->topo_cfg;

    sim_topology_defaults(t, (unsigned)between(r, 2, SIM_PATHS_MAX));
    t->mesh = one_in(r, 3);
    t->gso_max = one_in(r, 3) ? 0 : (uint32_t)spread(r, 2000, 65535);
    for (unsigned i = 0; i < t->path_n; i++) {
        struct sim_path_config *p = &t->path[i];
        bool spoilt = !one_in(r, 3);
        p->family = one_in(r, 3) ? 6 : 4;
        p->up = random_link(r, spoilt);
        p->down = random_link(r, spoilt);
        p->mtu = (uint16_t)(one_in(r, 3) ? between(r, 1280, 1500) : 1500);
        if (one_in(r, 8)) /* a narrow place that only ICMP tells about */
            p->up.mtu = p->down.mtu = (uint32_t)between(r, 1280, 1500);
        if (p->up.mtu != 0 && one_in(r, 3))
            p->up.black_hole = p->down.black_hole = true;
        if (i > 0 && one_in(r, 6))
            p->client_flags |= PLAIT_LOCAL_BACKUP;
        if (one_in(r, 4))
            p->server_flags |= PLAIT_LOCAL_SUBFLOW;
        if (i > 0 && one_in(r, 4))
            p->client_flags |= PLAIT_LOCAL_SIGNAL;
    }
}

static void random_conn(struct run *r, struct plait_conn_config *c)
{
    c->mptcp = !one_in(r, 12);
    c->offer_versions = one_in(r, 2) ? PLAIT_MPTCP_V1 : (uint8_t)between(r, 1, 3);
    if (one_in(r, 8))
        c->accept_versions = (uint8_t)between(r, 1, 2);
    c->checksum = one_in(r, 4);
    c->nodelay = one_in(r, 2);
    c->cc = any_cc(r);
    c->rcvbuf_max = (uint32_t)spread(r, 4096, 8 << 20);
    c->rcvbuf_init = c->rcvbuf_max < 262144 ? c->rcvbuf_max : 262144;
    c->sndbuf_max = (uint32_t)spread(r, 4096, 8 << 20);
    c->subflows_max = (uint8_t)between(r, 1, 8);
}

/* Half of the streams are bulk, the others of any size. */
static uint64_t some_bytes(struct run *r)
{
    return one_in(r, 2) ? between(r, 100000, 1500000) : spread(r, 1, 1 << 20);
}

static void random_app(struct run *r, struct sim_app_config *a)
{
    *a = (struct sim_app_config){.send_bytes = one_in(r, 10) ? 0 : some_bytes(r)};
    if (one_in(r, 2))
        a->write_max = (uint32_t)spread(r, 50, 65536);
    if (one_in(r, 2))
        a->read_max = (uint32_t)spread(r, 50, 65536);
    if (one_in(r, 3)) {
        a->pause_ppm = (uint32_t)between(r, 1, 100000);
        a->pause_max = spread(r, 10, 500000);
    }
    if (one_in(r, 10))
        a->read_after = spread(r, 1000, 5 * PLAIT_SEC);
    a->hold_close = one_in(r, 4);
}

static void random_world(struct run *r)
{
    plait_config_init(&r->client_cfg);
    r->client_cfg.check_invariants = true;
    r->server_cfg = r->client_cfg;
    if (one_in(r, 2))
        r->client_cfg.mem_kept = r->server_cfg.mem_kept = 0; /* each allocation can fail */
    if (one_in(r, 4))
        r->client_cfg.mem_max = spread(r, 1 << 20, 64 << 20);
    if (one_in(r, 4))
        r->server_cfg.mem_max = spread(r, 1 << 20, 64 << 20);
    r->server_cfg.conn.server_joins = one_in(r, 4);
    random_conn(r, &r->client_cfg.conn);
    random_conn(r, &r->server_cfg.conn);
    random_topology(r);
    random_app(r, &r->pair_cfg.client);
    random_app(r, &r->pair_cfg.server);
    if (r->pair_cfg.client.hold_close) /* not both: they would wait for each other */
        r->pair_cfg.server.hold_close = false;
}

/* ---- flapping paths
 * -------------------------------------------------------------------------------------------- */

static void flip(struct sim *sim, struct sim_timer *t)
{
    struct run *r = t->ctx;
    struct flap *f = (struct flap *)(void *)t;

    (void)sim;
    sim_topology_cut(&r->topo, f->path, f->down);
}

static void random_flaps(struct run *r)
{
    r->flap_n = one_in(r, 2) ? 0 : (unsigned)between(r, 1, FLAPS_MAX);
    for (unsigned i = 0; i < r->flap_n; i++) {
        unsigned path = (unsigned)sim_rng_below(&r->rng, r->topo_cfg.path_n);
        plait_time at = r->sim->now + spread(r, 1000, 10 * PLAIT_SEC);
        plait_time back = at + spread(r, 1000, 4 * PLAIT_SEC);
        r->flap[i][0] = (struct flap){.path = path, .down = true};
        r->flap[i][1] = (struct flap){.path = path, .down = false};
        r->flap[i][0].timer.ctx = r->flap[i][1].timer.ctx = r;
        sim_timer_set(r->sim, &r->flap[i][0].timer, at, flip);
        sim_timer_set(r->sim, &r->flap[i][1].timer, back, flip);
    }
}

/* ---- addresses and priorities that change -------------------------------------- */

static void change_backup(struct run *r, const struct deed *d)
{
    struct plait_conn *c = d->server ? r->pair.server.conn : r->pair.client.conn;

    if (c != NULL)
        plait_conn_set_backup(c, (uint8_t)(d->path + 1), d->on, r->sim->now);
}

/* What does not fit the moment is refused, and that is all. */
static void do_deed(struct sim *sim, struct sim_timer *t)
{
    struct run *r = t->ctx;
    const struct deed *d = (const struct deed *)(void *)t;
    const struct sim_path_config *p = &r->topo_cfg.path[d->path];
    struct sim_node *n = d->server ? r->server : r->client;
    struct plait_local local = {
        .addr = sim_path_addr(&r->topo_cfg, d->path, d->server),
        .id = (uint8_t)(d->path + 1),
        .flags = d->server ? p->server_flags : p->client_flags,
        .mtu = p->mtu,
        .gso_max = r->topo_cfg.gso_max,
        .ifindex = d->path + 1,
    };

    if (d->verb == VERB_DEL)
        plait_local_del(n->stack, local.id, sim->now);
    else if (d->verb == VERB_ADD)
        plait_local_add(n->stack, &local, sim->now);
    else if (d->verb == VERB_BACKUP)
        change_backup(r, d);
    if (d->verb != VERB_FLAGS)
        return;
    local.flags ^= d->on ? PLAIT_LOCAL_BACKUP : PLAIT_LOCAL_DOWN;
    plait_local_change(n->stack, &local, sim->now);
}

/* The first path's addresses stay: something must be left to talk over. */
static void random_deeds(struct run *r)
{
    r->deed_n = one_in(r, 3) ? (unsigned)between(r, 1, DEEDS_MAX) : 0;
    for (unsigned i = 0; i < r->deed_n; i++) {
        struct deed *d = &r->deed[i];
        *d = (struct deed){
            .verb = (enum verb)sim_rng_below(&r->rng, VERB_N),
            .path = (unsigned)between(r, 1, r->topo_cfg.path_n - 1),
            .server = one_in(r, 2),
            .on = one_in(r, 2),
        };
        d->timer.ctx = r;
        sim_timer_set(r->sim, &d->timer, r->sim->now + spread(r, 1000, 10 * PLAIT_SEC), do_deed);
    }
}

static void stop_timers(struct run *r)
{
    for (unsigned i = 0; i < r->deed_n; i++)
        sim_timer_stop(r->sim, &r->deed[i].timer);
    for (unsigned i = 0; i < r->flap_n; i++) {
        sim_timer_stop(r->sim, &r->flap[i][0].timer);
        sim_timer_stop(r->sim, &r->flap[i][1].timer);
    }
}

/* ---- one run -----------------------------------------------------------------------------------
 * ------------------- */

static bool start(struct run *r, const char *pcap)
{
    struct plait_addr any = {.port = PORT};

    r->sim = sim_new(r->seed);
    if (pcap != NULL && sim_pcap_open(r->sim, pcap) == NULL) {
        fprintf(stderr, "random_runs: cannot write %s\n", pcap);
        exit(2);
    }
    r->client = sim_node_new(r->sim, "client", &r->client_cfg);
    r->server = sim_node_new(r->sim, "server", &r->server_cfg);
    if (r->client == NULL || r->server == NULL)
        return false;
    r->client->gro_window = one_in(r, 2) ? between(r, 1, 200) : 0;
    r->server->gro_window = one_in(r, 2) ? between(r, 1, 200) : 0;
    r->sim->replan_ppm = 20000;
    if (sim_topology_build(&r->topo, &r->topo_cfg, r->client, r->server) != 0)
        return false;
    r->pair_cfg.remote = sim_path_addr(&r->topo_cfg, 0, true);
    r->pair_cfg.remote.port = PORT;
    if (sim_apps_init(&r->apps, r->client, r->server, &any) != 0)
        return false;
    random_flaps(r);
    random_deeds(r);
    return sim_pair_start(&r->apps, &r->pair, &r->pair_cfg) == 0;
}

static uint32_t alive(const struct sim_node *n)
{
    struct plait_stack_info info;

    plait_stack_info(n->stack, &info);
    return info.conns + info.half_open;
}

static const char *verdict(const struct run *r)
{
    if (r->sim->failure != NULL)
        return r->sim->failure;
    if (sim_apps_failure(&r->apps) != NULL)
        return sim_apps_failure(&r->apps);
    if (!sim_apps_done(&r->apps))
        return "not done in time";
    if (r->pair.client.error != 0 || r->pair.server.error != 0)
        return "the connection ended with an error";
    if (r->pair.client.received != r->pair_cfg.server.send_bytes ||
        r->pair.server.received != r->pair_cfg.client.send_bytes)
        return "bytes are missing";
    return NULL;
}

static void transfer(struct run *r)
{
    plait_time limit = r->sim->now + TIME_LIMIT;

    sim_pump(r->sim);
    while (!sim_apps_done(&r->apps) && r->sim->now < limit && r->sim->steps < STEPS_MAX)
        if (!sim_step(r->sim) || sim_apps_failure(&r->apps) != NULL)
            break;
    r->why = verdict(r);
}

static void wind_up(struct run *r)
{
    plait_time limit = r->sim->now + 1200 * PLAIT_SEC;

    plait_listener_close(r->apps.listener, r->sim->now);
    sim_pump(r->sim);
    while (alive(r->client) + alive(r->server) > 0 && r->sim->now < limit && sim_step(r->sim))
        ;
    if (r->why == NULL && r->sim->failure != NULL)
        r->why = r->sim->failure;
    if (r->why == NULL && alive(r->client) + alive(r->server) > 0)
        r->why = "connections are left over";
}

/* Each end has its own scheduler and path manager, half of them the default. From a generator of
 * its own: the rest of a run is the same with whatever is drawn here. */
static const char *random_sched(struct sim_rng *rng)
{
    unsigned n = 0;

    while (sched_at(n) != NULL)
        n++;
    return sched_at(sim_rng_below(rng, 2) == 0 ? 0 : (unsigned)sim_rng_below(rng, n))->name;
}

static const char *random_pm(struct sim_rng *rng)
{
    unsigned n = 0;

    while (pm_at(n) != NULL)
        n++;
    return pm_at(sim_rng_below(rng, 2) == 0 ? 0 : (unsigned)sim_rng_below(rng, n))->name;
}

static void random_policies(struct run *r, uint64_t seed)
{
    struct sim_rng rng;

    sim_rng_init(&rng, ~seed);
    r->client_cfg.conn.sched = random_sched(&rng);
    r->server_cfg.conn.sched = random_sched(&rng);
    r->client_cfg.conn.pm = random_pm(&rng);
    r->client_cfg.conn.ports = (uint8_t)sim_rng_between(&rng, 1, 5);
    r->client_cfg.conn.demand_bytes = sim_rng_between(&rng, 1, 1000000);
    r->client_cfg.conn.demand_after = sim_rng_between(&rng, 1, 5 * PLAIT_SEC);
    if (r->server_cfg.conn.server_joins)
        r->server_cfg.conn.pm = random_pm(&rng);
}

static void one_run(struct run *r, uint64_t seed, const char *pcap)
{
    *r = (struct run){.seed = seed};
    sim_rng_init(&r->rng, seed);
    random_world(r);
    random_policies(r, seed);
    if (!start(r, pcap)) {
        fprintf(stderr, "random_runs: seed %llu: the world refused its configuration\n",
                (unsigned long long)seed);
        exit(2);
    }
    transfer(r);
    if (r->why == NULL)
        wind_up(r);
    stop_timers(r);
    sim_node_stop(r->client);
    sim_node_stop(r->server);
    if (r->why == NULL && r->client->live + r->server->live > 0)
        r->why = "memory is left over";
    sim_pcap_close(r->sim);
}

/* ---- telling -----------------------------------------------------------------------------------
 * ----------------------- */

static void tell_app(const char *name, const struct sim_app *a)
{
    printf("  %s: sent %llu of %llu, received %llu of %llu%s%s%s, stalled %llu us\n", name,
           (unsigned long long)a->sent, (unsigned long long)a->cfg.send_bytes,
           (unsigned long long)a->received, (unsigned long long)a->peer->cfg.send_bytes,
           a->eof ? ", eof" : "", a->shut ? ", shut" : "", a->done ? ", done" : "",
           (unsigned long long)a->stall_max);
    if (a->error != 0)
        printf("    error: %s (%s)\n", plait_strerror(a->error), plait_reason_text(a->reason));
    if (a->failure != NULL)
        printf("    failure at byte %llu\n", (unsigned long long)a->failure_at);
}

static void tell(const struct run *r)
{
    const struct sim *s = r->sim;

    printf("seed %llu: %s\n", (unsigned long long)r->seed, r->why != NULL ? r->why : "ok");
    printf("  %u paths%s, gso %u, %s/%s, %s/%s, %s/%s, checksum %d/%d, mptcp %d/%d, "
           "versions offered %u accepted %u, rcvbuf %u/%u, sndbuf %u/%u\n",
           r->topo_cfg.path_n, r->topo_cfg.mesh ? " (mesh)" : "", r->topo_cfg.gso_max,
           r->client_cfg.conn.cc, r->server_cfg.conn.cc, r->client_cfg.conn.sched,
           r->server_cfg.conn.sched, r->client_cfg.conn.pm, r->server_cfg.conn.pm,
           r->client_cfg.conn.checksum,
           r->server_cfg.conn.checksum, r->client_cfg.conn.mptcp, r->server_cfg.conn.mptcp,
           r->client_cfg.conn.offer_versions, r->server_cfg.conn.accept_versions,
           r->client_cfg.conn.rcvbuf_max, r->server_cfg.conn.rcvbuf_max,
           r->client_cfg.conn.sndbuf_max, r->server_cfg.conn.sndbuf_max);
    for (unsigned i = 0; i < s->link_n; i++)
        printf(
            "  link %u %s: %llu bit/s, %llu us, queue %u, loss %u, reorder %u, twice %u, mtu %u: "
            "%llu packets, %llu lost\n",
            i / 2, i % 2 ? "down" : "up", (unsigned long long)s->link[i].cfg.rate,
            (unsigned long long)s->link[i].cfg.delay, s->link[i].cfg.queue, s->link[i].cfg.loss_ppm,
            s->link[i].cfg.reorder_ppm, s->link[i].cfg.duplicate_ppm, s->link[i].cfg.mtu,
            (unsigned long long)s->link[i].packets, (unsigned long long)s->link[i].drops);
    tell_app("client", &r->pair.client);
    tell_app("server", &r->pair.server);
    printf("  %llu steps, %llu ms\n", (unsigned long long)s->steps,
           (unsigned long long)(s->now / 1000));
}

struct args {
    uint64_t runs, first;
    bool verbose;
    const char *pcap;
};

static uint64_t number(const char *text, const char *what)
{
    char *end;
    unsigned long long v = strtoull(text, &end, 0);

    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "random_runs: %s wants a number, not '%s'\n", what, text);
        exit(2);
    }
    return v;
}

static struct args parse(int argc, char **argv)
{
    const char *env = getenv("PLAIT_RUNS");
    struct args a = {.runs = env != NULL ? number(env, "PLAIT_RUNS") : RUNS, .first = 1};

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "-v") == 0) {
            a.verbose = true;
            continue;
        }
        if (strcmp(argv[i], "--runs") == 0) {
            a.runs = number(value, argv[i]);
        } else if (strcmp(argv[i], "--first") == 0) {
            a.first = number(value, argv[i]);
        } else if (strcmp(argv[i], "--seed") == 0) {
            a.first = number(value, argv[i]);
            a.runs = 1;
            a.verbose = true;
        } else if (strcmp(argv[i], "--pcap") == 0) {
            a.pcap = value;
        } else {
            fprintf(stderr, "usage: random_runs [--runs N] [--first SEED] [--seed SEED] "
                            "[--pcap FILE] [-v]\n");
            exit(2);
        }
        i++;
    }
    return a;
}

static uint64_t running; /* the seed */

/* An assertion or worse: the seed is what one wants to know. */
static void on_crash(int sig)
{
    char line[64];
    int n = snprintf(line, sizeof line, "crash in seed %llu\n", (unsigned long long)running);

    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(3);
    signal(sig, SIG_DFL);
    raise(sig);
}

int main(int argc, char **argv)
{
    struct args a = parse(argc, argv);
    static struct run r;
    uint64_t failed = 0, bytes = 0, steps = 0;

    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    for (uint64_t i = 0; i < a.runs; i++) {
        running = a.first + i;
        one_run(&r, a.first + i, a.pcap);
        failed += r.why != NULL;
        bytes += r.pair.client.received + r.pair.server.received;
        steps += r.sim->steps;
        if (r.why != NULL || a.verbose)
            tell(&r);
        sim_free(r.sim);
    }
    printf("%llu runs, %llu failed, %llu bytes checked, %llu steps\n", (unsigned long long)a.runs,
           (unsigned long long)failed, (unsigned long long)bytes, (unsigned long long)steps);
    return failed == 0 ? 0 : 1;
}

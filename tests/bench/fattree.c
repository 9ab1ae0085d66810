/* SPDX-License-Identifier: Apache-2.0 */
/* fattree: how fast the simulator is with many hosts. A FatTree of 100 Mbit/s links with queues of
 * 100 packets; each host sends to another one, drawn at random, over some subflows that ECMP
 * spreads, without super-segments.
 *
 * fattree [K [SUBFLOWS [SECONDS [SEED]]]]       default: 8 8 1 1
 *
 * Prints a line of JSON: packets are those that arrived at hosts, hops those that links were
 * offered, goodput is the mean share of a host's link in percent after the first tenth of the time,
 * seconds are those of the processor. */
#include "sim/fattree.h"
#include "sim/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RATE = 100000000, DELAY = 10, QUEUE = 100, HOSTS_MAX = 32 * 32 * 32 / 4 };

static int fail(const char *what)
{
    fprintf(stderr, "fattree: %s\n", what);
    return 1;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nobody sends to himself. */
static void draw_peers(struct sim *sim, unsigned *peer, unsigned n)
{
    unsigned alone;

    do {
        sim_rng_permute(&sim->rng, peer, n);
        alone = 0;
        for (unsigned i = 0; i < n; i++)
            alone += peer[i] == i;
    } while (alone > 0);
}

static void configure(struct sim_fattree_config *cfg, unsigned k, unsigned subflows)
{
    *cfg = (struct sim_fattree_config){
        .k = k, .link = {.rate = RATE, .delay = DELAY, .queue_packets = QUEUE}};
    plait_config_init(&cfg->host);
    cfg->host.conn.cc = subflows > 1 ? "lia" : "reno";
    cfg->host.conn.pm = "ndiffports";
    cfg->host.conn.ports = (uint8_t)subflows;
    cfg->host.conn.subflows_max = (uint8_t)subflows;
}

static uint64_t delivered(struct sim_flow *const *flow, unsigned n)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += flow[i]->delivered;
    return sum;
}

static void start(struct sim_fattree *t, struct sim_flows *flows, struct sim_flow **flow)
{
    static unsigned peer[HOSTS_MAX];

    draw_peers(t->sim, peer, t->host_n);
    for (unsigned i = 0; i < t->host_n; i++) {
        struct sim_flow_config cfg = {.client = t->host[i],
                                      .server = t->host[peer[i]],
                                      .remote = sim_fattree_addr(t, peer[i])};
        if (peer[i] > i || peer[peer[i]] != i) /* else the ways are there */
            sim_fattree_connect(t, i, peer[i]);
        cfg.start = sim_rng_below(&t->sim->rng, 10 * PLAIT_MSEC);
        flow[i] = sim_flow_add(flows, &cfg);
    }
}

static void report(const struct sim_fattree *t, uint64_t bytes, plait_time took, double cpu)
{
    uint64_t packets = 0, hops = 0, drops = 0;

    for (unsigned i = 0; i < t->host_n; i++)
        packets += t->host[i]->packets_in;
    for (unsigned i = 0; i < t->sim->link_n; i++) {
        hops += t->sim->link[i].packets;
        drops += t->sim->link[i].drops;
    }
    printf("{\"hosts\": %u, \"packets\": %" PRIu64 ", \"hops\": %" PRIu64 ", \"drops\": %" PRIu64
           ", \"goodput\": %.2f, \"seconds\": %.3f, \"packets_per_s\": %.0f}\n",
           t->host_n, packets, hops, drops,
           (double)sim_flow_rate(bytes, took) / t->host_n / RATE * 100, cpu,
           (double)packets / cpu);
}

int main(int argc, char **argv)
{
    unsigned arg[4] = {8, 8, 1, 1}; /* k, subflows, seconds, seed */
    static struct sim_flow *flow[HOSTS_MAX];
    struct sim_fattree_config cfg;
    struct sim_fattree t;

    for (int i = 1; i < argc && i <= 4; i++)
        arg[i - 1] = (unsigned)strtoul(argv[i], NULL, 10);
    if (arg[0] < 4 || arg[0] > 32 || arg[0] % 2 != 0 || arg[1] < 1 || arg[1] > 32 || arg[2] < 1)
        return fail("K is even, 4 to 32; SUBFLOWS 1 to 32; SECONDS at least 1");
    struct sim *sim = sim_new(arg[3]);
    sim->poison = false;
    sim->blank = true;
    configure(&cfg, arg[0], arg[1]);
    if (sim_fattree_build(&t, sim, &cfg) != 0)
        return fail("the world cannot be built");
    struct sim_flows *flows = sim_flows_new(sim);
    start(&t, flows, flow);
    double cpu = seconds();
    plait_time begin = sim->now, end = begin + arg[2] * PLAIT_SEC;
    if (!sim_run_until(sim, begin + arg[2] * PLAIT_SEC / 10))
        return fail(sim->failure);
    uint64_t before = delivered(flow, t.host_n);
    if (!sim_run_until(sim, end))
        return fail(sim->failure);
    report(&t, delivered(flow, t.host_n) - before, arg[2] * PLAIT_SEC / 10 * 9, seconds() - cpu);
    sim_flows_free(flows);
    sim_fattree_free(&t);
    sim_free(sim);
    return 0;
}

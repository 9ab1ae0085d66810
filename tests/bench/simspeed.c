/* SPDX-License-Identifier: Apache-2.0 */
/* simspeed: how fast the simulator is with two hosts: two stacks, a bulk transfer over two paths of
 * 10 Gbit/s, devices that join packets for 50 us.
 *
 * simspeed [MIB [GSO [FORM]]]     default: 1024 MiB, super-segments of 65535 bytes, blank
 *
 * GSO 0: no super-segments, each packet passes both stacks by itself. FORM: `blank`, as for
 * experiments: packets are headers that say how long they are; `checked`: each byte is made,
 * carried and checked; `whole`: and each packet's checksum is computed and checked, as in tests.
 *
 * Prints a line of JSON: packets are those that arrived, seconds are those of the processor. */
#include "sim/flow.h"
#include "sim/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIMIT_S = 600, PATHS = 2, QUEUE = 1 << 20, JOIN_US = 50, JOIN_FLOWS = 8 };
#define RATE UINT64_C(10000000000)

static int fail(const char *what)
{
    fprintf(stderr, "simspeed: %s\n", what);
    return 1;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fast_paths(struct sim_topology_config *cfg, uint32_t gso_max)
{
    sim_topology_defaults(cfg, PATHS);
    cfg->gso_max = gso_max;
    for (unsigned i = 0; i < PATHS; i++) {
        cfg->path[i].up.rate = cfg->path[i].down.rate = RATE;
        cfg->path[i].up.queue = cfg->path[i].down.queue = QUEUE;
    }
}

/* False: there is no such form. */
static bool choose_form(struct sim *sim, const char *form)
{
    sim->poison = false;
    sim->blank = strcmp(form, "blank") == 0;
    sim->offload = strcmp(form, "checked") == 0;
    return sim->blank || sim->offload || strcmp(form, "whole") == 0;
}

static struct sim_node *host(struct sim *sim, const char *name, bool joins)
{
    struct plait_config cfg;
    struct sim_node *n;

    plait_config_init(&cfg);
    n = sim_node_new(sim, name, &cfg);
    if (n != NULL && joins) {
        n->gro_window = JOIN_US;
        n->gro_flows = JOIN_FLOWS;
    }
    return n;
}

int main(int argc, char **argv)
{
    uint64_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
    uint32_t gso_max = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 65535;
    struct sim_topology_config cfg;
    struct sim_topology topology;
    struct sim *sim = sim_new(1);
    double took;

    if (!choose_form(sim, argc > 3 ? argv[3] : "blank") || mib == 0)
        return fail("usage: simspeed [MIB [GSO [blank | checked | whole]]]");
    fast_paths(&cfg, gso_max);
    struct sim_node *client = host(sim, "client", gso_max > 0);
    struct sim_node *server = host(sim, "server", gso_max > 0);
    if (client == NULL || server == NULL ||
        sim_topology_build(&topology, &cfg, client, server) != 0)
        return fail("the world cannot be built");
    struct sim_flows *flows = sim_flows_new(sim);
    took = seconds();
    struct sim_flow *flow =
        sim_flow_add(flows, &(struct sim_flow_config){.client = client,
                                                      .server = server,
                                                      .remote = sim_path_addr(&cfg, 0, true),
                                                      .stream = {.bytes = mib << 20}});
    for (unsigned s = 1; s < LIMIT_S && !sim_flows_done(flows); s++)
        if (!sim_run_until(sim, s * PLAIT_SEC))
            return fail(sim->failure);
    took = seconds() - took;
    if (flow->error != 0 || flow->failure != NULL || flow->delivered != mib << 20)
        return fail("the transfer did not end");
    uint64_t packets = client->packets_in + server->packets_in;
    printf("{\"packets\": %" PRIu64 ", \"seconds\": %.3f, \"packets_per_s\": %.0f, "
           "\"simulated_s\": %.3f}\n",
           packets, took, (double)packets / took, (double)flow->ended_at / PLAIT_SEC);
    sim_flows_free(flows);
    sim_free(sim);
    return 0;
}

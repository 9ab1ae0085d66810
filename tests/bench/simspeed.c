/* SPDX-License-Identifier: Apache-2.0 */
/* simspeed: how fast the simulator is. Two stacks over two paths of 1 Gbit/s; a bulk transfer whose
 * every byte is made and checked.
 *
 * simspeed [MIB [GSO]]       default: 256 MiB, super-segments of 65535 bytes; GSO 0: none
 *
 * Prints a line of JSON: packets are those that arrived, seconds are those of the processor. */
#include "sim/app.h"
#include "sim/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PORT = 80, LIMIT_S = 600, PATHS = 2, QUEUE = 1 << 20 };

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
        cfg->path[i].up.rate = cfg->path[i].down.rate = 10000000000;
        cfg->path[i].up.queue = cfg->path[i].down.queue = QUEUE;
    }
}

int main(int argc, char **argv)
{
    uint64_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 256;
    uint32_t gso_max = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 65535;
    struct plait_addr any = {.port = PORT};
    struct sim_topology_config cfg;
    struct sim_pair_config pair_cfg = {.client = {.send_bytes = mib << 20}};
    struct sim_topology topology;
    struct sim_apps apps;
    struct sim_pair pair;
    struct plait_config stack;
    struct sim *sim = sim_new(1);
    double start;

    sim->offload = true;
    sim->poison = false;

    plait_config_init(&stack);
    fast_paths(&cfg, gso_max);
    struct sim_node *client = sim_node_new(sim, "client", &stack);
    struct sim_node *server = sim_node_new(sim, "server", &stack);
    if (client == NULL || server == NULL ||
        sim_topology_build(&topology, &cfg, client, server) != 0 ||
        sim_apps_init(&apps, client, server, &any) != 0)
        return fail("the world cannot be built");
    client->gro_window = server->gro_window = gso_max > 0 ? 50 : 0;
    client->gro_flows = server->gro_flows = 8;
    pair_cfg.remote = sim_path_addr(&cfg, 0, true);
    pair_cfg.remote.port = PORT;
    start = seconds();
    if (sim_pair_start(&apps, &pair, &pair_cfg) != 0)
        return fail("the connection cannot be opened");
    sim_pump(sim);
    while (!sim_apps_done(&apps) && sim->now < LIMIT_S * PLAIT_SEC && sim_step(sim))
        ;
    if (!sim_apps_done(&apps) || pair.server.received != mib << 20)
        return fail("the transfer did not end");
    double took = seconds() - start;
    uint64_t packets = client->packets_in + server->packets_in;
    printf("{\"packets\": %" PRIu64 ", \"seconds\": %.3f, \"packets_per_s\": %.0f, "
           "\"simulated_s\": %.3f}\n",
           packets, took, (double)packets / took, (double)sim->now / PLAIT_SEC);
    sim_free(sim);
    return 0;
}

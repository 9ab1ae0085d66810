/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/addr.h"

#include <stdlib.h>

static plait_time start_time(const struct world *w)
{
    return w->pair.client.started;
}

void world_init(struct world *w, unsigned path_n)
{
    *w = (struct world){.seed = 1};
    plait_config_init(&w->client_cfg);
    w->client_cfg.check_invariants = true;
    w->client_cfg.mem_kept = 0; /* so that each allocation can fail, and sanitizers see each end */
    w->server_cfg = w->client_cfg;
    sim_topology_defaults(&w->topo_cfg, path_n);
    w->topo_cfg.gso_max = 65535;
    w->pair_cfg.client = (struct sim_app_config){.send_bytes = 256 << 10};
    w->pair_cfg.server = w->pair_cfg.client;
}

void world_start(struct world *w)
{
    const char *pcap = getenv("PLAIT_PCAP");
    struct plait_addr any = {.port = WORLD_PORT};

    w->sim = sim_new(w->seed);
    if (pcap != NULL)
        assert_non_null(sim_pcap_open(w->sim, pcap));
    w->client = sim_node_new(w->sim, "client", &w->client_cfg);
    w->server = sim_node_new(w->sim, "server", &w->server_cfg);
    assert_non_null(w->client);
    assert_non_null(w->server);
    w->sim->replan_ppm = 100000;
    assert_int_equal(sim_topology_build(&w->topo, &w->topo_cfg, w->client, w->server), 0);
    assert_int_equal(sim_apps_init(&w->apps, w->client, w->server, &any), 0);
    if (w->pair_cfg.remote.family == 0)
        w->pair_cfg.remote = sim_path_addr(&w->topo_cfg, 0, true);
    w->pair_cfg.remote.port = WORLD_PORT;
    assert_int_equal(sim_pair_start(&w->apps, &w->pair, &w->pair_cfg), 0);
}

static void expect_healthy(const struct world *w)
{
    if (w->sim->failure != NULL)
        fail_msg("%s (seed %llu)", w->sim->failure, (unsigned long long)w->seed);
    if (sim_apps_failure(&w->apps) != NULL)
        fail_msg("%s (seed %llu)", sim_apps_failure(&w->apps), (unsigned long long)w->seed);
}

void world_at(struct world *w, plait_time since_start)
{
    sim_run_until(w->sim, start_time(w) + since_start);
    expect_healthy(w);
}

void world_finish(struct world *w, plait_time limit)
{
    sim_pump(w->sim);
    while (!sim_apps_done(&w->apps) && w->sim->now < start_time(w) + limit && sim_step(w->sim))
        if (sim_apps_failure(&w->apps) != NULL)
            break;
    expect_healthy(w);
    if (!sim_apps_done(&w->apps))
        fail_msg(
            "not done: client sent %llu got %llu, server sent %llu got %llu",
            (unsigned long long)w->pair.client.sent, (unsigned long long)w->pair.client.received,
            (unsigned long long)w->pair.server.sent, (unsigned long long)w->pair.server.received);
}

void world_expect_all(const struct world *w)
{
    assert_int_equal(w->pair.client.error, 0);
    assert_int_equal(w->pair.server.error, 0);
    assert_true(w->pair.client.eof && w->pair.server.eof);
    assert_int_equal(w->pair.client.received, w->pair_cfg.server.send_bytes);
    assert_int_equal(w->pair.server.received, w->pair_cfg.client.send_bytes);
}

static uint32_t alive(const struct sim_node *n)
{
    struct plait_stack_info info;

    plait_stack_info(n->stack, &info);
    return info.conns + info.half_open;
}

void world_end(struct world *w)
{
    plait_time limit = w->sim->now + 600 * PLAIT_SEC;

    plait_listener_close(w->apps.listener, w->sim->now);
    sim_pump(w->sim);
    while (alive(w->client) + alive(w->server) > 0 && w->sim->now < limit && sim_step(w->sim))
        ;
    expect_healthy(w);
    assert_int_equal(alive(w->client), 0);
    assert_int_equal(alive(w->server), 0);
    sim_node_stop(w->client);
    sim_node_stop(w->server);
    assert_int_equal(w->client->live, 0);
    assert_int_equal(w->server->live, 0);
    assert_true(sim_pcap_close(w->sim));
    sim_free(w->sim);
}

void world_complete(struct world *w, plait_time limit)
{
    world_finish(w, limit);
    world_expect_all(w);
    world_end(w);
}

const struct plait_subflow_info *world_subflow(const struct world *w, unsigned path)
{
    struct plait_addr local = sim_path_addr(&w->topo_cfg, path, false);
    const struct plait_subflow_info *most = NULL;

    for (unsigned i = 0; i < w->pair.client.info.subflow_total; i++) {
        const struct plait_subflow_info *s = &w->pair.client.path[i];
        if (addr_same_ip(&s->local, &local) && (most == NULL || s->bytes_sent > most->bytes_sent))
            most = s;
    }
    return most;
}

static uint64_t sum(const struct world *w, unsigned path, bool sent)
{
    struct plait_addr local = sim_path_addr(&w->topo_cfg, path, false);
    uint64_t n = 0;

    for (unsigned i = 0; i < w->pair.client.info.subflow_total; i++) {
        const struct plait_subflow_info *s = &w->pair.client.path[i];
        if (addr_same_ip(&s->local, &local))
            n += sent ? s->bytes_sent : s->bytes_received;
    }
    return n;
}

uint64_t world_sent(const struct world *w, unsigned path)
{
    return sum(w, path, true);
}

uint64_t world_received(const struct world *w, unsigned path)
{
    return sum(w, path, false);
}

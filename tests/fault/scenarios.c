/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios.h"

#include <string.h>

static void both(struct world *w, uint64_t up, uint64_t down)
{
    w->pair_cfg.client.send_bytes = up;
    w->pair_cfg.server.send_bytes = down;
}

/* ---- shapes --------------------------------------------------------------------------------- */

static void handshake(struct world *w) { both(w, 500, 500); }
static void server_first(struct world *w) { both(w, 0, 3000); }
static void join(struct world *w) { both(w, 20000, 20000); }
static void bulk(struct world *w) { both(w, 120000, 0); }
static void both_ways(struct world *w) { both(w, 50000, 50000); }

static void half_close(struct world *w)
{
    both(w, 3000, 50000);
    w->pair_cfg.server.hold_close = true;
}

static void fast_close(struct world *w)
{
    both(w, 60000, 60000);
    w->pair_cfg.client.abort_at = 20000;
}

static void with_checksums(struct world *w)
{
    both(w, 30000, 30000);
    w->client_cfg.conn.checksum = true;
}

static void zero_window(struct world *w)
{
    both(w, 60000, 0);
    w->server_cfg.conn.rcvbuf_max = w->server_cfg.conn.rcvbuf_init = 8192;
    w->pair_cfg.server.read_after = 700 * PLAIT_MSEC;
}

static void ipv6(struct world *w)
{
    both(w, 20000, 20000);
    for (unsigned i = 0; i < w->topo_cfg.path_n; i++)
        w->topo_cfg.path[i].family = 6;
}

static void plain_peer(struct world *w)
{
    both(w, 30000, 30000);
    w->server_cfg.conn.mptcp = false;
}

static void small_packets(struct world *w)
{
    both(w, 20000, 20000);
    w->topo_cfg.gso_max = 0;
    w->pair_cfg.client.write_max = w->pair_cfg.server.write_max = 700;
}

static void second_path_unknown(struct world *w)
{
    both(w, 60000, 60000);
    w->topo_cfg.path[1].client_flags = w->topo_cfg.path[1].server_flags = 0;
}

/* ---- deeds ---------------------------------------------------------------------------------- */

static struct plait_local second_local(const struct world *w, bool server, uint8_t flags)
{
    return (struct plait_local){
        .addr = sim_path_addr(&w->topo_cfg, 1, server), .id = 2, .flags = flags,
        .mtu = 1500, .gso_max = w->topo_cfg.gso_max, .ifindex = 2,
    };
}

static void announce_second(struct world *w)
{
    struct plait_local l = second_local(w, true, PLAIT_LOCAL_SIGNAL);

    plait_local_change(w->server->stack, &l, w->sim->now);
}

static void use_second(struct world *w)
{
    struct plait_local l = second_local(w, false, PLAIT_LOCAL_SUBFLOW);

    plait_local_change(w->client->stack, &l, w->sim->now);
}

static void remove_second(struct world *w)
{
    plait_local_del(w->server->stack, 2, w->sim->now);
}

static void set_backup(struct world *w, bool backup)
{
    if (w->pair.client.conn != NULL)
        plait_conn_set_backup(w->pair.client.conn, 2, backup, w->sim->now);
}

static void second_is_backup(struct world *w) { set_backup(w, true); }
static void second_is_not(struct world *w) { set_backup(w, false); }

/* ---- the table ------------------------------------------------------------------------------ */

const struct fault_scenario fault_scenarios[] = {
    {.name = "handshake", .path_n = 1, .shape = handshake},
    {.name = "server-speaks-first", .path_n = 1, .shape = server_first},
    {.name = "join", .path_n = 2, .shape = join},
    {.name = "bulk", .path_n = 2, .shape = bulk},
    {.name = "both-directions", .path_n = 2, .shape = both_ways},
    {.name = "half-close", .path_n = 2, .shape = half_close},
    {.name = "fast-close", .path_n = 2, .shape = fast_close, .ends_badly = true},
    {.name = "add-address", .path_n = 2, .shape = second_path_unknown,
     .deed = {{40 * PLAIT_MSEC, use_second}, {50 * PLAIT_MSEC, announce_second}}},
    {.name = "remove-address", .path_n = 2, .shape = both_ways,
     .deed = {{80 * PLAIT_MSEC, remove_second}}},
    {.name = "priority", .path_n = 2, .shape = both_ways,
     .deed = {{60 * PLAIT_MSEC, second_is_backup}, {110 * PLAIT_MSEC, second_is_not}}},
    {.name = "fallback", .path_n = 2, .shape = plain_peer},
    {.name = "checksums", .path_n = 2, .shape = with_checksums, .checksum = true},
    {.name = "zero-window", .path_n = 2, .shape = zero_window},
    {.name = "ipv6", .path_n = 2, .shape = ipv6},
    {.name = "small-packets", .path_n = 2, .shape = small_packets},
};
const unsigned fault_scenario_n = sizeof fault_scenarios / sizeof fault_scenarios[0];

int fault_scenario_find(const char *name)
{
    for (unsigned i = 0; i < fault_scenario_n; i++)
        if (strcmp(fault_scenarios[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two hosts and the paths between them. Called by tests and tools when a world is built. */
#include "topology.h"

enum { MTU = 1500 };

struct plait_addr sim_path_addr(const struct sim_topology_config *cfg, unsigned path, bool server)
{
    uint8_t host = server ? 2 : 1;

    if (cfg->path[path].family == 6)
        return (struct plait_addr){
            .family = 6,
            .ip = {0x20, 1, 0x0d, 0xb8, 0, (uint8_t)path, [15] = host},
        };
    return (struct plait_addr){.family = 4, .ip = {10, 0, (uint8_t)path, host}};
}

void sim_topology_defaults(struct sim_topology_config *cfg, unsigned path_n)
{
    struct sim_link_config link = {
        .rate = 20000000,
        .delay = 10 * PLAIT_MSEC,
        .queue = 65536,
        .mtu = MTU,
    };

    *cfg = (struct sim_topology_config){.path_n = path_n};
    for (unsigned i = 0; i < SIM_PATHS_MAX; i++)
        cfg->path[i] = (struct sim_path_config){
            .family = 4,
            .up = link,
            .down = link,
            .mtu = MTU,
            .client_flags = PLAIT_LOCAL_SUBFLOW,
            .server_flags = i > 0 ? PLAIT_LOCAL_SIGNAL : 0,
        };
}

static void add_route(struct sim_topology *t, unsigned from, unsigned to)
{
    const struct sim_topology_config *cfg = &t->cfg;
    struct sim_route up = {
        .src = sim_path_addr(cfg, from, false),
        .dst = sim_path_addr(cfg, to, true),
        .hop_n = 1,
        .hop = {(uint16_t)t->up[from]},
    };
    struct sim_route down = {
        .src = up.dst,
        .dst = up.src,
        .hop_n = 1,
        .hop = {(uint16_t)t->down[from]},
    };

    sim_route_add(t->sim, t->server, &up);
    sim_route_add(t->sim, t->client, &down);
}

static int add_local(struct sim_topology *t, unsigned path, bool server)
{
    const struct sim_path_config *p = &t->cfg.path[path];
    struct sim_node *node = server ? t->server : t->client;
    struct plait_local local = {
        .addr = sim_path_addr(&t->cfg, path, server),
        .id = (uint8_t)(path + 1),
        .flags = server ? p->server_flags : p->client_flags,
        .mtu = p->mtu != 0 ? p->mtu : MTU,
        .gso_max = t->cfg.gso_max,
        .ifindex = path + 1,
    };

    return plait_local_add(node->stack, &local, t->sim->now);
}

int sim_topology_build(struct sim_topology *t, const struct sim_topology_config *cfg,
                       struct sim_node *client, struct sim_node *server)
{
    *t = (struct sim_topology){.cfg = *cfg, .sim = client->sim, .client = client, .server = server};
    for (unsigned i = 0; i < cfg->path_n; i++) {
        t->up[i] = sim_link_add(t->sim, &cfg->path[i].up);
        t->down[i] = sim_link_add(t->sim, &cfg->path[i].down);
    }
    for (unsigned i = 0; i < cfg->path_n; i++)
        for (unsigned j = 0; j < cfg->path_n; j++)
            if (i == j || (cfg->mesh && cfg->path[i].family == cfg->path[j].family))
                add_route(t, i, j);
    for (unsigned i = 0; i < cfg->path_n; i++) {
        int err = add_local(t, i, false);
        err = err == 0 ? add_local(t, i, true) : err;
        if (err != 0)
            return err;
    }
    return 0;
}

void sim_topology_cut(struct sim_topology *t, unsigned path, bool down)
{
    struct sim_link_config up = t->sim->link[t->up[path]].cfg;
    struct sim_link_config back = t->sim->link[t->down[path]].cfg;

    up.down = back.down = down;
    sim_link_change(&t->sim->link[t->up[path]], &up);
    sim_link_change(&t->sim->link[t->down[path]], &back);
}

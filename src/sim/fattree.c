/* SPDX-License-Identifier: Apache-2.0 */
/* A FatTree. Called by whoever builds a world.
 *
 * Links come in pairs, up and down, in three tiers: of hosts to edge switches, of those to the
 * aggregation switches of their pod, of these to the core. Aggregation switch i of each pod is
 * connected to core switches i * k/2 and following. */
#include "fattree.h"

#include <assert.h>
#include <stdlib.h>

enum { MTU = 1500, K_MAX = 32 };

/* ---- where things are ------------------------------------------------------------------------ */

static unsigned half(const struct sim_fattree *t)
{
    return t->cfg.k / 2;
}

static unsigned pod_of(const struct sim_fattree *t, unsigned host)
{
    return host / (half(t) * half(t));
}

/* Edge switches are numbered through all pods. */
static unsigned edge_of(const struct sim_fattree *t, unsigned host)
{
    return host / half(t);
}

unsigned sim_fattree_up(const struct sim_fattree *t, unsigned host)
{
    return t->first_link + 2 * host;
}

unsigned sim_fattree_down(const struct sim_fattree *t, unsigned host)
{
    return sim_fattree_up(t, host) + 1;
}

/* From an edge switch to aggregation switch i of its pod; the way down is the next one. */
static unsigned edge_up(const struct sim_fattree *t, unsigned edge, unsigned i)
{
    return t->first_link + 2 * (t->host_n + edge * half(t) + i);
}

/* From aggregation switch i of a pod to its core switch j; the way down is the next one. */
static unsigned core_up(const struct sim_fattree *t, unsigned pod, unsigned i, unsigned j)
{
    return t->first_link + 2 * (2 * t->host_n + (pod * half(t) + i) * half(t) + j);
}

struct plait_addr sim_fattree_addr(const struct sim_fattree *t, unsigned host)
{
    unsigned edge = edge_of(t, host) % half(t);

    return (struct plait_addr){
        .family = 4,
        .ip = {10, (uint8_t)pod_of(t, host), (uint8_t)edge, (uint8_t)(2 + host % half(t))},
    };
}

/* ---- building -------------------------------------------------------------------------------- */

static int add_host(struct sim_fattree *t, unsigned host)
{
    struct plait_local local = {
        .addr = sim_fattree_addr(t, host),
        .id = 1,
        .flags = PLAIT_LOCAL_SUBFLOW,
        .mtu = t->cfg.mtu != 0 ? t->cfg.mtu : MTU,
        .gso_max = t->cfg.gso_max,
        .ifindex = 1,
    };

    t->host[host] = sim_node_new(t->sim, "host", &t->cfg.host);
    if (t->host[host] == NULL)
        return PLAIT_EINVAL;
    return plait_local_add(t->host[host]->stack, &local, t->sim->now);
}

int sim_fattree_build(struct sim_fattree *t, struct sim *sim, const struct sim_fattree_config *cfg)
{
    assert(cfg->k >= 2 && cfg->k <= K_MAX && cfg->k % 2 == 0 && "a FatTree has an even k");
    *t = (struct sim_fattree){.cfg = *cfg, .sim = sim, .first_link = sim->link_n};
    t->host_n = cfg->k * half(t) * half(t);
    t->host = calloc(t->host_n, sizeof *t->host);
    if (t->host == NULL)
        abort();
    for (unsigned i = 0; i < 3 * 2 * t->host_n; i++) /* each tier has as many links as hosts */
        sim_link_add(sim, &cfg->link);
    for (unsigned i = 0; i < t->host_n; i++) {
        int err = add_host(t, i);
        if (err != 0)
            return err;
    }
    return 0;
}

void sim_fattree_free(struct sim_fattree *t)
{
    free((void *)t->host);
    t->host = NULL;
}

/* ---- ways ------------------------------------------------------------------------------------ */

static void hop(struct sim_route *r, unsigned link)
{
    r->hop[r->hop_n++] = (uint16_t)link;
}

/* By aggregation switches i and, between pods, core switch j of theirs. */
static void add_way(struct sim_fattree *t, unsigned a, unsigned b, unsigned i, unsigned j)
{
    struct sim_route r = {
        .src = sim_fattree_addr(t, a), .dst = sim_fattree_addr(t, b), .ecmp = true};

    hop(&r, sim_fattree_up(t, a));
    if (edge_of(t, a) != edge_of(t, b)) {
        hop(&r, edge_up(t, edge_of(t, a), i));
        if (pod_of(t, a) != pod_of(t, b)) {
            hop(&r, core_up(t, pod_of(t, a), i, j));
            hop(&r, core_up(t, pod_of(t, b), i, j) + 1);
        }
        hop(&r, edge_up(t, edge_of(t, b), i) + 1);
    }
    hop(&r, sim_fattree_down(t, b));
    sim_route_add(t->sim, t->host[b], &r);
}

static void add_ways(struct sim_fattree *t, unsigned a, unsigned b)
{
    unsigned aggs = edge_of(t, a) != edge_of(t, b) ? half(t) : 1;
    unsigned cores = pod_of(t, a) != pod_of(t, b) ? half(t) : 1;

    for (unsigned i = 0; i < aggs; i++)
        for (unsigned j = 0; j < cores; j++)
            add_way(t, a, b, i, j);
}

void sim_fattree_connect(struct sim_fattree *t, unsigned a, unsigned b)
{
    assert(a != b && a < t->host_n && b < t->host_n && "two hosts of this tree");
    add_ways(t, a, b);
    add_ways(t, b, a);
}

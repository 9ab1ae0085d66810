/* SPDX-License-Identifier: Apache-2.0 */
/* Which way packets go. Called when a world is built, and by net.c for each packet of a stack.
 *
 * Routes between the same two addresses are a fork. A hash of both leads to it, in an open table
 * that is at most half full. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "../base/addr.h"
#include "../base/be.h"

enum { TABLE_MIN = 16 };

/* Not a secret: nobody here chooses addresses in order to collide. */
static uint64_t mix_in(uint64_t h, const struct plait_addr *a)
{
    for (unsigned i = 0; i < sizeof a->ip; i += 4)
        h = (h ^ be32_load(a->ip + i)) * 0x9e3779b97f4a7c15;
    return h ^ h >> 32;
}

/* Where the fork of these addresses stands, or may be put: an index of fork_at. */
static unsigned place(const struct sim *sim, const struct plait_addr *src,
                      const struct plait_addr *dst)
{
    unsigned mask = sim->fork_at_n - 1;
    unsigned i = (unsigned)mix_in(mix_in(src->family, src), dst) & mask;

    for (; sim->fork_at[i] != 0; i = (i + 1) & mask) {
        const struct sim_fork *f = &sim->fork[sim->fork_at[i] - 1];
        if (addr_same_ip(&f->src, src) && addr_same_ip(&f->dst, dst))
            break;
    }
    return i;
}

/* Keeps the table at most half full, with one more fork to come. */
static void grow_table(struct sim *sim)
{
    if ((sim->fork_n + 1) * 2 <= sim->fork_at_n)
        return;
    free(sim->fork_at);
    sim->fork_at_n = sim->fork_at_n > 0 ? sim->fork_at_n * 2 : TABLE_MIN;
    sim->fork_at = calloc(sim->fork_at_n, sizeof *sim->fork_at);
    if (sim->fork_at == NULL)
        abort();
    for (unsigned i = 0; i < sim->fork_n; i++)
        sim->fork_at[place(sim, &sim->fork[i].src, &sim->fork[i].dst)] = i + 1;
}

static struct sim_fork *fork_of(struct sim *sim, const struct sim_route *r)
{
    unsigned at;

    grow_table(sim);
    at = place(sim, &r->src, &r->dst);
    if (sim->fork_at[at] == 0) {
        sim->fork = sim_room(sim->fork, sim->fork_n, &sim->fork_cap, sizeof *sim->fork);
        sim->fork[sim->fork_n++] = (struct sim_fork){.src = r->src, .dst = r->dst};
        sim->fork_at[at] = sim->fork_n;
    }
    return &sim->fork[sim->fork_at[at] - 1];
}

void sim_route_add(struct sim *sim, struct sim_node *to, const struct sim_route *route)
{
    struct sim_route r = *route; /* which may be one of the array that moves */
    struct sim_fork *f;

    r.to = to;
    sim->route = sim_room(sim->route, sim->route_n, &sim->route_cap, sizeof *sim->route);
    sim->route[sim->route_n++] = r;
    if (r.src.family == 0)
        return;
    f = fork_of(sim, &r);
    f->route = sim_room(f->route, f->n, &f->cap, sizeof *f->route);
    f->route[f->n++] = sim->route_n - 1;
}

const struct sim_route *sim_route_find(const struct sim *sim, const struct plait_addr *src,
                                       const struct plait_addr *dst, unsigned ports)
{
    const struct sim_fork *f;
    unsigned at;

    if (sim->fork_n == 0 || (at = sim->fork_at[place(sim, src, dst)]) == 0)
        return NULL;
    f = &sim->fork[at - 1];
    return &sim->route[f->route[sim->route[f->route[0]].ecmp ? ports % f->n : 0]];
}

void sim_routes_free(struct sim *sim)
{
    for (unsigned i = 0; i < sim->fork_n; i++)
        free(sim->fork[i].route);
    free(sim->fork);
    free(sim->fork_at);
    free(sim->route);
}

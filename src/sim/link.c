/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a link. Called by the simulator's network and by the emulator of real frames.
 *
 * The queue is not a list of packets but the moment when the transmitter will have sent them all
 * (free_at_ns, nanoseconds, because at 10 Gbit/s a small packet takes less than a microsecond).
 * Invariants: free_at_ns never runs backwards; packets that are neither lost nor held back are
 * delivered in the order in which they were sent. */
#include "link.h"

#include <assert.h>

enum { NS = 1000 };

static uint64_t transmit_ns(const struct sim_link *l, uint64_t bytes)
{
    return l->cfg.rate == 0 ? 0 : bytes * 8 * 1000000000 / l->cfg.rate;
}

void sim_link_init(struct sim_link *l, const struct sim_link_config *cfg, uint64_t seed)
{
    *l = (struct sim_link){.cfg = *cfg};
    sim_rng_init(&l->rng, seed);
}

void sim_link_change(struct sim_link *l, const struct sim_link_config *cfg)
{
    l->cfg = *cfg;
}

uint64_t sim_link_backlog(const struct sim_link *l, plait_time now)
{
    uint64_t now_ns = now * NS;
    uint64_t wait = l->free_at_ns > now_ns ? l->free_at_ns - now_ns : 0;

    /* Split so that neither product leaves 64 bits. */
    return wait / 1000000000 * (l->cfg.rate / 8) +
           wait % 1000000000 * (l->cfg.rate / 8) / 1000000000;
}

static enum sim_fate admit(const struct sim_link *l, uint32_t bytes, plait_time now)
{
    const struct sim_link_config *c = &l->cfg;

    if (c->down)
        return SIM_FATE_DOWN;
    if (c->mtu != 0 && bytes > c->mtu)
        return SIM_FATE_TOO_BIG;
    if (c->rate != 0 && c->queue != 0 && sim_link_backlog(l, now) + bytes > c->queue)
        return SIM_FATE_QUEUE;
    return SIM_FATE_PASS;
}

static bool is_long(const struct sim_link *l, plait_time now)
{
    return l->cfg.mark != 0 && sim_link_backlog(l, now) > l->cfg.mark;
}

/* When a packet that leaves the transmitter at `out` arrives. */
static plait_time arrival(struct sim_link *l, plait_time out)
{
    plait_time at = out + l->cfg.delay + sim_rng_below(&l->rng, l->cfg.jitter + 1);

    if (at < l->last_out)
        at = l->last_out;
    if (sim_rng_chance(&l->rng, l->cfg.reorder_ppm))
        return at +
               sim_rng_between(&l->rng, 1, l->cfg.reorder_delay != 0 ? l->cfg.reorder_delay : 1);
    l->last_out = at;
    return at;
}

void sim_link_send(struct sim_link *l, uint32_t bytes, plait_time now, struct sim_verdict *v)
{
    uint64_t start = l->free_at_ns > now * NS ? l->free_at_ns : now * NS;

    *v = (struct sim_verdict){.fate = admit(l, bytes, now), .mark = is_long(l, now)};
    if (v->fate != SIM_FATE_PASS) {
        l->drops++;
        return;
    }
    l->free_at_ns = start + transmit_ns(l, bytes);
    l->packets++;
    l->bytes += bytes;
    plait_time out = (l->free_at_ns + NS - 1) / NS;
    assert(out >= now && "nothing leaves before it came");
    if (sim_rng_chance(&l->rng, l->cfg.loss_ppm)) {
        v->fate = SIM_FATE_LOST;
        l->drops++;
        return;
    }
    v->at[v->n++] = arrival(l, out);
    if (sim_rng_chance(&l->rng, l->cfg.duplicate_ppm))
        v->at[v->n++] = arrival(l, out);
}

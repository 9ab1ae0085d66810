/* SPDX-License-Identifier: Apache-2.0 */
/* Cross traffic. Called by whoever builds a world; lives by a timer.
 *
 * The time of the next packet is kept in nanoseconds and the rest of the division, so that a rate
 * is what it says in the long run. Packets that are due in the same microsecond go together.
 *
 * Invariant: the timer runs while something is to be sent, and stands at the next packet, at the
 * start of the next burst, or at the end. */
#include "cbr.h"

#include <stdlib.h>

enum { NS = 1000 };
static const uint64_t SECOND_NS = 1000000000;

static void wake(struct sim *sim, struct sim_timer *t);

static plait_time spread(struct sim_cbr *c, plait_time mean)
{
    return c->cfg.exponential ? sim_rng_exp(&c->rng, mean) : mean;
}

/* A burst begins at this time, with a packet. */
static void begin(struct sim_cbr *c, plait_time at)
{
    c->off_at = c->cfg.on > 0 ? at + spread(c, c->cfg.on) : PLAIT_NEVER;
    c->next_ns = at * NS;
    c->next_rest = 0;
}

/* The gap to the packet after the one that is due. */
static void move_on(struct sim_cbr *c)
{
    uint64_t work = (uint64_t)c->cfg.size * 8 * SECOND_NS + c->next_rest;

    if (c->cfg.poisson) {
        c->next_ns += sim_rng_exp(&c->rng, work / c->cfg.rate);
    } else {
        c->next_ns += work / c->cfg.rate;
        c->next_rest = work % c->cfg.rate;
    }
}

static void send_due(struct sim_cbr *c)
{
    plait_time now = c->sim->now, end = c->off_at < c->stop_at ? c->off_at : c->stop_at;

    while (c->next_ns / NS <= now && c->next_ns / NS < end) {
        c->sent++;
        sim_net_load(c->sim, c->route, c->cfg.size);
        move_on(c);
    }
}

static void wake(struct sim *sim, struct sim_timer *t)
{
    struct sim_cbr *c = (struct sim_cbr *)(void *)t->ctx;

    send_due(c);
    while (c->next_ns / NS >= c->off_at && c->off_at < c->stop_at)
        begin(c, c->off_at + spread(c, c->cfg.off));
    if (c->next_ns / NS < c->stop_at)
        sim_timer_set(sim, t, c->next_ns / NS, wake);
}

struct sim_cbr *sim_cbr_start(struct sim *sim, const struct sim_cbr_config *cfg)
{
    struct sim_cbr *c = calloc(1, sizeof *c);
    struct sim_route route = {.hop_n = cfg->hop_n};

    if (c == NULL)
        abort();
    for (unsigned i = 0; i < cfg->hop_n; i++)
        route.hop[i] = cfg->hop[i];
    *c = (struct sim_cbr){.cfg = *cfg, .sim = sim, .next = sim->cbr, .route = sim->route_n};
    sim->cbr = c;
    sim_route_add(sim, NULL, &route);
    sim_rng_init(&c->rng, sim_rng_u64(&sim->rng));
    c->timer.exact = true; /* calls no stack */
    c->timer.ctx = c;
    c->stop_at = cfg->stop > 0 ? sim->now + cfg->stop : PLAIT_NEVER;
    begin(c, sim->now + cfg->start);
    if (cfg->rate > 0)
        sim_timer_set(sim, &c->timer, sim->now + cfg->start, wake);
    return c;
}

void sim_cbr_change(struct sim_cbr *c, uint64_t rate)
{
    bool was_silent = c->cfg.rate == 0;
    plait_time now = c->sim->now;

    c->cfg.rate = rate;
    c->next_rest = 0;
    if (rate == 0) {
        sim_timer_stop(c->sim, &c->timer);
    } else if (was_silent && now < c->stop_at) {
        if (c->next_ns / NS < now)
            begin(c, now);
        sim_timer_set(c->sim, &c->timer, c->next_ns / NS, wake);
    }
}

uint64_t sim_cbr_delivered(const struct sim_cbr *c)
{
    return c->sim->route[c->route].arrived;
}

void sim_cbr_free_all(struct sim *sim)
{
    while (sim->cbr != NULL) {
        struct sim_cbr *c = sim->cbr;
        sim->cbr = c->next;
        sim_timer_stop(sim, &c->timer);
        free(c);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a link. Called by the simulator's network and by the emulator of real frames.
 *
 * The queue is not a list of packets but the moment when the transmitter will have sent them all
 * (free_at_ns, nanoseconds, because at 10 Gbit/s a small packet takes less than a microsecond, and
 * what a division leaves over is kept for the next packet). Only a limit in packets needs the time
 * of each of them.
 *
 * Invariants: free_at_ns never runs backwards; packets that are neither lost nor held back are
 * delivered in the order in which they were sent. */
#include "link.h"

#include <assert.h>
#include <stdlib.h>

enum { NS = 1000, PPM = 1000000, RED_SMALL = 500 /* bytes: what an idle link could have sent */,
       TAIL_BYTES = 1500 };
static const uint64_t SECOND_NS = 1000000000;

/* ---- birth, change and death ----------------------------------------------------------------- */

static void check_red(const struct sim_red *r)
{
    assert((r->max == 0 || r->min < r->max) && "RED's thresholds are in order");
    assert(r->max_ppm <= PPM && r->shift < 32 && "RED's chance and weight are what they say");
    (void)r;
}

/* A ring with room for the limit; it never shrinks. */
static void leave_room(struct sim_link *l)
{
    uint32_t want = l->cfg.queue_packets;
    uint64_t *leave;

    if (want <= l->leave_cap)
        return;
    leave = malloc(want * sizeof *leave);
    if (leave == NULL)
        abort();
    for (uint32_t i = 0; i < l->leave_n; i++)
        leave[i] = l->leave[(l->leave_at + i) % l->leave_cap];
    free(l->leave);
    l->leave = leave;
    l->leave_at = 0;
    l->leave_cap = want;
}

void sim_link_init(struct sim_link *l, const struct sim_link_config *cfg, uint64_t seed)
{
    *l = (struct sim_link){.cfg = *cfg};
    sim_rng_init(&l->rng, seed);
    check_red(&cfg->red);
    leave_room(l);
}

void sim_link_change(struct sim_link *l, const struct sim_link_config *cfg)
{
    if (cfg->rate != l->cfg.rate)
        l->free_at_rest = 0;
    l->cfg = *cfg;
    check_red(&cfg->red);
    leave_room(l);
}

void sim_link_fini(struct sim_link *l)
{
    free(l->leave);
    l->leave = NULL;
    l->leave_n = l->leave_cap = 0;
}

/* ---- the queue ------------------------------------------------------------------------------- */

uint64_t sim_link_backlog(const struct sim_link *l, plait_time now)
{
    uint64_t now_ns = now * NS;
    uint64_t wait = l->free_at_ns > now_ns ? l->free_at_ns - now_ns : 0;

    /* Split so that neither product leaves 64 bits. */
    return wait / SECOND_NS * (l->cfg.rate / 8) + wait % SECOND_NS * (l->cfg.rate / 8) / SECOND_NS;
}

/* Packets that wait or are being transmitted; the ring forgets those that have left. */
static uint32_t packets_waiting(struct sim_link *l, plait_time now)
{
    while (l->leave_n > 0 && l->leave[l->leave_at] <= now * NS) {
        l->leave_at = l->leave_at + 1 < l->leave_cap ? l->leave_at + 1 : 0;
        l->leave_n--;
    }
    return l->leave_n;
}

static void note_leave(struct sim_link *l)
{
    if (l->cfg.queue_packets == 0 || l->cfg.rate == 0)
        return;
    l->leave[(l->leave_at + l->leave_n) % l->leave_cap] = l->free_at_ns;
    l->leave_n++;
}

/* The transmitter takes one more packet. */
static void occupy(struct sim_link *l, uint32_t bytes, plait_time now)
{
    uint64_t work;

    if (l->free_at_ns < now * NS) {
        l->free_at_ns = now * NS;
        l->free_at_rest = 0;
    }
    if (l->cfg.rate == 0)
        return;
    work = (uint64_t)bytes * 8 * SECOND_NS + l->free_at_rest;
    l->free_at_ns += work / l->cfg.rate;
    l->free_at_rest = work % l->cfg.rate;
}

/* ---- RED ------------------------------------------------------------------------------------- */

/* average * (1 - 2^-shift)^n */
static uint64_t decay(uint64_t average, uint8_t shift, uint64_t n)
{
    uint64_t one = UINT64_C(1) << 32, factor = one - (one >> shift), power = one;

    for (; n > 0; n >>= 1) {
        if ((n & 1) != 0)
            power = power * factor >> 32;
        factor = factor * factor >> 32;
    }
    if (power == one)
        return average;
    return (average >> 32) * power + ((average & UINT32_MAX) * power >> 32);
}

/* The averaged queue in bytes, once this packet has been counted. */
static uint64_t red_average(struct sim_link *l, uint64_t backlog, plait_time now)
{
    uint8_t shift = l->cfg.red.shift;

    if (backlog == 0 && now * NS > l->free_at_ns) {
        uint64_t idle = now * NS - l->free_at_ns, small = RED_SMALL * 8 * SECOND_NS / l->cfg.rate;
        l->average = decay(l->average, shift, idle / (small > 0 ? small : 1));
    }
    l->average = l->average - (l->average >> shift) + backlog;
    return l->average >> shift;
}

/* The chance that belongs to an average of at least min, millionths. */
static uint64_t red_chance(const struct sim_red *r, uint64_t average)
{
    if (average < r->max)
        return (uint64_t)r->max_ppm * (average - r->min) / (r->max - r->min);
    if (average < (uint64_t)r->max * 2)
        return r->max_ppm + (uint64_t)(PPM - r->max_ppm) * (average - r->max) / r->max;
    return PPM;
}

/* What is chosen is spread evenly: the chance grows with the packets since the last one. */
static bool red_chooses(struct sim_link *l, uint64_t average)
{
    uint64_t chance, spent;

    if (average < l->cfg.red.min) {
        l->since = 0;
        return false;
    }
    chance = red_chance(&l->cfg.red, average);
    spent = chance * l->since++;
    if (chance < PPM && spent < PPM &&
        !sim_rng_chance(&l->rng, (uint32_t)(chance * PPM / (PPM - spent))))
        return false;
    l->since = 0;
    l->early++;
    return true;
}

/* False: this packet is to go. */
static bool red_admits(struct sim_link *l, bool ect, plait_time now, bool *mark)
{
    const struct sim_red *r = &l->cfg.red;
    uint64_t average;

    if (r->max == 0 || l->cfg.rate == 0)
        return true;
    average = red_average(l, sim_link_backlog(l, now), now);
    if (!red_chooses(l, average))
        return true;
    if (!r->ecn || !ect || average >= (uint64_t)r->max * 2)
        return false;
    *mark = true;
    return true;
}

/* ---- what becomes of a packet ---------------------------------------------------------------- */

/* For this packet, and so many more behind it. */
static bool has_room(struct sim_link *l, uint32_t bytes, uint32_t more, plait_time now)
{
    const struct sim_link_config *c = &l->cfg;

    if (c->rate == 0)
        return true;
    if (c->queue != 0 &&
        sim_link_backlog(l, now) + bytes + (uint64_t)more * TAIL_BYTES > c->queue)
        return false;
    return c->queue_packets == 0 || packets_waiting(l, now) + (uint64_t)more < c->queue_packets;
}

/* False: it would be one of the queue's last packets, and chance is against it. */
static bool tail_admits(struct sim_link *l, uint32_t bytes, plait_time now)
{
    return l->cfg.tail_packets == 0 || has_room(l, bytes, l->cfg.tail_packets, now) ||
           !sim_rng_chance(&l->rng, l->cfg.tail_ppm);
}

static enum sim_fate admit(struct sim_link *l, uint32_t bytes, bool ect, plait_time now,
                           bool *mark)
{
    const struct sim_link_config *c = &l->cfg;

    if (c->down)
        return SIM_FATE_DOWN;
    if (c->mtu != 0 && bytes > c->mtu)
        return SIM_FATE_TOO_BIG;
    if (!red_admits(l, ect, now, mark) || !has_room(l, bytes, 0, now) ||
        !tail_admits(l, bytes, now)) {
        l->queue_drops++;
        return SIM_FATE_QUEUE;
    }
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

void sim_link_send_ecn(struct sim_link *l, uint32_t bytes, bool ect, plait_time now,
                       struct sim_verdict *v)
{
    *v = (struct sim_verdict){.mark = is_long(l, now)};
    v->fate = admit(l, bytes, ect, now, &v->mark);
    if (v->fate != SIM_FATE_PASS) {
        l->drops++;
        return;
    }
    occupy(l, bytes, now);
    note_leave(l);
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

void sim_link_send(struct sim_link *l, uint32_t bytes, plait_time now, struct sim_verdict *v)
{
    sim_link_send_ecn(l, bytes, false, now, v);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Receive offload: packets of one subflow that follow each other are joined into a super-segment,
 * as a kernel does before it hands them to a packet socket. Called by net.c on arrival.
 *
 * What may be joined is wire/gro.c's; here is how long a run waits for more: at most gro_window
 * microseconds; and how many runs there are at a time. A hash of addresses and ports says which one
 * is a packet's; if that has begun with packets of another subflow, they go first. */
#include "sim.h"

#include <stdlib.h>

#include "../base/be.h"
#include "../wire/wire.h"

enum { SUPER_LEN_MAX = 65000, IP4_ADDRS = 12, IP6_ADDRS = 8 };

struct sim_gro {
    struct sim_timer timer;
    struct wire_gro run;
    uint8_t bytes[SUPER_LEN_MAX];
};

static void flush(struct sim_node *n, struct sim_gro *g)
{
    struct sim_arrival a = {.head = g->bytes, .csum_ok = true};

    a.len = wire_gro_end(&g->run);
    a.head_len = n->sim->blank ? g->run.head_len : a.len;
    sim_timer_stop(n->sim, &g->timer);
    if (a.len > 0)
        sim_net_hand_over(n, &a);
}

/* Headers whose checksums nobody has to look at, or a packet in one piece. */
static bool add(struct wire_gro *run, const struct sim_arrival *a)
{
    if (a->csum_ok)
        return wire_gro_add_parts(run, a->head, a->payload, a->len);
    return wire_gro_add(run, a->head, a->len, false);
}

static bool begin(struct wire_gro *run, const struct sim_arrival *a)
{
    if (a->csum_ok)
        return wire_gro_begin_parts(run, a->head, a->payload, a->len);
    return wire_gro_begin(run, a->head, a->len, false);
}

static void window_over(struct sim *sim, struct sim_timer *t)
{
    (void)sim;
    flush(t->ctx, (struct sim_gro *)(void *)t); /* its first member */
}

static struct sim_gro *gro_new(struct sim_node *n)
{
    struct sim_gro *g = calloc(1, sizeof *g);

    if (g == NULL)
        abort();
    g->run = (struct wire_gro){.bytes = g->bytes, .cap = sizeof g->bytes};
    g->timer.ctx = n;
    g->timer.exact = true; /* sim_net_hand_over() touches the node */
    return g;
}

/* Of addresses and ports, as far as the packet has them. */
static uint32_t flow_hash(const struct sim_arrival *a)
{
    bool v4 = a->head[0] >> 4 == 4;
    uint32_t at = v4 ? IP4_ADDRS : IP6_ADDRS, end = v4 ? IP4_ADDRS + 12 : IP6_ADDRS + 36, h = 0;

    for (; at < end && at + 4 <= a->head_len; at += 4)
        h = (h ^ be32_load(a->head + at)) * 0x9e3779b1;
    return h ^ h >> 16;
}

static struct sim_gro *gro_of(struct sim_node *n, const struct sim_arrival *a)
{
    unsigned flows = n->gro_flows > 1 ? n->gro_flows : 1, i = 0;

    if (n->gro == NULL) {
        n->gro = calloc(flows, sizeof(struct sim_gro *));
        if (n->gro == NULL)
            abort();
        n->gro_n = flows;
    }
    if (n->gro_n > 1)
        i = flow_hash(a) % n->gro_n;
    if (n->gro[i] == NULL)
        n->gro[i] = gro_new(n);
    return n->gro[i];
}

void sim_gro_input(struct sim_node *n, const struct sim_arrival *a)
{
    struct sim_gro *g = gro_of(n, a);

    if (!add(&g->run, a)) {
        flush(n, g);
        if (!begin(&g->run, a)) {
            sim_net_hand_over(n, a);
            return;
        }
        sim_timer_set(n->sim, &g->timer, n->sim->now + n->gro_window, window_over);
    }
    if (g->run.full)
        flush(n, g);
}

void sim_gro_free(struct sim_node *n)
{
    for (unsigned i = 0; i < n->gro_n; i++) {
        if (n->gro[i] != NULL)
            sim_timer_stop(n->sim, &n->gro[i]->timer);
        free(n->gro[i]);
    }
    free((void *)n->gro);
    n->gro = NULL;
    n->gro_n = 0;
}

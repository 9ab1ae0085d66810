/* SPDX-License-Identifier: Apache-2.0 */
/* Receive offload: packets of one subflow that follow each other are joined into a super-segment,
 * as a kernel does before it hands them to a packet socket. Called by net.c on arrival.
 *
 * What may be joined is wire/gro.c's; here is how long a run waits for more: at most gro_window
 * microseconds. */
#include "sim.h"

#include <stdlib.h>

#include "../wire/wire.h"

enum { SUPER_LEN_MAX = 65000 };

struct sim_gro {
    struct sim_timer timer;
    struct wire_gro run;
    uint8_t bytes[SUPER_LEN_MAX];
};

static void flush(struct sim_node *n)
{
    struct sim_arrival a = {.head = n->gro->bytes, .csum_ok = true};

    a.len = wire_gro_end(&n->gro->run);
    a.head_len = n->sim->blank ? n->gro->run.head_len : a.len;
    sim_timer_stop(n->sim, &n->gro->timer);
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
    flush(t->ctx);
}

static struct sim_gro *gro_of(struct sim_node *n)
{
    if (n->gro == NULL) {
        n->gro = calloc(1, sizeof *n->gro);
        if (n->gro == NULL)
            abort();
        n->gro->run = (struct wire_gro){.bytes = n->gro->bytes, .cap = sizeof n->gro->bytes};
        n->gro->timer.ctx = n;
        n->gro->timer.exact = true; /* sim_net_deliver() touches the node */
    }
    return n->gro;
}

void sim_gro_input(struct sim_node *n, const struct sim_arrival *a)
{
    struct sim_gro *g = gro_of(n);

    if (!add(&g->run, a)) {
        flush(n);
        if (!begin(&g->run, a)) {
            sim_net_hand_over(n, a);
            return;
        }
        sim_timer_set(n->sim, &g->timer, n->sim->now + n->gro_window, window_over);
    }
    if (g->run.full)
        flush(n);
}

void sim_gro_free(struct sim_node *n)
{
    if (n->gro != NULL)
        sim_timer_stop(n->sim, &n->gro->timer);
    free(n->gro);
    n->gro = NULL;
}

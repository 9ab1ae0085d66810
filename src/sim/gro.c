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
    uint32_t len = wire_gro_end(&n->gro->run);

    sim_timer_stop(n->sim, &n->gro->timer);
    if (len > 0)
        sim_net_deliver(n, n->gro->bytes, len, true);
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

void sim_gro_input(struct sim_node *n, const uint8_t *p, uint32_t len)
{
    struct sim_gro *g = gro_of(n);

    if (!wire_gro_add(&g->run, p, len, false)) {
        flush(n);
        if (!wire_gro_begin(&g->run, p, len, false)) {
            sim_net_deliver(n, p, len, false);
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

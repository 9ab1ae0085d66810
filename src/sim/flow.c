/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic for experiments: flows are added, started at their time, stopped, asked and freed here.
 * Called by whoever builds a world. What an end of a connection does is in flow_end.c, what it is
 * all about in flow_stream.c and flow_fetch.c.
 *
 * Invariant: ended_at is set once, by sim_flow_end_all(), and nothing is counted after it. */
#include "flow.h"

#include <stdlib.h>

#include "flow_int.h"

enum { PORT_MIN = 10000, PORT_MAX = 60000 };

struct sim_flows *sim_flows_new(struct sim *sim)
{
    struct sim_flows *f = calloc(1, sizeof *f);

    if (f == NULL)
        abort();
    f->sim = sim;
    if (htab_init(&f->ends, &sim->env) != 0 || htab_init(&f->listeners, &sim->env) != 0)
        abort();
    return f;
}

static void free_flow(struct sim_flow *flow)
{
    sim_timer_stop(flow->flows->sim, &flow->timer);
    sim_timer_stop(flow->flows->sim, &flow->stop_timer);
    flow->cfg.client->on_event = flow->cfg.server->on_event = NULL;
    for (unsigned i = 0; i < flow->slot_n; i++) {
        free(flow->slot[i].past[0]);
        free(flow->slot[i].past[1]);
    }
    free(flow->slot);
    free(flow->object);
    free(flow->done.v);
    free(flow->round.v);
    free(flow);
}

void sim_flows_free(struct sim_flows *f)
{
    struct htab_node *n;

    while ((n = htab_walk(&f->ends, NULL)) != NULL) {
        htab_del(&f->ends, n);
        free(LIST_OWNER(n, struct sim_flow_end, node));
    }
    while (f->first != NULL) {
        struct sim_flow *flow = f->first;
        f->first = flow->next;
        free_flow(flow);
    }
    htab_fini(&f->ends);
    htab_fini(&f->listeners);
    free(f->port);
    free(f);
}

/* ---- adding ---------------------------------------------------------------------------------- */

/* The first of n ports of the server that nobody was given. 0: there are not so many left. */
static unsigned take_ports(struct sim_flows *f, const struct sim_node *server, unsigned n)
{
    unsigned before = f->port_cap, *port;

    while (f->port_cap <= server->id)
        f->port = sim_room(f->port, f->port_cap, &f->port_cap, sizeof *f->port);
    for (unsigned i = before; i < f->port_cap; i++)
        f->port[i] = PORT_MIN;
    port = &f->port[server->id];
    if (*port + n > PORT_MAX)
        return 0;
    *port += n;
    return *port - n;
}

static int listen_at(struct sim_flow *flow, struct sim_flow_slot *slot, unsigned port)
{
    struct plait_addr any = {.port = (uint16_t)port};
    int err = plait_listen(flow->cfg.server->stack, &any, flow->cfg.server_conn, &slot->listener);

    slot->flow = flow;
    slot->port = (uint16_t)port;
    if (err == 0)
        htab_add(&flow->flows->listeners, &slot->node, sim_flow_hash(slot->listener));
    return err;
}

static int listen_all(struct sim_flow *flow)
{
    unsigned port = flow->cfg.remote.port;
    int err = 0;

    if (port == 0)
        port = take_ports(flow->flows, flow->cfg.server, flow->slot_n);
    if (port == 0 || port + flow->slot_n > UINT16_MAX)
        return PLAIT_ELIMIT;
    for (unsigned i = 0; i < flow->slot_n && err == 0; i++)
        err = listen_at(flow, &flow->slot[i], port + i);
    return err;
}

static void start(struct sim *sim, struct sim_timer *t)
{
    struct sim_flow *flow = t->ctx;

    flow->started = sim->now;
    if (flow->cfg.kind == SIM_FLOW_STREAM)
        sim_flow_stream_start(flow);
    else
        sim_flow_fetch_start(flow);
}

static void stop(struct sim *sim, struct sim_timer *t)
{
    struct sim_flow *flow = t->ctx;

    (void)sim;
    flow->stopped = true;
    if (flow->cfg.kind == SIM_FLOW_FETCH) {
        sim_flow_fetch_stop(flow);
        return;
    }
    sim_flow_abort(flow);
    sim_flow_end_all(flow, 0, PLAIT_REASON_NONE);
}

static void take_objects(struct sim_flow *flow)
{
    const struct sim_flow_fetch *f = &flow->cfg.fetch;

    flow->object = calloc(f->object_n > 0 ? f->object_n : 1, sizeof *flow->object);
    if (flow->object == NULL)
        abort();
    for (unsigned i = 0; i < f->object_n; i++)
        flow->object[i] = f->object[i] > 0 ? f->object[i] : 1;
    flow->cfg.fetch.object = flow->object;
}

static struct sim_flow *flow_new(struct sim_flows *f, const struct sim_flow_config *cfg)
{
    struct sim_flow *flow = calloc(1, sizeof *flow);

    if (flow == NULL)
        abort();
    flow->cfg = *cfg;
    flow->flows = f;
    flow->slot_n = cfg->kind == SIM_FLOW_FETCH && cfg->fetch.conns > 1 ? cfg->fetch.conns : 1;
    flow->slot = calloc(flow->slot_n, sizeof *flow->slot);
    if (flow->slot == NULL)
        abort();
    take_objects(flow);
    sim_rng_init(&flow->rng, sim_rng_u64(&f->sim->rng));
    flow->timer.ctx = flow->stop_timer.ctx = flow;
    flow->timer.exact = flow->stop_timer.exact = true; /* flow_end.c touches whom it calls */
    if (f->last != NULL)
        f->last->next = flow;
    else
        f->first = flow;
    f->last = flow;
    return flow;
}

struct sim_flow *sim_flow_add(struct sim_flows *f, const struct sim_flow_config *cfg)
{
    struct sim_flow *flow = flow_new(f, cfg);
    plait_time now = f->sim->now;
    int err;

    cfg->client->on_event = cfg->server->on_event = sim_flow_event;
    cfg->client->ctx = cfg->server->ctx = f;
    err = cfg->kind == SIM_FLOW_FETCH && cfg->fetch.object_n == 0 ? PLAIT_EINVAL : listen_all(flow);
    if (err != 0) {
        sim_flow_end_all(flow, err, PLAIT_REASON_NONE);
        return flow;
    }
    sim_timer_set(f->sim, &flow->timer, now + cfg->start, start);
    if (cfg->stop > 0)
        sim_timer_set(f->sim, &flow->stop_timer, now + cfg->stop, stop);
    return flow;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool has_end(const struct sim_flow *flow)
{
    if (flow->cfg.stop > 0)
        return true;
    return flow->cfg.kind == SIM_FLOW_FETCH ? flow->cfg.fetch.rounds > 0
                                            : flow->cfg.stream.bytes > 0;
}

bool sim_flows_done(const struct sim_flows *f)
{
    for (const struct sim_flow *flow = f->first; flow != NULL; flow = flow->next)
        if (has_end(flow) && flow->ended_at == 0)
            return false;
    return true;
}

const char *sim_flows_failure(const struct sim_flows *f)
{
    for (const struct sim_flow *flow = f->first; flow != NULL; flow = flow->next)
        if (flow->failure != NULL)
            return flow->failure;
    return NULL;
}

uint64_t sim_flow_rate(uint64_t bytes, plait_time took)
{
    if (took == 0)
        return 0;
    if (bytes <= UINT64_MAX / 8 / PLAIT_SEC)
        return bytes * 8 * PLAIT_SEC / took;
    return bytes / took * 8 * PLAIT_SEC;
}

bool sim_flow_conn(const struct sim_flow *flow, bool server, unsigned i,
                   struct plait_conn_info *out)
{
    const struct sim_flow_slot *slot = &flow->slot[i];
    const struct sim_flow_end *end = server ? slot->server : slot->client;

    if (end != NULL)
        plait_conn_info(end->conn, out);
    else if (slot->past[server] != NULL)
        *out = slot->past[server]->info;
    else
        return false;
    return true;
}

/* Of one connection, as many as fit. */
static unsigned slot_subflows(const struct sim_flow_slot *slot, bool server,
                              struct plait_subflow_info *out, unsigned max)
{
    const struct sim_flow_end *end = server ? slot->server : slot->client;
    const struct sim_flow_past *past = slot->past[server];
    unsigned n = 0;

    if (end != NULL) {
        while (n < max && plait_subflow_info(end->conn, (uint8_t)n, &out[n]) == 0)
            n++;
        return n;
    }
    for (; past != NULL && n < max && n < past->info.subflow_total && n < SIM_FLOW_SUBFLOWS; n++)
        out[n] = past->subflow[n];
    return n;
}

unsigned sim_flow_subflows(const struct sim_flow *flow, bool server,
                           struct plait_subflow_info *out, unsigned max)
{
    unsigned n = 0;

    for (unsigned i = 0; i < flow->slot_n; i++)
        n += slot_subflows(&flow->slot[i], server, out + n, max - n);
    return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers: one after the other on a connection, or the objects of a page over several.
 * Called by flow.c and flow_end.c.
 *
 * Each place has one request under way at most. The server knows from the place what was asked for
 * and answers when the whole request has arrived.
 *
 * Invariant: `open` counts the places that are busy. */
#include "flow_int.h"

enum { REQUEST = 100 };

static uint32_t request_bytes(const struct sim_flow *flow)
{
    return flow->cfg.fetch.request > 0 ? flow->cfg.fetch.request : REQUEST;
}

static void send_request(struct sim_flow_slot *slot)
{
    slot->asked += request_bytes(slot->flow);
    slot->answered += slot->flow->object[slot->object];
    slot->client->want = slot->asked;
    sim_flow_write(slot->client);
}

/* The next object, if there is one. False: the flow has ended. */
static bool ask(struct sim_flow_slot *slot)
{
    struct sim_flow *flow = slot->flow;

    if (flow->stopped || flow->object_at == flow->cfg.fetch.object_n)
        return true;
    slot->object = flow->object_at++;
    slot->busy = true;
    slot->asked_at = flow->flows->sim->now;
    flow->open++;
    if (slot->client == NULL)
        return sim_flow_open(slot);
    send_request(slot);
    return true;
}

static void finish(struct sim_flow *flow)
{
    for (unsigned i = 0; i < flow->slot_n; i++)
        if (flow->slot[i].client != NULL)
            sim_flow_leave(flow->slot[i].client);
    sim_flow_end_all(flow, 0, PLAIT_REASON_NONE);
}

static void begin_round(struct sim_flow *flow)
{
    flow->object_at = 0;
    flow->round_at = flow->flows->sim->now;
    for (unsigned i = 0; i < flow->slot_n; i++)
        if (!ask(&flow->slot[i]))
            return;
}

static void next_round(struct sim *sim, struct sim_timer *t)
{
    (void)sim;
    begin_round(t->ctx);
}

void sim_flow_fetch_start(struct sim_flow *flow)
{
    begin_round(flow);
}

static void round_over(struct sim_flow *flow)
{
    const struct sim_flow_fetch *f = &flow->cfg.fetch;
    struct sim_flow_done done = {.start = flow->round_at, .end = flow->flows->sim->now};
    plait_time think;

    for (unsigned i = 0; i < f->object_n; i++)
        done.bytes += flow->object[i];
    sim_flow_note(&flow->round, &done);
    if (flow->round.n == f->rounds || flow->stopped) {
        finish(flow);
        return;
    }
    think = f->exponential ? sim_rng_exp(&flow->rng, f->think) : f->think;
    sim_timer_set(flow->flows->sim, &flow->timer, done.end + think, next_round);
}

static void object_arrived(struct sim_flow_slot *slot)
{
    struct sim_flow *flow = slot->flow;

    sim_flow_note(&flow->done, &(struct sim_flow_done){.start = slot->asked_at,
                                                       .end = flow->flows->sim->now,
                                                       .bytes = flow->object[slot->object],
                                                       .object = slot->object});
    slot->busy = false;
    flow->open--;
    if (flow->cfg.fetch.fresh)
        sim_flow_leave(slot->client);
    if (!ask(slot) || flow->open > 0)
        return;
    if (flow->object_at == flow->cfg.fetch.object_n)
        round_over(flow);
    else
        finish(flow); /* it was stopped in the middle of a round */
}

void sim_flow_fetch_stop(struct sim_flow *flow)
{
    if (flow->open == 0)
        finish(flow);
}

void sim_flow_fetch_connected(struct sim_flow_end *e)
{
    struct sim_flow_slot *slot = e->slot;

    if (!e->server && slot->busy && slot->asked == 0)
        send_request(slot);
}

static void server_received(struct sim_flow_end *e)
{
    struct sim_flow_slot *slot = e->slot;

    if (e == slot->server && e->received >= slot->asked && e->want < slot->answered) {
        e->want = slot->answered;
        sim_flow_write(e);
    }
    if (e->eof)
        sim_flow_leave(e);
}

void sim_flow_fetch_received(struct sim_flow_end *e)
{
    struct sim_flow_slot *slot = e->slot;

    if (e->server) {
        server_received(e);
    } else if (e == slot->client && slot->busy && slot->asked > 0 &&
               e->received >= slot->answered) {
        object_arrived(slot);
    } else if (e->eof) {
        struct sim_flow *flow = slot->flow;
        sim_flow_leave(e);
        /* The server does not close first. */
        sim_flow_end_all(flow, PLAIT_ECONNRESET, PLAIT_REASON_NONE);
    }
}

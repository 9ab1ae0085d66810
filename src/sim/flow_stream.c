/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: as fast as they can, at a rate, or on and off. Called by flow.c and flow_end.c.
 *
 * The sender may write up to a position, `want`, which a clock raises where there is a rate. It
 * pauses when its time is over, or when a burst has arrived.
 *
 * Invariant: the flow's timer runs while there is a rate, an end of `on`, or a pause. */
#include "flow_int.h"

enum { TICK = PLAIT_MSEC, TICK_BYTES = 1448 };

static void tick(struct sim *sim, struct sim_timer *t);

static struct sim_flow_end *sender_of(const struct sim_flow *flow)
{
    return flow->cfg.stream.down ? flow->slot->server : flow->slot->client;
}

static uint64_t draw(struct sim_flow *flow, uint64_t mean)
{
    return flow->cfg.stream.exponential ? sim_rng_exp(&flow->rng, mean) : mean;
}

void sim_flow_stream_start(struct sim_flow *flow)
{
    sim_flow_open(flow->slot);
}

/* Between two raises of a rate: as long as a packet takes, but not less than a millisecond. */
static plait_time tick_time(uint64_t rate)
{
    plait_time packet = (plait_time)TICK_BYTES * 8 * PLAIT_SEC / rate;

    return packet > TICK ? packet : TICK;
}

/* How far it may write: to the end of the burst, or of all. */
static uint64_t limit_of(const struct sim_flow *flow)
{
    uint64_t all = flow->cfg.stream.bytes > 0 ? flow->cfg.stream.bytes : UINT64_MAX;

    return flow->cfg.stream.burst > 0 && flow->burst_end < all ? flow->burst_end : all;
}

static void raise_want(struct sim_flow *flow, struct sim_flow_end *e, plait_time took)
{
    uint64_t limit = limit_of(flow), rate = flow->cfg.stream.rate, work;

    if (rate == 0) {
        e->want = limit;
        return;
    }
    work = rate * took + flow->rate_rest; /* bits by microseconds */
    flow->rate_rest = work % (8 * PLAIT_SEC);
    e->want += work / (8 * PLAIT_SEC);
    if (e->want > limit)
        e->want = limit;
}

/* At the next raise, or at the end of its time. */
static void arm(struct sim_flow *flow)
{
    struct sim *sim = flow->flows->sim;
    plait_time at = flow->cfg.stream.rate > 0 ? sim->now + tick_time(flow->cfg.stream.rate)
                                              : PLAIT_NEVER;

    if (flow->off_at < at)
        at = flow->off_at;
    if (at != PLAIT_NEVER)
        sim_timer_set(sim, &flow->timer, at, tick);
    flow->tick_at = sim->now;
}

static void begin(struct sim_flow *flow, struct sim_flow_end *e)
{
    const struct sim_flow_stream *s = &flow->cfg.stream;
    plait_time now = flow->flows->sim->now;

    flow->paused = false;
    flow->off_at = s->on > 0 ? now + draw(flow, s->on) : PLAIT_NEVER;
    flow->burst_at = now;
    flow->burst_end = e->sent + 1 + (s->burst > 0 ? draw(flow, s->burst - 1) : 0);
    raise_want(flow, e, s->rate > 0 ? tick_time(s->rate) : 0);
    sim_flow_write(e);
    arm(flow);
}

static void pause_now(struct sim_flow *flow, struct sim_flow_end *e)
{
    flow->paused = true;
    flow->rate_rest = 0;
    e->want = e->sent;
    sim_timer_set(flow->flows->sim, &flow->timer,
                  flow->flows->sim->now + draw(flow, flow->cfg.stream.off), tick);
}

static void tick(struct sim *sim, struct sim_timer *t)
{
    struct sim_flow *flow = t->ctx;
    struct sim_flow_end *e = sender_of(flow);

    if (e == NULL || flow->ended_at != 0)
        return;
    if (flow->paused) {
        begin(flow, e);
    } else if (sim->now >= flow->off_at) {
        pause_now(flow, e);
    } else {
        raise_want(flow, e, sim->now - flow->tick_at);
        sim_flow_write(e);
        arm(flow);
    }
}

void sim_flow_stream_connected(struct sim_flow_end *e)
{
    if (e == sender_of(e->slot->flow))
        begin(e->slot->flow, e);
}

/* All of it is there, or the sender gave up before. */
static void at_end(struct sim_flow *flow, const struct sim_flow_end *e)
{
    uint64_t bytes = flow->cfg.stream.bytes;

    if (e->received < bytes && flow->ended_at == 0 && flow->failure == NULL)
        flow->failure = "end of stream before the last byte";
    if (bytes > 0 && flow->cfg.stream.burst == 0)
        sim_flow_note(&flow->done, &(struct sim_flow_done){.start = flow->started,
                                                           .end = flow->flows->sim->now,
                                                           .bytes = e->received});
}

static void burst_arrived(struct sim_flow *flow, const struct sim_flow_end *e)
{
    struct sim_flow_end *sender = sender_of(flow);
    uint64_t bytes = limit_of(flow) - flow->burst_from;

    if (flow->paused || sender == NULL || e->received < limit_of(flow))
        return;
    sim_flow_note(&flow->done, &(struct sim_flow_done){.start = flow->burst_at,
                                                       .end = flow->flows->sim->now,
                                                       .bytes = bytes});
    flow->burst_from = limit_of(flow);
    pause_now(flow, sender);
}

void sim_flow_stream_received(struct sim_flow_end *e)
{
    struct sim_flow *flow = e->slot->flow;
    bool receiver = e->server != flow->cfg.stream.down;

    if (receiver && flow->ended_at == 0 && flow->cfg.stream.burst > 0)
        burst_arrived(flow, e);
    if (!e->eof)
        return;
    if (receiver && flow->ended_at == 0) {
        at_end(flow, e);
        sim_flow_end_all(flow, 0, PLAIT_REASON_NONE);
    }
    sim_flow_leave(e);
}

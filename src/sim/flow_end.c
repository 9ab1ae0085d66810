/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of connections that carry the traffic of flows: they write what they want to, read what
 * there is, and let go. Called by the events of their nodes and by the other files of the flows.
 *
 * Whoever calls a stack here touches its node. An end is freed by sim_flow_leave() alone, so what
 * may call that is called last.
 *
 * Invariants: an end is in flows.ends as long as it lives; that of a place is the youngest one of
 * its connection, older ones only wait for the other side's last word. */
#include <stdlib.h>

#include "app.h"
#include "flow_int.h"

enum { PIECE_MAX = 65536 };

static struct sim_flow *flow_of(const struct sim_flow_end *e)
{
    return e->slot->flow;
}

static plait_time now_of(const struct sim_flow_end *e)
{
    return e->host->sim->now;
}

static void fail(struct sim_flow *flow, const char *what)
{
    if (flow->failure == NULL)
        flow->failure = what;
}

/* Does what this end sends count: a stream, or answers? */
static bool is_source(const struct sim_flow_end *e)
{
    const struct sim_flow *flow = flow_of(e);

    return e->server == (flow->cfg.kind == SIM_FLOW_FETCH || flow->cfg.stream.down);
}

void sim_flow_note(struct sim_flow_notes *notes, const struct sim_flow_done *done)
{
    notes->v = sim_room(notes->v, notes->n, &notes->cap, sizeof *notes->v);
    notes->v[notes->n++] = *done;
}

/* ---- birth and death ------------------------------------------------------------------------- */

static struct sim_flow_end *end_new(struct sim_flow_slot *slot, struct sim_node *host,
                                    struct plait_conn *conn)
{
    struct sim_flow_end *e = calloc(1, sizeof *e);

    if (e == NULL)
        abort();
    e->slot = slot;
    e->host = host;
    e->conn = conn;
    htab_add(&slot->flow->flows->ends, &e->node, sim_flow_hash(conn));
    sim_touch(host);
    return e;
}

bool sim_flow_open(struct sim_flow_slot *slot)
{
    struct sim_flow *flow = slot->flow;
    struct plait_connect how = {
        .local = flow->cfg.local, .remote = flow->cfg.remote, .config = flow->cfg.client_conn};
    struct sim_node *host = flow->cfg.client;
    struct plait_conn *conn;
    int err;

    how.remote.port = slot->port;
    err = plait_connect(host->stack, &how, host->sim->now, &conn);
    if (err != 0) {
        sim_flow_end_all(flow, err, PLAIT_REASON_NONE);
        return false;
    }
    slot->client = end_new(slot, host, conn);
    slot->client->stream = sim_rng_u64(&flow->rng);
    slot->client->expect = sim_rng_u64(&flow->rng);
    slot->asked = slot->answered = 0;
    return true;
}

static void remember(const struct sim_flow_end *e)
{
    struct sim_flow_past **past = &e->slot->past[e->server];

    if (*past == NULL)
        *past = calloc(1, sizeof **past);
    if (*past == NULL)
        abort();
    plait_conn_info(e->conn, &(*past)->info);
    for (uint8_t i = 0; i < SIM_FLOW_SUBFLOWS; i++)
        if (plait_subflow_info(e->conn, i, &(*past)->subflow[i]) != 0)
            break;
}

void sim_flow_leave(struct sim_flow_end *e)
{
    struct sim_flow_slot *slot = e->slot;

    if (e == slot->client || e == slot->server)
        remember(e);
    if (e == slot->server)
        slot->server = NULL;
    if (e == slot->client) {
        slot->client = NULL;
        if (flow_of(e)->cfg.kind == SIM_FLOW_FETCH) { /* what it still says is of the past */
            if (slot->server != NULL)
                remember(slot->server);
            slot->server = NULL;
        }
    }
    htab_del(&flow_of(e)->flows->ends, &e->node);
    sim_touch(e->host);
    plait_release(e->conn, now_of(e));
    free(e);
}

void sim_flow_abort(struct sim_flow *flow)
{
    for (unsigned i = 0; i < flow->slot_n; i++) {
        struct sim_flow_slot *slot = &flow->slot[i];
        struct sim_flow_end *e = slot->client, *other = slot->server;
        if (other != NULL && (e == NULL || is_source(other))) {
            e = other;
            other = slot->client;
        }
        if (e == NULL)
            continue;
        if (other != NULL)
            remember(other);
        plait_abort(e->conn, now_of(e));
        sim_flow_leave(e);
    }
}

void sim_flow_end_all(struct sim_flow *flow, int error, enum plait_reason reason)
{
    struct sim *sim = flow->flows->sim;

    if (flow->ended_at != 0)
        return;
    flow->ended_at = sim->now;
    flow->error = error;
    flow->reason = reason;
    sim_timer_stop(sim, &flow->timer);
    sim_timer_stop(sim, &flow->stop_timer);
    if (error != 0)
        sim_flow_abort(flow);
    for (unsigned i = 0; i < flow->slot_n; i++) {
        struct sim_flow_slot *slot = &flow->slot[i];
        if (slot->listener == NULL)
            continue;
        htab_del(&flow->flows->listeners, &slot->node);
        plait_listener_close(slot->listener, sim->now);
        slot->listener = NULL;
        sim_touch(flow->cfg.server);
    }
}

/* ---- writing and reading --------------------------------------------------------------------- */

void sim_flow_shut(struct sim_flow_end *e)
{
    if (e->shut)
        return;
    e->shut = true;
    sim_touch(e->host);
    if (plait_shutdown(e->conn, now_of(e)) != 0 && plait_conn_error(e->conn, NULL) == 0)
        fail(flow_of(e), "shutdown refused on a healthy connection");
}

void sim_flow_write(struct sim_flow_end *e)
{
    struct sim_flow *flow = flow_of(e);
    bool counts = is_source(e), blank = e->host->sim->blank;

    if (!e->connected || e->shut || flow->ended_at != 0)
        return;
    sim_touch(e->host);
    while (e->sent < e->want) {
        uint64_t left = e->want - e->sent;
        uint8_t *room;
        int64_t n = plait_send_reserve(e->conn, left < PIECE_MAX ? (size_t)left : PIECE_MAX, &room,
                                       now_of(e));
        if (n <= 0)
            return;
        if (!blank)
            sim_pattern_fill(e->stream, e->sent, room, (size_t)n);
        plait_send_commit(e->conn, (size_t)n, now_of(e));
        e->sent += (uint64_t)n;
        flow->sent += counts ? (uint64_t)n : 0;
    }
    if (flow->cfg.kind == SIM_FLOW_STREAM && counts && e->sent == flow->cfg.stream.bytes)
        sim_flow_shut(e);
}

/* Takes what there is. True: there was something, or the end of the stream. */
static bool take(struct sim_flow_end *e)
{
    struct sim_flow *flow = flow_of(e);
    bool blank = e->host->sim->blank, counts = !is_source(e) && flow->ended_at == 0;
    struct plait_view view;
    bool any = false;
    int64_t n = 0;

    while (!e->eof && (n = plait_recv_borrow(e->conn, &view)) > 0) {
        if (!blank && sim_pattern_check(e->expect, e->received, view.data, view.len) < view.len)
            fail(flow, "a byte is wrong");
        plait_recv_done(e->conn, view.len, now_of(e));
        e->received += view.len;
        flow->delivered += counts ? view.len : 0;
        any = true;
    }
    if (e->eof || n != 0)
        return any;
    e->eof = true;
    return true;
}

static void tell(struct sim_flow_end *e)
{
    if (flow_of(e)->cfg.kind == SIM_FLOW_STREAM)
        sim_flow_stream_received(e);
    else
        sim_flow_fetch_received(e);
}

void sim_flow_work(struct sim_flow_end *e)
{
    sim_flow_write(e);
    sim_touch(e->host);
    if (take(e))
        tell(e);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void connected(struct sim_flow_end *e)
{
    struct sim_flow *flow = flow_of(e);

    if (e->connected) { /* by Fast Open, before the third ACK */
        sim_flow_work(e);
        return;
    }
    e->connected = true;
    if (!e->server && flow->connected_at == 0)
        flow->connected_at = now_of(e);
    if (flow->cfg.kind == SIM_FLOW_STREAM)
        sim_flow_stream_connected(e);
    else
        sim_flow_fetch_connected(e);
    sim_flow_work(e);
}

static void accept_all(struct sim_flows *f, struct sim_node *host, struct plait_listener *listener)
{
    struct htab_node *n = htab_first(&f->listeners, sim_flow_hash(listener));
    struct sim_flow_slot *slot = n != NULL ? LIST_OWNER(n, struct sim_flow_slot, node) : NULL;
    struct plait_conn *conn;

    while ((conn = plait_accept(listener)) != NULL) {
        if (slot == NULL || slot->client == NULL || slot->server != NULL) { /* the client left */
            plait_abort(conn, host->sim->now);
            plait_release(conn, host->sim->now);
            continue;
        }
        struct sim_flow_end *e = end_new(slot, host, conn);
        e->server = true;
        e->stream = slot->client->expect;
        e->expect = slot->client->stream;
        slot->server = e;
        connected(e);
        if (slot->listener != listener) /* that was the end of the flow */
            return;
    }
}

/* It is over, in order or not. What had arrived before is still there. */
static void closed(struct sim_flow_end *e)
{
    struct sim_flow *flow = flow_of(e);
    bool current = e == e->slot->client || e == e->slot->server;
    enum plait_reason reason;
    int error = plait_conn_error(e->conn, &reason);

    take(e);
    if (error == 0) {
        e->eof = true;
        tell(e);
        return;
    }
    sim_flow_leave(e);
    if (current)
        sim_flow_end_all(flow, error, reason);
}

void sim_flow_event(struct sim_node *node, const struct plait_event *ev)
{
    struct sim_flows *f = node->ctx;
    struct htab_node *n;

    if (ev->type == PLAIT_EVENT_ACCEPTED) {
        accept_all(f, node, ev->listener);
        return;
    }
    n = htab_first(&f->ends, sim_flow_hash(ev->conn));
    if (n == NULL) {
        sim_fail(node->sim, "an event for a connection that was let go");
        return;
    }
    struct sim_flow_end *e = LIST_OWNER(n, struct sim_flow_end, node);
    if (ev->type == PLAIT_EVENT_CONNECTED)
        connected(e);
    else if (ev->type == PLAIT_EVENT_CLOSED)
        closed(e);
    else
        sim_flow_work(e);
}

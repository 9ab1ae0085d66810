/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's applications. They live between steps: an event of their node or a timer of
 * their own wakes them, they read and write what is possible, and note anything that may never be.
 *
 * Invariants: received counts checked bytes; after done the connection is released and not
 * touched. */
#include "app.h"

#include <string.h>

#include "../base/addr.h"

enum { PIECE_MAX = 65536 };

static void fail(struct sim_app *a, const char *what, uint64_t at)
{
    if (a->failure != NULL)
        return;
    a->failure = what;
    a->failure_at = at;
}

static void take_info(struct sim_app *a)
{
    plait_conn_info(a->conn, &a->info);
    for (uint8_t i = 0; i < a->info.subflow_total && i < 32; i++)
        plait_subflow_info(a->conn, i, &a->path[i]);
}

static void let_go(struct sim_app *a)
{
    struct plait_conn *c = a->conn;

    take_info(a);
    a->error = plait_conn_error(c, &a->reason);
    a->done = true;
    a->finished_at = a->sim->now;
    a->conn = NULL;
    sim_timer_stop(a->sim, &a->write_timer);
    sim_timer_stop(a->sim, &a->read_timer);
    plait_release(c, a->sim->now);
}

/* ---- pauses
 * ------------------------------------------------------------------------------------------- */

static void wake(struct sim *sim, struct sim_timer *t);

/* True: the piece has to wait. */
static bool pauses(struct sim_app *a, struct sim_timer *t)
{
    if (sim_timer_runs(t))
        return true;
    if (t == &a->write_timer && a->cfg.rest_for > 0 && a->sent >= a->cfg.rest_at && !a->rested) {
        a->rested = true;
        t->ctx = a;
        sim_timer_set(a->sim, t, a->sim->now + a->cfg.rest_for, wake);
        return true;
    }
    if (!sim_rng_chance(&a->rng, a->cfg.pause_ppm))
        return false;
    plait_time pause = sim_rng_between(&a->rng, 1, a->cfg.pause_max > 0 ? a->cfg.pause_max : 1);
    t->ctx = a;
    sim_timer_set(a->sim, t, a->sim->now + pause, wake);
    return true;
}

static size_t piece(struct sim_app *a, uint32_t max)
{
    size_t n = max == 0 ? PIECE_MAX : (size_t)sim_rng_between(&a->rng, 1, max);

    return n < PIECE_MAX ? n : PIECE_MAX;
}

/* ---- writing
 * --------------------------------------------------------------------------------------------- */

static void shut(struct sim_app *a)
{
    if (a->shut || a->sent < a->cfg.send_bytes || (a->cfg.hold_close && !a->eof))
        return;
    a->shut = true;
    if (plait_shutdown(a->conn, a->sim->now) != 0 && plait_conn_error(a->conn, NULL) == 0)
        fail(a, "shutdown refused on a healthy connection", a->sent);
}

static void write_some(struct sim_app *a)
{
    uint8_t buf[PIECE_MAX];

    while (a->sent < a->cfg.send_bytes && !pauses(a, &a->write_timer)) {
        uint64_t left = a->cfg.send_bytes - a->sent;
        size_t n = piece(a, a->cfg.write_max);
        n = left < n ? (size_t)left : n;
        sim_pattern_fill(a->stream, a->sent, buf, n);
        int64_t took = plait_send(a->conn, buf, n, a->sim->now);
        if (took == PLAIT_EAGAIN || took == PLAIT_ENOMEM)
            return;
        if (took <= 0 || (uint64_t)took > n) {
            if (plait_conn_error(a->conn, NULL) == 0)
                fail(a, "send failed on a healthy connection", a->sent);
            return;
        }
        a->sent += (uint64_t)took;
        if ((uint64_t)took < n)
            return;
    }
    shut(a);
}

/* ---- reading
 * -----------------------------------------------------------------------------------------------
 */

static void at_eof(struct sim_app *a)
{
    if (!a->eof && a->cfg.keep == NULL && a->received != a->peer->cfg.send_bytes)
        fail(a, "end of stream before the last byte", a->received);
    a->eof = true;
    shut(a);
}

static void note_progress(struct sim_app *a, uint64_t n)
{
    plait_time since = a->last_read_at != 0 ? a->sim->now - a->last_read_at : 0;

    if (since > a->stall_max)
        a->stall_max = since;
    a->last_read_at = a->sim->now;
    a->received += n;
}

static void keep(struct sim_app *a, const uint8_t *bytes, size_t n)
{
    if (a->received + n > a->cfg.keep_max)
        fail(a, "far more bytes came than were sent", a->received);
    else
        memcpy(a->cfg.keep + a->received, bytes, n);
}

static void check(struct sim_app *a, const uint8_t *bytes, size_t n)
{
    size_t good = sim_pattern_check(a->peer->stream, a->received, bytes, n);

    if (good < n)
        fail(a, "a byte is wrong", a->received + good);
    if (a->received + n > a->peer->sent)
        fail(a, "more bytes came than were sent", a->received);
}

/* False: nothing more now. */
static bool read_piece(struct sim_app *a)
{
    uint8_t buf[PIECE_MAX];
    size_t want = piece(a, a->cfg.read_max);
    int64_t n = plait_recv(a->conn, buf, want, a->sim->now);

    if (n == 0)
        at_eof(a);
    if (n <= 0)
        return false;
    if ((uint64_t)n > want) {
        fail(a, "more bytes read than asked for", a->received);
        return false;
    }
    if (a->cfg.keep != NULL)
        keep(a, buf, (size_t)n);
    else
        check(a, buf, (size_t)n);
    note_progress(a, (uint64_t)n);
    return a->failure == NULL;
}

static void read_some(struct sim_app *a)
{
    if (a->sim->now < a->started + a->cfg.read_after) {
        if (!sim_timer_runs(&a->read_timer)) {
            a->read_timer.ctx = a;
            sim_timer_set(a->sim, &a->read_timer, a->started + a->cfg.read_after, wake);
        }
        return;
    }
    while (!a->eof && !pauses(a, &a->read_timer))
        if (!read_piece(a))
            return;
}

/* ---- waking up
 * -----------------------------------------------------------------------------------------------
 */

static void act(struct sim_app *a)
{
    if (a->conn == NULL || !a->connected)
        return;
    read_some(a);
    write_some(a);
    if (a->cfg.abort_at != 0 && a->received >= a->cfg.abort_at && !a->aborted) {
        a->aborted = true;
        plait_abort(a->conn, a->sim->now);
        let_go(a);
        return;
    }
    if (a->eof && a->shut)
        let_go(a);
}

static void wake(struct sim *sim, struct sim_timer *t)
{
    struct sim_app *a = t->ctx;

    (void)sim;
    sim_touch(a->node);
    act(a);
}

static void on_conn_event(struct sim_app *a, const struct plait_event *ev)
{
    if (ev->type == PLAIT_EVENT_CONNECTED) {
        a->connected = true;
        a->connected_at = a->sim->now;
    }
    if (ev->type == PLAIT_EVENT_CLOSED) {
        while (!a->eof && read_piece(a)) /* what had arrived before the end */
            ;
        if (!a->eof && a->received < a->peer->cfg.send_bytes &&
            plait_conn_error(a->conn, NULL) == 0)
            fail(a, "closed without an error before the end of the stream", a->received);
        let_go(a);
        return;
    }
    act(a);
}

static struct sim_app *find_conn(struct sim_apps *apps, const struct plait_conn *conn)
{
    for (struct sim_pair *p = apps->first; p != NULL; p = p->next) {
        if (p->client.conn == conn)
            return &p->client;
        if (p->server.conn == conn)
            return &p->server;
    }
    return NULL;
}

/* The pair of an accepted connection: the one whose client uses the remote address. */
static struct sim_app *find_server(struct sim_apps *apps, struct plait_conn *conn)
{
    struct plait_conn_info info;

    plait_conn_info(conn, &info);
    for (struct sim_pair *p = apps->first; p != NULL; p = p->next)
        if (p->server.conn == NULL && !p->server.done &&
            (apps->nat || addr_equal(&p->client.info.local, &info.remote)))
            return &p->server;
    return NULL;
}

/* Of several servers, the shards of a host, any may have it. */
static void accept_all(struct sim_node *node, struct plait_listener *listener)
{
    struct sim_apps *apps = node->ctx;
    struct plait_conn *conn;

    while ((conn = plait_accept(listener)) != NULL) {
        struct sim_app *a = find_server(apps, conn);
        if (a == NULL) {
            if (!apps->strangers)
                sim_fail(apps->server->sim, "a connection was accepted that nobody made");
            plait_abort(conn, apps->server->sim->now);
            plait_release(conn, apps->server->sim->now);
            continue;
        }
        a->node = node;
        a->conn = conn;
        a->connected = true;
        a->started = a->connected_at = a->sim->now;
        act(a);
    }
}

static void on_event(struct sim_node *node, const struct plait_event *ev)
{
    struct sim_apps *apps = node->ctx;

    if (ev->type == PLAIT_EVENT_ACCEPTED) {
        accept_all(node, ev->listener);
        return;
    }
    struct sim_app *a = find_conn(apps, ev->conn);
    if (a == NULL)
        sim_fail(node->sim, "an event for a connection that was let go");
    else
        on_conn_event(a, ev);
}

/* ---- the world's side
 * -------------------------------------------------------------------------------------------- */

int sim_apps_init(struct sim_apps *apps, struct sim_node *client, struct sim_node *server,
                  const struct plait_addr *addr)
{
    *apps = (struct sim_apps){.client = client, .server = server};
    client->on_event = server->on_event = on_event;
    client->ctx = server->ctx = apps;
    return plait_listen(server->stack, addr, NULL, &apps->listener);
}

static void app_init(struct sim_app *a, struct sim_node *node, const struct sim_app_config *cfg,
                     struct sim_app *peer)
{
    *a = (struct sim_app){.cfg = *cfg, .sim = node->sim, .node = node, .peer = peer};
    sim_rng_init(&a->rng, sim_rng_u64(&node->sim->rng));
    a->stream = sim_rng_u64(&node->sim->rng);
    a->started = node->sim->now;
    a->write_timer.exact = a->read_timer.exact = true; /* wake() touches the node */
}

int sim_pair_start(struct sim_apps *apps, struct sim_pair *p, const struct sim_pair_config *cfg)
{
    struct plait_connect how = {.local = cfg->local, .remote = cfg->remote, .config = cfg->conn};

    app_init(&p->client, apps->client, &cfg->client, &p->server);
    app_init(&p->server, apps->server, &cfg->server, &p->client);
    int err = plait_connect(apps->client->stack, &how, p->client.sim->now, &p->client.conn);
    if (err != 0)
        return err;
    plait_conn_info(p->client.conn, &p->client.info);
    p->next = NULL;
    if (apps->last != NULL)
        apps->last->next = p;
    else
        apps->first = p;
    apps->last = p;
    if (cfg->client.early)
        write_some(&p->client);
    return 0;
}

/* A server end that never came to be has nothing to finish when its client is done. */
static bool pair_done(const struct sim_pair *p)
{
    return p->client.done && (p->server.done || p->server.conn == NULL);
}

bool sim_apps_done(const struct sim_apps *apps)
{
    for (const struct sim_pair *p = apps->first; p != NULL; p = p->next)
        if (!pair_done(p))
            return false;
    return true;
}

const char *sim_apps_failure(const struct sim_apps *apps)
{
    for (const struct sim_pair *p = apps->first; p != NULL; p = p->next) {
        if (p->client.failure != NULL)
            return p->client.failure;
        if (p->server.failure != NULL)
            return p->server.failure;
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "inject.h"

#include "../scenario/wire_edit.h"
#include "base/be.h"

#include <stdlib.h>
#include <string.h>

#define TIME_LIMIT (600 * PLAIT_SEC)
#define STEPS_MAX  2000000

struct kind {
    const char *name;
    uint32_t variants;
};

static const struct kind kinds[FAULT_KINDS] = {
    [FAULT_NONE] = {"none", 0},   [FAULT_DROP] = {"drop", 1},   [FAULT_TWICE] = {"twice", 1},
    [FAULT_LATE] = {"late", 3},   [FAULT_CUT] = {"cut", 4},     [FAULT_FLIP] = {"flip", 8},
    [FAULT_FORGE] = {"forge", 28}, [FAULT_ALLOC] = {"alloc", 2}, [FAULT_ALLOC_DRY] = {"dry", 2},
};

const char *fault_kind_name(enum fault_kind kind) { return kinds[kind].name; }
uint32_t fault_variants(enum fault_kind kind) { return kinds[kind].variants; }

enum fault_kind fault_kind_find(const char *name)
{
    for (unsigned i = 1; i < FAULT_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return (enum fault_kind)i;
    return FAULT_NONE;
}

/* ---- what happens to the packet ------------------------------------------------------------- */

struct run {
    struct world w;
    const struct fault_scenario *sc;
    const struct fault *fault;
    struct sim_timer timer[FAULT_DEEDS_MAX];
};

static void set_ip_len(struct sim_wire *w)
{
    if (w->bytes[0] >> 4 == 4)
        be16_store(w->bytes + 2, (uint16_t)w->len);
    else
        be16_store(w->bytes + 4, (uint16_t)(w->len - 40));
}

/* Variants: a byte less or half of it, with lengths and checksums as they were or made right. */
static void cut(struct sim_wire *w, uint32_t variant)
{
    bool honest = (variant & 2) != 0;
    uint32_t payload = honest ? edit_payload(w) : w->len;
    uint32_t less = (variant & 1) != 0 ? payload / 2 : 1;

    if (payload == 0)
        return;
    w->len -= less;
    if (!honest)
        return;
    set_ip_len(w);
    edit_fix_csum(w);
}

/* Where the bit is: the parts of a packet take turns, the place in one is drawn. */
static uint32_t place(const struct sim_wire *w, uint64_t dice, uint32_t variant)
{
    uint32_t tcp = (uint32_t)(edit_tcp(w) - w->bytes), payload = edit_payload(w);
    uint32_t options = w->len - payload - tcp - 20;

    if (variant % 4 == 3 && payload > 0)
        return w->len - payload + (uint32_t)(dice % payload);
    if (variant % 4 != 0 && options > 0)
        return tcp + 20 + (uint32_t)(dice % options);
    return tcp + (uint32_t)(dice % 20);
}

static void flip(struct sim_wire *w, const struct fault *f)
{
    struct sim_rng rng;

    if (edit_tcp(w) == NULL)
        return;
    sim_rng_init(&rng, f->k << 8 | f->variant);
    w->bytes[place(w, sim_rng_u64(&rng), f->variant)] ^= (uint8_t)(1u << sim_rng_below(&rng, 8));
    /* A data offset that the packet does not hold is not to be looked behind. */
    if (f->kind == FAULT_FORGE && (edit_tcp(w)[12] >> 4) * 4u <= w->len - 40)
        edit_fix_csum(w);
}

static void spoil(void *ctx, struct sim *sim, struct sim_wire *w)
{
    static const plait_time late[] = {3 * PLAIT_MSEC, 90 * PLAIT_MSEC, 1300 * PLAIT_MSEC};
    const struct run *r = ctx;
    const struct fault *f = r->fault;

    if (w->k != f->k)
        return;
    switch (f->kind) {
    case FAULT_DROP:
        w->drop = true;
        break;
    case FAULT_TWICE:
        w->twice = true;
        break;
    case FAULT_LATE:
        w->delay = late[f->variant];
        break;
    case FAULT_CUT:
        cut(w, f->variant);
        break;
    case FAULT_FLIP:
    case FAULT_FORGE:
        flip(w, f);
        break;
    default:
        break;
    }
}

/* ---- the run -------------------------------------------------------------------------------- */

static void act(struct sim *sim, struct sim_timer *t)
{
    struct run *r = t->ctx;

    r->sc->deed[t - r->timer].act(&r->w);
}

static void configure(struct run *r)
{
    struct world *w = &r->w;

    world_init(w, r->sc->path_n);
    /* Whoever is left alone learns it in time. */
    w->client_cfg.conn.user_timeout = 30 * PLAIT_SEC;
    w->client_cfg.conn.keepalive_idle = 20 * PLAIT_SEC;
    w->client_cfg.conn.keepalive_interval = 5 * PLAIT_SEC;
    w->client_cfg.conn.keepalive_probes = 4;
    w->client_cfg.last_subflow_wait = 20 * PLAIT_SEC;
    w->client_cfg.time_wait = 2 * PLAIT_SEC;
    w->server_cfg = w->client_cfg;
    if (r->sc->shape != NULL)
        r->sc->shape(w);
}

static void start(struct run *r)
{
    struct world *w = &r->w;
    const struct fault *f = r->fault;

    world_start(w);
    w->sim->hook = spoil;
    w->sim->hook_ctx = r;
    if (f->kind == FAULT_ALLOC || f->kind == FAULT_ALLOC_DRY) {
        struct sim_node *n = f->variant == 0 ? w->client : w->server;
        n->fail_in = (int64_t)f->k;
        n->fail_n = f->kind == FAULT_ALLOC ? 1 : 41;
        w->sim->replan_ppm = 0; /* of two equal plans one would find memory */
    }
    w->client->alloc_n = w->server->alloc_n = 0;
    for (unsigned i = 0; i < FAULT_DEEDS_MAX && r->sc->deed[i].act != NULL; i++) {
        r->timer[i].ctx = r;
        sim_timer_set(w->sim, &r->timer[i], w->sim->now + r->sc->deed[i].at, act);
    }
}

/* An application that got a wrong byte reads no further. */
static bool over(const struct world *w)
{
    return sim_apps_done(&w->apps) || sim_apps_failure(&w->apps) != NULL;
}

static uint32_t alive(const struct sim_node *n)
{
    struct plait_stack_info info;

    plait_stack_info(n->stack, &info);
    return info.conns + info.time_wait + info.half_open;
}

static void run_until(struct world *w, bool (*end)(const struct world *))
{
    plait_time limit = w->sim->now + TIME_LIMIT;

    sim_pump(w->sim);
    while (!end(w) && w->sim->now < limit && w->sim->steps < STEPS_MAX && sim_step(w->sim))
        ;
}

static bool empty(const struct world *w)
{
    return sim_apps_done(&w->apps) && alive(w->client) + alive(w->server) == 0;
}

/* In place of an application that reads no further. */
static void let_go(struct sim_app *a)
{
    struct plait_conn *c = a->conn;

    if (c == NULL)
        return;
    sim_timer_stop(a->sim, &a->write_timer);
    sim_timer_stop(a->sim, &a->read_timer);
    a->conn = NULL;
    a->done = true;
    plait_abort(c, a->sim->now);
    plait_release(c, a->sim->now);
}

/* ---- judgement ------------------------------------------------------------------------------ */

/* How a run may end. */
enum leave {
    AS_WITHOUT,  /* as it would without the fault */
    WITH_ERROR,  /* or with an error, but no wrong byte */
    WITH_CHANGE, /* nobody could have told the byte from a right one */
};

static enum leave leave_of(const struct run *r)
{
    enum fault_kind k = r->fault->kind;
    bool honest_cut = k == FAULT_CUT && (r->fault->variant & 2) != 0;

    if (r->sc->ends_badly)
        return k == FAULT_FORGE ? WITH_CHANGE : WITH_ERROR;
    if (k == FAULT_FORGE || honest_cut)
        return r->sc->checksum ? WITH_ERROR : WITH_CHANGE;
    return k == FAULT_ALLOC || k == FAULT_ALLOC_DRY ? WITH_ERROR : AS_WITHOUT;
}

/* Plain TCP has no checksums of its own. RFC 8684 3.7 wants it where one fails on the only subflow:
 * somebody on the path rewrites, and the stream goes on with the bytes as they come. */
static bool fell_back(const struct sim_app *a)
{
    struct plait_conn_info info = a->info;

    if (a->conn != NULL)
        plait_conn_info(a->conn, &info);
    return info.fallback != PLAIT_REASON_NONE;
}

static const char *judge_data(const struct run *r)
{
    const struct sim_app *c = &r->w.pair.client, *s = &r->w.pair.server;
    enum leave leave = leave_of(r);

    if (leave == WITH_CHANGE ||
        (r->fault->kind == FAULT_FORGE && (fell_back(c) || fell_back(s))))
        return NULL;
    if (sim_apps_failure(&r->w.apps) != NULL)
        return sim_apps_failure(&r->w.apps);
    if (c->received > s->sent || s->received > c->sent)
        return "more arrived than was sent";
    if (leave == WITH_ERROR && (c->error != 0 || s->error != 0 || !s->done || c->aborted))
        return NULL;
    if (c->error != 0 || s->error != 0)
        return "the connection ended with an error";
    if (c->received != s->cfg.send_bytes || s->received != c->cfg.send_bytes)
        return "bytes are missing";
    return NULL;
}

static const char *judge(const struct run *r)
{
    if (r->w.sim->failure != NULL)
        return r->w.sim->failure;
    if (r->w.sim->steps >= STEPS_MAX)
        return "they talk without end";
    if (!over(&r->w))
        return "an end hangs";
    return judge_data(r);
}

const char *fault_run(const struct fault_scenario *sc, const struct fault *f,
                      struct fault_extent *extent)
{
    static struct run r;
    const char *why;

    memset(&r, 0, sizeof r);
    r.sc = sc;
    r.fault = f;
    configure(&r);
    start(&r);
    run_until(&r.w, over);
    why = judge(&r);
    let_go(&r.w.pair.client);
    let_go(&r.w.pair.server);
    plait_listener_close(r.w.apps.listener, r.w.sim->now);
    run_until(&r.w, empty);
    if (extent != NULL)
        *extent = (struct fault_extent){r.w.sim->hook_k,
                                        {r.w.client->alloc_n, r.w.server->alloc_n}};
    if (why == NULL && !empty(&r.w))
        why = "connections are left over";
    for (unsigned i = 0; i < FAULT_DEEDS_MAX; i++)
        sim_timer_stop(r.w.sim, &r.timer[i]);
    sim_node_stop(r.w.client);
    sim_node_stop(r.w.server);
    if (why == NULL && r.w.client->live + r.w.server->live > 0)
        why = "memory is left over";
    (void)sim_pcap_close(r.w.sim);
    sim_free(r.w.sim);
    return why;
}

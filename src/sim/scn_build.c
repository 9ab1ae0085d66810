/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a world of a scenario: links, a pair of hosts for each connection, addresses, routes,
 * traffic and boxes. Called by scn_run.c.
 *
 * Path i of a connection begins at address i of the opening side, whose id is i + 1; the other side
 * has one address, so that subflows need not wait for announcements. An access link of its own
 * leads to a path where `access` asks for one, and where a box stands, so that nobody else's
 * packets meet it. */
#include "scn_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MTU = 1500, CONNS_MAX = 4096 };

/* ---- addresses ------------------------------------------------------------------------------- */

static struct plait_addr address(const struct sim_scn_conn *c, unsigned path, bool server)
{
    unsigned n = (unsigned)(c - c->w->conn) * (2 * SIM_SCN_PATHS_MAX) + path * 2 + server;

    return (struct plait_addr){
        .family = 4, .ip = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

unsigned sim_scn_path_of(const struct plait_addr *addr)
{
    return addr->ip[3] / 2 % SIM_SCN_PATHS_MAX;
}

static const struct sim_scn_flow *flow_of(const struct sim_scn_conn *c)
{
    return &c->w->s->flow[c->flow];
}

static const struct sim_scn_path *path_of(const struct sim_scn_conn *c, unsigned i)
{
    const struct sim_scn_flow *f = flow_of(c);

    return &f->path[(f->apart ? c->which * f->path_n : 0) + i];
}

static uint16_t mtu_of(const struct sim_scn_conn *c, unsigned path)
{
    const struct sim_scn_path *p = path_of(c, path);
    uint32_t first = c->w->s->link[p->hop[0].link].dir[0].cfg.mtu;

    return p->hop_n > 0 && first > MTU ? (uint16_t)first : MTU; /* a small one is found out */
}

struct plait_local sim_scn_local(const struct sim_scn_conn *c, unsigned path, bool server)
{
    bool backup = !server && (flow_of(c)->backup >> path & 1) != 0;

    return (struct plait_local){
        .addr = address(c, path, server),
        .id = (uint8_t)(path + 1),
        .flags = (uint8_t)((server ? 0 : PLAIT_LOCAL_SUBFLOW) | (backup ? PLAIT_LOCAL_BACKUP : 0)),
        .mtu = mtu_of(c, path),
        .ifindex = path + 1,
    };
}

bool sim_scn_server_sends(const struct sim_scn_flow *f)
{
    return f->reverse || f->traffic == SIM_SCN_REQUEST || f->traffic == SIM_SCN_PAGE;
}

/* ---- configuration --------------------------------------------------------------------------- */

static bool speaks_mptcp(const struct sim_scn_flow *f)
{
    return f->mptcp || (!f->tcp && (f->path_n > 1 || f->subflows > 1));
}

static unsigned subflows(const struct sim_scn_flow *f)
{
    unsigned n = f->subflows != 0 ? f->subflows : f->ecmp ? 1 : f->path_n;

    return n < UINT8_MAX ? n : UINT8_MAX;
}

static bool is_own(const char *name)
{
    return strcmp(name, "own") == 0;
}

/* False: one of its own is named, and none was given. */
static bool set_policies(const struct sim_scn_world *w, const struct sim_scn_flow *f,
                         struct plait_conn_config *c)
{
    if (is_own(f->cc))
        c->own_cc = w->o->own_cc;
    else if (f->cc[0] != '\0')
        c->cc = f->cc;
    if (is_own(f->sched))
        c->own_sched = w->o->own_sched;
    else if (f->sched[0] != '\0')
        c->sched = f->sched;
    if (is_own(f->pm))
        c->own_pm = w->o->own_pm;
    else if (f->pm[0] != '\0' || f->ecmp)
        c->pm = f->pm[0] != '\0' ? f->pm : "ndiffports";
    return is_own(f->cc) <= (c->own_cc != NULL) && is_own(f->sched) <= (c->own_sched != NULL) &&
           is_own(f->pm) <= (c->own_pm != NULL);
}

static bool configure(const struct sim_scn_world *w, const struct sim_scn_flow *f,
                      struct plait_conn_config *c)
{
    *c = w->s->stack.conn;
    c->mptcp = speaks_mptcp(f);
    c->nodelay = f->nodelay || f->traffic == SIM_SCN_REQUEST || f->traffic == SIM_SCN_BLOCKS;
    c->checksum = f->checksum;
    c->ecn = f->ecn ? PLAIT_ECN_ON : c->ecn;
    c->subflows_max = (uint8_t)subflows(f);
    c->addrs_max = f->path_n > c->addrs_max && !f->ecmp ? (uint8_t)f->path_n : c->addrs_max;
    c->ports = c->subflows_max;
    if (f->demand) {
        c->demand_bytes = f->demand_bytes;
        c->demand_after = f->demand_after;
    }
    c->sndbuf_max = f->sndbuf != 0 ? f->sndbuf : c->sndbuf_max;
    c->rcvbuf_max = f->rcvbuf != 0 ? f->rcvbuf : c->rcvbuf_max;
    if (c->rcvbuf_init > c->rcvbuf_max)
        c->rcvbuf_init = c->rcvbuf_max;
    return set_policies(w, f, c);
}

/* ---- hosts ----------------------------------------------------------------------------------- */

/* Nodes belong to the flows of flow.h; a node's name is a field of its connection, which is found
 * by that: the letter before it says which of the two names it is. */
const struct sim_scn_conn *sim_scn_owner(const struct sim_node *node, bool *server)
{
    *server = node->name[-1] == 's';
    return (const struct sim_scn_conn *)(const void *)(node->name - 1 -
                                                       (*server ? offsetof(struct sim_scn_conn,
                                                                           server_name)
                                                                : offsetof(struct sim_scn_conn,
                                                                           client_name)));
}

static void on_trace(struct sim_node *node, const struct plait_trace *ev)
{
    bool server;
    const struct sim_scn_conn *c = sim_scn_owner(node, &server);

    c->w->o->on_news(c->w->o->ctx, &(struct sim_scn_news){.at = ev->now - c->w->start,
                                                          .flow = c->flow,
                                                          .which = c->which,
                                                          .server = server,
                                                          .trace = ev});
}

static struct sim_node *make_node(struct sim_scn_conn *c, bool server)
{
    struct plait_config cfg = c->w->s->stack;
    char *name = server ? c->server_name : c->client_name;
    struct sim_node *node;

    (void)snprintf(name, sizeof c->client_name, "%c%s.%u.%s", server ? 's' : 'c',
                   flow_of(c)->name, c->which + 1, server ? "server" : "client");
    cfg.conn = c->conn;
    cfg.conns_max = CONNS_MAX;
    cfg.peers_max = 0; /* each host knows one other */
    node = sim_node_new(c->w->sim, name + 1, &cfg);
    if (node != NULL && c->w->o->on_news != NULL)
        node->on_trace = on_trace;
    return node;
}

static bool add_locals(struct sim_scn_conn *c)
{
    const struct sim_scn_flow *f = flow_of(c);
    unsigned n = f->ecmp ? 1 : f->path_n;
    struct plait_local local = sim_scn_local(c, 0, true);
    int err = plait_local_add(c->server->stack, &local, c->w->sim->now);

    for (unsigned i = 0; i < n && err == 0; i++) {
        local = sim_scn_local(c, i, false);
        err = plait_local_add(c->client->stack, &local, c->w->sim->now);
    }
    return err == 0;
}

/* ---- routes ---------------------------------------------------------------------------------- */

static bool has_box(const struct sim_scn_conn *c, unsigned path)
{
    const struct sim_scn *s = c->w->s;

    for (unsigned i = 0; i < s->box_n; i++)
        if (s->box[i].flow == c->flow && s->box[i].path == path)
            return true;
    return false;
}

static uint16_t number(const struct sim_scn_hop *h, bool back)
{
    return (uint16_t)(2 * h->link + (h->back != back));
}

/* Each way: the access link at its beginning, then those of the path. */
static void make_hops(struct sim_scn_conn *c, unsigned path, plait_time access,
                      struct sim_route way[2])
{
    const struct sim_scn_path *p = path_of(c, path);
    bool box = has_box(c, path);

    for (unsigned back = 0; back < 2; back++) {
        struct sim_link_config cfg = {.delay = access};
        way[back].hop_n = 0;
        if (access > 0 || box)
            way[back].hop[way[back].hop_n++] = (uint16_t)sim_link_add(c->w->sim, &cfg);
        for (unsigned i = 0; i < p->hop_n; i++)
            way[back].hop[way[back].hop_n++] =
                number(&p->hop[back ? p->hop_n - 1 - i : i], back != 0);
    }
}

/* Routes know links by 16 bits. */
static bool has_room(struct sim_scn_world *w)
{
    if (w->sim->link_n + 2 <= UINT16_MAX)
        return true;
    sim_fail(w->sim, "there are too many links, with those of `access` and boxes");
    return false;
}

static bool add_boxes(struct sim_scn_conn *c, unsigned path, const struct sim_route way[2])
{
    const struct sim_scn *s = c->w->s;

    for (unsigned i = 0; i < s->box_n; i++)
        if (s->box[i].flow == c->flow && s->box[i].path == path) {
            if (c->w->boxes == NULL)
                c->w->boxes = sim_boxes_new(c->w->sim);
            if (!sim_boxes_add(c->w->boxes, s->box[i].name,
                               &(struct sim_box_at){way[0].hop[0], way[1].hop[0]})) {
                sim_fail(c->w->sim, "there are too many middleboxes");
                return false;
            }
        }
    return true;
}

static bool add_routes(struct sim_scn_conn *c)
{
    const struct sim_scn_flow *f = flow_of(c);
    plait_time access = sim_rng_between(&c->w->rng, f->access.lo, f->access.hi);

    for (unsigned i = 0; i < f->path_n; i++) {
        unsigned ends = f->ecmp ? 0 : i;
        struct sim_route way[2] = {
            {.src = address(c, ends, false), .dst = address(c, 0, true), .ecmp = f->ecmp},
            {.src = address(c, 0, true), .dst = address(c, ends, false), .ecmp = f->ecmp},
        };
        if (path_of(c, i)->hop_n == 0) /* there are fewer */
            continue;
        if (!has_room(c->w))
            return false;
        make_hops(c, i, access, way);
        sim_route_add(c->w->sim, c->server, &way[0]);
        sim_route_add(c->w->sim, c->client, &way[1]);
        if (!add_boxes(c, i, way))
            return false;
    }
    return true;
}

/* ---- traffic --------------------------------------------------------------------------------- */

static void stream(const struct sim_scn_flow *f, struct sim_flow_config *cfg)
{
    bool blocks = f->traffic == SIM_SCN_BLOCKS, bursts = f->traffic == SIM_SCN_BURSTS;

    cfg->kind = SIM_FLOW_STREAM;
    cfg->stream = (struct sim_flow_stream){
        .bytes = blocks || bursts ? f->size * f->times : f->size,
        .rate = f->rate,
        .down = f->reverse,
        .on = f->on,
        .off = bursts ? f->think : f->off,
        .burst = bursts ? f->size : 0,
        .exponential = f->exponential,
    };
    if (blocks) { /* as much in each interval; below 2^63, for a block has at most 2^30 bytes */
        cfg->stream.rate = f->size * 8 * PLAIT_SEC / f->every;
        cfg->stream.rate += cfg->stream.rate == 0;
    }
}

static void fetch(const struct sim_scn_flow *f, struct sim_flow_config *cfg, uint64_t *objects)
{
    enum { REQUEST = 300 };
    bool page = f->traffic == SIM_SCN_PAGE;

    for (unsigned i = 0; i < (page ? f->objects : 1); i++)
        objects[i] = f->response;
    cfg->kind = SIM_FLOW_FETCH;
    cfg->fetch = (struct sim_flow_fetch){
        .request = page ? REQUEST : (uint32_t)f->size,
        .object = objects,
        .object_n = page ? f->objects : 1,
        .conns = page ? f->conns : 1,
        .rounds = f->times != 0 ? f->times : page ? 1 : 0,
        .think = f->think,
        .exponential = f->exponential,
    };
}

static bool start_flow(struct sim_scn_conn *c, plait_time at)
{
    const struct sim_scn_flow *f = flow_of(c);
    uint64_t *objects = calloc(f->objects + 1, sizeof *objects);
    struct sim_flow_config cfg = {
        .client = c->client,
        .server = c->server,
        .local = address(c, 0, false),
        .remote = address(c, 0, true),
        .client_conn = &c->conn,
        .server_conn = &c->conn,
        .start = at,
        .stop = f->stop,
    };

    if (objects == NULL)
        abort();
    if (f->traffic == SIM_SCN_REQUEST || f->traffic == SIM_SCN_PAGE)
        fetch(f, &cfg, objects);
    else
        stream(f, &cfg);
    c->traffic = sim_flow_add(c->w->flows, &cfg);
    free(objects);
    if (c->traffic->error != 0)
        sim_fail(c->w->sim, plait_strerror(c->traffic->error));
    return c->traffic->error == 0;
}

static void start_cbr(struct sim_scn_conn *c, plait_time at)
{
    const struct sim_scn_flow *f = flow_of(c);
    struct sim_cbr_config cfg = {
        .hop_n = path_of(c, 0)->hop_n,
        .rate = f->rate,
        .size = f->packet,
        .start = at,
        .stop = f->stop,
        .on = f->on,
        .off = f->off,
        .exponential = f->exponential,
    };

    for (unsigned i = 0; i < cfg.hop_n; i++)
        cfg.hop[i] = number(&path_of(c, 0)->hop[f->reverse ? cfg.hop_n - 1 - i : i], f->reverse);
    c->cbr = sim_cbr_start(c->w->sim, &cfg);
}

static bool add_conn(struct sim_scn_conn *c)
{
    const struct sim_scn_flow *f = flow_of(c);
    plait_time at = sim_rng_between(&c->w->rng, f->start.lo, f->start.hi);

    if (f->traffic == SIM_SCN_CBR) {
        start_cbr(c, at);
        return true;
    }
    if (!configure(c->w, f, &c->conn)) {
        sim_fail(c->w->sim, "a flow has a policy 'own', and none was given, as by --cc FILE.so");
        return false;
    }
    c->client = make_node(c, false);
    c->server = make_node(c, true);
    if (c->client == NULL || c->server == NULL) {
        sim_fail(c->w->sim, "a host refused its configuration");
        return false;
    }
    if (!add_locals(c)) {
        sim_fail(c->w->sim, "a host refused an address");
        return false;
    }
    return add_routes(c) && start_flow(c, at);
}

/* ---- the world ------------------------------------------------------------------------------- */

/* Payload may be left out where nobody looks at it. */
static bool payload_matters(const struct sim_scn_world *w)
{
    bool matters = w->s->box_n > 0 || w->o->pcap != NULL;

    for (unsigned i = 0; i < w->s->flow_n; i++)
        matters = matters || w->s->flow[i].checksum;
    return matters;
}

static void add_links(struct sim_scn_world *w)
{
    const struct sim_scn *s = w->s;

    w->dir = calloc(s->link_n + 1, sizeof *w->dir);
    w->wire = calloc(2 * s->link_n + 1, sizeof *w->wire);
    if (w->dir == NULL || w->wire == NULL)
        abort();
    for (unsigned i = 0; i < s->link_n; i++)
        for (unsigned k = 0; k < 2; k++) {
            w->dir[i][k] = s->link[i].dir[k];
            (void)sim_link_add(w->sim, &s->link[i].dir[k].cfg);
        }
}

static void count_conns(struct sim_scn_world *w)
{
    const struct sim_scn *s = w->s;

    w->first = calloc(s->flow_n + 1, sizeof *w->first);
    w->times = calloc(s->flow_n + 1, sizeof *w->times);
    if (w->first == NULL || w->times == NULL)
        abort();
    for (unsigned i = 0; i < s->flow_n; i++)
        w->first[i + 1] = w->first[i] + s->flow[i].count;
    w->conn_n = w->first[s->flow_n];
    w->conn = calloc(w->conn_n, sizeof *w->conn);
    if (w->conn == NULL)
        abort();
}

bool sim_scn_build(struct sim_scn_world *w)
{
    w->sim->poison = false;
    w->sim->blank = !payload_matters(w);
    w->start = w->sim->now;
    w->flows = sim_flows_new(w->sim);
    sim_rng_init(&w->rng, sim_rng_u64(&w->sim->rng));
    add_links(w);
    count_conns(w);
    for (unsigned f = 0; f < w->s->flow_n; f++)
        for (unsigned i = 0; i < w->s->flow[f].count; i++) {
            struct sim_scn_conn *c = &w->conn[w->first[f] + i];
            c->w = w;
            c->flow = f;
            c->which = i;
            if (!add_conn(c))
                return false;
        }
    return true;
}

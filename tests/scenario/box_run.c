/* SPDX-License-Identifier: Apache-2.0 */
/* One connection behind middleboxes: data both ways, with a rest in the middle that lets firewalls
 * and NATs forget. Judged by the bytes that the applications get, and by what their ends say. */
#include "box_case.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 48 << 10, KEEP = BYTES + 4096, LIMIT = 900, SURE = 6 };

struct job {
    const struct box_case *c;
    struct world w;
    struct sim_boxes *boxes;
    struct sim_pair *pair;         /* the one that counts */
    struct sim_pair second;        /* where the first is for the cookie */
    uint8_t got[2][KEEP];          /* by client and server, where boxes edit payload */
};

/* ---- the world ------------------------------------------------------------------------------ */

static struct sim_app_config app(const struct job *j, unsigned who)
{
    bool edits = ((j->c->box[0].traits | j->c->box[1].traits) & SIM_BOX_EDITS) != 0;
    enum box_close last = who == 0 ? BOX_CLOSE_SERVER : BOX_CLOSE_CLIENT;

    return (struct sim_app_config){
        .send_bytes = BYTES,
        .write_max = 8192,
        .rest_at = BYTES / 2,
        .rest_for = PLAIT_SEC,
        .hold_close = j->c->close == last,
        .early = who == 0 && j->c->fastopen,
        .keep = edits ? (uint8_t *)(uintptr_t)j->got[who] : NULL,
        .keep_max = KEEP,
    };
}

static void prepare(struct job *j)
{
    const struct box_case *c = j->c;
    struct world *w = &j->w;

    world_init(w, c->place == BOX_TCP ? 1 : 2);
    w->client_cfg.conn.mptcp = w->server_cfg.conn.mptcp = c->place != BOX_TCP;
    w->client_cfg.conn.offer_versions = c->version == 0 ? PLAIT_MPTCP_V0 : PLAIT_MPTCP_V1;
    w->client_cfg.conn.checksum = c->csum;
    w->client_cfg.conn.ecn = PLAIT_ECN_ON;
    w->client_cfg.conn.fastopen = w->server_cfg.conn.fastopen = c->fastopen;
    w->client_cfg.conn.user_timeout = w->server_cfg.conn.user_timeout = 120 * PLAIT_SEC;
    /* Where a box acknowledged what it lost, one end waits for ever for what never comes. */
    w->client_cfg.conn.keepalive_idle = w->server_cfg.conn.keepalive_idle = 90 * PLAIT_SEC;
    w->client_cfg.conn.keepalive_probes = w->server_cfg.conn.keepalive_probes = 3;
    w->pair_cfg.client = app(j, 0);
    w->pair_cfg.server = app(j, 1);
    if (c->fastopen)
        w->pair_cfg.client = w->pair_cfg.server = (struct sim_app_config){.send_bytes = 100};
    for (unsigned i = 0; i < w->topo_cfg.path_n; i++) { /* what a box has merged may be large */
        w->topo_cfg.path[i].up.mtu = w->topo_cfg.path[i].down.mtu = 0;
        w->topo_cfg.path[i].family = c->family;
    }
    if (c->late)
        w->topo_cfg.path[1].client_flags = 0;
}

static void place_boxes(struct job *j)
{
    j->boxes = sim_boxes_new(j->w.sim);
    for (unsigned path = 0; path < j->w.topo_cfg.path_n; path++) {
        struct sim_box_at at = {j->w.topo.up[path], j->w.topo.down[path]};
        if (j->c->place < BOX_BOTH && path != (unsigned)j->c->place)
            continue;
        for (unsigned i = 0; i < 2 && j->c->box[i].name[0] != '\0'; i++)
            if (!sim_boxes_add(j->boxes, j->c->box[i].name, &at))
                fail_msg("no box %s", j->c->box[i].name);
    }
}

/* The second path may be used from now on. */
static void second_path(struct world *w)
{
    struct plait_local local = {
        .addr = sim_path_addr(&w->topo_cfg, 1, false), .id = 2, .flags = PLAIT_LOCAL_SUBFLOW,
        .mtu = 1500, .gso_max = w->topo_cfg.gso_max, .ifindex = 2,
    };

    assert_int_equal(plait_local_change(w->client->stack, &local, w->sim->now), 0);
}

static void run_for(struct job *j, plait_time how_long)
{
    struct world *w = &j->w;
    plait_time end = w->sim->now + how_long;

    sim_pump(w->sim);
    while (!sim_apps_done(&w->apps) && sim_apps_failure(&w->apps) == NULL && w->sim->now < end &&
           sim_step(w->sim))
        ;
}

/* ---- judgement ------------------------------------------------------------------------------ */

/* Three bytes that a box put in. Behind one that turns bytes, one of them may be another. */
static bool put_in(const uint8_t *b, uint64_t left, bool turns)
{
    unsigned plus = 0, turned = 0;

    for (unsigned i = 0; i < 3 && left >= 3; i++) {
        plus += b[i] == '+';
        turned += b[i] == ('+' ^ 0x20);
    }
    return plus == 3 || (turns && plus == 2 && turned == 1);
}

/* How many bytes of what came belong to what the box did at stream position pos, and how many of
 * the stream it stands for. False: it is no deed of such a box. */
static bool deed(const struct sim_app *a, unsigned traits, uint64_t got, uint64_t *pos)
{
    const uint8_t *b = a->cfg.keep + got;
    uint64_t stream = a->peer->stream, left = a->received - got;
    size_t sure = left < SURE ? (size_t)left : SURE;

    bool turns = (traits & SIM_BOX_TURNS) != 0;
    if (turns && (b[0] ^ sim_pattern_byte(stream, *pos)) == 0x20)
        return true;
    unsigned skip = turns && sure > 1; /* what follows may be turned */
    for (unsigned n = 3; (traits & SIM_BOX_SHRINKS) != 0 && n <= 6; n += 3) /* two may meet */
        if (sim_pattern_check(stream, *pos + n + skip, b + skip, sure - skip) == sure - skip) {
            *pos += n;
            return true;
        }
    if ((traits & SIM_BOX_GROWS) != 0 && put_in(b, left, turns)) {
        *pos -= 3; /* they stand for none */
        return true;
    }
    return false;
}

/* The stream with nothing but such deeds in it: not more of them than the boxes did. */
static bool only_edited(const struct job *j, const struct sim_app *a)
{
    unsigned traits = j->c->box[0].traits | j->c->box[1].traits;
    uint64_t got = 0, pos = 0, deeds = 0;

    while (got < a->received) {
        uint64_t good = sim_pattern_check(a->peer->stream, pos, a->cfg.keep + got,
                                          (size_t)(a->received - got));
        got += good;
        pos += good;
        if (got == a->received)
            break;
        uint64_t before = pos;
        if (!deed(a, traits, got, &pos) || ++deeds > sim_boxes_touched(j->boxes))
            return false;
        if (pos > before) /* bytes are missing: what came here is behind them */
            continue;
        if (pos < before) { /* bytes too many */
            got += 3;
            pos = before;
            continue;
        }
        got++;
        pos++;
    }
    return pos == a->peer->cfg.send_bytes;
}

static bool intact(const struct sim_app *a)
{
    if (a->error != 0 || !a->eof)
        return false;
    return a->received == a->peer->cfg.send_bytes &&
           (a->cfg.keep == NULL || sim_pattern_check(a->peer->stream, 0, a->cfg.keep,
                                                     (size_t)a->received) == a->received);
}

/* An end that is over without everything knows why not. */
static bool knows(const struct sim_app *a)
{
    return a->conn == NULL &&
           (a->eof || (a->error != 0 && a->reason != PLAIT_REASON_NONE) || !a->connected);
}

static enum box_end judge(const struct job *j)
{
    const struct sim_app *c = &j->pair->client, *s = &j->pair->server;

    if (j->w.sim->failure != NULL || sim_apps_failure(&j->w.apps) != NULL)
        return BOX_HANG;
    if (!sim_apps_done(&j->w.apps))
        return BOX_HANG;
    if (intact(c) && intact(s))
        return c->info.multipath && s->info.multipath ? BOX_MPTCP : BOX_PLAIN;
    if (c->error != 0 || s->error != 0 || !s->connected)
        return knows(c) && knows(s) ? BOX_ERROR : BOX_HANG;
    if (c->cfg.keep != NULL && only_edited(j, c) && only_edited(j, s))
        return BOX_EDITED;
    return BOX_WRONG;
}

static void tell(const struct job *j, struct box_result *r)
{
    const struct sim_app *c = &j->pair->client, *s = &j->pair->server;
    const char *what = j->w.sim->failure != NULL ? j->w.sim->failure
                                                 : sim_apps_failure(&j->w.apps);

    snprintf(r->note, sizeof r->note, "%s; client %d %s got %llu, server %d %s got %llu; %.1f s",
             what != NULL ? what : "", c->error, plait_reason_name(c->reason),
             (unsigned long long)c->received, s->error, plait_reason_name(s->reason),
             (unsigned long long)s->received, (double)(j->w.sim->now - c->started) / PLAIT_SEC);
}

static uint32_t alive(const struct sim_node *n)
{
    struct plait_stack_info info;

    plait_stack_info(n->stack, &info);
    return info.conns + info.half_open;
}

/* Nobody is left behind and nothing leaks. */
static void clean_up(struct job *j, struct box_result *r)
{
    struct world *w = &j->w;
    plait_time limit = r->end == BOX_HANG ? 0 : w->sim->now + LIMIT * PLAIT_SEC;

    plait_listener_close(w->apps.listener, w->sim->now);
    sim_pump(w->sim);
    while (alive(w->client) + alive(w->server) > 0 && w->sim->now < limit && sim_step(w->sim))
        ;
    if (limit > 0 && (w->sim->failure != NULL || alive(w->client) + alive(w->server) > 0)) {
        r->end = BOX_HANG;
        strncat(r->note, " (lingers)", sizeof r->note - strlen(r->note) - 1);
    }
    sim_node_stop(w->client);
    sim_node_stop(w->server);
    if (w->client->live + w->server->live > 0)
        fail_msg("memory leaks");
    sim_boxes_free(j->boxes);
    assert_true(sim_pcap_close(w->sim));
    sim_free(w->sim);
}

/* After a first connection, which brought the cookie. */
static void start_second(struct job *j)
{
    struct sim_pair_config cfg = j->w.pair_cfg;

    run_for(j, LIMIT * PLAIT_SEC);
    cfg.client = app(j, 0);
    cfg.server = app(j, 1);
    j->pair = &j->second;
    assert_int_equal(sim_pair_start(&j->w.apps, &j->second, &cfg), 0);
}

struct box_result box_run(const struct box_case *c)
{
    struct box_result r = {.end = BOX_HANG};
    struct job *j = calloc(1, sizeof *j);

    assert_non_null(j);
    j->c = c;
    j->pair = &j->w.pair;
    prepare(j);
    world_start(&j->w);
    j->w.apps.nat = true;
    place_boxes(j);
    if (c->fastopen)
        start_second(j);
    run_for(j, c->late ? 500 * PLAIT_MSEC : LIMIT * PLAIT_SEC);
    if (c->late) {
        second_path(&j->w);
        run_for(j, LIMIT * PLAIT_SEC);
    }
    r.end = judge(j);
    r.touched = sim_boxes_touched(j->boxes);
    tell(j, &r);
    clean_up(j, &r);
    free(j);
    return r;
}

/* ---- names ---------------------------------------------------------------------------------- */

const char *box_end_name(enum box_end end)
{
    switch (end) {
    case BOX_MPTCP: return "MPTCP";
    case BOX_PLAIN: return "plain TCP";
    case BOX_EDITED: return "as the box wrote it";
    case BOX_ERROR: return "error";
    case BOX_WRONG: return "wrong bytes";
    default: return "HANG";
    }
}

void box_tell(const struct box_case *c, char *to, size_t size)
{
    snprintf(to, size, "%s%s%s %d,%d,%d,%d,%d,%d,%d", c->box[0].name,
             c->box[1].name[0] != '\0' ? "+" : "", c->box[1].name, (int)c->place, c->csum,
             c->family, c->version, c->late, c->fastopen, (int)c->close);
}

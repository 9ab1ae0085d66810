/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a scenario: builds its world, lets time go from one thing to look at to the next (events,
 * samples, the end of the warm-up), and makes results of what was counted. Called by `plait sim`
 * and by tests. */
#include "scn_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap.h"

enum { BLOCKS_STEP = 1000 }; /* how often blocks are looked at, microseconds */

/* ---- events ---------------------------------------------------------------------------------- */

static void change_link(struct sim_scn_world *w, const struct sim_scn_event *ev)
{
    for (unsigned k = 0; k < 2; k++) {
        unsigned number = 2 * ev->link + k;
        sim_scn_wire_until_now(w, number);
        sim_scn_dir_apply(&w->dir[ev->link][k], &ev->dir[k]);
        sim_link_change(&w->sim->link[number], &w->dir[ev->link][k].cfg);
    }
}

static void change_path(struct sim_scn_conn *c, const struct sim_scn_event *ev)
{
    struct plait_local local = sim_scn_local(c, ev->path, false);
    struct plait_stack *stack = c->client->stack;
    plait_time now = c->w->sim->now;

    if (ev->what == SIM_SCN_PATH_GONE) {
        (void)(ev->flag ? plait_local_del(stack, local.id, now)
                        : plait_local_add(stack, &local, now));
        return;
    }
    if (ev->what == SIM_SCN_PATH_PRIO)
        local.flags = (uint8_t)(ev->flag ? local.flags | PLAIT_LOCAL_BACKUP
                                         : local.flags & ~PLAIT_LOCAL_BACKUP);
    else if (ev->flag)
        local.flags |= PLAIT_LOCAL_DOWN;
    (void)plait_local_change(stack, &local, now);
}

static void happen(struct sim_scn_world *w, const struct sim_scn_event *ev)
{
    if (ev->what == SIM_SCN_LINK_CHANGE) {
        change_link(w, ev);
        return;
    }
    for (unsigned i = 0; i < w->s->flow[ev->flow].count; i++)
        change_path(&w->conn[w->first[ev->flow] + i], ev);
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool watches_blocks(const struct sim_scn *s)
{
    for (unsigned i = 0; i < s->flow_n; i++)
        if (s->flow[i].traffic == SIM_SCN_BLOCKS)
            return true;
    return false;
}

static plait_time earlier(plait_time a, plait_time b)
{
    return a < b ? a : b;
}

/* Lets time go on to `until`; blocks are looked at in between. */
static bool go(struct sim_scn_world *w, plait_time until, bool blocks)
{
    while (blocks && w->sim->now + BLOCKS_STEP < until) {
        if (!sim_run_until(w->sim, w->sim->now + BLOCKS_STEP))
            return false;
        sim_scn_watch_blocks(w);
    }
    if (!sim_run_until(w->sim, until))
        return false;
    if (blocks)
        sim_scn_watch_blocks(w);
    return true;
}

static void run(struct sim_scn_world *w)
{
    const struct sim_scn *s = w->s;
    bool blocks = watches_blocks(s), warm = false;
    plait_time end = w->start + s->run, sample = w->start + s->sample, next;

    while (w->sim->now < end || !warm) {
        if (!warm && w->sim->now >= w->start + s->warmup) {
            sim_scn_warm(w);
            warm = true;
        }
        while (w->next_event < s->event_n &&
               w->start + s->event[w->next_event].at <= w->sim->now)
            happen(w, &s->event[w->next_event++]);
        next = earlier(sample, end);
        if (!warm)
            next = earlier(next, w->start + s->warmup);
        if (w->next_event < s->event_n)
            next = earlier(next, w->start + s->event[w->next_event].at);
        if (!go(w, next, blocks))
            return;
        if (next == sample) {
            sim_scn_sample(w, warm);
            sample += s->sample;
            if (s->until_done && warm && sim_flows_done(w->flows))
                return;
        }
    }
}

/* ---- reports --------------------------------------------------------------------------------- */

static void evaluate(struct sim_scn_result *r)
{
    const struct sim_scn *s = r->scn;

    r->report = calloc(s->report_n + 1, sizeof *r->report);
    if (r->report == NULL)
        abort();
    for (unsigned i = 0; i < s->report_n; i++) {
        struct sim_scn_expr x = {.lookup = sim_scn_field_value, .ctx = r, .fields = true};
        r->report[i].good =
            sim_scn_eval(&x, s->report[i].expr, strlen(s->report[i].expr), &r->report[i].value);
        memcpy(r->report[i].why, x.error, sizeof x.error);
    }
}

/* ---- packets --------------------------------------------------------------------------------- */

static void on_packet(void *ctx, const struct sim_node *node, bool out,
                      const struct plait_view *packet)
{
    const struct sim_scn_world *w = ctx;
    bool server;
    const struct sim_scn_conn *c = sim_scn_owner(node, &server);

    w->o->on_packet(w->o->ctx, &(struct sim_scn_packet){.at = w->sim->now - w->start,
                                                        .flow = c->flow,
                                                        .which = c->which,
                                                        .server = server,
                                                        .out = out,
                                                        .bytes = *packet});
}

static void open_captures(struct sim_scn_world *w)
{
    if (w->o->pcap != NULL && sim_pcap_open(w->sim, w->o->pcap) == NULL)
        sim_fail(w->sim, "the file for the packets cannot be written");
    if (w->o->on_packet != NULL)
        sim_pcap_tap(w->sim, on_packet, w);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What never may be: a byte was wrong. */
static const char *broken(const struct sim_scn_world *w)
{
    const char *failure = sim_flows_failure(w->flows);

    return failure != NULL ? failure : w->sim->failure;
}

static void tear_down(struct sim_scn_world *w)
{
    for (unsigned i = 0; i < w->s->flow_n; i++)
        free(w->times[i].took);
    if (w->boxes != NULL)
        sim_boxes_free(w->boxes);
    sim_flows_free(w->flows);
    sim_free(w->sim);
    free(w->conn);
    free(w->first);
    free(w->times);
    free(w->dir);
    free(w->wire);
}

struct sim_scn_result *sim_scn_run(const struct sim_scn *s, const struct sim_scn_options *o)
{
    struct sim_scn_world w = {.s = s, .o = o, .sim = sim_new(s->seed)};
    struct sim_scn_result *r = calloc(1, sizeof *r);

    if (r == NULL)
        abort();
    r->scn = s;
    open_captures(&w);
    if (sim_scn_build(&w) && w.sim->failure == NULL)
        run(&w);
    if (!sim_pcap_close(w.sim))
        sim_fail(w.sim, "the file for the packets could not be written");
    sim_scn_fill_result(&w, r);
    r->failure = broken(&w);
    evaluate(r);
    tear_down(&w);
    return r;
}

void sim_scn_result_free(struct sim_scn_result *r)
{
    for (unsigned i = 0; i < r->scn->flow_n; i++) {
        free(r->flow[i].each);
        free(r->flow[i].path);
    }
    free(r->flow);
    free(r->link);
    free(r->report);
    free(r);
}

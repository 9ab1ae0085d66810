/* SPDX-License-Identifier: Apache-2.0 */
/* Each middlebox of the table, in the way of one path, the other, or both of a
 * connection with two paths, and in the way of plain TCP; without and with DSS checksums; data both
 * ways, with a rest in the middle that lets firewalls and NATs forget.
 *
 * What may come of it stands in the table beside the box.
 *
 *     scenario_boxes --table > doc/middleboxes.md      (`make middleboxes`)
 *     scenario_boxes --run NAME[+NAME] PLACE CSUM       one run; PLAIT_PCAP=file records it */
#include "world.h"

#include "sim/middlebox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 48 << 10, LIMIT = 600, HANG = 0 };

static const char *const place_name[SIM_BOX_PLACES] = {"path 1", "path 2", "both", "plain TCP"};

/* One run's end: a bit of enum sim_box_end, or HANG, and what to say about it. */
struct result {
    unsigned end;
    uint64_t touched;
    char note[160];
};

/* ---- one run -------------------------------------------------------------------------------- */

static void prepare(struct world *w, enum sim_box_place place, bool csum)
{
    world_init(w, place == SIM_BOX_TCP ? 1 : 2);
    w->client_cfg.conn.mptcp = w->server_cfg.conn.mptcp = place != SIM_BOX_TCP;
    w->client_cfg.conn.checksum = csum;
    w->client_cfg.conn.user_timeout = w->server_cfg.conn.user_timeout = 120 * PLAIT_SEC;
    w->pair_cfg.client = (struct sim_app_config){
        .send_bytes = BYTES, .write_max = 8192, .rest_at = BYTES / 2, .rest_for = PLAIT_SEC,
    };
    w->pair_cfg.server = w->pair_cfg.client;
    for (unsigned i = 0; i < w->topo_cfg.path_n; i++) /* what a box has merged may be large */
        w->topo_cfg.path[i].up.mtu = w->topo_cfg.path[i].down.mtu = 0;
}

static bool place_boxes(const struct world *w, struct sim_boxes *boxes, const char *const name[2],
                        enum sim_box_place place)
{
    for (unsigned path = 0; path < w->topo_cfg.path_n; path++) {
        struct sim_box_at at = {w->topo.up[path], w->topo.down[path]};
        if (place < SIM_BOX_BOTH && path != (unsigned)place)
            continue;
        for (unsigned i = 0; i < 2 && name[i] != NULL; i++)
            if (!sim_boxes_add(boxes, name[i], &at))
                return false;
    }
    return true;
}

static bool all_there(const struct sim_app *a)
{
    return a->error == 0 && a->eof && a->received == a->peer->cfg.send_bytes;
}

/* An end that is over either has everything or knows why not. */
static bool knows(const struct sim_app *a)
{
    return a->conn == NULL &&
           (all_there(a) || (a->error != 0 && a->reason != PLAIT_REASON_NONE) || !a->connected);
}

static unsigned judge(const struct world *w)
{
    const struct sim_app *c = &w->pair.client, *s = &w->pair.server;

    if (sim_apps_failure(&w->apps) != NULL)
        return SIM_BOX_WRONG;
    if (!sim_apps_done(&w->apps))
        return HANG;
    if (all_there(c) && all_there(s))
        return c->info.multipath && s->info.multipath ? SIM_BOX_MPTCP : SIM_BOX_PLAIN;
    return knows(c) && knows(s) ? SIM_BOX_ERROR : HANG;
}

static void tell(const struct world *w, struct result *r)
{
    const struct sim_app *c = &w->pair.client, *s = &w->pair.server;
    const char *what = w->sim->failure != NULL ? w->sim->failure : sim_apps_failure(&w->apps);

    snprintf(r->note, sizeof r->note, "%s; client %d %s got %llu, server %d %s got %llu; %.1f s",
             what != NULL ? what : "", c->error, plait_reason_name(c->reason),
             (unsigned long long)c->received, s->error, plait_reason_name(s->reason),
             (unsigned long long)s->received, (double)(w->sim->now - c->started) / PLAIT_SEC);
}

static uint32_t alive(const struct sim_node *n)
{
    struct plait_stack_info info;

    plait_stack_info(n->stack, &info);
    return info.conns + info.half_open;
}

/* Nobody is left behind and nothing leaks. Without an end that failed, all must go by itself. */
static void clean_up(struct world *w, struct result *r)
{
    plait_time limit = w->sim->now + LIMIT * PLAIT_SEC;

    if (r->end == HANG || r->end == SIM_BOX_WRONG)
        limit = 0;
    plait_listener_close(w->apps.listener, w->sim->now);
    sim_pump(w->sim);
    while (alive(w->client) + alive(w->server) > 0 && w->sim->now < limit && sim_step(w->sim))
        ;
    if (limit > 0 && (w->sim->failure != NULL || alive(w->client) + alive(w->server) > 0)) {
        r->end = HANG;
        tell(w, r);
        strncat(r->note, " (lingers)", sizeof r->note - strlen(r->note) - 1);
    }
    sim_node_stop(w->client);
    sim_node_stop(w->server);
    if (w->client->live + w->server->live > 0)
        fail_msg("memory leaks");
}

static struct result run(const char *const name[2], enum sim_box_place place, bool csum)
{
    struct result r = {.end = HANG};
    struct world w;

    prepare(&w, place, csum);
    world_start(&w);
    w.apps.nat = true;
    struct sim_boxes *boxes = sim_boxes_new(w.sim);
    if (!place_boxes(&w, boxes, name, place))
        fail_msg("no box %s", name[0]);
    plait_time end = w.sim->now + LIMIT * PLAIT_SEC;
    sim_pump(w.sim);
    while (!sim_apps_done(&w.apps) && sim_apps_failure(&w.apps) == NULL && w.sim->now < end &&
           sim_step(w.sim))
        ;
    r.end = w.sim->failure != NULL ? HANG : judge(&w);
    r.touched = sim_boxes_touched(boxes);
    tell(&w, &r);
    clean_up(&w, &r);
    sim_boxes_free(boxes);
    assert_true(sim_pcap_close(w.sim));
    sim_free(w.sim);
    return r;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const char *end_name(unsigned end)
{
    switch (end) {
    case SIM_BOX_MPTCP: return "MPTCP";
    case SIM_BOX_PLAIN: return "plain TCP";
    case SIM_BOX_ERROR: return "error";
    case SIM_BOX_WRONG: return "wrong bytes";
    default: return "HANG";
    }
}

static unsigned failures;

static void expect(const char *const name[2], enum sim_box_place place, bool csum, unsigned allowed,
                   const struct result *r)
{
    if ((r->end & allowed) != 0)
        return;
    failures++;
    print_message("%s%s%s, %s, checksums %s: %s: %s\n", name[0], name[1] != NULL ? "+" : "",
                  name[1] != NULL ? name[1] : "", place_name[place], csum ? "on" : "off",
                  end_name(r->end), r->note);
}

static unsigned cell(const struct sim_box_row *row, enum sim_box_place place, bool csum)
{
    const char *name[2] = {row->name, NULL};
    struct result r = run(name, place, csum);

    expect(name, place, csum, row->ends[csum][place], &r);
    return r.end;
}

struct text {
    size_t n;
    char s[32768];
};

static void put(struct text *t, const char *s)
{
    size_t len = strlen(s);

    assert_true(t->n + len < sizeof t->s);
    memcpy(t->s + t->n, s, len + 1);
    t->n += len;
}

static void put_row(struct text *t, const struct sim_box_row *row)
{
    put(t, "| `");
    put(t, row->name);
    put(t, "` | ");
    put(t, row->does);
    for (unsigned place = 0; place < SIM_BOX_PLACES; place++) {
        unsigned off = cell(row, (enum sim_box_place)place, false);
        unsigned on = place == SIM_BOX_TCP ? off : cell(row, (enum sim_box_place)place, true);
        put(t, " | ");
        put(t, end_name(off));
        if (on != off) {
            put(t, " / ");
            put(t, end_name(on));
        }
    }
    put(t, " | ");
    put(t, row->why != NULL ? row->why : "");
    put(t, " |\n");
}

static void make_table(struct text *t)
{
    put(t, "# What middleboxes do to a connection\n\n"
           "Made by `make middleboxes` from runs in the simulator; a test fails where it is "
           "stale.\n"
           "A connection with two paths sends data both ways, with a rest of one second in the\n"
           "middle; the box stands on path 1, where the connection begins, on path 2, on both, or\n"
           "in the way of plain TCP. Where DSS checksums make a difference, the second word is "
           "the\n"
           "outcome with them.\n\n"
           "| box | what it does | path 1 | path 2 | both | plain TCP | why not better |\n"
           "|---|---|---|---|---|---|---|\n");
    for (unsigned i = 0; i < sim_box_table_n; i++)
        put_row(t, &sim_box_table[i]);
}

static struct text made;

static void test_alone(void **state)
{
    failures = 0;
    make_table(&made);
    assert_int_equal(failures, 0);
}

/* The committed table is the one that these runs make. */
static void test_table_is_fresh(void **state)
{
    static char have[sizeof made.s];
    FILE *f = fopen(TEST_DOC "/middleboxes.md", "r");

    assert_non_null(f);
    have[fread(have, 1, sizeof have - 1, f)] = '\0';
    fclose(f);
    if (strcmp(have, made.s) != 0)
        fail_msg("doc/middleboxes.md is stale: run `make middleboxes` and look at what changed");
}

/* Each box of the table meets something to act on, in the way of MPTCP. */
static void test_each_acts(void **state)
{
    for (unsigned i = 0; i < sim_box_table_n; i++) {
        const char *name[2] = {sim_box_table[i].name, NULL};
        if (run(name, SIM_BOX_BOTH, true).touched == 0 && !sim_box_table[i].rare)
            fail_msg("%s does nothing", name[0]);
    }
}

static int run_one(char **argv)
{
    char *plus = strchr(argv[0], '+');
    const char *name[2] = {argv[0], plus != NULL ? plus + 1 : NULL};

    if (plus != NULL)
        *plus = '\0';
    struct result r = run(name, (enum sim_box_place)atoi(argv[1]), atoi(argv[2]) != 0);
    printf("%s: %s; touched %llu\n", end_name(r.end), r.note, (unsigned long long)r.touched);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_table_is_fresh),
        cmocka_unit_test(test_each_acts),
    };

    if (argc == 5 && strcmp(argv[1], "--run") == 0)
        return run_one(argv + 2);
    if (argc == 2 && strcmp(argv[1], "--table") == 0) {
        make_table(&made);
        fputs(made.s, stdout);
        return failures > 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Results of scenarios in print. In JSON, rates are bits per second, sizes bytes, times seconds;
 * nothing depends on the machine. Called by sim_scenario.c and the workers of a sweep. */
#include "sim_show.h"

#include <stdio.h>
#include <string.h>

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_value(struct json *j, const char *key, enum sim_scn_kind kind, int64_t v)
{
    if (kind == SIM_SCN_RATE || kind == SIM_SCN_SIZE)
        v = v / SIM_SCN_ONE * SIM_SCN_ONE;
    json_millionths(j, key, v);
}

static void put_fields(struct json *j, const struct sim_scn_field *fields, unsigned n,
                       const int64_t *v)
{
    for (unsigned i = 0; i < n; i++)
        put_value(j, fields[i].name, fields[i].kind, v[i]);
}

static void put_params(const struct sim_scn *s, struct json *j)
{
    json_object(j, "params");
    for (unsigned i = 0; i < s->param_n; i++) {
        if (s->param[i].value.kind == SIM_SCN_NUMBER)
            json_millionths(j, s->param[i].name, s->param[i].value.v);
        else
            json_string(j, s->param[i].name, s->param[i].text);
    }
    json_object_end(j);
}

static void put_reports(const struct sim_scn_result *r, struct json *j)
{
    json_object(j, "reports");
    for (unsigned i = 0; i < r->scn->report_n; i++) {
        const struct sim_scn_report_result *one = &r->report[i];
        if (!one->good)
            json_null(j, r->scn->report[i].name);
        else if (one->value.kind == SIM_SCN_WORD)
            json_string(j, r->scn->report[i].name, one->value.word);
        else
            put_value(j, r->scn->report[i].name, one->value.kind, one->value.v);
    }
    json_object_end(j);
}

static void put_flow(const struct sim_scn_flow *f, const struct sim_scn_flow_result *r,
                     struct json *j)
{
    json_object(j, f->name);
    json_number(j, "count", f->count);
    put_fields(j, sim_scn_flow_fields, SIM_SCN_MEAN_TIME, r->field);
    if (r->timed)
        put_fields(j, sim_scn_flow_fields + SIM_SCN_MEAN_TIME, SIM_SCN_STALL - SIM_SCN_MEAN_TIME,
                   r->field + SIM_SCN_MEAN_TIME);
    put_fields(j, sim_scn_flow_fields + SIM_SCN_STALL, SIM_SCN_FLOW_FIELDS - SIM_SCN_STALL,
               r->field + SIM_SCN_STALL);
    json_array(j, "paths");
    for (unsigned i = 0; i < r->path_n; i++) {
        json_object(j, NULL);
        put_fields(j, sim_scn_path_fields, SIM_SCN_PATH_FIELDS, r->path[i].field);
        json_object_end(j);
    }
    json_array_end(j);
    if (f->count > 1) {
        json_array(j, "each");
        for (unsigned i = 0; i < f->count; i++)
            put_value(j, NULL, SIM_SCN_RATE, r->each[i]);
        json_array_end(j);
    }
    json_object_end(j);
}

static bool is_first(const struct sim_scn *s, unsigned link)
{
    return s->link[link].group < 0 || s->tree[s->link[link].group].link == link;
}

static const char *link_name(const struct sim_scn *s, unsigned link)
{
    return s->link[link].group < 0 ? s->link[link].name : s->tree[s->link[link].group].name;
}

static void put_links(const struct sim_scn_result *r, struct json *j)
{
    json_object(j, "links");
    for (unsigned i = 0; i < r->scn->link_n; i++) {
        if (!is_first(r->scn, i))
            continue;
        json_object(j, link_name(r->scn, i));
        put_fields(j, sim_scn_link_fields, SIM_SCN_LINK_FIELDS, r->link[i].field[0]);
        json_object(j, "back");
        put_fields(j, sim_scn_link_fields, SIM_SCN_LINK_FIELDS, r->link[i].field[1]);
        json_object_end(j);
        json_object_end(j);
    }
    json_object_end(j);
}

void sim_show_json(const struct sim_show *s, struct json *j)
{
    const struct sim_scn_result *r = s->result;
    char hash[20];

    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)s->hash);
    json_object(j, NULL);
    json_number(j, "run", s->run);
    json_string(j, "hash", hash);
    json_string(j, "scenario", s->scenario);
    json_number(j, "seed", s->scn->seed);
    put_params(s->scn, j);
    if (r->failure != NULL)
        json_string(j, "failure", r->failure);
    json_fraction(j, "time", r->took, 6);
    json_number(j, "packets", r->packets);
    put_reports(r, j);
    json_object(j, "flows");
    for (unsigned i = 0; i < s->scn->flow_n; i++)
        put_flow(&s->scn->flow[i], &r->flow[i], j);
    json_object_end(j);
    put_links(r, j);
    json_object_end(j);
}

/* ---- for people ------------------------------------------------------------------------------ */

/* Four digits or so: value / 10^6 times 1 / unit. */
static void scaled(char *to, size_t size, int64_t v, int64_t unit, const char *name)
{
    uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, whole = m / (uint64_t)unit;
    uint64_t rest = m % (uint64_t)unit;
    unsigned digits = whole >= 1000 ? 0 : whole >= 100 ? 1 : whole >= 10 ? 2 : 3;
    uint64_t scale = digits == 0 ? 1 : digits == 1 ? 10 : digits == 2 ? 100 : 1000;
    uint64_t part = unit >= 1000 ? rest / ((uint64_t)unit / scale) : rest * scale / (uint64_t)unit;

    part = part < scale ? part : scale - 1;
    if (digits == 0)
        (void)snprintf(to, size, "%s%llu%s", v < 0 ? "-" : "", (unsigned long long)whole, name);
    else
        (void)snprintf(to, size, "%s%llu.%0*llu%s", v < 0 ? "-" : "", (unsigned long long)whole,
                       (int)digits, (unsigned long long)part, name);
}

void sim_show_value(const struct sim_scn_value *v, char *to, size_t size)
{
    static const struct {
        enum sim_scn_kind kind;
        int64_t least, unit;
        const char *name;
    } units[] = {
        {SIM_SCN_RATE, 1000000000000000, 1000000000000000, " Gbit/s"},
        {SIM_SCN_RATE, 1000000000000, 1000000000000, " Mbit/s"},
        {SIM_SCN_RATE, 0, 1000000000, " kbit/s"},
        {SIM_SCN_TIME, 1000000, 1000000, " s"},
        {SIM_SCN_TIME, 0, 1000, " ms"},
        {SIM_SCN_SIZE, 1000000000000, 1000000000000, " MB"},
        {SIM_SCN_SIZE, 1000000000, 1000000000, " kB"},
        {SIM_SCN_SIZE, 0, 1000000, " B"},
        {SIM_SCN_PKT, 0, 1000000, " packets"},
        {SIM_SCN_NUMBER, 0, 1000000, ""},
    };
    int64_t m = v->v < 0 ? -v->v : v->v;

    for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].kind == v->kind && m >= units[i].least) {
            scaled(to, size, v->v, units[i].unit, units[i].name);
            return;
        }
    (void)snprintf(to, size, "%s", v->word);
}

static void cell(enum sim_scn_kind kind, int64_t v)
{
    char text[40];

    sim_show_value(&(struct sim_scn_value){.kind = kind, .v = v}, text, sizeof text);
    (void)printf(" %14s", text);
}

static void share(int64_t v)
{
    char text[40];

    scaled(text, sizeof text, v, SIM_SCN_ONE / 100, " %");
    (void)printf(" %14s", text);
}

static void flow_rows(const struct sim_scn_flow *f, const struct sim_scn_flow_result *r)
{
    char name[SIM_SCN_NAME_MAX + 16];

    (void)snprintf(name, sizeof name, f->count > 1 ? "%s (%u)" : "%s", f->name, f->count);
    (void)printf("%-16s", name);
    cell(SIM_SCN_RATE, r->field[SIM_SCN_GOODPUT]);
    if (r->timed) {
        (void)printf(" %14s %14s %14s", "", "", "");
        cell(SIM_SCN_TIME, r->field[SIM_SCN_P50]);
        cell(SIM_SCN_TIME, r->field[SIM_SCN_P99]);
    }
    (void)printf("\n");
    for (unsigned i = 0; i < r->path_n; i++) {
        (void)printf("  path %-9u", i + 1);
        cell(SIM_SCN_RATE, r->path[i].field[SIM_SCN_PATH_GOODPUT]);
        cell(SIM_SCN_TIME, r->path[i].field[SIM_SCN_PATH_RTT]);
        cell(SIM_SCN_SIZE, r->path[i].field[SIM_SCN_PATH_CWND]);
        share(r->path[i].field[SIM_SCN_PATH_LOSS]);
        (void)printf("\n");
    }
}

static void link_rows(const struct sim_scn_result *r)
{
    (void)printf("\n%-16s %14s %14s %14s %14s\n", "link", "load", "loss", "drops", "queue");
    for (unsigned i = 0; i < r->scn->link_n; i++) {
        const int64_t *field = r->link[i].field[0];
        if (!is_first(r->scn, i))
            continue;
        (void)printf("%-16s", link_name(r->scn, i));
        share(field[SIM_SCN_LOAD]);
        share(field[SIM_SCN_LOSS]);
        cell(SIM_SCN_NUMBER, field[SIM_SCN_DROPS]);
        cell(SIM_SCN_SIZE, field[SIM_SCN_QUEUE]);
        (void)printf("\n");
    }
}

void sim_show_table(const struct sim_show *s)
{
    const struct sim_scn_result *r = s->result;
    char text[SIM_SCN_TELL_MAX];

    if (s->scn->title[0] != '\0')
        (void)printf("%s\n\n", s->scn->title);
    (void)printf("%-16s %14s %14s %14s %14s %14s %14s\n", "flow", "goodput", "rtt", "cwnd", "loss",
                 "time p50", "p99");
    for (unsigned i = 0; i < s->scn->flow_n; i++)
        flow_rows(&s->scn->flow[i], &r->flow[i]);
    link_rows(r);
    if (s->scn->report_n > 0)
        (void)printf("\n");
    for (unsigned i = 0; i < s->scn->report_n; i++) {
        sim_show_value(&r->report[i].value, text, sizeof text);
        (void)printf("%-16s %14s\n", s->scn->report[i].name,
                     r->report[i].good ? text : r->report[i].why);
    }
}

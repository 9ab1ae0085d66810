/* SPDX-License-Identifier: Apache-2.0 */
/* The names of what is measured. Called by the parser, which checks the names of reports, and by
 * the runner, which looks them up. */
#include "scn_result.h"

#include <stdio.h>
#include <string.h>

#include "scn_parse.h"

const struct sim_scn_field sim_scn_flow_fields[SIM_SCN_FLOW_FIELDS] = {
    [SIM_SCN_GOODPUT] = {"goodput", SIM_SCN_RATE},
    [SIM_SCN_TOTAL] = {"total", SIM_SCN_RATE},
    [SIM_SCN_LEAST] = {"min", SIM_SCN_RATE},
    [SIM_SCN_MOST] = {"max", SIM_SCN_RATE},
    [SIM_SCN_JAIN] = {"jain", SIM_SCN_NUMBER},
    [SIM_SCN_DONE] = {"done", SIM_SCN_NUMBER},
    [SIM_SCN_OPEN] = {"open", SIM_SCN_NUMBER},
    [SIM_SCN_MEAN_TIME] = {"time", SIM_SCN_TIME},
    [SIM_SCN_P50] = {"p50", SIM_SCN_TIME},
    [SIM_SCN_P90] = {"p90", SIM_SCN_TIME},
    [SIM_SCN_P95] = {"p95", SIM_SCN_TIME},
    [SIM_SCN_P99] = {"p99", SIM_SCN_TIME},
    [SIM_SCN_WORST] = {"worst", SIM_SCN_TIME},
    [SIM_SCN_STALL] = {"stall", SIM_SCN_TIME},
    [SIM_SCN_SENT] = {"sent", SIM_SCN_SIZE},
    [SIM_SCN_RETRANSMITTED] = {"retransmitted", SIM_SCN_SIZE},
    [SIM_SCN_RESTARTS] = {"restarts", SIM_SCN_NUMBER},
    [SIM_SCN_REINJECTED] = {"reinjected", SIM_SCN_SIZE},
    [SIM_SCN_DUPLICATE] = {"duplicate", SIM_SCN_SIZE},
};

const struct sim_scn_field sim_scn_path_fields[SIM_SCN_PATH_FIELDS] = {
    [SIM_SCN_PATH_GOODPUT] = {"goodput", SIM_SCN_RATE},
    [SIM_SCN_PATH_RTT] = {"rtt", SIM_SCN_TIME},
    [SIM_SCN_PATH_CWND] = {"cwnd", SIM_SCN_SIZE},
    [SIM_SCN_PATH_LOSS] = {"loss", SIM_SCN_NUMBER},
    [SIM_SCN_PATH_SENT] = {"sent", SIM_SCN_SIZE},
    [SIM_SCN_PATH_RETRANSMITTED] = {"retransmitted", SIM_SCN_SIZE},
    [SIM_SCN_PATH_RESTARTS] = {"restarts", SIM_SCN_NUMBER},
};

const struct sim_scn_field sim_scn_link_fields[SIM_SCN_LINK_FIELDS] = {
    [SIM_SCN_LOAD] = {"load", SIM_SCN_NUMBER},
    [SIM_SCN_PACKETS] = {"packets", SIM_SCN_NUMBER},
    [SIM_SCN_DROPS] = {"drops", SIM_SCN_NUMBER},
    [SIM_SCN_LOSS] = {"loss", SIM_SCN_NUMBER},
    [SIM_SCN_MARKS] = {"marks", SIM_SCN_NUMBER},
    [SIM_SCN_QUEUE] = {"queue", SIM_SCN_SIZE},
    [SIM_SCN_QUEUE_MAX] = {"queue_max", SIM_SCN_SIZE},
};

unsigned sim_scn_path_figures(const struct sim_scn_flow *f)
{
    unsigned n = f->ecmp && f->subflows != 0 ? f->subflows : f->ecmp ? 1 : f->path_n;

    return f->traffic == SIM_SCN_CBR ? 0 : n < SIM_SCN_PATHS_MAX ? n : SIM_SCN_PATHS_MAX;
}

enum sim_scn_kind sim_scn_target_kind(const struct sim_scn_target *t)
{
    return t->link >= 0   ? sim_scn_link_fields[t->field].kind
           : t->path >= 0 ? sim_scn_path_fields[t->field].kind
                          : sim_scn_flow_fields[t->field].kind;
}

/* ---- finding --------------------------------------------------------------------------------- */

struct text {
    const char *at;
    size_t len;
};

static bool is(const struct text *t, const char *word)
{
    return strlen(word) == t->len && memcmp(t->at, word, t->len) == 0;
}

/* Up to the next point, which is passed. */
static struct text part(struct text *t)
{
    const char *dot = memchr(t->at, '.', t->len);
    struct text head = {t->at, dot != NULL ? (size_t)(dot - t->at) : t->len};

    t->at += head.len + (dot != NULL);
    t->len -= head.len + (dot != NULL);
    return head;
}

static bool like(const struct text *pattern, const char *name)
{
    if (pattern->len == 0 || pattern->at[pattern->len - 1] != '*')
        return is(pattern, name);
    return strncmp(pattern->at, name, pattern->len - 1) == 0;
}

/* Flows first, then links, in the order of the file. */
static bool find_thing(const struct sim_scn *s, const struct text *name, unsigned n,
                       struct sim_scn_target *out)
{
    for (unsigned i = 0; i < s->flow_n; i++)
        if (like(name, s->flow[i].name) && n-- == 0) {
            out->flow = (int)i;
            return true;
        }
    for (unsigned i = 0; i < s->link_n; i++) {
        const struct sim_scn_link *l = &s->link[i];
        if (l->group >= 0 && s->tree[l->group].link != i)
            continue;
        if (like(name, l->group >= 0 ? s->tree[l->group].name : l->name) && n-- == 0) {
            out->link = (int)i;
            return true;
        }
    }
    return false;
}

static bool find_field(const struct sim_scn_field *fields, unsigned n, const struct text *name,
                       unsigned *out)
{
    for (unsigned i = 0; i < n; i++)
        if (is(name, fields[i].name)) {
            *out = i;
            return true;
        }
    return false;
}

static bool no_field(const struct sim_scn_ref *ref, const struct sim_scn_field *fields, unsigned n)
{
    size_t used = (size_t)snprintf(ref->tell, SIM_SCN_TELL_MAX, "'%.*s' has none of: ",
                                   ref->len < 80 ? (int)ref->len : 80, ref->name);

    for (unsigned i = 0; i < n && used < SIM_SCN_TELL_MAX - 1; i++)
        used += (size_t)snprintf(ref->tell + used, SIM_SCN_TELL_MAX - used, "%s%s",
                                 i > 0 ? " " : "", fields[i].name);
    return false;
}

/* "1.goodput" */
static bool path_part(const struct sim_scn *s, const struct sim_scn_ref *ref, struct text *rest,
                      struct sim_scn_target *out)
{
    struct text number = part(rest);
    unsigned n = 0, most = sim_scn_path_figures(&s->flow[out->flow]);

    for (size_t i = 0; i < number.len && n <= most; i++)
        n = number.at[i] < '0' || number.at[i] > '9' ? most + 1
                                                     : n * 10 + (unsigned)(number.at[i] - '0');
    if (n < 1 || n > most) {
        (void)snprintf(ref->tell, SIM_SCN_TELL_MAX, "flow '%s' has paths 1 to %u",
                       s->flow[out->flow].name, most);
        return false;
    }
    out->path = (int)n - 1;
    return find_field(sim_scn_path_fields, SIM_SCN_PATH_FIELDS, rest, &out->field) ||
           no_field(ref, sim_scn_path_fields, SIM_SCN_PATH_FIELDS);
}

bool sim_scn_resolve(const struct sim_scn *s, const struct sim_scn_ref *ref,
                     struct sim_scn_target *out)
{
    struct text rest = {ref->name, ref->len}, name = part(&rest);

    *out = (struct sim_scn_target){.flow = -1, .link = -1, .path = -1};
    if (!find_thing(s, &name, ref->n, out)) {
        if (ref->n == 0 && rest.len > 0)
            (void)snprintf(ref->tell, SIM_SCN_TELL_MAX, "there is no flow or link '%.*s'",
                           name.len < 80 ? (int)name.len : 80, name.at);
        return false;
    }
    if (out->link >= 0) {
        struct text whole = rest, first = part(&rest);
        out->back = is(&first, "back");
        if (!out->back)
            rest = whole;
        return find_field(sim_scn_link_fields, SIM_SCN_LINK_FIELDS, &rest, &out->field) ||
               no_field(ref, sim_scn_link_fields, SIM_SCN_LINK_FIELDS);
    }
    if (rest.len > 0 && rest.at[0] >= '0' && rest.at[0] <= '9')
        return path_part(s, ref, &rest, out);
    return find_field(sim_scn_flow_fields, SIM_SCN_FLOW_FIELDS, &rest, &out->field) ||
           no_field(ref, sim_scn_flow_fields, SIM_SCN_FLOW_FIELDS);
}

/* ---- looking up ------------------------------------------------------------------------------ */

bool sim_scn_field_check(void *ctx, const struct sim_scn_ref *ref, struct sim_scn_value *out)
{
    struct sim_scn_target t;

    if (!sim_scn_resolve(ctx, ref, &t))
        return false;
    *out = (struct sim_scn_value){.kind = sim_scn_target_kind(&t), .v = SIM_SCN_ONE};
    return true;
}

bool sim_scn_field_value(void *ctx, const struct sim_scn_ref *ref, struct sim_scn_value *out)
{
    const struct sim_scn_result *r = ctx;
    struct sim_scn_target t;

    if (!sim_scn_resolve(r->scn, ref, &t))
        return false;
    *out = (struct sim_scn_value){.kind = sim_scn_target_kind(&t)};
    if (t.link >= 0)
        out->v = r->link[t.link].field[t.back][t.field];
    else if (t.path >= 0)
        out->v = r->flow[t.flow].path[t.path].field[t.field];
    else
        out->v = r->flow[t.flow].field[t.field];
    return true;
}

bool sim_scn_report_kind(const struct sim_scn *s, unsigned report, enum sim_scn_kind *out)
{
    struct sim_scn copy = *s;
    struct sim_scn_expr x = {.lookup = sim_scn_field_check, .ctx = &copy, .fields = true};
    struct sim_scn_value v;

    if (!sim_scn_eval(&x, s->report[report].expr, strlen(s->report[report].expr), &v))
        return false;
    *out = v.kind;
    return true;
}

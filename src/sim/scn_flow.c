/* SPDX-License-Identifier: Apache-2.0 */
/* `flow` of scenarios: over which paths, with which policies, carrying what. Called by the scenario
 * parser. */
#include "scn_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cc/cc.h"
#include "../pm/pm.h"
#include "../sched/sched.h"

enum { BUF_MAX = 1 << 30, OBJECTS_MAX = 10000, CONNS_MAX = 64, PACKET_LEAST = 64 };
enum { CONNS = 6, MTU = 1500 };
#define BYTES_MAX ((uint64_t)1 << 50)

/* ---- paths ----------------------------------------------------------------------------------- */

static bool add_hop(struct sim_scn_parser *p, struct sim_scn_path *path, const char *at, size_t len)
{
    bool back = len > 0 && at[0] == '~';
    const char *place = p->from[at - p->words];
    int link = sim_scn_find_link(p->s, at + back, len - back);

    if (link < 0)
        return sim_scn_fail_at(p, place, "there is no link '%.*s'", (int)(len - back), at + back);
    if (path->hop_n == SIM_SCN_HOPS_MAX)
        return sim_scn_fail_at(p, place, "a path of at most %d links", SIM_SCN_HOPS_MAX);
    path->hop[path->hop_n++] = (struct sim_scn_hop){(uint16_t)link, back};
    return true;
}

static struct sim_scn_path *add_path(struct sim_scn_parser *p, struct sim_scn_flow *f)
{
    if (f->path_n == SIM_SCN_PATHS_MAX) {
        (void)sim_scn_fail_last(p, "at most %d paths", SIM_SCN_PATHS_MAX);
        return NULL;
    }
    f->path = sim_scn_grow(f->path, f->path_n, sizeof *f->path);
    return &f->path[f->path_n++];
}

/* The links of one word: "a", "a,b|c"; *more: another one has to follow. */
static bool path_word(struct sim_scn_parser *p, struct sim_scn_flow *f, const char *at, bool *more)
{
    while (*at != '\0') {
        size_t n = strcspn(at, ",|");
        if (n > 0 && !*more)
            return sim_scn_fail_last(p, "expected ',' or '|' before '%s'", at);
        if (n > 0 && !add_hop(p, &f->path[f->path_n - 1], at, n))
            return false;
        *more = *more && n == 0;
        at += n;
        if (*at == '\0')
            return true;
        if (*more)
            return sim_scn_fail_last(p, "expected the name of a link before '%c'", *at);
        *more = true;
        if (*at++ == '|' && add_path(p, f) == NULL)
            return false;
    }
    return true;
}

static bool over(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;
    const char *have;
    bool more = true;

    (void)arg;
    if (f->path_n > 0)
        return sim_scn_fail_last(p, "its paths are known already");
    if (add_path(p, f) == NULL)
        return false;
    while ((have = sim_scn_peek(p)) != NULL && (more || have[0] == ',' || have[0] == '|')) {
        p->next++;
        if (!path_word(p, f, have, &more))
            return false;
    }
    return !more || sim_scn_fail(p, "expected the name of a link");
}

static bool across(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;

    (void)arg;
    if (f->path_n > 0)
        return sim_scn_fail_last(p, "its paths are known already");
    return sim_scn_across(p, f);
}

/* ---- policies -------------------------------------------------------------------------------- */

/* All names of one kind, for a message. */
typedef const char *name_fn(unsigned i);

static const char *cc_name(unsigned i) { return cc_at(i) != NULL ? cc_at(i)->name : NULL; }
static const char *sched_name(unsigned i) { return sched_at(i) != NULL ? sched_at(i)->name : NULL; }
static const char *pm_name(unsigned i) { return pm_at(i) != NULL ? pm_at(i)->name : NULL; }

static const struct policy {
    const char *what;
    name_fn *name;
    size_t at;
} policies[] = {
    {"congestion control", cc_name, offsetof(struct sim_scn_flow, cc)},
    {"scheduler", sched_name, offsetof(struct sim_scn_flow, sched)},
    {"path manager", pm_name, offsetof(struct sim_scn_flow, pm)},
};

static bool known(const struct policy *k, const char *word)
{
    for (unsigned i = 0; k->name(i) != NULL; i++)
        if (strcmp(k->name(i), word) == 0)
            return true;
    return false;
}

static bool policy(struct sim_scn_parser *p, void *target, unsigned arg)
{
    const struct policy *k = &policies[arg];
    const char *word = sim_scn_want_word(p, "a name");
    char list[SIM_SCN_ERROR_MAX];
    size_t used = 0;

    if (word == NULL)
        return false;
    if (known(k, word) || strcmp(word, "own") == 0) { /* own: from a shared object */
        (void)snprintf((char *)target + k->at, SIM_SCN_WORD_MAX, "%s", word);
        return true;
    }
    list[0] = '\0';
    for (unsigned i = 0; k->name(i) != NULL && used < sizeof list - 1; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? " " : "",
                                 k->name(i));
    return sim_scn_fail_last(p, "there is no %s '%s'; there are: %s", k->what, word, list);
}

/* ---- what it carries ------------------------------------------------------------------------- */

static bool carries(struct sim_scn_parser *p, struct sim_scn_flow *f, enum sim_scn_traffic what)
{
    if (f->traffic != SIM_SCN_BULK)
        return sim_scn_fail_last(p, "a flow carries one thing only");
    f->traffic = what;
    return true;
}

static bool size(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;

    (void)arg;
    if (!carries(p, f, SIM_SCN_FIXED) || !sim_scn_want_size(p, BYTES_MAX, &f->size))
        return false;
    return f->size > 0 || sim_scn_fail_last(p, "a size of at least a byte");
}

static bool bulk(struct sim_scn_parser *p, void *target, unsigned arg)
{
    (void)p;
    (void)target;
    (void)arg;
    return true;
}

static bool request(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;

    (void)arg;
    if (!carries(p, f, SIM_SCN_REQUEST) || !sim_scn_want_size(p, BUF_MAX, &f->size) ||
        !sim_scn_want(p, "response") || !sim_scn_want_size(p, BYTES_MAX, &f->response))
        return false;
    return (f->size > 0 && f->response > 0) ||
           sim_scn_fail_last(p, "a request and a response of at least a byte");
}

static bool block(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;

    (void)arg;
    if (!carries(p, f, SIM_SCN_BLOCKS) || !sim_scn_want_size(p, BUF_MAX, &f->size) ||
        !sim_scn_want(p, "every") || !sim_scn_want_time(p, &f->every))
        return false;
    return (f->size > 0 && f->every > 0) ||
           sim_scn_fail_last(p, "blocks of at least a byte, at least a microsecond apart");
}

static bool burst(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;

    (void)arg;
    if (!carries(p, f, SIM_SCN_BURSTS) || !sim_scn_want_size(p, BUF_MAX, &f->size) ||
        !sim_scn_want(p, "pause") || !sim_scn_want_time(p, &f->think))
        return false;
    return (f->size > 0 && f->think > 0) ||
           sim_scn_fail_last(p, "bursts of at least a byte, at least a microsecond apart");
}

static bool page(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;
    uint64_t n, by = CONNS;

    (void)arg;
    if (!carries(p, f, SIM_SCN_PAGE) || !sim_scn_want_count(p, 1, OBJECTS_MAX, &n) ||
        !sim_scn_want(p, "of") || !sim_scn_want_size(p, BYTES_MAX, &f->response))
        return false;
    if (f->response == 0)
        return sim_scn_fail_last(p, "objects of at least a byte");
    if (sim_scn_take(p, "by") && !sim_scn_want_count(p, 1, CONNS_MAX, &by))
        return false;
    f->objects = (unsigned)n;
    f->conns = (unsigned)by;
    return true;
}

static bool cbr(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;
    uint64_t packet = MTU;

    (void)arg;
    if (!carries(p, f, SIM_SCN_CBR) || !sim_scn_want_rate(p, &f->rate))
        return false;
    if (sim_scn_take(p, "packet") && !sim_scn_want_size(p, MTU, &packet))
        return false;
    f->packet = (uint32_t)packet;
    return packet >= PACKET_LEAST || sim_scn_fail_last(p, "packets of at least %dB", PACKET_LEAST);
}

static bool rate(struct sim_scn_parser *p, void *target, unsigned arg)
{
    (void)arg;
    return sim_scn_want_rate(p, &((struct sim_scn_flow *)target)->rate);
}

/* ---- one word each --------------------------------------------------------------------------- */

enum flag { TCP, MPTCP, ECMP, REVERSE, NODELAY, ECN, CHECKSUM, EXPONENTIAL };

static bool flag(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;
    bool *const flags[] = {&f->tcp,     &f->mptcp, &f->ecmp,     &f->reverse,
                           &f->nodelay, &f->ecn,   &f->checksum, &f->exponential};

    (void)p;
    *flags[arg] = true;
    return true;
}

/* Times by where they stand in the struct. */
static bool duration(struct sim_scn_parser *p, void *target, unsigned arg)
{
    plait_time *at = (plait_time *)(void *)((char *)target + arg);

    if (!sim_scn_want_time(p, at))
        return false;
    return *at > 0 || sim_scn_fail_last(p, "a time of at least a microsecond");
}

static bool span(struct sim_scn_parser *p, void *target, unsigned arg)
{
    return sim_scn_want_span(p, (struct sim_scn_span *)(void *)((char *)target + arg));
}

static bool buffer(struct sim_scn_parser *p, void *target, unsigned arg)
{
    enum { LEAST = 4096 };
    uint64_t v;

    if (!sim_scn_want_size(p, BUF_MAX, &v))
        return false;
    *(uint32_t *)(void *)((char *)target + arg) = (uint32_t)v;
    return v >= LEAST || sim_scn_fail_last(p, "a buffer of at least %dB", LEAST);
}

static bool subflows(struct sim_scn_parser *p, void *target, unsigned arg)
{
    uint64_t n;

    (void)arg;
    if (!sim_scn_want_count(p, 1, PM_SUBFLOWS_MAX, &n))
        return false;
    ((struct sim_scn_flow *)target)->subflows = (unsigned)n;
    return true;
}

static bool times(struct sim_scn_parser *p, void *target, unsigned arg)
{
    (void)arg;
    return sim_scn_want_count(p, 1, UINT32_MAX, &((struct sim_scn_flow *)target)->times);
}

/* When a path manager on demand opens more subflows. */
static bool demand(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;

    (void)arg;
    f->demand = true;
    return sim_scn_want_size(p, BYTES_MAX, &f->demand_bytes) &&
           sim_scn_want_time(p, &f->demand_after);
}

static bool backup(struct sim_scn_parser *p, void *target, unsigned arg)
{
    uint64_t n;

    (void)arg;
    if (!sim_scn_want_count(p, 1, SIM_SCN_PATHS_MAX, &n))
        return false;
    ((struct sim_scn_flow *)target)->backup |= (uint32_t)1 << (n - 1);
    return true;
}

static bool count(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct sim_scn_flow *f = target;
    uint64_t n;

    (void)arg;
    if (f->apart)
        return sim_scn_fail_last(p, "how many there are follows from the topology");
    if (!sim_scn_want_count(p, 1, SIM_SCN_FLOWS_MAX, &n))
        return false;
    f->count = (unsigned)n;
    return true;
}

#define AT(field) (unsigned)offsetof(struct sim_scn_flow, field)

static const struct sim_scn_word words[] = {
    {"over", over, 0},
    {"across", across, 0},
    {"tcp", flag, TCP},
    {"mptcp", flag, MPTCP},
    {"cc", policy, 0},
    {"sched", policy, 1},
    {"pm", policy, 2},
    {"count", count, 0},
    {"start", span, AT(start)},
    {"stop", duration, AT(stop)},
    {"ecmp", flag, ECMP},
    {"subflows", subflows, 0},
    {"demand", demand, 0},
    {"backup", backup, 0},
    {"sndbuf", buffer, AT(sndbuf)},
    {"rcvbuf", buffer, AT(rcvbuf)},
    {"access", span, AT(access)},
    {"nodelay", flag, NODELAY},
    {"ecn", flag, ECN},
    {"checksum", flag, CHECKSUM},
    {"reverse", flag, REVERSE},
    {"bulk", bulk, 0},
    {"size", size, 0},
    {"request", request, 0},
    {"block", block, 0},
    {"burst", burst, 0},
    {"page", page, 0},
    {"cbr", cbr, 0},
    {"rate", rate, 0},
    {"on", duration, AT(on)},
    {"off", duration, AT(off)},
    {"exponential", flag, EXPONENTIAL},
    {"think", duration, AT(think)},
    {"times", times, 0},
};

/* ---- a flow ---------------------------------------------------------------------------------- */

int sim_scn_find_flow(const struct sim_scn *s, const char *name, size_t len)
{
    for (unsigned i = 0; i < s->flow_n; i++)
        if (strlen(s->flow[i].name) == len && memcmp(s->flow[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

/* Something has to hold back a connection, or there would be no end of packets at one moment. */
static bool limited(const struct sim_scn *s, const struct sim_scn_flow *f)
{
    for (unsigned i = 0; i < f->path_n; i++) {
        const struct sim_scn_path *path = &f->path[i];
        bool rate[2] = {false, false};
        for (unsigned k = 0; k < path->hop_n; k++)
            for (unsigned back = 0; back < 2; back++)
                rate[back] |= s->link[path->hop[k].link].dir[back].cfg.rate != 0;
        if (path->hop_n > 0 && !(rate[0] && rate[1]))
            return false;
    }
    return true;
}

/* Words that make no sense together. NULL: they do. */
static const char *contradiction(const struct sim_scn *s, const struct sim_scn_flow *f)
{
    bool repeats = f->traffic == SIM_SCN_REQUEST || f->traffic == SIM_SCN_PAGE ||
                   f->traffic == SIM_SCN_BLOCKS || f->traffic == SIM_SCN_BURSTS;

    if (f->path_n == 0)
        return "has no path; say `over LINK` or `across TREE`";
    if (f->traffic != SIM_SCN_CBR && !limited(s, f))
        return "has a path whose links have no rate, so nothing limits it";
    if (f->tcp && f->mptcp)
        return "is 'tcp' or 'mptcp', not both";
    if (f->traffic == SIM_SCN_CBR && f->path_n > 1)
        return "sends packets without a connection, over one path only";
    if (f->tcp && f->path_n > 1 && !f->ecmp)
        return "is plain TCP, which has one path only (or 'ecmp')";
    if ((f->on == 0) != (f->off == 0))
        return "needs both 'on' and 'off', or neither";
    if (f->on != 0 && f->traffic != SIM_SCN_BULK && f->traffic != SIM_SCN_FIXED &&
        f->traffic != SIM_SCN_CBR)
        return "has 'on' and 'off', which are for bulk, 'size' and 'cbr'";
    if (f->times != 0 && !repeats)
        return "has 'times', which is for 'request', 'page', 'block' and 'burst'";
    if (f->think != 0 && f->traffic != SIM_SCN_REQUEST && f->traffic != SIM_SCN_PAGE &&
        f->traffic != SIM_SCN_BURSTS)
        return "has 'think', which is for 'request' and 'page'";
    if (f->rate != 0 && repeats)
        return "has 'rate', which is for bulk and 'size'";
    if (f->reverse && f->traffic == SIM_SCN_REQUEST)
        return "has 'reverse', and requests go one way and answers the other anyway";
    if (f->path_n < 32 && f->backup >> f->path_n != 0)
        return "has a 'backup' path that is not there";
    if (f->stop != 0 && f->stop <= f->start.hi)
        return "stops before it starts";
    return NULL;
}

/* All flows, counted out. */
static unsigned connections(const struct sim_scn *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->flow_n; i++)
        n += s->flow[i].count;
    return n;
}

bool sim_scn_flow_stmt(struct sim_scn_parser *p)
{
    static const struct sim_scn_words all = {words, sizeof words / sizeof *words, "a flow"};
    struct sim_scn *s = p->s;
    char name[SIM_SCN_NAME_MAX];
    struct sim_scn_flow *f;
    const char *wrong;

    if (!sim_scn_want_name(p, "the name of a flow", name))
        return false;
    if (sim_scn_find_link(s, name, strlen(name)) >= 0 ||
        sim_scn_find_flow(s, name, strlen(name)) >= 0)
        return sim_scn_fail_last(p, "there is a link or flow '%s' already", name);
    s->flow = sim_scn_grow(s->flow, s->flow_n, sizeof *s->flow);
    f = &s->flow[s->flow_n++];
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    f->count = 1;
    sim_scn_place(p, p->from[p->token[1]], &f->line, &f->column);
    if (!sim_scn_each(p, &all, f))
        return false;
    wrong = contradiction(s, f);
    if (wrong != NULL)
        return sim_scn_fail_at(p, p->from[p->token[1]], "flow '%s' %s", name, wrong);
    return connections(s) <= SIM_SCN_FLOWS_MAX ||
           sim_scn_fail_at(p, p->from[p->token[1]], "at most %d connections", SIM_SCN_FLOWS_MAX);
}

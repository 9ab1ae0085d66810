/* SPDX-License-Identifier: Apache-2.0 */
/* `at`, `box` and `stack` of scenarios. Called by the scenario parser. */
#include "scn_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "middlebox.h"

/* ---- a path of a flow ------------------------------------------------------------------------ */

/* "NAME" and, behind `before` where there is one, the number of a path. */
static bool flow_path(struct sim_scn_parser *p, const char *before, unsigned *flow, unsigned *path)
{
    const char *name = sim_scn_want_word(p, "the name of a flow");
    int found = name != NULL ? sim_scn_find_flow(p->s, name, strlen(name)) : -1;
    uint64_t n;

    if (name == NULL)
        return false;
    if (found < 0)
        return sim_scn_fail_last(p, "there is no flow '%s'", name);
    if (p->s->flow[found].traffic == SIM_SCN_CBR)
        return sim_scn_fail_last(p, "'%s' has no connection", name);
    if (before != NULL && !sim_scn_want(p, before))
        return false;
    if (!sim_scn_want_count(p, 1, p->s->flow[found].ecmp ? 1 : p->s->flow[found].path_n, &n))
        return false;
    *flow = (unsigned)found;
    *path = (unsigned)n - 1;
    return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool link_event(struct sim_scn_parser *p, struct sim_scn_event *ev)
{
    const char *name = sim_scn_want_word(p, "the name of a link");
    int link = name != NULL ? sim_scn_find_link(p->s, name, strlen(name)) : -1;

    if (name == NULL)
        return false;
    if (link < 0)
        return sim_scn_fail_last(p, "there is no link '%s'", name);
    if (sim_scn_peek(p) == NULL)
        return sim_scn_fail(p, "expected what becomes of it: down, up, or a word of a link");
    ev->what = SIM_SCN_LINK_CHANGE;
    ev->link = (unsigned)link;
    return sim_scn_link_props(p, ev->dir);
}

static bool flow_event(struct sim_scn_parser *p, struct sim_scn_event *ev)
{
    static const struct {
        const char *word;
        enum sim_scn_what what;
        bool flag;
    } known[] = {
        {"down", SIM_SCN_PATH_DOWN, true},      {"up", SIM_SCN_PATH_DOWN, false},
        {"remove", SIM_SCN_PATH_GONE, true},    {"add", SIM_SCN_PATH_GONE, false},
        {"backup", SIM_SCN_PATH_PRIO, true},    {"regular", SIM_SCN_PATH_PRIO, false},
    };
    const char *word;

    if (!flow_path(p, "path", &ev->flow, &ev->path))
        return false;
    word = sim_scn_want_word(p, "down, up, remove, add, backup or regular");
    for (unsigned i = 0; word != NULL && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].word, word) == 0) {
            ev->what = known[i].what;
            ev->flag = known[i].flag;
            return true;
        }
    return word != NULL &&
           sim_scn_fail_last(p, "expected down, up, remove, add, backup or regular, not '%s'",
                             word);
}

/* In order of their times; those of one time as in the file. */
static bool insert(struct sim_scn_parser *p, const struct sim_scn_event *ev)
{
    struct sim_scn *s = p->s;
    unsigned i = s->event_n;

    if (i == SIM_SCN_EVENTS_MAX)
        return sim_scn_fail_last(p, "at most %d events", SIM_SCN_EVENTS_MAX);
    s->event = sim_scn_grow(s->event, s->event_n++, sizeof *s->event);
    for (; i > 0 && s->event[i - 1].at > ev->at; i--)
        s->event[i] = s->event[i - 1];
    s->event[i] = *ev;
    return true;
}

bool sim_scn_event_stmt(struct sim_scn_parser *p)
{
    struct sim_scn_event ev = {0};
    bool good;

    if (!sim_scn_want_time(p, &ev.at))
        return false;
    if (sim_scn_take(p, "link"))
        good = link_event(p, &ev);
    else if (sim_scn_take(p, "flow"))
        good = flow_event(p, &ev);
    else
        return sim_scn_fail(p, "expected 'link' or 'flow' behind the time of an event");
    return good && sim_scn_end(p) && insert(p, &ev);
}

/* ---- boxes ----------------------------------------------------------------------------------- */

/* Does the table know it? Asked of a world of its own. */
static bool is_box(const char *name)
{
    struct sim *sim = sim_new(0);
    struct sim_boxes *boxes = sim_boxes_new(sim);
    bool good = sim_boxes_add(boxes, name, &(struct sim_box_at){0, 0});

    sim_boxes_free(boxes);
    sim_free(sim);
    return good;
}

bool sim_scn_box_stmt(struct sim_scn_parser *p)
{
    struct sim_scn_box box = {0};
    const char *name;

    if (!flow_path(p, NULL, &box.flow, &box.path))
        return false;
    if (p->s->flow[box.flow].apart)
        return sim_scn_fail_last(p, "boxes stand on paths that the file names");
    name = sim_scn_want_word(p, "the name of a middlebox");
    if (name == NULL)
        return false;
    if (strlen(name) >= sizeof box.name || !is_box(name))
        return sim_scn_fail_last(
            p, "there is no middlebox '%s'; doc/middleboxes.md lists them", name);
    (void)snprintf(box.name, sizeof box.name, "%s", name);
    p->s->box = sim_scn_grow(p->s->box, p->s->box_n, sizeof *p->s->box);
    p->s->box[p->s->box_n++] = box;
    return sim_scn_end(p);
}

/* ---- what all hosts have in common ----------------------------------------------------------- */

static bool stack_time(struct sim_scn_parser *p, void *target, unsigned arg)
{
    return sim_scn_want_time(p, (plait_time *)(void *)((char *)target + arg));
}

static bool stack_size(struct sim_scn_parser *p, void *target, unsigned arg)
{
    enum { MOST = 1 << 30 };
    uint64_t v;

    if (!sim_scn_want_size(p, MOST, &v))
        return false;
    *(uint32_t *)(void *)((char *)target + arg) = (uint32_t)v;
    return true;
}

#define AT(field) (unsigned)offsetof(struct plait_config, field)

bool sim_scn_stack_stmt(struct sim_scn_parser *p)
{
    static const struct sim_scn_word words[] = {
        {"ack_delay", stack_time, AT(ack_delay)},
        {"rto_min", stack_time, AT(rto_min)},
        {"user_timeout", stack_time, AT(conn.user_timeout)},
        {"rcvbuf_init", stack_size, AT(conn.rcvbuf_init)},
    };
    static const struct sim_scn_words all = {words, sizeof words / sizeof *words, "'stack'"};

    return (sim_scn_peek(p) != NULL || sim_scn_fail(p, "expected a word of 'stack'")) &&
           sim_scn_each(p, &all, &p->s->stack);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The script as a whole: header lines, then events, each with its time. Called by the runner's
 * users, and by whoever throws hostile text at it.
 *
 * The parser walks forward and never calls itself; what it stores has caps (pkt.h), so a script of
 * SIM_PKT_TEXT_MAX bytes can neither exhaust the stack nor the memory. */
#include "pkt_parse.h"

#include <stdlib.h>
#include <string.h>

enum { OPTION_MAX = 120 };

/* --name=value, alone on its line */
static bool parse_header(struct sim_pkt_parser *p)
{
    struct sim_pkt_lex *x = &p->x;
    char line[OPTION_MAX];
    const char *text;
    struct sim_pkt_lex before = *x;
    size_t len = sim_pkt_lex_line(x, &text);

    if (len < 3 || text[1] != '-' || len >= sizeof line) {
        *x = before;
        return sim_pkt_lex_fail(x, "an option, --name=value");
    }
    memcpy(line, text + 2, len - 2);
    line[len - 2] = '\0';
    char *value = strchr(line, '=');
    if (value != NULL)
        *value++ = '\0';
    const char *wrong = sim_pkt_config_set(&p->script->setup, line, value != NULL ? value : "");
    if (wrong != NULL) {
        *x = before;
        return sim_pkt_lex_fail(x, wrong);
    }
    return true;
}

/* 1, 1.5 or .5 seconds */
static bool parse_seconds(struct sim_pkt_lex *x, plait_time *at)
{
    if (x->token == SIM_PKT_T_NUMBER && x->number <= 1000000000)
        *at = x->number * PLAIT_SEC;
    else if (x->token == SIM_PKT_T_TIME)
        *at = x->number;
    else
        return sim_pkt_lex_fail(x, "a time in seconds");
    sim_pkt_lex_next(x);
    return true;
}

/* "+a", "+a~+b", "a", "a~b" or "*" */
static bool parse_time(struct sim_pkt_parser *p, struct sim_pkt_event *ev)
{
    struct sim_pkt_lex *x = &p->x;

    ev->when = SIM_PKT_ABSOLUTE;
    if (sim_pkt_lex_take_char(x, '*')) {
        ev->when = SIM_PKT_WHENEVER;
        ev->lo = 0;
        ev->hi = PLAIT_NEVER;
        return true;
    }
    if (sim_pkt_lex_take_char(x, '+'))
        ev->when = SIM_PKT_RELATIVE;
    if (!parse_seconds(x, &ev->lo))
        return false;
    ev->hi = ev->lo;
    if (x->token == SIM_PKT_T_DOTS)
        return sim_pkt_lex_fail(x, "no blocking call (calls here never block: use two events)");
    if (!sim_pkt_lex_take_char(x, '~'))
        return true;
    (void)sim_pkt_lex_take_char(x, '+');
    if (!parse_seconds(x, &ev->hi))
        return false;
    return ev->hi >= ev->lo || sim_pkt_lex_fail(x, "a range whose end is not before its start");
}

static bool parse_action(struct sim_pkt_parser *p, struct sim_pkt_event *ev)
{
    struct sim_pkt_lex *x = &p->x;

    if (sim_pkt_lex_take_char(x, '<'))
        return sim_pkt_parse_packet(p, ev, false);
    if (sim_pkt_lex_take_char(x, '>'))
        return sim_pkt_parse_packet(p, ev, true);
    if (sim_pkt_lex_is_char(x, '%'))
        return sim_pkt_lex_fail(x, "a check (Python is not run: write check(...), see pkt.md)");
    if (sim_pkt_lex_is_char(x, '`'))
        return sim_pkt_lex_fail(x, "no shell command (none is run: use --options)");
    if (x->token == SIM_PKT_T_WORD)
        return sim_pkt_parse_call(p, ev);
    return sim_pkt_lex_fail(x, "a packet ('<' or '>'), a call, or check(...)");
}

static struct sim_pkt_event *add_event(struct sim_pkt_parser *p)
{
    struct sim_pkt_script *s = p->script;

    if (s->event_n == SIM_PKT_EVENTS_MAX) {
        sim_pkt_lex_fail(&p->x, "the end of the script (4096 events are the most)");
        return NULL;
    }
    if (s->event_n == s->event_cap) {
        unsigned cap = s->event_cap == 0 ? 32 : 2 * s->event_cap;
        struct sim_pkt_event *more = realloc(s->event, cap * sizeof *more);
        if (more == NULL)
            abort();
        s->event = more;
        s->event_cap = cap;
    }
    struct sim_pkt_event *ev = &s->event[s->event_n++];
    memset(ev, 0, sizeof *ev);
    ev->line = p->x.token_line;
    ev->column = p->x.token_column;
    return ev;
}

static bool time_makes_sense(struct sim_pkt_parser *p, const struct sim_pkt_event *ev)
{
    bool expects = ev->kind == SIM_PKT_EVENT_SEG && ev->seg.out;

    if (expects || ev->lo == ev->hi)
        return true;
    p->x.token_line = ev->line;
    p->x.token_column = ev->column;
    return sim_pkt_lex_fail(&p->x, "one time (a range or * only fits a packet of the stack, '>')");
}

static bool parse_script(struct sim_pkt_parser *p)
{
    struct sim_pkt_lex *x = &p->x;

    while (sim_pkt_lex_is_char(x, '-'))
        if (!parse_header(p))
            return false;
    while (!x->failed && x->token != SIM_PKT_T_END) {
        struct sim_pkt_event *ev = add_event(p);
        if (ev == NULL || !parse_time(p, ev) || !parse_action(p, ev) || !time_makes_sense(p, ev))
            return false;
        (void)sim_pkt_lex_take_char(x, ';');
    }
    return !x->failed;
}

struct sim_pkt_script *sim_pkt_parse(const char *text, size_t len, struct sim_pkt_error *error)
{
    struct sim_pkt_parser p = {.script = calloc(1, sizeof *p.script)};

    if (p.script == NULL)
        abort();
    *error = (struct sim_pkt_error){0};
    sim_pkt_config_defaults(&p.script->setup);
    if (len > SIM_PKT_TEXT_MAX) {
        *error = (struct sim_pkt_error){.text = "a script has at most 1048576 bytes"};
        sim_pkt_free(p.script);
        return NULL;
    }
    sim_pkt_lex_init(&p.x, text, len, error);
    if (parse_script(&p))
        return p.script;
    sim_pkt_free(p.script);
    return NULL;
}

void sim_pkt_free(struct sim_pkt_script *script)
{
    if (script != NULL)
        free(script->event);
    free(script);
}

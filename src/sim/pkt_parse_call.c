/* SPDX-License-Identifier: Apache-2.0 */
/* Calls and checks in a script. The parser takes any name and any arguments that look like ones;
 * whether a call exists is the runner's business (pkt_sock.c, pkt_check.c), except that names are
 * looked up here so that a misspelt one is an error of the script and has its place. */
#include "pkt_parse.h"

#include <string.h>

#include "pkt_names.h"

static bool parse_number(struct sim_pkt_lex *x, int64_t *v)
{
    uint64_t n;
    bool minus = sim_pkt_lex_take_char(x, '-');

    if (!sim_pkt_lex_want_number(x, INT64_MAX, "a number", &n))
        return false;
    *v = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

/* [1], [1, 2], {1, 0} or {onoff=1, linger=0}; behind the opening bracket */
static bool parse_list(struct sim_pkt_lex *x, struct sim_pkt_arg *arg, char close)
{
    int64_t v[2] = {0, 0};
    unsigned n = 0;

    arg->kind = SIM_PKT_ARG_LIST;
    if (x->token == SIM_PKT_T_DOTS || x->token == SIM_PKT_T_STRING) {
        size_t len = x->len < SIM_PKT_NAME_MAX - 1 ? x->len : SIM_PKT_NAME_MAX - 1;
        memcpy(arg->text, x->text, len);
        sim_pkt_lex_next(x);
        return sim_pkt_lex_want_char(x, close);
    }
    do {
        if (n == 2)
            return sim_pkt_lex_fail(x, "at most two numbers");
        if (x->token == SIM_PKT_T_WORD) {
            if (!sim_pkt_lex_want_name(x, "a name", arg->text))
                return false;
            if (sim_pkt_lex_is_char(x, close)) /* [ECONNRESET] */
                break;
            if (!sim_pkt_lex_want_char(x, '='))
                return false;
        }
        if (!parse_number(x, &v[n++]))
            return false;
    } while (sim_pkt_lex_take_char(x, ','));
    arg->number = v[0];
    arg->second = v[1];
    return sim_pkt_lex_want_char(x, close);
}

/* NAME, or NAME|NAME */
static bool parse_names(struct sim_pkt_lex *x, struct sim_pkt_arg *arg)
{
    char name[SIM_PKT_NAME_MAX];

    arg->kind = SIM_PKT_ARG_NAME;
    if (!sim_pkt_lex_want_name(x, "a name", arg->text))
        return false;
    arg->flags = sim_pkt_flag(arg->text);
    while (sim_pkt_lex_take_char(x, '|')) {
        if (!sim_pkt_lex_want_name(x, "a name", name))
            return false;
        arg->flags |= sim_pkt_flag(name);
    }
    return true;
}

static bool parse_arg(struct sim_pkt_lex *x, struct sim_pkt_arg *arg)
{
    if (x->token == SIM_PKT_T_DOTS) {
        arg->kind = SIM_PKT_ARG_DOTS;
        sim_pkt_lex_next(x);
        return true;
    }
    if (sim_pkt_lex_take_char(x, '['))
        return parse_list(x, arg, ']');
    if (sim_pkt_lex_take_char(x, '{'))
        return parse_list(x, arg, '}');
    if (x->token == SIM_PKT_T_STRING) {
        if (x->len >= SIM_PKT_NAME_MAX)
            return sim_pkt_lex_fail(x, "a string of at most 31 characters");
        arg->kind = SIM_PKT_ARG_STRING;
        memcpy(arg->text, x->text, x->len);
        sim_pkt_lex_next(x);
        return true;
    }
    if (x->token == SIM_PKT_T_WORD)
        return parse_names(x, arg);
    arg->kind = SIM_PKT_ARG_NUMBER;
    return parse_number(x, &arg->number);
}

/* (text in brackets), as packetdrill puts it behind an error */
static bool skip_remark(struct sim_pkt_lex *x)
{
    if (!sim_pkt_lex_take_char(x, '('))
        return true;
    while (x->token != SIM_PKT_T_END && x->token != SIM_PKT_T_BAD && !sim_pkt_lex_is_char(x, ')'))
        sim_pkt_lex_next(x);
    return sim_pkt_lex_want_char(x, ')');
}

/* = 3, = -1 EAGAIN (Resource temporarily unavailable), or nothing */
static bool parse_result(struct sim_pkt_lex *x, struct sim_pkt_call *call)
{
    call->any_result = true;
    if (!sim_pkt_lex_take_char(x, '='))
        return true;
    call->any_result = false;
    if (!parse_number(x, &call->result))
        return false;
    if (call->result != -1 || x->token != SIM_PKT_T_WORD)
        return true;
    return sim_pkt_lex_want_name(x, "the name of an error", call->error) && skip_remark(x);
}

static bool parse_args(struct sim_pkt_lex *x, struct sim_pkt_call *call)
{
    if (!sim_pkt_lex_want_char(x, '('))
        return false;
    if (sim_pkt_lex_take_char(x, ')'))
        return true;
    do {
        if (call->arg_n == SIM_PKT_ARGS_MAX)
            return sim_pkt_lex_fail(x, "at most 6 arguments");
        if (!parse_arg(x, &call->arg[call->arg_n++]))
            return false;
    } while (sim_pkt_lex_take_char(x, ','));
    return sim_pkt_lex_want_char(x, ')');
}

/* ---- checks ---------------------------------------------------------------------------------- */

static bool parse_op(struct sim_pkt_lex *x, uint8_t *op)
{
    static const struct {
        const char *text;
        uint8_t op;
    } known[] = {{"==", SIM_PKT_EQ}, {"!=", SIM_PKT_NE}, {"<=", SIM_PKT_LE}, {">=", SIM_PKT_GE}};

    for (unsigned i = 0; i < 4; i++)
        if (x->token == SIM_PKT_T_OP && memcmp(x->text, known[i].text, 2) == 0) {
            *op = known[i].op;
            sim_pkt_lex_next(x);
            return true;
        }
    *op = SIM_PKT_LT;
    if (sim_pkt_lex_take_char(x, '<'))
        return true;
    *op = SIM_PKT_GT;
    return sim_pkt_lex_take_char(x, '>') || sim_pkt_lex_fail(x, "== != < <= > or >=");
}

/* fd N and subflow N in front of the subject */
static bool parse_whose(struct sim_pkt_lex *x, struct sim_pkt_check *c)
{
    uint64_t v;

    if (sim_pkt_lex_take(x, "fd")) {
        if (!sim_pkt_lex_want_number(x, 1000, "a descriptor", &v))
            return false;
        c->has_fd = true;
        c->fd = (int64_t)v;
    }
    if (sim_pkt_lex_take(x, "subflow")) {
        if (!sim_pkt_lex_want_number(x, 255, "a subflow's number", &v))
            return false;
        c->has_subflow = true;
        c->subflow = (uint8_t)v;
    }
    return true;
}

static bool parse_check(struct sim_pkt_lex *x, struct sim_pkt_check *c)
{
    if (!sim_pkt_lex_want_char(x, '(') || !parse_whose(x, c))
        return false;
    if (!sim_pkt_subject_known(x->text, x->token == SIM_PKT_T_WORD ? x->len : 0))
        return sim_pkt_lex_fail(x, "something that can be checked (see pkt.md)");
    if (!sim_pkt_lex_want_name(x, "a subject", c->subject))
        return false;
    if (x->token == SIM_PKT_T_WORD) {
        if (!sim_pkt_word_known(c->subject, x->text, x->len))
            return sim_pkt_lex_fail(x, "a name that this subject knows");
        if (!sim_pkt_lex_want_name(x, "a name", c->word))
            return false;
    }
    if (sim_pkt_lex_is_char(x, ')')) {
        if (c->word[0] == '\0')
            return sim_pkt_lex_fail(x, "a comparison with a number");
        sim_pkt_lex_next(x);
        return true;
    }
    c->has_number = true;
    return parse_op(x, &c->op) && parse_number(x, &c->number) && sim_pkt_lex_want_char(x, ')');
}

bool sim_pkt_parse_call(struct sim_pkt_parser *p, struct sim_pkt_event *ev)
{
    struct sim_pkt_lex *x = &p->x;

    if (sim_pkt_lex_take(x, "check")) {
        ev->kind = SIM_PKT_EVENT_CHECK;
        return parse_check(x, &ev->check);
    }
    ev->kind = SIM_PKT_EVENT_CALL;
    if (!sim_pkt_call_known(x->text, x->len))
        return sim_pkt_lex_fail(x, "a call that there is (see pkt.md)");
    return sim_pkt_lex_want_name(x, "a call", ev->call.name) && parse_args(x, &ev->call) &&
           parse_result(x, &ev->call);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* TCP options in a script, from '<' to '>'. Called by pkt_parse_seg.c; MPTCP options are parsed in
 * pkt_parse_mp.c. */
#include "pkt_parse.h"

#include <string.h>

/* A number, `*` where the stack sends it, or a relative one below 0 */
static bool want_value(struct sim_pkt_lex *x, bool out, struct sim_pkt_value *v)
{
    if (out && sim_pkt_lex_take_char(x, '*')) {
        v->how = SIM_PKT_ANY;
        return true;
    }
    v->how = SIM_PKT_VALUE;
    return sim_pkt_lex_want_number(x, UINT32_MAX, "a number", &v->value);
}

static bool parse_sack(struct sim_pkt_parser *p, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t lo, hi;

    opt->kind = SIM_PKT_SACK;
    while (x->token == SIM_PKT_T_NUMBER) {
        if (opt->n == SIM_PKT_SACK_MAX)
            return sim_pkt_lex_fail(x, "at most 5 SACK blocks");
        if (!sim_pkt_lex_want_number(x, UINT32_MAX, "the left edge of a block", &lo) ||
            !sim_pkt_lex_want_char(x, ':') ||
            !sim_pkt_lex_want_number(x, UINT32_MAX, "the right edge of a block", &hi))
            return false;
        opt->sack[opt->n].lo = (uint32_t)lo;
        opt->sack[opt->n++].hi = (uint32_t)hi;
    }
    return opt->n > 0 || sim_pkt_lex_fail(x, "a SACK block, 1001:2001");
}

static bool parse_ts(struct sim_pkt_parser *p, bool out, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;

    opt->kind = SIM_PKT_TS;
    if (!sim_pkt_lex_take(x, "val"))
        return sim_pkt_lex_fail(x, "val");
    if (!want_value(x, out, &opt->val))
        return false;
    if (!sim_pkt_lex_take(x, "ecr"))
        return sim_pkt_lex_fail(x, "ecr");
    return want_value(x, out, &opt->ecr);
}

/* mss, wscale: a name and a number */
static bool parse_simple(struct sim_pkt_parser *p, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v;

    if (sim_pkt_lex_take(x, "mss")) {
        opt->kind = SIM_PKT_MSS;
        if (!sim_pkt_lex_want_number(x, 65535, "a segment size", &v))
            return false;
        opt->mss = (uint16_t)v;
        return true;
    }
    opt->kind = SIM_PKT_WSCALE;
    sim_pkt_lex_next(x);
    if (!sim_pkt_lex_want_number(x, 255, "a shift", &v))
        return false;
    opt->number = (uint8_t)v;
    return true;
}

static bool parse_option(struct sim_pkt_parser *p, struct sim_pkt_seg *seg, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;

    opt->kind = SIM_PKT_NOP;
    if (sim_pkt_lex_take(x, "nop"))
        return true;
    if (sim_pkt_lex_is(x, "mss") || sim_pkt_lex_is(x, "wscale"))
        return parse_simple(p, opt);
    if (sim_pkt_lex_take(x, "TS"))
        return parse_ts(p, seg->out, opt);
    if (sim_pkt_lex_take(x, "sack"))
        return parse_sack(p, opt);
    if (sim_pkt_lex_take(x, "eol")) {
        opt->kind = SIM_PKT_EOL;
        return true;
    }
    if (sim_pkt_lex_take(x, "sackOK")) {
        opt->kind = SIM_PKT_SACKOK;
        return true;
    }
    if (sim_pkt_lex_take(x, "FO")) {
        opt->kind = SIM_PKT_FO;
        opt->flag = sim_pkt_lex_take(x, "auto");
        return x->token != SIM_PKT_T_STRING || sim_pkt_lex_want_hex(x, opt->bytes, 16, &opt->n);
    }
    if (sim_pkt_lex_take(x, "raw")) {
        opt->kind = SIM_PKT_RAW;
        return sim_pkt_lex_want_hex(x, opt->bytes, SIM_PKT_RAW_MAX, &opt->n);
    }
    if (sim_pkt_parse_mptcp(p, seg, opt))
        return true;
    return sim_pkt_lex_fail(x, "a TCP option");
}

bool sim_pkt_parse_options(struct sim_pkt_parser *p, struct sim_pkt_seg *seg)
{
    struct sim_pkt_lex *x = &p->x;

    if (!sim_pkt_lex_take_char(x, '<'))
        return true;
    if (x->token == SIM_PKT_T_DOTS && seg->out) {
        seg->any_opts = true;
        sim_pkt_lex_next(x);
        return sim_pkt_lex_want_char(x, '>');
    }
    do {
        if (seg->opt_n == SIM_PKT_OPTS_MAX)
            return sim_pkt_lex_fail(x, "at most 24 options");
        if (!parse_option(p, seg, &seg->opt[seg->opt_n++]))
            return false;
    } while (sim_pkt_lex_take_char(x, ','));
    return sim_pkt_lex_is_char(x, '>') ? sim_pkt_lex_take_char(x, '>')
                                       : sim_pkt_lex_fail(x, "',' or '>'");
}

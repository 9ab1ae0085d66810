/* SPDX-License-Identifier: Apache-2.0 */
/* MPTCP options in a script (RFC 8684 3), as the MPTCP branch of packetdrill spells them. Called by
 * pkt_parse_opt.c. */
#include "pkt_parse.h"

#include "../base/addr.h"
#include "../wire/wire.h"

#include <arpa/inet.h>
#include <string.h>

static bool find_var(const struct sim_pkt_script *s, const struct sim_pkt_lex *x, uint8_t *var)
{
    for (unsigned i = 0; i < s->var_n; i++)
        if (sim_pkt_lex_is(x, s->var[i])) {
            *var = (uint8_t)i;
            return true;
        }
    return false;
}

bool sim_pkt_parse_var(struct sim_pkt_parser *p, uint8_t *var)
{
    struct sim_pkt_script *s = p->script;

    if (find_var(s, &p->x, var)) {
        sim_pkt_lex_next(&p->x);
        return true;
    }
    if (s->var_n == SIM_PKT_VARS_MAX)
        return sim_pkt_lex_fail(&p->x, "one of the 16 variables that there are");
    if (!sim_pkt_lex_want_name(&p->x, "a variable", s->var[s->var_n]))
        return false;
    *var = (uint8_t)s->var_n++;
    return true;
}

/* A variable, or one that is given a value: skey, ckey=2 */
static bool parse_key(struct sim_pkt_parser *p, struct sim_pkt_value *v)
{
    v->how = SIM_PKT_VAR;
    if (!sim_pkt_parse_var(p, &v->var))
        return false;
    if (!sim_pkt_lex_take_char(&p->x, '='))
        return true;
    v->how = SIM_PKT_SET;
    return sim_pkt_lex_want_number(&p->x, UINT64_MAX, "a key", &v->value);
}

/* Behind "name": =auto, =bad, =* or =number */
static bool parse_computed(struct sim_pkt_parser *p, struct sim_pkt_value *v)
{
    struct sim_pkt_lex *x = &p->x;

    sim_pkt_lex_next(x);
    if (!sim_pkt_lex_want_char(x, '='))
        return false;
    if (sim_pkt_lex_take(x, "auto"))
        v->how = SIM_PKT_AUTO;
    else if (sim_pkt_lex_take(x, "bad"))
        v->how = SIM_PKT_BAD;
    else if (sim_pkt_lex_take_char(x, '*'))
        v->how = SIM_PKT_ANY;
    else {
        v->how = SIM_PKT_VALUE;
        return sim_pkt_lex_want_number(x, UINT64_MAX, "auto, bad, * or a number", &v->value);
    }
    return true;
}

/* ---- MP_CAPABLE ----------------------------------------------------------------------------- */

/* flags[flag_a|flag_h] or flags[0x81] */
static bool parse_cap_flags(struct sim_pkt_parser *p, uint8_t *flags)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v;

    if (!sim_pkt_lex_take(x, "flags"))
        return sim_pkt_lex_fail(x, "flags[...]");
    if (!sim_pkt_lex_want_char(x, '['))
        return false;
    if (x->token == SIM_PKT_T_NUMBER) {
        if (!sim_pkt_lex_want_number(x, 255, "flags", &v))
            return false;
        *flags = (uint8_t)v;
        return sim_pkt_lex_want_char(x, ']');
    }
    do {
        char letter = x->len == 6 ? x->text[5] : '\0';
        if (x->token != SIM_PKT_T_WORD || x->len != 6 || memcmp(x->text, "flag_", 5) != 0 ||
            letter < 'a' || letter > 'h')
            return sim_pkt_lex_fail(x, "flag_a to flag_h");
        *flags |= (uint8_t)(0x80 >> (letter - 'a'));
        sim_pkt_lex_next(x);
    } while (sim_pkt_lex_take_char(x, '|') || sim_pkt_lex_take_char(x, ','));
    return sim_pkt_lex_want_char(x, ']');
}

static bool parse_cap_keys(struct sim_pkt_parser *p, struct sim_pkt_capable *cap)
{
    struct sim_pkt_lex *x = &p->x;

    if (sim_pkt_lex_take(x, "nokey"))
        return true;
    if (!sim_pkt_lex_take(x, "key"))
        return sim_pkt_lex_fail(x, "key[...] or nokey");
    if (!sim_pkt_lex_want_char(x, '[') || !parse_key(p, &cap->key[0]))
        return false;
    if (sim_pkt_lex_take_char(x, ',') && !parse_key(p, &cap->key[1]))
        return false;
    return sim_pkt_lex_want_char(x, ']');
}

/* mpcapable v1 flags[flag_h] key[a, b] mpcdatalen 100 cs=auto */
static bool parse_capable(struct sim_pkt_parser *p, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;
    struct sim_pkt_capable *cap = &opt->capable;
    uint64_t v;

    opt->kind = SIM_PKT_CAPABLE;
    sim_pkt_lex_next(x);
    if (x->token != SIM_PKT_T_WORD || x->len < 2 || x->len > 3 || x->text[0] != 'v' ||
        x->text[1] < '0' || x->text[1] > '9')
        return sim_pkt_lex_fail(x, "a version: v0 to v15");
    v = (uint64_t)(x->text[1] - '0');
    if (x->len == 3)
        v = v * 10 + (uint64_t)(x->text[2] - '0');
    if (v > 15)
        return sim_pkt_lex_fail(x, "a version: v0 to v15");
    cap->version = (uint8_t)v;
    sim_pkt_lex_next(x);
    if (!parse_cap_flags(p, &cap->flags) || !parse_cap_keys(p, cap))
        return false;
    if (sim_pkt_lex_take(x, "mpcdatalen")) {
        if (!sim_pkt_lex_want_number(x, 65535, "a data-level length", &v))
            return false;
        cap->has_dll = true;
        cap->dll = (uint16_t)v;
    }
    if (sim_pkt_lex_take(x, "nocs"))
        return true;
    return !sim_pkt_lex_is(x, "cs") || parse_computed(p, &cap->csum);
}

/* ---- MP_JOIN -------------------------------------------------------------------------------- */

/* token=sha256_32(skey), token=bad or token=number */
static bool parse_token(struct sim_pkt_parser *p, struct sim_pkt_value *v)
{
    struct sim_pkt_lex *x = &p->x;

    sim_pkt_lex_next(x);
    if (!sim_pkt_lex_want_char(x, '='))
        return false;
    if (sim_pkt_lex_take(x, "sha256_32")) {
        v->how = SIM_PKT_VAR;
        return sim_pkt_lex_want_char(x, '(') && sim_pkt_parse_var(p, &v->var) &&
               sim_pkt_lex_want_char(x, ')');
    }
    v->how = SIM_PKT_VALUE;
    return sim_pkt_lex_want_number(x, UINT32_MAX, "sha256_32(key) or a number", &v->value);
}

static bool parse_join_field(struct sim_pkt_parser *p, struct sim_pkt_join *join, bool *any)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v = 0;

    *any = true;
    if (sim_pkt_lex_is(x, "backup")) {
        bool ok = sim_pkt_lex_want_field(x, 1, &v);
        join->backup = v != 0;
        return ok;
    }
    if (sim_pkt_lex_is(x, "address_id")) {
        bool ok = sim_pkt_lex_want_field(x, 255, &v);
        join->id = (uint8_t)v;
        return ok;
    }
    if (sim_pkt_lex_is(x, "token"))
        return parse_token(p, &join->token);
    if (sim_pkt_lex_is(x, "nonce")) {
        join->nonce.how = SIM_PKT_VALUE;
        return sim_pkt_lex_want_field(x, UINT32_MAX, &join->nonce.value);
    }
    if (sim_pkt_lex_is(x, "sender_hmac"))
        return parse_computed(p, &join->hmac);
    *any = false;
    return true;
}

static bool parse_join(struct sim_pkt_parser *p, struct sim_pkt_opt *opt, uint8_t kind)
{
    struct sim_pkt_lex *x = &p->x;
    bool more;

    opt->kind = kind;
    sim_pkt_lex_next(x);
    do {
        if (!parse_join_field(p, &opt->join, &more))
            return false;
    } while (more);
    if (kind == SIM_PKT_JOIN_SYN && opt->join.token.how == SIM_PKT_NONE)
        return sim_pkt_lex_fail(x, "token=sha256_32(key)");
    if (kind != SIM_PKT_JOIN_SYN && opt->join.hmac.how == SIM_PKT_NONE)
        return sim_pkt_lex_fail(x, "sender_hmac=auto");
    return true;
}

/* ---- DSS ------------------------------------------------------------------------------------ */

/* A number relative to the IDSN: an octet below it may be meant, so a sign is allowed. */
static bool want_relative(struct sim_pkt_lex *x, uint64_t *v)
{
    bool minus = sim_pkt_lex_take_char(x, '-');

    if (!sim_pkt_lex_want_number(x, UINT64_MAX, "a number relative to the IDSN", v))
        return false;
    *v = minus ? 0 - *v : *v;
    return true;
}

static bool parse_dss_ack(struct sim_pkt_parser *p, struct sim_pkt_dss *dss, bool out)
{
    struct sim_pkt_lex *x = &p->x;

    dss->has_ack = true;
    dss->ack8 = sim_pkt_lex_is(x, "dack8");
    sim_pkt_lex_next(x);
    if (!sim_pkt_lex_want_char(x, '='))
        return false;
    if (out && sim_pkt_lex_take_char(x, '*')) {
        dss->ack.how = SIM_PKT_ANY;
        return true;
    }
    dss->ack.how = SIM_PKT_VALUE;
    return want_relative(x, &dss->ack.value);
}

static bool parse_dss_number(struct sim_pkt_parser *p, struct sim_pkt_dss *dss)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v = 0;
    bool ok;

    if (sim_pkt_lex_is(x, "ssn")) {
        ok = sim_pkt_lex_want_field(x, UINT32_MAX, &v);
        dss->ssn = (uint32_t)v;
    } else if (sim_pkt_lex_is(x, "dll")) {
        ok = sim_pkt_lex_want_field(x, 65535, &v);
        dss->dll = (uint16_t)v;
    } else {
        ok = sim_pkt_lex_want_field(x, 255, &v);
        dss->reserved = (uint8_t)v;
    }
    return ok;
}

static bool parse_dss_field(struct sim_pkt_parser *p, struct sim_pkt_dss *dss, bool out, bool *any)
{
    struct sim_pkt_lex *x = &p->x;

    *any = true;
    if (sim_pkt_lex_is(x, "dack8") || sim_pkt_lex_is(x, "dack4"))
        return parse_dss_ack(p, dss, out);
    if (sim_pkt_lex_is(x, "dsn8") || sim_pkt_lex_is(x, "dsn4")) {
        dss->has_map = true;
        dss->dsn8 = sim_pkt_lex_is(x, "dsn8");
        sim_pkt_lex_next(x);
        return sim_pkt_lex_want_char(x, '=') && want_relative(x, &dss->dsn);
    }
    if (sim_pkt_lex_is(x, "ssn") || sim_pkt_lex_is(x, "dll") || sim_pkt_lex_is(x, "reserved"))
        return parse_dss_number(p, dss);
    if (sim_pkt_lex_is(x, "cs"))
        return parse_computed(p, &dss->csum);
    if (sim_pkt_lex_take(x, "nocs"))
        return true;
    *any = sim_pkt_lex_take(x, "fin");
    dss->fin |= *any;
    return true;
}

static bool parse_dss(struct sim_pkt_parser *p, struct sim_pkt_opt *opt, bool out)
{
    bool more;

    opt->kind = SIM_PKT_DSS;
    sim_pkt_lex_next(&p->x);
    do {
        if (!parse_dss_field(p, &opt->dss, out, &more))
            return false;
    } while (more);
    return true;
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* addr[remote1:8080] or addr="192.0.2.9" */
static bool parse_address(struct sim_pkt_parser *p, struct plait_addr *addr)
{
    struct sim_pkt_lex *x = &p->x;
    struct sim_pkt_end end;
    char text[48];

    sim_pkt_lex_next(x);
    if (sim_pkt_lex_take_char(x, '[')) {
        if (!sim_pkt_parse_end(p, &end) || !sim_pkt_lex_want_char(x, ']'))
            return false;
        *addr = sim_pkt_addr(p->script->setup.ipv6, end.remote, end.index);
        addr->port = end.port;
        return true;
    }
    if (!sim_pkt_lex_want_char(x, '='))
        return false;
    if (x->token != SIM_PKT_T_STRING || x->len >= sizeof text)
        return sim_pkt_lex_fail(x, "an address in double quotes");
    memcpy(text, x->text, x->len);
    text[x->len] = '\0';
    addr->family = strchr(text, ':') != NULL ? 6 : 4;
    if (inet_pton(addr->family == 6 ? AF_INET6 : AF_INET, text, addr->ip) != 1)
        return sim_pkt_lex_fail(x, "an address in double quotes");
    sim_pkt_lex_next(x);
    return true;
}

static bool parse_add_field(struct sim_pkt_parser *p, struct sim_pkt_add_addr *add, bool *any)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v = 0;
    bool ok;

    *any = true;
    if (sim_pkt_lex_is(x, "address_id")) {
        ok = sim_pkt_lex_want_field(x, 255, &v);
        add->id = (uint8_t)v;
    } else if (sim_pkt_lex_is(x, "port")) {
        ok = sim_pkt_lex_want_field(x, 65535, &v);
        add->addr.port = (uint16_t)v;
    } else if (sim_pkt_lex_is(x, "reserved")) {
        ok = sim_pkt_lex_want_field(x, 255, &v);
        add->reserved = (uint8_t)v;
    } else if (sim_pkt_lex_is(x, "addr")) {
        ok = parse_address(p, &add->addr);
    } else if (sim_pkt_lex_is(x, "hmac")) {
        ok = parse_computed(p, &add->hmac);
    } else {
        ok = true;
        *any = sim_pkt_lex_take(x, "echo");
        add->echo |= *any;
    }
    return ok;
}

static bool parse_add_addr(struct sim_pkt_parser *p, struct sim_pkt_opt *opt)
{
    bool more;

    opt->kind = SIM_PKT_ADD_ADDR;
    sim_pkt_lex_next(&p->x);
    do {
        if (!parse_add_field(p, &opt->add, &more))
            return false;
    } while (more);
    return opt->add.addr.family != 0 || sim_pkt_lex_fail(&p->x, "addr[...] or addr=\"...\"");
}

/* remove_address address_id=[1,2] */
static bool parse_remove(struct sim_pkt_parser *p, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v;

    opt->kind = SIM_PKT_REMOVE_ADDR;
    sim_pkt_lex_next(x);
    if (!sim_pkt_lex_take(x, "address_id"))
        return sim_pkt_lex_fail(x, "address_id=[...]");
    if (!sim_pkt_lex_want_char(x, '=') || !sim_pkt_lex_want_char(x, '['))
        return false;
    do {
        if (opt->n == SIM_PKT_IDS_MAX)
            return sim_pkt_lex_fail(x, "at most 17 ids");
        if (!sim_pkt_lex_want_number(x, 255, "an address id", &v))
            return false;
        opt->bytes[opt->n++] = (uint8_t)v;
    } while (sim_pkt_lex_take_char(x, ','));
    return sim_pkt_lex_want_char(x, ']');
}

/* ---- the short ones ------------------------------------------------------------------------- */

static bool parse_short(struct sim_pkt_parser *p, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v = 0;

    if (sim_pkt_lex_take(x, "mp_prio")) {
        opt->kind = SIM_PKT_PRIO;
        opt->flag = true; /* plain "mp_prio backup" */
        if (!sim_pkt_lex_take(x, "backup") || !sim_pkt_lex_take_char(x, '='))
            return true;
        opt->flag = x->token == SIM_PKT_T_NUMBER && x->number != 0;
        return sim_pkt_lex_want_number(x, 1, "0 or 1", &v);
    }
    if (sim_pkt_lex_take(x, "mp_fail")) {
        opt->kind = SIM_PKT_FAIL;
        if (!sim_pkt_lex_take(x, "dsn8"))
            return sim_pkt_lex_fail(x, "dsn8=");
        opt->val.how = SIM_PKT_VALUE;
        return sim_pkt_lex_want_char(x, '=') && want_relative(x, &opt->val.value);
    }
    if (sim_pkt_lex_take(x, "mp_fastclose")) {
        opt->kind = SIM_PKT_FASTCLOSE;
        if (!sim_pkt_lex_take(x, "key"))
            return sim_pkt_lex_fail(x, "key[...]");
        return sim_pkt_lex_want_char(x, '[') && parse_key(p, &opt->val) &&
               sim_pkt_lex_want_char(x, ']');
    }
    opt->kind = SIM_PKT_RST;
    sim_pkt_lex_next(x);
    if (!sim_pkt_lex_want_number(x, 255, "a reason", &v))
        return false;
    opt->number = (uint8_t)v;
    opt->flag = sim_pkt_lex_take(x, "transient");
    return true;
}

bool sim_pkt_parse_mptcp(struct sim_pkt_parser *p, struct sim_pkt_seg *seg, struct sim_pkt_opt *opt)
{
    struct sim_pkt_lex *x = &p->x;

    if (sim_pkt_lex_is(x, "mpcapable"))
        return parse_capable(p, opt);
    if (sim_pkt_lex_is(x, "dss"))
        return parse_dss(p, opt, seg->out);
    if (sim_pkt_lex_is(x, "mp_join_syn"))
        return parse_join(p, opt, SIM_PKT_JOIN_SYN);
    if (sim_pkt_lex_is(x, "mp_join_syn_ack"))
        return parse_join(p, opt, SIM_PKT_JOIN_SYN_ACK);
    if (sim_pkt_lex_is(x, "mp_join_ack"))
        return parse_join(p, opt, SIM_PKT_JOIN_ACK);
    if (sim_pkt_lex_is(x, "add_address"))
        return parse_add_addr(p, opt);
    if (sim_pkt_lex_is(x, "remove_address"))
        return parse_remove(p, opt);
    if (sim_pkt_lex_is(x, "mp_prio") || sim_pkt_lex_is(x, "mp_fail") ||
        sim_pkt_lex_is(x, "mp_fastclose") || sim_pkt_lex_is(x, "mp_reset"))
        return parse_short(p, opt);
    return false;
}

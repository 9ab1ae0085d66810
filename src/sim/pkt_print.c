/* SPDX-License-Identifier: Apache-2.0 */
/* Prints packets, calls and checks as a script spells them. Called by the runner, where something
 * differs and for its verbose mode. What the parser accepts and what is printed here are the same
 * language, but for NOPs. */
#include "pkt_print.h"

#include "../base/addr.h"
#include "../wire/wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct text {
    const struct sim_pkt_script *s;
    char *out;
    size_t size, n;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    size_t room = t->size - t->n;

    va_start(args, format);
    int wanted = vsnprintf(t->out + t->n, room, format, args);
    va_end(args);
    t->n += wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void put_end(struct text *t, const struct sim_pkt_end *e)
{
    put(t, "addr[%s%u", e->remote ? "remote" : "local", e->index);
    if (e->port != 0)
        put(t, ":%u", e->port);
    put(t, "]");
}

static void put_value(struct text *t, const struct sim_pkt_value *v)
{
    switch (v->how) {
    case SIM_PKT_ANY:
        put(t, "*");
        break;
    case SIM_PKT_AUTO:
        put(t, "auto");
        break;
    case SIM_PKT_BAD:
        put(t, "bad");
        break;
    case SIM_PKT_VAR:
        put(t, "%s", t->s->var[v->var]);
        break;
    case SIM_PKT_SET:
        put(t, "%s=%" PRIu64, t->s->var[v->var], v->value);
        break;
    default:
        put(t, v->value > 999999999999 ? "0x%" PRIx64 : "%" PRIu64, v->value);
        break;
    }
}

/* " name=value", where there is one */
static void put_field(struct text *t, const char *name, const struct sim_pkt_value *v)
{
    if (v->how == SIM_PKT_NONE)
        return;
    put(t, " %s=", name);
    put_value(t, v);
}

static void put_capable(struct text *t, const struct sim_pkt_capable *cap)
{
    bool any = false;

    put(t, "mpcapable v%u flags[", cap->version);
    for (unsigned i = 0; i < 8; i++)
        if ((cap->flags & (0x80 >> i)) != 0) {
            put(t, "%sflag_%c", any ? "|" : "", 'a' + (int)i);
            any = true;
        }
    put(t, any ? "]" : "0]");
    if (cap->key[0].how == SIM_PKT_NONE) {
        put(t, " nokey");
        return;
    }
    put(t, " key[");
    put_value(t, &cap->key[0]);
    if (cap->key[1].how != SIM_PKT_NONE) {
        put(t, ", ");
        put_value(t, &cap->key[1]);
    }
    put(t, "]");
    if (cap->has_dll)
        put(t, " mpcdatalen %u", cap->dll);
    put_field(t, "cs", &cap->csum);
}

static void put_join(struct text *t, const struct sim_pkt_opt *opt)
{
    const struct sim_pkt_join *join = &opt->join;

    if (opt->kind == SIM_PKT_JOIN_ACK) {
        put(t, "mp_join_ack");
    } else {
        put(t, opt->kind == SIM_PKT_JOIN_SYN ? "mp_join_syn" : "mp_join_syn_ack");
        put(t, " backup=%d address_id=%u", join->backup, join->id);
    }
    if (join->token.how == SIM_PKT_VAR)
        put(t, " token=sha256_32(%s)", t->s->var[join->token.var]);
    else
        put_field(t, "token", &join->token);
    put_field(t, "sender_hmac", &join->hmac);
}

static void put_relative(struct text *t, const char *name, uint64_t v)
{
    bool below = v > UINT64_MAX - 1000000000;

    put(t, " %s=%s%" PRIu64, name, below ? "-" : "", below ? 0 - v : v);
}

static void put_dss(struct text *t, const struct sim_pkt_dss *d)
{
    put(t, "dss");
    if (d->has_ack && d->ack.how == SIM_PKT_ANY)
        put(t, " dack%d=*", d->ack8 ? 8 : 4);
    else if (d->has_ack)
        put_relative(t, d->ack8 ? "dack8" : "dack4", d->ack.value);
    if (d->has_map) {
        put_relative(t, d->dsn8 ? "dsn8" : "dsn4", d->dsn);
        put(t, " ssn=%u dll=%u", d->ssn, d->dll);
    }
    if (d->reserved != 0)
        put(t, " reserved=%u", d->reserved);
    if (d->csum.how == SIM_PKT_NONE)
        put(t, " nocs");
    put_field(t, "cs", &d->csum);
    put(t, d->fin ? " fin" : "");
}

static void put_add_addr(struct text *t, const struct sim_pkt_add_addr *add)
{
    char addr[ADDR_TEXT_MAX];
    struct plait_addr ip = add->addr;

    ip.port = 0;
    addr_print(&ip, addr);
    put(t, "add_address%s address_id=%u addr=\"%s\"", add->echo ? " echo" : "", add->id, addr);
    if (add->addr.port != 0)
        put(t, " port=%u", add->addr.port);
    put_field(t, "hmac", &add->hmac);
}

static void put_bytes(struct text *t, const struct sim_pkt_opt *opt)
{
    put(t, " \"");
    for (unsigned i = 0; i < opt->n; i++)
        put(t, "%02x", opt->bytes[i]);
    put(t, "\"");
}

static void put_mptcp(struct text *t, const struct sim_pkt_opt *opt)
{
    switch (opt->kind) {
    case SIM_PKT_CAPABLE:
        put_capable(t, &opt->capable);
        break;
    case SIM_PKT_DSS:
        put_dss(t, &opt->dss);
        break;
    case SIM_PKT_ADD_ADDR:
        put_add_addr(t, &opt->add);
        break;
    case SIM_PKT_REMOVE_ADDR:
        put(t, "remove_address address_id=[");
        for (unsigned i = 0; i < opt->n; i++)
            put(t, "%s%u", i > 0 ? "," : "", opt->bytes[i]);
        put(t, "]");
        break;
    case SIM_PKT_PRIO:
        put(t, "mp_prio backup=%d", opt->flag);
        break;
    case SIM_PKT_FAIL:
        put(t, "mp_fail");
        put_relative(t, "dsn8", opt->val.value);
        break;
    case SIM_PKT_FASTCLOSE:
        put(t, "mp_fastclose key[");
        put_value(t, &opt->val);
        put(t, "]");
        break;
    case SIM_PKT_RST:
        put(t, "mp_reset %u%s", opt->number, opt->flag ? " transient" : "");
        break;
    default:
        put_join(t, opt);
        break;
    }
}

static void put_option(struct text *t, const struct sim_pkt_opt *opt)
{
    switch (opt->kind) {
    case SIM_PKT_EOL:
        put(t, "eol");
        break;
    case SIM_PKT_MSS:
        put(t, "mss %u", opt->mss);
        break;
    case SIM_PKT_WSCALE:
        put(t, "wscale %u", opt->number);
        break;
    case SIM_PKT_SACKOK:
        put(t, "sackOK");
        break;
    case SIM_PKT_SACK:
        put(t, "sack");
        for (unsigned i = 0; i < opt->n; i++)
            put(t, " %u:%u", opt->sack[i].lo, opt->sack[i].hi);
        break;
    case SIM_PKT_TS:
        put(t, "TS val ");
        put_value(t, &opt->val);
        put(t, " ecr ");
        put_value(t, &opt->ecr);
        break;
    case SIM_PKT_FO:
    case SIM_PKT_RAW:
        put(t, opt->kind == SIM_PKT_FO ? "FO" : "raw");
        if (opt->kind == SIM_PKT_RAW || opt->n > 0)
            put_bytes(t, opt);
        if (opt->kind == SIM_PKT_FO && opt->flag)
            put(t, " auto");
        break;
    default:
        put_mptcp(t, opt);
        break;
    }
}

static void put_options(struct text *t, const struct sim_pkt_seg *seg)
{
    bool any = false;

    if (seg->any_opts) {
        put(t, " <...>");
        return;
    }
    for (unsigned i = 0; i < seg->opt_n; i++) {
        if (seg->opt[i].kind == SIM_PKT_NOP)
            continue;
        put(t, any ? "," : " <");
        any = true;
        put_option(t, &seg->opt[i]);
    }
    put(t, any ? ">" : "");
}

static void put_flags(struct text *t, uint8_t flags)
{
    static const char letter[] = "SFRPUEW.";
    static const uint8_t bit[] = {WIRE_SYN, WIRE_FIN, WIRE_RST, WIRE_PSH,
                                  WIRE_URG, WIRE_ECE, WIRE_CWR, WIRE_ACK};

    for (unsigned i = 0; i < 8; i++)
        if ((flags & bit[i]) != 0)
            put(t, "%c", letter[i]);
    put(t, flags == 0 ? "-" : "");
}

void sim_pkt_print(const struct sim_pkt_script *s, const struct sim_pkt_seg *seg, char *to,
                   size_t size)
{
    static const char *const ecn[4] = {"noecn", "ect1", "ect0", "ce"};
    struct text t = {.s = s, .out = to, .size = size};

    put(&t, seg->out ? "> " : "< ");
    if (seg->from.given) {
        put_end(&t, &seg->from);
        put(&t, " > ");
        put_end(&t, &seg->to);
        put(&t, " ");
    }
    if (seg->ecn.how == SIM_PKT_VALUE)
        put(&t, "[%s] ", ecn[seg->ecn.value & 3]);
    put_flags(&t, seg->flags);
    put(&t, " %u:%u(%u)", seg->seq, seg->seq + seg->len, seg->len);
    if (seg->has_ack)
        put(&t, " ack %u", seg->ack);
    if (seg->wnd.how == SIM_PKT_VALUE)
        put(&t, " win %u", (unsigned)seg->wnd.value);
    if (seg->urg != 0)
        put(&t, " urg %u", seg->urg);
    put_options(&t, seg);
}

/* ---- calls and checks ------------------------------------------------------------------------ */

static void put_arg(struct text *t, const struct sim_pkt_arg *a)
{
    switch (a->kind) {
    case SIM_PKT_ARG_DOTS:
        put(t, "...");
        break;
    case SIM_PKT_ARG_NUMBER:
        put(t, "%" PRId64, a->number);
        break;
    case SIM_PKT_ARG_LIST:
        put(t, "[%" PRId64 "]", a->number);
        break;
    case SIM_PKT_ARG_STRING:
        put(t, "\"%s\"", a->text);
        break;
    default:
        put(t, "%s", a->text);
        break;
    }
}

void sim_pkt_print_call(const struct sim_pkt_call *c, char *to, size_t size)
{
    struct text t = {.out = to, .size = size};

    put(&t, "%s(", c->name);
    for (unsigned i = 0; i < c->arg_n; i++) {
        put(&t, i > 0 ? ", " : "");
        put_arg(&t, &c->arg[i]);
    }
    put(&t, ")");
    if (!c->any_result)
        put(&t, " = %" PRId64 "%s%s", c->result, c->error[0] != '\0' ? " " : "", c->error);
}

void sim_pkt_print_check(const struct sim_pkt_check *c, char *to, size_t size)
{
    static const char *const op[] = {"==", "!=", "<", "<=", ">", ">="};
    struct text t = {.out = to, .size = size};

    put(&t, "check(");
    if (c->has_fd)
        put(&t, "fd %" PRId64 " ", c->fd);
    if (c->has_subflow)
        put(&t, "subflow %u ", c->subflow);
    put(&t, "%s", c->subject);
    put(&t, c->word[0] != '\0' ? " %s" : "%s", c->word);
    if (c->has_number)
        put(&t, " %s %" PRId64, op[c->op], c->number);
    put(&t, ")");
}

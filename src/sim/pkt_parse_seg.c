/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in a script: TCP segments and ICMP errors, up to their options. Called by pkt_parse.c. */
#include "pkt_parse.h"

#include "../wire/wire.h"

#include <string.h>

bool sim_pkt_parse_end(struct sim_pkt_parser *p, struct sim_pkt_end *end)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t port = 0;
    static const char *const name[2][SIM_PKT_ADDRS_MAX] = {
        {"local0", "local1", "local2", "local3"}, {"remote0", "remote1", "remote2", "remote3"}};

    for (unsigned i = 0; i < 2 * SIM_PKT_ADDRS_MAX; i++) {
        bool remote = i >= SIM_PKT_ADDRS_MAX;
        uint8_t index = (uint8_t)(i % SIM_PKT_ADDRS_MAX);
        if (!sim_pkt_lex_take(x, name[remote][index]))
            continue;
        if (sim_pkt_lex_take_char(x, ':') && !sim_pkt_lex_want_number(x, 65535, "a port", &port))
            return false;
        *end = (struct sim_pkt_end){true, remote, index, (uint16_t)port};
        return true;
    }
    return sim_pkt_lex_fail(x, "local0 to local3 or remote0 to remote3");
}

/* addr[local1] > addr[remote0], or nothing */
static bool parse_ends(struct sim_pkt_parser *p, struct sim_pkt_end *from, struct sim_pkt_end *to)
{
    struct sim_pkt_lex *x = &p->x;

    if (!sim_pkt_lex_take(x, "addr"))
        return true;
    if (!sim_pkt_lex_want_char(x, '[') || !sim_pkt_parse_end(p, from) ||
        !sim_pkt_lex_want_char(x, ']') || !sim_pkt_lex_want_char(x, '>'))
        return false;
    if (!sim_pkt_lex_take(x, "addr"))
        return sim_pkt_lex_fail(x, "addr[...]");
    return sim_pkt_lex_want_char(x, '[') && sim_pkt_parse_end(p, to) &&
           sim_pkt_lex_want_char(x, ']');
}

/* start:end(len) */
static bool parse_range(struct sim_pkt_parser *p, uint32_t *seq, uint32_t *len)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t lo, hi, n;

    if (!sim_pkt_lex_want_number(x, UINT32_MAX, "a sequence number", &lo) ||
        !sim_pkt_lex_want_char(x, ':') ||
        !sim_pkt_lex_want_number(x, UINT32_MAX, "the sequence number behind the payload", &hi) ||
        !sim_pkt_lex_want_char(x, '('))
        return false;
    if ((uint32_t)(hi - lo) > SIM_PKT_PAYLOAD_MAX || x->token != SIM_PKT_T_NUMBER ||
        x->number != (uint32_t)(hi - lo))
        return sim_pkt_lex_fail(x, "the number of payload bytes, end less start (at most 65000)");
    n = x->number;
    sim_pkt_lex_next(x);
    *seq = (uint32_t)lo;
    *len = (uint32_t)n;
    return sim_pkt_lex_want_char(x, ')');
}

static uint8_t flag_of(char c)
{
    switch (c) {
    case 'F':
        return WIRE_FIN;
    case 'S':
        return WIRE_SYN;
    case 'R':
        return WIRE_RST;
    case 'P':
        return WIRE_PSH;
    case '.':
        return WIRE_ACK;
    case 'U':
        return WIRE_URG;
    case 'E':
        return WIRE_ECE;
    case 'W':
        return WIRE_CWR;
    default:
        return 0;
    }
}

static bool parse_flags(struct sim_pkt_parser *p, struct sim_pkt_seg *seg)
{
    struct sim_pkt_lex *x = &p->x;

    if (sim_pkt_lex_take_char(x, '-'))
        return true; /* none */
    if (x->token != SIM_PKT_T_WORD && !sim_pkt_lex_is_char(x, '.'))
        return sim_pkt_lex_fail(x, "flags: letters of FSRPUEW and '.' for ACK, or '-'");
    for (; x->token == SIM_PKT_T_WORD || sim_pkt_lex_is_char(x, '.'); sim_pkt_lex_next(x))
        for (size_t i = 0; i < x->len; i++) {
            uint8_t flag = flag_of(x->text[i]);
            if (flag == 0)
                return sim_pkt_lex_fail(x, "flags: letters of FSRPUEW and '.' for ACK, or '-'");
            seg->flags |= flag;
        }
    return true;
}

/* [ect0] and its kin, or nothing */
static bool parse_ecn(struct sim_pkt_parser *p, struct sim_pkt_seg *seg)
{
    static const char *const name[4] = {"noecn", "ect1", "ect0", "ce"};
    struct sim_pkt_lex *x = &p->x;

    if (!sim_pkt_lex_take_char(x, '['))
        return true;
    for (uint8_t i = 0; i < 4; i++)
        if (sim_pkt_lex_take(x, name[i])) {
            seg->ecn = (struct sim_pkt_value){.how = SIM_PKT_VALUE, .value = i};
            return sim_pkt_lex_want_char(x, ']');
        }
    return sim_pkt_lex_fail(x, "noecn, ect0, ect1 or ce");
}

static bool parse_fields(struct sim_pkt_parser *p, struct sim_pkt_seg *seg)
{
    struct sim_pkt_lex *x = &p->x;
    uint64_t v;

    if (sim_pkt_lex_take(x, "ack")) {
        if (!sim_pkt_lex_want_number(x, UINT32_MAX, "an acknowledgment number", &v))
            return false;
        seg->has_ack = true;
        seg->ack = (uint32_t)v;
    }
    if (sim_pkt_lex_take(x, "win")) {
        if (!sim_pkt_lex_want_number(x, 65535, "a window field", &v))
            return false;
        seg->wnd = (struct sim_pkt_value){.how = SIM_PKT_VALUE, .value = v};
    }
    if (sim_pkt_lex_take(x, "urg")) {
        if (!sim_pkt_lex_want_number(x, 65535, "an urgent pointer", &v))
            return false;
        seg->urg = (uint16_t)v;
    }
    if (((seg->flags & WIRE_ACK) != 0) != seg->has_ack)
        return sim_pkt_lex_fail(x, seg->has_ack ? "no ack without the flag '.'" : "ack N");
    return sim_pkt_parse_options(p, seg);
}

static bool parse_icmp(struct sim_pkt_parser *p, struct sim_pkt_icmp *icmp)
{
    static const struct {
        const char *name;
        uint8_t code;
    } code[] = {{"net_unreachable", 0},  {"host_unreachable", 1}, {"protocol_unreachable", 2},
                {"port_unreachable", 3}, {"frag_needed", 4},      {"admin_prohibited", 13},
                {"packet_too_big", 4}};
    struct sim_pkt_lex *x = &p->x;
    uint64_t v;

    if (!sim_pkt_lex_take(x, "icmp"))
        return sim_pkt_lex_fail(x, "icmp");
    if (!sim_pkt_lex_take(x, "unreachable"))
        return sim_pkt_lex_fail(x, "unreachable");
    icmp->type = 3;
    for (unsigned i = 0; i < sizeof code / sizeof *code; i++)
        if (sim_pkt_lex_take(x, code[i].name)) {
            icmp->code = code[i].code;
            if (!sim_pkt_lex_take(x, "mtu"))
                return true;
            if (!sim_pkt_lex_want_number(x, UINT32_MAX, "an MTU", &v))
                return false;
            icmp->mtu = (uint32_t)v;
            return true;
        }
    return sim_pkt_lex_fail(x, "host_unreachable, port_unreachable, frag_needed, packet_too_big, "
                               "net_unreachable, protocol_unreachable or admin_prohibited");
}

bool sim_pkt_parse_packet(struct sim_pkt_parser *p, struct sim_pkt_event *ev, bool out)
{
    struct sim_pkt_lex *x = &p->x;
    struct sim_pkt_end from = {0}, to = {0};

    if (!parse_ends(p, &from, &to))
        return false;
    if (from.given && (from.remote == out || to.remote != out))
        return sim_pkt_lex_fail(x, out ? "addr[localN] > addr[remoteN] on a packet of the stack"
                                       : "addr[remoteN] > addr[localN] on a packet for the stack");
    if (!out && sim_pkt_lex_is_char(x, '[')) {
        struct sim_pkt_lex ahead = *x; /* [1:1001(1000)] icmp ..., or [ect0] */
        sim_pkt_lex_next(&ahead);
        if (ahead.token == SIM_PKT_T_NUMBER) {
            ev->kind = SIM_PKT_EVENT_ICMP;
            ev->icmp = (struct sim_pkt_icmp){.from = to, .to = from};
            sim_pkt_lex_next(x);
            return parse_range(p, &ev->icmp.seq, &ev->icmp.len) && sim_pkt_lex_want_char(x, ']') &&
                   parse_icmp(p, &ev->icmp);
        }
    }
    ev->kind = SIM_PKT_EVENT_SEG;
    struct sim_pkt_seg *seg = &ev->seg;
    seg->out = out;
    seg->from = from;
    seg->to = to;
    return parse_ecn(p, seg) && parse_flags(p, seg) && parse_range(p, &seg->seq, &seg->len) &&
           parse_fields(p, seg);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the packets that a script sends to the stack. Called by the runner. Options are written in
 * the script's order and may be as wrong as the script wants them (RFC 9293 3.2, RFC 8684 3). */
#include "pkt_wire.h"

#include "../base/addr.h"
#include "../base/csum.h"
#include "../base/cursor.h"
#include "../wire/wire.h"

#include <string.h>

enum { IP4 = 20, IP6 = 40, TCP = 20, OPTIONS = 40, KIND_MPTCP = 30, HMAC8 = 8, HMAC20 = 20 };

/* What the option writers need. */
struct job {
    const struct sim_pkt_world *w;
    const struct sim_pkt_flow *f;
    struct wcursor out;
    const char *why; /* the first thing that could not be written; NULL: nothing */
};

static void head(struct job *j, uint8_t len, unsigned subtype, uint8_t low)
{
    wcursor_u8(&j->out, KIND_MPTCP);
    wcursor_u8(&j->out, len);
    wcursor_u8(&j->out, (uint8_t)(subtype << 4 | low));
}

static uint64_t key_value(struct job *j, const struct sim_pkt_value *v)
{
    uint64_t key;

    if (!sim_pkt_key_value(j->w, v, &key))
        j->why = "a variable has no value yet";
    return key;
}

/* AUTO, BAD or VALUE of a checksum */
static uint16_t csum_value(const struct job *j, const struct sim_pkt_value *v,
                           const struct sim_pkt_mapping *m)
{
    if (v->how == SIM_PKT_VALUE)
        return (uint16_t)v->value;
    return (uint16_t)(sim_pkt_dss_csum(j->w, m) ^ (v->how == SIM_PKT_BAD ? 0x0100 : 0));
}

static void put_capable(struct job *j, const struct sim_pkt_capable *cap)
{
    struct sim_pkt_mapping m = {SIM_PKT_PEER, 1, 1, cap->dll, false};
    unsigned len = 4;

    for (unsigned i = 0; i < 2; i++)
        len += cap->key[i].how != SIM_PKT_NONE ? 8 : 0;
    len += (cap->has_dll ? 2u : 0) + (cap->csum.how != SIM_PKT_NONE ? 2u : 0);
    head(j, (uint8_t)len, 0, cap->version);
    wcursor_u8(&j->out, cap->flags);
    for (unsigned i = 0; i < 2; i++)
        if (cap->key[i].how != SIM_PKT_NONE)
            wcursor_u64(&j->out, key_value(j, &cap->key[i]));
    if (cap->has_dll)
        wcursor_u16(&j->out, cap->dll);
    if (cap->csum.how != SIM_PKT_NONE)
        wcursor_u16(&j->out, csum_value(j, &cap->csum, &m));
}

static void put_hmac(struct job *j, const struct sim_pkt_value *v, unsigned len)
{
    uint8_t hmac[32] = {0};

    if (v->how == SIM_PKT_VALUE)
        be64_store(hmac, v->value);
    else
        sim_pkt_join_hmac(j->w, j->f, SIM_PKT_PEER, hmac);
    hmac[0] ^= v->how == SIM_PKT_BAD ? 1 : 0;
    wcursor_bytes(&j->out, hmac, len);
}

static void put_join(struct job *j, const struct sim_pkt_opt *opt)
{
    const struct sim_pkt_join *join = &opt->join;
    uint32_t token = (uint32_t)join->token.value;

    switch (opt->kind) {
    case SIM_PKT_JOIN_SYN:
        if (join->token.how == SIM_PKT_VAR)
            token = sim_pkt_token(key_value(j, &join->token));
        head(j, 12, 1, join->backup);
        wcursor_u8(&j->out, join->id);
        wcursor_u32(&j->out, token);
        wcursor_u32(&j->out, j->f->nonce_remote);
        break;
    case SIM_PKT_JOIN_SYN_ACK:
        head(j, 16, 1, join->backup);
        wcursor_u8(&j->out, join->id);
        put_hmac(j, &join->hmac, HMAC8);
        wcursor_u32(&j->out, j->f->nonce_remote);
        break;
    default:
        head(j, 24, 1, 0);
        wcursor_u8(&j->out, 0);
        put_hmac(j, &join->hmac, HMAC20);
        break;
    }
}

/* A relative number in four or eight bytes */
static void put_relative(struct job *j, uint64_t v, uint64_t base, bool eight)
{
    if (eight)
        wcursor_u64(&j->out, base + v);
    else
        wcursor_u32(&j->out, (uint32_t)(base + v));
}

static void put_dss(struct job *j, const struct sim_pkt_dss *d)
{
    struct sim_pkt_mapping m = {SIM_PKT_PEER, d->dsn, d->ssn, d->dll, d->fin};
    unsigned len = 4u + (d->has_ack ? (d->ack8 ? 8u : 4u) : 0) +
                   (d->has_map ? (d->dsn8 ? 14u : 10u) : 0) +
                   (d->csum.how != SIM_PKT_NONE ? 2u : 0);
    unsigned flags = d->reserved | (unsigned)d->fin << 4 | (unsigned)d->dsn8 << 3 |
                     (unsigned)d->has_map << 2 | (unsigned)d->ack8 << 1 | d->has_ack;

    head(j, (uint8_t)len, 2, 0);
    wcursor_u8(&j->out, (uint8_t)flags);
    if (d->has_ack)
        put_relative(j, d->ack.value, j->w->idsn[SIM_PKT_STACK], d->ack8);
    if (d->has_map) {
        put_relative(j, d->dsn, j->w->idsn[SIM_PKT_PEER], d->dsn8);
        wcursor_u32(&j->out, d->ssn);
        wcursor_u16(&j->out, d->dll);
    }
    if (d->csum.how != SIM_PKT_NONE)
        wcursor_u16(&j->out, csum_value(j, &d->csum, &m));
}

static void put_add_addr(struct job *j, const struct sim_pkt_add_addr *add)
{
    unsigned ip = addr_ip_len(&add->addr);
    bool hmac = add->hmac.how != SIM_PKT_NONE;
    unsigned len = 4u + ip + (add->addr.port != 0 ? 2u : 0) + (hmac ? 8u : 0);
    uint64_t value = add->hmac.value;

    head(j, (uint8_t)len, 3, (uint8_t)(add->reserved | add->echo));
    wcursor_u8(&j->out, add->id);
    wcursor_bytes(&j->out, add->addr.ip, ip);
    if (add->addr.port != 0)
        wcursor_u16(&j->out, add->addr.port);
    if (!hmac)
        return;
    if (add->hmac.how != SIM_PKT_VALUE)
        value = sim_pkt_addr_hmac(j->w, SIM_PKT_PEER, add) ^ (add->hmac.how == SIM_PKT_BAD);
    wcursor_u64(&j->out, value);
}

static void put_mptcp(struct job *j, const struct sim_pkt_opt *opt)
{
    switch (opt->kind) {
    case SIM_PKT_CAPABLE:
        put_capable(j, &opt->capable);
        break;
    case SIM_PKT_DSS:
        put_dss(j, &opt->dss);
        break;
    case SIM_PKT_ADD_ADDR:
        put_add_addr(j, &opt->add);
        break;
    case SIM_PKT_REMOVE_ADDR:
        head(j, (uint8_t)(3 + opt->n), 4, 0);
        wcursor_bytes(&j->out, opt->bytes, opt->n);
        break;
    case SIM_PKT_PRIO:
        head(j, 3, 5, opt->flag);
        break;
    case SIM_PKT_FAIL: /* names data of the one who gets it */
        head(j, 12, 6, 0);
        wcursor_u8(&j->out, 0);
        wcursor_u64(&j->out, j->w->idsn[SIM_PKT_STACK] + opt->val.value);
        break;
    case SIM_PKT_FASTCLOSE:
        head(j, 12, 7, 0);
        wcursor_u8(&j->out, 0);
        wcursor_u64(&j->out, key_value(j, &opt->val));
        break;
    case SIM_PKT_RST:
        head(j, 4, 8, opt->flag);
        wcursor_u8(&j->out, opt->number);
        break;
    default:
        put_join(j, opt);
        break;
    }
}

/* What the stack really sent as the timestamp that the script calls so. */
static uint32_t live_ts(const struct job *j, uint32_t script)
{
    for (unsigned i = 0; i < SIM_PKT_TS_MAX && i < j->f->ts_n; i++) {
        unsigned at = (j->f->ts_n - 1 - i) % SIM_PKT_TS_MAX;
        if (j->f->ts[at].script == script)
            return j->f->ts[at].live;
    }
    return script == 0 ? 0 : script + j->w->ts_offset;
}

static void put_cookie(struct job *j, const struct sim_pkt_opt *opt)
{
    uint8_t n = opt->flag ? j->w->cookie_n : opt->n;

    wcursor_u8(&j->out, 34);
    wcursor_u8(&j->out, (uint8_t)(2 + n));
    wcursor_bytes(&j->out, opt->flag ? j->w->cookie : opt->bytes, n);
}

static void put_sack(struct job *j, const struct sim_pkt_opt *opt)
{
    wcursor_u8(&j->out, 5);
    wcursor_u8(&j->out, (uint8_t)(2 + 8 * opt->n));
    for (unsigned i = 0; i < opt->n; i++) {
        wcursor_u32(&j->out, j->f->iss + opt->sack[i].lo);
        wcursor_u32(&j->out, j->f->iss + opt->sack[i].hi);
    }
}

static void put_option(struct job *j, const struct sim_pkt_opt *opt)
{
    struct wcursor *out = &j->out;

    switch (opt->kind) {
    case SIM_PKT_NOP:
        wcursor_u8(out, 1);
        break;
    case SIM_PKT_EOL:
        wcursor_u8(out, 0);
        break;
    case SIM_PKT_MSS:
        wcursor_u16(out, 0x0204);
        wcursor_u16(out, opt->mss);
        break;
    case SIM_PKT_WSCALE:
        wcursor_u16(out, 0x0303);
        wcursor_u8(out, opt->number);
        break;
    case SIM_PKT_SACKOK:
        wcursor_u16(out, 0x0402);
        break;
    case SIM_PKT_SACK:
        put_sack(j, opt);
        break;
    case SIM_PKT_TS:
        wcursor_u16(out, 0x080a);
        wcursor_u32(out, (uint32_t)opt->val.value);
        wcursor_u32(out, live_ts(j, (uint32_t)opt->ecr.value));
        break;
    case SIM_PKT_FO:
        put_cookie(j, opt);
        break;
    case SIM_PKT_RAW:
        wcursor_bytes(out, opt->bytes, opt->n);
        break;
    default:
        put_mptcp(j, opt);
        break;
    }
}

/* The IP header in front of len bytes. */
static uint32_t put_ip(const struct sim_pkt_flow *f, uint8_t proto, uint32_t len, uint8_t *b)
{
    if (f->local.family == 6) {
        memset(b, 0, IP6);
        b[0] = 0x60;
        be16_store(b + 4, (uint16_t)len);
        b[6] = proto;
        b[7] = 64;
        memcpy(b + 8, f->remote.ip, 16);
        memcpy(b + 24, f->local.ip, 16);
        return IP6;
    }
    memset(b, 0, IP4);
    b[0] = 0x45;
    be16_store(b + 2, (uint16_t)(IP4 + len));
    b[6] = 0x40;
    b[8] = 64;
    b[9] = proto;
    memcpy(b + 12, f->remote.ip, 4);
    memcpy(b + 16, f->local.ip, 4);
    return IP4;
}

/* ECN bits come last, then the checksums. */
static void finish(uint8_t *b, uint32_t ip_len, uint32_t len, uint32_t csum_at)
{
    uint8_t *data = b + ip_len;
    uint8_t proto = ip_len == IP6 ? b[6] : b[9];
    uint64_t sum = 0;

    if (ip_len == IP4)
        be16_store(b + 10, (uint16_t)~csum_fold(csum_add(0, b, IP4)));
    if (proto != 1) { /* all but ICMP for IPv4 have a pseudo header */
        sum = ip_len == IP6 ? csum_add(0, b + 8, 32) : csum_add(0, b + 12, 8);
        sum = csum_add_u16(csum_add_u32(sum, len), proto);
    }
    be16_store(data + csum_at, (uint16_t)~csum_fold(csum_add(sum, data, len)));
}

static void put_ecn(uint8_t *b, uint32_t ip_len, uint8_t ecn)
{
    if (ip_len == IP6)
        b[1] = (uint8_t)(b[1] | ecn << 4);
    else
        b[1] |= ecn;
}

static void put_tcp(const struct sim_pkt_flow *f, const struct sim_pkt_seg *seg, unsigned options,
                    uint8_t *t)
{
    be16_store(t, f->remote.port);
    be16_store(t + 2, f->local.port);
    be32_store(t + 4, f->irs + seg->seq);
    be32_store(t + 8, seg->has_ack ? f->iss + seg->ack : 0);
    t[12] = (uint8_t)((TCP + options) / 4 << 4);
    t[13] = seg->flags;
    be16_store(t + 14, (uint16_t)seg->wnd.value);
    be16_store(t + 16, 0);
    be16_store(t + 18, seg->urg);
}

/* Where in the peer's stream the payload begins. */
static uint64_t payload_pos(const struct sim_pkt_flow *f, const struct sim_pkt_seg *seg)
{
    uint32_t first = seg->seq + ((seg->flags & WIRE_SYN) != 0);

    return f->map_in.dsn - 1 + (uint64_t)(int64_t)(int32_t)(first - f->map_in.ssn);
}

const char *sim_pkt_encode(const struct sim_pkt_world *w, const struct sim_pkt_flow *f,
                           const struct sim_pkt_seg *seg, struct sim_pkt_bytes *out)
{
    uint8_t opts[OPTIONS];
    struct job j = {.w = w, .f = f};

    wcursor_init(&j.out, opts, sizeof opts);
    for (unsigned i = 0; i < seg->opt_n; i++)
        put_option(&j, &seg->opt[i]);
    while (!j.out.bad && wcursor_used(&j.out) % 4 != 0)
        wcursor_u8(&j.out, 0);
    if (j.out.bad)
        return "the options take more than 40 bytes";
    if (j.why != NULL)
        return j.why;
    unsigned options = (unsigned)wcursor_used(&j.out);
    uint32_t len = TCP + options + seg->len;
    uint32_t ip_len = put_ip(f, 6, len, out->b);
    uint8_t *tcp = out->b + ip_len;
    put_tcp(f, seg, options, tcp);
    memcpy(tcp + TCP, opts, options);
    sim_pkt_stream_fill(SIM_PKT_PEER, payload_pos(f, seg), tcp + TCP + options, seg->len);
    put_ecn(out->b, ip_len, (uint8_t)seg->ecn.value);
    finish(out->b, ip_len, len, 16);
    out->len = ip_len + len;
    return NULL;
}

/* The header that the error quotes: of a segment from the stack. */
static void put_quote(const struct sim_pkt_flow *f, const struct sim_pkt_icmp *icmp, uint8_t *b)
{
    struct sim_pkt_flow turned = *f;

    turned.local = f->remote;
    turned.remote = f->local;
    uint32_t ip_len = put_ip(&turned, 6, TCP + icmp->len, b);
    uint8_t *t = b + ip_len;
    memset(t, 0, TCP);
    be16_store(t, f->local.port);
    be16_store(t + 2, f->remote.port);
    be32_store(t + 4, f->iss + icmp->seq);
    t[12] = TCP / 4 << 4;
    t[13] = WIRE_ACK;
}

/* RFC 792 and RFC 4443: destination unreachable; too big is a type of its own in IPv6. */
static void put_icmp_kind(const struct sim_pkt_icmp *icmp, bool ipv6, uint8_t *b)
{
    static const uint8_t code6[4] = {0, 3, 4, 4};

    memset(b, 0, 8);
    b[0] = ipv6 ? (icmp->code == 4 ? 2 : 1) : icmp->type;
    b[1] = ipv6 ? (icmp->code < 4 ? code6[icmp->code] : icmp->code == 13) : icmp->code;
    if (ipv6 && icmp->code == 4) {
        b[1] = 0;
        be32_store(b + 4, icmp->mtu);
    } else {
        be16_store(b + 6, (uint16_t)icmp->mtu);
    }
}

void sim_pkt_encode_icmp(const struct sim_pkt_flow *f, const struct sim_pkt_icmp *icmp,
                         struct sim_pkt_bytes *out)
{
    bool ipv6 = f->local.family == 6;
    uint32_t quoted = (ipv6 ? IP6 : IP4) + TCP;
    uint32_t ip_len = put_ip(f, ipv6 ? 58 : 1, 8 + quoted, out->b);
    uint8_t *b = out->b + ip_len;

    put_icmp_kind(icmp, ipv6, b);
    put_quote(f, icmp, b + 8);
    if (!ipv6)
        be16_store(b + 8 + 10, (uint16_t)~csum_fold(csum_add(0, b + 8, IP4)));
    finish(out->b, ip_len, 8 + quoted, 2);
    out->len = ip_len + 8 + quoted;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One line for people: a segment the way packetdrill and tcpdump write it.
 *
 * Used by logs, tests and tools. Never writes outside the buffer; the answer is the length that the
 * whole line wants. */
#include "internal.h"

#include "base/addr.h"

struct text { char *out; size_t size, want; };

static void put_char(struct text *t, char c)
{
    if (t->want + 1 < t->size)
        t->out[t->want] = c;
    t->want++;
}

static void put(struct text *t, const char *s)
{
    while (*s != '\0')
        put_char(t, *s++);
}

static void put_number(struct text *t, uint64_t v)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (n > 0)
        put_char(t, digits[--n]);
}

/* " name 123" */
static void put_field(struct text *t, const char *name, uint64_t v)
{
    put_char(t, ' ');
    put(t, name);
    put_char(t, ' ');
    put_number(t, v);
}

static void put_bytes(struct text *t, const char *name, const uint8_t *p, unsigned n)
{
    put_char(t, ' ');
    put(t, name);
    put(t, " 0x");
    for (unsigned i = 0; i < n; i++) {
        put_char(t, "0123456789abcdef"[p[i] >> 4]);
        put_char(t, "0123456789abcdef"[p[i] & 15]);
    }
}

static void put_hex(struct text *t, const char *name, uint64_t v, unsigned bytes)
{
    uint8_t b[8];

    be64_store(b, v);
    put_bytes(t, name, b + 8 - bytes, bytes);
}

static void put_addr(struct text *t, const struct plait_addr *a)
{
    char s[ADDR_TEXT_MAX];

    addr_print(a, s);
    put(t, s);
}

/* Starts an option: '<' in front of the first one, ',' in front of the others. */
static void option(struct text *t, bool *first, const char *name)
{
    put(t, *first ? " <" : ",");
    put(t, name);
    *first = false;
}

static void put_tcpopts(struct text *t, const struct wire_tcpopts *o, bool *first)
{
    if (o->has_mss) {
        option(t, first, "mss ");
        put_number(t, o->mss);
    }
    if (o->sack_permitted)
        option(t, first, "sackOK");
    if (o->has_ts) {
        option(t, first, "TS");
        put_field(t, "val", o->tsval);
        put_field(t, "ecr", o->tsecr);
    }
    if (o->has_wscale) {
        option(t, first, "wscale ");
        put_number(t, o->wscale);
    }
    if (o->has_tfo) {
        option(t, first, "FO");
        put_bytes(t, "cookie", o->tfo, o->tfo_len);
    }
    if (o->sack_n > 0)
        option(t, first, "sack");
    for (unsigned i = 0; i < o->sack_n; i++) {
        put_char(t, ' ');
        put_number(t, o->sack[i].lo);
        put_char(t, ':');
        put_number(t, o->sack[i].hi);
    }
}

static void put_capable(struct text *t, const struct wire_mp_capable *cap)
{
    put(t, " v");
    put_number(t, cap->version);
    put(t, " flags:[");
    for (unsigned i = 0; i < 8; i++)
        if ((cap->flags & (0x80 >> i)) != 0)
            put_char(t, "ABCDEFGH"[i]);
    put_char(t, ']');
    if (cap->len >= 12)
        put_hex(t, "key", cap->key_sender, 8);
    if (cap->len >= 20)
        put_hex(t, "peer", cap->key_receiver, 8);
    if (cap->len >= 22)
        put_field(t, "dll", cap->dll);
    if (cap->len >= 24)
        put_hex(t, "csum", cap->csum, 2);
}

static void put_join(struct text *t, const struct wire_mp_join *join)
{
    if (join->len == 24) {
        put_bytes(t, "hmac", join->hmac, 20);
        return;
    }
    put(t, join->backup ? " backup" : "");
    put_field(t, "id", join->addr_id);
    if (join->len == 12)
        put_hex(t, "token", join->token, 4);
    else
        put_bytes(t, "hmac", join->hmac, 8);
    put_hex(t, "nonce", join->nonce, 4);
}

static void put_dss(struct text *t, const struct wire_mp_dss *dss)
{
    if (dss->has_ack)
        put_field(t, dss->ack64 ? "ack8" : "ack4", dss->ack);
    if (dss->has_map) {
        put_field(t, dss->dsn64 ? "dsn8" : "dsn4", dss->dsn);
        put_field(t, "ssn", dss->ssn);
        put_field(t, "dll", dss->dll);
    }
    if (dss->has_csum)
        put_hex(t, "csum", dss->csum, 2);
    put(t, dss->data_fin ? " fin" : "");
}

static void put_add_addr(struct text *t, const struct wire_mp_add_addr *add)
{
    put(t, add->echo ? " echo" : "");
    put_field(t, "id", add->id);
    put_char(t, ' ');
    put_addr(t, &add->addr);
    if (add->has_hmac)
        put_bytes(t, "hmac", add->hmac, 8);
}

static void put_remove(struct text *t, const struct wire_mp_remove *remove)
{
    for (unsigned i = 0; i < remove->n && i < WIRE_MP_REMOVE_MAX; i++)
        put_field(t, "id", remove->id[i]);
}

static void put_mp(struct text *t, const struct wire_mp *mp, unsigned subtype)
{
    switch (subtype) {
    case WIRE_MP_CAPABLE: put_capable(t, &mp->capable); break;
    case WIRE_MP_JOIN: put_join(t, &mp->join); break;
    case WIRE_MP_DSS: put_dss(t, &mp->dss); break;
    case WIRE_MP_ADD_ADDR: put_add_addr(t, &mp->add_addr); break;
    case WIRE_MP_REMOVE_ADDR: put_remove(t, &mp->remove); break;
    case WIRE_MP_PRIO:
        put(t, mp->prio_backup ? " backup" : " regular");
        if (mp->prio_has_id)
            put_field(t, "id", mp->prio_id);
        break;
    case WIRE_MP_FAIL: put_field(t, "dsn", mp->fail_dsn); break;
    case WIRE_MP_FASTCLOSE: put_hex(t, "key", mp->fastclose_key, 8); break;
    default:
        put(t, mp->rst.transient ? " transient" : "");
        put_field(t, "reason", mp->rst.reason);
        break;
    }
}

static void put_mptcp(struct text *t, const struct wire_mp *mp, bool *first)
{
    static const char *const name[] = { "mpcapable", "mpjoin", "dss", "addaddr", "rmaddr", "mpprio",
                                        "mpfail", "fastclose", "mprst" };

    for (unsigned subtype = WIRE_MP_CAPABLE; subtype <= WIRE_MP_TCPRST; subtype++) {
        if (!wire_mp_has(mp, (enum wire_mp_subtype)subtype))
            continue;
        option(t, first, name[subtype]);
        put_mp(t, mp, subtype);
    }
}

static void put_flags(struct text *t, uint8_t flags)
{
    static const struct { uint8_t bit; char c; } letter[] = {
        { WIRE_FIN, 'F' }, { WIRE_SYN, 'S' }, { WIRE_RST, 'R' }, { WIRE_PSH, 'P' },
        { WIRE_ACK, '.' }, { WIRE_URG, 'U' }, { WIRE_ECE, 'E' }, { WIRE_CWR, 'W' },
    };

    put_char(t, ' ');
    for (unsigned i = 0; i < sizeof letter / sizeof *letter; i++)
        if ((flags & letter[i].bit) != 0)
            put_char(t, letter[i].c);
}

size_t wire_print_seg(const struct wire_seg *seg, char *out, size_t size)
{
    struct text t = { .out = out, .size = size };
    bool first = true;

    put_addr(&t, &seg->src);
    put(&t, " > ");
    put_addr(&t, &seg->dst);
    put_flags(&t, seg->flags);
    put_char(&t, ' ');
    put_number(&t, seg->seq);
    put_char(&t, ':');
    put_number(&t, (uint32_t)(seg->seq + seg->len));
    put_char(&t, '(');
    put_number(&t, seg->len);
    put_char(&t, ')');
    if ((seg->flags & WIRE_ACK) != 0)
        put_field(&t, "ack", seg->ack);
    put_field(&t, "win", seg->wnd);
    if ((seg->flags & WIRE_URG) != 0)
        put_field(&t, "urg", seg->urg);
    put_tcpopts(&t, &seg->opt, &first);
    put_mptcp(&t, &seg->mp, &first);
    put(&t, first ? "" : ">");
    if (size > 0)
        out[t.want < size ? t.want : size - 1] = '\0';
    return t.want;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* MPTCP options (TCP option kind 30): RFC 8684 3 and 7.1; the formats of RFC 6824 (version 0) where
 * they differ. Parse and emit of each option stand side by side.
 *
 * Called by tcphdr.c and emit.c. A parse function answers false where length, flags and the
 * segment's SYN, ACK and RST bits do not belong together; such an option is counted and left out,
 * the segment stays. What it means and whether it is allowed now is for mp to decide. */
#include "internal.h"

#include "base/addr.h"

#include <string.h>

/* A received option: the cursor stands behind the subtype byte, whose lower half is low. */
struct option {
    struct cursor c;
    unsigned len;
    uint8_t low;
    const struct wire_seg *seg;
};

static bool is_syn(const struct option *o)
{
    return (o->seg->flags & (WIRE_SYN | WIRE_ACK)) == WIRE_SYN;
}

static bool is_synack(const struct option *o)
{
    return (o->seg->flags & (WIRE_SYN | WIRE_ACK)) == (WIRE_SYN | WIRE_ACK);
}

static bool is_ack(const struct option *o)
{
    return (o->seg->flags & (WIRE_SYN | WIRE_ACK)) == WIRE_ACK;
}

static void emit_head(struct wcursor *w, unsigned len, enum wire_mp_subtype subtype, unsigned low)
{
    wcursor_u8(w, WIRE_OPT_MPTCP);
    wcursor_u8(w, (uint8_t)len);
    wcursor_u8(w, (uint8_t)((unsigned)subtype << 4 | low));
}

/* ---- MP_CAPABLE (3.1, figure 4) ---- */

enum { CAPABLE_SYN = 4, CAPABLE_ONE_KEY = 12, CAPABLE_TWO_KEYS = 20, CAPABLE_DATA = 22,
       CAPABLE_DATA_CSUM = 24 };

/* Version 0 sends its key in the SYN already (RFC 6824 3.1). A plain ACK's form with payload behind
 * it is accepted too: it says nothing wrong. */
static bool capable_fits(const struct option *o)
{
    if (is_syn(o))
        return o->len == CAPABLE_SYN || (o->len == CAPABLE_ONE_KEY && o->low == 0);
    if (is_synack(o))
        return o->len == CAPABLE_ONE_KEY;
    if (!is_ack(o))
        return false;
    if (o->len == CAPABLE_DATA || o->len == CAPABLE_DATA_CSUM)
        return o->seg->len > 0;
    return o->len == CAPABLE_TWO_KEYS;
}

static bool parse_capable(struct option *o, struct wire_mp *mp)
{
    struct wire_mp_capable *cap = &mp->capable;

    if (!capable_fits(o))
        return false;
    *cap = (struct wire_mp_capable){ .version = o->low, .len = (uint8_t)o->len };
    cap->flags = cursor_u8(&o->c);
    if (o->len >= CAPABLE_ONE_KEY)
        cap->key_sender = cursor_u64(&o->c);
    if (o->len >= CAPABLE_TWO_KEYS)
        cap->key_receiver = cursor_u64(&o->c);
    if (o->len >= CAPABLE_DATA)
        cap->dll = cursor_u16(&o->c);
    if (o->len >= CAPABLE_DATA_CSUM)
        cap->csum = cursor_u16(&o->c);
    return true;
}

static void emit_capable(struct wcursor *w, const struct wire_mp *mp)
{
    const struct wire_mp_capable *cap = &mp->capable;

    emit_head(w, cap->len, WIRE_MP_CAPABLE, cap->version);
    wcursor_u8(w, cap->flags);
    if (cap->len >= CAPABLE_ONE_KEY)
        wcursor_u64(w, cap->key_sender);
    if (cap->len >= CAPABLE_TWO_KEYS)
        wcursor_u64(w, cap->key_receiver);
    if (cap->len >= CAPABLE_DATA)
        wcursor_u16(w, cap->dll);
    if (cap->len >= CAPABLE_DATA_CSUM)
        wcursor_u16(w, cap->csum);
}

/* ---- MP_JOIN (3.2, figures 5 to 7) ---- */

enum { JOIN_SYN = 12, JOIN_SYNACK = 16, JOIN_ACK = 24 };

static bool parse_join(struct option *o, struct wire_mp *mp)
{
    struct wire_mp_join *join = &mp->join;
    unsigned hmac_len;

    if (o->len != (is_syn(o) ? JOIN_SYN : is_synack(o) ? JOIN_SYNACK : JOIN_ACK) ||
        (o->seg->flags & (WIRE_SYN | WIRE_ACK)) == 0)
        return false;
    *join = (struct wire_mp_join){ .len = (uint8_t)o->len };
    join->addr_id = cursor_u8(&o->c);
    if (o->len == JOIN_SYN)
        join->token = cursor_u32(&o->c);
    hmac_len = o->len == JOIN_SYNACK ? 8 : o->len == JOIN_ACK ? 20 : 0;
    if (hmac_len > 0)
        memcpy(join->hmac, cursor_bytes(&o->c, hmac_len), hmac_len);
    if (o->len == JOIN_ACK)
        join->addr_id = 0; /* reserved bits in this form */
    else {
        join->backup = (o->low & 1) != 0;
        join->nonce = cursor_u32(&o->c);
    }
    return true;
}

/*= RFC 8684 3.2
 * The MP_JOIN option on packets with the SYN flag set also includes 4 bits of flags, 3 of which are
 * currently reserved and MUST be set to 0 by the sender. */
/*= RFC 8684 3.2
 * The reserved bits in this option MUST be set to 0 by the sender. */
static void emit_join(struct wcursor *w, const struct wire_mp *mp)
{
    const struct wire_mp_join *join = &mp->join;
    bool ack = join->len == JOIN_ACK;

    emit_head(w, join->len, WIRE_MP_JOIN, !ack && join->backup ? 1 : 0);
    wcursor_u8(w, ack ? 0 : join->addr_id);
    if (ack) {
        wcursor_bytes(w, join->hmac, 20);
        return;
    }
    if (join->len == JOIN_SYN)
        wcursor_u32(w, join->token);
    else
        wcursor_bytes(w, join->hmac, 8);
    wcursor_u32(w, join->nonce);
}

/* ---- DSS (3.3, figure 9) ---- */

enum { DSS_ACK = 1, DSS_ACK64 = 2, DSS_MAP = 4, DSS_DSN64 = 8, DSS_FIN = 16 };

unsigned wire_dss_len(const struct wire_mp_dss *dss)
{
    unsigned len = 4;

    if (dss->has_ack)
        len += dss->ack64 ? 8 : 4;
    if (dss->has_map)
        len += (dss->dsn64 ? 14U : 10U) + (dss->has_csum ? 2U : 0U);
    return len;
}

/* The flags decide the length up to the checksum, and the length tells whether that is there. The
 * flags a and m mean nothing without A and M. */
static bool parse_dss(struct option *o, struct wire_mp *mp)
{
    struct wire_mp_dss *dss = &mp->dss;
    uint8_t flags = cursor_u8(&o->c);

    *dss = (struct wire_mp_dss){
        .has_ack = (flags & DSS_ACK) != 0,
        .ack64 = (flags & DSS_ACK) != 0 && (flags & DSS_ACK64) != 0,
        .has_map = (flags & DSS_MAP) != 0,
        .dsn64 = (flags & DSS_MAP) != 0 && (flags & DSS_DSN64) != 0,
        .data_fin = (flags & DSS_FIN) != 0,
    };
    dss->has_csum = dss->has_map && o->len == wire_dss_len(dss) + 2;
    if (o->len != wire_dss_len(dss) || (o->seg->flags & WIRE_SYN) != 0)
        return false;
    if (dss->has_ack)
        dss->ack = dss->ack64 ? cursor_u64(&o->c) : cursor_u32(&o->c);
    if (dss->has_map) {
        dss->dsn = dss->dsn64 ? cursor_u64(&o->c) : cursor_u32(&o->c);
        dss->ssn = cursor_u32(&o->c);
        dss->dll = cursor_u16(&o->c);
    }
    if (dss->has_csum)
        dss->csum = cursor_u16(&o->c);
    return true;
}

/*= RFC 8684 3.3
 * The remaining reserved bits MUST be set to 0 by an implementation of this specification. */
static void emit_dss(struct wcursor *w, const struct wire_mp *mp)
{
    const struct wire_mp_dss *dss = &mp->dss;
    unsigned flags = (dss->has_ack ? DSS_ACK | (dss->ack64 ? DSS_ACK64 : 0U) : 0U) |
                     (dss->has_map ? DSS_MAP | (dss->dsn64 ? DSS_DSN64 : 0U) : 0U) |
                     (dss->data_fin ? DSS_FIN : 0U);

    emit_head(w, wire_dss_len(dss), WIRE_MP_DSS, 0);
    wcursor_u8(w, (uint8_t)flags);
    if (dss->has_ack && dss->ack64)
        wcursor_u64(w, dss->ack);
    else if (dss->has_ack)
        wcursor_u32(w, (uint32_t)dss->ack);
    if (!dss->has_map)
        return;
    if (dss->dsn64)
        wcursor_u64(w, dss->dsn);
    else
        wcursor_u32(w, (uint32_t)dss->dsn);
    wcursor_u32(w, dss->ssn);
    wcursor_u16(w, dss->dll);
    if (dss->has_csum)
        wcursor_u16(w, dss->csum);
}

/* ---- ADD_ADDR (3.4.1, figure 12 of either RFC) ---- */

enum { ADD_ADDR_HEAD = 4, ADD_ADDR_HMAC = 8 };

unsigned wire_add_addr_len(const struct wire_mp_add_addr *add)
{
    return ADD_ADDR_HEAD + addr_ip_len(&add->addr) + (add->addr.port != 0 ? 2U : 0U) +
           (add->has_hmac ? ADD_ADDR_HMAC : 0U);
}

/* The length alone tells family, port and HMAC. Without an HMAC it is an echo, or of version 0:
 * IPVer, 4 or 6, leaves the place of E clear, so that one is never taken for the other. */
static bool add_addr_shape(unsigned len, struct wire_mp_add_addr *add, bool *port)
{
    switch (len) {
    case 8: case 10: case 16: case 18: add->addr.family = 4; break;
    case 20: case 22: case 28: case 30: add->addr.family = 6; break;
    default: return false;
    }
    len -= ADD_ADDR_HEAD + addr_ip_len(&add->addr);
    add->has_hmac = len >= ADD_ADDR_HMAC;
    *port = len % 8 != 0;
    return true;
}

/*= RFC 8684 3.4.1
 * The other bits are currently unassigned; they MUST be set to 0 by a sender and MUST be ignored by
 * the receiver. */
static bool parse_add_addr(struct option *o, struct wire_mp *mp)
{
    struct wire_mp_add_addr *add = &mp->add_addr;
    bool port;
    unsigned n;

    *add = (struct wire_mp_add_addr){ .echo = (o->low & 1) != 0 };
    if (!add_addr_shape(o->len, add, &port) || (o->seg->flags & WIRE_SYN) != 0)
        return false;
    add->v0 = !add->has_hmac && o->low == add->addr.family;
    add->id = cursor_u8(&o->c);
    n = addr_ip_len(&add->addr);
    memcpy(add->addr.ip, cursor_bytes(&o->c, n), n);
    if (port)
        add->addr.port = cursor_u16(&o->c);
    if (add->has_hmac)
        memcpy(add->hmac, cursor_bytes(&o->c, ADD_ADDR_HMAC), ADD_ADDR_HMAC);
    return true;
}

/*= RFC 8684 3.4.1-9 */
static void emit_add_addr(struct wcursor *w, const struct wire_mp *mp)
{
    const struct wire_mp_add_addr *add = &mp->add_addr;
    unsigned low = add->v0 ? add->addr.family : add->echo ? 1 : 0;

    emit_head(w, wire_add_addr_len(add), WIRE_MP_ADD_ADDR, low);
    wcursor_u8(w, add->id);
    wcursor_bytes(w, add->addr.ip, addr_ip_len(&add->addr));
    if (add->addr.port != 0)
        wcursor_u16(w, add->addr.port);
    if (add->has_hmac)
        wcursor_bytes(w, add->hmac, ADD_ADDR_HMAC);
}

/* ---- REMOVE_ADDR (3.4.2, figure 13) ---- */

enum { REMOVE_HEAD = 3 };

static bool parse_remove(struct option *o, struct wire_mp *mp)
{
    unsigned n = o->len - REMOVE_HEAD;

    if (n == 0 || n > WIRE_MP_REMOVE_MAX || (o->seg->flags & WIRE_SYN) != 0)
        return false;
    mp->remove = (struct wire_mp_remove){ .n = (uint8_t)n };
    memcpy(mp->remove.id, cursor_bytes(&o->c, n), n);
    return true;
}

static unsigned remove_len(const struct wire_mp_remove *remove)
{
    return REMOVE_HEAD + (remove->n < WIRE_MP_REMOVE_MAX ? remove->n : WIRE_MP_REMOVE_MAX);
}

static void emit_remove(struct wcursor *w, const struct wire_mp *mp)
{
    unsigned len = remove_len(&mp->remove);

    emit_head(w, len, WIRE_MP_REMOVE_ADDR, 0);
    wcursor_bytes(w, mp->remove.id, len - REMOVE_HEAD);
}

/* ---- MP_PRIO (3.3.8, figure 11) ---- */

enum { PRIO_LEN = 3, PRIO_V0_LEN = 4 };

/*= RFC 6824 3.3.8
 * The presence of this field is determined by the option length; if Length==4 then it is present.
 * If Length==3, then it applies to the current subflow only. */
static bool parse_prio(struct option *o, struct wire_mp *mp)
{
    if ((o->len != PRIO_LEN && o->len != PRIO_V0_LEN) || (o->seg->flags & WIRE_SYN) != 0)
        return false;
    mp->prio_backup = (o->low & 1) != 0;
    mp->prio_has_id = o->len == PRIO_V0_LEN;
    mp->prio_id = mp->prio_has_id ? cursor_u8(&o->c) : 0;
    return true;
}

static unsigned prio_len(const struct wire_mp *mp)
{
    return mp->prio_has_id ? PRIO_V0_LEN : PRIO_LEN;
}

static void emit_prio(struct wcursor *w, const struct wire_mp *mp)
{
    emit_head(w, prio_len(mp), WIRE_MP_PRIO, mp->prio_backup ? 1 : 0);
    if (mp->prio_has_id)
        wcursor_u8(w, mp->prio_id);
}

/* ---- MP_FAIL (3.7, figure 16) and MP_FASTCLOSE (3.5, figure 14) ---- */

enum { FAIL_LEN = 12, FASTCLOSE_LEN = 12 };

static bool parse_u64(struct option *o, uint64_t *v)
{
    if (o->len != FAIL_LEN || (o->seg->flags & WIRE_SYN) != 0)
        return false;
    cursor_skip(&o->c, 1);
    *v = cursor_u64(&o->c);
    return true;
}

static void emit_fail(struct wcursor *w, const struct wire_mp *mp)
{
    emit_head(w, FAIL_LEN, WIRE_MP_FAIL, 0);
    wcursor_u8(w, 0);
    wcursor_u64(w, mp->fail_dsn);
}

static void emit_fastclose(struct wcursor *w, const struct wire_mp *mp)
{
    emit_head(w, FASTCLOSE_LEN, WIRE_MP_FASTCLOSE, 0);
    wcursor_u8(w, 0);
    wcursor_u64(w, mp->fastclose_key);
}

/* ---- MP_TCPRST (3.6, figure 15) ---- */

enum { TCPRST_LEN = 4 };

/*= RFC 8684 3.6
 * An implementation of this specification MUST set these flags to 0, and a receiver MUST ignore
 * them. */
static bool parse_tcprst(struct option *o, struct wire_mp *mp)
{
    if (o->len != TCPRST_LEN || (o->seg->flags & WIRE_RST) == 0)
        return false;
    mp->rst.transient = (o->low & 1) != 0;
    mp->rst.reason = cursor_u8(&o->c);
    return true;
}

/*= RFC 8684 3.6-7 */
static void emit_tcprst(struct wcursor *w, const struct wire_mp *mp)
{
    emit_head(w, TCPRST_LEN, WIRE_MP_TCPRST, mp->rst.transient ? 1 : 0);
    wcursor_u8(w, mp->rst.reason);
}

/* ---- all of them ---- */

static bool parse_subtype(unsigned subtype, struct option *o, struct wire_mp *mp)
{
    switch (subtype) {
    case WIRE_MP_CAPABLE: return parse_capable(o, mp);
    case WIRE_MP_JOIN: return parse_join(o, mp);
    case WIRE_MP_DSS: return parse_dss(o, mp);
    case WIRE_MP_ADD_ADDR: return parse_add_addr(o, mp);
    case WIRE_MP_REMOVE_ADDR: return parse_remove(o, mp);
    case WIRE_MP_PRIO: return parse_prio(o, mp);
    case WIRE_MP_FAIL: return parse_u64(o, &mp->fail_dsn);
    case WIRE_MP_FASTCLOSE: return parse_u64(o, &mp->fastclose_key);
    case WIRE_MP_TCPRST: return parse_tcprst(o, mp);
    default: return false;
    }
}

void wire_mp_parse(const uint8_t *body, unsigned len, struct wire_seg *seg)
{
    struct option o = { .len = len, .seg = seg };
    uint8_t first;

    seg->mp.any = true;
    cursor_init(&o.c, body, len - 2);
    first = cursor_u8(&o.c);
    o.low = first & 15;
    if (!o.c.bad && (seg->mp.present & (1u << (first >> 4))) != 0)
        return; /* the first of its subtype counts */
    if (!o.c.bad && parse_subtype(first >> 4, &o, &seg->mp))
        seg->mp.present |= (uint16_t)(1u << (first >> 4));
    else
        seg->bad_mp++;
}

/* Order on the wire, length and writer of each subtype. */
static unsigned len_of(unsigned subtype, const struct wire_mp *mp)
{
    switch (subtype) {
    case WIRE_MP_CAPABLE: return mp->capable.len;
    case WIRE_MP_JOIN: return mp->join.len;
    case WIRE_MP_DSS: return wire_dss_len(&mp->dss);
    case WIRE_MP_ADD_ADDR: return wire_add_addr_len(&mp->add_addr);
    case WIRE_MP_REMOVE_ADDR: return remove_len(&mp->remove);
    case WIRE_MP_PRIO: return prio_len(mp);
    case WIRE_MP_FAIL: return FAIL_LEN;
    case WIRE_MP_FASTCLOSE: return FASTCLOSE_LEN;
    default: return TCPRST_LEN;
    }
}

static void emit_subtype(unsigned subtype, struct wcursor *w, const struct wire_mp *mp)
{
    switch (subtype) {
    case WIRE_MP_CAPABLE: emit_capable(w, mp); break;
    case WIRE_MP_JOIN: emit_join(w, mp); break;
    case WIRE_MP_DSS: emit_dss(w, mp); break;
    case WIRE_MP_ADD_ADDR: emit_add_addr(w, mp); break;
    case WIRE_MP_REMOVE_ADDR: emit_remove(w, mp); break;
    case WIRE_MP_PRIO: emit_prio(w, mp); break;
    case WIRE_MP_FAIL: emit_fail(w, mp); break;
    case WIRE_MP_FASTCLOSE: emit_fastclose(w, mp); break;
    default: emit_tcprst(w, mp); break;
    }
}

void wire_mp_emit(struct wcursor *w, const struct wire_mp *mp, bool pad)
{
    for (unsigned subtype = WIRE_MP_CAPABLE; subtype <= WIRE_MP_TCPRST; subtype++) {
        if (!wire_mp_has(mp, (enum wire_mp_subtype)subtype))
            continue;
        wire_opt_pad(w, len_of(subtype, mp), pad);
        emit_subtype(subtype, w, mp);
    }
}

unsigned wire_mp_len(const struct wire_mp *mp)
{
    unsigned sum = 0;

    for (unsigned subtype = WIRE_MP_CAPABLE; subtype <= WIRE_MP_TCPRST; subtype++)
        if (wire_mp_has(mp, (enum wire_mp_subtype)subtype))
            sum += len_of(subtype, mp);
    return sum;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers: parse and emit side by side.
 *
 * Called by parse.c, icmp.c and emit.c. Options of IPv4 and the harmless extension headers of IPv6
 * are skipped. Fragments are refused: this stack sends no packet that may be fragmented, and
 * reassembly is a gift to attackers. */
#include "internal.h"

#include "base/addr.h"
#include "base/csum.h"

#include <string.h>

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DEST_OPTIONS = 60, EXTHDRS_MAX = 8 };
enum { TTL = 64, IP4_DF = 0x4000, IP4_MF_OFFSET = 0x3fff };

static void take_addr(struct cursor *c, uint8_t family, struct plait_addr *a)
{
    unsigned n = family == 4 ? 4 : 16;
    const uint8_t *p = cursor_bytes(c, n);

    *a = (struct plait_addr){ .family = family };
    if (p != NULL)
        memcpy(a->ip, p, n);
}

static void take_rest(struct cursor *c, struct wire_ip *ip)
{
    ip->len = cursor_left(c);
    ip->data = cursor_bytes(c, ip->len);
}

/* ---- IPv4 ---- */

/*= RFC 9293 MUST-50 */
static enum plait_reason parse_v4(const uint8_t *p, size_t len, bool quoted, struct wire_ip *ip)
{
    struct cursor c;
    size_t head = (size_t)(p[0] & 15) * 4, total;
    uint16_t fragment;

    cursor_init(&c, p, len);
    cursor_skip(&c, 1);
    ip->ecn = cursor_u8(&c) & 3;
    total = cursor_u16(&c);
    cursor_skip(&c, 2);
    fragment = cursor_u16(&c) & IP4_MF_OFFSET;
    cursor_skip(&c, 1);
    ip->proto = cursor_u8(&c);
    cursor_skip(&c, 2);
    take_addr(&c, 4, &ip->src);
    take_addr(&c, 4, &ip->dst);
    if (quoted || total == 0)
        total = len;
    if (c.bad || head < WIRE_IP4_LEN || head > total || total > len)
        return PLAIT_REASON_IP_TRUNCATED;
    if (!quoted && csum_fold(csum_add(0, p, head)) != 0xffff)
        return PLAIT_REASON_IP_CSUM;
    if (quoted ? (fragment & 0x1fff) != 0 : fragment != 0)
        return PLAIT_REASON_IP_FRAGMENT;
    cursor_init(&c, p, total);
    cursor_skip(&c, head);
    take_rest(&c, ip);
    return PLAIT_REASON_NONE;
}

static void emit_v4(struct wcursor *w, const struct wire_emit *how, size_t len)
{
    size_t total = WIRE_IP4_LEN + len;
    uint8_t *start = w->p;

    wcursor_u8(w, 0x45);
    wcursor_u8(w, how->ecn & 3);
    wcursor_u16(w, total <= UINT16_MAX ? (uint16_t)total : 0);
    wcursor_u16(w, 0);
    wcursor_u16(w, IP4_DF);
    wcursor_u8(w, TTL);
    wcursor_u8(w, WIRE_PROTO_TCP);
    wcursor_u16(w, 0);
    wcursor_bytes(w, how->src->ip, 4);
    wcursor_bytes(w, how->dst->ip, 4);
    if (!w->bad)
        be16_store(start + 10, (uint16_t)~csum_fold(csum_add(0, start, WIRE_IP4_LEN)));
}

/* ---- IPv6 ---- */

/* A routing header that still has segments left asks its receiver to be a router, which this is
 * not. */
static enum plait_reason skip_one(struct cursor *c, bool routing, uint8_t *next)
{
    size_t rest;

    *next = cursor_u8(c);
    rest = (size_t)cursor_u8(c) * 8 + 6;
    if (routing) {
        cursor_skip(c, 1); /* the type does not matter once no segment is left */
        if (cursor_u8(c) != 0)
            return PLAIT_REASON_IP_EXTHDR;
        rest -= 2;
    }
    cursor_skip(c, rest);
    return c->bad ? PLAIT_REASON_IP_TRUNCATED : PLAIT_REASON_NONE;
}

static enum plait_reason skip_exthdrs(struct cursor *c, uint8_t *next)
{
    for (unsigned i = 0;; i++) {
        enum plait_reason reason;
        if (*next == FRAGMENT)
            return PLAIT_REASON_IP_FRAGMENT;
        if (*next != HOP_BY_HOP && *next != ROUTING && *next != DEST_OPTIONS)
            return PLAIT_REASON_NONE;
        if (i == EXTHDRS_MAX || (*next == HOP_BY_HOP && i > 0))
            return PLAIT_REASON_IP_EXTHDR;
        reason = skip_one(c, *next == ROUTING, next);
        if (reason != PLAIT_REASON_NONE)
            return reason;
    }
}

static enum plait_reason parse_v6(const uint8_t *p, size_t len, bool quoted, struct wire_ip *ip)
{
    struct cursor c;
    uint32_t first;
    size_t payload;
    enum plait_reason reason;

    cursor_init(&c, p, len);
    first = cursor_u32(&c);
    ip->ecn = (first >> 20) & 3;
    payload = cursor_u16(&c);
    ip->proto = cursor_u8(&c);
    cursor_skip(&c, 1);
    take_addr(&c, 6, &ip->src);
    take_addr(&c, 6, &ip->dst);
    if (c.bad)
        return PLAIT_REASON_IP_TRUNCATED;
    if (quoted || payload == 0)
        payload = cursor_left(&c);
    if (payload > cursor_left(&c))
        return PLAIT_REASON_IP_TRUNCATED;
    cursor_init(&c, p + WIRE_IP6_LEN, payload);
    reason = skip_exthdrs(&c, &ip->proto);
    if (reason != PLAIT_REASON_NONE)
        return reason;
    take_rest(&c, ip);
    return PLAIT_REASON_NONE;
}

static void emit_v6(struct wcursor *w, const struct wire_emit *how, size_t len)
{
    wcursor_u32(w, 0x60000000 | (uint32_t)(how->ecn & 3) << 20);
    wcursor_u16(w, len <= UINT16_MAX ? (uint16_t)len : 0);
    wcursor_u8(w, WIRE_PROTO_TCP);
    wcursor_u8(w, TTL);
    wcursor_bytes(w, how->src->ip, 16);
    wcursor_bytes(w, how->dst->ip, 16);
}

/* ---- both ---- */

static enum plait_reason parse_any(const uint8_t *p, size_t len, bool quoted, struct wire_ip *ip)
{
    if (len == 0)
        return PLAIT_REASON_IP_TRUNCATED;
    if (p[0] >> 4 == 4)
        return parse_v4(p, len, quoted, ip);
    if (p[0] >> 4 == 6)
        return parse_v6(p, len, quoted, ip);
    return PLAIT_REASON_IP_VERSION;
}

enum plait_reason wire_ip_parse(const uint8_t *p, size_t len, struct wire_ip *ip)
{
    return parse_any(p, len, false, ip);
}

enum plait_reason wire_ip_parse_quoted(const uint8_t *p, size_t len, struct wire_ip *ip)
{
    return parse_any(p, len, true, ip);
}

void wire_ip_emit(struct wcursor *w, const struct wire_emit *how, size_t len)
{
    if (how->src->family == 4)
        emit_v4(w, how, len);
    else
        emit_v6(w, how, len);
}

uint64_t wire_pseudo_sum(const struct plait_addr *src, const struct plait_addr *dst, uint8_t proto,
                         size_t len)
{
    uint64_t sum = csum_add(0, src->ip, addr_ip_len(src));

    sum = csum_add(sum, dst->ip, addr_ip_len(dst));
    return csum_add_u32(csum_add_u16(sum, proto), (uint32_t)len);
}

static bool is_ect(uint8_t ecn) { return ecn == WIRE_ECT0 || ecn == WIRE_ECT1; }

bool wire_mark_ce(uint8_t *ip, size_t len)
{
    size_t head = len > 0 ? (size_t)(ip[0] & 15) * 4 : 0;

    if (len >= WIRE_IP4_LEN && ip[0] >> 4 == 4 && head >= WIRE_IP4_LEN && head <= len) {
        if (!is_ect(ip[1] & 3))
            return false;
        ip[1] |= WIRE_CE;
        be16_store(ip + 10, 0);
        be16_store(ip + 10, (uint16_t)~csum_fold(csum_add(0, ip, head)));
        return true;
    }
    if (len < WIRE_IP6_LEN || ip[0] >> 4 != 6 || !is_ect((ip[1] >> 4) & 3))
        return false;
    ip[1] |= WIRE_CE << 4;
    return true;
}

uint16_t wire_mss_of_mtu(uint32_t mtu, uint8_t family)
{
    uint32_t head = (family == 4 ? WIRE_IP4_LEN : WIRE_IP6_LEN) + WIRE_TCP_LEN;

    if (mtu <= head)
        return 0;
    /*= RFC 9293 MUST-67 */
    return mtu - head < UINT16_MAX ? (uint16_t)(mtu - head) : UINT16_MAX;
}

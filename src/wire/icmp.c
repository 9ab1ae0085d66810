/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors about TCP: RFC 792, RFC 1191 (next-hop MTU), RFC 4443 (ICMPv6).
 *
 * Called by parse.c. An error is worth reading where it quotes a TCP header up to the sequence
 * number; whether that number is in flight, and so whether the error can be believed (RFC 5927
 * 4.1), is for the layers above. */
#include "internal.h"

#include "base/csum.h"

enum { V4_UNREACHABLE = 3, V4_FRAG_NEEDED = 4, V4_TIME_EXCEEDED = 11, V4_PARAMETER = 12 };
enum { V6_UNREACHABLE = 1, V6_TOO_BIG = 2, V6_TIME_EXCEEDED = 3, V6_PARAMETER = 4 };

static bool classify_v4(struct wire_icmp *icmp, uint32_t word)
{
    switch (icmp->type) {
    case V4_UNREACHABLE:
        icmp->what = icmp->code == V4_FRAG_NEEDED ? WIRE_ICMP_TOO_BIG : WIRE_ICMP_UNREACHABLE;
        icmp->mtu = icmp->code == V4_FRAG_NEEDED ? word & 0xffff : 0;
        return true;
    case V4_TIME_EXCEEDED: icmp->what = WIRE_ICMP_TIME_EXCEEDED; return true;
    case V4_PARAMETER: icmp->what = WIRE_ICMP_OTHER; return true;
    /*= RFC 9293 3.9.2.2
     * Source Quench TCP implementations MUST silently discard any received ICMP Source Quench
     * messages (MUST-55). */
    default: return false;
    }
}

static bool classify_v6(struct wire_icmp *icmp, uint32_t word)
{
    switch (icmp->type) {
    case V6_UNREACHABLE: icmp->what = WIRE_ICMP_UNREACHABLE; return true;
    case V6_TOO_BIG:
        icmp->what = WIRE_ICMP_TOO_BIG;
        icmp->mtu = word;
        return true;
    case V6_TIME_EXCEEDED: icmp->what = WIRE_ICMP_TIME_EXCEEDED; return true;
    case V6_PARAMETER: icmp->what = WIRE_ICMP_OTHER; return true;
    default: return false;
    }
}

static bool csum_right(const struct wire_ip *ip)
{
    uint64_t sum = 0;

    if (ip->src.family == 6)
        sum = wire_pseudo_sum(&ip->src, &ip->dst, WIRE_PROTO_ICMPV6, ip->len);
    return csum_fold(csum_add(sum, ip->data, ip->len)) == 0xffff;
}

static enum plait_reason parse_quoted(const struct cursor *c, uint8_t family,
                                      struct wire_icmp *icmp)
{
    struct wire_ip quoted;
    struct cursor tcp;

    if (wire_ip_parse_quoted(c->p, cursor_left(c), &quoted) != PLAIT_REASON_NONE ||
        quoted.proto != WIRE_PROTO_TCP || quoted.src.family != family)
        return PLAIT_REASON_ICMP_MALFORMED;
    cursor_init(&tcp, quoted.data, quoted.len);
    icmp->src = quoted.src;
    icmp->dst = quoted.dst;
    icmp->src.port = cursor_u16(&tcp);
    icmp->dst.port = cursor_u16(&tcp);
    icmp->seq = cursor_u32(&tcp);
    return tcp.bad ? PLAIT_REASON_ICMP_MALFORMED : PLAIT_REASON_NONE;
}

enum plait_reason wire_icmp_parse(const struct wire_ip *ip, bool csum_ok, struct wire_icmp *icmp)
{
    struct cursor c;
    uint32_t word;
    bool error;

    cursor_init(&c, ip->data, ip->len);
    icmp->from = ip->src;
    icmp->type = cursor_u8(&c);
    icmp->code = cursor_u8(&c);
    cursor_skip(&c, 2);
    word = cursor_u32(&c);
    if (c.bad)
        return PLAIT_REASON_ICMP_MALFORMED;
    if (!csum_ok && !csum_right(ip))
        return PLAIT_REASON_ICMP_CSUM;
    error = ip->src.family == 4 ? classify_v4(icmp, word) : classify_v6(icmp, word);
    if (!error)
        return PLAIT_REASON_IP_PROTOCOL;
    return parse_quoted(&c, ip->src.family, icmp);
}

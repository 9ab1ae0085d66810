/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of wire share with each other and with nobody else. */
#ifndef WIRE_INTERNAL_H
#define WIRE_INTERNAL_H

#include "base/cursor.h"
#include "wire.h"

enum { WIRE_PROTO_ICMP = 1, WIRE_PROTO_TCP = 6, WIRE_PROTO_ICMPV6 = 58 };
enum { WIRE_OPT_EOL = 0, WIRE_OPT_NOP = 1, WIRE_OPT_MPTCP = 30 };
enum { WIRE_IP4_LEN = 20, WIRE_IP6_LEN = 40, WIRE_TCP_LEN = 20, WIRE_TCP_CSUM_AT = 16 };

/* An IP packet: its addresses (ports 0) and what it carries. */
struct wire_ip {
    struct plait_addr src, dst;
    uint8_t proto, ecn;
    const uint8_t *data;
    size_t len;
};

enum plait_reason wire_ip_parse(const uint8_t *p, size_t len, struct wire_ip *ip);
/* The header that an ICMP error quotes: the packet behind it may be cut short, so no length and no
 * checksum is believed. */
enum plait_reason wire_ip_parse_quoted(const uint8_t *p, size_t len, struct wire_ip *ip);
/* The IP header in front of len bytes of TCP. */
void wire_ip_emit(struct wcursor *w, const struct wire_emit *how, size_t len);
uint64_t wire_pseudo_sum(const struct plait_addr *src, const struct plait_addr *dst, uint8_t proto,
                         size_t len);

enum plait_reason wire_tcp_parse(const struct wire_ip *ip, bool csum_ok, struct wire_seg *seg);
/* With pad, NOPs in front of each option make it end on a multiple of 4. */
void wire_tcpopts_emit(struct wcursor *w, const struct wire_tcpopts *opt, bool syn, bool pad);
void wire_opt_pad(struct wcursor *w, unsigned len, bool pad);

/* body starts behind kind and length; len is the option's length. */
void wire_mp_parse(const uint8_t *body, unsigned len, struct wire_seg *seg);
void wire_mp_emit(struct wcursor *w, const struct wire_mp *mp, bool pad);

enum plait_reason wire_icmp_parse(const struct wire_ip *ip, bool csum_ok, struct wire_icmp *icmp);

#endif

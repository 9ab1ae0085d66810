/* SPDX-License-Identifier: Apache-2.0 */
/* The packet-too-big that a router of the simulator sends: RFC 792 with RFC 1191 (IPv4) and RFC
 * 4443 3.2 (IPv6). Called by net.c where a packet exceeds a link's MTU. */
#include "sim.h"

#include <string.h>

#include "../base/be.h"
#include "../base/csum.h"

enum { QUOTE = 60, IP4 = 20, IP6 = 40, PROTO_ICMP4 = 1, PROTO_ICMP6 = 58 };

static uint32_t quoted(uint32_t len)
{
    return len < QUOTE ? len : QUOTE;
}

static uint32_t too_big_4(const uint8_t *bytes, uint32_t len, uint32_t mtu, uint8_t *out)
{
    static const uint8_t router[4] = {192, 0, 2, 254};
    uint32_t n = quoted(len), total = IP4 + 8 + n;

    memset(out, 0, IP4 + 8);
    out[0] = 0x45;
    be16_store(out + 2, (uint16_t)total);
    out[8] = 64;
    out[9] = PROTO_ICMP4;
    memcpy(out + 12, router, 4);
    memcpy(out + 16, bytes + 12, 4);
    be16_store(out + 10, (uint16_t)~csum_fold(csum_add(0, out, IP4)));
    uint8_t *icmp = out + IP4;
    icmp[0] = 3;
    icmp[1] = 4;
    be16_store(icmp + 6, (uint16_t)mtu);
    memcpy(icmp + 8, bytes, n);
    be16_store(icmp + 2, (uint16_t)~csum_fold(csum_add(0, icmp, 8 + n)));
    return total;
}

static uint32_t too_big_6(const uint8_t *bytes, uint32_t len, uint32_t mtu, uint8_t *out)
{
    static const uint8_t router[16] = {0x20, 1, 0x0d, 0xb8, [15] = 0xfe};
    uint32_t n = quoted(len), part = 8 + n;

    memset(out, 0, IP6 + 8);
    out[0] = 0x60;
    be16_store(out + 4, (uint16_t)part);
    out[6] = PROTO_ICMP6;
    out[7] = 64;
    memcpy(out + 8, router, 16);
    memcpy(out + 24, bytes + 8, 16);
    uint8_t *icmp = out + IP6;
    icmp[0] = 2;
    be32_store(icmp + 4, mtu);
    memcpy(icmp + 8, bytes, n);
    uint64_t sum = csum_add_u32(csum_add(0, out + 8, 32), part);
    sum = csum_add_u16(sum, PROTO_ICMP6);
    be16_store(icmp + 2, (uint16_t)~csum_fold(csum_add(sum, icmp, part)));
    return IP6 + part;
}

uint32_t sim_icmp_too_big(const uint8_t *bytes, uint32_t len, uint32_t mtu, uint8_t *out)
{
    return bytes[0] >> 4 == 4 ? too_big_4(bytes, len, mtu, out) : too_big_6(bytes, len, mtu, out);
}

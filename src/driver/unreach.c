/* SPDX-License-Identifier: Apache-2.0 */
/* "Unreachable", said by this host to its own stack. A connect() in the kernel fails at once when
 * there is no route; the stack has no call for that, but it knows the ICMP errors of routers, so
 * the driver speaks as one. The codes are those that end a connection attempt (RFC 9293 3.9.2.2).
 * Called by host.c, after the packets planned were sent. RFC 792, RFC 4443. */
#include "unreach.h"

#include "base/csum.h"

#include <netinet/in.h>
#include <string.h>

enum {
    V4_UNREACHABLE = 3,
    V4_PROHIBITED = 13, /* RFC 1812: hard, unlike "net" and "host unreachable" */
    V6_UNREACHABLE = 1,
    V6_PROHIBITED = 1,
    ICMP_LEN = 8,
    TCP_FLAGS_AT = 13,
    SYN = 2,
    ACK = 16,
    HOPS = 64,
};

static void put16(uint8_t *at, size_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put_v4(struct drv_unreach *u, const struct plait_addr *self)
{
    u->ip[0] = 0x45;
    put16(u->ip + 2, u->len);
    u->ip[8] = HOPS;
    u->ip[9] = IPPROTO_ICMP;
    memcpy(u->ip + 12, self->ip, 4);
    memcpy(u->ip + 16, self->ip, 4);
    put16(u->ip + 10, (uint16_t)~csum_fold(csum_add(0, u->ip, 20)));
    u->ip[20] = V4_UNREACHABLE;
    u->ip[21] = V4_PROHIBITED;
}

static void put_v6(struct drv_unreach *u, const struct plait_addr *self)
{
    u->ip[0] = 0x60;
    put16(u->ip + 4, u->len - 40);
    u->ip[6] = IPPROTO_ICMPV6;
    u->ip[7] = HOPS;
    memcpy(u->ip + 8, self->ip, 16);
    memcpy(u->ip + 24, self->ip, 16);
    u->ip[40] = V6_UNREACHABLE;
    u->ip[41] = V6_PROHIBITED;
}

bool drv_unreach_make(const struct plait_out *out, struct drv_unreach *u)
{
    size_t ip_len = out->src.family == 6 ? 40 : 20;

    if ((out->head[out->ip_len + TCP_FLAGS_AT] & (SYN | ACK)) != SYN)
        return false;
    memset(u, 0, sizeof *u);
    u->len = ip_len + ICMP_LEN + out->head_len;
    memcpy(u->ip + ip_len + ICMP_LEN, out->head, out->head_len);
    if (out->src.family == 6)
        put_v6(u, &out->src);
    else
        put_v4(u, &out->src);
    return true;
}

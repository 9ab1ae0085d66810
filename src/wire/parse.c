/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: an IP packet from the network becomes a struct wire_packet.
 *
 * Called by the stack for each packet. Everything below it is written for bytes from an enemy: no
 * read leaves the packet, no work grows beyond its length, no state is kept. */
#include "internal.h"

#include <string.h>

enum plait_reason wire_parse(const uint8_t *ip, size_t len, bool csum_ok, struct wire_packet *out)
{
    struct wire_ip packet;
    enum plait_reason reason;

    memset(out, 0, sizeof *out);
    reason = wire_ip_parse(ip, len, &packet);
    if (reason != PLAIT_REASON_NONE)
        return reason;
    if (packet.proto == WIRE_PROTO_TCP) {
        out->kind = WIRE_KIND_TCP;
        return wire_tcp_parse(&packet, csum_ok, &out->seg);
    }
    if (packet.proto == (packet.src.family == 4 ? WIRE_PROTO_ICMP : WIRE_PROTO_ICMPV6)) {
        out->kind = WIRE_KIND_ICMP;
        return wire_icmp_parse(&packet, csum_ok, &out->icmp);
    }
    return PLAIT_REASON_IP_PROTOCOL;
}

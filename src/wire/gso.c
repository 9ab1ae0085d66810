/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting a super-segment into packets in software: what a device with TCP segmentation offload
 * does.
 *
 * Called by the simulator and by drivers without offload. Options are copied to each packet, the
 * DSS mapping too: it covers them all (RFC 8684 3.3.1 allows a mapping to be repeated). */
#include "internal.h"

#include "base/csum.h"

#include <string.h>

unsigned wire_gso_count(uint32_t payload_len, uint32_t gso_size)
{
    if (gso_size == 0 || payload_len <= gso_size)
        return 1;
    return payload_len / gso_size + (payload_len % gso_size != 0 ? 1 : 0);
}

/* Lengths of one packet; answers the pseudo header's sum. */
static uint64_t fix_ip(uint8_t *head, unsigned ip_len, unsigned i, uint32_t tcp_len)
{
    uint64_t sum;

    if (head[0] >> 4 == 4) {
        be16_store(head + 2, (uint16_t)(ip_len + tcp_len));
        be16_store(head + 4, (uint16_t)(be16_load(head + 4) + i));
        be16_store(head + 10, 0);
        be16_store(head + 10, (uint16_t)~csum_fold(csum_add(0, head, ip_len)));
        sum = csum_add(0, head + 12, 8);
    } else {
        be16_store(head + 4, (uint16_t)(ip_len - WIRE_IP6_LEN + tcp_len));
        sum = csum_add(0, head + 8, 32);
    }
    return csum_add_u32(csum_add_u16(sum, WIRE_PROTO_TCP), tcp_len);
}

void wire_gso_cut(const struct wire_gso *gso, unsigned i, uint8_t *head)
{
    unsigned last = wire_gso_count(gso->payload_len, gso->gso_size) - 1;
    uint32_t skip = i * gso->gso_size;
    uint32_t len = i < last ? gso->gso_size : gso->payload_len - skip;
    uint8_t *tcp = head + gso->ip_len;
    uint64_t sum;

    memcpy(head, gso->big, gso->head_len);
    sum = fix_ip(head, gso->ip_len, i, gso->head_len - gso->ip_len + len);
    be32_store(tcp + 4, be32_load(tcp + 4) + skip);
    if (i < last)
        tcp[13] &= (uint8_t)~(WIRE_FIN | WIRE_PSH);
    if (i > 0)
        tcp[13] &= (uint8_t)~WIRE_CWR;
    be16_store(tcp + WIRE_TCP_CSUM_AT, csum_fold(sum));
}

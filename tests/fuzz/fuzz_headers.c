/* SPDX-License-Identifier: Apache-2.0 */
/* Whole IP packets: IPv4 with options, IPv6 with extension headers, TCP, and ICMP errors that quote
 * any of them.
 *
 * Input: a byte of wishes (bit 0: no checksum is checked, bit 1: checksums are made right before),
 * then the packet. */
#include "fuzz.h"

#include "base/be.h"
#include "base/csum.h"
#include "wire/wire.h"

#include <string.h>

enum { PACKET_MAX = 2048, NO_CHECK = 1, MEND = 2 };

static void mend_v4(uint8_t *p, size_t len)
{
    size_t head = (size_t)(p[0] & 15) * 4;

    if (len < 20 || head < 20 || head > len)
        return;
    be16_store(p + 10, 0);
    be16_store(p + 10, (uint16_t)~csum_fold(csum_add(0, p, head)));
}

/* A checksum over the payload; at: where its field is. */
static void mend_payload(uint8_t *p, size_t head, size_t len, unsigned proto)
{
    size_t at = proto == 6 ? 16 : 2, body = len - head;
    bool v4 = p[0] >> 4 == 4;
    uint64_t sum = 0;

    if (body < at + 2)
        return;
    if (proto != 1) {
        sum = v4 ? csum_add(0, p + 12, 8) : csum_add(0, p + 8, 32);
        sum = csum_add_u16(csum_add_u32(sum, (uint32_t)body), (uint16_t)proto);
    }
    be16_store(p + head + at, 0);
    be16_store(p + head + at, (uint16_t)~csum_fold(csum_add(sum, p + head, body)));
}

static void mend(uint8_t *p, size_t len)
{
    if (len >= 20 && p[0] >> 4 == 4) {
        size_t head = (size_t)(p[0] & 15) * 4;
        mend_v4(p, len);
        if (head >= 20 && head <= len)
            mend_payload(p, head, len, p[9]);
    } else if (len >= 40 && p[0] >> 4 == 6) {
        mend_payload(p, 40, len, p[6]);
    }
}

static void check_tcp(const uint8_t *p, size_t len, const struct wire_seg *seg)
{
    char line[512];

    FUZZ_CHECK(seg->data >= p && seg->data + seg->len <= p + len, "payload lies in its packet");
    FUZZ_CHECK(seg->src.family == p[0] >> 4 && seg->dst.family == seg->src.family,
               "both addresses have the packet's family");
    FUZZ_CHECK((seg->flags & (WIRE_SYN | WIRE_RST | WIRE_ACK)) != 0, "the flags make sense");
    if (seg->len > 0)
        FUZZ_CHECK(seg->data[0] == seg->data[seg->len - 1] || seg->len > 1, "payload can be read");
    wire_print_seg(seg, line, sizeof line);
}

/* A parsed header can be cut as a super-segment is. */
static void check_gso(const struct wire_seg *seg)
{
    struct wire_emit how = {.src = &seg->src,
                            .dst = &seg->dst,
                            .seq = seg->seq,
                            .ack = seg->ack,
                            .flags = seg->flags,
                            .opt = &seg->opt,
                            .mp = &seg->mp,
                            .payload_len = seg->len};
    uint8_t big[100], small[100], ip_len;
    unsigned n = wire_emit_headers(&how, big, &ip_len);
    struct wire_gso gso = {big, n, ip_len, seg->len / 3 + 1, seg->len};

    if (n == 0 || seg->len == 0)
        return;
    for (unsigned i = 0; i < wire_gso_count(seg->len, gso.gso_size); i++)
        wire_gso_cut(&gso, i, small);
}

static void check_icmp(const uint8_t *p, const struct wire_icmp *icmp)
{
    FUZZ_CHECK(icmp->src.family == p[0] >> 4 && icmp->dst.family == icmp->src.family,
               "the quoted packet has the packet's family");
    FUZZ_CHECK(icmp->what == WIRE_ICMP_TOO_BIG || icmp->mtu == 0, "only too-big has an MTU");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_packet out;

    if (size < 1 || size > PACKET_MAX)
        return 0;
    size_t len = size - 1;
    uint8_t *p = malloc(len > 0 ? len : 1);
    FUZZ_CHECK(p != NULL, "memory for the packet");
    memcpy(p, data + 1, len);
    if ((data[0] & MEND) != 0)
        mend(p, len);
    memset(&out, 0xa5, sizeof out);
    enum plait_reason why = wire_parse(p, len, (data[0] & NO_CHECK) != 0, &out);
    FUZZ_CHECK(why < PLAIT_REASON_COUNT, "a reason of the list");
    if (why == PLAIT_REASON_NONE && out.kind == WIRE_KIND_TCP) {
        check_tcp(p, len, &out.seg);
        check_gso(&out.seg);
    } else if (why == PLAIT_REASON_NONE) {
        check_icmp(p, &out.icmp);
    }
    free(p);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Joining packets of one flow that follow each other into a super-segment, in software: what a
 * kernel does where a device has receive offload (GRO), and the reverse of gso.c.
 *
 * Called by the simulator and by drivers. Joined are packets with payload whose headers differ in
 * sequence number, lengths, IPv4 ID and checksums alone: ECN bits and TTL are identical, since a
 * mark would be lost or spread to its neighbours, and so are options, the DSS mapping with them
 * (RFC 8684 3.3.1 allows a mapping to be repeated). A shorter packet or one with PSH is the last
 * of its run. Only a packet with a good checksum is joined, so the whole needs none. */
#include "internal.h"

#include "base/csum.h"

#include <string.h>

enum { TCP_AT_SEQ = 4, TCP_AT_ACK = 8, TCP_AT_FLAGS = 13, TCP_AT_WND = 14, TCP_LEN = 20 };

static uint32_t ip_len_of(const uint8_t *p)
{
    return p[0] >> 4 == 4 ? (p[0] & 15u) * 4 : WIRE_IP6_LEN;
}

/* What the IP header says, without what a link has added to short frames. */
static uint32_t total_len(const uint8_t *p, uint32_t len)
{
    uint32_t said;

    if (len < WIRE_IP6_LEN)
        return 0;
    said = p[0] >> 4 == 4 ? be16_load(p + 2) : be16_load(p + 4) + (uint32_t)WIRE_IP6_LEN;
    return said <= len ? said : 0;
}

/* Only plain TCP data that parses, straight behind the IP header. */
static bool is_joinable(const uint8_t *p, uint32_t len, bool csum_ok)
{
    struct wire_packet w;

    if (wire_parse(p, len, csum_ok, &w) != PLAIT_REASON_NONE || w.kind != WIRE_KIND_TCP)
        return false;
    if (p[0] >> 4 == 6 && p[6] != WIRE_PROTO_TCP)
        return false;
    return w.seg.len > 0 && (w.seg.flags & ~WIRE_PSH) == WIRE_ACK;
}

static bool same_ip(const uint8_t *a, const uint8_t *b)
{
    if (a[0] >> 4 == 4) /* all but length, ID and checksum */
        return memcmp(a, b, 2) == 0 && memcmp(a + 6, b + 6, 4) == 0 &&
               memcmp(a + 12, b + 12, ip_len_of(a) - 12) == 0;
    return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, WIRE_IP6_LEN - 6) == 0;
}

static bool same_tcp(const struct wire_gro *g, const uint8_t *b)
{
    const uint8_t *a = g->bytes + g->ip_len;

    return memcmp(a, b, TCP_AT_SEQ) == 0 && be32_load(b + TCP_AT_SEQ) == g->next_seq &&
           memcmp(a + TCP_AT_ACK, b + TCP_AT_ACK, TCP_AT_FLAGS - TCP_AT_ACK) == 0 &&
           memcmp(a + TCP_AT_WND, b + TCP_AT_WND, 2) == 0 &&
           memcmp(a + TCP_LEN, b + TCP_LEN, g->head_len - g->ip_len - TCP_LEN) == 0;
}

bool wire_gro_follows(const struct wire_gro *g, const uint8_t *p, uint32_t len)
{
    len = total_len(p, len);
    if (g->len == 0 || g->full || g->bytes[0] != p[0] || len <= g->head_len)
        return false;
    if (len - g->head_len > g->size || g->len + len - g->head_len > g->cap)
        return false;
    return same_ip(g->bytes, p) && same_tcp(g, p + g->ip_len);
}

/* Whether the packet that was joined last ends the run. */
static void close_after(struct wire_gro *g, uint32_t part)
{
    g->next_seq += part;
    g->full = part < g->size || (g->bytes[g->ip_len + TCP_AT_FLAGS] & WIRE_PSH) != 0;
}

/* The headers of a packet that begins a run. */
static bool begin(struct wire_gro *g, const uint8_t *p, uint32_t len, bool csum_ok)
{
    g->len = 0;
    len = total_len(p, len);
    if (len == 0 || len > g->cap || !is_joinable(p, len, csum_ok))
        return false;
    g->ip_len = ip_len_of(p);
    g->head_len = g->ip_len + (p[g->ip_len + 12] >> 4) * 4u;
    g->size = len - g->head_len;
    g->len = len;
    g->next_seq = be32_load(p + g->ip_len + TCP_AT_SEQ);
    memcpy(g->bytes, p, g->head_len);
    close_after(g, g->size);
    return true;
}

static void join(struct wire_gro *g, const uint8_t *p, const uint8_t *payload, uint32_t part)
{
    if (payload != NULL)
        memcpy(g->bytes + g->len, payload, part);
    g->len += part;
    g->bytes[g->ip_len + TCP_AT_FLAGS] |= p[g->ip_len + TCP_AT_FLAGS] & WIRE_PSH;
    close_after(g, part);
}

bool wire_gro_begin_parts(struct wire_gro *g, const uint8_t *head, const uint8_t *payload,
                          uint32_t len)
{
    if (!begin(g, head, len, true))
        return false;
    if (payload != NULL)
        memcpy(g->bytes + g->head_len, payload, g->size);
    return true;
}

bool wire_gro_begin(struct wire_gro *g, const uint8_t *p, uint32_t len, bool csum_ok)
{
    if (!begin(g, p, len, csum_ok))
        return false;
    memcpy(g->bytes + g->head_len, p + g->head_len, g->size);
    return true;
}

bool wire_gro_add_parts(struct wire_gro *g, const uint8_t *head, const uint8_t *payload,
                        uint32_t len)
{
    /* The run's first packet was parsed, and what is behind its flags is the same here. */
    if (!wire_gro_follows(g, head, len) ||
        (head[g->ip_len + TCP_AT_FLAGS] & ~WIRE_PSH) != WIRE_ACK)
        return false;
    join(g, head, payload, total_len(head, len) - g->head_len);
    return true;
}

bool wire_gro_add(struct wire_gro *g, const uint8_t *p, uint32_t len, bool csum_ok)
{
    if (!wire_gro_follows(g, p, len))
        return false;
    len = total_len(p, len);
    if (!is_joinable(p, len, csum_ok))
        return false;
    join(g, p, p + g->head_len, len - g->head_len);
    return true;
}

uint32_t wire_gro_end(struct wire_gro *g)
{
    uint32_t len = g->len;

    if (len > 0 && g->bytes[0] >> 4 == 4) {
        be16_store(g->bytes + 2, (uint16_t)len);
        be16_store(g->bytes + 10, 0);
        be16_store(g->bytes + 10, (uint16_t)~csum_fold(csum_add(0, g->bytes, g->ip_len)));
    } else if (len > 0) {
        be16_store(g->bytes + 4, (uint16_t)(len - WIRE_IP6_LEN));
    }
    g->len = 0;
    return len;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a pcapng capture. Used by whoever writes one; keeps no state.
 *
 * A block is its type, its length, a body padded to 4 bytes, and the length again, so that files
 * can be read backwards. */
#include "pcapng.h"

#include "../base/cursor.h"

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    OPT_IF_NAME = 2,
    OPT_EPB_FLAGS = 2,
    SECTION_LEN = 28,
    PACKET_FIXED_LEN = 28,
    PACKET_TAIL_LEN = 16,
    NAME_MAX_LEN = 64,
};

static uint32_t padded(uint32_t n)
{
    return (n + 3) & ~(uint32_t)3;
}

static void put_padding(struct wcursor *w, uint32_t n)
{
    for (uint32_t i = n; i < padded(n); i++)
        wcursor_u8(w, 0);
}

size_t wire_pcapng_section(uint8_t out[WIRE_PCAPNG_HEAD_MAX])
{
    struct wcursor w;

    wcursor_init(&w, out, WIRE_PCAPNG_HEAD_MAX);
    wcursor_u32(&w, BLOCK_SECTION);
    wcursor_u32(&w, SECTION_LEN);
    wcursor_u32(&w, BYTE_ORDER_MAGIC);
    wcursor_u16(&w, 1);
    wcursor_u16(&w, 0);
    wcursor_u64(&w, UINT64_MAX); /* length of the section: not known */
    wcursor_u32(&w, SECTION_LEN);
    return wcursor_used(&w);
}

static uint32_t length_of(const char *name)
{
    uint32_t n = 0;

    while (n < NAME_MAX_LEN && name[n] != '\0')
        n++;
    return n;
}

size_t wire_pcapng_interface(uint16_t linktype, const char *name, uint8_t out[WIRE_PCAPNG_HEAD_MAX])
{
    uint32_t n = length_of(name), len = 16 + 4 + padded(n) + 4 + 4;
    struct wcursor w;

    wcursor_init(&w, out, WIRE_PCAPNG_HEAD_MAX);
    wcursor_u32(&w, BLOCK_INTERFACE);
    wcursor_u32(&w, len);
    wcursor_u16(&w, linktype);
    wcursor_u16(&w, 0);
    wcursor_u32(&w, 0); /* no limit on the length of packets */
    wcursor_u16(&w, OPT_IF_NAME);
    wcursor_u16(&w, (uint16_t)n);
    wcursor_bytes(&w, name, n);
    put_padding(&w, n);
    wcursor_u32(&w, 0); /* end of options */
    wcursor_u32(&w, len);
    return wcursor_used(&w);
}

static uint32_t packet_len(const struct wire_pcapng_packet *p)
{
    return PACKET_FIXED_LEN + padded(p->len) + PACKET_TAIL_LEN;
}

size_t wire_pcapng_head(const struct wire_pcapng_packet *p, uint8_t out[WIRE_PCAPNG_HEAD_MAX])
{
    struct wcursor w;

    wcursor_init(&w, out, WIRE_PCAPNG_HEAD_MAX);
    wcursor_u32(&w, BLOCK_PACKET);
    wcursor_u32(&w, packet_len(p));
    wcursor_u32(&w, p->interface);
    wcursor_u64(&w, p->when);
    wcursor_u32(&w, p->len);
    wcursor_u32(&w, p->len);
    return wcursor_used(&w);
}

size_t wire_pcapng_tail(const struct wire_pcapng_packet *p, uint8_t out[WIRE_PCAPNG_TAIL_MAX])
{
    struct wcursor w;

    wcursor_init(&w, out, WIRE_PCAPNG_TAIL_MAX);
    put_padding(&w, p->len);
    wcursor_u16(&w, OPT_EPB_FLAGS);
    wcursor_u16(&w, 4);
    wcursor_u32(&w, (uint32_t)p->direction);
    wcursor_u32(&w, 0); /* end of options */
    wcursor_u32(&w, packet_len(p));
    return wcursor_used(&w);
}

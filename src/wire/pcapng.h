/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a pcapng capture (draft-ietf-opsawg-pcapng): one section with an interface
 * description for each interface and an enhanced packet block for each packet. No files: the
 * caller writes what is built here. Numbers are big-endian, which the section header says. */
#ifndef WIRE_PCAPNG_H
#define WIRE_PCAPNG_H

#include <plait/types.h>

enum { WIRE_LINKTYPE_ETHERNET = 1, WIRE_LINKTYPE_RAW = 101 };
enum { WIRE_PCAPNG_IN = 1, WIRE_PCAPNG_OUT = 2 };
enum { WIRE_PCAPNG_HEAD_MAX = 128, WIRE_PCAPNG_TAIL_MAX = 20 };

/* The section header block into out; bytes written. */
size_t wire_pcapng_section(uint8_t out[WIRE_PCAPNG_HEAD_MAX]);
/* An interface description; its number is the count of those before it. Names are cut at 64 bytes.
 */
size_t wire_pcapng_interface(uint16_t linktype, const char *name,
                             uint8_t out[WIRE_PCAPNG_HEAD_MAX]);
/* What stands before and behind a packet's len bytes; `when` in microseconds since 1970. */
struct wire_pcapng_packet {
    uint32_t interface;
    plait_time when;
    uint32_t len;
    int direction; /* WIRE_PCAPNG_IN, WIRE_PCAPNG_OUT */
};
size_t wire_pcapng_head(const struct wire_pcapng_packet *p, uint8_t out[WIRE_PCAPNG_HEAD_MAX]);
size_t wire_pcapng_tail(const struct wire_pcapng_packet *p, uint8_t out[WIRE_PCAPNG_TAIL_MAX]);

#endif

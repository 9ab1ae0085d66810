/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of wire share: dice, addresses, random options, packets in exact allocations (so
 * that a sanitizer sees every read outside). */
#ifndef KIT_H
#define KIT_H

#include "wire/internal.h"
#include "wire/wire.h"

#include "unit/base/cm.h"

struct dice { uint64_t state; };
uint64_t roll(struct dice *d, uint64_t n); /* uniform below n */

struct plait_addr kit_addr(uint8_t family, uint8_t last, uint16_t port);
/* Random plain options that fit the flags. */
void kit_tcpopts(struct dice *d, bool syn, struct wire_tcpopts *opt);
/* Random MPTCP options of the subtypes in which, with what fits the flags. */
void kit_mp(struct dice *d, uint8_t flags, unsigned which, struct wire_mp *mp);
bool kit_same_opt(const struct wire_tcpopts *a, const struct wire_tcpopts *b);
bool kit_same_mp(const struct wire_mp *a, const struct wire_mp *b);

/* A whole packet with a right checksum in memory of exactly its size; free() it. */
uint8_t *kit_packet(const struct wire_emit *how, const uint8_t *payload, size_t *len);
/* Makes the IPv4 header checksum right again. */
void kit_fix_v4(uint8_t *ip);

#endif

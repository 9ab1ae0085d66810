/* SPDX-License-Identifier: Apache-2.0 */
/* A packet on the wire for hooks: what it holds, and edits of it. */
#ifndef WIRE_EDIT_H
#define WIRE_EDIT_H

#include "sim/sim.h"

/* Where the TCP header begins; NULL: no TCP packet. */
uint8_t *edit_tcp(const struct sim_wire *w);
uint8_t edit_flags(const struct sim_wire *w);
/* Payload bytes. */
uint32_t edit_payload(const struct sim_wire *w);
/* Overwrites every MPTCP option with NOPs. True: there was one. */
bool edit_strip_mptcp(struct sim_wire *w);
/* Flips a bit of a payload byte. */
void edit_corrupt(struct sim_wire *w, uint32_t at);
/* The option of kind 30 with this subtype, or NULL. */
uint8_t *edit_find_mptcp(const struct sim_wire *w, unsigned subtype);
/* Makes the TCP checksum right again. */
void edit_fix_csum(struct sim_wire *w);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What middleboxes do to packets, for hooks. */
#ifndef MIDDLEBOX_H
#define MIDDLEBOX_H

#include "sim/sim.h"

/* Where the TCP header begins; NULL: no TCP packet. */
uint8_t *box_tcp(const struct sim_wire *w);
uint8_t box_flags(const struct sim_wire *w);
/* Payload bytes. */
uint32_t box_payload(const struct sim_wire *w);
/* Overwrites every MPTCP option with NOPs. True: there was one. */
bool box_strip_mptcp(struct sim_wire *w);
/* Flips a bit of a payload byte. */
void box_corrupt(struct sim_wire *w, uint32_t at);
/* The option of kind 30 with this subtype, or NULL. */
uint8_t *box_find_mptcp(const struct sim_wire *w, unsigned subtype);
/* Makes the TCP checksum right again. */
void box_fix_csum(struct sim_wire *w);

#endif

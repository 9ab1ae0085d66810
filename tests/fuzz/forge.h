/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a peer that means ill and knows everything: numbers, keys and nonces are read from
 * the stack under test, and the input says how far from the right value each field is. */
#ifndef FORGE_H
#define FORGE_H

#include "rig.h"

/* A segment, in the name of the peer, for a subflow, a half-open connection or the listener. */
void forge_segment(struct rig *r, struct fuzz_in *in);
/* An ICMP error that quotes what the stack under test sent. */
void forge_icmp(struct rig *r, struct fuzz_in *in);
/* Bytes as they are, behind an IP header that leads to the stack. */
void forge_raw(struct rig *r, struct fuzz_in *in);

#endif

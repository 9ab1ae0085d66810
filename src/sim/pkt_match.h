/* SPDX-License-Identifier: Apache-2.0 */
/* Learning from packets, and comparing what came with what was expected. */
#ifndef SIM_PKT_MATCH_H
#define SIM_PKT_MATCH_H

#include "pkt_flow.h"

/* A packet for the stack is about to be made: keys, nonces, mappings. NULL, or what is wrong. */
const char *sim_pkt_learn_in(struct sim_pkt_world *w, struct sim_pkt_flow *f,
                             const struct sim_pkt_seg *seg);
/* A packet of the stack whose keys are known: what its payload is. */
void sim_pkt_learn_map_out(struct sim_pkt_flow *f, const struct sim_pkt_seg *came);
/* A packet of the stack came, and this is what is expected of it. Afterwards it is to be decoded
 * again. */
void sim_pkt_learn_out(struct sim_pkt_world *w, struct sim_pkt_flow *f,
                       const struct sim_pkt_seg *came, const struct sim_pkt_seg *expected);
/* It matched: what the stack's next packets are read by. */
void sim_pkt_accept_out(struct sim_pkt_world *w, struct sim_pkt_flow *f,
                        const struct sim_pkt_seg *came, const struct sim_pkt_seg *expected);

/* NULL: the same, else the first difference by name. */
const char *sim_pkt_differs(const struct sim_pkt_world *w, const struct sim_pkt_seg *expected,
                            const struct sim_pkt_seg *came);
/* What was not looked at becomes as it was not written, so that both print alike. */
void sim_pkt_hide_unasked(const struct sim_pkt_seg *expected, struct sim_pkt_seg *came);
/* The payload is that of the stack's stream; else the first wrong byte in *at. */
bool sim_pkt_payload_ok(const struct sim_pkt_flow *f, const struct sim_pkt_seg *came,
                        const uint8_t *payload, uint32_t *at);

#endif

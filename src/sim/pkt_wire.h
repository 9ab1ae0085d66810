/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a script as bytes, and bytes as segments of a script. Written without the wire
 * layer, which is under test: only the IP packet's frame is the shared one. */
#ifndef SIM_PKT_WIRE_H
#define SIM_PKT_WIRE_H

#include "pkt_flow.h"

enum { SIM_PKT_BYTES_MAX = 65535 };

struct sim_pkt_bytes {
    uint32_t len;
    uint8_t b[SIM_PKT_BYTES_MAX];
};

/* A packet for the stack. What it says of keys, nonces and mappings was learnt before. NULL, or
 * why it cannot be made. */
const char *sim_pkt_encode(const struct sim_pkt_world *w, const struct sim_pkt_flow *f,
                           const struct sim_pkt_seg *seg, struct sim_pkt_bytes *out);
/* An ICMP error that quotes a segment of the flow. */
void sim_pkt_encode_icmp(const struct sim_pkt_flow *f, const struct sim_pkt_icmp *icmp,
                         struct sim_pkt_bytes *out);

/* The addresses of a packet of the stack; false: it is not TCP in IPv4 or IPv6. */
bool sim_pkt_decode_ends(const uint8_t *ip, size_t len, struct plait_addr *local,
                         struct plait_addr *remote);
/* A packet of the stack. Values that are as they have to be become AUTO and VAR. payload points
 * into the packet. */
bool sim_pkt_decode(const struct sim_pkt_world *w, const struct sim_pkt_flow *f,
                    const struct sim_pkt_bytes *in, struct sim_pkt_seg *seg,
                    const uint8_t **payload);

#endif

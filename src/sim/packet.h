/* SPDX-License-Identifier: Apache-2.0 */
/* A packet on its way through the network, and the memory of packets. The packets that a
 * super-segment was cut into share its payload. */
#ifndef SIM_PACKET_H
#define SIM_PACKET_H

#include "sim.h"

struct sim_payload {
    unsigned users; /* packets */
    uint8_t bytes[];
};

/* A timer whose owner is the packet: it runs out when the packet leaves a link. */
struct sim_packet {
    struct sim_timer timer;
    struct sim_node *from;
    struct sim_payload *payload; /* of bytes that are not in head; NULL: there are none, or none
                                  * that anybody looks at */
    uint32_t route, len;
    uint32_t skip;     /* where its bytes begin in the payload */
    uint32_t head_len; /* bytes in head: headers at least, or all; 0: it has no content */
    uint8_t hop;       /* next link in the route */
    bool own;          /* memory of its own, not of a chunk */
    bool csum_ok;      /* its TCP checksum was left to devices, which do not err */
    uint8_t head[];
};

/* With room for so many bytes in head, which is not filled. */
struct sim_packet *sim_packet_new(struct sim *sim, uint32_t head_len);
struct sim_packet *sim_packet_copy(struct sim *sim, const struct sim_packet *like);
void sim_packet_free(struct sim *sim, struct sim_packet *p);
/* For one user so far. */
struct sim_payload *sim_payload_new(uint32_t len);
void sim_payload_share(struct sim_packet *p, struct sim_payload *payload);
void sim_payload_drop(struct sim_payload *payload);
/* The memory that packets left. */
void sim_packets_free(struct sim *sim);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what the nodes send and receive as pcapng: one interface for each node. */
#ifndef SIM_PCAP_H
#define SIM_PCAP_H

#include "sim.h"

/* NULL when the file cannot be written. From now on the world writes there. */
struct sim_pcap *sim_pcap_open(struct sim *sim, const char *path);
/* Somebody who looks at the same packets, with or without a file. sim_pcap_close() ends it too. */
typedef void sim_pcap_tap_fn(void *ctx, const struct sim_node *node, bool out,
                             const struct plait_view *packet);
void sim_pcap_tap(struct sim *sim, sim_pcap_tap_fn *tap, void *ctx);
/* False when something could not be written. */
bool sim_pcap_close(struct sim *sim);
/* p may be NULL: nothing happens. */
void sim_pcap_packet(struct sim_pcap *p, const struct sim_node *node, bool out,
                     const uint8_t *bytes, uint32_t len);

#endif

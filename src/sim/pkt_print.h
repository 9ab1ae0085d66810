/* SPDX-License-Identifier: Apache-2.0 */
/* Segments as text, in the spelling of scripts. */
#ifndef SIM_PKT_PRINT_H
#define SIM_PKT_PRINT_H

#include "pkt.h"

/* Always terminated; cut where the line is longer than the buffer. */
void sim_pkt_print(const struct sim_pkt_script *s, const struct sim_pkt_seg *seg, char *to,
                   size_t size);
void sim_pkt_print_call(const struct sim_pkt_call *c, char *to, size_t size);
void sim_pkt_print_check(const struct sim_pkt_check *c, char *to, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Cross traffic: packets of nobody that load some links, at a constant rate or in bursts, and do
 * not care what becomes of them (as UDP would). No stack is behind it. */
#ifndef SIM_CBR_H
#define SIM_CBR_H

#include "sim.h"

struct sim_cbr_config {
    uint8_t hop_n;
    uint16_t hop[SIM_HOPS_MAX]; /* links in order */
    uint64_t rate;              /* bits per second while it sends; 0: silent until changed */
    uint32_t size;              /* bytes of a packet, IP header included */
    plait_time start, stop;     /* from the call of sim_cbr_start(); stop 0: never */
    plait_time on, off;         /* sends for so long, then pauses; on 0: always on */
    bool exponential;           /* on and off are means */
    bool poisson;               /* gaps between packets are exponential, not constant */
};

struct sim_cbr {
    struct sim_cbr_config cfg;
    struct sim *sim;
    struct sim_cbr *next; /* in sim.cbr */
    struct sim_timer timer;
    struct sim_rng rng;
    unsigned route;
    plait_time stop_at;   /* PLAIT_NEVER: never */
    plait_time off_at;    /* end of the burst; PLAIT_NEVER: none */
    uint64_t next_ns;     /* when the next packet is due */
    uint64_t next_rest;   /* and a part of a nanosecond, in units of 1 / rate */
    uint64_t sent;        /* packets offered to the first link */
};

/* Lives until sim_free(). */
struct sim_cbr *sim_cbr_start(struct sim *sim, const struct sim_cbr_config *cfg);
/* From now on at this rate; 0: silent. */
void sim_cbr_change(struct sim_cbr *cbr, uint64_t rate);
/* Packets that left the last link, or are on its wire. */
uint64_t sim_cbr_delivered(const struct sim_cbr *cbr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Running a scenario. */
#ifndef SIM_SCN_RUN_H
#define SIM_SCN_RUN_H

#include "scn_result.h"

/* One subflow at one moment. */
struct sim_scn_point {
    plait_time at; /* since the beginning of the run */
    unsigned flow, which; /* of its count, from 0 */
    unsigned path;
    uint64_t delivered; /* of the whole connection, to the application */
    const struct plait_subflow_info *info;
};

/* News of a host. */
struct sim_scn_news {
    plait_time at;
    unsigned flow, which;
    bool server;
    const struct plait_trace *trace;
};

/* A packet of a host, as it goes or comes. */
struct sim_scn_packet {
    plait_time at;
    unsigned flow, which;
    bool server, out;
    struct plait_view bytes; /* from the IP header on; payload may be blank */
};

/* All may be NULL. */
struct sim_scn_options {
    void *ctx;
    void (*on_point)(void *ctx, const struct sim_scn_point *p);
    void (*on_news)(void *ctx, const struct sim_scn_news *n);
    void (*on_packet)(void *ctx, const struct sim_scn_packet *p);
    const char *pcap; /* file for the packets */
    /* policies in place of those that flows name */
    const struct cc_ops *own_cc;
    const struct sched_ops *own_sched;
    const struct pm_ops *own_pm;
};

/* Which path an address of a host belongs to, from 0. */
unsigned sim_scn_path_of(const struct plait_addr *addr);
/* Never NULL; free it before the scenario. */
struct sim_scn_result *sim_scn_run(const struct sim_scn *s, const struct sim_scn_options *o);
void sim_scn_result_free(struct sim_scn_result *r);

#endif

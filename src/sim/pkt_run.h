/* SPDX-License-Identifier: Apache-2.0 */
/* A script on its way: what the files of the runner share. */
#ifndef SIM_PKT_RUN_H
#define SIM_PKT_RUN_H

#include "pkt_wire.h"
#include "sim.h"

enum {
    SIM_PKT_FDS_MAX = 32,
    SIM_PKT_FD_FIRST = 3,
    SIM_PKT_QUEUE_MAX = 1024, /* packets of the stack that nobody expected yet */
    SIM_PKT_CONNS_MAX = 16,   /* connections whose states are remembered */
    SIM_PKT_SUBFLOWS_MAX = 32,
};

enum sim_pkt_fd_kind {
    SIM_PKT_FD_FREE = 0,
    SIM_PKT_FD_SOCKET,
    SIM_PKT_FD_LISTENER,
    SIM_PKT_FD_CONN,
};

struct sim_pkt_fd {
    enum sim_pkt_fd_kind kind;
    struct plait_conn_config cfg; /* what it listens or connects with */
    char cc[SIM_PKT_NAME_MAX];
    uint16_t port; /* bound to; 0: not */
    struct plait_listener *listener;
    struct plait_conn *conn; /* NULL: let go */
    bool linger_abort;       /* SO_LINGER {1, 0}: close() aborts */
    uint64_t read_pos, write_pos;
};

/* States by the trace: of a connection that was let go, too. */
struct sim_pkt_states {
    uint32_t conn;
    uint8_t mp;
    uint8_t tcp[SIM_PKT_SUBFLOWS_MAX];
};

struct sim_pkt_queued {
    plait_time at;
    uint32_t len;
    uint8_t *bytes;
};

struct sim_pkt_runner {
    const struct sim_pkt_script *script;
    const struct sim_pkt_options *options;
    struct sim_pkt_report *report;
    const struct sim_pkt_event *event; /* the present one */
    struct sim_pkt_world world;
    struct sim *sim;
    struct sim_node *node;
    plait_time start, last; /* of the script; of the event before */
    bool failed;
    struct sim_pkt_fd fd[SIM_PKT_FDS_MAX];
    int last_fd; /* of the connection made last; -1: none */
    unsigned states_n;
    struct sim_pkt_states states[SIM_PKT_CONNS_MAX];
    uint32_t last_conn; /* id of the connection that fd last_fd has, or had */
    unsigned queue_first, queue_n;
    struct sim_pkt_queued queue[SIM_PKT_QUEUE_MAX];
    struct sim_pkt_bytes bytes, payload; /* work space */
};

/* The first failure wins; it stands at the present event. Answers false. */
/* The policies that this run is to use. */
void sim_pkt_policies(const struct sim_pkt_runner *r, struct plait_conn_config *conn);
__attribute__((format(printf, 2, 3))) bool sim_pkt_run_fail(struct sim_pkt_runner *r,
                                                            const char *format, ...);
/* pkt_sock.c */
bool sim_pkt_do_call(struct sim_pkt_runner *r, const struct sim_pkt_call *c);
/* pkt_check.c */
bool sim_pkt_do_check(struct sim_pkt_runner *r, const struct sim_pkt_check *c);
/* The states of a connection; NULL: it never had one. */
struct sim_pkt_states *sim_pkt_states_of(struct sim_pkt_runner *r, uint32_t conn);

#endif

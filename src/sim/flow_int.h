/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the traffic share. Nobody outside flow*.c includes this. */
#ifndef SIM_FLOW_INT_H
#define SIM_FLOW_INT_H

#include "../base/htab.h"
#include "flow.h"

enum { SIM_FLOW_SUBFLOWS = 32 }; /* that a connection remembers */

/* What an end looked like when it let go. */
struct sim_flow_past {
    struct plait_conn_info info;
    struct plait_subflow_info subflow[SIM_FLOW_SUBFLOWS];
};

/* One end of a connection. Freed when it lets go. */
struct sim_flow_end {
    struct htab_node node; /* in flows.ends, by conn */
    struct sim_flow_slot *slot;
    struct sim_node *host;
    struct plait_conn *conn;
    bool server, connected, shut, eof;
    uint64_t want;           /* to be written up to this position */
    uint64_t sent, received; /* positions */
    uint64_t stream, expect; /* patterns of what it sends and of what it receives */
};

/* A place for one connection at a time, with a port of its own, so that it is known whose a
 * connection is whatever the network makes of addresses. */
struct sim_flow_slot {
    struct htab_node node; /* in flows.listeners, by listener */
    struct sim_flow *flow;
    struct plait_listener *listener;
    uint16_t port;
    struct sim_flow_end *client, *server; /* NULL: none */
    struct sim_flow_past *past[2];        /* of the client and of the server; NULL: none yet */
    /* fetch */
    bool busy;           /* asked and not answered yet */
    unsigned object;     /* what it asked for */
    plait_time asked_at;
    uint64_t asked;      /* bytes of requests so far, on this connection */
    uint64_t answered;   /* bytes of answers that these ask for */
};

struct sim_flows {
    struct sim *sim;
    struct sim_flow *first, *last;
    struct htab ends, listeners;
    unsigned *port; /* for each node: ports that were given out */
    unsigned port_cap;
};

/* Of a pointer, whose low bits are all alike. */
static inline uint64_t sim_flow_hash(const void *p)
{
    uint64_t h = (uintptr_t)p * UINT64_C(0x9e3779b97f4a7c15);

    return h ^ h >> 32;
}

/* ---- flow_end.c ------------------------------------------------------------------------------ */

/* Opens the connection of this place. False: it could not be, and the flow has ended. */
bool sim_flow_open(struct sim_flow_slot *slot);
/* Writes up to what it wants to, as far as there is room. */
void sim_flow_write(struct sim_flow_end *end);
/* The same, reads what there is, and tells the flow. */
void sim_flow_work(struct sim_flow_end *end);
/* No more bytes from this end. */
void sim_flow_shut(struct sim_flow_end *end);
/* Shuts and lets go: the stack does the rest. end is gone. */
void sim_flow_leave(struct sim_flow_end *end);
/* An event handler for all nodes. */
void sim_flow_event(struct sim_node *node, const struct plait_event *ev);
/* Of its living connections, all at once. */
void sim_flow_abort(struct sim_flow *flow);
/* It is over; error 0: as planned. */
void sim_flow_end_all(struct sim_flow *flow, int error, enum plait_reason reason);
void sim_flow_note(struct sim_flow_notes *notes, const struct sim_flow_done *done);

/* ---- flow_stream.c and flow_fetch.c ---------------------------------------------------------- */

void sim_flow_stream_start(struct sim_flow *flow);
void sim_flow_stream_connected(struct sim_flow_end *end);
/* Something arrived, or the other side has no more to say. */
void sim_flow_stream_received(struct sim_flow_end *end);

void sim_flow_fetch_start(struct sim_flow *flow);
void sim_flow_fetch_connected(struct sim_flow_end *end);
void sim_flow_fetch_received(struct sim_flow_end *end);
void sim_flow_fetch_stop(struct sim_flow *flow);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic for experiments: streams that are as long or as fast as one likes, requests and their
 * answers, and pages of many objects over several connections. What is measured is counted here.
 *
 * flows = sim_flows_new(sim); flow = sim_flow_add(flows, &config); sim_run_until(sim, t1); before =
 * flow->delivered; sim_run_until(sim, t2); rate = sim_flow_rate(flow->delivered - before, t2 - t1);
 *
 * Bytes are a pattern that the receiver checks, as those of app.h are, but not where sim.blank says
 * that packets have no content. For tests of the stack itself see app.h, which is fussier. */
#ifndef SIM_FLOW_H
#define SIM_FLOW_H

#include "sim.h"

struct sim_flows;

enum sim_flow_kind { SIM_FLOW_STREAM, SIM_FLOW_FETCH };

/* Bytes one way. */
struct sim_flow_stream {
    bool down;           /* the server sends; else the client */
    uint64_t bytes;      /* to be sent in all; 0: no end */
    uint64_t rate;       /* bits per second that the application makes; 0: as much as fits */
    /* Writes for so long, then nothing for `off`, while what is in the send buffer goes on; on 0:
     * always */
    plait_time on, off;
    uint64_t burst;      /* instead of `on`: pauses when each so many bytes have arrived */
    bool exponential;    /* on, off and burst are means */
};

/* Requests of the client and answers of the server. */
struct sim_flow_fetch {
    uint32_t request;       /* bytes of each; 0: 100 */
    const uint64_t *object; /* bytes of each answer, asked for in this order; copied */
    unsigned object_n;
    unsigned conns;         /* that ask at a time; 0: 1 */
    bool fresh;             /* a new connection for each object; else they are kept */
    uint64_t rounds;        /* the whole list so often; 0: until stop */
    plait_time think;       /* between the end of a round and the next one */
    bool exponential;       /* think is a mean */
};

struct sim_flow_config {
    enum sim_flow_kind kind;
    struct sim_node *client, *server;
    struct plait_addr local;  /* of the client; family 0: any */
    /* Of the server; connection i goes to its port + i, where the server listens; port 0: some
     * that are free. */
    struct plait_addr remote;
    const struct plait_conn_config *client_conn, *server_conn; /* NULL: their stacks'; outlive it */
    /* From the call of sim_flow_add(). After stop no object is asked for any more, and a stream is
     * aborted, so that it loads the network no longer. stop 0: never */
    plait_time start, stop;
    struct sim_flow_stream stream;
    struct sim_flow_fetch fetch;
};

/* Something that ended: an object, a round, a burst, or a stream of so many bytes. */
struct sim_flow_done {
    /* When it was asked for, when the burst began or the stream's connection was opened; and when
     * its last byte had arrived. */
    plait_time start, end;
    uint64_t bytes;
    unsigned object; /* of the list */
};

struct sim_flow_notes {
    struct sim_flow_done *v;
    unsigned n, cap;
};

struct sim_flow_slot;
struct sim_flow {
    struct sim_flow_config cfg;
    struct sim_flows *flows;
    struct sim_flow *next;
    struct sim_rng rng;
    uint64_t sent;      /* by the applications that send what counts: streams and answers */
    uint64_t delivered; /* of these, read by those that receive */
    plait_time started, connected_at; /* connected_at 0: not yet */
    plait_time ended_at;              /* 0: not yet */
    int error;                        /* why it ended, if not as planned: enum plait_err */
    enum plait_reason reason;
    const char *failure; /* what never may be, as a byte that is wrong; NULL: nothing */
    struct sim_flow_notes done;  /* objects, bursts, or the stream */
    struct sim_flow_notes round; /* of a fetch */
    /* private */
    struct sim_flow_slot *slot; /* connections at a time */
    unsigned slot_n;
    uint64_t *object;     /* sizes of answers */
    unsigned object_at;   /* next one to be asked for */
    unsigned open;        /* asked for and not there yet */
    plait_time round_at;  /* start of the round */
    plait_time burst_at;  /* start of the burst */
    uint64_t burst_from, burst_end; /* positions */
    plait_time tick_at;   /* when the rate raised its bytes last */
    uint64_t rate_rest;   /* of a byte, in bits by microseconds */
    plait_time off_at;    /* when it stops writing; PLAIT_NEVER: not by the clock */
    struct sim_timer timer, stop_timer;
    bool stopped, paused;
};

struct sim_flows *sim_flows_new(struct sim *sim);
/* Before sim_free(). */
void sim_flows_free(struct sim_flows *flows);
/* It takes the events of both nodes (on_event and ctx). What goes wrong, now or later, is in its
 * `error`. It lives until sim_flows_free(). */
struct sim_flow *sim_flow_add(struct sim_flows *flows, const struct sim_flow_config *cfg);
/* Every flow that has an end, by its size, its rounds or a time, has ended. */
bool sim_flows_done(const struct sim_flows *flows);
/* The first failure of any of them; NULL: none. */
const char *sim_flows_failure(const struct sim_flows *flows);

/* Bits per second. */
uint64_t sim_flow_rate(uint64_t bytes, plait_time took);
/* The subflows of its connections at one end, as they are or were when it let go of the last one:
 * at most max; how many. */
unsigned sim_flow_subflows(const struct sim_flow *flow, bool server,
                           struct plait_subflow_info *out, unsigned max);
/* The same for connection i < cfg.fetch.conns. False: it has not been made. */
bool sim_flow_conn(const struct sim_flow *flow, bool server, unsigned i,
                   struct plait_conn_info *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of a test, from its header to its end, at either side. */
#ifndef TOOLS_PERF_FLOW_H
#define TOOLS_PERF_FLOW_H

#include "perf_latency.h"
#include "perf_net.h"

enum perf_state {
    PERF_HEADER_OUT,  /* the client's first */
    PERF_HEADER_IN,   /* the server's first */
    PERF_SEND,        /* bulk */
    PERF_RECV,        /* bulk */
    PERF_PUT,         /* a request, or a response at the server */
    PERF_GET,         /* a response, or a request at the server */
    PERF_TRAILER_OUT, /* the receiver's result */
    PERF_TRAILER_IN,
    PERF_END_IN, /* nothing but the end of the stream is awaited */
    PERF_DONE,
    PERF_FAILED, /* why says it */
};

/* What was counted already. */
struct perf_seen {
    uint64_t out, in, requests;
    struct perf_path path[PERF_PATHS_MAX];
    size_t path_n;
    struct perf_path spare; /* of one more, which is not remembered */
};

struct perf_flow {
    bool used, client, tested; /* tested: a good header went over it */
    bool over;                 /* the test is: send and ask no more */
    enum perf_state state;
    struct perf_conn conn;
    struct perf_header h;
    uint8_t record[PERF_HEADER]; /* header or trailer on its way */
    uint64_t at;                 /* bytes of the record, request or response that are done */
    uint64_t out, in;            /* bytes of the test, as the program sees them */
    uint64_t requests;           /* answered */
    uint64_t requests_max;       /* 0: until over */
    plait_time born;             /* connected or accepted */
    plait_time start, end;       /* of the bytes of the test */
    plait_time asked;            /* the request that is on its way */
    plait_time moved, stall;     /* the last byte, and the longest time without one */
    struct perf_trailer result;  /* the receiver's */
    bool has_result;
    struct perf_latency *latency; /* of requests; NULL: not measured */
    const char *why;
    struct perf_seen seen; /* perf_report.c's */
};

/* All connections of one process. */
struct perf_set {
    const struct perf_backend *b;
    struct perf_net *net;
    size_t top; /* flows from here on are not in use */
    struct perf_flow flow[PERF_CONNS_MAX];
};

plait_time perf_now(void); /* CLOCK_MONOTONIC */
/* Fields used, client, conn, h, requests_max and latency are set; state HEADER_OUT or HEADER_IN. */
void perf_flow_start(struct perf_flow *f, plait_time now);
/* Moves as much as goes at once, within limits, and never over more than one change of a bulk
 * test's state. True: there is more to do right now. */
bool perf_flow_run(struct perf_flow *f, const struct perf_set *set);
/* When it has to be run again though nothing came; PLAIT_NEVER. */
plait_time perf_flow_deadline(const struct perf_flow *f);
/* The test is over early, or by time: send no more, ask no more, and let the peer finish. */
void perf_flow_stop(struct perf_flow *f);

static inline bool perf_flow_ended(const struct perf_flow *f)
{
    return f->state == PERF_DONE || f->state == PERF_FAILED;
}

#endif

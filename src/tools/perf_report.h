/* SPDX-License-Identifier: Apache-2.0 */
/* What `plait perf` tells: a line for each interval and path, and the result; text or JSON. */
#ifndef TOOLS_PERF_REPORT_H
#define TOOLS_PERF_REPORT_H

#include "perf_flow.h"

enum { PERF_WAYS_MAX = 16 };

struct perf_count {
    uint64_t out, in, again;
};

/* The subflows of all connections between two addresses. */
struct perf_way {
    struct plait_addr local, remote;
    struct perf_count all, before; /* since the test began; until the last interval */
    plait_time rtt;
    uint64_t cwnd; /* sum */
};

/* One direction of bulk, by the receiver's word. */
struct perf_direction_result {
    unsigned n; /* connections */
    uint64_t bytes;
    plait_time time, stall;
};

struct perf_report {
    const struct perf_options *o;
    plait_time start, before; /* of the test and of this interval */
    uint64_t cpu;             /* microseconds of this process before the test */
    struct perf_count all, last;
    uint64_t requests, last_requests;
    uint64_t plain; /* connections without Multipath TCP, though it was asked for */
    struct perf_way way[PERF_WAYS_MAX];
    size_t way_n;
    struct perf_direction_result up, down; /* the client's direction, the server's */
    struct perf_latency latency;
    uint64_t handed;   /* packets that one thread gave to another */
    const char *error; /* NULL: none */
};

void perf_report_begin(struct perf_report *r, const struct perf_options *o, plait_time now);
/* Counts what this connection did since it was last looked at; before it is released, too. */
void perf_report_count(struct perf_report *r, const struct perf_set *set, struct perf_flow *f);
/* Takes the result of a connection that has ended. */
void perf_report_result(struct perf_report *r, const struct perf_set *set,
                        const struct perf_flow *f);
/* The same for all connections, with their windows of this moment. */
void perf_report_look(struct perf_report *r, struct perf_set *set);

/* ---- sums of several, and what is told ------------------------------------------------------ */

/* All but what is known from the last line. */
void perf_report_clear(struct perf_report *sum);
void perf_report_add(struct perf_report *sum, const struct perf_report *r);
/* The lines of an interval, from the last one on. */
void perf_report_line(struct perf_report *r, plait_time now);
void perf_report_final(struct perf_report *r, plait_time now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `plait perf`. */
#ifndef TOOLS_PERF_OPTIONS_H
#define TOOLS_PERF_OPTIONS_H

#include "args.h"
#include "perf_wire.h"

#include <net/if.h>

enum { PERF_PARALLEL_MAX = 32 }; /* connections: each has a port of its own */
enum { PERF_THREADS_MAX = 32 };

enum perf_stack { PERF_STACK_PLAIT, PERF_STACK_KERNEL_MPTCP, PERF_STACK_KERNEL_TCP };

struct perf_options {
    bool serving, once, reverse, bidir, checksum, json, json_stream;
    const char *host; /* NULL: every local address (serving) */
    uint16_t port;
    enum perf_stack stack;
    enum perf_mode mode;
    uint32_t size;       /* of request and response */
    uint64_t amount;     /* bytes, or with requests their number; 0: the duration decides */
    plait_time duration; /* 0: the amount decides */
    plait_time interval;
    uint32_t parallel; /* connections; of a thread: its part */
    unsigned threads, thread; /* how many, and which this is */
    const char *cc;
    struct plait_conn_config conn; /* scheduler, path manager and limits */
    bool path_options;             /* of the last two one was asked for */
    struct drv_paths paths; /* peer is not yet filled */
    const struct drv_driver *driver; /* NULL: auto */
    size_t queues;                   /* of each device; 0 is 1 */
    plait_time spin;        /* microseconds; 0: never */
    char cut[IF_NAMESIZE];  /* empty: none */
    plait_time cut_at;
};

/* argv[0] is "perf". */
enum args_verdict perf_options_parse(struct perf_options *o, int argc, char **argv);
/* What thread i of them has to do: its part of the connections, and of what they do. */
struct perf_options perf_options_part(const struct perf_options *o, unsigned i);
/* Connection i's part of the whole amount. */
uint64_t perf_options_share(const struct perf_options *o, uint32_t i);
/* IFNAME@SECONDS. */
bool perf_parse_cut(const char *text, char ifname[IF_NAMESIZE], plait_time *at);
const char *perf_stack_name(enum perf_stack stack);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `plait cat`. */
#ifndef TOOLS_CAT_OPTIONS_H
#define TOOLS_CAT_OPTIONS_H

#include "args.h"
#include <plait/plait.h>

struct cat_options {
    bool listening;
    const char *host;       /* NULL: every local address (listening) */
    uint16_t port;          /* the peer's; listening: ours */
    uint16_t source_port;   /* ours when connecting; 0: a free one */
    struct drv_paths paths; /* peer is not yet filled */
    struct plait_conn_config conn;
    plait_time connect_timeout; /* 0: the stack's retries decide */
    bool offload;
    const struct drv_driver *driver; /* NULL: auto */
    size_t queues;                   /* of each device; 0 is 1 */
    plait_time spin; /* microseconds; 0: never */
    unsigned verbose; /* 0, 1, 2 */
    const char *pcap;
    bool stats;
    const char *status; /* FILE or fd:N; NULL: none */
    plait_time status_every;
    const char *cookie;  /* FILE with the server's Fast Open cookie; NULL: none */
    const char *control; /* FIFO or fd:N; NULL: none */
};

/* argv[0] is "cat". */
enum args_verdict cat_options_parse(struct cat_options *o, int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The back ends of `plait perf`: the same few calls for plait's stack and for the kernel's sockets.
 */
#ifndef TOOLS_PERF_NET_H
#define TOOLS_PERF_NET_H

#include "perf_options.h"

#include <plait/plait.h>
#include <poll.h>

enum {
    /* Side by side: a client has 32 at most, a server also those that are still closing. */
    PERF_CONNS_MAX = 256,
    PERF_PATHS_MAX = 8,  /* subflows of a connection that are looked at */
    PERF_PAGE = 4096,
    PERF_CHUNK = 1 << 18, /* bytes of one call at most */
};

struct perf_conn {
    bool used;
    bool ready; /* bytes or room may have come since the last call found none */
    struct plait_conn *plait;        /* plait's connection, or */
    int fd;                          /* the kernel's */
    struct plait_addr local, remote; /* of fd, once they are known */
    bool wants_room;                 /* the last send found none */
    bool ended;                      /* the end of the peer's stream was seen */
    size_t lent;                     /* bytes of the last recv that plait has to get back */
    int error;                       /* a plait_err; 0: none yet */
    const char *why;                 /* with an error: a sentence */
};

/* A subflow. The counters grow as long as the connection lives. */
struct perf_path {
    uint32_t id; /* of the subflow, in its connection */
    struct plait_addr local, remote;
    uint64_t out, in, again; /* bytes acknowledged, received, sent again */
    plait_time rtt;
    uint64_t cwnd; /* bytes */
};

struct perf_net;

/* Those of a net that are open, and one to be refused. */
struct perf_conns {
    struct perf_conn *conn[PERF_CONNS_MAX + 1];
    size_t n;
};

static inline void perf_conns_add(struct perf_conns *conns, struct perf_conn *c)
{
    conns->conn[conns->n++] = c;
}

static inline void perf_conns_remove(struct perf_conns *conns, const struct perf_conn *c)
{
    for (size_t i = 0; i < conns->n; i++)
        if (conns->conn[i] == c)
            conns->conn[i--] = conns->conn[--conns->n];
}

/* What cannot be done is told by say(). One net for each thread; open and close are called by one
 * thread for all, all else by the net's own. */
struct perf_backend {
    /* Listens, or is ready to connect, as thread o->thread. NULL: *status is the exit status. */
    struct perf_net *(*open)(const struct perf_options *o, int *status);
    /* In the reverse order. */
    void (*close)(struct perf_net *net);
    /* Sleeps until something can be done, at most so long; says which connections are ready, and
     * fills revents of extra. */
    void (*step)(struct perf_net *net, plait_time timeout, struct pollfd *extra, size_t n);
    /* 0: it will be ready. PLAIT_EAGAIN: no port is free at the moment. Or an error that was told.
     */
    int (*connect)(struct perf_net *net, struct perf_conn *c);
    bool (*accept)(struct perf_net *net, struct perf_conn *c); /* it is ready */
    /* As plait_send() and plait_recv(). The bytes of recv are good until the next call. */
    int64_t (*send)(struct perf_net *net, struct perf_conn *c, const uint8_t *data, size_t len);
    int64_t (*recv)(struct perf_net *net, struct perf_conn *c, size_t len, const uint8_t **data);
    void (*shutdown)(struct perf_net *net, struct perf_conn *c);
    void (*release)(struct perf_net *net, struct perf_conn *c, bool abort);
    size_t (*paths)(struct perf_net *net, struct perf_conn *c,
                    struct perf_path path[PERF_PATHS_MAX]);
    /* Is or was it Multipath TCP? Good for a connection that has ended, too. */
    bool (*multipath)(struct perf_net *net, const struct perf_conn *c);
    bool (*cut)(struct perf_net *net, const char *ifname);
    /* Nothing is left to be said to any peer. */
    bool (*idle)(const struct perf_net *net);
    /* Packets that this thread has given to others. */
    uint64_t (*handed)(const struct perf_net *net);
};

extern const struct perf_backend perf_plait, perf_kernel;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* plait's stack as a back end of `plait perf`. The clock of the stack is that of the host's step. A
 * client has a port for each connection: two connections with the same four numbers are one. */
#include "driver/addr.h"
#include "driver/host.h"
#include "perf_net.h"
#include "policy.h"
#include "say.h"
#include "start.h"

#include <string.h>

/* Of a client that closes first, so that it can end soon. All others have the stack's default. */
#define PERF_TIME_WAIT (500 * PLAIT_MSEC)

struct perf_net {
    struct drv_host *host;
    struct plait_listener *listener;
    struct plait_addr peer;
    uint8_t more_ports, next_port;
    struct perf_conns open;
};

static struct perf_net the_net[PERF_THREADS_MAX];
static struct drv_shards *shards; /* of several threads; NULL: there is one */

static plait_time now_of(const struct perf_net *net)
{
    return drv_host_now(net->host);
}

static void on_warn(void *ctx, const char *text)
{
    (void)ctx;
    say("%s", text);
}

static void tell_loss(const struct drv_host *host)
{
    struct drv_host_counters counters;

    drv_host_counters(host, &counters);
    if (counters.unheard > 0)
        say("%llu packets for other threads were lost: they did not take them fast enough",
            (unsigned long long)counters.unheard);
}

/* The first one is closed last. */
static void close_net(struct perf_net *net)
{
    struct drv_error err;

    if (net->host && shards)
        tell_loss(net->host);
    if (net->host && !drv_host_free(net->host, &err))
        say("%s", err.text);
    net->host = NULL;
    if (net == the_net && shards) {
        drv_shards_free(shards);
        shards = NULL;
    }
}

static uint8_t more_ports(const struct perf_options *o)
{
    uint32_t conns = o->bidir ? 2 * o->parallel : o->parallel;
    uint32_t most = o->threads > 1 ? (DRV_PORTS_MAX - 1) / o->threads : DRV_PORTS_MAX;

    if (o->serving)
        return 0;
    conns *= 1 + policy_ports(&o->conn);
    return (uint8_t)((o->mode == PERF_CRR || conns > most ? most : conns) - 1);
}

/* The first thread makes the set, for all. */
static bool join_shards(struct drv_host_config *config, const struct perf_options *o,
                        struct drv_error *err)
{
    if (o->threads == 1)
        return true;
    if (o->thread == 0)
        shards = drv_shards_new(config, o->threads, err);
    config->shards = shards;
    config->shard = o->thread;
    return shards != NULL;
}

static bool make_host(struct perf_net *net, const struct perf_options *o, int *status)
{
    struct drv_host_config config = {.paths = o->paths,
                                     .driver = o->driver,
                                     .queues = o->queues,
                                     .spin = o->spin,
                                     .offload = true,
                                     .warn = on_warn};
    struct drv_error err;

    plait_config_init(&config.stack);
    config.port = o->serving ? o->port : 0;
    config.more_ports = net->more_ports = more_ports(o);
    config.stack.conn = o->conn;
    config.stack.conn.checksum = o->checksum;
    config.stack.conn.nodelay = true;
    if (!o->serving && o->mode != PERF_CRR)
        config.stack.time_wait = PERF_TIME_WAIT;
    if (o->serving)
        config.paths.peer = (struct plait_addr){0};
    if (join_shards(&config, o, &err))
        net->host = drv_host_new(&config, &err);
    if (net->host)
        return true;
    say("%s", err.text);
    *status = start_status(err.fault);
    return false;
}

static bool start_listening(struct perf_net *net, const struct perf_options *o)
{
    struct plait_addr at = o->paths.peer;
    int rc;

    at.port = o->port;
    if (at.family != 0 && drv_host_ifname_of(net->host, &at)[0] == '?') {
        say("%s: it is no address of the interfaces in use; see `ip addr`", o->host);
        return false;
    }
    rc = plait_listen(drv_host_stack(net->host), &at, NULL, &net->listener);
    if (rc < 0)
        say("cannot listen on port %u: %s", o->port, plait_strerror(rc));
    return rc == 0;
}

static struct perf_net *open_net(const struct perf_options *o, int *status)
{
    struct perf_net *net = &the_net[o->thread];

    *net = (struct perf_net){.peer = o->paths.peer};
    *status = STATUS_FAILED;
    if (make_host(net, o, status) && (!o->serving || start_listening(net, o)))
        return net;
    close_net(net);
    return NULL;
}

static void note(struct perf_net *net, const struct plait_event *ev)
{
    for (size_t i = 0; i < net->open.n; i++)
        if (net->open.conn[i]->plait == ev->conn)
            net->open.conn[i]->ready = true;
}

static void step(struct perf_net *net, plait_time timeout, struct pollfd *extra, size_t n)
{
    struct plait_stack *stack = drv_host_stack(net->host);
    struct plait_event ev;

    drv_host_step(net->host, timeout, extra, n);
    while (plait_event_next(stack, &ev))
        note(net, &ev); /* connections that wait to be accepted are asked for in each turn */
}

static void open_conn(struct perf_net *net, struct perf_conn *c)
{
    c->used = true;
    perf_conns_add(&net->open, c);
}

static int connect_conn(struct perf_net *net, struct perf_conn *c)
{
    struct plait_connect how = {.remote = net->peer};
    struct drv_error err;
    int rc = PLAIT_EADDRINUSE;

    if (drv_host_local_for(net->host, &how.remote, &how.local, &err) < 0) {
        say("%s", err.text);
        return PLAIT_EUNREACH;
    }
    for (size_t i = 0; i <= net->more_ports && rc == PLAIT_EADDRINUSE; i++) {
        how.local.port = drv_host_port_at(net->host, net->next_port);
        net->next_port = (uint8_t)(net->next_port < net->more_ports ? net->next_port + 1 : 0);
        rc = plait_connect(drv_host_stack(net->host), &how, now_of(net), &c->plait);
    }
    if (rc == PLAIT_EADDRINUSE)
        return PLAIT_EAGAIN;
    if (rc < 0)
        say("cannot connect: %s", plait_strerror(rc));
    else
        open_conn(net, c);
    return rc;
}

static bool accept_conn(struct perf_net *net, struct perf_conn *c)
{
    c->plait = plait_accept(net->listener);
    if (c->plait == NULL)
        return false;
    open_conn(net, c);
    c->ready = true;
    return true;
}

static int64_t failed(struct perf_conn *c, int64_t rc)
{
    int error = plait_conn_error(c->plait, NULL);

    c->error = error != 0 ? error : (int)rc;
    c->why = plait_strerror(c->error);
    return c->error;
}

static int64_t send_bytes(struct perf_net *net, struct perf_conn *c, const uint8_t *data,
                          size_t len)
{
    int64_t n = plait_send(c->plait, data, len, now_of(net));
    return n < 0 && n != PLAIT_EAGAIN ? failed(c, n) : n;
}

static void give_back(struct perf_net *net, struct perf_conn *c)
{
    if (c->lent > 0)
        plait_recv_done(c->plait, c->lent, now_of(net));
    c->lent = 0;
}

static int64_t recv_bytes(struct perf_net *net, struct perf_conn *c, size_t len,
                          const uint8_t **data)
{
    struct plait_view view;
    int64_t n;

    give_back(net, c);
    if (c->ended)
        return 0;
    n = plait_recv_borrow(c->plait, &view);
    c->ended = n == 0;
    if (n < 0 && n != PLAIT_EAGAIN)
        return failed(c, n);
    if (n <= 0)
        return n;
    *data = view.data;
    c->lent = view.len < len ? view.len : len;
    return (int64_t)c->lent;
}

static void shutdown_conn(struct perf_net *net, struct perf_conn *c)
{
    (void)plait_shutdown(c->plait, now_of(net));
}

static void release_conn(struct perf_net *net, struct perf_conn *c, bool abort)
{
    give_back(net, c);
    if (abort)
        plait_abort(c->plait, now_of(net));
    plait_release(c->plait, now_of(net));
    perf_conns_remove(&net->open, c);
    c->used = false;
}

static size_t paths_of(struct perf_net *net, struct perf_conn *c,
                       struct perf_path path[PERF_PATHS_MAX])
{
    struct plait_conn_info info;
    struct plait_subflow_info s;
    size_t n = 0;

    (void)net;
    plait_conn_info(c->plait, &info);
    for (uint8_t id = 0; id < info.subflow_total && n < PERF_PATHS_MAX; id++) {
        if (plait_subflow_info(c->plait, id, &s) < 0)
            continue;
        path[n++] = (struct perf_path){
            .id = id,
            .local = s.local,
            .remote = s.remote,
            .out = s.bytes_acked,
            .in = s.bytes_received,
            .again = s.bytes_retransmitted,
            .rtt = s.srtt,
            .cwnd = s.state == PLAIT_SUBFLOW_CLOSED ? 0 : s.cwnd,
        };
    }
    return n;
}

static bool is_multipath(struct perf_net *net, const struct perf_conn *c)
{
    struct plait_conn_info info;

    (void)net;
    plait_conn_info(c->plait, &info);
    return info.multipath;
}

static bool cut_path(struct perf_net *net, const char *ifname)
{
    struct drv_error err;

    if (drv_host_path_cut(net->host, ifname, &err) == 0)
        return true;
    say("--cut %s", err.text);
    return false;
}

static bool is_idle(const struct perf_net *net)
{
    struct plait_stack_info info;

    plait_stack_info(drv_host_stack(net->host), &info);
    return info.conns + info.time_wait == 0;
}

static uint64_t handed(const struct perf_net *net)
{
    struct drv_host_counters counters;

    drv_host_counters(net->host, &counters);
    return counters.handed;
}

const struct perf_backend perf_plait = {
    .open = open_net,
    .close = close_net,
    .step = step,
    .connect = connect_conn,
    .accept = accept_conn,
    .send = send_bytes,
    .recv = recv_bytes,
    .shutdown = shutdown_conn,
    .release = release_conn,
    .paths = paths_of,
    .multipath = is_multipath,
    .cut = cut_path,
    .idle = is_idle,
    .handed = handed,
};

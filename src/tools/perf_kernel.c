/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's sockets as a back end of `plait perf`: Multipath TCP or plain TCP, never blocking.
 * Its paths are those that `ip mptcp` configures. A path is cut by taking its link down, which the
 * kernel does notice. */
#include "driver/addr.h"
#include "perf_net.h"
#include "say.h"
#include "start.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

enum { BACKLOG = 256, EXTRA_FDS = 4 };

struct perf_net {
    int listener; /* -1: a client */
    bool mptcp;
    const char *cc;
    struct plait_addr peer;
    uint32_t peer_ifindex;
    struct perf_conns open;
    bool shared; /* other threads listen on the same port */
    _Alignas(PERF_PAGE) uint8_t taken[PERF_CHUNK];
};

union address {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* ---- sockets -------------------------------------------------------------------------------- */

static socklen_t fill_address(const struct perf_net *net, union address *a)
{
    memset(a, 0, sizeof *a);
    if (net->peer.family == 4) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(net->peer.port);
        memcpy(&a->v4.sin_addr, net->peer.ip, 4);
        return sizeof a->v4;
    }
    a->v6.sin6_family = AF_INET6;
    a->v6.sin6_port = htons(net->peer.port);
    a->v6.sin6_scope_id = net->peer_ifindex;
    memcpy(&a->v6.sin6_addr, net->peer.ip, 16); /* zeros where there is none: any */
    return sizeof a->v6;
}

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* A socket with the options of the test; -1: why was told. */
static int make_socket(const struct perf_net *net)
{
    int family = net->peer.family == 4 ? AF_INET : AF_INET6;
    int fd =
        socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, net->mptcp ? IPPROTO_MPTCP : 0);

    if (fd < 0) {
        say("cannot open a socket: %s%s", strerror(errno),
            net->mptcp ? "; does this kernel have MPTCP (net.mptcp.enabled)?" : "");
        return -1;
    }
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, net->cc, (socklen_t)strlen(net->cc)) != 0) {
        say("--cc %s: %s; see net.ipv4.tcp_available_congestion_control", net->cc, strerror(errno));
        (void)close(fd);
        return -1;
    }
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* requests are whole writes */
    return fd;
}

static bool start_listening(struct perf_net *net)
{
    union address a;
    socklen_t len = fill_address(net, &a);

    net->listener = make_socket(net);
    if (net->listener < 0)
        return false;
    (void)set_option(net->listener, SOL_SOCKET, SO_REUSEADDR, 1);
    if (net->shared) /* the kernel deals connections out */
        (void)set_option(net->listener, SOL_SOCKET, SO_REUSEPORT, 1);
    if (net->peer.family != 4)
        (void)set_option(net->listener, IPPROTO_IPV6, IPV6_V6ONLY, net->peer.family == 6);
    if (bind(net->listener, &a.sa, len) == 0 && listen(net->listener, BACKLOG) == 0)
        return true;
    say("cannot listen on port %u: %s", net->peer.port, strerror(errno));
    return false;
}

static void close_net(struct perf_net *net)
{
    if (net->listener >= 0)
        (void)close(net->listener);
    free(net);
}

static struct perf_net *open_net(const struct perf_options *o, int *status)
{
    struct perf_net *net = aligned_alloc(PERF_PAGE, sizeof *net);

    *status = STATUS_FAILED;
    if (!net) {
        say("out of memory");
        return NULL;
    }
    memset(net, 0, sizeof *net);
    net->listener = -1;
    net->mptcp = o->stack == PERF_STACK_KERNEL_MPTCP;
    net->cc = o->cc;
    net->peer = o->paths.peer;
    net->peer_ifindex = o->paths.peer_ifindex;
    net->shared = o->threads > 1;
    net->peer.port = o->port;
    if (net->peer.family == 0)
        net->peer.family = o->paths.family;
    if (!o->serving || start_listening(net))
        return net;
    close_net(net);
    return NULL;
}

static void open_conn(struct perf_net *net, struct perf_conn *c, int fd)
{
    *c = (struct perf_conn){.used = true, .fd = fd};
    perf_conns_add(&net->open, c);
}

static int connect_conn(struct perf_net *net, struct perf_conn *c)
{
    union address a;
    socklen_t len = fill_address(net, &a);
    int fd = make_socket(net), error;

    if (fd < 0)
        return PLAIT_EINVAL;
    if (connect(fd, &a.sa, len) == 0 || errno == EINPROGRESS) {
        open_conn(net, c, fd);
        c->wants_room = true; /* which comes with the connection */
        return 0;
    }
    error = errno;
    (void)close(fd);
    if (error == EADDRNOTAVAIL)
        return PLAIT_EAGAIN; /* every port waits in TIME-WAIT */
    say("cannot connect: %s", strerror(error));
    return PLAIT_EUNREACH;
}

static bool accept_conn(struct perf_net *net, struct perf_conn *c)
{
    int fd = accept4(net->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return false;
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    open_conn(net, c, fd);
    c->ready = true;
    return true;
}

static void release_conn(struct perf_net *net, struct perf_conn *c, bool abort)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (abort)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)close(c->fd);
    c->used = false;
    perf_conns_remove(&net->open, c);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int64_t failed(struct perf_conn *c)
{
    if (errno == EAGAIN || errno == EINTR)
        return PLAIT_EAGAIN;
    c->error = errno == ETIMEDOUT ? PLAIT_ETIMEDOUT : PLAIT_ECONNRESET;
    c->why = strerrordesc_np(errno);
    return c->error;
}

static int64_t send_bytes(struct perf_net *net, struct perf_conn *c, const uint8_t *data,
                          size_t len)
{
    ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

    (void)net;
    c->wants_room = n < 0 || (size_t)n < len;
    return n >= 0 ? n : failed(c);
}

static int64_t recv_bytes(struct perf_net *net, struct perf_conn *c, size_t len,
                          const uint8_t **data)
{
    ssize_t n = c->ended ? 0 : recv(c->fd, net->taken, len < PERF_CHUNK ? len : PERF_CHUNK, 0);

    (void)net;
    *data = net->taken;
    c->ended = n == 0;
    return n >= 0 ? n : failed(c);
}

static void shutdown_conn(struct perf_net *net, struct perf_conn *c)
{
    (void)net;
    (void)shutdown(c->fd, SHUT_WR);
    c->wants_room = false;
}

static size_t gather(const struct perf_net *net, struct pollfd *fds)
{
    for (size_t i = 0; i < net->open.n; i++) {
        const struct perf_conn *c = net->open.conn[i];
        int events = (c->ended ? 0 : POLLIN) | (c->wants_room ? POLLOUT : 0);
        fds[i] = (struct pollfd){.fd = events != 0 ? c->fd : -1, .events = (short)events};
    }
    fds[net->open.n] = (struct pollfd){.fd = net->listener, .events = POLLIN};
    return net->open.n + 1;
}

static void step(struct perf_net *net, plait_time timeout, struct pollfd *extra, size_t n)
{
    struct pollfd fds[PERF_CONNS_MAX + 2 + EXTRA_FDS];
    size_t own = gather(net, fds);
    struct timespec ts = {.tv_sec = (time_t)(timeout / PLAIT_SEC),
                          .tv_nsec = (long)(timeout % PLAIT_SEC) * 1000};

    if (n > 0)
        memcpy(fds + own, extra, n * sizeof *extra);
    if (ppoll(fds, own + n, timeout == PLAIT_NEVER ? NULL : &ts, NULL) < 0)
        for (size_t i = 0; i < own + n; i++)
            fds[i].revents = 0;
    for (size_t i = 0; i < net->open.n; i++)
        if (fds[i].revents != 0)
            net->open.conn[i]->ready = true;
    if (n > 0)
        memcpy(extra, fds + own, n * sizeof *extra);
}

/* ---- paths ---------------------------------------------------------------------------------- */

struct tcpinfos {
    struct mptcp_subflow_data head;
    struct tcp_info info[PERF_PATHS_MAX];
};
struct addrs {
    struct mptcp_subflow_data head;
    struct mptcp_subflow_addrs addr[PERF_PATHS_MAX];
};

static void fill_path(struct perf_path *p, const struct tcp_info *t)
{
    p->out = t->tcpi_bytes_acked;
    p->in = t->tcpi_bytes_received;
    p->again = t->tcpi_bytes_retrans;
    p->rtt = t->tcpi_rtt;
    p->cwnd = (uint64_t)t->tcpi_snd_cwnd * t->tcpi_snd_mss;
}

/* They are asked for early: a connection that has ended has no peer any more, only counters. */
static bool learn_addresses(struct perf_conn *c)
{
    union address local, remote;
    socklen_t llen = sizeof local, rlen = sizeof remote;

    if (c->remote.family != 0)
        return true;
    return getsockname(c->fd, &local.sa, &llen) == 0 &&
           getpeername(c->fd, &remote.sa, &rlen) == 0 &&
           drv_addr_from_sockaddr(&local.sa, &c->local) &&
           drv_addr_from_sockaddr(&remote.sa, &c->remote);
}

static size_t only_path(struct perf_conn *c, struct perf_path *p)
{
    struct tcp_info t;
    socklen_t len = sizeof t;

    memset(&t, 0, sizeof t);
    if (!learn_addresses(c) || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &t, &len) != 0)
        return 0;
    *p = (struct perf_path){.local = c->local, .remote = c->remote};
    fill_path(p, &t);
    return 1;
}

/* The kernel forgets a subflow that has ended; those that are left move up. So its id is that of
 * its ports. */
static bool take_subflow(struct perf_path *p, const struct mptcp_subflow_addrs *a,
                         const struct tcp_info *t)
{
    union address local, remote;

    memset(p, 0, sizeof *p);
    memcpy(&local, &a->ss_local, sizeof local);
    memcpy(&remote, &a->ss_remote, sizeof remote);
    if (!drv_addr_from_sockaddr(&local.sa, &p->local) ||
        !drv_addr_from_sockaddr(&remote.sa, &p->remote) || remote.v4.sin_port == 0)
        return false;
    p->id = (uint32_t)local.v4.sin_port << 16 | remote.v4.sin_port;
    fill_path(p, t);
    return true;
}

static size_t paths_of(struct perf_net *net, struct perf_conn *c,
                       struct perf_path path[PERF_PATHS_MAX])
{
    struct tcpinfos t;
    struct addrs a;
    socklen_t tlen = sizeof t, alen = sizeof a;
    size_t n = 0;

    memset(&t, 0, sizeof t);
    memset(&a, 0, sizeof a);
    t.head = (struct mptcp_subflow_data){.size_subflow_data = sizeof t.head,
                                         .size_user = sizeof t.info[0]};
    a.head = (struct mptcp_subflow_data){.size_subflow_data = sizeof a.head,
                                         .size_user = sizeof a.addr[0]};
    if (!net->mptcp || (getsockopt(c->fd, SOL_MPTCP, MPTCP_TCPINFO, &t, &tlen) != 0 &&
                        (errno == EOPNOTSUPP || errno == ENOPROTOOPT)))
        return only_path(c, path); /* plain TCP, or it fell back to that */
    if (getsockopt(c->fd, SOL_MPTCP, MPTCP_SUBFLOW_ADDRS, &a, &alen) != 0 ||
        t.head.num_subflows != a.head.num_subflows)
        return 0; /* it has just changed */
    for (size_t i = 0; i < t.head.num_subflows && i < PERF_PATHS_MAX; i++)
        if (take_subflow(&path[n], &a.addr[i], &t.info[i]))
            n++;
    return n;
}

static bool is_multipath(struct perf_net *net, const struct perf_conn *c)
{
    struct mptcp_info info;
    socklen_t len = sizeof info;

    memset(&info, 0, sizeof info);
    return net->mptcp && getsockopt(c->fd, SOL_MPTCP, MPTCP_INFO, &info, &len) == 0 &&
           !(info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK);
}

static bool cut_path(struct perf_net *net, const char *ifname)
{
    struct ifreq r;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok;

    (void)net;
    memset(&r, 0, sizeof r);
    memcpy(r.ifr_name, ifname, strlen(ifname)); /* shorter than IFNAMSIZ */
    ok = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0;
    r.ifr_flags = (short)(r.ifr_flags & ~IFF_UP);
    ok = ok && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
    if (!ok)
        say("--cut %s: %s", ifname, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool is_idle(const struct perf_net *net)
{
    (void)net;
    return true; /* the kernel ends what is closed */
}

const struct perf_backend perf_kernel = {
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
};

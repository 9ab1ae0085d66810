/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a script: BSD sockets over the public API, and a few that only this stack has.
 * Called by the runner. Nothing blocks: what cannot be done now is EAGAIN. What is written is the
 * stack's stream, and what is read has to be the peer's, byte for byte. */
#include "pkt_names.h"
#include "pkt_run.h"

#include <string.h>

/* value >= 0, or -1 with the name of the error */
struct result {
    int64_t value;
    const char *error;
};

static struct result ok(int64_t value)
{
    return (struct result){value, ""};
}

static struct result of(int64_t answer)
{
    return answer >= 0 ? ok(answer) : (struct result){-1, sim_pkt_errno_name(answer)};
}

static struct result error(const char *name)
{
    return (struct result){-1, name};
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static struct sim_pkt_fd *get_fd(struct sim_pkt_runner *r, const struct sim_pkt_call *c)
{
    const struct sim_pkt_arg *a = &c->arg[0];

    if (c->arg_n == 0 || a->kind != SIM_PKT_ARG_NUMBER || a->number < SIM_PKT_FD_FIRST ||
        a->number >= SIM_PKT_FD_FIRST + SIM_PKT_FDS_MAX)
        return NULL;
    struct sim_pkt_fd *fd = &r->fd[a->number - SIM_PKT_FD_FIRST];
    return fd->kind != SIM_PKT_FD_FREE ? fd : NULL;
}

static int new_fd(struct sim_pkt_runner *r, enum sim_pkt_fd_kind kind)
{
    for (int i = 0; i < SIM_PKT_FDS_MAX; i++)
        if (r->fd[i].kind == SIM_PKT_FD_FREE) {
            r->fd[i] = (struct sim_pkt_fd){.kind = kind};
            return i;
        }
    return -1;
}

static void take_conn(struct sim_pkt_runner *r, int i, struct plait_conn *conn)
{
    struct plait_conn_info info;

    r->fd[i].kind = SIM_PKT_FD_CONN;
    r->fd[i].conn = conn;
    plait_conn_info(conn, &info);
    r->last_conn = info.id;
    r->last_fd = i;
}

static const char *text_of(const struct sim_pkt_call *c, unsigned i)
{
    return i < c->arg_n ? c->arg[i].text : "";
}

static int64_t number_of(const struct sim_pkt_call *c, unsigned i)
{
    return i < c->arg_n ? c->arg[i].number : 0;
}

/* ---- making a connection --------------------------------------------------------------------- */

static struct result do_socket(struct sim_pkt_runner *r, const struct sim_pkt_call *c)
{
    int i = new_fd(r, SIM_PKT_FD_SOCKET);

    if (i < 0)
        return error("EMFILE");
    r->fd[i].cfg = r->script->setup.config.conn;
    sim_pkt_policies(r, &r->fd[i].cfg);
    if (strcmp(text_of(c, 2), "IPPROTO_MPTCP") != 0)
        r->fd[i].cfg.mptcp = r->fd[i].cfg.require_mptcp = false;
    return ok(i + SIM_PKT_FD_FIRST);
}

static struct result do_bind(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                             const struct sim_pkt_call *c)
{
    (void)r;
    fd->port = SIM_PKT_PORT;
    if (c->arg_n > 1 && c->arg[1].kind == SIM_PKT_ARG_NUMBER)
        fd->port = (uint16_t)c->arg[1].number;
    return ok(0);
}

static struct result do_listen(struct sim_pkt_runner *r, struct sim_pkt_fd *fd)
{
    struct plait_addr any = {.port = fd->port};

    if (fd->kind != SIM_PKT_FD_SOCKET)
        return error("EINVAL");
    int err = plait_listen(r->node->stack, &any, &fd->cfg, &fd->listener);
    if (err == 0)
        fd->kind = SIM_PKT_FD_LISTENER;
    return of(err);
}

static struct result do_accept(struct sim_pkt_runner *r, struct sim_pkt_fd *fd)
{
    if (fd->kind != SIM_PKT_FD_LISTENER)
        return error("EINVAL");
    struct plait_conn *conn = plait_accept(fd->listener);
    if (conn == NULL)
        return error("EAGAIN");
    int i = new_fd(r, SIM_PKT_FD_CONN);
    if (i < 0) {
        plait_release(conn, r->sim->now);
        return error("EMFILE");
    }
    take_conn(r, i, conn);
    return ok(i + SIM_PKT_FD_FIRST);
}

static struct result do_connect(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                                const struct sim_pkt_call *c)
{
    const struct sim_pkt_setup *setup = &r->script->setup;
    struct plait_connect how = {.local = sim_pkt_addr(setup->ipv6, false, 0),
                                .remote = sim_pkt_addr(setup->ipv6, true, 0),
                                .config = &fd->cfg};
    struct plait_conn *conn;

    if (fd->kind != SIM_PKT_FD_SOCKET)
        return error("EISCONN");
    how.local.port = fd->port;
    how.remote.port = SIM_PKT_PORT;
    if (c->arg_n > 1 && c->arg[1].kind == SIM_PKT_ARG_NUMBER)
        how.remote.port = (uint16_t)c->arg[1].number;
    int err = plait_connect(r->node->stack, &how, r->sim->now, &conn);
    if (err != 0)
        return of(err);
    take_conn(r, (int)(fd - r->fd), conn);
    r->world.main = NULL; /* its SYN begins a flow */
    return error("EINPROGRESS");
}

/* ---- data ------------------------------------------------------------------------------------ */

static struct result do_write(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                              const struct sim_pkt_call *c)
{
    int64_t want = number_of(c, 2), done = 0, n = 0;

    while (done < want) {
        size_t part = want - done < SIM_PKT_BYTES_MAX ? (size_t)(want - done) : SIM_PKT_BYTES_MAX;
        sim_pkt_stream_fill(SIM_PKT_STACK, fd->write_pos, r->payload.b, part);
        n = plait_send(fd->conn, r->payload.b, part, r->sim->now);
        if (n <= 0)
            break;
        done += n;
        fd->write_pos += (uint64_t)n;
    }
    return done > 0 || want == 0 ? ok(done) : of(n);
}

/* sendto() with MSG_FASTOPEN: connects, and what is written may go with the SYN. */
static struct result do_sendto(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                               const struct sim_pkt_call *c)
{
    struct sim_pkt_call connect = {0};

    if (c->arg_n < 4 || strcmp(c->arg[3].text, "MSG_FASTOPEN") != 0)
        return error("EINVAL");
    struct result got = do_connect(r, fd, &connect);
    return strcmp(got.error, "EINPROGRESS") == 0 ? do_write(r, fd, c) : got;
}

static bool read_wrong(struct sim_pkt_runner *r, struct sim_pkt_fd *fd, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (r->payload.b[i] != sim_pkt_stream_byte(SIM_PKT_PEER, fd->read_pos + (uint64_t)i)) {
            sim_pkt_run_fail(r, "byte %llu of the stream that was read is not the peer's",
                             (unsigned long long)(fd->read_pos + (uint64_t)i));
            return true;
        }
    return false;
}

static struct result do_read(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                             const struct sim_pkt_call *c)
{
    int64_t want = number_of(c, 2), done = 0, n = 0;

    while (done < want) {
        size_t part = want - done < SIM_PKT_BYTES_MAX ? (size_t)(want - done) : SIM_PKT_BYTES_MAX;
        n = plait_recv(fd->conn, r->payload.b, part, r->sim->now);
        if (n <= 0 || read_wrong(r, fd, n))
            break;
        done += n;
        fd->read_pos += (uint64_t)n;
    }
    return done > 0 || want == 0 ? ok(done) : of(n);
}

static struct result do_close(struct sim_pkt_runner *r, struct sim_pkt_fd *fd)
{
    if (fd->kind == SIM_PKT_FD_LISTENER)
        plait_listener_close(fd->listener, r->sim->now);
    if (fd->kind == SIM_PKT_FD_CONN && fd->linger_abort)
        plait_abort(fd->conn, r->sim->now);
    if (fd->kind == SIM_PKT_FD_CONN)
        plait_release(fd->conn, r->sim->now);
    *fd = (struct sim_pkt_fd){.kind = SIM_PKT_FD_FREE};
    return ok(0);
}

static struct result do_shutdown(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                                 const struct sim_pkt_call *c)
{
    if (strcmp(text_of(c, 1), "SHUT_WR") != 0)
        return error("EINVAL");
    return of(plait_shutdown(fd->conn, r->sim->now));
}

/* ---- options --------------------------------------------------------------------------------- */

static struct result set_before(struct sim_pkt_fd *fd, const char *name,
                                const struct sim_pkt_arg *a)
{
    uint32_t v = (uint32_t)a->number;

    if (strcmp(name, "SO_REUSEADDR") == 0)
        return ok(0); /* ports of this stack are free as soon as RFC 9293 allows */
    if (strcmp(name, "TCP_NODELAY") == 0)
        fd->cfg.nodelay = v != 0;
    else if (strcmp(name, "SO_SNDBUF") == 0)
        fd->cfg.sndbuf_max = v;
    else if (strcmp(name, "SO_RCVBUF") == 0)
        fd->cfg.rcvbuf_max = fd->cfg.rcvbuf_init = v;
    else if (strcmp(name, "SO_KEEPALIVE") == 0)
        fd->cfg.keepalive_idle = v != 0 ? 7200 * PLAIT_SEC : 0;
    else if (strcmp(name, "TCP_KEEPIDLE") == 0)
        fd->cfg.keepalive_idle = v * PLAIT_SEC;
    else if (strcmp(name, "TCP_KEEPINTVL") == 0)
        fd->cfg.keepalive_interval = v * PLAIT_SEC;
    else if (strcmp(name, "TCP_KEEPCNT") == 0)
        fd->cfg.keepalive_probes = (uint8_t)v;
    else if (strcmp(name, "TCP_USER_TIMEOUT") == 0)
        fd->cfg.user_timeout = v * PLAIT_MSEC;
    else if (strcmp(name, "TCP_CONGESTION") == 0) {
        memcpy(fd->cc, a->text, sizeof fd->cc);
        fd->cfg.cc = fd->cc;
    } else
        return error("ENOPROTOOPT");
    return ok(0);
}

static struct result do_setsockopt(struct sim_pkt_fd *fd, const struct sim_pkt_call *c)
{
    if (c->arg_n < 4)
        return error("EINVAL");
    if (strcmp(text_of(c, 2), "SO_LINGER") == 0) {
        fd->linger_abort = c->arg[3].number != 0 && c->arg[3].second == 0;
        return ok(0);
    }
    if (fd->kind != SIM_PKT_FD_SOCKET)
        return error("EISCONN");
    return set_before(fd, text_of(c, 2), &c->arg[3]);
}

static struct result do_getsockopt(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                                   const struct sim_pkt_call *c)
{
    if (fd->kind != SIM_PKT_FD_CONN || c->arg_n < 4 || strcmp(text_of(c, 2), "SO_ERROR") != 0)
        return error("ENOPROTOOPT");
    const char *got = sim_pkt_errno_name(plait_conn_error(fd->conn, NULL));
    const char *want = c->arg[3].text[0] != '\0' ? c->arg[3].text : "NONE";
    if (strcmp(got, want) != 0)
        sim_pkt_run_fail(r, "SO_ERROR is %s and not %s", got, want);
    return ok(0);
}

/* ---- local addresses ------------------------------------------------------------------------- */

static void fill_local(const struct sim_pkt_runner *r, const struct sim_pkt_call *c,
                       struct plait_local *l)
{
    unsigned index = (unsigned)number_of(c, 0);
    const struct sim_pkt_setup *setup = &r->script->setup;

    *l = (struct plait_local){
        .addr = sim_pkt_addr(setup->ipv6, false, index % SIM_PKT_ADDRS_MAX),
        .id = (uint8_t)(index + 1),
        .flags = (uint8_t)(c->arg_n > 1 ? c->arg[1].flags : 0),
        .mtu = setup->mtu,
        .ifindex = index + 1,
    };
    l->addr.port = (uint16_t)number_of(c, 2);
}

static struct result do_local(struct sim_pkt_runner *r, const struct sim_pkt_call *c)
{
    struct plait_local local;

    if (number_of(c, 0) < 0 || number_of(c, 0) >= SIM_PKT_ADDRS_MAX)
        return error("EINVAL");
    fill_local(r, c, &local);
    if (strcmp(c->name, "local_add") == 0)
        return of(plait_local_add(r->node->stack, &local, r->sim->now));
    if (strcmp(c->name, "local_change") == 0)
        return of(plait_local_change(r->node->stack, &local, r->sim->now));
    return of(plait_local_del(r->node->stack, local.id, r->sim->now));
}

/* The next SYN of each flow has a new initial sequence number. */
static struct result do_forget_isn(struct sim_pkt_runner *r)
{
    for (unsigned i = 0; i < r->world.flow_n; i++)
        r->world.flow[i].isn_stale = true;
    return ok(0);
}

/* ---- which one ------------------------------------------------------------------------------- */

static struct result call_conn(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                               const struct sim_pkt_call *c)
{
    const char *name = c->name;

    if (fd->kind != SIM_PKT_FD_CONN)
        return error("ENOTCONN");
    if (strcmp(name, "read") == 0 || strcmp(name, "recv") == 0)
        return do_read(r, fd, c);
    if (strcmp(name, "write") == 0 || strcmp(name, "send") == 0)
        return do_write(r, fd, c);
    if (strcmp(name, "shutdown") == 0)
        return do_shutdown(r, fd, c);
    if (strcmp(name, "abort") == 0) {
        plait_abort(fd->conn, r->sim->now);
        return ok(0);
    }
    return of(plait_conn_set_backup(fd->conn, (uint8_t)number_of(c, 1), number_of(c, 2) != 0,
                                    r->sim->now));
}

static struct result call_fd(struct sim_pkt_runner *r, struct sim_pkt_fd *fd,
                             const struct sim_pkt_call *c)
{
    const char *name = c->name;

    if (strcmp(name, "bind") == 0)
        return do_bind(r, fd, c);
    if (strcmp(name, "listen") == 0)
        return do_listen(r, fd);
    if (strcmp(name, "accept") == 0)
        return do_accept(r, fd);
    if (strcmp(name, "connect") == 0)
        return do_connect(r, fd, c);
    if (strcmp(name, "sendto") == 0)
        return do_sendto(r, fd, c);
    if (strcmp(name, "close") == 0)
        return do_close(r, fd);
    if (strcmp(name, "setsockopt") == 0)
        return do_setsockopt(fd, c);
    if (strcmp(name, "getsockopt") == 0)
        return do_getsockopt(r, fd, c);
    if (strcmp(name, "fcntl") == 0)
        return ok(0); /* every descriptor is non-blocking */
    return call_conn(r, fd, c);
}

static struct result call(struct sim_pkt_runner *r, const struct sim_pkt_call *c)
{
    if (strcmp(c->name, "socket") == 0)
        return do_socket(r, c);
    if (strncmp(c->name, "local_", 6) == 0)
        return do_local(r, c);
    if (strcmp(c->name, "forget_isn") == 0)
        return do_forget_isn(r);
    struct sim_pkt_fd *fd = get_fd(r, c);
    return fd != NULL ? call_fd(r, fd, c) : error("EBADF");
}

/* fcntl answers flags that nobody has to know. */
static bool as_written(const struct sim_pkt_call *c, const struct result *got)
{
    if (c->any_result || (strcmp(c->name, "fcntl") == 0 && got->value >= 0))
        return true;
    return c->result == got->value && (c->error[0] == '\0' || strcmp(c->error, got->error) == 0);
}

bool sim_pkt_do_call(struct sim_pkt_runner *r, const struct sim_pkt_call *c)
{
    struct result got = call(r, c);

    if (!as_written(c, &got))
        return sim_pkt_run_fail(r, "%s() answered %lld%s%s, and not %lld%s%s", c->name,
                                (long long)got.value, got.error[0] != '\0' ? " " : "", got.error,
                                (long long)c->result, c->error[0] != '\0' ? " " : "", c->error);
    return !r->failed;
}

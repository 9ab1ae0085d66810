/* SPDX-License-Identifier: Apache-2.0 */
/* `plait cat`: standard input goes to a connection and the connection to standard output.
 *
 * One loop: take the stack's events, move bytes both ways as far as both sides let, take a step of
 * the host (which sleeps). Bytes from the peer are written from the stack's own memory; while
 * standard output takes none, none are taken, and the window closes. Bytes from standard input are
 * read only while the send store has room. The end of standard input ends our direction; the
 * program ends when both directions have.
 *
 * A program that ends cannot sit out TIME-WAIT, so it is cut to a moment, enough to answer a FIN
 * that comes twice. SIGINT, SIGTERM and SIGHUP come by a descriptor, so that cleaning up is
 * ordinary code. */
#include "cat.h"

#include "cat_control.h"
#include "cat_cookie.h"
#include "cat_io.h"
#include "cat_options.h"
#include "cat_report.h"
#include "driver/addr.h"
#include "driver/host.h"
#include "policy.h"
#include "say.h"
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { FD_SIGNAL, FD_STDIN, FD_STDOUT, FD_CONTROL, FDS };

#define CAT_TIME_WAIT (500 * PLAIT_MSEC)
#define LINGER_CLOSE \
    (30 * PLAIT_SEC) /* both directions are done, the peer has not said its last \
                                        */
#define LINGER_ABORT (200 * PLAIT_MSEC)

struct cat {
    struct cat_options o;
    struct drv_host *host;
    struct cat_teller teller;
    struct plait_listener *listener;
    struct plait_conn *conn;
    bool in_end; /* standard input has ended */
    struct cat_out out;
    struct cat_control control;
    int signal_fd, status_fd;
    plait_time start;
    plait_time connect_by; /* PLAIT_NEVER: no limit, or connected */
    plait_time status_at;
    plait_time end_at; /* stop waiting for the end; PLAIT_NEVER: it is not near */
    bool connected, writable, readable, out_blocked;
    bool shut;         /* our direction was ended */
    bool received_all; /* the peer's direction has ended */
    bool done;
    int status; /* exit status */
};

/* ---- ends ----------------------------------------------------------------------------------- */

static plait_time now_of(const struct cat *c)
{
    return drv_host_now(c->host);
}

static void peer_text(const struct cat *c, char *out, size_t size)
{
    char addr[ADDR_TEXT_MAX];

    if (c->o.paths.peer.family == 0 || !c->o.host)
        (void)snprintf(out, size, "connection on port %u", c->o.port);
    else
        (void)snprintf(out, size, "%s", drv_addr_text(&c->o.paths.peer, addr));
}

/* Fast close; a moment for the peer to hear it. */
static void give_up(struct cat *c, int status)
{
    if (c->status == STATUS_OK)
        c->status = status;
    if (!c->conn) {
        c->done = true;
        return;
    }
    plait_abort(c->conn, now_of(c));
    c->end_at = now_of(c) + LINGER_ABORT;
}

static const char *advice(int error)
{
    switch (error) {
    case PLAIT_ECONNREFUSED:
        return "; does a program listen on that port?";
    case PLAIT_ETIMEDOUT:
        return "; is the peer up, and does every firewall let TCP to that port pass?";
    case PLAIT_EUNREACH:
        return "; see `ip route get` with that address";
    case PLAIT_ENOTMPTCP:
        return "; without --require-mptcp the connection would be plain TCP";
    default:
        return "";
    }
}

static int status_of(int error)
{
    if (error == PLAIT_ENOTMPTCP)
        return STATUS_NOT_MPTCP;
    return error == PLAIT_ETIMEDOUT ? STATUS_TIMEOUT : STATUS_FAILED;
}

static void on_closed(struct cat *c)
{
    enum plait_reason reason = PLAIT_REASON_NONE;
    int error = plait_conn_error(c->conn, &reason);
    char peer[96];

    c->done = true;
    if (error == 0 || c->status != STATUS_OK)
        return;
    peer_text(c, peer, sizeof peer);
    say("%s: %s (%s)%s", peer, plait_strerror(error), plait_reason_text(reason), advice(error));
    c->status = status_of(error);
}

static void fail_file(struct cat *c, const char *name, int error)
{
    say("%s: %s", name, strerror(error));
    give_up(c, STATUS_FAILED);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_connected(struct cat *c)
{
    struct plait_conn_info info;

    c->connected = c->writable = true;
    c->connect_by = PLAIT_NEVER;
    if (c->o.verbose == 0)
        return;
    plait_conn_info(c->conn, &info);
    if (info.multipath)
        say("connected, Multipath TCP version %u, token %08x", info.version, info.token_local);
    else
        say("connected, plain TCP: %s", plait_reason_text(info.fallback));
}

/* The first connection is the only one; joins of it need no listener. */
static void on_accepted(struct cat *c)
{
    struct plait_conn_info info;

    if (c->conn)
        return;
    c->conn = plait_accept(c->listener);
    if (!c->conn)
        return;
    plait_listener_close(c->listener, now_of(c));
    c->listener = NULL;
    plait_conn_info(c->conn, &info);
    if (info.established)
        on_connected(c);
    c->readable = true;
}

static void take_events(struct cat *c)
{
    struct plait_event ev;

    while (plait_event_next(drv_host_stack(c->host), &ev)) {
        if (ev.type == PLAIT_EVENT_ACCEPTED) {
            on_accepted(c);
            continue;
        }
        if (ev.conn != c->conn)
            continue;
        if (ev.type == PLAIT_EVENT_CONNECTED && !c->connected)
            on_connected(c);
        else if (ev.type == PLAIT_EVENT_READABLE)
            c->readable = true;
        else if (ev.type == PLAIT_EVENT_WRITABLE)
            c->writable = true;
        else if (ev.type == PLAIT_EVENT_CLOSED)
            c->readable = true; /* what came before the end is still there: read it first */
        if (ev.type == PLAIT_EVENT_CLOSED)
            c->end_at = 0;
    }
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static void end_output(struct cat *c)
{
    int error = cat_out_close(&c->out);

    c->received_all = true;
    if (error != 0)
        fail_file(c, "standard output", error);
}

static void move_in(struct cat *c)
{
    while (c->readable && !c->out_blocked && !c->received_all) {
        struct plait_view view;
        int64_t n = plait_recv_borrow(c->conn, &view);
        ssize_t written;
        if (n == 0) {
            end_output(c);
            return;
        }
        if (n < 0) {
            c->readable = false;
            return;
        }
        written = cat_out_write(&c->out, view.data, view.len);
        if (written > 0)
            plait_recv_done(c->conn, (size_t)written, now_of(c));
        else if (written < 0 && errno == EAGAIN)
            c->out_blocked = true;
        else if (written < 0) {
            fail_file(c, "standard output", errno);
            c->received_all = true;
        }
    }
}

static void shut_down(struct cat *c)
{
    if (c->shut)
        return;
    c->shut = true;
    (void)plait_shutdown(c->conn, now_of(c));
}

/* Reads what waits straight into the send store: no copy in between. */
static void read_stdin(struct cat *c)
{
    size_t waiting = cat_in_waiting(), left = waiting > 0 ? waiting : CAT_IN_TURN;

    do {
        uint8_t *room;
        int64_t n = plait_send_reserve(c->conn, left, &room, now_of(c));
        ssize_t got;
        if (n <= 0) {
            c->writable = false; /* full, or over: an event tells */
            return;
        }
        got = cat_in_read(room, (size_t)n);
        plait_send_commit(c->conn, got > 0 ? (size_t)got : 0, now_of(c));
        if (got < 0 && errno == EAGAIN)
            return;
        if (got < 0)
            fail_file(c, "standard input", errno);
        c->in_end = got <= 0;
        left -= got > 0 ? (size_t)got : 0;
    } while (waiting > 0 && left > 0 && !c->in_end); /* not known: a second read might wait */
    if (c->in_end)
        shut_down(c);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void on_signal(struct cat *c)
{
    struct signalfd_siginfo info;

    if (read(c->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (c->end_at != PLAIT_NEVER)
        c->done = true; /* the second one: no more patience */
    c->status = STATUS_SIGNAL + (int)info.ssi_signo;
    give_up(c, c->status);
}

static void on_control(struct cat *c, bool readable)
{
    enum cat_command command;

    if (readable)
        cat_control_read(&c->control);
    while ((command = cat_control_next(&c->control, c->host)) != CAT_COMMAND_NONE) {
        if (command == CAT_COMMAND_ABORT)
            give_up(c, STATUS_FAILED);
        else if (c->conn)
            shut_down(c);
    }
}

static void write_report(struct cat *c, int fd, bool full)
{
    struct cat_report report = {.host = c->host,
                                .links = &c->teller.links,
                                .conn = c->conn,
                                .start = c->start,
                                .full = full};
    (void)cat_report_write(&report, fd);
}

static void check_times(struct cat *c)
{
    plait_time now = now_of(c);
    char peer[96];

    if (c->status_fd >= 0 && now >= c->status_at) {
        write_report(c, c->status_fd, false);
        c->status_at = now + c->o.status_every;
    }
    if (now >= c->connect_by) {
        c->connect_by = PLAIT_NEVER;
        peer_text(c, peer, sizeof peer);
        say("%s: no connection within the time of --connect-timeout%s", peer,
            advice(PLAIT_ETIMEDOUT));
        give_up(c, STATUS_TIMEOUT);
    }
    if (now >= c->end_at && !c->out_blocked) {
        c->done = true;
        if (c->conn)
            on_closed(c);
    }
}

static void begin_end(struct cat *c)
{
    if (c->shut && c->received_all && c->end_at == PLAIT_NEVER)
        c->end_at = now_of(c) + LINGER_CLOSE;
}

static plait_time least(plait_time a, plait_time b)
{
    return a < b ? a : b;
}

static plait_time time_to_sleep(const struct cat *c)
{
    plait_time at = least(c->connect_by, c->end_at), now = now_of(c);

    if (c->end_at <= now && c->out_blocked)
        at = PLAIT_NEVER; /* only standard output is waited for */
    if (c->status_fd >= 0)
        at = least(at, c->status_at);
    if (at == PLAIT_NEVER)
        return PLAIT_NEVER;
    return at > now ? at - now : 0;
}

static bool wants_stdin(const struct cat *c)
{
    return c->connected && c->writable && !c->shut && !c->in_end && c->end_at == PLAIT_NEVER;
}

static void turn(struct cat *c)
{
    struct pollfd fds[FDS] = {
        [FD_SIGNAL] = {.fd = c->signal_fd, .events = POLLIN},
        [FD_STDIN] = {.fd = wants_stdin(c) ? STDIN_FILENO : -1, .events = POLLIN},
        [FD_STDOUT] = {.fd = c->out_blocked ? c->out.fd : -1, .events = POLLOUT},
        [FD_CONTROL] = {.fd = c->control.fd, .events = POLLIN},
    };

    drv_host_step(c->host, time_to_sleep(c), fds, FDS);
    take_events(c);
    if (fds[FD_STDIN].revents != 0 && wants_stdin(c))
        read_stdin(c);
    if (fds[FD_STDOUT].revents != 0)
        c->out_blocked = false;
    if (fds[FD_SIGNAL].revents != 0)
        on_signal(c);
    on_control(c, fds[FD_CONTROL].revents != 0);
    if (c->conn)
        move_in(c);
    begin_end(c);
    check_times(c);
}

/* ---- start ---------------------------------------------------------------------------------- */

/* Opens --status and --control. */
static bool open_files(struct cat *c)
{
    cat_in_open();
    cat_out_open(&c->out);
    c->signal_fd = start_signals();
    if (c->o.status && (c->status_fd = cat_open_lines(c->o.status, true)) < 0) {
        say("--status %s: %s", c->o.status, strerror(errno));
        return false;
    }
    if (c->o.control && (c->control.fd = cat_open_lines(c->o.control, false)) < 0) {
        say("--control %s: %s", c->o.control, strerror(errno));
        return false;
    }
    return true;
}

static void on_trace(void *ctx, const struct plait_trace *ev)
{
    struct cat *c = ctx;

    cat_tell(&c->teller, ev);
}

static void on_warn(void *ctx, const char *text)
{
    (void)ctx;
    say("%s", text);
}

static bool make_host(struct cat *c)
{
    struct drv_host_config config = {
        .paths = c->o.paths,
        .port = c->o.listening ? c->o.port : c->o.source_port,
        .more_ports = policy_ports(&c->o.conn),
        .driver = c->o.driver,
        .queues = c->o.queues,
        .spin = c->o.spin,
        .offload = c->o.offload,
        .pcap = c->o.pcap,
        .trace = c->o.verbose > 0 ? on_trace : NULL,
        .warn = on_warn,
        .ctx = c,
    };
    struct drv_error err;

    plait_config_init(&config.stack);
    config.stack.conn = c->o.conn;
    config.stack.time_wait = CAT_TIME_WAIT;
    if (c->o.listening)
        config.paths.peer = (struct plait_addr){0};
    c->host = drv_host_new(&config, &err);
    if (!c->host) {
        say("%s", err.text);
        c->status = start_status(err.fault);
        return false;
    }
    c->teller.links.host = c->host;
    c->start = c->teller.start = c->status_at = now_of(c);
    return true;
}

static bool start_listening(struct cat *c)
{
    struct plait_addr at = {.port = c->o.port};
    int rc;

    if (c->o.host) {
        at = c->o.paths.peer;
        if (drv_host_ifname_of(c->host, &at)[0] == '?') {
            say("%s: it is no address of the interfaces in use; see `ip addr`", c->o.host);
            c->status = STATUS_USAGE;
            return false;
        }
    }
    rc = plait_listen(drv_host_stack(c->host), &at, NULL, &c->listener);
    if (rc < 0) {
        say("cannot listen on port %u: %s", c->o.port, plait_strerror(rc));
        return false;
    }
    if (c->o.verbose > 0)
        say("listening on port %u", c->o.port);
    return true;
}

static bool load_cookie(const struct cat *c)
{
    if (c->o.cookie == NULL ||
        cat_cookie_load(c->o.cookie, drv_host_stack(c->host), &c->o.paths.peer))
        return true;
    say("--cookie %s: %s", c->o.cookie, strerror(errno));
    return false;
}

/* What waits on standard input may go with the SYN, which has not left yet. */
static void read_early(struct cat *c)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

    c->writable = true;
    if (c->o.conn.fastopen && poll(&in, 1, 0) == 1)
        read_stdin(c);
}

static bool start_connecting(struct cat *c)
{
    struct plait_connect how = {.remote = c->o.paths.peer};
    struct drv_error err;
    char text[ADDR_TEXT_MAX];
    int rc;

    if (drv_host_local_for(c->host, &how.remote, &how.local, &err) < 0) {
        say("%s", err.text);
        return false;
    }
    if (!load_cookie(c))
        return false;
    rc = plait_connect(drv_host_stack(c->host), &how, now_of(c), &c->conn);
    if (rc < 0) {
        say("%s: cannot connect: %s", drv_addr_text(&how.remote, text), plait_strerror(rc));
        return false;
    }
    read_early(c);
    if (c->o.connect_timeout != 0)
        c->connect_by = now_of(c) + c->o.connect_timeout;
    return true;
}

static bool start(struct cat *c)
{
    c->status = STATUS_FAILED;
    if ((c->o.host && !start_resolve(c->o.host, c->o.port, &c->o.paths)) || !open_files(c) ||
        !make_host(c))
        return false;
    if (!(c->o.listening ? start_listening(c) : start_connecting(c)))
        return false;
    c->status = STATUS_OK;
    return true;
}

/* The last packets leave, the last lines are written, and everything is taken down. */
static void finish(struct cat *c)
{
    struct drv_error err;

    if (c->host) {
        drv_host_step(c->host, 0, NULL, 0);
        if (c->status_fd >= 0)
            write_report(c, c->status_fd, false);
        if (c->o.stats)
            write_report(c, STDERR_FILENO, true);
        c->conn = NULL;
        if (c->o.cookie != NULL &&
            !cat_cookie_save(c->o.cookie, drv_host_stack(c->host), &c->o.paths.peer))
            say("--cookie %s: %s", c->o.cookie, strerror(errno));
        if (!drv_host_free(c->host, &err)) {
            say("%s", err.text);
            c->status = c->status == STATUS_OK ? STATUS_FAILED : c->status;
        }
    }
    (void)cat_out_close(&c->out);
}

int cat_main(int argc, char **argv)
{
    struct cat c;

    memset(&c, 0, sizeof c);
    c.signal_fd = c.status_fd = c.control.fd = c.out.fd = -1;
    c.connect_by = c.end_at = PLAIT_NEVER;
    switch (cat_options_parse(&c.o, argc, argv)) {
    case ARGS_DONE:
        return STATUS_OK;
    case ARGS_BAD:
        return STATUS_USAGE;
    case ARGS_OK:
    default:
        break;
    }
    c.teller.verbose = c.o.verbose;
    if (start(&c))
        while (!c.done)
            turn(&c);
    finish(&c);
    return c.status;
}

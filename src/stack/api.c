/* SPDX-License-Identifier: Apache-2.0 */
/* The application's calls on a connection: they go down to mp and end the step. The contract of
 * each stands in plait.h. RFC 9293 3.9.1 (user/TCP interface), RFC 6056 (local ports). */
#include "stack_int.h"

#include "../base/copy.h"
#include <assert.h>

/*= RFC 9293 3.9.1.1
 * The optional "local IP address" parameter MUST be supported to allow the specification of the
 * local IP address (MUST-43). */
/*= RFC 9293 3.9.1.1
 * If an application on a multihomed host does not specify the local IP address when actively
 * opening a TCP connection, then the TCP implementation MUST ask the IP layer to select a local IP
 * address before sending the (first) SYN (MUST-44). */
/*= RFC 6897 4.2.1-1, 5.3.1-1, 5.3.3-2 */
/* The local address and port of a new connection: those that were asked for, or none. */
static int choose_local(struct plait_stack *s, const struct plait_connect *how,
                        struct plait_addr *local)
{
    *local = how->local;
    if (local->family == 0) {
        const struct plait_local *l = stack_local_for_family(s, how->remote.family);
        if (l == NULL)
            return PLAIT_EADDRNOTAVAIL;
        uint16_t port = local->port;
        *local = l->addr;
        local->port = port;
    }
    if (local->family != how->remote.family || mp_local_find(&s->locals, local) == NULL)
        return PLAIT_EADDRNOTAVAIL;
    if (local->port == 0)
        return stack_draw_port(s, local, &how->remote);
    return stack_tuple_used(s, local, &how->remote) ? PLAIT_EADDRINUSE : 0;
}

/*= RFC 6897 5.3.2-1, 5.3.2-3 */
static int start(struct plait_conn *c, const struct plait_addr *local,
                 const struct plait_addr *remote)
{
    struct plait_stack *s = c->stack;
    struct mp_key key;

    if (c->cfg->mptcp && !stack_draw_key(s, mp_offered_version(c->cfg), &key))
        return PLAIT_ELIMIT;
    if (!c->cfg->mptcp)
        key = (struct mp_key){0};
    struct mp_conn_args args = stack_conn_args(c);
    struct tcp_fastopen with;
    if (c->cfg->fastopen && stack_fastopen_use(s, remote, &with))
        args.fastopen = &with;
    c->mp = mp_connect(&args, &key, local, remote, s->now);
    return c->mp != NULL ? 0 : PLAIT_ENOMEM;
}

int plait_connect(struct plait_stack *s, const struct plait_connect *how, plait_time now,
                  struct plait_conn **conn)
{
    struct mp_config cfg = s->conn_cfg;
    struct plait_addr local;
    int err = how->config != NULL ? stack_conn_config(&s->cfg, how->config, &cfg) : 0;

    stack_begin(s, now);
    /*= RFC 9293 3.9.1.1
     * A TCP implementation MUST reject as an error a local OPEN call for an invalid remote IP
     * address (e.g., a broadcast or multicast address) (MUST-46). */
    if (err == 0 && (how->remote.port == 0 || !addr_is_unicast(&how->remote)))
        err = PLAIT_EINVAL;
    if (err == 0)
        err = choose_local(s, how, &local);
    if (err != 0)
        return err;
    stack_peer_advise(s, &how->remote, &cfg);
    struct plait_conn *c = stack_conn_new(s, &cfg, &err);
    if (c == NULL)
        return err;
    err = start(c, &local, &how->remote);
    if (err != 0) {
        stack_conn_free(c);
        return err;
    }
    c->port = local.port;
    *conn = c;
    stack_touch(c, now);
    stack_end(s);
    return 0;
}

int64_t plait_send(struct plait_conn *c, const void *data, size_t len, plait_time now)
{
    struct plait_stack *s = c->stack;

    assert(!c->released && "a released connection is not used again");
    stack_begin(s, now);
    int64_t n = mp_send(c->mp, data, len, now);
    if (n == PLAIT_EAGAIN || (n >= 0 && (uint64_t)n < len))
        c->want_write = true;
    stack_touch(c, now);
    stack_end(s);
    return n;
}

int64_t plait_send_reserve(struct plait_conn *c, size_t len, uint8_t **room, plait_time now)
{
    struct plait_stack *s = c->stack;

    assert(!c->released && "a released connection is not used again");
    stack_begin(s, now);
    int64_t n = mp_send_reserve(c->mp, len, room, now);
    if (n == PLAIT_EAGAIN)
        c->want_write = true;
    stack_settle(c, now);
    stack_end(s);
    return n;
}

void plait_send_commit(struct plait_conn *c, size_t n, plait_time now)
{
    struct plait_stack *s = c->stack;

    assert(!c->released && "a released connection is not used again");
    stack_begin(s, now);
    mp_send_commit(c->mp, n, now);
    stack_touch(c, now);
    stack_end(s);
}

int64_t plait_recv(struct plait_conn *c, void *data, size_t len, plait_time now)
{
    struct plait_stack *s = c->stack;
    uint8_t *to = data;
    size_t done = 0;
    int64_t n = 0;

    assert(!c->released && "a released connection is not used again");
    stack_begin(s, now);
    while (done < len) {
        struct store_view view;
        n = mp_recv_borrow(c->mp, &view);
        if (n <= 0)
            break;
        size_t part = view.len < len - done ? view.len : len - done;
        copy_bulk(to + done, view.data, part);
        mp_recv_done(c->mp, part, now);
        done += part;
    }
    if (done > 0)
        stack_touch(c, now);
    stack_end(s);
    return done > 0 ? (int64_t)done : n;
}

int64_t plait_recv_borrow(struct plait_conn *c, struct plait_view *view)
{
    struct store_view v;
    int64_t n = mp_recv_borrow(c->mp, &v);

    if (n > 0)
        *view = (struct plait_view){v.data, v.len};
    return n;
}

void plait_recv_done(struct plait_conn *c, size_t n, plait_time now)
{
    struct plait_stack *s = c->stack;

    stack_begin(s, now);
    mp_recv_done(c->mp, n, now);
    stack_touch(c, now);
    stack_end(s);
}

int plait_shutdown(struct plait_conn *c, plait_time now)
{
    struct plait_stack *s = c->stack;

    stack_begin(s, now);
    int err = mp_shutdown(c->mp, now);
    stack_touch(c, now);
    stack_end(s);
    return err;
}

void plait_abort(struct plait_conn *c, plait_time now)
{
    struct plait_stack *s = c->stack;

    stack_begin(s, now);
    mp_abort(c->mp, PLAIT_REASON_LOCAL_ABORT, now);
    stack_touch(c, now);
    stack_end(s);
}

void plait_release(struct plait_conn *c, plait_time now)
{
    struct plait_stack *s = c->stack;

    assert(!c->released && "a connection is released once");
    stack_begin(s, now);
    stack_event_drop(c);
    c->released = true;
    mp_release(c->mp, now);
    stack_touch(c, now);
    stack_end(s);
}

int plait_conn_error(const struct plait_conn *c, enum plait_reason *reason)
{
    return mp_error(c->mp, reason);
}

int plait_conn_set_backup(struct plait_conn *c, uint8_t local_id, bool backup, plait_time now)
{
    struct plait_stack *s = c->stack;

    stack_begin(s, now);
    int err = mp_set_backup(c->mp, local_id, backup, now);
    stack_touch(c, now);
    stack_end(s);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: what we announce, what the peer announces, what goes away, and which path is spare.
 *
 * Called by opts.c for ADD_ADDR and REMOVE_ADDR, by the stack when a local address changes, by
 * path.c when the path manager wants an announcement.
 *
 * Ids: the addresses of the first subflow have id 0 on both sides, whatever the table of local
 * addresses says (RFC 8684 3.2). The peer's addresses are soft state in a small table; one that
 * is full takes no more. An announcement is sent until it is echoed, four times at most. A
 * removed address of the peer is no longer connected to, and its subflows are asked for a sign of
 * life before they are reset. RFC 8684 3.4, 3.4.1, 3.4.2, 3.3.8.
 *
 * In version 0 announcements have neither HMAC nor echo: each is sent once on every subflow that
 * there is (RFC 6824 3.4.1). */
#include "mp_int.h"

#include "../base/addr.h"
#include "../base/digest.h"

#include <string.h>

#define PROBE_MIN (1 * PLAIT_SEC)
#define FIN_PATIENCE (3 * PLAIT_SEC)

const struct plait_local *mp_local_find(const struct mp_locals *l, const struct plait_addr *ip)
{
    for (unsigned i = 0; i < l->n; i++)
        if (addr_same_ip(&l->v[i].addr, ip))
            return &l->v[i];
    return NULL;
}

/*= RFC 8684 3.2
 * The Address IDs of the subflow used in the initial SYN exchange of the first subflow in the
 * connection are implicit and have the value zero. */
int mp_addr_local_id(const struct mp_conn *c, const struct plait_addr *ip)
{
    const struct plait_local *l = mp_local_find(c->locals, ip);

    if (addr_same_ip(ip, &c->first_local))
        return 0;
    return l != NULL ? l->id : -1;
}

struct mp_remote *mp_addr_remote(struct mp_conn *c, uint8_t id)
{
    for (unsigned i = 0; i < c->remotes.n; i++)
        if (mp_remote_at(c, i)->id == id)
            return mp_remote_at(c, i);
    return NULL;
}

/* ---- ADD_ADDR in ---------------------------------------------------------------------------- */

/* May a connection of ours go to this address, at a stranger's word? */
static bool address_ok(const struct mp_conn *c, const struct plait_addr *a)
{
    if (!addr_is_unicast(a) || mp_local_find(c->locals, a) != NULL)
        return false;
    if (addr_is_loopback(a) && !addr_is_loopback(&c->first_remote))
        return false;
    return !addr_is_linklocal(a) || addr_is_linklocal(&c->first_remote);
}

static void queue_echo(struct mp_conn *c, const struct wire_mp_add_addr *add)
{
    struct wire_mp_add_addr *e = vec_push(&c->echoes, &c->ctx->env);

    if (e == NULL)
        return; /* the peer will ask again */
    *e = *add;
    /*= RFC 8684 3.4.1
     * a receiver receiving a fresh ADD_ADDR option (where E=0) will send the same option back to
     * the sender, but not including the HMAC and with E=1, to indicate receipt */
    e->echo = true;
    e->has_hmac = false;
}

/*= RFC 8684 3.4.1
 * All Address IDs learned via either MP_JOIN or ADD_ADDR SHOULD be stored by the receiver in a data
 * structure that gathers all the Address-ID-to-address mappings for a connection (identified by a
 * token pair). */
/*= RFC 8684 3.4.1
 * Note that an implementation MAY discard incoming address advertisements at will -- for example,
 * to avoid updating mapping state or because advertised addresses are of no use to it (for example,
 * IPv6 addresses when it has IPv4 only). */
/*= RFC 8684 3.4.1
 * Therefore, a host MUST treat address advertisements as soft state, and it MAY choose to refresh
 * advertisements periodically. */
/*= RFC 8684 3.4.1
 * Note also that an implementation MAY choose to cache these address advertisements even if they
 * are not currently relevant but may be relevant in the future, such as IPv4 addresses when IPv6
 * connectivity is available but IPv4 is awaiting DHCP. */
/* Enters the address; NONE or why not. */
static enum plait_reason learn(struct mp_conn *c, uint8_t id, const struct plait_addr *addr)
{
    struct mp_remote *r = mp_addr_remote(c, id);
    unsigned known = 0;

    if (!address_ok(c, addr))
        return PLAIT_REASON_ADDR_BAD;
    if (r != NULL) {
        /*= RFC 8684 3.4.1
         * A host can therefore send an ADD_ADDR message with an already-assigned Address ID, but
         * the address MUST be the same as the address previously assigned to this Address ID. */
        if (!addr_same_ip(&r->addr, addr))
            return PLAIT_REASON_ADDR_BAD;
        if (id != 0)
            r->addr.port = addr->port;
        return PLAIT_REASON_NONE;
    }
    for (unsigned i = 0; i < c->remotes.n; i++) {
        if (addr_equal(&mp_remote_at(c, i)->addr, addr))
            return PLAIT_REASON_ADDR_BAD; /* the same place under another name */
        known += mp_remote_at(c, i)->id != 0;
    }
    if (known >= c->cfg->addrs_max || c->remotes.n == c->remotes.max)
        return PLAIT_REASON_ADDR_LIMIT;
    r = vec_push(&c->remotes, &c->ctx->env);
    if (r == NULL)
        return PLAIT_REASON_NO_MEMORY;
    *r = (struct mp_remote){ .id = id, .addr = *addr };
    return PLAIT_REASON_NONE;
}

static bool hmac_ok(const struct mp_conn *c, const struct wire_mp_add_addr *add)
{
    uint8_t want[8];

    if (c->version == 0)
        return add->v0; /* it has none: who guesses the numbers may announce (RFC 7430 2) */
    if (!add->has_hmac)
        return false;
    mp_addr_hmac(c->remote.key, c->local.key, add, want);
    return digest_equal(want, add->hmac, sizeof want);
}

static void add_addr_input(struct mp_subflow *s, const struct wire_mp_add_addr *add, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct mp_event ev = { .type = PLAIT_TRACE_ADDR_IN, .a = add->id };
    struct plait_addr addr = add->addr;
    enum plait_reason why;

    /*= RFC 8684 3.4.1
     * If a host receives an ADD_ADDR option for which it cannot validate the HMAC, it SHOULD
     * silently ignore the option. */
    if (!hmac_ok(c, add)) {
        mp_drop(c, s, PLAIT_REASON_ADDR_HMAC, now);
        return;
    }
    /*= RFC 8684 3.4.1
     * If no port is specified, MPTCP SHOULD attempt to connect to the specified address on the same
     * port as the port that is already in use by the subflow on which the ADD_ADDR signal was
     * sent */
    /*= RFC 8684 3.9.1
     * In other words, the destination port of a SYN containing an MP_JOIN option SHOULD be the same
     * as the remote port of the first subflow in the connection. */
    if (addr.port == 0)
        addr.port = s->tcb.remote.port;
    why = learn(c, add->id, &addr);
    /* What there was no memory for is announced again, since nothing answers. */
    if (c->version != 0 && why != PLAIT_REASON_NO_MEMORY)
        queue_echo(c, add);
    if (why != PLAIT_REASON_NONE) {
        mp_drop(c, s, why, now);
        return;
    }
    mp_path_unbar_remote(c, add->id);
    mp_path_changed(c);
    ev.told = &addr;
    mp_trace(c, s, ev, now);
}

static void echo_input(struct mp_conn *c, const struct wire_mp_add_addr *add)
{
    for (unsigned i = 0; i < c->announced.n; i++) {
        struct mp_announced *a = mp_announced_at(c, i);
        if (a->id == add->id && addr_equal(&a->addr, &add->addr)) {
            a->echoed = true;
            a->due = false;
            a->again = PLAIT_NEVER;
        }
    }
}

/* ---- REMOVE_ADDR in ------------------------------------------------------------------------- */

/*= RFC 8684 3.4.2
 * The receipt of REMOVE_ADDR SHOULD first trigger the sending of a TCP keepalive [RFC1122] on the
 * path, and if a response is received, the path SHOULD NOT be removed. */
static bool probe_subflows(struct mp_conn *c, uint8_t id, plait_time now)
{
    bool any = false;

    MP_EACH(s, c) {
        if (!mp_subflow_alive(s) || (s->remote_id != id && s->peer_id != id))
            continue;
        any = true;
        if (s->phase != MP_PHASE_OPEN) {
            mp_subflow_abort(s, PLAIT_REASON_ADDR_REMOVED, now);
            continue;
        }
        s->probe_due = true;
        s->probe_at = now + mp_later(3 * tcp_rtt_timeout(&s->tcb.loss.rtt), PROBE_MIN);
    }
    return any;
}

static unsigned remote_index(const struct mp_conn *c, const struct mp_remote *r)
{
    return (unsigned)(r - mp_remote_at(c, 0));
}

static void remove_input(struct mp_subflow *s, uint8_t id, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct mp_remote *r = mp_addr_remote(c, id);
    struct mp_event ev = { .type = PLAIT_TRACE_REMOVE_IN, .a = id };

    if (!probe_subflows(c, id, now) && r == NULL) {
        /*= RFC 8684 3.4.2
         * If an Address ID is not known, the receiver will silently ignore the request. */
        mp_drop(c, s, PLAIT_REASON_REMOVE_UNKNOWN, now);
        return;
    }
    mp_trace(c, s, ev, now);
    if (r == NULL)
        return;
    /*= RFC 8684 3.4.2
     * the receiving host SHOULD no longer use the specified address for future connections */
    vec_del(&c->remotes, remote_index(c, r), &c->ctx->env);
    mp_path_unbar_remote(c, id); /* the next address with this id is another one */
    mp_path_changed(c);
}

void mp_addr_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    const struct wire_mp *mp = &seg->mp;

    if (wire_mp_has(mp, WIRE_MP_ADD_ADDR) && mp->add_addr.echo)
        echo_input(s->conn, &mp->add_addr);
    else if (wire_mp_has(mp, WIRE_MP_ADD_ADDR))
        add_addr_input(s, &mp->add_addr, now);
    if (wire_mp_has(mp, WIRE_MP_REMOVE_ADDR))
        for (unsigned i = 0; i < mp->remove.n; i++)
            remove_input(s, mp->remove.id[i], now);
}

/* ---- out ------------------------------------------------------------------------------------ */

static struct mp_announced *find_announced(struct mp_conn *c, uint8_t id)
{
    for (unsigned i = 0; i < c->announced.n; i++)
        if (mp_announced_at(c, i)->id == id)
            return mp_announced_at(c, i);
    return NULL;
}

bool mp_addr_announce(struct mp_conn *c, uint8_t id, const struct plait_addr *addr)
{
    struct mp_announced *a = find_announced(c, id);

    if (a == NULL)
        a = vec_push(&c->announced, &c->ctx->env);
    if (a == NULL)
        return false;
    *a = (struct mp_announced){ .id = id, .addr = *addr, .due = true, .again = PLAIT_NEVER,
                                .serial = ++c->announce_serial };
    return true;
}

/* One announcement after the other: a peer that is busy with the first may drop the second (Linux
 * does). The first is waited for once; a peer that does not echo holds up the rest no longer. */
static bool echo_awaited(const struct mp_conn *c)
{
    for (unsigned i = 0; i < c->announced.n; i++)
        if (mp_announced_at(c, i)->tx_n == 1 && !mp_announced_at(c, i)->due &&
            mp_announced_at(c, i)->again != PLAIT_NEVER)
            return true;
    return false;
}

/*= RFC 6824 3.4.1
 * In order to minimize the impact of the loss of these options, however, it is RECOMMENDED that a
 * sender should send these options on all available subflows. */
/* The oldest one that s has not told. */
static struct mp_announced *first_untold(const struct mp_subflow *s)
{
    struct mp_conn *c = s->conn;
    struct mp_announced *first = NULL;

    for (unsigned i = 0; i < c->announced.n; i++) {
        struct mp_announced *a = mp_announced_at(c, i);
        if (a->serial > s->announced && (first == NULL || a->serial < first->serial))
            first = a;
    }
    return first;
}

static struct mp_announced *first_due(const struct mp_subflow *s)
{
    struct mp_conn *c = s->conn;

    if (c->version == 0)
        return first_untold(s);
    for (unsigned i = 0; i < c->announced.n && !echo_awaited(c); i++)
        if (mp_announced_at(c, i)->due)
            return mp_announced_at(c, i);
    return NULL;
}

bool mp_addr_pending(const struct mp_subflow *s)
{
    const struct mp_conn *c = s->conn;

    if (c->version == 0)
        return first_untold(s) != NULL;
    for (unsigned i = 0; i < c->announced.n; i++)
        if (mp_announced_at(c, i)->due)
            return true;
    return c->echoes.n > 0;
}

enum mp_signal mp_addr_signal(struct mp_subflow *s)
{
    struct mp_conn *c = s->conn;

    if (s->remove_due)
        return MP_SIG_REMOVE;
    if (c->echoes.n == 0 && first_due(s) == NULL)
        return MP_SIG_NONE;
    if (c->version != 0 && s != mp_best(c, NULL))
        return MP_SIG_NONE;
    return c->echoes.n > 0 ? MP_SIG_ECHO : MP_SIG_ADD;
}

void mp_addr_option(const struct mp_subflow *s, enum mp_signal signal, struct wire_mp *out)
{
    const struct mp_conn *c = s->conn;
    const struct mp_announced *a = first_due(s);

    if (signal == MP_SIG_REMOVE) {
        out->present |= 1u << WIRE_MP_REMOVE_ADDR;
        out->remove.n = c->remove_n;
        memcpy(out->remove.id, c->removes, c->remove_n);
    } else if (signal == MP_SIG_ECHO) {
        out->present |= 1u << WIRE_MP_ADD_ADDR;
        memcpy(&out->add_addr, vec_at(&c->echoes, 0), sizeof out->add_addr);
    } else if (signal == MP_SIG_ADD && a != NULL) {
        out->present |= 1u << WIRE_MP_ADD_ADDR;
        out->add_addr = (struct wire_mp_add_addr){ .v0 = c->version == 0,
                                                   .has_hmac = c->version != 0, .id = a->id,
                                                   .addr = a->addr };
        if (c->version != 0)
            mp_addr_hmac(c->local.key, c->remote.key, &out->add_addr, out->add_addr.hmac);
    }
}

static void announced_now(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct mp_announced *a = first_due(s);
    plait_time rto = mp_later(tcp_rtt_timeout(&s->tcb.loss.rtt), PROBE_MIN);
    struct mp_event ev = { .type = PLAIT_TRACE_ADDR_OUT };

    if (a == NULL)
        return;
    ev.a = a->id;
    ev.told = &a->addr;
    mp_trace(c, s, ev, now);
    s->announced = a->serial;
    a->due = false;
    if (c->version == 0)
        return;
    a->again = ++a->tx_n < MP_ANNOUNCE_TRIES ? now + (rto << (a->tx_n - 1)) : PLAIT_NEVER;
}

static void removed_now(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    bool more = false;

    s->remove_due = false;
    for (unsigned i = 0; i < c->remove_n; i++)
        mp_trace(c, s, (struct mp_event){ .type = PLAIT_TRACE_REMOVE_OUT, .a = c->removes[i] },
                 now);
    MP_EACH(o, c)
        more = more || (o->remove_due && mp_subflow_usable(o));
    if (!more)
        c->remove_n = 0;
}

void mp_addr_sent(struct mp_subflow *s, enum mp_signal signal, plait_time now)
{
    struct mp_conn *c = s->conn;

    if (signal == MP_SIG_ADD) {
        announced_now(s, now);
    } else if (signal == MP_SIG_REMOVE) {
        removed_now(s, now);
    } else if (signal == MP_SIG_ECHO) {
        vec_del(&c->echoes, 0, &c->ctx->env);
    }
}

plait_time mp_addr_deadline(const struct mp_conn *c)
{
    plait_time at = PLAIT_NEVER;

    for (unsigned i = 0; i < c->announced.n; i++)
        at = mp_earlier(at, mp_announced_at(c, i)->again);
    return at;
}

void mp_addr_tick(struct mp_conn *c, plait_time now)
{
    for (unsigned i = 0; i < c->announced.n; i++) {
        struct mp_announced *a = mp_announced_at(c, i);
        if (now >= a->again) {
            a->again = PLAIT_NEVER;
            a->due = true;
        }
    }
    MP_EACH(s, c) {
        if (now < s->probe_at)
            continue;
        /*= RFC 8684 3.4.2
         * The sending and receipt (if no keepalive response was received) of this message SHOULD
         * trigger the sending of RSTs by both hosts on the affected subflow(s) (if possible) */
        mp_subflow_abort(s, PLAIT_REASON_ADDR_REMOVED, now);
        s->probe_at = PLAIT_NEVER;
    }
}

/* ---- local addresses change ----------------------------------------------------------------- */

static uint8_t id_of(const struct mp_conn *c, const struct plait_local *l)
{
    return addr_same_ip(&l->addr, &c->first_local) ? 0 : l->id;
}

static void set_backup(struct mp_conn *c, uint8_t id, bool backup)
{
    MP_EACH(s, c)
        if (s->local_id == id && mp_subflow_alive(s) && s->backup_local != backup) {
            s->backup_local = backup;
            s->prio_due = s->phase == MP_PHASE_OPEN;
        }
}

int mp_set_backup(struct mp_conn *c, uint8_t local_id, bool backup, plait_time now)
{
    (void)now;
    for (unsigned i = 0; i < c->locals->n; i++) {
        const struct plait_local *l = &c->locals->v[i];
        if (l->id == local_id) {
            set_backup(c, id_of(c, l), backup);
            return 0;
        }
    }
    return PLAIT_ENOENT;
}

void mp_local_added(struct mp_conn *c, const struct plait_local *l, plait_time now)
{
    (void)now;
    mp_path_unbar_local(c, id_of(c, l));
    mp_path_changed(c);
}

void mp_local_changed(struct mp_conn *c, const struct plait_local *l, plait_time now)
{
    uint8_t id = id_of(c, l);
    struct mp_announced *a = find_announced(c, id);
    bool down = (l->flags & PLAIT_LOCAL_DOWN) != 0;

    set_backup(c, id, (l->flags & PLAIT_LOCAL_BACKUP) != 0);
    /* A new port is a new announcement. */
    if (a != NULL && a->addr.port != l->addr.port && (l->flags & PLAIT_LOCAL_SIGNAL) != 0)
        (void)mp_addr_announce(c, id, &l->addr); /* it takes no memory: there was one */
    MP_EACH(s, c) {
        if (s->local_id != id)
            continue;
        s->grounded = down && mp_subflow_usable(s) && (s->grounded || mp_has_other(c, s));
        if (s->grounded)
            mp_stale(s, now);
        else if (!down && s->tcb.sndq.una == s->tcb.sndq.nxt)
            mp_unstale(s, now); /* with data out its next probe decides */
    }
    if (!down)
        mp_path_unbar_local(c, id);
    mp_path_changed(c);
}

/*= RFC 8684 3.4.2
 * If, during the lifetime of an MPTCP connection, a previously announced address becomes invalid
 * (e.g., if the interface disappears or an IPv6 address is no longer preferred), the affected host
 * SHOULD announce this situation so that the peer can remove subflows related to this address. */
static void queue_remove(struct mp_conn *c, uint8_t id)
{
    struct mp_announced *a = find_announced(c, id);

    if (a != NULL)
        vec_del(&c->announced, (unsigned)(a - mp_announced_at(c, 0)), &c->ctx->env);
    if (c->remove_n == WIRE_MP_REMOVE_MAX || c->mode != MP_MODE_MULTIPATH)
        return;
    c->removes[c->remove_n++] = id;
    MP_EACH(s, c)
        s->remove_due = s->remove_due || (mp_subflow_usable(s) && s->local_id != id);
}

/*= RFC 8684 3.4.2
 * Even if an address is not in use by an MPTCP connection, if it has been previously announced, an
 * implementation SHOULD announce its removal. */
/*= RFC 8684 3.4.2
 * A host MAY also choose to announce that a valid IP address should not be used any longer -- for
 * example, for make-before-break session continuity. */
void mp_local_removed(struct mp_conn *c, const struct plait_local *l, plait_time now)
{
    uint8_t id = id_of(c, l);
    bool used = find_announced(c, id) != NULL;

    if (c->mode != MP_MODE_MULTIPATH)
        return;
    MP_EACH(s, c)
        used = used || (s->local_id == id && mp_subflow_alive(s));
    if (used)
        queue_remove(c, id);
    /*= RFC 8684 3.4.2
     * A subflow that is still functioning MUST be closed with a FIN exchange as in regular TCP,
     * rather than using this option. */
    MP_EACH(s, c)
        if (s->local_id == id && mp_subflow_alive(s)) {
            mp_subflow_close(s, now);
            s->abort_at = s->phase == MP_PHASE_DOWN ? PLAIT_NEVER : now + FIN_PATIENCE;
        }
    mp_path_changed(c);
    mp_settle(c, now);
}

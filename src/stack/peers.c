/* SPDX-License-Identifier: Apache-2.0 */
/* What connections have taught about their peers, for those that come after them.
 *
 * A peer is an address and a port. Where SYNs with MP_CAPABLE got lost, or MPTCP had to be given up
 * on the way, the next connections begin as plain TCP, for a while that doubles with each failure
 * in a row. Where version 1 was not understood and version 0 is on offer, they begin with that. An
 * address that refused a join is left alone by other connections; the one that met it has its own
 * rules (mp's bars, a new ADD_ADDR). Nothing is learned from the peer's own connections to us: who
 * can get through to us with MPTCP is known to himself.
 *
 * The table is bounded: a new entry takes the place of the one that was changed longest ago. Time
 * alone makes an entry void, so there is no timer. A call to plait_connect() costs one lookup, a
 * packet nothing. RFC 8684 3.1, 3.9.3.
 *
 * Invariants: n counts by_age and the table; n <= cfg.peers_max. */
#include "stack_int.h"

int stack_peers_init(struct plait_stack *s)
{
    return htab_init(&s->peers.table, &s->ctx.env);
}

static void drop(struct plait_stack *s, struct stack_peer *p)
{
    htab_del(&s->peers.table, &p->node);
    list_del(&p->age);
    s->peers.n--;
    ctx_free(&s->ctx, p, sizeof *p);
}

static struct stack_peer *oldest(const struct plait_stack *s)
{
    return LIST_OWNER(s->peers.by_age.next, struct stack_peer, age);
}

void stack_peers_fini(struct plait_stack *s)
{
    while (!list_empty(&s->peers.by_age))
        drop(s, oldest(s));
}

static uint64_t hash_of(const struct plait_stack *s, const struct plait_addr *addr)
{
    return stack_tuple_hash(s, addr, addr);
}

static struct stack_peer *find(const struct plait_stack *s, const struct plait_addr *addr)
{
    struct htab_node *node = NULL;

    if (s->peers.n > 0)
        node = htab_first(&s->peers.table, hash_of(s, addr));
    for (; node != NULL; node = htab_next(node)) {
        struct stack_peer *p = LIST_OWNER(node, struct stack_peer, node);
        if (addr_equal(&p->addr, addr))
            return p;
    }
    return NULL;
}

/* The entry for this peer, the youngest from now on; NULL: none is to be made, or no memory, and
 * the lesson is lost. */
static struct stack_peer *obtain(struct plait_stack *s, const struct plait_addr *addr)
{
    struct stack_peer *p = find(s, addr);

    if (p == NULL && s->cfg.peers_max > 0) {
        if (s->peers.n >= s->cfg.peers_max)
            drop(s, oldest(s));
        p = ctx_alloc(&s->ctx, sizeof *p);
        if (p == NULL)
            return NULL;
        p->addr = *addr;
        list_init(&p->age);
        htab_add(&s->peers.table, &p->node, hash_of(s, addr));
        s->peers.n++;
    }
    if (p != NULL) {
        list_del(&p->age);
        list_add_tail(&s->peers.by_age, &p->age);
    }
    return p;
}

/* For how long something is not tried that failed so often in a row. A failure long after the last
 * one is the first of a new row. */
static plait_time penalty(const struct plait_stack *s, uint8_t *fails, plait_time until)
{
    plait_time wait = s->cfg.peer_wait;

    if (until + s->cfg.peer_wait_max < s->now)
        *fails = 0;
    for (unsigned i = 0; i < *fails && wait < s->cfg.peer_wait_max; i++)
        wait *= 2;
    if (*fails < UINT8_MAX)
        ++*fails;
    return s->now + (wait < s->cfg.peer_wait_max ? wait : s->cfg.peer_wait_max);
}

void stack_peer_advise(struct plait_stack *s, const struct plait_addr *remote,
                       struct mp_config *cfg)
{
    const struct stack_peer *p = find(s, remote);
    const uint8_t both = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1;

    if (p == NULL || !cfg->mptcp)
        return;
    /*= RFC 8684 3.9.3
     * A host may keep a system-wide cache of such information, so that it can back off from using
     * MPTCP, firstly for that particular destination host */
    if (s->now < p->plain_until && !cfg->require_mptcp) {
        cfg->mptcp = false;
        cfg->avoid_mptcp = true;
        ctx_count(&s->ctx, PLAIT_REASON_MP_AVOIDED);
    }
    /*= RFC 8684 3.1
     * An initiator MAY cache information for a peer about what version of MPTCP it supports, if
     * any, and use this information for future connection attempts. */
    if (cfg->offer == both && s->now < p->no_v1_until)
        cfg->offer = PLAIT_MPTCP_V0;
    else if (cfg->offer == both && s->now < p->no_v0_until)
        cfg->offer = PLAIT_MPTCP_V1;
}

/* MPTCP works. */
static void learn_success(struct plait_conn *c, const struct mp_info *info)
{
    struct plait_stack *s = c->stack;
    bool both = c->cfg->offer == (PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1);
    struct stack_peer *p = find(s, &info->remote);

    if (both && info->version == 0 && (p = obtain(s, &info->remote)) != NULL)
        p->no_v1_until = s->now + s->cfg.peer_wait_max;
    if (p != NULL)
        p->plain_until = p->plain_fails = 0;
}

static bool is_a_lesson(enum plait_reason why)
{
    return why == PLAIT_REASON_MP_SYN_LOST || why == PLAIT_REASON_MP_NO_DATA_ACK ||
           why == PLAIT_REASON_DSS_UNMAPPED || why == PLAIT_REASON_MP_FAIL_RECEIVED;
}

static void learn_failure(struct plait_conn *c, const struct mp_info *info)
{
    struct plait_stack *s = c->stack;
    struct stack_peer *p;

    if (is_a_lesson(info->fallback)) {
        p = obtain(s, &info->remote);
        if (p != NULL)
            p->plain_until = penalty(s, &p->plain_fails, p->plain_until);
    } else if (info->fallback == PLAIT_REASON_MP_SYNACK_PLAIN && c->cfg->offer != PLAIT_MPTCP_V1) {
        p = obtain(s, &info->remote); /* version 0 was tried, alone or after version 1 */
        if (p != NULL)
            p->no_v0_until = s->now + s->cfg.peer_wait_max;
        if (p != NULL)
            p->no_v1_until = 0;
    }
}

void stack_peer_learn(struct plait_conn *c)
{
    struct mp_info info;

    mp_conn_info(c->mp, &info);
    if (c->passive || !info.established || c->lesson)
        return;
    if (info.mode == MP_MODE_MULTIPATH) {
        learn_success(c, &info);
    } else if (info.mode == MP_MODE_PLAIN) {
        c->lesson = true;
        learn_failure(c, &info);
    }
}

void stack_peer_learn_join(struct plait_conn *c, const struct mp_subflow *sf)
{
    struct plait_stack *s = c->stack;
    const struct plait_addr *remote = mp_join_remote(sf);
    struct stack_peer *p = NULL;

    if (mp_join_got_through(sf)) {
        p = find(s, remote);
        if (p != NULL)
            p->no_join_until = p->join_fails = 0;
    } else if (mp_join_was_refused(sf) && (p = obtain(s, remote)) != NULL) {
        p->no_join_until = penalty(s, &p->join_fails, p->no_join_until);
        p->join_conn = c->id;
    }
}

/*= RFC 8684 3.9.3
 * In addition, an implementation may learn, over a number of connections, that certain interfaces
 * or destination addresses consistently fail and may default to not trying to use MPTCP for such
 * interfaces or addresses. */
bool stack_peer_takes_joins(const struct plait_conn *c, const struct plait_addr *remote)
{
    struct plait_stack *s = c->stack;
    const struct stack_peer *p = find(s, remote);

    if (p == NULL || s->now >= p->no_join_until || p->join_conn == c->id)
        return true;
    ctx_count(&s->ctx, PLAIT_REASON_JOIN_AVOIDED);
    return false;
}

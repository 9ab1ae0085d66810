/* SPDX-License-Identifier: Apache-2.0 */
/* Half-open connections: a SYN was answered, the third ACK is awaited. They are small and capped,
 * in all and, as joins, for each connection. A SYN that finds no room is answered by cookie.c
 * without one. Only a join of a peer without timestamps cannot be, and pushes out another one. RFC
 * 9293 3.10.7.2 (LISTEN), RFC 8684 3.1 and 3.2; hostile cases: RFC 4987, RFC 7430 3.
 *
 * Invariants: half_n counts half_list, which is in order of birth; each one is in `halves` and in
 * the heap; a token that it holds belongs to the connection it may become; half_n <=
 * cfg.half_open_max; a join is in the list of its connection while that lives. */
#include "stack_int.h"

#include <assert.h>

const struct mp_config *stack_half_config(const struct stack_half *h)
{
    return h->listener != NULL ? &h->listener->cfg : &h->stack->conn_cfg;
}

static void rearm(struct stack_half *h, plait_time now)
{
    plait_time at = h->tcp.deadline > now ? h->tcp.deadline : now + 1;

    heap_set(&h->stack->timers, &h->timer.node, at);
    if (h->tcp.due && list_empty(&h->due))
        list_add_tail(&h->stack->half_due, &h->due);
}

static void leave_conn(struct stack_half *h)
{
    struct plait_conn *c = h->conn;
    struct stack_half **at = c != NULL ? &c->joins : NULL;

    while (at != NULL && *at != NULL && *at != h)
        at = &(*at)->next_join;
    if (at == NULL || *at == NULL)
        return; /* no join, or one that is not kept */
    *at = h->next_join;
    c->half_joins--;
}

static void enter_conn(struct stack_half *h, struct plait_conn *c)
{
    h->conn = c;
    h->next_join = c->joins;
    c->joins = h;
    c->half_joins++;
}

void stack_half_free(struct stack_half *h)
{
    struct plait_stack *s = h->stack;

    leave_conn(h);
    if (s->planned == STACK_PLANNED_HALF && s->planned_half == h)
        s->planned = STACK_PLANNED_NOTHING;
    stack_token_del(s, &h->token);
    heap_del(&s->timers, &h->timer.node);
    htab_del(&s->halves, &h->node);
    stack_shard_leave(s, &h->tcp.local, &h->tcp.remote);
    list_del(&h->age);
    list_del(&h->due);
    s->half_n--;
    ctx_free(&s->ctx, h, sizeof *h);
}

static bool is_full(const struct plait_stack *s)
{
    return s->half_n >= s->cfg.half_open_max;
}

/* Makes room for one more. Of the connection's own joins a random one goes: whoever floods it
 * cannot choose that his stay. Else the one that has had the longest time to answer. */
static void evict_for(struct plait_conn *c)
{
    struct plait_stack *s = c->stack;
    struct stack_half *h = LIST_OWNER(s->half_list.next, struct stack_half, age);

    if (c->half_joins > 0) {
        h = c->joins;
        for (uint32_t i = ctx_random_u32(&s->ctx) % c->half_joins; i > 0; i--)
            h = h->next_join;
    }
    stack_half_free(h);
    ctx_count(&s->ctx, PLAIT_REASON_HALF_EVICTED);
}

static struct stack_half *half_new(struct plait_stack *s, const struct mp_config *cfg,
                                   const struct wire_seg *seg, plait_time now)
{
    const struct plait_local *local = mp_local_find(&s->locals, &seg->dst);
    struct stack_half *h = NULL;

    if (stack_timer_room(s, 1) == 0 && stack_shard_enter(s, &seg->dst, &seg->src))
        h = ctx_alloc(&s->ctx, sizeof *h);
    if (h == NULL) {
        stack_shard_leave(s, &seg->dst, &seg->src);
        return NULL;
    }
    struct tcp_config tcp = stack_tcp_config(cfg, local);
    tcp_half_init(&h->tcp, &s->ctx, &tcp, seg, now);
    h->stack = s;
    h->kept = true;
    h->timer.kind = STACK_TIMER_HALF;
    list_init(&h->due);
    list_add_tail(&s->half_list, &h->age);
    htab_add(&s->halves, &h->node, stack_tuple_hash(s, &h->tcp.local, &h->tcp.remote));
    s->half_n++;
    return h;
}

/* A connection of version 0 knows no MP_TCPRST. */
static void refuse_join(struct plait_stack *s, const struct wire_seg *seg,
                        const struct plait_conn *c, enum plait_reason why)
{
    bool v0 = c != NULL && mp_version(c->mp) == 0;

    stack_reset(s, seg, v0 ? PLAIT_REASON_NONE : why);
}

static enum plait_reason half_join(struct plait_conn *c, const struct wire_seg *seg,
                                   plait_time now)
{
    struct plait_stack *s = c->stack;
    bool crowded = is_full(s) || c->half_joins >= STACK_HALF_JOINS_MAX;
    struct mp_half mh;

    if (crowded && seg->opt.has_ts)
        return stack_cookie_join(c, seg, now);
    enum plait_reason why = mp_half_join(&mh, c->mp, seg, ctx_random_u32(&s->ctx));
    if (why != PLAIT_REASON_NONE)
        return why;
    if (crowded)
        evict_for(c);
    struct stack_half *h = half_new(s, c->cfg, seg, now);
    if (h == NULL)
        return PLAIT_REASON_NO_MEMORY;
    h->mp = mh;
    enter_conn(h, c);
    rearm(h, now);
    return PLAIT_REASON_NONE;
}

/*= RFC 8684 3.2
 * Demultiplexing subflow SYNs MUST be done using the token; this is unlike traditional TCP, where
 * the destination port is used for demultiplexing SYN packets. */
/* So whether somebody listens on the port does not matter. */
static enum plait_reason join_syn(struct plait_stack *s, const struct wire_seg *seg, plait_time now)
{
    struct stack_token *t = stack_find_token(s, seg->mp.join.token);
    struct plait_conn *c = t != NULL ? t->conn : NULL;
    enum plait_reason why;

    if (c == NULL)
        why = PLAIT_REASON_JOIN_TOKEN;
    else if (!mp_is_open_for_join(c->mp))
        why = PLAIT_REASON_JOIN_STATE;
    else
        why = half_join(c, seg, now);
    if (why != PLAIT_REASON_NONE && why != PLAIT_REASON_NO_MEMORY)
        refuse_join(s, seg, c, why);
    return why;
}

/* The key that it draws is not listed yet. */
static void offer_multipath(struct stack_half *h, const struct wire_seg *seg)
{
    struct plait_stack *s = h->stack;
    struct mp_config cfg = h->listener->cfg;
    struct mp_key key = {0};

    /*= RFC 8684 3.1
     * if uniqueness is not met and there is no way to generate an alternative verifiable key, then
     * the connection MUST fall back to using regular TCP by not sending an MP_CAPABLE in the
     * SYN/ACK */
    /* RFC 8684 3.1: the key's token must not be in use; without such a key, plain TCP. */
    if (cfg.mptcp && wire_mp_has(&seg->mp, WIRE_MP_CAPABLE))
        cfg.mptcp = stack_draw_key(s, mp_syn_version(seg), &key);
    mp_half_capable(&h->mp, &cfg, &key, seg);
}

/* A connection of l, for plait_accept(). */
static void queue_for(struct plait_listener *l, struct plait_conn *c)
{
    c->passive = true;
    c->port = l->addr.port;
    c->listener = l;
    list_add_tail(&l->accepted, &c->accept);
    l->accepted_n++;
    stack_event_accepted(l);
}

/* A connection at once: its SYN brought text and a good cookie. False: nothing happened. */
static bool open_early(struct stack_half *h, const struct wire_seg *seg, plait_time now)
{
    int err;
    struct plait_conn *c = stack_conn_new(h->stack, &h->listener->cfg, &err);

    if (c == NULL)
        return false;
    struct mp_conn_args args = stack_conn_args(c);
    c->mp = mp_accept_early(&args, &h->tcp, &h->mp, seg, now);
    if (c->mp == NULL) {
        stack_conn_free(c);
        return false;
    }
    queue_for(h->listener, c);
    stack_fastopen_begin(c, now);
    stack_touch(c, now);
    return true;
}

enum plait_reason stack_syn(struct plait_stack *s, const struct wire_seg *seg, plait_time now)
{
    /*= RFC 9293 3.9.2.3
     * A TCP implementation MUST silently discard an incoming SYN segment that is addressed to a
     * broadcast or multicast address */
    if (mp_local_find(&s->locals, &seg->dst) == NULL)
        return PLAIT_REASON_NO_SOCKET;
    if (wire_mp_has(&seg->mp, WIRE_MP_JOIN))
        return join_syn(s, seg, now);
    struct plait_listener *l = stack_find_listener(s, &seg->dst);
    if (l == NULL) {
        stack_reset(s, seg, PLAIT_REASON_NONE);
        return PLAIT_REASON_NO_SOCKET;
    }
    if (l->accepted_n >= STACK_BACKLOG)
        return PLAIT_REASON_BACKLOG_FULL;
    if (is_full(s))
        return stack_cookie_syn(l, seg, now);
    struct stack_half *h = half_new(s, &l->cfg, seg, now);
    if (h == NULL)
        return PLAIT_REASON_NO_MEMORY;
    h->listener = l;
    offer_multipath(h, seg);
    if (stack_fastopen_judge(h, seg, now) && open_early(h, seg, now)) {
        stack_half_free(h);
        return PLAIT_REASON_NONE;
    }
    if (h->mp.kind == MP_HALF_CAPABLE)
        stack_token_add(s, &h->token, h->mp.local.token);
    rearm(h, now);
    return PLAIT_REASON_NONE;
}

/* It has become something else. */
static void done_with(struct stack_half *h)
{
    if (h->kept)
        stack_half_free(h);
}

/* The third ACK: the half-open one becomes a connection, which gets the same segment. Where there
 * is no room for it the ACK is forgotten, and the peer's retransmission will try again. */
static enum plait_reason become_conn(struct stack_half *h, const struct wire_seg *seg,
                                     struct plait_block **block, plait_time now)
{
    struct plait_stack *s = h->stack;
    struct plait_listener *l = h->listener;
    struct mp_subflow *sf;
    int err;

    if (l->accepted_n >= STACK_BACKLOG)
        return PLAIT_REASON_BACKLOG_FULL;
    struct plait_conn *c = stack_conn_new(s, &l->cfg, &err);
    if (c == NULL)
        return err == PLAIT_ELIMIT ? PLAIT_REASON_CONN_LIMIT : PLAIT_REASON_NO_MEMORY;
    struct mp_conn_args args = stack_conn_args(c);
    c->mp = mp_accept(&args, &h->tcp, &h->mp, seg, now);
    if (c->mp == NULL) {
        stack_conn_free(c);
        return PLAIT_REASON_NO_MEMORY;
    }
    done_with(h);
    queue_for(l, c);
    sf = stack_adopt(c);
    stack_end_time_wait(s, sf, now);
    mp_input(sf, seg, block, now);
    stack_touch(c, now);
    return PLAIT_REASON_NONE;
}

static enum plait_reason become_subflow(struct stack_half *h, const struct wire_seg *seg,
                                        struct plait_block **block, plait_time now)
{
    struct plait_stack *s = h->stack;
    struct plait_conn *c = h->conn;
    struct mp_subflow *sf = NULL;
    enum plait_reason why = PLAIT_REASON_JOIN_TOKEN;

    if (c != NULL)
        sf = mp_join_accept(c->mp, &h->tcp, &h->mp, seg, now, &why);
    done_with(h);
    if (sf == NULL) {
        /*= RFC 8684 3.2
         * If the token received at Host B is unknown or local policy prohibits the acceptance of
         * the new subflow, the recipient MUST respond with a TCP RST for the subflow. */
        refuse_join(s, seg, c, why);
        return why;
    }
    stack_adopt(c);
    stack_end_time_wait(s, sf, now);
    mp_input(sf, seg, block, now);
    stack_touch(c, now);
    return PLAIT_REASON_NONE;
}

enum plait_reason stack_half_complete(struct stack_half *h, const struct wire_seg *seg,
                                      struct plait_block **block, plait_time now)
{
    /* A DSS without the MP_CAPABLE that goes before it: the peer speaks MPTCP, and its options get
     * through; the third ACK itself is late or lost and comes again. Taking this one for the third
     * ACK would make the connection plain on one side alone. */
    if (mp_half_waits(&h->mp, seg))
        return PLAIT_REASON_MP_ACK_PLAIN;
    return h->listener != NULL ? become_conn(h, seg, block, now)
                               : become_subflow(h, seg, block, now);
}

enum plait_reason stack_half_input(struct stack_half *h, const struct wire_seg *seg,
                                   struct plait_block **block, plait_time now)
{
    struct plait_stack *s = h->stack;

    switch (tcp_half_input(&h->tcp, seg, now)) {
    case TCP_HALF_OK:
        return stack_half_complete(h, seg, block, now);
    case TCP_HALF_AGAIN:
        h->tcp.due = true;
        rearm(h, now);
        return PLAIT_REASON_NONE;
    case TCP_HALF_RESET_PEER:
        stack_reset(s, seg, PLAIT_REASON_NONE);
        return PLAIT_REASON_ACK_OUTSIDE;
    case TCP_HALF_GONE:
        stack_half_free(h);
        return PLAIT_REASON_NONE;
    case TCP_HALF_DROP:
        break;
    }
    return PLAIT_REASON_SEQ_OUTSIDE;
}

void stack_half_tick(struct stack_half *h, plait_time now)
{
    if (!tcp_half_tick(&h->tcp, &stack_half_config(h)->tcp, now)) {
        ctx_count(&h->stack->ctx, PLAIT_REASON_SYN_TIMEOUT);
        stack_half_free(h);
        return;
    }
    rearm(h, now);
}

void stack_half_sent(struct stack_half *h, plait_time now)
{
    assert(h->tcp.due && "only what was due is sent");
    tcp_half_commit(&h->tcp, &stack_half_config(h)->tcp, now);
    h->tcp.due = false;
    list_del(&h->due);
    rearm(h, now);
}

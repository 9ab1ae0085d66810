/* SPDX-License-Identifier: Apache-2.0 */
/* The stack's side of a connection: birth, the end of each of its steps, death. Everybody in the
 * stack who called into a connection ends with stack_settle() or stack_touch().
 *
 * Invariants: every living subflow is in the 4-tuple table; the connection's token is in the token
 * table exactly while joins may come; the heap holds its deadline; it dies in stack_settle() and
 * nowhere else (but for plait_stack_free() and a birth that failed). */
#include "stack_int.h"

#include <assert.h>

struct plait_conn *stack_conn_new(struct plait_stack *s, const struct mp_config *cfg, int *err)
{
    struct plait_conn *c = NULL;

    *err = s->conn_n >= s->cfg.conns_max ? PLAIT_ELIMIT : PLAIT_ENOMEM;
    if (*err != PLAIT_ELIMIT && stack_timer_room(s, 1) == 0)
        c = ctx_alloc(&s->ctx, sizeof *c);
    if (c == NULL)
        return NULL;
    c->config = stack_config_share(s, cfg);
    if (c->config == NULL) {
        ctx_free(&s->ctx, c, sizeof *c);
        return NULL;
    }
    c->stack = s;
    c->cfg = &c->config->cfg;
    c->id = ++s->next_conn_id;
    c->timer.kind = STACK_TIMER_CONN;
    c->token.conn = c;
    list_init(&c->dirty);
    list_init(&c->event);
    list_init(&c->accept);
    list_add_tail(&s->conns, &c->all);
    s->conn_n++;
    return c;
}

void stack_conn_free(struct plait_conn *c)
{
    struct plait_stack *s = c->stack;

    if (s->planned == STACK_PLANNED_CONN && s->planned_conn == c)
        s->planned = STACK_PLANNED_NOTHING;
    stack_cookie_forget(c);
    stack_fastopen_end(c, false, s->now);
    for (struct stack_half *h = c->joins; h != NULL; h = h->next_join)
        h->conn = NULL;
    stack_token_del(s, &c->token);
    heap_del(&s->timers, &c->timer.node);
    list_del(&c->all);
    list_del(&c->dirty);
    list_del(&c->event);
    list_del(&c->accept);
    s->conn_n--;
    if (c->mp != NULL)
        mp_conn_free(c->mp);
    stack_config_drop(s, c->config);
    ctx_free(&s->ctx, c, sizeof *c);
}

struct mp_conn_args stack_conn_args(struct plait_conn *c)
{
    return (struct mp_conn_args){
        .ctx = &c->stack->ctx,
        .cfg = c->cfg,
        .locals = &c->stack->locals,
        .id = c->id,
        .owner = c,
    };
}

struct mp_subflow *stack_adopt(struct plait_conn *c)
{
    struct plait_stack *s = c->stack;
    struct mp_subflow *first = NULL, *sf;

    while ((sf = mp_next_born(c->mp)) != NULL) {
        const struct tcb *t = mp_subflow_tcb(sf);
        htab_add(&s->subflows, mp_subflow_node(sf), stack_tuple_hash(s, &t->local, &t->remote));
        if (!stack_shard_enter(s, &t->local, &t->remote))
            ctx_count(&s->ctx, PLAIT_REASON_NO_MEMORY);
        first = first != NULL ? first : sf;
    }
    return first;
}

/* A join has no other port to begin at, so it begins beside a subflow in TIME-WAIT: an address that
 * went for a moment is not lost for a minute. */
static bool is_taken(const struct plait_stack *s, const struct plait_addr *local,
                     const struct plait_addr *remote, plait_time now)
{
    struct tcp_wait w;

    if (stack_time_wait(s, local, remote, &w))
        return !tcp_wait_outlived(&w, now) || stack_find_half(s, local, remote) != NULL;
    return stack_tuple_used(s, local, remote);
}

/*= RFC 9293 3.9.1.1
 * TCP implementations MUST use the same local address that was used in those previous segments
 * (MUST-45) */
/*= RFC 8684 3.9.1
 * Under typical operation, an MPTCP implementation SHOULD use the same ports as the ports that are
 * already in use. */
/*= RFC 8684 3.9.1
 * The local port for such SYNs SHOULD also be the same as the port for the first subflow */
/*= RFC 6897 5.3.3-4 */
/* The path manager's wishes. A join starts at the local port of the first subflow: RFC 8684 3.9.1;
 * but for what that one has already.
 */
static void open_subflows(struct plait_conn *c, plait_time now)
{
    struct mp_wish w;

    for (unsigned i = 0; i < MP_SUBFLOWS_MAX && mp_pm_next(c->mp, now, &w); i++) {
        int err = 0;
        w.local.port = c->port;
        if (w.other_port)
            err = stack_draw_join_port(c->stack, &w.local, &w.remote);
        else if (is_taken(c->stack, &w.local, &w.remote, now))
            err = PLAIT_EADDRINUSE;
        if (!stack_peer_takes_joins(c, &w.remote))
            err = PLAIT_EUNREACH;
        if (mp_join(c->mp, &w, err, now) == 0 && list_empty(&c->dirty))
            list_add_tail(&c->stack->dirty, &c->dirty); /* its SYN waits */
        stack_adopt(c);
    }
}

static void bury_dead(struct plait_conn *c)
{
    struct mp_subflow *sf;

    while ((sf = mp_next_dead(c->mp)) != NULL) {
        stack_peer_learn_join(c, sf);
        const struct tcb *t = mp_subflow_tcb(sf);
        htab_del(&c->stack->subflows, mp_subflow_node(sf));
        stack_shard_leave(c->stack, &t->local, &t->remote);
        mp_bury(sf);
    }
}

/* Only TIME-WAIT is left, which takes no connection. */
static bool waits_without(struct plait_conn *c)
{
    struct mp_subflow *sf;

    if (!list_empty(&c->dirty) || !mp_only_waits(c->mp) || !stack_wait_instead(c))
        return false;
    for (unsigned i = 0; (sf = mp_subflow_at(c->mp, i)) != NULL; i++) {
        stack_peer_learn_join(c, sf);
        htab_del(&c->stack->subflows, mp_subflow_node(sf));
    }
    return true;
}

static void update_token(struct plait_conn *c)
{
    uint32_t token = 0;
    bool wanted = mp_token(c->mp, &token);

    if (c->token.listed && (!wanted || (uint32_t)c->token.node.hash != token))
        stack_token_del(c->stack, &c->token);
    if (wanted && !c->token.listed)
        stack_token_add(c->stack, &c->token, token);
}

static void retry(struct plait_conn *c)
{
    struct plait_stack *s = c->stack;
    struct mp_key key;

    if (stack_draw_key(s, 0, &key))
        mp_retry(c->mp, &key, s->now);
    else
        mp_abort(c->mp, PLAIT_REASON_NO_MEMORY, s->now);
}

/* Who accepted a connection knows that it is established, but for one by Fast Open. */
static void established(struct plait_conn *c)
{
    plait_time now = c->stack->now;

    if (!c->passive)
        stack_fastopen_learn(c, now);
    if (!c->passive || c->pending != 0)
        stack_event(c, PLAIT_EVENT_CONNECTED);
    stack_fastopen_end(c, true, now);
}

static void take_news(struct plait_conn *c)
{
    unsigned news = mp_news(c->mp);

    if ((news & MP_NEWS_RETRY) != 0) {
        retry(c);
        news |= mp_news(c->mp);
    }
    if ((news & (MP_NEWS_TOKEN | MP_NEWS_CONNECTED)) != 0)
        stack_peer_learn(c);
    if ((news & MP_NEWS_TOKEN) != 0)
        update_token(c);
    if ((news & MP_NEWS_CONNECTED) != 0)
        established(c);
    if ((news & MP_NEWS_READABLE) != 0)
        stack_event(c, PLAIT_EVENT_READABLE);
    if ((news & MP_NEWS_WRITABLE) != 0 && c->want_write) {
        c->want_write = false;
        stack_event(c, PLAIT_EVENT_WRITABLE);
    }
    if ((news & MP_NEWS_CLOSED) != 0)
        stack_event(c, PLAIT_EVENT_CLOSED);
}

/* A deadline that is not in the future would make plait_tick() spin. */
static void rearm(struct plait_conn *c, plait_time now)
{
    plait_time at = mp_deadline(c->mp);

    heap_set(&c->stack->timers, &c->timer.node, at > now ? at : now + 1);
}

void stack_settle(struct plait_conn *c, plait_time now)
{
    stack_adopt(c);
    open_subflows(c, now);
    bury_dead(c);
    take_news(c);
    if (mp_is_finished(c->mp) || waits_without(c)) {
        assert(c->released && "only a connection that the application let go is finished");
        stack_conn_free(c);
        return;
    }
    rearm(c, now);
}

void stack_touch(struct plait_conn *c, plait_time now)
{
    if (list_empty(&c->dirty))
        list_add_tail(&c->stack->dirty, &c->dirty);
    stack_settle(c, now);
}

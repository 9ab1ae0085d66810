/* SPDX-License-Identifier: Apache-2.0 */
/* One instance of plait: what it owns, its time, and its end.
 *
 * A stack is a room with a few tables in it. Packets come in through demux.c, are given to the
 * connection, half-open connection or listener whose they are, and leave a trace in three places
 * only: the dirty list (who may have something to send), the heap (who wants to be called when)
 * and the event queue (what the application should know). Output, time and events walk along those
 * three and never over all connections, so that the cost of a packet does not grow with their
 * number.
 *
 * A step is one call of the public interface. Each ends with stack_settle() for the connection it
 * touched: that is the one point where subflows and connections die.
 *
 * Invariants: stack_check() has them. */
#include "stack_int.h"

#include <assert.h>

static bool make_tables(struct plait_stack *s)
{
    const struct plait_env *env = &s->ctx.env;

    return htab_init(&s->subflows, env) == 0 && htab_init(&s->halves, env) == 0 &&
           htab_init(&s->waits, env) == 0 && htab_init(&s->tokens, env) == 0 &&
           htab_init(&s->listeners, env) == 0 && htab_init(&s->away, env) == 0 &&
           htab_init(&s->guests, env) == 0 && stack_peers_init(s) == 0;
}

static void make_lists(struct plait_stack *s)
{
    list_init(&s->configs);
    list_init(&s->conns);
    list_init(&s->listener_list);
    list_init(&s->half_list);
    list_init(&s->dirty);
    list_init(&s->half_due);
    list_init(&s->away_due);
    list_init(&s->events);
    list_init(&s->accept_events);
    list_init(&s->peers.by_age);
}

struct plait_stack *plait_stack_new(const struct plait_env *env, const struct plait_config *config)
{
    struct mp_config conn_cfg;

    if (!stack_config_ok(config) || stack_conn_config(config, &config->conn, &conn_cfg) != 0)
        return NULL;
    struct plait_stack *s = env->alloc(env->ctx, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (struct plait_stack){.cfg = *config, .conn_cfg = conn_cfg};
    ctx_init(&s->ctx, env, config->mem_max);
    ctx_keep(&s->ctx, config->mem_kept);
    s->tuple_key = ctx_random_key(&s->ctx);
    make_lists(s);
    heap_init(&s->timers, &s->ctx.env);
    if (!make_tables(s)) {
        plait_stack_free(s);
        return NULL;
    }
    return s;
}

static void free_table(struct htab *t)
{
    if (t->env != NULL)
        htab_fini(t);
}

/* Subflows go with their connections; the table that still names them goes right after. */
void plait_stack_free(struct plait_stack *s)
{
    struct plait_env env = s->ctx.slab.below;

    while (!list_empty(&s->half_list))
        stack_half_free(LIST_OWNER(s->half_list.next, struct stack_half, age));
    while (!list_empty(&s->conns))
        stack_conn_free(LIST_OWNER(s->conns.next, struct plait_conn, all));
    while (!list_empty(&s->listener_list))
        stack_listener_free(LIST_OWNER(s->listener_list.next, struct plait_listener, all));
    stack_waits_free(s);
    heap_fini(&s->timers);
    stack_peers_fini(s);
    stack_shard_fini(s);
    free_table(&s->peers.table);
    free_table(&s->subflows);
    free_table(&s->halves);
    free_table(&s->waits);
    free_table(&s->tokens);
    free_table(&s->listeners);
    free_table(&s->away);
    free_table(&s->guests);
    ctx_fini(&s->ctx);
    env.free(env.ctx, s, sizeof *s);
}

void stack_begin(struct plait_stack *s, plait_time now)
{
    assert(now >= s->now && "time never runs backwards");
    s->now = now;
    s->planned = STACK_PLANNED_NOTHING;
}

void stack_end(struct plait_stack *s)
{
    if (s->cfg.check_invariants)
        stack_check(s);
}

plait_time plait_deadline(const struct plait_stack *s)
{
    const struct heap_node *first = heap_min(&s->timers);

    return first != NULL ? first->key : PLAIT_NEVER;
}

int stack_timer_room(struct plait_stack *s, uint32_t n)
{
    return heap_reserve(&s->timers, s->conn_n + s->half_n + s->waits.count + n);
}

static void expire(struct stack_timer *t, plait_time now)
{
    if (t->kind == STACK_TIMER_WAIT) {
        stack_wait_end(t);
        return;
    }
    if (t->kind == STACK_TIMER_HALF) {
        stack_half_tick(LIST_OWNER(t, struct stack_half, timer), now);
        return;
    }
    struct plait_conn *c = LIST_OWNER(t, struct plait_conn, timer);
    mp_tick(c->mp, now);
    stack_touch(c, now);
}

void plait_tick(struct plait_stack *s, plait_time now)
{
    struct heap_node *first;

    stack_begin(s, now);
    /* Ends, because whoever was called sets a deadline behind now. */
    while ((first = heap_min(&s->timers)) != NULL && first->key <= now)
        expire(LIST_OWNER(first, struct stack_timer, node), now);
    stack_end(s);
}

struct plait_block *plait_block_get(struct plait_stack *s, size_t size)
{
    return block_get(&s->ctx.pool, size);
}

uint8_t *plait_block_bytes(struct plait_block *block, size_t *size)
{
    *size = block->cap;
    return block->buf;
}

void plait_block_put(struct plait_stack *s, struct plait_block *block)
{
    if (block != NULL)
        block_put(&s->ctx.pool, block);
}

/* ---- invariants --------------------------------------------------------------------------------
 */

static void check_conn(const struct plait_stack *s, struct plait_conn *c)
{
    uint32_t token = 0, joins = 0;

    assert(c->stack == s && c->mp != NULL && mp_owner(c->mp) == c &&
           "wrapper and connection agree");
    assert((list_empty(&c->event) == (c->news == 0 || c->released || c->listener != NULL)) &&
           "a connection with news is in the event queue");
    assert(c->token.listed == mp_token(c->mp, &token) &&
           "joins are possible while the token is listed");
    assert((!c->token.listed || (uint32_t)c->token.node.hash == token) &&
           "the listed token is its own");
    assert((c->flooded == 0 || s->flooded[c->flooded - 1] == c) && "its place names it");
    assert((c->pending == 0 || s->pending[c->pending - 1].conn == c) && "so does that one");
    for (const struct stack_half *h = c->joins; h != NULL; h = h->next_join, joins++)
        assert(h->kept && h->conn == c && "half-open joins are kept");
    assert(joins == c->half_joins && "they are counted");
    assert((mp_deadline(c->mp) == PLAIT_NEVER) == (c->timer.node.at == 0) &&
           "the heap has its deadline");
    mp_check(c->mp);
}

static uint32_t check_conns(const struct plait_stack *s)
{
    uint32_t n = 0;

    for (struct list *at = s->conns.next; at != &s->conns; at = at->next, n++)
        check_conn(s, LIST_OWNER(at, struct plait_conn, all));
    return n;
}

static uint32_t check_halves(const struct plait_stack *s)
{
    uint32_t n = 0;

    for (struct list *at = s->half_list.next; at != &s->half_list; at = at->next, n++) {
        const struct stack_half *h = LIST_OWNER(at, struct stack_half, age);
        assert((h->timer.node.at != 0 || h->tcp.due) && "a half-open one has a deadline or is due");
        assert(h->tcp.due == !list_empty(&h->due) && "what is due is listed");
        assert((h->listener == NULL) == (h->mp.kind == MP_HALF_JOIN) && "a join has no listener");
        assert(h->token.listed == (h->mp.kind == MP_HALF_CAPABLE) && "a key in use is listed");
    }
    return n;
}

static void check_subflows(const struct plait_stack *s)
{
    for (struct htab_node *n = htab_walk(&s->subflows, NULL); n != NULL;
         n = htab_walk(&s->subflows, n)) {
        struct mp_subflow *sf = mp_subflow_of_node(n);
        const struct tcb *t = mp_subflow_tcb(sf);
        assert(n->hash == stack_tuple_hash(s, &t->local, &t->remote) && "found under its 4-tuple");
        assert(mp_owner(mp_subflow_conn(sf)) != NULL && "a subflow belongs to a connection");
    }
}

bool stack_check(const struct plait_stack *s)
{
    uint32_t conns = check_conns(s), halves = check_halves(s);

    assert(conns == s->conn_n && conns <= s->cfg.conns_max && "every connection is counted");
    assert(halves == s->half_n && halves == s->halves.count && halves <= s->cfg.half_open_max &&
           "every half-open one is counted");
    assert(s->waits.count <= s->cfg.conns_max && "no more wait than may live");
    assert(s->ctx.pool.used <= s->ctx.pool.max && "the pool keeps its cap");
    check_subflows(s);
    assert(stack_shard_check(s) && "the homes of subflows that live here can be told");
    return conns == s->conn_n && halves == s->half_n;
}

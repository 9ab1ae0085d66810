/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a stack: who owns a 4-tuple, a token, a local port. Called by the demultiplexer
 * for each packet (one hash, one chain) and whenever something new needs a name that is free.
 *
 * Strangers choose the remote half of a 4-tuple, so its hash is keyed. Tokens are drawn here and
 * are their own hash. RFC 8684 3.1 and RFC 6056 3.3.1 (random local ports). */
#include "stack_int.h"

#include <string.h>

uint64_t stack_tuple_hash(const struct plait_stack *s, const struct plait_addr *local,
                          const struct plait_addr *remote)
{
    uint8_t key[2 * 18];
    unsigned n = local->family == 4 ? 4 : 16;
    uint8_t *p = key;

    memcpy(p, local->ip, n);
    memcpy(p + n, remote->ip, n);
    memcpy(p + 2 * n, &local->port, 2);
    memcpy(p + 2 * n + 2, &remote->port, 2);
    return siphash(&s->tuple_key, key, 2 * n + 4);
}

struct mp_subflow *stack_find_subflow(const struct plait_stack *s, const struct plait_addr *local,
                                      const struct plait_addr *remote)
{
    struct htab_node *node = htab_first(&s->subflows, stack_tuple_hash(s, local, remote));
    struct mp_subflow *old = NULL;

    /* A SYN may have taken over the 4-tuple of one in TIME-WAIT, which lives on beside it. Of
     * several of those the latest counts. */
    for (; node != NULL; node = htab_next(node)) {
        const struct tcb *t = mp_subflow_tcb(mp_subflow_of_node(node));
        if (!addr_equal(&t->local, local) || !addr_equal(&t->remote, remote))
            continue;
        if (t->state != TCP_ST_TIME_WAIT)
            return mp_subflow_of_node(node);
        if (old == NULL || t->time_wait_at > mp_subflow_tcb(old)->time_wait_at)
            old = mp_subflow_of_node(node);
    }
    return old;
}

/* Somebody who waits in TIME-WAIT for longer than now at this 4-tuple; NULL: nobody does. */
static struct mp_subflow *find_waiting(const struct plait_stack *s, const struct tcb *t,
                                       plait_time now)
{
    struct htab_node *node = htab_first(&s->subflows, stack_tuple_hash(s, &t->local, &t->remote));

    for (; node != NULL; node = htab_next(node)) {
        const struct tcb *old = mp_subflow_tcb(mp_subflow_of_node(node));
        if (old->state == TCP_ST_TIME_WAIT && old->time_wait_at > now &&
            addr_equal(&old->local, &t->local) && addr_equal(&old->remote, &t->remote))
            return mp_subflow_of_node(node);
    }
    return NULL;
}

/* Looks anew after each: to touch a connection may add to the table, and take from it. */
void stack_end_time_wait(struct plait_stack *s, struct mp_subflow *heir, plait_time now)
{
    struct mp_subflow *old;

    while ((old = find_waiting(s, mp_subflow_tcb(heir), now)) != NULL) {
        tcp_time_wait_end(mp_subflow_tcb(old), now);
        stack_touch(mp_owner(mp_subflow_conn(old)), now);
    }
    stack_wait_replace(s, &mp_subflow_tcb(heir)->local, &mp_subflow_tcb(heir)->remote);
}

bool stack_time_wait(const struct plait_stack *s, const struct plait_addr *local,
                     const struct plait_addr *remote, struct tcp_wait *w)
{
    struct mp_subflow *sf = stack_find_subflow(s, local, remote);
    const struct tcp_wait *alone = stack_find_wait(s, local, remote);

    if (sf == NULL && alone != NULL)
        *w = *alone;
    else if (sf != NULL && mp_subflow_tcb(sf)->state == TCP_ST_TIME_WAIT)
        tcp_wait_of(mp_subflow_tcb(sf), w);
    else
        return false;
    return true;
}

struct stack_half *stack_find_half(const struct plait_stack *s, const struct plait_addr *local,
                                   const struct plait_addr *remote)
{
    struct htab_node *node = htab_first(&s->halves, stack_tuple_hash(s, local, remote));

    for (; node != NULL; node = htab_next(node)) {
        struct stack_half *h = LIST_OWNER(node, struct stack_half, node);
        if (addr_equal(&h->tcp.local, local) && addr_equal(&h->tcp.remote, remote))
            return h;
    }
    return NULL;
}

bool stack_tuple_used(const struct plait_stack *s, const struct plait_addr *local,
                      const struct plait_addr *remote)
{
    return stack_find_subflow(s, local, remote) != NULL ||
           stack_find_wait(s, local, remote) != NULL || stack_find_half(s, local, remote) != NULL;
}

int stack_draw_port(struct plait_stack *s, struct plait_addr *local,
                    const struct plait_addr *remote)
{
    const uint32_t range = STACK_PORT_MAX - STACK_PORT_MIN + 1;
    uint32_t start = ctx_random_u32(&s->ctx) % range;

    for (uint32_t i = 0; i < range; i++) {
        local->port = (uint16_t)(STACK_PORT_MIN + (start + i) % range);
        if (stack_shard_is_home(s, local, remote) && !stack_tuple_used(s, local, remote) &&
            stack_find_listener(s, local) == NULL)
            return 0;
    }
    return PLAIT_EADDRINUSE;
}

/* A free one of those that are reserved; at home: its packets come to this shard. */
static bool draw_reserved(struct plait_stack *s, struct plait_addr *local,
                          const struct plait_addr *remote, bool at_home)
{
    uint32_t n = (uint32_t)s->cfg.join_port_n, start = ctx_random_u32(&s->ctx) % n;

    for (uint32_t i = 0; i < n; i++) {
        local->port = s->cfg.join_ports[(start + i) % n];
        if ((!at_home || stack_shard_is_home(s, local, remote)) &&
            !stack_tuple_used(s, local, remote))
            return true;
    }
    return false;
}

int stack_draw_join_port(struct plait_stack *s, struct plait_addr *local,
                         const struct plait_addr *remote)
{
    if (s->cfg.join_port_n == 0)
        return stack_draw_port(s, local, remote);
    if (s->cfg.shard_n > 1 && draw_reserved(s, local, remote, true))
        return 0;
    return draw_reserved(s, local, remote, false) ? 0 : PLAIT_EADDRINUSE;
}

struct stack_token *stack_find_token(const struct plait_stack *s, uint32_t token)
{
    struct htab_node *node = htab_first(&s->tokens, token);

    return node != NULL ? LIST_OWNER(node, struct stack_token, node) : NULL;
}

void stack_token_add(struct plait_stack *s, struct stack_token *t, uint32_t token)
{
    htab_add(&s->tokens, &t->node, token);
    t->listed = true;
}

void stack_token_del(struct plait_stack *s, struct stack_token *t)
{
    if (t->listed)
        htab_del(&s->tokens, &t->node);
    t->listed = false;
}

/*= RFC 8684 3.1
 * The key MUST be hard to guess, and it MUST be unique for the sending host across all its current
 * MPTCP connections. */
/*= RFC 8684 3.1
 * Therefore, an implementation SHOULD check its list of connection tokens to ensure that there is
 * no collision before sending its key, and if there is, then it should generate a new key. */
/* Tokens of other shards are not this one's to know, and none of them is drawn here. */
bool stack_draw_key(struct plait_stack *s, uint8_t version, struct mp_key *key)
{
    for (unsigned i = 0; i < stack_shard_key_tries(s); i++) {
        mp_key_derive(ctx_random_u64(&s->ctx), version, key);
        if (stack_shard_has_token(s, key->token) && stack_find_token(s, key->token) == NULL)
            return true;
    }
    return false;
}

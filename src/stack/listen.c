/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: who takes new connections, and the queue before plait_accept(). RFC 9293 3.10.1
 * (passive open). Half-open connections are half.c's.
 *
 * Invariants: no two listeners have the same address and port; accepted_n counts the members of
 * accepted; a connection in there points back by its field `listener`. */
#include "stack_int.h"

static struct plait_listener *find_exact(const struct plait_stack *s, const struct plait_addr *addr)
{
    struct htab_node *node = htab_first(&s->listeners, addr->port);

    for (; node != NULL; node = htab_next(node)) {
        struct plait_listener *l = LIST_OWNER(node, struct plait_listener, node);
        if (addr_same_ip(&l->addr, addr))
            return l;
    }
    return NULL;
}

struct plait_listener *stack_find_listener(const struct plait_stack *s,
                                           const struct plait_addr *local)
{
    struct plait_addr any = {.port = local->port};
    struct plait_listener *l = find_exact(s, local);

    return l != NULL ? l : find_exact(s, &any);
}

/*= RFC 9293 3.9.1.1
 * A TCP implementation that supports multiple concurrent connections MUST provide an OPEN call that
 * will functionally allow an application to LISTEN on a port while a connection block with the same
 * local port is in SYN-SENT or SYN-RECEIVED state (MUST-42). */
int plait_listen(struct plait_stack *s, const struct plait_addr *addr,
                 const struct plait_conn_config *config, struct plait_listener **listener)
{
    struct mp_config cfg = s->conn_cfg;
    struct plait_addr at = *addr;
    int err = config != NULL ? stack_conn_config(&s->cfg, config, &cfg) : 0;

    if (addr->family == 0)
        at = (struct plait_addr){.port = addr->port};
    if (at.port == 0 || (at.family != 0 && !addr_is_unicast(&at)))
        err = PLAIT_EINVAL;
    /*= RFC 9293 3.9.1.1
     * it MUST NOT affect any previously created connection record (MUST-41) */
    else if (err == 0 && find_exact(s, &at) != NULL)
        err = PLAIT_EADDRINUSE;
    if (err != 0)
        return err;
    struct plait_listener *l = ctx_alloc(&s->ctx, sizeof *l);
    if (l == NULL)
        return PLAIT_ENOMEM;
    l->stack = s;
    l->addr = at;
    l->cfg = cfg;
    list_init(&l->event);
    list_init(&l->accepted);
    list_add_tail(&s->listener_list, &l->all);
    htab_add(&s->listeners, &l->node, at.port);
    s->listener_n++;
    *listener = l;
    return 0;
}

void stack_listener_free(struct plait_listener *l)
{
    struct plait_stack *s = l->stack;

    htab_del(&s->listeners, &l->node);
    list_del(&l->all);
    list_del(&l->event);
    s->listener_n--;
    ctx_free(&s->ctx, l, sizeof *l);
}

static void forget_halves(struct plait_listener *l)
{
    struct plait_stack *s = l->stack;
    struct list *next;

    for (struct list *at = s->half_list.next; at != &s->half_list; at = next) {
        struct stack_half *h = LIST_OWNER(at, struct stack_half, age);
        next = at->next;
        if (h->listener == l)
            stack_half_free(h);
    }
}

struct plait_conn *stack_accept(struct plait_listener *l)
{
    if (list_empty(&l->accepted))
        return NULL;
    struct plait_conn *c = LIST_OWNER(l->accepted.next, struct plait_conn, accept);
    list_del(&c->accept);
    l->accepted_n--;
    c->listener = NULL;
    return c;
}

void plait_listener_close(struct plait_listener *l, plait_time now)
{
    struct plait_stack *s = l->stack;
    struct plait_conn *c;

    stack_begin(s, now);
    forget_halves(l);
    while ((c = stack_accept(l)) != NULL) {
        mp_abort(c->mp, PLAIT_REASON_LOCAL_ABORT, now);
        plait_release(c, now);
    }
    stack_listener_free(l);
    stack_end(s);
}

struct plait_conn *plait_accept(struct plait_listener *l)
{
    struct plait_conn *c = stack_accept(l);

    if (c != NULL)
        stack_event_open(c);
    return c;
}

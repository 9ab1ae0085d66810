/* SPDX-License-Identifier: Apache-2.0 */
/* 4-tuples in TIME-WAIT whose connection is gone: a tenth of its memory for as long as old segments
 * may come. Made by stack_settle() when a connection that the application let go has nothing else
 * left, and asked by the demultiplexer after everybody else.
 *
 * There are no more of them than there may be connections; beyond, or without memory, the
 * connection waits itself. RFC 9293 3.4.2 (the quiet time), RFC 6191. */
#include "stack_int.h"

struct stack_wait {
    struct plait_stack *stack;
    struct htab_node node; /* in stack.waits, hash of the 4-tuple */
    struct list made;      /* on the way into the table */
    struct stack_timer timer;
    struct mp_wait mp;
};
_Static_assert(sizeof(struct stack_wait) <= 192, "TIME-WAIT is small");

static struct stack_wait *find(const struct plait_stack *s, const struct plait_addr *local,
                               const struct plait_addr *remote)
{
    struct htab_node *node = htab_first(&s->waits, stack_tuple_hash(s, local, remote));

    for (; node != NULL; node = htab_next(node)) {
        struct stack_wait *w = LIST_OWNER(node, struct stack_wait, node);
        if (addr_equal(&w->mp.tcp.local, local) && addr_equal(&w->mp.tcp.remote, remote))
            return w;
    }
    return NULL;
}

static void wait_free(struct stack_wait *w)
{
    struct plait_stack *s = w->stack;

    htab_del(&s->waits, &w->node);
    stack_shard_leave(s, &w->mp.tcp.local, &w->mp.tcp.remote);
    heap_del(&s->timers, &w->timer.node);
    ctx_free(&s->ctx, w, sizeof *w);
}

static void forget(struct plait_stack *s, struct list *made)
{
    while (!list_empty(made)) {
        struct stack_wait *w = LIST_OWNER(made->next, struct stack_wait, made);
        list_del(&w->made);
        ctx_free(&s->ctx, w, sizeof *w);
    }
}

/* One for each subflow of c, or none. */
static uint32_t make_all(struct plait_conn *c, struct list *made)
{
    struct plait_stack *s = c->stack;
    const struct mp_subflow *sf;
    uint32_t n = 0;

    for (; (sf = mp_subflow_at(c->mp, n)) != NULL; n++) {
        struct stack_wait *w = ctx_alloc(&s->ctx, sizeof *w);
        if (w == NULL) {
            forget(s, made);
            return 0;
        }
        w->stack = s;
        w->timer.kind = STACK_TIMER_WAIT;
        mp_wait_of(sf, &w->mp);
        list_add_tail(made, &w->made);
    }
    return n;
}

bool stack_wait_instead(struct plait_conn *c)
{
    struct plait_stack *s = c->stack;
    struct list made;
    uint32_t n;

    list_init(&made);
    n = make_all(c, &made);
    if (n == 0 || s->waits.count + n > s->cfg.conns_max || stack_timer_room(s, n) != 0) {
        forget(s, &made);
        return false;
    }
    while (!list_empty(&made)) {
        struct stack_wait *w = LIST_OWNER(made.next, struct stack_wait, made);
        list_del(&w->made);
        htab_add(&s->waits, &w->node, stack_tuple_hash(s, &w->mp.tcp.local, &w->mp.tcp.remote));
        heap_set(&s->timers, &w->timer.node, w->mp.tcp.until);
    }
    return true;
}

const struct tcp_wait *stack_find_wait(const struct plait_stack *s, const struct plait_addr *local,
                                       const struct plait_addr *remote)
{
    const struct stack_wait *w = find(s, local, remote);

    return w != NULL ? &w->mp.tcp : NULL;
}

enum plait_reason stack_wait_input(struct plait_stack *s, const struct wire_seg *seg,
                                   plait_time now)
{
    struct stack_wait *w = find(s, &seg->dst, &seg->src);
    bool answer;
    enum plait_reason why = mp_wait_input(&w->mp, seg, now, &answer);

    if (answer)
        stack_reply_wait(s, &w->mp, now);
    heap_set(&s->timers, &w->timer.node, w->mp.tcp.until > now ? w->mp.tcp.until : now + 1);
    return why;
}

void stack_wait_end(struct stack_timer *t)
{
    wait_free(LIST_OWNER(t, struct stack_wait, timer));
}

void stack_wait_replace(struct plait_stack *s, const struct plait_addr *local,
                        const struct plait_addr *remote)
{
    struct stack_wait *w;

    while ((w = find(s, local, remote)) != NULL)
        wait_free(w);
}

void stack_waits_free(struct plait_stack *s)
{
    struct htab_node *node = s->waits.env != NULL ? htab_walk(&s->waits, NULL) : NULL, *next;

    for (; node != NULL; node = next) {
        next = htab_walk(&s->waits, node);
        wait_free(LIST_OWNER(node, struct stack_wait, node));
    }
}

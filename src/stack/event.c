/* SPDX-License-Identifier: Apache-2.0 */
/* The one way up: what the application should know. Filled at the end of each step, emptied by
 * plait_event_next(), which calls nobody back.
 *
 * Invariants: a connection is in stack.events exactly if its news is not empty, it was accepted (or
 * needs no accepting) and was not released; each kind is queued once however often it happened. */
#include "stack_int.h"

static void enqueue(struct plait_conn *c)
{
    if (c->news != 0 && c->listener == NULL && !c->released && list_empty(&c->event))
        list_add_tail(&c->stack->events, &c->event);
}

void stack_event(struct plait_conn *c, enum plait_event_type type)
{
    if (c->released)
        return;
    c->news |= (uint8_t)(1u << type);
    enqueue(c);
}

void stack_event_open(struct plait_conn *c)
{
    enqueue(c);
}

void stack_event_drop(struct plait_conn *c)
{
    c->news = 0;
    list_del(&c->event);
}

void stack_event_accepted(struct plait_listener *l)
{
    if (list_empty(&l->event))
        list_add_tail(&l->stack->accept_events, &l->event);
}

static void take(struct plait_conn *c, struct plait_event *ev)
{
    unsigned type = PLAIT_EVENT_CONNECTED;

    while ((c->news & (1u << type)) == 0)
        type++;
    c->news &= (uint8_t) ~(1u << type);
    *ev = (struct plait_event){.type = (enum plait_event_type)type, .conn = c};
    list_del(&c->event);
    enqueue(c);
}

bool plait_event_waits(const struct plait_stack *s)
{
    return !list_empty(&s->accept_events) || !list_empty(&s->events);
}

bool plait_event_next(struct plait_stack *s, struct plait_event *ev)
{
    if (!list_empty(&s->accept_events)) {
        struct plait_listener *l = LIST_OWNER(s->accept_events.next, struct plait_listener, event);
        list_del(&l->event);
        *ev = (struct plait_event){.type = PLAIT_EVENT_ACCEPTED, .listener = l};
        return true;
    }
    if (list_empty(&s->events))
        return false;
    take(LIST_OWNER(s->events.next, struct plait_conn, event), ev);
    return true;
}

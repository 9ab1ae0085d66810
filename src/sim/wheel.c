/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's queue of events. Called by sim.c.
 *
 * A time is eight digits of eight bits. A node stands at the level of the highest digit in which
 * its time differs from that of the wheel's base, in the slot of that digit: the next 256
 * microseconds have a slot each, what is farther away shares one. When the base moves into a
 * shared slot, its nodes are dealt out to the levels below, in their order.
 *
 * So two nodes of one time always share a slot, whenever they came, and the later one is behind
 * the earlier one.
 *
 * Invariants: base <= each node's time; a node's level and slot follow from its time and base as
 * above; a bit of `used` and of `levels` is set where there is a node. */
#include "wheel.h"

#include <assert.h>

enum { MASK = SIM_WHEEL_SLOTS - 1, WORD = 64 };

/* The lowest bit that is set in a word that is not zero. */
static unsigned low_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

static unsigned level_of(const struct sim_wheel *w, plait_time at)
{
    uint64_t differ = at ^ w->base;

    return differ == 0 ? 0 : (unsigned)(63 - __builtin_clzll(differ)) / SIM_WHEEL_BITS;
}

static plait_time time_of(const struct list *l)
{
    return ((const struct sim_wheel_node *)(const void *)l)->at; /* its first member */
}

static unsigned digit(plait_time at, unsigned level)
{
    return (unsigned)(at >> (level * SIM_WHEEL_BITS)) & MASK;
}

void sim_wheel_init(struct sim_wheel *w)
{
    w->base = 0;
    w->first = PLAIT_NEVER;
    w->levels = 0;
    for (unsigned level = 0; level < SIM_WHEEL_LEVELS; level++) {
        for (unsigned i = 0; i < SIM_WHEEL_SLOTS / WORD; i++)
            w->used[level][i] = 0;
        for (unsigned i = 0; i < SIM_WHEEL_SLOTS; i++)
            list_init(&w->slot[level][i]);
    }
}

static void put(struct sim_wheel *w, struct sim_wheel_node *node)
{
    unsigned level = level_of(w, node->at), i = digit(node->at, level);

    list_add_tail(&w->slot[level][i], &node->list);
    w->used[level][i / WORD] |= UINT64_C(1) << i % WORD;
    w->levels |= (uint8_t)(1u << level);
}

void sim_wheel_add(struct sim_wheel *w, struct sim_wheel_node *node, plait_time at)
{
    assert(at >= w->base && "nothing happens before what has happened");
    sim_wheel_del(w, node);
    node->at = at;
    node->queued = true;
    put(w, node);
    if (w->first != 0 && at < w->first)
        w->first = at;
}

/* The slot has become empty. */
static void clear(struct sim_wheel *w, unsigned level, unsigned i)
{
    uint64_t any = 0;

    w->used[level][i / WORD] &= ~(UINT64_C(1) << i % WORD);
    for (unsigned word = 0; word < SIM_WHEEL_SLOTS / WORD; word++)
        any |= w->used[level][word];
    if (any == 0)
        w->levels &= (uint8_t)~(1u << level);
}

void sim_wheel_del(struct sim_wheel *w, struct sim_wheel_node *node)
{
    unsigned level, i;

    if (!node->queued)
        return;
    level = level_of(w, node->at);
    i = digit(node->at, level);
    list_del(&node->list);
    node->queued = false;
    if (list_empty(&w->slot[level][i]))
        clear(w, level, i);
    if (node->at == w->first)
        w->first = 0;
}

/* The first slot of this level that has something; the level has. */
static unsigned first_slot(const struct sim_wheel *w, unsigned level)
{
    unsigned word = 0;

    while (w->used[level][word] == 0)
        word++;
    return word * WORD + low_bit(w->used[level][word]);
}

static plait_time look_up(const struct sim_wheel *w)
{
    plait_time first = PLAIT_NEVER;
    const struct list *slot;
    unsigned level;

    if (w->levels == 0)
        return PLAIT_NEVER;
    level = low_bit(w->levels);
    slot = &w->slot[level][first_slot(w, level)];
    if (level == 0)
        return time_of(slot->next);
    for (const struct list *l = slot->next; l != slot; l = l->next)
        first = time_of(l) < first ? time_of(l) : first;
    return first;
}

plait_time sim_wheel_first(struct sim_wheel *w)
{
    if (w->first == 0)
        w->first = look_up(w);
    return w->first;
}

/* The base moves to the time of the first node: those that shared a slot with it are dealt out. */
static void advance(struct sim_wheel *w, plait_time to)
{
    unsigned level = level_of(w, to), i = digit(to, level);
    struct list *slot = &w->slot[level][i], *next;

    w->base = to;
    if (level == 0)
        return;
    next = slot->next;
    slot->prev->next = NULL;
    list_init(slot);
    clear(w, level, i);
    while (next != NULL) {
        struct sim_wheel_node *node = LIST_OWNER(next, struct sim_wheel_node, list);
        next = next->next;
        put(w, node);
    }
}

struct sim_wheel_node *sim_wheel_take(struct sim_wheel *w)
{
    plait_time first = sim_wheel_first(w);
    struct sim_wheel_node *node;
    struct list *slot;

    if (first == PLAIT_NEVER)
        return NULL;
    advance(w, first);
    slot = &w->slot[0][digit(first, 0)];
    node = LIST_OWNER(slot->next, struct sim_wheel_node, list);
    list_del(&node->list);
    node->queued = false;
    if (list_empty(slot)) {
        clear(w, 0, digit(first, 0));
        w->first = 0;
    }
    return node;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's queue of events. Called by sim.c.
 *
 * A time is eight digits of eight bits. A node stands at the level of the highest digit in which
 * its time differs from that of the wheel's base, in the slot of that digit: the next 256
 * microseconds have a slot each, what is farther away shares one. When the base comes to the
 * beginning of a shared slot, its nodes are dealt out to the levels below, in their order.
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

static unsigned digit(plait_time at, unsigned level)
{
    return (unsigned)(at >> (level * SIM_WHEEL_BITS)) & MASK;
}

void sim_wheel_init(struct sim_wheel *w)
{
    w->base = 0;
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
}

/* The first slot of this level that has something; the level has. */
static unsigned first_slot(const struct sim_wheel *w, unsigned level)
{
    unsigned word = 0;

    while (w->used[level][word] == 0)
        word++;
    return word * WORD + low_bit(w->used[level][word]);
}

/* The base moves to the beginning of a slot, whose nodes are dealt out. */
static void advance(struct sim_wheel *w, unsigned level, unsigned i, plait_time to)
{
    struct list *slot = &w->slot[level][i], *next = slot->next;

    w->base = to;
    slot->prev->next = NULL;
    list_init(slot);
    clear(w, level, i);
    while (next != NULL) {
        struct sim_wheel_node *node = LIST_OWNER(next, struct sim_wheel_node, list);
        next = next->next;
        put(w, node);
    }
}

plait_time sim_wheel_first(struct sim_wheel *w, plait_time by)
{
    while (w->levels != 0) {
        unsigned level = low_bit(w->levels), i = first_slot(w, level);
        unsigned shift = level * SIM_WHEEL_BITS;
        plait_time at = ((w->base >> shift & ~(uint64_t)MASK) | i) << shift;
        if (level == 0 || at > by)
            return at;
        advance(w, level, i, at);
    }
    return PLAIT_NEVER;
}

struct sim_wheel_node *sim_wheel_take(struct sim_wheel *w)
{
    plait_time first = sim_wheel_first(w, PLAIT_NEVER);
    struct sim_wheel_node *node;
    struct list *slot;

    if (first == PLAIT_NEVER)
        return NULL;
    w->base = first;
    slot = &w->slot[0][digit(first, 0)];
    node = LIST_OWNER(slot->next, struct sim_wheel_node, list);
    list_del(&node->list);
    node->queued = false;
    if (list_empty(slot))
        clear(w, 0, digit(first, 0));
    return node;
}

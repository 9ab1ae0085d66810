/* SPDX-License-Identifier: Apache-2.0 */
/* The world's clock and its order of events. Called by tests and tools.
 *
 * One queue holds everything that will happen: packets on their way and timers. Two things of the
 * same microsecond happen in the order in which they were set. Stacks have their own deadlines, in
 * a heap; those come before other things of the same time, in the order of the nodes.
 *
 * A stack changes only where it is called. So a step asks those alone that it touched, in the
 * order of the nodes, until none has anything to say; asking all of them would come to the same.
 *
 * Invariants: now never runs backwards; after each step no stack has anything to say at now. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "pcap.h"
#include "shards.h"

enum { ID_BITS = 20, WORD = 64, FIRST_ROOM = 4 };
enum { OUTPUTS_MAX = 200000, TCP_FLAGS_AT = 13, TCP_PSH = 8 };

/* ---- memory and chance
 * ------------------------------------------------------------------------------ */

static void *plain_alloc(void *ctx, size_t size)
{
    size_t align = size >= 4096 ? 4096 : 64;

    (void)ctx;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void plain_free(void *ctx, void *mem, size_t size)
{
    (void)ctx;
    (void)size;
    free(mem);
}

static bool alloc_fails(struct sim_node *n)
{
    if (n->fail_in == 0) {
        if (n->fail_n > 0 && --n->fail_n == 0)
            n->fail_in = -1;
        return true;
    }
    if (n->fail_in > 0)
        n->fail_in--;
    return sim_rng_chance(&n->fail_rng, n->fail_ppm);
}

static void *node_alloc(void *ctx, size_t size)
{
    struct sim_node *n = ctx;
    void *mem = alloc_fails(n) ? NULL : plain_alloc(NULL, size);

    n->alloc_n++;
    n->alloc_failed_n += mem == NULL;
    if (mem != NULL) {
        if (n->sim->poison)
            memset(mem, 0xa5, size < 4096 ? size : 4096); /* nobody shall rely on zeros */
        n->live++;
        n->live_bytes += size;
    }
    return mem;
}

static void node_free(void *ctx, void *mem, size_t size)
{
    struct sim_node *n = ctx;

    if (n->sim->poison)
        memset(mem, 0x5a, size < 4096 ? size : 4096);
    n->live--;
    n->live_bytes -= size;
    free(mem);
}

static void node_random(void *ctx, void *buf, size_t len)
{
    struct sim_node *n = ctx;

    sim_rng_fill(&n->rng, buf, len);
}

static void node_trace(void *ctx, const struct plait_trace *ev)
{
    struct sim_node *n = ctx;

    if (n->on_trace != NULL)
        n->on_trace(n, ev);
}

/* ---- birth and death
 * ---------------------------------------------------------------------------------- */

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = calloc(1, sizeof *sim);

    if (sim == NULL)
        abort();
    sim->now = PLAIT_SEC; /* zero means nothing */
    sim->env = (struct plait_env){.alloc = plain_alloc, .free = plain_free};
    sim_rng_init(&sim->rng, seed);
    sim->poison = true;
    sim_wheel_init(&sim->queue);
    heap_init(&sim->deadlines, &sim->env);
    return sim;
}

void sim_free(struct sim *sim)
{
    struct sim_timer *t;

    for (unsigned i = 0; i < sim->node_n; i++) {
        sim_node_stop(sim->node[i]);
        free(sim->node[i]);
    }
    while ((t = (struct sim_timer *)(void *)sim_wheel_take(&sim->queue)) != NULL)
        if (sim_net_is_packet(t))
            sim_net_free_packet(sim, t);
    heap_fini(&sim->deadlines);
    sim_packets_free(sim);
    sim_cbr_free_all(sim);
    sim_routes_free(sim);
    free(sim->touched);
    free((void *)sim->node);
    for (unsigned i = 0; i < sim->link_n; i++)
        sim_link_fini(&sim->link[i]);
    free(sim->link);
    free(sim);
}

void *sim_room(void *array, unsigned n, unsigned *cap, size_t size)
{
    if (n < *cap)
        return array;
    *cap = *cap > 0 ? *cap * 2 : FIRST_ROOM;
    array = realloc(array, *cap * size);
    if (array == NULL)
        abort();
    return array;
}

/* Room for one more node, and for its bit. */
static void node_room(struct sim *sim)
{
    unsigned before = sim->node_cap, words;

    sim->node = sim_room((void *)sim->node, sim->node_n, &sim->node_cap, sizeof *sim->node);
    if (sim->node_cap == before)
        return;
    words = (sim->node_cap + WORD - 1) / WORD;
    sim->touched = realloc(sim->touched, words * sizeof *sim->touched);
    if (sim->touched == NULL || heap_reserve(&sim->deadlines, sim->node_cap) != 0)
        abort();
    for (unsigned i = (before + WORD - 1) / WORD; i < words; i++)
        sim->touched[i] = 0;
}

struct sim_node *sim_node_new(struct sim *sim, const char *name, const struct plait_config *config)
{
    struct sim_node *n = calloc(1, sizeof *n);

    if (n == NULL)
        abort();
    node_room(sim);
    n->sim = sim;
    n->id = sim->node_n;
    n->name = name;
    n->fail_in = -1;
    n->env = (struct plait_env){n, node_alloc, node_free, node_random, node_trace};
    sim_rng_init(&n->rng, sim_rng_u64(&sim->rng));
    sim_rng_init(&n->fail_rng, sim_rng_u64(&sim->rng));
    n->stack = plait_stack_new(&n->env, config);
    if (n->stack == NULL) {
        free(n);
        return NULL;
    }
    sim->node[sim->node_n++] = n;
    sim_touch(n);
    return n;
}

void sim_node_stop(struct sim_node *n)
{
    sim_gro_free(n);
    if (n->stack != NULL)
        plait_stack_free(n->stack);
    n->stack = NULL;
    heap_del(&n->sim->deadlines, &n->due);
}

unsigned sim_link_add(struct sim *sim, const struct sim_link_config *cfg)
{
    if (sim->link_n > UINT16_MAX)
        abort();
    sim->link = sim_room(sim->link, sim->link_n, &sim->link_cap, sizeof *sim->link);
    sim_link_init(&sim->link[sim->link_n], cfg, sim_rng_u64(&sim->rng));
    return sim->link_n++;
}

void sim_fail(struct sim *sim, const char *what)
{
    if (sim->failure == NULL)
        sim->failure = what;
}

/* ---- time
 * ------------------------------------------------------------------------------------------------
 */

void sim_timer_set(struct sim *sim, struct sim_timer *t, plait_time at, sim_timer_fn *fn)
{
    t->fn = fn;
    sim_wheel_add(&sim->queue, &t->node, at > sim->now ? at : sim->now);
}

void sim_timer_stop(struct sim *sim, struct sim_timer *t)
{
    sim_wheel_del(&sim->queue, &t->node);
}

bool sim_timer_runs(const struct sim_timer *t)
{
    return t->node.queued;
}

/* ---- whom to ask -------------------------------------------------------------------------------
 */

void sim_touch(struct sim_node *n)
{
    n->sim->touched[n->id / WORD] |= UINT64_C(1) << n->id % WORD;
}

static void touch_all(struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_n; i++)
        sim_touch(sim->node[i]);
}

/* Takes the mark off the first node that has one, from number i on; NULL: none has. */
static struct sim_node *next_touched(struct sim *sim, unsigned i)
{
    for (; i < sim->node_n; i = (i / WORD + 1) * WORD) {
        uint64_t left = sim->touched[i / WORD] >> i % WORD;
        if (left == 0)
            continue;
        i += (unsigned)__builtin_ctzll(left);
        sim->touched[i / WORD] &= ~(UINT64_C(1) << i % WORD);
        return sim->node[i];
    }
    return NULL;
}

/* The stack was called: its deadline may have moved. */
static void rearm(struct sim_node *n)
{
    plait_time at = plait_deadline(n->stack), never = PLAIT_NEVER >> ID_BITS;

    if (at != PLAIT_NEVER)
        at = (at < never ? at : never - 1) << ID_BITS | n->id;
    heap_set(&n->sim->deadlines, &n->due, at);
}

static struct sim_node *first_deadline(const struct sim *sim, plait_time *at)
{
    const struct heap_node *first = heap_min(&sim->deadlines);

    *at = first != NULL ? first->key >> ID_BITS : PLAIT_NEVER;
    return first != NULL ? sim->node[first->key & ((1u << ID_BITS) - 1)] : NULL;
}

/* ---- steps -------------------------------------------------------------------------------------
 */

static void happen(struct sim *sim)
{
    struct sim_timer *t = (struct sim_timer *)(void *)sim_wheel_take(&sim->queue);

    if (!t->exact)
        touch_all(sim);
    t->fn(sim, t);
}

static void expire(struct sim *sim, struct sim_node *n)
{
    plait_tick(n->stack, sim->now);
    if (plait_deadline(n->stack) <= sim->now)
        sim_fail(sim, "a deadline did not move although its time had come");
    sim_touch(n);
}

/* What comes first, by the time `at`. False: nothing does. */
static bool step(struct sim *sim, plait_time at)
{
    plait_time deadline, next;
    struct sim_node *n = first_deadline(sim, &deadline);

    next = sim_wheel_first(&sim->queue, deadline < at ? deadline : at);
    bool tick = deadline <= next;
    plait_time when = tick ? deadline : next;

    if (when > at || when == PLAIT_NEVER)
        return false;
    sim->steps++;
    sim->now = when > sim->now ? when : sim->now;
    if (tick)
        expire(sim, n);
    else
        happen(sim);
    return true;
}

static void pump_touched(struct sim *sim);

bool sim_step(struct sim *sim)
{
    if (sim->failure != NULL)
        return false;
    for (unsigned i = 0; i < sim->node_n; i++)
        if (sim->node[i]->stack != NULL)
            rearm(sim->node[i]);
    if (!step(sim, PLAIT_NEVER))
        return false;
    sim_pump(sim);
    return sim->failure == NULL;
}

bool sim_run_until(struct sim *sim, plait_time at)
{
    sim_pump(sim);
    while (sim->failure == NULL && step(sim, at))
        pump_touched(sim);
    if (sim->failure != NULL)
        return false;
    sim->now = at > sim->now ? at : sim->now;
    return true;
}

/* ---- output ------------------------------------------------------------------------------------
 * -------------- */

/* Headers are the same but for PSH: more data may have come behind. */
static bool same_head(const struct plait_out *a, const struct plait_out *b)
{
    uint8_t head[PLAIT_HEAD_MAX];
    unsigned at = a->ip_len + TCP_FLAGS_AT;

    if (a->head_len != b->head_len || a->ip_len != b->ip_len)
        return false;
    memcpy(head, b->head, b->head_len);
    head[at] = (uint8_t)((head[at] & ~TCP_PSH) | (a->head[at] & TCP_PSH));
    return memcmp(a->head, head, a->head_len) == 0;
}

static bool same_plan(const struct plait_out *a, const struct plait_out *b)
{
    if (!same_head(a, b))
        return false;
    if (a->view_n != b->view_n || a->payload_len != b->payload_len || a->gso_size != b->gso_size)
        return false;
    for (unsigned i = 0; i < a->view_n; i++)
        if (a->view[i].data != b->view[i].data || a->view[i].len != b->view[i].len)
            return false;
    return true;
}

/* Output is a transaction: a plan without a commit has changed nothing, so the next one is the
 * same. But for memory: where there was none for the first (failed: how often before it), the
 * second may have it. */
static void check_plan(struct sim_node *n, const struct plait_out *first, uint64_t failed)
{
    struct plait_out again;
    bool same = plait_output_plan(n->stack, n->sim->now, &again) && same_plan(first, &again);

    if (!same && n->alloc_failed_n == failed)
        sim_fail(n->sim, "a plan that was not committed changed the next one");
}

static bool output(struct sim_node *n)
{
    struct sim *sim = n->sim;
    struct plait_out out;
    uint64_t failed = n->alloc_failed_n;
    unsigned sent = 0;

    while (sim->failure == NULL && plait_output_plan(n->stack, sim->now, &out)) {
        if (sim_rng_chance(&sim->rng, sim->replan_ppm))
            check_plan(n, &out, failed);
        sim_shards_tell(n);
        sim_net_send(n, &out);
        plait_output_commit(n->stack, sim->now);
        if (++sent == OUTPUTS_MAX)
            sim_fail(sim, "a stack talks for ever");
        failed = n->alloc_failed_n;
    }
    sim_shards_tell(n);
    return sent > 0;
}

static bool tell(struct sim_node *n)
{
    struct plait_event ev;
    bool any = false;

    while (n->on_event != NULL && plait_event_next(n->stack, &ev)) {
        any = true;
        n->on_event(n, &ev);
    }
    return any;
}

static void pump_touched(struct sim *sim)
{
    bool busy = true;

    while (busy && sim->failure == NULL) {
        struct sim_node *n = next_touched(sim, 0);
        busy = false;
        for (; n != NULL; n = next_touched(sim, n->id + 1)) {
            if (n->stack == NULL)
                continue;
            bool said = tell(n);
            said |= output(n);
            if (n->stack == NULL)
                continue;
            if (said)
                sim_touch(n);
            else
                rearm(n);
            busy |= said;
        }
    }
}

void sim_pump(struct sim *sim)
{
    touch_all(sim);
    pump_touched(sim);
}

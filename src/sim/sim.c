/* SPDX-License-Identifier: Apache-2.0 */
/* The world's clock and its order of events. Called by tests and tools.
 *
 * One queue holds everything that will happen: packets on their way and timers. Stacks have their
 * own deadlines, which are asked for before each step. Two things of the same microsecond happen
 * in the order in which they were set, which the key of the queue makes sure of: time in the upper
 * 44 bits, a count in the lower 20.
 *
 * Invariants: now never runs backwards; after each step no stack has anything to say at now. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "pcap.h"

enum { ORDER_BITS = 20, OUTPUTS_MAX = 200000, TCP_FLAGS_AT = 13, TCP_PSH = 8 };

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
        memset(mem, 0xa5, size < 4096 ? size : 4096); /* nobody shall rely on zeros */
        n->live++;
        n->live_bytes += size;
    }
    return mem;
}

static void node_free(void *ctx, void *mem, size_t size)
{
    struct sim_node *n = ctx;

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
    heap_init(&sim->queue, &sim->env);
    return sim;
}

void sim_free(struct sim *sim)
{
    struct heap_node *first;

    for (unsigned i = 0; i < sim->node_n; i++) {
        sim_node_stop(sim->node[i]);
        free(sim->node[i]);
    }
    while ((first = heap_min(&sim->queue)) != NULL) {
        struct sim_timer *t = (struct sim_timer *)(void *)first;
        heap_del(&sim->queue, first);
        if (sim_net_is_packet(t))
            sim_net_free_packet(sim, t);
    }
    heap_fini(&sim->queue);
    free(sim);
}

struct sim_node *sim_node_new(struct sim *sim, const char *name, const struct plait_config *config)
{
    struct sim_node *n = calloc(1, sizeof *n);

    if (n == NULL || sim->node_n == SIM_NODES_MAX)
        abort();
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
    return n;
}

void sim_node_stop(struct sim_node *n)
{
    sim_gro_free(n);
    if (n->stack != NULL)
        plait_stack_free(n->stack);
    n->stack = NULL;
}

unsigned sim_link_add(struct sim *sim, const struct sim_link_config *cfg)
{
    if (sim->link_n == SIM_LINKS_MAX)
        abort();
    sim_link_init(&sim->link[sim->link_n], cfg, sim_rng_u64(&sim->rng));
    return sim->link_n++;
}

void sim_route_add(struct sim *sim, struct sim_node *to, const struct sim_route *route)
{
    if (sim->route_n == SIM_ROUTES_MAX)
        abort();
    sim->route[sim->route_n] = *route;
    sim->route[sim->route_n++].to = to;
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
    plait_time when = at > sim->now ? at : sim->now;

    t->fn = fn;
    if (heap_reserve(&sim->queue, sim->queue.n + 1) != 0)
        abort();
    heap_set(&sim->queue, &t->node, when << ORDER_BITS | (sim->order++ & ((1u << ORDER_BITS) - 1)));
}

void sim_timer_stop(struct sim *sim, struct sim_timer *t)
{
    heap_del(&sim->queue, &t->node);
}

static plait_time queue_time(const struct sim *sim)
{
    const struct heap_node *first = heap_min(&sim->queue);

    return first != NULL ? first->key >> ORDER_BITS : PLAIT_NEVER;
}

static struct sim_node *first_deadline(const struct sim *sim, plait_time *at)
{
    struct sim_node *first = NULL;

    *at = PLAIT_NEVER;
    for (unsigned i = 0; i < sim->node_n; i++) {
        struct sim_node *n = sim->node[i];
        plait_time d = n->stack != NULL ? plait_deadline(n->stack) : PLAIT_NEVER;
        if (d < *at) {
            *at = d;
            first = n;
        }
    }
    return first;
}

static void happen(struct sim *sim)
{
    struct sim_timer *t = (struct sim_timer *)(void *)heap_min(&sim->queue);

    heap_del(&sim->queue, &t->node);
    t->fn(sim, t);
}

bool sim_step(struct sim *sim)
{
    plait_time deadline, next = queue_time(sim);
    struct sim_node *n = first_deadline(sim, &deadline);

    if (sim->failure != NULL || (next == PLAIT_NEVER && deadline == PLAIT_NEVER))
        return false;
    sim->steps++;
    if (deadline <= next) {
        sim->now = deadline > sim->now ? deadline : sim->now;
        plait_tick(n->stack, sim->now);
        if (plait_deadline(n->stack) <= sim->now)
            sim_fail(sim, "a deadline did not move although its time had come");
    } else {
        sim->now = next > sim->now ? next : sim->now;
        happen(sim);
    }
    sim_pump(sim);
    return sim->failure == NULL;
}

bool sim_run_until(struct sim *sim, plait_time at)
{
    plait_time deadline;

    sim_pump(sim);
    for (;;) {
        first_deadline(sim, &deadline);
        if (sim->failure != NULL)
            return false;
        if (deadline > at && queue_time(sim) > at)
            break;
        sim_step(sim);
    }
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
        sim_net_send(n, &out);
        plait_output_commit(n->stack, sim->now);
        if (++sent == OUTPUTS_MAX)
            sim_fail(sim, "a stack talks for ever");
        failed = n->alloc_failed_n;
    }
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

void sim_pump(struct sim *sim)
{
    bool busy = true;

    while (busy && sim->failure == NULL) {
        busy = false;
        for (unsigned i = 0; i < sim->node_n; i++) {
            if (sim->node[i]->stack == NULL)
                continue;
            busy |= tell(sim->node[i]);
            busy |= output(sim->node[i]);
        }
    }
}

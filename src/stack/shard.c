/* SPDX-License-Identifier: Apache-2.0 */
/* Several stacks with the same addresses and ports: which of them a packet belongs to, and what
 * they have to tell each other of that. Called by the demultiplexer for packets of nobody who
 * lives here, and by whoever adds a 4-tuple to the tables or takes one away.
 *
 * A 4-tuple has a home, which is a hash of its two ports, and lives in a shard, which is nearly
 * always its home: where its first SYN came to, or where a port was drawn for it that leads back.
 * A connection's further subflows live where it does. Mostly they have its ports too (RFC 8684
 * 3.9.1), so that their home is the same; those of a peer that takes other ports, or whose ports a
 * NAT has changed, live away from home. Then the shard where they live tells the home, which keeps
 * a guest in mind and gives his packets away.
 *
 * From home a packet goes first to whom the 4-tuple is known to belong, and only a SYN of nobody by
 * its token: otherwise a SYN with somebody's own token could take a 4-tuple from its connection.
 * Each time that a packet is given away `handed` grows, so it comes to an end after three times.
 *
 * Invariants: a 4-tuple that lives here and has its home elsewhere is in `away` (but where there
 * was no memory for it); what its home has not yet heard is listed in away_due. RFC 8684 3.2 (joins
 * by token). */
#include "stack_int.h"

#include "../base/be.h"
#include <assert.h>

/* How a packet was found to be another shard's: it is not looked at in this way again. */
enum { BY_PORTS = 1, BY_GUEST, BY_TOKEN };

/* ---- who is where ---------------------------------------------------------------------------- */

/* The upper bits of the product depend on all bits of both: ports that are drawn two by two, as
 * Linux does, are spread like others. */
unsigned plait_shard_of_ports(uint16_t local, uint16_t remote, unsigned shard_n)
{
    uint32_t mixed = ((uint32_t)local << 16 | remote) * PLAIT_SHARD_MIX;

    return (mixed >> 16) * shard_n >> 16;
}

unsigned plait_shard_of_token(uint32_t token, unsigned shard_n)
{
    return (unsigned)((uint64_t)token * shard_n >> 32);
}

static unsigned home_of(const struct plait_stack *s, const struct plait_addr *local,
                        const struct plait_addr *remote)
{
    return plait_shard_of_ports(local->port, remote->port, s->cfg.shard_n);
}

bool stack_shard_has_token(const struct plait_stack *s, uint32_t token)
{
    return plait_shard_of_token(token, s->cfg.shard_n) == s->cfg.shard;
}

bool stack_shard_is_home(const struct plait_stack *s, const struct plait_addr *local,
                         const struct plait_addr *remote)
{
    return home_of(s, local, remote) == s->cfg.shard;
}

unsigned stack_shard_key_tries(const struct plait_stack *s)
{
    return s->cfg.shard_n > 1 ? STACK_KEY_TRIES * 2u * s->cfg.shard_n : STACK_KEY_TRIES;
}

struct siphash_key stack_shard_secret(const struct plait_stack *s, uint64_t number)
{
    const struct siphash_key set = {s->cfg.shard_secret[0], s->cfg.shard_secret[1]};
    uint8_t buf[9];
    struct siphash_key key;

    be64_store(buf, number);
    buf[8] = 0;
    key.k0 = siphash(&set, buf, sizeof buf);
    buf[8] = 1;
    key.k1 = siphash(&set, buf, sizeof buf);
    return key;
}

/* ---- those that live here, away from home ---------------------------------------------------- */

static struct stack_away *find_away(const struct plait_stack *s, const struct plait_addr *local,
                                    const struct plait_addr *remote)
{
    struct htab_node *node = htab_first(&s->away, stack_tuple_hash(s, local, remote));

    for (; node != NULL; node = htab_next(node)) {
        struct stack_away *a = LIST_OWNER(node, struct stack_away, node);
        if (addr_equal(&a->local, local) && addr_equal(&a->remote, remote))
            return a;
    }
    return NULL;
}

static void make_due(struct plait_stack *s, struct stack_away *a)
{
    if (list_empty(&a->due))
        list_add_tail(&s->away_due, &a->due);
}

/* What was told already is told again: its home may have heard of another shard since. */
bool stack_shard_enter(struct plait_stack *s, const struct plait_addr *local,
                       const struct plait_addr *remote)
{
    struct stack_away *a;

    if (stack_shard_is_home(s, local, remote))
        return true;
    a = find_away(s, local, remote);
    if (a == NULL) {
        a = ctx_alloc(&s->ctx, sizeof *a);
        if (a == NULL)
            return false;
        a->local = *local;
        a->remote = *remote;
        list_init(&a->due);
        htab_add(&s->away, &a->node, stack_tuple_hash(s, local, remote));
    }
    a->fresh = true;
    make_due(s, a);
    return true;
}

void stack_shard_leave(struct plait_stack *s, const struct plait_addr *local,
                       const struct plait_addr *remote)
{
    struct stack_away *a = s->away.count > 0 ? find_away(s, local, remote) : NULL;

    if (a != NULL)
        make_due(s, a);
}

static void away_free(struct plait_stack *s, struct stack_away *a)
{
    htab_del(&s->away, &a->node);
    list_del(&a->due);
    ctx_free(&s->ctx, a, sizeof *a);
}

/* What counts is what is there now: between two looks one may have followed the other. */
bool plait_shard_news_next(struct plait_stack *s, struct plait_shard_news *news)
{
    while (!list_empty(&s->away_due)) {
        struct stack_away *a = LIST_OWNER(s->away_due.next, struct stack_away, due);
        bool here = stack_tuple_used(s, &a->local, &a->remote);
        bool is_news = here ? a->fresh : a->told;

        *news = (struct plait_shard_news){
            .local = a->local,
            .remote = a->remote,
            .from = s->cfg.shard,
            .to = (uint8_t)home_of(s, &a->local, &a->remote),
            .gone = !here,
        };
        list_del(&a->due);
        a->told = true;
        a->fresh = false;
        if (!here)
            away_free(s, a);
        if (is_news)
            return true;
    }
    return false;
}

/* ---- those whose home is here ---------------------------------------------------------------- */

static struct stack_guest *find_guest(const struct plait_stack *s, const struct plait_addr *local,
                                      const struct plait_addr *remote)
{
    struct htab_node *node;

    if (s->guests.count == 0)
        return NULL;
    node = htab_first(&s->guests, stack_tuple_hash(s, local, remote));
    for (; node != NULL; node = htab_next(node)) {
        struct stack_guest *g = LIST_OWNER(node, struct stack_guest, node);
        if (addr_equal(&g->local, local) && addr_equal(&g->remote, remote))
            return g;
    }
    return NULL;
}

static void guest_free(struct plait_stack *s, struct stack_guest *g)
{
    htab_del(&s->guests, &g->node);
    ctx_free(&s->ctx, g, sizeof *g);
}

/* Whoever came last has it: the one before him is in TIME-WAIT, and his end is of no interest. */
int plait_shard_news(struct plait_stack *s, const struct plait_shard_news *news, plait_time now)
{
    struct stack_guest *g = find_guest(s, &news->local, &news->remote);

    stack_begin(s, now);
    assert(news->to == s->cfg.shard && news->from != s->cfg.shard && "news of others, for us");
    if (news->gone) {
        if (g != NULL && g->shard == news->from)
            guest_free(s, g);
        return 0;
    }
    if (g == NULL) {
        g = ctx_alloc(&s->ctx, sizeof *g);
        if (g == NULL) {
            ctx_count(&s->ctx, PLAIT_REASON_NO_MEMORY);
            return PLAIT_ENOMEM;
        }
        g->local = news->local;
        g->remote = news->remote;
        htab_add(&s->guests, &g->node, stack_tuple_hash(s, &g->local, &g->remote));
    }
    g->shard = news->from;
    return 0;
}

/* ---- whose is a packet? ---------------------------------------------------------------------- */

static bool give(const struct plait_stack *s, struct plait_in *in, unsigned shard, uint8_t how)
{
    if (shard == s->cfg.shard)
        return false;
    in->shard = (uint8_t)shard;
    in->handed = how;
    return true;
}

static bool by_guest(const struct plait_stack *s, const struct plait_addr *local,
                     const struct plait_addr *remote, struct plait_in *in)
{
    const struct stack_guest *g = in->handed < BY_GUEST ? find_guest(s, local, remote) : NULL;

    return g != NULL && give(s, in, g->shard, BY_GUEST);
}

/* Packets of guests, and those that came astray. */
static bool by_tuple(const struct plait_stack *s, const struct plait_addr *local,
                     const struct plait_addr *remote, struct plait_in *in)
{
    return by_guest(s, local, remote, in) ||
           (in->handed < BY_PORTS && give(s, in, home_of(s, local, remote), BY_PORTS));
}

/*= RFC 8684 3.2
 * Demultiplexing subflow SYNs MUST be done using the token; this is unlike traditional TCP, where
 * the destination port is used for demultiplexing SYN packets. */
static bool by_token(struct plait_stack *s, const struct wire_seg *seg, struct plait_in *in)
{
    unsigned shard = s->cfg.shard;

    if (in->handed >= BY_TOKEN || !wire_mp_has(&seg->mp, WIRE_MP_JOIN))
        return false;
    if ((seg->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) == WIRE_SYN)
        shard = plait_shard_of_token(seg->mp.join.token, s->cfg.shard_n);
    else if ((seg->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) == WIRE_ACK &&
             !stack_cookie_shard(s, seg, &shard, s->now))
        return false;
    return give(s, in, shard, BY_TOKEN);
}

bool stack_shard_of_segment(struct plait_stack *s, const struct wire_seg *seg,
                            const struct tcp_wait *old, struct plait_in *in)
{
    if (s->cfg.shard_n == 1)
        return false;
    if (old == NULL)
        return by_tuple(s, &seg->dst, &seg->src, in) || by_token(s, seg, in);
    /* A younger one of the same 4-tuple may live elsewhere, or want to. */
    if (by_guest(s, &seg->dst, &seg->src, in))
        return true;
    return tcp_wait_reusable(old, seg) && by_token(s, seg, in);
}

bool stack_shard_of_icmp(struct plait_stack *s, const struct wire_icmp *icmp, struct plait_in *in)
{
    return s->cfg.shard_n > 1 && by_tuple(s, &icmp->src, &icmp->dst, in);
}

/* ---- the end, and what always holds ---------------------------------------------------------- */

void stack_shard_fini(struct plait_stack *s)
{
    struct htab_node *node, *next;

    if (s->away.env == NULL || s->guests.env == NULL)
        return;
    for (node = htab_walk(&s->away, NULL); node != NULL; node = next) {
        next = htab_walk(&s->away, node);
        away_free(s, LIST_OWNER(node, struct stack_away, node));
    }
    for (node = htab_walk(&s->guests, NULL); node != NULL; node = next) {
        next = htab_walk(&s->guests, node);
        guest_free(s, LIST_OWNER(node, struct stack_guest, node));
    }
}

/* A subflow without a place in away was made when there was no memory, which was counted. */
static bool is_known(const struct plait_stack *s, const struct plait_addr *local,
                     const struct plait_addr *remote)
{
    return stack_shard_is_home(s, local, remote) || find_away(s, local, remote) != NULL ||
           s->ctx.counter[PLAIT_REASON_NO_MEMORY] > 0;
}

bool stack_shard_check(const struct plait_stack *s)
{
    struct htab_node *n;

    if (s->cfg.shard_n == 1)
        return s->away.count == 0 && s->guests.count == 0;
    for (n = htab_walk(&s->subflows, NULL); n != NULL; n = htab_walk(&s->subflows, n)) {
        const struct tcb *t = mp_subflow_tcb(mp_subflow_of_node(n));
        assert(is_known(s, &t->local, &t->remote) && "a subflow away from home is listed");
    }
    for (n = htab_walk(&s->halves, NULL); n != NULL; n = htab_walk(&s->halves, n)) {
        const struct stack_half *h = LIST_OWNER(n, struct stack_half, node);
        assert(is_known(s, &h->tcp.local, &h->tcp.remote) && "so is a half-open one");
    }
    for (n = htab_walk(&s->tokens, NULL); n != NULL; n = htab_walk(&s->tokens, n))
        assert(stack_shard_has_token(s, (uint32_t)n->hash) && "a token names its shard");
    return true;
}

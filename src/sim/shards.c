/* SPDX-License-Identifier: Apache-2.0 */
/* Several stacks as one host, as the driver's threads run them: each shard has an inbox for packets
 * and news of the others. It reads it before it takes a packet of the network, and otherwise some
 * random time after something came, as a thread does that has to be woken up first. Called by net.c
 * for packets and by sim.c before each packet that a stack sends.
 *
 * Invariants: letters of one shard to another are read in the order in which they were written;
 * after a step nobody has news that he has not sent. */
#include "shards.h"

#include <stdlib.h>
#include <string.h>

#include "../base/addr.h"
#include "../base/be.h"
#include "../wire/wire.h"

struct sim_letter {
    struct sim_letter *next;
    struct plait_shard_news news; /* where len is 0 */
    uint8_t handed;
    uint32_t len;
    uint8_t bytes[];
};

/* ---- letters --------------------------------------------------------------------------------- */

static void read_inbox(struct sim_shards *sh, unsigned i);

static void wake(struct sim *sim, struct sim_timer *t)
{
    struct sim_shards *sh = t->ctx;

    (void)sim;
    read_inbox(sh, (unsigned)(t - sh->timer));
}

static struct sim_letter *post(struct sim_shards *sh, unsigned to, uint32_t len)
{
    struct sim_letter *l = calloc(1, sizeof *l + len);
    struct sim_timer *t = &sh->timer[to];

    if (l == NULL)
        abort();
    l->len = len;
    *sh->inbox_end[to] = l;
    sh->inbox_end[to] = &l->next;
    if (!sim_timer_runs(t)) {
        t->ctx = sh;
        t->exact = true; /* read_inbox() touches the node */
        sim_timer_set(sh->sim, t, sh->sim->now + sim_rng_below(&sh->rng, sh->wake_max + 1), wake);
    }
    return l;
}

static struct sim_letter *take(struct sim_shards *sh, unsigned i)
{
    struct sim_letter *l = sh->inbox[i];

    if (l == NULL)
        return NULL;
    sh->inbox[i] = l->next;
    if (l->next == NULL)
        sh->inbox_end[i] = &sh->inbox[i];
    return l;
}

void sim_shards_tell(struct sim_node *node)
{
    struct sim_shards *sh = node->shards;
    struct plait_shard_news news;

    while (sh != NULL && plait_shard_news_next(node->stack, &news)) {
        if (news.to >= sh->n || news.to == news.from || sh->node[news.from] != node)
            sim_fail(node->sim, "news of a shard for nobody");
        else if (!sh->deaf)
            post(sh, news.to, 0)->news = news;
        sh->news++;
    }
}

/* ---- packets --------------------------------------------------------------------------------- */

static void input(struct sim_shards *sh, unsigned i, struct plait_in *in)
{
    enum plait_reason why = sim_net_input(sh->node[i], in);

    sim_shards_tell(sh->node[i]);
    if (why != PLAIT_REASON_SHARD)
        return;
    if (in->shard >= sh->n || in->shard == i) {
        sim_fail(sh->sim, "a packet was given away to nobody");
        return;
    }
    struct sim_letter *l = post(sh, in->shard, (uint32_t)in->len);
    l->handed = in->handed;
    memcpy(l->bytes, in->ip, in->len);
    sh->handed++;
}

static void read_inbox(struct sim_shards *sh, unsigned i)
{
    struct sim_letter *l;

    while ((l = take(sh, i)) != NULL) {
        struct plait_in in = {.ip = l->bytes, .len = l->len, .handed = l->handed};
        sim_touch(sh->node[i]);
        if (l->len > 0)
            input(sh, i, &in);
        else
            (void)plait_shard_news(sh->node[i]->stack, &l->news, sh->sim->now);
        free(l);
    }
}

/* By what the packet says itself: as a filter of the kernel would. */
static unsigned home_of(const struct sim_shards *sh, const uint8_t *bytes, uint32_t len)
{
    struct wire_packet p;

    if (wire_parse(bytes, len, true, &p) != PLAIT_REASON_NONE)
        return 0;
    if (p.kind == WIRE_KIND_ICMP)
        return plait_shard_of_ports(p.icmp.src.port, p.icmp.dst.port, sh->n);
    return plait_shard_of_ports(p.seg.dst.port, p.seg.src.port, sh->n);
}

void sim_shards_arrive(struct sim_shards *sh, const uint8_t *bytes, uint32_t len)
{
    struct plait_in in = {.ip = bytes, .len = len};
    unsigned i = sh->astray ? (unsigned)sim_rng_below(&sh->rng, sh->n) : home_of(sh, bytes, len);

    read_inbox(sh, i);
    if (sh->deaf)
        in.handed = UINT8_MAX;
    input(sh, i, &in);
}

/* ---- birth and death ------------------------------------------------------------------------- */

void sim_shards_init(struct sim_shards *sh, struct sim_node *const *node, unsigned n)
{
    *sh = (struct sim_shards){.sim = node[0]->sim, .n = n};
    sim_rng_init(&sh->rng, sim_rng_u64(&sh->sim->rng));
    for (unsigned i = 0; i < n; i++) {
        sh->node[i] = node[i];
        sh->inbox_end[i] = &sh->inbox[i];
        node[i]->shards = sh;
    }
}

void sim_shards_fini(struct sim_shards *sh)
{
    struct sim_letter *l;

    for (unsigned i = 0; i < sh->n; i++) {
        while ((l = take(sh, i)) != NULL)
            free(l);
        sim_timer_stop(sh->sim, &sh->timer[i]);
        sh->node[i]->shards = NULL;
    }
}

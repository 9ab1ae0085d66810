/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include <string.h>

void scene_init(struct scene *s, bool mptcp, const struct plait_config *victim)
{
    struct plait_config cfg, mine;

    plait_config_init(&cfg);
    mine = victim != NULL ? *victim : cfg;
    cfg.conn.mptcp = mine.conn.mptcp = mptcp;
    kit_init(&s->client, 1, &cfg);
    kit_init(&s->victim, 2, &mine);
    s->listener = kit_listen(&s->victim, 80);
    s->aimed = kit_connect(&s->client, &s->victim, s->listener);
    s->other = kit_connect(&s->client, &s->victim, s->listener);
    struct list *first = s->aimed.b->mp->subflows.next;
    s->sub = LIST_OWNER(first, struct mp_subflow, in_conn);
    scene_talk(s, &s->aimed);
}

struct kit_seg scene_seg(const struct scene *s)
{
    const struct tcb *t = &s->sub->tcb;

    return (struct kit_seg){
        .src = t->remote,
        .dst = t->local,
        .seq = t->rcv_nxt,
        .ack = t->sndq.nxt,
        .flags = WIRE_ACK,
        .opt = {.has_ts = t->ts_on, .tsval = t->ts_recent, .tsecr = t->ts_offset},
    };
}

void scene_expect(struct scene *s, const struct kit_seg *seg, enum plait_reason reason)
{
    uint64_t before = plait_counter(s->victim.stack, reason);
    enum plait_reason why = kit_input(&s->victim, seg);

    assert_true(why == PLAIT_REASON_NONE || why == reason);
    assert_int_equal(plait_counter(s->victim.stack, reason), before + 1);
}

static void say(struct scene *s, struct plait_conn *from, struct plait_conn *to, uint8_t what)
{
    uint8_t out[3000], in[sizeof out];

    for (unsigned i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(what + i % 251);
    assert_int_equal(plait_send(from, out, sizeof out, s->client.now), sizeof out);
    kit_wait(&s->client, &s->victim, 300 * PLAIT_MSEC);
    assert_int_equal(plait_recv(to, in, sizeof in, s->client.now), sizeof in);
    assert_memory_equal(out, in, sizeof in);
}

void scene_talk(struct scene *s, struct kit_pair *p)
{
    say(s, p->a, p->b, 1);
    say(s, p->b, p->a, 2);
}

struct wire_seg scene_answer(struct scene *s)
{
    struct wire_packet p;

    assert_true(kit_output(&s->victim, &p));
    return p.seg;
}

void scene_fini(struct scene *s, bool aimed_lives)
{
    kit_exchange(&s->client, &s->victim);
    if (aimed_lives)
        scene_talk(s, &s->aimed);
    scene_talk(s, &s->other);
    kit_fini(&s->client);
    kit_fini(&s->victim);
}

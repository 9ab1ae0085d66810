/* SPDX-License-Identifier: Apache-2.0 */
/* The way out: answers to strangers, SYN/ACKs that are due, then the dirty connections,
 * round robin. Called by the owner of the stack until it answers that nothing is left.
 *
 * Output is a transaction: a plan that is not committed has changed nothing. What was planned is
 * kept in the stack until the next call; any other call forgets it. Idle connections cost nothing
 * here: one that has nothing to say leaves the dirty list. RFC 9293 3.10.7.1 and 3.5.2 (resets),
 * RFC 8684 3.6. */
#include "stack_int.h"

#include <assert.h>
#include <string.h>

/* ---- packets of no connection ---------------------------------------------------------------- */

/* They are made when they are queued: what they answer is forgotten then. */
static enum plait_reason queue_reply(struct plait_stack *s, const struct wire_emit *how)
{
    if (s->reply_n == STACK_REPLIES_MAX)
        return PLAIT_REASON_NO_MEMORY;
    struct stack_reply *r = &s->reply[(s->reply_first + s->reply_n) % STACK_REPLIES_MAX];
    r->src = *how->src;
    r->dst = *how->dst;
    r->head_len = (uint8_t)wire_emit_headers(how, r->head, &r->ip_len);
    assert(r->head_len != 0 && "options fit the header");
    s->reply_n++;
    return PLAIT_REASON_NONE;
}

void stack_reset(struct plait_stack *s, const struct wire_seg *seg, enum plait_reason why)
{
    struct wire_mp mp = {0};
    struct tcp_plan rst;

    if (!tcp_reset_for(seg, &rst))
        return;
    if (why != PLAIT_REASON_NONE)
        mp_tcprst(why, &mp);
    else
        stack_fastclose_again(s, seg, &mp);
    if (queue_reply(s, &(struct wire_emit){.src = &seg->dst,
                                           .dst = &seg->src,
                                           .seq = rst.seq,
                                           .ack = rst.ack,
                                           .flags = rst.flags,
                                           .opt = rst.has_opt ? &rst.opt : NULL,
                                           .mp = mp.present != 0 ? &mp : NULL}) != 0)
        ctx_count(&s->ctx, PLAIT_REASON_NO_MEMORY);
}

static void set_out(const struct plait_stack *s, const struct plait_addr *src,
                    const struct plait_addr *dst, struct plait_out *out)
{
    const struct plait_local *local = mp_local_find(&s->locals, src);

    out->src = *src;
    out->dst = *dst;
    out->ifindex = local != NULL ? local->ifindex : 0;
}

static bool plan_reply(struct plait_stack *s, struct plait_out *out)
{
    const struct stack_reply *r = &s->reply[s->reply_first];

    s->planned = STACK_PLANNED_REPLY;
    set_out(s, &r->src, &r->dst, out);
    out->payload_len = 0;
    out->head_len = r->head_len;
    out->ip_len = r->ip_len;
    memcpy(out->head, r->head, r->head_len);
    return true;
}

/* ---- packets of connections ------------------------------------------------------------------ */

static bool emit(const struct plait_stack *s, const struct wire_emit *how, struct plait_out *out)
{
    set_out(s, how->src, how->dst, out);
    out->payload_len = how->payload_len;
    out->head_len = (uint8_t)wire_emit_headers(how, out->head, &out->ip_len);
    assert(out->head_len != 0 && "options fit the header");
    return out->head_len != 0;
}

static struct wire_emit emit_of(const struct tcp_plan *plan, const struct wire_mp *mp)
{
    return (struct wire_emit){
        .seq = plan->seq,
        .ack = plan->ack,
        .wnd = plan->wnd,
        .flags = plan->flags,
        .ecn = plan->ecn,
        .opt = plan->has_opt ? &plan->opt : NULL,
        .mp = mp,
        .payload_len = plan->len,
    };
}

enum plait_reason stack_reply_synack(struct stack_half *h, plait_time now)
{
    const struct mp_config *cfg = stack_half_config(h);
    struct wire_mp mp = {0};
    struct tcp_plan plan;

    tcp_half_plan(&h->tcp, cfg->rcvbuf_init, now, &plan);
    mp_half_options(&h->mp, cfg, &mp);
    struct wire_emit how = emit_of(&plan, mp.present != 0 ? &mp : NULL);
    how.src = &h->tcp.local;
    how.dst = &h->tcp.remote;
    return queue_reply(h->stack, &how);
}

void stack_reply_wait(struct plait_stack *s, const struct mp_wait *w, plait_time now)
{
    struct tcp_plan plan;
    struct wire_mp mp;

    mp_wait_plan(w, now, &plan, &mp);
    struct wire_emit how = emit_of(&plan, mp.present != 0 ? &mp : NULL);
    how.src = &w->tcp.local;
    how.dst = &w->tcp.remote;
    if (queue_reply(s, &how) != PLAIT_REASON_NONE)
        ctx_count(&s->ctx, PLAIT_REASON_NO_MEMORY);
}

static bool plan_half(struct plait_stack *s, plait_time now, struct plait_out *out)
{
    struct stack_half *h = LIST_OWNER(s->half_due.next, struct stack_half, due);
    const struct mp_config *cfg = stack_half_config(h);
    struct wire_mp mp = {0};
    struct tcp_plan plan;

    if (!tcp_half_plan(&h->tcp, cfg->rcvbuf_init, now, &plan)) {
        h->tcp.due = false;
        list_del(&h->due);
        return false;
    }
    mp_half_options(&h->mp, cfg, &mp);
    s->planned = STACK_PLANNED_HALF;
    s->planned_half = h;
    struct wire_emit how = emit_of(&plan, mp.present != 0 ? &mp : NULL);
    how.src = &h->tcp.local;
    how.dst = &h->tcp.remote;
    return emit(s, &how, out);
}

static void add_views(const struct mp_plan *plan, struct plait_out *out)
{
    size_t sum = 0;

    assert(plan->view_n <= PLAIT_VIEWS_MAX && "views fit");
    for (uint32_t i = 0; i < plan->view_n; i++) {
        out->view[i] = (struct plait_view){plan->view[i].data, plan->view[i].len};
        sum += plan->view[i].len;
    }
    assert(sum == plan->tcp.len && "the views are the payload");
    out->view_n = (uint8_t)plan->view_n;
    out->gso_size = plan->tcp.len > plan->tcp.gso_size ? plan->tcp.gso_size : 0;
}

static bool emit_plan(struct plait_stack *s, struct plait_out *out)
{
    const struct tcb *t = mp_subflow_tcb(s->plan.subflow);
    struct wire_emit how = emit_of(&s->plan.tcp, s->plan.has_mp ? &s->plan.mp : NULL);

    how.src = &t->local;
    how.dst = &t->remote;
    add_views(&s->plan, out);
    return emit(s, &how, out);
}

/* The first dirty connection that has something to say; those before it leave the list. */
static bool plan_conn(struct plait_stack *s, plait_time now, struct plait_out *out)
{
    while (!list_empty(&s->dirty)) {
        struct plait_conn *c = LIST_OWNER(s->dirty.next, struct plait_conn, dirty);
        if (mp_plan(c->mp, now, &s->plan)) {
            s->planned = STACK_PLANNED_CONN;
            s->planned_conn = c;
            return emit_plan(s, out);
        }
        list_del(&c->dirty);
        stack_settle(c, now);
    }
    return false;
}

bool plait_output_plan(struct plait_stack *s, plait_time now, struct plait_out *out)
{
    stack_begin(s, now);
    out->view_n = 0;
    out->gso_size = 0;
    if (s->reply_n > 0)
        return plan_reply(s, out);
    while (!list_empty(&s->half_due))
        if (plan_half(s, now, out))
            return true;
    return plan_conn(s, now, out);
}

static void commit_conn(struct plait_conn *c, const struct mp_plan *plan, plait_time now)
{
    if (plan->has_mp && wire_mp_has(&plan->mp, WIRE_MP_FASTCLOSE) && plan->tcp.why == TCP_WHY_RST)
        stack_fastclose_sent(c->stack, mp_subflow_tcb(plan->subflow), plan->mp.fastclose_key, now);
    mp_commit(c->mp, plan, now);
    list_del(&c->dirty);
    stack_touch(c, now); /* to the end of the list: round robin */
}

void plait_output_commit(struct plait_stack *s, plait_time now)
{
    enum stack_planned what = s->planned;

    assert(what != STACK_PLANNED_NOTHING &&
           "a plan precedes its commit, with no other call between");
    stack_begin(s, now);
    if (what == STACK_PLANNED_REPLY) {
        s->reply_first = (s->reply_first + 1) % STACK_REPLIES_MAX;
        s->reply_n--;
    } else if (what == STACK_PLANNED_HALF) {
        stack_half_sent(s->planned_half, now);
    } else if (what == STACK_PLANNED_CONN) {
        commit_conn(s->planned_conn, &s->plan, now);
    }
    s->packets_out++;
    stack_end(s);
}

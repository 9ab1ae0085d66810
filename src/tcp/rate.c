/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the path delivers, and sending no faster than an algorithm says.
 *
 * Only for a congestion control that goes by rates (cc_ops.own_size > 0): then tcp_loss.rate is
 * memory of its own, and each record remembers what was so when it was sent. Everybody else pays a
 * look at that pointer. Called by loss.c and rack.c in the order of an ACK's steps, and by the tcb.
 *
 * A sample is what was delivered from a segment's departure until its ACK, by the longer one of the
 * time in which it was acknowledged and the time in which it was sent: so ACKs that come in a bunch
 * do not look like a fast path (draft-ietf-ccwg-bbr 4.1). Where the path was not full by the
 * application's doing, a sample says so: and for a subflow that is its scheduler's doing too, who
 * gave the data to another one.
 *
 * Pacing: each segment puts off the next by its length at that rate, in nanoseconds, for the
 * deadline has microseconds and a super-segment at 10 Gbit/s takes 52. Who comes too late for his
 * time may catch up on one quantum. held is the answer as of the last call that knew the time.
 * Probes, and what is not data, are never held. */
#include "loss_int.h"

#include <assert.h>
#include <string.h>

enum { NS = 1000 };
#define HOLD_MAX (PLAIT_SEC * NS) /* no segment holds back the next for longer */

static size_t size_of(const struct cc_ops *ops)
{
    return sizeof(struct tcp_rate) + ops->own_size;
}

/* The memory is there. */
static void start(struct tcp_loss *l, uint32_t seed)
{
    struct cc_own *own = (struct cc_own *)(void *)(l->rate + 1);

    memset(l->rate, 0, size_of(l->cc.ops));
    own->seed = seed;
    cc_attach(&l->cc, own);
}

int tcp_rate_init(struct tcp_loss *l, const struct plait_env *env, uint32_t seed)
{
    const struct cc_ops *ops = l->cc.ops;

    if (ops->own_size == 0 || l->rate != NULL)
        return 0;
    assert(ops->own_size >= sizeof(struct cc_own) && "it begins with what tcp reads");
    l->rate = env->alloc(env->ctx, size_of(ops));
    if (l->rate == NULL)
        return PLAIT_ENOMEM;
    start(l, seed);
    return 0;
}

void tcp_rate_keep(struct tcp_loss *l, const struct tcp_loss *old)
{
    if (old->rate == NULL)
        return;
    l->rate = old->rate;
    start(l, old->cc.own->seed);
}

void tcp_rate_fini(struct tcp_loss *l, const struct plait_env *env)
{
    if (l->rate == NULL)
        return;
    env->free(env->ctx, l->rate, size_of(l->cc.ops));
    l->rate = NULL;
    l->cc.own = NULL;
}

/* ---- samples --------------------------------------------------------------------------------- */

void tcp_rate_app_limited(struct tcp_loss *l, const struct tcp_sndq *q)
{
    l->rate->app_limited = true;
    l->rate->limited_until = l->rate->delivered + tcp_sndq_flight(q);
}

/* The time between two moments, as records keep it. */
static uint32_t age(plait_time from, plait_time to)
{
    return to - from < UINT32_MAX ? (uint32_t)(to - from) : UINT32_MAX;
}

/* Was nothing in flight but what s sent? A probe that repeats something was in flight before. */
static bool into_empty_path(const struct tcp_sndq *q, const struct tcp_sent *s,
                            const struct tcp_rec *first)
{
    if (s->rtx && (first->flags & TCP_REC_PROBE) != 0)
        return false;
    return tcp_sndq_flight(q) <= s->len;
}

static void pace(struct tcp_loss *l, uint32_t len, plait_time now)
{
    uint64_t rate = l->cc.own->pacing_rate, credit, delay, at = now * NS;
    struct tcp_rate *r = l->rate;

    if (rate == 0)
        return;
    credit = (uint64_t)l->cc.own->quantum * PLAIT_SEC * NS / rate;
    delay = (uint64_t)len * PLAIT_SEC * NS / rate;
    credit = credit < HOLD_MAX ? credit : HOLD_MAX;
    if (at > credit && r->next_ns < at - credit)
        r->next_ns = at - credit;
    r->next_ns += delay < HOLD_MAX ? delay : HOLD_MAX;
    tcp_rate_refresh(l, now);
}

void tcp_rate_sent(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_sent *s, plait_time now)
{
    struct tcp_rate *r = l->rate;
    struct tcp_rec *rec;
    uint32_t i;

    if (tcp_sndq_rec_at(q, s->seq, &i) == NULL)
        return;
    if (into_empty_path(q, s, tcp_sndq_rec(q, i)))
        r->first_sent = r->delivered_at = now;
    for (; i < q->f->recs.count && seq_lt(tcp_sndq_rec(q, i)->seq, s->seq + s->len); i++) {
        rec = tcp_sndq_rec(q, i);
        rec->rate = (struct tcp_rec_rate){
            .delivered = r->delivered, .lost = r->lost, .in_flight = tcp_sndq_flight(q),
            .ack_age = age(r->delivered_at, now), .send_age = age(r->first_sent, now),
        };
        rec->flags = (uint16_t)(r->app_limited ? rec->flags | TCP_REC_APP_LIMITED
                                               : rec->flags & ~(unsigned)TCP_REC_APP_LIMITED);
    }
    pace(l, s->len, now);
}

void tcp_rate_begin(struct tcp_loss *l)
{
    l->rate->any = false;
}

/* Of what this ACK delivers the segment that was sent last makes the sample. */
static bool is_newest(const struct tcp_rate *r, const struct tcp_rec *rec, uint32_t end)
{
    if (!r->any || rec->sent > r->first_sent)
        return true;
    return rec->sent == r->first_sent && seq_gt(end, r->newest_end);
}

void tcp_rate_delivered(struct tcp_loss *l, const struct tcp_ackctx *a, const struct tcp_rec *rec,
                        uint32_t end)
{
    struct tcp_rate *r = l->rate;

    r->delivered += end - rec->seq;
    r->delivered_at = a->now;
    if (!is_newest(r, rec, end))
        return;
    r->any = true;
    r->newest = rec->rate;
    r->newest_end = end;
    r->newest_limited = (rec->flags & TCP_REC_APP_LIMITED) != 0;
    r->send_elapsed = rec->rate.send_age;
    r->ack_elapsed = a->now - rec->sent + rec->rate.ack_age;
    r->first_sent = rec->sent;
}

/* The round trip of the segment sent last, where it is known which transmission is answered. */
static plait_time newest_rtt(const struct tcp_ackctx *a)
{
    plait_time sent = a->rtx_echoed;

    if (!a->rtx_acked && a->last_acked != PLAIT_NEVER)
        sent = a->last_acked;
    if (a->last_sacked != PLAIT_NEVER && (sent == PLAIT_NEVER || a->last_sacked > sent))
        sent = a->last_sacked;
    if (sent == PLAIT_NEVER)
        return 0;
    return a->now > sent ? a->now - sent : 1;
}

/* An interval below the lowest round trip is that of a retransmission whose original arrived. */
static uint64_t rate_of(const struct tcp_loss *l, uint32_t delivered)
{
    const struct tcp_rate *r = l->rate;
    plait_time interval =
        r->send_elapsed > r->ack_elapsed ? r->send_elapsed : r->ack_elapsed;

    if (interval == 0 || l->rtt.min_rtt == PLAIT_NEVER || interval < l->rtt.min_rtt)
        return 0;
    return (uint64_t)delivered * PLAIT_SEC / interval;
}

void tcp_rate_end(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    struct tcp_rate *r = l->rate;
    struct cc_sample s = {
        .now = a->now, .srtt = l->rtt.srtt, .newly = a->delivered, .total = r->delivered,
        .prior = r->newest.delivered, .delivered = r->delivered - r->newest.delivered,
        .lost = r->lost - r->newest.lost, .tx_in_flight = r->newest.in_flight,
        .flight = tcp_sndq_flight(q), .app_limited = r->newest_limited,
        .cwnd_limited = l->f->cwnd_limited, .recovering = l->f->state != TCP_LOSS_OPEN,
    };

    if (r->app_limited && seq_gt(r->delivered, r->limited_until))
        r->app_limited = false;
    if (!r->any)
        return;
    s.rtt = newest_rtt(a);
    s.rate = rate_of(l, s.delivered);
    l->cc.ops->on_sample(&l->cc, &s);
    if (l->cc.own->app_limited)
        tcp_rate_app_limited(l, q);
    l->cc.own->app_limited = false;
}

void tcp_rate_lost(struct tcp_loss *l, const struct tcp_rec *rec, plait_time now)
{
    struct tcp_rate *r = l->rate;
    struct cc_lost lost;

    r->lost += rec->len;
    lost = (struct cc_lost){
        .now = now, .seq = rec->seq, .len = rec->len, .lost = r->lost - rec->rate.lost,
        .tx_in_flight = rec->rate.in_flight, .total = r->delivered,
        .app_limited = (rec->flags & TCP_REC_APP_LIMITED) != 0,
    };
    l->cc.ops->on_lost(&l->cc, &lost);
}

/* ---- pacing ---------------------------------------------------------------------------------- */

bool tcp_rate_holds(const struct tcp_loss *l, plait_time now)
{
    return l->rate != NULL && l->rate->next_ns > now * NS;
}

void tcp_rate_refresh(struct tcp_loss *l, plait_time now)
{
    if (l->rate != NULL)
        l->rate->held = tcp_rate_holds(l, now);
}

plait_time tcp_rate_deadline(const struct tcp_loss *l)
{
    if (l->rate == NULL || !l->rate->held)
        return PLAIT_NEVER;
    return (l->rate->next_ns + NS - 1) / NS;
}

uint32_t tcp_rate_quantum(const struct tcp_loss *l)
{
    return l->rate != NULL && l->cc.own->pacing_rate > 0 ? l->cc.own->quantum : UINT32_MAX;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See lossnet.h. */
#include "lossnet.h"

#include <stdlib.h>
#include <string.h>

static void *env_alloc(void *ctx, size_t size)
{
    int64_t *fail_in = ctx;

    if (*fail_in == 0)
        return NULL;
    if (*fail_in > 0)
        (*fail_in)--;
    return aligned_alloc(64, (size + 63) & ~(size_t)63);
}

static void env_free(void *ctx, void *mem, size_t size)
{
    free(mem);
}

static void checked(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    assert_true(tcp_sndq_check(q));
    assert_true(tcp_loss_check(l, q));
}

/* ---- by hand ----------------------------------------------------------------------------------
 * */

static void transmit(struct rig *r, uint32_t seq, uint32_t len, unsigned kind)
{
    struct tcp_sent s = { .seq = seq, .len = len, .rtx = seq_lt(seq, r->q.nxt) };

    s.tsval = (uint32_t)(r->now / 1000);
    assert_int_equal(tcp_sndq_sent(&r->q, seq, len, kind, r->now), 0);
    tcp_loss_on_sent(&r->l, &r->q, &s, r->now);
    checked(&r->l, &r->q);
}

static void input(struct rig *r, uint32_t ack)
{
    struct tcp_ack_in in = { .seg = &r->seg, .ts_on = r->ts, .now = r->now };

    r->seg.ack = ack;
    r->seg.flags |= WIRE_ACK;
    r->seg.opt.has_ts = r->ts;
    r->seg.opt.tsecr = r->tsecr;
    tcp_loss_on_ack(&r->l, &r->q, &in, &r->out);
    checked(&r->l, &r->q);
}

void rig_open(struct rig *r, const struct cc_ops *cc, plait_time rtt, uint32_t cwnd)
{
    memset(r, 0, sizeof *r);
    r->fail_in = -1;
    r->env = (struct plait_env){ .ctx = &r->fail_in, .alloc = env_alloc, .free = env_free };
    r->base = 0xffffe000; /* sequence numbers wrap */
    tcp_sndq_init(&r->q, &r->env, r->base - 1, 10000);
    tcp_loss_init(&r->l, cc, RIG_MSS, 200000);
    r->now = PLAIT_SEC - rtt;
    transmit(r, r->base - 1, 1, TCP_REC_SYN);
    r->now = PLAIT_SEC;
    input(r, r->base);
    assert_true(r->out.syn_acked);
    assert_int_equal(r->out.rtt, rtt);
    r->l.cc.cwnd = cwnd;
    r->l.cc.ssthresh = cwnd;
}

void rig_close(struct rig *r)
{
    tcp_sndq_fini(&r->q);
    tcp_undo_end(&r->l, &r->env);
}

void rig_push(struct rig *r, uint32_t n)
{
    uint64_t pos = r->q.end - r->base;

    assert_int_equal(tcp_sndq_push(&r->q, pos, n * RIG_MSS, 0, 65536), 0);
}

void rig_send(struct rig *r, uint32_t n)
{
    rig_push(r, n);
    for (; n > 0; n--)
        transmit(r, r->q.nxt, RIG_MSS, 0);
}

void rig_send_super(struct rig *r, uint32_t n)
{
    rig_push(r, n);
    transmit(r, r->q.nxt, n * RIG_MSS, 0);
}

void rig_rtx(struct rig *r, uint32_t lo, uint32_t hi)
{
    for (; lo < hi; lo++)
        transmit(r, r->base + lo * RIG_MSS, RIG_MSS, 0);
}

void rig_ack_blocks(struct rig *r, uint32_t ack, const struct rig_blocks *b)
{
    r->seg.opt.sack_n = (uint8_t)b->n;
    for (uint32_t i = 0; i < b->n; i++) {
        r->seg.opt.sack[i].lo = r->base + b->lo[i] * RIG_MSS;
        r->seg.opt.sack[i].hi = r->base + b->hi[i] * RIG_MSS;
    }
    input(r, r->base + ack * RIG_MSS);
}

void rig_ack_bytes(struct rig *r, uint32_t ack, uint32_t lo, uint32_t hi)
{
    r->seg.opt.sack_n = 1;
    r->seg.opt.sack[0].lo = r->base + lo;
    r->seg.opt.sack[0].hi = r->base + hi;
    input(r, r->base + ack * RIG_MSS);
}

void rig_ack(struct rig *r, uint32_t ack, uint32_t lo1, uint32_t hi1)
{
    struct rig_blocks b = { .n = lo1 != hi1 ? 1 : 0, .lo = { lo1 }, .hi = { hi1 } };

    rig_ack_blocks(r, ack, &b);
}

uint32_t rig_pump(struct rig *r)
{
    uint32_t n = 0;

    for (;;) {
        const struct tcp_rec *lost = tcp_loss_next_lost(&r->l, &r->q);
        if (tcp_loss_quota(&r->l, &r->q) < RIG_MSS)
            return n;
        if (lost != NULL)
            transmit(r, lost->seq, lost->len < RIG_MSS ? lost->len : RIG_MSS, 0);
        else if (tcp_sndq_unsent(&r->q) > 0 && r->q.f->recs.count < r->q.recs_max)
            transmit(r, r->q.nxt, RIG_MSS, 0);
        else
            return n;
        n++;
    }
}

enum tcp_loss_timer rig_expire(struct rig *r)
{
    enum tcp_loss_timer what;

    assert_true(r->l.f->deadline != PLAIT_NEVER);
    if (r->now < r->l.f->deadline)
        r->now = r->l.f->deadline;
    what = tcp_loss_expire(&r->l, &r->q, r->now);
    checked(&r->l, &r->q);
    return what;
}

unsigned rig_flags(struct rig *r, uint32_t n)
{
    const struct tcp_rec *rec = tcp_sndq_rec_at(&r->q, r->base + n * RIG_MSS, NULL);

    assert_non_null(rec);
    return rec->flags;
}

/* ---- a network --------------------------------------------------------------------------------
 * */

enum { PACKETS_MAX = 4096, RANGES_MAX = 512 };

struct packet {
    plait_time at;
    uint64_t serial;
    bool is_ack;
    uint32_t seq, len, tsval; /* data */
    struct wire_seg ack;
};

struct net {
    struct net_setup s;
    uint64_t dice, serial;
    plait_time now;
    int64_t fail_in;
    struct plait_env env;
    struct tcp_sndq q;
    struct tcp_loss l;
    uint32_t iss;
    uint64_t pushed;
    struct packet fly[PACKETS_MAX];
    uint32_t fly_n;
    /* the receiver */
    uint32_t rcv_nxt, ts_recent;
    struct tcp_sack_range held[RANGES_MAX]; /* ascending */
    uint32_t held_n, last_seq, unacked;
    plait_time ack_at;
    plait_time retry_at; /* there was no memory for a record */
    struct net_result res;
};

static uint64_t roll(struct net *n, uint64_t below)
{
    n->dice ^= n->dice << 13;
    n->dice ^= n->dice >> 7;
    n->dice ^= n->dice << 17;
    return (n->dice * 0x2545f4914f6cdd1dull >> 11) % below;
}

static struct packet *fly(struct net *n, unsigned loss)
{
    struct packet *p;
    bool dead = n->now >= n->s.dead_from && n->now < n->s.dead_until;

    if (roll(n, 1000) < loss || dead || n->fly_n == PACKETS_MAX)
        return NULL;
    p = &n->fly[n->fly_n++];
    memset(p, 0, sizeof *p);
    p->at = n->now + n->s.delay + (n->s.jitter > 0 ? roll(n, n->s.jitter) : 0);
    p->serial = n->serial++;
    return p;
}

static uint32_t ticks(const struct net *n)
{
    return (uint32_t)(n->now / 1000) + 0xfffffff0u;
}

static bool emit(struct net *n, uint32_t seq, uint32_t len, unsigned kind)
{
    struct tcp_sent s = { .seq = seq, .len = len, .rtx = seq_lt(seq, n->q.nxt), .tsval = ticks(n) };

    if (n->s.no_memory)
        n->fail_in = roll(n, 4) == 0 ? 0 : -1;
    if (tcp_sndq_sent(&n->q, seq, len, kind, n->now) != 0) {
        assert_true(tcp_sndq_check(&n->q));
        n->fail_in = -1;
        n->retry_at = n->now + 10000;
        return false;
    }
    n->fail_in = -1;
    tcp_loss_on_sent(&n->l, &n->q, &s, n->now);
    checked(&n->l, &n->q);
    n->res.sent += len;
    for (uint32_t off = 0; off < len; off += n->s.mss) {
        unsigned copies = roll(n, 1000) < n->s.dup ? 2 : 1;
        n->res.packets++;
        while (copies-- > 0) {
            struct packet *p = fly(n, n->s.loss);
            if (p == NULL)
                continue;
            p->seq = seq + off;
            p->len = len - off < n->s.mss ? len - off : n->s.mss;
            p->tsval = s.tsval;
        }
    }
    return true;
}

/* One segment as the quota allows; false: nothing may be sent. */
static bool send_one(struct net *n, bool probe)
{
    const struct tcp_rec *lost = probe ? NULL : tcp_loss_next_lost(&n->l, &n->q);
    uint32_t quota = tcp_loss_quota(&n->l, &n->q), max = n->s.super * n->s.mss, len, seq;
    struct tcp_chunk *c;

    if (quota == 0 || (quota < n->s.mss && tcp_sndq_flight(&n->q) > 0))
        return false;
    len = quota > n->s.mss ? quota - quota % n->s.mss : quota;
    len = probe ? n->s.mss : len < max ? len : max;
    if (lost != NULL)
        return emit(n, lost->seq, lost->len < len ? lost->len : len, 0);
    if (tcp_sndq_unsent(&n->q) > 0) {
        c = tcp_sndq_chunk_at(&n->q, n->q.nxt);
        assert_non_null(c);
        if (c->seq + c->len - n->q.nxt < len)
            len = c->seq + c->len - n->q.nxt;
        return emit(n, n->q.nxt, len, probe ? TCP_REC_PROBE : 0);
    }
    if (n->pushed == n->s.bytes && n->q.nxt == n->q.end)
        return emit(n, n->q.nxt, 1, TCP_REC_FIN);
    return probe && tcp_loss_probe(&n->l, &n->q, &seq, &len) && emit(n, seq, len, TCP_REC_PROBE);
}

static void pump(struct net *n)
{
    uint32_t sent = 0;

    while (n->pushed < n->s.bytes && tcp_sndq_unsent(&n->q) < 4 * n->s.super * n->s.mss) {
        uint32_t len = (uint32_t)roll(n, n->s.super * n->s.mss) + 1;
        if (len > n->s.bytes - n->pushed)
            len = (uint32_t)(n->s.bytes - n->pushed);
        if (tcp_sndq_push(&n->q, n->pushed, len, 0, 65536) != 0)
            break;
        n->pushed += len;
    }
    if (tcp_loss_want(&n->l, &n->q) == TCP_WANT_PROBE)
        send_one(n, true);
    while (send_one(n, false))
        assert_true(sent++ < 100000);
}

/* ---- the receiver */

static void hold(struct net *n, uint32_t lo, uint32_t hi)
{
    struct tcp_sack_range kept[RANGES_MAX + 1];
    uint32_t k = 0;
    bool in = false;

    for (uint32_t i = 0; i < n->held_n; i++) {
        struct tcp_sack_range h = n->held[i];
        if (seq_lt(h.hi, lo)) {
            kept[k++] = h;
        } else if (seq_gt(h.lo, hi)) {
            if (!in)
                kept[k++] = (struct tcp_sack_range){ lo, hi };
            in = true;
            kept[k++] = h;
        } else {
            lo = seq_min(lo, h.lo);
            hi = seq_max(hi, h.hi);
        }
    }
    if (!in)
        kept[k++] = (struct tcp_sack_range){ lo, hi };
    assert_true(k <= RANGES_MAX);
    memcpy(n->held, kept, k * sizeof kept[0]);
    n->held_n = k;
    while (n->held_n > 0 && seq_le(n->held[0].lo, n->rcv_nxt)) {
        n->rcv_nxt = seq_max(n->rcv_nxt, n->held[0].hi);
        memmove(n->held, n->held + 1, --n->held_n * sizeof n->held[0]);
    }
}

static bool holds(const struct net *n, uint32_t lo, uint32_t hi)
{
    if (seq_le(hi, n->rcv_nxt))
        return true;
    for (uint32_t i = 0; i < n->held_n; i++)
        if (seq_le(n->held[i].lo, lo) && seq_le(hi, n->held[i].hi))
            return true;
    return false;
}

static void add_block(struct net *n, struct wire_tcpopts *opt, uint32_t i)
{
    for (uint32_t k = 0; k < opt->sack_n; k++)
        if (opt->sack[k].lo == n->held[i].lo)
            return;
    if (opt->sack_n >= n->s.blocks)
        return;
    opt->sack[opt->sack_n].lo = n->held[i].lo;
    opt->sack[opt->sack_n++].hi = n->held[i].hi;
}

static void send_ack(struct net *n, const struct packet *dup)
{
    struct packet *p = fly(n, n->s.ack_loss);

    n->unacked = 0;
    n->ack_at = PLAIT_NEVER;
    if (p == NULL)
        return;
    p->is_ack = true;
    p->ack.flags = WIRE_ACK;
    p->ack.ack = n->rcv_nxt;
    p->ack.opt.has_ts = n->s.ts;
    p->ack.opt.tsecr = n->ts_recent;
    if (!n->s.sack)
        return;
    if (dup != NULL && n->s.dsack) {
        p->ack.opt.sack[0].lo = dup->seq;
        p->ack.opt.sack[0].hi = dup->seq + dup->len;
        p->ack.opt.sack_n = 1;
    }
    for (uint32_t i = 0; i < n->held_n; i++)
        if (seq_le(n->held[i].lo, n->last_seq) && seq_lt(n->last_seq, n->held[i].hi))
            add_block(n, &p->ack.opt, i);
    for (uint32_t i = n->held_n; i-- > 0;)
        add_block(n, &p->ack.opt, i);
}

static void receive(struct net *n, const struct packet *p)
{
    bool dup = holds(n, p->seq, p->seq + p->len), hole = n->held_n > 0;

    if (n->s.renege && roll(n, 50) == 0)
        n->held_n = 0;
    if (seq_le(p->seq, n->rcv_nxt) && n->unacked == 0)
        n->ts_recent = p->tsval;
    if (dup) {
        n->res.spurious_packets++;
        send_ack(n, p);
        return;
    }
    if (seq_lt(p->seq, n->rcv_nxt) && seq_gt(p->seq + p->len, n->rcv_nxt))
        hold(n, n->rcv_nxt, p->seq + p->len);
    else
        hold(n, p->seq, p->seq + p->len);
    n->last_seq = p->seq;
    n->unacked++;
    if (hole || n->held_n > 0 || n->unacked >= 2)
        send_ack(n, NULL);
    else if (n->ack_at == PLAIT_NEVER)
        n->ack_at = n->now + 40000;
}

static void arrive(struct net *n, const struct packet *p)
{
    struct tcp_ack_in in = { .seg = &p->ack, .ts_on = n->s.ts, .now = n->now };
    struct tcp_ack_out out;

    if (!p->is_ack) {
        receive(n, p);
        return;
    }
    if (seq_lt(p->ack.ack, n->q.una))
        return;
    tcp_loss_on_ack(&n->l, &n->q, &in, &out);
    assert_false(out.bogus_sack);
    assert_true(out.acked_data <= out.acked);
    checked(&n->l, &n->q);
    pump(n);
}

static void expire(struct net *n)
{
    enum tcp_loss_timer what = tcp_loss_expire(&n->l, &n->q, n->now);

    assert_true(what != TCP_TIMER_NONE);
    n->res.rto_n += what == TCP_TIMER_RTO ? 1 : 0;
    checked(&n->l, &n->q);
    assert_true(n->l.f->deadline > n->now || n->l.f->timer == TCP_TIMER_NONE);
    pump(n);
}

/* What comes next happens. False: nothing ever will. */
static bool step(struct net *n)
{
    uint32_t first = n->fly_n;
    plait_time at = n->l.f->deadline < n->ack_at ? n->l.f->deadline : n->ack_at;
    struct packet p;

    at = at < n->retry_at ? at : n->retry_at;
    for (uint32_t i = 0; i < n->fly_n; i++)
        if (first == n->fly_n || n->fly[i].at < n->fly[first].at ||
            (n->fly[i].at == n->fly[first].at && n->fly[i].serial < n->fly[first].serial))
            first = i;
    if (first < n->fly_n && n->fly[first].at <= at) {
        p = n->fly[first];
        n->fly[first] = n->fly[--n->fly_n];
        n->now = p.at;
        arrive(n, &p);
        return true;
    }
    if (at == PLAIT_NEVER)
        return false;
    n->now = at;
    if (at == n->retry_at) {
        n->retry_at = PLAIT_NEVER;
        pump(n);
    } else if (at == n->ack_at) {
        send_ack(n, NULL);
    } else {
        expire(n);
    }
    return true;
}

struct net_result net_run(const struct net_setup *setup)
{
    struct net *n = calloc(1, sizeof *n);
    struct net_result res;

    n->s = *setup;
    n->dice = setup->seed * 0x9e3779b97f4a7c15ull + 1;
    n->fail_in = -1;
    n->env = (struct plait_env){ .ctx = &n->fail_in, .alloc = env_alloc, .free = env_free };
    n->iss = (uint32_t)roll(n, 0x100000000ull);
    n->now = PLAIT_SEC;
    n->rcv_nxt = n->iss;
    n->ack_at = n->retry_at = PLAIT_NEVER;
    tcp_sndq_init(&n->q, &n->env, n->iss, setup->recs_max);
    tcp_loss_init(&n->l, setup->cc, setup->mss, 200000);
    while (!emit(n, n->iss, 1, TCP_REC_SYN))
        continue;
    /* The SYN is lost data like any other here: pump() sends it again. */
    while (n->now < 7200 * PLAIT_SEC && n->q.una != n->q.end + 1 && step(n))
        continue;
    res = n->res;
    res.done = n->q.una == n->q.end + 1 && n->rcv_nxt == n->q.nxt && n->pushed == setup->bytes;
    res.took = n->now - PLAIT_SEC;
    res.undone = n->l.spurious_n;
    if (res.done) {
        assert_int_equal(tcp_sndq_flight(&n->q), 0);
        assert_ptr_equal(n->q.f, tcp_flight_none());
        assert_int_equal(tcp_sndq_unsent(&n->q), 0);
        assert_int_equal(tcp_sndq_low_pos(&n->q), UINT64_MAX);
        assert_int_equal(n->l.f->state, TCP_LOSS_OPEN);
        assert_int_equal(n->l.f->timer, TCP_TIMER_NONE);
    }
    tcp_sndq_fini(&n->q);
    tcp_undo_end(&n->l, &n->env);
    free(n);
    return res;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- environment ---------------------------------------------------------------------------- */

static void *env_alloc(void *ctx, size_t size)
{
    struct pair *p = ctx;
    size_t align = size >= 4096 ? 4096 : 64;

    p->allocs++;
    if (p->fail_in == 0)
        return NULL;
    if (p->fail_in > 0)
        p->fail_in--;
    p->live++;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void env_free(void *ctx, void *mem, size_t size)
{
    struct pair *p = ctx;

    (void)size;
    p->live--;
    free(mem);
}

uint64_t pair_roll(struct pair *p, uint64_t n)
{
    uint64_t z = p->dice += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % n;
}

static void env_random(void *ctx, void *buf, size_t len)
{
    uint8_t *b = buf;

    while (len-- > 0)
        *b++ = (uint8_t)pair_roll(ctx, 256);
}

static void env_trace(void *ctx, const struct plait_trace *ev)
{
    struct pair *p = ctx;

    p->traces++;
    if (ev->type == PLAIT_TRACE_SUBFLOW_STATE)
        p->trace_last_state = (uint32_t)ev->a;
}

uint8_t pair_pattern(int from, uint64_t pos)
{
    uint64_t x = (pos + 1 + (uint64_t)from * 77) * 0x9e3779b97f4a7c15;

    return (uint8_t)(x >> 56);
}

/* ---- life ---------------------------------------------------------------------------- */

void pair_init(struct pair *p)
{
    memset(p, 0, sizeof *p);
    p->env = (struct plait_env){ p, env_alloc, env_free, env_random, env_trace };
    p->fail_in = -1;
    p->dice = 42;
    p->now = 1000 * PLAIT_SEC;
    p->delay = 10 * PLAIT_MSEC;
    p->blocks = true;
    p->cfg = (struct tcp_config){
        .cc = &cc_cubic_ops, .rto_min = 200 * PLAIT_MSEC, .ack_delay = 40 * PLAIT_MSEC,
        .time_wait = 60 * PLAIT_SEC, .keepalive_interval = 75 * PLAIT_SEC, .keepalive_probes = 9,
        .syn_retries = 6, .retries = 15, .recs_max = 1024, .rcv_mem_max = 4 << 20,
        .mss_local = 1460, .gso_max = 0, .wscale = 7,
    };
    ctx_init(&p->ctx, &p->env, 64 << 20);
    for (int i = 0; i < 2; i++) {
        p->end[i].rcvbuf = 256 << 10;
        p->end[i].reading = true;
    }
}

void pair_tcb(struct pair *p, int i)
{
    struct pair_end *e = &p->end[i];

    e->cfg = p->cfg;
    tcp_init(&e->t, &p->ctx, &e->cfg);
    e->t.rcv_space = e->rcvbuf;
    e->alive = true;
}

static struct plait_addr address(int i)
{
    struct plait_addr a = { .family = 4, .port = (uint16_t)(1000 + i), .ip = { 10, 0, 0, 1 } };

    a.ip[3] = (uint8_t)(1 + i);
    return a;
}

void pair_connect(struct pair *p, int i)
{
    struct plait_addr local = address(i), remote = address(1 - i);

    pair_tcb(p, i);
    assert_int_equal(tcp_connect(&p->end[i].t, &local, &remote, p->now), 0);
}

void pair_open(struct pair *p)
{
    pair_connect(p, 0);
    p->listening = true;
    pair_settle(p);
    assert_true(p->end[0].established && p->end[1].established);
    assert_int_equal(p->end[0].t.state, TCP_ST_ESTABLISHED);
    assert_int_equal(p->end[1].t.state, TCP_ST_ESTABLISHED);
}

void pair_drop_all(struct pair *p)
{
    for (unsigned i = 0; i < p->queue_n; i++)
        free(p->queue[i].bytes);
    p->queue_n = 0;
}

void pair_fini(struct pair *p)
{
    pair_drop_all(p);
    for (int i = 0; i < 2; i++)
        if (p->end[i].alive)
            tcp_fini(&p->end[i].t);
    assert_int_equal(p->ctx.pool.used, 0);
    ctx_fini(&p->ctx);
    assert_int_equal(p->live, 0);
}

int pair_setup(void **state)
{
    struct pair *p = malloc(sizeof *p);

    pair_init(p);
    pair_open(p);
    *state = p;
    return 0;
}

int pair_teardown(void **state)
{
    pair_fini(*state);
    free(*state);
    return 0;
}

/* ---- out ---------------------------------------------------------------------------- */

static void enqueue(struct pair *p, const struct pair_packet *pk)
{
    plait_time late = 0;
    unsigned copies = p->fate != NULL ? p->fate(p, pk, &late) : 1;

    for (unsigned c = 0; c < copies; c++) {
        struct pair_packet *q = &p->queue[p->queue_n];
        assert_true(p->queue_n < sizeof p->queue / sizeof p->queue[0]);
        *q = *pk;
        q->at += late;
        if (pk->seg.len > 0) {
            q->bytes = malloc(pk->seg.len);
            memcpy(q->bytes, pk->seg.data, pk->seg.len);
            q->seg.data = q->bytes;
        }
        p->queue_n++;
    }
}

/* Only a probe of the path MTU is larger than the others. */
static uint32_t largest(const struct tcb *t, const struct wire_seg *seg)
{
    return t->pmtu.probe != 0 && seg->seq == t->pmtu.seq ? t->pmtu.probe : t->mss;
}

/* The rules that each segment obeys whatever the state. packet: it is not a super-segment. */
static void check_out(struct pair *p, int i, const struct wire_seg *seg, bool packet)
{
    struct pair_end *e = &p->end[i], *peer = &p->end[1 - i];
    const struct tcb *t = &e->t;
    unsigned shift = (seg->flags & WIRE_SYN) != 0 || !t->wscale_on ? 0 : t->rcv_wscale;
    unsigned options = wire_tcpopts_len(&seg->opt, (seg->flags & WIRE_SYN) != 0);
    uint32_t edge = seg->ack + ((uint32_t)seg->wnd << shift);

    assert_true(options <= 40);
    if (seg->ecn != WIRE_NOT_ECT || ((seg->flags & WIRE_CWR) != 0 && (seg->flags & WIRE_SYN) == 0))
        assert_true(seg->len > 0 && tcp_ecn_on(t)); /* new data, see also tcp_commit() */
    if (packet && seg->len > 0)
        assert_true(seg->len + options + t->opt_reserve_data <= largest(t, seg) + 3u);
    if (seg->len > 0 && peer->edge_valid && !peer->t.shared_window)
        assert_true(seq_le(seg->seq + seg->len, peer->edge));
    if ((seg->flags & WIRE_RST) != 0 || (seg->flags & WIRE_ACK) == 0)
        return;
    if (e->edge_valid && !t->shared_window && t->rcv_creep < 65536)
        assert_true(seq_ge(edge, e->edge)); /* the window never shrinks */
    if (!e->edge_valid || seq_gt(edge, e->edge))
        e->edge = edge;
    e->edge_valid = true;
    e->last_wnd = (uint32_t)seg->wnd << shift;
}

static void send_one(struct pair *p, int i, struct wire_seg *seg, bool packet)
{
    struct pair_packet pk = {
        .seg = *seg, .to = 1 - i, .at = p->now + p->delay, .serial = p->serial++
    };

    check_out(p, i, seg, packet);
    p->end[i].out_n++;
    enqueue(p, &pk);
}

static void send_plan(struct pair *p, int i, const struct tcp_plan *plan)
{
    static uint8_t bytes[70000];
    uint32_t done = 0, step = p->cut && plan->gso_size > 0 ? plan->gso_size : plan->len;

    assert_true(plan->len <= sizeof bytes);
    for (uint32_t k = 0; k < plan->len; k++)
        bytes[k] = pair_pattern(i, plan->pos + k);
    do {
        struct wire_seg seg = {
            .src = address(i), .dst = address(1 - i), .seq = plan->seq + done, .ack = plan->ack,
            .wnd = plan->wnd, .flags = plan->flags, .ecn = plan->ecn,
            .opt = plan->opt, .data = bytes + done,
        };
        seg.len = plan->len - done < step ? plan->len - done : step;
        if (done + seg.len < plan->len)
            seg.flags &= (uint8_t)~(WIRE_FIN | WIRE_PSH);
        if (done > 0)
            seg.flags &= (uint8_t)~WIRE_CWR;
        send_one(p, i, &seg, p->cut || plan->gso_size == 0);
        done += seg.len;
    } while (done < plan->len);
}

/* What the connection layer would do: push what may go, close when all is pushed. */
static void application(struct pair *p, int i)
{
    struct pair_end *e = &p->end[i];
    struct tcb *t = &e->t;

    t->rcv_space = e->rcvbuf > e->unread ? e->rcvbuf - e->unread : 0;
    while (e->pushed < e->want && tcp_can_send(t)) {
        uint64_t n = e->want - e->pushed;
        uint32_t room = e->ahead ? tcp_payload_mss(t) : tcp_room(t);
        uint32_t probe = tcp_sndq_unsent(&t->sndq) == 0 ? tcp_pmtu_probe(t, p->now) : 0;
        if (n > room)
            n = room;
        if (probe > 0 && n > probe)
            n = probe;
        if (n == 0 || tcp_push(t, e->pushed, (uint32_t)n, 0) != 0)
            break;
        e->pushed += n;
    }
    t->blocked_above = e->pushed < e->want && tcp_usable(t) == 0;
    if (e->close_wanted && !e->close_done && e->pushed == e->want) {
        tcp_close(t, p->now);
        e->close_done = true;
    }
}

static bool flush_end(struct pair *p, int i)
{
    struct pair_end *e = &p->end[i];
    struct tcp_plan plan;
    bool any = false;

    application(p, i);
    while (tcp_plan(&e->t, p->now, &plan)) {
        struct tcb before;
        memcpy(&before, &e->t, sizeof before);
        assert_true(tcp_plan(&e->t, p->now, &plan));
        assert_memory_equal(&before, &e->t, sizeof before); /* planning changes nothing */
        if (tcp_commit(&e->t, &plan, p->now) != 0)
            break;
        send_plan(p, i, &plan);
        tcp_check(&e->t);
        application(p, i);
        any = true;
    }
    return any;
}

void pair_flush(struct pair *p)
{
    struct tcp_plan plan;

    if (p->has_half && tcp_half_plan(&p->half, p->end[1].rcvbuf, p->now, &plan)) {
        p->end[1].t.mss = p->cfg.mss_local;
        send_plan(p, 1, &plan);
        p->end[1].edge_valid = false;
        tcp_half_commit(&p->half, &p->cfg, p->now);
    }
    for (int i = 0; i < 2; i++)
        if (p->end[i].alive)
            flush_end(p, i);
}

/* ---- in ---------------------------------------------------------------------------- */

static void take_all(struct pair *p, int i)
{
    struct pair_end *e = &p->end[i];
    struct plait_block *b;

    while ((b = tcp_take(&e->t)) != NULL) {
        assert_int_equal(b->pos, e->got);
        for (uint32_t k = 0; k < b->len; k++)
            assert_int_equal(b->data[k], pair_pattern(1 - i, b->pos + k));
        e->got += b->len;
        if (!e->reading)
            e->unread += b->len;
        block_put(&p->ctx.pool, b);
    }
}

static void note(struct pair *p, int i, const struct tcp_result *res)
{
    struct pair_end *e = &p->end[i];

    e->last = *res;
    e->established = e->established || res->established;
    e->fin = e->fin || res->fin;
    e->reset = e->reset || res->reset;
    e->closed = e->closed || res->closed;
    tcp_check(&e->t);
    take_all(p, i);
}

struct tcp_result pair_input(struct pair *p, int i, struct wire_seg *seg)
{
    struct pair_end *e = &p->end[i];
    struct plait_block *b = NULL;
    struct tcp_result res;

    if (p->blocks && seg->len > 0 && (b = block_get(&p->ctx.pool, seg->len + 64)) != NULL) {
        memcpy(b->buf + 64, seg->data, seg->len);
        seg->data = b->buf + 64;
    }
    e->t.rcv_space = e->rcvbuf > e->unread ? e->rcvbuf - e->unread : 0;
    tcp_input(&e->t, seg, &b, p->now, &res);
    if (b != NULL)
        block_put(&p->ctx.pool, b);
    note(p, i, &res);
    return res;
}

/* A segment for nobody but the listener. */
static void input_listener(struct pair *p, struct wire_seg *seg)
{
    struct pair_end *e = &p->end[1];
    struct tcp_plan plan;

    if (!p->has_half) {
        if ((seg->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) == WIRE_SYN) {
            tcp_half_init(&p->half, &p->ctx, &p->cfg, seg, p->now);
            p->has_half = true;
        } else if (tcp_reset_for(seg, &plan)) {
            send_plan(p, 1, &plan);
        }
        return;
    }
    switch (tcp_half_input(&p->half, seg, p->now)) {
    case TCP_HALF_OK:
        pair_tcb(p, 1);
        if (tcp_from_half(&e->t, &p->half, p->now) != 0) { /* no memory: its next segment */
            tcp_fini(&e->t);
            e->alive = false;
            break;
        }
        p->has_half = p->listening = false;
        pair_input(p, 1, seg);
        break;
    case TCP_HALF_RESET_PEER:
        if (tcp_reset_for(seg, &plan))
            send_plan(p, 1, &plan);
        break;
    case TCP_HALF_GONE:
        p->has_half = false;
        break;
    case TCP_HALF_AGAIN:
    case TCP_HALF_DROP:
        break;
    }
}

static void deliver(struct pair *p, struct pair_packet *pk)
{
    p->end[pk->to].in_n++;
    if (p->end[pk->to].alive)
        pair_input(p, pk->to, &pk->seg);
    else if (pk->to == 1 && p->listening)
        input_listener(p, &pk->seg);
    free(pk->bytes);
}

/* ---- time ---------------------------------------------------------------------------- */

static unsigned earliest(const struct pair *p)
{
    unsigned best = 0;

    for (unsigned i = 1; i < p->queue_n; i++)
        if (p->queue[i].at < p->queue[best].at ||
            (p->queue[i].at == p->queue[best].at && p->queue[i].serial < p->queue[best].serial))
            best = i;
    return best;
}

static plait_time next_event(const struct pair *p)
{
    plait_time at = p->queue_n > 0 ? p->queue[earliest(p)].at : PLAIT_NEVER;

    for (int i = 0; i < 2; i++)
        if (p->end[i].alive && tcp_deadline(&p->end[i].t) < at)
            at = tcp_deadline(&p->end[i].t);
    if (p->has_half && p->half.deadline < at)
        at = p->half.deadline;
    return at;
}

static void tick(struct pair *p)
{
    struct tcp_result res;

    for (int i = 0; i < 2; i++)
        if (p->end[i].alive && tcp_deadline(&p->end[i].t) <= p->now) {
            tcp_tick(&p->end[i].t, p->now, &res);
            note(p, i, &res);
        }
    if (p->has_half && !tcp_half_tick(&p->half, &p->cfg, p->now))
        p->has_half = false;
}

bool pair_step(struct pair *p)
{
    plait_time at;

    pair_flush(p);
    at = next_event(p);
    if (at == PLAIT_NEVER)
        return false;
    if (at > p->now)
        p->now = at;
    if (p->queue_n > 0 && p->queue[earliest(p)].at <= p->now) {
        unsigned k = earliest(p);
        struct pair_packet pk = p->queue[k];
        p->queue[k] = p->queue[--p->queue_n];
        deliver(p, &pk);
    } else {
        tick(p);
    }
    pair_flush(p);
    return true;
}

void pair_run(struct pair *p, plait_time until)
{
    pair_flush(p);
    while (next_event(p) <= until)
        pair_step(p);
    p->now = until;
}

void pair_settle(struct pair *p)
{
    pair_flush(p);
    while (p->queue_n > 0)
        pair_step(p);
}

/* ---- application ---------------------------------------------------------------------------- */

void pair_write(struct pair *p, int i, uint64_t n)
{
    p->end[i].want += n;
}

void pair_read(struct pair *p, int i)
{
    struct pair_end *e = &p->end[i];

    e->unread = 0;
    e->t.rcv_space = e->rcvbuf;
}

struct wire_seg pair_next(const struct tcb *t, plait_time now)
{
    struct wire_seg seg = {
        .src = t->remote, .dst = t->local, .seq = t->rcv_nxt, .ack = t->sndq.nxt, .flags = WIRE_ACK,
        .wnd = (uint16_t)(t->snd_wnd >> t->snd_wscale),
    };

    (void)now;
    seg.opt.has_ts = t->ts_on;
    seg.opt.tsval = t->ts_recent;
    seg.opt.tsecr = tcp_now_ts(t->ts_offset, now);
    return seg;
}

uint64_t pair_count(const struct pair *p, enum plait_reason reason)
{
    return p->ctx.counter[reason];
}

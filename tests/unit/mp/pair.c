/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "base/addr.h"
#include "base/be.h"
#include "cm.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum { PORT = 80, CLIENT_PORT = 40000, MTU = 1500 };

/* ---- environment ---------------------------------------------------------------------------- */

static void *env_alloc(void *ctx, size_t size)
{
    struct pair *p = ctx;
    size_t align = size >= 4096 ? 4096 : 64;
    void *mem;

    if (p->fail_in == 0)
        return NULL;
    if (p->fail_in > 0)
        p->fail_in--;
    mem = aligned_alloc(align, (size + align - 1) / align * align);
    memset(mem, 0xa5, size);
    p->live++;
    return mem;
}

/* In front of a side's slab, which rounds sizes up. */
static void *alloc_unless_refused(void *ctx, size_t size)
{
    const struct slab *slab = ctx;
    struct pair *p = slab->below.ctx;

    if (size != p->refuse || size == 0)
        return p->slab_alloc(ctx, size);
    p->refused++;
    return NULL;
}

static void env_free(void *ctx, void *mem, size_t size)
{
    struct pair *p = ctx;

    memset(mem, 0x5a, size);
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
    (void)ctx;
    (void)ev;
}

/* ---- addresses ------------------------------------------------------------------------------ */

struct plait_addr pair_addr(int side, unsigned i, uint16_t port)
{
    struct plait_addr a = { .family = 4, .port = port, .ip = { 10, 0, (uint8_t)i,
                                                               (uint8_t)(side + 1) } };
    return a;
}

void pair_local(struct pair *p, int side, unsigned i, uint8_t flags)
{
    struct mp_locals *l = &p->side[side].locals;

    l->v[l->n++] = (struct plait_local){ .addr = pair_addr(side, i, 0), .id = (uint8_t)(i + 1),
                                         .flags = flags, .mtu = MTU, .gso_max = p->gso_max };
}

/* ---- set up --------------------------------------------------------------------------------- */

static void init_config(struct mp_config *cfg)
{
    *cfg = (struct mp_config){
        .mptcp = true, .offer = PLAIT_MPTCP_V1, .accept = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1,
        .sched = &sched_minrtt_ops, .pm = &pm_fullmesh_ops, .subflows_max = 8,
        .addrs_max = 8, .mp_syn_retries = 3, .subflow_retries = 8, .sndbuf_max = 4 << 20,
        .rcvbuf_max = 4 << 20, .rcvbuf_init = 256 << 10, .time_wait = PLAIT_SEC,
        .last_subflow_wait = 60 * PLAIT_SEC,
        .tcp = {
            .cc = cc_find("cubic"), .rto_min = 200 * PLAIT_MSEC, .ack_delay = 40 * PLAIT_MSEC,
            .time_wait = PLAIT_SEC, .syn_retries = 6, .retries = 15, .recs_max = 16384,
            .rcv_mem_max = 8 << 20, .wscale = 7, .keepalive_probes = 9,
            .keepalive_interval = 75 * PLAIT_SEC,
        },
    };
}

void pair_init(struct pair *p, uint64_t seed, unsigned paths)
{
    memset(p, 0, sizeof *p);
    p->seed = p->dice = seed;
    p->fail_in = -1;
    p->now = 1000 * PLAIT_SEC;
    p->paths = paths;
    p->gso_max = 65000;
    p->packet = calloc(PAIR_PACKETS, sizeof *p->packet);
    for (unsigned i = 0; i < PAIR_ADDRS; i++)
        p->path[i] = (struct pair_path){ .delay = (5 + 5 * i) * PLAIT_MSEC, .rate = 12500000,
                                         .queue = 256 << 10 };
    for (int s = 0; s < 2; s++) {
        struct pair_side *side = &p->side[s];
        side->env = (struct plait_env){ p, env_alloc, env_free, env_random, env_trace };
        ctx_init(&side->ctx, &side->env, (uint64_t)64 << 20);
        p->slab_alloc = side->ctx.env.alloc;
        side->ctx.env.alloc = alloc_unless_refused;
        init_config(&side->cfg);
        side->pattern = (uint8_t)(17 + 31 * s);
        side->read_limit = UINT64_MAX;
        pair_local(p, s, 0, PLAIT_LOCAL_SUBFLOW);
    }
    for (unsigned i = 1; i < paths; i++)
        pair_local(p, 0, i, PLAIT_LOCAL_SUBFLOW);
    p->side[1].listens = true;
}

static struct mp_conn_args args_of(struct pair *p, int s)
{
    struct pair_side *side = &p->side[s];

    return (struct mp_conn_args){ &side->ctx, &side->cfg, &side->locals, (uint32_t)s + 1, p,
                                  NULL };
}

static struct mp_key draw_key(struct pair *p, uint8_t version)
{
    struct mp_key key;

    mp_key_derive(pair_roll(p, UINT64_MAX), version, &key);
    return key;
}

void pair_connect(struct pair *p)
{
    struct mp_conn_args args = args_of(p, 0);
    struct mp_key key = draw_key(p, mp_offered_version(&p->side[0].cfg));
    struct plait_addr local = pair_addr(0, 0, CLIENT_PORT), remote = pair_addr(1, 0, PORT);

    p->side[0].conn = mp_connect(&args, &key, &local, &remote, p->now);
    p->side[0].has_conn = p->side[0].conn != NULL;
}

void pair_transfer(struct pair *p, uint64_t up, uint64_t down)
{
    p->side[0].to_write = up;
    p->side[1].to_write = down;
}

/* ---- the application ------------------------------------------------------------------------ */

static uint8_t pattern_byte(uint8_t pattern, uint64_t pos)
{
    uint64_t x = (pos + 1 + ((uint64_t)pattern << 40)) * 0x9e3779b97f4a7c15;

    return (uint8_t)(x >> 56);
}

static void app_write(struct pair *p, struct pair_side *side)
{
    uint8_t buf[16384];

    if ((side->news & MP_NEWS_WRITABLE) != 0)
        side->full = false;
    side->news &= ~(unsigned)MP_NEWS_WRITABLE;
    while (side->written < side->to_write && !side->shut && !side->full) {
        size_t n = sizeof buf;
        int64_t done;
        if (n > side->to_write - side->written)
            n = (size_t)(side->to_write - side->written);
        for (size_t i = 0; i < n; i++)
            buf[i] = pattern_byte(side->pattern, side->written + i);
        done = mp_send(side->conn, buf, n, p->now);
        side->full = done < (int64_t)n; /* until the news says that there is room */
        if (done > 0)
            side->written += (uint64_t)done;
    }
    if (side->written == side->to_write && !side->shut && !side->keep_open) {
        side->shut = true;
        mp_shutdown(side->conn, p->now);
    }
}

static void app_read(struct pair *p, struct pair_side *side, const struct pair_side *peer)
{
    struct store_view view;
    int64_t n = 0;
    bool any = false;

    while (!side->paused && !side->eof && side->read < side->read_limit &&
           (n = mp_recv_borrow(side->conn, &view)) > 0) {
        for (size_t i = 0; i < view.len; i++)
            if (view.data[i] != pattern_byte(peer->pattern, side->read + i))
                side->bad = true;
        side->read += view.len;
        mp_recv_done(side->conn, view.len, p->now);
        any = true;
    }
    if (any) {
        if (side->last_read > 0 && p->now - side->last_read > side->longest_gap)
            side->longest_gap = p->now - side->last_read;
        side->last_read = p->now;
    }
    if (n == 0 && !any && !side->paused && side->read < side->read_limit)
        side->eof = true;
}

static void app(struct pair *p, int s)
{
    struct pair_side *side = &p->side[s];
    struct store_view view;

    if (side->conn == NULL || side->released)
        return;
    side->news |= mp_news(side->conn);
    app_write(p, side);
    app_read(p, side, &p->side[1 - s]);
    if (!side->paused && !side->eof && mp_recv_borrow(side->conn, &view) == 0)
        side->eof = true;
    side->news |= mp_news(side->conn);
    side->closed = side->closed || (side->news & MP_NEWS_CLOSED) != 0;
    if (side->closed && !side->keep_open) {
        side->released = true;
        mp_release(side->conn, p->now);
    }
}

/* ---- the stack's work ----------------------------------------------------------------------- */

static struct mp_subflow *find_sub(struct pair_side *side, const struct plait_addr *local,
                                   const struct plait_addr *remote)
{
    for (unsigned i = 0; i < side->sub_n; i++) {
        const struct tcb *t = mp_subflow_tcb(side->sub[i]);
        if (addr_equal(&t->local, local) && addr_equal(&t->remote, remote))
            return side->sub[i];
    }
    return NULL;
}

static void adopt(struct pair_side *side)
{
    struct mp_subflow *s;

    while ((s = mp_next_born(side->conn)) != NULL) {
        assert_true(side->sub_n < PAIR_SUBS);
        side->sub[side->sub_n++] = s;
    }
}

static void bury(struct pair_side *side)
{
    struct mp_subflow *s;

    while ((s = mp_next_dead(side->conn)) != NULL) {
        for (unsigned i = 0; i < side->sub_n; i++)
            if (side->sub[i] == s)
                side->sub[i--] = side->sub[--side->sub_n];
        mp_bury(s);
    }
}

static void open_subflows(struct pair *p, struct pair_side *side)
{
    struct mp_wish w;

    for (unsigned i = 0; i < 32 && mp_pm_next(side->conn, p->now, &w); i++) {
        int err = 0;
        w.local.port = (uint16_t)(side->conn->first_local.port + (w.other_port ? i + 1 : 0));
        if (find_sub(side, &w.local, &w.remote) != NULL)
            err = PLAIT_EADDRINUSE;
        mp_join(side->conn, &w, err, p->now);
        adopt(side);
    }
}

static void settle(struct pair *p, int s)
{
    struct pair_side *side = &p->side[s];

    if (side->conn == NULL)
        return;
    adopt(side);
    open_subflows(p, side);
    bury(side);
    side->news |= mp_news(side->conn);
    if ((side->news & MP_NEWS_RETRY) != 0) {
        struct mp_key key = draw_key(p, 0);
        side->news &= ~(unsigned)MP_NEWS_RETRY;
        mp_retry(side->conn, &key, p->now);
    }
    if (p->steps++ % 16 == 0)
        mp_check(side->conn); /* it walks over everything */
    if (mp_is_finished(side->conn)) {
        assert_true(side->sub_n == 0);
        mp_conn_free(side->conn);
        side->conn = NULL;
    }
}

/* ---- packets -------------------------------------------------------------------------------- */

static unsigned path_of(const struct plait_addr *src, const struct plait_addr *dst)
{
    return src->ip[3] == 1 ? src->ip[2] : dst->ip[2];
}

/* The packets on their way are a binary heap by time of arrival. */
static bool earlier(const struct pair_packet *a, const struct pair_packet *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void swap(struct pair_packet *a, struct pair_packet *b)
{
    struct pair_packet t = *a;

    *a = *b;
    *b = t;
}

static void enqueue(struct pair *p, const uint8_t *bytes, uint32_t len, struct pair_packet how)
{
    unsigned i = p->packet_n++;

    assert_true(i < PAIR_PACKETS);
    how.bytes = malloc(len);
    memcpy(how.bytes, bytes, len);
    how.len = len;
    how.order = p->order++;
    p->packet[i] = how;
    for (; i > 0 && earlier(&p->packet[i], &p->packet[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&p->packet[i], &p->packet[(i - 1) / 2]);
}

static struct pair_packet dequeue(struct pair *p)
{
    struct pair_packet first = p->packet[0];
    unsigned i = 0, least = 0;

    p->packet[0] = p->packet[--p->packet_n];
    for (;;) {
        for (unsigned c = 2 * i + 1; c <= 2 * i + 2; c++)
            if (c < p->packet_n && earlier(&p->packet[c], &p->packet[least]))
                least = c;
        if (least == i)
            return first;
        swap(&p->packet[i], &p->packet[least]);
        i = least;
    }
}

static void transmit(struct pair *p, int from, unsigned path, const uint8_t *bytes, uint32_t len)
{
    struct pair_path *line = &p->path[path];
    plait_time at = p->now, wait;

    if (line->down || pair_roll(p, 1000000) < line->loss_ppm)
        return;
    if (line->rate > 0) {
        plait_time start = line->busy[from] > p->now ? line->busy[from] : p->now;
        wait = start - p->now;
        if (wait * line->rate / 1000000 > line->queue)
            return; /* the queue is full */
        line->busy[from] = start + len * 1000000ull / line->rate;
        at = line->busy[from];
    }
    at += line->delay;
    if (pair_roll(p, 1000000) < line->reorder_ppm)
        at += pair_roll(p, 2 * line->delay + 1000);
    enqueue(p, bytes, len, (struct pair_packet){ .at = at, .to = 1 - from, .path = path });
    if (pair_roll(p, 1000000) < line->dup_ppm)
        enqueue(p, bytes, len, (struct pair_packet){ .at = at + pair_roll(p, 3000),
                                                     .to = 1 - from, .path = path });
}

/* Cuts super-segments as a device would, but for runs that arrive as one (GRO). */
static void send_packet(struct pair *p, int from, const struct wire_emit *how,
                        const struct mp_plan *plan)
{
    uint8_t head[100], one[100], *big = malloc(70000);
    uint8_t ip_len;
    unsigned head_len = wire_emit_headers(how, head, &ip_len), n, path;
    uint32_t gso = plan != NULL ? plan->tcp.gso_size : 0, at = 0;

    assert_true(head_len > 0);
    for (uint32_t i = 0; plan != NULL && i < plan->view_n; i++) {
        memcpy(big + at, plan->view[i].data, plan->view[i].len);
        at += (uint32_t)plan->view[i].len;
    }
    assert_int_equal(at, how->payload_len);
    path = path_of(how->src, how->dst);
    p->path[path].payload[from] += at;
    if (gso == 0 || gso >= at || (p->super && pair_roll(p, 2) == 0))
        gso = at > 0 ? at : 1;
    n = at > 0 ? (at + gso - 1) / gso : 1;
    for (unsigned i = 0; i < n; i++) {
        uint32_t off = i * gso, len = at - off < gso ? at - off : gso;
        struct wire_view view = { big + off, len };
        uint8_t *packet = malloc(head_len + len);
        if (n > 1)
            wire_gso_cut(&(struct wire_gso){ head, head_len, ip_len, gso, at }, i, one);
        else
            memcpy(one, head, head_len);
        wire_finish_csum(one, head_len, ip_len, &view, len > 0 ? 1 : 0);
        memcpy(packet, one, head_len);
        memcpy(packet + head_len, big + off, len);
        transmit(p, from, path, packet, head_len + len);
        free(packet);
    }
    free(big);
}

static void emit_half(struct pair *p, int s, struct pair_half *h)
{
    struct pair_side *side = &p->side[s];
    struct wire_mp mp;
    struct tcp_plan plan;

    memset(&mp, 0, sizeof mp);
    if (!tcp_half_plan(&h->tcp, side->cfg.rcvbuf_init, p->now, &plan))
        return;
    mp_half_options(&h->mp, &side->cfg, &mp);
    send_packet(p, s, &(struct wire_emit){ .src = &h->tcp.local, .dst = &h->tcp.remote,
                                           .seq = plan.seq, .ack = plan.ack, .wnd = plan.wnd,
                                           .flags = plan.flags, .opt = &plan.opt, .mp = &mp },
                NULL);
    tcp_half_commit(&h->tcp, &side->cfg.tcp, p->now);
}

static void output(struct pair *p, int s)
{
    struct pair_side *side = &p->side[s];
    struct mp_plan plan;

    for (unsigned i = 0; i < PAIR_HALVES; i++)
        if (side->half[i].used && side->half[i].tcp.due)
            emit_half(p, s, &side->half[i]);
    while (side->conn != NULL && mp_plan(side->conn, p->now, &plan)) {
        const struct tcb *t = mp_subflow_tcb(plan.subflow);
        if (pair_roll(p, 16) == 0 && mp_plan(side->conn, p->now, &plan))
            t = mp_subflow_tcb(plan.subflow); /* planning twice changes nothing */
        send_packet(p, s, &(struct wire_emit){
            .src = &t->local, .dst = &t->remote, .seq = plan.tcp.seq, .ack = plan.tcp.ack,
            .wnd = plan.tcp.wnd, .flags = plan.tcp.flags,
            .opt = plan.tcp.has_opt ? &plan.tcp.opt : NULL, .mp = plan.has_mp ? &plan.mp : NULL,
            .payload_len = plan.tcp.len }, &plan);
        mp_commit(side->conn, &plan, p->now);
        settle(p, s);
    }
}

static void reset(struct pair *p, int s, const struct wire_seg *seg, enum plait_reason why)
{
    struct tcp_plan rst;
    struct wire_mp mp;

    memset(&mp, 0, sizeof mp);
    if (!tcp_reset_for(seg, &rst))
        return;
    if (why != PLAIT_REASON_NONE && p->side[s].conn != NULL && mp_version(p->side[s].conn) != 0)
        mp_tcprst(why, &mp);
    send_packet(p, s, &(struct wire_emit){ .src = &seg->dst, .dst = &seg->src, .seq = rst.seq,
                                           .ack = rst.ack, .flags = rst.flags, .mp = &mp },
                NULL);
}

static void syn(struct pair *p, int s, const struct wire_seg *seg)
{
    struct pair_side *side = &p->side[s];
    struct pair_half *h = NULL;
    struct tcp_config cfg = side->cfg.tcp;
    bool join = wire_mp_has(&seg->mp, WIRE_MP_JOIN);
    enum plait_reason why;

    for (unsigned i = 0; i < PAIR_HALVES && h == NULL; i++)
        h = side->half[i].used ? NULL : &side->half[i];
    if (h == NULL)
        return;
    cfg.mss_local = wire_mss_of_mtu(MTU, 4);
    if (join) {
        why = side->conn == NULL || seg->mp.join.token != side->conn->local.token
                  ? PLAIT_REASON_JOIN_TOKEN : mp_half_join(&h->mp, side->conn, seg, 0x600d);
        if (why != PLAIT_REASON_NONE) {
            ctx_count(&side->ctx, why);
            reset(p, s, seg, why);
            return;
        }
    } else {
        struct mp_key key = draw_key(p, mp_syn_version(seg));
        if (!side->listens || seg->dst.port != PORT) {
            reset(p, s, seg, PLAIT_REASON_NONE);
            return;
        }
        mp_half_capable(&h->mp, &side->cfg, &key, seg);
    }
    tcp_half_init(&h->tcp, &side->ctx, &cfg, seg, p->now);
    h->used = true;
    h->join = join;
}

static void half_input(struct pair *p, int s, struct pair_half *h, const struct wire_seg *seg)
{
    struct pair_side *side = &p->side[s];
    enum tcp_half_verdict v = tcp_half_input(&h->tcp, seg, p->now);
    struct plait_block *block = NULL;
    struct mp_subflow *sub = NULL;
    enum plait_reason why = PLAIT_REASON_JOIN_TOKEN;

    if (v == TCP_HALF_GONE)
        h->used = false;
    if (v != TCP_HALF_OK)
        return;
    if (h->join) {
        if (side->conn != NULL)
            sub = mp_join_accept(side->conn, &h->tcp, &h->mp, seg, p->now, &why);
        if (sub == NULL) {
            ctx_count(&side->ctx, why);
            reset(p, s, seg, why);
        }
        h->used = false;
    } else if (!side->has_conn) {
        struct mp_conn_args args = args_of(p, s);
        side->conn = mp_accept(&args, &h->tcp, &h->mp, seg, p->now);
        if (side->conn == NULL)
            return;
        side->has_conn = true;
        h->used = false;
        sub = mp_first(side->conn);
    }
    if (sub != NULL) {
        adopt(side);
        mp_input(sub, seg, &block, p->now);
    }
}

static void deliver(struct pair *p, struct pair_packet *packet)
{
    struct pair_side *side = &p->side[packet->to];
    struct wire_packet parsed;
    struct mp_subflow *sub;
    struct plait_block *block = block_get(&side->ctx.pool, packet->len);
    const uint8_t *bytes = packet->bytes;
    struct wire_seg *seg = &parsed.seg;

    memset(&parsed, 0, sizeof parsed);
    if (block != NULL) {
        memcpy(block->buf, packet->bytes, packet->len);
        bytes = block->buf;
    }
    assert_int_equal(wire_parse(bytes, packet->len, false, &parsed), PLAIT_REASON_NONE);
    assert_int_equal(seg->bad_mp, 0);
    p->path[packet->path].bytes[1 - packet->to] += seg->len;
    p->seen++;
    if (p->hook == NULL || p->hook(p, packet->to, seg)) {
        sub = side->conn != NULL ? find_sub(side, &seg->dst, &seg->src) : NULL;
        if (sub != NULL) {
            mp_input(sub, seg, &block, p->now);
        } else {
            struct pair_half *h = NULL;
            for (unsigned i = 0; i < PAIR_HALVES; i++)
                if (side->half[i].used && addr_equal(&side->half[i].tcp.local, &seg->dst) &&
                    addr_equal(&side->half[i].tcp.remote, &seg->src))
                    h = &side->half[i];
            if (h != NULL)
                half_input(p, packet->to, h, seg);
            else if ((seg->flags & (WIRE_SYN | WIRE_ACK)) == WIRE_SYN)
                syn(p, packet->to, seg);
            else
                reset(p, packet->to, seg, PLAIT_REASON_NONE);
        }
    }
    if (block != NULL)
        block_put(&side->ctx.pool, block);
}

/* ---- running -------------------------------------------------------------------------------- */

static plait_time deadline_of(struct pair_side *side)
{
    plait_time at = side->conn != NULL ? mp_deadline(side->conn) : PLAIT_NEVER;

    for (unsigned i = 0; i < PAIR_HALVES; i++)
        if (side->half[i].used && side->half[i].tcp.deadline < at)
            at = side->half[i].tcp.deadline;
    return at;
}

static void step_side(struct pair *p, int s)
{
    settle(p, s);
    for (unsigned i = 0; i < 3; i++) {
        app(p, s);
        settle(p, s);
        output(p, s);
    }
    settle(p, s);
}

static void tick(struct pair *p, int s)
{
    struct pair_side *side = &p->side[s];

    if (side->conn != NULL && mp_deadline(side->conn) <= p->now)
        mp_tick(side->conn, p->now);
    for (unsigned i = 0; i < PAIR_HALVES; i++)
        if (side->half[i].used && !tcp_half_tick(&side->half[i].tcp, &side->cfg.tcp, p->now))
            side->half[i].used = false;
}

void pair_run(struct pair *p, plait_time until)
{
    unsigned stuck = 0;

    for (;;) {
        plait_time at = until, d;

        step_side(p, 0);
        step_side(p, 1);
        for (int s = 0; s < 2; s++)
            if ((d = deadline_of(&p->side[s])) < at)
                at = d;
        if (p->packet_n > 0 && p->packet[0].at < at)
            at = p->packet[0].at;
        if (at >= until) {
            p->now = until > p->now ? until : p->now;
            return;
        }
        stuck = at <= p->now ? stuck + 1 : 0;
        assert_true(stuck < 20000);
        p->now = at > p->now ? at : p->now;
        if (p->packet_n > 0 && p->packet[0].at <= p->now) {
            struct pair_packet packet = dequeue(p);
            deliver(p, &packet);
            free(packet.bytes);
        }
        tick(p, 0);
        tick(p, 1);
    }
}

bool pair_finish(struct pair *p, plait_time within)
{
    plait_time end = p->now + within;

    while (p->now < end && (p->side[0].conn != NULL || p->side[1].conn != NULL))
        pair_run(p, p->now + 50 * PLAIT_MSEC < end ? p->now + 50 * PLAIT_MSEC : end);
    return p->side[0].conn == NULL && p->side[1].conn == NULL;
}

void pair_fini(struct pair *p)
{
    for (int s = 0; s < 2; s++) {
        if (p->side[s].conn != NULL)
            mp_conn_free(p->side[s].conn);
        ctx_fini(&p->side[s].ctx);
    }
    for (unsigned i = 0; i < p->packet_n; i++)
        free(p->packet[i].bytes);
    free(p->packet);
    assert_int_equal(p->live, 0);
}

/* ---- questions ------------------------------------------------------------------------------ */

unsigned pair_open_n(struct pair *p, int side)
{
    unsigned n = 0;

    if (p->side[side].conn != NULL)
        MP_EACH(s, p->side[side].conn)
            n += s->phase == MP_PHASE_OPEN && !s->closing;
    return n;
}

struct mp_subflow *pair_sub(struct pair *p, int side, uint8_t id)
{
    if (p->side[side].conn != NULL)
        MP_EACH(s, p->side[side].conn)
            if (s->id == id)
                return s;
    return NULL;
}

uint64_t pair_count(struct pair *p, int side, enum plait_reason why)
{
    return p->side[side].ctx.counter[why];
}

void pair_expect_all(struct pair *p, uint64_t up, uint64_t down)
{
    assert_false(p->side[0].bad);
    assert_false(p->side[1].bad);
    assert_int_equal(p->side[1].read, up);
    assert_int_equal(p->side[0].read, down);
    assert_true(p->side[0].eof && p->side[1].eof);
}

void pair_wind_up(struct pair *p, uint64_t up, uint64_t down)
{
    p->hook = NULL;
    p->side[0].keep_open = p->side[1].keep_open = false;
    assert_true(pair_finish(p, 300 * PLAIT_SEC));
    pair_expect_all(p, up, down);
    pair_fini(p);
}

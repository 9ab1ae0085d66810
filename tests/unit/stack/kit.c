/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static void *kit_alloc(void *ctx, size_t size)
{
    struct kit *k = ctx;
    size_t align = size >= 4096 ? 4096 : 64;

    if (k->fail_in == 0)
        return NULL;
    if (k->fail_in > 0)
        k->fail_in--;
    void *mem = aligned_alloc(align, (size + align - 1) / align * align);
    assert_non_null(mem);
    memset(mem, 0xa5, size);
    k->live++;
    k->bytes += size;
    k->peak = k->bytes > k->peak ? k->bytes : k->peak;
    return mem;
}

static void kit_free(void *ctx, void *mem, size_t size)
{
    struct kit *k = ctx;

    k->live--;
    k->bytes -= size;
    free(mem);
}

static void kit_random(void *ctx, void *buf, size_t len)
{
    struct kit *k = ctx;
    uint8_t *p = buf;

    while (len-- > 0) {
        uint64_t z = k->dice += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        *p++ = (uint8_t)(z >> 40);
    }
}

static void kit_trace(void *ctx, const struct plait_trace *ev)
{
    struct kit *k = ctx;

    k->drops += ev->type == PLAIT_TRACE_DROP;
}

struct plait_addr kit_addr(uint8_t host, uint16_t port)
{
    return (struct plait_addr){.family = 4, .port = port, .ip = {10, 0, 0, host}};
}

void kit_init(struct kit *k, uint8_t host, const struct plait_config *config)
{
    struct plait_config cfg;

    *k = (struct kit){.fail_in = -1, .dice = host, .now = PLAIT_SEC, .addr = kit_addr(host, 0)};
    k->env = (struct plait_env){k, kit_alloc, kit_free, kit_random, kit_trace};
    plait_config_init(&cfg);
    if (config != NULL)
        cfg = *config;
    cfg.check_invariants = true;
    cfg.mem_kept = 0; /* each allocation can fail, and sanitizers see each end */
    k->stack = plait_stack_new(&k->env, &cfg);
    assert_non_null(k->stack);
    struct plait_local local = {
        .addr = k->addr, .id = 1, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500, .ifindex = 7};
    assert_int_equal(plait_local_add(k->stack, &local, k->now), 0);
}

void kit_fini(struct kit *k)
{
    plait_stack_free(k->stack);
    assert_int_equal(k->live, 0);
}

struct plait_listener *kit_listen(struct kit *k, uint16_t port)
{
    struct plait_addr any = {.port = port};
    struct plait_listener *l = NULL;

    assert_int_equal(plait_listen(k->stack, &any, NULL, &l), 0);
    return l;
}

struct kit_seg kit_syn(const struct plait_addr *from, const struct plait_addr *to)
{
    return (struct kit_seg){
        .src = *from,
        .dst = *to,
        .seq = 1000,
        .flags = WIRE_SYN,
        .opt = {.has_mss = true, .mss = 1460},
    };
}

enum plait_reason kit_give(struct kit *k, const uint8_t *bytes, size_t len)
{
    struct plait_in in = {.ip = bytes, .len = len};

    return plait_input(k->stack, &in, k->now);
}

size_t kit_bytes(const struct kit_seg *s, uint8_t *packet, size_t size)
{
    struct wire_view view = {s->data, s->len};
    uint8_t ip_len;
    struct wire_emit how = {
        .src = &s->src,
        .dst = &s->dst,
        .seq = s->seq,
        .ack = s->ack,
        .wnd = 60000,
        .flags = s->flags,
        .opt = &s->opt,
        .mp = &s->mp,
        .payload_len = s->len,
    };
    unsigned head = wire_emit_headers(&how, packet, &ip_len);

    assert_true(head > 0 && head + s->len <= size);
    if (s->len > 0)
        memcpy(packet + head, s->data, s->len);
    wire_finish_csum(packet, head, ip_len, &view, 1);
    return head + s->len;
}

enum plait_reason kit_input(struct kit *k, const struct kit_seg *s)
{
    uint8_t packet[2000];

    return kit_give(k, packet, kit_bytes(s, packet, sizeof packet));
}

size_t kit_take(struct kit *k, uint8_t *packet, size_t size)
{
    struct plait_out out;
    struct wire_view views[PLAIT_VIEWS_MAX];
    size_t n;

    if (!plait_output_plan(k->stack, k->now, &out))
        return 0;
    assert_int_equal(out.gso_size, 0);
    assert_true(out.head_len + out.payload_len <= size);
    for (unsigned i = 0; i < out.view_n; i++)
        views[i] = (struct wire_view){out.view[i].data, out.view[i].len};
    memcpy(packet, out.head, out.head_len);
    wire_finish_csum(packet, out.head_len, out.ip_len, views, out.view_n);
    n = out.head_len;
    for (unsigned i = 0; i < out.view_n; n += views[i].len, i++)
        memcpy(packet + n, views[i].data, views[i].len);
    plait_output_commit(k->stack, k->now);
    return n;
}

bool kit_output(struct kit *k, struct wire_packet *out)
{
    static uint8_t packet[2000];
    size_t n = kit_take(k, packet, sizeof packet);

    if (n > 0)
        assert_int_equal(wire_parse(packet, n, false, out), PLAIT_REASON_NONE);
    return n > 0;
}

void kit_expect_silence(struct kit *k)
{
    struct plait_out out;

    assert_false(plait_output_plan(k->stack, k->now, &out));
}

static bool carry(struct kit *from, struct kit *to)
{
    uint8_t packet[2000];
    size_t n = kit_take(from, packet, sizeof packet);

    if (n > 0)
        kit_give(to, packet, n);
    return n > 0;
}

void kit_exchange(struct kit *a, struct kit *b)
{
    bool more = true;

    for (unsigned i = 0; more; i++) {
        assert_true(i < 100000);
        more = carry(a, b);
        more |= carry(b, a);
    }
}

void kit_wait(struct kit *a, struct kit *b, plait_time time)
{
    plait_time end = a->now + time;

    for (;;) {
        kit_exchange(a, b);
        plait_time da = plait_deadline(a->stack), db = plait_deadline(b->stack);
        plait_time next = da < db ? da : db;
        if (next > end)
            break;
        a->now = b->now = next;
        plait_tick(a->stack, next);
        plait_tick(b->stack, next);
    }
    a->now = b->now = end;
}

struct kit_pair kit_connect(struct kit *a, struct kit *b, struct plait_listener *l)
{
    struct plait_connect how = {.remote = b->addr};
    struct kit_pair p = {NULL, NULL};

    how.remote.port = l->addr.port;
    assert_int_equal(plait_connect(a->stack, &how, a->now, &p.a), 0);
    kit_exchange(a, b);
    p.b = plait_accept(l);
    assert_non_null(p.b);
    return p;
}

bool kit_event(struct kit *k, const struct plait_conn *c, enum plait_event_type type)
{
    struct plait_event ev;
    bool seen = false;

    while (plait_event_next(k->stack, &ev))
        seen |= ev.type == type && ev.conn == c;
    return seen;
}

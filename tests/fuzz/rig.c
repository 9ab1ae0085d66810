/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include "wire/wire.h"

#include <string.h>

enum { PACKET_MAX = 65536 + 512, DEADLINES_MAX = 4000, SETTLE_PACKETS = 2000,
       PACKETS_MAX = 100000, PACKET_TIME = 10 };
#define SETTLE_TIME (900 * PLAIT_SEC)

static void *rig_alloc(void *ctx, size_t size)
{
    struct rig_side *s = ctx;
    size_t align = size >= 4096 ? 4096 : 64;

    if (s->fail_in == 0)
        return NULL;
    if (s->fail_in > 0)
        s->fail_in--;
    void *mem = aligned_alloc(align, (size + align - 1) / align * align);
    FUZZ_CHECK(mem != NULL, "memory of the machine");
    memset(mem, 0xa5, size < 4096 ? size : 4096);
    s->live++;
    return mem;
}

static void rig_free(void *ctx, void *mem, size_t size)
{
    struct rig_side *s = ctx;

    (void)size;
    s->live--;
    free(mem);
}

static void rig_random(void *ctx, void *buf, size_t len)
{
    struct rig_side *s = ctx;
    uint8_t *p = buf;

    while (len-- > 0) {
        uint64_t z = s->dice += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        *p++ = (uint8_t)(z >> 40);
    }
}

struct plait_addr rig_addr(unsigned side, unsigned i)
{
    return (struct plait_addr){.family = 4, .ip = {10, 0, (uint8_t)i, (uint8_t)(side + 1)}};
}

static void side_init(struct rig *r, unsigned side, const struct plait_config *cfg, unsigned n)
{
    struct rig_side *s = &r->side[side];
    struct plait_addr any = {.port = RIG_PORT};

    *s = (struct rig_side){.rig = r, .fail_in = -1, .dice = side};
    s->env = (struct plait_env){s, rig_alloc, rig_free, rig_random, NULL};
    s->stack = plait_stack_new(&s->env, cfg);
    FUZZ_CHECK(s->stack != NULL, "the configuration is taken");
    for (unsigned i = 0; i < n; i++) {
        struct plait_local local = {
            .addr = rig_addr(side, i),
            .id = (uint8_t)(i + 1),
            .flags = PLAIT_LOCAL_SUBFLOW | (side == RIG_PEER && i > 0 ? PLAIT_LOCAL_SIGNAL : 0),
            .mtu = 1500,
        };
        FUZZ_CHECK(plait_local_add(s->stack, &local, r->now) == 0, "the address is taken");
    }
    FUZZ_CHECK(plait_listen(s->stack, &any, NULL, &s->listener) == 0, "the stack listens");
}

void rig_init(struct rig *r, const struct plait_config cfg[2], unsigned n)
{
    *r = (struct rig){.now = PLAIT_SEC};
    side_init(r, RIG_TESTED, &cfg[RIG_TESTED], n);
    side_init(r, RIG_PEER, &cfg[RIG_PEER], n);
}

/* ---- applications --------------------------------------------------------------------------- */

static void keep(struct rig_side *s, struct plait_conn *c)
{
    if (s->conn_n == RIG_CONNS)
        plait_release(c, s->rig->now);
    else
        s->conn[s->conn_n++] = c;
}

void rig_events(struct rig_side *s)
{
    struct plait_event ev;
    struct plait_conn *c;

    while (plait_event_next(s->stack, &ev))
        while (ev.type == PLAIT_EVENT_ACCEPTED && (c = plait_accept(ev.listener)) != NULL)
            keep(s, c);
}

void rig_release(struct rig_side *s, unsigned i, bool abort)
{
    struct plait_conn *c = s->conn[i];

    s->conn[i] = s->conn[--s->conn_n];
    if (abort)
        plait_abort(c, s->rig->now);
    plait_release(c, s->rig->now);
}

struct plait_conn *rig_connect(struct rig *r, unsigned side)
{
    struct rig_side *s = &r->side[side];
    struct plait_connect how = {.local = rig_addr(side, 0), .remote = rig_addr(1 - side, 0)};
    struct plait_conn *c = NULL;

    how.remote.port = RIG_PORT;
    if (s->conn_n == RIG_CONNS || plait_connect(s->stack, &how, r->now, &c) != 0)
        return NULL;
    keep(s, c);
    return c;
}

/* ---- packets -------------------------------------------------------------------------------- */

void rig_input(struct rig_side *s, const uint8_t *bytes, uint32_t len, bool borrowed)
{
    struct plait_in in = {.ip = bytes, .len = len};
    size_t size;

    if (!borrowed)
        in.block = plait_block_get(s->stack, len);
    if (in.block != NULL) {
        uint8_t *buf = plait_block_bytes(in.block, &size);
        memcpy(buf, bytes, len);
        in.ip = buf;
    }
    plait_input(s->stack, &in, s->rig->now);
    plait_block_put(s->stack, in.block);
}

/* The next packet of a side to the other, or nowhere; false: it is silent. */
static bool carry(struct rig *r, unsigned side, bool drop)
{
    static uint8_t packet[PACKET_MAX];
    struct rig_side *s = &r->side[side];
    struct plait_out out;
    struct wire_view views[PLAIT_VIEWS_MAX];

    if (!plait_output_plan(s->stack, r->now, &out))
        return false;
    uint32_t n = out.head_len;
    FUZZ_CHECK(out.payload_len <= PACKET_MAX - n && out.gso_size == 0, "the packet has a size");
    for (unsigned i = 0; i < out.view_n; i++)
        views[i] = (struct wire_view){out.view[i].data, out.view[i].len};
    wire_finish_csum(out.head, out.head_len, out.ip_len, views, out.view_n);
    memcpy(packet, out.head, out.head_len);
    for (unsigned i = 0; i < out.view_n; n += (uint32_t)views[i].len, i++)
        memcpy(packet + n, views[i].data, views[i].len);
    FUZZ_CHECK(n == out.head_len + out.payload_len, "the views are the payload");
    plait_output_commit(s->stack, r->now);
    FUZZ_CHECK(++r->packets < PACKETS_MAX, "nobody talks without end");
    r->now += PACKET_TIME;
    if (!drop)
        rig_input(&r->side[1 - side], packet, n, false);
    return true;
}

void rig_exchange(struct rig *r, unsigned packets, unsigned drop)
{
    bool more = true;

    while (more && packets > 0) {
        more = false;
        for (unsigned side = 0; side < 2 && packets > 0; side++)
            if (carry(r, side, (drop & (1u << side)) != 0)) {
                more = true;
                packets--;
            }
    }
    rig_events(&r->side[0]);
    rig_events(&r->side[1]);
}

static plait_time next_deadline(const struct rig *r)
{
    plait_time a = plait_deadline(r->side[0].stack), b = plait_deadline(r->side[1].stack);

    return a < b ? a : b;
}

void rig_wait(struct rig *r, plait_time time, unsigned drop)
{
    plait_time end = r->now + time, at;

    rig_exchange(r, SETTLE_PACKETS, drop);
    for (unsigned i = 0; i < DEADLINES_MAX && (at = next_deadline(r)) <= end; i++) {
        r->now = at > r->now ? at : r->now;
        for (unsigned side = 0; side < 2; side++) {
            struct plait_stack *s = r->side[side].stack;
            if (plait_deadline(s) > r->now)
                continue;
            plait_tick(s, r->now);
            FUZZ_CHECK(plait_deadline(s) > r->now, "a deadline moves when its time has come");
        }
        rig_exchange(r, SETTLE_PACKETS, drop);
    }
    if (end > r->now && next_deadline(r) > end)
        r->now = end;
}

/* ---- the end -------------------------------------------------------------------------------- */

static uint32_t alive(const struct rig_side *s)
{
    struct plait_stack_info info;

    plait_stack_info(s->stack, &info);
    return info.conns + info.half_open + info.time_wait;
}

static void side_fini(struct rig_side *s)
{
    FUZZ_CHECK(alive(s) == 0, "nobody lives on when everybody let go");
    FUZZ_CHECK(s->stack->timers.n == 0, "the dead have no deadlines");
    plait_stack_free(s->stack);
    FUZZ_CHECK(s->live == 0, "all memory comes back");
}

void rig_fini(struct rig *r)
{
    for (unsigned side = 0; side < 2; side++) {
        struct rig_side *s = &r->side[side];
        s->fail_in = -1;
        plait_listener_close(s->listener, r->now);
        while (s->conn_n > 0)
            rig_release(s, s->conn_n - 1, side == RIG_PEER);
    }
    for (plait_time end = r->now + SETTLE_TIME;
         alive(&r->side[0]) + alive(&r->side[1]) > 0 && r->now < end;)
        rig_wait(r, 100 * PLAIT_SEC, 0);
    for (unsigned side = 0; side < 2; side++)
        side_fini(&r->side[side]);
}

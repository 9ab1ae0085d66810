/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that wrap: a transfer of more than 4 GiB with the largest window scale, in
 * super-segments, whose packets have urgent pointers that mean nothing. Sequence numbers begin
 * below 2^32 and so pass it twice, subflow sequence numbers in mappings once, 32-bit data sequence
 * numbers once. */
#include "kit.h"

#include "tcp/tcp.h"

#include <string.h>

enum { MIB = 1 << 20, PERIOD = 1048573 /* a prime */, BEFORE = 100000 };

struct wrap {
    struct kit a, b; /* a sends to b */
    struct kit_pair pair;
    uint64_t sent, got, packets;
    uint32_t dice;
    uint8_t pattern[PERIOD + MIB]; /* of any position: from position % PERIOD on */
    uint8_t packet[65536 + 200];
};

/* Everything that one says reaches the other; where `urgent`, with URG and a random pointer. */
static bool carry(struct wrap *w, struct kit *from, struct kit *to, bool urgent)
{
    struct plait_out out;
    size_t n;

    if (!plait_output_plan(from->stack, from->now, &out))
        return false;
    n = out.head_len;
    memcpy(w->packet, out.head, n);
    if (urgent && out.payload_len > 0) {
        w->dice = w->dice * 1664525 + 1013904223;
        w->packet[out.ip_len + 13] |= WIRE_URG;
        w->packet[out.ip_len + 18] = (uint8_t)(w->dice >> 24);
        w->packet[out.ip_len + 19] = (uint8_t)(w->dice >> 16);
    }
    for (unsigned i = 0; i < out.view_n; n += out.view[i].len, i++)
        memcpy(w->packet + n, out.view[i].data, out.view[i].len);
    plait_output_commit(from->stack, from->now);
    struct plait_in in = {.ip = w->packet, .len = n, .csum_ok = true};
    assert_int_equal(plait_input(to->stack, &in, to->now), PLAIT_REASON_NONE);
    w->packets++;
    return true;
}

static void step(struct wrap *w)
{
    bool more = true;

    while (more) {
        more = carry(w, &w->a, &w->b, true);
        more |= carry(w, &w->b, &w->a, false);
    }
    w->a.now = w->b.now += 20;
    if (plait_deadline(w->a.stack) <= w->a.now)
        plait_tick(w->a.stack, w->a.now);
    if (plait_deadline(w->b.stack) <= w->b.now)
        plait_tick(w->b.stack, w->b.now);
}

static void write_some(struct wrap *w, uint64_t total)
{
    uint64_t left = total - w->sent;
    int64_t n = 1;

    for (; left > 0 && n > 0; left -= n > 0 ? (uint64_t)n : 0) {
        n = plait_send(w->pair.a, w->pattern + w->sent % PERIOD, left < MIB ? (size_t)left : MIB,
                       w->a.now);
        w->sent += n > 0 ? (uint64_t)n : 0;
    }
}

static void read_all(struct wrap *w)
{
    struct plait_view view;

    while (plait_recv_borrow(w->pair.b, &view) > 0) {
        size_t n = view.len < MIB ? view.len : MIB;
        assert_memory_equal(view.data, w->pattern + w->got % PERIOD, n);
        plait_recv_done(w->pair.b, n, w->b.now);
        w->got += n;
    }
}

static void wide_kit(struct kit *k, uint8_t host, bool mptcp)
{
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.conn.mptcp = mptcp;
    cfg.conn.rcvbuf_max = 1 << 30;
    cfg.conn.rcvbuf_init = 4 * MIB;
    kit_init(k, host, &cfg);
    k->stack->cfg.check_invariants = false; /* they walk over everything */
    struct plait_local wide = {
        .addr = k->addr, .id = 1, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500, .gso_max = 65000};
    assert_int_equal(plait_local_change(k->stack, &wide, k->now), 0);
}

static const struct tcb *tcb_of(const struct kit *k, const struct plait_addr *local,
                                const struct plait_addr *remote)
{
    return mp_subflow_tcb(stack_find_subflow(k->stack, local, remote));
}

/* ISNs follow the clock (RFC 6528), so there is a time when that of a is where it is wanted. */
static void check(bool mptcp, uint64_t total)
{
    struct wrap *w = test_malloc(sizeof *w);
    struct plait_addr from = kit_addr(1, 5555), to = kit_addr(2, 80);
    struct plait_connect how = {.local = from, .remote = to};

    memset(w, 0, sizeof *w);
    for (uint32_t i = 0, x = 1; i < sizeof w->pattern; i++, x = x * 1103515245 + 12345)
        w->pattern[i] = i < PERIOD ? (uint8_t)(x >> 16) : w->pattern[i - PERIOD];
    wide_kit(&w->a, 1, mptcp);
    wide_kit(&w->b, 2, mptcp);
    struct plait_listener *l = kit_listen(&w->b, 80);
    uint32_t iss = tcp_isn(&w->a.stack->ctx, &from, &to, w->a.now);
    w->a.now += 4 * (uint64_t)(0u - BEFORE - iss);
    w->b.now = w->a.now;
    assert_int_equal(plait_connect(w->a.stack, &how, w->a.now, &w->pair.a), 0);
    for (unsigned i = 0; i < 10; i++)
        step(w);
    w->pair.b = plait_accept(l);
    assert_non_null(w->pair.b);
    const struct tcb *t = tcb_of(&w->b, &to, &from);
    assert_int_equal(t->irs, 0u - BEFORE);
    assert_int_equal(t->rcv_wscale, 14);
    while (w->got < total) {
        uint64_t before = w->got;
        write_some(w, total);
        step(w);
        read_all(w);
        assert_true(w->got > before);
    }
    assert_int_equal(t->rcv_pos, total);
    assert_int_equal(w->b.drops, 0);
    plait_abort(w->pair.a, w->a.now);
    kit_fini(&w->a);
    kit_fini(&w->b);
    test_free(w);
}

static void test_17_over_4_gib(void **state)
{
    check(true, ((uint64_t)4 << 30) + MIB);
}

static void test_17_wrap_of_plain_tcp(void **state)
{
    check(false, 64 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_17_over_4_gib),
        cmocka_unit_test(test_17_wrap_of_plain_tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

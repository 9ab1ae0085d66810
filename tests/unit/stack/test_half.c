/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "mp/mp_int.h"

#include <string.h>

static struct plait_addr server_addr(void)
{
    return kit_addr(1, 80);
}

static uint32_t halves(const struct kit *k)
{
    struct plait_stack_info info;

    plait_stack_info(k->stack, &info);
    return info.half_open;
}

static struct wire_seg expect_synack(struct kit *k)
{
    struct wire_packet p;

    assert_true(kit_output(k, &p));
    assert_int_equal(p.seg.flags, WIRE_SYN | WIRE_ACK);
    return p.seg;
}

/* SYN, SYN/ACK, ACK by hand: a connection, plain. */
static void test_plain_handshake(void **state)
{
    struct kit k;
    struct plait_addr from = kit_addr(2, 999), to = server_addr();

    kit_init(&k, 1, NULL);
    struct plait_listener *l = kit_listen(&k, 80);
    struct kit_seg s = kit_syn(&from, &to);
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NONE);
    assert_int_equal(halves(&k), 1);
    struct wire_seg sa = expect_synack(&k);
    assert_int_equal(sa.ack, s.seq + 1);
    assert_false(sa.mp.any);
    kit_expect_silence(&k);
    s = (struct kit_seg){.src = from,
                         .dst = to,
                         .seq = s.seq + 1,
                         .ack = sa.seq + 1,
                         .flags = WIRE_ACK | WIRE_PSH,
                         .data = "hello",
                         .len = 5};
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NONE);
    assert_int_equal(halves(&k), 0);
    struct plait_conn *c = plait_accept(l);
    assert_non_null(c);
    char buf[10];
    assert_int_equal(plait_recv(c, buf, sizeof buf, k.now), 5);
    assert_memory_equal(buf, "hello", 5);
    kit_fini(&k);
}

static void test_synack_is_repeated_then_forgotten(void **state)
{
    struct kit k;
    struct plait_addr from = kit_addr(2, 999), to = server_addr();
    unsigned n = 0;
    struct wire_packet p;

    kit_init(&k, 1, NULL);
    kit_listen(&k, 80);
    struct kit_seg syn = kit_syn(&from, &to);
    assert_int_equal(kit_input(&k, &syn), PLAIT_REASON_NONE);
    uint32_t seq = expect_synack(&k).seq;
    assert_int_equal(kit_input(&k, &syn), PLAIT_REASON_NONE); /* the SYN again */
    assert_int_equal(expect_synack(&k).seq, seq);
    while (halves(&k) > 0) {
        assert_true(plait_deadline(k.stack) != PLAIT_NEVER && n < 20);
        k.now = plait_deadline(k.stack);
        plait_tick(k.stack, k.now);
        n += kit_output(&k, &p);
    }
    assert_in_range(n, 4, 8);
    assert_true(k.now > 20 * PLAIT_SEC);
    assert_int_equal(plait_counter(k.stack, PLAIT_REASON_SYN_TIMEOUT), 1);
    kit_fini(&k);
}

static void test_wrong_acks(void **state)
{
    struct kit k;
    struct plait_addr from = kit_addr(2, 999), to = server_addr();
    struct wire_packet p;

    kit_init(&k, 1, NULL);
    kit_listen(&k, 80);
    struct kit_seg s = kit_syn(&from, &to);
    kit_input(&k, &s);
    uint32_t iss = expect_synack(&k).seq;
    s.flags = WIRE_ACK;
    s.seq++;
    s.ack = iss + 2; /* never sent */
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_ACK_OUTSIDE);
    assert_true(kit_output(&k, &p));
    assert_int_equal(p.seg.flags & WIRE_RST, WIRE_RST);
    assert_int_equal(p.seg.seq, iss + 2);
    assert_int_equal(halves(&k), 1);
    s.flags = WIRE_RST;
    s.seq += 5000000;
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_SEQ_OUTSIDE);
    assert_int_equal(halves(&k), 1);
    s.seq -= 5000000;
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NONE);
    assert_int_equal(halves(&k), 0);
    kit_fini(&k);
}

/* A flood: the table keeps its cap, and what does not fit is answered all the same. */
static void test_flood(void **state)
{
    struct kit k;
    struct plait_config cfg;
    struct plait_addr to = server_addr();
    struct wire_packet p;

    plait_config_init(&cfg);
    cfg.half_open_max = 50;
    kit_init(&k, 1, &cfg);
    kit_listen(&k, 80);
    for (unsigned i = 0; i < 1000; i++) {
        struct plait_addr from = kit_addr((uint8_t)(2 + i % 200), (uint16_t)(1000 + i));
        struct kit_seg syn = kit_syn(&from, &to);
        syn.mp.present = 1u << WIRE_MP_CAPABLE;
        syn.mp.capable = (struct wire_mp_capable){.version = 1, .flags = WIRE_CAP_H, .len = 4};
        assert_int_equal(kit_input(&k, &syn), PLAIT_REASON_NONE);
        assert_true(halves(&k) <= 50);
        assert_true(kit_output(&k, &p));
        assert_int_equal(p.seg.flags, WIRE_SYN | WIRE_ACK);
        assert_true(wire_mp_has(&p.seg.mp, WIRE_MP_CAPABLE));
    }
    assert_int_equal(plait_counter(k.stack, PLAIT_REASON_COOKIE_SENT), 950);
    assert_int_equal(k.stack->tokens.count, 50); /* those without state hold no key */
    kit_fini(&k);
}

static void test_memory_ends(void **state)
{
    struct kit k;
    struct plait_addr from = kit_addr(2, 999), to = server_addr();
    struct plait_stack_info info;

    kit_init(&k, 1, NULL);
    struct plait_listener *l = kit_listen(&k, 80);
    struct kit_seg s = kit_syn(&from, &to);
    k.fail_in = 0;
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NO_MEMORY);
    k.fail_in = -1;
    assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NONE);
    uint32_t iss = expect_synack(&k).seq;
    s.flags = WIRE_ACK;
    s.seq++;
    s.ack = iss + 1;
    /* The third ACK finds no memory: it is forgotten, and the next one gets through. */
    for (int64_t n = 0; halves(&k) > 0; n++) {
        assert_true(n < 50);
        k.fail_in = n;
        enum plait_reason why = kit_input(&k, &s);
        k.fail_in = -1;
        assert_true(why == PLAIT_REASON_NONE || why == PLAIT_REASON_NO_MEMORY);
    }
    plait_stack_info(k.stack, &info);
    assert_int_equal(info.conns, 1);
    assert_non_null(plait_accept(l));
    kit_fini(&k);
}

static void test_conn_limit(void **state)
{
    struct kit k;
    struct plait_config cfg;
    struct plait_addr to = server_addr();

    plait_config_init(&cfg);
    cfg.conns_max = 2;
    kit_init(&k, 1, &cfg);
    kit_listen(&k, 80);
    for (uint16_t i = 0; i < 3; i++) {
        struct plait_addr from = kit_addr(2, (uint16_t)(1000 + i));
        struct kit_seg s = kit_syn(&from, &to);
        kit_input(&k, &s);
        uint32_t iss = expect_synack(&k).seq;
        s.flags = WIRE_ACK;
        s.seq++;
        s.ack = iss + 1;
        assert_int_equal(kit_input(&k, &s), i < 2 ? PLAIT_REASON_NONE : PLAIT_REASON_CONN_LIMIT);
        struct wire_packet p;
        while (kit_output(&k, &p))
            ;
    }
    kit_fini(&k);
}

/* ---- joins
 * ---------------------------------------------------------------------------------------------- */

static struct kit_seg join_syn(const struct plait_addr *from, const struct plait_addr *to,
                               uint32_t token)
{
    struct kit_seg s = kit_syn(from, to);

    s.mp.present = 1u << WIRE_MP_JOIN;
    s.mp.join = (struct wire_mp_join){.len = 12, .addr_id = 2, .token = token, .nonce = 77};
    return s;
}

static uint32_t token_of(struct plait_conn *c)
{
    struct plait_conn_info info;

    plait_conn_info(c, &info);
    return info.token_local;
}

/*= RFC 8684 3.2-6, 3.2-8 */
/* RFC 8684 3.2: refused by RST; MP_TCPRST says "MPTCP-specific error". With and without a
 * listener. */
static void test_unknown_token(void **state)
{
    for (int listener = 0; listener <= 1; listener++) {
        struct kit k;
        struct plait_addr from = kit_addr(2, 999), to = server_addr();
        struct wire_packet p;
        kit_init(&k, 1, NULL);
        if (listener)
            kit_listen(&k, 80);
        struct kit_seg s = join_syn(&from, &to, 0x12345678);
        assert_int_equal(kit_input(&k, &s), PLAIT_REASON_JOIN_TOKEN);
        assert_true(kit_output(&k, &p));
        assert_int_equal(p.seg.flags, WIRE_RST | WIRE_ACK);
        assert_int_equal(p.seg.ack, s.seq + 1);
        assert_true(wire_mp_has(&p.seg.mp, WIRE_MP_TCPRST));
        assert_int_equal(p.seg.mp.rst.reason, 1);
        assert_int_equal(halves(&k), 0);
        kit_expect_silence(&k);
        kit_fini(&k);
    }
}

/*= RFC 8684 3.2
 * Demultiplexing subflow SYNs MUST be done using the token; this is unlike traditional TCP, where
 * the destination port is used for demultiplexing SYN packets. */
/* A join is answered by token: on a port where nobody listens, after the listener has gone. */
static void test_join_by_token_alone(void **state)
{
    struct kit a, b;
    struct plait_addr from = kit_addr(3, 999), to = kit_addr(2, 7777);
    struct wire_packet p;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct kit_pair pair = kit_connect(&a, &b, l);
    plait_send(pair.a, "x", 1, a.now);
    kit_exchange(&a, &b);
    plait_listener_close(l, b.now);
    struct kit_seg s = join_syn(&from, &to, token_of(pair.b));
    assert_int_equal(kit_input(&b, &s), PLAIT_REASON_NONE);
    struct wire_seg sa = expect_synack(&b);
    assert_true(wire_mp_has(&sa.mp, WIRE_MP_JOIN));
    assert_int_equal(sa.mp.join.len, 16);
    /* The third ACK with a wrong HMAC is refused. */
    s.flags = WIRE_ACK;
    s.seq++;
    s.ack = sa.seq + 1;
    s.mp.join = (struct wire_mp_join){.len = 24};
    assert_int_equal(kit_input(&b, &s), PLAIT_REASON_JOIN_HMAC);
    assert_true(kit_output(&b, &p));
    assert_true((p.seg.flags & WIRE_RST) != 0 && wire_mp_has(&p.seg.mp, WIRE_MP_TCPRST));
    assert_int_equal(halves(&b), 0);
    assert_int_equal(pair.b->half_joins, 0);
    kit_fini(&a);
    kit_fini(&b);
}

/* The ACK that completes a join, with the right HMAC. */
static struct kit_seg join_ack(const struct plait_conn *c, const struct kit_seg *syn,
                               const struct wire_seg *synack)
{
    struct mp_hmac_in in = {c->mp->remote.key, c->mp->local.key, syn->mp.join.nonce,
                            synack->mp.join.nonce, 1};
    struct kit_seg ack = *syn;

    ack.flags = WIRE_ACK;
    ack.opt = (struct wire_tcpopts){0};
    ack.seq++;
    ack.ack = synack->seq + 1;
    ack.mp.join = (struct wire_mp_join){.len = 24};
    mp_join_hmac(&in, ack.mp.join.hmac);
    return ack;
}

/*= RFC 8684 3.2
 * Demultiplexing subflow SYNs MUST be done using the token; this is unlike traditional TCP, where
 * the destination port is used for demultiplexing SYN packets. */
/* Also where the 4-tuple is still in TIME-WAIT: an address goes, comes back, and is joined again
 * from the same ports. */
static void test_join_over_time_wait(void **state)
{
    struct kit a, b;
    struct plait_addr from = kit_addr(3, 999), to = kit_addr(4, 7777);
    struct plait_local second = {.addr = kit_addr(4, 0), .id = 2, .mtu = 1500};
    struct wire_packet p = {.seg.flags = 0};

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct kit_pair pair = kit_connect(&a, &b, l);
    plait_send(pair.a, "x", 1, a.now);
    kit_exchange(&a, &b);
    plait_listener_close(l, b.now);
    assert_int_equal(plait_local_add(b.stack, &second, b.now), 0);
    struct kit_seg syn = join_syn(&from, &to, token_of(pair.b));
    assert_int_equal(kit_input(&b, &syn), PLAIT_REASON_NONE);
    struct wire_seg sa = expect_synack(&b);
    struct kit_seg ack = join_ack(pair.b, &syn, &sa);
    assert_int_equal(kit_input(&b, &ack), PLAIT_REASON_NONE);
    assert_int_equal(plait_local_del(b.stack, 2, b.now), 0);
    while ((p.seg.flags & WIRE_FIN) == 0)
        assert_true(kit_output(&b, &p));
    ack.flags |= WIRE_FIN;
    ack.ack = p.seg.seq + 1;
    ack.mp.present = 0;
    assert_int_equal(kit_input(&b, &ack), PLAIT_REASON_NONE);
    const struct tcb *t = mp_subflow_tcb(stack_find_subflow(b.stack, &to, &from));
    assert_int_equal(t->state, TCP_ST_TIME_WAIT);
    assert_int_equal(plait_local_add(b.stack, &second, b.now), 0);
    while (kit_output(&b, &p))
        ;
    syn.seq += 100000;
    assert_int_equal(kit_input(&b, &syn), PLAIT_REASON_NONE);
    sa = expect_synack(&b);
    assert_true(wire_mp_has(&sa.mp, WIRE_MP_JOIN));
    ack = join_ack(pair.b, &syn, &sa);
    assert_int_equal(kit_input(&b, &ack), PLAIT_REASON_NONE);
    assert_int_equal(mp_alive_n(pair.b->mp), 2);
    kit_fini(&a);
    kit_fini(&b);
}

/* RFC 7430 3: a token that got known lets nobody fill the table. Without timestamps there is no
 * answer without state, and a random one of its joins makes room. */
static void test_half_joins_are_limited(void **state)
{
    struct kit a, b;
    struct plait_addr to = kit_addr(2, 80);

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair pair = kit_connect(&a, &b, kit_listen(&b, 80));
    plait_send(pair.a, "x", 1, a.now);
    kit_exchange(&a, &b);
    for (uint16_t i = 0; i < 3 * STACK_HALF_JOINS_MAX; i++) {
        struct plait_addr from = kit_addr(3, (uint16_t)(1000 + i));
        struct kit_seg s = join_syn(&from, &to, token_of(pair.b));
        kit_input(&b, &s);
    }
    assert_in_range(halves(&b), 1, STACK_HALF_JOINS_MAX);
    assert_int_equal(pair.b->half_joins, halves(&b));
    assert_int_equal(plait_counter(b.stack, PLAIT_REASON_HALF_EVICTED), 2 * STACK_HALF_JOINS_MAX);
    /* The connection ends before the joins do. */
    plait_abort(pair.b, b.now);
    plait_release(pair.b, b.now);
    kit_wait(&a, &b, 200 * PLAIT_SEC);
    assert_int_equal(halves(&b), 0);
    kit_fini(&a);
    kit_fini(&b);
}

static void constant(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 7, len);
}

/*= RFC 8684 3.1-7 */
/* Every key that can be drawn has a token in use: the second connection is plain TCP. */
static void test_no_key_no_multipath(void **state)
{
    struct kit k;
    struct plait_addr to = server_addr();

    kit_init(&k, 1, NULL);
    kit_listen(&k, 80);
    k.stack->ctx.env.random = constant;
    for (uint16_t i = 0; i < 2; i++) {
        struct plait_addr from = kit_addr(2, (uint16_t)(1000 + i));
        struct kit_seg s = kit_syn(&from, &to);
        s.mp.present = 1u << WIRE_MP_CAPABLE;
        s.mp.capable = (struct wire_mp_capable){.version = 1, .flags = WIRE_CAP_H, .len = 4};
        assert_int_equal(kit_input(&k, &s), PLAIT_REASON_NONE);
        struct wire_seg sa = expect_synack(&k);
        assert_int_equal(wire_mp_has(&sa.mp, WIRE_MP_CAPABLE), i == 0);
    }
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_handshake),
        cmocka_unit_test(test_synack_is_repeated_then_forgotten),
        cmocka_unit_test(test_wrong_acks),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_memory_ends),
        cmocka_unit_test(test_conn_limit),
        cmocka_unit_test(test_unknown_token),
        cmocka_unit_test(test_join_by_token_alone),
        cmocka_unit_test(test_join_over_time_wait),
        cmocka_unit_test(test_half_joins_are_limited),
        cmocka_unit_test(test_no_key_no_multipath),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

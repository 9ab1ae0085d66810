/* SPDX-License-Identifier: Apache-2.0 */
/* What connections teach about their peers, and what the next ones make of it. */
#include "kit.h"

static struct plait_conn *connect_to(struct kit *k, uint8_t host,
                                     const struct plait_conn_config *config)
{
    struct plait_connect how = {.remote = kit_addr(host, 80), .config = config};
    struct plait_conn *c = NULL;

    assert_int_equal(plait_connect(k->stack, &how, k->now, &c), 0);
    return c;
}

static uint32_t peers(const struct kit *k)
{
    struct plait_stack_info info;

    plait_stack_info(k->stack, &info);
    return info.peers;
}

static struct wire_seg next_syn(struct kit *k)
{
    struct wire_packet p;

    while (!kit_output(k, &p)) {
        assert_true(plait_deadline(k->stack) != PLAIT_NEVER);
        k->now = plait_deadline(k->stack);
        plait_tick(k->stack, k->now);
    }
    assert_int_equal(p.seg.flags, WIRE_SYN);
    return p.seg;
}

static bool offers(const struct wire_seg *syn)
{
    return wire_mp_has(&syn->mp, WIRE_MP_CAPABLE);
}

static void let_go(struct kit *k, struct plait_conn *c)
{
    struct wire_packet p;

    plait_abort(c, k->now);
    plait_release(c, k->now);
    while (kit_output(k, &p))
        ;
}

/* Its SYNs with options vanish, the plain one is answered. */
static void lose_the_options(struct kit *k, uint8_t host)
{
    struct plait_conn *c = connect_to(k, host, NULL);
    struct wire_seg syn = next_syn(k);

    assert_true(offers(&syn));
    while (offers(&syn))
        syn = next_syn(k);
    struct kit_seg sa = kit_syn(&syn.dst, &syn.src);
    sa.flags = WIRE_SYN | WIRE_ACK;
    sa.ack = syn.seq + 1;
    assert_int_equal(kit_input(k, &sa), PLAIT_REASON_NONE);
    struct plait_conn_info info;
    plait_conn_info(c, &info);
    assert_true(info.established && !info.multipath);
    assert_int_equal(info.fallback, PLAIT_REASON_MP_SYN_LOST);
    let_go(k, c);
}

static bool offered_to(struct kit *k, uint8_t host)
{
    struct plait_conn *c = connect_to(k, host, NULL);
    struct wire_seg syn = next_syn(k);

    let_go(k, c);
    return offers(&syn);
}

/* HEU-04. Plain for a minute, and twice as long each time; other peers do not suffer. */
/*= RFC 8684 3.9.3
 * A host may keep a system-wide cache of such information, so that it can back off from using
 * MPTCP, firstly for that particular destination host */
static void test_options_that_get_lost(void **state)
{
    struct kit k;
    plait_time wait = 60 * PLAIT_SEC;

    kit_init(&k, 1, NULL);
    for (unsigned i = 0; i < 8; i++) {
        lose_the_options(&k, 2);
        assert_int_equal(peers(&k), 1);
        assert_false(offered_to(&k, 2));
        assert_true(offered_to(&k, 3));
        k.now += wait - PLAIT_SEC;
        assert_false(offered_to(&k, 2));
        k.now += PLAIT_SEC;
        assert_true(offered_to(&k, 2));
        wait = 2 * wait < 3600 * PLAIT_SEC ? 2 * wait : 3600 * PLAIT_SEC;
    }
    assert_int_equal(plait_counter(k.stack, PLAIT_REASON_MP_AVOIDED), 16);
    /* Long ago: the row begins anew. */
    k.now += 3 * 3600 * PLAIT_SEC;
    lose_the_options(&k, 2);
    k.now += 60 * PLAIT_SEC;
    assert_true(offered_to(&k, 2));
    kit_fini(&k);
}

static void test_what_is_avoided_is_told(void **state)
{
    struct kit k;
    struct plait_conn_info info;
    struct plait_conn_config must;

    kit_init(&k, 1, NULL);
    lose_the_options(&k, 2);
    struct plait_conn *c = connect_to(&k, 2, NULL);
    plait_conn_info(c, &info);
    assert_int_equal(info.fallback, PLAIT_REASON_MP_AVOIDED);
    next_syn(&k);
    let_go(&k, c);
    must = k.stack->cfg.conn; /* who insists is heard */
    must.require_mptcp = true;
    c = connect_to(&k, 2, &must);
    struct wire_seg syn = next_syn(&k);
    assert_true(offers(&syn));
    let_go(&k, c);
    kit_fini(&k);
}

static void test_success_wipes_the_slate(void **state)
{
    struct kit a, b;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    lose_the_options(&a, 2);
    b.now = a.now += 60 * PLAIT_SEC;
    struct kit_pair p = kit_connect(&a, &b, l);
    struct plait_conn_info info;
    plait_conn_info(p.a, &info);
    assert_true(info.multipath);
    lose_the_options(&a, 2);
    a.now += 60 * PLAIT_SEC; /* the first of a new row */
    assert_true(offered_to(&a, 2));
    kit_fini(&a);
    kit_fini(&b);
}

/* The one who was changed longest ago gives way. */
static void test_the_table_is_bounded(void **state)
{
    struct kit k;
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.peers_max = 3;
    kit_init(&k, 1, &cfg);
    for (uint8_t host = 2; host < 10; host++) {
        lose_the_options(&k, host);
        assert_true(peers(&k) <= 3);
    }
    assert_true(offered_to(&k, 6));
    assert_false(offered_to(&k, 9));
    kit_fini(&k);
    cfg.peers_max = 0;
    kit_init(&k, 1, &cfg);
    lose_the_options(&k, 2);
    assert_true(offered_to(&k, 2));
    assert_int_equal(peers(&k), 0);
    kit_fini(&k);
}

static void test_no_memory_for_a_lesson(void **state)
{
    struct kit k;
    struct plait_conn *c;

    kit_init(&k, 1, NULL);
    c = connect_to(&k, 2, NULL);
    struct wire_seg syn = next_syn(&k);
    while (offers(&syn))
        syn = next_syn(&k);
    struct kit_seg sa = kit_syn(&syn.dst, &syn.src);
    sa.flags = WIRE_SYN | WIRE_ACK;
    sa.ack = syn.seq + 1;
    k.fail_in = 0;
    kit_input(&k, &sa);
    k.fail_in = -1;
    assert_int_equal(peers(&k), 0);
    let_go(&k, c);
    assert_true(offered_to(&k, 2));
    kit_fini(&k);
}

/* MPC-02. What the peer speaks is remembered: version 0, or no MPTCP at all. */
/*= RFC 8684 3.1
 * An initiator MAY cache information for a peer about what version of MPTCP it supports, if any,
 * and use this information for future connection attempts. */
static void test_versions_are_remembered(void **state)
{
    for (int mptcp = 0; mptcp <= 1; mptcp++) {
        struct kit a, b;
        struct plait_config cfg;
        plait_config_init(&cfg);
        cfg.conn.offer_versions = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1;
        kit_init(&a, 1, &cfg);
        cfg.conn.accept_versions = PLAIT_MPTCP_V0;
        cfg.conn.mptcp = mptcp;
        kit_init(&b, 2, &cfg);
        struct plait_listener *l = kit_listen(&b, 80);
        struct kit_pair p = kit_connect(&a, &b, l);
        struct plait_conn_info info;
        plait_conn_info(p.a, &info);
        assert_int_equal(info.multipath, mptcp);
        assert_int_equal(info.version, 0);
        assert_int_equal(peers(&a), 1);
        struct plait_conn *c = connect_to(&a, 2, NULL);
        struct wire_seg syn = next_syn(&a);
        assert_true(offers(&syn));
        assert_int_equal(syn.mp.capable.len, mptcp ? 12 : 4);
        let_go(&a, c);
        if (!mptcp) { /* and no second handshake is tried */
            p = kit_connect(&a, &b, l);
            plait_conn_info(p.a, &info);
            assert_false(info.multipath);
        }
        a.now += 3601 * PLAIT_SEC;
        c = connect_to(&a, 2, NULL);
        syn = next_syn(&a);
        while (syn.src.port == 0 || syn.mp.capable.len == 0)
            syn = next_syn(&a);
        assert_int_equal(syn.mp.capable.len, 4);
        let_go(&a, c);
        kit_fini(&a);
        kit_fini(&b);
    }
}

/* A second address of the client, from which b refuses joins: it takes one subflow alone. */
static struct plait_conn *with_a_join(struct kit *a, struct kit *b, struct plait_listener *l)
{
    struct kit_pair p = kit_connect(a, b, l);

    plait_send(p.a, "x", 1, a->now);
    kit_exchange(a, b);
    return p.a;
}

static void test_joins_that_were_refused(void **state)
{
    struct kit a, b;
    struct plait_config cfg;
    struct plait_local second = {
        .addr = kit_addr(3, 0), .id = 2, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500};

    plait_config_init(&cfg);
    cfg.conn.subflows_max = 1;
    kit_init(&a, 1, NULL);
    kit_init(&b, 2, &cfg);
    assert_int_equal(plait_local_add(a.stack, &second, a.now), 0);
    struct plait_listener *l = kit_listen(&b, 80);
    with_a_join(&a, &b, l);
    assert_int_equal(plait_counter(b.stack, PLAIT_REASON_JOIN_LIMIT), 1);
    assert_int_equal(peers(&a), 1);
    with_a_join(&a, &b, l);
    assert_int_equal(plait_counter(b.stack, PLAIT_REASON_JOIN_LIMIT), 1);
    assert_true(plait_counter(a.stack, PLAIT_REASON_JOIN_AVOIDED) > 0);
    kit_wait(&a, &b, 130 * PLAIT_SEC); /* the bar of the second one ends after the first's */
    assert_int_equal(plait_counter(b.stack, PLAIT_REASON_JOIN_LIMIT), 2);
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_that_get_lost),
        cmocka_unit_test(test_what_is_avoided_is_told),
        cmocka_unit_test(test_success_wipes_the_slate),
        cmocka_unit_test(test_the_table_is_bounded),
        cmocka_unit_test(test_no_memory_for_a_lesson),
        cmocka_unit_test(test_versions_are_remembered),
        cmocka_unit_test(test_joins_that_were_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile input, MPTCP: each case is survived with the counter that is named for it, and the other
 * connection of the same hosts works afterwards. */
#include "hostile.h"

#include <string.h>

static struct mp_conn *aim(const struct scene *s)
{
    return s->sub->conn;
}

/* ---- 21: joins ------------------------------------------------------------------------------ */

static struct kit_seg join_syn(const struct scene *s, uint16_t port)
{
    struct plait_addr from = kit_addr(9, port), to = kit_addr(2, 80);
    struct kit_seg syn = kit_syn(&from, &to);

    syn.mp.present = 1u << WIRE_MP_JOIN;
    syn.mp.join = (struct wire_mp_join){
        .len = 12, .addr_id = 3, .token = aim(s)->local.token, .nonce = 77};
    return syn;
}

static uint32_t halves(const struct scene *s)
{
    struct plait_stack_info info;

    plait_stack_info(s->victim.stack, &info);
    return info.half_open;
}

/* RFC 8684 3.2: as for an unknown port of TCP, with the reason; and no state. */
static void test_21_join_with_unknown_token(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg syn = join_syn(&s, 5000);
    syn.mp.join.token++;
    scene_expect(&s, &syn, PLAIT_REASON_JOIN_TOKEN);
    struct wire_seg rst = scene_answer(&s);
    assert_int_equal(rst.flags & WIRE_RST, WIRE_RST);
    assert_true(wire_mp_has(&rst.mp, WIRE_MP_TCPRST));
    assert_int_equal(halves(&s), 0);
    scene_fini(&s, true);
}

/* The subflow ends, the connection does not. */
static void test_21_join_with_wrong_hmac(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = join_syn(&s, 5001);
    assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
    struct wire_seg answer = scene_answer(&s);
    assert_true(wire_mp_has(&answer.mp, WIRE_MP_JOIN));
    seg.flags = WIRE_ACK;
    seg.seq++;
    seg.ack = answer.seq + 1;
    seg.mp.join.len = 24;
    scene_expect(&s, &seg, PLAIT_REASON_JOIN_HMAC);
    assert_int_equal(scene_answer(&s).flags & WIRE_RST, WIRE_RST);
    assert_int_equal(halves(&s), 0);
    assert_int_equal(aim(&s)->sub_n, 1);
    scene_fini(&s, true);
}

static void test_21_join_after_close(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg syn = join_syn(&s, 5002);
    plait_abort(s.aimed.b, s.victim.now);
    kit_exchange(&s.client, &s.victim);
    scene_expect(&s, &syn, PLAIT_REASON_JOIN_TOKEN);
    assert_int_equal(scene_answer(&s).flags & WIRE_RST, WIRE_RST);
    assert_int_equal(halves(&s), 0);
    scene_fini(&s, false);
}

/* ---- 22: mappings and DATA_ACKs ------------------------------------------------------------- */

static struct kit_seg mapped(const struct scene *s, const char *data)
{
    struct kit_seg seg = scene_seg(s);

    seg.data = data;
    seg.len = (uint32_t)strlen(data);
    seg.mp.present = 1u << WIRE_MP_DSS;
    seg.mp.dss = (struct wire_mp_dss){
        .has_ack = true,
        .ack64 = true,
        .ack = mp_dsn_out(aim(s), aim(s)->snd_nxt),
        .has_map = true,
        .dsn64 = true,
        .dsn = mp_dsn_in(aim(s), mp_rx_nxt(aim(s))),
        .ssn = tcp_ssn_in(&s->sub->tcb, seg.seq),
        .dll = (uint16_t)seg.len,
    };
    return seg;
}

static void expect_nothing_delivered(struct scene *s)
{
    char buf[64];
    int64_t n = plait_recv(s->aimed.b, buf, sizeof buf, s->victim.now);

    assert_true(n < 0);
}

static void test_22_mapping_far_away(void **state)
{
    static const int64_t at[] = {INT64_C(1) << 32, -(INT64_C(1) << 32), INT64_MAX, INT64_MIN};
    struct scene s;

    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        scene_init(&s, true, NULL);
        struct kit_seg seg = mapped(&s, "evil");
        seg.mp.dss.dsn += (uint64_t)at[i];
        kit_input(&s.victim, &seg);
        assert_true(plait_counter(s.victim.stack, PLAIT_REASON_DSS_WINDOW) +
                        plait_counter(s.victim.stack, PLAIT_REASON_DSS_DUPLICATE) ==
                    1);
        expect_nothing_delivered(&s);
        plait_abort(s.aimed.b, s.victim.now);
        scene_fini(&s, false);
    }
}

static void test_22_mapping_beside_its_segment(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "evil");
    seg.mp.dss.ssn += 1000;
    scene_expect(&s, &seg, PLAIT_REASON_DSS_OUTSIDE);
    expect_nothing_delivered(&s);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

/* The second copy of the mapping names another place of the stream. */
static void test_22_mapping_that_changes(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "evil");
    seg.seq++; /* the first byte is missing, so the mapping is held */
    seg.data = "vil";
    seg.len = 3;
    assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
    seg.mp.dss.dsn += 2;
    scene_expect(&s, &seg, PLAIT_REASON_DSS_CONFLICT);
    expect_nothing_delivered(&s);
    scene_fini(&s, false);
}

static void test_22_infinite_mapping_in_the_middle(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "evil");
    seg.mp.dss.dll = 0;
    kit_input(&s.victim, &seg);
    assert_true(plait_counter(s.victim.stack, PLAIT_REASON_INFINITE_MAP) > 0);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

static void test_22_data_ack_beyond_what_was_sent(void **state)
{
    static const uint64_t beyond[] = {1, 1000, UINT64_C(1) << 31, UINT64_C(1) << 62};
    struct scene s;

    scene_init(&s, true, NULL);
    for (unsigned i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        struct kit_seg seg = mapped(&s, "");
        seg.mp.dss.has_map = false;
        seg.mp.dss.ack += beyond[i];
        scene_expect(&s, &seg, PLAIT_REASON_DATA_ACK_OUTSIDE);
    }
    scene_fini(&s, true);
}

/* ---- 24: addresses -------------------------------------------------------------------------- */

static struct kit_seg add_addr(const struct scene *s, uint8_t id, struct plait_addr addr)
{
    struct kit_seg seg = scene_seg(s);
    struct wire_mp_add_addr *add = &seg.mp.add_addr;

    seg.opt.has_ts = false; /* no room for both */
    seg.mp.present = 1u << WIRE_MP_ADD_ADDR;
    *add = (struct wire_mp_add_addr){.id = id, .has_hmac = true, .addr = addr};
    mp_addr_hmac(aim(s)->remote.key, aim(s)->local.key, add, add->hmac);
    return seg;
}

static void test_24_add_addr_with_wrong_hmac(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = add_addr(&s, 5, kit_addr(66, 0));
    for (unsigned i = 0; i < 8; i++) {
        seg.mp.add_addr.hmac[i] ^= 1;
        scene_expect(&s, &seg, PLAIT_REASON_ADDR_HMAC);
        seg.mp.add_addr.hmac[i] ^= 1;
    }
    kit_expect_silence(&s.victim); /* no echo, no connection to the address */
    scene_fini(&s, true);
}

/* Nobody is scanned at a peer's word. */
static void test_24_add_addr_of_unusable_addresses(void **state)
{
    static const uint8_t ip[][4] = {{127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255},
                                    {0, 0, 0, 0},   {10, 0, 0, 2},  {169, 254, 1, 1}};
    struct scene s;

    scene_init(&s, true, NULL);
    for (unsigned i = 0; i < sizeof ip / sizeof ip[0]; i++) {
        struct plait_addr addr = {.family = 4};
        memcpy(addr.ip, ip[i], 4);
        struct kit_seg seg = add_addr(&s, (uint8_t)(i + 5), addr);
        scene_expect(&s, &seg, PLAIT_REASON_ADDR_BAD);
        struct wire_packet p;
        while (kit_output(&s.victim, &p))
            assert_int_equal(p.seg.flags & WIRE_SYN, 0);
    }
    scene_fini(&s, true);
}

/* All 255 ids. */
static void test_24_add_addr_storm(void **state)
{
    struct scene s;
    struct wire_packet p;

    scene_init(&s, true, NULL);
    for (unsigned i = 1; i <= 255; i++) {
        struct kit_seg seg = add_addr(&s, (uint8_t)i, kit_addr((uint8_t)(i < 2 ? 99 : i), 9));
        if (i != 2)
            kit_input(&s.victim, &seg);
        while (kit_output(&s.victim, &p))
            ;
    }
    assert_true(aim(&s)->remote_n <= PM_ADDRS_MAX);
    assert_true(plait_counter(s.victim.stack, PLAIT_REASON_ADDR_LIMIT) >= 200);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

static void test_24_remove_addr_of_unknown_id(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_REMOVE_ADDR;
    seg.mp.remove.n = 1;
    seg.mp.remove.id[0] = 200;
    scene_expect(&s, &seg, PLAIT_REASON_REMOVE_UNKNOWN);
    scene_fini(&s, true);
}

/* Forged: the path answers the keepalive, so it stays (RFC 8684 3.4.2). */
static void test_24_remove_addr_of_the_last(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_REMOVE_ADDR;
    seg.mp.remove.n = 1;
    seg.mp.remove.id[0] = 0;
    kit_input(&s.victim, &seg);
    kit_wait(&s.client, &s.victim, 30 * PLAIT_SEC);
    assert_int_equal(aim(&s)->sub_n, 1);
    scene_fini(&s, true);
}

/* ---- 25: ends ------------------------------------------------------------------------------- */

static void test_25_fastclose_with_wrong_key(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_FASTCLOSE;
    seg.mp.fastclose_key = aim(&s)->local.key ^ 1;
    scene_expect(&s, &seg, PLAIT_REASON_FASTCLOSE_KEY);
    scene_fini(&s, true);
}

static void test_25_fastclose(void **state)
{
    struct scene s;
    enum plait_reason why;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_FASTCLOSE;
    seg.mp.fastclose_key = aim(&s)->local.key;
    scene_expect(&s, &seg, PLAIT_REASON_FASTCLOSE);
    assert_int_equal(plait_conn_error(s.aimed.b, &why), PLAIT_ECONNRESET);
    assert_int_equal(scene_answer(&s).flags & WIRE_RST, WIRE_RST);
    scene_fini(&s, false);
}

static void test_25_second_data_fin_elsewhere(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "");
    seg.mp.dss.data_fin = true;
    seg.mp.dss.ssn = 0;
    seg.mp.dss.dll = 1;
    seg.mp.dss.dsn += 10; /* data is missing before it */
    kit_input(&s.victim, &seg);
    seg.mp.dss.dsn += 5;
    scene_expect(&s, &seg, PLAIT_REASON_DATA_FIN_CONFLICT);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_21_join_with_unknown_token),
        cmocka_unit_test(test_21_join_with_wrong_hmac),
        cmocka_unit_test(test_21_join_after_close),
        cmocka_unit_test(test_22_mapping_far_away),
        cmocka_unit_test(test_22_mapping_beside_its_segment),
        cmocka_unit_test(test_22_mapping_that_changes),
        cmocka_unit_test(test_22_infinite_mapping_in_the_middle),
        cmocka_unit_test(test_22_data_ack_beyond_what_was_sent),
        cmocka_unit_test(test_24_add_addr_with_wrong_hmac),
        cmocka_unit_test(test_24_add_addr_of_unusable_addresses),
        cmocka_unit_test(test_24_add_addr_storm),
        cmocka_unit_test(test_24_remove_addr_of_unknown_id),
        cmocka_unit_test(test_24_remove_addr_of_the_last),
        cmocka_unit_test(test_25_fastclose_with_wrong_key),
        cmocka_unit_test(test_25_fastclose),
        cmocka_unit_test(test_25_second_data_fin_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

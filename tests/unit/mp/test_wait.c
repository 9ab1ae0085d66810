/* SPDX-License-Identifier: Apache-2.0 */
/* When only TIME-WAIT is left of a connection, and what each of its subflows answers then. */
#include "cm.h"
#include "pair.h"

static struct pair p;

static void close_both(uint64_t seed)
{
    plait_time start;

    pair_init(&p, seed, 2);
    pair_transfer(&p, 5000, 5000);
    pair_connect(&p);
    start = p.now;
    assert_false(mp_only_waits(p.side[0].conn));
    while (p.side[0].conn->sub_n == 0 || !mp_only_waits(p.side[0].conn)) {
        pair_run(&p, p.now + 10 * PLAIT_MSEC);
        assert_true(p.now < start + 20 * PLAIT_SEC);
    }
}

static void each_subflow_answers(void **state)
{
    struct mp_conn *c;
    struct wire_seg seg = {.flags = WIRE_ACK};
    struct tcp_plan plan;
    struct wire_mp mp;
    struct mp_wait w;
    bool answer;

    (void)state;
    close_both(1);
    c = p.side[0].conn;
    assert_true(c->sub_n > 0);
    for (unsigned i = 0; i < c->sub_n; i++) {
        mp_wait_of(mp_subflow_at(c, i), &w);
        assert_true(w.dss.has_ack);
        seg.seq = w.tcp.rcv_nxt;
        seg.ack = w.tcp.snd_nxt;
        assert_int_equal(mp_wait_input(&w, &seg, p.now, &answer), PLAIT_REASON_NONE);
        assert_false(answer);
        /* The peer has not seen that its DATA_FIN was acknowledged. */
        seg.mp.present = 1u << WIRE_MP_DSS;
        seg.mp.dss.data_fin = true;
        assert_int_equal(mp_wait_input(&w, &seg, p.now, &answer), PLAIT_REASON_NONE);
        assert_true(answer);
        mp_wait_plan(&w, p.now, &plan, &mp);
        assert_true(wire_mp_has(&mp, WIRE_MP_DSS) && mp.dss.has_ack && !mp.dss.has_map);
        assert_true((uint32_t)mp.dss.ack == (uint32_t)mp_dsn_in(c, c->fin_pos + 1));
        assert_int_equal(plan.ack, w.tcp.rcv_nxt);
        seg.mp.present = 0;
    }
    assert_null(mp_subflow_at(c, c->sub_n));
    assert_true(pair_finish(&p, 300 * PLAIT_SEC));
    pair_fini(&p);
}

static void a_plain_one_says_nothing_of_data(void **state)
{
    struct mp_wait w;
    plait_time start;

    (void)state;
    pair_init(&p, 2, 1);
    p.side[0].cfg.mptcp = false;
    pair_transfer(&p, 500, 500);
    pair_connect(&p);
    start = p.now;
    while (!mp_only_waits(p.side[0].conn)) {
        pair_run(&p, p.now + 10 * PLAIT_MSEC);
        assert_true(p.now < start + 20 * PLAIT_SEC);
    }
    mp_wait_of(mp_subflow_at(p.side[0].conn, 0), &w);
    assert_false(w.dss.has_ack);
    assert_true(pair_finish(&p, 300 * PLAIT_SEC));
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_subflow_answers), cmocka_unit_test(a_plain_one_says_nothing_of_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

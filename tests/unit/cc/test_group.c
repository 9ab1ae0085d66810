/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of subflows: who is in it, who counts, with what. And that who is alone in it is
 * Reno. */
#include "flows.h"

static const struct flow_row four[FLOWS_MAX] = { { 10, .1 }, { 20, .1 }, { 30, .1 }, { 40, .1 } };
static const struct cc_ops *const coupled[] = { &cc_lia_ops, &cc_olia_ops, &cc_balia_ops,
                                                &cc_ewtcp_ops };
enum { COUPLED_N = sizeof coupled / sizeof coupled[0] };

/* In whatever order they leave: those that stay see each other and nobody else. */
static void join_and_leave(void **state)
{
    for (unsigned first = 0; first < FLOWS_MAX; first++) {
        struct flows f;
        flows_init(&f, &cc_lia_ops, four);
        for (unsigned k = 0; k < FLOWS_MAX; k++) {
            for (unsigned i = 0; i < FLOWS_MAX; i++) {
                bool out = (i + FLOWS_MAX - first) % FLOWS_MAX < k;
                assert_int_equal(cc_count(&f.cc[i], FLOWS_NOW), out ? 1 : FLOWS_MAX - k);
            }
            cc_leave(&f.cc[(first + k) % FLOWS_MAX]);
            cc_leave(&f.cc[(first + k) % FLOWS_MAX]);
        }
        for (unsigned i = 0; i < FLOWS_MAX; i++)
            assert_null(f.cc[i].next);
        cc_join(&f.cc[3], &f.cc[1]);
        assert_int_equal(cc_count(&f.cc[1], FLOWS_NOW), 2);
    }
}

/* Backup paths, dead ones and those that have yet to begin take no share. */
static void who_counts(void **state)
{
    struct flows f;

    flows_init(&f, &cc_lia_ops, four);
    f.cc[1].silent = true;
    assert_int_equal(cc_count(&f.cc[0], FLOWS_NOW), 3);
    f.cc[2].srtt = 0;
    assert_int_equal(cc_count(&f.cc[0], FLOWS_NOW), 2);
    assert_int_equal(cc_count(&f.cc[2], FLOWS_NOW), 1); /* its own rate is not known either */
    assert_int_equal(cc_count(&f.cc[0], FLOWS_NOW + PLAIT_SEC), 2);
    assert_int_equal(cc_count(&f.cc[0], FLOWS_NOW + PLAIT_SEC + 1), 1);
    f.cc[3].srtt = 900000;
    assert_int_equal(cc_count(&f.cc[0], FLOWS_NOW + 1800000), 2);
    assert_int_equal(cc_count(&f.cc[0], FLOWS_NOW + 1800001), 1);
    f.cc[3].last_sent = 0;
    assert_int_equal(cc_count(&f.cc[0], 5), 1);
}

/*= RFC 6356 3
 * The correct behavior is to use the ssthresh (slow start threshold) value for flows in fast
 * retransmit when computing cwnd_total. */
/*= RFC 6356 3
 * To cater to connections that are app limited, the computation should consider the minimum
 * between flight_size_i and cwnd_i, and flight_size_i and ssthresh_i, where appropriate. */
static void window(void **state)
{
    struct cc cc;

    cc_init(&cc, &cc_lia_ops, 1000);
    cc.cwnd = 50000;
    cc.ssthresh = 20000;
    cc.flight = 49001;
    assert_int_equal(cc_window(&cc), 50000); /* no other segment found room */
    cc.flight = 49000;
    assert_int_equal(cc_window(&cc), 49000);
    cc.recovering = true;
    assert_int_equal(cc_window(&cc), 20000);
    cc.flight = 7000;
    assert_int_equal(cc_window(&cc), 7000);
    cc.flight = 0;
    assert_int_equal(cc_window(&cc), 1000);
}

static void rates(void **state)
{
    struct cc cc;
    static const uint64_t whole[] = { 1, 3, 1000, (uint64_t)1 << 32, (uint64_t)1 << 61 };

    cc_init(&cc, &cc_lia_ops, 1);
    cc.flight = cc.cwnd = 1;
    cc.srtt = UINT32_MAX;
    assert_true(cc_rate(&cc) > 0);
    cc.flight = cc.cwnd = CC_CWND_MAX;
    cc.srtt = 1;
    assert_true(cc_rate(&cc) <= (uint64_t)1 << 56);
    for (unsigned i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        assert_true(cc_fraction(whole[i], whole[i]) == CC_ONE);
        assert_true(cc_fraction(0, whole[i]) == 0);
        assert_true(cc_fraction(whole[i] * 4, whole[i]) == 4 * (int64_t)CC_ONE);
        NEAR((double)cc_fraction(whole[i] / 3, whole[i]) / CC_ONE,
             (double)(whole[i] / 3) / (double)whole[i], 1e-8);
    }
}

/* The handshake is done, perhaps after others have joined: what is known of it stays. */
static void open_again(void **state)
{
    struct flows f;

    flows_init(&f, &cc_lia_ops, four);
    cc_open(&f.cc[0], 1200);
    assert_int_equal(f.cc[0].cwnd, 12000);
    assert_int_equal(f.cc[0].ssthresh, CC_SSTHRESH_INFINITE);
    assert_int_equal(cc_count(&f.cc[0], FLOWS_NOW), 4);
    assert_int_equal(cc_count(&f.cc[2], FLOWS_NOW), 4);
}

static uint32_t draw(uint32_t *r)
{
    *r = *r * 1664525 + 1013904223;
    return *r >> 8;
}

/* Something happens to a subflow, the same for equal r. */
static void step(struct cc *cc, uint32_t r, plait_time now)
{
    struct cc_ack ack = { .now = now, .srtt = cc->srtt, .burst = 65536, .cwnd_limited = true };
    uint32_t what = draw(&r) % 100;
    struct cc_saved saved;

    ack.acked = draw(&r) % (4 * FLOWS_MSS) + 1;
    ack.snd_una = r;
    ack.after_rto = r % 7 == 0;
    cc->flight = cc->cwnd - draw(&r) % FLOWS_MSS;
    if (what >= 6) {
        cc->ops->on_ack(cc, &ack);
    } else if (what >= 2) {
        cc_save(cc, &saved);
        cc->ops->on_congestion(cc, cc->flight, now);
        cc->cwnd = cc->ssthresh;
        cc->ops->on_recovered(cc, now);
        if (r % 5 == 0)
            cc_undo(cc, &saved);
    } else if (what == 1) {
        cc->ops->on_rto(cc, cc->flight, now);
        cc->cwnd = cc->mss;
    } else {
        cc->ops->on_idle(cc, r % PLAIT_SEC, 300000, now);
    }
}

/* Among others that do not count, too: the same windows, byte for byte. */
static void alone_is_reno(void **state)
{
    for (unsigned k = 0; k < COUPLED_N; k++) {
        for (unsigned company = 0; company < 2; company++) {
            struct flows f;
            struct cc reno;
            uint32_t r = 1, moved = 0;
            flows_init(&f, coupled[k], four);
            for (unsigned i = 1; i < FLOWS_MAX; i++)
                f.cc[i].silent = true;
            if (company == 0)
                cc_leave(&f.cc[0]);
            cc_init(&reno, &cc_reno_ops, FLOWS_MSS);
            reno.srtt = f.cc[0].srtt;
            cc_open(&f.cc[0], FLOWS_MSS);
            for (unsigned n = 0; n < 100000; n++) {
                uint32_t before = reno.cwnd;
                draw(&r);
                step(&reno, r, FLOWS_NOW + n);
                step(&f.cc[0], r, FLOWS_NOW + n);
                assert_int_equal(f.cc[0].cwnd, reno.cwnd);
                assert_int_equal(f.cc[0].ssthresh, reno.ssthresh);
                moved += reno.cwnd != before;
            }
            assert_true(moved > 10000);
        }
    }
}

/* Windows and round trips of every size: nothing overflows, and nobody is far above Reno. */
static void extremes(void **state)
{
    uint32_t r = 7;

    for (unsigned n = 0; n < 200000; n++) {
        const struct cc_ops *ops = coupled[n % COUPLED_N];
        struct flow_row row[FLOWS_MAX];
        struct flows f;
        struct cc *cc = &f.cc[0];
        struct cc_ack ack = { .now = FLOWS_NOW, .cwnd_limited = true };
        uint32_t before;
        for (unsigned i = 0; i < FLOWS_MAX; i++) {
            row[i].segs = 1 + (draw(&r) & 0xffffff) % (1u << draw(&r) % 20);
            row[i].rtt = 1e-6 * (1 + draw(&r) % (1u << draw(&r) % 24));
        }
        flows_init(&f, ops, row);
        before = cc->cwnd;
        ack.acked = draw(&r) % cc->cwnd + 1;
        cc->ops->on_ack(cc, &ack);
        assert_in_range(cc->cwnd, before - FLOWS_MSS, before + FLOWS_MSS);
        assert_true(cc->cwnd >= FLOWS_MSS);
        assert_true(cc->u.reno.credit <= (int64_t)ack.acked * CC_ONE * 3 / 2);
        assert_true(cc->u.reno.credit >= -(int64_t)ack.acked * CC_ONE);
        cc->ops->on_congestion(cc, cc->cwnd, FLOWS_NOW);
        assert_in_range(cc->ssthresh, FLOWS_MSS,
                        cc->cwnd / 2 > 2 * FLOWS_MSS ? cc->cwnd / 2 : 2 * FLOWS_MSS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_and_leave), cmocka_unit_test(who_counts), cmocka_unit_test(window),
        cmocka_unit_test(rates), cmocka_unit_test(open_again), cmocka_unit_test(alone_is_reno),
        cmocka_unit_test(extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SACK and DSACK blocks, sane and hostile. */
#include "lossnet.h"

static void marks(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 0, 3, 5);
    assert_int_equal(r.out.sacked, 2000);
    assert_int_equal(rig_flags(&r, 3) & rig_flags(&r, 4) & TCP_REC_SACKED, TCP_REC_SACKED);
    assert_int_equal(rig_flags(&r, 5) & TCP_REC_SACKED, 0);
    assert_int_equal(tcp_sndq_flight(&r.q), 8000);
    rig_ack(&r, 0, 3, 5); /* nothing new */
    assert_int_equal(r.out.sacked, 0);
    rig_ack_blocks(&r, 0, &(struct rig_blocks){ .n = 2, .lo = { 7, 3 }, .hi = { 8, 6 } });
    assert_int_equal(r.out.sacked, 2000);
    assert_int_equal(r.q.f->sacked, 4000);
    rig_ack(&r, 2, 9, 10);
    assert_int_equal(r.out.acked, 2000);
    assert_int_equal(r.out.sacked, 1000);
    assert_false(r.out.bogus_sack);
    rig_close(&r);
}

/* An edge inside of a super-segment splits its record. */
static void splits(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send_super(&r, 20);
    assert_int_equal(r.q.f->recs.count, 1);
    r.now += 100000;
    rig_ack(&r, 0, 5, 15);
    assert_int_equal(r.q.f->recs.count, 3);
    assert_int_equal(r.q.f->sacked, 10000);
    rig_ack(&r, 8, 0, 0); /* the cumulative ACK ends inside of the SACKed part */
    assert_int_equal(r.q.f->sacked, 7000);
    assert_int_equal(r.out.acked, 8000);
    rig_close(&r);
}

static void bogus(void **state)
{
    struct rig r;
    static const struct { uint32_t lo, hi; bool bogus; } rows[] = {
        { 8, 12, true },           /* beyond what was sent */
        { 11, 12, true },
        { 5, 4, true },            /* reversed */
        { 1, 3, true },            /* across the cumulative ACK */
        { 0, 1, false },           /* old */
        { 200000000, 3, true },    /* from nowhere */
        { 2130703, 2480069, true }, /* from beyond to before, by way of half of all numbers */
    };

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 2, 0, 0);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* The second place, so that it is not taken for a duplicate's report. */
        rig_ack_blocks(&r, 2, &(struct rig_blocks){ .n = 2, .lo = { 9, rows[i].lo },
                                                    .hi = { 10, rows[i].hi } });
        assert_int_equal(r.out.bogus_sack, rows[i].bogus);
        assert_int_equal(r.q.f->sacked, 1000);
    }
    rig_close(&r);
}

static void duplicates(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 2, 5, 8);
    rig_ack(&r, 2, 1, 2); /* below the cumulative ACK */
    assert_int_equal(r.out.sacked, 0);
    assert_int_equal(r.l.reo_wnd_mult, 2);
    assert_false(r.out.bogus_sack);
    r.l.f->dsack_round_valid = false;
    rig_ack_blocks(&r, 2, &(struct rig_blocks){ .n = 2, .lo = { 6, 5 }, .hi = { 7, 8 } });
    assert_int_equal(r.l.reo_wnd_mult, 3); /* inside of the second block */
    assert_int_equal(r.q.f->sacked, 3000);
    rig_close(&r);
}

static void full_scoreboard(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send_super(&r, 20);
    r.q.recs_max = 4;
    r.now += 100000;
    rig_ack(&r, 0, 2, 4);
    assert_int_equal(r.q.f->recs.count, 3);
    assert_false(r.out.sack_ignored);
    rig_ack(&r, 0, 6, 8); /* one edge fits, the other does not */
    assert_true(r.out.sack_ignored);
    assert_int_equal(r.q.f->sacked, 2000);
    rig_ack(&r, 0, 4, 6); /* up to an edge that is there: it fits, and joins */
    assert_false(r.out.sack_ignored);
    assert_int_equal(r.q.f->sacked, 4000);
    rig_ack(&r, 0, 6, 20); /* the room comes from records that could be joined */
    assert_false(r.out.sack_ignored);
    assert_int_equal(r.q.f->sacked, 18000);
    rig_close(&r);
}

/* Single bytes all over a flight cut it up to a limit, and no further until some of it is
 * acknowledged. Where segments begin there is always room. */
static void edges_have_a_limit(void **state)
{
    enum { SEGMENTS = 40, LIMIT = SEGMENTS + 64 };
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send_super(&r, SEGMENTS);
    r.now += 100000;
    for (uint32_t i = 0; i < 4 * LIMIT; i++) {
        rig_ack_bytes(&r, 0, 90 * i + 1, 90 * i + 2);
        assert_int_equal(r.out.sack_ignored, 2 * i + 2 > LIMIT);
    }
    assert_int_equal(r.q.f->recs.count, 1 + LIMIT);
    assert_int_equal(r.q.f->sacked, LIMIT / 2);
    rig_ack(&r, SEGMENTS / 2, 0, 0);
    rig_ack_bytes(&r, SEGMENTS / 2, 30001, 30002);
    assert_false(r.out.sack_ignored);
    rig_ack(&r, SEGMENTS, 0, 0);
    assert_int_equal(r.q.f->cuts, 0);

    rig_send_super(&r, SEGMENTS);
    for (uint32_t i = 1; i < SEGMENTS; i += 2) {
        rig_ack(&r, SEGMENTS, SEGMENTS + i, SEGMENTS + i + 1);
        assert_false(r.out.sack_ignored);
    }
    assert_int_equal(r.q.f->sacked, SEGMENTS / 2 * RIG_MSS);
    rig_close(&r);
}

/* The peer drops what it had SACKed: the time-out notices, and sends it again. */
static void reneging(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 0, 2, 10);
    assert_int_equal(rig_pump(&r), 2);
    r.now += 100000;
    rig_ack(&r, 2, 0, 0); /* it should have been 10 */
    assert_int_equal(r.q.f->sacked, 8000);
    while (rig_expire(&r) != TCP_TIMER_RTO)
        rig_pump(&r);
    assert_int_equal(r.q.f->sacked, 0);
    assert_int_equal(r.q.f->lost, 8000);
    assert_int_equal(rig_pump(&r), 1);
    assert_int_equal(rig_flags(&r, 2) & TCP_REC_RTX, TCP_REC_RTX);
    r.now += 100000;
    rig_ack(&r, 3, 5, 7); /* SACKs count again */
    assert_int_equal(r.out.sacked, 2000);
    rig_close(&r);
}

/* Hostile blocks of every kind: nothing breaks, nothing grows beyond its cap. */
static void random_blocks(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rig r;
        uint64_t dice = seed;
        rig_open(&r, &cc_cubic_ops, 10000, 60000);
        r.q.recs_max = 40;
        for (unsigned i = 0; i < 200; i++) {
            uint32_t out = r.q.nxt - r.q.una, span = out * 2 + 3000, ack;
            struct tcp_ack_in in = { .seg = &r.seg, .now = r.now };
            if (out < 30000 && tcp_sndq_unsent(&r.q) == 0)
                rig_push(&r, 20);
            rig_pump(&r);
            r.seg.opt.sack_n = (uint8_t)(i % 5);
            for (unsigned k = 0; k < 4; k++) {
                dice = dice * 6364136223846793005u + 1442695040888963407u;
                r.seg.opt.sack[k].lo = r.q.una - 1500 + (uint32_t)(dice >> 33) % span;
                r.seg.opt.sack[k].hi = r.seg.opt.sack[k].lo + (uint32_t)(dice >> 44) % 9000 - 500;
            }
            r.now += (dice >> 20) % 30000;
            while (r.l.f->deadline <= r.now)
                rig_expire(&r);
            ack = (uint32_t)(dice >> 50) % (out + 1);
            r.seg.ack = r.q.una + (dice % 3 == 0 ? ack : 0);
            tcp_loss_on_ack(&r.l, &r.q, &in, &r.out);
            assert_true(tcp_sndq_check(&r.q));
            assert_true(tcp_loss_check(&r.l, &r.q));
            assert_true(r.q.f->recs.count <= r.q.f->recs.max);
        }
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks), cmocka_unit_test(splits), cmocka_unit_test(bogus),
        cmocka_unit_test(duplicates), cmocka_unit_test(full_scoreboard),
        cmocka_unit_test(edges_have_a_limit), cmocka_unit_test(reneging),
        cmocka_unit_test(random_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

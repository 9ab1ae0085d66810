/* SPDX-License-Identifier: Apache-2.0 */
/* RACK's moments of loss. The path has a round trip of 100 ms unless a test says otherwise. */
#include "lossnet.h"

/* One segment at t, another 1 ms later; the second is SACKed 100 ms after it was sent. Answers how
 * long after its transmission the first is deemed lost. */
static plait_time moment_of_loss(struct rig *r)
{
    plait_time t = r->now;
    uint32_t n = (r->q.nxt - r->base) / RIG_MSS;

    rig_send(r, 1);
    r->now += 1;
    rig_send(r, 1);
    r->now += 100000;
    rig_ack(r, n, n + 1, n + 2);
    if ((rig_flags(r, n) & TCP_REC_LOST) != 0)
        return r->now - t - 1;
    assert_int_equal(r->l.f->timer, TCP_TIMER_REORDER);
    assert_int_equal(rig_expire(r), TCP_TIMER_REORDER);
    assert_int_equal(rig_flags(r, n) & TCP_REC_LOST, TCP_REC_LOST);
    assert_int_equal(r->l.f->state, TCP_LOSS_RECOVERY);
    return r->now - t;
}

/*= RFC 8985 1-1, 3.3.2-2, 3.3.2-4, 6.2-2 */
static void vectors(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    r.l.reordering_seen = true;
    assert_int_equal(moment_of_loss(&r), 125000);
    rig_close(&r);
    rig_open(&r, &cc_reno_ops, 100000, 100000);
    r.l.reordering_seen = true;
    r.l.reo_wnd_mult = 3;
    assert_int_equal(moment_of_loss(&r), 175000);
    rig_close(&r);
    rig_open(&r, &cc_reno_ops, 100000, 100000);
    r.l.reordering_seen = true;
    r.l.reo_wnd_mult = 200;
    assert_int_equal(moment_of_loss(&r), 200000); /* bounded by SRTT */
    rig_close(&r);
    rig_open(&r, &cc_reno_ops, 100000, 100000);
    assert_int_equal(moment_of_loss(&r), 125000); /* nothing seen, not in recovery, one SACKed */
    rig_close(&r);
}

/*= RFC 8985 3.3.2
 * The reordering window SHOULD be set to zero if no reordering has been observed on the connection
 * so far, and either (a) three segments have been SACKed since the last recovery or (b) the sender
 * is already in fast or RTO recovery. */
/* No reordering seen, in recovery or with three segments SACKed: no window. */
static void no_window(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 8);
    r.now += 100000;
    rig_ack(&r, 0, 1, 3);
    assert_int_equal(r.out.lost, 0);
    rig_ack(&r, 0, 1, 4);
    assert_int_equal(r.out.lost, 1000);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    assert_int_equal(tcp_rack_reo_wnd(&r.l, &r.q), 0);
    rig_ack_blocks(&r, 0, &(struct rig_blocks){ .n = 2, .lo = { 6, 1 }, .hi = { 7, 4 } });
    assert_int_equal(r.out.lost, 2000); /* 4 and 5 at once */
    assert_int_equal(rig_flags(&r, 7) & TCP_REC_LOST, 0);
    rig_close(&r);
}

/*= RFC 8985 9.2
 * Therefore, the algorithm [RFC6675] MUST NOT be used with RACK-TLP; instead, a modified recovery
 * algorithm that carefully addresses such a case is needed. */
/* RFC 8985 figure 1, from event 5 on: the loss of a retransmission is found by the delivery of
 * another. */
static void lost_retransmission(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 4);
    r.now += 100000;
    rig_ack(&r, 1, 0, 0);
    r.now += 200000;
    rig_rtx(&r, 3, 4); /* the probe */
    r.now += 100000;
    rig_ack(&r, 1, 3, 4);
    assert_int_equal(r.out.lost, 2000); /* the reordering window has passed long ago */
    assert_int_equal(rig_pump(&r), 1); /* one now, ... */
    rig_rtx(&r, 2, 3);                 /* and the other at the same time */
    r.now += 100000;
    rig_ack(&r, 1, 2, 4);
    assert_int_equal(r.out.lost, 1000); /* P1 again: sent before P2, by its place */
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    assert_int_equal(rig_pump(&r), 1);
    r.now += 100000;
    rig_ack(&r, 4, 0, 0);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    rig_close(&r);
}

/* The same with timestamps: what lies behind a hole never has its own echoed (RFC 7323 4.3), so
 * the echo says nothing about which transmission of it was SACKed. */
static void probe_behind_a_hole_counts(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    r.ts = true;
    r.tsecr = (uint32_t)(r.now / 1000);
    rig_send(&r, 4);
    r.now += 100000;
    rig_ack(&r, 1, 0, 0);
    r.now += 200000;
    rig_rtx(&r, 3, 4);
    r.now += 100000;
    rig_ack(&r, 1, 3, 4); /* the echo is still that of segment 0 */
    assert_int_equal(r.out.lost, 2000);
    rig_close(&r);
}

static void reordering_is_seen(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 6);
    r.now += 100000;
    rig_ack_blocks(&r, 0, &(struct rig_blocks){ .n = 2, .lo = { 3, 1 }, .hi = { 4, 2 } });
    assert_false(r.l.reordering_seen); /* one ACK has no order */
    rig_ack(&r, 0, 2, 4);
    assert_true(r.l.reordering_seen);
    rig_close(&r);

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 6);
    r.now += 100000;
    rig_ack(&r, 0, 3, 6);
    rig_rtx(&r, 0, 3);
    r.now += 90000;
    rig_ack(&r, 6, 0, 0); /* retransmissions say nothing about order */
    assert_false(r.l.reordering_seen);
    rig_close(&r);
}

/*= RFC 8985 4
 * For each data segment sent, the sender MUST store its most recent transmission time with a
 * timestamp whose granularity is finer than 1/4 of the minimum RTT of the connection. */
/* An early ACK of a retransmission is the original's, and no round trip. */
static void spurious_times_are_ignored(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 2);
    r.now += 90000;
    rig_rtx(&r, 0, 1);
    r.now += 20000;
    rig_ack(&r, 1, 0, 0);
    assert_int_equal(r.l.rack_rtt, 100000); /* of the SYN still */
    rig_rtx(&r, 1, 2);
    r.ts = true; /* 110 ms later, but the timestamp is the original's */
    r.tsecr = (uint32_t)(r.now / 1000) - 110;
    r.now += 110000;
    rig_ack(&r, 2, 0, 0);
    assert_int_equal(r.l.rack_rtt, 100000);
    rig_send(&r, 1);
    r.now += 7000;
    rig_rtx(&r, 2, 3);
    r.tsecr = (uint32_t)(r.now / 1000);
    r.now += 105000;
    rig_ack(&r, 3, 0, 0);
    assert_int_equal(r.l.rack_rtt, 105000);
    rig_close(&r);
}

/*= RFC 8985 3.3.2-3, 4-3 */
/* One step of the reordering window a round trip, and back after 16 recoveries. */
static void dsack_widens_the_window(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 2, 0, 1);
    assert_int_equal(r.l.reo_wnd_mult, 2);
    rig_ack(&r, 4, 2, 3);
    assert_int_equal(r.l.reo_wnd_mult, 2); /* the same round */
    rig_ack(&r, 10, 8, 9);
    assert_int_equal(r.l.reo_wnd_mult, 3);
    assert_int_equal(tcp_rack_reo_wnd(&r.l, &r.q), 75000);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(r.l.reo_wnd_mult, 3);
        tcp_rack_recovered(&r.l);
    }
    assert_int_equal(r.l.reo_wnd_mult, 1);
    rig_close(&r);
}

/* A super-segment that is lost in parts: the parts share a time, the order is that of their bytes.
 * */
static void parts_of_a_super_segment(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send_super(&r, 30);
    r.now += 100000;
    rig_ack_blocks(&r, 4, &(struct rig_blocks){ .n = 2, .lo = { 20, 6 }, .hi = { 24, 10 } });
    assert_int_equal(r.out.lost, 12000); /* 4-6, 10-20; what is behind 24 may still come */
    assert_int_equal(tcp_loss_next_lost(&r.l, &r.q)->seq, r.base + 4000);
    assert_int_equal(r.q.f->lost, 12000);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors), cmocka_unit_test(no_window),
        cmocka_unit_test(lost_retransmission),
        cmocka_unit_test(probe_behind_a_hole_counts),
        cmocka_unit_test(reordering_is_seen), cmocka_unit_test(spurious_times_are_ignored),
        cmocka_unit_test(dsack_widens_the_window), cmocka_unit_test(parts_of_a_super_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

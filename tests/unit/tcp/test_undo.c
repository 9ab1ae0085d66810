/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions that are taken back. */
#include "lossnet.h"

/* 20 segments, of which 0 and 1 are late: three SACKs, recovery, both retransmitted. */
static void open_late(struct rig *r, bool ts)
{
    rig_open(r, &cc_cubic_ops, 100000, 20000);
    r->ts = ts;
    r->l.cc.u.cubic.w_max = 12345;
    rig_send(r, 20);
    r->now += 100000;
    r->tsecr = (uint32_t)(r->now / 1000) - 100;
    rig_ack(r, 0, 2, 8);
    assert_int_equal(r->l.f->state, TCP_LOSS_RECOVERY);
    assert_int_equal(r->l.cc.ssthresh, 14000);
    r->now += 10000;
    rig_rtx(r, 0, 2);
    assert_int_equal(r->l.undo->rtx, 2000);
}

static void by_dsack(void **state)
{
    struct rig r;

    open_late(&r, false);
    r.now += 1000;
    rig_ack_blocks(&r, 8, &(struct rig_blocks){ .n = 1, .lo = { 0 }, .hi = { 1 } });
    assert_false(r.out.spurious); /* one of the two */
    rig_ack_blocks(&r, 8, &(struct rig_blocks){ .n = 1, .lo = { 1 }, .hi = { 2 } });
    assert_true(r.out.spurious);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_true(r.l.cc.cwnd >= 20000);
    assert_int_equal(r.l.cc.ssthresh, 20000);
    assert_int_equal(r.l.cc.u.cubic.w_max, 12345);
    rig_close(&r);
}

/* The last duplicate is reported after recovery has ended. */
static void by_late_dsack(void **state)
{
    struct rig r;

    open_late(&r, false);
    r.now += 1000;
    rig_ack(&r, 20, 0, 0);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_int_equal(r.l.cc.cwnd, 14000);
    r.now += 100000;
    rig_ack_blocks(&r, 20, &(struct rig_blocks){ .n = 1, .lo = { 0 }, .hi = { 2 } });
    assert_true(r.out.spurious);
    assert_int_equal(r.l.cc.cwnd, 20000);
    rig_ack_blocks(&r, 20, &(struct rig_blocks){ .n = 1, .lo = { 0 }, .hi = { 2 } });
    assert_false(r.out.spurious); /* once */
    rig_close(&r);
}

static void not_by_others(void **state)
{
    struct rig r;
    struct rig_blocks old = { .n = 1, .lo = { 0 }, .hi = { 2 } };

    open_late(&r, false);
    r.l.undo->marker = r.base + 1000; /* a duplicate from before the reduction */
    rig_ack_blocks(&r, 8, &old);
    assert_false(r.out.spurious);
    rig_close(&r);
    open_late(&r, false);
    r.seg.flags = WIRE_ECE; /* RFC 4015 3.1: congestion is real */
    rig_ack_blocks(&r, 8, &old);
    assert_false(r.out.spurious);
    rig_close(&r);
    open_late(&r, false);
    r.l.undo->rtx = 0;
    r.l.undo->any = false; /* nothing was sent again yet: a duplicate of something else */
    rig_ack_blocks(&r, 8, &old);
    assert_false(r.out.spurious);
    rig_close(&r);
}

static void by_timestamp(void **state)
{
    struct rig r;

    open_late(&r, true);
    r.now += 1000;
    r.tsecr = (uint32_t)(r.now / 1000) - 111; /* the original's */
    rig_ack(&r, 8, 0, 0);
    assert_true(r.out.spurious);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_true(r.l.cc.cwnd >= 20000);
    rig_close(&r);
    open_late(&r, true);
    r.now += 100000;
    r.tsecr = (uint32_t)(r.now / 1000) - 100; /* the retransmission's */
    rig_ack(&r, 8, 0, 0);
    assert_false(r.out.spurious);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    rig_close(&r);
}

/* Segment 20 is sent again before recovery ends, and a loss behind it begins another one: the ACK
 * of that retransmission echoes a time from before the new one, and tells nothing of it. */
static void not_by_older_retransmissions(void **state)
{
    struct rig r;

    rig_open(&r, &cc_cubic_ops, 100000, 40000);
    r.ts = true;
    rig_send(&r, 20);
    r.now += 100000; /* 100 ms */
    rig_ack(&r, 0, 2, 8);
    rig_send(&r, 5); /* 20 to 24, behind the recovery point */
    r.now += 1000;
    rig_rtx(&r, 0, 2);
    r.now += 99000; /* 200 ms */
    r.tsecr = (uint32_t)(r.now / 1000) - 200;
    rig_ack_blocks(&r, 0, &(struct rig_blocks){ .n = 2, .lo = { 2, 21 }, .hi = { 20, 22 } });
    assert_int_equal(rig_flags(&r, 20) & TCP_REC_LOST, TCP_REC_LOST);
    rig_rtx(&r, 20, 21);
    r.now += 1000; /* 0 and 1 are there: that recovery is over, the next begins with 22 */
    r.tsecr = (uint32_t)(r.now / 1000) - 100;
    rig_ack_blocks(&r, 20, &(struct rig_blocks){ .n = 2, .lo = { 21, 23 }, .hi = { 22, 25 } });
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    assert_int_equal(r.l.undo->marker, r.base + 20000);
    r.now += 1000;
    rig_rtx(&r, 22, 23);
    r.now += 98000; /* 300 ms: 20 is there */
    r.tsecr = (uint32_t)(r.now / 1000) - 100;
    rig_ack(&r, 22, 23, 25);
    assert_false(r.out.spurious);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    rig_close(&r);
}

/* A time-out whose retransmission was needless, with timestamps. */
static void time_out(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    r.ts = true;
    rig_send(&r, 20);
    while (rig_expire(&r) != TCP_TIMER_RTO)
        continue;
    rig_pump(&r);
    assert_int_equal(r.l.cc.ssthresh, 10000);
    r.tsecr = 1000; /* sent at 1 s */
    r.now += 1000;
    rig_ack(&r, 4, 0, 0);
    assert_true(r.out.spurious);
    assert_int_equal(r.q.f->lost, 0);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_int_equal(r.l.cc.cwnd, 20000);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_dsack), cmocka_unit_test(by_late_dsack),
        cmocka_unit_test(not_by_others),
        cmocka_unit_test(by_timestamp),
        cmocka_unit_test(not_by_older_retransmissions), cmocka_unit_test(time_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

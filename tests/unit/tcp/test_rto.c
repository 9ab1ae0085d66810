/* SPDX-License-Identifier: Apache-2.0 */
/* The retransmission time-out and F-RTO. */
#include "lossnet.h"

static void time_out(struct rig *r)
{
    enum tcp_loss_timer what;

    do
        what = rig_expire(r);
    while (what != TCP_TIMER_RTO);
}

/* RFC 8985 3.5: what was sent right before the time-out is not deemed lost. */
static void marks_what_is_old(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    r.l.rtt_sample_since_tlp = false; /* no probe comes before */
    rig_send(&r, 3);
    r.now = r.l.f->deadline - 10000;
    rig_send(&r, 2);
    assert_int_equal(rig_expire(&r), TCP_TIMER_RTO);
    assert_int_equal(r.q.f->lost, 3000);
    assert_int_equal(rig_flags(&r, 3) & TCP_REC_LOST, 0);
    assert_int_equal(r.l.cc.cwnd, 1000);
    assert_int_equal(r.l.cc.ssthresh, 2500);
    assert_int_equal(r.l.f->state, TCP_LOSS_RTO);
    assert_int_equal(tcp_loss_quota(&r.l, &r.q), 1000); /* although more than cwnd is in flight */
    assert_int_equal(rig_pump(&r), 1);
    assert_int_equal(rig_flags(&r, 0) & TCP_REC_RTX, TCP_REC_RTX);
    rig_close(&r);
}

/*= RFC 6298 5-2, 5-3 */
/* Each further time-out of a silent path sends the head again, waits twice as long, and leaves
 * ssthresh alone. */
static void silent_path(void **state)
{
    struct rig r;
    plait_time wait = 300000;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send_super(&r, 20);
    time_out(&r);
    for (unsigned i = 1; i < 12; i++) {
        uint64_t before = r.l.rtx_bytes;
        assert_int_equal(r.l.rto_n, i);
        assert_int_equal(rig_pump(&r), 1);
        assert_int_equal(r.l.rtx_bytes - before, 1000);
        assert_int_equal(tcp_sndq_rec(&r.q, 0)->sent, r.now);
        wait = wait * 2 < 60 * PLAIT_SEC ? wait * 2 : 60 * PLAIT_SEC;
        assert_int_equal(r.l.f->deadline, r.now + wait);
        time_out(&r);
        assert_int_equal(r.l.cc.ssthresh, 10000);
        assert_int_equal(r.l.cc.cwnd, 1000);
    }
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 1, 0, 0); /* it lives: slow start */
    assert_int_equal(r.l.rto_n, 0);
    assert_int_equal(r.l.cc.cwnd, 2000);
    assert_int_equal(rig_pump(&r), 2);
    rig_close(&r);
}

/* What other subflows of a connection see of this one. */
static void tells_the_others(void **state)
{
    struct rig r;

    rig_open(&r, &cc_lia_ops, 100000, 20000);
    rig_send(&r, 20);
    assert_int_equal(r.l.cc.flight, 20000);
    assert_int_equal(r.l.cc.last_sent, r.now);
    assert_int_equal(cc_window(&r.l.cc), 20000);
    r.now += 100000;
    rig_ack(&r, 1, 0, 0);
    assert_int_equal(r.l.cc.srtt, r.l.rtt.srtt);
    rig_ack(&r, 1, 2, 8); /* the second is lost: half the window from now on */
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    assert_true(r.l.cc.recovering);
    assert_int_equal(cc_window(&r.l.cc), r.l.cc.ssthresh);
    assert_false(r.l.cc.silent);
    time_out(&r);
    assert_false(r.l.cc.recovering);
    assert_true(r.l.cc.silent);
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 9, 0, 0);
    assert_false(r.l.cc.silent);
    rig_close(&r);
}

/* RFC 3465 2.3: L = 1 SMSS in this slow start. */
static void slow_start_after(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 20);
    time_out(&r);
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 6, 0, 0);
    assert_int_equal(r.l.cc.cwnd, 2000);
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 20, 0, 0);
    assert_int_equal(r.l.cc.cwnd, 3000);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_true(r.l.after_rto);
    for (uint32_t n = 20; r.l.cc.cwnd < r.l.cc.ssthresh; n += 10) {
        rig_send(&r, 10);
        r.now += 100000;
        rig_ack(&r, n + 10, 0, 0);
    }
    assert_false(r.l.after_rto);
    rig_close(&r);
}

/* A delayed flight: 10 segments, time-out, and then all the ACKs after all. */
static void open_delayed(struct rig *r, uint32_t unsent)
{
    rig_open(r, &cc_cubic_ops, 100000, 10000);
    rig_send(r, 10);
    if (unsent > 0)
        rig_push(r, unsent);
    time_out(r);
    assert_int_equal(r->q.f->lost, 10000);
    assert_int_equal(rig_pump(r), 1);
    r->now += 50000;
    rig_ack(r, 1, 0, 0);
}

static void spurious(void **state)
{
    struct rig r;

    open_delayed(&r, 5);
    assert_int_equal(r.l.f->frto_step, 3);
    assert_null(tcp_loss_next_lost(&r.l, &r.q));
    assert_int_equal(rig_pump(&r), 2); /* new data */
    assert_int_equal(r.l.rtx_bytes, 1000);
    r.now += 1000;
    rig_ack(&r, 2, 0, 0);
    assert_true(r.out.spurious);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_int_equal(r.q.f->lost, 0);
    assert_true(r.l.cc.cwnd >= 10000);
    assert_int_equal(r.l.cc.ssthresh, 10000);
    assert_int_equal(r.l.spurious_n, 1);
    rig_close(&r);
    /* The same told by a SACK. */
    open_delayed(&r, 5);
    rig_pump(&r);
    rig_ack(&r, 1, 4, 5);
    assert_true(r.out.spurious);
    rig_close(&r);
}

static void genuine(void **state)
{
    struct rig r;

    open_delayed(&r, 5);
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 1, 10, 11); /* only the new data arrived */
    assert_false(r.out.spurious);
    assert_int_equal(r.l.f->frto_step, 0);
    assert_int_equal(r.l.f->state, TCP_LOSS_RTO);
    assert_non_null(tcp_loss_next_lost(&r.l, &r.q));
    assert_true(r.l.cc.cwnd <= 3000);
    rig_close(&r);
}

static void without_new_data(void **state)
{
    struct rig r;

    open_delayed(&r, 0);
    assert_int_equal(r.l.f->frto_step, 0);
    assert_int_equal(rig_pump(&r), 2); /* slow start retransmits */
    rig_close(&r);
    open_delayed(&r, 5); /* data, but the peer's window is closed: nothing is sent */
    assert_int_equal(r.l.f->timer, TCP_TIMER_REORDER);
    assert_int_equal(rig_expire(&r), TCP_TIMER_REORDER);
    assert_int_equal(r.l.rto_n, 0);
    assert_non_null(tcp_loss_next_lost(&r.l, &r.q));
    rig_close(&r);
}

/*= RFC 8684 3-1, 3.4.1-15, 4-2 */
/* A duplicate ACK ends it, unless an MPTCP option explains the duplicate (RFC 8684 3). */
static void duplicate_ack(void **state)
{
    struct rig r;
    struct rig_blocks dup = { .n = 1, .lo = { 0 }, .hi = { 1 } };

    open_delayed(&r, 5);
    rig_pump(&r);
    tcp_undo_end(&r.l, &r.env); /* or the duplicate would tell that the time-out was spurious */
    r.seg.mp.present = 1u << WIRE_MP_PRIO;
    rig_ack_blocks(&r, 1, &dup);
    assert_int_equal(r.l.f->frto_step, 3);
    r.seg.mp.present = 0;
    rig_ack(&r, 1, 0, 0); /* a window update */
    assert_int_equal(r.l.f->frto_step, 3);
    rig_ack_blocks(&r, 1, &dup);
    assert_int_equal(r.l.f->frto_step, 0);
    rig_close(&r);
}

static void not_in_recovery(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 10);
    rig_push(&r, 5);
    r.now += 100000;
    rig_ack(&r, 0, 1, 4);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    rig_pump(&r);
    time_out(&r);
    assert_int_equal(r.l.f->frto_step, 0);
    rig_pump(&r);
    rig_ack(&r, 4, 0, 0);
    assert_int_equal(r.l.f->frto_step, 0);
    rig_close(&r);
}

/*= RFC 6298 5
 * An implementation MUST manage the retransmission timer(s) in such a way that a segment is
 * never retransmitted too early, i.e., less than one RTO after the previous transmission of
 * that segment. */
/* RFC 6298 5: no segment is sent again less than one RTO after it was sent. */
static void never_too_early(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 0, 1, 4);
    r.now += 150000;
    rig_rtx(&r, 0, 1);
    assert_int_equal(r.l.f->timer, TCP_TIMER_RTO);
    assert_int_equal(r.l.f->deadline, r.now + tcp_rtt_timeout(&r.l.rtt));
    assert_int_equal(tcp_loss_expire(&r.l, &r.q, r.l.f->deadline - 1), TCP_TIMER_NONE);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_what_is_old), cmocka_unit_test(silent_path),
        cmocka_unit_test(tells_the_others),
        cmocka_unit_test(slow_start_after), cmocka_unit_test(spurious), cmocka_unit_test(genuine),
        cmocka_unit_test(without_new_data), cmocka_unit_test(duplicate_ack),
        cmocka_unit_test(not_in_recovery), cmocka_unit_test(never_too_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tail loss probes. */
#include "lossnet.h"

/*= RFC 8985 7.2-2, 7.2-4 */
static void timeouts(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 1);
    assert_int_equal(tcp_tlp_timeout(&r.l, &r.q), 400000); /* it may meet a delayed ACK */
    assert_int_equal(r.l.f->timer, TCP_TIMER_TLP);
    assert_int_equal(r.l.f->deadline, r.now + 300000); /* but the time-out would be earlier */
    rig_send(&r, 1);
    assert_int_equal(tcp_tlp_timeout(&r.l, &r.q), 200000);
    assert_int_equal(r.l.f->deadline, r.now + 200000);
    r.now += 50000;
    rig_send(&r, 1); /* new data starts it again */
    assert_int_equal(r.l.f->deadline, r.now + 200000);
    r.now += 50000;
    rig_ack(&r, 1, 0, 0); /* progress too */
    assert_int_equal(r.l.f->deadline, r.now + 2 * r.l.rtt.srtt);
    r.l.rtt.srtt = 0;
    assert_int_equal(tcp_tlp_timeout(&r.l, &r.q), PLAIT_SEC);
    rig_close(&r);
}

static void open_and_probe(struct rig *r, uint32_t segs, uint32_t unsent)
{
    uint32_t seq, len;

    rig_open(r, &cc_reno_ops, 100000, segs * RIG_MSS);
    rig_send_super(r, segs);
    if (unsent > 0)
        rig_push(r, unsent);
    assert_int_equal(tcp_loss_quota(&r->l, &r->q), 0);
    assert_int_equal(tcp_loss_want(&r->l, &r->q), TCP_WANT_NOTHING);
    assert_int_equal(rig_expire(r), TCP_TIMER_TLP);
    assert_int_equal(tcp_loss_want(&r->l, &r->q), TCP_WANT_PROBE);
    assert_int_equal(tcp_loss_quota(&r->l, &r->q), RIG_MSS); /* one segment beyond cwnd */
    assert_true(tcp_loss_probe(&r->l, &r->q, &seq, &len));
    assert_int_equal(len, RIG_MSS);
    assert_int_equal(seq, r->q.nxt - RIG_MSS);
    if (unsent > 0)
        assert_int_equal(rig_pump(r), 1);
    else
        rig_rtx(r, segs - 1, segs);
    assert_int_equal(tcp_loss_want(&r->l, &r->q), TCP_WANT_NOTHING);
    assert_int_equal(tcp_loss_quota(&r->l, &r->q), 0);
    assert_int_equal(r->l.f->timer, TCP_TIMER_RTO);
    assert_int_equal(r->l.f->deadline, r->now + tcp_rtt_timeout(&r->l.rtt));
}

/*= RFC 8985 7.3-4, 7.3-5, 7.4.2-1, 7.4.2-2 */
static void repaired_tail(void **state)
{
    struct rig r;

    open_and_probe(&r, 20, 0);
    assert_int_equal(r.q.f->recs.count, 2); /* the last segment of the super-segment */
    r.now += 100000;
    rig_ack(&r, 20, 0, 0);
    assert_int_equal(r.l.cc.ssthresh, 20000); /* not yet known which of the two arrived */
    rig_send(&r, 2);
    r.now += 100000;
    rig_ack(&r, 22, 0, 0); /* beyond the probe, and no duplicate was reported */
    assert_true(r.l.cc.ssthresh < 20000);
    assert_int_equal(r.l.cc.cwnd, r.l.cc.ssthresh);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    rig_close(&r);
}

static void needless_probe(void **state)
{
    for (unsigned way = 0; way < 3; way++) {
        struct rig r;
        open_and_probe(&r, 20, 0);
        r.now += 100000;
        rig_ack(&r, 20, 0, 0);
        if (way == 0) {
            rig_ack(&r, 20, 19, 20); /* DSACK */
        } else {
            r.seg.mp.present = way == 1 ? 1u << WIRE_MP_DSS : 1u << WIRE_MP_ADD_ADDR;
            rig_ack(&r, 20, 0, 0);
            r.seg.mp.present = 0;
        }
        rig_send(&r, 2);
        r.now += 100000;
        rig_ack(&r, 22, 0, 0);
        /* A duplicate ACK that carries another MPTCP option is no signal, so there the loss
         * stands. */
        assert_int_equal(r.l.cc.ssthresh == 20000, way != 2);
        rig_close(&r);
    }
}

/*= RFC 8985 7.3
 * If both conditions are met, then the sender SHOULD transmit a previously unsent data segment, if
 * one exists and the receive window allows, and increment the FlightSize accordingly. */
static void new_data_as_probe(void **state)
{
    struct rig r;

    open_and_probe(&r, 4, 3);
    r.now += 100000;
    rig_ack(&r, 0, 4, 5); /* the probe arrived, the flight did not */
    assert_int_equal(r.out.lost, 4000);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    rig_close(&r);
    open_and_probe(&r, 4, 3);
    r.now += 100000;
    rig_ack(&r, 5, 0, 0);
    assert_false(r.l.tlp_out);
    assert_int_equal(r.l.cc.ssthresh, 4000);
    rig_close(&r);
}

/*= RFC 8985 7.3-1, 7.3-2 */
/* One probe, and the next only after a round trip was measured. */
static void one_at_a_time(void **state)
{
    struct rig r;

    open_and_probe(&r, 4, 0);
    assert_int_equal(rig_expire(&r), TCP_TIMER_RTO);
    rig_close(&r);
    open_and_probe(&r, 1, 0);
    r.now += 10000;
    rig_ack(&r, 1, 0, 0); /* ambiguous: no sample */
    assert_int_equal(r.out.rtt, 0);
    r.l.tlp_out = false;
    rig_send(&r, 1);
    assert_int_equal(r.l.f->timer, TCP_TIMER_RTO);
    r.now += 100000;
    rig_ack(&r, 2, 0, 0);
    rig_send(&r, 1);
    assert_int_equal(r.l.f->timer, TCP_TIMER_TLP);
    rig_close(&r);
}

static void not_beside_sack(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 4);
    r.now += 50000;
    rig_ack(&r, 0, 1, 2);
    assert_int_not_equal(r.l.f->timer, TCP_TIMER_TLP);
    r.now += 100000;
    rig_ack(&r, 0, 1, 4);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    assert_int_not_equal(r.l.f->timer, TCP_TIMER_TLP);
    rig_close(&r);
}

/*= RFC 8985 7.3
 * After attempting to send a loss probe, regardless of whether a loss probe was sent, the sender
 * MUST re-arm the RTO timer, not the PTO timer, if the FlightSize is not zero. */
/* Nothing can be sent as a probe: the time-out runs all the same. */
static void probe_not_sent(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 2);
    assert_int_equal(rig_expire(&r), TCP_TIMER_TLP);
    assert_int_equal(r.l.f->timer, TCP_TIMER_RTO);
    assert_int_equal(rig_expire(&r), TCP_TIMER_RTO);
    assert_int_equal(tcp_loss_want(&r.l, &r.q), TCP_WANT_NOTHING);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts), cmocka_unit_test(repaired_tail),
        cmocka_unit_test(needless_probe),
        cmocka_unit_test(new_data_as_probe), cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(not_beside_sack), cmocka_unit_test(probe_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Proportional rate reduction: the figures of RFC 6937 3.1 and what the bounds say. */
#include "lossnet.h"

/* 20 segments in flight, cwnd 20. The first `lost` are lost; ACKs come for the others, and new
 * data is there without end. sent[k]: segments sent on the ACK for segment k. */
static void lossy_round(struct rig *r, const struct cc_ops *cc, uint32_t lost, uint32_t *sent)
{
    rig_open(r, cc, 100000, 20000);
    rig_send(r, 20);
    rig_push(r, 50);
    r->now += 100000;
    for (uint32_t k = lost; k < 20; k++) {
        r->now += 10;
        rig_ack(r, 0, lost, k + 1);
        sent[k] = rig_pump(r);
    }
}

/*= RFC 5681 3.2-8, 4.3-3 */
static void one_loss(void **state)
{
    struct rig r;
    uint32_t sent[20], total = 0;

    lossy_round(&r, &cc_reno_ops, 1, sent);
    assert_int_equal(r.l.cc.ssthresh, 10000);
    assert_int_equal(r.l.f->recover_fs, 20000);
    assert_int_equal(sent[1], 1); /* limited transmit */
    assert_int_equal(sent[2], 1);
    for (uint32_t k = 3; k < 20; k++) {
        assert_true(sent[k] <= 1);
        assert_true(k > 17 || sent[k] + sent[k - 1] >= 1); /* spread evenly */
        total += sent[k];
    }
    assert_int_equal(total, 8); /* one for every second ACK, until ssthresh is in flight */
    assert_int_equal(tcp_sndq_flight(&r.q), 10000);
    r.now += 100000;
    rig_ack(&r, 22, 0, 0);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_int_equal(r.l.cc.cwnd, 10000);
    rig_close(&r);
}

/*= RFC 8985 9.3-1, 9.3-2 */
static void burst_of_losses(void **state)
{
    struct rig r;
    uint32_t sent[20];

    lossy_round(&r, &cc_reno_ops, 15, sent);
    assert_int_equal(r.l.cc.ssthresh, 10000);
    for (uint32_t k = 15; k < 20; k++)
        assert_int_equal(sent[k], 1); /* 2 new, then packet conservation */
    assert_int_equal(tcp_sndq_flight(&r.q), 5000);
    /* The retransmission arrives: SND.UNA moves and nothing new is lost, so one more may go. */
    r.now += 99990;
    rig_ack(&r, 0, 15, 22);
    assert_int_equal(rig_pump(&r), 2);
    rig_ack(&r, 1, 15, 22);
    assert_int_equal(r.out.lost, 0);
    assert_int_equal(rig_pump(&r), 2);
    rig_close(&r);
}

static void reduction_of_30_percent(void **state)
{
    static const uint32_t want[] = { 1, 1, 1, 0, 1, 1 };
    struct rig r;
    uint32_t sent[20];

    lossy_round(&r, &cc_cubic_ops, 1, sent);
    assert_int_equal(r.l.cc.ssthresh, 14000);
    for (uint32_t k = 0; k < 6; k++)
        assert_int_equal(sent[3 + k], want[k]);
    rig_close(&r);
}

/* ACKs for single bytes do not open the window further than one for all of them. */
static void split_acks(void **state)
{
    struct rig r;
    uint32_t sent[20], before;

    lossy_round(&r, &cc_reno_ops, 15, sent);
    before = r.l.f->prr_out;
    for (uint32_t i = 1; i <= 1000; i++) {
        struct tcp_ack_in in = { .seg = &r.seg, .now = r.now + 99990 };
        r.seg.ack = r.base + i;
        tcp_loss_on_ack(&r.l, &r.q, &in, &r.out);
        rig_pump(&r);
    }
    /* The bound is ssthresh in flight, whatever the ACKs. */
    assert_true(tcp_sndq_flight(&r.q) <= r.l.cc.ssthresh);
    assert_true(r.l.f->prr_out - before <= r.l.cc.ssthresh);
    rig_close(&r);
}

/*= RFC 5681 4.3
 * Loss in two successive windows of data, or the loss of a retransmission, should be taken as
 * two indications of congestion and, therefore, cwnd (and ssthresh) MUST be lowered twice in
 * this case. */
/* A retransmission that is lost is a second signal (RFC 8985 3.4), but only one in a round trip. */
static void second_reduction(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 20);
    r.now += 100000;
    rig_ack(&r, 0, 2, 12); /* 0 and 1 are lost */
    assert_int_equal(r.l.cc.ssthresh, 10000);
    rig_rtx(&r, 0, 2);
    r.now += 50000;
    rig_push(&r, 10);
    rig_ack(&r, 0, 2, 20);
    assert_int_not_equal(rig_pump(&r), 0);
    r.now += 100000;
    rig_ack(&r, 0, 2, 21); /* sent later, delivered: 0 and 1 are lost again */
    assert_int_equal(r.out.lost, 2000);
    assert_int_equal(r.l.cc.ssthresh, 5000);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    assert_int_equal(r.l.f->recovery_point, r.q.nxt);
    assert_null(r.l.undo);
    rig_close(&r);
}

/* With nothing in flight there is always one segment. */
static void empty_pipe(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    rig_send(&r, 6);
    r.now += 100000;
    rig_ack(&r, 0, 3, 6);
    r.l.f->force = false;
    r.l.f->prr_out = 100000;
    assert_int_equal(tcp_sndq_flight(&r.q), 0);
    tcp_prr_ack(&r.l, &r.q, 0, false);
    assert_int_equal(tcp_loss_quota(&r.l, &r.q), 1000);
    rig_close(&r);
}

/* 100 segments out and no more to send: when the loss is found, 30 are left. CUBIC's aim is 70, but
 * 70 at once are not, 30 are, and slow start goes on from there. */
static void drained_flight(void **state)
{
    struct rig r;

    rig_open(&r, &cc_cubic_ops, 100000, 100000);
    rig_send(&r, 50);
    rig_send(&r, 50);
    r.now += 100000;
    rig_ack(&r, 70, 0, 0);
    rig_ack(&r, 70, 71, 100);
    assert_int_equal(r.l.f->state, TCP_LOSS_RECOVERY);
    assert_in_range(r.l.cc.ssthresh, 70000, 90000);
    assert_int_equal(r.l.f->recover_fs, 30000);
    rig_rtx(&r, 70, 71);
    r.now += 100000;
    rig_ack(&r, 100, 0, 0);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_int_equal(r.l.cc.cwnd, 30000);
    assert_in_range(r.l.cc.ssthresh, 70000, 90000);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_loss), cmocka_unit_test(burst_of_losses),
        cmocka_unit_test(reduction_of_30_percent), cmocka_unit_test(split_acks),
        cmocka_unit_test(second_reduction), cmocka_unit_test(empty_pipe),
        cmocka_unit_test(drained_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

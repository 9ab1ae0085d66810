/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of the delivery rate, and pacing, as an algorithm sees them that only takes notes. */
#include "lossnet.h"
#include "pair.h"

struct meter {
    struct cc_own own;
    struct cc_sample s;
    struct cc_lost lost;
    unsigned samples, losses, marks, undone, recovered, congested;
};

static struct meter *meter_of(const struct cc *cc) { return (struct meter *)(void *)cc->own; }

static void on_ack(struct cc *cc, const struct cc_ack *ack)
{
    (void)cc, (void)ack;
    fail_msg("the window is not grown by ACKs");
}

static void on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    (void)flight, (void)now;
    if (cc->own != NULL)
        meter_of(cc)->congested++;
}

static void on_recovered(struct cc *cc, plait_time now)
{
    (void)now;
    meter_of(cc)->recovered++;
}

static void on_idle(struct cc *cc, plait_time idle, plait_time rto, plait_time now)
{
    (void)cc, (void)idle, (void)rto, (void)now;
}

static void on_sample(struct cc *cc, const struct cc_sample *s)
{
    meter_of(cc)->s = *s;
    meter_of(cc)->samples++;
}

static void on_lost(struct cc *cc, const struct cc_lost *lost)
{
    meter_of(cc)->lost = *lost;
    meter_of(cc)->losses++;
}

static void on_mark(struct cc *cc, plait_time now)
{
    (void)now;
    meter_of(cc)->marks++;
}

static void on_undo(struct cc *cc, plait_time now)
{
    (void)now;
    meter_of(cc)->undone++;
}

static const struct cc_ops meter_ops = {
    .name = "meter", .init = cc_reno_init, .on_ack = on_ack, .on_congestion = on_congestion,
    .on_rto = on_congestion, .on_recovered = on_recovered, .on_idle = on_idle,
    .own_size = sizeof(struct meter), .on_sample = on_sample, .on_lost = on_lost,
    .on_mark = on_mark, .on_undo = on_undo,
};

/* ---- samples --------------------------------------------------------------------------------- */

static const struct meter *open_rig(struct rig *r, plait_time rtt)
{
    rig_open(r, &cc_reno_ops, rtt, 100000);
    r->l.cc.ops = &meter_ops;
    assert_int_equal(tcp_rate_init(&r->l, &r->env, 7), 0);
    assert_int_equal(r->l.cc.own->seed, 7);
    return meter_of(&r->l.cc);
}

static void close_rig(struct rig *r)
{
    tcp_rate_fini(&r->l, &r->env);
    assert_null(r->l.cc.own);
    rig_close(r);
}

static void only_who_asks(void **state)
{
    struct rig r;

    rig_open(&r, &cc_cubic_ops, 100000, 20000);
    assert_int_equal(tcp_rate_init(&r.l, &r.env, 7), 0);
    assert_null(r.l.rate);
    assert_false(tcp_rate_holds(&r.l, r.now));
    assert_true(tcp_rate_deadline(&r.l) == PLAIT_NEVER);
    assert_int_equal(tcp_rate_quantum(&r.l), UINT32_MAX);
    tcp_rate_fini(&r.l, &r.env);
    rig_close(&r);
}

/* Ten segments at once, five are acknowledged after a round trip, the others one by one. */
static void rate_of_acks(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 5, 0, 0);
    assert_int_equal(m->samples, 1);
    assert_int_equal(m->s.newly, 5000);
    assert_int_equal(m->s.delivered, 5000);
    assert_int_equal(m->s.rate, 50000); /* since the path was empty */
    assert_int_equal(m->s.rtt, 100000);
    assert_int_equal(m->s.tx_in_flight, 5000); /* of the fifth, with itself */
    assert_int_equal(m->s.flight, 5000);
    rig_send(&r, 1); /* with 5000 delivered, 100 ms after the segment that was delivered last */
    for (uint32_t i = 6; i <= 10; i++) {
        r.now += 10000;
        rig_ack(&r, i, 0, 0);
    }
    assert_int_equal(m->s.delivered, 10000);
    assert_int_equal(m->s.rate, (uint64_t)10000 * 1000000 / 150000);
    r.now += 50000;
    rig_ack(&r, 11, 0, 0);
    assert_int_equal(m->s.prior + 6000, m->s.total);
    assert_int_equal(m->s.rate, 60000); /* 100 ms between both sendings and both deliveries */
    assert_int_equal(m->s.tx_in_flight, 6000);
    assert_int_equal(m->samples, 7);
    rig_ack(&r, 11, 0, 0); /* delivers nothing */
    assert_int_equal(m->samples, 7);
    close_rig(&r);
}

/* A segment each 10 ms; the ACKs of the second half come all at once. They arrive at 190 a second,
 * but nobody sent as fast. */
static void rate_of_sending_is_the_bound(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    for (uint32_t i = 0; i < 20; i++) {
        rig_send(&r, 1);
        if (i == 9) { /* the ACK of the first */
            r.now += 10000;
            rig_ack(&r, 1, 0, 0);
        } else {
            r.now += 10000;
        }
    }
    rig_ack(&r, 20, 0, 0);
    assert_int_equal(m->s.delivered, 19000);
    assert_int_equal(m->s.rate, 100000);
    close_rig(&r);
}

/* What a SACK delivers counts when it is SACKed, and once. */
static void sacks_deliver(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 0, 1, 2);
    assert_int_equal(m->s.newly, 1000);
    assert_int_equal(m->s.rtt, 100000);
    rig_ack(&r, 0, 1, 3);
    assert_int_equal(m->s.newly, 1000);
    assert_int_equal(m->s.delivered, 2000);
    rig_ack(&r, 4, 0, 0);
    assert_int_equal(m->s.newly, 2000);
    assert_int_equal(m->s.delivered, 4000);
    close_rig(&r);
}

/* A retransmission whose original arrives: 10 ms are no round trip, and no interval. */
static void too_short_to_be_true(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 0, 1, 5);
    assert_true(m->s.rate > 0);
    r.now += 90000;
    rig_rtx(&r, 0, 1);
    r.now += 10000;
    rig_ack(&r, 5, 0, 0);
    assert_int_equal(m->s.newly, 1000);
    assert_int_equal(m->s.rtt, 0);
    assert_int_equal(m->s.rate, (uint64_t)1000 * 1000000 / 190000); /* by when it was sent */
    r.l.rtt.min_rtt = 200000;
    r.now += 1;
    rig_ack(&r, 10, 0, 0);
    assert_int_equal(m->s.rate, (uint64_t)10000 * 1000000 / 200001);
    close_rig(&r);
    m = open_rig(&r, 100000);
    rig_send(&r, 1);
    r.now += 99999;
    rig_rtx(&r, 0, 1);
    r.now += 1;
    r.l.rtt.min_rtt = 100001;
    rig_ack(&r, 1, 0, 0);
    assert_int_equal(m->samples, 1);
    assert_int_equal(m->s.rate, 0);
    close_rig(&r);
}

/* From the moment on in which nobody had anything to send until all that was out then is there. */
static void application_limited(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 2);
    tcp_rate_app_limited(&r.l, &r.q);
    rig_send(&r, 2);
    r.now += 100000;
    rig_ack(&r, 2, 0, 0);
    assert_false(m->s.app_limited);
    rig_send(&r, 1); /* the gap is not past yet */
    rig_ack(&r, 3, 0, 0);
    assert_true(m->s.app_limited);
    rig_send(&r, 1);
    r.now += 100000;
    rig_ack(&r, 5, 0, 0);
    assert_true(m->s.app_limited);
    rig_ack(&r, 6, 0, 0);
    assert_false(m->s.app_limited);
    close_rig(&r);
}

/* ---- losses ---------------------------------------------------------------------------------- */

static void losses_are_told(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 20);
    r.now += 100000;
    rig_ack_blocks(&r, 0, &(struct rig_blocks){ .n = 2, .lo = { 1, 3 }, .hi = { 2, 6 } });
    assert_int_equal(m->losses, 2);
    assert_int_equal(m->lost.seq, r.base + 2000);
    assert_int_equal(m->lost.len, 1000);
    assert_int_equal(m->lost.lost, 2000); /* the one before it was sent after nothing was lost */
    assert_int_equal(m->lost.tx_in_flight, 3000);
    assert_int_equal(m->lost.total - m->s.total, 0);
    assert_int_equal(m->s.lost, 2000);
    assert_int_equal(m->congested, 1);
    assert_int_equal(r.l.cc.cwnd, 100000); /* PRR keeps out of it */
    assert_true(m->s.recovering);
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 20, 0, 0);
    assert_int_equal(m->recovered, 1);
    assert_int_equal(r.l.cc.cwnd, 100000);
    assert_int_equal(m->s.lost, 0); /* nothing was lost since the retransmission was sent */
    assert_false(m->s.recovering);
    close_rig(&r);
}

static void time_out(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 5);
    while (rig_expire(&r) != TCP_TIMER_RTO)
        continue;
    assert_int_equal(m->losses, 5);
    assert_int_equal(m->lost.lost, 5000);
    assert_int_equal(r.l.cc.cwnd, 1000);
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 5, 0, 0);
    assert_int_equal(m->recovered, 1); /* that it may have its window again */
    close_rig(&r);
}

/* Congestion that leaves nothing to repair: a mark, and the loss that a probe repaired. */
static void marks(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);
    struct tcp_ack_in in = { .seg = &r.seg, .ece = true };

    rig_send(&r, 5);
    r.now += 100000;
    in.now = r.now;
    r.seg.ack = r.base + 1000;
    r.seg.flags = WIRE_ACK | WIRE_ECE;
    tcp_loss_on_ack(&r.l, &r.q, &in, &r.out);
    assert_int_equal(m->marks, 1);
    assert_int_equal(r.l.cc.cwnd, 100000);
    assert_true(r.l.cwr_due);
    close_rig(&r);
    m = open_rig(&r, 100000);
    rig_send(&r, 1);
    assert_int_equal(rig_expire(&r), TCP_TIMER_TLP);
    rig_rtx(&r, 0, 1);
    rig_push(&r, 1);
    rig_pump(&r);
    r.now += 100000;
    rig_ack(&r, 2, 0, 0);
    assert_int_equal(m->marks, 1);
    close_rig(&r);
}

static void needless(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 10);
    r.now += 100000;
    rig_ack(&r, 0, 1, 8);
    rig_rtx(&r, 0, 1);
    r.now += 1000;
    rig_ack_blocks(&r, 8, &(struct rig_blocks){ .n = 1, .lo = { 0 }, .hi = { 1 } });
    assert_int_equal(m->undone, 1);
    close_rig(&r);
}

/* A record that is cut, or joined again, says of each part what was so when that was sent. */
static void parts(void **state)
{
    struct rig r;
    const struct meter *m = open_rig(&r, 100000);

    rig_send(&r, 1);
    r.now += 100000;
    rig_ack(&r, 1, 0, 0);
    rig_send_super(&r, 4);
    r.now += 100000;
    rig_ack(&r, 1, 3, 4); /* the middle of it */
    assert_int_equal(m->s.delivered, 1000);
    assert_int_equal(m->s.rate, 10000);
    assert_int_equal(m->s.tx_in_flight, 4000);
    rig_ack(&r, 1, 3, 5);
    tcp_sndq_compact(&r.q);
    assert_int_equal(r.q.f->recs.count, 2);
    assert_int_equal(tcp_sndq_rec(&r.q, 1)->rate.in_flight, 4000);
    close_rig(&r);
}

/* ---- pacing ---------------------------------------------------------------------------------- */

static void held_by_length(void **state)
{
    struct rig r;

    open_rig(&r, 100000);
    rig_send(&r, 1);
    assert_false(tcp_rate_holds(&r.l, r.now)); /* no rate, no pacing */
    assert_int_equal(tcp_rate_quantum(&r.l), UINT32_MAX);
    r.l.cc.own->pacing_rate = 3000000; /* a segment takes a third of a millisecond */
    r.l.cc.own->quantum = 2000;
    assert_int_equal(tcp_rate_quantum(&r.l), 2000);
    rig_send(&r, 3); /* two of them are what lateness allows */
    assert_true(tcp_rate_holds(&r.l, r.now));
    assert_true(tcp_rate_holds(&r.l, r.now + 333));
    assert_false(tcp_rate_holds(&r.l, r.now + 334));
    assert_int_equal(tcp_rate_deadline(&r.l), r.now + 334);
    r.now += 334;
    tcp_rate_refresh(&r.l, r.now);
    assert_true(tcp_rate_deadline(&r.l) == PLAIT_NEVER);
    rig_send(&r, 1); /* the fraction of a microsecond is not lost */
    assert_int_equal(tcp_rate_deadline(&r.l), r.now - 334 + 667);
    r.l.cc.own->pacing_rate = 1; /* however slow, it goes on in a second */
    r.now += 10000;
    rig_send(&r, 1);
    assert_true(tcp_rate_holds(&r.l, r.now - 1));
    assert_false(tcp_rate_holds(&r.l, r.now + PLAIT_SEC));
    close_rig(&r);
}

struct departures { plait_time first, last; uint64_t bytes; uint32_t longest; };
static struct departures gone;

static unsigned note(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    (void)late;
    if (pk->to == 1 && pk->seg.len > 0) {
        gone.first = gone.bytes == 0 ? p->now : gone.first;
        gone.last = p->now;
        gone.bytes += pk->seg.len;
        gone.longest = pk->seg.len > gone.longest ? (uint32_t)pk->seg.len : gone.longest;
    }
    return 1;
}

/* A tcb sends at the rate, in pieces of a quantum, though its window would let all of it go. */
static void sends_at_the_rate(void **state)
{
    struct pair p;
    struct cc *cc = &p.end[0].t.loss.cc;

    pair_init(&p);
    p.cfg.cc = &meter_ops;
    p.cfg.gso_max = 65536;
    pair_open(&p);
    cc->cwnd = 1 << 20;
    cc->own->pacing_rate = 2000000;
    cc->own->quantum = 10000;
    p.fate = note;
    gone = (struct departures){ 0 };
    pair_write(&p, 0, 200000);
    pair_settle(&p);
    assert_int_equal(p.end[1].got, 200000);
    assert_int_equal(gone.bytes, 200000);
    assert_true(gone.longest <= 10000 && gone.longest > 8000);
    assert_in_range(gone.last - gone.first, 85000, 100000);
    pair_fini(&p);
}

/* Held back by pacing alone: no window is probed for that, and there is no room for more. */
static void held_tcb(void **state)
{
    struct pair p;
    struct tcb *t = &p.end[0].t;

    pair_init(&p);
    p.cfg.cc = &meter_ops;
    pair_open(&p);
    t->loss.cc.cwnd = 100000;
    t->loss.cc.own->pacing_rate = 100000;
    t->loss.cc.own->quantum = 2 * t->mss;
    assert_int_equal(tcp_room(t), 2 * t->mss);
    pair_write(&p, 0, 4 * t->mss);
    pair_flush(&p);
    assert_true(tcp_held(t));
    assert_int_equal(tcp_room(t), 0);
    assert_true(tcp_deadline(t) < p.now + 2 * PLAIT_SEC * 2 * t->mss / 100000);
    assert_true(tcp_deadline(t) > p.now);
    t->loss.cc.cwnd = t->mss; /* then it is the window that it waits for */
    assert_int_equal(tcp_deadline(t), t->loss.f->deadline);
    t->loss.cc.cwnd = 100000;
    pair_settle(&p);
    assert_int_equal(p.end[1].got, 4 * t->mss);
    tcp_app_limited(t);
    assert_true(t->loss.rate->app_limited);
    pair_fini(&p);
}

/* Without memory for it a connection does not begin. */
static void no_memory(void **state)
{
    struct pair p;
    struct plait_addr local = { .family = 4, .port = 1 }, remote = { .family = 4, .port = 2 };

    pair_init(&p);
    p.cfg.cc = &meter_ops;
    pair_tcb(&p, 0);
    p.fail_in = 0;
    assert_int_equal(tcp_connect(&p.end[0].t, &local, &remote, p.now), PLAIT_ENOMEM);
    assert_int_equal(p.end[0].t.state, TCP_ST_CLOSED);
    p.fail_in = -1;
    assert_int_equal(tcp_connect(&p.end[0].t, &local, &remote, p.now), 0);
    assert_non_null(p.end[0].t.loss.rate);
    tcp_restart(&p.end[0].t, p.now); /* keeps it, as new */
    assert_non_null(p.end[0].t.loss.rate);
    assert_int_equal(p.end[0].t.loss.rate->delivered, 0);
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_who_asks), cmocka_unit_test(rate_of_acks),
        cmocka_unit_test(rate_of_sending_is_the_bound), cmocka_unit_test(sacks_deliver),
        cmocka_unit_test(too_short_to_be_true), cmocka_unit_test(application_limited),
        cmocka_unit_test(losses_are_told), cmocka_unit_test(time_out), cmocka_unit_test(marks),
        cmocka_unit_test(needless), cmocka_unit_test(parts), cmocka_unit_test(held_by_length),
        cmocka_unit_test(sends_at_the_rate), cmocka_unit_test(held_tcb),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

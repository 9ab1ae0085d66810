/* SPDX-License-Identifier: Apache-2.0 */
/* BBR's states, gains and windows, step by step as draft-ietf-ccwg-bbr 5.3 and 5.6 say. The path
 * holds 100,000 bytes: 1 MB/s and 100 ms. */
#include "cc/bbr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1000, RATE = 1000000, RTT = 100000, BDP = 100000 };

struct flow {
    struct cc cc;
    struct bbr b;
    struct cc_sample s;
    uint32_t prior; /* total as the round began */
};

static void start(struct flow *f)
{
    memset(f, 0, sizeof *f);
    cc_init(&f->cc, &cc_bbr_ops, MSS);
    f->b.own.seed = 1;
    f->cc.srtt = RTT;
    cc_attach(&f->cc, &f->b.own);
    f->s = (struct cc_sample){ .now = PLAIT_SEC, .srtt = RTT, .rtt = RTT, .tx_in_flight = BDP };
}

/* An ACK of n segments within a round. */
static void ack(struct flow *f, uint32_t n, uint64_t rate)
{
    f->s.newly = n * MSS;
    f->s.total += n * MSS;
    f->s.prior = f->prior;
    f->s.delivered = f->s.total - f->prior;
    f->s.rate = rate;
    f->cc.ops->on_sample(&f->cc, &f->s);
}

/* The first ACK of the next round, a round trip later. */
static void next_round(struct flow *f, uint32_t n, uint64_t rate)
{
    f->s.now += RTT;
    f->prior = f->s.total;
    ack(f, n, rate);
    f->prior--; /* a round that this ACK begins is not over with the next */
}

/* In the middle of things, with a model of the path. */
static void enter(struct flow *f, enum bbr_state state)
{
    start(f);
    ack(f, 10, RATE);
    f->b.full_bw_reached = true;
    f->b.max_bw[0] = f->b.max_bw[1] = RATE;
    f->b.min_rtt = f->b.probe_rtt_min_delay = RTT;
    f->b.cycle_stamp = f->b.probe_rtt_min_stamp = f->b.min_rtt_stamp = f->s.now;
    f->b.probe_wait = 2500 * PLAIT_MSEC;
    f->b.rounds_since_probe = 0;
    f->b.state = (uint8_t)state;
    f->b.bw = RATE;
    f->b.delivered = 1000000;
    f->cc.cwnd = 2 * BDP;
    f->s.flight = BDP;
}

static void lose(struct flow *f, uint32_t lost, uint32_t tx_in_flight)
{
    struct cc_lost l = { .now = f->s.now, .seq = f->b.lost_end + 5, .len = MSS, .lost = lost,
                         .tx_in_flight = tx_in_flight, .total = f->s.total };

    f->cc.ops->on_lost(&f->cc, &l);
}

/* 5.6.2: the initial window by the round trip, or by 1 ms where it is not known. */
static void first_rate(void **state)
{
    struct flow f;

    start(&f);
    assert_int_equal(f.b.own.pacing_rate, 277000); /* 2.77 * 10 segments / 100 ms */
    assert_int_equal(f.b.own.quantum, 2 * MSS);
    assert_int_equal(f.b.state, BBR_STARTUP);
    f.cc.srtt = 0;
    cc_attach(&f.cc, &f.b.own);
    assert_int_equal(f.b.own.pacing_rate, 27700000);
    assert_int_equal(f.b.own.quantum, 27700);
    ack(&f, 1, 0);
    assert_int_equal(f.b.own.pacing_rate, 277000); /* now it is known */
    f.cc.mss = 9000; /* not less than two segments, nor more than 64 KiB */
    next_round(&f, 1, (uint64_t)1 << 36);
    assert_int_equal(f.b.own.quantum, 65536);
    assert_int_equal(f.b.own.pacing_rate, ((uint64_t)1 << 36) * 277 / 100 * 99 / 100);
}

/* 5.3.1, 5.3.2: 2.77 times as fast, windows of two BDP; three rounds without growth; a half. */
static void startup_and_drain(void **state)
{
    struct flow f;
    uint64_t rate = RATE / 4;

    start(&f);
    f.s.flight = 2 * BDP;
    ack(&f, 10, 0);
    for (; rate <= RATE; rate *= 2) {
        next_round(&f, 50, rate);
        assert_int_equal(f.b.state, BBR_STARTUP);
        assert_int_equal(f.b.own.pacing_rate, rate * 277 / 100 * 99 / 100);
    }
    assert_int_equal(f.cc.cwnd, 10000 + 150000); /* all that was acknowledged */
    next_round(&f, 100, RATE);
    assert_int_equal(f.cc.cwnd, 260000); /* beyond two BDP and what came in a bunch it would stop */
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_STARTUP);
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_DRAIN);
    assert_int_equal(f.b.own.pacing_rate, 495000); /* 0.5 * 0.99 */
    assert_in_range(f.cc.cwnd, 2 * BDP, 2 * BDP + 100000);
    f.s.flight = BDP + 1;
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_DRAIN);
    f.s.flight = BDP;
    next_round(&f, 1, RATE);
    assert_in_range(f.b.state, BBR_DOWN, BBR_CRUISE);
    assert_in_range(f.b.probe_wait, 2 * PLAIT_SEC, 3 * PLAIT_SEC);
}

/* 5.3.1.3: a round of recovery, six holes and more than two per cent. */
static void startup_with_losses(void **state)
{
    struct flow f;

    for (unsigned lacks = 0; lacks < 4; lacks++) {
        start(&f);
        f.s.flight = 4 * BDP;
        ack(&f, 10, RATE);
        f.s.recovering = lacks != 1;
        next_round(&f, 10, 2 * RATE);
        for (unsigned i = 0; i < (lacks == 2 ? 5u : 6u); i++)
            lose(&f, MSS, 2 * BDP);
        f.s.recovering = true;
        f.s.lost = lacks == 3 ? 2000 : 2001;
        next_round(&f, 10, 3 * RATE);
        assert_int_equal(f.b.state, lacks == 0 ? BBR_DRAIN : BBR_STARTUP);
        if (lacks == 0)
            assert_int_equal(f.b.inflight_longterm, 2 * BDP); /* the BDP of what it was by then */
    }
}

/* 5.3.3: DOWN until the queue is empty, CRUISE, one round of REFILL, UP until it brings no more. */
static void cycle(void **state)
{
    struct flow f;

    enter(&f, BBR_DOWN);
    f.s.flight = BDP + 1;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_DOWN);
    assert_int_equal(f.b.own.pacing_rate, 891000); /* 0.9 * 0.99 */
    f.s.flight = BDP;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_CRUISE);
    assert_int_equal(f.b.own.pacing_rate, 990000);
    f.b.bw_shortterm = RATE / 2;
    f.b.inflight_shortterm = BDP / 2;
    f.s.now = f.b.cycle_stamp + f.b.probe_wait;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_CRUISE);
    assert_int_equal(f.b.own.pacing_rate, 495000);
    assert_int_equal(f.cc.cwnd, BDP / 2);
    f.s.now++;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_REFILL);
    assert_int_equal(f.b.own.pacing_rate, 990000); /* nothing short-term any more */
    assert_int_equal(f.cc.cwnd, BDP / 2 + MSS);
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_REFILL);
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_UP);
    assert_int_equal(f.b.own.pacing_rate, 1237500); /* 1.25 * 0.99 */
    assert_true(f.b.probe_samples);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(f.b.state, BBR_UP);
        next_round(&f, 1, RATE * 5 / 4 - 1);
    }
    assert_int_equal(f.b.state, BBR_DOWN);
    assert_int_equal(f.b.bw, RATE * 5 / 4 - 1);
}

/* 5.3.3.5.2: or as many rounds as the path holds segments, 63 at most. */
static void probes_as_often_as_reno(void **state)
{
    struct flow f;

    enter(&f, BBR_CRUISE);
    f.b.min_rtt = RTT;
    f.b.probe_wait = 1000 * PLAIT_SEC;
    f.b.probe_rtt_min_stamp = 1000 * PLAIT_SEC;
    for (unsigned i = 0; i < 62; i++)
        next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_CRUISE);
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_REFILL);
    enter(&f, BBR_CRUISE);
    f.b.probe_wait = 1000 * PLAIT_SEC;
    f.b.inflight_shortterm = 10 * MSS; /* a window of ten */
    f.b.bw_shortterm = RATE;
    f.cc.cwnd = 10 * MSS;
    for (unsigned i = 0; i < 9; i++)
        next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_CRUISE);
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_REFILL);
}

/* 5.5.10.2: a probe that loses too much sets the volume, once, and is over. */
static void probe_loses(void **state)
{
    struct flow f;

    enter(&f, BBR_UP);
    f.b.probe_samples = true;
    lose(&f, 2000, BDP);
    assert_int_equal(f.b.state, BBR_UP);
    lose(&f, 3000, 120000); /* (0.02 * 119000 - 2000) / 0.98 = 387 */
    assert_int_equal(f.b.state, BBR_DOWN);
    assert_int_equal(f.b.inflight_longterm, 119387);
    lose(&f, 30000, BDP / 10);
    assert_int_equal(f.b.inflight_longterm, 119387);
    enter(&f, BBR_UP);
    f.b.probe_samples = true;
    lose(&f, 3000, BDP / 4); /* not by more than CUBIC would */
    assert_int_equal(f.b.inflight_longterm, 70000);
}

/* 5.3.3.1, 5.6.4.7: the volume's bound, and 15 per cent less where room is left to others. */
static void headroom(void **state)
{
    struct flow f;

    enter(&f, BBR_CRUISE);
    f.b.inflight_longterm = BDP;
    f.s.tx_in_flight = 0;
    ack(&f, 1, RATE);
    assert_int_equal(f.cc.cwnd, 85000);
    enter(&f, BBR_DOWN);
    f.b.inflight_longterm = BDP;
    f.s.tx_in_flight = 0;
    f.s.flight = 85001;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_DOWN);
    assert_int_equal(f.cc.cwnd, BDP);
    f.s.flight = 85000;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_CRUISE);
    f.s.tx_in_flight = BDP + 5000; /* that much was out, and was not too much */
    ack(&f, 1, RATE);
    assert_int_equal(f.b.inflight_longterm, BDP + 5000);
    f.b.inflight_longterm = 1;
    f.s.tx_in_flight = 0;
    ack(&f, 1, RATE);
    assert_int_equal(f.cc.cwnd, 4 * MSS); /* MinPipeCwnd */
}

/* 5.3.3.4: the bound grows by 1, 2, 4 ... segments a round while it is what holds the sender. */
static void volume_grows(void **state)
{
    struct flow f;

    enter(&f, BBR_REFILL);
    f.b.inflight_longterm = BDP;
    f.cc.cwnd = BDP;
    f.s.cwnd_limited = true;
    f.s.tx_in_flight = 0;
    next_round(&f, 0, RATE);
    assert_int_equal(f.b.state, BBR_UP);
    for (uint32_t i = 0, have = BDP, step = MSS; i < 3; i++, step *= 2) {
        for (uint32_t n = 0; n < f.cc.cwnd / MSS; n++)
            ack(&f, 1, RATE);
        assert_in_range(f.b.inflight_longterm, have + step * 9 / 10, have + step * 11 / 10);
        have = f.b.inflight_longterm;
        next_round(&f, 0, RATE);
    }
    assert_int_equal(f.b.state, BBR_UP); /* and does not end for want of growth */
    f.b.inflight_longterm = BBR_NO_LIMIT;
    for (unsigned i = 0; i < 3; i++)
        next_round(&f, 0, RATE);
    assert_int_equal(f.b.state, BBR_DOWN);
}

/* 5.3.4: five seconds without a shorter round trip: half a BDP for 200 ms and a round. */
static void probe_rtt(void **state)
{
    struct flow f;

    enter(&f, BBR_CRUISE);
    f.b.probe_wait = 1000 * PLAIT_SEC;
    f.s.rtt = RTT + 1;
    f.s.now += 5 * PLAIT_SEC;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_CRUISE);
    f.s.now++;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_PROBE_RTT);
    assert_int_equal(f.cc.cwnd, BDP / 2);
    assert_int_equal(f.b.own.pacing_rate, 990000);
    assert_true(f.b.own.app_limited); /* these rates say nothing */
    assert_int_equal(f.b.prior_cwnd, 2 * BDP + MSS);
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.probe_rtt_done_stamp, 0); /* too much is out still */
    f.s.flight = BDP / 2;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.probe_rtt_done_stamp, f.s.now + 200 * PLAIT_MSEC);
    f.s.now += 200 * PLAIT_MSEC;
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_PROBE_RTT);
    f.s.now++;
    ack(&f, 1, RATE); /* 200 ms, but no round */
    assert_int_equal(f.b.state, BBR_PROBE_RTT);
    f.s.rtt = RTT - 20000;
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_CRUISE);
    assert_int_equal(f.b.min_rtt, RTT - 20000);
    assert_int_equal(f.b.probe_rtt_min_stamp, f.s.now);
    assert_in_range(f.cc.cwnd, BDP * 8 / 10 * 2, 2 * BDP); /* as before, for the shorter path */
    start(&f); /* a pipe that was never full goes on with Startup */
    ack(&f, 10, RATE);
    f.b.state = BBR_PROBE_RTT;
    f.b.probe_rtt_done_stamp = f.s.now;
    next_round(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_STARTUP);
}

/* 5.4: after idling the window stays, the rate is the path's, and ProbeRTT is not due. */
static void idle(void **state)
{
    struct flow f;

    enter(&f, BBR_UP);
    ack(&f, 1, RATE);
    assert_int_equal(f.b.own.pacing_rate, 1237500);
    f.s.now += 60 * PLAIT_SEC;
    f.cc.ops->on_idle(&f.cc, 60 * PLAIT_SEC, 200000, f.s.now);
    assert_int_equal(f.b.own.pacing_rate, 990000);
    assert_in_range(f.cc.cwnd, 2 * BDP, 3 * BDP);
    f.b.state = BBR_CRUISE;
    ack(&f, 1, RATE);
    assert_true(f.b.state != BBR_PROBE_RTT);
    assert_false(f.b.idle_restart);
    f.b.state = BBR_PROBE_RTT;
    f.b.probe_rtt_done_stamp = f.s.now - 1; /* what ProbeRTT waited for has passed */
    f.cc.ops->on_idle(&f.cc, PLAIT_SEC, 200000, f.s.now);
    assert_int_equal(f.b.state, BBR_CRUISE);
}

/* 5.6.4.4: what recovery or a time-out took from the window comes back, within the bounds. */
static void recovery(void **state)
{
    struct flow f;

    enter(&f, BBR_CRUISE);
    f.cc.ops->on_rto(&f.cc, BDP, f.s.now);
    f.cc.cwnd = MSS;
    ack(&f, 1, RATE);
    assert_int_equal(f.cc.cwnd, 4 * MSS);
    ack(&f, 3, RATE);
    assert_int_equal(f.cc.cwnd, 7 * MSS); /* by what is delivered */
    f.cc.ops->on_recovered(&f.cc, f.s.now);
    assert_int_equal(f.cc.cwnd, 2 * BDP);
    f.cc.ops->on_congestion(&f.cc, BDP, f.s.now);
    assert_int_equal(f.cc.cwnd, 2 * BDP);
    f.b.inflight_shortterm = BDP;
    ack(&f, 1, RATE);
    assert_int_equal(f.cc.cwnd, BDP);
    f.cc.ops->on_recovered(&f.cc, f.s.now);
    ack(&f, 1, RATE);
    assert_int_equal(f.cc.cwnd, BDP); /* the bound stays */
}

/* 5.5.11: a loss that was none. */
static void undo(void **state)
{
    struct flow f;

    enter(&f, BBR_UP);
    f.b.probe_samples = true;
    f.b.inflight_shortterm = 3 * BDP;
    lose(&f, 30000, BDP);
    assert_int_equal(f.b.state, BBR_DOWN);
    f.cc.ops->on_congestion(&f.cc, BDP, f.s.now);
    lose(&f, 31000, BDP); /* what was so before the first counts */
    f.b.inflight_shortterm = BDP;
    f.b.bw_shortterm = 1;
    f.cc.ops->on_undo(&f.cc, f.s.now);
    assert_int_equal(f.b.state, BBR_UP);
    assert_true(f.b.inflight_longterm == BBR_NO_LIMIT && f.b.bw_shortterm == BBR_NO_BW);
    assert_int_equal(f.b.inflight_shortterm, 3 * BDP);
    start(&f);
    ack(&f, 10, RATE);
    lose(&f, 30000, BDP);
    f.cc.ops->on_congestion(&f.cc, BDP, f.s.now);
    f.b.full_bw_reached = true;
    f.b.state = BBR_DRAIN;
    f.cc.ops->on_undo(&f.cc, f.s.now);
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_STARTUP);
    enter(&f, BBR_CRUISE);
    f.cc.ops->on_rto(&f.cc, BDP, f.s.now); /* it hears of the losses afterwards */
    lose(&f, 30000, BDP);
    f.cc.cwnd = MSS;
    f.cc.ops->on_undo(&f.cc, f.s.now);
    assert_int_equal(f.b.state, BBR_CRUISE);
    assert_int_equal(f.cc.cwnd, 2 * BDP);
}

/*= RFC 3168 6.1.2
 * The indication of congestion should be treated just as a congestion loss in non-ECN-Capable TCP.
 */
static void marks(void **state)
{
    struct flow f;

    start(&f);
    ack(&f, 10, RATE);
    f.s.flight = 2 * BDP;
    f.cc.ops->on_mark(&f.cc, f.s.now);
    ack(&f, 1, RATE);
    assert_int_equal(f.b.state, BBR_DRAIN);
    enter(&f, BBR_UP);
    f.b.probe_samples = true;
    ack(&f, 1, RATE); /* sent with a BDP in flight */
    f.cc.ops->on_mark(&f.cc, f.s.now);
    assert_int_equal(f.b.state, BBR_DOWN);
    assert_int_equal(f.b.inflight_longterm, BDP);
    enter(&f, BBR_CRUISE);
    next_round(&f, 1, RATE * 9 / 10);
    f.cc.ops->on_mark(&f.cc, f.s.now);
    next_round(&f, 1, RATE * 9 / 10);
    assert_int_equal(f.b.bw_shortterm, RATE * 9 / 10);
}

/* Whatever comes, the window is at least a few segments and the rate no nonsense. */
static void hostile(void **state)
{
    struct flow f;
    uint32_t x = 1;

    start(&f);
    for (unsigned i = 0; i < 200000; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        f.s = (struct cc_sample){
            .now = f.s.now + x % (x % 7 == 0 ? 10000000 : 1000), .srtt = x % 3, .rtt = x >> 3,
            .rate = x % 5 == 0 ? UINT64_MAX : x, .newly = x >> 9, .total = f.s.total + (x >> 9),
            .prior = f.s.total - (x >> 20), .delivered = x >> 1, .lost = x >> 2, .flight = x % 99,
            .tx_in_flight = x >> 4, .app_limited = x % 11 == 0, .cwnd_limited = x % 2 == 0,
        };
        f.cc.ops->on_sample(&f.cc, &f.s);
        if (x % 13 == 0)
            lose(&f, x >> 5, x >> 6);
        if (x % 17 == 0)
            f.cc.ops->on_congestion(&f.cc, x, f.s.now);
        if (x % 19 == 0)
            f.cc.ops->on_undo(&f.cc, f.s.now);
        if (x % 23 == 0)
            f.cc.ops->on_mark(&f.cc, f.s.now);
        if (x % 29 == 0)
            f.cc.ops->on_idle(&f.cc, x, x, f.s.now);
        assert_in_range(f.cc.cwnd, 4 * MSS, CC_CWND_MAX);
        assert_in_range(f.b.own.quantum, 2 * MSS, 65536);
        assert_in_range(f.b.state, 0, BBR_STATES - 1);
        assert_true(f.b.own.pacing_rate > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_rate), cmocka_unit_test(startup_and_drain),
        cmocka_unit_test(startup_with_losses), cmocka_unit_test(cycle),
        cmocka_unit_test(probes_as_often_as_reno), cmocka_unit_test(probe_loses),
        cmocka_unit_test(headroom), cmocka_unit_test(volume_grows), cmocka_unit_test(probe_rtt),
        cmocka_unit_test(idle), cmocka_unit_test(recovery), cmocka_unit_test(undo),
        cmocka_unit_test(marks), cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

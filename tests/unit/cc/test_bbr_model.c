/* SPDX-License-Identifier: Apache-2.0 */
/* BBR's model against the procedures of draft-ietf-ccwg-bbr 5.5, with figures computed by hand. */
#include "cc/bbr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1000 };

struct model {
    struct cc cc;
    struct bbr b;
    struct cc_sample s;
};

static void start(struct model *m)
{
    memset(m, 0, sizeof *m);
    cc_init(&m->cc, &cc_bbr_ops, MSS);
    m->b.own.seed = 1;
    cc_attach(&m->cc, &m->b.own);
    m->s.now = PLAIT_SEC;
}

/* A segment is delivered that was sent when prior bytes were. */
static void deliver(struct model *m, uint32_t prior, uint64_t rate)
{
    m->s.newly = MSS;
    m->s.total += MSS;
    m->s.prior = prior;
    m->s.delivered = m->s.total - prior;
    m->s.rate = rate;
    cc_bbr_model_update(&m->cc, &m->s);
}

static void at_first(void **state)
{
    struct model m;

    start(&m);
    assert_int_equal(cc_bbr_max_bw(&m.b), 0);
    assert_int_equal(m.b.min_rtt, UINT32_MAX);
    assert_int_equal(cc_bbr_bdp(&m.cc, 1000000, 100), 10000); /* the initial window */
    assert_int_equal(cc_bbr_bdp(&m.cc, 1000000, 200), 20000);
    m.b.min_rtt = 50000;
    assert_int_equal(cc_bbr_bdp(&m.cc, 1000000, 100), 50000);
    assert_int_equal(cc_bbr_bdp(&m.cc, 1000000, 225), 112500);
    assert_int_equal(cc_bbr_bdp(&m.cc, (uint64_t)1 << 40, 225), CC_CWND_MAX); /* no overflow */
    m.b.min_rtt = UINT32_MAX - 1;
    assert_int_equal(cc_bbr_bdp(&m.cc, (uint64_t)1 << 40, 100), CC_CWND_MAX);
}

/* 5.5.1: a round ends with the first delivery of what was sent after the last one ended. */
static void rounds(void **state)
{
    struct model m;

    start(&m);
    deliver(&m, 0, 1);
    assert_true(m.b.round_start);
    deliver(&m, 0, 1);
    assert_false(m.b.round_start);
    deliver(&m, 500, 1);
    assert_false(m.b.round_start);
    assert_int_equal(m.b.rounds_since_probe, 1);
    deliver(&m, 1000, 1);
    assert_true(m.b.round_start);
    assert_int_equal(m.b.rounds_since_probe, 2);
    assert_int_equal(m.b.next_round_delivered, 4000);
    m.s.total = UINT32_MAX - 500; /* counts wrap */
    m.b.next_round_delivered = UINT32_MAX - 500;
    deliver(&m, UINT32_MAX - 600, 1);
    assert_false(m.b.round_start);
    deliver(&m, 100, 1);
    assert_true(m.b.round_start);
}

/* 5.5.2 to 5.5.6: the highest rate of two cycles; one that the application held down where it is
 * the highest. */
static void bandwidth(void **state)
{
    struct model m;

    start(&m);
    deliver(&m, 0, 1000);
    deliver(&m, 0, 900);
    assert_int_equal(cc_bbr_max_bw(&m.b), 1000);
    cc_bbr_advance_max_bw(&m.b);
    deliver(&m, 0, 700);
    assert_int_equal(cc_bbr_max_bw(&m.b), 1000);
    m.s.app_limited = true;
    deliver(&m, 0, 950);
    assert_int_equal(m.b.max_bw[0], 700);
    deliver(&m, 0, 1100);
    assert_int_equal(cc_bbr_max_bw(&m.b), 1100);
    m.s.app_limited = false;
    cc_bbr_advance_max_bw(&m.b);
    cc_bbr_advance_max_bw(&m.b); /* nothing was measured meanwhile: it is no cycle */
    assert_int_equal(cc_bbr_max_bw(&m.b), 1100);
    deliver(&m, 0, 600);
    cc_bbr_advance_max_bw(&m.b);
    assert_int_equal(cc_bbr_max_bw(&m.b), 600);
}

/* 5.3.1.2: three rounds without a quarter more. */
static void full_pipe(void **state)
{
    struct model m;

    start(&m);
    m.b.round_start = true;
    for (unsigned i = 0; i < 3; i++) {
        m.s.rate = i == 0 ? 1000 : 1249;
        cc_bbr_check_full_bw(&m.b, &m.s);
    }
    assert_int_equal(m.b.full_bw_count, 2);
    m.s.rate = 1250; /* that is growth: it begins anew */
    cc_bbr_check_full_bw(&m.b, &m.s);
    assert_int_equal(m.b.full_bw_count, 0);
    assert_int_equal(m.b.full_bw, 1250);
    for (unsigned i = 0; i < 3; i++) {
        assert_false(m.b.full_bw_now);
        m.s.app_limited = true; /* such rounds do not count, */
        cc_bbr_check_full_bw(&m.b, &m.s);
        m.s.app_limited = false;
        m.b.round_start = false; /* and once in each round is enough */
        cc_bbr_check_full_bw(&m.b, &m.s);
        m.b.round_start = true;
        cc_bbr_check_full_bw(&m.b, &m.s);
    }
    assert_true(m.b.full_bw_now && m.b.full_bw_reached);
    cc_bbr_reset_full_bw(&m.b);
    assert_false(m.b.full_bw_now);
    assert_true(m.b.full_bw_reached); /* ever */
}

/* 5.5.9: what comes beyond the rate, since it came slower. */
static void bunches(void **state)
{
    struct model m;

    start(&m);
    m.cc.cwnd = 100000;
    m.b.bw = 1000000;
    m.b.full_bw_reached = true;
    m.b.extra_start = m.s.now;
    deliver(&m, 0, 1);
    assert_int_equal(m.b.extra_acked[0], 1000);
    m.s.now += 500; /* 500 bytes are expected, 3000 came */
    deliver(&m, 0, 1);
    deliver(&m, 0, 1);
    assert_int_equal(m.b.extra_acked[0], 2500);
    m.s.now += 10000; /* the bunch is over */
    deliver(&m, 0, 1);
    assert_int_equal(m.b.extra_delivered, 1000);
    assert_int_equal(m.b.extra_acked[0], 2500);
    for (unsigned i = 0; i < 5; i++) {
        m.s.now += 10000;
        deliver(&m, m.s.total, 1);
    }
    assert_int_equal(m.b.extra_acked[1], 2500); /* of the five rounds before */
    for (unsigned i = 0; i < 5; i++) {
        m.s.now += 10000;
        deliver(&m, m.s.total, 1);
    }
    assert_int_equal(m.b.extra_acked[1], 1000); /* forgotten */
    m.cc.cwnd = 3000;
    for (unsigned i = 0; i < 9; i++)
        deliver(&m, 0, 1);
    assert_int_equal(m.b.extra_acked[0], 3000); /* never more than the window */
}

/* 5.5.10.2: more than 2 per cent, and where in a segment that was. */
static void too_high(void **state)
{
    struct cc_lost lost = { .len = 10000, .lost = 10000, .tx_in_flight = 100000 };

    assert_false(cc_bbr_too_high(2000, 100000));
    assert_true(cc_bbr_too_high(2001, 100000));
    assert_false(cc_bbr_too_high(0, 0));
    /* (0.02 * 90000 - 0) / 0.98 = 1836 of its 10000 bytes */
    assert_int_equal(cc_bbr_inflight_at_loss(&lost), 91836);
    lost.lost = 11000; /* (1800 - 1000) / 0.98 */
    assert_int_equal(cc_bbr_inflight_at_loss(&lost), 90816);
    lost.lost = 100000; /* before it began */
    assert_in_range(cc_bbr_inflight_at_loss(&lost), 0, 5000);
}

/* 5.5.10.3: at the end of a round with losses, down to what came through, at most to 0.7. */
static void lower_bounds(void **state)
{
    struct model m;

    start(&m);
    m.b.state = BBR_CRUISE;
    m.cc.cwnd = 50000;
    deliver(&m, 0, 1000000);
    cc_bbr_model_advance(&m.b, &m.s);
    assert_int_equal(m.b.bw, 1000000);
    cc_bbr_note_loss(&m.b);
    deliver(&m, 500, 900000); /* the round is not over */
    assert_true(m.b.bw_shortterm == BBR_NO_BW);
    m.b.bw_latest = 900000;
    m.b.inflight_latest = 40000;
    deliver(&m, 1000, 800000);
    assert_int_equal(m.b.bw_shortterm, 900000);
    assert_int_equal(m.b.inflight_shortterm, 40000);
    assert_false(m.b.loss_in_round);
    cc_bbr_model_advance(&m.b, &m.s);
    assert_int_equal(m.b.bw, 900000);
    assert_int_equal(m.b.bw_latest, 800000); /* the next round begins with this */
    assert_int_equal(m.b.inflight_latest, m.s.delivered);
    cc_bbr_note_loss(&m.b);
    m.b.bw_latest = 1000;
    m.b.inflight_latest = 0;
    m.s.rate = 0;
    deliver(&m, m.s.total, 0);
    assert_int_equal(m.b.bw_shortterm, 630000);
    assert_int_equal(m.b.inflight_shortterm, 28000);
    m.b.state = BBR_UP; /* while it probes nothing is lowered */
    cc_bbr_note_loss(&m.b);
    deliver(&m, m.s.total, 0);
    assert_int_equal(m.b.bw_shortterm, 630000);
    cc_bbr_reset_shortterm(&m.b);
    cc_bbr_model_advance(&m.b, &m.s);
    assert_int_equal(m.b.bw, 1000000);
}

/* 5.3.4.3: two windows, of five seconds and of ten. */
static void shortest_round_trip(void **state)
{
    struct model m;

    start(&m);
    m.b.min_rtt_stamp = m.b.probe_rtt_min_stamp = m.s.now;
    m.s.rtt = 30000;
    cc_bbr_update_min_rtt(&m.b, &m.s);
    assert_int_equal(m.b.min_rtt, 30000);
    m.s.rtt = 20000;
    cc_bbr_update_min_rtt(&m.b, &m.s);
    m.s.rtt = 25000;
    m.s.now += 5 * PLAIT_SEC;
    cc_bbr_update_min_rtt(&m.b, &m.s);
    assert_int_equal(m.b.probe_rtt_min_delay, 20000);
    assert_false(m.b.probe_rtt_expired);
    m.s.now += 1;
    cc_bbr_update_min_rtt(&m.b, &m.s);
    assert_true(m.b.probe_rtt_expired);
    assert_int_equal(m.b.probe_rtt_min_delay, 25000);
    assert_int_equal(m.b.min_rtt, 20000); /* this one is remembered for ten */
    m.s.rtt = 0;
    m.s.now += 5 * PLAIT_SEC;
    cc_bbr_update_min_rtt(&m.b, &m.s);
    assert_int_equal(m.b.min_rtt, 25000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first), cmocka_unit_test(rounds), cmocka_unit_test(bandwidth),
        cmocka_unit_test(full_pipe), cmocka_unit_test(bunches), cmocka_unit_test(too_high),
        cmocka_unit_test(lower_bounds), cmocka_unit_test(shortest_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <string.h>

static struct tcp_plan filled(const struct pair *p, bool payload)
{
    struct tcp_plan plan;

    memset(&plan, 0, sizeof plan);
    plan.flags = WIRE_ACK;
    tcp_fill_options(&p->end[0].t, payload, p->now, &plan);
    return plan;
}

static void hold(struct pair *p, uint64_t pos)
{
    struct wire_seg seg = pair_next(&p->end[0].t, p->now);
    uint8_t byte = pair_pattern(1, pos);

    seg.seq += (uint32_t)pos;
    seg.data = &byte;
    seg.len = 1;
    pair_input(p, 0, &seg);
}

/*= RFC 7323 4.1
 * Values of this clock MUST be at least approximately proportional to real time, in order to
 * measure actual RTT. */
static void timestamps(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    struct tcp_plan plan = filled(p, true);

    assert_true(plan.has_opt && plan.opt.has_ts);
    assert_int_equal(plan.opt.tsecr, t->ts_recent);
    assert_int_equal(plan.opt.tsval, (uint32_t)(p->now / 1000) + t->ts_offset);
    assert_int_equal(tcp_plan_mss(t, &plan), 1448);
    assert_int_equal(tcp_now_ts(5, 7000999), 7005);
    t->ts_on = false;
    plan = filled(p, true);
    assert_false(plan.has_opt);
    assert_int_equal(tcp_plan_mss(t, &plan), 1460);
}

static void reservation_on_data(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    struct tcp_plan plan;

    t->opt_reserve_data = 26; /* padded to 28 */
    assert_int_equal(tcp_payload_mss(t), 1460 - 12 - 28);
    hold(p, 10);
    plan = filled(p, true);
    assert_int_equal(plan.opt.sack_n, 0);
    t->opt_reserve_data = 16;
    plan = filled(p, true);
    assert_int_equal(plan.opt.sack_n, 1);
    assert_int_equal(tcp_plan_mss(t, &plan), 1460 - 12 - 16 - 12);
    assert_int_equal(wire_tcpopts_len(&plan.opt, false), 24);
}

static void big_reservation_drops_timestamps(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    struct tcp_plan plan;

    t->opt_reserve_ack = 28;
    assert_true(filled(p, false).opt.has_ts);
    t->opt_reserve_ack = 30;
    plan = filled(p, false);
    assert_false(plan.opt.has_ts);
    assert_false(plan.has_opt);
    t->opt_reserve_ack = 40;
    assert_false(filled(p, false).has_opt);
}

static void sack_leaves_payload_room(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    t->mss = 48;
    for (uint64_t i = 1; i < 4; i++)
        hold(p, 10 * i);
    assert_int_equal(filled(p, true).opt.sack_n, 1);
    assert_int_equal(filled(p, false).opt.sack_n, 3);
    t->opt_reserve_data = 20;
    assert_int_equal(filled(p, true).opt.sack_n, 0);
}

/* Whatever is held and reserved, the options fit. */
static void always_within_forty(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    for (uint64_t i = 1; i < 8; i++)
        hold(p, 10 * i);
    for (unsigned reserve = 0; reserve <= 40; reserve++)
        for (unsigned on = 0; on < 4; on++) {
            struct tcp_plan plan;
            t->ts_on = (on & 1) != 0;
            t->dsack = (struct tcp_block){ t->rcv_nxt - 5, t->rcv_nxt - 5 + (on >> 1) };
            t->opt_reserve_ack = (uint8_t)reserve;
            plan = filled(p, false);
            assert_true(wire_tcpopts_len(&plan.opt, false) + reserve <= 40);
            assert_int_equal(plan.dsack, (on >> 1) != 0 && plan.opt.sack_n > 0);
            t->opt_reserve_data = (uint8_t)(reserve <= 28 ? reserve : 28);
            plan = filled(p, true);
            assert_true(wire_tcpopts_len(&plan.opt, false) + t->opt_reserve_data <= 40);
        }
    t->ts_on = true;
    t->opt_reserve_data = t->opt_reserve_ack = 0;
}

static void syn_options(void **state)
{
    struct tcp_half as = { .mss_local = 1300, .rcv_wscale = 5, .wscale_on = true, .ts_on = true,
                           .ts_offset = 3, .ts_recent = 9, .sack_on = true };
    struct wire_tcpopts opt;

    (void)state;
    memset(&opt, 0, sizeof opt);
    tcp_syn_options(&opt, &as, 2000);
    assert_int_equal(opt.mss, 1300);
    assert_int_equal(opt.wscale, 5);
    assert_int_equal(opt.tsval, 5);
    assert_int_equal(opt.tsecr, 9);
    assert_true(opt.sack_permitted);
    assert_true(wire_tcpopts_len(&opt, true) <= 24); /* MP_JOIN's 16 bytes fit beside */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(timestamps), CASE(reservation_on_data), CASE(big_reservation_drops_timestamps),
        CASE(sack_leaves_payload_room), CASE(always_within_forty), CASE(syn_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

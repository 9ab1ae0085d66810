/* SPDX-License-Identifier: Apache-2.0 */
/* One tcb behind a path of some MTU that drops what is larger, with a word or without. */
#include "pair.h"

enum { SEARCH_ENDS = 16 };

/* fate_arg: bytes of the largest packet that passes. */
static unsigned narrow(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    unsigned options = wire_tcpopts_len(&pk->seg.opt, (pk->seg.flags & WIRE_SYN) != 0);

    (void)late;
    return 40 + options + pk->seg.len <= p->fate_arg;
}

static void narrow_from_now(struct pair *p, uint32_t mtu)
{
    p->fate = narrow;
    p->fate_arg = mtu;
}

/* A second is enough for one flight, and a minute for one that gets lost. */
static void transfer(struct pair *p, uint64_t n)
{
    plait_time end = p->now + 60 * PLAIT_SEC;

    pair_write(p, 0, n);
    do
        pair_run(p, p->now + PLAIT_SEC);
    while (p->end[1].got < p->end[0].want && p->now < end);
    assert_int_equal(p->end[1].got, p->end[0].want);
}

static void transfer_for(struct pair *p, plait_time span)
{
    plait_time end = p->now + span;

    while (p->now < end)
        transfer(p, 20000);
}

/*= RFC 9293 3.7.1
 * The maximum size of a segment that a TCP endpoint really sends, the "effective send MSS", MUST be
 * the smaller (MUST-16) of the send MSS */
static void begins_with_what_both_allow(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    a->mss_peer = 1000;
    tcp_pmtu_init(a);
    assert_int_equal(a->mss, 1000);
    a->mss_peer = 9000;
    tcp_pmtu_init(a);
    assert_int_equal(a->mss, p->cfg.mss_local);
    assert_int_equal(a->pmtu.high, a->mss);
    assert_int_equal(tcp_pmtu_probe(a, p->now), 0);
}

/*= RFC 4821 7.7
 * If there is a full-stop timeout and there was not an ICMP message indicating a reason (PTB, Net
 * unreachable, etc., or the ICMP message was ignored for some reason), the RECOMMENDED first
 * recovery action is to treat this as a detected ICMP black hole as defined in [RFC2923]. */
static void size_is_found_without_icmp(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    for (uint32_t mtu = 1500; mtu >= 1024; mtu -= 68) {
        narrow_from_now(p, mtu);
        tcp_pmtu_init(a);
        transfer_for(p, 40 * PLAIT_SEC);
        assert_in_range(a->mss, mtu - 40 - SEARCH_ENDS, mtu - 40);
        assert_true(a->pmtu.high < a->mss + SEARCH_ENDS);
    }
    assert_true(pair_count(p, PLAIT_REASON_MTU_BLACK_HOLE) >= 6);
}

/* Below the base there is only the floor, and the search from there. */
static void below_the_base(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    narrow_from_now(p, 600);
    transfer_for(p, 40 * PLAIT_SEC);
    assert_in_range(a->mss, 600 - 40 - SEARCH_ENDS, 600 - 40);
}

/* A path that carries everything is never probed, and no packet is smaller for it. */
static void nothing_to_search(void **state)
{
    struct pair *p = *state;

    transfer(p, 1000000);
    assert_int_equal(p->end[0].t.mss, p->cfg.mss_local);
    assert_int_equal(pair_count(p, PLAIT_REASON_MTU_RAISED), 0);
    assert_int_equal(pair_count(p, PLAIT_REASON_MTU_PROBE_LOST), 0);
}

/*= RFC 4821 7.3
 * The value for this timer MUST NOT be less than 5 minutes and is recommended to be 10 minutes, per
 * RFC 1981. */
static void wider_again(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    plait_time found;

    narrow_from_now(p, 1200);
    transfer_for(p, 40 * PLAIT_SEC);
    found = p->now;
    p->fate = NULL;
    assert_in_range(a->mss, 1160 - SEARCH_ENDS, 1160);
    while (p->now < found + 500 * PLAIT_SEC)
        transfer(p, 100000);
    assert_true(a->mss <= 1160);
    while (p->now < found + 605 * PLAIT_SEC)
        transfer(p, 100000);
    assert_int_equal(a->mss, p->cfg.mss_local);
}

/* From the first probe on nothing passes any more. */
static unsigned dead_with_a_probe(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    if (p->end[0].t.pmtu.probe != 0)
        p->fate_arg = 0;
    return narrow(p, pk, late);
}

/*= RFC 4821 7.6.3
 * If the loss was detected with a timeout and repaired with go-back-n retransmission, then
 * congestion window reduction will be necessary. */
static void time_out_while_a_probe_is_out(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;

    narrow_from_now(p, 1100);
    transfer(p, 20000);
    assert_int_equal(a->mss, 1024 - 40);
    p->fate = dead_with_a_probe;
    pair_write(p, 0, 100000);
    pair_run(p, p->now + 20 * PLAIT_SEC);
    assert_int_equal(p->fate_arg, 0);
    assert_int_equal(a->pmtu.probe, 0);
    assert_int_equal(a->mss, 552 - 40);
    narrow_from_now(p, 1100);
    transfer_for(p, 200 * PLAIT_SEC);
    assert_in_range(a->mss, 1060 - SEARCH_ENDS, 1060);
}

/* The second time-out in a row does not end the pause that a probe earned by the first. */
static void pause_outlives_a_time_out(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    plait_time later = p->now + 5 * PLAIT_SEC;

    pair_write(p, 0, 3000);
    pair_flush(p);
    a->mss -= 100; /* as if the size were being searched for */
    a->pmtu.at = later;
    a->loss.rto_n = 2;
    tcp_pmtu_timed_out(a, p->now);
    assert_int_equal(a->mss, 1024 - 40);
    assert_int_equal(a->pmtu.at, later);
    tcp_pmtu_init(a); /* nothing to be searched for until now */
    a->pmtu.at = later;
    tcp_pmtu_timed_out(a, p->now);
    assert_int_equal(a->pmtu.at, p->now);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(begins_with_what_both_allow), CASE(size_is_found_without_icmp), CASE(below_the_base),
        CASE(nothing_to_search), CASE(wider_again), CASE(time_out_while_a_probe_is_out),
        CASE(pause_outlives_a_time_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static struct wire_icmp about(const struct tcb *t, unsigned code)
{
    struct wire_icmp icmp = { .what = WIRE_ICMP_UNREACHABLE, .type = 3, .code = (uint8_t)code,
                              .src = t->local, .dst = t->remote, .seq = t->sndq.una };

    return icmp;
}

static struct wire_icmp too_big(const struct tcb *t, uint32_t mtu)
{
    struct wire_icmp icmp = about(t, 4);

    icmp.what = WIRE_ICMP_TOO_BIG;
    icmp.mtu = mtu;
    return icmp;
}

static void in_flight(struct pair *p, uint32_t n)
{
    pair_write(p, 0, n);
    pair_flush(p);
    pair_drop_all(p);
}

/*= RFC 7323 5.7
 * Setting the DF bit implies the use of Path MTU Discovery as described in [RFC1191], [RFC1981],
 * and [RFC4821]; thus, any TCP implementation that implements PAWS MUST also implement Path MTU
 * Discovery. */
static void smaller_mtu(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;
    struct wire_icmp icmp;

    in_flight(p, 10000);
    icmp = too_big(a, 1300);
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(res.reason, PLAIT_REASON_NONE);
    assert_int_equal(a->mss, 1260);
    assert_int_equal(a->loss.cc.mss, 1248);
    assert_true(tcp_check(a));
    pair_run(p, p->now + 5 * PLAIT_SEC); /* what was too big goes again in smaller pieces */
    assert_int_equal(p->end[1].got, 10000);
    assert_true(a->loss.rtx_bytes > 0);
}

static void forged(void **state)
{
    static const uint32_t mtu[] = { 68, 551, 1500, 9000, 1u << 31 };
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;
    struct wire_icmp icmp;

    in_flight(p, 3000);
    for (unsigned i = 0; i < sizeof mtu / sizeof mtu[0]; i++) {
        icmp = too_big(a, mtu[i]);
        tcp_icmp(a, &icmp, p->now, &res);
        assert_int_equal(res.reason, PLAIT_REASON_ICMP_IGNORED);
    }
    icmp = too_big(a, 1000);
    icmp.seq = a->sndq.nxt; /* nothing in flight has this number */
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(res.reason, PLAIT_REASON_ICMP_IGNORED);
    icmp.seq = a->sndq.una - 1;
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(a->mss, 1460);
    assert_int_equal(pair_count(p, PLAIT_REASON_ICMP_IGNORED), 7);
}

static void old_router_tells_no_mtu(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;
    struct wire_icmp icmp;

    in_flight(p, 3000);
    icmp = too_big(a, 0);
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(a->mss, 1492 - 40);
    tcp_icmp(a, &icmp, p->now, &res); /* about another packet of the same flight */
    assert_int_equal(res.reason, PLAIT_REASON_ICMP_IGNORED);
    assert_int_equal(a->mss, 1492 - 40);
    tcp_icmp(a, &icmp, p->now + a->loss.rtt.srtt, &res);
    assert_int_equal(a->mss, 1006 - 40);
}

static void ipv6_has_a_higher_floor(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;
    struct wire_icmp icmp;

    in_flight(p, 3000);
    a->local.family = a->remote.family = 6;
    icmp = too_big(a, 1279);
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(a->mss, 1460);
    icmp = too_big(a, 1280);
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(a->mss, 1220);
}

/*= RFC 9293 MUST-56 */
static void hard_only_while_opening(void **state)
{
    struct pair *p = *state;
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;
    struct wire_icmp icmp;

    in_flight(p, 3000);
    for (unsigned code = 0; code < 16; code++) {
        icmp = about(a, code);
        tcp_icmp(a, &icmp, p->now, &res);
        assert_false(res.closed);
    }
    assert_int_equal(a->state, TCP_ST_ESTABLISHED);
}

/*= RFC 9293 3.9.2.2
 * These are hard error conditions, so TCP implementations SHOULD abort the connection (SHLD-26). */
static void syn_sent(void **state)
{
    struct pair *p = test_malloc(sizeof *p);
    struct tcb *a = &p->end[0].t;
    struct tcp_result res;
    struct wire_icmp icmp;

    (void)state;
    pair_init(p);
    pair_connect(p, 0);
    pair_flush(p);
    icmp = about(a, 1); /* host unreachable: perhaps later */
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(a->state, TCP_ST_SYN_SENT);
    icmp = about(a, 3);
    icmp.seq++; /* not our SYN */
    tcp_icmp(a, &icmp, p->now, &res);
    assert_int_equal(a->state, TCP_ST_SYN_SENT);
    icmp = about(a, 3);
    tcp_icmp(a, &icmp, p->now, &res);
    assert_true(res.closed);
    assert_int_equal(a->state, TCP_ST_CLOSED);
    assert_int_equal(a->reason, PLAIT_REASON_ICMP_ERROR);
    pair_fini(p);
    test_free(p);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(smaller_mtu), CASE(forged), CASE(old_router_tells_no_mtu),
        CASE(ipv6_has_a_higher_floor), CASE(hard_only_while_opening), cmocka_unit_test(syn_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Loss recovery as a whole: over networks of many kinds everything is delivered, the accounts
 * close, and recovery takes about as long as it should. Then the rules that belong to no single
 * mechanism. */
#include "lossnet.h"

#include <stdio.h>

static void run(const struct net_setup *s, plait_time limit)
{
    struct net_result r = net_run(s);

    if (!r.done || r.took > limit)
        fail_msg("seed %llu: done %d after %.3f s (limit %.3f), %llu packets, %u time-outs",
                 (unsigned long long)s->seed, r.done, (double)r.took / 1e6, (double)limit / 1e6,
                 (unsigned long long)r.packets, r.rto_n);
}

/* Everything at once, drawn from the seed. */
static void random_networks(void **state)
{
    for (uint64_t seed = 1; seed <= 2500; seed++) {
        uint64_t d = seed * 0x9e3779b97f4a7c15ull;
        struct net_setup s = {
            .seed = seed, .bytes = 2000 + (d >> 20) % 150000, .super = 1 + (uint32_t)(d >> 8) % 12,
            .mss = 100 + (uint32_t)(d >> 12) % 1349, .recs_max = (d & 3) == 0 ? 16 : 4096,
            .delay = 100 + (d >> 24) % 60000, .jitter = (d & 4) ? (d >> 28) % 60000 : 0,
            .loss = (d >> 32) % 8 < 4 ? (unsigned)(d >> 36) % 200 : 0,
            .ack_loss = (d >> 40) % 4 == 0 ? (unsigned)(d >> 44) % 200 : 0,
            .dup = (d >> 48) % 4 == 0 ? (unsigned)(d >> 50) % 200 : 0,
            .ts = (d & 8) != 0, .dsack = (d & 16) != 0, .sack = (d >> 52) % 8 != 0,
            .blocks = 1 + (d >> 56) % 4, .cc = (d & 32) ? &cc_reno_ops : &cc_cubic_ops,
            .no_memory = (d >> 60) % 8 == 0, .renege = (d >> 57) % 8 == 0,
        };
        if (seed % 10 == 0) {
            s.dead_from = PLAIT_SEC + seed % 7 * 50000;
            s.dead_until = s.dead_from + seed % 13 * 200000;
        }
        run(&s, 3600 * PLAIT_SEC);
    }
}

/* Without loss and disorder nothing is sent twice and nothing is waited for. */
static void clean_network(void **state)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct net_setup s = {
            .seed = seed, .bytes = 300000, .super = 1 + (uint32_t)seed % 40, .mss = 1448,
            .recs_max = 4096, .delay = 10000, .ts = seed % 2, .dsack = true, .sack = true,
            .blocks = 3, .cc = seed % 3 ? &cc_cubic_ops : &cc_reno_ops,
        };
        struct net_result r = net_run(&s);
        assert_true(r.done);
        assert_int_equal(r.sent, 300002); /* SYN and FIN */
        assert_int_equal(r.rto_n, 0);
        assert_true(r.took < 400000); /* slow start: about ten round trips and a delayed ACK */
    }
}

/* A few losses with SACK cost round trips, not time-outs. */
static void light_loss(void **state)
{
    uint64_t rto = 0, spurious = 0, packets = 0;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct net_setup s = {
            .seed = seed, .bytes = 300000, .super = 1 + (uint32_t)seed % 20, .mss = 1448,
            .recs_max = 4096, .delay = 20000, .loss = 10, .ts = seed % 2, .dsack = true,
            .sack = true, .blocks = 3, .cc = seed % 3 ? &cc_cubic_ops : &cc_reno_ops,
        };
        struct net_result r = net_run(&s);
        assert_true(r.done);
        rto += r.rto_n;
        spurious += r.spurious_packets;
        packets += r.packets;
    }
    assert_true(rto <= 40);          /* a lost SYN, FIN or probe */
    assert_true(spurious * 100 < packets); /* probes that met a delayed ACK */
}

/* Reordering alone: what is sent twice is noticed, and the window comes back. */
static void reordering(void **state)
{
    uint64_t undone = 0, spurious = 0, packets = 0;

    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct net_setup s = {
            .seed = seed, .bytes = 300000, .super = 1 + (uint32_t)seed % 8, .mss = 1448,
            .recs_max = 4096, .delay = 20000, .jitter = 8000, .ts = seed % 2, .dsack = true,
            .sack = true, .blocks = 3, .cc = &cc_cubic_ops,
        };
        struct net_result r = net_run(&s);
        assert_true(r.done);
        undone += r.undone;
        spurious += r.spurious_packets;
        packets += r.packets;
    }
    assert_true(undone > 20);
    assert_true(spurious * 20 < packets);
}

/* A path that is silent for a while: one segment a time-out, and it goes on afterwards. */
static void silent_path(void **state)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct net_setup s = {
            .seed = seed, .bytes = 400000, .super = 1 + (uint32_t)seed % 20, .mss = 1448,
            .recs_max = 4096, .delay = 20000, .dead_from = PLAIT_SEC + 100000 + seed * 1000,
            .dead_until = PLAIT_SEC + 5 * PLAIT_SEC, .ts = seed % 2, .dsack = true,
            .sack = seed % 4 != 0, .blocks = 3, .cc = &cc_cubic_ops,
        };
        struct net_result r = net_run(&s);
        assert_true(r.done);
        assert_in_range(r.rto_n, 3, 9);
        assert_true(r.took < 16 * PLAIT_SEC);
    }
}

static void grows_only_when_limited(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    r.l.cc.ssthresh = 40000;
    rig_send(&r, 4); /* a fifth of the window */
    r.now += 100000;
    rig_ack(&r, 4, 0, 0);
    assert_int_equal(r.l.cc.cwnd, 20000);
    rig_send(&r, 20);
    r.now += 100000;
    rig_ack(&r, 24, 0, 0);
    assert_int_equal(r.l.cc.cwnd, 40000);
    rig_close(&r);
}

/* An ACK for each byte gives no more window than one for all. */
static void ack_splitting(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 20000);
    r.l.cc.ssthresh = CC_SSTHRESH_INFINITE;
    rig_send(&r, 20);
    r.now += 100000;
    for (uint32_t i = 1; i <= 2000; i++) {
        struct tcp_ack_in in = { .seg = &r.seg, .now = r.now };
        r.seg.ack = r.base + i;
        tcp_loss_on_ack(&r.l, &r.q, &in, &r.out);
        assert_int_equal(r.out.acked_data, 1);
    }
    assert_int_equal(r.l.cc.cwnd, 22000);
    rig_close(&r);
}

static void idle_restart(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 1);
    r.now += 100000;
    rig_ack(&r, 1, 0, 0);
    r.now += r.l.rtt.rto / 2;
    tcp_loss_resume(&r.l, &r.q, r.now);
    assert_int_equal(r.l.cc.cwnd, 100000);
    r.now += r.l.rtt.rto + 1;
    tcp_loss_resume(&r.l, &r.q, r.now);
    assert_int_equal(r.l.cc.cwnd, 10000);
    r.l.cc.cwnd = 100000;
    r.now += r.l.rtt.rto + 1;
    rig_send(&r, 1); /* without the hint: late, but it happens */
    assert_int_equal(r.l.cc.cwnd, 10000);
    rig_close(&r);
}

static void smaller_mtu(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send_super(&r, 20);
    rig_send(&r, 3);
    tcp_loss_set_mss(&r.l, &r.q, 500);
    assert_int_equal(r.q.f->lost, 23000);
    assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
    assert_int_equal(r.l.cc.cwnd, 50000);
    assert_int_equal(r.l.cc.ssthresh, 100000);
    assert_int_equal(tcp_loss_next_lost(&r.l, &r.q)->seq, r.base);
    rig_close(&r);
}

/*= RFC 6298 3-1, 3-2, 3-3 */
/*= RFC 9293 3.8.1
 * The RTO MUST be computed according to the algorithm in [10], including Karn's algorithm for
 * taking RTT samples (MUST-18). */
static void rtt_samples(void **state)
{
    struct rig r;

    rig_open(&r, &cc_reno_ops, 100000, 100000);
    rig_send(&r, 4);
    r.now += 60000;
    rig_ack(&r, 0, 2, 3);
    assert_int_equal(r.out.rtt, 60000); /* a SACK is a sample */
    r.now += 20000;
    rig_rtx(&r, 0, 1);
    r.now += 60000;
    rig_ack(&r, 3, 0, 0); /* Karn: a retransmission and what waited for it are none */
    assert_int_equal(r.out.rtt, 0);
    rig_ack(&r, 4, 0, 0);
    assert_int_equal(r.out.rtt, 140000);
    assert_int_equal(r.l.rtt.min_rtt, 60000);
    r.ts = true;
    rig_send(&r, 1);
    r.now += 30000;
    rig_rtx(&r, 4, 5);
    r.tsecr = (uint32_t)(r.now / 1000);
    r.now += 50000;
    rig_ack(&r, 5, 0, 0); /* the timestamp tells which transmission it was */
    assert_int_equal(r.out.rtt, 50000);
    rig_close(&r);
}

/*= RFC 6298 5-3, 5-4 */
/* A lost SYN does not touch the window, the second one does (RFC 6928 2). */
static void lost_syns(void **state)
{
    for (unsigned lost = 1; lost <= 2; lost++) {
        struct rig r;
        struct tcp_sndq *q = &r.q;
        rig_open(&r, &cc_reno_ops, 100000, 10000);
        rig_close(&r);
        tcp_sndq_init(q, &r.env, r.base - 1, 100);
        tcp_loss_init(&r.l, &cc_reno_ops, RIG_MSS, 200000);
        tcp_sndq_sent(q, q->nxt, 1, TCP_REC_SYN, r.now);
        tcp_loss_on_sent(&r.l, q, &(struct tcp_sent){ .seq = q->una, .len = 1 }, r.now);
        for (unsigned i = 0; i < lost; i++) {
            struct tcp_sent again = { .seq = q->una, .len = 1, .rtx = true };
            assert_int_equal(r.l.f->deadline, r.now + (PLAIT_SEC << i));
            assert_int_equal(rig_expire(&r), TCP_TIMER_RTO);
            assert_ptr_equal(tcp_loss_next_lost(&r.l, q), tcp_sndq_rec(q, 0));
            tcp_sndq_sent(q, q->una, 1, TCP_REC_SYN, r.now);
            tcp_loss_on_sent(&r.l, q, &again, r.now);
        }
        assert_int_equal(r.l.f->state, TCP_LOSS_OPEN);
        r.now += 100000;
        rig_ack(&r, 0, 0, 0);
        assert_true(r.out.syn_acked && r.out.rtt == 0);
        assert_int_equal(r.l.cc.cwnd, lost == 1 ? 10000 : 1000);
        assert_int_equal(tcp_rtt_timeout(&r.l.rtt), 3 * PLAIT_SEC);
        rig_close(&r);
    }
}

/* Half the window, never less than a segment; ssthresh only in congestion avoidance; nothing while
 * a loss is being answered. */
static void penalised(void **state)
{
    struct tcp_repair recovers = { .state = TCP_LOSS_RECOVERY };
    struct tcp_loss l;

    tcp_loss_init(&l, &cc_reno_ops, 1000, 200 * PLAIT_MSEC);
    l.cc.cwnd = 9000;
    tcp_loss_penalise(&l);
    assert_int_equal(l.cc.cwnd, 4500);
    assert_int_equal(l.cc.ssthresh, CC_SSTHRESH_INFINITE);
    l.cc.ssthresh = 4400;
    tcp_loss_penalise(&l);
    assert_int_equal(l.cc.cwnd, 2250);
    assert_int_equal(l.cc.ssthresh, 2200);
    l.cc.cwnd = 2200;
    tcp_loss_penalise(&l);
    tcp_loss_penalise(&l);
    assert_int_equal(l.cc.cwnd, 1000);
    assert_int_equal(l.cc.ssthresh, 2000);
    l.cc.cwnd = 8000;
    l.f = &recovers;
    tcp_loss_penalise(&l);
    assert_int_equal(l.cc.cwnd, 8000);
}

/* A window is what was tried; congestion avoidance goes on from there. */
static void forgotten(void **state)
{
    struct tcp_repair recovers = { .state = TCP_LOSS_RECOVERY };
    struct tcp_loss l;

    tcp_loss_init(&l, &cc_cubic_ops, 1000, 200 * PLAIT_MSEC);
    l.cc.cwnd = 90000;
    l.cc.flight = 90000; /* the window was tried, whatever was meant to be */
    tcp_loss_forget(&l, 40000, 0);
    assert_int_equal(l.cc.cwnd, 90000);
    l.cc.flight = 30000;
    tcp_loss_forget(&l, 90000, 0);
    assert_int_equal(l.cc.ssthresh, CC_SSTHRESH_INFINITE);
    tcp_loss_forget(&l, 40000, 0);
    assert_int_equal(l.cc.cwnd, 40000);
    assert_int_equal(l.cc.ssthresh, 40000);
    l.cc.flight = 0;
    l.cc.ssthresh = 20000;
    tcp_loss_forget(&l, 30000, 0);
    assert_int_equal(l.cc.cwnd, 30000);
    assert_int_equal(l.cc.ssthresh, 20000);
    l.f = &recovers;
    tcp_loss_forget(&l, 10000, 0);
    assert_int_equal(l.cc.cwnd, 30000);
    l.f = &tcp_flight_none()->repair;
    tcp_loss_forget(&l, 1, 0);
    assert_int_equal(l.cc.cwnd, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_networks), cmocka_unit_test(clean_network),
        cmocka_unit_test(light_loss), cmocka_unit_test(reordering), cmocka_unit_test(silent_path),
        cmocka_unit_test(grows_only_when_limited), cmocka_unit_test(ack_splitting),
        cmocka_unit_test(idle_restart), cmocka_unit_test(smaller_mtu),
        cmocka_unit_test(rtt_samples),
        cmocka_unit_test(lost_syns), cmocka_unit_test(penalised),
        cmocka_unit_test(forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

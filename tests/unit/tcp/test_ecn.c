/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <stdlib.h>
#include <string.h>

enum { BOTH = WIRE_ECE | WIRE_CWR };

/* What passed on the wire, for both directions. */
static struct {
    uint8_t syn[8], synack[8]; /* ECN flags of each SYN and SYN/ACK */
    unsigned syn_n, synack_n;
    unsigned lose_syns, lose_synacks;
    unsigned capable, capable_old, cwr, ece;
    uint32_t nxt[2];
    bool began[2];
    uint64_t mark, mark_to; /* serials of packets that get CE */
} wire;

/* Looks at each packet; new data alone may be ECN-capable or carry CWR. */
static unsigned look(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    struct wire_seg *seg = (struct wire_seg *)(uintptr_t)&pk->seg;
    unsigned from = 1 - (unsigned)pk->to;
    bool syn = (seg->flags & WIRE_SYN) != 0, ack = (seg->flags & WIRE_ACK) != 0;
    bool fresh = !wire.began[from] || seq_ge(seg->seq, wire.nxt[from]);

    (void)late;
    if (syn) {
        assert_int_equal(seg->ecn, WIRE_NOT_ECT);
        if (ack)
            wire.synack[wire.synack_n++ % 8] = seg->flags & BOTH;
        else
            wire.syn[wire.syn_n++ % 8] = seg->flags & BOTH;
        return ack ? wire.synack_n > wire.lose_synacks : wire.syn_n > wire.lose_syns;
    }
    wire.capable += seg->ecn == WIRE_ECT0;
    wire.capable_old += seg->ecn != WIRE_NOT_ECT && !fresh;
    wire.cwr += (seg->flags & WIRE_CWR) != 0;
    wire.ece += (seg->flags & WIRE_ECE) != 0;
    if (seg->len > 0 && (fresh || seq_gt(seg->seq + seg->len, wire.nxt[from]))) {
        wire.nxt[from] = seg->seq + seg->len;
        wire.began[from] = true;
    }
    if (pk->serial >= wire.mark && pk->serial < wire.mark_to && seg->ecn != WIRE_NOT_ECT)
        seg->ecn = WIRE_CE;
    (void)p;
    return 1;
}

static struct pair *begin(enum plait_ecn ecn)
{
    struct pair *p = malloc(sizeof *p);

    memset(&wire, 0, sizeof wire);
    pair_init(p);
    p->cfg.ecn = ecn;
    p->fate = look;
    return p;
}

static void finish(struct pair *p)
{
    pair_fini(p);
    free(p);
}

static void opened(struct pair *p)
{
    pair_connect(p, 0);
    p->listening = true;
    pair_run(p, p->now + 20 * PLAIT_SEC);
    assert_true(p->end[0].established && p->end[1].established);
}

/*= RFC 3168 6.1.1
 * Before a TCP connection can use ECN, Host A sends an ECN-setup SYN packet, and Host B sends an
 * ECN-setup SYN-ACK packet. */
/*= RFC 9293 SHLD-8 */
static void both_agree(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);

    (void)state;
    opened(p);
    assert_int_equal(wire.syn[0], BOTH);
    assert_int_equal(wire.synack[0], WIRE_ECE);
    assert_true(tcp_ecn_on(&p->end[0].t) && tcp_ecn_on(&p->end[1].t));
    pair_write(p, 0, 50000);
    pair_write(p, 1, 10000);
    pair_run(p, p->now + 5 * PLAIT_SEC);
    assert_int_equal(p->end[1].got, 50000);
    assert_int_equal(wire.capable, 42); /* packets of 1448 bytes: 35 and 7 */
    assert_int_equal(wire.capable_old + wire.cwr + wire.ece, 0);
    finish(p);
}

static void nobody_asks(void **state)
{
    for (enum plait_ecn ecn = PLAIT_ECN_OFF; ecn <= PLAIT_ECN_ACCEPT; ecn++) {
        struct pair *p = begin(ecn);
        (void)state;
        opened(p);
        pair_write(p, 0, 50000);
        pair_run(p, p->now + 5 * PLAIT_SEC);
        assert_int_equal(p->end[1].got, 50000);
        assert_int_equal(wire.syn[0] | wire.synack[0], 0);
        assert_int_equal(wire.capable, 0);
        finish(p);
    }
}

/* The listener agrees to what it would not ask for, and one that is off does not. */
static void listener(void **state)
{
    for (enum plait_ecn ecn = PLAIT_ECN_OFF; ecn <= PLAIT_ECN_ACCEPT; ecn++) {
        struct pair *p = begin(ecn);
        struct wire_seg syn = { .flags = WIRE_SYN | BOTH, .seq = 5, .wnd = 1000 };
        struct tcp_plan plan;
        struct tcp_half h;
        (void)state;
        syn.src.family = syn.dst.family = 4;
        tcp_half_init(&h, &p->ctx, &p->cfg, &syn, p->now);
        assert_true(tcp_half_plan(&h, 1000, p->now, &plan));
        assert_int_equal(plan.flags & BOTH, ecn == PLAIT_ECN_ACCEPT ? WIRE_ECE : 0);
        assert_int_equal(plan.ecn, WIRE_NOT_ECT);
        finish(p);
    }
}

/*= RFC 3168 6.1.1.1
 * A host that receives no reply to an ECN-setup SYN within the normal SYN retransmission timeout
 * interval MAY resend the SYN and any subsequent SYN retransmissions with CWR and ECE cleared. */
static void syn_is_lost(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);

    (void)state;
    wire.lose_syns = 1;
    opened(p);
    assert_int_equal(wire.syn_n, 2);
    assert_int_equal(wire.syn[1], 0);
    assert_int_equal(wire.synack[0], 0);
    pair_write(p, 0, 20000);
    pair_run(p, p->now + 5 * PLAIT_SEC);
    assert_int_equal(wire.capable, 0);
    finish(p);
}

/* The SYN/ACK is lost, so both sides say "no" later: neither may mark, whatever arrives first. */
static void synack_is_lost(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);

    (void)state;
    wire.lose_synacks = 1;
    opened(p);
    assert_int_equal(wire.synack[0], WIRE_ECE);
    assert_int_equal(wire.synack[1], 0);
    assert_false(tcp_ecn_on(&p->end[0].t) || tcp_ecn_on(&p->end[1].t));
    finish(p);
}

/*= RFC 3168 6.1.1.2
 * Because the TCP SYN packet sets the ECN-Echo and CWR flags to indicate ECN-capability, while the
 * SYN-ACK packet sets only the ECN-Echo flag, the sending TCP correctly interprets a receiver's
 * reflection of its own flags in the Reserved field as an indication that the receiver is not
 * ECN-capable. */
static void reflected(void **state)
{
    struct tcp_ecn_setup e = { 0 };

    (void)state;
    tcp_ecn_syn_came(&e, WIRE_SYN | WIRE_ACK | BOTH);
    assert_true(!e.came && e.came_plain);
    e = (struct tcp_ecn_setup){ 0 };
    tcp_ecn_syn_came(&e, WIRE_SYN | WIRE_ECE);
    assert_true(!e.came && e.came_plain);
    tcp_ecn_syn_came(&e, WIRE_SYN | WIRE_ACK | WIRE_ECE);
    assert_true(e.came && e.came_plain);
}

static void simultaneous_open(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);

    (void)state;
    pair_connect(p, 0);
    pair_connect(p, 1);
    pair_run(p, p->now + 5 * PLAIT_SEC);
    assert_true(p->end[0].established && p->end[1].established);
    assert_int_equal(wire.syn[0], BOTH);
    assert_int_equal(wire.syn[1], BOTH);
    assert_int_equal(wire.synack[0], WIRE_ECE);
    assert_true(tcp_ecn_on(&p->end[0].t) && tcp_ecn_on(&p->end[1].t));
    finish(p);
}

/*= RFC 3168 6.1.2
 * TCP should not react to congestion indications more than once every window of data (or more
 * loosely, more than once every round-trip time). */
static void one_cut_for_each_window(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);
    struct tcp_loss *l = &p->end[0].t.loss;
    uint32_t before;

    (void)state;
    p->cfg.cc = &cc_reno_ops;
    opened(p);
    before = l->cc.cwnd;
    wire.mark = p->serial; /* the whole first window */
    wire.mark_to = p->serial + 10;
    pair_write(p, 0, 300000);
    pair_run(p, p->now + 25 * PLAIT_MSEC); /* one round trip */
    assert_int_equal(p->end[1].t.ce_received, 10);
    assert_int_equal(l->ecn_cuts, 1);
    assert_int_equal(l->cc.cwnd, before / 2);
    pair_run(p, p->now + 10 * PLAIT_SEC);
    assert_int_equal(p->end[1].got, 300000);
    assert_int_equal(l->ecn_cuts, 1);
    assert_int_equal(wire.cwr, 1);
    assert_int_equal(l->rtx_bytes, 0);
    assert_false(p->end[1].t.ecn_echo);
    assert_true(wire.ece > 1); /* until CWR came */
    finish(p);
}

/* A super-segment with CWR would carry it on each of its packets where a device cuts it badly. */
static void cwr_goes_on_one_packet(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);
    struct tcb *t = &p->end[0].t;
    struct tcp_plan plan;

    (void)state;
    p->cfg.gso_max = 65000;
    opened(p);
    assert_int_equal(tcp_push(t, 0, 10 * 1448, 0), 0);
    t->loss.cwr_due = true;
    assert_true(tcp_plan(t, p->now, &plan));
    assert_int_equal(plan.flags & WIRE_CWR, WIRE_CWR);
    assert_int_equal(plan.len, 1448);
    assert_int_equal(plan.gso_size, 0);
    assert_int_equal(tcp_commit(t, &plan, p->now), 0);
    assert_true(tcp_plan(t, p->now, &plan));
    assert_int_equal(plan.flags & WIRE_CWR, 0);
    assert_int_equal(plan.len, 9 * 1448);
    assert_int_equal(plan.ecn, WIRE_ECT0);
    finish(p);
}

static unsigned lose_one(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    unsigned passes = look(p, pk, late);

    return pk->serial == p->fate_arg ? 0 : passes;
}

/*= RFC 3168 6.1.5
 * This document specifies ECN-capable TCP implementations MUST NOT set either ECT codepoint
 * (ECT(0) or ECT(1)) in the IP header for retransmitted data packets, and that the TCP data
 * receiver SHOULD ignore the ECN field on arriving data packets that are outside of the receiver's
 * current window. */
static void not_on_retransmissions(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);

    (void)state;
    opened(p);
    p->fate = lose_one;
    p->fate_arg = p->serial + 3;
    pair_write(p, 0, 300000);
    pair_run(p, p->now + 10 * PLAIT_SEC);
    assert_int_equal(p->end[1].got, 300000);
    assert_true(p->end[0].t.loss.rtx_bytes > 0);
    assert_true(wire.capable > 200);
    assert_int_equal(wire.capable_old, 0);
    assert_true(wire.cwr > 0); /* a loss reduces too, and the peer is told */
    finish(p);
}

/* CE outside the window, and ECE on a connection without ECN, mean nothing. */
static void not_from_strangers(void **state)
{
    struct pair *p = begin(PLAIT_ECN_ON);
    struct tcb *t = &p->end[0].t;
    struct wire_seg seg;

    (void)state;
    opened(p);
    seg = pair_next(t, p->now);
    seg.ecn = WIRE_CE;
    seg.seq = t->rcv_nxt - 100;
    pair_input(p, 0, &seg);
    assert_false(t->ecn_echo);
    seg.seq = t->rcv_nxt;
    pair_input(p, 0, &seg);
    assert_true(t->ecn_echo);
    finish(p);
    p = begin(PLAIT_ECN_OFF);
    opened(p);
    t = &p->end[0].t;
    seg = pair_next(t, p->now);
    seg.flags |= WIRE_ECE;
    seg.ecn = WIRE_CE;
    pair_input(p, 0, &seg);
    assert_false(t->ecn_echo);
    assert_int_equal(t->loss.ecn_cuts, 0);
    finish(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_agree),
        cmocka_unit_test(nobody_asks),
        cmocka_unit_test(listener),
        cmocka_unit_test(syn_is_lost),
        cmocka_unit_test(synack_is_lost),
        cmocka_unit_test(reflected),
        cmocka_unit_test(simultaneous_open),
        cmocka_unit_test(one_cut_for_each_window),
        cmocka_unit_test(cwr_goes_on_one_packet),
        cmocka_unit_test(not_on_retransmissions),
        cmocka_unit_test(not_from_strangers),
    };

    return cmocka_run_group_tests_name("tcp/ecn", tests, NULL, NULL);
}

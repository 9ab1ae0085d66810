/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static int setup(void **state)
{
    struct pair *p = test_malloc(sizeof *p);

    pair_init(p);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    pair_fini(*state);
    test_free(*state);
    return 0;
}

static struct wire_seg seg_of(uint32_t seq, uint32_t ack, uint8_t flags)
{
    return (struct wire_seg){
        .src = { .family = 4, .port = 1000, .ip = { 10, 0, 0, 1 } },
        .dst = { .family = 4, .port = 80, .ip = { 10, 0, 0, 2 } },
        .seq = seq, .ack = ack, .flags = flags, .wnd = 500,
    };
}

/* What a SYN with these options agrees on, cut down; the memo. */
static unsigned reduce(struct pair *p, const struct wire_tcpopts *opt, struct tcp_half *h)
{
    struct wire_seg syn = seg_of(100, 0, WIRE_SYN);

    syn.opt = *opt;
    tcp_half_init(h, &p->ctx, &p->cfg, &syn, p->now);
    return tcp_half_reduce(h);
}

static void recreate(struct pair *p, const struct wire_tcpopts *opt, unsigned memo,
                     struct tcp_half *h)
{
    struct wire_seg ack = seg_of(101, 7001, WIRE_ACK);
    struct tcp_recall r = { &p->cfg, 1 << 20, memo };

    ack.opt.has_ts = opt->has_ts;
    ack.opt.tsval = 60;
    ack.opt.tsecr = 4000;
    tcp_half_recreate(h, &ack, &r, p->now);
}

/* Whatever the SYN offered: what comes back by eight bits is what the SYN/ACK said. */
static void memo_brings_back_the_agreement(void **state)
{
    struct pair *p = *state;
    static const uint16_t mss[] = { 1, 48, 300, 535, 536, 1000, 1220, 1399, 1460, 9000 };

    for (unsigned i = 0; i < 10; i++) {
        for (unsigned bits = 0; bits < 8 * 16; bits++) {
            struct wire_tcpopts opt = {
                .has_mss = true, .mss = mss[i], .has_ts = (bits & 1) != 0,
                .sack_permitted = (bits & 2) != 0, .has_wscale = (bits & 4) != 0,
                .wscale = (uint8_t)(bits >> 3),
            };
            struct tcp_half a, b;
            unsigned memo = reduce(p, &opt, &a);
            assert_true(memo < 1 << TCP_MEMO_BITS);
            recreate(p, &opt, memo, &b);
            assert_int_equal(a.mss_peer, b.mss_peer);
            assert_int_equal(a.ts_on, b.ts_on);
            assert_int_equal(a.sack_on, b.sack_on);
            assert_int_equal(a.wscale_on, b.wscale_on);
            assert_int_equal(a.snd_wscale, b.snd_wscale);
            assert_int_equal(a.rcv_wscale, b.rcv_wscale);
            assert_int_equal(b.irs, 100);
            assert_int_equal(b.iss, 7000);
            assert_int_equal(b.rcv_wnd, 65535);
            /* never more than the peer takes, never less than half of what it usually says */
            assert_true(a.mss_peer <= mss[i] || mss[i] < 48);
            assert_true(mss[i] < 536 || mss[i] > 1460 || a.mss_peer * 2 > mss[i]);
            if (!opt.has_ts)
                assert_int_equal(memo, tcp_memo_without_ts(memo));
        }
    }
}

static void says_the_given_words(void **state)
{
    struct pair *p = *state;
    struct wire_tcpopts opt = { .has_ts = true, .tsval = 50 };
    struct tcp_half h;
    struct tcp_plan plan;

    reduce(p, &opt, &h);
    tcp_half_say(&h, (struct tcp_words){ 0xdeadbeef, 0x12345678 }, p->now);
    assert_true(tcp_half_plan(&h, 30000, p->now, &plan));
    assert_int_equal(plan.seq, 0xdeadbeef);
    assert_int_equal(plan.opt.tsval, 0x12345678);
    assert_int_equal(plan.opt.tsecr, 50);
}

/* The clock goes on from the word that was said, and the handshake tells no round trip time. */
static void tcb_from_a_memo(void **state)
{
    struct pair *p = *state;
    struct wire_tcpopts opt = { .has_ts = true };
    struct wire_seg ack = seg_of(101, 7001, WIRE_ACK);
    struct tcp_half h;
    struct tcp_plan plan;
    struct tcp_result res;
    struct tcb t;

    recreate(p, &opt, 0xff, &h);
    tcp_init(&t, &p->ctx, &p->cfg);
    assert_int_equal(tcp_from_half(&t, &h, p->now), 0);
    ack.opt = (struct wire_tcpopts){ .has_ts = true, .tsval = 60, .tsecr = 4000 };
    tcp_input(&t, &ack, NULL, p->now, &res);
    assert_true(res.established);
    assert_int_equal(t.state, TCP_ST_ESTABLISHED);
    assert_int_equal(t.loss.rtt.srtt, 0);
    assert_int_equal(t.loss.rtt.min_rtt, PLAIT_NEVER);
    assert_int_equal(t.snd_wnd, 500);
    t.ack_now = true;
    assert_true(tcp_plan(&t, p->now, &plan));
    assert_int_equal(plan.opt.tsval, 4001);
    tcp_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memo_brings_back_the_agreement, setup, teardown),
        cmocka_unit_test_setup_teardown(says_the_given_words, setup, teardown),
        cmocka_unit_test_setup_teardown(tcb_from_a_memo, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

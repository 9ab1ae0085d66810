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

static struct wire_seg from_client(uint32_t seq, uint32_t ack, uint8_t flags)
{
    struct wire_seg seg = {
        .src = { .family = 4, .port = 1000, .ip = { 10, 0, 0, 1 } },
        .dst = { .family = 4, .port = 80, .ip = { 10, 0, 0, 2 } },
        .seq = seq, .ack = ack, .flags = flags, .wnd = 500,
    };

    return seg;
}

static void half_open(struct pair *p, struct tcp_half *h)
{
    struct wire_seg syn = from_client(100, 0, WIRE_SYN);
    struct tcp_plan plan;

    syn.opt = (struct wire_tcpopts){ .has_mss = true, .mss = 1200, .has_ts = true, .tsval = 50,
                                     .has_wscale = true, .wscale = 3, .sack_permitted = true };
    tcp_half_init(h, &p->ctx, &p->cfg, &syn, p->now);
    assert_true(tcp_half_plan(h, 30000, p->now, &plan));
    assert_int_equal(plan.flags, WIRE_SYN | WIRE_ACK);
    assert_int_equal(plan.seq, h->iss);
    assert_int_equal(plan.ack, 101);
    assert_int_equal(plan.wnd, 30000);
    assert_true(plan.opt.has_ts && plan.opt.has_wscale && plan.opt.sack_permitted);
    assert_int_equal(plan.opt.tsecr, 50);
    tcp_half_commit(h, &p->cfg, p->now);
    assert_false(tcp_half_plan(h, 30000, p->now, &plan));
}

/*= RFC 7323 2.2-6, 2.3-1 */
static void answers_by_what_the_syn_had(void **state)
{
    struct pair *p = *state;
    struct wire_seg syn = from_client(100, 0, WIRE_SYN);
    struct tcp_half h;
    struct tcp_plan plan;

    syn.opt.has_mss = true;
    syn.opt.mss = 8;
    tcp_half_init(&h, &p->ctx, &p->cfg, &syn, p->now);
    assert_int_equal(h.mss_peer, 48);
    assert_true(tcp_half_plan(&h, 1 << 20, p->now, &plan));
    assert_false(plan.opt.has_ts || plan.opt.has_wscale || plan.opt.sack_permitted);
    assert_true(plan.opt.has_mss);
    assert_int_equal(plan.wnd, 65535);
}

static void verdicts(void **state)
{
    struct pair *p = *state;
    struct tcp_half h;
    struct wire_seg seg;

    half_open(p, &h);
    seg = from_client(101, h.iss + 2, WIRE_ACK);
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_RESET_PEER);
    seg = from_client(100, h.iss + 1, WIRE_ACK); /* before the window */
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_DROP);
    seg = from_client(101 + 30000, h.iss + 1, WIRE_ACK); /* behind it */
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_DROP);
    seg = from_client(101, 0, WIRE_PSH);
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_DROP);
    seg = from_client(102, 0, WIRE_RST); /* not exactly right */
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_DROP);
    seg = from_client(101, h.iss + 1, WIRE_ACK); /* an old timestamp */
    seg.opt.has_ts = true;
    seg.opt.tsval = 49;
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_DROP);
    seg = from_client(100, 0, WIRE_SYN | WIRE_ACK);
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_DROP);
    seg.flags = WIRE_SYN;
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_AGAIN);
    assert_true(h.due);
    seg = from_client(101, 0, WIRE_RST);
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_GONE);
    seg = from_client(101 + 500, h.iss + 1, WIRE_ACK); /* text out of order completes it too */
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_OK);
}

static void retransmits_and_gives_up(void **state)
{
    struct pair *p = *state;
    struct tcp_half h;
    struct tcp_plan plan;
    unsigned n = 1;

    half_open(p, &h);
    assert_true(h.deadline == p->now + PLAIT_SEC);
    while (tcp_half_tick(&h, &p->cfg, p->now)) {
        if (tcp_half_plan(&h, 1000, p->now, &plan)) {
            tcp_half_commit(&h, &p->cfg, p->now);
            n++;
        }
        p->now = h.deadline;
    }
    assert_int_equal(n, p->cfg.syn_retries + 1);
}

static void becomes_a_tcb(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct tcp_half h;
    struct wire_seg seg;
    uint8_t text[100];

    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = pair_pattern(0, i);
    half_open(p, &h);
    p->now += 30 * PLAIT_MSEC;
    seg = from_client(101, h.iss + 1, WIRE_ACK | WIRE_FIN);
    seg.opt.has_ts = true;
    seg.opt.tsval = 51;
    seg.data = text;
    seg.len = sizeof text;
    assert_int_equal(tcp_half_input(&h, &seg, p->now), TCP_HALF_OK);
    pair_tcb(p, 1);
    assert_int_equal(tcp_from_half(b, &h, p->now), 0);
    assert_int_equal(b->state, TCP_ST_SYN_RECEIVED);
    assert_true(tcp_check(b));
    pair_input(p, 1, &seg);
    assert_true(p->end[1].established && p->end[1].fin);
    assert_int_equal(b->state, TCP_ST_CLOSE_WAIT);
    assert_int_equal(p->end[1].got, 100);
    assert_int_equal(b->mss, 1200);
    assert_int_equal(b->snd_wscale, 3);
    assert_int_equal(b->snd_wnd, 500 << 3);
    assert_int_equal(b->loss.rtt.srtt, 30 * PLAIT_MSEC);
}

static void no_memory_for_a_tcb(void **state)
{
    struct pair *p = *state;
    struct tcp_half h;

    half_open(p, &h);
    pair_tcb(p, 1);
    p->fail_in = 0;
    assert_int_equal(tcp_from_half(&p->end[1].t, &h, p->now), PLAIT_ENOMEM);
    p->fail_in = -1;
}

static void reset_before_establishment(void **state)
{
    struct pair *p = *state;
    struct tcp_half h;
    struct wire_seg seg;

    half_open(p, &h);
    pair_tcb(p, 1);
    assert_int_equal(tcp_from_half(&p->end[1].t, &h, p->now), 0);
    seg = from_client(101, h.iss + 7, WIRE_ACK);
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_ACK_OUTSIDE);
    assert_true(p->end[1].t.rst_wanted);
    assert_int_equal(p->end[1].t.state, TCP_ST_SYN_RECEIVED);
    seg = from_client(101, 0, WIRE_RST);
    assert_true(pair_input(p, 1, &seg).reset);
    assert_int_equal(p->end[1].t.reason, PLAIT_REASON_RST_RECEIVED);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(answers_by_what_the_syn_had), CASE(verdicts), CASE(retransmits_and_gives_up),
        CASE(becomes_a_tcb), CASE(no_memory_for_a_tcb), CASE(reset_before_establishment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

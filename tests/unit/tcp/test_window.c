/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static void tell(struct tcb *t, bool syn)
{
    struct tcp_offer o = tcp_offer(t, syn);
    struct tcp_plan plan = { .wnd = o.field, .wnd_bytes = o.bytes };

    tcp_offer_sent(t, &plan);
}

/*= RFC 7323 2.2
 * The window field in a segment where the SYN bit is set (i.e., a <SYN> or <SYN,ACK>) MUST NOT be
 * scaled. */
/*= RFC 9293 3.1
 * It is RECOMMENDED that implementations will reserve 32-bit fields for the send and receive window
 * sizes in the connection record and do all window computations with 32 bits (REC-1). */
static void syn_is_not_scaled(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    t->rcv_space = 1 << 20;
    assert_int_equal(tcp_offer(t, true).field, 65535);
    assert_int_equal(tcp_offer(t, false).bytes, 1 << 20);
    assert_int_equal(tcp_offer(t, false).field, (1 << 20) >> 7);
    t->rcv_space = UINT32_MAX;
    assert_int_equal(tcp_offer(t, false).field, 65535);
    assert_int_equal(tcp_offer(t, false).bytes, 65535u << 7);
}

/*= RFC 7323 2.4
 * The receiver MUST honor, as in window, any segment that would have been in window for any <ACK>
 * sent by the receiver. */
/*= RFC 9293 3.8.6
 * A TCP receiver SHOULD NOT shrink the window, i.e., move the right window edge to the left
 * (SHLD-14). */
/* The right edge on the wire never retreats, whatever the buffer and RCV.NXT do. */
static void edge_never_retreats(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    uint32_t edge;

    tell(t, false);
    edge = t->rcv_told;
    for (unsigned n = 0; n < 20000; n++) {
        uint32_t wnd = tcp_rcv_wnd(t), step = (uint32_t)pair_roll(p, 200);
        t->rcv_nxt += step < wnd ? step : wnd; /* text of any size arrives */
        t->rcv_space = pair_roll(p, 10) == 0 ? (uint32_t)pair_roll(p, 300000)
                                             : t->rcv_space > step ? t->rcv_space - step : 0;
        tell(t, false);
        if (t->rcv_creep < 65536)
            assert_true(seq_ge(t->rcv_told, edge));
        assert_true(seq_ge(t->rcv_adv, edge)); /* what was offered stays acceptable */
        edge = t->rcv_adv;
    }
}

/* A peer that sends single bytes into a full buffer gets no more than 64 KiB by rounding. */
static void rounding_gives_little_away(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    uint32_t taken = 0, offered = tcp_rcv_wnd(t);

    t->rcv_space = 0;
    for (unsigned n = 0; n < 1000000; n++) {
        if (tcp_rcv_wnd(t) == 0 || (uint32_t)(t->rcv_told - t->rcv_nxt) - 1 > 1u << 30)
            break;
        t->rcv_nxt++;
        taken++;
        tell(t, false);
    }
    assert_true(taken >= offered && taken <= offered + 65536 + 128);
}

/*= RFC 9293 3.8.6.2.2
 * A TCP implementation MUST include a SWS avoidance algorithm in the receiver (MUST-39). */
static void small_steps_are_not_offered(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    uint32_t mss = t->mss;

    t->rcv_space = 1 << 17;
    tell(t, false);
    t->rcv_nxt = t->rcv_told; /* all of it was used */
    t->rcv_space = mss - 1;
    assert_int_equal(tcp_offer(t, false).bytes, 0);
    assert_false(tcp_offer_grew(t));
    t->rcv_space = mss;
    assert_int_equal(tcp_offer(t, false).bytes, mss & ~127u);
    assert_false(tcp_offer_grew(t));
    t->rcv_space = 2 * mss + 128;
    assert_true(tcp_offer_grew(t));
    /* A buffer of less than two segments goes by halves of it. */
    t->rcv_buf = 1000;
    t->rcv_space = 499;
    assert_int_equal(tcp_offer(t, false).bytes, 0);
    t->rcv_space = 640;
    assert_int_equal(tcp_offer(t, false).bytes, 640);
    assert_true(tcp_offer_grew(t));
}

static void updates_wait_while_half_is_open(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    t->rcv_buf = t->rcv_space = 1 << 17;
    t->rcv_adv = t->rcv_nxt;
    tell(t, false);
    t->rcv_nxt += 60000; /* more than half is left by the peer's knowledge */
    assert_false(tcp_offer_grew(t));
    t->rcv_nxt += 10000;
    assert_true(tcp_offer_grew(t));
}

/*= RFC 7323 2.4-2, 2.4-3 */
static void shared_window_follows_the_connection(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    uint32_t far;

    t->shared_window = true;
    t->rcv_space = 100000;
    tell(t, false);
    far = t->rcv_adv;
    t->rcv_space = 1000;
    assert_int_equal(tcp_offer(t, false).bytes, 1000 & ~127u);
    tell(t, false);
    assert_int_equal(t->rcv_adv, far); /* what was offered stays acceptable */
    assert_int_equal(t->rcv_told, t->rcv_nxt + (1000 & ~127u));
    t->rcv_space = 127;
    assert_int_equal(tcp_offer(t, false).field, 0);
    t->rcv_space = 128;
    assert_int_equal(tcp_offer(t, false).field, 1);
    t->rcv_space = 50000; /* opens again within the far edge: told all the same */
    assert_true(tcp_offer_grew(t));
}

/*= RFC 7323 2.4
 * The initial transmission MUST be within the window announced by the most recent <ACK>. */
/*= RFC 9293 SHLD-15 */
static void usable_window(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    t->snd_wnd = 10000;
    assert_int_equal(tcp_usable(t), 10000);
    p->end[1].edge_valid = false;
    pair_write(p, 0, 4000);
    pair_flush(p);
    assert_int_equal(tcp_usable(t), 6000);
    t->snd_wnd = 3000; /* shrunk below what is in flight */
    assert_int_equal(tcp_usable(t), 0);
    assert_int_equal(tcp_room(t), 0);
}

/*= RFC 9293 3.1
 * The window size MUST be treated as an unsigned number, or else large window sizes will appear
 * like negative windows and TCP will not work (MUST-1). */
/* RFC 9293 3.8.6.2.1 */
static void silly_windows_are_not_used(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;
    uint32_t mss = tcp_payload_mss(t);

    t->max_wnd = 65536;
    assert_int_equal(tcp_sendable(t, mss), 0);
    assert_int_equal(tcp_push(t, 0, 1000, 0), 0);
    t->snd_wnd = 1000;
    assert_int_equal(tcp_sendable(t, mss), 1000); /* all that is queued */
    t->snd_wnd = 999;
    assert_int_equal(tcp_sendable(t, mss), 0);
    assert_true(tcp_window_blocks(t));
    t->persist_due = true; /* the override timeout */
    assert_int_equal(tcp_sendable(t, mss), 999);
    t->persist_due = false;
    t->max_wnd = 1998; /* half of the largest window */
    assert_int_equal(tcp_sendable(t, mss), 999);
    t->max_wnd = 65536;
    assert_int_equal(tcp_push(t, 1000, 50000, 1), 0);
    t->gso_max = 65535;
    t->snd_wnd = 65535;
    assert_int_equal(tcp_sendable(t, mss), 1000); /* not beyond its chunk */
    assert_int_equal(p->end[0].t.gso_max, 65535);
    assert_int_equal(tcp_sndq_unsent(&t->sndq), 51000);
}

static void fin_waits_for_a_window(void **state)
{
    struct pair *p = *state;
    struct tcb *t = &p->end[0].t;

    assert_false(tcp_fin_ready(t));
    tcp_close(t, p->now);
    assert_true(tcp_fin_ready(t));
    t->snd_wnd = 0;
    assert_false(tcp_fin_ready(t));
    assert_true(tcp_persist_wanted(t));
    t->shared_window = true;
    assert_true(tcp_fin_ready(t));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(syn_is_not_scaled), CASE(edge_never_retreats), CASE(rounding_gives_little_away),
        CASE(small_steps_are_not_offered), CASE(updates_wait_while_half_is_open),
        CASE(shared_window_follows_the_connection), CASE(usable_window),
        CASE(silly_windows_are_not_used), CASE(fin_waits_for_a_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

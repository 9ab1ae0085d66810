/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static uint8_t text[70000];

/* Text for end 1 whose first byte has this position. */
static struct wire_seg at(const struct pair *p, uint64_t pos, uint32_t len)
{
    const struct tcb *b = &p->end[1].t;
    struct wire_seg seg = pair_next(b, p->now);

    for (uint32_t i = 0; i < len; i++)
        text[i] = pair_pattern(0, pos + i);
    seg.seq = b->irs + 1 + (uint32_t)pos;
    seg.data = text;
    seg.len = len;
    return seg;
}

static struct tcp_result give(struct pair *p, uint64_t pos, uint32_t len)
{
    struct wire_seg seg = at(p, pos, len);

    return pair_input(p, 1, &seg);
}

static bool ack_due(struct pair *p)
{
    struct tcp_plan plan;

    if (!tcp_plan(&p->end[1].t, p->now, &plan))
        return false;
    tcp_commit(&p->end[1].t, &plan, p->now);
    return true;
}

/*= RFC 9293 3.10.7.4
 * Segments with higher beginning sequence numbers SHOULD be held for later processing (SHLD-31). */
static void order_is_restored(void **state)
{
    struct pair *p = *state;

    assert_int_equal(give(p, 2000, 1000).received, 1000);
    assert_int_equal(give(p, 1000, 1000).received, 1000);
    assert_int_equal(give(p, 4000, 1000).received, 1000);
    assert_int_equal(p->end[1].got, 0);
    assert_int_equal(give(p, 0, 1500).received, 1000);
    assert_int_equal(p->end[1].got, 3000);
    assert_int_equal(give(p, 2500, 2500).received, 1000);
    assert_int_equal(p->end[1].got, 5000);
    assert_int_equal(p->end[1].t.bytes_received, 5000);
}

static void first_copy_wins(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg;

    give(p, 1000, 1000);
    seg = at(p, 1000, 1000);
    text[3] ^= 1; /* other bytes for the same place */
    assert_int_equal(pair_input(p, 1, &seg).received, 0);
    give(p, 0, 1000);
    assert_int_equal(p->end[1].got, 2000); /* all right, or the pattern would have failed */
}

static void text_beyond_the_window_is_cut(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    uint32_t wnd;
    struct tcp_result res;

    wnd = tcp_rcv_wnd(b);
    give(p, 0, wnd - 1000 > 60000 ? 60000 : wnd - 1000);
    b->rcv_adv = b->rcv_told = b->rcv_nxt + 500;
    res = give(p, b->rcv_pos, 1000);
    assert_int_equal(res.received, 500);
    assert_int_equal(res.reason, PLAIT_REASON_WINDOW_FULL);
}

/*= RFC 5681 4.2-1, 4.2-3 */
/* At once for the first 16, then every second full segment, else delayed. */
static void delayed_acks(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    uint64_t pos = 0;

    for (unsigned i = 0; i < TCP_QUICK_ACKS; i++, pos += 1448) {
        give(p, pos, 1448);
        assert_true(ack_due(p));
    }
    for (unsigned i = 0; i < 5; i++, pos += 2896) {
        give(p, pos, 1448);
        assert_false(ack_due(p));
        assert_int_equal(tcp_deadline(b), p->now + p->cfg.ack_delay);
        give(p, pos + 1448, 1448);
        assert_true(ack_due(p));
    }
    give(p, pos, 10);
    assert_false(ack_due(p));
    p->now += p->cfg.ack_delay;
    assert_true(ack_due(p));
    give(p, pos + 10, 60000); /* a super-segment counts for many */
    assert_true(ack_due(p));
}

/*= RFC 5681 3.2-1, 3.2-2, 4.2-8, 4.2-9, 4.2-10 */
/*= RFC 9293 3.10.7.4
 * A TCP implementation MAY send an ACK segment acknowledging RCV.NXT when a valid segment arrives
 * that is in the window but not at the left window edge (MAY-13). */
static void holes_are_told_at_once(void **state)
{
    struct pair *p = *state;

    p->end[1].t.quick_acks = 0;
    give(p, 100, 10);
    assert_true(ack_due(p));
    give(p, 50, 10);
    assert_true(ack_due(p));
    give(p, 0, 50); /* fills a hole */
    assert_true(ack_due(p));
    give(p, 0, 10); /* a duplicate */
    assert_true(ack_due(p));
    give(p, 60, 40);
    assert_true(ack_due(p));
    assert_int_equal(p->end[1].got, 110);
    give(p, 110, 10);
    assert_false(ack_due(p));
}

static void fin_waits_for_the_hole(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct wire_seg seg = at(p, 1000, 500);

    seg.flags |= WIRE_FIN;
    assert_false(pair_input(p, 1, &seg).fin);
    assert_int_equal(b->state, TCP_ST_ESTABLISHED);
    /* Another FIN elsewhere, and text behind the first, do nothing. */
    seg = at(p, 1500, 500);
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_DATA_AFTER_CLOSE);
    seg = at(p, 1200, 100);
    seg.flags |= WIRE_FIN;
    pair_input(p, 1, &seg);
    assert_true(give(p, 0, 1000).fin);
    assert_int_equal(p->end[1].got, 1500);
    assert_int_equal(b->state, TCP_ST_CLOSE_WAIT);
    assert_int_equal(b->rcv_nxt, b->irs + 1 + 1500 + 1);
    assert_int_equal(give(p, 1500, 10).received, 0);
}

static void fin_below_known_text_is_a_lie(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg;

    give(p, 1000, 500);
    seg = at(p, 0, 600);
    seg.flags |= WIRE_FIN;
    assert_int_equal(pair_input(p, 1, &seg).reason, PLAIT_REASON_DATA_AFTER_CLOSE);
    assert_int_equal(p->end[1].got, 600);
    give(p, 600, 400);
    assert_int_equal(p->end[1].got, 1500);
    assert_int_equal(p->end[1].t.state, TCP_ST_ESTABLISHED);
}

/* A FIN on old text, which was delivered without one. */
static void fin_in_the_past_is_a_lie(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg;

    give(p, 0, 3000);
    seg = at(p, 0, 1000);
    seg.flags |= WIRE_FIN;
    assert_false(pair_input(p, 1, &seg).fin);
    assert_false(p->end[1].t.fin_seen);
    assert_int_equal(give(p, 3000, 1000).received, 1000);
    seg = at(p, 3500, 500);
    seg.flags |= WIRE_FIN;
    assert_true(pair_input(p, 1, &seg).fin); /* the true one */
}

static void out_of_order_memory_is_capped(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;

    p->end[1].cfg.rcv_mem_max = 100 << 10;
    for (uint64_t i = 1; i < 200; i++) { /* single bytes with holes between them */
        give(p, 1000 * i, 1);
        assert_true(b->rcvq.mem <= p->end[1].cfg.rcv_mem_max);
    }
    assert_true(pair_count(p, PLAIT_REASON_RX_PRUNED) > 100);
    for (uint64_t i = 0; i < 200; i++) /* what was dropped comes again */
        give(p, 1000 * i, 1000);
    assert_int_equal(p->end[1].got, 200000);
}

/* Memory ends: text in order drives out text out of order; where there is none at all it is not
 * acknowledged, and comes through when memory is back. */
static void no_memory_no_ack(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    uint32_t nxt = b->rcv_nxt;
    uint64_t max = p->ctx.pool.max;
    struct tcp_result res;

    p->blocks = false;
    give(p, 5000, 1000);
    p->ctx.pool.max = p->ctx.pool.used;
    res = give(p, 0, 1000);
    assert_int_equal(res.reason, PLAIT_REASON_RX_PRUNED);
    assert_int_equal(p->end[1].got, 1000);
    p->ctx.pool.max = 0;
    res = give(p, 1000, 1000);
    assert_int_equal(res.reason, PLAIT_REASON_NO_MEMORY);
    assert_int_equal(res.received, 0);
    assert_int_equal(b->rcv_nxt, nxt + 1000);
    res = give(p, 9000, 1000);
    assert_int_equal(res.reason, PLAIT_REASON_NO_MEMORY);
    p->ctx.pool.max = max;
    give(p, 1000, 9000);
    assert_int_equal(p->end[1].got, 10000);
}

static void fin_with_text_that_found_no_memory(void **state)
{
    struct pair *p = *state;
    uint64_t max = p->ctx.pool.max;
    struct wire_seg seg = at(p, 0, 1000);

    p->blocks = false;
    p->ctx.pool.max = 0;
    seg.flags |= WIRE_FIN;
    assert_false(pair_input(p, 1, &seg).fin);
    p->ctx.pool.max = max;
    seg = at(p, 0, 1000);
    seg.flags |= WIRE_FIN;
    assert_true(pair_input(p, 1, &seg).fin);
    assert_int_equal(p->end[1].got, 1000);
}

static void large_blocks_are_kept_by_reference(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;
    struct plait_block *block = block_get(&p->ctx.pool, 2000), *mine = block;
    struct wire_seg seg = at(p, 0, 1400);
    struct tcp_result res;

    for (uint32_t i = 0; i < 1400; i++)
        block->buf[100 + i] = text[i];
    seg.data = block->buf + 100;
    tcp_input(b, &seg, &block, p->now, &res);
    assert_null(block);
    block = tcp_take(b);
    assert_ptr_equal(block, mine);
    assert_int_equal(block->len, 1400);
    assert_int_equal(block->pos, 0);
    assert_ptr_equal(block->data, block->buf + 100);
    /* A small one is copied, and the packet's block stays the caller's. */
    seg = at(p, 1400, 100);
    for (uint32_t i = 0; i < 100; i++)
        block->buf[i] = text[i];
    seg.data = block->buf;
    tcp_input(b, &seg, &block, p->now, &res);
    assert_ptr_equal(block, mine);
    block_put(&p->ctx.pool, block);
    block = tcp_take(b);
    assert_int_equal(block->len, 100);
    block_put(&p->ctx.pool, block);
    p->end[1].got = 1500;
}

static void sequence_numbers_wrap(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;

    /* The peer's numbers stand right before the wrap. */
    b->irs = UINT32_MAX - 1000;
    b->rcv_nxt = b->last_ack_sent = b->irs + 1;
    b->rcv_adv = b->rcv_told = b->rcv_nxt + 200000;
    b->snd_wl1 = b->irs;
    give(p, 900, 500);
    give(p, 2000, 500);
    give(p, 0, 900);
    assert_int_equal(p->end[1].got, 1400);
    give(p, 1400, 600);
    assert_int_equal(p->end[1].got, 2500);
    assert_true(b->rcv_nxt < 5000);
    assert_int_equal(tcp_ssn_in(b, b->rcv_nxt), 2501);
}

/*= RFC 5681 4.2
 * A TCP receiver MUST NOT generate more than one ACK for every incoming segment, other than to
 * update the offered window as the receiving application consumes new data (see [RFC813] and page
 * 42 of [RFC793]). */
/*= RFC 9293 MUST-58, MUST-59 */
/* Ten segments, and then one ACK for all of them. */
static void one_ack_for_a_batch(void **state)
{
    struct pair *p = *state;
    struct tcp_plan plan;

    for (uint64_t i = 0; i < 10; i++)
        give(p, 1448 * i, 1448);
    assert_true(tcp_plan(&p->end[1].t, p->now, &plan));
    assert_int_equal(plan.ack, p->end[1].t.irs + 1 + 14480);
    assert_true(ack_due(p));
    assert_false(ack_due(p));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(order_is_restored),
        CASE(first_copy_wins),
        CASE(text_beyond_the_window_is_cut),
        CASE(delayed_acks),
        CASE(holes_are_told_at_once),
        CASE(fin_waits_for_the_hole),
        CASE(fin_below_known_text_is_a_lie),
        CASE(fin_in_the_past_is_a_lie),
        CASE(out_of_order_memory_is_capped),
        CASE(no_memory_no_ack),
        CASE(fin_with_text_that_found_no_memory),
        CASE(large_blocks_are_kept_by_reference),
        CASE(sequence_numbers_wrap),
        CASE(one_ack_for_a_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

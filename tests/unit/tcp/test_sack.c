/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <string.h>

static uint8_t text[4000];

static void give(struct pair *p, uint64_t pos, uint32_t len)
{
    const struct tcb *b = &p->end[1].t;
    struct wire_seg seg = pair_next(b, p->now);

    for (uint32_t i = 0; i < len; i++)
        text[i] = pair_pattern(0, pos + i);
    seg.seq = b->irs + 1 + (uint32_t)pos;
    seg.data = text;
    seg.len = len;
    pair_input(p, 1, &seg);
}

/* The next ACK has these blocks (positions), ended by 0, 0. */
static void expect(struct pair *p, const uint32_t *blocks, bool dsack)
{
    struct tcb *b = &p->end[1].t;
    struct tcp_plan plan;
    unsigned n = 0;

    assert_true(tcp_plan(b, p->now, &plan));
    for (; blocks[2 * n + 1] != 0; n++) {
        assert_int_equal(plan.opt.sack[n].lo - b->irs - 1, blocks[2 * n]);
        assert_int_equal(plan.opt.sack[n].hi - b->irs - 1, blocks[2 * n + 1]);
    }
    assert_int_equal(plan.opt.sack_n, n);
    assert_int_equal(plan.dsack, dsack);
    assert_int_equal(tcp_commit(b, &plan, p->now), 0);
}

#define EXPECT(dsack, ...) expect(p, (const uint32_t[]){ __VA_ARGS__, 0, 0 }, dsack)

static void recent_first(void **state)
{
    struct pair *p = *state;

    give(p, 1000, 100);
    EXPECT(false, 1000, 1100);
    give(p, 3000, 100);
    EXPECT(false, 3000, 3100, 1000, 1100);
    give(p, 2000, 100);
    EXPECT(false, 2000, 2100, 3000, 3100, 1000, 1100);
    give(p, 1100, 100); /* an old block grows */
    EXPECT(false, 1000, 1200, 2000, 2100, 3000, 3100);
    give(p, 5000, 100); /* with timestamps three fit */
    EXPECT(false, 5000, 5100, 1000, 1200, 2000, 2100);
    give(p, 0, 1000); /* in order: the cumulative ACK moves */
    EXPECT(false, 5000, 5100, 2000, 2100, 3000, 3100);
    give(p, 1200, 800);
    EXPECT(false, 5000, 5100, 3000, 3100);
}

static void blocks_that_join(void **state)
{
    struct pair *p = *state;

    give(p, 1000, 100);
    give(p, 1200, 100);
    give(p, 1100, 100);
    EXPECT(false, 1000, 1300);
}

static void room_decides(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;

    for (uint64_t i = 1; i < 8; i++)
        give(p, 1000 * i, 100);
    b->opt_reserve_ack = 12; /* 40 - 12 - 12: one block */
    EXPECT(false, 7000, 7100);
    b->opt_reserve_ack = 20;
    b->ack_now = true;
    expect(p, (const uint32_t[]){ 0, 0 }, false);
    b->opt_reserve_ack = 0;
    b->ts_on = false; /* four without timestamps; what is forgotten comes from the queue */
    b->ack_now = true;
    EXPECT(false, 7000, 7100, 6000, 6100, 5000, 5100, 4000, 4100);
    memset(b->sack_older, 0, sizeof b->sack_older);
    b->ack_now = true;
    EXPECT(false, 7000, 7100, 1000, 1100, 2000, 2100, 3000, 3100);
}

/* RFC 2883 4.1 */
static void duplicate_below(void **state)
{
    struct pair *p = *state;

    give(p, 0, 500);
    give(p, 500, 500);
    expect(p, (const uint32_t[]){ 0, 0 }, false);
    give(p, 500, 500);
    EXPECT(true, 500, 1000);
    give(p, 1000, 100); /* reported once */
    expect(p, (const uint32_t[]){ 0, 0 }, false);
}

/* RFC 2883 4.1.2, 4.2: a partial duplicate, and one inside a held block. */
static void duplicate_within(void **state)
{
    struct pair *p = *state;

    give(p, 0, 500);
    give(p, 250, 500);
    EXPECT(true, 250, 500);
    give(p, 2000, 1000);
    EXPECT(false, 2000, 3000);
    give(p, 4000, 1000);
    EXPECT(false, 4000, 5000, 2000, 3000);
    give(p, 2500, 300);
    EXPECT(true, 2500, 2800, 2000, 3000, 4000, 5000);
}

static void not_without_agreement(void **state)
{
    struct pair *p = *state;

    p->end[1].t.sack_on = false;
    give(p, 1000, 100);
    expect(p, (const uint32_t[]){ 0, 0 }, false);
    give(p, 1000, 100);
    expect(p, (const uint32_t[]){ 0, 0 }, false);
}

static void fin_belongs_to_its_block(void **state)
{
    struct pair *p = *state;
    struct wire_seg seg = pair_next(&p->end[1].t, p->now);

    for (uint32_t i = 0; i < 100; i++)
        text[i] = pair_pattern(0, 1000 + i);
    seg.seq += 1000;
    seg.data = text;
    seg.len = 100;
    seg.flags |= WIRE_FIN;
    pair_input(p, 1, &seg);
    EXPECT(false, 1000, 1101);
}

static void dropped_data_is_not_reported(void **state)
{
    struct pair *p = *state;
    struct tcb *b = &p->end[1].t;

    p->blocks = false;
    give(p, 1000, 1000);
    give(p, 30000, 1000);
    reasm_prune(&b->rcvq, &p->ctx.pool, 2048);
    EXPECT(false, 1000, 2000);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        CASE(recent_first), CASE(blocks_that_join), CASE(room_decides), CASE(duplicate_below),
        CASE(duplicate_within), CASE(not_without_agreement), CASE(fin_belongs_to_its_block),
        CASE(dropped_data_is_not_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

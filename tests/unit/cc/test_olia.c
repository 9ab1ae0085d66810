/* SPDX-License-Identifier: Apache-2.0 */
/* OLIA against values computed from its formulas in real numbers. */
#include "flows.h"

static const struct {
    struct flow_row flow[FLOWS_MAX];
    double l[FLOWS_MAX]; /* segments between losses */
    double gain[FLOWS_MAX];
} rows[] = {
    { { { 10, .1 }, { 10, .1 } }, { 100, 100 }, { .025, .025 } },
    { { { 20, .05 }, { 10, .05 } }, { 10, 100 }, { -.0027778, .0611111 } },
    { { { 20, .05 }, { 10, .05 } }, { 100, 10 }, { .0222222, .0111111 } },
    { { { 20, .02 }, { 20, .08 } }, { 100, 100 }, { .032, .002 } },
    { { { 20, .02 }, { 20, .08 } }, { 100, 1600 }, { .032, .002 } },
    { { { 30, .05 }, { 10, .05 }, { 10, .05 } }, { 0, 0, 0 }, { .00088889, .02066667, .02066667 } },
    /* The draft's l^2 / rtt would have the second as the best one. */
    { { { 12, .1 }, { 4, .1 }, { 8, .05 } }, { 40, 200, 100 },
      { -.01605903, .00390625, .07291667 } },
};

static void row_of(struct flows *f, unsigned r)
{
    flows_init(f, &cc_olia_ops, rows[r].flow);
    for (unsigned i = 0; i < f->n; i++)
        f->cc[i].u.olia.since = (uint64_t)(rows[r].l[i] * FLOWS_MSS);
}

static void increase(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct flows f;
        row_of(&f, r);
        for (unsigned i = 0; i < f.n; i++)
            NEAR(flows_gain(&f, i), rows[r].gain[i], 1e-7);
        /* l counts, whichever of the two it is. */
        for (unsigned i = 0; i < f.n; i++) {
            f.cc[i].u.olia.before = f.cc[i].u.olia.since;
            f.cc[i].u.olia.since = 0;
        }
        for (unsigned i = 0; i < f.n; i++)
            NEAR(flows_gain(&f, i), rows[r].gain[i], 1e-7);
    }
}

/* Windows of as many whole segments are equally large. */
static void equal_in_segments(void **state)
{
    static const struct flow_row row[FLOWS_MAX] = { { 10.7, .1 }, { 10.2, .1 } };
    struct flows f;

    flows_init(&f, &cc_olia_ops, row);
    f.cc[1].u.olia.since = 500;
    assert_true(flows_gain(&f, 0) > .02 && flows_gain(&f, 1) > .02);
}

/* Down by a segment, and slow start does not take it back; never below one. */
static void steps_down(void **state)
{
    struct flows f;
    struct cc *cc = &f.cc[0];
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .cwnd_limited = true };
    unsigned n;

    row_of(&f, 1);
    cc->ssthresh = cc->cwnd;
    n = flows_acks_to_step(&f, 0);
    assert_int_equal(n, 360);
    cc->u.olia.counting = true;
    while (n-- > 0)
        cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->cwnd, 19 * FLOWS_MSS);
    assert_int_equal(cc->ssthresh, 19 * FLOWS_MSS);
    f.cc[1].cwnd = f.cc[1].flight = FLOWS_MSS / 2;
    cc->cwnd = cc->ssthresh = cc->flight = 3 * FLOWS_MSS / 2;
    f.cc[1].mss = cc->mss = FLOWS_MSS / 2;
    cc_avoid(cc, 20 * FLOWS_MSS, -CC_ONE);
    assert_int_equal(cc->cwnd, FLOWS_MSS);
    cc_avoid(cc, 20 * FLOWS_MSS, -CC_ONE);
    cc_avoid(cc, 20 * FLOWS_MSS, -CC_ONE);
    assert_int_equal(cc->cwnd, FLOWS_MSS / 2);
}

/* What comes between losses is counted by SND.UNA, in recovery as well. */
static void counts_between_losses(void **state)
{
    static const struct flow_row row[FLOWS_MAX] = { { 10, .1 }, { 10, .1 } };
    struct flows f;
    struct cc *cc = &f.cc[0];
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = 1000, .snd_una = 0xfffffff0 };
    struct cc_saved saved;

    flows_init(&f, &cc_olia_ops, row);
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->u.olia.since, 1000);
    ack.snd_una += 5000; /* it wraps, and 4000 of them came unseen */
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->u.olia.since, 6000);
    cc->ops->on_congestion(cc, 10000, FLOWS_NOW);
    assert_int_equal(cc->u.olia.before, 6000);
    assert_int_equal(cc->u.olia.since, 0);
    cc->ops->on_rto(cc, 10000, FLOWS_NOW); /* nothing came between: the same loss */
    assert_int_equal(cc->u.olia.before, 6000);
    cc_save(cc, &saved);
    ack.snd_una += 700;
    cc->ops->on_ack(cc, &ack);
    cc->ops->on_congestion(cc, 10000, FLOWS_NOW);
    assert_int_equal(cc->u.olia.before, 700);
    cc_undo(cc, &saved); /* there was no loss */
    ack.snd_una += 300;
    cc->ops->on_ack(cc, &ack);
    assert_int_equal(cc->u.olia.before, 6000);
    assert_int_equal(cc->u.olia.since, 1000);
}

static void loss(void **state)
{
    static const struct flow_row row[FLOWS_MAX] = { { 20, .1 }, { 2, .1 } };
    struct flows f;

    flows_init(&f, &cc_olia_ops, row);
    NEAR(flows_after_loss(&f, 0), 10, 0);
    NEAR(flows_after_loss(&f, 1), 1, 0); /* one segment a round trip is enough to try a path */
    cc_leave(&f.cc[0]);
    NEAR(flows_after_loss(&f, 1), 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(increase), cmocka_unit_test(equal_in_segments),
        cmocka_unit_test(steps_down), cmocka_unit_test(counts_between_losses),
        cmocka_unit_test(loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

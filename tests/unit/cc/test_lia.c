/* SPDX-License-Identifier: Apache-2.0 */
/* LIA against values computed from RFC 6356's formulas in real numbers. */
#include "flows.h"

static const struct {
    struct flow_row flow[FLOWS_MAX];
    double gain[FLOWS_MAX];
    double acks[FLOWS_MAX]; /* for a segment more */
} rows[] = {
    { { { 10, .1 }, { 10, .1 } }, { .025, .025 }, { 40, 40 } },
    { { { 20, .1 }, { 10, .1 } }, { .0222222, .0222222 }, { 45, 45 } },
    { { { 10, .01 }, { 10, .1 } }, { .0826446, .0826446 }, { 12.1, 12.1 } },
    { { { 5, .01 }, { 20, .1 } }, { .1020408, .05 }, { 9.8, 20 } }, /* the second as a TCP */
    { { { 20, .05 }, { 20, .05 }, { 20, .05 } }, { .0055556, .0055556, .0055556 },
      { 180, 180, 180 } },
    { { { 40, .02 }, { 8, .15 } }, { .0237182, .0237182 }, { 42.16, 42.16 } },
    { { { 10, .01 }, { 100, .1 } }, { .025, .01 }, { 40, 100 } },
};

/*= RFC 6356 3
 * Our proposed "Linked Increases" algorithm MUST: */
/*= RFC 6356 3
 * The increase formula (1) takes the minimum between the computed increase for the multipath
 * subflow (first argument to min), and the increase TCP would get in the same scenario (the second
 * argument). */
static void increase(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct flows f;
        flows_init(&f, &cc_lia_ops, rows[r].flow);
        for (unsigned i = 0; i < f.n; i++)
            NEAR(flows_gain(&f, i), rows[r].gain[i], 1e-7);
    }
}

/* Rounding down costs one ACK at most. */
static void steps(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct flows f;
        flows_init(&f, &cc_lia_ops, rows[r].flow);
        for (unsigned i = 0; i < f.n; i++) {
            unsigned n = flows_acks_to_step(&f, i);
            if (n < rows[r].acks[i] || n > rows[r].acks[i] + 1)
                fail_msg("row %u: %u ACKs, not %f", r, n, rows[r].acks[i]);
        }
    }
}

/*= RFC 6356 3
 * In this case, the increase MUST be set to 1. */
/* The largest windows, and an ACK of a single byte: it is not lost. */
static void no_ack_is_in_vain(void **state)
{
    static const struct flow_row row[FLOWS_MAX] = { { 700000, .0001 }, { 700000, 2 } };
    struct flows f;
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = 1, .cwnd_limited = true };

    flows_init(&f, &cc_lia_ops, row);
    for (unsigned i = 0; i < 2; i++) {
        int64_t before = f.cc[i].u.reno.credit;
        f.cc[i].ops->on_ack(&f.cc[i], &ack);
        assert_true(f.cc[i].u.reno.credit > before);
    }
}

/*= RFC 6356 3
 * The slow start, fast retransmit, and fast recovery algorithms, as well as the multiplicative
 * decrease of the congestion avoidance state are the same as in standard TCP [RFC5681]. */
static void loss(void **state)
{
    static const struct flow_row row[FLOWS_MAX] = { { 20, .1 }, { 3, .1 } };
    struct flows f;
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .cwnd_limited = true };

    flows_init(&f, &cc_lia_ops, row);
    NEAR(flows_after_loss(&f, 0), 10, 0);
    NEAR(flows_after_loss(&f, 1), 2, 0);
    f.cc[0].ssthresh = CC_SSTHRESH_INFINITE;
    f.cc[0].ops->on_ack(&f.cc[0], &ack);
    assert_int_equal(f.cc[0].cwnd, 21 * FLOWS_MSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(increase), cmocka_unit_test(steps), cmocka_unit_test(no_ack_is_in_vain),
        cmocka_unit_test(loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

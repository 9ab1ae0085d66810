/* SPDX-License-Identifier: Apache-2.0 */
/* HyStart++ (RFC 9406): when the first slow start ends without a loss. */
#include "../base/cm.h"
#include "cc/cc.h"

enum { MSS = 1460 };

static struct cc cc;
static struct cc_hystart h;
static uint32_t una, nxt;

static int setup(void **state)
{
    (void)state;
    cc_init(&cc, &cc_reno_ops, MSS);
    cc_hystart_init(&h);
    una = 1;
    nxt = una;
    return 0;
}

/* A round of n packets, one ACK each, all with this RTT. */
static void round_of(unsigned n, plait_time rtt)
{
    nxt = una + n * MSS;
    for (unsigned i = 0; i < n; i++) {
        struct cc_ack ack = { .acked = MSS, .rtt = rtt, .snd_una = una, .snd_nxt = nxt };
        una += MSS;
        cc_hystart_on_ack(&h, &cc, &ack);
    }
}

/* Threshold: an eighth of the last round's lowest RTT, 4 ms at least and 16 ms at most. */
static void enters_at_the_threshold(void **state)
{
    static const struct { plait_time last, below, at; } v[] = {
        { 5000, 8999, 9000 }, { 40000, 44999, 45000 }, { 100000, 112499, 112500 },
        { 200000, 215999, 216000 },
    };

    for (unsigned i = 0; i < sizeof v / sizeof v[0]; i++) {
        setup(state);
        round_of(10, v[i].last);
        round_of(10, v[i].below);
        assert_false(h.css);
        setup(state);
        round_of(10, v[i].last);
        round_of(10, v[i].at);
        assert_true(h.css);
    }
}

static void eight_samples_are_needed(void **state)
{
    round_of(10, 40000);
    round_of(7, 90000);
    assert_false(h.css);
}

static void grows_at_a_quarter(void **state)
{
    uint32_t before;

    round_of(10, 40000);
    round_of(10, 60000);
    before = cc.cwnd;
    round_of(1, 60000);
    assert_int_equal(cc.cwnd - before, 365);
}

static void five_rounds_end_it(void **state)
{
    round_of(10, 40000);
    round_of(10, 60000);
    for (unsigned i = 0; i < 4; i++) {
        round_of(10, 60000);
        assert_int_equal(cc.ssthresh, CC_SSTHRESH_INFINITE);
    }
    round_of(10, 60000);
    assert_true(cc.ssthresh <= cc.cwnd);
}

static void jitter_resumes(void **state)
{
    round_of(10, 40000);
    round_of(10, 60000);
    assert_true(h.css);
    round_of(10, 50000);
    assert_false(h.css);
    assert_int_equal(cc.ssthresh, CC_SSTHRESH_INFINITE);
}

/* CUBIC uses it, but only in the first slow start. */
static void cubic_uses_it_first(void **state)
{
    cc_init(&cc, &cc_cubic_ops, MSS);
    for (unsigned r = 0; r < 12 && cc.ssthresh == CC_SSTHRESH_INFINITE; r++) {
        nxt = una + 20 * MSS;
        for (unsigned i = 0; i < 20; i++) {
            struct cc_ack ack = { .acked = MSS, .rtt = r == 0 ? 10000 : 30000, .snd_una = una,
                                  .snd_nxt = nxt, .cwnd_limited = true };
            una += MSS;
            cc.ops->on_ack(&cc, &ack);
        }
    }
    assert_true(cc.ssthresh < CC_SSTHRESH_INFINITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(enters_at_the_threshold, setup),
        cmocka_unit_test_setup(eight_samples_are_needed, setup),
        cmocka_unit_test_setup(grows_at_a_quarter, setup),
        cmocka_unit_test_setup(five_rounds_end_it, setup),
        cmocka_unit_test_setup(jitter_resumes, setup),
        cmocka_unit_test_setup(cubic_uses_it_first, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

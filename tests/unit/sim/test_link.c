/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/link.h"
#include "unit/base/cm.h"

enum { T0 = 1000000 };

static struct sim_link link_of(const struct sim_link_config *cfg)
{
    struct sim_link l;

    sim_link_init(&l, cfg, 42);
    return l;
}

static struct sim_verdict send_one(struct sim_link *l, uint32_t bytes, plait_time now)
{
    struct sim_verdict v;

    sim_link_send(l, bytes, now, &v);
    return v;
}

/* 1250 bytes at 10 Mbit/s take 1 ms; then 5 ms on the wire. */
static void test_rate_and_delay(void **state)
{
    struct sim_link l = link_of(&(struct sim_link_config){.rate = 10000000, .delay = 5000});

    for (unsigned i = 0; i < 10; i++) {
        struct sim_verdict v = send_one(&l, 1250, T0);
        assert_int_equal(v.fate, SIM_FATE_PASS);
        assert_int_equal(v.n, 1);
        assert_int_equal(v.at[0], T0 + 1000 * (i + 1) + 5000);
    }
    assert_int_equal(sim_link_backlog(&l, T0), 12500);
    assert_int_equal(sim_link_backlog(&l, T0 + 4000), 7500);
    assert_int_equal(sim_link_backlog(&l, T0 + 20000), 0);
    assert_int_equal(send_one(&l, 1250, T0 + 20000).at[0], T0 + 26000);
    assert_int_equal(l.packets, 11);
    assert_int_equal(l.bytes, 11 * 1250);
}

/* A small packet at 10 Gbit/s takes 51.2 ns: a thousand of them take 52 us, rounded up once. */
static void test_fast_link(void **state)
{
    struct sim_link l = link_of(&(struct sim_link_config){.rate = 10000000000});
    struct sim_verdict v = {0};

    for (unsigned i = 0; i < 1000; i++)
        v = send_one(&l, 64, T0);
    assert_int_equal(v.at[0], T0 + 52);
}

/* What a division leaves over is not lost: 171428 ns and 4/7 for each of these. */
static void test_no_drift(void **state)
{
    struct sim_link l = link_of(&(struct sim_link_config){.rate = 70000000});
    struct sim_verdict v = {0};

    for (unsigned i = 0; i < 700000; i++)
        v = send_one(&l, 1500, T0);
    assert_int_equal(v.at[0], T0 + UINT64_C(700000) * 12000 / 70);
}

static void test_no_limits(void **state)
{
    struct sim_link l = link_of(&(struct sim_link_config){.delay = 7});

    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(send_one(&l, 1000000, T0).at[0], T0 + 7);
}

static void test_queue(void **state)
{
    struct sim_link l = link_of(&(struct sim_link_config){.rate = 8000000, .queue = 3000});

    assert_int_equal(send_one(&l, 1500, T0).fate, SIM_FATE_PASS);
    assert_int_equal(send_one(&l, 1500, T0).fate, SIM_FATE_PASS);
    struct sim_verdict v = send_one(&l, 1500, T0);
    assert_int_equal(v.fate, SIM_FATE_QUEUE);
    assert_int_equal(v.n, 0);
    assert_int_equal(l.drops, 1);
    assert_int_equal(send_one(&l, 1500, T0 + 1499).fate, SIM_FATE_QUEUE);
    assert_int_equal(send_one(&l, 1500, T0 + 1500).fate, SIM_FATE_PASS);
}

/* A limit in packets counts small ones like large ones. */
static void test_queue_packets(void **state)
{
    struct sim_link_config cfg = {.rate = 8000000, .queue_packets = 3};
    struct sim_link l = link_of(&cfg);

    assert_int_equal(send_one(&l, 1000, T0).fate, SIM_FATE_PASS); /* out at 1000 */
    assert_int_equal(send_one(&l, 10, T0).fate, SIM_FATE_PASS);   /* 1010 */
    assert_int_equal(send_one(&l, 1000, T0).fate, SIM_FATE_PASS); /* 2010 */
    assert_int_equal(send_one(&l, 10, T0 + 999).fate, SIM_FATE_QUEUE);
    assert_int_equal(send_one(&l, 10, T0 + 1000).fate, SIM_FATE_PASS); /* 2020 */
    assert_int_equal(send_one(&l, 10, T0 + 1000).fate, SIM_FATE_QUEUE);
    assert_int_equal(l.queue_drops, 2);
    assert_int_equal(send_one(&l, 10, T0 + 1010).fate, SIM_FATE_PASS); /* 2030 */
    cfg.queue_packets = 5; /* what waits counts on */
    sim_link_change(&l, &cfg);
    assert_int_equal(send_one(&l, 10, T0 + 1010).fate, SIM_FATE_PASS);
    assert_int_equal(send_one(&l, 10, T0 + 1010).fate, SIM_FATE_PASS);
    assert_int_equal(send_one(&l, 10, T0 + 1010).fate, SIM_FATE_QUEUE);
    for (unsigned i = 0; i < 1000; i++)
        send_one(&l, 10, T0 + 3000 + i * 3);
    assert_int_equal(send_one(&l, 10, T0 + 100000).fate, SIM_FATE_PASS);
    cfg.queue = 15; /* both limits hold */
    sim_link_change(&l, &cfg);
    assert_int_equal(send_one(&l, 10, T0 + 100000).fate, SIM_FATE_QUEUE);
    sim_link_fini(&l);
}

/* Of the last two of five places each is refused by chance; the queue is no longer than it is. */
static void test_tail(void **state)
{
    enum { TRIES = 20000 };
    struct sim_link_config cfg = {.rate = 8000000, .tail_packets = 2, .tail_ppm = 100000};

    for (unsigned bytes = 0; bytes < 2; bytes++) {
        unsigned held[6] = {0}, lost[6] = {0};
        cfg.queue_packets = bytes ? 0 : 5;
        cfg.queue = bytes ? 7500 : 0;
        struct sim_link l = link_of(&cfg);
        for (unsigned i = 0; i < TRIES; i++) { /* 1.5 ms is a packet's time */
            plait_time now = T0 + (plait_time)i * 1290;
            uint64_t n = (sim_link_backlog(&l, now) + 1499) / 1500;
            assert_in_range(n, 0, 5);
            held[n]++;
            lost[n] += send_one(&l, 1500, now).fate == SIM_FATE_QUEUE;
        }
        assert_int_equal(lost[0] + lost[1] + lost[2], 0);
        for (unsigned n = 3; n < 5; n++)
            assert_in_range(lost[n], held[n] * 0.09, held[n] * 0.11);
        assert_int_equal(lost[5], held[5]);
        assert_true(held[3] > 1000 && held[4] > 1000 && held[5] > 100);
        assert_int_equal(l.queue_drops, l.drops);
        sim_link_fini(&l);
    }
}

/* ---- RED ------------------------------------------------------------------------------------- */

/* Holds the queue at so many packets of 1000 bytes, and offers n more one after the other, none of
 * which may change it; how many were chosen. */
static unsigned red_chosen(const struct sim_red *red, unsigned held, unsigned n, bool ect,
                           unsigned *marks)
{
    struct sim_link l = link_of(&(struct sim_link_config){.rate = 8000000, .red = *red});
    unsigned drops = 0;

    *marks = 0;
    for (unsigned i = 0; i < n; i++) {
        struct sim_verdict v;
        l.free_at_ns = (T0 + (uint64_t)i + held * 1000) * 1000;
        sim_link_send_ecn(&l, 1000, ect, T0 + i, &v);
        drops += v.fate == SIM_FATE_QUEUE;
        *marks += v.mark;
        assert_true(v.fate != SIM_FATE_QUEUE || !v.mark);
    }
    assert_int_equal(l.early, drops + *marks);
    assert_int_equal(l.queue_drops, drops);
    return drops;
}

/* Chances along the curve; with an even spread the gap between two is uniform in 1..2/p, so that
 * one in 1/p + 0.5 or so is chosen. */
static void test_red_curve(void **state)
{
    struct sim_red red = {.min = 5000, .max = 15000, .max_ppm = 100000, .shift = 0};
    unsigned marks;

    assert_int_equal(red_chosen(&red, 4, 10000, false, &marks), 0);
    /* p = 0.1 * (10 - 5) / 10 = 1/20: gaps of 1 to 20 */
    assert_in_range(red_chosen(&red, 10, 20000, false, &marks), 20000 / 10.5 * 0.95,
                    20000 / 10.5 * 1.05);
    /* p = 0.1 + 0.9 / 2, gaps of 1 or 2: mean 1.45 */
    assert_in_range(red_chosen(&red, 22, 10000, false, &marks), 10000 / 1.45 * 0.95,
                    10000 / 1.45 * 1.05);
    assert_int_equal(red_chosen(&red, 30, 1000, false, &marks), 1000);
    assert_int_equal(marks, 0);
}

static void test_red_marks(void **state)
{
    struct sim_red red = {.min = 5000, .max = 15000, .max_ppm = 100000, .shift = 0, .ecn = true};
    unsigned marks;

    assert_int_equal(red_chosen(&red, 10, 20000, true, &marks), 0);
    assert_in_range(marks, 1800, 2010);
    assert_true(red_chosen(&red, 10, 20000, false, &marks) > 1800); /* who cannot do ECN */
    assert_int_equal(marks, 0);
    assert_int_equal(red_chosen(&red, 30, 1000, true, &marks), 1000); /* too long for marks */
}

/* The average goes with the queue slowly, and with an idle link's time, too. */
static void test_red_average(void **state)
{
    struct sim_red red = {.min = 100000, .max = 200000, .max_ppm = 100000, .shift = 9};
    struct sim_link l = link_of(&(struct sim_link_config){.rate = 8000000, .red = red});

    for (unsigned i = 0; i < 512; i++) {
        l.free_at_ns = (T0 + 10000) * 1000; /* 10000 bytes */
        send_one(&l, 1000, T0);
    }
    assert_in_range(l.average >> 9, 6200, 6400); /* 1 - 1/e of it */
    l.free_at_ns = T0 * UINT64_C(1000);
    send_one(&l, 1000, T0 + 512 * 500); /* idle for as long as 512 packets of 500 bytes take */
    assert_in_range(l.average >> 9, 2280, 2360); /* 1/e of that */
    send_one(&l, 1000, T0 + UINT64_C(1000000000));
    assert_int_equal(l.average >> 9, 0);
}

static void test_mtu_and_down(void **state)
{
    struct sim_link_config cfg = {.mtu = 1500};
    struct sim_link l = link_of(&cfg);

    assert_int_equal(send_one(&l, 1501, T0).fate, SIM_FATE_TOO_BIG);
    assert_int_equal(send_one(&l, 1500, T0).fate, SIM_FATE_PASS);
    cfg.down = true;
    sim_link_change(&l, &cfg);
    assert_int_equal(send_one(&l, 100, T0).fate, SIM_FATE_DOWN);
    cfg.down = false;
    sim_link_change(&l, &cfg);
    assert_int_equal(send_one(&l, 100, T0).fate, SIM_FATE_PASS);
}

static void test_loss_and_duplicates(void **state)
{
    struct sim_link l =
        link_of(&(struct sim_link_config){.loss_ppm = 50000, .duplicate_ppm = 20000});
    unsigned lost = 0, twice = 0;

    for (unsigned i = 0; i < 100000; i++) {
        struct sim_verdict v = send_one(&l, 100, T0 + i);
        lost += v.fate == SIM_FATE_LOST;
        twice += v.n == 2;
        assert_true((v.fate == SIM_FATE_LOST) == (v.n == 0));
    }
    assert_in_range(lost, 4700, 5300);
    assert_in_range(twice, 1700, 2100);
    assert_int_equal(l.drops, lost);
}

static void test_jitter_keeps_order(void **state)
{
    struct sim_link l = link_of(&(struct sim_link_config){.delay = 1000, .jitter = 5000});
    plait_time last = 0, most = 0;

    for (unsigned i = 0; i < 10000; i++) {
        plait_time now = T0 + 300 * i, at = send_one(&l, 100, now).at[0];
        assert_true(at >= last && at >= now + 1000 && at <= now + 6000);
        most = at - now > most ? at - now : most;
        last = at;
    }
    assert_true(most > 5500);
}

static void test_reordering(void **state)
{
    struct sim_link l = link_of(
        &(struct sim_link_config){.delay = 1000, .reorder_ppm = 100000, .reorder_delay = 2000});
    plait_time highest = 0;
    unsigned late = 0;

    for (unsigned i = 0; i < 10000; i++) {
        plait_time now = T0 + 100 * i, at = send_one(&l, 100, now).at[0];
        assert_true(at >= now + 1000 && at <= now + 3000);
        late += at < highest;
        highest = at > highest ? at : highest;
    }
    assert_true(late > 1000);
}

static void test_same_seed_same_fate(void **state)
{
    struct sim_link_config cfg = {.rate = 1000000,
                                  .queue = 20000,
                                  .loss_ppm = 100000,
                                  .jitter = 100,
                                  .reorder_ppm = 100000,
                                  .reorder_delay = 50,
                                  .duplicate_ppm = 100000};
    struct sim_link a, b, c;
    unsigned other = 0;

    sim_link_init(&a, &cfg, 1);
    sim_link_init(&b, &cfg, 1);
    sim_link_init(&c, &cfg, 2);
    for (unsigned i = 0; i < 1000; i++) {
        struct sim_verdict va = send_one(&a, 500, T0 + 3000 * i),
                           vb = send_one(&b, 500, T0 + 3000 * i);
        struct sim_verdict vc = send_one(&c, 500, T0 + 3000 * i);
        assert_true(va.fate == vb.fate && va.n == vb.n && va.at[0] == vb.at[0] &&
                    va.at[1] == vb.at[1]);
        other += va.n != vc.n || va.at[0] != vc.at[0];
    }
    assert_true(other > 500);
}

/* Beyond the threshold packets are to be marked; they pass all the same. */
static void test_mark(void **state)
{
    struct sim_link l = link_of(&(struct sim_link_config){.rate = 10000000, .mark = 2500});

    for (unsigned i = 0; i < 5; i++) {
        struct sim_verdict v = send_one(&l, 1250, T0);
        assert_int_equal(v.fate, SIM_FATE_PASS);
        assert_int_equal(v.mark, i > 2);
    }
    assert_false(send_one(&l, 1250, T0 + 5000).mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_and_delay),      cmocka_unit_test(test_fast_link),
        cmocka_unit_test(test_no_limits),           cmocka_unit_test(test_queue),
        cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_queue_packets),       cmocka_unit_test(test_tail),
        cmocka_unit_test(test_red_curve),
        cmocka_unit_test(test_red_marks),           cmocka_unit_test(test_red_average),
        cmocka_unit_test(test_mtu_and_down),        cmocka_unit_test(test_loss_and_duplicates),
        cmocka_unit_test(test_jitter_keeps_order),  cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_same_seed_same_fate), cmocka_unit_test(test_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

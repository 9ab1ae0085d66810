/* SPDX-License-Identifier: Apache-2.0 */
/* Whole connections: every packet of a small transfer lost, doubled or delayed in turn, and random
 * networks by seed. TCP_SEED=n runs that seed alone, TCP_SEEDS=n the first n. */
#include "pair.h"

#include <stdlib.h>

enum deed { LOSE, DOUBLE, DELAY, DEEDS };

static unsigned one_packet(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    if (pk->serial != p->fate_arg / DEEDS)
        return 1;
    switch (p->fate_arg % DEEDS) {
    case LOSE:
        return 0;
    case DOUBLE:
        return 2;
    default:
        *late = 35 * PLAIT_MSEC;
        return 1;
    }
}

static struct pair *new_pair(void)
{
    struct pair *p = test_malloc(sizeof *p);

    pair_init(p);
    return p;
}

static void finish(struct pair *p)
{
    pair_fini(p);
    test_free(p);
}

static void start(struct pair *p, uint64_t there, uint64_t back)
{
    pair_connect(p, 0);
    p->listening = true;
    pair_write(p, 0, there);
    pair_write(p, 1, back);
    p->end[0].close_wanted = p->end[1].close_wanted = true;
}

static void check_end(const struct pair *p, uint64_t there, uint64_t back)
{
    assert_int_equal(p->end[1].got, there);
    assert_int_equal(p->end[0].got, back);
    assert_true(p->end[0].fin && p->end[1].fin);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p->end[i].t.state, TCP_ST_CLOSED);
        assert_true(p->end[i].t.reason == PLAIT_REASON_LOCAL_CLOSE ||
                    p->end[i].t.reason == PLAIT_REASON_PEER_CLOSE);
        assert_int_equal(p->end[i].t.bytes_sent, i == 0 ? there : back);
        assert_int_equal(p->end[i].t.bytes_acked, i == 0 ? there : back);
    }
    assert_int_equal(p->queue_n, 0);
}

static void each_packet_in_turn(void **state)
{
    uint64_t n = 1, k;

    (void)state;
    for (k = 0; k < n * DEEDS; k++) {
        struct pair *p = new_pair();
        p->fate = one_packet;
        p->fate_arg = k;
        p->cfg.gso_max = k % 2 != 0 ? 65535 : 0;
        p->cut = true;
        start(p, 20000, 5000);
        pair_run(p, p->now + 300 * PLAIT_SEC);
        check_end(p, 20000, 5000);
        n = p->serial;
        finish(p);
    }
    assert_true(n > 20);
}

/* A large clean transfer with super-segments that arrive whole. */
static void super_segments(void **state)
{
    struct pair *p = new_pair();
    plait_time from = p->now;

    (void)state;
    p->cfg.gso_max = 65535;
    p->end[0].rcvbuf = p->end[1].rcvbuf = 4 << 20;
    start(p, 20 << 20, 20 << 20);
    while (p->end[0].got < 20 << 20 || p->end[1].got < 20 << 20)
        assert_true(pair_step(p));
    assert_true(p->now - from < 2 * PLAIT_SEC); /* windows grew */
    assert_true(p->end[0].out_n < 2000);
    pair_run(p, p->now + 300 * PLAIT_SEC);
    check_end(p, 20 << 20, 20 << 20);
    assert_int_equal(p->end[0].t.loss.rtx_bytes, 0);
    finish(p);
}

static void numbers_wrap(void **state)
{
    struct pair *p = new_pair();

    (void)state;
    /* The clock is set so that the ISN lies a little before the wrap. */
    for (int i = 0; i < 40; i++) {
        struct plait_addr a = { .family = 4, .port = 1000, .ip = { 10, 0, 0, 1 } }, b = a;
        uint32_t isn;
        b.port = 1001;
        b.ip[3] = 2;
        isn = tcp_isn(&p->ctx, &a, &b, p->now);
        if (isn > UINT32_MAX - 60000 && isn < UINT32_MAX - 20000)
            break;
        p->now += 4ull * (uint32_t)(UINT32_MAX - 40000 - isn);
    }
    start(p, 300000, 100000);
    pair_run(p, p->now + PLAIT_MSEC);
    assert_true(p->end[0].t.iss > UINT32_MAX - 60000);
    pair_run(p, p->now + 300 * PLAIT_SEC);
    assert_true(p->end[0].t.sndq.nxt < p->end[0].t.iss);
    check_end(p, 300000, 100000);
    finish(p);
}

struct weather {
    unsigned loss, dup, reorder; /* in 1000 */
    plait_time jitter;
    bool hunger;     /* memory is missing now and then */
    bool shared[2];  /* the window is a connection's */
};

static struct weather weather;

static unsigned stormy(struct pair *p, const struct pair_packet *pk, plait_time *late)
{
    (void)pk;
    if (pair_roll(p, 1000) < weather.loss)
        return 0;
    if (pair_roll(p, 1000) < weather.reorder)
        *late = pair_roll(p, 60 * PLAIT_MSEC);
    *late += pair_roll(p, weather.jitter + 1);
    return pair_roll(p, 1000) < weather.dup ? 2 : 1;
}

static void configure(struct pair *p)
{
    static const uint32_t buffers[] = { 4096, 8192, 30000, 65536, 262144, 1 << 20 };

    for (int i = 0; i < 2; i++)
        p->end[i].rcvbuf = buffers[pair_roll(p, 6)];
    weather.loss = (unsigned)pair_roll(p, 2) * (unsigned)pair_roll(p, 100);
    weather.dup = (unsigned)pair_roll(p, 2) * (unsigned)pair_roll(p, 50);
    weather.reorder = (unsigned)pair_roll(p, 2) * (unsigned)pair_roll(p, 200);
    weather.jitter = pair_roll(p, 3) == 0 ? 0 : pair_roll(p, 5000);
    weather.hunger = pair_roll(p, 2) != 0;
    weather.shared[0] = pair_roll(p, 4) == 0;
    weather.shared[1] = pair_roll(p, 4) == 0;
    p->fate = stormy;
    p->delay = 1 + pair_roll(p, 50 * PLAIT_MSEC);
    p->cfg.cc = pair_roll(p, 2) != 0 ? &cc_cubic_ops : &cc_reno_ops;
    p->cfg.gso_max = pair_roll(p, 2) != 0 ? 65535 : 0;
    p->cfg.mss_local = (uint16_t)(pair_roll(p, 4) == 0 ? 100 + pair_roll(p, 500) : 1460);
    p->cfg.rcv_mem_max = pair_roll(p, 4) == 0 ? 64 << 10 : 4 << 20;
    p->cfg.recs_max = pair_roll(p, 4) == 0 ? 16 : 1024;
    p->cfg.wscale = (uint8_t)pair_roll(p, 12);
    p->cfg.retries = 40;
    p->cfg.syn_retries = 20;
    p->cut = pair_roll(p, 4) != 0;
    p->blocks = pair_roll(p, 2) != 0;
    p->end[0].ahead = pair_roll(p, 2) != 0;
    p->end[1].ahead = pair_roll(p, 2) != 0;
}

/* Runs to the end; now and then an application stops and starts to read. */
static void run_random(struct pair *p, uint64_t there, uint64_t back)
{
    for (unsigned n = 0; n < 3000000; n++) {
        int i = (int)pair_roll(p, 2);
        if (pair_roll(p, 50) == 0)
            p->end[i].reading = !p->end[i].reading;
        if (p->end[i].reading || pair_roll(p, 30) == 0)
            pair_read(p, i);
        p->fail_in = weather.hunger && pair_roll(p, 1000) == 0 ? (long)pair_roll(p, 3) : -1;
        p->end[i].t.shared_window = p->end[i].alive && weather.shared[i];
        if (p->end[0].alive)
            p->end[0].t.opt_reserve_data = (uint8_t)(pair_roll(p, 100) == 0 ? pair_roll(p, 28) : 0);
        if (!pair_step(p)) { /* memory was missing: who owns the tcb tries again */
            p->fail_in = -1;
            pair_flush(p);
            if (!pair_step(p))
                break;
        }
        if (p->end[0].t.state == TCP_ST_CLOSED && p->end[1].t.state == TCP_ST_CLOSED)
            break;
    }
    p->fail_in = -1;
    pair_drop_all(p);
    check_end(p, there, back);
    if (weather.loss + weather.dup + weather.reorder == 0 && weather.jitter == 0 && !weather.hunger)
        assert_int_equal(p->end[0].t.loss.lost_bytes + p->end[1].t.loss.lost_bytes, 0);
}

static uint64_t running; /* the seed at work; 0: none */

static void seeds(void **state)
{
    const char *only = getenv("TCP_SEED"), *many = getenv("TCP_SEEDS");
    uint64_t from = only != NULL ? strtoull(only, NULL, 10) : 1;
    uint64_t to = only != NULL ? from : many != NULL ? strtoull(many, NULL, 10) : 300;

    (void)state;
    for (uint64_t seed = from; seed <= to; seed++) {
        struct pair *p = new_pair();
        uint64_t there, back;
        p->dice = seed;
        configure(p);
        there = 1 + pair_roll(p, pair_roll(p, 3) == 0 ? 400000 : 30000);
        back = 1 + pair_roll(p, 30000);
        running = seed;
        if (only != NULL)
            print_message("seed %llu: %llu there, %llu back, loss %u, window %u and %u\n",
                          (unsigned long long)seed, (unsigned long long)there,
                          (unsigned long long)back, weather.loss, p->end[0].rcvbuf,
                          p->end[1].rcvbuf);
        start(p, there, back);
        run_random(p, there, back);
        finish(p);
    }
    running = 0;
}

static int tell_seed(void **state)
{
    (void)state;
    if (running != 0)
        print_error("again with TCP_SEED=%llu\n", (unsigned long long)running);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_packet_in_turn), cmocka_unit_test(super_segments),
        cmocka_unit_test(numbers_wrap), cmocka_unit_test_teardown(seeds, tell_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

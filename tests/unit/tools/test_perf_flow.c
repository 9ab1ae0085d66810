/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine against a back end of arrays: what a peer says is written by hand, from the
 * layout in perf_wire.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/perf_flow.h"

#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 1 << 16 };

struct perf_net {
    uint8_t in[4096];
    size_t in_n, in_at;
    bool in_end; /* the peer's stream ends after in */
    uint8_t out[OUT_MAX];
    size_t out_n, room; /* room: of all that may be sent */
    bool shut;
};

static struct perf_net net;

static int64_t fake_send(struct perf_net *n, struct perf_conn *c, const uint8_t *data, size_t len)
{
    size_t fits = n->room - n->out_n < len ? n->room - n->out_n : len;
    assert_false(n->shut);
    assert_int_not_equal(len, 0);
    memcpy(n->out + n->out_n, data, fits);
    n->out_n += fits;
    return fits > 0 ? (int64_t)fits : PLAIT_EAGAIN;
}

static int64_t fake_recv(struct perf_net *n, struct perf_conn *c, size_t len, const uint8_t **data)
{
    size_t have = n->in_n - n->in_at;
    assert_int_not_equal(len, 0);
    if (have == 0)
        return n->in_end ? 0 : PLAIT_EAGAIN;
    *data = n->in + n->in_at;
    n->in_at += have < len ? have : len;
    return (int64_t)(have < len ? have : len);
}

static void fake_shutdown(struct perf_net *n, struct perf_conn *c)
{
    assert_false(n->shut);
    n->shut = true;
}

static const struct perf_backend fake = {
    .send = fake_send, .recv = fake_recv, .shutdown = fake_shutdown};
static const struct perf_set set = {.b = &fake, .net = &net};
static struct perf_flow f;

static void start(bool client, const struct perf_header *h)
{
    memset(&net, 0, sizeof net);
    memset(&f, 0, sizeof f);
    net.room = OUT_MAX;
    f.used = true;
    f.client = client;
    if (client)
        f.h = *h;
    perf_flow_start(&f, perf_now());
}

static void run(void)
{
    for (int i = 0; i < 1000 && perf_flow_run(&f, &set); i++)
        ;
}

static void hear(const void *bytes, size_t n)
{
    memcpy(net.in + net.in_n, bytes, n);
    net.in_n += n;
}

static void hear_header(const struct perf_header *h)
{
    uint8_t bytes[PERF_HEADER];
    perf_header_write(h, bytes);
    hear(bytes, sizeof bytes);
}

static void hear_trailer(uint64_t n)
{
    struct perf_trailer t = {.bytes = n, .time = 1000};
    uint8_t bytes[PERF_TRAILER];
    perf_trailer_write(&t, bytes);
    hear(bytes, sizeof bytes);
}

static const struct perf_header up = {.mode = PERF_BULK, .direction = PERF_UP, .bytes = 1000};
static const struct perf_header down = {.mode = PERF_BULK, .direction = PERF_DOWN, .bytes = 1000};
static const struct perf_header rr = {
    .mode = PERF_RR, .direction = PERF_UP, .request = 10, .response = 20};
static const struct perf_header crr = {
    .mode = PERF_CRR, .direction = PERF_UP, .request = 10, .response = 20};
static const uint8_t zeros[1200];

static void a_client_sends_and_hears_the_result(void **state)
{
    start(true, &up);
    run();
    assert_int_equal(net.out_n, PERF_HEADER + 1000);
    assert_true(net.shut);
    assert_int_equal(f.state, PERF_TRAILER_IN);
    hear_trailer(990);
    net.in_end = true;
    run();
    assert_int_equal(f.state, PERF_DONE);
    assert_int_equal(f.result.bytes, 990); /* the receiver's word counts */
}

static void a_server_receives_and_tells(void **state)
{
    struct perf_trailer t;
    start(false, NULL);
    hear_header(&up);
    hear(zeros, 600);
    run();
    assert_int_equal(f.state, PERF_RECV);
    hear(zeros, 400);
    net.in_end = true;
    run();
    assert_int_equal(f.state, PERF_DONE);
    assert_true(net.shut);
    assert_int_equal(net.out_n, PERF_TRAILER);
    assert_null(perf_trailer_read(net.out, &t));
    assert_int_equal(t.bytes, 1000);
}

static void a_header_may_come_in_bytes(void **state)
{
    uint8_t bytes[PERF_HEADER];
    perf_header_write(&down, bytes);
    start(false, NULL);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(f.state, PERF_HEADER_IN);
        hear(bytes + i, 1);
        run();
    }
    assert_int_equal(net.out_n, 1000);
    assert_int_equal(f.state, PERF_TRAILER_IN);
}

static void little_room_is_enough(void **state)
{
    start(true, &up);
    for (net.room = 1; net.room <= PERF_HEADER + 1000; net.room++)
        run();
    assert_int_equal(net.out_n, PERF_HEADER + 1000);
    assert_int_equal(f.out, 1000);
}

static void a_receiver_may_have_enough(void **state)
{
    start(false, NULL);
    hear_header(&down);
    net.room = 100;
    run();
    assert_int_equal(f.state, PERF_SEND);
    hear_trailer(90);
    net.in_end = true;
    run();
    assert_int_equal(f.state, PERF_DONE);
    assert_int_equal(net.out_n, 100);
    assert_int_equal(f.result.bytes, 90);
}

static void a_client_that_is_stopped_tells_what_it_has(void **state)
{
    struct perf_trailer t;
    start(true, &down);
    hear(zeros, 300);
    run();
    perf_flow_stop(&f);
    hear(zeros, 100); /* still on its way */
    net.in_end = true;
    run();
    assert_int_equal(f.state, PERF_DONE);
    assert_null(perf_trailer_read(net.out + PERF_HEADER, &t));
    assert_int_equal(t.bytes, 300);
}

static void requests_are_answered(void **state)
{
    start(false, NULL);
    hear_header(&rr);
    hear(zeros, 15);
    run();
    assert_int_equal(net.out_n, 20);
    hear(zeros, 5);
    run();
    assert_int_equal(net.out_n, 40);
    assert_false(net.shut);
    net.in_end = true;
    run();
    assert_int_equal(f.state, PERF_DONE);
    assert_int_equal(f.requests, 2);
    start(false, NULL);
    hear_header(&crr);
    hear(zeros, 10);
    run();
    assert_true(net.shut); /* one only, and the server closes first */
}

static void requests_are_asked(void **state)
{
    static struct perf_latency l;
    start(true, &rr);
    f.latency = &l;
    f.requests_max = 2;
    run();
    assert_int_equal(net.out_n, PERF_HEADER + 10);
    hear(zeros, 19);
    run();
    assert_int_equal(net.out_n, PERF_HEADER + 10);
    hear(zeros, 1);
    run();
    assert_int_equal(net.out_n, PERF_HEADER + 20);
    hear(zeros, 20);
    run();
    assert_true(net.shut);
    assert_int_equal(l.n, 2);
}

/* What a peer says against the rules ends the connection with a word, and nothing is sent. */
static void expect_failure(const char *word)
{
    run();
    assert_int_equal(f.state, PERF_FAILED);
    if (!strstr(f.why, word))
        fail_msg("'%s' has no '%s'", f.why, word);
}

static void hostile_peers_of_a_server(void **state)
{
    start(false, NULL);
    hear("GET / HTTP/1.1\r\nHost: 192.0.2.7\r\nAccept: */*\r\n\r\n", 49);
    expect_failure("does not speak");
    start(false, NULL);
    net.in_end = true;
    expect_failure("before it said");
    start(false, NULL);
    hear_header(&up);
    hear(zeros, 1001);
    expect_failure("more than it said");
    assert_int_equal(net.out_n, 0);
    start(false, NULL);
    hear_header(&rr);
    hear(zeros, 5);
    net.in_end = true;
    expect_failure("within a request");
    start(false, NULL);
    hear_header(&crr);
    hear(zeros, 11);
    expect_failure("more than the test");
    start(false, NULL);
    hear_header(&down);
    hear(zeros, PERF_TRAILER);
    expect_failure("no result");
    start(false, NULL);
    f.born -= 11 * PLAIT_SEC;
    assert_true(perf_flow_deadline(&f) < perf_now());
    expect_failure("did not say");
}

static void a_peer_that_rests_is_let_go(void **state)
{
    const struct perf_header *const kinds[] = {&up, &down, &rr};
    for (size_t i = 0; i < 3; i++) {
        start(false, NULL);
        hear_header(kinds[i]);
        net.room = 100;
        hear(zeros, 5);
        run();
        if (i == 1)
            net.in_n = net.in_at = 0;
        f.moved -= 119 * PLAIT_SEC;
        run();
        assert_false(perf_flow_ended(&f));
        f.moved -= PLAIT_SEC;
        assert_true(perf_flow_deadline(&f) <= perf_now());
        expect_failure("nothing moved");
        assert_int_equal(f.conn.error, PLAIT_ETIMEDOUT);
    }
}

static void hostile_peers_of_a_client(void **state)
{
    start(true, &up);
    net.in_end = true;
    expect_failure("without telling");
    start(true, &up);
    hear(zeros, 5);
    net.in_end = true;
    expect_failure("without telling");
    start(true, &up);
    hear_trailer(1000);
    hear(zeros, 1);
    expect_failure("more than the test");
    start(true, &down);
    hear(zeros, 1001);
    expect_failure("more than it said");
    start(true, &rr);
    net.in_end = true;
    expect_failure("within a request");
}

/* Whatever a server hears, it comes to an end, or sends what it was asked for. */
static void noise(void **state)
{
    srand(1);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[PERF_HEADER + 64];
        const struct perf_header *const kinds[] = {&up, &down, &rr, &crr};
        start(false, NULL);
        perf_header_write(kinds[rand() % 4], bytes);
        memset(bytes + PERF_HEADER, rand() & 0xff, 64);
        for (int flips = rand() % 3; flips > 0; flips--)
            bytes[(size_t)rand() % sizeof bytes] = (uint8_t)rand();
        hear(bytes, (size_t)rand() % sizeof bytes);
        net.in_end = true;
        for (int turn = 0; turn < 100; turn++) {
            (void)perf_flow_run(&f, &set);
            net.out_n = 0; /* a peer that reads on */
        }
        assert_true(perf_flow_ended(&f) || f.state == PERF_SEND || f.state == PERF_PUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_sends_and_hears_the_result),
        cmocka_unit_test(a_server_receives_and_tells),
        cmocka_unit_test(a_header_may_come_in_bytes),
        cmocka_unit_test(little_room_is_enough),
        cmocka_unit_test(a_receiver_may_have_enough),
        cmocka_unit_test(a_client_that_is_stopped_tells_what_it_has),
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(requests_are_asked),
        cmocka_unit_test(hostile_peers_of_a_server),
        cmocka_unit_test(a_peer_that_rests_is_let_go),
        cmocka_unit_test(hostile_peers_of_a_client),
        cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

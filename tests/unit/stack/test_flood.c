/* SPDX-License-Identifier: Apache-2.0 */
/* Floods: SYNs and joins from addresses that do not exist, hundreds of thousands each second, while
 * a client goes about its business over a path of some milliseconds. PLAIT_FLOOD sets how many. */
#include "kit.h"

#include "base/be.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVERY = 200,          /* flood packets between two looks at the client's packets */
    QUEUE_MAX = 512,
    TRANSFER = 20000,     /* bytes of each connection, each way */
    STATE_MAX = 4 << 20,  /* bytes that the server may ever hold */
};

struct packet {
    size_t len;
    uint8_t bytes[1600];
};

struct scene {
    struct kit server, client;
    struct plait_listener *listener;
    struct packet queue[QUEUE_MAX]; /* from the server to the client */
    unsigned queued;
    struct plait_conn *a, *b; /* the client's connection and the server's end */
    size_t sent, echoed, got;
    uint64_t done; /* connections that transferred all and ended */
    uint64_t dice, answers;
};

static uint64_t flood_size(void)
{
    const char *env = getenv("PLAIT_FLOOD");
#if defined(__SANITIZE_ADDRESS__)
    uint64_t n = 50000;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    uint64_t n = 50000;
#else
    uint64_t n = 1000000;
#endif
#else
    uint64_t n = 1000000;
#endif

    return env != NULL ? strtoull(env, NULL, 10) : n;
}

static uint64_t roll(struct scene *sc)
{
    uint64_t z = sc->dice += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    return z ^ (z >> 31);
}

static void scene_init(struct scene *sc)
{
    memset(sc, 0, sizeof *sc);
    kit_init(&sc->server, 1, NULL);
    kit_init(&sc->client, 2, NULL);
    sc->server.stack->cfg.check_invariants = false; /* they walk over everything */
    sc->client.stack->cfg.check_invariants = false;
    sc->listener = kit_listen(&sc->server, 80);
}

static void scene_fini(struct scene *sc)
{
    assert_true(stack_check(sc->server.stack));
    kit_fini(&sc->client);
    kit_fini(&sc->server);
}

/* ---- the network ----------------------------------------------------------------------------- */

static bool is_for_client(const struct packet *p)
{
    return p->bytes[16] == 10 && p->bytes[17] == 0 && p->bytes[18] == 0 &&
           (p->bytes[19] == 2 || p->bytes[19] == 3);
}

/* What the server says to strangers gets lost. */
static void drain_server(struct scene *sc)
{
    assert_true(sc->queued < QUEUE_MAX);
    struct packet *p = &sc->queue[sc->queued];

    while ((p->len = kit_take(&sc->server, p->bytes, sizeof p->bytes)) > 0) {
        if (!is_for_client(p)) {
            sc->answers++;
            continue;
        }
        assert_true(sc->queued + 1 < QUEUE_MAX);
        p = &sc->queue[++sc->queued];
    }
}

static void carry_client(struct scene *sc)
{
    struct packet p;

    for (unsigned i = 0; i < sc->queued; i++)
        kit_give(&sc->client, sc->queue[i].bytes, sc->queue[i].len);
    sc->queued = 0;
    while ((p.len = kit_take(&sc->client, p.bytes, sizeof p.bytes)) > 0) {
        kit_give(&sc->server, p.bytes, p.len);
        drain_server(sc);
    }
}

static void pass_time(struct scene *sc, plait_time us)
{
    sc->server.now += us;
    sc->client.now += us;
    if (plait_deadline(sc->server.stack) <= sc->server.now)
        plait_tick(sc->server.stack, sc->server.now);
    if (plait_deadline(sc->client.stack) <= sc->client.now)
        plait_tick(sc->client.stack, sc->client.now);
}

/* ---- the client's business ------------------------------------------------------------------- */

static void work_server(struct scene *sc)
{
    char buf[4096];
    int64_t n;

    if (sc->b == NULL)
        sc->b = plait_accept(sc->listener);
    if (sc->b == NULL)
        return;
    while ((n = plait_recv(sc->b, buf, sizeof buf, sc->server.now)) > 0) {
        assert_int_equal(plait_send(sc->b, buf, (size_t)n, sc->server.now), n);
        sc->echoed += (size_t)n;
    }
}

static void work_client(struct scene *sc)
{
    char buf[4096];
    int64_t n = 0;

    if (sc->sent < TRANSFER) {
        for (size_t i = 0; i < sizeof buf; i++)
            buf[i] = (char)((sc->sent + i) * 7);
        size_t want = TRANSFER - sc->sent < sizeof buf ? TRANSFER - sc->sent : sizeof buf;
        n = plait_send(sc->a, buf, want, sc->client.now);
        sc->sent += n > 0 ? (size_t)n : 0;
    }
    while ((n = plait_recv(sc->a, buf, sizeof buf, sc->client.now)) > 0) {
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(buf[i], (char)((sc->got + (size_t)i) * 7));
        sc->got += (size_t)n;
    }
    assert_true(n == PLAIT_EAGAIN || n == 0);
}

static void connect_client(struct scene *sc)
{
    struct plait_connect how = {.remote = kit_addr(1, 80)};

    sc->sent = sc->echoed = sc->got = 0;
    assert_int_equal(plait_connect(sc->client.stack, &how, sc->client.now, &sc->a), 0);
}

static void end_connection(struct scene *sc)
{
    struct plait_conn_info info;

    plait_conn_info(sc->b, &info);
    assert_true(info.multipath);
    plait_abort(sc->a, sc->client.now);
    plait_release(sc->a, sc->client.now);
    carry_client(sc);
    plait_release(sc->b, sc->server.now);
    carry_client(sc);
    sc->a = sc->b = NULL;
    sc->done++;
}

/* One connection after the other. */
static void business(struct scene *sc)
{
    struct plait_event ev;

    if (sc->a == NULL)
        connect_client(sc);
    while (plait_event_next(sc->client.stack, &ev))
        if (ev.type == PLAIT_EVENT_CLOSED && ev.conn == sc->a)
            fail_msg("the client lost its connection");
    work_server(sc);
    work_client(sc);
    carry_client(sc);
    if (sc->got < TRANSFER)
        return;
    end_connection(sc);
}

/* ---- the floods ------------------------------------------------------------------------------ */

static struct kit_seg spoofed(struct scene *sc, uint64_t r)
{
    struct plait_addr from = {.family = 4, .port = (uint16_t)(r | 1024)}, to = kit_addr(1, 80);
    struct kit_seg s;

    be32_store(from.ip, 0x40000000 | (uint32_t)(r >> 34));
    s = kit_syn(&from, &to);
    s.seq = (uint32_t)roll(sc);
    s.opt.has_ts = (r & 3) != 0;
    s.opt.tsval = (uint32_t)(r >> 8);
    return s;
}

/* RFC 4987 2.1: a million SYNs from nowhere, 200,000 each second. */
static void test_syn_flood(void **state)
{
    struct scene *sc = test_malloc(sizeof *sc);
    uint64_t n = flood_size();

    scene_init(sc);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t r = roll(sc);
        struct kit_seg s = spoofed(sc, r);
        if ((r & 16) != 0) {
            s.mp.present = 1u << WIRE_MP_CAPABLE;
            s.mp.capable = (struct wire_mp_capable){.version = 1, .flags = WIRE_CAP_H, .len = 4};
        }
        assert_int_equal(kit_input(&sc->server, &s), PLAIT_REASON_NONE);
        drain_server(sc);
        pass_time(sc, 5);
        if (i % EVERY == 0 && i > 2 * sc->server.stack->cfg.half_open_max)
            business(sc);
    }
    assert_true(sc->answers >= n);
    assert_true(sc->done >= n / 5000);
    assert_true(plait_counter(sc->server.stack, PLAIT_REASON_COOKIE_ACCEPTED) >= sc->done);
    assert_int_equal(plait_counter(sc->server.stack, PLAIT_REASON_HALF_EVICTED), 0);
    assert_in_range(sc->server.peak, 1, STATE_MAX);
    scene_fini(sc);
    test_free(sc);
}

static uint32_t token_of(const struct plait_conn *c)
{
    struct plait_conn_info info;

    plait_conn_info(c, &info);
    return info.token_local;
}

static uint8_t subflows(const struct plait_conn *c)
{
    struct plait_conn_info info;

    plait_conn_info(c, &info);
    return info.subflow_n;
}

/* A connection transfers; when the flood has taken all places of half-open joins the client gets a
 * second address, and when its join got through the next connection begins. */
static void join_business(struct scene *sc)
{
    struct plait_local second = {
        .addr = kit_addr(3, 0), .id = 2, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500};

    if (sc->a == NULL)
        connect_client(sc);
    work_server(sc);
    work_client(sc);
    carry_client(sc);
    if (sc->got < TRANSFER || sc->b->half_joins < STACK_HALF_JOINS_MAX)
        return;
    plait_local_add(sc->client.stack, &second, sc->client.now);
    carry_client(sc);
    if (subflows(sc->b) < 2)
        return;
    end_connection(sc);
    assert_int_equal(plait_local_del(sc->client.stack, 2, sc->client.now), 0);
}

/* RFC 7430 3: a million joins with the token of the connection that is alive. */
static void test_join_flood(void **state)
{
    struct scene *sc = test_malloc(sizeof *sc);
    uint64_t n = flood_size(), i = 0;

    scene_init(sc);
    while (i < n) {
        pass_time(sc, 5);
        if (i % EVERY == 0 || sc->b == NULL)
            join_business(sc);
        if (sc->b == NULL)
            continue;
        uint64_t r = roll(sc);
        struct kit_seg s = spoofed(sc, r);
        s.mp.present = 1u << WIRE_MP_JOIN;
        s.mp.join = (struct wire_mp_join){
            .len = 12, .addr_id = (uint8_t)r, .token = token_of(sc->b), .nonce = (uint32_t)r};
        enum plait_reason why = kit_input(&sc->server, &s);
        assert_true(why == PLAIT_REASON_NONE || why == PLAIT_REASON_JOIN_STATE);
        drain_server(sc);
        i++;
    }
    assert_true(sc->done >= n / 10000);
    assert_in_range(plait_counter(sc->server.stack, PLAIT_REASON_COOKIE_ACCEPTED), sc->done,
                    sc->done + 1);
    assert_true(plait_counter(sc->server.stack, PLAIT_REASON_COOKIE_SENT) > n / 2);
    assert_in_range(sc->server.peak, 1, STATE_MAX);
    scene_fini(sc);
    test_free(sc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syn_flood),
        cmocka_unit_test(test_join_flood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

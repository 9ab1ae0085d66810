/* SPDX-License-Identifier: Apache-2.0 */
/* What the hosts of several threads share: ports that lead back, letters from thread to thread, and
 * two hosts with three threads each over loopback. */
#include "netns.h"

#include "driver/addr.h"
#include "driver/host.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 5000, LETTERS = 20000, WRITERS = 3 };

static void no_warning(void *ctx, const char *text)
{
    fail_msg("warned: %s", text);
}

static struct drv_host_config config_of(bool listening, const char *peer)
{
    struct drv_host_config config = {
        .paths = {.automatic = true, .listening = listening},
        .port = listening ? PORT : 0,
        .offload = true,
        .warn = no_warning,
    };

    plait_config_init(&config.stack);
    config.stack.time_wait = 10 * PLAIT_MSEC;
    config.stack.check_invariants = true;
    if (peer) {
        assert_true(drv_addr_parse(peer, &config.paths.peer));
        config.paths.peer.port = PORT;
    }
    return config;
}

static struct drv_shards *make(const struct drv_host_config *config, unsigned n)
{
    struct drv_error err;
    struct drv_shards *s = drv_shards_new(config, n, &err);

    if (!s)
        fail_msg("%s", err.text);
    return s;
}

/* ---- ports ---------------------------------------------------------------------------------- */

static void own_ports_lead_back(void **state)
{
    struct drv_host_config config = config_of(false, "127.0.0.1");
    struct drv_shards *s;

    netns_enter();
    config.more_ports = 5;
    s = make(&config, 7);
    for (unsigned i = 0; i < 7; i++) {
        struct drv_ports ports;
        drv_ports_init(&ports, true);
        drv_shards_ports(s, i, &ports);
        assert_int_equal(ports.n, 7 * 6);
        for (size_t k = 0; k < ports.n; k++)
            assert_int_equal(plait_shard_of_ports(ports.number[k], PORT, 7) == i, k < 6);
    }
    drv_shards_free(s);
}

static void one_port_of_all(void **state)
{
    struct drv_host_config config = config_of(true, NULL);
    struct drv_shards *s;
    struct drv_error err;

    netns_enter();
    s = make(&config, 4);
    for (unsigned i = 0; i < 4; i++) {
        struct drv_ports ports;
        drv_ports_init(&ports, true);
        drv_shards_ports(s, i, &ports);
        assert_true(ports.n == 1 && ports.number[0] == PORT);
    }
    assert_null(drv_shards_new(&config, 2, &err)); /* it is taken */
    assert_int_equal(err.fault, DRV_FAULT_SYSTEM);
    drv_shards_free(s);
    config.port = 0;
    config.more_ports = 100;
    assert_null(drv_shards_new(&config, 4, &err));
    assert_int_equal(err.fault, DRV_FAULT_USAGE);
}

/* ---- letters -------------------------------------------------------------------------------- */

struct writer {
    struct drv_shards *s;
    unsigned i;
    unsigned lost;
};

/* Packets and news in turn, each with its number. */
static void *write_letters(void *arg)
{
    struct writer *w = arg;

    for (uint32_t k = 0; k < LETTERS; k++) {
        uint8_t bytes[100] = {(uint8_t)(w->i + 1), (uint8_t)(k >> 16), (uint8_t)(k >> 8),
                              (uint8_t)k};
        struct plait_in in = {.ip = bytes, .len = 4 + k % 90, .ifindex = k, .handed = 2};
        struct plait_shard_news news = {.from = (uint8_t)(w->i + 1), .remote.port = (uint16_t)k};
        if (k % 2 == 0)
            w->lost += !drv_shards_hand(w->s, &in);
        else
            w->lost += !drv_shards_tell(w->s, &news);
    }
    return NULL;
}

static unsigned check_letter(const struct drv_letter *l, uint32_t next[WRITERS])
{
    unsigned from = (l->len > 0 ? l->bytes[0] : l->news.from) - 1u;
    uint32_t k = next[from]++;

    assert_true(from < WRITERS);
    assert_int_equal(l->len > 0, k % 2 == 0);
    if (l->len == 0) {
        assert_int_equal(l->news.remote.port, (uint16_t)k);
        return 1;
    }
    assert_int_equal(l->len, 4 + k % 90);
    assert_int_equal(l->ifindex, k);
    assert_int_equal(l->handed, 2);
    assert_int_equal((uint32_t)l->bytes[1] << 16 | (uint32_t)l->bytes[2] << 8 | l->bytes[3], k);
    return 1;
}

/* Three threads write to one, which sleeps until something comes: nothing is lost, and what one of
 * them wrote comes in its order. */
static void letters_come_in_order(void **state)
{
    struct drv_host_config config = config_of(true, NULL);
    struct writer writer[WRITERS];
    pthread_t thread[WRITERS];
    uint32_t next[WRITERS] = {0};
    unsigned n = 0;

    netns_enter();
    struct drv_shards *s = make(&config, WRITERS + 1);
    for (unsigned i = 0; i < WRITERS; i++) {
        writer[i] = (struct writer){.s = s, .i = i};
        assert_int_equal(pthread_create(&thread[i], NULL, write_letters, &writer[i]), 0);
    }
    while (n < WRITERS * LETTERS) {
        struct pollfd fd = {.fd = drv_shards_fd(s, 0), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 10000), 1);
        drv_shards_heard(s, 0);
        for (struct drv_letter *l = drv_shards_take(s, 0), *after; l; l = after) {
            after = l->next;
            n += check_letter(l, next);
            free(l);
        }
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(writer[i].lost, 0);
    }
    drv_shards_free(s);
}

/* Packets wait as they would in a socket: some, and then no more. News always gets through. */
static void an_inbox_has_an_end(void **state)
{
    static uint8_t bytes[65000];
    struct drv_host_config config = config_of(true, NULL);
    struct plait_in in = {.ip = bytes, .len = sizeof bytes, .shard = 1};
    struct plait_shard_news news = {.to = 1};
    unsigned n = 0;

    netns_enter();
    struct drv_shards *s = make(&config, 2);
    while (drv_shards_hand(s, &in))
        assert_true(++n < 1000);
    assert_in_range(n, 100, 300);
    assert_true(drv_shards_tell(s, &news));
    for (struct drv_letter *l = drv_shards_take(s, 1), *after; l; l = after) {
        after = l->next;
        n -= l->len > 0;
        free(l);
    }
    assert_int_equal(n, 0);
    assert_true(drv_shards_hand(s, &in));
    drv_shards_free(s); /* with a letter in it */
}

/* ---- threads -------------------------------------------------------------------------------- */

enum { SHARDS = 3, BYTES = 300000, CONNS = 4, PORTS_EACH = 3 };

struct end {
    struct drv_host *host;
    struct plait_listener *listener; /* NULL: it connects */
    struct plait_conn *conn[CONNS * SHARDS * 2];
    unsigned conn_n, closed;
    uint64_t sent[CONNS * SHARDS * 2], received;
    bool shut[CONNS * SHARDS * 2];
    unsigned *ended; /* of all ends, how many clients have all that they wanted */
};

static void pump(struct end *e, unsigned i)
{
    static const uint8_t bytes[16384];
    uint8_t buf[16384];
    plait_time now = drv_host_now(e->host);
    int64_t n;

    while (!e->listener && e->sent[i] < BYTES) {
        uint64_t left = BYTES - e->sent[i];
        n = plait_send(e->conn[i], bytes, left < sizeof bytes ? (size_t)left : sizeof bytes, now);
        if (n <= 0)
            break;
        e->sent[i] += (uint64_t)n;
    }
    while ((n = plait_recv(e->conn[i], buf, sizeof buf, now)) > 0) {
        e->received += (uint64_t)n;
        if (e->listener) /* sends back the number of bytes, one for each 1000 */
            for (uint64_t k = 0; k < (e->sent[i] + (uint64_t)n) / 1000 - e->sent[i] / 1000; k++)
                (void)plait_send(e->conn[i], buf, 1, now);
        if (e->listener)
            e->sent[i] += (uint64_t)n;
    }
    if (n == 0 && e->listener)
        (void)plait_shutdown(e->conn[i], now);
}

static void take_events(struct end *e)
{
    struct plait_event ev;

    while (plait_event_next(drv_host_stack(e->host), &ev)) {
        if (ev.type == PLAIT_EVENT_ACCEPTED) {
            struct plait_conn *c;
            while ((c = plait_accept(e->listener)) != NULL)
                e->conn[e->conn_n++] = c;
            continue;
        }
        for (unsigned i = 0; i < e->conn_n; i++)
            if (e->conn[i] == ev.conn)
                pump(e, i);
        if (ev.type == PLAIT_EVENT_CLOSED) {
            e->closed++;
            if (!e->listener && e->closed == CONNS)
                (void)__atomic_add_fetch(e->ended, 1, __ATOMIC_ACQ_REL);
        }
    }
}

/* A join that comes after the end would be refused, and rightly so. */
static bool has_joined(const struct plait_conn *c)
{
    struct plait_subflow_info s;

    for (uint8_t id = 1; id < PORTS_EACH; id++)
        if (plait_subflow_info(c, id, &s) < 0 || s.state != PLAIT_SUBFLOW_OPEN)
            return false;
    return true;
}

static void shut_down(struct end *e)
{
    for (unsigned i = 0; i < e->conn_n && !e->listener; i++)
        if (e->sent[i] == BYTES && !e->shut[i] && has_joined(e->conn[i])) {
            e->shut[i] = true;
            assert_int_equal(plait_shutdown(e->conn[i], drv_host_now(e->host)), 0);
        }
}

static void *run_end(void *arg)
{
    struct end *e = arg;

    while (__atomic_load_n(e->ended, __ATOMIC_ACQUIRE) < SHARDS) {
        drv_host_step(e->host, 20 * PLAIT_MSEC, NULL, 0);
        take_events(e);
        shut_down(e);
    }
    return NULL;
}

static void make_ends(struct end *end, struct drv_host_config *config, struct drv_shards *s)
{
    struct plait_addr any = {.port = PORT};
    struct drv_error err;

    config->shards = s;
    for (unsigned i = 0; i < SHARDS; i++) {
        config->shard = i;
        end[i].host = drv_host_new(config, &err);
        if (!end[i].host)
            fail_msg("%s", err.text);
        if (config->paths.listening)
            assert_int_equal(
                plait_listen(drv_host_stack(end[i].host), &any, NULL, &end[i].listener), 0);
    }
}

static void start_conns(struct end *e, const struct drv_host_config *config)
{
    for (unsigned k = 0; k < CONNS; k++) {
        struct plait_connect how = {.remote = config->paths.peer};
        struct drv_error err;
        assert_int_equal(drv_host_local_for(e->host, &how.remote, &how.local, &err), 0);
        how.local.port = drv_host_port_at(e->host, k);
        assert_int_equal(plait_connect(drv_host_stack(e->host), &how, drv_host_now(e->host),
                                       &e->conn[e->conn_n++]),
                         0);
    }
}

/* Several subflows for each connection, each from a port of its own: many live away from home. */
static void threads_serve_threads(void **state)
{
    struct drv_host_config listening = config_of(true, NULL);
    struct drv_host_config connecting = config_of(false, "127.0.0.1");
    struct end end[2 * SHARDS] = {0};
    pthread_t thread[2 * SHARDS];
    unsigned ended = 0;
    uint64_t received[2] = {0}, handed = 0, unheard = 0;
    struct drv_shards *s[2];

    netns_enter();
    connecting.more_ports = PORTS_EACH * CONNS - 1;
    connecting.stack.conn.pm = "ndiffports";
    connecting.stack.conn.ports = PORTS_EACH;
    s[0] = make(&listening, SHARDS);
    s[1] = make(&connecting, SHARDS);
    make_ends(end, &listening, s[0]);
    make_ends(end + SHARDS, &connecting, s[1]);
    for (unsigned i = 0; i < SHARDS; i++)
        start_conns(&end[SHARDS + i], &connecting);
    for (unsigned i = 0; i < 2 * SHARDS; i++) {
        end[i].ended = &ended;
        assert_int_equal(pthread_create(&thread[i], NULL, run_end, &end[i]), 0);
    }
    for (unsigned i = 0; i < 2 * SHARDS; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (unsigned i = 2 * SHARDS; i-- > 0;) {
        struct drv_host_counters counters;
        struct drv_error err;
        drv_host_counters(end[i].host, &counters);
        handed += counters.handed;
        unheard += counters.unheard;
        received[i / SHARDS] += end[i].received;
        assert_int_equal(
            plait_counter(drv_host_stack(end[i].host), PLAIT_REASON_JOIN_TOKEN), 0);
        assert_true(drv_host_free(end[i].host, &err));
    }
    assert_true(received[0] == (uint64_t)BYTES * CONNS * SHARDS);
    assert_true(received[1] == (uint64_t)BYTES / 1000 * CONNS * SHARDS);
    assert_int_equal(unheard, 0);
    assert_true(handed > 0);
    drv_shards_free(s[1]);
    drv_shards_free(s[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_ports_lead_back),   cmocka_unit_test(one_port_of_all),
        cmocka_unit_test(letters_come_in_order), cmocka_unit_test(an_inbox_has_an_end),
        cmocka_unit_test(threads_serve_threads),
    };
    return cmocka_run_group_tests_name("driver/shards", tests, NULL, NULL);
}

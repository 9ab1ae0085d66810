/* SPDX-License-Identifier: Apache-2.0 */
/* Two hosts in one process and one namespace, joined by the loopback interface and the kernel. */
#include "netns.h"

#include "driver/addr.h"
#include "driver/host_impl.h"

#include <stdio.h>
#include <string.h>

enum { PORT = 5000, TOTAL = 3000000, STEPS_MAX = 100000 };

static void no_warning(void *ctx, const char *text)
{
    fail_msg("warned: %s", text);
}

static plait_time spin; /* us, of both hosts */

static struct drv_host *make(bool listening, const char *peer)
{
    struct drv_host_config config = {
        .paths = {.automatic = true, .listening = listening},
        .port = listening ? PORT : 0,
        .offload = true,
        .spin = spin,
        .warn = no_warning,
    };
    struct drv_error err;
    struct drv_host *host;

    plait_config_init(&config.stack);
    config.stack.time_wait = 10 * PLAIT_MSEC;
    config.stack.check_invariants = true;
    if (peer)
        assert_true(drv_addr_parse(peer, &config.paths.peer));
    host = drv_host_new(&config, &err);
    if (!host)
        fail_msg("%s", err.text);
    return host;
}

struct ends {
    struct drv_host *server, *client;
    struct plait_listener *listener;
    struct plait_conn *out, *in; /* the client's, the server's */
    uint64_t sent, received;
    bool shut, out_closed, in_closed;
};

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 11 + i / 253);
}

static void send_some(struct ends *e)
{
    uint8_t buf[16384];
    size_t n = TOTAL - e->sent < sizeof buf ? (size_t)(TOTAL - e->sent) : sizeof buf;
    int64_t taken;

    for (size_t i = 0; i < n; i++)
        buf[i] = pattern(e->sent + i);
    taken = n > 0 ? plait_send(e->out, buf, n, drv_host_now(e->client)) : 0;
    if (taken > 0)
        e->sent += (uint64_t)taken;
    if (e->sent == TOTAL && !e->shut) {
        e->shut = true;
        assert_int_equal(plait_shutdown(e->out, drv_host_now(e->client)), 0);
    }
}

/* The server ends its direction when the client has ended its own. */
static void receive_some(struct ends *e)
{
    struct plait_view view;
    int64_t n;

    while ((n = plait_recv_borrow(e->in, &view)) > 0) {
        for (size_t i = 0; i < view.len; i++)
            if (view.data[i] != pattern(e->received + i))
                fail_msg("wrong byte at %llu", (unsigned long long)(e->received + i));
        e->received += view.len;
        plait_recv_done(e->in, view.len, drv_host_now(e->server));
    }
    if (n == 0)
        (void)plait_shutdown(e->in, drv_host_now(e->server));
}

static void take_events(struct ends *e, struct drv_host *host)
{
    struct plait_event ev;

    while (plait_event_next(drv_host_stack(host), &ev)) {
        if (ev.type == PLAIT_EVENT_ACCEPTED)
            e->in = plait_accept(e->listener);
        if (ev.type == PLAIT_EVENT_CLOSED) {
            enum plait_reason why;
            int rc = plait_conn_error(ev.conn, &why);
            if (rc != 0)
                fail_msg("closed: %s (%s)", plait_strerror(rc), plait_reason_text(why));
            e->out_closed = e->out_closed || ev.conn == e->out;
            e->in_closed = e->in_closed || ev.conn == e->in;
        }
    }
}

static void transfer(const char *peer)
{
    struct plait_addr any = {.port = PORT};
    struct plait_connect how = {0};
    struct drv_host_counters counters;
    struct plait_conn_info info;
    struct drv_error err;
    struct ends e = {0};

    netns_enter();
    e.server = make(true, NULL);
    e.client = make(false, peer);
    assert_int_equal(plait_listen(drv_host_stack(e.server), &any, NULL, &e.listener), 0);
    assert_true(drv_addr_parse(peer, &how.remote));
    how.remote.port = PORT;
    assert_int_equal(drv_host_local_for(e.client, &how.remote, &how.local, &err), 0);
    assert_int_equal(how.local.port, drv_host_port(e.client));
    assert_string_equal(drv_host_ifname_of(e.client, &how.local), "lo");
    assert_int_equal(plait_connect(drv_host_stack(e.client), &how, drv_host_now(e.client), &e.out),
                     0);
    for (int step = 0; step < STEPS_MAX && !(e.out_closed && e.in_closed); step++) {
        drv_host_step(e.client, PLAIT_MSEC, NULL, 0);
        drv_host_step(e.server, PLAIT_MSEC, NULL, 0);
        take_events(&e, e.client);
        take_events(&e, e.server);
        send_some(&e);
        if (e.in)
            receive_some(&e);
    }
    assert_int_equal(e.received, TOTAL);
    assert_true(e.out_closed && e.in_closed);
    plait_conn_info(e.out, &info);
    assert_true(info.multipath);
    drv_host_counters(e.client, &counters);
    assert_int_equal(counters.link.out_error + counters.link.in_truncated, 0);
    assert_int_equal(counters.routes.no_route + counters.not_ours, 0);
    /* Super-segments: far fewer frames than packets of any link's size would be. */
    assert_true(counters.link.frames_out < TOTAL / 1460);
    assert_true(drv_host_free(e.client, &err));
    assert_true(drv_host_free(e.server, &err));
}

static void v4(void **state)
{
    transfer("127.0.0.1");
}

static void v6(void **state)
{
    transfer("::1");
}

/* A host that spins has the ring, which costs no system call to look at, and no less comes through
 * where the two share a thread and no spin is ever of use. */
static void spins_over_a_ring(void **state)
{
    struct drv_host *host;
    struct drv_error err;

    spin = 50;
    transfer("127.0.0.1");
    transfer("::1");
    host = make(true, NULL);
    assert_ptr_equal(host->config.driver, drv_driver_find("afpacket-ring"));
    assert_true(drv_host_free(host, &err));
    spin = 0;
    host = make(true, NULL);
    assert_ptr_equal(host->config.driver, drv_driver_find("auto"));
    assert_true(drv_host_free(host, &err));
}

/* An event that the program's own call has made: a step that slept would not come back. */
static void does_not_sleep_on_news(void **state)
{
    struct plait_connect how = {0};
    struct plait_conn *conn;
    struct plait_event ev;
    struct drv_host *host;
    struct drv_error err;

    netns_enter();
    host = make(false, "127.0.0.1");
    assert_true(drv_addr_parse("127.0.0.1", &how.remote));
    how.remote.port = PORT;
    assert_int_equal(drv_host_local_for(host, &how.remote, &how.local, &err), 0);
    assert_int_equal(plait_connect(drv_host_stack(host), &how, drv_host_now(host), &conn), 0);
    plait_abort(conn, drv_host_now(host));
    drv_host_step(host, PLAIT_NEVER, NULL, 0);
    do
        assert_true(plait_event_next(drv_host_stack(host), &ev));
    while (ev.type != PLAIT_EVENT_CLOSED);
    assert_ptr_equal(ev.conn, conn);
    assert_true(drv_host_free(host, &err));
}

static void says_what_is_wrong(void **state)
{
    struct drv_host_config config = {.paths = {.path_n = 1}, .pcap = "/nonexistent/x"};
    struct drv_error err;

    netns_enter();
    plait_config_init(&config.stack);
    assert_true(drv_path_parse("eth9", &config.paths.path[0]));
    assert_null(drv_host_new(&config, &err));
    assert_int_equal(err.fault, DRV_FAULT_USAGE);
    assert_true(drv_path_parse("lo", &config.paths.path[0]));
    assert_null(drv_host_new(&config, &err));
    assert_non_null(strstr(err.text, "/nonexistent/x"));
}

/* The stack's local addresses follow the interfaces and the user. */
static void follows_changes(void **state)
{
    struct plait_addr a, b;
    struct drv_path path;
    struct drv_error err;
    struct drv_host *host;

    netns_enter();
    netns_run(
        "ip link add near type veth peer name far && ip link set near up && ip link set far up");
    host = make(true, NULL);
    assert_true(drv_addr_parse("10.9.0.1", &a));
    assert_true(drv_addr_parse("10.9.0.3", &b));
    assert_string_equal(drv_host_ifname_of(host, &a), "?");
    netns_run("ip addr add 10.9.0.1/24 dev near && ip addr add 10.9.0.3/24 dev far");
    drv_host_step(host, 0, NULL, 0);
    assert_string_equal(drv_host_ifname_of(host, &a), "near");
    assert_string_equal(drv_host_ifname_of(host, &b), "far");
    assert_int_equal(drv_host_path_del(host, "near", &err), 0);
    assert_string_equal(drv_host_ifname_of(host, &a), "?");
    assert_true(drv_path_parse("near", &path));
    assert_int_equal(drv_host_path_add(host, &path, &err), 0);
    assert_string_equal(drv_host_ifname_of(host, &a), "near");
    netns_run("ip link del near");
    drv_host_step(host, 0, NULL, 0);
    assert_string_equal(drv_host_ifname_of(host, &a), "?");
    assert_string_equal(drv_host_ifname_of(host, &b), "?");
    assert_int_equal(drv_host_path_add(host, &path, &err), -1);
    assert_true(drv_host_free(host, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4),
        cmocka_unit_test(v6),
        cmocka_unit_test(spins_over_a_ring), cmocka_unit_test(does_not_sleep_on_news),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(follows_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

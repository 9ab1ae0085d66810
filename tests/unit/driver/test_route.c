/* SPDX-License-Identifier: Apache-2.0 */
/* The route cache over a real kernel: a neighbour is asked for, the SYN waits, and goes out when
 * the answer comes. */
#include "netns.h"

#include "driver/addr.h"
#include "driver/route.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct plait_addr addr(const char *text)
{
    struct plait_addr a;
    assert_true(drv_addr_parse(text, &a));
    return a;
}

static int wait_for_end(int fd)
{
    char byte;
    return (int)read(fd, &byte, 1);
}

static void on_neigh(void *ctx, const struct drv_neigh *n)
{
    drv_routes_neigh(ctx, n);
}

static struct drv_netmon *mon;
static struct drv_routes *routes;

static void open_all(bool strict)
{
    struct drv_error err;
    mon = drv_netmon_open(&err);
    assert_non_null(mon);
    routes = drv_routes_new(mon, strict);
    assert_non_null(routes);
}

static void close_all(void)
{
    drv_routes_free(routes);
    drv_netmon_close(mon);
}

static struct plait_out packet(const char *src, const char *dst, const char *ifname)
{
    struct plait_out out;
    memset(&out, 0, sizeof out);
    out.src = addr(src);
    out.dst = addr(dst);
    out.ifindex = drv_netmon_find_name(mon, ifname)->ifindex;
    return out;
}

static void syn_waits_for_neighbour(void **state)
{
    static const uint8_t zeros[6];
    struct netns_peer peer;
    struct plait_out out, held;
    struct drv_hop hop;
    struct drv_routes_counters counters;

    netns_enter();
    netns_fork(&peer, wait_for_end);
    open_all(true);
    out = packet("10.9.0.1", "10.9.0.2", "near");
    out.payload_len = 5;
    out.view_n = 2;
    out.view[0] = (struct plait_view){(const uint8_t *)"ab", 2};
    out.view[1] = (struct plait_view){(const uint8_t *)"cde", 3};
    assert_int_equal(drv_routes_find(routes, &out, 1000, &hop), DRV_HOP_WAIT);
    drv_routes_hold(routes, &out);
    assert_false(drv_routes_next_held(routes, 1000, &held, &hop));
    do {
        struct pollfd p = {.fd = drv_netmon_fd(mon), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 5000), 1);
        drv_netmon_read(mon, on_neigh, routes);
    } while (!drv_routes_next_held(routes, 2000, &held, &hop));
    assert_int_equal(hop.ifindex, out.ifindex);
    assert_memory_not_equal(hop.mac, zeros, 6);
    assert_int_equal(held.view_n, 1);
    assert_memory_equal(held.view[0].data, "abcde", 5);
    assert_false(drv_routes_next_held(routes, 2000, &held, &hop));
    assert_int_equal(drv_routes_find(routes, &out, 3000, &hop), DRV_HOP_READY);

    /* The oldest gives way; large packets do not wait at all. */
    out.dst = addr("10.9.0.77");
    for (int i = 0; i < 68; i++) {
        assert_int_equal(drv_routes_find(routes, &out, 4000, &hop), DRV_HOP_WAIT);
        drv_routes_hold(routes, &out);
    }
    out.payload_len = 60000;
    drv_routes_hold(routes, &out);
    drv_routes_counters(routes, &counters);
    assert_int_equal(counters.held, 1 + 68);
    assert_int_equal(counters.unresolved, 4 + 1);
    netns_join(&peer);
    close_all();
}

static void follows_route_changes(void **state)
{
    struct plait_out out;
    struct drv_hop hop;
    struct drv_routes_counters counters;

    netns_enter();
    netns_run(
        "ip link add near type veth peer name p0 && ip link add other type veth peer name p1");
    netns_run("ip addr add 10.9.0.1/24 dev near && ip addr add 10.8.0.1/24 dev other");
    netns_run("for i in near p0 other p1; do ip link set $i up; done");
    open_all(false);
    out = packet("10.8.0.1", "10.9.0.2", "other");
    netns_run("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev near");
    /* No route out of its own interface, so the kernel's choice. */
    assert_int_equal(drv_routes_find(routes, &out, 0, &hop), DRV_HOP_READY);
    assert_int_equal(hop.ifindex, drv_netmon_find_name(mon, "near")->ifindex);
    assert_int_equal(hop.mac[0], 2);
    netns_run("ip route add 10.9.0.2/32 via 10.8.0.254 && "
              "ip neigh add 10.8.0.254 lladdr 02:00:00:00:00:02 dev other");
    assert_true(drv_netmon_read(mon, NULL, NULL) & DRV_NEWS_ROUTES);
    drv_routes_forget(routes);
    assert_int_equal(drv_routes_find(routes, &out, 1, &hop), DRV_HOP_READY);
    assert_int_equal(hop.ifindex, drv_netmon_find_name(mon, "other")->ifindex);
    assert_int_equal(hop.mac[5], 2);
    out.dst = addr("198.51.100.1");
    assert_int_equal(drv_routes_find(routes, &out, 2, &hop), DRV_HOP_NONE);
    out.dst = addr("10.9.0.1"); /* ourselves */
    assert_int_equal(drv_routes_find(routes, &out, 3, &hop), DRV_HOP_READY);
    assert_int_equal(hop.ifindex, drv_netmon_find_name(mon, "lo")->ifindex);
    drv_routes_counters(routes, &counters);
    assert_int_equal(counters.no_route, 1);
    close_all();
}

/* What is asked for each connection is asked of the kernel once. */
static void knows_the_way_to_a_peer(void **state)
{
    struct plait_addr peer = addr("10.9.0.2");
    uint32_t near, other;

    netns_enter();
    netns_run(
        "ip link add near type veth peer name p0 && ip link add other type veth peer name p1");
    netns_run("ip addr add 10.9.0.1/24 dev near && ip addr add 10.8.0.1/24 dev other");
    netns_run("for i in near p0 other p1; do ip link set $i up; done");
    open_all(true);
    near = drv_netmon_find_name(mon, "near")->ifindex;
    other = drv_netmon_find_name(mon, "other")->ifindex;
    assert_int_equal(drv_routes_ifindex(routes, &peer, 0, 0), near);
    assert_int_equal(drv_routes_ifindex(routes, &peer, near, 0), near);
    assert_int_equal(drv_routes_ifindex(routes, &peer, other, 0), 0);
    netns_run("ip route add 10.9.0.2/32 via 10.8.0.254");
    assert_int_equal(drv_routes_ifindex(routes, &peer, 0, 1), near);
    drv_routes_forget(routes);
    assert_int_equal(drv_routes_ifindex(routes, &peer, 0, 1), other);
    peer = addr("10.9.0.1"); /* ourselves */
    assert_int_equal(drv_routes_ifindex(routes, &peer, 0, 2),
                     drv_netmon_find_name(mon, "lo")->ifindex);
    peer = addr("198.51.100.1");
    assert_int_equal(drv_routes_ifindex(routes, &peer, 0, 2), 0);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syn_waits_for_neighbour),
        cmocka_unit_test(follows_route_changes),
        cmocka_unit_test(knows_the_way_to_a_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The mirror of the kernel's state and the questions to it, in a namespace of its own. */
#include "netns.h"

#include "driver/addr.h"
#include "driver/netmon.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static const struct plait_addr any;

static struct plait_addr addr(const char *text)
{
    struct plait_addr a;
    assert_true(drv_addr_parse(text, &a));
    return a;
}

static struct drv_netmon *open_mon(void)
{
    struct drv_error err;
    struct drv_netmon *mon = drv_netmon_open(&err);
    if (!mon)
        fail_msg("%s", err.text);
    return mon;
}

static const struct drv_ifaddr *find_addr(struct drv_netmon *mon, const char *text)
{
    struct plait_addr want = addr(text);
    const struct drv_ifaddr *a;
    for (size_t i = 0; (a = drv_netmon_addr(mon, i)) != NULL; i++)
        if (addr_same_ip(&a->addr, &want))
            return a;
    return NULL;
}

/* The kernel sends news before the command that made them returns. */
static unsigned news(struct drv_netmon *mon)
{
    return drv_netmon_read(mon, NULL, NULL);
}

static void follows_links_and_addresses(void **state)
{
    struct drv_netmon *mon;
    const struct drv_link *link;

    netns_enter();
    mon = open_mon();
    news(mon);
    assert_true(drv_netmon_find_name(mon, "lo")->loopback);
    assert_true(drv_netmon_find_name(mon, "lo")->up);
    assert_non_null(find_addr(mon, "127.0.0.1"));
    assert_null(drv_netmon_find_name(mon, "near"));

    netns_run("ip link add near mtu 1400 type veth peer name far");
    assert_true(news(mon) & DRV_NEWS_ADDRS);
    link = drv_netmon_find_name(mon, "near");
    assert_int_equal(link->mtu, 1400);
    assert_false(link->up);
    assert_true(link->has_neighbours);
    netns_run("ip link set near up && ip link set far up");
    assert_true(netns_wait_up(mon, "near", true));
    netns_run("ip link set far down"); /* no carrier */
    assert_true(netns_wait_up(mon, "near", false));
    netns_run("ip link set far up && ip link set near mtu 1300");
    news(mon);
    link = drv_netmon_find_name(mon, "near");
    assert_int_equal(link->mtu, 1300);
    assert_true(link->gso_max >= 65536);

    netns_run("ip addr add 10.9.0.1/24 dev near && ip addr add 10.9.0.9/24 dev near");
    assert_true(news(mon) & DRV_NEWS_ADDRS);
    assert_true(find_addr(mon, "10.9.0.1")->preferred);
    assert_false(find_addr(mon, "10.9.0.9")->preferred); /* secondary */
    assert_true(drv_netmon_is_local(mon, &find_addr(mon, "10.9.0.9")->addr));
    netns_run("ip addr add fd09::1/64 dev near");
    news(mon);
    assert_true(find_addr(mon, "fd09::1")->tentative);
    assert_false(find_addr(mon, "fd09::1")->usable);
    netns_run("ip addr del 10.9.0.9/24 dev near");
    news(mon);
    assert_null(find_addr(mon, "10.9.0.9"));
    netns_run("ip link del near");
    news(mon);
    assert_null(find_addr(mon, "10.9.0.1"));
    assert_null(drv_netmon_find_name(mon, "near"));
    assert_int_equal(news(mon), 0);
    drv_netmon_close(mon);
}

static void finds_routes(void **state)
{
    struct drv_netmon *mon;
    struct drv_route r;
    struct plait_addr dst = addr("198.51.100.7"), far = addr("10.9.0.2"), own = addr("10.9.0.1");
    struct plait_addr src2 = addr("10.8.0.1"), v6 = addr("2001:db8::7");
    uint32_t near, other;

    netns_enter();
    netns_run(
        "ip link add near type veth peer name p0 && ip link add other type veth peer name p1");
    netns_run("ip addr add 10.9.0.1/24 dev near && ip addr add 10.8.0.1/24 dev other");
    netns_run("ip addr add fd09::1/64 dev near nodad");
    netns_run("for i in near p0 other p1; do ip link set $i up; done");
    mon = open_mon();
    near = drv_netmon_find_name(mon, "near")->ifindex;
    other = drv_netmon_find_name(mon, "other")->ifindex;
    assert_false(drv_netmon_route(mon, &any, &dst, 0, &r));
    assert_true(drv_netmon_route(mon, &any, &far, 0, &r));
    assert_int_equal(r.ifindex, near);
    assert_false(r.has_gateway);
    assert_true(addr_same_ip(&r.next, &far));
    assert_true(addr_same_ip(&r.source, &own));
    /* The kernel would take it for on-link there. */
    assert_false(drv_netmon_route(mon, &src2, &far, other, &r));

    netns_run(
        "ip route add default via 10.9.0.254 && ip route add default via 10.8.0.254 metric 500");
    assert_true(news(mon) & DRV_NEWS_ROUTES);
    assert_true(drv_netmon_route(mon, &any, &dst, 0, &r));
    assert_int_equal(r.ifindex, near);
    assert_true(r.has_gateway);
    assert_int_equal(r.next.ip[3], 254);
    assert_true(drv_netmon_route(mon, &src2, &dst, other, &r));
    assert_int_equal(r.ifindex, other);
    assert_int_equal(r.next.ip[1], 8);

    /* A rule for one source address, and nothing else out of that interface. */
    netns_run(
        "ip route del default via 10.8.0.254 && ip route add default via 10.8.0.253 table 7 && "
        "ip rule add from 10.8.0.1 table 7");
    assert_true(drv_netmon_route(mon, &src2, &dst, other, &r));
    assert_int_equal(r.next.ip[3], 253);
    assert_false(drv_netmon_route(mon, &any, &dst, other, &r));

    assert_true(drv_netmon_route(mon, &any, &own, 0, &r));
    assert_true(r.local);
    netns_run("ip route add unreachable 198.51.100.0/24");
    assert_false(drv_netmon_route(mon, &any, &dst, 0, &r));
    netns_run("ip route add 203.0.113.0/24 via inet6 fd09::5 dev near");
    dst = addr("203.0.113.1");
    assert_true(drv_netmon_route(mon, &any, &dst, 0, &r));
    assert_int_equal(r.next.family, 6);

    assert_false(drv_netmon_route(mon, &any, &v6, 0, &r));
    netns_run("ip -6 route add default via fe80::1 dev near");
    assert_true(drv_netmon_route(mon, &any, &v6, 0, &r));
    assert_int_equal(r.ifindex, near);
    assert_int_equal(r.next.ip[0], 0xfe);
    assert_false(drv_netmon_route(mon, &any, &v6, other, &r));
    drv_netmon_close(mon);
}

static int wait_for_end(int fd)
{
    char byte;
    return (int)read(fd, &byte, 1);
}

static void note_neigh(void *ctx, const struct drv_neigh *n)
{
    struct drv_neigh *last = ctx;
    struct plait_addr far = addr("10.9.0.2");
    if (addr_same_ip(&n->addr, &far) && n->has_mac)
        *last = *n;
}

static void resolves_neighbours(void **state)
{
    struct drv_netmon *mon;
    struct netns_peer peer;
    struct plait_addr far = addr("10.9.0.2"), nobody = addr("10.9.0.77");
    struct drv_neigh n, last = {0};
    uint32_t near;

    netns_enter();
    netns_fork(&peer, wait_for_end);
    mon = open_mon();
    near = drv_netmon_find_name(mon, "near")->ifindex;
    assert_false(drv_netmon_neigh(mon, near, &far, &n) && n.has_mac);
    drv_netmon_resolve(mon, near, &far);
    while (!last.has_mac) {
        struct pollfd p = {.fd = drv_netmon_fd(mon), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 5000), 1);
        drv_netmon_read(mon, note_neigh, &last);
    }
    assert_int_equal(last.ifindex, near);
    assert_true(drv_netmon_neigh(mon, near, &far, &n));
    assert_true(n.has_mac);
    assert_memory_equal(n.mac, last.mac, 6);
    drv_netmon_resolve(mon, near, &nobody);
    assert_true(drv_netmon_neigh(mon, near, &nobody, &n));
    assert_false(n.has_mac);
    netns_join(&peer);
    drv_netmon_close(mon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_links_and_addresses),
        cmocka_unit_test(finds_routes),
        cmocka_unit_test(resolves_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

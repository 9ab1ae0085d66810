/* SPDX-License-Identifier: Apache-2.0 */
/* What the user says about paths, and what comes of it with a real kernel's interfaces. */
#include "netns.h"

#include "driver/addr.h"
#include "driver/paths.h"

#include <string.h>

static void parses(void **state)
{
    struct drv_path p;
    assert_true(drv_path_parse("eth0", &p));
    assert_string_equal(p.ifname, "eth0");
    assert_int_equal(p.addr.family, 0);
    assert_false(p.backup);
    assert_true(drv_path_parse("wlan0=192.0.2.7,backup", &p));
    assert_string_equal(p.ifname, "wlan0");
    assert_int_equal(p.addr.ip[3], 7);
    assert_true(p.backup);
    assert_true(drv_path_parse("e=2001:db8::1", &p));
    assert_int_equal(p.addr.family, 6);
}

static void refuses(void **state)
{
    static const char *const bad[] = {
        "",           "=1.2.3.4", "eth0=",           "eth0=eth1",
        "eth0,spare", "eth0,",    "eth0=1.2.3.4:80", "averyveryverylongname",
        "a/b",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct drv_path p;
        if (drv_path_parse(bad[i], &p))
            fail_msg("'%s' was taken", bad[i]);
    }
}

static struct drv_netmon *mon;

static void open_net(void)
{
    struct drv_error err;

    netns_enter();
    netns_run("ip link add a0 type veth peer name a1 && ip link add b0 type veth peer name b1 && "
              "ip link add c0 type veth peer name c1");
    netns_run("ip addr add 10.1.0.1/24 dev a0 && ip addr add 10.1.0.9/24 dev a0 && "
              "ip addr add 10.2.0.1/24 dev b0 && ip addr add 10.3.0.1/24 dev c0 && "
              "ip addr add fd01::1/64 dev a0 nodad");
    netns_run("for i in a0 a1 b0 b1; do ip link set $i up; done");
    netns_run("ip route add 198.51.100.0/24 via 10.1.0.2 && ip route add 198.51.100.0/24 via "
              "10.2.0.2 metric 9");
    mon = drv_netmon_open(&err);
    assert_non_null(mon);
}

static struct plait_local want[DRV_LOCALS_MAX];

static size_t choose(const struct drv_paths *paths)
{
    struct drv_have have = {NULL, 0};
    return drv_paths_want(paths, mon, have, want);
}

/* Flags of the address, or 255 when it is not wanted. */
static unsigned flags_of(size_t n, const char *text)
{
    struct plait_addr addr;
    assert_true(drv_addr_parse(text, &addr));
    for (size_t i = 0; i < n; i++)
        if (addr_same_ip(&want[i].addr, &addr))
            return want[i].flags;
    return 255;
}

static void client_takes_every_way(void **state)
{
    struct drv_paths paths = {.automatic = true};
    struct plait_local have;
    size_t n;

    open_net();
    assert_true(drv_addr_parse("198.51.100.7", &paths.peer));
    n = choose(&paths);
    assert_int_equal(n, 4);
    assert_int_equal(flags_of(n, "10.3.0.1"), PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_DOWN);
    assert_int_equal(flags_of(n, "127.0.0.1"), 255); /* no way to the peer */
    assert_int_equal(flags_of(n, "10.1.0.1"), PLAIT_LOCAL_SUBFLOW);
    assert_int_equal(flags_of(n, "10.2.0.1"), PLAIT_LOCAL_SUBFLOW);
    assert_int_equal(flags_of(n, "fd01::1"),
                     PLAIT_LOCAL_SUBFLOW);          /* the peer may announce an IPv6 address */
    assert_int_equal(flags_of(n, "10.1.0.9"), 255); /* not another way */
    assert_true(want[0].mtu == 1500 && want[0].gso_max > 60000);
    paths.family = 4;
    assert_int_equal(choose(&paths), 3);

    assert_true(drv_paths_set_backup(&paths, "b0", true));
    assert_true(drv_paths_remove(&paths, "a0"));
    assert_true(drv_paths_remove(&paths, "c0"));
    n = choose(&paths);
    assert_int_equal(n, 1);
    assert_int_equal(flags_of(n, "10.2.0.1"), PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_BACKUP);

    /* One that is in use stays, though the kernel would take another one now. */
    have = want[0];
    netns_run(
        "ip addr add 10.2.0.5/16 dev b0 && ip route replace 198.51.100.0/24 via 10.2.0.2 metric 9 "
        "src 10.2.0.5 && ip link set b1 down");
    assert_true(netns_wait_up(mon, "b0", false));
    n = drv_paths_want(&paths, mon, (struct drv_have){&have, 1}, want);
    assert_int_equal(n, 1);
    assert_int_equal(flags_of(n, "10.2.0.1"),
                     PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_BACKUP | PLAIT_LOCAL_DOWN);
    assert_int_equal(choose(&paths), 1);
    assert_int_not_equal(flags_of(1, "10.2.0.5"), 255);
    drv_netmon_close(mon);
}

static void named_paths_are_all(void **state)
{
    struct drv_paths paths = {.path_n = 2, .family = 4};
    struct drv_path more;
    size_t n;

    open_net();
    assert_true(drv_addr_parse("198.51.100.7", &paths.peer));
    assert_true(drv_path_parse("a0=10.1.0.9", &paths.path[0]));
    assert_true(drv_path_parse("c0,backup", &paths.path[1]));
    n = choose(&paths);
    assert_int_equal(n, 2);
    assert_int_equal(flags_of(n, "10.1.0.9"), PLAIT_LOCAL_SUBFLOW);
    assert_int_equal(flags_of(n, "10.3.0.1"),
                     PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_BACKUP | PLAIT_LOCAL_DOWN);
    assert_true(drv_paths_remove(&paths, "c0"));
    assert_false(drv_paths_remove(&paths, "c0"));
    assert_false(drv_paths_set_backup(&paths, "b0", true));
    assert_true(drv_path_parse("b0", &more));
    assert_true(drv_paths_add(&paths, &more));
    n = choose(&paths);
    assert_int_equal(n, 2);
    assert_int_equal(flags_of(n, "10.2.0.1"), PLAIT_LOCAL_SUBFLOW);
    drv_netmon_close(mon);
}

static void listener_accepts_on_all_and_announces_one(void **state)
{
    struct drv_paths paths = {.automatic = true, .listening = true};
    size_t n;

    open_net();
    n = choose(&paths);
    assert_int_equal(flags_of(n, "127.0.0.1"), 0);
    assert_int_equal(flags_of(n, "::1"), 0);
    assert_int_equal(flags_of(n, "10.1.0.1"), PLAIT_LOCAL_SIGNAL);
    assert_int_equal(flags_of(n, "10.1.0.9"), 0);
    assert_int_equal(flags_of(n, "fd01::1"), PLAIT_LOCAL_SIGNAL);
    assert_int_equal(flags_of(n, "10.3.0.1"), PLAIT_LOCAL_SIGNAL | PLAIT_LOCAL_DOWN);
    assert_true(drv_addr_parse("10.1.0.9:8080", &paths.announce[0]));
    paths.announce_n = 1;
    n = choose(&paths);
    assert_int_equal(flags_of(n, "10.1.0.1"), 0);
    assert_int_equal(flags_of(n, "10.1.0.9"), PLAIT_LOCAL_SIGNAL);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(want[i].addr.port, want[i].flags & PLAIT_LOCAL_SIGNAL ? 8080 : 0);
    drv_netmon_close(mon);
}

static void own_peer_goes_by_loopback(void **state)
{
    static const char *const peers[] = {"127.0.0.1", "10.1.0.1", "::1", "fd01::1"};

    open_net();
    for (size_t i = 0; i < 4; i++) {
        struct drv_paths paths = {.automatic = true};
        assert_true(drv_addr_parse(peers[i], &paths.peer));
        assert_int_equal(choose(&paths), 1);
        assert_int_equal(flags_of(1, peers[i]), PLAIT_LOCAL_SUBFLOW);
        assert_int_equal(want[0].ifindex, drv_netmon_find_name(mon, "lo")->ifindex);
        assert_int_equal(want[0].mtu, UINT16_MAX);
    }
    drv_netmon_close(mon);
}

static void says_what_is_not_there(void **state)
{
    struct drv_paths paths = {.path_n = 1};
    struct drv_error err;

    open_net();
    assert_true(drv_path_parse("eth7", &paths.path[0]));
    assert_int_equal(drv_paths_check(&paths, mon, &err), -1);
    assert_int_equal(err.fault, DRV_FAULT_USAGE);
    assert_non_null(strstr(err.text, "eth7"));
    assert_non_null(strstr(err.text, "a0"));
    assert_true(drv_path_parse("a0=10.2.0.1", &paths.path[0]));
    assert_int_equal(drv_paths_check(&paths, mon, &err), -1);
    assert_non_null(strstr(err.text, "10.1.0.9"));
    assert_true(drv_path_parse("a0", &paths.path[0]));
    assert_true(drv_addr_parse("192.0.2.1", &paths.announce[0]));
    paths.announce_n = 1;
    assert_int_equal(drv_paths_check(&paths, mon, &err), -1);
    assert_non_null(strstr(err.text, "192.0.2.1"));
    drv_netmon_close(mon);
}

/* Addresses that the host does not have, behind devices that may not be there yet. */
static void own_addresses(void **state)
{
    struct drv_paths paths = {.own = true};
    struct drv_error err;

    open_net();
    assert_int_equal(drv_paths_check(&paths, mon, &err), -1);
    assert_non_null(strstr(err.text, "--path NAME=ADDR"));
    paths.path_n = 3;
    assert_true(drv_path_parse("a0=10.88.0.2", &paths.path[0]));
    assert_true(drv_path_parse("b0=fd88::2,backup", &paths.path[1]));
    assert_true(drv_path_parse("later=10.88.2.2", &paths.path[2]));
    assert_int_equal(drv_paths_check(&paths, mon, &err), 0);
    assert_int_equal(choose(&paths), 2);
    assert_int_equal(flags_of(2, "10.88.0.2"), PLAIT_LOCAL_SUBFLOW);
    assert_int_equal(flags_of(2, "[fd88::2]"), PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_BACKUP);
    paths.family = 4;
    assert_int_equal(choose(&paths), 1);
    paths.announce_n = 1;
    assert_true(drv_addr_parse("10.1.0.1", &paths.announce[0]));
    assert_int_equal(drv_paths_check(&paths, mon, &err), -1);
    assert_true(drv_addr_parse("10.88.0.2", &paths.announce[0]));
    assert_int_equal(drv_paths_check(&paths, mon, &err), 0);
    drv_netmon_close(mon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(client_takes_every_way),
        cmocka_unit_test(named_paths_are_all),
        cmocka_unit_test(listener_accepts_on_all_and_announces_one),
        cmocka_unit_test(own_peer_goes_by_loopback),
        cmocka_unit_test(says_what_is_not_there),
        cmocka_unit_test(own_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

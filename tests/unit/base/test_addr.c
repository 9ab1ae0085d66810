/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include "cm.h"
#include <arpa/inet.h>
#include <string.h>

static struct plait_addr make(const char *text, uint16_t port)
{
    struct plait_addr a = { .port = port };

    if (inet_pton(AF_INET, text, a.ip) == 1)
        a.family = 4;
    else if (inet_pton(AF_INET6, text, a.ip) == 1)
        a.family = 6;
    return a;
}

static void compare(void **state)
{
    struct plait_addr a = make("10.0.0.1", 80), b = make("10.0.0.1", 81), c = make("10.0.0.2", 80);
    struct plait_addr d = make("a00:1::", 80), none = { 0 };

    assert_true(addr_equal(&a, &a) && !addr_equal(&a, &b) && addr_same_ip(&a, &b));
    assert_false(addr_same_ip(&a, &c));
    assert_false(addr_equal(&a, &d));
    assert_int_equal(addr_ip_len(&a), 4);
    assert_int_equal(addr_ip_len(&d), 16);
    assert_int_equal(addr_ip_len(&none), 0);
    b = a;
    b.ip[15] = 9; /* bytes behind an IPv4 address mean nothing */
    assert_true(addr_equal(&a, &b));
}

static void judge(void **state)
{
    static const struct { const char *text; bool unicast, loopback, linklocal; } v[] = {
        { "0.0.0.0", false, false, false },         { "0.1.2.3", false, false, false },
        { "1.1.1.1", true, false, false },          { "127.0.0.1", true, true, false },
        { "127.9.9.9", true, true, false },         { "169.254.3.4", true, false, true },
        { "224.0.0.1", false, false, false },       { "239.255.255.255", false, false, false },
        { "255.255.255.255", false, false, false }, { "223.255.255.255", true, false, false },
        { "::", false, false, false },              { "::1", true, true, false },
        { "2001:db8::1", true, false, false },      { "fe80::1", true, false, true },
        { "febf::1", true, false, true },           { "fec0::1", true, false, false },
        { "ff02::1", false, false, false },         { "::ffff:10.0.0.1", false, false, false },
    };
    struct plait_addr none = { 0 };

    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        struct plait_addr a = make(v[i].text, 1);
        assert_int_equal(addr_is_unicast(&a), v[i].unicast);
        assert_int_equal(addr_is_loopback(&a), v[i].loopback);
        assert_int_equal(addr_is_linklocal(&a), v[i].linklocal);
    }
    assert_false(addr_is_unicast(&none) || addr_is_loopback(&none) || addr_is_linklocal(&none));
}

static void text(void **state)
{
    static const struct { const char *text; uint16_t port; const char *want; } v[] = {
        { "192.0.2.1", 80, "192.0.2.1:80" },
        { "255.255.255.255", 65535, "255.255.255.255:65535" },
        { "10.0.0.7", 0, "10.0.0.7" },
        { "2001:db8::1", 80, "[2001:db8::1]:80" },
        { "2001:db8::1", 0, "2001:db8::1" },
        { "::", 0, "::" },
        { "::1", 0, "::1" },
        { "1::", 0, "1::" },
        { "2001:0:0:1:0:0:0:1", 0, "2001:0:0:1::1" },
        { "2001:db8:0:1:1:1:1:1", 0, "2001:db8:0:1:1:1:1:1" },
        { "2001:0:0:1:1:0:0:1", 0, "2001::1:1:0:0:1" },
        { "abcd:ef01:2345:6789:abcd:ef01:2345:6789", 65535,
          "[abcd:ef01:2345:6789:abcd:ef01:2345:6789]:65535" },
    };
    char out[ADDR_TEXT_MAX];
    struct plait_addr none = { .port = 443 };

    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        struct plait_addr a = make(v[i].text, v[i].port);
        addr_print(&a, out);
        assert_string_equal(out, v[i].want);
    }
    addr_print(&none, out);
    assert_string_equal(out, "*:443");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compare),
        cmocka_unit_test(judge),
        cmocka_unit_test(text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

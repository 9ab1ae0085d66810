/* SPDX-License-Identifier: Apache-2.0 */
#include "netns.h"

#include "driver/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static void parses_what_it_prints(void **state)
{
    static const char *const good[] = {
        "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:65535", "::1", "0.0.0.0:1",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct plait_addr addr;
        char text[ADDR_TEXT_MAX];
        assert_true(drv_addr_parse(good[i], &addr));
        assert_string_equal(drv_addr_text(&addr, text), good[i]);
    }
}

static void takes_brackets_without_port(void **state)
{
    struct plait_addr addr;
    assert_true(drv_addr_parse("[2001:db8::1]", &addr));
    assert_int_equal(addr.family, 6);
    assert_int_equal(addr.port, 0);
}

static void refuses_nonsense(void **state)
{
    static const char *const bad[] = {
        "",
        ":",
        "1.2.3",
        "1.2.3.4:",
        "1.2.3.4:0",
        "1.2.3.4:65536",
        "1.2.3.4:8x",
        "1.2.3.4:000080",
        "[1.2.3.4]:80",
        "[::1",
        "[::1]80",
        "[::1]:",
        "::g",
        "eth0",
        "1.2.3.4 ",
        "[]",
        "[]:80",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555:6666:7777:8888",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plait_addr addr;
        if (drv_addr_parse(bad[i], &addr))
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void unmaps_v4(void **state)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct plait_addr addr;
    char text[ADDR_TEXT_MAX];

    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.9", &sa.sin6_addr), 1);
    assert_true(drv_addr_from_sockaddr((struct sockaddr *)&sa, &addr));
    assert_string_equal(drv_addr_text(&addr, text), "192.0.2.9:80");
    assert_string_equal(drv_addr_ip_text(&addr, text), "192.0.2.9");
    sa.sin6_family = AF_UNIX;
    assert_false(drv_addr_from_sockaddr((struct sockaddr *)&sa, &addr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_it_prints),
        cmocka_unit_test(takes_brackets_without_port),
        cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(unmaps_v4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

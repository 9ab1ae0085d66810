/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/args.h"

static void durations(void **state)
{
    plait_time t;
    assert_true(args_duration("5", &t) && t == 5000000);
    assert_true(args_duration("2.5s", &t) && t == 2500000);
    assert_true(args_duration("300ms", &t) && t == 300000);
    assert_true(args_duration("0.25ms", &t) && t == 250);
    assert_true(args_duration("2min", &t) && t == 120000000);
    assert_false(args_duration("", &t) || args_duration("s", &t) ||
                 args_duration("1.", &t) || args_duration("-1", &t) ||
                 args_duration("1h", &t) || args_duration("9999999999", &t));
}

static void amounts(void **state)
{
    uint64_t n;
    assert_true(args_amount("1", &n) && n == 1);
    assert_true(args_amount("64k", &n) && n == 65536);
    assert_true(args_amount("3M", &n) && n == 3u << 20);
    assert_true(args_amount("1048576G", &n) && n == ARGS_AMOUNT_MAX);
    assert_false(args_amount("1048577G", &n) || args_amount("", &n) ||
                 args_amount("k", &n) || args_amount("-1", &n) ||
                 args_amount("1kk", &n) || args_amount("0", &n) ||
                 args_amount("999999999999999G", &n) ||
                 args_amount("9999999999999999", &n));
}

static void places(void **state)
{
    char host[] = "host", port[] = "5201", more[] = "more", none[] = "0";
    char *words[] = {host, port, more}, *zero[] = {host, none};
    struct args_place client = {.serving = false}, server = {.serving = true};

    assert_int_equal(args_place("x", 2, words, &client), ARGS_OK);
    assert_string_equal(client.host, "host");
    assert_int_equal(client.port, 5201);
    assert_int_equal(args_place("x", 1, words + 1, &server), ARGS_OK);
    assert_null(server.host);
    assert_int_equal(server.port, 5201);
    assert_int_equal(args_place("x", 0, words, &server), ARGS_BAD);
    assert_int_equal(args_place("x", 1, words + 1, &client), ARGS_BAD);
    assert_int_equal(args_place("x", 3, words, &client), ARGS_BAD);
    assert_int_equal(args_place("x", 2, zero, &client), ARGS_BAD);
}

static void paths(void **state)
{
    struct drv_paths p = {.automatic = true};

    assert_int_equal(args_path("x", "=", &p), ARGS_BAD);
    assert_true(p.automatic && p.path_n == 0);
    for (unsigned i = 0; i < DRV_PATHS_MAX; i++)
        assert_int_equal(args_path("x", "eth0", &p), ARGS_OK);
    assert_false(p.automatic);
    assert_int_equal(args_path("x", "eth0", &p), ARGS_BAD);
    assert_int_equal(p.path_n, DRV_PATHS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(amounts),
        cmocka_unit_test(places),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

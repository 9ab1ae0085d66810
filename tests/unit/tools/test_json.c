/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/json.h"

#include <string.h>
#include <unistd.h>

static char line[4096];

static void read_line(struct json *j)
{
    int p[2];
    ssize_t n;

    assert_int_equal(pipe(p), 0);
    assert_true(json_line(j, p[1]));
    n = read(p[0], line, sizeof line - 1);
    assert_true(n > 0);
    line[n] = '\0';
    close(p[0]);
    close(p[1]);
}

static void nests(void **state)
{
    struct json j = {0};

    for (int i = 0; i < 2; i++) { /* it can be used again */
        json_object(&j, NULL);
        json_number(&j, "n", UINT64_MAX);
        json_array(&j, "list");
        json_object(&j, NULL);
        json_object_end(&j);
        json_object(&j, NULL);
        json_bool(&j, "yes", true);
        json_null(&j, "none");
        json_object_end(&j);
        json_array_end(&j);
        json_fraction(&j, "time", 1000042, 6);
        json_object_end(&j);
        read_line(&j);
        assert_string_equal(
            line, "{\"n\":18446744073709551615,\"list\":[{},{\"yes\":true,\"none\":null}],"
                  "\"time\":1.000042}\n");
    }
    json_free(&j);
}

static void escapes(void **state)
{
    struct json j = {0};

    json_array(&j, NULL);
    json_string(&j, NULL, "a\"b\\c\n\x01\x7f");
    json_string(&j, NULL, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    json_string(&j, NULL, "\xff\xc3|\xe2\x82|\xc0\xaf|\xed\xa0\x80");
    json_array_end(&j);
    read_line(&j);
    assert_string_equal(
        line, "[\"a\\\"b\\\\c\\u000a\\u0001\\u007f\","
              "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\","
              "\"\\ufffd\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd\"]\n");
    json_free(&j);
}

static void millionths(void **state)
{
    struct json j = {0};

    json_array(&j, NULL);
    json_millionths(&j, NULL, 1500000);
    json_millionths(&j, NULL, -1);
    json_millionths(&j, NULL, 7000000);
    json_millionths(&j, NULL, INT64_MIN);
    json_array_end(&j);
    read_line(&j);
    assert_string_equal(line, "[1.5,-0.000001,7,-9223372036854.775808]\n");
    json_free(&j);
}

static void too_deep_fails(void **state)
{
    struct json j = {0};
    for (int i = 0; i < JSON_DEPTH_MAX + 3; i++)
        json_array(&j, NULL);
    assert_false(json_line(&j, 1));
    json_free(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nests),
        cmocka_unit_test(escapes),
        cmocka_unit_test(millionths),
        cmocka_unit_test(too_deep_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

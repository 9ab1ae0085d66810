/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cat_cookie.h"
#include "unit/base/cm.h"

#include <string.h>

static const struct plait_fastopen some = {
    .server = {.family = 4, .port = 80}, .mss = 1400, .len = 6, .cookie = {1, 2, 3, 0xab, 0, 0xff}};

static void test_there_and_back(void **state)
{
    struct plait_fastopen back = {.server = some.server};
    char line[200];

    unsigned len = cat_cookie_text(&some, line, sizeof line);
    assert_int_equal(len, strlen(line));
    assert_non_null(strstr(line, " 1400 010203ab00ff\n"));
    assert_true(cat_cookie_parse(line, &back));
    assert_int_equal(back.mss, 1400);
    assert_int_equal(back.len, 6);
    assert_memory_equal(back.cookie, some.cookie, 6);
    for (unsigned n = 0; n <= len; n++)
        assert_int_equal(cat_cookie_text(&some, line, n), 0);
}

static void test_what_is_no_cookie(void **state)
{
    struct plait_fastopen back = {.server = some.server};
    char line[200], *hex;

    cat_cookie_text(&some, line, sizeof line);
    hex = strstr(line, "0102");
    back.server.port = 81; /* of another server */
    assert_false(cat_cookie_parse(line, &back));
    back.server.port = 80;
    hex[1] = 'x';
    assert_false(cat_cookie_parse(line, &back));
    hex[1] = '\0';
    assert_false(cat_cookie_parse(line, &back));
    hex[0] = '\0';
    assert_false(cat_cookie_parse(line, &back));
    strcpy(hex, "000102030405060708090a0b0c0d0e0f");
    assert_false(cat_cookie_parse(line, &back));
    assert_false(cat_cookie_parse("", &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_is_no_cookie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

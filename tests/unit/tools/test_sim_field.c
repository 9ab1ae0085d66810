/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sim_field.h"
#include "unit/base/cm.h"

#include <string.h>

static const char line[] =
    "{\"run\":3,\"seed\":7,\"params\":{\"c\":\"8mbit\",\"n\":2},"
    "\"reports\":{\"share\":0.5,\"bad\":null},\"flows\":{\"m\":{\"goodput\":5,"
    "\"paths\":[{\"rtt\":0.1,\"x\":[1,2]},{\"rtt\":0.25}]},\"s\\\"1\":{}},"
    "\"links\":{\"one\":{\"load\":0.9,\"back\":{\"load\":0.02}}}}\n";

static void is(const char *name, const char *value)
{
    struct sim_piece piece;

    if (!sim_field_find(line, name, &piece))
        fail_msg("there is no %s", name);
    assert_int_equal(piece.len, strlen(value));
    assert_memory_equal(piece.at, value, piece.len);
}

static void test_found(void **state)
{
    (void)state;
    is("share", "0.5");
    is("bad", "null");
    is("c", "8mbit");
    is("n", "2");
    is("seed", "7");
    is("run", "3");
    is("m.goodput", "5");
    is("m.1.rtt", "0.1");
    is("m.2.rtt", "0.25");
    is("m.1.x", "[1,2]");
    is("one.load", "0.9");
    is("one.back.load", "0.02");
}

static void test_not_found(void **state)
{
    static const char *const names[] = {"", "x", "m", "m.", "m.0.rtt", "m.3.rtt", "m.1.y",
                                        "m.goodput.x", "one.front.load", "two.load", "m.1a.rtt",
                                        "m.99999999999.rtt"};
    struct sim_piece piece;

    (void)state;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (sim_field_find(line, names[i], &piece))
            fail_msg("'%s' is %.*s", names[i], (int)piece.len, piece.at);
}

/* A line that was cut anywhere leads to no value behind its end. */
static void test_cut(void **state)
{
    static const char *const names[] = {"share", "m.2.rtt", "one.back.load", "x"};
    char copy[sizeof line];
    struct sim_piece piece;

    (void)state;
    for (size_t n = 0; n < sizeof line; n++)
        for (unsigned i = 0; i < 4; i++) {
            memset(copy, 'x', sizeof copy);
            memcpy(copy, line, n);
            copy[n] = '\0';
            if (sim_field_find(copy, names[i], &piece)) {
                assert_true(piece.at >= copy && piece.at + piece.len <= copy + n);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/pkt_lex.h"
#include "unit/base/cm.h"

#include <string.h>

static struct sim_pkt_error error;

static void start(struct sim_pkt_lex *x, const char *text)
{
    error = (struct sim_pkt_error){0};
    sim_pkt_lex_init(x, text, strlen(text), &error);
}

static void expect(struct sim_pkt_lex *x, enum sim_pkt_token token, const char *text)
{
    assert_int_equal(x->token, token);
    assert_int_equal(x->len, strlen(text));
    assert_memory_equal(x->text, text, x->len);
    sim_pkt_lex_next(x);
}

static void test_words(void **state)
{
    struct sim_pkt_lex x;

    start(&x, "+0 > S. 0:0(0) <mss 1460,...> a == \"no word\"");
    expect(&x, SIM_PKT_T_CHAR, "+");
    expect(&x, SIM_PKT_T_NUMBER, "0");
    expect(&x, SIM_PKT_T_CHAR, ">");
    expect(&x, SIM_PKT_T_WORD, "S");
    expect(&x, SIM_PKT_T_CHAR, ".");
    expect(&x, SIM_PKT_T_NUMBER, "0");
    expect(&x, SIM_PKT_T_CHAR, ":");
    expect(&x, SIM_PKT_T_NUMBER, "0");
    expect(&x, SIM_PKT_T_CHAR, "(");
    expect(&x, SIM_PKT_T_NUMBER, "0");
    expect(&x, SIM_PKT_T_CHAR, ")");
    expect(&x, SIM_PKT_T_CHAR, "<");
    expect(&x, SIM_PKT_T_WORD, "mss");
    expect(&x, SIM_PKT_T_NUMBER, "1460");
    expect(&x, SIM_PKT_T_CHAR, ",");
    expect(&x, SIM_PKT_T_DOTS, "...");
    expect(&x, SIM_PKT_T_CHAR, ">");
    expect(&x, SIM_PKT_T_WORD, "a");
    expect(&x, SIM_PKT_T_OP, "==");
    expect(&x, SIM_PKT_T_STRING, "no word");
    assert_int_equal(x.token, SIM_PKT_T_END);
}

static uint64_t number(const char *text, enum sim_pkt_token token)
{
    struct sim_pkt_lex x;

    start(&x, text);
    assert_int_equal(x.token, token);
    return x.number;
}

static void test_numbers(void **state)
{
    assert_int_equal(number("1460", SIM_PKT_T_NUMBER), 1460);
    assert_int_equal(number("0x1e", SIM_PKT_T_NUMBER), 30);
    assert_true(number("0xffffffffffffffff", SIM_PKT_T_NUMBER) == UINT64_MAX);
    assert_int_equal(number("1.5", SIM_PKT_T_TIME), 1500000);
    assert_int_equal(number(".25", SIM_PKT_T_TIME), 250000);
    assert_int_equal(number("0.0000019", SIM_PKT_T_TIME), 1);
    number("0x", SIM_PKT_T_BAD);
    number("0x10000000000000000", SIM_PKT_T_BAD);
    number("99999999999999999999999", SIM_PKT_T_BAD);
    number("9999999999.5", SIM_PKT_T_BAD);
}

static void test_comments_and_places(void **state)
{
    struct sim_pkt_lex x;

    start(&x, "# one\n// two\n/* three\n four */  five\n\t/* open");
    assert_int_equal(x.token_line, 4);
    assert_int_equal(x.token_column, 11);
    expect(&x, SIM_PKT_T_WORD, "five");
    assert_int_equal(x.token, SIM_PKT_T_END);
}

static void test_first_error_wins(void **state)
{
    struct sim_pkt_lex x;

    start(&x, "a\n  b\x01 c");
    sim_pkt_lex_next(&x);
    assert_false(sim_pkt_lex_want_char(&x, '('));
    assert_false(sim_pkt_lex_fail(&x, "something else"));
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 3);
    assert_string_equal(error.text, "expected '(', found 'b'");
    sim_pkt_lex_next(&x);
    assert_int_equal(x.token, SIM_PKT_T_BAD);
}

static void test_nothing_raw_reaches_the_terminal(void **state)
{
    struct sim_pkt_lex x;

    start(&x, "\x1b[2J");
    sim_pkt_lex_fail(&x, "a word");
    assert_string_equal(error.text, "expected a word, found '?'");
    start(&x, "\"open\nstring");
    assert_string_equal(error.text, "a string does not end on its line");
    start(&x, "");
    sim_pkt_lex_fail(&x, "a word");
    assert_string_equal(error.text, "expected a word, found the end of the script");
}

static void test_hex(void **state)
{
    uint8_t bytes[4], n = 0;
    struct sim_pkt_lex x;

    start(&x, "\"1e03Ff\"");
    assert_true(sim_pkt_lex_want_hex(&x, bytes, sizeof bytes, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(bytes, "\x1e\x03\xff", 3);
    start(&x, "\"1e0\"");
    assert_false(sim_pkt_lex_want_hex(&x, bytes, sizeof bytes, &n));
    start(&x, "\"1e03040506\"");
    assert_false(sim_pkt_lex_want_hex(&x, bytes, sizeof bytes, &n));
    start(&x, "\"zz\"");
    assert_false(sim_pkt_lex_want_hex(&x, bytes, sizeof bytes, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_comments_and_places),
        cmocka_unit_test(test_first_error_wins),
        cmocka_unit_test(test_nothing_raw_reaches_the_terminal),
        cmocka_unit_test(test_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

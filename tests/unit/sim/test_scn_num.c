/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, and expressions over them. */
#include "sim/scn_expr.h"
#include "unit/base/cm.h"

#include <string.h>

static struct sim_scn_value parse(const char *text)
{
    struct sim_scn_value v;
    const char *error;

    if (sim_scn_num_parse(text, strlen(text), &v, &error) != strlen(text))
        fail_msg("'%s' was not read: %s", text, error != NULL ? error : "it goes on");
    return v;
}

static void expect(const char *text, enum sim_scn_kind kind, int64_t millionths)
{
    struct sim_scn_value v = parse(text);

    assert_int_equal(v.kind, kind);
    if (v.v != millionths)
        fail_msg("'%s' is %lld", text, (long long)v.v);
}

static void test_units(void **state)
{
    (void)state;
    expect("0", SIM_SCN_NUMBER, 0);
    expect("8", SIM_SCN_NUMBER, 8000000);
    expect("0.75", SIM_SCN_NUMBER, 750000);
    expect("1.000001", SIM_SCN_NUMBER, 1000001);
    expect("12.5%", SIM_SCN_NUMBER, 125000);
    expect("40ms", SIM_SCN_TIME, 40000);
    expect("2.5s", SIM_SCN_TIME, 2500000);
    expect("3us", SIM_SCN_TIME, 3);
    expect("2min", SIM_SCN_TIME, 120000000);
    expect("10mbit", SIM_SCN_RATE, 10000000000000);
    expect("10Mbit", SIM_SCN_RATE, 10000000000000);
    expect("1gbit", SIM_SCN_RATE, 1000000000000000);
    expect("1000pps", SIM_SCN_RATE, 12000000000000);
    expect("64kB", SIM_SCN_SIZE, 64000000000);
    expect("64KiB", SIM_SCN_SIZE, 65536000000);
    expect("100pkt", SIM_SCN_PKT, 100000000);
    expect("9223372036854", SIM_SCN_NUMBER, 9223372036854000000);
}

static void refuse(const char *text)
{
    struct sim_scn_value v;
    const char *error;

    assert_int_equal(sim_scn_num_parse(text, strlen(text), &v, &error), 0);
    assert_non_null(error);
}

static void test_refused(void **state)
{
    struct sim_scn_value v;
    const char *error;

    (void)state;
    refuse("10mbps");
    refuse("10KB");
    refuse("5x");
    refuse("1.0000001");
    refuse("9223372036855");
    refuse("99999999999999999999999999");
    refuse("9223372036854gbit");
    assert_int_equal(sim_scn_num_parse("mbit", 4, &v, &error), 0); /* no number at all: no error */
    assert_null(error);
    assert_int_equal(sim_scn_num_parse("", 0, &v, &error), 0);
    assert_null(error);
}

/* What is printed is read again as the same. */
static void test_print(void **state)
{
    static const char *const texts[] = {"0", "12.5%", "0.000001", "40ms", "10mbit", "1.5kB",
                                        "7pkt", "9223372036854.775807"};
    char text[64];

    (void)state;
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sim_scn_value v = parse(texts[i]), again;
        sim_scn_num_print(&v, text, sizeof text);
        again = parse(text);
        assert_int_equal(v.kind, again.kind);
        assert_int_equal(v.v, again.v);
    }
    sim_scn_num_print(&(struct sim_scn_value){.kind = SIM_SCN_TIME, .v = -1500000}, text,
                      sizeof text);
    assert_string_equal(text, "-1.5s");
}

static void test_muldiv(void **state)
{
    int64_t out;

    (void)state;
    assert_true(sim_scn_muldiv(INT64_MAX, INT64_MAX, INT64_MAX, &out));
    assert_int_equal(out, INT64_MAX);
    assert_true(sim_scn_muldiv(-7, 3, 2, &out));
    assert_int_equal(out, -10); /* towards zero */
    assert_true(sim_scn_muldiv(INT64_MIN, 1, 2, &out));
    assert_int_equal(out, INT64_MIN / 2);
    assert_false(sim_scn_muldiv(INT64_MAX, 2, 1, &out));
    assert_false(sim_scn_muldiv(1, 1, 0, &out));
    assert_true(sim_scn_muldiv(123456789012345678, 987654321, 1000000007, &out));
    assert_int_equal(out, 121932630271300119);
}

/* ---- expressions ----------------------------------------------------------------------------- */

static bool lookup(void *ctx, const struct sim_scn_ref *ref, struct sim_scn_value *out)
{
    static const char *const names[] = {"rate", "rtt", "cc", "n"};
    static const char *const values[] = {"10mbit", "40ms", "lia", "3"};

    (void)ctx;
    if (ref->len == 4 && memcmp(ref->name, "x*.v", 4) == 0) { /* 1, 2 and 3 */
        *out = (struct sim_scn_value){.v = (int64_t)(ref->n + 1) * SIM_SCN_ONE};
        return ref->n < 3;
    }
    for (unsigned i = 0; i < 4; i++)
        if (strlen(names[i]) == ref->len && memcmp(names[i], ref->name, ref->len) == 0) {
            if (i != 2)
                *out = parse(values[i]);
            else
                *out = (struct sim_scn_value){.kind = SIM_SCN_WORD, .word = "lia"};
            return true;
        }
    return false;
}

static struct sim_scn_expr expr(bool fields)
{
    return (struct sim_scn_expr){.lookup = lookup, .fields = fields};
}

static void is(const char *text, const char *result)
{
    struct sim_scn_expr x = expr(strchr(text, '.') != NULL);
    struct sim_scn_value v;
    char print[64];

    if (!sim_scn_eval(&x, text, strlen(text), &v))
        fail_msg("'%s': %s at %zu", text, x.error, x.error_at);
    sim_scn_num_print(&v, print, sizeof print);
    assert_string_equal(print, result);
}

static void test_expressions(void **state)
{
    (void)state;
    is("1 + 2 * 3", "7");
    is("(1 + 2) * 3", "9");
    is("7 / 2", "3.5");
    is("7 % 4", "3");
    is("10 % n + 1", "2");
    is("5% * 100", "5");
    is("-n + 1", "-2");
    is("2 - 3 - 4", "-5");
    is("rate * rtt", "50000B");
    is("rtt * rate * 2", "100000B");
    is("50kB / rate", "0.04s");
    is("50kB / rtt", "10000000bit");
    is("rate / 2mbit", "5");
    is("rtt / 4", "0.01s");
    is("cc", "lia");
    is("cc == lia", "1");
    is("cc != lia or n > 2 and not 0", "1");
    is("cc == 3", "0");
    is("cc != 3", "1");
    is("1 < 2", "1");
    is("rtt <= 40ms", "1");
    is("min(3, n, 8 - 7)", "1");
    is("max(rtt, 1s)", "1s");
    is("floor(7 / 2)", "3");
    is("mean(1, 2, 6)", "3");
    is("sum(x*.v)", "6");
    is("mean(x*.v) * count(x*.v) * 1.0", "6");
    is("jain(1, 1, 1, 1) + 0.0", "1");
    is("jain(1, 0, 0, 0) + 0.0", "0.25");
    is("jain(x*.v)", "0.857143"); /* 36 / (3 * 14), of parts that are rounded */
}

static void wrong(const char *text, size_t at, const char *what)
{
    struct sim_scn_expr x = expr(strchr(text, '.') != NULL);
    struct sim_scn_value v;

    if (sim_scn_eval(&x, text, strlen(text), &v))
        fail_msg("'%s' was taken", text);
    if (strstr(x.error, what) == NULL || x.error_at != at)
        fail_msg("'%s': at %zu: %s", text, x.error_at, x.error);
}

static void test_mistakes(void **state)
{
    char deep[200];

    (void)state;
    wrong("", 0, "a number, a name or a '('");
    wrong("1 +", 3, "a number, a name or a '('");
    wrong("(1", 2, "a ')'");
    wrong("1 2", 2, "an operator, or the end");
    wrong("ratte", 0, "there is no parameter 'ratte'");
    wrong("2 * ratte", 9, "there is no 'ratte'");
    wrong("cc * 2", 6, "words can be compared");
    wrong("-cc", 3, "words can be compared");
    wrong("rate * rate", 11, "of the factors one");
    wrong("rate + rtt", 10, "of the same kind");
    wrong("rate < rtt", 10, "of the same kind");
    wrong("rtt / rate", 10, "cannot be divided");
    wrong("1 / 0", 5, "a division by zero");
    wrong("1 % 0", 5, "a division by zero");
    wrong("9000000000000 * 9000000000000", 29, "too large");
    wrong("9000000000000 + 9000000000000", 29, "too large");
    wrong("min(1, 2", 8, "a ')' or a ','");
    wrong("min(1, rtt)", 10, "of the same kind");
    wrong("min(cc)", 6, "is a word, not a number");
    wrong("min(foo)", 7, "there is no 'foo'");
    wrong("floor(1, 2)", 10, "with one argument");
    wrong("rand(1, 2)", 9, "not in a report");
    wrong("sum(y*.v)", 4, "there is nothing like");
    wrong("10mbps", 0, "a unit that there is");
    memset(deep, '(', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    wrong(deep, 20, "fewer things inside");
}

static void test_random(void **state)
{
    struct sim_rng rng;
    struct sim_scn_expr x = expr(false);
    struct sim_scn_value v;
    unsigned seen = 0;

    (void)state;
    sim_rng_init(&rng, 1);
    x.rng = &rng;
    for (unsigned i = 0; i < 200; i++) {
        assert_true(sim_scn_eval(&x, "rand(2, 4)", 10, &v));
        assert_in_range(v.v, 2 * SIM_SCN_ONE, 4 * SIM_SCN_ONE);
        assert_int_equal(v.v % SIM_SCN_ONE, 0);
        seen |= 1u << v.v / SIM_SCN_ONE;
    }
    assert_int_equal(seen, 1 << 2 | 1 << 3 | 1 << 4);
    assert_false(sim_scn_eval(&x, "rand(4, 2)", 10, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_print),   cmocka_unit_test(test_muldiv),
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

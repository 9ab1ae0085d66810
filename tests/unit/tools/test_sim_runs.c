/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of values, the runs that they come to, and what tells runs apart. */
#include "tools/sim_runs.h"
#include "unit/base/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list(const char *text, const char *values)
{
    unsigned n;
    char **v = sim_list_parse(text, &n), all[512] = "";
    size_t used = 0;

    if (v == NULL)
        fail_msg("'%s' was not taken", text);
    for (unsigned i = 0; i < n; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? " " : "", v[i]);
    assert_string_equal(all, values);
    sim_list_free(v, n);
}

static void test_lists(void **state)
{
    static const char *const wrong[] = {"", ",", "a,", ",a", "1..", "..2", "3..1", "1..5..0",
                                        "1ms..5s", "a..b", "1..2..3..4", "1ms..5ms..1", "1..x",
                                        "1...5", "1..8..*1", "1..8..*", "0..8..*2", "1..8..*2ms",
                                        "1..*2", "1..8..*2..3", "*1..8", "1..8..**2"};
    unsigned n;

    (void)state;
    list("a", "a");
    list("reno,lia", "reno lia");
    list("1..4", "1 2 3 4");
    list("1..2,9,10..11", "1 2 9 10 11");
    list("10ms..50ms..20ms", "10ms 30ms 50ms");
    list("1mbit..2mbit..0.25mbit", "1mbit 1.25mbit 1.5mbit 1.75mbit 2mbit");
    list("0..1..0.4", "0 0.4 0.8");
    list("1mbit..20mbit..*2", "1mbit 2mbit 4mbit 8mbit 16mbit");
    list("0.75..2..*1.5,7", "0.75 1.125 1.6875 7");
    list("0.000001..0.000003..*1.1", "0.000001"); /* what comes next is the same to a millionth */
    list("strip:mp_dss,none", "strip:mp_dss none");
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (sim_list_parse(wrong[i], &n) != NULL)
            fail_msg("'%s' was taken", wrong[i]);
}

static const char text[] = "param a = 1\nparam b = x\nlink l rate 1mbit\nflow f over l\nrun 1s\n";

static void make(struct sim_runs *r, struct sim_options *o)
{
    char path[] = "/tmp/test_sim_runs.XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    o->file = path;
    assert_int_equal(sim_runs_init(r, o), ARGS_OK);
    (void)remove(path);
    o->file = "file";
}

static void test_product(void **state)
{
    struct sim_options o = {.sweep = {"a=1,2", "seed=5..7", "b=x,y"}, .sweep_n = 3};
    struct sim_runs r;
    struct sim_run run;
    char words[64];
    uint64_t hash[12];

    (void)state;
    make(&r, &o);
    assert_int_equal(r.n, 12);
    for (unsigned i = 0; i < 12; i++) {
        sim_run_make(&r, i, &run);
        assert_int_equal(run.in.seed, 5 + i / 2 % 3);
        assert_int_equal(run.in.set_n, 2);
        hash[i] = sim_run_hash(&run);
        for (unsigned k = 0; k < i; k++)
            assert_true(hash[k] != hash[i]);
    }
    sim_run_describe(&r, 11, words, sizeof words);
    assert_string_equal(words, "a=2 seed=7 b=y");
    sim_runs_free(&r);
}

/* Neither the order of options matters, nor whether a value was swept or set. */
static void test_hash(void **state)
{
    struct sim_options one = {.sweep = {"a=1,2", "b=x,y"}, .sweep_n = 2};
    struct sim_options two = {.set = {{"b", "y"}, {"a", "2"}}, .set_n = 2};
    struct sim_runs r;
    struct sim_run run;
    uint64_t hash;

    (void)state;
    make(&r, &one);
    sim_run_make(&r, 3, &run);
    hash = sim_run_hash(&run);
    sim_runs_free(&r);
    make(&r, &two);
    sim_run_make(&r, 0, &run);
    assert_true(sim_run_hash(&run) == hash);
    run.in.seed_given = true;
    assert_true(sim_run_hash(&run) != hash);
    sim_runs_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_product),
        cmocka_unit_test(test_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

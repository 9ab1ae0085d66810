/* SPDX-License-Identifier: Apache-2.0 */
/* The demo in the simulator: what it prints, and that it knows good from bad. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/demo_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[4 << 20]; /* what was printed */

/* Runs it with these words (NULL ends them) and keeps its output; the exit status. */
static int run(char **argv)
{
    FILE *out = tmpfile();
    int keep = dup(STDOUT_FILENO), argc = 0, status;

    assert_non_null(out);
    (void)fflush(stdout);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0);
    while (argv[argc] != NULL)
        argc++;
    status = demo_sim_main(argc, argv);
    (void)fflush(stdout);
    assert_true(dup2(keep, STDOUT_FILENO) >= 0);
    (void)close(keep);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    (void)fclose(out);
    return status;
}

#define RUN(...) run((char **)(const char *[]){"demo-sim", __VA_ARGS__, NULL})

static unsigned count(const char *what)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
        n++;
    return n;
}

/* The hash after the n-th key. */
static const char *hash(const char *key, unsigned n)
{
    const char *p = text;

    for (unsigned i = 0; i <= n; i++)
        assert_non_null(p = strstr(p + 1, key));
    return p + strlen(key);
}

static void both_ways(void **state)
{
    assert_int_equal(RUN("--size", "4", "--rate1", "50", "--rate2", "100"), 0);
    assert_int_equal(count("\"result\""), 2);
    assert_int_equal(count("\"error\":null,\"sha256_sent\""), 2);
    assert_int_equal(count("\"multipath\":true") > 10, 1);
    assert_true(count("\"rate\":100000000,\"bytes\":") == count("\"rate\":50000000,\"bytes\":"));
    assert_true(strstr(text, "\"cut\":true") != NULL);
    for (unsigned way = 0; way < 2; way++)
        assert_memory_equal(hash("\"sha256_sent\":\"", way), hash("\"sha256_received\":\"", way),
                            64);
}

/* The bytes are those of the file, whose hash is known. */
static void the_files_bytes(void **state)
{
    static char zeros[1 << 20];
    char path[] = "demo-sim-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros);
    (void)close(fd);
    int status = RUN("--file", path);
    (void)unlink(path);
    assert_int_equal(status, 0);
    assert_memory_equal(hash("\"sha256_received\":\"", 1),
                        "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58", 64);
}

/* So little data that one path carries all of it is no success. */
static void one_path_is_not_enough(void **state)
{
    assert_int_equal(RUN("--size", "0.001"), 1);
    assert_int_equal(count("\"error\":null,\"sha256_sent\""), 1); /* and no second way */
}

static void refuses_nonsense(void **state)
{
    (void)fputs("(messages about wrong arguments follow)\n", stderr);
    assert_int_equal(RUN("--size", "0"), 2);
    assert_int_equal(RUN("--size", "many"), 2);
    assert_int_equal(RUN("--rate1"), 2);
    assert_int_equal(RUN("--colour", "red"), 2);
    assert_int_equal(RUN("--file", "/nonexistent/file"), 2);
    assert_int_equal(RUN("--file", "/"), 2);
    assert_int_equal(RUN("--help"), 0);
    assert_non_null(strstr(text, "Usage:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(the_files_bytes),
        cmocka_unit_test(one_path_is_not_enough),
        cmocka_unit_test(refuses_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

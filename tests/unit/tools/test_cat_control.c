/* SPDX-License-Identifier: Apache-2.0 */
/* Commands from a pipe, whole, in pieces, too long, and wrong. The host is not needed for these. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/cat_control.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct cat_control c;
static int writer;

static void setup_pipe(void)
{
    int p[2];
    assert_int_equal(pipe(p), 0);
    memset(&c, 0, sizeof c);
    c.fd = p[0];
    writer = p[1];
}

static void feed(const char *text)
{
    assert_int_equal(write(writer, text, strlen(text)), strlen(text));
    while (strlen(text) > 0) {
        size_t before = c.len;
        cat_control_read(&c);
        text += c.len - before;
        if (strlen(text) > 0)
            assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_NONE);
    }
}

static void takes_lines(void **state)
{
    setup_pipe();
    feed("shutdo");
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_NONE);
    feed("wn\n\n  abort  \nshutdown\nab");
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_SHUTDOWN);
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_ABORT);
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_SHUTDOWN);
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_NONE);
    feed("ort\n");
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_ABORT);
    close(writer);
    cat_control_read(&c);
    assert_int_equal(c.fd, -1);
}

static void skips_long_lines(void **state)
{
    char line[700];

    setup_pipe();
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line + sizeof line - 7, "abort", 5); /* the end of it is no command */
    line[sizeof line - 2] = '\n';
    feed(line);
    feed("shutdown\n");
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_SHUTDOWN);
    assert_int_equal(cat_control_next(&c, NULL), CAT_COMMAND_NONE);
    close(writer);
    close(c.fd);
}

static void refuses_nonsense(void **state)
{
    static const char *const bad[] = {
        "",       "abort now", "backup eth0", "backup eth0 maybe", "add",
        "add =1", "del",       "frobnicate",  "a b c d e f g",
    };
    int keep = dup(2), null = open("/dev/null", O_WRONLY);

    dup2(null, 2);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64];
        strcpy(line, bad[i]);
        assert_int_equal(cat_control_run(line, NULL), CAT_COMMAND_NONE);
    }
    dup2(keep, 2);
    close(keep);
    close(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_lines),
        cmocka_unit_test(skips_long_lines),
        cmocka_unit_test(refuses_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

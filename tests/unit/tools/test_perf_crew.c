/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of a test and what they tell together: lines and results go to a file in place of
 * standard output. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/perf_crew.h"
#include "tools/start.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct perf_options o;
static struct perf_crew *crew;
static struct perf_report r[3];
static char text[16384];
static int out, old_out;

static void begin(unsigned n)
{
    o = (struct perf_options){.threads = n, .interval = PLAIT_SEC, .mode = PERF_BULK};
    crew = perf_crew_new(&o, n);
    assert_non_null(crew);
    memset(r, 0, sizeof r);
    (void)fflush(stdout);
    old_out = dup(STDOUT_FILENO);
    out = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    assert_true(out >= 0 && dup2(out, STDOUT_FILENO) >= 0);
}

/* What was written since. */
static const char *said(void)
{
    ssize_t n;

    (void)fflush(stdout);
    n = pread(out, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_int_equal(ftruncate(out, 0), 0);
    (void)lseek(out, 0, SEEK_SET);
    return text;
}

static void end(void)
{
    (void)fflush(stdout);
    (void)dup2(old_out, STDOUT_FILENO);
    (void)close(old_out);
    (void)close(out);
    perf_crew_free(crew);
}

static void count(unsigned i, uint64_t bytes)
{
    struct plait_addr local = {.family = 4, .ip = {10, 0, 0, 1}}, remote = local;

    remote.ip[3] = 2;
    r[i].all.out += bytes;
    r[i].way_n = 1;
    r[i].way[0].local = local;
    r[i].way[0].remote = remote;
    r[i].way[0].all.out += bytes;
    r[i].way[0].cwnd = 1000;
}

/* Who counts last prints the sum of all; whoever has no connection is not waited for. */
static void lines_are_sums(void **state)
{
    begin(3);
    assert_int_equal(perf_crew_line_at(crew), PLAIT_NEVER);
    perf_crew_busy(crew, 0);
    perf_crew_busy(crew, 1);
    assert_int_equal(perf_crew_test(crew, 100), 1);
    assert_int_equal(perf_crew_test(crew, 150), 1);
    assert_int_equal(perf_crew_line_at(crew), 100 + PLAIT_SEC);
    count(0, 1000000);
    count(1, 500000);
    assert_true(perf_crew_line(crew, 0, &r[0], 100 + PLAIT_SEC) > 100 + PLAIT_SEC);
    assert_string_equal(said(), "");
    assert_int_equal(perf_crew_line(crew, 1, &r[1], 110 + PLAIT_SEC), 100 + 2 * PLAIT_SEC);
    assert_non_null(strstr(said(), "out 12.0 in 0.0"));
    assert_non_null(strstr(text, "cwnd 2000"));
    assert_null(strchr(strchr(strchr(text, '\n') + 1, '\n') + 1, '\n')); /* two lines */
    count(0, 250000);
    perf_crew_rest(crew, 1, &r[1]);
    perf_crew_line(crew, 0, &r[0], 110 + 2 * PLAIT_SEC);
    assert_non_null(strstr(said(), "out 2.0 in 0.0"));
    end();
}

/* A client: the last one tells what all received. */
static void the_last_one_tells(void **state)
{
    begin(2);
    perf_crew_busy(crew, 0);
    perf_crew_busy(crew, 1);
    perf_crew_test(crew, PLAIT_SEC);
    for (unsigned i = 0; i < 2; i++)
        r[i].up = (struct perf_direction_result){
            .n = 2, .bytes = 1000, .time = (i + 1) * PLAIT_SEC, .stall = 2000};
    r[0].handed = 3;
    r[1].handed = 4;
    perf_crew_end(crew, 0, &r[0], 3 * PLAIT_SEC);
    assert_string_equal(said(), "");
    assert_false(perf_crew_has_ended(crew));
    assert_false(perf_crew_idle(crew, 0, true));
    perf_crew_end(crew, 1, &r[1], 3 * PLAIT_SEC);
    assert_true(perf_crew_has_ended(crew));
    assert_non_null(strstr(said(), "to the server: 2000 bytes in 2.000 s"));
    assert_non_null(strstr(text, "2 threads, 7 packets"));
    assert_false(perf_crew_idle(crew, 1, false));
    assert_true(perf_crew_idle(crew, 1, true));
    end();
}

/* A server's test ends a second after the last connection of any thread. */
static void quiet_is_when_all_are(void **state)
{
    bool over;

    begin(2);
    assert_int_equal(perf_crew_quiet(crew, 1, &over), PLAIT_NEVER);
    perf_crew_busy(crew, 0);
    perf_crew_test(crew, 10);
    assert_int_equal(perf_crew_quiet(crew, 20, &over), PLAIT_NEVER); /* asked by the idle one */
    r[0].requests = 5;
    perf_crew_rest(crew, 0, &r[0]);
    assert_int_equal(perf_crew_quiet(crew, 30, &over), 30 + PLAIT_SEC);
    perf_crew_busy(crew, 1);
    assert_int_equal(perf_crew_quiet(crew, 40 + PLAIT_SEC, &over), PLAIT_NEVER);
    assert_false(over);
    assert_int_equal(perf_crew_test(crew, 50), 1); /* still the same */
    r[1].requests = 6;
    perf_crew_rest(crew, 1, &r[1]);
    assert_int_equal(perf_crew_quiet(crew, 2 * PLAIT_SEC, &over), 3 * PLAIT_SEC);
    assert_string_equal(said(), "");
    assert_int_equal(perf_crew_quiet(crew, 3 * PLAIT_SEC, &over), PLAIT_NEVER);
    assert_true(over);
    assert_non_null(strstr(said(), "11 requests in"));
    perf_crew_busy(crew, 1);
    assert_int_equal(perf_crew_test(crew, 4 * PLAIT_SEC), 2); /* and now another */
    perf_crew_end(crew, 0, &r[2], 5 * PLAIT_SEC);
    perf_crew_end(crew, 1, &r[2], 5 * PLAIT_SEC);
    assert_null(strstr(said(), "11 requests"));
    end();
}

static void orders_wake_everybody(void **state)
{
    begin(2);
    assert_int_equal(perf_crew_orders(crew), PERF_GO);
    perf_crew_order(crew, PERF_QUIT);
    perf_crew_order(crew, PERF_STOP);
    assert_int_equal(perf_crew_orders(crew), PERF_QUIT);
    for (unsigned i = 0; i < 2; i++) {
        struct pollfd fd = {.fd = perf_crew_fd(crew, i), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 0), 1);
    }
    assert_int_equal(perf_crew_status(crew), STATUS_OK);
    perf_crew_fail(crew, STATUS_TIMEOUT);
    perf_crew_fail(crew, STATUS_FAILED);
    assert_int_equal(perf_crew_status(crew), STATUS_TIMEOUT);
    end();
}

/* Of what the user asked for each thread does a part, and nothing is lost or done twice. */
static void parts_are_the_whole(void **state)
{
    for (unsigned threads = 1; threads <= 8; threads++)
        for (uint32_t parallel = threads; parallel <= 32; parallel += 3) {
            uint64_t amount = 0;
            uint32_t conns = 0;
            o = (struct perf_options){.threads = threads, .parallel = parallel, .amount = 1003};
            for (unsigned i = 0; i < threads; i++) {
                struct perf_options part = perf_options_part(&o, i);
                assert_int_equal(part.thread, i);
                assert_true(part.parallel >= 1 && part.amount >= part.parallel);
                conns += part.parallel;
                amount += part.amount;
            }
            assert_int_equal(conns, parallel);
            assert_int_equal(amount, 1003);
        }
    o = (struct perf_options){.threads = 4, .parallel = 1, .serving = true};
    assert_int_equal(perf_options_part(&o, 3).parallel, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_sums),        cmocka_unit_test(the_last_one_tells),
        cmocka_unit_test(quiet_is_when_all_are), cmocka_unit_test(orders_wake_everybody),
        cmocka_unit_test(parts_are_the_whole),
    };
    return cmocka_run_group_tests_name("tools/perf_crew", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "tools/perf_options.h"

#include <string.h>

static struct perf_options o;

static enum args_verdict parse_options(int argc, char **argv)
{
    return perf_options_parse(&o, argc, argv);
}

static enum args_verdict parse(const char *command)
{
    return command_parse(parse_options, command);
}

static void takes_everything(void **state)
{
    assert_int_equal(parse("perf --path eth0 --path wlan0,backup -4 --checksum -C reno -t 2.5 -P 4 "
                           "--bidir -i 500ms --json-stream --cut wlan0@3 host 5201"),
                     ARGS_OK);
    assert_string_equal(o.host, "host");
    assert_int_equal(o.port, 5201);
    assert_int_equal(o.paths.path_n, 2);
    assert_false(o.paths.automatic || o.serving || o.reverse);
    assert_int_equal(o.paths.family, 4);
    assert_string_equal(o.cc, "reno");
    assert_int_equal(o.duration, 2500000);
    assert_int_equal(o.interval, 500000);
    assert_int_equal(o.parallel, 4);
    assert_true(o.bidir && o.json && o.json_stream && o.checksum);
    assert_string_equal(o.cut, "wlan0");
    assert_int_equal(o.cut_at, 3000000);
    assert_int_equal(parse("perf -s -1 --stack kernel-mptcp -C bbr ::1 5201"), ARGS_OK);
    assert_true(o.serving && o.once && o.paths.listening);
    assert_int_equal(o.stack, PERF_STACK_KERNEL_MPTCP);
    assert_string_equal(o.cc, "bbr");
    assert_int_equal(parse("perf -s --threads 8 5201"), ARGS_OK);
    assert_int_equal(o.threads, 8);
    assert_int_equal(parse("perf --crr 64k -n 1000 --stack kernel-tcp host 1"), ARGS_OK);
    assert_int_equal(o.mode, PERF_CRR);
    assert_int_equal(o.size, 65536);
    assert_int_equal(o.amount, 1000);
    assert_int_equal(o.duration, 0);
}

static void knows_the_defaults(void **state)
{
    assert_int_equal(parse("perf host 5201"), ARGS_OK);
    assert_int_equal(o.threads, 1);
    assert_int_equal(o.mode, PERF_BULK);
    assert_int_equal(o.stack, PERF_STACK_PLAIT);
    assert_int_equal(o.duration, 10 * PLAIT_SEC);
    assert_int_equal(o.interval, PLAIT_SEC);
    assert_int_equal(o.parallel, 1);
    assert_string_equal(o.cc, "cubic");
    assert_true(o.paths.automatic);
    assert_string_equal(o.cut, "");
}

static void names_the_mistake(void **state)
{
    static const char *const bad[][2] = {
        {"perf", "HOST"},
        {"perf host", "host"},
        {"perf -s", "PORT"},
        {"perf host 0", "'0'"},
        {"perf a 1 c", "'c'"},
        {"perf -t 0 h 1", "--time 0"},
        {"perf -t 2000min h 1", "2000min"},
        {"perf -n 0 h 1", "--bytes 0"},
        {"perf -n 5x h 1", "5x"},
        {"perf -n 5 -t 5 h 1", "exclude"},
        {"perf -P 33 h 1", "--parallel 33"},
        {"perf -P 17 --bidir h 1", "16"},
        {"perf -P 4 -n 3 h 1", "--bytes"},
        {"perf --threads 0 h 1", "--threads 0"},
        {"perf -s --threads 33 1", "--threads 33"},
        {"perf --threads 3 -P 2 h 1", "--parallel 3"},
        {"perf --rr 2G h 1", "--rr 2G"},
        {"perf --crr x h 1", "--crr x"},
        {"perf --rr 1 --crr 1 h 1", "exclude"},
        {"perf --rr 1 -R h 1", "--reverse"},
        {"perf -R --bidir h 1", "exclude"},
        {"perf --cut eth0 h 1", "--cut eth0"},
        {"perf --cut @5 h 1", "--cut @5"},
        {"perf --cut sixteen-letters-@5 h 1", "--cut"},
        {"perf --stack bsd h 1", "bsd"},
        {"perf -C vegas h 1", "vegas"},
        {"perf --stack kernel-tcp --path eth0 h 1", "--path"},
        {"perf --stack kernel-mptcp --checksum h 1", "--checksum"},
        {"perf --stack kernel-mptcp --sched blest h 1", "net.mptcp.scheduler"},
        {"perf --sched daps h 1", "daps"},
        {"perf --stack kernel-mptcp --pm none h 1", "ip mptcp"},
        {"perf -s -t 5 1", "-s takes no"},
        {"perf -s --rr 5 1", "-s takes no"},
        {"perf -1 h 1", "--one"},
        {"perf --path =x h 1", "--path =x"},
        {"perf --foo h 1", "--foo"},
        {"perf -z h 1", "-z"},
        {"perf h 1 -t", "-t"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse(bad[i][0]), ARGS_BAD);
        if (!strstr(said, bad[i][1]))
            fail_msg("'%s' was answered by '%s'", bad[i][0], said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_everything),
        cmocka_unit_test(knows_the_defaults),
        cmocka_unit_test(names_the_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "tools/cat_options.h"
#include "tools/policy.h"

#include <string.h>

static struct cat_options o;

static enum args_verdict parse_options(int argc, char **argv)
{
    return cat_options_parse(&o, argc, argv);
}

static enum args_verdict parse(const char *command)
{
    return command_parse(parse_options, command);
}

static void takes_everything(void **state)
{
    assert_int_equal(
        parse(
            "cat --path eth0 --path wlan0=192.0.2.7,backup -4 --checksum --cc reno --sched ecf "
            "--require-mptcp --nodelay --connect-timeout 2.5 -vv host 5000"),
        ARGS_OK);
    assert_string_equal(o.host, "host");
    assert_int_equal(o.port, 5000);
    assert_int_equal(o.paths.path_n, 2);
    assert_false(o.paths.automatic);
    assert_true(o.paths.path[1].backup);
    assert_int_equal(o.paths.family, 4);
    assert_true(o.conn.checksum && o.conn.require_mptcp && o.conn.nodelay && o.conn.mptcp);
    assert_string_equal(o.conn.cc, "reno");
    assert_string_equal(o.conn.sched, "ecf");
    assert_int_equal(o.connect_timeout, 2500000);
    assert_int_equal(o.verbose, 2);
    assert_int_equal(
        parse("cat -l --announce 192.0.2.7:81 --status fd:3=50 --stats --pcap x --buffer 64k 5000"),
        ARGS_OK);
    assert_true(o.listening && o.paths.listening && o.stats && o.paths.automatic);
    assert_null(o.host);
    assert_int_equal(o.paths.announce[0].port, 81);
    assert_string_equal(o.status, "fd:3");
    assert_int_equal(o.status_every, 50000);
    assert_int_equal(o.conn.rcvbuf_max, 65536);
    assert_true(o.conn.rcvbuf_init <= 65536);
    assert_int_equal(o.conn.offer_versions, PLAIT_MPTCP_V1);
    assert_int_equal(parse("cat --mptcp-version 0 host 5000"), ARGS_OK);
    assert_int_equal(o.conn.offer_versions, PLAIT_MPTCP_V0);
    assert_int_equal(parse("cat --mptcp-version both host 5000"), ARGS_OK);
    assert_int_equal(o.conn.offer_versions, PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1);
    assert_int_equal(parse("cat --mptcp-version 2 host 5000"), ARGS_BAD);
    assert_int_equal(parse("cat -l ::1 5000 --status a=b"), ARGS_OK);
    assert_string_equal(o.host, "::1");
    assert_string_equal(o.status, "a=b");
    assert_int_equal(o.status_every, 100000);
}

static void takes_policies(void **state)
{
    assert_int_equal(parse("cat --pm ndiffports:12 h 1"), ARGS_OK);
    assert_string_equal(o.conn.pm, "ndiffports");
    assert_int_equal(o.conn.ports, 12);
    assert_int_equal(o.conn.subflows_max, 12);
    assert_int_equal(policy_ports(&o.conn), 11);
    assert_int_equal(parse("cat --pm on-demand:1M,2s h 1"), ARGS_OK);
    assert_int_equal(o.conn.demand_bytes, 1 << 20);
    assert_int_equal(o.conn.demand_after, 2 * PLAIT_SEC);
    assert_int_equal(policy_ports(&o.conn), 0);
    assert_int_equal(parse("cat --pm on-demand:,300ms h 1"), ARGS_OK);
    assert_true(o.conn.demand_bytes == UINT64_MAX);
    assert_int_equal(o.conn.demand_after, 300000);
    assert_int_equal(parse("cat --pm on-demand:64k h 1"), ARGS_OK);
    assert_true(o.conn.demand_after == PLAIT_NEVER);
    assert_int_equal(parse("cat --pm handover --limits 3,2 h 1"), ARGS_OK);
    assert_string_equal(o.conn.pm, "handover");
    assert_int_equal(o.conn.subflows_max, 4);
    assert_int_equal(o.conn.addrs_max, 2);
    assert_int_equal(parse("cat --limits 0 h 1"), ARGS_OK);
    assert_int_equal(o.conn.subflows_max, 1);
    assert_int_equal(o.conn.addrs_max, 8);
}

static void names_the_mistake(void **state)
{
    static const char *const bad[][2] = {
        {"cat", "HOST"},
        {"cat host", "host"},
        {"cat -l", "PORT"},
        {"cat host 0", "'0'"},
        {"cat host 99999", "99999"},
        {"cat a 1 c", "'c'"},
        {"cat --path =x h 1", "--path =x"},
        {"cat --announce x h 1", "--announce x"},
        {"cat --cc vegas h 1", "vegas"},
        {"cat --sched daps h 1", "minrtt, minrtt-plain"},
        {"cat --pm mesh h 1", "fullmesh, ndiffports"},
        {"cat --pm fullmesh:1 h 1", "no parameters"},
        {"cat --pm ndiffports:0 h 1", "ndiffports:N"},
        {"cat --pm ndiffports:33 h 1", "ndiffports:N"},
        {"cat --pm on-demand: h 1", "on-demand:BYTES"},
        {"cat --pm on-demand:1M,x h 1", "on-demand:BYTES"},
        {"cat --limits 32 h 1", "--limits 32"},
        {"cat --limits 1, h 1", "--limits 1,"},
        {"cat --connect-timeout 0 h 1", "--connect-timeout 0"},
        {"cat --user-timeout 1y h 1", "1y"},
        {"cat --foo h 1", "--foo"},
        {"cat -z h 1", "-z"},
        {"cat h 1 --path", "--path"},
        {"cat --require-mptcp --no-mptcp h 1", "exclude"},
        {"cat --buffer 1 h 1", "--buffer 1"},
        {"cat --status x=0 h 1", "x=0"},
        {"cat -l -p 5 6", "--source-port"},
        {"cat --stats=1 h 1", "--stats=1"},
        {"cat -p x h 1", "'x'"},
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
        cmocka_unit_test(takes_policies),
        cmocka_unit_test(names_the_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

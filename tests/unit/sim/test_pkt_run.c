/* SPDX-License-Identifier: Apache-2.0 */
/* The runner: scripts that come out as written, and each way in which one can fail. */
#include "sim/pkt.h"
#include "unit/base/cm.h"

#include <string.h>

#define LISTEN                                      \
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n" \
    "+0 bind(3, ..., ...) = 0\n"                    \
    "+0 listen(3, 1) = 0\n"
#define ESTABLISH                                 \
    LISTEN "+.1 < S 0:0(0) win 1000 <mss 1460>\n" \
           "+0 > S. 0:0(0) ack 1 <mss 1460>\n"    \
           "+.1 < . 1:1(0) ack 1 win 60000\n"     \
           "+0 accept(3, ..., ...) = 4\n"

static struct sim_pkt_report report;

static bool run(const char *text)
{
    const struct sim_pkt_options options = {0};
    struct sim_pkt_script *s = sim_pkt_parse(text, strlen(text), &report.error);

    if (s == NULL)
        fail_msg("%u:%u: %s", report.error.line, report.error.column, report.error.text);
    bool good = sim_pkt_run(s, &options, &report);
    sim_pkt_free(s);
    return good;
}

static void passes(const char *text)
{
    if (!run(text))
        fail_msg("%u: %s", report.error.line, report.error.text);
}

static void fails(const char *text, unsigned line, const char *why)
{
    assert_false(run(text));
    if (strstr(report.error.text, why) == NULL)
        fail_msg("'%s' is not about '%s'", report.error.text, why);
    assert_int_equal(report.error.line, line);
}

static void test_both_ways(void **state)
{
    passes(ESTABLISH "+.1 < P. 1:101(100) ack 1 win 60000\n+0 > . 1:1(0) ack 101\n"
                     "+0 read(4, ..., 1000) = 100\n+0 read(4, ..., 1000) = -1 EAGAIN\n"
                     "+0 write(4, ..., 2920) = 2920\n+0 > . 1:1461(1460) ack 101\n"
                     "+0 > P. 1461:2921(1460) ack 101\n");
    assert_int_equal(report.packets, 7);
    assert_int_equal(report.took, 300000);
}

static void test_wrap_of_the_peers_numbers(void **state)
{
    passes("--peer_isn=0xfffffff0\n" ESTABLISH "+.1 < P. 1:101(100) ack 1 win 1000\n"
           "+0 > . 1:1(0) ack 101\n+0 read(4, ..., 1000) = 100\n");
}

static void test_a_different_packet_is_shown(void **state)
{
    fails(LISTEN "+.1 < S 0:0(0) win 1000 <mss 1460>\n+0 > S. 0:0(0) ack 2 <mss 1460>\n", 5,
          "acknowledgment number not as expected\n"
          "  expected: 0.100000 > S. 0:0(0) ack 2 <mss 1460>\n"
          "  actual:   0.100000 > S. 0:0(0) ack 1 <mss 1460>");
    fails(LISTEN "+.1 < S 0:0(0) win 1000 <mss 1460>\n+0 > S. 0:0(0) ack 1 <mss 1000>\n", 5,
          "options not as expected");
    fails(LISTEN "+.1 < S 0:0(0) win 1000 <mss 1460>\n+0 > S. 0:0(0) ack 1\n", 5,
          "options not as expected");
    fails(LISTEN "+.1 < S 0:0(0) win 1000\n+0 > . 0:0(0) ack 1 <...>\n", 5, "flags");
    fails(LISTEN "+.1 < S 0:0(0) win 1000\n+0 > S. 0:0(0) ack 1 win 1 <...>\n", 5, "window");
}

static void test_times(void **state)
{
    const char syn[] = LISTEN "+.1 < S 0:0(0) win 1000\n+0 > S. 0:0(0) ack 1 <...>\n";
    char text[1000];

    (void)snprintf(text, sizeof text, "%s+1 > S. 0:0(0) ack 1 <...>", syn);
    passes(text);
    (void)snprintf(text, sizeof text, "%s* > S. 0:0(0) ack 1 <...>", syn);
    passes(text);
    (void)snprintf(text, sizeof text, "%s+.5~+1.5 > S. 0:0(0) ack 1 <...>", syn);
    passes(text);
    (void)snprintf(text, sizeof text, "%s+.9 > S. 0:0(0) ack 1 <...>", syn);
    fails(text, 6, "did not send");
    (void)snprintf(text, sizeof text, "%s+1.1 > S. 0:0(0) ack 1 <...>", syn);
    fails(text, 6, "came at 1.100000 s, and not at 1.200000 s");
    (void)snprintf(text, sizeof text, "--tolerance_usecs=100000\n%s+1.1 > S. 0:0(0) ack 1 <...>",
                   syn);
    passes(text);
    (void)snprintf(text, sizeof text, "%s0.05 close(3) = 0", syn);
    fails(text, 6, "has passed");
}

static void test_unexpected_packets(void **state)
{
    fails(LISTEN "+.1 < S 0:0(0) win 1000\n", 4, "does not expect here");
    fails(LISTEN "+.1 < S 0:0(0) win 1000\n+.1 close(3) = 0\n", 5, "does not expect here");
    fails("+0 < . 1:1(0) ack 1\n+0 > S 0:0(0)\n", 2, "flags not as expected");
}

static void test_calls_that_fail(void **state)
{
    fails(LISTEN "+0 accept(3, ..., ...) = 4\n", 4, "accept() answered -1 EAGAIN, and not 4");
    fails("+0 read(9, ..., 1) = 1\n", 1, "EBADF");
    fails(LISTEN "+0 read(3, ..., 1) = 1\n", 4, "ENOTCONN");
    passes(LISTEN "+0 accept(3, ..., ...) = -1 EAGAIN\n");
    passes("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
           "+0 setsockopt(3, SOL_TCP, FROB, [1], 4) = -1 ENOPROTOOPT\n");
}

static void test_checks(void **state)
{
    passes(ESTABLISH "+0 check(state ESTABLISHED)\n+0 check(multipath == 0)\n"
                     "+0 check(subflows == 1)\n+0 check(mss == 1460)\n+0 check(conns == 1)\n"
                     "+0 check(counter PAWS == 0)\n");
    fails(ESTABLISH "+0 check(state CLOSED)\n", 8, "state is ESTABLISHED");
    fails(ESTABLISH "+0 check(subflows != 1)\n", 8, "subflows is 1");
    fails(ESTABLISH "+0 check(subflow 7 cwnd == 1)\n", 8, "no subflow 7");
    fails(LISTEN "+0 check(cwnd == 1)\n", 4, "no connection to ask");
}

static void test_configuration_is_refused(void **state)
{
    fails("--cc=frob\n+0 close(3)\n", 0, "refuses the configuration");
    fails("--mtu=10\n+0 close(3)\n", 0, "MTU");
}

static void test_keys_must_be_known(void **state)
{
    fails("+0 < S 0:0(0) <mp_join_syn backup=0 address_id=1 token=sha256_32(k)>\n", 1,
          "no value yet");
    fails("+0 < S 0:0(0) <raw \""
          "0101010101010101010101010101010101010101"
          "0101010101010101010101010101010101010101\",nop>\n",
          1, "more than 40 bytes");
    fails("+0 < S 0:0(0) <nop,nop,nop,TS val 1 ecr 0,sack 1:2 3:4 5:6 7:8>\n", 1,
          "more than 40 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_wrap_of_the_peers_numbers),
        cmocka_unit_test(test_a_different_packet_is_shown),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_unexpected_packets),
        cmocka_unit_test(test_calls_that_fail),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_configuration_is_refused),
        cmocka_unit_test(test_keys_must_be_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The parser and the printer: what is printed of a parsed event is its text again. */
#include "sim/pkt.h"
#include "sim/pkt_print.h"
#include "unit/base/cm.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

static struct sim_pkt_script *parse(const char *text)
{
    struct sim_pkt_error error;
    struct sim_pkt_script *s = sim_pkt_parse(text, strlen(text), &error);

    if (s == NULL)
        fail_msg("%u:%u: %s", error.line, error.column, error.text);
    return s;
}

/* The one event of "+0 TEXT" prints as this. */
static void prints(const char *text, const char *printed)
{
    char line[SIM_PKT_LINE_MAX];
    struct sim_pkt_script *s;

    (void)snprintf(line, sizeof line, "+0 %s", text);
    s = parse(line);
    assert_int_equal(s->event_n, 1);
    const struct sim_pkt_event *ev = s->event;
    if (ev->kind == SIM_PKT_EVENT_SEG)
        sim_pkt_print(s, &ev->seg, line, sizeof line);
    else if (ev->kind == SIM_PKT_EVENT_CALL)
        sim_pkt_print_call(&ev->call, line, sizeof line);
    else
        sim_pkt_print_check(&ev->check, line, sizeof line);
    assert_string_equal(line, printed);
    sim_pkt_free(s);
}

static void same(const char *text)
{
    prints(text, text);
}

static void test_segments(void **state)
{
    same("< S 0:0(0) win 1000 <mss 1460,sackOK,TS val 1 ecr 0,wscale 7>");
    same("> S. 0:0(0) ack 1 <...>");
    same("> . 1:1(0) ack 101");
    same("< SEW 0:0(0)");
    same("< - 0:5(5)");
    same("< PU. 1:11(10) ack 1 win 0 urg 5");
    same("> . 1:1(0) ack 1 <sack 1001:2001 3001:4001>");
    same("> . 1:1(0) ack 1 <TS val * ecr *>");
    same("< [ce] P. 1:2(1) ack 1");
    same("< S 0:0(0) <FO>");
    same("< S 0:0(0) <FO \"0102\",raw \"fd04aabb\">");
    prints("< S 0:0(0) <nop,mss 5,nop>", "< S 0:0(0) <mss 5>");
    same("< addr[remote1:4000] > addr[local0:80] S 0:0(0)");
    same("> addr[local3] > addr[remote2] R 4294967295:4294967295(0)");
}

static void test_mptcp(void **state)
{
    same("< S 0:0(0) <mpcapable v1 flags[flag_h] nokey>");
    same("> S. 0:0(0) ack 1 <mpcapable v1 flags[flag_a|flag_h] key[skey]>");
    same("< . 1:1(0) ack 1 <mpcapable v1 flags[flag_h] key[ckey=2, skey]>");
    same("< P. 1:6(5) ack 1 <mpcapable v1 flags[flag_h] key[a, b] mpcdatalen 5 cs=auto>");
    prints("< S 0:0(0) <mpcapable v2 flags[0x80] nokey>",
           "< S 0:0(0) <mpcapable v2 flags[flag_a] nokey>");
    same("> . 1:1(0) ack 1 <dss dack8=101 nocs>");
    same("< P. 1:6(5) ack 1 <dss dack4=1 dsn4=1 ssn=1 dll=5 nocs>");
    same("< P. 1:6(5) ack 1 <dss dack8=1 dsn8=1 ssn=1 dll=6 cs=bad fin>");
    same("> . 1:1(0) ack 1 <dss dack8=* nocs>");
    prints("< . 1:1(0) ack 1 <dss dsn8=-3 ssn=1 dll=1 nocs>",
           "< . 1:1(0) ack 1 <dss dsn8=-3 ssn=1 dll=1 nocs>");
    same("> S 0:0(0) <mp_join_syn backup=0 address_id=1 token=sha256_32(skey)>");
    same("< S. 0:0(0) ack 1 <mp_join_syn_ack backup=1 address_id=2 sender_hmac=auto>");
    same("< . 1:1(0) ack 1 <mp_join_ack sender_hmac=bad>");
    same("> . 1:1(0) ack 1 <add_address address_id=2 addr=\"192.168.1.1\" hmac=auto>");
    same("< . 1:1(0) ack 1 <add_address echo address_id=2 addr=\"2001:db8::1\" port=80>");
    prints("< . 1:1(0) ack 1 <add_address address_id=2 addr[remote1:80] hmac=auto>",
           "< . 1:1(0) ack 1 <add_address address_id=2 addr=\"192.0.3.1\" port=80 hmac=auto>");
    same("< . 1:1(0) ack 1 <remove_address address_id=[1,2]>");
    same("< . 1:1(0) ack 1 <mp_prio backup=0>");
    prints("< . 1:1(0) ack 1 <mp_prio backup>", "< . 1:1(0) ack 1 <mp_prio backup=1>");
    same("< . 1:1(0) ack 1 <mp_fail dsn8=101>");
    same("> R. 1:1(0) ack 1 <mp_fastclose key[skey],mp_reset 0>");
    same("> R 1:1(0) <mp_reset 6 transient>");
}

static void test_calls(void **state)
{
    same("socket(..., SOCK_STREAM, IPPROTO_MPTCP) = 3");
    same("connect(3, ..., ...) = -1 EINPROGRESS");
    prints("read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)",
           "read(4, ..., 10) = -1 EAGAIN");
    same("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0");
    same("setsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", 4) = 0");
    same("close(4)");
    same("check(counter RST_IN_WINDOW == 1)");
    same("check(fd 4 subflow 1 cwnd >= 14600)");
    same("check(state FIN_WAIT_2)");
    same("check(error ECONNRESET)");
}

static void test_local_flags(void **state)
{
    struct sim_pkt_script *s = parse("--local=SIGNAL\n+0 local_add(2, SUBFLOW|BACKUP) = 0");

    assert_int_equal(s->setup.local_n, 2);
    assert_int_equal(s->setup.local_flags[1], PLAIT_LOCAL_SIGNAL);
    assert_int_equal(s->event[0].call.arg[1].flags, PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_BACKUP);
    sim_pkt_free(s);
}

static void test_times(void **state)
{
    struct sim_pkt_script *s = parse("1.5 > . 1:1(0) ack 1\n+.1~+.2 > . 1:1(0) ack 1\n"
                                     "* > . 1:1(0) ack 1\n+1 close(3)");

    assert_int_equal(s->event_n, 4);
    assert_int_equal(s->event[0].when, SIM_PKT_ABSOLUTE);
    assert_int_equal(s->event[0].lo, 1500000);
    assert_int_equal(s->event[0].hi, 1500000);
    assert_int_equal(s->event[1].when, SIM_PKT_RELATIVE);
    assert_int_equal(s->event[1].lo, 100000);
    assert_int_equal(s->event[1].hi, 200000);
    assert_int_equal(s->event[2].when, SIM_PKT_WHENEVER);
    assert_int_equal(s->event[3].lo, 1000000);
    sim_pkt_free(s);
}

static void test_header(void **state)
{
    struct sim_pkt_script *s =
        parse("--ip_version=ipv6\n--rto_min=1000000\n--cc=reno\n--tolerance_usecs=500\n"
              "--peer_isn=0xfffffff0\n--local=\n");

    assert_true(s->setup.ipv6);
    assert_int_equal(s->setup.config.rto_min, PLAIT_SEC);
    assert_string_equal(s->setup.cc, "reno");
    assert_int_equal(s->setup.tolerance, 500);
    assert_int_equal(s->setup.peer_isn, 0xfffffff0);
    assert_int_equal(s->setup.local_n, 2);
    assert_int_equal(s->setup.local_flags[1], 0);
    sim_pkt_free(s);
}

/* Where and why a script is refused. */
static void refused(const char *text, unsigned line, unsigned column, const char *why)
{
    struct sim_pkt_error e;

    assert_null(sim_pkt_parse(text, strlen(text), &e));
    if (strstr(e.text, why) == NULL)
        fail_msg("'%s' is not about '%s'", e.text, why);
    assert_int_equal(e.line, line);
    assert_int_equal(e.column, column);
}

static void test_errors_name_the_place(void **state)
{
    refused("+0 < S 0:0(0)\n+0 < X 0:0(0)", 2, 6, "flags");
    refused("+0 < . 1:1(1) ack 1", 1, 12, "end less start");
    refused("+0 < . 1:1(0)", 1, 14, "ack N");
    refused("+0 < S 0:0(0) ack 1", 1, 20, "no ack");
    refused("+0 < S 0:0(0) <mss>", 1, 19, "segment size");
    refused("+0 < S 0:0(0) <frob 1>", 1, 16, "a TCP option");
    refused("+0 < S 0:0(0) <...>", 1, 16, "a TCP option");
    refused("+0~+1 < S 0:0(0)", 1, 1, "one time");
    refused("+1~+0.5 > S 0:0(0)", 1, 9, "range");
    refused("0...0.1 connect(3, ..., ...) = 0", 1, 2, "blocking");
    refused("+0 frob(1)", 1, 4, "a call");
    refused("+0 check(frob == 1)", 1, 10, "checked");
    refused("+0 check(counter FROB == 1)", 1, 18, "knows");
    refused("+0 check(cwnd)", 1, 14, "comparison");
    refused("+0 %{ print(1) }%", 1, 4, "Python");
    refused("`ip link`", 1, 1, "a time");
    refused("+0 `ip link`", 1, 4, "shell");
    refused("--frob=1\n", 1, 1, "an option that there is");
    refused("--mtu=70000\n", 1, 1, "in range");
    refused("--mtu=big\n", 1, 1, "a number");
    refused("-x\n", 1, 1, "--name=value");
    refused("+0 < addr[local0] > addr[remote0] S 0:0(0)", 1, 35, "addr[remoteN] > addr[localN]");
    refused("+0 < S 0:0(0) <mpcapable v16 flags[0] nokey>", 1, 26, "v0 to v15");
    refused("+0 < S 0:0(0) <mp_join_syn backup=0>", 1, 36, "token");
}

static void test_caps(void **state)
{
    static char text[SIM_PKT_TEXT_MAX + 2];
    struct sim_pkt_error e;
    size_t n = 0;

    memset(text, ' ', sizeof text);
    assert_null(sim_pkt_parse(text, SIM_PKT_TEXT_MAX + 1, &e));
    for (unsigned i = 0; i <= SIM_PKT_EVENTS_MAX; i++)
        n += (size_t)sprintf(text + n, "+0 close(3)\n");
    assert_null(sim_pkt_parse(text, n, &e));
    assert_int_equal(e.line, SIM_PKT_EVENTS_MAX + 1);
    n = (size_t)sprintf(text, "+0 < S 0:0(0) <nop");
    for (unsigned i = 0; i < SIM_PKT_OPTS_MAX; i++)
        n += (size_t)sprintf(text + n, ",nop");
    assert_null(sim_pkt_parse(text, n, &e));
    n = 0;
    for (unsigned i = 0; i <= SIM_PKT_VARS_MAX; i++)
        n += (size_t)sprintf(text + n, "+0 > R 0:0(0) <mp_fastclose key[k%u]>\n", i);
    assert_null(sim_pkt_parse(text, n, &e));
    assert_int_equal(e.line, SIM_PKT_VARS_MAX + 1);
}

/* Every beginning of a script, and every script with one byte changed, is taken or refused. */
static void test_broken_text(void **state)
{
    static const char text[] =
        "--mtu=1500\n+0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_MPTCP) = 3 /* c */\n"
        "+0.1~+.2 > addr[local0:1] > addr[remote1] S. 0:0(0) ack 1 win 5 <mss 1,TS val * ecr 5,"
        "sack 1:2,mpcapable v1 flags[flag_a|flag_h] key[a=0x2, b] mpcdatalen 5 cs=auto>\n"
        "+0 < [ce] P. 1:2(1) ack 1 <dss dack8=-1 dsn4=5 ssn=1 dll=1 cs=bad fin,raw \"1e\">\n"
        "+0 < [1:2(1)] icmp unreachable frag_needed mtu 5\n"
        "+0 < S 0:0(0) <mp_join_syn backup=1 address_id=2 token=sha256_32(a) nonce=5,mp_prio "
        "backup,add_address address_id=1 addr=\"1.2.3.4\" port=5 hmac=*,remove_address "
        "address_id=[1,2],mp_fail dsn8=1,mp_fastclose key[a],mp_reset 1 transient>\n"
        "+0 setsockopt(3, A, B, {onoff=1, linger=0}, 8) = -1 EINVAL (no)\n"
        "+0 check(fd 3 subflow 1 cwnd <= 5)";
    size_t len = sizeof text - 1;
    struct sim_pkt_error e;
    char *copy;

    sim_pkt_free(parse(text));
    for (size_t n = 0; n <= len; n++) { /* the end is behind the last byte of the allocation */
        copy = malloc(n > 0 ? n : 1);
        memcpy(copy, text, n);
        sim_pkt_free(sim_pkt_parse(copy, n, &e));
        free(copy);
    }
    copy = malloc(len);
    for (size_t n = 0; n < len; n++) {
        memcpy(copy, text, len);
        for (unsigned c = 0; c < 256; c += 3) {
            copy[n] = (char)c;
            sim_pkt_free(sim_pkt_parse(copy, len, &e));
        }
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_mptcp),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_local_flags),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_errors_name_the_place),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_broken_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

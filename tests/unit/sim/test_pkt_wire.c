/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder and decoder: what goes to the stack is what the wire layer reads, and what the stack
 * would send is read back as it was written. */
#include "base/be.h"
#include "sim/pkt_match.h"
#include "sim/pkt_print.h"
#include "sim/pkt_wire.h"
#include "unit/base/cm.h"
#include "wire/wire.h"

#include <string.h>

static struct sim_pkt_bytes bytes;
static struct sim_pkt_world world;
static struct sim_pkt_flow *flow;
static struct sim_pkt_script *script;

static void setup(const char *text)
{
    struct sim_pkt_error e;

    script = sim_pkt_parse(text, strlen(text), &e);
    if (script == NULL)
        fail_msg("%u:%u: %s", e.line, e.column, e.text);
    world = (struct sim_pkt_world){.script = script};
    struct plait_addr local = sim_pkt_addr(script->setup.ipv6, false, 0);
    struct plait_addr remote = sim_pkt_addr(script->setup.ipv6, true, 0);
    local.port = 8080;
    remote.port = 50000;
    flow = sim_pkt_flow_new(&world, &local, &remote);
    flow->iss = 1000000;
    flow->iss_known = true;
    sim_pkt_learn_key(&world, SIM_PKT_STACK, 7);
    sim_pkt_learn_key(&world, SIM_PKT_PEER, 8);
}

/* The script's only packet, as the wire layer sees it. */
static void encode(const char *text, struct wire_packet *p)
{
    setup(text);
    assert_null(sim_pkt_learn_in(&world, flow, &script->event[0].seg));
    assert_null(sim_pkt_encode(&world, flow, &script->event[0].seg, &bytes));
    assert_int_equal(wire_parse(bytes.b, bytes.len, false, p), PLAIT_REASON_NONE);
    sim_pkt_free(script);
}

static void test_header(void **state)
{
    static const char *const family[] = {"", "--ip_version=ipv6\n"};
    struct wire_packet p;
    char text[200];

    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof text,
                       "%s--peer_isn=500\n+0 < [ce] PU. 1:11(10) ack 21 win 77 "
                       "urg 3 <TS val 5 ecr 6,sack 1001:2001>",
                       family[i]);
        encode(text, &p);
        assert_int_equal(p.seg.src.port, 50000);
        assert_int_equal(p.seg.dst.port, 8080);
        assert_int_equal(p.seg.seq, 501);
        assert_int_equal(p.seg.ack, 1000021);
        assert_int_equal(p.seg.flags, WIRE_PSH | WIRE_URG | WIRE_ACK);
        assert_int_equal(p.seg.wnd, 77);
        assert_int_equal(p.seg.urg, 3);
        assert_int_equal(p.seg.ecn, 3);
        assert_int_equal(p.seg.len, 10);
        assert_int_equal(p.seg.opt.tsval, 5);
        assert_int_equal(p.seg.opt.tsecr, 6);
        assert_int_equal(p.seg.opt.sack[0].lo, 1001001);
        assert_int_equal(p.seg.data[0], sim_pkt_stream_byte(SIM_PKT_PEER, 0));
    }
}

static void test_mptcp_options(void **state)
{
    struct wire_packet p;

    encode("+0 < P. 1:6(5) ack 1 <dss dack8=11 dsn8=101 ssn=1 dll=5 cs=auto>", &p);
    assert_true(wire_mp_has(&p.seg.mp, WIRE_MP_DSS));
    assert_true(p.seg.mp.dss.ack == world.idsn[SIM_PKT_STACK] + 11);
    assert_true(p.seg.mp.dss.dsn == world.idsn[SIM_PKT_PEER] + 101);
    assert_int_equal(p.seg.data[0], sim_pkt_stream_byte(SIM_PKT_PEER, 100));
    encode("+0 < S 0:0(0) <mpcapable v1 flags[flag_a|flag_h] nokey>", &p);
    assert_int_equal(p.seg.mp.capable.len, 4);
    assert_int_equal(p.seg.mp.capable.flags, WIRE_CAP_A | WIRE_CAP_H);
    encode("+0 < . 1:1(0) ack 1 <add_address address_id=3 addr[remote1:80] hmac=auto>", &p);
    assert_int_equal(p.seg.mp.add_addr.addr.port, 80);
    assert_true(p.seg.mp.add_addr.has_hmac);
    encode("+0 < . 1:1(0) ack 1 <mp_fail dsn8=9,mp_prio backup,remove_address address_id=[4,5]>",
           &p);
    assert_true(p.seg.mp.fail_dsn == world.idsn[SIM_PKT_STACK] + 9);
    assert_true(p.seg.mp.prio_backup);
    assert_int_equal(p.seg.mp.remove.n, 2);
}

/* The checksum of RFC 8684 3.3.1 by hand: one byte of payload is a word whose low half is 0. */
static void test_dss_checksum(void **state)
{
    setup("");
    struct sim_pkt_mapping m = {SIM_PKT_STACK, 1, 1, 1, false};
    uint64_t dsn = world.idsn[SIM_PKT_STACK] + 1, sum = 1 + 1;

    for (unsigned i = 0; i < 4; i++)
        sum += dsn >> 16 * i & 0xffff;
    sum += (uint64_t)sim_pkt_stream_byte(SIM_PKT_STACK, 0) << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal(sim_pkt_dss_csum(&world, &m), (uint16_t)~sum);
    sim_pkt_free(script);
}

static void test_icmp(void **state)
{
    static const char *const text[] = {
        "+0 < [11:21(10)] icmp unreachable frag_needed mtu 1200",
        "--ip_version=ipv6\n+0 < [11:21(10)] icmp unreachable packet_too_big mtu 1300"};
    struct wire_packet p;

    for (unsigned i = 0; i < 2; i++) {
        setup(text[i]);
        sim_pkt_encode_icmp(flow, &script->event[0].icmp, &bytes);
        assert_int_equal(wire_parse(bytes.b, bytes.len, false, &p), PLAIT_REASON_NONE);
        assert_int_equal(p.kind, WIRE_KIND_ICMP);
        assert_int_equal(p.icmp.what, WIRE_ICMP_TOO_BIG);
        assert_int_equal(p.icmp.mtu, 1200 + 100 * i);
        assert_int_equal(p.icmp.seq, 1000011);
        assert_int_equal(p.icmp.src.port, 8080);
        sim_pkt_free(script);
    }
}

/* As if the stack had sent it: what was encoded for the peer's side is turned round. */
static void round_trip(const char *text)
{
    char line[SIM_PKT_LINE_MAX];
    struct sim_pkt_seg came;
    const uint8_t *payload;

    (void)snprintf(line, sizeof line, "+0 %s", text);
    setup(line);
    struct sim_pkt_world turned = world;
    turned.key[0] = world.key[1];
    turned.key[1] = world.key[0];
    turned.idsn[0] = world.idsn[1];
    turned.idsn[1] = world.idsn[0];
    turned.known[0] = true;
    turned.var[0] = 8;
    struct sim_pkt_flow *other = &turned.flow[0];
    other->irs = flow->iss;
    other->nonce_local = flow->nonce_remote;
    assert_null(sim_pkt_learn_in(&world, flow, &script->event[0].seg));
    if (script->var_n > 0) {
        world.known[0] = true;
        world.var[0] = 8;
    }
    assert_null(sim_pkt_encode(&world, flow, &script->event[0].seg, &bytes));
    other->iss = flow->irs;
    assert_true(sim_pkt_decode(&turned, other, &bytes, &came, &payload));
    sim_pkt_hide_unasked(&script->event[0].seg, &came);
    came.out = false;
    sim_pkt_print(script, &came, line, sizeof line);
    assert_string_equal(line, text);
    assert_null(sim_pkt_differs(&turned, &script->event[0].seg, &came));
    sim_pkt_free(script);
}

static void test_round_trips(void **state)
{
    round_trip("< S 0:0(0) <mss 1460,sackOK,wscale 7,FO \"0102\">");
    round_trip("< . 1:1(0) ack 1 <sack 1:2 5:9>");
    round_trip("< . 1:1(0) ack 1 <dss dack4=5 dsn4=9 ssn=1 dll=5 nocs>");
    round_trip("< . 1:1(0) ack 1 <dss dack8=5 dsn8=9 ssn=0 dll=1 nocs fin>");
    round_trip("< . 1:1(0) ack 1 <add_address echo address_id=2 addr=\"10.0.0.1\" port=80>");
    round_trip("< . 1:1(0) ack 1 <add_address echo address_id=2 addr=\"2001:db8::1\">");
    round_trip("< . 1:1(0) ack 1 <remove_address address_id=[1,2,3]>");
    round_trip("< . 1:1(0) ack 1 <mp_prio backup=1>");
    round_trip("< R 1:1(0) <mp_fastclose key[k],mp_reset 6 transient>");
    round_trip("< . 1:1(0) ack 1 <mp_fail dsn8=44>");
    round_trip("< S 0:0(0) <mp_join_syn backup=1 address_id=4 token=sha256_32(k)>");
    round_trip("< S 0:0(0) <raw \"fd04aabb\">");
    round_trip("< S 0:0(0) <mpcapable v1 flags[flag_c|flag_h] nokey>");
}

static void test_broken_options_are_raw(void **state)
{
    round_trip("< . 1:1(0) ack 1 <raw \"1e0320\">");         /* DSS that ends too early */
    round_trip("< . 1:1(0) ack 1 <raw \"1e04f000\">");       /* no such subtype */
    round_trip("< . 1:1(0) ack 1 <raw \"0205000000\">");     /* no length for an MSS */
    round_trip("< . 1:1(0) ack 1 <mss 9,raw \"1eff0000\">"); /* runs over the end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),       cmocka_unit_test(test_mptcp_options),
        cmocka_unit_test(test_dss_checksum), cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_round_trips),  cmocka_unit_test(test_broken_options_are_raw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

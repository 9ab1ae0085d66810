/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *sample(uint8_t family, uint32_t payload, size_t *len)
{
    static const uint8_t bytes[2000] = { 5 };
    struct plait_addr a = kit_addr(family, 1, 1234), b = kit_addr(family, 2, 80);
    struct wire_emit how = { .src = &a, .dst = &b, .flags = WIRE_ACK, .ecn = 2,
                             .payload_len = payload };

    return kit_packet(&how, bytes, len);
}

static void v4_fields(void **state)
{
    size_t len;
    uint8_t *p = sample(4, 10, &len);
    struct wire_ip ip;

    assert_int_equal(len, 50);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
    assert_true(ip.proto == WIRE_PROTO_TCP && ip.ecn == 2 && ip.len == 30 && ip.data == p + 20);
    assert_true(ip.src.family == 4 && ip.src.ip[3] == 1 && ip.src.port == 0 && ip.dst.ip[3] == 2);
    assert_int_equal(be16_load(p + 4), 0);         /* ID 0 ... */
    assert_int_equal(be16_load(p + 6), 0x4000);    /* ... with DF */
    be16_store(p + 2, 45);
    kit_fix_v4(p);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
    assert_int_equal(ip.len, 25); /* padding behind the packet is cut */
    be16_store(p + 2, 51);
    kit_fix_v4(p);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_IP_TRUNCATED);
    be16_store(p + 2, 19);
    kit_fix_v4(p);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_IP_TRUNCATED);
    be16_store(p + 2, 0);
    kit_fix_v4(p);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
    assert_int_equal(ip.len, 30); /* a super-segment */
    p[8] ^= 1;
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_IP_CSUM);
    free(p);
}

/*= RFC 9293 3.9.2
 * When received options are passed up to TCP from the IP layer, a TCP implementation MUST ignore
 * options that it does not understand (MUST-50). */
static void v4_options_and_fragments(void **state)
{
    size_t len;
    uint8_t *p = sample(4, 100, &len);
    struct wire_ip ip;

    for (uint8_t ihl = 0; ihl < 16; ihl++) {
        p[0] = (uint8_t)(0x40 | ihl);
        kit_fix_v4(p);
        assert_int_equal(wire_ip_parse(p, len, &ip),
                         ihl >= 5 ? PLAIT_REASON_NONE : PLAIT_REASON_IP_TRUNCATED);
        assert_true(ihl < 5 || ip.data == p + ihl * 4);
    }
    p[0] = 0x45;
    for (unsigned bit = 0; bit < 16; bit++) {
        be16_store(p + 6, (uint16_t)(1u << bit));
        kit_fix_v4(p);
        assert_int_equal(wire_ip_parse(p, len, &ip),
                         bit < 14 ? PLAIT_REASON_IP_FRAGMENT : PLAIT_REASON_NONE);
    }
    free(p);
}

static void v6_fields(void **state)
{
    size_t len;
    uint8_t *p = sample(6, 10, &len);
    struct wire_ip ip;

    assert_int_equal(len, 70);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
    assert_true(ip.proto == WIRE_PROTO_TCP && ip.ecn == 2 && ip.len == 30 && ip.data == p + 40);
    assert_true(ip.src.family == 6 && ip.src.ip[15] == 1 && ip.dst.ip[15] == 2);
    be16_store(p + 4, 25);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
    assert_int_equal(ip.len, 25);
    be16_store(p + 4, 31);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_IP_TRUNCATED);
    be16_store(p + 4, 0);
    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
    assert_int_equal(ip.len, 30);
    free(p);
}

/* A packet with n extension headers of a kind, 8 bytes each, before 20 bytes of TCP. */
static enum plait_reason with_exthdrs(uint8_t kind, unsigned n, uint8_t segments_left)
{
    size_t len = 40 + 8 * n + 20;
    uint8_t *p = calloc(1, len);
    struct wire_ip ip;
    enum plait_reason reason;

    p[0] = 0x60;
    be16_store(p + 4, (uint16_t)(len - 40));
    p[6] = n > 0 ? kind : WIRE_PROTO_TCP;
    for (unsigned i = 0; i < n; i++) {
        p[40 + 8 * i] = i + 1 < n ? kind : WIRE_PROTO_TCP;
        p[40 + 8 * i + 3] = segments_left;
    }
    reason = wire_ip_parse(p, len, &ip);
    if (reason == PLAIT_REASON_NONE)
        assert_true(ip.proto == WIRE_PROTO_TCP && ip.len == 20);
    free(p);
    return reason;
}

static void v6_extension_headers(void **state)
{
    assert_int_equal(with_exthdrs(60, 8, 0), PLAIT_REASON_NONE);
    assert_int_equal(with_exthdrs(60, 9, 0), PLAIT_REASON_IP_EXTHDR);
    assert_int_equal(with_exthdrs(0, 1, 0), PLAIT_REASON_NONE);
    assert_int_equal(with_exthdrs(0, 2, 0), PLAIT_REASON_IP_EXTHDR); /* only the first may be one */
    assert_int_equal(with_exthdrs(43, 1, 0), PLAIT_REASON_NONE);
    assert_int_equal(with_exthdrs(43, 1, 1), PLAIT_REASON_IP_EXTHDR);
    assert_int_equal(with_exthdrs(44, 1, 0), PLAIT_REASON_IP_FRAGMENT);
}

static void exthdr_outside_the_packet(void **state)
{
    for (size_t len = 40; len < 60; len++) {
        uint8_t *p = calloc(1, len);
        struct wire_ip ip;
        p[0] = 0x60;
        p[6] = 60;
        be16_store(p + 4, (uint16_t)(len - 40));
        if (len > 40)
            p[40] = 60;
        if (len > 41)
            p[41] = 255;
        assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_IP_TRUNCATED);
        free(p);
    }
}

static void every_prefix(void **state)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        size_t len;
        uint8_t *p = sample(family, 5, &len);
        for (size_t n = 0; n < len; n++) {
            uint8_t *exact = malloc(n > 0 ? n : 1);
            struct wire_ip ip;
            memcpy(exact, p, n);
            assert_int_equal(wire_ip_parse(exact, n, &ip), PLAIT_REASON_IP_TRUNCATED);
            free(exact);
        }
        for (unsigned version = 0; version < 16; version++) {
            struct wire_ip ip;
            p[0] = (uint8_t)(version << 4 | 5);
            if (version != 4 && version != 6)
                assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_IP_VERSION);
        }
        free(p);
    }
}

/*= RFC 9293 3.7.1
 * where MMS_R is the maximum size for a transport-layer message that can be received (and
 * reassembled at the IP layer) (MUST-67). */
static void mss(void **state)
{
    assert_int_equal(wire_mss_of_mtu(1500, 4), 1460);
    assert_int_equal(wire_mss_of_mtu(1500, 6), 1440);
    assert_int_equal(wire_mss_of_mtu(40, 4), 0);
    assert_int_equal(wire_mss_of_mtu(0, 6), 0);
    assert_int_equal(wire_mss_of_mtu(65536, 4), 65496);
    assert_int_equal(wire_mss_of_mtu(UINT32_MAX, 6), 65535);
}

/*= RFC 3168 5
 * The CE codepoint '11' is set by a router to indicate congestion to the end nodes. */
static void marks(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        size_t len;
        uint8_t *p = sample(family, 10, &len), *copy = malloc(len);
        struct wire_ip ip;

        memcpy(copy, p, len);
        assert_false(wire_mark_ce(p, 0));
        assert_false(wire_mark_ce(p, 19));
        assert_memory_equal(p, copy, len);
        assert_true(wire_mark_ce(p, len));
        assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
        assert_int_equal(ip.ecn, WIRE_CE);
        assert_false(wire_mark_ce(p, len)); /* once is enough */
        p[1] &= family == 4 ? 0xfc : 0xcf;
        memcpy(copy, p, len);
        assert_false(wire_mark_ce(p, len)); /* its sender cannot do ECN */
        assert_memory_equal(p, copy, len);
        free(copy);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4_fields),
        cmocka_unit_test(v4_options_and_fragments),
        cmocka_unit_test(v6_fields),
        cmocka_unit_test(v6_extension_headers),
        cmocka_unit_test(exthdr_outside_the_packet),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(mss),
        cmocka_unit_test(marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

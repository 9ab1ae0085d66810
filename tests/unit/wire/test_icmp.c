/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/csum.h"
#include <stdlib.h>
#include <string.h>

/* An ICMP error in exact memory that quotes n bytes of a packet that 10.0.0.1 or 2001:db8::1 sent.
 */
static uint8_t *error_about(uint8_t family, uint8_t type, uint8_t code, size_t n, size_t *len)
{
    struct plait_addr a = kit_addr(family, 1, 1234), b = kit_addr(family, 2, 80);
    struct plait_addr router = kit_addr(family, 99, 0);
    struct wire_emit how = { .src = &a, .dst = &b, .seq = 0xdeadbeef, .flags = WIRE_ACK,
                             .payload_len = 900 };
    static const uint8_t payload[900];
    size_t quoted_len, head = family == 4 ? 20 : 40;
    uint8_t *quoted = kit_packet(&how, payload, &quoted_len), *p, *icmp;
    uint64_t sum = 0;

    how.src = &router;
    how.dst = &a;
    *len = head + 8 + n;
    p = calloc(1, *len);
    struct wcursor w;
    wcursor_init(&w, p, *len);
    wire_ip_emit(&w, &how, 8 + n);
    p[family == 4 ? 9 : 6] = family == 4 ? WIRE_PROTO_ICMP : WIRE_PROTO_ICMPV6;
    icmp = p + head;
    icmp[0] = type;
    icmp[1] = code;
    be32_store(icmp + 4, family == 4 ? 0xabcd0000 + 1400 : 1400); /* v4: 16 unused bits */
    memcpy(icmp + 8, quoted, n);
    if (family == 4)
        kit_fix_v4(p);
    else
        sum = wire_pseudo_sum(&router, &a, WIRE_PROTO_ICMPV6, 8 + n);
    be16_store(icmp + 2, (uint16_t)~csum_fold(csum_add(sum, icmp, 8 + n)));
    free(quoted);
    return p;
}

static void kinds(void **state)
{
    static const struct { uint8_t family, type, code; int what; uint32_t mtu; } v[] = {
        { 4, 3, 4, WIRE_ICMP_TOO_BIG, 1400 },    { 4, 3, 1, WIRE_ICMP_UNREACHABLE, 0 },
        { 4, 3, 13, WIRE_ICMP_UNREACHABLE, 0 },  { 4, 11, 0, WIRE_ICMP_TIME_EXCEEDED, 0 },
        { 4, 12, 0, WIRE_ICMP_OTHER, 0 },        { 6, 1, 4, WIRE_ICMP_UNREACHABLE, 0 },
        { 6, 2, 0, WIRE_ICMP_TOO_BIG, 1400 },    { 6, 3, 0, WIRE_ICMP_TIME_EXCEEDED, 0 },
        { 6, 4, 1, WIRE_ICMP_OTHER, 0 },
    };

    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        size_t len;
        size_t n = v[i].family == 4 ? 28 : 48;
        uint8_t *p = error_about(v[i].family, v[i].type, v[i].code, n, &len);
        struct wire_packet out;
        assert_int_equal(wire_parse(p, len, false, &out), PLAIT_REASON_NONE);
        assert_int_equal(out.kind, WIRE_KIND_ICMP);
        assert_int_equal(out.icmp.what, v[i].what);
        assert_int_equal(out.icmp.mtu, v[i].mtu);
        assert_true(out.icmp.type == v[i].type && out.icmp.code == v[i].code);
        assert_true(out.icmp.src.port == 1234 && out.icmp.dst.port == 80);
        assert_true(out.icmp.seq == 0xdeadbeef);
        assert_int_equal(out.icmp.src.ip[v[i].family == 4 ? 3 : 15], 1);
        assert_int_equal(out.icmp.dst.ip[v[i].family == 4 ? 3 : 15], 2);
        assert_int_equal(out.icmp.from.ip[v[i].family == 4 ? 3 : 15], 99);
        free(p);
    }
}

/*= RFC 9293 3.9.2.2
 * Source Quench TCP implementations MUST silently discard any received ICMP Source Quench messages
 * (MUST-55). */
static void what_is_no_error(void **state)
{
    static const struct { uint8_t family, type; } v[] = { { 4, 0 }, { 4, 8 }, { 4, 4 }, { 4, 5 },
                                                          { 6, 128 }, { 6, 135 }, { 6, 0 } };

    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        size_t len;
        uint8_t *p = error_about(v[i].family, v[i].type, 0, 60, &len);
        struct wire_packet out;
        assert_int_equal(wire_parse(p, len, false, &out), PLAIT_REASON_IP_PROTOCOL);
        free(p);
    }
}

static void short_quotes(void **state)
{
    for (uint8_t family = 4; family <= 6; family += 2)
        for (size_t n = 0; n < 70; n++) {
            size_t len;
            uint8_t *p = error_about(family, family == 4 ? 3 : 1, 0, n, &len);
            struct wire_packet out;
            bool enough = n >= (family == 4 ? 28 : 48);
            assert_int_equal(wire_parse(p, len, false, &out),
                             enough ? PLAIT_REASON_NONE : PLAIT_REASON_ICMP_MALFORMED);
            free(p);
        }
}

static void broken(void **state)
{
    size_t len;
    uint8_t *p = error_about(4, 3, 4, 40, &len);
    struct wire_packet out;

    p[30] ^= 1;
    assert_int_equal(wire_parse(p, len, false, &out), PLAIT_REASON_ICMP_CSUM);
    p[30] ^= 1;
    p[28 + 9] = 17; /* a quoted datagram of UDP */
    assert_int_equal(wire_parse(p, len, true, &out), PLAIT_REASON_ICMP_MALFORMED);
    p[28 + 9] = 6;
    p[28] = 0x4f; /* quoted options lead outside */
    assert_int_equal(wire_parse(p, len, true, &out), PLAIT_REASON_ICMP_MALFORMED);
    p[28] = 0x65;
    assert_int_equal(wire_parse(p, len, true, &out), PLAIT_REASON_ICMP_MALFORMED);
    p[28] = 0x35;
    assert_int_equal(wire_parse(p, len, true, &out), PLAIT_REASON_ICMP_MALFORMED);
    p[28] = 0x45;
    p[28 + 7] = 1; /* not the first fragment: no TCP header in it */
    assert_int_equal(wire_parse(p, len, true, &out), PLAIT_REASON_ICMP_MALFORMED);
    p[28 + 7] = 0;
    p[28 + 6] = 0x20; /* the first of several is good enough */
    assert_int_equal(wire_parse(p, len, true, &out), PLAIT_REASON_NONE);
    free(p);
}

static void quote_of_the_other_family(void **state)
{
    size_t len, other_len;
    uint8_t *p = error_about(4, 3, 1, 60, &len), *other = error_about(6, 1, 0, 60, &other_len);
    struct wire_packet out;

    memcpy(p + 28, other + 48, 60);
    assert_int_equal(wire_parse(p, len, true, &out), PLAIT_REASON_ICMP_MALFORMED);
    free(p);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(what_is_no_error),
        cmocka_unit_test(short_quotes),
        cmocka_unit_test(broken),
        cmocka_unit_test(quote_of_the_other_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

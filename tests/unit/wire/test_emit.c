/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/csum.h"
#include <stdlib.h>
#include <string.h>

/*= RFC 9293 MUST-2 */
/*= RFC 8684 3.3.1
 * Note that checksumming relies on the TCP subflow containing contiguous data; therefore, a TCP
 * subflow MUST NOT use the Urgent Pointer to interrupt an existing mapping. */
static void plain_ack_v4(void **state)
{
    static const uint8_t want[] = {
        0x45, 0x00, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x26, 0xce,
        10, 0, 0, 1, 10, 0, 0, 2,
        0x04, 0xd2, 0x00, 0x50, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02,
        0x50, 0x10, 0x01, 0x00,
    };
    struct plait_addr a = kit_addr(4, 1, 1234), b = kit_addr(4, 2, 80);
    struct wire_emit how = { .src = &a, .dst = &b, .seq = 1, .ack = 2, .wnd = 256,
                             .flags = WIRE_ACK };
    uint8_t head[100], ip_len;

    assert_int_equal(wire_emit_headers(&how, head, &ip_len), 40);
    assert_int_equal(ip_len, 20);
    assert_memory_equal(head, want, sizeof want);
    /* pseudo header: 0a00 + 0001 + 0a00 + 0002 + 0006 + 0014 */
    assert_int_equal(be16_load(head + 36), 0x141d);
    assert_int_equal(be16_load(head + 38), 0);
    wire_finish_csum(head, 40, 20, NULL, 0);
    assert_int_equal(csum_fold(csum_add(wire_pseudo_sum(&a, &b, 6, 20), head + 20, 20)), 0xffff);
}

/* Odd views: the sum of a payload does not depend on how it is cut. */
static void checksum_over_views(void **state)
{
    struct plait_addr a = kit_addr(6, 1, 1234), b = kit_addr(6, 2, 80);
    uint8_t payload[1001];
    struct dice d = { 3 };

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)roll(&d, 256);
    for (unsigned i = 0; i < 300; i++) {
        struct wire_emit how = { .src = &a, .dst = &b, .flags = WIRE_ACK, .payload_len = 1001 };
        size_t x = (size_t)roll(&d, 1001), y = x + (size_t)roll(&d, 1001 - x);
        struct wire_view v[3] = { { payload, x }, { payload + x, y - x },
                                  { payload + y, 1001 - y } };
        uint8_t all[100 + 1001], ip_len;
        struct wire_packet out;
        unsigned n = wire_emit_headers(&how, all, &ip_len);
        wire_finish_csum(all, n, ip_len, v, 3);
        memcpy(all + n, payload, 1001);
        assert_int_equal(wire_parse(all, n + 1001, false, &out), PLAIT_REASON_NONE);
        all[n + roll(&d, 1001)] ^= 0x10;
        assert_int_equal(wire_parse(all, n + 1001, false, &out), PLAIT_REASON_TCP_CSUM);
    }
}

static unsigned emitted(const struct wire_tcpopts *opt, const struct wire_mp *mp, uint8_t flags)
{
    struct plait_addr a = kit_addr(4, 1, 1234), b = kit_addr(4, 2, 80);
    struct wire_emit how = { .src = &a, .dst = &b, .flags = flags, .opt = opt, .mp = mp,
                             .payload_len = 1 };
    uint8_t head[100], ip_len;

    return wire_emit_headers(&how, head, &ip_len);
}

static void options_that_just_fit(void **state)
{
    struct wire_tcpopts ts = { .has_ts = true };
    struct wire_mp mp = { .present = 1u << WIRE_MP_DSS, .any = true };

    mp.dss = (struct wire_mp_dss){ .has_ack = true, .ack64 = true, .has_map = true, .dsn64 = true };
    assert_int_equal(emitted(&ts, &mp, WIRE_ACK), 80); /* 12 + 26 padded to 28: exactly 40 */
    mp.dss.has_csum = true;
    assert_int_equal(emitted(&ts, &mp, WIRE_ACK), 80);
    mp.present |= 1u << WIRE_MP_PRIO;
    assert_int_equal(emitted(&ts, &mp, WIRE_ACK), 0); /* 12 + 28 + 3 */
    /* 12 + 30 are two too many; without the NOPs around the timestamps it is 40. */
    mp = (struct wire_mp){ .present = 1u << WIRE_MP_ADD_ADDR, .any = true };
    mp.add_addr = (struct wire_mp_add_addr){ .has_hmac = true, .addr = kit_addr(6, 3, 80) };
    assert_int_equal(emitted(&ts, &mp, WIRE_ACK), 80);
    ts.sack_n = 1;
    assert_int_equal(emitted(&ts, &mp, WIRE_ACK), 0);
    /* 22 + 3 + 3 with timestamps: 24 + 4 + 4 + 12 is too much, 28 + 12 is not. */
    mp = (struct wire_mp){ .present = 1u << WIRE_MP_DSS | 1u << WIRE_MP_PRIO, .any = true };
    mp.dss = (struct wire_mp_dss){ .has_ack = true, .ack64 = true, .has_map = true };
    ts.sack_n = 0;
    assert_int_equal(emitted(&ts, &mp, WIRE_ACK), 40 + 12 + 28);
    assert_true(wire_tcpopts_len(&ts, false) + wire_mp_len(&mp) <= 40);
}

/* Whatever is emitted is understood again, and emitted to the same bytes again. */
static void round_trips(void **state)
{
    static const uint8_t flag_sets[] = { WIRE_SYN, WIRE_SYN | WIRE_ACK, WIRE_ACK,
                                         WIRE_ACK | WIRE_PSH, WIRE_RST | WIRE_ACK,
                                         WIRE_FIN | WIRE_ACK };
    struct dice d = { 99 };
    unsigned fitted = 0;

    for (unsigned i = 0; i < 30000; i++) {
        uint8_t family = roll(&d, 2) == 0 ? 4 : 6, flags = flag_sets[roll(&d, 6)];
        uint8_t head[100], ip_len, payload[3] = { 1, 2, 3 };
        struct plait_addr a = kit_addr(family, 1, (uint16_t)roll(&d, 65536));
        struct plait_addr b = kit_addr(family, 2, (uint16_t)roll(&d, 65536));
        struct wire_tcpopts opt;
        struct wire_mp mp;
        struct wire_emit how = { .src = &a, .dst = &b, .flags = flags, .opt = &opt, .mp = &mp,
                                 .seq = (uint32_t)roll(&d, UINT32_MAX), .ecn = (uint8_t)roll(&d, 4),
                                 .ack = (uint32_t)roll(&d, UINT32_MAX), .payload_len = 3,
                                 .wnd = (uint16_t)roll(&d, 65536) };
        bool syn = (flags & WIRE_SYN) != 0;
        unsigned which = (unsigned)(roll(&d, 512) & roll(&d, 512)), room;
        struct wire_packet out;
        size_t len;
        uint8_t *p;

        which &= syn ? 3 : (flags & WIRE_RST) != 0 ? 0x1fc : 0xff;
        kit_tcpopts(&d, syn, &opt);
        kit_mp(&d, flags, which, &mp);
        room = wire_tcpopts_len(&opt, syn) + wire_mp_len(&mp);
        if (wire_emit_headers(&how, head, &ip_len) == 0) {
            assert_true(room > 40);
            continue;
        }
        fitted++;
        p = kit_packet(&how, payload, &len);
        assert_int_equal(wire_parse(p, len, false, &out), PLAIT_REASON_NONE);
        assert_true(out.seg.bad_mp == 0 && out.seg.bad_options == 0);
        assert_true(kit_same_opt(&opt, &out.seg.opt) && kit_same_mp(&mp, &out.seg.mp));
        assert_true(out.seg.seq == how.seq && out.seg.ack == how.ack && out.seg.wnd == how.wnd);
        assert_true(out.seg.ecn == how.ecn && out.seg.flags == flags && out.seg.len == 3);
        free(p);
    }
    assert_true(fitted > 10000);
}

static void super_segments(void **state)
{
    struct plait_addr a = kit_addr(4, 1, 1), b = kit_addr(4, 2, 2);
    struct plait_addr a6 = kit_addr(6, 1, 1), b6 = kit_addr(6, 2, 2);
    struct wire_emit how = { .src = &a, .dst = &b, .flags = WIRE_ACK, .payload_len = 65495 };
    uint8_t head[100], ip_len;

    assert_int_equal(wire_emit_headers(&how, head, &ip_len), 40);
    assert_int_equal(be16_load(head + 2), 65535);
    how.payload_len = 65496;
    assert_int_equal(wire_emit_headers(&how, head, &ip_len), 40);
    assert_int_equal(be16_load(head + 2), 0);
    how.src = &a6;
    how.dst = &b6;
    how.payload_len = 65515;
    assert_int_equal(wire_emit_headers(&how, head, &ip_len), 60);
    assert_int_equal(be16_load(head + 4), 65535);
    how.payload_len = 65516;
    assert_int_equal(wire_emit_headers(&how, head, &ip_len), 60);
    assert_int_equal(be16_load(head + 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ack_v4),
        cmocka_unit_test(checksum_over_views),
        cmocka_unit_test(options_that_just_fit),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(super_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

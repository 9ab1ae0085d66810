/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile edge as a whole: packets that are cut, changed and invented. What comes back must be
 * inside the packet; a sanitizer watches the rest. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static void plausible(const uint8_t *p, size_t len, const struct wire_packet *out)
{
    const struct wire_seg *seg = &out->seg;
    char line[600];

    if (out->kind != WIRE_KIND_TCP)
        return;
    assert_true(seg->data >= p && seg->data + seg->len <= p + len);
    assert_true(seg->opt.sack_n <= WIRE_SACK_MAX && seg->opt.tfo_len <= 16);
    assert_true(seg->mp.remove.n <= WIRE_MP_REMOVE_MAX && seg->mp.present < 512);
    assert_true(seg->mp.present == 0 || seg->mp.any);
    assert_true(wire_print_seg(seg, line, sizeof line) > 20);
}

static uint8_t *some_packet(struct dice *d, size_t *len)
{
    static const uint8_t flag_sets[] = { WIRE_SYN, WIRE_SYN | WIRE_ACK, WIRE_ACK, WIRE_RST };
    static const uint8_t payload[300] = { 1, 2, 3 };
    uint8_t family = roll(d, 2) == 0 ? 4 : 6, flags = flag_sets[roll(d, 4)], head[100], ip_len;
    struct plait_addr a = kit_addr(family, 1, 1), b = kit_addr(family, 2, 2);
    struct wire_tcpopts opt;
    struct wire_mp mp;
    struct wire_emit how = { .src = &a, .dst = &b, .flags = flags, .opt = &opt, .mp = &mp,
                             .payload_len = (uint32_t)roll(d, 300) };

    do {
        kit_tcpopts(d, (flags & WIRE_SYN) != 0, &opt);
        kit_mp(d, flags, (unsigned)(roll(d, 512) & roll(d, 512)), &mp);
    } while (wire_emit_headers(&how, head, &ip_len) == 0);
    return kit_packet(&how, payload, len);
}

static void every_prefix_is_refused(void **state)
{
    struct dice d = { 1 };

    for (unsigned i = 0; i < 100; i++) {
        size_t len;
        uint8_t *p = some_packet(&d, &len);
        struct wire_packet out;
        assert_int_equal(wire_parse(p, len, false, &out), PLAIT_REASON_NONE);
        for (size_t n = 0; n < len; n++) {
            uint8_t *exact = malloc(n > 0 ? n : 1);
            memcpy(exact, p, n);
            assert_int_equal(wire_parse(exact, n, false, &out), PLAIT_REASON_IP_TRUNCATED);
            free(exact);
        }
        free(p);
    }
}

static void changed_packets(void **state)
{
    struct dice d = { 2 };
    unsigned taken = 0;

    for (unsigned i = 0; i < 60000; i++) {
        size_t len;
        uint8_t *p = some_packet(&d, &len);
        struct wire_packet out;
        size_t head = p[0] >> 4 == 4 ? 20 : 40, from = roll(&d, 2) == 0 ? 0 : head + 20;
        for (uint64_t n = 1 + roll(&d, 4); n > 0 && from < len; n--) {
            size_t at = from + (size_t)roll(&d, len - from < 60 ? len - from : 60);
            p[at] = (uint8_t)(roll(&d, 3) == 0 ? roll(&d, 256) : roll(&d, 32));
        }
        if (p[0] >> 4 == 4 && (size_t)(p[0] & 15) * 4 <= len)
            kit_fix_v4(p);
        if (wire_parse(p, len, true, &out) == PLAIT_REASON_NONE) {
            plausible(p, len, &out);
            taken++;
        }
        free(p);
    }
    assert_true(taken > 20000);
}

static void invented_options(void **state)
{
    static const uint8_t flag_sets[] = { WIRE_SYN, WIRE_SYN | WIRE_ACK, WIRE_ACK, WIRE_RST };
    struct dice d = { 3 };

    for (unsigned i = 0; i < 60000; i++) {
        size_t len = (size_t)roll(&d, 41);
        uint8_t *p = malloc(len > 0 ? len : 1);
        struct wire_seg seg = { .flags = flag_sets[roll(&d, 4)], .len = (uint32_t)roll(&d, 2) };
        for (size_t k = 0; k < len; k++)
            p[k] = (uint8_t)(roll(&d, 4) == 0 ? 30 : roll(&d, roll(&d, 2) == 0 ? 256 : 32));
        wire_parse_options(p, len, &seg);
        assert_true(seg.bad_options + seg.bad_mp <= 20);
        assert_true(seg.opt.sack_n <= WIRE_SACK_MAX && seg.mp.present < 512);
        free(p);
    }
}

static void other_protocols(void **state)
{
    struct dice d = { 4 };

    for (unsigned proto = 0; proto < 256; proto++) {
        size_t len;
        uint8_t *p = some_packet(&d, &len);
        struct wire_packet out;
        bool v4 = p[0] >> 4 == 4;
        enum plait_reason got;
        p[v4 ? 9 : 6] = (uint8_t)proto;
        if (v4)
            kit_fix_v4(p);
        got = wire_parse(p, len, true, &out);
        if (proto == WIRE_PROTO_TCP)
            assert_int_equal(got, PLAIT_REASON_NONE);
        else if (proto == 17 || proto == (v4 ? WIRE_PROTO_ICMPV6 : WIRE_PROTO_ICMP))
            assert_int_equal(got, PLAIT_REASON_IP_PROTOCOL);
        else
            assert_int_not_equal(got, PLAIT_REASON_NONE);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(changed_packets),
        cmocka_unit_test(invented_options),
        cmocka_unit_test(other_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

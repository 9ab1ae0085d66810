/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static void counts(void **state)
{
    assert_int_equal(wire_gso_count(0, 1448), 1);
    assert_int_equal(wire_gso_count(1448, 1448), 1);
    assert_int_equal(wire_gso_count(1449, 1448), 2);
    assert_int_equal(wire_gso_count(65160, 1448), 45);
    assert_int_equal(wire_gso_count(65160, 0), 1);
}

/* Every packet of a cut super-segment is valid, and together they are the whole. */
static void pieces_are_packets(void **state)
{
    static uint8_t payload[65000], got[65000];
    struct dice d = { 8 };

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)roll(&d, 256);
    for (unsigned round = 0; round < 60; round++) {
        uint8_t family = round % 2 == 0 ? 4 : 6, big[100], ip_len;
        struct plait_addr a = kit_addr(family, 1, 1), b = kit_addr(family, 2, 2);
        struct wire_tcpopts opt = { .has_ts = true, .tsval = 5 };
        uint32_t size = 1 + (uint32_t)roll(&d, 9000), len = 1 + (uint32_t)roll(&d, 65000);
        struct wire_emit how = { .src = &a, .dst = &b, .seq = 0xffff0000, .opt = &opt, .ecn = 1,
                                 .payload_len = len,
                                 .flags = WIRE_ACK | WIRE_PSH | WIRE_FIN | WIRE_CWR };
        unsigned head_len = wire_emit_headers(&how, big, &ip_len), n;
        uint32_t done = 0;
        if (len / size > 200)
            size = len / 200;
        n = wire_gso_count(len, size);
        for (unsigned i = 0; i < n; i++) {
            uint32_t part = len - done < size ? len - done : size;
            uint8_t *p = malloc(head_len + part);
            struct wire_view view = { payload + done, part };
            struct wire_packet out;
            wire_gso_cut(&(struct wire_gso){ big, head_len, ip_len, size, len }, i, p);
            wire_finish_csum(p, head_len, ip_len, &view, 1);
            memcpy(p + head_len, payload + done, part);
            assert_int_equal(wire_parse(p, head_len + part, false, &out), PLAIT_REASON_NONE);
            assert_int_equal(out.seg.len, part);
            assert_int_equal(out.seg.seq, (uint32_t)(0xffff0000 + done));
            assert_int_equal((out.seg.flags & WIRE_CWR) != 0, i == 0);
            assert_int_equal((out.seg.flags & WIRE_PSH) != 0, i == n - 1);
            assert_int_equal((out.seg.flags & WIRE_FIN) != 0, i == n - 1);
            assert_true(out.seg.opt.tsval == 5 && out.seg.ecn == 1);
            if (family == 4)
                assert_int_equal(be16_load(p + 4), i);
            memcpy(got + done, out.seg.data, out.seg.len);
            done += part;
            free(p);
        }
        assert_int_equal(done, len);
        assert_memory_equal(got, payload, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(pieces_are_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

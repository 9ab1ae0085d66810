/* SPDX-License-Identifier: Apache-2.0 */
#include "base/be.h"
#include "sim/box_edit.h"
#include "unit/base/cm.h"
#include "wire/wire.h"

#include <string.h>

/* 10.0.0.1:1000 -> 10.0.0.2:2000, options MSS and MPTCP (subtype 2), payload "abcdef". */
static const uint8_t bytes[] = {
    0x45, 0, 0, 54, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    0x03, 0xe8, 0x07, 0xd0, 0, 0, 0, 100, 0, 0, 0, 200, 0x80, 0x10, 1, 0, 0, 0, 0, 0,
    2, 4, 5, 0xb4, 1, 1, 1, 1, 30, 4, 0x20, 0, 'a', 'b', 'c', 'd', 'e', 'f',
};

/* The same over IPv6, without the options. */
static const uint8_t bytes6[] = {
    0x60, 0, 0, 0, 0, 26, 6, 64, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    0x03, 0xe8, 0x07, 0xd0, 0, 0, 0, 100, 0, 0, 0, 200, 0x50, 0x10, 1, 0, 0, 0, 0, 0,
    'a', 'b', 'c', 'd', 'e', 'f',
};

static struct sim_pkt packet(void)
{
    struct sim_pkt p;

    assert_true(sim_pkt_load(&p, bytes, sizeof bytes));
    return p;
}

/* Is it a packet that a stack would take, checksums and all? */
static struct wire_seg parsed(struct sim_pkt *p)
{
    static struct wire_packet w;

    sim_pkt_finish(p);
    assert_int_equal(wire_parse(p->b, p->len, false, &w), PLAIT_REASON_NONE);
    return w.seg;
}

static void test_load(void **state)
{
    uint8_t bad[sizeof bytes];
    struct sim_pkt p = packet();

    assert_int_equal(sim_pkt_seq(&p), 100);
    assert_int_equal(sim_pkt_ack(&p), 200);
    assert_int_equal(sim_pkt_payload(&p), 6);
    memcpy(bad, bytes, sizeof bad);
    bad[32] = 0xf0; /* the header ends behind the packet */
    assert_false(sim_pkt_load(&p, bad, sizeof bad));
    memcpy(bad, bytes, sizeof bad);
    bad[9] = 17; /* UDP */
    assert_false(sim_pkt_load(&p, bad, sizeof bad));
    assert_false(sim_pkt_load(&p, bytes, 39));
}

static void test_ip6(void **state)
{
    static const uint8_t ts[12] = {1, 1, 8, 10};
    struct sim_pkt p, q;

    assert_true(sim_pkt_load(&p, bytes6, sizeof bytes6));
    assert_false(sim_pkt_load(&q, bytes6, 59));
    assert_int_equal(sim_pkt_payload(&p), 6);
    assert_true(sim_pkt_append(&p, ts, sizeof ts));
    sim_pkt_resize(&p, 2, 3);
    struct wire_seg seg = parsed(&p);
    assert_int_equal(seg.seq, 100);
    assert_int_equal(p.len, sizeof bytes6 + 15);
    assert_memory_equal(p.b + p.len - 9, "ab+++cdef", 9);
    sim_pkt_answer(&q, &p, SIM_TCP_RST);
    assert_int_equal(sim_pkt_src(&q)[15], 2);
    assert_int_equal(sim_pkt_dst(&q)[15], 1);
    assert_false(sim_pkt_same_flow(&p, &q));
    parsed(&q);
}

static void test_options(void **state)
{
    static const uint8_t wscale[3] = {SIM_OPT_WSCALE, 3, 7};
    static const uint8_t long_one[32] = {99, 32};
    struct sim_pkt p = packet(), q = packet();

    assert_non_null(sim_pkt_find(&p, SIM_OPT_MPTCP));
    assert_false(sim_pkt_strip(&p, SIM_OPT_MPTCP, 3));
    assert_true(sim_pkt_strip(&p, SIM_OPT_MPTCP, 2));
    assert_null(sim_pkt_find(&p, SIM_OPT_MPTCP));
    assert_false(sim_pkt_append(&p, long_one, sizeof long_one));
    sim_pkt_drop_nops(&p);
    assert_int_equal(sim_pkt_head_len(&p), 44);
    assert_true(sim_pkt_append(&p, long_one, sizeof long_one));
    assert_true(sim_pkt_append(&p, wscale, sizeof wscale));
    assert_non_null(sim_pkt_find(&p, SIM_OPT_WSCALE));
    sim_pkt_options_of(&p, &q);
    struct wire_seg seg = parsed(&p);
    assert_int_equal(seg.len, 6);
    assert_memory_equal(seg.data, "abcdef", 6);
    assert_int_equal(p.len, sizeof bytes);
}

static void test_payload(void **state)
{
    struct sim_pkt p = packet(), q = packet();

    sim_pkt_resize(&p, 2, 3);
    assert_memory_equal(parsed(&p).data, "ab+++cdef", 9);
    sim_pkt_resize(&p, 2, -3);
    assert_memory_equal(parsed(&p).data, "abcdef", 6);
    sim_pkt_resize(&p, 4, -9); /* no more than there is */
    assert_int_equal(parsed(&p).len, 4);
    assert_true(sim_pkt_same_flow(&p, &q));
    sim_pkt_add_payload(&p, &q);
    assert_memory_equal(parsed(&p).data, "abcdabcdef", 10);
}

static void test_answer(void **state)
{
    struct sim_pkt p = packet(), out;

    sim_pkt_answer(&out, &p, SIM_TCP_RST);
    struct wire_seg seg = parsed(&out);
    assert_int_equal(seg.flags, WIRE_RST);
    assert_int_equal(seg.src.port, 2000);
    assert_int_equal(seg.dst.port, 1000);
    assert_int_equal(seg.dst.ip[3], 1);
    assert_false(sim_pkt_same_flow(&p, &out));
    out.bad_csum = true;
    sim_pkt_finish(&out);
    struct wire_packet w;
    assert_int_equal(wire_parse(out.b, out.len, false, &w), PLAIT_REASON_TCP_CSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_ip6),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim.h"
#include "unit/base/cm.h"
#include "wire/wire.h"

#include <string.h>

static void check(const struct plait_addr *src, const struct plait_addr *dst)
{
    uint8_t big[1600] = {0}, icmp[160], ip_len;
    struct wire_emit how = {
        .src = src, .dst = dst, .seq = 777, .flags = WIRE_ACK, .payload_len = 1400};
    struct wire_packet p;
    unsigned head = wire_emit_headers(&how, big, &ip_len);
    uint32_t len = sim_icmp_too_big(big, head + 1400, 1300, icmp);

    assert_true(len <= sizeof icmp);
    assert_int_equal(wire_parse(icmp, len, false, &p), PLAIT_REASON_NONE);
    assert_int_equal(p.kind, WIRE_KIND_ICMP);
    assert_int_equal(p.icmp.what, WIRE_ICMP_TOO_BIG);
    assert_int_equal(p.icmp.mtu, 1300);
    assert_int_equal(p.icmp.seq, 777);
    assert_int_equal(p.icmp.src.port, src->port);
    assert_int_equal(p.icmp.dst.port, dst->port);
    assert_memory_equal(p.icmp.src.ip, src->ip, 16);
    assert_memory_equal(p.icmp.dst.ip, dst->ip, 16);
}

static void test_both_families(void **state)
{
    struct plait_addr a4 = {.family = 4, .port = 1000, .ip = {10, 0, 0, 1}};
    struct plait_addr b4 = {.family = 4, .port = 80, .ip = {10, 0, 0, 2}};
    struct plait_addr a6 = {.family = 6, .port = 1000, .ip = {0x20, 1, [15] = 1}};
    struct plait_addr b6 = {.family = 6, .port = 80, .ip = {0x20, 1, [15] = 2}};

    check(&a4, &b4);
    check(&a6, &b6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_families)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

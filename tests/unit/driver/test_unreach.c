/* SPDX-License-Identifier: Apache-2.0 */
#include "netns.h"

#include "driver/addr.h"
#include "driver/unreach.h"
#include "wire/wire.h"

#include <string.h>

static struct plait_out segment(const char *src, const char *dst, uint8_t flags)
{
    struct plait_out out;
    struct wire_emit how = {.src = &out.src, .dst = &out.dst, .seq = 77, .flags = flags};

    memset(&out, 0, sizeof out);
    assert_true(drv_addr_parse(src, &out.src));
    assert_true(drv_addr_parse(dst, &out.dst));
    out.head_len = (uint8_t)wire_emit_headers(&how, out.head, &out.ip_len);
    return out;
}

static void check(const char *src, const char *dst)
{
    struct plait_out out = segment(src, dst, WIRE_SYN);
    struct wire_packet p;
    struct drv_unreach u;

    assert_true(drv_unreach_make(&out, &u));
    assert_int_equal(wire_parse(u.ip, u.len, true, &p), PLAIT_REASON_NONE);
    assert_int_equal(p.kind, WIRE_KIND_ICMP);
    assert_int_equal(p.icmp.what, WIRE_ICMP_UNREACHABLE);
    assert_int_equal(p.icmp.seq, 77);
    assert_true(addr_equal(&p.icmp.src, &out.src));
    assert_true(addr_equal(&p.icmp.dst, &out.dst));
}

static void answers_a_syn(void **state)
{
    check("192.0.2.1:4000", "198.51.100.1:80");
    check("[2001:db8::1]:4000", "[2001:db8:1::1]:80");
}

static void leaves_others_alone(void **state)
{
    struct plait_out synack = segment("192.0.2.1:80", "192.0.2.2:4000", WIRE_SYN | WIRE_ACK);
    struct plait_out ack = segment("192.0.2.1:80", "192.0.2.2:4000", WIRE_ACK);
    struct drv_unreach u;

    assert_false(drv_unreach_make(&synack, &u));
    assert_false(drv_unreach_make(&ack, &u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_a_syn),
        cmocka_unit_test(leaves_others_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

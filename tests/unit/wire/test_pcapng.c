/* SPDX-License-Identifier: Apache-2.0 */
#include "base/be.h"
#include "unit/base/cm.h"
#include "wire/pcapng.h"

#include <string.h>

/* A block tells its length twice, a multiple of 4. */
static void expect_block(const uint8_t *b, size_t len, uint32_t type)
{
    assert_int_equal(len % 4, 0);
    assert_int_equal(be32_load(b), type);
    assert_int_equal(be32_load(b + 4), len);
    assert_int_equal(be32_load(b + len - 4), len);
}

static void test_section(void **state)
{
    uint8_t b[WIRE_PCAPNG_HEAD_MAX];

    expect_block(b, wire_pcapng_section(b), 0x0a0d0d0a);
    assert_int_equal(be32_load(b + 8), 0x1a2b3c4d);
}

static void test_interface(void **state)
{
    static const char *names[] = {"", "a", "eth0", "lo123"};
    uint8_t b[WIRE_PCAPNG_HEAD_MAX];

    for (unsigned i = 0; i < 4; i++) {
        expect_block(b, wire_pcapng_interface(WIRE_LINKTYPE_RAW, names[i], b), 1);
        assert_int_equal(be16_load(b + 8), 101);
        assert_int_equal(be16_load(b + 18), strlen(names[i]));
        assert_memory_equal(b + 20, names[i], strlen(names[i]));
    }
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    expect_block(b, wire_pcapng_interface(1, longest, b), 1);
    assert_int_equal(be16_load(b + 18), 64);
}

static void test_packet(void **state)
{
    for (uint32_t len = 0; len < 9; len++) {
        struct wire_pcapng_packet p = {
            .interface = 3, .when = 0x123456789abc, .len = len, .direction = WIRE_PCAPNG_OUT};
        uint8_t b[WIRE_PCAPNG_HEAD_MAX + 16 + WIRE_PCAPNG_TAIL_MAX];
        size_t n = wire_pcapng_head(&p, b);
        memset(b + n, 7, len);
        size_t tail = wire_pcapng_tail(&p, b + n + len);
        expect_block(b, n + len + tail, 6);
        assert_int_equal(be32_load(b + 8), 3);
        assert_int_equal(be64_load(b + 12), 0x123456789abc);
        assert_int_equal(be32_load(b + 20), len);
        assert_int_equal(be32_load(b + n + len + tail - 12), WIRE_PCAPNG_OUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section),
        cmocka_unit_test(test_interface),
        cmocka_unit_test(test_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csum.h"

#include "cm.h"
#include "testenv.h"
#include <stdlib.h>
#include <string.h>

static uint16_t naive(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

/* Sums of 0 and 0xffff are the same number in one's complement, and none of these sums is of zeros
 * only, so the folded value is unique. */
static void rfc_1071_example(void **state)
{
    static const uint8_t p[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

    assert_int_equal(csum_fold(csum_add(0, p, sizeof p)), 0xddf2);
    assert_int_equal(csum_fold(csum_add_u64(0, 0x0001f203f4f5f6f7)), 0xddf2);
    assert_int_equal(csum_fold(csum_add_u32(csum_add_u32(0, 0x0001f203), 0xf4f5f6f7)), 0xddf2);
    assert_int_equal(csum_fold(csum_add_u16(csum_add_u16(0, 0xffff), 2)), 2);
    assert_int_equal(csum_fold(0), 0);
    assert_int_equal(csum_fold(UINT64_MAX), 0xffff);
    assert_int_equal(csum_fold(0x0000fffffffffffe), 0xfffe);
}

static void every_length_and_alignment(void **state)
{
    uint8_t *b = malloc(1200), *copy = malloc(1200);

    pattern_fill(b, 0, 1200);
    for (size_t len = 0; len <= 1100; len += len < 300 ? 1 : 37)
        for (size_t off = 0; off < 40; off += 3) {
            uint16_t want = naive(b + off, len);
            assert_int_equal(csum_fold(csum_add(0, b + off, len)), want);
            memset(copy, 0, 1200);
            assert_int_equal(csum_fold(csum_copy(0, copy + 5, b + off, len)), want);
            assert_memory_equal(copy + 5, b + off, len);
            assert_int_equal(copy[5 + len], 0);
            assert_int_equal(copy[4], 0);
        }
    free(b);
    free(copy);
}

static void pieces_add_up(void **state)
{
    uint8_t b[2000];

    pattern_fill(b, 99, sizeof b);
    for (size_t cut = 0; cut < sizeof b; cut += 7) {
        uint64_t sum = csum_add(0, b, cut), rest = csum_add(0, b + cut, sizeof b - cut);
        sum = cut % 2 == 0 ? sum + rest : csum_add_odd(sum, rest);
        assert_int_equal(csum_fold(sum), naive(b, sizeof b));
    }
}

static void no_overflow(void **state)
{
    size_t len = 1 << 20;
    uint8_t *b = malloc(len);
    uint64_t sum = 0;

    memset(b, 0xff, len);
    for (unsigned i = 0; i < 8; i++)
        sum = csum_add(sum, b, len);
    assert_true(sum < (uint64_t)1 << 48);
    assert_int_equal(csum_fold(sum), 0xffff);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_1071_example),
        cmocka_unit_test(every_length_and_alignment),
        cmocka_unit_test(pieces_add_up),
        cmocka_unit_test(no_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include "cm.h"
#include <stdlib.h>
#include <string.h>

static void reads_big_endian(void **state)
{
    uint8_t b[18];
    struct cursor c;

    for (unsigned i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)(0x11 * (i % 15 + 1));
    cursor_init(&c, b, sizeof b);
    assert_int_equal(cursor_u8(&c), 0x11);
    assert_int_equal(cursor_u16(&c), 0x2233);
    assert_int_equal(cursor_u32(&c), 0x44556677);
    assert_true(cursor_u64(&c) == 0x8899aabbccddeeff);
    assert_int_equal(cursor_left(&c), 3);
    cursor_skip(&c, 1);
    assert_ptr_equal(cursor_bytes(&c, 2), b + 16);
    assert_false(c.bad);
    assert_non_null(cursor_bytes(&c, 0));
    assert_int_equal(cursor_u8(&c), 0);
    assert_true(c.bad);
}

/* Each read at each length; the bytes stand at the end of an allocation, so that a sanitizer sees
 * any read behind them. */
static void short_reads_are_bad_for_ever(void **state)
{
    for (size_t len = 0; len < 8; len++) {
        uint8_t *b = malloc(len > 0 ? len : 1);
        struct cursor c;
        memset(b, 0xff, len > 0 ? len : 1);
        cursor_init(&c, b, len);
        assert_int_equal(cursor_u64(&c), 0);
        assert_true(c.bad);
        assert_int_equal(cursor_u8(&c), 0);
        assert_int_equal(cursor_left(&c), 0);
        assert_null(cursor_bytes(&c, 0));
        cursor_init(&c, b, len);
        assert_int_equal(cursor_u32(&c), len < 4 ? 0 : UINT32_MAX);
        assert_int_equal(c.bad, len < 4);
        cursor_init(&c, b, len);
        assert_int_equal(cursor_u16(&c), len < 2 ? 0 : 0xffff);
        cursor_init(&c, b, len);
        cursor_skip(&c, SIZE_MAX);
        assert_true(c.bad);
        free(b);
    }
    struct cursor none;
    cursor_init(&none, NULL, 0);
    assert_int_equal(cursor_u16(&none), 0);
}

static void writes_stop_at_the_end(void **state)
{
    uint8_t b[16] = { 0 };
    struct wcursor c;

    wcursor_init(&c, b, 15);
    wcursor_u8(&c, 1);
    wcursor_u16(&c, 0x0203);
    wcursor_u32(&c, 0x04050607);
    wcursor_bytes(&c, "\x08\x09", 2);
    assert_int_equal(wcursor_used(&c), 9);
    assert_int_equal(wcursor_left(&c), 6);
    assert_memory_equal(b, "\1\2\3\4\5\6\7\x08\x09\0\0", 11);
    wcursor_u64(&c, UINT64_MAX);
    assert_true(c.bad);
    wcursor_u8(&c, 0xff); /* would fit, but nothing is written after a failure */
    wcursor_bytes(&c, "x", 1);
    wcursor_u16(&c, 1);
    wcursor_u32(&c, 1);
    assert_int_equal(wcursor_left(&c), 0);
    assert_int_equal(wcursor_used(&c), 9);
    assert_int_equal(b[9], 0);
    wcursor_init(&c, b, 8);
    wcursor_u64(&c, 0x0102030405060708);
    assert_false(c.bad);
    assert_memory_equal(b, "\1\2\3\4\5\6\7\x08\x09", 9);
    wcursor_bytes(&c, NULL, 0);
    assert_false(c.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian),
        cmocka_unit_test(short_reads_are_bad_for_ever),
        cmocka_unit_test(writes_stop_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

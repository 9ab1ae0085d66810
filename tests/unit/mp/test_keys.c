/* SPDX-License-Identifier: Apache-2.0 */
/* Values computed by another implementation of SHA-256 and HMAC. */
#include "cm.h"
#include "pair.h"

#include <string.h>

#define KEY_A 0x0123456789abcdefull
#define KEY_B 0xfedcba9876543210ull

/*= RFC 8684 3.1-18, 3.1-19, 3.1-20, 3.1-21, 3.1-31 */
static void token_and_idsn(void **state)
{
    struct mp_key key;

    mp_key_derive(0, 1, &key);
    assert_int_equal(key.token, 0xaf5570f5);
    assert_true(key.idsn == 0xe5b2328de0e83dfcull);
    mp_key_derive(KEY_A, 1, &key);
    assert_true(key.key == KEY_A);
    assert_int_equal(key.token, 0x55c53f5d);
    assert_true(key.idsn == 0x570762cd38be9818ull);
}

static void join_hmac(void **state)
{
    static const uint8_t want[MP_HMAC_LEN] = {
        0xd8, 0xb5, 0xe4, 0x6b, 0x7a, 0x78, 0x2e, 0x79, 0xd3, 0xec, 0xfd, 0x78, 0x30, 0x77, 0x51,
        0xdf, 0x99, 0x3e, 0x22, 0x2b,
    };
    uint8_t got[MP_HMAC_LEN];

    mp_join_hmac(&(struct mp_hmac_in){ KEY_A, KEY_B, 0x11223344, 0x55667788, 1 }, got);
    assert_memory_equal(got, want, sizeof want);
    mp_join_hmac(&(struct mp_hmac_in){ KEY_B, KEY_A, 0x55667788, 0x11223344, 1 }, got);
    assert_memory_not_equal(got, want, sizeof want);
}

/*= RFC 6824 3.1-10, 3.1-11, 3.1-12, 3.1-20 */
/*= RFC 6824 3.1
 * the token MUST be a truncated (most significant 32 bits) SHA-1 hash ([4], [15]) of the key */
/*= RFC 6824 3.1
 * Also note that the "least significant" bits MUST be the rightmost bits of the SHA-1 digest, as
 * per [4]. */
/*= RFC 6824 3.1
 * In this specification, with only the SHA-1 algorithm specified and selected, the IDSN of a host
 * MUST be the least significant 64 bits of the SHA-1 hash of its key, i.e., IDSN-A = Hash(Key-A)
 * and IDSN-B = Hash(Key-B). */
static void token_and_idsn_of_version_0(void **state)
{
    struct mp_key key;

    mp_key_derive(0, 0, &key);
    assert_int_equal(key.token, 0x05fe4057);
    mp_key_derive(KEY_A, 0, &key);
    assert_true(key.key == KEY_A);
    assert_int_equal(key.token, 0x0ca2eadb);
    assert_true(key.idsn == 0xe3df8ee121f10547ull);
}

static void join_hmac_of_version_0(void **state)
{
    static const uint8_t want[MP_HMAC_LEN] = {
        0x71, 0x20, 0x57, 0x4d, 0xe7, 0x10, 0x20, 0xf0, 0xd1, 0x99, 0xf1, 0x70, 0x40, 0x7b, 0xf8,
        0x0f, 0xb4, 0x08, 0xfd, 0xc4,
    };
    uint8_t got[MP_HMAC_LEN];

    mp_join_hmac(&(struct mp_hmac_in){ KEY_A, KEY_B, 0x11223344, 0x55667788, 0 }, got);
    assert_memory_equal(got, want, sizeof want);
}

static void addr_hmac(void **state)
{
    static const uint8_t v4[8] = { 0x46, 0x70, 0x32, 0xca, 0xa8, 0x87, 0xb4, 0x81 };
    static const uint8_t v6[8] = { 0x8b, 0x5e, 0x3c, 0xee, 0x07, 0xa1, 0x89, 0x0e };
    struct wire_mp_add_addr add = { .id = 7, .addr = { .family = 4, .ip = { 192, 0, 2, 1 } } };
    uint8_t got[8];

    mp_addr_hmac(KEY_A, KEY_B, &add, got);
    assert_memory_equal(got, v4, 8);
    add.addr = (struct plait_addr){ .family = 6, .port = 8080,
                                    .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
    mp_addr_hmac(KEY_A, KEY_B, &add, got);
    assert_memory_equal(got, v6, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_and_idsn), cmocka_unit_test(token_and_idsn_of_version_0),
        cmocka_unit_test(join_hmac), cmocka_unit_test(join_hmac_of_version_0),
        cmocka_unit_test(addr_hmac),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

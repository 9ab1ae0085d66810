/* SPDX-License-Identifier: Apache-2.0 */
/* FIPS 180 examples; RFC 4231 and RFC 2202 for the HMACs. */
#include "base/digest.h"

#include "cm.h"
#include <stdbool.h>
#include <string.h>

static void same(const uint8_t *got, size_t len, const char *hex)
{
    static const char digit[] = "0123456789abcdef";
    char text[2 * DIGEST_SHA256_LEN + 1];

    assert_int_equal(strlen(hex), 2 * len);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digit[got[i] >> 4];
        text[2 * i + 1] = digit[got[i] & 15];
    }
    text[2 * len] = '\0';
    assert_string_equal(text, hex);
}

static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

static void sha256_examples(void **state)
{
    uint8_t d[DIGEST_SHA256_LEN];

    digest_sha256("abc", 3, d);
    same(d, sizeof d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256(two_blocks, strlen(two_blocks), d);
    same(d, sizeof d, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    digest_sha256("", 0, d);
    same(d, sizeof d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha1_examples(void **state)
{
    uint8_t d[DIGEST_SHA1_LEN];

    digest_sha1("abc", 3, d);
    same(d, sizeof d, "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest_sha1(two_blocks, strlen(two_blocks), d);
    same(d, sizeof d, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

struct vector {
    uint8_t key_byte;
    size_t key_len;
    const char *key, *data; /* text; NULL: len times the byte */
    uint8_t data_byte;
    size_t len;
    const char *want;
};

static void check_hmac(const struct vector *v, bool sha1)
{
    uint8_t key[200], data[200], d[DIGEST_SHA256_LEN];
    size_t len = v->data != NULL ? strlen(v->data) : v->len;
    size_t key_len = v->key != NULL ? strlen(v->key) : v->key_len;

    memset(key, v->key_byte, sizeof key);
    memset(data, v->data_byte, sizeof data);
    if (v->key != NULL)
        memcpy(key, v->key, key_len);
    if (v->data != NULL)
        memcpy(data, v->data, len);
    if (sha1)
        digest_hmac_sha1(key, key_len, data, len, d);
    else
        digest_hmac_sha256(key, key_len, data, len, d);
    same(d, sha1 ? DIGEST_SHA1_LEN : DIGEST_SHA256_LEN, v->want);
}

static void hmac_sha256_rfc4231(void **state)
{
    static const struct vector v[] = {
        { 0x0b, 20, NULL, "Hi There", 0, 0,
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { 0, 0, "Jefe", "what do ya want for nothing?", 0, 0,
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { 0xaa, 20, NULL, NULL, 0xdd, 50,
          "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
        { 0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First", 0, 0,
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
        { 0xaa, 131, NULL,
          "This is a test using a larger than block-size key and a larger than block-size data. "
          "The key needs to be hashed before being used by the HMAC algorithm.", 0, 0,
          "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
    };

    for (unsigned i = 0; i < sizeof v / sizeof *v; i++)
        check_hmac(&v[i], false);
}

static void hmac_sha1_rfc2202(void **state)
{
    static const struct vector v[] = {
        { 0x0b, 20, NULL, "Hi There", 0, 0, "b617318655057264e28bc0b6fb378c8ef146be00" },
        { 0, 0, "Jefe", "what do ya want for nothing?", 0, 0,
          "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
        { 0xaa, 20, NULL, NULL, 0xdd, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
        { 0xaa, 80, NULL, "Test Using Larger Than Block-Size Key - Hash Key First", 0, 0,
          "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
    };

    for (unsigned i = 0; i < sizeof v / sizeof *v; i++)
        check_hmac(&v[i], true);
}

static void equal(void **state)
{
    assert_true(digest_equal("abcd", "abcd", 4));
    assert_false(digest_equal("abcd", "abce", 4));
    assert_false(digest_equal("abcd", "Abcd", 4));
    assert_true(digest_equal("abcd", "abce", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_examples),
        cmocka_unit_test(sha1_examples),
        cmocka_unit_test(hmac_sha256_rfc4231),
        cmocka_unit_test(hmac_sha1_rfc2202),
        cmocka_unit_test(equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

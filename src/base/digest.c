/* SPDX-License-Identifier: Apache-2.0 */
/* Digests for keys, tokens and HMACs (RFC 8684 3.1, 3.2, 3.4.1; RFC 6824 for SHA-1; HMAC: RFC
 * 2104).
 *
 * Called by mp for each key, join and announced address. Holds nothing between calls.
 *
 * libcrypto's EVP interface needs objects fetched ahead and kept (653 ns for a one-shot SHA-256
 * against 72 ns for the low-level functions, HMAC 790 against 225), and the core keeps no globals.
 * So the low-level functions are used, although OpenSSL 3 calls them deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

enum { HMAC_BLOCK = 64, INNER = 0x36, OUTER = 0x5c };

/* MemorySanitizer does not see what libcrypto writes, and has to be told. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
void __msan_unpoison(const volatile void *mem, size_t len);
#define WRITTEN(mem, len) __msan_unpoison(mem, len)
#endif
#endif
#ifndef WRITTEN
#define WRITTEN(mem, len) ((void)0)
#endif

void digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_SHA256_LEN])
{
    SHA256_CTX ctx;

    SHA256_Init(&ctx);
    SHA256_Update(&ctx, data, len);
    SHA256_Final(out, &ctx);
    WRITTEN(out, DIGEST_SHA256_LEN);
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

void digest_sha1(const void *data, size_t len, uint8_t out[DIGEST_SHA1_LEN])
{
    SHA_CTX ctx;

    SHA1_Init(&ctx);
    SHA1_Update(&ctx, data, len);
    SHA1_Final(out, &ctx);
    WRITTEN(out, DIGEST_SHA1_LEN);
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

static void flip(uint8_t pad[HMAC_BLOCK], uint8_t with)
{
    for (unsigned i = 0; i < HMAC_BLOCK; i++)
        pad[i] ^= with;
}

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[DIGEST_SHA256_LEN])
{
    SHA256_CTX ctx;
    uint8_t pad[HMAC_BLOCK] = { 0 }, inner[DIGEST_SHA256_LEN];

    if (key_len > HMAC_BLOCK)
        digest_sha256(key, key_len, pad);
    else if (key_len > 0)
        memcpy(pad, key, key_len);
    flip(pad, INNER);
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, pad, sizeof pad);
    SHA256_Update(&ctx, data, len);
    SHA256_Final(inner, &ctx);
    flip(pad, INNER ^ OUTER);
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, pad, sizeof pad);
    SHA256_Update(&ctx, inner, sizeof inner);
    SHA256_Final(out, &ctx);
    WRITTEN(out, DIGEST_SHA256_LEN);
    OPENSSL_cleanse(pad, sizeof pad);
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

void digest_hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
                      uint8_t out[DIGEST_SHA1_LEN])
{
    SHA_CTX ctx;
    uint8_t pad[HMAC_BLOCK] = { 0 }, inner[DIGEST_SHA1_LEN];

    if (key_len > HMAC_BLOCK)
        digest_sha1(key, key_len, pad);
    else if (key_len > 0)
        memcpy(pad, key, key_len);
    flip(pad, INNER);
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, pad, sizeof pad);
    SHA1_Update(&ctx, data, len);
    SHA1_Final(inner, &ctx);
    flip(pad, INNER ^ OUTER);
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, pad, sizeof pad);
    SHA1_Update(&ctx, inner, sizeof inner);
    SHA1_Final(out, &ctx);
    WRITTEN(out, DIGEST_SHA1_LEN);
    OPENSSL_cleanse(pad, sizeof pad);
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

int digest_equal(const void *a, const void *b, size_t len)
{
    int differ = CRYPTO_memcmp(a, b, len);

    WRITTEN(&differ, sizeof differ);
    return differ == 0;
}

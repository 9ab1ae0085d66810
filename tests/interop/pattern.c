/* SPDX-License-Identifier: Apache-2.0 */
/* Test data as a function of its position, and its SHA-256. Called by kpeer. The stream consists
 * of little-endian 64-bit words; word w is xorshift64 of an odd multiple of w + 1, a bijection,
 * so no two words of a stream are equal. */
#include "pattern.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pattern_hash {
    EVP_MD_CTX *ctx;
};

static uint64_t word(uint64_t w, uint64_t seed)
{
    uint64_t x = (w + 1) * 0x9e3779b97f4a7c15u ^ seed;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static uint8_t byte(uint64_t pos, uint64_t seed)
{
    return (uint8_t)(word(pos / 8, seed) >> (8 * (pos % 8)));
}

void pattern_fill(uint8_t *buf, size_t len, uint64_t pos, uint64_t seed)
{
    size_t i = 0;

    for (; i < len && (pos + i) % 8 != 0; i++)
        buf[i] = byte(pos + i, seed);
    for (; len - i >= 8; i += 8) {
        uint64_t x = word((pos + i) / 8, seed);
        memcpy(buf + i, &x, 8);
    }
    for (; i < len; i++)
        buf[i] = byte(pos + i, seed);
}

size_t pattern_check(const uint8_t *buf, size_t len, uint64_t pos, uint64_t seed)
{
    uint8_t want[4096];

    for (size_t i = 0; i < len;) {
        size_t n = len - i < sizeof want ? len - i : sizeof want;
        pattern_fill(want, n, pos + i, seed);
        if (memcmp(want, buf + i, n) != 0) {
            while (*want == buf[i] && n > 0) {
                i++;
                *want = byte(pos + i, seed);
            }
            return i;
        }
        i += n;
    }
    return len;
}

static void need(int good)
{
    if (!good) {
        fprintf(stderr, "kpeer: libcrypto cannot do SHA-256\n");
        abort();
    }
}

struct pattern_hash *pattern_hash_new(void)
{
    struct pattern_hash *h = malloc(sizeof *h);

    need(h != NULL);
    h->ctx = EVP_MD_CTX_new();
    need(h->ctx != NULL && EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) == 1);
    return h;
}

void pattern_hash_add(struct pattern_hash *h, const uint8_t *buf, size_t len)
{
    need(EVP_DigestUpdate(h->ctx, buf, len) == 1);
}

void pattern_hash_end(struct pattern_hash *h, char hex[65])
{
    uint8_t sum[32];
    unsigned n = sizeof sum;

    need(EVP_DigestFinal_ex(h->ctx, sum, &n) == 1 && n == sizeof sum);
    for (unsigned i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The Internet checksum (RFC 1071): IP and TCP headers where no device does it, and DSS checksums.
 *
 * The sum of 16-bit words does not depend on the order of bytes within the words, up to a swap of
 * the result (RFC 1071 2 B), and 16-bit words may be added two at a time into 32-bit ones (2 C). So
 * the loops add 32-bit words in memory order into 64-bit sums, which cannot overflow below 16 GiB
 * of data; the result is folded and swapped once. Each call adds at most 0xffff to the caller's
 * sum. */
#include "csum.h"

#include "be.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2 1
#include <immintrin.h>
#else
#define HAVE_AVX2 0
#endif

enum { VECTOR_FROM = 256 };

static uint64_t fold16(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

uint16_t csum_fold(uint64_t sum)
{
    return (uint16_t)fold16(sum);
}

/* A folded sum of words in memory order as a sum of big-endian words. */
static uint64_t from_memory_order(uint64_t sum)
{
    uint16_t v = (uint16_t)fold16(sum);
    uint8_t bytes[2];

    memcpy(bytes, &v, 2);
    return be16_load(bytes);
}

/* The rest of less than 8 bytes, padded with zeros, in memory order. */
static uint64_t sum_tail(const uint8_t *p, size_t len)
{
    uint64_t w = 0;

    memcpy(&w, p, len);
    return (w & 0xffffffff) + (w >> 32);
}

static uint64_t sum_words(const uint8_t *p, size_t len)
{
    uint64_t a = 0, b = 0, w[2];

    for (; len >= 16; p += 16, len -= 16) {
        memcpy(w, p, 16);
        a += (w[0] & 0xffffffff) + (w[0] >> 32);
        b += (w[1] & 0xffffffff) + (w[1] >> 32);
    }
    if (len >= 8) {
        a += sum_tail(p, 8);
        p += 8;
        len -= 8;
    }
    return a + b + (len > 0 ? sum_tail(p, len) : 0);
}

#if HAVE_AVX2
struct lanes { __m256i lo, hi; };

__attribute__((target("avx2"))) static uint64_t lanes_total(struct lanes s)
{
    uint64_t v[4];

    _mm256_storeu_si256((__m256i *)(void *)v, _mm256_add_epi64(s.lo, s.hi));
    return fold16(v[0]) + fold16(v[1]) + fold16(v[2]) + fold16(v[3]);
}

__attribute__((target("avx2"))) static struct lanes lanes_add(struct lanes s, __m256i w)
{
    s.lo = _mm256_add_epi64(s.lo, _mm256_and_si256(w, _mm256_set1_epi64x(0xffffffff)));
    s.hi = _mm256_add_epi64(s.hi, _mm256_srli_epi64(w, 32));
    return s;
}

/* Sums and, where dst is given, copies len bytes, a multiple of 64. */
__attribute__((target("avx2"))) static uint64_t sum_avx2(uint8_t *dst, const uint8_t *p, size_t len)
{
    struct lanes a = { _mm256_setzero_si256(), _mm256_setzero_si256() }, b = a;

    for (size_t i = 0; i < len; i += 64) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(p + i + 32));
        a = lanes_add(a, x);
        b = lanes_add(b, y);
        if (dst != NULL) {
            _mm256_storeu_si256((__m256i *)(void *)(dst + i), x);
            _mm256_storeu_si256((__m256i *)(void *)(dst + i + 32), y);
        }
    }
    return lanes_total(a) + lanes_total(b);
}
#endif

/* The long middle part by vectors, at most len bytes; *done receives how many. */
static uint64_t sum_vectors(uint8_t *dst, const uint8_t *p, size_t len, size_t *done)
{
    *done = 0;
#if HAVE_AVX2
    if (len >= VECTOR_FROM && __builtin_cpu_supports("avx2")) {
        *done = len & ~(size_t)63;
        return sum_avx2(dst, p, *done);
    }
#endif
    (void)dst, (void)p, (void)len;
    return 0;
}

uint64_t csum_add(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t done;
    uint64_t part = sum_vectors(NULL, p, len, &done);

    if (len > done)
        part += sum_words(p + done, len - done);
    return sum + from_memory_order(part);
}

uint64_t csum_copy(uint64_t sum, void *dst, const void *src, size_t len)
{
    const uint8_t *p = src;
    size_t done;
    uint64_t part = sum_vectors(dst, p, len, &done);

    if (len > done) {
        memcpy((uint8_t *)dst + done, p + done, len - done);
        part += sum_words(p + done, len - done);
    }
    return sum + from_memory_order(part);
}

uint64_t csum_add_odd(uint64_t sum, uint64_t part)
{
    uint64_t v = fold16(part);

    return sum + (((v & 0xff) << 8) | (v >> 8));
}

uint64_t csum_add_u16(uint64_t sum, uint16_t v)
{
    return sum + v;
}

uint64_t csum_add_u32(uint64_t sum, uint32_t v)
{
    return sum + (v >> 16) + (v & 0xffff);
}

uint64_t csum_add_u64(uint64_t sum, uint64_t v)
{
    return csum_add_u32(csum_add_u32(sum, (uint32_t)(v >> 32)), (uint32_t)v);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk copies of payload: into the send store, into blocks, out to the application.
 *
 * Short copies are left to memcpy. Long ones go through a loop of 32-byte vectors where the
 * processor has AVX2: libc's memcpy turns to `rep movsb` there, which for a destination 1 to 63
 * bytes ahead of the source modulo 4096 runs at 2-3 GB/s instead of 30. */
#include "copy.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2 1
#include <immintrin.h>
#else
#define HAVE_AVX2 0
#endif

enum { VECTOR_FROM = 1024 };

#if HAVE_AVX2
/* len >= 128. The destination is aligned by one unaligned vector in front; the last 128 bytes are
 * written once more, unaligned, so that there is no loop for the rest. */
__attribute__((target("avx2"))) static void copy_avx2(unsigned char *dst, const unsigned char *src,
                                                      size_t len)
{
    size_t lead = 32 - ((size_t)dst & 31), i;
    const unsigned char *last_src = src + len - 128;
    unsigned char *last_dst = dst + len - 128;
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)src), b, c, d;

    _mm256_storeu_si256((__m256i *)(void *)dst, a);
    for (i = lead; i + 128 <= len; i += 128) {
        a = _mm256_loadu_si256((const __m256i *)(const void *)(src + i));
        b = _mm256_loadu_si256((const __m256i *)(const void *)(src + i + 32));
        c = _mm256_loadu_si256((const __m256i *)(const void *)(src + i + 64));
        d = _mm256_loadu_si256((const __m256i *)(const void *)(src + i + 96));
        _mm256_store_si256((__m256i *)(void *)(dst + i), a);
        _mm256_store_si256((__m256i *)(void *)(dst + i + 32), b);
        _mm256_store_si256((__m256i *)(void *)(dst + i + 64), c);
        _mm256_store_si256((__m256i *)(void *)(dst + i + 96), d);
    }
    for (i = 0; i < 128; i += 32) {
        a = _mm256_loadu_si256((const __m256i *)(const void *)(last_src + i));
        _mm256_storeu_si256((__m256i *)(void *)(last_dst + i), a);
    }
}
#endif

void copy_bulk(void *dst, const void *src, size_t len)
{
#if HAVE_AVX2
    if (len >= VECTOR_FROM && __builtin_cpu_supports("avx2")) {
        copy_avx2(dst, src, len);
        return;
    }
#endif
    if (len > 0)
        memcpy(dst, src, len);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 (Aumasson and Bernstein, 2012): two rounds for each 8 bytes, four at the end.
 *
 * Used for the stack's tables, whose keys come from strangers, and for ISNs (RFC 6528). Words are
 * read little-endian, so the result is the same on every machine. */
#include "siphash.h"

struct state { uint64_t v0, v1, v2, v3; };

static uint64_t rotate(uint64_t v, unsigned n)
{
    return (v << n) | (v >> (64 - n));
}

static void rounds(struct state *s, unsigned n)
{
    while (n-- > 0) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static uint64_t load_le(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* Compilers make one load of it, but not of the loop above. */
static uint64_t load_le_8(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static void take_word(struct state *s, uint64_t m)
{
    s->v3 ^= m;
    rounds(s, 2);
    s->v0 ^= m;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len)
{
    struct state s = { key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
                       key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573 };
    const uint8_t *p = data;
    size_t left = len;

    for (; left >= 8; p += 8, left -= 8)
        take_word(&s, load_le_8(p));
    take_word(&s, load_le(p, left) | (uint64_t)len << 56);
    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded random numbers: splitmix64, a counter and a mixing function. Everything in a simulation
 * that is left to chance asks here, so that a seed is a whole run. Each user has a generator of
 * its own: one more question by one of them does not change the answers that the others get. */
#include "rng.h"

void sim_rng_init(struct sim_rng *r, uint64_t seed)
{
    r->state = seed;
    r->state = sim_rng_u64(r); /* seeds 1, 2, 3 shall not start as neighbours */
}

uint64_t sim_rng_u64(struct sim_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t sim_rng_below(struct sim_rng *r, uint64_t n)
{
    return n == 0 ? 0 : sim_rng_u64(r) % n;
}

uint64_t sim_rng_between(struct sim_rng *r, uint64_t lo, uint64_t hi)
{
    return lo + sim_rng_below(r, hi - lo + 1);
}

bool sim_rng_chance(struct sim_rng *r, uint32_t ppm)
{
    return ppm != 0 && sim_rng_below(r, 1000000) < ppm;
}

/* log2 of u, which is not 0, with LOG_BITS bits after the point: squaring a number between 1 and 2
 * doubles its logarithm, and shows the next bit of it as the bit before the point. */
enum { LOG_BITS = 24 };
static uint64_t log2_of(uint32_t u)
{
    unsigned whole = 31u - (unsigned)__builtin_clz(u);
    uint64_t x = (uint64_t)u << (31 - whole), log = whole;

    for (unsigned i = 0; i < LOG_BITS; i++) {
        x = x * x >> 31;
        log = log << 1 | x >> 32;
        x >>= x >> 32;
    }
    return log;
}

uint64_t sim_rng_exp(struct sim_rng *r, uint64_t mean)
{
    const uint64_t ln2 = 2977044472; /* by 2^32 */
    if (mean >> 34 != 0) /* the product would leave 64 bits */
        return sim_rng_exp(r, mean >> 20) << 20;
    uint32_t u = (uint32_t)(sim_rng_u64(r) >> 32);
    uint64_t bits = ((uint64_t)32 << LOG_BITS) - log2_of(u > 0 ? u : 1);

    return mean * (bits * ln2 >> 32) >> LOG_BITS;
}

void sim_rng_permute(struct sim_rng *r, unsigned *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned at = (unsigned)sim_rng_below(r, i + 1);
        v[i] = v[at];
        v[at] = i;
    }
}

void sim_rng_fill(struct sim_rng *r, void *buf, size_t len)
{
    uint8_t *p = buf;

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)sim_rng_u64(r);
}

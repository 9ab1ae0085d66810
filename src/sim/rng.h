/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded random numbers (splitmix64): the only source of chance in a simulation. Not for secrets.
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_rng {
    uint64_t state;
};

void sim_rng_init(struct sim_rng *r, uint64_t seed);
uint64_t sim_rng_u64(struct sim_rng *r);
/* Uniform in [0, n); 0 for n = 0. */
uint64_t sim_rng_below(struct sim_rng *r, uint64_t n);
/* Uniform in [lo, hi], both included. */
uint64_t sim_rng_between(struct sim_rng *r, uint64_t lo, uint64_t hi);
/* True with a probability of ppm millionths. */
bool sim_rng_chance(struct sim_rng *r, uint32_t ppm);
/* Exponentially distributed with this mean; at most 23 times that. */
uint64_t sim_rng_exp(struct sim_rng *r, uint64_t mean);
/* The numbers 0 to n - 1 in some order, each order as likely as any other. */
void sim_rng_permute(struct sim_rng *r, unsigned *v, unsigned n);
void sim_rng_fill(struct sim_rng *r, void *buf, size_t len);

#endif

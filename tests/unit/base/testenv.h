/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of base share: an environment whose memory can be made to fail, and seeded dice.
 */
#ifndef TESTENV_H
#define TESTENV_H

#include <plait/types.h>

struct testenv {
    struct plait_env env;
    uint64_t live_bytes; /* given out and not back */
    uint64_t live;       /* allocations given out and not back */
    uint64_t calls;      /* of alloc */
    int64_t fail_in;     /* allocations until all fail: 0 at once, < 0 never */
    uint64_t dice;       /* state of dice_roll() */
    uint64_t traces;     /* news taken */
};

void testenv_init(struct testenv *t, uint64_t seed);
/* Uniform below n, deterministic in the seed. */
uint64_t dice_roll(struct testenv *t, uint64_t n);
/* Every position of a stream has its own byte, so that a moved byte shows itself. */
uint8_t pattern_byte(uint64_t pos);
void pattern_fill(uint8_t *p, uint64_t pos, size_t len);
bool pattern_ok(const uint8_t *p, uint64_t pos, size_t len);

#endif

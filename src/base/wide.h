/* SPDX-License-Identifier: Apache-2.0 */
/* Products of 128 bits, to be compared: 32-bit compilers have no such integer. */
#ifndef BASE_WIDE_H
#define BASE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

struct wide { uint64_t hi, lo; };

static inline struct wide wide_mul(uint64_t a, uint64_t b)
{
    uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
    uint64_t low = al * bl, mid = ah * bl + (low >> 32), more = al * bh + (uint32_t)mid;

    return (struct wide){ .hi = ah * bh + (mid >> 32) + (more >> 32),
                          .lo = more << 32 | (uint32_t)low };
}
static inline bool wide_lt(struct wide a, struct wide b)
{
    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

#endif

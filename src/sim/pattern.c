/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern of a stream: eight bytes at a time from a mix of the stream's number and the
 * position. */
#include "app.h"

static uint64_t word_at(uint64_t stream, uint64_t index)
{
    uint64_t z = stream + (index + 1) * 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    return z ^ (z >> 29);
}

uint8_t sim_pattern_byte(uint64_t stream, uint64_t pos)
{
    return (uint8_t)(word_at(stream, pos / 8) >> (pos % 8 * 8));
}

void sim_pattern_fill(uint64_t stream, uint64_t pos, uint8_t *to, size_t len)
{
    uint64_t word = word_at(stream, pos / 8);

    for (size_t i = 0; i < len; i++) {
        if ((pos + i) % 8 == 0)
            word = word_at(stream, (pos + i) / 8);
        to[i] = (uint8_t)(word >> ((pos + i) % 8 * 8));
    }
}

size_t sim_pattern_check(uint64_t stream, uint64_t pos, const uint8_t *bytes, size_t len)
{
    uint64_t word = word_at(stream, pos / 8);

    for (size_t i = 0; i < len; i++) {
        if ((pos + i) % 8 == 0)
            word = word_at(stream, (pos + i) / 8);
        if (bytes[i] != (uint8_t)(word >> ((pos + i) % 8 * 8)))
            return i;
    }
    return len;
}

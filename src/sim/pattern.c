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

/* The first byte is the lowest of the word. Written out, because compilers make one store and one
 * load of that where a machine is little-endian. */
static void store_word(uint8_t *to, uint64_t w)
{
    to[0] = (uint8_t)w;
    to[1] = (uint8_t)(w >> 8);
    to[2] = (uint8_t)(w >> 16);
    to[3] = (uint8_t)(w >> 24);
    to[4] = (uint8_t)(w >> 32);
    to[5] = (uint8_t)(w >> 40);
    to[6] = (uint8_t)(w >> 48);
    to[7] = (uint8_t)(w >> 56);
}

static uint64_t load_word(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/* Bytes up to the next whole word of the stream. */
static size_t ragged(uint64_t pos, size_t len)
{
    size_t n = (8 - pos % 8) % 8;

    return n < len ? n : len;
}

void sim_pattern_fill(uint64_t stream, uint64_t pos, uint8_t *to, size_t len)
{
    size_t i = 0;

    for (; i < ragged(pos, len); i++)
        to[i] = sim_pattern_byte(stream, pos + i);
    for (uint64_t word = (pos + i) / 8; i + 8 <= len; i += 8)
        store_word(to + i, word_at(stream, word++));
    for (; i < len; i++)
        to[i] = sim_pattern_byte(stream, pos + i);
}

size_t sim_pattern_check(uint64_t stream, uint64_t pos, const uint8_t *bytes, size_t len)
{
    size_t i = 0;

    for (; i < ragged(pos, len); i++)
        if (bytes[i] != sim_pattern_byte(stream, pos + i))
            return i;
    for (uint64_t word = (pos + i) / 8;
         i + 8 <= len && load_word(bytes + i) == word_at(stream, word); word++)
        i += 8;
    while (i < len && bytes[i] == sim_pattern_byte(stream, pos + i))
        i++;
    return i;
}

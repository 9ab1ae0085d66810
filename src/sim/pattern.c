/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern of a stream: eight bytes at a time from a mix of the stream's number and the
 * position. */
#include "app.h"

#include "../base/be.h"

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

static uint32_t swap(uint64_t w)
{
    return (uint32_t)((w & 0xff) << 24 | (w & 0xff00) << 8 | (w >> 8 & 0xff00) | (w >> 24 & 0xff));
}

/* The first byte is the lowest of the word. */
static void store_word(uint8_t *to, uint64_t word)
{
    be32_store(to, swap(word & UINT32_MAX));
    be32_store(to + 4, swap(word >> 32));
}

static uint64_t load_word(const uint8_t *from)
{
    return (uint64_t)swap(be32_load(from + 4)) << 32 | swap(be32_load(from));
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
    for (; i + 8 <= len; i += 8)
        store_word(to + i, word_at(stream, (pos + i) / 8));
    for (; i < len; i++)
        to[i] = sim_pattern_byte(stream, pos + i);
}

size_t sim_pattern_check(uint64_t stream, uint64_t pos, const uint8_t *bytes, size_t len)
{
    size_t i = 0;

    for (; i < ragged(pos, len); i++)
        if (bytes[i] != sim_pattern_byte(stream, pos + i))
            return i;
    while (i + 8 <= len && load_word(bytes + i) == word_at(stream, (pos + i) / 8))
        i += 8;
    while (i < len && bytes[i] == sim_pattern_byte(stream, pos + i))
        i++;
    return i;
}

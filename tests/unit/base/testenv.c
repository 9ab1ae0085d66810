/* SPDX-License-Identifier: Apache-2.0 */
#include "testenv.h"

#include <stdlib.h>
#include <string.h>

static void *test_alloc(void *ctx, size_t size)
{
    struct testenv *t = ctx;
    size_t align = size >= 4096 ? 4096 : 64;
    void *mem;

    t->calls++;
    if (t->fail_in == 0)
        return NULL;
    if (t->fail_in > 0)
        t->fail_in--;
    mem = aligned_alloc(align, (size + align - 1) / align * align);
    if (mem != NULL) {
        memset(mem, 0xa5, size);
        t->live++;
        t->live_bytes += size;
    }
    return mem;
}

static void test_free(void *ctx, void *mem, size_t size)
{
    struct testenv *t = ctx;

    t->live--;
    t->live_bytes -= size;
    free(mem);
}

static uint64_t next_random(struct testenv *t)
{
    uint64_t z = t->dice += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void test_random(void *ctx, void *buf, size_t len)
{
    uint8_t *p = buf;

    while (len-- > 0)
        *p++ = (uint8_t)next_random(ctx);
}

static void test_trace(void *ctx, const struct plait_trace *ev)
{
    struct testenv *t = ctx;

    t->traces += ev->type;
}

void testenv_init(struct testenv *t, uint64_t seed)
{
    *t = (struct testenv){ .fail_in = -1, .dice = seed };
    t->env = (struct plait_env){ t, test_alloc, test_free, test_random, test_trace };
}

uint64_t dice_roll(struct testenv *t, uint64_t n)
{
    return next_random(t) % n;
}

uint8_t pattern_byte(uint64_t pos)
{
    uint64_t x = (pos + 1) * 0x9e3779b97f4a7c15;

    return (uint8_t)(x >> 56);
}

void pattern_fill(uint8_t *p, uint64_t pos, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = pattern_byte(pos + i);
}

bool pattern_ok(const uint8_t *p, uint64_t pos, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != pattern_byte(pos + i))
            return false;
    return true;
}

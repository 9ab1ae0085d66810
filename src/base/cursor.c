/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: the only way packet bytes are read and written.
 *
 * Used by wire. Invariant: p <= end always; once bad, nothing is read or written any more. A bad
 * writer keeps the bytes that it wrote before. */
#include "cursor.h"

#include <string.h>

void cursor_init(struct cursor *c, const uint8_t *p, size_t len)
{
    *c = (struct cursor){ .p = p, .end = len > 0 ? p + len : p };
}

size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}

const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
    const uint8_t *p = c->p;

    if (c->bad || cursor_left(c) < n) {
        c->bad = true;
        c->p = c->end;
        return NULL;
    }
    if (n > 0)
        c->p += n;
    return p;
}

void cursor_skip(struct cursor *c, size_t n)
{
    (void)cursor_bytes(c, n);
}

uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_bytes(c, 1);
    return p != NULL ? *p : 0;
}

uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = cursor_bytes(c, 2);
    return p != NULL ? be16_load(p) : 0;
}

uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = cursor_bytes(c, 4);
    return p != NULL ? be32_load(p) : 0;
}

uint64_t cursor_u64(struct cursor *c)
{
    const uint8_t *p = cursor_bytes(c, 8);
    return p != NULL ? be64_load(p) : 0;
}

void wcursor_init(struct wcursor *c, uint8_t *p, size_t len)
{
    *c = (struct wcursor){ .start = p, .p = p, .end = len > 0 ? p + len : p };
}

size_t wcursor_used(const struct wcursor *c)
{
    return (size_t)(c->p - c->start);
}

size_t wcursor_left(const struct wcursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->p);
}

/* Room for n bytes, or NULL and the cursor is bad. */
static uint8_t *reserve(struct wcursor *c, size_t n)
{
    uint8_t *p = c->p;

    if (wcursor_left(c) < n) {
        c->bad = true;
        return NULL;
    }
    if (n > 0)
        c->p += n;
    return p;
}

void wcursor_u8(struct wcursor *c, uint8_t v)
{
    uint8_t *p = reserve(c, 1);
    if (p != NULL)
        *p = v;
}

void wcursor_u16(struct wcursor *c, uint16_t v)
{
    uint8_t *p = reserve(c, 2);
    if (p != NULL)
        be16_store(p, v);
}

void wcursor_u32(struct wcursor *c, uint32_t v)
{
    uint8_t *p = reserve(c, 4);
    if (p != NULL)
        be32_store(p, v);
}

void wcursor_u64(struct wcursor *c, uint64_t v)
{
    uint8_t *p = reserve(c, 8);
    if (p != NULL)
        be64_store(p, v);
}

void wcursor_bytes(struct wcursor *c, const void *from, size_t n)
{
    uint8_t *p = reserve(c, n);
    if (p != NULL && n > 0)
        memcpy(p, from, n);
}

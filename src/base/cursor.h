/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds-checked reading and writing of packet bytes. A cursor that ran past its end is bad for
 * ever: reads answer 0, writes do nothing; check `bad` once at the end. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "be.h"
#include <stdbool.h>
#include <stddef.h>

struct cursor { const uint8_t *p, *end; bool bad; };
struct wcursor { uint8_t *start, *p, *end; bool bad; };

void cursor_init(struct cursor *c, const uint8_t *p, size_t len);
size_t cursor_left(const struct cursor *c);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
const uint8_t *cursor_bytes(struct cursor *c, size_t n); /* NULL when short */
void cursor_skip(struct cursor *c, size_t n);

void wcursor_init(struct wcursor *c, uint8_t *p, size_t len);
size_t wcursor_used(const struct wcursor *c);
size_t wcursor_left(const struct wcursor *c);
void wcursor_u8(struct wcursor *c, uint8_t v);
void wcursor_u16(struct wcursor *c, uint16_t v);
void wcursor_u32(struct wcursor *c, uint32_t v);
void wcursor_u64(struct wcursor *c, uint64_t v);
void wcursor_bytes(struct wcursor *c, const void *p, size_t n);

#endif

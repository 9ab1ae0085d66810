/* SPDX-License-Identifier: Apache-2.0 */
/* Test data whose every byte is a function of its position, so that a lost, doubled or swapped byte
 * shows itself, and where. */
#ifndef INTEROP_PATTERN_H
#define INTEROP_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Writes bytes pos to pos + len - 1 of the stream that seed names. */
void pattern_fill(uint8_t *buf, size_t len, uint64_t pos, uint64_t seed);
/* Index of the first byte that differs from the stream, or len. */
size_t pattern_check(const uint8_t *buf, size_t len, uint64_t pos, uint64_t seed);

/* SHA-256 of a stream, in hexadecimal. */
struct pattern_hash;
struct pattern_hash *pattern_hash_new(void);
void pattern_hash_add(struct pattern_hash *h, const uint8_t *buf, size_t len);
/* Ends and frees h. */
void pattern_hash_end(struct pattern_hash *h, char hex[65]);

#endif

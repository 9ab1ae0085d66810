/* SPDX-License-Identifier: Apache-2.0 */
/* The Internet checksum (RFC 1071) as a running one's-complement sum. */
#ifndef BASE_CSUM_H
#define BASE_CSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds bytes at an even offset of the summed data to sum; partial sums stay below 2^48. */
uint64_t csum_add(uint64_t sum, const void *data, size_t len);
/* Adds a sum of bytes that start at an odd offset. */
uint64_t csum_add_odd(uint64_t sum, uint64_t part);
uint64_t csum_add_u16(uint64_t sum, uint16_t v); /* v as it stands on the wire, host order value */
uint64_t csum_add_u32(uint64_t sum, uint32_t v);
uint64_t csum_add_u64(uint64_t sum, uint64_t v);
/* The 16-bit one's-complement sum, not inverted, as a host order value. */
uint16_t csum_fold(uint64_t sum);
/* Copies and sums in one pass. */
uint64_t csum_copy(uint64_t sum, void *dst, const void *src, size_t len);

#endif

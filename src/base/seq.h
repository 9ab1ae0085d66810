/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence number arithmetic modulo 2^32 (RFC 9293 3.4). */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline int32_t seq_diff(uint32_t a, uint32_t b) { return (int32_t)(a - b); } /* a - b */
static inline bool seq_lt(uint32_t a, uint32_t b) { return seq_diff(a, b) < 0; }
static inline bool seq_le(uint32_t a, uint32_t b) { return seq_diff(a, b) <= 0; }
static inline bool seq_gt(uint32_t a, uint32_t b) { return seq_diff(a, b) > 0; }
static inline bool seq_ge(uint32_t a, uint32_t b) { return seq_diff(a, b) >= 0; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_gt(a, b) ? a : b; }
static inline uint32_t seq_min(uint32_t a, uint32_t b) { return seq_lt(a, b) ? a : b; }

/* The 64-bit position nearest to ref whose low 32 bits are seq: ref's neighbourhood of +-2^31. */
static inline uint64_t seq_extend(uint64_t ref, uint32_t seq)
{
    return ref + (uint64_t)(int64_t)(int32_t)(seq - (uint32_t)ref);
}

/* 64-bit data sequence numbers wrap too (an IDSN may be near 2^64). */
static inline int64_t dsn_diff(uint64_t a, uint64_t b) { return (int64_t)(a - b); }
static inline bool dsn_lt(uint64_t a, uint64_t b) { return dsn_diff(a, b) < 0; }
static inline bool dsn_le(uint64_t a, uint64_t b) { return dsn_diff(a, b) <= 0; }
static inline bool dsn_gt(uint64_t a, uint64_t b) { return dsn_diff(a, b) > 0; }
static inline bool dsn_ge(uint64_t a, uint64_t b) { return dsn_diff(a, b) >= 0; }

#endif

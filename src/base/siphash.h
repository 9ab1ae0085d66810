/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4: a keyed hash for tables whose keys strangers choose, and for ISNs (RFC 6528). */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key { uint64_t k0, k1; };

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

#endif

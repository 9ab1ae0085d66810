/* SPDX-License-Identifier: Apache-2.0 */
/* The only door to a cryptographic library: SHA-256, HMAC-SHA-256 and their SHA-1 brothers (v0). */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SHA256_LEN = 32, DIGEST_SHA1_LEN = 20 };

void digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_SHA256_LEN]);
void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[DIGEST_SHA256_LEN]);
void digest_sha1(const void *data, size_t len, uint8_t out[DIGEST_SHA1_LEN]);
void digest_hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
                      uint8_t out[DIGEST_SHA1_LEN]);
/* Comparison whose time does not tell where the first difference is. */
int digest_equal(const void *a, const void *b, size_t len);

#endif

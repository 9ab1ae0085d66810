/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, and what is derived from them: token, IDSN, and the HMACs of joins and announcements.
 *
 * Called by capable.c, join.c, addr.c and the stack. No state. Version 1 uses SHA-256, version 0
 * SHA-1, for the same things. RFC 8684 3.1, 3.2, 3.4.1; RFC 6824 3.1, 3.2. */
#include "mp_int.h"

#include "../base/addr.h"
#include "../base/be.h"
#include "../base/digest.h"

#include <string.h>

/*= RFC 8684 3.1
 * the token MUST be a truncated (most significant 32 bits) SHA-256 hash [RFC6234] of the key */
/*= RFC 8684 3.1
 * Note that the key MUST be hashed in network byte order. */
/*= RFC 6824 3.1
 * with only the SHA-1 algorithm (bit "H") specified and selected, the token MUST be a truncated
 * (most significant 32 bits) SHA-1 hash ([4], [15]) of the key */
void mp_key_derive(uint64_t key, uint8_t version, struct mp_key *out)
{
    uint8_t bytes[8], digest[DIGEST_SHA256_LEN];
    size_t len = version == 0 ? DIGEST_SHA1_LEN : DIGEST_SHA256_LEN;

    be64_store(bytes, key);
    if (version == 0)
        digest_sha1(bytes, sizeof bytes, digest);
    else
        digest_sha256(bytes, sizeof bytes, digest);
    out->key = key;
    out->token = be32_load(digest);
    /*= RFC 8684 3.1
     * the IDSN of a host MUST be the least significant 64 bits of the SHA-256 hash of its key */
    /*= RFC 8684 3.1-19, 3.1-21 */
    /*= RFC 6824 3.1
     * A different, 64-bit truncation (the least significant 64 bits) of the SHA-1 hash of the key
     * MUST be used as the initial data sequence number. */
    /*= RFC 6824 3.1
     * Also note that the "least significant" bits MUST be the rightmost bits of the SHA-1 digest,
     * as per [4]. */
    /*= RFC 6824 3.1
     * the IDSN of a host MUST be the least significant 64 bits of the SHA-1 hash of its key */
    /*= RFC 6824 3.1-11, 3.1-12 */
    out->idsn = be64_load(digest + len - 8);
}

static void join_keys(uint64_t key_from, uint64_t key_to, uint8_t key[16])
{
    be64_store(key, key_from);
    be64_store(key + 8, key_to);
}

/*= RFC 8684 3.2
 * The key for the HMAC algorithm, in the case of the message transmitted by Host A, will be Key-A
 * followed by Key-B; and in the case of Host B, Key-B followed by Key-A. */
/* The leftmost 160 bits: all of them in version 0, and all that an option ever carries. */
void mp_join_hmac(const struct mp_hmac_in *in, uint8_t out[MP_HMAC_LEN])
{
    uint8_t key[16], msg[8], digest[DIGEST_SHA256_LEN];

    join_keys(in->key_from, in->key_to, key);
    be32_store(msg, in->nonce_from);
    be32_store(msg + 4, in->nonce_to);
    if (in->version == 0)
        digest_hmac_sha1(key, sizeof key, msg, sizeof msg, digest);
    else
        digest_hmac_sha256(key, sizeof key, msg, sizeof msg, digest);
    memcpy(out, digest, MP_HMAC_LEN);
}

/*= RFC 8684 3.4.1
 * If the port is not present in the ADD_ADDR option, the HMAC message will nevertheless include 2
 * octets of value zero. */
void mp_addr_hmac(uint64_t key_from, uint64_t key_to, const struct wire_mp_add_addr *a,
                  uint8_t out[8])
{
    uint8_t key[16], msg[1 + 16 + 2], digest[DIGEST_SHA256_LEN];
    unsigned len = addr_ip_len(&a->addr);

    msg[0] = a->id;
    memcpy(msg + 1, a->addr.ip, len);
    be16_store(msg + 1 + len, a->addr.port);
    join_keys(key_from, key_to, key);
    digest_hmac_sha256(key, sizeof key, msg, 3 + len, digest);
    /*= RFC 8684 3.4.1
     * The Truncated HMAC parameter present in this option is the rightmost 64 bits of an HMAC,
     * negotiated and calculated in the same way as for MP_JOIN */
    memcpy(out, digest + DIGEST_SHA256_LEN - 8, 8);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, and what is derived from them: token, IDSN, and the HMACs of joins and announcements.
 *
 * Called by capable.c, join.c, addr.c and the stack. No state. RFC 8684 3.1, 3.2, 3.4.1. */
#include "mp_int.h"

#include "../base/addr.h"
#include "../base/be.h"
#include "../base/digest.h"

#include <string.h>

/*= RFC 8684 3.1
 * the token MUST be a truncated (most significant 32 bits) SHA-256 hash [RFC6234] of the key */
/*= RFC 8684 3.1
 * Note that the key MUST be hashed in network byte order. */
void mp_key_derive(uint64_t key, struct mp_key *out)
{
    uint8_t bytes[8], digest[DIGEST_SHA256_LEN];

    be64_store(bytes, key);
    digest_sha256(bytes, sizeof bytes, digest);
    out->key = key;
    out->token = be32_load(digest);
    /*= RFC 8684 3.1
     * the IDSN of a host MUST be the least significant 64 bits of the SHA-256 hash of its key */
    out->idsn = be64_load(digest + DIGEST_SHA256_LEN - 8);
}

static void hmac(uint64_t key_from, uint64_t key_to, const uint8_t *msg, size_t len,
                 uint8_t out[DIGEST_SHA256_LEN])
{
    uint8_t key[16];

    be64_store(key, key_from);
    be64_store(key + 8, key_to);
    digest_hmac_sha256(key, sizeof key, msg, len, out);
}

/*= RFC 8684 3.2
 * The key for the HMAC algorithm, in the case of the message transmitted by Host A, will be Key-A
 * followed by Key-B; and in the case of Host B, Key-B followed by Key-A. */
void mp_join_hmac(const struct mp_hmac_in *in, uint8_t out[DIGEST_SHA256_LEN])
{
    uint8_t msg[8];

    be32_store(msg, in->nonce_from);
    be32_store(msg + 4, in->nonce_to);
    hmac(in->key_from, in->key_to, msg, sizeof msg, out);
}

/*= RFC 8684 3.4.1
 * If the port is not present in the ADD_ADDR option, the HMAC message will nevertheless include 2
 * octets of value zero. */
void mp_addr_hmac(uint64_t key_from, uint64_t key_to, const struct wire_mp_add_addr *a,
                  uint8_t out[8])
{
    uint8_t msg[1 + 16 + 2], digest[DIGEST_SHA256_LEN];
    unsigned len = addr_ip_len(&a->addr);

    msg[0] = a->id;
    memcpy(msg + 1, a->addr.ip, len);
    be16_store(msg + 1 + len, a->addr.port);
    hmac(key_from, key_to, msg, 3 + len, digest);
    /*= RFC 8684 3.4.1
     * The Truncated HMAC parameter present in this option is the rightmost 64 bits of an HMAC,
     * negotiated and calculated in the same way as for MP_JOIN */
    memcpy(out, digest + DIGEST_SHA256_LEN - 8, 8);
}

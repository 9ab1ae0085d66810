/* SPDX-License-Identifier: Apache-2.0 */
/* Flows, keys and digests of a running script. Called by the other files of the runner.
 *
 * RFC 8684 3.1 (token, IDSN), 3.2 (HMAC of joins), 3.3.1 (checksum), 3.4.1 (HMAC of addresses). */
#include "pkt_flow.h"

#include "../base/addr.h"
#include "../base/be.h"
#include "../base/csum.h"
#include "../base/digest.h"
#include "app.h"

#include <string.h>

struct plait_addr sim_pkt_addr(bool ipv6, bool remote, unsigned index)
{
    uint8_t i = (uint8_t)index;

    if (ipv6 && remote)
        return (struct plait_addr){.family = 6, .ip = {0x20, 1, 0x0d, 0xb8, [7] = i, [15] = 1}};
    if (ipv6)
        return (struct plait_addr){.family = 6,
                                   .ip = {0xfd, 0x3d, 0xfa, 0x7b, 0xd1, 0x7d, [7] = i, [15] = 1}};
    if (remote)
        return (struct plait_addr){.family = 4, .ip = {192, 0, (uint8_t)(2 + i), 1}};
    return (struct plait_addr){.family = 4, .ip = {192, 168, i, 1}};
}

static bool fits(const struct sim_pkt_world *w, const struct plait_addr *addr,
                 const struct sim_pkt_end *end)
{
    struct plait_addr want = sim_pkt_addr(w->script->setup.ipv6, end->remote, end->index);

    return addr_same_ip(addr, &want) && (end->port == 0 || end->port == addr->port);
}

struct sim_pkt_flow *sim_pkt_flow_find(struct sim_pkt_world *w, const struct sim_pkt_end *local,
                                       const struct sim_pkt_end *remote)
{
    if (!local->given)
        return w->main;
    for (unsigned i = w->flow_n; i > 0; i--) /* the youngest first */
        if (fits(w, &w->flow[i - 1].local, local) && fits(w, &w->flow[i - 1].remote, remote))
            return &w->flow[i - 1];
    return NULL;
}

struct sim_pkt_flow *sim_pkt_flow_of(struct sim_pkt_world *w, const struct plait_addr *local,
                                     const struct plait_addr *remote)
{
    for (unsigned i = 0; i < w->flow_n; i++)
        if (addr_equal(&w->flow[i].local, local) && addr_equal(&w->flow[i].remote, remote))
            return &w->flow[i];
    return NULL;
}

struct sim_pkt_flow *sim_pkt_flow_new(struct sim_pkt_world *w, const struct plait_addr *local,
                                      const struct plait_addr *remote)
{
    if (w->flow_n == SIM_PKT_FLOWS_MAX)
        return NULL;
    struct sim_pkt_flow *f = &w->flow[w->flow_n++];
    *f = (struct sim_pkt_flow){
        .local = *local,
        .remote = *remote,
        .irs = w->script->setup.peer_isn,
        .nonce_remote = 0x5eed0000 + w->flow_n,
        .map_in = {1, 1},
        .map_out = {1, 1},
    };
    return f;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void key_digest(uint64_t key, uint8_t digest[DIGEST_SHA256_LEN])
{
    uint8_t bytes[8];

    be64_store(bytes, key);
    digest_sha256(bytes, sizeof bytes, digest);
}

void sim_pkt_learn_key(struct sim_pkt_world *w, unsigned side, uint64_t key)
{
    uint8_t digest[DIGEST_SHA256_LEN];

    key_digest(key, digest);
    w->key_known[side] = true;
    w->key[side] = key;
    w->idsn[side] = be64_load(digest + DIGEST_SHA256_LEN - 8);
}

uint32_t sim_pkt_token(uint64_t key)
{
    uint8_t digest[DIGEST_SHA256_LEN];

    key_digest(key, digest);
    return be32_load(digest);
}

static void hmac(const struct sim_pkt_world *w, unsigned side, const uint8_t *msg, size_t len,
                 uint8_t out[DIGEST_SHA256_LEN])
{
    uint8_t key[16];

    be64_store(key, w->key[side]);
    be64_store(key + 8, w->key[!side]);
    digest_hmac_sha256(key, sizeof key, msg, len, out);
}

void sim_pkt_join_hmac(const struct sim_pkt_world *w, const struct sim_pkt_flow *f, unsigned side,
                       uint8_t out[32])
{
    uint8_t msg[8];

    be32_store(msg, side == SIM_PKT_STACK ? f->nonce_local : f->nonce_remote);
    be32_store(msg + 4, side == SIM_PKT_STACK ? f->nonce_remote : f->nonce_local);
    hmac(w, side, msg, sizeof msg, out);
}

uint64_t sim_pkt_addr_hmac(const struct sim_pkt_world *w, unsigned side,
                           const struct sim_pkt_add_addr *add)
{
    uint8_t msg[1 + 16 + 2], out[DIGEST_SHA256_LEN];
    unsigned len = addr_ip_len(&add->addr);

    msg[0] = add->id;
    memcpy(msg + 1, add->addr.ip, len);
    be16_store(msg + 1 + len, add->addr.port);
    hmac(w, side, msg, 1 + len + 2, out);
    return be64_load(out + DIGEST_SHA256_LEN - 8);
}

bool sim_pkt_key_value(const struct sim_pkt_world *w, const struct sim_pkt_value *v,
                       uint64_t *value)
{
    *value = v->how == SIM_PKT_VAR ? w->var[v->var] : v->value;
    return v->how != SIM_PKT_VAR || w->known[v->var];
}

/* ---- payload -------------------------------------------------------------------------------- */

uint8_t sim_pkt_stream_byte(unsigned side, uint64_t pos)
{
    return sim_pattern_byte(side + 1, pos);
}

void sim_pkt_stream_fill(unsigned side, uint64_t pos, uint8_t *to, size_t len)
{
    sim_pattern_fill(side + 1, pos, to, len);
}

uint16_t sim_pkt_dss_csum(const struct sim_pkt_world *w, const struct sim_pkt_mapping *m)
{
    uint32_t len = m->fin && m->dll > 0 ? m->dll - 1u : m->dll;
    uint64_t sum = csum_add_u64(0, w->idsn[m->side] + m->dsn);

    sum = csum_add_u16(csum_add_u32(sum, m->ssn), m->dll);
    for (uint32_t i = 0; i < len; i++) {
        uint8_t byte = sim_pkt_stream_byte(m->side, m->dsn - 1 + i);
        sum = csum_add_u16(sum, (uint16_t)(i % 2 == 0 ? byte << 8 : byte));
    }
    return (uint16_t)~csum_fold(sum);
}

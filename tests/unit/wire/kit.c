/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/addr.h"
#include "base/csum.h"
#include <stdlib.h>
#include <string.h>

uint64_t roll(struct dice *d, uint64_t n)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % n;
}

static bool coin(struct dice *d)
{
    return roll(d, 2) == 0;
}

static uint32_t r32(struct dice *d)
{
    return (uint32_t)roll(d, (uint64_t)1 << 32);
}

static uint64_t r64(struct dice *d)
{
    return (uint64_t)r32(d) << 32 | r32(d);
}

static void rbytes(struct dice *d, uint8_t *p, size_t n)
{
    while (n-- > 0)
        *p++ = (uint8_t)roll(d, 256);
}

struct plait_addr kit_addr(uint8_t family, uint8_t last, uint16_t port)
{
    struct plait_addr a = { .family = family, .port = port };

    if (family == 4)
        memcpy(a.ip, (const uint8_t[]){ 10, 0, 0, last }, 4);
    else
        memcpy(a.ip, (const uint8_t[16]){ 0x20, 1, 0xd, 0xb8, [15] = last }, 16);
    return a;
}

void kit_tcpopts(struct dice *d, bool syn, struct wire_tcpopts *opt)
{
    memset(opt, 0, sizeof *opt);
    opt->has_ts = coin(d);
    if (opt->has_ts) {
        opt->tsval = r32(d);
        opt->tsecr = r32(d);
    }
    if (!syn) {
        opt->sack_n = (uint8_t)roll(d, WIRE_SACK_MAX + 1);
        for (unsigned i = 0; i < opt->sack_n; i++) {
            opt->sack[i].lo = r32(d);
            opt->sack[i].hi = r32(d);
        }
        return;
    }
    opt->has_mss = coin(d);
    opt->mss = opt->has_mss ? (uint16_t)roll(d, 65536) : 0;
    opt->has_wscale = coin(d);
    opt->wscale = opt->has_wscale ? (uint8_t)roll(d, 256) : 0;
    opt->sack_permitted = coin(d);
    opt->has_tfo = roll(d, 4) == 0;
    if (opt->has_tfo) {
        opt->tfo_len = (uint8_t)(coin(d) ? 0 : 4 + 2 * roll(d, 7));
        rbytes(d, opt->tfo, opt->tfo_len);
    }
}

static void some_capable(struct dice *d, uint8_t flags, struct wire_mp_capable *cap)
{
    static const uint8_t ack_len[] = { 20, 22, 24 };

    cap->version = (uint8_t)roll(d, 2);
    cap->flags = (uint8_t)roll(d, 256);
    if ((flags & WIRE_SYN) == 0)
        cap->len = ack_len[roll(d, 3)];
    else if ((flags & WIRE_ACK) != 0)
        cap->len = 12;
    else
        cap->len = cap->version == 0 ? 12 : 4;
    cap->key_sender = cap->len >= 12 ? r64(d) : 0;
    cap->key_receiver = cap->len >= 20 ? r64(d) : 0;
    cap->dll = cap->len >= 22 ? (uint16_t)roll(d, 65536) : 0;
    cap->csum = cap->len >= 24 ? (uint16_t)roll(d, 65536) : 0;
}

static void some_join(struct dice *d, uint8_t flags, struct wire_mp_join *join)
{
    if ((flags & WIRE_SYN) == 0) {
        join->len = 24;
        rbytes(d, join->hmac, 20);
        return;
    }
    join->len = (flags & WIRE_ACK) != 0 ? 16 : 12;
    join->backup = coin(d);
    join->addr_id = (uint8_t)roll(d, 256);
    join->nonce = r32(d);
    if (join->len == 12)
        join->token = r32(d);
    else
        rbytes(d, join->hmac, 8);
}

static void some_dss(struct dice *d, struct wire_mp_dss *dss)
{
    dss->has_ack = coin(d);
    dss->has_map = coin(d);
    dss->data_fin = coin(d);
    if (dss->has_ack) {
        dss->ack64 = coin(d);
        dss->ack = dss->ack64 ? r64(d) : r32(d);
    }
    if (!dss->has_map)
        return;
    dss->dsn64 = coin(d);
    dss->dsn = dss->dsn64 ? r64(d) : r32(d);
    dss->ssn = r32(d);
    dss->dll = (uint16_t)roll(d, 65536);
    dss->has_csum = coin(d);
    dss->csum = dss->has_csum ? (uint16_t)roll(d, 65536) : 0;
}

static void some_add_addr(struct dice *d, struct wire_mp_add_addr *add)
{
    add->echo = coin(d);
    add->has_hmac = coin(d);
    add->id = (uint8_t)roll(d, 256);
    add->addr = kit_addr(coin(d) ? 4 : 6, (uint8_t)roll(d, 256), 0);
    add->addr.port = coin(d) ? 0 : (uint16_t)(1 + roll(d, 65535));
    add->v0 = !add->echo && !add->has_hmac;
    if (add->has_hmac)
        rbytes(d, add->hmac, 8);
}

void kit_mp(struct dice *d, uint8_t flags, unsigned which, struct wire_mp *mp)
{
    memset(mp, 0, sizeof *mp);
    mp->present = (uint16_t)which;
    mp->any = which != 0;
    if (wire_mp_has(mp, WIRE_MP_CAPABLE))
        some_capable(d, flags, &mp->capable);
    if (wire_mp_has(mp, WIRE_MP_JOIN))
        some_join(d, flags, &mp->join);
    if (wire_mp_has(mp, WIRE_MP_DSS))
        some_dss(d, &mp->dss);
    if (wire_mp_has(mp, WIRE_MP_ADD_ADDR))
        some_add_addr(d, &mp->add_addr);
    if (wire_mp_has(mp, WIRE_MP_REMOVE_ADDR)) {
        mp->remove.n = (uint8_t)(1 + roll(d, WIRE_MP_REMOVE_MAX));
        rbytes(d, mp->remove.id, mp->remove.n);
    }
    if (wire_mp_has(mp, WIRE_MP_PRIO)) {
        mp->prio_backup = coin(d);
        mp->prio_has_id = coin(d);
        mp->prio_id = mp->prio_has_id ? (uint8_t)roll(d, 256) : 0;
    }
    if (wire_mp_has(mp, WIRE_MP_FAIL))
        mp->fail_dsn = r64(d);
    if (wire_mp_has(mp, WIRE_MP_FASTCLOSE))
        mp->fastclose_key = r64(d);
    if (wire_mp_has(mp, WIRE_MP_TCPRST)) {
        mp->rst.transient = coin(d);
        mp->rst.reason = (uint8_t)roll(d, 256);
    }
}

bool kit_same_opt(const struct wire_tcpopts *a, const struct wire_tcpopts *b)
{
    bool same = a->has_mss == b->has_mss && a->has_wscale == b->has_wscale &&
                a->sack_permitted == b->sack_permitted && a->has_ts == b->has_ts &&
                a->mss == b->mss && a->wscale == b->wscale && a->tsval == b->tsval &&
                a->tsecr == b->tsecr && a->sack_n == b->sack_n && a->has_tfo == b->has_tfo &&
                a->tfo_len == b->tfo_len && memcmp(a->tfo, b->tfo, sizeof a->tfo) == 0;

    return same && memcmp(a->sack, b->sack, sizeof a->sack) == 0;
}

static bool same_capable(const struct wire_mp_capable *a, const struct wire_mp_capable *b)
{
    return a->version == b->version && a->flags == b->flags && a->len == b->len &&
           a->key_sender == b->key_sender && a->key_receiver == b->key_receiver &&
           a->dll == b->dll && a->csum == b->csum;
}

static bool same_join(const struct wire_mp_join *a, const struct wire_mp_join *b)
{
    return a->len == b->len && a->backup == b->backup && a->addr_id == b->addr_id &&
           a->token == b->token && a->nonce == b->nonce && memcmp(a->hmac, b->hmac, 20) == 0;
}

static bool same_dss(const struct wire_mp_dss *a, const struct wire_mp_dss *b)
{
    return a->has_ack == b->has_ack && a->ack64 == b->ack64 && a->has_map == b->has_map &&
           a->dsn64 == b->dsn64 && a->data_fin == b->data_fin && a->has_csum == b->has_csum &&
           a->ack == b->ack && a->dsn == b->dsn && a->ssn == b->ssn && a->dll == b->dll &&
           a->csum == b->csum;
}

static bool same_add_addr(const struct wire_mp_add_addr *a, const struct wire_mp_add_addr *b)
{
    return a->echo == b->echo && a->has_hmac == b->has_hmac && a->id == b->id &&
           a->v0 == b->v0 && addr_equal(&a->addr, &b->addr) && memcmp(a->hmac, b->hmac, 8) == 0;
}

bool kit_same_mp(const struct wire_mp *a, const struct wire_mp *b)
{
    return a->present == b->present && a->any == b->any && same_capable(&a->capable, &b->capable) &&
           same_join(&a->join, &b->join) && same_dss(&a->dss, &b->dss) &&
           same_add_addr(&a->add_addr, &b->add_addr) && a->remove.n == b->remove.n &&
           memcmp(a->remove.id, b->remove.id, sizeof a->remove.id) == 0 &&
           a->prio_backup == b->prio_backup && a->prio_has_id == b->prio_has_id &&
           a->prio_id == b->prio_id && a->fail_dsn == b->fail_dsn &&
           a->fastclose_key == b->fastclose_key && a->rst.transient == b->rst.transient &&
           a->rst.reason == b->rst.reason;
}

uint8_t *kit_packet(const struct wire_emit *how, const uint8_t *payload, size_t *len)
{
    uint8_t head[100], ip_len, *p;
    unsigned n = wire_emit_headers(how, head, &ip_len);
    struct wire_view view = { payload, how->payload_len };

    assert_true(n > 0);
    wire_finish_csum(head, n, ip_len, &view, 1);
    *len = n + how->payload_len;
    p = malloc(*len);
    assert_non_null(p);
    memcpy(p, head, n);
    if (how->payload_len > 0)
        memcpy(p + n, payload, how->payload_len);
    return p;
}

void kit_fix_v4(uint8_t *ip)
{
    be16_store(ip + 10, 0);
    be16_store(ip + 10, (uint16_t)~csum_fold(csum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of packets. Called by the boxes. A packet here is always a whole TCP segment over IPv4 or
 * IPv6, without IP options, extension headers or fragments; sim_pkt_load() sees to that. */
#include "box_edit.h"

#include <string.h>

#include "../base/be.h"
#include "../base/csum.h"

enum { IP4_LEN = 20, IP6_LEN = 40, TCP_LEN = 20, TCP_MAX = 60, AT_FLAGS = 13, AT_CSUM = 16 };
enum { TCP = 6 }; /* the protocol */

uint8_t *sim_pkt_tcp(struct sim_pkt *p)
{
    return p->b + p->ip_len;
}

uint32_t sim_pkt_addr_len(const struct sim_pkt *p)
{
    return p->ip_len == IP4_LEN ? 4 : 16;
}

/* The addresses end the header in both versions of IP. */
uint8_t *sim_pkt_src(struct sim_pkt *p)
{
    return p->b + p->ip_len - 2 * sim_pkt_addr_len(p);
}

uint8_t *sim_pkt_dst(struct sim_pkt *p)
{
    return p->b + p->ip_len - sim_pkt_addr_len(p);
}

static uint32_t tcp_len(const struct sim_pkt *p)
{
    return (p->b[p->ip_len + 12] >> 4) * 4u;
}

bool sim_pkt_load(struct sim_pkt *p, const uint8_t *bytes, uint32_t len)
{
    if (len < IP6_LEN || len > SIM_PKT_MAX - 64)
        return false;
    bool v4 = bytes[0] == 0x45 && bytes[9] == TCP, v6 = bytes[0] >> 4 == 6 && bytes[6] == TCP;
    p->ip_len = v4 ? IP4_LEN : IP6_LEN;
    if ((!v4 && !v6) || len < p->ip_len + 0u + TCP_LEN)
        return false;
    p->delay = 0;
    p->bad_csum = p->touched = false;
    p->len = len;
    memcpy(p->b, bytes, len);
    return tcp_len(p) >= TCP_LEN && p->ip_len + tcp_len(p) <= len;
}

uint8_t sim_pkt_flags(const struct sim_pkt *p)
{
    return p->b[p->ip_len + AT_FLAGS];
}

bool sim_pkt_has(const struct sim_pkt *p, uint8_t set, uint8_t clear)
{
    return (sim_pkt_flags(p) & (set | clear)) == set;
}

uint32_t sim_pkt_seq(const struct sim_pkt *p)
{
    return be32_load(p->b + p->ip_len + 4);
}

uint32_t sim_pkt_ack(const struct sim_pkt *p)
{
    return be32_load(p->b + p->ip_len + 8);
}

void sim_pkt_set_seq(struct sim_pkt *p, uint32_t v)
{
    be32_store(p->b + p->ip_len + 4, v);
}

void sim_pkt_set_ack(struct sim_pkt *p, uint32_t v)
{
    if (sim_pkt_has(p, SIM_TCP_ACK, 0))
        be32_store(p->b + p->ip_len + 8, v);
}

uint32_t sim_pkt_head_len(const struct sim_pkt *p)
{
    return p->ip_len + tcp_len(p);
}

uint32_t sim_pkt_payload(const struct sim_pkt *p)
{
    return p->len - sim_pkt_head_len(p);
}

uint32_t sim_pkt_seq_len(const struct sim_pkt *p)
{
    return sim_pkt_payload(p) + sim_pkt_has(p, SIM_TCP_SYN, 0) + sim_pkt_has(p, SIM_TCP_FIN, 0);
}

void sim_pkt_resize(struct sim_pkt *p, uint32_t at, int n)
{
    uint8_t *from = p->b + sim_pkt_head_len(p) + at;
    uint32_t behind = sim_pkt_payload(p) - at;

    if (n > 0) {
        memmove(from + n, from, behind);
        memset(from, '+', (size_t)n);
        p->len += (uint32_t)n;
    } else {
        uint32_t gone = (uint32_t)-n < behind ? (uint32_t)-n : behind;
        memmove(from, from + gone, behind - gone);
        p->len -= gone;
    }
}

/* ---- options ------------------------------------------------------------------------------- */

uint8_t *sim_pkt_option(struct sim_pkt *p, uint32_t *at)
{
    uint8_t *tcp = sim_pkt_tcp(p);
    uint32_t end = tcp_len(p), here = *at != 0 ? *at : TCP_LEN;

    while (here < end && tcp[here] == SIM_OPT_NOP)
        here++;
    if (here + 1 >= end || tcp[here] == SIM_OPT_EOL || tcp[here + 1] < 2 ||
        here + tcp[here + 1] > end)
        return NULL;
    *at = here + tcp[here + 1];
    return tcp + here;
}

uint8_t *sim_pkt_find(struct sim_pkt *p, uint8_t kind)
{
    uint32_t at = 0;
    uint8_t *opt;

    while ((opt = sim_pkt_option(p, &at)) != NULL)
        if (opt[0] == kind)
            return opt;
    return NULL;
}

bool sim_pkt_strip(struct sim_pkt *p, uint8_t kind, int subtype)
{
    uint32_t at = 0;
    uint8_t *opt;
    bool any = false;

    while ((opt = sim_pkt_option(p, &at)) != NULL) {
        if (opt[0] != kind || (subtype >= 0 && (opt[1] < 3 || opt[2] >> 4 != subtype)))
            continue;
        memset(opt, SIM_OPT_NOP, opt[1]);
        any = true;
    }
    return any;
}

/* Makes the TCP header this long; the payload follows it. */
static void set_tcp_len(struct sim_pkt *p, uint32_t want)
{
    uint32_t have = tcp_len(p);

    memmove(p->b + p->ip_len + want, p->b + p->ip_len + have, p->len - p->ip_len - have);
    if (want > have)
        memset(p->b + p->ip_len + have, SIM_OPT_NOP, want - have);
    p->len = p->len - have + want;
    p->b[p->ip_len + 12] = (uint8_t)((want / 4) << 4 | (p->b[p->ip_len + 12] & 15));
}

bool sim_pkt_append(struct sim_pkt *p, const uint8_t *opt, uint32_t len)
{
    uint32_t have = tcp_len(p), want = have + (len + 3) / 4 * 4;

    if (want > TCP_MAX)
        return false;
    set_tcp_len(p, want);
    memcpy(p->b + p->ip_len + have, opt, len);
    return true;
}

void sim_pkt_drop_nops(struct sim_pkt *p)
{
    uint8_t kept[TCP_MAX], *opt;
    uint32_t at = 0, n = 0;

    while ((opt = sim_pkt_option(p, &at)) != NULL) {
        memcpy(kept + n, opt, opt[1]);
        n += opt[1];
    }
    set_tcp_len(p, TCP_LEN);
    sim_pkt_append(p, kept, n);
}

void sim_pkt_options_of(struct sim_pkt *p, const struct sim_pkt *from)
{
    uint32_t len = tcp_len(from);

    set_tcp_len(p, len);
    memcpy(p->b + p->ip_len + TCP_LEN, from->b + from->ip_len + TCP_LEN, len - TCP_LEN);
}

void sim_pkt_add_payload(struct sim_pkt *p, const struct sim_pkt *from)
{
    uint32_t len = sim_pkt_payload(from);

    if (p->len + len > SIM_PKT_MAX)
        len = SIM_PKT_MAX - p->len;
    memcpy(p->b + p->len, from->b + sim_pkt_head_len(from), len);
    p->len += len;
}

bool sim_pkt_same_flow(const struct sim_pkt *a, const struct sim_pkt *b)
{
    return a->ip_len == b->ip_len &&
           memcmp(a->b + a->ip_len - 2 * sim_pkt_addr_len(a),
                  b->b + b->ip_len - 2 * sim_pkt_addr_len(b), 2 * sim_pkt_addr_len(a) + 4) == 0;
}

/* ---- whole packets ------------------------------------------------------------------------- */

void sim_pkt_answer(struct sim_pkt *out, const struct sim_pkt *to, uint8_t flags)
{
    const uint8_t *tcp = to->b + to->ip_len;
    uint32_t addr = sim_pkt_addr_len(to);
    uint8_t *out_tcp;

    out->delay = 0;
    out->bad_csum = false;
    out->touched = true;
    out->ip_len = to->ip_len;
    out->len = to->ip_len + TCP_LEN;
    memcpy(out->b, to->b, to->ip_len);
    memcpy(sim_pkt_src(out), to->b + to->ip_len - addr, addr);
    memcpy(sim_pkt_dst(out), to->b + to->ip_len - 2 * addr, addr);
    out_tcp = sim_pkt_tcp(out);
    memset(out_tcp, 0, TCP_LEN);
    memcpy(out_tcp, tcp + 2, 2);
    memcpy(out_tcp + 2, tcp, 2);
    out_tcp[12] = TCP_LEN / 4 << 4;
    out_tcp[AT_FLAGS] = flags;
}

static void finish_ip(struct sim_pkt *p)
{
    if (p->ip_len == IP6_LEN) {
        be16_store(p->b + 4, (uint16_t)(p->len - IP6_LEN));
        return;
    }
    be16_store(p->b + 2, (uint16_t)p->len);
    be16_store(p->b + 10, 0);
    be16_store(p->b + 10, (uint16_t)~csum_fold(csum_add(0, p->b, IP4_LEN)));
}

void sim_pkt_finish(struct sim_pkt *p)
{
    uint8_t *tcp = sim_pkt_tcp(p);
    uint32_t len = p->len - p->ip_len;

    finish_ip(p);
    be16_store(tcp + AT_CSUM, 0);
    uint64_t sum = csum_add(0, sim_pkt_src(p), 2 * sim_pkt_addr_len(p));
    sum = csum_add(csum_add_u16(csum_add_u32(sum, len), TCP), tcp, len);
    be16_store(tcp + AT_CSUM, (uint16_t)~csum_fold(sum));
    if (p->bad_csum)
        tcp[AT_CSUM] ^= 0x55;
}

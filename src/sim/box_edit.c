/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of packets. Called by the boxes. A packet here is always a whole TCP segment over IPv4
 * without IP options or fragments; sim_pkt_load() sees to that. */
#include "box_edit.h"

#include <string.h>

#include "../base/be.h"
#include "../base/csum.h"

enum { IP_LEN = 20, TCP_LEN = 20, TCP_MAX = 60, AT_LEN = 2, AT_FLAGS = 13, AT_CSUM = 16 };

uint8_t *sim_pkt_tcp(struct sim_pkt *p)
{
    return p->b + IP_LEN;
}

static uint32_t tcp_len(const struct sim_pkt *p)
{
    return (p->b[IP_LEN + 12] >> 4) * 4u;
}

bool sim_pkt_load(struct sim_pkt *p, const uint8_t *bytes, uint32_t len)
{
    if (len < IP_LEN + TCP_LEN || len > SIM_PKT_MAX - 64 || bytes[0] != 0x45 || bytes[9] != 6)
        return false;
    p->delay = 0;
    p->bad_csum = p->touched = false;
    p->len = len;
    memcpy(p->b, bytes, len);
    return tcp_len(p) >= TCP_LEN && IP_LEN + tcp_len(p) <= len;
}

uint8_t sim_pkt_flags(const struct sim_pkt *p)
{
    return p->b[IP_LEN + AT_FLAGS];
}

bool sim_pkt_has(const struct sim_pkt *p, uint8_t set, uint8_t clear)
{
    return (sim_pkt_flags(p) & (set | clear)) == set;
}

uint32_t sim_pkt_seq(const struct sim_pkt *p)
{
    return be32_load(p->b + IP_LEN + 4);
}

uint32_t sim_pkt_ack(const struct sim_pkt *p)
{
    return be32_load(p->b + IP_LEN + 8);
}

void sim_pkt_set_seq(struct sim_pkt *p, uint32_t v)
{
    be32_store(p->b + IP_LEN + 4, v);
}

void sim_pkt_set_ack(struct sim_pkt *p, uint32_t v)
{
    if (sim_pkt_has(p, SIM_TCP_ACK, 0))
        be32_store(p->b + IP_LEN + 8, v);
}

uint32_t sim_pkt_head_len(const struct sim_pkt *p)
{
    return IP_LEN + tcp_len(p);
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

    memmove(p->b + IP_LEN + want, p->b + IP_LEN + have, p->len - IP_LEN - have);
    if (want > have)
        memset(p->b + IP_LEN + have, SIM_OPT_NOP, want - have);
    p->len = p->len - have + want;
    p->b[IP_LEN + 12] = (uint8_t)((want / 4) << 4 | (p->b[IP_LEN + 12] & 15));
}

bool sim_pkt_append(struct sim_pkt *p, const uint8_t *opt, uint32_t len)
{
    uint32_t have = tcp_len(p), want = have + (len + 3) / 4 * 4;

    if (want > TCP_MAX)
        return false;
    set_tcp_len(p, want);
    memcpy(p->b + IP_LEN + have, opt, len);
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
    memcpy(p->b + IP_LEN + TCP_LEN, from->b + IP_LEN + TCP_LEN, len - TCP_LEN);
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
    return memcmp(a->b + 12, b->b + 12, 12) == 0;
}

/* ---- whole packets ------------------------------------------------------------------------- */

void sim_pkt_answer(struct sim_pkt *out, const struct sim_pkt *to, uint8_t flags)
{
    const uint8_t *tcp = to->b + IP_LEN;

    out->delay = 0;
    out->bad_csum = false;
    out->touched = true;
    out->len = IP_LEN + TCP_LEN;
    memcpy(out->b, to->b, IP_LEN);
    memcpy(out->b + 12, to->b + 16, 4);
    memcpy(out->b + 16, to->b + 12, 4);
    memset(out->b + IP_LEN, 0, TCP_LEN);
    memcpy(out->b + IP_LEN, tcp + 2, 2);
    memcpy(out->b + IP_LEN + 2, tcp, 2);
    out->b[IP_LEN + 12] = TCP_LEN / 4 << 4;
    out->b[IP_LEN + AT_FLAGS] = flags;
}

void sim_pkt_finish(struct sim_pkt *p)
{
    uint8_t *tcp = sim_pkt_tcp(p);
    uint32_t len = p->len - IP_LEN;

    be16_store(p->b + AT_LEN, (uint16_t)p->len);
    be16_store(p->b + 10, 0);
    be16_store(p->b + 10, (uint16_t)~csum_fold(csum_add(0, p->b, IP_LEN)));
    be16_store(tcp + AT_CSUM, 0);
    uint64_t sum = csum_add_u16(csum_add_u32(csum_add(0, p->b + 12, 8), len), 6);
    be16_store(tcp + AT_CSUM, (uint16_t)~csum_fold(csum_add(sum, tcp, len)));
    if (p->bad_csum)
        tcp[AT_CSUM] ^= 0x55;
}

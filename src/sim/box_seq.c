/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes that give a connection other addresses or numbers: NAT, rewriting of initial sequence
 * numbers, application gateways that change payload, and SYN proxies. Called by the chain. */
#include <string.h>

#include "../base/be.h"
#include "../base/seq.h"
#include "box_int.h"

enum { IDLE = 500000 }; /* microseconds of rest after which a NAT forgets */

/* ---- NAT ------------------------------------------------------------------------------------ */

enum { NAT_NET = 9, NAT_PORT = 40000 };

/* 10.0.x.y is seen as 10.9.x.y, 2001:db8:x::y as 2001:db8:90x::y. */
static unsigned nat_at(bool v4)
{
    return v4 ? 1 : 4;
}

/* Packets to the outer addresses go where those to the inner ones go. */
void sim_box_nat_routes(struct sim_box *b)
{
    struct sim *sim = sim_box_world(b);
    unsigned n = sim->route_n;

    for (unsigned i = 0; i < n; i++) {
        struct sim_route r = sim->route[i];
        unsigned at = nat_at(r.dst.family == 4);
        if (r.hop_n == 0 || r.hop[0] != b->at.down || r.dst.ip[at] == NAT_NET)
            continue;
        r.dst.ip[at] = NAT_NET;
        sim_route_add(sim, r.to, &r);
    }
}

struct sim_box_flow *sim_box_nat_flow(struct sim_box *b, struct sim_pkt *p)
{
    for (unsigned i = 0; i < SIM_BOX_FLOWS; i++) {
        struct sim_box_flow *f = &b->flow[i];
        if (f->used && f->port == be16_load(sim_pkt_tcp(p) + 2) && f->port != 0)
            return f;
    }
    return NULL;
}

void sim_box_nat(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    if (d == SIM_DOWN) {
        memcpy(sim_pkt_dst(p), f->key.client, sim_pkt_addr_len(p));
        memcpy(sim_pkt_tcp(p) + 2, f->key.client_port, 2);
    } else {
        if (f->port == 0 || (sim_box_is(b, 1, "remap") && f->idle > IDLE))
            f->port = (uint16_t)(NAT_PORT + b->ports++);
        sim_pkt_src(p)[nat_at(sim_pkt_addr_len(p) == 4)] = NAT_NET;
        be16_store(sim_pkt_tcp(p), f->port);
    }
    p->touched = true;
    sim_box_touch(b);
    sim_box_pass(b, d, p);
}

/* ---- other sequence numbers ----------------------------------------------------------------- */

static void shift_sack(struct sim_pkt *p, uint32_t by)
{
    uint8_t *sack = sim_pkt_find(p, SIM_OPT_SACK);

    for (unsigned i = 2; sack != NULL && i + 4 <= sack[1]; i += 4)
        be32_store(sack + i, be32_load(sack + i) - by);
}

static bool every(uint64_t n, unsigned k)
{
    return n % k == 0;
}

void sim_box_isn(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    bool keeps_sack = sim_box_is(b, 1, "sack");
    uint32_t back = d == SIM_UP ? 0x9e3779b9 : 0x7f4a7c15;
    uint32_t forth = d == SIM_UP ? 0x7f4a7c15 : 0x9e3779b9;

    sim_pkt_set_seq(p, sim_pkt_seq(p) + forth);
    sim_pkt_set_ack(p, sim_pkt_ack(p) - back);
    if (!keeps_sack)
        shift_sack(p, back);
    p->touched = true;
    sim_box_touch(b);
    /* Without a loss there would be no SACK to leave wrong. */
    if (keeps_sack && sim_pkt_payload(p) > 0 && every(f->data_n[d], 20))
        return;
    sim_box_pass(b, d, p);
}

/* ---- other payload -------------------------------------------------------------------------- */

enum { REWRITE_NTH = 5, REWRITE_AT = 10, GROWS = 3 };

static int growth(const struct sim_box *b)
{
    return sim_box_is(b, 1, "grow") ? GROWS : sim_box_is(b, 1, "shrink") ? -GROWS : 0;
}

/* The sender's number for one of the receiver's, where what is behind `at` was moved. */
static uint32_t number_back(uint32_t v, uint32_t at, int by)
{
    if (!seq_lt(at, v))
        return v;
    return seq_lt(v, at + (uint32_t)(by > 0 ? by : 0)) ? at : v - (uint32_t)by;
}

static void shift_answer(struct sim_pkt *p, uint32_t at, int by)
{
    uint8_t *sack = sim_pkt_find(p, SIM_OPT_SACK);

    sim_pkt_set_ack(p, number_back(sim_pkt_ack(p), at, by));
    for (unsigned i = 2; sack != NULL && i + 4 <= sack[1]; i += 4)
        be32_store(sack + i, number_back(be32_load(sack + i), at, by));
}

static void change(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    uint32_t seq = sim_pkt_seq(p), len = sim_pkt_payload(p), at = f->cut_at[d];
    int by = growth(b);

    if (seq_lt(at, seq)) {
        sim_pkt_set_seq(p, seq + (uint32_t)by);
    } else if (seq_lt(at, seq + len)) {
        if (by != 0)
            sim_pkt_resize(p, at - seq, by);
        else
            p->b[sim_pkt_head_len(p) + at - seq] ^= 0x20;
    } else {
        return;
    }
    p->touched = true;
    sim_box_touch(b);
}

void sim_box_rewrite(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d,
                     struct sim_pkt *p)
{
    enum sim_box_dir back = sim_box_back(d);

    /* In new data: what was passed before has its own numbers. */
    if (b->acts[d] && !f->cut[d] && f->data_n[d] >= REWRITE_NTH && f->fresh &&
        sim_pkt_payload(p) > REWRITE_AT + GROWS) {
        f->cut[d] = true;
        f->cut_at[d] = sim_pkt_seq(p) + REWRITE_AT;
    }
    if (f->cut[back] && growth(b) != 0) {
        shift_answer(p, f->cut_at[back], growth(b));
        p->touched = true;
    }
    if (f->cut[d])
        change(b, f, d, p);
    sim_box_pass(b, d, p);
}

/* ---- SYN proxy ------------------------------------------------------------------------------ */

enum { PROXY_NEW, PROXY_ASKED, PROXY_DIALS, PROXY_OPEN, PROXY_WND = 65535 };
static const uint8_t proxy_mss[4] = {SIM_OPT_MSS, 4, 1400 >> 8, 1400 & 255};

/* The numbers that the box made up for the server: any. */
static uint32_t cookie(const struct sim_box_flow *f)
{
    return f->isn[SIM_UP] * 2654435761u + 12345;
}

static void proxy_say(struct sim_box *b, enum sim_box_dir d, struct sim_pkt *p, uint32_t seq,
                      uint32_t ack)
{
    be32_store(sim_pkt_tcp(p) + 4, seq);
    be32_store(sim_pkt_tcp(p) + 8, ack);
    be16_store(sim_pkt_tcp(p) + 14, PROXY_WND);
    if (sim_pkt_has(p, SIM_TCP_SYN, 0))
        sim_pkt_append(p, proxy_mss, sizeof proxy_mss);
    sim_box_touch(b);
    sim_box_pass(b, d, p);
}

/* The client's packets until the server has answered. */
static void proxy_up(struct sim_box *b, struct sim_box_flow *f, struct sim_pkt *p)
{
    struct sim_pkt out;

    if (sim_pkt_has(p, SIM_TCP_SYN, SIM_TCP_ACK)) {
        f->stage = PROXY_ASKED;
        sim_pkt_answer(&out, p, SIM_TCP_SYN | SIM_TCP_ACK);
        proxy_say(b, SIM_DOWN, &out, cookie(f), f->isn[SIM_UP] + 1);
    } else if (sim_pkt_has(p, SIM_TCP_ACK, SIM_TCP_RST) && f->stage != PROXY_NEW &&
               sim_pkt_ack(p) == cookie(f) + 1) {
        struct sim_pkt turned;
        f->stage = PROXY_DIALS;
        sim_pkt_answer(&turned, p, 0);
        sim_pkt_answer(&out, &turned, SIM_TCP_SYN);
        proxy_say(b, SIM_UP, &out, f->isn[SIM_UP], 0);
    }
}

static void proxy_open(struct sim_box *b, struct sim_box_flow *f, struct sim_pkt *p)
{
    struct sim_pkt out;

    f->stage = PROXY_OPEN;
    f->shift[SIM_DOWN] = cookie(f) - sim_pkt_seq(p);
    sim_pkt_answer(&out, p, SIM_TCP_ACK);
    proxy_say(b, SIM_UP, &out, f->isn[SIM_UP] + 1, sim_pkt_seq(p) + 1);
}

void sim_box_synproxy(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d,
                      struct sim_pkt *p)
{
    bool synack = sim_pkt_has(p, SIM_TCP_SYN | SIM_TCP_ACK, 0);

    if (d == SIM_UP && (f->stage != PROXY_OPEN || sim_pkt_has(p, SIM_TCP_SYN, 0))) {
        proxy_up(b, f, p);
        return;
    }
    if (d == SIM_DOWN && synack && (f->stage == PROXY_DIALS || f->stage == PROXY_OPEN)) {
        proxy_open(b, f, p);
        return;
    }
    if (d == SIM_DOWN)
        sim_pkt_set_seq(p, sim_pkt_seq(p) + f->shift[SIM_DOWN]);
    else
        sim_pkt_set_ack(p, sim_pkt_ack(p) - f->shift[SIM_DOWN]);
    p->touched = true;
    sim_box_pass(b, d, p);
}

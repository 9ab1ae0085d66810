/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes that drop, delay, answer or narrow: proactive ACKs, window clamps, firewalls, wrong
 * checksums, reordering. Called by the chain. */
#include "../base/be.h"
#include "../base/seq.h"
#include "box_int.h"

enum {
    ACK_NTH = 7, ACK_AGAIN = 50000,
    CLAMP = 4096,
    FORGET = 500000,
    CSUM_NTH = 10, CSUM_KEPT = 3,
    LATE_NTH = 4, LATE = 3000,
};

/* ---- proactive ACKs ------------------------------------------------------------------------- */

static void add_ts(struct sim_pkt *p, uint32_t val, uint32_t ecr)
{
    uint8_t ts[12] = {SIM_OPT_NOP, SIM_OPT_NOP, SIM_OPT_TS, 10};

    be32_store(ts + 4, val);
    be32_store(ts + 8, ecr);
    sim_pkt_append(p, ts, sizeof ts);
}

/* Tells the sender that its data arrived, in the receiver's name. */
static void vouch(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d,
                  const struct sim_pkt *p)
{
    enum sim_box_dir back = sim_box_back(d);
    struct sim_pkt out;

    sim_pkt_answer(&out, p, SIM_TCP_ACK);
    be32_store(sim_pkt_tcp(&out) + 4, f->top[back]);
    be32_store(sim_pkt_tcp(&out) + 8, sim_pkt_seq(p) + sim_pkt_payload(p));
    be16_store(sim_pkt_tcp(&out) + 14, f->last_wnd[back]);
    if (f->ts[d] && f->ts[back])
        add_ts(&out, f->tsval[back], f->tsval[d]);
    sim_box_touch(b);
    sim_box_pass(b, back, &out);
}

void sim_box_ack(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    bool data = b->acts[d] && sim_pkt_payload(p) > 0 && f->known[sim_box_back(d)];
    bool nth = data && f->data_n[d] % ACK_NTH == 0;

    if (data && sim_pkt_seq(p) + sim_pkt_seq_len(p) == f->top[d])
        vouch(b, f, d, p);
    if (nth && sim_box_is(b, 1, "lose"))
        return;
    if (nth && sim_box_is(b, 1, "rtx"))
        p->delay += ACK_AGAIN;
    sim_box_pass(b, d, p);
}

/* ---- windows -------------------------------------------------------------------------------- */

void sim_box_clamp(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    bool scaled = f->scaled[SIM_UP] && f->scaled[SIM_DOWN] && !sim_pkt_has(p, SIM_TCP_SYN, 0);
    uint16_t max = (uint16_t)(CLAMP >> (scaled ? f->wscale[d] : 0));
    uint8_t *wnd = sim_pkt_tcp(p) + 14;

    if (b->acts[d] && be16_load(wnd) > max) {
        be16_store(wnd, max > 0 ? max : 1);
        p->touched = true;
        sim_box_touch(b);
    }
    sim_box_pass(b, d, p);
}

/* ---- firewalls ------------------------------------------------------------------------------ */

/* The RST that a firewall sends for the other end. */
static void refuse(struct sim_box *b, enum sim_box_dir d, const struct sim_pkt *p)
{
    struct sim_pkt out;

    if (sim_pkt_has(p, SIM_TCP_RST, 0) || !sim_pkt_has(p, SIM_TCP_ACK, 0))
        return;
    sim_pkt_answer(&out, p, SIM_TCP_RST);
    be32_store(sim_pkt_tcp(&out) + 4, sim_pkt_ack(p));
    sim_box_pass(b, sim_box_back(d), &out);
}

void sim_box_firewall(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d,
                      struct sim_pkt *p)
{
    if (sim_pkt_has(p, SIM_TCP_SYN, SIM_TCP_ACK))
        f->gone = false;
    else if (f->idle > FORGET)
        f->gone = true;
    if (!f->gone) {
        sim_box_pass(b, d, p);
        return;
    }
    sim_box_touch(b);
    if (sim_box_is(b, 1, "rst"))
        refuse(b, d, p);
}

void sim_box_unknown(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d,
                     struct sim_pkt *p)
{
    (void)f;
    if (b->acts[d] && sim_pkt_find(p, SIM_OPT_MPTCP) != NULL)
        sim_box_touch(b);
    else
        sim_box_pass(b, d, p);
}

/* ---- wrong and late ------------------------------------------------------------------------- */

void sim_box_csum(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    if (b->acts[d] && f->later_n[d] % CSUM_NTH == CSUM_KEPT) {
        p->bad_csum = p->touched = true;
        sim_box_touch(b);
    }
    sim_box_pass(b, d, p);
}

void sim_box_reorder(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d,
                     struct sim_pkt *p)
{
    if (b->acts[d] && f->later_n[d] % LATE_NTH == 1) {
        p->delay += LATE;
        sim_box_touch(b);
    }
    sim_box_pass(b, d, p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes that draw the borders of segments anew, or send them again. Called by the chain. */
#include "box_int.h"

enum { MERGE_MAX = 3000, MERGE_WAIT = 2000, OVERLAP = 40, RTX_NTH = 6 };

/* The part [from, from + len) of p's payload as a packet of its own, with all options. */
static void piece_of(struct sim_pkt *out, const struct sim_pkt *p, uint32_t from, uint32_t len)
{
    uint32_t behind = sim_pkt_payload(p) - from - len;

    *out = *p;
    if (behind > 0) {
        out->len -= behind;
        sim_pkt_tcp(out)[13] &= (uint8_t)~(SIM_TCP_FIN | SIM_TCP_PSH);
    }
    if (from > 0)
        sim_pkt_resize(out, 0, -(int)from);
    sim_pkt_set_seq(out, sim_pkt_seq(p) + from);
    out->touched = true;
}

void sim_box_split(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    uint32_t len = sim_pkt_payload(p);
    struct sim_pkt piece[2];

    (void)f;
    if (!b->acts[d] || len < 2 || sim_pkt_has(p, SIM_TCP_SYN, 0)) {
        sim_box_pass(b, d, p);
        return;
    }
    piece_of(&piece[0], p, 0, len / 2);
    piece_of(&piece[1], p, len / 2, len - len / 2);
    if (sim_box_is(b, 1, "first"))
        sim_pkt_strip(&piece[1], SIM_OPT_MPTCP, -1);
    if (sim_box_is(b, 1, "last"))
        sim_pkt_strip(&piece[0], SIM_OPT_MPTCP, -1);
    sim_box_touch(b);
    sim_box_pass(b, d, &piece[0]);
    sim_box_pass(b, d, &piece[1]);
}

void sim_box_reseg(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    uint32_t len = sim_pkt_payload(p);
    struct sim_pkt piece[2];

    if (!b->acts[d] || len < 4 * OVERLAP || sim_pkt_has(p, SIM_TCP_SYN, 0)) {
        sim_box_pass(b, d, p);
        return;
    }
    piece_of(&piece[0], p, 0, len / 2);
    piece_of(&piece[1], p, len / 2 - OVERLAP, len - len / 2 + OVERLAP);
    /* Every third packet's pieces come without the mapping. */
    if (sim_box_is(b, 1, "drop") && f->data_n[d] % 3 == 0)
        for (unsigned i = 0; i < 2; i++)
            sim_pkt_strip(&piece[i], SIM_OPT_MPTCP, 2);
    sim_box_touch(b);
    sim_box_pass(b, d, &piece[0]);
    sim_box_pass(b, d, &piece[1]);
}

void sim_box_rtx(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    bool now = b->acts[d] && sim_pkt_payload(p) > 0 && f->data_n[d] % RTX_NTH == 0;
    struct sim_pkt other = *p;

    if (now) {
        other.b[other.len - 1] ^= 0x20;
        other.touched = true;
        sim_box_touch(b);
    }
    if (now && sim_box_is(b, 1, "before"))
        sim_box_pass(b, d, &other);
    sim_box_pass(b, d, p);
    if (now && sim_box_is(b, 1, "after"))
        sim_box_pass(b, d, &other);
}

/* ---- merging -------------------------------------------------------------------------------- */

static void let_go(struct sim_box *b)
{
    struct sim_pkt p = b->held;

    if (!b->holds)
        return;
    b->holds = false;
    sim_timer_stop(sim_box_world(b), &b->timer);
    sim_box_pass(b, b->held_dir, &p);
}

static void wait_over(struct sim *sim, struct sim_timer *t)
{
    (void)sim;
    let_go(t->ctx);
}

void sim_box_merge_stop(struct sim_box *b)
{
    if (b->holds)
        sim_timer_stop(sim_box_world(b), &b->timer);
    b->holds = false;
}

static bool follows(const struct sim_box *b, enum sim_box_dir d, const struct sim_pkt *p)
{
    return b->holds && b->held_dir == d && sim_pkt_payload(p) > 0 &&
           sim_pkt_same_flow(&b->held, p) && !sim_pkt_has(&b->held, SIM_TCP_FIN, 0) &&
           sim_pkt_seq(&b->held) + sim_pkt_payload(&b->held) == sim_pkt_seq(p) &&
           sim_pkt_payload(&b->held) + sim_pkt_payload(p) <= MERGE_MAX;
}

static void join(struct sim_box *b, struct sim_pkt *p)
{
    struct sim_pkt *held = &b->held;

    if (sim_box_is(b, 1, "last"))
        sim_pkt_options_of(held, p);
    sim_pkt_add_payload(held, p);
    sim_pkt_tcp(held)[13] |= sim_pkt_flags(p);
    sim_pkt_set_ack(held, sim_pkt_ack(p));
    held->touched = true;
    sim_box_touch(b);
    let_go(b);
}

void sim_box_merge(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    (void)f;
    if (follows(b, d, p)) {
        join(b, p);
        return;
    }
    if (b->holds && b->held_dir == d)
        let_go(b);
    if (b->holds || !b->acts[d] || sim_pkt_payload(p) == 0 || sim_pkt_has(p, SIM_TCP_SYN, 0)) {
        sim_box_pass(b, d, p);
        return;
    }
    b->holds = true;
    b->held = *p;
    b->held_dir = d;
    b->timer.ctx = b;
    sim_timer_set(sim_box_world(b), &b->timer, sim_box_world(b)->now + MERGE_WAIT, wait_over);
}

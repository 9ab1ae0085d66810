/* SPDX-License-Identifier: Apache-2.0 */
/* The SACK option that a receiver sends: what it holds beyond RCV.NXT, and what came twice.
 *
 * rcv.c and input.c note each arrival, options.c fills the option. Only starting points are
 * remembered: the extent of a block is asked from the receive queue when it is reported, so data
 * that was dropped for want of memory is not reported again. RFC 2018 3 and 4, RFC 2883 4. */
#include "internal.h"

enum { OLDER = 3 };

static bool is_set(const struct tcp_block *b) { return b->lo != b->hi; }

static bool within(const struct tcp_block *b, const struct tcp_block *outer)
{
    return seq_ge(b->lo, outer->lo) && seq_le(b->hi, outer->hi);
}

/* The contiguous held block around seq, as sequence numbers; false where seq is not held out of
 * order. A FIN behind the block belongs to it. */
static bool held_at(const struct tcb *t, uint32_t seq, struct tcp_block *out)
{
    struct reasm_range held;
    uint64_t pos = t->rcv_pos + (seq - t->rcv_nxt);

    if (seq_le(seq, t->rcv_nxt) || !reasm_range_at(&t->rcvq, pos, &held) || held.lo <= t->rcv_pos)
        return false;
    out->lo = t->rcv_nxt + (uint32_t)(held.lo - t->rcv_pos);
    out->hi = t->rcv_nxt + (uint32_t)(held.hi - t->rcv_pos);
    if (t->fin_seen && out->hi == t->fin_seq)
        out->hi++;
    return true;
}

/* Text at seq came out of order: its block is the one to report first from now on. */
void tcp_sack_note(struct tcb *t, uint32_t seq)
{
    struct tcp_block now, kept[OLDER + 1];
    unsigned n = 0;

    if (!held_at(t, seq, &now))
        return;
    if (is_set(&t->sack_recent) && !within(&t->sack_recent, &now))
        kept[n++] = t->sack_recent;
    for (unsigned i = 0; i < OLDER; i++)
        if (is_set(&t->sack_older[i]) && !within(&t->sack_older[i], &now) &&
            seq_gt(t->sack_older[i].hi, t->rcv_nxt))
            kept[n++] = t->sack_older[i];
    t->sack_recent = now;
    for (unsigned i = 0; i < OLDER; i++)
        t->sack_older[i] = i < n ? kept[i] : (struct tcp_block){ 0, 0 };
}

/* [lo, hi) had arrived before. */
void tcp_dsack_note(struct tcb *t, uint32_t lo, uint32_t hi)
{
    if (t->sack_on && seq_lt(lo, hi) && !is_set(&t->dsack))
        t->dsack = (struct tcp_block){ lo, hi };
}

/* Adds the held block around seq unless it is there. */
static void add_held(const struct tcb *t, uint32_t seq, unsigned max, struct tcp_plan *plan)
{
    struct tcp_block b;
    unsigned n = plan->opt.sack_n;

    if (n >= max || !held_at(t, seq, &b))
        return;
    for (unsigned i = plan->dsack ? 1 : 0; i < n; i++)
        if (plan->opt.sack[i].lo == b.lo)
            return;
    plan->opt.sack[n].lo = b.lo;
    plan->opt.sack[n].hi = b.hi;
    plan->opt.sack_n = (uint8_t)(n + 1);
}

static void add_dsack(const struct tcb *t, unsigned max, struct tcp_plan *plan)
{
    if (!is_set(&t->dsack))
        return;
    plan->opt.sack[0].lo = t->dsack.lo;
    plan->opt.sack[0].hi = t->dsack.hi;
    plan->opt.sack_n = 1;
    plan->dsack = true;
    /*= RFC 2883 4
     * If the D-SACK block reports a duplicate contiguous sequence from a (possibly larger) block of
     * data in the receiver's data queue above the cumulative acknowledgement, then the second SACK
     * block in that SACK option should specify that (possibly larger) block of data. */
    add_held(t, t->dsack.lo, max, plan);
}

/* Fills in at most max blocks. */
void tcp_sack_fill(const struct tcb *t, unsigned max, struct tcp_plan *plan)
{
    struct reasm_range held[WIRE_SACK_MAX];
    uint32_t n;

    if (!t->sack_on || max == 0)
        return;
    if (max > WIRE_SACK_MAX)
        max = WIRE_SACK_MAX;
    add_dsack(t, max, plan);
    /*= RFC 2018 4
     * The first SACK block (i.e., the one immediately following the kind and length fields in the
     * option) MUST specify the contiguous block of data containing the segment which triggered this
     * ACK, unless that segment advanced the Acknowledgment Number field in the header. */
    if (is_set(&t->sack_recent))
        add_held(t, t->sack_recent.lo, max, plan);
    for (unsigned i = 0; i < OLDER; i++)
        if (is_set(&t->sack_older[i]))
            add_held(t, t->sack_older[i].lo, max, plan);
    /*= RFC 2018 4
     * The data receiver SHOULD include as many distinct SACK blocks as possible in the SACK
     * option. */
    n = plan->opt.sack_n < max ? reasm_gaps(&t->rcvq, held, WIRE_SACK_MAX) : 0;
    for (uint32_t i = 0; i < n; i++)
        add_held(t, t->rcv_nxt + (uint32_t)(held[i].lo - t->rcv_pos), max, plan);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The SACK option that a receiver sends: which data it holds beyond the cumulative acknowledgment, and
 * which data arrived twice.
 *
 * rcv.c and input.c note what arrived; options.c asks for the blocks. What is held is the queue's to
 * say: here only the order is kept in which ranges were touched last. RFC 2018 3 and 4, 2883 4. */
#include "internal.h"

enum { OLDER = 3 };

/* The range held out of order in which seq lies. */
static bool held_at(const struct tcb *t, uint32_t seq, struct tcp_block *out)
{
    struct reasm_range held;

    if (seq_le(seq, t->rcv_nxt))
        return false;
    if (!reasm_range_at(&t->rcvq, t->rcv_pos + (seq - t->rcv_nxt), &held) || held.lo <= t->rcv_pos)
        return false;
    out->lo = t->rcv_nxt + (uint32_t)(held.lo - t->rcv_pos);
    out->hi = t->rcv_nxt + (uint32_t)(held.hi - t->rcv_pos);
    return true;
}

/* Text at seq came out of order. */
void tcp_sack_note(struct tcb *t, uint32_t seq)
{
    struct tcp_block now, all[OLDER + 1] = { t->sack_recent };
    uint32_t n = 0;

    if (!t->sack_on || !held_at(t, seq, &now))
        return;
    for (uint32_t i = 0; i < OLDER; i++)
        all[i + 1] = t->sack_older[i];
    t->sack_recent = now;
    for (uint32_t i = 0; i <= OLDER && n < OLDER; i++)
        if (all[i].lo != all[i].hi && (seq_lt(all[i].lo, now.lo) || seq_gt(all[i].hi, now.hi)))
            t->sack_older[n++] = all[i];
    while (n < OLDER)
        t->sack_older[n++] = (struct tcp_block){ 0, 0 };
}

/* [lo, hi) arrived although it was held or delivered already. */
void tcp_dsack_note(struct tcb *t, uint32_t lo, uint32_t hi)
{
    if (t->sack_on && seq_lt(lo, hi))
        t->dsack = (struct tcp_block){ lo, hi };
}

static void add(struct tcp_plan *plan, const struct tcp_block *b)
{
    plan->opt.sack[plan->opt.sack_n].lo = b->lo;
    plan->opt.sack[plan->opt.sack_n].hi = b->hi;
    plan->opt.sack_n++;
}

/* The range in which seq lies, unless it is in the option. */
static void add_held(const struct tcb *t, uint32_t seq, unsigned max, struct tcp_plan *plan)
{
    struct tcp_block b;

    if (plan->opt.sack_n >= max || !held_at(t, seq, &b))
        return;
    for (unsigned i = plan->dsack ? 1 : 0; i < plan->opt.sack_n; i++)
        if (plan->opt.sack[i].lo == b.lo)
            return;
    add(plan, &b);
}

/* At most max blocks: a duplicate first, then what came last. */
void tcp_sack_fill(const struct tcb *t, unsigned max, struct tcp_plan *plan)
{
    if (!t->sack_on)
        return;
    if (max > WIRE_SACK_MAX)
        max = WIRE_SACK_MAX;
    if (max > 0 && t->dsack.lo != t->dsack.hi) {
        plan->dsack = true;
        add(plan, &t->dsack);
        /*= RFC 2883 4
         * If the D-SACK block reports a duplicate contiguous sequence from a (possibly larger) block
         * of data in the receiver's data queue above the cumulative acknowledgement, then the second
         * SACK block in that SACK option should specify that (possibly larger) block of data. */
        add_held(t, t->dsack.lo, max, plan);
    }
    /*= RFC 2018 4
     * The first SACK block (i.e., the one immediately following the kind and length fields in the
     * option) MUST specify the contiguous block of data containing the segment which triggered this
     * ACK, unless that segment advanced the Acknowledgment Number field in the header. */
    if (t->sack_recent.lo != t->sack_recent.hi)
        add_held(t, t->sack_recent.lo, max, plan);
    for (unsigned i = 0; i < OLDER; i++)
        if (t->sack_older[i].lo != t->sack_older[i].hi)
            add_held(t, t->sack_older[i].lo, max, plan);
}

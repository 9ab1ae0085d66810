/* SPDX-License-Identifier: Apache-2.0 */
/* SACK blocks of an ACK become marks on the scoreboard.
 *
 * Called by loss.c for every ACK, after its cumulative part was taken. Writes tcp_loss.seen and
 * the marks of the queue. Every ACK repeats the blocks of those before, so the ranges that were
 * marked last are remembered and left out: an ACK costs what it newly reports.
 *
 * An honest peer's edges lie where segments began, or where a middlebox cut them once more. A peer
 * that reports single bytes all over the flight has its further edges ignored: what is not marked
 * is sent again one day, which costs him alone.
 *
 * A block beyond what was sent, or across the cumulative acknowledgment, is bogus and ignored.
 * Data is kept until it is acknowledged cumulatively: the peer may renege. RFC 2018 3 to 5, 2883
 * 4. */
#include "loss_int.h"

enum { EDGES_MORE = 64 };

/* A block that tells of a duplicate is no SACK. */
static bool is_dsack(const struct wire_tcpopts *opt, uint32_t ack, uint32_t nxt)
{
    uint32_t lo = opt->sack[0].lo, hi = opt->sack[0].hi;

    if (seq_ge(lo, hi) || seq_gt(hi, nxt))
        return false;
    /*= RFC 2883 4
     * If the D-SACK block reports a duplicate contiguous sequence from a (possibly larger) block of
     * data in the receiver's data queue above the cumulative acknowledgement, then the second SACK
     * block in that SACK option should specify that (possibly larger) block of data. */
    if (seq_le(hi, ack))
        return true;
    return opt->sack_n > 1 && seq_ge(lo, opt->sack[1].lo) && seq_le(hi, opt->sack[1].hi) &&
           seq_le(opt->sack[1].hi, nxt);
}

/* An edge for each segment, and some more. */
static uint32_t cuts_max(const struct tcp_loss *l, const struct tcp_sndq *q)
{
    return (q->nxt - q->una) / l->cc.mss + EDGES_MORE;
}

/* Marks the records in [lo, hi). False: an edge could not be cut, some of it stays unmarked. */
static bool mark(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a, uint32_t lo,
                 uint32_t hi)
{
    uint32_t max = cuts_max(l, q);
    bool whole = tcp_sndq_cut(q, lo, max) && tcp_sndq_cut(q, hi, max);
    uint32_t i;

    if (!whole)
        a->out->sack_ignored = true;
    if (tcp_sndq_rec_at(q, lo, &i)->seq != lo)
        i++;
    for (; i < q->f->recs.count && seq_le(tcp_rec_end(tcp_sndq_rec(q, i)), hi); i++) {
        struct tcp_rec *r = tcp_sndq_rec(q, i);
        if ((r->flags & TCP_REC_SACKED) != 0)
            continue;
        tcp_rack_delivered(l, a, r, tcp_rec_end(r), true);
        a->out->sacked += r->len;
        tcp_sndq_mark_sacked(q, r);
    }
    return whole;
}

/* [lo, hi) is wholly marked. Joins it with what it touches; the oldest range gives way. */
static void remember(struct tcp_loss *l, uint32_t lo, uint32_t hi)
{
    struct tcp_sack_range kept[WIRE_SACK_MAX + 1];
    uint8_t n = 1;

    for (uint8_t i = 0; i < l->f->seen_n; i++) {
        const struct tcp_sack_range *s = &l->f->seen[i];
        if (seq_gt(s->lo, hi) || seq_lt(s->hi, lo)) {
            kept[n++] = *s;
            continue;
        }
        lo = seq_min(lo, s->lo);
        hi = seq_max(hi, s->hi);
    }
    kept[0] = (struct tcp_sack_range){ lo, hi };
    l->f->seen_n = n < WIRE_SACK_MAX ? n : WIRE_SACK_MAX;
    for (uint8_t i = 0; i < l->f->seen_n; i++)
        l->f->seen[i] = kept[i];
}

static void forget_below(struct tcp_loss *l, uint32_t una)
{
    uint8_t n = 0;

    if (l->f->seen_n == 0)
        return;
    for (uint8_t i = 0; i < l->f->seen_n; i++)
        if (seq_gt(l->f->seen[i].hi, una))
            l->f->seen[n++] = l->f->seen[i];
    l->f->seen_n = n;
}

/* Where marking from lo on has to stop, because the rest was seen; lo itself: it was seen up to
 * *skip. */
static uint32_t unseen_end(const struct tcp_loss *l, uint32_t lo, uint32_t hi, uint32_t *skip)
{
    for (uint8_t i = 0; i < l->f->seen_n; i++) {
        const struct tcp_sack_range *s = &l->f->seen[i];
        if (seq_le(s->lo, lo) && seq_gt(s->hi, lo)) {
            *skip = seq_min(s->hi, hi);
            return lo;
        }
        if (seq_gt(s->lo, lo) && seq_lt(s->lo, hi))
            hi = s->lo;
    }
    *skip = hi;
    return hi;
}

static void take_block(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a, unsigned n)
{
    uint32_t lo = a->seg->opt.sack[n].lo, hi = a->seg->opt.sack[n].hi, from = lo, skip;
    bool whole = true;

    /* Three comparisons on a circle do not make an order: the block has to begin inside as well. */
    if (seq_ge(lo, hi) || seq_gt(hi, q->nxt) || seq_ge(lo, q->nxt) ||
        (seq_lt(lo, q->una) && seq_gt(hi, q->una))) {
        a->out->bogus_sack = true;
        return;
    }
    if (seq_lt(lo, q->una))
        return; /* of an ACK that was overtaken */
    while (seq_lt(from, hi)) {
        uint32_t stop = unseen_end(l, from, hi, &skip);
        if (stop != from)
            whole = mark(l, q, a, from, stop) && whole;
        from = skip;
    }
    if (whole)
        remember(l, lo, hi);
}

void tcp_marks_input(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a)
{
    const struct wire_tcpopts *opt = &a->seg->opt;
    unsigned n = 0;

    forget_below(l, q->una);
    if (opt->sack_n == 0)
        return;
    if (is_dsack(opt, q->una, q->nxt)) {
        a->dsack = true;
        a->dup = (struct tcp_sack_range){ opt->sack[0].lo, opt->sack[0].hi };
        n = 1;
    }
    if (q->f->recs.count >= q->recs_max)
        tcp_sndq_compact(q);
    for (; n < opt->sack_n && n < WIRE_SACK_MAX; n++)
        take_block(l, q, a, n);
}

void tcp_marks_forget(struct tcp_loss *l, struct tcp_sndq *q)
{
    tcp_sndq_clear_sacked(q);
    l->f->seen_n = 0;
    l->f->rack_scan = q->una;
}

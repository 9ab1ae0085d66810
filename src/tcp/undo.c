/* SPDX-License-Identifier: Apache-2.0 */
/* A reduction that turns out to be needless is taken back.
 *
 * Called by loss.c. Needless it was when everything retransmitted since was reported as a duplicate
 * (RFC 2883, 3708), or when the ACK of the first retransmission echoes a timestamp from before it
 * (Eifel, RFC 3522, 4015). F-RTO (rto.c) comes to the same conclusion in its own way. One reduction
 * can be undone at a time, the last; a lost retransmission or a second reduction makes it final.
 * What it takes is allocated when cwnd is reduced, and kept until that is undone or final, or
 * the subflow has nothing to send ever again: a duplicate may be reported when everything was
 * acknowledged long since. Without memory it is final from the start. */
#include "loss_int.h"

enum { UNDO_SPAN = 1 << 30 }; /* sequence space in which reports can be told apart */

void tcp_undo_start(struct tcp_loss *l, const struct tcp_sndq *q)
{
    if (l->undo == NULL)
        l->undo = q->env->alloc(q->env->ctx, sizeof *l->undo);
    if (l->undo == NULL)
        return; /* no memory: it is final */
    *l->undo = (struct tcp_undo){ .marker = q->una };
    cc_save(&l->cc, &l->undo->cc);
}

void tcp_undo_end(struct tcp_loss *l, const struct plait_env *env)
{
    if (l->undo != NULL)
        env->free(env->ctx, l->undo, sizeof *l->undo);
    l->undo = NULL;
}

void tcp_undo_rtx(struct tcp_loss *l, const struct tcp_sent *s)
{
    struct tcp_undo *u = l->undo;

    if (u == NULL)
        return;
    if (!u->any)
        u->first_ts = s->tsval;
    u->any = true;
    u->rtx += s->len;
}

/* All retransmissions were duplicates. */
static bool by_dsack(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    uint32_t len = a->dup.hi - a->dup.lo;
    struct tcp_undo *u = l->undo;

    if (!a->dsack || a->dup_of_probe)
        return false;
    if (seq_lt(a->dup.lo, u->marker) || seq_gt(a->dup.hi, q->nxt))
        return false;
    u->rtx -= len < u->rtx ? len : u->rtx;
    return u->rtx == 0;
}

/* The original arrived. In fast recovery only once nothing waits to be retransmitted: the rest was
 * deemed lost for reasons of its own. A retransmission from before this reduction, by the one
 * before it, tells nothing of this one: its echo is older too. */
static bool by_timestamp(const struct tcp_loss *l, const struct tcp_sndq *q,
                         const struct tcp_ackctx *a)
{
    if (!a->ts || !a->rtx_acked || seq_ge(a->tsecr, l->undo->first_ts) ||
        seq_lt(a->rtx_ts, l->undo->first_ts))
        return false;
    return l->f->state == TCP_LOSS_RTO || (l->f->state == TCP_LOSS_RECOVERY && q->f->lost == 0);
}

bool tcp_undo_ack(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a)
{
    if (l->undo == NULL)
        return false;
    if (seq_diff(q->una, l->undo->marker) > UNDO_SPAN) {
        tcp_undo_end(l, q->env);
        return false;
    }
    if (!l->undo->any || (a->seg->flags & WIRE_ECE) != 0)
        return false;
    if (!by_dsack(l, q, a) && !by_timestamp(l, q, a))
        return false;
    tcp_undo_apply(l, q, a->now);
    return true;
}

void tcp_undo_apply(struct tcp_loss *l, struct tcp_sndq *q, plait_time now)
{
    cc_undo(&l->cc, &l->undo->cc);
    tcp_undo_end(l, q->env);
    if (l->cc.ops->on_undo != NULL)
        l->cc.ops->on_undo(&l->cc, now);
    l->after_rto = false;
    l->spurious_n++;
    l->tlp_out = l->tlp_is_rtx = false;
    if (tcp_loss_rests(l))
        return; /* the rest was of a flight that is over */
    if (l->f->state != TCP_LOSS_OPEN) {
        tcp_sndq_clear_lost(q);
        l->f->rack_scan = q->una;
    }
    l->f->state = TCP_LOSS_OPEN;
    l->f->frto_step = 0;
    l->f->force = false;
    tcp_tlp_init(l);
}

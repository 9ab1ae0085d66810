/* SPDX-License-Identifier: Apache-2.0 */
/* TIME-WAIT in small: what is left of a tcb that has nothing more to do than to answer a FIN that
 * comes again, and to keep old segments from a new connection.
 *
 * Made from a tcb by whoever has no further use for it; the 4-tuple waits as before. RFC 9293
 * 3.10.7.4, RFC 1337, RFC 5961, RFC 6191, RFC 7323. */
#include "internal.h"

#include <string.h>

void tcp_wait_of(const struct tcb *t, struct tcp_wait *w)
{
    struct tcp_offer offer = tcp_offer(t, false);

    *w = (struct tcp_wait){
        .local = t->local, .remote = t->remote, .snd_nxt = t->sndq.nxt, .rcv_nxt = t->rcv_nxt,
        .wnd = offer.field, .ts_on = t->ts_on, .ts_recent = t->ts_recent,
        .ts_recent_age = t->ts_recent_age, .ts_offset = t->ts_offset, .until = t->time_wait_at,
        .lasts = t->cfg->time_wait,
    };
}

static bool is_old_timestamp(const struct tcp_wait *w, const struct wire_seg *seg, plait_time now)
{
    return w->ts_on && seg->opt.has_ts && seq_lt(seg->opt.tsval, w->ts_recent) &&
           now - w->ts_recent_age <= TCP_TS_VALID;
}

static void note_fin(struct tcp_wait *w, const struct wire_seg *seg, plait_time now)
{
    /*= RFC 9293 3.10.7.4
     * The only thing that can arrive in this state is a retransmission of the remote FIN.
     * Acknowledge it, and restart the 2 MSL timeout. */
    if ((seg->flags & WIRE_FIN) != 0 && seg->seq + seg->len + 1 == w->rcv_nxt)
        w->until = now + w->lasts;
}

enum plait_reason tcp_wait_input(struct tcp_wait *w, const struct wire_seg *seg, plait_time now,
                                 bool *answer)
{
    bool text = seg->len > 0 || (seg->flags & WIRE_FIN) != 0;

    *answer = false;
    if ((seg->flags & WIRE_RST) != 0)
        return PLAIT_REASON_RST_IN_WINDOW; /* RFC 1337: no assassination */
    if ((seg->flags & WIRE_SYN) != 0) {
        *answer = tcp_challenge_left(&w->challenge_at, &w->challenge_n, now);
        return PLAIT_REASON_SYN_IN_WINDOW;
    }
    if (is_old_timestamp(w, seg, now)) {
        *answer = text || tcp_challenge_left(&w->challenge_at, &w->challenge_n, now);
        return PLAIT_REASON_PAWS;
    }
    if (text) {
        note_fin(w, seg, now);
        *answer = true;
        return PLAIT_REASON_SEQ_OUTSIDE;
    }
    if (seg->seq == w->rcv_nxt && seq_le(seg->ack, w->snd_nxt))
        return PLAIT_REASON_NONE;
    *answer = tcp_challenge_left(&w->challenge_at, &w->challenge_n, now);
    return seg->seq != w->rcv_nxt ? PLAIT_REASON_SEQ_OUTSIDE : PLAIT_REASON_ACK_OUTSIDE;
}

void tcp_wait_plan(const struct tcp_wait *w, plait_time now, struct tcp_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->why = TCP_WHY_ACK;
    plan->seq = w->snd_nxt;
    plan->ack = w->rcv_nxt;
    plan->flags = WIRE_ACK;
    plan->wnd = w->wnd;
    if (!w->ts_on)
        return;
    plan->has_opt = plan->opt.has_ts = true;
    plan->opt.tsval = tcp_now_ts(w->ts_offset, now);
    plan->opt.tsecr = w->ts_recent;
}

bool tcp_wait_reusable(const struct tcp_wait *w, const struct wire_seg *syn)
{
    if ((syn->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) != WIRE_SYN)
        return false;
    if (w->ts_on && syn->opt.has_ts && syn->opt.tsval != w->ts_recent)
        return seq_gt(syn->opt.tsval, w->ts_recent);
    return seq_gt(syn->seq, w->rcv_nxt);
}

/* Timestamps tell old segments from new ones (PAWS) once both clocks have moved: the slowest that
 * RFC 7323 5.4 allows ticks each second. */
bool tcp_wait_outlived(const struct tcp_wait *w, plait_time now)
{
    return w->ts_on && now - w->ts_recent_age > PLAIT_SEC;
}

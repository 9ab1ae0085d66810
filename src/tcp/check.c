/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants of a tcb. Called by stack_check(), tests and fuzzers after every step; each
 * violation is an assert with its sentence. Without asserts the answer is the same. */
#include "internal.h"

#include <assert.h>

#define HOLDS(condition, sentence)                                                                 \
    do {                                                                                           \
        assert((condition) && sentence);                                                           \
        if (!(condition))                                                                          \
            return false;                                                                          \
    } while (0)

static bool check_sending(const struct tcb *t)
{
    const struct tcp_sndq *q = &t->sndq;

    HOLDS(tcp_sndq_check(q), "the send queue is sound");
    HOLDS(tcp_loss_check(&t->loss, q), "loss recovery is sound");
    HOLDS(seq_le(q->una, q->nxt), "SND.UNA never passes SND.NXT");
    HOLDS(!t->fin_sent || t->fin_wanted, "a FIN is sent only when wanted");
    HOLDS(t->mss >= TCP_MSS_MIN && tcp_payload_mss(t) >= 8, "a segment has room for payload");
    HOLDS(tcp_payload_mss(t) <= t->mss, "options fit into the MSS");
    HOLDS(!tcp_is_synchronized(t) || t->mss <= t->pmtu.high, "what passes is not what does not");
    HOLDS(t->snd_wscale <= TCP_WSCALE_MAX && t->rcv_wscale <= TCP_WSCALE_MAX,
          "window shifts are at most 14");
    HOLDS(t->max_wnd >= t->snd_wnd || !tcp_is_synchronized(t), "MAX.SND.WND is the largest seen");
    return true;
}

static bool check_receiving(const struct tcb *t)
{
    HOLDS(reasm_check(&t->rcvq), "the receive queue is sound");
    if (!tcp_is_synchronized(t))
        return true;
    HOLDS(t->rcv_pos == reasm_inorder_end(&t->rcvq), "RCV.NXT follows the data that is in order");
    HOLDS(t->rcv_nxt == t->irs + 1 + (uint32_t)t->rcv_pos + (t->fin_received ? 1 : 0),
          "RCV.NXT and its position agree");
    HOLDS(seq_ge(t->rcv_adv, t->rcv_nxt - 1), "nothing beyond the offered window was accepted");
    HOLDS(seq_le(t->last_ack_sent, t->rcv_nxt), "no ACK for what did not arrive");
    HOLDS(!t->fin_received || t->fin_seen, "a FIN has a place before it is received");
    HOLDS(!t->fin_seen || seq_ge(t->fin_seq, t->rcv_nxt - (t->fin_received ? 1 : 0)),
          "no payload behind the FIN");
    HOLDS(t->fin_received == (t->state == TCP_ST_CLOSE_WAIT || t->state == TCP_ST_CLOSING ||
                              t->state == TCP_ST_LAST_ACK || t->state == TCP_ST_TIME_WAIT),
          "the state tells whether the peer's FIN came");
    return true;
}

static bool check_timers(const struct tcb *t)
{
    HOLDS((t->time_wait_at != PLAIT_NEVER) == (t->state == TCP_ST_TIME_WAIT),
          "TIME-WAIT has its timer, no other state has");
    HOLDS(!t->ack_pending || t->ack_at != PLAIT_NEVER, "a delayed ACK has its time");
    if (t->state == TCP_ST_CLOSED) {
        HOLDS(tcp_deadline(t) == PLAIT_NEVER, "a CLOSED tcb waits for nothing");
        HOLDS(tcp_idle(t), "a CLOSED tcb holds no data of its user");
    }
    HOLDS(t->persist_at == PLAIT_NEVER || t->sndq.una == t->sndq.nxt,
          "a zero window is probed only when nothing is in flight");
    return true;
}

bool tcp_check(const struct tcb *t)
{
    return check_sending(t) && check_receiving(t) && check_timers(t);
}

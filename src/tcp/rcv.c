/* SPDX-License-Identifier: Apache-2.0 */
/* Text and FIN: the seventh and eighth step of RFC 9293 3.10.7.4, and when to acknowledge.
 *
 * Called by input.c and handshake.c. Payload stays in the block that it came in where it fills
 * at least half of it; smaller payload is copied, so that memory stays in proportion to data.
 * Out-of-order data may hold rcv_mem_max bytes of blocks; what is beyond goes, from the far end.
 * Data in order that finds no memory, not even after all data out of order was dropped, is not
 * acknowledged: the peer sends it again. Nothing that was acknowledged is ever dropped.
 *
 * A FIN has a place (fin_seq) from its first arrival on, and takes effect when RCV.NXT reaches
 * it. Text beyond it is dropped. RFC 9293 3.8.6.3 and 3.10.7.4, RFC 5681 4.2, RFC 2018 4, RFC
 * 2883 4. */
#include "internal.h"

/* Position of a sequence number not below RCV.NXT. */
static uint64_t pos_of(const struct tcb *t, uint32_t seq)
{
    return t->rcv_pos + (seq - t->rcv_nxt);
}

static void trim_left(struct tcp_in *in, uint32_t to)
{
    uint32_t n = to - in->seq;

    if (n > in->len)
        n = in->len;
    in->seq += n;
    in->data += n;
    in->len -= n;
}

/* Cuts text and FIN at a sequence number; false when nothing had to go. */
static bool trim_right(struct tcp_in *in, uint32_t to)
{
    uint32_t end = in->seq + in->len;

    if (seq_le(end + (in->fin ? 1 : 0), to))
        return false;
    in->fin = false;
    if (seq_gt(end, to))
        in->len = seq_gt(to, in->seq) ? to - in->seq : 0;
    return true;
}

/* Leaves what lies within the window and before the FIN. */
static void trim(struct tcp_in *in)
{
    struct tcb *t = in->t;

    if (in->len > 0 && seq_lt(in->seq, t->rcv_nxt)) {
        uint32_t end = in->seq + in->len;
        tcp_dsack_note(t, in->seq, seq_min(end, t->rcv_nxt));
        t->ack_now = true;
        trim_left(in, t->rcv_nxt);
    }
    if (t->fin_seen && seq_gt(in->seq + in->len, t->fin_seq)) {
        tcp_drop(in, PLAIT_REASON_DATA_AFTER_CLOSE);
        trim_right(in, t->fin_seq);
    }
    if (in->len > 0 && trim_right(in, t->rcv_nxt + tcp_rcv_wnd(t))) {
        tcp_drop(in, PLAIT_REASON_WINDOW_FULL);
        t->ack_now = true;
    }
}

/* Part of the text is held already, out of order. */
static void note_duplicate(struct tcp_in *in)
{
    struct tcb *t = in->t;
    struct reasm_range held;
    uint64_t pos = pos_of(t, in->seq), end = pos + in->len;

    if (!reasm_range_at(&t->rcvq, pos, &held))
        return;
    if (held.hi < end)
        end = held.hi;
    tcp_dsack_note(t, in->seq, in->seq + (uint32_t)(end - pos));
    t->ack_now = true;
}

/* Puts the text into the queue: by reference where it is worth a block. Answers the new bytes. */
static uint64_t insert(struct tcp_in *in, uint64_t pos)
{
    struct tcb *t = in->t;
    struct plait_block *b = *in->block;

    if (b == NULL || in->len < b->cap / 2)
        return reasm_insert_copy(&t->rcvq, &t->ctx->pool, pos, in->data, in->len);
    b->data = b->buf + (in->data - b->buf);
    b->len = in->len;
    b->pos = pos;
    *in->block = NULL;
    return reasm_insert(&t->rcvq, &t->ctx->pool, b);
}

static bool holds_all(const struct tcb *t, uint64_t pos, uint32_t len)
{
    struct reasm_range held;

    return reasm_range_at(&t->rcvq, pos, &held) && held.hi >= pos + len;
}

/* Keeps what memory allows. */
static void keep(struct tcp_in *in)
{
    struct tcb *t = in->t;
    struct block_pool *pool = &t->ctx->pool;
    uint64_t pos = pos_of(t, in->seq), kept = insert(in, pos), pruned = 0;

    if (in->seq == t->rcv_nxt && !holds_all(t, pos, in->len)) {
        /* Text in order is worth more than text out of order. */
        pruned = reasm_prune(&t->rcvq, pool, 0);
        kept += reasm_insert_copy(&t->rcvq, pool, pos, in->data, in->len);
    }
    if (t->rcvq.mem > t->cfg->rcv_mem_max)
        pruned += reasm_prune(&t->rcvq, pool, t->cfg->rcv_mem_max);
    if (pruned > 0)
        tcp_drop(in, PLAIT_REASON_RX_PRUNED);
    else if (!holds_all(t, pos, in->len))
        tcp_drop(in, PLAIT_REASON_NO_MEMORY);
    in->res->received += (uint32_t)kept;
    t->bytes_received += kept;
}

/* RCV.NXT follows the data in order. */
static void advance(struct tcb *t)
{
    uint64_t end = reasm_inorder_end(&t->rcvq);

    t->rcv_nxt += (uint32_t)(end - t->rcv_pos);
    t->rcv_pos = end;
}

/*= RFC 9293 3.8.6.3
 * An ACK SHOULD be generated for at least every second full-sized segment or 2*RMSS bytes of new
 * data (where RMSS is the MSS specified by the TCP endpoint receiving the segments to be
 * acknowledged, or the default value if not specified) (SHLD-19). */
static void schedule_ack(struct tcb *t, uint32_t len, plait_time now)
{
    if (len > t->rcv_mss)
        t->rcv_mss = len < t->mss_local ? (uint16_t)len : t->mss_local;
    t->ack_bytes += len;
    if (t->quick_acks > 0) {
        t->quick_acks--;
        t->ack_now = true;
    }
    if (t->ack_bytes >= 2u * t->rcv_mss)
        t->ack_now = true;
    if (!t->ack_pending) {
        t->ack_pending = true;
        /*= RFC 9293 SHLD-18 */
        /*= RFC 5681 4.2-1, 4.2-2, 4.2-3, 4.2-7 */
        t->ack_at = now + t->cfg->ack_delay;
    }
}

/*= RFC 9293 SHLD-31 */
void tcp_rcv_text(struct tcp_in *in)
{
    struct tcb *t = in->t;
    bool out_of_order, had_hole;

    if (t->fin_received) {
        /*= RFC 9293 3.10.7.4
         * This should not occur since a FIN has been received from the remote side. Ignore the
         * segment text. */
        if (in->len > 0)
            tcp_drop(in, PLAIT_REASON_DATA_AFTER_CLOSE);
        in->len = 0;
        return;
    }
    trim(in);
    if (in->len == 0)
        return;
    out_of_order = in->seq != t->rcv_nxt;
    had_hole = reasm_end(&t->rcvq) > t->rcv_pos;
    note_duplicate(in);
    keep(in);
    if (out_of_order)
        tcp_sack_note(t, in->seq);
    advance(t);
    /* RFC 5681 4.2: out of order, or a hole was filled: tell at once. */
    /*= RFC 9293 MAY-13 */
    /*= RFC 5681 3.2-1, 3.2-2, 4.2-8, 4.2-9, 4.2-10 */
    if (out_of_order || had_hole)
        t->ack_now = true;
    schedule_ack(t, in->len, in->now);
}

/*= RFC 9293 3.10.7.4
 * If the FIN bit is set, signal the user "connection closing" and return any pending RECEIVEs with
 * same message, advance RCV.NXT over the FIN, and send an acknowledgment for the FIN. */
static void take_fin(struct tcp_in *in)
{
    struct tcb *t = in->t;

    t->fin_received = true;
    t->rcv_nxt++;
    t->ack_now = true;
    in->res->fin = true;
    switch (t->state) {
    case TCP_ST_SYN_RECEIVED:
    case TCP_ST_ESTABLISHED:
        tcp_set_state(t, TCP_ST_CLOSE_WAIT, in->now);
        break;
    case TCP_ST_FIN_WAIT_1: /* our FIN is not acknowledged, or the state would be FIN-WAIT-2 */
        tcp_set_state(t, TCP_ST_CLOSING, in->now);
        break;
    case TCP_ST_FIN_WAIT_2:
        tcp_set_state(t, TCP_ST_TIME_WAIT, in->now);
        in->res->closed = true;
        break;
    default:
        break;
    }
}

void tcp_rcv_fin(struct tcp_in *in)
{
    struct tcb *t = in->t;
    uint32_t place = in->seq + in->len;

    if (t->fin_received || !tcp_is_synchronized(t))
        return;
    if (in->fin && !t->fin_seen) {
        /* Text beyond it has arrived already: one of the two is a lie, and the text was first. */
        if (seq_lt(place, t->rcv_nxt) || reasm_end(&t->rcvq) > pos_of(t, place)) {
            tcp_drop(in, PLAIT_REASON_DATA_AFTER_CLOSE);
            return;
        }
        t->fin_seen = true;
        t->fin_seq = place;
        t->ack_now = true;
    }
    if (t->fin_seen && t->rcv_nxt == t->fin_seq)
        take_fin(in);
}

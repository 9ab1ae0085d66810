/* SPDX-License-Identifier: Apache-2.0 */
/* What to send next (tcp_plan), and that it was sent (tcp_commit).
 *
 * Called by mp/ again and again until nothing is left to say. tcp_plan() reads the state and
 * changes nothing; tcp_commit() applies a plan, and a plan whose commit fails must not be sent.
 * In order of urgency: RST; SYN; what was lost; a tail loss probe; new data; FIN; a window
 * probe; keepalive; an ACK that is due. Every segment but a first SYN carries the ACK, so any of
 * them settles a due one.
 *
 * A plan is a super-segment: up to gso_max bytes of one chunk, cut below us into packets of
 * gso_size. Only its last packet may be short. Congestion control allows bytes, sent in full
 * packets, but for the end of a chunk, and but for a pipe that is empty: something must always
 * be able to go. RFC 9293 3.7 and 3.8, RFC 8985 7.3. */
#include "internal.h"

#include <string.h>

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void fill(const struct tcb *t, enum tcp_why why, uint32_t seq, plait_time now,
                 struct tcp_plan *plan)
{
    bool data = why == TCP_WHY_DATA || why == TCP_WHY_RTX || why == TCP_WHY_PROBE;
    struct tcp_offer offer = tcp_offer(t, false);

    memset(plan, 0, sizeof *plan);
    plan->why = why;
    plan->seq = seq;
    plan->ack = t->rcv_nxt;
    plan->flags = t->ecn_echo ? WIRE_ACK | WIRE_ECE : WIRE_ACK;
    plan->wnd = offer.field;
    plan->wnd_bytes = offer.bytes;
    tcp_fill_options(t, data, now, plan);
}

/* The payload of a plan whose seq and options are set. */
static void set_payload(const struct tcb *t, uint32_t len, struct tcp_plan *plan)
{
    const struct tcp_chunk *chunk = tcp_sndq_chunk_at(&t->sndq, plan->seq);
    uint32_t mss = plan->mtu_probe ? len : tcp_plan_mss(t, plan);

    plan->chunk = chunk;
    plan->len = len;
    plan->pos = chunk->pos + (plan->seq - chunk->seq);
    plan->gso_size = len > mss ? mss : 0;
    /*= RFC 9293 MUST-61 */
    if (plan->seq + len == t->sndq.end)
        plan->flags |= WIRE_PSH;
}

static bool plan_rst(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->why = TCP_WHY_RST;
    plan->seq = t->rst_seq;
    plan->flags = WIRE_RST;
    if (t->rst_with_ack) {
        plan->flags |= WIRE_ACK;
        plan->ack = t->rst_ack;
    }
    /*= RFC 7323 5.2-4 */
    if (t->ts_on && t->rst_with_ack)
        tcp_fill_options(t, false, now, plan);
    return true;
}

/*= RFC 7413 4.2.2
 * To deal with network or servers dropping SYN packets with payload or unknown options, when the
 * SYN timer fires, the client SHOULD retransmit a SYN packet without data and Fast Open options. */
/* The SYN/ACK of a connection whose SYN brought text may give a new cookie. */
static void add_fastopen(const struct tcb *t, bool answer, struct tcp_plan *plan)
{
    const struct tcp_fastopen *fo = t->fastopen;
    uint32_t mss;

    if (fo == NULL || !(answer ? !t->active && fo->len > 0 : fo->on) || t->syn_n > 0)
        return;
    mss = min_u32(t->mss, fo->mss);
    plan->opt.has_tfo = true;
    plan->opt.tfo_len = fo->len;
    memcpy(plan->opt.tfo, fo->cookie, fo->len);
    /*= RFC 7413 4.2.2
     * Otherwise, include the Fast Open option with the cookie of the server. Include any data up to
     * the cached server MSS or default 536 bytes. */
    if (!answer && fo->len > 0 && mss > TCP_OPTION_SPACE)
        plan->len = min_u32(fo->waiting, mss - TCP_OPTION_SPACE);
}

static bool plan_syn(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    bool answer = t->state == TCP_ST_SYN_RECEIVED;
    struct tcp_offer offer = tcp_offer(t, true);
    struct tcp_half as = {
        .mss_local = t->mss_local, .rcv_wscale = t->rcv_wscale, .wscale_on = t->wscale_on,
        .sack_on = t->sack_on, .ts_on = t->ts_on, .ts_offset = t->ts_offset,
        .ts_recent = answer ? t->ts_recent : 0,
    };

    if (t->sndq.nxt != t->iss && !t->syn_rtx_due)
        return false;
    memset(plan, 0, sizeof *plan);
    plan->why = answer ? TCP_WHY_SYNACK : TCP_WHY_SYN;
    plan->seq = t->iss;
    plan->ack = answer ? t->rcv_nxt : 0;
    plan->flags = (answer ? WIRE_SYN | WIRE_ACK : WIRE_SYN) | tcp_ecn_syn_flags(t, answer);
    plan->wnd = offer.field;
    plan->wnd_bytes = offer.bytes;
    plan->has_opt = true;
    tcp_syn_options(&plan->opt, &as, now);
    add_fastopen(t, answer, plan);
    return true;
}

/*= RFC 8985 9.3-1 */
/* How much of n bytes congestion control lets go: full packets, the whole, or what there is
 * where the pipe is empty. */
static uint32_t allowed(const struct tcb *t, uint32_t n, uint32_t mss)
{
    uint32_t quota = tcp_loss_quota(&t->loss, &t->sndq);

    if (quota >= n)
        return n;
    if (quota < mss)
        return tcp_sndq_flight(&t->sndq) == 0 ? quota : 0;
    return quota - quota % mss;
}

static uint32_t plan_max(const struct tcb *t, uint32_t mss)
{
    uint32_t max = tcp_quantum(t);

    return max > mss ? max - max % mss : mss;
}

/* Bytes from the lost record rec on that are lost too and of the same chunk. */
static uint32_t lost_run(const struct tcb *t, const struct tcp_rec *rec, uint32_t max)
{
    const struct tcp_chunk *chunk = tcp_sndq_chunk_at(&t->sndq, rec->seq);
    uint32_t end = chunk->seq + chunk->len, n = rec->len;

    while (n < max && seq_lt(rec->seq + n, end)) {
        const struct tcp_rec *next = tcp_sndq_rec_at(&t->sndq, rec->seq + n, NULL);
        if (next == NULL || (next->flags & TCP_REC_LOST) == 0)
            break;
        n += next->len;
    }
    return min_u32(n, max);
}

static bool plan_fin_again(const struct tcb *t, enum tcp_why why, plait_time now,
                           struct tcp_plan *plan)
{
    fill(t, TCP_WHY_FIN, t->sndq.end, now, plan);
    plan->why = why == TCP_WHY_PROBE ? TCP_WHY_PROBE : TCP_WHY_FIN;
    plan->flags |= WIRE_FIN;
    return true;
}

/*= RFC 9293 SHLD-16, MAY-7 */
static bool plan_lost(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    const struct tcp_rec *rec = tcp_loss_next_lost(&t->loss, &t->sndq);
    uint32_t mss, n;

    if (rec == NULL || tcp_rate_holds(&t->loss, now))
        return false;
    if ((rec->flags & TCP_REC_FIN) != 0)
        return allowed(t, 1, 1) > 0 && plan_fin_again(t, TCP_WHY_RTX, now, plan);
    fill(t, TCP_WHY_RTX, rec->seq, now, plan);
    mss = tcp_plan_mss(t, plan);
    n = allowed(t, lost_run(t, rec, plan_max(t, mss)), mss);
    if (n > 0)
        set_payload(t, n, plan);
    return n > 0;
}

/* New data of an ECN-capable connection. CWR belongs on one packet: the rest of a super-segment
 * waits for the next plan, because not every device cuts it so that only the first packet has the
 * flag. */
/*= RFC 3168 6.1.2
 * When only one ECT codepoint is needed by a sender for all packets sent on a TCP connection,
 * ECT(0) SHOULD be used. */
static uint32_t mark_capable(const struct tcb *t, uint32_t n, uint32_t mss, struct tcp_plan *plan)
{
    plan->ecn = WIRE_ECT0;
    if (!t->loss.cwr_due)
        return n;
    plan->flags |= WIRE_CWR;
    return min_u32(n, mss);
}

/* As much as a packet that is larger than what is known to pass, where the chunk has it and it is
 * time; else n bytes. A SACK option would make it smaller than it says. */
static uint32_t probe_mtu(const struct tcb *t, uint32_t n, plait_time now, struct tcp_plan *plan)
{
    const struct tcp_chunk *chunk = tcp_sndq_chunk_at(&t->sndq, plan->seq);
    uint32_t len = tcp_pmtu_probe(t, now);

    if (len == 0 || len > chunk->seq + chunk->len - plan->seq || plan->opt.sack_n > 0)
        return n;
    plan->mtu_probe = true;
    return len;
}

static bool plan_data(const struct tcb *t, enum tcp_why why, plait_time now, struct tcp_plan *plan)
{
    uint32_t mss, n;

    if (tcp_sndq_unsent(&t->sndq) == 0 || t->sndq.f->recs.count >= t->sndq.recs_max)
        return false;
    if (why == TCP_WHY_DATA && tcp_rate_holds(&t->loss, now))
        return false;
    fill(t, why, t->sndq.nxt, now, plan);
    mss = tcp_plan_mss(t, plan);
    n = min_u32(tcp_sendable(t, mss), plan_max(t, mss));
    if (why == TCP_WHY_PROBE)
        n = min_u32(n, mss);
    n = allowed(t, n, mss);
    if (n == 0)
        return false;
    if (why == TCP_WHY_DATA)
        n = probe_mtu(t, n, now, plan);
    /*= RFC 3168 6.1.5
     * This document specifies ECN-capable TCP implementations MUST NOT set either ECT codepoint
     * (ECT(0) or ECT(1)) in the IP header for retransmitted data packets, and that the TCP data
     * receiver SHOULD ignore the ECN field on arriving data packets that are outside of the
     * receiver's current window. */
    if (tcp_ecn_on(t) && why == TCP_WHY_DATA)
        n = mark_capable(t, n, mss, plan);
    set_payload(t, n, plan);
    if (t->fin_wanted && !plan->mtu_probe && plan->seq + n == t->sndq.end &&
        (t->shared_window || tcp_usable(t) > n) && t->sndq.f->recs.count + 2 <= t->sndq.recs_max)
        plan->flags |= WIRE_FIN;
    return true;
}

/*= RFC 8985 7.3
 * If both conditions are met, then the sender SHOULD transmit a previously unsent data segment,
 * if one exists and the receive window allows, and increment the FlightSize accordingly. */
static bool plan_probe(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    uint32_t seq, len, n;

    if (tcp_loss_want(&t->loss, &t->sndq) != TCP_WANT_PROBE)
        return false;
    if (plan_data(t, TCP_WHY_PROBE, now, plan))
        return true;
    if (!tcp_loss_probe(&t->loss, &t->sndq, &seq, &len))
        return false;
    if (t->fin_sent && seq == t->sndq.end)
        return plan_fin_again(t, TCP_WHY_PROBE, now, plan);
    fill(t, TCP_WHY_PROBE, seq, now, plan);
    n = min_u32(len, tcp_plan_mss(t, plan));
    plan->seq = seq + len - n;
    set_payload(t, n, plan);
    return true;
}

static bool plan_fin(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    if (!tcp_fin_ready(t) || t->sndq.f->recs.count >= t->sndq.recs_max)
        return false;
    fill(t, TCP_WHY_FIN, t->sndq.nxt, now, plan);
    plan->flags |= WIRE_FIN;
    return true;
}

/* Segments without payload that want an answer. */
static bool plan_question(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    if (t->persist_due) {
        fill(t, TCP_WHY_PERSIST, t->sndq.una - 1, now, plan);
        return true;
    }
    if (!t->keepalive_due)
        return false;
    /*= RFC 9293 3.8.4
     * An implementation SHOULD send a keep-alive segment with no data (SHLD-12) */
    fill(t, TCP_WHY_KEEPALIVE, t->sndq.nxt - 1, now, plan);
    return true;
}

static bool plan_ack(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    bool due = t->ack_now || (t->ack_pending && now >= t->ack_at);

    if (!due && (t->fin_received || !tcp_is_synchronized(t) || !tcp_offer_grew(t)))
        return false;
    fill(t, TCP_WHY_ACK, t->sndq.nxt, now, plan);
    return true;
}

static bool plan_text(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    bool sends = t->state == TCP_ST_ESTABLISHED || t->state == TCP_ST_CLOSE_WAIT;

    if (plan_lost(t, now, plan) || plan_probe(t, now, plan))
        return true;
    return sends && (plan_data(t, TCP_WHY_DATA, now, plan) || plan_fin(t, now, plan));
}

/*= RFC 9293 3.10.7.3-2 */
bool tcp_plan(const struct tcb *t, plait_time now, struct tcp_plan *plan)
{
    if (t->rst_wanted)
        return plan_rst(t, now, plan);
    switch (t->state) {
    case TCP_ST_CLOSED:
        return false;
    case TCP_ST_SYN_SENT:
        return plan_syn(t, now, plan);
    case TCP_ST_SYN_RECEIVED:
        return plan_syn(t, now, plan) || plan_ack(t, now, plan);
    case TCP_ST_TIME_WAIT:
        return plan_ack(t, now, plan);
    default:
        return plan_text(t, now, plan) || plan_question(t, now, plan) || plan_ack(t, now, plan);
    }
}

/* SYN, payload and FIN of a plan have records of their own. */
static int record(struct tcb *t, const struct tcp_plan *plan, plait_time now)
{
    unsigned kind = (plan->why == TCP_WHY_PROBE ? TCP_REC_PROBE : 0) |
                    (plan->mtu_probe ? TCP_REC_MTU : 0);
    bool fin = (plan->flags & WIRE_FIN) != 0;
    int err = 0;

    if ((plan->flags & WIRE_SYN) != 0)
        return tcp_sndq_sent(&t->sndq, plan->seq, 1, TCP_REC_SYN, now);
    /* Room for two, so that the FIN cannot fail after the payload. */
    if (fin && plan->len > 0 && !ring_reserve(&t->sndq.f->recs, 4))
        return PLAIT_ENOMEM;
    if (plan->len > 0)
        err = tcp_sndq_sent(&t->sndq, plan->seq, plan->len, kind, now);
    if (err == 0 && fin)
        err = tcp_sndq_sent(&t->sndq, plan->seq + plan->len, 1, TCP_REC_FIN, now);
    return err;
}

/* Records what a plan sends of the sequence space, and tells loss recovery. */
static int record_and_tell(struct tcb *t, const struct tcp_plan *plan, plait_time now)
{
    struct tcp_sent sent = {
        .seq = plan->seq, .rtx = seq_lt(plan->seq, t->sndq.nxt), .tsval = plan->opt.tsval,
        .cwr = (plan->flags & (WIRE_SYN | WIRE_CWR)) == WIRE_CWR,
        .len = plan->len + ((plan->flags & (WIRE_SYN | WIRE_FIN)) != 0 ? 1 : 0),
    };
    int err;

    if ((plan->flags & WIRE_SYN) != 0)
        sent.len = 1; /* its text was not sent unless the SYN/ACK says so */

    if (sent.len == 0)
        return 0;
    err = record(t, plan, now);
    if (err != 0)
        return err;
    tcp_loss_on_sent(&t->loss, &t->sndq, &sent, now);
    t->bytes_sent += sent.rtx || (plan->flags & WIRE_SYN) != 0 ? 0 : plan->len;
    return 0;
}

/* The FIN went out: the state follows. */
static void fin_went(struct tcb *t, plait_time now)
{
    t->fin_sent = true;
    if (t->state == TCP_ST_ESTABLISHED)
        tcp_set_state(t, TCP_ST_FIN_WAIT_1, now);
    else if (t->state == TCP_ST_CLOSE_WAIT)
        tcp_set_state(t, TCP_ST_LAST_ACK, now);
}

static void syn_went(struct tcb *t, const struct tcp_plan *plan, plait_time now)
{
    if (t->fastopen != NULL && plan->len > t->fastopen->sent)
        t->fastopen->sent = plan->len;
    tcp_ecn_syn_sent(&t->ecn, plan->flags);
    if (t->syn_n == 0)
        t->syn_first = now;
    if (t->syn_n < UINT8_MAX)
        t->syn_n++;
    t->syn_rtx_due = false;
}

/*= RFC 5681 4.2-11 */
/* What the segment told the peer needs not be told again. */
static void told(struct tcb *t, const struct tcp_plan *plan)
{
    tcp_offer_sent(t, plan);
    if ((plan->flags & WIRE_ACK) == 0)
        return;
    t->last_ack_sent = plan->ack;
    t->ack_now = t->ack_pending = false;
    t->ack_at = PLAIT_NEVER;
    t->ack_bytes = 0;
    if (plan->dsack)
        t->dsack = (struct tcp_block){ 0, 0 };
}

static void questions_went(struct tcb *t, const struct tcp_plan *plan, plait_time now)
{
    if (plan->why == TCP_WHY_PERSIST) {
        if (t->persist_n < UINT8_MAX)
            t->persist_n++;
        if (t->persist_backoff < UINT8_MAX)
            t->persist_backoff++;
        t->persist_due = false;
        t->persist_at = now + tcp_persist_timeout(t);
    } else if (plan->why == TCP_WHY_KEEPALIVE) {
        t->keepalive_n++;
        t->keepalive_due = false;
    } else if (plan->why == TCP_WHY_DATA) {
        t->persist_due = false;
    }
}

int tcp_commit(struct tcb *t, const struct tcp_plan *plan, plait_time now)
{
    int err;

    if (plan->why == TCP_WHY_RST) {
        t->segs_out++;
        t->rst_wanted = false;
        t->rst_sent = t->rst_sent || t->state == TCP_ST_CLOSED;
        return 0;
    }
    err = record_and_tell(t, plan, now);
    if (err != 0)
        return err;
    t->segs_out++;
    if ((plan->flags & WIRE_SYN) != 0)
        syn_went(t, plan, now);
    if (plan->mtu_probe)
        tcp_pmtu_probed(t, plan);
    told(t, plan);
    questions_went(t, plan, now);
    if ((plan->flags & WIRE_FIN) != 0)
        fin_went(t, now);
    tcp_rearm(t, now);
    return 0;
}

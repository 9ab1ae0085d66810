/* SPDX-License-Identifier: Apache-2.0 */
/* Both windows: what we offer, what the peer offers, and silly window avoidance on either side.
 *
 * Called by output.c (offer, what may go), input.c and rcv.c (what is acceptable), timer.c (is a
 * window what holds us back).
 *
 * rcv_adv is the rightmost edge that was ever offered; what lies left of it is accepted,
 * whatever was said later (RFC 7323 2.4). On plain TCP it never retreats on the wire either:
 * rounding to the window scale goes up where it must. Rounding up gives away up to 2^shift - 1
 * bytes beyond the buffer each time, and a peer that sends single bytes could collect those for
 * ever; rcv_creep counts them, and beyond 64 KiB rounding goes down. With a shared window
 * (MPTCP) the field is the connection's, and a subflow's own edge may move either way. RFC 9293
 * 3.8.6, RFC 7323 2. */
#include "internal.h"

enum { CREEP_MAX = 65536 };

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }

/*= RFC 7323 2.4-2, 2.4-3 */
/* RCV.WND: what is acceptable from RCV.NXT on. */
uint32_t tcp_rcv_wnd(const struct tcb *t)
{
    return seq_gt(t->rcv_adv, t->rcv_nxt) ? t->rcv_adv - t->rcv_nxt : 0;
}

static uint32_t rcv_buffer(const struct tcb *t) { return max_u32(t->rcv_buf, t->rcv_space); }

/*= RFC 9293 MUST-39 */
/* Plain TCP: at least what was offered and not used up; more only in steps worth telling. */
static uint32_t offer_plain(const struct tcb *t, uint32_t mask)
{
    uint32_t held = tcp_rcv_wnd(t), want = t->rcv_space, rounded;

    /*= RFC 9293 3.8.6.2.2
     * The suggested SWS avoidance algorithm for the receiver is to keep RCV.NXT+RCV.WND fixed
     * until the reduction satisfies: RCV.BUFF - RCV.USER - RCV.WND >= min( Fr * RCV.BUFF,
     * Eff.snd.MSS ) */
    if (want < held || want - held < min_u32(rcv_buffer(t) / 2, t->mss))
        want = held;
    rounded = want & ~mask;
    /*= RFC 9293 3.8.6
     * A TCP receiver SHOULD NOT shrink the window, i.e., move the right window edge to the left
     * (SHLD-14). */
    if (rounded < held && t->rcv_creep < CREEP_MAX)
        rounded = (held + mask) & ~mask;
    return rounded;
}

/*= RFC 9293 MAY-8 */
struct tcp_offer tcp_offer(const struct tcb *t, bool syn)
{
    uint32_t shift = syn || !t->wscale_on ? 0 : t->rcv_wscale, mask = (1u << shift) - 1, bytes;

    /*= RFC 7323 2.3
     * The window field (SEG.WND) of every outgoing segment, with the exception of <SYN> segments,
     * MUST be right-shifted by Rcv.Wind.Shift bits */
    /*= RFC 7323 2.2-8 */
    if (syn)
        bytes = t->rcv_space;
    else
        bytes = t->shared_window ? t->rcv_space & ~mask : offer_plain(t, mask);
    bytes = min_u32(bytes, (uint32_t)TCP_WINDOW_MAX << shift);
    return (struct tcp_offer){ .field = (uint16_t)(bytes >> shift), .bytes = bytes };
}

/* Is the window so much larger than the peer knows that it should be told? While more than half of
 * the buffer is open by the peer's knowledge, the next ACK is soon enough. */
bool tcp_offer_grew(const struct tcb *t)
{
    uint32_t buffer = rcv_buffer(t), edge = t->rcv_nxt + tcp_offer(t, false).bytes;
    uint32_t step = min_u32(buffer / 2, 2u * t->mss);

    return seq_gt(edge, t->rcv_told) && edge - t->rcv_told >= max_u32(step, 1) &&
           seq_diff(t->rcv_told, t->rcv_nxt) <= (int32_t)(buffer / 2);
}

/* A segment with this offer went out. */
void tcp_offer_sent(struct tcb *t, const struct tcp_plan *plan)
{
    uint32_t edge = t->rcv_nxt + plan->wnd_bytes;

    t->rcv_buf = rcv_buffer(t);
    if (seq_gt(edge, t->rcv_adv) || t->state == TCP_ST_SYN_SENT) {
        if (plan->wnd_bytes <= t->rcv_space)
            t->rcv_creep = 0;
        else
            t->rcv_creep += min_u32(edge - t->rcv_adv, plan->wnd_bytes - t->rcv_space);
        t->rcv_adv = edge;
    }
    t->rcv_told = edge;
}

/*= RFC 9293 3.8.6
 * If this happens, the sender SHOULD NOT send new data (SHLD-15) */
/*= RFC 9293 3.8.6
 * However, a sending TCP peer MUST be robust against window shrinking, which may cause the "usable
 * window" (see Section 3.8.6.2.1) to become negative (MUST-34). */
uint32_t tcp_usable(const struct tcb *t)
{
    uint32_t edge = t->sndq.una + t->snd_wnd;

    return seq_gt(edge, t->sndq.nxt) ? edge - t->sndq.nxt : 0;
}

/*= RFC 7323 2.4-4 */
static uint32_t sendable(const struct tcb *t, uint32_t mss, bool override)
{
    const struct tcp_chunk *chunk = tcp_sndq_chunk_at(&t->sndq, t->sndq.nxt);
    uint32_t usable = tcp_usable(t), max = t->gso_max, left, n;

    if (chunk == NULL || usable == 0)
        return 0;
    left = chunk->seq + chunk->len - t->sndq.nxt;
    max = max > mss ? max - max % mss : mss;
    n = min_u32(left, max);
    if (n <= usable)
        return n; /* all that is queued here, or as many full segments as one plan may have */
    if (usable >= mss)
        return usable - usable % mss;
    /* The override timeout, or at least half of the largest window that the peer ever had. */
    return override || usable >= t->max_wnd / 2 ? usable : 0;
}

/* Bytes of the next chunk that the peer's window lets go now. 0: none, or too few to be worth it
 * (RFC 9293 3.8.6.2.1). Full segments but for the chunk's end. */
uint32_t tcp_sendable(const struct tcb *t, uint32_t mss)
{
    return sendable(t, mss, t->persist_due);
}

/* Is there data to send for the first time, and the peer's window forbids it? */
bool tcp_window_blocks(const struct tcb *t)
{
    return tcp_sndq_unsent(&t->sndq) > 0 && sendable(t, tcp_payload_mss(t), false) == 0;
}

/* The FIN takes a sequence number, so it waits for a window; not where the window counts something
 * else than this sequence space. */
bool tcp_fin_ready(const struct tcb *t)
{
    return t->fin_wanted && !t->fin_sent && t->sndq.nxt == t->sndq.end &&
           (t->shared_window || tcp_usable(t) > 0);
}

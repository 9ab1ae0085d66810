/* SPDX-License-Identifier: Apache-2.0 */
/* The active side of the handshake, and what both sides need to agree: initial sequence numbers,
 * timestamp offsets, the options of the two SYNs.
 *
 * tcp_input() calls tcp_input_syn_sent() for a tcb in SYN-SENT; ack.c calls tcp_established()
 * when the SYN of a tcb in SYN-RECEIVED was acknowledged. Text that rides on the peer's SYN of a
 * simultaneous open is not kept: it is not acknowledged, so it comes again. RFC 9293 3.10.7.3
 * and 3.4.1, RFC 6528 3, RFC 7323 2.2 and 5.4, RFC 6691. */
#include "internal.h"

#include "../base/be.h"

#include <string.h>

enum { PURPOSE_ISN = 1, PURPOSE_TS = 2 };

/*= RFC 9293 MUST-9 */
/* F() of RFC 6528: connection-id and secret, for several purposes. */
static uint32_t hash_tuple(const struct base_ctx *ctx, const struct plait_addr *local,
                           const struct plait_addr *remote, uint8_t purpose)
{
    uint8_t buf[38];

    memcpy(buf, local->ip, 16);
    be16_store(buf + 16, local->port);
    memcpy(buf + 18, remote->ip, 16);
    be16_store(buf + 34, remote->port);
    buf[36] = local->family;
    buf[37] = purpose;
    return (uint32_t)siphash(&ctx->secret, buf, sizeof buf);
}

/*= RFC 9293 SHLD-1 */
/*= RFC 9293 3.4.1
 * A TCP implementation MUST use the above type of "clock" for clock-driven selection of initial
 * sequence numbers (MUST-8), and SHOULD generate its initial sequence numbers with the expression:
 * ISN = M + F(localip, localport, remoteip, remoteport, secretkey) */
uint32_t tcp_isn(const struct base_ctx *ctx, const struct plait_addr *local,
                 const struct plait_addr *remote, plait_time now)
{
    return (uint32_t)(now / 4) + hash_tuple(ctx, local, remote, PURPOSE_ISN);
}

/*= RFC 7323 7-1, 7.1-1 */
/* The same offset for each incarnation of a connection: timestamps go on rising from one to the
 * next, as RFC 6191 wants. */
uint32_t tcp_ts_offset(const struct base_ctx *ctx, const struct plait_addr *local,
                       const struct plait_addr *remote)
{
    return hash_tuple(ctx, local, remote, PURPOSE_TS);
}

/*= RFC 9293 3.7.1
 * If an MSS Option is not received at connection setup, TCP implementations MUST assume a default
 * send MSS of 536 (576 - 40) for IPv4 or 1220 (1280 - 60) for IPv6 (MUST-15). */
uint16_t tcp_mss_of_syn(const struct wire_seg *syn)
{
    if (!syn->opt.has_mss)
        return syn->src.family == 6 ? 1220 : 536;
    return syn->opt.mss < TCP_MSS_MIN ? TCP_MSS_MIN : syn->opt.mss;
}

/* The peer's SYN or SYN/ACK: an option is on where both offered it. */
static void learn_syn(struct tcb *t, const struct wire_seg *syn, plait_time now)
{
    tcp_ecn_syn_came(&t->ecn, syn->flags);
    t->mss_peer = tcp_mss_of_syn(syn);
    /*= RFC 9293 3.7.1
     * The maximum size of a segment that a TCP endpoint really sends, the "effective send MSS",
     * MUST be the smaller (MUST-16) of the send MSS */
    tcp_pmtu_init(t);
    /*= RFC 7323 3.2-7 */
    t->ts_on = t->ts_on && syn->opt.has_ts;
    t->sack_on = t->sack_on && syn->opt.sack_permitted;
    /*= RFC 7323 2.2-3 */
    t->wscale_on = t->wscale_on && syn->opt.has_wscale;
    /*= RFC 7323 2.3
     * If a Window Scale option is received with a shift.cnt value larger than 14, the TCP SHOULD
     * log the error but MUST use 14 instead of the specified value. */
    t->snd_wscale = syn->opt.wscale < TCP_WSCALE_MAX ? syn->opt.wscale : TCP_WSCALE_MAX;
    if (!t->wscale_on)
        /*= RFC 7323 2.3-3 */
        t->snd_wscale = t->rcv_wscale = 0;
    t->ts_recent = t->ts_on ? syn->opt.tsval : 0;
    t->ts_recent_age = now;
}

/* RCV.NXT gets its place; the window that our SYN offered starts there. */
static void learn_irs(struct tcb *t, uint32_t irs)
{
    uint32_t offered = t->rcv_adv - t->rcv_nxt;

    t->irs = irs;
    t->rcv_nxt = t->last_ack_sent = irs + 1;
    t->rcv_adv = t->rcv_told = t->rcv_nxt + offered;
}

static void learn_cookie(struct tcb *t, const struct wire_tcpopts *opt)
{
    struct tcp_fastopen *fo = t->fastopen;

    if (fo == NULL || !fo->on || !opt->has_tfo || opt->tfo_len == 0 ||
        opt->tfo_len > TCP_FASTOPEN_COOKIE_MAX)
        return;
    fo->renewed = true;
    fo->len = opt->tfo_len;
    memcpy(fo->cookie, opt->tfo, opt->tfo_len);
}

/* Text of the SYN that the peer took: as if the ISN had been so much higher. So it is outside of
 * every later count, of MPTCP's too (RFC 8684 B.2), and what it did not take was never sent. */
static void learn_taken(struct tcb *t, uint32_t ack)
{
    uint32_t n = ack - (t->iss + 1);

    if (t->fastopen != NULL)
        t->fastopen->taken = n;
    t->bytes_sent += n;
    t->bytes_acked += n;
    t->iss += n;
    tcp_sndq_shift(&t->sndq, n);
}

/* Our SYN is acknowledged. What the SYN's loss did to the congestion window is set right here:
 * RFC 6928 2 wants one segment only after more than one retransmission. */
void tcp_established(struct tcp_in *in)
{
    struct tcb *t = in->t;

    cc_open(&t->loss.cc, tcp_payload_mss(t));
    if (t->syn_n > 2)
        t->loss.cc.cwnd = t->loss.cc.mss;
    if (t->syn_n > 1)
        tcp_rtt_after_syn_timeout(&t->loss.rtt);
    t->syn_rtx_due = false;
    in->res->established = true;
    tcp_set_state(t, TCP_ST_ESTABLISHED, in->now);
}

/* "First, check the ACK bit" and "Second, check the RST bit". */
static bool syn_sent_admits(struct tcp_in *in, bool ack_ok)
{
    struct tcb *t = in->t;
    const struct wire_seg *seg = in->seg;

    /*= RFC 9293 3.10.7.3
     * If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset (unless the RST bit is set, if so
     * drop the segment and return) */
    if ((seg->flags & WIRE_ACK) != 0 && !ack_ok) {
        if ((seg->flags & WIRE_RST) == 0)
            tcp_refuse(t, seg->ack);
        tcp_drop(in, PLAIT_REASON_ACK_OUTSIDE);
        return false;
    }
    if ((seg->flags & WIRE_RST) == 0)
        return true;
    if (ack_ok && tcp_ecn_blamed(t)) {
        tcp_drop(in, PLAIT_REASON_SYN_ECN);
        t->syn_rtx_due = true; /* which goes without */
        return false;
    }
    /*= RFC 9293 3.10.7.3
     * If the ACK was acceptable, then signal to the user "error: connection reset", drop the
     * segment, enter CLOSED state, delete TCB, and return. */
    if (ack_ok) {
        tcp_drop(in, PLAIT_REASON_SYN_REFUSED);
        in->res->reset = in->res->closed = true;
        tcp_gone(t, PLAIT_REASON_SYN_REFUSED, in->now);
    } else {
        tcp_drop(in, PLAIT_REASON_ACK_MISSING);
    }
    return false;
}

/* "Fourth, check the SYN bit", where it is set. */
static void syn_sent_syn(struct tcp_in *in)
{
    struct tcb *t = in->t;
    const struct wire_seg *seg = in->seg;

    learn_syn(t, seg, in->now);
    learn_irs(t, seg->seq);
    t->last_rcvd = in->now;
    t->snd_wnd = t->max_wnd = seg->wnd; /* not scaled on a SYN */
    t->snd_wl1 = seg->seq;
    t->snd_wl2 = (seg->flags & WIRE_ACK) != 0 ? seg->ack : t->iss;
    in->res->acceptable = in->res->window_update = true;
    /*= RFC 9293 3.10.7.3
     * If SND.UNA > ISS (our SYN has been ACKed), change the connection state to ESTABLISHED,
     * form an ACK segment */
    if ((seg->flags & WIRE_ACK) != 0) {
        learn_cookie(t, &seg->opt);
        learn_taken(t, seg->ack);
        tcp_ack_apply(in);
        tcp_established(in);
        t->ack_now = true;
        in->seq = seg->seq + 1;
        tcp_rcv_text(in);
        return;
    }
    /*= RFC 9293 3.10.7.3
     * Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment */
    /*= RFC 9293 3.5
     * A TCP implementation MUST support simultaneous open attempts (MUST-10). */
    tcp_set_state(t, TCP_ST_SYN_RECEIVED, in->now);
    t->syn_rtx_due = true;
}

void tcp_input_syn_sent(struct tcp_in *in)
{
    const struct tcb *t = in->t;
    const struct wire_seg *seg = in->seg;
    uint32_t text = t->fastopen != NULL ? t->fastopen->sent : 0;
    bool ack_ok = (seg->flags & WIRE_ACK) != 0 && seq_gt(seg->ack, t->iss) &&
                  seq_le(seg->ack, t->sndq.nxt + text);

    if (!syn_sent_admits(in, ack_ok))
        return;
    /*= RFC 9293 3.10.7.3
     * Fifth, if neither of the SYN or RST bits is set, then drop the segment and return. */
    if ((seg->flags & WIRE_SYN) == 0 || (seg->flags & WIRE_FIN) != 0)
        tcp_drop(in, PLAIT_REASON_TCP_FLAGS);
    else
        syn_sent_syn(in);
}

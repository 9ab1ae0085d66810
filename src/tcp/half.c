/* SPDX-License-Identifier: Apache-2.0 */
/* A half-open passive connection: LISTEN's answer to a SYN, and SYN-RECEIVED, in little memory.
 *
 * Owned by the stack's table of half-open connections; it becomes a tcb by the ACK that
 * completes the handshake. A SYN flood costs one small struct for each SYN, and the table has a
 * cap. Text on the SYN is not kept and not acknowledged, so it comes again; but for Fast Open,
 * whose text somebody above has taken: as if the peer's ISN had been so much higher, so that it is
 * outside of every later count, of MPTCP's too (RFC 8684 B.2). RFC 9293 3.10.7.2 and 3.10.7.4
 * (SYN-RECEIVED after a passive OPEN), RFC 5961 3. */
#include "internal.h"

#include <string.h>

#define SYNACK_TIMEOUT PLAIT_SEC

/*= RFC 7323 2.2-6, 2.3-1 */
void tcp_half_init(struct tcp_half *h, struct base_ctx *ctx, const struct tcp_config *cfg,
                   const struct wire_seg *syn, plait_time now)
{
    memset(h, 0, sizeof *h);
    h->local = syn->dst;
    h->remote = syn->src;
    h->iss = tcp_isn(ctx, &h->local, &h->remote, now);
    h->ts_offset = tcp_ts_offset(ctx, &h->local, &h->remote);
    h->irs = syn->seq;
    h->mss_peer = tcp_mss_of_syn(syn);
    h->mss_local = cfg->mss_local;
    h->ts_on = syn->opt.has_ts;
    h->ts_recent = syn->opt.has_ts ? syn->opt.tsval : 0;
    h->sack_on = syn->opt.sack_permitted;
    h->wscale_on = syn->opt.has_wscale;
    if (h->wscale_on) {
        h->snd_wscale = syn->opt.wscale < TCP_WSCALE_MAX ? syn->opt.wscale : TCP_WSCALE_MAX;
        h->rcv_wscale = cfg->wscale;
    }
    h->ecn_willing = cfg->ecn != PLAIT_ECN_OFF;
    tcp_ecn_syn_came(&h->ecn, syn->flags);
    h->snd_wnd = syn->wnd;
    h->born = now;
    h->deadline = PLAIT_NEVER;
    h->due = true;
}

/* A SYN again. The same one was answered by a SYN/ACK that got lost. A new one, from a peer that
 * started over, gets the same SYN/ACK: the peer answers that with a RST, and its next SYN finds us
 * free. */
static enum tcp_half_verdict again(struct tcp_half *h, const struct wire_seg *seg)
{
    if (h->ts_on && seg->opt.has_ts && seg->seq == h->irs && seq_gt(seg->opt.tsval, h->ts_recent))
        h->ts_recent = seg->opt.tsval;
    tcp_ecn_syn_came(&h->ecn, seg->flags);
    h->due = true;
    return TCP_HALF_AGAIN;
}

enum tcp_half_verdict tcp_half_input(struct tcp_half *h, const struct wire_seg *seg,
                                     plait_time now)
{
    uint32_t offset = seg->seq - (h->irs + 1);
    uint32_t wnd = h->rcv_wnd > 0 ? h->rcv_wnd : 1;

    (void)now;
    if ((seg->flags & WIRE_RST) != 0)
        return offset == 0 ? TCP_HALF_GONE : TCP_HALF_DROP;
    if ((seg->flags & WIRE_SYN) != 0)
        return (seg->flags & (WIRE_ACK | WIRE_FIN)) == 0 ? again(h, seg) : TCP_HALF_DROP;
    if ((seg->flags & WIRE_ACK) == 0 || offset >= wnd)
        return TCP_HALF_DROP;
    if (h->ts_on && seg->opt.has_ts && seq_lt(seg->opt.tsval, h->ts_recent))
        return TCP_HALF_DROP;
    /*= RFC 9293 3.10.7.4
     * If the segment acknowledgment is not acceptable, form a reset segment */
    if (seg->ack != h->iss + 1 || h->tx_n == 0)
        return TCP_HALF_RESET_PEER;
    return TCP_HALF_OK;
}

/*= RFC 7413 4.2.2
 * If the SYN-ACK timer fires, the server SHOULD retransmit a SYN-ACK segment with neither data nor
 * Fast Open options for compatibility reasons. */
static void add_cookie(const struct tcp_half *h, struct wire_tcpopts *opt)
{
    if (h->tfo_len == 0 || h->tx_n > 0)
        return;
    opt->has_tfo = true;
    opt->tfo_len = h->tfo_len;
    memcpy(opt->tfo, h->tfo, h->tfo_len);
}

bool tcp_half_plan(struct tcp_half *h, uint32_t rcv_space, plait_time now, struct tcp_plan *plan)
{
    if (!h->due)
        return false;
    memset(plan, 0, sizeof *plan);
    plan->why = TCP_WHY_SYNACK;
    plan->seq = h->iss;
    plan->ack = h->irs + 1;
    plan->flags = WIRE_SYN | WIRE_ACK | tcp_ecn_synack_flags(h);
    plan->wnd_bytes = rcv_space < TCP_WINDOW_MAX ? rcv_space : TCP_WINDOW_MAX;
    plan->wnd = (uint16_t)plan->wnd_bytes;
    plan->has_opt = true;
    tcp_syn_options(&plan->opt, h, now);
    add_cookie(h, &plan->opt);
    h->rcv_wnd = plan->wnd_bytes;
    return true;
}

void tcp_half_commit(struct tcp_half *h, const struct tcp_config *cfg, plait_time now)
{
    plait_time timeout = SYNACK_TIMEOUT;

    (void)cfg;
    for (unsigned i = 0; i < h->tx_n && timeout < TCP_PERSIST_MAX; i++)
        timeout *= 2;
    if (h->tx_n == 0)
        h->first_sent = now;
    tcp_ecn_syn_sent(&h->ecn, WIRE_SYN | WIRE_ACK | tcp_ecn_synack_flags(h));
    if (h->tx_n < UINT8_MAX)
        h->tx_n++;
    h->sent = now;
    h->due = false;
    h->deadline = now + timeout;
}

bool tcp_half_tick(struct tcp_half *h, const struct tcp_config *cfg, plait_time now)
{
    if (now < h->deadline)
        return true;
    if (h->tx_n > cfg->syn_retries)
        return false;
    h->due = true;
    h->deadline = PLAIT_NEVER; /* until it is sent */
    return true;
}

static void copy_agreement(struct tcb *t, const struct tcp_half *h, plait_time now)
{
    t->local = h->local;
    t->remote = h->remote;
    t->mss_peer = h->mss_peer;
    tcp_pmtu_init(t);
    t->ts_on = h->ts_on;
    t->sack_on = h->sack_on;
    t->wscale_on = h->wscale_on;
    t->ecn = h->ecn;
    t->snd_wscale = h->snd_wscale;
    t->rcv_wscale = h->rcv_wscale;
    t->ts_recent = h->ts_recent;
    t->ts_recent_age = now;
    t->ts_offset = h->ts_offset;
    t->iss = h->iss;
    t->irs = h->irs + h->text;
    t->syn_text = h->text;
    if (h->tfo_len == 0)
        return;
    struct tcp_fastopen cookie = { .len = h->tfo_len };
    memcpy(cookie.cookie, h->tfo, h->tfo_len);
    tcp_fastopen_begin(t, &cookie);
}

static int enter_synack(struct tcb *t, const struct tcp_half *h, plait_time at, bool again)
{
    struct tcp_sent sent = { .seq = h->iss, .len = 1, .rtx = again };
    int err = tcp_sndq_sent(&t->sndq, h->iss, 1, TCP_REC_SYN, at);

    sent.tsval = h->ts_on ? tcp_now_ts(h->ts_offset, at) : 0;
    if (err == 0)
        tcp_loss_on_sent(&t->loss, &t->sndq, &sent, at);
    return err;
}

int tcp_from_half(struct tcb *t, const struct tcp_half *h, plait_time now)
{
    copy_agreement(t, h, now);
    t->rcv_nxt = t->last_ack_sent = t->irs + 1;
    t->rcv_adv = t->rcv_told = t->rcv_nxt + h->rcv_wnd;
    t->rcv_buf = h->rcv_wnd;
    t->snd_wnd = t->max_wnd = h->snd_wnd;
    t->snd_wl1 = t->irs;
    t->snd_wl2 = h->iss;
    t->syn_n = h->tx_n;
    t->syn_first = h->first_sent;
    t->last_rcvd = now;
    tcp_sndq_init(&t->sndq, &t->ctx->env, h->iss, t->cfg->recs_max);
    if (tcp_rate_init(&t->loss, &t->ctx->env, t->iss) != 0)
        return PLAIT_ENOMEM;
    /* The SYN/ACK went out before there was a queue: it is entered as often as it was sent
     * (twice is often enough to tell that its RTT is ambiguous). */
    if (h->tx_n > 0 && enter_synack(t, h, h->first_sent, false) != 0)
        return PLAIT_ENOMEM;
    if ((h->tx_n > 1 || h->recreated) && enter_synack(t, h, h->sent, true) != 0)
        return PLAIT_ENOMEM;
    tcp_set_state(t, TCP_ST_SYN_RECEIVED, now);
    tcp_rearm(t, now);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The transmission control block: its life, its state, and the questions that others may ask.
 *
 * Owned by the subflow that embeds it. Called by mp/ and by the other files of this layer.
 *
 * How a connection is spread over the files:
 *
 *   handshake.c  SYN-SENT, what both SYNs agreed on, ISNs    half.c     LISTEN and SYN-RECEIVED
 *   input.c      the order of RFC 9293 3.10.7.4              ack.c      its fifth step
 *   rcv.c        its seventh and eighth step, when to ACK    sack.c     what to report as held
 *   window.c     both windows, silly window avoidance        options.c  options of a segment
 *   output.c     what to send, and that it was sent          timer.c    when something is due
 *   reset.c      RSTs and challenge ACKs                     icmp.c     errors of the network
 *   ecn.c        Explicit Congestion Notification            pmtu.c     path MTU discovery
 *   sndq.c       what was sent (the scoreboard)              loss.c ... what has to be sent again
 *   rate.c       samples of the delivery rate, pacing
 *
 * Invariants: state has one writer, tcp_set_state(). A CLOSED tcb holds no chunk and no record and
 * runs no timer. RCV.NXT moves when data arrives in order, whether or not it was taken: rcv_pos is
 * its position in the stream of payload. RFC 9293 3.3, 3.9.1, 3.10.1 to 3.10.5. */
#include "internal.h"

#include <assert.h>
#include <string.h>

const char *tcp_state_name(enum tcp_state s)
{
    static const char *const name[] = {
        "CLOSED",     "SYN-SENT",   "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",      "LAST-ACK",    "TIME-WAIT",
    };

    return (unsigned)s < sizeof name / sizeof name[0] ? name[s] : "?";
}

void tcp_init(struct tcb *t, struct base_ctx *ctx, const struct tcp_config *cfg)
{
    memset(t, 0, sizeof *t);
    t->ctx = ctx;
    t->cfg = cfg;
    t->retries = cfg->retries;
    t->syn_retries = cfg->syn_retries;
    t->mss_local = cfg->mss_local;
    t->gso_max = cfg->gso_max;
    t->mss_peer = cfg->mss_local;
    t->mss = cfg->mss_local;
    t->rcv_mss = 536 < cfg->mss_local ? 536 : cfg->mss_local;
    t->quick_acks = TCP_QUICK_ACKS;
    t->persist_at = t->progress_at = t->ack_at = t->keepalive_at = PLAIT_NEVER;
    t->time_wait_at = t->fin_wait_2_at = PLAIT_NEVER;
    tcp_sndq_init(&t->sndq, &ctx->env, 0, cfg->recs_max);
    tcp_loss_init(&t->loss, cfg->cc, tcp_payload_mss(t), cfg->rto_min);
    reasm_init(&t->rcvq, 0);
}

void tcp_fini(struct tcb *t)
{
    tcp_fastopen_end(t);
    tcp_sndq_fini(&t->sndq);
    tcp_undo_end(&t->loss, &t->ctx->env);
    tcp_rate_fini(&t->loss, &t->ctx->env);
    reasm_fini(&t->rcvq, &t->ctx->pool);
}

int tcp_connect(struct tcb *t, const struct plait_addr *local, const struct plait_addr *remote,
                plait_time now)
{
    t->local = *local;
    t->remote = *remote;
    t->iss = tcp_isn(t->ctx, local, remote, now);
    t->ts_offset = tcp_ts_offset(t->ctx, local, remote);
    t->ts_on = t->sack_on = t->wscale_on = true; /* what the SYN will offer */
    t->rcv_wscale = t->cfg->wscale;
    tcp_sndq_init(&t->sndq, &t->ctx->env, t->iss, t->cfg->recs_max);
    t->last_rcvd = now;
    t->active = true;
    if (tcp_rate_init(&t->loss, &t->ctx->env, t->iss) != 0)
        return PLAIT_ENOMEM;
    tcp_set_state(t, TCP_ST_SYN_SENT, now);
    return 0;
}

void tcp_fastopen_begin(struct tcb *t, const struct tcp_fastopen *with)
{
    if (t->fastopen == NULL)
        t->fastopen = ctx_alloc(t->ctx, sizeof *t->fastopen);
    if (t->fastopen != NULL)
        *t->fastopen = *with;
}

void tcp_fastopen_end(struct tcb *t)
{
    ctx_free(t->ctx, t->fastopen, sizeof *t->fastopen);
    t->fastopen = NULL;
}

uint32_t tcp_fastopen_taken(const struct tcb *t)
{
    return t->fastopen != NULL ? t->fastopen->taken : 0;
}

void tcp_restart(struct tcb *t, plait_time now)
{
    struct tcb old = *t;
    struct tcp_config cfg = *old.cfg;

    cfg.retries = old.retries;
    cfg.syn_retries = old.syn_retries;
    cfg.mss_local = old.mss_local;
    cfg.gso_max = old.gso_max;
    t->loss.rate = NULL;
    tcp_fini(t);
    tcp_init(t, old.ctx, &cfg);
    t->cfg = old.cfg;
    tcp_rate_keep(&t->loss, &old.loss);
    t->conn_id = old.conn_id;
    t->subflow_id = old.subflow_id;
    t->opt_reserve_data = old.opt_reserve_data;
    t->rcv_space = old.rcv_space;
    (void)tcp_connect(t, &old.local, &old.remote, now); /* what it needs is there */
    tcp_refuse(t, old.sndq.nxt);
}

/* Nothing is sent and no timer but TIME-WAIT's runs from here on; received data can still be
 * taken. */
static void disarm(struct tcb *t, plait_time now)
{
    uint32_t nxt = t->sndq.nxt;

    tcp_sndq_fini(&t->sndq);
    tcp_sndq_init(&t->sndq, &t->ctx->env, nxt, t->cfg->recs_max);
    tcp_undo_end(&t->loss, &t->ctx->env);
    tcp_loss_rearm(&t->loss, &t->sndq, now);
    t->persist_at = t->progress_at = t->keepalive_at = t->fin_wait_2_at = PLAIT_NEVER;
    t->persist_due = t->keepalive_due = t->syn_rtx_due = false;
}

/* The only writer of state. */
void tcp_set_state(struct tcb *t, enum tcp_state to, plait_time now)
{
    struct plait_trace ev = {
        .type = PLAIT_TRACE_SUBFLOW_STATE, .subflow = t->subflow_id, .conn = t->conn_id, .now = now,
        .a = (uint64_t)to, .b = (uint64_t)t->state, .reason = (uint16_t)t->reason,
        .local = t->local, .remote = t->remote,
    };

    if (t->state == to)
        return;
    ctx_trace(t->ctx, &ev);
    t->state = to;
    if (to == TCP_ST_TIME_WAIT) {
        disarm(t, now);
        /*= RFC 9293 3.6.1
         * When a connection is closed actively, it MUST linger in the TIME-WAIT state for a time
         * 2xMSL (Maximum Segment Lifetime) (MUST-13). */
        t->time_wait_at = now + t->cfg->time_wait;
    } else if (to == TCP_ST_CLOSED) {
        disarm(t, now);
        t->time_wait_at = t->ack_at = PLAIT_NEVER;
        t->ack_now = t->ack_pending = false;
    }
}

void tcp_time_wait_end(struct tcb *t, plait_time now)
{
    assert(t->state == TCP_ST_TIME_WAIT && "nothing else waits");
    t->time_wait_at = now;
}

/* CLOSED, and why. */
void tcp_gone(struct tcb *t, enum plait_reason reason, plait_time now)
{
    if (t->state != TCP_ST_CLOSED) {
        t->reason = reason;
        tcp_set_state(t, TCP_ST_CLOSED, now);
    }
}

/* The segment, or part of it, ends here: counted and traced. */
void tcp_drop(const struct tcp_in *in, enum plait_reason reason)
{
    const struct tcb *t = in->t;
    struct plait_trace ev = {
        .type = PLAIT_TRACE_DROP, .subflow = t->subflow_id, .conn = t->conn_id, .now = in->now,
        .a = in->seg->seq, .b = in->seg->len, .reason = (uint16_t)reason,
        .local = t->local, .remote = t->remote,
    };

    in->res->reason = reason;
    ctx_count(t->ctx, reason);
    ctx_trace(t->ctx, &ev);
}

/* What a full segment holds changes with the options that ride on it. */
void tcp_sync_mss(struct tcb *t)
{
    uint32_t mss = tcp_payload_mss(t);

    if (t->loss.cc.mss != mss)
        cc_set_mss(&t->loss.cc, mss);
}

/*= RFC 9293 3.10.4
 * Queue this until all preceding SENDs have been segmentized, then form a FIN segment and send
 * it. */
void tcp_close(struct tcb *t, plait_time now)
{
    if (t->state == TCP_ST_CLOSED)
        return;
    if (t->state == TCP_ST_SYN_SENT) {
        tcp_gone(t, PLAIT_REASON_LOCAL_CLOSE, now);
        return;
    }
    t->fin_wanted = true;
    tcp_rearm(t, now);
}

void tcp_abort(struct tcb *t, enum plait_reason reason, plait_time now)
{
    switch (t->state) {
    case TCP_ST_SYN_RECEIVED:
    case TCP_ST_ESTABLISHED:
    case TCP_ST_FIN_WAIT_1:
    case TCP_ST_FIN_WAIT_2:
    case TCP_ST_CLOSE_WAIT:
        tcp_rst_for_abort(t);
        break;
    case TCP_ST_CLOSED:
    case TCP_ST_SYN_SENT:
    case TCP_ST_CLOSING:
    case TCP_ST_LAST_ACK:
    case TCP_ST_TIME_WAIT:
        break;
    }
    tcp_gone(t, reason, now);
}

/* The largest chunk: what one plan can send. */
static uint32_t chunk_max(const struct tcb *t)
{
    uint32_t mss = tcp_payload_mss(t), max = t->gso_max;

    return max > mss ? max - max % mss : mss;
}

int tcp_push(struct tcb *t, uint64_t pos, uint32_t len, uint32_t meta)
{
    uint32_t max = chunk_max(t);

    if (t->fin_wanted)
        return PLAIT_EPIPE;
    if (!tcp_can_send(t))
        return PLAIT_ENOTCONN;
    if (len > max && len <= tcp_pmtu_payload_max(t))
        max = len; /* it may become a probe of the path MTU */
    return tcp_sndq_push(&t->sndq, pos, len, meta, max);
}

struct plait_block *tcp_take(struct tcb *t)
{
    return reasm_take(&t->rcvq);
}

void tcp_resume(struct tcb *t, plait_time now)
{
    tcp_loss_resume(&t->loss, &t->sndq, now);
    tcp_rate_refresh(&t->loss, now);
}

bool tcp_held(const struct tcb *t)
{
    return t->loss.rate != NULL && t->loss.rate->held;
}

uint32_t tcp_quantum(const struct tcb *t)
{
    uint32_t quantum = tcp_rate_quantum(&t->loss);

    return t->gso_max < quantum ? t->gso_max : quantum;
}

void tcp_app_limited(struct tcb *t)
{
    if (t->loss.rate != NULL && tcp_sndq_unsent(&t->sndq) == 0 && t->sndq.f->lost == 0)
        tcp_rate_app_limited(&t->loss, &t->sndq);
}

/*= RFC 5681 2-1 */
uint32_t tcp_room(const struct tcb *t)
{
    uint32_t usable = tcp_usable(t), unsent = tcp_sndq_unsent(&t->sndq), quota, room;
    uint64_t slots;

    if (!tcp_can_send(t) || tcp_held(t))
        return 0;
    quota = tcp_loss_quota(&t->loss, &t->sndq);
    /* What was lost goes first, but new data is what F-RTO asks with. */
    if (tcp_loss_next_lost(&t->loss, &t->sndq) != NULL)
        quota = quota > t->sndq.f->lost ? quota - t->sndq.f->lost : 0;
    room = quota < usable ? quota : usable;
    room = room < tcp_rate_quantum(&t->loss) ? room : tcp_rate_quantum(&t->loss);
    room = room > unsent ? room - unsent : 0;
    slots = (uint64_t)tcp_sndq_chunk_room(&t->sndq) * chunk_max(t);
    return room < slots ? room : (uint32_t)slots;
}

uint32_t tcp_payload_mss(const struct tcb *t)
{
    uint32_t options = (t->ts_on ? (uint32_t)TCP_TS_SPACE : 0) + ((t->opt_reserve_data + 3u) & ~3u);

    return t->mss - (options < TCP_OPTION_SPACE ? options : TCP_OPTION_SPACE);
}

bool tcp_is_synchronized(const struct tcb *t)
{
    return t->state >= TCP_ST_ESTABLISHED;
}

bool tcp_can_send(const struct tcb *t)
{
    return (t->state == TCP_ST_ESTABLISHED || t->state == TCP_ST_CLOSE_WAIT) && !t->fin_wanted;
}

uint32_t tcp_ssn(const struct tcb *t, uint32_t seq) { return seq - t->iss; }

uint32_t tcp_ssn_in(const struct tcb *t, uint32_t seq) { return seq - t->irs; }

uint64_t tcp_low_pos(const struct tcb *t)
{
    return tcp_sndq_low_pos(&t->sndq);
}

bool tcp_idle(const struct tcb *t)
{
    return tcp_sndq_chunk_n(&t->sndq) == 0;
}

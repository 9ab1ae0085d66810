/* SPDX-License-Identifier: Apache-2.0 */
/* Time: when something is due (tcp_deadline), what then happens (tcp_tick), and the one function
 * that derives the timers of this layer from the state (tcp_rearm).
 *
 * The timers: retransmission, tail loss and reordering (loss.c decides, here is the end of
 * patience); persist for a closed window; delayed ACK; keepalive; user timeout; TIME-WAIT;
 * FIN-WAIT-2 where the owner asks for it. A timer that came sets a flag for tcp_plan(), and its
 * deadline is off until the segment was sent: a packet that cannot be sent does not make the
 * caller spin.
 *
 * A window is probed by an empty segment at SND.UNA-1, as widely deployed stacks do, and not by
 * an octet of new data (RFC 9293 3.8.6.1): it consumes nothing, needs no retransmission, and an
 * MPTCP mapping is never cut for it. RFC 9293 3.8.3, 3.8.4, 3.8.6.1, 3.10.8, RFC 5482, RFC 6298. */
#include "internal.h"

#include <string.h>

static plait_time earlier(plait_time a, plait_time b) { return a < b ? a : b; }

static bool may_send_data(const struct tcb *t)
{
    return t->state == TCP_ST_ESTABLISHED || t->state == TCP_ST_CLOSE_WAIT;
}

/*= RFC 9293 3.8.6
 * If the window shrinks to zero, the TCP implementation MUST probe it in the standard way
 * (described below) (MUST-35). */
/*= RFC 9293 3.8.6.1
 * Probing of zero (offered) windows MUST be supported (MUST-36). */
/* Nothing is in flight that would bring an ACK, and something waits for a window. */
bool tcp_persist_wanted(const struct tcb *t)
{
    if (!may_send_data(t) || t->sndq.una != t->sndq.nxt)
        return false;
    if (tcp_sndq_unsent(&t->sndq) > 0)
        return tcp_window_blocks(t);
    if (t->fin_wanted && !t->fin_sent)
        return !tcp_fin_ready(t);
    return t->blocked_above;
}

/*= RFC 9293 3.8.6.1
 * The transmitting host SHOULD send the first zero-window probe when a zero window has existed
 * for the retransmission timeout period (SHLD-29) (Section 3.8.1), and SHOULD increase
 * exponentially the interval between successive probes (SHLD-30). */
plait_time tcp_persist_timeout(const struct tcb *t)
{
    plait_time d = t->loss.rtt.rto;

    if (d < TCP_PERSIST_MIN)
        d = TCP_PERSIST_MIN;
    for (unsigned i = 0; i < t->persist_backoff && d < TCP_PERSIST_MAX; i++)
        d *= 2;
    return earlier(d, TCP_PERSIST_MAX);
}

static void rearm_persist(struct tcb *t)
{
    if (!tcp_persist_wanted(t)) {
        t->persist_at = PLAIT_NEVER;
        t->persist_n = t->persist_backoff = 0;
        t->persist_due = false;
    } else if (t->persist_at == PLAIT_NEVER && !t->persist_due) {
        t->persist_at = t->last_rcvd + tcp_persist_timeout(t);
    }
}

/*= RFC 9293 MAY-5 */
/*= RFC 9293 3.8.4
 * Keep-alive packets MUST only be sent when no sent data is outstanding, and no data or
 * acknowledgment packets have been received for the connection within an interval (MUST-26). */
static void rearm_keepalive(struct tcb *t)
{
    bool idle = t->sndq.una == t->sndq.nxt && tcp_sndq_unsent(&t->sndq) == 0 &&
                (may_send_data(t) || t->state == TCP_ST_FIN_WAIT_2);

    if (t->cfg->keepalive_idle == 0 || !idle || t->persist_at != PLAIT_NEVER || t->persist_due)
        t->keepalive_due = false;
    if (t->cfg->keepalive_idle == 0 || !idle || t->keepalive_due || t->persist_at != PLAIT_NEVER)
        t->keepalive_at = PLAIT_NEVER;
    else
        t->keepalive_at = t->last_rcvd + t->cfg->keepalive_idle +
                          t->keepalive_n * t->cfg->keepalive_interval;
}

/* Since when somebody waits for the peer. */
static void rearm_progress(struct tcb *t, plait_time now)
{
    bool waits = t->sndq.una != t->sndq.nxt || tcp_persist_wanted(t);

    if (!waits || t->state == TCP_ST_TIME_WAIT)
        t->progress_at = PLAIT_NEVER;
    else if (t->progress_at == PLAIT_NEVER)
        t->progress_at = now;
}

void tcp_rearm(struct tcb *t, plait_time now)
{
    if (t->state == TCP_ST_CLOSED)
        return;
    tcp_sync_mss(t);
    if (t->sndq.f->recs.count >= t->sndq.recs_max)
        (void)tcp_sndq_reserve(&t->sndq, false); /* new data waits for a record: make some free */
    rearm_persist(t);
    rearm_keepalive(t);
    rearm_progress(t, now);
}

/*= RFC 9293 3.8.3
 * (d) An application MUST (MUST-21) be able to set the value for R2 for a particular connection. */
static plait_time user_timeout_at(const struct tcb *t)
{
    if (t->cfg->user_timeout == 0 || t->progress_at == PLAIT_NEVER)
        return PLAIT_NEVER;
    return t->progress_at + t->cfg->user_timeout;
}

plait_time tcp_deadline(const struct tcb *t)
{
    plait_time d;

    if (t->state == TCP_ST_CLOSED)
        return PLAIT_NEVER;
    d = t->time_wait_at;
    if (t->ack_pending && !t->ack_now)
        d = earlier(d, t->ack_at);
    if (t->state == TCP_ST_TIME_WAIT)
        return d;
    d = earlier(d, t->loss.f->deadline);
    if (tcp_held(t) && tcp_loss_quota(&t->loss, &t->sndq) > 0)
        d = earlier(d, tcp_rate_deadline(&t->loss));
    d = earlier(d, t->persist_at);
    d = earlier(d, t->keepalive_at);
    d = earlier(d, user_timeout_at(t));
    if (t->state == TCP_ST_FIN_WAIT_2)
        d = earlier(d, t->fin_wait_2_at);
    /* Data was pushed, or the word came from above, while the window was closed: not armed yet. */
    if (t->persist_at == PLAIT_NEVER && !t->persist_due && tcp_persist_wanted(t))
        d = earlier(d, t->last_rcvd + tcp_persist_timeout(t));
    return d;
}

/* The peer does not answer any more. */
static void give_up(struct tcb *t, enum plait_reason reason, plait_time now, struct tcp_result *res)
{
    ctx_count(t->ctx, reason);
    res->reason = reason;
    res->closed = true;
    tcp_abort(t, reason, now);
}

static void trace_rto(const struct tcb *t, plait_time now)
{
    struct plait_trace ev = {
        .type = PLAIT_TRACE_RTO, .subflow = t->subflow_id, .conn = t->conn_id, .now = now,
        .a = tcp_rtt_timeout(&t->loss.rtt), .b = t->loss.rto_n,
        .local = t->local, .remote = t->remote,
    };

    ctx_trace(t->ctx, &ev);
}

/*= RFC 9293 MUST-20, SHLD-11 */
/*= RFC 9293 3.8.3
 * When the number of transmissions of the same segment reaches a threshold R2 greater than R1,
 * close the connection. */
static bool patience_ends(const struct tcb *t, plait_time now)
{
    /*= RFC 9293 3.8.6.1
     * As long as the receiving TCP peer continues to send acknowledgments in response to the probe
     * segments, the sending TCP peer MUST allow the connection to stay open (MUST-37). */
    /*= RFC 9293 3.8.6
     * SHOULD NOT time out the connection if data beyond the right window edge is not acknowledged
     * (SHLD-17) */
    if (t->snd_wnd == 0 && now - t->last_rcvd < TCP_ALIVE_RECENTLY)
        return false;
    return t->loss.rto_n > t->retries;
}

static void tick_loss(struct tcb *t, plait_time now, struct tcp_result *res)
{
    bool opening = t->state == TCP_ST_SYN_SENT || t->state == TCP_ST_SYN_RECEIVED;
    enum tcp_loss_timer timer;

    if (now < t->loss.f->deadline || t->state == TCP_ST_TIME_WAIT)
        return;
    timer = tcp_loss_expire(&t->loss, &t->sndq, now);
    tcp_pmtu_review(t, now);
    if (timer != TCP_TIMER_RTO)
        return;
    tcp_pmtu_timed_out(t, now);
    trace_rto(t, now);
    /*= RFC 9293 3.8.3
     * SYN retransmissions MUST be handled in the general way just described for data
     * retransmissions, including notification of the application layer. */
    if (opening && t->loss.rto_n > t->syn_retries)
        give_up(t, PLAIT_REASON_SYN_TIMEOUT, now, res);
    else if (opening)
        t->syn_rtx_due = true;
    else if (patience_ends(t, now))
        give_up(t, PLAIT_REASON_RETRIES, now, res);
}

static void tick_persist(struct tcb *t, plait_time now, struct tcp_result *res)
{
    if (now < t->persist_at)
        return;
    if (t->persist_n > t->retries) {
        give_up(t, PLAIT_REASON_RETRIES, now, res);
        return;
    }
    t->persist_due = true;
    t->persist_at = PLAIT_NEVER;
}

static void tick_keepalive(struct tcb *t, plait_time now, struct tcp_result *res)
{
    if (now < t->keepalive_at)
        return;
    /*= RFC 9293 3.8.4
     * Consequently, if a keep-alive mechanism is implemented it MUST NOT interpret failure to
     * respond to any specific probe as a dead connection (MUST-29). */
    if (t->keepalive_n >= t->cfg->keepalive_probes) {
        give_up(t, PLAIT_REASON_KEEPALIVE, now, res);
        return;
    }
    t->keepalive_due = true;
    t->keepalive_at = PLAIT_NEVER;
}

/* The timers that end a tcb. */
static void tick_ends(struct tcb *t, plait_time now, struct tcp_result *res)
{
    if (now >= t->time_wait_at) {
        res->closed = true;
        tcp_gone(t, PLAIT_REASON_LOCAL_CLOSE, now);
    } else if (now >= user_timeout_at(t)) {
        /*= RFC 9293 3.10.8
         * For any state if the user timeout expires, flush all queues, signal the user "error:
         * connection aborted due to user timeout" in general and for any outstanding calls, delete
         * the TCB, enter the CLOSED state, and return. */
        give_up(t, PLAIT_REASON_USER_TIMEOUT, now, res);
    } else if (t->state == TCP_ST_FIN_WAIT_2 && now >= t->fin_wait_2_at) {
        give_up(t, PLAIT_REASON_USER_TIMEOUT, now, res);
    }
}

void tcp_tick(struct tcb *t, plait_time now, struct tcp_result *res)
{
    memset(res, 0, sizeof *res);
    if (t->state == TCP_ST_CLOSED)
        return;
    tcp_rearm(t, now);
    tcp_rate_refresh(&t->loss, now);
    if (t->ack_pending && now >= t->ack_at)
        t->ack_now = true;
    tick_ends(t, now, res);
    if (t->state != TCP_ST_CLOSED)
        tick_loss(t, now, res);
    if (t->state != TCP_ST_CLOSED)
        tick_persist(t, now, res);
    if (t->state != TCP_ST_CLOSED)
        tick_keepalive(t, now, res);
    tcp_rearm(t, now);
}

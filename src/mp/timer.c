/* SPDX-License-Identifier: Apache-2.0 */
/* Time of a connection: its deadline, what happens then, and the judgement that a path has gone
 * silent.
 *
 * Called by the stack. Each set of deadlines is derived where its subject lives; here they meet.
 *
 * A path is judged by silence: data is out on it, and nothing at all has come back for three
 * round trips and an allowance; or it has had a time-out. The queue counts in one of the three
 * alone: while it drains, ACKs come one after the other. That is too early for a lone packet whose
 * ACK a peer may hold back, but a copy of one packet costs little: where the path answers after all
 * it has that much longer from then on. Only while another path lives: either it has been heard in
 * the meantime, or it is idle and can be asked. Then what the silent path carries goes to the
 * others, at once, and the scheduler leaves it alone. Its own retransmissions go on, at least once
 * in TIMEOUT_MAX, and the first answer brings it back. An only path is given up by TCP's count, or
 * early enough before the user timeout for another one. RFC 8684 3.3.6. */
#include "mp_int.h"

#define SILENCE_MIN (50 * PLAIT_MSEC)
#define ALLOWANCE_MIN (20 * PLAIT_MSEC)
#define ACK_DELAY_MAX (200 * PLAIT_MSEC) /* of the peer, where only one packet is out */
#define JUDGE_AGAIN (10 * PLAIT_MSEC)
#define TIMEOUT_MAX (1 * PLAIT_SEC)
#define BACKOFF_END (60 * PLAIT_SEC) /* RFC 6298 2.5: no time-out is longer */

static bool has_out(const struct mp_subflow *s) { return s->tcb.sndq.una != s->tcb.sndq.nxt; }

static plait_time silent_since(const struct mp_subflow *s)
{
    return mp_later(s->tcb.last_rcvd, s->tcb.loss.last_progress);
}

static bool is_lone(const struct mp_subflow *s)
{
    return tcp_sndq_flight(&s->tcb.sndq) <= tcp_payload_mss(&s->tcb);
}

plait_time mp_patience(const struct mp_subflow *s)
{
    const struct tcp_rtt *r = &s->tcb.loss.rtt;
    plait_time wait;

    if (r->srtt == 0)
        return r->rto;
    wait = r->srtt + 2 * mp_earlier(r->min_rtt, r->srtt) + mp_later(4 * r->rttvar, ALLOWANCE_MIN);
    return mp_later(wait, SILENCE_MIN) + (is_lone(s) ? s->ack_delay : 0);
}

/* When its silence will have lasted too long; PLAIT_NEVER: it is not waited for. */
static plait_time judge_deadline(const struct mp_conn *c, const struct mp_subflow *s)
{
    if (s->stale || !mp_subflow_usable(s) || !has_out(s) || c->mode != MP_MODE_MULTIPATH)
        return PLAIT_NEVER;
    if (!mp_has_other(c, s))
        return PLAIT_NEVER;
    return mp_later(silent_since(s) + mp_patience(s), s->judge_at);
}

/* Was another path heard in the second half of s's silence, or has one nothing to wait for? Else
 * all of them are silent, and it is the peer, or this host, that takes a break. */
static bool others_live(const struct mp_conn *c, const struct mp_subflow *s)
{
    plait_time half = silent_since(s) + mp_patience(s) / 2;

    MP_EACH(o, c)
        if (o != s && mp_subflow_usable(o) && !o->stale &&
            (!has_out(o) || o->tcb.last_rcvd > half))
            return true;
    return false;
}

void mp_stale(struct mp_subflow *s, plait_time now)
{
    struct mp_event ev = { .type = PLAIT_TRACE_SUBFLOW_STALE, .a = 1 };

    if (s->stale)
        return;
    s->stale = true;
    mp_trace(s->conn, s, ev, now);
    mp_tx_requeue(s);
}

/* It answers, and was judged for a lone packet not long ago: the peer held back its ACK. */
static void learn_ack_delay(struct mp_subflow *s, plait_time now)
{
    plait_time late = now + JUDGE_AGAIN - s->judge_at;

    if (s->ack_delay + late <= ACK_DELAY_MAX)
        s->ack_delay = (uint32_t)mp_earlier(s->ack_delay + late + late / 4, ACK_DELAY_MAX);
}

void mp_unstale(struct mp_subflow *s, plait_time now)
{
    struct mp_event ev = { .type = PLAIT_TRACE_SUBFLOW_STALE, .a = 0 };

    if (!s->stale || s->grounded)
        return;
    s->stale = false;
    if (s->lone)
        learn_ack_delay(s, now);
    mp_trace(s->conn, s, ev, now);
}

static void judge(struct mp_conn *c, struct mp_subflow *s, plait_time now)
{
    bool timed_out = s->tcb.loss.rto_n > 0 && has_out(s) && !s->stale;

    if (timed_out && mp_subflow_usable(s) && mp_has_other(c, s)) {
        mp_stale(s, now);
    } else if (timed_out && mp_subflow_usable(s)) {
        mp_path_changed(c); /* alone: a path manager may know another way */
    } else if (now >= judge_deadline(c, s)) {
        s->judge_at = now + JUDGE_AGAIN;
        s->lone = is_lone(s);
        if (others_live(c, s))
            mp_stale(s, now);
    }
}

/* When the only path, silent all the while, has had its share of the user timeout: what is left is
 * for another subflow, which may get through where a firewall or NAT has forgotten this one. It has
 * as long as a connection without subflows lives, or half where the user is not so patient. Only
 * who opens subflows does so. */
static plait_time last_chance_at(const struct mp_conn *c, const struct mp_subflow *s)
{
    plait_time user = c->cfg->user_timeout, wait = c->cfg->last_subflow_wait;

    if (user == 0 || (c->passive && !c->cfg->server_joins) || !c->dss_in ||
        !mp_is_open_for_join(c) || !mp_subflow_usable(s) || !has_out(s) || mp_has_other(c, s))
        return PLAIT_NEVER;
    return mp_later(silent_since(s), c->progress_at) +
           (user > 2 * wait ? user - wait : user / 2);
}

/* How many time-outs in a row there would have been by now, had they backed off. */
static uint8_t uncapped_timeouts(const struct mp_subflow *s, plait_time now)
{
    plait_time left = now - s->tcb.loss.last_progress, step = s->tcb.loss.rtt.rto;
    uint8_t n = 0;

    for (; left >= step && n < UINT8_MAX; n++) {
        left -= step;
        step = mp_earlier(2 * step, BACKOFF_END);
    }
    return n > 0 ? n : 1;
}

/* A path that comes back should be found soon: its probes do not back off for minutes. As the tcb
 * counts them to know when to give up, they count for what they stand for: the path has the time
 * that it would have had. */
static void cap_backoff(struct mp_subflow *s, plait_time now)
{
    struct tcp_rtt *r = &s->tcb.loss.rtt;
    bool changed = false;

    while (s->stale && r->backoff > 0 && tcp_rtt_timeout(r) > TIMEOUT_MAX) {
        r->backoff--;
        changed = true;
    }
    if (!changed)
        return;
    s->tcb.loss.rto_n = uncapped_timeouts(s, now);
    tcp_loss_rearm(&s->tcb.loss, &s->tcb.sndq, now);
}

static plait_time subflow_deadline(const struct mp_conn *c, const struct mp_subflow *s)
{
    plait_time at = mp_earlier(tcp_deadline(&s->tcb), judge_deadline(c, s));

    at = mp_earlier(at, last_chance_at(c, s));
    if (s->phase == MP_PHASE_DOWN)
        return PLAIT_NEVER;
    if (s->phase == MP_PHASE_PRE)
        at = mp_earlier(at, s->u.join.at);
    if (s->failed)
        at = mp_earlier(at, mp_earlier(s->u.fail.until, s->u.fail.again));
    if (!c->over && c->mode == MP_MODE_MULTIPATH) /* else mp_addr_tick() does not look at it */
        at = mp_earlier(at, s->probe_at);
    at = mp_earlier(at, mp_earlier(s->abort_at, s->fastclose_at));
    return mp_earlier(at, mp_opts_deadline(s));
}

plait_time mp_deadline(const struct mp_conn *c)
{
    plait_time at = mp_earlier(mp_close_deadline(c), c->rtx_at);

    at = mp_earlier(at, c->starved_at);
    if (!c->over && c->mode == MP_MODE_MULTIPATH)
        at = mp_earlier(at, mp_earlier(c->pm_at, mp_addr_deadline(c)));
    MP_EACH(s, c)
        at = mp_earlier(at, subflow_deadline(c, s));
    return at;
}

static void tick_subflow(struct mp_subflow *s, plait_time now)
{
    struct tcp_result res;

    if (s->phase == MP_PHASE_DOWN)
        return;
    tcp_tick(&s->tcb, now, &res);
    mp_subflow_settle(s, now);
    mp_opts_tick(s, now);
    if (s->phase != MP_PHASE_DOWN)
        mp_join_tick(s, now);
    if (s->phase != MP_PHASE_DOWN)
        mp_fastclose_tick(s, now);
    if (s->phase != MP_PHASE_DOWN)
        mp_fail_tick(s, now);
    if (s->phase != MP_PHASE_DOWN && now >= s->abort_at) {
        s->abort_at = PLAIT_NEVER;
        if (s->tcb.state != TCP_ST_TIME_WAIT)
            mp_subflow_abort(s, PLAIT_REASON_LOCAL_CLOSE, now);
    }
}

/* What found no memory is tried again: output by itself, writing by the application, and what waits
 * in the subflows' queues. */
static void try_again(struct mp_conn *c, plait_time now)
{
    if (now < c->starved_at)
        return;
    c->starved_at = PLAIT_NEVER;
    if (c->want_write)
        c->news |= MP_NEWS_WRITABLE;
    c->want_write = false;
    MP_EACH(s, c)
        if (s->phase == MP_PHASE_OPEN)
            mp_rx_deliver(s, now);
}

void mp_tick(struct mp_conn *c, plait_time now)
{
    try_again(c, now);
    MP_EACH(s, c)
        tick_subflow(s, now);
    if (!c->over && c->mode == MP_MODE_MULTIPATH) {
        MP_EACH(s, c) {
            judge(c, s, now);
            cap_backoff(s, now);
            if (now >= last_chance_at(c, s))
                mp_subflow_abort(s, PLAIT_REASON_RETRIES, now);
        }
        mp_rtx_expire(c, now);
        mp_addr_tick(c, now);
    }
    mp_close_tick(c, now);
    mp_settle(c, now);
}

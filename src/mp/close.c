/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection ends: DATA_FIN and the states of appendix D, fast close, and time-outs.
 *
 * Called by conn.c after each step (mp_close_step), by opts.c for MP_FASTCLOSE, by the stack for
 * the application. The state has one writer, mp_set_state(). Three facts drive it: we want to
 * finish (fin_wanted), the peer has all of it (fin_acked), the peer has finished (fin_received).
 * On a plain connection the subflow's FIN gives the same three facts.
 *
 * Subflows are closed by FIN when both directions are finished, and not before: a subflow that is
 * closed in one direction is closed in both by widely deployed peers. One that seems dead gets a
 * RST.
 *
 * A fast close is a RST with MP_FASTCLOSE on each subflow (RFC 8684 3.5, option R); of the peer
 * both options are taken. Version 0 knows an ACK with MP_FASTCLOSE on one subflow alone: that one
 * outlives the connection in FASTCLOSE_WAIT until the peer's RST. RFC 8684 3.3.3, 3.5, appendix D;
 * RFC 6824 3.5. */
#include "mp_int.h"

#define FIN_RTO_MIN (200 * PLAIT_MSEC)
#define FIN_RTO_MAX (30 * PLAIT_SEC)
#define FIN_WAIT_2 (60 * PLAIT_SEC)
#define FIN_PATIENCE (20 * PLAIT_SEC)
#define ORPHAN (60 * PLAIT_SEC)
#define FASTCLOSE_RTO_MIN (200 * PLAIT_MSEC)
enum { FIN_TRIES = 15, FIN_TRIES_UNHEARD = 4, FASTCLOSE_TRIES = 4 };

const char *mp_state_name(enum mp_state s)
{
    static const char *const name[] = {
        "M-CLOSED",  "M-CONNECTING", "M-ESTAB",      "M-FIN-WAIT-1", "M-FIN-WAIT-2",
        "M-CLOSING", "M-TIME-WAIT",  "M-CLOSE-WAIT", "M-LAST-ACK",   "M-FASTCLOSE-WAIT",
    };

    return (unsigned)s < sizeof name / sizeof name[0] ? name[s] : "?";
}

int mp_err_of(enum plait_reason why)
{
    switch (why) {
    case PLAIT_REASON_SYN_REFUSED:
        return PLAIT_ECONNREFUSED;
    case PLAIT_REASON_USER_TIMEOUT:
    case PLAIT_REASON_RETRIES:
    case PLAIT_REASON_KEEPALIVE:
    case PLAIT_REASON_SYN_TIMEOUT:
    case PLAIT_REASON_NO_SUBFLOWS:
        return PLAIT_ETIMEDOUT;
    case PLAIT_REASON_ICMP_ERROR:
        return PLAIT_EUNREACH;
    case PLAIT_REASON_LOCAL_ABORT:
    case PLAIT_REASON_LOCAL_CLOSE:
    case PLAIT_REASON_ADDR_REMOVED:
    case PLAIT_REASON_DATA_AFTER_CLOSE:
        return PLAIT_ECONNABORTED;
    case PLAIT_REASON_NO_MEMORY:
        return PLAIT_ENOMEM;
    case PLAIT_REASON_NOT_MPTCP:
        return PLAIT_ENOTMPTCP;
    case PLAIT_REASON_RST_RECEIVED:
    case PLAIT_REASON_FASTCLOSE:
        return PLAIT_ECONNRESET;
    default:
        return PLAIT_EPROTO;
    }
}

/* ---- states --------------------------------------------------------------------------------- */

/*= RFC 8684 3.3.3-4 */
/*= RFC 8684 3.3.3
 * Once a DATA_FIN has been acknowledged, all remaining subflows MUST be closed with standard FIN
 * exchanges. */
/*= RFC 8684 3.3.3
 * In particular, any subflows where there is still outstanding data queued (which has been
 * retransmitted on other subflows in order to get the DATA_FIN acknowledged) MAY be closed with a
 * RST with an MP_TCPRST (Section 3.6) error code for "too much outstanding data". */
static void close_subflows(struct mp_conn *c, plait_time now)
{
    MP_EACH(s, c) {
        if (s->stale && s->carry.count > 0) {
            s->rst_outstanding = true;
            mp_subflow_abort(s, PLAIT_REASON_LOCAL_CLOSE, now);
            continue;
        }
        mp_subflow_close(s, now);
        s->tcb.fin_wait_2_at = now + FIN_WAIT_2;
        if (c->mode == MP_MODE_MULTIPATH) /* everything is said: the FIN is a courtesy */
            s->abort_at = now + FIN_PATIENCE;
    }
}

/*= RFC 8684 3.3.3
 * Essentially, a host MUST NOT close all functioning subflows unless it is safe to do so, i.e.,
 * until all outstanding data has been DATA_ACKed or until the segment with the DATA_FIN flag set is
 * the only outstanding segment. */
static void enter_over(struct mp_conn *c, plait_time now)
{
    if (c->over)
        return;
    c->over = true;
    c->fin_at = c->rtx_at = c->alone_at = c->orphan_at = c->pm_at = PLAIT_NEVER;
    c->news |= MP_NEWS_TOKEN | MP_NEWS_READABLE;
    if (c->err == 0)
        close_subflows(c, now);
}

void mp_set_state(struct mp_conn *c, enum mp_state to, plait_time now)
{
    struct mp_event ev = { .type = PLAIT_TRACE_CONN_STATE, .reason = c->why, .a = (uint64_t)to,
                           .b = (uint64_t)c->state };

    if (c->state == to)
        return;
    c->state = to;
    mp_trace(c, NULL, ev, now);
    if (to == MP_ST_CLOSED || to == MP_ST_TIME_WAIT || to == MP_ST_FASTCLOSE_WAIT)
        enter_over(c, now);
}

static bool all_down(const struct mp_conn *c)
{
    MP_EACH(s, c)
        if (s->phase != MP_PHASE_DOWN)
            return false;
    return true;
}

/* The next state by what is known (RFC 8684 figure 22). */
static enum mp_state next_state(const struct mp_conn *c)
{
    switch (c->state) {
    case MP_ST_ESTAB:
        if (c->fin_wanted)
            return MP_ST_FIN_WAIT_1;
        return c->fin_received ? MP_ST_CLOSE_WAIT : c->state;
    case MP_ST_FIN_WAIT_1:
        if (c->fin_acked)
            return MP_ST_FIN_WAIT_2;
        return c->fin_received ? MP_ST_CLOSING : c->state;
    case MP_ST_FIN_WAIT_2:
        return c->fin_received ? MP_ST_TIME_WAIT : c->state;
    case MP_ST_CLOSING:
        return c->fin_acked ? MP_ST_TIME_WAIT : c->state;
    case MP_ST_CLOSE_WAIT:
        return c->fin_wanted ? MP_ST_LAST_ACK : c->state;
    case MP_ST_LAST_ACK:
        return c->fin_acked ? MP_ST_CLOSED : c->state;
    case MP_ST_TIME_WAIT:
    case MP_ST_FASTCLOSE_WAIT:
        return all_down(c) ? MP_ST_CLOSED : c->state;
    default:
        return c->state;
    }
}

/* ---- our FIN -------------------------------------------------------------------------------- */

static void fin_rearm(struct mp_conn *c, const struct mp_subflow *s, plait_time now)
{
    plait_time rto = mp_later(tcp_rtt_timeout(&s->tcb.loss.rtt), FIN_RTO_MIN);

    c->fin_at = now + mp_earlier(rto << (c->fin_n < 8 ? c->fin_n : 8), FIN_RTO_MAX);
}

/* A DATA_FIN by itself: on the best subflow first, on all when that was not enough. An initiator
 * that nobody confirmed sends its keys before it once more. */
static void send_fin(struct mp_conn *c, plait_time now)
{
    struct mp_subflow *best = mp_best(c, NULL);

    if (best == NULL) {
        c->fin_at = PLAIT_NEVER;
        return;
    }
    MP_EACH(s, c)
        if (s == best || (c->fin_n > 0 && mp_subflow_usable(s))) {
            s->fin_due = true;
            s->capable_due = s->capable_due || (c->fin_n > 0 && mp_unconfirmed(s));
        }
    fin_rearm(c, best, now);
    c->fin_n++;
}

static void plain_fin(struct mp_conn *c, plait_time now)
{
    MP_EACH(s, c)
        if (s->phase == MP_PHASE_OPEN && !c->fin_sent) {
            c->fin_sent = true;
            tcp_close(&s->tcb, now);
        }
}

void mp_close_step(struct mp_conn *c, plait_time now)
{
    enum mp_state next;

    if (c->established && !c->over && c->fin_wanted && c->snd_nxt == c->store.end) {
        if (c->mode == MP_MODE_PLAIN)
            plain_fin(c, now);
        else if (!c->fin_acked && c->fin_at == PLAIT_NEVER)
            send_fin(c, now);
    }
    while ((next = next_state(c)) != c->state)
        mp_set_state(c, next, now);
    if (c->over && !c->closed_told && (c->err != 0 || c->rx.bytes == 0)) {
        c->closed_told = true;
        c->news |= MP_NEWS_CLOSED;
    }
}

/*= RFC 8684 4
 * The FIN flag in the TCP header applies only to the subflow it is sent on -- not to the whole
 * connection. */
void mp_subflow_fin(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    bool gone = !c->dss_in || (s->bare && s->unmapped_at == 0);

    if (c->mode == MP_MODE_MULTIPATH && s->first && gone && !c->over && mp_fallback_possible(s))
        mp_fallback(s, PLAIT_REASON_DSS_UNMAPPED, false, now);
    if (c->mode == MP_MODE_PLAIN && c->late_subflow_fin) {
        ctx_count(c->ctx, PLAIT_REASON_SUBFLOW_FIN);
        mp_conn_die(c, PLAIT_REASON_SUBFLOW_FIN, now);
    } else if (c->mode == MP_MODE_PLAIN) {
        c->fin_seen = true;
        c->fin_pos = reasm_inorder_end(&c->rx);
        mp_rx_check_fin(c, now);
    } else {
        mp_subflow_close(s, now);
    }
}

/* ---- the application ------------------------------------------------------------------------ */

int mp_shutdown(struct mp_conn *c, plait_time now)
{
    if (c->err != 0)
        return c->err;
    if (c->fin_wanted)
        return 0;
    if (c->over)
        return PLAIT_ENOTCONN;
    if (!mp_tx_outstanding(c))
        c->progress_at = now;
    c->fin_wanted = true;
    mp_settle(c, now);
    return 0;
}

void mp_abort(struct mp_conn *c, enum plait_reason reason, plait_time now)
{
    mp_conn_die(c, reason, now);
}

/*= RFC 9293 3.6.1
 * A host MAY implement a "half-duplex" TCP close sequence, so that an application that has called
 * CLOSE cannot continue to read data from the connection (MAY-1). */
void mp_release(struct mp_conn *c, plait_time now)
{
    c->released = true;
    if (c->over)
        return;
    /*= RFC 9293 3.6.1
     * If such a host issues a CLOSE call while received data is still pending in the TCP
     * connection, or if new data is received after CLOSE is called, its TCP implementation SHOULD
     * send a RST to show that data was lost (SHLD-3). */
    if (!c->established || reasm_peek(&c->rx) != NULL) {
        mp_conn_die(c, PLAIT_REASON_LOCAL_ABORT, now);
        return;
    }
    c->orphan_at = now + ORPHAN;
    mp_shutdown(c, now);
}

int mp_error(const struct mp_conn *c, enum plait_reason *reason)
{
    if (reason != NULL)
        *reason = c->why;
    return c->err;
}

/* ---- abrupt ends ---------------------------------------------------------------------------- */

/*= RFC 6824 3.5
 * On all the other subflows, Host A sends a regular TCP RST to close these subflows, and tears them
 * down. Host A now enters FASTCLOSE_WAIT state. */
static void fastclose_wait(struct mp_subflow *last)
{
    last->closing = true;
    last->fastclose_due = true;
}

void mp_fastclose_sent(struct mp_subflow *s, plait_time now)
{
    /* The data's back-off is none of it: a connection often ends because they waited in vain. */
    plait_time rto = mp_later(s->tcb.loss.rtt.rto, FASTCLOSE_RTO_MIN);

    s->fastclose_due = false;
    s->fastclose_at = now + (rto << s->fastclose_n);
    s->fastclose_n++;
}

/*= RFC 6824 3.5
 * If Host A does not receive a TCP RST in reply to its MP_FASTCLOSE after one retransmission
 * timeout (RTO) (the RTO of the subflow where the MPTCP_RST has been sent), it SHOULD retransmit
 * the MP_FASTCLOSE. The number of retransmissions SHOULD be limited to avoid this connection from
 * being retained for a long time, but this limit is implementation specific. A RECOMMENDED number
 * is 3. */
void mp_fastclose_tick(struct mp_subflow *s, plait_time now)
{
    if (now < s->fastclose_at)
        return;
    s->fastclose_at = PLAIT_NEVER;
    if (s->fastclose_n < FASTCLOSE_TRIES)
        s->fastclose_due = true;
    else
        mp_subflow_abort(s, s->conn->why, now);
}

void mp_conn_die(struct mp_conn *c, enum plait_reason why, plait_time now)
{
    bool tell = c->mode == MP_MODE_MULTIPATH && c->has_remote && why != PLAIT_REASON_FASTCLOSE;
    struct mp_subflow *last = tell && c->version == 0 ? mp_best(c, NULL) : NULL;
    struct mp_event ev = { .type = PLAIT_TRACE_FASTCLOSE, .reason = why, .a = 0 };

    if (c->over)
        return;
    c->err = mp_err_of(why);
    c->why = why;
    mp_set_state(c, last != NULL ? MP_ST_FASTCLOSE_WAIT : MP_ST_CLOSED, now);
    if (tell && mp_alive_n(c) > 0)
        mp_trace(c, NULL, ev, now);
    if (last != NULL)
        fastclose_wait(last);
    MP_EACH(s, c) {
        if (s == last)
            continue;
        s->rst_fastclose = tell && c->version != 0;
        mp_subflow_abort(s, why, now);
    }
    mp_close_step(c, now);
}

/*= RFC 8684 3.5
 * upon receipt of a RST with MP_FASTCLOSE, containing the valid key, Host B tears down all
 * subflows by sending a TCP RST */
void mp_fastclose_input(struct mp_subflow *s, uint64_t key, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct mp_event ev = { .type = PLAIT_TRACE_FASTCLOSE, .reason = PLAIT_REASON_FASTCLOSE,
                           .a = 1 };

    if (key != c->local.key) {
        mp_drop(c, s, PLAIT_REASON_FASTCLOSE_KEY, now);
        return;
    }
    ctx_count(c->ctx, PLAIT_REASON_FASTCLOSE);
    mp_trace(c, s, ev, now);
    /*= RFC 6824 3.5
     * If Host A receives an MP_FASTCLOSE instead of a TCP RST, both hosts attempted fast closure
     * simultaneously. Host A should reply with a TCP RST and tear down the connection. */
    if (c->state == MP_ST_FASTCLOSE_WAIT)
        mp_subflow_abort(s, PLAIT_REASON_FASTCLOSE, now);
    mp_conn_die(c, PLAIT_REASON_FASTCLOSE, now);
}

/* ---- time ----------------------------------------------------------------------------------- */

static plait_time user_timeout_at(const struct mp_conn *c)
{
    if (c->cfg->user_timeout == 0 || c->over || !mp_tx_outstanding(c))
        return PLAIT_NEVER;
    return c->progress_at + c->cfg->user_timeout;
}

plait_time mp_close_deadline(const struct mp_conn *c)
{
    plait_time at = mp_earlier(c->fin_at, user_timeout_at(c));

    return mp_earlier(at, mp_earlier(c->alone_at, c->orphan_at));
}

/* Nobody is waited for any longer. */
static void expire(struct mp_conn *c, enum plait_reason why, plait_time now)
{
    ctx_count(c->ctx, why);
    mp_conn_die(c, why, now);
}

/* Released, and the peer does not come to an end: it gets as long as our data makes progress. */
static void orphan_tick(struct mp_conn *c, plait_time now)
{
    if (now < c->orphan_at)
        return;
    if (mp_tx_outstanding(c) && now < c->progress_at + ORPHAN)
        c->orphan_at = c->progress_at + ORPHAN;
    else
        expire(c, PLAIT_REASON_USER_TIMEOUT, now);
}

/* No DSS ever came, not even in answer to our DATA_FIN: nobody speaks MPTCP here, and there was
 * no data to notice it by. Only the initiator may think so: a responder was shown both keys, and
 * silence is loss. Were it to go plain alone, its peer would answer the FIN with one of its own,
 * which would pass for the end of a stream that has more to come. */
static void give_up_mptcp(struct mp_conn *c, plait_time now)
{
    struct mp_subflow *s = mp_best(c, NULL);

    if (s != NULL && mp_fallback_possible(s))
        mp_fallback(s, PLAIT_REASON_MP_NO_DATA_ACK, false, now);
    else
        send_fin(c, now);
}

void mp_close_tick(struct mp_conn *c, plait_time now)
{
    if (c->over)
        return;
    if (now >= c->fin_at && c->fin_n > FIN_TRIES)
        expire(c, PLAIT_REASON_RETRIES, now);
    else if (now >= c->fin_at && c->fin_n >= FIN_TRIES_UNHEARD && !c->dss_in && !c->passive)
        give_up_mptcp(c, now);
    else if (now >= c->fin_at)
        send_fin(c, now);
    if (now >= user_timeout_at(c))
        expire(c, PLAIT_REASON_USER_TIMEOUT, now);
    /*= RFC 8684 3.3.3
     * If all subflows have been closed with a FIN exchange but no DATA_FIN has been received and
     * acknowledged, the MPTCP connection is treated as closed only after a timeout. */
    if (!c->over && now >= c->alone_at)
        expire(c, PLAIT_REASON_NO_SUBFLOWS, now);
    if (!c->over)
        orphan_tick(c, now);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* MPTCP options on the way in (dispatch) and on the way out (decoration of a planned segment).
 *
 * Called by conn.c around tcp_input(), tcp_plan() and tcp_commit(). What an option means lives in
 * the file of its subject; here is which segment carries which.
 *
 * Out: data carries a DSS with mapping and DATA_ACK, always the same mapping for the same chunk.
 * A segment without payload carries a DATA_ACK, or one signal and, where it fits beside
 * timestamps, the DATA_ACK too. Signals other than DSS and the handshakes keep to two ACKs in a
 * row. A plain connection gets nothing. RFC 8684 3, 3.3, 3.4.1, 3.6, appendix A. */
#include "mp_int.h"

#include <string.h>

#define SIGNAL_GAP_MIN (200 * PLAIT_MSEC)
enum { /* of MP_TCPRST */
    CODE_UNSPECIFIED = 0, CODE_MPTCP = 1, CODE_RESOURCES = 2, CODE_PROHIBITED = 3,
    CODE_PERFORMANCE = 5, CODE_MIDDLEBOX = 6,
};

/* ---- in ------------------------------------------------------------------------------------- */

/*= RFC 6824 3.3.8
 * This applies the given setting of B to all subflows in this connection that use the address
 * identified by the given Address ID. */
static void prio_of_address(struct mp_subflow *s, const struct wire_mp *mp)
{
    MP_EACH(o, s->conn)
        if (o->remote_id == mp->prio_id || o->peer_id == mp->prio_id)
            o->backup_remote = mp->prio_backup;
}

static void prio_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    struct mp_event ev = { .type = PLAIT_TRACE_PRIO_IN, .a = seg->mp.prio_backup };

    if (seg->mp.prio_has_id) { /* version 1 has no such form */
        if (s->conn->version == 0)
            prio_of_address(s, &seg->mp);
        return;
    }
    /*= RFC 8684 3.3.8
     * the MP_PRIO option, shown in Figure 11, can be used to change the "B" flag of the subflow on
     * which it is sent */
    s->backup_remote = seg->mp.prio_backup;
    mp_trace(s->conn, s, ev, now);
}

static bool has_data_capable(const struct mp_subflow *s, const struct wire_seg *seg)
{
    return s->first && !s->initiator && s->conn->version != 0 && seg->len > 0 &&
           wire_mp_has(&seg->mp, WIRE_MP_CAPABLE) && seg->mp.capable.len > 20;
}

/* What a peer says that does not know yet, or never learns, that we went plain. Its FIN ends the
 * subflow alone; to take that for the end of its data would cut the stream short in silence. */
/*= RFC 8684 3.7
 * the receiver of an MP_FAIL MUST also respond with an MP_FAIL in the reverse direction and
 * entirely revert to a regular TCP session */
static void late_dss(struct mp_subflow *s, const struct wire_seg *seg)
{
    struct mp_conn *c = s->conn;
    const struct wire_mp_dss *d = &seg->mp.dss;

    if (!wire_mp_has(&seg->mp, WIRE_MP_DSS) || (d->has_map && d->dll == 0))
        return;
    c->late_data_fin = c->late_data_fin || d->data_fin;
    if ((seg->flags & WIRE_FIN) != 0 && !c->late_data_fin)
        c->late_subflow_fin = true;
    if (wire_mp_has(&seg->mp, WIRE_MP_FAIL) && c->fallback == PLAIT_REASON_MP_FAIL_RECEIVED &&
        c->version != 0)
        s->fail_due = true; /* our answer got lost */
}

void mp_opts_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    struct mp_conn *c = s->conn;
    const struct wire_mp *mp = &seg->mp;

    if (c->mode != MP_MODE_MULTIPATH) {
        late_dss(s, seg);
        return;
    }
    if (!s->first)
        mp_join_input(s, seg, now);
    if (s->phase == MP_PHASE_OPEN && wire_mp_has(mp, WIRE_MP_FASTCLOSE))
        mp_fastclose_input(s, mp->fastclose_key, now);
    if (s->phase == MP_PHASE_OPEN && wire_mp_has(mp, WIRE_MP_FAIL))
        mp_fail_input(s, mp->fail_dsn, now);
    if (s->phase != MP_PHASE_OPEN || c->mode != MP_MODE_MULTIPATH)
        return;
    if (wire_mp_has(mp, WIRE_MP_DSS))
        mp_dss_input(s, seg, now);
    else if (has_data_capable(s, seg))
        mp_dss_capable(s, seg, now);
    if (s->phase != MP_PHASE_OPEN || c->mode != MP_MODE_MULTIPATH)
        return;
    if (wire_mp_has(mp, WIRE_MP_PRIO))
        prio_input(s, seg, now);
    if (wire_mp_has(mp, WIRE_MP_ADD_ADDR) || wire_mp_has(mp, WIRE_MP_REMOVE_ADDR))
        mp_addr_input(s, seg, now);
}

/*= RFC 8684 3.6
 * The host MAY use this information to decide, for example, whether it tries to re-establish the
 * subflow immediately, later, or never. */
/*= RFC 8684 3.6
 * If the error condition is considered to be Transient by the sender of the RST segment, the
 * recipient of this segment MAY try to re-establish a subflow for this connection over the failed
 * path. */
void mp_opts_reset(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    struct mp_conn *c = s->conn;
    const struct wire_mp *mp = &seg->mp;
    struct mp_event ev = { .type = PLAIT_TRACE_RESET, .reason = PLAIT_REASON_RST_RECEIVED, .a = 1 };

    s->reset_in = true;
    if (wire_mp_has(mp, WIRE_MP_TCPRST) && c->version != 0) {
        ctx_count(c->ctx, PLAIT_REASON_TCPRST);
        ev.reason = PLAIT_REASON_TCPRST;
        ev.b = mp->rst.reason;
        /*= RFC 8684 3.6
         * If the error condition is considered to be Permanent, the receiver of the RST segment
         * SHOULD NOT try to re-establish a subflow for this connection over this path. */
        /*= RFC 8684 3.6-3 */
        s->rst_permanent = !mp->rst.transient && mp->rst.reason != 0;
        /*= RFC 8684 3.6
         * If the error condition is considered to be Transient by the sender of the RST segment,
         * the recipient of this segment MAY try to re-establish a subflow for this connection over
         * the failed path. */
        s->rst_transient = mp->rst.transient;
        s->refused = mp->rst.reason == CODE_MPTCP;
    }
    mp_trace(c, s, ev, now);
    if (c->mode == MP_MODE_MULTIPATH && wire_mp_has(mp, WIRE_MP_FAIL))
        ctx_count(c->ctx, PLAIT_REASON_MP_FAIL_RECEIVED);
    if (c->mode == MP_MODE_MULTIPATH && wire_mp_has(mp, WIRE_MP_FASTCLOSE))
        mp_fastclose_input(s, mp->fastclose_key, now);
}

/* ---- what a segment without payload should say ---------------------------------------------- */

/*= RFC 8684 3
 * Additionally, an MPTCP implementation SHOULD NOT send more than two duplicate ACKs in a row for
 * the purposes of sending MPTCP options alone, in order to ensure that no middleboxes misinterpret
 * this as a sign of congestion. */
/*= RFC 8684 3.4.1
 * an MPTCP implementation SHOULD NOT send more than two duplicate ACKs in a row for signaling
 * purposes */
static bool gate_open(const struct mp_subflow *s, plait_time now)
{
    return s->sig_n < MP_SIGNALS_IN_A_ROW || now >= s->sig_at;
}

/* Signals that the gate does not hold back. */
static enum mp_signal urgent_signal(const struct mp_subflow *s)
{
    if (s->phase == MP_PHASE_PRE)
        return MP_SIG_JOIN;
    if (s->phase != MP_PHASE_OPEN || !tcp_is_synchronized(&s->tcb))
        return MP_SIG_NONE;
    if (s->fastclose_due)
        return MP_SIG_FASTCLOSE;
    if (s->conn->mode == MP_MODE_PLAIN)
        return s->fail_due ? MP_SIG_FAIL : MP_SIG_NONE;
    if (mp_unconfirmed(s))
        return s->fin_due && !s->capable_due ? MP_SIG_FIN : MP_SIG_CAPABLE;
    if (s->fail_due)
        return MP_SIG_FAIL;
    return s->fin_due ? MP_SIG_FIN : MP_SIG_NONE;
}

static enum mp_signal gated_signal(struct mp_subflow *s)
{
    if (s->phase != MP_PHASE_OPEN || s->conn->mode != MP_MODE_MULTIPATH || s->closing)
        return MP_SIG_NONE;
    if (s->prio_due)
        return MP_SIG_PRIO;
    return mp_addr_signal(s);
}

static enum mp_signal next_signal(struct mp_subflow *s, plait_time now)
{
    enum mp_signal signal = urgent_signal(s);

    if (signal == MP_SIG_NONE && gate_open(s, now))
        signal = gated_signal(s);
    return signal;
}

/* Does it want an ACK of its own, or only ride on one? */
static bool is_due(const struct mp_subflow *s, enum mp_signal signal)
{
    if (signal == MP_SIG_JOIN)
        return s->join_due;
    if (signal == MP_SIG_CAPABLE)
        return s->capable_due;
    return signal != MP_SIG_NONE;
}

plait_time mp_opts_deadline(const struct mp_subflow *s)
{
    bool waits = s->prio_due || s->remove_due || mp_addr_pending(s);

    if (s->phase != MP_PHASE_OPEN || s->sig_n < MP_SIGNALS_IN_A_ROW || !waits)
        return PLAIT_NEVER;
    return s->sig_at;
}

void mp_opts_tick(struct mp_subflow *s, plait_time now)
{
    if (now >= s->sig_at)
        s->sig_n = 0;
}

/* ---- out ------------------------------------------------------------------------------------ */

/*= RFC 8684 3.7
 * The receiver SHOULD stop generating Data ACKs after it receives an infinite mapping. */
static bool speaks(const struct mp_conn *c)
{
    return c->mode == MP_MODE_MULTIPATH && c->has_remote;
}

/*= RFC 8684 3.3.1
 * an implementation MAY include just the lower 32 bits of the data sequence number in the Data
 * Sequence Mapping and/or Data ACK as an optimization, and an implementation can make this choice
 * independently for each packet */
/*= RFC 8684 3.3.2
 * If data is received with a 64-bit DSN, it MUST be acknowledged with a 64-bit Data ACK. */
static void add_data_ack(const struct mp_subflow *s, bool full, struct wire_mp *mp)
{
    const struct mp_conn *c = s->conn;

    mp->present |= 1u << WIRE_MP_DSS;
    mp->dss.has_ack = true;
    mp->dss.ack64 = full || c->dsn64_in;
    mp->dss.ack = mp_dsn_in(c, mp_rx_ack(s));
    if (!mp->dss.ack64)
        mp->dss.ack &= UINT32_MAX;
}

void mp_last_data_ack(const struct mp_subflow *s, struct wire_mp_dss *dss)
{
    struct wire_mp mp = {0};

    if (speaks(s->conn))
        add_data_ack(s, false, &mp);
    *dss = mp.dss;
}

/*= RFC 6824 3.5
 * Host A sends an ACK containing the MP_FASTCLOSE option on one subflow, containing the key of Host
 * B as declared in the initial connection handshake. */
static void add_fastclose(const struct mp_conn *c, struct wire_mp *mp)
{
    mp->present |= 1u << WIRE_MP_FASTCLOSE;
    mp->fastclose_key = c->remote.key;
}

/* The signal's own options. */
static void add_signal(const struct mp_subflow *s, enum mp_signal signal, struct wire_mp *mp)
{
    const struct mp_conn *c = s->conn;

    switch (signal) {
    case MP_SIG_NONE:
        if (c->state == MP_ST_FASTCLOSE_WAIT) /* the peer missed it, and still sends */
            add_fastclose(c, mp);
        break;
    case MP_SIG_JOIN:
        mp_join_ack_option(s, mp);
        break;
    case MP_SIG_FASTCLOSE:
        add_fastclose(c, mp);
        break;
    case MP_SIG_CAPABLE:
        mp_capable_ack_option(c, mp);
        break;
    case MP_SIG_FAIL:
        mp->present |= 1u << WIRE_MP_FAIL;
        mp->fail_dsn = s->fail_dsn;
        break;
    case MP_SIG_FIN:
        /*= RFC 8684 3.3.3
         * Note that when the DATA_FIN is not attached to a TCP segment containing data, the DSS
         * MUST have a subflow sequence number of 0, a Data-Level Length of 1, and the data
         * sequence number that corresponds with the DATA_FIN itself. */
        mp->present |= 1u << WIRE_MP_DSS;
        mp->dss.has_map = mp->dss.dsn64 = mp->dss.data_fin = true;
        mp->dss.dsn = mp_dsn_out(c, c->store.end);
        mp->dss.dll = 1;
        mp->dss.has_csum = c->checksum;
        if (c->checksum)
            mp->dss.csum = mp_dss_csum(0, &(struct mp_pseudo){ mp->dss.dsn, 0, 1 });
        break;
    case MP_SIG_PRIO:
        mp->present |= 1u << WIRE_MP_PRIO;
        mp->prio_backup = s->backup_local;
        break;
    default:
        mp_addr_option(s, signal, mp);
        break;
    }
}

/* A DSS with nothing but a DATA_ACK. */
static unsigned data_ack_len(const struct mp_conn *c)
{
    return c->dsn64_in ? 12 : 8;
}

static bool fits_beside(const struct mp_conn *c, enum mp_signal signal, unsigned len)
{
    if (!speaks(c) || signal == MP_SIG_JOIN || signal == MP_SIG_CAPABLE)
        return false;
    return signal == MP_SIG_FIN || len + data_ack_len(c) <= MP_TS_ROOM;
}

/* What a segment without payload carries. */
static void fill_ack(const struct mp_subflow *s, enum mp_signal signal, struct wire_mp *mp)
{
    memset(mp, 0, sizeof *mp);
    add_signal(s, signal, mp);
    if (fits_beside(s->conn, signal, (wire_mp_len(mp) + 3) & ~3u))
        add_data_ack(s, false, mp);
}

/* How much room that takes. It is asked for each subflow before each plan, and nearly always there
 * is no signal. */
static unsigned ack_room(const struct mp_subflow *s, enum mp_signal signal)
{
    struct wire_mp mp;

    if (signal == MP_SIG_NONE && s->conn->state != MP_ST_FASTCLOSE_WAIT)
        return speaks(s->conn) ? data_ack_len(s->conn) : 0;
    fill_ack(s, signal, &mp);
    return (wire_mp_len(&mp) + 3) & ~3u;
}

/* The infinite mapping is the last word of MPTCP on a connection that fell back. */
static bool infinite_pending(const struct mp_subflow *s)
{
    return s->infinite || (s->infinite_sent && seq_lt(s->tcb.sndq.una, s->u.infinite.end));
}

enum mp_signal mp_opts_prepare(struct mp_subflow *s, plait_time now)
{
    struct tcb *t = &s->tcb;
    enum mp_signal signal;

    if (s->phase == MP_PHASE_DOWN)
        return MP_SIG_NONE;
    signal = next_signal(s, now);
    t->rcv_space = mp_rx_space(s);
    if (t->state == TCP_ST_SYN_SENT && t->fastopen != NULL)
        t->fastopen->waiting = (uint32_t)(s->conn->store.end - s->conn->snd_una);
    if (is_due(s, signal))
        t->ack_now = true;
    if (s->probe_due)
        t->keepalive_due = true;
    t->opt_reserve_data = s->conn->mode != MP_MODE_PLAIN || infinite_pending(s) ? MP_OPT_DATA : 0;
    t->opt_reserve_ack = (uint8_t)ack_room(s, signal);
    return signal;
}

/* The checksum of a chunk is made once and kept in its meta. */
static uint16_t csum_of_chunk(const struct mp_subflow *s, const struct tcp_chunk *chunk,
                              const struct mp_pseudo *p)
{
    if ((chunk->meta & MP_META_CSUM) != 0)
        return (uint16_t)chunk->meta;
    return mp_dss_csum(mp_store_sum(s, chunk->pos, chunk->len), p);
}

/*= RFC 8684 3.3.1
 * A sender MUST NOT change this mapping after it has been declared */
/* So it follows from the chunk alone, which no longer changes when any of it was sent. */
static struct mp_pseudo mapping_of(const struct mp_subflow *s, const struct tcp_chunk *chunk)
{
    bool fin = (chunk->meta & MP_META_FIN) != 0;

    return (struct mp_pseudo){
        .dsn = mp_dsn_out(s->conn, chunk->pos),
        .ssn = tcp_ssn(&s->tcb, chunk->seq),
        .dll = (uint16_t)(chunk->len + (fin ? 1 : 0)),
    };
}

static void fill_capable_data(const struct mp_subflow *s, const struct tcp_chunk *chunk,
                              struct wire_mp *mp)
{
    const struct mp_conn *c = s->conn;
    struct mp_pseudo p = mapping_of(s, chunk);

    /*= RFC 8684 3.1
     * When A does have data to send, it must repeat the sending of the MP_CAPABLE option from the
     * first ACK, with additional data parameters. */
    mp_capable_ack_option(c, mp);
    mp->capable.len = c->checksum ? 24 : 22;
    mp->capable.dll = p.dll;
    if (c->checksum)
        mp->capable.csum = csum_of_chunk(s, chunk, &p);
}

static void fill_infinite(const struct mp_subflow *s, struct wire_mp *mp)
{
    mp->present |= 1u << WIRE_MP_DSS;
    mp->dss.has_map = mp->dss.dsn64 = true;
    mp->dss.dsn = mp_dsn_out(s->conn, s->u.infinite.pos);
    mp->dss.ssn = s->u.infinite.ssn;
    mp->dss.has_csum = s->conn->checksum; /* of value 0, as the length is */
}

/*= RFC 8684 3.7
 * A sender MUST include a DSS option with Data Sequence Mapping in every segment until one of the
 * sent segments has been acknowledged with a DSS option containing a Data ACK. */
static void fill_data(const struct mp_subflow *s, const struct tcp_plan *plan, struct wire_mp *mp)
{
    const struct mp_conn *c = s->conn;
    const struct tcp_chunk *chunk = plan->chunk;
    struct mp_pseudo p;

    if ((chunk->meta & MP_META_INFINITE) != 0) {
        fill_infinite(s, mp);
        return;
    }
    if (!speaks(c))
        return;
    p = mapping_of(s, chunk);
    /* It stands for the mapping of the very first bytes and of no others. */
    if (mp_data_brings_keys(s) && p.ssn == 1 && chunk->pos == c->snd_first) {
        fill_capable_data(s, chunk, mp);
        return;
    }
    /* A probe of the path MTU has to be as long as it says: the options are never longer. */
    add_data_ack(s, plan->mtu_probe, mp);
    mp->dss.has_map = mp->dss.dsn64 = true;
    /*= RFC 8684 3.3.1
     * An implementation MUST send the full 64-bit data sequence number if it is transmitting at a
     * sufficiently high rate that the 32-bit value could wrap within the Maximum Segment Lifetime
     * (MSL) [RFC7323]. */
    mp->dss.data_fin = (chunk->meta & MP_META_FIN) != 0;
    mp->dss.dsn = p.dsn;
    mp->dss.ssn = p.ssn;
    mp->dss.dll = p.dll;
    mp->dss.has_csum = c->checksum;
    if (c->checksum)
        mp->dss.csum = csum_of_chunk(s, chunk, &p);
}

/*= RFC 8684 3.6
 * In order to let the receiving host know why a subflow is being closed or rejected, the TCP RST
 * packet MAY include the MP_TCPRST option */
static void fill_rst(const struct mp_subflow *s, struct wire_mp *mp)
{
    if (s->phase != MP_PHASE_DOWN || !speaks(s->conn))
        return;
    if (s->conn->version != 0) /* RFC 6824 has no MP_TCPRST */
        mp_tcprst(s->rst_why, mp);
    if (s->rst_outstanding) {
        mp->rst.reason = 4;
        mp->rst.transient = true;
    }
    /*= RFC 8684 3.5
     * Host A sends a RST containing the MP_FASTCLOSE option on all subflows, containing the key of
     * Host B as declared in the initial connection handshake. */
    if (s->rst_fastclose) {
        mp->present |= 1u << WIRE_MP_FASTCLOSE;
        mp->fastclose_key = s->conn->remote.key;
    }
    if (s->rst_fail) {
        mp->present |= 1u << WIRE_MP_FAIL;
        mp->fail_dsn = s->fail_dsn;
    }
}

void mp_opts_fill(struct mp_subflow *s, enum mp_signal signal, struct mp_plan *plan)
{
    struct wire_mp *mp = &plan->mp;
    enum tcp_why why = plan->tcp.why;

    memset(mp, 0, sizeof *mp);
    plan->signals = MP_SIG_NONE;
    if (why == TCP_WHY_RST) {
        fill_rst(s, mp);
    } else if (why == TCP_WHY_SYN) {
        if (s->first)
            mp_capable_syn_option(s->conn, mp);
        else
            mp_join_syn_option(s, mp);
    } else if (why == TCP_WHY_SYNACK) {
        mp_capable_synack_option(s, mp);
    } else if (plan->tcp.len > 0) {
        fill_data(s, &plan->tcp, mp);
    } else {
        fill_ack(s, signal, mp);
        plan->signals = signal;
    }
    plan->has_mp = mp->present != 0;
}

/* ---- sent ----------------------------------------------------------------------------------- */

static void keep_csum(struct mp_subflow *s, const struct mp_plan *plan)
{
    struct tcp_chunk *chunk = tcp_sndq_chunk_at(&s->tcb.sndq, plan->tcp.seq);
    const struct wire_mp *mp = &plan->mp;
    bool capable = wire_mp_has(mp, WIRE_MP_CAPABLE);

    if (!s->conn->checksum || chunk == NULL || !plan->has_mp ||
        (chunk->meta & (MP_META_CSUM | MP_META_INFINITE)) != 0)
        return;
    chunk->meta |= MP_META_CSUM | (capable ? mp->capable.csum : mp->dss.csum);
}

static void count_signal(struct mp_subflow *s, plait_time now)
{
    if (now >= s->sig_at)
        s->sig_n = 0;
    s->sig_n++;
    s->sig_at = now + mp_later(2 * s->tcb.loss.rtt.srtt, SIGNAL_GAP_MIN);
}

static void signal_sent(struct mp_subflow *s, enum mp_signal signal, plait_time now)
{
    struct mp_event prio = { .type = PLAIT_TRACE_PRIO_OUT, .a = s->backup_local };

    switch (signal) {
    case MP_SIG_NONE:
        break;
    case MP_SIG_JOIN:
        mp_join_sent(s, now);
        break;
    case MP_SIG_FASTCLOSE:
        mp_fastclose_sent(s, now);
        break;
    case MP_SIG_CAPABLE:
        s->capable_due = false;
        break;
    case MP_SIG_FAIL:
        mp_fail_sent(s, now);
        break;
    case MP_SIG_FIN:
        s->fin_due = false;
        s->conn->fin_sent = true;
        break;
    case MP_SIG_PRIO:
        s->prio_due = false;
        mp_trace(s->conn, s, prio, now);
        count_signal(s, now);
        break;
    default:
        mp_addr_sent(s, signal, now);
        count_signal(s, now);
        break;
    }
}

/* The position that a DATA_ACK of ours stands for; it is not far below what we expect. */
static uint64_t acked_pos(const struct mp_conn *c, const struct wire_mp_dss *d)
{
    uint64_t nxt = mp_rx_nxt(c);

    return nxt - (uint32_t)((uint32_t)mp_dsn_in(c, nxt) - (uint32_t)d->ack);
}

void mp_opts_sent(struct mp_subflow *s, const struct mp_plan *plan, plait_time now)
{
    const struct wire_mp *mp = &plan->mp;

    if (plan->tcp.why == TCP_WHY_RST)
        return;
    if (plan->tcp.why == TCP_WHY_KEEPALIVE)
        s->probe_due = false;
    if (plan->tcp.len > 0) {
        keep_csum(s, plan);
        s->capable_due = false;
    }
    if (plan->tcp.len > 0 || plan->tcp.ack != s->sig_ack)
        s->sig_n = 0; /* no duplicate of the ACK before it */
    s->sig_ack = plan->tcp.ack;
    signal_sent(s, (enum mp_signal)plan->signals, now);
    if (wire_mp_has(mp, WIRE_MP_DSS) && mp->dss.has_ack) {
        mp_rx_offered(s->conn, acked_pos(s->conn, &mp->dss), plan->tcp.wnd_bytes);
    } else if (s->phase == MP_PHASE_OPEN && speaks(s->conn) && !mp_unconfirmed(s) &&
               mp_rx_nxt(s->conn) > s->conn->ack_told) {
        s->tcb.ack_now = true; /* a signal took the place of the DATA_ACK: it follows at once */
    }
}

/* ---- reasons as codes ----------------------------------------------------------------------- */

/*= RFC 8684 3.2
 * In this and all subsequent cases of sending a RST as described in this section, the sender SHOULD
 * send an MP_TCPRST option (Section 3.6) on this RST packet with the reason code for an
 * "MPTCP-specific error". */
/*= RFC 8684 3.3
 * In both cases, this RST SHOULD be accompanied by an MP_TCPRST option (Section 3.6) with the
 * reason code for an "MPTCP-specific error". */
static uint8_t code_of(enum plait_reason why)
{
    switch (why) {
    case PLAIT_REASON_JOIN_TOKEN:
    case PLAIT_REASON_JOIN_HMAC:
    case PLAIT_REASON_JOIN_NO_OPTION:
    case PLAIT_REASON_JOIN_STATE:
    case PLAIT_REASON_DSS_CONFLICT:
    case PLAIT_REASON_DSS_CSUM_UNEXPECTED:
    case PLAIT_REASON_DSS_CSUM_MISSING:
    case PLAIT_REASON_INFINITE_MAP:
        return CODE_MPTCP;
    case PLAIT_REASON_NO_MEMORY:
    case PLAIT_REASON_CONN_LIMIT:
    case PLAIT_REASON_BACKLOG_FULL:
        return CODE_RESOURCES;
    case PLAIT_REASON_JOIN_LIMIT:
    case PLAIT_REASON_JOIN_POLICY:
        return CODE_PROHIBITED;
    /*= RFC 8684 3.3.6
     * A RST for this purpose SHOULD be accompanied by an "Unacceptable performance" MP_TCPRST
     * option (Section 3.6). */
    case PLAIT_REASON_RETRIES:
        return CODE_PERFORMANCE;
    case PLAIT_REASON_DSS_CSUM:
    /*= RFC 8684 3.7
     * This RST SHOULD include the MP_TCPRST option (Section 3.6) with a "Middlebox interference"
     * reason code. */
    case PLAIT_REASON_DSS_UNMAPPED:
    case PLAIT_REASON_MP_NO_DATA_ACK:
    case PLAIT_REASON_MP_FAIL_RECEIVED:
        return CODE_MIDDLEBOX;
    default:
        return CODE_UNSPECIFIED;
    }
}

void mp_tcprst(enum plait_reason why, struct wire_mp *out)
{
    uint8_t code = code_of(why);

    out->present |= 1u << WIRE_MP_TCPRST;
    out->rst.reason = code;
    /*= RFC 8684 3.6
     * The "T" flag is used by the sender to indicate whether the error condition that is reported
     * is Transient ("T" bit set to 1) or Permanent ("T" bit set to 0). */
    out->rst.transient = code == CODE_RESOURCES || code == CODE_PERFORMANCE ||
                         why == PLAIT_REASON_DSS_CSUM;
}

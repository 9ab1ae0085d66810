/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving at the data level: from the subflows' queues through the mappings into one stream,
 * the shared window, and the application's side of it.
 *
 * Called by conn.c after each segment, and by the stack for the application. A block moves from a
 * subflow's queue to the connection's without a copy where one mapping covers it. The first copy
 * of a byte wins; later ones are reinjections and counted. What lies beyond the window is dropped
 * and not DATA_ACKed.
 *
 * With checksums the bytes of the front mapping are held until it is complete and proven.
 *
 * The window: its right edge is what the application has read plus the buffer, announced relative
 * to the DATA_ACK, the same on all subflows, and never retreats, not even by a rounding. The buffer
 * grows with what the application reads in a round trip of the slowest path (dynamic right-sizing),
 * because data that waits for that path waits here. RFC 8684 3.3.1, 3.3.2, 3.3.4. */
#include "mp_int.h"

#include "../base/copy.h"
#include "../base/csum.h"

#define DRS_ROUND_MIN (1 * PLAIT_MSEC)
#define DRS_ROUND_MAX (2 * PLAIT_SEC)
enum { CREEP_MAX = 65536, MEM_SLACK = 256 << 10 };

/* ---- window --------------------------------------------------------------------------------- */

/*= RFC 8684 3.3.2
 * The Data ACK specifies the next data sequence number it expects to receive. */
uint64_t mp_rx_nxt(const struct mp_conn *c)
{
    return reasm_inorder_end(&c->rx) + (c->fin_received ? 1 : 0);
}

/* Where the window may end now: RFC 9293's silly window avoidance lets it grow in steps, and it is
 * not told what the field cannot say. */
static uint64_t edge_now(const struct mp_conn *c, const struct tcb *t)
{
    uint64_t edge = c->rx.next + c->rcvbuf;
    uint64_t step = mp_min(c->rcvbuf / 2, t->mss);

    edge = mp_min(edge, reasm_inorder_end(&c->rx) + ((uint64_t)UINT16_MAX << t->rcv_wscale));
    return edge >= c->rcv_edge + step ? edge : c->rcv_edge;
}

struct offer {
    uint64_t ack;   /* what the DATA_ACK says, */
    uint64_t space; /* and how much may follow */
};

/*= RFC 8684 3.3.4
 * As in TCP, a receiver MUST NOT shrink the right edge of the receive window (i.e., DATA_ACK +
 * receive window). */
/* The field has a coarse unit. What it cannot say of a new edge is left out, of an old one it is
 * rounded up; and where that has given away too much, because somebody sends single bytes that
 * nobody reads, the DATA_ACK stays behind by less than a unit: its sum with the window is the old
 * edge, exactly. */
static struct offer offer_now(const struct mp_subflow *s)
{
    const struct mp_conn *c = s->conn;
    uint64_t nxt = reasm_inorder_end(&c->rx), edge = edge_now(c, &s->tcb), unit, over;
    struct offer o = { nxt, edge > nxt ? edge - nxt : 0 };

    unit = (uint64_t)1 << s->tcb.rcv_wscale;
    if (o.space % unit == 0)
        return o;
    if (edge - o.space % unit >= c->rcv_edge) {
        o.space -= o.space % unit;
        return o;
    }
    over = unit - (c->rcv_edge - nxt) % unit; /* below unit, or the lines above had returned */
    o.space = c->rcv_edge - nxt + over;
    if (nxt + o.space > c->rx.next + c->rcvbuf + CREEP_MAX && !c->fin_received &&
        nxt >= c->ack_told + over)
        o.ack -= over;
    return o;
}

uint64_t mp_rx_ack(const struct mp_subflow *s)
{
    return offer_now(s).ack + (s->conn->fin_received ? 1 : 0);
}

uint32_t mp_rx_space(const struct mp_subflow *s)
{
    const struct mp_conn *c = s->conn;
    uint64_t nxt = reasm_inorder_end(&c->rx), edge;

    if (c->mode != MP_MODE_MULTIPATH) { /* TCP has rules of its own */
        edge = c->rx.next + c->rcvbuf;
        return edge > nxt ? (uint32_t)(edge - nxt) : 0;
    }
    return (uint32_t)mp_min(offer_now(s).space, UINT32_MAX);
}

/* A segment with this DATA_ACK and window went out. */
void mp_rx_offered(struct mp_conn *c, uint64_t ack, uint32_t wnd)
{
    c->ack_told = ack;
    if (ack + wnd > c->rcv_edge)
        c->rcv_edge = ack + wnd;
}

/* ---- in ------------------------------------------------------------------------------------- */

void mp_rx_check_fin(struct mp_conn *c, plait_time now)
{
    (void)now;
    if (!c->fin_seen || c->fin_received || reasm_inorder_end(&c->rx) != c->fin_pos)
        return;
    /*= RFC 8684 3.3.3
     * Notably, it is only DATA_ACKed once all data has been successfully received at the connection
     * level. */
    c->fin_received = true;
    c->news |= MP_NEWS_READABLE;
}

/*= RFC 8684 3.3.3
 * A DATA_FIN occupies 1 octet (the final octet) of the connection-level sequence space. */
void mp_rx_data_fin(struct mp_subflow *s, uint64_t pos, plait_time now)
{
    struct mp_conn *c = s->conn;

    s->tcb.ack_now = true;
    if (c->fin_seen ? pos != c->fin_pos : pos < reasm_end(&c->rx)) {
        mp_drop(c, s, PLAIT_REASON_DATA_FIN_CONFLICT, now);
        return;
    }
    if (c->fin_seen)
        return;
    if (pos > c->rcv_edge + CREEP_MAX) {
        mp_drop(c, s, PLAIT_REASON_DSS_WINDOW, now);
        return;
    }
    c->fin_seen = true;
    c->fin_pos = pos;
    mp_rx_check_fin(c, now);
}

/* Cuts what lies beyond position end. False: nothing is left. */
static bool cut(struct plait_block *b, uint64_t end)
{
    if (b->pos >= end)
        return false;
    if (b->len > end - b->pos)
        b->len = (uint32_t)(end - b->pos);
    return true;
}

/*= RFC 8684 3.8
 * DSN out of window (during normal operation): drop the data; do not send Data ACKs */
static bool admit(struct mp_subflow *s, struct plait_block *b, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint32_t len = b->len;

    if (c->state == MP_ST_FASTCLOSE_WAIT)
        return false;
    if (c->fin_seen && b->pos + b->len > c->fin_pos) {
        mp_drop(c, s, PLAIT_REASON_DATA_AFTER_CLOSE, now);
        if (!cut(b, c->fin_pos))
            return false;
    }
    if (c->mode == MP_MODE_MULTIPATH && b->pos + b->len > c->rcv_edge) {
        mp_drop(c, s, PLAIT_REASON_DSS_WINDOW, now);
        return cut(b, c->rcv_edge);
    }
    return len > 0;
}

/* Out-of-order data that costs too much memory goes; it was not DATA_ACKed, so it comes again. */
static void bound_memory(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t max = 2 * (uint64_t)c->rcvbuf + MEM_SLACK;

    if (c->rx.mem > max && reasm_prune(&c->rx, &c->ctx->pool, max) > 0)
        mp_drop(c, s, PLAIT_REASON_RX_PRUNED, now);
}

void mp_rx_put(struct mp_subflow *s, struct plait_block *b, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t before = reasm_inorder_end(&c->rx), len, kept;

    if (!admit(s, b, now)) {
        block_put(&c->ctx->pool, b);
        return;
    }
    len = b->len;
    /*= RFC 8684 3.3.1
     * an implementation SHOULD treat the first data that is received at a subflow for the data
     * sequence space as the data that should be delivered to the application, and any subsequent
     * data for that sequence space SHOULD be ignored */
    kept = reasm_insert(&c->rx, &c->ctx->pool, b);
    c->bytes_received += kept;
    if (kept < len) {
        c->bytes_duplicate += len - kept;
        ctx_count(c->ctx, PLAIT_REASON_DSS_DUPLICATE);
    }
    bound_memory(s, now);
    if (reasm_inorder_end(&c->rx) > before)
        c->news |= MP_NEWS_READABLE;
    if (c->released && kept > 0 && !c->over)
        /* Nobody will read it: RFC 2525 2.17 wants the peer to learn that. */
        mp_abort(c, PLAIT_REASON_DATA_AFTER_CLOSE, now);
}

/* n bytes from the front of the subflow's queue as a block of their own; NULL: no memory. */
static struct plait_block *take(struct mp_subflow *s, uint32_t n)
{
    struct block_pool *pool = &s->conn->ctx->pool;
    struct plait_block *front = reasm_peek(&s->tcb.rcvq), *b;

    if (n == front->len)
        return tcp_take(&s->tcb);
    b = block_get(pool, n);
    if (b == NULL)
        return NULL;
    copy_bulk(b->data, front->data, n);
    b->len = n;
    reasm_consume(&s->tcb.rcvq, pool, n);
    return b;
}

/* ---- checksums ------------------------------------------------------------------------------ */

/*= RFC 8684 3.3.1
 * the checksum for a DSN_MAP can be constructed by simply adding together the checksums for the
 * data of each constituent TCP segment and adding the checksum for the DSS pseudo-header */
static void hold(struct mp_subflow *s, struct mp_map *m, struct plait_block *b)
{
    uint64_t part = csum_add(0, b->data, b->len);

    if (m->done == 0)
        reasm_init(s->held, m->pos);
    m->sum = m->done % 2 != 0 ? csum_add_odd(m->sum, part) : m->sum + part;
    m->done += b->len;
    reasm_insert(s->held, &s->conn->ctx->pool, b);
}

/* The front mapping is complete: its bytes are proven, or not. */
static void prove(struct mp_subflow *s, plait_time now)
{
    struct mp_map m = *(struct mp_map *)ring_at(&s->maps, 0);
    struct mp_pseudo p = { mp_dsn_in(s->conn, m.pos), (uint32_t)m.off + 1, m.dll };
    struct plait_block *b;

    if (!mp_dss_csum_ok(m.sum, &p, m.csum)) {
        mp_csum_failed(s, &m, now);
        return;
    }
    mp_map_done(s, m.off + m.len);
    while (s->phase == MP_PHASE_OPEN && s->held != NULL && (b = reasm_take(s->held)) != NULL)
        mp_rx_put(s, b, now);
    if (s->held != NULL && s->maps.count == 0)
        mp_held_close(s);
    if (m.dll > m.len && s->phase == MP_PHASE_OPEN)
        mp_rx_data_fin(s, m.pos + m.len, now);
}

/* ---- from the subflow's queue --------------------------------------------------------------- */

/* Takes what map covers of the front block. False: memory is gone. */
static bool take_mapped(struct mp_subflow *s, struct mp_map *m, plait_time now)
{
    struct mp_conn *c = s->conn;
    const struct plait_block *front = reasm_peek(&s->tcb.rcvq);
    uint64_t off = front->pos;
    uint32_t n = (uint32_t)mp_min(front->len, m->off + m->len - off);
    bool room = !c->checksum || m->discard || mp_held_open(s);
    struct plait_block *b = room ? take(s, n) : NULL;

    s->unmapped_at = 0;
    if (b == NULL) {
        mp_drop(c, s, PLAIT_REASON_NO_MEMORY, now);
        mp_starved(c, now);
        return false;
    }
    b->pos = m->pos + (off - m->off);
    if (m->discard) {
        block_put(&c->ctx->pool, b);
        mp_map_done(s, off + n);
    } else if (c->checksum) {
        hold(s, m, b);
        if (m->done == m->len)
            prove(s, now);
    } else {
        mp_map_done(s, off + n);
        mp_rx_put(s, b, now);
    }
    return true;
}

static void deliver_plain(struct mp_subflow *s, plait_time now)
{
    struct plait_block *b;

    while ((b = tcp_take(&s->tcb)) != NULL) {
        b->pos += s->conn->plain_shift;
        mp_rx_put(s, b, now);
    }
}

void mp_rx_deliver(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t before = c->rx.bytes;
    struct plait_block *front;

    while (c->mode == MP_MODE_MULTIPATH && !s->failed && s->phase == MP_PHASE_OPEN &&
           (front = reasm_peek(&s->tcb.rcvq)) != NULL) {
        struct mp_map *m = mp_map_at(s, front->pos);
        if (m == NULL) {
            mp_unmapped(s, now);
            break;
        }
        if (!take_mapped(s, m, now))
            break;
    }
    if (c->mode == MP_MODE_PLAIN)
        deliver_plain(s, now);
    else if (s->failed && reasm_inorder_end(&s->tcb.rcvq) - s->tcb.rcvq.next > c->rcvbuf)
        mp_subflow_abort(s, PLAIT_REASON_DSS_CSUM, now); /* it does not heed our MP_FAIL */
    if (c->rx.bytes != before && s->phase == MP_PHASE_OPEN)
        c->last_in = s;
    mp_rx_check_fin(c, now);
}

/* ---- out: the application reads ------------------------------------------------------------- */

/*= RFC 9293 3.6
 * If the local TCP connection is closed by the remote side due to a FIN or RST received from the
 * remote side, then the local application MUST be informed whether it closed normally or was
 * aborted (MUST-12). */
int64_t mp_recv_borrow(struct mp_conn *c, struct store_view *view)
{
    const struct plait_block *b = reasm_peek(&c->rx);

    if (b != NULL) {
        *view = (struct store_view){ b->data, b->len };
        return (int64_t)b->len;
    }
    if (c->err != 0)
        return c->err;
    if (c->fin_received)
        return 0;
    if (c->over)
        return PLAIT_ENOTCONN;
    return PLAIT_EAGAIN;
}

/* The longest round trip of a path that is in use. */
static plait_time round_trip(const struct mp_conn *c)
{
    plait_time longest = DRS_ROUND_MIN;

    MP_EACH(s, c)
        if (s->phase == MP_PHASE_OPEN)
            longest = mp_later(longest, mp_later(s->tcb.loss.rtt.srtt, s->rcv_rtt));
    return mp_earlier(longest, DRS_ROUND_MAX);
}

static plait_time round_trip_without_queues(const struct mp_conn *c)
{
    plait_time longest = 0;

    MP_EACH(s, c)
        if (s->phase == MP_PHASE_OPEN)
            longest = mp_later(longest, s->tcb.loss.rtt.min_rtt);
    return longest;
}

/* Dynamic right-sizing: room for twice what was read in a round trip, and for its growth, but not
 * for what only waited on the way. */
static void tune(struct mp_conn *c, plait_time now)
{
    uint64_t copied = c->rx.next - c->drs_pos, want, held;

    if (now - c->drs_at < round_trip(c))
        return;
    want = 2 * copied + 32768;
    if (copied > c->drs_copied)
        want += 2 * (copied - c->drs_copied);
    held = mp_path_holds(copied, now - c->drs_at, round_trip_without_queues(c));
    want = mp_min(want, held > MP_BUF_CACHED ? held : MP_BUF_CACHED);
    c->drs_copied = copied;
    c->drs_at = now;
    c->drs_pos = c->rx.next;
    if (want > c->cfg->rcvbuf_max)
        want = c->cfg->rcvbuf_max;
    if (want > c->rcvbuf)
        c->rcvbuf = (uint32_t)want;
}

/* The peer may sit before a window that it believes closed, and the subflow that told it so may
 * be gone: TCP tells of a window that grew on the subflow where it was told last, here all others
 * are told. */
static void tell_window(struct mp_conn *c, uint64_t old_edge)
{
    uint64_t nxt = reasm_inorder_end(&c->rx), edge = c->rx.next + c->rcvbuf;

    if (c->mode != MP_MODE_MULTIPATH || c->fin_received || c->over)
        return;
    if (old_edge > nxt + c->rcvbuf / 8 || edge < old_edge + c->rcvbuf / 4)
        return;
    MP_EACH(s, c)
        if (s->phase == MP_PHASE_OPEN && !s->closing && !mp_unconfirmed(s))
            s->tcb.ack_now = true;
}

void mp_recv_done(struct mp_conn *c, size_t n, plait_time now)
{
    uint64_t edge = c->rcv_edge;

    if (n == 0)
        return;
    reasm_consume(&c->rx, &c->ctx->pool, n);
    tune(c, now);
    tell_window(c, edge);
    if (c->over)
        mp_settle(c, now);
}

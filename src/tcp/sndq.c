/* SPDX-License-Identifier: Apache-2.0 */
/* The send queue of a subflow: references to stream data, and the scoreboard of what was sent.
 *
 * Owned by the tcb. tcp_push() appends chunks, tcp_commit() turns them into records, loss recovery
 * marks and frees records; una, nxt and the byte counts are written here alone.
 *
 * Invariants (tcp_sndq_check): records are contiguous from una to nxt; chunks are contiguous up to
 * end; a record lies within one chunk, or is a SYN or FIN; SACKED and LOST exclude each other;
 * there are more records than cuts; sacked, sacked_n, lost and lost_first say what the flags say.
 * Records are found by binary search, so an ACK costs what it newly acknowledges.
 *
 * How many records there are is the peer's doing too: the edge of a SACK block splits one, and all
 * behind it move. So such cuts have a limit, which marks.c gives in segments of the flight. From
 * recs_max records on edges are ignored, and new data waits. Retransmissions may still split, up to
 * twice as many; should even that be used up, the part of a record that was not sent again is
 * believed to be, and the next time-out finds it. RFC 9293 3.3.1, 2018 3 to 5. */
#include "sndq.h"

#include <assert.h>

enum {
    SPAN_MAX = 1 << 30,  /* bytes from una to end */
    RECS_MAX = 1 << 20,
    RECS_EXTRA = 64,     /* records beyond 2 recs_max */
};

static const struct tcp_flight none = {
    .chunks = {.elem = sizeof(struct tcp_chunk)},
    .recs = {.elem = sizeof(struct tcp_rec)},
    .rtx = {.elem = sizeof(struct tcp_rtx)},
    .low_back = UINT64_MAX,
    .repair = {.deadline = PLAIT_NEVER, .reorder_at = PLAIT_NEVER},
};

struct tcp_flight *tcp_flight_none(void)
{
    return (struct tcp_flight *)(uintptr_t)&none;
}

static bool rests(const struct tcp_sndq *q) { return q->f == &none; }

static uint32_t chunks_max(const struct tcp_sndq *q) { return 2 * q->recs_max; }

void tcp_sndq_init(struct tcp_sndq *q, const struct plait_env *env, uint32_t iss, uint32_t recs_max)
{
    assert(recs_max > 0 && recs_max <= RECS_MAX && "a scoreboard of sane size");
    *q = (struct tcp_sndq){
        .env = env, .f = tcp_flight_none(), .recs_max = recs_max & 0x7fffffff,
        .una = iss, .nxt = iss, .end = iss + 1,
    };
}

/* Memory for what is pushed or sent next. False: there is none. */
static bool begin_flight(struct tcp_sndq *q)
{
    uint32_t max = q->recs_max;
    struct tcp_flight *f;

    if (!rests(q))
        return true;
    f = q->env->alloc(q->env->ctx, sizeof *f);
    if (f == NULL)
        return false;
    *f = none;
    f->highest_sack = q->una;
    f->chunks.env = f->recs.env = f->rtx.env = q->env;
    f->chunks.max = chunks_max(q) & RING_MAX;
    f->recs.max = (2 * max + RECS_EXTRA) & RING_MAX;
    f->rtx.max = (4 * max + 2 * RECS_EXTRA) & RING_MAX;
    q->f = f;
    return true;
}

static void end_flight(struct tcp_sndq *q)
{
    q->env->free(q->env->ctx, q->f, sizeof *q->f);
    q->f = tcp_flight_none();
}

void tcp_sndq_fini(struct tcp_sndq *q)
{
    if (rests(q))
        return;
    ring_fini(&q->f->chunks);
    ring_fini(&q->f->recs);
    ring_fini(&q->f->rtx);
    end_flight(q);
}

void tcp_sndq_rest(struct tcp_sndq *q)
{
    const struct tcp_flight *f = q->f;

    if (rests(q) || f->recs.count > 0 || f->chunks.count > 0)
        return;
    if (f->chunks.v == NULL && f->recs.v == NULL && f->rtx.v == NULL)
        end_flight(q);
    else
        tcp_sndq_fini(q); /* room was made for what did not go out */
}

/* ---- chunks ---------------------------------------------------------------------------------- */

uint32_t tcp_sndq_chunk_n(const struct tcp_sndq *q)
{
    return q->f->chunks.count;
}

uint32_t tcp_sndq_chunk_room(const struct tcp_sndq *q)
{
    return chunks_max(q) - q->f->chunks.count;
}

struct tcp_chunk *tcp_sndq_chunk(const struct tcp_sndq *q, uint32_t i)
{
    return ring_at(&q->f->chunks, i);
}

static void append_chunk(struct tcp_sndq *q, uint64_t pos, uint32_t len, uint32_t meta)
{
    struct tcp_chunk *c = ring_push(&q->f->chunks);

    assert(c != NULL && "room was reserved");
    *c = (struct tcp_chunk){ .seq = q->end, .len = len, .pos = pos, .meta = meta };
    q->end += len;
    if (pos < q->f->low_back)
        q->f->low_back = pos;
}

int tcp_sndq_push(struct tcp_sndq *q, uint64_t pos, uint32_t len, uint32_t meta, uint32_t max_chunk)
{
    uint32_t n = q->f->chunks.count;
    struct tcp_chunk *last = n > 0 ? tcp_sndq_chunk(q, n - 1) : NULL;

    assert(len > 0 && max_chunk > 0 && seq_le(q->nxt, q->end) && "bytes, and no FIN before them");
    if (len > SPAN_MAX || q->end - q->una > SPAN_MAX - len)
        return PLAIT_ELIMIT;
    if (last != NULL && !last->started && last->meta == meta && last->pos + last->len == pos &&
        last->len < max_chunk && len <= max_chunk - last->len) {
        last->len += len;
        q->end += len;
        return 0;
    }
    n = (len - 1) / max_chunk + 1;
    if (n > tcp_sndq_chunk_room(q))
        return PLAIT_ELIMIT;
    if (!begin_flight(q) || !ring_reserve(&q->f->chunks, n))
        return PLAIT_ENOMEM;
    while (len > 0) {
        n = len < max_chunk ? len : max_chunk;
        append_chunk(q, pos, n, meta);
        pos += n;
        len -= n;
    }
    return 0;
}

uint32_t tcp_sndq_unsent(const struct tcp_sndq *q)
{
    int32_t n = seq_diff(q->end, q->nxt) - (q->opened ? 0 : 1);

    return n > 0 ? (uint32_t)n : 0; /* behind a FIN: -1 */
}

struct tcp_chunk *tcp_sndq_chunk_at(const struct tcp_sndq *q, uint32_t seq)
{
    uint32_t lo = 0, hi = q->f->chunks.count;

    while (lo < hi) { /* the first chunk that ends behind seq */
        uint32_t mid = lo + (hi - lo) / 2;
        const struct tcp_chunk *c = tcp_sndq_chunk(q, mid);
        if (seq_gt(c->seq + c->len, seq))
            hi = mid;
        else
            lo = mid + 1;
    }
    if (lo == q->f->chunks.count || seq_lt(seq, tcp_sndq_chunk(q, lo)->seq))
        return NULL;
    return tcp_sndq_chunk(q, lo);
}

/* Reinjected data makes positions run backwards, so the lowest is a minimum over a queue: each
 * chunk knows the minimum from itself to a mark, and one more is kept of the chunks behind the
 * mark. The mark moves to the end when the last chunk before it goes. */
uint64_t tcp_sndq_low_pos(const struct tcp_sndq *q)
{
    uint64_t front = q->f->low_n > 0 ? tcp_sndq_chunk(q, 0)->low : UINT64_MAX;

    return front < q->f->low_back ? front : q->f->low_back;
}

static void drop_chunks(struct tcp_sndq *q, uint32_t ack)
{
    uint32_t n = 0;

    while (n < q->f->chunks.count) {
        const struct tcp_chunk *c = tcp_sndq_chunk(q, n);
        if (seq_gt(c->seq + c->len, ack))
            break;
        n++;
    }
    if (n == 0)
        return;
    ring_pop(&q->f->chunks, n);
    q->f->low_n = q->f->low_n > n ? q->f->low_n - n : 0;
    if (q->f->low_n > 0)
        return;
    q->f->low_n = q->f->chunks.count;
    q->f->low_back = UINT64_MAX;
    for (uint32_t i = q->f->low_n; i-- > 0;) {
        struct tcp_chunk *c = tcp_sndq_chunk(q, i);
        c->low = c->pos;
        if (i + 1 < q->f->low_n && tcp_sndq_chunk(q, i + 1)->low < c->low)
            c->low = tcp_sndq_chunk(q, i + 1)->low;
    }
}

/* ---- records --------------------------------------------------------------------------------- */

uint32_t tcp_sndq_flight(const struct tcp_sndq *q)
{
    return q->nxt - q->una - q->f->sacked - q->f->lost;
}

struct tcp_rec *tcp_sndq_rec(const struct tcp_sndq *q, uint32_t i)
{
    return ring_at(&q->f->recs, i);
}

struct tcp_rec *tcp_sndq_rec_at(const struct tcp_sndq *q, uint32_t seq, uint32_t *index)
{
    uint32_t lo = 0, hi = q->f->recs.count;

    if (seq_lt(seq, q->una) || seq_ge(seq, q->nxt))
        return NULL;
    while (hi - lo > 1) { /* the last record that starts at or before seq */
        uint32_t mid = lo + (hi - lo) / 2;
        if (seq_le(tcp_sndq_rec(q, mid)->seq, seq))
            lo = mid;
        else
            hi = mid;
    }
    if (index != NULL)
        *index = lo;
    return tcp_sndq_rec(q, lo);
}

/* After record i lost its LOST flag or went away: lost_first is that of the next one that has it.
 * */
static void find_lost(struct tcp_sndq *q, uint32_t i)
{
    if (q->f->lost == 0)
        return;
    while ((tcp_sndq_rec(q, i)->flags & TCP_REC_LOST) == 0)
        i++;
    q->f->lost_first = tcp_sndq_rec(q, i)->seq;
}

void tcp_sndq_mark_lost(struct tcp_sndq *q, struct tcp_rec *r)
{
    assert((r->flags & (TCP_REC_SACKED | TCP_REC_LOST)) == 0 && "it is in flight");
    if (q->f->lost == 0 || seq_lt(r->seq, q->f->lost_first))
        q->f->lost_first = r->seq;
    q->f->lost += r->len;
    r->flags |= TCP_REC_LOST;
}

static void unmark_lost(struct tcp_sndq *q, struct tcp_rec *r)
{
    uint32_t i;

    if ((r->flags & TCP_REC_LOST) == 0)
        return;
    r->flags &= (uint16_t)~TCP_REC_LOST;
    q->f->lost -= r->len;
    if (r->seq == q->f->lost_first && q->f->lost > 0) {
        tcp_sndq_rec_at(q, r->seq, &i);
        find_lost(q, i);
    }
}

void tcp_sndq_mark_sacked(struct tcp_sndq *q, struct tcp_rec *r)
{
    assert((r->flags & TCP_REC_SACKED) == 0 && "it is new to the scoreboard");
    unmark_lost(q, r);
    r->flags |= TCP_REC_SACKED;
    q->f->sacked += r->len;
    q->f->sacked_n++;
    q->f->highest_sack = seq_max(q->f->highest_sack, tcp_rec_end(r));
}

void tcp_sndq_clear_lost(struct tcp_sndq *q)
{
    for (uint32_t i = 0; i < q->f->recs.count && q->f->lost > 0; i++) {
        struct tcp_rec *r = tcp_sndq_rec(q, i);
        if ((r->flags & TCP_REC_LOST) != 0)
            q->f->lost -= r->len;
        r->flags &= (uint16_t)~TCP_REC_LOST;
    }
}

void tcp_sndq_clear_sacked(struct tcp_sndq *q)
{
    for (uint32_t i = 0; i < q->f->recs.count; i++)
        tcp_sndq_rec(q, i)->flags &= (uint16_t)~TCP_REC_SACKED;
    q->f->sacked = q->f->sacked_n = 0;
    q->f->highest_sack = q->una;
}

/* Splits the record that contains seq; the second half begins there. */
static bool split(struct tcp_sndq *q, uint32_t seq)
{
    struct tcp_rec *r, *new;
    uint32_t i;

    r = tcp_sndq_rec_at(q, seq, &i);
    if (r == NULL || r->seq == seq)
        return true;
    new = ring_insert(&q->f->recs, i + 1);
    if (new == NULL)
        return false;
    r = tcp_sndq_rec(q, i);
    *new = *r;
    new->seq = seq;
    new->len = tcp_rec_end(r) - seq;
    r->len -= new->len;
    if ((r->flags & TCP_REC_SACKED) != 0)
        q->f->sacked_n++;
    return true;
}

static void fewer_cuts(struct tcp_sndq *q, uint32_t n)
{
    q->f->cuts -= n < q->f->cuts ? n : q->f->cuts;
}

bool tcp_sndq_cut(struct tcp_sndq *q, uint32_t seq, uint32_t max)
{
    const struct tcp_rec *r = tcp_sndq_rec_at(q, seq, NULL);

    if (r == NULL || r->seq == seq)
        return true;
    if (q->f->cuts >= max || q->f->recs.count >= q->recs_max || !split(q, seq))
        return false;
    q->f->cuts++;
    return true;
}

static bool alike(const struct tcp_sndq *q, const struct tcp_rec *a, const struct tcp_rec *b)
{
    const unsigned mask = (unsigned)~(TCP_REC_PROBE | TCP_REC_APP_LIMITED);
    const struct tcp_chunk *c;

    if ((a->flags & mask) != (b->flags & mask) || (a->flags & (TCP_REC_SACKED | TCP_REC_LOST)) == 0)
        return false;
    c = tcp_sndq_chunk_at(q, a->seq);
    return c != NULL && seq_lt(b->seq, c->seq + c->len);
}

void tcp_sndq_compact(struct tcp_sndq *q)
{
    uint32_t to = 0;

    for (uint32_t i = 1; i < q->f->recs.count; i++) {
        struct tcp_rec *a = tcp_sndq_rec(q, to), *b = tcp_sndq_rec(q, i);
        if (!alike(q, a, b)) {
            *tcp_sndq_rec(q, ++to) = *b;
            continue;
        }
        a->len += b->len;
        if (b->sent >= a->sent) {
            a->sent = b->sent;
            a->rate = b->rate;
        }
        if ((a->flags & TCP_REC_SACKED) != 0)
            q->f->sacked_n--;
    }
    if (q->f->recs.count == 0)
        return;
    fewer_cuts(q, q->f->recs.count - (to + 1));
    ring_truncate(&q->f->recs, to + 1);
}

/* Retransmissions that were acknowledged, SACKed, deemed lost or repeated need no watching. */
static bool is_live(const struct tcp_sndq *q, const struct tcp_rtx *x)
{
    uint32_t i;

    if (tcp_sndq_rec_at(q, seq_max(x->seq, q->una), &i) == NULL)
        return false;
    for (; i < q->f->recs.count && seq_lt(tcp_sndq_rec(q, i)->seq, x->end); i++) {
        const struct tcp_rec *r = tcp_sndq_rec(q, i);
        if (r->sent == x->sent && (r->flags & (TCP_REC_SACKED | TCP_REC_LOST)) == 0)
            return true;
    }
    return false;
}

static void purge_rtx(struct tcp_sndq *q)
{
    uint32_t to = 0;

    for (uint32_t i = 0; i < q->f->rtx.count; i++) {
        const struct tcp_rtx *x = ring_at(&q->f->rtx, i);
        if (is_live(q, x))
            *(struct tcp_rtx *)ring_at(&q->f->rtx, to++) = *x;
    }
    ring_truncate(&q->f->rtx, to);
}

static int room_for_records(struct tcp_sndq *q)
{
    if (!begin_flight(q))
        return PLAIT_ENOMEM;
    if (q->f->recs.count >= q->recs_max)
        tcp_sndq_compact(q);
    if (!ring_reserve(&q->f->recs, 4))
        return PLAIT_ENOMEM;
    return q->f->recs.count < q->recs_max ? 0 : PLAIT_ELIMIT;
}

static bool room_for_rtx(struct tcp_sndq *q)
{
    if (q->f->rtx.count == q->f->rtx.max)
        purge_rtx(q);
    return ring_reserve(&q->f->rtx, 1);
}

int tcp_sndq_reserve(struct tcp_sndq *q, bool again)
{
    int err = room_for_records(q);

    return err != PLAIT_ENOMEM && again && !room_for_rtx(q) ? PLAIT_ENOMEM : err;
}

static int send_new(struct tcp_sndq *q, uint32_t len, unsigned kind, plait_time now)
{
    struct tcp_chunk *c = tcp_sndq_chunk_at(q, q->nxt);
    struct tcp_rec *r;

    if ((kind & (TCP_REC_SYN | TCP_REC_FIN)) == 0) {
        assert(q->opened && c != NULL && seq_le(q->nxt + len, c->seq + c->len) &&
               "new data comes from one chunk");
        c->started = true;
    } else {
        assert(len == 1 && (q->nxt == q->end || !q->opened) && "SYN and FIN enclose the data");
        q->opened = true;
    }
    r = ring_push(&q->f->recs);
    assert(r != NULL && "room was reserved");
    *r = (struct tcp_rec){ .seq = q->nxt, .len = len, .sent = now, .first_sent = now, .tx_n = 1 };
    r->flags = (uint16_t)kind;
    q->nxt += len;
    return 0;
}

void tcp_sndq_end_mtu_probe(struct tcp_rec *r)
{
    r->flags &= (uint16_t)~TCP_REC_MTU;
}

static void mark_resent(struct tcp_sndq *q, struct tcp_rec *r, unsigned kind, plait_time now)
{
    unmark_lost(q, r);
    r->flags &= (uint16_t)~(TCP_REC_PROBE | TCP_REC_MTU);
    r->flags |= (uint16_t)(TCP_REC_RTX | (kind & TCP_REC_PROBE));
    r->sent = now;
    if (r->tx_n < UINT16_MAX)
        r->tx_n++;
}

static void send_again(struct tcp_sndq *q, uint32_t seq, uint32_t len, unsigned kind,
                       plait_time now)
{
    struct tcp_rtx *x;
    uint32_t i;

    /* Where no record can be added the whole one counts as sent again. */
    split(q, seq);
    split(q, seq + len);
    tcp_sndq_rec_at(q, seq, &i);
    seq = tcp_sndq_rec(q, i)->seq;
    while (i < q->f->recs.count && seq_lt(tcp_sndq_rec(q, i)->seq, seq + len))
        mark_resent(q, tcp_sndq_rec(q, i++), kind, now);
    x = ring_push(&q->f->rtx);
    assert(x != NULL && "room was reserved");
    *x = (struct tcp_rtx){ .seq = seq, .end = tcp_rec_end(tcp_sndq_rec(q, i - 1)), .sent = now };
}

int tcp_sndq_sent(struct tcp_sndq *q, uint32_t seq, uint32_t len, unsigned kind, plait_time now)
{
    int err = tcp_sndq_reserve(q, seq != q->nxt);

    assert(len > 0 && seq_ge(seq, q->una) && seq_le(seq, q->nxt) &&
           "what is sent is not acknowledged");
    if (seq == q->nxt)
        return err != 0 ? err : send_new(q, len, kind, now);
    assert(seq_le(seq + len, q->nxt) && "a retransmission was sent before");
    if (err == PLAIT_ENOMEM)
        return err;
    send_again(q, seq, len, kind, now);
    return 0;
}

/* The record in which ack lies keeps what is behind ack. */
static void trim(struct tcp_sndq *q, struct tcp_rec *r, uint32_t ack)
{
    uint32_t n = ack - r->seq;

    if ((r->flags & TCP_REC_SACKED) != 0)
        q->f->sacked -= n;
    if ((r->flags & TCP_REC_LOST) != 0)
        q->f->lost -= n;
    r->seq += n;
    r->len -= n;
}

void tcp_sndq_ack(struct tcp_sndq *q, uint32_t ack)
{
    uint32_t n = 0;
    bool lost_moved = q->f->lost > 0 && seq_lt(q->f->lost_first, ack);

    assert(seq_ge(ack, q->una) && seq_le(ack, q->nxt) && "an acceptable acknowledgment");
    if (rests(q))
        return; /* ack is una */
    for (; n < q->f->recs.count && seq_lt(tcp_sndq_rec(q, n)->seq, ack); n++) {
        struct tcp_rec *r = tcp_sndq_rec(q, n);
        if (seq_gt(tcp_rec_end(r), ack)) {
            trim(q, r, ack);
            break;
        }
        if ((r->flags & TCP_REC_SACKED) != 0)
            q->f->sacked_n--;
        trim(q, r, tcp_rec_end(r));
    }
    ring_pop(&q->f->recs, n);
    fewer_cuts(q, n);
    q->una = ack;
    q->f->highest_sack = seq_max(q->f->highest_sack, ack);
    if (lost_moved)
        find_lost(q, 0);
    drop_chunks(q, ack);
    if (q->f->recs.count == 0)
        ring_truncate(&q->f->rtx, 0);
}

void tcp_sndq_shift(struct tcp_sndq *q, uint32_t by)
{
    assert(q->f->chunks.count == 0 && q->f->recs.count <= 1 && q->f->sacked_n == 0 &&
           "the SYN alone");
    for (uint32_t i = 0; i < q->f->recs.count; i++)
        tcp_sndq_rec(q, i)->seq += by;
    for (uint32_t i = 0; i < q->f->rtx.count; i++) {
        struct tcp_rtx *x = ring_at(&q->f->rtx, i);
        x->seq += by;
        x->end += by;
    }
    q->una += by;
    q->nxt += by;
    q->end += by;
    if (rests(q))
        return;
    q->f->highest_sack += by;
    q->f->lost_first += by;
}

/* ---- invariants ------------------------------------------------------------------------------ */

static void check_rec(const struct tcp_sndq *q, const struct tcp_rec *r)
{
    const unsigned both = TCP_REC_SACKED | TCP_REC_LOST;
    const struct tcp_chunk *c = tcp_sndq_chunk_at(q, r->seq);

    assert(r->len > 0 && (r->flags & both) != both && "a record is SACKED or LOST or in flight");
    assert(r->sent >= r->first_sent && r->tx_n > 0 && "a record was sent");
    assert((r->tx_n > 1) == ((r->flags & TCP_REC_RTX) != 0) && "sent twice means retransmitted");
    if ((r->flags & (TCP_REC_SYN | TCP_REC_FIN)) != 0)
        assert(r->len == 1 && c == NULL && "SYN and FIN are no data");
    else
        assert(c != NULL && c->started && seq_le(tcp_rec_end(r), c->seq + c->len) &&
               "a record lies within one chunk");
}

static void check_chunks(const struct tcp_sndq *q)
{
    uint64_t low = UINT64_MAX;
    uint32_t seq = q->end;

    for (uint32_t i = q->f->chunks.count; i-- > 0;) {
        const struct tcp_chunk *c = tcp_sndq_chunk(q, i);
        assert(c->len > 0 && c->seq + c->len == seq && "chunks are contiguous up to end");
        assert((!c->started || seq_lt(c->seq, q->nxt)) && "what was started was sent");
        seq = c->seq;
        low = c->pos < low ? c->pos : low;
    }
    assert(low == tcp_sndq_low_pos(q) && "the lowest position is known");
    assert(q->f->low_n <= q->f->chunks.count && "the mark is inside the queue");
}

bool tcp_sndq_check(const struct tcp_sndq *q)
{
    uint32_t seq = q->una, sacked = 0, lost = 0, sacked_n = 0;

    for (uint32_t i = 0; i < q->f->recs.count; i++) {
        const struct tcp_rec *r = tcp_sndq_rec(q, i);
        assert(r->seq == seq && "records are contiguous from una");
        check_rec(q, r);
        if ((r->flags & TCP_REC_LOST) != 0)
            assert((lost > 0 || q->f->lost_first == seq) && "the first lost record is known");
        seq += r->len;
        sacked += (r->flags & TCP_REC_SACKED) != 0 ? r->len : 0;
        sacked_n += (r->flags & TCP_REC_SACKED) != 0 ? 1 : 0;
        lost += (r->flags & TCP_REC_LOST) != 0 ? r->len : 0;
    }
    assert(seq == q->nxt && "records are contiguous up to nxt");
    assert(sacked == q->f->sacked && sacked_n == q->f->sacked_n && lost == q->f->lost &&
           "flags are counted");
    if (!rests(q))
        assert(seq_ge(q->f->highest_sack, q->una) && seq_le(q->f->highest_sack, q->nxt) &&
               "SACKs are of data sent");
    assert(q->f->recs.count <= q->f->recs.max && "the scoreboard is capped");
    assert((q->f->cuts < q->f->recs.count || q->f->cuts == 0) && "each cut left a record more");
    check_chunks(q);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sending at the data level: what the application wrote becomes chunks on subflows, in order, and
 * again on other subflows where one lets it wait.
 *
 * Called by conn.c before each plan (mp_tx_schedule), for each DATA_ACK and subflow ACK, and for
 * the application's mp_send().
 *
 *   begin <= snd_una <= snd_nxt <= end of the store
 *            |          |          \ written, given to nobody yet
 *            |          \ given to a subflow (its carry list), DATA_ACK awaited; a part of this may
 *            |            stand in `reinject`: to be given to another one
 *            \ DATA_ACKed
 *
 * Every position between snd_una and snd_nxt is in `reinject`, or in a carry list and not moved,
 * or was acknowledged by a subflow; the last case is guarded by the data-level retransmission
 * timer (rtx.c).
 *
 * A chunk is one mapping: as large as one plan may be, whole packets unless it is the tail.
 * Nagle's rule and silly window avoidance live here, because only here is the whole stream seen.
 * What is sent lies in the store (store.c). RFC 8684 3.3.1, 3.3.2, 3.3.5, 3.3.6. */
#include "mp_int.h"

#include "../base/copy.h"

#define FIN_RTX_MIN (300 * PLAIT_MSEC)
#define OPPORTUNE_MIN (10 * PLAIT_MSEC)
#define LEAN_ROUNDS 16
#define LEAN_UNKNOWN UINT32_MAX
enum { SNDBUF_MIN = 64 << 10, RATIO_MAX = 16 };

/* ---- the application writes ----------------------------------------------------------------- */

static uint64_t queued(const struct mp_conn *c) { return c->store.end - c->snd_una; }

/* May the application write? 0, or why not. */
static int writable(const struct mp_conn *c)
{
    if (c->err != 0)
        return c->err;
    if (c->fin_wanted)
        return PLAIT_EPIPE;
    return c->over ? PLAIT_ENOTCONN : 0;
}

static uint64_t room_left(const struct mp_conn *c)
{
    uint64_t used = queued(c);

    return c->sndbuf > used ? c->sndbuf - used : 0;
}

int64_t mp_send_reserve(struct mp_conn *c, size_t len, uint8_t **room, plait_time now)
{
    uint64_t left = room_left(c);
    int err = writable(c);
    size_t n;

    if (err != 0)
        return err;
    n = store_reserve(&c->store, (size_t)mp_min(len, left), room);
    c->want_write = n == 0 && len > 0;
    if (n == 0 && left > 0)
        mp_starved(c, now);
    return n > 0 || len == 0 ? (int64_t)n : PLAIT_EAGAIN;
}

void mp_send_commit(struct mp_conn *c, size_t n, plait_time now)
{
    if (queued(c) == 0)
        c->progress_at = now;
    store_commit(&c->store, n);
}

int64_t mp_send(struct mp_conn *c, const void *data, size_t len, plait_time now)
{
    uint64_t room = room_left(c);
    int err = writable(c);
    size_t n;

    if (err != 0)
        return err;
    if (queued(c) == 0)
        c->progress_at = now;
    n = store_append(&c->store, data, (size_t)mp_min(len, room));
    c->want_write = n < len;
    if (n < len && n < room)
        mp_starved(c, now);
    return n > 0 || len == 0 ? (int64_t)n : PLAIT_EAGAIN;
}

/*= RFC 8684 3.3.5
 * The send buffer MUST, at a minimum, be as big as the receive buffer, to enable the sender to
 * reach maximum throughput. */
/* As far as the paths can fill it: twice what is in flight while the slowest one makes its round,
 * but not what only waits on the way. */
static void tune_sndbuf(struct mp_conn *c)
{
    plait_time longest = 1;
    uint64_t want = SNDBUF_MIN, held = 0;

    MP_EACH(s, c)
        if (mp_subflow_usable(s) && !s->stale)
            longest = mp_later(longest, s->tcb.loss.rtt.srtt);
    MP_EACH(s, c) {
        const struct tcp_rtt *rtt = &s->tcb.loss.rtt;
        uint64_t ratio_x4 = rtt->srtt > 0 ? mp_min(longest * 4 / rtt->srtt, 4 * RATIO_MAX) : 4;
        uint64_t flight = mp_min(s->tcb.loss.cc.cwnd, s->tcb.loss.cc.flight);
        if (!mp_subflow_usable(s))
            continue;
        if (ratio_x4 < 4)
            ratio_x4 = 4;
        want += 2 * s->tcb.loss.cc.cwnd * ratio_x4 / 4;
        held += mp_path_holds(flight * ratio_x4 / 4, rtt->srtt, rtt->min_rtt);
    }
    want = mp_min(want, held > MP_BUF_CACHED ? held : MP_BUF_CACHED);
    want = mp_min(want, c->cfg->sndbuf_max);
    if (want > c->sndbuf)
        c->sndbuf = (uint32_t)want;
}

/* Room came back: tell the application when it is worth a call, and before the paths have room for
 * more than it has given. */
static void wake_writer(struct mp_conn *c)
{
    uint64_t used = queued(c);

    if (c->want_write && used < c->sndbuf && c->sndbuf - used >= c->sndbuf / 16) {
        c->want_write = false;
        c->news |= MP_NEWS_WRITABLE;
    }
}

/* ---- giving data to a subflow --------------------------------------------------------------- */

/* One push, one chunk. */
static uint32_t chunk_max(const struct mp_subflow *s)
{
    uint32_t mss = tcp_payload_mss(&s->tcb), max = tcp_quantum(&s->tcb);

    return max > mss ? max - max % mss : mss;
}

static int push(struct mp_subflow *s, uint64_t pos, uint32_t len, uint32_t meta)
{
    int err = mp_carry_reserve(s);

    if (err == 0)
        err = tcp_push(&s->tcb, pos, len, meta);
    if (err == 0)
        mp_carry_add(s, pos, len);
    return err;
}

/* A sixteenth of the congestion window, up to a whole super-segment: what is worth waiting for
 * while ACKs come in. Else a stream that was once cut into single packets would stay so for ever.
 */
static uint32_t worth(const struct mp_subflow *s, uint32_t mss)
{
    uint32_t n = s->tcb.loss.cc.cwnd / 16, max = chunk_max(s);

    n = n < max ? n : max;
    return n > mss ? n - n % mss : mss;
}

/* What s was given and has not had acknowledged. */
static uint32_t queued_on(const struct mp_subflow *s)
{
    return s->tcb.sndq.end - s->tcb.sndq.una;
}

/* The others are gone, silent, or there for such a case alone. */
static bool is_on_its_own(const struct mp_subflow *s)
{
    MP_EACH(o, s->conn)
        if (o != s && mp_subflow_usable(o) && !o->stale && !o->backup_local && !o->backup_remote)
            return false;
    return true;
}

/* A path that held up the others keeps no queue on its way for a while; where it takes over what
 * they carried, nobody waits for it. */
static uint32_t lean_room(const struct mp_subflow *s, uint32_t room)
{
    uint32_t limit;

    if (s->lean == NULL || is_on_its_own(s))
        return room;
    limit = s->lean->limit;
    return limit > queued_on(s) ? (uint32_t)mp_min(room, limit - queued_on(s)) : 0;
}

/*= RFC 8684 3.3.5-2 */
static uint32_t room_of(const struct mp_subflow *s)
{
    uint32_t room = lean_room(s, tcp_room(&s->tcb)), mss = tcp_payload_mss(&s->tcb);

    if (!mp_join_unanswered(s))
        return room;
    if (!tcp_idle(&s->tcb))
        return 0;
    return room < mss ? room : mss;
}

/* For a scheduler that gives a path its next data before it can send it: up to twice the window
 * lies there, as in the socket of a Linux subflow. */
static uint32_t room_ahead(const struct mp_subflow *s)
{
    const struct tcp_sndq *q = &s->tcb.sndq;
    uint32_t full = s->tcb.loss.cc.cwnd * 2, queued = queued_on(s);

    if (!tcp_can_send(&s->tcb) || tcp_sndq_chunk_room(q) == 0)
        return 0;
    return full > queued ? full - queued : 0;
}

/* What s would take now, in whole packets where more waits. */
static uint32_t useful_room(const struct mp_subflow *s, uint64_t want)
{
    bool ahead = s->conn->cfg->sched->ahead && s->conn->mode == MP_MODE_MULTIPATH &&
                 !mp_join_unanswered(s);
    uint32_t room = ahead ? room_ahead(s) : room_of(s);
    uint32_t mss = tcp_payload_mss(&s->tcb), target = worth(s, mss);

    if (room >= want)
        return room;
    if (room < mss)
        return tcp_idle(&s->tcb) ? room : 0;
    if (room < target && tcp_sndq_flight(&s->tcb.sndq) >= 2 * target)
        return 0; /* more than this comes back soon */
    return room - room % mss;
}

/*= RFC 9293 3.9.1.2
 * However, a TCP implementation SHOULD send a maximum-sized segment whenever possible (SHLD-28) to
 * improve performance (see Section 3.8.6.2.1). */
static uint32_t chunk_len(const struct mp_subflow *s, uint64_t want, uint32_t room)
{
    uint32_t mss = tcp_payload_mss(&s->tcb);
    bool single = s->conn->cfg->sched->single && s->conn->sub_n > 1;
    uint32_t max = single ? mss : chunk_max(s);
    uint32_t n = (uint32_t)mp_min(mp_min(want, room), max);

    return n < want && n > mss ? n - n % mss : n;
}

/* A decision to make: `want` bytes from pos on. */
struct offer {
    uint64_t pos, want;
    uint32_t window;
    bool again;
};

/* A packet larger than others comes out of one chunk. */
static uint32_t for_probe(const struct mp_subflow *s, uint32_t n, const struct offer *o,
                          plait_time now)
{
    uint32_t len = tcp_sndq_unsent(&s->tcb.sndq) == 0 ? tcp_pmtu_probe(&s->tcb, now) : 0;

    if (len <= n || o->want < tcp_pmtu_with_followers(&s->tcb, len) || mp_join_unanswered(s))
        return n;
    return len;
}

/* Did s reinject it when it was last the oldest? That was in vain, or it would not be again. */
static bool sent_again(const struct mp_subflow *s, uint64_t pos)
{
    return pos >= s->again_lo && pos < s->again_hi;
}

/* The peer asked on another path while this one lay idle and has been silent for long: it may know
 * why. With nothing out the answer goes where the question came from; what else there is to say
 * finds out whether this path is alive. */
static bool peer_left(const struct mp_subflow *s)
{
    const struct mp_subflow *asked = s->conn->last_in;

    return asked != NULL && asked != s && mp_subflow_usable(asked) && !asked->stale &&
           tcp_idle(&s->tcb) && asked->tcb.last_rcvd > s->tcb.last_rcvd + mp_patience(s);
}

/* What the scheduler sees, and which subflow each path of it is. */
struct offered {
    struct mp_subflow *of[SCHED_PATHS_MAX];
    struct sched_view view;
};

static void make_view(struct mp_conn *c, const struct offer *o, struct offered *out,
                      plait_time now)
{
    struct sched_view *view = &out->view;

    view->now = now;
    view->want = (uint32_t)mp_min(o->want, UINT32_MAX);
    view->window = o->window;
    view->waiting = c->store.end - c->snd_nxt;
    view->out = c->snd_nxt - c->snd_una;
    view->span = mp_min(c->snd_edge - c->snd_una, c->cfg->sndbuf_max); /* ours would grow to it */
    view->blocked = c->held_up_n;
    view->reinject = o->again;
    view->n = 0;
    MP_EACH(s, c) {
        const struct tcp_loss *l = &s->tcb.loss;
        if (!mp_subflow_usable(s) || view->n == SCHED_PATHS_MAX)
            continue;
        view->path[view->n] = (struct sched_path){
            .srtt = l->rtt.srtt, .rttvar = l->rtt.rttvar,
            .min_rtt = l->rtt.min_rtt == PLAIT_NEVER ? 0 : l->rtt.min_rtt,
            .room = useful_room(s, o->want), .queued = queued_on(s), .cwnd = l->cc.cwnd,
            .ssthresh = l->cc.ssthresh, .flight = tcp_sndq_flight(&s->tcb.sndq),
            .mss = tcp_payload_mss(&s->tcb), .id = s->id, .own = &s->sched_own,
            /*= RFC 8684 3.3.8
             * It should be noted that the backup flag is a request from a data receiver to a data
             * sender only, and the data sender SHOULD adhere to these requests. */
            .usable = true, .backup = s->backup_local || s->backup_remote,
            .stale = s->stale || (view->out == 0 && peer_left(s)),
            .carried = o->again && (mp_carry_has(s, o->pos) || sent_again(s, o->pos)),
        };
        out->of[view->n++] = s;
    }
}

/* It has what it wants to keep in mind. False: there is no memory for it. */
static bool scheduler_ready(struct mp_conn *c, plait_time now)
{
    if (c->cfg->sched->forgets || c->sched_state != NULL)
        return true;
    c->sched_state = ctx_alloc(c->ctx, sizeof *c->sched_state);
    if (c->sched_state == NULL)
        mp_starved(c, now);
    return c->sched_state != NULL;
}

/* Asks the scheduler. NULL: wait. */
static struct mp_subflow *pick(struct mp_conn *c, const struct offer *o, struct offered *offered,
                               plait_time now)
{
    struct sched_view *view = &offered->view;
    int i;

    if (!scheduler_ready(c, now))
        return NULL;
    make_view(c, o, offered, now);
    i = view->n > 0 ? c->cfg->sched->pick(c->sched_state, view) : SCHED_WAIT;
    return i == SCHED_WAIT ? NULL : offered->of[i];
}

/* Tells the scheduler what became of its decision, where it wants to know. */
static void tell_given(struct mp_conn *c, const struct offered *offered,
                       const struct mp_subflow *s, uint32_t len)
{
    if (c->cfg->sched->given == NULL)
        return;
    for (unsigned i = 0; i < offered->view.n; i++)
        if (offered->of[i] == s)
            c->cfg->sched->given(c->sched_state, &offered->view, i, len);
}

/* The mapping may end with the DATA_FIN: RFC 8684 3.3.3 counts it in its length alone. */
static uint32_t meta_for(struct mp_subflow *s, uint64_t end)
{
    const struct mp_conn *c = s->conn;
    bool last = c->fin_wanted && end == c->store.end;

    if (c->mode == MP_MODE_MULTIPATH)
        return last && !mp_data_brings_keys(s) ? MP_META_FIN : 0;
    return s->infinite ? MP_META_INFINITE : 0;
}

/* Pushes and does what follows from the meta. */
static bool give(struct mp_subflow *s, uint64_t pos, uint32_t len, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint32_t meta = meta_for(s, pos + len);

    if (push(s, pos, len, meta) != 0) {
        mp_starved(c, now);
        return false;
    }
    if ((meta & MP_META_FIN) != 0) {
        c->fin_sent = true;
        c->fin_at = now + mp_later(tcp_rtt_timeout(&s->tcb.loss.rtt), FIN_RTX_MIN);
    } else if ((meta & MP_META_INFINITE) != 0) {
        s->infinite = false;
        s->infinite_sent = true;
        s->u.infinite.end = s->tcb.sndq.end;
    }
    return true;
}

/* ---- again ---------------------------------------------------------------------------------- */

void mp_tx_again(struct mp_conn *c, uint64_t lo, uint64_t hi)
{
    struct rangeset *r = &c->reinject;

    lo = lo > c->snd_una ? lo : c->snd_una;
    hi = hi < c->snd_nxt ? hi : c->snd_nxt;
    if (lo >= hi || rangeset_add(r, lo, hi) == 0)
        return;
    lo = r->n > 0 ? mp_min(lo, r->v[0].lo) : lo;
    hi = r->n > 0 && r->v[r->n - 1].hi > hi ? r->v[r->n - 1].hi : hi;
    /* One range for all: needs no more room than there is, which mp_conn's birth made sure of. */
    (void)rangeset_add(r, lo, hi);
}

/* Does another subflow carry all of this, so that nobody has to wait for s? */
static bool is_elsewhere(const struct mp_subflow *s, const struct mp_carry *r)
{
    uint64_t pos = r->pos, end = r->pos + r->len;

    MP_EACH(o, s->conn) {
        const struct mp_carry *other;
        if (o == s || o->stale || !mp_subflow_usable(o))
            continue;
        while (pos < end && (other = mp_carry_find(o, pos)) != NULL && !other->moved)
            pos = other->pos + other->len;
        if (pos >= end)
            return true;
    }
    return false;
}

/*= RFC 8684 3.3.6
 * When doing this, a host MUST still retransmit the original data on the original subflow, in order
 * to preserve the subflow's integrity (middleboxes could replay old data and/or could reject holes
 * in subflows), and a receiver will ignore these retransmissions. */
void mp_tx_requeue(struct mp_subflow *s)
{
    bool copies = s->conn->cfg->sched->copies != NULL;

    for (uint32_t i = 0; i < s->carry.count; i++) {
        struct mp_carry *r = ring_at(&s->carry, i);
        if (!r->moved && !(copies && is_elsewhere(s, r)))
            mp_tx_again(s->conn, r->pos, r->pos + r->len);
        r->moved = true;
    }
}

static void note_reinjected(struct mp_subflow *s, uint64_t pos, uint32_t len, plait_time now)
{
    struct mp_conn *c = s->conn;
    struct mp_event ev = { .type = PLAIT_TRACE_REINJECT, .a = mp_dsn_out(c, pos), .b = len };

    c->bytes_reinjected += len;
    s->reinjected += len;
    if (pos == c->snd_una)
        s->again_lo = s->again_hi = pos;
    if (pos == s->again_hi)
        s->again_hi = pos + len;
    mp_trace(c, s, ev, now);
}

/*= RFC 8684 3.3.6
 * The Data Sequence Mapping allows senders to resend data with the same data sequence number on a
 * different subflow. */
static bool send_again(struct mp_conn *c, plait_time now)
{
    struct range r = c->reinject.v[0];
    struct offer o = { .pos = r.lo, .want = r.hi - r.lo, .window = UINT32_MAX, .again = true };
    struct offered offered;
    struct mp_subflow *s = pick(c, &o, &offered, now);
    uint32_t n;

    if (s == NULL)
        return false;
    n = chunk_len(s, o.want, useful_room(s, o.want));
    if (n == 0 || !give(s, r.lo, n, now))
        return false;
    tell_given(c, &offered, s, n);
    (void)rangeset_del(&c->reinject, r.lo, r.lo + n); /* a prefix: cannot fail */
    note_reinjected(s, r.lo, n, now);
    c->again_end = c->again_end > r.lo + n ? c->again_end : r.lo + n;
    return true;
}

/* What the peer was seen to have of s, modulo 2^32. */
static uint32_t delivered(const struct mp_subflow *s)
{
    return s->tcb.sndq.una + s->tcb.sndq.f->sacked;
}

/* What s may have out at a time without a queue: a quarter more than its bandwidth-delay product by
 * the lowest round trip, and two packets, of which one is being sent and one is being acknowledged.
 * The buffers hold more of the stream then that the fast paths bring meanwhile.
 *
 * The bandwidth is what comes through while it holds up the others. What is out, by the time that
 * it takes, does not tell: a round trip that is measured lags behind a queue that grows, and behind
 * a window that a loss made smaller. */
static uint32_t without_queue(const struct mp_subflow *s, plait_time least_rtt, plait_time now)
{
    uint64_t came = delivered(s) - s->lean->from, bdp = came * least_rtt / (now - s->lean->at);

    return (uint32_t)mp_min(bdp * 5 / 4 + 2 * tcp_payload_mss(&s->tcb), CC_CWND_MAX);
}

/* A round begins: it ends when what is sent from now on is acknowledged. */
static void lean_round(struct mp_subflow *s, enum mp_lean_phase phase)
{
    s->lean->phase = phase;
    s->lean->from = s->tcb.sndq.end;
}

/* s holds up the others. What comes through is measured, until no more than that is out. What goes
 * out from then on and holds them up nevertheless is too much for the buffers without any queue:
 * half of it then, once for each round. Without memory for that it stays as it is, until it holds
 * them up again. */
static void make_lean(struct mp_subflow *s, plait_time now)
{
    const struct tcp_rtt *rtt = &s->tcb.loss.rtt;
    plait_time least_rtt = mp_earlier(rtt->min_rtt, rtt->srtt);
    uint32_t least = 2 * tcp_payload_mss(&s->tcb);
    struct mp_lean *lean = s->lean;

    if (lean == NULL) {
        if (mp_lean_open(s))
            *s->lean = (struct mp_lean){ .at = now, .until = now + rtt->srtt,
                                         .limit = LEAN_UNKNOWN, .from = delivered(s),
                                         .phase = MP_LEAN_MEASURES };
        return;
    }
    if (lean->phase == MP_LEAN_MEASURES && now - lean->at > least_rtt / 4) {
        lean->limit = without_queue(s, least_rtt, now);
    } else if (lean->phase == MP_LEAN_GROWS) {
        lean->limit = lean->limit / 2 > least ? lean->limit / 2 : least;
        lean_round(s, MP_LEAN_WAITS);
    }
    if (lean->limit != LEAN_UNKNOWN)
        lean->until = now + LEAN_ROUNDS * rtt->srtt;
}

/* In each round that passes without holding them up it may be a sixteenth more; after LEAN_ROUNDS
 * without there is no limit but the window, which was not tried beyond that. */
static void lean_acked(struct mp_subflow *s, plait_time now)
{
    struct mp_lean *lean = s->lean;

    if (lean == NULL)
        return;
    if (now >= lean->until) {
        if (lean->limit != LEAN_UNKNOWN)
            tcp_loss_forget(&s->tcb.loss, lean->limit, now);
        mp_lean_close(s);
    } else if (lean->phase == MP_LEAN_MEASURES) {
        if (lean->limit != LEAN_UNKNOWN && queued_on(s) <= lean->limit)
            lean_round(s, MP_LEAN_WAITS);
    } else if (seq_gt(s->tcb.sndq.una, lean->from)) {
        if (lean->phase == MP_LEAN_GROWS)
            lean->limit = (uint32_t)mp_min((uint64_t)lean->limit + lean->limit / 16, CC_CWND_MAX);
        lean_round(s, MP_LEAN_GROWS);
    }
}

/* It should have answered by now: it is no way out for what another one holds. */
static bool is_silent(const struct mp_subflow *s, plait_time now)
{
    return !tcp_idle(&s->tcb) && now - s->tcb.last_rcvd > 2 * s->tcb.loss.rtt.srtt;
}

/* The window or our buffer is used up and its oldest byte is with a subflow that lets it wait,
 * while another one has room: that one sends it too, where the scheduler is of that kind. */
static void opportunity(struct mp_conn *c, plait_time now)
{
    struct mp_subflow *fast = mp_best(c, NULL), *slow = NULL;
    const struct mp_carry *head = NULL;
    const struct sched_ops *sched = c->cfg->sched;
    plait_time fast_rtt, slow_rtt;

    if (fast == NULL || now < c->opportune_at || c->reinject.n > 0 || c->snd_una == c->snd_nxt)
        return;
    fast_rtt = fast->tcb.loss.rtt.srtt;
    c->opportune_at = now + mp_later(fast_rtt, OPPORTUNE_MIN);
    if (useful_room(fast, UINT32_MAX) == 0 || is_silent(fast, now) ||
        mp_carry_has(fast, c->snd_una))
        return;
    MP_EACH(s, c)
        if (s != fast && head == NULL && (head = mp_carry_find(s, c->snd_una)) != NULL)
            slow = s;
    if (head == NULL || head->moved)
        return;
    slow_rtt = slow->tcb.loss.rtt.srtt;
    c->held_up_n += fast_rtt < slow_rtt;
    if (sched->penalise && fast_rtt < slow_rtt)
        tcp_loss_penalise(&slow->tcb.loss);
    if (!sched->opportune)
        return;
    /* Paths that differ by less are alike: their queues come and go. */
    if (sched->lean && 2 * slow_rtt >= 3 * fast_rtt)
        make_lean(slow, now);
    if (slow_rtt >= 2 * fast_rtt || slow->stale || now - slow->tcb.last_rcvd > slow_rtt)
        mp_tx_again(c, head->pos, mp_min(head->pos + head->len, c->snd_una + MP_CHUNK_MAX));
}

/* ---- for the first time --------------------------------------------------------------------- */

/*= RFC 8684 3.3.5
 * a sender is allowed to send data segments with data-level sequence numbers between (DATA_ACK,
 * DATA_ACK + receive_window) */
static uint64_t window(const struct mp_conn *c)
{
    if (c->mode == MP_MODE_PLAIN)
        return UINT64_MAX;
    return c->snd_edge > c->snd_nxt ? c->snd_edge - c->snd_nxt : 0;
}

/*= RFC 9293 MUST-60, MAY-16 */
/*= RFC 9293 3.7.4
 * A TCP implementation SHOULD implement the Nagle algorithm to coalesce short segments (SHLD-7). */
/*= RFC 9293 3.7.4
 * However, there MUST be a way for an application to disable the Nagle algorithm on an individual
 * connection (MUST-17). */
/*= RFC 6897 4.4.2-1 */
/* RFC 9293 3.7.4 (Nagle) and 3.8.6.2.1 (silly windows), for the stream as a whole: a short packet
 * goes only where nothing is in flight, or where it is the end. */
static bool hold_back(const struct mp_conn *c, uint32_t n, uint32_t mss)
{
    bool tail = c->snd_nxt + n == c->store.end;

    if (n >= mss || c->snd_una == c->snd_nxt)
        return false;
    return !tail || !(c->cfg->nodelay || c->fin_wanted);
}

/* What waits is more than the peer's window takes, and that is little. Nothing is in flight, so the
 * window may stay as it is for ever: the persist timer is the override timeout. */
/*= RFC 9293 3.8.6.2.1
 * A TCP implementation MUST include a SWS avoidance algorithm in the sender (MUST-38). */
static bool silly(const struct mp_conn *c, const struct mp_subflow *s, uint32_t n)
{
    const struct tcb *t = &s->tcb;
    bool tail = c->snd_nxt + n == c->store.end;

    return !tail && c->snd_una == c->snd_nxt && n < tcp_payload_mss(t) && n < t->max_wnd / 2 &&
           !t->persist_due;
}

/* The one whose persist timer ran out: what the small window takes goes there, and not to another
 * one of the same speed, which would have to wait for a timer of its own. */
static struct mp_subflow *overdue(const struct mp_conn *c)
{
    MP_EACH(s, c)
        if (s->tcb.persist_due && mp_subflow_usable(s))
            return s;
    return NULL;
}

static bool send_new(struct mp_conn *c, plait_time now)
{
    uint64_t waiting = c->store.end - c->snd_nxt, wnd = window(c);
    struct offer o = { .pos = c->snd_nxt, .want = mp_min(waiting, wnd),
                       .window = (uint32_t)mp_min(wnd, UINT32_MAX) };
    struct offered offered;
    struct mp_subflow *s;
    uint32_t n;

    offered.view.n = 0;
    if (wnd == 0) {
        c->blocked = true;
        opportunity(c, now);
        return false;
    }
    s = overdue(c);
    if (s == NULL)
        s = pick(c, &o, &offered, now);
    if (s == NULL || mp_data_waits(s))
        return false;
    n = chunk_len(s, o.want, useful_room(s, o.want));
    if (n == 0)
        return false;
    n = for_probe(s, n, &o, now);
    if (silly(c, s, n) || hold_back(c, n, tcp_payload_mss(&s->tcb))) {
        c->blocked = o.want < waiting || c->snd_una == c->snd_nxt;
        if (o.want < waiting || c->want_write) /* less than a packet is as good as no room */
            opportunity(c, now);
        return false;
    }
    if (!give(s, c->snd_nxt, n, now))
        return false;
    if (s->copied_to == c->snd_nxt)
        s->copied_to += n;
    c->snd_nxt += n;
    tell_given(c, &offered, s, n);
    return true;
}

/* ---- the same on several paths -------------------------------------------------------------- */

/* Where s should carry something that others were given: the next position that it does not carry
 * itself; snd_nxt: nowhere. */
static uint64_t copy_from(const struct mp_subflow *s, uint64_t from)
{
    const struct mp_carry *r;
    uint64_t end = s->conn->snd_nxt;

    from = from > s->copied_to ? from : s->copied_to;
    while (from < end && (r = mp_carry_find(s, from)) != NULL)
        from = r->pos + r->len;
    return mp_min(from, end);
}

static bool copy(struct mp_subflow *s, uint64_t behind, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t pos = copy_from(s, c->snd_nxt - behind), left = c->snd_nxt - pos;
    uint32_t n;

    if (left == 0 || mp_data_waits(s))
        return false;
    n = chunk_len(s, left, useful_room(s, left));
    if (n == 0 || !give(s, pos, n, now))
        return false;
    s->copied_to = pos + n;
    note_reinjected(s, pos, n, now);
    c->again_end = c->again_end > pos + n ? c->again_end : pos + n;
    return true;
}

/* What the scheduler wants on more than one path. Each path goes on where it stands, as far as it
 * has room; what has been DATA_ACKed meanwhile it leaves out. A peer that our MP_FAIL has made
 * plain would take a copy for new data. */
static void send_copies(struct mp_conn *c, plait_time now)
{
    const struct sched_ops *sched = c->cfg->sched;
    struct offer o = { .pos = c->snd_nxt, .want = c->snd_nxt - c->snd_una };
    struct offered offered;

    if (sched->copies == NULL || o.want == 0 || c->mode != MP_MODE_MULTIPATH || c->sub_n < 2 ||
        mp_fail_is_out(c))
        return;
    make_view(c, &o, &offered, now);
    for (unsigned i = 0; i < offered.view.n; i++) {
        uint64_t behind = sched->copies(&offered.view, i);
        while (behind > 0 && copy(offered.of[i], mp_min(behind, o.want), now))
            ;
    }
}

/* Data waits for a window and nothing is in flight that would bring news of it: probing is TCP's.
 */
static void set_blocked(struct mp_conn *c)
{
    bool waits = (c->store.end > c->snd_nxt || c->reinject.n > 0) && c->established && !c->over;
    struct mp_subflow *best = mp_best(c, NULL);

    MP_EACH(s, c)
        s->tcb.blocked_above = waits && s == best && tcp_idle(&s->tcb) &&
                               (c->blocked ||
                                (tcp_room(&s->tcb) == 0 && !tcp_held(&s->tcb)));
}

/* New data waits, and there is nobody else to give it to. */
static void set_more(struct mp_conn *c)
{
    bool more = c->store.end > c->snd_nxt && window(c) > 0 && c->established && !c->over;
    unsigned usable = 0;

    MP_EACH(s, c)
        usable += mp_subflow_usable(s);
    MP_EACH(s, c)
        s->tcb.more_above = more && usable == 1 && mp_subflow_usable(s);
}

/* Windows that idled shrink before anybody looks at them. */
static void resume(struct mp_conn *c, plait_time now)
{
    if (c->store.end == c->snd_nxt && c->reinject.n == 0)
        return;
    MP_EACH(s, c)
        if (mp_subflow_usable(s))
            tcp_resume(&s->tcb, now);
}

/* A path with room that got nothing: by the application's doing, or by the scheduler's who gave it
 * to another one, so it says nothing of the path. Where there is one path only, the peer's window
 * counts as the path's (draft-ietf-ccwg-bbr 4.1.1.3.1). */
static void note_unfed(struct mp_conn *c)
{
    if (c->cfg->tcp.cc->own_size == 0 || (c->blocked && c->sub_n == 1))
        return;
    MP_EACH(s, c)
        if (mp_subflow_usable(s) && useful_room(s, UINT32_MAX) > 0)
            tcp_app_limited(&s->tcb);
}

/* Everything was given to subflows, and the application has more. */
static bool buffer_full(const struct mp_conn *c)
{
    return c->want_write && c->store.end == c->snd_nxt && c->mode == MP_MODE_MULTIPATH;
}

void mp_tx_schedule(struct mp_conn *c, plait_time now)
{
    c->blocked = false;
    if (c->established && !c->over && c->mode != MP_MODE_PENDING) {
        rangeset_cut_below(&c->reinject, c->snd_una);
        resume(c, now);
        while (c->reinject.n > 0 && send_again(c, now))
            ;
        send_copies(c, now);
        while (c->store.end > c->snd_nxt && send_new(c, now))
            ;
        if (buffer_full(c))
            opportunity(c, now);
        while (c->reinject.n > 0 && send_again(c, now)) /* an opportunity was seen */
            ;
        send_copies(c, now);
        if (c->fin_wanted && c->snd_nxt == c->store.end)
            mp_close_step(c, now);
    }
    set_blocked(c);
    set_more(c);
    note_unfed(c);
}

/* ---- acknowledgments ------------------------------------------------------------------------ */

bool mp_tx_outstanding(const struct mp_conn *c)
{
    return c->store.end > c->snd_una || (c->fin_wanted && !c->fin_acked);
}

static void progress(struct mp_conn *c, uint64_t pos, plait_time now)
{
    c->snd_una = pos;
    if (c->snd_nxt < pos)
        c->snd_nxt = pos;
    c->progress_at = now;
    c->rtx_n = 0;
    c->probed = false;
    c->fin_n = 0;
    c->rtx_at = PLAIT_NEVER;
    rangeset_cut_below(&c->reinject, pos);
    tune_sndbuf(c);
    wake_writer(c);
    mp_store_release(c, now);
}

/*= RFC 8684 3.3.2
 * an implementation MUST NOT use the RCV.WND field of a TCP segment at the connection level if it
 * does not also carry a DSS option with a Data ACK field */
void mp_tx_data_ack(struct mp_subflow *s, uint64_t pos, uint32_t wnd, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t max = c->snd_nxt + (c->fin_sent && c->snd_nxt == c->store.end ? 1 : 0);

    if ((int64_t)pos < 0 || (pos > max && (int64_t)(pos - max) > 0)) {
        if ((int64_t)pos >= 0)
            mp_drop(c, s, PLAIT_REASON_DATA_ACK_OUTSIDE, now);
        return;
    }
    /*= RFC 8684 3.3.5
     * It should only update its local receive window values when the largest sequence number
     * allowed (i.e., DATA_ACK + receive window) increases on the receipt of a DATA_ACK. */
    /*= RFC 8684 3.3.5
     * Therefore, if receive window sizes differ on multiple subflows, when sending data MPTCP
     * SHOULD take the largest of the most recent window sizes as the one to use in calculations. */
    /*= RFC 8684 4-4 */
    if (pos + wnd > c->snd_edge)
        c->snd_edge = pos + wnd;
    if (pos > c->store.end) {
        c->fin_acked = true;
        c->fin_at = PLAIT_NEVER;
        pos = c->store.end;
    }
    if (pos > c->snd_una)
        progress(c, pos, now);
}

/* On a plain connection the subflow's acknowledgment is the only one. */
/*= RFC 8684 3.7
 * After a sender signals an infinite mapping, it MUST only use subflow ACKs to clear its send
 * buffer. */
void mp_tx_plain_acked(struct mp_subflow *s, plait_time now)
{
    struct mp_conn *c = s->conn;
    const struct mp_carry *first = s->carry.count > 0 ? ring_at(&s->carry, 0) : NULL;
    uint64_t una = first != NULL ? first->pos : c->snd_nxt;

    if (una > c->snd_una)
        progress(c, una, now);
}

/*= RFC 8684 4
 * Implementations SHOULD NOT attempt to infer a data-level acknowledgment from the subflow ACKs. */
void mp_tx_subflow_acked(struct mp_subflow *s, const struct tcp_result *res, plait_time now)
{
    struct mp_conn *c = s->conn;

    lean_acked(s, now);
    if (res->ack.acked_data > 0)
        mp_carry_acked(s);
    /* Our data gets through: what it would take to call the path dead must happen anew. */
    if (res->ack.acked_data > 0 || res->ack.sacked > 0 || s->tcb.sndq.una == s->tcb.sndq.nxt)
        mp_unstale(s, now);
    if (c->mode == MP_MODE_PLAIN)
        mp_tx_plain_acked(s, now);
    else if (res->ack.acked_data > 0)
        mp_store_release(c, now);
}

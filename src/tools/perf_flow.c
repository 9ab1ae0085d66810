/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of `plait perf`: a state machine for one connection, the same for both sides and all
 * back ends. Called by perf.c whenever something may have come or room may have been made.
 *
 *   bulk, sender     (header) SEND  TRAILER_IN   END_IN
 *   bulk, receiver   (header) RECV  TRAILER_OUT  END_IN
 *   requests         (header) PUT GET PUT GET ... END_IN     at the server GET PUT GET PUT ...
 *
 * The client's header comes first. The end of the sender's stream ends a transfer, and the receiver
 * answers by what it got. A receiver that has enough sends its trailer early. A server keeps
 * nothing of what it receives but 40 bytes, so that no peer can make it grow. */
#include "perf_flow.h"

#include <string.h>
#include <time.h>

enum { STEPS = 8 }; /* of PERF_CHUNK at most, before other connections have their turn */

#define HEADER_WAIT (10 * PLAIT_SEC)
/* A connection on which nothing moves is let go. A slow path takes its time for what a sender has
 * written at last: 8 MiB in two minutes are half a megabit per second. */
#define IDLE_MAX (120 * PLAIT_SEC)

static _Alignas(PERF_PAGE) const uint8_t chunk[PERF_CHUNK]; /* what is sent */

plait_time perf_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * PLAIT_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void fail(struct perf_flow *f, const char *why)
{
    f->state = PERF_FAILED;
    f->why = why;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Bytes taken; 0: no room now, or it failed. */
static size_t put(struct perf_flow *f, const struct perf_set *set, const uint8_t *data, size_t len)
{
    int64_t n = set->b->send(set->net, &f->conn, data, len);

    if (n < 0 && n != PLAIT_EAGAIN)
        fail(f, f->conn.why);
    return n > 0 ? (size_t)n : 0;
}

enum got { GOT_NOTHING, GOT_BYTES, GOT_END };

static enum got get(struct perf_flow *f, const struct perf_set *set, struct plait_view *view)
{
    int64_t n = set->b->recv(set->net, &f->conn, view->len, &view->data);

    if (n < 0 && n != PLAIT_EAGAIN)
        fail(f, f->conn.why);
    view->len = n > 0 ? (size_t)n : 0;
    return n > 0 ? GOT_BYTES : n == 0 ? GOT_END : GOT_NOTHING;
}

static enum got get_record(struct perf_flow *f, const struct perf_set *set, size_t len)
{
    struct plait_view view = {.len = len - (size_t)f->at};
    enum got got = get(f, set, &view);

    if (got == GOT_BYTES)
        memcpy(f->record + f->at, view.data, view.len);
    f->at += view.len;
    return got;
}

static void note_move(struct perf_flow *f, plait_time now)
{
    if (now - f->moved > f->stall)
        f->stall = now - f->moved;
    f->moved = now;
}

static void shut(struct perf_flow *f, const struct perf_set *set, enum perf_state next)
{
    set->b->shutdown(set->net, &f->conn);
    f->state = next;
}

/* ---- header --------------------------------------------------------------------------------- */

static void ask(struct perf_flow *f, plait_time now)
{
    f->state = PERF_PUT;
    f->asked = now;
}

/* The header is through. */
static void begin(struct perf_flow *f)
{
    bool sender = f->client == (f->h.direction == PERF_UP);

    f->tested = true;
    f->start = f->moved = perf_now();
    f->at = 0;
    if (f->h.mode == PERF_BULK)
        f->state = sender ? PERF_SEND : PERF_RECV;
    else if (f->client)
        ask(f, f->h.mode == PERF_CRR ? f->born : f->start);
    else
        f->state = PERF_GET;
}

static bool header_out(struct perf_flow *f, const struct perf_set *set)
{
    size_t n = put(f, set, f->record + f->at, PERF_HEADER - (size_t)f->at);

    f->at += n;
    if (f->at == PERF_HEADER)
        begin(f);
    return n > 0;
}

static bool header_in(struct perf_flow *f, const struct perf_set *set)
{
    enum got got = get_record(f, set, PERF_HEADER);
    const char *why;

    if (got == GOT_END) {
        fail(f, "it ended before it said what to test");
    } else if (f->at == PERF_HEADER) {
        why = perf_header_read(f->record, &f->h);
        if (why)
            fail(f, why);
        else
            begin(f);
    }
    return got == GOT_BYTES;
}

/* ---- bulk ----------------------------------------------------------------------------------- */

static bool is_enough(const struct perf_flow *f, plait_time now)
{
    if (f->over)
        return true;
    return f->h.bytes > 0 ? f->out >= f->h.bytes : now - f->start >= f->h.duration;
}

static bool send_bulk(struct perf_flow *f, const struct perf_set *set)
{
    enum got heard = get_record(f, set, PERF_TRAILER); /* the receiver may have enough */
    plait_time now = perf_now();
    size_t n;

    if (f->state == PERF_FAILED)
        return false;
    if (heard != GOT_NOTHING || is_enough(f, now)) {
        note_move(f, now);
        f->end = now;
        shut(f, set, PERF_TRAILER_IN);
        return true;
    }
    n = (size_t)(f->h.bytes > 0 ? least(f->h.bytes - f->out, PERF_CHUNK) : PERF_CHUNK);
    n = put(f, set, chunk, n);
    f->out += n;
    if (n > 0)
        note_move(f, now);
    return n > 0;
}

static void give_result(struct perf_flow *f, plait_time now)
{
    note_move(f, now);
    f->end = now;
    f->result =
        (struct perf_trailer){.bytes = f->in, .time = now - f->start, .stall = f->stall};
    f->has_result = true;
    perf_trailer_write(&f->result, f->record);
    f->at = 0;
    f->state = PERF_TRAILER_OUT;
}

static bool recv_bulk(struct perf_flow *f, const struct perf_set *set)
{
    struct plait_view view = {.len = PERF_CHUNK};
    enum got got = get(f, set, &view);
    plait_time now = perf_now();

    f->in += view.len;
    if (got == GOT_BYTES)
        note_move(f, now);
    if (f->in > (f->h.bytes > 0 ? f->h.bytes : PERF_BYTES_MAX))
        fail(f, "it sent more than it said");
    else if (got == GOT_END)
        give_result(f, now);
    return got != GOT_NOTHING;
}

static bool trailer_out(struct perf_flow *f, const struct perf_set *set)
{
    size_t n = put(f, set, f->record + f->at, PERF_TRAILER - (size_t)f->at);

    f->at += n;
    if (f->at == PERF_TRAILER)
        shut(f, set, PERF_END_IN);
    return n > 0;
}

static bool trailer_in(struct perf_flow *f, const struct perf_set *set)
{
    const char *why;
    enum got got = GOT_BYTES;

    if (f->at < PERF_TRAILER) /* or it came while we were sending */
        got = get_record(f, set, PERF_TRAILER);
    if (f->at == PERF_TRAILER) {
        why = perf_trailer_read(f->record, &f->result);
        if (why)
            fail(f, why);
        else
            f->state = PERF_END_IN;
        f->has_result = why == NULL;
    } else if (got == GOT_END) {
        fail(f, "it ended without telling what it received");
    }
    return got == GOT_BYTES;
}

static bool end_in(struct perf_flow *f, const struct perf_set *set)
{
    struct plait_view view = {.len = PERF_CHUNK};
    enum got got = get(f, set, &view);

    if (got == GOT_BYTES && !f->over)
        fail(f, "it sent more than the test has");
    if (got == GOT_END)
        f->state = PERF_DONE;
    return got != GOT_NOTHING;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void after_put(struct perf_flow *f, const struct perf_set *set)
{
    f->at = 0;
    f->state = PERF_GET;
    if (f->client)
        return;
    f->requests++;
    if (f->h.mode == PERF_CRR)
        shut(f, set, PERF_END_IN);
}

static bool put_request(struct perf_flow *f, const struct perf_set *set)
{
    uint32_t size = f->client ? f->h.request : f->h.response;
    size_t n = put(f, set, chunk, (size_t)least(size - f->at, PERF_CHUNK));

    f->at += n;
    f->out += n;
    if (n > 0)
        note_move(f, perf_now());
    if (f->at == size)
        after_put(f, set);
    return n > 0;
}

static void after_get(struct perf_flow *f, const struct perf_set *set, plait_time now)
{
    f->at = 0;
    if (!f->client) {
        f->state = PERF_PUT;
        return;
    }
    f->requests++;
    if (f->latency)
        perf_latency_add(f->latency, now - f->asked);
    if (f->h.mode == PERF_CRR)
        f->state = PERF_END_IN; /* the server closes first, and waits in TIME-WAIT */
    else if (f->over || f->requests == f->requests_max)
        shut(f, set, PERF_END_IN);
    else
        ask(f, now);
}

static bool get_request(struct perf_flow *f, const struct perf_set *set)
{
    uint32_t size = f->client ? f->h.response : f->h.request;
    struct plait_view view = {.len = (size_t)least(size - f->at, PERF_CHUNK)};
    enum got got = get(f, set, &view);
    plait_time now = perf_now();

    f->at += view.len;
    f->in += view.len;
    if (got == GOT_BYTES)
        note_move(f, now);
    if (got == GOT_BYTES && f->at == size)
        after_get(f, set, now);
    else if (got == GOT_END && !f->client && f->at == 0)
        shut(f, set, PERF_DONE);
    else if (got == GOT_END)
        fail(f, "it ended within a request");
    f->end = now;
    return got == GOT_BYTES;
}

/* ---- the machine ---------------------------------------------------------------------------- */

void perf_flow_start(struct perf_flow *f, plait_time now)
{
    f->born = now;
    f->state = f->client ? PERF_HEADER_OUT : PERF_HEADER_IN;
    if (f->client)
        perf_header_write(&f->h, f->record);
}

static bool move(struct perf_flow *f, const struct perf_set *set)
{
    switch (f->state) {
    case PERF_HEADER_OUT:
        return header_out(f, set);
    case PERF_HEADER_IN:
        return header_in(f, set);
    case PERF_SEND:
        return send_bulk(f, set);
    case PERF_RECV:
        return recv_bulk(f, set);
    case PERF_PUT:
        return put_request(f, set);
    case PERF_GET:
        return get_request(f, set);
    case PERF_TRAILER_OUT:
        return trailer_out(f, set);
    case PERF_TRAILER_IN:
        return trailer_in(f, set);
    case PERF_END_IN:
        return end_in(f, set);
    case PERF_DONE:
    case PERF_FAILED:
    default:
        return false;
    }
}

/* The end of patience with the peer. Connecting is left to the stack. */
static plait_time idle_at(const struct perf_flow *f)
{
    if (f->state == PERF_HEADER_OUT || perf_flow_ended(f))
        return PLAIT_NEVER;
    return f->state == PERF_HEADER_IN ? f->born + HEADER_WAIT : f->moved + IDLE_MAX;
}

static void check_idle(struct perf_flow *f)
{
    if (perf_now() < idle_at(f))
        return;
    f->conn.error = PLAIT_ETIMEDOUT;
    fail(f, f->state == PERF_HEADER_IN ? "it did not say what to test"
                                       : "nothing moved for two minutes");
}

bool perf_flow_run(struct perf_flow *f, const struct perf_set *set)
{
    enum perf_state before = f->state;

    for (unsigned i = 0; i < STEPS; i++) {
        if (!move(f, set)) {
            check_idle(f);
            return false;
        }
        if (f->h.mode == PERF_BULK && f->state != before)
            break;
    }
    return !perf_flow_ended(f);
}

plait_time perf_flow_deadline(const struct perf_flow *f)
{
    if (f->state == PERF_SEND && f->h.bytes == 0)
        return least(f->start + f->h.duration, idle_at(f));
    return idle_at(f);
}

void perf_flow_stop(struct perf_flow *f)
{
    f->over = true;
    if (f->client && f->state == PERF_RECV)
        give_result(f, perf_now());
}

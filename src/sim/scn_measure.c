/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what happens in a scenario: at the end of the warm-up, at each sample, and at the end.
 * Called by scn_run.c. Figures are differences of counters that flows, subflows and links keep
 * anyhow; only queues, windows and round trip times are looked at from time to time. */
#include "scn_world.h"

#include <stdlib.h>
#include <string.h>

static const struct sim_scn_flow *flow_of(const struct sim_scn_conn *c)
{
    return &c->w->s->flow[c->flow];
}

static uint64_t grown(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

static plait_time warm_at(const struct sim_scn_world *w)
{
    return w->start + w->s->warmup;
}

/* Which of the flow's figures a subflow belongs to; -1: none. */
static int path_index(const struct sim_scn_conn *c, const struct plait_subflow_info *info)
{
    const struct sim_scn_flow *f = flow_of(c);
    unsigned i = f->ecmp ? info->id
                         : sim_scn_path_of(sim_scn_server_sends(f) ? &info->remote : &info->local);

    return i < sim_scn_path_figures(f) ? (int)i : -1;
}

static unsigned subflows(const struct sim_scn_conn *c, struct plait_subflow_info *info)
{
    return c->traffic == NULL ? 0
                              : sim_flow_subflows(c->traffic, sim_scn_server_sends(flow_of(c)),
                                                  info, SIM_SCN_SUBFLOWS_MAX);
}

/* ---- capacity of links ----------------------------------------------------------------------- */

void sim_scn_wire_until_now(struct sim_scn_world *w, unsigned number)
{
    struct sim_scn_wire *wire = &w->wire[number];
    const struct sim_scn_dir *d = &w->dir[number / 2][number % 2];
    int64_t bits = 0;

    if (!d->cfg.down)
        (void)sim_scn_muldiv((int64_t)d->cfg.rate, (int64_t)(w->sim->now - wire->since), 1000000,
                             &bits);
    wire->capacity += (uint64_t)bits;
    wire->since = w->sim->now;
}

/* ---- the end of the warm-up ------------------------------------------------------------------ */

/* Bytes of the whole connection that went again on another subflow, and that came twice. */
static void whole(const struct sim_scn_conn *c, uint64_t *reinjected, uint64_t *duplicate)
{
    bool sender = sim_scn_server_sends(flow_of(c));
    unsigned n = c->traffic->cfg.kind == SIM_FLOW_FETCH ? c->traffic->cfg.fetch.conns : 1;
    struct plait_conn_info info;

    *reinjected = *duplicate = 0;
    for (unsigned i = 0; i < n; i++) {
        if (sim_flow_conn(c->traffic, sender, i, &info))
            *reinjected += info.bytes_reinjected;
        if (sim_flow_conn(c->traffic, !sender, i, &info))
            *duplicate += info.bytes_duplicate;
    }
}

static void warm_conn(struct sim_scn_conn *c)
{
    struct plait_subflow_info info[SIM_SCN_SUBFLOWS_MAX];
    unsigned n = subflows(c, info);

    c->seen_at = 0;
    c->stall = 0;
    memset(c->path, 0, sizeof c->path);
    for (unsigned i = 0; i < n; i++) {
        int k = path_index(c, &info[i]);
        if (k < 0)
            continue;
        c->path[k].acked += info[i].bytes_acked;
        c->path[k].sent += info[i].bytes_sent;
        c->path[k].retransmitted += info[i].bytes_retransmitted;
        c->path[k].restarts += info[i].restarts;
    }
    if (c->traffic != NULL) {
        c->delivered = c->traffic->delivered;
        whole(c, &c->reinjected, &c->duplicate);
    }
    if (c->cbr != NULL) {
        c->delivered = sim_cbr_delivered(c->cbr);
        c->sent = c->cbr->sent;
    }
}

/* Bytes that left the transmitter: those that it took, but for what waits. */
static uint64_t sent_by(const struct sim_scn_world *w, unsigned number)
{
    const struct sim_link *l = &w->sim->link[number];

    return grown(l->bytes, sim_link_backlog(l, w->sim->now));
}

void sim_scn_warm(struct sim_scn_world *w)
{
    for (unsigned i = 0; i < w->conn_n; i++)
        warm_conn(&w->conn[i]);
    for (unsigned i = 0; i < 2 * w->s->link_n; i++) {
        const struct sim_link *l = &w->sim->link[i];
        w->wire[i] = (struct sim_scn_wire){
            .packets = l->packets,
            .bytes = sent_by(w, i),
            .drops = l->drops,
            .refused = l->queue_drops,
            .marks = l->marks,
            .since = w->sim->now,
        };
    }
}

/* ---- samples --------------------------------------------------------------------------------- */

static bool open_now(const struct sim_scn_conn *c)
{
    return c->traffic->connected_at != 0 && c->traffic->ended_at == 0;
}

/* A stall begins when bytes could come and none do. */
static void watch_progress(struct sim_scn_conn *c)
{
    uint64_t delivered = c->traffic->delivered;

    if (!open_now(c) || delivered != c->seen || c->seen_at == 0) {
        c->seen = delivered;
        c->seen_at = c->w->sim->now;
    } else if (c->w->sim->now - c->seen_at > c->stall) {
        c->stall = c->w->sim->now - c->seen_at;
    }
}

static void sample_subflow(struct sim_scn_conn *c, const struct plait_subflow_info *info,
                           bool counts)
{
    const struct sim_scn_world *w = c->w;
    int k = path_index(c, info);

    if (k < 0 || info->state == PLAIT_SUBFLOW_CLOSED || info->srtt == 0)
        return;
    if (counts) {
        c->path[k].rtt_sum += info->srtt;
        c->path[k].cwnd_sum += info->cwnd;
        c->path[k].n++;
    }
    if (w->o->on_point != NULL)
        w->o->on_point(w->o->ctx, &(struct sim_scn_point){.at = w->sim->now - w->start,
                                                          .flow = c->flow,
                                                          .which = c->which,
                                                          .path = (unsigned)k,
                                                          .delivered = c->seen,
                                                          .info = info});
}

static void sample_conn(struct sim_scn_conn *c, bool counts)
{
    struct plait_subflow_info info[SIM_SCN_SUBFLOWS_MAX];
    unsigned n;

    if (c->traffic == NULL)
        return;
    watch_progress(c);
    n = subflows(c, info);
    for (unsigned i = 0; i < n; i++)
        sample_subflow(c, &info[i], counts);
}

void sim_scn_sample(struct sim_scn_world *w, bool counts)
{
    for (unsigned i = 0; i < w->conn_n; i++)
        sample_conn(&w->conn[i], counts);
    for (unsigned i = 0; counts && i < 2 * w->s->link_n; i++) {
        uint64_t backlog = sim_link_backlog(&w->sim->link[i], w->sim->now);
        w->wire[i].queue_sum += backlog;
        w->wire[i].queue_n++;
        if (backlog > w->wire[i].queue_max)
            w->wire[i].queue_max = backlog;
    }
}

/* ---- durations ------------------------------------------------------------------------------- */

static void add_time(struct sim_scn_times *t, plait_time took)
{
    if ((t->n & (t->n - 1)) == 0) { /* full at 0, 1, 2, 4, 8 ... */
        t->took = realloc(t->took, (t->n == 0 ? 1 : 2 * (size_t)t->n) * sizeof *t->took);
        if (t->took == NULL)
            abort();
    }
    t->took[t->n++] = took;
}

/* When the application had made n bytes: it is given what it may write in steps (flow_stream.c), a
 * packet or a millisecond at a time, each at its beginning. */
static plait_time made_at(const struct sim_scn_conn *c, uint64_t n)
{
    enum { PACKET_BITS = 1448 * 8 };
    uint64_t rate = c->traffic->cfg.stream.rate, step = PACKET_BITS * PLAIT_SEC / rate;
    uint64_t whole = n * 8 * PLAIT_SEC / rate;

    step = step > PLAIT_MSEC ? step : PLAIT_MSEC;
    return c->traffic->connected_at + (whole + step - 1) / step * step - step;
}

/* Blocks are made one after the other; each is there when it was read whole. */
void sim_scn_watch_blocks(struct sim_scn_world *w)
{
    for (unsigned i = 0; i < w->conn_n; i++) {
        struct sim_scn_conn *c = &w->conn[i];
        const struct sim_scn_flow *f = flow_of(c);
        if (f->traffic != SIM_SCN_BLOCKS || c->traffic->connected_at == 0)
            continue;
        for (; c->traffic->delivered >= (c->block + 1) * f->size; c->block++) {
            plait_time made = made_at(c, (c->block + 1) * f->size);
            if (made >= warm_at(w))
                add_time(&w->times[c->flow], w->sim->now > made ? w->sim->now - made : 0);
        }
    }
}

/* What was finished after the warm-up. */
static void collect_times(struct sim_scn_world *w, const struct sim_scn_conn *c)
{
    bool page = flow_of(c)->traffic == SIM_SCN_PAGE;
    const struct sim_flow_notes *notes = page ? &c->traffic->round : &c->traffic->done;

    if (flow_of(c)->traffic == SIM_SCN_BLOCKS)
        return;
    for (unsigned i = 0; i < notes->n; i++)
        if (notes->v[i].start >= warm_at(w))
            add_time(&w->times[c->flow], notes->v[i].end - notes->v[i].start);
}

static int by_length(const void *a, const void *b)
{
    plait_time x = *(const plait_time *)a, y = *(const plait_time *)b;

    return (x > y) - (x < y);
}

/* The smallest time that at least so many percent do not exceed. */
static int64_t percentile(const struct sim_scn_times *t, unsigned percent)
{
    uint64_t rank = ((uint64_t)t->n * percent + 99) / 100;

    return (int64_t)t->took[rank > 0 ? rank - 1 : 0];
}

static void fill_times(struct sim_scn_times *t, struct sim_scn_flow_result *r)
{
    uint64_t sum = 0;

    r->timed = t->n > 0;
    if (!r->timed)
        return;
    qsort(t->took, t->n, sizeof *t->took, by_length);
    for (unsigned i = 0; i < t->n; i++)
        sum += t->took[i];
    r->field[SIM_SCN_MEAN_TIME] = (int64_t)(sum / t->n);
    r->field[SIM_SCN_P50] = percentile(t, 50);
    r->field[SIM_SCN_P90] = percentile(t, 90);
    r->field[SIM_SCN_P95] = percentile(t, 95);
    r->field[SIM_SCN_P99] = percentile(t, 99);
    r->field[SIM_SCN_WORST] = percentile(t, 100);
}

/* ---- results of flows ------------------------------------------------------------------------ */

/* a * b / c, and the largest number where that is larger. */
static int64_t ratio(uint64_t a, uint64_t b, uint64_t c)
{
    int64_t out = 0;

    if (c != 0 && !sim_scn_muldiv((int64_t)a, (int64_t)b, (int64_t)c, &out))
        out = INT64_MAX;
    return out;
}

static int64_t millionths(uint64_t n)
{
    return ratio(n, SIM_SCN_ONE, 1);
}

/* Bits per second, in millionths: bytes in microseconds. */
static int64_t rate_of(const struct sim_scn_world *w, uint64_t bytes)
{
    return ratio(bytes, 8000000ULL * SIM_SCN_ONE, w->sim->now - warm_at(w));
}

struct sums {
    uint64_t acked, sent, retransmitted, restarts, rtt_sum, cwnd_sum, n;
};

/* What this connection added to each path since the warm-up. */
static void add_paths(const struct sim_scn_conn *c, struct sums *sums)
{
    struct plait_subflow_info info[SIM_SCN_SUBFLOWS_MAX];
    struct sums now[SIM_SCN_PATHS_MAX] = {{0}};
    unsigned n = subflows(c, info);

    for (unsigned i = 0; i < n; i++) {
        int k = path_index(c, &info[i]);
        if (k < 0)
            continue;
        now[k].acked += info[i].bytes_acked;
        now[k].sent += info[i].bytes_sent;
        now[k].retransmitted += info[i].bytes_retransmitted;
        now[k].restarts += info[i].restarts;
    }
    for (unsigned k = 0; k < SIM_SCN_PATHS_MAX; k++) {
        sums[k].acked += grown(now[k].acked, c->path[k].acked);
        sums[k].sent += grown(now[k].sent, c->path[k].sent);
        sums[k].retransmitted += grown(now[k].retransmitted, c->path[k].retransmitted);
        sums[k].restarts += grown(now[k].restarts, c->path[k].restarts);
        sums[k].rtt_sum += c->path[k].rtt_sum;
        sums[k].cwnd_sum += c->path[k].cwnd_sum;
        sums[k].n += c->path[k].n;
    }
}

static void fill_paths(struct sim_scn_world *w, unsigned flow, struct sim_scn_flow_result *r)
{
    const struct sim_scn_flow *f = &w->s->flow[flow];
    struct sums sums[SIM_SCN_PATHS_MAX] = {{0}};

    for (unsigned i = 0; i < f->count; i++)
        add_paths(&w->conn[w->first[flow] + i], sums);
    r->path_n = sim_scn_path_figures(f);
    r->path = calloc(r->path_n + 1, sizeof *r->path);
    if (r->path == NULL)
        abort();
    for (unsigned k = 0; k < r->path_n; k++) {
        int64_t *field = r->path[k].field;
        field[SIM_SCN_PATH_GOODPUT] = rate_of(w, sums[k].acked) / f->count;
        field[SIM_SCN_PATH_RTT] = ratio(sums[k].rtt_sum, 1, sums[k].n);
        field[SIM_SCN_PATH_CWND] = ratio(sums[k].cwnd_sum, SIM_SCN_ONE, sums[k].n);
        field[SIM_SCN_PATH_LOSS] = ratio(sums[k].retransmitted, SIM_SCN_ONE, sums[k].sent);
        field[SIM_SCN_PATH_SENT] = millionths(sums[k].sent / f->count);
        field[SIM_SCN_PATH_RETRANSMITTED] = millionths(sums[k].retransmitted / f->count);
        field[SIM_SCN_PATH_RESTARTS] = ratio(sums[k].restarts, SIM_SCN_ONE, f->count);
        r->field[SIM_SCN_SENT] += millionths(sums[k].sent);
        r->field[SIM_SCN_RETRANSMITTED] += millionths(sums[k].retransmitted);
        r->field[SIM_SCN_RESTARTS] += millionths(sums[k].restarts);
    }
}

static uint64_t received(const struct sim_scn_conn *c)
{
    if (c->cbr != NULL)
        return grown(sim_cbr_delivered(c->cbr), c->delivered) * flow_of(c)->packet;
    return c->traffic != NULL ? grown(c->traffic->delivered, c->delivered) : 0;
}

static void fill_goodput(struct sim_scn_world *w, unsigned flow, struct sim_scn_flow_result *r)
{
    unsigned n = w->s->flow[flow].count;
    uint64_t bytes = 0;

    r->each = calloc(n, sizeof *r->each);
    if (r->each == NULL)
        abort();
    for (unsigned i = 0; i < n; i++) {
        uint64_t got = received(&w->conn[w->first[flow] + i]);
        bytes += got;
        r->each[i] = rate_of(w, got);
        if (i == 0 || r->each[i] < r->field[SIM_SCN_LEAST])
            r->field[SIM_SCN_LEAST] = r->each[i];
        if (i == 0 || r->each[i] > r->field[SIM_SCN_MOST])
            r->field[SIM_SCN_MOST] = r->each[i];
    }
    r->field[SIM_SCN_TOTAL] = rate_of(w, bytes);
    r->field[SIM_SCN_GOODPUT] = r->field[SIM_SCN_TOTAL] / n;
    (void)sim_scn_jain(r->each, n, &r->field[SIM_SCN_JAIN]);
}

static void add_whole(const struct sim_scn_conn *c, struct sim_scn_flow_result *r)
{
    uint64_t reinjected, duplicate;

    whole(c, &reinjected, &duplicate);
    r->field[SIM_SCN_REINJECTED] += millionths(grown(reinjected, c->reinjected));
    r->field[SIM_SCN_DUPLICATE] += millionths(grown(duplicate, c->duplicate));
}

static void fill_flow(struct sim_scn_world *w, unsigned flow, struct sim_scn_flow_result *r)
{
    unsigned n = w->s->flow[flow].count, done = 0;

    fill_goodput(w, flow, r);
    fill_paths(w, flow, r);
    for (unsigned i = 0; i < n; i++) {
        const struct sim_scn_conn *c = &w->conn[w->first[flow] + i];
        if (c->traffic == NULL)
            continue;
        collect_times(w, c);
        add_whole(c, r);
        done += c->traffic->ended_at != 0;
        if ((int64_t)c->stall > r->field[SIM_SCN_STALL])
            r->field[SIM_SCN_STALL] = (int64_t)c->stall;
    }
    r->field[SIM_SCN_DONE] = millionths(done);
    r->field[SIM_SCN_OPEN] = millionths(n - done);
    fill_times(&w->times[flow], r);
}

/* ---- results of links ------------------------------------------------------------------------ */

/* Sums of one link's direction, or of all of a tree's. */
struct wires {
    uint64_t packets, bytes, drops, refused, marks, capacity, queue_sum, queue_n, queue_max;
};

static void add_wire(struct sim_scn_world *w, unsigned number, struct wires *sum)
{
    const struct sim_link *l = &w->sim->link[number];
    const struct sim_scn_wire *then = &w->wire[number];

    sim_scn_wire_until_now(w, number);
    sum->packets += l->packets - then->packets;
    sum->bytes += grown(sent_by(w, number), then->bytes);
    sum->drops += l->drops - then->drops;
    sum->refused += l->queue_drops - then->refused;
    sum->marks += l->marks - then->marks;
    sum->capacity += then->capacity;
    sum->queue_sum += then->queue_sum;
    sum->queue_n += then->queue_n;
    sum->queue_max = then->queue_max > sum->queue_max ? then->queue_max : sum->queue_max;
}

/* Packets that found no room were offered too. */
static void fill_link(const struct wires *sum, int64_t *field)
{
    uint64_t offered = sum->packets + sum->refused;

    field[SIM_SCN_LOAD] = ratio(sum->bytes, 8 * SIM_SCN_ONE, sum->capacity);
    field[SIM_SCN_PACKETS] = millionths(offered);
    field[SIM_SCN_DROPS] = millionths(sum->drops);
    field[SIM_SCN_LOSS] = ratio(sum->drops, SIM_SCN_ONE, offered);
    field[SIM_SCN_MARKS] = millionths(sum->marks);
    field[SIM_SCN_QUEUE] = ratio(sum->queue_sum, SIM_SCN_ONE, sum->queue_n);
    field[SIM_SCN_QUEUE_MAX] = millionths(sum->queue_max);
}

static void fill_links(struct sim_scn_world *w, struct sim_scn_result *r)
{
    for (unsigned i = 0; i < w->s->link_n; i++) {
        int group = w->s->link[i].group;
        unsigned end = i + 1;
        while (group >= 0 && end < w->s->link_n && w->s->link[end].group == group)
            end++;
        for (unsigned back = 0; back < 2; back++) {
            struct wires sum = {0};
            for (unsigned k = i; k < end; k++)
                add_wire(w, 2 * k + back, &sum);
            fill_link(&sum, r->link[i].field[back]);
        }
        i = end - 1;
    }
}

void sim_scn_fill_result(struct sim_scn_world *w, struct sim_scn_result *r)
{
    r->flow = calloc(w->s->flow_n + 1, sizeof *r->flow);
    r->link = calloc(w->s->link_n + 1, sizeof *r->link);
    if (r->flow == NULL || r->link == NULL)
        abort();
    for (unsigned i = 0; i < w->s->flow_n; i++)
        fill_flow(w, i, &r->flow[i]);
    fill_links(w, r);
    for (unsigned i = 0; i < w->sim->node_n; i++)
        r->packets += w->sim->node[i]->packets_in;
    r->steps = w->sim->steps;
    r->took = w->sim->now - w->start;
}

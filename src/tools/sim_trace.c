/* SPDX-License-Identifier: Apache-2.0 */
/* Event traces of one run in the manner of qlog (draft-ietf-quic-qlog-main-schema): first a line
 * that tells of the file, then one for each event: time in milliseconds since the beginning, name
 * (category:event), where it happened, and data. There is no schema for TCP; names follow QUIC's
 * where the thing is the same. Called by sim_scenario.c. */
#include "sim_trace.h"

#include "json.h"
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT = 1 << 18 };

struct sim_trace {
    const struct sim_scn *s;
    const char *path;
    FILE *file;
    struct json j;
    /* for each connection, of the client and of the server, and path: the end of what it had */
    struct next {
        bool known;
        uint64_t dsn;
    } (*next)[2][SIM_SCN_PATHS_MAX];
    unsigned *first; /* of a flow's connections in it */
};

/* ---- a line ---------------------------------------------------------------------------------- */

static void begin(struct sim_trace *t, plait_time at, const char *name)
{
    json_object(&t->j, NULL);
    json_fraction(&t->j, "time", at, 3); /* milliseconds: a microsecond is a thousandth */
    json_string(&t->j, "name", name);
}

static void place(struct sim_trace *t, unsigned flow, unsigned which, bool server)
{
    json_string(&t->j, "flow", t->s->flow[flow].name);
    if (t->s->flow[flow].count > 1)
        json_number(&t->j, "which", which + 1);
    json_string(&t->j, "host", server ? "server" : "client");
    json_object(&t->j, "data");
}

static void end(struct sim_trace *t)
{
    json_object_end(&t->j);
    json_object_end(&t->j);
    if (!json_to(&t->j, t->file))
        t->j.failed = true;
}

static void head(struct sim_trace *t)
{
    struct json *j = &t->j;

    json_object(j, NULL);
    json_string(j, "qlog_version", "0.3");
    json_string(j, "qlog_format", "NDJSON");
    json_string(j, "title", t->s->title);
    json_object(j, "trace");
    json_object(j, "vantage_point");
    json_string(j, "type", "network");
    json_object_end(j);
    json_object(j, "common_fields");
    json_string(j, "protocol_type", "MPTCP");
    json_string(j, "time_format", "relative");
    json_number(j, "reference_time", 0);
    json_number(j, "seed", t->s->seed);
    json_object_end(j);
    end(t); /* of trace, and of all */
}

static void count_conns(struct sim_trace *t)
{
    unsigned n = 0;

    t->first = calloc(t->s->flow_n + 1, sizeof *t->first);
    if (t->first == NULL)
        abort();
    for (unsigned i = 0; i < t->s->flow_n; i++) {
        t->first[i] = n;
        n += t->s->flow[i].count;
    }
    t->next = calloc(n + 1, sizeof *t->next);
    if (t->next == NULL)
        abort();
}

struct sim_trace *sim_trace_open(const char *path, const struct sim_scn *s)
{
    struct sim_trace *t = calloc(1, sizeof *t);

    if (t == NULL)
        abort();
    *t = (struct sim_trace){.s = s, .path = path, .file = fopen(path, "w")};
    if (t->file == NULL) {
        (void)fprintf(stderr, "plait sim: --trace %s: %s\n", path, strerror(errno));
        free(t);
        return NULL;
    }
    (void)setvbuf(t->file, NULL, _IOFBF, KEPT);
    count_conns(t);
    head(t);
    return t;
}

bool sim_trace_close(struct sim_trace *t)
{
    bool good;

    if (t == NULL)
        return true;
    good = !t->j.failed && ferror(t->file) == 0;
    good = fclose(t->file) == 0 && good;
    if (!good)
        (void)fprintf(stderr, "plait sim: --trace %s: %s\n", t->path, strerror(errno));
    json_free(&t->j);
    free(t->next);
    free(t->first);
    free(t);
    return good;
}

/* ---- samples --------------------------------------------------------------------------------- */

void sim_trace_point(struct sim_trace *t, const struct sim_scn_point *p)
{
    const struct plait_subflow_info *i = p->info;

    if (t == NULL)
        return;
    begin(t, p->at, "recovery:metrics_updated");
    place(t, p->flow, p->which, false);
    json_number(&t->j, "path", p->path + 1);
    json_number(&t->j, "subflow", i->id);
    json_fraction(&t->j, "smoothed_rtt", i->srtt, 3);
    json_fraction(&t->j, "rtt_variance", i->rttvar, 3);
    json_fraction(&t->j, "min_rtt", i->min_rtt, 3);
    json_number(&t->j, "congestion_window", i->cwnd);
    if (i->ssthresh < INT32_MAX)
        json_number(&t->j, "ssthresh", i->ssthresh);
    json_number(&t->j, "bytes_in_flight", i->in_flight);
    json_number(&t->j, "bytes_acked", i->bytes_acked);
    json_number(&t->j, "delivered", p->delivered);
    end(t);
}

/* ---- news of the stacks ---------------------------------------------------------------------- */

/* How a piece of news is called, and what a and b are; NULL: nothing to be shown. */
static const struct name {
    const char *event, *a, *b;
} names[] = {
    [PLAIT_TRACE_CONN_STATE] = {"connectivity:connection_state_updated", "new", "old"},
    [PLAIT_TRACE_SUBFLOW_STATE] = {"mptcp:subflow_state_updated", "new", "old"},
    [PLAIT_TRACE_SUBFLOW_UP] = {"mptcp:subflow_ready", NULL, NULL},
    [PLAIT_TRACE_SUBFLOW_DOWN] = {"mptcp:subflow_closed", NULL, NULL},
    [PLAIT_TRACE_SUBFLOW_STALE] = {"mptcp:subflow_stale", "stale", NULL},
    [PLAIT_TRACE_FALLBACK] = {"mptcp:fallback", NULL, NULL},
    [PLAIT_TRACE_ADDR_IN] = {"mptcp:add_addr_received", "id", NULL},
    [PLAIT_TRACE_ADDR_OUT] = {"mptcp:add_addr_sent", "id", NULL},
    [PLAIT_TRACE_REMOVE_IN] = {"mptcp:remove_addr_received", "id", NULL},
    [PLAIT_TRACE_REMOVE_OUT] = {"mptcp:remove_addr_sent", "id", NULL},
    [PLAIT_TRACE_PRIO_IN] = {"mptcp:prio_received", "backup", NULL},
    [PLAIT_TRACE_PRIO_OUT] = {"mptcp:prio_sent", "backup", NULL},
    [PLAIT_TRACE_FASTCLOSE] = {"mptcp:fastclose", "received", NULL},
    [PLAIT_TRACE_REINJECT] = {"mptcp:data_reinjected", "dsn", "bytes"},
    [PLAIT_TRACE_LOSS] = {"recovery:packet_lost", "seq", "bytes"},
    [PLAIT_TRACE_RTO] = {"recovery:loss_timer_expired", "timeout_us", "in_a_row"},
    [PLAIT_TRACE_DROP] = {"transport:packet_dropped", NULL, NULL},
    [PLAIT_TRACE_RESET] = {"transport:reset", "received", NULL},
};

void sim_trace_news(struct sim_trace *t, const struct sim_scn_news *n)
{
    const struct plait_trace *ev = n->trace;
    const struct name *name;

    if (t == NULL || (size_t)ev->type >= sizeof names / sizeof *names ||
        names[ev->type].event == NULL)
        return;
    name = &names[ev->type];
    begin(t, n->at, name->event);
    place(t, n->flow, n->which, n->server);
    json_number(&t->j, "connection", ev->conn);
    if (ev->subflow != UINT8_MAX)
        json_number(&t->j, "subflow", ev->subflow);
    if (name->a != NULL)
        json_number(&t->j, name->a, ev->a);
    if (name->b != NULL)
        json_number(&t->j, name->b, ev->b);
    if (ev->reason != PLAIT_REASON_NONE)
        json_string(&t->j, "reason", plait_reason_name((enum plait_reason)ev->reason));
    end(t);
}

/* ---- packets --------------------------------------------------------------------------------- */

static void put_flags(struct sim_trace *t, uint8_t flags)
{
    static const char letters[] = "FSRPAUEC";
    char text[9];
    unsigned n = 0;

    for (unsigned i = 0; i < 8; i++)
        if (flags >> i & 1)
            text[n++] = letters[i];
    text[n] = '\0';
    json_string(&t->j, "flags", text);
}

static void put_dss(struct sim_trace *t, const struct wire_mp *mp)
{
    if (!wire_mp_has(mp, WIRE_MP_DSS))
        return;
    if (mp->dss.has_ack)
        json_number(&t->j, "data_ack", mp->dss.ack);
    if (mp->dss.has_map) {
        json_number(&t->j, "dsn", mp->dss.dsn);
        json_number(&t->j, "dll", mp->dss.dll);
    }
    if (mp->dss.data_fin)
        json_bool(&t->j, "data_fin", true);
}

/* The address of the side that opened tells. */
static unsigned path_of(const struct sim_scn_packet *p, const struct wire_seg *seg)
{
    return sim_scn_path_of(p->out == p->server ? &seg->dst : &seg->src) + 1;
}

/* A mapping beyond those that its path had before: the scheduler chose the path for it. (What is
 * sent again is not, but for what is reinjected on a path that had not come so far.) */
static bool is_new(struct sim_trace *t, const struct sim_scn_packet *p, const struct wire_seg *seg)
{
    const struct wire_mp_dss *dss = &seg->mp.dss;
    unsigned path = path_of(p, seg) - 1;
    struct next *next = &t->next[t->first[p->flow] + p->which][p->server][path];
    uint64_t end = dss->dsn + dss->dll;
    int64_t ahead = dss->dsn64 ? (int64_t)(end - next->dsn) :
                                 (int32_t)((uint32_t)end - (uint32_t)next->dsn);

    if (next->known && ahead <= 0)
        return false;
    *next = (struct next){true, end};
    return true;
}

static void choice(struct sim_trace *t, const struct sim_scn_packet *p, const struct wire_seg *seg)
{
    begin(t, p->at, "mptcp:data_scheduled");
    place(t, p->flow, p->which, p->server);
    json_number(&t->j, "path", path_of(p, seg));
    json_number(&t->j, "port", seg->src.port);
    json_number(&t->j, "dsn", seg->mp.dss.dsn);
    json_number(&t->j, "length", seg->mp.dss.dll);
    end(t);
}

void sim_trace_packet(struct sim_trace *t, const struct sim_scn_packet *p)
{
    struct wire_packet packet;

    if (t == NULL || wire_parse(p->bytes.data, p->bytes.len, true, &packet) != PLAIT_REASON_NONE ||
        packet.kind != WIRE_KIND_TCP)
        return;
    if (p->out && packet.seg.len > 0 && wire_mp_has(&packet.seg.mp, WIRE_MP_DSS) &&
        packet.seg.mp.dss.has_map && is_new(t, p, &packet.seg))
        choice(t, p, &packet.seg);
    begin(t, p->at, p->out ? "transport:packet_sent" : "transport:packet_received");
    place(t, p->flow, p->which, p->server);
    json_number(&t->j, "path", path_of(p, &packet.seg));
    json_number(&t->j, "port", packet.seg.src.port);
    put_flags(t, packet.seg.flags);
    json_number(&t->j, "seq", packet.seg.seq);
    json_number(&t->j, "ack", packet.seg.ack);
    json_number(&t->j, "length", packet.seg.len);
    put_dss(t, &packet.seg.mp);
    end(t);
}

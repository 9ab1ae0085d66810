/* SPDX-License-Identifier: Apache-2.0 */
/* check(...): questions about the stack that no packet answers. Called by the runner. States come
 * from the trace, so they can be asked for after the connection was let go; all else comes from the
 * public API. */
#include "pkt_names.h"
#include "pkt_run.h"

#include "../mp/mp.h"
#include "../wire/wire.h"

#include <string.h>

/* What a check looks at. */
struct subject {
    struct sim_pkt_runner *r;
    const struct sim_pkt_check *c;
    struct plait_conn *conn; /* NULL: none, or let go */
};

static bool holds(const struct sim_pkt_check *c, int64_t v)
{
    switch (c->op) {
    case SIM_PKT_EQ:
        return v == c->number;
    case SIM_PKT_NE:
        return v != c->number;
    case SIM_PKT_LT:
        return v < c->number;
    case SIM_PKT_LE:
        return v <= c->number;
    case SIM_PKT_GT:
        return v > c->number;
    default:
        return v >= c->number;
    }
}

static bool number_is(const struct subject *s, int64_t v)
{
    return holds(s->c, v) ||
           sim_pkt_run_fail(s->r, "%s%s%s is %lld", s->c->subject,
                            s->c->word[0] != '\0' ? " " : "", s->c->word, (long long)v);
}

static bool word_is(const struct subject *s, const char *got)
{
    return sim_pkt_same_state(got, s->c->word, strlen(s->c->word)) ||
           sim_pkt_run_fail(s->r, "%s is %s", s->c->subject, got);
}

struct field {
    const char *name;
    enum { F_BOOL, F_U8, F_U16, F_U32, F_U64 } kind;
    size_t at;
};

static int64_t load(const void *base, const struct field *f)
{
    const char *at = (const char *)base + f->at;

    switch (f->kind) {
    case F_BOOL:
        return *(const bool *)at;
    case F_U8:
        return *(const uint8_t *)at;
    case F_U16:
        return *(const uint16_t *)(const void *)at;
    case F_U32:
        return *(const uint32_t *)(const void *)at;
    default:
        return (int64_t) * (const uint64_t *)(const void *)at;
    }
}

static const struct field *field_named(const struct field *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

#define CONN(kind, name)                                    \
    {                                                       \
#name, kind, offsetof(struct plait_conn_info, name) \
    }
static const struct field conn_fields[] = {
    CONN(F_BOOL, established),
    CONN(F_BOOL, multipath),
    CONN(F_BOOL, checksum),
    CONN(F_U8, version),
    CONN(F_U64, bytes_sent),
    CONN(F_U64, bytes_acked),
    CONN(F_U64, bytes_received),
    CONN(F_U64, bytes_reinjected),
    CONN(F_U64, bytes_duplicate),
    CONN(F_U32, syn_sent),
    CONN(F_U32, syn_received),
    CONN(F_U32, send_queued),
    CONN(F_U32, recv_queued),
    CONN(F_U32, sndbuf),
    CONN(F_U32, rcvbuf),
    {"subflows", F_U8, offsetof(struct plait_conn_info, subflow_n)},
    {"subflows_total", F_U8, offsetof(struct plait_conn_info, subflow_total)},
};

#define PATH(kind, name)                                       \
    {                                                          \
#name, kind, offsetof(struct plait_subflow_info, name) \
    }
static const struct field path_fields[] = {
    PATH(F_U32, cwnd),           PATH(F_U32, ssthresh),
    PATH(F_U32, in_flight),      PATH(F_U16, mss),
    PATH(F_U64, srtt),           PATH(F_U64, rttvar),
    PATH(F_U64, min_rtt),        PATH(F_U64, rto),
    PATH(F_U8, local_id),        PATH(F_U8, remote_id),
    PATH(F_BOOL, backup_local),  PATH(F_BOOL, backup_remote),
    PATH(F_U64, bytes_sent),     PATH(F_U64, bytes_acked),
    PATH(F_U64, bytes_received), PATH(F_U64, bytes_retransmitted),
};

#define STACK(kind, name)                                    \
    {                                                        \
#name, kind, offsetof(struct plait_stack_info, name) \
    }
static const struct field stack_fields[] = {
    STACK(F_U32, conns),    STACK(F_U32, time_wait),       STACK(F_U32, half_open),
    STACK(F_U32, listeners),
    STACK(F_U64, mem_used), STACK(F_U64, packets_dropped),
};

struct sim_pkt_states *sim_pkt_states_of(struct sim_pkt_runner *r, uint32_t conn)
{
    for (unsigned i = 0; i < r->states_n; i++)
        if (r->states[i].conn == conn)
            return &r->states[i];
    return NULL;
}

static bool check_state(const struct subject *s)
{
    uint32_t id = s->r->last_conn;

    if (s->conn != NULL) {
        struct plait_conn_info info;
        plait_conn_info(s->conn, &info);
        id = info.id;
    }
    const struct sim_pkt_states *st = sim_pkt_states_of(s->r, id);
    if (st == NULL)
        return sim_pkt_run_fail(s->r, "no connection has had a state yet");
    if (s->c->subject[0] == 'm')
        return word_is(s, mp_state_name((enum mp_state)st->mp));
    uint8_t state = st->tcp[s->c->subflow % SIM_PKT_SUBFLOWS_MAX];
    return word_is(s, tcp_state_name((enum tcp_state)state));
}

static bool check_path(const struct subject *s, const struct field *f)
{
    struct plait_subflow_info info;

    if (plait_subflow_info(s->conn, s->c->subflow, &info) != 0)
        return sim_pkt_run_fail(s->r, "there is no subflow %u", s->c->subflow);
    return number_is(s, load(&info, f));
}

static bool check_conn(const struct subject *s)
{
    const char *name = s->c->subject;
    enum plait_reason reason = PLAIT_REASON_NONE;
    struct plait_conn_info info;
    struct plait_subflow_info path;

    if (s->conn == NULL)
        return sim_pkt_run_fail(s->r, "%s: there is no connection to ask", name);
    plait_conn_info(s->conn, &info);
    int err = plait_conn_error(s->conn, &reason);
    if (strcmp(name, "error") == 0)
        return word_is(s, sim_pkt_errno_name(err));
    if (strcmp(name, "fallback") == 0)
        return word_is(s, plait_reason_name(info.fallback));
    if (strcmp(name, "reason") == 0) {
        if (s->c->has_subflow && plait_subflow_info(s->conn, s->c->subflow, &path) == 0)
            reason = path.reason;
        return word_is(s, plait_reason_name(reason));
    }
    const struct field *f = field_named(path_fields, COUNT(path_fields), name);
    const struct field *g = field_named(conn_fields, COUNT(conn_fields), name);
    if (f != NULL && (g == NULL || s->c->has_subflow))
        return check_path(s, f);
    if (g != NULL)
        return number_is(s, load(&info, g));
    return sim_pkt_run_fail(s->r, "%s cannot be asked of a connection", name);
}

static bool find_conn(struct subject *s)
{
    int64_t i = s->c->has_fd ? s->c->fd - SIM_PKT_FD_FIRST : s->r->last_fd;

    if (s->c->has_fd && (i < 0 || i >= SIM_PKT_FDS_MAX || s->r->fd[i].kind != SIM_PKT_FD_CONN))
        return sim_pkt_run_fail(s->r, "descriptor %lld is no connection", (long long)s->c->fd);
    s->conn = i >= 0 && s->r->fd[i].kind == SIM_PKT_FD_CONN ? s->r->fd[i].conn : NULL;
    return true;
}

bool sim_pkt_do_check(struct sim_pkt_runner *r, const struct sim_pkt_check *c)
{
    struct subject s = {.r = r, .c = c};
    struct plait_stack_info info;

    if (strcmp(c->subject, "counter") == 0)
        return number_is(
            &s, (int64_t)plait_counter(r->node->stack, sim_pkt_reason(c->word, strlen(c->word))));
    const struct field *f = field_named(stack_fields, COUNT(stack_fields), c->subject);
    if (f != NULL) {
        plait_stack_info(r->node->stack, &info);
        return number_is(&s, load(&info, f));
    }
    if (!find_conn(&s))
        return false;
    if (strcmp(c->subject, "state") == 0 || strcmp(c->subject, "mp_state") == 0)
        return check_state(&s);
    return check_conn(&s);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of `plait cat`: traces as lines of text (-v), status and statistics as lines of JSON.
 * Called by cat.c, and by the stack through the trace sink. Nothing here changes anything. */
#include "cat_report.h"

#include "driver/addr.h"
#include "json.h"
#include "say.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TELL_LIFE = 1, TELL_DETAIL = 2, NO_SUBFLOW = 255 };

/* ---- text ----------------------------------------------------------------------------------- */

/* What happened, in words; false for what is not told. */
static bool describe(const struct plait_trace *ev, char *out, size_t size)
{
    unsigned long long a = ev->a, b = ev->b;

    switch (ev->type) {
    case PLAIT_TRACE_SUBFLOW_UP:
        (void)snprintf(out, size, "is up");
        break;
    case PLAIT_TRACE_SUBFLOW_DOWN:
        (void)snprintf(out, size, "is down");
        break;
    case PLAIT_TRACE_SUBFLOW_STALE:
        (void)snprintf(out, size, a ? "does not answer" : "answers again");
        break;
    case PLAIT_TRACE_FALLBACK:
        (void)snprintf(out, size, "speaks plain TCP from now on");
        break;
    case PLAIT_TRACE_ADDR_IN:
        (void)snprintf(out, size, "peer announces address %llu", a);
        break;
    case PLAIT_TRACE_ADDR_OUT:
        (void)snprintf(out, size, "announce address %llu", a);
        break;
    case PLAIT_TRACE_REMOVE_IN:
        (void)snprintf(out, size, "peer withdraws address %llu", a);
        break;
    case PLAIT_TRACE_REMOVE_OUT:
        (void)snprintf(out, size, "withdraw address %llu", a);
        break;
    case PLAIT_TRACE_PRIO_IN:
        (void)snprintf(out, size, "peer says backup: %s", a ? "yes" : "no");
        break;
    case PLAIT_TRACE_PRIO_OUT:
        (void)snprintf(out, size, "tell peer backup: %s", a ? "yes" : "no");
        break;
    case PLAIT_TRACE_FASTCLOSE:
        (void)snprintf(out, size, "fast close %s", a ? "received" : "sent");
        break;
    case PLAIT_TRACE_RESET:
        (void)snprintf(out, size, "reset %s", a ? "received" : "sent");
        break;
    case PLAIT_TRACE_REINJECT:
        (void)snprintf(out, size, "sends %llu bytes again from data sequence %llu", b, a);
        break;
    case PLAIT_TRACE_LOSS:
        (void)snprintf(out, size, "lost %llu bytes from sequence %llu", b, a);
        break;
    case PLAIT_TRACE_RTO:
        (void)snprintf(out, size, "retransmission timeout %llu ms, %llu. in a row", a / 1000, b);
        break;
    case PLAIT_TRACE_DROP:
        (void)snprintf(out, size, "dropped a segment");
        break;
    case PLAIT_TRACE_CONN_STATE:
    case PLAIT_TRACE_SUBFLOW_STATE:
        (void)snprintf(out, size, "state %llu, was %llu", a, b);
        break;
    default:
        return false;
    }
    return true;
}

static unsigned level_of(enum plait_trace_type type)
{
    switch (type) {
    case PLAIT_TRACE_CONN_STATE:
    case PLAIT_TRACE_SUBFLOW_STATE:
    case PLAIT_TRACE_REINJECT:
    case PLAIT_TRACE_LOSS:
    case PLAIT_TRACE_RTO:
    case PLAIT_TRACE_DROP:
        return TELL_DETAIL;
    default:
        return TELL_LIFE;
    }
}

/* The name of a subflow's interface; "?" when it was never known. */
static const char *link_of(struct cat_links *links, uint8_t id, const struct plait_addr *local,
                           const struct plait_addr *remote)
{
    const char *now = "?";

    if (links->host && local->family != 0)
        now = drv_host_ifname_between(links->host, local, remote);
    if (now[0] != '?')
        (void)snprintf(links->name[id], IF_NAMESIZE, "%s", now);
    return links->name[id][0] ? links->name[id] : "?";
}

static const char *link_of_event(struct cat_links *links, const struct plait_trace *ev)
{
    if (!links->host || ev->local.family == 0)
        return "?";
    if (ev->subflow == NO_SUBFLOW || ev->remote.family == 0)
        return drv_host_ifname_of(links->host, &ev->local);
    return link_of(links, ev->subflow, &ev->local, &ev->remote);
}

static void describe_addrs(struct cat_teller *teller, const struct plait_trace *ev, char *out,
                           size_t size)
{
    char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
    const char *ifname = link_of_event(&teller->links, ev);

    out[0] = '\0';
    drv_addr_text(&ev->local, local);
    drv_addr_text(&ev->remote, remote);
    if (ev->local.family != 0 && ev->remote.family != 0)
        (void)snprintf(out, size, " %s -> %s", local, remote);
    else if (ev->local.family != 0 || ev->remote.family != 0)
        (void)snprintf(out, size, " %s", ev->local.family != 0 ? local : remote);
    if (ifname[0] != '?')
        (void)snprintf(out + strlen(out), size - strlen(out), " (%s)", ifname);
}

void cat_tell(struct cat_teller *teller, const struct plait_trace *ev)
{
    char what[128], addrs[256], who[32] = "connection";
    const char *why = ev->reason != 0 ? plait_reason_text((enum plait_reason)ev->reason) : "";
    plait_time at = ev->now - teller->start;

    if (teller->verbose < level_of(ev->type) || !describe(ev, what, sizeof what))
        return;
    describe_addrs(teller, ev, addrs, sizeof addrs);
    if (ev->subflow != NO_SUBFLOW)
        (void)snprintf(who, sizeof who, "subflow %u", ev->subflow);
    say("%llu.%03llu %s %s%s%s%s", (unsigned long long)(at / PLAIT_SEC),
        (unsigned long long)(at % PLAIT_SEC / PLAIT_MSEC), who, what, addrs, why[0] ? ": " : "",
        why);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_addr(struct json *j, const char *key, const struct plait_addr *addr)
{
    char text[ADDR_TEXT_MAX];
    json_string(j, key, drv_addr_text(addr, text));
}

static void put_reason(struct json *j, const char *key, enum plait_reason reason)
{
    if (reason == PLAIT_REASON_NONE)
        json_null(j, key);
    else
        json_string(j, key, plait_reason_name(reason));
}

static void put_conn(struct json *j, const struct plait_conn *conn)
{
    struct plait_conn_info i;
    enum plait_reason reason = PLAIT_REASON_NONE;
    int error = plait_conn_error(conn, &reason);

    plait_conn_info(conn, &i);
    json_object(j, "connection");
    json_bool(j, "established", i.established);
    json_bool(j, "multipath", i.multipath);
    json_number(j, "version", i.version);
    json_bool(j, "checksum", i.checksum);
    put_reason(j, "fallback", i.fallback);
    put_addr(j, "local", &i.local);
    put_addr(j, "remote", &i.remote);
    json_number(j, "token_local", i.token_local);
    json_number(j, "token_remote", i.token_remote);
    json_number(j, "bytes_sent", i.bytes_sent);
    json_number(j, "bytes_acked", i.bytes_acked);
    json_number(j, "bytes_received", i.bytes_received);
    json_number(j, "bytes_reinjected", i.bytes_reinjected);
    json_number(j, "bytes_duplicate", i.bytes_duplicate);
    json_number(j, "syn_sent", i.syn_sent);
    json_number(j, "syn_received", i.syn_received);
    json_number(j, "send_queued", i.send_queued);
    json_number(j, "recv_queued", i.recv_queued);
    json_number(j, "sndbuf", i.sndbuf);
    json_number(j, "rcvbuf", i.rcvbuf);
    json_number(j, "subflows", i.subflow_n);
    json_number(j, "subflows_total", i.subflow_total);
    if (error == 0)
        json_null(j, "error");
    else
        json_string(j, "error", plait_strerror(error));
    put_reason(j, "reason", reason);
    json_object_end(j);
}

static const char *state_name(enum plait_subflow_state state)
{
    static const char *const names[] = {"opening", "open", "stale", "closing", "closed"};
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

static void put_subflow(struct json *j, struct cat_links *links, const struct plait_subflow_info *s)
{
    json_object(j, NULL);
    json_number(j, "id", s->id);
    json_string(j, "state", state_name(s->state));
    if (links)
        json_string(j, "interface", link_of(links, s->id, &s->local, &s->remote));
    else
        json_null(j, "interface");
    put_addr(j, "local", &s->local);
    put_addr(j, "remote", &s->remote);
    json_number(j, "local_id", s->local_id);
    json_number(j, "remote_id", s->remote_id);
    json_bool(j, "backup_local", s->backup_local);
    json_bool(j, "backup_remote", s->backup_remote);
    json_number(j, "bytes_sent", s->bytes_sent);
    json_number(j, "bytes_acked", s->bytes_acked);
    json_number(j, "bytes_received", s->bytes_received);
    json_number(j, "bytes_retransmitted", s->bytes_retransmitted);
    json_number(j, "srtt_us", s->srtt);
    json_number(j, "rttvar_us", s->rttvar);
    json_number(j, "min_rtt_us", s->min_rtt);
    json_number(j, "rto_us", s->rto);
    json_number(j, "cwnd", s->cwnd);
    json_number(j, "ssthresh", s->ssthresh);
    json_number(j, "in_flight", s->in_flight);
    json_number(j, "mss", s->mss);
    put_reason(j, "reason", s->reason);
    json_object_end(j);
}

void cat_report_conn(struct json *j, struct cat_links *links, const struct plait_conn *conn)
{
    struct plait_conn_info info;
    struct plait_subflow_info s;

    put_conn(j, conn);
    plait_conn_info(conn, &info);
    json_array(j, "subflows");
    for (unsigned id = 0; id < info.subflow_total; id++)
        if (plait_subflow_info(conn, (uint8_t)id, &s) == 0)
            put_subflow(j, links, &s);
    json_array_end(j);
}

static void put_stack(struct json *j, const struct plait_stack *stack)
{
    struct plait_stack_info i;

    plait_stack_info(stack, &i);
    json_object(j, "stack");
    json_number(j, "packets_in", i.packets_in);
    json_number(j, "packets_out", i.packets_out);
    json_number(j, "packets_dropped", i.packets_dropped);
    json_number(j, "mem_peak", i.mem_peak);
    json_number(j, "mem_max", i.mem_max);
    json_object_end(j);
    json_object(j, "counters");
    for (unsigned r = 1; r < PLAIT_REASON_COUNT; r++) {
        uint64_t n = plait_counter(stack, (enum plait_reason)r);
        if (n > 0)
            json_number(j, plait_reason_name((enum plait_reason)r), n);
    }
    json_object_end(j);
}

static void put_driver(struct json *j, const struct drv_host *host)
{
    struct drv_host_counters c;

    drv_host_counters(host, &c);
    const struct {
        const char *name;
        uint64_t value;
        bool always;
    } list[] = {
        {"frames_in", c.link.frames_in, true},
        {"frames_out", c.link.frames_out, true},
        {"bytes_in", c.link.bytes_in, true},
        {"bytes_out", c.link.bytes_out, true},
        {"in_joined", c.link.in_joined, false},
        {"out_cut", c.link.out_cut, false},
        {"in_truncated", c.link.in_truncated, false},
        {"in_kernel_drop", c.link.in_kernel_drop, false},
        {"in_scratch", c.link.in_scratch, false},
        {"in_not_ours", c.not_ours, false},
        {"out_backlogged", c.link.out_backlogged, false},
        {"out_backlog_full", c.link.out_backlog_full, false},
        {"out_queue_drop", c.link.out_queue_drop, false},
        {"out_error", c.link.out_error, false},
        {"no_route", c.routes.no_route, false},
        {"held", c.routes.held, false},
        {"unresolved", c.routes.unresolved, false},
    };

    json_object(j, "driver");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i].always || list[i].value > 0)
            json_number(j, list[i].name, list[i].value);
    if (c.link.last_errno != 0)
        json_string(j, "last_error", strerror(c.link.last_errno));
    json_object_end(j);
}

bool cat_report_write(const struct cat_report *r, int fd)
{
    struct json j;
    bool ok;

    memset(&j, 0, sizeof j);
    json_object(&j, NULL);
    json_fraction(&j, "time", drv_host_now(r->host) - r->start, 6);
    if (r->conn) {
        cat_report_conn(&j, r->links, r->conn);
    } else {
        json_null(&j, "connection");
    }
    if (r->full) {
        put_stack(&j, drv_host_stack(r->host));
        put_driver(&j, r->host);
    }
    json_object_end(&j);
    ok = json_line(&j, fd);
    json_free(&j);
    return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a script: one stack, a clock, and the script in the place of the network and of the
 * application. Called by `plait sim run` and by tests.
 *
 * What the stack sends is caught before it meets a link and queued with its time. An expected
 * packet takes the first of its flow from the queue, or lets time pass until there is one. Any
 * other event lets time pass up to its own; packets that came before that time and that nobody
 * expected are an error, and so are those left over at the end. */
#include "pkt_run.h"

#include "../base/addr.h"
#include "../wire/wire.h"
#include "pcap.h"
#include "pkt_match.h"
#include "pkt_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool sim_pkt_run_fail(struct sim_pkt_runner *r, const char *format, ...)
{
    struct sim_pkt_error *e = &r->report->error;
    va_list args;

    if (r->failed)
        return false;
    r->failed = true;
    e->line = r->event != NULL ? r->event->line : 0;
    e->column = r->event != NULL ? r->event->column : 0;
    va_start(args, format);
    (void)vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return false;
}

/* Microseconds since the script began, as seconds */
#define SECONDS       "%" PRIu64 ".%06u"
#define AS_SECONDS(t) (uint64_t)((t) / PLAIT_SEC), (unsigned)((t) % PLAIT_SEC)

static plait_time since_start(const struct sim_pkt_runner *r, plait_time t)
{
    return t - r->start;
}

static void say(const struct sim_pkt_runner *r, const char *text)
{
    if (r->options->verbose != NULL)
        (void)fprintf(r->options->verbose, SECONDS " %s\n", AS_SECONDS(since_start(r, r->sim->now)),
                      text);
}

/* ---- what the stack sends -------------------------------------------------------------------- */

static void catch_packet(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    struct sim_pkt_runner *r = ctx;
    struct sim_pkt_queued *q;

    wire->drop = true;
    r->report->packets++;
    if (r->queue_n == SIM_PKT_QUEUE_MAX) {
        sim_pkt_run_fail(r, "the stack sent %d packets that the script does not expect",
                         SIM_PKT_QUEUE_MAX);
        sim_fail(sim, "a script ends here"); /* or a timer of its own would keep the world busy */
        return;
    }
    q = &r->queue[(r->queue_first + r->queue_n++) % SIM_PKT_QUEUE_MAX];
    q->at = sim->now;
    q->len = wire->len < SIM_PKT_BYTES_MAX ? wire->len : SIM_PKT_BYTES_MAX;
    q->bytes = malloc(q->len);
    if (q->bytes == NULL)
        abort();
    memcpy(q->bytes, wire->bytes, q->len);
}

static void note_state(struct sim_node *node, const struct plait_trace *ev)
{
    struct sim_pkt_runner *r = node->ctx;
    struct sim_pkt_states *s = sim_pkt_states_of(r, ev->conn);

    if (ev->type != PLAIT_TRACE_CONN_STATE && ev->type != PLAIT_TRACE_SUBFLOW_STATE)
        return;
    if (s == NULL && r->states_n < SIM_PKT_CONNS_MAX) {
        s = &r->states[r->states_n++];
        s->conn = ev->conn;
    }
    if (s != NULL && ev->type == PLAIT_TRACE_CONN_STATE)
        s->mp = (uint8_t)ev->a;
    if (s != NULL && ev->type == PLAIT_TRACE_SUBFLOW_STATE && ev->subflow < SIM_PKT_SUBFLOWS_MAX)
        s->tcp[ev->subflow] = (uint8_t)ev->a;
}

static void ignore_event(struct sim_node *node, const struct plait_event *ev)
{
    (void)node;
    (void)ev;
}

static struct sim_pkt_queued *queued(struct sim_pkt_runner *r, unsigned i)
{
    return &r->queue[(r->queue_first + i) % SIM_PKT_QUEUE_MAX];
}

/* Takes packet i out of the queue; its bytes are in r->bytes afterwards. */
static plait_time dequeue(struct sim_pkt_runner *r, unsigned i)
{
    struct sim_pkt_queued taken = *queued(r, i);

    memcpy(r->bytes.b, taken.bytes, taken.len);
    r->bytes.len = taken.len;
    free(taken.bytes);
    for (; i > 0; i--)
        *queued(r, i) = *queued(r, i - 1);
    r->queue_first = (r->queue_first + 1) % SIM_PKT_QUEUE_MAX;
    r->queue_n--;
    return taken.at;
}

static void put_ends(const struct plait_addr *from, const struct plait_addr *to, char out[128])
{
    char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

    addr_print(from, a);
    addr_print(to, b);
    (void)snprintf(out, 128, "%s > %s", a, b);
}

/* A packet that nobody expected, for a message. */
static bool unexpected(struct sim_pkt_runner *r)
{
    char line[SIM_PKT_LINE_MAX], ends[128];
    struct plait_addr local, remote;
    struct sim_pkt_flow none = {0}, *f;
    struct sim_pkt_seg seg;
    const uint8_t *payload;
    plait_time at = dequeue(r, 0);

    if (!sim_pkt_decode_ends(r->bytes.b, r->bytes.len, &local, &remote))
        return sim_pkt_run_fail(r, "the stack sent something that is not TCP");
    f = sim_pkt_flow_of(&r->world, &local, &remote);
    put_ends(&local, &remote, ends);
    if (!sim_pkt_decode(&r->world, f != NULL ? f : &none, &r->bytes, &seg, &payload))
        return sim_pkt_run_fail(r, "the stack sent a broken TCP header");
    seg.ecn.how = seg.ecn.value != 0 ? SIM_PKT_VALUE : SIM_PKT_NONE;
    sim_pkt_print(r->script, &seg, line, sizeof line);
    return sim_pkt_run_fail(r,
                            "the stack sent a packet that the script does not expect here\n"
                            "  actual:   " SECONDS " %s\n  flow:     %s",
                            AS_SECONDS(since_start(r, at)), line, ends);
}

/* ---- an expected packet ---------------------------------------------------------------------- */

/* Is packet i of the queue one of this flow? A SYN of an unknown flow is its beginning. */
static bool belongs(struct sim_pkt_runner *r, unsigned i, const struct sim_pkt_seg *want)
{
    const struct sim_pkt_queued *q = queued(r, i);
    struct plait_addr local, remote;
    struct sim_pkt_world *w = &r->world;

    if (!sim_pkt_decode_ends(q->bytes, q->len, &local, &remote))
        return true; /* which will be told when it is compared */
    struct sim_pkt_flow *f = sim_pkt_flow_of(w, &local, &remote);
    if (f == NULL) {
        struct sim_pkt_flow *fresh;
        struct plait_addr a = sim_pkt_addr(w->script->setup.ipv6, false, want->from.index);
        struct plait_addr b = sim_pkt_addr(w->script->setup.ipv6, true, want->to.index);
        if (want->from.given ? !addr_same_ip(&a, &local) || !addr_same_ip(&b, &remote)
                             : w->main != NULL)
            return false;
        fresh = sim_pkt_flow_new(w, &local, &remote);
        if (fresh == NULL)
            return false;
        w->main = w->main == NULL ? fresh : w->main;
        return true;
    }
    return f == sim_pkt_flow_find(w, &want->from, &want->to);
}

static int find_queued(struct sim_pkt_runner *r, const struct sim_pkt_seg *want)
{
    for (unsigned i = 0; i < r->queue_n; i++)
        if (belongs(r, i, want))
            return (int)i;
    return -1;
}

/* Time passes until something happens, but not behind `until`. False: it came. */
static bool wait_a_step(struct sim_pkt_runner *r, plait_time until)
{
    plait_time next = plait_deadline(r->node->stack);

    if (next > until || next == PLAIT_NEVER)
        return false;
    if (!sim_run_until(r->sim, next))
        return sim_pkt_run_fail(r, "%s", r->sim->failure);
    return !r->failed;
}

static bool compare_time(struct sim_pkt_runner *r, plait_time at, plait_time lo, plait_time hi)
{
    plait_time slack = r->script->setup.tolerance;

    if (at + slack >= lo && (hi == PLAIT_NEVER || at <= hi + slack))
        return true;
    return sim_pkt_run_fail(r, "the packet came at " SECONDS " s, and not at " SECONDS " s",
                            AS_SECONDS(since_start(r, at)), AS_SECONDS(since_start(r, lo)));
}

static bool compare_packet(struct sim_pkt_runner *r, plait_time at, const struct sim_pkt_seg *want)
{
    char expected[SIM_PKT_LINE_MAX], actual[SIM_PKT_LINE_MAX];
    struct plait_addr local, remote;
    struct sim_pkt_seg came;
    const uint8_t *payload;
    uint32_t wrong;

    if (!sim_pkt_decode_ends(r->bytes.b, r->bytes.len, &local, &remote))
        return sim_pkt_run_fail(r, "the stack sent something that is not TCP");
    struct sim_pkt_flow *f = sim_pkt_flow_of(&r->world, &local, &remote);
    if (!sim_pkt_decode(&r->world, f, &r->bytes, &came, &payload))
        return sim_pkt_run_fail(r, "the stack sent a broken TCP header");
    sim_pkt_learn_out(&r->world, f, &came, want);
    (void)sim_pkt_decode(&r->world, f, &r->bytes, &came, &payload);
    sim_pkt_learn_map_out(f, &came);
    const char *what = sim_pkt_differs(&r->world, want, &came);
    sim_pkt_hide_unasked(want, &came);
    sim_pkt_print(r->script, want, expected, sizeof expected);
    sim_pkt_print(r->script, &came, actual, sizeof actual);
    if (what != NULL)
        return sim_pkt_run_fail(r,
                                "%s not as expected\n  expected: " SECONDS " %s\n"
                                "  actual:   " SECONDS " %s",
                                what, AS_SECONDS(since_start(r, at)), expected,
                                AS_SECONDS(since_start(r, at)), actual);
    if (!sim_pkt_payload_ok(f, &came, payload, &wrong))
        return sim_pkt_run_fail(r,
                                "payload byte %u is not what was written there\n"
                                "  actual:   %s",
                                wrong, actual);
    sim_pkt_accept_out(&r->world, f, &came, want);
    say(r, actual);
    return true;
}

static bool expect_packet(struct sim_pkt_runner *r, plait_time lo, plait_time hi)
{
    const struct sim_pkt_seg *want = &r->event->seg;
    plait_time slack = r->script->setup.tolerance;
    plait_time until = hi > PLAIT_NEVER - slack ? PLAIT_NEVER : hi + slack;
    char line[SIM_PKT_LINE_MAX];
    int i;

    sim_pump(r->sim);
    while ((i = find_queued(r, want)) < 0 && wait_a_step(r, until))
        ;
    if (r->failed)
        return false;
    if (i < 0 && r->queue_n > 0)
        return unexpected(r);
    if (i < 0) {
        sim_pkt_print(r->script, want, line, sizeof line);
        return sim_pkt_run_fail(r, "the stack did not send\n  expected: %s", line);
    }
    plait_time at = dequeue(r, (unsigned)i);
    if (!compare_packet(r, at, want) || !compare_time(r, at, lo, hi))
        return false;
    r->last = at;
    return true;
}

/* ---- a packet for the stack ------------------------------------------------------------------ */

static struct sim_pkt_flow *flow_in(struct sim_pkt_runner *r, const struct sim_pkt_end *remote,
                                    const struct sim_pkt_end *local)
{
    struct sim_pkt_world *w = &r->world;
    bool ipv6 = w->script->setup.ipv6;
    struct sim_pkt_flow *f = sim_pkt_flow_find(w, local, remote);

    if (f != NULL)
        return f;
    struct plait_addr from = sim_pkt_addr(ipv6, true, remote->index);
    struct plait_addr to = sim_pkt_addr(ipv6, false, local->index);
    from.port = remote->port != 0 ? remote->port : (uint16_t)(SIM_PKT_CLIENT_PORT + w->flow_n);
    to.port = local->port != 0 ? local->port : SIM_PKT_PORT;
    f = sim_pkt_flow_new(w, &to, &from);
    if (f == NULL)
        sim_pkt_run_fail(r, "a script has at most %d flows", SIM_PKT_FLOWS_MAX);
    else if (w->main == NULL)
        w->main = f;
    return f;
}

static void inject(struct sim_pkt_runner *r)
{
    r->report->packets++;
    sim_pcap_packet(r->sim->pcap, r->node, false, r->bytes.b, r->bytes.len);
    sim_net_deliver(r->node, r->bytes.b, r->bytes.len, false);
}

static bool send_packet(struct sim_pkt_runner *r)
{
    const struct sim_pkt_seg *seg = &r->event->seg;
    struct sim_pkt_flow *f = flow_in(r, &seg->from, &seg->to);
    char line[SIM_PKT_LINE_MAX];

    if (f == NULL)
        return false;
    const char *wrong = sim_pkt_learn_in(&r->world, f, seg);
    if (wrong == NULL)
        wrong = sim_pkt_encode(&r->world, f, seg, &r->bytes);
    if (wrong != NULL)
        return sim_pkt_run_fail(r, "%s", wrong);
    sim_pkt_print(r->script, seg, line, sizeof line);
    say(r, line);
    inject(r);
    return true;
}

static bool send_icmp(struct sim_pkt_runner *r)
{
    const struct sim_pkt_icmp *icmp = &r->event->icmp;
    struct sim_pkt_flow *f = flow_in(r, &icmp->to, &icmp->from);

    if (f == NULL)
        return false;
    sim_pkt_encode_icmp(f, icmp, &r->bytes);
    say(r, "< icmp");
    inject(r);
    return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool act(struct sim_pkt_runner *r)
{
    char line[SIM_PKT_LINE_MAX];

    switch (r->event->kind) {
    case SIM_PKT_EVENT_SEG:
        return send_packet(r);
    case SIM_PKT_EVENT_ICMP:
        return send_icmp(r);
    case SIM_PKT_EVENT_CALL:
        sim_pkt_print_call(&r->event->call, line, sizeof line);
        say(r, line);
        return sim_pkt_do_call(r, &r->event->call);
    default:
        sim_pkt_print_check(&r->event->check, line, sizeof line);
        say(r, line);
        return sim_pkt_do_check(r, &r->event->check);
    }
}

/* Everything but an expected packet happens at its time, and after what the stack does then. */
static bool do_at(struct sim_pkt_runner *r, plait_time at)
{
    if (at < r->sim->now)
        return sim_pkt_run_fail(r, "its time " SECONDS " s has passed: it is " SECONDS " s",
                                AS_SECONDS(since_start(r, at)),
                                AS_SECONDS(since_start(r, r->sim->now)));
    if (!sim_run_until(r->sim, at))
        return sim_pkt_run_fail(r, "%s", r->sim->failure);
    if (r->failed)
        return false;
    if (r->queue_n > 0 && queued(r, 0)->at < at)
        return unexpected(r);
    r->last = at;
    if (!act(r))
        return false;
    sim_pump(r->sim);
    return r->sim->failure == NULL || sim_pkt_run_fail(r, "%s", r->sim->failure);
}

static bool do_event(struct sim_pkt_runner *r, const struct sim_pkt_event *ev)
{
    plait_time base = ev->when == SIM_PKT_RELATIVE ? r->last : r->start;

    r->event = ev;
    if (ev->kind != SIM_PKT_EVENT_SEG || !ev->seg.out)
        return do_at(r, base + ev->lo);
    return expect_packet(r, base + ev->lo, ev->hi == PLAIT_NEVER ? PLAIT_NEVER : base + ev->hi);
}

void sim_pkt_policies(const struct sim_pkt_runner *r, struct plait_conn_config *conn)
{
    conn->cc = r->script->setup.cc;
    conn->sched = r->script->setup.sched;
    conn->pm = r->script->setup.pm;
    conn->own_cc = r->options->own_cc;
    conn->own_sched = r->options->own_sched;
    conn->own_pm = r->options->own_pm;
}

static bool begin(struct sim_pkt_runner *r)
{
    const struct sim_pkt_setup *setup = &r->script->setup;
    struct plait_config config = setup->config;

    sim_pkt_policies(r, &config.conn);
    r->sim = sim_new(setup->seed);
    r->node = sim_node_new(r->sim, "plait", &config);
    if (r->node == NULL)
        return sim_pkt_run_fail(r, "the stack refuses the configuration of the options");
    r->node->ctx = r;
    r->node->on_event = ignore_event;
    r->node->on_trace = note_state;
    r->sim->hook = catch_packet;
    r->sim->hook_ctx = r;
    r->start = r->last = r->sim->now;
    if (r->options->pcap != NULL && sim_pcap_open(r->sim, r->options->pcap) == NULL)
        return sim_pkt_run_fail(r, "%s cannot be written", r->options->pcap);
    for (unsigned i = 0; i < setup->local_n; i++) {
        struct plait_local local = {.addr = sim_pkt_addr(setup->ipv6, false, i),
                                    .id = (uint8_t)(i + 1),
                                    .flags = setup->local_flags[i],
                                    .mtu = setup->mtu,
                                    .ifindex = i + 1};
        if (plait_local_add(r->node->stack, &local, r->sim->now) != 0)
            return sim_pkt_run_fail(r, "the stack refuses its addresses or their MTU");
    }
    return true;
}

static void end(struct sim_pkt_runner *r)
{
    r->report->took = since_start(r, r->sim->now);
    if (!sim_pcap_close(r->sim))
        sim_pkt_run_fail(r, "%s cannot be written", r->options->pcap);
    while (r->queue_n > 0)
        (void)dequeue(r, 0);
    if (r->node != NULL) {
        sim_node_stop(r->node);
        if (r->node->live != 0)
            sim_pkt_run_fail(r, "the stack leaks %" PRIu64 " allocations", r->node->live);
    }
    sim_free(r->sim);
}

bool sim_pkt_run(const struct sim_pkt_script *script, const struct sim_pkt_options *options,
                 struct sim_pkt_report *report)
{
    struct sim_pkt_runner *r = calloc(1, sizeof *r);

    if (r == NULL)
        abort();
    *report = (struct sim_pkt_report){0};
    r->script = script;
    r->options = options;
    r->report = report;
    r->world.script = script;
    r->last_fd = -1;
    bool good = begin(r);
    for (unsigned i = 0; good && i < script->event_n; i++)
        good = do_event(r, &script->event[i]);
    if (good && r->queue_n > 0)
        unexpected(r);
    end(r);
    good = !r->failed;
    free(r);
    return good;
}

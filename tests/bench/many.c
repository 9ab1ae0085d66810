/* SPDX-License-Identifier: Apache-2.0 */
/* many: what an idle connection costs in memory, and a packet in instructions, with N connections
 * open. Both ends are stacks in this process with a wire between them that loses nothing and takes
 * no time; each connection has two subflows, has moved a request and an answer, and rests.
 *
 * many N [EXCHANGES]
 *
 * Prints a line of JSON. EXCHANGES are requests of 100 bytes and answers to them on connections
 * drawn at random. They are what valgrind's callgrind counts (--instr-atstart=no), so that the
 * instructions per packet are those of its total; the wire itself counts with them. */
#include <plait/plait.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__has_include) && __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

enum {
    PORT = 1000, PER_PORT = 20000, /* connections to one: the local ports are fewer than 2^15 */
    BATCH = 100,                   /* that are opened at once; a listener's backlog holds as many */
    REQUEST = 100, KEEPALIVE_S = 7200, PACKET_MAX = 2048,
};

struct host {
    struct plait_env env;
    struct plait_stack *stack;
    uint64_t bytes, allocations; /* in use */
    uint64_t packets;            /* received */
    uint64_t dice;
    struct plait_conn **conn;
    uint32_t conn_n;
};

struct world {
    struct host client, server;
    struct plait_listener **listener;
    plait_time now;
    uint32_t n;
};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "many: %s\n", what);
    exit(1);
}

/* ---- two hosts ------------------------------------------------------------------------------ */

static size_t taken(size_t size) { return (size + 63) / 64 * 64; }

static void *mem_alloc(void *ctx, size_t size)
{
    struct host *h = ctx;
    size_t align = size >= 4096 ? 4096 : 64;
    void *mem = aligned_alloc(align, (size + align - 1) / align * align);

    if (mem != NULL) {
        h->bytes += taken(size);
        h->allocations++;
    }
    return mem;
}

static void mem_free(void *ctx, void *mem, size_t size)
{
    struct host *h = ctx;

    h->bytes -= taken(size);
    h->allocations--;
    free(mem);
}

static uint32_t roll(struct host *h)
{
    h->dice = h->dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(h->dice >> 32);
}

static void numbers(void *ctx, void *buf, size_t len)
{
    uint8_t *p = buf;

    while (len-- > 0)
        *p++ = (uint8_t)(roll(ctx) >> 24);
}

static struct plait_addr address(uint8_t last, uint16_t port)
{
    return (struct plait_addr){.family = 4, .ip = {10, 0, 0, last}, .port = port};
}

static void host_init(struct host *h, uint32_t n, uint64_t seed, const uint8_t *last)
{
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.conns_max = n + BATCH;
    cfg.conn.keepalive_idle = KEEPALIVE_S * PLAIT_SEC; /* so that each of them has a deadline */
    cfg.conn.subflows_max = 2;
    *h = (struct host){.env = {.ctx = h, .alloc = mem_alloc, .free = mem_free, .random = numbers},
                       .dice = seed};
    h->conn = calloc(n, sizeof(struct plait_conn *));
    h->stack = plait_stack_new(&h->env, &cfg);
    need(h->stack != NULL && h->conn != NULL, "no memory");
    for (uint8_t id = 1; *last != 0; id++, last++) {
        struct plait_local l = {.id = id, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500,
                                .addr = address(*last, 0)};
        need(plait_local_add(h->stack, &l, 0) == 0, "an address is not taken");
    }
}

/* ---- the wire ------------------------------------------------------------------------------- */

static bool carry(struct host *from, struct host *to, plait_time now)
{
    static uint8_t packet[PACKET_MAX];
    struct plait_out out;
    bool any = false;

    while (plait_output_plan(from->stack, now, &out)) {
        struct plait_in in = {.ip = packet, .len = out.head_len + out.payload_len,
                              .csum_ok = true};
        uint32_t at = out.head_len;
        need(in.len <= sizeof packet, "a packet is too long");
        memcpy(packet, out.head, out.head_len);
        for (unsigned i = 0; i < out.view_n; at += (uint32_t)out.view[i++].len)
            memcpy(packet + at, out.view[i].data, out.view[i].len);
        plait_output_commit(from->stack, now);
        plait_input(to->stack, &in, now);
        to->packets++;
        any = true;
    }
    return any;
}

static void settle(struct world *w)
{
    bool any = true;

    while (any) {
        any = carry(&w->client, &w->server, w->now);
        any = carry(&w->server, &w->client, w->now) || any;
    }
}

/* Until this time, or until nothing is due before it. */
static void wait_until(struct world *w, plait_time until)
{
    for (;;) {
        plait_time a = plait_deadline(w->client.stack), b = plait_deadline(w->server.stack);
        plait_time at = a < b ? a : b;
        if (at > until)
            break;
        w->now = at > w->now ? at : w->now;
        plait_tick(w->client.stack, w->now);
        plait_tick(w->server.stack, w->now);
        settle(w);
    }
    w->now = until;
}

/* ---- what they do --------------------------------------------------------------------------- */

static void drain_events(struct host *h)
{
    struct plait_event ev;

    while (plait_event_next(h->stack, &ev))
        need(ev.type != PLAIT_EVENT_CLOSED, "a connection is lost");
}

static void move(struct world *w, struct plait_conn *from, struct plait_conn *to)
{
    static const uint8_t zeros[REQUEST];
    uint8_t got[REQUEST];

    need(plait_send(from, zeros, REQUEST, w->now) == REQUEST, "a request is not taken");
    settle(w);
    need(plait_recv(to, got, REQUEST, w->now) == REQUEST, "a request does not arrive");
    settle(w);
}

static void exchange(struct world *w, uint32_t i)
{
    move(w, w->client.conn[i], w->server.conn[i]);
    move(w, w->server.conn[i], w->client.conn[i]);
    wait_until(w, w->now + 50 * PLAIT_MSEC); /* the ACK was delayed, and has gone */
    drain_events(&w->client);
    drain_events(&w->server);
}

static void listen_all(struct world *w)
{
    uint32_t ports = w->n / PER_PORT + 1;

    w->listener = calloc(ports, sizeof(struct plait_listener *));
    need(w->listener != NULL, "no memory");
    for (uint32_t i = 0; i < ports; i++) {
        struct plait_addr any = {.port = (uint16_t)(PORT + i)};
        need(plait_listen(w->server.stack, &any, NULL, &w->listener[i]) == 0, "cannot listen");
    }
}

/* Connection i of both hosts is the same one: they are accepted in the order of their opening. */
static void open_batch(struct world *w, uint32_t upto)
{
    uint32_t first = w->client.conn_n;

    while (w->client.conn_n < upto) {
        struct plait_connect how = {
            .local = address(1, 0),
            .remote = address(101, (uint16_t)(PORT + w->client.conn_n / PER_PORT)),
        };
        need(plait_connect(w->client.stack, &how, w->now, &w->client.conn[w->client.conn_n]) == 0,
             "a connection cannot be opened");
        w->client.conn_n++;
        settle(w);
        for (uint32_t i = 0; i <= w->n / PER_PORT && w->server.conn_n < w->client.conn_n; i++) {
            struct plait_conn *c = plait_accept(w->listener[i]);
            if (c != NULL)
                w->server.conn[w->server.conn_n++] = c;
        }
        need(w->server.conn_n == w->client.conn_n, "a connection does not arrive");
    }
    for (uint32_t i = first; i < upto; i++) {
        move(w, w->client.conn[i], w->server.conn[i]);
        move(w, w->server.conn[i], w->client.conn[i]);
    }
    wait_until(w, w->now + 100 * PLAIT_MSEC);
    drain_events(&w->client);
    drain_events(&w->server);
}

static void check_subflows(const struct host *h)
{
    for (uint32_t i = 0; i < h->conn_n; i++) {
        struct plait_conn_info info;
        plait_conn_info(h->conn[i], &info);
        need(info.multipath && info.subflow_n == 2, "a connection has not two subflows");
    }
}

static void open_all(struct world *w)
{
    while (w->client.conn_n < w->n) {
        uint32_t upto = w->client.conn_n + BATCH;
        open_batch(w, upto < w->n ? upto : w->n);
    }
    check_subflows(&w->client);
    check_subflows(&w->server);
}

int main(int argc, char **argv)
{
    static struct world w;
    uint32_t exchanges = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    uint64_t empty[2], each[2], packets;

    w.n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    if (w.n < 1 || w.n > 1000000) {
        fprintf(stderr, "usage: many N [EXCHANGES]      N: 1 to 1000000 connections\n");
        return 2;
    }
    w.now = PLAIT_SEC;
    host_init(&w.client, w.n, 1, (const uint8_t[]){1, 2, 0});
    host_init(&w.server, w.n, 2, (const uint8_t[]){101, 0});
    listen_all(&w);
    empty[0] = w.client.bytes;
    empty[1] = w.server.bytes;
    open_all(&w);
    each[0] = (w.client.bytes - empty[0]) / w.n;
    each[1] = (w.server.bytes - empty[1]) / w.n;
    packets = w.client.packets + w.server.packets;
    for (uint32_t i = 0; i < exchanges; i++) {
        if (i == exchanges / 10) { /* caches and free lists are as they stay */
            packets = w.client.packets + w.server.packets;
            CALLGRIND_START_INSTRUMENTATION;
        }
        exchange(&w, roll(&w.client) % w.n);
    }
    CALLGRIND_STOP_INSTRUMENTATION;
    packets = w.client.packets + w.server.packets - packets;
    printf("{\"connections\": %" PRIu32 ", \"bytes_per_client\": %" PRIu64
           ", \"bytes_per_server\": %" PRIu64 ", \"packets\": %" PRIu64 "}\n",
           w.n, each[0], each[1], packets);
    plait_stack_free(w.client.stack);
    plait_stack_free(w.server.stack);
    need(w.client.allocations + w.server.allocations == 0, "memory is lost");
    free(w.client.conn);
    free(w.server.conn);
    free(w.listener);
    return 0;
}

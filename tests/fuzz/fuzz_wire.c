/* SPDX-License-Identifier: Apache-2.0 */
/* Two stacks, honest applications, and a wire that means ill: the input decides about each packet.
 * While it only drops, repeats, delays and reorders, each end gets the other's bytes as they were
 * or an error; with rewriting (bit 7 of the first byte) anything may end, but must. */
#include "fuzz.h"

#include "base/be.h"
#include "scenario/wire_edit.h"
#include "sim/app.h"
#include "sim/topology.h"

#include <string.h>

enum { INPUT_MAX = 1024, STEPS_MAX = 200000, PORT = 5001, OLD_MAX = 1600 };
#define LIMIT (900 * PLAIT_SEC)

struct wire {
    struct fuzz_in in;
    struct sim *sim;
    struct sim_topology topo;
    unsigned paths;
    bool rewrites;
    uint32_t pass; /* packets to let through untouched */
    uint8_t old[OLD_MAX];
    uint32_t old_len;
};

/* ---- the wire ------------------------------------------------------------------------------- */

static void set_field(struct wire *x, uint8_t *tcp)
{
    uint8_t what = fuzz_u8(&x->in), value = fuzz_u8(&x->in);
    uint8_t at = (uint8_t)(4 + what % 56);

    if (at < (tcp[12] >> 4) * 4)
        tcp[at] = (what & 0x80) != 0 ? value : tcp[at] ^ value;
}

static void set_option(struct wire *x, struct sim_wire *w)
{
    uint8_t what = fuzz_u8(&x->in), value = fuzz_u8(&x->in);
    uint8_t *opt = edit_find_mptcp(w, what & 15);

    if (opt != NULL && opt[1] > 2)
        opt[2 + (what >> 4) % (opt[1] - 2u)] ^= value;
}

static void shift_number(struct wire *x, uint8_t *tcp)
{
    static const uint32_t by[] = {1, 0xffffffff, 1400, 65536, 0x7fffffff, 0x80000000};
    uint8_t what = fuzz_u8(&x->in);
    uint8_t *p = tcp + ((what & 1) != 0 ? 4 : 8);

    be32_store(p, be32_load(p) + by[(what >> 1) % 6]);
}

static void spoil_payload(struct wire *x, struct sim_wire *w)
{
    uint32_t n = edit_payload(w), at = fuzz_u16(&x->in);

    if (n > 0)
        w->bytes[w->len - n + at % n] ^= 0x20;
}

static void cut_short(struct wire *x, struct sim_wire *w)
{
    uint32_t n = edit_payload(w), by = fuzz_u16(&x->in);

    if (n == 0)
        return;
    w->len -= by % n;
    if (w->bytes[0] >> 4 == 4)
        be16_store(w->bytes + 2, (uint16_t)w->len);
    else
        be16_store(w->bytes + 4, (uint16_t)(w->len - 40));
}

/* An old packet in place of this one. */
static void replay(struct wire *x, struct sim_wire *w)
{
    uint8_t kept[OLD_MAX];
    uint32_t len = w->len;

    if (len > sizeof kept)
        return;
    memcpy(kept, w->bytes, len);
    if (x->old_len > 0) {
        memcpy(w->bytes, x->old, x->old_len);
        w->len = x->old_len;
    }
    memcpy(x->old, kept, len);
    x->old_len = len;
}

static void rewrite(struct wire *x, struct sim_wire *w, unsigned how)
{
    uint8_t *tcp = edit_tcp(w);

    if (tcp == NULL)
        return;
    switch (how % 8) {
    case 0: set_field(x, tcp); break;
    case 1: set_option(x, w); break;
    case 2: shift_number(x, tcp); break;
    case 3: tcp[13] ^= (uint8_t)(1u << fuzz_u8(&x->in) % 6); break;
    case 4: spoil_payload(x, w); break;
    case 5: cut_short(x, w); break;
    case 6: edit_strip_mptcp(w); return;
    default: replay(x, w); return;
    }
    edit_fix_csum(w);
}

static void on_packet(void *ctx, struct sim *sim, struct sim_wire *w)
{
    struct wire *x = ctx;

    (void)sim;
    if (x->pass > 0 || x->in.left == 0) {
        x->pass -= x->pass > 0;
        return;
    }
    uint8_t b = fuzz_u8(&x->in);
    if (b < 0x60)
        x->pass = b & 15;
    else if (b < 0x80)
        w->drop = true;
    else if (b < 0x90)
        w->twice = true;
    else if (b < 0xb0)
        w->delay = (plait_time)1000 << (b & 15);
    else if (b < 0xb8)
        sim_topology_cut(&x->topo, b & 3, (b & 4) != 0);
    else if (x->rewrites)
        rewrite(x, w, b);
    else
        w->drop = (b & 1) != 0;
}

/* ---- the world ------------------------------------------------------------------------------ */

static void set_conn(struct plait_conn_config *c, uint8_t a, uint8_t b)
{
    /* Nobody waits for ever for one who is gone. */
    c->user_timeout = c->keepalive_idle = 20 * PLAIT_SEC;
    c->checksum = (a & 8) != 0;
    c->server_joins = (a & 16) != 0;
    c->rcvbuf_init = (b & 1) != 0 ? 4096 : 16384;
    c->rcvbuf_max = (b & 2) != 0 ? 16384 : 1 << 20;
    c->sndbuf_max = (b & 4) != 0 ? 16384 : 1 << 20;
    c->nodelay = (b & 8) != 0;
    c->cc = (b & 16) == 0 ? "cubic" : (b & 32) == 0 ? "reno" : "olia";
}

static void configure(struct wire *x, struct plait_config *cfg, struct sim_topology_config *topo)
{
    uint8_t a = fuzz_u8(&x->in), b = fuzz_u8(&x->in);

    plait_config_init(&cfg[0]);
    cfg[0].mem_kept = 0; /* so that the sanitizer sees what is used after its end */
    cfg[0].check_invariants = true;
    x->rewrites = (a & 0x80) != 0;
    x->paths = 1 + (a & 3u) % 3;
    set_conn(&cfg[0].conn, a, b);
    cfg[1] = cfg[0];
    cfg[0].conn.mptcp = (b & 0xc0) != 0x40;
    cfg[1].conn.mptcp = (b & 0xc0) != 0x80;
    if ((b & 0xc0) == 0xc0)
        cfg[0].conn.offer_versions = PLAIT_MPTCP_V0;
    cfg[1].conn.checksum = false;
    sim_topology_defaults(topo, x->paths);
    topo->mesh = (a & 32) != 0;
    topo->gso_max = (a & 64) != 0 ? 65535 : 0;
    for (unsigned i = 0; i < x->paths; i++) {
        topo->path[i].family = (b & 32) != 0 ? 6 : 4;
        topo->path[i].up.delay = topo->path[i].down.delay = (10 + 20 * i) * PLAIT_MSEC;
    }
}

static void configure_apps(struct wire *x, struct sim_pair_config *pair)
{
    struct sim_app_config *ends[2] = {&pair->client, &pair->server};

    for (unsigned i = 0; i < 2; i++) {
        uint8_t b = fuzz_u8(&x->in);
        *ends[i] = (struct sim_app_config){
            .send_bytes = (b & 31) * 1500u,
            .hold_close = i == 1 && (b & 64) != 0,
            .write_max = (b & 128) != 0 ? 2000 : 0,
            .abort_at = (b & 96) == 96 ? 700 : 0,
        };
    }
}

static uint32_t alive(const struct sim_node *n)
{
    struct plait_stack_info info;

    plait_stack_info(n->stack, &info);
    return info.conns + info.time_wait + info.half_open;
}

/* Whoever has not ended by himself is let go. */
static void let_go(struct sim_app *a)
{
    struct plait_conn *c = a->conn;

    a->conn = NULL;
    if (c == NULL)
        return;
    plait_abort(c, a->sim->now);
    plait_release(c, a->sim->now);
}

static void run(struct wire *x, const struct sim_apps *apps)
{
    plait_time end = x->sim->now + LIMIT;

    sim_pump(x->sim);
    while (!sim_apps_done(apps) && x->sim->now < end && x->sim->steps < STEPS_MAX)
        if (!sim_step(x->sim) || sim_apps_failure(apps) != NULL)
            break;
}

static void finish(struct wire *x, struct sim_apps *apps, struct sim_pair *pair)
{
    struct sim *sim = x->sim;
    plait_time end = sim->now + LIMIT;

    sim->hook = NULL;
    plait_listener_close(apps->listener, sim->now);
    apps->client->on_event = apps->server->on_event = NULL;
    let_go(&pair->client);
    let_go(&pair->server);
    sim_timer_stop(sim, &pair->client.write_timer);
    sim_timer_stop(sim, &pair->client.read_timer);
    sim_timer_stop(sim, &pair->server.write_timer);
    sim_timer_stop(sim, &pair->server.read_timer);
    sim_pump(sim);
    while (alive(apps->client) + alive(apps->server) > 0 && sim->now < end && sim_step(sim))
        FUZZ_CHECK(sim->steps < 2 * STEPS_MAX, "nobody talks without end");
    FUZZ_CHECK(sim->failure == NULL, sim->failure);
    for (unsigned i = 0; i < sim->node_n; i++) {
        FUZZ_CHECK(alive(sim->node[i]) == 0, "nobody lives on when everybody let go");
        sim_node_stop(sim->node[i]);
        FUZZ_CHECK(sim->node[i]->live == 0, "all memory comes back");
    }
    sim_free(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire x = {.in = {data, size}};
    struct plait_config cfg[2];
    struct sim_topology_config topo;
    struct sim_pair_config how = {.conn = NULL};
    struct plait_addr any = {.port = PORT};
    struct sim_apps apps;
    struct sim_pair pair;

    if (size < 4 || size > INPUT_MAX)
        return 0;
    configure(&x, cfg, &topo);
    configure_apps(&x, &how);
    x.sim = sim_new(1);
    struct sim_node *client = sim_node_new(x.sim, "client", &cfg[0]);
    struct sim_node *server = sim_node_new(x.sim, "server", &cfg[1]);
    FUZZ_CHECK(client != NULL && server != NULL, "the configuration is taken");
    FUZZ_CHECK(sim_topology_build(&x.topo, &topo, client, server) == 0, "the world stands");
    FUZZ_CHECK(sim_apps_init(&apps, client, server, &any) == 0, "the server listens");
    /* A SYN of a join without its option, and a RST made an ACK: a handshake of plain TCP. */
    apps.strangers = x.rewrites;
    how.remote = sim_path_addr(&topo, 0, true);
    how.remote.port = PORT;
    FUZZ_CHECK(sim_pair_start(&apps, &pair, &how) == 0, "the client connects");
    x.sim->hook = on_packet;
    x.sim->hook_ctx = &x;
    run(&x, &apps);
    FUZZ_CHECK(x.sim->failure == NULL, x.sim->failure);
    if (!x.rewrites) {
        FUZZ_CHECK(sim_apps_failure(&apps) == NULL, sim_apps_failure(&apps));
        FUZZ_CHECK(sim_apps_done(&apps), "a wire that does not rewrite lets everybody finish");
    }
    finish(&x, &apps, &pair);
    return 0;
}

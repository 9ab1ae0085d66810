/* SPDX-License-Identifier: Apache-2.0 */
/* Makes seeds for the fuzz targets out of simulated runs: record DIR writes DIR/headers and
 * DIR/options, the packets of a few worlds, and DIR/segments and DIR/wire, a start for each
 * configuration that these targets know. `scripts/fuzz seeds` minimises them into the corpus. */
#include "fuzz.h"

#include "scenario/wire_edit.h"
#include "sim/app.h"
#include "sim/topology.h"

#include <string.h>
#include <sys/stat.h>

enum { PORT = 5001, PACKETS = 400, STAGES = 10, ENDINGS = 8 };

static const char *out_dir;
static unsigned written;

static void write_seed(const char *target, const uint8_t *bytes, size_t len)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s/%05u", out_dir, target, written++);
    FILE *f = fopen(path, "wb");
    FUZZ_CHECK(f != NULL && fwrite(bytes, 1, len, f) == len && fclose(f) == 0, path);
}

/* ---- packets -------------------------------------------------------------------------------- */

static void record_options(const struct sim_wire *w)
{
    const uint8_t *tcp = edit_tcp(w);
    uint8_t seed[2 + 40];
    size_t n = tcp != NULL ? (tcp[12] >> 4) * 4u - 20 : 0;

    if (n == 0)
        return;
    seed[0] = tcp[13];
    seed[1] = edit_payload(w) > 0;
    memcpy(seed + 2, tcp + 20, n);
    write_seed("options", seed, 2 + n);
}

static void record_packet(const struct sim_wire *w)
{
    uint8_t seed[1 + 200] = {0}, icmp[160];
    uint32_t n = w->len < 200 ? w->len : 200;

    seed[0] = w->len > 200 ? 3 : 0; /* what is cut needs its checksums mended */
    memcpy(seed + 1, w->bytes, n);
    write_seed("headers", seed, 1 + n);
    if (w->k % 16 == 3) {
        n = sim_icmp_too_big(w->bytes, w->len, 1400, icmp);
        memcpy(seed + 1, icmp, n);
        write_seed("headers", seed, 1 + n);
    }
}

struct tape {
    unsigned kind;
    struct sim_topology topo;
    struct sim_pair pair;
};

/* The things that a quiet world never says. */
static void disturb(const struct tape *t, struct sim_wire *w)
{
    if (t->kind == 2 && w->k > 30 && edit_payload(w) > 100 && w->k % 7 == 0)
        edit_corrupt(w, 50);
    if (t->kind == 3 && w->k > 8)
        edit_strip_mptcp(w);
    if (t->kind == 4)
        w->drop = w->k % 9 == 8;
}

static void on_packet(void *ctx, struct sim *sim, struct sim_wire *w)
{
    if (w->k < PACKETS) {
        record_packet(w);
        record_options(w);
    }
    disturb(ctx, w);
}

/* kind 0: quiet, 1: fast close, 2: payload changes, 3: options vanish, 4: loss, 5: an address goes,
 * 6: no MPTCP at the server; family and checksums from flags. */
static void record_world(unsigned kind, unsigned flags)
{
    struct sim *sim = sim_new(1 + kind);
    struct plait_config cfg;
    struct sim_topology_config topo;
    struct sim_apps apps;
    struct tape t = {.kind = kind};
    struct plait_addr any = {.port = PORT};
    struct sim_pair_config how = {.client = {.send_bytes = 60000}, .server = {.send_bytes = 9000}};

    plait_config_init(&cfg);
    cfg.conn.user_timeout = 20 * PLAIT_SEC;
    cfg.conn.checksum = (flags & 1) != 0;
    struct sim_node *client = sim_node_new(sim, "client", &cfg);
    cfg.conn.mptcp = kind != 6;
    struct sim_node *server = sim_node_new(sim, "server", &cfg);
    sim_topology_defaults(&topo, kind == 2 || kind == 3 ? 1 : 3);
    for (unsigned i = 0; i < topo.path_n; i++)
        topo.path[i].family = (flags & 2) != 0 ? 6 : 4;
    how.client.abort_at = kind == 1 ? 4000 : 0;
    how.remote = sim_path_addr(&topo, 0, true);
    how.remote.port = PORT;
    FUZZ_CHECK(sim_topology_build(&t.topo, &topo, client, server) == 0 &&
                   sim_apps_init(&apps, client, server, &any) == 0 &&
                   sim_pair_start(&apps, &t.pair, &how) == 0,
               "the world stands");
    sim->hook = on_packet;
    sim->hook_ctx = &t;
    if (kind == 5) {
        sim_run_until(sim, sim->now + 45 * PLAIT_MSEC);
        if (t.pair.client.conn != NULL)
            plait_conn_set_backup(t.pair.client.conn, 1, true, sim->now);
        plait_local_del(client->stack, 2, sim->now);
    }
    sim_run_until(sim, sim->now + 30 * PLAIT_SEC);
    sim_free(sim);
}

/* ---- starts --------------------------------------------------------------------------------- */

/* Each state, then an acceptable segment with data and a mapping, the peer going on, time, and the
 * end. */
static void start_segments(void)
{
    static const uint8_t tail[] = {
        0x00, 0x00, 0x01, 0x70, 0, 0, 0, 0x55, 0, 0x00, 0x04, 0x0c, 0, 0, 0, 0, /* data */
        0x90, 0x10, 0xb0, 0x0a, 0xc8, 0x10, 0x00, 0x00, 0x02, 0x00, 0, 0,       /* FIN */
        0xc1, 0x20, 0x90, 0x20, 0xf8, 0xb0, 0x0c,
    };
    uint8_t seed[3 + sizeof tail];

    memcpy(seed + 3, tail, sizeof tail);
    for (unsigned stage = 0; stage < STAGES; stage++)
        for (unsigned ending = 0; ending < ENDINGS; ending++)
            for (unsigned a = 0; a < 6; a++) {
                seed[0] = (uint8_t)a;
                /* the lower digit may not count in the upper one: b % STAGES, b >> 4 % ENDINGS */
                for (unsigned b = 0; b < 256; b++)
                    if (b % STAGES == stage && (b >> 4) % ENDINGS == ending)
                        seed[1] = (uint8_t)b;
                seed[2] = (uint8_t)(a == 5 ? 4 : a == 4 ? 2 : 0);
                write_seed("segments", seed, sizeof seed);
            }
}

static void start_wire(void)
{
    static const uint8_t tail[] = {0x05, 0x60, 0x03, 0x80, 0x02, 0x9c, 0x07, 0x98, 0x61, 0x09,
                                   0xb4, 0x0f, 0xb0, 0xb8, 0x21, 0x40, 0xb9, 0x22, 0x11, 0xba};
    uint8_t seed[4 + sizeof tail];

    memcpy(seed + 4, tail, sizeof tail);
    for (unsigned a = 0; a < 256; a += 5)
        for (unsigned b = 0; b < 256; b += 37) {
            seed[0] = (uint8_t)a;
            seed[1] = (uint8_t)b;
            seed[2] = (uint8_t)(a * 3);
            seed[3] = (uint8_t)(b * 3);
            write_seed("wire", seed, sizeof seed);
        }
}

int main(int argc, char **argv)
{
    static const char *const targets[] = {"headers", "options", "segments", "wire"};
    char path[512];

    if (argc != 2) {
        fprintf(stderr, "usage: record DIR\n");
        return 2;
    }
    out_dir = argv[1];
    mkdir(out_dir, 0777);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", out_dir, targets[i]);
        mkdir(path, 0777);
    }
    for (unsigned kind = 0; kind < 7; kind++)
        for (unsigned flags = 0; flags < 4; flags++)
            record_world(kind, flags);
    start_segments();
    start_wire();
    printf("%u seeds in %s\n", written, out_dir);
    return 0;
}

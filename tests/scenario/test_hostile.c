/* SPDX-License-Identifier: Apache-2.0 */
/* A network that lies: headers and options are rewritten at random, with checksums made right
 * again. The connection may end as it likes; no crash, no broken invariant, no talking without
 * end, and nothing is left over. PLAIT_RUNS sets the number of seeds. */
#include "wire_edit.h"
#include "world.h"

#include "base/be.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct liar {
    struct sim_rng rng;
    uint32_t ppm;      /* packets that are touched */
    bool fix;          /* the checksum is made right again */
    uint8_t old[1600]; /* a packet from before, to be sent again */
    uint32_t old_len;
};

static uint64_t running;

static void on_crash(int sig)
{
    char line[64];
    int n = snprintf(line, sizeof line, "crash in seed %llu\n", (unsigned long long)running);

    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(3);
    signal(sig, SIG_DFL);
    raise(sig);
}

static uint32_t below(struct liar *l, uint32_t n)
{
    return (uint32_t)sim_rng_below(&l->rng, n);
}

/* A byte, or a number, somewhere in the TCP header. */
static void spoil_header(struct liar *l, uint8_t *tcp, uint32_t len)
{
    uint32_t at = 4 + below(l, len - 4);

    if (below(l, 2) == 0)
        tcp[at] = (uint8_t)below(l, 256);
    else
        tcp[at] ^= (uint8_t)(1u << below(l, 8));
}

/* An option's fields, its framing intact: gets deeper than noise does. */
static void spoil_option(struct liar *l, struct sim_wire *w)
{
    uint8_t *opt = edit_find_mptcp(w, below(l, 9));

    if (opt == NULL)
        return;
    if (below(l, 8) == 0)
        opt[2] = (uint8_t)(below(l, 9) << 4 | (opt[2] & 15));
    else if (opt[1] > 3)
        opt[3 + below(l, opt[1] - 3u)] ^= (uint8_t)(1u << below(l, 8));
    else
        opt[2] ^= (uint8_t)(1u << below(l, 4));
}

static void nudge_number(struct liar *l, uint8_t *p)
{
    static const uint32_t steps[] = {1, 0xffffffff, 1400, 65536, 0x7fffffff, 0x80000000};

    be32_store(p, be32_load(p) + steps[below(l, 6)]);
}

static void shorten(struct liar *l, struct sim_wire *w)
{
    uint32_t cut = 1 + below(l, edit_payload(w) > 0 ? edit_payload(w) : 1);

    if (edit_payload(w) < cut)
        return;
    w->len -= cut;
    if (w->bytes[0] >> 4 == 4)
        be16_store(w->bytes + 2, (uint16_t)w->len);
    else
        be16_store(w->bytes + 4, (uint16_t)(w->len - 40));
}

static void swap_with_old(struct liar *l, struct sim_wire *w)
{
    uint8_t kept[1600];
    uint32_t len = w->len;

    if (len > sizeof kept)
        return;
    memcpy(kept, w->bytes, len);
    if (l->old_len > 0) {
        memcpy(w->bytes, l->old, l->old_len);
        w->len = l->old_len;
    }
    memcpy(l->old, kept, len);
    l->old_len = len;
}

static void lie(void *ctx, struct sim *sim, struct sim_wire *w)
{
    struct liar *l = ctx;
    uint8_t *tcp = edit_tcp(w);

    if (tcp == NULL || !sim_rng_chance(&l->rng, l->ppm))
        return;
    switch (below(l, 8)) {
    case 0:
    case 1:
        spoil_header(l, tcp, (tcp[12] >> 4) * 4u);
        break;
    case 2:
    case 3:
        spoil_option(l, w);
        break;
    case 4:
        nudge_number(l, tcp + 4 + 4 * below(l, 2));
        break;
    case 5:
        tcp[13] ^= (uint8_t)(1u << below(l, 6));
        break;
    case 6:
        shorten(l, w);
        break;
    default:
        swap_with_old(l, w);
        return;
    }
    /* The data offset may lie now; the checksum is over all of it in any case. */
    if (l->fix)
        edit_fix_csum(w);
}

static void one(uint64_t seed)
{
    struct world w;
    struct liar l = {.fix = seed % 8 != 0};

    world_init(&w, 1 + (unsigned)(seed % 3));
    w.seed = seed;
    sim_rng_init(&l.rng, seed);
    l.ppm = (uint32_t)(seed % 2 ? 5000 : 50000);
    w.client_cfg.conn.checksum = seed % 5 == 0;
    if (seed % 6 == 1)
        w.client_cfg.conn.offer_versions = PLAIT_MPTCP_V0;
    w.client_cfg.conn.user_timeout = w.server_cfg.conn.user_timeout = 20 * PLAIT_SEC;
    w.topo_cfg.mesh = seed % 4 == 0;
    w.topo_cfg.gso_max = seed % 7 == 0 ? 0 : 65535;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 200000;
    world_start(&w);
    w.sim->hook = lie;
    w.sim->hook_ctx = &l;
    w.sim->replan_ppm = 0;
    sim_run_until(w.sim, w.sim->now + 60 * PLAIT_SEC);
    w.sim->hook = NULL;
    assert_null(w.sim->failure);
    struct sim_app *ends[2] = {&w.pair.client, &w.pair.server};
    for (unsigned i = 0; i < 2; i++)
        if (ends[i]->conn != NULL) {
            struct plait_conn *c = ends[i]->conn;
            ends[i]->conn = NULL;
            plait_abort(c, w.sim->now);
            plait_release(c, w.sim->now);
        }
    w.client->on_event = w.server->on_event = NULL;
    w.apps.first = w.apps.last = NULL;
    world_end(&w);
}

static void test_lies(void **state)
{
    const char *runs = getenv("PLAIT_RUNS");
    uint64_t n = runs != NULL ? strtoull(runs, NULL, 10) : 500;

    for (running = 1; running <= n; running++)
        one(running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lies)};

    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

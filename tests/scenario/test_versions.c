/* SPDX-License-Identifier: Apache-2.0 */
/* Versions 0 and 1 of MPTCP: who offers what, who takes what, and what becomes of it. */
#include "wire_edit.h"
#include "world.h"

#include "wire/wire.h"

enum { V0 = PLAIT_MPTCP_V0, V1 = PLAIT_MPTCP_V1, BOTH = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1 };

/* Two paths, data both ways, and this version (-1: plain TCP) at both ends. */
static void check(uint8_t offer, uint8_t accept, int version)
{
    struct world w;

    world_init(&w, 2);
    w.client_cfg.conn.offer_versions = offer;
    w.server_cfg.conn.accept_versions = accept;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 1 << 20;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    for (int i = 0; i < 2; i++) {
        const struct plait_conn_info *info = i ? &w.pair.server.info : &w.pair.client.info;
        assert_int_equal(info->multipath, version >= 0);
        assert_int_equal(info->version, version > 0 ? version : 0);
    }
    if (version >= 0)
        assert_true(world_sent(&w, 1) > 0 && world_received(&w, 1) > 0);
    world_end(&w);
}

/* MPC-01, MPC-02, MPC-04. */
static void test_who_speaks_what(void **state)
{
    check(V1, BOTH, 1);
    check(BOTH, BOTH, 1);
    check(V0, BOTH, 0);
    check(V0, V0, 0);
    check(V0, V1, -1);
    check(V1, V0, -1);
    check(BOTH, V0, 0); /* after a second handshake */
}

static void start_v0(struct world *w, unsigned paths)
{
    world_init(w, paths);
    w->client_cfg.conn.offer_versions = V0;
    w->pair_cfg.client.send_bytes = w->pair_cfg.server.send_bytes = 1 << 20;
}

static void test_v0_with_checksums(void **state)
{
    struct world w;

    start_v0(&w, 3);
    w.server_cfg.conn.checksum = true;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.pair.client.info.checksum && w.pair.client.info.version == 0);
    world_end(&w);
}

/* The server's other address is announced without HMAC or echo and joined. */
static void test_v0_announcement(void **state)
{
    struct world w;

    start_v0(&w, 2);
    w.topo_cfg.path[1].server_flags |= PLAIT_LOCAL_SIGNAL;
    world_start(&w);
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(plait_counter(w.client->stack, PLAIT_REASON_ADDR_HMAC), 0);
    assert_true(world_sent(&w, 1) > 0);
    world_end(&w);
}

/* A path dies and comes back. */
static void test_v0_break(void **state)
{
    struct world w;

    start_v0(&w, 2);
    w.pair_cfg.client.send_bytes = 8 << 20;
    world_start(&w);
    world_at(&w, 200 * PLAIT_MSEC);
    sim_topology_cut(&w.topo, 0, true);
    world_at(&w, 3 * PLAIT_SEC);
    sim_topology_cut(&w.topo, 0, false);
    world_complete(&w, 60 * PLAIT_SEC);
}

/* FASTCLOSE_WAIT ends, with the peer's RST or without. */
static void test_v0_fast_close(void **state)
{
    for (int dead = 0; dead <= 1; dead++) {
        struct world w;
        start_v0(&w, 2);
        w.pair_cfg.client.abort_at = 100000;
        world_start(&w);
        world_at(&w, 100 * PLAIT_MSEC);
        for (unsigned i = 0; dead && i < 2; i++)
            sim_topology_cut(&w.topo, i, true);
        world_at(&w, 20 * PLAIT_SEC);
        for (unsigned i = 0; dead && i < 2; i++)
            sim_topology_cut(&w.topo, i, false);
        world_finish(&w, 400 * PLAIT_SEC);
        assert_true(w.pair.client.aborted);
        assert_true(w.pair.server.error != 0);
        world_end(&w);
    }
}

/* Options are taken away at each point, and the stream arrives all the same. */
struct strip {
    unsigned flags;
    uint64_t skip, seen;
};

static void strip_hook(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    struct strip *s = ctx;

    if ((edit_flags(wire) & (WIRE_SYN | WIRE_ACK)) == s->flags && s->seen++ >= s->skip)
        edit_strip_mptcp(wire);
}

static void check_strip(unsigned flags, uint64_t skip)
{
    struct world w;
    struct strip s = {.flags = flags, .skip = skip};

    start_v0(&w, 1);
    w.client_cfg.conn.user_timeout = w.server_cfg.conn.user_timeout = 20 * PLAIT_SEC;
    world_start(&w);
    w.sim->hook = strip_hook;
    w.sim->hook_ctx = &s;
    world_finish(&w, 400 * PLAIT_SEC);
    if (skip == 0 || (w.pair.client.error == 0 && w.pair.server.error == 0)) {
        world_expect_all(&w);
        assert_true(skip > 0 || !w.pair.client.info.multipath);
    }
    world_end(&w);
}

static void test_v0_fallback(void **state)
{
    check_strip(WIRE_SYN, 0);
    check_strip(WIRE_SYN | WIRE_ACK, 0);
    for (uint64_t skip = 0; skip < 12; skip++)
        check_strip(WIRE_ACK, skip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_speaks_what),  cmocka_unit_test(test_v0_with_checksums),
        cmocka_unit_test(test_v0_announcement),  cmocka_unit_test(test_v0_break),
        cmocka_unit_test(test_v0_fast_close),    cmocka_unit_test(test_v0_fallback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

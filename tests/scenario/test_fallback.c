/* SPDX-License-Identifier: Apache-2.0 */
/* Plain TCP where multipath cannot be: one side without it, and a middlebox that takes options
 * away at each point of the handshake or rewrites payload. No byte may be lost. */
#include "wire_edit.h"
#include "world.h"

#include "wire/wire.h"

static void expect_plain(struct world *w)
{
    world_finish(w, 60 * PLAIT_SEC);
    world_expect_all(w);
    assert_false(w->pair.client.info.multipath);
    assert_false(w->pair.server.info.multipath);
    assert_int_equal(w->pair.client.info.subflow_total, 1);
    world_end(w);
}

static void test_one_side_off(void **state)
{
    for (int client_off = 0; client_off <= 1; client_off++) {
        struct world w;
        world_init(&w, 2);
        w.client_cfg.conn.mptcp = !client_off;
        w.server_cfg.conn.mptcp = client_off;
        world_start(&w);
        expect_plain(&w);
    }
}

static void test_multipath_required(void **state)
{
    struct world w;

    world_init(&w, 1);
    w.server_cfg.conn.mptcp = false;
    w.client_cfg.conn.require_mptcp = true;
    world_start(&w);
    world_at(&w, 10 * PLAIT_SEC);
    assert_true(w.pair.client.done);
    assert_int_equal(w.pair.client.error, PLAIT_ENOTMPTCP);
    if (w.pair.server.conn != NULL)
        world_finish(&w, 60 * PLAIT_SEC);
    world_end(&w);
}

struct strip {
    const struct sim_node *from; /* NULL: both directions */
    unsigned flags, mask;        /* of packets that are stripped */
    uint64_t skip;               /* so many packets with options pass first */
    uint64_t seen;
};

static void strip_hook(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    struct strip *s = ctx;

    if (s->from != NULL && wire->from != s->from)
        return;
    if ((edit_flags(wire) & s->mask) != s->flags || s->seen++ < s->skip)
        return;
    edit_strip_mptcp(wire);
}

static void check_strip(unsigned flags, unsigned mask, int side)
{
    struct world w;
    struct strip s = {.flags = flags, .mask = mask};

    world_init(&w, 2);
    world_start(&w);
    s.from = side == 0 ? NULL : side == 1 ? w.client : w.server;
    w.sim->hook = strip_hook;
    w.sim->hook_ctx = &s;
    expect_plain(&w);
}

static void test_stripped_from_syn(void **state)
{
    check_strip(WIRE_SYN, WIRE_SYN | WIRE_ACK, 0);
}

static void test_stripped_from_synack(void **state)
{
    check_strip(WIRE_SYN | WIRE_ACK, WIRE_SYN | WIRE_ACK, 0);
}

static void test_stripped_after_syn(void **state)
{
    check_strip(WIRE_ACK, WIRE_SYN | WIRE_ACK, 0);
    check_strip(WIRE_ACK, WIRE_SYN | WIRE_ACK, 1);
}

static void test_stripped_everywhere(void **state)
{
    check_strip(0, 0, 0);
}

/* Options vanish in the middle of a transfer, on the only path. The connection may go on as plain
 * TCP or end with an error; wrong bytes or a hang are not allowed. */
static void test_stripped_later(void **state)
{
    for (uint64_t skip = 1; skip < 40; skip += 3) {
        struct world w;
        struct strip s = {.flags = WIRE_ACK, .mask = WIRE_SYN | WIRE_ACK, .skip = skip};
        world_init(&w, 1);
        w.client_cfg.conn.user_timeout = w.server_cfg.conn.user_timeout = 20 * PLAIT_SEC;
        world_start(&w);
        w.sim->hook = strip_hook;
        w.sim->hook_ctx = &s;
        world_finish(&w, 400 * PLAIT_SEC);
        if (w.pair.client.error == 0 && w.pair.server.error == 0)
            world_expect_all(&w);
        world_end(&w);
    }
}

/* Joins are refused by a middlebox that takes MP_JOIN away; the first subflow does the work. */
static void strip_join(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    if (edit_find_mptcp(wire, WIRE_MP_JOIN) != NULL)
        edit_strip_mptcp(wire);
}

static void test_join_stripped(void **state)
{
    struct world w;

    world_init(&w, 2);
    world_start(&w);
    w.sim->hook = strip_join;
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.pair.client.info.multipath);
    assert_int_equal(world_sent(&w, 1), 0);
    world_end(&w);
}

/* From the first HMAC-A on, the first path takes options away in both directions. */
struct behind_join { bool begun; uint64_t stripped; };

static void strip_behind_join(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    struct behind_join *b = ctx;
    const uint8_t *join = edit_find_mptcp(wire, WIRE_MP_JOIN);

    if (join != NULL && (edit_flags(wire) & WIRE_SYN) == 0)
        b->begun = true;
    if (b->begun && wire->bytes[14] == 0 && (edit_flags(wire) & WIRE_SYN) == 0) /* 10.0.path.x */
        b->stripped += edit_strip_mptcp(wire);
}

/*= RFC 8684 3.7
 * In practice, this means that all MPTCP subflows will have to be terminated except one. */
/* The server meets bare data before it hears of the HMAC, goes plain, and refuses the join. The
 * client, which waits for the answer, must find out and follow, however slow the second path is. */
static void test_responder_plain_behind_a_join(void **state)
{
    for (plait_time delay = 30; delay <= 390; delay += 60) {
        struct world w;
        struct behind_join b = {0};
        world_init(&w, 2);
        w.client_cfg.conn.user_timeout = w.server_cfg.conn.user_timeout = 20 * PLAIT_SEC;
        w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 6 << 20;
        w.topo_cfg.path[1].up.delay = w.topo_cfg.path[1].down.delay = delay * PLAIT_MSEC;
        world_start(&w);
        w.sim->hook = strip_behind_join;
        w.sim->hook_ctx = &b;
        world_finish(&w, 60 * PLAIT_SEC);
        assert_true(b.stripped > 0);
        world_expect_all(&w);
        assert_int_equal(w.pair.client.info.multipath, w.pair.server.info.multipath);
        world_end(&w);
    }
}

/* Payload rewritten on one of two paths, checksums on: MP_FAIL and a reset of that path, no wrong
 * byte. */
struct corrupt {
    uint64_t every, seen;
    unsigned path;
    const struct world *w;
};

static void corrupt_hook(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    struct corrupt *c = ctx;

    if (wire->bytes[14] != c->path || edit_payload(wire) < 100) /* 10.0.path.x */
        return;
    if (++c->seen % c->every == 0)
        edit_corrupt(wire, 50);
}

static void test_payload_rewritten_on_one_path(void **state)
{
    struct world w;
    struct corrupt c = {.every = 20, .path = 1};

    world_init(&w, 2);
    w.client_cfg.conn.checksum = true;
    w.topo_cfg.gso_max = 0;
    world_start(&w);
    w.sim->hook = corrupt_hook;
    w.sim->hook_ctx = &c;
    world_complete(&w, 60 * PLAIT_SEC);
    assert_true(c.seen >= 20);
}

/* The responder has nothing to send, closes at once, and for a while nothing of the initiator comes
 * through after its first data: so no DSS, and no answer to four DATA_FINs. That is loss and not a
 * peer without MPTCP: who goes plain alone here makes the peer's stream end too early. */
static void deaf_hook(void *ctx, struct sim *sim, struct sim_wire *wire)
{
    struct world *w = ctx;

    wire->drop = wire->from == w->client && edit_tcp(wire) != NULL && wire->k > 2 &&
                 sim->now < w->pair.client.started + 5 * PLAIT_SEC;
}

static void test_responder_does_not_go_plain_alone(void **state)
{
    struct world w;

    world_init(&w, 1);
    w.pair_cfg.server.send_bytes = 0;
    w.topo_cfg.gso_max = 0;
    world_start(&w);
    w.sim->hook = deaf_hook;
    w.sim->hook_ctx = &w;
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.pair.server.info.multipath);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_side_off),
        cmocka_unit_test(test_multipath_required),
        cmocka_unit_test(test_stripped_from_syn),
        cmocka_unit_test(test_stripped_from_synack),
        cmocka_unit_test(test_stripped_after_syn),
        cmocka_unit_test(test_stripped_everywhere),
        cmocka_unit_test(test_stripped_later),
        cmocka_unit_test(test_join_stripped),
        cmocka_unit_test(test_responder_plain_behind_a_join),
        cmocka_unit_test(test_payload_rewritten_on_one_path),
        cmocka_unit_test(test_responder_does_not_go_plain_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

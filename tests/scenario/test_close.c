/* SPDX-License-Identifier: Apache-2.0 */
/* How connections end: by either side, half, fast, in the middle, and when nobody reads. */
#include "world.h"

/* One side has sent all and closed its half; data keeps flowing the other way, long after. */
static void check_half_close(bool client_first)
{
    struct world w;

    world_init(&w, 2);
    struct sim_app_config *early = client_first ? &w.pair_cfg.client : &w.pair_cfg.server;
    struct sim_app_config *late = client_first ? &w.pair_cfg.server : &w.pair_cfg.client;
    early->send_bytes = 1000;
    late->send_bytes = 200000;
    late->write_max = 2000;
    late->pause_ppm = 500000;
    late->pause_max = 100 * PLAIT_MSEC;
    world_start(&w);
    world_complete(&w, 120 * PLAIT_SEC);
}

static void test_half_close(void **state)
{
    check_half_close(true);
    check_half_close(false);
}

/* One side closes only after the other's end of stream: FIN_WAIT_2 and CLOSE_WAIT in full. */
static void test_orderly(void **state)
{
    for (int server = 0; server <= 1; server++) {
        struct world w;
        world_init(&w, 2);
        w.pair_cfg.server.hold_close = server == 1;
        w.pair_cfg.client.hold_close = server == 0;
        world_start(&w);
        world_complete(&w, 60 * PLAIT_SEC);
    }
}

static void test_both_close_at_once(void **state)
{
    for (unsigned paths = 1; paths <= 3; paths++) {
        struct world w;
        world_init(&w, paths);
        w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 100;
        world_start(&w);
        world_complete(&w, 60 * PLAIT_SEC);
    }
}

/* Plain TCP closes by FIN alone. */
static void test_plain(void **state)
{
    for (int half = 0; half <= 1; half++) {
        struct world w;
        world_init(&w, 1);
        w.client_cfg.conn.mptcp = false;
        w.pair_cfg.server.hold_close = half == 1;
        world_start(&w);
        world_complete(&w, 60 * PLAIT_SEC);
    }
}

static void check_abort(bool client, bool multipath)
{
    struct world w;

    world_init(&w, multipath ? 2 : 1);
    w.client_cfg.conn.mptcp = multipath;
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 4 << 20;
    (client ? &w.pair_cfg.client : &w.pair_cfg.server)->abort_at = 1 << 20;
    world_start(&w);
    world_finish(&w, 30 * PLAIT_SEC);
    const struct sim_app *by = client ? &w.pair.client : &w.pair.server;
    const struct sim_app *other = client ? &w.pair.server : &w.pair.client;
    assert_true(by->aborted);
    assert_int_equal(by->error, PLAIT_ECONNABORTED);
    assert_int_equal(other->error, PLAIT_ECONNRESET);
    assert_true(other->finished_at - by->finished_at < 200 * PLAIT_MSEC);
    world_end(&w);
}

static void test_fast_close(void **state)
{
    check_abort(true, true);
    check_abort(false, true);
}

static void test_abort_plain(void **state)
{
    check_abort(true, false);
    check_abort(false, false);
}

/* RFC 2525 2.17: whoever lets go with unread data resets. */
static void test_release_with_unread_data(void **state)
{
    struct world w;

    world_init(&w, 2);
    w.pair_cfg.client.send_bytes = w.pair_cfg.server.send_bytes = 1 << 20;
    w.pair_cfg.client.read_after = 100 * PLAIT_SEC;
    world_start(&w);
    world_at(&w, PLAIT_SEC);
    struct plait_conn *c = w.pair.client.conn;
    w.pair.client.conn = NULL;
    w.pair.client.done = true;
    plait_release(c, w.sim->now);
    world_finish(&w, 10 * PLAIT_SEC);
    assert_int_equal(w.pair.server.error, PLAIT_ECONNRESET);
    world_end(&w);
}

/* A listener that goes takes with it what nobody accepted; what was accepted lives on. */
static void test_listener_closes(void **state)
{
    struct world w;

    world_init(&w, 1);
    world_start(&w);
    w.server->on_event = NULL; /* nobody accepts */
    world_at(&w, PLAIT_SEC);
    struct plait_stack_info info;
    plait_stack_info(w.server->stack, &info);
    assert_int_equal(info.conns, 1);
    plait_listener_close(w.apps.listener, w.sim->now);
    world_at(&w, 2 * PLAIT_SEC);
    assert_true(w.pair.client.done);
    assert_int_equal(w.pair.client.error, PLAIT_ECONNRESET);
    struct plait_addr any = {.port = WORLD_PORT};
    assert_int_equal(plait_listen(w.server->stack, &any, NULL, &w.apps.listener), 0);
    world_end(&w);
}

/* The stack may be freed at any moment: nothing is left over. */
static void test_stack_freed_at_any_moment(void **state)
{
    for (unsigned steps = 0; steps < 400; steps += 7) {
        struct world w;
        world_init(&w, 2);
        world_start(&w);
        for (unsigned i = 0; i < steps; i++)
            sim_step(w.sim);
        sim_node_stop(w.client);
        sim_node_stop(w.server);
        assert_int_equal(w.client->live, 0);
        assert_int_equal(w.server->live, 0);
        sim_free(w.sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_orderly),
        cmocka_unit_test(test_both_close_at_once),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_fast_close),
        cmocka_unit_test(test_abort_plain),
        cmocka_unit_test(test_release_with_unread_data),
        cmocka_unit_test(test_listener_closes),
        cmocka_unit_test(test_stack_freed_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <string.h>

static int try_connect(struct kit *k, const struct plait_connect *how)
{
    struct plait_conn *c;

    return plait_connect(k->stack, how, k->now, &c);
}

/*= RFC 9293 MUST-43, MUST-46 */
/*= RFC 6897 5.3.1-1, 5.3.3-2 */
static void test_connect_arguments(void **state)
{
    struct kit k;
    struct plait_conn_config bad;
    struct plait_connect how = {.remote = kit_addr(2, 80)};

    kit_init(&k, 1, NULL);
    how.remote.port = 0;
    assert_int_equal(try_connect(&k, &how), PLAIT_EINVAL);
    how.remote = kit_addr(2, 80);
    how.remote.ip[0] = 230;
    assert_int_equal(try_connect(&k, &how), PLAIT_EINVAL);
    how.remote = (struct plait_addr){.family = 6, .port = 80, .ip = {0x20, 1, [15] = 2}};
    assert_int_equal(try_connect(&k, &how), PLAIT_EADDRNOTAVAIL);
    how.remote = kit_addr(2, 80);
    how.local = kit_addr(77, 0);
    assert_int_equal(try_connect(&k, &how), PLAIT_EADDRNOTAVAIL);
    how.local = kit_addr(1, 4000);
    assert_int_equal(try_connect(&k, &how), 0);
    assert_int_equal(try_connect(&k, &how), PLAIT_EADDRINUSE);
    how.remote.port = 81;
    assert_int_equal(try_connect(&k, &how), 0);
    how.local.port = 0;
    bad = k.stack->cfg.conn;
    bad.sched = "nonesuch";
    how.config = &bad;
    assert_int_equal(try_connect(&k, &how), PLAIT_ENOENT);
    kit_fini(&k);
}

static void test_connect_limits(void **state)
{
    struct kit k;
    struct plait_config cfg;
    struct plait_connect how = {.remote = kit_addr(2, 80)};

    plait_config_init(&cfg);
    cfg.conns_max = 1;
    kit_init(&k, 1, &cfg);
    for (int64_t n = 0;; n++) { /* memory that ends at each allocation */
        assert_true(n < 100);
        k.fail_in = n;
        int err = try_connect(&k, &how);
        k.fail_in = -1;
        if (err == 0)
            break;
        assert_int_equal(err, PLAIT_ENOMEM);
    }
    assert_int_equal(try_connect(&k, &how), PLAIT_ELIMIT);
    kit_fini(&k);
}

static void test_send_and_recv(void **state)
{
    struct kit a, b;
    char buf[100];
    uint8_t *room;
    struct plait_view view;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    assert_int_equal(plait_recv(p.b, buf, sizeof buf, b.now), PLAIT_EAGAIN);
    assert_int_equal(plait_send(p.a, "hello", 5, a.now), 5);
    assert_int_equal(plait_send_reserve(p.a, 6, &room, a.now), 6);
    memcpy(room, " world", 6);
    plait_send_commit(p.a, 6, a.now);
    kit_exchange(&a, &b);
    assert_true(kit_event(&b, p.b, PLAIT_EVENT_READABLE));
    assert_int_equal(plait_recv(p.b, buf, 5, b.now), 5);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(plait_recv_borrow(p.b, &view), 6);
    assert_int_equal(view.len, 6);
    assert_memory_equal(view.data, " world", 6);
    plait_recv_done(p.b, 1, b.now);
    assert_int_equal(plait_recv(p.b, buf, sizeof buf, b.now), 5);
    assert_memory_equal(buf, "world", 5);
    assert_int_equal(plait_shutdown(p.a, a.now), 0);
    assert_int_equal(plait_send(p.a, "x", 1, a.now), PLAIT_EPIPE);
    assert_int_equal(plait_send_reserve(p.a, 1, &room, a.now), PLAIT_EPIPE);
    kit_exchange(&a, &b);
    assert_int_equal(plait_recv(p.b, buf, sizeof buf, b.now), 0);
    assert_int_equal(plait_send(p.b, "back", 4, b.now), 4); /* the other half is open */
    kit_exchange(&a, &b);
    assert_int_equal(plait_recv(p.a, buf, sizeof buf, a.now), 4);
    kit_fini(&a);
    kit_fini(&b);
}

/*= RFC 9293 3.6
 * If the local TCP connection is closed by the remote side due to a FIN or RST received from the
 * remote side, then the local application MUST be informed whether it closed normally or was
 * aborted (MUST-12). */
static void test_orderly_end(void **state)
{
    struct kit a, b;
    struct plait_stack_info info;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    plait_release(p.a, a.now);
    kit_exchange(&a, &b);
    char c;
    assert_int_equal(plait_recv(p.b, &c, 1, b.now), 0);
    plait_release(p.b, b.now);
    kit_wait(&a, &b, 200 * PLAIT_SEC);
    plait_stack_info(a.stack, &info);
    assert_int_equal(info.conns, 0);
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.conns, 0);
    kit_fini(&a);
    kit_fini(&b);
}

/*= RFC 9293 3.6
 * If the local TCP connection is closed by the remote side due to a FIN or RST received from the
 * remote side, then the local application MUST be informed whether it closed normally or was
 * aborted (MUST-12). */
static void test_abort(void **state)
{
    struct kit a, b;
    enum plait_reason why;
    char buf[4];

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    plait_send(p.a, "x", 1, a.now);
    kit_exchange(&a, &b);
    plait_abort(p.a, a.now);
    kit_exchange(&a, &b);
    assert_true(kit_event(&b, p.b, PLAIT_EVENT_CLOSED));
    assert_int_equal(plait_conn_error(p.b, &why), PLAIT_ECONNRESET);
    assert_int_equal(why, PLAIT_REASON_FASTCLOSE);
    assert_true(plait_send(p.b, "y", 1, b.now) < 0);
    assert_true(plait_recv(p.b, buf, sizeof buf, b.now) < 2);
    assert_int_equal(plait_conn_error(p.a, &why), PLAIT_ECONNABORTED);
    assert_int_equal(why, PLAIT_REASON_LOCAL_ABORT);
    plait_release(p.a, a.now);
    plait_release(p.b, b.now);
    kit_wait(&a, &b, 200 * PLAIT_SEC);
    struct plait_stack_info info;
    plait_stack_info(a.stack, &info);
    assert_int_equal(info.conns, 0);
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.conns, 0);
    kit_fini(&a);
    kit_fini(&b);
}

static void test_refused(void **state)
{
    struct kit a, b;
    struct plait_conn *c;
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    enum plait_reason why;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    assert_true(kit_event(&a, c, PLAIT_EVENT_CLOSED));
    assert_int_equal(plait_conn_error(c, &why), PLAIT_ECONNREFUSED);
    assert_int_equal(why, PLAIT_REASON_SYN_REFUSED);
    plait_release(c, a.now);
    kit_fini(&a);
    kit_fini(&b);
}

/*= RFC 9293 MUST-43, MUST-45 */
/*= RFC 6897 4.2.1-1 */
/* From the address that was asked for, each time. */
static void test_local_address_stays(void **state)
{
    struct kit k;
    struct plait_local second = {
        .addr = kit_addr(11, 0), .id = 2, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500};
    struct plait_connect how = {.local = kit_addr(11, 0), .remote = kit_addr(2, 80)};
    struct wire_packet p;

    kit_init(&k, 1, NULL);
    assert_int_equal(plait_local_add(k.stack, &second, k.now), 0);
    assert_int_equal(try_connect(&k, &how), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(kit_output(&k, &p));
        assert_int_equal(p.seg.flags, WIRE_SYN);
        assert_int_equal(p.seg.src.ip[3], 11);
        k.now = plait_deadline(k.stack);
        plait_tick(k.stack, k.now);
    }
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_arguments),
        cmocka_unit_test(test_connect_limits),
        cmocka_unit_test(test_send_and_recv),
        cmocka_unit_test(test_orderly_end),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_local_address_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

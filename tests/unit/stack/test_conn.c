/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

/* The token is listed while joins may come, and not for plain TCP. */
static void test_token_comes_and_goes(void **state)
{
    struct kit a, b;
    struct plait_conn_info info;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct kit_pair p = kit_connect(&a, &b, l);
    plait_conn_info(p.b, &info);
    struct stack_token *t = stack_find_token(b.stack, info.token_local);
    assert_non_null(t);
    assert_ptr_equal(t->conn, p.b);
    plait_abort(p.b, b.now);
    kit_exchange(&a, &b);
    plait_release(p.b, b.now);
    kit_wait(&a, &b, 200 * PLAIT_SEC);
    assert_null(stack_find_token(b.stack, info.token_local));
    assert_int_equal(b.stack->tokens.count, 0);
    struct plait_conn_config plain = a.stack->cfg.conn;
    plain.mptcp = false;
    struct plait_connect how = {.remote = kit_addr(2, 80), .config = &plain};
    struct plait_conn *c;
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    assert_non_null(plait_accept(l));
    assert_int_equal(b.stack->tokens.count, 0);
    kit_fini(&a);
    kit_fini(&b);
}

/*= RFC 6897 5.3.5-1 */
/* Ids are never used twice. */
static void test_ids(void **state)
{
    struct kit k;
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    uint32_t last = 0;

    kit_init(&k, 1, NULL);
    for (unsigned i = 0; i < 20; i++) {
        struct plait_conn *c;
        struct plait_conn_info info;
        assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
        plait_conn_info(c, &info);
        assert_true(info.id > last);
        last = info.id;
        plait_release(c, k.now);
    }
    kit_fini(&k);
}

/* A released connection that cannot finish by itself ends by time-out. */
static void test_released_into_nowhere(void **state)
{
    struct kit k;
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    struct plait_conn *c;
    struct wire_packet p;
    unsigned n = 0;

    kit_init(&k, 1, NULL);
    assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
    while (kit_output(&k, &p))
        ;
    plait_release(c, k.now);
    while (plait_deadline(k.stack) != PLAIT_NEVER) {
        assert_true(n++ < 100);
        k.now = plait_deadline(k.stack);
        plait_tick(k.stack, k.now);
        while (kit_output(&k, &p))
            ;
    }
    assert_int_equal(k.stack->conn_n, 0);
    kit_fini(&k);
}

/*= RFC 8684 3.9.1-1, 3.9.1-3 */
/*= RFC 6897 4.2.1-2, 5.3.3-4 */
/* A second subflow enters the table, and leaves it with its connection. */
static void test_subflows_in_the_table(void **state)
{
    struct kit a, b;
    struct plait_local second = {
        .addr = kit_addr(11, 0), .id = 2, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500};

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    assert_int_equal(plait_local_add(a.stack, &second, a.now), 0);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    plait_send(p.a, "x", 1, a.now);
    kit_exchange(&a, &b);
    assert_int_equal(a.stack->subflows.count, 2);
    assert_int_equal(b.stack->subflows.count, 2);
    struct plait_addr local = second.addr, remote = kit_addr(2, 80);
    local.port = p.a->port; /* the ports of the first subflow */
    assert_non_null(stack_find_subflow(a.stack, &local, &remote));
    plait_abort(p.a, a.now);
    kit_exchange(&a, &b);
    plait_release(p.a, a.now);
    plait_release(p.b, b.now);
    kit_wait(&a, &b, 200 * PLAIT_SEC);
    assert_int_equal(a.stack->subflows.count, 0);
    assert_int_equal(b.stack->subflows.count, 0);
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_comes_and_goes),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_released_into_nowhere),
        cmocka_unit_test(test_subflows_in_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

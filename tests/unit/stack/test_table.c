/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

static void test_hash_depends_on_everything(void **state)
{
    struct kit k;
    struct plait_addr a = kit_addr(1, 1000), b = kit_addr(2, 80);

    kit_init(&k, 1, NULL);
    uint64_t h = stack_tuple_hash(k.stack, &a, &b);
    assert_true(stack_tuple_hash(k.stack, &a, &b) == h);
    assert_true(stack_tuple_hash(k.stack, &b, &a) != h);
    a.port++;
    assert_true(stack_tuple_hash(k.stack, &a, &b) != h);
    a.port--;
    b.ip[3]++;
    assert_true(stack_tuple_hash(k.stack, &a, &b) != h);
    b.ip[3]--;
    k.stack->tuple_key.k0++;
    assert_true(stack_tuple_hash(k.stack, &a, &b) != h);
    kit_fini(&k);
}

static void test_ports_are_drawn_free_and_unlike(void **state)
{
    struct kit k;
    struct plait_addr remote = kit_addr(2, 80);
    bool used[65536] = {false};
    unsigned in_order = 0, last = 0;

    kit_init(&k, 1, NULL);
    for (unsigned i = 0; i < 200; i++) {
        struct plait_connect how = {.remote = remote};
        struct plait_conn *c;
        assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
        assert_in_range(c->port, STACK_PORT_MIN, STACK_PORT_MAX);
        assert_false(used[c->port]);
        used[c->port] = true;
        in_order += c->port == last + 1;
        last = c->port;
    }
    assert_true(in_order < 5);
    kit_fini(&k);
}

/* Of those that are reserved, each once for the same peer. */
static void test_join_ports(void **state)
{
    static const uint16_t reserved[] = {7001, 7002};
    struct plait_addr local = kit_addr(1, 1000), remote = kit_addr(2, 80);
    struct kit k;

    kit_init(&k, 1, NULL);
    assert_int_equal(stack_draw_join_port(k.stack, &local, &remote), 0);
    assert_in_range(local.port, STACK_PORT_MIN, STACK_PORT_MAX);
    k.stack->cfg.join_ports = reserved;
    k.stack->cfg.join_port_n = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct plait_connect how = {.remote = remote};
        struct plait_conn *c;
        assert_int_equal(stack_draw_join_port(k.stack, &local, &remote), 0);
        assert_in_range(local.port, 7001, 7002);
        how.local = local;
        assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
    }
    assert_int_equal(stack_draw_join_port(k.stack, &local, &remote), PLAIT_EADDRINUSE);
    remote.port = 81;
    assert_int_equal(stack_draw_join_port(k.stack, &local, &remote), 0);
    kit_fini(&k);
}

static void test_tokens(void **state)
{
    struct kit k;
    struct stack_token t = {0};
    struct mp_key key, other;

    kit_init(&k, 1, NULL);
    assert_true(stack_draw_key(k.stack, 1, &key));
    assert_true(stack_draw_key(k.stack, 1, &other));
    assert_true(key.key != other.key);
    assert_null(stack_find_token(k.stack, key.token));
    stack_token_add(k.stack, &t, key.token);
    assert_ptr_equal(stack_find_token(k.stack, key.token), &t);
    stack_token_del(k.stack, &t);
    stack_token_del(k.stack, &t); /* not listed: nothing happens */
    assert_null(stack_find_token(k.stack, key.token));
    kit_fini(&k);
}

/*= RFC 8684 3.1-5, 3.1-6 */
/* RFC 8684 3.1: the token of a new key must not be in use. The same dice give the same key. */
static void test_token_in_use_is_not_drawn(void **state)
{
    struct kit k;
    struct stack_token t = {0};
    struct mp_key key, other;

    kit_init(&k, 1, NULL);
    uint64_t dice = k.dice;
    assert_true(stack_draw_key(k.stack, 1, &key));
    stack_token_add(k.stack, &t, key.token);
    k.dice = dice;
    assert_true(stack_draw_key(k.stack, 1, &other));
    assert_true(other.token != key.token);
    stack_token_del(k.stack, &t);
    kit_fini(&k);
}

static void test_subflows_are_found(void **state)
{
    struct kit a, b;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    struct plait_addr local = kit_addr(1, p.a->port), remote = kit_addr(2, 80);
    struct mp_subflow *sf = stack_find_subflow(a.stack, &local, &remote);
    assert_non_null(sf);
    assert_ptr_equal(mp_owner(mp_subflow_conn(sf)), p.a);
    assert_non_null(stack_find_subflow(b.stack, &remote, &local));
    assert_true(stack_tuple_used(a.stack, &local, &remote));
    local.port ^= 1;
    assert_null(stack_find_subflow(a.stack, &local, &remote));
    assert_false(stack_tuple_used(a.stack, &local, &remote));
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_depends_on_everything),
        cmocka_unit_test(test_ports_are_drawn_free_and_unlike),
        cmocka_unit_test(test_join_ports),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_token_in_use_is_not_drawn),
        cmocka_unit_test(test_subflows_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

static int listen_at(struct kit *k, const struct plait_addr *addr, struct plait_listener **l)
{
    return plait_listen(k->stack, addr, NULL, l);
}

/*= RFC 9293 3.9.1.1
 * Every passive OPEN call either creates a new connection record in LISTEN state, or it returns an
 * error; it MUST NOT affect any previously created connection record (MUST-41). */
static void test_arguments(void **state)
{
    struct kit k;
    struct plait_listener *l;
    struct plait_addr any = {.port = 80}, exact = kit_addr(1, 80), other = kit_addr(9, 80);
    struct plait_addr bad = {.family = 4, .port = 80, .ip = {224}}, none = {0};
    struct plait_conn_config cfg;

    kit_init(&k, 1, NULL);
    assert_int_equal(listen_at(&k, &none, &l), PLAIT_EINVAL);
    assert_int_equal(listen_at(&k, &bad, &l), PLAIT_EINVAL);
    assert_int_equal(listen_at(&k, &any, &l), 0);
    assert_int_equal(listen_at(&k, &any, &l), PLAIT_EADDRINUSE);
    assert_int_equal(listen_at(&k, &exact, &l), 0);
    assert_int_equal(listen_at(&k, &exact, &l), PLAIT_EADDRINUSE);
    assert_int_equal(listen_at(&k, &other, &l), 0);
    cfg = k.stack->cfg.conn;
    cfg.cc = "nonesuch";
    any.port = 81;
    assert_int_equal(plait_listen(k.stack, &any, &cfg, &l), PLAIT_ENOENT);
    k.fail_in = 0;
    assert_int_equal(listen_at(&k, &any, &l), PLAIT_ENOMEM);
    kit_fini(&k);
}

/*= RFC 9293 3.9.1.1
 * The optional "local IP address" parameter MUST be supported to allow the specification of the
 * local IP address (MUST-43). */
static void test_exact_before_any(void **state)
{
    struct kit k;
    struct plait_listener *lany, *lexact;
    struct plait_addr any = {.port = 80}, exact = kit_addr(1, 80), other = kit_addr(9, 80);

    kit_init(&k, 1, NULL);
    assert_int_equal(listen_at(&k, &any, &lany), 0);
    assert_int_equal(listen_at(&k, &exact, &lexact), 0);
    assert_ptr_equal(stack_find_listener(k.stack, &exact), lexact);
    assert_ptr_equal(stack_find_listener(k.stack, &other), lany);
    other.port = 79;
    assert_null(stack_find_listener(k.stack, &other));
    plait_listener_close(lexact, k.now);
    assert_ptr_equal(stack_find_listener(k.stack, &exact), lany);
    plait_listener_close(lany, k.now);
    assert_null(stack_find_listener(k.stack, &exact));
    kit_fini(&k);
}

static void test_close_forgets_what_nobody_accepted(void **state)
{
    struct kit a, b;
    struct plait_conn *c[3];
    struct plait_stack_info info;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(plait_connect(a.stack, &how, a.now, &c[i]), 0);
        kit_exchange(&a, &b);
    }
    struct plait_conn *taken = plait_accept(l);
    assert_non_null(taken);
    /* A half-open one too. */
    struct plait_addr from = kit_addr(3, 999), to = kit_addr(2, 80);
    struct kit_seg syn = kit_syn(&from, &to);
    assert_int_equal(kit_input(&b, &syn), PLAIT_REASON_NONE);
    plait_listener_close(l, b.now);
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.half_open, 0);
    assert_int_equal(info.listeners, 0);
    kit_exchange(&a, &b);
    unsigned closed = 0;
    struct plait_event ev;
    while (plait_event_next(a.stack, &ev))
        closed += ev.type == PLAIT_EVENT_CLOSED;
    assert_int_equal(closed, 2);
    plait_stack_info(b.stack, &info);
    assert_int_equal(info.conns, 1); /* the accepted one lives on */
    assert_int_equal(plait_conn_error(taken, NULL), 0);
    kit_fini(&a);
    kit_fini(&b);
}

static void test_backlog(void **state)
{
    struct kit a, b;
    struct plait_conn *c;
    struct plait_listener *l;
    unsigned n = 0;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    l = kit_listen(&b, 80);
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    for (unsigned i = 0; i < STACK_BACKLOG + 5; i++)
        assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    assert_int_equal(l->accepted_n, STACK_BACKLOG);
    assert_true(plait_counter(b.stack, PLAIT_REASON_BACKLOG_FULL) >= 5);
    while (plait_accept(l) != NULL)
        n++;
    assert_int_equal(n, STACK_BACKLOG);
    assert_int_equal(l->accepted_n, 0);
    kit_wait(&a, &b, 10 * PLAIT_SEC); /* the others try again */
    assert_int_equal(l->accepted_n, 5);
    kit_fini(&a);
    kit_fini(&b);
}

/*= RFC 9293 3.9.1.1
 * A TCP implementation that supports multiple concurrent connections MUST provide an OPEN call that
 * will functionally allow an application to LISTEN on a port while a connection block with the same
 * local port is in SYN-SENT or SYN-RECEIVED state (MUST-42). */
static void test_beside_a_connection(void **state)
{
    struct kit k;
    struct plait_listener *l;
    struct plait_conn *c;
    struct plait_connect how = {.local = kit_addr(1, 80), .remote = kit_addr(2, 80)};
    struct plait_addr any = {.port = 80};
    struct wire_packet p;

    kit_init(&k, 1, NULL);
    assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
    assert_true(kit_output(&k, &p));
    assert_int_equal(p.seg.flags, WIRE_SYN);
    assert_int_equal(listen_at(&k, &any, &l), 0);
    assert_int_equal(plait_conn_error(c, NULL), 0);
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_exact_before_any),
        cmocka_unit_test(test_close_forgets_what_nobody_accepted),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_beside_a_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

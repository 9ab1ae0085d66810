/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

static struct plait_event next(struct kit *k)
{
    struct plait_event ev = {0};

    assert_true(plait_event_next(k->stack, &ev));
    return ev;
}

static void expect_none(struct kit *k)
{
    struct plait_event ev;

    assert_false(plait_event_next(k->stack, &ev));
}

static void test_each_kind_once(void **state)
{
    struct kit a, b;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    while (kit_event(&a, p.a, PLAIT_EVENT_CONNECTED))
        ;
    assert_false(plait_event_waits(a.stack));
    stack_event(p.a, PLAIT_EVENT_READABLE);
    assert_true(plait_event_waits(a.stack));
    stack_event(p.a, PLAIT_EVENT_WRITABLE);
    stack_event(p.a, PLAIT_EVENT_READABLE);
    assert_int_equal(next(&a).type, PLAIT_EVENT_READABLE);
    stack_event(p.a, PLAIT_EVENT_READABLE); /* again, after it was taken */
    assert_int_equal(next(&a).type, PLAIT_EVENT_READABLE);
    assert_int_equal(next(&a).type, PLAIT_EVENT_WRITABLE);
    expect_none(&a);
    stack_event(p.a, PLAIT_EVENT_READABLE);
    plait_release(p.a, a.now);
    expect_none(&a); /* it was let go */
    kit_fini(&a);
    kit_fini(&b);
}

/* News of a connection that was not accepted yet is kept until it is. */
static void test_news_waits_for_accept(void **state)
{
    struct kit a, b;
    struct plait_conn *c;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    assert_int_equal(next(&a).type, PLAIT_EVENT_CONNECTED);
    assert_int_equal(plait_send(c, "hello", 5, a.now), 5);
    kit_exchange(&a, &b);
    struct plait_event ev = next(&b);
    assert_int_equal(ev.type, PLAIT_EVENT_ACCEPTED);
    assert_ptr_equal(ev.listener, l);
    assert_null(ev.conn);
    expect_none(&b);
    struct plait_conn *d = plait_accept(l);
    assert_non_null(d);
    assert_null(plait_accept(l));
    ev = next(&b);
    assert_int_equal(ev.type, PLAIT_EVENT_READABLE);
    assert_ptr_equal(ev.conn, d);
    expect_none(&b);
    kit_fini(&a);
    kit_fini(&b);
}

/* WRITABLE comes only to whom plait_send() sent away. */
static void test_writable_is_asked_for(void **state)
{
    struct kit a, b;
    uint8_t bytes[4096] = {0};
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.conn.sndbuf_max = 32768;
    kit_init(&a, 1, &cfg);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    assert_int_equal(plait_send(p.a, bytes, 10, a.now), 10);
    kit_wait(&a, &b, PLAIT_SEC);
    assert_false(kit_event(&a, p.a, PLAIT_EVENT_WRITABLE));
    int64_t n = 1;
    while (n > 0)
        n = plait_send(p.a, bytes, sizeof bytes, a.now);
    assert_int_equal(n, PLAIT_EAGAIN);
    assert_false(kit_event(&a, p.a, PLAIT_EVENT_WRITABLE));
    kit_wait(&a, &b, PLAIT_SEC);
    assert_true(kit_event(&a, p.a, PLAIT_EVENT_WRITABLE));
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_once),
        cmocka_unit_test(test_news_waits_for_accept),
        cmocka_unit_test(test_writable_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

/* A new stack that runs out of memory at any point leaves nothing. */
static void test_new_without_memory(void **state)
{
    struct kit k;
    struct plait_config cfg;

    kit_init(&k, 1, NULL);
    plait_config_init(&cfg);
    for (int64_t n = 0; n < 20; n++) {
        uint64_t before = k.live;
        k.fail_in = n;
        struct plait_stack *s = plait_stack_new(&k.env, &cfg);
        k.fail_in = -1;
        if (s != NULL) {
            plait_stack_free(s);
            assert_true(n >= 4);
            assert_int_equal(k.live, before);
            break;
        }
        assert_int_equal(k.live, before);
    }
    kit_fini(&k);
}

static void test_deadline(void **state)
{
    struct kit k;
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    struct plait_conn *c;
    struct wire_packet p;

    kit_init(&k, 1, NULL);
    assert_int_equal(plait_deadline(k.stack), PLAIT_NEVER);
    plait_tick(k.stack, k.now);
    assert_int_equal(plait_connect(k.stack, &how, k.now, &c), 0);
    assert_true(kit_output(&k, &p));
    plait_time d = plait_deadline(k.stack);
    assert_in_range(d, k.now + 900 * PLAIT_MSEC, k.now + 3 * PLAIT_SEC);
    k.now = d;
    plait_tick(k.stack, k.now);
    assert_true(kit_output(&k, &p)); /* the SYN again */
    assert_true(plait_deadline(k.stack) > k.now);
    kit_fini(&k);
}

/* Freed with everything in it: half-opens, waiting connections, queued data, resets. */
static void test_free_with_everything(void **state)
{
    struct kit a, b;
    struct plait_conn *c;
    uint8_t bytes[5000] = {0};

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct plait_listener *l = kit_listen(&b, 80);
    struct kit_pair p = kit_connect(&a, &b, l);
    plait_send(p.a, bytes, sizeof bytes, a.now);
    plait_send(p.b, bytes, sizeof bytes, b.now);
    kit_exchange(&a, &b);
    struct plait_connect how = {.remote = kit_addr(2, 80)};
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    struct plait_addr from = kit_addr(3, 999), to = kit_addr(2, 80), closed = kit_addr(2, 81);
    struct kit_seg s = kit_syn(&from, &to);
    kit_input(&b, &s);
    s = kit_syn(&from, &closed);
    kit_input(&b, &s);
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_without_memory),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_free_with_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

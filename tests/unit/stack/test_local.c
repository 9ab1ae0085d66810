/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

static struct plait_local good(uint8_t id, uint8_t host)
{
    return (struct plait_local){
        .addr = kit_addr(host, 0), .id = id, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500};
}

/*= RFC 8684 3.4.1
 * The Address ID MUST uniquely identify the address for the sender of the option (within the scope
 * of the connection); the mechanism for allocating such IDs is implementation specific. */
static void test_add_checks(void **state)
{
    struct kit k;
    struct plait_local l;

    kit_init(&k, 1, NULL);
#define BAD(change)                                                          \
    do {                                                                     \
        l = good(9, 9);                                                      \
        change;                                                              \
        assert_int_equal(plait_local_add(k.stack, &l, k.now), PLAIT_EINVAL); \
    } while (0)
    BAD(l.id = 0);
    BAD(l.mtu = 500);
    BAD(l.addr.family = 0);
    BAD(l.addr.ip[0] = 224);
    BAD(l.flags = 0x80);
    BAD((l.addr.family = 6, l.mtu = 1279));
    l = good(1, 9);
    assert_int_equal(plait_local_add(k.stack, &l, k.now), PLAIT_EADDRINUSE);
    l = good(9, 1);
    assert_int_equal(plait_local_add(k.stack, &l, k.now), PLAIT_EADDRINUSE);
    for (uint8_t i = 2; i <= MP_LOCALS_MAX; i++) {
        l = good(i, i);
        assert_int_equal(plait_local_add(k.stack, &l, k.now), 0);
    }
    l = good(200, 200);
    assert_int_equal(plait_local_add(k.stack, &l, k.now), PLAIT_ELIMIT);
    kit_fini(&k);
}

/*= RFC 8684 3.4.1
 * A host wishing to replace an existing Address ID MUST first remove the existing one (Section
 * 3.4.2). */
static void test_change_and_del(void **state)
{
    struct kit k;
    struct plait_local l = good(2, 2), m = good(3, 3);

    kit_init(&k, 1, NULL);
    assert_int_equal(plait_local_add(k.stack, &l, k.now), 0);
    assert_int_equal(plait_local_add(k.stack, &m, k.now), 0);
    l.mtu = 1400;
    l.flags = PLAIT_LOCAL_BACKUP;
    assert_int_equal(plait_local_change(k.stack, &l, k.now), 0);
    const struct plait_local *found = mp_local_find(&k.stack->locals, &l.addr);
    assert_int_equal(found->mtu, 1400);
    assert_int_equal(found->flags, PLAIT_LOCAL_BACKUP);
    l.addr = kit_addr(77, 0);
    assert_int_equal(plait_local_change(k.stack, &l, k.now), PLAIT_EINVAL);
    l.id = 50;
    assert_int_equal(plait_local_change(k.stack, &l, k.now), PLAIT_ENOENT);
    assert_int_equal(plait_local_del(k.stack, 50, k.now), PLAIT_ENOENT);
    assert_int_equal(plait_local_del(k.stack, 2, k.now), 0);
    assert_int_equal(plait_local_del(k.stack, 2, k.now), PLAIT_ENOENT);
    assert_int_equal(k.stack->locals.n, 2);
    assert_non_null(mp_local_find(&k.stack->locals, &m.addr));
    kit_fini(&k);
}

/*= RFC 9293 3.9.1.1
 * If an application on a multihomed host does not specify the local IP address when actively
 * opening a TCP connection, then the TCP implementation MUST ask the IP layer to select a local IP
 * address before sending the (first) SYN (MUST-44). */
/*= RFC 6897 5.3.3-8 */
static void test_first_of_family(void **state)
{
    struct kit k;
    struct plait_local l = {.addr = {.family = 6, .ip = {0x20, 1, [15] = 1}}, .id = 5, .mtu = 1500};

    kit_init(&k, 1, NULL);
    assert_null(stack_local_for_family(k.stack, 6));
    assert_int_equal(stack_local_for_family(k.stack, 4)->id, 1);
    assert_int_equal(plait_local_add(k.stack, &l, k.now), 0);
    assert_int_equal(stack_local_for_family(k.stack, 6)->id, 5);
    l = good(2, 2);
    assert_int_equal(plait_local_add(k.stack, &l, k.now), 0);
    l = good(1, 1);
    l.flags = PLAIT_LOCAL_DOWN;
    assert_int_equal(plait_local_change(k.stack, &l, k.now), 0);
    assert_int_equal(stack_local_for_family(k.stack, 4)->id, 2);
    kit_fini(&k);
}

/* The only address goes: the connection's subflow ends, and the world does not. */
static void test_del_ends_subflows(void **state)
{
    struct kit a, b;
    struct plait_subflow_info info;

    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    struct kit_pair p = kit_connect(&a, &b, kit_listen(&b, 80));
    assert_int_equal(plait_local_del(a.stack, 1, a.now), 0);
    kit_wait(&a, &b, PLAIT_SEC);
    assert_int_equal(plait_subflow_info(p.a, 0, &info), 0);
    assert_int_equal(info.state, PLAIT_SUBFLOW_CLOSED);
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_checks),
        cmocka_unit_test(test_change_and_del),
        cmocka_unit_test(test_first_of_family),
        cmocka_unit_test(test_del_ends_subflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

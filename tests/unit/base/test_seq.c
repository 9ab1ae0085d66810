/* SPDX-License-Identifier: Apache-2.0 */
/* The headers without a .c file: sequence numbers, big-endian access, lists. */
#include "base/be.h"
#include "base/list.h"
#include "base/seq.h"

#include "cm.h"

static void around_the_wrap(void **state)
{
    assert_true(seq_lt(0xffffffff, 0) && seq_gt(0, 0xffffffff) && seq_le(5, 5) && seq_ge(5, 5));
    assert_false(seq_lt(0, 0xffffffff) || seq_gt(5, 5) || seq_lt(5, 5));
    assert_int_equal(seq_diff(2, 0xfffffffe), 4);
    assert_int_equal(seq_max(0xffffffff, 1), 1);
    assert_int_equal(seq_min(0xffffffff, 1), 0xffffffff);
    assert_true(dsn_lt(UINT64_MAX, 0) && dsn_gt(3, UINT64_MAX) && dsn_le(1, 1) && dsn_ge(1, 1));
    assert_int_equal(dsn_diff(1, UINT64_MAX), 2);
}

static void extends_to_the_nearest(void **state)
{
    assert_true(seq_extend(0x100000000, 5) == 0x100000005);
    assert_true(seq_extend(0x100000005, 0xffffffff) == 0xffffffff);
    assert_true(seq_extend(0x1fffffff0, 0x10) == 0x200000010);
    assert_true(seq_extend(UINT64_MAX, 0) == 0);
}

static void big_endian(void **state)
{
    uint8_t b[9] = { 0 };

    be64_store(b + 1, 0x0102030405060708);
    assert_memory_equal(b, "\0\1\2\3\4\5\6\7\x08", 9);
    assert_true(be64_load(b + 1) == 0x0102030405060708);
    assert_int_equal(be32_load(b + 1), 0x01020304);
    assert_int_equal(be16_load(b + 7), 0x0708);
    be16_store(b, 0xfffe);
    assert_int_equal(be16_load(b), 0xfffe);
    be32_store(b, 0xfffefdfc);
    assert_true(be32_load(b) == 0xfffefdfc);
}

struct item { int v; struct list node; };

static void lists(void **state)
{
    struct list head;
    struct item a = { .v = 1 }, b = { .v = 2 };

    list_init(&head);
    assert_true(list_empty(&head));
    list_add_tail(&head, &a.node);
    list_add_tail(&head, &b.node);
    assert_int_equal(LIST_OWNER(head.next, struct item, node)->v, 1);
    assert_int_equal(LIST_OWNER(head.prev, struct item, node)->v, 2);
    list_del(&a.node);
    assert_true(list_empty(&a.node) && head.next == &b.node);
    list_del(&b.node);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(around_the_wrap),
        cmocka_unit_test(extends_to_the_nearest),
        cmocka_unit_test(big_endian),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

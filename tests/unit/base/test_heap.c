/* SPDX-License-Identifier: Apache-2.0 */
/* Heaps against a naive model: look at every key. */
#include "base/heap.h"

#include "cm.h"
#include "testenv.h"

enum { NODES = 200 };

static void check(const struct heap *h, const struct heap_node *node)
{
    plait_time least = PLAIT_NEVER;
    uint32_t n = 0;

    for (uint32_t i = 0; i < NODES; i++) {
        if (node[i].at == 0)
            continue;
        n++;
        least = node[i].key < least ? node[i].key : least;
        assert_ptr_equal(h->v[node[i].at - 1], &node[i]);
    }
    assert_int_equal(h->n, n);
    assert_int_equal(heap_min(h) == NULL, n == 0);
    if (n > 0)
        assert_int_equal(heap_min(h)->key, least);
    for (uint32_t i = 1; i < h->n; i++)
        assert_true(h->v[(i - 1) / 2]->key <= h->v[i]->key);
}

static void random_operations(void **state)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct testenv t;
        struct heap h;
        struct heap_node node[NODES] = { { 0 } };
        testenv_init(&t, seed);
        heap_init(&h, &t.env);
        assert_null(heap_min(&h));
        assert_int_equal(heap_reserve(&h, NODES), 0);
        for (unsigned i = 0; i < 3000; i++) {
            struct heap_node *n = &node[dice_roll(&t, NODES)];
            unsigned dice = (unsigned)dice_roll(&t, 10);
            if (dice < 6)
                heap_set(&h, n, dice_roll(&t, 500));
            else if (dice < 8)
                heap_del(&h, n);
            else if (dice < 9)
                heap_set(&h, n, PLAIT_NEVER);
            else if (heap_min(&h) != NULL)
                heap_del(&h, heap_min(&h));
            check(&h, node);
        }
        heap_fini(&h);
        assert_int_equal(t.live, 0);
    }
}

static void sorted(void **state)
{
    struct testenv t;
    struct heap h;
    struct heap_node node[NODES] = { { 0 } };
    plait_time last = 0;

    testenv_init(&t, 9);
    heap_init(&h, &t.env);
    assert_int_equal(heap_reserve(&h, NODES), 0);
    for (unsigned i = 0; i < NODES; i++)
        heap_set(&h, &node[i], dice_roll(&t, UINT64_MAX));
    for (unsigned i = 0; i < NODES; i++) {
        assert_true(heap_min(&h)->key >= last);
        last = heap_min(&h)->key;
        heap_del(&h, heap_min(&h));
    }
    assert_null(heap_min(&h));
    heap_fini(&h);
}

static void failing_memory(void **state)
{
    struct testenv t;
    struct heap h;
    struct heap_node a = { 0 };

    testenv_init(&t, 9);
    heap_init(&h, &t.env);
    t.fail_in = 0;
    assert_int_equal(heap_reserve(&h, 1), PLAIT_ENOMEM);
    t.fail_in = 1;
    assert_int_equal(heap_reserve(&h, 1), 0);
    heap_set(&h, &a, 5);
    assert_int_equal(heap_reserve(&h, 1000), PLAIT_ENOMEM);
    assert_ptr_equal(heap_min(&h), &a);
    heap_fini(&h);
    assert_int_equal(t.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(sorted),
        cmocka_unit_test(failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

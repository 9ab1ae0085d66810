/* SPDX-License-Identifier: Apache-2.0 */
/* Hash tables against a naive model: an array of flags. */
#include "base/htab.h"

#include "cm.h"
#include "testenv.h"

enum { NODES = 300 };

struct thing { struct htab_node node; bool in; unsigned seen; };

static void check(const struct htab *t, struct thing *thing)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < NODES; i++)
        thing[i].seen = 0;
    for (struct htab_node *p = htab_walk(t, NULL); p != NULL; p = htab_walk(t, p))
        ((struct thing *)p)->seen++;
    for (unsigned i = 0; i < NODES; i++) {
        assert_int_equal(thing[i].seen, thing[i].in ? 1 : 0);
        n += thing[i].in;
    }
    assert_int_equal(t->count, n);
}

/* How many nodes the chain of a hash holds; each has that hash. */
static unsigned chain(const struct htab *t, uint64_t hash)
{
    unsigned n = 0;

    for (struct htab_node *p = htab_first(t, hash); p != NULL; p = htab_next(p)) {
        assert_int_equal(p->hash, hash);
        n++;
    }
    return n;
}

static void run(uint64_t seed, bool fail)
{
    static struct thing thing[NODES];
    struct testenv t;
    struct htab h;

    testenv_init(&t, seed);
    for (unsigned i = 0; i < NODES; i++)
        thing[i] = (struct thing){ 0 };
    assert_int_equal(htab_init(&h, &t.env), 0);
    if (fail)
        t.fail_in = 0;
    for (unsigned i = 0; i < 2000; i++) {
        struct thing *x = &thing[dice_roll(&t, NODES)];
        unsigned want = 0;
        uint64_t hash = dice_roll(&t, 100) << (dice_roll(&t, 2) * 40); /* few and badly spread */
        if (x->in)
            htab_del(&h, &x->node);
        else
            htab_add(&h, &x->node, hash);
        x->in = !x->in;
        check(&h, thing);
        for (unsigned k = 0; k < NODES; k++)
            want += thing[k].in && thing[k].node.hash == hash;
        assert_int_equal(chain(&h, hash), want);
    }
    assert_int_equal(h.buckets > 16, !fail);
    htab_fini(&h);
    assert_int_equal(t.live, 0);
}

static void random_operations(void **state)
{
    for (uint64_t seed = 1; seed < 10; seed++)
        run(seed, false);
}

static void without_memory_it_still_works(void **state)
{
    run(77, true);
}

static void init_may_fail(void **state)
{
    struct testenv t;
    struct htab h;

    testenv_init(&t, 1);
    t.fail_in = 0;
    assert_int_equal(htab_init(&h, &t.env), PLAIT_ENOMEM);
    htab_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(without_memory_it_still_works),
        cmocka_unit_test(init_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* 128-bit products. */
#include "base/wide.h"
#include "cm.h"

static void products(void **state)
{
    static const struct { uint64_t a, b, hi, lo; } v[] = {
        { 0, UINT64_MAX, 0, 0 },
        { 1, UINT64_MAX, 0, UINT64_MAX },
        { UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, 1 },
        { 0xffffffff, 0xffffffff, 0, 0xfffffffe00000001 },
        { 0x100000000, 0x100000000, 1, 0 },
        { 0xffffffff00000000, 0x00000000ffffffff, 0xfffffffe, 0x0000000100000000 },
        { 0x123456789abcdef0, 0xfedcba9876543210, 0x121fa00ad77d7422, 0x236d88fe5618cf00 },
    };

    for (unsigned i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct wide p = wide_mul(v[i].a, v[i].b), q = wide_mul(v[i].b, v[i].a);
        assert_true(p.hi == v[i].hi && p.lo == v[i].lo);
        assert_true(q.hi == v[i].hi && q.lo == v[i].lo);
    }
}

static void order(void **state)
{
    struct wide a = { 1, 5 }, b = { 1, 6 }, c = { 2, 0 };

    assert_true(wide_lt(a, b) && wide_lt(b, c) && wide_lt(a, c));
    assert_false(wide_lt(a, a) || wide_lt(b, a) || wide_lt(c, b));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(products), cmocka_unit_test(order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

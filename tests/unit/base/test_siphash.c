/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of the reference implementation: key 00 .. 0f, message 00 .. n-1. */
#include "base/siphash.h"

#include "cm.h"
#include <stdlib.h>
#include <string.h>

static void reference_vectors(void **state)
{
    static const struct { size_t n; uint64_t want; } v[] = {
        { 0, 0x726fdb47dd0e0e31 },  { 1, 0x74f839c593dc67fd }, { 2, 0x0d6c8009d9a94f5a },
        { 7, 0xab0200f58b01d137 },  { 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 },
        { 63, 0x958a324ceb064572 },
    };
    struct siphash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        uint8_t *m = malloc(v[i].n + 1);
        for (size_t k = 0; k < v[i].n; k++)
            m[k] = (uint8_t)k;
        assert_true(siphash(&key, m, v[i].n) == v[i].want);
        free(m);
    }
}

static void key_matters(void **state)
{
    struct siphash_key a = { 1, 2 }, b = { 1, 3 }, c = { 2, 2 };

    assert_true(siphash(&a, "x", 1) != siphash(&b, "x", 1));
    assert_true(siphash(&a, "x", 1) != siphash(&c, "x", 1));
    assert_true(siphash(&a, "", 0) != siphash(&a, "\0", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
        cmocka_unit_test(key_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

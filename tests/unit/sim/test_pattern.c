/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/app.h"
#include "unit/base/cm.h"

#include <string.h>

static void test_pieces_make_the_whole(void **state)
{
    uint8_t whole[1000], piece[100];

    sim_pattern_fill(5, 12345, whole, sizeof whole);
    for (size_t at = 0; at < 900; at += 37) {
        sim_pattern_fill(5, 12345 + at, piece, sizeof piece);
        assert_memory_equal(piece, whole + at, sizeof piece);
        assert_int_equal(sim_pattern_byte(5, 12345 + at), whole[at]);
    }
    assert_int_equal(sim_pattern_check(5, 12345, whole, sizeof whole), sizeof whole);
}

static void test_faults_are_seen(void **state)
{
    uint8_t a[4096];

    sim_pattern_fill(9, 0, a, sizeof a);
    assert_true(sim_pattern_check(8, 0, a, sizeof a) < 4);
    assert_true(sim_pattern_check(9, 1, a, sizeof a) < 4);
    a[3000] ^= 1;
    assert_int_equal(sim_pattern_check(9, 0, a, sizeof a), 3000);
    sim_pattern_fill(9, 0, a, sizeof a);
    memmove(a + 1000, a + 1001, sizeof a - 1001); /* a byte is lost */
    assert_in_range(sim_pattern_check(9, 0, a, sizeof a), 1000, 1003);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_make_the_whole),
        cmocka_unit_test(test_faults_are_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

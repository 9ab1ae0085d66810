/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sim_progress.h"
#include "unit/base/cm.h"

#include <string.h>

static char text[512];

static const char *at(unsigned done, unsigned made, uint64_t took_ms)
{
    sim_progress_text(&(struct sim_progress_at){done, 40, made, took_ms, sizeof text}, "seed=3",
                      text, sizeof text);
    return text;
}

static void test_text(void **state)
{
    (void)state;
    assert_string_equal(at(0, 0, 100), "[                        ] 0 of 40, 0 %  seed=3");
    assert_string_equal(at(10, 10, 20000),
                        "[######                  ] 10 of 40, 25 %, 1:00 left  seed=3");
    /* what was there at the beginning cost nothing */
    assert_string_equal(at(30, 10, 20000),
                        "[##################      ] 30 of 40, 75 %, 0:20 left  seed=3");
    assert_string_equal(at(20, 20, 40000000),
                        "[############            ] 20 of 40, 50 %, 11 h 06 min left  seed=3");
    assert_string_equal(at(40, 40, 1000), "[########################] 40 of 40, 100 %  seed=3");
}

static void test_narrow(void **state)
{
    (void)state;
    sim_progress_text(&(struct sim_progress_at){1, 2, 1, 1000, 20}, "x", text, sizeof text);
    assert_int_equal(strlen(text), 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_narrow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <plait/types.h>

#include "cm.h"
#include <string.h>

static void every_error_has_its_own_text(void **state)
{
    for (int a = 0; a >= PLAIT_EUNREACH; a--) {
        assert_true(strlen(plait_strerror(a)) > 5);
        assert_string_not_equal(plait_strerror(a), "unknown error");
        for (int b = 0; b > a; b--)
            assert_string_not_equal(plait_strerror(a), plait_strerror(b));
    }
    assert_string_equal(plait_strerror(1), "unknown error");
    assert_string_equal(plait_strerror(PLAIT_EUNREACH - 1), "unknown error");
    assert_string_equal(plait_strerror(INT32_MIN), "unknown error");
}

static void reasons(void **state)
{
    assert_string_equal(plait_reason_name(PLAIT_REASON_RST_IN_WINDOW), "RST_IN_WINDOW");
    assert_string_equal(plait_reason_text(PLAIT_REASON_PEER_CLOSE), "closed by peer");
    assert_string_equal(plait_reason_name(PLAIT_REASON_COUNT), "?");
    assert_string_equal(plait_reason_text((enum plait_reason)-1), "?");
    for (unsigned i = 0; i < PLAIT_REASON_COUNT; i++)
        assert_true(plait_reason_name(i)[0] != '\0' && plait_reason_text(i)[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_own_text),
        cmocka_unit_test(reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

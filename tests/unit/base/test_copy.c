/* SPDX-License-Identifier: Apache-2.0 */
#include "base/copy.h"

#include "cm.h"
#include "testenv.h"
#include <stdlib.h>
#include <string.h>

/* Exact allocations, so that a sanitizer sees each byte too many. */
static void every_length_and_alignment(void **state)
{
    for (size_t len = 0; len < 5000; len += len < 16 || (len > 1000 && len < 1400) ? 1 : 211)
        for (size_t off = 0; off < 36; off += 5) {
            uint8_t *src = malloc(len + off + 1), *dst = malloc(len + off + 1);
            pattern_fill(src, off, len + off + 1);
            memset(dst, 0, len + off + 1);
            copy_bulk(dst + off, src + off / 2, len);
            assert_memory_equal(dst + off, src + off / 2, len);
            for (size_t i = 0; i < off; i++)
                assert_int_equal(dst[i], 0);
            assert_int_equal(dst[off + len], 0);
            free(src);
            free(dst);
        }
    copy_bulk(NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

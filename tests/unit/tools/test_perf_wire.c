/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/perf_wire.h"

#include <stdlib.h>
#include <string.h>

static const struct perf_header up = {
    .mode = PERF_BULK, .direction = PERF_UP, .duration = 10 * PLAIT_SEC};
static const struct perf_header crr = {
    .mode = PERF_CRR, .direction = PERF_UP, .request = 64, .response = 1 << 30};

static void headers_survive(void **state)
{
    const struct perf_header *const all[] = {&up, &crr};
    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[PERF_HEADER];
        struct perf_header back;
        perf_header_write(all[i], bytes);
        assert_null(perf_header_read(bytes, &back));
        assert_int_equal(back.mode, all[i]->mode);
        assert_int_equal(back.direction, all[i]->direction);
        assert_int_equal(back.request, all[i]->request);
        assert_int_equal(back.response, all[i]->response);
        assert_int_equal(back.bytes, all[i]->bytes);
        assert_int_equal(back.duration, all[i]->duration);
    }
}

static void the_layout_is_fixed(void **state)
{
    static const uint8_t want[PERF_HEADER] = {'P',  'L', 'P', 'H', 0, 1, 3, 1, 0, 0, 0, 64,
                                              0x40, 0,   0,   0};
    uint8_t bytes[PERF_HEADER];
    perf_header_write(&crr, bytes);
    assert_memory_equal(bytes, want, PERF_HEADER);
}

/* A header with one byte changed. */
static const char *read_changed(const struct perf_header *h, size_t at, uint8_t value)
{
    uint8_t bytes[PERF_HEADER];
    struct perf_header back;
    perf_header_write(h, bytes);
    bytes[at] = value;
    return perf_header_read(bytes, &back);
}

static void refuses_what_it_does_not_know(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = {
        {0, 'Q'}, {5, 2},   {4, 1},    {6, 0},    {6, 4},    {7, 0},   {7, 3},
        {8, 1},   {15, 1},  {16, 1},   {23, 1},   {24, 1},   {39, 1},  {32, 255},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(read_changed(&up, bad[i].at, bad[i].value));
    assert_non_null(read_changed(&crr, 7, PERF_DOWN)); /* the client asks */
    assert_non_null(read_changed(&crr, 8, 0x80));      /* 2 GiB for a request */
    assert_non_null(read_changed(&crr, 11, 0));        /* no bytes for one */
    assert_non_null(read_changed(&crr, 12, 0x80));
    assert_non_null(read_changed(&crr, 23, 1)); /* an amount that the server would not heed */
    assert_non_null(read_changed(&crr, 31, 1));
}

static void refuses_a_test_without_end(void **state)
{
    struct perf_header h = up;
    uint8_t bytes[PERF_HEADER];
    h.duration = 0;
    perf_header_write(&h, bytes);
    assert_non_null(perf_header_read(bytes, &h));
    h = (struct perf_header){.mode = PERF_BULK, .direction = PERF_DOWN, .bytes = UINT64_MAX};
    perf_header_write(&h, bytes);
    assert_non_null(perf_header_read(bytes, &h));
    h = up;
    h.duration = PERF_DURATION_MAX + 1;
    perf_header_write(&h, bytes);
    assert_non_null(perf_header_read(bytes, &h));
}

static void trailers(void **state)
{
    struct perf_trailer t = {.bytes = 1 << 20, .time = PLAIT_SEC, .stall = 5}, back;
    uint8_t bytes[PERF_TRAILER];
    perf_trailer_write(&t, bytes);
    assert_null(perf_trailer_read(bytes, &back));
    assert_int_equal(back.bytes, t.bytes);
    assert_int_equal(back.time, t.time);
    assert_int_equal(back.stall, t.stall);
    for (size_t i = 0; i < 9; i++) { /* the fixed bytes, and a number that is too large */
        perf_trailer_write(&t, bytes);
        bytes[i] ^= 0x80;
        assert_non_null(perf_trailer_read(bytes, &back));
    }
    t.stall = t.time + 1;
    perf_trailer_write(&t, bytes);
    assert_non_null(perf_trailer_read(bytes, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_survive),
        cmocka_unit_test(the_layout_is_fixed),
        cmocka_unit_test(refuses_what_it_does_not_know),
        cmocka_unit_test(refuses_a_test_without_end),
        cmocka_unit_test(trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

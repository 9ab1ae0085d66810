/* SPDX-License-Identifier: Apache-2.0 */
#include "netns.h"

#include "driver/pcapng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Every block says its length at both ends; the packet is in the last one. */
static void writes_whole_blocks(void **state)
{
    char path[] = "/tmp/plait-test-XXXXXX";
    static uint8_t big[65214], file[70000];
    struct iovec iov[2] = {{big, 14}, {big + 14, sizeof big - 14}};
    struct drv_captured c = {.when = 1700000000123456, .out = true};
    struct drv_error err;
    struct drv_pcapng *p;
    unsigned blocks = 0;
    size_t len, at = 0;
    FILE *f;

    assert_true(close(mkstemp(path)) == 0);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 3);
    p = drv_pcapng_open(path, &err);
    assert_non_null(p);
    assert_int_equal(drv_pcapng_interface(p, "eth0", true), 0);
    assert_int_equal(drv_pcapng_interface(p, "wg0", false), 1);
    c.interface = 1;
    drv_pcapng_packet(p, &c, iov, 2);
    assert_true(drv_pcapng_close(p, &err));
    f = fopen(path, "rb");
    len = fread(file, 1, sizeof file, f);
    fclose(f);
    unlink(path);
    for (; at < len; blocks++) {
        uint32_t size = be32(file + at + 4);
        assert_true(size % 4 == 0 && size >= 12 && at + size <= len);
        assert_int_equal(be32(file + at + size - 4), size);
        if (blocks == 3) {
            assert_int_equal(be32(file + at), 6);
            assert_int_equal(be32(file + at + 8), 1);
            assert_int_equal(be32(file + at + 20), sizeof big);
            assert_memory_equal(file + at + 28, big, sizeof big);
        }
        at += size;
    }
    assert_int_equal(blocks, 4);
}

static void tells_what_cannot_be_written(void **state)
{
    struct drv_error err;
    struct drv_pcapng *p;
    uint8_t byte = 0;
    struct iovec iov = {&byte, 1};
    struct drv_captured c = {0};

    assert_null(drv_pcapng_open("/nonexistent/x.pcapng", &err));
    assert_non_null(strstr(err.text, "/nonexistent/x.pcapng"));
    p = drv_pcapng_open("/dev/full", &err);
    if (!p)
        skip();
    drv_pcapng_packet(p, &c, &iov, 1);
    drv_pcapng_flush(p);
    assert_false(drv_pcapng_close(p, &err));
    assert_non_null(strstr(err.text, "not complete"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_whole_blocks),
        cmocka_unit_test(tells_what_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

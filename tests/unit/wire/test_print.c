/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static void check(const struct wire_seg *seg, const char *want)
{
    char line[500];
    size_t n = wire_print_seg(seg, line, sizeof line);

    assert_string_equal(line, want);
    assert_int_equal(n, strlen(want));
    for (size_t size = 0; size <= n + 1; size++) { /* cut at every place */
        char *exact = malloc(size > 0 ? size : 1);
        assert_int_equal(wire_print_seg(seg, exact, size), n);
        if (size > 0) {
            assert_int_equal(strlen(exact), size - 1 < n ? size - 1 : n);
            assert_memory_equal(exact, want, strlen(exact));
        }
        free(exact);
    }
}

static struct wire_seg seg_of(uint8_t flags)
{
    return (struct wire_seg){ .src = kit_addr(4, 1, 80), .dst = kit_addr(4, 2, 5000), .seq = 123,
                              .ack = 1, .wnd = 65535, .flags = flags };
}

static void lines(void **state)
{
    struct wire_seg seg = seg_of(WIRE_SYN | WIRE_ACK);

    check(&seg, "10.0.0.1:80 > 10.0.0.2:5000 S. 123:123(0) ack 1 win 65535");
    seg.opt = (struct wire_tcpopts){ .has_mss = true, .mss = 1460, .sack_permitted = true,
                                     .has_ts = true, .tsval = 1, .tsecr = 2, .has_wscale = true,
                                     .wscale = 7 };
    seg.mp.present = 1u << WIRE_MP_CAPABLE;
    seg.mp.capable = (struct wire_mp_capable){ .version = 1, .flags = 0x81, .len = 12,
                                               .key_sender = 0x0102030405060708 };
    check(&seg, "10.0.0.1:80 > 10.0.0.2:5000 S. 123:123(0) ack 1 win 65535 <mss 1460,sackOK,TS val "
                "1 ecr 2,wscale 7,mpcapable v1 flags:[AH] key 0x0102030405060708>");
    seg = seg_of(WIRE_SYN);
    seg.seq = 0xffffffff;
    seg.len = 2;
    check(&seg, "10.0.0.1:80 > 10.0.0.2:5000 S 4294967295:1(2) win 65535");
    seg = seg_of(WIRE_ACK | WIRE_PSH | WIRE_URG);
    seg.opt.sack_n = 2;
    seg.opt.sack[0].hi = 5;
    seg.opt.sack[1].lo = 9;
    seg.opt.sack[1].hi = 10;
    check(&seg, "10.0.0.1:80 > 10.0.0.2:5000 P.U 123:123(0) ack 1 win 65535 urg 0 <sack 0:5 9:10>");
}

static void multipath(void **state)
{
    struct wire_seg seg = seg_of(WIRE_ACK);

    seg.mp.present = 1u << WIRE_MP_DSS | 1u << WIRE_MP_ADD_ADDR | 1u << WIRE_MP_PRIO;
    seg.mp.dss = (struct wire_mp_dss){ .has_ack = true, .ack64 = true, .ack = 7, .has_map = true,
                                       .dsn = 8, .ssn = 9, .dll = 10, .has_csum = true,
                                       .csum = 0xabc, .data_fin = true };
    seg.mp.add_addr = (struct wire_mp_add_addr){ .echo = true, .id = 3,
                                                 .addr = kit_addr(6, 5, 80) };
    check(&seg, "10.0.0.1:80 > 10.0.0.2:5000 . 123:123(0) ack 1 win 65535 <dss ack8 7 dsn4 8 ssn 9 "
                "dll 10 csum 0x0abc fin,addaddr echo id 3 [2001:db8::5]:80,mpprio regular>");
    seg = seg_of(WIRE_RST);
    seg.mp.present = 1u << WIRE_MP_REMOVE_ADDR | 1u << WIRE_MP_FAIL | 1u << WIRE_MP_FASTCLOSE |
                     1u << WIRE_MP_TCPRST | 1u << WIRE_MP_JOIN;
    seg.mp.remove = (struct wire_mp_remove){ .n = 2, .id = { 4, 5 } };
    seg.mp.fail_dsn = 12;
    seg.mp.fastclose_key = 1;
    seg.mp.rst.transient = true;
    seg.mp.rst.reason = 6;
    seg.mp.join = (struct wire_mp_join){ .len = 12, .backup = true, .addr_id = 2, .token = 1,
                                         .nonce = 2 };
    check(&seg, "10.0.0.1:80 > 10.0.0.2:5000 R 123:123(0) win 65535 <mpjoin backup id 2 token "
                "0x00000001 nonce 0x00000002,rmaddr id 4 id 5,mpfail dsn 12,fastclose key "
                "0x0000000000000001,mprst transient reason 6>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(multipath),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

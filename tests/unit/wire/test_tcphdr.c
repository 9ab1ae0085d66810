/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static struct wire_seg parse(const uint8_t *p, size_t len, uint8_t flags)
{
    struct wire_seg seg = { .flags = flags };
    uint8_t *exact = malloc(len > 0 ? len : 1);

    memcpy(exact, p, len);
    wire_parse_options(exact, len, &seg);
    free(exact);
    return seg;
}

/*= RFC 9293 MUST-4, MUST-14, MUST-65 */
static void linux_syn(void **state)
{
    static const uint8_t p[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 };
    struct wire_seg seg = parse(p, sizeof p, WIRE_SYN);
    uint8_t out[40];
    struct wcursor w;

    assert_true(seg.opt.has_mss && seg.opt.mss == 1460);
    assert_true(seg.opt.sack_permitted && seg.opt.has_ts && seg.opt.tsval == 0x01020304);
    assert_true(seg.opt.has_wscale && seg.opt.wscale == 7);
    assert_true(seg.bad_options == 0 && seg.bad_mp == 0 && !seg.mp.any);
    wcursor_init(&w, out, sizeof out);
    wire_tcpopts_emit(&w, &seg.opt, true, true);
    assert_int_equal(wcursor_used(&w), sizeof p);
    assert_memory_equal(out, p, sizeof p);
    assert_int_equal(wire_tcpopts_len(&seg.opt, true), 20);
    assert_int_equal(wire_tcpopts_len(&seg.opt, false), 12);
    seg = parse(p, sizeof p, WIRE_ACK); /* out of a SYN only timestamps mean something */
    assert_false(seg.opt.has_mss || seg.opt.has_wscale || seg.opt.sack_permitted);
    assert_true(seg.opt.has_ts && seg.bad_options == 0);
}

static void sizes_on_the_wire(void **state)
{
    struct wire_tcpopts opt = { .has_ts = true };

    assert_int_equal(wire_tcpopts_len(&opt, false), 12);
    for (uint8_t n = 1; n <= 4; n++) {
        opt.sack_n = n;
        assert_int_equal(wire_tcpopts_len(&opt, false), 12 + 4 + 8 * n);
    }
    assert_int_equal(wire_tcpopts_len(&opt, true), 12);
    opt = (struct wire_tcpopts){ .has_mss = true };
    assert_int_equal(wire_tcpopts_len(&opt, true), 4);
    assert_int_equal(wire_tcpopts_len(&opt, false), 0);
    opt.sack_permitted = true;
    assert_int_equal(wire_tcpopts_len(&opt, true), 8);
    opt.has_wscale = true;
    assert_int_equal(wire_tcpopts_len(&opt, true), 12);
}

static void sack_blocks(void **state)
{
    uint8_t p[40] = { 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
    struct wire_seg seg = parse(p, 12, WIRE_ACK);

    assert_true(seg.opt.sack_n == 1 && seg.opt.sack[0].lo == 1 && seg.opt.sack[0].hi == 2);
    seg = parse(p, 12, WIRE_SYN);
    assert_int_equal(seg.opt.sack_n, 0);
    p[3] = 34;
    seg = parse(p, 36, WIRE_ACK);
    assert_int_equal(seg.opt.sack_n, 4);
    for (uint8_t len = 2; len < 38; len++) {
        p[3] = len;
        seg = parse(p, 2u + len, WIRE_ACK);
        assert_int_equal(seg.opt.sack_n, len >= 10 && len % 8 == 2 ? len / 8 : 0);
        assert_int_equal(seg.bad_options, seg.opt.sack_n == 0);
    }
}

/* Longer than a header's option area can be, as a fuzzer may hand it over. */
static void sack_of_five(void **state)
{
    uint8_t p[42] = { 5, 42 };
    struct wire_seg seg = parse(p, sizeof p, WIRE_ACK);

    assert_true(seg.opt.sack_n == 0 && seg.bad_options == 1);
}

/* Each plain option with each length; only its own is taken. */
static void wrong_lengths_are_counted(void **state)
{
    static const struct { uint8_t kind, len; } own[] = { { 2, 4 }, { 3, 3 }, { 4, 2 }, { 8, 10 } };

    for (unsigned i = 0; i < 4; i++)
        for (uint8_t len = 2; len <= 40; len++) {
            uint8_t p[40] = { own[i].kind, len };
            struct wire_seg seg = parse(p, len, WIRE_SYN);
            bool taken = seg.opt.has_mss || seg.opt.has_wscale || seg.opt.sack_permitted ||
                         seg.opt.has_ts;
            assert_int_equal(taken, len == own[i].len);
            assert_int_equal(seg.bad_options, !taken);
        }
}

static void fast_open(void **state)
{
    for (uint8_t len = 2; len < 30; len++) {
        uint8_t p[40] = { 34, len, 9, 9, 9, 9 };
        struct wire_seg seg = parse(p, len, WIRE_SYN);
        bool good = len == 2 || (len >= 6 && len <= 18 && len % 2 == 0);
        assert_int_equal(seg.opt.has_tfo, good);
        assert_int_equal(seg.opt.tfo_len, good ? len - 2 : 0);
        assert_int_equal(seg.bad_options, !good);
        assert_false(parse(p, len, WIRE_ACK).opt.has_tfo);
    }
}

/*= RFC 9293 3.1
 * All TCP Options except End of Option List Option (EOL) and No-Operation (NOP) MUST have length
 * fields, including all future options (MUST-68). */
/*= RFC 9293 3.1
 * TCP implementations MUST be prepared to handle an illegal option length (e.g., zero); a suggested
 * procedure is to reset the connection and log the error cause (MUST-7). */
static void illegal_lengths_end_the_parsing(void **state)
{
    static const uint8_t zero[] = { 1, 3, 0, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
    static const uint8_t one[] = { 99, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
    static const uint8_t outside[] = { 3, 3, 7, 8, 11, 0, 0, 0, 1, 0, 0, 0, 2 };
    static const uint8_t no_length[] = { 3, 3, 7, 8 };
    struct wire_seg seg = parse(zero, sizeof zero, WIRE_SYN);

    assert_true(seg.bad_options == 1 && !seg.opt.has_ts);
    seg = parse(one, sizeof one, WIRE_SYN);
    assert_true(seg.bad_options == 1 && !seg.opt.has_ts);
    seg = parse(outside, sizeof outside, WIRE_SYN);
    assert_true(seg.bad_options == 1 && !seg.opt.has_ts && seg.opt.has_wscale);
    seg = parse(no_length, sizeof no_length, WIRE_SYN);
    assert_true(seg.bad_options == 1 && seg.opt.has_wscale);
}

/*= RFC 9293 MUST-4, MUST-6 */
static void unknown_doubled_and_end(void **state)
{
    static const uint8_t p[] = { 254, 4, 0xf9, 0x89, 2, 4, 0, 100, 2, 4, 0, 200, 0, 3, 3, 7 };
    uint8_t nops[40];
    struct wire_seg seg = parse(p, sizeof p, WIRE_SYN);

    assert_true(seg.opt.mss == 100 && !seg.opt.has_wscale && seg.bad_options == 0);
    memset(nops, 1, sizeof nops);
    seg = parse(nops, sizeof nops, WIRE_SYN);
    assert_int_equal(seg.bad_options, 0);
}

/*= RFC 9293 MUST-3 */
static void header_fields_and_bounds(void **state)
{
    struct plait_addr a = kit_addr(4, 1, 1234), b = kit_addr(4, 2, 80);
    struct wire_emit how = { .src = &a, .dst = &b, .seq = 0xfffffff0, .ack = 77, .wnd = 500,
                             .flags = WIRE_ACK | WIRE_PSH | WIRE_ECE, .payload_len = 3 };
    size_t len;
    uint8_t *p = kit_packet(&how, (const uint8_t *)"xyz", &len);
    struct wire_ip ip;
    struct wire_seg seg = { 0 };

    assert_int_equal(wire_ip_parse(p, len, &ip), PLAIT_REASON_NONE);
    assert_int_equal(wire_tcp_parse(&ip, false, &seg), PLAIT_REASON_NONE);
    assert_true(seg.seq == 0xfffffff0 && seg.ack == 77 && seg.wnd == 500 && seg.flags == how.flags);
    assert_true(seg.src.port == 1234 && seg.dst.port == 80 && seg.len == 3);
    assert_memory_equal(seg.data, "xyz", 3);
    for (unsigned offset = 0; offset < 16; offset++) { /* the data offset, right or wrong */
        enum plait_reason want = offset >= 5 && offset * 4 <= 23 ? PLAIT_REASON_NONE
                                                                  : PLAIT_REASON_TCP_TRUNCATED;
        p[20 + 12] = (uint8_t)(offset << 4);
        assert_int_equal(wire_tcp_parse(&ip, true, &seg), want);
    }
    p[20 + 12] = 0x50;
    for (ip.len = 0; ip.len < 20; ip.len++)
        assert_int_equal(wire_tcp_parse(&ip, true, &seg), PLAIT_REASON_TCP_TRUNCATED);
    ip.len = 23;
    p[22] ^= 1;
    assert_int_equal(wire_tcp_parse(&ip, false, &seg), PLAIT_REASON_TCP_CSUM);
    assert_int_equal(wire_tcp_parse(&ip, true, &seg), PLAIT_REASON_NONE);
    free(p);
}

static void flags_that_no_tcp_sends(void **state)
{
    struct plait_addr a = kit_addr(6, 1, 1234), b = kit_addr(6, 2, 80);

    for (unsigned flags = 0; flags < 256; flags++) {
        struct wire_emit how = { .src = &a, .dst = &b, .flags = (uint8_t)flags };
        size_t len;
        uint8_t *p = kit_packet(&how, NULL, &len);
        struct wire_packet out;
        bool syn = (flags & WIRE_SYN) != 0, fin = (flags & WIRE_FIN) != 0;
        bool rst = (flags & WIRE_RST) != 0, ack = (flags & WIRE_ACK) != 0;
        bool good = (syn && !fin && !rst) || (!syn && (rst || ack));
        assert_int_equal(wire_parse(p, len, false, &out),
                         good ? PLAIT_REASON_NONE : PLAIT_REASON_TCP_FLAGS);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_syn),
        cmocka_unit_test(sizes_on_the_wire),
        cmocka_unit_test(sack_blocks),
        cmocka_unit_test(sack_of_five),
        cmocka_unit_test(wrong_lengths_are_counted),
        cmocka_unit_test(fast_open),
        cmocka_unit_test(illegal_lengths_end_the_parsing),
        cmocka_unit_test(unknown_doubled_and_end),
        cmocka_unit_test(header_fields_and_bounds),
        cmocka_unit_test(flags_that_no_tcp_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

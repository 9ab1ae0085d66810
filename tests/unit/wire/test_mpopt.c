/* SPDX-License-Identifier: Apache-2.0 */
/* MPTCP options: the bytes of each form, every wrong length, every wrong place, round trips. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

enum { S = WIRE_SYN, A = WIRE_ACK, SA = WIRE_SYN | WIRE_ACK, R = WIRE_RST };

/* Parses one option area in memory of exactly its size. */
static struct wire_seg parse(const uint8_t *p, size_t len, uint8_t flags, uint32_t payload)
{
    struct wire_seg seg = { .flags = flags, .len = payload };
    uint8_t *exact = malloc(len > 0 ? len : 1);

    if (len > 0)
        memcpy(exact, p, len);
    wire_parse_options(exact, len, &seg);
    free(exact);
    return seg;
}

struct form {
    const char *name;
    uint8_t flags;
    uint32_t payload;
    unsigned len;
    uint8_t bytes[40];
};

#define KEY1 1, 2, 3, 4, 5, 6, 7, 8
#define KEY2 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8

static const struct form forms[] = {
    { "capable SYN", S, 0, 4, { 30, 4, 0x01, 0x81 } },
    { "capable SYN v0", S, 0, 12, { 30, 12, 0x00, 0x81, KEY1 } },
    { "capable SYN/ACK", SA, 0, 12, { 30, 12, 0x01, 0x01, KEY1 } },
    { "capable ACK", A, 0, 20, { 30, 20, 0x01, 0x01, KEY1, KEY2 } },
    { "capable ACK with payload", A, 9, 20, { 30, 20, 0x01, 0x01, KEY1, KEY2 } },
    { "capable data", A, 9, 22, { 30, 22, 0x01, 0x01, KEY1, KEY2, 0, 9 } },
    { "capable data csum", A, 9, 24, { 30, 24, 0x01, 0x81, KEY1, KEY2, 0, 9, 0xab, 0xcd } },
    { "join SYN", S, 0, 12, { 30, 12, 0x11, 7, 1, 2, 3, 4, 5, 6, 7, 8 } },
    { "join SYN/ACK", SA, 0, 16, { 30, 16, 0x10, 7, KEY1, 5, 6, 7, 8 } },
    { "join ACK", A, 0, 24, { 30, 24, 0x10, 0, KEY1, KEY2, 1, 2, 3, 4 } },
    { "dss nothing", A, 0, 4, { 30, 4, 0x20, 0x00 } },
    { "dss ack4", A, 0, 8, { 30, 8, 0x20, 0x01, 1, 2, 3, 4 } },
    { "dss ack8", A, 0, 12, { 30, 12, 0x20, 0x03, KEY1 } },
    { "dss map4", A, 5, 14, { 30, 14, 0x20, 0x04, 1, 2, 3, 4, 5, 6, 7, 8, 0, 5 } },
    { "dss map4 csum", A, 5, 16, { 30, 16, 0x20, 0x04, 1, 2, 3, 4, 5, 6, 7, 8, 0, 5, 9, 9 } },
    { "dss map8", A, 5, 18, { 30, 18, 0x20, 0x0c, KEY1, 5, 6, 7, 8, 0, 5 } },
    { "dss map8 csum", A, 5, 20, { 30, 20, 0x20, 0x0c, KEY1, 5, 6, 7, 8, 0, 5, 9, 9 } },
    { "dss ack8 map4 fin", A, 5, 22, { 30, 22, 0x20, 0x17, KEY1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 5 } },
    { "dss ack8 map8", A, 5, 26, { 30, 26, 0x20, 0x0f, KEY1, KEY2, 5, 6, 7, 8, 0, 5 } },
    { "dss ack8 map8 csum fin", A, 5, 28,
      { 30, 28, 0x20, 0x1f, KEY1, KEY2, 5, 6, 7, 8, 0, 5, 9, 9 } },
    { "add v4 echo", A, 0, 8, { 30, 8, 0x31, 3, 10, 0, 0, 9 } },
    { "add v4 port echo", A, 0, 10, { 30, 10, 0x31, 3, 10, 0, 0, 9, 0, 80 } },
    { "add v4", A, 0, 16, { 30, 16, 0x30, 3, 10, 0, 0, 9, KEY1 } },
    { "add v4 port", A, 0, 18, { 30, 18, 0x30, 3, 10, 0, 0, 9, 0, 80, KEY1 } },
    { "add v6 echo", A, 0, 20, { 30, 20, 0x31, 3, KEY1, KEY2 } },
    { "add v6 port echo", A, 0, 22, { 30, 22, 0x31, 3, KEY1, KEY2, 0, 80 } },
    { "add v6", A, 0, 28, { 30, 28, 0x30, 3, KEY1, KEY2, KEY1 } },
    { "add v6 port", A, 0, 30, { 30, 30, 0x30, 3, KEY1, KEY2, 0, 80, KEY1 } },
    { "remove 1", A, 0, 4, { 30, 4, 0x40, 3 } },
    { "remove 17", A, 0, 20, { 30, 20, 0x40, KEY1, KEY2, 1 } },
    { "prio", A, 0, 3, { 30, 3, 0x51 } },
    { "fail", A, 0, 12, { 30, 12, 0x60, 0, KEY1 } },
    { "fastclose ACK", A, 0, 12, { 30, 12, 0x70, 0, KEY1 } },
    { "fastclose RST", R, 0, 12, { 30, 12, 0x70, 0, KEY1 } },
    { "tcprst", R | A, 0, 4, { 30, 4, 0x81, 2 } },
    { "capable SYN/ACK v0", SA, 0, 12, { 30, 12, 0x00, 0x01, KEY1 } },
    { "capable ACK v0", A, 0, 20, { 30, 20, 0x00, 0x01, KEY1, KEY2 } },
    { "add v4 v0", A, 0, 8, { 30, 8, 0x34, 3, 10, 0, 0, 9 } },
    { "add v4 port v0", A, 0, 10, { 30, 10, 0x34, 3, 10, 0, 0, 9, 0, 80 } },
    { "add v6 v0", A, 0, 20, { 30, 20, 0x36, 3, KEY1, KEY2 } },
    { "add v6 port v0", A, 0, 22, { 30, 22, 0x36, 3, KEY1, KEY2, 0, 80 } },
    { "prio with id v0", A, 0, 4, { 30, 4, 0x51, 9 } },
};

enum { FORMS = sizeof forms / sizeof *forms };

static unsigned subtype_of(const struct form *f)
{
    return f->bytes[2] >> 4;
}

/*= RFC 8684 3.2-2, 3.2-5, 3.3-1, 3.4.1-9, 3.6-7 */
static void every_form_parses_and_comes_back(void **state)
{
    for (unsigned i = 0; i < FORMS; i++) {
        const struct form *f = &forms[i];
        struct wire_seg seg = parse(f->bytes, f->len, f->flags, f->payload);
        uint8_t out[40];
        struct wcursor w;

        if (seg.mp.present != 1u << subtype_of(f) || seg.bad_mp != 0 || seg.bad_options != 0)
            fail_msg("%s was not understood", f->name);
        wcursor_init(&w, out, sizeof out);
        wire_mp_emit(&w, &seg.mp, false);
        assert_int_equal(wcursor_used(&w), f->len);
        assert_int_equal(wire_mp_len(&seg.mp), f->len);
        assert_memory_equal(out, f->bytes, f->len);
    }
}

/* Whether some form of this subtype has this length for these flags. */
static bool is_form(const struct form *like, unsigned len)
{
    for (unsigned i = 0; i < FORMS; i++)
        if (subtype_of(&forms[i]) == subtype_of(like) && forms[i].flags == like->flags &&
            forms[i].len == len && (forms[i].payload > 0 || like->payload == 0 || len == 20))
            return true;
    return subtype_of(like) == WIRE_MP_REMOVE_ADDR && len >= 4 && len <= 20;
}

/* The option says a shorter or longer length than its form has. DSS and ADD_ADDR tell their forms
 * by flags and length; so only lengths that no flags allow are sure to be refused there. */
static void every_other_length_is_refused(void **state)
{
    for (unsigned i = 0; i < FORMS; i++) {
        const struct form *f = &forms[i];
        for (unsigned len = 2; len <= 40; len++) {
            uint8_t p[40] = { 0 };
            struct wire_seg seg;
            bool dss_csum = subtype_of(f) == WIRE_MP_DSS && (f->bytes[3] & 4) != 0;
            memcpy(p, f->bytes, f->len);
            p[1] = (uint8_t)len;
            seg = parse(p, len, f->flags, f->payload);
            assert_true(seg.mp.any);
            if (len == f->len)
                continue;
            if (subtype_of(f) == WIRE_MP_DSS) {
                if (dss_csum && (len == f->len + 2 || len + 2 == f->len))
                    continue; /* the same flags with and without checksum */
            } else if (is_form(f, len)) {
                continue;
            }
            if (seg.mp.present != 0 || seg.bad_mp != 1)
                fail_msg("%s with length %u: bad %u", f->name, len, seg.bad_mp);
        }
    }
}

/* The packet ends inside the option. */
static void every_prefix_is_refused(void **state)
{
    for (unsigned i = 0; i < FORMS; i++)
        for (unsigned len = 0; len < forms[i].len; len++) {
            struct wire_seg seg = parse(forms[i].bytes, len, forms[i].flags, forms[i].payload);
            assert_int_equal(seg.mp.present, 0);
            assert_int_equal(seg.bad_options, len > 0 ? 1 : 0);
        }
}

static void the_segment_decides(void **state)
{
    static const uint8_t flags[] = { S, SA, A, R };

    for (unsigned i = 0; i < FORMS; i++)
        for (unsigned k = 0; k < sizeof flags; k++) {
            const struct form *f = &forms[i];
            struct wire_seg seg = parse(f->bytes, f->len, flags[k], f->payload);
            bool syn = (flags[k] & S) != 0, want = false;
            switch (subtype_of(f)) {
            case WIRE_MP_CAPABLE:
            case WIRE_MP_JOIN: want = flags[k] == f->flags; break;
            case WIRE_MP_TCPRST: want = flags[k] == R; break;
            default: want = !syn; break;
            }
            /* A SYN of version 0 looks like any SYN/ACK. */
            if (f->len == 12 && subtype_of(f) == WIRE_MP_CAPABLE)
                want = flags[k] == SA || (flags[k] == S && f->bytes[2] == 0);
            if ((seg.mp.present != 0) != want)
                fail_msg("%s on flags %u", f->name, flags[k]);
            assert_int_equal(seg.bad_mp, want ? 0 : 1);
        }
}

/* The forms with a data length say something about payload, so there must be some. */
static void data_form_needs_data(void **state)
{
    for (unsigned i = 0; i < FORMS; i++)
        if (subtype_of(&forms[i]) == WIRE_MP_CAPABLE && forms[i].len > 20) {
            struct wire_seg seg = parse(forms[i].bytes, forms[i].len, A, 0);
            assert_true(seg.mp.present == 0 && seg.bad_mp == 1);
        }
}

static void fields(void **state)
{
    struct wire_seg seg = parse(forms[6].bytes, 24, A, 9);

    assert_int_equal(seg.mp.capable.version, 1);
    assert_int_equal(seg.mp.capable.flags, WIRE_CAP_A | WIRE_CAP_H);
    assert_true(seg.mp.capable.key_sender == 0x0102030405060708);
    assert_true(seg.mp.capable.key_receiver == 0xa1a2a3a4a5a6a7a8);
    assert_true(seg.mp.capable.dll == 9 && seg.mp.capable.csum == 0xabcd);
    seg = parse(forms[7].bytes, 12, S, 0);
    assert_true(seg.mp.join.backup && seg.mp.join.addr_id == 7);
    assert_true(seg.mp.join.token == 0x01020304 && seg.mp.join.nonce == 0x05060708);
    seg = parse(forms[19].bytes, 28, A, 5);
    assert_true(seg.mp.dss.ack == 0x0102030405060708 && seg.mp.dss.dsn == 0xa1a2a3a4a5a6a7a8);
    assert_true(seg.mp.dss.ssn == 0x05060708 && seg.mp.dss.dll == 5 && seg.mp.dss.csum == 0x0909);
    assert_true(seg.mp.dss.data_fin && seg.mp.dss.has_csum && seg.mp.dss.ack64);
    seg = parse(forms[27].bytes, 30, A, 0);
    assert_true(seg.mp.add_addr.addr.family == 6 && seg.mp.add_addr.addr.port == 80);
    assert_true(seg.mp.add_addr.id == 3 && !seg.mp.add_addr.echo && seg.mp.add_addr.hmac[7] == 8);
    seg = parse(forms[29].bytes, 20, A, 0);
    assert_true(seg.mp.remove.n == 17 && seg.mp.remove.id[16] == 1);
    seg = parse(forms[34].bytes, 4, R, 0);
    assert_true(seg.mp.rst.transient && seg.mp.rst.reason == 2);
}

/*= RFC 8684 3.4.1
 * The other bits are currently unassigned; they MUST be set to 0 by a sender and MUST be ignored by
 * the receiver. */
static void reserved_bits_are_ignored(void **state)
{
    uint8_t add[] = { 30, 16, 0x3e, 3, 10, 0, 0, 9, KEY1 };
    uint8_t dss[] = { 30, 8, 0x2f, 0xe1, 1, 2, 3, 4 };
    struct wire_seg seg = parse(add, sizeof add, A, 0);

    assert_true(wire_mp_has(&seg.mp, WIRE_MP_ADD_ADDR) && !seg.mp.add_addr.echo);
    seg = parse(dss, sizeof dss, A, 0);
    assert_true(wire_mp_has(&seg.mp, WIRE_MP_DSS) && seg.mp.dss.ack == 0x01020304);
    dss[3] = 0x0b; /* m without M, a with A */
    dss[1] = 8;
    seg = parse(dss, sizeof dss, A, 0);
    assert_int_equal(seg.bad_mp, 1);
    dss[3] = 0x0a; /* a and m without A and M mean nothing */
    dss[1] = 4;
    seg = parse(dss, 4, A, 0);
    assert_true(wire_mp_has(&seg.mp, WIRE_MP_DSS) && !seg.mp.dss.ack64 && !seg.mp.dss.dsn64);
}

/* The nibble of version 0 is 4 or 6 and fits the length; anything else without an HMAC is a form
 * of version 1. */
/*= RFC 6824 3.4.1
 * For IPv6, the IPVer field will read 6, and the length of the address will be 16 octets (instead
 * of 4). */
static void add_addr_of_version_0(void **state)
{
    uint8_t add[] = { 30, 8, 0x34, 3, 10, 0, 0, 9 };
    struct wire_seg seg = parse(add, sizeof add, A, 0);

    assert_true(seg.mp.add_addr.v0 && !seg.mp.add_addr.echo && !seg.mp.add_addr.has_hmac);
    add[2] = 0x36; /* IPv6 in four octets */
    seg = parse(add, sizeof add, A, 0);
    assert_true(!seg.mp.add_addr.v0 && !seg.mp.add_addr.echo);
    add[2] = 0x31;
    seg = parse(add, sizeof add, A, 0);
    assert_true(!seg.mp.add_addr.v0 && seg.mp.add_addr.echo);
}

static void prio_with_an_address_id(void **state)
{
    const uint8_t with[] = { 30, 4, 0x51, 9 }, without[] = { 30, 3, 0x50 };
    struct wire_seg seg = parse(with, sizeof with, A, 0);

    assert_true(seg.mp.prio_backup && seg.mp.prio_has_id && seg.mp.prio_id == 9);
    seg = parse(without, sizeof without, A, 0);
    assert_true(!seg.mp.prio_backup && !seg.mp.prio_has_id);
}

static void unknown_and_doubled(void **state)
{
    uint8_t p[] = { 30, 3, 0x50, 30, 3, 0x51, 30, 4, 0x90, 0, 30, 5, 0xf0, 1, 2, 30, 2,
                    30, 3, 0x58 };
    struct wire_seg seg = parse(p, sizeof p, A, 0);

    assert_true(wire_mp_has(&seg.mp, WIRE_MP_PRIO) && !seg.mp.prio_backup); /* the first counts */
    assert_int_equal(seg.bad_mp, 3);
    assert_int_equal(seg.bad_options, 0);
    p[1] = 3;
    p[2] = 0x30; /* an ADD_ADDR that is too short does not keep a good one out */
    seg = parse(p, sizeof p, A, 0);
    assert_true(wire_mp_has(&seg.mp, WIRE_MP_PRIO) && seg.mp.prio_backup);
}

static void round_trips(void **state)
{
    static const uint8_t flags[] = { S, SA, A, R | A };
    struct dice d = { 4711 };

    for (unsigned i = 0; i < 20000; i++) {
        uint8_t f = flags[roll(&d, 4)], out[120];
        bool syn = (f & S) != 0, pad = roll(&d, 2) == 0;
        unsigned which = (unsigned)roll(&d, 512);
        struct wire_mp mp;
        struct wire_seg seg;
        struct wcursor w;

        which &= syn ? 3 : f == A ? 0xff : 0x1fc;
        kit_mp(&d, f, which, &mp);
        wcursor_init(&w, out, sizeof out);
        wire_mp_emit(&w, &mp, pad);
        if (w.bad)
            continue;
        assert_true(!pad || wcursor_used(&w) % 4 == 0);
        assert_true(pad || wcursor_used(&w) == wire_mp_len(&mp));
        seg = parse(out, wcursor_used(&w), f, 1);
        assert_true(kit_same_mp(&mp, &seg.mp));
        assert_int_equal(seg.bad_mp, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_parses_and_comes_back),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(the_segment_decides),
        cmocka_unit_test(data_form_needs_data),
        cmocka_unit_test(fields),
        cmocka_unit_test(reserved_bits_are_ignored),
        cmocka_unit_test(add_addr_of_version_0),
        cmocka_unit_test(prio_with_an_address_id),
        cmocka_unit_test(unknown_and_doubled),
        cmocka_unit_test(round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 1400, CAP = 65535 };

static uint8_t joined[CAP];

struct packet {
    uint8_t bytes[2048];
    uint32_t len;
};

struct change {
    uint8_t family, flags, ecn;
    uint32_t seq, ack, tsval, len;
};

static const struct change plain = {
    .family = 4, .flags = WIRE_ACK, .seq = 100, .ack = 9, .tsval = 7, .len = SIZE};

static void make(struct packet *p, const struct change *c)
{
    struct plait_addr a = kit_addr(c->family, 1, 1), b = kit_addr(c->family, 2, 2);
    struct wire_tcpopts opt = {.has_ts = true, .tsval = c->tsval};
    struct wire_emit how = {.src = &a,
                            .dst = &b,
                            .seq = c->seq,
                            .ack = c->ack,
                            .opt = &opt,
                            .ecn = c->ecn,
                            .payload_len = c->len,
                            .flags = c->flags};
    uint8_t ip_len;
    unsigned head_len = wire_emit_headers(&how, p->bytes, &ip_len);
    struct wire_view view = {p->bytes + head_len, c->len};

    for (uint32_t i = 0; i < c->len; i++)
        p->bytes[head_len + i] = (uint8_t)((c->seq + i) * 7 + (c->seq + i) / 251);
    wire_finish_csum(p->bytes, head_len, ip_len, &view, 1);
    p->len = head_len + c->len;
}

static struct wire_gro begin(const struct change *c)
{
    struct wire_gro g = {.bytes = joined, .cap = CAP};
    struct packet p;

    make(&p, c);
    assert_true(wire_gro_begin(&g, p.bytes, p.len, false));
    return g;
}

static bool takes(struct wire_gro *g, const struct change *c)
{
    struct packet p;

    make(&p, c);
    return wire_gro_add(g, p.bytes, p.len, false);
}

/* A run of packets becomes one, with all payload and the last one's PSH. */
static void a_run(void **state)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct change c = plain;
        struct wire_packet out;
        struct wire_gro g;
        uint32_t len;

        c.family = family;
        c.seq = 0xffffff00; /* it wraps */
        g = begin(&c);
        for (int i = 1; i < 20; i++) {
            assert_false(g.full);
            c.seq += SIZE;
            c.len = i == 19 ? 77 : SIZE;
            c.flags = i == 19 ? WIRE_ACK | WIRE_PSH : WIRE_ACK;
            assert_true(takes(&g, &c));
        }
        assert_true(g.full);
        len = wire_gro_end(&g);
        assert_int_equal(g.len, 0);
        assert_int_equal(wire_parse(joined, len, true, &out), PLAIT_REASON_NONE);
        assert_int_equal(out.seg.len, 19 * SIZE + 77);
        assert_int_equal(out.seg.seq, 0xffffff00);
        assert_int_equal(out.seg.flags, WIRE_ACK | WIRE_PSH);
        assert_true(out.seg.opt.has_ts && out.seg.opt.tsval == 7);
        for (uint32_t i = 0, at = 0xffffff00; i < out.seg.len; i++, at++)
            assert_int_equal(out.seg.data[i], (uint8_t)(at * 7 + at / 251));
    }
}

/* What differs in more than its place in the stream stays alone. */
static void strangers(void **state)
{
    struct change next = plain, c;
    struct wire_gro g = begin(&plain);

    next.seq += SIZE;
    c = next, c.seq++;
    assert_false(takes(&g, &c));
    c = next, c.ack++;
    assert_false(takes(&g, &c));
    c = next, c.tsval++;
    assert_false(takes(&g, &c));
    c = next, c.ecn = 3;
    assert_false(takes(&g, &c));
    c = next, c.family = 6;
    assert_false(takes(&g, &c));
    c = next, c.len = SIZE + 1;
    assert_false(takes(&g, &c));
    c = next, c.len = 0;
    assert_false(takes(&g, &c));
    c = next, c.flags = WIRE_ACK | WIRE_FIN;
    assert_false(takes(&g, &c));
    assert_true(takes(&g, &next));
    assert_int_equal(g.len, 20 + 32 + 2 * SIZE);
}

static void none_begins(struct change c)
{
    struct wire_gro g = {.bytes = joined, .cap = CAP};
    struct packet p;

    make(&p, &c);
    assert_false(wire_gro_begin(&g, p.bytes, p.len, false));
    assert_int_equal(wire_gro_end(&g), 0);
}

static void what_begins(void **state)
{
    struct change c;

    c = plain, c.len = 0;
    none_begins(c);
    c = plain, c.flags = WIRE_ACK | WIRE_FIN;
    none_begins(c);
    c = plain, c.flags = WIRE_ACK | WIRE_CWR;
    none_begins(c);
    c = plain, c.flags = WIRE_SYN;
    none_begins(c);
}

/* A wrong checksum would become a right one. */
static void wrong_checksums(void **state)
{
    struct wire_gro g = {.bytes = joined, .cap = CAP};
    struct change next = plain;
    struct packet p;

    make(&p, &plain);
    p.bytes[p.len - 1] ^= 1;
    assert_false(wire_gro_begin(&g, p.bytes, p.len, false));
    g = begin(&plain);
    next.seq += SIZE;
    make(&p, &next);
    p.bytes[p.len - 1] ^= 1;
    assert_true(wire_gro_follows(&g, p.bytes, p.len));
    assert_false(wire_gro_add(&g, p.bytes, p.len, false));
    assert_true(wire_gro_add(&g, p.bytes, p.len, true)); /* somebody else has looked */
}

/* A link pads short frames; no byte of that is payload. No length is believed beyond the frame. */
static void lengths(void **state)
{
    struct change c = plain, next = plain;
    struct wire_gro g = {.bytes = joined, .cap = CAP};
    struct packet p;

    c.len = 20;
    make(&p, &c);
    assert_true(wire_gro_begin(&g, p.bytes, p.len + 9, false));
    assert_int_equal(g.size, 20);
    for (uint32_t len = 0; len < p.len; len++)
        assert_false(wire_gro_begin(&g, p.bytes, len, false));
    g = begin(&plain);
    next.seq += SIZE;
    make(&p, &next);
    for (uint32_t len = 0; len < p.len; len++)
        assert_false(wire_gro_add(&g, p.bytes, len, false));
    assert_true(wire_gro_add(&g, p.bytes, p.len, false));
}

/* The caller's memory is the limit. */
static void a_full_block(void **state)
{
    struct change c = plain;
    struct wire_gro g = begin(&c);
    unsigned n = 1;

    for (;; n++) {
        c.seq += SIZE;
        if (!takes(&g, &c))
            break;
    }
    assert_int_equal(n, (CAP - 52) / SIZE);
    assert_int_equal(wire_gro_end(&g), 52 + n * SIZE);
}

/* Headers with their payload elsewhere come to the same as packets in one piece. */
static void in_parts(void **state)
{
    static const struct change steps[] = {
        {.family = 4, .flags = WIRE_ACK, .seq = 100, .len = SIZE},
        {.family = 4, .flags = WIRE_ACK, .seq = 100 + SIZE, .len = SIZE},
        {.family = 4, .flags = WIRE_ACK | WIRE_FIN, .seq = 100 + 2 * SIZE, .len = SIZE},
        {.family = 4, .flags = WIRE_ACK, .seq = 100 + 2 * SIZE, .len = SIZE, .tsval = 1},
        {.family = 4, .flags = WIRE_ACK, .seq = 100 + 2 * SIZE, .len = 0},
        {.family = 4, .flags = WIRE_ACK | WIRE_PSH, .seq = 100 + 2 * SIZE, .len = 10},
        {.family = 4, .flags = WIRE_ACK, .seq = 110 + 2 * SIZE, .len = SIZE},
    };
    static uint8_t other[CAP];
    struct wire_gro g = {.bytes = joined, .cap = CAP}, h = {.bytes = other, .cap = CAP};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct packet p;
        uint32_t head = 52;
        make(&p, &steps[i]);
        bool whole = i == 0 ? wire_gro_begin(&g, p.bytes, p.len, false)
                            : wire_gro_add(&g, p.bytes, p.len, false);
        const uint8_t *data = p.bytes + head;
        bool parts = i == 0 ? wire_gro_begin_parts(&h, p.bytes, data, p.len)
                            : wire_gro_add_parts(&h, p.bytes, data, p.len);
        assert_int_equal(whole, parts);
        assert_int_equal(whole, i == 0 || i == 1 || i == 5);
        assert_int_equal(g.full, h.full);
    }
    uint32_t len = wire_gro_end(&g);
    assert_int_equal(len, 52 + 2 * SIZE + 10);
    assert_int_equal(wire_gro_end(&h), len);
    assert_memory_equal(joined, other, len);
    struct packet syn;
    struct change c = plain;
    c.flags = WIRE_SYN;
    make(&syn, &c);
    assert_false(wire_gro_begin_parts(&h, syn.bytes, NULL, syn.len));
    make(&syn, &plain);
    memset(other, 0, CAP);
    assert_true(wire_gro_begin_parts(&h, syn.bytes, NULL, syn.len)); /* no content at all */
    assert_int_equal(wire_gro_end(&h), 52 + SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(other[52 + i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run),       cmocka_unit_test(strangers),
        cmocka_unit_test(what_begins), cmocka_unit_test(wrong_checksums),
        cmocka_unit_test(lengths),     cmocka_unit_test(a_full_block),
        cmocka_unit_test(in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

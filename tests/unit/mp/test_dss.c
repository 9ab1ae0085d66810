/* SPDX-License-Identifier: Apache-2.0 */
/* DSS from friends and foes: short numbers, repeated, partial, overlapping, wild and missing
 * mappings, DATA_ACKs of what was never sent. */
#include "cm.h"
#include "base/csum.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static void start(uint64_t seed, unsigned paths)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 1000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(p.side[1].read, 1000);
}

static void finish(uint64_t up, uint64_t down)
{
    p.hook = NULL;
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 300 * PLAIT_SEC));
    pair_expect_all(&p, up, down);
    pair_fini(&p);
}

/*= RFC 8684 3.3.1-9, 3.3.1-13, 3.3.1-14 */
static void numbers(void **state)
{
    struct mp_conn *c;
    struct wire_mp_dss d = { .has_map = true };

    start(1, 1);
    c = p.side[1].conn;
    assert_true(mp_dsn_in(c, 0) == p.side[0].conn->local.idsn + 1);
    assert_true(mp_dsn_out(c, 5) == c->local.idsn + 6);
    d.dsn64 = true;
    d.dsn = mp_dsn_in(c, 1000);
    assert_true(mp_pos_of_dsn(c, &d) == 1000);
    d.dsn64 = false;
    d.dsn &= UINT32_MAX;
    assert_true(mp_pos_of_dsn(c, &d) == 1000);
    d.dsn = (mp_dsn_in(c, 999)) & UINT32_MAX;
    assert_true(mp_pos_of_dsn(c, &d) == 999);
    d.dsn = (mp_dsn_in(c, 0) - 1) & UINT32_MAX;
    assert_true(mp_pos_of_dsn(c, &d) == UINT64_MAX);
    /* The lower half wraps, the upper half follows. */
    c->remote.idsn = 0x1fffffff0ull - 1;
    d.dsn = 0x00000100;
    assert_true(mp_pos_of_dsn(c, &d) == 0x110);
    c->remote.idsn = p.side[0].conn->local.idsn;
    assert_true(mp_off_of_ssn(mp_first(c), 1001) == 1000);
    finish(1000, 1000);
}

static void checksum(void **state)
{
    struct mp_pseudo pseudo = { 0x0102030405060708ull, 0x0a0b0c0d, 6 };
    static const uint8_t data[6] = { 1, 2, 3, 4, 5, 6 };
    uint64_t sum = csum_add(0, data, sizeof data);
    uint16_t value = mp_dss_csum(sum, &pseudo);

    /* 0102+0304+0506+0708 + 0a0b+0c0d + 0006 + 0102+0304+0506 = 2f3d+... by hand: 0x2f46 */
    assert_int_equal(value, (uint16_t)~0x2f3e);
    assert_true(mp_dss_csum_ok(sum, &pseudo, value));
    assert_false(mp_dss_csum_ok(sum, &pseudo, (uint16_t)(value + 1)));
    assert_false(mp_dss_csum_ok(sum + 1, &pseudo, value));
    pseudo.dll = 7;
    assert_false(mp_dss_csum_ok(sum, &pseudo, value));
}

/* ---- on the way, in flight ------------------------------------------------------------------ */

static bool short_numbers(struct pair *pair, int to, struct wire_seg *seg)
{
    if (wire_mp_has(&seg->mp, WIRE_MP_DSS)) {
        seg->mp.dss.dsn64 = seg->mp.dss.ack64 = false;
        seg->mp.dss.dsn &= UINT32_MAX;
        seg->mp.dss.ack &= UINT32_MAX;
    }
    return true;
}

/*= RFC 8684 3.3.1-11, 3.3.2-2 */
static void short_numbers_work(void **state)
{
    pair_init(&p, 2, 2);
    p.hook = short_numbers;
    pair_transfer(&p, 1 << 20, 1 << 20);
    pair_connect(&p);
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    pair_expect_all(&p, 1 << 20, 1 << 20);
    pair_fini(&p);
}

static bool first_of_chunk_only(struct pair *pair, int to, struct wire_seg *seg)
{
    struct wire_mp_dss *d = &seg->mp.dss;
    const struct mp_subflow *s = pair->side[to].conn != NULL ? mp_first(pair->side[to].conn) : NULL;

    /* Segments inside a mapping that is known go without one (RFC 8684 3.3.1). */
    if (s != NULL && wire_mp_has(&seg->mp, WIRE_MP_DSS) && d->has_map && seg->len > 0 &&
        tcp_ssn_in(&s->tcb, seg->seq) != d->ssn &&
        mp_map_at(s, mp_off_of_ssn(s, d->ssn) + 1) != NULL)
        d->has_map = false;
    return true;
}

static void one_mapping_for_many_segments(void **state)
{
    pair_init(&p, 3, 1);
    p.hook = first_of_chunk_only;
    pair_transfer(&p, 1 << 20, 1 << 20);
    pair_connect(&p);
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    pair_expect_all(&p, 1 << 20, 1 << 20);
    pair_fini(&p);
}

enum deed { CONFLICT, OUTSIDE, WILD, NO_CSUM, ACK_AHEAD, FIN_ELSEWHERE, BELOW };
struct meddle { enum deed deed; unsigned n; int to; };

static void meddle_map(struct meddle *m, struct wire_mp_dss *d)
{
    switch (m->deed) {
    case CONFLICT:
        d->dsn += 7;
        break;
    case OUTSIDE:
        d->ssn += 0x1000000;
        break;
    case WILD:
        d->dsn += 1ull << 33;
        break;
    case BELOW:
        d->dsn -= 1ull << 40;
        break;
    case NO_CSUM:
        d->has_csum = !d->has_csum;
        break;
    default:
        m->n++; /* not this one */
        break;
    }
}

static bool meddle_hook(struct pair *pair, int to, struct wire_seg *seg)
{
    struct meddle *m = pair->hook_data;
    struct wire_mp_dss *d = &seg->mp.dss;

    if (to != m->to || m->n == 0 || !wire_mp_has(&seg->mp, WIRE_MP_DSS))
        return true;
    m->n--;
    if (m->deed == ACK_AHEAD && d->has_ack)
        d->ack += 100000;
    else if (m->deed == FIN_ELSEWHERE && d->data_fin)
        d->dsn += 3;
    else if (d->has_map && seg->len > 0)
        meddle_map(m, d);
    else
        m->n++;
    return true;
}

/* A second copy of a segment, with another mapping for the same bytes. */
static bool twice(struct pair *pair, int to, struct wire_seg *seg)
{
    struct meddle *m = pair->hook_data;
    struct wire_seg other = *seg;
    struct plait_block *none = NULL;
    struct mp_subflow *s = to == 1 && pair->side[1].conn != NULL ? pair_sub(pair, 1, 0) : NULL;
    struct mp_map *map;

    if (s == NULL || m->n == 0 || seg->len == 0 || !wire_mp_has(&seg->mp, WIRE_MP_DSS) ||
        seg->seq == s->tcb.rcv_nxt)
        return true;
    m->n--;
    mp_input(s, seg, &none, pair->now); /* out of order: its map is kept */
    map = s->maps.count > 0 ? ring_at(&s->maps, 0) : NULL;
    assert_non_null(map);
    other.mp.dss.dsn += 7;
    mp_input(s, &other, &none, pair->now);
    return false;
}

static void contradiction_ends_the_subflow(void **state)
{
    struct meddle m = { CONFLICT, 1, 1 };

    start(4, 2);
    p.path[0].reorder_ppm = 200000;
    p.path[1].down = true;
    p.hook = twice;
    p.hook_data = &m;
    p.side[0].to_write = 1 << 20;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(m.n, 0);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DSS_CONFLICT), 1);
    p.path[1].down = false;
    finish(1 << 20, 1000);
}

/*= RFC 8684 3.3.1
 * The mapping provided by a Data Sequence Mapping MUST apply to some or all of the subflow sequence
 * space in the TCP segment that carries the option. */
static void mapping_elsewhere_is_no_mapping(void **state)
{
    struct meddle m = { OUTSIDE, 1, 1 };

    start(5, 2);
    p.hook = meddle_hook;
    p.hook_data = &m;
    p.side[0].to_write = 100000;
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    assert_true(pair_count(&p, 1, PLAIT_REASON_DSS_OUTSIDE) >= 1);
    finish(100000, 1000);
}

/* Data for another place than the window: dropped, not acknowledged, and it comes again. */
static void outside_of_the_window(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct meddle m = { i == 0 ? WILD : BELOW, 1, 1 };
        start(6 + i, 2);
        p.hook = meddle_hook;
        p.hook_data = &m;
        p.side[0].to_write = 2400;
        pair_run(&p, p.now + 20 * PLAIT_SEC);
        assert_int_equal(m.n, 0);
        assert_true(pair_count(&p, 1, PLAIT_REASON_DSS_WINDOW) >= 1);
        assert_int_equal(p.side[1].read, 2400);
        finish(2400, 1000);
    }
}

/*= RFC 8684 3.3-2, 3.3-3 */
static void checksum_missing_or_unasked(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct meddle m = { NO_CSUM, 1, 1 };
        pair_init(&p, 8 + i, 2);
        p.side[0].cfg.checksum = i == 1;
        p.side[0].keep_open = p.side[1].keep_open = true;
        pair_transfer(&p, 1000, 1000);
        pair_connect(&p);
        pair_run(&p, p.now + PLAIT_SEC);
        p.hook = meddle_hook;
        p.hook_data = &m;
        p.side[0].to_write = 5000;
        pair_run(&p, p.now + 5 * PLAIT_SEC);
        assert_int_equal(pair_count(&p, 1, i == 1 ? PLAIT_REASON_DSS_CSUM_MISSING
                                                  : PLAIT_REASON_DSS_CSUM_UNEXPECTED), 1);
        assert_int_equal(pair_count(&p, 0, PLAIT_REASON_TCPRST), 1);
        assert_int_equal(p.side[1].read, 5000);
        finish(5000, 1000);
    }
}

static void acknowledged_before_it_was_sent(void **state)
{
    struct meddle m = { ACK_AHEAD, 3, 0 };

    start(10, 1);
    p.hook = meddle_hook;
    p.hook_data = &m;
    p.side[0].to_write = 50000;
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_DATA_ACK_OUTSIDE), 3);
    finish(50000, 1000);
}

static void two_ends_of_one_stream(void **state)
{
    struct mp_subflow *s;

    start(11, 1);
    s = pair_sub(&p, 1, 0);
    mp_rx_data_fin(s, 500, p.now); /* before what has arrived */
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DATA_FIN_CONFLICT), 1);
    assert_false(p.side[1].conn->fin_seen);
    mp_rx_data_fin(s, 2000, p.now);
    assert_true(p.side[1].conn->fin_seen);
    mp_rx_data_fin(s, 2001, p.now);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DATA_FIN_CONFLICT), 2);
    mp_rx_data_fin(s, 2000, p.now);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DATA_FIN_CONFLICT), 2);
    p.side[0].to_write = 2000;
    pair_run(&p, p.now + PLAIT_SEC);
    assert_true(p.side[1].eof);
    finish(2000, 1000);
}

static struct wire_seg data_seg(const struct mp_subflow *s, uint32_t off, uint32_t len)
{
    static const uint8_t zeros[4096];
    struct wire_seg seg;

    memset(&seg, 0, sizeof seg);
    seg.src = s->tcb.remote;
    seg.dst = s->tcb.local;
    seg.seq = s->tcb.rcv_nxt + off;
    seg.ack = s->tcb.sndq.una;
    seg.wnd = 1000;
    seg.flags = WIRE_ACK;
    seg.opt.has_ts = true;
    seg.opt.tsval = s->tcb.ts_recent;
    seg.data = zeros;
    seg.len = len;
    return seg;
}

/* Every other byte, each with a mapping of its own. */
static void maps_are_bounded(void **state)
{
    struct mp_subflow *s;
    struct plait_block *none = NULL;

    start(12, 1);
    s = pair_sub(&p, 1, 0);
    for (uint32_t i = 0; i < 3000; i++) {
        struct wire_seg seg = data_seg(s, 1 + 2 * i, 1);
        seg.mp.any = true;
        seg.mp.present = 1u << WIRE_MP_DSS;
        seg.mp.dss = (struct wire_mp_dss){
            .has_map = true, .dsn64 = true, .dll = 1, .ssn = tcp_ssn_in(&s->tcb, seg.seq),
            .dsn = mp_dsn_in(p.side[1].conn, 1000 + 1 + 2 * i) };
        mp_input(s, &seg, &none, p.now);
        assert_true(s->maps.count <= MP_MAPS_MAX);
    }
    assert_int_equal(s->maps.count, MP_MAPS_MAX);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DSS_MAPS_FULL), 3000 - MP_MAPS_MAX);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static void add(struct mp_subflow *s, uint32_t off, uint32_t len, uint64_t pos, uint16_t dll)
{
    struct wire_seg seg = data_seg(s, off, len);
    struct plait_block *none = NULL;

    seg.mp.any = true;
    seg.mp.present = 1u << WIRE_MP_DSS;
    seg.mp.dss = (struct wire_mp_dss){ .has_map = true, .dsn64 = true, .dll = dll,
                                       .ssn = tcp_ssn_in(&s->tcb, seg.seq),
                                       .dsn = mp_dsn_in(p.side[1].conn, pos) };
    mp_input(s, &seg, &none, p.now);
}

/* Overlaps that agree are joined to one shift. */
static void overlaps_that_agree(void **state)
{
    struct mp_subflow *s;

    start(13, 1);
    s = pair_sub(&p, 1, 0);
    add(s, 100, 10, 1100, 50);  /* 100..150 */
    add(s, 200, 10, 1200, 50);  /* 200..250 */
    assert_int_equal(s->maps.count, 2);
    add(s, 120, 10, 1120, 100); /* 120..220 fills the gap */
    assert_int_equal(s->maps.count, 2);
    assert_int_equal(((struct mp_map *)ring_at(&s->maps, 0))->len, 100);
    add(s, 90, 10, 1090, 400);
    assert_int_equal(s->phase, MP_PHASE_OPEN);
    add(s, 480, 10, 1480 + 5, 100);
    assert_int_equal(s->phase, MP_PHASE_DOWN);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/*= RFC 8684 3.3.1-6, 3.3.1-7 */
/* It is acknowledged on the subflow alone and waits; the mapping comes with the next segment. */
static void unmapped_data_is_acknowledged(void **state)
{
    struct plait_block *none = NULL;
    struct mp_subflow *s;
    struct wire_seg seg;
    uint64_t data_nxt;
    uint32_t nxt;

    start(14, 1);
    s = pair_sub(&p, 1, 0);
    nxt = s->tcb.rcv_nxt;
    data_nxt = mp_rx_nxt(p.side[1].conn);
    seg = data_seg(s, 0, 1000);
    mp_input(s, &seg, &none, p.now);
    assert_int_equal(s->tcb.rcv_nxt, nxt + 1000);
    assert_int_equal(s->phase, MP_PHASE_OPEN);
    assert_true(mp_rx_nxt(p.side[1].conn) == data_nxt);
    seg = data_seg(s, 0, 10);
    seg.mp.any = true;
    seg.mp.present = 1u << WIRE_MP_DSS;
    seg.mp.dss = (struct wire_mp_dss){ .has_map = true, .dsn64 = true, .dll = 1010,
                                       .ssn = tcp_ssn_in(&s->tcb, seg.seq) - 1000,
                                       .dsn = mp_dsn_in(p.side[1].conn, 1000) };
    mp_input(s, &seg, &none, p.now);
    assert_true(mp_rx_nxt(p.side[1].conn) == data_nxt + 1010);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/*= RFC 8684 3.3.2
 * Because of this, an implementation MUST NOT use the RCV.WND field of a TCP segment at the
 * connection level if it does not also carry a DSS option with a Data ACK field. */
static void window_needs_a_data_ack(void **state)
{
    struct plait_block *none = NULL;
    struct mp_subflow *s;
    struct mp_conn *c;
    struct wire_seg seg;
    uint64_t edge;

    start(15, 1);
    c = p.side[0].conn;
    s = pair_sub(&p, 0, 0);
    edge = c->snd_edge;
    seg = data_seg(s, 0, 0);
    seg.wnd = 60000;
    mp_input(s, &seg, &none, p.now);
    assert_true(c->snd_edge == edge);
    seg.mp.any = true;
    seg.mp.present = 1u << WIRE_MP_DSS;
    seg.mp.dss = (struct wire_mp_dss){ .has_ack = true, .ack64 = true,
                                       .ack = mp_dsn_out(c, c->snd_una) };
    mp_input(s, &seg, &none, p.now);
    assert_true(c->snd_edge == c->snd_una + (60000u << s->tcb.snd_wscale));
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static bool only_news(struct pair *pair, int to, struct wire_seg *seg)
{
    uint64_t *told = pair->hook_data;
    struct wire_mp_dss *d = &seg->mp.dss;

    if (!wire_mp_has(&seg->mp, WIRE_MP_DSS) || !d->has_ack)
        return true;
    if (d->ack == told[to]) {
        d->has_ack = false;
        if (!d->has_map)
            seg->mp.present = 0; /* it was the only option */
    }
    told[to] = d->ack;
    return true;
}

/*= RFC 8684 3.3.2
 * The Data ACK MAY be included in all segments; however, optimizations SHOULD be considered in more
 * advanced implementations, where the Data ACK is present in segments only when the Data ACK value
 * advances, and this behavior MUST be treated as valid. */
static void data_acks_only_where_they_advance(void **state)
{
    uint64_t told[2] = { 0, 0 };

    pair_init(&p, 16, 2);
    p.hook = only_news;
    p.hook_data = told;
    pair_transfer(&p, 1 << 20, 1 << 20);
    pair_connect(&p);
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    pair_expect_all(&p, 1 << 20, 1 << 20);
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(checksum), cmocka_unit_test(short_numbers_work),
        cmocka_unit_test(one_mapping_for_many_segments),
        cmocka_unit_test(contradiction_ends_the_subflow),
        cmocka_unit_test(mapping_elsewhere_is_no_mapping), cmocka_unit_test(outside_of_the_window),
        cmocka_unit_test(checksum_missing_or_unasked),
        cmocka_unit_test(acknowledged_before_it_was_sent), cmocka_unit_test(two_ends_of_one_stream),
        cmocka_unit_test(maps_are_bounded), cmocka_unit_test(overlaps_that_agree),
        cmocka_unit_test(unmapped_data_is_acknowledged),
        cmocka_unit_test(window_needs_a_data_ack),
        cmocka_unit_test(data_acks_only_where_they_advance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

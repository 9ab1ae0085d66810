/* SPDX-License-Identifier: Apache-2.0 */
/* Which segment carries which option, on the wire. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

struct note { int to; uint8_t flags; uint32_t len; struct wire_mp mp; struct wire_tcpopts opt; };
static struct note note[4000];
static unsigned notes;

static bool take_notes(struct pair *pair, int to, struct wire_seg *seg)
{
    if (notes < sizeof note / sizeof note[0])
        note[notes++] = (struct note){ to, seg->flags, seg->len, seg->mp, seg->opt };
    return true;
}

static void start(uint64_t seed, unsigned paths, uint64_t up, uint64_t down)
{
    notes = 0;
    pair_init(&p, seed, paths);
    p.hook = take_notes;
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, up, down);
    pair_connect(&p);
}

static void finish(uint64_t up, uint64_t down)
{
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 100 * PLAIT_SEC));
    pair_expect_all(&p, up, down);
    pair_fini(&p);
}

/*= RFC 8684 3.1-1, 3.1-8, 3.1-12, 3.1-15, 3.1-16 */
static void the_handshake(void **state)
{
    start(1, 1, 0, 0);
    pair_run(&p, p.now + 100 * PLAIT_MSEC);
    assert_true(notes >= 3);
    assert_int_equal(note[0].flags, WIRE_SYN);
    assert_int_equal(note[0].mp.present, 1u << WIRE_MP_CAPABLE);
    assert_int_equal(note[0].mp.capable.len, 4);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(note[i].mp.capable.version, 1);
        assert_int_equal(note[i].mp.capable.flags, WIRE_CAP_H);
    }
    assert_int_equal(note[1].mp.capable.len, 12);
    assert_int_equal(note[2].mp.capable.len, 20);
    assert_true(note[2].mp.capable.key_sender == p.side[0].conn->local.key);
    assert_true(note[2].mp.capable.key_receiver == p.side[1].conn->local.key);
    finish(0, 0);
}

static void first_data_carries_the_keys(void **state)
{
    unsigned i = 2;

    start(2, 1, 500, 0);
    pair_run(&p, p.now + 200 * PLAIT_MSEC);
    while (i < notes && note[i].len == 0)
        i++;
    assert_int_equal(note[i].mp.present, 1u << WIRE_MP_CAPABLE);
    assert_int_equal(note[i].mp.capable.len, 22);
    assert_int_equal(note[i].mp.capable.dll, 500);
    for (i++; i < notes && note[i].to == 1; i++)
        ;
    assert_true(wire_mp_has(&note[i].mp, WIRE_MP_DSS));
    finish(500, 0);
}

/*= RFC 8684 3.3.1-1, 3.3.1-12, 3.7-2 */
/* Every data segment has a mapping, the same for the same bytes, and room for timestamps beside
 * it. */
static void data_is_mapped_always_alike(void **state)
{
    unsigned data = 0;

    for (unsigned csum = 0; csum < 2; csum++) {
        start(3, 2, 0, 0);
        p.side[0].cfg.checksum = csum == 1;
        p.side[0].to_write = 1 << 20;
        p.path[0].loss_ppm = 20000;
        pair_run(&p, p.now + 3 * PLAIT_SEC);
        for (unsigned i = 0; i < notes; i++) {
            if (note[i].to != 1 || note[i].len == 0)
                continue;
            if (wire_mp_has(&note[i].mp, WIRE_MP_CAPABLE) && note[i].mp.capable.len > 20)
                continue; /* the first mapping */
            assert_true(wire_mp_has(&note[i].mp, WIRE_MP_DSS));
            data++;
            assert_true(note[i].opt.has_ts);
            assert_true(note[i].mp.dss.has_map && note[i].mp.dss.dsn64 && note[i].mp.dss.has_ack);
            assert_int_equal(note[i].mp.dss.has_csum, csum);
        }
        finish(1 << 20, 0);
    }
    assert_true(data > 1000);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DSS_CONFLICT), 0);
}

/*= RFC 8684 3.3.1-10, 3.3.2-1 */
static void acks_have_as_many_bits_as_the_data(void **state)
{
    start(4, 1, 0, 5000);
    pair_run(&p, p.now + 300 * PLAIT_MSEC);
    for (unsigned i = 3; i < notes; i++)
        if (wire_mp_has(&note[i].mp, WIRE_MP_DSS) && note[i].to == 0)
            assert_false(note[i].mp.dss.ack64); /* no data went up */
    assert_true(note[notes - 1].to == 1 || note[notes - 2].to == 1);
    for (unsigned i = notes; i > 0; i--)
        if (note[i - 1].to == 1 && note[i - 1].len == 0) {
            assert_true(note[i - 1].mp.dss.ack64);
            break;
        }
    finish(0, 5000);
}

/*= RFC 8684 3-2, 3.4.1-15, 4-3 */
static void no_more_than_two_in_a_row(void **state)
{
    unsigned row = 0, adds = 0;

    pair_init(&p, 5, 1);
    for (unsigned i = 1; i < 4; i++)
        pair_local(&p, 1, i, PLAIT_LOCAL_SIGNAL);
    notes = 0;
    p.hook = take_notes;
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].cfg.pm = &pm_none_ops;
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    pair_run(&p, p.now + 150 * PLAIT_MSEC);
    for (unsigned i = 0; i < notes; i++) {
        bool signal = wire_mp_has(&note[i].mp, WIRE_MP_ADD_ADDR) && !note[i].mp.add_addr.echo;
        if (note[i].to != 0)
            continue;
        adds += signal;
        row = signal ? row + 1 : 0;
        assert_true(row <= MP_SIGNALS_IN_A_ROW);
        if (signal)
            assert_int_equal(note[i].len, 0);
    }
    assert_true(adds >= MP_SIGNALS_IN_A_ROW);
    pair_run(&p, p.now + 500 * PLAIT_MSEC); /* the rest when it is no row any more */
    for (unsigned i = 0; i < 3; i++)
        assert_true(mp_announced_at(p.side[1].conn, i)->echoed);
    finish(100, 100);
}

static void long_announcement_goes_without_timestamps(void **state)
{
    struct mp_subflow *s;
    struct mp_plan plan;
    struct plait_addr six = { .family = 6, .port = 99, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
    uint8_t head[100], ip_len;

    start(6, 1, 100, 100);
    pair_run(&p, p.now + PLAIT_SEC);
    s = pair_sub(&p, 1, 0);
    mp_addr_announce(p.side[1].conn, 7, &six);
    assert_true(mp_plan(p.side[1].conn, p.now, &plan));
    assert_int_equal(plan.signals, MP_SIG_ADD);
    assert_false(plan.tcp.opt.has_ts);
    assert_int_equal(plan.mp.present, 1u << WIRE_MP_ADD_ADDR);
    assert_true(wire_emit_headers(&(struct wire_emit){ .src = &s->tcb.local, .dst = &s->tcb.remote,
                                                       .flags = plan.tcp.flags, .mp = &plan.mp,
                                                       .opt = &plan.tcp.opt }, head, &ip_len) > 0);
    six.port = 0;
    mp_addr_announce(p.side[1].conn, 7, &six);
    assert_true(mp_plan(p.side[1].conn, p.now, &plan));
    assert_true(plan.tcp.opt.has_ts);
    p.side[1].conn->announced.n = 0;
    finish(100, 100);
}

/*= RFC 8684 3.3-4, 3.3.6-5, 3.7-6 */
static void codes(void **state)
{
    static const struct { enum plait_reason why; uint8_t code; bool transient; } want[] = {
        { PLAIT_REASON_JOIN_TOKEN, 1, false }, { PLAIT_REASON_JOIN_HMAC, 1, false },
        { PLAIT_REASON_JOIN_NO_OPTION, 1, false }, { PLAIT_REASON_JOIN_LIMIT, 3, false },
        { PLAIT_REASON_DSS_CSUM_UNEXPECTED, 1, false },
        { PLAIT_REASON_DSS_CSUM_MISSING, 1, false }, { PLAIT_REASON_MP_NO_DATA_ACK, 6, false },
        { PLAIT_REASON_JOIN_POLICY, 3, false }, { PLAIT_REASON_NO_MEMORY, 2, true },
        { PLAIT_REASON_RETRIES, 5, true }, { PLAIT_REASON_DSS_UNMAPPED, 6, false },
        { PLAIT_REASON_DSS_CSUM, 6, true }, { PLAIT_REASON_LOCAL_ABORT, 0, false },
    };

    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct wire_mp mp;
        memset(&mp, 0, sizeof mp);
        mp_tcprst(want[i].why, &mp);
        assert_true(wire_mp_has(&mp, WIRE_MP_TCPRST));
        assert_int_equal(mp.rst.reason, want[i].code);
        assert_int_equal(mp.rst.transient, want[i].transient);
    }
}

static void fast_close_on_every_reset(void **state)
{
    unsigned resets = 0;

    start(7, 3, 100, 100);
    pair_run(&p, p.now + PLAIT_SEC);
    notes = 0;
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    for (unsigned i = 0; i < notes; i++)
        if (note[i].to == 1 && (note[i].flags & WIRE_RST) != 0) {
            resets++;
            assert_true(wire_mp_has(&note[i].mp, WIRE_MP_FASTCLOSE));
            assert_true(wire_mp_has(&note[i].mp, WIRE_MP_TCPRST));
            assert_true(note[i].mp.fastclose_key == p.side[1].conn->local.key);
        }
    assert_int_equal(resets, 3);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static struct wire_seg forged(const struct mp_subflow *s)
{
    struct wire_seg seg;

    memset(&seg, 0, sizeof seg);
    seg.src = s->tcb.remote;
    seg.dst = s->tcb.local;
    seg.flags = WIRE_ACK;
    seg.seq = s->tcb.rcv_nxt;
    seg.ack = s->tcb.sndq.nxt;
    seg.wnd = 1000;
    seg.opt.has_ts = true;
    seg.opt.tsval = s->tcb.ts_recent;
    seg.mp.any = true;
    seg.mp.present = 1u << WIRE_MP_FASTCLOSE | 1u << WIRE_MP_ADD_ADDR | 1u << WIRE_MP_PRIO;
    seg.mp.fastclose_key = s->conn->local.key;
    seg.mp.prio_backup = true;
    seg.mp.add_addr = (struct wire_mp_add_addr){ .has_hmac = true, .id = 9,
                                                 .addr = pair_addr(1, 3, 0) };
    mp_addr_hmac(s->conn->remote.key, s->conn->local.key, &seg.mp.add_addr, seg.mp.add_addr.hmac);
    return seg;
}

/* OPT-01. Options that prove themselves, on segments that TCP does not accept. */
/*= RFC 8684 3.4.1
 * As with all MPTCP signals, the receiver MUST undertake standard TCP validity checks, e.g., per
 * [RFC5961], before acting upon it. */
static void nothing_counts_on_a_segment_out_of_place(void **state)
{
    static const struct { uint32_t seq, ack; } off[] = {
        { 1u << 30, 0 }, { (uint32_t)-(1 << 30), 0 }, { 0, 5000 }, { 0, (uint32_t)-(1 << 30) },
    };
    struct plait_block *block = NULL;
    struct mp_subflow *s;
    struct wire_seg seg;

    start(20, 1, 1000, 1000);
    pair_run(&p, p.now + PLAIT_SEC);
    s = pair_sub(&p, 0, 0);
    for (unsigned i = 0; i < sizeof off / sizeof off[0]; i++) {
        seg = forged(s);
        seg.seq += off[i].seq;
        seg.ack += off[i].ack;
        mp_input(s, &seg, &block, p.now);
        assert_false(p.side[0].conn->over);
        assert_false(s->backup_remote);
        assert_int_equal(p.side[0].conn->remotes.n, 1);
    }
    seg = forged(s);
    seg.mp.present &= (uint16_t)~(1u << WIRE_MP_FASTCLOSE);
    mp_input(s, &seg, &block, p.now);
    assert_true(s->backup_remote);
    assert_int_equal(p.side[0].conn->remotes.n, 2);
    seg = forged(s);
    mp_input(s, &seg, &block, p.now);
    assert_true(p.side[0].conn->over);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/*= RFC 8684 3.3.3-1, 3.3.3-2, 3.3.3-3, 3.3.3-4 */
/* The DATA_FINs by themselves; then, and not before, FINs on each subflow, and no RST. */
static void data_fin_alone_then_fins(void **state)
{
    unsigned fins[2] = { 0, 0 }, data_fins[2] = { 0, 0 };
    uint64_t end[2];

    start(8, 2, 1000, 2000);
    pair_run(&p, p.now + PLAIT_SEC);
    end[1] = mp_dsn_out(p.side[0].conn, 1000);
    end[0] = mp_dsn_out(p.side[1].conn, 2000);
    notes = 0;
    finish(1000, 2000);
    for (unsigned i = 0; i < notes; i++) {
        const struct wire_mp_dss *d = &note[i].mp.dss;
        assert_int_equal(note[i].flags & WIRE_RST, 0);
        if (wire_mp_has(&note[i].mp, WIRE_MP_DSS) && d->data_fin) {
            data_fins[note[i].to]++;
            assert_int_equal(note[i].len, 0);
            assert_int_equal(d->ssn, 0);
            assert_int_equal(d->dll, 1);
            assert_true(d->dsn == end[note[i].to]);
        }
        if ((note[i].flags & WIRE_FIN) != 0) {
            assert_true(data_fins[0] > 0 && data_fins[1] > 0);
            fins[note[i].to]++;
        }
    }
    assert_int_equal(fins[0], 2);
    assert_int_equal(fins[1], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_counts_on_a_segment_out_of_place),
        cmocka_unit_test(the_handshake), cmocka_unit_test(first_data_carries_the_keys),
        cmocka_unit_test(data_is_mapped_always_alike),
        cmocka_unit_test(acks_have_as_many_bits_as_the_data),
        cmocka_unit_test(no_more_than_two_in_a_row),
        cmocka_unit_test(long_announcement_goes_without_timestamps), cmocka_unit_test(codes),
        cmocka_unit_test(fast_close_on_every_reset),
        cmocka_unit_test(data_fin_alone_then_fins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

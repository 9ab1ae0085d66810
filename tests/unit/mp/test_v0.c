/* SPDX-License-Identifier: Apache-2.0 */
/* Version 0 (RFC 6824) as far as it differs: the handshake, joins, announcements, priorities,
 * checksums, fast close, fallback. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

/* What the hook has seen, and what it is to do. */
static struct {
    unsigned syn, synack, third, join_syn, add, tcprst, fastclose, fail, echo, infinite;
    unsigned drop_third;  /* segments to side 1 with MP_CAPABLE of 20 octets, to be dropped */
    unsigned drop_fastclose; /* so many of them get lost */
    bool strip_third;     /* the options of the third ACK get lost */
    bool drop_rst;        /* no RST gets to side 0 */
    bool add_csum;        /* DSS mappings get a checksum that nobody agreed on */
    bool corrupt;         /* the next data segment to side 1 */
} net;

static void note(const struct wire_seg *seg)
{
    const struct wire_mp *mp = &seg->mp;
    bool syn = (seg->flags & WIRE_SYN) != 0, ack = (seg->flags & WIRE_ACK) != 0;

    if (wire_mp_has(mp, WIRE_MP_CAPABLE)) {
        assert_int_equal(mp->capable.version, 0);
        assert_int_equal(mp->capable.len, syn ? 12 : 20);
        assert_int_equal(mp->capable.flags & 0x7f, WIRE_CAP_H);
        net.syn += syn && !ack;
        net.synack += syn && ack;
        net.third += !syn;
        /*= RFC 6824 3.6
         * Note that this rule essentially prohibits the sending of data on the third packet of an
         * MP_CAPABLE or MP_JOIN handshake */
        assert_int_equal(seg->len, 0);
    }
    net.join_syn += syn && !ack && wire_mp_has(mp, WIRE_MP_JOIN);
    if (wire_mp_has(mp, WIRE_MP_ADD_ADDR)) {
        assert_true(mp->add_addr.v0 && !mp->add_addr.has_hmac);
        net.add++;
    }
    net.tcprst += wire_mp_has(mp, WIRE_MP_TCPRST);
    net.fastclose += wire_mp_has(mp, WIRE_MP_FASTCLOSE);
    net.fail += wire_mp_has(mp, WIRE_MP_FAIL);
    net.infinite += wire_mp_has(mp, WIRE_MP_DSS) && mp->dss.has_map && mp->dss.dll == 0;
    if (wire_mp_has(mp, WIRE_MP_FASTCLOSE))
        assert_true((seg->flags & WIRE_RST) == 0 && seg->len == 0);
}

static bool hook(struct pair *pair, int to, struct wire_seg *seg)
{
    bool third = to == 1 && (seg->flags & WIRE_SYN) == 0 && wire_mp_has(&seg->mp, WIRE_MP_CAPABLE);

    (void)pair;
    note(seg);
    if (third && net.drop_third > 0) {
        net.drop_third--;
        return false;
    }
    if (wire_mp_has(&seg->mp, WIRE_MP_FASTCLOSE) && net.drop_fastclose > 0) {
        net.drop_fastclose--;
        return false;
    }
    if (third && net.strip_third)
        memset(&seg->mp, 0, sizeof seg->mp);
    if (to == 0 && net.drop_rst && (seg->flags & WIRE_RST) != 0)
        return false;
    if (net.add_csum && wire_mp_has(&seg->mp, WIRE_MP_DSS) && seg->mp.dss.has_map) {
        seg->mp.dss.has_csum = true;
        seg->mp.dss.csum = 0xbad;
    }
    if (net.corrupt && to == 1 && seg->len > 100) {
        ((uint8_t *)(uintptr_t)seg->data)[50] ^= 1;
        net.corrupt = false;
    }
    return true;
}

static void init(uint64_t seed, unsigned paths)
{
    memset(&net, 0, sizeof net);
    pair_init(&p, seed, paths);
    p.side[0].cfg.offer = PLAIT_MPTCP_V0;
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.hook = hook;
}

static void go(uint64_t up, uint64_t down)
{
    pair_transfer(&p, up, down);
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_false(p.side[0].bad || p.side[1].bad);
    assert_int_equal(p.side[1].read, up);
    assert_int_equal(p.side[0].read, down);
}

static void expect_mode(enum mp_mode mode)
{
    for (int s = 0; s < 2; s++) {
        assert_int_equal(p.side[s].conn->mode, mode);
        if (mode == MP_MODE_MULTIPATH)
            assert_int_equal(mp_version(p.side[s].conn), 0);
    }
}

static void finish(uint64_t up, uint64_t down)
{
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 120 * PLAIT_SEC));
    pair_expect_all(&p, up, down);
    assert_int_equal(net.tcprst, 0);
    pair_fini(&p);
}

/*= RFC 6824 3.1
 * SYN (A->B): A's Key for this connection. */
static void handshake(void **state)
{
    const struct mp_conn *a, *b;

    init(1, 1);
    go(100000, 100000);
    expect_mode(MP_MODE_MULTIPATH);
    a = p.side[0].conn;
    b = p.side[1].conn;
    assert_true(a->remote.key == b->local.key && b->remote.key == a->local.key);
    assert_true(a->local.token == b->remote.token && a->local.idsn == b->remote.idsn);
    assert_true(net.syn == 1 && net.synack == 1 && net.third >= 1);
    finish(100000, 100000);
}

static void a_listener_takes_both_versions(void **state)
{
    init(2, 2);
    p.hook = NULL;
    p.side[0].cfg.offer = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1;
    go(50000, 50000);
    assert_int_equal(mp_version(p.side[0].conn), 1);
    assert_int_equal(mp_version(p.side[1].conn), 1);
    finish(50000, 50000);
}

static void a_listener_without_version_0(void **state)
{
    init(3, 2);
    p.side[1].cfg.accept = PLAIT_MPTCP_V1;
    go(50000, 50000);
    expect_mode(MP_MODE_PLAIN);
    assert_int_equal(p.side[0].conn->fallback, PLAIT_REASON_MP_SYNACK_PLAIN);
    assert_int_equal(p.side[1].conn->fallback, PLAIT_REASON_MP_VERSION);
    finish(50000, 50000);
}

/*= RFC 8684 3.1
 * Thus, the listener will ignore the MP_CAPABLE of this SYN segment and reply with a SYN/ACK that
 * does not include an MP_CAPABLE. */
static void a_listener_without_version_1(void **state)
{
    init(4, 2);
    p.hook = NULL;
    p.side[0].cfg.offer = PLAIT_MPTCP_V1;
    p.side[1].cfg.accept = PLAIT_MPTCP_V0;
    go(50000, 50000);
    expect_mode(MP_MODE_PLAIN);
    finish(50000, 50000);
}

/* MPC-02. Both are on offer: version 0 is tried in a second handshake, and the peer that speaks
 * none of them gets plain TCP all the same. */
static void version_0_after_version_1(void **state)
{
    for (int mptcp = 0; mptcp <= 1; mptcp++) {
        init(20, 2);
        p.hook = NULL;
        p.side[0].cfg.offer = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1;
        p.side[1].cfg.accept = PLAIT_MPTCP_V0;
        p.side[1].cfg.mptcp = mptcp;
        go(50000, 50000);
        expect_mode(mptcp ? MP_MODE_MULTIPATH : MP_MODE_PLAIN);
        assert_int_equal(mp_version(p.side[0].conn), 0);
        finish(50000, 50000);
    }
}

/* The SYN told the key, so the data that follow do for the third ACK. */
static void third_ack_lost(void **state)
{
    init(5, 1);
    net.drop_third = 1;
    go(50000, 50000);
    expect_mode(MP_MODE_MULTIPATH);
    finish(50000, 50000);
}

static void third_ack_lost_and_the_responder_speaks(void **state)
{
    init(6, 1);
    net.drop_third = 3;
    go(0, 50000);
    expect_mode(MP_MODE_MULTIPATH);
    finish(0, 50000);
}

/*= RFC 6824 3.1
 * If the third packet (the ACK) does not contain the MP_CAPABLE option, then the session MUST fall
 * back to operating as a regular, single-path TCP. */
static void third_ack_stripped(void **state)
{
    init(7, 1);
    net.strip_third = true;
    go(0, 50000);
    expect_mode(MP_MODE_PLAIN);
    assert_int_equal(p.side[1].conn->fallback, PLAIT_REASON_MP_ACK_PLAIN);
    finish(0, 50000);
}

static struct wire_seg third(uint64_t sender, uint64_t receiver, uint8_t len)
{
    struct wire_seg ack;

    memset(&ack, 0, sizeof ack);
    ack.flags = WIRE_ACK;
    ack.mp.present = 1u << WIRE_MP_CAPABLE;
    ack.mp.capable = (struct wire_mp_capable){ .flags = WIRE_CAP_H, .len = len,
                                               .key_sender = sender, .key_receiver = receiver };
    return ack;
}

static void keys_of_the_third_ack(void **state)
{
    struct mp_half h = { .kind = MP_HALF_CAPABLE, .key_remote = 7, .local = { .key = 42 } };
    struct wire_seg ack = third(7, 42, 20);
    struct mp_key remote;

    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_NONE);
    assert_true(remote.key == 7);
    ack = third(8, 42, 20); /* not the key of the SYN */
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_KEY);
    ack = third(7, 43, 20);
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_KEY);
    ack = third(7, 42, 22); /* data parameters are of version 1 */
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_VERSION);
    ack = third(7, 42, 20);
    ack.mp.capable.version = 1;
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_VERSION);
    ack.mp.present = 1u << WIRE_MP_DSS;
    assert_false(mp_half_waits(&h, &ack));
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_NONE);
    assert_true(remote.key == 7);
    h.version = 1;
    assert_true(mp_half_waits(&h, &ack));
}

/*= RFC 6824 3.1
 * B: The second bit, labeled "B", is an extensibility flag, and MUST be set to 0 for current
 * implementations. */
/*= RFC 6824 3.1
 * in this version of the specification, there is only one proposal, so bit "H" will be always set
 * to 1 */
/*= RFC 6824 3.1
 * An implementation that only supports this method MUST set bit "H" to 1, and bits "C" through "G"
 * to 0. */
/*= RFC 6824 3.1
 * If flag bits C through H are all 0, the MP_CAPABLE option MUST be treated as invalid and ignored
 * (that is, it must be treated as a regular TCP handshake). */
static void crypto_bits(void **state)
{
    static const struct { uint8_t flags; enum plait_reason why; } row[] = {
        { WIRE_CAP_H, PLAIT_REASON_NONE }, { 0x3f, PLAIT_REASON_NONE },
        { 0, PLAIT_REASON_MP_FLAGS }, { 0x3e, PLAIT_REASON_MP_FLAGS },
        { WIRE_CAP_B | WIRE_CAP_H, PLAIT_REASON_MP_FLAGS },
    };
    struct mp_config cfg = { .mptcp = true, .accept = PLAIT_MPTCP_V0, .refuse_joins = true };
    struct mp_key key;
    struct mp_half h;
    struct wire_mp out;

    mp_key_derive(42, 0, &key);
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct wire_seg syn = third(7, 0, 12);
        syn.flags = WIRE_SYN;
        syn.mp.capable.flags = row[i].flags;
        mp_half_capable(&h, &cfg, &key, &syn);
        assert_int_equal(h.why_plain, row[i].why);
    }
    h = (struct mp_half){ .kind = MP_HALF_CAPABLE, .local = key };
    memset(&out, 0, sizeof out);
    mp_half_options(&h, &cfg, &out);
    assert_int_equal(out.capable.flags, WIRE_CAP_H); /* bit C means nothing here */
    assert_int_equal(out.capable.version, 0);
}

static void joins(void **state)
{
    init(8, 3);
    go(3000000, 3000000);
    expect_mode(MP_MODE_MULTIPATH);
    assert_int_equal(pair_open_n(&p, 0), 3);
    assert_true(net.join_syn >= 2);
    for (uint8_t i = 0; i < 3; i++)
        assert_true(pair_sub(&p, 0, i)->tcb.bytes_sent > 0);
    finish(3000000, 3000000);
}

static bool spoil_join(struct pair *pair, int to, struct wire_seg *seg)
{
    bool join = wire_mp_has(&seg->mp, WIRE_MP_JOIN);

    (void)pair;
    note(seg);
    if (to == *(int *)p.hook_data && join && seg->mp.join.len != 12)
        seg->mp.join.hmac[7] ^= 1;
    return true;
}

/* A wrong HMAC, either way, ends the join with a plain RST and nothing else. */
static void join_with_a_wrong_hmac(void **state)
{
    for (int to = 0; to < 2; to++) {
        init(9, 2);
        p.hook = spoil_join;
        p.hook_data = &to;
        go(300000, 300000);
        assert_int_equal(pair_count(&p, to, PLAIT_REASON_JOIN_HMAC), 1);
        assert_int_equal(pair_open_n(&p, 0), 1);
        finish(300000, 300000);
    }
}

/* Each of our subflows carries the announcement; the peer joins and echoes nothing. */
/*= RFC 6824 3.4.1
 * In order to minimize the impact of the loss of these options, however, it is RECOMMENDED that a
 * sender should send these options on all available subflows. */
static void announcement(void **state)
{
    init(10, 2);
    go(1000, 1000);
    assert_int_equal(pair_open_n(&p, 0), 2);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    mp_local_added(p.side[1].conn, &p.side[1].locals.v[1], p.now);
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    assert_int_equal(net.add, 2);
    assert_int_equal(p.side[0].conn->remotes.n, 2);
    assert_true(pair_open_n(&p, 0) >= 3);
    assert_int_equal(p.side[0].conn->echoes.n, 0);
    finish(1000, 1000);
}

/* Its announcements prove nothing (RFC 7430 2): a listener opens no subflow for one unless its
 * owner wants it to. */
static void announcement_to_a_listener(void **state)
{
    for (unsigned joins = 0; joins <= 1; joins++) {
        init(14, 1);
        p.side[1].cfg.server_joins = joins;
        go(1000, 1000);
        pair_local(&p, 0, 1, PLAIT_LOCAL_SIGNAL);
        mp_local_added(p.side[0].conn, &p.side[0].locals.v[1], p.now);
        pair_run(&p, p.now + 3 * PLAIT_SEC);
        assert_int_equal(net.add, 1);
        assert_int_equal(p.side[1].conn->remotes.n, 2);
        assert_int_equal(pair_open_n(&p, 1), 1 + joins);
        finish(1000, 1000);
    }
}

static void announcement_of_version_1_is_ignored(void **state)
{
    struct wire_seg seg;

    init(11, 1);
    go(1000, 1000);
    memset(&seg, 0, sizeof seg);
    seg.mp.present = 1u << WIRE_MP_ADD_ADDR;
    seg.mp.add_addr = (struct wire_mp_add_addr){ .has_hmac = true, .id = 5,
                                                 .addr = pair_addr(0, 2, 0) };
    mp_addr_input(mp_first(p.side[1].conn), &seg, p.now);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_ADDR_HMAC), 1);
    assert_int_equal(p.side[1].conn->remotes.n, 1);
    finish(1000, 1000);
}

/*= RFC 6824 3.3.8
 * If Length==3, then it applies to the current subflow only. */
static void priority_of_another_address(void **state)
{
    struct wire_seg seg;
    uint8_t id;

    init(12, 2);
    go(1000, 1000);
    id = pair_sub(&p, 1, 1)->peer_id;
    memset(&seg, 0, sizeof seg);
    seg.mp.present = 1u << WIRE_MP_PRIO;
    seg.mp.prio_backup = seg.mp.prio_has_id = true;
    seg.mp.prio_id = id;
    mp_opts_input(pair_sub(&p, 1, 0), &seg, p.now);
    assert_false(pair_sub(&p, 1, 0)->backup_remote);
    assert_true(pair_sub(&p, 1, 1)->backup_remote);
    seg.mp.prio_backup = seg.mp.prio_has_id = false;
    mp_opts_input(pair_sub(&p, 1, 1), &seg, p.now);
    assert_false(pair_sub(&p, 1, 1)->backup_remote);
    finish(1000, 1000);
}

static void checksums(void **state)
{
    init(13, 2);
    p.side[1].cfg.checksum = true;
    go(500000, 500000);
    expect_mode(MP_MODE_MULTIPATH);
    assert_true(p.side[0].conn->checksum && p.side[1].conn->checksum);
    finish(500000, 500000);
}

/*= RFC 6824 3.3
 * If a checksum is present, but its use had not been negotiated in the MP_CAPABLE handshake, the
 * checksum field MUST be ignored. */
static void checksum_that_nobody_asked_for(void **state)
{
    init(14, 2);
    net.add_csum = true;
    go(500000, 500000);
    expect_mode(MP_MODE_MULTIPATH);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DSS_CSUM_UNEXPECTED), 0);
    finish(500000, 500000);
}

/* MP_FAIL goes one way, the infinite mapping is the answer. */
static void payload_changed_on_the_only_path(void **state)
{
    init(15, 1);
    p.side[0].cfg.checksum = true;
    pair_transfer(&p, 200000, 0);
    pair_connect(&p);
    pair_run(&p, p.now + 35 * PLAIT_MSEC);
    net.corrupt = true;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    expect_mode(MP_MODE_PLAIN);
    assert_true(net.fail >= 1 && net.infinite >= 1);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_MP_FAIL_RECEIVED), 2); /* also the fallback */
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_MP_FAIL_RECEIVED), 0);
    assert_int_equal(p.side[1].read, 200000);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/* ---- fast close ----------------------------------------------------------------------------- */

/*= RFC 6824 3.5
 * Upon receipt of an MP_FASTCLOSE, containing the valid key, Host B answers on the same subflow
 * with a TCP RST and tears down all subflows. */
static void fast_close(void **state)
{
    enum plait_reason why;

    init(16, 3);
    go(1000, 1000);
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    assert_int_equal(p.side[0].conn->state, MP_ST_FASTCLOSE_WAIT);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(p.side[0].conn->state, MP_ST_CLOSED);
    assert_int_equal(net.fastclose, 1);
    assert_int_equal(mp_error(p.side[1].conn, &why), PLAIT_ECONNRESET);
    assert_int_equal(why, PLAIT_REASON_FASTCLOSE);
    assert_true(p.side[0].sub_n == 0 && p.side[1].sub_n == 0);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/*= RFC 6824 3.5
 * it SHOULD retransmit the MP_FASTCLOSE */
static void fast_close_is_repeated_three_times(void **state)
{
    init(17, 2);
    go(1000, 1000);
    net.drop_rst = true;
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + 30 * PLAIT_SEC);
    assert_int_equal(net.fastclose, 4);
    assert_int_equal(p.side[0].conn->state, MP_ST_CLOSED);
    assert_int_equal(p.side[0].sub_n, 0);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/* A peer that missed it and still sends is told with the next ACK, not only by the timer. */
static void fast_close_answers_who_still_sends(void **state)
{
    enum plait_reason why;

    init(20, 1);
    go(1000, 1000);
    net.drop_fastclose = 1;
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + 50 * PLAIT_MSEC);
    assert_int_equal(net.fastclose, 1);
    assert_int_equal(mp_error(p.side[1].conn, &why), 0);
    mp_send(p.side[1].conn, "more", 4, p.now);
    pair_run(&p, p.now + 100 * PLAIT_MSEC); /* the timer would wait for 200 ms */
    assert_int_equal(net.fastclose, 2);
    assert_int_equal(mp_error(p.side[1].conn, &why), PLAIT_ECONNRESET);
    assert_int_equal(why, PLAIT_REASON_FASTCLOSE);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/* The wait between two of them knows nothing of how long data has waited. */
static void fast_close_after_a_long_silence(void **state)
{
    init(21, 1);
    go(1000, 1000);
    p.path[0].down = true;
    mp_send(p.side[0].conn, "in vain", 7, p.now);
    pair_run(&p, p.now + 100 * PLAIT_SEC);
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(p.side[0].sub_n, 0);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static void fast_close_by_both(void **state)
{
    init(18, 2);
    go(1000, 1000);
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    mp_abort(p.side[1].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    assert_int_equal(p.side[1].conn->state, MP_ST_FASTCLOSE_WAIT);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->state, MP_ST_CLOSED);
    assert_int_equal(p.side[1].conn->state, MP_ST_CLOSED);
    assert_true(p.side[0].sub_n == 0 && p.side[1].sub_n == 0);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/* Data that was under way does not come to life again. */
static void fast_close_in_the_middle(void **state)
{
    init(19, 2);
    pair_transfer(&p, 4000000, 4000000);
    pair_connect(&p);
    pair_run(&p, p.now + 200 * PLAIT_MSEC);
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    mp_release(p.side[0].conn, p.now);
    p.side[0].released = true;
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_null(p.side[0].conn);
    assert_int_equal(mp_error(p.side[1].conn, NULL), PLAIT_ECONNRESET);
    assert_int_equal(net.tcprst, 0);
    p.side[1].conn->released = true;
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake),
        cmocka_unit_test(a_listener_takes_both_versions),
        cmocka_unit_test(a_listener_without_version_0),
        cmocka_unit_test(a_listener_without_version_1),
        cmocka_unit_test(version_0_after_version_1),
        cmocka_unit_test(third_ack_lost),
        cmocka_unit_test(third_ack_lost_and_the_responder_speaks),
        cmocka_unit_test(third_ack_stripped),
        cmocka_unit_test(keys_of_the_third_ack),
        cmocka_unit_test(crypto_bits),
        cmocka_unit_test(joins),
        cmocka_unit_test(join_with_a_wrong_hmac),
        cmocka_unit_test(announcement),
        cmocka_unit_test(announcement_to_a_listener),
        cmocka_unit_test(announcement_of_version_1_is_ignored),
        cmocka_unit_test(priority_of_another_address),
        cmocka_unit_test(checksums),
        cmocka_unit_test(checksum_that_nobody_asked_for),
        cmocka_unit_test(payload_changed_on_the_only_path),
        cmocka_unit_test(fast_close),
        cmocka_unit_test(fast_close_is_repeated_three_times),
        cmocka_unit_test(fast_close_answers_who_still_sends),
        cmocka_unit_test(fast_close_after_a_long_silence),
        cmocka_unit_test(fast_close_by_both),
        cmocka_unit_test(fast_close_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

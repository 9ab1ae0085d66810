/* SPDX-License-Identifier: Apache-2.0 */
/* Options that vanish after the handshake, checksums that fail, MP_FAIL, infinite mappings. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static void start(uint64_t seed, unsigned paths)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
}

static void finish(uint64_t up, uint64_t down)
{
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 300 * PLAIT_SEC));
    pair_expect_all(&p, up, down);
    pair_fini(&p);
}

/* Which segments lose their options. */
struct strip { int to; plait_time from; uint8_t subnet; bool any_net; };

static bool strip_hook(struct pair *pair, int to, struct wire_seg *seg)
{
    const struct strip *s = pair->hook_data;
    uint8_t net = to == 0 ? seg->dst.ip[2] : seg->src.ip[2];

    if ((s->to == 2 || to == s->to) && pair->now >= s->from && (s->any_net || net == s->subnet) &&
        (seg->flags & WIRE_SYN) == 0)
        memset(&seg->mp, 0, sizeof seg->mp);
    return true;
}

static void run(struct strip *s, uint64_t up, uint64_t down, plait_time wait)
{
    if (s != NULL)
        p.hook = strip_hook;
    p.hook_data = s;
    pair_transfer(&p, up, down);
    if (p.side[0].conn == NULL)
        pair_connect(&p);
    pair_run(&p, p.now + wait);
}

static void options_only_on_syns(void **state)
{
    struct strip s = { .to = 2, .any_net = true };

    start(1, 2);
    run(&s, 200000, 200000, 20 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[1].conn->fallback, PLAIT_REASON_MP_ACK_PLAIN);
    finish(200000, 200000);
}

/* The server knows the keys, and then nothing comes through any more. */
static void options_lost_towards_the_client(void **state)
{
    struct strip s = { .to = 0, .any_net = true };

    start(2, 2);
    run(&s, 200000, 200000, 20 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_true(pair_count(&p, 0, PLAIT_REASON_MP_NO_DATA_ACK) +
                pair_count(&p, 0, PLAIT_REASON_DSS_UNMAPPED) == 1);
    finish(200000, 200000);
}

/* Data was acknowledged with options in both directions, then none come through in either. One
 * side goes plain by the rules; the other must not send it data twice. */
static void options_lost_both_ways_later(void **state)
{
    for (plait_time after = 20; after < 60; after += 4) {
        struct strip s = { .to = 2, .any_net = true };

        start(5, 1);
        s.from = p.now + after * PLAIT_MSEC;
        run(&s, 200000, 200000, 20 * PLAIT_SEC);
        assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
        assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
        finish(200000, 200000);
    }
}

static void options_lost_after_the_third_ack(void **state)
{
    struct strip s = { .to = 1, .any_net = true };

    start(3, 1);
    pair_connect(&p);
    while (p.side[1].conn == NULL)
        pair_run(&p, p.now + PLAIT_MSEC);
    run(&s, 200000, 0, 20 * PLAIT_SEC);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
    finish(200000, 0);
}

static void empty_fin_without_options(void **state)
{
    struct strip s = { .to = 2, .any_net = true };

    start(4, 1);
    pair_connect(&p);
    while (p.side[1].conn == NULL)
        pair_run(&p, p.now + PLAIT_MSEC);
    p.hook = strip_hook;
    p.hook_data = &s;
    finish(0, 0);
}

/*= RFC 8684 3.3.1-8, 3.7-5 */
/* A joined subflow on which options vanish ends; the data goes another way. */
static void options_lost_on_a_joined_subflow(void **state)
{
    struct strip s = { .to = 1, .subnet = 1 };

    start(5, 2);
    run(NULL, 0, 0, 10 * PLAIT_MSEC);
    p.side[0].to_write = 1000;
    pair_run(&p, p.now + 200 * PLAIT_MSEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    run(&s, 3 << 20, 0, 20 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 3 << 20);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_true(pair_count(&p, 1, PLAIT_REASON_DSS_UNMAPPED) >= 1);
    finish(3 << 20, 0);
}

/* ---- checksums ------------------------------------------------------------------------------ */

/* A middlebox changes one byte of the payload, once; the stream's owner must not see it, or see
 * it on a connection that is plain TCP. */
struct change { unsigned n; int to; uint8_t subnet; bool csum; uint64_t dsn; plait_time until; };

static bool change_hook(struct pair *pair, int to, struct wire_seg *seg)
{
    struct change *c = pair->hook_data;

    if (to != c->to || seg->len < 500 || seg->src.ip[2] != c->subnet ||
        !wire_mp_has(&seg->mp, WIRE_MP_DSS))
        return true;
    if (c->until > 0 && pair->now > c->until)
        return true;
    if (c->csum && (c->n > 0 || seg->mp.dss.dsn == c->dsn)) { /* in all segments of a mapping */
        c->n = 0;
        c->dsn = seg->mp.dss.dsn;
        seg->mp.dss.csum ^= 0x0101;
        return true;
    }
    if (c->n == 0)
        return true;
    c->n--;
    if (!c->csum)
        ((uint8_t *)(uintptr_t)seg->data)[100] ^= 0x20;
    return true;
}

/*= RFC 8684 3.7-7, 3.7-8 */
static void wrong_sum_with_two_subflows(void **state)
{
    struct change c = { .n = 1, .to = 1, .subnet = 1 };

    start(6, 2);
    p.side[0].cfg.checksum = true;
    p.hook = change_hook;
    p.hook_data = &c;
    pair_transfer(&p, 4 << 20, 0);
    pair_connect(&p);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(c.n, 0);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DSS_CSUM), 1);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_MP_FAIL_RECEIVED), 1);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_int_equal(p.side[1].read, 4 << 20);
    finish(4 << 20, 0);
}

static unsigned fails_up;

static bool watch_fails(struct pair *pair, int to, struct wire_seg *seg)
{
    fails_up += to == 1 && wire_mp_has(&seg->mp, WIRE_MP_FAIL);
    return change_hook(pair, to, seg);
}

/*= RFC 8684 3.7-9 */
static void wrong_sum_on_the_only_subflow(void **state)
{
    struct change c = { .n = 1, .to = 1, .subnet = 0, .csum = true };

    start(7, 1);
    p.side[0].cfg.checksum = true;
    fails_up = 0;
    p.hook = watch_fails;
    p.hook_data = &c;
    pair_transfer(&p, 1 << 20, 50000);
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(c.n, 0);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[0].conn->fallback, PLAIT_REASON_MP_FAIL_RECEIVED);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DSS_CSUM), 1);
    assert_true(fails_up > 0); /* it was answered by another one */
    finish(1 << 20, 50000);
}

static bool fails_lost(struct pair *pair, int to, struct wire_seg *seg)
{
    return change_hook(pair, to, seg) && !(to == 0 && wire_mp_has(&seg->mp, WIRE_MP_FAIL));
}

static void nobody_answers_the_fail(void **state)
{
    struct change c = { .n = 1, .to = 1, .subnet = 0, .csum = true };

    start(8, 1);
    p.side[0].cfg.checksum = true;
    c.until = p.now + PLAIT_SEC;
    p.hook = fails_lost;
    p.hook_data = &c;
    pair_transfer(&p, 1 << 20, 0);
    pair_connect(&p);
    pair_run(&p, p.now + 60 * PLAIT_SEC);
    assert_true(pair_count(&p, 1, PLAIT_REASON_DSS_CSUM) >= 1);
    /* The subflow was reset, the client opened another one, and the data came over that. */
    assert_int_equal(p.side[1].read, 1 << 20);
    assert_true(p.side[0].conn->total > 1);
    finish(1 << 20, 0);
}

/* The first answer to an MP_FAIL gets lost, and the sender has nothing more to say. */
struct answer { struct change change; unsigned lost; };

static bool lose_an_answer(struct pair *pair, int to, struct wire_seg *seg)
{
    struct answer *a = pair->hook_data;
    bool pass;

    pair->hook_data = &a->change;
    pass = change_hook(pair, to, seg);
    pair->hook_data = a;
    if (to == 1 && wire_mp_has(&seg->mp, WIRE_MP_FAIL) && a->lost == 0) {
        a->lost++;
        return false;
    }
    return pass;
}

/*= RFC 8684 3.7
 * the receiver of an MP_FAIL MUST also respond with an MP_FAIL in the reverse direction and
 * entirely revert to a regular TCP session */
static void answer_to_the_fail_gets_lost(void **state)
{
    struct answer a = { .change = { .to = 1, .subnet = 0 } };

    start(23, 1);
    p.side[0].cfg.checksum = true;
    p.hook = lose_an_answer;
    p.hook_data = &a;
    pair_transfer(&p, 20000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    a.change.n = 1;
    p.side[0].to_write = 21000;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(a.change.n, 0);
    assert_int_equal(a.lost, 1);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[1].read, 21000);
    a.change.n = 0;
    p.side[1].bad = false; /* the byte that was changed */
    finish(21000, 1000);
}

/* DATA_ACKs to the client stay what they are, until MP_FAIL comes with one. */
static struct { bool stay, fail; struct wire_mp_dss kept; } acks;

static bool hold_data_acks(struct pair *pair, int to, struct wire_seg *seg)
{
    (void)pair;
    if (to != 0 || !wire_mp_has(&seg->mp, WIRE_MP_DSS) || !seg->mp.dss.has_ack)
        return true;
    if (!acks.stay)
        acks.kept = seg->mp.dss;
    seg->mp.dss.ack = acks.kept.ack;
    seg->mp.dss.ack64 = acks.kept.ack64;
    if (acks.fail) {
        seg->mp.present |= 1u << WIRE_MP_FAIL;
        seg->mp.fail_dsn = acks.kept.ack;
        acks.stay = acks.fail = false;
    }
    return true;
}

/*= RFC 8684 3.7
 * The sender will receive this information and, if all unacknowledged data in flight is
 * contiguous, will signal an infinite mapping. */
/* The same data went out twice on the only subflow, for want of a DATA_ACK: as plain TCP both
 * copies would be data. So the subflow ends, and another one goes on. */
static void fail_with_two_copies_under_way(void **state)
{
    struct mp_conn *c;

    start(20, 1);
    memset(&acks, 0, sizeof acks);
    p.hook = hold_data_acks;
    run(NULL, 20000, 1000, 2 * PLAIT_SEC);
    c = p.side[0].conn;
    assert_int_equal(c->snd_una, 20000);
    acks.stay = true;
    assert_int_equal(mp_send(c, "told twice", 10, p.now), 10);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_true(c->bytes_reinjected >= 10);
    acks.fail = true;
    pair_run(&p, p.now + 60 * PLAIT_SEC);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_MP_FAIL_RECEIVED), 1);
    assert_int_equal(c->mode, MP_MODE_MULTIPATH);
    assert_int_equal(c->snd_una, 20010);
    assert_int_equal(p.side[1].read, 20010);
    assert_int_equal(mp_error(c, NULL), 0);
    mp_abort(c, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

/* The first path loses its options while our HMAC-A is on its way by the second. */
static bool strip_behind_join(struct pair *pair, int to, struct wire_seg *seg)
{
    struct strip *s = pair->hook_data;
    const struct mp_subflow *join = pair_sub(pair, 0, 1);

    if (s->from == PLAIT_NEVER && join != NULL && join->phase == MP_PHASE_PRE && join->join_n > 0)
        s->from = pair->now;
    return strip_hook(pair, to, seg);
}

static void vanish_behind_join(int to, unsigned slower, enum mp_mode mode)
{
    struct strip s = { .to = to, .from = PLAIT_NEVER };

    start(21, 2);
    p.path[1].delay = slower * p.path[0].delay;
    p.hook = strip_behind_join;
    p.hook_data = &s;
    pair_transfer(&p, 2 << 20, 2 << 20);
    pair_connect(&p);
    pair_run(&p, p.now + 60 * PLAIT_SEC);
    assert_true(s.from != PLAIT_NEVER);
    assert_int_equal(p.side[0].conn->mode, mode);
    assert_int_equal(p.side[1].conn->mode, mode);
    finish(2 << 20, 2 << 20);
}

/*= RFC 8684 3.2
 * sending the ACK/MP_JOIN packet places the subflow in the PRE_ESTABLISHED state, and it moves to
 * the ESTABLISHED state only on receipt of an ACK from the receiver */
/* To the receiver it is established by then, and "before any additional subflows are added"
 * (RFC 8684 3.7) is over: were we to go plain now, the two would not understand each other. */
static void options_vanish_while_a_join_is_answered(void **state)
{
    vanish_behind_join(0, 1, MP_MODE_MULTIPATH);
    vanish_behind_join(0, 7, MP_MODE_MULTIPATH);
    vanish_behind_join(2, 1, MP_MODE_MULTIPATH);
}

/*= RFC 8684 3.7
 * before any additional subflows are added, the implementation MUST drop out of MPTCP mode and fall
 * back to regular TCP */
/* So does the receiver, which has not seen the HMAC yet; it refuses the join, and then we follow,
 * also where it has nothing more to send, and however long it took. */
static void options_vanish_before_a_join_is_answered(void **state)
{
    vanish_behind_join(2, 3, MP_MODE_PLAIN);
    vanish_behind_join(2, 13, MP_MODE_PLAIN);
    vanish_behind_join(2, 17, MP_MODE_PLAIN);
    vanish_behind_join(2, 21, MP_MODE_PLAIN);
}

/* A reset that says nothing about MPTCP may be anybody's, and the peer may not be plain. */
static bool mute_the_refusal(struct pair *pair, int to, struct wire_seg *seg)
{
    strip_behind_join(pair, to, seg);
    if ((seg->flags & WIRE_RST) != 0)
        memset(&seg->mp, 0, sizeof seg->mp);
    return true;
}

/* No answer to our HMAC-A gets through. */
static bool no_answer(struct pair *pair, int to, struct wire_seg *seg)
{
    strip_behind_join(pair, to, seg);
    return to != 0 || seg->dst.ip[2] != 1 || (seg->flags & WIRE_SYN) != 0;
}

static struct strip begin_behind_join(bool (*hook)(struct pair *, int, struct wire_seg *))
{
    start(22, 2);
    p.path[0].rate = 1000000;
    p.path[1].delay = 200 * PLAIT_MSEC;
    p.hook = hook;
    return (struct strip){ .to = 2, .from = PLAIT_NEVER };
}

static void end_without_a_word(void)
{
    p.side[0].conn->released = p.side[1].conn->released = true;
    for (int side = 0; side < 2; side++)
        mp_abort(p.side[side].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    pair_fini(&p);
}

static void refusal_without_a_reason_is_not_believed(void **state)
{
    struct strip s = begin_behind_join(mute_the_refusal);

    p.hook_data = &s;
    pair_transfer(&p, 4 << 20, 4 << 20);
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_true(mp_error(p.side[1].conn, NULL) != 0);
    end_without_a_word();
}

/* What waits for the answer is kept as far as there is room for it. */
static void data_behind_a_join_waits_within_bounds(void **state)
{
    struct strip s = begin_behind_join(no_answer);
    struct mp_subflow *first;

    p.hook_data = &s;
    pair_transfer(&p, 4 << 20, 4 << 20);
    pair_connect(&p);
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    first = pair_sub(&p, 0, 0);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_int_equal(first->phase, MP_PHASE_OPEN);
    assert_in_range(first->tcb.rcvq.bytes, p.side[0].conn->rcvbuf / 2,
                    p.side[0].conn->rcvbuf + 1500);
    assert_true(pair_count(&p, 0, PLAIT_REASON_DSS_UNMAPPED) > 0);
    end_without_a_word();
}

/* ---- infinite mappings ---------------------------------------------------------------------- */

static unsigned infinite_seen, options_after, options_back;
static plait_time plain_since; /* the receiver's side is plain TCP */

static bool watch_infinite(struct pair *pair, int to, struct wire_seg *seg)
{
    if (plain_since == 0 && pair->side[1].conn->mode == MP_MODE_PLAIN)
        plain_since = pair->now;
    if (to == 0 && plain_since > 0 && pair->now > plain_since + 100 * PLAIT_MSEC)
        options_back += seg->mp.any;
    if (to != 1 || seg->len == 0)
        return true;
    if (wire_mp_has(&seg->mp, WIRE_MP_DSS) && seg->mp.dss.dll == 0)
        infinite_seen++;
    else if (infinite_seen > 0 && seg->mp.any)
        options_after++;
    return true;
}

/*= RFC 8684 3.7-13, 3.7-14, 3.7-15 */
static void infinite_mapping_is_the_last_word(void **state)
{
    start(9, 1);
    pair_transfer(&p, 300000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + 30 * PLAIT_MSEC);
    p.hook = watch_infinite;
    mp_fallback(pair_sub(&p, 0, 0), PLAIT_REASON_MP_NO_DATA_ACK, true, p.now);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_true(infinite_seen > 0);
    assert_int_equal(options_after, 0);
    assert_true(plain_since > 0 && p.now > plain_since + PLAIT_SEC);
    assert_int_equal(options_back, 0);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[1].conn->fallback, PLAIT_REASON_INFINITE_MAP);
    finish(300000, 1000);
}

static bool make_infinite(struct pair *pair, int to, struct wire_seg *seg)
{
    unsigned *n = pair->hook_data;

    if (to == 1 && seg->len > 0 && *n > 0 && wire_mp_has(&seg->mp, WIRE_MP_DSS)) {
        --*n;
        seg->mp.dss.dll = 0;
    }
    return true;
}

static void infinite_mapping_beside_others_is_refused(void **state)
{
    unsigned n = 1;

    start(10, 2);
    pair_transfer(&p, 1000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    p.hook = make_infinite;
    p.hook_data = &n;
    p.side[0].to_write = 2000;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_MULTIPATH);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_INFINITE_MAP), 1);
    finish(2000, 1000);
}

/* ---- ACKs without DATA_ACK ------------------------------------------------------------------ */

/*= RFC 8684 3.7
 * In the case of such an ACK being received on the first subflow (i.e., that started with
 * MP_CAPABLE), before any additional subflows are added, the implementation MUST drop out of MPTCP
 * mode and fall back to regular TCP. */
static void no_data_ack_on_the_first(void **state)
{
    struct strip s = { .to = 0, .any_net = true };

    start(11, 1);
    run(&s, 200000, 0, 20 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[0].conn->fallback, PLAIT_REASON_MP_NO_DATA_ACK);
    finish(200000, 0);
}

/*= RFC 8684 3.7
 * In the case of this occurring on an additional subflow (i.e., one started with MP_JOIN), the host
 * MUST close the subflow with a RST, which SHOULD contain an MP_TCPRST option (Section 3.6) with a
 * "Middlebox interference" reason code. */
static void no_data_ack_on_a_joined_subflow(void **state)
{
    struct strip s = { .to = 0, .subnet = 1 };

    start(12, 2);
    run(&s, 3 << 20, 0, 20 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_true(pair_count(&p, 0, PLAIT_REASON_MP_NO_DATA_ACK) >= 1);
    assert_int_equal(p.side[1].read, 3 << 20);
    finish(3 << 20, 0);
}

/*= RFC 8684 3.7
 * In the rare case that the data is not contiguous (which could happen when there is only one
 * subflow but it is retransmitting data from a subflow that has recently been uncleanly closed),
 * the receiver MUST close the subflow with a RST with MP_FAIL. */
/* One subflow again, and what it carries may be a part of what another one carried: no way back to
 * plain TCP. */
static void wrong_sum_after_a_second_subflow(void **state)
{
    struct change c = { .n = 1, .to = 1, .subnet = 0 };

    start(13, 2);
    p.side[0].cfg.checksum = true;
    pair_transfer(&p, 1000, 0);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    p.side[0].cfg.pm = &pm_none_ops;
    mp_subflow_close(pair_sub(&p, 0, 1), p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 1);
    p.side[0].cfg.pm = &pm_fullmesh_ops;
    p.hook = change_hook;
    p.hook_data = &c;
    p.side[0].to_write = 50000;
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(c.n, 0);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_DSS_CSUM), 1);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_MP_FAIL_RECEIVED), 1);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_MULTIPATH);
    finish(50000, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_only_on_syns), cmocka_unit_test(options_lost_towards_the_client),
        cmocka_unit_test(options_lost_both_ways_later),
        cmocka_unit_test(options_lost_after_the_third_ack),
        cmocka_unit_test(empty_fin_without_options),
        cmocka_unit_test(options_lost_on_a_joined_subflow),
        cmocka_unit_test(wrong_sum_with_two_subflows),
        cmocka_unit_test(wrong_sum_on_the_only_subflow),
        cmocka_unit_test(fail_with_two_copies_under_way),
        cmocka_unit_test(options_vanish_while_a_join_is_answered),
        cmocka_unit_test(options_vanish_before_a_join_is_answered),
        cmocka_unit_test(refusal_without_a_reason_is_not_believed),
        cmocka_unit_test(data_behind_a_join_waits_within_bounds),
        cmocka_unit_test(nobody_answers_the_fail),
        cmocka_unit_test(answer_to_the_fail_gets_lost),
        cmocka_unit_test(infinite_mapping_is_the_last_word),
        cmocka_unit_test(infinite_mapping_beside_others_is_refused),
        cmocka_unit_test(no_data_ack_on_the_first),
        cmocka_unit_test(no_data_ack_on_a_joined_subflow),
        cmocka_unit_test(wrong_sum_after_a_second_subflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* MP_CAPABLE: both roles, what is refused, and each place where an option may get lost. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static struct wire_seg syn_with(uint8_t version, uint8_t flags, uint8_t len)
{
    struct wire_seg syn;

    memset(&syn, 0, sizeof syn);
    syn.flags = WIRE_SYN;
    syn.mp.any = true;
    syn.mp.present = 1u << WIRE_MP_CAPABLE;
    syn.mp.capable = (struct wire_mp_capable){ .version = version, .flags = flags, .len = len };
    return syn;
}

static struct mp_half half_for(const struct wire_seg *syn, bool mptcp, bool checksum)
{
    struct mp_config cfg = { .mptcp = mptcp, .checksum = checksum,
                             .accept = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1 };
    struct mp_key key;
    struct mp_half h;

    mp_key_derive(42, mp_syn_version(syn), &key);
    mp_half_capable(&h, &cfg, &key, syn);
    return h;
}

static void expect_plain(uint8_t version, uint8_t flags, uint8_t len, enum plait_reason why)
{
    struct wire_seg syn = syn_with(version, flags, len);
    struct mp_half h = half_for(&syn, true, false);
    struct wire_mp out;

    memset(&out, 0, sizeof out);
    assert_int_equal(h.kind, MP_HALF_PLAIN);
    assert_int_equal(h.why_plain, why);
    mp_half_options(&h, NULL, &out);
    assert_int_equal(out.present, 0);
}

/*= RFC 8684 3.1-13, 3.1-17, 3.1-25 */
static void what_a_listener_refuses(void **state)
{
    expect_plain(0, WIRE_CAP_H, 4, PLAIT_REASON_MP_VERSION);
    expect_plain(0, 0, 12, PLAIT_REASON_MP_FLAGS);
    expect_plain(1, WIRE_CAP_H, 12, PLAIT_REASON_MP_VERSION);
    expect_plain(1, WIRE_CAP_B | WIRE_CAP_H, 4, PLAIT_REASON_MP_FLAGS);
    expect_plain(1, 0, 4, PLAIT_REASON_MP_FLAGS);
    expect_plain(1, 0x1e, 4, PLAIT_REASON_MP_FLAGS);
}

/*= RFC 8684 3.1-2, 3.1-12, 3.1-15, 3.1-22 */
static void what_a_listener_answers(void **state)
{
    struct wire_seg syn = syn_with(2, WIRE_CAP_H | WIRE_CAP_A | WIRE_CAP_C | 0x02, 4);
    struct mp_half h = half_for(&syn, true, false);
    struct mp_config cfg = { .mptcp = true };
    struct wire_mp out;

    memset(&out, 0, sizeof out);
    assert_int_equal(h.kind, MP_HALF_CAPABLE);
    assert_true(h.checksum && h.peer_no_join);
    mp_half_options(&h, &cfg, &out);
    assert_int_equal(out.capable.version, 1);
    assert_int_equal(out.capable.flags, WIRE_CAP_H | WIRE_CAP_A);
    assert_int_equal(out.capable.len, 12);
    assert_true(out.capable.key_sender == 42);
    h = half_for(&syn, false, false);
    assert_int_equal(h.why_plain, PLAIT_REASON_MP_DISABLED);
    memset(&syn, 0, sizeof syn);
    h = half_for(&syn, true, true);
    assert_int_equal(h.why_plain, PLAIT_REASON_MP_SYN_PLAIN);
}

/*= RFC 8684 3.1-9, 3.1-28 */
static void what_the_third_ack_decides(void **state)
{
    struct wire_seg syn = syn_with(1, WIRE_CAP_H, 4), ack = syn_with(1, WIRE_CAP_H, 20);
    struct mp_half h = half_for(&syn, true, false);
    struct mp_key remote;

    ack.flags = WIRE_ACK;
    ack.mp.capable.key_sender = 7;
    ack.mp.capable.key_receiver = 42;
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_NONE);
    assert_true(remote.key == 7);
    ack.mp.capable.key_receiver = 43;
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_KEY);
    ack.mp.capable.key_receiver = ack.mp.capable.key_sender = 42;
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_KEY);
    ack.mp.present = 0;
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_ACK_PLAIN);
    h.kind = MP_HALF_PLAIN;
    h.why_plain = PLAIT_REASON_MP_DISABLED;
    assert_int_equal(mp_capable_ack(&h, &ack, &remote), PLAIT_REASON_MP_DISABLED);
}

/* ---- on the wire: what a middlebox may do at each step -------------------------------------- */

struct strip { int to; uint8_t flags; bool all; unsigned n; bool drop; uint8_t cap_flags; };

static bool strip_hook(struct pair *pair, int to, struct wire_seg *seg)
{
    struct strip *s = pair->hook_data;
    bool hit = to == s->to && (s->all || seg->flags == s->flags) && s->n > 0;

    if (!hit)
        return true;
    s->n--;
    if (s->drop)
        return false;
    if (s->cap_flags != 0)
        seg->mp.capable.flags = s->cap_flags;
    else
        memset(&seg->mp, 0, sizeof seg->mp);
    return true;
}

static void run(struct strip *s, uint64_t up, uint64_t down)
{
    p.hook = s != NULL ? strip_hook : NULL;
    p.hook_data = s;
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, up, down);
    pair_connect(&p);
    pair_run(&p, p.now + 20 * PLAIT_SEC);
    assert_false(p.side[0].bad || p.side[1].bad);
    assert_int_equal(p.side[1].read, up);
    assert_int_equal(p.side[0].read, down);
}

static void expect(enum mp_mode client, enum mp_mode server, enum plait_reason why_client,
                   enum plait_reason why_server)
{
    assert_int_equal(p.side[0].conn->mode, client);
    assert_int_equal(p.side[1].conn->mode, server);
    assert_int_equal(p.side[0].conn->fallback, why_client);
    assert_int_equal(p.side[1].conn->fallback, why_server);
}

/* The connection still ends well, whatever it has become. */
static void finish(uint64_t up, uint64_t down)
{
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 120 * PLAIT_SEC));
    pair_expect_all(&p, up, down);
    pair_fini(&p);
}

static void both_speak(void **state)
{
    pair_init(&p, 1, 1);
    run(NULL, 100000, 100000);
    expect(MP_MODE_MULTIPATH, MP_MODE_MULTIPATH, PLAIT_REASON_NONE, PLAIT_REASON_NONE);
    finish(100000, 100000);
}

/*= RFC 8684 3.1-22, 3.1-23 */
static void either_side_turns_checksums_on(void **state)
{
    for (int s = 0; s < 2; s++) {
        pair_init(&p, 2, 1);
        p.side[s].cfg.checksum = true;
        run(NULL, 100000, 100000);
        assert_true(p.side[0].conn->checksum && p.side[1].conn->checksum);
        finish(100000, 100000);
    }
}

/*= RFC 8684 3.1-3, 3.1-26, 3.1-27, 3.7-1 */
static void option_lost_on_syn(void **state)
{
    struct strip s = { .to = 1, .flags = WIRE_SYN, .n = 9 };

    pair_init(&p, 3, 2);
    run(&s, 50000, 50000);
    expect(MP_MODE_PLAIN, MP_MODE_PLAIN, PLAIT_REASON_MP_SYNACK_PLAIN, PLAIT_REASON_MP_SYN_PLAIN);
    finish(50000, 50000);
}

/*= RFC 8684 3.1-9, 3.1-26, 3.7-1 */
static void option_lost_on_synack(void **state)
{
    struct strip s = { .to = 0, .flags = WIRE_SYN | WIRE_ACK, .n = 9 };

    pair_init(&p, 4, 2);
    run(&s, 50000, 50000);
    expect(MP_MODE_PLAIN, MP_MODE_PLAIN, PLAIT_REASON_MP_SYNACK_PLAIN, PLAIT_REASON_MP_ACK_PLAIN);
    finish(50000, 50000);
}

/*= RFC 8684 3.1-28, 3.1-30 */
static void option_lost_on_third_ack(void **state)
{
    struct strip s = { .to = 1, .flags = WIRE_ACK, .n = 1 };

    pair_init(&p, 5, 1);
    run(&s, 50000, 50000);
    assert_int_equal(p.side[1].conn->mode, MP_MODE_PLAIN);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_PLAIN);
    finish(50000, 50000);
}

/* The keys come again with the first data. */
static void third_ack_lost(void **state)
{
    struct strip s = { .to = 1, .flags = WIRE_ACK, .n = 1, .drop = true };

    pair_init(&p, 6, 1);
    run(&s, 50000, 0);
    expect(MP_MODE_MULTIPATH, MP_MODE_MULTIPATH, PLAIT_REASON_NONE, PLAIT_REASON_NONE);
    finish(50000, 0);
}

static void first_data_lost(void **state)
{
    struct strip s = { .to = 1, .flags = WIRE_ACK | WIRE_PSH, .n = 1, .drop = true };

    pair_init(&p, 7, 1);
    run(&s, 5000, 50000);
    expect(MP_MODE_MULTIPATH, MP_MODE_MULTIPATH, PLAIT_REASON_NONE, PLAIT_REASON_NONE);
    finish(5000, 50000);
}

static void bad_flags_in_synack(void **state)
{
    struct strip s = { .to = 0, .flags = WIRE_SYN | WIRE_ACK, .n = 9,
                       .cap_flags = WIRE_CAP_H | 0x02 };

    pair_init(&p, 8, 1);
    run(&s, 1000, 1000);
    expect(MP_MODE_PLAIN, MP_MODE_PLAIN, PLAIT_REASON_MP_FLAGS, PLAIT_REASON_MP_ACK_PLAIN);
    finish(1000, 1000);
}

static bool drop_capable_syns(struct pair *pair, int to, struct wire_seg *seg)
{
    return !(to == 1 && (seg->flags & WIRE_SYN) != 0 && wire_mp_has(&seg->mp, WIRE_MP_CAPABLE));
}

/*= RFC 8684 3.1-29, 3.9.3-1, 6-1 */
static void syns_with_option_are_dropped(void **state)
{
    pair_init(&p, 9, 1);
    p.hook = drop_capable_syns;
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 1000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + 30 * PLAIT_SEC);
    expect(MP_MODE_PLAIN, MP_MODE_PLAIN, PLAIT_REASON_MP_SYN_LOST, PLAIT_REASON_MP_SYN_PLAIN);
    finish(1000, 1000);
}

/*= RFC 8684 3.1-14 */
static void c_flag_is_honoured(void **state)
{
    struct strip s = { .to = 0, .flags = WIRE_SYN | WIRE_ACK, .n = 9,
                       .cap_flags = WIRE_CAP_H | WIRE_CAP_C };

    pair_init(&p, 10, 2);
    run(&s, 100000, 100000);
    expect(MP_MODE_MULTIPATH, MP_MODE_MULTIPATH, PLAIT_REASON_NONE, PLAIT_REASON_NONE);
    assert_int_equal(p.side[0].conn->total, 1);
    finish(100000, 100000);
}

/* MPC-07. The C bit goes out where it was configured; joins keep to other addresses of its sender.
 */
/*= RFC 8684 3.1
 * the receiver MUST NOT try to open any additional subflows toward this address and port */
static void c_flag_is_sent_and_other_addresses_are_joined(void **state)
{
    pair_init(&p, 13, 2);
    p.side[1].cfg.refuse_joins = true;
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    run(NULL, 100000, 100000);
    expect(MP_MODE_MULTIPATH, MP_MODE_MULTIPATH, PLAIT_REASON_NONE, PLAIT_REASON_NONE);
    assert_true(mp_remote_at(p.side[0].conn, 0)->refuses);
    assert_true(p.side[0].conn->total > 1);
    for (uint8_t id = 1; id < p.side[0].conn->total; id++)
        if (pair_sub(&p, 0, id) != NULL)
            assert_true(pair_sub(&p, 0, id)->remote_id != 0);
    finish(100000, 100000);
}

static void required_but_plain(void **state)
{
    struct strip s = { .to = 0, .flags = WIRE_SYN | WIRE_ACK, .n = 9 };
    enum plait_reason why;

    pair_init(&p, 11, 1);
    p.side[0].cfg.require_mptcp = true;
    p.hook = strip_hook;
    p.hook_data = &s;
    p.side[0].keep_open = true;
    pair_transfer(&p, 1000, 0);
    pair_connect(&p);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(mp_error(p.side[0].conn, &why), PLAIT_ENOTMPTCP);
    assert_int_equal(why, PLAIT_REASON_NOT_MPTCP);
    assert_int_equal(p.side[1].read, 0);
    p.side[0].conn->released = true;
    pair_fini(&p);
}

static void switched_off(void **state)
{
    pair_init(&p, 12, 2);
    p.side[0].cfg.mptcp = false;
    run(NULL, 50000, 50000);
    expect(MP_MODE_PLAIN, MP_MODE_PLAIN, PLAIT_REASON_MP_DISABLED, PLAIT_REASON_MP_SYN_PLAIN);
    finish(50000, 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_listener_refuses), cmocka_unit_test(what_a_listener_answers),
        cmocka_unit_test(what_the_third_ack_decides), cmocka_unit_test(both_speak),
        cmocka_unit_test(either_side_turns_checksums_on), cmocka_unit_test(option_lost_on_syn),
        cmocka_unit_test(option_lost_on_synack), cmocka_unit_test(option_lost_on_third_ack),
        cmocka_unit_test(third_ack_lost), cmocka_unit_test(first_data_lost),
        cmocka_unit_test(bad_flags_in_synack), cmocka_unit_test(syns_with_option_are_dropped),
        cmocka_unit_test(c_flag_is_honoured),
        cmocka_unit_test(c_flag_is_sent_and_other_addresses_are_joined),
        cmocka_unit_test(required_but_plain),
        cmocka_unit_test(switched_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

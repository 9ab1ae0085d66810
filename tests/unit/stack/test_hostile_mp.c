/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile input, MPTCP: each case is survived with the counter that is named for it, and the other
 * connection of the same hosts works afterwards. */
#include "hostile.h"

#include "base/be.h"
#include "base/digest.h"

#include <string.h>

static struct mp_conn *aim(const struct scene *s)
{
    return s->sub->conn;
}

static uint32_t halves(const struct scene *s)
{
    struct plait_stack_info info;

    plait_stack_info(s->victim.stack, &info);
    return info.half_open;
}

/* ---- 20: MP_CAPABLE ------------------------------------------------------------------------- */

static struct kit_seg capable_syn(uint16_t port, uint8_t version, uint8_t flags)
{
    struct plait_addr from = kit_addr(9, port), to = kit_addr(2, 80);
    struct kit_seg syn = kit_syn(&from, &to);

    syn.mp.present = 1u << WIRE_MP_CAPABLE;
    syn.mp.capable = (struct wire_mp_capable){.len = 4, .version = version, .flags = flags};
    return syn;
}

/* The answer to the SYN/ACK, with these keys in it. */
static struct kit_seg capable_ack(const struct kit_seg *syn, const struct wire_seg *synack,
                                  uint64_t key)
{
    struct kit_seg ack = *syn;

    ack.flags = WIRE_ACK;
    ack.opt = (struct wire_tcpopts){0};
    ack.seq++;
    ack.ack = synack->seq + 1;
    ack.mp.capable.len = 20;
    ack.mp.capable.version = 1;
    ack.mp.capable.key_sender = key;
    ack.mp.capable.key_receiver = synack->mp.capable.key_sender;
    return ack;
}

/* Every set of flags, every version: an answer by the rules, and room for the next one. */
static void test_20_flags_and_versions(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    for (unsigned i = 0; i < 256 + 16; i++) {
        uint8_t version = i < 256 ? 1 : (uint8_t)(i - 256);
        uint8_t flags = i < 256 ? (uint8_t)i : WIRE_CAP_H;
        struct kit_seg syn = capable_syn(6000, version, flags);
        bool good = version != 0 && (flags & WIRE_CAP_H) != 0 && (flags & WIRE_CAP_B) == 0;
        assert_int_equal(kit_input(&s.victim, &syn), PLAIT_REASON_NONE);
        struct wire_seg answer = scene_answer(&s);
        assert_int_equal(answer.flags, WIRE_SYN | WIRE_ACK);
        assert_int_equal(wire_mp_has(&answer.mp, WIRE_MP_CAPABLE), good);
        if (good) {
            assert_int_equal(answer.mp.capable.version, 1);
            assert_int_equal(answer.mp.capable.flags, WIRE_CAP_H | (flags & WIRE_CAP_A));
        }
        syn.flags = WIRE_RST;
        syn.seq++;
        syn.mp.present = 0;
        kit_input(&s.victim, &syn);
        assert_int_equal(halves(&s), 0);
    }
    scene_fini(&s, true);
}

/* The connection is made, plain, for this reason. */
static void expect_plain(struct scene *s, const struct kit_seg *ack, enum plait_reason why)
{
    struct plait_conn_info info;
    struct wire_packet p;
    char buf[4];

    scene_expect(s, ack, why);
    struct plait_conn *c = plait_accept(s->listener);
    assert_non_null(c);
    plait_conn_info(c, &info);
    assert_false(info.multipath);
    assert_int_equal(info.fallback, why);
    struct kit_seg data = *ack;
    data.mp.present = 0;
    data.data = "text";
    data.len = 4;
    assert_int_equal(kit_input(&s->victim, &data), PLAIT_REASON_NONE);
    assert_int_equal(plait_recv(c, buf, sizeof buf, s->victim.now), 4);
    assert_memory_equal(buf, "text", 4);
    plait_abort(c, s->victim.now);
    plait_release(c, s->victim.now);
    while (kit_output(&s->victim, &p))
        ;
}

static void test_20_third_ack_is_wrong(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    for (unsigned i = 0; i < 5; i++) {
        struct kit_seg syn = capable_syn((uint16_t)(6001 + i), 1, WIRE_CAP_H);
        assert_int_equal(kit_input(&s.victim, &syn), PLAIT_REASON_NONE);
        struct wire_seg synack = scene_answer(&s);
        struct kit_seg ack = capable_ack(&syn, &synack, 99);
        struct wire_mp_capable *cap = &ack.mp.capable;
        enum plait_reason why = PLAIT_REASON_MP_KEY;
        if (i == 0)
            cap->key_sender = cap->key_receiver; /* our own key comes back */
        else if (i == 1)
            cap->key_receiver++;
        else if (i == 2)
            cap->version = 2, why = PLAIT_REASON_MP_VERSION;
        else
            why = PLAIT_REASON_MP_ACK_PLAIN;
        if (i == 3)
            ack.mp.present = 0;
        else if (i == 4)
            cap->len = 12;
        expect_plain(&s, &ack, why);
    }
    struct kit_seg syn = capable_syn(6010, 0, WIRE_CAP_H);
    assert_int_equal(kit_input(&s.victim, &syn), PLAIT_REASON_NONE);
    struct wire_seg synack = scene_answer(&s);
    struct kit_seg ack = capable_ack(&syn, &synack, 99);
    expect_plain(&s, &ack, PLAIT_REASON_MP_VERSION);
    scene_fini(&s, true);
}

/* Two connections of a peer that draws the same key twice: ours differ, and so does what belongs to
 * each. */
static void test_20_same_key_twice(void **state)
{
    struct plait_conn *c[2];
    struct plait_conn_info info[2];
    struct scene s;

    scene_init(&s, true, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct kit_seg syn = capable_syn((uint16_t)(6020 + i), 1, WIRE_CAP_H);
        assert_int_equal(kit_input(&s.victim, &syn), PLAIT_REASON_NONE);
        struct wire_seg synack = scene_answer(&s);
        struct kit_seg ack = capable_ack(&syn, &synack, 4711);
        assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
        c[i] = plait_accept(s.listener);
        assert_non_null(c[i]);
        ack.mp.capable.len = 22;
        ack.mp.capable.dll = 4;
        ack.data = i == 0 ? "zero" : "one!";
        ack.len = 4;
        assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
        plait_conn_info(c[i], &info[i]);
        assert_true(info[i].multipath);
    }
    assert_int_equal(info[0].token_remote, info[1].token_remote);
    assert_int_not_equal(info[0].token_local, info[1].token_local);
    for (unsigned i = 0; i < 2; i++) {
        char buf[8];
        assert_int_equal(plait_recv(c[i], buf, sizeof buf, s.victim.now), 4);
        assert_memory_equal(buf, i == 0 ? "zero" : "one!", 4);
        plait_abort(c[i], s.victim.now);
        plait_release(c[i], s.victim.now);
    }
    scene_fini(&s, true);
}

/* ---- 21: joins ------------------------------------------------------------------------------ */

static struct kit_seg join_syn(const struct scene *s, uint16_t port)
{
    struct plait_addr from = kit_addr(9, port), to = kit_addr(2, 80);
    struct kit_seg syn = kit_syn(&from, &to);

    syn.mp.present = 1u << WIRE_MP_JOIN;
    syn.mp.join = (struct wire_mp_join){
        .len = 12, .addr_id = 3, .token = aim(s)->local.token, .nonce = 77};
    return syn;
}

/* RFC 8684 3.2: as for an unknown port of TCP, with the reason; and no state. */
static void test_21_join_with_unknown_token(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg syn = join_syn(&s, 5000);
    syn.mp.join.token++;
    scene_expect(&s, &syn, PLAIT_REASON_JOIN_TOKEN);
    struct wire_seg rst = scene_answer(&s);
    assert_int_equal(rst.flags & WIRE_RST, WIRE_RST);
    assert_true(wire_mp_has(&rst.mp, WIRE_MP_TCPRST));
    assert_int_equal(halves(&s), 0);
    scene_fini(&s, true);
}

/* The subflow ends, the connection does not. */
static void test_21_join_with_wrong_hmac(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = join_syn(&s, 5001);
    assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
    struct wire_seg answer = scene_answer(&s);
    assert_true(wire_mp_has(&answer.mp, WIRE_MP_JOIN));
    seg.flags = WIRE_ACK;
    seg.seq++;
    seg.ack = answer.seq + 1;
    seg.mp.join.len = 24;
    scene_expect(&s, &seg, PLAIT_REASON_JOIN_HMAC);
    assert_int_equal(scene_answer(&s).flags & WIRE_RST, WIRE_RST);
    assert_int_equal(halves(&s), 0);
    assert_int_equal(aim(&s)->sub_n, 1);
    scene_fini(&s, true);
}

/* A join of somebody who has the keys, up to the ACK that completes it. */
static struct kit_seg join_ack(struct scene *s, const struct kit_seg *syn)
{
    struct kit_seg ack = *syn;

    assert_int_equal(kit_input(&s->victim, syn), PLAIT_REASON_NONE);
    struct wire_seg synack = scene_answer(s);
    struct mp_hmac_in in = {aim(s)->remote.key, aim(s)->local.key, syn->mp.join.nonce,
                            synack.mp.join.nonce, 1};
    assert_true(wire_mp_has(&synack.mp, WIRE_MP_JOIN));
    ack.flags = WIRE_ACK;
    ack.opt = (struct wire_tcpopts){0};
    ack.seq++;
    ack.ack = synack.seq + 1;
    ack.mp.join.len = 24;
    mp_join_hmac(&in, ack.mp.join.hmac);
    return ack;
}

/* The third ACK again, on its own subflow, and by who has recorded it: on a handshake with another
 * number of ours it proves nothing. */
static void test_21_replayed_third_ack(void **state)
{
    struct scene s;
    struct wire_packet p;

    scene_init(&s, true, NULL);
    struct kit_seg syn = join_syn(&s, 5003), ack = join_ack(&s, &syn), old = ack;
    assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
    assert_int_equal(aim(&s)->sub_n, 2);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
        while (kit_output(&s.victim, &p))
            assert_int_equal(p.seg.flags, WIRE_ACK);
    }
    assert_int_equal(aim(&s)->sub_n, 2);
    syn = join_syn(&s, 5004);
    ack = join_ack(&s, &syn);
    memcpy(ack.mp.join.hmac, old.mp.join.hmac, sizeof ack.mp.join.hmac);
    scene_expect(&s, &ack, PLAIT_REASON_JOIN_HMAC);
    assert_int_equal(scene_answer(&s).flags & WIRE_RST, WIRE_RST);
    assert_int_equal(aim(&s)->sub_n, 2);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

/* An id is only a name for REMOVE_ADDR: that of the first subflow, and the same for several, are
 * taken, as far as there are places. */
static void test_21_join_with_an_id_in_use(void **state)
{
    struct scene s;
    struct wire_packet p;

    scene_init(&s, true, NULL);
    for (unsigned i = 0; i < 20; i++) {
        struct kit_seg syn = join_syn(&s, (uint16_t)(5100 + i));
        syn.mp.join.addr_id = i < 2 ? 0 : 3;
        if (aim(&s)->sub_n == 8) {
            scene_expect(&s, &syn, PLAIT_REASON_JOIN_LIMIT);
        } else {
            struct kit_seg ack = join_ack(&s, &syn);
            assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
        }
        while (kit_output(&s.victim, &p))
            ;
    }
    assert_int_equal(aim(&s)->sub_n, 8);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_REMOVE_ADDR;
    seg.mp.remove.n = 1;
    seg.mp.remove.id[0] = 3;
    assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
    kit_wait(&s.client, &s.victim, 30 * PLAIT_SEC); /* those of id 3 do not answer */
    assert_int_equal(mp_alive_n(aim(&s)), 3);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

static void test_21_join_after_close(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg syn = join_syn(&s, 5002);
    plait_abort(s.aimed.b, s.victim.now);
    kit_exchange(&s.client, &s.victim);
    scene_expect(&s, &syn, PLAIT_REASON_JOIN_TOKEN);
    assert_int_equal(scene_answer(&s).flags & WIRE_RST, WIRE_RST);
    assert_int_equal(halves(&s), 0);
    scene_fini(&s, false);
}

/* ---- 22: mappings and DATA_ACKs ------------------------------------------------------------- */

static struct kit_seg mapped(const struct scene *s, const char *data)
{
    struct kit_seg seg = scene_seg(s);

    seg.data = data;
    seg.len = (uint32_t)strlen(data);
    seg.mp.present = 1u << WIRE_MP_DSS;
    seg.mp.dss = (struct wire_mp_dss){
        .has_ack = true,
        .ack64 = true,
        .ack = mp_dsn_out(aim(s), aim(s)->snd_nxt),
        .has_map = true,
        .dsn64 = true,
        .dsn = mp_dsn_in(aim(s), mp_rx_nxt(aim(s))),
        .ssn = tcp_ssn_in(&s->sub->tcb, seg.seq),
        .dll = (uint16_t)seg.len,
    };
    return seg;
}

static void expect_nothing_delivered(struct scene *s)
{
    char buf[64];
    int64_t n = plait_recv(s->aimed.b, buf, sizeof buf, s->victim.now);

    assert_true(n < 0);
}

static void test_22_mapping_far_away(void **state)
{
    static const int64_t at[] = {INT64_C(1) << 32, -(INT64_C(1) << 32), INT64_MAX, INT64_MIN};
    struct scene s;

    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        scene_init(&s, true, NULL);
        struct kit_seg seg = mapped(&s, "evil");
        seg.mp.dss.dsn += (uint64_t)at[i];
        kit_input(&s.victim, &seg);
        assert_true(plait_counter(s.victim.stack, PLAIT_REASON_DSS_WINDOW) +
                        plait_counter(s.victim.stack, PLAIT_REASON_DSS_DUPLICATE) ==
                    1);
        expect_nothing_delivered(&s);
        plait_abort(s.aimed.b, s.victim.now);
        scene_fini(&s, false);
    }
}

static void test_22_mapping_beside_its_segment(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "evil");
    seg.mp.dss.ssn += 1000;
    scene_expect(&s, &seg, PLAIT_REASON_DSS_OUTSIDE);
    expect_nothing_delivered(&s);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

/* The second copy of the mapping names another place of the stream. */
static void test_22_mapping_that_changes(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "evil");
    seg.seq++; /* the first byte is missing, so the mapping is held */
    seg.data = "vil";
    seg.len = 3;
    assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
    seg.mp.dss.dsn += 2;
    scene_expect(&s, &seg, PLAIT_REASON_DSS_CONFLICT);
    expect_nothing_delivered(&s);
    scene_fini(&s, false);
}

static void test_22_infinite_mapping_in_the_middle(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "evil");
    seg.mp.dss.dll = 0;
    kit_input(&s.victim, &seg);
    assert_true(plait_counter(s.victim.stack, PLAIT_REASON_INFINITE_MAP) > 0);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

static void test_22_data_ack_beyond_what_was_sent(void **state)
{
    static const uint64_t beyond[] = {1, 1000, UINT64_C(1) << 31, UINT64_C(1) << 62};
    struct scene s;

    scene_init(&s, true, NULL);
    for (unsigned i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        struct kit_seg seg = mapped(&s, "");
        seg.mp.dss.has_map = false;
        seg.mp.dss.ack += beyond[i];
        scene_expect(&s, &seg, PLAIT_REASON_DATA_ACK_OUTSIDE);
    }
    scene_fini(&s, true);
}

/* The stream passes the end of the numbers, in both directions. */
static void test_22_numbers_wrap(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct mp_conn *a = s.aimed.a->mp, *b = s.aimed.b->mp;
    a->local.idsn = b->remote.idsn = UINT64_MAX - a->snd_nxt - 1500;
    b->local.idsn = a->remote.idsn = UINT64_MAX - b->snd_nxt - 1;
    scene_talk(&s, &s.aimed);
    assert_true(mp_dsn_out(a, a->snd_una) < 3000 && mp_dsn_out(b, b->snd_una) < 3000);
    assert_int_equal(plait_counter(s.victim.stack, PLAIT_REASON_DSS_WINDOW), 0);
    scene_fini(&s, true);
}

/* ---- 24: addresses -------------------------------------------------------------------------- */

static struct kit_seg add_addr(const struct scene *s, uint8_t id, struct plait_addr addr)
{
    struct kit_seg seg = scene_seg(s);
    struct wire_mp_add_addr *add = &seg.mp.add_addr;

    seg.opt.has_ts = false; /* no room for both */
    seg.mp.present = 1u << WIRE_MP_ADD_ADDR;
    *add = (struct wire_mp_add_addr){.id = id, .has_hmac = true, .addr = addr};
    mp_addr_hmac(aim(s)->remote.key, aim(s)->local.key, add, add->hmac);
    return seg;
}

static void test_24_add_addr_with_wrong_hmac(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = add_addr(&s, 5, kit_addr(66, 0));
    for (unsigned i = 0; i < 8; i++) {
        seg.mp.add_addr.hmac[i] ^= 1;
        scene_expect(&s, &seg, PLAIT_REASON_ADDR_HMAC);
        seg.mp.add_addr.hmac[i] ^= 1;
    }
    kit_expect_silence(&s.victim); /* no echo, no connection to the address */
    scene_fini(&s, true);
}

/* The other end of the digest, as a join has it; and none. */
static void test_24_add_addr_with_the_leftmost_hmac(void **state)
{
    struct scene s;
    uint8_t key[16], msg[7] = {5, 10, 0, 0, 66, 0, 0}, digest[DIGEST_SHA256_LEN];

    scene_init(&s, true, NULL);
    struct kit_seg seg = add_addr(&s, 5, kit_addr(66, 0));
    be64_store(key, aim(&s)->remote.key);
    be64_store(key + 8, aim(&s)->local.key);
    digest_hmac_sha256(key, sizeof key, msg, sizeof msg, digest);
    assert_memory_equal(seg.mp.add_addr.hmac, digest + sizeof digest - 8, 8);
    memcpy(seg.mp.add_addr.hmac, digest, 8);
    scene_expect(&s, &seg, PLAIT_REASON_ADDR_HMAC);
    seg.mp.add_addr.has_hmac = false;
    scene_expect(&s, &seg, PLAIT_REASON_ADDR_HMAC);
    kit_expect_silence(&s.victim);
    scene_fini(&s, true);
}

/* A victim that opens subflows by itself, like a client. */
static void eager_scene(struct scene *s)
{
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.conn.server_joins = true;
    scene_init(s, true, &cfg);
    kit_wait(&s->client, &s->victim, 2 * PLAIT_SEC); /* it lets the client begin */
}

/* Port 0 says as much as none: the port that is in use. */
static void test_24_add_addr_with_port_0(void **state)
{
    struct scene s;
    uint8_t packet[200];
    struct wire_packet p;
    unsigned syns = 0;

    eager_scene(&s);
    struct kit_seg seg = add_addr(&s, 5, kit_addr(66, 0));
    seg.mp.add_addr.addr.port = 0x1234;
    size_t len = kit_bytes(&seg, packet, sizeof packet);
    uint8_t *port = packet + len - 10; /* before the HMAC, which ends the header */
    assert_int_equal(be16_load(port), 0x1234);
    be16_store(port, 0);
    struct plait_in in = {.ip = packet, .len = len, .csum_ok = true};
    assert_int_equal(plait_input(s.victim.stack, &in, s.victim.now), PLAIT_REASON_NONE);
    while (kit_output(&s.victim, &p)) {
        syns += (p.seg.flags & WIRE_SYN) != 0;
        assert_true((p.seg.flags & WIRE_SYN) == 0 || p.seg.dst.port == s.sub->tcb.remote.port);
    }
    assert_int_equal(syns, 1);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

/* An announcement each second, for an hour: a few third parties get SYNs, fewer than there were
 * announcements. */
static void test_24_add_addr_storm_reaches_few(void **state)
{
    struct scene s;
    struct wire_packet p;
    bool asked[256] = {false};
    unsigned syns = 0, hosts = 0;

    eager_scene(&s);
    for (unsigned i = 0; i < 3600; i++) {
        uint8_t id = (uint8_t)(1 + i % 255), host = (uint8_t)(20 + i % 200);
        struct kit_seg seg = add_addr(&s, id, kit_addr(host, 0));
        kit_input(&s.victim, &seg);
        while (kit_output(&s.victim, &p))
            if ((p.seg.flags & WIRE_SYN) != 0) {
                hosts += !asked[p.seg.dst.ip[3]];
                asked[p.seg.dst.ip[3]] = true;
                syns++;
            }
        s.victim.now += PLAIT_SEC;
        plait_tick(s.victim.stack, s.victim.now);
    }
    s.client.now = s.victim.now;
    assert_in_range(hosts, 1, s.victim.stack->cfg.conn.addrs_max);
    assert_in_range(syns, hosts, 3600 / 2); /* less than what makes it send them */
    assert_true(plait_counter(s.victim.stack, PLAIT_REASON_ADDR_LIMIT) > 1000);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

/* Nobody is scanned at a peer's word. */
static void test_24_add_addr_of_unusable_addresses(void **state)
{
    static const uint8_t ip6[][16] = {
        [0][10] = 0xff, [0][11] = 0xff, [0][12] = 10, [0][15] = 9, /* ::ffff:10.0.0.9 */
        [1][15] = 1, /* ::1 */
        [2][0] = 0,
        [3][0] = 0xff, [3][1] = 2, [3][15] = 1, /* ff02::1 */
        [4][0] = 0xfe, [4][1] = 0x80, [4][15] = 1, /* fe80::1 */
    };
    static const uint8_t ip[][4] = {{127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255},
                                    {0, 0, 0, 0},   {10, 0, 0, 2},  {169, 254, 1, 1}};
    enum { N = sizeof ip / sizeof ip[0], N6 = sizeof ip6 / sizeof ip6[0] };
    struct scene s;

    eager_scene(&s);
    for (unsigned i = 0; i < N + N6; i++) {
        struct plait_addr addr = {.family = i < N ? 4 : 6};
        memcpy(addr.ip, i < N ? ip[i] : ip6[i - N], i < N ? 4 : 16);
        struct kit_seg seg = add_addr(&s, (uint8_t)(i + 5), addr);
        scene_expect(&s, &seg, PLAIT_REASON_ADDR_BAD);
        struct wire_packet p;
        while (kit_output(&s.victim, &p))
            assert_int_equal(p.seg.flags & WIRE_SYN, 0);
    }
    scene_fini(&s, true);
}

/* All 255 ids. */
static void test_24_add_addr_storm(void **state)
{
    struct scene s;
    struct wire_packet p;

    scene_init(&s, true, NULL);
    for (unsigned i = 1; i <= 255; i++) {
        struct kit_seg seg = add_addr(&s, (uint8_t)i, kit_addr((uint8_t)(i < 2 ? 99 : i), 9));
        if (i != 2)
            kit_input(&s.victim, &seg);
        while (kit_output(&s.victim, &p))
            ;
    }
    assert_true(aim(&s)->remotes.n <= PM_ADDRS_MAX);
    assert_true(plait_counter(s.victim.stack, PLAIT_REASON_ADDR_LIMIT) >= 200);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

static void test_24_remove_addr_of_unknown_id(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_REMOVE_ADDR;
    seg.mp.remove.n = 1;
    seg.mp.remove.id[0] = 200;
    scene_expect(&s, &seg, PLAIT_REASON_REMOVE_UNKNOWN);
    scene_fini(&s, true);
}

/* Forged: the path answers the keepalive, so it stays (RFC 8684 3.4.2). */
static void test_24_remove_addr_of_the_last(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_REMOVE_ADDR;
    seg.mp.remove.n = 1;
    seg.mp.remove.id[0] = 0;
    kit_input(&s.victim, &seg);
    kit_wait(&s.client, &s.victim, 30 * PLAIT_SEC);
    assert_int_equal(aim(&s)->sub_n, 1);
    scene_fini(&s, true);
}

/* ---- 25: ends ------------------------------------------------------------------------------- */

static void test_25_fastclose_with_wrong_key(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_FASTCLOSE;
    seg.mp.fastclose_key = aim(&s)->local.key ^ 1;
    scene_expect(&s, &seg, PLAIT_REASON_FASTCLOSE_KEY);
    scene_fini(&s, true);
}

static void test_25_fastclose(void **state)
{
    struct scene s;
    enum plait_reason why;

    scene_init(&s, true, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.mp.present = 1u << WIRE_MP_FASTCLOSE;
    seg.mp.fastclose_key = aim(&s)->local.key;
    scene_expect(&s, &seg, PLAIT_REASON_FASTCLOSE);
    assert_int_equal(plait_conn_error(s.aimed.b, &why), PLAIT_ECONNRESET);
    assert_int_equal(scene_answer(&s).flags & WIRE_RST, WIRE_RST);
    scene_fini(&s, false);
}

static void test_25_second_data_fin_elsewhere(void **state)
{
    struct scene s;

    scene_init(&s, true, NULL);
    struct kit_seg seg = mapped(&s, "");
    seg.mp.dss.data_fin = true;
    seg.mp.dss.ssn = 0;
    seg.mp.dss.dll = 1;
    seg.mp.dss.dsn += 10; /* data is missing before it */
    kit_input(&s.victim, &seg);
    seg.mp.dss.dsn += 5;
    scene_expect(&s, &seg, PLAIT_REASON_DATA_FIN_CONFLICT);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_20_flags_and_versions),
        cmocka_unit_test(test_20_third_ack_is_wrong),
        cmocka_unit_test(test_20_same_key_twice),
        cmocka_unit_test(test_21_join_with_unknown_token),
        cmocka_unit_test(test_21_join_with_wrong_hmac),
        cmocka_unit_test(test_21_replayed_third_ack),
        cmocka_unit_test(test_21_join_with_an_id_in_use),
        cmocka_unit_test(test_21_join_after_close),
        cmocka_unit_test(test_22_mapping_far_away),
        cmocka_unit_test(test_22_mapping_beside_its_segment),
        cmocka_unit_test(test_22_mapping_that_changes),
        cmocka_unit_test(test_22_infinite_mapping_in_the_middle),
        cmocka_unit_test(test_22_data_ack_beyond_what_was_sent),
        cmocka_unit_test(test_22_numbers_wrap),
        cmocka_unit_test(test_24_add_addr_with_wrong_hmac),
        cmocka_unit_test(test_24_add_addr_with_the_leftmost_hmac),
        cmocka_unit_test(test_24_add_addr_with_port_0),
        cmocka_unit_test(test_24_add_addr_storm_reaches_few),
        cmocka_unit_test(test_24_add_addr_of_unusable_addresses),
        cmocka_unit_test(test_24_add_addr_storm),
        cmocka_unit_test(test_24_remove_addr_of_unknown_id),
        cmocka_unit_test(test_24_remove_addr_of_the_last),
        cmocka_unit_test(test_25_fastclose_with_wrong_key),
        cmocka_unit_test(test_25_fastclose),
        cmocka_unit_test(test_25_second_data_fin_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

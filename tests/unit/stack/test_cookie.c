/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <string.h>

/* A server whose table of half-open connections one stranger fills for good, and a client. */
struct crowd {
    struct kit server, client;
    struct plait_listener *listener;
};

static void fill_table(struct kit *k)
{
    struct plait_addr from = kit_addr(99, 99), to = kit_addr(1, 80);
    struct wire_packet p;
    struct kit_seg syn = kit_syn(&from, &to);

    kit_input(k, &syn);
    assert_true(kit_output(k, &p));
}

static void crowd_init(struct crowd *c)
{
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.half_open_max = 1;
    kit_init(&c->server, 1, &cfg);
    kit_init(&c->client, 2, NULL);
    c->listener = kit_listen(&c->server, 80);
    fill_table(&c->server);
}

static void crowd_fini(struct crowd *c)
{
    kit_fini(&c->client);
    kit_fini(&c->server);
}

static uint64_t count(const struct kit *k, enum plait_reason why)
{
    return plait_counter(k->stack, why);
}

static uint32_t conns(const struct kit *k)
{
    struct plait_stack_info info;

    plait_stack_info(k->stack, &info);
    return info.conns;
}

/* A hand-made client's SYN, and the ACK that answers the SYN/ACK. */
static struct kit_seg hand_syn(bool ts)
{
    struct plait_addr from = kit_addr(3, 999), to = kit_addr(1, 80);
    struct kit_seg s = kit_syn(&from, &to);

    s.opt.has_ts = ts;
    s.opt.tsval = 5000;
    s.opt.sack_permitted = true;
    s.opt.has_wscale = true;
    s.opt.wscale = 9;
    return s;
}

static struct kit_seg ack_of(const struct kit_seg *syn, const struct wire_seg *synack)
{
    struct kit_seg s = *syn;

    s.seq++;
    s.ack = synack->seq + 1;
    s.flags = WIRE_ACK;
    s.opt = (struct wire_tcpopts){.has_ts = synack->opt.has_ts, .tsval = 5001};
    s.opt.tsecr = synack->opt.tsval;
    s.mp = (struct wire_mp){0};
    return s;
}

static struct wire_seg exchange_syn(struct kit *k, const struct kit_seg *syn)
{
    struct wire_packet p;
    uint64_t live = k->live;

    assert_int_equal(kit_input(k, syn), PLAIT_REASON_NONE);
    assert_true(kit_output(k, &p));
    assert_int_equal(p.seg.flags, WIRE_SYN | WIRE_ACK);
    assert_int_equal(p.seg.ack, syn->seq + 1);
    assert_int_equal(k->live, live); /* nothing was kept */
    return p.seg;
}

/*= RFC 8684 3.1
 * The echoing of B's key allows B to operate statelessly, as described above. */
static void test_multipath_connects(void **state)
{
    struct crowd c;
    struct plait_conn_info info;
    char buf[16];

    crowd_init(&c);
    struct kit_pair p = kit_connect(&c.client, &c.server, c.listener);
    assert_int_equal(count(&c.server, PLAIT_REASON_COOKIE_SENT), 1);
    assert_int_equal(count(&c.server, PLAIT_REASON_COOKIE_ACCEPTED), 1);
    assert_int_equal(plait_send(p.a, "hello", 5, c.client.now), 5);
    assert_int_equal(plait_send(p.b, "and you", 7, c.server.now), 7);
    kit_exchange(&c.client, &c.server);
    assert_int_equal(plait_recv(p.b, buf, sizeof buf, c.server.now), 5);
    assert_int_equal(plait_recv(p.a, buf, sizeof buf, c.client.now), 7);
    plait_conn_info(p.a, &info);
    assert_true(info.multipath);
    plait_conn_info(p.b, &info);
    assert_true(info.multipath && !info.checksum);
    crowd_fini(&c);
}

static void test_checksums_and_plain(void **state)
{
    for (int checksum = 0; checksum <= 1; checksum++) {
        struct crowd c;
        struct plait_conn_info info;
        struct plait_config cfg;
        char buf[16];

        crowd_init(&c);
        plait_config_init(&cfg);
        cfg.conn.checksum = checksum;
        cfg.conn.mptcp = checksum;
        kit_fini(&c.client);
        kit_init(&c.client, 2, &cfg);
        struct kit_pair p = kit_connect(&c.client, &c.server, c.listener);
        plait_send(p.a, "hello", 5, c.client.now);
        kit_exchange(&c.client, &c.server);
        assert_int_equal(plait_recv(p.b, buf, sizeof buf, c.server.now), 5);
        plait_conn_info(p.b, &info);
        assert_int_equal(info.multipath, checksum);
        assert_int_equal(info.checksum, checksum);
        crowd_fini(&c);
    }
}

/* The text of a SYN is not taken, and its sender may never tell its key. */
static void test_text_means_plain(void **state)
{
    struct kit_seg syn = hand_syn(true);
    struct crowd c;

    crowd_init(&c);
    syn.mp.present = 1u << WIRE_MP_CAPABLE;
    syn.mp.capable = (struct wire_mp_capable){.version = 1, .flags = WIRE_CAP_H, .len = 4};
    struct wire_seg without = exchange_syn(&c.server, &syn);
    assert_true(wire_mp_has(&without.mp, WIRE_MP_CAPABLE));
    syn.data = "hello";
    syn.len = 5;
    struct wire_seg with = exchange_syn(&c.server, &syn);
    assert_false(wire_mp_has(&with.mp, WIRE_MP_CAPABLE));
    crowd_fini(&c);
}

/* The third ACK is lost; the first data, which repeats the keys, makes the connection. Data behind
 * it that came first is not answered by a reset. */
static void test_third_ack_is_lost(void **state)
{
    struct crowd c;
    struct plait_connect how = {.remote = kit_addr(1, 80)};
    struct plait_conn *a;
    uint8_t packet[2000];
    char data[2000], buf[3000];
    size_t n;

    crowd_init(&c);
    memset(data, 'x', sizeof data);
    assert_int_equal(plait_connect(c.client.stack, &how, c.client.now, &a), 0);
    n = kit_take(&c.client, packet, sizeof packet);
    kit_give(&c.server, packet, n);
    n = kit_take(&c.server, packet, sizeof packet);
    kit_give(&c.client, packet, n);
    assert_true(kit_take(&c.client, packet, sizeof packet) > 0); /* lost */
    assert_int_equal(conns(&c.server), 0);
    plait_send(a, data, sizeof data, c.client.now);
    n = kit_take(&c.client, packet, sizeof packet);
    assert_true(n > 1000);
    struct kit_seg behind = {.src = kit_addr(3, 999), .dst = kit_addr(1, 80), .seq = 5000,
                             .ack = 77, .flags = WIRE_ACK, .data = data, .len = 100};
    assert_int_equal(kit_input(&c.server, &behind), PLAIT_REASON_NO_SOCKET);
    kit_expect_silence(&c.server);
    kit_give(&c.server, packet, n);
    assert_int_equal(conns(&c.server), 1);
    kit_exchange(&c.client, &c.server);
    struct plait_conn *b = plait_accept(c.listener);
    assert_non_null(b);
    assert_int_equal(plait_recv(b, buf, sizeof buf, c.server.now), 2000);
    struct plait_conn_info info;
    plait_conn_info(b, &info);
    assert_true(info.multipath);
    crowd_fini(&c);
}

static void test_options_come_back(void **state)
{
    for (int ts = 0; ts <= 1; ts++) {
        struct crowd c;
        struct wire_packet p;
        crowd_init(&c);
        struct kit_seg syn = hand_syn(ts);
        struct wire_seg sa = exchange_syn(&c.server, &syn);
        assert_int_equal(sa.opt.has_ts, ts);
        assert_int_equal(sa.opt.has_wscale, ts);
        assert_int_equal(sa.opt.sack_permitted, ts);
        struct kit_seg ack = ack_of(&syn, &sa);
        ack.data = "hello";
        ack.len = 5;
        assert_int_equal(kit_input(&c.server, &ack), PLAIT_REASON_NONE);
        struct plait_conn *b = plait_accept(c.listener);
        assert_non_null(b);
        struct mp_subflow *sf = stack_find_subflow(c.server.stack, &syn.dst, &syn.src);
        const struct tcb *t = mp_subflow_tcb(sf);
        assert_int_equal(t->state, TCP_ST_ESTABLISHED);
        assert_int_equal(t->snd_wnd, ts ? 60000u << 9 : 60000u);
        assert_int_equal(t->sack_on, ts);
        assert_int_equal(t->mss_peer, 1460);
        char buf[8];
        assert_int_equal(plait_recv(b, buf, sizeof buf, c.server.now), 5);
        assert_true(kit_output(&c.server, &p));
        assert_int_equal(p.seg.ack, ack.seq + 5);
        if (ts) /* never back in time */
            assert_in_range(p.seg.opt.tsval - sa.opt.tsval, 1, 1000);
        crowd_fini(&c);
    }
}

/* Nothing brings ECN back, so the SYN/ACK does not agree to it: else marks would not be echoed. */
static void test_ecn_is_off(void **state)
{
    struct crowd c;
    struct wire_packet p;

    crowd_init(&c);
    struct kit_seg syn = hand_syn(true);
    syn.flags |= WIRE_ECE | WIRE_CWR;
    assert_int_equal(kit_input(&c.server, &syn), PLAIT_REASON_NONE);
    assert_true(kit_output(&c.server, &p));
    assert_int_equal(p.seg.flags, WIRE_SYN | WIRE_ACK);
    assert_int_equal(count(&c.server, PLAIT_REASON_COOKIE_SENT), 1);
    crowd_fini(&c);
}

/* Every part of the ACK that was hashed counts, and so does each bit of the proof. */
static void test_forgeries(void **state)
{
    struct crowd c;

    crowd_init(&c);
    struct kit_seg syn = hand_syn(true);
    struct wire_seg sa = exchange_syn(&c.server, &syn);
    struct kit_seg ack = ack_of(&syn, &sa), bad;
    for (unsigned bit = 0; bit < 64 + 4; bit++) {
        bad = ack;
        if (bit < 32)
            bad.ack ^= 1u << bit;
        else if (bit < 64)
            bad.opt.tsecr ^= 1u << (bit - 32);
        else if (bit == 64)
            bad.seq++;
        else if (bit == 65)
            bad.src.port++;
        else if (bit == 66)
            bad.src.ip[3]++;
        else
            bad.opt.has_ts = false;
        assert_int_equal(kit_input(&c.server, &bad), PLAIT_REASON_NO_SOCKET);
        struct wire_packet p;
        assert_true(kit_output(&c.server, &p));
        assert_int_equal(p.seg.flags, WIRE_RST);
    }
    assert_int_equal(count(&c.server, PLAIT_REASON_COOKIE_REFUSED), 68);
    assert_int_equal(conns(&c.server), 0);
    assert_int_equal(kit_input(&c.server, &ack), PLAIT_REASON_NONE);
    assert_int_equal(conns(&c.server), 1);
    crowd_fini(&c);
}

/* Guessing does not help: a million ACKs without timestamps, the weaker kind. */
static void test_guesses(void **state)
{
    struct crowd c;

    crowd_init(&c);
    c.server.stack->cfg.check_invariants = false;
    struct kit_seg syn = hand_syn(false);
    struct wire_seg sa = exchange_syn(&c.server, &syn);
    struct kit_seg ack = ack_of(&syn, &sa);
    uint32_t right = ack.ack;
    struct wire_packet p;
    for (uint32_t i = 1; i <= 200000; i++) {
        ack.ack = right + i * 0x9e3779b1;
        if (ack.ack == right)
            continue;
        kit_input(&c.server, &ack);
        kit_output(&c.server, &p);
    }
    assert_int_equal(conns(&c.server), 0);
    crowd_fini(&c);
}

/* It lasts one to two periods of 32 s, and without one that is out no ACK is looked at. */
static void test_expiry(void **state)
{
    for (unsigned s = 0; s <= 130; s += 13) {
        struct crowd c;
        crowd_init(&c);
        struct kit_seg syn = hand_syn(true);
        struct wire_seg sa = exchange_syn(&c.server, &syn);
        struct kit_seg ack = ack_of(&syn, &sa);
        c.server.now += s * PLAIT_SEC;
        enum plait_reason why = kit_input(&c.server, &ack);
        if (s < 32)
            assert_int_equal(why, PLAIT_REASON_NONE);
        if (s > 64) {
            assert_int_equal(why, PLAIT_REASON_NO_SOCKET);
            assert_int_equal(count(&c.server, PLAIT_REASON_COOKIE_REFUSED), 0);
        }
        crowd_fini(&c);
    }
}

/* The same SYN in each period, and to another stack, gets another answer. */
static void test_secrets_differ(void **state)
{
    static const unsigned pause[] = {0, 33, 33, 200, 33};
    uint32_t seen[10];
    unsigned n = 0;

    for (unsigned stack = 0; stack < 2; stack++) {
        struct crowd c;
        crowd_init(&c);
        c.server.dice += stack;
        for (unsigned i = 0; i < 5; i++, n++) {
            c.server.now += pause[i] * PLAIT_SEC;
            struct kit_seg syn = hand_syn(true);
            seen[n] = exchange_syn(&c.server, &syn).seq >> 4;
            for (unsigned j = 0; j < n; j++)
                assert_int_not_equal(seen[n], seen[j]);
        }
        crowd_fini(&c);
    }
}

/*= RFC 8684 3.1
 * if uniqueness is not met and there is no way to generate an alternative verifiable key, then the
 * connection MUST fall back to using regular TCP by not sending an MP_CAPABLE in the SYN/ACK. */
static void test_token_collides(void **state)
{
    struct crowd c;
    struct stack_token taken = {.conn = NULL};
    struct mp_key key;

    crowd_init(&c);
    struct kit_seg syn = hand_syn(true);
    syn.mp.present = 1u << WIRE_MP_CAPABLE;
    syn.mp.capable = (struct wire_mp_capable){.version = 1, .flags = WIRE_CAP_H, .len = 4};
    struct wire_seg sa = exchange_syn(&c.server, &syn);
    assert_true(wire_mp_has(&sa.mp, WIRE_MP_CAPABLE));
    mp_key_derive(sa.mp.capable.key_sender, 1, &key);
    stack_token_add(c.server.stack, &taken, key.token);
    struct wire_seg again = exchange_syn(&c.server, &syn);
    assert_false(again.mp.any);
    /* Taken only after the SYN/ACK: the connection is plain. */
    struct kit_seg ack = ack_of(&syn, &sa);
    ack.mp.present = 1u << WIRE_MP_CAPABLE;
    ack.mp.capable = (struct wire_mp_capable){.version = 1, .flags = WIRE_CAP_H, .len = 20};
    ack.mp.capable.key_sender = 1234567;
    ack.mp.capable.key_receiver = sa.mp.capable.key_sender;
    assert_int_equal(kit_input(&c.server, &ack), PLAIT_REASON_NONE);
    struct plait_conn_info info;
    plait_conn_info(plait_accept(c.listener), &info);
    assert_false(info.multipath);
    assert_int_equal(info.fallback, PLAIT_REASON_MP_KEY);
    stack_token_del(c.server.stack, &taken);
    crowd_fini(&c);
}

/* ---- joins ----------------------------------------------------------------------------------- */

static struct kit_seg hand_join(const struct plait_conn *c, uint16_t port)
{
    struct plait_addr from = kit_addr(3, port), to = kit_addr(1, 80);
    struct kit_seg s = kit_syn(&from, &to);
    struct plait_conn_info info;

    plait_conn_info(c, &info);
    s.opt.has_ts = true;
    s.opt.tsval = 7;
    s.mp.present = 1u << WIRE_MP_JOIN;
    s.mp.join = (struct wire_mp_join){
        .len = 12, .addr_id = 9, .backup = true, .token = info.token_local, .nonce = 0xabcdef01};
    return s;
}

/* A client whose second address is on host 3. */
static struct kit_pair joinable(struct crowd *c)
{
    struct kit_pair p;

    kit_init(&c->server, 1, NULL);
    kit_init(&c->client, 2, NULL);
    c->listener = kit_listen(&c->server, 80);
    p = kit_connect(&c->client, &c->server, c->listener);
    plait_send(p.a, "x", 1, c->client.now);
    kit_exchange(&c->client, &c->server);
    return p;
}

static void occupy(struct crowd *c, const struct plait_conn *conn)
{
    struct wire_packet p;

    for (uint16_t i = 0; i < STACK_HALF_JOINS_MAX; i++) {
        struct kit_seg s = hand_join(conn, (uint16_t)(100 + i));
        assert_int_equal(kit_input(&c->server, &s), PLAIT_REASON_NONE);
        assert_true(kit_output(&c->server, &p));
    }
    assert_int_equal(conn->half_joins, STACK_HALF_JOINS_MAX);
}

static uint8_t subflows(const struct plait_conn *c)
{
    struct plait_conn_info info;

    plait_conn_info(c, &info);
    return info.subflow_n;
}

/* All its half-open joins are strangers', and a real join gets through. */
static void test_join_without_state(void **state)
{
    struct crowd c;
    struct kit_pair p = joinable(&c);
    struct plait_local second = {
        .addr = kit_addr(3, 0), .id = 2, .flags = PLAIT_LOCAL_SUBFLOW, .mtu = 1500};
    struct plait_subflow_info sub;

    occupy(&c, p.b);
    assert_int_equal(plait_local_add(c.client.stack, &second, c.client.now), 0);
    kit_exchange(&c.client, &c.server);
    assert_int_equal(count(&c.server, PLAIT_REASON_COOKIE_SENT), 1);
    assert_int_equal(count(&c.server, PLAIT_REASON_COOKIE_ACCEPTED), 1);
    assert_int_equal(subflows(p.a), 2);
    assert_int_equal(subflows(p.b), 2);
    assert_int_equal(plait_subflow_info(p.b, 1, &sub), 0);
    assert_int_equal(sub.remote_id, 2);
    assert_false(sub.backup_remote);
    crowd_fini(&c);
}

/* What the SYN said comes back; a guess of HMAC-A, or a changed number, is nothing. */
static void test_join_forgeries(void **state)
{
    struct crowd c;
    struct kit_pair p = joinable(&c);
    struct wire_packet out;

    occupy(&c, p.b);
    struct kit_seg syn = hand_join(p.b, 999);
    struct wire_seg sa = exchange_syn(&c.server, &syn);
    assert_true(wire_mp_has(&sa.mp, WIRE_MP_JOIN));
    /* the same SYN, the same answer; another nonce, another one */
    assert_int_equal(exchange_syn(&c.server, &syn).mp.join.nonce, sa.mp.join.nonce);
    syn.mp.join.nonce++;
    assert_int_not_equal(exchange_syn(&c.server, &syn).mp.join.nonce, sa.mp.join.nonce);
    syn.mp.join.nonce--;
    struct kit_seg ack = ack_of(&syn, &sa), bad;
    ack.mp.present = 1u << WIRE_MP_JOIN;
    ack.mp.join = (struct wire_mp_join){.len = 24};
    for (unsigned bit = 0; bit < 64; bit++) {
        bad = ack;
        if (bit < 32)
            bad.ack ^= 1u << bit;
        else
            bad.opt.tsecr ^= 1u << (bit - 32);
        enum plait_reason why = kit_input(&c.server, &bad);
        assert_true(why == PLAIT_REASON_NO_SOCKET || why == PLAIT_REASON_JOIN_HMAC);
        assert_true(kit_output(&c.server, &out));
        assert_true((out.seg.flags & WIRE_RST) != 0);
    }
    assert_int_equal(kit_input(&c.server, &ack), PLAIT_REASON_JOIN_HMAC);
    assert_int_equal(subflows(p.b), 1);
    crowd_fini(&c);
}

/* The connection goes while an answer without state is under way. */
static void test_join_outlives_connection(void **state)
{
    struct crowd c;
    struct kit_pair p = joinable(&c);

    occupy(&c, p.b);
    struct kit_seg syn = hand_join(p.b, 999);
    struct wire_seg sa = exchange_syn(&c.server, &syn);
    struct kit_seg ack = ack_of(&syn, &sa);
    ack.mp.present = 1u << WIRE_MP_JOIN;
    ack.mp.join = (struct wire_mp_join){.len = 24};
    plait_abort(p.b, c.server.now);
    plait_release(p.b, c.server.now);
    kit_exchange(&c.client, &c.server);
    assert_int_equal(conns(&c.server), 0);
    assert_int_equal(kit_input(&c.server, &ack), PLAIT_REASON_NO_SOCKET);
    crowd_fini(&c);
}

/* More connections under attack than there are places: each new one takes somebody's. */
static void test_places_run_out(void **state)
{
    struct crowd c;
    struct kit_pair p[STACK_FLOODED_MAX + 3];

    kit_init(&c.server, 1, NULL);
    kit_init(&c.client, 2, NULL);
    c.listener = kit_listen(&c.server, 80);
    for (unsigned i = 0; i < STACK_FLOODED_MAX + 3; i++) {
        p[i] = kit_connect(&c.client, &c.server, c.listener);
        plait_send(p[i].a, "x", 1, c.client.now);
        kit_exchange(&c.client, &c.server);
        for (uint16_t port = 1; port <= STACK_HALF_JOINS_MAX + 1; port++) {
            struct kit_seg s = hand_join(p[i].b, (uint16_t)(100 * i + port));
            struct wire_packet out;
            assert_int_equal(kit_input(&c.server, &s), PLAIT_REASON_NONE);
            assert_true(kit_output(&c.server, &out));
        }
        assert_true(p[i].b->flooded > 0);
    }
    unsigned n = 0;
    for (unsigned i = 0; i < STACK_FLOODED_MAX + 3; i++)
        n += p[i].b->flooded > 0;
    assert_int_equal(n, STACK_FLOODED_MAX);
    crowd_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multipath_connects),
        cmocka_unit_test(test_checksums_and_plain),
        cmocka_unit_test(test_text_means_plain),
        cmocka_unit_test(test_third_ack_is_lost),
        cmocka_unit_test(test_options_come_back),
        cmocka_unit_test(test_ecn_is_off),
        cmocka_unit_test(test_forgeries),
        cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_secrets_differ),
        cmocka_unit_test(test_token_collides),
        cmocka_unit_test(test_join_without_state),
        cmocka_unit_test(test_join_forgeries),
        cmocka_unit_test(test_join_outlives_connection),
        cmocka_unit_test(test_places_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

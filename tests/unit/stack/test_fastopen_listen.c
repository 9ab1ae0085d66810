/* SPDX-License-Identifier: Apache-2.0 */
/* Fast Open of a server: whole connections with a client of ours, and SYNs made by hand. RFC 7413
 * 4, RFC 8684 B. */
#include "kit.h"

#include <string.h>

static const char text[] = "twenty bytes of text";
enum { TEXT = 20, HAND_ISS = 1000 };

struct duo {
    struct kit client, server;
    struct plait_listener *l;
};

static void duo_init(struct duo *d, const struct plait_config *cfg)
{
    kit_init(&d->server, 1, cfg);
    kit_init(&d->client, 2, cfg);
    d->l = kit_listen(&d->server, 80);
}

static void duo_fini(struct duo *d)
{
    kit_fini(&d->client);
    kit_fini(&d->server);
}

static struct plait_config fast(void)
{
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.conn.fastopen = true;
    return cfg;
}

static uint64_t count(const struct kit *k, enum plait_reason why)
{
    return plait_counter(k->stack, why);
}

/* The client gets its cookie by an ordinary connection. */
static void learn(struct duo *d)
{
    struct kit_pair p = kit_connect(&d->client, &d->server, d->l);

    plait_abort(p.a, d->client.now);
    plait_abort(p.b, d->server.now);
    plait_release(p.a, d->client.now);
    plait_release(p.b, d->server.now);
    kit_exchange(&d->client, &d->server);
}

static struct plait_conn *open_with_text(struct duo *d)
{
    struct plait_connect how = {.remote = kit_addr(1, 80)};
    struct plait_conn *c;

    assert_int_equal(plait_connect(d->client.stack, &how, d->client.now, &c), 0);
    assert_int_equal(plait_send(c, text, TEXT, d->client.now), TEXT);
    return c;
}

/* One packet, seen while it passes. */
static struct wire_seg pass(struct kit *from, struct kit *to)
{
    static uint8_t packet[2000];
    struct wire_packet p;
    size_t n = kit_take(from, packet, sizeof packet);

    assert_true(n > 0);
    assert_int_equal(wire_parse(packet, n, false, &p), PLAIT_REASON_NONE);
    if (to != NULL)
        kit_give(to, packet, n);
    return p.seg;
}

static void expect_text(struct plait_conn *c, const char *what, size_t len, plait_time now)
{
    char buf[200];

    assert_int_equal(plait_recv(c, buf, sizeof buf, now), len);
    assert_memory_equal(buf, what, len);
}

/* A request and its answer, over what was set up. */
static void converse(struct duo *d, struct plait_conn *a, struct plait_conn *b)
{
    assert_int_equal(plait_send(a, "more of it", 10, d->client.now), 10);
    assert_int_equal(plait_send(b, "an answer", 9, d->server.now), 9);
    kit_exchange(&d->client, &d->server);
    expect_text(b, "more of it", 10, d->server.now);
    expect_text(a, "an answer", 9, d->client.now);
    plait_shutdown(a, d->client.now);
    plait_shutdown(b, d->server.now);
    kit_exchange(&d->client, &d->server);
    expect_text(a, "", 0, d->client.now);
    expect_text(b, "", 0, d->server.now);
    plait_release(a, d->client.now);
    plait_release(b, d->server.now);
    kit_exchange(&d->client, &d->server);
}

enum { PLAIN, MULTIPATH, CHECKSUM, VARIANTS };

static struct plait_config variant(unsigned v)
{
    struct plait_config cfg = fast();

    cfg.conn.mptcp = v != PLAIN;
    cfg.conn.checksum = v == CHECKSUM;
    return cfg;
}

/* The server has the text of the SYN, and its SYN/ACK waits. */
struct early {
    struct plait_conn *a, *b;
    uint32_t text_end; /* sequence number behind it */
};
static struct early begin(struct duo *d, const struct plait_config *cfg)
{
    struct early e;

    duo_init(d, cfg);
    learn(d);
    e.a = open_with_text(d);
    struct wire_seg syn = pass(&d->client, &d->server);
    assert_int_equal(syn.len, TEXT);
    assert_int_equal(syn.opt.tfo_len, TCP_FASTOPEN_COOKIE_OURS);
    e.text_end = syn.seq + 1 + TEXT;
    e.b = plait_accept(d->l);
    assert_non_null(e.b);
    return e;
}

/* Figures 18 and 19 of RFC 8684. */
/*= RFC 7413 4.2.2
 * Buffer the data and notify the application. */
/*= RFC 8684 B.2
 * the TFO data must not be considered part of the data sequence number space */
static void test_text_before_the_third_ack(void **state)
{
    for (unsigned v = 0; v < VARIANTS; v++) {
        struct plait_config cfg = variant(v);
        struct duo d;
        struct early e = begin(&d, &cfg);
        assert_true(kit_event(&d.server, e.b, PLAIT_EVENT_READABLE));
        expect_text(e.b, text, TEXT, d.server.now);
        struct wire_seg synack = pass(&d.server, &d.client);
        assert_int_equal(synack.flags & (WIRE_SYN | WIRE_ACK), WIRE_SYN | WIRE_ACK);
        assert_int_equal(synack.ack, e.text_end);
        assert_int_equal(wire_mp_has(&synack.mp, WIRE_MP_CAPABLE), v != PLAIN);
        kit_exchange(&d.client, &d.server);
        assert_true(kit_event(&d.server, e.b, PLAIT_EVENT_CONNECTED));
        struct plait_conn_info info;
        plait_conn_info(e.b, &info);
        assert_true(info.established);
        assert_int_equal(info.multipath, v != PLAIN);
        assert_int_equal(info.checksum, v == CHECKSUM);
        assert_int_equal(info.syn_received, TEXT);
        assert_int_equal(info.bytes_received, TEXT);
        assert_null(d.server.stack->pending[0].conn);
        converse(&d, e.a, e.b);
        assert_int_equal(count(&d.server, PLAIT_REASON_FASTOPEN_ACCEPTED), 1);
        assert_int_equal(count(&d.client, PLAIT_REASON_FASTOPEN_TAKEN), 1);
        duo_fini(&d);
    }
}

/*= RFC 7413 4.2.2
 * If the SYN-ACK timer fires, the server SHOULD retransmit a SYN-ACK segment with neither data nor
 * Fast Open options for compatibility reasons. */
/* The SYN/ACK is lost, or the third ACK, and the client sends data then. */
static void test_losses(void **state)
{
    for (unsigned v = 0; v < 2 * VARIANTS; v++) {
        struct plait_config cfg = variant(v / 2);
        struct duo d;
        struct early e = begin(&d, &cfg);
        pass(&d.server, v % 2 == 0 ? NULL : &d.client);
        if (v % 2 == 1)
            pass(&d.client, NULL);
        kit_wait(&d.client, &d.server, 10 * PLAIT_SEC);
        struct plait_conn_info info;
        plait_conn_info(e.b, &info);
        assert_true(info.established);
        assert_int_equal(info.multipath, v / 2 != PLAIN);
        expect_text(e.b, text, TEXT, d.server.now);
        converse(&d, e.a, e.b);
        duo_fini(&d);
    }
}

/*= RFC 8684 3.1
 * When A does have data to send, it must repeat the sending of the MP_CAPABLE option from the first
 * ACK, with additional data parameters. */
/* The third ACK is lost, and the first data that are no part of the SYN bring the keys. */
static void test_data_bring_the_keys(void **state)
{
    for (unsigned v = 0; v < VARIANTS; v++) {
        struct plait_config cfg = variant(v);
        struct duo d;
        struct early e = begin(&d, &cfg);
        pass(&d.server, &d.client);
        pass(&d.client, NULL);
        assert_int_equal(plait_send(e.a, "keys", 4, d.client.now), 4);
        kit_exchange(&d.client, &d.server);
        char both[TEXT + 4];
        memcpy(both, text, TEXT);
        memcpy(both + TEXT, "keys", 4);
        char buf[sizeof both];
        size_t n = 0;
        for (int64_t got; (got = plait_recv(e.b, buf + n, sizeof buf - n, d.server.now)) > 0;)
            n += (size_t)got;
        assert_int_equal(n, sizeof both);
        assert_memory_equal(buf, both, sizeof both);
        struct plait_conn_info info;
        plait_conn_info(e.b, &info);
        assert_int_equal(info.multipath, v != PLAIN);
        converse(&d, e.a, e.b);
        duo_fini(&d);
    }
}

/* ---- SYNs made by hand ----------------------------------------------------------------------- */

static struct kit_seg hand_syn(uint8_t host, uint16_t port)
{
    struct plait_addr from = kit_addr(host, port), to = kit_addr(1, 80);
    struct kit_seg s = kit_syn(&from, &to);

    s.opt.has_tfo = true;
    s.data = text;
    s.len = TEXT;
    return s;
}

static struct wire_seg answer_to(struct kit *k, const struct kit_seg *syn)
{
    struct wire_packet p;

    kit_input(k, syn);
    assert_true(kit_output(k, &p));
    assert_int_equal(p.seg.flags & (WIRE_SYN | WIRE_ACK), WIRE_SYN | WIRE_ACK);
    return p.seg;
}

static void use_cookie(struct kit_seg *s, const struct wire_seg *from)
{
    assert_int_equal(from->opt.tfo_len, TCP_FASTOPEN_COOKIE_OURS);
    s->opt.tfo_len = from->opt.tfo_len;
    memcpy(s->opt.tfo, from->opt.tfo, from->opt.tfo_len);
}

/* A server and the cookie of this host. */
static struct wire_seg hand_init(struct kit *k, struct plait_config cfg, uint8_t host)
{
    kit_init(k, 1, &cfg);
    kit_listen(k, 80);
    struct kit_seg s = hand_syn(host, 1);
    struct wire_seg synack = answer_to(k, &s);
    assert_int_equal(synack.ack, HAND_ISS + 1);
    assert_int_equal(synack.opt.tfo_len, TCP_FASTOPEN_COOKIE_OURS);
    return synack;
}

static struct plait_listener *listener_of(const struct kit *k)
{
    return LIST_OWNER(k->stack->listener_list.next, struct plait_listener, all);
}

/* Time passes, and what is said meanwhile is nobody's. */
static void let_pass(struct kit *k, plait_time time)
{
    struct wire_packet p;

    k->now += time;
    plait_tick(k->stack, k->now);
    while (kit_output(k, &p))
        ;
}

static uint32_t taken(const struct wire_seg *synack)
{
    return synack->ack - (HAND_ISS + 1);
}

/* A cookie is worth nothing from another address, with another bit, shorter or longer: the text is
 * not taken, and the right one is given. */
/*= RFC 7413 4.2.2
 * Otherwise, it acknowledges only the SYN sequence. */
static void test_bad_cookies(void **state)
{
    struct kit k;
    struct wire_seg good = hand_init(&k, fast(), 7);

    for (unsigned bad = 0; bad < 5; bad++) {
        struct kit_seg s = hand_syn(bad == 0 ? 8 : 7, (uint16_t)(100 + bad));
        use_cookie(&s, &good);
        if (bad == 1)
            s.opt.tfo[5] ^= 1;
        else if (bad == 2)
            s.opt.tfo_len = 4;
        else if (bad == 3)
            s.opt.tfo_len = 8;
        struct wire_seg synack = answer_to(&k, &s);
        assert_int_equal(taken(&synack), bad == 4 ? TEXT : 0);
        assert_int_equal(synack.opt.tfo_len, bad == 4 ? 0 : TCP_FASTOPEN_COOKIE_OURS);
        if (bad > 0 && bad < 4)
            assert_memory_equal(synack.opt.tfo, good.opt.tfo, TCP_FASTOPEN_COOKIE_OURS);
    }
    assert_int_equal(count(&k, PLAIT_REASON_FASTOPEN_COOKIE), 4);
    kit_fini(&k);
}

/*= RFC 7413 4.1.2
 * The cookie expires after a certain amount of time. */
/* It is good in its own hour and in the next, where a new one is given with the answer. */
static void test_cookies_expire(void **state)
{
    for (unsigned hours = 0; hours <= 3; hours++) {
        struct kit k;
        struct wire_seg old = hand_init(&k, fast(), 7);
        let_pass(&k, hours * 3600 * PLAIT_SEC);
        struct kit_seg s = hand_syn(7, 2);
        use_cookie(&s, &old);
        struct wire_seg synack = answer_to(&k, &s);
        assert_int_equal(taken(&synack), hours < 2 ? TEXT : 0);
        assert_int_equal(synack.opt.has_tfo, hours > 0);
        kit_fini(&k);
    }
}

/*= RFC 7413 4.2
 * If this variable goes over a preset system limit, the server MUST disable TFO for all new
 * connection requests until PendingFastOpenRequests drops below the system limit. */
static void test_pending_is_bounded(void **state)
{
    struct plait_config cfg = fast();
    struct wire_seg synack[4];
    struct kit k;

    cfg.fastopen_max = 2;
    struct wire_seg good = hand_init(&k, cfg, 7);
    for (unsigned i = 0; i < 4; i++) {
        struct kit_seg s = hand_syn(7, (uint16_t)(100 + i));
        use_cookie(&s, &good);
        if (i == 3) { /* the first one is established */
            struct kit_seg ack = hand_syn(7, 100);
            ack.opt = (struct wire_tcpopts){0};
            ack.flags = WIRE_ACK;
            ack.seq = HAND_ISS + 1 + TEXT;
            ack.ack = synack[0].seq + 1;
            ack.len = 0;
            assert_int_equal(kit_input(&k, &ack), PLAIT_REASON_NONE);
        }
        synack[i] = answer_to(&k, &s);
        assert_int_equal(taken(&synack[i]), i == 2 ? 0 : TEXT);
        assert_false(synack[i].opt.has_tfo);
    }
    assert_int_equal(count(&k, PLAIT_REASON_FASTOPEN_FULL), 1);
    kit_fini(&k);
}

/*= RFC 7413 5.1
 * continuing to account for those connection requests that have just been reset against the
 * listener's PendingFastOpenRequests until a timeout period has passed. */
static void test_resets_count(void **state)
{
    struct plait_config cfg = fast();
    struct kit k;

    cfg.fastopen_max = 1;
    struct wire_seg good = hand_init(&k, cfg, 7);
    for (unsigned i = 0; i < 3; i++) {
        struct kit_seg s = hand_syn(7, (uint16_t)(100 + i));
        use_cookie(&s, &good);
        struct wire_seg synack = answer_to(&k, &s);
        assert_int_equal(taken(&synack), i == 1 ? 0 : TEXT);
        struct kit_seg rst = {.src = s.src, .dst = s.dst, .seq = synack.ack, .flags = WIRE_RST};
        kit_input(&k, &rst);
        struct plait_conn *c = plait_accept(listener_of(&k));
        assert_int_equal(c != NULL, i != 1);
        if (c != NULL) { /* what came is there, and then the error */
            expect_text(c, text, TEXT, k.now);
            char buf[1];
            assert_int_equal(plait_recv(c, buf, 1, k.now), PLAIT_ECONNRESET);
            plait_release(c, k.now);
        }
        let_pass(&k, i == 1 ? 61 * PLAIT_SEC : 0);
    }
    kit_fini(&k);
}

/* Without the option, for version 0, where only MPTCP will do, without text, and where SYNs are
 * answered without state, nothing is taken and no connection is made. */
/*= RFC 7413 4.2
 * When this flag is off, the server does not perform any TFO-related operations and MUST ignore all
 * cookie options. */
static void test_not_here(void **state)
{
    enum { OFF, V0, REQUIRE, NO_TEXT, FULL, CASES };

    for (unsigned n = 0; n < CASES; n++) {
        struct plait_config cfg = fast();
        struct kit k;
        cfg.conn.require_mptcp = n == REQUIRE;
        struct wire_seg good = hand_init(&k, cfg, 7);
        struct plait_listener *l = listener_of(&k);
        struct kit_seg s = hand_syn(7, 2);
        use_cookie(&s, &good);
        l->cfg.fastopen = n != OFF;
        if (n == FULL)
            k.stack->cfg.half_open_max = k.stack->half_n;
        if (n == NO_TEXT)
            s.len = 0;
        if (n == V0) {
            s.mp.present = 1u << WIRE_MP_CAPABLE;
            s.mp.capable = (struct wire_mp_capable){
                .version = 0, .flags = WIRE_CAP_H, .len = 12, .key_sender = 77};
        }
        struct wire_seg synack = answer_to(&k, &s);
        assert_int_equal(taken(&synack), 0);
        assert_false(synack.opt.has_tfo);
        assert_null(plait_accept(l));
        kit_fini(&k);
    }
}

/* Where memory ends, at whatever place, the handshake is an ordinary one or none; nothing leaks. */
static void test_memory_ends(void **state)
{
    for (int64_t n = 0; n < 12; n++) {
        struct kit k;
        struct wire_seg good = hand_init(&k, fast(), 7);
        struct kit_seg s = hand_syn(7, 2);
        struct wire_packet p;
        use_cookie(&s, &good);
        k.fail_in = n;
        kit_input(&k, &s);
        k.fail_in = -1;
        if (kit_output(&k, &p)) {
            uint32_t got = taken(&p.seg);
            assert_true(got == 0 || got == TEXT);
            assert_int_equal(got > 0, count(&k, PLAIT_REASON_FASTOPEN_ACCEPTED));
        }
        kit_fini(&k);
    }
}

/* The SYN comes again, with its text or without: the same answer, and the text once. */
static void test_syn_again(void **state)
{
    struct kit k;
    struct wire_seg good = hand_init(&k, fast(), 7);
    struct kit_seg s = hand_syn(7, 2);

    use_cookie(&s, &good);
    struct wire_seg first = answer_to(&k, &s);
    for (unsigned i = 0; i < 2; i++) {
        struct wire_seg again = answer_to(&k, &s);
        assert_int_equal(again.seq, first.seq);
        assert_int_equal(again.ack, first.ack);
        s.len = 0;
        s.opt.has_tfo = false;
    }
    struct plait_conn *c = plait_accept(listener_of(&k));
    expect_text(c, text, TEXT, k.now);
    char buf[1];
    assert_int_equal(plait_recv(c, buf, 1, k.now), PLAIT_EAGAIN);
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_before_the_third_ack),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_data_bring_the_keys),
        cmocka_unit_test(test_bad_cookies),
        cmocka_unit_test(test_cookies_expire),
        cmocka_unit_test(test_pending_is_bounded),
        cmocka_unit_test(test_resets_count),
        cmocka_unit_test(test_not_here),
        cmocka_unit_test(test_memory_ends),
        cmocka_unit_test(test_syn_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

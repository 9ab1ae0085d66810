/* SPDX-License-Identifier: Apache-2.0 */
/* Fast Open of a client, against a server that is played by hand: RFC 7413, and the figures of RFC
 * 8684 appendix B. */
#include "kit.h"

#include "base/csum.h"
#include <string.h>

static const uint8_t cookie[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const char text[] = "twenty bytes of text";
enum { TEXT = 20, ISS = 9000 };
#define KEY 0x1122334455667788

struct play {
    struct kit k;
    struct plait_conn_config cfg;
    struct plait_conn *c;
    struct wire_seg syn;      /* of the client; its payload is in syn_text */
    uint8_t syn_text[1500];
};

static void play_init(struct play *p, bool mptcp, bool checksum)
{
    struct plait_config cfg;

    plait_config_init(&cfg);
    kit_init(&p->k, 2, NULL);
    p->cfg = cfg.conn;
    p->cfg.fastopen = true;
    p->cfg.mptcp = mptcp;
    p->cfg.checksum = checksum;
}

static void take_syn(struct play *p)
{
    struct wire_packet out;

    assert_true(kit_output(&p->k, &out));
    assert_int_equal(out.seg.flags, WIRE_SYN);
    p->syn = out.seg;
    memcpy(p->syn_text, out.seg.data, out.seg.len);
}

static void begin(struct play *p, const void *data, size_t len)
{
    struct plait_connect how = {.remote = kit_addr(1, 80), .config = &p->cfg};

    assert_int_equal(plait_connect(p->k.stack, &how, p->k.now, &p->c), 0);
    if (len > 0)
        assert_int_equal(plait_send(p->c, data, len, p->k.now), len);
    take_syn(p);
}

/* What the server says: SYN/ACK for so many bytes of the text. */
static struct kit_seg synack(const struct play *p, uint32_t taken)
{
    struct kit_seg s = {
        .src = kit_addr(1, 80), .dst = p->syn.src, .seq = ISS, .ack = p->syn.seq + 1 + taken,
        .flags = WIRE_SYN | WIRE_ACK, .opt = {.has_mss = true, .mss = 1400}};

    if (wire_mp_has(&p->syn.mp, WIRE_MP_CAPABLE)) {
        uint8_t flags = WIRE_CAP_H | (p->syn.mp.capable.flags & WIRE_CAP_A);
        s.mp.present = 1u << WIRE_MP_CAPABLE;
        s.mp.capable = (struct wire_mp_capable){
            .version = 1, .flags = flags, .len = 12, .key_sender = KEY};
    }
    return s;
}

static void give_cookie(struct kit_seg *s)
{
    s->opt.has_tfo = true;
    s->opt.tfo_len = sizeof cookie;
    memcpy(s->opt.tfo, cookie, sizeof cookie);
}

static struct wire_seg next(struct play *p)
{
    struct wire_packet out;

    assert_true(kit_output(&p->k, &out));
    return out.seg;
}

static void end(struct play *p)
{
    struct wire_packet out;

    plait_abort(p->c, p->k.now);
    plait_release(p->c, p->k.now);
    while (kit_output(&p->k, &out))
        ;
}

/* Figure 18: the cookie is asked for and given; then it is used. */
static void learn_cookie(struct play *p)
{
    begin(p, text, TEXT);
    assert_true(p->syn.opt.has_tfo);
    assert_int_equal(p->syn.opt.tfo_len, 0);
    assert_int_equal(p->syn.len, 0);
    struct kit_seg s = synack(p, 0);
    give_cookie(&s);
    assert_int_equal(kit_input(&p->k, &s), PLAIT_REASON_NONE);
    assert_int_equal(next(p).ack, ISS + 1);
    end(p);
}

static void use_cookie(struct play *p, const void *data, size_t len)
{
    begin(p, data, len);
    assert_int_equal(p->syn.opt.tfo_len, sizeof cookie);
    assert_memory_equal(p->syn.opt.tfo, cookie, sizeof cookie);
    assert_true(p->syn.len > 0);
    assert_memory_equal(p->syn_text, data, p->syn.len);
}

/* The first data that the SYN did not bring: its number on the subflow is 1, and with MPTCP its
 * place in the data is right behind the SYN. */
static void expect_first_data(struct play *p, uint32_t taken, const char *data, uint32_t len)
{
    struct wire_seg seg = next(p);
    struct mp_key key;

    if (seg.len == 0) /* the third ACK went alone */
        seg = next(p);
    assert_int_equal(seg.seq, p->syn.seq + 1 + taken);
    assert_int_equal(seg.len, len);
    assert_memory_equal(seg.data, data, len);
    if (!p->cfg.mptcp) {
        assert_false(seg.mp.any);
        return;
    }
    assert_true(wire_mp_has(&seg.mp, WIRE_MP_CAPABLE));
    assert_int_equal(seg.mp.capable.len, p->cfg.checksum ? 24 : 22);
    assert_int_equal(seg.mp.capable.dll, len);
    assert_int_equal(seg.mp.capable.key_receiver, KEY);
    if (!p->cfg.checksum)
        return;
    mp_key_derive(seg.mp.capable.key_sender, 1, &key);
    uint8_t pseudo[16] = {0}; /* figure 10 of RFC 8684 */
    for (unsigned i = 0; i < 8; i++)
        pseudo[i] = (uint8_t)((key.idsn + 1) >> (56 - 8 * i));
    pseudo[11] = 1;
    pseudo[12] = (uint8_t)(len >> 8);
    pseudo[13] = (uint8_t)len;
    pseudo[14] = (uint8_t)(seg.mp.capable.csum >> 8);
    pseudo[15] = (uint8_t)seg.mp.capable.csum;
    uint64_t sum = csum_add(csum_add(0, pseudo, sizeof pseudo), seg.data, seg.len);
    assert_int_equal(csum_fold(sum), 0xffff);
}

enum { PLAIN, MULTIPATH, CHECKSUM, VARIANTS };

/* Figures 19 (all taken), 20 (none) and 21 (a part), and the same without MPTCP. */
static void test_text_taken(void **state)
{
    static const uint32_t taken[] = {TEXT, 0, 13};
    static const char more[] = "and more";

    for (unsigned v = 0; v < 3 * VARIANTS; v++) {
        struct play p;
        uint32_t n = taken[v / VARIANTS];
        play_init(&p, v % VARIANTS != PLAIN, v % VARIANTS == CHECKSUM);
        learn_cookie(&p);
        use_cookie(&p, text, TEXT);
        assert_int_equal(p.syn.len, TEXT);
        struct kit_seg s = synack(&p, n);
        assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
        struct plait_conn_info info;
        plait_conn_info(p.c, &info);
        assert_true(info.established);
        assert_int_equal(info.bytes_acked, n);
        if (n == TEXT) {
            plait_send(p.c, more, sizeof more, p.k.now);
            expect_first_data(&p, n, more, sizeof more);
        } else {
            expect_first_data(&p, n, text + n, TEXT - n);
        }
        assert_int_equal(plait_counter(p.k.stack, PLAIT_REASON_FASTOPEN_TAKEN), n > 0);
        assert_int_equal(plait_counter(p.k.stack, PLAIT_REASON_FASTOPEN_REFUSED), n == 0);
        end(&p);
        kit_fini(&p.k);
    }
}

/* The server took the text and speaks plain TCP. */
static void test_fallback_to_plain(void **state)
{
    struct play p;

    play_init(&p, true, false);
    learn_cookie(&p);
    use_cookie(&p, text, TEXT);
    struct kit_seg s = synack(&p, 10);
    s.mp.present = 0;
    assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
    p.cfg.mptcp = false;
    expect_first_data(&p, 10, text + 10, TEXT - 10);
    struct kit_seg ack = {.src = s.src, .dst = s.dst, .seq = ISS + 1, .flags = WIRE_ACK,
                          .ack = p.syn.seq + 1 + TEXT};
    assert_int_equal(kit_input(&p.k, &ack), PLAIT_REASON_NONE);
    struct plait_conn_info info;
    plait_conn_info(p.c, &info);
    assert_int_equal(info.bytes_acked, TEXT);
    assert_int_equal(info.send_queued, 0);
    end(&p);
    kit_fini(&p.k);
}

/* Text beyond one segment, and beyond what the server's MSS allows, stays behind. */
static void test_text_is_bounded(void **state)
{
    static char much[5000];
    struct play p;

    play_init(&p, true, false);
    for (unsigned i = 0; i < sizeof much; i++)
        much[i] = (char)(i * 7);
    learn_cookie(&p);
    use_cookie(&p, much, sizeof much);
    assert_in_range(p.syn.len, 1300, 1400 - 40);
    struct kit_seg s = synack(&p, p.syn.len);
    assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
    uint32_t n = p.syn.len;
    struct wire_seg seg = next(&p);
    if (seg.len == 0)
        seg = next(&p);
    assert_int_equal(seg.seq, p.syn.seq + 1 + n);
    assert_memory_equal(seg.data, much + n, seg.len);
    end(&p);
    kit_fini(&p.k);
}

/*= RFC 7413 4.2.2
 * To deal with network or servers dropping SYN packets with payload or unknown options, when the
 * SYN timer fires, the client SHOULD retransmit a SYN packet without data and Fast Open options. */
static void test_syn_is_lost(void **state)
{
    for (int late = 0; late <= 1; late++) {
        struct play p;
        play_init(&p, true, false);
        learn_cookie(&p);
        use_cookie(&p, text, TEXT);
        uint32_t seq = p.syn.seq;
        p.k.now = plait_deadline(p.k.stack);
        plait_tick(p.k.stack, p.k.now);
        take_syn(&p);
        assert_int_equal(p.syn.seq, seq);
        assert_false(p.syn.opt.has_tfo);
        assert_int_equal(p.syn.len, 0);
        /* the first one was only slow, or it was lost */
        struct kit_seg s = synack(&p, late ? TEXT : 0);
        assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
        if (late)
            plait_send(p.c, "more", 4, p.k.now);
        expect_first_data(&p, late ? TEXT : 0, late ? "more" : text, late ? 4 : TEXT);
        end(&p);
        begin(&p, text, TEXT); /* not with this server for a while */
        assert_false(p.syn.opt.has_tfo);
        end(&p);
        p.k.now += 601 * PLAIT_SEC;
        plait_tick(p.k.stack, p.k.now);
        begin(&p, text, TEXT);
        assert_int_equal(p.syn.opt.tfo_len, sizeof cookie);
        end(&p);
        kit_fini(&p.k);
    }
}

/* The server speaks no version 1: another attempt with version 0 has no room for Fast Open, and is
 * not made where text was taken, which would come twice. */
static void test_no_second_try_with_text(void **state)
{
    for (uint32_t taken = 0; taken <= TEXT; taken += TEXT) {
        struct play p;
        play_init(&p, true, false);
        learn_cookie(&p);
        p.cfg.offer_versions = PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1;
        use_cookie(&p, text, TEXT);
        struct kit_seg s = synack(&p, taken);
        s.mp.present = 0;
        assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
        struct plait_conn_info info;
        plait_conn_info(p.c, &info);
        assert_int_equal(info.established, taken > 0);
        if (taken == 0) {
            struct wire_seg seg = next(&p);
            if ((seg.flags & WIRE_RST) != 0) /* of the first attempt */
                seg = next(&p);
            assert_int_equal(seg.flags, WIRE_SYN);
            assert_int_equal(seg.mp.capable.len, 12);
            assert_false(seg.opt.has_tfo);
            assert_int_equal(seg.len, 0);
        }
        end(&p);
        kit_fini(&p.k);
    }
}

/* The cookie is old: the server gives another one, and takes nothing. */
static void test_new_cookie(void **state)
{
    struct play p;

    play_init(&p, true, false);
    learn_cookie(&p);
    use_cookie(&p, text, TEXT);
    struct kit_seg s = synack(&p, 0);
    s.opt.has_tfo = true;
    s.opt.tfo_len = 6;
    memset(s.opt.tfo, 0xee, 6);
    assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
    expect_first_data(&p, 0, text, TEXT);
    end(&p);
    begin(&p, text, TEXT);
    assert_int_equal(p.syn.opt.tfo_len, 6);
    assert_int_equal(p.syn.opt.tfo[5], 0xee);
    assert_int_equal(p.syn.len, TEXT);
    end(&p);
    kit_fini(&p.k);
}

/* An ACK beyond the text is no answer to this SYN. */
static void test_too_much_taken(void **state)
{
    struct play p;

    play_init(&p, true, false);
    learn_cookie(&p);
    use_cookie(&p, text, TEXT);
    struct kit_seg s = synack(&p, TEXT + 1);
    kit_input(&p.k, &s);
    assert_int_equal(next(&p).flags & WIRE_RST, WIRE_RST);
    s = synack(&p, TEXT);
    assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
    assert_int_equal(next(&p).ack, ISS + 1);
    end(&p);
    kit_fini(&p.k);
}

/* Without the option nothing of it is seen; a cookie that nobody asked for is not kept. */
static void test_off(void **state)
{
    struct play p;

    play_init(&p, true, false);
    p.cfg.fastopen = false;
    begin(&p, text, TEXT);
    assert_false(p.syn.opt.has_tfo);
    struct kit_seg s = synack(&p, 0);
    give_cookie(&s);
    assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
    end(&p);
    p.cfg.fastopen = true;
    begin(&p, text, TEXT);
    assert_int_equal(p.syn.opt.tfo_len, 0);
    end(&p);
    kit_fini(&p.k);
}

/* More servers than places: the oldest is forgotten, nothing grows. */
static void test_cache_is_bounded(void **state)
{
    struct play p;

    play_init(&p, false, false);
    for (unsigned i = 0; i < STACK_COOKIES_MAX + 5; i++) {
        struct plait_connect how = {.remote = kit_addr(1, (uint16_t)(80 + i)), .config = &p.cfg};
        assert_int_equal(plait_connect(p.k.stack, &how, p.k.now, &p.c), 0);
        take_syn(&p);
        struct kit_seg s = synack(&p, 0);
        s.src.port = (uint16_t)(80 + i);
        give_cookie(&s);
        assert_int_equal(kit_input(&p.k, &s), PLAIT_REASON_NONE);
        end(&p);
    }
    struct tcp_fastopen with;
    struct plait_addr first = kit_addr(1, 80), last = kit_addr(1, 80 + STACK_COOKIES_MAX + 4);
    assert_true(stack_fastopen_use(p.k.stack, &first, &with));
    assert_int_equal(with.len, 0);
    assert_true(stack_fastopen_use(p.k.stack, &last, &with));
    assert_int_equal(with.len, sizeof cookie);
    kit_fini(&p.k);
}

/* What one stack was given another one can use; what is no cookie it refuses. */
static void test_cookie_is_carried_over(void **state)
{
    struct plait_addr server = kit_addr(1, 80);
    struct plait_fastopen known;
    struct play p;

    play_init(&p, true, false);
    assert_int_equal(plait_fastopen_get(p.k.stack, &server, &known), PLAIT_ENOENT);
    learn_cookie(&p);
    assert_int_equal(plait_fastopen_get(p.k.stack, &server, &known), 0);
    assert_int_equal(known.len, sizeof cookie);
    assert_memory_equal(known.cookie, cookie, sizeof cookie);
    assert_int_equal(known.mss, 1400);
    kit_fini(&p.k);
    play_init(&p, true, false);
    assert_int_equal(plait_fastopen_set(p.k.stack, &known), 0);
    use_cookie(&p, text, TEXT);
    assert_int_equal(p.syn.len, TEXT);
    end(&p);
    for (unsigned i = 0; i < 4; i++) {
        struct plait_fastopen bad = known;
        bad.len = (uint8_t[]){0, 2, 7, 16}[i];
        assert_int_equal(plait_fastopen_set(p.k.stack, &bad), PLAIT_EINVAL);
    }
    known.server.port = 0;
    assert_int_equal(plait_fastopen_set(p.k.stack, &known), PLAIT_EINVAL);
    kit_fini(&p.k);
}

/* A server that knows nothing of it, whole connections. */
static void test_against_a_plain_server(void **state)
{
    for (int mptcp = 0; mptcp <= 1; mptcp++) {
        struct kit a, b;
        struct plait_config cfg;
        char buf[64];
        plait_config_init(&cfg);
        cfg.conn.fastopen = true;
        cfg.conn.mptcp = mptcp;
        kit_init(&a, 2, &cfg);
        kit_init(&b, 1, NULL);
        struct plait_listener *l = kit_listen(&b, 80);
        for (unsigned i = 0; i < 3; i++) {
            struct kit_pair pair = kit_connect(&a, &b, l);
            plait_send(pair.a, text, TEXT, a.now);
            kit_exchange(&a, &b);
            assert_int_equal(plait_recv(pair.b, buf, sizeof buf, b.now), TEXT);
            assert_memory_equal(buf, text, TEXT);
        }
        kit_fini(&a);
        kit_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_taken),
        cmocka_unit_test(test_fallback_to_plain),
        cmocka_unit_test(test_text_is_bounded),
        cmocka_unit_test(test_syn_is_lost),
        cmocka_unit_test(test_no_second_try_with_text),
        cmocka_unit_test(test_new_cookie),
        cmocka_unit_test(test_too_much_taken),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_cache_is_bounded),
        cmocka_unit_test(test_cookie_is_carried_over),
        cmocka_unit_test(test_against_a_plain_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Whose is a packet, where several stacks share addresses and ports? Whole worlds of shards are in
 * scenario/test_shards.c. */
#include "kit.h"

#include "base/be.h"
#include <string.h>

enum { N = 4, PORT = 80 };

struct set {
    struct kit k[N];
    struct plait_listener *l[N];
};

static struct plait_config shard_config(unsigned shard, unsigned n)
{
    struct plait_config cfg;

    plait_config_init(&cfg);
    cfg.shard = (uint8_t)shard;
    cfg.shard_n = (uint8_t)n;
    cfg.shard_secret[0] = 17;
    return cfg;
}

static void set_init(struct set *s)
{
    for (unsigned i = 0; i < N; i++) {
        struct plait_config cfg = shard_config(i, N);
        cfg.conn.fastopen = true;
        kit_init(&s->k[i], 1, &cfg);
        s->k[i].dice += i << 20; /* each draws other numbers */
        s->l[i] = kit_listen(&s->k[i], PORT);
    }
}

static void set_fini(struct set *s)
{
    for (unsigned i = 0; i < N; i++)
        kit_fini(&s->k[i]);
}

/* A port of the peer's whose packets come to this shard. */
static struct plait_addr peer_at_home(unsigned shard, unsigned host)
{
    uint16_t port = 999;

    while (plait_shard_of_ports(PORT, port, N) != shard)
        port++;
    return kit_addr((uint8_t)host, port);
}

static struct kit_seg syn_from(const struct plait_addr *from)
{
    struct plait_addr to = kit_addr(1, PORT);

    return kit_syn(from, &to);
}

static struct kit_seg join_from(const struct plait_addr *from, uint32_t token)
{
    struct kit_seg s = syn_from(from);

    s.mp.present = 1u << WIRE_MP_JOIN;
    s.mp.join = (struct wire_mp_join){.len = 12, .addr_id = 2, .token = token, .nonce = 5};
    return s;
}

/* As it comes from the network, or from another shard. */
static enum plait_reason give(struct kit *k, const struct kit_seg *seg, struct plait_in *in)
{
    static uint8_t packet[2000];

    in->len = kit_bytes(seg, packet, sizeof packet);
    in->ip = packet;
    in->block = NULL;
    return plait_input(k->stack, in, k->now);
}

/* It has an answer, which is the last one. */
static struct wire_seg expect_mine(struct kit *k, const struct kit_seg *seg)
{
    struct plait_in in = {0};
    struct wire_packet p, last = {0};

    assert_int_not_equal(give(k, seg, &in), PLAIT_REASON_SHARD);
    while (kit_output(k, &p))
        last = p;
    assert_int_not_equal(last.seg.flags, 0);
    return last.seg;
}

static void expect_of(struct kit *k, const struct kit_seg *seg, unsigned shard)
{
    struct plait_in in = {0};

    assert_int_equal(give(k, seg, &in), PLAIT_REASON_SHARD);
    assert_int_equal(in.shard, shard);
    assert_true(in.handed > 0);
    kit_expect_silence(k);
}

static struct plait_shard_news next_news(struct kit *k)
{
    struct plait_shard_news news;

    assert_true(plait_shard_news_next(k->stack, &news));
    return news;
}

static void expect_no_news(struct kit *k)
{
    struct plait_shard_news news;

    assert_false(plait_shard_news_next(k->stack, &news));
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Ports are drawn one after the other, and by Linux two by two: no shard gets much more than its
 * part. */
static void test_ports_are_spread(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= PLAIT_SHARDS_MAX; n++)
        for (unsigned step = 1; step <= 2; step++) {
            unsigned out[PLAIT_SHARDS_MAX] = {0}, in[PLAIT_SHARDS_MAX] = {0};
            for (unsigned i = 0; i < 12000; i++) {
                uint16_t port = (uint16_t)(32768 + step * i);
                out[plait_shard_of_ports(port, 443, n)]++;
                in[plait_shard_of_ports(443, port, n)]++;
            }
            for (unsigned i = 0; i < n; i++) {
                assert_in_range(in[i], 12000 / n * 8 / 10, 12000 / n * 12 / 10 + 1);
                assert_in_range(out[i], 12000 / n * 8 / 10, 12000 / n * 12 / 10 + 1);
            }
        }
}

static void test_tokens_are_divided(void **state)
{
    (void)state;
    assert_int_equal(plait_shard_of_token(UINT32_MAX, 1), 0);
    assert_int_equal(plait_shard_of_token(0, 8), 0);
    assert_int_equal(plait_shard_of_token(0x1fffffff, 8), 0);
    assert_int_equal(plait_shard_of_token(0x20000000, 8), 1);
    assert_int_equal(plait_shard_of_token(UINT32_MAX, 8), 7);
    assert_int_equal(plait_shard_of_token(UINT32_MAX, PLAIT_SHARDS_MAX), PLAIT_SHARDS_MAX - 1);
}

static void test_keys_name_their_shard(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= PLAIT_SHARDS_MAX; n += 9)
        for (unsigned i = 0; i < n; i++) {
            struct plait_config cfg = shard_config(i, n);
            struct kit k;
            kit_init(&k, 1, &cfg);
            for (unsigned draw = 0; draw < 20; draw++)
                for (uint8_t version = 0; version < 2; version++) {
                    struct mp_key key, again;
                    assert_true(stack_draw_key(k.stack, version, &key));
                    mp_key_derive(key.key, version, &again);
                    assert_int_equal(key.token, again.token);
                    assert_int_equal(plait_shard_of_token(key.token, n), i);
                }
            kit_fini(&k);
        }
}

static void test_drawn_ports_lead_home(void **state)
{
    static const uint16_t reserved[] = {7001, 7002, 7003, 7004, 7005, 7006, 7007, 7008};
    struct plait_addr local = kit_addr(1, 0), remote = kit_addr(2, 443);
    struct plait_config cfg = shard_config(2, N);
    struct kit k;

    (void)state;
    kit_init(&k, 1, &cfg);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(stack_draw_port(k.stack, &local, &remote), 0);
        assert_int_equal(plait_shard_of_ports(local.port, 443, N), 2);
    }
    k.stack->cfg.join_ports = reserved;
    k.stack->cfg.join_port_n = 8;
    assert_int_equal(stack_draw_join_port(k.stack, &local, &remote), 0);
    assert_int_equal(plait_shard_of_ports(local.port, 443, N), 2);
    /* None of them leads home: then any will do. */
    k.stack->cfg.join_port_n = 1;
    k.stack->cfg.shard = (uint8_t)((plait_shard_of_ports(7001, 443, N) + 1) % N);
    assert_int_equal(stack_draw_join_port(k.stack, &local, &remote), 0);
    assert_int_equal(local.port, 7001);
    k.stack->cfg.shard = 2;
    kit_fini(&k);
}

static void test_configuration(void **state)
{
    struct plait_config cfg = shard_config(3, 4);

    (void)state;
    assert_true(stack_config_ok(&cfg));
    cfg.shard = 4;
    assert_false(stack_config_ok(&cfg));
    cfg.shard = 0;
    cfg.shard_n = 0;
    assert_false(stack_config_ok(&cfg));
    cfg.shard_n = PLAIT_SHARDS_MAX + 1;
    assert_false(stack_config_ok(&cfg));
}

/* ---- packets --------------------------------------------------------------------------------- */

static void test_by_ports(void **state)
{
    struct set s;
    struct plait_in in = {.handed = 1};

    (void)state;
    set_init(&s);
    for (unsigned i = 0; i < N; i++) {
        struct plait_addr from = peer_at_home(i, 2);
        struct kit_seg syn = syn_from(&from);
        for (unsigned k = 0; k < N; k++)
            if (k == i)
                expect_mine(&s.k[k], &syn);
            else
                expect_of(&s.k[k], &syn, i);
    }
    /* Who was told that it is his takes it. */
    struct plait_addr from = peer_at_home(0, 3);
    struct kit_seg syn = syn_from(&from);
    assert_int_equal(give(&s.k[1], &syn, &in), PLAIT_REASON_NONE);
    set_fini(&s);
}

static uint32_t token_of(unsigned shard)
{
    return (uint32_t)(((uint64_t)shard << 32) / N + 12345);
}

static void test_join_by_token(void **state)
{
    struct plait_addr from = peer_at_home(1, 2);
    struct set s;

    (void)state;
    set_init(&s);
    for (unsigned i = 0; i < N; i++) {
        struct kit_seg join = join_from(&from, token_of(i));
        if (i == 1)
            expect_mine(&s.k[1], &join); /* a reset: nobody has it */
        else
            expect_of(&s.k[1], &join, i);
    }
    /* From elsewhere it goes home first, which may know more. */
    struct kit_seg join = join_from(&from, token_of(3));
    expect_of(&s.k[2], &join, 1);
    assert_int_equal(plait_counter(s.k[1].stack, PLAIT_REASON_SHARD), 3);
    assert_int_equal(s.k[1].drops, 1);
    set_fini(&s);
}

/* From home to where it lives, and from there by its token: then it stays, whatever anybody says.
 */
static void test_it_comes_to_an_end(void **state)
{
    struct plait_addr from = peer_at_home(1, 2), to = kit_addr(1, PORT);
    struct plait_shard_news here = {.local = to, .remote = from, .from = 2, .to = 1};
    struct kit_seg join = join_from(&from, token_of(1));
    struct plait_in in = {0};
    struct set s;

    (void)state;
    set_init(&s);
    assert_int_equal(plait_shard_news(s.k[1].stack, &here, s.k[1].now), 0);
    assert_int_equal(give(&s.k[0], &join, &in), PLAIT_REASON_SHARD);
    assert_int_equal(in.shard, 1);
    assert_int_equal(give(&s.k[1], &join, &in), PLAIT_REASON_SHARD);
    assert_int_equal(in.shard, 2);
    assert_int_equal(give(&s.k[2], &join, &in), PLAIT_REASON_SHARD);
    assert_int_equal(in.shard, 1);
    assert_int_equal(give(&s.k[1], &join, &in), PLAIT_REASON_JOIN_TOKEN);
    set_fini(&s);
}

/* ---- guests ---------------------------------------------------------------------------------- */

/* What begins away from home is told, once, and its end too. */
static void test_news(void **state)
{
    struct plait_addr from = peer_at_home(1, 2);
    struct kit_seg seg = syn_from(&from);
    struct plait_in in = {.handed = 3};
    struct plait_stack_info info;
    struct set s;

    (void)state;
    set_init(&s);
    assert_int_equal(give(&s.k[2], &seg, &in), PLAIT_REASON_NONE);
    struct plait_shard_news news = next_news(&s.k[2]);
    assert_true(addr_equal(&news.remote, &from) && news.local.port == PORT);
    assert_true(news.from == 2 && news.to == 1 && !news.gone);
    expect_no_news(&s.k[2]);
    assert_int_equal(plait_shard_news(s.k[1].stack, &news, s.k[1].now), 0);
    expect_of(&s.k[1], &seg, 2);
    seg.flags = WIRE_ACK;
    expect_of(&s.k[1], &seg, 2);
    seg.flags = WIRE_RST;
    seg.seq++;
    in = (struct plait_in){.handed = 2};
    give(&s.k[2], &seg, &in);
    news = next_news(&s.k[2]);
    assert_true(news.gone && news.to == 1);
    expect_no_news(&s.k[2]);
    plait_shard_news(s.k[1].stack, &news, s.k[1].now);
    seg = syn_from(&from);
    expect_mine(&s.k[1], &seg);
    plait_stack_info(s.k[1].stack, &info);
    assert_int_equal(info.guests, 0);
    plait_stack_info(s.k[2].stack, &info);
    assert_int_equal(info.away, 0);
    set_fini(&s);
}

/* It was gone before anybody was told that it was there: there is nothing to tell. */
static void test_short_life_is_no_news(void **state)
{
    struct plait_addr from = peer_at_home(1, 2);
    struct kit_seg seg = syn_from(&from);
    struct plait_in in = {.handed = 3};
    struct set s;

    (void)state;
    set_init(&s);
    give(&s.k[2], &seg, &in);
    seg.flags = WIRE_RST;
    seg.seq++;
    give(&s.k[2], &seg, &in);
    expect_no_news(&s.k[2]);
    set_fini(&s);
}

/* Of two who say that they have it the later one does, and the end of the other changes nothing. */
static void test_the_last_one_counts(void **state)
{
    struct plait_addr from = peer_at_home(1, 2), to = kit_addr(1, PORT);
    struct plait_shard_news news = {.local = to, .remote = from, .from = 2, .to = 1};
    struct kit_seg seg = syn_from(&from);
    struct set s;

    (void)state;
    set_init(&s);
    plait_shard_news(s.k[1].stack, &news, s.k[1].now);
    news.from = 3;
    plait_shard_news(s.k[1].stack, &news, s.k[1].now);
    news.from = 2;
    news.gone = true;
    plait_shard_news(s.k[1].stack, &news, s.k[1].now);
    expect_of(&s.k[1], &seg, 3);
    set_fini(&s);
}

/* A stranger's SYN with the token of a connection of his own takes no 4-tuple from others: neither
 * from one at home nor from a guest. */
static void test_a_token_steals_nothing(void **state)
{
    struct plait_addr at_home = peer_at_home(1, 2), guest = peer_at_home(1, 3);
    struct plait_shard_news news = {
        .local = kit_addr(1, PORT), .remote = guest, .from = 2, .to = 1};
    struct kit_seg syn = syn_from(&at_home), theft = join_from(&at_home, token_of(3));
    struct set s;

    (void)state;
    set_init(&s);
    expect_mine(&s.k[1], &syn);
    expect_mine(&s.k[1], &theft);
    plait_shard_news(s.k[1].stack, &news, s.k[1].now);
    theft = join_from(&guest, token_of(3));
    expect_of(&s.k[1], &theft, 2);
    set_fini(&s);
}

/* ---- TIME-WAIT ------------------------------------------------------------------------------- */

/* A client whose subflow waits in TIME-WAIT at this stack. */
static struct plait_conn *make_time_wait(struct kit *k, struct kit *peer, struct plait_listener *l)
{
    struct plait_connect how = {.local = kit_addr(2, 0), .remote = kit_addr(1, PORT)};
    struct plait_conn *a, *b;

    how.local.port = peer_at_home(k->stack->cfg.shard, 2).port;
    assert_int_equal(plait_connect(peer->stack, &how, peer->now, &a), 0);
    kit_exchange(peer, k);
    b = plait_accept(l);
    assert_non_null(b);
    plait_shutdown(b, k->now);
    kit_exchange(peer, k);
    plait_shutdown(a, peer->now);
    kit_wait(peer, k, 10 * PLAIT_MSEC);
    plait_release(a, peer->now);
    return b;
}

/* The 4-tuple that waits is free for a join of another shard's connection, and from then on that
 * one has it. */
static void test_time_wait_is_left_to_another_shard(void **state)
{
    struct plait_config plain;
    struct kit peer;
    struct set s;

    (void)state;
    set_init(&s);
    plait_config_init(&plain);
    plain.conn.mptcp = false;
    kit_init(&peer, 2, &plain);
    struct plait_conn *b = make_time_wait(&s.k[1], &peer, s.l[1]);
    struct htab_node *node = htab_walk(&s.k[1].stack->subflows, NULL);
    assert_non_null(node);
    const struct tcb *t = mp_subflow_tcb(mp_subflow_of_node(node));
    assert_int_equal(t->state, TCP_ST_TIME_WAIT);
    struct kit_seg join = join_from(&t->remote, token_of(3));
    join.opt.has_ts = true;
    join.opt.tsval = t->ts_recent - 1; /* an old one */
    expect_mine(&s.k[1], &join);
    join.opt.tsval = t->ts_recent + 1;
    expect_of(&s.k[1], &join, 3);
    struct plait_shard_news news = {.local = t->local, .remote = t->remote, .from = 3, .to = 1};
    plait_shard_news(s.k[1].stack, &news, s.k[1].now);
    join.flags = WIRE_ACK;
    join.mp.present = 0;
    expect_of(&s.k[1], &join, 3);
    plait_release(b, s.k[1].now);
    kit_fini(&peer);
    set_fini(&s);
}

/* ---- errors of the network ------------------------------------------------------------------- */

/* "Host unreachable" about a segment of ours. */
static enum plait_reason give_icmp(struct kit *k, const struct plait_addr *remote,
                                   struct plait_in *in)
{
    uint8_t quoted[100], b[128] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1};
    struct plait_addr local = kit_addr(1, PORT);
    struct kit_seg seg = {.src = local, .dst = *remote, .seq = 7, .flags = WIRE_ACK};
    size_t n = kit_bytes(&seg, quoted, sizeof quoted);

    memcpy(b + 12, kit_addr(9, 0).ip, 4);
    memcpy(b + 16, local.ip, 4);
    b[20] = 3;
    b[21] = 1;
    memcpy(b + 28, quoted, n);
    be16_store(b + 2, (uint16_t)(28 + n));
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += be16_load(b + i);
    sum = (sum & 0xffff) + (sum >> 16);
    be16_store(b + 10, (uint16_t)~sum);
    *in = (struct plait_in){.ip = b, .len = 28 + n, .csum_ok = true, .handed = in->handed};
    return plait_input(k->stack, in, k->now);
}

static void test_icmp_goes_where_the_subflow_is(void **state)
{
    struct plait_addr remote = peer_at_home(1, 2);
    struct plait_shard_news news = {
        .local = kit_addr(1, PORT), .remote = remote, .from = 2, .to = 1};
    struct plait_in in = {0};
    struct set s;

    (void)state;
    set_init(&s);
    assert_int_equal(give_icmp(&s.k[0], &remote, &in), PLAIT_REASON_SHARD);
    assert_int_equal(in.shard, 1);
    assert_int_equal(give_icmp(&s.k[1], &remote, &in), PLAIT_REASON_ICMP_IGNORED);
    plait_shard_news(s.k[1].stack, &news, s.k[1].now);
    in.handed = 0;
    assert_int_equal(give_icmp(&s.k[1], &remote, &in), PLAIT_REASON_SHARD);
    assert_int_equal(in.shard, 2);
    assert_int_equal(give_icmp(&s.k[2], &remote, &in), PLAIT_REASON_ICMP_IGNORED);
    set_fini(&s);
}

/* ---- secrets that all know ------------------------------------------------------------------- */

/* A client knows nothing of shards: the cookie that one gave is good at all others, too. */
static void test_fast_open_cookies_are_shared(void **state)
{
    struct set s;

    (void)state;
    set_init(&s);
    struct plait_addr from = peer_at_home(1, 2);
    struct kit_seg syn = syn_from(&from);
    syn.opt.has_tfo = true;
    struct wire_seg synack = expect_mine(&s.k[1], &syn);
    assert_true(synack.opt.has_tfo && synack.opt.tfo_len > 0);
    for (unsigned i = 0; i < N; i++) {
        from = peer_at_home(i, 2);
        from.port = (uint16_t)(from.port + (i == 1)); /* the first one is half-open there */
        while (plait_shard_of_ports(PORT, from.port, N) != i)
            from.port++;
        syn = syn_from(&from);
        syn.opt.has_tfo = true;
        syn.opt.tfo_len = synack.opt.tfo_len;
        memcpy(syn.opt.tfo, synack.opt.tfo, synack.opt.tfo_len);
        syn.data = "text";
        syn.len = 4;
        expect_mine(&s.k[i], &syn);
        struct plait_conn *c = plait_accept(s.l[i]);
        assert_non_null(c);
        char buf[8];
        assert_int_equal(plait_recv(c, buf, sizeof buf, s.k[i].now), 4);
    }
    set_fini(&s);
}

/* ---- no memory ------------------------------------------------------------------------------- */

/* Where its home could not be told nothing begins. */
static void test_no_memory(void **state)
{
    struct plait_addr from = peer_at_home(1, 2), to = kit_addr(1, PORT);
    struct plait_shard_news here = {.local = to, .remote = from, .from = 2, .to = 1};
    struct kit_seg syn = syn_from(&from);
    struct plait_stack_info info;
    struct plait_in in = {.handed = 3};
    struct set s;

    (void)state;
    set_init(&s);
    for (int64_t n = 0; n < 8; n++) {
        struct plait_stack *stack = s.k[2].stack;
        s.k[2].fail_in = n;
        bool ok = give(&s.k[2], &syn, &in) == PLAIT_REASON_NONE;
        s.k[2].fail_in = -1;
        plait_stack_info(stack, &info);
        assert_int_equal(info.half_open, ok);
        if (ok)
            break;
        expect_no_news(&s.k[2]);
        plait_stack_info(stack, &info);
        assert_int_equal(info.away, 0);
        assert_true(n < 7);
    }
    s.k[1].fail_in = 0;
    assert_int_equal(plait_shard_news(s.k[1].stack, &here, s.k[1].now), PLAIT_ENOMEM);
    s.k[1].fail_in = -1;
    assert_int_equal(plait_shard_news(s.k[1].stack, &here, s.k[1].now), 0);
    set_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports_are_spread),
        cmocka_unit_test(test_tokens_are_divided),
        cmocka_unit_test(test_keys_name_their_shard),
        cmocka_unit_test(test_drawn_ports_lead_home),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_by_ports),
        cmocka_unit_test(test_join_by_token),
        cmocka_unit_test(test_it_comes_to_an_end),
        cmocka_unit_test(test_news),
        cmocka_unit_test(test_short_life_is_no_news),
        cmocka_unit_test(test_the_last_one_counts),
        cmocka_unit_test(test_a_token_steals_nothing),
        cmocka_unit_test(test_time_wait_is_left_to_another_shard),
        cmocka_unit_test(test_icmp_goes_where_the_subflow_is),
        cmocka_unit_test(test_fast_open_cookies_are_shared),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

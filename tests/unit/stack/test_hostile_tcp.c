/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile input, TCP: each case is survived with the counter that is named for it, and the other
 * connection of the same hosts works afterwards. */
#include "hostile.h"

#include "base/be.h"
#include "base/csum.h"

#include <stdlib.h>
#include <string.h>

/* ---- 1 to 4: blind attacks (RFC 5961) ------------------------------------------------------- */

/*= RFC 5961 3.2
 * If the RST bit is set and the sequence number does not exactly match the next expected sequence
 * value, yet is within the current receive window (RCV.NXT < SEG.SEQ < RCV.NXT+RCV.WND), TCP MUST
 * send an acknowledgment (challenge ACK) */
static void test_01_rst_in_window(void **state)
{
    struct scene s;

    scene_init(&s, false, NULL);
    struct kit_seg rst = scene_seg(&s);
    rst.flags = WIRE_RST;
    rst.seq++;
    scene_expect(&s, &rst, PLAIT_REASON_RST_IN_WINDOW);
    struct wire_seg ack = scene_answer(&s);
    assert_int_equal(ack.flags, WIRE_ACK);
    assert_int_equal(ack.ack, s.sub->tcb.rcv_nxt);
    rst.seq -= 2;
    scene_expect(&s, &rst, PLAIT_REASON_SEQ_OUTSIDE);
    kit_expect_silence(&s.victim);
    scene_fini(&s, true);
}

static void test_01_rst_exact(void **state)
{
    struct scene s;
    enum plait_reason why;

    scene_init(&s, false, NULL);
    struct kit_seg rst = scene_seg(&s);
    rst.flags = WIRE_RST;
    scene_expect(&s, &rst, PLAIT_REASON_RST_RECEIVED);
    assert_int_equal(plait_conn_error(s.aimed.b, &why), PLAIT_ECONNRESET);
    scene_fini(&s, false);
}

/* Whatever its number. */
static void test_02_syn_when_established(void **state)
{
    static const int32_t at[] = {0, 1, -1, 1000, INT32_MIN};
    struct scene s;

    scene_init(&s, false, NULL);
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct kit_seg syn = scene_seg(&s);
        syn.flags = i % 2 == 0 ? WIRE_SYN : WIRE_SYN | WIRE_ACK;
        syn.seq += (uint32_t)at[i];
        scene_expect(&s, &syn, PLAIT_REASON_SYN_IN_WINDOW);
        assert_int_equal(scene_answer(&s).flags, WIRE_ACK);
    }
    scene_fini(&s, true);
}

/* Its data is not delivered. */
static void test_03_ack_outside(void **state)
{
    struct scene s;
    char buf[4];

    scene_init(&s, false, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.data = "evil";
    seg.len = 4;
    seg.ack = s.sub->tcb.sndq.una - s.sub->tcb.max_wnd - 1;
    scene_expect(&s, &seg, PLAIT_REASON_ACK_OUTSIDE);
    assert_int_equal(scene_answer(&s).flags, WIRE_ACK);
    seg.ack = s.sub->tcb.sndq.nxt + 1;
    scene_expect(&s, &seg, PLAIT_REASON_ACK_OUTSIDE);
    assert_int_equal(scene_answer(&s).flags, WIRE_ACK);
    assert_int_equal(plait_recv(s.aimed.b, buf, sizeof buf, s.victim.now), PLAIT_EAGAIN);
    scene_fini(&s, true);
}

static void aim_at(struct scene *s, const struct kit_pair *p)
{
    struct list *first = p->b->mp->subflows.next;

    s->sub = LIST_OWNER(first, struct mp_subflow, in_conn);
}

/* The budget is the connection's: what is spent here is not missing there, so nobody can count it
 * from outside (CVE-2016-5696). */
static void test_04_challenge_flood(void **state)
{
    struct scene s;
    struct wire_packet p;
    unsigned answers = 0;

    scene_init(&s, false, NULL);
    struct kit_seg rst = scene_seg(&s);
    rst.flags = WIRE_RST;
    for (rst.seq++; rst.seq != s.sub->tcb.rcv_nxt + 1000; rst.seq++) {
        scene_expect(&s, &rst, PLAIT_REASON_RST_IN_WINDOW);
        answers += kit_output(&s.victim, &p);
    }
    assert_in_range(answers, 1, 100);
    assert_int_equal(plait_counter(s.victim.stack, PLAIT_REASON_CHALLENGE_LIMIT), 999 - answers);
    aim_at(&s, &s.other);
    rst = scene_seg(&s);
    rst.flags = WIRE_RST;
    rst.seq++;
    scene_expect(&s, &rst, PLAIT_REASON_RST_IN_WINDOW);
    assert_int_equal(scene_answer(&s).flags, WIRE_ACK);
    scene_fini(&s, true);
}

/* Who spoofs the other's address counts the challenge ACKs of a connection of his own before and
 * after: their number is the same whether what he sent elsewhere hit a window, missed it, or was
 * never sent. */
static void test_04_count_of_challenges_tells_nothing(void **state)
{
    static const uint32_t distance[] = {0, 1, 0x40000000};
    unsigned counted[3] = {0};

    for (unsigned i = 0; i < 3; i++) {
        struct scene s;
        struct wire_packet p;
        scene_init(&s, false, NULL);
        struct kit_seg guess = scene_seg(&s);
        guess.flags = WIRE_RST;
        guess.seq += distance[i];
        for (unsigned k = 0; k < 500 && distance[i] > 0; k++)
            kit_input(&s.victim, &guess);
        while (kit_output(&s.victim, &p))
            ; /* goes to the spoofed address */
        aim_at(&s, &s.other);
        struct kit_seg own = scene_seg(&s);
        own.flags = WIRE_RST;
        own.seq++;
        for (unsigned k = 0; k < 100; k++) {
            kit_input(&s.victim, &own);
            while (kit_output(&s.victim, &p))
                counted[i]++;
        }
        scene_fini(&s, true);
    }
    assert_in_range(counted[0], 1, 99);
    assert_int_equal(counted[1], counted[0]);
    assert_int_equal(counted[2], counted[0]);
}

/* ---- 5: initial sequence numbers (RFC 6528) ------------------------------------------------- */

/* Those of neighbours tell nothing of each other: over many ports each distance is new, and no bit
 * of it keeps its value. */
static void test_05_isn(void **state)
{
    enum { PORTS = 64 };
    struct scene s;
    uint32_t iss[PORTS], ones = 0, zeros = 0;

    scene_init(&s, false, NULL);
    for (unsigned i = 0; i < PORTS; i++) {
        struct plait_addr from = kit_addr(9, (uint16_t)(1000 + i)), to = kit_addr(2, 80);
        struct kit_seg syn = kit_syn(&from, &to);
        assert_int_equal(kit_input(&s.victim, &syn), PLAIT_REASON_NONE);
        iss[i] = scene_answer(&s).seq;
        for (unsigned k = 0; k < i; k++)
            assert_true(iss[k] != iss[i]);
        if (i > 0) {
            ones |= iss[i] - iss[i - 1];
            zeros |= ~(iss[i] - iss[i - 1]);
        }
    }
    assert_int_equal(ones, UINT32_MAX);
    assert_int_equal(zeros, UINT32_MAX);
    scene_fini(&s, true);
}

/* What a scanner does: six connections from six ports, 100 ms apart. From the distances of their
 * numbers it takes the standard deviation, and what is left of it when all have a common divisor:
 * 16 bits and more it calls good luck. */
static void test_05_scanner(void **state)
{
    enum { PROBES = 6 };
    struct scene s;
    uint32_t last = 0, divisor = 0;
    double sum = 0, squares = 0;

    scene_init(&s, false, NULL);
    for (unsigned i = 0; i < PROBES; i++) {
        struct plait_addr from = kit_addr(9, (uint16_t)(40000 + i)), to = kit_addr(2, 80);
        struct kit_seg syn = kit_syn(&from, &to);
        assert_int_equal(kit_input(&s.victim, &syn), PLAIT_REASON_NONE);
        uint32_t iss = scene_answer(&s).seq, step = iss - last;
        step = step < -step ? step : -step;
        for (uint32_t a = step; i > 0 && a != 0;) {
            uint32_t rest = divisor % a;
            divisor = a;
            a = rest;
        }
        sum += i > 0 ? step : 0;
        squares += i > 0 ? (double)step * step : 0;
        last = iss;
        s.victim.now += 100 * PLAIT_MSEC;
    }
    s.client.now = s.victim.now;
    double mean = sum / (PROBES - 1), variance = squares / (PROBES - 1) - mean * mean;
    assert_true(divisor < 10);
    assert_true(variance > (double)(1u << 24) * (1u << 24));
    scene_fini(&s, true);
}

/* ---- 7, 8, 19: headers ---------------------------------------------------------------------- */

static uint32_t halves(const struct scene *s)
{
    struct plait_stack_info info;

    plait_stack_info(s->victim.stack, &info);
    return info.half_open;
}

static void test_07_flags_that_no_tcp_sends(void **state)
{
    static const uint8_t nonsense[] = {0, 0x3f, 0xff, WIRE_SYN | WIRE_FIN, WIRE_SYN | WIRE_RST,
                                       WIRE_FIN, WIRE_FIN | WIRE_PSH | WIRE_URG};
    struct scene s;
    struct plait_addr from = kit_addr(9, 999), to = kit_addr(2, 80);

    scene_init(&s, false, NULL);
    for (unsigned i = 0; i < sizeof nonsense; i++) {
        struct kit_seg new = kit_syn(&from, &to), old = scene_seg(&s);
        new.flags = old.flags = nonsense[i];
        scene_expect(&s, &new, PLAIT_REASON_TCP_FLAGS);
        scene_expect(&s, &old, PLAIT_REASON_TCP_FLAGS);
        assert_int_equal(halves(&s), 0);
        kit_expect_silence(&s.victim);
    }
    scene_fini(&s, true);
}

/* Data in a SYN without a cookie is not acknowledged, and comes again. */
static void test_07_data_in_syn(void **state)
{
    struct scene s;
    struct plait_addr from = kit_addr(9, 999), to = kit_addr(2, 80);

    scene_init(&s, false, NULL);
    struct kit_seg syn = kit_syn(&from, &to);
    syn.data = "data";
    syn.len = 4;
    assert_int_equal(kit_input(&s.victim, &syn), PLAIT_REASON_NONE);
    assert_int_equal(scene_answer(&s).ack, syn.seq + 1);
    assert_int_equal(halves(&s), 1);
    scene_fini(&s, true);
}

/* A bare packet that can be bent: IPv4 and TCP header with 40 bytes of options. */
struct bent {
    uint8_t ip[20], tcp[60];
};

static struct bent bent_packet(const struct scene *s, const uint8_t *opts, size_t n)
{
    const struct tcb *t = &s->sub->tcb;
    struct bent b = {.ip = {0x45, 0, 0, 80, 0, 0, 0x40, 0, 64, 6}};

    memcpy(b.ip + 12, t->remote.ip, 4);
    memcpy(b.ip + 16, t->local.ip, 4);
    be16_store(b.tcp, t->remote.port);
    be16_store(b.tcp + 2, t->local.port);
    be32_store(b.tcp + 4, t->rcv_nxt);
    be32_store(b.tcp + 8, t->sndq.nxt);
    b.tcp[12] = 0xf0;
    b.tcp[13] = WIRE_ACK;
    be16_store(b.tcp + 14, 1000);
    memset(b.tcp + 20, 1, 40);
    if (n > 0)
        memcpy(b.tcp + 20, opts, n);
    return b;
}

static void bent_sums(struct bent *b)
{
    be16_store(b->ip + 10, 0);
    be16_store(b->ip + 10, (uint16_t)~csum_fold(csum_add(0, b->ip, 20)));
    be16_store(b->tcp + 16, 0);
    uint64_t sum = csum_add_u16(csum_add_u32(csum_add(0, b->ip + 12, 8), 60), 6);
    be16_store(b->tcp + 16, (uint16_t)~csum_fold(csum_add(sum, b->tcp, 60)));
}

/* In memory of exactly its size, so that the sanitizer sees a read beyond. */
static enum plait_reason input(struct scene *s, const struct bent *b, size_t len)
{
    uint8_t *mem = malloc(len);

    assert_non_null(mem);
    memcpy(mem, b, len);
    struct plait_in in = {.ip = mem, .len = len};
    enum plait_reason why = plait_input(s->victim.stack, &in, s->victim.now);
    free(mem);
    return why;
}

static void test_08_option_garbage(void **state)
{
    static const struct {
        uint8_t bytes[8];
        enum plait_reason counter;
    } cases[] = {
        {{254, 0}, PLAIT_REASON_TCP_OPTION},
        {{254, 1}, PLAIT_REASON_TCP_OPTION},
        {{254, 41}, PLAIT_REASON_TCP_OPTION},
        {{254, 255}, PLAIT_REASON_TCP_OPTION},
        {{8, 3, 0}, PLAIT_REASON_TCP_OPTION},
        {{5, 7, 0, 0, 0, 0, 0}, PLAIT_REASON_TCP_OPTION},
        {{30, 2}, PLAIT_REASON_MP_OPTION},
        {{30, 3, 0xf0}, PLAIT_REASON_MP_OPTION},
    };
    struct scene s;
    struct bent b;

    scene_init(&s, false, NULL);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t before = plait_counter(s.victim.stack, cases[i].counter);
        b = bent_packet(&s, cases[i].bytes, sizeof cases[i].bytes);
        bent_sums(&b);
        assert_int_equal(input(&s, &b, sizeof b), PLAIT_REASON_NONE);
        assert_int_equal(plait_counter(s.victim.stack, cases[i].counter), before + 1);
    }
    b = bent_packet(&s, NULL, 0); /* 40 times NOP */
    bent_sums(&b);
    assert_int_equal(input(&s, &b, sizeof b), PLAIT_REASON_NONE);
    scene_fini(&s, true);
}

static void test_08_data_offset(void **state)
{
    struct scene s;
    struct bent b;

    scene_init(&s, false, NULL);
    b = bent_packet(&s, NULL, 0);
    b.tcp[12] = 0x40;
    bent_sums(&b);
    assert_int_equal(input(&s, &b, sizeof b), PLAIT_REASON_TCP_TRUNCATED);
    b = bent_packet(&s, NULL, 0);
    be16_store(b.ip + 2, 60);
    bent_sums(&b);
    assert_int_equal(input(&s, &b, 60), PLAIT_REASON_TCP_TRUNCATED);
    assert_int_equal(plait_counter(s.victim.stack, PLAIT_REASON_TCP_TRUNCATED), 2);
    scene_fini(&s, true);
}

static void test_19_broken_packets(void **state)
{
    struct scene s;

    scene_init(&s, false, NULL);
    struct bent good = bent_packet(&s, NULL, 0), b;
    bent_sums(&good);
    b = good;
    b.tcp[5] ^= 1;
    assert_int_equal(input(&s, &b, sizeof b), PLAIT_REASON_TCP_CSUM);
    b = good;
    b.ip[8]--;
    assert_int_equal(input(&s, &b, sizeof b), PLAIT_REASON_IP_CSUM);
    for (size_t n = 1; n < sizeof good; n++)
        assert_int_equal(input(&s, &good, n), PLAIT_REASON_IP_TRUNCATED);
    b = good;
    be16_store(b.ip + 6, 0x2000); /* the first of several */
    bent_sums(&b);
    assert_int_equal(input(&s, &b, sizeof b), PLAIT_REASON_IP_FRAGMENT);
    be16_store(b.ip + 6, 3); /* one that would overlap it */
    bent_sums(&b);
    assert_int_equal(input(&s, &b, sizeof b), PLAIT_REASON_IP_FRAGMENT);
    assert_int_equal(plait_counter(s.victim.stack, PLAIT_REASON_IP_TRUNCATED), 79);
    scene_fini(&s, true);
}

static void test_19_extension_headers(void **state)
{
    struct scene s;
    uint8_t packet[40 + 8 * 64] = {0x60};

    scene_init(&s, false, NULL);
    be16_store(packet + 4, sizeof packet - 40);
    packet[7] = 64;
    for (unsigned i = 0; i < 64; i++)
        packet[40 + 8 * i] = 60; /* destination options, without end */
    packet[6] = 60;
    struct plait_in in = {.ip = packet, .len = sizeof packet};
    assert_int_equal(plait_input(s.victim.stack, &in, s.victim.now), PLAIT_REASON_IP_EXTHDR);
    assert_int_equal(plait_counter(s.victim.stack, PLAIT_REASON_IP_EXTHDR), 1);
    scene_fini(&s, true);
}

/* ---- 9 to 12: segments and acknowledgments -------------------------------------------------- */

static void test_09_tiny_mss(void **state)
{
    static const uint16_t mss[] = {0, 1, 8, 47};
    struct scene s;

    scene_init(&s, false, NULL);
    for (unsigned i = 0; i < sizeof mss / sizeof mss[0]; i++) {
        struct plait_addr from = kit_addr(9, (uint16_t)(999 + i)), to = kit_addr(2, 80);
        static const uint8_t data[1000];
        struct wire_packet p;
        unsigned n = 0;

        struct kit_seg seg = kit_syn(&from, &to);
        seg.opt.mss = mss[i];
        assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
        seg = (struct kit_seg){.src = from, .dst = to, .seq = seg.seq + 1, .flags = WIRE_ACK};
        seg.ack = scene_answer(&s).seq + 1;
        assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
        struct plait_conn *c = plait_accept(s.listener);
        assert_non_null(c);
        assert_int_equal(plait_send(c, data, sizeof data, s.victim.now), sizeof data);
        while (kit_output(&s.victim, &p) && ++n > 0)
            assert_int_equal(p.seg.len, 48);
        assert_true(n > 0);
        plait_abort(c, s.victim.now);
        plait_release(c, s.victim.now);
        while (kit_output(&s.victim, &p))
            ;
    }
    scene_fini(&s, true);
}

static void test_10_bogus_sack(void **state)
{
    static const uint8_t data[1000];
    struct scene s;

    scene_init(&s, false, NULL);
    assert_int_equal(plait_send(s.aimed.b, data, sizeof data, s.victim.now), sizeof data);
    uint32_t una = scene_answer(&s).seq; /* which gets lost */
    const struct { uint32_t lo, hi; } blocks[] = {
        {una + 500, una + 100}, {una + 500, una + 500}, {una + 500, una + 1001},
        {una + 2000, una + 3000}, {una - 100, una + 100}, {una + 0x7fffffff, una + 5},
    };
    for (unsigned i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct kit_seg ack = scene_seg(&s);
        ack.ack = una;
        ack.opt.sack_n = 1;
        ack.opt.sack[0].lo = blocks[i].lo;
        ack.opt.sack[0].hi = blocks[i].hi;
        scene_expect(&s, &ack, PLAIT_REASON_SACK_BOGUS);
    }
    kit_wait(&s.client, &s.victim, 2 * PLAIT_SEC);
    uint8_t in[sizeof data];
    assert_int_equal(plait_recv(s.aimed.a, in, sizeof in, s.client.now), sizeof in);
    scene_fini(&s, true);
}

/* All is reported as received, but for the first byte; then the peer reneges. */
static void test_10_reneging(void **state)
{
    static uint8_t data[1000], in[sizeof data];
    struct scene s;

    memset(data, 7, sizeof data);
    scene_init(&s, false, NULL);
    assert_int_equal(plait_send(s.aimed.b, data, sizeof data, s.victim.now), sizeof data);
    uint32_t una = scene_answer(&s).seq; /* which gets lost */
    struct kit_seg ack = scene_seg(&s);
    ack.ack = una;
    ack.opt.sack_n = 1;
    ack.opt.sack[0].lo = una + 1;
    ack.opt.sack[0].hi = una + 1000;
    assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
    kit_wait(&s.client, &s.victim, 10 * PLAIT_SEC);
    assert_int_equal(plait_recv(s.aimed.a, in, sizeof in, s.client.now), sizeof in);
    assert_memory_equal(in, data, sizeof in);
    scene_fini(&s, true);
}

/* Single bytes here and there are reported as received (CVE-2019-11477): each would cut a record of
 * what was sent in three. What is beyond the cap is not noted, and sent once more. */
static void test_10_sack_of_single_bytes(void **state)
{
    static uint8_t data[8000], in[sizeof data];
    struct wire_packet p;
    struct scene s;

    memset(data, 9, sizeof data);
    scene_init(&s, false, NULL);
    assert_int_equal(plait_send(s.aimed.b, data, sizeof data, s.victim.now), sizeof data);
    uint32_t una = scene_answer(&s).seq;
    while (kit_output(&s.victim, &p))
        ; /* all of it gets lost */
    uint32_t before = s.sub->tcb.sndq.f->recs.count;
    for (uint32_t i = 0; i < sizeof data / 2 - 4; i += 3) {
        struct kit_seg ack = scene_seg(&s);
        ack.ack = una;
        ack.opt.sack_n = 3;
        for (unsigned k = 0; k < 3; k++) {
            ack.opt.sack[k].lo = una + 1 + 2 * (i + k);
            ack.opt.sack[k].hi = una + 2 + 2 * (i + k);
        }
        assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
        while (kit_output(&s.victim, &p))
            ; /* and what is sent again, too */
    }
    assert_true(plait_counter(s.victim.stack, PLAIT_REASON_SCOREBOARD_FULL) > 100);
    assert_true(s.sub->tcb.sndq.f->recs.count <= 2 * before + 64);
    kit_wait(&s.client, &s.victim, 10 * PLAIT_SEC);
    assert_int_equal(plait_recv(s.aimed.a, in, sizeof in, s.client.now), sizeof in);
    assert_memory_equal(in, data, sizeof in);
    scene_fini(&s, true);
}

/* Each second byte: what is kept stays within the stack's memory, the rest is a counted drop, and
 * the connection goes on when the holes are filled. */
static void test_11_gaps_of_a_byte(void **state)
{
    struct plait_config cfg;
    struct plait_stack_info info;
    struct scene s;

    plait_config_init(&cfg);
    cfg.mem_max = 1 << 20;
    scene_init(&s, false, &cfg);
    struct kit_seg seg = scene_seg(&s);
    seg.data = "x";
    seg.len = 1;
    for (unsigned i = 0; i < 20000; i++) {
        seg.seq += 2;
        kit_input(&s.victim, &seg);
    }
    plait_stack_info(s.victim.stack, &info);
    assert_true(info.mem_peak <= cfg.mem_max);
    assert_true(plait_counter(s.victim.stack, PLAIT_REASON_RX_PRUNED) +
                    plait_counter(s.victim.stack, PLAIT_REASON_NO_MEMORY) > 0);
    plait_abort(s.aimed.a, s.client.now);
    scene_fini(&s, false);
}

/* The first byte to arrive at a position is the one that counts. */
static void test_12_overlap_that_differs(void **state)
{
    struct scene s;
    char in[8];

    scene_init(&s, false, NULL);
    struct kit_seg seg = scene_seg(&s);
    uint32_t base = seg.seq;
    seg.seq = base + 2;
    seg.data = "CDEF";
    seg.len = 4;
    assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
    seg.seq = base;
    seg.data = "abcdefgh";
    seg.len = 8;
    assert_int_equal(kit_input(&s.victim, &seg), PLAIT_REASON_NONE);
    assert_int_equal(plait_recv(s.aimed.b, in, sizeof in, s.victim.now), 8);
    assert_memory_equal(in, "abCDEFgh", 8);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

/* ---- 14, 15, 18 ----------------------------------------------------------------------------- */

/* One ACK for each byte: cwnd grows by what was acknowledged and not by the number of ACKs. */
static void test_14_ack_splitting(void **state)
{
    static const uint8_t data[1000];
    struct scene s;

    scene_init(&s, false, NULL);
    assert_int_equal(plait_send(s.aimed.b, data, sizeof data, s.victim.now), sizeof data);
    uint32_t una = scene_answer(&s).seq;
    uint32_t cwnd = s.sub->tcb.loss.cc.cwnd;
    for (uint32_t i = 1; i <= sizeof data; i++) {
        struct kit_seg ack = scene_seg(&s);
        ack.ack = una + i;
        assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
    }
    assert_true(s.sub->tcb.loss.cc.cwnd <= cwnd + sizeof data);
    plait_abort(s.aimed.b, s.victim.now);
    scene_fini(&s, false);
}

static void test_15_old_timestamp(void **state)
{
    struct scene s;
    char buf[4];

    scene_init(&s, false, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.data = "evil";
    seg.len = 4;
    seg.opt.tsval = s.sub->tcb.ts_recent - 1;
    scene_expect(&s, &seg, PLAIT_REASON_PAWS);
    assert_int_equal(scene_answer(&s).flags, WIRE_ACK);
    seg.opt.tsval = s.sub->tcb.ts_recent + 0x80000001;
    scene_expect(&s, &seg, PLAIT_REASON_PAWS);
    assert_int_equal(plait_recv(s.aimed.b, buf, sizeof buf, s.victim.now), PLAIT_EAGAIN);
    seg.flags = WIRE_RST; /* is exempt */
    seg.len = 0;
    scene_expect(&s, &seg, PLAIT_REASON_RST_RECEIVED);
    scene_fini(&s, false);
}

/* The peer may echo what it likes: a round trip is measured from when the segment was sent. */
static void test_15_echo_that_lies(void **state)
{
    static const uint32_t echo[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    struct scene s;

    scene_init(&s, false, NULL);
    for (unsigned i = 0; i < 4 * sizeof echo / sizeof echo[0]; i++) {
        assert_int_equal(plait_send(s.aimed.b, "x", 1, s.victim.now), 1);
        uint32_t end = scene_answer(&s).seq + 1;
        s.victim.now += 100 * PLAIT_MSEC;
        struct kit_seg ack = scene_seg(&s);
        ack.ack = end;
        ack.opt.tsecr = s.sub->tcb.ts_offset + echo[i % (sizeof echo / sizeof echo[0])];
        assert_int_equal(kit_input(&s.victim, &ack), PLAIT_REASON_NONE);
        assert_in_range(s.sub->tcb.loss.rtt.srtt, 1, 100 * PLAIT_MSEC);
        assert_in_range(s.sub->tcb.loss.rtt.rto, 200 * PLAIT_MSEC, 400 * PLAIT_MSEC);
    }
    assert_in_range(s.sub->tcb.loss.rtt.srtt, 90 * PLAIT_MSEC, 100 * PLAIT_MSEC);
    plait_abort(s.aimed.b, s.victim.now);
    s.client.now = s.victim.now;
    scene_fini(&s, false);
}

/* A segment of a connection that nobody knows: after a reboot, or made up. */
static void test_18_half_open_peer(void **state)
{
    struct scene s;

    scene_init(&s, false, NULL);
    struct kit_seg seg = scene_seg(&s);
    seg.src.port ^= 1;
    seg.src.ip[3] = 9;
    scene_expect(&s, &seg, PLAIT_REASON_NO_SOCKET);
    struct wire_seg rst = scene_answer(&s);
    assert_int_equal(rst.flags, WIRE_RST);
    assert_int_equal(rst.seq, seg.ack);
    scene_fini(&s, true);
}

/* RFC 1337: a RST ends no TIME-WAIT. */
static void test_18_time_wait_assassination(void **state)
{
    struct scene s;

    scene_init(&s, false, NULL);
    plait_shutdown(s.aimed.b, s.victim.now);
    kit_exchange(&s.client, &s.victim);
    plait_shutdown(s.aimed.a, s.client.now);
    kit_exchange(&s.client, &s.victim);
    assert_int_equal(s.sub->tcb.state, TCP_ST_TIME_WAIT);
    struct kit_seg seg = scene_seg(&s);
    seg.flags = WIRE_RST;
    scene_expect(&s, &seg, PLAIT_REASON_RST_IN_WINDOW);
    assert_int_equal(s.sub->tcb.state, TCP_ST_TIME_WAIT);
    scene_fini(&s, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_01_rst_in_window),
        cmocka_unit_test(test_01_rst_exact),
        cmocka_unit_test(test_02_syn_when_established),
        cmocka_unit_test(test_03_ack_outside),
        cmocka_unit_test(test_04_challenge_flood),
        cmocka_unit_test(test_04_count_of_challenges_tells_nothing),
        cmocka_unit_test(test_05_isn),
        cmocka_unit_test(test_05_scanner),
        cmocka_unit_test(test_07_flags_that_no_tcp_sends),
        cmocka_unit_test(test_07_data_in_syn),
        cmocka_unit_test(test_08_option_garbage),
        cmocka_unit_test(test_08_data_offset),
        cmocka_unit_test(test_19_broken_packets),
        cmocka_unit_test(test_19_extension_headers),
        cmocka_unit_test(test_09_tiny_mss),
        cmocka_unit_test(test_10_bogus_sack),
        cmocka_unit_test(test_10_reneging),
        cmocka_unit_test(test_10_sack_of_single_bytes),
        cmocka_unit_test(test_11_gaps_of_a_byte),
        cmocka_unit_test(test_12_overlap_that_differs),
        cmocka_unit_test(test_14_ack_splitting),
        cmocka_unit_test(test_15_old_timestamp),
        cmocka_unit_test(test_15_echo_that_lies),
        cmocka_unit_test(test_18_half_open_peer),
        cmocka_unit_test(test_18_time_wait_assassination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

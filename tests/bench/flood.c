/* SPDX-License-Identifier: Apache-2.0 */
/* flood: gives a stack N packets of one kind, so that a profiler can count what they cost. Called
 * by tests/system/cpu, twice with different N: the difference is free of the cost of setting up.
 *
 * flood KIND N */
#include <plait/plait.h>

#include "base/be.h"
#include "base/csum.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 80, MSS = 1460, WSCALE = 7, TINY = 48, ROUND = 16384, JUNK = 40,
       MPTCP = 30, HALVES = 100 };

struct flood {
    struct plait_env env;
    struct plait_stack *stack;
    struct plait_listener *listener;
    struct plait_conn *conn;
    struct plait_addr me, victim;
    plait_time now;
    uint64_t dice;
    uint32_t seq, ack;    /* ours, and of what the victim sent */
    uint32_t sack_n, sack[WIRE_SACK_MAX][2];
    struct wire_mp mp;    /* options that the next packet has */
    bool junk;            /* all option bytes are MPTCP options without a meaning */
    uint64_t key;         /* of the victim, from its SYN/ACK */
};

static void *mem_alloc(void *ctx, size_t size)
{
    size_t align = size >= 4096 ? 4096 : 64;

    (void)ctx;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void mem_free(void *ctx, void *mem, size_t size)
{
    (void)ctx;
    (void)size;
    free(mem);
}

static void numbers(void *ctx, void *buf, size_t len)
{
    struct flood *f = ctx;
    uint8_t *p = buf;

    while (len-- > 0) {
        f->dice = f->dice * 6364136223846793005u + 1442695040888963407u;
        *p++ = (uint8_t)(f->dice >> 56);
    }
}

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "flood: %s\n", what);
    exit(1);
}

/* Makes room for 40 bytes behind a header without options, and fills them. What stands in the place
 * of the checksum is a sum over the pseudo header, and so over the length. */
static unsigned add_junk(uint8_t *head, unsigned n, uint8_t ip_len, uint32_t len)
{
    memset(head + n, 1, JUNK);
    for (unsigned i = 0; i + 3 <= JUNK; i += 3) {
        head[n + i] = MPTCP;
        head[n + i + 1] = 3;
        head[n + i + 2] = (uint8_t)(i << 4);
    }
    head[ip_len + 12] = 15 << 4;
    be16_store(head + ip_len + 16, csum_fold(be16_load(head + ip_len + 16) + (uint64_t)JUNK));
    be16_store(head + 2, (uint16_t)(n + JUNK + len));
    be16_store(head + 10, 0);
    be16_store(head + 10, (uint16_t)~csum_fold(csum_add(0, head, ip_len)));
    return n + JUNK;
}

/* One packet of ours. */
static void say(struct flood *f, uint8_t flags, uint32_t len)
{
    static uint8_t packet[2000];
    struct wire_tcpopts opt = {.sack_n = (uint8_t)f->sack_n};
    struct wire_view view = {packet + PLAIT_HEAD_MAX, len};
    struct wire_emit how = {.src = &f->me, .dst = &f->victim, .seq = f->seq, .ack = f->ack,
                            .wnd = 65535, .flags = flags, .opt = &opt, .mp = &f->mp,
                            .payload_len = len};
    uint8_t head[PLAIT_HEAD_MAX], ip_len;
    unsigned n;

    for (unsigned i = 0; i < f->sack_n; i++) {
        opt.sack[i].lo = f->sack[i][0];
        opt.sack[i].hi = f->sack[i][1];
    }
    if ((flags & WIRE_SYN) != 0) {
        opt.has_mss = opt.has_wscale = opt.sack_permitted = true;
        opt.mss = MSS;
        opt.wscale = WSCALE;
    }
    n = wire_emit_headers(&how, head, &ip_len);
    if (f->junk)
        n = add_junk(head, n, ip_len, len);
    wire_finish_csum(head, n, ip_len, &view, 1);
    memcpy(packet + PLAIT_HEAD_MAX - n, head, n);
    struct plait_in in = {.ip = packet + PLAIT_HEAD_MAX - n, .len = n + len};
    plait_input(f->stack, &in, f->now);
    f->now += 10;
}

/* Takes what the victim says; its last sequence number becomes our ACK where `take`. */
static void hear(struct flood *f, bool take)
{
    struct plait_out out;
    struct wire_seg seg = {.flags = WIRE_SYN | WIRE_ACK};

    while (plait_output_plan(f->stack, f->now, &out)) {
        if (take && f->mp.present != 0) {
            wire_parse_options(out.head + out.ip_len + 20, out.head_len - out.ip_len - 20u, &seg);
            f->key = seg.mp.capable.key_sender;
        }
        if (take) {
            const uint8_t *tcp = out.head + out.ip_len;
            f->ack = be32_load(tcp + 4) + out.payload_len + ((tcp[13] & WIRE_SYN) != 0);
        }
        plait_output_commit(f->stack, f->now);
    }
}

static void capable(struct flood *f, uint8_t len)
{
    f->mp.present = 1u << WIRE_MP_CAPABLE;
    f->mp.capable = (struct wire_mp_capable){.version = 1, .flags = WIRE_CAP_H, .len = len,
                                             .key_sender = 4711, .key_receiver = f->key};
}

static void start(struct flood *f, bool mptcp)
{
    struct plait_config cfg;
    struct plait_addr any = {.port = PORT};

    *f = (struct flood){.now = PLAIT_SEC, .seq = 1000};
    f->env = (struct plait_env){f, mem_alloc, mem_free, numbers, NULL};
    f->me = (struct plait_addr){.family = 4, .ip = {10, 0, 0, 1}, .port = 999};
    f->victim = (struct plait_addr){.family = 4, .ip = {10, 0, 0, 2}, .port = PORT};
    plait_config_init(&cfg);
    cfg.conn.mptcp = mptcp;
    cfg.half_open_max = HALVES; /* so that SYNs are answered by cookies */
    f->stack = plait_stack_new(&f->env, &cfg);
    need(f->stack != NULL, "a stack");
    struct plait_local local = {.addr = f->victim, .id = 1, .mtu = 1500};
    local.addr.port = 0;
    need(plait_local_add(f->stack, &local, f->now) == 0, "an address");
    need(plait_listen(f->stack, &any, NULL, &f->listener) == 0, "a listener");
    if (mptcp)
        capable(f, 4);
    say(f, WIRE_SYN, 0);
    hear(f, true);
    f->seq++;
    if (mptcp)
        capable(f, 20);
    say(f, WIRE_ACK, 0);
    f->mp.present = 0;
    f->conn = plait_accept(f->listener);
    need(f->conn != NULL, "a connection");
}

static void drain(struct flood *f)
{
    static uint8_t buf[65536];

    while (plait_recv(f->conn, buf, sizeof buf, f->now) > 0)
        ;
}

/* In order, of this size. */
static void inorder(struct flood *f, uint32_t n, uint32_t size)
{
    while (n-- > 0) {
        say(f, WIRE_ACK, size);
        f->seq += size;
        hear(f, false);
        drain(f);
    }
}

static uint32_t reversed(uint32_t i)
{
    uint32_t r = 0;

    for (uint32_t bit = 1; bit < ROUND; bit <<= 1, i >>= 1)
        r = r << 1 | (i & 1);
    return r;
}

enum order { UP, DOWN, SCATTERED };

/* Single bytes with gaps of one, for the connection's whole window. */
static void gaps(struct flood *f, uint32_t n, enum order order)
{
    uint32_t base = f->seq;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i % ROUND;
        uint32_t at = order == UP ? k : order == DOWN ? ROUND - 1 - k : reversed(k);
        f->seq = base + 1 + 2 * at;
        say(f, WIRE_ACK, 1);
        hear(f, false);
    }
}

static void send_much(struct flood *f)
{
    static const uint8_t data[262144];

    while (plait_send(f->conn, data, sizeof data, f->now) > 0)
        ;
}

enum blocks { TINY_BLOCKS, REVERSED, BEYOND };

/* A flight of some hundred segments is left without acknowledgment, only with blocks. */
static void sacks(struct flood *f, uint32_t n, enum blocks what)
{
    uint32_t una = f->ack, flight;

    for (unsigned i = 0; i < 40; i++) {
        send_much(f);
        una = f->ack;
        hear(f, true);
        if (i < 39)
            say(f, WIRE_ACK, 0);
        f->now += 1000;
    }
    flight = f->ack - una;
    need(flight > 10000, "a flight");
    f->ack = una;
    f->sack_n = 3;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            uint32_t lo = una + 2 + (i * 3 + k) * 7919u % (flight - 8);
            if (what == BEYOND)
                lo += flight;
            f->sack[k][0] = what == REVERSED ? lo + 1 : lo;
            f->sack[k][1] = what == REVERSED ? lo : lo + 1;
        }
        say(f, WIRE_ACK, 0);
        hear(f, false);
    }
}

/* The same packet again and again, but for its port where it opens something; each is counted. */
static void again(struct flood *f, uint32_t n, uint8_t flags, enum plait_reason counter)
{
    struct plait_addr me = f->me;

    for (uint32_t i = 0; i < n; i++) {
        if ((flags & WIRE_SYN) != 0)
            f->me.port = (uint16_t)(1024 + i);
        say(f, flags, 0);
        hear(f, false);
    }
    f->me = me;
    need(plait_counter(f->stack, counter) + HALVES >= n, plait_reason_name(counter));
}

static void joins(struct flood *f, uint32_t n, bool right)
{
    struct plait_conn_info info;

    plait_conn_info(f->conn, &info);
    need(info.multipath, "a multipath connection");
    f->mp.present = 1u << WIRE_MP_JOIN;
    f->mp.join = (struct wire_mp_join){.len = 12, .addr_id = 3, .nonce = 77,
                                       .token = info.token_local ^ (right ? 0 : 1)};
    again(f, n, WIRE_SYN, right ? PLAIT_REASON_HALF_EVICTED : PLAIT_REASON_JOIN_TOKEN);
}

static bool run(struct flood *f, const char *kind, uint32_t n)
{
    if (strcmp(kind, "data") == 0)
        inorder(f, n, MSS);
    else if (strcmp(kind, "tiny") == 0)
        inorder(f, n, TINY);
    else if (strcmp(kind, "gaps-up") == 0)
        gaps(f, n, UP);
    else if (strcmp(kind, "gaps-down") == 0)
        gaps(f, n, DOWN);
    else if (strcmp(kind, "gaps-scattered") == 0)
        gaps(f, n, SCATTERED);
    else if (strcmp(kind, "sack-tiny") == 0)
        sacks(f, n, TINY_BLOCKS);
    else if (strcmp(kind, "sack-reversed") == 0)
        sacks(f, n, REVERSED);
    else if (strcmp(kind, "sack-beyond") == 0)
        sacks(f, n, BEYOND);
    else if (strcmp(kind, "options") == 0)
        f->junk = true, again(f, n, WIRE_ACK, PLAIT_REASON_MP_OPTION);
    else if (strcmp(kind, "resets") == 0)
        f->seq++, again(f, n, WIRE_RST, PLAIT_REASON_RST_IN_WINDOW);
    else if (strcmp(kind, "syns") == 0)
        again(f, n, WIRE_SYN, PLAIT_REASON_COOKIE_SENT);
    else if (strcmp(kind, "joins") == 0)
        joins(f, n, true);
    else if (strcmp(kind, "joins-unknown") == 0)
        joins(f, n, false);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct flood f;

    if (argc != 3) {
        fprintf(stderr, "usage: flood KIND N\n");
        return 2;
    }
    start(&f, strncmp(argv[1], "joins", 5) == 0);
    need(run(&f, argv[1], (uint32_t)strtoul(argv[2], NULL, 10)), "no such kind");
    plait_stack_free(f.stack);
    return 0;
}

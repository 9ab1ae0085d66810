/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"

#include "base/be.h"
#include "base/csum.h"
#include "mp/mp_int.h"
#include "wire/wire.h"

#include <string.h>

enum { PAYLOAD_MAX = 3000, PACKET_MAX = PAYLOAD_MAX + 100, PORTS = 8 };

/* What a segment is forged for, and the numbers that would be right. */
struct aim {
    struct mp_subflow *sub; /* NULL: half or nobody */
    struct stack_half *half;
    struct mp_conn *conn; /* of either */
    struct plait_addr src, dst;
    uint32_t seq, ack, tsval, tsecr;
};

struct forged {
    struct wire_emit how;
    struct wire_tcpopts opt;
    struct wire_mp mp;
    uint8_t payload[PAYLOAD_MAX];
};

/* ---- numbers near the right ones ------------------------------------------------------------ */

static int64_t distance(struct fuzz_in *in)
{
    static const int64_t far[] = {
        -1460, 1460, 65535, -65535, 1 << 20, -(1 << 20), 0x7fffffff, -0x7fffffff,
        (int64_t)1 << 32, -((int64_t)1 << 32), ((int64_t)1 << 32) + 1, INT64_MAX, INT64_MIN,
        (int64_t)1 << 62, 1400, -1400,
    };
    uint8_t b = fuzz_u8(in);

    if (b < 0x80)
        return 0;
    if (b < 0xc0)
        return b - 0xa0;
    if (b < 0xe0)
        return (b - 0xd0) * 1000;
    if (b < 0xf0)
        return far[b & 15];
    return (int64_t)fuzz_u32(in);
}

static uint32_t near32(struct fuzz_in *in, uint32_t right)
{
    return right + (uint32_t)distance(in);
}

static uint64_t near64(struct fuzz_in *in, uint64_t right)
{
    return right + (uint64_t)distance(in);
}

/* ---- aims ----------------------------------------------------------------------------------- */

static struct mp_subflow *pick_subflow(const struct plait_stack *s, unsigned i)
{
    struct htab_node *n = htab_walk(&s->subflows, NULL);

    while (i-- > 0 && n != NULL)
        n = htab_walk(&s->subflows, n);
    return n != NULL ? mp_subflow_of_node(n) : NULL;
}

static void aim_at_subflow(const struct rig *r, struct mp_subflow *s, struct aim *a)
{
    const struct tcb *t = &s->tcb;

    *a = (struct aim){
        .sub = s,
        .conn = s->conn,
        .src = t->remote,
        .dst = t->local,
        .seq = t->rcv_nxt,
        .ack = t->state == TCP_ST_SYN_SENT ? t->iss + 1 : t->sndq.nxt,
        .tsval = t->ts_recent + 1,
        .tsecr = (uint32_t)(r->now / PLAIT_MSEC) + t->ts_offset,
    };
}

static void aim_at_half(const struct rig *r, struct stack_half *h, struct aim *a)
{
    struct stack_token *t = NULL;

    *a = (struct aim){
        .half = h,
        .src = h->tcp.remote,
        .dst = h->tcp.local,
        .seq = h->tcp.irs + 1,
        .ack = h->tcp.iss + 1,
        .tsval = h->tcp.ts_recent + 1,
        .tsecr = (uint32_t)(r->now / PLAIT_MSEC) + h->tcp.ts_offset,
    };
    if (h->mp.kind == MP_HALF_JOIN)
        t = stack_find_token(h->stack, h->mp.token_local);
    if (t != NULL && t->conn != NULL)
        a->conn = t->conn->mp;
}

static void aim_at_port(const struct rig *r, unsigned i, struct aim *a)
{
    const struct mp_subflow *s = pick_subflow(r->side[RIG_TESTED].stack, 0);

    *a = (struct aim){.conn = s != NULL ? s->conn : NULL, .seq = 1000 * i, .ack = 1000};
    a->src = rig_addr(RIG_PEER, i % RIG_ADDRS);
    a->src.port = (uint16_t)(2000 + i % PORTS);
    a->dst = rig_addr(RIG_TESTED, i / RIG_ADDRS % RIG_ADDRS);
    a->dst.port = RIG_PORT;
}

/* Two of three choices hit something that is there, where there is something. */
static void take_aim(const struct rig *r, struct fuzz_in *in, struct aim *a)
{
    const struct plait_stack *s = r->side[RIG_TESTED].stack;
    uint8_t b = fuzz_u8(in);

    if (b < 0xa0 && s->subflows.count > 0) {
        aim_at_subflow(r, pick_subflow(s, b % s->subflows.count), a);
    } else if (b < 0xd0 && !list_empty(&s->half_list)) {
        struct list *last = s->half_list.prev;
        aim_at_half(r, LIST_OWNER(last, struct stack_half, age), a);
    } else {
        aim_at_port(r, b, a);
    }
}

/* ---- options -------------------------------------------------------------------------------- */

static void plain_options(struct fuzz_in *in, const struct aim *a, struct forged *f)
{
    uint8_t wish = fuzz_u8(in);

    if ((wish & 1) == 0) {
        f->opt.has_ts = true;
        f->opt.tsval = near32(in, a->tsval);
        f->opt.tsecr = near32(in, a->tsecr);
    }
    if ((f->how.flags & WIRE_SYN) != 0 && (wish & 2) == 0) {
        f->opt.has_mss = f->opt.has_wscale = f->opt.sack_permitted = true;
        f->opt.mss = (wish & 4) == 0 ? 1460 : fuzz_u16(in);
        f->opt.wscale = (wish & 4) == 0 ? 7 : fuzz_u8(in);
    }
    f->opt.sack_n = (uint8_t)((wish >> 4) % (WIRE_SACK_MAX + 1));
    for (unsigned i = 0; i < f->opt.sack_n; i++) {
        f->opt.sack[i].lo = near32(in, a->sub != NULL ? a->sub->tcb.sndq.una : a->ack);
        f->opt.sack[i].hi = near32(in, f->opt.sack[i].lo + 1000);
    }
}

static void capable(struct fuzz_in *in, const struct aim *a, struct forged *f)
{
    static const uint8_t lens[] = {4, 12, 20, 22, 24};
    struct wire_mp_capable *cap = &f->mp.capable;
    uint8_t b = fuzz_u8(in);

    *cap = (struct wire_mp_capable){
        .version = a->conn != NULL ? a->conn->version : 1,
        .flags = WIRE_CAP_H,
        .len = lens[b % 5],
        .dll = (uint16_t)f->how.payload_len};
    if ((b & 0x80) != 0)
        cap->flags = fuzz_u8(in);
    if ((b & 0x40) != 0)
        cap->version = fuzz_u8(in) & 15;
    cap->key_sender = near64(in, a->conn != NULL ? a->conn->remote.key : 12345);
    if (a->half != NULL)
        cap->key_receiver = a->half->mp.local.key;
    else if (a->conn != NULL)
        cap->key_receiver = near64(in, a->conn->local.key);
    cap->csum = fuzz_u8(in);
}

static void join(struct fuzz_in *in, const struct aim *a, struct forged *f)
{
    struct wire_mp_join *j = &f->mp.join;
    const struct mp_conn *c = a->conn;
    bool syn = (f->how.flags & WIRE_SYN) != 0, ack = (f->how.flags & WIRE_ACK) != 0;
    uint8_t b = fuzz_u8(in), hmac[MP_HMAC_LEN] = {0};

    *j = (struct wire_mp_join){.len = syn ? (ack ? 16 : 12) : 24,
                               .backup = (b & 1) != 0,
                               .addr_id = (b & 2) != 0 ? fuzz_u8(in) : b >> 6,
                               .token = c != NULL ? c->local.token : 0,
                               .nonce = 77};
    if ((b & 4) != 0)
        j->token = near32(in, j->token);
    if (c == NULL)
        return;
    struct mp_hmac_in key = {c->remote.key, c->local.key, 0, 0, c->version};
    key.nonce_from = a->half != NULL ? a->half->mp.nonce_remote : j->nonce;
    key.nonce_to = a->half != NULL  ? a->half->mp.nonce_local
                   : a->sub != NULL ? a->sub->u.join.nonce_local
                                    : 0;
    mp_join_hmac(&key, hmac);
    memcpy(j->hmac, hmac, sizeof j->hmac);
    if ((b & 8) != 0)
        j->hmac[b >> 4] ^= 1;
}

static void dss(struct fuzz_in *in, const struct aim *a, struct forged *f)
{
    struct wire_mp_dss *d = &f->mp.dss;
    const struct mp_conn *c = a->conn;
    uint8_t b = fuzz_u8(in);

    *d = (struct wire_mp_dss){.has_ack = (b & 1) == 0,
                              .ack64 = (b & 2) != 0,
                              .has_map = (b & 4) != 0,
                              .dsn64 = (b & 8) != 0,
                              .data_fin = (b & 16) != 0,
                              .has_csum = c != NULL && c->checksum != ((b & 32) != 0)};
    if (c == NULL)
        return;
    d->ack = near64(in, mp_dsn_out(c, c->snd_nxt + (c->fin_sent ? 1 : 0)));
    d->dsn = near64(in, mp_dsn_in(c, mp_rx_nxt(c)));
    if (a->sub != NULL && d->has_map)
        d->ssn = near32(in, tcp_ssn_in(&a->sub->tcb, f->how.seq));
    d->dll = (uint16_t)near32(in, f->how.payload_len + (d->data_fin ? 1 : 0));
    if (d->data_fin && f->how.payload_len == 0)
        d->ssn = 0;
    struct mp_pseudo p = {d->dsn, d->ssn, d->dll};
    d->csum = mp_dss_csum(csum_add(0, f->payload, f->how.payload_len), &p);
    if ((b & 64) != 0)
        d->csum ^= fuzz_u8(in);
    if (!d->ack64)
        d->ack &= UINT32_MAX;
    if (!d->dsn64)
        d->dsn &= UINT32_MAX;
}

static void addresses(struct fuzz_in *in, const struct aim *a, struct forged *f)
{
    struct wire_mp_add_addr *add = &f->mp.add_addr;
    const struct mp_conn *c = a->conn;
    uint8_t b = fuzz_u8(in);

    *add = (struct wire_mp_add_addr){.echo = (b & 1) != 0, .id = b >> 4};
    add->addr = rig_addr(RIG_PEER, (b >> 1) % 4);
    if ((b & 8) != 0)
        add->addr.ip[0] = fuzz_u8(in);
    if ((b & 16) != 0)
        add->addr.port = fuzz_u16(in);
    add->v0 = c != NULL && c->version == 0;
    add->has_hmac = !add->echo && !add->v0;
    if (c != NULL && add->has_hmac)
        mp_addr_hmac(c->remote.key, c->local.key, add, add->hmac);
    if (b == 0xff)
        add->hmac[0] ^= 1;
    f->mp.remove.n = (uint8_t)(1 + b % 3);
    for (unsigned i = 0; i < f->mp.remove.n; i++)
        f->mp.remove.id[i] = (uint8_t)(i == 0 ? b >> 4 : fuzz_u8(in));
}

static void mp_options(struct fuzz_in *in, const struct aim *a, struct forged *f)
{
    uint16_t present = fuzz_u16(in);
    const struct mp_conn *c = a->conn;

    f->mp.present = present & 0x1ff;
    if (wire_mp_has(&f->mp, WIRE_MP_CAPABLE))
        capable(in, a, f);
    if (wire_mp_has(&f->mp, WIRE_MP_JOIN))
        join(in, a, f);
    if (wire_mp_has(&f->mp, WIRE_MP_DSS))
        dss(in, a, f);
    if (wire_mp_has(&f->mp, WIRE_MP_ADD_ADDR) || wire_mp_has(&f->mp, WIRE_MP_REMOVE_ADDR))
        addresses(in, a, f);
    f->mp.prio_backup = (present & 0x200) != 0;
    f->mp.prio_has_id = (present & 0x400) != 0;
    f->mp.prio_id = (uint8_t)(present >> 12);
    f->mp.rst.transient = (present & 0x200) != 0;
    f->mp.rst.reason = (uint8_t)(present >> 12);
    if (c == NULL)
        return;
    if (wire_mp_has(&f->mp, WIRE_MP_FAIL))
        f->mp.fail_dsn = near64(in, mp_dsn_out(c, c->snd_una));
    if (wire_mp_has(&f->mp, WIRE_MP_FASTCLOSE))
        f->mp.fastclose_key = near64(in, c->local.key);
}

/* ---- segments ------------------------------------------------------------------------------- */

static uint8_t flags(struct fuzz_in *in)
{
    static const uint8_t likely[] = {
        WIRE_ACK, WIRE_ACK | WIRE_PSH, WIRE_ACK | WIRE_FIN, WIRE_RST, WIRE_RST | WIRE_ACK,
        WIRE_SYN, WIRE_SYN | WIRE_ACK, WIRE_ACK | WIRE_URG,
    };
    uint8_t b = fuzz_u8(in);

    return b < 0xe0 ? likely[b % 8] : fuzz_u8(in);
}

static uint32_t payload_len(struct fuzz_in *in)
{
    uint8_t b = fuzz_u8(in);

    if (b < 0x60)
        return 0;
    return b < 0xc0 ? b - 0x5fu : 1400u - 25u * (b - 0xc0u) / 2;
}

static void send(struct rig *r, struct forged *f, bool borrowed)
{
    static uint8_t packet[PACKET_MAX];
    struct wire_view view = {f->payload, f->how.payload_len};
    uint8_t head[100], ip_len = 0;
    unsigned n = wire_emit_headers(&f->how, head, &ip_len);

    if (n == 0) { /* too much for one header: the MPTCP part alone */
        f->how.opt = NULL;
        n = wire_emit_headers(&f->how, head, &ip_len);
    }
    if (n == 0)
        return;
    wire_finish_csum(head, n, ip_len, &view, 1);
    memcpy(packet, head, n);
    memcpy(packet + n, f->payload, f->how.payload_len);
    rig_input(&r->side[RIG_TESTED], packet, n + f->how.payload_len, borrowed);
}

void forge_segment(struct rig *r, struct fuzz_in *in)
{
    static struct forged f;
    struct aim a;

    take_aim(r, in, &a);
    memset(&f, 0, sizeof f);
    f.how = (struct wire_emit){.src = &a.src, .dst = &a.dst, .opt = &f.opt, .mp = &f.mp};
    f.how.flags = flags(in);
    f.how.payload_len = payload_len(in);
    f.how.seq = near32(in, a.seq - ((f.how.flags & WIRE_SYN) != 0));
    f.how.ack = near32(in, a.ack);
    f.how.wnd = (uint16_t)near32(in, 500);
    memset(f.payload, fuzz_u8(in), f.how.payload_len);
    plain_options(in, &a, &f);
    mp_options(in, &a, &f);
    send(r, &f, (f.how.seq & 1) != 0);
}

void forge_icmp(struct rig *r, struct fuzz_in *in)
{
    struct aim a;
    uint8_t p[56] = {0x45, [8] = 64, [9] = 1, [28] = 0x45, [36] = 64, [37] = 6};
    struct plait_addr from = rig_addr(RIG_PEER, 0);

    take_aim(r, in, &a);
    be16_store(p + 2, sizeof p);
    memcpy(p + 12, from.ip, 4);
    memcpy(p + 16, a.dst.ip, 4);
    p[20] = (fuzz_u8(in) & 1) != 0 ? 11 : 3;
    p[21] = fuzz_u8(in) & 15;
    be16_store(p + 26, (uint16_t)near32(in, 1400));
    be16_store(p + 30, 1500);
    memcpy(p + 40, a.dst.ip, 4);
    memcpy(p + 44, a.src.ip, 4);
    be16_store(p + 48, a.dst.port);
    be16_store(p + 50, a.src.port);
    be32_store(p + 52, near32(in, a.sub != NULL ? a.sub->tcb.sndq.una : a.ack));
    be16_store(p + 22, (uint16_t)~csum_fold(csum_add(0, p + 20, sizeof p - 20)));
    be16_store(p + 10, (uint16_t)~csum_fold(csum_add(0, p, 20)));
    rig_input(&r->side[RIG_TESTED], p, sizeof p, true);
}

void forge_raw(struct rig *r, struct fuzz_in *in)
{
    struct aim a;
    uint8_t p[20 + 255], n = fuzz_u8(in);
    uint32_t len = 20u + n;

    take_aim(r, in, &a);
    memset(p, 0, sizeof p);
    p[0] = 0x45;
    be16_store(p + 2, (uint16_t)len);
    p[9] = 6;
    memcpy(p + 12, a.src.ip, 4);
    memcpy(p + 16, a.dst.ip, 4);
    be16_store(p + 10, (uint16_t)~csum_fold(csum_add(0, p, 20)));
    for (unsigned i = 0; i < n; i++)
        p[20 + i] = fuzz_u8(in);
    if (n < 20)
        return;
    be16_store(p + 20, a.src.port);
    be16_store(p + 22, a.dst.port);
    be32_store(p + 24, a.seq);
    be32_store(p + 28, a.ack);
    be16_store(p + 36, 0);
    uint64_t sum = csum_add_u16(csum_add_u32(csum_add(0, p + 12, 8), n), 6);
    be16_store(p + 36, (uint16_t)~csum_fold(csum_add(sum, p + 20, n)));
    rig_input(&r->side[RIG_TESTED], p, len, false);
}

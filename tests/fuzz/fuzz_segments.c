/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that means ill. The input first says to which state a connection is driven (by a peer that
 * behaves), then what happens: forged segments, the honest peer going on, time, and what the
 * applications do. Every invariant is checked after every step; at the end everybody lets go, and
 * nothing may be left. */
#include "forge.h"

#include "fuzz.h"

#include <string.h>

enum { INPUT_MAX = 1024, STEPS_MAX = 160, PIECE_MAX = 20000 };

enum stage { /* to which the connection is driven */
    STAGE_LISTEN, STAGE_SYN, STAGE_SYN_ANSWERED, STAGE_OPEN, STAGE_DATA, STAGE_UNREAD,
    STAGE_UNACKED, STAGE_JOINED, STAGE_JOIN_SYN, STAGE_JOIN_ANSWERED, STAGES
};
enum ending { /* and how far its end has come */
    END_NONE, END_FIN_LOST, END_FIN, END_PEER_FIN, END_PEER_FIN_THEN_OURS, END_BOTH_LOST, END_BOTH,
    END_RELEASED, ENDINGS
};

struct setting {
    bool active;      /* the stack under test connects */
    uint8_t addrs;    /* of each side */
    uint8_t stage, ending;
};

static void configure(struct fuzz_in *in, struct plait_config cfg[2], struct setting *how)
{
    uint8_t a = fuzz_u8(in), b = fuzz_u8(in), c = fuzz_u8(in);

    plait_config_init(&cfg[RIG_TESTED]);
    cfg[RIG_TESTED].check_invariants = true;
    cfg[RIG_TESTED].conns_max = 64;
    cfg[RIG_TESTED].half_open_max = 8;
    cfg[RIG_TESTED].mem_max = 1 << 20;
    cfg[RIG_TESTED].mem_kept = 0; /* so that the sanitizer sees what is used after its end */
    cfg[RIG_TESTED].conn.sndbuf_max = cfg[RIG_TESTED].conn.rcvbuf_max = 256 << 10;
    cfg[RIG_TESTED].conn.rcvbuf_init = (c & 16) != 0 ? 4096 : 65536;
    cfg[RIG_PEER] = cfg[RIG_TESTED];
    how->active = (a & 1) != 0;
    how->addrs = (uint8_t)(1 + (a >> 1) % RIG_ADDRS);
    how->stage = (uint8_t)(b % STAGES);
    how->ending = (uint8_t)((b >> 4) % ENDINGS);
    cfg[RIG_TESTED].conn.mptcp = (c & 3) != 1;
    cfg[RIG_PEER].conn.mptcp = (c & 3) != 2;
    if ((c & 3) == 3)
        cfg[RIG_TESTED].conn.offer_versions = cfg[RIG_PEER].conn.offer_versions = PLAIT_MPTCP_V0;
    cfg[RIG_TESTED].conn.checksum = (c & 4) != 0;
    cfg[RIG_TESTED].conn.nodelay = (c & 8) != 0;
    cfg[RIG_TESTED].conn.server_joins = cfg[RIG_PEER].conn.server_joins = (c & 32) != 0;
    cfg[RIG_TESTED].conn.user_timeout = (c & 64) != 0 ? 20 * PLAIT_SEC : 0;
    cfg[RIG_TESTED].conn.keepalive_idle = (c & 128) != 0 ? 10 * PLAIT_SEC : 0;
    if (how->stage < STAGE_JOINED) /* joins come by themselves where there are addresses */
        cfg[RIG_TESTED].conn.pm = cfg[RIG_PEER].conn.pm = "none";
}

/* ---- applications --------------------------------------------------------------------------- */

static void write_some(struct rig_side *s, unsigned i, uint32_t n)
{
    static const uint8_t zeros[PIECE_MAX];

    if (s->conn_n > 0)
        plait_send(s->conn[i % s->conn_n], zeros, n < PIECE_MAX ? n : PIECE_MAX, s->rig->now);
}

static void read_some(struct rig_side *s, unsigned i, size_t n)
{
    static uint8_t buf[PIECE_MAX];

    if (s->conn_n > 0)
        plait_recv(s->conn[i % s->conn_n], buf, n < PIECE_MAX ? n : PIECE_MAX, s->rig->now);
}

static void shut(struct rig_side *s, unsigned i)
{
    if (s->conn_n > 0)
        plait_shutdown(s->conn[i % s->conn_n], s->rig->now);
}

/* ---- driving to a state --------------------------------------------------------------------- */

static void drive(struct rig *r, const struct setting *how)
{
    unsigned side = how->active ? RIG_TESTED : RIG_PEER;
    struct rig_side *me = &r->side[RIG_TESTED], *peer = &r->side[RIG_PEER];

    if (how->stage == STAGE_LISTEN || rig_connect(r, side) == NULL)
        return;
    /* one packet is the SYN, two are also its answer */
    rig_exchange(r, how->stage == STAGE_SYN ? 1 : how->stage == STAGE_SYN_ANSWERED ? 2 : 12, 0);
    if (how->stage <= STAGE_SYN_ANSWERED)
        return;
    if (how->stage >= STAGE_DATA) {
        write_some(me, 0, 5000);
        write_some(peer, 0, 5000);
        rig_exchange(r, how->stage == STAGE_JOIN_SYN ? 9 : 60, 0);
    }
    if (how->stage == STAGE_JOINED)
        rig_wait(r, PLAIT_SEC, 0);
    if (how->stage == STAGE_JOIN_ANSWERED)
        rig_exchange(r, 3, 2);
    if (how->stage == STAGE_UNACKED) {
        write_some(me, 0, 3000);
        rig_exchange(r, 20, 1u << RIG_TESTED);
    }
    if (how->stage != STAGE_UNREAD) {
        read_some(me, 0, PIECE_MAX);
        read_some(peer, 0, PIECE_MAX);
        rig_exchange(r, 20, 0);
    }
}

static void end(struct rig *r, uint8_t ending)
{
    struct rig_side *me = &r->side[RIG_TESTED], *peer = &r->side[RIG_PEER];

    if (ending == END_NONE || me->conn_n == 0)
        return;
    if (ending == END_PEER_FIN || ending == END_PEER_FIN_THEN_OURS || ending == END_BOTH ||
        ending == END_BOTH_LOST)
        shut(peer, 0);
    if (ending == END_PEER_FIN_THEN_OURS)
        rig_exchange(r, 40, 0);
    if (ending != END_PEER_FIN)
        shut(me, 0);
    rig_exchange(r, 40,
                 ending == END_FIN_LOST || ending == END_BOTH_LOST ? 1u << RIG_TESTED : 0);
    if (ending == END_RELEASED)
        rig_release(me, 0, false);
}

/* ---- what happens then ---------------------------------------------------------------------- */

static void do_local(struct rig *r, uint8_t arg)
{
    struct plait_local local = {
        .addr = rig_addr(RIG_TESTED, arg % RIG_ADDRS),
        .id = (uint8_t)(arg % RIG_ADDRS + 1),
        .flags = arg >> 4,
        .mtu = 1500,
    };
    struct plait_stack *s = r->side[RIG_TESTED].stack;

    if ((arg & 8) != 0)
        plait_local_del(s, local.id, r->now);
    else if (plait_local_add(s, &local, r->now) != 0)
        plait_local_change(s, &local, r->now);
}

static void do_app(struct rig *r, uint8_t what, uint8_t arg)
{
    struct rig_side *s = &r->side[(arg & 0x80) != 0 ? RIG_PEER : RIG_TESTED];

    switch (what % 8) {
    case 0:
        write_some(s, arg & 7, 1u + 40u * arg);
        break;
    case 1:
        read_some(s, arg & 7, 1 + 100u * arg);
        break;
    case 2:
        shut(s, arg & 7);
        break;
    case 3:
        if (s->conn_n > 0)
            rig_release(s, arg % s->conn_n, (arg & 0x40) != 0);
        break;
    case 4:
        if (s->conn_n > 0)
            plait_abort(s->conn[arg % s->conn_n], r->now);
        break;
    case 5:
        if (s->conn_n > 0)
            plait_conn_set_backup(s->conn[0], arg & 3, (arg & 4) != 0, r->now);
        break;
    case 6:
        rig_connect(r, (arg & 0x80) != 0 ? RIG_PEER : RIG_TESTED);
        break;
    default:
        s->fail_in = (arg & 1) != 0 ? arg & 0x7f : -1;
        break;
    }
}

static void look(struct rig *r)
{
    struct rig_side *s = &r->side[RIG_TESTED];
    struct plait_conn_info info;
    struct plait_subflow_info sub;

    for (unsigned i = 0; i < s->conn_n; i++) {
        plait_conn_info(s->conn[i], &info);
        FUZZ_CHECK(info.bytes_acked <= info.bytes_sent, "only what was sent is acknowledged");
        for (unsigned k = 0; k < info.subflow_total; k++)
            plait_subflow_info(s->conn[i], (uint8_t)k, &sub);
    }
}

static void step(struct rig *r, struct fuzz_in *in)
{
    uint8_t op = fuzz_u8(in), arg;

    if (op < 0x80) {
        forge_segment(r, in);
        return;
    }
    arg = op < 0x88 ? 0 : fuzz_u8(in);
    if (op < 0x84)
        forge_icmp(r, in);
    else if (op < 0x88)
        forge_raw(r, in);
    else if (op < 0xa8)
        rig_exchange(r, 1 + (arg & 63), arg >> 6);
    else if (op < 0xc8)
        rig_wait(r, (plait_time)1000 << (arg & 15), arg >> 6);
    else if (op < 0xf0)
        do_app(r, op, arg);
    else if (op < 0xf8)
        do_local(r, arg);
    else
        look(r);
    rig_events(&r->side[RIG_TESTED]);
    rig_events(&r->side[RIG_PEER]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct plait_config cfg[2];
    struct setting how;
    struct rig r;

    if (size < 3 || size > INPUT_MAX)
        return 0;
    configure(&in, cfg, &how);
    rig_init(&r, cfg, how.addrs);
    drive(&r, &how);
    end(&r, how.ending);
    for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++)
        step(&r, &in);
    rig_fini(&r);
    return 0;
}

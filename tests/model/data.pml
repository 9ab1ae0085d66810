/* SPDX-License-Identifier: Apache-2.0 */
/* Data over one or two subflows, and how the connection ends (src/mp/tx.c, rtx.c, rx.c, subflow.c,
 * close.c, timer.c, fallback.c): mappings, DATA_ACK, reinjection on the other subflow, DATA_FIN and the states
 * of RFC 8684 appendix D. Packets get lost and repeated within bounds, and what goes by one subflow
 * overtakes the other. A subflow may be reset or its path go silent, a middlebox may change a byte,
 * which the checksum tells, and an application may abort: now, when things have settled, or never.
 *
 * Host 0 sends up to DATA bytes, host 1 up to BACK. Each byte is a chunk with its mapping. TCP goes
 * back N: what comes out of order on a subflow is dropped. Whoever waits speaks again when nothing is
 * under way (Spin's timeout): TCP first, then the data-level retransmission, then the DATA_FIN. The
 * window is open; options pass (setup.pml), and no subflow joins (join.pml).
 *
 * Promised: no deadlock; bytes are delivered once and in order, and the end after all of them; who
 * hears that his DATA_FIN, or FIN, was taken has lost nothing; an end without an error has one mode
 * on both sides; an error needs an abort, or a change or the loss of the only path, or the loss of
 * both paths behind the last byte, which takes the last DATA_ACK with it; and every connection ends.
 *
 * run safety: -DSUBS=1 -DDATA=2 -DBACK=1 -DLOSS=2 -DTWICE=1
 * run safety: -DSUBS=2 -DDATA=2 -DLOSS=1 -DTWICE=1
 * run safety: -DSUBS=2 -DDATA=2 -DLOSS=1 -DRESET=1
 * run safety: -DSUBS=2 -DDATA=2 -DLOSS=1 -DCUT=1
 * run safety: -DSUBS=1 -DDATA=2 -DBACK=1 -DLOSS=1 -DCHANGE=1
 * run safety: -DSUBS=2 -DDATA=2 -DLOSS=1 -DCHANGE=1
 * run safety: -DSUBS=2 -DDATA=1 -DLOSS=1 -DABORT=1
 * run safety: -DSUBS=1 -DDATA=1 -DBACK=1 -DLOSS=1 -DRESET=1
 * run liveness: -DSUBS=1 -DDATA=1 -DLOSS=1 -DCHANGE=1
 * run liveness: -DSUBS=1 -DDATA=1 -DBACK=1 -DLOSS=1 -DABORT=1
 * run liveness: -DSUBS=2 -DDATA=1 -DLOSS=1 -DRESET=1
 * run liveness: -DSUBS=2 -DDATA=1 -DLOSS=1 -DCUT=1
 * mutant 1 of run 1: a DATA_FIN that got lost is not sent again
 * mutant 2 of run 2: a byte that came by the other subflow already is delivered again
 * mutant 3 of run 11: nobody sends again what a dead subflow carried
 * mutant 4 of run 2: a DATA_FIN is acknowledged as soon as it comes
 * mutant 5 of run 5: with two copies of a byte on the subflow the way back to plain TCP is open
 * mutant 6 of run 10: who has aborted does not answer any more
 * mutant 7 of run 12: a FIN is waited for as long as it takes
 * mutant 8 of run 9: an answer to MP_FAIL that got lost is not given again */
#ifndef SUBS
#define SUBS 2
#endif
#ifndef DATA
#define DATA 1
#endif
#ifndef BACK
#define BACK 0
#endif
#ifndef LOSS
#define LOSS 0
#endif
#ifndef TWICE
#define TWICE 0
#endif
#ifndef RESET
#define RESET 0
#endif
#ifndef CUT
#define CUT 0
#endif
#ifndef CHANGE
#define CHANGE 0
#endif
#ifndef ABORT
#define ABORT 0
#endif
#ifndef RESTS
#define RESTS 1
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#define ROOM 2
#define OFFS 7  /* chunks of a subflow at most */
#define NEVER 15

mtype = { SEG, FIN, RST };
mtype = { ACK, DATA_FIN, CHUNK };
mtype:mp_phase = { MP_PHASE_OPEN, MP_PHASE_DOWN };
mtype:mp_mode = { MP_MODE_MULTIPATH, MP_MODE_PLAIN };
mtype:mp_state = { MP_ST_ESTAB, MP_ST_FIN_WAIT_1, MP_ST_FIN_WAIT_2, MP_ST_CLOSING, MP_ST_TIME_WAIT,
    MP_ST_CLOSE_WAIT, MP_ST_LAST_ACK, MP_ST_CLOSED };

typedef packet {
    mtype kind;
    bool data, dss, data_fin, infinite, fail, fastclose, bad;
    byte off, pos, val, ack, data_ack
};
/* Host h's end of subflow s, and what it sends there. */
#define at(h, s) (2 * (h) + (s))
#define me at(h, s)
#define peer(h) (1 - (h))
chan wire[4] = [ROOM] of { packet };

/* used within one step */
hidden packet cur, seg;
hidden byte s, i;
hidden mtype say[2]; /* what goes out at its end, by subflow: 0 or the kind, */
hidden byte say_off[2]; /* and which chunk */

/* what may still happen */
byte loss = LOSS, twice = TWICE, resets = RESET, cuts = CUT, changes = CHANGE, aborts = ABORT;
bool awake = true; /* applications and fates act, or let things settle first */
byte rests = RESTS;
bool cut[2];       /* a path that carries nothing any more */
bool hit;          /* an abort, or the reset of a subflow */
byte n[2];         /* bytes to send */

/* a connection */
mtype:mp_state state[2] = MP_ST_ESTAB;
mtype:mp_mode mode[2] = MP_MODE_MULTIPATH;
bool fin_wanted[2], fin_sent[2], fin_acked[2], fin_seen[2], fin_received[2];
bool failed[2];    /* ended with an error, */
bool told[2];      /* which MP_FASTCLOSE tells */
byte snd_una[2], snd_nxt[2], again_end[2], delivered[2];
byte reinject[2];  /* positions, as bits */
byte rx[2];        /* positions that came out of order, as bits */

/* one end of a subflow */
mtype:mp_phase phase[4] = MP_PHASE_OPEN;
bool closing[4], stale[4], fail_due[4];
int carry[4];      /* positions of its chunks, two bits each */
byte moved[4];     /* those that are somebody else's business too, as bits */
byte with_fin[4];  /* those whose mapping ends with the DATA_FIN, as bits */
byte una[4], nxt[4], rcv[4]; /* of TCP, in chunks; a FIN counts as one */
bool fin_out[4], fin_in[4];

/* the first subflow */
bool fail_out[2];  /* a checksum was wrong: nothing is delivered until the peer falls back */
byte held_n[2];
int held[2];       /* bytes that wait meanwhile */
bool infinite[2];  /* the next chunk carries the infinite mapping, */
byte infinite_at[2] = NEVER; /* and this one did */
bool bare[2];      /* the last packet came without MPTCP */

#define mask(p) (1 << (p))
#define pos_of(x, o) ((carry[x] >> (2 * (o))) & 3)
#define over(h) (state[h] == MP_ST_TIME_WAIT || state[h] == MP_ST_CLOSED)
#define is_open(h, s) ((s) < SUBS && phase[at(h, s)] == MP_PHASE_OPEN)
#define usable(h, s) (is_open(h, s) && !closing[at(h, s)])
#define any_usable(h) (usable(h, 0) || usable(h, 1))
#define other(h, s) (usable(h, 1 - (s)) && !stale[at(h, 1 - (s))])
#define tcp_end(x) (nxt[x] + fin_out[x])
#define out(h, s) (is_open(h, s) && una[at(h, s)] < tcp_end(at(h, s)))
#define done(h, s) (!is_open(h, s) || (fin_out[at(h, s)] && fin_in[at(h, s)] && !out(h, s)))
#define ended(h) (failed[h] || (over(h) && done(h, 0) && done(h, 1)))

/* ---- a subflow's end ---- */

/* tx.c: mp_tx_requeue() */
inline requeue() {
    i = una[me];
    do
    :: i < nxt[me] && (moved[me] & mask(i)) == 0 && pos_of(me, i) >= snd_una[h] ->
        reinject[h] = reinject[h] | mask(pos_of(me, i));
        moved[me] = moved[me] | mask(i);
        i++
    :: i < nxt[me] && !((moved[me] & mask(i)) == 0 && pos_of(me, i) >= snd_una[h]) -> i++
    :: i >= nxt[me] -> break
    od
}

/* subflow.c: down() */
inline down() {
    if
    :: mode[h] == MP_MODE_MULTIPATH && !over(h) && MUTANT != 3 -> requeue()
    :: else
    fi;
    phase[me] = MP_PHASE_DOWN;
    closing[me] = true;
    stale[me] = false; fail_due[me] = false; fin_out[me] = false; fin_in[me] = false;
    carry[me] = 0; moved[me] = 0; with_fin[me] = 0;
    una[me] = 0; nxt[me] = 0; rcv[me] = 0;
    fail_out[h] = false; held_n[h] = 0; held[h] = 0;
    if
    :: mode[h] == MP_MODE_PLAIN && !over(h) -> failed[h] = true; state[h] = MP_ST_CLOSED
    :: else
    fi
}

/* subflow.c: mp_subflow_abort() */
inline abort_subflow() {
    say[s] = RST;
    down()
}

/* subflow.c: mp_subflow_close() */
inline close_subflow() {
    closing[me] = true;
    if
    :: mode[h] == MP_MODE_MULTIPATH && !over(h) -> requeue()
    :: else
    fi;
    fin_out[me] = true;
    say[s] = FIN
}

#define fast_close(h) (mode[h] == MP_MODE_MULTIPATH)

/* close.c: mp_conn_die() */
inline die(fast) {
    failed[h] = true;
    state[h] = MP_ST_CLOSED;
    told[h] = fast;
    reinject[h] = 0;
    s = 0;
    do
    :: is_open(h, s) -> abort_subflow(); s++
    :: s < 2 && !is_open(h, s) -> s++
    :: s == 2 -> break
    od
}

/* ---- the end of the connection ---- */

/* close.c: next_state(), enter_over() */
inline next_state() {
    do
    :: state[h] == MP_ST_ESTAB && fin_wanted[h] -> state[h] = MP_ST_FIN_WAIT_1
    :: state[h] == MP_ST_ESTAB && !fin_wanted[h] && fin_received[h] -> state[h] = MP_ST_CLOSE_WAIT
    :: state[h] == MP_ST_FIN_WAIT_1 && fin_acked[h] -> state[h] = MP_ST_FIN_WAIT_2
    :: state[h] == MP_ST_FIN_WAIT_1 && !fin_acked[h] && fin_received[h] -> state[h] = MP_ST_CLOSING
    :: state[h] == MP_ST_FIN_WAIT_2 && fin_received[h] -> state[h] = MP_ST_TIME_WAIT
    :: state[h] == MP_ST_CLOSING && fin_acked[h] -> state[h] = MP_ST_TIME_WAIT
    :: state[h] == MP_ST_CLOSE_WAIT && fin_wanted[h] -> state[h] = MP_ST_LAST_ACK
    :: state[h] == MP_ST_LAST_ACK && fin_acked[h] -> state[h] = MP_ST_CLOSED
    :: else -> break
    od
}

/* close.c: mp_close_step(), close_subflows() */
inline close_step() {
    next_state();
    s = 0;
    do
    :: over(h) && !failed[h] && usable(h, s) ->
        if
        :: stale[me] && una[me] < nxt[me] -> abort_subflow() /* too much outstanding data */
        :: mode[h] == MP_MODE_PLAIN && fin_out[me]
        :: else -> close_subflow()
        fi;
        closing[me] = true;
        s++
    :: s < 2 && !(over(h) && !failed[h] && usable(h, s)) -> s++
    :: s == 2 -> break
    od
}

/* Who hears that nothing is missing may forget everything. */
inline acked_fin() {
    assert(delivered[peer(h)] == n[h] && fin_received[peer(h)]);
    fin_acked[h] = true
}

/* rx.c: mp_rx_check_fin() */
inline check_fin() {
    if
    :: fin_seen[h] && (delivered[h] == n[peer(h)] || MUTANT == 4) -> fin_received[h] = true
    :: else
    fi
}

/* ---- fallback ---- */

/* fallback.c: mp_fallback_possible() */
#define possible(h) (SUBS == 1 && is_open(h, 0) && reinject[h] == 0 && \
    (snd_una[h] >= again_end[h] || MUTANT == 5) && rx[h] == 0)

inline put_plain(what) {
    assert((what) == delivered[h]); /* none lost, none twice */
    delivered[h]++
}

/* tx.c: mp_tx_plain_acked() */
inline plain_acked() {
    snd_una[h] = (una[at(h, 0)] < nxt[at(h, 0)] -> pos_of(at(h, 0), una[at(h, 0)]) : snd_nxt[h]);
    if
    :: fin_out[at(h, 0)] && una[at(h, 0)] == nxt[at(h, 0)] + 1 && !fin_acked[h] -> acked_fin()
    :: else
    fi
}

/* fallback.c: mp_fallback(), deliver_held() */
inline fall_back(tell) {
    mode[h] = MP_MODE_PLAIN;
    infinite[h] = tell;
    fin_sent[h] = false;
    fin_acked[h] = false;
    plain_acked();
    i = 0;
    do
    :: i < held_n[h] -> put_plain((held[h] >> (2 * i)) & 3); i++
    :: i >= held_n[h] -> break
    od;
    held_n[h] = 0;
    held[h] = 0;
    fail_out[h] = false
}

/* ---- in ---- */

/* tx.c: mp_tx_data_ack() */
inline take_data_ack() {
    assert(seg.data_ack <= snd_nxt[h] + (fin_sent[h] && snd_nxt[h] == n[h] -> 1 : 0));
    i = (seg.data_ack > n[h] -> n[h] : seg.data_ack);
    if
    :: seg.data_ack > n[h] && !fin_acked[h] -> acked_fin()
    :: else
    fi;
    if
    :: i > snd_una[h] -> snd_una[h] = i; reinject[h] = (reinject[h] >> i) << i
    :: else
    fi
}

/* opts.c: mp_opts_input(), dss.c: mp_dss_input(), fallback.c: mp_fail_input(), mp_infinite_input() */
inline options() {
    bare[h] = !seg.dss && !seg.infinite && !seg.fail;
    if
    :: seg.dss -> take_data_ack()
    :: else
    fi;
    if
    :: seg.data_fin && !fail_out[h] && !seg.bad -> fin_seen[h] = true
    :: else
    fi;
    if
    :: (seg.infinite || seg.fail) && !possible(h) -> abort_subflow()
    :: (seg.infinite || seg.fail) && possible(h) ->
        fail_due[me] = seg.fail && !fail_out[h];
        fall_back(seg.fail)
    :: else
    fi
}

/* rx.c: mp_rx_put() */
inline put_data() {
    assert(seg.val == seg.pos && seg.pos < n[peer(h)]);
    if
    :: seg.pos < delivered[h] && MUTANT == 2 -> put_plain(seg.val)
    :: seg.pos < delivered[h] && MUTANT != 2 /* the first copy wins */
    :: seg.pos >= delivered[h] -> rx[h] = rx[h] | mask(seg.pos)
    fi;
    do
    :: (rx[h] & mask(delivered[h])) != 0 -> rx[h] = rx[h] & ~mask(delivered[h]); delivered[h]++
    :: else -> break
    od
}

#define in_doubt(h) (mode[h] == MP_MODE_MULTIPATH && (fail_out[h] || seg.bad))

/* rx.c: mp_rx_deliver(), fallback.c: mp_csum_failed() */
inline payload() {
    if
    :: seg.data && seg.off == rcv[me] ->
        rcv[me]++;
        if
        :: mode[h] == MP_MODE_PLAIN -> put_plain(seg.val)
        :: in_doubt(h) && !fail_out[h] && !(possible(h) && seg.pos == delivered[h]) -> abort_subflow()
        :: in_doubt(h) && (fail_out[h] || (possible(h) && seg.pos == delivered[h])) ->
            fail_out[h] = true;
            held[h] = held[h] | (seg.val << (2 * held_n[h]));
            held_n[h]++
        :: mode[h] == MP_MODE_MULTIPATH && !in_doubt(h) -> assert(seg.dss); put_data()
        fi
    :: else
    fi;
    fail_due[me] = fail_due[me] || (seg.data && fail_out[h])
}

/* close.c: mp_subflow_fin() */
inline subflow_fin() {
    if
    :: seg.kind == FIN && seg.off == rcv[me] ->
        rcv[me]++;
        fin_in[me] = true;
        if
        :: mode[h] == MP_MODE_MULTIPATH && bare[h] && !over(h) && possible(h) -> fall_back(false)
        :: else
        fi;
        if
        :: mode[h] == MP_MODE_PLAIN -> fin_seen[h] = true
        :: mode[h] == MP_MODE_MULTIPATH && !closing[me] -> close_subflow()
        :: else
        fi
    :: else
    fi
}

/* conn.c: mp_input(), took() */
inline segment() {
    if
    :: seg.data || seg.kind == FIN || seg.data_fin || seg.fail -> say[s] = ACK
    :: else
    fi;
    if
    :: seg.ack > una[me] -> una[me] = seg.ack; stale[me] = false
    :: else
    fi;
    if
    :: mode[h] == MP_MODE_MULTIPATH -> options()
    :: else ->
        plain_acked();
        fail_due[me] = seg.fail && seg.dss && MUTANT != 8 /* late_dss(): our answer got lost */
    fi;
    if
    :: is_open(h, s) -> payload()
    :: else
    fi;
    if
    :: is_open(h, s) -> subflow_fin()
    :: else
    fi;
    check_fin()
}

/* Who has forgotten the subflow answers with a RST, which says MP_FASTCLOSE again (stack/demux.c). */
inline input() {
    if
    :: !is_open(h, s) && seg.kind != RST && MUTANT != 6 -> say[s] = RST
    :: !is_open(h, s) && (seg.kind == RST || MUTANT == 6)
    :: is_open(h, s) && seg.kind == RST ->
        if
        :: seg.fastclose && !over(h) -> die(false)
        :: else -> down()
        fi
    :: is_open(h, s) && seg.kind != RST -> segment()
    fi
}

/* ---- out ---- */

#define has_new(h) (!over(h) && snd_nxt[h] < n[h] && reinject[h] == 0)
#define may_give(h, s) (usable(h, s) && !stale[at(h, s)] && nxt[at(h, s)] < OFFS && \
    nxt[at(h, s)] - una[at(h, s)] < 2 && nfull(wire[at(h, s)]))
#define carries(h, s, p) (is_open(h, s) && ( \
    (una[at(h, s)] < nxt[at(h, s)] && pos_of(at(h, s), una[at(h, s)]) == (p)) || \
    (una[at(h, s)] + 1 < nxt[at(h, s)] && pos_of(at(h, s), una[at(h, s)] + 1) == (p))))
#define lowest(set) (((set) & 1) -> 0 : (((set) & 2) -> 1 : (((set) & 4) -> 2 : 3)))
#define has_again(h, s) (!over(h) && reinject[h] != 0 && may_give(h, s) && \
    !carries(h, s, lowest(reinject[h])))

/* tx.c: give(), meta_for() */
inline give() {
    carry[me] = carry[me] | (i << (2 * nxt[me]));
    if
    :: mode[h] == MP_MODE_MULTIPATH && fin_wanted[h] && i + 1 == n[h] ->
        with_fin[me] = with_fin[me] | mask(nxt[me]);
        fin_sent[h] = true
    :: mode[h] == MP_MODE_PLAIN && infinite[h] -> infinite[h] = false; infinite_at[h] = nxt[me]
    :: else
    fi;
    say[s] = CHUNK;
    say_off[s] = nxt[me];
    nxt[me]++
}

/* tx.c: send_again(), send_new() */
inline schedule() {
    if
    :: reinject[h] != 0 ->
        i = lowest(reinject[h]);
        reinject[h] = reinject[h] & ~mask(i);
        again_end[h] = (again_end[h] > i + 1 -> again_end[h] : i + 1)
    :: else -> i = snd_nxt[h]; snd_nxt[h]++
    fi;
    give()
}

/* opts.c: mp_opts_fill() */
inline fill() {
    cur.kind = (say[s] == RST || say[s] == FIN -> say[s] : SEG);
    cur.data = say[s] == CHUNK;
    cur.dss = mode[h] == MP_MODE_MULTIPATH && say[s] != RST;
    cur.data_fin = cur.dss && (say[s] == DATA_FIN || (cur.data && (with_fin[me] & mask(say_off[s])) != 0));
    cur.infinite = cur.data && mode[h] == MP_MODE_PLAIN && infinite_at[h] == say_off[s];
    cur.fail = fail_due[me] && say[s] != RST;
    cur.fastclose = say[s] == RST && told[h];
    cur.bad = false;
    cur.off = (cur.data -> say_off[s] : (cur.kind == FIN -> nxt[me] : 0));
    cur.val = (cur.data -> pos_of(me, say_off[s]) : 0);
    cur.pos = (cur.dss -> cur.val : 0);
    cur.ack = (cur.kind != RST -> rcv[me] : 0);
    cur.data_ack = (cur.dss -> delivered[h] + fin_received[h] : 0);
    fail_due[me] = false
}

inline transmit() {
    if
    :: cut[s]
    :: !cut[s] && full(wire[me])
    :: !cut[s] && nfull(wire[me]) -> wire[me]!cur
    :: !cut[s] && nfull(wire[me]) && loss > 0 -> loss--
    :: !cut[s] && empty(wire[me]) && twice > 0 -> twice--; wire[me]!cur; wire[me]!cur
    :: !cut[s] && nfull(wire[me]) && changes > 0 && cur.data && cur.dss ->
        changes--;
        cur.bad = true;
        wire[me]!cur
    fi
}

inline hush() { say[0] = 0; say[1] = 0 }

inline flush() {
    s = 0;
    do
    :: s < SUBS && say[s] != 0 -> fill(); transmit(); s++
    :: s < SUBS && say[s] == 0 -> s++
    :: s == SUBS -> break
    od
}

/* ---- time: nothing is under way ---- */

#define head_carried(h, s) (usable(h, s) && !stale[at(h, s)] && carries(h, s, snd_una[h]))
#define rtx_waits(h) (mode[h] == MP_MODE_MULTIPATH && !over(h) && snd_una[h] < snd_nxt[h] && \
    !fail_out[h] && any_usable(h) && !head_carried(h, 0) && !head_carried(h, 1) && reinject[h] == 0 && \
    MUTANT != 3)
#define fin_waits(h) (mode[h] == MP_MODE_MULTIPATH && !over(h) && fin_sent[h] && !fin_acked[h] && \
    any_usable(h) && !lives(h, 0) && !lives(h, 1) && !rtx_waits(h) && !fail_out[h] && MUTANT != 1)
/* A path that is cut is left to itself while another one does the work. */
#define lives(h, s) (out(h, s) && !(cut[s] && stale[at(h, s)] && !over(h) && other(h, s)))
#define waits(h) (!failed[h] && (lives(h, 0) || lives(h, 1) || rtx_waits(h) || fin_waits(h) || fail_out[h]))
#define alone(h) (!over(h) && mode[h] == MP_MODE_MULTIPATH && !any_usable(h))
#define orphan(h) (state[h] == MP_ST_FIN_WAIT_2 && (fin_wanted[peer(h)] || failed[peer(h)]))
#define late(h) (!failed[h] && !waits(0) && !waits(1) && (alone(h) || orphan(h) || \
    (over(h) && !done(h, 0) && cut[0] && MUTANT != 7)))
#define owes(h) (waits(h) || late(h))

/* TCP's retransmission, or its end; timer.c: judge(), mp_stale() */
inline tcp_again() {
    if
    :: cut[s] && (over(h) || !other(h, s)) -> abort_subflow()
    :: !cut[s] ->
        say[s] = (una[me] < nxt[me] -> CHUNK : FIN);
        say_off[s] = una[me]
    :: mode[h] == MP_MODE_MULTIPATH && !over(h) && usable(h, s) && other(h, s) && !stale[me] ->
        stale[me] = true;
        requeue()
    fi
}

inline again() {
    if
    :: lives(h, 0) -> s = 0; tcp_again()
    :: lives(h, 1) -> s = 1; tcp_again()
    /* rtx.c: mp_rtx_expire() */
    :: rtx_waits(h) -> reinject[h] = mask(snd_una[h])
    /* close.c: send_fin(), mp_close_tick() */
    :: fin_waits(h) && !((!usable(h, 0) || cut[0]) && (!usable(h, 1) || cut[1])) ->
        say[0] = (usable(h, 0) -> DATA_FIN : 0);
        say[1] = (usable(h, 1) -> DATA_FIN : 0)
    :: fin_waits(h) && ((!usable(h, 0) || cut[0]) && (!usable(h, 1) || cut[1])) -> die(true)
    /* fallback.c: mp_fail_tick() */
    :: fail_out[h] && is_open(h, 0) -> fail_due[at(h, 0)] = true; say[0] = ACK
    /* watch_alone(), orphan_tick() */
    :: late(h) && (alone(h) || orphan(h)) -> die(fast_close(h))
    :: late(h) && !alone(h) && !orphan(h) -> s = 0; abort_subflow() /* abort_at */
    fi
}

proctype host(byte h) {
end:
    do
    :: atomic {
        if
        :: wire[at(peer(h), 0)]?seg -> s = 0; hush(); input()
        :: wire[at(peer(h), 1)]?seg -> s = 1; hush(); input()
        :: has_again(h, 0) || (has_new(h) && may_give(h, 0)) -> s = 0; hush(); schedule()
        :: has_again(h, 1) || (has_new(h) && may_give(h, 1)) -> s = 1; hush(); schedule()
        :: !over(h) && fin_wanted[h] && snd_nxt[h] == n[h] && !fin_sent[h] && any_usable(h) ->
            hush();
            s = (usable(h, 0) -> 0 : 1);
            fin_sent[h] = true;
            fin_out[me] = fin_out[me] || mode[h] == MP_MODE_PLAIN;
            say[s] = (mode[h] == MP_MODE_PLAIN -> FIN : DATA_FIN)
        :: awake && !fin_wanted[h] && !over(h) -> hush(); fin_wanted[h] = true
        :: awake && aborts > 0 && !over(h) -> hush(); aborts--; hit = true; die(fast_close(h))
        :: awake && resets > 0 && usable(h, 0) ->
            hush(); resets--; hit = true;
            s = 0;
            abort_subflow()
        :: timeout && owes(h) -> hush(); again()
        fi;
        close_step();
        flush()
      }
    od
}

/* When something happens: now, when things have settled, or never. */
active proctype fate() {
end:
    do
    :: atomic { awake && cuts > 0 -> cuts--; cut[0] = true }
    :: atomic { awake && (aborts > 0 || resets > 0 || cuts > 0) -> aborts = 0; resets = 0; cuts = 0 }
    :: atomic { awake && rests > 0 -> rests--; awake = false }
    :: atomic { timeout && !awake -> awake = true }
    od
}

/* An error needs a cause: an abort, or the end of the only path. */
#define cause ((hit && (ABORT > 0 || SUBS == 1)) || (SUBS == 1 && (cut[0] || changes < CHANGE)))
/* Both paths were lost behind the last byte, and with them the DATA_ACK for the DATA_FIN alone. */
#define late_loss(h) (SUBS == 2 && (hit || cut[0]) && over(peer(h)) && !failed[peer(h)] && \
    fin_received[h] && fin_received[peer(h)])
#define all_there (delivered[0] == n[1] && delivered[1] == n[0] && mode[0] == mode[1])

active proctype watch() {
end:
    do
    :: atomic { failed[0] && !cause && !late_loss(0) -> assert(false) }
    :: atomic { failed[1] && !cause && !late_loss(1) -> assert(false) }
    :: atomic { fin_received[0] && delivered[0] != n[1] -> assert(false) }
    :: atomic { fin_received[1] && delivered[1] != n[0] -> assert(false) }
    :: atomic { ended(0) && ended(1) && !failed[0] && !failed[1] && !all_there -> assert(false) }
    :: atomic { timeout && awake && !owes(0) && !owes(1) -> assert(ended(0) && ended(1)); break }
    od
}

init {
    atomic {
        if :: n[0] = DATA :: n[0] = 0 fi;
        if :: n[1] = BACK :: BACK > 0 -> n[1] = 0 fi;
        run host(0);
        run host(1)
    }
}

ltl ends { <> (ended(0) && ended(1)) }

/* SPDX-License-Identifier: Apache-2.0 */
/* How two hosts find out whether they speak MPTCP (src/mp/capable.c, src/mp/fallback.c, and what
 * src/mp/conn.c, opts.c and close.c do with it): MP_CAPABLE on SYN, SYN/ACK and the third segment,
 * a middlebox that takes options away from the SYN, the SYN/ACK, or everything later, in either
 * direction; loss, repetition and reordering within bounds; up to DATA bytes each way, then the end.
 *
 * Host 0 connects. Each byte is a segment; the subflow is the only one, so offset and position are
 * the same number, FIN and DATA_FIN stand behind the last byte. A retransmission is made when nothing
 * is under way (Spin's timeout); earlier ones are repetitions.
 *
 * Promised: no deadlock; bytes arrive once, in order, all of them; who left MPTCP never speaks it
 * again; a connection that ended without an error has one mode on both sides; an error only where the
 * middlebox works in one direction alone; and every connection ends.
 *
 * run safety: -DDATA=1 -DTWICE=1
 * run safety: -DDATA=1 -DSWAP=1
 * run safety: -DDATA=2
 * run liveness: -DDATA=1
 * mutant 1: the responder takes a third ACK without MP_CAPABLE for MPTCP
 * mutant 2: an ACK for data without a DATA_ACK is not noticed
 * mutant 3: a byte that comes again is delivered again
 * mutant 4 liveness: a DATA_FIN that nobody hears is repeated for ever */
#ifndef DATA
#define DATA 1
#endif
#ifndef LOSS
#define LOSS 1
#endif
#ifndef SWAP
#define SWAP 0
#endif
#ifndef TWICE
#define TWICE 0
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#define ROOM 4
#define FIN_TRIES_UNHEARD 2 /* 4 in the code */
#define FIN_TRIES 4         /* 15 in the code */
#define MP_SYN_RETRIES 1    /* 3 in the code */

mtype = { SYN, SYNACK, SEG };
mtype = { NONE, CAPABLE, DSS, INFINITE };
mtype:mp_mode = { MP_MODE_PENDING, MP_MODE_MULTIPATH, MP_MODE_PLAIN };
mtype:mp_half_kind = { MP_HALF_PLAIN, MP_HALF_CAPABLE };

typedef packet {
    mtype kind, opt;
    bool data, fin, data_fin;
    byte seq, ack, data_ack
};
chan wire[2] = [ROOM] of { packet };
hidden packet cur, old; /* used within one step */
byte loss = LOSS, twice = TWICE, swap = SWAP;

/* what the run is about */
bool on[2];            /* cfg.mptcp */
byte n[2];             /* bytes to send */
bool strip_syn[2];     /* of what this host sends: SYN and SYN/ACK, */
bool strip_seg[2];     /* and everything else */

/* a connection */
mtype:mp_mode mode[2] = MP_MODE_PENDING;
bool half;             /* host 1: a half-open one waits for the third ACK, */
mtype:mp_half_kind half_kind = MP_HALF_PLAIN; /* and what its SYN makes of it */
bool est[2], dss_in[2], data_acked[2], infinite[2];
bool fin_wanted[2], fin_sent[2], fin_acked[2], fin_seen[2], fin_received[2], over[2];
bool sub_fin[2];       /* the subflow's FIN was sent */
bool closing[2];       /* the subflow takes no more */
bool failed[2];        /* ended with an error */
bool was_plain[2];
byte infinite_at[2] = 255; /* the chunk that carries the infinite mapping */
byte snd_una[2], snd_nxt[2], rcv_nxt[2], delivered[2], syn_n, fin_n[2];

#define peer(h) (1 - (h))
#define unconfirmed(h) ((h) == 0 && mode[h] == MP_MODE_MULTIPATH && !dss_in[h])
#define ended(h) (failed[h] || (over[h] && snd_una[h] == n[h] + 1 && rcv_nxt[h] == n[peer(h)] + 1))
#define one_way (strip_seg[0] != strip_seg[1])

inline put(h, x) {
    if
    :: nfull(wire[h]) -> wire[h]!x
    :: full(wire[h])
    fi
}

inline carry(h) {
    if
    :: put(h, cur)
    :: loss > 0 -> loss--
    :: twice > 0 -> twice--; put(h, cur); put(h, cur)
    :: swap > 0 && nempty(wire[h]) -> swap--; wire[h]?old; put(h, cur); put(h, old)
    fi
}

/* The options of opts.c: mp_opts_fill(). */
inline say(h) {
    cur.kind = SEG;
    cur.ack = rcv_nxt[h];
    cur.data_ack = delivered[h] + (fin_received[h] -> 1 : 0);
    cur.opt = NONE;
    if
    :: mode[h] == MP_MODE_PLAIN && cur.data && cur.seq == infinite_at[h] -> cur.opt = INFINITE
    :: mode[h] == MP_MODE_MULTIPATH && unconfirmed(h) && !cur.data_fin -> cur.opt = CAPABLE
    :: mode[h] == MP_MODE_MULTIPATH && !(unconfirmed(h) && !cur.data_fin) -> cur.opt = DSS
    :: else
    fi;
    if
    :: strip_seg[h] -> cur.opt = NONE; cur.data_fin = false; cur.data_ack = 0
    :: else
    fi;
    carry(h)
}

inline say_ack(h) { cur.data = false; cur.fin = false; cur.data_fin = false; cur.seq = snd_nxt[h]; say(h) }
inline say_data(h, at) { cur.data = true; cur.fin = false; cur.data_fin = false; cur.seq = at; say(h) }
inline say_data_fin(h) { cur.data = false; cur.fin = false; cur.data_fin = true; cur.seq = n[h]; say(h) }
inline say_fin(h) { cur.data = false; cur.fin = true; cur.data_fin = false; cur.seq = n[h]; say(h) }

inline say_syn(h, k, with) {
    cur.kind = k; cur.data = false; cur.fin = false; cur.data_fin = false;
    cur.seq = 0; cur.ack = 0; cur.data_ack = 0;
    cur.opt = (with && !strip_syn[h] -> CAPABLE : NONE);
    carry(h)
}

/* fallback.c: mp_fallback() */
inline fall_back(h, tell) {
    assert(mode[h] != MP_MODE_PLAIN);
    mode[h] = MP_MODE_PLAIN;
    was_plain[h] = true;
    infinite[h] = tell;
    fin_sent[h] = false;
    fin_acked[h] = false;
}

inline deliver(h) {
    assert(cur.seq == delivered[h]); /* none lost, none twice */
    delivered[h]++;
    assert(delivered[h] <= n[peer(h)])
}

/* opts.c: mp_opts_input(), dss.c: mp_dss_input() */
inline options(h) {
    if
    :: mode[h] == MP_MODE_MULTIPATH && cur.opt == DSS ->
        dss_in[h] = true;
        if
        :: fin_sent[h] && cur.data_ack == n[h] + 1 -> fin_acked[h] = true
        :: else
        fi;
        if
        :: cur.data_fin -> fin_seen[h] = true
        :: else
        fi
    :: mode[h] == MP_MODE_MULTIPATH && cur.opt == INFINITE -> dss_in[h] = true; fall_back(h, false)
    :: else
    fi
}

/* conn.c: took(), fallback.c: mp_no_data_ack() */
inline acked(h) {
    if
    :: cur.ack > snd_una[h] ->
        if
        :: cur.opt == DSS -> data_acked[h] = true
        :: cur.opt == NONE && mode[h] == MP_MODE_MULTIPATH && !data_acked[h] &&
           snd_una[h] < n[h] && MUTANT != 2 ->
            fall_back(h, true)
        :: else
        fi;
        snd_una[h] = cur.ack;
        if
        :: mode[h] == MP_MODE_PLAIN && snd_una[h] == n[h] + 1 -> fin_acked[h] = true
        :: else
        fi
    :: else
    fi
}

/* rx.c: mp_rx_deliver(), fallback.c: mp_unmapped() */
inline payload(h) {
    if
    :: cur.data && (cur.seq == rcv_nxt[h] || (MUTANT == 3 && cur.seq < rcv_nxt[h])) ->
        rcv_nxt[h]++;
        if
        :: mode[h] == MP_MODE_MULTIPATH && cur.opt == NONE ->
            assert(!dss_in[h]); /* else it would wait for a mapping for ever */
            fall_back(h, true)
        :: else
        fi;
        deliver(h)
    :: else
    fi
}

/* close.c: mp_subflow_fin() */
inline subflow_fin(h) {
    if
    :: cur.fin && cur.seq == rcv_nxt[h] ->
        rcv_nxt[h]++;
        if
        :: mode[h] == MP_MODE_MULTIPATH && !dss_in[h] && !over[h] -> fall_back(h, false)
        :: else
        fi;
        if
        :: mode[h] == MP_MODE_PLAIN -> fin_seen[h] = true
        :: else -> closing[h] = true
        fi
    :: else
    fi
}

/* close.c: mp_close_step() */
inline settle(h) {
    if
    :: fin_seen[h] && delivered[h] == n[peer(h)] -> fin_received[h] = true
    :: else
    fi;
    if
    :: fin_acked[h] && fin_received[h] -> over[h] = true
    :: else
    fi
}

/* stack/half.c: become_conn(), conn.c: mp_accept() and wait_for_keys() */
inline third() {
    if
    :: half_kind == MP_HALF_CAPABLE && cur.opt == CAPABLE -> mode[1] = MP_MODE_MULTIPATH; est[1] = true
    :: half_kind == MP_HALF_CAPABLE && cur.opt == NONE ->
        est[1] = true;
        if
        :: MUTANT == 1 -> mode[1] = MP_MODE_MULTIPATH
        :: else -> mode[1] = MP_MODE_PLAIN; was_plain[1] = true
        fi
    :: half_kind == MP_HALF_PLAIN -> mode[1] = MP_MODE_PLAIN; was_plain[1] = true; est[1] = true
    :: else /* keys first: it comes again */
    fi
}

inline segment(h) {
    if
    :: h == 1 && !est[1] && half && cur.ack == 0 -> third()
    :: else
    fi;
    if
    :: est[h] && !failed[h] ->
        options(h);
        acked(h);
        payload(h);
        subflow_fin(h);
        settle(h);
        if
        :: cur.data || cur.fin || cur.data_fin -> say_ack(h)
        :: else
        fi
    :: else
    fi
}

inline input(h) {
    if
    :: cur.kind == SYN && !est[1] ->
        if
        :: !half ->
            half = true;
            half_kind = (on[1] && cur.opt == CAPABLE -> MP_HALF_CAPABLE : MP_HALF_PLAIN)
        :: else
        fi;
        say_syn(1, SYNACK, half_kind == MP_HALF_CAPABLE)
    :: cur.kind == SYNACK && !est[0] ->
        est[0] = true;
        mode[0] = (on[0] && cur.opt == CAPABLE -> MP_MODE_MULTIPATH : MP_MODE_PLAIN);
        was_plain[0] = mode[0] == MP_MODE_PLAIN;
        say_ack(0)
    :: cur.kind == SYNACK && est[0] -> say_ack(0)
    :: cur.kind == SEG -> segment(h)
    :: else
    fi
}

/* When nothing is under way: whoever waits for an answer speaks again. */
inline again(h) {
    if
    :: h == 0 && !est[0] ->
        say_syn(0, SYN, on[0] && syn_n <= MP_SYN_RETRIES);
        syn_n = (syn_n < 9 -> syn_n + 1 : 9)
    :: h == 1 && !est[1] && half -> say_syn(1, SYNACK, half_kind == MP_HALF_CAPABLE)
    :: est[h] && snd_una[h] < snd_nxt[h] -> say_data(h, snd_una[h])
    :: est[h] && snd_una[h] == snd_nxt[h] && mode[h] == MP_MODE_MULTIPATH && fin_sent[h] &&
       !fin_acked[h] && !closing[h] ->
        if
        :: h == 0 && fin_n[h] >= FIN_TRIES_UNHEARD && !dss_in[h] && MUTANT != 4 -> fall_back(h, false)
        :: fin_n[h] > FIN_TRIES && (h == 1 || dss_in[h]) && MUTANT != 4 -> failed[h] = true
        :: else ->
            fin_n[h] = (fin_n[h] < 9 -> fin_n[h] + 1 : 9);
            if
            :: unconfirmed(h) -> say_ack(h)
            :: else
            fi;
            say_data_fin(h)
        fi
    :: est[h] && sub_fin[h] && snd_una[h] == n[h] -> say_fin(h)
    /* watch_alone(): no subflow takes data any more, and the peer does not come to an end */
    :: est[h] && closing[h] && !over[h] && mode[h] == MP_MODE_MULTIPATH &&
       (!sub_fin[h] || snd_una[h] == n[h] + 1) ->
        failed[h] = true
    fi
}

/* Does anything but waiting for the peer remain? */
#define owes(h) ((h == 0 && !est[0]) || (h == 1 && !est[1] && half) || (est[h] && !failed[h] && ( \
    snd_una[h] < snd_nxt[h] || \
    (mode[h] == MP_MODE_MULTIPATH && fin_sent[h] && !fin_acked[h] && !closing[h]) || \
    (sub_fin[h] && snd_una[h] == n[h]) || \
    (closing[h] && !over[h] && mode[h] == MP_MODE_MULTIPATH && (!sub_fin[h] || snd_una[h] == n[h] + 1)))))

proctype host(byte h) {
end:
    do
    :: atomic { wire[peer(h)]?cur -> input(h) }
    :: atomic { est[h] && !failed[h] && snd_nxt[h] < n[h] && snd_nxt[h] - snd_una[h] < 2 && nfull(wire[h]) &&
               !closing[h] && !(unconfirmed(h) && snd_nxt[h] > 0) ->
        if
        :: mode[h] == MP_MODE_PLAIN && infinite[h] -> infinite[h] = false; infinite_at[h] = snd_nxt[h]
        :: else
        fi;
        snd_nxt[h]++;
        say_data(h, snd_nxt[h] - 1) }
    :: atomic { est[h] && !fin_wanted[h] -> fin_wanted[h] = true }
    :: atomic { est[h] && !failed[h] && fin_wanted[h] && snd_nxt[h] == n[h] && !fin_sent[h] &&
               !closing[h] && nfull(wire[h]) ->
        fin_sent[h] = true;
        if
        :: mode[h] == MP_MODE_PLAIN -> sub_fin[h] = true; say_fin(h)
        :: else -> say_data_fin(h)
        fi }
    :: atomic { (over[h] || closing[h]) && !sub_fin[h] && !failed[h] && snd_nxt[h] == n[h] &&
               nfull(wire[h]) ->
        sub_fin[h] = true; say_fin(h) }
    :: atomic { timeout && owes(h) -> again(h) }
    od
}

/* What is promised of every state. */
#define once_plain(h) (!was_plain[h] || mode[h] == MP_MODE_PLAIN)
#define good_end (failed[0] || failed[1] || \
    (mode[0] == mode[1] && delivered[0] == n[1] && delivered[1] == n[0]))

active proctype watch() {
end:
    do
    :: atomic { !(once_plain(0) && once_plain(1)) -> assert(false) }
    :: atomic { (failed[0] || failed[1]) && !one_way -> assert(false) }
    :: atomic { ended(0) && ended(1) && !good_end -> assert(false) }
    :: atomic { timeout && !owes(0) && !owes(1) && !(ended(0) && ended(1)) ->
        assert(failed[0] || failed[1]); break }
    :: atomic { timeout && ended(0) && ended(1) -> break }
    od
}

init {
    atomic {
        if :: on[0] = true :: on[0] = false fi;
        if :: on[1] = true :: on[1] = false fi;
        if :: strip_syn[0] = true :: skip fi;
        if :: strip_syn[1] = true :: skip fi;
        if :: strip_seg[0] = true :: skip fi;
        if :: strip_seg[1] = true :: skip fi;
        if :: n[0] = 0 :: n[0] = DATA fi;
        if :: n[1] = 0 :: n[1] = DATA fi;
        run host(0);
        run host(1)
    }
}

ltl ends { <> ((ended(0) || failed[1]) && (ended(1) || failed[0])) }

/* SPDX-License-Identifier: Apache-2.0 */
/* A further subflow (src/mp/join.c, src/stack/half.c): SYN with token, SYN/ACK with HMAC-B, ACK with
 * HMAC-A, and the fourth segment that the initiator waits for before it sends data. The connection
 * exists already on both sides. An attacker may forge the SYN/ACK or the third ACK; packets get lost,
 * repeated and overtaken within bounds; the responder's connection may end meanwhile.
 *
 * With VANISH the first subflow carries data, TALK packets each way, and a middlebox takes its options
 * away from some time on, in one direction or both (fallback.c). Bare data makes a host go plain, but
 * not the initiator while its HMAC-A is out: that waits for the answer. The peer may have gone plain
 * unheard; then the answer is a refusal, however late.
 *
 * Promised: no data before the peer has proven itself; a wrong HMAC never opens a subflow; both ends
 * have it open at the end, or neither; it comes to one of these; nobody goes plain while the other
 * one counts the join; no bare data waits for ever; and the first subflow, where one end is plain, is
 * ended by the other only if a packet of the join was lost, overtaken or forged.
 *
 * run safety: -DLOSS=3 -DTWICE=2 -DSWAP=2
 * run safety: -DLOSS=1 -DTWICE=1 -DSWAP=1 -DVANISH=1
 * run safety: -DLOSS=0 -DTWICE=1 -DSWAP=0 -DTALK=2 -DVANISH=1
 * run liveness: -DLOSS=2
 * run liveness: -DLOSS=1 -DVANISH=1
 * mutant 1 of run 1: the initiator sends data as soon as HMAC-A is out
 * mutant 2 of run 1: the responder does not look at HMAC-A
 * mutant 3 of run 4: the ACK with HMAC-A is sent once only
 * mutant 4 of run 2: the initiator goes plain while its HMAC-A is out
 * mutant 5 of run 3: the initiator follows a peer that went plain only while the data is fresh */
#ifndef LOSS
#define LOSS 1
#endif
#ifndef TWICE
#define TWICE 1
#endif
#ifndef SWAP
#define SWAP 1
#endif
#ifndef VANISH
#define VANISH 0
#endif
#ifndef TALK
#define TALK 1
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#define ROOM 3

mtype = { SYN, SYNACK, ACK_HMAC, ACK, DATA, RST };
mtype:mp_mode = { MP_MODE_MULTIPATH, MP_MODE_PLAIN };
mtype:mp_phase = { MP_PHASE_HANDSHAKE, MP_PHASE_PRE, MP_PHASE_OPEN, MP_PHASE_DOWN };

typedef packet {
    mtype kind;
    bool right; /* the HMAC, or the token; of a RST: it has an MP_TCPRST */
}
chan wire[2] = [ROOM] of { packet };
hidden packet cur, old;
byte loss = LOSS, twice = TWICE, swap = SWAP;
byte forge = 1;       /* what an attacker may add, */
bool forged_any;      /* and has added */

mtype:mp_phase phase[2] = MP_PHASE_HANDSHAKE;
bool half;            /* the responder's half-open one */
bool known = true;    /* the responder still has the connection */
bool forged;          /* something forged was taken */
bool answered;        /* the responder proved itself after our HMAC-A */
bool data_sent, data_got;

/* the first subflow; what goes by it: is there a mapping? */
chan first[2] = [1] of { byte };
hidden byte mapped;
mtype:mp_mode mode[2] = MP_MODE_MULTIPATH;
byte talk[2] = TALK * VANISH;
bool gone[2];         /* what this host sends loses its options */
bool fates = VANISH;  /* the middlebox may still change its mind */
bool unmapped, fresh = true; /* host 0: bare data waits, and not for long */
bool reset;           /* it was ended */

inline put(h, x) {
    if
    :: nfull(wire[h]) -> wire[h]!x
    :: full(wire[h])
    fi
}

inline send(h, k, r) {
    cur.kind = k;
    cur.right = r;
    if
    :: put(h, cur)
    :: loss > 0 -> loss--
    :: twice > 0 -> twice--; put(h, cur); put(h, cur)
    :: swap > 0 && nempty(wire[h]) -> swap--; wire[h]?old; put(h, cur); put(h, old)
    fi
}

/* fallback.c: mp_fallback(), drop_others() */
inline go_plain(h) {
    mode[h] = MP_MODE_PLAIN;
    assert(phase[1 - (h)] != MP_PHASE_OPEN)
}

/* fallback.c: mp_unmapped(); what is behind a join that is open ends the subflow */
inline bare_data(h) {
    if
    :: h == 0 && phase[0] == MP_PHASE_PRE && MUTANT != 4 -> unmapped = true
    :: phase[h] == MP_PHASE_OPEN -> reset = true
    :: phase[h] != MP_PHASE_OPEN && !(h == 0 && phase[0] == MP_PHASE_PRE && MUTANT != 4) ->
        phase[h] = (h == 0 -> MP_PHASE_DOWN : phase[h]);
        go_plain(h)
    fi
}

/* The answer is here, or there will be none. */
inline answer(refused) {
    if
    :: unmapped && phase[0] == MP_PHASE_OPEN -> reset = true
    :: unmapped && phase[0] == MP_PHASE_DOWN && (fresh || ((refused) && MUTANT != 5)) -> go_plain(0)
    :: unmapped && phase[0] == MP_PHASE_DOWN && !(fresh || ((refused) && MUTANT != 5)) -> reset = true
    :: else
    fi;
    unmapped = false
}

/* join.c: mp_join_synack(), mp_join_input(); a closed end answers with a RST (stack/demux.c) */
inline initiator() {
    if
    :: phase[0] == MP_PHASE_DOWN && cur.kind != RST -> send(0, RST, false)
    :: phase[0] == MP_PHASE_DOWN && cur.kind == RST
    /* subflow.c: down(), fallback.c: mp_join_refused() */
    :: phase[0] != MP_PHASE_DOWN && cur.kind == RST -> phase[0] = MP_PHASE_DOWN; answer(cur.right)
    :: phase[0] == MP_PHASE_HANDSHAKE && cur.kind == SYNACK ->
        if
        :: cur.right -> phase[0] = MP_PHASE_PRE; send(0, ACK_HMAC, true)
        :: else -> phase[0] = MP_PHASE_DOWN; send(0, RST, true)
        fi
    :: phase[0] == MP_PHASE_PRE && cur.kind == SYNACK -> send(0, ACK_HMAC, true)
    :: phase[0] == MP_PHASE_PRE && (cur.kind == ACK || cur.kind == DATA) ->
        answered = true;
        phase[0] = MP_PHASE_OPEN;
        answer(false)
    :: else
    fi
}

/* half.c: join_syn(), become_subflow(); join.c: judge_ack(), mp_join_input() */
inline responder() {
    if
    :: cur.kind == RST -> half = false; phase[1] = (phase[1] == MP_PHASE_OPEN -> MP_PHASE_DOWN : phase[1])
    :: cur.kind == SYN && phase[1] == MP_PHASE_HANDSHAKE ->
        if
        :: half -> send(1, SYNACK, true)
        :: !half && known && mode[1] == MP_MODE_MULTIPATH && cur.right -> half = true; send(1, SYNACK, true)
        :: else -> send(1, RST, true)
        fi
    :: cur.kind == ACK_HMAC && phase[1] == MP_PHASE_HANDSHAKE && half ->
        half = false;
        if
        :: known && mode[1] == MP_MODE_MULTIPATH && (cur.right || MUTANT == 2) ->
            forged = forged || !cur.right;
            phase[1] = MP_PHASE_OPEN;
            send(1, ACK, true)
        :: else -> phase[1] = MP_PHASE_DOWN; send(1, RST, true)
        fi
    :: cur.kind == ACK_HMAC && phase[1] == MP_PHASE_OPEN -> send(1, ACK, true)
    :: cur.kind == DATA && phase[1] == MP_PHASE_OPEN -> data_got = true; send(1, ACK, true)
    /* JOIN_NO_OPTION: anything else that completes the handshake */
    :: cur.kind == DATA && phase[1] == MP_PHASE_HANDSHAKE && half ->
        half = false;
        phase[1] = MP_PHASE_DOWN;
        send(1, RST, true)
    :: phase[1] == MP_PHASE_DOWN ||
       (phase[1] == MP_PHASE_HANDSHAKE && !half && cur.kind != SYN && cur.kind != RST) ->
        send(1, RST, false)
    :: else
    fi
}

#define a_waits (phase[0] == MP_PHASE_HANDSHAKE || (phase[0] == MP_PHASE_PRE && MUTANT != 3) || \
    (phase[0] == MP_PHASE_OPEN && data_sent && !data_got))
#define b_waits (half && phase[1] == MP_PHASE_HANDSHAKE)

/* A host says something by the first subflow, or hears it. */
#define may_talk(h) (talk[h] > 0 && nfull(first[h]) && !reset && known)

inline tell(h) {
    talk[h]--;
    first[h]!(mode[h] == MP_MODE_MULTIPATH && !gone[h])
}

inline hear(h) {
    if
    :: !mapped && mode[h] == MP_MODE_MULTIPATH && !reset && known -> bare_data(h)
    :: else
    fi
}

active proctype host_a() {
    send(0, SYN, true);
end:
    do
    :: atomic { wire[1]?cur -> initiator() }
    :: atomic { first[1]?mapped -> hear(0) }
    :: atomic { may_talk(0) -> tell(0) }
    :: atomic { unmapped && fresh -> fresh = false } /* time passes */
    :: atomic { (phase[0] == MP_PHASE_OPEN || (MUTANT == 1 && phase[0] == MP_PHASE_PRE)) && !data_sent &&
               nfull(wire[0]) ->
        data_sent = true;
        assert(answered);
        send(0, DATA, true) }
    :: atomic { timeout && phase[0] == MP_PHASE_HANDSHAKE -> send(0, SYN, true) }
    :: atomic { timeout && phase[0] == MP_PHASE_PRE && MUTANT != 3 -> send(0, ACK_HMAC, true) }
    :: atomic { timeout && phase[0] == MP_PHASE_OPEN && data_sent && !data_got -> send(0, DATA, true) }
    od
}

active proctype host_b() {
end:
    do
    :: atomic { wire[0]?cur -> responder() }
    :: atomic { first[0]?mapped -> hear(1) }
    :: atomic { may_talk(1) -> tell(1) }
    :: atomic { known && phase[1] == MP_PHASE_HANDSHAKE -> known = false } /* the connection ends */
    :: atomic { timeout && b_waits -> send(1, SYNACK, true) }
    od
}

/* Off the path: it knows the addresses and ports, and no key. */
active proctype attacker() {
end:
    do
    :: atomic { forge > 0 && nfull(wire[1]) && phase[0] == MP_PHASE_HANDSHAKE ->
        forge--; forged_any = true; cur.kind = SYNACK; cur.right = false; put(1, cur) }
    :: atomic { forge > 0 && nfull(wire[0]) && half ->
        forge--; forged_any = true; cur.kind = ACK_HMAC; cur.right = false; put(0, cur) }
    :: atomic { forge > 0 -> forge = 0; break }
    od
}

/* On the path of the first subflow, in one direction or both. */
active proctype middlebox() {
end:
    do
    :: atomic { fates -> fates = false; gone[0] = true }
    :: atomic { fates -> fates = false; gone[1] = true }
    :: atomic { fates -> fates = false; gone[0] = true; gone[1] = true }
    :: atomic { !fates -> break }
    od
}

#define settled ((phase[0] == MP_PHASE_OPEN && phase[1] == MP_PHASE_OPEN && data_got) || \
    phase[0] == MP_PHASE_DOWN)

active proctype watch() {
end:
    do
    :: atomic { forged -> assert(false) }
    :: atomic { timeout && !a_waits && !b_waits ->
        assert(phase[0] == MP_PHASE_DOWN || (phase[0] == MP_PHASE_OPEN && phase[1] == MP_PHASE_OPEN));
        assert(phase[0] != MP_PHASE_DOWN || phase[1] != MP_PHASE_OPEN);
        assert(!unmapped);
        assert(!reset || mode[0] == mode[1] || loss < LOSS || swap < SWAP || forged_any);
        break }
    od
}

ltl ends { <> settled }

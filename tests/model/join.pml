/* SPDX-License-Identifier: Apache-2.0 */
/* A further subflow (src/mp/join.c, src/stack/half.c): SYN with token, SYN/ACK with HMAC-B, ACK with
 * HMAC-A, and the fourth segment that the initiator waits for before it sends data. The connection
 * exists already on both sides. An attacker may forge the SYN/ACK or the third ACK; packets get lost,
 * repeated and overtaken within bounds; the responder's connection may end meanwhile.
 *
 * Promised: no data before the peer has proven itself; a wrong HMAC never opens a subflow; both ends
 * have it open at the end, or neither; and it comes to one of these.
 *
 * run safety: -DLOSS=3 -DTWICE=2 -DSWAP=2
 * run liveness: -DLOSS=2
 * mutant 1: the initiator sends data as soon as HMAC-A is out
 * mutant 2: the responder does not look at HMAC-A
 * mutant 3 liveness: the ACK with HMAC-A is sent once only */
#ifndef LOSS
#define LOSS 1
#endif
#ifndef TWICE
#define TWICE 1
#endif
#ifndef SWAP
#define SWAP 1
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#define ROOM 3

mtype = { SYN, SYNACK, ACK_HMAC, ACK, DATA, RST };
mtype:mp_phase = { MP_PHASE_HANDSHAKE, MP_PHASE_PRE, MP_PHASE_OPEN, MP_PHASE_DOWN };

typedef packet {
    mtype kind;
    bool right; /* the HMAC, or the token */
}
chan wire[2] = [ROOM] of { packet };
hidden packet cur, old;
byte loss = LOSS, twice = TWICE, swap = SWAP;
byte forge = 1;       /* what an attacker may add */

mtype:mp_phase phase[2] = MP_PHASE_HANDSHAKE;
bool half;            /* the responder's half-open one */
bool known = true;    /* the responder still has the connection */
bool forged;          /* something forged was taken */
bool answered;        /* the responder proved itself after our HMAC-A */
bool data_sent, data_got;

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

/* join.c: mp_join_synack(), mp_join_input(); a closed end answers with a RST (stack/demux.c) */
inline initiator() {
    if
    :: phase[0] == MP_PHASE_DOWN && cur.kind != RST -> send(0, RST, true)
    :: phase[0] == MP_PHASE_DOWN && cur.kind == RST
    :: phase[0] != MP_PHASE_DOWN && cur.kind == RST -> phase[0] = MP_PHASE_DOWN
    :: phase[0] == MP_PHASE_HANDSHAKE && cur.kind == SYNACK ->
        if
        :: cur.right -> phase[0] = MP_PHASE_PRE; send(0, ACK_HMAC, true)
        :: else -> phase[0] = MP_PHASE_DOWN; send(0, RST, true)
        fi
    :: phase[0] == MP_PHASE_PRE && cur.kind == SYNACK -> send(0, ACK_HMAC, true)
    :: phase[0] == MP_PHASE_PRE && (cur.kind == ACK || cur.kind == DATA) ->
        answered = true;
        phase[0] = MP_PHASE_OPEN
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
        :: !half && known && cur.right -> half = true; send(1, SYNACK, true)
        :: else -> send(1, RST, true)
        fi
    :: cur.kind == ACK_HMAC && phase[1] == MP_PHASE_HANDSHAKE && half ->
        half = false;
        if
        :: known && (cur.right || MUTANT == 2) ->
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
        send(1, RST, true)
    :: else
    fi
}

#define a_waits (phase[0] == MP_PHASE_HANDSHAKE || (phase[0] == MP_PHASE_PRE && MUTANT != 3) || \
    (phase[0] == MP_PHASE_OPEN && data_sent && !data_got))
#define b_waits (half && phase[1] == MP_PHASE_HANDSHAKE)

active proctype host_a() {
    send(0, SYN, true);
end:
    do
    :: atomic { wire[1]?cur -> initiator() }
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
    :: atomic { known && phase[1] == MP_PHASE_HANDSHAKE -> known = false } /* the connection ends */
    :: atomic { timeout && b_waits -> send(1, SYNACK, true) }
    od
}

/* Off the path: it knows the addresses and ports, and no key. */
active proctype attacker() {
end:
    do
    :: atomic { forge > 0 && nfull(wire[1]) && phase[0] == MP_PHASE_HANDSHAKE ->
        forge--; cur.kind = SYNACK; cur.right = false; put(1, cur) }
    :: atomic { forge > 0 && nfull(wire[0]) && half ->
        forge--; cur.kind = ACK_HMAC; cur.right = false; put(0, cur) }
    :: atomic { forge > 0 -> forge = 0; break }
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
        break }
    od
}

ltl ends { <> settled }

/* SPDX-License-Identifier: Apache-2.0 */
/* A subflow: a tcb, and what MPTCP knows about it. Owned by its connection, from mp_subflow_new()
 * to mp_bury(). Nobody outside src/mp and its tests includes this. */
#ifndef MP_SUBFLOW_H
#define MP_SUBFLOW_H

#include "mp.h"

#include "../base/reasm.h"
#include "../base/ring.h"

enum mp_phase {
    MP_PHASE_HANDSHAKE = 0, /* the SYN is on its way, or the third ACK is not processed yet */
    MP_PHASE_PRE,           /* joining: HMAC-A was sent and not answered: no data (RFC 8684 3.2) */
    MP_PHASE_OPEN,
    MP_PHASE_DOWN,          /* the tcb is CLOSED; a RST may still be due */
};

/* What a segment without payload may carry beside (or in place of) a DATA_ACK, most urgent first.
 */
enum mp_signal {
    MP_SIG_NONE = 0, MP_SIG_JOIN, MP_SIG_FASTCLOSE, MP_SIG_CAPABLE, MP_SIG_FAIL, MP_SIG_FIN,
    MP_SIG_PRIO, MP_SIG_REMOVE, MP_SIG_ECHO, MP_SIG_ADD,
};

/* A run of the stream that this subflow was given and that is not acknowledged on it. */
struct mp_carry {
    uint64_t pos;
    uint32_t len;
    uint32_t end;   /* sequence number behind it */
    bool moved;     /* was queued for reinjection: it is somebody else's business too */
};

/* A mapping that the peer declared (RFC 8684 3.3.1). Without checksums neighbours that continue
 * each other are one, and what was delivered is cut off in front. */
struct mp_map {
    uint64_t off;   /* first byte: offset from the peer's SYN plus one */
    uint64_t pos;   /* its stream position */
    uint32_t len;   /* payload bytes, without a DATA_FIN */
    bool discard;   /* it names positions that cannot be: its bytes are dropped */
    uint16_t dll;   /* checksums: the length as on the wire, */
    uint16_t csum;  /* the value, */
    uint32_t done;  /* bytes summed so far */
    uint64_t sum;   /* and their sum */
};

enum { MP_MAPS_MAX = 1024, MP_CARRY_MAX = 65536 };

/* Bytes that the store has let go, and this subflow may have to send again (store.c). */
struct mp_attic {
    struct reasm bytes;     /* copies; stream positions */
    uint64_t to;            /* all of them lie below */
};

/* It held up others, and keeps no queue on its way for a while (tx.c). */
enum mp_lean_phase {
    MP_LEAN_MEASURES,       /* it is measured how much may be out */
    MP_LEAN_WAITS,          /* that was set just now: what is heard is of what was sent before */
    MP_LEAN_GROWS,          /* it may be more by and by */
};
struct mp_lean {
    plait_time at, until;
    uint32_t limit;         /* bytes that may be out at a time */
    uint32_t from;          /* what had come through at `at`; or where this round ends */
    enum mp_lean_phase phase;
};

/* Three things that are never needed at the same time share memory. A subflow joins until it is
 * OPEN; then it may wait for the answer to an MP_FAIL, while the connection is MULTIPATH; and the
 * infinite mapping is told by who has gone PLAIN. */
union mp_stage {
    struct {                /* PRE, or HANDSHAKE of who sent the MP_JOIN (RFC 8684 3.2) */
        uint32_t nonce_local, nonce_remote;
        plait_time at;      /* PRE: when to send HMAC-A again; PLAIT_NEVER: not waiting */
    } join;
    struct {                /* failed (RFC 8684 3.7) */
        plait_time until;   /* patience ends */
        plait_time again;   /* the MP_FAIL goes again; PLAIT_NEVER */
    } fail;
    struct {                /* infinite or infinite_sent (RFC 8684 3.7) */
        uint64_t pos;       /* the stream runs from here, */
        uint32_t ssn;       /* and on the subflow from this SSN on */
        uint32_t end;       /* infinite_sent: sequence number behind the chunk that carries it */
    } infinite;
};

/* Small fields stand where two groups meet, so that a million of them have no holes. */
struct mp_subflow {
    struct list in_conn;       /* in mp_conn.subflows */
    struct htab_node node;     /* for the stack */
    struct mp_conn *conn;
    struct tcb tcb;
    uint32_t gso_max;          /* of its local address; packets go singly while there is an attic */
    enum mp_phase phase : 8;   /* written by mp_subflow_set_phase() alone */
    uint8_t id;                /* in order of birth */
    uint8_t local_id, remote_id; /* address ids; remote_id is that of the connection's table */
    uint8_t peer_id;           /* the id that the peer's MP_JOIN named; 0 on the first subflow */
    uint8_t join_n;            /* how often the ACK with HMAC-A was sent */
    bool first : 1;            /* began with MP_CAPABLE */
    bool initiator : 1;        /* we sent the SYN */
    bool born : 1;             /* mp_next_born() has not told of it */
    bool told_dead : 1;        /* mp_next_dead() has */
    bool was_open : 1;         /* it came up */
    bool closing : 1;          /* takes no new data: FIN wanted, or RST soon */
    bool backup_local : 1, backup_remote : 1;
    bool data_acked : 1;       /* a DATA_ACK came with an ACK for data on it */
    bool bare : 1;             /* the last ACK for data came without MPTCP */
    bool join_due : 1;         /* the ACK with HMAC-A is to be sent (again) */
    bool failed : 1;           /* a checksum was wrong and MP_FAIL sent: nothing is delivered until
                                * the peer falls back */
    bool infinite : 1;         /* the next chunk carries the infinite mapping */
    bool infinite_sent : 1;    /* one carries it */
    bool stale : 1;            /* seems dead: nothing new for it, its data goes elsewhere */
    bool grounded : 1;         /* its local link has no carrier: stale whatever comes */
    bool lone : 1;             /* when its silence was judged last, a single packet was out */
    enum plait_reason rst_why : 16; /* for MP_TCPRST */
    union mp_stage u;

    /* sending */
    struct ring carry;         /* struct mp_carry, in order of sequence numbers */
    struct mp_attic *attic;    /* NULL: all that it carries is in the store */
    struct mp_lean *lean;      /* NULL: it may fill its window */
    plait_time judge_at;       /* do not judge silence before */
    uint64_t reinjected;       /* bytes that it carried for others */
    uint64_t copied_to;        /* from here on it may carry copies of what others were given */
    uint64_t sched_own;        /* the scheduler's word */
    uint64_t again_lo, again_hi; /* positions of these, where they were the oldest; or empty */
    uint32_t ack_delay;        /* us: so long the peer held back the ACK of a lone packet */

    /* receiving */
    uint32_t announced;        /* version 0: the serial of the last announcement sent on it */
    struct reasm *held;        /* checksums: bytes of the first map, not yet proven; NULL */
    struct ring maps;          /* struct mp_map, by off, no overlap */
    plait_time unmapped_at;    /* since when data without a mapping is in front; 0: there is none */
    plait_time rcv_rtt;        /* round trip as a receiver sees it, from timestamps; 0: none yet */

    /* signals that are to be sent on it */
    uint64_t fail_dsn;         /* for MP_FAIL */
    plait_time sig_at;         /* when the next may go after two */
    uint32_t sig_ack;          /* what the last segment acknowledged, */
    uint8_t sig_n;             /* and signalling ACKs in a row (OPT-03) */
    uint8_t fastclose_n;       /* version 0: ACKs with MP_FASTCLOSE sent, */
    bool capable_due : 1, fin_due : 1, fail_due : 1, prio_due : 1, remove_due : 1;
    bool fastclose_due : 1;
    bool probe_due : 1;        /* a keepalive is to be sent */

    /* its end */
    bool rst_outstanding : 1;  /* code 4: too much outstanding data */
    bool rst_fail : 1, rst_fastclose : 1; /* the RST carries MP_FAIL, MP_FASTCLOSE */
    bool rst_permanent : 1;    /* the peer's MP_TCPRST had T = 0: do not try the path again */
    bool rst_transient : 1;    /* it had T = 1: later is worth a try, even of a join */
    bool reset_in : 1;         /* the peer reset it, */
    bool refused : 1;          /* and said that something is wrong about MPTCP */
    plait_time fastclose_at;   /* and when the next is due; PLAIT_NEVER */
    plait_time probe_at;       /* REMOVE_ADDR: dead if nothing was heard by then; PLAIT_NEVER */
    plait_time abort_at;       /* patience with its FIN ends; PLAIT_NEVER */
};

struct mp_subflow *mp_subflow_new(struct mp_conn *c, const struct plait_addr *local,
                                  const struct plait_addr *remote);
void mp_subflow_free(struct mp_subflow *s);
void mp_subflow_set_phase(struct mp_subflow *s, enum mp_phase to, plait_time now);
/* It may carry data from now on. */
void mp_subflow_up(struct mp_subflow *s, plait_time now);
/* The tcb is found CLOSED: everything that follows from that, once. */
void mp_subflow_settle(struct mp_subflow *s, plait_time now);
/* FIN after what it carries; takes no new data. What it carries goes to others as well. */
void mp_subflow_close(struct mp_subflow *s, plait_time now);
/* RST, MP_TCPRST telling why. */
void mp_subflow_abort(struct mp_subflow *s, enum plait_reason why, plait_time now);

bool mp_subflow_alive(const struct mp_subflow *s);  /* not dead, not about to end */
bool mp_subflow_usable(const struct mp_subflow *s); /* new data may be given to it */

/* What few subflows have. False: no memory; nothing is done where it is there already. */
bool mp_held_open(struct mp_subflow *s);
void mp_held_close(struct mp_subflow *s);
bool mp_attic_open(struct mp_subflow *s);
void mp_attic_close(struct mp_subflow *s);
bool mp_lean_open(struct mp_subflow *s);
void mp_lean_close(struct mp_subflow *s);
/* What it carries below this position is in its attic; 0: it has none. */
static inline uint64_t mp_attic_to(const struct mp_subflow *s)
{
    return s->attic != NULL ? s->attic->to : 0;
}

int mp_carry_reserve(struct mp_subflow *s);
void mp_carry_add(struct mp_subflow *s, uint64_t pos, uint32_t len);
void mp_carry_acked(struct mp_subflow *s);
bool mp_carry_has(const struct mp_subflow *s, uint64_t pos);
/* The run that holds pos; NULL: none. */
const struct mp_carry *mp_carry_find(const struct mp_subflow *s, uint64_t pos);

#endif

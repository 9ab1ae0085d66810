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

/* While lean is not 0: it is measured how much that should be; or it was made so just now, and what
 * is heard in this round is about what was sent before; or it may grow. */
enum mp_lean { MP_LEAN_MEASURES, MP_LEAN_WAITS, MP_LEAN_GROWS };

/* Small fields stand where two groups meet, so that a million of them have no holes. */
struct mp_subflow {
    struct list in_conn;       /* in mp_conn.subflows */
    struct htab_node node;     /* for the stack */
    struct mp_conn *conn;
    struct tcb tcb;
    enum mp_phase phase;       /* written by mp_subflow_set_phase() alone */
    uint32_t gso_max;          /* of its local address; packets go singly while there is an attic */
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

    /* join (RFC 8684 3.2) */
    bool join_due : 1;         /* the ACK with HMAC-A is to be sent (again) */
    uint32_t nonce_local, nonce_remote;
    plait_time join_at;        /* when to send it again; PLAIT_NEVER: not waiting */

    /* sending */
    struct ring carry;         /* struct mp_carry, in order of sequence numbers */
    struct reasm *attic;       /* copies of bytes below attic_to that the store has let go; NULL */
    uint64_t attic_to;         /* 0: no attic */
    plait_time judge_at;       /* do not judge silence before */
    uint64_t reinjected;       /* bytes that it carried for others */
    uint64_t copied_to;        /* from here on it may carry copies of what others were given */
    plait_time lean_at, lean_until;
    uint64_t sched_own;        /* the scheduler's word */
    uint64_t again_lo, again_hi; /* positions of these, where they were the oldest; or empty */
    uint64_t infinite_pos;     /* the stream runs from here */
    uint32_t infinite_ssn;     /* the mapping: from this SSN on */
    uint32_t infinite_end;     /* sequence number behind that chunk */
    uint32_t ack_delay;        /* us, for how long the peer was seen to hold back such an ACK */
    uint32_t lean;             /* it held up others: bytes that may be out at a time; 0: any */
    uint32_t lean_from;        /* what had come through at lean_at; or where this round ends */
    enum mp_lean lean_phase;
    bool infinite : 1;         /* the next chunk carries the infinite mapping */
    bool infinite_sent : 1;    /* infinite_end is valid */
    bool stale : 1;            /* seems dead: nothing new for it, its data goes elsewhere */
    bool grounded : 1;         /* its local link has no carrier: stale whatever comes */
    bool lone : 1;             /* when its silence was judged last, a single packet was out */

    /* receiving */
    bool failed : 1;           /* a checksum was wrong and MP_FAIL sent: nothing is delivered until
                                * the peer falls back */
    struct reasm *held;        /* checksums: bytes of the first map, not yet proven; NULL */
    struct ring maps;          /* struct mp_map, by off, no overlap */
    plait_time failed_until;
    plait_time fail_at;        /* the MP_FAIL goes again; PLAIT_NEVER */
    plait_time unmapped_at;    /* since when data without a mapping is in front; 0: there is none */
    plait_time rcv_rtt;        /* round trip as a receiver sees it, from timestamps; 0: none yet */

    /* signals that are to be sent on it */
    uint64_t fail_dsn;         /* for MP_FAIL */
    plait_time sig_at;         /* when the next may go after two */
    uint32_t sig_ack;          /* what the last segment acknowledged, */
    uint8_t sig_n;             /* and signalling ACKs in a row (OPT-03) */
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
    uint8_t fastclose_n;       /* version 0: ACKs with MP_FASTCLOSE sent, */
    enum plait_reason rst_why; /* for MP_TCPRST */
    uint32_t announced;        /* version 0: the serial of the last announcement sent on it */
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

/* Queues that few subflows have. False: no memory; nothing is done where it is there. */
bool mp_queue_open(struct mp_subflow *s, struct reasm **queue);
void mp_queue_close(struct mp_subflow *s, struct reasm **queue);

int mp_carry_reserve(struct mp_subflow *s);
void mp_carry_add(struct mp_subflow *s, uint64_t pos, uint32_t len);
void mp_carry_acked(struct mp_subflow *s);
bool mp_carry_has(const struct mp_subflow *s, uint64_t pos);
/* The run that holds pos; NULL: none. */
const struct mp_carry *mp_carry_find(const struct mp_subflow *s, uint64_t pos);

#endif

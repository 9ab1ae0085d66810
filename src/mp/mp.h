/* SPDX-License-Identifier: Apache-2.0 */
/* The MPTCP connection (RFC 8684, and RFC 6824 as version 0) over its subflows, and plain TCP as a
 * connection whose multipath mode is off. This is all that the stack sees of it.
 *
 * The stream is numbered by positions: position 0 is the first byte, DSN = IDSN + 1 + position
 * (RFC 8684 3.1). The same positions address the send store and the reassembly queue, and never
 * wrap. */
#ifndef MP_MP_H
#define MP_MP_H

#include "../base/htab.h"
#include "../base/list.h"
#include "../base/rangeset.h"
#include "../base/store.h"
#include "../pm/pm.h"
#include "../sched/sched.h"
#include "../tcp/tcp.h"

enum { MP_SUBFLOWS_MAX = 32, MP_LOCALS_MAX = 32, MP_VIEWS_MAX = 8 };

/* Appendix D of RFC 8684. */
enum mp_state {
    MP_ST_CLOSED = 0, MP_ST_CONNECTING, MP_ST_ESTAB, MP_ST_FIN_WAIT_1, MP_ST_FIN_WAIT_2,
    MP_ST_CLOSING, MP_ST_TIME_WAIT, MP_ST_CLOSE_WAIT, MP_ST_LAST_ACK, MP_ST_FASTCLOSE_WAIT,
};
const char *mp_state_name(enum mp_state s);

/* How the connection speaks. PENDING: MP_CAPABLE is under way. */
enum mp_mode { MP_MODE_PENDING = 0, MP_MODE_MULTIPATH, MP_MODE_PLAIN };

struct mp_config {
    bool mptcp, require_mptcp, checksum, nodelay, server_joins, fastopen;
    bool avoid_mptcp;          /* mptcp is off because it failed with this peer before */
    bool refuse_joins;         /* C flag: no joins at the address of the first subflow */
    uint8_t offer, accept;     /* sets of PLAIT_MPTCP_V*: for mp_connect(), for listeners */
    const struct sched_ops *sched;
    const struct pm_ops *pm;
    uint8_t ports;             /* of these the path managers' own: see plait.h */
    uint64_t demand_bytes;
    plait_time demand_after;
    uint8_t subflows_max, addrs_max, mp_syn_retries, subflow_retries;
    uint32_t sndbuf_max, rcvbuf_max, rcvbuf_init;
    plait_time user_timeout, time_wait, last_subflow_wait;
    struct tcp_config tcp;   /* mss_local and gso_max follow from each subflow's local address */
};

/* The stack's local addresses, shared by all connections. */
struct mp_locals { uint8_t n; struct plait_local v[MP_LOCALS_MAX]; };
const struct plait_local *mp_local_find(const struct mp_locals *l, const struct plait_addr *ip);

/* ---- keys (RFC 8684 3.1, RFC 6824 3.1) ------------------------------------------------------ */

struct mp_key { uint64_t key; uint32_t token; uint64_t idsn; };
void mp_key_derive(uint64_t key, uint8_t version, struct mp_key *out);

/* ---- half-open: what MPTCP remembers between SYN and third ACK ------------------------------ */

enum mp_half_kind { MP_HALF_PLAIN = 0, MP_HALF_CAPABLE, MP_HALF_JOIN };
struct mp_half {
    enum mp_half_kind kind;
    enum plait_reason why_plain;      /* NONE unless PLAIN though MPTCP was possible */
    uint8_t version;                  /* CAPABLE, JOIN */
    struct mp_key local;              /* CAPABLE */
    uint64_t key_remote;              /* CAPABLE, version 0: the SYN brought it */
    bool checksum;                    /* A bit of either side */
    bool peer_no_join;                /* C bit of the peer */
    bool syn_text;                    /* CAPABLE: the SYN brought text */
    uint32_t token_local;             /* JOIN: the connection, may be gone by the third ACK */
    uint32_t nonce_local, nonce_remote;
    uint8_t addr_id_local, addr_id_remote;
    bool backup_local, backup_remote;
    uint64_t hmac_local;              /* JOIN: leftmost 64 bits of HMAC-B, host order value */
};
/* The version that a SYN with MP_CAPABLE wants to speak, as far as its form tells. */
uint8_t mp_syn_version(const struct wire_seg *syn);
/* A SYN for a listener: PLAIN or CAPABLE. key: drawn for mp_syn_version() and known to be unique.
 */
void mp_half_capable(struct mp_half *h, const struct mp_config *cfg, const struct mp_key *key,
                     const struct wire_seg *syn);
struct mp_conn;
/* From the third ACK of a SYN that was not kept: CAPABLE where it speaks MPTCP, and this key is
 * looked for by mp_accept(); else PLAIN. */
void mp_half_recreate(struct mp_half *h, const struct mp_config *cfg, uint64_t key,
                      const struct wire_seg *ack);
/* A SYN with MP_JOIN whose token named conn; nonce: ours, hard to guess. NONE: answer it; else why
 * not (the stack answers RST with MP_TCPRST, see mp_tcprst). */
enum plait_reason mp_half_join(struct mp_half *h, struct mp_conn *conn, const struct wire_seg *syn,
                               uint32_t nonce);
/* Is this ACK no third ACK but what came after it? Version 1 tells the keys there, so without it
 * nothing can be done with the rest; in version 0 the SYN has told the peer's. */
bool mp_half_waits(const struct mp_half *h, const struct wire_seg *ack);
/* Options of the SYN/ACK. */
void mp_half_options(const struct mp_half *h, const struct mp_config *cfg, struct wire_mp *out);
/* The version that mp_connect() begins with: the highest on offer. */
uint8_t mp_offered_version(const struct mp_config *cfg);
/* MP_TCPRST (RFC 8684 3.6) for a reset with this reason. */
void mp_tcprst(enum plait_reason why, struct wire_mp *out);

/* ---- a subflow ------------------------------------------------------------------------------ */

struct mp_subflow; /* subflow.h; the stack uses these: */
struct tcb *mp_subflow_tcb(struct mp_subflow *s);
struct mp_conn *mp_subflow_conn(struct mp_subflow *s);
struct htab_node *mp_subflow_node(struct mp_subflow *s);        /* for the stack's 4-tuple table */
struct mp_subflow *mp_subflow_of_node(struct htab_node *node);
/* The i-th one of its connection, from 0 on; NULL: there are no more. */
struct mp_subflow *mp_subflow_at(const struct mp_conn *c, unsigned i);

/* ---- a connection --------------------------------------------------------------------------- */

/* News, as bits; the stack collects them after each call that may make some. */
enum { MP_NEWS_CONNECTED = 1, MP_NEWS_READABLE = 2, MP_NEWS_WRITABLE = 4, MP_NEWS_CLOSED = 8,
       MP_NEWS_TOKEN = 16 /* the local key changed its meaning: (un)register mp_token() */,
       MP_NEWS_RETRY = 32 /* draw a key of version 0 for mp_retry() */ };

struct mp_conn_args {
    struct base_ctx *ctx;
    const struct mp_config *cfg;      /* outlives the connection */
    const struct mp_locals *locals;
    uint32_t id;                      /* for traces */
    void *owner;                      /* the stack's wrapper */
    const struct tcp_fastopen *fastopen; /* for mp_connect(); NULL: off */
};
/* Active open. key drawn by the stack for mp_offered_version() (unique token). NULL: no memory. */
struct mp_conn *mp_connect(const struct mp_conn_args *args, const struct mp_key *key,
                           const struct plait_addr *local, const struct plait_addr *remote,
                           plait_time now);
/* The peer knows no version 1, and version 0 is on offer: another handshake, in this step. */
void mp_retry(struct mp_conn *c, const struct mp_key *key, plait_time now);
/* The third ACK of a half-open one: the stack feeds the same segment to mp_input() right after.
 * NULL: no memory, or data of an MPTCP connection before the segment with its keys; in both cases
 * forget the segment and keep the half-open one. The keys in MP_CAPABLE of ack decide between
 * MULTIPATH and PLAIN. */
struct mp_conn *mp_accept(const struct mp_conn_args *args, const struct tcp_half *th,
                          const struct mp_half *mh, const struct wire_seg *ack, plait_time now);
/* A SYN whose text is taken at once (RFC 7413): what of it is said in th, and the connection sends
 * the SYN/ACK by itself; the third ACK decides about MULTIPATH. NULL: no memory, nothing was taken.
 */
struct mp_conn *mp_accept_early(const struct mp_conn_args *args, struct tcp_half *th,
                                const struct mp_half *mh, const struct wire_seg *syn,
                                plait_time now);
/* The third ACK of a half-open join: checks HMAC-A. NULL with *why: answer RST + MP_TCPRST. */
struct mp_joining {
    const struct tcp_half *tcp;
    const struct mp_half *mp;
    const struct wire_seg *ack;
};
struct mp_subflow *mp_join_take(struct mp_conn *c, const struct mp_joining *j, plait_time now,
                                enum plait_reason *why);
#define mp_join_accept(c, th, mh, ack, now, why)                                                   \
    mp_join_take((c), &(struct mp_joining){ (th), (mh), (ack) }, (now), (why))
/* The first subflow, where its SYN used Fast Open; NULL: it did not. */
const struct tcb *mp_fastopen_tcb(const struct mp_conn *c);
void mp_conn_free(struct mp_conn *c); /* every subflow must be out of the stack's tables */
void *mp_owner(struct mp_conn *c);
bool mp_is_open_for_join(const struct mp_conn *c);
uint8_t mp_version(const struct mp_conn *c);
/* True with the local token while joins may come for it (mode MULTIPATH or PENDING, not closed). */
bool mp_token(const struct mp_conn *c, uint32_t *token);

unsigned mp_news(struct mp_conn *c);   /* takes and clears the bits */
/* Over and released by the application: the stack may free it once mp_reap() has emptied it. */
bool mp_is_finished(const struct mp_conn *c);
/* Subflows that were created since the last call and must enter the 4-tuple table, one by one;
 * NULL: none left. */
struct mp_subflow *mp_next_born(struct mp_conn *c);
/* Subflows that are dead (and have sent their RST if one was due): the stack takes each out of
 * the table, then frees it by mp_bury(). */
struct mp_subflow *mp_next_dead(struct mp_conn *c);
void mp_bury(struct mp_subflow *s);
/* Of a dead one: a join of ours that the peer, or a middlebox, refused for good, while no other
 * join of this connection to the same address got through. */
bool mp_join_was_refused(const struct mp_subflow *s);
/* A join of ours that got through. */
bool mp_join_got_through(const struct mp_subflow *s);
const struct plait_addr *mp_join_remote(const struct mp_subflow *s);

void mp_input(struct mp_subflow *s, const struct wire_seg *seg, struct plait_block **block,
              plait_time now);
void mp_icmp(struct mp_subflow *s, const struct wire_icmp *icmp, plait_time now);

struct mp_plan {
    struct mp_subflow *subflow;
    struct tcp_plan tcp;
    struct wire_mp mp;
    bool has_mp;
    uint32_t view_n;
    struct store_view view[MP_VIEWS_MAX];
    uint32_t signals;    /* what of the pending signals this carries (mp's own) */
};
/* Schedules data onto subflows and finds the next packet, round robin over the subflows; false:
 * nothing to send. */
bool mp_plan(struct mp_conn *c, plait_time now, struct mp_plan *plan);
void mp_commit(struct mp_conn *c, const struct mp_plan *plan, plait_time now);

plait_time mp_deadline(const struct mp_conn *c);
void mp_tick(struct mp_conn *c, plait_time now);

/* What is left of a subflow in TIME-WAIT, whose connection need not live for it. */
struct mp_wait {
    struct tcp_wait tcp;
    struct wire_mp_dss dss; /* the last DATA_ACK; has_ack false: it does not speak MPTCP */
};
/* Is a connection over and released, and has nothing but subflows in TIME-WAIT? */
bool mp_only_waits(const struct mp_conn *c);
/* Of one of those. */
void mp_wait_of(const struct mp_subflow *s, struct mp_wait *w);
/* NONE, or why the segment says nothing; *answer: mp_wait_plan() makes the ACK that is due. */
enum plait_reason mp_wait_input(struct mp_wait *w, const struct wire_seg *seg, plait_time now,
                                bool *answer);
void mp_wait_plan(const struct mp_wait *w, plait_time now, struct tcp_plan *plan,
                  struct wire_mp *mp);

/* Path management: asks the pm and carries out what needs no help (announcing, closing); true: the
 * stack should call mp_join() from this local to this remote address. The local port is the
 * connection's, or another one that nobody uses. */
struct mp_wish {
    struct plait_addr local; /* port 0 */
    struct plait_addr remote;
    bool other_port;
    bool backup;
};
bool mp_pm_next(struct mp_conn *c, plait_time now, struct mp_wish *wish);
/* Opens a subflow as just asked. 0 or an error (then the pair is barred). A 4-tuple in use: pass
 * PLAIT_EADDRINUSE as err to bar it. */
int mp_join(struct mp_conn *c, const struct mp_wish *wish, int err, plait_time now);

/* Local addresses: the shared table has changed already. */
void mp_local_added(struct mp_conn *c, const struct plait_local *l, plait_time now);
void mp_local_changed(struct mp_conn *c, const struct plait_local *l, plait_time now);
void mp_local_removed(struct mp_conn *c, const struct plait_local *l, plait_time now);
int mp_set_backup(struct mp_conn *c, uint8_t local_id, bool backup, plait_time now);

/* The application's calls; answers as in plait.h. */
int64_t mp_send_reserve(struct mp_conn *c, size_t len, uint8_t **room, plait_time now);
void mp_send_commit(struct mp_conn *c, size_t n, plait_time now);
int64_t mp_send(struct mp_conn *c, const void *data, size_t len, plait_time now);
int64_t mp_recv_borrow(struct mp_conn *c, struct store_view *view);
void mp_recv_done(struct mp_conn *c, size_t n, plait_time now);
int mp_shutdown(struct mp_conn *c, plait_time now);
void mp_abort(struct mp_conn *c, enum plait_reason reason, plait_time now);
void mp_release(struct mp_conn *c, plait_time now);
int mp_error(const struct mp_conn *c, enum plait_reason *reason);

uint32_t mp_subflow_total(const struct mp_conn *c);
bool mp_check(const struct mp_conn *c); /* invariants, asserts with a sentence */

/* For infos: the stack turns these into plait_conn_info and plait_subflow_info. The subflow
 * fields named as in plait.h. */
struct mp_info {
    enum mp_state state;
    enum mp_mode mode;
    bool established, checksum;
    uint8_t version;
    enum plait_reason fallback;
    uint32_t token_local, token_remote;
    struct plait_addr local, remote;
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_reinjected, bytes_duplicate;
    uint32_t send_queued, recv_queued, sndbuf, rcvbuf;
    uint32_t syn_sent, syn_received; /* text of SYNs that was taken: by the peer, by us */
    uint8_t subflow_n;
};
void mp_conn_info(const struct mp_conn *c, struct mp_info *info);

enum mp_path_state {
    MP_PATH_OPENING, MP_PATH_OPEN, MP_PATH_STALE, MP_PATH_CLOSING, MP_PATH_CLOSED
};
struct mp_path_info {
    uint8_t id, local_id, remote_id;
    enum mp_path_state state;
    bool backup_local, backup_remote;
    struct plait_addr local, remote;
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
    plait_time srtt, rttvar, min_rtt, rto;
    uint32_t cwnd, ssthresh, in_flight;
    uint16_t mss;
    bool ecn;
    uint64_t ce_received;
    uint32_t ecn_cuts, restarts;
    enum plait_reason reason;
};
/* Subflow id, alive or among the last 32 dead ones; PLAIT_ENOENT. */
int mp_path_info(const struct mp_conn *c, uint8_t id, struct mp_path_info *info);

#endif

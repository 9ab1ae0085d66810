/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of mp share: the connection, and each other's functions. Nobody outside src/mp
 * and its tests includes this. */
#ifndef MP_MP_INT_H
#define MP_MP_INT_H

#include "mp.h"
#include "subflow.h"

#include "../base/ctx.h"
#include "../base/reasm.h"
#include "../base/seq.h"
#include "../base/vec.h"

enum {
    MP_OPT_DATA = 28,          /* option bytes of a full DSS, padded */
    MP_TS_ROOM = 28,           /* what timestamps leave of the 40 option bytes */
    MP_ECHOES_MAX = 8,
    MP_BARS_MAX = PM_SUBFLOWS_MAX,
    MP_GRAVES_MAX = 32,
    MP_CHUNK_MAX = 65000,      /* payload of a mapping: room for a DATA_FIN and for IP's length */
    MP_SIGNALS_IN_A_ROW = 2,   /* RFC 8684 3.4.1 */
    MP_ANNOUNCE_TRIES = 4,     /* an ADD_ADDR and three retransmissions */
    MP_ATTIC_LAG = 1 << 19,    /* bytes that a stale subflow may keep in the store */
    MP_REINJECT_RANGES = 256,
};

/* tcp_chunk.meta */
enum {
    MP_META_CSUM = 1 << 16,     /* the low 16 bits are the mapping's checksum */
    MP_META_FIN = 1 << 17,      /* the mapping ends with the DATA_FIN */
    MP_META_INFINITE = 1 << 18, /* it carries the infinite mapping */
};

/*= RFC 8684 3.2
 * A host MUST store the mappings between Address IDs and addresses both for itself and the remote
 * host. */
struct mp_remote { /* an address of the peer, as announced */
    uint8_t id;
    bool refuses;           /* C flag */
    struct plait_addr addr;
};

struct mp_announced { /* an address of ours that the peer was told */
    uint8_t id;             /* in this connection */
    struct plait_addr addr; /* port 0: none */
    bool due, echoed;
    uint8_t tx_n;
    uint32_t serial;        /* version 0: place in the order of announcements, from 1 */
    plait_time again;       /* when to send it again; PLAIT_NEVER */
};

struct mp_bar { /* a pair of addresses that failed */
    uint8_t local_id, remote_id;
    uint8_t fails;
    plait_time until;
};

/* Small fields stand together, so that a million of them have no holes. */
struct mp_conn {
    struct base_ctx *ctx;
    const struct mp_config *cfg; /* the owner's */
    const struct mp_locals *locals;
    void *owner;
    uint32_t id;

    enum mp_state state;       /* written by mp_set_state() alone */
    enum mp_mode mode;         /* written by mp_set_mode() alone */
    unsigned news;
    int err;                   /* 0 or enum plait_err */
    enum plait_reason why;     /* why it ended */
    enum plait_reason fallback; /* why it is PLAIN */
    uint8_t version;           /* 1: RFC 8684, 0: RFC 6824 */
    uint8_t fin_n, rtx_n;      /* DATA_FINs, and time-outs of data, that moved nothing */
    bool passive : 1, established : 1;
    bool over : 1;             /* nothing more will come or go; entered once, by mp_set_state() */
    bool closed_told : 1;      /* MP_NEWS_CLOSED was given */
    bool released : 1;         /* the application let go */
    bool has_remote : 1, checksum : 1;
    bool dss_in : 1;           /* a DSS came on the first subflow: MPTCP works both ways */
    bool joined : 1;           /* there was a second subflow once: no way back to plain TCP */
    bool pm_dirty : 1;         /* something changed that the path manager should see */
    /* sending */
    bool want_write : 1;       /* the application was refused room */
    bool blocked : 1;          /* data waits for the peer's window */
    bool rtx_probe : 1;        /* rtx_at is the time of a probe, */
    bool probed : 1;           /* which has been sent since snd_una moved */
    bool fin_wanted : 1, fin_sent : 1, fin_acked : 1;
    /* receiving */
    bool dsn64_in : 1;         /* a 64-bit DSN came: DATA_ACKs have 64 bits */
    bool fin_seen : 1, fin_received : 1;
    bool late_data_fin : 1;    /* PLAIN, and the peer is not: its DATA_FIN came, */
    bool late_subflow_fin : 1; /* or a FIN that ends the subflow alone */

    struct mp_key local, remote; /* remote is valid with has_remote */
    struct plait_addr first_local, first_remote;
    struct mp_remote first;    /* of remotes: room for one */
    uint8_t remove_n;
    uint8_t removes[WIRE_MP_REMOVE_MAX]; /* for REMOVE_ADDR, while a subflow has remove_due */

    struct list subflows;      /* mp_subflow.in_conn; the next to send comes first */
    uint32_t sub_n;            /* on the list */
    uint32_t total;            /* ever */
    struct mp_path_info *graves; /* of subflows that are gone: info.c */
    uint32_t grave_n;          /* ever */
    uint32_t held_up_n;        /* how often a slow path held up the window that a fast one wanted */

    /* sending: positions */
    struct store store;        /* begin..end; end: what the application wrote */
    uint64_t again_end;        /* below it data may have been sent twice */
    uint64_t snd_first;        /* below it the SYN brought it (RFC 7413), outside of the DSNs */
    uint64_t snd_una;          /* DATA_ACKed up to here */
    uint64_t snd_nxt;          /* next to be given to a subflow for the first time */
    uint64_t snd_edge;         /* right edge of the peer's window */
    struct rangeset reinject;  /* to be given to another subflow; within [snd_una, snd_nxt) */
    plait_time fin_at;         /* send the DATA_FIN (again); PLAIT_NEVER */
    plait_time progress_at;    /* snd_una moved, or data began to wait */
    plait_time rtx_at;         /* data-level retransmission (RFC 8684 3.3.6); PLAIT_NEVER */
    plait_time opportune_at;   /* opportunistic reinjection not before */
    union sched_state *sched_state; /* once a scheduler was asked that has some; NULL */
    uint64_t bytes_reinjected;
    uint32_t sndbuf;

    /* receiving: positions */
    uint32_t rcvbuf;
    uint32_t rcv_first;        /* below it the peer's SYN brought it, outside of its DSNs */
    uint32_t announce_serial;  /* of the latest in announced */
    struct reasm rx;           /* next: what the application reads next */
    uint64_t rcv_edge;         /* right edge that was offered; never retreats */
    uint64_t plain_shift;      /* PLAIN: position = offset on the subflow + this */
    uint64_t ack_told;         /* the highest position that a DATA_ACK told the peer */
    uint64_t fin_pos;          /* the peer's DATA_FIN, with fin_seen */
    struct mp_subflow *last_in; /* brought data last; NULL */
    uint64_t bytes_received, bytes_duplicate;
    plait_time drs_at;         /* receive buffer tuning: this round began, */
    uint64_t drs_pos;          /* with the application here, */
    uint64_t drs_copied;       /* and in the round before it took so much */

    /* addresses; most connections have few of them */
    struct vec remotes;        /* struct mp_remote */
    struct vec announced;      /* struct mp_announced */
    struct vec bars;           /* struct mp_bar */
    struct vec echoes;         /* struct wire_mp_add_addr, to be sent */
    plait_time join_after;     /* no subflow is opened before */
    plait_time pm_at;
    uint64_t pm_moved;         /* or once so many bytes moved */
    plait_time up_at;          /* when it was established */

    plait_time alone_at;       /* without a subflow until then; PLAIT_NEVER */
    plait_time starved_at;     /* memory was missing: try again then; PLAIT_NEVER */
    plait_time failed_at;      /* when a commit failed last; 0: never */
    plait_time orphan_at;      /* released, and the peer does not finish; PLAIT_NEVER */
};

/* Walks over the subflows; the body may not free one. */
#define MP_EACH(s, c)                                                                              \
    for (struct mp_subflow *s = mp_first((c)); s != NULL; s = mp_after((c), s))
static inline struct mp_subflow *mp_first(const struct mp_conn *c)
{
    return c->subflows.next == &c->subflows
               ? NULL : LIST_OWNER(c->subflows.next, struct mp_subflow, in_conn);
}
static inline struct mp_subflow *mp_after(const struct mp_conn *c, const struct mp_subflow *s)
{
    return s->in_conn.next == &c->subflows
               ? NULL : LIST_OWNER(s->in_conn.next, struct mp_subflow, in_conn);
}

static inline struct mp_remote *mp_remote_at(const struct mp_conn *c, unsigned i)
{
    return vec_at(&c->remotes, i);
}
static inline struct mp_announced *mp_announced_at(const struct mp_conn *c, unsigned i)
{
    return vec_at(&c->announced, i);
}
static inline struct mp_bar *mp_bar_at(const struct mp_conn *c, unsigned i)
{
    return vec_at(&c->bars, i);
}

static inline uint64_t mp_min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline plait_time mp_earlier(plait_time a, plait_time b) { return a < b ? a : b; }
static inline plait_time mp_later(plait_time a, plait_time b) { return a > b ? a : b; }

/* Buffers may grow up to here in any case. Beyond, what lies in them has left the processor's
 * caches before it is used, and costs twice as much: there they grow for the paths' sake only. */
#define MP_BUF_CACHED ((uint64_t)2 << 20)

/* What the paths themselves can hold, with room to spare: eight times the bandwidth-delay product,
 * where so many bytes pass in this time. What else is on its way waits in a queue. */
static inline uint64_t mp_path_holds(uint64_t bytes, plait_time in, plait_time min_rtt)
{
    return min_rtt < in ? 8 * bytes * min_rtt / in : 8 * bytes;
}

/* ---- conn.c --------------------------------------------------------------------------------- */

/* A trace point; s may be NULL. */
struct mp_event {
    enum plait_trace_type type;
    enum plait_reason reason;
    uint64_t a, b;
    const struct plait_addr *told; /* the address that ADD_ADDR names; NULL: it is not about one */
};
void mp_trace(const struct mp_conn *c, const struct mp_subflow *s, struct mp_event ev,
              plait_time now);
/* Counts a reason and traces the drop. */
void mp_drop(const struct mp_conn *c, const struct mp_subflow *s, enum plait_reason why,
             plait_time now);
void mp_set_mode(struct mp_conn *c, enum mp_mode to, plait_time now);
/* Memory was missing for something that no packet will bring up again: look after a while. */
void mp_starved(struct mp_conn *c, plait_time now);
/* Whatever a step did: dead subflows are noticed, the close goes on. */
void mp_settle(struct mp_conn *c, plait_time now);
uint32_t mp_alive_n(const struct mp_conn *c);
/* The usable subflow with the lowest RTT, not stale where there is a choice; NULL: none. */
struct mp_subflow *mp_best(const struct mp_conn *c, const struct mp_subflow *not_this);
/* Is there a usable one that is not stale, beside this one? */
bool mp_has_other(const struct mp_conn *c, const struct mp_subflow *s);
void mp_update_retries(struct mp_conn *c);

/* ---- keys.c --------------------------------------------------------------------------------- */

/* RFC 8684 3.2: HMAC of a join as sent by the owner of `from`; its leftmost 160 bits. */
enum { MP_HMAC_LEN = 20 };
struct mp_hmac_in {
    uint64_t key_from, key_to;
    uint32_t nonce_from, nonce_to;
    uint8_t version;
};
void mp_join_hmac(const struct mp_hmac_in *in, uint8_t out[MP_HMAC_LEN]);
/* RFC 8684 3.4.1: the rightmost 64 bits of the HMAC of an announcement. */
void mp_addr_hmac(uint64_t key_from, uint64_t key_to, const struct wire_mp_add_addr *a,
                  uint8_t out[8]);

/* ---- capable.c ------------------------------------------------------------------------------ */

/* The SYN/ACK of the first subflow: MULTIPATH or PLAIN from now on. */
void mp_capable_synack(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
/* The third ACK: NONE and the peer's key, or why it is plain TCP. */
enum plait_reason mp_capable_ack(const struct mp_half *mh, const struct wire_seg *ack,
                                 struct mp_key *remote);
void mp_capable_syn_option(const struct mp_conn *c, struct wire_mp *out);
/* Of a connection that began before its third ACK (RFC 7413): its SYN/ACK, what it remembers of the
 * SYN, and whether this segment came before the keys. */
void mp_capable_synack_option(const struct mp_subflow *s, struct wire_mp *out);
struct mp_half mp_capable_half(const struct mp_conn *c);
bool mp_capable_waits(const struct mp_subflow *s, const struct wire_seg *seg);
void mp_capable_ack_option(const struct mp_conn *c, struct wire_mp *out);
/* Initiator that has heard nothing of MPTCP but the SYN/ACK: ACKs repeat MP_CAPABLE. */
bool mp_unconfirmed(const struct mp_subflow *s);
/* And its first data must bring the keys in place of a DSS: version 1 alone. */
bool mp_data_brings_keys(const struct mp_subflow *s);
/* No (more) data before the peer knows the keys. */
bool mp_data_waits(const struct mp_subflow *s);

/* ---- join.c --------------------------------------------------------------------------------- */

void mp_join_synack(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
void mp_join_syn_option(const struct mp_subflow *s, struct wire_mp *out);
void mp_join_ack_option(const struct mp_subflow *s, struct wire_mp *out);
/* A segment came on a subflow that is PRE-ESTABLISHED, or an ACK with HMAC-A again. */
void mp_join_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
/* We accepted it, and nothing that came since shows that the peer knows. RFC 8684 3.2 lets us send,
 * but Linux resets the subflow where anything arrives out of order before the ACK that answers
 * HMAC-A. So one packet goes first, and again where it got lost, and nothing behind it. */
bool mp_join_unanswered(const struct mp_subflow *s);
void mp_join_sent(struct mp_subflow *s, plait_time now);
void mp_join_tick(struct mp_subflow *s, plait_time now);

/* ---- opts.c --------------------------------------------------------------------------------- */

/* The DATA_ACK that an ACK on s carries; without has_ack: none. */
void mp_last_data_ack(const struct mp_subflow *s, struct wire_mp_dss *dss);
/* Acts on the MPTCP options of an acceptable segment. */
void mp_opts_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
/* Those of a RST that was accepted. */
void mp_opts_reset(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
/* Before tcp_plan(): which signal waits for a segment without payload, and the room for options. */
enum mp_signal mp_opts_prepare(struct mp_subflow *s, plait_time now);
/* After tcp_plan(): the options. */
void mp_opts_fill(struct mp_subflow *s, enum mp_signal signal, struct mp_plan *plan);
/* After tcp_commit(). */
void mp_opts_sent(struct mp_subflow *s, const struct mp_plan *plan, plait_time now);
/* When a signal that was held back may go. */
plait_time mp_opts_deadline(const struct mp_subflow *s);
void mp_opts_tick(struct mp_subflow *s, plait_time now);

/* ---- dss.c ---------------------------------------------------------------------------------- */

uint64_t mp_dsn_out(const struct mp_conn *c, uint64_t pos); /* of our stream */
uint64_t mp_dsn_in(const struct mp_conn *c, uint64_t pos);  /* of the peer's */
/* Position that a DSN of the peer names; beyond 2^62: none. */
uint64_t mp_pos_of_dsn(const struct mp_conn *c, const struct wire_mp_dss *d);
/* Offset on the subflow that an SSN of the peer means, near RCV.NXT. */
uint64_t mp_off_of_ssn(const struct mp_subflow *s, uint32_t ssn);
void mp_dss_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
/* MP_CAPABLE with data parameters (RFC 8684 3.1). */
void mp_dss_capable(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
/* The map that covers off; NULL: none. */
struct mp_map *mp_map_at(const struct mp_subflow *s, uint64_t off);
/* Everything below off was delivered. */
void mp_map_done(struct mp_subflow *s, uint64_t off);
/* False: no room for another mapping, the segment must be dropped unseen. */
bool mp_map_room(struct mp_subflow *s, const struct wire_seg *seg);
struct mp_pseudo { /* RFC 8684 figure 10 */
    uint64_t dsn;
    uint32_t ssn;
    uint16_t dll;
};
/* The value for the option: sum of the payload, of even length or the last part, and
 * pseudo-header. */
uint16_t mp_dss_csum(uint64_t sum, const struct mp_pseudo *p);
bool mp_dss_csum_ok(uint64_t sum, const struct mp_pseudo *p, uint16_t csum);

/* ---- tx.c ----------------------------------------------------------------------------------- */

void mp_tx_schedule(struct mp_conn *c, plait_time now);
/* DATA_ACK up to pos (of the DATA_FIN: end + 1); wnd: bytes, from there. */
void mp_tx_data_ack(struct mp_subflow *s, uint64_t pos, uint32_t wnd, plait_time now);
/* tcp_input() took a segment with an ACK. */
void mp_tx_subflow_acked(struct mp_subflow *s, const struct tcp_result *res, plait_time now);
/* Mode is PLAIN: what the subflow has acknowledged is acknowledged. */
void mp_tx_plain_acked(struct mp_subflow *s, plait_time now);
/* What s carries goes to the reinjection set. */
void mp_tx_requeue(struct mp_subflow *s);
/* Something is owed to the peer that it has not DATA_ACKed. */
bool mp_tx_outstanding(const struct mp_conn *c);
/* Adds [lo, hi) to the reinjection set; where that has no room for another range it covers more
 * than it must. */
void mp_tx_again(struct mp_conn *c, uint64_t lo, uint64_t hi);

/* ---- rtx.c ---------------------------------------------------------------------------------- */

/* Something happened: sets rtx_at where a DATA_ACK is awaited. */
void mp_rtx_rearm(struct mp_conn *c, plait_time now);
/* Sends again what nobody works on, once rtx_at has come. */
void mp_rtx_expire(struct mp_conn *c, plait_time now);

/* ---- store.c -------------------------------------------------------------------------------- */

/* Lets go of what nobody needs any more. */
void mp_store_release(struct mp_conn *c, plait_time now);
/* Where the bytes lie that s sends from pos on; how many pieces, 0: max does not do. */
uint32_t mp_store_views(const struct mp_subflow *s, uint64_t pos, uint32_t len,
                        struct store_view *views, uint32_t max);
/* c->checksum was decided: from now on sums are made with the copy, where nothing is there yet. */
void mp_store_checksums(struct mp_conn *c);
/* Their sum, for the checksum of a mapping. */
uint64_t mp_store_sum(const struct mp_subflow *s, uint64_t pos, uint32_t len);

/* ---- rx.c ----------------------------------------------------------------------------------- */

uint64_t mp_rx_nxt(const struct mp_conn *c); /* next position expected, DATA_FIN included */
/* What the next segment of s should say: its DATA_ACK as a position, and the window behind it. */
uint64_t mp_rx_ack(const struct mp_subflow *s);
uint32_t mp_rx_space(const struct mp_subflow *s);
void mp_rx_offered(struct mp_conn *c, uint64_t ack, uint32_t wnd);
void mp_rx_deliver(struct mp_subflow *s, plait_time now);
/* A block whose pos is a stream position. Owns it. */
void mp_rx_put(struct mp_subflow *s, struct plait_block *b, plait_time now);
void mp_rx_data_fin(struct mp_subflow *s, uint64_t pos, plait_time now);
/* The end of the stream, if it has been reached. */
void mp_rx_check_fin(struct mp_conn *c, plait_time now);

/* ---- addr.c --------------------------------------------------------------------------------- */

/* The id of a local address in this connection; -1: not in the table. */
int mp_addr_local_id(const struct mp_conn *c, const struct plait_addr *ip);
struct mp_remote *mp_addr_remote(struct mp_conn *c, uint8_t id);
void mp_addr_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now);
/* False: no memory, or too many. */
bool mp_addr_announce(struct mp_conn *c, uint8_t id, const struct plait_addr *addr);
/* What of the connection's signals s should send. */
enum mp_signal mp_addr_signal(struct mp_subflow *s);
void mp_addr_option(const struct mp_subflow *s, enum mp_signal signal, struct wire_mp *out);
void mp_addr_sent(struct mp_subflow *s, enum mp_signal signal, plait_time now);
bool mp_addr_pending(const struct mp_subflow *s); /* s may have an echo or announcement to send */
plait_time mp_addr_deadline(const struct mp_conn *c);
void mp_addr_tick(struct mp_conn *c, plait_time now);

/* ---- path.c --------------------------------------------------------------------------------- */

void mp_path_bar(struct mp_conn *c, uint8_t local_id, uint8_t remote_id, bool for_ever,
                 plait_time now);
/* A subflow came up between them, whoever opened it. */
void mp_path_proven(struct mp_conn *c, uint8_t local_id, uint8_t remote_id);
void mp_path_unbar_remote(struct mp_conn *c, uint8_t remote_id);
void mp_path_unbar_local(struct mp_conn *c, uint8_t local_id);
/* Something changed for the path manager. */
void mp_path_changed(struct mp_conn *c);

/* ---- fallback.c ----------------------------------------------------------------------------- */

/* Plain TCP from now on, over s alone. infinite: tell the peer by an infinite mapping. */
void mp_fallback(struct mp_subflow *s, enum plait_reason why, bool infinite, plait_time now);
/* May s carry the connection alone, all of it contiguous? */
bool mp_fallback_possible(const struct mp_subflow *s);
/* Our MP_FAIL said that there is one path only, and asks the peer to go plain on it. */
bool mp_fail_is_out(const struct mp_conn *c);
/* The first mapping of s failed its checksum. */
void mp_csum_failed(struct mp_subflow *s, const struct mp_map *m, plait_time now);
void mp_fail_input(struct mp_subflow *s, uint64_t dsn, plait_time now);
void mp_fail_sent(struct mp_subflow *s, plait_time now);
void mp_fail_tick(struct mp_subflow *s, plait_time now);
void mp_infinite_input(struct mp_subflow *s, const struct wire_mp_dss *d, plait_time now);
/* What waited for the answer to our HMAC-A on join: it was a refusal, or there will be none. */
void mp_join_refused(struct mp_subflow *join, plait_time now);
/* Is this more data without a mapping than may wait for that answer? */
bool mp_unmapped_full(const struct mp_subflow *s, const struct wire_seg *seg);
/* Payload in order and no mapping for it. */
void mp_unmapped(struct mp_subflow *s, plait_time now);
/* An ACK for data without any MPTCP option, and none had a DATA_ACK before (RFC 8684 3.7). */
void mp_no_data_ack(struct mp_subflow *s, plait_time now);
/* The options of the only subflow have vanished: it falls back or ends. False: they have not. */
bool mp_options_gone(struct mp_conn *c, plait_time now);

/* ---- close.c -------------------------------------------------------------------------------- */

void mp_set_state(struct mp_conn *c, enum mp_state to, plait_time now);
/* The connection ends here and now, with an error. Its subflows get RSTs. */
void mp_conn_die(struct mp_conn *c, enum plait_reason why, plait_time now);
int mp_err_of(enum plait_reason why);
/* What follows from our FIN, its acknowledgment and the peer's FIN. */
void mp_close_step(struct mp_conn *c, plait_time now);
void mp_fastclose_input(struct mp_subflow *s, uint64_t key, plait_time now);
/* Version 0: the ACK with MP_FASTCLOSE went out; or an answer to it is missing. */
void mp_fastclose_sent(struct mp_subflow *s, plait_time now);
void mp_fastclose_tick(struct mp_subflow *s, plait_time now);
void mp_close_tick(struct mp_conn *c, plait_time now);
plait_time mp_close_deadline(const struct mp_conn *c);
/* A subflow got the peer's FIN. */
void mp_subflow_fin(struct mp_subflow *s, plait_time now);

/* ---- timer.c -------------------------------------------------------------------------------- */

/* The path seems dead: what it carries goes to others. */
void mp_stale(struct mp_subflow *s, plait_time now);
/* It answered. */
void mp_unstale(struct mp_subflow *s, plait_time now);
/* For how long s may be silent with data out, or its peer with an answer. */
plait_time mp_patience(const struct mp_subflow *s);

/* ---- info.c --------------------------------------------------------------------------------- */

void mp_info_remember(struct mp_subflow *s);
void mp_info_forget(struct mp_conn *c);

#endif

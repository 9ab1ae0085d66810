/* SPDX-License-Identifier: Apache-2.0 */
/* One subflow: a TCP (RFC 9293 with 7323, 2018, 2883, 3168, 5961, 8985, 6937, 5682, 6298, 6528). It
 * does not know that MPTCP exists: it leaves room for options that somebody above may add,
 * numbers payload by "positions" that it does not interpret, and answers by value.
 *
 * A step: tcp_input() or tcp_tick() change state; then tcp_plan() says, again and again, what
 * should be sent, and tcp_commit() makes it so. A plan that is not committed has changed
 * nothing. */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include "../base/ctx.h"
#include "../base/reasm.h"
#include "../wire/wire.h"
#include "loss.h"
#include "sndq.h"

enum tcp_state { /* RFC 9293 3.3.2, without LISTEN: half.h stands for it */
    TCP_ST_CLOSED = 0, TCP_ST_SYN_SENT, TCP_ST_SYN_RECEIVED, TCP_ST_ESTABLISHED, TCP_ST_FIN_WAIT_1,
    TCP_ST_FIN_WAIT_2, TCP_ST_CLOSE_WAIT, TCP_ST_CLOSING, TCP_ST_LAST_ACK, TCP_ST_TIME_WAIT,
};
const char *tcp_state_name(enum tcp_state s);

/* What a tcb obeys; the stack fills it from plait_config. */
struct tcp_config {
    const struct cc_ops *cc;
    enum plait_ecn ecn;
    plait_time rto_min, ack_delay, time_wait, user_timeout;
    plait_time keepalive_idle, keepalive_interval; /* idle 0: off */
    uint8_t keepalive_probes;
    uint8_t syn_retries;
    uint8_t retries;       /* RTOs in a row before the subflow is given up: R2 */
    uint32_t recs_max;     /* cap of the scoreboard */
    uint32_t rcv_mem_max;  /* bytes of blocks that out-of-order data may hold */
    uint16_t mss_local;    /* what we announce: from the local MTU */
    uint32_t gso_max;      /* payload of one plan at most; 0: one MSS */
    uint8_t wscale;        /* our shift: so that rcvbuf_max >> wscale fits 16 bits */
};

struct tcp_block { uint32_t lo, hi; }; /* sequence numbers [lo, hi) */

/* Fast Open of the side that connects (RFC 7413). */
enum {
    TCP_FASTOPEN_COOKIE_MAX = 14, /* longer ones find no room beside MP_CAPABLE */
    TCP_FASTOPEN_COOKIE_OURS = 6, /* what MP_CAPABLE leaves of a SYN/ACK with timestamps */
};
struct tcp_fastopen {
    bool on;               /* the first SYN asks for a cookie, or carries this one */
    uint8_t len;           /* 0: none yet */
    uint8_t cookie[TCP_FASTOPEN_COOKIE_MAX];
    uint16_t mss;          /* of the peer, when it gave the cookie */
    uint32_t waiting;      /* text that the SYN may take along (set from above before every plan) */
    uint32_t sent;         /* text that it took along */
    uint32_t taken;        /* of that, what the SYN/ACK acknowledged: the peer has it */
    bool renewed;          /* len and cookie are those of the SYN/ACK */
};

/* Search for the path MTU, in MSS: pmtu.c. */
struct tcp_pmtu {
    uint16_t high;         /* no more is expected to pass: RFC 4821's search_high; low is tcb.mss */
    uint16_t probe;        /* MSS of the probe that is out; 0: none */
    uint32_t seq;          /* where it begins */
    plait_time at;         /* no probe before */
    plait_time deaf_until; /* no error about the size is believed before */
};

/* What both sides said about ECN by the flags of their SYNs and SYN/ACKs (RFC 3168 6.1.1). */
struct tcp_ecn_setup {
    bool sent : 1, sent_plain : 1; /* an ECN-setup SYN or SYN/ACK, and one that was not */
    bool came : 1, came_plain : 1;
};

/* Small fields stand where two groups meet, so that a million of them have no holes. */
struct tcb {
    struct base_ctx *ctx;
    const struct tcp_config *cfg;
    uint32_t conn_id;      /* for traces */
    uint8_t subflow_id;
    uint8_t retries, syn_retries; /* as in tcp_config; */
    uint8_t snd_wscale;    /* shift of the peer's window field */
    uint32_t gso_max;      /* these four; may be set from above */
    uint16_t mss_local;
    uint16_t mss_peer;     /* from its SYN; 536/1220 when it gave none; never below 48 */
    struct plait_addr local, remote;
    enum tcp_state state;  /* written by tcp_set_state() alone */
    enum plait_reason reason; /* why it is CLOSED */

    /* sending (RFC 9293 3.3.1): SND.UNA and SND.NXT are sndq.una and .nxt */
    uint32_t iss;
    /*= RFC 9293 REC-1 */
    uint32_t snd_wnd;      /* bytes, scaled */
    uint32_t snd_wl1, snd_wl2, max_wnd;
    uint16_t mss;          /* min(peer's, path's): TCP payload and options of one packet; written
                            * by pmtu.c */
    uint8_t opt_reserve_data; /* option bytes to leave free on data segments (set from above) */
    uint8_t opt_reserve_ack;  /* on segments without payload; more than 28 drops timestamps */
    struct tcp_pmtu pmtu;
    struct tcp_sndq sndq;
    struct tcp_loss loss;
    plait_time persist_at; /* PLAIT_NEVER: not probing a zero window */
    plait_time progress_at; /* SND.UNA moved last, or waiting began; PLAIT_NEVER: nothing waits */
    uint8_t persist_n;     /* probes without an answer */
    uint8_t persist_backoff; /* probes in a row: doubles the interval */
    uint8_t keepalive_n;   /* probes without an answer */
    uint8_t challenge_n;
    uint8_t syn_n;         /* SYNs or SYN/ACKs sent */
    struct tcp_ecn_setup ecn;
    bool persist_due : 1;  /* a probe is to be sent */
    bool keepalive_due : 1;
    bool syn_rtx_due : 1;
    bool active : 1;       /* opened by tcp_connect() */
    bool pmtu_tried_high : 1; /* pmtu.high itself was asked for: the next is halfway */
    bool rst_wanted : 1;   /* a RST is to be sent: the tcb is CLOSED already, or refuses a segment
                            * during the handshake and lives on */
    bool rst_sent : 1, rst_with_ack : 1;
    bool fin_sent : 1;
    bool fin_seen : 1;     /* the peer's FIN has a place: fin_seq */
    bool fin_received : 1; /* it came in order */
    bool wscale_on : 1;
    bool ecn_echo : 1;     /* CE came: ECE on every ACK until CWR comes */
    bool ts_on, sack_on;   /* agreed on; these and the next are asked too often to be bits */
    bool fin_wanted;
    bool more_above;       /* set from above: new data waits that only this subflow will get */
    bool blocked_above;    /* set from above: data waits for a window only (persist even if the
                            * queue is empty) */

    /* receiving */
    bool shared_window;    /* the window is a connection's: no subflow edge to hold on to */
    bool ack_now;          /* an ACK is due at once (may be set from above) */
    bool ack_pending;      /* one is due by ack_at */
    uint8_t quick_acks;    /* ACK at once for this many more segments */
    uint8_t rcv_wscale;
    uint16_t rcv_mss;      /* estimate of the peer's segment size */
    uint32_t ack_bytes;    /* payload received since the last ACK */
    uint32_t fin_seq;
    uint32_t irs, rcv_nxt;
    uint32_t syn_text;     /* text of the peer's SYN that was taken: irs is higher by so much */
    uint32_t rcv_adv;      /* rightmost edge ever offered: what is acceptable ends here */
    uint32_t rcv_told;     /* right edge in the last segment sent */
    uint32_t rcv_space;    /* bytes that may be offered now (set from above before every plan) */
    uint32_t rcv_buf;      /* largest rcv_space seen: RCV.BUFF for silly window avoidance */
    uint32_t rcv_creep;    /* bytes offered beyond rcv_space by rounding up */
    uint32_t last_ack_sent;/* Last.ACK.sent (RFC 7323 4.3) */
    uint64_t rcv_pos;      /* position of RCV.NXT; a FIN has none */
    struct reasm rcvq;     /* positions: offset from irs + 1 */
    struct tcp_block sack_recent;   /* the block to report first; lo == hi: none */
    struct tcp_block sack_older[3]; /* reported first before that */
    struct tcp_block dsack;         /* a duplicate to report once; lo == hi: none */

    /* acknowledging, and what was agreed on for that */
    plait_time ack_at;
    uint32_t ts_recent;
    uint32_t ts_offset;    /* our TSval = microseconds / 1000 + this */
    plait_time ts_recent_age;
    uint64_t ce_received;  /* packets with CE */

    /* timers */
    plait_time time_wait_at;  /* end of TIME-WAIT; PLAIT_NEVER in other states */
    plait_time fin_wait_2_at; /* set from above when nobody waits for the peer's FIN */
    plait_time keepalive_at;  /* next probe, PLAIT_NEVER: off */
    plait_time challenge_at;  /* end of the period that challenge_n counts in */
    plait_time last_rcvd;  /* anything acceptable from the peer */
    plait_time syn_first;  /* when the first SYN went out */

    uint32_t rst_seq, rst_ack; /* of the RST that is to be sent */
    struct tcp_fastopen *fastopen; /* NULL: none of it; tcp_fastopen_begin() */

    uint64_t bytes_sent, bytes_acked, bytes_received; /* payload, first transmissions only */
    uint64_t segs_in, segs_out;
};

/* ---- life ----------------------------------------------------------------------------------- */

/* Prepares for tcp_connect() or tcp_from_half(). cfg outlives t. */
void tcp_init(struct tcb *t, struct base_ctx *ctx, const struct tcp_config *cfg);
void tcp_fini(struct tcb *t);
/* Initial sequence number of RFC 6528 for this 4-tuple. */
uint32_t tcp_isn(const struct base_ctx *ctx, const struct plait_addr *local,
                 const struct plait_addr *remote, plait_time now);
/* Active open: SYN-SENT; tcp_plan() yields the SYN. 0 or PLAIT_ENOMEM. */
int tcp_connect(struct tcb *t, const struct plait_addr *local, const struct plait_addr *remote,
                plait_time now);
/* Before the SYN, or the SYN/ACK, goes out. Without memory it goes without. */
void tcp_fastopen_begin(struct tcb *t, const struct tcp_fastopen *with);
void tcp_fastopen_end(struct tcb *t);
/* ESTABLISHED by a SYN/ACK that does not bring what was asked for: it is answered by a RST, and the
 * handshake begins anew. Nothing was pushed. */
void tcp_restart(struct tcb *t, plait_time now);
/* No more data will be pushed: a FIN follows the last byte. */
void tcp_close(struct tcb *t, plait_time now);
/* RST (where the state wants one) and CLOSED at once. Data pushed is dropped. */
void tcp_abort(struct tcb *t, enum plait_reason reason, plait_time now);

/* ---- a half-open passive connection: LISTEN's answer to a SYN ------------------------------- */

struct tcp_half {
    struct plait_addr local, remote;
    uint32_t iss, irs;
    uint16_t mss_peer, mss_local;
    uint8_t snd_wscale, rcv_wscale;
    bool ts_on, sack_on, wscale_on;
    bool ecn_willing;      /* an ECN-setup SYN is answered in kind */
    struct tcp_ecn_setup ecn;
    uint32_t ts_recent, ts_offset;
    uint32_t snd_wnd;      /* of the SYN, unscaled */
    uint32_t rcv_wnd;      /* what the SYN/ACK offered, bytes */
    plait_time born;       /* the SYN arrived */
    plait_time deadline;   /* next SYN/ACK retransmission; PLAIT_NEVER before the first */
    plait_time first_sent, sent; /* first and last SYN/ACK */
    uint8_t tx_n;          /* SYN/ACKs sent */
    bool due;              /* a SYN/ACK is to be sent */
    bool recreated;        /* by tcp_half_recreate(): when the SYN/ACK went out is not known */
    uint8_t tfo_len;       /* Fast Open cookie for the first SYN/ACK; 0: none */
    uint8_t tfo[TCP_FASTOPEN_COOKIE_OURS];
    uint32_t text;         /* of the SYN, that somebody above took (RFC 7413) */
};

/* From a SYN that was accepted by a listener or a token. */
void tcp_half_init(struct tcp_half *h, struct base_ctx *ctx, const struct tcp_config *cfg,
                   const struct wire_seg *syn, plait_time now);
enum tcp_half_verdict {
    TCP_HALF_OK,         /* the ACK that completes the handshake */
    TCP_HALF_AGAIN,      /* SYN again: answer again */
    TCP_HALF_DROP,
    TCP_HALF_RESET_PEER, /* answer with tcp_reset_for(), keep */
    TCP_HALF_GONE,       /* the peer reset it: forget */
};
/* A segment for it. OK: it may carry data and FIN: make a tcb and give the same segment to
 * tcp_input(). */
enum tcp_half_verdict tcp_half_input(struct tcp_half *h, const struct wire_seg *seg,
                                     plait_time now);
struct tcp_plan;
/* The SYN/ACK, when due. rcv_space: what the window would be; noted for tcp_from_half(). */
bool tcp_half_plan(struct tcp_half *h, uint32_t rcv_space, plait_time now, struct tcp_plan *plan);
void tcp_half_commit(struct tcp_half *h, const struct tcp_config *cfg, plait_time now);
/* False: retries are used up. */
bool tcp_half_tick(struct tcp_half *h, const struct tcp_config *cfg, plait_time now);
/* Without state: the half-open connection is cut down to what eight bits, the memo, can say of it.
 * They come back by the ACK in what tcp_half_say() set: the ISN, the timestamp. */
enum { TCP_MEMO_BITS = 8, TCP_MEMO_MSS_BITS = 3 };
struct tcp_words { uint32_t iss, tsval; };
unsigned tcp_half_reduce(struct tcp_half *h);
void tcp_half_say(struct tcp_half *h, struct tcp_words w, plait_time now);
/* All that a SYN/ACK without timestamps can have agreed on: the MSS. */
unsigned tcp_memo_without_ts(unsigned memo);
/* From the ACK that completes the handshake, the memo that it brought back, and what is the same
 * for all: the configuration and the window that the SYN/ACK offered. */
struct tcp_recall { const struct tcp_config *cfg; uint32_t rcv_space; unsigned memo; };
void tcp_half_recreate(struct tcp_half *h, const struct wire_seg *ack, const struct tcp_recall *r,
                       plait_time now);
/* SYN-RECEIVED tcb; t was prepared by tcp_init() with the same configuration. Where no SYN/ACK went
 * out, tcp_plan() yields it. 0 or PLAIT_ENOMEM. */
int tcp_from_half(struct tcb *t, const struct tcp_half *h, plait_time now);

/* ---- input ---------------------------------------------------------------------------------- */

struct tcp_result {
    enum plait_reason reason; /* NONE: processed; else why it (or part of it) was dropped */
    bool acceptable;    /* passed the sequence, RST, SYN, ACK checks: its MPTCP options may be acted
                         * on (OPT-01) */
    bool established;   /* this segment completed the handshake */
    bool reset;         /* the peer reset the subflow, tcb is CLOSED */
    bool fin;           /* the peer's FIN came in order: nothing more will come */
    bool fin_acked;     /* our FIN was acknowledged */
    bool closed;        /* CLOSED or TIME-WAIT was reached */
    uint32_t acked;     /* payload bytes newly acknowledged */
    uint32_t received;  /* payload bytes newly kept, in order or not */
    bool window_update; /* SND.WND or SND.UNA + SND.WND changed */
    struct tcp_ack_out ack; /* details */
};

/* Takes a segment for this tcb. *block owns the segment's bytes or is NULL (borrowed); it becomes
 * NULL when the receive queue kept it. */
void tcp_input(struct tcb *t, const struct wire_seg *seg, struct plait_block **block,
               plait_time now, struct tcp_result *res);
/* The next block of in-order payload (pos = offset from the first byte: byte with SSN 1 is 0), now
 * the caller's; NULL: none. */
struct plait_block *tcp_take(struct tcb *t);
/* An ICMP error that quotes a segment of ours (RFC 5927: checked against what is in flight). */
void tcp_icmp(struct tcb *t, const struct wire_icmp *icmp, plait_time now, struct tcp_result *res);
/* The RST that answers a segment for nobody (RFC 9293 3.10.7.1); false: none is due. */
bool tcp_reset_for(const struct wire_seg *seg, struct tcp_plan *plan);
/* t, which is in TIME-WAIT, waits no longer than until the next tcp_tick(). */
void tcp_time_wait_end(struct tcb *t, plait_time now);

/* ---- TIME-WAIT in small --------------------------------------------------------------------- */

struct tcp_wait {
    struct plait_addr local, remote;
    uint32_t snd_nxt, rcv_nxt;
    uint16_t wnd;              /* the header's field, as offered last */
    bool ts_on;
    uint8_t challenge_n;       /* answers to what needs none, in this period, */
    plait_time challenge_at;   /* which ends then */
    uint32_t ts_recent, ts_offset;
    plait_time ts_recent_age;
    plait_time lasts, until;
};
/* Of a tcb in TIME-WAIT. */
void tcp_wait_of(const struct tcb *t, struct tcp_wait *w);
/* NONE, or why it says nothing; *answer: an ACK is due. */
enum plait_reason tcp_wait_input(struct tcp_wait *w, const struct wire_seg *seg, plait_time now,
                                 bool *answer);
/* That ACK. */
void tcp_wait_plan(const struct tcp_wait *w, plait_time now, struct tcp_plan *plan);
/* May this SYN begin a new connection in its place (RFC 6191)? */
bool tcp_wait_reusable(const struct tcp_wait *w, const struct wire_seg *syn);
/* May this side begin a new connection beside it? */
bool tcp_wait_outlived(const struct tcp_wait *w, plait_time now);

/* ---- output --------------------------------------------------------------------------------- */

enum tcp_why {
    TCP_WHY_ACK = 0, TCP_WHY_DATA, TCP_WHY_RTX, TCP_WHY_PROBE, TCP_WHY_PERSIST, TCP_WHY_KEEPALIVE,
    TCP_WHY_SYN, TCP_WHY_SYNACK, TCP_WHY_FIN, TCP_WHY_RST
};

struct tcp_plan {
    enum tcp_why why;
    uint32_t seq, ack;
    uint16_t wnd;              /* the header's field */
    uint32_t wnd_bytes;        /* what that field means */
    uint8_t flags;
    uint8_t ecn;               /* ECN bits of the IP header */
    uint32_t len;              /* payload */
    uint64_t pos;              /* stream position of the first payload byte */
    const struct tcp_chunk *chunk; /* NULL without payload; valid until commit */
    uint32_t gso_size;         /* payload of each packet, 0: one packet */
    struct wire_tcpopts opt;
    bool has_opt;
    bool dsack;                /* opt.sack[0] reports a duplicate */
    bool mtu_probe;            /* one packet larger than the others */
};

/* How much more payload may be pushed so that it would go out now: window of the peer and cwnd (or
 * PRR), less what is pushed and unsent. */
uint32_t tcp_room(const struct tcb *t);
/* Payload of one full packet with today's options. */
uint32_t tcp_payload_mss(const struct tcb *t);
/* Payload of the next data packet, if that may be a probe of the path MTU (pmtu.c); 0: it may not.
 * It takes a chunk that is as long. */
uint32_t tcp_pmtu_probe(const struct tcb *t, plait_time now);
/* So much has to wait to be sent with a probe of len bytes: whose SACKs tell that it is lost. */
uint32_t tcp_pmtu_with_followers(const struct tcb *t, uint32_t len);
/* There is something to push: what was learnt about the path's room is old after an idle time. To
 * be called before tcp_room() is asked; harmless at any time. */
void tcp_resume(struct tcb *t, plait_time now);
/* Pacing keeps it from sending for a moment (as of the last call with a time). */
bool tcp_held(const struct tcb *t);
/* What it sends as one: a super-segment, or less where it is paced. */
uint32_t tcp_quantum(const struct tcb *t);
/* There was room, and nobody had anything for it. */
void tcp_app_limited(struct tcb *t);
/* Gives [pos, pos+len) of the stream to this subflow. 0, PLAIT_ENOMEM, PLAIT_ELIMIT,
 * PLAIT_ENOTCONN, PLAIT_EPIPE. */
int tcp_push(struct tcb *t, uint64_t pos, uint32_t len, uint32_t meta);
/* What should be sent now, most urgent first; false: nothing. */
bool tcp_plan(const struct tcb *t, plait_time now, struct tcp_plan *plan);
/* 0, or PLAIT_ENOMEM: nothing changed and the packet must not be sent. */
int tcp_commit(struct tcb *t, const struct tcp_plan *plan, plait_time now);

/* ---- time ----------------------------------------------------------------------------------- */

plait_time tcp_deadline(const struct tcb *t);
/* Sets res->closed when a time-out ended it; t->reason says which. */
void tcp_tick(struct tcb *t, plait_time now, struct tcp_result *res);

/* ---- questions ------------------------------------------------------------------------------ */

uint32_t tcp_fastopen_taken(const struct tcb *t); /* text of our SYN that the peer took */
bool tcp_is_synchronized(const struct tcb *t);  /* ESTABLISHED or later, not CLOSED */
bool tcp_can_send(const struct tcb *t);         /* new data may be pushed */
uint32_t tcp_ssn(const struct tcb *t, uint32_t seq);     /* relative to our SYN: first byte is 1 */
uint32_t tcp_ssn_in(const struct tcb *t, uint32_t seq);  /* relative to the peer's SYN */
uint64_t tcp_low_pos(const struct tcb *t);      /* lowest position still needed, UINT64_MAX: none */
bool tcp_ecn_on(const struct tcb *t);           /* new data is ECN-capable */
bool tcp_idle(const struct tcb *t);             /* nothing pushed is unacknowledged */
bool tcp_check(const struct tcb *t);            /* invariants; asserts with a sentence */

#endif

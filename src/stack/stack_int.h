/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stack share: the stack itself, its connections, listeners and half-open
 * connections. Nobody outside src/stack and its tests includes this. */
#ifndef STACK_STACK_INT_H
#define STACK_STACK_INT_H

#include "../base/addr.h"
#include "../base/heap.h"
#include "../base/htab.h"
#include "../base/list.h"
#include "../mp/mp.h"
#include <plait/plait.h>

enum {
    STACK_BACKLOG = 128,      /* accepted connections that wait for plait_accept() */
    STACK_REPLIES_MAX = 256,  /* resets that wait for output */
    STACK_HALF_JOINS_MAX = 8, /* half-open joins of one connection (RFC 7430 3) */
    STACK_FLOODED_MAX = 64,   /* connections whose joins are answered without state */
    STACK_COOKIES_MAX = 64,   /* servers whose Fast Open cookie is remembered */
    STACK_FASTOPEN_MAX = 256, /* connections by Fast Open before their third ACK */
    STACK_FASTCLOSED_MAX = 64, /* subflows that ended by a fast close of ours */
    /* Keys drawn before a connection does without MPTCP; of several stacks each twice so often for
     * each: none of them names the own one in one of 10^13 cases. */
    STACK_KEY_TRIES = 16,
    STACK_PORT_MIN = 32768,
    STACK_PORT_MAX = 60999, /* where local ports are drawn from */
};

/* A token that is in use: by a connection, or kept for one by its half-open beginning. */
struct stack_token {
    struct htab_node node;   /* hash = token */
    struct plait_conn *conn; /* NULL: of a half-open connection */
    bool listed;
};

/* A deadline in the stack's heap, and whose it is. */
enum stack_timer_kind { STACK_TIMER_CONN, STACK_TIMER_HALF, STACK_TIMER_WAIT };
struct stack_timer {
    struct heap_node node;
    enum stack_timer_kind kind;
};

/* What connections obey: one for all that were configured alike. */
struct stack_config {
    struct list all; /* in stack.configs, the youngest first */
    uint32_t users;
    struct mp_config cfg;
};

struct plait_conn {
    struct plait_stack *stack;
    struct mp_conn *mp;
    struct stack_config *config; /* shared; cfg is its cfg */
    const struct mp_config *cfg;
    struct list all;      /* in stack.conns */
    struct list dirty;    /* in stack.dirty: it may have something to send */
    struct list event;    /* in stack.events while news is not empty and it was accepted */
    struct list accept;   /* in listener.accepted */
    struct plait_listener *listener; /* while it waits for plait_accept() */
    struct stack_timer timer;
    struct stack_token token;
    uint32_t id;
    struct stack_half *joins; /* half-open joins that name its token: the first, */
    uint8_t half_joins;       /* and how many there are */
    uint8_t flooded;    /* 1 + its place in stack.flooded; 0: none */
    uint16_t port;      /* local port of the first subflow; joins start there too */
    uint16_t pending;   /* 1 + its place in stack.pending; 0: none */
    uint8_t news;       /* bit (1 << enum plait_event_type) for each event to come */
    bool passive;       /* came by a listener */
    bool want_write;    /* plait_send() took less than it was given */
    bool released;      /* the application let go: no more events */
    bool lesson;        /* what its fallback teaches was learned */
};

struct plait_listener {
    struct plait_stack *stack;
    struct htab_node node; /* in stack.listeners, hash = port */
    struct list all;       /* in stack.listener_list */
    struct list event;     /* in stack.accept_events while an ACCEPTED event is due */
    struct list accepted;  /* plait_conn.accept: connections for plait_accept() */
    uint32_t accepted_n;
    struct plait_addr addr; /* family 0: every local address */
    struct mp_config cfg;
};

/* A SYN that was answered: all that is kept until the third ACK. */
struct stack_half {
    struct plait_stack *stack;
    bool kept;             /* false: made from a cookie for one call, and in no table */
    struct htab_node node; /* in stack.halves, hash of the 4-tuple */
    struct list age;       /* in stack.half_list, oldest first */
    struct list due;       /* in stack.half_due: a SYN/ACK is to be sent */
    struct stack_timer timer;
    struct stack_token token;        /* of a new connection */
    struct plait_listener *listener; /* NULL: a join */
    struct plait_conn *conn;         /* of a join, while it lives */
    struct stack_half *next_join;    /* in conn->joins */
    struct tcp_half tcp;
    struct mp_half mp;
};

/* A packet of no connection that waits for output: a reset, a SYN/ACK without state. */
struct stack_reply {
    struct plait_addr src, dst;
    uint8_t head[PLAIT_HEAD_MAX]; /* as in plait_out */
    uint8_t head_len, ip_len;
};

/* What cookies are made with: a new secret for each period, the one before it still valid. */
struct stack_secrets {
    uint64_t period;           /* number of the present one; 0: nothing was drawn yet */
    struct siphash_key key[2]; /* of periods with an even and an odd number */
    bool used[2];              /* a cookie was made with it */
};

/* What is remembered of one peer, an address and a port. Each time is the end of something. */
struct stack_peer {
    struct htab_node node; /* in stack_peers.table, hash of addr */
    struct list age;       /* in stack_peers.by_age, the one that was changed last at the end */
    struct plait_addr addr;
    plait_time plain_until;            /* MPTCP is not offered */
    plait_time no_v1_until, no_v0_until; /* it does not speak this version */
    plait_time no_join_until;          /* joins of other connections than join_conn are not tried */
    uint32_t join_conn;                /* the connection whose join failed last */
    uint8_t plain_fails, join_fails;   /* in a row */
};

struct stack_peers {
    struct htab table;
    struct list by_age;
    uint32_t n;
};

/* A 4-tuple of this stack whose packets come to another shard, its home. */
struct stack_away {
    struct htab_node node; /* in stack.away, hash of the 4-tuple */
    struct list due;       /* in stack.away_due: its home has to hear of it */
    struct plait_addr local, remote;
    bool told;  /* its home has heard of it */
    bool fresh; /* something of it began since */
};

/* A 4-tuple that lives elsewhere, and whose home is here. */
struct stack_guest {
    struct htab_node node; /* in stack.guests, hash of the 4-tuple */
    struct plait_addr local, remote;
    uint8_t shard; /* where it lives */
};

/* What is known of a server's Fast Open (RFC 7413 4.1.3). */
struct stack_cookie {
    struct plait_addr server; /* family 0: free */
    struct tcp_fastopen with; /* for the next SYN */
    plait_time off_until;     /* it did not work: not before */
};

/* A connection by Fast Open that waits for its third ACK, or one that ended before it came. */
struct stack_pending {
    struct plait_conn *conn;
    plait_time until; /* without conn: free from then on */
};

/* A subflow that we ended with MP_FASTCLOSE. */
struct stack_fastclosed {
    struct plait_addr local, remote;
    uint64_t key;     /* the peer's, that the option names */
    plait_time until; /* forgotten from then on */
};

enum stack_planned {
    STACK_PLANNED_NOTHING = 0,
    STACK_PLANNED_REPLY,
    STACK_PLANNED_HALF,
    STACK_PLANNED_CONN
};

struct plait_stack {
    struct base_ctx ctx;
    struct plait_config cfg;
    struct stack_peers peers;
    struct mp_config conn_cfg; /* what new connections start with */
    struct list configs;       /* stack_config.all */
    struct mp_locals locals;
    struct siphash_key tuple_key; /* not ctx.secret: an ISN would tell about it */
    plait_time now;               /* of the last call; never runs backwards */

    struct htab subflows;  /* mp_subflow_node(), by 4-tuple */
    struct htab halves;    /* stack_half.node, by 4-tuple */
    struct htab waits;     /* stack_wait.node, by 4-tuple */
    struct htab tokens;    /* stack_token.node */
    struct htab listeners; /* plait_listener.node, by port */
    struct htab away;      /* stack_away.node; of several stacks alone, as the next */
    struct htab guests;    /* stack_guest.node */
    struct heap timers;    /* stack_timer.node of connections, half-opens and waits */

    struct list conns, listener_list, half_list;
    uint32_t conn_n, listener_n, half_n;
    uint32_t next_conn_id;
    struct list dirty; /* plait_conn.dirty: the next one to ask comes first */
    struct list half_due;
    struct list away_due; /* stack_away.due */
    struct list events, accept_events;

    struct stack_cookie cookie[STACK_COOKIES_MAX];
    uint32_t cookie_next; /* whose place the next server gets */
    struct stack_secrets secrets;          /* for SYNs that are answered without state */
    struct stack_secrets fastopen_secrets; /* for Fast Open */
    struct stack_pending pending[STACK_FASTOPEN_MAX];
    struct plait_conn *flooded[STACK_FLOODED_MAX];
    struct stack_fastclosed fastclosed[STACK_FASTCLOSED_MAX];
    uint32_t fastclosed_next; /* whose place the next one gets */

    struct stack_reply reply[STACK_REPLIES_MAX];
    uint32_t reply_first, reply_n;

    enum stack_planned planned; /* what plait_output_commit() commits */
    struct plait_conn *planned_conn;
    struct stack_half *planned_half;
    struct mp_plan plan;

    uint64_t packets_in, packets_out, packets_dropped;
};

/* ---- config.c -------------------------------------------------------------------------------- */

bool stack_config_ok(const struct plait_config *config);
/* PLAIT_ENOENT: a name that nobody has; PLAIT_EINVAL: a number out of range. */
int stack_conn_config(const struct plait_config *config, const struct plait_conn_config *conn,
                      struct mp_config *out);
/* One that says the same, or a new one; NULL: no memory. */
struct stack_config *stack_config_share(struct plait_stack *s, const struct mp_config *cfg);
void stack_config_drop(struct plait_stack *s, struct stack_config *c);
/* cfg's tcp part for a subflow from this local address. */
struct tcp_config stack_tcp_config(const struct mp_config *cfg, const struct plait_local *local);

/* ---- table.c --------------------------------------------------------------------------------- */

uint64_t stack_tuple_hash(const struct plait_stack *s, const struct plait_addr *local,
                          const struct plait_addr *remote);
/* The youngest one, where a 4-tuple left TIME-WAIT for a new connection; NULL: none. */
struct mp_subflow *stack_find_subflow(const struct plait_stack *s, const struct plait_addr *local,
                                      const struct plait_addr *remote);
/* Who waits in TIME-WAIT at this 4-tuple, whether its connection lives or not, is copied; false:
 * nobody does. */
bool stack_time_wait(const struct plait_stack *s, const struct plait_addr *local,
                     const struct plait_addr *remote, struct tcp_wait *w);
/* The heir took over a 4-tuple: whoever waits there in TIME-WAIT does so no longer. Otherwise a
 * busy client would leave one behind with each connection, all under one hash. */
void stack_end_time_wait(struct plait_stack *s, struct mp_subflow *heir, plait_time now);
struct stack_half *stack_find_half(const struct plait_stack *s, const struct plait_addr *local,
                                   const struct plait_addr *remote);
bool stack_tuple_used(const struct plait_stack *s, const struct plait_addr *local,
                      const struct plait_addr *remote);
/* The same out of config.join_ports, where there are any. */
int stack_draw_join_port(struct plait_stack *s, struct plait_addr *local,
                         const struct plait_addr *remote);
/* Draws local->port so that the 4-tuple is free. 0 or PLAIT_EADDRINUSE. */
int stack_draw_port(struct plait_stack *s, struct plait_addr *local,
                    const struct plait_addr *remote);
struct stack_token *stack_find_token(const struct plait_stack *s, uint32_t token);
void stack_token_add(struct plait_stack *s, struct stack_token *t, uint32_t token);
void stack_token_del(struct plait_stack *s, struct stack_token *t);
/* A key whose token nobody has (RFC 8684 3.1); false: bad luck. */
bool stack_draw_key(struct plait_stack *s, uint8_t version, struct mp_key *key);

/* ---- stack.c --------------------------------------------------------------------------------- */

/* Every call that brings the time starts here. */
void stack_begin(struct plait_stack *s, plait_time now);
/* Room in the heap for so many deadlines more. 0 or PLAIT_ENOMEM. */
int stack_timer_room(struct plait_stack *s, uint32_t n);
/* Where the invariants are checked, if that was asked for. */
void stack_end(struct plait_stack *s);
/* The invariants; asserts with a sentence, answers true. */
bool stack_check(const struct plait_stack *s);

/* ---- conn.c ---------------------------------------------------------------------------------- */

/* A wrapper without its mp_conn. NULL: *err is PLAIT_ENOMEM or PLAIT_ELIMIT. */
struct plait_conn *stack_conn_new(struct plait_stack *s, const struct mp_config *cfg, int *err);
void stack_conn_free(struct plait_conn *c);
struct mp_conn_args stack_conn_args(struct plait_conn *c);
/* The end of a step of this connection: subflows enter and leave the tables, news becomes events,
 * the deadline is set, and a connection that is finished is freed: c may be gone afterwards. */
void stack_settle(struct plait_conn *c, plait_time now);
/* The same, and it may have something to send. */
void stack_touch(struct plait_conn *c, plait_time now);
/* The first subflow of a new connection enters the table. */
struct mp_subflow *stack_adopt(struct plait_conn *c);

/* ---- wait.c ---------------------------------------------------------------------------------- */

/* The connection has only subflows in TIME-WAIT: they wait without it from now on. False: that
 * would take memory, or places, that there are none of. */
bool stack_wait_instead(struct plait_conn *c);
const struct tcp_wait *stack_find_wait(const struct plait_stack *s, const struct plait_addr *local,
                                       const struct plait_addr *remote);
/* A segment for the one that stack_find_wait() found. */
enum plait_reason stack_wait_input(struct plait_stack *s, const struct wire_seg *seg,
                                   plait_time now);
void stack_wait_end(struct stack_timer *t);
/* A new connection has this 4-tuple. */
void stack_wait_replace(struct plait_stack *s, const struct plait_addr *local,
                        const struct plait_addr *remote);
void stack_waits_free(struct plait_stack *s);

/* ---- listen.c -------------------------------------------------------------------------------- */

struct plait_listener *stack_find_listener(const struct plait_stack *s,
                                           const struct plait_addr *local);
void stack_listener_free(struct plait_listener *l);
/* The next one that waits for plait_accept(), or NULL. */
struct plait_conn *stack_accept(struct plait_listener *l);

/* ---- half.c ---------------------------------------------------------------------------------- */

/* A SYN that no connection took. */
enum plait_reason stack_syn(struct plait_stack *s, const struct wire_seg *seg, plait_time now);
/* A segment for a half-open connection. */
enum plait_reason stack_half_input(struct stack_half *h, const struct wire_seg *seg,
                                   struct plait_block **block, plait_time now);
void stack_half_tick(struct stack_half *h, plait_time now);
/* The SYN/ACK went out. */
void stack_half_sent(struct stack_half *h, plait_time now);
void stack_half_free(struct stack_half *h);
/* What its SYN/ACK and its retries obey. */
const struct mp_config *stack_half_config(const struct stack_half *h);
/* The ACK that completes the handshake of h. */
enum plait_reason stack_half_complete(struct stack_half *h, const struct wire_seg *seg,
                                      struct plait_block **block, plait_time now);

/* ---- cookie.c -------------------------------------------------------------------------------- */

/* Answers a SYN of a listener, or of a join with timestamps, and keeps nothing. */
enum plait_reason stack_cookie_syn(struct plait_listener *l, const struct wire_seg *seg,
                                   plait_time now);
enum plait_reason stack_cookie_join(struct plait_conn *c, const struct wire_seg *seg,
                                    plait_time now);
/* The parity of the present period, whose secret is ready for use. */
unsigned stack_secrets_turn(struct plait_stack *s, struct stack_secrets *of, plait_time length,
                            plait_time now);
/* Is this the ACK of such a handshake? Then h is what would have been kept. */
bool stack_cookie_open(struct plait_stack *s, const struct wire_seg *seg, struct stack_half *h,
                       plait_time now);
/* Cookies that may still come back were made. */
bool stack_cookie_is_out(struct plait_stack *s, plait_time now);
/* The shard that has answered the join of which this ACK seems to be. False: it is none. */
bool stack_cookie_shard(struct plait_stack *s, const struct wire_seg *seg, unsigned *shard,
                        plait_time now);
void stack_cookie_forget(struct plait_conn *c);

/* ---- fastopen.c ------------------------------------------------------------------------------ */

/* What the SYN to this server says; false: nothing for now. */
bool stack_fastopen_use(const struct plait_stack *s, const struct plait_addr *server,
                        struct tcp_fastopen *with);
/* A connection that we opened is established. */
void stack_fastopen_learn(struct plait_conn *c, plait_time now);
/* What a listener makes of a SYN: the cookie for the SYN/ACK, if one is due, goes into h. True: its
 * text may be taken at once. */
bool stack_fastopen_judge(struct stack_half *h, const struct wire_seg *syn, plait_time now);
/* c waits for its third ACK; there was a place for it when its SYN was judged. */
void stack_fastopen_begin(struct plait_conn *c, plait_time now);
/* Its third ACK came, or it is about to be freed. */
void stack_fastopen_end(struct plait_conn *c, bool established, plait_time now);

/* ---- fastclose.c ----------------------------------------------------------------------------- */

/* A RST with MP_FASTCLOSE and this key went out on the subflow of t. */
void stack_fastclose_sent(struct plait_stack *s, const struct tcb *t, uint64_t key, plait_time now);
/* Adds MP_FASTCLOSE to the RST that answers seg, where it belongs to such a subflow. */
void stack_fastclose_again(const struct plait_stack *s, const struct wire_seg *seg,
                           struct wire_mp *mp);

/* ---- event.c --------------------------------------------------------------------------------- */

void stack_event(struct plait_conn *c, enum plait_event_type type);
void stack_event_accepted(struct plait_listener *l);
/* Queues what was held back until now: the application has come to know the connection. */
void stack_event_open(struct plait_conn *c);
void stack_event_drop(struct plait_conn *c);

/* ---- peers.c --------------------------------------------------------------------------------- */

int stack_peers_init(struct plait_stack *s);
void stack_peers_fini(struct plait_stack *s);
/* Before a connection to this peer: what experience takes away from cfg's offers. */
void stack_peer_advise(struct plait_stack *s, const struct plait_addr *remote,
                       struct mp_config *cfg);
/* The connection's mode was decided or has changed. */
void stack_peer_learn(struct plait_conn *c);
/* A subflow of c is about to be buried. */
void stack_peer_learn_join(struct plait_conn *c, const struct mp_subflow *sf);
bool stack_peer_takes_joins(const struct plait_conn *c, const struct plait_addr *remote);

/* ---- output.c -------------------------------------------------------------------------------- */

/* Queues the reset that answers seg, if one is due. why: JOIN_* adds MP_TCPRST. */
void stack_reset(struct plait_stack *s, const struct wire_seg *seg, enum plait_reason why);
/* The ACK of one in TIME-WAIT. */
void stack_reply_wait(struct plait_stack *s, const struct mp_wait *w, plait_time now);
/* Queues the SYN/ACK of a half-open connection that is not kept. */
enum plait_reason stack_reply_synack(struct stack_half *h, plait_time now);

/* ---- shard.c --------------------------------------------------------------------------------- */

bool stack_shard_has_token(const struct plait_stack *s, uint32_t token);
bool stack_shard_is_home(const struct plait_stack *s, const struct plait_addr *local,
                         const struct plait_addr *remote);
unsigned stack_shard_key_tries(const struct plait_stack *s);
/* A secret that all shards come to for the same number. */
struct siphash_key stack_shard_secret(const struct plait_stack *s, uint64_t number);
/* Something of this 4-tuple begins here. False: no memory, and its home would not know. */
bool stack_shard_enter(struct plait_stack *s, const struct plait_addr *local,
                       const struct plait_addr *remote);
/* Something of it has ended; something else may still be there. */
void stack_shard_leave(struct plait_stack *s, const struct plait_addr *local,
                       const struct plait_addr *remote);
/* Whose is this segment, which nobody living here has? old: who waits there in TIME-WAIT, or NULL.
 * True: another shard's, in->shard and in->handed say which. */
bool stack_shard_of_segment(struct plait_stack *s, const struct wire_seg *seg,
                            const struct tcp_wait *old, struct plait_in *in);
bool stack_shard_of_icmp(struct plait_stack *s, const struct wire_icmp *icmp, struct plait_in *in);
void stack_shard_fini(struct plait_stack *s);
bool stack_shard_check(const struct plait_stack *s);

/* ---- local.c --------------------------------------------------------------------------------- */

const struct plait_local *stack_local_for_family(const struct plait_stack *s, uint8_t family);

#endif

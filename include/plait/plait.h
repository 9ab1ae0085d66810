/* SPDX-License-Identifier: Apache-2.0 */
/* plait: Multipath TCP (RFC 8684 and, as version 0, RFC 6824) in userspace. This is the face of the
 * core.
 *
 * A stack does no I/O and reads no clock. Its owner feeds it packets and the time, takes out
 * packets and news, and calls back when a deadline comes:
 *
 *     plait_input(stack, &in, now)              a packet arrived
 *     plait_tick(stack, now)                    plait_deadline(stack) has come
 *     while (plait_output_plan(stack, now, &out)) { send it; plait_output_commit(stack, now); }
 *     while (plait_event_next(stack, &ev)) ...  what the application should know
 *
 * One stack belongs to one thread. `now` never runs backwards. */
#ifndef PLAIT_PLAIT_H
#define PLAIT_PLAIT_H

#include <plait/types.h>

struct plait_stack;
struct plait_conn;
struct plait_listener;
struct plait_block;

/* ---- configuration ------------------------------------------------------------------------- */

/* What one connection obeys. plait_config_init() fills it; change fields before use. */
struct plait_conn_config {
    bool mptcp;            /* offer and accept MPTCP; default true */
    /* Sets of PLAIT_MPTCP_V*. The highest version in offer_versions is proposed to a peer; with
     * both, a peer that answers without MPTCP is asked again at once, by version 0; default
     * PLAIT_MPTCP_V1. A listener takes those in accept_versions; default both. */
    uint8_t offer_versions, accept_versions;
    /* false: no subflow may join at the address of the first one (C bit of version 1); default
     * true */
    bool allow_join_initial;
    /* end with PLAIT_ENOTMPTCP where the peer speaks only TCP; default false */
    bool require_mptcp;
    bool checksum;         /* ask for DSS checksums (A bit); default false */
    bool nodelay;          /* Nagle off; default false */
    /* Ask servers for a Fast Open cookie (RFC 7413), and with one send what plait_send() is given
     * before the SYN leaves, right after plait_connect(), in the SYN. The network may deliver such
     * a SYN twice, and a server then takes its data twice: for requests that may be repeated.
     * A listener gives such cookies, and hands out a connection whose SYN brought data and a good
     * one before the handshake is over. Default false */
    bool fastopen;
    bool server_joins;     /* let the accepting side open subflows too; default false */
    /* "cubic" (default), "reno", or coupled: "lia", "olia", "balia", "ewtcp", "wvegas";
     * plait-cat(1) says what they do */
    const char *cc;
    /* "minrtt" (default), "minrtt-plain", "minrtt-penalty", "linger", "roundrobin", "redundant",
     * "blest", "ecf", "handover" or "latency"; plait-cat(1) says what they do */
    const char *sched;
    /* "fullmesh" (default), "ndiffports", "signal", "on-demand", "handover" or "none" */
    const char *pm;
    uint8_t ports;         /* ndiffports: subflows between the first two addresses; default 2 */
    /* on-demand: further subflows after so many bytes either way, or so long (PLAIT_NEVER). Others
     * wait so with a second address family of an interface. Default 64 KiB, 1 s */
    uint64_t demand_bytes;
    plait_time demand_after;
    /* Policies of one's own, in place of a name: src/cc/cc.h, src/sched/sched.h and src/pm/pm.h say
     * what they are made of. They outlive the stack. Default NULL */
    const struct cc_ops *own_cc;
    const struct sched_ops *own_sched;
    const struct pm_ops *own_pm;
    enum plait_ecn ecn;    /* default PLAIT_ECN_ACCEPT, as servers do */
    uint8_t subflows_max;  /* subflows of a connection, the first included; default 8 */
    uint8_t addrs_max;     /* peer addresses remembered; default 8 */
    uint32_t sndbuf_max;   /* bytes the send store may grow to; default 8 MiB */
    uint32_t rcvbuf_max;   /* bytes the receive window may grow to; default 8 MiB */
    uint32_t rcvbuf_init;  /* first receive window; default 256 KiB */
    plait_time user_timeout;    /* 0: RFC 9293's R2 (about 100 s) decides; default 0 */
    plait_time keepalive_idle;  /* 0: off (default) */
    plait_time keepalive_interval; /* default 75 s */
    uint8_t keepalive_probes;      /* default 9 */
    uint8_t syn_retries;           /* default 7: three minutes */
    uint8_t mp_syn_retries;        /* SYNs with MP_CAPABLE before a plain one; default 3 */
    /* RTOs in a row before a joined subflow is given up; default 8 */
    uint8_t subflow_retries;
};

struct plait_config {
    uint32_t conns_max;       /* connections, and as many 4-tuples in TIME-WAIT; default 65536 */
    /* SYNs answered but not yet acknowledged, beyond which SYN cookies are; default 4096 */
    uint32_t half_open_max;
    /* connections by Fast Open that wait for the third ACK, beyond which data on a SYN is not
     * taken; at most 256; default 64 */
    uint32_t fastopen_max;
    uint64_t mem_max;         /* bytes of all buffers of the stack; default 256 MiB */
    /* bytes of small memory that was freed and waits to be used again; default 1 MiB */
    uint64_t mem_kept;
    plait_time rto_min;       /* default 200 ms (RFC 6298 says 1 s; see DESIGN.md) */
    plait_time ack_delay;     /* delayed ACK; default 40 ms, RFC 9293 allows 500 ms */
    plait_time time_wait;     /* 2 MSL; default 60 s */
    plait_time last_subflow_wait; /* a connection without subflows lives this long; default 60 s */
    /* What is learned about peers (RFC 8684 3.9.3): how many are remembered; default 1024, 0: none.
     * Where MPTCP or a join failed it is not tried again for peer_wait, twice as long each time it
     * fails anew, up to peer_wait_max; so long a peer's version is believed, too. Default 60 s and
     * 1 h. */
    uint32_t peers_max;
    plait_time peer_wait, peer_wait_max;
    /* Local ports that nobody else on this host has, for subflows that may not start at the port of
     * the first one (ndiffports); they outlive the stack. None: drawn from 32768 to 60999. */
    const uint16_t *join_ports;
    size_t join_port_n;
    /* One of several stacks with the same addresses and ports, see "shards" below: its number, how
     * many there are, and what all of them know and nobody else does. Default 0 of 1 */
    uint8_t shard, shard_n;
    uint64_t shard_secret[2];
    bool check_invariants;    /* run stack_check after every step (tests); default false */
    struct plait_conn_config conn; /* what new connections start with */
};

void plait_config_init(struct plait_config *config);

/* ---- a stack -------------------------------------------------------------------------------- */

/* NULL when memory or a name in the configuration is missing. env is copied. */
struct plait_stack *plait_stack_new(const struct plait_env *env, const struct plait_config *config);
/* Frees everything at once; nothing is sent. */
void plait_stack_free(struct plait_stack *stack);

/* ---- local addresses ------------------------------------------------------------------------ */

/* PLAIT_EADDRINUSE for a second use of id or address, PLAIT_EINVAL for an unusable one. */
int plait_local_add(struct plait_stack *stack, const struct plait_local *local, plait_time now);
/* New flags, MTU or announced port for an address with this id; a changed BACKUP flag sends
 * MP_PRIO. */
int plait_local_change(struct plait_stack *stack, const struct plait_local *local, plait_time now);
/* The address is gone: its subflows end, REMOVE_ADDR is sent (RFC 8684 3.4.2). */
int plait_local_del(struct plait_stack *stack, uint8_t id, plait_time now);

/* ---- packets -------------------------------------------------------------------------------- */

/* Memory for packets to come in. size up to 65536 + 512 bytes. NULL when the stack's memory cap is
 * reached: then read the packet into memory of your own and pass it with block = NULL. */
struct plait_block *plait_block_get(struct plait_stack *stack, size_t size);
uint8_t *plait_block_bytes(struct plait_block *block, size_t *size);
void plait_block_put(struct plait_stack *stack, struct plait_block *block);

struct plait_in {
    struct plait_block *block; /* owner of the bytes, or NULL: they are borrowed for the call */
    const uint8_t *ip;         /* the IP header */
    size_t len;                /* bytes from there on */
    bool csum_ok;              /* the TCP checksum needs no check (offload) */
    uint32_t ifindex;          /* where it came from; 0 unknown */
    uint8_t handed; /* 0: it came from the network; else as the shard that gave it away left it */
    uint8_t shard;  /* out, with PLAIT_REASON_SHARD: whose it is */
};

/* Takes one packet. Sets in->block to NULL where the stack keeps the block. Answers the reason why
 * the packet was dropped, PLAIT_REASON_SHARD where another shard has to be given it, or
 * PLAIT_REASON_NONE. */
enum plait_reason plait_input(struct plait_stack *stack, struct plait_in *in, plait_time now);

struct plait_view {
    const uint8_t *data;
    size_t len;
};

enum { PLAIT_HEAD_MAX = 40 + 60, PLAIT_VIEWS_MAX = 8 };

/* A packet that the stack would send. The views stay valid until the next call other than
 * plait_output_plan/commit. The TCP checksum field holds the folded sum of the pseudo header, not
 * inverted, as checksum offload wants it (start = ip_len, offset 16). */
struct plait_out {
    struct plait_addr src, dst;
    uint32_t ifindex;        /* of the local address */
    uint8_t head[PLAIT_HEAD_MAX]; /* IP and TCP header */
    uint8_t head_len, ip_len;     /* bytes of both, and of the IP header alone */
    uint8_t view_n;
    struct plait_view view[PLAIT_VIEWS_MAX]; /* the payload, in order */
    uint32_t payload_len;    /* sum of the views */
    uint32_t gso_size;       /* payload bytes of each packet on the wire; 0: it is one packet */
};

/* False when nothing is to be sent now. True: out is filled, and either plait_output_commit()
 * follows or the packet was not sent and nothing has changed. */
bool plait_output_plan(struct plait_stack *stack, plait_time now, struct plait_out *out);
void plait_output_commit(struct plait_stack *stack, plait_time now);

/* When plait_tick() must be called; PLAIT_NEVER when no timer runs. */
plait_time plait_deadline(const struct plait_stack *stack);
void plait_tick(struct plait_stack *stack, plait_time now);

/* ---- shards --------------------------------------------------------------------------------- */

/* Several stacks, each with a thread of its own, can share addresses and ports, so that one
 * program uses more cores. They never touch each other; their owners carry two kinds of things
 * between them:
 *
 *   packets  what plait_input() answers with PLAIT_REASON_SHARD goes to the plait_input() of
 *            in->shard, with in->handed as it was left
 *   news     what plait_shard_news_next() gives goes to plait_shard_news() of news.to, in order
 *
 * A packet from the network belongs to the home of its two ports, plait_shard_of_ports(); it may
 * come to any other shard too, which gives it away. A token names the shard of its connection,
 * plait_shard_of_token(), so that a join finds it from wherever it comes. The home of a subflow
 * that lives elsewhere has to know of that: news of it must be on its way before the packets that
 * plait_output_plan() gave afterwards are, and whoever reads packets of the network then takes the
 * news that has come before he gives those packets to plait_input(). */
enum { PLAIT_SHARDS_MAX = 64 };
#define PLAIT_SHARD_MIX 0x9e3779b1u

/* For filters, in 32 bits: (local << 16 | remote) * PLAIT_SHARD_MIX >> 16, * shard_n, >> 16. */
unsigned plait_shard_of_ports(uint16_t local, uint16_t remote, unsigned shard_n);
unsigned plait_shard_of_token(uint32_t token, unsigned shard_n);

struct plait_shard_news {
    struct plait_addr local, remote; /* of a subflow, or of one that begins */
    uint8_t from, to;                /* shards: where it lives, and its home */
    bool gone;                       /* it lives there no longer */
};

/* False: there is none. To be asked after each call that may change something, and after each plan
 * before its packet is sent. */
bool plait_shard_news_next(struct plait_stack *stack, struct plait_shard_news *news);
/* PLAIT_ENOMEM: it could not be kept in mind; packets of the subflow will be answered by resets. */
int plait_shard_news(struct plait_stack *stack, const struct plait_shard_news *news,
                     plait_time now);

/* ---- events --------------------------------------------------------------------------------- */

enum plait_event_type {
    PLAIT_EVENT_ACCEPTED = 1, /* listener has a connection for plait_accept() */
    PLAIT_EVENT_CONNECTED,    /* the connection, opened here or by Fast Open, is established */
    PLAIT_EVENT_READABLE,     /* plait_recv() has bytes or end of stream */
    PLAIT_EVENT_WRITABLE,     /* plait_send() has room again after PLAIT_EAGAIN */
    /* it is over; plait_conn_error() tells how; only plait_release() is left */
    PLAIT_EVENT_CLOSED,
};

struct plait_event {
    enum plait_event_type type;
    struct plait_conn *conn;         /* NULL for ACCEPTED */
    struct plait_listener *listener; /* for ACCEPTED */
};

/* Takes the next event; each kind is queued once for a connection however often it happened. */
bool plait_event_next(struct plait_stack *stack, struct plait_event *ev);
/* Would plait_event_next() take one? */
bool plait_event_waits(const struct plait_stack *stack);

/* ---- connections ---------------------------------------------------------------------------- */

/* Listens on addr (family 0: every local address; port not 0). config NULL: the stack's. */
int plait_listen(struct plait_stack *stack, const struct plait_addr *addr,
                 const struct plait_conn_config *config, struct plait_listener **listener);
void plait_listener_close(struct plait_listener *listener, plait_time now);
/* The next accepted connection, or NULL. */
struct plait_conn *plait_accept(struct plait_listener *listener);

struct plait_connect {
    /* family 0: the first local address of the peer's family; port 0: drawn */
    struct plait_addr local;
    struct plait_addr remote;
    const struct plait_conn_config *config; /* NULL: the stack's */
};

/* Starts a connection; PLAIT_EVENT_CONNECTED or PLAIT_EVENT_CLOSED follows. Its later subflows
 * use the same local port (RFC 8684 3.9.1). */
int plait_connect(struct plait_stack *stack, const struct plait_connect *how, plait_time now,
                  struct plait_conn **conn);

/* Copies up to len bytes into the send store. The count taken, PLAIT_EAGAIN when full, or an
 * error. */
int64_t plait_send(struct plait_conn *conn, const void *data, size_t len, plait_time now);
/* The same without a copy: lends room for up to len bytes to be written by the caller. The size of
 * the room, PLAIT_EAGAIN when full, or an error. plait_send_commit() with the number of bytes
 * written must follow before any other call for this connection. */
int64_t plait_send_reserve(struct plait_conn *conn, size_t len, uint8_t **room, plait_time now);
void plait_send_commit(struct plait_conn *conn, size_t n, plait_time now);
/* Copies out up to len bytes that arrived in order. 0 at the end of the stream, PLAIT_EAGAIN
 * when none. */
int64_t plait_recv(struct plait_conn *conn, void *data, size_t len, plait_time now);
/* The same without a copy: borrows the next run of bytes; plait_recv_done() gives back its first
 * n. */
int64_t plait_recv_borrow(struct plait_conn *conn, struct plait_view *view);
void plait_recv_done(struct plait_conn *conn, size_t n, plait_time now);

/* No more bytes from this side: DATA_FIN after what was sent. */
int plait_shutdown(struct plait_conn *conn, plait_time now);
/* Fast close (RFC 8684 3.5), or RST on plain TCP. */
void plait_abort(struct plait_conn *conn, plait_time now);
/* The application lets go. An open connection is shut down and finishes by itself; unread data
 * in the receive queue makes it an abort (RFC 9293 3.6 as updated by RFC 2525). conn must not be
 * used again. */
void plait_release(struct plait_conn *conn, plait_time now);

/* Why it ended: 0 after an orderly close or while open, else a plait_err; reason tells more. */
int plait_conn_error(const struct plait_conn *conn, enum plait_reason *reason);

/* Asks for a priority on this connection's subflows from a local address (MP_PRIO). */
int plait_conn_set_backup(struct plait_conn *conn, uint8_t local_id, bool backup, plait_time now);

/* ---- what can be asked ---------------------------------------------------------------------- */

enum plait_subflow_state {
    PLAIT_SUBFLOW_OPENING,
    PLAIT_SUBFLOW_OPEN,
    PLAIT_SUBFLOW_STALE,
    PLAIT_SUBFLOW_CLOSING,
    PLAIT_SUBFLOW_CLOSED,
};

struct plait_subflow_info {
    uint8_t id;             /* counts from 0 in order of birth */
    uint8_t local_id, remote_id; /* address ids */
    enum plait_subflow_state state;
    bool backup_local, backup_remote;
    struct plait_addr local, remote;
    uint64_t bytes_sent, bytes_acked, bytes_received; /* payload at subflow level */
    uint64_t bytes_retransmitted;
    plait_time srtt, rttvar, min_rtt, rto; /* 0: no sample yet */
    uint32_t cwnd, ssthresh, in_flight;    /* bytes */
    uint16_t mss;                          /* payload bytes of a full packet */
    bool ecn;                              /* new data is sent ECN-capable */
    uint64_t ce_received;                  /* packets that came marked "congestion experienced" */
    uint32_t ecn_cuts;                     /* reductions of cwnd that ECN-Echo asked for */
    uint32_t restarts;                     /* and those by idling longer than RTO */
    enum plait_reason reason;              /* why it closed */
};

struct plait_conn_info {
    uint32_t id;
    bool established, multipath, checksum;
    uint8_t version;        /* of MPTCP: 0 or 1 with multipath; 0 without */
    uint32_t token_local, token_remote;
    enum plait_reason fallback;  /* why plain TCP, NONE with multipath */
    struct plait_addr local, remote; /* of the first subflow */
    uint64_t bytes_sent, bytes_acked, bytes_received; /* of the stream */
    uint64_t bytes_reinjected, bytes_duplicate;
    /* of the stream, what came along in the SYN (Fast Open) and was taken: by the peer, by us */
    uint32_t syn_sent, syn_received;
    uint32_t send_queued, recv_queued;   /* bytes in the buffers */
    uint32_t sndbuf, rcvbuf;             /* present sizes, bytes */
    uint8_t subflow_n;                   /* subflows that are alive */
    uint8_t subflow_total;               /* ever created */
};

void plait_conn_info(const struct plait_conn *conn, struct plait_conn_info *info);

/* A server's Fast Open cookie, for whoever wants to keep it from one stack to the next. */
struct plait_fastopen {
    struct plait_addr server;
    uint16_t mss;          /* that the server announced with it */
    uint8_t len;           /* 4 to 14, even */
    uint8_t cookie[14];
};
/* PLAIT_ENOENT: this server gave none. */
int plait_fastopen_get(const struct plait_stack *stack, const struct plait_addr *server,
                       struct plait_fastopen *out);
/* PLAIT_EINVAL: no such cookie. */
int plait_fastopen_set(struct plait_stack *stack, const struct plait_fastopen *known);
/* The subflow with this id (0 .. subflow_total - 1), also after its death; PLAIT_ENOENT beyond. The
 * last 32 are remembered. */
int plait_subflow_info(const struct plait_conn *conn, uint8_t id, struct plait_subflow_info *info);

/* How often a reason was given since the stack was made. */
uint64_t plait_counter(const struct plait_stack *stack, enum plait_reason reason);

struct plait_stack_info {
    uint32_t conns, half_open, listeners; /* alive now */
    uint32_t time_wait; /* 4-tuples in TIME-WAIT whose connection is gone, not among conns */
    uint32_t peers;                       /* about whom something was learned */
    uint64_t mem_used, mem_peak, mem_max; /* bytes in buffers */
    uint64_t packets_in, packets_out, packets_dropped;
    uint32_t away, guests; /* of several shards: 4-tuples whose home is elsewhere, the reverse */
};
void plait_stack_info(const struct plait_stack *stack, struct plait_stack_info *info);

#endif

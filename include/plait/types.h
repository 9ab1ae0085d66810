/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary that every layer of plait shares: time, errors, addresses, the environment a stack
 * lives in, and the news it traces. Nothing here allocates or keeps state. */
#ifndef PLAIT_TYPES_H
#define PLAIT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds of a monotonic clock whose zero means nothing. */
typedef uint64_t plait_time;

#define PLAIT_NEVER UINT64_MAX   /* a deadline that does not exist */
#define PLAIT_MSEC ((plait_time)1000)
#define PLAIT_SEC ((plait_time)1000000)

/* What a call may answer beside success (0 or a count). Always negative. */
enum plait_err {
    PLAIT_EAGAIN = -1,       /* nothing to read, or no room to write: wait for the event */
    PLAIT_ENOMEM = -2,       /* a pool's cap or the environment's memory is used up */
    PLAIT_EINVAL = -3,       /* an argument makes no sense here */
    PLAIT_EADDRINUSE = -4,   /* the address and port are taken in this stack */
    PLAIT_EADDRNOTAVAIL = -5,/* no local address fits the peer's family */
    PLAIT_ECONNREFUSED = -6, /* the peer answered the SYN with a RST */
    PLAIT_ECONNRESET = -7,   /* the peer reset or fast-closed the connection */
    PLAIT_ECONNABORTED = -8, /* this side aborted the connection */
    PLAIT_ETIMEDOUT = -9,    /* user timeout, or no answer to the SYNs */
    PLAIT_ENOTCONN = -10,    /* not connected yet, or no longer */
    PLAIT_EPIPE = -11,       /* the sending side was shut down */
    PLAIT_ENOTMPTCP = -12,   /* multipath was required and the peer speaks plain TCP */
    PLAIT_ELIMIT = -13,      /* a configured limit was reached */
    PLAIT_ENOENT = -14,      /* no such address, connection or name */
    PLAIT_EPROTO = -15,      /* the peer broke the protocol beyond repair */
    PLAIT_EUNREACH = -16,    /* the network says that the peer cannot be reached */
};

/* A sentence for an error, without a full stop; "unknown error" for anything else. */
const char *plait_strerror(int err);

/* An address and port. family 0 is "any" or "none"; ports are in host byte order, 0 is "none". */
struct plait_addr {
    uint8_t family;  /* 0, 4 or 6 */
    uint16_t port;
    uint8_t ip[16];  /* network order; the first 4 bytes for family 4, the rest zero */
};

/* A local address of a stack (see plait_local_add). */
enum {
    PLAIT_LOCAL_SUBFLOW = 1, /* open subflows from it */
    PLAIT_LOCAL_SIGNAL = 2,  /* announce it by ADD_ADDR */
    PLAIT_LOCAL_BACKUP = 4,  /* its subflows are backups */
    PLAIT_LOCAL_DOWN = 8,    /* the link has no carrier at the moment */
};

struct plait_local {
    /*= RFC 6897 5.3.3-3 */
    struct plait_addr addr; /* port 0, or the port that an announcement names */
    uint8_t id;             /* address id, 1 to 255, unique in the stack */
    uint8_t flags;          /* PLAIT_LOCAL_* */
    uint16_t mtu;           /* of its link, bytes; at least 576 (IPv4) or 1280 (IPv6) */
    uint32_t gso_max;       /* payload bytes that one packet to the driver may carry; 0: no GSO */
    uint32_t ifindex;       /* the driver's own number, handed back in plait_out */
};

/* Versions of MPTCP, as a set. */
enum { PLAIT_MPTCP_V0 = 1 /* RFC 6824 */, PLAIT_MPTCP_V1 = 2 /* RFC 8684 */ };

/* Explicit Congestion Notification (RFC 3168) of TCP. */
enum plait_ecn {
    PLAIT_ECN_OFF,    /* neither asked for nor agreed to */
    PLAIT_ECN_ACCEPT, /* agreed to where the peer asks */
    PLAIT_ECN_ON,     /* asked for too */
};

/* What the core asks of the world. Every pointer but trace must be set. */
struct plait_trace;

struct plait_env {
    void *ctx; /* handed back on every call */
    /* Memory aligned to 64 bytes, or to a page where size >= 4096, not cleared; NULL: none. */
    void *(*alloc)(void *ctx, size_t size);
    void (*free)(void *ctx, void *mem, size_t size);
    /* Fills buf with bytes an attacker cannot guess. Never fails. */
    void (*random)(void *ctx, void *buf, size_t len);
    /* Takes one piece of news; may be NULL. It must not call back into the stack. */
    void (*trace)(void *ctx, const struct plait_trace *ev);
};

/* News for people and logs; the protocol does not depend on it. */
enum plait_trace_type {
    PLAIT_TRACE_CONN_STATE = 1,  /* a = new enum mp_state, b = old */
    PLAIT_TRACE_SUBFLOW_STATE,   /* a = new enum tcp_state, b = old */
    PLAIT_TRACE_SUBFLOW_UP,      /* the subflow may carry data */
    PLAIT_TRACE_SUBFLOW_DOWN,    /* it is gone; reason says why */
    PLAIT_TRACE_SUBFLOW_STALE,   /* a = 1 path seems dead, 0 it answered again */
    PLAIT_TRACE_FALLBACK,        /* the connection is plain TCP from now on; reason says why */
    PLAIT_TRACE_ADDR_IN,         /* ADD_ADDR received; remote = the address, a = its id */
    PLAIT_TRACE_ADDR_OUT,        /* ADD_ADDR sent; local = the address, a = its id */
    PLAIT_TRACE_REMOVE_IN,       /* REMOVE_ADDR received; a = the id */
    PLAIT_TRACE_REMOVE_OUT,      /* REMOVE_ADDR sent; a = the id */
    PLAIT_TRACE_PRIO_IN,         /* MP_PRIO received; a = backup bit */
    PLAIT_TRACE_PRIO_OUT,        /* MP_PRIO sent; a = backup bit */
    PLAIT_TRACE_FASTCLOSE,       /* a = 1 received, 0 sent */
    PLAIT_TRACE_REINJECT,        /* a = first data sequence number, b = bytes */
    PLAIT_TRACE_LOSS,            /* a = first lost sequence number, b = bytes */
    PLAIT_TRACE_RTO,             /* a = the time-out in microseconds, b = consecutive count */
    PLAIT_TRACE_DROP,            /* a segment was dropped; reason says why */
    PLAIT_TRACE_RESET,           /* a = 1 received, 0 sent; reason */
};

struct plait_trace {
    enum plait_trace_type type;
    uint16_t reason;   /* enum plait_reason, 0 where none applies */
    uint8_t subflow;   /* id of the subflow, counted from 0 for each connection; 255 where none */
    uint32_t conn;     /* id of the connection, never reused within a stack's life; 0 where none */
    plait_time now;
    uint64_t a, b;
    struct plait_addr local, remote;
};

/* Why a segment, subflow or connection met its fate. One list for the whole stack: each reason is a
 * counter (plait_counter) and may stand in a trace. PLAIT_REASONS(X) is X(NAME, "sentence"). */
#define PLAIT_REASONS(X)                                                                           \
    X(NONE, "no reason")                                                                           \
    X(IP_TRUNCATED, "IP header or payload shorter than it says")                                   \
    X(IP_VERSION, "neither IPv4 nor IPv6")                                                         \
    X(IP_CSUM, "IPv4 header checksum wrong")                                                       \
    X(IP_FRAGMENT, "IP fragment")                                                                  \
    X(IP_PROTOCOL, "neither TCP nor an ICMP error")                                                \
    X(IP_EXTHDR, "IPv6 extension header chain refused")                                            \
    X(TCP_TRUNCATED, "TCP header shorter than it says")                                            \
    X(TCP_CSUM, "TCP checksum wrong")                                                              \
    X(ICMP_CSUM, "ICMP checksum wrong")                                                            \
    X(ICMP_MALFORMED, "ICMP error that quotes no TCP header")                                      \
    X(TCP_OPTION, "malformed TCP option ignored")                                                  \
    X(TCP_FLAGS, "flag combination that no TCP sends")                                             \
    X(MP_OPTION, "malformed MPTCP option ignored")                                                 \
    X(NO_SOCKET, "no connection or listener for it")                                               \
    X(BACKLOG_FULL, "listener or half-open table full")                                            \
    X(COOKIE_SENT, "SYN answered without keeping state")                                           \
    X(COOKIE_ACCEPTED, "connection or subflow made from a SYN that was not kept")                  \
    X(COOKIE_REFUSED, "ACK that no SYN/ACK of ours asked for")                                     \
    X(HALF_EVICTED, "half-open connection made room for another")                                  \
    X(CONN_LIMIT, "connection limit reached")                                                      \
    X(NO_MEMORY, "memory or pool cap reached")                                                     \
    X(SEQ_OUTSIDE, "sequence number outside the window")                                           \
    X(ACK_OUTSIDE, "acknowledgment outside what was sent")                                         \
    X(ACK_MISSING, "segment without ACK in a synchronized state")                                  \
    X(PAWS, "timestamp older than the last one (PAWS)")                                            \
    X(SYN_IN_WINDOW, "SYN in a synchronized state: challenge ACK")                                 \
    X(RST_IN_WINDOW, "RST not exactly at RCV.NXT: challenge ACK")                                  \
    X(CHALLENGE_LIMIT, "challenge ACK not sent: rate limit")                                       \
    X(WINDOW_FULL, "data beyond the receive buffer")                                               \
    X(RX_PRUNED, "out-of-order data dropped for memory")                                           \
    X(DATA_AFTER_CLOSE, "data for a side that was closed")                                         \
    X(RST_RECEIVED, "reset by peer")                                                               \
    X(ICMP_ERROR, "ICMP error")                                                                    \
    X(ICMP_IGNORED, "ICMP error for nothing in flight")                                            \
    X(MTU_BLACK_HOLE, "large segments timed out: smaller ones from now on")                        \
    X(MTU_PROBE_LOST, "larger segment got lost on its trial")                                      \
    X(MTU_RAISED, "larger segment got through: all may be so large")                               \
    X(USER_TIMEOUT, "no progress for the user timeout")                                            \
    X(RETRIES, "too many retransmissions")                                                         \
    X(KEEPALIVE, "keepalive probes unanswered")                                                    \
    X(SYN_TIMEOUT, "no answer to the SYNs")                                                        \
    X(SYN_REFUSED, "SYN answered with a reset")                                                    \
    X(SYN_ECN, "SYN that asks for ECN answered with a reset: once more without")                   \
    X(FASTOPEN_TAKEN, "data of a SYN taken by the server (Fast Open)")                             \
    X(FASTOPEN_REFUSED, "SYN with Fast Open lost, or its data not taken")                          \
    X(FASTOPEN_ACCEPTED, "data of a SYN delivered before the third ACK (Fast Open)")               \
    X(FASTOPEN_COOKIE, "SYN with a Fast Open cookie that is not, or no longer, good")              \
    X(FASTOPEN_FULL, "data of a SYN not taken: too many wait for the third ACK")                   \
    X(SACK_BOGUS, "SACK block outside what was sent")                                              \
    X(SCOREBOARD_FULL, "SACK ignored: scoreboard full")                                            \
    X(MP_SYNACK_PLAIN, "no MP_CAPABLE in the SYN/ACK")                                             \
    X(MP_SYN_PLAIN, "no MP_CAPABLE in the SYN")                                                    \
    X(MP_ACK_PLAIN, "no MP_CAPABLE in the third ACK")                                              \
    X(MP_VERSION, "MPTCP version not supported")                                                   \
    X(MP_FLAGS, "MP_CAPABLE flags not acceptable")                                                 \
    X(MP_KEY, "MP_CAPABLE keys do not match")                                                      \
    X(MP_SYN_LOST, "SYNs with MP_CAPABLE lost; went plain")                                        \
    X(MP_NO_DATA_ACK, "first data acknowledged without DATA_ACK")                                  \
    X(MP_DISABLED, "multipath switched off")                                                       \
    X(MP_AVOIDED, "multipath failed with this peer before; not offered")                           \
    X(JOIN_TOKEN, "MP_JOIN with unknown token")                                                    \
    X(JOIN_HMAC, "MP_JOIN HMAC wrong")                                                             \
    X(JOIN_NO_OPTION, "MP_JOIN missing where it must be")                                          \
    X(JOIN_LIMIT, "MP_JOIN refused: subflow limit")                                                \
    X(JOIN_STATE, "MP_JOIN for a connection that cannot take it")                                  \
    X(JOIN_POLICY, "MP_JOIN refused by policy")                                                    \
    X(JOIN_AVOIDED, "join not tried: the address refused one before")                              \
    X(DSS_UNMAPPED, "data without a mapping")                                                      \
    X(DSS_CONFLICT, "mapping contradicts an earlier one")                                          \
    X(DSS_OUTSIDE, "mapping does not touch its segment")                                           \
    X(DSS_WINDOW, "data sequence number outside the window")                                       \
    X(DSS_DUPLICATE, "data that had arrived before")                                               \
    X(DSS_CSUM, "DSS checksum wrong")                                                              \
    X(DSS_CSUM_UNEXPECTED, "DSS checksum present but not negotiated")                              \
    X(DSS_CSUM_MISSING, "DSS checksum negotiated but missing")                                     \
    X(DSS_MAPS_FULL, "too many mappings held")                                                     \
    X(DATA_ACK_OUTSIDE, "DATA_ACK beyond what was sent")                                           \
    X(DATA_FIN_CONFLICT, "second DATA_FIN at another place")                                       \
    X(SUBFLOW_FIN, "FIN of the subflow alone, from a peer that did not go plain")                  \
    X(MP_FAIL_RECEIVED, "MP_FAIL from the peer")                                                   \
    X(INFINITE_MAP, "infinite mapping from the peer")                                              \
    X(ADDR_HMAC, "ADD_ADDR HMAC wrong")                                                            \
    X(ADDR_BAD, "ADD_ADDR with an address nobody can use")                                         \
    X(ADDR_LIMIT, "too many addresses announced")                                                  \
    X(REMOVE_UNKNOWN, "REMOVE_ADDR of an unknown id")                                              \
    X(FASTCLOSE_KEY, "MP_FASTCLOSE with a wrong key")                                              \
    X(FASTCLOSE, "MP_FASTCLOSE from the peer")                                                     \
    X(TCPRST, "MP_TCPRST from the peer")                                                           \
    X(ADDR_REMOVED, "address removed")                                                             \
    X(LOCAL_ABORT, "aborted by this side")                                                         \
    X(LOCAL_CLOSE, "closed by this side")                                                          \
    X(PEER_CLOSE, "closed by peer")                                                                \
    X(SHARD, "another shard's, handed over")                                                       \
    X(NO_SUBFLOWS, "no subflow left")                                                              \
    X(NOT_MPTCP, "multipath required, peer speaks plain TCP")

#define PLAIT_REASON_ENUM(name, text) PLAIT_REASON_##name,
enum plait_reason { PLAIT_REASONS(PLAIT_REASON_ENUM) PLAIT_REASON_COUNT };

/* "RST_IN_WINDOW" and its sentence; "?" outside the list. */
const char *plait_reason_name(enum plait_reason reason);
const char *plait_reason_text(enum plait_reason reason);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of kpeer share: the options, one direction of a transfer, and what the kernel
 * tells about a connection's subflows. */
#ifndef INTEROP_KPEER_H
#define INTEROP_KPEER_H

#include "pattern.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

/* How this side ends its sending direction. */
enum close_how {
    CLOSE_HALF,  /* shutdown as soon as everything was sent, then read on to the end */
    CLOSE_LAST,  /* shutdown only after the peer's end was seen */
    CLOSE_FULL,  /* close() when the expected bytes are there, without waiting for the peer's end */
    CLOSE_ABORT, /* SO_LINGER 0 and close() after abort_after received bytes: fast close */
};

struct options {
    bool server, tcp, pipe, hash, verify, zero;
    const char *host, *port, *cc, *json;
    uint64_t send, recv; /* bytes; UINT64_MAX for recv: until the peer's end */
    uint64_t seed_out, seed_in;
    enum close_how close;
    uint64_t abort_after;
    size_t buf;              /* bytes of one read or write */
    size_t offset;           /* of the buffers, from the start of a page */
    unsigned delay_read;     /* milliseconds before the first read */
    unsigned status;         /* milliseconds between two status lines; 0: none */
    unsigned timeout;        /* seconds until it gives up; 0: never */
    unsigned sndbuf, rcvbuf; /* bytes; 0: as the kernel pleases */
};

/* One direction. The thread that moves the bytes writes, the status printer reads bytes only. */
struct direction {
    atomic_uint_fast64_t bytes;
    uint64_t begin_us, end_us; /* of the first and the last byte, since start; 0: none */
    uint64_t stall_us;         /* longest wait between two reads that brought bytes */
    uint64_t stall_at_us;      /* when it ended */
    uint64_t wrong_at;         /* first byte that was not of the pattern; UINT64_MAX: none */
    bool eof;
    char error[96]; /* empty: none */
    char sha[65];
};

uint64_t now_us(void);

/* ---- kmptcp.c: what the kernel knows --------------------------------------------------------- */

enum { KMPTCP_SUBFLOWS = 32 };

struct kmptcp_subflow {
    char local[64], remote[64];      /* address and port */
    uint64_t sent, received, rexmit; /* payload bytes; retransmitted bytes */
    uint32_t rtt_us;
    uint8_t ca_state;
    bool alive; /* seen the last time */
};

struct kmptcp {
    bool mptcp; /* the socket speaks MPTCP */
    bool fallback;
    bool checksum;
    unsigned subflows_max; /* most at one time, the first included */
    unsigned n;
    struct kmptcp_subflow subflow[KMPTCP_SUBFLOWS]; /* all ever seen */
};

/* Looks at the connection; to be called now and then, since ended subflows vanish. */
void kmptcp_sample(struct kmptcp *k, int fd);
void kmptcp_json(const struct kmptcp *k, FILE *out);

#endif

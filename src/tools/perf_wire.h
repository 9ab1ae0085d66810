/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ends of `plait perf` say to each other: a header at the beginning of each connection
 * by the client, a trailer at the end of a bulk transfer by the receiver. Network order. */
#ifndef TOOLS_PERF_WIRE_H
#define TOOLS_PERF_WIRE_H

#include <plait/types.h>

enum { PERF_HEADER = 40, PERF_TRAILER = 32 };

enum perf_mode {
    PERF_BULK = 1, /* one direction, as fast as it goes */
    PERF_RR,       /* request, response, again on the same connection */
    PERF_CRR       /* connect, request, response, close */
};

enum perf_direction { PERF_UP = 1, PERF_DOWN }; /* from the client, to the client */

enum { PERF_SIZE_MAX = 1 << 30 };                   /* bytes of a request */
#define PERF_BYTES_MAX    ((uint64_t)1 << 50)
#define PERF_DURATION_MAX (86400 * PLAIT_SEC)

struct perf_header {
    enum perf_mode mode;
    enum perf_direction direction;
    uint32_t request, response; /* bytes; bulk: 0 */
    uint64_t bytes;             /* bulk: this many; 0: the duration decides */
    plait_time duration;        /* bulk: for so long; 0: the bytes decide */
};

/* The receiver's view of a bulk transfer: what counts. */
struct perf_trailer {
    uint64_t bytes;
    plait_time time;  /* from the header to the end of the stream */
    plait_time stall; /* the longest time without a byte */
};

void perf_header_write(const struct perf_header *h, uint8_t out[PERF_HEADER]);
/* NULL, or what is wrong with it. */
const char *perf_header_read(const uint8_t in[PERF_HEADER], struct perf_header *h);
void perf_trailer_write(const struct perf_trailer *t, uint8_t out[PERF_TRAILER]);
const char *perf_trailer_read(const uint8_t in[PERF_TRAILER], struct perf_trailer *t);

#endif

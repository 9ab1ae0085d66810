/* SPDX-License-Identifier: Apache-2.0 */
/* Header and trailer of `plait perf`, byte by byte. Whoever connects may have written them, so each
 * field is checked before it is believed, and every value that is not used has to be zero. Called
 * by perf_flow.c.
 *
 *   header   0 magic, 4 version, 6 mode, 7 direction, 8 request, 12 response, 16 bytes,
 *            24 microseconds, 32 zeros
 *   trailer  0 magic, 4 version, 6 zeros, 8 bytes, 16 microseconds, 24 longest stall */
#include "perf_wire.h"

#include "base/be.h"

#include <string.h>

enum { VERSION = 1 };

#define MAGIC_HEADER  0x504c5048u /* "PLPH" */
#define MAGIC_TRAILER 0x504c5054u /* "PLPT" */

void perf_header_write(const struct perf_header *h, uint8_t out[PERF_HEADER])
{
    memset(out, 0, PERF_HEADER);
    be32_store(out, MAGIC_HEADER);
    be16_store(out + 4, VERSION);
    out[6] = (uint8_t)h->mode;
    out[7] = (uint8_t)h->direction;
    be32_store(out + 8, h->request);
    be32_store(out + 12, h->response);
    be64_store(out + 16, h->bytes);
    be64_store(out + 24, h->duration);
}

static const char *check_bulk(const struct perf_header *h)
{
    if (h->request != 0 || h->response != 0)
        return "a bulk test has no requests";
    if ((h->bytes == 0) == (h->duration == 0))
        return "a bulk test ends by bytes or by time, one of them";
    if (h->bytes > PERF_BYTES_MAX)
        return "the number of bytes is too large";
    if (h->duration > PERF_DURATION_MAX)
        return "the duration is too long";
    return NULL;
}

static const char *check_requests(const struct perf_header *h)
{
    if (h->direction != PERF_UP)
        return "requests are sent by the client";
    if (h->request == 0 || h->request > PERF_SIZE_MAX || h->response == 0 ||
        h->response > PERF_SIZE_MAX)
        return "the size of a request is out of range";
    if (h->bytes != 0 || h->duration != 0)
        return "the client ends a test of requests";
    return NULL;
}

const char *perf_header_read(const uint8_t in[PERF_HEADER], struct perf_header *h)
{
    if (be32_load(in) != MAGIC_HEADER)
        return "it does not speak the protocol of plait perf";
    if (be16_load(in + 4) != VERSION)
        return "it speaks another version of plait perf";
    if (in[6] < PERF_BULK || in[6] > PERF_CRR)
        return "it asks for a test that is unknown here";
    if (in[7] != PERF_UP && in[7] != PERF_DOWN)
        return "it asks for a direction that is unknown here";
    if (be64_load(in + 32) != 0)
        return "bytes that have to be zero are not";
    *h = (struct perf_header){
        .mode = (enum perf_mode)in[6],
        .direction = (enum perf_direction)in[7],
        .request = be32_load(in + 8),
        .response = be32_load(in + 12),
        .bytes = be64_load(in + 16),
        .duration = be64_load(in + 24),
    };
    return h->mode == PERF_BULK ? check_bulk(h) : check_requests(h);
}

void perf_trailer_write(const struct perf_trailer *t, uint8_t out[PERF_TRAILER])
{
    memset(out, 0, PERF_TRAILER);
    be32_store(out, MAGIC_TRAILER);
    be16_store(out + 4, VERSION);
    be64_store(out + 8, t->bytes);
    be64_store(out + 16, t->time);
    be64_store(out + 24, t->stall);
}

const char *perf_trailer_read(const uint8_t in[PERF_TRAILER], struct perf_trailer *t)
{
    if (be32_load(in) != MAGIC_TRAILER || be16_load(in + 4) != VERSION || be16_load(in + 6) != 0)
        return "what the receiver says at the end is no result of plait perf";
    t->bytes = be64_load(in + 8);
    t->time = be64_load(in + 16);
    t->stall = be64_load(in + 24);
    if (t->bytes > PERF_BYTES_MAX || t->time > 2 * PERF_DURATION_MAX || t->stall > t->time)
        return "the receiver's result is out of range";
    return NULL;
}

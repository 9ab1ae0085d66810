/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input and output without ever waiting for them. */
#ifndef TOOLS_CAT_IO_H
#define TOOLS_CAT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cat_in {
    uint8_t *buf;    /* page-aligned */
    size_t from, to; /* unsent bytes: [from, to) */
    bool end;        /* nothing more will come */
};

struct cat_out {
    int fd;            /* never blocks; -1: closed */
    bool is_socket;    /* written by send() */
    int restore_flags; /* of standard output at the end, or -1 */
};

/* False: no memory. */
bool cat_in_open(struct cat_in *in);
/* Reads once when the buffer is empty. 0, or errno. */
int cat_in_fill(struct cat_in *in);
void cat_in_close(struct cat_in *in);

void cat_out_open(struct cat_out *out);
/* Bytes written, -1 with errno; EAGAIN when it would have to wait. */
ssize_t cat_out_write(const struct cat_out *out, const uint8_t *data, size_t len);
/* The end of the stream: lets go of standard output. 0, or the errno of what was not written after
 * all. */
int cat_out_close(struct cat_out *out);

/* Opens FILE, a fifo, or fd:N for writing lines (status) or reading them (control), never waiting
 * for the other side. -1 with errno. */
int cat_open_lines(const char *name, bool writing);

#endif

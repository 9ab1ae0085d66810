/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input and output without ever waiting for them. */
#ifndef TOOLS_CAT_IO_H
#define TOOLS_CAT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cat_out {
    int fd;            /* never blocks; -1: closed */
    bool is_socket;    /* written by send() */
    int restore_flags; /* of standard output at the end, or -1 */
};

void cat_in_open(void);
enum { CAT_IN_TURN = 1 << 18 }; /* bytes of standard input that are read in one turn */
/* How many can be read without waiting, CAT_IN_TURN at most; 0: not known. */
size_t cat_in_waiting(void);
/* Reads once. 0 at the end, -1 with errno; EAGAIN: nothing now. */
ssize_t cat_in_read(uint8_t *to, size_t len);

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

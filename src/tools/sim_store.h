/* SPDX-License-Identifier: Apache-2.0 */
/* The results of a sweep on disk: a line of JSON for each run, appended as it comes and put in
 * order at the end. What a file has already need not be run again. */
#ifndef TOOLS_SIM_STORE_H
#define TOOLS_SIM_STORE_H

#include "sim_runs.h"

#include <sys/types.h>

struct sim_store_line {
    off_t at;
    size_t len; /* with its newline; 0: not there yet */
};

struct sim_store {
    const char *path; /* NULL: a file without a name, for the time being */
    int fd;
    off_t end;
    unsigned n, done;
    uint64_t *hash; /* of each run */
    struct sim_store_line *line;
};

/* Opens the file and looks up what is there. ARGS_BAD: it was told why not. */
enum args_verdict sim_store_open(struct sim_store *s, const struct sim_runs *runs,
                                 const char *path);
bool sim_store_has(const struct sim_store *s, unsigned run);
/* Appends a line, which ends with a newline. False: it was told why not. */
bool sim_store_add(struct sim_store *s, unsigned run, const char *line, size_t len);
/* The line of a run as it will stand in the file in the end: it is read into *line, which is
 * allocated, with a NUL behind it. False: it cannot be read. */
bool sim_store_read(const struct sim_store *s, unsigned run, char **line, size_t *len);
/* Everything in order in place of the file; false: it was told why not. */
bool sim_store_finish(struct sim_store *s);
void sim_store_close(struct sim_store *s);

#endif

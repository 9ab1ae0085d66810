/* SPDX-License-Identifier: Apache-2.0 */
/* How far a sweep is, on standard error: a bar on a terminal, a line now and then elsewhere. */
#ifndef TOOLS_SIM_PROGRESS_H
#define TOOLS_SIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct sim_progress {
    bool quiet, terminal, drawn, ended;
    unsigned total, first; /* runs, and how many were there at the beginning */
    uint64_t began_ms, shown_ms;
};

void sim_progress_init(struct sim_progress *p, unsigned total, unsigned done, bool quiet);
/* last: the run that ended, in words; "": none. */
void sim_progress_show(struct sim_progress *p, unsigned done, const char *last);
/* The bar makes room for other text. */
void sim_progress_clear(struct sim_progress *p);
/* The line of a moment: for tests. width: of the terminal. */
struct sim_progress_at {
    unsigned done, total, made; /* made: in so many milliseconds */
    uint64_t took_ms;
    unsigned width;
};
void sim_progress_text(const struct sim_progress_at *at, const char *last, char *to, unsigned size);

#endif

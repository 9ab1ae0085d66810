/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that work through a list: one for each run, so many at a time. */
#ifndef TOOLS_SIM_POOL_H
#define TOOLS_SIM_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct sim_pool {
    void *ctx;
    unsigned jobs;       /* at a time */
    const unsigned *run; /* the list */
    unsigned n;
    int tick_ms;         /* `tick` is called about so often */
    /* In the child: writes what it has to say to fd; its exit status. */
    int (*work)(void *ctx, unsigned run, int fd);
    /* What it said, if it ended with 0; else len is 0 and status is that of waitpid(). False: no
     * further ones. */
    bool (*take)(void *ctx, unsigned run, const char *text, size_t len, int status);
    void (*tick)(void *ctx);
};

/* 0, or the number of the signal that ended it (SIGINT, SIGTERM, SIGHUP). No child is left. */
int sim_pool_work(const struct sim_pool *p);
/* Was a signal caught since? */
int sim_pool_signal(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that a running `plait cat` takes from a fifo. */
#ifndef TOOLS_CAT_CONTROL_H
#define TOOLS_CAT_CONTROL_H

#include "driver/host.h"

struct cat_control {
    int fd;         /* -1: none, or its writer has closed it */
    char line[256]; /* the beginning of the next command */
    size_t len;
    bool overlong; /* the line is skipped to its end */
};

enum cat_command { CAT_COMMAND_NONE, CAT_COMMAND_ABORT, CAT_COMMAND_SHUTDOWN };

/* Reads once, when poll() said that there is something. */
void cat_control_read(struct cat_control *c);
/* Carries out the commands that were read. Answers one that the caller has to carry out; call again
 * until NONE. */
enum cat_command cat_control_next(struct cat_control *c, struct drv_host *host);
/* One command, as text. Mistakes are told on standard error. For tests; cat_control_next() calls
 * it. */
enum cat_command cat_control_run(char *line, struct drv_host *host);

#endif

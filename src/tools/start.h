/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs that have a host do at their start, and how they end. */
#ifndef TOOLS_START_H
#define TOOLS_START_H

#include "driver/drv.h"
#include "driver/paths.h"

/* Exit status. */
enum {
    STATUS_OK = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_NOT_MPTCP = 3,
    STATUS_PERMISSION = 4,
    STATUS_TIMEOUT = 124,
    STATUS_SIGNAL = 128
};

/* Finds the address of a name and makes it paths->peer. False: why was told. */
bool start_resolve(const char *host, uint16_t port, struct drv_paths *paths);
/* SIGINT, SIGTERM and SIGHUP come by this descriptor from now on; SIGPIPE is ignored. */
int start_signals(void);
/* The exit status for what the driver could not do. */
int start_status(enum drv_fault fault);

#endif

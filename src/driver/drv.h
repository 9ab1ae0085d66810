/* SPDX-License-Identifier: Apache-2.0 */
/* What all files of the driver share: how a failure is told. */
#ifndef DRV_DRV_H
#define DRV_DRV_H

#include <plait/types.h>

/* Who has to act, so that a program can choose its exit code. */
enum drv_fault {
    DRV_FAULT_NONE,
    DRV_FAULT_USAGE,      /* the user asked for something that is not there */
    DRV_FAULT_PERMISSION, /* the process lacks a capability */
    DRV_FAULT_SYSTEM,     /* the system refused, or has not what it takes */
};

struct drv_error {
    enum drv_fault fault;
    char text[512]; /* one sentence with the name of what failed and what to do; no newline */
};

/* Fills err and answers -1, so that callers can return it. */
int drv_fail(struct drv_error *err, enum drv_fault fault, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces for the driver's tests: this process moves into one of its own, a child lives
 * in another, and a veth pair joins them. */
#ifndef TEST_DRIVER_NETNS_H
#define TEST_DRIVER_NETNS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>

#include "driver/netmon.h"

/* Moves this process into a new network namespace with loopback up. Skips the test with a reason
 * where that is not allowed. */
void netns_enter(void);
/* Runs a shell command made from fmt; it has to succeed. */
void netns_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Carrier is the exception among news: the kernel tells of it when it gets round to it, within a
 * second. False: it did not in three. */
bool netns_wait_up(struct drv_netmon *mon, const char *name, bool up);

/* Forks a peer in a namespace of its own: our end of the veth is "near" with 10.9.0.1 and fd09::1,
 * its end is "far" with 10.9.0.2 and fd09::2. The child calls peer(fd) and exits with its answer;
 * fd is its end of a socket pair. */
struct netns_peer {
    int pid;
    int fd; /* our end of the socket pair */
};
void netns_fork(struct netns_peer *p, int (*peer)(int fd));
/* Waits for the child; its exit status has to be 0. */
void netns_join(struct netns_peer *p);

#endif

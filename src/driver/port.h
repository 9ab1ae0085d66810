/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP port that no other program of this host can take while plait speaks on it. */
#ifndef DRV_PORT_H
#define DRV_PORT_H

#include "drv.h"

/* Of one host. The packet filter compares with one after the other, by jumps of eight bits. */
enum { DRV_PORTS_MAX = 240 };

struct drv_port {
    int fd;        /* a bound kernel socket that never listens; -1 when there is none */
    uint16_t port; /* host order */
};

/* Takes the port given, or a free one for 0. */
int drv_port_reserve(struct drv_port *p, uint16_t port, struct drv_error *err);
void drv_port_release(struct drv_port *p);

#endif

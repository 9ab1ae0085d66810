/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP ports of a host, or of several that share them. */
#ifndef DRV_PORTS_H
#define DRV_PORTS_H

#include "port.h"

#include <stddef.h>

struct drv_ports {
    bool own; /* behind addresses of the stack's own: nobody else could take them */
    size_t n;
    uint16_t number[DRV_PORTS_MAX]; /* host order */
    struct drv_port port[DRV_PORTS_MAX];
};

void drv_ports_init(struct drv_ports *p, bool own);
/* Takes one more: this one, or a free one for 0. One that is there already is not taken twice. */
int drv_ports_add(struct drv_ports *p, uint16_t port, struct drv_error *err);
/* Gives back the last one. */
void drv_ports_drop(struct drv_ports *p);
void drv_ports_release(struct drv_ports *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP ports of a host. Owned by the host, or by the set where several hosts share them.
 *
 * Where the addresses are the stack's own the kernel has nobody who could take them, and they are
 * drawn. */
#include "ports.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* RFC 6335 6: these are the dynamic ones. */
enum { DYNAMIC_PORTS = 0xc000 };

void drv_ports_init(struct drv_ports *p, bool own)
{
    p->own = own;
    p->n = 0;
    for (size_t i = 0; i < DRV_PORTS_MAX; i++)
        p->port[i].fd = -1;
}

static bool has(const struct drv_ports *p, uint16_t port)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->number[i] == port)
            return true;
    return false;
}

static uint16_t draw(const struct drv_ports *p)
{
    uint16_t port;

    do {
        ssize_t n = getrandom(&port, sizeof port, 0);
        if (n != (ssize_t)sizeof port && errno != EINTR)
            abort(); /* no kernel that has TUN devices lacks it */
        port = (uint16_t)(DYNAMIC_PORTS | port);
    } while (has(p, port));
    return port;
}

int drv_ports_add(struct drv_ports *p, uint16_t port, struct drv_error *err)
{
    if (port != 0 && has(p, port))
        return 0;
    if (p->n == DRV_PORTS_MAX)
        return drv_fail(err, DRV_FAULT_USAGE, "too many ports, the limit is %d", DRV_PORTS_MAX);
    if (p->own) {
        p->number[p->n] = port != 0 ? port : draw(p);
        p->n++;
        return 0;
    }
    if (drv_port_reserve(&p->port[p->n], port, err) < 0)
        return -1;
    p->number[p->n] = p->port[p->n].port;
    p->n++;
    return 0;
}

void drv_ports_drop(struct drv_ports *p)
{
    drv_port_release(&p->port[--p->n]);
}

void drv_ports_release(struct drv_ports *p)
{
    while (p->n > 0)
        drv_ports_drop(p);
}

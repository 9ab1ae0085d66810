/* SPDX-License-Identifier: Apache-2.0 */
/* Port reservation. plait's connections do not exist for the kernel, so it would hand their port to
 * anybody. A kernel socket that is bound to the port for all IPv4 and IPv6 addresses, and does
 * nothing else, keeps it. Owned by the host; closed last, after the firewall rule is gone. */
#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One IPv6 socket with V6ONLY off takes the port in both families. */
static int bind_dual(int fd, uint16_t port)
{
    struct sockaddr_in6 sa;
    int off = 0;

    memset(&sa, 0, sizeof sa);
    sa.sin6_family = AF_INET6;
    sa.sin6_port = htons(port);
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -1;
    return bind(fd, (struct sockaddr *)&sa, sizeof sa);
}

static int bind_v4(int fd, uint16_t port)
{
    struct sockaddr_in sa;

    memset(&sa, 0, sizeof sa);
    sa.sin_family = AF_INET;
    sa.sin_port = htons(port);
    return bind(fd, (struct sockaddr *)&sa, sizeof sa);
}

static int fail_bind(uint16_t port, struct drv_error *err)
{
    if (errno == EADDRINUSE && port != 0)
        return drv_fail(
            err, DRV_FAULT_SYSTEM,
            "port %u is used by another program: choose another, or see who has it with "
            "`ss -tanp sport = :%u`",
            port, port);
    if (errno == EADDRINUSE)
        return drv_fail(err, DRV_FAULT_SYSTEM,
                        "no free local port: see net.ipv4.ip_local_port_range");
    if (errno == EACCES)
        return drv_fail(err, DRV_FAULT_PERMISSION,
                        "no permission to use port %u: ports below 1024 need CAP_NET_BIND_SERVICE",
                        port);
    return drv_fail(err, DRV_FAULT_SYSTEM, "cannot reserve port %u: %s", port, strerror(errno));
}

int drv_port_reserve(struct drv_port *p, uint16_t port, struct drv_error *err)
{
    struct sockaddr_storage got;
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    socklen_t len = sizeof got;
    bool dual = true;

    p->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0) {
        dual = false;
        p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    if (p->fd < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "cannot open a socket: %s", strerror(errno));
    if ((dual ? bind_dual(p->fd, port) : bind_v4(p->fd, port)) < 0 ||
        getsockname(p->fd, (struct sockaddr *)&got, &len) < 0) {
        (void)fail_bind(port, err);
        drv_port_release(p);
        return -1;
    }
    memcpy(&v6, &got, sizeof v6);
    memcpy(&v4, &got, sizeof v4);
    p->port = ntohs(dual ? v6.sin6_port : v4.sin_port);
    return 0;
}

void drv_port_release(struct drv_port *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
}

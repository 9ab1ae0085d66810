/* SPDX-License-Identifier: Apache-2.0 */
/* How the programs with a host start: names become addresses, signals descriptors, faults exit
 * statuses. Called by cat.c and perf's files. */
#include "start.h"

#include "driver/addr.h"
#include "say.h"

#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

static bool is_scope_missing(const struct drv_paths *paths)
{
    return paths->peer.family == 6 && addr_is_linklocal(&paths->peer) && paths->peer_ifindex == 0 &&
           !paths->listening;
}

static bool take_address(const char *host, const struct addrinfo *found, struct drv_paths *paths)
{
    struct sockaddr_in6 v6;

    if (!drv_addr_from_sockaddr(found->ai_addr, &paths->peer)) {
        say("%s: it has no IPv4 or IPv6 address", host);
        return false;
    }
    if (found->ai_family == AF_INET6) {
        memcpy(&v6, found->ai_addr, sizeof v6);
        paths->peer_ifindex = v6.sin6_scope_id;
    }
    return true;
}

bool start_resolve(const char *host, uint16_t port, struct drv_paths *paths)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    bool taken;
    int rc;

    hints.ai_family = paths->family == 4 ? AF_INET : paths->family == 6 ? AF_INET6 : AF_UNSPEC;
    /*= RFC 6897 6.4-1 */
    rc = getaddrinfo(host, NULL, &hints, &list); /* its first address alone is used */
    if (rc != 0) {
        say("%s: %s%s", host, gai_strerror(rc),
            paths->family != 0 ? "; without -4 or -6 there may be an address" : "");
        return false;
    }
    taken = take_address(host, list, paths);
    freeaddrinfo(list);
    if (!taken)
        return false;
    paths->peer.port = port;
    if (is_scope_missing(paths)) {
        say("%s: a link-local address needs its interface, as in %s%%eth0", host, host);
        return false;
    }
    return true;
}

int start_signals(void)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int start_status(enum drv_fault fault)
{
    if (fault == DRV_FAULT_PERMISSION)
        return STATUS_PERMISSION;
    return fault == DRV_FAULT_USAGE ? STATUS_USAGE : STATUS_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The mirror of the kernel's links and addresses, and the news about routes and neighbours.
 *
 * Two sockets: one subscribes to the groups and is only read; the other asks questions and waits
 * for their answers (ask.c). The subscription starts before the first dump, so nothing falls
 * between. A message is applied as "this is how it is now", so it does no harm twice. When the
 * kernel had to drop news (ENOBUFS), everything is dumped again. Owned by the host. */
#include "netmon_impl.h"

#include "addr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { NEWS_RCVBUF = 1 << 20, GSO_DEFAULT = 65536 };

/* ---- the tables -------------------------------------------------------------------------------
 */

/* Room for one more element; NULL when memory is out: then the news is lost, as if it had come
 * later. */
static void *grow(void *v, size_t n, size_t *cap, size_t size)
{
    void *more;
    if (n < *cap)
        return v;
    more = realloc(v, (*cap + 16) * 2 * size);
    if (more)
        *cap = (*cap + 16) * 2;
    return more;
}

static struct drv_link *find_link(const struct drv_netmon *mon, uint32_t ifindex)
{
    for (size_t i = 0; i < mon->link_n; i++)
        if (mon->link[i].ifindex == ifindex)
            return &mon->link[i];
    return NULL;
}

static struct drv_ifaddr *find_addr(const struct drv_netmon *mon, const struct drv_ifaddr *a)
{
    for (size_t i = 0; i < mon->addr_n; i++)
        if (mon->addr[i].ifindex == a->ifindex && addr_same_ip(&mon->addr[i].addr, &a->addr))
            return &mon->addr[i];
    return NULL;
}

static void set_link(struct drv_netmon *mon, const struct drv_link *link)
{
    struct drv_link *old = find_link(mon, link->ifindex), *v;
    if (!old) {
        v = grow(mon->link, mon->link_n, &mon->link_cap, sizeof *v);
        if (!v)
            return;
        mon->link = v;
        old = &mon->link[mon->link_n++];
    }
    *old = *link;
}

static void set_addr(struct drv_netmon *mon, const struct drv_ifaddr *addr)
{
    struct drv_ifaddr *old = find_addr(mon, addr), *v;
    if (!old) {
        v = grow(mon->addr, mon->addr_n, &mon->addr_cap, sizeof *v);
        if (!v)
            return;
        mon->addr = v;
        old = &mon->addr[mon->addr_n++];
    }
    *old = *addr;
}

/* Order is kept: the first address of an interface is its primary one. */
static void remove_addr(struct drv_netmon *mon, struct drv_ifaddr *addr)
{
    size_t after = mon->addr_n - (size_t)(addr - mon->addr) - 1;
    memmove(addr, addr + 1, after * sizeof *addr);
    mon->addr_n--;
}

static void remove_link(struct drv_netmon *mon, uint32_t ifindex)
{
    struct drv_link *link = find_link(mon, ifindex);

    if (link) {
        size_t after = mon->link_n - (size_t)(link - mon->link) - 1;
        memmove(link, link + 1, after * sizeof *link);
        mon->link_n--;
    }
    for (size_t i = mon->addr_n; i-- > 0;)
        if (mon->addr[i].ifindex == ifindex)
            remove_addr(mon, &mon->addr[i]);
}

/* ---- messages ------------------------------------------------------------------------------- */

static int link_attribute(const struct nlattr *attr, void *data)
{
    struct drv_link *link = data;

    switch (mnl_attr_get_type(attr)) {
    case IFLA_IFNAME:
        (void)strncpy(link->name, mnl_attr_get_str(attr), sizeof link->name - 1);
        break;
    case IFLA_MTU:
        link->mtu = mnl_attr_get_u32(attr);
        break;
    case IFLA_ADDRESS:
        if (mnl_attr_get_payload_len(attr) == sizeof link->mac)
            memcpy(link->mac, mnl_attr_get_payload(attr), sizeof link->mac);
        break;
    case IFLA_GSO_MAX_SIZE:
        link->gso_max = mnl_attr_get_u32(attr);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static unsigned take_link(struct drv_netmon *mon, const struct nlmsghdr *msg)
{
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
    struct drv_link link;

    /* A bridge tells of its ports in messages of its own family. */
    if (info->ifi_family != AF_UNSPEC)
        return 0;
    if (msg->nlmsg_type == RTM_DELLINK) {
        remove_link(mon, (uint32_t)info->ifi_index);
        return DRV_NEWS_ADDRS | DRV_NEWS_ROUTES;
    }
    memset(&link, 0, sizeof link);
    link.ifindex = (uint32_t)info->ifi_index;
    link.type = info->ifi_type;
    link.up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_LOWER_UP);
    link.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
    link.has_neighbours = info->ifi_type == ARPHRD_ETHER && !(info->ifi_flags & IFF_NOARP);
    link.gso_max = GSO_DEFAULT;
    (void)mnl_attr_parse(msg, sizeof *info, link_attribute, &link);
    set_link(mon, &link);
    return DRV_NEWS_ADDRS | DRV_NEWS_ROUTES;
}

struct addr_attrs {
    const void *ip;
    size_t ip_len;
    uint32_t flags; /* IFA_F_* */
};

static int addr_attribute(const struct nlattr *attr, void *data)
{
    struct addr_attrs *found = data;
    uint16_t type = mnl_attr_get_type(attr);

    /* On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL ours. */
    if (type == IFA_LOCAL || (type == IFA_ADDRESS && !found->ip)) {
        found->ip = mnl_attr_get_payload(attr);
        found->ip_len = mnl_attr_get_payload_len(attr);
    } else if (type == IFA_FLAGS) {
        found->flags = mnl_attr_get_u32(attr);
    }
    return MNL_CB_OK;
}

static unsigned take_addr(struct drv_netmon *mon, const struct nlmsghdr *msg)
{
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(msg);
    uint8_t family = info->ifa_family == AF_INET6 ? 6 : 4;
    struct addr_attrs found = {.flags = info->ifa_flags};
    struct drv_ifaddr a, *old;

    if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
        return 0;
    (void)mnl_attr_parse(msg, sizeof *info, addr_attribute, &found);
    if (!found.ip || found.ip_len != (family == 6 ? 16 : 4))
        return 0;
    memset(&a, 0, sizeof a);
    a.ifindex = info->ifa_index;
    a.addr = drv_addr_make(family, found.ip);
    a.tentative = (found.flags & IFA_F_TENTATIVE) != 0 &&
                  (found.flags & (IFA_F_OPTIMISTIC | IFA_F_DADFAILED)) == 0;
    a.usable = !a.tentative && (found.flags & IFA_F_DADFAILED) == 0;
    a.preferred = (found.flags & (IFA_F_DEPRECATED | IFA_F_SECONDARY)) == 0;
    old = find_addr(mon, &a);
    if (msg->nlmsg_type == RTM_NEWADDR)
        set_addr(mon, &a);
    else if (old)
        remove_addr(mon, old);
    return DRV_NEWS_ADDRS | DRV_NEWS_ROUTES;
}

static int neigh_attribute(const struct nlattr *attr, void *data)
{
    struct drv_neigh *n = data;
    size_t len = mnl_attr_get_payload_len(attr);

    if (mnl_attr_get_type(attr) == NDA_DST && (len == 4 || len == 16)) {
        n->addr = drv_addr_make(len == 4 ? 4 : 6, mnl_attr_get_payload(attr));
    } else if (mnl_attr_get_type(attr) == NDA_LLADDR && len == sizeof n->mac) {
        memcpy(n->mac, mnl_attr_get_payload(attr), sizeof n->mac);
        n->has_mac = true;
    }
    return MNL_CB_OK;
}

bool drv_netmon_parse_neigh(const struct nlmsghdr *msg, struct drv_neigh *n)
{
    const struct ndmsg *info = mnl_nlmsg_get_payload(msg);
    const unsigned known =
        NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;

    if (info->ndm_family != AF_INET && info->ndm_family != AF_INET6)
        return false;
    memset(n, 0, sizeof *n);
    (void)mnl_attr_parse(msg, sizeof *info, neigh_attribute, n);
    n->ifindex = (uint32_t)info->ndm_ifindex;
    n->failed = (info->ndm_state & NUD_FAILED) != 0 || msg->nlmsg_type == RTM_DELNEIGH;
    n->stale = (info->ndm_state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0;
    n->has_mac = n->has_mac && (info->ndm_state & known) != 0 && !n->failed;
    return n->addr.family == (info->ndm_family == AF_INET6 ? 6 : 4);
}

static int take(const struct nlmsghdr *msg, void *data)
{
    struct drv_netmon *mon = data;
    struct drv_neigh neigh;

    switch (msg->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        mon->news |= take_link(mon, msg);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        mon->news |= take_addr(mon, msg);
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWRULE:
    case RTM_DELRULE:
        mon->news |= DRV_NEWS_ROUTES;
        break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        if (!mon->on_neigh || !drv_netmon_parse_neigh(msg, &neigh))
            break;
        mon->news |= DRV_NEWS_NEIGH;
        mon->on_neigh(mon->on_neigh_ctx, &neigh);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

/* ---- dumps and news ------------------------------------------------------------------------- */

static bool dump(struct drv_netmon *mon, uint16_t type)
{
    char buf[256];
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    struct rtgenmsg *gen;

    msg->nlmsg_type = type;
    msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    gen = mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
    gen->rtgen_family = AF_UNSPEC;
    return drv_netmon_ask(mon, msg, take, mon) == 0;
}

static bool dump_all(struct drv_netmon *mon)
{
    mon->link_n = 0;
    mon->addr_n = 0;
    mon->news |= DRV_NEWS_ADDRS | DRV_NEWS_ROUTES;
    return dump(mon, RTM_GETLINK) && dump(mon, RTM_GETADDR);
}

static bool subscribe(struct mnl_socket *socket)
{
    static const int groups[] = {
        RTNLGRP_LINK,       RTNLGRP_NEIGH,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
        RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
    };
    int rcvbuf = NEWS_RCVBUF;

    (void)setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        int group = groups[i];
        /* A kernel without IPv6 has not all of them. */
        if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0 &&
            i < 3)
            return false;
    }
    return true;
}

struct drv_netmon *drv_netmon_open(struct drv_error *err)
{
    struct drv_netmon *mon = calloc(1, sizeof *mon);

    if (!mon) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        return NULL;
    }
    mon->listen = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    mon->asking = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!mon->listen || !mon->asking || mnl_socket_bind(mon->listen, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_bind(mon->asking, 0, MNL_SOCKET_AUTOPID) < 0 || !subscribe(mon->listen) ||
        !dump_all(mon)) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "cannot read links and addresses from the kernel: %s",
                       strerror(errno));
        drv_netmon_close(mon);
        return NULL;
    }
    return mon;
}

void drv_netmon_close(struct drv_netmon *mon)
{
    if (mon->listen)
        (void)mnl_socket_close(mon->listen);
    if (mon->asking)
        (void)mnl_socket_close(mon->asking);
    free(mon->link);
    free(mon->addr);
    free(mon);
}

int drv_netmon_fd(const struct drv_netmon *mon)
{
    return mnl_socket_get_fd(mon->listen);
}

unsigned drv_netmon_read(struct drv_netmon *mon,
                         void (*neigh)(void *ctx, const struct drv_neigh *n), void *ctx)
{
    unsigned news;

    mon->on_neigh = neigh;
    mon->on_neigh_ctx = ctx;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(mon->listen, mon->buf, sizeof mon->buf);
        if (n > 0)
            (void)mnl_cb_run(mon->buf, (size_t)n, 0, 0, take, mon);
        else if (n < 0 && errno == ENOBUFS)
            (void)dump_all(mon);
        else if (n == 0 || errno != EINTR)
            break;
    }
    mon->on_neigh = NULL;
    news = mon->news;
    mon->news = 0;
    return news;
}

/* ---- what can be asked ---------------------------------------------------------------------- */

const struct drv_link *drv_netmon_link(const struct drv_netmon *mon, size_t i)
{
    return i < mon->link_n ? &mon->link[i] : NULL;
}

const struct drv_ifaddr *drv_netmon_addr(const struct drv_netmon *mon, size_t i)
{
    return i < mon->addr_n ? &mon->addr[i] : NULL;
}

const struct drv_link *drv_netmon_find_link(const struct drv_netmon *mon, uint32_t ifindex)
{
    return find_link(mon, ifindex);
}

const struct drv_link *drv_netmon_find_name(const struct drv_netmon *mon, const char *name)
{
    for (size_t i = 0; i < mon->link_n; i++)
        if (strcmp(mon->link[i].name, name) == 0)
            return &mon->link[i];
    return NULL;
}

bool drv_netmon_is_local(const struct drv_netmon *mon, const struct plait_addr *addr)
{
    if (addr_is_loopback(addr))
        return true;
    for (size_t i = 0; i < mon->addr_n; i++)
        if (addr_same_ip(&mon->addr[i].addr, addr))
            return true;
    return false;
}

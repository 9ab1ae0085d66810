/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the kernel by rtnetlink: which way to a destination, and who is the next hop on the
 * link. The kernel answers within the call, so each is a send and a receive. The route cache
 * (route.c) keeps their number small. */
#include "netmon_impl.h"

#include "addr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#ifndef RTM_F_FIB_MATCH
#define RTM_F_FIB_MATCH 0x2000
#endif

enum { ANSWER_BUFFER = 1 << 15 };

/* What is left of an earlier question that was given up. */
static bool is_old(const char *buf, size_t n, uint32_t seq)
{
    struct nlmsghdr head;
    if (n < sizeof head)
        return true;
    memcpy(&head, buf, sizeof head);
    return head.nlmsg_seq != seq;
}

int drv_netmon_ask(struct drv_netmon *mon, struct nlmsghdr *msg,
                   int (*take)(const struct nlmsghdr *msg, void *data), void *data)
{
    _Alignas(8) char buf[ANSWER_BUFFER];
    unsigned port = mnl_socket_get_portid(mon->asking);

    msg->nlmsg_seq = ++mon->seq;
    if ((msg->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) /* NLM_F_EXCL is one of its two bits */
        msg->nlmsg_flags |= NLM_F_ACK; /* so that each answer has an end */
    if (mnl_socket_sendto(mon->asking, msg, msg->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(mon->asking, buf, sizeof buf);
        int verdict;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (is_old(buf, (size_t)n, mon->seq))
            continue;
        verdict = mnl_cb_run(buf, (size_t)n, mon->seq, port, take, data);
        if (verdict == MNL_CB_STOP)
            return 0;
        if (verdict == MNL_CB_ERROR)
            return -errno;
    }
}

/* ---- routes --------------------------------------------------------------------------------- */

struct route_answer {
    struct drv_route route;
    uint8_t type;   /* RTN_*; 0: no answer */
    uint8_t family; /* of the destination, 4 or 6 */
};

static int route_attribute(const struct nlattr *attr, void *answer)
{
    struct route_answer *a = answer;
    uint8_t family = a->family;
    const void *data = mnl_attr_get_payload(attr);
    size_t len = mnl_attr_get_payload_len(attr), ip_len = family == 6 ? 16 : 4;

    switch (mnl_attr_get_type(attr)) {
    case RTA_OIF:
        a->route.ifindex = mnl_attr_get_u32(attr);
        break;
    case RTA_GATEWAY:
        if (len != ip_len)
            break;
        a->route.next = drv_addr_make(family, data);
        a->route.has_gateway = true;
        break;
    case RTA_VIA: /* the next hop is of the other family: two bytes of family, then the address */
        if (len != sizeof(uint16_t) + (family == 6 ? 4 : 16))
            break;
        a->route.next =
            drv_addr_make(family == 6 ? 4 : 6, (const uint8_t *)data + sizeof(uint16_t));
        a->route.has_gateway = true;
        break;
    case RTA_PREFSRC:
        if (len == ip_len)
            a->route.source = drv_addr_make(family, data);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *msg, void *data)
{
    const struct rtmsg *info = mnl_nlmsg_get_payload(msg);
    struct route_answer *a = data;

    if (msg->nlmsg_type != RTM_NEWROUTE)
        return MNL_CB_OK;
    a->type = info->rtm_type;
    a->family = info->rtm_family == AF_INET6 ? 6 : 4;
    (void)mnl_attr_parse(msg, sizeof *info, route_attribute, a);
    return MNL_CB_OK;
}

static bool ask_route(struct drv_netmon *mon, const struct plait_addr *src,
                      const struct plait_addr *dst, uint32_t ifindex_and_flags[2],
                      struct route_answer *a)
{
    char buf[256];
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    size_t ip_len = addr_ip_len(dst);
    struct rtmsg *info;

    msg->nlmsg_type = RTM_GETROUTE;
    msg->nlmsg_flags = NLM_F_REQUEST;
    info = mnl_nlmsg_put_extra_header(msg, sizeof *info);
    info->rtm_family = dst->family == 6 ? AF_INET6 : AF_INET;
    info->rtm_dst_len = (uint8_t)(ip_len * 8);
    info->rtm_flags = ifindex_and_flags[1];
    mnl_attr_put(msg, RTA_DST, ip_len, dst->ip);
    if (src->family != 0) {
        info->rtm_src_len = (uint8_t)(ip_len * 8);
        mnl_attr_put(msg, RTA_SRC, ip_len, src->ip);
    }
    if (ifindex_and_flags[0] != 0)
        mnl_attr_put_u32(msg, RTA_OIF, ifindex_and_flags[0]);
    memset(a, 0, sizeof *a);
    return drv_netmon_ask(mon, msg, take_route, a) == 0;
}

/* Where no IPv4 route leads out of the interface that is asked for, the kernel assumes that the
 * destination is on its link. FIB_MATCH asks for a route that exists. */
static bool has_route(struct drv_netmon *mon, const struct plait_addr *src,
                      const struct plait_addr *dst, uint32_t ifindex)
{
    uint32_t how[2] = {ifindex, RTM_F_FIB_MATCH};
    struct route_answer a;
    return dst->family != 4 || ifindex == 0 || ask_route(mon, src, dst, how, &a);
}

bool drv_netmon_route(struct drv_netmon *mon, const struct plait_addr *src,
                      const struct plait_addr *dst, uint32_t ifindex, struct drv_route *route)
{
    uint32_t how[2] = {ifindex, 0};
    struct route_answer a;

    if (!has_route(mon, src, dst, ifindex) || !ask_route(mon, src, dst, how, &a))
        return false;
    if (a.type != RTN_UNICAST && a.type != RTN_LOCAL)
        return false;
    /* IPv6 takes the interface as a wish only. */
    if (ifindex != 0 && a.type == RTN_UNICAST && a.route.ifindex != ifindex)
        return false;
    *route = a.route;
    route->local = a.type == RTN_LOCAL;
    if (!route->has_gateway) {
        route->next = *dst;
        route->next.port = 0;
    }
    return true;
}

/* ---- neighbours ----------------------------------------------------------------------------- */

static int take_neigh(const struct nlmsghdr *msg, void *data)
{
    struct drv_neigh *n = data;
    if (msg->nlmsg_type == RTM_NEWNEIGH)
        (void)drv_netmon_parse_neigh(msg, n);
    return MNL_CB_OK;
}

static struct nlmsghdr *neigh_message(char *buf, uint16_t type, uint32_t ifindex,
                                      const struct plait_addr *addr)
{
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    struct ndmsg *info;

    msg->nlmsg_type = type;
    msg->nlmsg_flags = NLM_F_REQUEST;
    info = mnl_nlmsg_put_extra_header(msg, sizeof *info);
    info->ndm_family = addr->family == 6 ? AF_INET6 : AF_INET;
    info->ndm_ifindex = (int)ifindex;
    mnl_attr_put(msg, NDA_DST, addr_ip_len(addr), addr->ip);
    return msg;
}

bool drv_netmon_neigh(struct drv_netmon *mon, uint32_t ifindex, const struct plait_addr *addr,
                      struct drv_neigh *neigh)
{
    char buf[256];
    struct nlmsghdr *msg = neigh_message(buf, RTM_GETNEIGH, ifindex, addr);

    memset(neigh, 0, sizeof *neigh);
    return drv_netmon_ask(mon, msg, take_neigh, neigh) == 0 && neigh->addr.family != 0;
}

/* NTF_USE: the kernel treats the entry as if it had a packet to send. */
void drv_netmon_resolve(struct drv_netmon *mon, uint32_t ifindex, const struct plait_addr *addr)
{
    char buf[256];
    struct nlmsghdr *msg = neigh_message(buf, RTM_NEWNEIGH, ifindex, addr);
    struct ndmsg *info = mnl_nlmsg_get_payload(msg);

    msg->nlmsg_flags |= NLM_F_CREATE;
    info->ndm_state = NUD_NONE;
    info->ndm_flags = NTF_USE;
    (void)drv_netmon_ask(mon, msg, NULL, NULL);
}

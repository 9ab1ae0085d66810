/* SPDX-License-Identifier: Apache-2.0 */
/* What plait changes in the host's network, by rtnetlink: it switches its own TUN device on, and
 * routes its own address there. Called by own.c. */
#include "netmon_impl.h"

#include "base/addr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

int drv_netmon_switch_on(struct drv_netmon *mon, uint32_t ifindex)
{
    char buf[256];
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    struct ifinfomsg *info;

    msg->nlmsg_type = RTM_NEWLINK;
    msg->nlmsg_flags = NLM_F_REQUEST;
    info = mnl_nlmsg_put_extra_header(msg, sizeof *info);
    info->ifi_index = (int)ifindex;
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    return drv_netmon_ask(mon, msg, NULL, NULL);
}

/* The very address and no prefix; where such a route is, it stays as it is. */
int drv_netmon_route_here(struct drv_netmon *mon, uint32_t ifindex, const struct plait_addr *addr,
                          bool add)
{
    char buf[256];
    struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
    size_t ip_len = addr_ip_len(addr);
    struct rtmsg *info;

    msg->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
    msg->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
    info = mnl_nlmsg_put_extra_header(msg, sizeof *info);
    info->rtm_family = addr->family == 6 ? AF_INET6 : AF_INET;
    info->rtm_dst_len = (uint8_t)(ip_len * 8);
    info->rtm_table = RT_TABLE_MAIN;
    info->rtm_protocol = RTPROT_STATIC;
    info->rtm_scope = RT_SCOPE_LINK;
    info->rtm_type = RTN_UNICAST;
    mnl_attr_put(msg, RTA_DST, ip_len, addr->ip);
    mnl_attr_put_u32(msg, RTA_OIF, ifindex);
    return drv_netmon_ask(mon, msg, NULL, NULL);
}

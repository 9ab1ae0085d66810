/* SPDX-License-Identifier: Apache-2.0 */
/* Private to netmon.c and ask.c. */
#ifndef DRV_NETMON_IMPL_H
#define DRV_NETMON_IMPL_H

#include "netmon.h"

struct mnl_socket;
struct nlmsghdr;

struct drv_netmon {
    struct mnl_socket *listen; /* subscribed, never asks */
    struct mnl_socket *asking; /* one question at a time */
    uint32_t seq;              /* of the last question */
    struct drv_link *link;
    size_t link_n, link_cap;
    struct drv_ifaddr *addr; /* in the kernel's order */
    size_t addr_n, addr_cap;
    unsigned news; /* DRV_NEWS_* since the last drv_netmon_read() */
    void (*on_neigh)(void *ctx, const struct drv_neigh *n);
    void *on_neigh_ctx;
    _Alignas(8) char buf[1 << 16]; /* one read of news */
};

/* Sends a question and feeds its answers to take (may be NULL); 0 or -errno. */
int drv_netmon_ask(struct drv_netmon *mon, struct nlmsghdr *msg,
                   int (*take)(const struct nlmsghdr *msg, void *data), void *data);
bool drv_netmon_parse_neigh(const struct nlmsghdr *msg, struct drv_neigh *n);

#endif

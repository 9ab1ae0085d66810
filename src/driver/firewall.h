/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the host kernel's TCP away from the packets that plait answers. */
#ifndef DRV_FIREWALL_H
#define DRV_FIREWALL_H

#include "drv.h"

struct nft_ctx;

struct drv_firewall {
    struct nft_ctx *ctx; /* its netlink socket owns the table: it stays open; NULL when closed */
    char table[40];
    bool owned; /* the kernel removes the table when this process ends, whatever happens */
};

/* Drops TCP segments to these ports (host order) of local addresses before the kernel's TCP sees
 * them. Packet sockets still do. Removes what dead processes of ours have left behind. */
int drv_firewall_open(struct drv_firewall *fw, const uint16_t *ports, size_t n,
                      struct drv_error *err);
void drv_firewall_close(struct drv_firewall *fw);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The classic BPF program of the packet socket. */
#ifndef DRV_FILTER_H
#define DRV_FILTER_H

#include "port.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum { DRV_FILTER_MAX = 128 + DRV_PORTS_MAX };

/* What passes. */
struct drv_filter {
    uint8_t link_len;      /* bytes before IP */
    const uint16_t *ports; /* ours, in host order */
    size_t port_n;
    uint8_t shard, shard_n; /* only what is at home in this shard; shard_n 0 or 1: there is one */
};

/* Writes into prog, DRV_FILTER_MAX instructions. Their number. */
size_t drv_filter_build(struct sock_filter *prog, const struct drv_filter *f);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The classic BPF program of the packet socket. */
#ifndef DRV_FILTER_H
#define DRV_FILTER_H

#include "port.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum { DRV_FILTER_MAX = 96 + DRV_PORTS_MAX };

/* Writes into prog (DRV_FILTER_MAX instructions) what lets only our frames pass: link_len bytes
 * stand before IP, ports are in host order. The number of instructions. */
size_t drv_filter_build(struct sock_filter *prog, uint8_t link_len, const uint16_t *ports,
                        size_t port_n);

#endif

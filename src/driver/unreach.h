/* SPDX-License-Identifier: Apache-2.0 */
/* The answer that this host gives itself to a SYN for which it has no route. */
#ifndef DRV_UNREACH_H
#define DRV_UNREACH_H

#include <plait/plait.h>

struct drv_unreach {
    uint8_t ip[40 + 8 + PLAIT_HEAD_MAX];
    size_t len;
};

/* An ICMP error about out, as plait_input() takes it with csum_ok. False where out is no SYN: a
 * connection that exists may wait for a route to come back (RFC 9293 3.9.2.2). */
bool drv_unreach_make(const struct plait_out *out, struct drv_unreach *u);

#endif

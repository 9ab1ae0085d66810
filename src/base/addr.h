/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing and judging addresses. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <plait/types.h>

bool addr_equal(const struct plait_addr *a, const struct plait_addr *b);   /* with the port */
bool addr_same_ip(const struct plait_addr *a, const struct plait_addr *b); /* without */
/* Can a peer's packet come from it, or a connection go to it: not unspecified, multicast,
 * broadcast, or v4-mapped. */
bool addr_is_unicast(const struct plait_addr *a);
bool addr_is_loopback(const struct plait_addr *a);
bool addr_is_linklocal(const struct plait_addr *a);
unsigned addr_ip_len(const struct plait_addr *a); /* 4, 16 or 0 */
/* "192.0.2.1:80", "[2001:db8::1]:80"; without a port when it is 0. Always terminated. */
enum { ADDR_TEXT_MAX = 56 };
void addr_print(const struct plait_addr *a, char out[ADDR_TEXT_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses between plait, text and the system. */
#ifndef DRV_ADDR_H
#define DRV_ADDR_H

#include "base/addr.h"
#include <plait/types.h>
#include <sys/socket.h>

/* The address without its port; "any" for family 0. Answers buf. */
const char *drv_addr_ip_text(const struct plait_addr *addr, char buf[ADDR_TEXT_MAX]);
/* With the port where there is one. Answers buf. */
const char *drv_addr_text(const struct plait_addr *addr, char buf[ADDR_TEXT_MAX]);
/* Takes what addr_print() writes, and a bare IPv6 address; false for anything else. */
bool drv_addr_parse(const char *text, struct plait_addr *addr);
/* A decimal port from 1 to 65535. */
bool drv_addr_parse_port(const char *text, uint16_t *port);
/* Address of family 4 or 6 from network-order bytes, port 0. */
struct plait_addr drv_addr_make(uint8_t family, const void *ip);
/* False for a family that is neither IPv4 nor IPv6. IPv4-mapped IPv6 becomes IPv4. */
bool drv_addr_from_sockaddr(const struct sockaddr *sa, struct plait_addr *addr);

#endif

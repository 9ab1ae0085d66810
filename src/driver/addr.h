/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses between plait, text and the system. */
#ifndef DRV_ADDR_H
#define DRV_ADDR_H

#include <plait/types.h>
#include <sys/socket.h>

enum { DRV_ADDR_TEXT = 64 };

/* "192.0.2.1:80", "[2001:db8::1]:80", or without a port where it is 0; "any" for family 0. Answers buf. */
const char *drv_addr_text(const struct plait_addr *addr, char buf[DRV_ADDR_TEXT]);
/* The same without the port. */
const char *drv_addr_ip_text(const struct plait_addr *addr, char buf[DRV_ADDR_TEXT]);
/* Takes what drv_addr_text writes, and a bare IPv6 address; false for anything else. */
bool drv_addr_parse(const char *text, struct plait_addr *addr);
/* A decimal port from 1 to 65535. */
bool drv_addr_parse_port(const char *text, uint16_t *port);
/* Address of family 4 or 6 from network-order bytes, port 0. */
struct plait_addr drv_addr_make(uint8_t family, const void *ip);
/* False for a family that is neither IPv4 nor IPv6. IPv4-mapped IPv6 becomes IPv4. */
bool drv_addr_from_sockaddr(const struct sockaddr *sa, struct plait_addr *addr);
size_t drv_addr_ip_len(const struct plait_addr *addr); /* 4 or 16 */
bool drv_addr_same_ip(const struct plait_addr *a, const struct plait_addr *b);
bool drv_addr_is_loopback(const struct plait_addr *addr);
bool drv_addr_is_link_local(const struct plait_addr *addr);

#endif

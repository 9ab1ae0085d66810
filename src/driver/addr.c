/* SPDX-License-Identifier: Apache-2.0 */
/* Text and system forms of addresses. Pure functions; called by the rest of the driver and the
 * tools. */
#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

const char *drv_addr_text(const struct plait_addr *addr, char buf[ADDR_TEXT_MAX])
{
    addr_print(addr, buf);
    return buf;
}

const char *drv_addr_ip_text(const struct plait_addr *addr, char buf[ADDR_TEXT_MAX])
{
    struct plait_addr bare = *addr;
    bare.port = 0;
    return drv_addr_text(&bare, buf);
}

bool drv_addr_parse_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *port = (uint16_t)value;
    return value >= 1 && value <= 65535;
}

static bool parse_ip(const char *text, size_t len, struct plait_addr *addr)
{
    char buf[ADDR_TEXT_MAX];
    struct in_addr v4;
    struct in6_addr v6;

    if (len == 0 || len >= sizeof buf)
        return false;
    memcpy(buf, text, len);
    buf[len] = '\0';
    if (inet_pton(AF_INET, buf, &v4) == 1)
        *addr = drv_addr_make(4, &v4);
    else if (inet_pton(AF_INET6, buf, &v6) == 1)
        *addr = drv_addr_make(6, &v6);
    else
        return false;
    return true;
}

bool drv_addr_parse(const char *text, struct plait_addr *addr)
{
    const char *end;
    uint16_t port = 0;

    if (text[0] == '[') {
        end = strchr(text, ']');
        if (!end || !parse_ip(text + 1, (size_t)(end - text - 1), addr) || addr->family != 6)
            return false;
        if (end[1] != '\0' && (end[1] != ':' || !drv_addr_parse_port(end + 2, &port)))
            return false;
    } else if ((end = strchr(text, ':')) != NULL && !strchr(end + 1, ':')) {
        if (!parse_ip(text, (size_t)(end - text), addr) || !drv_addr_parse_port(end + 1, &port))
            return false;
    } else if (!parse_ip(text, strlen(text), addr)) {
        return false;
    }
    addr->port = port;
    return true;
}

struct plait_addr drv_addr_make(uint8_t family, const void *ip)
{
    struct plait_addr addr;
    memset(&addr, 0, sizeof addr);
    addr.family = family;
    memcpy(addr.ip, ip, addr_ip_len(&addr));
    return addr;
}

bool drv_addr_from_sockaddr(const struct sockaddr *sa, struct plait_addr *addr)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (sa->sa_family == AF_INET) {
        memcpy(&v4, sa, sizeof v4);
        *addr = drv_addr_make(4, &v4.sin_addr);
        addr->port = ntohs(v4.sin_port);
        return true;
    }
    if (sa->sa_family != AF_INET6)
        return false;
    memcpy(&v6, sa, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        *addr = drv_addr_make(4, v6.sin6_addr.s6_addr + 12);
    else
        *addr = drv_addr_make(6, &v6.sin6_addr);
    addr->port = ntohs(v6.sin6_port);
    return true;
}

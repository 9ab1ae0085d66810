/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: comparing, judging what a stranger announces, and text for people (RFC 5952). */
#include "addr.h"

#include <string.h>

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t v6_loopback[16] = { [15] = 1 };
static const uint8_t v4_broadcast[4] = { 0xff, 0xff, 0xff, 0xff };
static const uint8_t zeros[16];

unsigned addr_ip_len(const struct plait_addr *a)
{
    if (a->family == 4)
        return 4;
    return a->family == 6 ? 16 : 0;
}

bool addr_same_ip(const struct plait_addr *a, const struct plait_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, addr_ip_len(a)) == 0;
}

bool addr_equal(const struct plait_addr *a, const struct plait_addr *b)
{
    return a->port == b->port && addr_same_ip(a, b);
}

bool addr_is_unicast(const struct plait_addr *a)
{
    const uint8_t *ip = a->ip;

    if (a->family == 4) /* 0/8 is "this network", 224/4 multicast, the last one broadcast */
        return ip[0] != 0 && (ip[0] & 0xf0) != 0xe0 && memcmp(ip, v4_broadcast, 4) != 0;
    if (a->family == 6)
        return ip[0] != 0xff && memcmp(ip, zeros, 16) != 0 && memcmp(ip, v4_mapped, 12) != 0;
    return false;
}

bool addr_is_loopback(const struct plait_addr *a)
{
    if (a->family == 4)
        return a->ip[0] == 127;
    return a->family == 6 && memcmp(a->ip, v6_loopback, 16) == 0;
}

bool addr_is_linklocal(const struct plait_addr *a)
{
    if (a->family == 4)
        return a->ip[0] == 169 && a->ip[1] == 254;
    return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

/* Writers answer the place behind what they wrote; ADDR_TEXT_MAX holds the longest text. */
static char *put_decimal(char *p, unsigned v)
{
    char digits[10];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static char *put_hex(char *p, unsigned v)
{
    int shift = 12;

    while (shift > 0 && (v >> shift) == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[(v >> shift) & 15];
    return p;
}

static unsigned group(const uint8_t *ip, unsigned i)
{
    return (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 4.2); its length, 0:
 * none. */
static unsigned longest_zeros(const uint8_t *ip, unsigned *start)
{
    unsigned best = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;
        while (i + n < 8 && group(ip, i + n) == 0)
            n++;
        if (n > best && n > 1) {
            best = n;
            *start = i;
        }
    }
    return best;
}

static char *put_v6(char *p, const uint8_t *ip)
{
    unsigned start = 8, n = longest_zeros(ip, &start);

    for (unsigned i = 0; i < 8; i++) {
        if (i == start) {
            *p++ = ':';
            *p++ = ':';
            i += n - 1;
            continue;
        }
        if (i > 0 && i != start + n)
            *p++ = ':';
        p = put_hex(p, group(ip, i));
    }
    return p;
}

static char *put_v4(char *p, const uint8_t *ip)
{
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0)
            *p++ = '.';
        p = put_decimal(p, ip[i]);
    }
    return p;
}

void addr_print(const struct plait_addr *a, char out[ADDR_TEXT_MAX])
{
    char *p = out;

    if (a->family == 6) {
        if (a->port != 0)
            *p++ = '[';
        p = put_v6(p, a->ip);
        if (a->port != 0)
            *p++ = ']';
    } else if (a->family == 4) {
        p = put_v4(p, a->ip);
    } else {
        *p++ = '*';
    }
    if (a->port != 0) {
        *p++ = ':';
        p = put_decimal(p, a->port);
    }
    *p = '\0';
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A server's Fast Open cookie in a file, from one run of `plait cat` to the next: one line with the
 * server's address and port, its MSS and the cookie in hex. RFC 7413 4.1.3. */
#include "cat_cookie.h"

#include "driver/addr.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 160 };

unsigned cat_cookie_text(const struct plait_fastopen *known, char *buf, unsigned size)
{
    char server[ADDR_TEXT_MAX], hex[2 * sizeof known->cookie + 1] = "";
    int n;

    for (unsigned i = 0; i < known->len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", known->cookie[i]);
    n = snprintf(buf, size, "%s %u %s\n", drv_addr_text(&known->server, server), known->mss, hex);
    return n > 0 && (unsigned)n < size ? (unsigned)n : 0;
}

bool cat_cookie_parse(const char *line, struct plait_fastopen *out)
{
    char server[ADDR_TEXT_MAX], named[ADDR_TEXT_MAX + 1], hex[2 * sizeof out->cookie + 2];
    unsigned mss, byte;
    size_t n;

    (void)drv_addr_text(&out->server, server);
    if (strlen(line) >= LINE_MAX_BYTES || sscanf(line, "%56s %5u %29s", named, &mss, hex) != 3)
        return false;
    n = strlen(hex);
    if (strcmp(named, server) != 0 || mss > UINT16_MAX || n % 2 != 0 || n > 2 * sizeof out->cookie)
        return false;
    for (size_t i = 0; i < n / 2; i++) {
        if (strspn(hex + 2 * i, "0123456789abcdef") < 2 || sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return false;
        out->cookie[i] = (uint8_t)byte;
    }
    out->len = (uint8_t)(n / 2);
    out->mss = (uint16_t)mss;
    return true;
}

bool cat_cookie_load(const char *file, struct plait_stack *stack, const struct plait_addr *server)
{
    struct plait_fastopen known = {.server = *server};
    char line[LINE_MAX_BYTES];
    FILE *in = fopen(file, "re");
    bool got;

    if (in == NULL)
        return errno == ENOENT;
    got = fgets(line, sizeof line, in) != NULL;
    (void)fclose(in);
    if (got && cat_cookie_parse(line, &known))
        (void)plait_fastopen_set(stack, &known); /* what is no cookie is asked for anew */
    return true;
}

bool cat_cookie_save(const char *file, const struct plait_stack *stack,
                     const struct plait_addr *server)
{
    struct plait_fastopen known;
    char line[LINE_MAX_BYTES];
    FILE *out;
    bool good;

    if (plait_fastopen_get(stack, server, &known) != 0)
        return true;
    unsigned n = cat_cookie_text(&known, line, sizeof line);
    out = fopen(file, "we");
    if (out == NULL)
        return false;
    good = fwrite(line, 1, n, out) == n;
    return fclose(out) == 0 && good;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer (RFC 8259). Streaming: commas are put by what was written before, so callers just
 * name values in order. Numbers beyond 2^53 are written as they are. Called by the programs'
 * reports. */
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(struct json *j, const char *data, size_t len)
{
    if (j->failed)
        return;
    if (j->len + len > j->cap) {
        size_t cap = (j->len + len) * 2 + 256;
        char *more = realloc(j->buf, cap);
        if (!more) {
            j->failed = true;
            return;
        }
        j->buf = more;
        j->cap = cap;
    }
    memcpy(j->buf + j->len, data, len);
    j->len += len;
}

static void put_text(struct json *j, const char *text)
{
    put(j, text, strlen(text));
}

/* Bytes of the UTF-8 sequence at s (RFC 3629): 0 when it is none. */
static size_t utf8_len(const unsigned char *s)
{
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
        return 0;
    return n;
}

static void put_quoted(struct json *j, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    char esc[8];

    put_text(j, "\"");
    while (*s != '\0') {
        size_t n = utf8_len(s);
        if (n == 0) {
            put_text(j, "\\ufffd");
            s++;
        } else if (*s == '"' || *s == '\\' || *s < 0x20 || *s == 0x7f) {
            (void)snprintf(esc, sizeof esc, *s == '"' || *s == '\\' ? "\\%c" : "\\u%04x", *s);
            put_text(j, esc);
            s++;
        } else {
            put(j, (const char *)s, n);
            s += n;
        }
    }
    put_text(j, "\"");
}

static void begin(struct json *j, const char *key)
{
    if (j->filled[j->depth])
        put_text(j, ",");
    j->filled[j->depth] = true;
    if (!key)
        return;
    put_quoted(j, key);
    put_text(j, ":");
}

static void open_level(struct json *j, const char *key, const char *bracket)
{
    begin(j, key);
    put_text(j, bracket);
    if (j->depth + 1 == JSON_DEPTH_MAX)
        j->failed = true;
    else
        j->filled[++j->depth] = false;
}

static void close_level(struct json *j, const char *bracket)
{
    put_text(j, bracket);
    if (j->depth > 0)
        j->depth--;
}

void json_object(struct json *j, const char *key)
{
    open_level(j, key, "{");
}

void json_object_end(struct json *j)
{
    close_level(j, "}");
}

void json_array(struct json *j, const char *key)
{
    open_level(j, key, "[");
}

void json_array_end(struct json *j)
{
    close_level(j, "]");
}

void json_string(struct json *j, const char *key, const char *text)
{
    begin(j, key);
    put_quoted(j, text);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
    json_fraction(j, key, value, 0);
}

void json_fraction(struct json *j, const char *key, uint64_t value, unsigned digits)
{
    char text[40];
    uint64_t unit = 1;

    for (unsigned i = 0; i < digits; i++)
        unit *= 10;
    begin(j, key);
    if (digits == 0)
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    else
        (void)snprintf(text, sizeof text, "%llu.%0*llu", (unsigned long long)(value / unit),
                       (int)digits, (unsigned long long)(value % unit));
    put_text(j, text);
}

void json_millionths(struct json *j, const char *key, int64_t value)
{
    uint64_t m = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char text[40];
    int n = snprintf(text, sizeof text, "%s%llu", value < 0 ? "-" : "",
                     (unsigned long long)(m / 1000000));

    if (m % 1000000 != 0) {
        n += snprintf(text + n, sizeof text - (size_t)n, ".%06u", (unsigned)(m % 1000000));
        while (text[n - 1] == '0')
            text[--n] = '\0';
    }
    begin(j, key);
    put_text(j, text);
}

void json_bool(struct json *j, const char *key, bool value)
{
    begin(j, key);
    put_text(j, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
    begin(j, key);
    put_text(j, "null");
}

static void empty(struct json *j)
{
    j->len = 0;
    j->depth = 0;
    j->failed = false;
    memset(j->filled, 0, sizeof j->filled);
}

bool json_line(struct json *j, int fd)
{
    ssize_t n;

    put_text(j, "\n");
    do
        n = j->failed ? -1 : write(fd, j->buf, j->len);
    while (n < 0 && !j->failed && errno == EINTR);
    bool whole = n == (ssize_t)j->len;
    empty(j);
    return whole;
}

bool json_to(struct json *j, FILE *file)
{
    put_text(j, "\n");
    bool whole = !j->failed && fwrite(j->buf, 1, j->len, file) == j->len;
    empty(j);
    return whole;
}

void json_free(struct json *j)
{
    free(j->buf);
    memset(j, 0, sizeof *j);
}

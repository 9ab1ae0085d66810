/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up values in lines that sim_show.c wrote. Not a reader of all JSON: the lines are our own,
 * but a file may have been edited, so nothing is read beyond its end and nesting is counted, not
 * recursed into. Called by sim_plot.c. */
#include "sim_field.h"

#include <string.h>

static const char *pass_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

/* Behind a value of any kind. */
static const char *pass_value(const char *at, const char *end)
{
    unsigned depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = pass_string(at, end);
            if (depth == 0)
                return at;
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if ((*at == '}' || *at == ']') && depth == 0)
            return at;
        else if (*at == '}' || *at == ']')
            depth--;
        else if (*at == ',' && depth == 0)
            return at;
        at++;
        if (depth == 0 && (at[-1] == '}' || at[-1] == ']'))
            return at;
    }
    return end;
}

static void cut(const char *from, const char *to, struct sim_piece *out)
{
    bool quoted = to - from >= 2 && from[0] == '"';

    *out = (struct sim_piece){from + quoted, (size_t)(to - from) - 2 * quoted};
}

static bool element(const struct sim_piece *whole, const char *key, size_t len,
                    struct sim_piece *out)
{
    const char *at = whole->at + 1, *end = whole->at + whole->len;
    unsigned n = 0;

    for (size_t i = 0; i < len; i++) {
        if (key[i] < '0' || key[i] > '9' || n > 10000)
            return false;
        n = n * 10 + (unsigned)(key[i] - '0');
    }
    while (n > 0 && at < end && *at != ']') {
        const char *behind = pass_value(at, end);
        if (--n == 0) {
            cut(at, behind, out);
            return true;
        }
        at = behind < end && *behind == ',' ? behind + 1 : end;
    }
    return false;
}

bool sim_field_member(const struct sim_piece *whole, const char *key, size_t len,
                      struct sim_piece *out)
{
    const char *at = whole->at + 1, *end = whole->at + whole->len;

    if (whole->len < 2)
        return false;
    if (whole->at[0] == '[')
        return element(whole, key, len, out);
    while (whole->at[0] == '{' && at < end && *at == '"') {
        const char *name = at + 1, *colon = pass_string(at, end);
        const char *value = colon < end ? colon + 1 : end, *behind = pass_value(value, end);
        if ((size_t)(colon - at) == len + 2 && memcmp(name, key, len) == 0) {
            cut(value, behind, out);
            return true;
        }
        at = behind < end && *behind == ',' ? behind + 1 : end;
    }
    return false;
}

static bool part(struct sim_piece *at, const char *key, size_t len)
{
    struct sim_piece whole = *at;

    return sim_field_member(&whole, key, len, at);
}

static bool word(struct sim_piece *at, const char *key)
{
    return part(at, key, strlen(key));
}

/* The rest of a name, down from a flow or a link. */
static bool down(struct sim_piece at, const char *rest, struct sim_piece *out)
{
    if (rest[0] == '\0')
        return false;
    if (rest[0] >= '0' && rest[0] <= '9' && !word(&at, "paths"))
        return false;
    while (*rest != '\0') {
        size_t n = strcspn(rest, ".");
        if (!part(&at, rest, n))
            return false;
        rest += n + (rest[n] == '.');
    }
    *out = at;
    return true;
}

bool sim_field_find(const char *line, const char *name, struct sim_piece *out)
{
    static const char *const plain[] = {"reports", "params", ""};
    static const char *const named[] = {"flows", "links"};
    struct sim_piece whole = {line, strcspn(line, "\n")}, at;
    size_t dot = strcspn(name, ".");

    for (unsigned i = 0; i < 3 && name[dot] == '\0'; i++) {
        at = whole;
        if ((plain[i][0] == '\0' || word(&at, plain[i])) && word(&at, name)) {
            *out = at;
            return true;
        }
    }
    for (unsigned i = 0; i < 2 && name[dot] == '.'; i++) {
        at = whole;
        if (word(&at, named[i]) && part(&at, name, dot) && down(at, name + dot + 1, out))
            return true;
    }
    return false;
}

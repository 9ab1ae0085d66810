/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a scenario to the words of a statement: lines, comments, braces, places.
 * Called by scn_parse.c. Every character keeps the place that it came from, so that an error stands
 * where the author wrote it, whatever braces made of it. */
#include "scn_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors ---------------------------------------------------------------------------------- */

void sim_scn_place(const struct sim_scn_parser *p, const char *at, uint32_t *line, uint32_t *column)
{
    const char *start = p->in->text;

    *line = 1;
    for (const char *c = start; c < at; c++)
        if (*c == '\n') {
            ++*line;
            start = c + 1;
        }
    *column = (uint32_t)(at - start) + 1;
}

static bool fail_va(struct sim_scn_parser *p, const char *place, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
static bool fail_va(struct sim_scn_parser *p, const char *place, const char *fmt, va_list args)
{
    if (p->failed)
        return false;
    p->failed = true;
    sim_scn_place(p, place, &p->error->line, &p->error->column);
    (void)vsnprintf(p->error->text, sizeof p->error->text, fmt, args);
    return false;
}

bool sim_scn_fail_at(struct sim_scn_parser *p, const char *place, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fail_va(p, place, fmt, args);
    va_end(args);
    return false;
}

/* Of a word, or of the end of the line. */
static const char *place_of(const struct sim_scn_parser *p, unsigned token)
{
    if (token < p->token_n)
        return p->from[p->token[token]];
    return p->len > 0 ? p->from[p->len - 1] + 1 : p->at;
}

bool sim_scn_fail(struct sim_scn_parser *p, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fail_va(p, place_of(p, p->next), fmt, args);
    va_end(args);
    return false;
}

bool sim_scn_fail_last(struct sim_scn_parser *p, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fail_va(p, place_of(p, p->next > 0 ? p->next - 1 : 0), fmt, args);
    va_end(args);
    return false;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool put(struct sim_scn_parser *p, char c, const char *from)
{
    if (p->len + 1 >= SIM_SCN_LINE_MAX)
        return sim_scn_fail_at(p, from, "a line with at most %d bytes", SIM_SCN_LINE_MAX - 1);
    p->line[p->len] = c;
    p->from[p->len++] = from;
    p->line[p->len] = '\0';
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* One line of the file without its comment; *more: it goes on in the next one. */
static bool read_line(struct sim_scn_parser *p, bool *more)
{
    bool comment = false, quoted = false;

    *more = false;
    for (; p->at < p->end && *p->at != '\n'; p->at++) {
        unsigned char c = (unsigned char)*p->at;
        const char *next = p->at + 1;
        bool first = p->len == 0 || is_blank(p->line[p->len - 1]);
        if ((c < ' ' && !is_blank((char)c)) || c == 0x7f)
            return sim_scn_fail_at(p, p->at, "text, not the byte 0x%02x", c);
        if (next < p->end && *next == '\r')
            next++;
        quoted ^= c == '"';
        comment = comment || (c == '#' && first && !quoted);
        *more = c == '\\' && !comment && (next >= p->end || *next == '\n');
        if (!comment && !*more && !put(p, is_blank((char)c) ? ' ' : (char)c, p->at))
            return false;
        if (*more) {
            p->at = next;
            break;
        }
    }
    if (p->at < p->end)
        p->at++;
    return true;
}

bool sim_scn_line(struct sim_scn_parser *p)
{
    bool more = true;

    p->len = 0;
    p->token_n = p->next = 0;
    p->line[0] = '\0';
    if (p->at >= p->end || p->failed)
        return false;
    while (more && p->at < p->end)
        if (!read_line(p, &more))
            return false;
    return true;
}

/* ---- variables ------------------------------------------------------------------------------- */

struct sim_scn_var *sim_scn_find_var(struct sim_scn_parser *p, const char *name, size_t len)
{
    for (unsigned i = 0; i < p->var_n; i++)
        if (strlen(p->var[i].name) == len && memcmp(p->var[i].name, name, len) == 0)
            return &p->var[i];
    return NULL;
}

unsigned sim_scn_set_var(struct sim_scn_parser *p, const char *name,
                         const struct sim_scn_value *value)
{
    struct sim_scn_var *var = sim_scn_find_var(p, name, strlen(name));

    if (var == NULL) {
        p->var = sim_scn_grow(p->var, p->var_n, sizeof *p->var);
        var = &p->var[p->var_n++];
        (void)snprintf(var->name, sizeof var->name, "%s", name);
    }
    var->value = *value;
    return (unsigned)(var - p->var);
}

static bool lookup(void *ctx, const struct sim_scn_ref *ref, struct sim_scn_value *out)
{
    const struct sim_scn_var *var = sim_scn_find_var(ctx, ref->name, ref->len);

    if (var != NULL)
        *out = var->value;
    return var != NULL;
}

bool sim_scn_read_value(const char *text, struct sim_scn_value *out)
{
    const char *error;
    size_t len = strlen(text), minus = text[0] == '-';

    if (len >= SIM_SCN_WORD_MAX)
        return false;
    if (len > minus && sim_scn_num_parse(text + minus, len - minus, out, &error) == len - minus) {
        out->v = minus ? -out->v : out->v;
        return true;
    }
    *out = (struct sim_scn_value){.kind = SIM_SCN_WORD};
    memcpy(out->word, text, len + 1);
    return true;
}

bool sim_scn_rest(struct sim_scn_parser *p, struct sim_scn_value *out)
{
    struct sim_scn_expr x = {.lookup = lookup, .ctx = p, .rng = &p->rng};
    size_t from;

    if (p->next == p->token_n)
        return sim_scn_fail(p, "an expression is missing");
    from = p->token[p->next];
    p->next = p->token_n;
    if (sim_scn_eval(&x, p->line + from, p->len - from, out))
        return true;
    from += x.error_at;
    return sim_scn_fail_at(p, from < p->len ? p->from[from] : p->from[p->len - 1] + 1, "%s",
                           x.error);
}

/* ---- braces ---------------------------------------------------------------------------------- */

/* A line as it was read. */
struct raw {
    char text[SIM_SCN_LINE_MAX];
    const char *from[SIM_SCN_LINE_MAX];
    size_t len;
};

/* What begins at this brace becomes its value; behind the closing one. 0: an error was told. */
static size_t brace(struct sim_scn_parser *p, const struct raw *raw, size_t at)
{
    struct sim_scn_expr x = {.lookup = lookup, .ctx = p, .rng = &p->rng};
    const char *open = raw->text + at + 1;
    const char *close = memchr(open, '}', raw->len - at - 1);
    struct sim_scn_value v;
    char text[SIM_SCN_WORD_MAX + 32];

    if (close == NULL) {
        (void)sim_scn_fail_at(p, raw->from[at], "a '}' is missing");
        return 0;
    }
    if (!sim_scn_eval(&x, open, (size_t)(close - open), &v)) {
        (void)sim_scn_fail_at(p, raw->from[at + 1 + x.error_at], "%s", x.error);
        return 0;
    }
    sim_scn_num_print(&v, text, sizeof text);
    for (const char *c = text; *c != '\0'; c++)
        if (!put(p, *c, raw->from[at]))
            return 0;
    return (size_t)(close - raw->text) + 1;
}

static bool cut(struct sim_scn_parser *p)
{
    size_t i = 0;

    memcpy(p->words, p->line, p->len + 1);
    while (i < p->len) {
        if (p->words[i] == ' ') {
            p->words[i++] = '\0';
            continue;
        }
        if (p->token_n == SIM_SCN_TOKENS_MAX)
            return sim_scn_fail_at(p, p->from[i], "a line with at most %d words",
                                   SIM_SCN_TOKENS_MAX);
        p->token[p->token_n++] = (uint16_t)i;
        bool quoted = p->words[i] == '"';
        for (i++; i < p->len && (quoted || p->words[i] != ' '); i++)
            if (quoted && p->words[i] == '"')
                quoted = false;
        if (quoted)
            return sim_scn_fail_at(p, p->from[p->token[p->token_n - 1]], "a '\"' is missing");
    }
    return true;
}

bool sim_scn_expand(struct sim_scn_parser *p)
{
    struct raw raw;

    if (memchr(p->line, '{', p->len) != NULL) {
        memcpy(raw.text, p->line, p->len + 1);
        memcpy(raw.from, p->from, p->len * sizeof *raw.from);
        raw.len = p->len;
        p->len = 0;
        for (size_t i = 0; i < raw.len;) {
            if (raw.text[i] == '{')
                i = brace(p, &raw, i);
            else if (put(p, raw.text[i], raw.from[i]))
                i++;
            if (p->failed)
                return false;
        }
    }
    return cut(p);
}

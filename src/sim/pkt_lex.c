/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a script. Called by the parser alone.
 *
 * Input may be anything: each step consumes at least one byte or is at the end, numbers that do
 * not fit are errors, and nothing is read behind the end. Comments are those of packetdrill:
 * two slashes or a number sign up to the end of the line, and slash-star to star-slash. */
#include "pkt_lex.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char peek(const struct sim_pkt_lex *x, size_t ahead)
{
    return (size_t)(x->end - x->at) > ahead ? x->at[ahead] : '\0';
}

static bool tell(struct sim_pkt_lex *x, const char *text)
{
    if (!x->failed) {
        x->failed = true;
        x->error->line = x->token_line;
        x->error->column = x->token_column;
        (void)snprintf(x->error->text, sizeof x->error->text, "%s", text);
    }
    x->token = SIM_PKT_T_BAD;
    return false;
}

bool sim_pkt_lex_fail(struct sim_pkt_lex *x, const char *expected)
{
    char text[200];
    int shown = x->len < 40 ? (int)x->len : 40;

    if (x->token == SIM_PKT_T_END)
        (void)snprintf(text, sizeof text, "expected %s, found the end of the script", expected);
    else
        (void)snprintf(text, sizeof text, "expected %s, found '%.*s'", expected, shown, x->text);
    for (char *c = text; *c != '\0'; c++) /* hostile scripts shall not talk to terminals */
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return tell(x, text);
}

static void new_line(struct sim_pkt_lex *x)
{
    x->at++;
    x->line++;
    x->line_start = x->at;
}

static void skip_line(struct sim_pkt_lex *x)
{
    while (x->at < x->end && *x->at != '\n')
        x->at++;
}

static void skip_block(struct sim_pkt_lex *x)
{
    x->at += 2;
    while (x->at < x->end && !(peek(x, 0) == '*' && peek(x, 1) == '/')) {
        if (*x->at == '\n')
            new_line(x);
        else
            x->at++;
    }
    x->at += x->at < x->end ? 2 : 0;
}

static void skip_space(struct sim_pkt_lex *x)
{
    while (x->at < x->end) {
        char c = *x->at;
        if (c == '\n')
            new_line(x);
        else if (c == ' ' || c == '\t' || c == '\r')
            x->at++;
        else if (c == '#' || (c == '/' && peek(x, 1) == '/'))
            skip_line(x);
        else if (c == '/' && peek(x, 1) == '*')
            skip_block(x);
        else
            return;
    }
}

static void read_hex(struct sim_pkt_lex *x)
{
    const char *start = x->at;

    x->token = SIM_PKT_T_NUMBER;
    x->at += 2;
    for (; x->at < x->end && hex_digit(*x->at) >= 0; x->at++)
        x->number = x->number << 4 | (uint64_t)hex_digit(*x->at);
    if (x->at - start > 18 || x->at - start == 2)
        tell(x, "a hexadecimal number has 1 to 16 digits");
}

/* Microseconds behind the point; more digits than six are cut off. */
static void read_fraction(struct sim_pkt_lex *x)
{
    uint64_t scale = 100000;

    x->token = SIM_PKT_T_TIME;
    x->number *= 1000000;
    for (x->at++; x->at < x->end && is_digit(*x->at); x->at++) {
        x->number += scale * (uint64_t)(*x->at - '0');
        scale /= 10;
    }
}

static void read_number(struct sim_pkt_lex *x)
{
    const char *start = x->at;

    x->number = 0;
    if (peek(x, 0) == '0' && (peek(x, 1) == 'x' || peek(x, 1) == 'X')) {
        read_hex(x);
        return;
    }
    x->token = SIM_PKT_T_NUMBER;
    for (; x->at < x->end && is_digit(*x->at) && x->at - start < 20; x->at++)
        x->number = x->number * 10 + (uint64_t)(*x->at - '0');
    if (x->at - start > 18)
        tell(x, "a number has at most 18 digits; write larger ones in hexadecimal");
    else if (peek(x, 0) == '.' && is_digit(peek(x, 1))) {
        if (x->number > 1000000000)
            tell(x, "a time has at most 1000000000 seconds");
        else
            read_fraction(x);
    }
}

static void read_string(struct sim_pkt_lex *x)
{
    x->token = SIM_PKT_T_STRING;
    x->text = ++x->at;
    while (x->at < x->end && *x->at != '"' && *x->at != '\n')
        x->at++;
    x->len = (size_t)(x->at - x->text);
    if (peek(x, 0) != '"')
        tell(x, "a string does not end on its line");
    else
        x->at++;
}

static void read_other(struct sim_pkt_lex *x)
{
    char c = *x->at, next = peek(x, 1);

    x->token = SIM_PKT_T_CHAR;
    if (c == '.' && next == '.' && peek(x, 2) == '.') {
        x->token = SIM_PKT_T_DOTS;
        x->at += 3;
    } else if (c == '.' && is_digit(next)) {
        x->number = 0;
        read_fraction(x);
    } else if (next == '=' && (c == '=' || c == '!' || c == '<' || c == '>')) {
        x->token = SIM_PKT_T_OP;
        x->at += 2;
    } else {
        x->at++;
    }
}

void sim_pkt_lex_next(struct sim_pkt_lex *x)
{
    if (x->failed)
        return;
    skip_space(x);
    x->text = x->at;
    x->len = 0;
    x->token_line = x->line;
    x->token_column = (uint32_t)(x->at - x->line_start) + 1;
    if (x->at == x->end) {
        x->token = SIM_PKT_T_END;
        return;
    }
    if (*x->at == '"') {
        read_string(x);
        return;
    }
    if (is_letter(*x->at)) {
        x->token = SIM_PKT_T_WORD;
        while (x->at < x->end && (is_letter(*x->at) || is_digit(*x->at)))
            x->at++;
    } else if (is_digit(*x->at)) {
        read_number(x);
    } else {
        read_other(x);
    }
    x->len = (size_t)(x->at - x->text);
}

void sim_pkt_lex_init(struct sim_pkt_lex *x, const char *text, size_t len,
                      struct sim_pkt_error *error)
{
    *x = (struct sim_pkt_lex){
        .at = text, .end = text + len, .line_start = text, .line = 1, .error = error};
    sim_pkt_lex_next(x);
}

bool sim_pkt_lex_is(const struct sim_pkt_lex *x, const char *word)
{
    return x->token == SIM_PKT_T_WORD && x->len == strlen(word) &&
           memcmp(x->text, word, x->len) == 0;
}

bool sim_pkt_lex_is_char(const struct sim_pkt_lex *x, char c)
{
    return x->token == SIM_PKT_T_CHAR && x->text[0] == c;
}

bool sim_pkt_lex_take(struct sim_pkt_lex *x, const char *word)
{
    if (!sim_pkt_lex_is(x, word))
        return false;
    sim_pkt_lex_next(x);
    return true;
}

bool sim_pkt_lex_take_char(struct sim_pkt_lex *x, char c)
{
    if (!sim_pkt_lex_is_char(x, c))
        return false;
    sim_pkt_lex_next(x);
    return true;
}

bool sim_pkt_lex_want_char(struct sim_pkt_lex *x, char c)
{
    char text[] = {'\'', c, '\'', '\0'};

    return sim_pkt_lex_take_char(x, c) || sim_pkt_lex_fail(x, text);
}

bool sim_pkt_lex_want_number(struct sim_pkt_lex *x, uint64_t max, const char *what, uint64_t *v)
{
    char text[120];

    if (x->token != SIM_PKT_T_NUMBER || x->number > max) {
        (void)snprintf(text, sizeof text, "%s (0 to %llu)", what, (unsigned long long)max);
        return sim_pkt_lex_fail(x, text);
    }
    *v = x->number;
    sim_pkt_lex_next(x);
    return true;
}

bool sim_pkt_lex_want_field(struct sim_pkt_lex *x, uint64_t max, uint64_t *v)
{
    sim_pkt_lex_next(x);
    return sim_pkt_lex_want_char(x, '=') && sim_pkt_lex_want_number(x, max, "a number", v);
}

bool sim_pkt_lex_want_name(struct sim_pkt_lex *x, const char *what, char name[SIM_PKT_NAME_MAX])
{
    if (x->token != SIM_PKT_T_WORD || x->len >= SIM_PKT_NAME_MAX)
        return sim_pkt_lex_fail(x, what);
    memcpy(name, x->text, x->len);
    name[x->len] = '\0';
    sim_pkt_lex_next(x);
    return true;
}

bool sim_pkt_lex_want_hex(struct sim_pkt_lex *x, uint8_t *to, size_t max, uint8_t *n)
{
    if (x->token != SIM_PKT_T_STRING || x->len % 2 != 0 || x->len / 2 > max)
        return sim_pkt_lex_fail(x, "hexadecimal digits in double quotes");
    for (size_t i = 0; i < x->len; i += 2) {
        int high = hex_digit(x->text[i]), low = hex_digit(x->text[i + 1]);
        if (high < 0 || low < 0)
            return sim_pkt_lex_fail(x, "hexadecimal digits in double quotes");
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    *n = (uint8_t)(x->len / 2);
    sim_pkt_lex_next(x);
    return true;
}

size_t sim_pkt_lex_line(struct sim_pkt_lex *x, const char **text)
{
    *text = x->text;
    x->at = x->text;
    skip_line(x);
    size_t len = (size_t)(x->at - *text);
    while (len > 0 && ((*text)[len - 1] == ' ' || (*text)[len - 1] == '\r'))
        len--;
    sim_pkt_lex_next(x);
    return len;
}

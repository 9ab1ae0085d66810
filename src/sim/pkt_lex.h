/* SPDX-License-Identifier: Apache-2.0 */
/* A script as words: one token ahead, no memory. For the parser of pkt.h alone. */
#ifndef SIM_PKT_LEX_H
#define SIM_PKT_LEX_H

#include "pkt.h"

enum sim_pkt_token {
    SIM_PKT_T_END,
    SIM_PKT_T_WORD,   /* letters, digits, '_', beginning with a letter or '_' */
    SIM_PKT_T_NUMBER, /* decimal or 0x; number */
    SIM_PKT_T_TIME,   /* 1.5: digits with a point; number is in microseconds */
    SIM_PKT_T_STRING, /* between double quotes, on one line */
    SIM_PKT_T_DOTS,   /* ... */
    SIM_PKT_T_OP,     /* == != <= >= */
    SIM_PKT_T_CHAR,   /* any other character: text[0] */
    SIM_PKT_T_BAD,    /* an error was told */
};

struct sim_pkt_lex {
    const char *at, *end;
    const char *line_start;
    uint32_t line;
    struct sim_pkt_error *error;
    bool failed; /* the first error stands in *error */
    /* the token ahead */
    enum sim_pkt_token token;
    const char *text;
    size_t len;
    uint64_t number;
    uint32_t token_line, token_column;
};

void sim_pkt_lex_init(struct sim_pkt_lex *x, const char *text, size_t len,
                      struct sim_pkt_error *error);
/* The next token. */
void sim_pkt_lex_next(struct sim_pkt_lex *x);
/* The first error wins; it stands at the token ahead. Answers false. */
bool sim_pkt_lex_fail(struct sim_pkt_lex *x, const char *expected);
bool sim_pkt_lex_is(const struct sim_pkt_lex *x, const char *word);
bool sim_pkt_lex_is_char(const struct sim_pkt_lex *x, char c);
/* Takes it if it is there. */
bool sim_pkt_lex_take(struct sim_pkt_lex *x, const char *word);
bool sim_pkt_lex_take_char(struct sim_pkt_lex *x, char c);
/* Takes it, or fails. */
bool sim_pkt_lex_want_char(struct sim_pkt_lex *x, char c);
/* A number not above max; what names it in the error. */
bool sim_pkt_lex_want_number(struct sim_pkt_lex *x, uint64_t max, const char *what, uint64_t *v);
/* "name=" and a number. */
bool sim_pkt_lex_want_field(struct sim_pkt_lex *x, uint64_t max, uint64_t *v);
/* A word into a buffer of SIM_PKT_NAME_MAX bytes. */
bool sim_pkt_lex_want_name(struct sim_pkt_lex *x, const char *what, char name[SIM_PKT_NAME_MAX]);
/* A string of hexadecimal digits; the number of bytes in *n. */
bool sim_pkt_lex_want_hex(struct sim_pkt_lex *x, uint8_t *to, size_t max, uint8_t *n);
/* The rest of the line from the token ahead on, which is passed. */
size_t sim_pkt_lex_line(struct sim_pkt_lex *x, const char **text);

#endif

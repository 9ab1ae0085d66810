/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the scenario parser among each other: one statement at a time as words, with their
 * places in the file. */
#ifndef SIM_SCN_PARSE_H
#define SIM_SCN_PARSE_H

#include "scn.h"

enum { SIM_SCN_TOKENS_MAX = 512, SIM_SCN_DEPTH_MAX = 16 };

struct sim_scn_var {
    char name[SIM_SCN_NAME_MAX];
    struct sim_scn_value value;
};

/* An open `for` or `if`. */
struct sim_scn_block {
    bool loop, in_else;
    const char *opened;    /* the statement, for messages */
    const char *body;      /* of a loop: its first line */
    unsigned var;          /* of a loop: index of its variable */
    int64_t i, last;       /* of a loop over numbers: whole ones */
    char *list;            /* of a loop over words, each ended by a NUL; NULL: over numbers */
    const char *list_at, *list_end;
};

struct sim_scn_parser {
    const struct sim_scn_input *in;
    struct sim_scn *s;
    struct sim_scn_error *error;
    bool failed;
    const char *at, *end; /* what is still to be read */
    unsigned steps;
    struct sim_rng rng;
    /* the statement: words are the line, cut; a character of it came from there */
    char line[SIM_SCN_LINE_MAX], words[SIM_SCN_LINE_MAX];
    const char *from[SIM_SCN_LINE_MAX];
    size_t len;
    uint16_t token[SIM_SCN_TOKENS_MAX]; /* where each begins */
    unsigned token_n, next;
    struct sim_scn_var *var;
    unsigned var_n;
    struct sim_scn_block block[SIM_SCN_DEPTH_MAX];
    unsigned depth;
};

/* ---- scn_text.c ------------------------------------------------------------------------------ */

/* Reads a line into line[] as it stands. False: there is none any more, or it failed. */
bool sim_scn_line(struct sim_scn_parser *p);
/* Braces become values, and the line words. */
bool sim_scn_expand(struct sim_scn_parser *p);
/* The first error wins. All answer false. At the word that is next, at one that was, at a place. */
bool sim_scn_fail(struct sim_scn_parser *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool sim_scn_fail_last(struct sim_scn_parser *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool sim_scn_fail_at(struct sim_scn_parser *p, const char *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Line and column of a place. */
void sim_scn_place(const struct sim_scn_parser *p, const char *at, uint32_t *line,
                   uint32_t *column);
struct sim_scn_var *sim_scn_find_var(struct sim_scn_parser *p, const char *name, size_t len);
/* Overwrites one of that name. */
unsigned sim_scn_set_var(struct sim_scn_parser *p, const char *name,
                         const struct sim_scn_value *value);
/* The rest of the line as an expression. */
bool sim_scn_rest(struct sim_scn_parser *p, struct sim_scn_value *out);
/* A whole text as a number, with its unit, or as a word. False: it is too long. */
bool sim_scn_read_value(const char *text, struct sim_scn_value *out);

/* ---- scn_words.c ----------------------------------------------------------------------------- */

/* The next word, NULL at the end; taking it. */
const char *sim_scn_peek(const struct sim_scn_parser *p);
bool sim_scn_take(struct sim_scn_parser *p, const char *word);
/* Each takes what it is named after, or fails; what: "a rate, as 10mbit". */
bool sim_scn_want(struct sim_scn_parser *p, const char *word);
const char *sim_scn_want_word(struct sim_scn_parser *p, const char *what);
bool sim_scn_want_name(struct sim_scn_parser *p, const char *what, char to[SIM_SCN_NAME_MAX]);
bool sim_scn_want_value(struct sim_scn_parser *p, const char *what, struct sim_scn_value *out);
bool sim_scn_want_time(struct sim_scn_parser *p, plait_time *out);
bool sim_scn_want_rate(struct sim_scn_parser *p, uint64_t *out);
/* Packets count 1500 bytes. */
bool sim_scn_want_size(struct sim_scn_parser *p, uint64_t max, uint64_t *out);
bool sim_scn_want_share(struct sim_scn_parser *p, uint32_t *ppm);
bool sim_scn_want_count(struct sim_scn_parser *p, uint64_t min, uint64_t max, uint64_t *out);
bool sim_scn_want_span(struct sim_scn_parser *p, struct sim_scn_span *out);
bool sim_scn_end(struct sim_scn_parser *p);

/* A word and what it does with those behind it. */
struct sim_scn_word {
    const char *name;
    bool (*fn)(struct sim_scn_parser *p, void *target, unsigned arg);
    unsigned arg;
};
/* To the end of the line, or (`some`) to a word that is not in the table. of: "a link". */
struct sim_scn_words {
    const struct sim_scn_word *word;
    unsigned n;
    const char *of;
};
bool sim_scn_each(struct sim_scn_parser *p, const struct sim_scn_words *words, void *target);
/* A list of n pieces grows by one, which is zero. */
void *sim_scn_grow(void *list, unsigned n, size_t size);

/* ---- statements ------------------------------------------------------------------------------ */

/* scn_link.c */
bool sim_scn_link_stmt(struct sim_scn_parser *p);
bool sim_scn_link_props(struct sim_scn_parser *p, struct sim_scn_dir dir[2]);
/* The link of this name; NULL: there is none, and that was told. */
struct sim_scn_link *sim_scn_link_add(struct sim_scn_parser *p, const char *name);
int sim_scn_find_link(const struct sim_scn *s, const char *name, size_t len);
/* scn_flow.c */
bool sim_scn_flow_stmt(struct sim_scn_parser *p);
int sim_scn_find_flow(const struct sim_scn *s, const char *name, size_t len);
/* scn_tree.c */
bool sim_scn_tree_stmt(struct sim_scn_parser *p);
/* Behind `across`. */
bool sim_scn_across(struct sim_scn_parser *p, struct sim_scn_flow *f);
/* scn_event.c */
bool sim_scn_event_stmt(struct sim_scn_parser *p);
bool sim_scn_box_stmt(struct sim_scn_parser *p);
bool sim_scn_stack_stmt(struct sim_scn_parser *p);

/* scn_field.c: what a report may name */
/* Checks that there is such a flow or link with such a field; the value has the right kind. */
sim_scn_lookup_fn sim_scn_field_check;

#endif

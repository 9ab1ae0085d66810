/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates an expression while it reads it: recursive descent, no tree. Called by the scenario
 * parser, and by the runner for reports. Depth is bounded, and each character is read a bounded
 * number of times. */
#include "scn_expr.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 40, LIST_MAX = 4096 };

struct reader {
    struct sim_scn_expr *x;
    const char *text;
    size_t at, len;
    unsigned depth;
};

static bool either(struct reader *r, struct sim_scn_value *out);

static bool fail(struct reader *r, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static bool fail(struct reader *r, size_t at, const char *fmt, ...)
{
    va_list args;

    if (r->x->error[0] != '\0')
        return false; /* the first one counts */
    va_start(args, fmt);
    (void)vsnprintf(r->x->error, sizeof r->x->error, fmt, args);
    va_end(args);
    r->x->error_at = at;
    return false;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static char peek(struct reader *r)
{
    while (r->at < r->len && (r->text[r->at] == ' ' || r->text[r->at] == '\t'))
        r->at++;
    return r->at < r->len ? r->text[r->at] : '\0';
}

/* Takes this sign or word if it is there. */
static bool take(struct reader *r, const char *what)
{
    size_t n = strlen(what);

    (void)peek(r);
    if (r->len - r->at < n || memcmp(r->text + r->at, what, n) != 0)
        return false;
    if (is_name(what[0]) && r->at + n < r->len && is_name(r->text[r->at + n]))
        return false;
    r->at += n;
    return true;
}

/* Length of a name at the reader's place; with fields and stars where there are such. */
static size_t name_len(const struct reader *r)
{
    size_t at = r->at;

    for (; at < r->len; at++) {
        bool star = r->text[at] == '*' && at + 1 < r->len && r->text[at + 1] == '.';
        bool dot = r->text[at] == '.' && at + 1 < r->len && is_name(r->text[at + 1]);
        if (!is_name(r->text[at]) && !(r->x->fields && (star || dot)))
            break;
    }
    return at - r->at;
}

/* ---- operands -------------------------------------------------------------------------------- */

/* The n-th thing of this name; *found: there is one. False: an error was told. */
static bool look(struct reader *r, const struct sim_scn_ref *like, struct sim_scn_value *out,
                 bool *found)
{
    char tell[SIM_SCN_TELL_MAX] = "";
    struct sim_scn_ref ref = *like;

    ref.tell = tell;
    *found = r->x->lookup(r->x->ctx, &ref, out);
    if (!*found && tell[0] != '\0')
        return fail(r, (size_t)(like->name - r->text), "%s", tell);
    return true;
}

static bool name(struct reader *r, struct sim_scn_value *out)
{
    struct sim_scn_ref ref = {.name = r->text + r->at, .len = name_len(r)};
    bool found;

    if (!look(r, &ref, out, &found))
        return false;
    r->at += ref.len;
    if (found)
        return true;
    if (ref.len >= SIM_SCN_WORD_MAX)
        return fail(r, r->at - ref.len, "a name that is too long");
    *out = (struct sim_scn_value){.kind = SIM_SCN_WORD, .unknown = true};
    memcpy(out->word, ref.name, ref.len);
    return true;
}

/* ---- functions ------------------------------------------------------------------------------- */

/* What its arguments come to; several values may stand behind one name. */
struct arg_list {
    struct sim_scn_value first; /* whose kind all have */
    int64_t *v;
    unsigned n, cap;
};

static bool note(struct reader *r, struct arg_list *l, const struct sim_scn_value *v)
{
    if (v->kind == SIM_SCN_WORD)
        return fail(r, r->at, v->unknown ? "there is no '%s'" : "'%s' is a word, not a number",
                    v->word);
    if (l->n > 0 && v->kind != l->first.kind)
        return fail(r, r->at, "arguments of the same kind, not %s beside %s",
                    sim_scn_kind_name(v->kind), sim_scn_kind_name(l->first.kind));
    if (l->n == 0)
        l->first = *v;
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 16;
        l->v = realloc(l->v, l->cap * sizeof *l->v);
        if (l->v == NULL)
            abort();
    }
    l->v[l->n++] = v->v;
    return true;
}

/* One argument: an expression, or a name that stands for several. */
static bool argument(struct reader *r, struct arg_list *l)
{
    struct sim_scn_value v;
    struct sim_scn_ref ref;
    bool found = true;

    (void)peek(r);
    ref = (struct sim_scn_ref){.name = r->text + r->at, .len = name_len(r)};
    if (memchr(ref.name, '*', ref.len) == NULL)
        return either(r, &v) && note(r, l, &v);
    for (; found && ref.n < LIST_MAX; ref.n++)
        if (!look(r, &ref, &v, &found) || (found && !note(r, l, &v)))
            return false;
    if (ref.n == 1)
        return fail(r, r->at, "there is nothing like '%.*s'", (int)ref.len, ref.name);
    r->at += ref.len;
    return true;
}

static bool sum_up(const struct arg_list *l, struct sim_scn_value *out)
{
    const char *error;
    struct sim_scn_value each = l->first;

    *out = l->first;
    for (unsigned i = 1; i < l->n; i++) {
        each.v = l->v[i];
        if (!sim_scn_num_op('+', out, &each, out, &error))
            return false;
    }
    return true;
}

static bool extreme(const struct arg_list *l, bool most, struct sim_scn_value *out)
{
    *out = l->first;
    for (unsigned i = 1; i < l->n; i++)
        if (most ? l->v[i] > out->v : l->v[i] < out->v)
            out->v = l->v[i];
    return true;
}

bool sim_scn_jain(const int64_t *v, unsigned n, int64_t *out)
{
    int64_t most = 0, sum = 0, squares = 0, part, square;

    *out = SIM_SCN_ONE;
    for (unsigned i = 0; i < n; i++)
        most = v[i] > most ? v[i] : most;
    if (most == 0)
        return true;
    for (unsigned i = 0; i < n; i++) { /* of the largest: no square is too large */
        if (!sim_scn_muldiv(v[i], SIM_SCN_ONE, most, &part) ||
            !sim_scn_muldiv(part, part, SIM_SCN_ONE, &square))
            return false;
        sum += part;
        squares += square;
    }
    return sim_scn_muldiv(sum, sum, squares * (int64_t)n, out);
}

static bool random_number(struct reader *r, const struct arg_list *l, struct sim_scn_value *out)
{
    int64_t lo = l->v[0] / SIM_SCN_ONE, hi = l->v[l->n - 1] / SIM_SCN_ONE;

    if (r->x->rng == NULL || l->n != 2 || l->first.kind != SIM_SCN_NUMBER || lo < 0 || hi < lo)
        return fail(r, r->at, "rand(a, b) with whole numbers, 0 <= a <= b, and not in a report");
    *out = l->first;
    out->v = (int64_t)sim_rng_between(r->x->rng, (uint64_t)lo, (uint64_t)hi) * SIM_SCN_ONE;
    return true;
}

enum function { F_MIN, F_MAX, F_SUM, F_MEAN, F_JAIN, F_COUNT, F_FLOOR, F_RAND, FUNCTIONS };
static const char *const functions[] = {"min",  "max",   "sum",   "mean",
                                        "jain", "count", "floor", "rand"};

static bool result(struct reader *r, enum function f, struct arg_list *l, struct sim_scn_value *out)
{
    bool good = true;

    *out = (struct sim_scn_value){.kind = SIM_SCN_NUMBER, .v = (int64_t)l->n * SIM_SCN_ONE};
    if (f == F_MIN || f == F_MAX)
        good = extreme(l, f == F_MAX, out);
    else if (f == F_SUM || f == F_MEAN)
        good = sum_up(l, out);
    else if (f == F_JAIN)
        good = sim_scn_jain(l->v, l->n, &out->v);
    else if (f == F_RAND)
        return random_number(r, l, out);
    if (f == F_MEAN)
        out->v /= (int64_t)l->n;
    if (f == F_FLOOR) {
        *out = l->first;
        out->v = out->v / SIM_SCN_ONE * SIM_SCN_ONE;
        if (l->n != 1)
            return fail(r, r->at, "floor() with one argument");
    }
    return good || fail(r, r->at, "a number that is too large");
}

static bool call(struct reader *r, enum function f, struct sim_scn_value *out)
{
    struct arg_list l = {0};
    bool good;

    do
        good = argument(r, &l);
    while (good && take(r, ","));
    good = good && result(r, f, &l, out);
    free(l.v);
    return good && (take(r, ")") || fail(r, r->at, "a ')' or a ','"));
}

/* ---- from tight to loose --------------------------------------------------------------------- */

static bool operand(struct reader *r, struct sim_scn_value *out)
{
    const char *error;
    char c = peek(r);

    if (take(r, "("))
        return either(r, out) && (take(r, ")") || fail(r, r->at, "a ')'"));
    if (c >= '0' && c <= '9') {
        size_t n = sim_scn_num_parse(r->text + r->at, r->len - r->at, out, &error);
        if (n == 0)
            return fail(r, r->at, "%s", error);
        r->at += n;
        return true;
    }
    if (!is_name(c))
        return fail(r, r->at, "a number, a name or a '('");
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        size_t before = r->at;
        if (take(r, functions[f]) && take(r, "("))
            return call(r, (enum function)f, out);
        r->at = before;
    }
    return name(r, out);
}

static bool prefixed(struct reader *r, struct sim_scn_value *out)
{
    bool minus = false, good;

    if (++r->depth > DEPTH_MAX)
        return fail(r, r->at, "fewer things inside of each other");
    if (take(r, "not")) {
        good = prefixed(r, out);
        *out = (struct sim_scn_value){.v = sim_scn_true(out) ? 0 : SIM_SCN_ONE};
    } else {
        minus = take(r, "-");
        good = minus ? prefixed(r, out) : operand(r, out);
    }
    r->depth--;
    if (good && minus && out->kind == SIM_SCN_WORD)
        return fail(r, r->at, "words can be compared, and nothing else");
    if (good && minus)
        out->v = -out->v;
    return good;
}

static bool apply(struct reader *r, char op, struct sim_scn_value *a, struct sim_scn_value *b)
{
    const struct sim_scn_value *word = a->kind == SIM_SCN_WORD ? a : b;
    const char *error;

    if (word->kind == SIM_SCN_WORD && word->unknown)
        return fail(r, r->at, "there is no '%s'", word->word);
    return sim_scn_num_op(op, a, b, a, &error) || fail(r, r->at, "%s", error);
}

static bool product(struct reader *r, struct sim_scn_value *out)
{
    struct sim_scn_value b;

    if (!prefixed(r, out))
        return false;
    for (;;) {
        char op = peek(r);
        if (op != '*' && op != '/' && op != '%')
            return true;
        r->at++;
        if (!prefixed(r, &b) || !apply(r, op, out, &b))
            return false;
    }
}

static bool sum(struct reader *r, struct sim_scn_value *out)
{
    struct sim_scn_value b;

    if (!product(r, out))
        return false;
    for (;;) {
        char op = peek(r);
        if (op != '+' && op != '-')
            return true;
        r->at++;
        if (!product(r, &b) || !apply(r, op, out, &b))
            return false;
    }
}

static int order(const struct sim_scn_value *a, const struct sim_scn_value *b)
{
    return a->kind == SIM_SCN_WORD ? strcmp(a->word, b->word) : (a->v > b->v) - (a->v < b->v);
}

static bool comparison(struct reader *r, struct sim_scn_value *out)
{
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    struct sim_scn_value b;
    unsigned op = 0;

    if (!sum(r, out))
        return false;
    while (op < 6 && !take(r, ops[op]))
        op++;
    if (op == 6)
        return true;
    if (!sum(r, &b))
        return false;
    if ((out->kind == SIM_SCN_WORD) != (b.kind == SIM_SCN_WORD) && op < 2) {
        *out = (struct sim_scn_value){.v = op == 1 ? SIM_SCN_ONE : 0}; /* never equal */
        return true;
    }
    if (out->kind != b.kind)
        return fail(r, r->at, "both sides have to be of the same kind");
    int c = order(out, &b);
    bool yes[] = {c == 0, c != 0, c <= 0, c >= 0, c < 0, c > 0};
    *out = (struct sim_scn_value){.v = yes[op] ? SIM_SCN_ONE : 0};
    return true;
}

static bool both(struct reader *r, struct sim_scn_value *out)
{
    struct sim_scn_value b;

    if (!comparison(r, out))
        return false;
    while (take(r, "and")) {
        if (!comparison(r, &b))
            return false;
        *out = (struct sim_scn_value){
            .v = sim_scn_true(out) && sim_scn_true(&b) ? SIM_SCN_ONE : 0};
    }
    return true;
}

static bool either(struct reader *r, struct sim_scn_value *out)
{
    struct sim_scn_value b;
    bool good;

    if (++r->depth > DEPTH_MAX)
        return fail(r, r->at, "fewer things inside of each other");
    good = both(r, out);
    while (good && take(r, "or")) {
        good = both(r, &b);
        *out = (struct sim_scn_value){
            .v = good && (sim_scn_true(out) || sim_scn_true(&b)) ? SIM_SCN_ONE : 0};
    }
    r->depth--;
    return good;
}

bool sim_scn_true(const struct sim_scn_value *v)
{
    if (v->kind == SIM_SCN_WORD)
        return strcmp(v->word, "no") != 0 && strcmp(v->word, "off") != 0;
    return v->v != 0;
}

bool sim_scn_eval(struct sim_scn_expr *x, const char *text, size_t len, struct sim_scn_value *out)
{
    struct reader r = {.x = x, .text = text, .len = len};

    x->error[0] = '\0';
    x->error_at = 0;
    if (!either(&r, out))
        return fail(&r, r.at, "a number that is too large"), false;
    if (peek(&r) != '\0')
        return fail(&r, r.at, "an operator, or the end"), false;
    if (out->kind == SIM_SCN_WORD && out->unknown)
        return fail(&r, 0, "there is no parameter '%s'", out->word), false;
    return true;
}

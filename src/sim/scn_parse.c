/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a scenario: parameters, loops and conditions, and which statement is whose. Called by
 * `plait sim` and by tests; the statements are in scn_link.c, scn_flow.c, scn_tree.c and
 * scn_event.c.
 *
 * A loop is run while it is read: at its `end` reading goes on behind its `for`. Nothing is kept of
 * it, so a file of a few lines may make thousands of links; SIM_SCN_STEPS_MAX bounds the work. */
#include "scn_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- parameters ------------------------------------------------------------------------------ */

/* The rest of the line behind '=', as one text. */
static bool assigned(struct sim_scn_parser *p, char name[SIM_SCN_NAME_MAX], const char *what)
{
    return sim_scn_want_name(p, what, name) && sim_scn_want(p, "=");
}

/* NULL: it was not given from outside. The last one counts. */
static const char *given(const struct sim_scn_parser *p, const char *name)
{
    const char *value = NULL;

    for (unsigned i = 0; i < p->in->set_n; i++)
        if (strcmp(p->in->set[i].name, name) == 0)
            value = p->in->set[i].value;
    return value;
}

static struct sim_scn_param *find_param(const struct sim_scn *s, const char *name)
{
    for (unsigned i = 0; i < s->param_n; i++)
        if (strcmp(s->param[i].name, name) == 0)
            return &s->param[i];
    return NULL;
}

static bool param(struct sim_scn_parser *p)
{
    struct sim_scn_param new = {0};
    struct sim_scn_value def;
    const char *text, *outside;

    if (!assigned(p, new.name, "the name of a parameter"))
        return false;
    text = sim_scn_want_word(p, "a value");
    if (text == NULL || !sim_scn_end(p))
        return false;
    if (p->depth > 0)
        return sim_scn_fail_last(p, "a parameter stands outside of loops and conditions");
    if (sim_scn_find_var(p, new.name, strlen(new.name)) != NULL)
        return sim_scn_fail_last(p, "there is a '%s' already", new.name);
    outside = given(p, new.name);
    if (!sim_scn_read_value(text, &def) ||
        !sim_scn_read_value(outside != NULL ? outside : text, &new.value))
        return sim_scn_fail_last(p, "a value of less than %d letters", SIM_SCN_WORD_MAX);
    new.given = outside != NULL;
    if ((def.kind == SIM_SCN_WORD) != (new.value.kind == SIM_SCN_WORD))
        return sim_scn_fail_last(p, "'%s' is %s, so it cannot be '%s'", new.name,
                                 sim_scn_kind_name(def.kind), outside);
    (void)snprintf(new.text, sizeof new.text, "%s", outside != NULL ? outside : text);
    p->s->param = sim_scn_grow(p->s->param, p->s->param_n, sizeof new);
    p->s->param[p->s->param_n++] = new;
    (void)sim_scn_set_var(p, new.name, &new.value);
    return true;
}

static bool let(struct sim_scn_parser *p)
{
    char name[SIM_SCN_NAME_MAX];
    struct sim_scn_value v;

    if (!assigned(p, name, "a name"))
        return false;
    if (find_param(p->s, name) != NULL)
        return sim_scn_fail_last(p, "'%s' is a parameter", name);
    if (!sim_scn_rest(p, &v))
        return false;
    (void)sim_scn_set_var(p, name, &v);
    return true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static struct sim_scn_block *open_block(struct sim_scn_parser *p)
{
    struct sim_scn_block *b = &p->block[p->depth];

    if (p->depth == SIM_SCN_DEPTH_MAX) {
        (void)sim_scn_fail_last(p, "at most %d loops and conditions inside of each other",
                                SIM_SCN_DEPTH_MAX);
        return NULL;
    }
    *b = (struct sim_scn_block){.opened = p->from[p->token[0]]};
    p->depth++;
    return b;
}

/* The first word of a line that is not run. */
static bool begins(const struct sim_scn_parser *p, const char *word)
{
    const char *at = p->line + strspn(p->line, " ");
    size_t n = strlen(word);

    return strncmp(at, word, n) == 0 && (at[n] == ' ' || at[n] == '\0');
}

/* Passes lines until the block's `end`, or its `else`. The block stays open. */
static bool skip(struct sim_scn_parser *p, bool to_else)
{
    unsigned depth = 0;
    const char *opened = p->block[p->depth - 1].opened;

    while (sim_scn_line(p)) {
        if (depth == 0 && to_else && begins(p, "else"))
            return true;
        if (begins(p, "end") && depth-- == 0) {
            p->depth--;
            return true;
        }
        depth += begins(p, "for") || begins(p, "if");
    }
    return sim_scn_fail_at(p, opened, "its `end` is missing");
}

static bool set_number(struct sim_scn_parser *p, const char *name, int64_t i)
{
    struct sim_scn_value v = {.v = i * SIM_SCN_ONE};

    p->block[p->depth - 1].var = sim_scn_set_var(p, name, &v);
    return true;
}

static void set_word(struct sim_scn_parser *p, const char *name, const char *word)
{
    struct sim_scn_value v;

    (void)sim_scn_read_value(word, &v);
    p->block[p->depth - 1].var = sim_scn_set_var(p, name, &v);
}

/* "1..5"; *ok: it is one, and it was understood. */
static bool range(struct sim_scn_parser *p, int64_t *from, int64_t *to)
{
    const char *text = sim_scn_peek(p);
    char *dots = text != NULL ? strstr(p->words + p->token[p->next], "..") : NULL;
    struct sim_scn_value lo, hi;

    if (dots == NULL || p->next + 1 != p->token_n)
        return false;
    *dots = '\0';
    if (!sim_scn_read_value(text, &lo) || !sim_scn_read_value(dots + 2, &hi) ||
        lo.kind != SIM_SCN_NUMBER || hi.kind != SIM_SCN_NUMBER || lo.v % SIM_SCN_ONE != 0 ||
        hi.v % SIM_SCN_ONE != 0) {
        *dots = '.';
        return sim_scn_fail(p, "expected whole numbers, as 1..5, not '%s'", text);
    }
    *from = lo.v / SIM_SCN_ONE;
    *to = hi.v / SIM_SCN_ONE;
    p->next++;
    return true;
}

/* "a, b c" as words that end with a NUL each. */
static bool word_list(struct sim_scn_parser *p, struct sim_scn_block *b)
{
    size_t used = 0;

    if (sim_scn_peek(p) == NULL)
        return sim_scn_fail(p, "expected what to go through: 1..5, or words");
    b->list = calloc(1, p->len + 1);
    if (b->list == NULL)
        abort();
    for (; p->next < p->token_n; p->next++) {
        const char *word = sim_scn_peek(p);
        while (*word != '\0') {
            size_t n = strcspn(word, ",");
            if (n >= SIM_SCN_WORD_MAX)
                return sim_scn_fail(p, "a value of less than %d letters", SIM_SCN_WORD_MAX);
            if (n > 0) {
                memcpy(b->list + used, word, n);
                used += n + 1;
            }
            word += n + (word[n] == ',');
        }
    }
    b->list_at = b->list;
    b->list_end = b->list + used;
    return used > 0 || sim_scn_fail_last(p, "expected what to go through: 1..5, or words");
}

static bool for_stmt(struct sim_scn_parser *p)
{
    char name[SIM_SCN_NAME_MAX];
    struct sim_scn_block *b;

    if (!sim_scn_want_name(p, "the name of a loop's variable", name))
        return false;
    if (sim_scn_find_var(p, name, strlen(name)) != NULL && find_param(p->s, name) != NULL)
        return sim_scn_fail_last(p, "'%s' is a parameter", name);
    if (!sim_scn_want(p, "in"))
        return false;
    b = open_block(p);
    if (b == NULL)
        return false;
    b->loop = true;
    b->body = p->at;
    if (range(p, &b->i, &b->last))
        return b->i > b->last ? skip(p, false) : set_number(p, name, b->i);
    if (p->failed || !word_list(p, b))
        return false;
    set_word(p, name, b->list_at);
    return true;
}

static bool if_stmt(struct sim_scn_parser *p)
{
    struct sim_scn_value v;
    struct sim_scn_block *b;

    if (!sim_scn_rest(p, &v))
        return false;
    b = open_block(p);
    if (b == NULL)
        return false;
    b->in_else = !sim_scn_true(&v);
    return !b->in_else || skip(p, true);
}

static bool else_stmt(struct sim_scn_parser *p)
{
    if (p->depth == 0 || p->block[p->depth - 1].loop || p->block[p->depth - 1].in_else)
        return sim_scn_fail_last(p, "an `else` without its `if`");
    return skip(p, false);
}

static bool end_stmt(struct sim_scn_parser *p)
{
    struct sim_scn_block *b = p->depth > 0 ? &p->block[p->depth - 1] : NULL;
    char name[SIM_SCN_NAME_MAX];

    if (b == NULL)
        return sim_scn_fail_last(p, "an `end` without its `for` or `if`");
    if (b->loop)
        (void)snprintf(name, sizeof name, "%s", p->var[b->var].name);
    if (b->loop && b->list == NULL && b->i < b->last) {
        p->at = b->body;
        return set_number(p, name, ++b->i);
    }
    if (b->loop && b->list != NULL) {
        b->list_at += strlen(b->list_at) + 1;
        if (b->list_at < b->list_end) {
            p->at = b->body;
            set_word(p, name, b->list_at);
            return true;
        }
    }
    free(b->list);
    b->list = NULL;
    p->depth--;
    return true;
}

/* ---- small statements ------------------------------------------------------------------------ */

static bool title(struct sim_scn_parser *p)
{
    const char *text = sim_scn_want_word(p, "a text, as \"Two links\"");
    size_t len = text != NULL ? strlen(text) : 0;

    if (text == NULL)
        return false;
    if (len < 2 || text[0] != '"')
        return sim_scn_fail_last(p, "expected a text between '\"', not '%s'", text);
    memcpy(p->s->title, text + 1, len - 2);
    p->s->title[len - 2] = '\0';
    return true;
}

static bool run(struct sim_scn_parser *p)
{
    if (!sim_scn_want_time(p, &p->s->run))
        return false;
    if (p->s->run == 0)
        return sim_scn_fail_last(p, "a run of some time");
    if (!sim_scn_take(p, "until"))
        return true;
    p->s->until_done = true;
    return sim_scn_want(p, "done");
}

static bool warmup(struct sim_scn_parser *p)
{
    return sim_scn_want_time(p, &p->s->warmup);
}

static bool sample(struct sim_scn_parser *p)
{
    return sim_scn_want_time(p, &p->s->sample) &&
           (p->s->sample >= PLAIT_MSEC || sim_scn_fail_last(p, "a time of at least 1ms"));
}

static bool seed(struct sim_scn_parser *p)
{
    enum { MOST = 1000000000 };
    uint64_t v;

    if (!sim_scn_want_count(p, 0, MOST, &v))
        return false;
    if (!p->in->seed_given) {
        p->s->seed = v;
        sim_rng_init(&p->rng, v);
    }
    return true;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Length of what stands at the beginning of text: a name with its fields and stars, or one sign. */
static size_t piece(const char *text)
{
    size_t n = 0;

    while (is_name(text[n]) || (n > 0 && text[n] == '.') ||
           (n > 0 && text[n] == '*' && text[n + 1] == '.'))
        n++;
    return n > 0 ? n : 1;
}

/* Parameters in a report become their values now: what is measured has a point in its name. */
static bool fill_in(struct sim_scn_parser *p, const char *text, struct sim_scn_report *r)
{
    char out[2 * SIM_SCN_LINE_MAX], value[SIM_SCN_WORD_MAX + 32];
    size_t used = 0;

    for (size_t n; *text != '\0'; text += n) {
        n = piece(text);
        const struct sim_scn_var *var = text[n] != '(' ? sim_scn_find_var(p, text, n) : NULL;
        const char *from = text;
        size_t len = n;
        if (var != NULL) {
            sim_scn_num_print(&var->value, value, sizeof value);
            from = value;
            len = strlen(value);
            r->filled = true;
        }
        if (used + len >= sizeof out)
            return sim_scn_fail_last(p, "a shorter expression");
        memcpy(out + used, from, len);
        used += len;
    }
    r->expr = malloc(used + 1);
    if (r->expr == NULL)
        abort();
    memcpy(r->expr, out, used);
    r->expr[used] = '\0';
    return true;
}

/* What it says is looked at when everything is known, at the end. */
static bool report(struct sim_scn_parser *p)
{
    struct sim_scn_report r = {0};
    size_t from;

    if (!assigned(p, r.name, "the name of a report"))
        return false;
    for (unsigned i = 0; i < p->s->report_n; i++)
        if (strcmp(p->s->report[i].name, r.name) == 0)
            return sim_scn_fail_last(p, "there is a report '%s' already", r.name);
    if (sim_scn_peek(p) == NULL)
        return sim_scn_fail(p, "an expression is missing");
    from = p->token[p->next];
    sim_scn_place(p, p->from[from], &r.line, &r.column);
    if (!fill_in(p, p->line + from, &r))
        return false;
    p->s->report = sim_scn_grow(p->s->report, p->s->report_n, sizeof r);
    p->s->report[p->s->report_n++] = r;
    p->next = p->token_n;
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct statement {
    const char *name;
    bool (*fn)(struct sim_scn_parser *p);
} statements[] = {
    {"title", title},
    {"param", param},
    {"let", let},
    {"link", sim_scn_link_stmt},
    {"flow", sim_scn_flow_stmt},
    {"fattree", sim_scn_tree_stmt},
    {"box", sim_scn_box_stmt},
    {"at", sim_scn_event_stmt},
    {"run", run},
    {"warmup", warmup},
    {"sample", sample},
    {"stack", sim_scn_stack_stmt},
    {"seed", seed},
    {"report", report},
    {"for", for_stmt},
    {"if", if_stmt},
    {"else", else_stmt},
    {"end", end_stmt},
};

static bool statement(struct sim_scn_parser *p)
{
    const char *word = sim_scn_want_word(p, "a statement");

    if (++p->steps > SIM_SCN_STEPS_MAX)
        return sim_scn_fail_last(p, "at most %d statements, loops counted out", SIM_SCN_STEPS_MAX);
    for (unsigned i = 0; i < sizeof statements / sizeof *statements; i++)
        if (strcmp(statements[i].name, word) == 0) {
            bool reads_on = statements[i].fn == else_stmt || statements[i].fn == if_stmt ||
                            statements[i].fn == for_stmt;
            return statements[i].fn(p) && (reads_on || sim_scn_end(p));
        }
    return sim_scn_fail_last(p, "expected a statement: title param let link flow fattree box at "
                                "run warmup sample stack seed report for if; not '%s'", word);
}

static bool check_reports(struct sim_scn_parser *p)
{
    for (unsigned i = 0; i < p->s->report_n; i++) {
        const struct sim_scn_report *r = &p->s->report[i];
        struct sim_scn_expr x = {.lookup = sim_scn_field_check, .ctx = p->s, .fields = true};
        struct sim_scn_value v;
        if (!sim_scn_eval(&x, r->expr, strlen(r->expr), &v) && !p->failed) {
            p->failed = true;
            *p->error = (struct sim_scn_error){
                .line = r->line, .column = r->column + (r->filled ? 0 : (uint32_t)x.error_at)};
            (void)snprintf(p->error->text, sizeof p->error->text, "%s", x.error);
        }
    }
    return !p->failed;
}

static bool check_names(struct sim_scn_parser *p)
{
    char list[SIM_SCN_ERROR_MAX / 2] = "none";
    size_t used = 0;

    for (unsigned i = 0; i < p->s->param_n && used < sizeof list - 1; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? " " : "",
                                 p->s->param[i].name);
    for (unsigned i = 0; i < p->in->set_n; i++)
        if (find_param(p->s, p->in->set[i].name) == NULL && !p->failed) {
            p->failed = true;
            *p->error = (struct sim_scn_error){0};
            (void)snprintf(p->error->text, sizeof p->error->text,
                           "there is no parameter '%s'; there are: %s", p->in->set[i].name, list);
        }
    return !p->failed;
}

static bool has_end(const struct sim_scn_flow *f)
{
    if (f->traffic == SIM_SCN_CBR)
        return false;
    return f->stop != 0 || f->times != 0 || f->traffic == SIM_SCN_FIXED ||
           f->traffic == SIM_SCN_PAGE;
}

static bool ends(const struct sim_scn *s)
{
    for (unsigned i = 0; i < s->flow_n; i++)
        if (has_end(&s->flow[i]))
            return true;
    return false;
}

static bool check_whole(struct sim_scn_parser *p)
{
    const struct sim_scn *s = p->s;

    if (p->depth > 0)
        return sim_scn_fail_at(p, p->block[p->depth - 1].opened, "its `end` is missing");
    if (s->flow_n == 0)
        return sim_scn_fail_at(p, p->end, "there is no flow; say `flow NAME over LINK`");
    if (s->run == 0)
        return sim_scn_fail_at(p, p->end, "how long it runs is missing; say `run 60s`");
    if (s->until_done && !ends(s))
        return sim_scn_fail_at(p, p->end, "`until done`, and no flow has an end");
    if (s->warmup >= s->run)
        return sim_scn_fail_at(p, p->end, "the warm-up is as long as the run");
    return check_names(p) && check_reports(p);
}

struct sim_scn *sim_scn_parse(const struct sim_scn_input *in, struct sim_scn_error *error)
{
    struct sim_scn_parser *p = calloc(1, sizeof *p);
    struct sim_scn *s = calloc(1, sizeof *s);

    if (p == NULL || s == NULL)
        abort();
    *error = (struct sim_scn_error){0};
    *p = (struct sim_scn_parser){
        .in = in, .s = s, .error = error, .at = in->text, .end = in->text + in->len};
    s->seed = in->seed_given ? in->seed : 1;
    s->sample = 10 * PLAIT_MSEC;
    plait_config_init(&s->stack);
    sim_rng_init(&p->rng, s->seed);
    if (in->len > SIM_SCN_TEXT_MAX)
        (void)sim_scn_fail_at(p, in->text, "a file of at most %d bytes", SIM_SCN_TEXT_MAX);
    while (sim_scn_line(p) && sim_scn_expand(p) && (p->token_n == 0 || statement(p)))
        ;
    if (!p->failed)
        (void)check_whole(p);
    for (unsigned i = 0; i < SIM_SCN_DEPTH_MAX; i++)
        free(p->block[i].list);
    if (p->failed) {
        sim_scn_free(s);
        s = NULL;
    }
    free(p->var);
    free(p);
    return s;
}

void sim_scn_free(struct sim_scn *s)
{
    for (unsigned i = 0; i < s->flow_n; i++)
        free(s->flow[i].path);
    for (unsigned i = 0; i < s->report_n; i++)
        free(s->report[i].expr);
    free(s->link);
    free(s->flow);
    free(s->event);
    free(s->box);
    free(s->report);
    free(s->param);
    free(s->tree);
    free(s);
}

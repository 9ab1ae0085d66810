/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of values, their cross product, and a digest of each run. Called by sim_scenario.c. */
#include "sim_runs.h"

#include "base/be.h"
#include "base/siphash.h"
#include "sim/scn_num.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define bad(...) args_bad("sim", __VA_ARGS__)

static void *must(void *mem)
{
    if (mem == NULL)
        abort();
    return mem;
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct value_list {
    char **value;
    unsigned n;
};

static bool add(struct value_list *l, const char *text, size_t len)
{
    if (len == 0 || len >= SIM_SCN_WORD_MAX || l->n == SIM_VALUES_MAX)
        return false;
    l->value = must(realloc(l->value, (l->n + 1) * sizeof *l->value));
    l->value[l->n++] = must(strndup(text, len));
    return true;
}

/* A number of millionths, and its unit as it was written. */
struct number {
    int64_t v;
    char unit[8];
};

static bool read_number(const char *text, size_t len, struct number *out)
{
    struct sim_scn_value v;
    const char *error;
    size_t digits = strspn(text, "0123456789.");

    digits = digits < len ? digits : len;
    if (digits == 0 || len - digits >= sizeof out->unit ||
        sim_scn_num_parse(text, digits, &v, &error) != digits)
        return false;
    out->v = v.v;
    memcpy(out->unit, text + digits, len - digits);
    out->unit[len - digits] = '\0';
    return true;
}

/* A range: from, to, and the step or the factor between neighbours. */
struct range {
    struct number part[3];
    bool factor;
};

/* "1..10", "10ms..50ms..10ms", all with one unit, or "1mbit..64mbit..*2". */
static bool read_range(const char *text, size_t len, struct range *r)
{
    struct number *part = r->part;
    unsigned n = 0;

    while (n < 3) {
        size_t one = 0;
        while (one < len && (text[one] != '.' || one + 1 >= len || text[one + 1] != '.'))
            one++;
        r->factor = n == 2 && one > 0 && *text == '*';
        if (!read_number(text + r->factor, one - r->factor, &part[n++]))
            return false;
        if (one >= len)
            break;
        text += one + 2;
        len -= one + 2;
        if (n == 3)
            return false;
    }
    if (n < 2 || strcmp(part[0].unit, part[1].unit) != 0 || part[1].v < part[0].v)
        return false;
    if (n == 2)
        memcpy(part[2].unit, part[0].unit, sizeof part[2].unit);
    if (r->factor)
        return part[2].unit[0] == '\0' && part[2].v > SIM_SCN_ONE && part[0].v > 0;
    return strcmp(part[0].unit, part[2].unit) == 0 && part[2].v > 0;
}

/* What comes after v; INT64_MAX: nothing that could be told from it. */
static int64_t next_of(const struct range *r, int64_t v)
{
    int64_t by = r->part[2].v, next;

    if (!r->factor)
        return v <= INT64_MAX - by ? v + by : INT64_MAX;
    if (v > INT64_MAX / by)
        return INT64_MAX;
    next = (v * by + SIM_SCN_ONE / 2) / SIM_SCN_ONE;
    return next > v ? next : INT64_MAX;
}

static bool add_range(struct value_list *l, const char *text, size_t len)
{
    struct range r = {.part = {{0}, {0}, {SIM_SCN_ONE, ""}}};
    struct sim_scn_value v = {.kind = SIM_SCN_NUMBER};
    char print[SIM_SCN_WORD_MAX], word[SIM_SCN_WORD_MAX + 8];

    if (!read_range(text, len, &r))
        return false;
    for (v.v = r.part[0].v; v.v <= r.part[1].v && v.v < INT64_MAX; v.v = next_of(&r, v.v)) {
        sim_scn_num_print(&v, print, sizeof print);
        (void)snprintf(word, sizeof word, "%s%s", print, r.part[0].unit);
        if (!add(l, word, strlen(word)))
            return false;
    }
    return true;
}

static bool has_dots(const char *text, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++)
        if (text[i] == '.' && text[i + 1] == '.')
            return true;
    return false;
}

char **sim_list_parse(const char *list, unsigned *n)
{
    struct value_list l = {0};
    bool good = true;

    for (const char *at = list; good; at++) {
        size_t len = strcspn(at, ",");
        good = has_dots(at, len) ? add_range(&l, at, len) : add(&l, at, len);
        at += len;
        if (*at == '\0')
            break;
    }
    *n = l.n;
    if (good)
        return l.value;
    sim_list_free(l.value, l.n);
    return NULL;
}

void sim_list_free(char **value, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free(value[i]);
    free(value);
}

/* ---- the file and the axes ------------------------------------------------------------------- */

static enum args_verdict read_file(struct sim_runs *r, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

    r->text = must(malloc(SIM_SCN_TEXT_MAX + 1));
    r->len = file != NULL ? fread(r->text, 1, SIM_SCN_TEXT_MAX + 1, file) : 0;
    if (file == NULL || ferror(file) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return ARGS_BAD;
    }
    if (file != stdin)
        (void)fclose(file);
    return ARGS_OK;
}

static enum args_verdict add_axis(struct sim_runs *r, const char *arg)
{
    struct sim_axis *axis = &r->axis[r->axis_n];
    size_t len = strcspn(arg, "=");

    if (len >= sizeof axis->name)
        return bad("--sweep %s: there is no parameter with such a name", arg);
    memcpy(axis->name, arg, len);
    axis->name[len] = '\0';
    for (unsigned i = 0; i < r->axis_n; i++)
        if (strcmp(r->axis[i].name, axis->name) == 0)
            return bad("--sweep %s: twice", arg);
    axis->value = sim_list_parse(arg + len + 1, &axis->n);
    if (axis->value == NULL)
        return bad("--sweep %s: it has to be values with commas, or ranges as 1..10, "
                   "10ms..50ms..10ms or 1mbit..64mbit..*2", arg);
    r->axis_n++;
    if ((uint64_t)r->n * axis->n > SIM_RUNS_MAX)
        return bad("--sweep %s: more than %d runs", arg, SIM_RUNS_MAX);
    r->n *= axis->n;
    return ARGS_OK;
}

static enum args_verdict check_seeds(const struct sim_runs *r)
{
    for (unsigned i = 0; i < r->axis_n; i++)
        for (unsigned k = 0; strcmp(r->axis[i].name, "seed") == 0 && k < r->axis[i].n; k++) {
            uint64_t seed;
            const char *end = args_digits(r->axis[i].value[k], 10, &seed);
            if (end == NULL || *end != '\0')
                return bad("--sweep seed=%s: seeds are whole numbers", r->axis[i].value[k]);
        }
    return ARGS_OK;
}

enum args_verdict sim_runs_init(struct sim_runs *r, const struct sim_options *o)
{
    enum args_verdict verdict;

    *r = (struct sim_runs){.o = o, .n = 1};
    verdict = read_file(r, o->file);
    for (unsigned i = 0; verdict == ARGS_OK && i < o->sweep_n; i++)
        verdict = add_axis(r, o->sweep[i]);
    return verdict == ARGS_OK ? check_seeds(r) : verdict;
}

void sim_runs_free(struct sim_runs *r)
{
    for (unsigned i = 0; i < r->axis_n; i++)
        sim_list_free(r->axis[i].value, r->axis[i].n);
    free(r->text);
}

/* ---- one run --------------------------------------------------------------------------------- */

void sim_run_make(const struct sim_runs *r, unsigned index, struct sim_run *run)
{
    unsigned n = r->o->set_n, rest = index;

    *run = (struct sim_run){.index = index};
    run->in = (struct sim_scn_input){.text = r->text, .len = r->len,
                                     .seed_given = r->o->seed_given, .seed = r->o->seed};
    memcpy(run->set, r->o->set, n * sizeof *run->set);
    for (unsigned i = r->axis_n; i-- > 0;) {
        const struct sim_axis *axis = &r->axis[i];
        const char *value = axis->value[rest % axis->n];
        rest /= axis->n;
        if (strcmp(axis->name, "seed") == 0) {
            run->in.seed_given = true;
            (void)args_digits(value, 10, &run->in.seed);
        } else {
            run->set[n++] = (struct sim_scn_set){axis->name, value};
        }
    }
    run->in.set = run->set;
    run->in.set_n = n;
}

/* The order of options does not matter for the result, so it does not for the digest. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sim_scn_set *)a)->name, ((const struct sim_scn_set *)b)->name);
}

/* The digest of a text, and of what came before. */
static uint64_t join(uint64_t before, const char *text, size_t len)
{
    static const struct siphash_key key = {0x706c616974, 0x73696d};
    uint8_t both[16];

    be64_store(both, before);
    be64_store(both + 8, siphash(&key, text, len));
    return siphash(&key, both, sizeof both);
}

uint64_t sim_run_hash(const struct sim_run *run)
{
    struct sim_scn_set set[SIM_SETS_MAX + SIM_SWEEPS_MAX];
    char seed[32] = "";
    uint64_t h = join(0, run->in.text, run->in.len);

    memcpy(set, run->set, run->in.set_n * sizeof *set);
    qsort(set, run->in.set_n, sizeof *set, by_name);
    for (unsigned i = 0; i < run->in.set_n; i++) {
        h = join(h, set[i].name, strlen(set[i].name));
        h = join(h, set[i].value, strlen(set[i].value));
    }
    if (run->in.seed_given)
        (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->in.seed);
    return join(h, seed, strlen(seed));
}

struct sim_scn *sim_run_parse(const struct sim_runs *r, const struct sim_run *run)
{
    struct sim_scn_error e;
    struct sim_scn *s = sim_scn_parse(&run->in, &e);

    if (s == NULL && e.line != 0)
        (void)fprintf(stderr, "%s:%u:%u: %s\n", r->o->file, e.line, e.column, e.text);
    else if (s == NULL)
        (void)fprintf(stderr, "%s: %s\n", r->o->file, e.text);
    return s;
}

void sim_run_describe(const struct sim_runs *r, unsigned index, char *to, size_t size)
{
    size_t used = 0;
    unsigned rest = index, at[SIM_SWEEPS_MAX];

    to[0] = '\0';
    for (unsigned i = r->axis_n; i-- > 0; rest /= r->axis[i].n)
        at[i] = rest % r->axis[i].n;
    for (unsigned i = 0; i < r->axis_n && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "%s%s=%s", i > 0 ? " " : "",
                                 r->axis[i].name, r->axis[i].value[at[i]]);
}

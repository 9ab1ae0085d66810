/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a statement, one after the other, each as what it has to be. Called by the parts of
 * the scenario parser. */
#include "scn_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sim_scn_peek(const struct sim_scn_parser *p)
{
    return p->next < p->token_n ? p->words + p->token[p->next] : NULL;
}

bool sim_scn_take(struct sim_scn_parser *p, const char *word)
{
    const char *have = sim_scn_peek(p);

    if (have == NULL || strcmp(have, word) != 0)
        return false;
    p->next++;
    return true;
}

const char *sim_scn_want_word(struct sim_scn_parser *p, const char *what)
{
    const char *have = sim_scn_peek(p);

    if (have == NULL)
        (void)sim_scn_fail(p, "expected %s", what);
    p->next += have != NULL;
    return have;
}

bool sim_scn_want(struct sim_scn_parser *p, const char *word)
{
    const char *have = sim_scn_peek(p);

    if (sim_scn_take(p, word))
        return true;
    return have != NULL ? sim_scn_fail(p, "expected '%s', not '%s'", word, have)
                        : sim_scn_fail(p, "expected '%s'", word);
}

bool sim_scn_end(struct sim_scn_parser *p)
{
    const char *have = sim_scn_peek(p);

    return have == NULL || sim_scn_fail(p, "expected the end of the line, not '%s'", have);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool sim_scn_want_name(struct sim_scn_parser *p, const char *what, char to[SIM_SCN_NAME_MAX])
{
    const char *have = sim_scn_want_word(p, what);
    size_t n = 0;

    if (have == NULL)
        return false;
    while (is_letter(have[n]) || have[n] == '_' || (n > 0 && have[n] >= '0' && have[n] <= '9'))
        n++;
    if (n == 0 || have[n] != '\0' || !is_letter(have[0]))
        return sim_scn_fail_last(
            p, "expected %s: a letter, then letters, digits and '_'; not '%s'", what, have);
    if (n >= SIM_SCN_NAME_MAX)
        return sim_scn_fail_last(p, "a name with at most %d letters", SIM_SCN_NAME_MAX - 1);
    memcpy(to, have, n + 1);
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

bool sim_scn_want_value(struct sim_scn_parser *p, const char *what, struct sim_scn_value *out)
{
    const char *have = sim_scn_want_word(p, what), *error;

    if (have == NULL)
        return false;
    if (have[0] == '-')
        return sim_scn_fail_last(p, "expected %s, not '%s'", what, have);
    if (sim_scn_num_parse(have, strlen(have), out, &error) == strlen(have))
        return true;
    return error != NULL ? sim_scn_fail_last(p, "expected %s; '%s' is not: %s", what, have, error)
                         : sim_scn_fail_last(p, "expected %s, not '%s'", what, have);
}

static bool want_kind(struct sim_scn_parser *p, enum sim_scn_kind kind, const char *what,
                      struct sim_scn_value *out)
{
    if (!sim_scn_want_value(p, what, out))
        return false;
    return out->kind == kind || (out->v == 0 && out->kind == SIM_SCN_NUMBER) ||
           sim_scn_fail_last(p, "expected %s, not %s", what, sim_scn_kind_name(out->kind));
}

bool sim_scn_want_time(struct sim_scn_parser *p, plait_time *out)
{
    enum { YEAR_S = 31557600 };
    struct sim_scn_value v;

    if (!want_kind(p, SIM_SCN_TIME, "a time, as 10ms", &v))
        return false;
    *out = (plait_time)v.v;
    return *out <= YEAR_S * PLAIT_SEC || sim_scn_fail_last(p, "a time of at most a year");
}

bool sim_scn_want_rate(struct sim_scn_parser *p, uint64_t *out)
{
    struct sim_scn_value v;

    if (!want_kind(p, SIM_SCN_RATE, "a rate, as 10mbit or 1000pps", &v))
        return false;
    *out = (uint64_t)v.v / SIM_SCN_ONE;
    return (*out >= 1000 && *out <= 1000000000000) ||
           sim_scn_fail_last(p, "a rate from 1kbit to 1000gbit");
}

bool sim_scn_want_size(struct sim_scn_parser *p, uint64_t max, uint64_t *out)
{
    static const char what[] = "a size, as 64kB or 100pkt";
    struct sim_scn_value v;

    if (!sim_scn_want_value(p, what, &v))
        return false;
    if (v.kind != SIM_SCN_SIZE && v.kind != SIM_SCN_PKT && v.v != 0)
        return sim_scn_fail_last(p, "expected %s, not %s", what, sim_scn_kind_name(v.kind));
    *out = (uint64_t)v.v / SIM_SCN_ONE;
    if (v.kind == SIM_SCN_PKT)
        *out = (uint64_t)v.v / SIM_SCN_ONE * SIM_SCN_PKT_BYTES;
    return *out <= max || sim_scn_fail_last(p, "a size of at most %llu bytes",
                                            (unsigned long long)max);
}

bool sim_scn_want_share(struct sim_scn_parser *p, uint32_t *ppm)
{
    struct sim_scn_value v;

    if (!want_kind(p, SIM_SCN_NUMBER, "a share, as 1% or 0.01", &v))
        return false;
    *ppm = v.v > SIM_SCN_ONE ? 0 : (uint32_t)v.v;
    return v.v <= SIM_SCN_ONE || sim_scn_fail_last(p, "a share of at most 1, which is 100%%");
}

bool sim_scn_want_count(struct sim_scn_parser *p, uint64_t min, uint64_t max, uint64_t *out)
{
    struct sim_scn_value v;

    if (!want_kind(p, SIM_SCN_NUMBER, "a whole number", &v))
        return false;
    *out = (uint64_t)v.v / SIM_SCN_ONE;
    return (v.v % SIM_SCN_ONE == 0 && *out >= min && *out <= max) ||
           sim_scn_fail_last(p, "a whole number from %llu to %llu", (unsigned long long)min,
                             (unsigned long long)max);
}

/* "5ms" or "5ms..10ms" */
bool sim_scn_want_span(struct sim_scn_parser *p, struct sim_scn_span *out)
{
    const char *have = sim_scn_peek(p);
    char *dots = have != NULL ? strstr(p->words + p->token[p->next], "..") : NULL;
    struct sim_scn_value hi;
    const char *error;

    if (dots == NULL) {
        bool good = sim_scn_want_time(p, &out->lo);
        out->hi = out->lo;
        return good;
    }
    *dots = '\0';
    if (!sim_scn_want_time(p, &out->lo))
        return false;
    if (sim_scn_num_parse(dots + 2, strlen(dots + 2), &hi, &error) != strlen(dots + 2) ||
        hi.kind != SIM_SCN_TIME || hi.v < (int64_t)out->lo ||
        hi.v > 31557600LL * SIM_SCN_ONE || dots[2] == '\0')
        return sim_scn_fail_last(p, "expected a later time behind '..', as 1s..2s");
    out->hi = (plait_time)hi.v;
    return true;
}

/* ---- tables of words ------------------------------------------------------------------------- */

static const struct sim_scn_word *find(const struct sim_scn_words *words, const char *name)
{
    for (unsigned i = 0; i < words->n; i++)
        if (strcmp(words->word[i].name, name) == 0)
            return &words->word[i];
    return NULL;
}

static bool unknown(struct sim_scn_parser *p, const struct sim_scn_words *words, const char *have)
{
    char list[SIM_SCN_ERROR_MAX];
    size_t used = 0;

    list[0] = '\0';
    for (unsigned i = 0; i < words->n && used < sizeof list - 1; i++) {
        int n = snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? " " : "",
                         words->word[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    return sim_scn_fail(p, "expected a word of %s, not '%s'; there are: %s", words->of, have, list);
}

bool sim_scn_each(struct sim_scn_parser *p, const struct sim_scn_words *words, void *target)
{
    const char *have;

    while ((have = sim_scn_peek(p)) != NULL) {
        const struct sim_scn_word *w = find(words, have);
        if (w == NULL)
            return unknown(p, words, have);
        p->next++;
        if (!w->fn(p, target, w->arg))
            return false;
    }
    return true;
}

void *sim_scn_grow(void *list, unsigned n, size_t size)
{
    unsigned cap = 8;

    if ((n & (n - 1)) == 0 && (n == 0 || n >= cap)) { /* full at 0, 8, 16, 32 ... */
        list = realloc(list, (n == 0 ? cap : 2 * n) * size);
        if (list == NULL)
            abort();
    }
    memset((char *)list + n * size, 0, size);
    return list;
}

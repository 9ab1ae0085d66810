/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, in fixed point. Called by the scenario parser and by the runner for reports.
 *
 * A value counts millionths of its unit in 64 bits: rates up to 9 Tbit/s, times of 290,000 years.
 * What leaves that range is an error, never a wrong number. */
#include "scn_num.h"

#include <stdio.h>
#include <string.h>

#include "../base/wide.h"

enum { DIGITS = 6 };

static const struct unit {
    const char *name;
    enum sim_scn_kind kind;
    int64_t millionths; /* of one of these in units of the kind */
} units[] = {
    {"", SIM_SCN_NUMBER, SIM_SCN_ONE},
    {"%", SIM_SCN_NUMBER, SIM_SCN_ONE / 100},
    {"us", SIM_SCN_TIME, 1},
    {"ms", SIM_SCN_TIME, 1000},
    {"s", SIM_SCN_TIME, SIM_SCN_ONE},
    {"min", SIM_SCN_TIME, 60LL * SIM_SCN_ONE},
    {"bit", SIM_SCN_RATE, SIM_SCN_ONE},
    {"kbit", SIM_SCN_RATE, 1000LL * SIM_SCN_ONE},
    {"mbit", SIM_SCN_RATE, 1000000LL * SIM_SCN_ONE},
    {"gbit", SIM_SCN_RATE, 1000000000LL * SIM_SCN_ONE},
    {"pps", SIM_SCN_RATE, 8LL * SIM_SCN_PKT_BYTES * SIM_SCN_ONE},
    {"B", SIM_SCN_SIZE, SIM_SCN_ONE},
    {"kB", SIM_SCN_SIZE, 1000LL * SIM_SCN_ONE},
    {"MB", SIM_SCN_SIZE, 1000000LL * SIM_SCN_ONE},
    {"GB", SIM_SCN_SIZE, 1000000000LL * SIM_SCN_ONE},
    {"KiB", SIM_SCN_SIZE, 1024LL * SIM_SCN_ONE},
    {"MiB", SIM_SCN_SIZE, 1048576LL * SIM_SCN_ONE},
    {"GiB", SIM_SCN_SIZE, 1073741824LL * SIM_SCN_ONE},
    {"pkt", SIM_SCN_PKT, SIM_SCN_ONE},
};

const char *sim_scn_kind_name(enum sim_scn_kind kind)
{
    static const char *const names[] = {
        [SIM_SCN_NUMBER] = "a number without a unit",
        [SIM_SCN_TIME] = "a time",
        [SIM_SCN_RATE] = "a rate",
        [SIM_SCN_SIZE] = "a size",
        [SIM_SCN_PKT] = "a number of packets",
        [SIM_SCN_WORD] = "a word",
    };

    return names[kind];
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* n / d, bit by bit; false where the quotient has more than 63 bits. */
static bool wide_div(struct wide n, uint64_t d, uint64_t *out)
{
    uint64_t rest = n.hi, q = 0;

    if (n.hi >= d)
        return false;
    for (unsigned i = 64; i-- > 0;) {
        bool carry = rest >> 63 != 0;
        rest = rest << 1 | (n.lo >> i & 1);
        if (carry || rest >= d) {
            rest -= d;
            q |= (uint64_t)1 << i;
        }
    }
    *out = q;
    return q <= INT64_MAX;
}

bool sim_scn_muldiv(int64_t a, int64_t b, int64_t c, int64_t *out)
{
    bool minus = ((a < 0) != (b < 0)) != (c < 0);
    uint64_t q;

    if (c == 0 || !wide_div(wide_mul(magnitude(a), magnitude(b)), magnitude(c), &q))
        return false;
    *out = minus ? -(int64_t)q : (int64_t)q;
    return true;
}

static bool add(int64_t a, int64_t b, int64_t *out)
{
    if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN + 1 - b))
        return false;
    *out = a + b;
    return true;
}

/* What a product is: a rate by a time is a size, with 8 bits in a byte. */
static bool mul(const struct sim_scn_value *a, const struct sim_scn_value *b,
                struct sim_scn_value *out, const char **error)
{
    int64_t one = SIM_SCN_ONE;

    if (a->kind == SIM_SCN_NUMBER || b->kind == SIM_SCN_NUMBER) {
        out->kind = a->kind == SIM_SCN_NUMBER ? b->kind : a->kind;
    } else if (a->kind + b->kind == SIM_SCN_RATE + SIM_SCN_TIME && a->kind != b->kind) {
        out->kind = SIM_SCN_SIZE;
        one *= 8;
    } else {
        *error = "of the factors one has to be without a unit, or a rate and a time";
        return false;
    }
    return sim_scn_muldiv(a->v, b->v, one, &out->v);
}

static bool divide(const struct sim_scn_value *a, const struct sim_scn_value *b,
                   struct sim_scn_value *out, const char **error)
{
    int64_t one = SIM_SCN_ONE;

    if (b->v == 0) {
        *error = "a division by zero";
        return false;
    }
    if (b->kind == SIM_SCN_NUMBER) {
        out->kind = a->kind;
    } else if (a->kind == b->kind) {
        out->kind = SIM_SCN_NUMBER;
    } else if (a->kind == SIM_SCN_SIZE && (b->kind == SIM_SCN_TIME || b->kind == SIM_SCN_RATE)) {
        out->kind = b->kind == SIM_SCN_TIME ? SIM_SCN_RATE : SIM_SCN_TIME;
        one *= 8;
    } else {
        *error = "units that cannot be divided by each other";
        return false;
    }
    return sim_scn_muldiv(a->v, one, b->v, &out->v);
}

static bool same_kind_op(char op, const struct sim_scn_value *a, const struct sim_scn_value *b,
                         struct sim_scn_value *out, const char **error)
{
    out->kind = a->kind;
    if (a->kind != b->kind) {
        *error = "both sides have to be of the same kind";
        return false;
    }
    if (op == '+')
        return add(a->v, b->v, &out->v);
    if (op == '-')
        return b->v != INT64_MIN && add(a->v, -b->v, &out->v);
    if (b->v == 0) {
        *error = "a division by zero";
        return false;
    }
    out->v = b->v == -1 ? 0 : a->v % b->v;
    return true;
}

bool sim_scn_num_op(char op, const struct sim_scn_value *a, const struct sim_scn_value *b,
                    struct sim_scn_value *out, const char **error)
{
    struct sim_scn_value r = {.kind = SIM_SCN_NUMBER};
    bool good;

    *error = "a number that is too large";
    if (a->kind == SIM_SCN_WORD || b->kind == SIM_SCN_WORD) {
        *error = "words can be compared, and nothing else";
        return false;
    }
    if (op == '*')
        good = mul(a, b, &r, error);
    else if (op == '/')
        good = divide(a, b, &r, error);
    else
        good = same_kind_op(op, a, b, &r, error);
    *out = r;
    return good;
}

/* ---- text ------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Mbit is mbit; kB is not KB, which nobody knows the meaning of. */
static bool is_unit(const struct unit *u, const char *text, size_t len)
{
    if (strlen(u->name) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (u->name[i] != (u->kind == SIM_SCN_RATE ? lower(text[i]) : text[i]))
            return false;
    return true;
}

/* Digits, a point and up to six more, as millionths. */
static size_t digits(const char *text, size_t len, int64_t *out, const char **error)
{
    int64_t whole = 0, fraction = 0, scale = SIM_SCN_ONE;
    size_t at = 0;

    *out = 0;
    for (; at < len && is_digit(text[at]); at++) {
        whole = whole * 10 + (text[at] - '0');
        if (whole > INT64_MAX / SIM_SCN_ONE) {
            *error = "a number that is too large";
            return at;
        }
    }
    if (at > 0 && at + 1 < len && text[at] == '.' && is_digit(text[at + 1])) {
        for (at++; at < len && is_digit(text[at]); at++) {
            scale /= 10;
            fraction += scale * (text[at] - '0');
            if (scale == 0)
                *error = "a number with at most six digits behind the point";
        }
    }
    if (fraction > INT64_MAX - whole * SIM_SCN_ONE)
        *error = "a number that is too large";
    else
        *out = whole * SIM_SCN_ONE + fraction;
    return at;
}

/* A % with an operand behind it is no unit but the remainder of a division. */
static bool is_percent(const char *text, size_t len)
{
    size_t i = 1;

    if (len == 0 || text[0] != '%')
        return false;
    while (i < len && text[i] == ' ')
        i++;
    return i == len || !(is_digit(text[i]) || is_letter(text[i]) || text[i] == '(');
}

size_t sim_scn_num_parse(const char *text, size_t len, struct sim_scn_value *out,
                         const char **error)
{
    size_t at, end;
    int64_t v;

    *error = NULL;
    *out = (struct sim_scn_value){.kind = SIM_SCN_NUMBER};
    at = digits(text, len, &v, error);
    if (at == 0 || *error != NULL)
        return 0;
    end = at;
    while (end < len && is_letter(text[end]))
        end++;
    if (end == at && is_percent(text + at, len - at))
        end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!is_unit(&units[i], text + at, end - at))
            continue;
        out->kind = units[i].kind;
        if (sim_scn_muldiv(v, units[i].millionths, SIM_SCN_ONE, &out->v))
            return end;
        *error = "a number that is too large";
        return 0;
    }
    *error = "a unit that there is: us ms s min, bit kbit mbit gbit pps, B kB MB GB KiB MiB GiB, "
             "pkt, %";
    return 0;
}

void sim_scn_num_print(const struct sim_scn_value *v, char *to, size_t size)
{
    static const char *const suffix[] = {
        [SIM_SCN_NUMBER] = "", [SIM_SCN_TIME] = "s",  [SIM_SCN_RATE] = "bit",
        [SIM_SCN_SIZE] = "B",  [SIM_SCN_PKT] = "pkt",
    };
    char fraction[DIGITS + 2] = "";
    uint64_t m = magnitude(v->v);

    if (v->kind == SIM_SCN_WORD) {
        (void)snprintf(to, size, "%s", v->word);
        return;
    }
    if (m % SIM_SCN_ONE != 0) {
        (void)snprintf(fraction, sizeof fraction, ".%06u", (unsigned)(m % SIM_SCN_ONE));
        for (size_t n = strlen(fraction); fraction[n - 1] == '0'; n--)
            fraction[n - 1] = '\0';
    }
    (void)snprintf(to, size, "%s%llu%s%s", v->v < 0 ? "-" : "",
                   (unsigned long long)(m / SIM_SCN_ONE), fraction, suffix[v->kind]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of scenarios: in braces, behind `if` and `let`, and over results in reports. */
#ifndef SIM_SCN_EXPR_H
#define SIM_SCN_EXPR_H

#include "rng.h"
#include "scn_num.h"

enum { SIM_SCN_TELL_MAX = 256 };

/* A name in an expression. Reports have fields (m.1.goodput), and several things at once
 * (f*.goodput): the n-th of them. False: there are not so many (n > 0), or there is no such name:
 * a word then, unless `tell` says what is wrong. */
struct sim_scn_ref {
    const char *name;
    size_t len;
    unsigned n;
    char *tell; /* SIM_SCN_TELL_MAX bytes */
};
typedef bool sim_scn_lookup_fn(void *ctx, const struct sim_scn_ref *ref,
                               struct sim_scn_value *out);

struct sim_scn_expr {
    sim_scn_lookup_fn *lookup;
    void *ctx;
    struct sim_rng *rng; /* for rand(); NULL: there is none here */
    bool fields;         /* names have fields and stars */
    /* where it went wrong, and how: from the beginning of the text */
    size_t error_at;
    char error[SIM_SCN_TELL_MAX];
};

/* False: error tells why. */
bool sim_scn_eval(struct sim_scn_expr *x, const char *text, size_t len, struct sim_scn_value *out);
/* Jain's index of fairness, (sum v)^2 / (n * sum v^2), in millionths; v is not negative. False: a
 * number is too large. */
bool sim_scn_jain(const int64_t *v, unsigned n, int64_t *out);
/* A number other than 0, or a word other than "no" and "off". */
bool sim_scn_true(const struct sim_scn_value *v);

#endif

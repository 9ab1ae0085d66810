/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of scenarios: exact to a millionth, with a unit; no floating point, so that a scenario
 * says the same on every machine. */
#ifndef SIM_SCN_NUM_H
#define SIM_SCN_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_SCN_WORD_MAX = 64, SIM_SCN_ONE = 1000000, SIM_SCN_PKT_BYTES = 1500 };

enum sim_scn_kind {
    SIM_SCN_NUMBER, /* without a unit; 1% is 0.01 */
    SIM_SCN_TIME,   /* seconds */
    SIM_SCN_RATE,   /* bits per second */
    SIM_SCN_SIZE,   /* bytes */
    SIM_SCN_PKT,    /* packets */
    SIM_SCN_WORD,   /* no number: a name */
};

struct sim_scn_value {
    enum sim_scn_kind kind;
    int64_t v;                   /* millionths of the unit */
    char word[SIM_SCN_WORD_MAX]; /* of a word */
    bool unknown;                /* a word that names nothing */
};

/* "a time": for messages. */
const char *sim_scn_kind_name(enum sim_scn_kind kind);

/* The number and unit that text begins with; its length. 0: there is none, or *error tells what is
 * wrong with it (else *error is NULL). */
size_t sim_scn_num_parse(const char *text, size_t len, struct sim_scn_value *out,
                         const char **error);
/* The value in print, so that sim_scn_num_parse() would read the same. Cut at size. */
void sim_scn_num_print(const struct sim_scn_value *v, char *to, size_t size);

/* a * b / c, rounded down towards zero; false beyond 63 bits, or where c is 0. */
bool sim_scn_muldiv(int64_t a, int64_t b, int64_t c, int64_t *out);
/* False: *error tells why. op is one of + - * / % */
bool sim_scn_num_op(char op, const struct sim_scn_value *a, const struct sim_scn_value *b,
                    struct sim_scn_value *out, const char **error);

#endif

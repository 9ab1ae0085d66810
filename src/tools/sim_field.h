/* SPDX-License-Identifier: Apache-2.0 */
/* Values in a line of results, by the names that reports use. */
#ifndef TOOLS_SIM_FIELD_H
#define TOOLS_SIM_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of JSON: quotes of a string are not part of it. */
struct sim_piece {
    const char *at;
    size_t len;
};

/* The value of a key of this object, or of its n-th element ("1" is the first) in an array. */
bool sim_field_member(const struct sim_piece *whole, const char *key, size_t len,
                      struct sim_piece *out);
/* NAME of a report or parameter or `seed`, FLOW.FIELD, FLOW.PATH.FIELD, LINK.FIELD,
 * LINK.back.FIELD. */
bool sim_field_find(const char *line, const char *name, struct sim_piece *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON writer: values go in one after the other, a line comes out. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH_MAX = 16 };

/* All zero is an empty one. */
struct json {
    char *buf; /* the text so far, not terminated */
    size_t len, cap;
    bool failed; /* memory was refused: nothing is added any more */
    unsigned depth;
    bool filled[JSON_DEPTH_MAX]; /* an element stands at this depth: a comma comes first */
};

/* key is NULL inside an array and at the top. Keys are escaped too. */
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
/* Text as UTF-8; bytes that are not become U+FFFD. */
void json_string(struct json *j, const char *key, const char *text);
void json_number(struct json *j, const char *key, uint64_t value);
/* value / 10^digits, digits up to 6. */
void json_fraction(struct json *j, const char *key, uint64_t value, unsigned digits);
/* value / 10^6, as short as it is exact. */
void json_millionths(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* Ends the line and writes it whole to fd; false when that failed. The writer is empty again. */
bool json_line(struct json *j, int fd);
/* The same to a stream. */
bool json_to(struct json *j, FILE *file);
void json_free(struct json *j);

#endif

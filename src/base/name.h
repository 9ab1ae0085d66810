/* SPDX-License-Identifier: Apache-2.0 */
/* Names in tables of policies; the core has no string functions. */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stdbool.h>

static inline bool name_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

#endif

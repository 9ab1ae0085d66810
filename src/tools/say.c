/* SPDX-License-Identifier: Apache-2.0 */
/* One line, one write: lines of several programs on one terminal stay whole. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 640 };

void say(const char *fmt, ...)
{
    char line[LINE];
    va_list args;
    int n;

    memcpy(line, "plait: ", 7);
    va_start(args, fmt);
    n = vsnprintf(line + 7, sizeof line - 8, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    n = n < (int)sizeof line - 9 ? n : (int)sizeof line - 9;
    line[7 + n] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n + 8) < 0)
        return; /* nobody is left to be told */
}

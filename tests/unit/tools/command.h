/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of command lines: words of a text as arguments, and what is said on standard error. */
#ifndef TESTS_TOOLS_COMMAND_H
#define TESTS_TOOLS_COMMAND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/args.h"

extern char said[1024]; /* by the last command */

/* The words of a command line, split at single blanks; what is said is caught. */
enum args_verdict command_parse(enum args_verdict (*parser)(int argc, char **argv),
                                const char *command);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs tell people. */
#ifndef TOOLS_SAY_H
#define TOOLS_SAY_H

/* Writes "plait: <text>" and a newline to standard error, in one write. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

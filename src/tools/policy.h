/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of a connection by their names, for command lines. */
#ifndef TOOLS_POLICY_H
#define TOOLS_POLICY_H

#include "args.h"

/* --cc NAME. */
enum args_verdict policy_cc(const char *program, const char *arg, const char **out);
/* --sched NAME. */
enum args_verdict policy_sched(const char *program, const char *arg, const char **out);
/* All of them on standard output, a line for each. */
void policy_help(void);

#endif
